//! Small marks: badges, tags, beads, strips, keys, the logo.

use super::paint::{galley, icon_galley, left_at};
use crate::theme::{self, Tokens, Type, Weight, size};
use egui::{Color32, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

/// What a badge says by its colour; never by that alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Ok,
    Warn,
    Danger,
    Accent,
}

impl Tone {
    fn colors(self, t: &Tokens) -> (Color32, Color32) {
        match self {
            Self::Plain => (t.text_2, t.control),
            Self::Ok => (t.ok, t.ok_wash),
            Self::Warn => (t.warn, t.warn_wash),
            Self::Danger => (t.danger, t.danger_wash),
            Self::Accent => (t.accent, t.selected),
        }
    }
}

/// Icon and words on a wash.
pub fn badge(ui: &mut Ui, tone: Tone, icon: &str, text: impl Into<String>) -> Response {
    mark(ui, tone, Some(icon), &text.into(), Sense::hover())
}

/// Words on a wash.
pub fn tag(ui: &mut Ui, tone: Tone, text: impl Into<String>) -> Response {
    mark(ui, tone, None, &text.into(), Sense::hover())
}

/// A badge that can be pressed.
pub fn badge_button(ui: &mut Ui, tone: Tone, icon: &str, text: &str) -> Response {
    let badge = mark(ui, tone, Some(icon), text, Sense::click());
    super::focus_ring(ui, &badge, badge.rect);
    badge.on_hover_cursor(egui::CursorIcon::PointingHand)
}

fn mark(ui: &mut Ui, tone: Tone, icon: Option<&str>, text: &str, sense: Sense) -> Response {
    let t = theme::of(ui).tokens;
    let (ink, wash) = tone.colors(&t);
    let icon = icon.map(|i| icon_galley(ui, i, size::ICON_SMALL, false, ink));
    let words = galley(ui, text, Type::Caption.font(Weight::Medium), ink);
    let width = 12.0 + words.size().x + icon.as_ref().map_or(0.0, |i| i.size().x + 4.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 20.0), sense);
    let role = if sense.senses_click() { Role::Button } else { Role::Label };
    response.widget_info(|| WidgetInfo::labeled(role, true, text));
    ui.painter().rect_filled(rect, f32::from(size::RADIUS_TAG), wash);
    let mut x = rect.left() + 6.0;
    if let Some(icon) = icon {
        x = left_at(ui, x, rect.center().y, icon) + 4.0;
    }
    left_at(ui, x, rect.center().y, words);
    response
}

/// An 8-px disc: filled is loaded, warm is working.
pub fn bead(ui: &mut Ui, color: Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(8.0, 16.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 4.0, color);
    response
}

/// A ring: idle.
pub fn bead_ring(ui: &mut Ui) -> Response {
    let t = theme::of(ui).tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(8.0, 16.0), Sense::hover());
    ui.painter().circle_stroke(rect.center(), 3.5, Stroke::new(1.0, t.text_3));
    response
}

/// A bead at a place: a ring when there is no colour.
pub fn paint_bead(ui: &Ui, center: egui::Pos2, color: Option<Color32>) {
    let t = theme::of(ui).tokens;
    match color {
        Some(color) => ui.painter().circle_filled(center, 4.0, color),
        None => ui.painter().circle_stroke(center, 3.5, Stroke::new(1.0, t.text_3)),
    };
}

/// A 4-px barcode, one cell a value, coloured by the ember map; values run from 0 to 1.
pub fn strip(ui: &mut Ui, name: &str, width: f32, values: impl ExactSizeIterator<Item = f32>) -> Response {
    let t = theme::of(ui).tokens;
    let n = values.len().max(1);
    let cell = (width / n as f32).min(10.0);
    let (rect, response) = ui.allocate_exact_size(vec2(cell * n as f32, 4.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    if ui.is_rect_visible(rect) {
        let gap = if cell >= 4.0 { 1.0 } else { 0.0 };
        for (i, value) in values.enumerate() {
            let x = rect.left() + i as f32 * cell;
            let part = Rect::from_min_max(pos2(x, rect.top()), pos2(x + cell - gap, rect.bottom()));
            // The first eighth of the map is the pane itself, and a strip has to be seen.
            ui.painter().rect_filled(part, 0.0, Tokens::map(&t.ember, 0.18 + 0.82 * value.clamp(0.0, 1.0)));
        }
    }
    response
}

/// A key or a combination of keys in a box.
pub fn kbd(ui: &mut Ui, keys: &str) -> Response {
    let t = theme::of(ui).tokens;
    let words = galley(ui, keys, Type::Caption.mono(Weight::Regular), t.text_2);
    let (rect, response) = ui.allocate_exact_size(vec2(words.size().x + 10.0, 18.0), Sense::hover());
    let line = Stroke::new(1.0, t.line_strong);
    ui.painter().rect(rect, f32::from(size::RADIUS_TAG), Color32::TRANSPARENT, line, StrokeKind::Inside);
    left_at(ui, rect.left() + 5.0, rect.center().y, words);
    response
}

/// The mark of Glassworks.
pub fn logo(ui: &mut Ui, points: f32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(points, points), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Glassworks"));
    paint_logo(ui, rect);
    response
}

/// Draws the mark, a pane of glass in six with a warm core, into a square.
pub fn paint_logo(ui: &Ui, rect: Rect) {
    let t = theme::of(ui).tokens;
    let at = |x: f32, y: f32| rect.min + vec2(x, y) * rect.width() / 64.0;
    let unit = rect.width() / 64.0;
    let corners: Vec<_> =
        [(32.0, 4.0), (56.25, 18.0), (56.25, 46.0), (32.0, 60.0), (7.75, 46.0), (7.75, 18.0)]
            .map(|(x, y)| at(x, y))
            .to_vec();
    let painter = ui.painter();
    painter.add(egui::Shape::convex_polygon(corners.clone(), t.raised, Stroke::NONE));
    for i in 0..3 {
        let line = Stroke::new((2.75 * unit).max(1.0), t.selected_line);
        painter.line_segment([corners[i], corners[i + 3]], line);
    }
    painter.add(egui::Shape::closed_line(corners, Stroke::new((3.75 * unit).max(1.2), t.accent)));
    painter.circle_filled(at(32.0, 32.0), 8.75 * unit, t.warm);
}
