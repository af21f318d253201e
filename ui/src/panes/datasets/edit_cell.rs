//! Writing in a cell: a field over it, as high as its text.

use super::DatasetsPane;
use super::columns::Shows;
use super::grid::{Layout, ROW};
use super::paste;
use crate::action::Toast;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, size};
use egui::{Area, EventFilter, Frame, Id, Key, Modifiers, Order, Rect, Stroke, TextEdit, Ui, pos2, vec2};
use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::{ColumnKind, RowDocument, RowId};
use glassworks_protocol::text::Text;
use serde_json::Value;
use std::sync::Arc;

/// A field is no narrower.
const WIDTH: f32 = 240.0;
/// Lines of a text before it scrolls.
const LINES: f32 = 9.0;
const LINE: f32 = 20.0;

/// A cell that is written in.
pub struct CellEdit {
    row: RowId,
    /// The place of its column in the dataset.
    column: usize,
    text: String,
    /// As it stood when it was taken up.
    before: String,
    fresh: bool,
}

/// Where the keyboard goes after a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Stay,
    Next,
    Previous,
}

#[derive(Default)]
pub struct CellState {
    now: Option<CellEdit>,
    /// To be written in as soon as all of the row is there.
    wanted: Option<(RowId, usize)>,
}

impl CellState {
    pub fn want(&mut self, row: RowId, column: usize) {
        self.wanted = Some((row, column));
    }
}

/// Whether a value can be written in a line or some: no lists, no turns.
fn is_plain(value: Option<&Value>) -> bool {
    matches!(value, None | Some(Value::Null | Value::String(_) | Value::Number(_) | Value::Bool(_)))
}

fn text_of(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

impl DatasetsPane {
    /// Begins to write in the cell in the keyboard's hands, or in the first that can be.
    pub(super) fn write_cell(&mut self, layout: &Layout) {
        let Some(row) = self.grid.row() else { return };
        let named = layout.columns.iter().find(|column| Some(&column.key) == self.grid.column.as_ref());
        let column = named.or_else(|| layout.columns.iter().find(|column| column.shows.field().is_some()));
        if let Some((key, at)) = column.and_then(|column| Some((column.key.clone(), column.shows.field()?))) {
            self.grid.column = Some(key);
            self.grid.follow = true;
            self.cell.want(row, at);
        }
    }

    /// Takes up what was to be written in, and draws the field.
    pub(super) fn cell_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, layout: &Layout) {
        self.begin_cell(cx, layout);
        let Some(edit) = &mut self.cell.now else { return };
        let column = layout.columns.iter().find(|column| column.shows.field() == Some(edit.column));
        let place = self.view.rows.iter().position(|row| *row == edit.row);
        let (Some(column), Some(place)) = (column, place) else {
            self.cell.now = None;
            return;
        };
        let top = layout.body.top() + self.grid.scroll.y(place, ROW);
        let cell = Rect::from_min_size(
            pos2((layout.left + column.x - layout.x).max(layout.left), top),
            vec2(column.width.max(WIDTH), ROW),
        );
        let number = layout.record.columns[edit.column].kind == ColumnKind::Number;
        let name = cx.tf("datasets.cell_name", &[("column", &column.heading)]);
        let then = edit.show(ui, cx, (layout, cell), &name, number);
        if let Some((save, then)) = then {
            self.end_cell(cx, layout, save, then);
        }
    }

    fn begin_cell(&mut self, cx: &mut PaneCx, layout: &Layout) {
        let Some((row, column)) = self.cell.wanted else { return };
        let Some(told) = cx.model.datasets.document(layout.record.id, row) else { return };
        self.cell.wanted = None;
        let Some(document) = told.clone() else { return };
        let name = &layout.record.columns[column].name;
        let value = document.value.get(name);
        if is_plain(value) {
            let text = text_of(value);
            self.cell.now = Some(CellEdit { row, column, before: text.clone(), text, fresh: true });
        } else {
            // Turns, tags and spans have a place of their own.
            self.drawer = true;
            cx.toast(Toast::new(Text::new("datasets.edit_at_side")));
        }
    }

    fn end_cell(&mut self, cx: &mut PaneCx, layout: &Layout, save: bool, then: Then) {
        let Some(edit) = self.cell.now.take() else { return };
        if save && edit.text != edit.before {
            let known = cx.model.datasets.document(layout.record.id, edit.row).cloned().flatten();
            if let Some(document) = known {
                self.save_cell(cx, layout, &edit, &document);
            }
        }
        self.grid.want_focus = true;
        if then == Then::Stay {
            return;
        }
        // On to the next cell that can be written in, in this row or the one after.
        let cells: Vec<(usize, String)> = layout
            .columns
            .iter()
            .filter_map(|column| match column.shows {
                Shows::Cell(at) => Some((at, column.key.clone())),
                _ => None,
            })
            .collect();
        let Some(at) = cells.iter().position(|(at, _)| *at == edit.column) else { return };
        let by = if then == Then::Next { 1 } else { -1 };
        let (to, rows) = match at.checked_add_signed(by) {
            Some(to) if to < cells.len() => (to, 0),
            Some(_) => (0, 1),
            None => (cells.len() - 1, -1),
        };
        if rows != 0 {
            self.step_row(rows);
        }
        self.grid.column = Some(cells[to].1.clone());
        if let Some(row) = self.grid.row() {
            self.cell.want(row, cells[to].0);
        }
        self.grid.follow = true;
    }

    fn save_cell(&self, cx: &mut PaneCx, layout: &Layout, edit: &CellEdit, document: &Arc<RowDocument>) {
        let column = &layout.record.columns[edit.column];
        let mut value = document.value.clone();
        let was_text = matches!(value.get(&column.name), Some(Value::String(_)));
        let kind = if was_text { ColumnKind::Text } else { column.kind };
        value.insert(column.name.clone(), paste::value(&edit.text, kind));
        self.change_rows(cx, layout.record.id, vec![RowChange::Set { row: edit.row, value }]);
    }
}

