//! Training: what is asked for ([`TrainSpec`]), what it will take, what becomes of it.
//!
//! A stored spec is read with patience ([`TrainSpec::from_stored`]), a new one strictly
//! ([`TrainSpec::from_new`]). Defaults are those of `Default`; ranges, labels and hints are in [`fields::FIELDS`].

mod advice;
mod classes;
mod estimate;
pub mod fields;
mod presets;
mod read;
mod recipe;
mod run;
mod scratch;
mod seen;
mod timing;
mod tuned;

pub use classes::{ClassRow, ClassTally, ConfusionMatrix};
pub use estimate::{Estimate, ModelSize};
pub use fields::{Field, FieldKind, FieldProblem};
pub use presets::{PRESETS, Preset, PresetId};
pub use run::{
    CheckpointKind, CheckpointRecord, Ending, METRICS, Metric, MetricPoint, PausedBy, RunProgress, RunRecord,
    RunStatus, Series,
};
pub use scratch::{SIZES, ScratchSize, ScratchSpec, SizeRow};
pub use seen::{HeldOutRow, Look, RowLoss, RunSample, WorstRows};
pub use timing::StepReport;
pub use tuned::{RunPart, TunedRef, TunedSource};

use crate::dataset::DataSpec;
use crate::generate::ModelSource;
use crate::ids::RunId;
use crate::model::Precision;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Raised when a field changes its meaning; fields that come or go don't need it.
pub const VERSION: u32 = 2;
/// From this one on, rows that are sorted by labels are split label by label.
const SPLITS_BY_LABEL: u32 = 2;

/// Everything a run depends on: the same spec, data and machine give the same numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainSpec {
    pub version: u32,
    /// As shown; empty for one that is made from model and data.
    pub name: String,
    pub model: ModelSource,
    pub data: DataSpec,
    pub task: TaskSpec,
    pub method: MethodSpec,
    pub optimizer: OptimizerSpec,
    pub schedule: ScheduleSpec,
    pub batch: BatchSpec,
    pub run: LengthSpec,
    pub evaluation: EvaluationSpec,
    pub checkpoints: CheckpointSpec,
    /// Orders the rows, splits them, draws first values and dropout.
    pub seed: u64,
    pub precision: Precision,
    /// Keep only each layer's input and compute the rest again: less memory, more time.
    pub recompute: bool,
}

/// What is learned from a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum TaskSpec {
    /// Conversations through the model's chat template; the assistant's tokens are learned.
    #[default]
    Chat,
    /// Every next token of a text.
    Text,
    /// Every next token of a text, by a model that is made for it: tokenizer first, then weights from nothing.
    Scratch(ScratchSpec),
    /// Which of some labels a text has: a head in place of the unembedding reads its last token.
    Classification(ClassificationSpec),
}

/// As transformers' `…ForSequenceClassification` with one label a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClassificationSpec {
    pub class_weights: ClassWeights,
}

/// How much a row counts in the loss, by its label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// All the same.
    #[default]
    None,
    /// Rare labels as much as common ones: n / (labels · n of the label), as scikit-learn's
    /// `compute_class_weight("balanced")`.
    Balanced,
}

impl TaskSpec {
    /// Whether rows are sorted by labels.
    #[must_use]
    pub fn classifies(&self) -> bool {
        matches!(self, Self::Classification(_))
    }
}

/// What of the model is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum MethodSpec {
    /// Adapters beside frozen matrices, which stay quantised if they are (QLoRA).
    Lora(LoraSpec),
    /// The weights themselves.
    Full(FullSpec),
}

/// As PEFT's `LoraConfig`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoraSpec {
    /// r
    pub rank: u32,
    pub alpha: f64,
    /// `None`: 0.05 under 2,000 rows, else 0.
    pub dropout: Option<f64>,
    /// Ends of names of linear maps, `q_proj`; empty for all of them but the unembedding.
    pub targets: Vec<String>,
    /// Scale by alpha / √r instead of alpha / r (arXiv:2312.03732).
    pub rslora: bool,
}

/// Which weights stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FullSpec {
    /// Train only so many layers, from the last one; `None` for all.
    pub last_layers: Option<u32>,
    pub freeze_embeddings: bool,
    pub freeze_norms: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum OptimizerSpec {
    AdamW(AdamWSpec),
    Sgd(SgdSpec),
}

