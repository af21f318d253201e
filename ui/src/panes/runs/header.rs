//! The top of the main tile: what run it is, and what can be done with it.

use super::trash::Doomed;
use super::{RunsPane, recipe, resume, reveal};
use crate::action::{Action, Open};
use crate::model::RunState;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, Field, MenuItem, icon_button, tiles};
use egui::{Id, Ui};
use glassworks_protocol::train::{MethodSpec, RunRecord};
use glassworks_protocol::{Command, Edit, Signal};
use std::sync::Arc;

/// What was pressed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Pause,
    Resume,
    GoOn,
    StopKeepBest,
    StopNow,
    Rename,
    Reveal,
    CopyRecipe,
    Talk,
    Predict,
    Trash,
    Restore,
    Delete,
}

impl RunsPane {
    pub(super) fn header_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, run: &Arc<RunRecord>) {
        let state = cx.model.run_state(run);
        let mut asked = None;
        let folded = cx.folds_list();
        let color = self.color(run.id, &cx.theme.tokens);
        // Drawn by two closures, one after the other.
        let shared = std::cell::RefCell::new((&mut *self, &mut *cx));
        tiles::header(
            ui,
            |ui| {
                let (pane, cx) = &mut *shared.borrow_mut();
                asked = more_menu(ui, cx, run);
                pane.export_button(ui, cx, run);
                asked = steer(ui, cx, state).or(asked);
                asked = talk(ui, cx, run).or(asked);
            },
            |ui| {
                let (pane, cx) = &mut *shared.borrow_mut();
                if folded {
                    pane.list_picker(ui, cx, run);
                }
                widgets::bead(ui, color.unwrap_or(cx.theme.tokens.text_3));
                pane.name_ui(ui, cx, run);
                let t = cx.theme.tokens;
                widgets::truncated(ui, Type::Hint.text(about(cx, run), t.text_3));
            },
        );
        if let Some(asked) = asked {
            self.carry_out(cx, run, asked);
        }
    }

    /// The run's name, or a field for a new one.
    fn name_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, run: &RunRecord) {
        let Some((id, mut text)) = self.renaming.clone().filter(|(id, _)| *id == run.id) else {
            widgets::title(ui, &run.name);
            return;
        };
        let name = cx.t("runs.new_name");
        let field = Field::new(&name).width(240.0).id(Id::unique(("rename run", cx.slot)));
        let response = field.show(ui, &mut text);
        if std::mem::take(&mut self.rename_wants_focus) {
            response.request_focus();
        } else if response.lost_focus() {
            if !ui.input(|i| i.key_pressed(egui::Key::Escape)) && !text.trim().is_empty() {
                cx.edit(Edit::RenameRun { run: id, name: text.trim().to_owned() });
            }
            self.renaming = None;
            return;
        }
        self.renaming = Some((id, text));
    }

    fn carry_out(&mut self, cx: &mut PaneCx, run: &RunRecord, asked: Asked) {
        let job = cx.model.runs.job(run.id);
        match (asked, job) {
            (Asked::Pause, Some(job)) => signal(cx, job, Signal::Pause),
            (Asked::GoOn, Some(job)) => signal(cx, job, Signal::GoOn),
            (Asked::StopKeepBest, Some(job)) => signal(cx, job, Signal::StopKeepBest),
            (Asked::StopNow, Some(job)) => cx.cancel(job),
            (Asked::Resume, _) => resume(cx, run.id),
            (Asked::Rename, _) => {
                self.renaming = Some((run.id, run.name.clone()));
                self.rename_wants_focus = true;
            }
            (Asked::Reveal, _) => reveal(cx, run),
            (Asked::CopyRecipe, _) => cx.copy(recipe::as_json(&run.spec)),
            (Asked::Trash, _) => self.trash(cx, run),
            (Asked::Restore, _) => cx.edit(Edit::RestoreRun(run.id)),
            (Asked::Delete, _) => self.doomed = Some(Doomed::One(run.id, run.name.clone())),
            (Asked::Talk, _) => cx.push(Action::Open(Open::Tuned(run.id))),
            (Asked::Predict, _) => cx.push(Action::Open(Open::Predict(run.id))),
            // Its job ended in this very frame.
            (Asked::Pause | Asked::GoOn | Asked::StopKeepBest | Asked::StopNow, None) => {}
        }
    }
}

fn signal(cx: &mut PaneCx, job: glassworks_protocol::ids::JobId, signal: Signal) {
    cx.push(Action::Send(Command::Signal(job, signal)));
}

