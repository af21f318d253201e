//! Parquet: columns in pages, put together again as rows ([`nodes`] say how, [`leaves`] hold the values).
//!
//! A file lies about itself as it likes: what it claims is held against what can be ([`claims`], [`pages`]), rows
//! are read in batches of some megabytes, and what the crate below cannot stand ends that file as a damaged one, not
//! the program.

mod claims;
mod leaves;
mod nodes;
mod pages;
mod thrift;
mod values;

use super::bad::Bad;
use super::input::Origin;
use super::json::Field;
use super::json::{canonical, push_string};
use super::reader::{Got, RowReader};
use super::shapes::Shapes;
use ::parquet::column::reader::get_column_reader;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::reader::{ChunkReader, FileReader as _, Length, SerializedFileReader};
use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use glassworks_protocol::text::Text;
use leaves::Leaf;
pub(crate) use nodes::Notes;
use nodes::{Node, Trouble};
use pages::Pages;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// As much of a file's values is in memory at a time, about.
const BATCH_BYTES: i64 = 8 << 20;
const MOST_ROWS: i64 = 4096;

/// Entries of a list that are held of one column, about; looked at after so many rows.
const MOST_ENTRIES: usize = 4 << 20;
const LIST_ROWS: i64 = 16;

/// Under this key a file says how Glassworks wrote it: see [`nodes::Notes`].
pub(crate) const NOTES_KEY: &str = "glassworks";

/// A file, or bytes that are one.
#[derive(Clone)]
enum Source {
    File(Arc<File>),
    Bytes(Bytes),
}

impl Length for Source {
    fn len(&self) -> u64 {
        match self {
            Self::File(file) => Length::len(file.as_ref()),
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }
}

impl ChunkReader for Source {
    type T = Box<dyn std::io::Read>;

    fn get_read(&self, start: u64) -> ::parquet::errors::Result<Self::T> {
        Ok(match self {
            Self::File(file) => Box::new(file.get_read(start)?),
            Self::Bytes(bytes) => Box::new(bytes.get_read(start)?),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ::parquet::errors::Result<Bytes> {
        // Before anything is made as large as the file says.
        if start.saturating_add(length as u64) > self.len() {
            return Err(::parquet::errors::ParquetError::EOF(format!(
                "{length} bytes at {start} are not there"
            )));
        }
        match self {
            Self::File(file) => file.get_bytes(start, length),
            Self::Bytes(bytes) => bytes.get_bytes(start, length),
        }
    }
}

pub(super) struct Parquet {
    file: SerializedFileReader<Source>,
    source: Source,
    root: Vec<Node>,
    leaves: Vec<Leaf>,
    group: usize,
    left_in_group: i64,
    left_in_batch: i64,
    batch_rows: i64,
    shapes: Shapes,
    raw: Vec<u8>,
    n: u64,
    read: Arc<AtomicU64>,
    /// Bytes of pages that are unpacked.
    held: Arc<AtomicU64>,
    damage: Option<String>,
}

/// Runs what may panic on a file that lies.
fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(anyhow!("the file contradicts itself")))
}

impl Parquet {
    pub fn new(origin: &Origin, read: Arc<AtomicU64>) -> Result<Self> {
        let source = match origin {
            Origin::Path(path) => Source::File(Arc::new(File::open(path)?)),
            Origin::Bytes(bytes) => Source::Bytes(Bytes::copy_from_slice(bytes)),
        };
        caught(|| {
            claims::schema(&footer(&source)?).context("the footer")?;
            let file = SerializedFileReader::new(source.clone()).context("the footer")?;
            let about = file.metadata().file_metadata();
            let notes = nodes::Notes::of(about.key_value_metadata());
            let features = features(about.key_value_metadata());
            let (root, leaves) = nodes::root(about.schema_descr(), &notes, &features)?;
            let (shapes, raw) = (Shapes::default(), Vec::new());
            Ok(Self {
                file,
                source,
                root,
                leaves,
                group: 0,
                left_in_group: 0,
                left_in_batch: 0,
                batch_rows: 1,
                shapes,
                raw,
                n: 0,
                read,
                held: Arc::default(),
                damage: None,
            })
        })
    }

    /// Gets to a row; false at the end.
    fn advance(&mut self) -> Result<bool> {
        while self.left_in_group == 0 {
            if self.group == self.file.num_row_groups() {
                return Ok(false);
            }
            self.begin_group()?;
        }
        if self.left_in_batch == 0 {
            self.left_in_batch = self.read_batch(self.batch_rows.min(self.left_in_group))?;
        }
        self.left_in_batch -= 1;
        self.left_in_group -= 1;
        Ok(true)
    }

