//! The operations made of candle's own, differentiable ones, in the precision of their input: for tensors on
//! another device than the processor, and wherever a gradient is asked for. Speed is not what they are for.

use super::Scores;
use candle_core::{D, Result, Tensor};

/// √(2/π)
const SQRT_2_OVER_PI: f64 = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;

pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
    let mean_square = x.sqr()?.mean_keepdim(D::Minus1)?;
    x.broadcast_div(&(mean_square + eps)?.sqrt()?)?.broadcast_mul(weight)
}

pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    rms_norm(&centred, weight, eps)?.broadcast_add(bias)
}

pub fn rope(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
    let (_, _, e) = x.dims3()?;
    let (_, half) = cos.dims2()?;
    let x = x.transpose(0, 1)?; // [H, T, E]
    let (a, b) = (x.narrow(2, 0, half)?, x.narrow(2, half, half)?);
    let mut parts = vec![
        (a.broadcast_mul(cos)? - b.broadcast_mul(sin)?)?,
        (b.broadcast_mul(cos)? + a.broadcast_mul(sin)?)?,
    ];
    if 2 * half < e {
        parts.push(x.narrow(2, 2 * half, e - 2 * half)?.contiguous()?);
    }
    Tensor::cat(&parts, 2)
}

pub fn causal_softmax(scores: &Tensor, how: Scores) -> Result<Tensor> {
    let scores = (scores * f64::from(how.scale))?;
    let scores = match how.soft_cap {
        Some(cap) => soft_cap(&scores, cap)?,
        None => scores,
    };
    let scores = match causal_mask(&scores, how)? {
        Some(mask) => scores.broadcast_add(&mask)?,
        None => scores,
    };
    // A constant to the gradient: whatever is taken off, the softmax is the same.
    let max = scores.detach().max_keepdim(D::Minus1)?;
    let exps = scores.broadcast_sub(&max)?.exp()?;
    exps.broadcast_div(&exps.sum_keepdim(D::Minus1)?)
}

/// 0 for the keys a query sees and −∞ for the others, `[T, S]`; `None` when one query sees them all.
fn causal_mask(scores: &Tensor, how: Scores) -> Result<Option<Tensor>> {
    let (t, s) = (scores.dim(D::Minus2)?, scores.dim(D::Minus1)?);
    if t == 1 && how.seen(0) == (0..s) {
        return Ok(None);
    }
    let row = |query: usize| {
        let seen = how.seen(query);
        (0..s).map(move |key| if seen.contains(&key) { 0.0 } else { f32::NEG_INFINITY })
    };
    let mask: Vec<f32> = (0..t).flat_map(row).collect();
    Ok(Some(Tensor::from_vec(mask, (t, s), scores.device())?.to_dtype(scores.dtype())?))
}

pub fn silu_mul(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    map_silu(gate)? * up
}

pub fn gelu_new_mul(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    map_gelu_new(gate)? * up
}

pub fn map_silu(x: &Tensor) -> Result<Tensor> {
    x.silu()
}

/// Not candle's `gelu`, the gradient of which has its constants to six digits.
pub fn map_gelu_new(x: &Tensor) -> Result<Tensor> {
    let cubed = (x.sqr()? * x)?;
    let bent = ((x + (cubed * 0.044_715)?)? * SQRT_2_OVER_PI)?.tanh()?;
    (x * (bent + 1.0)?)? * 0.5
}

pub fn soft_cap(x: &Tensor, cap: f32) -> Result<Tensor> {
    let cap = f64::from(cap);
    (x * (1.0 / cap))?.tanh()? * cap
}
