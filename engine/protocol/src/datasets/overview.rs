//! What a dataset holds, and what is odd about it.

use super::rows::{RowId, Split};
use crate::ids::DatasetId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverviewSpec {
    pub dataset: DatasetId,
    /// From which share of common 5-character shingles on rows are nearly the same (Jaccard), 0.5 to 1. Upper case and
    /// white space do not count.
    pub near: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    Empty,
    Broken,
    NoTarget,
    BadTags,
    NotLiteral,
    BadTurns,
    /// The same to the letter as an earlier row.
    Duplicate,
    NearDuplicate,
    /// The same text with another label or answer.
    Contradiction,
    /// The same, or nearly, in train and in validation or test.
    Leakage,
    ControlCharacters,
    /// Fewer than five rows have this label.
    RareLabel,
    /// Another language than nine of ten rows.
    OtherLanguage,
}

impl FindingKind {
    pub const ALL: [Self; 13] = [
        Self::Empty,
        Self::Broken,
        Self::NoTarget,
        Self::BadTags,
        Self::NotLiteral,
        Self::BadTurns,
        Self::Duplicate,
        Self::NearDuplicate,
        Self::Contradiction,
        Self::Leakage,
        Self::ControlCharacters,
        Self::RareLabel,
        Self::OtherLanguage,
    ];

    /// Whether rows with it cannot be learned from, or teach what is wrong.
    #[must_use]
    pub fn is_severe(self) -> bool {
        matches!(
            self,
            Self::Empty | Self::Broken | Self::NoTarget | Self::BadTags | Self::NotLiteral | Self::Leakage
        )
    }
}

/// Rows with something in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub kind: FindingKind,
    /// In the dataset's order; those that say the same beside each other.
    pub rows: Arc<Vec<RowId>>,
    /// For those that say the same: how many groups.
    pub n_groups: u64,
}

/// Counts of equal ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// Range i begins at `i · width`; the last one takes all that is longer.
    pub width: u32,
    pub counts: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelShare {
    /// `None`: without a label.
    pub label: Option<String>,
    /// Train, validation, test, none.
    pub n_by_split: [u64; 4],
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LanguageShare {
    /// ISO 639-3; empty: too short to tell.
    pub code: String,
    /// The language's name in itself.
    pub name: String,
    pub n_rows: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverviewReport {
    pub dataset: DatasetId,
    pub revision: u64,
    pub n_rows: u64,
    pub n_by_split: [u64; 4],
    /// Of labels, tags' or spans' kinds: most frequent first.
    pub labels: Vec<LabelShare>,
    /// Rows by characters.
    pub lengths: Histogram,
    pub p50: u32,
    pub p95: u32,
    pub p99: u32,
    pub longest: u32,
    /// Most frequent first.
    pub languages: Vec<LanguageShare>,
    /// Those that there are.
    pub findings: Vec<Finding>,
    pub secs: f64,
}

impl OverviewReport {
    /// Where a row's split is counted.
    #[must_use]
    pub fn place(split: Option<Split>) -> usize {
        split.map_or(3, |split| split as usize)
    }
}
