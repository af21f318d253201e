//! A switch between on and off.

use super::paint::focus_ring;
use crate::theme;
use egui::{Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

/// The switch alone: its name stands elsewhere, and is what screen readers say.
pub fn toggle(ui: &mut Ui, name: &str, on: &mut bool) -> Response {
    let theme = theme::of(ui);
    let t = &theme.tokens;
    let (rect, mut response) = ui.allocate_exact_size(vec2(36.0, 20.0), Sense::click());
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    response.widget_info(|| WidgetInfo::selected(Role::Switch, ui.is_enabled(), *on, name));
    let how_on = ui.ctx().animate_bool_with_time(response.id, *on, theme.motion(0.12));
    let (fill, line, knob) = if *on {
        (if response.hovered() { t.accent_hover } else { t.accent }, t.accent, t.on_accent)
    } else {
        (if response.hovered() { t.hover } else { t.control }, t.line_strong, t.text_2)
    };
    ui.painter().rect(rect, 10.0, fill, Stroke::new(1.0, line), StrokeKind::Inside);
    let x = egui::lerp(rect.left() + 10.0..=rect.right() - 10.0, how_on);
    ui.painter().circle_filled(pos2(x, rect.center().y), 6.0, knob);
    focus_ring(ui, &response, rect);
    response
}