/// Pause and stop while it runs, resume when it can go on.
fn steer(ui: &mut Ui, cx: &PaneCx, state: RunState) -> Option<Asked> {
    let mut asked = None;
    if state.is_live() {
        let why = (state == RunState::Ending).then(|| cx.t("shell.stopping"));
        let stop = Button::control(cx.t("runs.stop")).icon(icons::STOP).off(why.clone()).show(ui);
        if why.is_none() {
            widgets::menu(&stop, 320.0, |ui| {
                let keep = MenuItem::new(cx.t("runs.stop_keep")).icon(icons::CHECK_CIRCLE);
                if keep.hint(cx.t("runs.stop_keep_hint")).show(ui).clicked() {
                    asked = Some(Asked::StopKeepBest);
                }
                let now = MenuItem::new(cx.t("runs.stop_now")).icon(icons::STOP);
                if now.hint(cx.t("runs.stop_now_hint")).show(ui).clicked() {
                    asked = Some(Asked::StopNow);
                }
            });
        }
        let why = match state {
            RunState::Waiting => Some(cx.t("runs.pause_waiting")),
            _ => why,
        };
        let tip = if state == RunState::Unplugged { "runs.stay_paused_tip" } else { "runs.pause_tip" };
        let pause = Button::control(cx.t("runs.pause")).icon(icons::PAUSE).off(why);
        if pause.tooltip(cx.t(tip)).show(ui).clicked() {
            asked = Some(Asked::Pause);
        }
        if state == RunState::Unplugged {
            let button = Button::accent(cx.t("runs.resume")).icon(icons::PLAY);
            if button.tooltip(cx.t("runs.go_on_tip")).show(ui).clicked() {
                asked = Some(Asked::GoOn);
            }
        }
    } else if state.can_resume() {
        let button = Button::accent(cx.t("runs.resume")).icon(icons::PLAY);
        if button.tooltip(cx.t("runs.resume_tip")).show(ui).clicked() {
            asked = Some(Asked::Resume);
        }
    }
    asked
}

/// Opens the playground on what the run made, or the predict pane where that sorts texts.
fn talk(ui: &mut Ui, cx: &PaneCx, run: &RunRecord) -> Option<Asked> {
    if run.spec.task.classifies() {
        let nothing = run.progress.result.is_none() && cx.model.weights(run).is_empty();
        let why = match () {
            () if cx.model.base_of(run).is_none() => Some(cx.t("runs.talk_no_base")),
            () if nothing => Some(cx.t("runs.talk_nothing")),
            () => None,
        };
        let button = Button::control(cx.t("runs.predict")).icon(icons::TAG).off(why);
        return button.tooltip(cx.t("runs.predict_tip")).show(ui).clicked().then_some(Asked::Predict);
    }
    let why = match () {
        () if cx.model.base_of(run).is_none() => Some(cx.t("runs.talk_no_base")),
        () if !cx.model.can_talk(run) => Some(cx.t("runs.talk_nothing")),
        () => None,
    };
    let button = Button::control(cx.t("runs.talk")).icon(icons::CHATS).off(why);
    button.tooltip(cx.t("runs.talk_tip")).show(ui).clicked().then_some(Asked::Talk)
}

fn more_menu(ui: &mut Ui, cx: &PaneCx, run: &RunRecord) -> Option<Asked> {
    let button = icon_button(ui, icons::DOTS_THREE, cx.t("runs.more"));
    let mut asked = None;
    widgets::menu(&button, 220.0, |ui| {
        let unstored = run.folder.as_os_str().is_empty().then(|| cx.t("runs.state_waiting"));
        let reveal = if run.progress.result.is_some() { "runs.show_result" } else { "runs.show_folder" };
        for (what, key, icon) in [
            (Asked::Rename, "runs.rename", icons::PENCIL_SIMPLE),
            (Asked::CopyRecipe, "runs.copy_recipe", icons::COPY),
            (Asked::Reveal, reveal, icons::FOLDER_OPEN),
        ] {
            if MenuItem::new(cx.t(key)).icon(icon).off(unstored.clone()).show(ui).clicked() {
                asked = Some(what);
            }
        }
        ui.add_space(4.0);
        widgets::divider(ui);
        ui.add_space(4.0);
        if run.trashed_at_ms.is_none() {
            let live = cx.model.run_state(run).is_live().then(|| cx.t("runs.trash_live"));
            let item = MenuItem::new(cx.t("runs.move_to_trash")).icon(icons::TRASH);
            if item.off(unstored.or(live)).show(ui).clicked() {
                asked = Some(Asked::Trash);
            }
            return;
        }
        let restore = MenuItem::new(cx.t("runs.restore")).icon(icons::ARROW_COUNTER_CLOCKWISE);
        if restore.show(ui).clicked() {
            asked = Some(Asked::Restore);
        }
        if MenuItem::new(cx.t("runs.delete_ask")).icon(icons::TRASH).danger().show(ui).clicked() {
            asked = Some(Asked::Delete);
        }
    });
    asked
}

/// `SmolLM2 · LoRA r16 · tutor.jsonl, 4,012 rows`
fn about(cx: &PaneCx, run: &RunRecord) -> String {
    let mut parts = vec![run.progress.model_name.clone()];
    parts.push(match &run.spec.method {
        MethodSpec::Lora(lora) => format!("LoRA r{}", lora.rank),
        MethodSpec::Full(_) => cx.t("runs.full_tuning"),
    });
    let rows = run.progress.data.n_train;
    let mut data = run.spec.data.names().join(", ");
    if rows > 0 {
        let n = crate::units::grouped(rows);
        data = cx.tf("runs.data_rows", &[("data", &data), ("n", &n)]);
    }
    parts.push(data);
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}
