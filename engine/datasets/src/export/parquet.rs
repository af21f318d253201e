//! Parquet: a first pass sees which columns hold the rows, a second writes them in groups.

use super::aside::Aside;
use super::form::{self, Member};
use super::seen::Object;
use super::shred::{self, Column};
use super::{Rows, first_pass, in_fields};
use crate::Tick;
use crate::formats::{NOTES_KEY, Notes, parse};
use ::parquet::basic::Compression;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// As many rows or bytes of lines are one group.
const GROUP_ROWS: usize = 50_000;
const GROUP_BYTES: usize = 32 << 20;

pub(super) fn write(rows: &dyn Rows, to: &Path, tick: Tick<'_>) -> Result<(u64, u64)> {
    let (columns, n) = look(rows, tick)?;
    let mut file = ParquetFile::create(to, &columns)?;
    let told = |done: u64| tick(n + done);
    rows.for_each(&told, &mut |_, row| file.push(&columns, row))?;
    Ok((n, file.finish()?))
}

/// Which columns hold all rows, and how many rows there are.
pub(super) fn look(rows: &dyn Rows, tick: Tick<'_>) -> Result<(Vec<Member>, u64)> {
    let mut seen = Object::default();
    let (_, n) = first_pass(rows, tick, &mut |line, _| {
        if let Value::Object(row) = parse(line) {
            seen.add(&row);
        }
    })?;
    let mut columns = form::columns(&seen);
    // Columns that no row has are there too, in their places.
    for (place, known) in rows.columns().iter().enumerate() {
        if !columns.iter().any(|one| one.name == known.name) {
            let empty = Member { name: known.name.clone(), form: form::Form::Text, absent: true };
            columns.insert(place.min(columns.len()), empty);
        }
    }
    Ok((columns, n))
}

/// A file that is being written.
pub(super) struct ParquetFile {
    writer: SerializedFileWriter<Aside>,
    columns: Vec<Column>,
    n_rows: usize,
    n_bytes: usize,
    line: Vec<u8>,
    pub n_rows_in_all: u64,
}

impl ParquetFile {
    pub fn create(to: &Path, columns: &[Member]) -> Result<Self> {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("Glassworks".to_owned());
        let notes = form::notes(columns);
        if notes != Notes::default() {
            let text = serde_json::to_string(&notes)?;
            properties =
                properties.set_key_value_metadata(Some(vec![KeyValue::new(NOTES_KEY.to_owned(), text)]));
        }
        let schema = form::schema(columns)?;
        let writer = SerializedFileWriter::new(Aside::create(to)?, schema, Arc::new(properties.build()))?;
        let columns = shred::columns(columns);
        Ok(Self { writer, columns, n_rows: 0, n_bytes: 0, line: Vec::new(), n_rows_in_all: 0 })
    }

    pub fn push(&mut self, columns: &[Member], row: &[u8]) -> Result<()> {
        in_fields(row, &mut self.line, &mut Vec::new())?;
        shred::put_row(columns, &parse(&self.line), &mut self.columns)?;
        self.n_rows += 1;
        self.n_rows_in_all += 1;
        self.n_bytes += row.len();
        if self.n_rows >= GROUP_ROWS || self.n_bytes >= GROUP_BYTES {
            self.write_group()?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<()> {
        if self.n_rows > 0 {
            shred::write(&mut self.columns, self.writer.next_row_group()?)?;
            (self.n_rows, self.n_bytes) = (0, 0);
        }
        Ok(())
    }

    /// Bytes written.
    pub fn finish(mut self) -> Result<u64> {
        self.write_group()?;
        // Writes the footer too.
        let file = self.writer.into_inner().context("writing the footer")?;
        file.put_in_place()
    }
}
