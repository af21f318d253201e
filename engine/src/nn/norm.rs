//! Normalisation of each position's vector.

use super::ops;
use anyhow::Result;
use candle_core::Tensor;

/// Root mean square norm (Zhang & Sennrich 2019): no mean taken off, no bias.
pub struct RmsNorm {
    /// `[D]`
    weight: Tensor,
    /// `[D]`: what is multiplied by.
    factors: Tensor,
    offset: f32,
    eps: f64,
}

impl RmsNorm {
    /// What is multiplied by is `weight` plus `offset`: 0, or 1 where a checkpoint keeps what differs from 1 (Gemma).
    pub fn new(weight: Tensor, offset: f32, eps: f64) -> Result<Self> {
        let factors = if offset == 0.0 { weight.clone() } else { weight.affine(1.0, f64::from(offset))? };
        Ok(Self { weight, factors, offset, eps })
    }

    /// Weight `[D]`, what is added to it, and ε.
    pub fn parts(&self) -> (&Tensor, f32, f64) {
        (&self.weight, self.offset, self.eps)
    }

    /// `[.., D]` → `[.., D]`
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(ops::rms_norm(x, &self.factors, self.eps)?)
    }
}

/// Layer norm (Ba, Kiros & Hinton 2016).
pub struct LayerNorm {
    /// `[D]`
    weight: Tensor,
    /// `[D]`
    bias: Tensor,
    eps: f64,
}

impl LayerNorm {
    pub fn new(weight: Tensor, bias: Tensor, eps: f64) -> Self {
        Self { weight, bias, eps }
    }

    /// Weight `[D]`, bias `[D]` and ε.
    pub fn parts(&self) -> (&Tensor, &Tensor, f64) {
        (&self.weight, &self.bias, self.eps)
    }

    /// `[T, D]` → `[T, D]`
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(ops::layer_norm(x, &self.weight, &self.bias, self.eps)?)
    }
}
