//! Normalisation of each position's vector.

use super::ops;
use anyhow::Result;
use candle_core::Tensor;

/// Root mean square norm (Zhang & Sennrich 2019): no mean taken off, no bias.
pub struct RmsNorm {
    /// `[D]`
    weight: Tensor,
    eps: f64,
}

impl RmsNorm {
    pub fn new(weight: Tensor, eps: f64) -> Self {
        Self { weight, eps }
    }

    /// Weight `[D]` and ε.
    pub fn parts(&self) -> (&Tensor, f64) {
        (&self.weight, self.eps)
    }

    /// `[T, D]` → `[T, D]`
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(ops::rms_norm(x, &self.weight, self.eps)?)
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
