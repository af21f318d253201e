//! Training data as the plain first version of the datasets has it: files that are read where they lie, and what
//! was found in them.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which rows a run learns from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataSpec {
    /// JSON lines (`messages`, `prompt` and `completion`, Alpaca's `instruction`, or `text`, perhaps with a `label`),
    /// tables with such columns, and plain text, by their endings: `.jsonl`, `.json`, `.csv`, `.tsv`, `.txt`, `.md`.
    pub files: Vec<PathBuf>,
    /// Rows to measure on; when empty, some are taken from `files`.
    pub validation_files: Vec<PathBuf>,
    /// The part of the rows that is measured on and not learned from, 0 to 0.5.
    pub validation_share: f64,
}

impl Default for DataSpec {
    fn default() -> Self {
        Self { files: Vec::new(), validation_files: Vec::new(), validation_share: 0.05 }
    }
}

/// A row that was left out, or cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowProblem {
    pub file: PathBuf,
    /// Counted from 1: the line of a JSON lines file, the paragraph of a text.
    pub row: u64,
    pub reason: Text,
}

/// What was found in the data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataReport {
    pub n_train: u64,
    pub n_validation: u64,
    /// Of an epoch of training rows.
    pub n_tokens: u64,
    /// Those of them that are learned.
    pub n_targets: u64,
    /// Tokens of the longest row, and what 95 % of the rows stay below; before cutting.
    pub longest: u32,
    pub percentile_95: u32,
    /// Rows are cut here.
    pub max_length: u32,
    pub n_truncated: u64,
    /// Rows that cannot be used.
    pub n_left_out: u64,
    /// The first of those, by file and number.
    pub problems: Vec<RowProblem>,
    /// The labels of classified rows, in the order of the head's outputs; empty for other goals.
    pub labels: Vec<LabelCount>,
    /// SHA-256 over the files, in hexadecimal.
    pub hash: String,
}

/// A label that was found in the data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LabelCount {
    pub name: String,
    /// Training rows that have it, and validation rows.
    pub n_train: u64,
    pub n_validation: u64,
}

impl DataReport {
    /// The labels' names.
    #[must_use]
    pub fn label_names(&self) -> Vec<String> {
        self.labels.iter().map(|label| label.name.clone()).collect()
    }
}
