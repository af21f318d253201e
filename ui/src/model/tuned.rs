//! What of a model's runs can be talked to: which runs belong to a model of the library, and which of their weights are
//! there.

use super::{Listed, Model, RunState};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::RunId;
use glassworks_protocol::model::ModelRecord;
use glassworks_protocol::train::{CheckpointKind, MethodSpec, RunPart, RunRecord, TunedRef, TunedSource};
use std::sync::Arc;

/// Weights of a run that are there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    pub part: RunPart,
    /// Steps behind them.
    pub step: Option<u64>,
    /// Nats a target on the validation rows.
    pub loss: Option<f64>,
}

/// Why what wrote a reply is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    Run,
    /// The run keeps other weights under that name now, or none.
    Weights,
}

impl Model {
    /// Whether runs and what they keep have been told.
    #[must_use]
    pub fn knows_runs(&self) -> bool {
        *self.runs.listed() == Listed::Ready && self.runs.knows_checkpoints()
    }

    /// The library's model that a run began with.
    #[must_use]
    pub fn base_of(&self, run: &RunRecord) -> Option<&Arc<ModelRecord>> {
        let named = match &run.spec.model {
            ModelSource::Library(id) => self.library.get(*id),
            ModelSource::Path(path) => self.library.models().iter().find(|model| model.path == *path),
        };
        let hash = &run.progress.base_hash;
        let same = |model: &&Arc<ModelRecord>| !hash.is_empty() && model.card.content_hash == *hash;
        named.or_else(|| self.library.models().iter().find(same))
    }

    /// The run that made a model of the library.
    #[must_use]
    pub fn maker_of(&self, model: &ModelRecord) -> Option<&Arc<RunRecord>> {
        let made = |run: &&Arc<RunRecord>| run.progress.result.as_ref() == Some(&model.path);
        self.runs.list().iter().find(made)
    }

    /// The runs that began with a model and have something to talk to, newest first; those in the trash aside.
    pub fn runs_of<'a>(
        &'a self,
        base: &'a ModelRecord,
    ) -> impl Iterator<Item = (&'a Arc<RunRecord>, Vec<Part>)> {
        let of_base = |run: &&Arc<RunRecord>| {
            run.trashed_at_ms.is_none() && self.base_of(run).is_some_and(|model| model.id == base.id)
        };
        let runs = self.runs.list().iter().filter(of_base);
        runs.map(|run| (run, self.parts(run))).filter(|(_, parts)| !parts.is_empty())
    }

    /// What of a run can be talked to, what one would choose first. A model that a run made whole is in the library
    /// and not told here; one that sorts texts has nothing to say.
    #[must_use]
    pub fn parts(&self, run: &RunRecord) -> Vec<Part> {
        if run.spec.task.classifies() { Vec::new() } else { self.weights(run) }
    }

    /// The same of any run, also of one that sorts texts.
    #[must_use]
    pub fn weights(&self, run: &RunRecord) -> Vec<Part> {
        let progress = &run.progress;
        let is_adapter = matches!(run.spec.method, MethodSpec::Lora(_));
        let kept = self.runs.checkpoints(run.id);
        let of = |kind: CheckpointKind| kept.iter().find(|record| record.kind == kind);
        let (last, best) = (of(CheckpointKind::Last), of(CheckpointKind::Best));
        let mut parts = Vec::new();
        let trains = matches!(self.run_state(run), RunState::Running | RunState::Ending);
        if trains && (is_adapter || last.is_some()) {
            let step = if is_adapter { Some(progress.step) } else { last.map(|record| record.step) };
            parts.push(Part { part: RunPart::Live, step, loss: None });
        }
        let result =
            progress.result.as_ref().map(|_| match best.filter(|_| run.spec.checkpoints.keep_best) {
                Some(best) => (Some(best.step), best.validation_loss),
                None => (Some(progress.step), progress.validation_loss),
            });
        if let Some((step, loss)) = result.filter(|_| is_adapter) {
            parts.push(Part { part: RunPart::Result, step, loss });
        }
        // What is the same as another is told once.
        let mut told: Vec<u64> = result.and_then(|(step, _)| step).into_iter().collect();
        for record in [best, last].into_iter().flatten().chain(kept) {
            let part = RunPart::Checkpoint(record.kind);
            if !told.contains(&record.step) && parts.iter().all(|there| there.part != part) {
                parts.push(Part { part, step: Some(record.step), loss: record.validation_loss });
                told.push(record.step);
            }
        }
        parts
    }

    /// Whether there is something of a run to talk to.
    #[must_use]
    pub fn can_talk(&self, run: &RunRecord) -> bool {
        let made =
            || self.library.models().iter().any(|model| run.progress.result.as_ref() == Some(&model.path));
        run.trashed_at_ms.is_none() && (!self.parts(run).is_empty() || made())
    }

    /// The weights that a choice means now: another part of its run where the chosen one is not there any more, as
    /// after the end of a run that was live. `None` when nothing of it is left, or nobody has told yet.
    #[must_use]
    pub fn tuned(&self, chosen: &TunedSource) -> Option<(&Arc<RunRecord>, Part)> {
        let run = self.runs.get(chosen.run).filter(|run| run.trashed_at_ms.is_none())?;
        let parts = self.parts(run);
        let same = parts.iter().find(|part| part.part == chosen.part).or(parts.first());
        same.map(|part| (run, *part))
    }

    /// Whether what wrote a reply is gone; `step` is what its weights had behind them.
    #[must_use]
    pub fn is_gone(&self, tuned: &TunedRef, step: Option<u64>) -> Option<Gone> {
        if !self.knows_runs() {
            return None;
        }
        let Some(run) = self.runs.get(tuned.run).filter(|run| run.trashed_at_ms.is_none()) else {
            return Some(Gone::Run);
        };
        let now = match tuned.part {
            // What it was at a step of a run that goes on is soon gone, and nobody expects otherwise.
            RunPart::Live => return None,
            RunPart::Result => run.progress.result.as_ref().map(|_| step),
            RunPart::Checkpoint(kind) => {
                let kept = self.runs.checkpoints(run.id).iter().find(|record| record.kind == kind);
                kept.map(|record| Some(record.step))
            }
        };
        match now {
            Some(now) if step.is_none() || now == step => None,
            _ => Some(Gone::Weights),
        }
    }

    /// The name under which the run of a reply is known.
    #[must_use]
    pub fn run_name(&self, id: RunId) -> Option<&str> {
        self.runs.get(id).map(|run| run.name.as_str())
    }
}
