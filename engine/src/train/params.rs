//! What is trained: values, gradients and the optimizer's moments, by name. How they are used lives beside it.

use anyhow::{Result, ensure};
use glassworks_kernels::optim::{self, AdamW};

/// A trainable array, row-major `[rows, cols]`; a vector has one row.
pub struct Parameter {
    /// As a checkpoint calls it: `model.layers.0.self_attn.q_proj.weight`, or `….lora_A`.
    pub name: String,
    pub rows: usize,
    pub cols: usize,
    pub value: Vec<f32>,
    /// Summed over the batches of a step.
    pub grad: Vec<f32>,
    /// The optimizer's first and second moment; empty before its first step.
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
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 }
    }
}

impl Parameters {
    pub fn add(&mut self, name: String, rows: usize, cols: usize, value: Vec<f32>) -> ParameterId {
        assert_eq!(value.len(), rows * cols, "{name} is [{rows}, {cols}]");
        let grad = vec![0.0; value.len()];
        self.all.push(Parameter { name, rows, cols, value, grad, moments: Default::default() });
        ParameterId(self.all.len() - 1)
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

    /// One step of AdamW, the gradients first scaled down to a norm of at most `max_norm` as
    /// `torch.nn.utils.clip_grad_norm_` does; `step` counts from 1. Says what the norm was before.
    pub fn adamw(&mut self, config: AdamWConfig, lr: f64, step: u64, max_norm: Option<f64>) -> f64 {
        let norm = self.grad_norm();
        let grad_scale = max_norm.map_or(1.0, |max_norm| (max_norm / (norm + 1e-6)).min(1.0)) as f32;
        let AdamWConfig { beta1, beta2, eps, weight_decay } = config;
        let adamw = AdamW { lr, beta1, beta2, eps, weight_decay, step, grad_scale };
        for p in &mut self.all {
            let [m, v] = &mut p.moments;
            m.resize(p.value.len(), 0.0);
            v.resize(p.value.len(), 0.0);
            adamw.update(&mut p.value, &p.grad, m, v);
        }
        norm
    }

    /// The first step tells whether the graph reaches everything.
    ///
    /// # Errors
    /// Names the first parameter whose gradient is zero throughout.
    pub fn check_reached(&self) -> Result<()> {
        for p in &self.all {
            ensure!(p.grad.iter().any(|g| *g != 0.0), "{} received no gradient", p.name);
        }
        Ok(())
    }
}
