//! What a run will take, from numbers alone: calibrated against what steps were measured to hold.

use super::{LoraSpec, MethodSpec, OptimizerSpec, TrainSpec};
use crate::dataset::DataReport;
use crate::model::ModelCard;
use serde::{Deserialize, Serialize};

/// The sizes that decide over memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSize {
    pub n_params: u64,
    pub n_layers: u64,
    /// D
    pub width: u64,
    /// H
    pub n_heads: u64,
    /// Width of the queries, and of keys or values.
    pub q_width: u64,
    pub kv_width: u64,
    /// F
    pub mlp_width: u64,
    /// V
    pub vocab_size: u64,
    pub tied: bool,
}

/// What a run will take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// How many numbers are trained.
    pub n_trained: u64,
    /// Beside the model's weights: values, gradients and moments of what is trained, and a step's activations.
    pub memory_bytes: u64,
    /// The most that the run's folder holds: its checkpoints, one more while that is written, and the result.
    pub disk_bytes: u64,
    /// Checkpoints that stay beside the newest and the best, and how many the recipe asks for.
    pub n_kept: u64,
    pub n_kept_wanted: u64,
    pub n_steps: u64,
    /// Over all steps.
    pub n_tokens: u64,
}

/// As in the loss kernel: logits held at once, unless one step of rows has more.
const MOST_LOGITS: u64 = 16 * 1024 * 1024;
const LOGIT_ROWS: u64 = 32;
/// Buffers fit their next use within a quarter; measured, less is lost.
const ARENA_SLACK_PERCENT: u64 = 15;
const FLOAT: u64 = 4;

impl ModelSize {
    /// From what a card says. The width of the MLP follows from the number of parameters.
    #[must_use]
    pub fn of(card: &ModelCard) -> Self {
        let (n_layers, width) = (u64::from(card.n_layers), u64::from(card.width));
        let n_heads = u64::from(card.n_heads);
        let head_width = width / n_heads.max(1);
        let (q_width, kv_width) = (n_heads * head_width, u64::from(card.n_kv_heads) * head_width);
        let vocab_size = u64::from(card.vocab_size);
        let tables = vocab_size * width * if card.tied_embeddings { 1 } else { 2 };
        let in_blocks = card.n_params.saturating_sub(tables) / n_layers.max(1);
        let in_mlp = in_blocks.saturating_sub(2 * width * (q_width + kv_width));
        // Three matrices where one is a gate.
        let matrices = if ["gpt2", "gpt_neox"].contains(&card.architecture.as_str()) { 2 } else { 3 };
        Self {
            n_params: card.n_params,
            n_layers,
            width,
            n_heads,
            q_width,
            kv_width,
            mlp_width: in_mlp / (matrices * width).max(1),
            vocab_size,
            tied: card.tied_embeddings,
        }
    }

    /// Numbers in adapters beside the maps that `lora` targets.
    #[must_use]
    pub fn adapter_params(&self, lora: &LoraSpec) -> u64 {
        let maps = [
            (["q_proj", "q"], self.width, self.q_width),
            (["k_proj", "k"], self.width, self.kv_width),
            (["v_proj", "v"], self.width, self.kv_width),
            (["o_proj", "o"], self.q_width, self.width),
            (["gate_proj", "gate"], self.width, self.mlp_width),
            (["up_proj", "up"], self.width, self.mlp_width),
            (["down_proj", "down"], self.mlp_width, self.width),
        ];
        let chosen = maps.iter().filter(|(names, ..)| names.iter().any(|name| lora.targets(name)));
        let ends: u64 = chosen.map(|(_, n_in, n_out)| n_in + n_out).sum();
        // Joint projections have other names: at least something is counted for them.
        let ends = if ends == 0 { self.q_width + 2 * self.kv_width + 2 * self.width } else { ends };
        self.n_layers * u64::from(lora.rank) * ends
    }
}

impl TrainSpec {
    /// Bytes that the trained numbers hold: value, gradient, moments.
    #[must_use]
    pub fn state_bytes(&self, n_trained: u64) -> u64 {
        let arrays = match self.optimizer {
            OptimizerSpec::AdamW(_) => 4,
            OptimizerSpec::Sgd(_) => 3,
        };
        n_trained * arrays * FLOAT
    }

