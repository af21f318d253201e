//! Which rows are shown: found by a job, as they come where another view was asked for, at once where rows have
//! moved and the view is the same.

use super::DatasetsPane;
use crate::panes::PaneCx;
use glassworks_protocol::datasets::view::LengthUnit;
use glassworks_protocol::datasets::{DatasetJob, DatasetRecord, Filter, RowId, Sort, SortKey, ViewSpec};
use glassworks_protocol::ids::{DatasetId, JobId};
use glassworks_protocol::{Failure, JobSpec};
use std::sync::Arc;

/// What takes longer is told.
const SLOW_MS: i64 = 300;

/// What was asked for.
#[derive(Clone, Debug)]
struct Asked {
    spec: ViewSpec,
    /// The order of the dataset's rows that it was asked under.
    order: u64,
    job: JobId,
    at_ms: i64,
    /// The same view as before, because rows have moved.
    again: bool,
}

#[derive(Default)]
pub struct View {
    pub filters: Vec<Filter>,
    pub sort: Option<Sort>,
    asked: Option<Asked>,
    /// Rows in the order they are shown in.
    pub rows: Arc<Vec<RowId>>,
    /// Rows of this dataset have been found once.
    pub ready: bool,
    /// These are all.
    pub complete: bool,
    /// New rows that have to be in sight although no filter lets them through: after which.
    pinned: Vec<(Option<RowId>, RowId)>,
    pub failure: Option<Failure>,
}

impl View {
    /// The job that is finding rows.
    #[must_use]
    pub fn job(&self) -> Option<JobId> {
        self.asked.as_ref().filter(|_| !self.complete).map(|asked| asked.job)
    }

    /// Whether rows of another view stand in for those that are being found.
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.ready && !self.complete && self.asked.as_ref().is_some_and(|asked| !asked.again)
    }

    /// Whether rows stand in the dataset's own order, none left out between them.
    #[must_use]
    pub fn in_own_order(&self) -> bool {
        self.sort.as_ref().is_none_or(|sort| sort.by == SortKey::Position && !sort.descending)
    }

    /// Whether rows have been looked for so long that it is told.
    #[must_use]
    pub fn is_slow(&self, now_ms: i64) -> bool {
        !self.complete && self.asked.as_ref().is_some_and(|asked| now_ms - asked.at_ms > SLOW_MS)
    }

    /// Looking for rows was stopped: those found so far are what is shown.
    pub fn stopped(&mut self) {
        (self.complete, self.ready) = (true, true);
    }

    /// Where a row stands.
    #[must_use]
    pub fn place(&self, row: RowId) -> Option<usize> {
        self.rows.iter().position(|one| *one == row)
    }

    fn spec(&self, cx: &PaneCx, dataset: DatasetId) -> ViewSpec {
        let by_measure = self.filters.iter().any(by_measure)
            || self.sort.as_ref().is_some_and(|sort| sort.by == SortKey::Tokens);
        let measure = cx.model.datasets.measure(dataset).filter(|_| by_measure);
        ViewSpec {
            dataset,
            filters: self.filters.clone(),
            sort: self.sort.clone(),
            measure: measure.map(|report| report.spec.clone()),
        }
    }
}

/// Whether a filter asks for what a measure tells.
fn by_measure(filter: &Filter) -> bool {
    match filter {
        Filter::Cut | Filter::NoTarget | Filter::Length { unit: LengthUnit::Tokens, .. } => true,
        Filter::Not(inner) => by_measure(inner),
        _ => false,
    }
}

impl DatasetsPane {
    /// Asks for the view's rows where it is another one or rows have moved, and takes up what has been found.
    pub(super) fn follow_view(&mut self, cx: &mut PaneCx, record: &DatasetRecord) {
        let spec = self.view.spec(cx, record.id);
        let order = cx.model.datasets.order(record.id);
        let old = self.view.asked.as_ref();
        let same = old.is_some_and(|asked| asked.spec == spec);
        if !same || old.is_some_and(|asked| asked.order != order) {
            if let Some(job) = self.view.job() {
                cx.cancel(job);
            }
            let job = cx.start(JobSpec::Dataset(DatasetJob::Find(spec.clone())));
            let again = same && self.view.ready;
            if !same {
                self.view.pinned.clear();
                self.view.failure = None;
            }
            self.view.asked = Some(Asked { spec, order, job, at_ms: cx.now_ms, again });
            self.view.complete = false;
            return;
        }
        self.take_up(cx);
    }

    fn take_up(&mut self, cx: &mut PaneCx) {
        let Some(asked) = self.view.asked.clone().filter(|_| !self.view.complete) else { return };
        if let Some(failure) = cx.model.jobs.get(asked.job).and_then(|job| job.failure()) {
            self.view.failure = Some(failure.clone());
            self.view.complete = true;
            return;
        }
        let Some(found) = cx.model.datasets.view(asked.job) else { return };
        if !found.complete && (asked.again || found.rows.is_empty()) {
            return;
        }
        self.view.failure = None;
        self.view.complete = found.complete;
        let rows = Arc::clone(&found.rows);
        self.show_rows(rows);
    }

    /// Other rows: the one at the keyboard stays where it is on the screen, if it is among them.
    fn show_rows(&mut self, rows: Arc<Vec<RowId>>) {
        let first = !self.view.ready;
        self.view.ready = true;
        self.view.rows = rows;
        for (after, row) in std::mem::take(&mut self.view.pinned) {
            if self.view.place(row).is_none() {
                let place = after.and_then(|after| self.view.place(after)).map_or(0, |place| place + 1);
                Arc::make_mut(&mut self.view.rows).insert(place, row);
                self.view.pinned.push((after, row));
            }
        }
        if self.view.complete {
            self.selection.keep(&self.view.rows);
        }
        self.grid.rows_changed(&self.view.rows, first);
        if self.selection.len() == 0
            && let Some(row) = self.grid.row()
        {
            self.selection.insert(row);
        }
    }

    /// Shows a new row below another one, whatever the filters say, until another view is asked for.
    pub(super) fn pin(&mut self, after: Option<RowId>, row: RowId) {
        self.view.pinned.push((after, row));
    }

    /// Asks again for what could not be found.
    pub(super) fn find_again(&mut self) {
        self.view.asked = None;
        self.view.failure = None;
    }

    /// Shows the rows that pass these filters.
    pub(super) fn filter_by(&mut self, filters: Vec<Filter>) {
        self.view.filters = filters;
        self.tab = super::Tab::Rows;
    }

    /// The next order of a column that was pressed: up, down, the dataset's own.
    pub(super) fn sort_by(&mut self, key: SortKey) {
        self.view.sort = match self.view.sort.take() {
            Some(Sort { by, descending }) if by == key => {
                (!descending).then_some(Sort { by, descending: true })
            }
            _ => Some(Sort { by: key, descending: false }),
        };
    }
}
