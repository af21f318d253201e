//! The blocks that models are made of, and the shape alphabet. No model, no file, no job lives here.
//!
//! Tensor lines carry their shapes in one alphabet: `B` batch, `T` queries, `S` keys, `D` width, `H` heads,
//! `K` kv-heads, `E` head width, `F` mlp, `V` vocabulary, `L` layers. One sequence runs at a time, so that the
//! batch dimension is left out: activations are `[T, D]`.
//!
//! **Devices and gradients.** The device that computes is the one the weights lie on: caches, angles and masks follow
//! them. On the processor `ops` are fused and products read weights as they are stored; on another device, and
//! wherever a gradient is asked for, the same blocks are made of candle's own operations, whose `backward` reaches
//! every weight that is a `Var`. [`ops::fuses`](ops) decides. The training step (`train`) has a backward of its own.

mod adapter;
mod attention;
mod embedding;
mod kv_cache;
mod linear;
pub(crate) mod matrix;
mod mlp;
mod norm;
mod ops;
pub mod quant;
mod rope;

pub use adapter::{Adapters, LowRank};
pub use attention::{Attention, Projection, QkNorms};
pub use embedding::Embedding;
pub use kv_cache::KvCache;
pub use linear::{Linear, LinearId, Weight};
pub use mlp::{Activation, GatedMlp, Mlp};
pub use norm::{LayerNorm, RmsNorm};
pub use ops::soft_cap;
pub use rope::{Rope, RopeConfig, RopeScaling};

use crate::inspect::probe::Probe;
use glassworks_protocol::model::Precision;

/// The sizes every decoder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelShape {
    /// `L`
    pub n_layers: usize,
    /// `D`
    pub width: usize,
    /// `H`
    pub n_heads: usize,
    /// `K`, which divides `H`
    pub n_kv_heads: usize,
    /// `E`
    pub head_width: usize,
    /// `F`
    pub mlp_width: usize,
    /// `V`
    pub vocab_size: usize,
    /// The most positions the model was made for.
    pub context_length: usize,
}

/// What one forward pass goes by.
pub struct ForwardCx<'a> {
    pub precision: Precision,
    /// Keys and values of the positions before; grows by those of this pass.
    pub cache: &'a mut KvCache,
    pub probe: &'a mut Probe,
    /// Laid beside the linear maps.
    pub adapters: Option<&'a Adapters>,
    /// Called between the layers and within long ones: an error ends the pass and leaves the cache as it was.
    pub between: &'a dyn Fn() -> anyhow::Result<()>,
}
