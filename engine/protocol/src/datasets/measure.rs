//! What a model sees of rows: tokens after its chat template, which of them are learned, where they are cut.

use super::overview::Histogram;
use super::rows::{Row, RowId};
use crate::generate::ModelSource;
use crate::ids::DatasetId;
use crate::text::Text;
use crate::train::TaskSpec;
use serde::{Deserialize, Serialize};

/// For which model and limit. Measures are kept while the dataset and the model stay as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureSpec {
    pub dataset: DatasetId,
    pub model: ModelSource,
    pub task: TaskSpec,
    /// Rows are cut here; `None`: what 95 % of the rows stay below, at most 2,048 and what the model reads.
    pub max_length: Option<u32>,
}

/// A row in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCount {
    /// Before cutting; 0 where the row cannot be used.
    pub n_tokens: u32,
    /// Learned ones, before cutting.
    pub n_targets: u32,
    /// Learned ones that are left after cutting.
    pub n_kept_targets: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureReport {
    pub spec: MeasureSpec,
    pub revision: u64,
    pub n_rows: u64,
    /// In all, before cutting, and of those the learned ones.
    pub n_tokens: u64,
    pub n_targets: u64,
    pub longest: u32,
    pub p50: u32,
    pub p95: u32,
    pub p99: u32,
    /// The limit that rows are cut at.
    pub max_length: u32,
    pub n_cut: u64,
    /// Nothing to learn is left after cutting.
    pub n_cut_away: u64,
    /// There was nothing to learn before.
    pub n_no_target: u64,
    /// Cannot be used at all.
    pub n_left_out: u64,
    /// Rows by tokens.
    pub lengths: Histogram,
    pub secs: f64,
}

/// Look at one row as the model is given it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeeSpec {
    pub measure: MeasureSpec,
    pub row: RowId,
    /// As it stands in an editor and is not saved.
    pub unsaved: Option<Row>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenRow {
    pub row: RowId,
    pub tokens: Vec<SeenToken>,
    pub n_targets: u32,
    /// How many of the tokens are kept: all where nothing is cut.
    pub n_kept: u32,
    pub n_kept_targets: u32,
    pub max_length: u32,
    /// Long rows are cut into pieces of `max_length`, not off.
    pub in_pieces: bool,
    /// Why nothing can be learned from it.
    pub problem: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenToken {
    pub id: u32,
    /// What it adds to the text; parts of a character show as U+FFFD until it is whole.
    pub text: String,
    pub special: bool,
    pub learned: bool,
}
