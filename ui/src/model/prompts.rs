//! The prompt library: records, versions, tables with what was written for their rows, rows of files.

use super::Told;
use super::runs::Listed;
use glassworks_protocol::ids::{JobId, PromptId, PromptRunId};
use glassworks_protocol::prompts::{
    FileRows, PromptEdit, PromptJob, PromptPage, PromptQuery, PromptRecord, PromptResult, PromptRun,
    PromptSheet, PromptStored, PromptTable, PromptVersion, folder_path,
};
use glassworks_protocol::{Failure, JobSpec};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The table of a prompt, once it has been told.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub sheet: Arc<PromptSheet>,
    /// Newest first.
    pub runs: Vec<Arc<PromptRun>>,
    results: HashMap<(PromptRunId, u64), Arc<PromptResult>>,
}

impl Table {
    #[must_use]
    pub fn result(&self, run: PromptRunId, row: u64) -> Option<&Arc<PromptResult>> {
        self.results.get(&(run, row))
    }
}

#[derive(Debug, Default)]
pub struct Prompts {
    /// In the order of making, those in the trash too.
    list: Vec<Arc<PromptRecord>>,
    listed: Listed,
    versions: HashMap<PromptId, Option<Vec<Arc<PromptVersion>>>>,
    tables: HashMap<PromptId, Option<Table>>,
    jobs: HashMap<JobId, Running>,
    rows: HashMap<PathBuf, Told<FileRows>>,
}

/// A run over a table that was started here.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    pub prompt: PromptId,
    pub run: PromptRunId,
    /// Only these rows; `None`: all without a reply.
    pub rows: Option<Vec<u64>>,
}

impl Prompts {
    #[must_use]
    pub fn list(&self) -> &[Arc<PromptRecord>] {
        &self.list
    }

    /// Those that are not in the trash.
    pub fn kept(&self) -> impl Iterator<Item = &Arc<PromptRecord>> {
        self.list.iter().filter(|record| record.trashed_at_ms.is_none())
    }

    #[must_use]
    pub fn listed(&self) -> &Listed {
        &self.listed
    }

    #[must_use]
    pub fn get(&self, id: PromptId) -> Option<&Arc<PromptRecord>> {
        self.list.iter().find(|record| record.id == id)
    }

    /// Newest first; `None` while they are on their way.
    #[must_use]
    pub fn versions(&self, id: PromptId) -> Option<&[Arc<PromptVersion>]> {
        self.versions.get(&id)?.as_deref()
    }

    #[must_use]
    pub fn asked_versions(&self, id: PromptId) -> bool {
        self.versions.contains_key(&id)
    }

    #[must_use]
    pub fn table(&self, id: PromptId) -> Option<&Table> {
        self.tables.get(&id)?.as_ref()
    }

    #[must_use]
    pub fn asked_table(&self, id: PromptId) -> bool {
        self.tables.contains_key(&id)
    }

    /// The jobs that were started here.
    pub fn jobs(&self) -> impl Iterator<Item = (JobId, &Running)> {
        self.jobs.iter().map(|(job, running)| (*job, running))
    }

    /// What is known of a file's rows; `None` when nobody has asked.
    #[must_use]
    pub fn file_rows(&self, path: &Path) -> Option<&Told<FileRows>> {
        self.rows.get(path)
    }

    pub(super) fn started(&mut self, job: JobId, spec: &JobSpec) {
        if let JobSpec::Prompt(PromptJob::Run { spec, rows }) = spec {
            let running = Running { prompt: spec.prompt, run: spec.run, rows: rows.clone() };
            self.jobs.insert(job, running);
        }
    }

    pub(super) fn asked(&mut self, query: &PromptQuery) {
        match query {
            PromptQuery::All if self.listed != Listed::Ready => self.listed = Listed::Asked,
            PromptQuery::All => {}
            PromptQuery::Versions(id) => drop(self.versions.entry(*id).or_default()),
            PromptQuery::Table(id) => drop(self.tables.entry(*id).or_default().is_some()),
            PromptQuery::Rows(path) => drop(self.rows.insert(path.clone(), Told::Asked)),
        }
    }

    pub(super) fn refused(&mut self, query: &PromptQuery, failure: &Failure) -> bool {
        match query {
            PromptQuery::All if self.listed != Listed::Ready => {
                self.listed = Listed::Failed(failure.clone());
            }
            PromptQuery::Rows(path) => {
                self.rows.insert(path.clone(), Told::Failed(failure.clone()));
            }
            PromptQuery::All | PromptQuery::Versions(_) | PromptQuery::Table(_) => return false,
        }
        true
    }

