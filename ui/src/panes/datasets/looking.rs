//! Looking a dataset over: by itself when it is opened and nothing is known of it, again when told to, and what is done
//! because of what was pressed in the overview.

use super::overview::{self, Asked, Beside, Known, NEAR, Shown};
use super::prepare::Scope;
use super::{DatasetsPane, Tab};
use crate::model::Job;
use crate::panes::PaneCx;
use egui::Ui;
use glassworks_protocol::JobSpec;
use glassworks_protocol::datasets::overview::OverviewSpec;
use glassworks_protocol::datasets::{DatasetJob, DatasetRecord, RowId};
use glassworks_protocol::ids::{DatasetId, JobId};
use std::sync::Arc;

/// Datasets up to this size are looked over again when the overview is opened and rows have changed.
const QUICK_ROWS: u64 = 50_000;

#[derive(Default)]
pub struct Looking {
    /// The newest job that looks a dataset over.
    job: Option<(DatasetId, JobId)>,
    shown: Shown,
    /// The overview was shown in the last frame.
    was_shown: bool,
}

impl Looking {
    /// Begins by itself where nothing is known, or where what is known is old and quickly found again.
    pub fn begin(&mut self, cx: &mut PaneCx, record: &DatasetRecord, shown: bool) {
        let was_shown = std::mem::replace(&mut self.was_shown, shown);
        let opened = shown && !was_shown;
        self.job = self.job.filter(|(dataset, _)| *dataset == record.id);
        // The pane beside may have begun.
        let of_this =
            |spec: &DatasetJob| matches!(spec, DatasetJob::Overview(spec) if spec.dataset == record.id);
        if let Some((job, _)) = cx.model.datasets.jobs().find(|(_, spec)| of_this(spec)) {
            self.job = Some((record.id, job));
            return;
        }
        if record.n_rows == 0 {
            return;
        }
        match cx.model.datasets.overview(record.id) {
            None if self.job.is_none() => self.look(cx, record),
            Some(report) if opened && report.revision < record.revision && record.n_rows <= QUICK_ROWS => {
                self.look(cx, record);
            }
            _ => {}
        }
    }

    fn look(&mut self, cx: &mut PaneCx, record: &DatasetRecord) {
        let spec = OverviewSpec { dataset: record.id, near: NEAR };
        let job = cx.start(JobSpec::Dataset(DatasetJob::Overview(spec)));
        self.job = Some((record.id, job));
    }

    fn job(&self, cx: &PaneCx) -> Option<Arc<Job>> {
        self.job.and_then(|(_, job)| cx.model.jobs.get(job)).cloned()
    }
}

impl DatasetsPane {
    /// The Overview tab.
    pub(super) fn overview_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        let asked = {
            let job = self.looking.job(cx);
            let known = known(cx, record, job.as_deref());
            overview::tab(ui, cx, &known, &mut self.looking.shown)
        };
        self.looked(cx, record, asked);
    }

    /// Problems, lengths, splits and languages in the tile at the left.
    pub(super) fn overview_side(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        let asked = {
            let job = self.looking.job(cx);
            let known = known(cx, record, job.as_deref());
            let beside = if self.tab == Tab::Bad { Beside::Bad } else { Beside::Rows(&self.view.filters) };
            overview::side(ui, cx, &known, beside)
        };
        self.looked(cx, record, asked);
    }

    fn looked(&mut self, cx: &mut PaneCx, record: &DatasetRecord, asked: Option<Asked>) {
        match asked {
            // Pressed once more, a filter goes.
            Some(Asked::Rows(filters)) if self.tab == Tab::Rows && filters == self.view.filters => {
                self.filter_by(Vec::new());
            }
            Some(Asked::Rows(filters)) => self.filter_by(filters),
            Some(Asked::Bad) => self.show_bad(),
            Some(Asked::Prepare(remedy)) => {
                self.prepare.mend(cx, record, remedy);
                self.tab = Tab::Prepare;
            }
            Some(Asked::Look) => self.looking.look(cx, record),
            Some(Asked::StopLooking) => {
                if let Some((_, job)) = self.looking.job {
                    cx.cancel(job);
                }
            }
            None => {}
        }
    }

    /// The Prepare tab.
    pub(super) fn prepare_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        let filtered = self.filtered().cloned();
        self.prepare.ui(ui, cx, Scope { record, filtered: filtered.as_ref() });
    }

    /// Search and replace, while it is open.
    pub(super) fn replace_dialog(&mut self, ctx: &egui::Context, cx: &mut PaneCx) {
        let Some(record) = self.record(cx) else { return };
        let filtered = self.filtered().cloned();
        self.replace.ui(ctx, cx, Scope { record: &record, filtered: filtered.as_ref() });
    }

    pub(super) fn open_replace(&mut self, record: &DatasetRecord) {
        self.replace.open(record.id, self.filtered().is_some());
    }

    /// The rows that the filters leave, where there are filters and all have been found.
    fn filtered(&self) -> Option<&Arc<Vec<RowId>>> {
        (!self.view.filters.is_empty() && self.view.complete).then_some(&self.view.rows)
    }
}

fn known<'a>(cx: &'a PaneCx, record: &'a DatasetRecord, job: Option<&'a Job>) -> Known<'a> {
    let report = cx.model.datasets.overview(record.id).map(Arc::as_ref);
    let measure = cx.model.datasets.measure(record.id).map(Arc::as_ref);
    Known { record, report, measure, job }
}
