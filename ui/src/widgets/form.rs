//! Rows of a form: label, field, explanation.

use super::text;
use crate::theme::{self, icons, size};
use egui::{Align, Layout, Role, Sense, Ui, WidgetInfo, vec2};

/// Label at the left, what `add` draws beside it, the explanation to the right, or below when it is narrow.
pub fn form_row(ui: &mut Ui, label: &str, explanation: &str, add: impl FnOnce(&mut Ui)) {
    let narrow = ui.available_width() < 640.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        ui.allocate_ui_with_layout(
            vec2(size::FORM_LABEL, size::CONTROL),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.set_min_width(size::FORM_LABEL);
                text::label(ui, label);
            },
        );
        ui.vertical(|ui| {
            ui.horizontal(|ui| {
                ui.set_min_height(size::CONTROL);
                add(ui);
                if !narrow && !explanation.is_empty() {
                    ui.add_space(8.0);
                    text::hint(ui, explanation);
                }
            });
            if narrow && !explanation.is_empty() {
                text::hint(ui, explanation);
            }
        });
    });
}

/// An explanation below a row, under its fields.
pub fn note(ui: &mut Ui, words: &str) {
    ui.horizontal(|ui| {
        ui.add_space(size::FORM_LABEL + 8.0);
        text::hint(ui, words);
    });
}

/// A heading that folds what is below it, and shows it in a line while folded.
pub fn fold(ui: &mut Ui, name: &str, summary: &str, open: &mut bool, add: impl FnOnce(&mut Ui)) {
    let theme = theme::of(ui);
    let t = &theme.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::DisclosureTriangle, ui.is_enabled(), *open, name));
    if response.clicked() {
        *open = !*open;
    }
    if response.hovered() {
        ui.painter().rect_filled(rect, f32::from(size::RADIUS_CONTROL), t.hover);
    }
    let caret = if *open { icons::CARET_DOWN } else { icons::CARET_RIGHT };
    let y = rect.center().y;
    super::shape_icon(ui, egui::pos2(rect.left() + 12.0, y), caret, size::ICON_SMALL, false, t.text_3);
    let words = super::galley(ui, name, theme::Type::Body.font(theme::Weight::Semibold), t.text_1);
    let right = super::paint::left_at(ui, rect.left() + 28.0, y, words);
    if !*open && !summary.is_empty() {
        let font = theme::Type::Hint.font(theme::Weight::Regular);
        super::paint::left_at(ui, right + 12.0, y, super::galley(ui, summary, font, t.text_3));
    }
    super::focus_ring(ui, &response, rect.shrink(3.0));
    if *open {
        add(ui);
    }
}
