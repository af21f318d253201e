//! Changes to a dataset's rows by hand, and the versions that come of larger ones.

use super::rows::{Made, Row, RowId, Split};
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// One step of an edit. All steps of one edit are undone together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowChange {
    /// All of a row, as it is now.
    Set {
        row: RowId,
        value: Row,
    },
    /// A new row after another one; `None`: before all. Its id is told by `RowsChanged`.
    Add {
        after: Option<RowId>,
        value: Row,
        split: Option<Split>,
        made: Option<Made>,
    },
    Remove {
        rows: Vec<RowId>,
    },
    /// In the order given, before another row; `None`: after all.
    Move {
        rows: Vec<RowId>,
        before: Option<RowId>,
    },
    SetSplit {
        rows: Vec<RowId>,
        split: Option<Split>,
    },
    /// Keep what is wrong with a row as it is, or look at it again.
    Accept {
        rows: Vec<RowId>,
        accepted: bool,
    },
}

/// A state that can be looked at and come back to: every import and every change to many rows makes one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// Counted from 1.
    pub n: u32,
    /// What made it: "Imported 4,012 rows".
    pub what: Text,
    /// A person's name for it.
    pub label: String,
    pub n_rows: u64,
    pub at_ms: i64,
}

/// What is different between two versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionDiff {
    pub from: u32,
    /// `None`: the present.
    pub to: Option<u32>,
    pub n_added: u64,
    pub n_removed: u64,
    pub n_changed: u64,
    /// Rows whose split or place alone is another.
    pub n_moved: u64,
    /// The first of them, removed ones first, then changed, then added.
    pub rows: Vec<RowDiff>,
}

/// A row on both sides; missing where it was added or removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowDiff {
    pub row: RowId,
    pub before: Option<Row>,
    pub after: Option<Row>,
}
