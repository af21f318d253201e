//! What was predicted before: how far it is, and what can be done with it.

use super::draft::file_name;
use super::{Predict, live};
use crate::action::Action;
use crate::model::{Job, JobState, Listed};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{self, Button, MenuItem, Tone, icon_button};
use egui::{Align, Context, Layout, Ui, vec2};
use glassworks_protocol::predict::{PredictSpec, PredictionRecord};
use glassworks_protocol::{Edit, Query};
use std::sync::Arc;

/// Of a row without its bar.
const ROW: f32 = 44.0;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Look,
    GoOn,
    Reveal,
    Remove,
}

impl Predict {
    pub(super) fn earlier_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        match cx.model.predictions.listed().clone() {
            Listed::Failed(failure) => {
                if widgets::failed_line(ui, &failure, Some(Button::control(cx.t("predict.ask_again")))) {
                    cx.fetch(Query::Predictions);
                }
                return;
            }
            Listed::NotAsked | Listed::Asked => {
                widgets::hint(ui, cx.t("predict.reading"));
                return;
            }
            Listed::Ready => {}
        }
        self.starting_ui(ui, cx);
        let list = cx.model.predictions.list().to_vec();
        if list.is_empty() {
            if self.started.is_none() {
                widgets::semibold(ui, cx.t("predict.none"));
                widgets::hint(ui, cx.t("predict.none_sentence"));
            }
            return;
        }
        widgets::semibold(ui, cx.t("predict.earlier"));
        for record in &list {
            ui.push_id(record.id, |ui| {
                widgets::divider(ui);
                if let Some(asked) = row(ui, cx, record) {
                    self.carry_out(cx, record, asked);
                }
            });
        }
    }

    /// What was started here and is not in the list yet: its model is being loaded.
    fn starting_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some((job, id)) = self.started.filter(|(_, id)| cx.model.predictions.get(*id).is_none()) else {
            return;
        };
        let Some(job) = cx.model.jobs.get(job).filter(|job| job.outcome.is_none()).cloned() else { return };
        if live(cx, id).is_some() {
            running(ui, cx, &cx.render(&job.title), &job);
            ui.add_space(12.0);
        }
    }

    fn carry_out(&mut self, cx: &mut PaneCx, record: &PredictionRecord, asked: Asked) {
        match asked {
            Asked::Look => self.look_at(record.id),
            Asked::GoOn => self.start(cx, PredictSpec { keep: Some(record.id), ..record.spec.clone() }),
            Asked::Reveal => cx.push(Action::Reveal(record.spec.out.clone())),
            Asked::Remove => self.doomed = Some(record.id),
        }
    }

    pub(super) fn doomed_dialog(&mut self, ctx: &Context, cx: &mut PaneCx) {
        let Some(record) = self.doomed.and_then(|id| cx.model.predictions.get(id)).cloned() else {
            self.doomed = None;
            return;
        };
        let theme = Arc::clone(&cx.theme);
        let title = cx.tf("predict.remove_title", &[("name", &file_name(&record.spec.data))]);
        let (mut remove, mut keep) = (false, false);
        let close = widgets::dialog(ctx, &theme, "remove prediction", &title, 440.0, |ui| {
            let key = if record.done { "predict.remove_done" } else { "predict.remove_unfinished" };
            let n = units::grouped(record.n_mended + record.n_confirmed);
            let words = cx.tf(key, &[("n", &n), ("path", &record.spec.out.display())]);
            ui.label(Type::Body.text(words, theme.tokens.text_2));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                remove = Button::danger(cx.t("predict.remove")).show(ui).clicked();
                keep = Button::control(cx.t("shell.cancel")).show(ui).clicked();
            });
        });
        if remove {
            cx.edit(Edit::RemovePrediction(record.id));
        }
        if remove || keep || close {
            self.doomed = None;
        }
    }
}

