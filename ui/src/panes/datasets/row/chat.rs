//! A conversation, or an instruction with its answer.

use super::area::Area;
use super::said::said_once;
use super::turns::{Of, Turns};
use super::work::Work;
use crate::panes::PaneCx;
use crate::theme::Type;
use crate::units;
use crate::widgets;
use egui::{Align, Layout, Ui, vec2};
use glassworks_protocol::datasets::Role;
use serde_json::Value;

/// The parts of an instruction in the order a model reads them: role, its word, and the least lines.
const PARTS: [(Role, &str, usize); 4] = [
    (Role::System, "datasets.row_role_system", 2),
    (Role::Prompt, "datasets.row_role_prompt", 3),
    (Role::Input, "datasets.row_role_input", 2),
    (Role::Completion, "datasets.row_role_completion", 6),
];

pub fn chat(ui: &mut Ui, cx: &PaneCx, work: &mut Work, turns: &mut Turns) {
    let messages = work.column(Role::Messages);
    for (role, key, rows) in PARTS {
        // A system prompt in a column of its own stands before the turns.
        if messages.is_none() || role == Role::System {
            part(ui, cx, work, role, &cx.t(key), rows);
        }
    }
    let Some(column) = messages else { return };
    if !matches!(work.value.get(&column), None | Some(Value::Null | Value::Array(_))) {
        super::others::field(ui, cx, work, &column);
        return;
    }
    turns.ui(ui, cx, work, &Of { column: &column, against: None });
}

/// A part of an instruction as a field.
pub fn part(ui: &mut Ui, cx: &PaneCx, work: &mut Work, role: Role, name: &str, rows: usize) {
    let Some(column) = work.column(role) else { return };
    if matches!(work.value.get(&column), Some(Value::Array(_) | Value::Object(_))) {
        super::others::field(ui, cx, work, &column);
        return;
    }
    let mut text = work.text(role).unwrap_or_default();
    let said = (role == Role::Completion).then(|| said_once(work.seen, &text)).flatten();
    let width = ui.available_width();
    ui.allocate_ui_with_layout(vec2(width, 20.0), Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_width(width);
        if let Some(said) = said {
            let n = units::grouped(said.n_tokens as u64);
            widgets::mono(ui, cx.tf("datasets.row_n_tokens", &[("n", &n)]));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| widgets::semibold(ui, name));
    });
    let cut = said.and_then(|said| said.cut);
    let t = cx.theme.tokens;
    let fill = if role == Role::Completion { t.field } else { t.raised };
    let area = Area::new(work.id.with(name), name).rows(rows).fill(fill).cut(cut);
    let response = area.show(ui, &mut text);
    if response.changed() {
        work.set_text(&column, &text);
    }
    work.heard(&response);
    if cut.is_some() {
        ui.label(Type::Hint.text(cx.t("datasets.row_cut_here"), t.warn));
    }
}
