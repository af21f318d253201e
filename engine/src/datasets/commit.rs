//! Putting a change of a dataset on disk, then in force: a state file where one is due, the store's record and log.

use super::steps::Steps;
use super::{ABOUT, Open};
use crate::job_cx::Shared;
use crate::store::{DatasetCommit, Log};
use anyhow::Result;
use glassworks_datasets::table::Table;
use glassworks_protocol::datasets::edit::VersionRecord;
use glassworks_protocol::datasets::{DatasetRecord, DatasetStored, RowId};
use glassworks_protocol::text::Text;
use std::sync::Arc;

/// So many edits after a state, another is written: opening does no more of them again.
const MOST_SINCE: u32 = 500;

/// What an edit, made in memory, is to be written as.
pub(super) struct Prepared {
    pub table: Table,
    pub record: DatasetRecord,
    pub log: Log,
    pub version: Option<VersionRecord>,
    pub bad_done: Vec<(u64, bool)>,
    /// Write a state whatever else holds.
    pub needs_state: bool,
    /// The state that the table is as it stands, where it has been written already.
    pub state: Option<u32>,
}

impl Open {
    pub(super) fn prepared(&self) -> Prepared {
        Prepared {
            table: self.table.clone(),
            record: self.record.clone(),
            log: Log::Nothing,
            version: None,
            bad_done: Vec::new(),
            needs_state: false,
            state: None,
        }
    }

    /// A number for a state file that no file has had.
    pub(super) fn next_state(&mut self) -> u32 {
        self.n_states += 1;
        self.n_states
    }

    /// Writes the table as it is, unless a state file holds it already.
    pub(super) fn settle(&mut self) -> Result<u32> {
        if let Some(state) = self.at_state {
            return Ok(state);
        }
        let state = self.next_state();
        // The table in hand stays as it would be replayed from the store: nobody may ever put this state in force, and
        // edits must not refer to rows that lie in it alone.
        self.table.clone().save_state(state)?;
        self.at_state = Some(state);
        Ok(state)
    }

    /// Puts a change on disk, then in force.
    pub(super) fn commit(&mut self, shared: &Shared, mut prepared: Prepared) -> Result<Arc<DatasetRecord>> {
        let rows_changed = !matches!(prepared.log, Log::Nothing) || prepared.needs_state;
        if rows_changed {
            prepared.record.revision += 1;
        }
        count(&prepared.table, &mut prepared.record);
        let n_since = self.n_since + 1;
        if prepared.state.is_none()
            && (prepared.needs_state
                || n_since >= MOST_SINCE
                || self.loses_its_way_back(shared, &prepared)?)
        {
            let state = self.next_state();
            prepared.table.save_state(state)?;
            prepared.state = Some(state);
        }
        let version = match (prepared.version, prepared.state) {
            (Some(version), Some(state)) => {
                prepared.record.version = version.n;
                Some((version, state))
            }
            _ => None,
        };
        let is_milestone = version.is_some();
        let commit = DatasetCommit {
            record: prepared.record,
            next_row: prepared.table.next_id(),
            state: prepared.state,
            log: prepared.log,
            version,
            bad_done: prepared.bad_done,
        };
        let record = shared.runtime.block_on(shared.store.commit_dataset(commit))?;
        self.table = prepared.table;
        self.record = record;
        match prepared.state {
            Some(_) => (self.at_state, self.n_since) = (prepared.state, 0),
            None if rows_changed => (self.at_state, self.n_since) = (None, n_since),
            None => {}
        }
        if is_milestone {
            self.write_about();
        }
        Ok(Arc::new(self.record.clone()))
    }

    /// Edits that are in the state on disk and were taken back are about to be forgotten: without them nothing leads
    /// from that state to the present.
    fn loses_its_way_back(&self, shared: &Shared, prepared: &Prepared) -> Result<bool> {
        if !matches!(prepared.log, Log::New { .. }) {
            return Ok(false);
        }
        let replay = shared.runtime.block_on(shared.store.dataset_replay(self.record.id))?;
        Ok(!replay.back.is_empty())
    }

    /// What is needed to find the dataset again when the database is lost. Without it nothing else is worse.
    pub(super) fn write_about(&self) {
        let about = super::starters::About { record: self.record.clone(), state: self.at_state.unwrap_or(0) };
        let written = serde_json::to_vec_pretty(&about)
            .map_err(anyhow::Error::from)
            .and_then(|json| crate::starter::write_if_different(&self.folder.join(ABOUT), &json));
        if let Err(error) = written {
            tracing::warn!("what is known of a dataset is not beside its rows: {error:#}");
        }
    }

    pub(super) fn next_version(&self, shared: &Shared, what: Text, n_rows: u64) -> Result<VersionRecord> {
        let versions = shared.runtime.block_on(shared.store.dataset_versions(self.record.id))?;
        let n = versions.first().map_or(1, |(version, _)| version.n + 1);
        Ok(VersionRecord { n, what, label: String::new(), n_rows, at_ms: (shared.clock)() })
    }
}

/// Fills in what a list shows of the rows.
pub fn count(table: &Table, record: &mut DatasetRecord) {
    record.n_rows = table.len() as u64;
    record.n_by_split = table.n_by_split();
    record.n_bytes = table.n_bytes();
}

/// What the window is to know after rows have changed.
pub(super) fn changed(
    record: &Arc<DatasetRecord>,
    rows: Option<Vec<RowId>>,
    added: Vec<RowId>,
    order: bool,
) -> DatasetStored {
    DatasetStored::RowsChanged {
        dataset: record.id,
        revision: record.revision,
        changed: rows.map(Arc::new),
        added: Arc::new(added),
        order_changed: order,
    }
}

pub(super) fn new_log(undo: &Steps, redo: &Steps, what: Text) -> Result<Log> {
    Ok(Log::New { undo: serde_json::to_string(undo)?, redo: serde_json::to_string(redo)?, what })
}
