//! Rows out of a prediction, mended by hand, become the data of a new run.

use super::Finetune;
use crate::action::Toast;
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::units;
use glassworks_protocol::dataset::DataSpec;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::predict::LearnReport;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{ClassificationSpec, RunRecord, TaskSpec, TrainSpec};
use std::sync::Arc;

impl Finetune {
    /// The recipe and the model of the run that made what predicted, where it is known; the rows as data.
    pub(super) fn take_rows(&mut self, cx: &mut PaneCx, report: &LearnReport) {
        let made_by = maker(cx, report);
        if let Some(run) = &made_by {
            self.draft.spec = TrainSpec { name: String::new(), ..run.spec.clone() };
        }
        let begun_with = made_by.as_ref().and_then(|run| cx.model.base_of(run)).map(|model| model.id);
        let asked = cx.model.predictions.get(report.prediction).map(|record| record.spec.model.clone());
        if let Some(model) = begun_with.map(ModelSource::Library).or(asked) {
            self.draft.spec.model = model;
        }
        let validation_share = self.draft.spec.data.validation_share;
        self.draft.spec.data =
            DataSpec { files: vec![report.out.clone()], validation_share, ..DataSpec::default() };
        if report.sorts && !self.draft.spec.task.classifies() {
            self.draft.spec.task = TaskSpec::Classification(ClassificationSpec::default());
        } else if !report.sorts {
            self.draft.spec.task = TaskSpec::Chat;
        }
        self.draft.goal_chosen = true;
        self.form.forget();
        let text = Text::new("finetune.rows_taken").arg("n", units::grouped(report.n_rows));
        cx.toast(Toast::new(text).icon(icons::CHECK));
    }
}

/// The run that made what predicted.
fn maker(cx: &PaneCx, report: &LearnReport) -> Option<Arc<RunRecord>> {
    let named = report.run.and_then(|id| cx.model.runs.get(id));
    let whole = || {
        let record = cx.model.predictions.get(report.prediction)?;
        let ModelSource::Library(id) = &record.spec.model else { return None };
        cx.model.maker_of(&**cx.model.library.get(*id)?)
    };
    named.or_else(whole).cloned()
}
