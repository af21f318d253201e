//! What a run's evaluations leave to look at: what it wrote, and how well it does on each held-out row.

use crate::ids::RunId;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a model in training wrote for one of its fixed prompts, the likeliest token each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSample {
    pub run: RunId,
    /// Steps done.
    pub step: u64,
    /// The prompt's place among the run's.
    pub n: u32,
    /// As a person wrote it, or as the row that it is from begins.
    pub prompt: String,
    pub text: String,
    /// The model ended it by itself; else there was no more room.
    pub ended: bool,
}

/// Which of a run's evaluations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    /// Before the first step.
    First,
    /// The one with the lowest loss.
    Best,
    /// The newest.
    #[default]
    Last,
}

impl Look {
    pub const ALL: [Self; 3] = [Self::First, Self::Best, Self::Last];

    /// In files and in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Best => "best",
            Self::Last => "last",
        }
    }
}

/// A held-out row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOutRow {
    /// Of a dataset its name.
    pub file: PathBuf,
    /// Counted from 1: the line of a JSON lines file, the paragraph of a text; of a dataset one more than the row's id.
    pub row: u64,
    /// How it begins, on one line.
    pub start: String,
}

/// A held-out row, and how well a run does on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowLoss {
    #[serde(flatten)]
    pub row: HeldOutRow,
    /// Mean of its targets, nats.
    pub loss: f32,
    /// Before the first step.
    pub first_loss: Option<f32>,
}

/// The rows that a run does worst on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorstRows {
    /// Of the evaluation.
    pub step: u64,
    /// How many rows were measured.
    pub n_rows: u64,
    /// The highest loss first.
    pub rows: Vec<RowLoss>,
}
