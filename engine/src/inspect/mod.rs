//! Looking inside a forward pass: run it once, keep what was seen, write it to a file.

pub mod draw;
mod file;
pub mod gradients;
mod pooled;
pub mod probe;
pub mod recorder;
pub mod stream;
pub mod switch;

pub use file::write_safetensors;

use crate::models::{CausalLm, ForwardCx, ModelShape};
use crate::nn::KvCache;
use anyhow::{Context as _, Result};
use candle_core::{Device, Tensor};
use glassworks_protocol::model::Precision;
use probe::{Capture, CapturePlan, Probe, Site};

/// Everything a pass of T tokens shows, in main memory.
pub struct Captured {
    pub tokens: Vec<u32>,
    /// `[T, V]`
    pub logits: Tensor,
    /// `[T, D]` each, `L + 1` of them: the embeddings first, the last before the final norm.
    pub hidden: Vec<Tensor>,
    /// `[H, T, T]` each, `L` of them.
    pub attention: Vec<Tensor>,
}

/// The most memory that [`run`] takes for `n_tokens`, weights not counted: what is kept, the cache, and one
/// layer's intermediate values.
#[must_use]
pub fn bytes_needed(shape: &ModelShape, n_tokens: usize) -> u64 {
    let (t, n) = (n_tokens as u64, |x: usize| x as u64);
    let logits = t * n(shape.vocab_size);
    let hidden = (n(shape.n_layers) + 1) * t * n(shape.width);
    // One layer's is there twice while its tiles are put together.
    let attention = (n(shape.n_layers) + 1) * n(shape.n_heads) * t * t;
    let heads = n(shape.n_heads + 2 * shape.n_kv_heads) * n(shape.head_width);
    let layer = t * (6 * n(shape.width) + 3 * heads + 3 * n(shape.mlp_width));
    4 * (logits + hidden + attention + layer) + KvCache::bytes_for(shape, n_tokens)
}

/// Runs `tokens` once, Exact, and keeps all there is to see.
///
/// # Errors
/// When there are no tokens or more than the context holds, and whatever `between` returns.
pub fn run(model: &dyn CausalLm, tokens: &[u32], between: &dyn Fn() -> Result<()>) -> Result<Captured> {
    let shape = *model.shape();
    let mut cache = KvCache::new(&shape);
    let plan = CapturePlan { hidden: true, attention: true, head_outputs: false };
    let mut probe = Probe::capture(plan);
    let mut cx = ForwardCx {
        precision: Precision::Exact,
        cache: &mut cache,
        probe: &mut probe,
        adapters: None,
        between,
    };
    let hidden = model.hidden(tokens, &mut cx)?;
    let logits = model.logits(&hidden, &mut cx)?.to_device(&Device::Cpu)?;
    let Probe::Capture(Capture { mut seen, .. }) = probe else { anyhow::bail!("the probe is gone") };
    let mut take = |site| seen.remove(&site).with_context(|| format!("the model shows nothing at {site:?}"));
    Ok(Captured {
        tokens: tokens.to_vec(),
        logits,
        hidden: (0..=shape.n_layers).map(|l| take(Site::Hidden(l))).collect::<Result<_>>()?,
        attention: (0..shape.n_layers).map(|l| take(Site::Attention(l))).collect::<Result<_>>()?,
    })
}
