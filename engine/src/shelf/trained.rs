//! Weights that a run has trained, over those of the model it began with: a checkpoint of whole weights holds only what
//! was trained, under our own names and as `[out, in]`.

use crate::models::WeightSource;
use crate::nn::Weight;
use crate::train::peft::read_tensors;
use anyhow::{Result, ensure};
use candle_core::{Device, Tensor};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The trained weights, read.
pub struct Trained {
    /// Flat.
    values: BTreeMap<String, Tensor>,
    /// Those that have not been asked for.
    left: RefCell<BTreeSet<String>>,
}

impl Trained {
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let tensor = |(name, values): (String, Vec<f32>)| {
            let n = values.len();
            Ok((name, Tensor::from_vec(values, n, &Device::Cpu)?))
        };
        let values: BTreeMap<String, Tensor> =
            read_tensors(path)?.into_iter().map(tensor).collect::<Result<_>>()?;
        let left = RefCell::new(values.keys().cloned().collect());
        Ok(Self { values, left })
    }

    /// The weights of `under`, with these in their place.
    #[must_use]
    pub fn over<'a>(&'a self, under: &'a dyn WeightSource) -> Over<'a> {
        Over { trained: self, under }
    }

    /// # Errors
    /// When some were never asked for: they belong to another model.
    pub fn check_all_used(&self) -> Result<()> {
        let left = self.left.borrow();
        ensure!(left.is_empty(), "the model has no {}", left.iter().next().map_or("", String::as_str));
        Ok(())
    }

    /// A file may lack the beginning of a name that ours has, or have one more.
    fn find(&self, name: &str, shape: &[usize]) -> Result<Option<Tensor>> {
        let same = |ours: &str| {
            ours == name
                || ours.strip_suffix(name).is_some_and(|begin| begin.ends_with('.'))
                || name.strip_suffix(ours).is_some_and(|begin| begin.ends_with('.'))
        };
        let Some((ours, values)) = self.values.iter().find(|(ours, _)| same(ours)) else { return Ok(None) };
        let n: usize = shape.iter().product();
        ensure!(values.elem_count() == n, "{name} has another shape in the checkpoint");
        self.left.borrow_mut().remove(ours);
        Ok(Some(values.reshape(shape)?))
    }
}

/// A [`WeightSource`] that goes before another.
pub struct Over<'a> {
    trained: &'a Trained,
    under: &'a dyn WeightSource,
}

impl WeightSource for Over<'_> {
    fn has(&self, name: &str) -> bool {
        self.under.has(name)
    }

    fn dense(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.trained.find(name, shape)?.map_or_else(|| self.under.dense(name, shape), Ok)
    }

    fn linear(&self, name: &str, n_out: usize, n_in: usize) -> Result<Weight> {
        match self.trained.find(name, &[n_out, n_in])? {
            Some(values) => Ok(Weight::Dense(values)),
            None => self.under.linear(name, n_out, n_in),
        }
    }

    fn turned(&self, name: &str, n_out: usize, n_in: usize) -> Result<Tensor> {
        self.trained.find(name, &[n_out, n_in])?.map_or_else(|| self.under.turned(name, n_out, n_in), Ok)
    }
}
