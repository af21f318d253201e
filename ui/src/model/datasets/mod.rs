//! Datasets that are kept, as far as the window knows them: records, views, lines of the rows in sight, documents,
//! bad rows, versions, and what was found and measured last.

mod known;
mod lines;
mod words;

pub use known::{BAD_PAGE, Bad};
pub use words::{kind, title};

use super::Told;
use super::runs::Listed;
use glassworks_protocol::datasets::edit::{VersionDiff, VersionRecord};
use glassworks_protocol::datasets::measure::MeasureReport;
use glassworks_protocol::datasets::overview::OverviewReport;
use glassworks_protocol::datasets::view::FoundRows;
use glassworks_protocol::datasets::{
    DatasetEdit, DatasetJob, DatasetOutput, DatasetPage, DatasetQuery, DatasetRecord, DatasetStored,
    RowDocument, RowId, RowLine,
};
use glassworks_protocol::ids::{DatasetId, EditId, JobId};
use glassworks_protocol::{Failure, JobOutput, JobSpec, Outcome};
use known::{Known, Values};
use std::collections::HashMap;
use std::sync::Arc;

/// Views that are kept: those being found and what they stand in for.
const MOST_VIEWS: usize = 8;

/// Rows of a view, as far as they have been found.
#[derive(Clone, Debug, Default)]
pub struct FoundView {
    pub rows: Arc<Vec<RowId>>,
    /// The state of the dataset that was looked through.
    pub revision: u64,
    /// These are all.
    pub complete: bool,
}

#[derive(Debug, Default)]
pub struct Datasets {
    /// Those in the trash too, in no order.
    list: Vec<Arc<DatasetRecord>>,
    listed: Listed,
    known: HashMap<DatasetId, Known>,
    /// What runs, with what was asked for.
    jobs: HashMap<JobId, DatasetJob>,
    views: Vec<(JobId, FoundView)>,
    mending: HashMap<EditId, (DatasetId, u64)>,
    not_mended: HashMap<(DatasetId, u64), Failure>,
}

impl Datasets {
    #[must_use]
    pub fn list(&self) -> &[Arc<DatasetRecord>] {
        &self.list
    }

    /// Those that are not in the trash.
    pub fn kept(&self) -> impl Iterator<Item = &Arc<DatasetRecord>> {
        self.list.iter().filter(|record| record.trashed_at_ms.is_none())
    }

    #[must_use]
    pub fn listed(&self) -> &Listed {
        &self.listed
    }

    #[must_use]
    pub fn get(&self, id: DatasetId) -> Option<&Arc<DatasetRecord>> {
        self.list.iter().find(|record| record.id == id)
    }

    /// A row's line, if it is at hand; perhaps of an older state.
    #[must_use]
    pub fn line(&self, id: DatasetId, row: RowId) -> Option<&RowLine> {
        self.known.get(&id)?.lines.get(row)
    }

    /// Whether a row's line has to be asked for.
    #[must_use]
    pub fn wants_line(&self, id: DatasetId, row: RowId) -> bool {
        self.known.get(&id).is_none_or(|known| known.lines.wants(row))
    }

    /// Questions for lines that have not been answered.
    #[must_use]
    pub fn n_waiting(&self, id: DatasetId) -> usize {
        self.known.get(&id).map_or(0, |known| known.lines.n_waiting())
    }

    /// Why lines do not come.
    #[must_use]
    pub fn lines_failure(&self, id: DatasetId) -> Option<&Failure> {
        self.known.get(&id)?.lines.failure()
    }

    /// All of a row: `None` while it is on its way, `Some(None)` when it is gone.
    #[must_use]
    pub fn document(&self, id: DatasetId, row: RowId) -> Option<&Option<Arc<RowDocument>>> {
        self.known.get(&id)?.document(row)
    }

    /// Whether all of a row has to be asked for.
    #[must_use]
    pub fn wants_document(&self, id: DatasetId, row: RowId) -> bool {
        self.known.get(&id).is_none_or(|known| known.wants_document(row))
    }

    /// All of these rows, if they are what was asked for last and have come.
    #[must_use]
    pub fn values(&self, id: DatasetId, rows: &[RowId]) -> Option<&Values> {
        let (asked, told) = self.known.get(&id)?.values.as_ref()?;
        told.as_ref().filter(|_| asked == rows)
    }

