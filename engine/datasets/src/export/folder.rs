//! The layout of the library `datasets`: `README.md` with a card, `data/train.parquet` and the other splits.
//!
//! Rows that are in no split go to a file of their own, which Python knows as `train` where there are no others: the
//! file's name says no split, so that they come back in none.

use super::aside::Aside;
use super::card::{self, Part};
use super::parquet::{ParquetFile, look};
use super::{Rows, form::Member};
use crate::Tick;
use anyhow::{Context as _, Result};
use glassworks_protocol::datasets::{DatasetRecord, Split};
use std::io::Write as _;
use std::path::Path;

/// Where rows of each split go; `None`: rows in none.
const PLACES: [(Option<Split>, &str); 4] = [
    (Some(Split::Train), "train"),
    (Some(Split::Validation), "validation"),
    (Some(Split::Test), "test"),
    (None, "rows"),
];

pub(super) fn write(
    rows: &dyn Rows,
    to: &Path,
    record: &DatasetRecord,
    tick: Tick<'_>,
) -> Result<(u64, u64)> {
    let (columns, n) = look(rows, tick)?;
    let data = to.join("data");
    std::fs::create_dir_all(&data).with_context(|| format!("making {}", data.display()))?;
    let mut files: Vec<Option<ParquetFile>> = PLACES.iter().map(|_| None).collect();
    let told = |done: u64| tick(n + done);
    rows.for_each(&told, &mut |split, row| {
        let place = PLACES.iter().position(|(one, _)| *one == split).unwrap_or(PLACES.len() - 1);
        let file = match &mut files[place] {
            Some(file) => file,
            none => none.insert(open(&data, place, &columns)?),
        };
        file.push(&columns, row)
    })?;
    if n == 0 {
        files[PLACES.len() - 1] = Some(open(&data, PLACES.len() - 1, &columns)?);
    }
    let only_one = files.iter().flatten().count() == 1;
    let (mut parts, mut n_bytes) = (Vec::new(), 0);
    for (file, (split, name)) in files.into_iter().zip(PLACES) {
        let path = format!("data/{name}.parquet");
        match file {
            // What a dataset that was here before had, and this one has not.
            None => match std::fs::remove_file(to.join(&path)) {
                Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
                    return Err(fault).with_context(|| format!("removing {path}"));
                }
                _ => {}
            },
            Some(file) => {
                let n_rows = file.n_rows_in_all;
                let bytes = file.finish()?;
                n_bytes += bytes;
                let split = match split {
                    None if only_one => "train",
                    None => "unassigned",
                    Some(_) => name,
                };
                parts.push(Part { split, path, n_rows, n_bytes: bytes });
            }
        }
    }
    let mut readme = Aside::create(&to.join("README.md"))?;
    readme.write_all(card::text(record, &columns, &parts, n).as_bytes())?;
    Ok((n, n_bytes + readme.put_in_place()?))
}

fn open(data: &Path, place: usize, columns: &[Member]) -> Result<ParquetFile> {
    ParquetFile::create(&data.join(format!("{}.parquet", PLACES[place].1)), columns)
}
