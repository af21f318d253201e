//! The table of inputs that a prompt is run over, with what was written beside each row.

use super::PromptsPane;
use super::table_run::stale;
use crate::model::Table;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets::{self, Button, EditGrid, GridAsked, GridColumn, MenuItem};
use egui::text::{LayoutJob, TextWrapping};
use egui::{Id, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::Edit;
use glassworks_protocol::ids::PromptRunId;
use glassworks_protocol::prompts::{
    MOST_ROWS, PromptEdit, PromptRecord, PromptSheet, SheetRow, Values, Variable, pasted,
};
use std::sync::Arc;

const ROW: f32 = 48.0;

/// The inputs as the person works on them.
#[derive(Default)]
pub struct SheetState {
    /// `None` until they have been told.
    pub sheet: Option<PromptSheet>,
    pub unsaved_since_ms: Option<i64>,
    /// The row that is looked at.
    pub at: usize,
    /// Removed last, to be taken back.
    pub removed: Option<PromptSheet>,
    /// Runs whose replies are shown: the first, and one beside it.
    pub shown: [Option<PromptRunId>; 2],
}

impl PromptsPane {
    /// The table, below what runs it.
    pub(super) fn table_grid(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord, table: &Table) {
        let Some(editing) = &self.editing else { return };
        let named = editing.body.named();
        let mut columns: Vec<GridColumn> =
            named.iter().map(|one| GridColumn::field(one.shown(), 1.0).hint(one.default.as_str())).collect();
        let runs: Vec<PromptRunId> = self.sheet.shown.iter().flatten().copied().collect();
        for run in &runs {
            columns.push(GridColumn::shown(super::table_run::run_title(cx, table, *run), 1.7));
        }
        let Some(sheet) = &mut self.sheet.sheet else { return };
        if sheet.rows.is_empty() || named.is_empty() {
            widgets::hint(
                ui,
                cx.t(if named.is_empty() { "prompts.table_no_variables" } else { "prompts.no_rows" }),
            );
            return;
        }
        let n_rows = sheet.rows.len();
        self.sheet.at = self.sheet.at.min(n_rows - 1);
        let height = (ui.available_height() - size::CONTROL - 20.0).max(120.0);
        let grid = EditGrid {
            id: Id::unique(("inputs", cx.slot, record.id)),
            columns: &columns,
            n_rows,
            lines: 1,
            row_height: ROW,
            at: Some(self.sheet.at),
            height,
        };
        let (mut changed, mut pressed) = (false, None);
        // Both ways in need the rows: what is shown is drawn from a copy of what they are.
        let rows: Vec<SheetRow> = if runs.is_empty() { Vec::new() } else { sheet.rows.clone() };
        let asked = grid.show(
            ui,
            &mut |row, column, field| {
                let (Some(row), Some(variable)) = (sheet.rows.get_mut(row), named.get(column)) else {
                    return;
                };
                let mut value = row.values.get(&variable.name).cloned().unwrap_or_default();
                if field(&mut value) {
                    row.values.insert(variable.name.clone(), value);
                    changed = true;
                }
            },
            &mut |ui, row, column, rect| {
                let run = column.checked_sub(named.len()).and_then(|at| runs.get(at));
                if let (Some(run), Some(one)) = (run, rows.get(row))
                    && reply_cell(ui, cx, table, (*run, one, &named), (row, rect))
                {
                    pressed = Some(row);
                }
            },
        );
        if let Some(row) = pressed {
            self.sheet.at = row;
            if cx.folds_inspector() {
                self.drawer = true;
            }
        }
        if changed {
            self.sheet_typed(cx.now_ms);
        }
        for what in asked {
            self.sheet_asked(ui, cx, record, what);
        }
    }

    /// Below the table: more rows.
    pub(super) fn table_foot(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord) {
        let n = self.sheet.sheet.as_ref().map_or(0, |sheet| sheet.rows.len());
        ui.horizontal(|ui| {
            ui.set_min_height(size::CONTROL);
            let full = (n >= MOST_ROWS).then(|| cx.tf("prompts.table_full", &[("n", &MOST_ROWS)]));
            if Button::control(cx.t("prompts.add_row")).icon(icons::PLUS).off(full.clone()).show(ui).clicked()
            {
                self.sheet_asked(ui, cx, record, GridAsked::Add);
            }
            if Button::control(cx.t("prompts.add_file")).icon(icons::FOLDER_OPEN).off(full).show(ui).clicked()
            {
                self.rows_file.ask();
            }
            if let Some(before) = self.sheet.removed.clone()
                && Button::quiet(cx.t("prompts.take_back"))
                    .icon(icons::ARROW_COUNTER_CLOCKWISE)
                    .show(ui)
                    .clicked()
            {
                self.sheet.sheet = Some(before);
                self.sheet.removed = None;
                self.sheet_typed(cx.now_ms);
            }
            let words = match n {
                1 => cx.t("prompts.one_row"),
                n => cx.tf("prompts.n_rows", &[("n", &units::grouped(n as u64))]),
            };
            widgets::mono(ui, words);
            widgets::truncated(ui, Type::Hint.text(cx.t("prompts.table_keys"), cx.theme.tokens.text_3));
        });
    }

    pub(super) fn sheet_typed(&mut self, now_ms: i64) {
        self.sheet.unsaved_since_ms.get_or_insert(now_ms);
    }

    pub(super) fn save_sheet(&mut self, cx: &mut PaneCx, at_once: bool) {
        let Some(since) = self.sheet.unsaved_since_ms else { return };
        let Some(editing) = &self.editing else { return };
        if let Some(sheet) = &self.sheet.sheet
            && (at_once || cx.now_ms - since >= super::AUTOSAVE_MS)
        {
            let sheet = Box::new(sheet.clone());
            cx.edit(Edit::Prompt(PromptEdit::SaveSheet { prompt: editing.id, sheet }));
            self.sheet.unsaved_since_ms = None;
        }
    }

    /// More inputs at the end of the table; those without a place are told.
    pub(super) fn add_rows(&mut self, cx: &mut PaneCx, rows: Vec<Values>) {
        let Some(sheet) = &mut self.sheet.sheet else { return };
        // Rows in which nothing stands make room.
        sheet.rows.retain(|row| row.values.values().any(|value| !value.trim().is_empty()));
        let first = sheet.rows.len();
        let left_out = sheet.extend(rows);
        self.sheet.at = first;
        self.sheet_typed(cx.now_ms);
        if left_out > 0 {
            let text = glassworks_protocol::text::Text::new("prompts.rows_left_out")
                .arg("n", left_out)
                .arg("most", MOST_ROWS);
            cx.toast(crate::action::Toast::new(text).icon(icons::WARNING));
        }
    }

    fn sheet_asked(&mut self, ui: &Ui, cx: &mut PaneCx, record: &PromptRecord, asked: GridAsked) {
        let Some(editing) = &self.editing else { return };
        let named: Vec<Variable> = editing.body.named();
        let id = Id::unique(("inputs", cx.slot, record.id));
        let Some(sheet) = &mut self.sheet.sheet else { return };
        let n = sheet.rows.len();
        match asked {
            GridAsked::At(row) => {
                self.sheet.at = row;
                return;
            }
            GridAsked::Menu(row, button) => {
                if let Some(what) = self.row_menu(cx, &button, row, n) {
                    match what {
                        RowAsked::Grid(what) => self.sheet_asked(ui, cx, record, what),
                        RowAsked::WriteAgain => {
                            let ids = self.row_id(row).into_iter().collect();
                            self.write_rows(cx, record, ids, false);
                        }
                    }
                }
                return;
            }
            GridAsked::Add => {
                sheet.extend([Values::new()]);
                self.sheet.at = n;
                ui.memory_mut(|m| m.request_focus(id.with(("cell", n, 0_usize))));
            }
            GridAsked::Remove(row) if row < n => {
                self.sheet.removed = Some(sheet.clone());
                sheet.rows.remove(row);
            }
            GridAsked::Move(from, to) if from < n && to < n => {
                sheet.rows.swap(from, to);
                self.sheet.at = to;
            }
            GridAsked::Paste(row, column, text) => {
                let names: Vec<&str> = named.iter().map(|one| one.name.as_str()).collect();
                let from = column.min(names.len().saturating_sub(1));
                for (at, values) in pasted(&text, &names[from..]).into_iter().enumerate() {
                    if row + at >= sheet.rows.len() && sheet.extend([Values::new()]) > 0 {
                        break;
                    }
                    sheet.rows[row + at].values.extend(values);
                }
            }
            GridAsked::Remove(_) | GridAsked::Move(..) => return,
        }
        self.sheet_typed(cx.now_ms);
    }

    pub(super) fn row_id(&self, at: usize) -> Option<u64> {
        self.sheet.sheet.as_ref()?.rows.get(at).map(|row| row.id)
    }

    fn row_menu(&self, cx: &PaneCx, button: &egui::Response, row: usize, n: usize) -> Option<RowAsked> {
        let mut asked = None;
        let off = self.off(cx);
        widgets::menu(button, 180.0, |ui| {
            let again =
                MenuItem::new(cx.t("prompts.write_again")).icon(icons::ARROWS_CLOCKWISE).off(off.clone());
            if again.show(ui).clicked() {
                asked = Some(RowAsked::WriteAgain);
            }
            let first = (row == 0).then(|| cx.t("prompts.is_first"));
            if MenuItem::new(cx.t("prompts.row_up")).icon(icons::ARROW_UP).off(first).show(ui).clicked() {
                asked = Some(RowAsked::Grid(GridAsked::Move(row, row.saturating_sub(1))));
            }
            let last = (row + 1 == n).then(|| cx.t("prompts.is_last"));
            if MenuItem::new(cx.t("prompts.row_down")).icon(icons::ARROW_DOWN).off(last).show(ui).clicked() {
                asked = Some(RowAsked::Grid(GridAsked::Move(row, row + 1)));
            }
            if MenuItem::new(cx.t("prompts.remove_row")).icon(icons::TRASH).show(ui).clicked() {
                asked = Some(RowAsked::Grid(GridAsked::Remove(row)));
            }
        });
        asked
    }
}

enum RowAsked {
    Grid(GridAsked),
    WriteAgain,
}

/// How a reply begins, and what was measured; says whether it was pressed.
fn reply_cell(
    ui: &Ui,
    cx: &PaneCx,
    table: &Table,
    (run, row, named): (PromptRunId, &SheetRow, &[Variable]),
    (at, rect): (usize, Rect),
) -> bool {
    let t = cx.theme.tokens;
    let response = ui.interact(rect, Id::unique(("reply", cx.slot, run, row.id)), Sense::click());
    let result = table.result(run, row.id).cloned();
    let words = match &result {
        Some(result) => match &result.failure {
            Some(failure) => cx.render(&failure.summary),
            None => result.text.split_whitespace().collect::<Vec<_>>().join(" "),
        },
        None => String::new(),
    };
    let name = cx.tf("prompts.reply_of", &[("n", &(at + 1))]);
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(words.clone()),
        ..WidgetInfo::labeled(Role::Button, true, &name)
    });
    if response.hovered() {
        ui.painter().rect_filled(rect.shrink(2.0), f32::from(size::RADIUS_CONTROL), t.hover);
    }
    widgets::focus_ring(ui, &response, rect.shrink(4.0));
    let inner = rect.shrink2(vec2(6.0, 0.0));
    let Some(result) = result else {
        let line = if writing(cx, run, row.id) { cx.t("prompts.waits") } else { cx.t("prompts.not_written") };
        cut(ui, inner, inner.center().y, line, Type::Hint.font(Weight::Regular), t.text_3);
        return response.clicked();
    };
    let failed = result.failure.is_some();
    let ink = if failed { t.danger } else { t.text_1 };
    let shown = if words.is_empty() { cx.t("prompts.nothing_written") } else { words };
    cut(ui, inner, rect.top() + 16.0, shown, Type::Body.font(Weight::Regular), ink);
    let mut left = inner.left();
    if stale(row, &result, named) {
        widgets::shape_icon(ui, pos2(left + 7.0, rect.top() + 34.0), icons::CLOCK, 12.0, false, t.warn);
        left += 18.0;
    }
    if !failed {
        let place = Rect::from_min_max(pos2(left, rect.top()), inner.max);
        cut(
            ui,
            place,
            rect.top() + 34.0,
            measured(cx, &result),
            Type::Caption.mono(Weight::Regular),
            t.text_3,
        );
    }
    response.clicked()
}

