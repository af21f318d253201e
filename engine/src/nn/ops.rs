//! The operations of a block, each in two forms of the same numbers: *fused*, one pass over f32 in main memory
//! without a backward, and *composed* of candle's own operations, which run on every device candle knows and have
//! gradients. [`fuses`] is the one place that decides.

mod composed;
mod fused;
#[cfg(test)]
mod tests;

use candle_core::{Result, Tensor, bail};

/// Whether an operation on these tensors takes its fused form: all of them lie in main memory and nobody asks for
/// a gradient. A fused pass in a tape would cut it; candle's own forms never do.
pub fn fuses(inputs: &[&Tensor]) -> bool {
    inputs.iter().all(|input| input.device().is_cpu() && !input.track_op())
}

/// x · rsqrt(mean(x²) + ε) · weight, along the last dimension.
pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
    vector_of(x, weight, "rms-norm")?;
    if fuses(&[x, weight]) { fused::rms_norm(x, weight, eps) } else { composed::rms_norm(x, weight, eps) }
}

/// (x − mean) · rsqrt(variance + ε) · weight + bias, along the last dimension.
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    vector_of(x, weight, "layer-norm")?;
    vector_of(x, bias, "layer-norm")?;
    if fuses(&[x, weight, bias]) {
        fused::layer_norm(x, weight, bias, eps)
    } else {
        composed::layer_norm(x, weight, bias, eps)
    }
}

/// Turns the two halves of each head by the positions' angles: `[T, H, E]` → `[H, T, E]`; `cos` and `sin` are
/// `[T, R/2]`, and elements from R on pass unchanged.
pub fn rope(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
    let (t, _, e) = x.dims3()?;
    let (rows, half) = cos.dims2()?;
    if rows != t || 2 * half > e || sin.dims() != cos.dims() {
        bail!("rope: angles {:?}, {:?} for {:?}", cos.dims(), sin.dims(), x.dims())
    }
    if fuses(&[x, cos, sin]) { fused::rope(x, cos, sin) } else { composed::rope(x, cos, sin) }
}

/// How scores become weights, and who sees whom.
#[derive(Clone, Copy, Debug)]
pub struct Scores {
    pub scale: f32,
    /// Scaled scores become `cap · tanh(score / cap)`.
    pub soft_cap: Option<f32>,
    /// Query t sees keys up to `first + t`.
    pub first: usize,
    /// Of these, only the last so many.
    pub window: Option<usize>,
}

impl Scores {
    /// The first key that query `t` sees, and the one after the last.
    fn seen(&self, t: usize) -> std::ops::Range<usize> {
        let end = self.first + t + 1;
        self.window.map_or(0, |window| end.saturating_sub(window))..end
    }
}

/// softmax(scores · scale) over `[.., T, S]`, contiguous; the keys that a query doesn't see get exactly 0. The scores'
/// memory may be written over.
pub fn causal_softmax(scores: Tensor, how: Scores) -> Result<Tensor> {
    let [.., t, s] = scores.dims() else {
        bail!("causal-softmax: [.., T, S] expected, got {:?}", scores.dims())
    };
    if *t == 0 || how.first + t > *s || how.window == Some(0) {
        bail!("causal-softmax: {t} queries, {s} keys, {how:?}")
    }
    if fuses(&[&scores]) {
        fused::causal_softmax(&scores, how)?;
        return Ok(scores);
    }
    composed::causal_softmax(&scores, how)
}

/// cap · tanh(x / cap), of candle's own operations anywhere: it is called for little at a time.
pub fn soft_cap(x: &Tensor, cap: f32) -> Result<Tensor> {
    composed::soft_cap(x, cap)
}

/// silu(gate) · up
pub fn silu_mul(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    if fuses(&[gate, up]) { fused::silu_mul(gate, up) } else { composed::silu_mul(gate, up) }
}

/// gelu_new(gate) · up
pub fn gelu_new_mul(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    if fuses(&[gate, up]) { fused::gelu_new_mul(gate, up) } else { composed::gelu_new_mul(gate, up) }
}

/// silu(x)
pub fn map_silu(x: &Tensor) -> Result<Tensor> {
    if fuses(&[x]) { fused::map_silu(x) } else { composed::map_silu(x) }
}

/// The tanh approximation of gelu (Hendrycks & Gimpel), as GPT-2 uses it.
pub fn map_gelu_new(x: &Tensor) -> Result<Tensor> {
    if fuses(&[x]) { fused::map_gelu_new(x) } else { composed::map_gelu_new(x) }
}

/// That `vector` is one number for each element of `x`'s last dimension; broadcasting would hide that it isn't.
fn vector_of(x: &Tensor, vector: &Tensor, op: &'static str) -> Result<()> {
    if vector.dims1()? != x.dims().last().copied().unwrap_or(0) {
        bail!("{op}: {:?} for {:?}", vector.dims(), x.dims())
    }
    Ok(())
}
