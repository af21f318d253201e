//! Text in the sizes and weights of the scale.

use crate::theme::{self, Type};
use egui::{Label, Response, RichText, Ui};

/// 13/20 in text.1.
pub fn body(ui: &mut Ui, text: impl Into<String>) -> Response {
    let t = theme::of(ui).tokens;
    ui.label(Type::Body.text(text, t.text_1))
}

/// 13/20 in text.2: labels of fields.
pub fn label(ui: &mut Ui, text: impl Into<String>) -> Response {
    let t = theme::of(ui).tokens;
    ui.label(Type::Body.text(text, t.text_2))
}

pub fn medium(ui: &mut Ui, text: impl Into<String>) -> Response {
    let t = theme::of(ui).tokens;
    ui.label(Type::Body.medium(text, t.text_1))
}

/// 13/20 600 in text.1: headings of groups.
pub fn semibold(ui: &mut Ui, text: impl Into<String>) -> Response {
    let t = theme::of(ui).tokens;
    ui.label(Type::Body.semibold(text, t.text_1))
}

/// 15/24 600: the title of a tile.
pub fn title(ui: &mut Ui, text: impl Into<String>) -> Response {
    let t = theme::of(ui).tokens;
    ui.label(Type::Prose.semibold(text, t.text_1))
}

/// 12/16 in text.3: explanations.
pub fn hint(ui: &mut Ui, text: impl Into<String>) -> Response {
    let t = theme::of(ui).tokens;
    ui.label(Type::Hint.text(text, t.text_3))
}

/// 11/16 in text.3.
pub fn caption(ui: &mut Ui, text: impl Into<String>) -> Response {
    let t = theme::of(ui).tokens;
    ui.label(Type::Caption.text(text, t.text_3))
}

/// 12 mono in text.2: numbers.
pub fn mono(ui: &mut Ui, text: impl Into<String>) -> Response {
    let t = theme::of(ui).tokens;
    ui.label(Type::Hint.number(text, t.text_2))
}

/// One line, cut with an ellipsis; the whole text on hover.
pub fn truncated(ui: &mut Ui, text: impl Into<RichText>) -> Response {
    let text = text.into();
    ui.add(Label::new(text).truncate())
}

/// Text that can be marked and copied.
pub fn selectable(ui: &mut Ui, text: impl Into<RichText>) -> Response {
    let text: RichText = text.into();
    ui.add(Label::new(text).selectable(true).wrap())
}
