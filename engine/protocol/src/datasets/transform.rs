//! Changes to many rows at once: first shown and counted, then carried out as one version.

use super::rows::{Row, RowId, Split};
use crate::generate::{ModelSource, SamplingSpec};
use crate::ids::DatasetId;
use crate::train::TunedSource;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransformSpec {
    pub dataset: DatasetId,
    pub transform: Transform,
    /// These rows alone; `None`: all.
    pub rows: Option<Arc<Vec<RowId>>>,
    /// Carry it out; else say what it would do.
    pub apply: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    Replace(ReplaceSpec),
    Clean(CleanSpec),
    Privacy(PrivacySpec),
    Split(SplitSpec),
    Augment(AugmentSpec),
    /// Rows written by a model.
    Write(Box<WriteSpec>),
    Balance(BalanceSpec),
}

/// Search and replace in texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplaceSpec {
    pub find: String,
    /// With a pattern, `$1` and `${name}` stand for its groups.
    pub with: String,
    pub is_pattern: bool,
    pub case_sensitive: bool,
    pub column: Option<String>,
}

/// What is done, in this order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CleanSpec {
    /// Control characters besides tab and newline go.
    pub strip_control: bool,
    /// Unicode NFC.
    pub nfc: bool,
    /// Several spaces become one, spaces at lines' ends go, more than two newlines become two.
    pub collapse_spaces: bool,
    /// White space at both ends of texts and labels goes.
    pub trim: bool,
    pub drop_empty: bool,
    pub drop_without_target: bool,
    /// All but the first of those that say the same.
    pub drop_duplicates: bool,
    /// All but the first of those nearly the same, from this share on.
    pub drop_near_duplicates: Option<f64>,
    /// Characters of all that is read.
    pub at_least: Option<u32>,
    pub at_most: Option<u32>,
    /// Rows in which this is found go.
    pub drop_matching: Option<String>,
    /// Rows in which this is not found go.
    pub keep_matching: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrivacyKind {
    Email,
    Phone,
    /// Passes Luhn's check.
    Card,
    /// Passes its check (ISO 13616).
    Iban,
    /// Eighteen digits that pass their check (GB 11643).
    ChineseId,
    /// A shape that numbers were given out in.
    UsSsn,
    IpAddress,
    ApiKey,
}

impl PrivacyKind {
    pub const ALL: [Self; 8] = [
        Self::Email,
        Self::Phone,
        Self::Card,
        Self::Iban,
        Self::ChineseId,
        Self::UsSsn,
        Self::IpAddress,
        Self::ApiKey,
    ];
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrivacySpec {
    pub kinds: Vec<PrivacyKind>,
    pub action: PrivacyAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrivacyAction {
    /// `[EMAIL]`
    Mask,
    /// Another one of the same shape; the same for the same, within the dataset.
    Pseudonymise,
    /// The row goes.
    Drop,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitSpec {
    /// Shares of validation and test, 0 to 0.5 each; what is left is to train.
    pub validation: f64,
    pub test: f64,
    pub seed: u64,
    /// Each label's part on every side.
    pub stratify: bool,
    /// Rows with the same value in this column stay together.
    pub group_by: Option<String>,
    /// Rows nearly the same stay together too, from this share on. Those that say the same always do.
    pub near: Option<f64>,
    /// Rows that have a split keep it.
    pub keep: bool,
}

impl Default for SplitSpec {
    fn default() -> Self {
        Self { validation: 0.05, test: 0.0, seed: 0, stratify: true, group_by: None, near: None, keep: false }
    }
}

/// New rows made of others. None is made of rows of validation and test, and none is put there.
///
/// What a model is given is changed, what it is to say is not: of conversations the user's turns alone. Names and
/// genders are changed in all of a row, so that it goes on speaking of the same person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AugmentSpec {
    pub way: AugmentWay,
    /// New rows for each old one.
    pub copies: u32,
    pub seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AugmentWay {
    /// Words that are left out, as a share.
    TokenDropout(f64),
    /// Neighbouring words that change places.
    TokenSwap(f64),
    /// Letters left out, doubled, swapped, or a neighbour on the keyboard.
    CharacterNoise(f64),
    /// Words in place of which WordNet has another.
    Synonyms(f64),
    /// Upper, lower, title case.
    Casing,
    /// Marks left out or repeated.
    Punctuation(f64),
    /// Names and genders changed for the other.
    Counterfactual,
}

/// Rows that a model writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WriteSpec {
    pub model: ModelSource,
    /// What a run made of the model writes in its place.
    #[serde(default)]
    pub tuned: Option<TunedSource>,
    /// With `{column}` for what a row says.
    pub template: String,
    /// What is written goes here, the rest of the row stays.
    pub column: String,
    pub sampling: SamplingSpec,
    pub max_tokens: u32,
    pub copies: u32,
}

/// As many rows of each label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceSpec {
    pub way: BalanceWay,
    pub seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BalanceWay {
    /// Copies of rare labels' rows, up to the most frequent; of those to train alone.
    Over,
    /// Rows of frequent labels go, down to the rarest; of those to train alone.
    Under,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransformReport {
    pub dataset: DatasetId,
    /// Of the dataset that was looked through, or that came of it.
    pub revision: u64,
    pub applied: bool,
    pub n_looked_at: u64,
    pub n_changed: u64,
    pub n_removed: u64,
    pub n_added: u64,
    /// Rows that a split gave another side.
    pub n_moved: u64,
    /// New rows that were not added: the same as the one they are made of, or as another new one.
    #[serde(default)]
    pub n_same: u64,
    /// Train, validation, test, none, as they are or would be.
    pub n_by_split: [u64; 4],
    /// Of privacy: how many of each.
    pub n_by_kind: Vec<(PrivacyKind, u64)>,
    /// The first rows with a change, up to 50.
    pub samples: Vec<TransformSample>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransformSample {
    /// The row, or the one that a new row is made of.
    pub row: RowId,
    pub before: Row,
    /// `None`: it goes.
    pub after: Option<Row>,
    /// A new row; else the row itself changes.
    pub added: bool,
    pub split: Option<Split>,
}