impl CellEdit {
    /// Draws; says when it is done, whether what is written counts, and where to go.
    fn show(
        &mut self,
        ui: &Ui,
        cx: &PaneCx,
        (layout, cell): (&Layout, Rect),
        name: &str,
        number: bool,
    ) -> Option<(bool, Then)> {
        let t = cx.theme.tokens;
        let id = Id::unique(("cell", cx.slot));
        let width = cell.width().min(layout.body.right() - cell.left()).max(80.0);
        let lines = self.lines(ui, width - 20.0);
        let height = (lines * LINE + 12.0).max(ROW);
        let top = cell.top().min(layout.body.bottom() - height).max(layout.body.top());
        let rect = Rect::from_min_size(pos2(cell.left(), top), vec2(width, height));
        let mut done = None;
        let area = Area::new(id.with("area")).order(Order::Middle).fixed_pos(rect.min).constrain(false);
        area.show(ui.ctx(), |ui| {
            let radius = f32::from(size::RADIUS_CONTROL);
            let line = Stroke::new(2.0, t.accent);
            ui.painter().rect(rect, radius, t.field, line, egui::StrokeKind::Inside);
            ui.allocate_rect(rect, egui::Sense::hover());
            let keys = |modifiers, key| ui.input_mut(|i| i.consume_key(modifiers, key));
            let had = ui.memory(|m| m.has_focus(id));
            if had {
                if keys(Modifiers::SHIFT, Key::Tab) {
                    done = Some((true, Then::Previous));
                } else if keys(Modifiers::NONE, Key::Tab) {
                    done = Some((true, Then::Next));
                } else if keys(Modifiers::NONE, Key::Escape) {
                    done = Some((false, Then::Stay));
                } else if !ui.input(|i| i.modifiers.shift) && keys(Modifiers::NONE, Key::Enter) {
                    done = Some((true, Then::Stay));
                }
            }
            let inner = rect.shrink2(vec2(10.0, 6.0));
            let font = match number {
                true => Type::Hint.mono(Weight::Regular),
                false => Type::Body.font(Weight::Regular),
            };
            let mut child = ui.new_child(egui::UiBuilder::new().id_salt("field").max_rect(inner));
            egui::ScrollArea::vertical().max_height(inner.height()).show(&mut child, |ui| {
                let edit = TextEdit::multiline(&mut self.text)
                    .id(id)
                    .frame(Frame::NONE)
                    .margin(egui::Margin::ZERO)
                    .font(font)
                    .lock_focus(true)
                    .text_color(t.text_1)
                    .desired_rows(1)
                    .desired_width(inner.width());
                let response = ui.add(edit).accessible_name(name);
                // Escape is taken here: what is written does not count.
                let filter =
                    EventFilter { tab: true, horizontal_arrows: true, vertical_arrows: true, escape: true };
                ui.memory_mut(|m| m.set_focus_lock_filter(id, filter));
                if std::mem::take(&mut self.fresh) {
                    response.request_focus();
                    crate::widgets::mark_all(ui, id, &self.text);
                } else if had && response.lost_focus() && done.is_none() {
                    // Pressed elsewhere: what is written counts.
                    done = Some((true, Then::Stay));
                }
            });
        });
        done
    }

    /// Lines that the text takes at this width.
    fn lines(&self, ui: &Ui, width: f32) -> f32 {
        let font = Type::Body.font(Weight::Regular);
        let galley = ui.painter().layout(self.text.clone(), font, egui::Color32::PLACEHOLDER, width);
        (galley.size().y / LINE).round().clamp(1.0, LINES)
    }
}
