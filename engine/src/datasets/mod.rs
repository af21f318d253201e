//! Datasets that are kept: the tables that are open, edits of them with undo ([`edits`]), versions, unreadable lines
//! ([`bad`]), questions ([`pages`]), and those that come with the program ([`starters`]). Rows lie in files
//! (`glassworks_datasets`), everything else in the store.
//!
//! **Invariant.** What a table is on disk is a state file and the edits since ([`crate::store::Replay`]): both are on
//! disk before anything is told.

mod bad;
mod commit;
mod edits;
pub mod import;
pub mod learn;
mod made;
pub mod pages;
pub mod seen;
pub mod starters;
mod steps;

pub use bad::each_waiting as each_bad;
pub use edits::{Batched, carry_out, commit_batch};
pub use made::Made;

use crate::generate::sampler::fresh_seed;
use crate::home::Home;
use crate::job_cx::Shared;
use anyhow::{Context as _, Result};
use glassworks_datasets::table::{Table, state};
use glassworks_protocol::datasets::DatasetRecord;
use glassworks_protocol::datasets::overview::OverviewReport;
use glassworks_protocol::ids::DatasetId;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What the list of a dataset says, in its folder: by it the dataset is found again when the database is lost.
const ABOUT: &str = "dataset.json";
/// What pseudonyms are made with.
const SALT: &str = "salt";
/// A dataset that is being deleted.
const GONE: &str = "gone";
/// Tables that nobody looks at are kept open as long as there are no more of them.
const MOST_OPEN: usize = 8;

/// The tables that are open.
#[derive(Default)]
pub struct Datasets {
    open: Mutex<HashMap<DatasetId, Arc<Mutex<Open>>>>,
    /// Of the last overview of each.
    overviews: Mutex<HashMap<DatasetId, Arc<OverviewReport>>>,
    /// Those whose folders were swept.
    swept: Mutex<HashSet<DatasetId>>,
    edits: Mutex<EditsUnderWay>,
    edit_was_done: Condvar,
}

/// Edits are carried out in order by a thread of their own.
#[derive(Clone, Copy, Default)]
struct EditsUnderWay {
    n_sent: u64,
    n_done: u64,
}

/// One open table.
pub struct Open {
    pub table: Table,
    pub record: DatasetRecord,
    pub folder: PathBuf,
    /// The newest state file's number.
    n_states: u32,
    /// The state that is on disk as the table is now, if there is one.
    at_state: Option<u32>,
    /// Edits since a state was written.
    n_since: u32,
}

/// A dataset at one moment. While there is one, its table stays open: who writes new segments for it is alone in that.
pub struct Snapshot {
    pub table: Table,
    pub record: DatasetRecord,
    _open: Arc<Mutex<Open>>,
}

/// Where a dataset's rows lie.
#[must_use]
pub fn folder(home: &Home, id: DatasetId) -> PathBuf {
    home.datasets().join(id.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Datasets {
    /// The open table of a dataset.
    ///
    /// # Errors
    /// When it is gone, or its files cannot be read.
    pub fn open(&self, shared: &Shared, id: DatasetId) -> Result<Arc<Mutex<Open>>> {
        if let Some(open) = lock(&self.open).get(&id) {
            return Ok(Arc::clone(open));
        }
        // Opening may take a second: others go on meanwhile, and who comes later finds it open.
        let fresh = Arc::new(Mutex::new(read(shared, id)?));
        let mut all = lock(&self.open);
        if all.len() >= MOST_OPEN {
            all.retain(|_, open| Arc::strong_count(open) > 1);
        }
        Ok(Arc::clone(all.entry(id).or_insert(fresh)))
    }

    /// A dataset as it is now: edits that come later do not change what is returned.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn snapshot(&self, shared: &Shared, id: DatasetId) -> Result<Snapshot> {
        let open = self.open(shared, id)?;
        let (table, record) = {
            let open = lock(&open);
            (open.table.clone(), open.record.clone())
        };
        Ok(Snapshot { table, record, _open: open })
    }

    /// One more waits to be carried out.
    pub fn edit_sent(&self) {
        lock(&self.edits).n_sent += 1;
    }

    /// One more was, and was told.
    pub fn edit_done(&self) {
        lock(&self.edits).n_done += 1;
        self.edit_was_done.notify_all();
    }

    /// Waits for the edits that were asked for before: who asks afterwards sees them done.
    pub fn wait_for_edits(&self) {
        let mut edits = lock(&self.edits);
        let n_before = edits.n_sent;
        while edits.n_done < n_before {
            edits = self.edit_was_done.wait(edits).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts a new dataset among the open ones.
    fn insert(&self, id: DatasetId, open: Open) {
        lock(&self.swept).insert(id);
        lock(&self.open).insert(id, Arc::new(Mutex::new(open)));
    }

    /// Whether nobody has opened it since the program began: nobody writes there then.
    fn is_first(&self, id: DatasetId) -> bool {
        lock(&self.swept).insert(id)
    }

    fn forget(&self, id: DatasetId) {
        lock(&self.open).remove(&id);
        lock(&self.overviews).remove(&id);
    }

    /// Keeps what was found last.
    pub fn keep_overview(&self, report: Arc<OverviewReport>) {
        lock(&self.overviews).insert(report.dataset, report);
    }

    /// What was found last, whatever has changed since.
    #[must_use]
    pub fn overview(&self, id: DatasetId) -> Option<Arc<OverviewReport>> {
        lock(&self.overviews).get(&id).cloned()
    }
}

/// Reads a table from its files: its newest state, and the edits since.
fn read(shared: &Shared, id: DatasetId) -> Result<Open> {
    let kept = shared.runtime.block_on(shared.store.dataset(id))?;
    let replay = shared.runtime.block_on(shared.store.dataset_replay(id))?;
    let folder = folder(&shared.home, id);
    if shared.home.is_writer() && shared.datasets.is_first(id) {
        state::sweep(&folder)?;
    }
    let n_states = state::list(&folder)?.last().copied().unwrap_or(0).max(kept.state);
    let mut table = Table::open(&folder, kept.state, &kept.record.mapping, &|_| Ok(()))
        .with_context(|| format!("opening the dataset {}", kept.record.name))?;
    let mut record = kept.record;
    let n_since = replay.back.len() + replay.forth.len();
    let steps = replay.back.iter().map(|edit| &edit.undo).chain(replay.forth.iter().map(|edit| &edit.redo));
    for json in steps {
        let steps: steps::Steps = serde_json::from_str(json).context("reading an edit of a dataset")?;
        // The record is as the last commit left it: only rows are done again.
        if let Err(error) = steps.take_rows(&mut table) {
            // Only a database that was recovered in parts lacks an edit in between: what comes after it is lost.
            tracing::warn!("the dataset {} lacks edits: {error:#}", record.name);
            break;
        }
    }
    table.reserve(kept.next_row);
    commit::count(&table, &mut record);
    let at_state = (n_since == 0).then_some(kept.state);
    Ok(Open { table, record, folder, n_states, at_state, n_since: n_since as u32 })
}

/// What pseudonyms of a dataset are made with: the same in every run and known to nobody else.
///
/// # Errors
/// When the disk says no.
pub fn salt(home: &Home, id: DatasetId) -> Result<Vec<u8>> {
    let path = folder(home, id).join(SALT);
    if let Ok(salt) = std::fs::read(&path) {
        return Ok(salt);
    }
    let salt: Vec<u8> =
        (0..4).map(|_| fresh_seed().map(u64::to_le_bytes)).collect::<Result<Vec<_>>>()?.concat();
    crate::starter::write_if_different(&path, &salt)?;
    Ok(salt)
}
