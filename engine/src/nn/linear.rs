//! A linear map, whatever its weight is stored as.

use super::quant::Packed;
use super::{ForwardCx, ops};
use anyhow::{Context as _, Result};
use candle_core::{Device, Storage, Tensor};
use glassworks_protocol::model::Precision;

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
    /// As it was stored.
    Packed(Packed),
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
    pub fn product(&self, x: &Tensor, cx: &ForwardCx) -> Result<Tensor> {
        match self {
            Self::Dense(w) => {
                let few = x.dims()[0] <= FEW_ROWS && !x.track_op() && !w.track_op();
                Ok(if few { ops::few_rows_matmul(x, w)? } else { x.matmul(&w.t()?)? })
            }
            Self::Packed(w) => match cx.precision {
                Precision::Exact => exact_product(w, x, cx),
                Precision::Fast => w.matmul_fast(x),
            },
        }
    }

    /// Rows by index, as f32: `[T, in]`.
    pub fn rows(&self, indices: &[u32]) -> Result<Tensor> {
        match self {
            Self::Dense(w) => {
                let indices = Tensor::new(indices, w.device())?;
                Ok(w.index_select(&indices, 0)?)
            }
            Self::Packed(w) => {
                let dims = (indices.len(), w.cols());
                Ok(Tensor::from_vec(w.gather_rows(indices)?, dims, &Device::Cpu)?)
            }
        }
    }

    /// (out, in)
    pub fn dims(&self) -> (usize, usize) {
        match self {
            Self::Dense(w) => (w.dims()[0], w.dims()[1]),
            Self::Packed(w) => (w.rows(), w.cols()),
        }
    }

    pub fn size_bytes(&self) -> u64 {
        match self {
            Self::Dense(w) => w.elem_count() as u64 * 4,
            Self::Packed(w) => w.size_bytes(),
        }
    }
}

/// `[T, in]` → `[T, out]`, without copying x.
fn exact_product(w: &Packed, x: &Tensor, cx: &ForwardCx) -> Result<Tensor> {
    if x.track_op() {
        anyhow::bail!("the exact product with packed weights has no backward");
    }
    let x = x.contiguous()?;
    let t = x.dims()[0];
    let mut out = vec![0f32; t * w.rows()];
    {
        let (storage, layout) = x.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else { anyhow::bail!("activations are not in main memory") };
        let (from, to) = layout.contiguous_offsets().context("contiguous activations expected")?;
        w.matmul_exact(&storage.as_slice::<f32>()?[from..to], t, &mut out, cx.between)?;
    }
    Ok(Tensor::from_vec(out, (t, w.rows()), &Device::Cpu)?)
}
