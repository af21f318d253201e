//! A decoder taken apart into its blocks, for whoever walks it otherwise than [`super::CausalLm::hidden`] does:
//! the training step. What is computed does not live here. What a model has of windows, caps and scales is in its
//! [`Attention`], or here.

use crate::nn::{Attention, Embedding, GatedMlp, LayerNorm, Linear, Mlp, ModelShape, RmsNorm, Rope};

/// A block-wise decoder with norms before its sublayers: embedding, blocks, norm, unembedding.
pub struct DecoderParts<'m> {
    pub shape: ModelShape,
    pub tokens: Named<&'m Embedding>,
    /// Embeddings of tokens are multiplied by it.
    pub embedding_scale: f32,
    /// Learned positions, where the model has them.
    pub positions: Option<Named<&'m Embedding>>,
    /// What turns queries and keys: [`BlockParts::rope`] says which.
    pub ropes: Vec<&'m Rope>,
    pub blocks: Vec<BlockParts<'m>>,
    pub norm: Named<NormParts<'m>>,
    pub lm_head: Named<&'m Linear>,
    /// Logits become `cap · tanh(logit / cap)`.
    pub logit_cap: Option<f32>,
    /// The unembedding is the embedding's matrix.
    pub tied: bool,
    /// The checkpoint keeps the blocks' matrices as `[in, out]` (transformers' `Conv1D`).
    pub conv1d: bool,
}

/// A part, and what the checkpoint calls it: the name less `.weight` and `.bias`.
pub struct Named<T> {
    pub name: String,
    pub part: T,
}

pub struct BlockParts<'m> {
    pub norm_1: Named<NormParts<'m>>,
    pub attention: &'m Attention,
    /// Names of q, k, v, or of the joint projection alone.
    pub qkv_names: Vec<String>,
    /// Of queries and keys.
    pub qk_norms: Option<[Named<NormParts<'m>>; 2]>,
    pub o_name: String,
    /// Of what attention adds.
    pub after_attention: Option<Named<NormParts<'m>>>,
    pub norm_2: Named<NormParts<'m>>,
    pub mlp: MlpParts<'m>,
    /// Of what the MLP adds.
    pub after_mlp: Option<Named<NormParts<'m>>>,
    /// Which of the model's ropes turns queries and keys.
    pub rope: Option<usize>,
    /// The MLP sees the block's input, not what attention has added to it.
    pub parallel: bool,
}

#[derive(Clone, Copy)]
pub enum NormParts<'m> {
    Rms(&'m RmsNorm),
    Layer(&'m LayerNorm),
}

pub enum MlpParts<'m> {
    Gated { mlp: &'m GatedMlp, gate: String, up: String, down: String },
    Plain { mlp: &'m Mlp, up: String, down: String },
}

impl<T> Named<T> {
    pub fn new(name: impl Into<String>, part: T) -> Self {
        Self { name: name.into(), part }
    }
}
