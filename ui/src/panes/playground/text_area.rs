//! A field of several lines.

use crate::theme::{self, Type, Weight, size};
use egui::{Frame, Id, Margin, Response, RichText, Stroke, TextEdit, Ui};

/// Some lines of text in a well; `mono` is for code.
pub fn text_area(
    ui: &mut Ui,
    id: Id,
    name: &str,
    placeholder: &str,
    rows: usize,
    mono: bool,
    text: &mut String,
) -> Response {
    let t = theme::of(ui).tokens;
    let font = if mono { Type::Hint.mono(Weight::Regular) } else { Type::Body.font(Weight::Regular) };
    let focused = ui.memory(|m| m.has_focus(id));
    let line = if focused { Stroke::new(2.0, t.accent) } else { Stroke::new(1.0, t.line) };
    let inset = if focused { 8 } else { 9 };
    Frame::new()
        .fill(t.well)
        .stroke(line)
        .corner_radius(size::RADIUS_CONTROL)
        .inner_margin(Margin::symmetric(inset, inset - 3))
        .show(ui, |ui| {
            let edit = TextEdit::multiline(text)
                .id(id)
                .frame(Frame::NONE)
                .margin(Margin::ZERO)
                .font(font.clone())
                .text_color(t.text_1)
                .desired_rows(rows)
                .desired_width(f32::INFINITY)
                .hint_text(RichText::new(placeholder).font(font).color(t.text_3));
            ui.add(edit).accessible_name(name)
        })
        .inner
}
