//! A table whose cells are fields: rows in sight are drawn, a table from elsewhere can be pasted into it.

use super::{Field, icon_button, paint::galley};
use crate::theme::{self, Type, Weight, icons, size};
use egui::text::{LayoutJob, TextWrapping};
use egui::{Event, Id, Key, Modifiers, Rect, Response, ScrollArea, Stroke, Ui, UiBuilder, pos2, vec2};

const HEADINGS: f32 = 30.0;
const NUMBER: f32 = 44.0;
const MENU: f32 = 32.0;
const GAP: f32 = 6.0;
const LEAST: f32 = 88.0;

/// Lends the text of a cell, by row and column, to what is called with it; that says whether it was changed.
pub type LendText<'a> = dyn FnMut(usize, usize, &mut dyn FnMut(&mut String) -> bool) + 'a;
/// Draws a cell that is no field, by row and column, at its place.
pub type DrawCell<'a> = dyn FnMut(&mut Ui, usize, usize, Rect) + 'a;

/// A column of cells.
pub struct GridColumn {
    /// Its heading, and what its fields are called.
    pub name: String,
    /// Beside others' widths.
    pub share: f32,
    /// Drawn by the caller: not a field.
    pub shown: bool,
    /// Stands in an empty field.
    pub hint: String,
}

impl GridColumn {
    #[must_use]
    pub fn field(name: impl Into<String>, share: f32) -> Self {
        Self { name: name.into(), share, shown: false, hint: String::new() }
    }

