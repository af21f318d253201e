//! Carrying out what a person does to a dataset, with what takes it back; and batches that jobs have prepared.

use super::commit::{changed, new_log};
use super::made::Made;
use super::steps::{Step, Steps};
use super::{GONE, bad, folder, lock};
use crate::job_cx::Shared;
use crate::store::{Log, LoggedEdit};
use anyhow::{Context as _, Result};
use glassworks_datasets::formats;
use glassworks_datasets::table::{Batch, Change};
use glassworks_protocol::datasets::edit::{RowChange, VersionRecord};
use glassworks_protocol::datasets::{DatasetEdit, DatasetRecord, DatasetStored};
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::sync::Arc;

/// Rows that one edit may touch and still be kept as such; more of them become a state of their own, and a version.
const MOST_INLINE: usize = 1000;
/// Carries an edit out.
///
/// # Errors
/// When the dataset is gone, the edit makes no sense, or the disk says no; nothing has changed then.
pub fn carry_out(shared: &Shared, edit: DatasetEdit) -> Result<Vec<DatasetStored>> {
    match edit {
        DatasetEdit::Create(record) => create(shared, *record),
        DatasetEdit::Duplicate { dataset, copy, name } => duplicate(shared, dataset, copy, &name),
        DatasetEdit::Rename { dataset, name } => {
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            if name.is_empty() {
                return told_as_it_is(shared, dataset);
            }
            let what = Text::new("data.did_rename");
            plain(shared, dataset, Steps(vec![Step::Name(name)]), what)
        }
        DatasetEdit::SetMapping { dataset, mapping } => {
            plain(shared, dataset, Steps(vec![Step::Mapping(mapping)]), Text::new("data.did_mapping"))
        }
        DatasetEdit::SetNotes { dataset, notes } => {
            plain(shared, dataset, Steps(vec![Step::Notes(notes)]), Text::new("data.did_notes"))
        }
        DatasetEdit::Rows { dataset, changes } => rows(shared, dataset, &changes),
        DatasetEdit::RestoreVersion { dataset, version } => restore_version(shared, dataset, version),
        DatasetEdit::KeepVersion { dataset, label } => keep_version(shared, dataset, &label),
        DatasetEdit::MendBad { dataset, bad, text } => mend(shared, dataset, bad, &text),
        DatasetEdit::DismissBad { dataset, bad } => dismiss(shared, dataset, bad),
        DatasetEdit::Undo(dataset) => step(shared, dataset, true),
        DatasetEdit::Redo(dataset) => step(shared, dataset, false),
        DatasetEdit::Trash(dataset) => set_trashed(shared, dataset, Some((shared.clock)())),
        DatasetEdit::Restore(dataset) => set_trashed(shared, dataset, None),
        DatasetEdit::DeleteForever(dataset) => delete(shared, dataset),
    }
}

fn told_as_it_is(shared: &Shared, dataset: DatasetId) -> Result<Vec<DatasetStored>> {
    let open = shared.datasets.open(shared, dataset)?;
    let record = lock(&open).record.clone();
    Ok(vec![DatasetStored::Dataset(Arc::new(record))])
}

/// An edit that is nothing but its steps.
fn plain(shared: &Shared, dataset: DatasetId, steps: Steps, what: Text) -> Result<Vec<DatasetStored>> {
    let open = shared.datasets.open(shared, dataset)?;
    let mut open = lock(&open);
    let mut prepared = open.prepared();
    let undo = steps.apply(&mut prepared.table, &mut prepared.record)?;
    prepared.log = new_log(&undo, &steps, what)?;
    prepared.bad_done = steps.bad_done();
    let record = open.commit(shared, prepared)?;
    let mut told = vec![DatasetStored::Dataset(Arc::clone(&record))];
    if steps.touches_rows() {
        told.push(changed(&record, None, Vec::new(), false));
    }
    Ok(told)
}

