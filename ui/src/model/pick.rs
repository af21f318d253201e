//! What can be asked to write: the library's models, and under each what runs made of it.

use super::{Model, Part};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::{ModelId, RunId};
use glassworks_protocol::model::ModelRecord;
use glassworks_protocol::train::{RunPart, RunRecord, TunedSource};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Something that writes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Writer {
    Model(ModelId),
    /// Weights of a run.
    Part(RunId, RunPart),
}

/// A line of a menu of writers.
#[derive(Clone, Debug)]
pub enum Offer {
    Model(Arc<ModelRecord>),
    /// Under the model it was made of.
    Part(Arc<RunRecord>, Part),
}

impl Offer {
    #[must_use]
    pub fn writer(&self) -> Writer {
        match self {
            Self::Model(model) => Writer::Model(model.id),
            Self::Part(run, part) => Writer::Part(run.id, part.part),
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Model(model) => &model.name,
            Self::Part(run, _) => &run.name,
        }
    }
}

impl Model {
    /// All that write, what runs made under its base; what sorts is left out.
    #[must_use]
    pub fn writers(&self) -> Vec<Offer> {
        let mut all = Vec::new();
        for model in self.library.models().iter().filter(|model| model.card.labels.is_empty()) {
            all.push(Offer::Model(Arc::clone(model)));
            for (run, parts) in self.runs_of(model) {
                let fixed = parts.into_iter().filter(|part| part.part != RunPart::Live);
                all.extend(fixed.map(|part| Offer::Part(Arc::clone(run), part)));
            }
        }
        all
    }

    /// The one that was chosen, else the model used last; `None` while there is none.
    #[must_use]
    pub fn writer(&self, chosen: Option<Writer>) -> Option<Offer> {
        let all = self.writers();
        let there = |writer: Writer| all.iter().find(|offer| offer.writer() == writer).cloned();
        let last = || self.settings.last_model.or(self.library.starter).map(Writer::Model);
        chosen.and_then(there).or_else(|| last().and_then(there)).or_else(|| all.first().cloned())
    }

    /// As the engine is told; `None` for what is gone.
    #[must_use]
    pub fn source_of(&self, writer: Writer) -> Option<(ModelSource, Option<TunedSource>)> {
        match writer {
            Writer::Model(id) => self.library.get(id).map(|_| (ModelSource::Library(id), None)),
            Writer::Part(id, part) => {
                let run = self.runs.get(id).filter(|run| run.trashed_at_ms.is_none())?;
                let base = self.base_of(run)?;
                Some((ModelSource::Library(base.id), Some(TunedSource { run: id, part, strength: 1.0 })))
            }
        }
    }

    /// The library's model behind it, whose template and length it has.
    #[must_use]
    pub fn base_of_writer(&self, writer: Writer) -> Option<&Arc<ModelRecord>> {
        match writer {
            Writer::Model(id) => self.library.get(id),
            Writer::Part(id, _) => self.base_of(self.runs.get(id)?),
        }
    }
}
