//! Rows of a form: label, field, explanation.

use super::text;
use crate::theme::{self, icons, size};
use egui::{Align, Layout, Role, Sense, Ui, UiBuilder, WidgetInfo, vec2};

/// Label at the left, what `add` draws beside it, the explanation to the right, or below when it is narrow.
pub fn form_row(ui: &mut Ui, label: &str, explanation: &str, add: impl FnOnce(&mut Ui)) {
    let explain = |ui: &mut Ui| {
        text::hint(ui, explanation);
    };
    explained_row(ui, label, add, (!explanation.is_empty()).then_some(explain));
}

/// The same with an explanation that is more than words.
pub fn explained_row<E: FnOnce(&mut Ui)>(
    ui: &mut Ui,
    label: &str,
    add: impl FnOnce(&mut Ui),
    mut explain: Option<E>,
) {
    let narrow = ui.available_width() < 660.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let (_, place) = ui.allocate_space(vec2(size::FORM_LABEL, size::CONTROL));
        let place = UiBuilder::new().max_rect(place).layout(Layout::left_to_right(Align::Center));
        text::label(&mut ui.new_child(place), label);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.horizontal_top(|ui| {
                let control = |ui: &mut Ui| {
                    ui.set_min_height(size::CONTROL);
                    // So that explanations beside narrow controls begin where those beside fields do.
                    ui.set_min_width(size::FIELD);
                    add(ui);
                };
                ui.horizontal(control);
                let room = ui.available_width();
                if !narrow
                    && room > 160.0
                    && let Some(explain) = explain.take()
                {
                    ui.add_space(8.0);
                    ui.vertical(|ui| {
                        ui.set_max_width((room - 8.0).min(420.0));
                        ui.add_space(6.0);
                        explain(ui);
                    });
                }
            });
            if narrow && let Some(explain) = explain {
                explain(ui);
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
