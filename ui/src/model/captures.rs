//! What was looked into: captures as their layers come, drawn maps, and what heads tend to do. Nothing of it is stored;
//! the newest stay.

use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::{CaptureId, JobId};
use glassworks_protocol::inside::{
    Capture, Effect, HeadImage, InsideJob, InsideOutput, InsidePartial, ScoresReport,
};
use glassworks_protocol::train::TunedSource;
use glassworks_protocol::{Failure, JobOutput, JobSpec, Outcome};
use std::sync::Arc;

/// Captures that stay: they are large.
const MOST: usize = 3;
/// Drawn maps that stay.
const MOST_IMAGES: usize = 64;
/// Models whose heads were measured.
const MOST_SCORES: usize = 16;
/// What else was asked of captures.
const MOST_REPORTS: usize = 32;

/// How far a job of looking inside is.
#[derive(Clone, Debug, PartialEq)]
pub enum Looking {
    Running,
    Done,
    Stopped,
    Failed(Failure),
}

/// A capture, perhaps still on its way.
#[derive(Clone, Debug)]
pub struct CaptureState {
    pub id: CaptureId,
    pub job: JobId,
    pub looking: Looking,
    /// Once the text has been read: with the layers that are through.
    pub capture: Option<Arc<Capture>>,
}

/// What came of a question about a capture: parts switched off, a text written on.
#[derive(Clone, Debug)]
pub struct InsideReport {
    pub job: JobId,
    pub looking: Looking,
    pub output: Option<InsideOutput>,
    /// Of a sweep: layers that are through, in their order.
    pub effects: Vec<Vec<Effect>>,
}

/// A map: none while it is drawn, or when that was stopped.
type Drawn = Result<Option<Arc<HeadImage>>, Failure>;

/// Whose heads were measured.
pub type Measured = (ModelSource, Option<TunedSource>);

#[derive(Clone, Debug, Default)]
pub struct Captures {
    all: Vec<CaptureState>,
    images: Vec<(JobId, Drawn)>,
    scores: Vec<(Measured, JobId, Looking, Option<Arc<ScoresReport>>)>,
    reports: Vec<InsideReport>,
}

impl Captures {
    /// `None` once it has been forgotten.
    #[must_use]
    pub fn get(&self, id: CaptureId) -> Option<&CaptureState> {
        self.all.iter().find(|one| one.id == id)
    }

    /// The newest last.
    #[must_use]
    pub fn all(&self) -> &[CaptureState] {
        &self.all
    }

    /// A drawn map: `Ok(None)` while it is drawn, or when that was stopped; `None` once it has been forgotten.
    #[must_use]
    pub fn image(&self, job: JobId) -> Option<Result<Option<&Arc<HeadImage>>, &Failure>> {
        let (_, image) = self.images.iter().find(|(id, _)| *id == job)?;
        Some(image.as_ref().map(Option::as_ref))
    }

    /// What a model's heads tend to do; `None` when it has not been asked.
    #[must_use]
    pub fn scores(&self, of: &Measured) -> Option<(&Looking, Option<&Arc<ScoresReport>>)> {
        self.scores
            .iter()
            .find(|(whose, ..)| whose == of)
            .map(|(_, _, looking, report)| (looking, report.as_ref()))
    }

    /// `None` once it has been forgotten.
    #[must_use]
    pub fn report(&self, job: JobId) -> Option<&InsideReport> {
        self.reports.iter().find(|report| report.job == job)
    }

    pub(super) fn started(&mut self, job: JobId, spec: &JobSpec) {
        match spec {
            JobSpec::Inside(InsideJob::Capture(spec)) => {
                let looking = Looking::Running;
                self.all.push(CaptureState { id: spec.id, job, looking, capture: None });
                if self.all.len() > MOST {
                    self.all.remove(0);
                }
            }
            JobSpec::Inside(InsideJob::Head(_)) => {
                self.images.push((job, Ok(None)));
                if self.images.len() > MOST_IMAGES {
                    drop(self.images.remove(0));
                }
            }
            JobSpec::Inside(InsideJob::Scores(spec)) => {
                let whose = (spec.model.clone(), spec.tuned);
                self.scores.retain(|(of, ..)| *of != whose);
                self.scores.push((whose, job, Looking::Running, None));
                if self.scores.len() > MOST_SCORES {
                    self.scores.remove(0);
                }
            }
            JobSpec::Inside(_) => {
                let looking = Looking::Running;
                self.reports.push(InsideReport { job, looking, output: None, effects: Vec::new() });
                if self.reports.len() > MOST_REPORTS {
                    self.reports.remove(0);
                }
            }
            _ => {}
        }
    }

    pub(super) fn partial(&mut self, job: JobId, partial: InsidePartial) {
        if let InsidePartial::Swept { layer, effects } = partial {
            let report = self.reports.iter_mut().find(|report| report.job == job);
            if let Some(report) = report.filter(|report| report.effects.len() == layer as usize) {
                report.effects.push(effects);
            }
            return;
        }
        let Some(state) = self.all.iter_mut().find(|state| state.job == job) else { return };
        match (partial, &mut state.capture) {
            (InsidePartial::Begun(capture), slot) => *slot = Some(capture),
            (InsidePartial::Layer(layer), Some(capture)) => Arc::make_mut(capture).layers.push(layer),
            (InsidePartial::Layer(_), None) | (InsidePartial::Swept { .. }, _) => {}
        }
    }

    /// Gives the outcome without what is kept here.
    pub(super) fn settled(&mut self, job: JobId, outcome: Outcome) -> Outcome {
        let looking = match &outcome {
            Outcome::Done(_) => Looking::Done,
            Outcome::Cancelled => Looking::Stopped,
            Outcome::Failed(failure) => Looking::Failed(failure.clone()),
        };
        let output = match outcome {
            Outcome::Done(JobOutput::Inside(output)) => output,
            other => {
                self.ended(job, looking);
                return other;
            }
        };
        match output {
            InsideOutput::Captured(capture) => {
                if let Some(state) = self.all.iter_mut().find(|state| state.job == job) {
                    state.capture = Some(capture);
                }
            }
            InsideOutput::Head(image) => {
                if let Some((_, slot)) = self.images.iter_mut().find(|(id, _)| *id == job) {
                    *slot = Ok(Some(image));
                }
            }
            InsideOutput::Scored(report) => {
                if let Some((.., slot)) = self.scores.iter_mut().find(|(_, id, ..)| *id == job) {
                    *slot = Some(report);
                }
            }
            InsideOutput::Shown => {}
            other => {
                if let Some(report) = self.reports.iter_mut().find(|report| report.job == job) {
                    report.output = Some(other);
                }
            }
        }
        self.ended(job, looking);
        Outcome::Done(JobOutput::Inside(InsideOutput::Shown))
    }

    fn ended(&mut self, job: JobId, looking: Looking) {
        if let Some(state) = self.all.iter_mut().find(|state| state.job == job) {
            state.looking = looking.clone();
        }
        if let Some((_, _, state, _)) = self.scores.iter_mut().find(|(_, id, ..)| *id == job) {
            *state = looking.clone();
        }
        if let Some(report) = self.reports.iter_mut().find(|report| report.job == job) {
            report.looking = looking.clone();
        }
        if let (Some((_, slot)), Looking::Failed(failure)) =
            (self.images.iter_mut().find(|(id, _)| *id == job), looking)
        {
            *slot = Err(failure);
        }
    }
}
