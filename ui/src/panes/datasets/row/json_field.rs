//! A field for a value that is no text: JSON, taken when it can be read.

use super::area::Area;
use super::work::Work;
use crate::panes::PaneCx;
use crate::theme::Type;
use egui::{Id, Ui};
use serde_json::Value;

/// Draws the field; the new value, where another one was written. What cannot be read stays in the draft.
pub fn json_field(
    ui: &mut Ui,
    cx: &PaneCx,
    work: &mut Work,
    (id, name): (Id, &str),
    value: &Value,
) -> Option<Value> {
    let shown = || serde_json::to_string_pretty(value).unwrap_or_default();
    let mut text = work.typed.get(name).cloned().unwrap_or_else(shown);
    let wrong = serde_json::from_str::<Value>(&text).err();
    let area = Area::new(id, name).rows(2).mono().problem(wrong.is_some());
    let response = area.show(ui, &mut text);
    if let Some(wrong) = wrong {
        let place = [("line", &wrong.line() as &dyn std::fmt::Display), ("column", &wrong.column())];
        ui.label(Type::Hint.text(cx.tf("datasets.row_json_wrong", &place), cx.theme.tokens.danger));
    }
    let mut new = None;
    if response.changed() {
        // A value that is spelled in another way is no other value.
        new = serde_json::from_str::<Value>(&text).ok().filter(|new| new != value);
        work.typed.insert(name.to_owned(), text);
    } else if response.lost_focus() || !response.has_focus() {
        // Spelled anew once it is a value and nobody writes in it.
        if work.typed.get(name).is_some_and(|text| serde_json::from_str::<Value>(text).is_ok()) {
            work.typed.remove(name);
        }
    }
    work.heard(&response);
    new
}
