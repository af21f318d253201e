//! A line of a list that says how many there are of something, and shows them when it is pressed.

use super::paint::{focus_ring, row_ground};
use crate::theme::{self, Type, Weight, size};
use egui::text::{LayoutJob, TextWrapping};
use egui::{Color32, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// What stands before the words: an icon, its colour, and whether it is filled.
pub type RowIcon = (&'static str, Color32, bool);

/// Words at the left, a number at the right.
pub fn count_row(ui: &mut Ui, words: &str, count: &str, selected: bool, icon: Option<RowIcon>) -> Response {
    let t = theme::of(ui).tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW), Sense::click());
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(count.to_owned()),
        ..WidgetInfo::selected(Role::Button, true, selected, words)
    });
    let inside = row_ground(ui, rect.expand2(vec2(6.0, 0.0)), selected, response.hovered());
    let number = super::galley(ui, count, Type::Hint.mono(Weight::Regular), t.text_2);
    let y = rect.center().y;
    let end = inside.right() - 10.0 - number.size().x;
    ui.painter().galley(pos2(end, y - number.size().y / 2.0), number, t.text_2);
    let mut x = inside.left() + 10.0;
    if let Some((icon, ink, filled)) = icon {
        super::shape_icon(ui, pos2(x + 8.0, y), icon, size::ICON, filled, ink);
        x += 26.0;
    }
    let mut job = LayoutJob::simple_singleline(words.to_owned(), Type::Body.font(Weight::Regular), t.text_1);
    job.wrap = TextWrapping::truncate_at_width((end - 8.0 - x).max(8.0));
    let words = ui.painter().layout_job(job);
    ui.painter().galley(pos2(x, y - words.size().y / 2.0), words, t.text_1);
    focus_ring(ui, &response, inside.shrink(2.0));
    response
}
