//! The grid: only rows in sight are drawn and fetched. This file holds where it stands and draws rows; what they are
//! made of is in `cells`, what is above them in `headings`, keys in `keys`.

use super::columns::{self, Column, Shows, Widths};
use super::scroll::Scroll;
use super::{DatasetsPane, cells};
use crate::panes::PaneCx;
use crate::theme::{icons, size};
use crate::units;
use crate::widgets::{self, Button};
use egui::{Id, PointerButton, Rect, Response, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::Query;
use glassworks_protocol::datasets::{DatasetQuery, DatasetRecord, RowId};
use glassworks_protocol::ids::DatasetId;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const ROW: f32 = size::ROW;
/// Lines are fetched in pieces of so many.
const PIECE: usize = 64;
/// Questions for lines that may wait at once: while somebody scrolls fast, only what is in sight when one has been
/// answered is asked for.
const MOST_WAITING: usize = 3;

/// Where the grid stands.
#[derive(Default)]
pub struct Grid {
    pub scroll: Scroll,
    /// How far columns are scrolled to the left, in points.
    pub x: f32,
    /// The row in the keyboard's hands: where it stands, and which it is.
    at: Option<(usize, RowId)>,
    /// Where a selection of several began.
    anchor: Option<RowId>,
    /// The column in the keyboard's hands.
    pub column: Option<String>,
    /// The row has to come into sight, and the column.
    pub follow: bool,
    pub want_focus: bool,
    /// Of datasets: widths that a person gave.
    pub widths: BTreeMap<DatasetId, Widths>,
    pub dragging: Option<Drag>,
}

/// What the pointer is doing with rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Drag {
    /// Selecting those between the first and the one below it.
    Select,
    /// Taking the selected ones to another place.
    Move,
}

impl Grid {
    #[must_use]
    pub fn with_widths(widths: BTreeMap<DatasetId, Widths>) -> Self {
        Self { widths, ..Self::default() }
    }

    #[must_use]
    pub fn row(&self) -> Option<RowId> {
        self.at.map(|(_, row)| row)
    }

    #[must_use]
    pub fn place(&self) -> Option<usize> {
        self.at.map(|(place, _)| place)
    }

    #[must_use]
    pub fn anchor(&self) -> Option<RowId> {
        self.anchor.or(self.row())
    }

    pub fn go(&mut self, place: usize, rows: &[RowId], anchor: bool) {
        let Some(row) = rows.get(place) else { return };
        self.at = Some((place, *row));
        if anchor || self.anchor.is_none() {
            self.anchor = Some(*row);
        }
    }

    /// Other rows are shown: the one in the keyboard's hands stays at its place on the screen, if it is still there.
    pub fn rows_changed(&mut self, rows: &[RowId], first: bool) {
        let old = self.at.take().filter(|_| !first);
        if first {
            self.scroll.top = 0.0;
        }
        let Some((place, row)) = old else {
            self.go(0, rows, true);
            return;
        };
        if rows.get(place) == Some(&row) {
            self.at = Some((place, row));
        } else if let Some(new) = rows.iter().position(|one| *one == row) {
            let in_sight = self.scroll.sight(usize::MAX).contains(&place);
            self.at = Some((new, row));
            if in_sight {
                self.scroll.top += new as f64 - place as f64;
            }
        } else if !rows.is_empty() {
            self.go(place.min(rows.len() - 1), rows, true);
            self.scroll.clamp(rows.len());
        }
    }
}

/// The grid as one thing for the keyboard.
pub fn grid_id(cx: &PaneCx) -> Id {
    Id::unique(("rows of a dataset", cx.slot))
}

/// What rows are drawn by.
pub struct Layout<'a> {
    pub record: &'a DatasetRecord,
    pub columns: Vec<Column>,
    /// All of the grid's rows.
    pub body: Rect,
    /// From here on columns scroll.
    pub left: f32,
    pub x: f32,
    /// Rows of another view, until those asked for are there.
    pub old: bool,
    pub max_length: Option<u32>,
    pub labels: Vec<String>,
}