/// To the formula of `torch.optim.AdamW`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdamWSpec {
    /// `None`: 2e-4 for adapters, 3e-5 for weights, 3e-3 to 1e-3 by size for those that begin from nothing.
    pub learning_rate: Option<f64>,
    pub beta1: f64,
    pub beta2: f64,
    pub eps: f64,
    /// Not of norms and biases.
    pub weight_decay: f64,
}

/// To the formula of `torch.optim.SGD`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SgdSpec {
    /// `None`: 0.1 for adapters, 0.01 for weights.
    pub learning_rate: Option<f64>,
    pub momentum: f64,
    pub weight_decay: f64,
}

/// The learning rate over the steps, as `transformers.get_scheduler` has it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScheduleSpec {
    pub kind: ScheduleKind,
    /// The part of the steps in which the rate rises from 0.
    pub warmup_share: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    Constant,
    Linear,
    #[default]
    Cosine,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchSpec {
    /// Sequences computed at once.
    pub sequences: u32,
    /// So many batches make a step.
    pub accumulation: u32,
    /// Tokens at which rows are cut; `None`: what 95 % of the rows stay below, at most 2,048.
    pub max_length: Option<u32>,
    /// Fill each batch up to `sequences` · `max_length` tokens, however many rows that takes.
    pub packing: bool,
    /// Bring rows of similar length together, as transformers' `LengthGroupedSampler` does.
    pub group_by_length: bool,
}

/// How long, and how each step is held.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LengthSpec {
    pub epochs: f64,
    /// Goes before `epochs`.
    pub steps: Option<u64>,
    /// The norm that gradients are held to; `None` for no limit.
    pub max_grad_norm: Option<f64>,
    pub label_smoothing: f64,
    /// Pause when the machine goes from mains to battery.
    pub pause_on_battery: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvaluationSpec {
    /// Steps between two; `None`: ten times in the run.
    pub every: Option<u64>,
    /// Stop after so many evaluations without a better loss; `None`: never.
    pub patience: Option<u32>,
    /// Held-out rows whose beginnings are written on from at each evaluation, where there are no `prompts`.
    pub samples: u32,
    /// What is written on from in place of those rows: questions to a chat model, beginnings of texts.
    pub prompts: Vec<String>,
    /// The most that is written after each.
    pub sample_tokens: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckpointSpec {
    /// Steps between two; `None`: about every minute.
    pub every: Option<u64>,
    pub keep_best: bool,
    /// Steps between two that stay; `None`: only the newest and the best do.
    pub keep_every: Option<u64>,
    /// The most that a run's checkpoints take on disk, GB; beyond it the oldest of those that stay goes.
    pub budget_gb: f64,
}

impl Default for TrainSpec {
    fn default() -> Self {
        Self {
            version: VERSION,
            name: String::new(),
            model: ModelSource::Path(PathBuf::new()),
            data: DataSpec::default(),
            task: TaskSpec::default(),
            method: MethodSpec::Lora(LoraSpec::default()),
            optimizer: OptimizerSpec::AdamW(AdamWSpec::default()),
            schedule: ScheduleSpec::default(),
            batch: BatchSpec::default(),
            run: LengthSpec::default(),
            evaluation: EvaluationSpec::default(),
            checkpoints: CheckpointSpec::default(),
            seed: 0,
            precision: Precision::Exact,
            recompute: false,
        }
    }
}

impl Default for LoraSpec {
    fn default() -> Self {
        Self { rank: 16, alpha: 32.0, dropout: None, targets: Vec::new(), rslora: false }
    }
}

impl Default for AdamWSpec {
    fn default() -> Self {
        Self { learning_rate: None, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 }
    }
}

impl Default for SgdSpec {
    fn default() -> Self {
        Self { learning_rate: None, momentum: 0.9, weight_decay: 0.0 }
    }
}

impl Default for ScheduleSpec {
    fn default() -> Self {
        Self { kind: ScheduleKind::Cosine, warmup_share: 0.03 }
    }
}

impl Default for BatchSpec {
    fn default() -> Self {
        Self { sequences: 4, accumulation: 4, max_length: None, packing: false, group_by_length: false }
    }
}

impl Default for LengthSpec {
    fn default() -> Self {
        Self {
            epochs: 3.0,
            steps: None,
            max_grad_norm: Some(1.0),
            label_smoothing: 0.0,
            pause_on_battery: false,
        }
    }
}

impl Default for EvaluationSpec {
    fn default() -> Self {
        Self { every: None, patience: Some(3), samples: 3, prompts: Vec::new(), sample_tokens: 48 }
    }
}

impl Default for CheckpointSpec {
    fn default() -> Self {
        Self { every: None, keep_best: true, keep_every: None, budget_gb: 10.0 }
    }
}

/// Rows from which adapters do without dropout, when nobody says otherwise.
const ROWS_WITHOUT_DROPOUT: u64 = 2_000;
/// The most prompts that are written on from.
pub const MAX_PROMPTS: usize = 8;
/// The longest rows, when nobody says otherwise.
pub const MAX_LENGTH: u32 = 2_048;

impl TrainSpec {
    /// Whether each label has its part of the rows that are held out. Runs that were begun before go on with the rows
    /// that they had.
    #[must_use]
    pub fn splits_by_label(&self) -> bool {
        self.task.classifies() && self.version >= SPLITS_BY_LABEL
    }

    /// The highest learning rate of the run.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        let adapters = matches!(self.method, MethodSpec::Lora(_));
        let weights = self.scratch().map_or(3e-5, |scratch| scratch.size.row().learning_rate);
        match &self.optimizer {
            OptimizerSpec::AdamW(adamw) => {
                adamw.learning_rate.unwrap_or(if adapters { 2e-4 } else { weights })
            }
            OptimizerSpec::Sgd(sgd) => sgd.learning_rate.unwrap_or(if adapters { 0.1 } else { 0.01 }),
        }
    }

    /// Where rows are cut, for rows of which 95 % stay below `percentile_95` tokens, by a model that reads
    /// `context_length`. A model that begins from nothing learns to read as much as it can.
    #[must_use]
    pub fn max_length(&self, percentile_95: u32, context_length: u32) -> u32 {
        let context_length = self.scratch().map_or(context_length, ScratchSpec::context_length);
        let automatic = || match self.task {
            TaskSpec::Scratch(_) => context_length,
            TaskSpec::Chat | TaskSpec::Text | TaskSpec::Classification(_) => {
                percentile_95.clamp(16, MAX_LENGTH)
            }
        };
        self.batch.max_length.unwrap_or_else(automatic).min(context_length).max(2)
    }

    /// Steps between two evaluations of a run of `n_steps`.
    #[must_use]
    pub fn evaluate_every(&self, n_steps: u64) -> u64 {
        self.evaluation.every.unwrap_or_else(|| n_steps.div_ceil(10)).max(1)
    }
}

