//! The next row without a label: found among all of the dataset, gone to in the order that is shown.

use crate::action::Toast;
use crate::panes::PaneCx;
use glassworks_protocol::JobSpec;
use glassworks_protocol::datasets::{DatasetJob, Filter, RowId, ViewSpec};
use glassworks_protocol::ids::{DatasetId, JobId};
use glassworks_protocol::text::Text;
use std::collections::HashSet;

#[derive(Default)]
pub struct Unlabelled {
    /// The job, and the row that was looked at when it was asked for.
    asked: Option<(JobId, RowId)>,
}

impl Unlabelled {
    pub fn ask(&mut self, cx: &mut PaneCx, dataset: DatasetId, from: RowId) {
        if self.asked.is_some() {
            return;
        }
        let spec = ViewSpec { dataset, filters: vec![Filter::Unlabelled], sort: None, measure: None };
        let job = cx.start(JobSpec::Dataset(DatasetJob::Find(spec)));
        self.asked = Some((job, from));
    }

    /// The row to go to, once it is found.
    pub fn found(&mut self, cx: &mut PaneCx, shown: &[RowId]) -> Option<RowId> {
        let (job, from) = self.asked?;
        let job_ended = cx.model.jobs.get(job).is_none_or(|job| job.outcome.is_some());
        let view = cx.model.datasets.view(job).filter(|view| view.complete);
        let Some(view) = view else {
            if job_ended {
                self.asked = None;
            }
            return None;
        };
        self.asked = None;
        let without: HashSet<RowId> = view.rows.iter().copied().filter(|row| *row != from).collect();
        let next = next(shown, from, &without);
        if next.is_none() {
            let key =
                if without.is_empty() { "datasets.row_all_labelled" } else { "datasets.row_shown_labelled" };
            cx.toast(Toast::new(Text::new(key)));
        }
        next
    }
}

/// The first of some rows after another one, from the top again at the end.
fn next(shown: &[RowId], from: RowId, of: &HashSet<RowId>) -> Option<RowId> {
    let at = shown.iter().position(|row| *row == from).map_or(0, |at| at + 1);
    shown[at..].iter().chain(&shown[..at]).find(|row| of.contains(row)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_from_the_top() {
        let shown = [4, 2, 9, 7].map(RowId);
        let of = |rows: &[u32]| rows.iter().copied().map(RowId).collect::<HashSet<_>>();
        assert_eq!(next(&shown, RowId(2), &of(&[4, 7])), Some(RowId(7)));
        assert_eq!(next(&shown, RowId(7), &of(&[4, 7])), Some(RowId(4)));
        assert_eq!(next(&shown, RowId(99), &of(&[2])), Some(RowId(2)));
        assert_eq!(next(&shown, RowId(2), &of(&[1])), None);
    }
}
