//! Weights for a model of candle's: which it asks for, learned by building it of nothing, and the tensors themselves,
//! read through our own reader and let go of their file.

use super::{Bridged, RunOnlyConfig, Tables};
use crate::models::{TensorNeed, WeightSource};
use anyhow::{Context as _, Result, ensure};
use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::VarBuilder;
use candle_nn::var_builder::SimpleBackend;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The name of the unembedding, in every family.
const HEAD: &str = "lm_head.weight";

/// Notes what is asked for, and gives tensors of the right shape that take no memory.
struct Noting(Arc<Mutex<Vec<TensorNeed>>>);

impl SimpleBackend for Noting {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: candle_nn::Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let need = TensorNeed::new(name, shape.dims());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(need);
        Tensor::zeros((), dtype, device)?.broadcast_as(shape)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        candle_core::bail!("{name} has no known shape")
    }

    fn contains_tensor(&self, _: &str) -> bool {
        false
    }
}

impl RunOnlyConfig {
    /// Every tensor that the model asks a file for.
    ///
    /// # Errors
    /// When candle's model cannot be built of this configuration.
    pub fn tensors(&self) -> Result<Vec<TensorNeed>> {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let vb = VarBuilder::from_backend(Box::new(Noting(Arc::clone(&asked))), DType::F32, Device::Cpu);
        let mut values = self.values.clone();
        // Tables of positions are no weights.
        values["max_position_embeddings"] = 1.into();
        drop((self.family.make)(&values, vb)?);
        let mut needs = std::mem::take(&mut *asked.lock().unwrap_or_else(PoisonError::into_inner));
        needs.retain(|need| !(self.tied && need.name == HEAD));
        needs.sort_by(|a, b| a.name.cmp(&b.name));
        needs.dedup();
        Ok(needs)
    }

    /// What the model takes in memory with the tensors of `needs`: f32, and its tables of positions.
    #[must_use]
    pub fn loaded_bytes(&self, needs: &[TensorNeed]) -> u64 {
        let n = |need: &TensorNeed| need.shape.iter().map(|d| *d as u64).product::<u64>();
        let weights: u64 = needs.iter().map(n).sum();
        let copied = needs.iter().find(|need| self.tied && need.name == self.family.embedding);
        let copied = copied.filter(|need| self.scale(&need.name) != self.scale(HEAD)).map_or(0, n);
        let layers = if self.family.tables == Tables::EachLayer { self.shape.n_layers as u64 } else { 1 };
        4 * (weights + copied) + layers * self.table_bytes()
    }

    /// What the tables of positions take, and twice that while they are made.
    pub(super) fn table_bytes(&self) -> u64 {
        3 * 2 * 4 * self.shape.context_length as u64 * self.shape.head_width as u64
    }

    fn scale(&self, name: &str) -> f64 {
        (self.family.scale)(name, &self.values)
    }

    /// Reads the tensors of `needs` and builds the model of them.
    pub(super) fn read(&self, needs: &[TensorNeed], source: &dyn WeightSource) -> Result<Box<dyn Bridged>> {
        let mut tensors = HashMap::with_capacity(needs.len() + 1);
        for need in needs {
            let tensor = source.dense(&need.name, &need.shape)?;
            if self.tied && need.name == self.family.embedding {
                tensors.insert(HEAD.to_owned(), scaled(&tensor, self.scale(HEAD))?);
            }
            tensors.insert(need.name.clone(), scaled(&tensor, self.scale(&need.name))?);
        }
        ensure!(!self.tied || tensors.contains_key(HEAD), "there is no embedding");
        let vb = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        (self.family.make)(&self.values, vb).context("building the model")
    }
}

fn scaled(tensor: &Tensor, factor: f64) -> Result<Tensor> {
    if factor == 1.0 { Ok(tensor.clone()) } else { Ok((tensor * factor)?) }
}
