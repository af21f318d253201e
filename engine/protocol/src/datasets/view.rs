//! Which rows are shown, in which order. A view is a list of row ids: the window holds it and asks for the rows it
//! draws.

use super::measure::MeasureSpec;
use super::overview::FindingKind;
use super::rows::{RowId, Split};
use crate::ids::DatasetId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Rows that pass all filters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewSpec {
    pub dataset: DatasetId,
    pub filters: Vec<Filter>,
    pub sort: Option<Sort>,
    /// For filters and orders by tokens: a measure that has been made.
    pub measure: Option<MeasureSpec>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    Contains {
        text: String,
        /// `None`: any column.
        column: Option<String>,
        case_sensitive: bool,
    },
    /// As the regex crate reads it.
    Regex {
        pattern: String,
        column: Option<String>,
    },
    /// Both ends belong to it.
    Length {
        unit: LengthUnit,
        at_least: Option<u32>,
        at_most: Option<u32>,
    },
    /// Any of these; `None`: no label.
    Labels(Vec<Option<String>>),
    /// Any of these; `None`: in none.
    Splits(Vec<Option<Split>>),
    Empty,
    /// Another row says the same, to the letter.
    Duplicate,
    HasProblem,
    Unlabelled,
    /// Made of another row.
    Made,
    /// By a finding of the last overview.
    Finding(FindingKind),
    /// By the last measure: cut, without target, left out.
    Cut,
    NoTarget,
    /// These and no others.
    Rows(Arc<Vec<RowId>>),
    /// Those that do not pass it.
    Not(Box<Filter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LengthUnit {
    Characters,
    Tokens,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    pub by: SortKey,
    pub descending: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// The dataset's own order.
    Position,
    /// Numbers by value, before texts, which go by their letters; rows without it last.
    Column(String),
    Characters,
    Tokens,
    Label,
    Split,
}

/// Rows of a view, as far as they have been found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundRows {
    pub dataset: DatasetId,
    /// The state of the dataset that was looked through.
    pub revision: u64,
    /// How many had been found before these.
    pub first: u64,
    pub rows: Arc<Vec<RowId>>,
}
