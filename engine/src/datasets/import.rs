//! Rows from files into a dataset: a new one, or one that is there.

use super::bad::{self, BadFile};
use super::{Batched, Made, commit_batch};
use crate::job_cx::Shared;
use anyhow::Result;
use glassworks_datasets::formats::{self, Read, Reader};
use glassworks_datasets::table::{At, Batch};
use glassworks_protocol::datasets::import::{ImportReport, ImportSource, ImportSpec, PreviewSpec};
use glassworks_protocol::datasets::{DatasetRecord, DatasetStored, Mapping};
use glassworks_protocol::text::Text;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Told bytes read and bytes in all, every few hundred rows; its error ends the import, and nothing of it is left.
pub type Tick<'a> = &'a dyn Fn(u64, u64) -> Result<()>;
/// Between two ticks.
const ROWS_A_TICK: u64 = 256;

/// Imports what a spec names. What is told is to be sent before the report.
///
/// # Errors
/// `Failure` naming a file that cannot be read, and what `tick` returns.
pub fn bring_in(
    shared: &Shared,
    spec: &ImportSpec,
    about: DatasetRecord,
    tick: Tick<'_>,
) -> Result<(ImportReport, Vec<DatasetStored>)> {
    let began = Instant::now();
    let mut reader = formats::open(&spec.source, &spec.options)?;
    let (record, n_rows, n_bad, told) = match spec.append {
        false => make(shared, spec, about, &mut reader, tick)?,
        true => append(shared, spec, &mut reader, tick)?,
    };
    let report = ImportReport {
        dataset: record.id,
        n_rows,
        n_bad,
        n_bytes: reader.read_bytes(),
        secs: began.elapsed().as_secs_f64(),
    };
    Ok((report, told))
}

type Done = (Arc<DatasetRecord>, u64, u64, Vec<DatasetStored>);

fn make(
    shared: &Shared,
    spec: &ImportSpec,
    about: DatasetRecord,
    reader: &mut Reader,
    tick: Tick<'_>,
) -> Result<Done> {
    let mut made = Made::begin(shared, spec.dataset)?;
    // What is known of rows is found out as they come, under what they will most likely be: else all are read again.
    let likely = match &spec.mapping {
        Some(mapping) => mapping.clone(),
        None => {
            let begins = PreviewSpec { source: spec.source.clone(), options: spec.options.clone() };
            formats::preview(&begins)?.mapping
        }
    };
    made.table = made.table.with_mapping(&likely, &|_| Ok(()))?;
    let mut batch = Batch::new(&made.table);
    let (n_rows, n_bad) = read_all(reader, spec, &mut batch, &made.folder, 0, tick)?;
    let columns = reader.columns();
    let mapping = spec.mapping.clone().unwrap_or_else(|| Mapping::guess(&columns));
    made.table = batch.commit(1)?;
    let what = if about.starter { Text::new("data.version_starter") } else { what_came(n_rows, n_bad) };
    let record = DatasetRecord { mapping, columns, ..about };
    let record = made.finish(shared, record, what, n_bad)?;
    let told = vec![DatasetStored::Dataset(Arc::clone(&record))];
    Ok((record, n_rows, n_bad, told))
}

fn append(shared: &Shared, spec: &ImportSpec, reader: &mut Reader, tick: Tick<'_>) -> Result<Done> {
    let snapshot = shared.datasets.snapshot(shared, spec.dataset)?;
    let record = &snapshot.record;
    let folder = super::folder(&shared.home, spec.dataset);
    let n_bad_before = bad::n_written(shared, record, &folder)?;
    let mut batch = Batch::new(&snapshot.table);
    let (n_rows, n_bad) = read_all(reader, spec, &mut batch, &folder, n_bad_before, tick)?;
    let with = Batched {
        revision: record.revision,
        what: what_came(n_rows, n_bad),
        n_more_bad: n_bad,
        columns: reader.columns(),
    };
    let (record, told) = commit_batch(shared, spec.dataset, batch, with)?;
    Ok((record, n_rows, n_bad, told))
}

fn what_came(n_rows: u64, n_bad: u64) -> Text {
    let text = Text::new(if n_bad == 0 { "data.version_imported" } else { "data.version_imported_bad" });
    text.arg("n", n_rows).arg("bad", n_bad)
}

/// Rows into the batch, what is none into the file of those.
fn read_all(
    reader: &mut Reader,
    spec: &ImportSpec,
    batch: &mut Batch,
    folder: &Path,
    n_bad_before: u64,
    tick: Tick<'_>,
) -> Result<(u64, u64)> {
    let mut bad = BadFile::append(folder, n_bad_before)?;
    let mut line = Vec::new();
    let (mut n_rows, mut n_read) = (0, 0);
    loop {
        if n_read % ROWS_A_TICK == 0 {
            tick(reader.read_bytes(), reader.len_bytes())?;
        }
        n_read += 1;
        line.clear();
        match reader.next(&mut line)? {
            None => break,
            Some(Read::Row { split }) => {
                batch.add(At::Last, &line, split.or(spec.split), None)?;
                n_rows += 1;
            }
            Some(Read::Bad(row)) => bad.push(row)?,
        }
    }
    Ok((n_rows, bad.finish()? - n_bad_before))
}

/// A record for something that is to come in.
#[must_use]
pub fn about(spec: &ImportSpec, now_ms: i64) -> DatasetRecord {
    let origin = match &spec.source {
        ImportSource::Files(paths) => {
            let names =
                paths.iter().map(|path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy());
            names.collect::<Vec<_>>().join(", ")
        }
        ImportSource::Text(_) => String::new(),
        ImportSource::Starter(name) => name.clone(),
    };
    DatasetRecord {
        id: spec.dataset,
        name: spec.name.trim().to_owned(),
        mapping: Mapping::default(),
        columns: Vec::new(),
        n_rows: 0,
        n_by_split: [0; 4],
        n_bytes: 0,
        n_bad: 0,
        version: 1,
        revision: 0,
        undo: None,
        redo: None,
        origin,
        notes: String::new(),
        licence: String::new(),
        starter: false,
        created_at_ms: now_ms,
        changed_at_ms: now_ms,
        trashed_at_ms: None,
    }
}
