//! Questions about datasets, answered beside the loop by a thread that may wait for the disk.

use super::{Snapshot, bad, edits, lock};
use crate::failure;
use crate::job_cx::Shared;
use anyhow::{Context as _, Result};
use glassworks_datasets::table::{self, Table};
use glassworks_protocol::Failure;
use glassworks_protocol::datasets::{DatasetPage, DatasetQuery, RowLine};
use glassworks_protocol::ids::DatasetId;
use std::sync::Arc;

/// Lines of a page at most.
const MOST_ROWS: usize = 2000;
/// Rows of a comparison that are told in full.
const MOST_COMPARED: usize = 200;

/// Answers a question, after the edits that were sent before it.
///
/// # Errors
/// When the dataset is gone, or its files cannot be read.
pub async fn page(shared: &Arc<Shared>, query: DatasetQuery) -> Result<DatasetPage, Failure> {
    let shared = Arc::clone(shared);
    let done = tokio::task::spawn_blocking(move || {
        shared.datasets.wait_for_edits();
        answer(&shared, query)
    });
    let done = done.await.context("looking at a dataset").and_then(|result| result);
    done.map_err(|error| failure::from_error(&error))
}

fn answer(shared: &Shared, query: DatasetQuery) -> Result<DatasetPage> {
    match query {
        DatasetQuery::All => {
            let kept = shared.runtime.block_on(shared.store.datasets())?;
            Ok(DatasetPage::All(kept.into_iter().map(|one| Arc::new(one.record)).collect()))
        }
        DatasetQuery::Versions(dataset) => {
            let versions = shared.runtime.block_on(shared.store.dataset_versions(dataset))?;
            Ok(DatasetPage::Versions(versions.into_iter().map(|(version, _)| version).collect()))
        }
        DatasetQuery::Rows { dataset, rows } => {
            let Snapshot { table, record, .. } = shared.datasets.snapshot(shared, dataset)?;
            let there = rows.into_iter().take(MOST_ROWS).filter(|row| table.contains(*row));
            let measured = shared.measures.newest(dataset);
            let tokens = |row| measured.as_ref()?.tokens(row, table.facts(row)?.hash);
            let line = |row| Ok(RowLine { tokens: tokens(row), ..table.row_line(row, &record.columns)? });
            let lines = there.map(line).collect::<Result<_>>()?;
            Ok(DatasetPage::Rows { revision: record.revision, rows: Arc::new(lines) })
        }
        DatasetQuery::Row { dataset, row } => {
            let Snapshot { table, .. } = shared.datasets.snapshot(shared, dataset)?;
            let document = if table.contains(row) { Some(Arc::new(table.document(row)?)) } else { None };
            Ok(DatasetPage::Row(document))
        }
        DatasetQuery::Values { dataset, rows } => {
            let Snapshot { table, .. } = shared.datasets.snapshot(shared, dataset)?;
            let there = rows.into_iter().filter(|row| table.contains(*row));
            let values = there.map(|row| Ok((row, table.row(row)?))).collect::<Result<_>>()?;
            Ok(DatasetPage::Values(Arc::new(values)))
        }
        DatasetQuery::Bad { dataset, from, n } => {
            let done = shared.runtime.block_on(shared.store.dataset_bad_done(dataset))?;
            let (folder, n_bad) = {
                let open = shared.datasets.open(shared, dataset)?;
                let open = lock(&open);
                (open.folder.clone(), open.record.n_bad)
            };
            let rows = bad::page(&folder, &done, from, n.min(MOST_ROWS as u32).into())?;
            Ok(DatasetPage::Bad { n_bad, rows })
        }
        DatasetQuery::Compare { dataset, from, to } => compare(shared, dataset, from, to),
        DatasetQuery::Labels(dataset) => {
            let Snapshot { table, .. } = shared.datasets.snapshot(shared, dataset)?;
            Ok(DatasetPage::Labels(table.labels()))
        }
    }
}

fn compare(shared: &Shared, dataset: DatasetId, from: u32, to: Option<u32>) -> Result<DatasetPage> {
    let Snapshot { table: present, record, .. } = shared.datasets.snapshot(shared, dataset)?;
    let folder = super::folder(&shared.home, dataset);
    let at = |version: u32| -> Result<Table> {
        Table::open(&folder, edits::state_of(shared, dataset, version)?, &record.mapping, &|_| Ok(()))
    };
    let before = at(from)?;
    let after = to.map_or(Ok(present), at)?;
    let diff = table::diff((from, &before), (to, &after), MOST_COMPARED, &|_| Ok(()))?;
    Ok(DatasetPage::Compared(Arc::new(diff)))
}
