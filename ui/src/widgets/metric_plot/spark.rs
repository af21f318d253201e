//! A small line with its name and newest value; a click shows it large.

use super::axis::Scale;
use super::curve::{Curve, View};
use crate::theme::{self, Type, Weight};
use crate::widgets::{focus_ring, galley};
use egui::{Color32, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

const HEIGHT: f32 = 76.0;
const MARGIN: f32 = 16.0;
const GAP: f32 = 12.0;

/// How wide one has to be for its name and newest value side by side.
#[must_use]
pub fn spark_width(ui: &Ui, name: &str, value: &str) -> f32 {
    let t = theme::of(ui).tokens;
    let name = galley(ui, name, Type::Hint.font(Weight::Regular), t.text_3);
    let value = galley(ui, value, Type::Body.mono(Weight::Medium), t.text_1);
    name.size().x + GAP + value.size().x + 2.0 * MARGIN
}

/// Draws `curves` in their colours, the first with its newest value written as `value`.
pub fn spark(ui: &mut Ui, name: &str, value: &str, width: f32, curves: &[(&Curve, Color32)]) -> Response {
    let t = theme::of(ui).tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    if response.hovered() {
        ui.painter().rect_filled(rect.shrink(1.0), 4.0, t.hover);
    }
    let inner = rect.shrink2(vec2(MARGIN, 10.0));
    let words = galley(ui, name, Type::Hint.font(Weight::Regular), t.text_3);
    ui.painter().galley(inner.min, words, t.text_3);
    let words = galley(ui, value, Type::Body.mono(Weight::Medium), t.text_1);
    ui.painter().galley(pos2(inner.right() - words.size().x, inner.top() - 2.0), words, t.text_1);
    let place = Rect::from_min_max(inner.min + vec2(0.0, 24.0), inner.max);
    let extents = curves.iter().filter_map(|(curve, _)| curve.extent());
    if let Some((from, to)) =
        extents.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).filter(|(from, to)| from < to)
    {
        let view = View { from, to, columns: place.width() as usize };
        let thins: Vec<_> = curves.iter().map(|(curve, color)| (curve.thin(view), *color)).collect();
        let ranges = thins.iter().filter_map(|(thin, _)| thin.clipped);
        let (low, high) = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0.0, 1.0));
        let room = ((high - low) * 0.05).max(high.abs() * 1e-3).max(1e-12);
        let x = Scale { from, to, log: false };
        let y = Scale { from: low - room, to: high + room, log: false };
        let at = |[px, py]: [f64; 2]| {
            pos2(place.left() + x.place(px) * place.width(), place.bottom() - y.place(py) * place.height())
        };
        let painter = ui.painter().with_clip_rect(place.expand(1.0).intersect(ui.clip_rect()));
        for (thin, color) in thins.iter().rev() {
            let line = if thin.smooth.is_empty() { &thin.raw } else { &thin.smooth };
            painter.add(Shape::line(line.iter().map(|p| at(*p)).collect(), Stroke::new(1.2, *color)));
        }
    }
    focus_ring(ui, &response, rect.shrink(4.0));
    response
}
