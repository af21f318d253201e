//! Surfaces: cards, popovers, dividers, headings of groups.

use super::text;
use crate::theme::{self, size};
use egui::{Frame, InnerResponse, Margin, Stroke, Ui, epaint::Shadow, vec2};

pub fn card_frame(ui: &Ui) -> Frame {
    let t = theme::of(ui).tokens;
    Frame::new()
        .fill(t.raised)
        .stroke(Stroke::new(1.0, t.line))
        .corner_radius(size::RADIUS_TILE)
        .inner_margin(Margin::same(16))
}

/// What floats: the one shadow.
pub fn popover_frame(ui: &Ui) -> Frame {
    floating_frame(ui.ctx())
}

pub(super) fn floating_frame(ctx: &egui::Context) -> Frame {
    let t = theme::of_ctx(ctx).tokens;
    Frame::new()
        .fill(t.raised)
        .stroke(Stroke::new(1.0, t.line_strong))
        .corner_radius(size::RADIUS_TILE)
        .shadow(Shadow { offset: [0, 8], blur: 24, spread: 0, color: t.shadow })
}

pub fn card<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> InnerResponse<R> {
    card_frame(ui).show(ui, add)
}

/// A soft line across what is available.
pub fn divider(ui: &mut Ui) {
    let t = theme::of(ui).tokens;
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), 1.0));
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, t.line_soft));
}

/// The heading of a group, with room above.
pub fn section(ui: &mut Ui, heading: impl Into<String>) {
    ui.add_space(8.0);
    text::semibold(ui, heading);
}

/// A sunken surface: formulas, logs, details.
pub fn well<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> InnerResponse<R> {
    let t = theme::of(ui).tokens;
    Frame::new()
        .fill(t.well)
        .stroke(Stroke::new(1.0, t.line_soft))
        .corner_radius(size::RADIUS_CONTROL)
        .inner_margin(Margin::same(8))
        .show(ui, add)
}
