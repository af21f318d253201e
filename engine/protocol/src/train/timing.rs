//! How long a run will take, from steps that were measured; and which changes of a spec leave which findings true.

use super::{
    AdamWSpec, CheckpointSpec, Estimate, EvaluationSpec, OptimizerSpec, ScheduleSpec, SgdSpec, TrainSpec,
};
use serde::{Deserialize, Serialize};

/// What a few steps took on this machine, the first one aside: it also makes the buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepReport {
    /// Batches that were measured.
    pub n_batches: u64,
    /// Tokens in them.
    pub n_tokens: u64,
    pub secs: f64,
    /// One look at all validation rows, from the time that a batch of them took.
    pub evaluation_secs: f64,
    /// A token after each of the prompts that are written on from.
    pub sample_token_secs: f64,
}

impl StepReport {
    /// Seconds that a run of `spec` takes when it goes on to its end: its tokens at the measured pace, and its
    /// evaluations with the one before the first step. Loading and checkpoints are not in it.
    #[must_use]
    pub fn run_secs(&self, spec: &TrainSpec, estimate: &Estimate) -> f64 {
        let per_token = self.secs / self.n_tokens.max(1) as f64;
        let n_evaluations = 1 + estimate.n_steps.div_ceil(spec.evaluate_every(estimate.n_steps));
        let samples = self.sample_token_secs * f64::from(spec.evaluation.sample_tokens);
        per_token * estimate.n_tokens as f64 + (self.evaluation_secs + samples) * n_evaluations as f64
    }
}

impl TrainSpec {
    /// Whether `other` makes the same examples of the same rows.
    #[must_use]
    pub fn reads_as(&self, other: &Self) -> bool {
        let same = match (self.scratch(), other.scratch()) {
            // The tokenizer is trained on the text; how large the model is doesn't matter to it.
            (Some(mine), Some(others)) => {
                mine.vocab_size() == others.vocab_size() && mine.context_length() == others.context_length()
            }
            _ => self.task == other.task && self.model == other.model,
        };
        same && self.data == other.data
            && self.seed == other.seed
            && self.batch.max_length == other.batch.max_length
    }

    /// Whether a token costs the same time in a run of `other`.
    #[must_use]
    pub fn steps_as(&self, other: &Self) -> bool {
        let step = |spec: &Self| {
            let mut spec = spec.clone();
            spec.name.clear();
            if spec.scratch().is_some() {
                spec.model = TrainSpec::default().model;
            }
            // Other numbers in the same arithmetic.
            spec.optimizer = match spec.optimizer {
                OptimizerSpec::AdamW(_) => OptimizerSpec::AdamW(AdamWSpec::default()),
                OptimizerSpec::Sgd(_) => OptimizerSpec::Sgd(SgdSpec::default()),
            };
            spec.schedule = ScheduleSpec::default();
            // How many prompts there are is all that a token of theirs depends on.
            let EvaluationSpec { samples, prompts, .. } = spec.evaluation;
            spec.evaluation = EvaluationSpec { samples, prompts, ..EvaluationSpec::default() };
            spec.checkpoints = CheckpointSpec::default();
            spec.batch.accumulation = 1;
            (spec.run.epochs, spec.run.steps, spec.run.pause_on_battery) = (1.0, None, false);
            spec
        };
        step(self) == step(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_follows_from_tokens_and_evaluations() {
        let report = StepReport {
            n_batches: 3,
            n_tokens: 300,
            secs: 1.5,
            evaluation_secs: 1.52,
            sample_token_secs: 0.01,
        };
        let estimate = Estimate { n_steps: 100, n_tokens: 10_000, ..Estimate::default() };
        let mut spec = TrainSpec::default();
        assert_eq!(report.run_secs(&spec, &estimate), 50.0 + 2.0 * 11.0);
        spec.evaluation.every = Some(50);
        assert_eq!(report.run_secs(&spec, &estimate), 50.0 + 2.0 * 3.0);
    }

    #[test]
    fn what_changes_a_row_or_a_step_is_known() {
        let spec = TrainSpec::default();
        let mut other = spec.clone();
        other.run.epochs = 9.0;
        other.evaluation.every = Some(3);
        other.name = "other".to_owned();
        other.optimizer = OptimizerSpec::AdamW(AdamWSpec { weight_decay: 0.5, ..AdamWSpec::default() });
        assert!(spec.reads_as(&other) && spec.steps_as(&other));
        other.recompute = true;
        assert!(spec.reads_as(&other) && !spec.steps_as(&other));
        other.batch.max_length = Some(64);
        assert!(!spec.reads_as(&other));
    }
}
