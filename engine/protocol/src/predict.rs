//! Predicting: what a model makes of every row of a file, in new columns of a new file; what a person makes of that.

use crate::generate::ModelSource;
use crate::ids::{PredictionId, RunId};
use crate::model::Precision;
use crate::train::{AdapterSource, TunedSource};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A model that sorts adds `prediction`, its `probability`, and `probability_…` for each label; one that writes adds
/// `prediction`, written greedily. Rows stay in order. A job that was stopped or killed goes on where it was when the
/// same is asked again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictSpec {
    pub model: ModelSource,
    /// What a run made of it; then there is no `adapter`.
    #[serde(default)]
    pub tuned: Option<TunedSource>,
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
    /// Listed under this id in the home folder, to be looked at, mended and gone on with.
    #[serde(default)]
    pub keep: Option<PredictionId>,
}

/// Words enough for a short answer.
pub const MAX_NEW_TOKENS: u32 = 64;

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

/// A prediction as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictionRecord {
    pub id: PredictionId,
    pub spec: PredictSpec,
    /// Of the model, or of the run that made it.
    pub model_name: String,
    /// All rows are there under the name in `spec.out`.
    pub done: bool,
    /// Rows that are there.
    pub n_rows: u64,
    /// Rows of the data that could not be read.
    pub n_left_out: u64,
    /// What is told apart; empty where text is written.
    pub labels: Vec<String>,
    pub created_at_ms: i64,
    /// Rows to which a person gave another answer.
    pub n_mended: u64,
    /// Rows whose answer a person found right.
    pub n_confirmed: u64,
    pub can_undo: bool,
    pub can_redo: bool,
}

/// What a person says of a row's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mend {
    /// The right answer.
    pub answer: String,
    /// It is the model's own.
    pub confirmed: bool,
}

/// In which order rows are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowOrder {
    #[default]
    File,
    /// By how far the first label is ahead of the second, least first.
    Margin,
    /// Those whose answer is not the row's own label, the surest first; then the others.
    Wrong,
}

/// Which rows are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct RowsView {
    pub order: RowOrder,
    /// Only rows with this answer.
    pub answer: Option<String>,
    /// Only rows with these words in the column that was read.
    pub search: String,
    /// Only rows that a person has said something of.
    pub mended: bool,
}

/// Some rows of a view, and what is known of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PredictedRows {
    /// Rows in the view.
    pub n_rows: u64,
    /// The first one's place in the view.
    pub from: u64,
    pub rows: Vec<PredictedRow>,
    pub whole: PredictedWhole,
}

/// What is known of all rows of a prediction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PredictedWhole {
    pub n_rows: u64,
    /// Answers that can be given, and the number of rows with each. Of a model that writes: those it wrote and those
    /// that the rows have, if they are few.
    pub answers: Vec<(String, u64)>,
    /// There are probabilities.
    pub sorts: bool,
    /// The column with the rows' own labels.
    pub truth: Option<String>,
    /// Rows with a label of their own, and those of them whose answer is the same.
    pub n_labelled: u64,
    pub n_right: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedRow {
    /// Its place in the file, counted from 0.
    pub row: u64,
    /// How it begins, on one line.
    pub text: String,
    /// `None` where nothing was asked: the row was empty.
    pub answer: Option<String>,
    pub probability: Option<f32>,
    /// The label that comes second, and its probability.
    pub second: Option<(String, f32)>,
    /// The row's own label.
    pub truth: Option<String>,
    pub mend: Option<Mend>,
}

/// All of one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowInFull {
    pub row: u64,
    pub text: String,
    pub answer: Option<String>,
    /// Every label's, the likeliest first.
    pub probabilities: Vec<(String, f32)>,
    /// The row's other columns.
    pub others: Vec<(String, String)>,
}

/// The beginning of a file of rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DataHead {
    pub file: PathBuf,
    pub size_bytes: u64,
    /// Each column's name and what its first row says.
    pub columns: Vec<(String, String)>,
    /// The one that one would read.
    pub column: Option<String>,
    /// The one with labels.
    pub truth: Option<String>,
}

/// Rows to learn from, out of a prediction: with a person's answers where there are any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsToLearn {
    pub prediction: PredictionId,
    pub which: WhichRows,
    /// JSON lines; must not be there yet.
    pub out: PathBuf,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhichRows {
    /// Those a person has mended or confirmed.
    #[default]
    Looked,
    /// All: the others with a label of their own, else with the model's answer.
    All,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearnReport {
    pub prediction: PredictionId,
    pub out: PathBuf,
    pub n_rows: u64,
    /// Those of them that a person mended or confirmed.
    pub n_looked: u64,
    /// The run that made the model, for its recipe.
    pub run: Option<RunId>,
    /// Rows have labels; otherwise they are questions with answers.
    pub sorts: bool,
}
