//! A dialog in the middle of the window.

use crate::theme::{Theme, size};

use egui::{Context, Frame, Id, Modal, Stroke, Ui, epaint::Shadow};

/// Shows `add` over everything else; says whether Escape or a click outside asked to close it.
pub fn dialog(
    ctx: &Context,
    theme: &Theme,
    name: &str,
    title: &str,
    width: f32,
    add: impl FnOnce(&mut Ui),
) -> bool {
    let t = &theme.tokens;
    let frame = Frame::new()
        .fill(t.raised)
        .stroke(Stroke::new(1.0, t.line_strong))
        .corner_radius(size::RADIUS_TILE)
        .shadow(Shadow { offset: [0, 8], blur: 24, spread: 0, color: t.shadow })
        .inner_margin(20);
    let width = width.min(ctx.content_rect().width() - 64.0);
    let shown =
        Modal::new(Id::unique(("dialog", name))).frame(frame).backdrop_color(t.shadow).show(ctx, |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 8.0;
            super::title(ui, title);
            add(ui);
        });
    let close = shown.should_close();
    if close {
        // A frame in which it is no more, for who takes the keyboard back.
        ctx.request_repaint();
    }
    close
}
