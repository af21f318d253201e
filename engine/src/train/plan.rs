//! What a run will do, worked out before it begins: steps, order, rates; and the model made ready for it.

use super::{
    ClassHead, Factors, LORA_A, LoraConfig, Optimizer, PartConfig, Schedule, StepConfig, Tune, Tuner,
};
use crate::data::batches::{self, draw};
use crate::data::{Dataset, class_weights};
use crate::models::{CausalLm, is_head};
use crate::nn::matrix::Frozen;
use anyhow::Result;
use glassworks_kernels::dispatch::Precision;
use glassworks_protocol::dataset::DataReport;
use glassworks_protocol::model;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{FieldProblem, LoraSpec, MethodSpec, ModelSize, TaskSpec, TrainSpec};
use std::collections::BTreeMap;

/// The stream of numbers that dropout is drawn from; those of epochs count up from 0.
pub(super) const DROPOUT: u64 = u64::MAX - 1;

pub struct TrainPlan {
    pub spec: TrainSpec,
    pub n_steps: u64,
    pub schedule: Schedule,
    pub optimizer: Optimizer,
    pub evaluate_every: u64,
    /// Tokens of each training row.
    lengths: Vec<usize>,
    max_length: usize,
    /// Of a head that tells labels apart.
    n_classes: usize,
}

impl TrainPlan {
    #[must_use]
    pub fn new(spec: TrainSpec, data: &Dataset) -> Self {
        let lengths: Vec<usize> = data.train.iter().map(|example| example.ids.len()).collect();
        let max_length = data.report.max_length as usize;
        let n_batches = batches::of_epoch(&lengths, &spec.batch, max_length, spec.seed, 0).len() as u64;
        let n_steps = spec.n_steps(n_batches);
        Self {
            n_steps,
            schedule: Schedule::of(&spec, n_steps),
            optimizer: Optimizer::of(&spec),
            evaluate_every: spec.evaluate_every(n_steps),
            lengths,
            max_length,
            n_classes: data.report.labels.len(),
            spec,
        }
    }

    /// The batches of an epoch, by row.
    #[must_use]
    pub fn epoch(&self, epoch: u64) -> Vec<Vec<u32>> {
        batches::of_epoch(&self.lengths, &self.spec.batch, self.max_length, self.spec.seed, epoch)
    }

    /// Tokens of the largest batch: the first one.
    #[must_use]
    pub fn largest_batch(&self) -> usize {
        let tokens = |batch: &Vec<u32>| batch.iter().map(|row| self.lengths[*row as usize]).sum();
        self.epoch(0).first().map_or(0, tokens)
    }

    /// How many numbers the run trains, as the model has them.
    #[must_use]
    pub fn n_trained(&self, model: &dyn CausalLm) -> u64 {
        let method = n_trained(model, &self.spec.method);
        if !self.spec.task.classifies() {
            return method;
        }
        // A head in place of an unembedding of its own.
        let parts = model.parts();
        let own = match self.spec.method {
            MethodSpec::Full(_) if !parts.tied => parts.shape.vocab_size * parts.shape.width,
            _ => 0,
        };
        method.saturating_sub(own as u64) + (self.n_classes * parts.shape.width) as u64
    }

    /// Bytes that the run takes beside the model's weights.
    #[must_use]
    pub fn bytes(&self, model: &dyn CausalLm) -> u64 {
        self.spec.state_bytes(self.n_trained(model)) + self.step_bytes(model)
    }

    /// Those of them that a step takes for the time it is computed.
    #[must_use]
    pub fn step_bytes(&self, model: &dyn CausalLm) -> u64 {
        // Evaluation holds no more: its batches are of the same number of rows, and nothing is saved for a way back.
        self.spec.step_bytes(&model_size(model), self.largest_batch() as u64)
    }

    /// The most bytes that the run holds on disk.
    #[must_use]
    pub fn disk_bytes(&self, model: &dyn CausalLm) -> u64 {
        let n_trained = n_trained(model, &self.spec.method);
        let result = self.spec.result_bytes(&model_size(model), n_trained);
        self.spec.disk_bytes(n_trained, result, self.n_steps)
    }
}

/// Bytes that a pass over so many tokens takes, with a head for labels and nothing kept for a way back.
#[must_use]
pub fn pass_bytes(model: &dyn CausalLm, tokens: usize) -> u64 {
    let task = TaskSpec::Classification(Default::default());
    let spec = TrainSpec { task, recompute: true, ..TrainSpec::default() };
    spec.step_bytes(&ModelSize { n_layers: 1, ..model_size(model) }, tokens as u64)
}

/// The model's own sizes, not those a card suggests.
fn model_size(model: &dyn CausalLm) -> ModelSize {
    let (shape, tied) = (model.shape(), model.parts().tied);
    let mut n_params = if tied { 0 } else { (shape.vocab_size * shape.width) as u64 };
    model.linears(&mut |_, linear| {
        let (n_out, n_in) = linear.weight().dims();
        n_params += (n_out * n_in) as u64;
    });
    ModelSize {
        n_params,
        n_layers: shape.n_layers as u64,
        width: shape.width as u64,
        n_heads: shape.n_heads as u64,
        q_width: (shape.n_heads * shape.head_width) as u64,
        kv_width: (shape.n_kv_heads * shape.head_width) as u64,
        mlp_width: shape.mlp_width as u64,
        vocab_size: shape.vocab_size as u64,
        tied,
    }
}

