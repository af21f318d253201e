//! "Train again": rows become a file to learn from, and the fine-tune pane opens on it.

use super::Predict;
use super::draft::{stamp, stem};
use crate::action::{Action, Open};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{self, Button};
use egui::{Context, Ui};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::predict::{PredictionRecord, RowsToLearn, WhichRows};
use glassworks_protocol::{JobOutput, JobSpec};
use std::sync::Arc;

#[derive(Default)]
pub struct Again {
    open: bool,
    which: WhichRows,
    job: Option<JobId>,
}

impl Again {
    pub fn open(&mut self, some_looked: bool) {
        self.open = true;
        self.which = if some_looked { WhichRows::Looked } else { WhichRows::All };
    }

    pub fn is_open(&self) -> bool {
        self.open
    }
}

impl Predict {
    pub(super) fn again_dialog(&mut self, ctx: &Context, cx: &mut PaneCx) {
        let Some(record) = self.open.and_then(|id| cx.model.predictions.get(id)).cloned() else { return };
        let job = self.results.again.job.and_then(|job| cx.model.jobs.get(job)).cloned();
        if let Some(JobOutput::RowsKept(report)) = job.as_ref().and_then(|job| job.output()) {
            self.results.again = Again::default();
            cx.push(Action::Open(Open::Learn(Arc::clone(report))));
            return;
        }
        if !self.results.again.open {
            return;
        }
        let theme = Arc::clone(&cx.theme);
        let title = cx.t("predict.again");
        let (mut begin, mut cancel) = (false, false);
        let close = widgets::dialog(ctx, &theme, "train again", &title, 520.0, |ui| {
            ui.label(Type::Body.text(cx.t("predict.again_sentence"), theme.tokens.text_2));
            which_ui(ui, cx, &record, &mut self.results.again.which);
            if let Some(failure) = job.as_ref().and_then(|job| job.failure()) {
                widgets::failed_line(ui, failure, None);
            }
            ui.add_space(8.0);
            let working = job.as_ref().is_some_and(|job| job.outcome.is_none());
            let none = record.n_mended + record.n_confirmed == 0;
            let why = match self.results.again.which {
                _ if working => Some(cx.t("predict.again_working")),
                WhichRows::Looked if none => Some(cx.t("predict.again_none")),
                WhichRows::Looked | WhichRows::All => None,
            };
            ui.horizontal(|ui| {
                begin = Button::accent(cx.t("predict.again_start"))
                    .icon(icons::FLAME)
                    .off(why)
                    .show(ui)
                    .clicked();
                cancel = Button::control(cx.t("shell.cancel")).show(ui).clicked();
            });
        });
        if begin {
            let name = format!("{}-mended-{}.jsonl", stem(&record.spec.data), stamp(cx, cx.now_ms));
            let out = cx.model.home.join("datasets").join(name);
            let which = self.results.again.which;
            let spec = RowsToLearn { prediction: record.id, which, out };
            self.results.again.job = Some(cx.start(JobSpec::KeepRows(spec)));
        }
        if close || cancel {
            self.results.again = Again::default();
        }
    }
}

fn which_ui(ui: &mut Ui, cx: &PaneCx, record: &PredictionRecord, which: &mut WhichRows) {
    let looked = units::grouped(record.n_mended + record.n_confirmed);
    let options = [
        (WhichRows::Looked, cx.tf("predict.which_looked", &[("n", &looked)])),
        (WhichRows::All, cx.tf("predict.which_all", &[("n", &units::grouped(record.n_rows))])),
    ];
    widgets::segments(ui, &cx.t("predict.which"), which, &options, None);
    widgets::hint(
        ui,
        cx.t(match which {
            WhichRows::Looked => "predict.which_looked_hint",
            WhichRows::All => "predict.which_all_hint",
        }),
    );
}
