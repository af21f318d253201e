//! What is trained: values, gradients and the optimizer's moments, by name. How they are used lives beside it.

use anyhow::{Result, bail};
use glassworks_kernels::optim::{self, AdamW, Sgd};

/// A trainable array, row-major `[rows, cols]`; a vector has one row.
pub struct Parameter {
    /// As a checkpoint calls it: `model.layers.0.self_attn.q_proj.weight`, or `….lora_A`.
    pub name: String,
    pub rows: usize,
    pub cols: usize,
    pub value: Vec<f32>,
    /// Summed over the batches of a step.
    pub grad: Vec<f32>,
    /// A norm's weight or a bias: an array of one dimension.
    pub is_vector: bool,
    /// The optimizer's first and second moment; empty before its first step, the second one always with SGD.
    pub moments: [Vec<f32>; 2],
}

/// Where a parameter lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParameterId(usize);

/// All that is trained.
#[derive(Default)]
pub struct Parameters {
    all: Vec<Parameter>,
}

/// Numbers of torch.optim.AdamW (Loshchilov & Hutter 2019).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    pub beta1: f64,
    pub beta2: f64,
    pub eps: f64,
    pub weight_decay: f64,
    /// PyTorch alone decays norms and biases too; transformers' Trainer leaves them out.
    pub decays_vectors: bool,
}

/// Numbers of torch.optim.SGD, without dampening.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdConfig {
    pub momentum: f64,
    pub weight_decay: f64,
    pub decays_vectors: bool,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01, decays_vectors: true }
    }
}

impl Parameters {
    pub fn add(&mut self, name: String, rows: usize, cols: usize, value: Vec<f32>) -> ParameterId {
        assert_eq!(value.len(), rows * cols, "{name} is [{rows}, {cols}]");
        let grad = vec![0.0; value.len()];
        let moments = Default::default();
        self.all.push(Parameter { name, rows, cols, value, grad, is_vector: false, moments });
        ParameterId(self.all.len() - 1)
    }

    /// An array of one dimension.
    pub fn add_vector(&mut self, name: String, value: Vec<f32>) -> ParameterId {
        let id = self.add(name, 1, value.len(), value);
        self.get_mut(id).is_vector = true;
        id
    }

    #[must_use]
    pub fn get(&self, id: ParameterId) -> &Parameter {
        &self.all[id.0]
    }

    pub fn get_mut(&mut self, id: ParameterId) -> &mut Parameter {
        &mut self.all[id.0]
    }

    pub fn iter(&self) -> impl Iterator<Item = &Parameter> {
        self.all.iter()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Parameter> {
        self.all.iter_mut()
    }

    /// How many numbers are trained.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all.iter().map(|p| p.value.len()).sum()
    }

    pub fn zero_grad(&mut self) {
        self.all.iter_mut().for_each(|p| p.grad.fill(0.0));
    }

    /// The Euclidean norm of all gradients together.
    #[must_use]
    pub fn grad_norm(&self) -> f64 {
        self.all.iter().map(|p| optim::sum_of_squares(&p.grad)).sum::<f64>().sqrt()
    }

    /// What gradients are multiplied by so that their norm is at most `max_norm`, as
    /// `torch.nn.utils.clip_grad_norm_` does; and their norm.
    #[must_use]
    pub fn clipping(&self, max_norm: Option<f64>) -> (f32, f64) {
        let norm = self.grad_norm();
        (max_norm.map_or(1.0, |max_norm| (max_norm / (norm + 1e-6)).min(1.0)) as f32, norm)
    }

    /// One step of AdamW, the gradients first scaled down to a norm of at most `max_norm` as
    /// `torch.nn.utils.clip_grad_norm_` does; `step` counts from 1. Says what the norm was before.
    pub fn adamw(&mut self, config: AdamWConfig, lr: f64, step: u64, max_norm: Option<f64>) -> f64 {
        let (grad_scale, norm) = self.clipping(max_norm);
        self.adamw_scaled(config, lr, step, grad_scale);
        norm
    }

    /// As [`Self::adamw`], the gradients multiplied by `grad_scale`.
    pub fn adamw_scaled(&mut self, config: AdamWConfig, lr: f64, step: u64, grad_scale: f32) {
        let AdamWConfig { beta1, beta2, eps, weight_decay, decays_vectors } = config;
        let adamw = AdamW { lr, beta1, beta2, eps, weight_decay, step, grad_scale };
        for p in &mut self.all {
            let [m, v] = &mut p.moments;
            m.resize(p.value.len(), 0.0);
            v.resize(p.value.len(), 0.0);
            let weight_decay = if p.is_vector && !decays_vectors { 0.0 } else { weight_decay };
            AdamW { weight_decay, ..adamw }.update(&mut p.value, &p.grad, m, v);
        }
    }

    /// One step of SGD with momentum, the gradients multiplied by `grad_scale`.
    pub fn sgd_scaled(&mut self, config: SgdConfig, lr: f64, grad_scale: f32) {
        let SgdConfig { momentum, weight_decay, decays_vectors } = config;
        for p in &mut self.all {
            let m = &mut p.moments[0];
            m.resize(p.value.len(), 0.0);
            let weight_decay = if p.is_vector && !decays_vectors { 0.0 } else { weight_decay };
            Sgd { lr, momentum, weight_decay, grad_scale }.update(&mut p.value, &p.grad, m);
        }
    }

    /// The first step tells whether the graph reaches everything.
    ///
    /// # Errors
    /// Names the first parameter whose gradient is zero throughout.
    pub fn check_reached(&self) -> Result<()> {
        match self.unreached().first() {
            Some(p) => bail!("{} received no gradient", p.name),
            None => Ok(()),
        }
    }

    /// What has a gradient that is zero throughout.
    #[must_use]
    pub fn unreached(&self) -> Vec<&Parameter> {
        self.all.iter().filter(|p| p.grad.iter().all(|g| *g == 0.0)).collect()
    }
}
