//! How files come in.
//!
//! What is kept: every column under its own name. What is made one: ShareGPT's `conversations` (`from`, `value`) and
//! other spellings of turns become a list of `{"role", "content"}` with the roles `system`, `user`, `assistant`,
//! `tool`; CoNLL becomes `tokens` and `tags`; SQuAD's nesting becomes rows of `id`, `title`, `context`, `question`,
//! `answers`; spans become `{"start", "end", "label"}`; text becomes `text`.

use super::roles::{ColumnRecord, Mapping};
use super::rows::{Row, Split};
use crate::ids::DatasetId;
use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is imported.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ImportSource {
    /// Files, and folders of them: all files of known kinds inside, in order of their names. A folder or file called
    /// `train`, `validation` (`valid`, `dev`), `test` gives its rows that split.
    Files(Vec<PathBuf>),
    /// What was pasted.
    Text(String),
    /// A dataset that comes with the program.
    Starter(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    Jsonl,
    /// One array, an object of columns, or an object with one array in it.
    Json,
    /// Values with a separator between them: CSV, TSV, semicolons.
    Table,
    Parquet,
    Text,
    /// One token a line, its tag in the last column, an empty line between sentences.
    Conll,
    Squad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TextEncoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "utf-16le")]
    Utf16Le,
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// As GB18030.
    #[serde(rename = "gbk")]
    Gbk,
    /// As windows-1252.
    #[serde(rename = "latin-1")]
    Latin1,
}

/// What is a row of plain text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextRows {
    #[default]
    Paragraph,
    Line,
    File,
}

/// How files are read; `None`: as each file is found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadOptions {
    pub format: Option<FileFormat>,
    pub encoding: Option<TextEncoding>,
    pub separator: Option<char>,
    /// Whether a table's first record names its columns.
    pub header: Option<bool>,
    pub text_rows: TextRows,
}

/// Look at the beginning of what would be imported.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PreviewSpec {
    pub source: ImportSource,
    pub options: ReadOptions,
}

/// A file that would be imported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundFile {
    /// Under the folder that was named, or its own name.
    pub name: String,
    /// As it lies on disk.
    pub n_bytes: u64,
    pub format: FileFormat,
    /// `None` where bytes are no text.
    pub encoding: Option<TextEncoding>,
    pub separator: Option<char>,
    /// `gz` or `zst`.
    pub compression: Option<String>,
    pub header: Option<bool>,
    pub split: Option<Split>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportPreview {
    pub files: Vec<FoundFile>,
    /// Files in a folder that are of no known kind.
    pub passed_over: Vec<String>,
    pub columns: Vec<ColumnRecord>,
    /// What the columns most likely are.
    pub mapping: Mapping,
    /// The first rows.
    pub rows: Vec<Row>,
    /// The bad ones among them.
    pub bad: Vec<BadRow>,
    /// Bytes on disk.
    pub n_bytes: u64,
    /// Whether `rows` are all there are.
    pub whole: bool,
}

/// Something in a file that is no row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// Its place among the bad ones of its dataset, counted from 0; stays.
    pub n: u64,
    pub file: String,
    /// Counted from 1: the line where it begins, or the record of a file without lines.
    pub row: u64,
    pub reason: Text,
    /// As it stands in the file, at most 64 KiB of it; bytes that are no text as U+FFFD.
    pub text: String,
    /// Whether `text` is all of it.
    pub whole: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportSpec {
    pub dataset: DatasetId,
    /// Add to the dataset, which is there; else make it.
    pub append: bool,
    pub name: String,
    pub source: ImportSource,
    pub options: ReadOptions,
    /// `None`: as guessed.
    pub mapping: Option<Mapping>,
    /// For files that do not say it.
    pub split: Option<Split>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportReport {
    pub dataset: DatasetId,
    pub n_rows: u64,
    pub n_bad: u64,
    /// Bytes on disk that were read.
    pub n_bytes: u64,
    pub secs: f64,
}