    /// Reads so many rows; fewer where their lists turn out to be long.
    fn read_batch(&mut self, n_rows: i64) -> Result<i64> {
        for leaf in &mut self.leaves {
            leaf.clear();
        }
        let step = if self.leaves.iter().any(Leaf::is_list) { LIST_ROWS } else { n_rows };
        let mut n = 0;
        while n < n_rows && self.leaves.iter().all(|leaf| leaf.n_entries() < MOST_ENTRIES) {
            let more = step.min(n_rows - n);
            for leaf in &mut self.leaves {
                leaf.read(usize::try_from(more)?)?;
            }
            n += more;
        }
        Ok(n)
    }

    fn begin_group(&mut self) -> Result<()> {
        let group = self.file.get_row_group(self.group)?;
        self.group += 1;
        let about = group.metadata();
        self.left_in_group = about.num_rows();
        if self.left_in_group < 0 || about.num_columns() != self.leaves.len() {
            bail!("a row group contradicts the schema");
        }
        let (size, rows) = (about.total_byte_size().max(0), self.left_in_group.max(1));
        self.batch_rows = (BATCH_BYTES / (size / rows).max(1)).clamp(1, MOST_ROWS);
        for (column, leaf) in self.leaves.iter_mut().enumerate() {
            let (pages, about) = (group.get_column_page_reader(column)?, about.column(column));
            let pages = Pages::new(pages, self.source.clone(), about, self.held.clone());
            leaf.begin(get_column_reader(about.column_descr_ptr(), Box::new(pages)));
        }
        // By row groups: pages of one are read here and there.
        self.read.fetch_add(about.compressed_size().max(0).unsigned_abs(), Ordering::Relaxed);
        Ok(())
    }

    /// Puts a row together; what its texts hold that is none.
    fn row(&mut self) -> Result<Option<Text>> {
        self.raw.clear();
        match nodes::write_row(&self.root, &mut self.leaves, &mut self.raw) {
            Ok(()) => Ok(None),
            Err(Trouble::Text) => Ok(Some(Text::new("data.bad_utf8"))),
            Err(Trouble::Ended) => bail!("columns of different lengths"),
        }
    }
}

impl RowReader for Parquet {
    fn next(&mut self, line: &mut Vec<u8>) -> Result<Got> {
        if self.damage.is_some() {
            return Ok(Got::End);
        }
        self.n += 1;
        let found = caught(|| if self.advance()? { Ok(Some(self.row()?)) } else { Ok(None) });
        let trouble = match found {
            Ok(Some(trouble)) => trouble,
            Ok(None) => return Ok(Got::End),
            Err(fault) => {
                self.damage = Some(format!("{fault:#}"));
                return Ok(Got::End);
            }
        };
        if let Some(reason) = trouble {
            return Ok(Got::Bad(Bad::new(self.n, reason, &self.raw)));
        }
        line.clear();
        match canonical(&self.raw, line, &mut self.shapes.fields) {
            Ok(_) if line.len() > super::LONGEST_BYTES => {
                Ok(Got::Bad(Bad::new(self.n, super::bad::too_long(), line)))
            }
            Ok(_) => {
                self.shapes.settle(line);
                Ok(Got::Row)
            }
            Err(fault) => Ok(Got::Bad(Bad::new(self.n, super::json::reason(&self.raw, fault), &self.raw))),
        }
    }

    fn fields(&self) -> &[Field] {
        &self.shapes.fields
    }

    fn damage(&mut self) -> Option<String> {
        self.damage.take()
    }
}

/// What a file says of itself, as it lies at its end.
fn footer(source: &Source) -> Result<Bytes> {
    let len = source.len();
    let tail = source.get_bytes(len.saturating_sub(8), 8).context("it is too short")?;
    let n_bytes = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]);
    let begins = (len - 8).checked_sub(u64::from(n_bytes)).context("a footer longer than the file")?;
    Ok(source.get_bytes(begins, n_bytes as usize)?)
}

/// What the library `datasets` says of columns, under its key.
fn features(metadata: Option<&Vec<KeyValue>>) -> serde_json::Value {
    let value = metadata.into_iter().flatten().find(|one| one.key == "huggingface");
    let text = value.and_then(|one| one.value.as_deref()).unwrap_or_default();
    let said: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    said.pointer("/info/features").cloned().unwrap_or_default()
}

/// A name as JSON has it.
fn quoted(name: &str) -> Vec<u8> {
    let mut text = Vec::new();
    push_string(name.as_bytes(), &mut text);
    text
}

#[cfg(test)]
mod tests;
