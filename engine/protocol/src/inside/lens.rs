//! What the residual stream says on its way, and who has written it there.

use super::Capture;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The logit lens (nostalgebraist 2020): the unembedding of the residual stream before each layer, through the final norm
/// as it would be there, over the tokens `from .. from + n`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LensSpec {
    pub base: Arc<Capture>,
    pub from: u32,
    pub n: u32,
}

/// What would follow a token if the model ended here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LensCell {
    /// Token, its text and probability, likeliest first; a few.
    pub top: Vec<(u32, String, f32)>,
    /// Over the whole vocabulary, nats.
    pub entropy: f32,
    /// KL(final ‖ here), nats.
    pub kl: f32,
    /// How likely the token that does follow is, and how many are likelier; `None` after the last one.
    pub next: Option<(f32, u32)>,
    /// Length of the residual stream's vector.
    pub norm: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LensReport {
    pub from: u32,
    /// `[L + 1][n]`: before each layer, and in the end, where it is the model's own output.
    pub layers: Vec<Vec<LensCell>>,
}

/// Who has written a logit (direct logit attribution, Elhage et al. 2021): each part's share through the final norm,
/// whose scale is frozen as it was, so that shares add up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttributionSpec {
    pub base: Arc<Capture>,
    /// After this token.
    pub position: u32,
    /// Whose logit; `None`: of the token that follows, or the likeliest after the last.
    pub target: Option<u32>,
    /// Less the logit of this one.
    pub against: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttributionReport {
    pub target: (u32, String),
    pub against: Option<(u32, String)>,
    pub embedding: f32,
    /// `[L][H]`
    pub heads: Vec<Vec<f32>>,
    /// `[L]`: biases of attention.
    pub attention_rest: Vec<f32>,
    /// `[L]`
    pub mlps: Vec<f32>,
    /// Biases of the final norm and the unembedding.
    pub bias: f32,
    /// As the model has it. The shares add up to it but for rounding, unless it is capped.
    pub logit: f32,
    /// Whether the model caps logits: the shares add up to what it was before.
    pub capped: bool,
}

impl AttributionReport {
    /// What the shares add up to.
    #[must_use]
    pub fn total(&self) -> f32 {
        let layers = self.heads.iter().flatten().chain(&self.attention_rest).chain(&self.mlps).sum::<f32>();
        self.embedding + layers + self.bias
    }
}

/// How much each key's value would bring in, were it read alone: ‖v·W_O‖.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValuesSpec {
    pub base: Arc<Capture>,
    pub layer: u32,
}

/// Which tokens a logit hangs on, by the gradient of it along the embeddings (integrated gradients, Sundararajan et al.
/// 2017), from those of a token that says nothing to the text's own; positions stay as they are. Not from zeros: behind a
/// norm all that is not zero looks alike, and the path would change only in its first instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GradientSpec {
    pub base: Arc<Capture>,
    /// After this token; what comes after it is left out.
    pub position: u32,
    /// As in [`AttributionSpec`].
    pub target: Option<u32>,
    pub against: Option<u32>,
    /// The token that stands everywhere at the path's beginning; `None`: the end of a text.
    pub baseline: Option<u32>,
    /// Points of the path: 50 are usual.
    pub n_steps: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GradientReport {
    pub target: (u32, String),
    pub against: Option<(u32, String)>,
    /// `[position + 1]`: gradient · embedding, at the text itself.
    pub gradient_times_input: Vec<f32>,
    /// `[position + 1]`: signed sums of integrated gradients.
    pub integrated: Vec<f32>,
    pub baseline_token: (u32, String),
    /// The logit (or difference) of the text, and at the path's beginning.
    pub logit: f32,
    pub baseline: f32,
}

impl GradientReport {
    /// How far the integrated gradients are from adding up to what they explain, as a share of it: the completeness gap.
    #[must_use]
    pub fn gap(&self) -> f32 {
        let explained = self.logit - self.baseline;
        (self.integrated.iter().sum::<f32>() - explained).abs() / explained.abs().max(f32::MIN_POSITIVE)
    }
}
