//! What the model sees of a row: its tokens after the template, which of them are learned, where they are cut; and the
//! same in numbers, for all rows. This file asks; the others draw.

mod bar;
mod chips;
mod strip;
mod totals;

use crate::model::{Offer, Pick};
use crate::panes::PaneCx;
use crate::units;
use egui::Ui;
use glassworks_protocol::datasets::measure::{MeasureSpec, SeeSpec, SeenRow};
use glassworks_protocol::datasets::{
    DataTask, DatasetJob, DatasetOutput, DatasetRecord, Row, RowDocument, RowId,
};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::{DatasetId, JobId};
use glassworks_protocol::train::{ClassificationSpec, TaskSpec};
use glassworks_protocol::{Failure, JobOutput, JobSpec, Outcome};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// So long after the last key a row is looked at anew.
const REST_MS: i64 = 150;
/// Of the strip, in points.
const USUAL_HEIGHT: f32 = 264.0;

/// What a row teaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Task {
    Chat,
    Text,
    Label,
}

impl Task {
    /// What a dataset is trained on as, where nothing else is chosen.
    fn of(task: DataTask) -> Self {
        match task {
            DataTask::Classification => Self::Label,
            DataTask::Text | DataTask::Tagging => Self::Text,
            DataTask::Chat | DataTask::QuestionAnswering | DataTask::Pairs | DataTask::Preference => {
                Self::Chat
            }
        }
    }

    fn spec(self) -> TaskSpec {
        match self {
            Self::Chat => TaskSpec::Chat,
            Self::Text => TaskSpec::Text,
            Self::Label => TaskSpec::Classification(ClassificationSpec::default()),
        }
    }
}

/// What a person has chosen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    by: Option<Pick>,
    /// Rows are cut here; `None`: where training would.
    limit: Option<u32>,
    /// `None`: as the dataset's task has it.
    task: Option<(DatasetId, Task)>,
    folded: bool,
    /// Of the strip, in points.
    height: f32,
}

impl Default for Choices {
    fn default() -> Self {
        Self { by: None, limit: None, task: None, folded: false, height: USUAL_HEIGHT }
    }
}

struct Asked {
    job: JobId,
    spec: SeeSpec,
    document: Arc<RowDocument>,
}

#[derive(Default)]
pub struct Seen {
    pub choices: Choices,
    asked: Option<Asked>,
    asked_ms: i64,
    /// The newest answer, and to what: it stays while the next one is made.
    answer: Option<(MeasureSpec, Arc<SeenRow>)>,
    failure: Option<Failure>,
    /// What stood in the editor last, and since when.
    written: Option<Row>,
    written_ms: i64,
    chips: chips::Chips,
    counting: Option<JobId>,
    /// How high the numbers of all rows were when they were drawn last.
    totals_height: f32,
}

/// What the strip is given.
pub struct Given<'a> {
    pub record: &'a DatasetRecord,
    /// The row that is looked at, and all of it as soon as that is known.
    pub row: Option<RowId>,
    pub document: Option<&'a Arc<RowDocument>>,
    /// As it stands in the editor, where that is not what is stored.
    pub unsaved: Option<&'a Row>,
}

impl Seen {
    /// For which model and limit rows are measured; `None` where there is no model.
    #[must_use]
    pub fn spec(&self, cx: &PaneCx, record: &DatasetRecord) -> Option<MeasureSpec> {
        Some(MeasureSpec {
            dataset: record.id,
            // What a run made of a model reads as the model does.
            model: ModelSource::Library(cx.model.base_of_pick(self.reader(cx)?.pick())?.id),
            task: self.task(record).spec(),
            max_length: self.choices.limit,
        })
    }

    /// The row as it is seen, if that is known of this one.
    #[must_use]
    pub fn row(&self, cx: &PaneCx, record: &DatasetRecord, document: &RowDocument) -> Option<&Arc<SeenRow>> {
        let (spec, seen) = self.answer.as_ref()?;
        let current = seen.row == document.id && Some(spec) == self.spec(cx, record).as_ref();
        current.then_some(seen)
    }

    /// With whose eyes rows are seen: the one that was chosen, else the model used last, else one that converses.
    fn reader(&self, cx: &PaneCx) -> Option<Offer> {
        let there = |pick: Option<Pick>| cx.model.offer(pick?);
        let library = cx.model.library.models();
        let any = || library.iter().find(|model| model.card.is_chat()).or(library.first());
        there(self.choices.by)
            .or_else(|| there(cx.settings().last_model.map(Pick::Model)))
            .or_else(|| there(any().map(|model| Pick::Model(model.id))))
    }