    /// Rises when rows were added, removed or moved: views have to be found anew.
    #[must_use]
    pub fn order(&self, id: DatasetId) -> u64 {
        self.known.get(&id).map_or(0, |known| known.order)
    }

    /// The rows that the last edit with new rows added, and the state of the dataset after it.
    #[must_use]
    pub fn added(&self, id: DatasetId) -> Option<(u64, &Arc<Vec<RowId>>)> {
        self.known.get(&id)?.added.as_ref().map(|(revision, rows)| (*revision, rows))
    }

    /// What a job has found so far.
    #[must_use]
    pub fn view(&self, job: JobId) -> Option<&FoundView> {
        self.views.iter().find(|(one, _)| *one == job).map(|(_, view)| view)
    }

    /// Jobs that have not ended, with what they were asked.
    pub fn jobs(&self) -> impl Iterator<Item = (JobId, &DatasetJob)> {
        self.jobs.iter().map(|(job, spec)| (*job, spec))
    }

    /// Lines that could not be read; `None` when nobody has asked.
    #[must_use]
    pub fn bad(&self, id: DatasetId) -> Option<&Bad> {
        self.known.get(&id)?.bad.as_ref()
    }

    /// Why a bad row could not be mended as it was written.
    #[must_use]
    pub fn not_mended(&self, id: DatasetId, bad: u64) -> Option<&Failure> {
        self.not_mended.get(&(id, bad))
    }

    /// Newest first; perhaps of an older state.
    #[must_use]
    pub fn versions(&self, id: DatasetId) -> Option<&[VersionRecord]> {
        self.known.get(&id)?.versions.as_deref()
    }

    /// Whether versions have to be asked for.
    #[must_use]
    pub fn wants_versions(&self, record: &DatasetRecord) -> bool {
        let at = self.known.get(&record.id).and_then(|known| known.versions_at);
        at != Some((record.version, record.revision))
    }

    /// What is different between two versions, where that was asked last.
    #[must_use]
    pub fn compared(&self, id: DatasetId, from: u32, to: Option<u32>) -> Option<&Told<VersionDiff>> {
        let (of, told) = self.known.get(&id)?.compared.as_ref()?;
        (*of == (from, to)).then_some(told)
    }

    /// Labels and how many rows have them, most frequent first; perhaps of an older state.
    #[must_use]
    pub fn labels(&self, id: DatasetId) -> Option<&[(String, u64)]> {
        self.known.get(&id)?.labels.as_deref()
    }

    /// Whether labels have to be asked for.
    #[must_use]
    pub fn wants_labels(&self, record: &DatasetRecord) -> bool {
        self.known.get(&record.id).and_then(|known| known.labels_at) != Some(record.revision)
    }

    /// What was found last, perhaps in an older state.
    #[must_use]
    pub fn overview(&self, id: DatasetId) -> Option<&Arc<OverviewReport>> {
        self.known.get(&id)?.overview.as_ref()
    }

    /// What was measured last, perhaps in an older state.
    #[must_use]
    pub fn measure(&self, id: DatasetId) -> Option<&Arc<MeasureReport>> {
        self.known.get(&id)?.measure.as_ref()
    }

    pub(super) fn started(&mut self, job: JobId, spec: &JobSpec) {
        let JobSpec::Dataset(spec) = spec else { return };
        if matches!(spec, DatasetJob::Find(_)) {
            if self.views.len() >= MOST_VIEWS {
                self.views.remove(0);
            }
            self.views.push((job, FoundView::default()));
        }
        self.jobs.insert(job, spec.clone());
    }

    /// Rows that a view has, as they are found. What comes late or twice is passed over: the end has all.
    pub(super) fn found(&mut self, job: JobId, found: &FoundRows) {
        let Some((_, view)) = self.views.iter_mut().find(|(one, _)| *one == job) else { return };
        if !view.complete && view.rows.len() as u64 == found.first {
            view.revision = found.revision;
            Arc::make_mut(&mut view.rows).extend_from_slice(&found.rows);
        }
    }

