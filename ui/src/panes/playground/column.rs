//! The column of prose in the middle of the main tile, with a gutter for who speaks.

use crate::theme::size;
use egui::{Align, InnerResponse, Layout, Rect, Ui, UiBuilder, pos2};

/// Room for a name at the left of the column.
const GUTTER: f32 = 82.0;

/// Where the prose stands, from left to right.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub left: f32,
    pub right: f32,
    /// Whether there is room for names beside the column.
    pub gutter: bool,
}

impl Column {
    #[must_use]
    pub fn of(ui: &Ui) -> Self {
        Self::within(ui.max_rect())
    }

    #[must_use]
    pub fn within(rect: Rect) -> Self {
        let padding = size::PADDING;
        let block = size::TEXT_COLUMN + GUTTER;
        if rect.width() >= block + 2.0 * padding {
            let left = (rect.center().x - block / 2.0 + GUTTER).round();
            return Self { left, right: left + size::TEXT_COLUMN, gutter: true };
        }
        let width = (rect.width() - 2.0 * padding).clamp(120.0, size::TEXT_COLUMN);
        let left = (rect.center().x - width / 2.0).round();
        Self { left, right: left + width, gutter: false }
    }

    /// Draws below the cursor, as wide as the column.
    pub fn show<R>(&self, ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> InnerResponse<R> {
        let top = ui.cursor().top();
        let rect = Rect::from_min_max(pos2(self.left, top), pos2(self.right, f32::INFINITY));
        let layout = Layout::top_down(Align::Min);
        ui.scope_builder(UiBuilder::new().max_rect(rect).layout(layout), add)
    }
}
