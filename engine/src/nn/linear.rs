//! A linear map, whatever its weight is stored as.

use super::{ForwardCx, ops};
use anyhow::Result;
use candle_core::Tensor;

/// Rows of input up to which dot products beat the matrix kernel.
const FEW_ROWS: usize = 4;

/// y = x·Wᵀ + b
#[derive(Clone)]
pub struct Linear {
    weight: Weight,
    /// `[out]`
    bias: Option<Tensor>,
}

/// A matrix `[out, in]`. Clones share the memory.
#[derive(Clone)]
pub enum Weight {
    /// f32
    Dense(Tensor),
}

impl Linear {
    pub fn new(weight: Weight, bias: Option<Tensor>) -> Self {
        Self { weight, bias }
    }

    pub fn weight(&self) -> &Weight {
        &self.weight
    }

    pub fn bias(&self) -> Option<&Tensor> {
        self.bias.as_ref()
    }

    /// `[T, in]` → `[T, out]`
    pub fn forward(&self, x: &Tensor, cx: &ForwardCx) -> Result<Tensor> {
        let y = self.weight.product(x, cx)?;
        Ok(match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        })
    }
}

impl Weight {
    /// `[T, in]` → `[T, out]`
    pub fn product(&self, x: &Tensor, _cx: &ForwardCx) -> Result<Tensor> {
        match self {
            Self::Dense(w) => {
                let few = x.dims()[0] <= FEW_ROWS && !x.track_op() && !w.track_op();
                Ok(if few { ops::few_rows_matmul(x, w)? } else { x.matmul(&w.t()?)? })
            }
        }
    }

    /// Rows by index, as f32: `[T, in]`.
    pub fn rows(&self, indices: &[u32]) -> Result<Tensor> {
        match self {
            Self::Dense(w) => {
                let indices = Tensor::new(indices, w.device())?;
                Ok(w.index_select(&indices, 0)?)
            }
        }
    }

    /// (out, in)
    pub fn dims(&self) -> (usize, usize) {
        match self {
            Self::Dense(w) => (w.dims()[0], w.dims()[1]),
        }
    }

    pub fn size_bytes(&self) -> u64 {
        match self {
            Self::Dense(w) => w.elem_count() as u64 * 4,
        }
    }
}
