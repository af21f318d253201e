//! How datasets leave.

use super::rows::RowId;
use crate::ids::DatasetId;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportSpec {
    pub dataset: DatasetId,
    /// These rows, in this order; `None`: all.
    pub rows: Option<Arc<Vec<RowId>>>,
    pub format: ExportFormat,
    /// A file; of [`ExportFormat::Folder`] a folder that is made.
    pub to: PathBuf,
    /// Put it in place of what is there.
    pub replace: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    Jsonl,
    Csv,
    Parquet,
    /// The layout of `datasets`: `README.md` with a card, `data/train.parquet` and the other splits.
    Folder,
}

impl ExportFormat {
    pub const ALL: [Self; 4] = [Self::Jsonl, Self::Csv, Self::Parquet, Self::Folder];

    /// What a file of it ends with.
    #[must_use]
    pub fn ending(self) -> Option<&'static str> {
        match self {
            Self::Jsonl => Some("jsonl"),
            Self::Csv => Some("csv"),
            Self::Parquet => Some("parquet"),
            Self::Folder => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportReport {
    pub to: PathBuf,
    pub n_rows: u64,
    pub n_bytes: u64,
}