impl Layout<'_> {
    /// Where a column is in a row.
    pub fn cell(&self, column: &Column, row: Rect) -> Rect {
        let left = match column.shows {
            Shows::Number => row.left(),
            _ => self.left + column.x - self.x,
        };
        Rect::from_min_size(pos2(left, row.top()), vec2(column.width, row.height()))
    }

    /// The column under a point.
    pub fn column_at(&self, x: f32) -> Option<&Column> {
        if x < self.left {
            return self.columns.first();
        }
        let x = x - self.left + self.x;
        self.columns.iter().skip(1).find(|column| (column.x..column.x + column.width).contains(&x))
    }
}

impl DatasetsPane {
    /// Headings and rows, in all of `rect`.
    pub(super) fn grid_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>, rect: Rect) {
        let n_rows = self.view.rows.len();
        let widths = self.grid.widths.get(&record.id).cloned().unwrap_or_default();
        let last = self.view.rows.last().map_or(0, |row| row.0 as usize + 1);
        let number = columns::columns(cx, record, last, 0.0, &widths)[0].width;
        let room = rect.width() - number - 12.0;
        let columns = columns::columns(cx, record, last, room, &widths);
        let (head, body) = rect.split_top_bottom_at_y(rect.top() + super::headings::HEIGHT);
        let wide = columns.last().map_or(0.0, |column| column.x + column.width);
        let mut layout = Layout {
            record,
            columns,
            body,
            left: body.left() + number,
            x: 0.0,
            old: self.view.is_old(),
            max_length: cx.model.datasets.measure(record.id).map(|report| report.max_length),
            labels: super::labels(cx, record),
        };
        self.grid.scroll.height = f64::from(body.height() / ROW);
        let table = ui.interact(body, grid_id(cx), Sense::focusable_noninteractive() | Sense::DRAG);
        self.move_sight(ui, &layout, wide, n_rows);
        layout.x = self.grid.x;
        self.headings_ui(ui, cx, &layout, head);
        let name = cx.tf("datasets.rows_named", &[("name", &record.name)]);
        table.widget_info(|| WidgetInfo::labeled(Role::Grid, true, &name));
        if self.view.failure.is_some() || cx.model.datasets.lines_failure(record.id).is_some() {
            self.failure_ui(ui, cx, record, body);
            return;
        }
        if n_rows == 0 {
            self.no_rows_ui(ui, cx, record, body);
        } else {
            self.rows_ui(ui, cx, &layout, &table);
            self.grid.scroll.bar(ui, cx, body, n_rows, &cx.t("datasets.rows_bar"));
        }
        self.pointer(ui, cx, &layout, &table);
        self.cell_ui(ui, cx, &layout);
        self.grid_keys(ui, cx, &layout, &table);
    }

    /// Wheel, bounds, and what has to be in sight.
    fn move_sight(&mut self, ui: &Ui, layout: &Layout, wide: f32, n_rows: usize) {
        let grid = &mut self.grid;
        grid.scroll.wheel(ui, layout.body, ROW);
        let most = (wide - (layout.body.right() - layout.left - 12.0)).max(0.0);
        if most > 0.0 && ui.rect_contains_pointer(layout.body) {
            grid.x -= ui.input_mut(|i| std::mem::take(&mut i.smooth_scroll_delta.x));
        }
        if std::mem::take(&mut grid.follow) {
            if let Some(place) = grid.place() {
                grid.scroll.reveal(place);
            }
            let named = |column: &&Column| Some(&column.key) == grid.column.as_ref();
            if let Some(column) = layout.columns.iter().skip(1).find(named) {
                let sight = layout.body.right() - layout.left - 12.0;
                grid.x = grid.x.clamp((column.x + column.width - sight).min(column.x), column.x);
            }
        }
        grid.x = grid.x.clamp(0.0, most);
        grid.scroll.clamp(n_rows);
    }

    fn rows_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, layout: &Layout, table: &Response) {
        let sight = self.grid.scroll.sight(self.view.rows.len());
        self.fetch_lines(cx, layout.record.id, sight.clone());
        let mut child = ui.new_child(egui::UiBuilder::new().id_salt("rows").max_rect(layout.body));
        child.set_clip_rect(layout.body.intersect(ui.clip_rect()));
        let rows = Arc::clone(&self.view.rows);
        for place in sight {
            let top = layout.body.top() + self.grid.scroll.y(place, ROW);
            let rect = Rect::from_min_size(pos2(layout.body.left(), top), vec2(layout.body.width(), ROW));
            self.row_ui(&mut child, cx, layout, table, (place, rows[place], rect));
        }
    }

    fn row_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        layout: &Layout,
        table: &Response,
        (place, row, rect): (usize, RowId, Rect),
    ) {
        let t = cx.theme.tokens;
        let selected = self.selection.contains(row);
        let response = ui.interact(rect, Id::unique(("dataset row", cx.slot, place)), Sense::CLICK);
        let fill = match (selected, response.hovered()) {
            (true, _) => t.selected,
            (_, true) => t.hover,
            _ => t.pane,
        };
        ui.painter().rect_filled(rect, 0.0, fill);
        ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.line_soft));
        let line = cx.model.datasets.line(layout.record.id, row);
        let name = cells::row_name(cx, layout, row, line);
        response.widget_info(|| WidgetInfo::selected(Role::Row, true, selected, &name));
        match line {
            Some(line) => cells::paint(ui, cx, layout, rect, line, fill),
            None => cells::paint_waiting(ui, cx, layout, rect, row),
        }
        let here = self.grid.place() == Some(place);
        if here && table.has_focus() {
            let column = self.grid.column.as_ref();
            let column = layout.columns.iter().find(|one| Some(&one.key) == column);
            let ring = column.map_or(rect, |column| layout.cell(column, rect));
            let ring = ring.intersect(layout.body).shrink(1.0);
            let stroke = Stroke::new(1.0, t.accent);
            ui.painter().rect_stroke(ring, f32::from(size::RADIUS_CHIP), stroke, egui::StrokeKind::Inside);
        }
        if response.secondary_clicked() && !selected {
            self.press(place, egui::Modifiers::NONE);
        }
        if response.double_clicked() {
            self.write_cell(layout);
        }
        self.row_menu(cx, layout.record, &response);
        // By a screen reader: the pointer has done so when it went down.
        if response.clicked() && self.grid.place() != Some(place) && self.grid.dragging.is_none() {
            self.press(place, egui::Modifiers::NONE);
        }
    }

    /// Asks for lines in sight that are not at hand, then for those around.
    fn fetch_lines(&self, cx: &mut PaneCx, dataset: DatasetId, sight: std::ops::Range<usize>) {
        let rows = &self.view.rows;
        let near = sight.start.saturating_sub(PIECE)..(sight.end + PIECE).min(rows.len());
        for range in [sight, near] {
            let pieces = range.start / PIECE..range.end.div_ceil(PIECE);
            for piece in pieces {
                if cx.model.datasets.n_waiting(dataset) >= MOST_WAITING {
                    return;
                }
                let all = &rows[piece * PIECE..((piece + 1) * PIECE).min(rows.len())];
                let wanted = all.iter().copied().filter(|row| cx.model.datasets.wants_line(dataset, *row));
                let wanted: Vec<RowId> = wanted.collect();
                if !wanted.is_empty() {
                    cx.fetch(Query::Dataset(DatasetQuery::Rows { dataset, rows: wanted }));
                    return;
                }
            }
        }
    }

    /// What the pointer does: presses, draws over rows, takes them elsewhere.
    fn pointer(&mut self, ui: &Ui, cx: &mut PaneCx, layout: &Layout, table: &Response) {
        let at = ui.input(|i| i.pointer.interact_pos());
        let Some(at) = at.filter(|_| table.dragged() || table.drag_started() || table.drag_stopped()) else {
            return;
        };
        let n_rows = self.view.rows.len();
        let under = self.grid.scroll.row_at(at.y - layout.body.top(), ROW);
        let place = (under.max(0.0) as usize).min(n_rows.saturating_sub(1));
        if table.drag_started() && ui.input(|i| i.pointer.button_down(PointerButton::Primary)) {
            table.request_focus();
            if n_rows == 0 || under >= n_rows as f64 {
                return;
            }
            let row = self.view.rows[place];
            let takes = at.x < layout.left && self.selection.contains(row) && self.view.in_own_order();
            self.grid.dragging = Some(if takes { Drag::Move } else { Drag::Select });
            if !takes {
                self.press(place, ui.input(|i| i.modifiers));
            }
            self.grid.column = layout.column_at(at.x).map(|column| column.key.clone());
        }
        let Some(drag) = self.grid.dragging else { return };
        let beyond = (at.y - layout.body.bottom()).max(0.0) + (at.y - layout.body.top()).min(0.0);
        if table.dragged() && beyond != 0.0 {
            self.grid.scroll.top += f64::from(beyond / ROW).clamp(-20.0, 20.0) * 0.25;
            ui.ctx().request_repaint();
        }
        match drag {
            Drag::Select if table.dragged() && Some(place) != self.grid.place() => self.extend(place),
            Drag::Move => self.take_rows(ui, cx, layout, (under, table.drag_stopped())),
            Drag::Select => {}
        }
        if table.drag_stopped() {
            self.grid.dragging = None;
        }
    }

    /// A row was pressed.
    pub(super) fn press(&mut self, place: usize, modifiers: egui::Modifiers) {
        let rows = Arc::clone(&self.view.rows);
        let Some(row) = rows.get(place).copied() else { return };
        if modifiers.shift {
            self.extend(place);
        } else if modifiers.command {
            self.selection.toggle(row);
            self.grid.go(place, &rows, true);
        } else {
            self.selection.only(&[row]);
            self.grid.go(place, &rows, true);
        }
    }

    /// Selects from where a selection began up to here.
    pub(super) fn extend(&mut self, place: usize) {
        let rows = Arc::clone(&self.view.rows);
        let from = self.grid.anchor().and_then(|row| self.view.place(row)).unwrap_or(place);
        let (first, last) = (from.min(place), from.max(place));
        self.selection.only(&rows[first..=last.min(rows.len() - 1)]);
        self.grid.go(place, &rows, false);
    }

    fn failure_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &DatasetRecord, body: Rect) {
        let lines = cx.model.datasets.lines_failure(record.id).cloned();
        let Some(failure) = self.view.failure.clone().or(lines) else { return };
        let mut child = ui.new_child(egui::UiBuilder::new().id_salt("failure").max_rect(body));
        let again = Button::control(cx.t("datasets.ask_again")).icon(icons::ARROW_CLOCKWISE);
        if widgets::failed(&mut child, &failure, Some(again)) {
            if self.view.failure.is_some() {
                self.find_again();
            }
            let sight = self.grid.scroll.sight(self.view.rows.len());
            let rows = self.view.rows[sight].to_vec();
            if !rows.is_empty() {
                cx.fetch(Query::Dataset(DatasetQuery::Rows { dataset: record.id, rows }));
            }
        }
    }

    fn no_rows_ui(&self, ui: &mut Ui, cx: &PaneCx, record: &DatasetRecord, body: Rect) {
        let mut child = ui.new_child(egui::UiBuilder::new().id_salt("none").max_rect(body));
        child.add_space(24.0);
        let words = match (self.view.ready && self.view.complete, record.n_rows) {
            (false, _) => cx.t("datasets.finding"),
            (true, 0) => cx.t("datasets.no_rows"),
            (true, n) => cx.tf("datasets.none_found", &[("n", &units::grouped(n))]),
        };
        child.vertical_centered(|ui| widgets::hint(ui, words));
    }
}
