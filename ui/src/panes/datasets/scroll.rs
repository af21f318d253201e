//! Scrolling by rows: places are counted in rows and in f64, since a million rows are more points than an f32 tells
//! apart.

use crate::panes::PaneCx;
use crate::widgets;
use egui::{Id, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

const BAR: f32 = 8.0;
const THUMB_LEAST: f32 = 28.0;

/// How far a list of rows is scrolled.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scroll {
    /// The first row in sight; a part of one above it may be seen too.
    pub top: f64,
    /// Rows in sight.
    pub height: f64,
}

impl Scroll {
    pub fn clamp(&mut self, n_rows: usize) {
        self.top = self.top.clamp(0.0, (n_rows as f64 - self.height).max(0.0));
    }

    /// Brings a row into sight, moving no more than has to be.
    pub fn reveal(&mut self, row: usize) {
        let row = row as f64;
        self.top = self.top.clamp((row + 1.0 - self.height).min(row), row);
    }

    /// The rows in sight, wholly or in part.
    #[must_use]
    pub fn sight(&self, n_rows: usize) -> std::ops::Range<usize> {
        let first = self.top.floor().max(0.0) as usize;
        let end = (self.top + self.height).ceil() as usize;
        first.min(n_rows)..end.min(n_rows)
    }

    /// Where a row's upper edge is, below that of the list, in points.
    #[must_use]
    pub fn y(&self, row: usize, row_height: f32) -> f32 {
        ((row as f64 - self.top) * f64::from(row_height)) as f32
    }

    /// The row at so many points below the list's upper edge.
    #[must_use]
    pub fn row_at(&self, y: f32, row_height: f32) -> f64 {
        self.top + f64::from(y) / f64::from(row_height)
    }

    /// Takes the wheel while the pointer is over the list.
    pub fn wheel(&mut self, ui: &Ui, rect: Rect, row_height: f32) {
        if !ui.rect_contains_pointer(rect) {
            return;
        }
        let by = ui.input_mut(|i| std::mem::take(&mut i.smooth_scroll_delta.y));
        self.top -= f64::from(by) / f64::from(row_height);
    }

    /// A bar at the right of the list; says whether it was moved.
    pub fn bar(&mut self, ui: &Ui, cx: &PaneCx, list: Rect, n_rows: usize, name: &str) {
        if n_rows as f64 <= self.height {
            return;
        }
        let t = &cx.theme.tokens;
        let track =
            Rect::from_min_max(pos2(list.right() - BAR - 2.0, list.top() + 2.0), list.max - vec2(2.0, 2.0));
        let response =
            ui.interact(track, Id::unique(("rows bar", cx.slot, name)), Sense::drag() | Sense::CLICK);
        let room = n_rows as f64 - self.height;
        let thumb =
            (track.height() * (self.height / n_rows as f64) as f32).max(THUMB_LEAST).min(track.height());
        let free = (track.height() - thumb).max(1.0);
        if let Some(at) = response.interact_pointer_pos() {
            let part = f64::from((at.y - track.top() - thumb / 2.0) / free).clamp(0.0, 1.0);
            self.top = part * room;
        }
        response.widget_info(|| WidgetInfo {
            value: Some(self.top),
            ..WidgetInfo::labeled(Role::ScrollBar, true, name)
        });
        let y = track.top() + free * (self.top / room).clamp(0.0, 1.0) as f32;
        let over = response.hovered() || response.dragged();
        let width = if over { BAR } else { 5.0 };
        let place = Rect::from_min_size(pos2(track.right() - width, y), vec2(width, thumb));
        ui.painter().rect_filled(place, width / 2.0, if over { t.text_3 } else { t.line_strong });
        widgets::focus_ring(ui, &response, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_ten_million_rows_is_as_sharp_as_the_first() {
        let n = 10_000_000;
        let mut scroll = Scroll { top: 0.0, height: 20.5 };
        scroll.reveal(n - 1);
        scroll.clamp(n);
        assert_eq!(scroll.sight(n), n - 21..n);
        let ys: Vec<f32> = scroll.sight(n).map(|row| scroll.y(row, 32.0)).collect();
        assert!(ys.windows(2).all(|two| (two[1] - two[0] - 32.0).abs() < 1e-3), "{ys:?}");
        scroll.top -= 1.0 / 32.0;
        assert!((scroll.y(n - 1, 32.0) - ys[20] - 1.0).abs() < 1e-3, "a point is a point");
        scroll.reveal(5);
        assert_eq!(scroll.top, 5.0);
        scroll.height = 0.5;
        scroll.reveal(9);
        assert_eq!(scroll.top, 9.0);
    }
}
