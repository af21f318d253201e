//! Looking inside: what is asked of a forward pass, and what it shows. Plain data, and what can be read off it without
//! a model: window and engine compute with the same lines.
//!
//! Shapes are in the alphabet of the engine's `nn`: `T` tokens, `H` heads, `K` kv-heads, `E` head width, `L` layers,
//! `D` width. A map's row is a query (it reads), its column a key (it is read).

mod ablate;
mod compare;
mod draw;
mod layer;
mod lens;
mod maps;
mod tokens;

pub use ablate::{
    AblateReport, AblateSpec, Ablation, ContinueReport, ContinueSpec, Effect, Instead, Part, SweepReport,
    SweepSpec,
};
pub use compare::{alignment, jensen_shannon, over_segments, rollout};
pub use draw::{Band, RowRoom, entropy_bits};
pub use layer::{
    HeadImage, HeadScores, HeadSpec, LayerCapture, MapKind, Merge, ScoresReport, ScoresSpec, Thumbnails,
    coded_means,
};
pub use lens::{
    AttributionReport, AttributionSpec, GradientReport, GradientSpec, LensCell, LensReport, LensSpec,
    ValuesSpec,
};
pub use maps::{MapShape, Maps, Storage, coded, decoded};
pub use tokens::{SeenToken, Segmenting, TurnSpan, segments};

use crate::generate::{ModelSource, Prompt, TokenPiece};
use crate::ids::CaptureId;
use crate::model::ModelRef;
use crate::train::TunedSource;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What captures take at most, bytes, unless a person chose otherwise.
pub const DEFAULT_BUDGET: u64 = 1 << 30;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum InsideJob {
    /// Run a text once, Exact, and keep what the plan names. Layers are told as they are through.
    Capture(Box<CaptureSpec>),
    /// Draw one head's map, or several as one.
    Head(HeadSpec),
    /// What each head tends to do, measured on a sequence of random tokens that repeats.
    Scores(ScoresSpec),
    /// Where what a token holds comes from, through all layers.
    Rollout(RolloutSpec),
    /// Switch parts off and read the text again.
    Ablate(AblateSpec),
    /// Write on with parts switched off.
    Continue(Box<ContinueSpec>),
    /// What each head is good for, by switching it off.
    Sweep(SweepSpec),
    /// What the residual stream says on its way.
    Lens(LensSpec),
    /// Which parts wrote a logit.
    Attribute(AttributionSpec),
    /// How much keys would bring in.
    Values(ValuesSpec),
    /// Which tokens a logit hangs on.
    Gradients(GradientSpec),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum InsideOutput {
    Captured(Arc<Capture>),
    Head(Arc<HeadImage>),
    Scored(Arc<ScoresReport>),
    /// `[query + 1]`, summing to 1.
    Rollout(Arc<Vec<f32>>),
    Ablated(Arc<AblateReport>),
    Continued(Arc<ContinueReport>),
    Swept(Arc<SweepReport>),
    Lens(Arc<LensReport>),
    Attributed(Arc<AttributionReport>),
    Gradients(Arc<GradientReport>),
    /// `[T, H]`: ‖v·W_O‖.
    Values(Arc<Vec<f32>>),
    /// What a list of jobs keeps of any of these: their numbers go with whoever shows them.
    Shown,
}

/// Something to show before the job has settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum InsidePartial {
    /// The text as the model reads it: what the layers that follow are about. Its layers are empty.
    Begun(Arc<Capture>),
    /// One more layer is through.
    Layer(Arc<LayerCapture>),
    /// One more layer's heads have been switched off: `effects[H]`.
    Swept { layer: u32, effects: Vec<Effect> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaptureSpec {
    pub id: CaptureId,
    pub model: ModelSource,
    /// What a run has made of it.
    pub tuned: Option<TunedSource>,
    pub subject: Subject,
    pub plan: CapturePlan,
}

/// Attention rollout of one query, over layers that have all been captured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutSpec {
    pub base: Arc<Capture>,
    pub query: u32,
}

/// The text that is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Subject {
    /// A prompt, and the reply to it: each token's id and the text it completed, its own tokens where they spell the
    /// same in this model.
    Text {
        prompt: Prompt,
        reply: Vec<(u32, String)>,
        /// When it was written, milliseconds since 1970, UTC: templates may tell the date.
        at_ms: i64,
    },
    /// Tokens as they are.
    Tokens(Vec<u32>),
}

/// What is kept of a pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapturePlan {
    /// `None`: all of them.
    pub layers: Option<Vec<u32>>,
    /// Attention maps.
    pub maps: bool,
    /// The residual stream before each layer and at the end, `[T, D]` each: what lenses read and ablations go on from.
    pub residuals: bool,
    /// The most that may be kept, bytes: checked before anything runs.
    pub budget_bytes: u64,
}

impl Default for CapturePlan {
    fn default() -> Self {
        Self { layers: None, maps: true, residuals: true, budget_bytes: DEFAULT_BUDGET }
    }
}

/// The sizes of a model that captures speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    pub n_layers: u32,
    pub n_heads: u32,
    pub n_kv_heads: u32,
    pub head_width: u32,
    pub width: u32,
    pub vocab_size: u32,
}

/// One pass, seen from inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    pub id: CaptureId,
    /// With this it was made: what follows (an ablation, a lens) is asked of the same.
    pub source: ModelSource,
    pub tuned: Option<TunedSource>,
    pub model: ModelRef,
    /// The step of its run that the weights came from.
    pub tuned_step: Option<u64>,
    pub sizes: Sizes,
    /// T of them.
    pub tokens: Vec<SeenToken>,
    /// Where turns of a conversation lie; empty for a text.
    pub turns: Vec<TurnSpan>,
    /// By layer, those that the plan names, in their order.
    pub layers: Vec<Arc<LayerCapture>>,
    /// `L + 1` of `[T, D]`, f32: before each layer, and before the final norm. Empty where they were not kept.
    pub residuals: Vec<Arc<Vec<f32>>>,
    /// How likely the model found the tokens from [`Self::read_from`] on, each given all before it; `top` has what else
    /// there was.
    pub read: Vec<TokenPiece>,
    pub read_from: u32,
    /// What would follow the last token: the likeliest, first the likeliest.
    pub next: Vec<crate::generate::Alternative>,
    /// What maps and residuals take, bytes.
    pub size_bytes: u64,
    pub took_ms: u64,
}

impl Capture {
    #[must_use]
    pub fn layer(&self, layer: u32) -> Option<&Arc<LayerCapture>> {
        self.layers.binary_search_by_key(&layer, |one| one.layer).ok().map(|at| &self.layers[at])
    }

    #[must_use]
    pub fn n_tokens(&self) -> usize {
        self.tokens.len()
    }
}