    #[must_use]
    pub fn shown(name: impl Into<String>, share: f32) -> Self {
        Self { name: name.into(), share, shown: true, hint: String::new() }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// What a person did in a table.
#[derive(Clone, Debug)]
pub enum GridAsked {
    /// The row's menu was pressed: its place is the response's.
    Menu(usize, Box<Response>),
    Remove(usize),
    /// To another place.
    Move(usize, usize),
    /// Several cells of text, to begin at row and column.
    Paste(usize, usize, String),
    /// A row below the last one.
    Add,
    /// Cells of the row were looked at or written in.
    At(usize),
}

pub struct EditGrid<'a> {
    pub id: Id,
    pub columns: &'a [GridColumn],
    pub n_rows: usize,
    /// Lines of text in a field.
    pub lines: usize,
    pub row_height: f32,
    /// The row that is marked.
    pub at: Option<usize>,
    pub height: f32,
}

impl EditGrid<'_> {
    /// Draws; `text` lends the text of a field, `shown` draws any other cell.
    pub fn show(&self, ui: &mut Ui, text: &mut LendText<'_>, shown: &mut DrawCell<'_>) -> Vec<GridAsked> {
        let mut asked = Vec::new();
        let room = ui.available_width() - NUMBER - MENU - 8.0;
        let shares: f32 = self.columns.iter().map(|column| column.share).sum();
        let widths: Vec<f32> =
            self.columns.iter().map(|column| (room * column.share / shares.max(0.1)).max(LEAST)).collect();
        let width = widths.iter().sum::<f32>() + NUMBER + MENU + 8.0;
        ScrollArea::horizontal().id_salt(self.id).auto_shrink([false, true]).show(ui, |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 0.0;
            self.headings(ui, &widths);
            let area = ScrollArea::vertical().id_salt((self.id, "rows")).max_height(self.height - HEADINGS);
            area.auto_shrink([false, true]).show_viewport(ui, |ui, viewport| {
                ui.set_height(self.row_height * self.n_rows as f32);
                let (left, top) = (ui.min_rect().left(), ui.min_rect().top());
                let first = (viewport.min.y / self.row_height).floor().max(0.0) as usize;
                let end = ((viewport.max.y / self.row_height).ceil() as usize).min(self.n_rows);
                for row in first..end {
                    let at = pos2(left, top + row as f32 * self.row_height);
                    let rect = Rect::from_min_size(at, vec2(width, self.row_height));
                    self.row(ui, row, rect, &widths, (text, shown), &mut asked);
                }
            });
        });
        asked
    }

    fn headings(&self, ui: &mut Ui, widths: &[f32]) {
        let t = theme::of(ui).tokens;
        let (_, rect) = ui.allocate_space(vec2(ui.available_width(), HEADINGS));
        ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.line_soft));
        let mut x = rect.left() + NUMBER;
        for (column, width) in self.columns.iter().zip(widths) {
            let font = Type::Hint.font(Weight::Medium);
            let mut job = LayoutJob::simple_singleline(column.name.clone(), font, t.text_3);
            job.wrap = TextWrapping::truncate_at_width(width - GAP);
            let words = ui.painter().layout_job(job);
            ui.painter().galley(pos2(x + 2.0, rect.center().y - words.size().y / 2.0), words, t.text_3);
            x += width;
        }
    }

    fn row(
        &self,
        ui: &mut Ui,
        row: usize,
        rect: Rect,
        widths: &[f32],
        (text, shown): (&mut LendText<'_>, &mut DrawCell<'_>),
        asked: &mut Vec<GridAsked>,
    ) {
        let t = theme::of(ui).tokens;
        if self.at == Some(row) {
            ui.painter().rect_filled(
                rect.shrink2(vec2(0.0, 1.0)),
                f32::from(size::RADIUS_CONTROL),
                t.selected,
            );
        }
        ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.line_soft));
        let number = galley(ui, (row + 1).to_string(), Type::Hint.mono(Weight::Regular), t.text_3);
        let at = pos2(rect.left() + NUMBER - 12.0 - number.size().x, rect.center().y - number.size().y / 2.0);
        ui.painter().galley(at, number, t.text_3);
        let mut x = rect.left() + NUMBER;
        for (idx, (column, width)) in self.columns.iter().zip(widths).enumerate() {
            let cell = Rect::from_min_size(pos2(x, rect.top()), vec2(width - GAP, self.row_height));
            x += width;
            if column.shown {
                shown(ui, row, idx, cell);
                continue;
            }
            let name = format!("{}, {}", column.name, row + 1);
            let height = self.lines as f32 * 20.0 + if self.lines > 1 { 12.0 } else { 8.0 };
            let inner = Rect::from_center_size(cell.center(), vec2(cell.width(), height));
            let mut child = ui.new_child(UiBuilder::new().id_salt((row, idx)).max_rect(inner));
            text(row, idx, &mut |words| self.cell(&mut child, (row, idx), &name, words, asked));
        }
        let menu = Rect::from_center_size(
            pos2(rect.right() - MENU / 2.0, rect.center().y),
            vec2(size::CONTROL_SMALL, size::CONTROL_SMALL),
        );
        let mut child = ui.new_child(UiBuilder::new().id_salt((row, "menu")).max_rect(menu));
        let words = theme::of(ui).language.format("prompts.row_menu", &[("n", &(row + 1))]);
        let response = icon_button(&mut child, icons::DOTS_THREE, words);
        asked.push(GridAsked::Menu(row, Box::new(response)));
    }

    /// Says whether the text was changed.
    fn cell(
        &self,
        ui: &mut Ui,
        (row, column): (usize, usize),
        name: &str,
        words: &mut String,
        asked: &mut Vec<GridAsked>,
    ) -> bool {
        let id = self.id.with(("cell", row, column));
        let focused = ui.memory(|m| m.has_focus(id));
        if focused {
            if self.at != Some(row) {
                asked.push(GridAsked::At(row));
            }
            if let Some(table) = take_table(ui, self.lines == 1) {
                asked.push(GridAsked::Paste(row, column, table));
            }
            self.keys(ui, row, column, asked);
        }
        let hint = self.columns[column].hint.as_str();
        let field = Field::new(name).id(id).width(ui.available_width()).placeholder(hint);
        let field = if self.lines > 1 { field.rows(self.lines) } else { field };
        let response = field.show(ui, words);
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        if entered && self.lines == 1 {
            if row + 1 == self.n_rows {
                asked.push(GridAsked::Add);
            }
            ui.memory_mut(|m| m.request_focus(self.id.with(("cell", row + 1, column))));
        }
        response.changed()
    }

    fn keys(&self, ui: &Ui, row: usize, column: usize, asked: &mut Vec<GridAsked>) {
        let pressed = |modifiers: Modifiers, key: Key| ui.input_mut(|i| i.consume_key(modifiers, key));
        for (key, to) in [(Key::ArrowUp, row.checked_sub(1)), (Key::ArrowDown, Some(row + 1))] {
            let Some(to) = to.filter(|to| *to < self.n_rows) else { continue };
            let focus = || ui.memory_mut(|m| m.request_focus(self.id.with(("cell", to, column))));
            if pressed(Modifiers::ALT, key) {
                asked.push(GridAsked::Move(row, to));
                focus();
            } else if self.lines == 1 && pressed(Modifiers::NONE, key) {
                focus();
            }
        }
        if pressed(Modifiers::COMMAND, Key::Backspace) {
            asked.push(GridAsked::Remove(row));
        }
    }
}

/// A pasted text that is several cells, taken out of the frame's events.
fn take_table(ui: &Ui, lines_too: bool) -> Option<String> {
    ui.input_mut(|i| {
        let is_table = |text: &str| {
            text.contains('\t') || lines_too && text.trim_end_matches(['\n', '\r']).contains('\n')
        };
        let at = i.events.iter().position(|event| matches!(event, Event::Paste(text) if is_table(text)))?;
        match i.events.remove(at) {
            Event::Paste(text) => Some(text),
            _ => None,
        }
    })
}
