//! Counts in a square, as a table of what was taken for what: each cell as warm as its part of the row.

use super::paint::galley;
use crate::theme::{self, Tokens, Type, Weight};
use egui::{Align2, Color32, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// Of the labels at the left.
const MOST_LEFT: f32 = 120.0;
const ROW: f32 = 28.0;
const MOST_CELL: f32 = 88.0;
/// Cells that are smaller show no number.
const CELL_WITH_NUMBER: f32 = 26.0;
const GAP: f32 = 2.0;

/// What a cell says where the pointer is: by row and column.
pub type CellWords<'a> = &'a dyn Fn(usize, usize) -> String;

/// Draws `counts`, row by row, within `width`; both sides have the same `labels`.
pub fn heat_map(
    ui: &mut Ui,
    name: &str,
    labels: &[String],
    counts: &dyn Fn(usize, usize) -> u64,
    words: CellWords<'_>,
    width: f32,
) -> Response {
    let t = theme::of(ui).tokens;
    let n = labels.len().max(1);
    let hint = Type::Hint.font(Weight::Regular);
    let widest = labels.iter().map(|label| galley(ui, label, hint.clone(), t.text_2).size().x);
    let left = widest.fold(0.0, f32::max).min(MOST_LEFT) + 10.0;
    let cell = ((width - left) / n as f32).clamp(4.0, MOST_CELL).floor();
    let row = ROW.min(cell.max(8.0));
    let size = vec2(left + cell * n as f32, row * (n as f32 + 1.0));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let origin = rect.min + vec2(left, row);
    let named = row >= CELL_WITH_NUMBER;
    for (i, label) in labels.iter().enumerate() {
        if named {
            let y = origin.y + (i as f32 + 0.5) * row - GAP / 2.0;
            elided(ui, pos2(origin.x - 10.0, y), label, left - 10.0, Align2::RIGHT_CENTER);
            let x = origin.x + (i as f32 + 0.5) * cell - GAP / 2.0;
            elided(ui, pos2(x, rect.top() + row / 2.0), label, cell - 6.0, Align2::CENTER_CENTER);
        }
        let whole: u64 = (0..n).map(|j| counts(i, j)).sum();
        for j in 0..n {
            let count = counts(i, j);
            let at = origin + vec2(j as f32 * cell, i as f32 * row);
            let gap = if cell > 12.0 { GAP } else { 1.0 };
            let place = Rect::from_min_size(at, vec2(cell - gap, row - gap));
            let part = count as f32 / whole.max(1) as f32;
            let fill = if count == 0 { t.well } else { Tokens::map(&t.chip, 0.15 + 0.85 * part) };
            ui.painter().rect_filled(place, 3.0, fill);
            if cell >= CELL_WITH_NUMBER && named {
                let ink = if count == 0 { t.text_3 } else { t.text_1 };
                let number = galley(ui, count.to_string(), Type::Hint.mono(Weight::Regular), ink);
                ui.painter().galley(place.center() - number.size() / 2.0, number, ink);
            }
        }
    }
    let pointed = response.hover_pos().map(|at| ((at - origin) / vec2(cell, row)).floor());
    let inside = pointed.filter(|p| p.x >= 0.0 && p.y >= 0.0 && p.x < n as f32 && p.y < n as f32);
    match inside {
        Some(p) => response.on_hover_text_at_pointer(words(p.y as usize, p.x as usize)),
        None => response,
    }
}

/// A line cut to `width`, at a place.
fn elided(ui: &Ui, at: egui::Pos2, words: &str, width: f32, align: Align2) {
    let t = theme::of(ui).tokens;
    let mut job = egui::text::LayoutJob::simple_singleline(
        words.to_owned(),
        Type::Hint.font(Weight::Regular),
        t.text_2,
    );
    job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(1.0));
    let galley = ui.painter().layout_job(job);
    let rect = align.anchor_size(at, galley.size());
    ui.painter().galley(rect.min, galley, Color32::PLACEHOLDER);
}