impl LoraSpec {
    #[must_use]
    pub fn dropout(&self, n_rows: u64) -> f64 {
        self.dropout.unwrap_or(if n_rows < ROWS_WITHOUT_DROPOUT { 0.05 } else { 0.0 })
    }

    /// Whether the linear map of this name gets an adapter.
    #[must_use]
    pub fn targets(&self, name: &str) -> bool {
        let fits = |target: &String| {
            name == target || name.strip_suffix(target.as_str()).is_some_and(|head| head.ends_with('.'))
        };
        self.targets.is_empty() || self.targets.iter().any(fits)
    }

    /// What the adapter's output is multiplied by.
    #[must_use]
    pub fn scale(&self) -> f64 {
        let rank = f64::from(self.rank.max(1));
        self.alpha / if self.rslora { rank.sqrt() } else { rank }
    }
}

/// A run to begin, or one to go on with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TrainJob {
    /// The id is the sender's to mint.
    New { run: RunId, spec: Box<TrainSpec> },
    /// From its last checkpoint, as if it had never stopped.
    Resume { run: RunId },
}

impl TrainJob {
    /// The run it is about.
    #[must_use]
    pub fn run(&self) -> RunId {
        match self {
            Self::New { run, .. } | Self::Resume { run } => *run,
        }
    }
}

/// An adapter in PEFT's format, laid beside a model's weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdapterSource {
    /// The folder with `adapter_config.json`.
    pub path: PathBuf,
    /// 0 is the model alone, 1 the adapter as it was trained.
    pub strength: f32,
}

/// Write a model with an adapter worked into its weights, as a Hugging Face folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MergeSpec {
    pub model: ModelSource,
    pub adapter: AdapterSource,
    pub out: PathBuf,
    pub dtype: SaveType,
}

/// How weights are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SaveType {
    #[default]
    F32,
    F16,
    Bf16,
}