    /// Bytes that the largest batch of `tokens` holds while its gradients are computed.
    #[must_use]
    pub fn step_bytes(&self, size: &ModelSize, tokens: u64) -> u64 {
        let s = size;
        let (rank, dropped) = match &self.method {
            MethodSpec::Lora(lora) => (u64::from(lora.rank), s.mlp_width),
            MethodSpec::Full(_) => (0, 0),
        };
        // Between blocks: the input. Inside: both norms' numbers, queries, keys, values, what attention made and
        // its sums, the middle, gate and up, what adapters lowered.
        let saved = s.width + 2 * s.q_width + 2 * s.kv_width + s.n_heads + 2 * s.mlp_width + 4 + 7 * rank;
        let per_layer = if self.recompute { s.width } else { saved + s.width };
        let at_work = saved + 3 * s.mlp_width + 4 * s.width + 2 * (s.q_width + 2 * s.kv_width) + dropped;
        let rows = (MOST_LOGITS / s.vocab_size.max(1) / LOGIT_ROWS * LOGIT_ROWS).max(LOGIT_ROWS);
        // A head for labels makes next to none.
        let logits = if self.task.classifies() { 0 } else { rows.min(tokens) * (s.vocab_size + s.width) };
        let floats = tokens * (s.n_layers * per_layer + at_work) + logits;
        floats * FLOAT * (100 + ARENA_SLACK_PERCENT) / 100
    }

    /// Bytes of a checkpoint with the trained numbers alone.
    #[must_use]
    pub fn checkpoint_bytes(&self, n_trained: u64) -> u64 {
        n_trained * FLOAT
    }

    /// Bytes of what comes out in the end: the adapter, or the whole model in f32.
    #[must_use]
    pub fn result_bytes(&self, size: &ModelSize, n_trained: u64) -> u64 {
        match self.method {
            MethodSpec::Lora(_) => n_trained * FLOAT,
            MethodSpec::Full(_) => size.n_params * FLOAT,
        }
    }

    /// The checkpoints that stay in a run of `n_steps`, by their steps: as many as the budget has room for beside
    /// the newest and the best, the newest of them.
    #[must_use]
    pub fn kept_steps(&self, n_trained: u64, n_steps: u64) -> Vec<u64> {
        let Some(every) = self.checkpoints.keep_every else { return Vec::new() };
        let every = every.max(1);
        let all = n_steps / every;
        let most = self.room_for(n_trained).min(all);
        (all - most + 1..=all).map(|i| i * every).collect()
    }

    /// How many checkpoints may stay beside the newest and the best.
    #[must_use]
    pub fn room_for(&self, n_trained: u64) -> u64 {
        let budget = (self.checkpoints.budget_gb * 1e9) as u64;
        budget.saturating_sub(self.always_kept(n_trained)) / self.checkpoint_bytes(n_trained).max(1)
    }

    /// The newest checkpoint, moments included, and the best.
    fn always_kept(&self, n_trained: u64) -> u64 {
        let best = if self.checkpoints.keep_best { self.checkpoint_bytes(n_trained) } else { 0 };
        self.newest_bytes(n_trained) + best
    }

    /// The newest has the optimizer's moments with it.
    fn newest_bytes(&self, n_trained: u64) -> u64 {
        self.state_bytes(n_trained).saturating_sub(n_trained * FLOAT)
    }

    /// The most that a run of `n_steps` holds on disk, its result of `result_bytes` included.
    #[must_use]
    pub fn disk_bytes(&self, n_trained: u64, result_bytes: u64, n_steps: u64) -> u64 {
        let stay = self.kept_steps(n_trained, n_steps).len() as u64 * self.checkpoint_bytes(n_trained);
        // The newest is written beside the one before it; later the result takes that room.
        self.always_kept(n_trained) + stay + self.newest_bytes(n_trained).max(result_bytes)
    }

    /// How many numbers are trained.
    #[must_use]
    pub fn n_trained(&self, size: &ModelSize) -> u64 {
        match &self.method {
            MethodSpec::Lora(lora) => size.adapter_params(lora),
            MethodSpec::Full(full) => {
                let head = if size.tied || self.task.classifies() { 0 } else { size.vocab_size * size.width };
                let tables = size.vocab_size * size.width;
                let blocks = size.n_params.saturating_sub(head + tables);
                let layers = full.last_layers.map_or(size.n_layers, |n| u64::from(n).min(size.n_layers));
                let tables = if full.freeze_embeddings { 0 } else { tables };
                tables + head + blocks / size.n_layers.max(1) * layers
            }
        }
    }

    /// Steps of the run, for rows that make `n_batches` batches an epoch.
    #[must_use]
    pub fn n_steps(&self, n_batches: u64) -> u64 {
        let per_epoch = n_batches.div_ceil(u64::from(self.batch.accumulation.max(1))).max(1);
        self.run.steps.unwrap_or_else(|| (self.run.epochs * per_epoch as f64).ceil().max(1.0) as u64)
    }

