//! The predict pane: three choices and a button, what was predicted before, and the rows of one of them to look at, mend
//! and learn from.

mod again;
mod choices;
mod data;
mod draft;
mod earlier;
mod mend;
mod results;
mod side;
mod table;
mod toolbar;

use super::{Pane, PaneCx};
use crate::action::Open;
use crate::command::UiCommand;
use crate::model::{Job, Listed};
use crate::widgets::tiles::{self, TileSizes};
use crate::widgets::{self, Button};
use data::DataDialog;
use draft::Draft;
use egui::Ui;
use glassworks_protocol::ids::{JobId, PredictionId, RunId};
use glassworks_protocol::predict::PredictSpec;
use glassworks_protocol::{JobSpec, Outcome, Query};
use results::Results;
use serde_json::{Value, json};
use std::sync::Arc;

/// The widest the form gets.
const WIDTH: f32 = 1040.0;
const INSPECTOR: f32 = 320.0;

pub struct Predict {
    draft: Draft,
    data: DataDialog,
    /// Whose rows are looked at.
    open: Option<PredictionId>,
    results: Results,
    /// What was started here last, until it has ended and been looked at.
    started: Option<(JobId, PredictionId)>,
    /// About to be taken off the list.
    doomed: Option<PredictionId>,
    /// A run whose result is to be used as soon as runs have been told.
    wanted: Option<RunId>,
    sizes: TileSizes,
    drawer: bool,
}

impl Default for Predict {
    fn default() -> Self {
        Self {
            draft: Draft::default(),
            data: DataDialog::default(),
            open: None,
            results: Results::default(),
            started: None,
            doomed: None,
            wanted: None,
            sizes: TileSizes { inspector: INSPECTOR, ..TileSizes::default() },
            drawer: false,
        }
    }
}

impl Pane for Predict {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        self.begin(cx);
        match self.open {
            Some(id) => self.results_ui(ui, cx, id),
            None => self.setup_ui(ui, cx),
        }
        self.data_dialog(ui.ctx(), cx);
        self.again_dialog(ui.ctx(), cx);
        self.doomed_dialog(ui.ctx(), cx);
    }

    fn command(&mut self, command: UiCommand, cx: &mut PaneCx) -> bool {
        match command {
            UiCommand::NewPrediction => {
                self.open = None;
                true
            }
            UiCommand::Inspector => {
                self.drawer ^= true;
                true
            }
            UiCommand::Undo | UiCommand::Redo => self.take_back(cx, command == UiCommand::Undo),
            _ => false,
        }
    }

    fn open(&mut self, open: &Open, cx: &mut PaneCx) -> bool {
        match open {
            Open::Predict(run) => {
                self.open = None;
                self.wanted = Some(*run);
                true
            }
            Open::Path(path) => self.drop_file(path, cx),
            _ => false,
        }
    }

    fn save(&self) -> Option<Value> {
        Some(json!({ "draft": self.draft, "open": self.open, "sizes": self.sizes }))
    }

    fn restore(&mut self, kept: &Value) {
        let part = |name: &str| kept.get(name).cloned().unwrap_or_default();
        self.draft = serde_json::from_value(part("draft")).unwrap_or_default();
        self.open = serde_json::from_value(part("open")).unwrap_or_default();
        self.sizes = serde_json::from_value(part("sizes")).unwrap_or(self.sizes);
    }
}

impl Predict {
    /// Asks for what is needed, and lets go of what is gone.
    fn begin(&mut self, cx: &mut PaneCx) {
        if *cx.model.runs.listed() == Listed::NotAsked {
            cx.fetch(Query::Runs);
        }
        if !cx.model.runs.asked_checkpoints() {
            cx.fetch(Query::Checkpoints);
        }
        match cx.model.predictions.listed() {
            Listed::NotAsked => cx.fetch(Query::Predictions),
            Listed::Ready => {
                self.open = self.open.filter(|id| cx.model.predictions.get(*id).is_some());
            }
            Listed::Asked | Listed::Failed(_) => {}
        }
        if cx.model.knows_runs() {
            if let Some(run) = self.wanted.take() {
                self.draft.choose_run(cx, run);
            }
            self.draft.settle(cx);
        }
        if let Some(file) = self.draft.data.clone()
            && cx.model.predictions.head(&file).is_none()
        {
            cx.fetch(Query::DataHead(file));
        }
        self.draft.settle_column(cx);
        self.draft.since_ms.get_or_insert(cx.now_ms);
        self.settle_started(cx);
    }

    /// What was waited for is shown; of what was paused the list tells.
    fn settle_started(&mut self, cx: &PaneCx) {
        let Some((job, id)) = self.started else { return };
        match cx.model.jobs.get(job).map(|job| job.outcome.as_ref()) {
            Some(Some(Outcome::Done(_))) if cx.model.predictions.get(id).is_some_and(|one| one.done) => {
                self.started = None;
                self.look_at(id);
            }
            // A job of long ago is not in the list of jobs any more.
            Some(Some(Outcome::Cancelled)) | None => self.started = None,
            _ => {}
        }
    }

    fn look_at(&mut self, id: PredictionId) {
        self.open = Some(id);
        self.results = Results::default();
        self.results.want_focus = true;
    }

    fn setup_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let rect = ui.available_rect_before_wrap();
        tiles::tile(ui, "main", rect, |ui| {
            tiles::header(
                ui,
                |_| {},
                |ui| {
                    widgets::title(ui, cx.t("shell.pane_predict"));
                    widgets::hint(ui, cx.t("predict.about"));
                },
            );
            tiles::scroll(ui, "form", 0.0, |ui| {
                ui.set_max_width(WIDTH.min(ui.available_width()));
                self.choices(ui, cx);
                self.prompt_ui(ui, cx);
                self.start_ui(ui, cx);
                self.failed_ui(ui, cx);
                ui.add_space(16.0);
                self.earlier_ui(ui, cx);
            });
        });
    }

    fn start(&mut self, cx: &mut PaneCx, spec: PredictSpec) {
        if let Some(id) = spec.keep {
            let job = cx.start(JobSpec::Predict(Box::new(spec)));
            self.started = Some((job, id));
        }
    }

    /// Why what was started here has not come to its end.
    fn failed_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let job = self.started.and_then(|(job, _)| cx.model.jobs.get(job)).cloned();
        let Some(failure) = job.as_ref().and_then(|job| job.failure()) else { return };
        widgets::card(ui, |ui| {
            ui.set_width(ui.available_width());
            if widgets::failed_line(ui, failure, Some(Button::control(cx.t("predict.put_aside")))) {
                self.started = None;
            }
        });
    }
}

/// The job that works on a prediction now.
fn live(cx: &PaneCx, id: PredictionId) -> Option<Arc<Job>> {
    let mut jobs = cx.model.predictions.jobs().filter(|(_, spec)| spec.keep == Some(id));
    let running = |job: JobId| cx.model.jobs.get(job).filter(|job| job.outcome.is_none()).cloned();
    jobs.find_map(|(job, _)| running(job))
}