    pub(super) fn fetched(&mut self, query: &PromptQuery, page: PromptPage) {
        match (query, page) {
            (_, PromptPage::All(list)) => {
                self.list = list;
                self.listed = Listed::Ready;
            }
            (PromptQuery::Versions(id), PromptPage::Versions(versions)) => {
                self.versions.insert(*id, Some(versions));
            }
            (PromptQuery::Table(id), PromptPage::Table(table)) => {
                self.tables.insert(*id, Some(told(*table)));
            }
            (PromptQuery::Rows(path), PromptPage::Rows(rows)) => {
                self.rows.insert(path.clone(), Told::Known(rows));
            }
            _ => {}
        }
    }

    /// Shows at once what an edit will change.
    pub(super) fn edited(&mut self, edit: &PromptEdit, now_ms: i64) {
        match edit {
            PromptEdit::Create(record) => {
                if self.get(record.id).is_none() {
                    self.list.push(Arc::new((**record).clone()));
                }
            }
            PromptEdit::Rename { prompt, name } => {
                self.change(*prompt, |record| name.trim().clone_into(&mut record.name));
            }
            PromptEdit::Move { prompt, folder } => {
                self.change(*prompt, |record| record.folder = folder_path(folder));
            }
            PromptEdit::Tag { prompt, tags } => {
                self.change(*prompt, |record| record.tags.clone_from(tags));
            }
            PromptEdit::Draft { prompt, draft } => {
                self.change(*prompt, |record| record.draft.clone_from(draft));
            }
            PromptEdit::Save { prompt, body, .. } => self.change(*prompt, |record| {
                record.body = body.tidied();
                record.draft = None;
            }),
            PromptEdit::Trash(prompt) => {
                self.change(*prompt, |record| record.trashed_at_ms = Some(now_ms));
            }
            PromptEdit::Restore(prompt) => self.change(*prompt, |record| record.trashed_at_ms = None),
            PromptEdit::DeleteForever(prompt) => self.deleted(*prompt),
            PromptEdit::SaveSheet { prompt, sheet } => {
                if let Some(Some(table)) = self.tables.get_mut(prompt) {
                    table.sheet = Arc::new((**sheet).clone());
                }
            }
            PromptEdit::RemoveRun(run) => {
                for table in self.tables.values_mut().flatten() {
                    table.runs.retain(|one| one.id != *run);
                }
            }
            PromptEdit::Label { .. } | PromptEdit::Undo(_) | PromptEdit::Redo(_) => {}
        }
    }

    pub(super) fn stored(&mut self, stored: PromptStored) {
        match stored {
            PromptStored::Prompt(record) => match self.list.iter_mut().find(|one| one.id == record.id) {
                Some(one) => *one = record,
                None => self.list.push(record),
            },
            PromptStored::Version(version) => {
                let Some(Some(versions)) = self.versions.get_mut(&version.prompt) else { return };
                match versions.iter_mut().find(|one| one.n == version.n) {
                    Some(one) => *one = version,
                    None => versions.insert(0, version),
                }
            }
            PromptStored::Deleted(id) => self.deleted(id),
            PromptStored::Sheet { prompt, sheet } => {
                if let Some(Some(table)) = self.tables.get_mut(&prompt) {
                    table.sheet = sheet;
                }
            }
            PromptStored::Run(run) => {
                if let Some(Some(table)) = self.tables.get_mut(&run.prompt) {
                    table.runs.retain(|one| one.id != run.id);
                    table.runs.insert(0, run);
                }
            }
            PromptStored::RunRemoved { prompt, run } => {
                if let Some(Some(table)) = self.tables.get_mut(&prompt) {
                    table.runs.retain(|one| one.id != run);
                    table.results.retain(|(of, _), _| *of != run);
                }
            }
            PromptStored::Result { prompt, result } => {
                if let Some(Some(table)) = self.tables.get_mut(&prompt) {
                    table.results.insert((result.run, result.row), result);
                }
            }
            PromptStored::Undone { .. } => {}
        }
    }

    fn deleted(&mut self, id: PromptId) {
        self.list.retain(|record| record.id != id);
        self.versions.remove(&id);
        self.tables.remove(&id);
    }

    fn change(&mut self, id: PromptId, change: impl FnOnce(&mut PromptRecord)) {
        if let Some(record) = self.list.iter_mut().find(|record| record.id == id) {
            change(Arc::make_mut(record));
        }
    }
}

fn told(table: PromptTable) -> Table {
    let PromptTable { sheet, runs, results } = table;
    let results = results.into_iter().map(|one| ((one.run, one.row), one)).collect();
    Table { sheet: Arc::new(sheet), runs, results }
}
