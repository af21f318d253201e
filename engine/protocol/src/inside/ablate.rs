//! Parts of a model switched off: what is asked, and what it did.

use super::Capture;
use crate::generate::{Alternative, SamplingSpec, TokenPiece};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A part of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// What a head brings in: its slice of the input of the output projection.
    Head { layer: u32, head: u32 },
    /// All heads that share a kv-head.
    KvHead { layer: u32, kv_head: u32 },
    /// What a layer's attention adds, its bias too.
    Attention { layer: u32 },
    /// What a layer's MLP adds.
    Mlp { layer: u32 },
    /// Both.
    Layer { layer: u32 },
    /// One query of a head does not see one key; what it would have read goes to the others.
    Edge { layer: u32, head: u32, query: u32, key: u32 },
}

/// What stands there instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Instead {
    #[default]
    Zero,
    /// The mean over the positions of this text.
    Mean,
    /// What the part makes of as many random tokens, at the same positions.
    Resample,
    /// Of heads: every key that is seen weighs the same.
    Uniform,
}

/// One part switched off. Of an edge `instead` says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ablation {
    pub part: Part,
    pub instead: Instead,
}

impl Part {
    #[must_use]
    pub fn layer(self) -> u32 {
        match self {
            Self::Head { layer, .. }
            | Self::KvHead { layer, .. }
            | Self::Attention { layer }
            | Self::Mlp { layer }
            | Self::Layer { layer }
            | Self::Edge { layer, .. } => layer,
        }
    }

    /// Whether `instead` means anything for it.
    #[must_use]
    pub fn takes(self, instead: Instead) -> bool {
        let heads = matches!(self, Self::Head { .. } | Self::KvHead { .. });
        heads || instead != Instead::Uniform
    }
}

/// Run a captured text again with parts switched off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AblateSpec {
    pub base: Arc<Capture>,
    /// All at once; at least one.
    pub ablations: Vec<Ablation>,
    /// Of the random tokens that [`Instead::Resample`] draws.
    pub seed: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AblateReport {
    pub ablations: Vec<Ablation>,
    /// As [`Capture::read`], of the same tokens.
    pub read: Vec<TokenPiece>,
    /// As [`Capture::next`].
    pub next: Vec<Alternative>,
    /// How likely those that [`Capture::next`] lists are now.
    pub baseline_next: Vec<f32>,
    /// KL(as it was ‖ now) of the distribution after each position from [`Capture::read_from`] − 1 on, nats.
    pub kl: Vec<f32>,
    /// Logit of the likeliest next token less that of the second, as it was and now, of the same two tokens.
    pub logit_difference: (f32, f32),
}

/// Write on from a captured text, with parts switched off and as it is, by the same seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContinueSpec {
    pub base: Arc<Capture>,
    pub ablations: Vec<Ablation>,
    pub sampling: SamplingSpec,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContinueReport {
    pub baseline: Vec<TokenPiece>,
    pub ablated: Vec<TokenPiece>,
    pub seed: u64,
}

/// Switch every head off, one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepSpec {
    pub base: Arc<Capture>,
    pub instead: Instead,
    /// The position whose next token is watched; the token there, or for the last position the likeliest.
    pub position: u32,
    pub seed: u64,
}

/// What switching a head off does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Of the watched token, nats: below 0 the head had helped it.
    pub delta_logprob: f32,
    /// KL(as it was ‖ now) at that position, nats.
    pub kl: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepReport {
    /// `[L][H]`
    pub effects: Vec<Vec<Effect>>,
    pub target: u32,
    pub target_text: String,
}
