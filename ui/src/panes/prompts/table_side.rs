//! Beside the table: all of the row that is looked at, inputs to write in and replies in full.

use super::PromptsPane;
use super::table::measured;
use super::table_run::{run_title, stale};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, tiles};
use egui::Ui;
use glassworks_protocol::generate::FinishReason;
use glassworks_protocol::ids::PromptRunId;
use glassworks_protocol::prompts::{PromptRecord, PromptResult, SheetRow, Variable};
use std::sync::Arc;

impl PromptsPane {
    pub(super) fn row_tile(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord) {
        let at = self.sheet.at;
        let title = cx.tf("prompts.row_menu", &[("n", &(at + 1))]);
        let n = self.sheet.sheet.as_ref().map_or(0, |sheet| sheet.rows.len());
        let (mut up, mut down) = (false, false);
        tiles::header(
            ui,
            |ui| {
                let last = (at + 1 >= n).then(|| cx.t("prompts.is_last"));
                down =
                    widgets::icon_button_off(ui, icons::CARET_DOWN, cx.t("prompts.next_row"), last).clicked();
                let first = (at == 0).then(|| cx.t("prompts.is_first"));
                up = widgets::icon_button_off(ui, icons::CARET_UP, cx.t("prompts.row_before"), first)
                    .clicked();
            },
            |ui| {
                widgets::title(ui, title);
            },
        );
        let Some(row) = self.sheet.sheet.as_ref().and_then(|sheet| sheet.rows.get(at)).cloned() else {
            return;
        };
        tiles::scroll(ui, "row", 0.0, |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            self.inputs(ui, cx, at);
            widgets::divider(ui);
            self.replies(ui, cx, record, &row);
        });
        self.sheet.at = if up { at.saturating_sub(1) } else { at + usize::from(down) };
    }

    /// The row's inputs, each as its kind asks.
    fn inputs(&mut self, ui: &mut Ui, cx: &PaneCx, at: usize) {
        let named = self.editing.as_ref().map(|editing| editing.body.named()).unwrap_or_default();
        let Some(row) = self.sheet.sheet.as_mut().and_then(|sheet| sheet.rows.get_mut(at)) else { return };
        let changed =
            ui.push_id(row.id, |ui| widgets::value_fields(ui, &named, &mut row.values, false)).inner;
        if changed {
            self.sheet_typed(cx.now_ms);
        }
    }

    fn replies(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord, row: &SheetRow) {
        let named = self.editing.as_ref().map(|editing| editing.body.named()).unwrap_or_default();
        let table = cx.model.prompts.table(record.id).cloned().unwrap_or_default();
        let runs: Vec<PromptRunId> = self.sheet.shown.iter().flatten().copied().collect();
        for run in &runs {
            widgets::semibold(ui, run_title(cx, &table, *run));
            match table.result(*run, row.id).cloned() {
                Some(result) => ui.push_id(*run, |ui| reply(ui, cx, row, &result, &named)).inner,
                None => drop(widgets::hint(ui, cx.t("prompts.not_written"))),
            }
            ui.add_space(6.0);
        }
        let off = self.off(cx);
        let again = Button::control(cx.t("prompts.write_again")).icon(icons::ARROWS_CLOCKWISE).off(off);
        if again.show(ui).clicked() {
            self.write_rows(cx, record, vec![row.id], false);
        }
    }
}

/// All that was written, how it ended, and for which inputs if they have changed since.
fn reply(ui: &mut Ui, cx: &mut PaneCx, row: &SheetRow, result: &Arc<PromptResult>, named: &[Variable]) {
    let t = cx.theme.tokens;
    if let Some(failure) = &result.failure {
        widgets::failed_line(ui, failure, None);
        return;
    }
    if stale(row, result, named) {
        let was: Vec<String> = named
            .iter()
            .filter_map(|one| Some(format!("{}: {}", one.shown(), result.values.get(&one.name)?)))
            .collect();
        let words = cx.tf("prompts.stale", &[("inputs", &was.join(", "))]);
        ui.label(Type::Hint.text(words, t.warn));
    }
    let text =
        if result.text.trim().is_empty() { cx.t("prompts.nothing_written") } else { result.text.clone() };
    widgets::well(ui, |ui| {
        ui.set_width(ui.available_width());
        widgets::selectable(ui, Type::Body.text(text, t.text_1));
    });
    widgets::mono(ui, measured(cx, result));
    let ended = match &result.finish {
        Some(FinishReason::Length) => Some("prompts.ended_length"),
        Some(FinishReason::ContextFull) => Some("prompts.ended_context"),
        _ => None,
    };
    if let Some(key) = ended {
        widgets::hint(ui, cx.t(key));
    }
    if Button::quiet(cx.t("shell.copy")).icon(icons::COPY).small().show(ui).clicked() {
        cx.copy(result.text.clone());
    }
}
