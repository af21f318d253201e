//! Runs: watch one live, look back at all of them, lay several over each other.

mod export;
mod figures;
mod header;
mod labels;
mod list;
mod list_row;
mod notes;
mod plot;
mod prepared;
mod recipe;
mod rows;
mod samples;
mod trash;

use super::{Pane, PaneCx, PaneId};
use crate::action::{Action, Open};
use crate::model::{Listed, RunState};
use crate::theme::{Tokens, icons, size};
use crate::widgets::{self, Button, Tone, tiles};
use egui::{Color32, ScrollArea, Ui};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::train::{PausedBy, RunRecord, TrainJob};
use glassworks_protocol::{JobSpec, Query};
use std::sync::Arc;

/// Runs that are laid over the selected one at most: as many as there are colours left.
const MAX_BESIDE: usize = 4;
/// Their colours, by their place among the series; the first two are the selected run's.
const BESIDE_COLORS: [usize; MAX_BESIDE] = [4, 2, 3, 5];

#[derive(Default)]
pub struct RunsPane {
    selected: Option<RunId>,
    /// Laid over it, each with its colour's place in [`BESIDE_COLORS`], which it keeps.
    beside: Vec<(RunId, usize)>,
    sizes: tiles::TileSizes,
    list: list::ListState,
    plot: plot::PlotState,
    export: export::ExportState,
    recipe: recipe::RecipeState,
    samples: samples::SamplesState,
    rows: rows::RowsState,
    notes: notes::NotesState,
    doomed: Option<trash::Doomed>,
    labels_shown: labels::Shown,
    renaming: Option<(RunId, String)>,
    rename_wants_focus: bool,
}

impl Pane for RunsPane {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        self.begin(cx);
        ui.push_id(cx.slot, |ui| match cx.model.runs.listed().clone() {
            Listed::Failed(failure) => {
                alone(ui, |ui| {
                    let again = Button::control(cx.t("runs.again")).icon(icons::ARROW_CLOCKWISE);
                    if widgets::failed(ui, &failure, Some(again)) {
                        cx.fetch(Query::Runs);
                    }
                });
            }
            _ if !cx.model.runs.list().is_empty() => self.tiles(ui, cx),
            Listed::Ready => alone(ui, |ui| empty(ui, cx)),
            Listed::NotAsked | Listed::Asked => alone(ui, |ui| {
                ui.add_space(24.0);
                ui.vertical_centered(|ui| widgets::hint(ui, cx.t("runs.reading")));
            }),
        });
        self.picked_export(cx);
        self.doomed_ui(ui.ctx(), cx);
    }

    fn open(&mut self, open: &Open, _cx: &mut PaneCx) -> bool {
        let Open::Run(id) = open else { return false };
        self.select(*id);
        true
    }

    fn closing(&mut self, cx: &mut PaneCx) {
        self.notes.store(cx, true);
    }

    fn save(&self) -> Option<serde_json::Value> {
        Some(serde_json::json!({
            "run": self.selected,
            "beside": self.beside,
            "tiles": self.sizes,
            "plot": self.plot.choices,
            "order": self.list.order,
        }))
    }

    fn restore(&mut self, kept: &serde_json::Value) {
        let part = |name: &str| kept.get(name).cloned().unwrap_or_default();
        self.selected = serde_json::from_value(part("run")).unwrap_or_default();
        let mut beside: Vec<(RunId, usize)> = serde_json::from_value(part("beside")).unwrap_or_default();
        beside.retain(|(_, color)| *color < MAX_BESIDE);
        beside.truncate(MAX_BESIDE);
        self.beside = beside;
        self.sizes = serde_json::from_value(part("tiles")).unwrap_or_default();
        self.plot.choices = serde_json::from_value(part("plot")).unwrap_or_default();
        self.list.order = serde_json::from_value(part("order")).unwrap_or_default();
    }
}

fn alone(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let rect = ui.available_rect_before_wrap();
    tiles::tile(ui, "main", rect, add);
}

fn empty(ui: &mut Ui, cx: &mut PaneCx) {
    let button = Button::accent(cx.t("runs.none_action")).icon(icons::FLAME);
    if widgets::empty(ui, &cx.t("runs.none"), &cx.t("runs.none_sentence"), Some(button)) {
        cx.push(Action::Show(PaneId::Finetune));
    }
}

impl RunsPane {
    /// Asks for what is needed, and lets go of what is gone.
    fn begin(&mut self, cx: &mut PaneCx) {
        let runs = &cx.model.runs;
        match runs.listed() {
            Listed::NotAsked => cx.fetch(Query::Runs),
            Listed::Ready => {
                self.selected = self.selected.filter(|id| runs.get(*id).is_some());
                self.beside.retain(|(id, _)| runs.get(*id).is_some());
            }
            Listed::Asked | Listed::Failed(_) => {}
        }
        if !runs.asked_checkpoints() {
            cx.fetch(Query::Checkpoints);
        }
        if self.selected.is_none()
            && let Some(first) = runs.list().iter().find(|run| run.trashed_at_ms.is_none())
        {
            self.select(first.id);
        }
        if let Some(id) = self.selected
            && runs.get(id).is_some()
            && !cx.model.looks.has_asked(id)
        {
            cx.fetch(Query::RunSamples(id));
        }
        for id in self.shown() {
            if runs.get(id).is_some() && !runs.has_asked(id) {
                cx.fetch(Query::RunPoints(id));
                cx.fetch(Query::RunCheckpoints(id));
            }
        }
    }

