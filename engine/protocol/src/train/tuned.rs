//! What a run has made, named: to be used, and to be remembered by what was written with it.

use super::{CheckpointKind, MethodSpec, RunRecord};
use crate::ids::RunId;
use serde::{Deserialize, Serialize};

/// Which of the weights that a run makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RunPart {
    /// What it ended with.
    #[default]
    Result,
    Checkpoint(CheckpointKind),
    /// As they are now, while it trains: an adapter after the newest step, whole weights at the last checkpoint. When it
    /// doesn't train any more, what it has come to.
    Live,
}

/// What a run has made of a model: an adapter laid beside the model's weights, or weights in their place.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TunedSource {
    pub run: RunId,
    pub part: RunPart,
    /// Of an adapter: 0 is the model alone, 1 the adapter as it was trained. Whole weights have none.
    pub strength: f32,
}

/// The name of it for everything stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TunedRef {
    pub run: RunId,
    /// The run's, as shown when the run is gone.
    pub name: String,
    pub part: RunPart,
    /// `None` for whole weights.
    pub strength: Option<f32>,
}

impl TunedSource {
    /// As it is remembered: `run` is the run it names.
    #[must_use]
    pub fn named(&self, run: &RunRecord) -> TunedRef {
        let strength = matches!(run.spec.method, MethodSpec::Lora(_)).then_some(self.strength);
        TunedRef { run: self.run, name: run.name.clone(), part: self.part, strength }
    }
}
