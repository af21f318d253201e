//! What is found out while a draft changes: what its data holds, how long its steps take. Asked of the engine as
//! jobs; the answers hold as long as the draft still means the same.

use crate::model::{Job, Listed};
use crate::panes::PaneCx;
use glassworks_protocol::dataset::DataReport;
use glassworks_protocol::ids::JobId;
use glassworks_protocol::train::{StepReport, TrainSpec};
use glassworks_protocol::{Failure, JobOutput, JobSpec, Outcome};
use std::sync::Arc;
use std::time::Duration;

/// The data is looked at when nothing has changed for this long.
const LOOK_AFTER_MS: i64 = 300;

/// How a question stands.
pub enum Answer<T> {
    /// Nothing to ask about, or not asked.
    None,
    Working(Arc<Job>),
    Failed(Failure),
    /// A person stopped it.
    Stopped,
    Known(Arc<T>),
}

impl<T> Answer<T> {
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }
}

type Asked = Option<(JobId, Meant)>;

/// A draft, and the state of the dataset that it names.
#[derive(Clone)]
struct Meant {
    spec: Box<TrainSpec>,
    revision: Option<u64>,
}

impl Meant {
    fn of(cx: &PaneCx, spec: &TrainSpec) -> Self {
        let id = spec.data.dataset.as_ref().and_then(|dataset| dataset.id);
        let record = id.and_then(|id| cx.model.datasets.get(id));
        Self { spec: Box::new(spec.clone()), revision: record.map(|record| record.revision) }
    }

    fn reads_as(&self, other: &Self) -> bool {
        self.spec.reads_as(&other.spec) && self.revision == other.revision
    }

    fn steps_as(&self, other: &Self) -> bool {
        self.spec.steps_as(&other.spec) && self.revision == other.revision
    }
}

#[derive(Default)]
pub struct Findings {
    check: Asked,
    measured: Asked,
    /// What the draft was in the last frame, and when it became that.
    seen: Option<(Meant, i64)>,
}

impl Findings {
    /// Asks anew when the draft has come to mean other rows; stops what nobody waits for any more.
    pub fn follow(&mut self, ctx: &egui::Context, cx: &mut PaneCx, spec: &TrainSpec) {
        let meant = Meant::of(cx, spec);
        if self.check.as_ref().is_some_and(|(_, asked)| asked.reads_as(&meant)) {
            return;
        }
        if let Some((job, _)) = self.check.take() {
            stop(cx, job);
        }
        // A dataset is read once it is known which state of it.
        let waits = spec.data.dataset.is_some()
            && matches!(cx.model.datasets.listed(), Listed::NotAsked | Listed::Asked);
        if spec.data.is_empty() || waits {
            self.seen = None;
            return;
        }
        // What was kept from the last time can be asked at once.
        let since = match &self.seen {
            None => cx.now_ms - LOOK_AFTER_MS,
            Some((seen, since)) if seen.reads_as(&meant) => *since,
            Some(_) => cx.now_ms,
        };
        self.seen = Some((meant.clone(), since));
        let left = since + LOOK_AFTER_MS - cx.now_ms;
        if left > 0 {
            ctx.request_repaint_after(Duration::from_millis(left.unsigned_abs()));
            return;
        }
        let job = cx.start(JobSpec::CheckData(Box::new(spec.clone())));
        self.check = Some((job, meant));
    }

    /// Asks once more.
    pub fn check_again(&mut self) {
        self.check = None;
        self.seen = None;
    }

    pub fn measure(&mut self, cx: &mut PaneCx, spec: &TrainSpec) {
        let job = cx.start(JobSpec::MeasureTraining(Box::new(spec.clone())));
        self.measured = Some((job, Meant::of(cx, spec)));
    }

    pub fn data(&self, cx: &PaneCx) -> Answer<DataReport> {
        answer(cx, self.check.as_ref().map(|(job, _)| *job), |output| match output {
            JobOutput::DataChecked(report) => Some(Arc::clone(report)),
            _ => None,
        })
    }

    /// `None` once the draft has changed so that its steps take another time.
    pub fn timing(&self, cx: &PaneCx, spec: &TrainSpec) -> Answer<StepReport> {
        let meant = Meant::of(cx, spec);
        let asked = self.measured.as_ref().filter(|(_, asked)| asked.steps_as(&meant));
        answer(cx, asked.map(|(job, _)| *job), |output| match output {
            JobOutput::TrainingMeasured(report) => Some(Arc::clone(report)),
            _ => None,
        })
    }
}

fn stop(cx: &mut PaneCx, job: JobId) {
    if cx.model.jobs.get(job).is_some_and(|job| job.outcome.is_none()) {
        cx.cancel(job);
    }
}

fn answer<T>(
    cx: &PaneCx,
    job: Option<JobId>,
    output: impl FnOnce(&JobOutput) -> Option<Arc<T>>,
) -> Answer<T> {
    let Some(job) = job.and_then(|id| cx.model.jobs.get(id)) else { return Answer::None };
    match &job.outcome {
        None => Answer::Working(Arc::clone(job)),
        Some(Outcome::Failed(failure)) => Answer::Failed(failure.clone()),
        Some(Outcome::Cancelled) => Answer::Stopped,
        Some(Outcome::Done(done)) => output(done).map_or(Answer::None, Answer::Known),
    }
}
