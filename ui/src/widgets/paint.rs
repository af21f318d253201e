//! What several widgets paint alike.

use crate::theme::{self, icon_font, size};
use egui::text::{LayoutJob, TextWrapping};
use egui::{Color32, FontId, Galley, Pos2, Rect, Response, Stroke, StrokeKind, Ui, vec2};
use std::sync::Arc;

/// Lays out one line.
#[must_use]
pub fn galley(ui: &Ui, text: impl Into<String>, font: FontId, color: Color32) -> Arc<Galley> {
    ui.painter().layout_no_wrap(text.into(), font, color)
}

/// Lays out an icon of `theme::icons`.
#[must_use]
pub fn icon_galley(ui: &Ui, icon: &str, points: f32, filled: bool, color: Color32) -> Arc<Galley> {
    ui.painter().layout_no_wrap(icon.to_owned(), icon_font(points, filled), color)
}

/// Paints an icon around `center`.
pub fn shape_icon(ui: &Ui, center: Pos2, icon: &str, points: f32, filled: bool, color: Color32) {
    let galley = icon_galley(ui, icon, points, filled, color);
    ui.painter().galley(center - galley.size() / 2.0, galley, color);
}

/// Paints `galley` with its left edge at `x`, centred on `y`; returns its right edge.
pub(super) fn left_at(ui: &Ui, x: f32, y: f32, galley: Arc<Galley>) -> f32 {
    let right = x + galley.size().x;
    let top = y - galley.size().y / 2.0;
    ui.painter().galley(egui::pos2(x, top), galley, Color32::PLACEHOLDER);
    right
}

/// Paints one line in its place, in the middle of its height, cut with an ellipsis; returns its right edge.
pub fn one_line(ui: &Ui, place: Rect, text: impl Into<String>, font: FontId, ink: Color32) -> f32 {
    let mut job = LayoutJob::simple_singleline(text.into(), font, ink);
    job.wrap = TextWrapping::truncate_at_width(place.width().max(8.0));
    left_at(ui, place.left(), place.center().y, ui.painter().layout_job(job))
}

/// The ground of a row of a list, and the bar of one that is selected; returns the ground.
pub fn row_ground(ui: &Ui, row: Rect, selected: bool, hovered: bool) -> Rect {
    let t = theme::of(ui).tokens;
    let inside = row.shrink2(vec2(6.0, 1.0));
    let fill = match (selected, hovered) {
        (true, _) => t.selected,
        (_, true) => t.hover,
        _ => Color32::TRANSPARENT,
    };
    ui.painter().rect_filled(inside, f32::from(size::RADIUS_CONTROL), fill);
    if selected {
        let bar = Rect::from_min_size(inside.min + vec2(0.0, 6.0), vec2(2.0, inside.height() - 12.0));
        ui.painter().rect_filled(bar, 1.0, t.accent);
    }
    inside
}

/// The ring around what has the keyboard. A click leaves no focus on buttons, so this shows for keys only.
pub fn focus_ring(ui: &Ui, response: &Response, rect: Rect) {
    if response.has_focus() {
        let theme = theme::of(ui);
        ui.painter().rect_stroke(
            rect.expand(3.0),
            f32::from(size::RADIUS_CONTROL) + 3.0,
            Stroke::new(2.0, theme.tokens.accent),
            StrokeKind::Inside,
        );
    }
}
