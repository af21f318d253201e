//! The optimizer a run was asked for: which numbers it takes, and its step.

use super::{AdamWConfig, Parameters, SgdConfig};
use glassworks_protocol::train::{OptimizerSpec, TrainSpec};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    AdamW(AdamWConfig),
    Sgd(SgdConfig),
}

impl Optimizer {
    /// Weight decay leaves norms and biases alone, as transformers' Trainer does.
    #[must_use]
    pub fn of(spec: &TrainSpec) -> Self {
        match &spec.optimizer {
            OptimizerSpec::AdamW(adamw) => Self::AdamW(AdamWConfig {
                beta1: adamw.beta1,
                beta2: adamw.beta2,
                eps: adamw.eps,
                weight_decay: adamw.weight_decay,
                decays_vectors: false,
            }),
            OptimizerSpec::Sgd(sgd) => Self::Sgd(SgdConfig {
                momentum: sgd.momentum,
                weight_decay: sgd.weight_decay,
                decays_vectors: false,
            }),
        }
    }

    /// Step `number`, from 1 on, the gradients multiplied by `grad_scale`.
    pub fn step(&self, params: &mut Parameters, lr: f64, number: u64, grad_scale: f32) {
        match self {
            Self::AdamW(config) => params.adamw_scaled(*config, lr, number, grad_scale),
            Self::Sgd(config) => params.sgd_scaled(*config, lr, grad_scale),
        }
    }
}