    pub(super) fn settled(&mut self, job: JobId, outcome: &Outcome) {
        self.jobs.remove(&job);
        let Outcome::Done(JobOutput::Dataset(output)) = outcome else { return };
        match output {
            DatasetOutput::Found(found) => {
                if let Some((_, view)) = self.views.iter_mut().find(|(one, _)| *one == job) {
                    let rows = Arc::clone(&found.rows);
                    *view = FoundView { rows, revision: found.revision, complete: true };
                }
            }
            DatasetOutput::Measured(report) => {
                let known = self.known.entry(report.spec.dataset).or_default();
                known.measure = Some(Arc::clone(report));
                // Lines tell tokens now.
                known.lines.doubt();
            }
            DatasetOutput::Overview(report) => {
                self.known.entry(report.dataset).or_default().overview = Some(Arc::clone(report));
            }
            DatasetOutput::Preview(_)
            | DatasetOutput::Imported(_)
            | DatasetOutput::Seen(_)
            | DatasetOutput::Transformed(_)
            | DatasetOutput::Exported(_) => {}
        }
    }

    pub(super) fn asked(&mut self, query: &DatasetQuery) {
        match query {
            DatasetQuery::All if self.listed != Listed::Ready => self.listed = Listed::Asked,
            DatasetQuery::All => {}
            DatasetQuery::Rows { dataset, rows } => {
                self.known.entry(*dataset).or_default().lines.asked(rows);
            }
            DatasetQuery::Row { dataset, row } => {
                self.known.entry(*dataset).or_default().asked_document(*row);
            }
            DatasetQuery::Values { dataset, rows } => {
                self.known.entry(*dataset).or_default().values = Some((rows.clone(), None));
            }
            DatasetQuery::Bad { dataset, from, .. } => {
                self.known.entry(*dataset).or_default().asked_bad(*from);
            }
            DatasetQuery::Versions(dataset) => {
                let at = self.get(*dataset).map(|record| (record.version, record.revision));
                self.known.entry(*dataset).or_default().versions_at = at;
            }
            DatasetQuery::Compare { dataset, from, to } => {
                self.known.entry(*dataset).or_default().compared = Some(((*from, *to), Told::Asked));
            }
            DatasetQuery::Labels(dataset) => {
                let revision = self.get(*dataset).map(|record| record.revision);
                self.known.entry(*dataset).or_default().labels_at = revision;
            }
        }
    }

    /// Says whether the failure is shown where it belongs.
    pub(super) fn refused(&mut self, query: &DatasetQuery, failure: &Failure) -> bool {
        match query {
            DatasetQuery::All if self.listed != Listed::Ready => {
                self.listed = Listed::Failed(failure.clone());
                return true;
            }
            DatasetQuery::Rows { dataset, rows } => {
                self.known.entry(*dataset).or_default().lines.refused(rows, failure);
                return true;
            }
            DatasetQuery::Compare { dataset, from, to } => {
                let told = Told::Failed(failure.clone());
                self.known.entry(*dataset).or_default().compared = Some(((*from, *to), told));
                return true;
            }
            DatasetQuery::Row { dataset, row } => {
                self.known.entry(*dataset).or_default().document_refused(*row);
            }
            DatasetQuery::All
            | DatasetQuery::Values { .. }
            | DatasetQuery::Bad { .. }
            | DatasetQuery::Versions(_)
            | DatasetQuery::Labels(_) => {}
        }
        false
    }

    pub(super) fn fetched(&mut self, query: &DatasetQuery, page: DatasetPage) {
        match (query, page) {
            (_, DatasetPage::All(list)) => {
                for record in &list {
                    self.compare_with_old(record);
                }
                self.list = list;
                self.listed = Listed::Ready;
            }
            (DatasetQuery::Rows { dataset, rows: asked }, DatasetPage::Rows { revision, rows }) => {
                self.known.entry(*dataset).or_default().lines.fetched(asked, revision, &rows);
            }
            (DatasetQuery::Row { dataset, row }, DatasetPage::Row(document)) => {
                self.known.entry(*dataset).or_default().fetched_document(*row, document);
            }
            (DatasetQuery::Values { dataset, rows }, DatasetPage::Values(values)) => {
                self.known.entry(*dataset).or_default().values = Some((rows.clone(), Some(values)));
            }
            (DatasetQuery::Bad { dataset, from, .. }, DatasetPage::Bad { n_bad, rows }) => {
                self.known.entry(*dataset).or_default().fetched_bad(*from, n_bad, rows);
            }
            (DatasetQuery::Versions(dataset), DatasetPage::Versions(versions)) => {
                self.known.entry(*dataset).or_default().versions = Some(versions);
            }
            (DatasetQuery::Compare { dataset, from, to }, DatasetPage::Compared(diff)) => {
                self.known.entry(*dataset).or_default().compared = Some(((*from, *to), Told::Known(diff)));
            }
            (DatasetQuery::Labels(dataset), DatasetPage::Labels(labels)) => {
                self.known.entry(*dataset).or_default().labels = Some(labels);
            }
            _ => {}
        }
    }

