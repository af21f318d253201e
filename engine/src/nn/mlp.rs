//! The position-wise half of a block.

use super::{ForwardCx, Linear, ops};
use anyhow::Result;
use candle_core::Tensor;
use glassworks_kernels::activation as kernels;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    Silu,
    /// The tanh approximation.
    GeluNew,
    /// Through the error function.
    Gelu,
}

impl From<Activation> for kernels::Activation {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Silu => Self::Silu,
            Activation::GeluNew => Self::GeluTanh,
            Activation::Gelu => Self::Gelu,
        }
    }
}

/// down(activation(gate(x)) · up(x)) (Shazeer 2020): SwiGLU with silu.
pub struct GatedMlp {
    pub gate: Linear,
    pub up: Linear,
    pub down: Linear,
    pub activation: Activation,
}

impl GatedMlp {
    /// `[T, D]` → `[T, D]`
    pub fn forward(&self, x: &Tensor, cx: &ForwardCx) -> Result<Tensor> {
        let (gate, up) = (self.gate.forward(x, cx)?, self.up.forward(x, cx)?);
        let inner = match self.activation {
            Activation::Silu => ops::silu_mul(&gate, &up)?,
            Activation::GeluNew => ops::gelu_new_mul(&gate, &up)?,
            Activation::Gelu => (gate.gelu_erf()? * up)?,
        };
        self.down.forward(&inner, cx)
    }
}

/// down(activation(up(x)))
pub struct Mlp {
    pub up: Linear,
    pub down: Linear,
    pub activation: Activation,
}

impl Mlp {
    /// `[T, D]` → `[T, D]`
    pub fn forward(&self, x: &Tensor, cx: &ForwardCx) -> Result<Tensor> {
        let up = self.up.forward(x, cx)?;
        let inner = match self.activation {
            Activation::Silu => ops::map_silu(&up)?,
            Activation::GeluNew => ops::map_gelu_new(&up)?,
            Activation::Gelu => up.gelu_erf()?,
        };
        self.down.forward(&inner, cx)
    }
}