    /// What the run will take on rows like those of `data`.
    #[must_use]
    pub fn estimate(&self, card: &ModelCard, data: &DataReport) -> Estimate {
        let size = ModelSize::of(card);
        let head = data.labels.len() as u64 * size.width;
        let n_trained = self.n_trained(&size) + head;
        let max_length = u64::from(self.max_length(data.percentile_95, card.context_length));
        let longest = u64::from(data.longest).min(max_length).max(1);
        let per_batch = u64::from(self.batch.sequences.max(1));
        let n_batches = if self.batch.packing {
            data.n_tokens.div_ceil(per_batch * max_length)
        } else {
            data.n_train.div_ceil(per_batch)
        };
        let n_steps = self.n_steps(n_batches.max(1));
        let largest = per_batch * if self.batch.packing { max_length } else { longest };
        let per_step = data.n_tokens as f64 / n_batches.max(1) as f64 * f64::from(self.batch.accumulation);
        // Its first values, where the run makes the model.
        let first = self.scratch().map_or(0, |scratch| scratch.n_params() * FLOAT);
        Estimate {
            n_trained,
            memory_bytes: self.state_bytes(n_trained) + self.step_bytes(&size, largest),
            disk_bytes: self.disk_bytes(n_trained, self.result_bytes(&size, n_trained), n_steps) + first,
            n_kept: self.kept_steps(n_trained, n_steps).len() as u64,
            n_kept_wanted: self.checkpoints.keep_every.map_or(0, |every| n_steps / every.max(1)),
            n_steps,
            n_tokens: (per_step * n_steps as f64) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::TemplateSource;
    use crate::model::ModelFormat;

    /// SmolLM2-135M.
    fn card() -> ModelCard {
        ModelCard {
            format: ModelFormat::Gguf,
            architecture: "llama".to_owned(),
            n_params: 134_515_008,
            size_bytes: 98_000_000,
            weight_type: "Q4_1".to_owned(),
            context_length: 8192,
            n_layers: 30,
            width: 576,
            n_heads: 9,
            n_kv_heads: 3,
            vocab_size: 49_152,
            tied_embeddings: true,
            template: TemplateSource::Fallback(String::new()),
            license: None,
            description: None,
            examples: Vec::new(),
            labels: Vec::new(),
            run_only: false,
            content_hash: String::new(),
        }
    }

    #[test]
    fn sizes_follow_from_a_card() {
        let size = ModelSize::of(&card());
        assert_eq!((size.mlp_width, size.q_width, size.kv_width), (1536, 576, 192));
        // By hand: rank 16 · 30 layers · the ends of the seven maps.
        let ends = 2 * 1152 + 2 * 768 + 3 * 2112;
        assert_eq!(size.adapter_params(&LoraSpec::default()), 16 * 30 * ends);
        let qv = LoraSpec { targets: vec!["q_proj".into(), "v_proj".into()], ..LoraSpec::default() };
        assert_eq!(size.adapter_params(&qv), 16 * 30 * (1152 + 768));
    }

    #[test]
    fn checkpoints_stay_within_their_budget() {
        let mut spec = TrainSpec::default();
        // 4 MB a checkpoint, 12 the newest with its moments.
        let n_trained = 1_000_000;
        assert_eq!(spec.disk_bytes(n_trained, 4_000_000, 100), 12_000_000 + 4_000_000 + 12_000_000);
        assert!(spec.kept_steps(n_trained, 100).is_empty());
        spec.checkpoints.keep_every = Some(10);
        spec.checkpoints.budget_gb = 0.028;
        assert_eq!(spec.kept_steps(n_trained, 100), [80, 90, 100], "28 − 16 MB hold three");
        assert_eq!(spec.disk_bytes(n_trained, 4_000_000, 100), 28_000_000 + 12_000_000);
        assert_eq!(spec.kept_steps(n_trained, 25), [10, 20]);
        spec.checkpoints.budget_gb = 0.01;
        assert!(spec.kept_steps(n_trained, 100).is_empty(), "the newest and the best alone are beyond it");
    }

    #[test]
    fn what_saves_memory_saves_it() {
        let data = DataReport {
            n_train: 100,
            n_tokens: 20_000,
            longest: 300,
            percentile_95: 250,
            ..DataReport::default()
        };
        let plain = TrainSpec::default().estimate(&card(), &data);
        assert_eq!(plain.n_steps, 21, "100 rows by 4 by 4, three times");
        let leaner = TrainSpec { recompute: true, ..TrainSpec::default() }.estimate(&card(), &data);
        assert!(leaner.memory_bytes < plain.memory_bytes / 2);
        let full = TrainSpec { method: MethodSpec::Full(Default::default()), ..TrainSpec::default() };
        let full = full.estimate(&card(), &data);
        assert!(full.memory_bytes > 16 * 134_000_000 && full.n_trained > 134_000_000);
        assert!(plain.disk_bytes < 150_000_000 && full.disk_bytes > 2_000_000_000);
    }
}