/// `42 tokens · 1.2 s · perplexity 3.4`
pub fn measured(cx: &PaneCx, result: &glassworks_protocol::prompts::PromptResult) -> String {
    let secs = units::duration(cx.language, result.secs);
    let tokens = cx.tf("prompts.n_tokens", &[("n", &units::grouped(u64::from(result.n_new)))]);
    match result.perplexity {
        Some(perplexity) => {
            let perplexity = cx.tf("prompts.perplexity", &[("n", &format!("{perplexity:.1}"))]);
            format!("{tokens} · {secs} · {perplexity}")
        }
        None => format!("{tokens} · {secs}"),
    }
}

/// Whether a job that goes on will come to this row.
fn writing(cx: &PaneCx, run: PromptRunId, row: u64) -> bool {
    cx.model.prompts.jobs().any(|(job, running)| {
        running.run == run
            && running.rows.as_ref().is_none_or(|rows| rows.contains(&row))
            && cx.model.jobs.get(job).is_some_and(|job| job.outcome.is_none())
    })
}

/// One line around `y`, cut with an ellipsis.
fn cut(ui: &Ui, place: Rect, y: f32, text: String, font: egui::FontId, ink: egui::Color32) {
    let mut job = LayoutJob::simple_singleline(text, font, ink);
    job.wrap = TextWrapping::truncate_at_width(place.width().max(8.0));
    let galley = ui.painter().layout_job(job);
    let top = y - galley.size().y / 2.0;
    ui.painter().galley(pos2(place.left(), top), Arc::clone(&galley), ink);
}
