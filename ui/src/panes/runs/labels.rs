//! How well a run tells labels apart: what was taken for what, and each label's line.

use super::RunsPane;
use crate::panes::PaneCx;
use crate::theme::Type;
use crate::units;
use crate::widgets::{self, segments};
use egui::{Align, Layout, Margin, Ui, vec2};
use glassworks_protocol::train::{ClassTally, ConfusionMatrix, RunRecord};

/// Map and table stand side by side from this width on.
const SIDE_BY_SIDE: f32 = 760.0;
const MAP: f32 = 380.0;
const LABEL: f32 = 132.0;
const COLUMN: f32 = 76.0;

/// Which evaluation is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    #[default]
    Best,
    Newest,
}

impl RunsPane {
    /// Nothing for a run that does not sort.
    pub(super) fn labels_ui(&mut self, ui: &mut Ui, cx: &PaneCx, run: &RunRecord) {
        let (best, newest) = (run.progress.best_classes.as_ref(), run.progress.last_classes.as_ref());
        let Some(newest) = newest.filter(|tally| tally.confusion.labels.len() > 1) else { return };
        let tally = match (self.labels_shown, best) {
            (Shown::Best, Some(best)) => best,
            _ => newest,
        };
        egui::Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            ui.horizontal(|ui| {
                widgets::semibold(ui, cx.t("runs.labels"));
                let best = best.filter(|best| best.step != newest.step);
                let Some(best) = best else { return };
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let words =
                        |key: &str, tally: &ClassTally| cx.tf(key, &[("step", &units::grouped(tally.step))]);
                    let options = [
                        (Shown::Best, words("runs.labels_best", best)),
                        (Shown::Newest, words("runs.labels_newest", newest)),
                    ];
                    segments(ui, &cx.t("runs.labels_of"), &mut self.labels_shown, &options, None);
                });
            });
            ui.label(Type::Body.text(summary(cx, tally), cx.theme.tokens.text_2));
            let beside = ui.available_width() >= SIDE_BY_SIDE;
            let width = if beside { MAP } else { ui.available_width() };
            if beside {
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = 40.0;
                    map(ui, cx, run, &tally.confusion, width);
                    table(ui, cx, &tally.confusion);
                });
            } else {
                map(ui, cx, run, &tally.confusion, width);
                table(ui, cx, &tally.confusion);
            }
        });
        widgets::divider(ui);
    }
}

/// `Accuracy 87.2 % (95 %: 82.1 – 91.0), macro F1 0.861, 203 held-out rows`
fn summary(cx: &PaneCx, tally: &ClassTally) -> String {
    let confusion = &tally.confusion;
    let (low, high) = confusion.accuracy_interval();
    let percent = |x: f64| format!("{:.1}", 100.0 * x);
    let args: [(&str, &dyn std::fmt::Display); 5] = [
        ("accuracy", &percent(confusion.accuracy())),
        ("low", &percent(low)),
        ("high", &percent(high)),
        ("f1", &format!("{:.3}", confusion.macro_f1())),
        ("n", &units::grouped(confusion.n_rows())),
    ];
    cx.tf("runs.labels_summary", &args)
}

fn map(ui: &mut Ui, cx: &PaneCx, run: &RunRecord, confusion: &ConfusionMatrix, width: f32) {
    let name = cx.tf("runs.confusion_of", &[("name", &run.name)]);
    let label = |i: usize| confusion.labels.get(i).map_or("", String::as_str);
    let words = |i: usize, j: usize| {
        let n = units::grouped(confusion.count(i, j));
        cx.tf("runs.confusion_cell", &[("n", &n), ("own", &label(i)), ("found", &label(j))])
    };
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.set_max_width(width);
        widgets::hint(ui, cx.t("runs.confusion_hint"));
        widgets::heat_map(ui, &name, &confusion.labels, &|i, j| confusion.count(i, j), &words, width);
    });
}

/// Precision, recall, F1 and rows of each label.
fn table(ui: &mut Ui, cx: &PaneCx, confusion: &ConfusionMatrix) {
    let t = cx.theme.tokens;
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 4.0);
        let head = ["runs.label_precision", "runs.label_recall", "runs.label_f1", "runs.label_rows"];
        line(ui, |ui| {
            first(ui, |ui| {
                widgets::hint(ui, cx.t("runs.label"));
            });
            for key in head {
                number(ui, |ui| {
                    widgets::hint(ui, cx.t(key)).on_hover_text(cx.t(&format!("{key}_hint")));
                });
            }
        });
        for row in confusion.rows() {
            line(ui, |ui| {
                first(ui, |ui| {
                    widgets::truncated(ui, Type::Body.text(row.label, t.text_1));
                });
                let values = [row.precision, row.recall, row.f1].map(|x| format!("{x:.3}"));
                for value in values.into_iter().chain([units::grouped(row.support)]) {
                    number(ui, |ui| {
                        ui.label(Type::Hint.number(value, t.text_1));
                    });
                }
            });
        }
    });
}

fn line(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.set_min_height(24.0);
        add(ui);
    });
}

fn first(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let layout = Layout::left_to_right(Align::Center);
    ui.allocate_ui_with_layout(vec2(LABEL, 20.0), layout, |ui| {
        ui.set_min_width(LABEL);
        ui.set_max_width(LABEL - 8.0);
        add(ui);
    });
}

fn number(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let layout = Layout::right_to_left(Align::Center);
    ui.allocate_ui_with_layout(vec2(COLUMN, 20.0), layout, |ui| {
        ui.set_min_width(COLUMN);
        add(ui);
    });
}
