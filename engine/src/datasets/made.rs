//! New datasets: whole when they are told, and gone without a trace where they do not come to that.

use super::commit::count;
use super::{Open, SALT, folder};
use crate::job_cx::Shared;
use anyhow::{Context as _, Result};
use glassworks_datasets::table::{Table, state};
use glassworks_protocol::datasets::edit::VersionRecord;
use glassworks_protocol::datasets::{DatasetRecord, Mapping};
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::sync::Arc;

/// A new dataset while its rows come in; dropped before it is finished, nothing of it is left.
pub struct Made {
    id: DatasetId,
    pub table: Table,
    pub folder: std::path::PathBuf,
    finished: bool,
}

impl Made {
    /// # Errors
    /// When it is there already, or the disk says no.
    pub fn begin(shared: &Shared, id: DatasetId) -> Result<Self> {
        let folder = folder(&shared.home, id);
        if !shared.home.is_writer() {
            return Err(Failure::new(FailureKind::Io, Text::new("failure.store_read_only")).into());
        }
        let there = shared.runtime.block_on(shared.store.dataset(id)).is_ok();
        if there {
            return Err(Failure::new(FailureKind::Input, Text::new("failure.dataset_there")).into());
        }
        if folder.exists() {
            // Of an import that was killed.
            std::fs::remove_dir_all(&folder).with_context(|| format!("clearing {}", folder.display()))?;
        }
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let table = Table::create(&folder, &Mapping::default())?;
        Ok(Self { id, table, folder, finished: false })
    }

    /// One with the rows of another as they are now, and what lies beside them to be kept with them.
    ///
    /// # Errors
    /// As [`Self::begin`], and when a file of the other is damaged.
    pub(super) fn copy(shared: &Shared, id: DatasetId, of: &mut Open) -> Result<Self> {
        let state = of.settle()?;
        let mut made = Self::begin(shared, id)?;
        state::copy(&of.folder, state, &made.folder)?;
        for entry in std::fs::read_dir(&of.folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if is_kept_along(&name.to_string_lossy()) {
                std::fs::copy(&path, made.folder.join(name))
                    .with_context(|| format!("copying {}", path.display()))?;
            }
        }
        made.table = Table::open(&made.folder, 1, of.table.mapping(), &|_| Ok(()))?;
        Ok(made)
    }

    /// Puts the dataset in force, with its table as the first version.
    ///
    /// # Errors
    /// When the disk says no; nothing of it is left then.
    pub fn finish(
        mut self,
        shared: &Shared,
        mut record: DatasetRecord,
        what: Text,
        n_bad: u64,
    ) -> Result<Arc<DatasetRecord>> {
        record.n_bad = n_bad;
        self.table = self.table.with_mapping(&record.mapping, &|_| Ok(()))?;
        count(&self.table, &mut record);
        let mut open = Open {
            table: self.table.clone(),
            record,
            folder: self.folder.clone(),
            n_states: state::list(&self.folder)?.last().copied().unwrap_or(0),
            at_state: None,
            n_since: 0,
        };
        let n_rows = open.record.n_rows;
        let mut prepared = open.prepared();
        prepared.state = self.table.saved();
        prepared.needs_state = true;
        prepared.version =
            Some(VersionRecord { n: 1, what, label: String::new(), n_rows, at_ms: (shared.clock)() });
        let record = open.commit(shared, prepared)?;
        shared.datasets.insert(self.id, open);
        self.finished = true;
        Ok(record)
    }
}

/// A licence stays beside what it is for; the same people are to get the same pseudonyms.
fn is_kept_along(name: &str) -> bool {
    name == SALT || name.starts_with("LICENSE") || name.starts_with("NOTICE")
}

impl Drop for Made {
    fn drop(&mut self) {
        if !self.finished
            && let Err(error) = std::fs::remove_dir_all(&self.folder)
        {
            tracing::warn!("{} stays until it is written over: {error}", self.folder.display());
        }
    }
}