/// How many numbers a method trains, as the model has them.
#[must_use]
pub fn n_trained(model: &dyn CausalLm, method: &MethodSpec) -> u64 {
    match method {
        MethodSpec::Lora(lora) => {
            let mut ends = 0;
            model.linears(&mut |name, linear| {
                let (n_out, n_in) = linear.weight().dims();
                if !is_head(name) && lora.targets(name) {
                    ends += (n_out + n_in) as u64;
                }
            });
            ends * u64::from(lora.rank)
        }
        MethodSpec::Full(_) => {
            let spec = TrainSpec { method: method.clone(), ..TrainSpec::default() };
            let size = model_size(model);
            let positions = model.parts().positions.map_or(0, |_| model.shape().context_length);
            // Norms and biases are little beside the matrices.
            let little = 8 * size.width * (size.n_layers + 1) + size.n_layers * size.mlp_width;
            spec.n_trained(&size) + (positions as u64) * size.width + little
        }
    }
}

/// What is wrong with a spec that only the model's own names can tell.
#[must_use]
pub fn problems(model: &dyn CausalLm, spec: &TrainSpec) -> Vec<FieldProblem> {
    let MethodSpec::Lora(lora) = &spec.method else { return Vec::new() };
    let mut names = Vec::new();
    model.linears(&mut |name, _| names.push(name.to_owned()));
    names.retain(|name| !is_head(name));
    let alone = |target: &String| LoraSpec { targets: vec![target.clone()], ..LoraSpec::default() };
    let strange = |target: &&String| !names.iter().any(|name| alone(target).targets(name));
    let strange: Vec<&str> = lora.targets.iter().filter(strange).map(String::as_str).collect();
    if strange.is_empty() {
        return Vec::new();
    }
    let text = Text::new("train.problem.no_such_target").arg("names", strange.join(", "));
    vec![FieldProblem { field: "method.targets".to_owned(), text }]
}

/// The model with what the spec trains of it for rows as `data` reports them; adapters begin as PEFT's do, drawn by
/// the seed, or as `known`.
///
/// # Errors
/// If weights are not in main memory, or known values have another shape.
pub fn tuner<'m>(
    model: &'m dyn CausalLm,
    spec: &TrainSpec,
    data: &DataReport,
    known: Option<&BTreeMap<String, Vec<f32>>>,
) -> Result<Tuner<'m>> {
    let config = StepConfig {
        precision: match spec.precision {
            model::Precision::Exact => Precision::Exact,
            model::Precision::Fast => Precision::Fast,
        },
        recompute: spec.recompute,
        smoothing: spec.run.label_smoothing as f32,
    };
    let mut tuner = match &spec.method {
        MethodSpec::Lora(lora) => {
            let seed = spec.seed;
            let targets = |name: &str| lora.targets(name);
            let rank = lora.rank as usize;
            let mut values = |name: &str, n_out: usize, n_in: usize| {
                Ok(Factors { a: first_values(seed, name, rank, n_in), b: vec![0.0; n_out * rank] })
            };
            let config_of_lora = LoraConfig {
                rank,
                scale: lora.scale() as f32,
                dropout: lora.dropout(data.n_train),
                targets: &targets,
                values: &mut values,
            };
            Tuner::with_head(model, Tune::Lora(config_of_lora), config, head(model, spec, data))?
        }
        MethodSpec::Full(full) => {
            let n_layers = model.shape().n_layers;
            let trained = full.last_layers.map_or(n_layers, |n| n as usize);
            let part = PartConfig {
                first_layer: n_layers.saturating_sub(trained),
                freeze_embeddings: full.freeze_embeddings,
                freeze_norms: full.freeze_norms,
            };
            Tuner::with_head(model, Tune::Part(part), config, head(model, spec, data))?
        }
    };
    if let Some(known) = known {
        for parameter in tuner.params.iter_mut() {
            let value = known.get(&parameter.name).filter(|value| value.len() == parameter.value.len());
            let value = value.ok_or_else(|| anyhow::anyhow!("{} is missing", parameter.name))?;
            parameter.value.copy_from_slice(value);
        }
    }
    Ok(tuner)
}

/// The stream of numbers that first values of this name are drawn from (FNV-1a).
pub(super) fn stream_of(name: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// What tells the labels of `data` apart: the model's own head where that tells the same ones, else a fresh one.
fn head(model: &dyn CausalLm, spec: &TrainSpec, data: &DataReport) -> Option<ClassHead> {
    let TaskSpec::Classification(task) = &spec.task else { return None };
    let weights = class_weights(&data.labels, task);
    let fresh = ClassHead::fresh(data.labels.len(), model.shape().width, spec.seed, weights);
    let parts = model.parts();
    let own = (model.classes() == data.label_names()).then(|| Frozen::of(parts.lm_head.part.weight()).ok());
    match own.flatten() {
        Some(own) => Some(ClassHead { weight: own.to_f32(), ..fresh }),
        None => Some(fresh),
    }
}

/// A as PEFT begins it: Kaiming's uniform with a = √5, which is ±1/√in.
fn first_values(seed: u64, name: &str, rank: usize, n_in: usize) -> Vec<f32> {
    let stream = stream_of(&format!("{name}{LORA_A}"));
    let bound = 1.0 / (n_in as f64).sqrt();
    let uniform = |i: usize| (draw(seed, stream, i as u64) >> 11) as f64 / (1u64 << 53) as f64;
    (0..rank * n_in).map(|i| ((2.0 * uniform(i) - 1.0) * bound) as f32).collect()
}
