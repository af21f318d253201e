//! Predicting: what a model makes of every row of a file, in new columns of a new file.

use crate::generate::ModelSource;
use crate::model::Precision;
use crate::train::AdapterSource;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A model that sorts adds `prediction`, its `probability`, and `probability_…` for each label; one that writes adds
/// `prediction`, written greedily. Rows stay in order. A job that was stopped or killed goes on where it was when the
/// same is asked again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictSpec {
    pub model: ModelSource,
    /// What the model was tuned with, and its head if it sorts.
    pub adapter: Option<AdapterSource>,
    /// JSON lines or a table.
    pub data: PathBuf,
    /// The column that is read.
    pub column: String,
    /// For a model that writes: what it is asked, with columns in braces, `Translate: {text}`; `None` for the column
    /// alone.
    pub template: Option<String>,
    /// Of the same kind as `data`, or JSON lines. Must not be there yet.
    pub out: PathBuf,
    /// At most so many for each row, where text is written.
    pub max_new_tokens: u32,
    pub precision: Precision,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PredictReport {
    pub out: PathBuf,
    /// Rows in the new file.
    pub n_rows: u64,
    /// Those of them that were there when this job began: it went on with what another had left.
    pub n_before: u64,
    /// Rows of `data` that could not be read, and are not in the new file.
    pub n_left_out: u64,
    /// What was told apart; empty where text was written.
    pub labels: Vec<String>,
}
