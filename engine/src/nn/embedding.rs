//! From token ids to vectors.

use super::Weight;
use anyhow::{Result, bail};
use candle_core::Tensor;

/// A row a token. Shares its weight with the unembedding where a model ties them.
pub struct Embedding {
    /// `[V, D]`
    weight: Weight,
}

impl Embedding {
    pub fn new(weight: Weight) -> Self {
        Self { weight }
    }

    /// `[V, D]`
    pub fn weight(&self) -> &Weight {
        &self.weight
    }

    /// `T` ids → `[T, D]`
    pub fn forward(&self, ids: &[u32]) -> Result<Tensor> {
        let (n, _) = self.weight.dims();
        if let Some(id) = ids.iter().find(|id| **id as usize >= n) {
            bail!("token {id} is outside the vocabulary of {n}")
        }
        self.weight.rows(ids)
    }
}
