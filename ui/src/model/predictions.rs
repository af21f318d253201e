//! Predictions: the list, the pages of rows that are looked at, and the columns of files.

use super::runs::Listed;
use glassworks_protocol::ids::{JobId, PredictionId};
use glassworks_protocol::predict::{
    DataHead, Mend, PredictSpec, PredictedRow, PredictedRows, PredictedWhole, PredictionRecord, RowInFull,
    RowsView,
};
use glassworks_protocol::{Edit, Failure, JobSpec, Query};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of a page.
pub const PAGE: u64 = 100;
/// Pages of a view that stay at hand; beyond that the one asked for longest ago goes.
const MAX_PAGES: usize = 40;

/// What is known of something that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Told<T> {
    Asked,
    Known(Arc<T>),
    Failed(Failure),
}

/// The rows of a prediction that somebody looks at.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    view: RowsView,
    /// Of the view, once a page of it has come.
    n_rows: Option<u64>,
    whole: Arc<PredictedWhole>,
    /// By the place of their first row, asked for longest ago first.
    pages: Vec<(u64, Option<Arc<PredictedRows>>)>,
    failure: Option<Failure>,
    full: Option<(u64, Option<Arc<RowInFull>>)>,
}

impl Looked {
    #[must_use]
    pub fn view(&self) -> &RowsView {
        &self.view
    }

    /// Rows in the view, once that is known.
    #[must_use]
    pub fn n_rows(&self) -> Option<u64> {
        self.n_rows
    }

    #[must_use]
    pub fn whole(&self) -> &Arc<PredictedWhole> {
        &self.whole
    }

    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The row at this place of the view, if its page has come.
    #[must_use]
    pub fn row(&self, place: u64) -> Option<&PredictedRow> {
        let from = place / PAGE * PAGE;
        let (_, page) = self.pages.iter().find(|(one, _)| *one == from)?;
        page.as_ref()?.rows.get((place - from) as usize)
    }

    /// All of a row, if it has come.
    #[must_use]
    pub fn full(&self, row: u64) -> Option<&Arc<RowInFull>> {
        self.full.as_ref().filter(|(of, _)| *of == row)?.1.as_ref()
    }

    /// Whether all of a row was asked for.
    #[must_use]
    pub fn asked_full(&self, row: u64) -> bool {
        self.full.as_ref().is_some_and(|(of, _)| *of == row)
    }

    fn look(&mut self, view: &RowsView) {
        if self.view != *view {
            self.view.clone_from(view);
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.pages.clear();
        self.n_rows = None;
        self.failure = None;
    }

    fn said(&mut self, row: u64, mend: Option<&Mend>) {
        for page in self.pages.iter_mut().filter_map(|(_, page)| page.as_mut()) {
            if page.rows.iter().any(|one| one.row == row) {
                let rows = &mut Arc::make_mut(page).rows;
                rows.iter_mut().filter(|one| one.row == row).for_each(|one| one.mend = mend.cloned());
            }
        }
    }
}

#[derive(Debug, Default)]
pub struct Predictions {
    /// Newest first.
    list: Vec<Arc<PredictionRecord>>,
    listed: Listed,
    jobs: HashMap<JobId, PredictSpec>,
    looked: HashMap<PredictionId, Looked>,
    heads: HashMap<PathBuf, Told<DataHead>>,
}

impl Predictions {
    /// Newest first.
    #[must_use]
    pub fn list(&self) -> &[Arc<PredictionRecord>] {
        &self.list
    }

    #[must_use]
    pub fn listed(&self) -> &Listed {
        &self.listed
    }

    #[must_use]
    pub fn get(&self, id: PredictionId) -> Option<&Arc<PredictionRecord>> {
        self.list.iter().find(|record| record.id == id)
    }

    /// The jobs that have been started here, with what was asked for.
    pub fn jobs(&self) -> impl Iterator<Item = (JobId, &PredictSpec)> {
        self.jobs.iter().map(|(job, spec)| (*job, spec))
    }

    #[must_use]
    pub fn looked(&self, id: PredictionId) -> Option<&Looked> {
        self.looked.get(&id)
    }

    /// The pages that have to be asked for, so that these places of a view can be shown.
    #[must_use]
    pub fn wanted(&self, id: PredictionId, view: &RowsView, from: u64, to: u64) -> Vec<u64> {
        let looked = self.looked.get(&id).filter(|looked| looked.view == *view);
        if looked.is_some_and(|looked| looked.failure.is_some()) {
            return Vec::new();
        }
        let end = looked.and_then(|looked| looked.n_rows).map_or(1, |n| n.min(to)).max(1);
        let asked = |from: u64| looked.is_some_and(|looked| looked.pages.iter().any(|(one, _)| *one == from));
        let pages = (from.min(end - 1) / PAGE)..end.div_ceil(PAGE);
        pages.map(|page| page * PAGE).filter(|from| !asked(*from)).collect()
    }

