//! Asking what a change would do, without carrying it out: once the hands rest, or when told to; what was asked before
//! is let go of.

use super::samples::{self, Shown};
use crate::model::Job;
use crate::panes::PaneCx;
use egui::Ui;
use glassworks_protocol::datasets::transform::{Transform, TransformReport, TransformSpec};
use glassworks_protocol::datasets::{DatasetJob, DatasetOutput, DatasetRecord, RowId};
use glassworks_protocol::ids::{DatasetId, JobId};
use glassworks_protocol::{Failure, JobOutput, JobSpec, Outcome};
use std::sync::Arc;
use std::time::Duration;

/// Hands that rest so long have entered what they wanted.
const REST_SECS: f64 = 0.4;

/// A change of some rows as they stand.
#[derive(Clone, Debug)]
pub struct Question {
    pub dataset: DatasetId,
    pub revision: u64,
    pub transform: Transform,
    /// `None`: all.
    pub rows: Option<Arc<Vec<RowId>>>,
}

impl PartialEq for Question {
    fn eq(&self, other: &Self) -> bool {
        let same_rows = match (&self.rows, &other.rows) {
            (None, None) => true,
            // Lists can be as long as the dataset; another one is another question.
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        same_rows
            && self.dataset == other.dataset
            && self.revision == other.revision
            && self.transform == other.transform
    }
}

impl Question {
    pub fn new(record: &DatasetRecord, transform: Transform, rows: Option<Arc<Vec<RowId>>>) -> Self {
        Self { dataset: record.id, revision: record.revision, transform, rows }
    }

    /// How many rows are looked at.
    pub fn n_rows(&self, record: &DatasetRecord) -> u64 {
        self.rows.as_ref().map_or(record.n_rows, |rows| rows.len() as u64)
    }

    pub fn job(&self, apply: bool) -> JobSpec {
        let (transform, rows) = (self.transform.clone(), self.rows.clone());
        let spec = TransformSpec { dataset: self.dataset, transform, rows, apply };
        JobSpec::Dataset(DatasetJob::Transform(Box::new(spec)))
    }
}

/// What is known of a change that was tried.
pub struct Told {
    pub report: Arc<TransformReport>,
    pub samples: Vec<Shown>,
}

#[derive(Default)]
pub struct Trial {
    asked: Option<(Question, JobId)>,
    resting: Option<(Question, f64)>,
    failed: Option<(Question, Failure)>,
    told: Option<(Question, Told)>,
}

/// How far the answer is.
pub enum Answer<'a> {
    /// Not asked, or let go of.
    None,
    Working(Arc<Job>),
    Failed(&'a Failure),
    Known(&'a Told),
}

impl Trial {
    /// Takes in what has been answered, and asks by itself if it may. `wanted` is what stands in the form now.
    pub fn tend(&mut self, ui: &Ui, cx: &mut PaneCx, wanted: Option<&Question>, by_itself: bool) {
        self.hear(cx);
        let Some(wanted) = wanted.filter(|_| by_itself) else {
            self.resting = None;
            return;
        };
        if self.is_answered(wanted) || self.asked.as_ref().is_some_and(|(asked, _)| asked == wanted) {
            self.resting = None;
            return;
        }
        let now = ui.input(|i| i.time);
        let since = match &self.resting {
            Some((question, since)) if question == wanted => *since,
            _ => {
                // The first look is taken at once.
                let first = self.told.is_none() && self.asked.is_none() && self.failed.is_none();
                let since = if first { now - REST_SECS } else { now };
                self.resting = Some((wanted.clone(), since));
                since
            }
        };
        let left = since + REST_SECS - now;
        if left > 0.0 {
            ui.ctx().request_repaint_after(Duration::from_secs_f64(left + 0.01));
        } else {
            self.ask(cx, wanted.clone());
        }
    }

    /// Asks now; lets go of what was asked before.
    pub fn ask(&mut self, cx: &mut PaneCx, question: Question) {
        self.stop(cx);
        let job = cx.start(question.job(false));
        self.resting = None;
        self.failed = None;
        self.asked = Some((question, job));
    }

    /// Lets go of what is being asked.
    pub fn stop(&mut self, cx: &mut PaneCx) {
        if let Some((_, job)) = self.asked.take() {
            cx.cancel(job);
        }
    }

    /// Forgets all: something else is looked at.
    pub fn forget(&mut self, cx: &mut PaneCx) {
        self.stop(cx);
        *self = Self::default();
    }

    fn is_answered(&self, wanted: &Question) -> bool {
        self.told.as_ref().is_some_and(|(known, _)| known == wanted)
            || self.failed.as_ref().is_some_and(|(known, _)| known == wanted)
    }

    fn hear(&mut self, cx: &PaneCx) {
        let Some((_, job)) = &self.asked else { return };
        // Of long ago, and forgotten: as if it had been stopped.
        let Some(job) = cx.model.jobs.get(*job) else { return };
        let Some(outcome) = &job.outcome else { return };
        let Some((question, _)) = self.asked.take() else { return };
        match outcome {
            Outcome::Done(JobOutput::Dataset(DatasetOutput::Transformed(report))) => {
                let samples = samples::of(cx, report);
                self.told = Some((question, Told { report: Arc::clone(report), samples }));
                self.failed = None;
            }
            Outcome::Failed(failure) => self.failed = Some((question, failure.clone())),
            Outcome::Done(_) | Outcome::Cancelled => {}
        }
    }

    /// What is known of `wanted`.
    pub fn answer(&self, cx: &PaneCx, wanted: Option<&Question>) -> Answer<'_> {
        if let Some((_, job)) = &self.asked
            && let Some(job) = cx.model.jobs.get(*job)
        {
            return Answer::Working(Arc::clone(job));
        }
        let Some(wanted) = wanted else { return Answer::None };
        match (&self.failed, &self.told) {
            (Some((question, failure)), _) if question == wanted => Answer::Failed(failure),
            (_, Some((question, told))) if question == wanted => Answer::Known(told),
            _ => Answer::None,
        }
    }

    /// The newest answer, of whatever was asked: shown weaker until there is another.
    pub fn last(&self) -> Option<&Told> {
        self.told.as_ref().map(|(_, told)| told)
    }
}
