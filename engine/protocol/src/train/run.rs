//! What is kept of a run: its record, its measurements, its checkpoints.

use super::{ClassTally, TrainSpec};
use crate::dataset::DataReport;
use crate::failure::Failure;
use crate::ids::RunId;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A run as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    pub id: RunId,
    pub name: String,
    pub spec: TrainSpec,
    pub status: RunStatus,
    pub progress: RunProgress,
    /// Where its checkpoints lie.
    pub folder: PathBuf,
    pub created_at_ms: i64,
    pub changed_at_ms: i64,
    /// In the order they were added.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What a person wrote about it.
    #[serde(default)]
    pub notes: String,
    /// When it was put into the trash.
    #[serde(default)]
    pub trashed_at_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunStatus {
    Running,
    /// A person asked for it, and a checkpoint was written.
    Paused,
    /// Stopped at once: what its last checkpoint holds is there.
    Stopped,
    /// The program ended while it ran.
    Interrupted,
    Done,
    Failed,
}

/// How far a run is, and what it is on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunProgress {
    /// Steps done.
    pub step: u64,
    pub n_steps: u64,
    /// Tokens read, targets or not.
    pub n_tokens: u64,
    /// How many numbers are trained.
    pub n_trained: u64,
    /// The model's name and the SHA-256 of its weights.
    pub model_name: String,
    pub base_hash: String,
    pub data: DataReport,
    /// Of the newest step, and of the newest evaluation; nats a target.
    pub train_loss: Option<f64>,
    pub validation_loss: Option<f64>,
    /// Before the first step.
    pub first_validation_loss: Option<f64>,
    pub best_loss: Option<f64>,
    pub best_step: Option<u64>,
    /// What the labels of the held-out rows were taken for, in the newest evaluation and in the best one.
    pub last_classes: Option<ClassTally>,
    pub best_classes: Option<ClassTally>,
    /// Of the process, bytes.
    pub peak_bytes: u64,
    /// What was foreseen beside the weights, bytes.
    pub foreseen_bytes: u64,
    /// The same as it was measured: values, gradients and moments of what is trained, and the most that activations
    /// have taken.
    pub held_bytes: u64,
    pub tokens_per_sec: f64,
    /// Of training, over all sittings.
    pub train_secs: f64,
    pub ending: Option<Ending>,
    /// What paused it, where that was no person.
    pub paused_by: Option<PausedBy>,
    /// What it made: an adapter, or a model's folder.
    pub result: Option<PathBuf>,
    pub failure: Option<Failure>,
}

/// What else than a person pauses a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PausedBy {
    /// The machine went from mains to battery.
    Battery,
}

/// Why a run that is done ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// All its steps are done.
    Steps,
    /// The loss on the validation rows did not get better any more.
    EarlyStop,
    /// A person stopped it and keeps what there is.
    Kept,
}

/// What a checkpoint is kept as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CheckpointKind {
    /// The newest, with all that it takes to go on.
    Last,
    /// The one with the lowest validation loss.
    Best,
    /// One that stays, after so many steps.
    Step(u64),
}

impl CheckpointKind {
    /// Its folder under the run's.
    #[must_use]
    pub fn folder(self) -> String {
        match self {
            Self::Last => "last".to_owned(),
            Self::Best => "best".to_owned(),
            Self::Step(step) => format!("step-{step}"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointRecord {
    pub run: RunId,
    pub kind: CheckpointKind,
    pub step: u64,
    pub validation_loss: Option<f64>,
    pub path: PathBuf,
    pub size_bytes: u64,
    pub at_ms: i64,
}

/// A measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    pub series: Series,
    /// Steps done when it was taken.
    pub step: u64,
    pub value: f64,
    pub at_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    TrainLoss,
    ValidationLoss,
    LearningRate,
    GradNorm,
    TokensPerSec,
    MemoryBytes,
    /// Read so far, targets or not: where a step lies on an axis of tokens.
    Tokens,
    /// Of training so far, over all sittings: where a step lies on an axis of time.
    TrainSecs,
    /// The part of the held-out rows whose label was found.
    Accuracy,
    /// The mean of the labels' F1.
    MacroF1,
}

/// An entry in [`METRICS`].
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    pub series: Series,
    /// In files and in the database.
    pub word: &'static str,
    /// Key of its label.
    pub label: &'static str,
    /// Whether less is better; `None` where neither is.
    pub lower_is_better: Option<bool>,
}

/// Everything that is measured while a run goes on.
pub const METRICS: [Metric; 10] = [
    Metric {
        series: Series::TrainLoss,
        word: "train_loss",
        label: "train.metric.train_loss",
        lower_is_better: Some(true),
    },
    Metric {
        series: Series::ValidationLoss,
        word: "validation_loss",
        label: "train.metric.validation_loss",
        lower_is_better: Some(true),
    },
    Metric {
        series: Series::LearningRate,
        word: "learning_rate",
        label: "train.metric.learning_rate",
        lower_is_better: None,
    },
    Metric {
        series: Series::GradNorm,
        word: "grad_norm",
        label: "train.metric.grad_norm",
        lower_is_better: None,
    },
    Metric {
        series: Series::TokensPerSec,
        word: "tokens_per_sec",
        label: "train.metric.tokens_per_sec",
        lower_is_better: Some(false),
    },
    Metric {
        series: Series::MemoryBytes,
        word: "memory_bytes",
        label: "train.metric.memory_bytes",
        lower_is_better: Some(true),
    },
    Metric { series: Series::Tokens, word: "tokens", label: "train.metric.tokens", lower_is_better: None },
    Metric {
        series: Series::TrainSecs,
        word: "train_secs",
        label: "train.metric.train_secs",
        lower_is_better: None,
    },
    Metric {
        series: Series::Accuracy,
        word: "accuracy",
        label: "train.metric.accuracy",
        lower_is_better: Some(false),
    },
    Metric {
        series: Series::MacroF1,
        word: "macro_f1",
        label: "train.metric.macro_f1",
        lower_is_better: Some(false),
    },
];

impl Series {
    #[must_use]
    pub fn metric(self) -> &'static Metric {
        // In the order of the variants, which a test holds.
        &METRICS[self as usize]
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        METRICS.iter().find(|metric| metric.word == word).map(|metric| metric.series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_series() {
        for metric in &METRICS {
            assert_eq!(metric.series.metric().word, metric.word);
            assert_eq!(Series::from_word(metric.word), Some(metric.series));
            let word = serde_json::to_value(metric.series).expect("a word");
            assert_eq!(word, metric.word);
        }
    }
}
