//! The values of one column of pages, a batch of rows at a time.

use super::values::{Kind, push};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use anyhow::{Result, bail};

pub(super) struct Leaf {
    pub kind: Kind,
    max_def: i16,
    max_rep: i16,
    reader: Option<ColumnReader>,
    defs: Vec<i16>,
    reps: Vec<i16>,
    values: Values,
    /// The entry that comes next: a value, or a place where there is none.
    entry: usize,
    value: usize,
    n_entries: usize,
}

enum Values {
    Bool(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int96(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

/// A value as it lies in the file.
pub(super) enum Raw<'a> {
    Bool(bool),
    Int32(i32),
    Int64(i64),
    Int96(&'a Int96),
    Float(f32),
    Double(f64),
    Bytes(&'a [u8]),
}

impl Leaf {
    pub fn new(kind: Kind, max_def: i16, max_rep: i16) -> Self {
        let values = Values::Bool(Vec::new());
        let (defs, reps) = (Vec::new(), Vec::new());
        Self { kind, max_def, max_rep, reader: None, defs, reps, values, entry: 0, value: 0, n_entries: 0 }
    }

    pub fn begin(&mut self, reader: ColumnReader) {
        self.values = match &reader {
            ColumnReader::BoolColumnReader(_) => Values::Bool(Vec::new()),
            ColumnReader::Int32ColumnReader(_) => Values::Int32(Vec::new()),
            ColumnReader::Int64ColumnReader(_) => Values::Int64(Vec::new()),
            ColumnReader::Int96ColumnReader(_) => Values::Int96(Vec::new()),
            ColumnReader::FloatColumnReader(_) => Values::Float(Vec::new()),
            ColumnReader::DoubleColumnReader(_) => Values::Double(Vec::new()),
            ColumnReader::ByteArrayColumnReader(_) => Values::Bytes(Vec::new()),
            ColumnReader::FixedLenByteArrayColumnReader(_) => Values::Fixed(Vec::new()),
        };
        self.reader = Some(reader);
        (self.entry, self.value, self.n_entries) = (0, 0, 0);
    }

    pub fn is_list(&self) -> bool {
        self.max_rep > 0
    }

    /// Of the rows read since [`Self::clear`].
    pub fn n_entries(&self) -> usize {
        self.n_entries
    }

    /// Lets go of the rows that were read.
    pub fn clear(&mut self) {
        self.defs.clear();
        self.reps.clear();
        match &mut self.values {
            Values::Bool(values) => values.clear(),
            Values::Int32(values) => values.clear(),
            Values::Int64(values) => values.clear(),
            Values::Int96(values) => values.clear(),
            Values::Float(values) => values.clear(),
            Values::Double(values) => values.clear(),
            Values::Bytes(values) => values.clear(),
            Values::Fixed(values) => values.clear(),
        }
        (self.entry, self.value, self.n_entries) = (0, 0, 0);
    }

    /// Reads so many rows more.
    pub fn read(&mut self, n_rows: usize) -> Result<()> {
        let defs = (self.max_def > 0).then_some(&mut self.defs);
        let reps = (self.max_rep > 0).then_some(&mut self.reps);
        let (n, n_values, n_entries) = match (&mut self.reader, &mut self.values) {
            (Some(ColumnReader::BoolColumnReader(r)), Values::Bool(v)) => rows(r, n_rows, defs, reps, v)?,
            (Some(ColumnReader::Int32ColumnReader(r)), Values::Int32(v)) => rows(r, n_rows, defs, reps, v)?,
            (Some(ColumnReader::Int64ColumnReader(r)), Values::Int64(v)) => rows(r, n_rows, defs, reps, v)?,
            (Some(ColumnReader::Int96ColumnReader(r)), Values::Int96(v)) => rows(r, n_rows, defs, reps, v)?,
            (Some(ColumnReader::FloatColumnReader(r)), Values::Float(v)) => rows(r, n_rows, defs, reps, v)?,
            (Some(ColumnReader::DoubleColumnReader(r)), Values::Double(v)) => rows(r, n_rows, defs, reps, v)?,
            (Some(ColumnReader::ByteArrayColumnReader(r)), Values::Bytes(v)) => {
                rows(r, n_rows, defs, reps, v)?
            }
            (Some(ColumnReader::FixedLenByteArrayColumnReader(r)), Values::Fixed(v)) => {
                rows(r, n_rows, defs, reps, v)?
            }
            _ => bail!("a column without a reader"),
        };
        if n != n_rows {
            bail!("a column ends after {n} of {n_rows} rows");
        }
        self.n_entries += n_entries;
        let whole = self.max_def == 0 || self.defs.len() == self.n_entries;
        if !whole || self.max_rep > 0 && self.reps.len() != self.n_entries || n_values > n_entries {
            bail!("a column's levels contradict each other");
        }
        Ok(())
    }

    /// How much of its path is there for the entry that comes next; `None`: there is no entry.
    pub fn def(&self) -> Option<i16> {
        let there = self.entry < self.n_entries;
        there.then(|| if self.max_def == 0 { 0 } else { self.defs[self.entry] })
    }

    /// At which depth the entry that comes next goes on with a list; `None`: there is no entry.
    pub fn rep(&self) -> Option<i16> {
        let there = self.entry < self.n_entries;
        there.then(|| if self.max_rep == 0 { 0 } else { self.reps[self.entry] })
    }

    /// Passes over an entry without a value.
    pub fn pass(&mut self) {
        if self.def() == Some(self.max_def) {
            self.value += 1;
        }
        self.entry += 1;
    }

    /// Writes the value that comes next as JSON: false where that is no text, true also where it is missing.
    pub fn take(&mut self, line: &mut Vec<u8>) -> bool {
        let there = self.def() == Some(self.max_def);
        self.entry += 1;
        if !there {
            line.extend_from_slice(b"null");
            return true;
        }
        let at = self.value;
        self.value += 1;
        let raw = match &self.values {
            Values::Bool(values) => values.get(at).map(|one| Raw::Bool(*one)),
            Values::Int32(values) => values.get(at).map(|one| Raw::Int32(*one)),
            Values::Int64(values) => values.get(at).map(|one| Raw::Int64(*one)),
            Values::Int96(values) => values.get(at).map(Raw::Int96),
            Values::Float(values) => values.get(at).map(|one| Raw::Float(*one)),
            Values::Double(values) => values.get(at).map(|one| Raw::Double(*one)),
            Values::Bytes(values) => values.get(at).map(|one| Raw::Bytes(one.data())),
            Values::Fixed(values) => values.get(at).map(|one| Raw::Bytes(one.data())),
        };
        match raw {
            Some(raw) => push(&raw, &self.kind, line),
            None => {
                line.extend_from_slice(b"null");
                false
            }
        }
    }
}

/// Records, values and entries that were read.
fn rows<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    n_rows: usize,
    defs: Option<&mut Vec<i16>>,
    reps: Option<&mut Vec<i16>>,
    values: &mut Vec<T::T>,
) -> Result<(usize, usize, usize)> {
    Ok(reader.read_records(n_rows, defs, reps, values)?)
}
