//! What can be chosen to compute: the library's models, and under each what runs made of it.

use super::{Model, Part};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::{ModelId, RunId};
use glassworks_protocol::model::ModelRecord;
use glassworks_protocol::train::{MethodSpec, RunPart, RunRecord, TunedSource};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Something that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pick {
    Model(ModelId),
    /// Weights of a run.
    Part(RunId, RunPart),
}

/// What is chosen for, which says what is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PickFor {
    /// What writes, and what changes while a run goes on: one looks at it.
    Talk,
    /// What writes, and stays as it is meanwhile.
    Write,
    /// What sorts too.
    Rows,
}

/// A line of what is offered.
#[derive(Clone, Debug)]
pub enum Offer {
    /// One that a run made whole stands under its base.
    Model { model: Arc<ModelRecord>, under: bool },
    /// Under the model it was made of.
    Part { base: ModelId, run: Arc<RunRecord>, part: Part },
}

impl Offer {
    #[must_use]
    pub fn pick(&self) -> Pick {
        match self {
            Self::Model { model, .. } => Pick::Model(model.id),
            Self::Part { run, part, .. } => Pick::Part(run.id, part.part),
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Model { model, .. } => &model.name,
            Self::Part { run, .. } => &run.name,
        }
    }

    #[must_use]
    pub fn is_under(&self) -> bool {
        matches!(self, Self::Model { under: true, .. } | Self::Part { .. })
    }

    /// The labels it tells apart; none of what writes.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        match self {
            Self::Model { model, .. } => model.card.labels.clone(),
            Self::Part { run, .. } if run.spec.task.classifies() => run.progress.data.label_names(),
            Self::Part { .. } => Vec::new(),
        }
    }

    /// Whether it tells labels apart, and does not write.
    #[must_use]
    pub fn sorts(&self) -> bool {
        match self {
            Self::Model { model, .. } => !model.card.labels.is_empty(),
            Self::Part { run, .. } => run.spec.task.classifies(),
        }
    }
}

impl Model {
    /// All there is, each run under its base.
    #[must_use]
    pub fn offers(&self, wanted: PickFor) -> Vec<Offer> {
        let library = self.library.models();
        let base_of = |model: &ModelRecord| {
            let base = self.base_of(self.maker_of(model)?)?.id;
            (base != model.id).then_some(base)
        };
        // What was made of what was made stands below the same base.
        let root_of = |model: &ModelRecord| {
            let mut root = model.id;
            for _ in 0..library.len() {
                let Some(up) = self.library.get(root).and_then(|one| base_of(one)) else { break };
                root = up;
            }
            root
        };
        let mut all = Vec::new();
        for base in library.iter().filter(|model| base_of(model).is_none()) {
            all.push(Offer::Model { model: Arc::clone(base), under: false });
            for model in library.iter().filter(|model| model.id != base.id && root_of(model) == base.id) {
                all.push(Offer::Model { model: Arc::clone(model), under: true });
            }
            for run in self.runs.list() {
                let Some(own) = self.base_of(run).filter(|own| root_of(own) == base.id) else { continue };
                let part = |part| Offer::Part { base: own.id, run: Arc::clone(run), part };
                all.extend(self.offered_parts(run, wanted).into_iter().map(part));
            }
        }
        // A base that sorts is left out alone: what was made of it may write.
        all.retain(|offer| wanted != PickFor::Write || !offer.sorts());
        all
    }

    fn offered_parts(&self, run: &RunRecord, wanted: PickFor) -> Vec<Part> {
        if run.trashed_at_ms.is_some() {
            return Vec::new();
        }
        let mut parts = if wanted == PickFor::Rows { self.weights(run) } else { self.parts(run) };
        // Of a head that was trained with all weights, only the whole model can be used.
        let whole_head = run.spec.task.classifies() && matches!(run.spec.method, MethodSpec::Full(_));
        parts.retain(|part| !whole_head && (wanted == PickFor::Talk || part.part != RunPart::Live));
        parts
    }

    /// What a choice means now; `None` while it is not there.
    #[must_use]
    pub fn offer(&self, pick: Pick) -> Option<Offer> {
        match pick {
            Pick::Model(id) => {
                self.library.get(id).map(|model| Offer::Model { model: Arc::clone(model), under: false })
            }
            Pick::Part(id, part) => {
                let run = self.runs.get(id).filter(|run| run.trashed_at_ms.is_none())?;
                let parts = self.offered_parts(run, PickFor::Rows);
                let part = parts.into_iter().find(|one| one.part == part)?;
                Some(Offer::Part { base: self.base_of(run)?.id, run: Arc::clone(run), part })
            }
        }
    }

    /// What one would choose of a run.
    #[must_use]
    pub fn first_of(&self, run: &RunRecord) -> Option<Pick> {
        let made = |model: &&Arc<ModelRecord>| run.progress.result.as_ref() == Some(&model.path);
        let whole = self.library.models().iter().find(made).map(|model| Pick::Model(model.id));
        let part = || self.offered_parts(run, PickFor::Rows).first().map(|part| part.part);
        whole.or_else(|| Some(Pick::Part(run.id, part()?)))
    }

    /// What writes: the one that was chosen, else the model used last; `None` while there is none.
    #[must_use]
    pub fn writer(&self, chosen: Option<Pick>) -> Option<Offer> {
        let all = self.offers(PickFor::Write);
        let there = |pick: Pick| all.iter().find(|offer| offer.pick() == pick).cloned();
        let last = || self.settings.last_model.or(self.library.starter).map(Pick::Model);
        chosen.and_then(there).or_else(|| last().and_then(there)).or_else(|| all.first().cloned())
    }

    /// As the engine is told; `None` for what is gone.
    #[must_use]
    pub fn source_of(&self, pick: Pick) -> Option<(ModelSource, Option<TunedSource>)> {
        match self.offer(pick)? {
            Offer::Model { model, .. } => Some((ModelSource::Library(model.id), None)),
            Offer::Part { base, run, part } => {
                let tuned = TunedSource { run: run.id, part: part.part, strength: 1.0 };
                Some((ModelSource::Library(base), Some(tuned)))
            }
        }
    }

    /// The library's model behind it, whose template and length it has.
    #[must_use]
    pub fn base_of_pick(&self, pick: Pick) -> Option<&Arc<ModelRecord>> {
        match pick {
            Pick::Model(id) => self.library.get(id),
            Pick::Part(id, _) => self.base_of(self.runs.get(id)?),
        }
    }
}