/// Changes to rows by hand.
fn rows(shared: &Shared, dataset: DatasetId, changes: &[RowChange]) -> Result<Vec<DatasetStored>> {
    let open = shared.datasets.open(shared, dataset)?;
    let mut open = lock(&open);
    let planned = open.table.plan(changes)?;
    if planned.change.is_empty() {
        return Ok(vec![DatasetStored::Dataset(Arc::new(open.record.clone()))]);
    }
    let n_rows = n_touched(changes);
    let what = what_of(changes, n_rows);
    let is_large = n_rows > MOST_INLINE;
    let before = if is_large { Some(open.settle()?) } else { None };
    let mut prepared = open.prepared();
    prepared.table = planned.table;
    prepared.record.columns = with_new_columns(&prepared.record, changes);
    let (mut undo, mut redo) = (planned.inverse, planned.change);
    if let Some(before) = before {
        let after = open.next_state();
        prepared.table.save_state(after)?;
        prepared.state = Some(after);
        prepared.version = Some(open.next_version(shared, what.clone(), prepared.table.len() as u64)?);
        (undo, redo) = (Change::State(before), Change::State(after));
    }
    prepared.log = new_log(&Steps(vec![Step::Rows(undo)]), &Steps(vec![Step::Rows(redo)]), what)?;
    let record = open.commit(shared, prepared)?;
    let touched = (!is_large).then_some(planned.changed);
    let told = changed(&record, touched, planned.added, planned.order_changed);
    Ok(vec![DatasetStored::Dataset(Arc::clone(&record)), told])
}

/// How many rows a person has named or brought.
fn n_touched(changes: &[RowChange]) -> usize {
    let n = |change: &RowChange| match change {
        RowChange::Set { .. } | RowChange::Add { .. } => 1,
        RowChange::Remove { rows }
        | RowChange::Move { rows, .. }
        | RowChange::SetSplit { rows, .. }
        | RowChange::Accept { rows, .. } => rows.len(),
    };
    changes.iter().map(n).sum()
}

/// A row may bring a column that none had.
fn with_new_columns(
    record: &DatasetRecord,
    changes: &[RowChange],
) -> Vec<glassworks_protocol::datasets::ColumnRecord> {
    let mut columns = record.columns.clone();
    for change in changes {
        let (RowChange::Set { value, .. } | RowChange::Add { value, .. }) = change else { continue };
        for (name, field) in value {
            if !columns.iter().any(|column| column.name == *name) {
                columns.push(glassworks_protocol::datasets::ColumnRecord {
                    name: name.clone(),
                    kind: formats::kind_of(field).unwrap_or_default(),
                });
            }
        }
    }
    columns
}

/// What a person hears of an edit: one kind of change by its name, several as an edit.
fn what_of(changes: &[RowChange], n: usize) -> Text {
    let key = |change: &RowChange| match change {
        RowChange::Set { .. } => "data.did_edit",
        RowChange::Add { .. } => "data.did_add",
        RowChange::Remove { .. } => "data.did_remove",
        RowChange::Move { .. } => "data.did_move",
        RowChange::SetSplit { .. } => "data.did_split",
        RowChange::Accept { accepted: true, .. } => "data.did_accept",
        RowChange::Accept { accepted: false, .. } => "data.did_look_again",
    };
    let first = changes.first().map_or("data.did_edit", key);
    let same = changes.iter().all(|change| key(change) == first);
    Text::new(if same { first } else { "data.did_edit" }).arg("n", n)
}

/// Takes the newest edit back, or does the oldest that was taken back again.
fn step(shared: &Shared, dataset: DatasetId, undo: bool) -> Result<Vec<DatasetStored>> {
    let open = shared.datasets.open(shared, dataset)?;
    let mut open = lock(&open);
    let LoggedEdit { seq, undo: back, redo: forth, what } =
        shared.runtime.block_on(shared.store.dataset_step(dataset, undo))?;
    let steps: Steps = serde_json::from_str(if undo { &back } else { &forth }).context("reading an edit")?;
    let mut prepared = open.prepared();
    steps.take(&mut prepared.table, &mut prepared.record)?;
    prepared.log = Log::Stepped { seq, undone: undo };
    prepared.bad_done = steps.bad_done();
    let record = open.commit(shared, prepared)?;
    Ok(vec![
        DatasetStored::Dataset(Arc::clone(&record)),
        changed(&record, None, Vec::new(), true),
        DatasetStored::Undone { dataset, what, redone: !undo },
    ])
}

fn set_trashed(shared: &Shared, dataset: DatasetId, at_ms: Option<i64>) -> Result<Vec<DatasetStored>> {
    let open = shared.datasets.open(shared, dataset)?;
    let mut open = lock(&open);
    // What lies beside the rows names a state: without the database the dataset is found by it.
    let state = open.settle()?;
    let mut prepared = open.prepared();
    prepared.state = Some(state);
    prepared.record.trashed_at_ms = at_ms;
    let record = open.commit(shared, prepared)?;
    open.write_about();
    Ok(vec![DatasetStored::Dataset(record)])
}

