//! Datasets to learn from: which one a recipe means, and the version that a run goes by from its start to its end.

use super::edits::state_of;
use super::{Snapshot, folder, lock};
use crate::data::kept::{Kept, KeptRow};
use crate::job_cx::Shared;
use anyhow::Result;
use glassworks_datasets::table::Table;
use glassworks_protocol::dataset::DatasetRef;
use glassworks_protocol::datasets::{DatasetEdit, DatasetStored};
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};

/// The dataset that is meant: by its id, else the newest of its name that is not in the trash.
///
/// # Errors
/// When there is none.
pub fn id_of(shared: &Shared, wanted: &DatasetRef) -> Result<DatasetId> {
    if let Some(id) = wanted.id {
        return Ok(id);
    }
    let all = shared.runtime.block_on(shared.store.datasets())?;
    let named = |name: &str| name.trim().to_lowercase() == wanted.name.trim().to_lowercase();
    let found = all.iter().find(|one| one.record.trashed_at_ms.is_none() && named(&one.record.name));
    let gone = || {
        let summary = Text::new("failure.dataset_name_gone").arg("name", &wanted.name);
        Failure::new(FailureKind::Missing, summary).hint(Text::new("failure.dataset_gone_hint"))
    };
    Ok(found.ok_or_else(gone)?.record.id)
}

/// What a recipe's dataset is from now on: its id, its columns' meaning, and a version that the present is. One is made
/// where the present is none. What is told is to be sent.
///
/// # Errors
/// When there is none, or the disk says no.
pub fn pinned(shared: &Shared, wanted: &DatasetRef) -> Result<(DatasetRef, Vec<DatasetStored>)> {
    shared.datasets.wait_for_edits();
    let id = id_of(shared, wanted)?;
    let open = shared.datasets.open(shared, id)?;
    let (record, at_state) = {
        let open = lock(&open);
        (open.record.clone(), open.at_state)
    };
    let pin = |version| DatasetRef {
        id: Some(id),
        name: record.name.clone(),
        version: Some(version),
        mapping: Some(wanted.mapping.clone().unwrap_or_else(|| record.mapping.clone())),
    };
    if let Some(version) = wanted.version {
        return Ok((pin(version), Vec::new()));
    }
    let versions = shared.runtime.block_on(shared.store.dataset_versions(id))?;
    if let Some((version, _)) = versions.iter().find(|(_, state)| Some(*state) == at_state) {
        return Ok((pin(version.n), Vec::new()));
    }
    let told = super::carry_out(shared, DatasetEdit::KeepVersion { dataset: id, label: String::new() })?;
    let version = lock(&open).record.version;
    Ok((pin(version), told))
}

/// Told after each row: the dataset's name, rows read, rows in all; its error ends the reading.
pub type Tick<'a> = &'a dyn Fn(&str, u64, u64) -> Result<()>;

/// Does something with the dataset that is meant, as it stands or as its version was.
///
/// # Errors
/// When it is gone, and what `work` and `tick` return.
pub fn with<T>(
    shared: &Shared,
    wanted: Option<&DatasetRef>,
    tick: Tick<'_>,
    work: impl FnOnce(Option<&Kept<'_>>) -> Result<T>,
) -> Result<T> {
    let Some(wanted) = wanted else { return work(None) };
    shared.datasets.wait_for_edits();
    let id = id_of(shared, wanted)?;
    let Snapshot { table, record, .. } = shared.datasets.snapshot(shared, id)?;
    let mapping = wanted.mapping.clone().unwrap_or_else(|| record.mapping.clone());
    let table = match wanted.version {
        None => table,
        Some(version) => {
            let state = state_of(shared, id, version)?;
            Table::open(&folder(&shared.home, id), state, &mapping, &|_| Ok(()))?
        }
    };
    let each = |take: &mut dyn FnMut(&KeptRow<'_>) -> Result<()>| {
        let mut n_read = 0;
        table.for_each(table.order(), &|_| Ok(()), &mut |id, line| {
            take(&KeptRow { id, split: table.split(id), made: table.made(id), line })?;
            n_read += 1;
            tick(&record.name, n_read, table.len() as u64)
        })
    };
    work(Some(&Kept { name: &record.name, mapping: &mapping, each: &each }))
}
