//! What is wrong with a row, and what a model makes of it: one banner each, with what can be done.

use super::work::Work;
use crate::panes::PaneCx;
use crate::panes::datasets::seen::{Warning, warnings};
use crate::theme::{self, Type, icon_font, icons, size};
use egui::{Frame, Margin, RichText, Role, Ui, WidgetInfo};
use glassworks_protocol::datasets::{RowFlags, RowIssue};

/// What keeps a row from being learned, or teaches what is wrong.
const SEVERE: RowFlags = RowFlags(
    RowFlags::EMPTY.0
        | RowFlags::BROKEN.0
        | RowFlags::NO_TARGET.0
        | RowFlags::BAD_TAGS.0
        | RowFlags::NOT_LITERAL.0,
);

/// All banners of a row; quiet ones once a person has accepted it.
pub fn banners(ui: &mut Ui, cx: &PaneCx, work: &Work) {
    let accepted = work.document.flags.any(RowFlags::ACCEPTED);
    for RowIssue { flag, text } in &work.document.issues {
        let severe = flag.any(SEVERE) && !accepted;
        banner(ui, severe, accepted, "", &cx.render(text));
    }
    for Warning { severe, title, text } in work.seen.map(|seen| warnings(cx, seen)).unwrap_or_default() {
        // The same is told by the row itself.
        let known = severe && work.document.flags.any(RowFlags::NO_TARGET);
        if !known {
            banner(ui, severe && !accepted, accepted, &title, &text);
        }
    }
}

/// Whether there is anything to accept.
#[must_use]
pub fn has_any(cx: &PaneCx, work: &Work) -> bool {
    !work.document.issues.is_empty() || work.seen.is_some_and(|seen| !warnings(cx, seen).is_empty())
}

/// An icon, a line that says what, and one that says what it means.
fn banner(ui: &mut Ui, severe: bool, quiet: bool, title: &str, text: &str) {
    let t = theme::of(ui).tokens;
    let (ink, wash, icon) = match (quiet, severe) {
        (true, _) => (t.text_2, t.control, icons::CHECK),
        (_, true) => (t.danger, t.danger_wash, icons::WARNING_CIRCLE),
        _ => (t.warn, t.warn_wash, icons::WARNING),
    };
    let shown = Frame::new()
        .fill(wash)
        .corner_radius(size::RADIUS_CONTROL)
        .inner_margin(Margin::symmetric(10, 8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                let font = icon_font(size::ICON, true);
                ui.label(RichText::new(icon).font(font).line_height(Some(20.0)).color(ink));
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    if !title.is_empty() {
                        ui.label(Type::Body.medium(title, ink));
                        ui.label(Type::Hint.text(text, t.text_2));
                    } else {
                        ui.label(Type::Body.text(text, ink));
                    }
                });
            });
        });
    shown.response.widget_info(|| WidgetInfo::labeled(Role::Status, true, format!("{title} {text}").trim()));
}
