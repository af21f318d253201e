//! The same of all rows: how many tokens, how many learned, how long, and how many rows lose something.

use super::Seen;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{self, Button, icon_button};
use egui::Ui;
use glassworks_protocol::JobSpec;
use glassworks_protocol::datasets::measure::{MeasureReport, MeasureSpec};
use glassworks_protocol::datasets::{DatasetJob, DatasetRecord, Filter};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::text::Text;

impl Seen {
    pub(super) fn totals(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &DatasetRecord) -> Option<Filter> {
        let spec = self.spec(cx, record)?;
        if let Some(job) = running(cx, &spec) {
            counting(ui, cx, job);
            return None;
        }
        let failed = self.counting.and_then(|job| cx.model.jobs.get(job)?.failure().cloned());
        if let Some(failure) = failed {
            let again = Button::control(cx.t("datasets.seen_count_again")).small();
            if widgets::failed_line(ui, &failure, Some(again)) {
                self.count(cx, spec);
            }
            return None;
        }
        let report = cx.model.datasets.measure(record.id).filter(|report| report.spec == spec).cloned();
        let mut filter = None;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::vec2(12.0, 4.0);
            ui.set_min_height(24.0);
            let key = match &report {
                None => "datasets.seen_count",
                Some(report) if report.revision != record.revision => "datasets.seen_count_again",
                Some(_) => "",
            };
            if !key.is_empty() {
                let none = (record.n_rows == 0).then(|| cx.t("datasets.no_rows"));
                let button = Button::control(cx.t(key)).icon(icons::HASH).small().off(none);
                if button.tooltip(cx.t("datasets.seen_count_tip")).show(ui).clicked() {
                    self.count(cx, spec);
                }
            }
            match &report {
                Some(report) => filter = figures(ui, cx, report),
                None => drop(widgets::hint(ui, cx.t("datasets.seen_not_counted"))),
            }
        });
        filter
    }

    fn count(&mut self, cx: &mut PaneCx, spec: MeasureSpec) {
        self.counting = Some(cx.start(JobSpec::Dataset(DatasetJob::Measure(spec))));
    }
}

/// The job that counts for this model and limit.
fn running(cx: &PaneCx, spec: &MeasureSpec) -> Option<JobId> {
    let mut jobs = cx.model.datasets.jobs();
    jobs.find_map(|(job, asked)| matches!(asked, DatasetJob::Measure(one) if one == spec).then_some(job))
}

fn counting(ui: &mut Ui, cx: &mut PaneCx, id: JobId) {
    let job = cx.model.jobs.get(id).cloned();
    let progress = job.as_ref().and_then(|job| job.progress.as_ref());
    let mut stop = false;
    ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        let name = cx.render(&Text::new("datasets.job_measure"));
        let fraction = progress.and_then(|progress| progress.fraction());
        widgets::progress_bar(ui, &name, 160.0, fraction, cx.theme.tokens.warm);
        if let Some(progress) = progress {
            widgets::mono(ui, units::progress(cx.language, progress));
        } else {
            widgets::hint(ui, &name);
        }
        stop = icon_button(ui, icons::STOP, cx.t("datasets.seen_stop")).clicked();
    });
    if stop {
        cx.cancel(id);
    }
}

/// All numbers; those of rows that lose something lead to the rows.
fn figures(ui: &mut Ui, cx: &PaneCx, report: &MeasureReport) -> Option<Filter> {
    let t = cx.theme.tokens;
    let mut filter = None;
    let pair = |ui: &mut Ui, key: &str, value: u64| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            ui.label(Type::Hint.text(cx.t(key), t.text_3));
            ui.label(Type::Hint.number(units::grouped(value), t.text_1));
        });
    };
    pair(ui, "datasets.seen_rows", report.n_rows);
    pair(ui, "datasets.seen_all_tokens", report.n_tokens);
    pair(ui, "datasets.seen_all_learned", report.n_targets);
    pair(ui, "datasets.seen_p50", report.p50.into());
    pair(ui, "datasets.seen_p95", report.p95.into());
    pair(ui, "datasets.seen_p99", report.p99.into());
    pair(ui, "datasets.seen_longest", report.longest.into());
    let mut lost = |ui: &mut Ui, key: &str, n: u64, rows: Filter| {
        if n == 0 {
            return;
        }
        let words = cx.tf(key, &[("n", &units::grouped(n))]);
        let badge = widgets::badge_button(ui, widgets::Tone::Warn, icons::WARNING, &words);
        if badge.clicked() {
            filter = Some(rows);
        }
        badge.on_hover_text(cx.t("datasets.seen_show_rows"));
    };
    lost(ui, "datasets.seen_n_cut", report.n_cut, Filter::Cut);
    lost(ui, "datasets.seen_n_empty", report.n_cut_away, Filter::NoTarget);
    lost(ui, "datasets.seen_n_no_target", report.n_no_target, Filter::NoTarget);
    lost(ui, "datasets.seen_n_left_out", report.n_left_out, Filter::NoTarget);
    if report.n_cut + report.n_cut_away + report.n_no_target + report.n_left_out == 0 {
        widgets::badge(ui, widgets::Tone::Ok, icons::CHECK, cx.t("datasets.seen_all_fit"));
    }
    filter
}
