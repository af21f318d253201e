//! Keys and values of the positions that a sequence has been through.

use super::ModelShape;
use anyhow::{Result, ensure};
use candle_core::{DType, Device, Tensor};

/// Capacity comes in multiples of this many positions.
const CHUNK: usize = 256;

/// One sequence's keys and values, written in place. Grows by an eighth at least, up to the model's context, so
/// that a short chat with a long-context model stays small.
pub struct KvCache {
    layers: Vec<Option<Layer>>,
    shape: ModelShape,
    len: usize,
}

struct Layer {
    /// `[K, capacity, E]`
    keys: Tensor,
    /// `[K, capacity, E]`
    values: Tensor,
}

impl KvCache {
    /// Empty; allocates nothing yet.
    pub fn new(shape: &ModelShape) -> Self {
        Self { layers: (0..shape.n_layers).map(|_| None).collect(), shape: *shape, len: 0 }
    }

    /// Positions that every layer has been through.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets all positions from `len` on. Memory is kept.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// What is allocated.
    pub fn size_bytes(&self) -> u64 {
        self.layers.iter().flatten().map(|l| 2 * l.keys.elem_count() as u64 * 4).sum()
    }

    /// The most that a cache which has grown to `n_positions` holds.
    #[must_use]
    pub fn bytes_for(shape: &ModelShape, n_positions: usize) -> u64 {
        let capacity = next_capacity(n_positions, n_positions, shape.context_length);
        2 * 4 * (shape.n_layers * shape.n_kv_heads * capacity * shape.head_width) as u64
    }

    /// Takes the keys and values of the positions after `len` (`[K, T, E]` each, contiguous) and gives those of
    /// all positions, `[K, S, E]` with gaps between the heads. They count only once [`Self::advance`] is called,
    /// so that a pass which fails half way leaves the cache as it was.
    pub fn extend(&mut self, layer_idx: usize, k: &Tensor, v: &Tensor) -> Result<(Tensor, Tensor)> {
        let (_, t, _) = k.dims3()?;
        let len = self.len + t;
        ensure!(len <= self.shape.context_length, "position {len} is past the context");
        let layer = self.reserve(layer_idx, len)?;
        layer.keys.slice_set(k, 1, len - t)?;
        layer.values.slice_set(v, 1, len - t)?;
        Ok((layer.keys.narrow(1, 0, len)?, layer.values.narrow(1, 0, len)?))
    }

    /// The pass is through: `t` more positions count.
    pub fn advance(&mut self, t: usize) {
        self.len += t;
    }

    fn reserve(&mut self, layer_idx: usize, len: usize) -> Result<&Layer> {
        let old = self.layers[layer_idx].take();
        let capacity = old.as_ref().map_or(0, |l| l.keys.dims()[1]);
        let layer = match old {
            Some(layer) if capacity >= len => layer,
            old => {
                let capacity = next_capacity(capacity, len, self.shape.context_length);
                let dims = (self.shape.n_kv_heads, capacity, self.shape.head_width);
                let layer = Layer {
                    keys: Tensor::zeros(dims, DType::F32, &Device::Cpu)?,
                    values: Tensor::zeros(dims, DType::F32, &Device::Cpu)?,
                };
                if let Some(old) = old.filter(|_| self.len > 0) {
                    layer.keys.slice_set(&old.keys.narrow(1, 0, self.len)?.contiguous()?, 1, 0)?;
                    layer.values.slice_set(&old.values.narrow(1, 0, self.len)?.contiguous()?, 1, 0)?;
                }
                layer
            }
        };
        Ok(self.layers[layer_idx].insert(layer))
    }
}

fn next_capacity(capacity: usize, len: usize, context_length: usize) -> usize {
    len.max(capacity + capacity / 8).next_multiple_of(CHUNK).min(context_length)
}
