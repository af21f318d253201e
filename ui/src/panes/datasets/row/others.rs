//! Columns that no view draws: a field each, by what they hold.

use super::area::Area;
use super::json_field::json_field;
use super::work::{Work, Wrote, text_of};
use crate::panes::PaneCx;
use crate::widgets::{self, Field, Select};
use egui::Ui;
use glassworks_protocol::datasets::{ColumnKind, Role};
use serde_json::Value;

/// The roles that the view of a task draws itself.
fn drawn(work: &Work) -> Vec<Role> {
    use glassworks_protocol::datasets::DataTask;
    match work.record.mapping.task {
        DataTask::Chat => vec![Role::Messages, Role::System, Role::Prompt, Role::Input, Role::Completion],
        DataTask::Classification => vec![Role::Text, Role::Label],
        DataTask::Tagging => vec![Role::Text, Role::Spans, Role::Tokens, Role::Tags],
        DataTask::QuestionAnswering => vec![Role::Context, Role::Question, Role::Answers],
        DataTask::Pairs => vec![Role::Source, Role::Target],
        DataTask::Preference => vec![Role::System, Role::Prompt, Role::Chosen, Role::Rejected],
        DataTask::Text => vec![Role::Text],
    }
}

/// All columns that are left, the dataset's in their order, then what only this row has.
pub fn others(ui: &mut Ui, cx: &PaneCx, work: &mut Work) {
    let mapping = &work.record.mapping;
    let drawn: Vec<&str> = drawn(work).into_iter().filter_map(|role| mapping.column(role)).collect();
    let mut left: Vec<String> = work.record.columns.iter().map(|column| column.name.clone()).collect();
    left.extend(work.value.keys().filter(|name| !left.contains(name)).cloned().collect::<Vec<_>>());
    left.retain(|name| !drawn.contains(&name.as_str()));
    if left.is_empty() {
        return;
    }
    ui.add_space(8.0);
    widgets::divider(ui);
    ui.add_space(4.0);
    widgets::label(ui, cx.t("datasets.row_other_columns"));
    for name in &left {
        ui.push_id(name, |ui| field(ui, cx, work, name));
    }
}

/// A column as a field: text as text, numbers and yes or no as such, all else as JSON.
pub fn field(ui: &mut Ui, cx: &PaneCx, work: &mut Work, name: &str) {
    widgets::semibold(ui, name);
    let value = work.value.get(name).cloned().unwrap_or_default();
    match (&value, work.kind(name)) {
        (Value::Bool(_), _) | (Value::Null, ColumnKind::Bool) => yes_no(ui, cx, work, name, &value),
        (Value::Number(_), _) | (Value::Null, ColumnKind::Number) => number(ui, cx, work, name, &value),
        (Value::String(_), _) | (Value::Null, ColumnKind::Text) => text(ui, cx, work, name, &value),
        _ => {
            let id = work.id.with(("column", name));
            if let Some(new) = json_field(ui, cx, work, (id, name), &value) {
                work.value.insert(name.to_owned(), new);
            }
        }
    }
}

fn text(ui: &mut Ui, cx: &PaneCx, work: &mut Work, name: &str, value: &Value) {
    let mut text = text_of(Some(value));
    let hint = if value.is_null() { cx.t("datasets.row_no_value") } else { String::new() };
    let response = Area::new(work.id.with(("column", name)), name).hint(hint).show(ui, &mut text);
    if response.changed() {
        work.value.insert(name.to_owned(), Value::String(text));
    }
    work.heard(&response);
}

fn number(ui: &mut Ui, cx: &PaneCx, work: &mut Work, name: &str, value: &Value) {
    let mut text = work.typed.get(name).cloned().unwrap_or_else(|| text_of(Some(value)));
    let read = |text: &str| match text.trim() {
        "" => Some(Value::Null),
        text => serde_json::from_str(text).ok().filter(Value::is_number),
    };
    let wrong = read(&text).is_none();
    let field = Field::new(name).mono().problem(wrong).placeholder(cx.t("datasets.row_no_value"));
    let response = field.id(work.id.with(("column", name))).show(ui, &mut text);
    if wrong {
        widgets::hint(ui, cx.t("datasets.row_number_wrong"));
    }
    if response.changed() {
        match read(&text) {
            Some(new) => {
                work.typed.remove(name);
                work.value.insert(name.to_owned(), new);
            }
            None => drop(work.typed.insert(name.to_owned(), text)),
        }
    }
    work.heard(&response);
}

fn yes_no(ui: &mut Ui, cx: &PaneCx, work: &mut Work, name: &str, value: &Value) {
    let mut chosen = value.as_bool();
    let options = [
        (Some(true), "true".to_owned()),
        (Some(false), "false".to_owned()),
        (None, cx.t("datasets.row_no_value")),
    ];
    if Select::new(name).show(ui, &mut chosen, &options).changed() {
        work.value.insert(name.to_owned(), chosen.map_or(Value::Null, Value::Bool));
        work.did(Wrote::Done);
    }
}