/// File, column and model; how far it is; what can be done.
fn row(ui: &mut Ui, cx: &mut PaneCx, record: &PredictionRecord) -> Option<Asked> {
    let title = cx
        .tf("predict.row_title", &[("file", &file_name(&record.spec.data)), ("column", &record.spec.column)]);
    if let Some(job) = live(cx, record.id) {
        ui.add_space(6.0);
        running(ui, cx, &title, &job);
        ui.add_space(6.0);
        return None;
    }
    let mut asked = None;
    let line = vec2(ui.available_width(), ROW);
    ui.allocate_ui_with_layout(line, Layout::right_to_left(Align::Center), |ui| {
        asked = more(ui, cx, record);
        if record.done {
            let button = Button::control(cx.t("predict.look")).icon(icons::ARROW_RIGHT);
            let name = cx.tf("predict.look_at", &[("name", &title)]);
            if button.name(name).show(ui).clicked() {
                asked = Some(Asked::Look);
            }
        } else {
            let next = units::grouped(record.n_rows + 1);
            let button = Button::control(cx.tf("predict.go_on", &[("row", &next)])).icon(icons::PLAY);
            if button.show(ui).clicked() {
                asked = Some(Asked::GoOn);
            }
            if record.n_rows > 0 {
                let name = cx.tf("predict.look_at", &[("name", &title)]);
                if Button::quiet(cx.t("predict.look")).name(name).show(ui).clicked() {
                    asked = Some(Asked::Look);
                }
            }
        }
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.spacing_mut().interact_size.y = 18.0;
            ui.add_space(3.0);
            ui.horizontal(|ui| {
                widgets::truncated(ui, Type::Body.medium(title.as_str(), cx.theme.tokens.text_1));
                mended_tag(ui, cx, record);
            });
            widgets::truncated(ui, Type::Hint.text(stands(cx, record), cx.theme.tokens.text_3));
        });
    });
    asked
}

/// How far a job is; a press on Pause leaves it where it is.
fn running(ui: &mut Ui, cx: &mut PaneCx, title: &str, job: &Job) {
    let mut pause = false;
    let line = vec2(ui.available_width(), 24.0);
    ui.allocate_ui_with_layout(line, Layout::right_to_left(Align::Center), |ui| {
        let off = job.stopping.then(|| cx.t("shell.stopping"));
        let button = Button::control(cx.t("predict.pause")).icon(icons::PAUSE).small().off(off);
        let name = cx.tf("predict.pause_named", &[("name", &title)]);
        pause = button.name(name).tooltip(cx.t("predict.pause_tip")).show(ui).clicked();
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            widgets::bead(ui, cx.theme.tokens.warm);
            widgets::medium(ui, title);
            if let Some(progress) = &job.progress {
                let stage = cx.render(&progress.stage);
                widgets::truncated(ui, Type::Hint.text(stage, cx.theme.tokens.text_3));
            } else if job.state() == JobState::Waiting {
                widgets::hint(ui, cx.t("job.waiting_why"));
            }
        });
    });
    let fraction = job.progress.as_ref().and_then(|progress| progress.fraction());
    widgets::progress_bar(ui, title, ui.available_width(), fraction, cx.theme.tokens.warm);
    if let Some(progress) = &job.progress {
        widgets::progress_line(ui, progress);
    }
    if pause {
        cx.cancel(job.id);
    }
}

fn more(ui: &mut Ui, cx: &PaneCx, record: &PredictionRecord) -> Option<Asked> {
    let name = cx.tf("predict.more", &[("name", &file_name(&record.spec.out))]);
    let button = icon_button(ui, icons::DOTS_THREE, name);
    let mut asked = None;
    widgets::menu(&button, 200.0, |ui| {
        let unfinished = (!record.done).then(|| cx.t("predict.no_file_yet"));
        let reveal = MenuItem::new(cx.t("predict.show_file")).icon(icons::FOLDER_OPEN).off(unfinished);
        if reveal.show(ui).clicked() {
            asked = Some(Asked::Reveal);
        }
        if MenuItem::new(cx.t("predict.remove_ask")).icon(icons::TRASH).danger().show(ui).clicked() {
            asked = Some(Asked::Remove);
        }
    });
    asked
}

/// `17 mended`, if there are any.
pub fn mended_tag(ui: &mut Ui, cx: &PaneCx, record: &PredictionRecord) {
    if record.n_mended > 0 {
        let n = units::grouped(record.n_mended);
        widgets::tag(ui, Tone::Accent, cx.tf("predict.n_mended", &[("n", &n)]));
    }
    if record.n_confirmed > 0 {
        let n = units::grouped(record.n_confirmed);
        widgets::tag(ui, Tone::Ok, cx.tf("predict.n_confirmed", &[("n", &n)]));
    }
}

/// `10,070 rows by "Reviews", 2026-11-21 12:00`
fn stands(cx: &PaneCx, record: &PredictionRecord) -> String {
    let at = format!(
        "{} {}",
        units::date(record.created_at_ms, cx.utc_offset_secs),
        units::clock(record.created_at_ms, cx.utc_offset_secs)
    );
    let key = if record.done { "predict.stands_done" } else { "predict.stands_open" };
    let n = units::grouped(record.n_rows);
    let mut words = cx.tf(key, &[("n", &n), ("model", &record.model_name), ("at", &at)]);
    if record.n_left_out > 0 {
        let n = units::grouped(record.n_left_out);
        words.push_str(&cx.t("finetune.comma"));
        words.push_str(&cx.tf("finetune.left_out", &[("n", &n)]));
    }
    words
}
