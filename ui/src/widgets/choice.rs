//! Cards for the few choices that something begins with: side by side, one below the other where there is little room.

use super::{link, mono, truncated};
use crate::theme::{self, Type, size};
use egui::{Align, Layout, Rect, Response, Role, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, vec2};

/// Between cards.
const GAP: f32 = 12.0;
/// Cards stand side by side from this width on.
const SIDE_BY_SIDE: f32 = 620.0;

/// The places of three cards.
pub fn three_cards(ui: &mut Ui, height: f32) -> [Rect; 3] {
    let width = ui.available_width();
    let beside = width >= SIDE_BY_SIDE;
    let each = if beside { (width - 2.0 * GAP) / 3.0 } else { width };
    let total = if beside { height } else { 3.0 * height + 2.0 * GAP };
    let (_, whole) = ui.allocate_space(vec2(width, total));
    [0.0, 1.0, 2.0].map(|i| {
        let along = if beside { vec2(i * (each + GAP), 0.0) } else { vec2(0.0, i * (height + GAP)) };
        Rect::from_min_size(whole.min + along, vec2(each, height))
    })
}

/// A card's surface and inside.
pub fn choice_card(ui: &mut Ui, name: &str, rect: Rect, selected: bool) -> Ui {
    let t = theme::of(ui).tokens;
    let (fill, line) = if selected {
        (t.selected, Stroke::new(2.0, t.accent))
    } else {
        (t.raised, Stroke::new(1.0, t.line))
    };
    ui.painter().rect(rect, f32::from(size::RADIUS_TILE), fill, line, StrokeKind::Inside);
    let inner = rect.shrink2(vec2(16.0, 12.0));
    let mut child =
        ui.new_child(UiBuilder::new().id_salt(name).max_rect(inner).layout(Layout::top_down(Align::Min)));
    child.set_clip_rect(rect.intersect(ui.clip_rect()));
    child.spacing_mut().item_spacing = vec2(8.0, 4.0);
    child.spacing_mut().interact_size.y = 20.0;
    child
}

/// `1 Model` at the left, what changes it at the right.
pub fn choice_heading(ui: &mut Ui, number: u8, words: &str, action: &str, name: &str) -> Response {
    ui.horizontal(|ui| {
        ui.set_min_height(20.0);
        mono(ui, format!("{number} {words}"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let response = link(ui, action);
            let enabled = ui.is_enabled();
            response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
            response
        })
        .inner
    })
    .inner
}

/// What was chosen, in a line.
pub fn choice_title(ui: &mut Ui, words: &str) {
    let t = theme::of(ui).tokens;
    truncated(ui, Type::Prose.semibold(words, t.text_1));
}

/// More about it, in a line.
pub fn choice_hint(ui: &mut Ui, words: &str) {
    let t = theme::of(ui).tokens;
    truncated(ui, Type::Hint.text(words, t.text_2));
}
