//! The grid by keyboard: where it goes, what is selected.

use super::DatasetsPane;
use super::columns::Shows;
use super::grid::Layout;
use crate::panes::PaneCx;
use egui::{EventFilter, Key, Modifiers, Response, Ui};
use std::sync::Arc;

impl DatasetsPane {
    pub(super) fn grid_keys(&mut self, ui: &Ui, cx: &mut PaneCx, layout: &Layout, table: &Response) {
        if std::mem::take(&mut self.grid.want_focus) {
            table.request_focus();
        }
        if !table.has_focus() {
            return;
        }
        let filter = EventFilter { vertical_arrows: true, horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(table.id, filter));
        // Those with Alt first: the arrows alone would take them.
        self.row_keys(ui, cx, layout);
        self.walk(ui);
        self.walk_columns(ui, layout);
        if ui.input_mut(|i| i.consume_key(Modifiers::COMMAND, Key::A)) {
            let rows = Arc::clone(&self.view.rows);
            self.selection.only(&rows);
        }
        if ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
            let row = self.grid.row();
            self.selection.only(row.as_slice());
        }
    }

    /// Up and down, with Shift taking along what is between.
    fn walk(&mut self, ui: &Ui) {
        let n_rows = self.view.rows.len();
        let Some(place) = self.grid.place().filter(|_| n_rows > 0) else { return };
        let page = (self.grid.scroll.height as usize).saturating_sub(1).max(1);
        let ways = [
            (Key::ArrowUp, place.saturating_sub(1)),
            (Key::ArrowDown, place + 1),
            (Key::PageUp, place.saturating_sub(page)),
            (Key::PageDown, place + page),
            (Key::Home, 0),
            (Key::End, n_rows - 1),
        ];
        for (key, to) in ways {
            let to = to.min(n_rows - 1);
            let pressed = |modifiers| ui.input_mut(|i| i.consume_key(modifiers, key));
            if pressed(Modifiers::SHIFT) {
                self.extend(to);
            } else if pressed(Modifiers::NONE) {
                self.press(to, Modifiers::NONE);
            } else {
                continue;
            }
            self.grid.follow = true;
        }
    }

    /// From cell to cell.
    fn walk_columns(&mut self, ui: &Ui, layout: &Layout) {
        let by = ui.input_mut(|i| {
            isize::from(i.consume_key(Modifiers::NONE, Key::ArrowRight))
                - isize::from(i.consume_key(Modifiers::NONE, Key::ArrowLeft))
        });
        if by == 0 {
            return;
        }
        let cells: Vec<&str> = layout
            .columns
            .iter()
            .filter(|column| column.shows == Shows::Split || column.shows.field().is_some())
            .map(|column| column.key.as_str())
            .collect();
        let now = cells.iter().position(|key| Some(*key) == self.grid.column.as_deref());
        let to = match now {
            Some(now) => now.saturating_add_signed(by).min(cells.len().saturating_sub(1)),
            None if by > 0 => 0,
            None => return,
        };
        self.grid.column = cells.get(to).map(|key| (*key).to_owned());
        self.grid.follow = true;
    }
}
