//! The held-out rows that a run does worst on.

use super::RunsPane;
use crate::action::{Action, Open};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{self, Button, icon_button, segments};
use egui::{Align, Layout, Margin, Ui, vec2};
use glassworks_protocol::Query;
use glassworks_protocol::datasets::RowId;
use glassworks_protocol::train::{Look, RowLoss, RunRecord, WorstRows};

/// Rows at first, and more with each press.
const FEW: u32 = 8;
const MORE: u32 = 40;
const LOSS: f32 = 64.0;
const CHANGE: f32 = 76.0;
const PLACE: f32 = 190.0;

pub struct RowsState {
    look: Look,
    n: u32,
}

impl Default for RowsState {
    fn default() -> Self {
        Self { look: Look::Last, n: FEW }
    }
}

impl RunsPane {
    pub(super) fn rows_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, run: &RunRecord) {
        if run.progress.data.n_validation == 0 {
            return;
        }
        let state = &mut self.rows;
        if cx.model.looks.wants_worst(run.id, state.look, state.n) {
            cx.fetch(Query::WorstRows { run: run.id, look: state.look, n: state.n });
        }
        // Of a run from before rows were measured there is nothing to show.
        let Some(worst) = cx.model.looks.worst(run.id, state.look).cloned() else { return };
        egui::Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing = vec2(8.0, 2.0);
            ui.horizontal(|ui| {
                widgets::semibold(ui, cx.t("runs.worst_rows"));
                let step = cx.tf("runs.card_step", &[("n", &units::grouped(worst.step))]);
                ui.label(Type::Hint.number(step, cx.theme.tokens.text_3));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if icon_button(ui, icons::COPY, cx.t("runs.copy_rows")).clicked() {
                        cx.copy(as_table(&worst));
                    }
                    let options = [Look::Last, Look::Best].map(|look| (look, cx.t(key(look))));
                    segments(ui, &cx.t("runs.evaluation"), &mut state.look, &options, None);
                });
            });
            widgets::hint(ui, cx.t("runs.worst_rows_hint"));
            ui.add_space(4.0);
            headings(ui, cx);
            for row in worst.rows.iter().take(state.n as usize) {
                row_ui(ui, cx, run, row);
            }
            let shown = worst.rows.len().min(state.n as usize) as u64;
            if shown < worst.n_rows {
                ui.horizontal(|ui| {
                    if Button::quiet(cx.t("runs.more_rows")).small().show(ui).clicked() {
                        state.n += MORE;
                    }
                    let args: [(&str, &dyn std::fmt::Display); 2] =
                        [("n", &units::grouped(shown)), ("all", &units::grouped(worst.n_rows))];
                    widgets::hint(ui, cx.tf("runs.rows_shown", &args));
                });
            }
        });
        widgets::divider(ui);
    }
}

fn key(look: Look) -> &'static str {
    match look {
        Look::Best => "runs.kept_best",
        Look::First | Look::Last => "runs.kept_last",
    }
}

fn cell(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui)) {
    ui.allocate_ui_with_layout(vec2(width, 24.0), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.set_max_width(width);
        add(ui);
    });
}

fn headings(ui: &mut Ui, cx: &PaneCx) {
    ui.horizontal(|ui| {
        for (width, key) in
            [(LOSS, "runs.loss"), (CHANGE, "runs.change"), (PLACE, "runs.row"), (0.0, "runs.begins")]
        {
            cell(ui, width, |ui| {
                widgets::caption(ui, cx.t(key));
            });
        }
    });
}

/// The row in the dataset that a run learned from, unless it is of a file.
fn in_dataset(run: &RunRecord, row: &RowLoss) -> Option<Open> {
    let dataset = run.spec.data.dataset.as_ref()?;
    let id = u32::try_from(row.row.row.checked_sub(1)?).ok()?;
    Some(Open::DatasetRow(dataset.id?, RowId(id)))
}

fn row_ui(ui: &mut Ui, cx: &mut PaneCx, run: &RunRecord, row: &RowLoss) {
    let t = cx.theme.tokens;
    ui.horizontal(|ui| {
        cell(ui, LOSS, |ui| {
            ui.label(Type::Hint.number(format!("{:.3}", row.loss), t.text_1));
        });
        cell(ui, CHANGE, |ui| {
            if let Some(first) = row.first_loss {
                let change = row.loss - first;
                // A row that got worse than before any training is worth a look.
                let ink = if change > 0.0 { t.warn } else { t.text_2 };
                ui.label(Type::Hint.number(signed(change), ink));
            }
        });
        cell(ui, PLACE, |ui| {
            let file = row.row.file.file_name().unwrap_or_default().to_string_lossy();
            let words = cx.tf("runs.file_row", &[("file", &file), ("row", &units::grouped(row.row.row))]);
            let place = widgets::truncated(ui, Type::Hint.number(words, t.text_2));
            place.on_hover_text(format!("{}:{}", row.row.file.display(), row.row.row));
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let name = cx.tf("runs.copy_row", &[("row", &row.row.row)]);
            if icon_button(ui, icons::COPY, name).clicked() {
                cx.copy(line(row));
            }
            if let Some(open) = in_dataset(run, row) {
                let name = cx.tf("runs.mend_row", &[("row", &row.row.row)]);
                if icon_button(ui, icons::PENCIL_SIMPLE, name).clicked() {
                    cx.push(Action::Open(open));
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                widgets::truncated(ui, Type::Body.text(row.row.start.as_str(), t.text_1));
            });
        });
    });
}

/// With a real minus.
fn signed(change: f32) -> String {
    if change < 0.0 { format!("−{:.3}", -change) } else { format!("+{change:.3}") }
}

/// A row for a spreadsheet: loss, loss at first, file, row, beginning.
fn line(row: &RowLoss) -> String {
    let first = row.first_loss.map_or_else(String::new, |loss| format!("{loss:.4}"));
    let (file, start) = (row.row.file.display(), &row.row.start);
    format!("{:.4}\t{first}\t{file}\t{}\t{start}", row.loss, row.row.row)
}

fn as_table(worst: &WorstRows) -> String {
    let lines = worst.rows.iter().map(line).collect::<Vec<_>>().join("\n");
    format!("loss\tfirst_loss\tfile\trow\tstart\n{lines}\n")
}
