//! What the window asks of datasets, and what the engine tells of them.

use super::edit::{RowChange, VersionDiff, VersionRecord};
use super::export::{ExportReport, ExportSpec};
use super::import::{BadRow, ImportPreview, ImportReport, ImportSpec, PreviewSpec};
use super::measure::{MeasureReport, MeasureSpec, SeeSpec, SeenRow};
use super::overview::{OverviewReport, OverviewSpec};
use super::roles::Mapping;
use super::rows::{DatasetRecord, Row, RowDocument, RowId, RowLine};
use super::transform::{TransformReport, TransformSpec};
use super::view::{FoundRows, ViewSpec};
use crate::ids::DatasetId;
use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DatasetJob {
    /// Look at the beginning of files.
    Preview(PreviewSpec),
    Import(Box<ImportSpec>),
    /// Find a view's rows; some are told as they are found, where the order allows it.
    Find(ViewSpec),
    Measure(MeasureSpec),
    See(Box<SeeSpec>),
    Overview(OverviewSpec),
    Transform(Box<TransformSpec>),
    Export(ExportSpec),
    /// Lines that could not be read, as they are.
    ExportBad {
        dataset: DatasetId,
        to: PathBuf,
        replace: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DatasetOutput {
    Preview(Arc<ImportPreview>),
    Imported(Arc<ImportReport>),
    Found(Arc<FoundRows>),
    Measured(Arc<MeasureReport>),
    Seen(Arc<SeenRow>),
    Overview(Arc<OverviewReport>),
    Transformed(Arc<TransformReport>),
    Exported(Arc<ExportReport>),
}

/// A change. Undoable per dataset where nothing else is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DatasetEdit {
    /// An empty one, for rows by hand.
    Create(Box<DatasetRecord>),
    /// Another one with its rows as they are now; versions, edits and lines that could not be read stay behind.
    Duplicate {
        dataset: DatasetId,
        copy: DatasetId,
        name: String,
    },
    Rename {
        dataset: DatasetId,
        name: String,
    },
    SetMapping {
        dataset: DatasetId,
        mapping: Mapping,
    },
    SetNotes {
        dataset: DatasetId,
        notes: String,
    },
    Rows {
        dataset: DatasetId,
        changes: Vec<RowChange>,
    },
    /// Put a version in place of the present.
    RestoreVersion {
        dataset: DatasetId,
        version: u32,
    },
    /// Make the present a version; not undoable.
    KeepVersion {
        dataset: DatasetId,
        label: String,
    },
    /// A line that could not be read, as a person has mended it: it becomes a row after all others when it can be read
    /// now, else the edit is refused with the reason.
    MendBad {
        dataset: DatasetId,
        bad: u64,
        text: String,
    },
    /// Not wanted; not undoable. `None`: all that are left.
    DismissBad {
        dataset: DatasetId,
        bad: Option<u64>,
    },
    Undo(DatasetId),
    Redo(DatasetId),
    Trash(DatasetId),
    Restore(DatasetId),
    /// With its files; not undoable.
    DeleteForever(DatasetId),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatasetQuery {
    /// All, those in the trash too, the newest change first.
    All,
    /// Lines of the grid; ids that are gone are left out.
    Rows {
        dataset: DatasetId,
        rows: Vec<RowId>,
    },
    Row {
        dataset: DatasetId,
        row: RowId,
    },
    /// All of some rows, to copy and duplicate them: those asked for, without those that are gone.
    Values {
        dataset: DatasetId,
        rows: Vec<RowId>,
    },
    /// Lines that could not be read and wait to be mended.
    Bad {
        dataset: DatasetId,
        from: u64,
        n: u32,
    },
    /// Newest first.
    Versions(DatasetId),
    Compare {
        dataset: DatasetId,
        from: u32,
        /// `None`: the present.
        to: Option<u32>,
    },
    /// Every label (or tag's kind, or span's) and how many rows have it, most frequent first.
    Labels(DatasetId),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DatasetPage {
    All(Vec<Arc<DatasetRecord>>),
    Rows {
        revision: u64,
        rows: Arc<Vec<RowLine>>,
    },
    /// `None`: gone.
    Row(Option<Arc<RowDocument>>),
    Values(Arc<Vec<(RowId, Row)>>),
    Bad {
        n_bad: u64,
        rows: Vec<BadRow>,
    },
    Versions(Vec<VersionRecord>),
    Compared(Arc<VersionDiff>),
    Labels(Vec<(String, u64)>),
}

/// Something of a dataset is on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DatasetStored {
    Dataset(Arc<DatasetRecord>),
    /// Rows are other ones now; after the `Dataset` with the new revision.
    RowsChanged {
        dataset: DatasetId,
        revision: u64,
        /// Set, or given another split or flag; `None`: any may be.
        changed: Option<Arc<Vec<RowId>>>,
        /// New ones, in the order of the edit's steps.
        added: Arc<Vec<RowId>>,
        /// Rows were added, removed or moved: views are to be found anew.
        order_changed: bool,
    },
    Deleted(DatasetId),
    /// What was taken back or done again, for a toast.
    Undone {
        dataset: DatasetId,
        what: Text,
        /// Done again.
        redone: bool,
    },
}