    fn task(&self, record: &DatasetRecord) -> Task {
        let chosen = self.choices.task.filter(|(of, _)| *of == record.id).map(|(_, task)| task);
        chosen.unwrap_or(Task::of(record.mapping.task))
    }

    /// Takes an answer, and asks anew where the row, what is written in it, the model or the limit is another one: once
    /// at a time, so that the engine is never behind by more than one.
    pub fn ask(&mut self, ui: &Ui, cx: &mut PaneCx, given: &Given) {
        if self.choices.folded {
            return;
        }
        if let Some(asked) = &self.asked
            && let Some(job) = cx.model.jobs.get(asked.job)
        {
            match &job.outcome {
                None => return,
                Some(Outcome::Done(JobOutput::Dataset(DatasetOutput::Seen(seen)))) => {
                    let old = self.answer.as_ref().is_some_and(|(_, old)| Arc::ptr_eq(old, seen));
                    if !old {
                        self.answer = Some((asked.spec.measure.clone(), Arc::clone(seen)));
                        self.failure = None;
                    }
                }
                Some(Outcome::Failed(failure)) => self.failure = Some(failure.clone()),
                Some(_) => {}
            }
        }
        let (Some(document), Some(measure)) = (given.document, self.spec(cx, given.record)) else { return };
        let spec = SeeSpec { measure, row: document.id, unsaved: given.unsaved.cloned() };
        let same_row = self
            .asked
            .as_ref()
            .is_some_and(|asked| asked.spec.row == spec.row && asked.spec.measure == spec.measure);
        let same = self
            .asked
            .as_ref()
            .is_some_and(|asked| asked.spec == spec && Arc::ptr_eq(&asked.document, document));
        if same {
            return;
        }
        if same_row && !self.has_rested(ui, cx, given.unsaved) {
            return;
        }
        let job = cx.start(JobSpec::Dataset(DatasetJob::See(Box::new(spec.clone()))));
        if !same_row {
            self.failure = None;
        }
        self.asked = Some(Asked { job, spec, document: Arc::clone(document) });
        self.asked_ms = cx.now_ms;
    }

    /// Whether nothing has been written for a moment.
    fn has_rested(&mut self, ui: &Ui, cx: &PaneCx, unsaved: Option<&Row>) -> bool {
        if self.written.as_ref() != unsaved {
            self.written = unsaved.cloned();
            self.written_ms = cx.now_ms;
        }
        let left = self.written_ms + REST_MS - cx.now_ms;
        if unsaved.is_some() && left > 0 {
            ui.ctx().request_repaint_after(Duration::from_millis(left.unsigned_abs()));
            return false;
        }
        true
    }

    /// Asks again for what could not be seen.
    fn again(&mut self) {
        self.asked = None;
        self.failure = None;
    }
}

/// Something of a row that the model never sees, or learns nothing from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub severe: bool,
    pub title: String,
    pub text: String,
}

/// What is to be said of a row as it is seen.
#[must_use]
pub fn warnings(cx: &PaneCx, seen: &SeenRow) -> Vec<Warning> {
    let limit = units::grouped(seen.max_length.into());
    let warning = |severe, title: String, text: String| vec![Warning { severe, title, text }];
    if seen.n_targets > 0 && seen.n_kept_targets == 0 {
        let text = cx.tf("datasets.seen_empty_text", &[("limit", &limit)]);
        return warning(true, cx.t("datasets.seen_empty"), text);
    }
    if let Some(problem) = &seen.problem {
        return warning(true, cx.t("datasets.seen_left_out"), cx.render(problem));
    }
    if seen.n_targets == 0 {
        return warning(true, cx.t("datasets.seen_no_target"), cx.t("datasets.seen_no_target_text"));
    }
    if seen.in_pieces || seen.n_kept as usize >= seen.tokens.len() {
        return Vec::new();
    }
    let n = units::grouped(seen.tokens.len() as u64);
    let title = cx.tf("datasets.seen_cut", &[("limit", &units::grouped(seen.n_kept.into())), ("n", &n)]);
    warning(false, title, cx.t("datasets.seen_cut_text"))
}