    /// What is known of a file's columns; `None` when nobody has asked.
    #[must_use]
    pub fn head(&self, file: &Path) -> Option<&Told<DataHead>> {
        self.heads.get(file)
    }

    pub(super) fn started(&mut self, job: JobId, spec: &JobSpec) {
        if let JobSpec::Predict(spec) = spec
            && spec.keep.is_some()
        {
            self.jobs.insert(job, (**spec).clone());
        }
    }

    /// Whether the list has to be asked for again because a job ended.
    pub(super) fn settled(&mut self, job: JobId) -> bool {
        let kept = self.jobs.get(&job).and_then(|spec| spec.keep);
        if let Some(looked) = kept.and_then(|id| self.looked.get_mut(&id)) {
            looked.forget();
        }
        kept.is_some() && self.listed == Listed::Ready
    }

    pub(super) fn edited(&mut self, edit: &Edit) {
        match edit {
            Edit::Mend { prediction, row, mend } => self.mended(*prediction, *row, mend.as_ref()),
            Edit::RemovePrediction(id) => self.removed(*id),
            _ => {}
        }
    }

    /// What was shown at once did not happen.
    pub(super) fn edit_refused(&mut self) -> bool {
        self.looked.values_mut().for_each(Looked::forget);
        self.listed == Listed::Ready
    }

    pub(super) fn asked(&mut self, query: &Query) {
        match query {
            Query::Predictions if self.listed != Listed::Ready => self.listed = Listed::Asked,
            Query::PredictedRows { prediction, view, from, .. } => {
                let looked = self.looked.entry(*prediction).or_default();
                looked.look(view);
                looked.failure = None;
                if looked.pages.iter().all(|(one, _)| one != from) {
                    looked.pages.push((*from, None));
                }
                if looked.pages.len() > MAX_PAGES {
                    looked.pages.remove(0);
                }
            }
            Query::PredictedRow { prediction, row } => {
                self.looked.entry(*prediction).or_default().full = Some((*row, None));
            }
            Query::DataHead(file) => {
                self.heads.insert(file.clone(), Told::Asked);
            }
            _ => {}
        }
    }

    pub(super) fn refused(&mut self, query: &Query, failure: &Failure) -> bool {
        match query {
            Query::Predictions if self.listed != Listed::Ready => {
                self.listed = Listed::Failed(failure.clone());
            }
            Query::PredictedRows { prediction, view, .. } => {
                let Some(looked) = self.looked.get_mut(prediction).filter(|looked| looked.view == *view)
                else {
                    return true;
                };
                looked.failure = Some(failure.clone());
                looked.pages.clear();
            }
            Query::DataHead(file) => {
                self.heads.insert(file.clone(), Told::Failed(failure.clone()));
            }
            _ => return false,
        }
        true
    }

    pub(super) fn fetched(&mut self, list: Vec<Arc<PredictionRecord>>) {
        self.list = list;
        self.listed = Listed::Ready;
    }

    pub(super) fn fetched_rows(&mut self, query: &Query, rows: Arc<PredictedRows>) {
        let Query::PredictedRows { prediction, view, from, .. } = query else { return };
        // Of a view that nobody looks at any more.
        let Some(looked) = self.looked.get_mut(prediction).filter(|looked| looked.view == *view) else {
            return;
        };
        looked.n_rows = Some(rows.n_rows);
        if *looked.whole != rows.whole {
            looked.whole = Arc::new(rows.whole.clone());
        }
        if let Some((_, page)) = looked.pages.iter_mut().find(|(one, _)| one == from) {
            *page = Some(rows);
        }
    }

    pub(super) fn fetched_full(&mut self, query: &Query, full: Arc<RowInFull>) {
        let Query::PredictedRow { prediction, row } = query else { return };
        let looked = self.looked.get_mut(prediction);
        if let Some((of, known)) = looked.and_then(|looked| looked.full.as_mut())
            && of == row
        {
            *known = Some(full);
        }
    }

    pub(super) fn fetched_head(&mut self, query: Option<&Query>, head: Arc<DataHead>) {
        if let Some(Query::DataHead(file)) = query {
            self.heads.insert(file.clone(), Told::Known(head));
        }
    }

    pub(super) fn stored(&mut self, record: Arc<PredictionRecord>) {
        match self.list.iter_mut().find(|one| one.id == record.id) {
            Some(one) => *one = record,
            None => self.list.insert(0, record),
        }
    }

    pub(super) fn removed(&mut self, id: PredictionId) {
        self.list.retain(|record| record.id != id);
        self.looked.remove(&id);
    }

    pub(super) fn mended(&mut self, id: PredictionId, row: u64, mend: Option<&Mend>) {
        let Some(looked) = self.looked.get_mut(&id) else { return };
        looked.said(row, mend);
        if looked.view.mended && mend.is_none() {
            looked.forget();
        }
    }
}