    /// The selected run, then those laid over it.
    fn shown(&self) -> Vec<RunId> {
        self.selected.into_iter().chain(self.beside.iter().map(|(id, _)| *id)).collect()
    }

    fn select(&mut self, id: RunId) {
        if self.selected == Some(id) {
            return;
        }
        // One that was laid over the other changes places with it.
        if let Some(place) = self.beside.iter_mut().find(|(beside, _)| *beside == id)
            && let Some(old) = self.selected
        {
            place.0 = old;
        }
        self.selected = Some(id);
        self.plot.look = Default::default();
        self.renaming = None;
    }

    /// Lays a run over the selected one, or takes it away.
    fn toggle_beside(&mut self, id: RunId) {
        if let Some(at) = self.beside.iter().position(|(beside, _)| *beside == id) {
            self.beside.remove(at);
        } else if self.selected != Some(id) {
            let free = (0..MAX_BESIDE).find(|color| self.beside.iter().all(|(_, taken)| taken != color));
            self.beside.extend(free.map(|color| (id, color)));
        }
    }

    /// The colour of a run that is in the plot.
    fn color(&self, id: RunId, t: &Tokens) -> Option<Color32> {
        if self.selected == Some(id) {
            return Some(t.series[0]);
        }
        let (_, color) = self.beside.iter().find(|(beside, _)| *beside == id)?;
        Some(t.series[BESIDE_COLORS[*color]])
    }

    fn tiles(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let columns = tiles::columns(ui, &mut self.sizes, !cx.folds_list(), false);
        if let Some(rect) = columns.list {
            tiles::tile(ui, "list", rect, |ui| self.list_tile(ui, cx, rect));
        }
        tiles::tile(ui, "main", columns.main, |ui| {
            let run = self.selected.and_then(|id| cx.model.runs.get(id)).cloned();
            if let Some(run) = run {
                self.header_ui(ui, cx, &run);
                self.body(ui, cx, &run);
            }
        });
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut PaneCx, run: &Arc<RunRecord>) {
        let state = cx.model.run_state(run);
        let curves = cx.model.runs.curves(run.id);
        if state == RunState::Waiting && curves.is_none_or(|curves| curves.is_empty()) {
            let job = cx.model.runs.job(run.id).and_then(|id| cx.model.jobs.get(id)).cloned();
            let progress = job.as_ref().and_then(|job| job.progress.as_ref());
            if widgets::working(ui, &run.name, progress)
                && let Some(job) = &job
            {
                cx.cancel(job.id);
            }
            return;
        }
        let room = ui.available_height();
        ScrollArea::vertical().id_salt("run").auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            self.failure_ui(ui, cx, run, state);
            getting_ready(ui, cx, run, state);
            paused_by(ui, cx, run, state);
            figures::show(ui, cx, run, state);
            widgets::divider(ui);
            self.plot_ui(ui, cx, run, state, room);
            self.notes_ui(ui, cx, run);
            self.labels_ui(ui, cx, run);
            self.samples_ui(ui, cx, run);
            self.rows_ui(ui, cx, run);
            self.recipe_ui(ui, cx, run);
        });
    }

    /// Why a run failed and what to do.
    fn failure_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, run: &RunRecord, state: RunState) {
        let Some(failure) = run.progress.failure.as_ref().filter(|_| state == RunState::Failed) else {
            return;
        };
        egui::Frame::new().inner_margin(size::PADDING as i8).show(ui, |ui| {
            ui.set_width(ui.available_width());
            let kept = cx.model.runs.checkpoints(run.id).iter().map(|checkpoint| checkpoint.step).max();
            let again = kept.map(|step| {
                let words = cx.tf("runs.resume_from", &[("step", &crate::units::grouped(step))]);
                Button::control(words).icon(icons::PLAY)
            });
            if widgets::failed_line(ui, failure, again) {
                resume(cx, run.id);
            }
        });
        widgets::divider(ui);
    }
}

/// What a run that goes on does before it trains again.
fn getting_ready(ui: &mut Ui, cx: &PaneCx, run: &RunRecord, state: RunState) {
    let job = cx.model.runs.job(run.id).and_then(|id| cx.model.jobs.get(id));
    let Some(job) = job.filter(|_| state == RunState::Waiting) else { return };
    egui::Frame::new().inner_margin(size::PADDING as i8).show(ui, |ui| {
        ui.set_width(ui.available_width());
        widgets::job_row(ui, &cx.t("runs.state_waiting"), job.progress.as_ref(), None);
    });
    widgets::divider(ui);
}

/// Why a run is paused where nobody asked for it.
fn paused_by(ui: &mut Ui, cx: &PaneCx, run: &RunRecord, state: RunState) {
    let key = match (state, run.progress.paused_by) {
        (RunState::Unplugged, _) => "runs.waits_for_mains",
        (RunState::Paused, Some(PausedBy::Battery)) => "runs.on_battery",
        _ => return,
    };
    egui::Frame::new().inner_margin(size::PADDING as i8).show(ui, |ui| {
        ui.set_width(ui.available_width());
        widgets::badge(ui, Tone::Warn, icons::BATTERY_MEDIUM, cx.t(key));
    });
    widgets::divider(ui);
}

fn resume(cx: &mut PaneCx, run: RunId) {
    cx.start(JobSpec::Train(TrainJob::Resume { run }));
}

/// Shows a folder of the run, the result before the rest.
fn reveal(cx: &mut PaneCx, run: &RunRecord) {
    cx.push(Action::Reveal(run.progress.result.clone().unwrap_or_else(|| run.folder.clone())));
}
