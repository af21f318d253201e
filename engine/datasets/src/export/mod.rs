//! Rows into files: JSON lines ([`jsonl`]), tables ([`csv`]), Parquet ([`parquet`]), the layout of `datasets`
//! ([`folder`]).
//!
//! What comes in again is what went out, kinds of values included; only the difference between a field that is null
//! and one that is not there is lost where a column has both. JSON lines keep that too.

mod aside;
mod card;
mod csv;
mod folder;
mod form;
mod parquet;
mod seen;
mod shred;

use crate::Tick;
use crate::formats::Columns;
use crate::formats::{Field, canonical};
use crate::table::Table;
use anyhow::{Result, anyhow};
use aside::Aside;
use glassworks_protocol::datasets::export::{ExportFormat, ExportReport, ExportSpec};
use glassworks_protocol::datasets::{ColumnRecord, DatasetRecord, RowId, Split};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::io::Write as _;

/// What is told of each row: its split and its line.
pub type Each<'a> = &'a mut dyn FnMut(Option<Split>, &[u8]) -> Result<()>;

/// Rows to be written, in their order.
pub trait Rows {
    /// Goes through all of them, each time the same.
    ///
    /// # Errors
    /// When they cannot be read; those of `each` and `tick`.
    fn for_each(&self, tick: Tick<'_>, each: Each<'_>) -> Result<()>;

    /// Their columns, as far as they are known, in order.
    fn columns(&self) -> &[ColumnRecord];
}

/// Rows of a table.
#[derive(Debug)]
pub struct TableRows<'a> {
    pub table: &'a Table,
    pub rows: &'a [RowId],
    pub columns: &'a [ColumnRecord],
}

impl Rows for TableRows<'_> {
    fn for_each(&self, tick: Tick<'_>, each: Each<'_>) -> Result<()> {
        self.table.for_each(self.rows, tick, &mut |row, line| each(self.table.split(row), line))
    }

    fn columns(&self) -> &[ColumnRecord] {
        self.columns
    }
}

/// Writes rows as `spec` says; which of them is for `rows` to know. Everything is written aside, and put in place
/// when it is whole. `tick` is told how many rows of how many passes are done: [`n_passes`].
///
/// # Errors
/// A [`Failure`] when something is in the way that is not to be replaced; when the disk fails; those of `tick`.
pub fn write(
    rows: &dyn Rows,
    spec: &ExportSpec,
    record: &DatasetRecord,
    tick: Tick<'_>,
) -> Result<ExportReport> {
    if spec.to.exists() && !spec.replace {
        let name = spec.to.display();
        let failure = Failure::new(FailureKind::Input, Text::new("data.export_there").arg("name", name));
        return Err(failure.hint(Text::new("data.export_there_hint")).into());
    }
    let (n_rows, n_bytes) = match spec.format {
        ExportFormat::Jsonl => jsonl(rows, spec, tick)?,
        ExportFormat::Csv => csv::write(rows, &spec.to, tick)?,
        ExportFormat::Parquet => parquet::write(rows, &spec.to, tick)?,
        ExportFormat::Folder => folder::write(rows, &spec.to, record, tick)?,
    };
    Ok(ExportReport { to: spec.to.clone(), n_rows, n_bytes })
}

/// How often rows are gone through.
#[must_use]
pub fn n_passes(format: ExportFormat) -> u64 {
    if format == ExportFormat::Jsonl { 1 } else { 2 }
}

fn jsonl(rows: &dyn Rows, spec: &ExportSpec, tick: Tick<'_>) -> Result<(u64, u64)> {
    let mut file = Aside::create(&spec.to)?;
    let mut n = 0;
    rows.for_each(tick, &mut |_, line| {
        n += 1;
        file.write_all(line)?;
        Ok(file.write_all(b"\n")?)
    })?;
    Ok((n, file.put_in_place()?))
}

/// A first pass over the rows, which sees all columns there are; how many rows there were.
fn first_pass(
    rows: &dyn Rows,
    tick: Tick<'_>,
    each: &mut dyn FnMut(&[u8], &[Field]),
) -> Result<(Columns, u64)> {
    let mut columns = Columns::default();
    let names: Vec<String> = rows.columns().iter().map(|one| one.name.clone()).collect();
    columns.named(&names);
    let (mut fields, mut line, mut n) = (Vec::new(), Vec::new(), 0);
    rows.for_each(tick, &mut |_, row| {
        n += 1;
        in_fields(row, &mut line, &mut fields)?;
        columns.add(&line, &fields);
        each(&line, &fields);
        Ok(())
    })?;
    Ok((columns, n))
}

/// A row's canonical line and the fields in it.
fn in_fields(row: &[u8], line: &mut Vec<u8>, fields: &mut Vec<Field>) -> Result<()> {
    line.clear();
    canonical(row, line, fields).map_err(|fault| anyhow!("a row that is none: {fault:?}"))?;
    Ok(())
}

#[cfg(test)]
mod tests;
