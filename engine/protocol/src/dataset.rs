//! Training data: a dataset that is kept, or files that are read where they lie; and what was found in them.

use crate::datasets::roles::Mapping;
use crate::ids::DatasetId;
use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which rows a run learns from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataSpec {
    /// A dataset that is kept, in place of files: rows of its train split and of none are learned from, those of
    /// validation measured on, those of test left alone.
    pub dataset: Option<DatasetRef>,
    /// JSON lines (`messages`, `prompt` and `completion`, Alpaca's `instruction`, or `text`, perhaps with a `label`),
    /// tables with such columns, and plain text, by their endings: `.jsonl`, `.json`, `.csv`, `.tsv`, `.txt`, `.md`.
    pub files: Vec<PathBuf>,
    /// Rows to measure on; when empty, some are taken from `files`. A dataset has its own.
    pub validation_files: Vec<PathBuf>,
    /// The part of the rows that is measured on and not learned from, 0 to 0.5, where none are said to be.
    pub validation_share: f64,
}

impl Default for DataSpec {
    fn default() -> Self {
        Self { dataset: None, files: Vec::new(), validation_files: Vec::new(), validation_share: 0.05 }
    }
}

impl DataSpec {
    /// Whether there is nothing to learn from.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dataset.is_none() && self.files.is_empty()
    }

    /// What it is called: the dataset, the files without their folders.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let files = self.files.iter().filter_map(|file| file.file_name());
        let files = files.map(|file| file.to_string_lossy().into_owned());
        self.dataset.iter().map(|dataset| dataset.name.clone()).chain(files).collect()
    }

    /// What a run is called after: the dataset, or the first file without its ending.
    #[must_use]
    pub fn stem(&self) -> String {
        let file = || self.files.first().and_then(|file| file.file_stem());
        match &self.dataset {
            Some(dataset) => dataset.name.clone(),
            None => file().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }
}

/// A dataset that a run learns from. In a recipe its name alone will do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Given")]
pub struct DatasetRef {
    /// `None`: the one of this name.
    pub id: Option<DatasetId>,
    /// As it is shown.
    pub name: String,
    /// `None`: as it stands when the run begins; which version that was is written here then.
    pub version: Option<u32>,
    /// What its columns are; `None`: as the dataset has it when the run begins, which is written here then.
    pub mapping: Option<Mapping>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    Name(String),
    Whole {
        #[serde(default)]
        id: Option<DatasetId>,
        #[serde(default)]
        name: String,
        #[serde(default)]
        version: Option<u32>,
        #[serde(default)]
        mapping: Option<Mapping>,
    },
}

impl From<Given> for DatasetRef {
    fn from(given: Given) -> Self {
        match given {
            Given::Name(name) => Self { name, ..Self::default() },
            Given::Whole { id, name, version, mapping } => Self { id, name, version, mapping },
        }
    }
}

/// A row that was left out, or cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowProblem {
    /// Of a dataset its name.
    pub file: PathBuf,
    /// Counted from 1: the line of a JSON lines file, the paragraph of a text; of a dataset one more than the row's id.
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
    /// SHA-256 over the files, or over what is read of a dataset, in hexadecimal.
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_dataset_is_named_or_pinned() {
        let read = |value| serde_json::from_value::<DataSpec>(value).expect("it reads").dataset;
        let named = DatasetRef { name: "Reviews".into(), ..DatasetRef::default() };
        assert_eq!(read(json!({ "dataset": "Reviews" })), Some(named.clone()));
        assert_eq!(read(json!({ "dataset": { "name": "Reviews" } })), Some(named.clone()));
        // As specs were before there were any.
        assert_eq!(read(json!({ "files": ["a.jsonl"] })), None);
        let pinned = DatasetRef {
            id: Some(DatasetId::mint()),
            version: Some(3),
            mapping: Some(Mapping::default()),
            ..named
        };
        let spec = DataSpec { dataset: Some(pinned), ..DataSpec::default() };
        assert_eq!(read(serde_json::to_value(&spec).expect("plain")), spec.dataset);
        assert_eq!((spec.names(), spec.stem()), (vec!["Reviews".to_owned()], "Reviews".to_owned()));
        assert!(!spec.is_empty() && DataSpec::default().is_empty());
    }
}