fn delete(shared: &Shared, dataset: DatasetId) -> Result<Vec<DatasetStored>> {
    let folder = folder(&shared.home, dataset);
    // Under this name it is on its way out, whatever happens next.
    let gone = folder.with_extension(GONE);
    if folder.exists() {
        std::fs::rename(&folder, &gone).with_context(|| format!("deleting {}", folder.display()))?;
    }
    shared.datasets.forget(dataset);
    shared.measures.forget(dataset);
    shared.runtime.block_on(shared.store.delete_dataset(dataset))?;
    if let Err(error) = std::fs::remove_dir_all(&gone) {
        tracing::warn!("{} stays until the next start: {error}", gone.display());
    }
    Ok(vec![DatasetStored::Deleted(dataset)])
}

fn create(shared: &Shared, record: DatasetRecord) -> Result<Vec<DatasetStored>> {
    let made = Made::begin(shared, record.id)?;
    let record = made.finish(shared, record, Text::new("data.version_made"), 0)?;
    Ok(vec![DatasetStored::Dataset(record)])
}

fn duplicate(shared: &Shared, dataset: DatasetId, copy: DatasetId, name: &str) -> Result<Vec<DatasetStored>> {
    let open = shared.datasets.open(shared, dataset)?;
    let mut open = lock(&open);
    let made = Made::copy(shared, copy, &mut open)?;
    let what = Text::new("data.version_copied").arg("name", &open.record.name);
    let now_ms = (shared.clock)();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let record = DatasetRecord {
        id: copy,
        name: if name.is_empty() { open.record.name.clone() } else { name },
        version: 1,
        revision: 0,
        starter: false,
        created_at_ms: now_ms,
        trashed_at_ms: None,
        ..open.record.clone()
    };
    let record = made.finish(shared, record, what, 0)?;
    Ok(vec![DatasetStored::Dataset(record)])
}

/// What a batch is put in force with.
pub struct Batched {
    /// The dataset's revision that the batch was made of.
    pub revision: u64,
    pub what: Text,
    /// Lines that could not be read and came with it, counted with those before.
    pub n_more_bad: u64,
    /// Columns that came with it.
    pub columns: Vec<glassworks_protocol::datasets::ColumnRecord>,
}

/// Puts what a job has prepared in force, as one edit and one version.
///
/// # Errors
/// When the dataset has changed since the batch was made, or the disk says no.
pub fn commit_batch(
    shared: &Shared,
    dataset: DatasetId,
    batch: Batch,
    with: Batched,
) -> Result<(Arc<DatasetRecord>, Vec<DatasetStored>)> {
    let open = shared.datasets.open(shared, dataset)?;
    let mut open = lock(&open);
    if open.record.revision != with.revision {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.dataset_changed"))
            .hint(Text::new("failure.dataset_changed_hint"))
            .into());
    }
    let before = open.settle()?;
    let after = open.next_state();
    let table = batch.commit(after)?;
    let mut prepared = open.prepared();
    prepared.table = table;
    prepared.state = Some(after);
    prepared.record.n_bad += with.n_more_bad;
    for column in with.columns {
        if !prepared.record.columns.iter().any(|one| one.name == column.name) {
            prepared.record.columns.push(column);
        }
    }
    let (undo, redo) = (Step::Rows(Change::State(before)), Step::Rows(Change::State(after)));
    prepared.log = new_log(&Steps(vec![undo]), &Steps(vec![redo]), with.what.clone())?;
    prepared.version = Some(open.next_version(shared, with.what, prepared.table.len() as u64)?);
    let record = open.commit(shared, prepared)?;
    let told = vec![DatasetStored::Dataset(Arc::clone(&record)), changed(&record, None, Vec::new(), true)];
    Ok((record, told))
}