    /// Shows at once what an edit will change.
    pub(super) fn edited(&mut self, edit: EditId, what: &DatasetEdit, now_ms: i64) {
        match what {
            DatasetEdit::Create(record) => {
                if self.get(record.id).is_none() {
                    self.list.push(Arc::new((**record).clone()));
                }
            }
            DatasetEdit::Rename { dataset, name } => {
                self.change(*dataset, |record| name.trim().clone_into(&mut record.name));
            }
            DatasetEdit::SetMapping { dataset, mapping } => {
                self.change(*dataset, |record| record.mapping.clone_from(mapping));
                // What a line tells of problems hangs on what its columns are.
                let revision = self.get(*dataset).map_or(0, |record| record.revision);
                self.known.entry(*dataset).or_default().lines.changed(revision + 1, None);
            }
            DatasetEdit::SetNotes { dataset, notes } => {
                self.change(*dataset, |record| record.notes.clone_from(notes));
            }
            DatasetEdit::Rows { dataset, changes } => {
                let Some(record) = self.get(*dataset) else { return };
                let columns: Vec<String> = record.columns.iter().map(|one| one.name.clone()).collect();
                self.known.entry(*dataset).or_default().edited(&columns, changes);
            }
            DatasetEdit::MendBad { dataset, bad, .. } => {
                self.not_mended.remove(&(*dataset, *bad));
                self.mending.insert(edit, (*dataset, *bad));
            }
            DatasetEdit::Trash(dataset) => {
                self.change(*dataset, |record| record.trashed_at_ms = Some(now_ms));
            }
            DatasetEdit::Restore(dataset) => self.change(*dataset, |record| record.trashed_at_ms = None),
            DatasetEdit::DeleteForever(dataset) => self.deleted(*dataset),
            DatasetEdit::Duplicate { .. }
            | DatasetEdit::RestoreVersion { .. }
            | DatasetEdit::KeepVersion { .. }
            | DatasetEdit::DismissBad { .. }
            | DatasetEdit::Undo(_)
            | DatasetEdit::Redo(_) => {}
        }
    }

    /// What was shown at once did not happen. Says whether the failure is shown where it belongs, and whether the
    /// list has to be asked for.
    pub(super) fn edit_refused(&mut self, edit: EditId, failure: &Failure) -> (bool, bool) {
        if let Some(bad) = self.mending.remove(&edit) {
            self.not_mended.insert(bad, failure.clone());
            return (true, false);
        }
        self.known.values_mut().for_each(Known::doubt);
        (false, self.listed == Listed::Ready)
    }

    pub(super) fn stored(&mut self, stored: DatasetStored) {
        match stored {
            DatasetStored::Dataset(record) => {
                self.compare_with_old(&record);
                match self.list.iter_mut().find(|one| one.id == record.id) {
                    Some(one) => *one = record,
                    None => self.list.push(record),
                }
            }
            DatasetStored::RowsChanged { dataset, revision, changed, added, order_changed } => {
                let known = self.known.entry(dataset).or_default();
                known.changed(revision, changed.as_deref().map(Vec::as_slice));
                if order_changed {
                    known.order += 1;
                }
                if !added.is_empty() {
                    known.added = Some((revision, added));
                }
            }
            DatasetStored::Deleted(dataset) => self.deleted(dataset),
            DatasetStored::Undone { .. } => {}
        }
    }

    /// What a record says is another thing than before: what hangs on that is old.
    fn compare_with_old(&mut self, record: &DatasetRecord) {
        let Some(old) = self.get(record.id).map(Arc::clone) else { return };
        let Some(known) = self.known.get_mut(&record.id) else { return };
        if old.mapping != record.mapping || old.columns != record.columns {
            known.changed(record.revision, None);
        }
        if old.n_bad != record.n_bad {
            known.forget_bad();
        }
    }

    fn deleted(&mut self, id: DatasetId) {
        self.list.retain(|record| record.id != id);
        self.known.remove(&id);
    }

    fn change(&mut self, id: DatasetId, change: impl FnOnce(&mut DatasetRecord)) {
        if let Some(record) = self.list.iter_mut().find(|record| record.id == id) {
            change(Arc::make_mut(record));
        }
    }
}
