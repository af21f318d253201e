//! Carrying a change out: its job, what came of it, and the way back in a toast.

use super::outcome;
use super::trial::Question;
use crate::action::{Action, Toast};
use crate::model::Job;
use crate::panes::PaneCx;
use crate::theme::icons;
use glassworks_protocol::datasets::transform::{Transform, TransformReport};
use glassworks_protocol::datasets::{DatasetEdit, DatasetOutput};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::{Command, Edit, Failure, JobOutput, Outcome, Signal};
use std::sync::Arc;

#[derive(Default)]
pub struct CarryOut {
    job: Option<(Question, JobId)>,
    failed: Option<(Question, Failure)>,
}

impl CarryOut {
    pub fn start(&mut self, cx: &mut PaneCx, question: Question) {
        let job = cx.start(question.job(true));
        self.failed = None;
        self.job = Some((question, job));
    }

    /// Takes in how it ended; what was done, once. The toast that takes it back has been shown then.
    pub fn tend(&mut self, cx: &mut PaneCx) -> Option<(Question, Arc<TransformReport>)> {
        let outcome = self.job(cx)?.outcome.clone()?;
        let (question, _) = self.job.take()?;
        match outcome {
            Outcome::Done(JobOutput::Dataset(DatasetOutput::Transformed(report))) => {
                let undo = Edit::Dataset(DatasetEdit::Undo(question.dataset));
                let toast = Toast::new(outcome::told(cx, &report)).icon(icons::CHECK);
                cx.toast(if outcome::is_something(&report) { toast.undo(undo) } else { toast });
                Some((question, report))
            }
            Outcome::Failed(failure) => {
                self.failed = Some((question, failure));
                None
            }
            Outcome::Done(_) | Outcome::Cancelled => None,
        }
    }

    /// The job that is at it.
    pub fn working(&self, cx: &PaneCx) -> Option<Arc<Job>> {
        self.job(cx).filter(|job| job.outcome.is_none())
    }

    pub fn stop(&self, cx: &mut PaneCx) {
        if let Some((_, job)) = &self.job {
            cx.cancel(*job);
        }
    }

    /// Whether a model writes, so that what is written can be kept.
    pub fn writes(&self) -> bool {
        self.job.as_ref().is_some_and(|(question, _)| matches!(question.transform, Transform::Write(_)))
    }

    /// Ends the writing with what there is.
    pub fn keep(&self, cx: &mut PaneCx) {
        if let Some((_, job)) = &self.job {
            cx.push(Action::Send(Command::Signal(*job, Signal::StopKeepBest)));
        }
    }

    /// Why it did not come about, while the same stands in the form.
    pub fn failure(&self, wanted: Option<&Question>) -> Option<&Failure> {
        self.failed.as_ref().filter(|(question, _)| Some(question) == wanted).map(|(_, failure)| failure)
    }

    fn job(&self, cx: &PaneCx) -> Option<Arc<Job>> {
        self.job.as_ref().and_then(|(_, job)| cx.model.jobs.get(*job)).cloned()
    }
}