fn restore_version(shared: &Shared, dataset: DatasetId, version: u32) -> Result<Vec<DatasetStored>> {
    let state = state_of(shared, dataset, version)?;
    let open = shared.datasets.open(shared, dataset)?;
    let mut open = lock(&open);
    let before = open.settle()?;
    if before == state {
        return Ok(vec![DatasetStored::Dataset(Arc::new(open.record.clone()))]);
    }
    let mut prepared = open.prepared();
    let redo = Steps(vec![Step::Rows(Change::State(state))]);
    redo.take(&mut prepared.table, &mut prepared.record)?;
    let undo = Steps(vec![Step::Rows(Change::State(before))]);
    let what = Text::new("data.did_restore").arg("n", version);
    prepared.log = new_log(&undo, &redo, what.clone())?;
    prepared.state = Some(state);
    prepared.version = Some(open.next_version(shared, what, prepared.table.len() as u64)?);
    let record = open.commit(shared, prepared)?;
    Ok(vec![DatasetStored::Dataset(Arc::clone(&record)), changed(&record, None, Vec::new(), true)])
}

/// The state file of a version.
///
/// # Errors
/// When there is no such version.
pub fn state_of(shared: &Shared, dataset: DatasetId, version: u32) -> Result<u32> {
    let versions = shared.runtime.block_on(shared.store.dataset_versions(dataset))?;
    let found = versions.iter().find(|(one, _)| one.n == version).map(|(_, state)| *state);
    Ok(found.ok_or_else(|| Failure::new(FailureKind::Missing, Text::new("failure.dataset_version_gone")))?)
}

fn keep_version(shared: &Shared, dataset: DatasetId, label: &str) -> Result<Vec<DatasetStored>> {
    let open = shared.datasets.open(shared, dataset)?;
    let mut open = lock(&open);
    let state = open.settle()?;
    let mut prepared = open.prepared();
    let n_rows = prepared.table.len() as u64;
    let version = open.next_version(shared, Text::new("data.version_kept"), n_rows)?;
    prepared.state = Some(state);
    prepared.version = Some(VersionRecord { label: label.trim().to_owned(), ..version });
    let record = open.commit(shared, prepared)?;
    Ok(vec![DatasetStored::Dataset(record)])
}

fn mend(shared: &Shared, dataset: DatasetId, n: u64, text: &str) -> Result<Vec<DatasetStored>> {
    let open = shared.datasets.open(shared, dataset)?;
    let mut open = lock(&open);
    let done = shared.runtime.block_on(shared.store.dataset_bad_done(dataset))?;
    let known = if done.contains(&n) { None } else { bad::one(&open.folder, n)? };
    let bad =
        known.ok_or_else(|| Failure::new(FailureKind::Missing, Text::new("failure.dataset_bad_gone")))?;
    let value = formats::read_one(text, bad::format_of(&bad.file), &open.record.columns)
        .map_err(|reason| Failure::new(FailureKind::Input, reason))?;
    let last = open.table.order().last().copied();
    let add = RowChange::Add { after: last, value, split: None, made: None };
    let planned = open.table.plan(std::slice::from_ref(&add))?;
    let mut prepared = open.prepared();
    prepared.table = planned.table;
    prepared.record.n_bad = prepared.record.n_bad.saturating_sub(1);
    prepared.record.columns = with_new_columns(&prepared.record, &[add]);
    let undo = Steps(vec![Step::BadDone { bad: n, done: false }, Step::Rows(planned.inverse)]);
    let redo = Steps(vec![Step::Rows(planned.change), Step::BadDone { bad: n, done: true }]);
    prepared.log = new_log(&undo, &redo, Text::new("data.did_mend"))?;
    prepared.bad_done = redo.bad_done();
    let record = open.commit(shared, prepared)?;
    let told = changed(&record, Some(Vec::new()), planned.added, true);
    Ok(vec![DatasetStored::Dataset(Arc::clone(&record)), told])
}

fn dismiss(shared: &Shared, dataset: DatasetId, which: Option<u64>) -> Result<Vec<DatasetStored>> {
    let open = shared.datasets.open(shared, dataset)?;
    let mut open = lock(&open);
    let done = shared.runtime.block_on(shared.store.dataset_bad_done(dataset))?;
    let mut dismissed = Vec::new();
    bad::each(&open.folder, &mut |row| {
        if !done.contains(&row.n) && which.is_none_or(|n| n == row.n) {
            dismissed.push((row.n, true));
        }
        Ok(true)
    })?;
    let mut prepared = open.prepared();
    prepared.record.n_bad = prepared.record.n_bad.saturating_sub(dismissed.len() as u64);
    prepared.bad_done = dismissed;
    let record = open.commit(shared, prepared)?;
    Ok(vec![DatasetStored::Dataset(record)])
}
