//! Replies that are read again by a model: how likely it finds them, once it has told.

use glassworks_protocol::ids::JobId;
use glassworks_protocol::score::ScoreReport;
use glassworks_protocol::{Command, Failure, JobOutput, JobSpec, Outcome};
use std::sync::Arc;

/// The newest of them stay.
const MAX: usize = 64;

/// What came of a reading.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    Running,
    Done(Arc<ScoreReport>),
    Failed(Failure),
    Stopped,
}

#[derive(Clone, Debug, Default)]
pub struct Scores {
    all: Vec<(JobId, Reading)>,
}

impl Scores {
    /// `None` once it has been forgotten.
    #[must_use]
    pub fn get(&self, job: JobId) -> Option<&Reading> {
        self.all.iter().find(|(id, _)| *id == job).map(|(_, reading)| reading)
    }

    pub(super) fn sent(&mut self, command: &Command) {
        let Command::Start(job, JobSpec::Score(_)) = command else { return };
        self.all.push((*job, Reading::Running));
        if self.all.len() > MAX {
            self.all.remove(0);
        }
    }

    pub(super) fn settled(&mut self, job: JobId, outcome: &Outcome) {
        let Some((_, reading)) = self.all.iter_mut().find(|(id, _)| *id == job) else { return };
        *reading = match outcome {
            Outcome::Done(JobOutput::Scored(report)) => Reading::Done(Arc::clone(report)),
            Outcome::Failed(failure) => Reading::Failed(failure.clone()),
            Outcome::Done(_) | Outcome::Cancelled => Reading::Stopped,
        };
    }
}
