//! What a model is, however its files spell it.

use crate::nn::{Activation, ModelShape, RopeConfig};

/// What [`super::Architecture::build`] goes by; made from config.json or from GGUF metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// The name in [`super::ARCHITECTURES`].
    pub architecture: &'static str,
    pub shape: ModelShape,
    pub norm_eps: f64,
    pub activation: Activation,
    /// `None` where positions are learned.
    pub rope: Option<RopeConfig>,
    /// Biases on q, k, v and o.
    pub attention_bias: bool,
    pub mlp_bias: bool,
    /// The unembedding is the embedding.
    pub tied_embeddings: bool,
    /// Attention scores are divided by √E.
    pub scale_attention: bool,
    /// Attention scores are also divided by the layer's number, counted from 1.
    pub scale_by_layer: bool,
}

/// config.json with typed, checked access.
pub struct ConfigJson {}
