//! Two to five views that exclude each other.

use super::paint::{focus_ring, galley};
use crate::theme::{self, Type, Weight, size};
use egui::{Color32, Rect, Response, Role, Sense, StrokeKind, Ui, WidgetInfo, pos2, vec2};

/// Draws `options` as one control and changes `value` on a click. With `width`, all are equally wide.
pub fn segments<T: PartialEq + Copy>(
    ui: &mut Ui,
    name: &str,
    value: &mut T,
    options: &[(T, String)],
    width: Option<f32>,
) -> Response {
    let theme = theme::of(ui);
    let t = &theme.tokens;
    let pad = 12.0;
    let font = Type::Body.font(Weight::Medium);
    let words: Vec<_> =
        options.iter().map(|(_, w)| galley(ui, w, font.clone(), Color32::PLACEHOLDER)).collect();
    let natural: Vec<f32> = words.iter().map(|g| g.size().x + 2.0 * pad).collect();
    let widths: Vec<f32> = match width {
        Some(all) => natural.iter().map(|_| (all - 4.0) / options.len() as f32).collect(),
        None => natural,
    };
    let total = widths.iter().sum::<f32>() + 4.0;
    let (rect, mut group) = ui.allocate_exact_size(vec2(total, size::CONTROL), Sense::hover());
    group.widget_info(|| WidgetInfo::labeled(Role::RadioGroup, ui.is_enabled(), name));
    let radius = f32::from(size::RADIUS_CONTROL);
    ui.painter().rect_filled(rect, radius, t.control);
    let mut x = rect.left() + 2.0;
    for (((option, label), words), width) in options.iter().zip(words).zip(widths) {
        let part = Rect::from_min_max(pos2(x, rect.top() + 2.0), pos2(x + width, rect.bottom() - 2.0));
        x += width;
        let response = ui.interact(part, group.id.with(label), Sense::click());
        let selected = *option == *value;
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), selected, label));
        let (fill, ink) = match (selected, response.hovered()) {
            (true, _) if theme.dark => (t.pressed, t.text_1),
            (true, _) => (t.raised, t.text_1),
            (_, true) => (t.hover, t.text_1),
            _ => (Color32::TRANSPARENT, t.text_2),
        };
        let line = if selected && !theme.dark { t.line } else { Color32::TRANSPARENT };
        ui.painter().rect(part, radius - 1.0, fill, egui::Stroke::new(1.0, line), StrokeKind::Inside);
        ui.painter().galley(part.center() - words.size() / 2.0, words, ink);
        focus_ring(ui, &response, part.shrink(2.0));
        if response.clicked() && !selected {
            *value = *option;
            group.mark_changed();
        }
    }
    group
}
