//! What is done with the selected rows: added, duplicated, taken away, moved, copied, given a split.

use super::grid::{Layout, ROW};
use super::{DatasetsPane, list, paste};
use crate::action::Toast;
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::units;
use egui::{Event, Key, Modifiers, Rect, Ui, pos2, vec2};
use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::{
    ColumnKind, DatasetEdit, DatasetQuery, DatasetRecord, Row, RowId, RowLine, Split,
};
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Edit, Query};
use serde_json::Value;
use std::sync::Arc;

/// Rows that are copied or duplicated at once.
const MOST: usize = 20_000;

/// What waits for all of some rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    Copy,
    Duplicate,
}

#[derive(Default)]
pub struct Doing {
    /// All of these rows were asked for, and why.
    wanted: Option<(Vec<RowId>, With)>,
    /// Rows were added in this state of the dataset, below this one: those that come are looked at.
    adding: Option<(u64, Option<RowId>)>,
    /// The first of them is to be written in.
    write_new: bool,
}

impl Doing {
    /// Whether the row that has been added is to be written in.
    pub fn take_write_new(&mut self) -> bool {
        std::mem::take(&mut self.write_new)
    }
}

impl DatasetsPane {
    /// Changes rows, undone in one.
    pub(super) fn change_rows(&self, cx: &mut PaneCx, dataset: DatasetId, changes: Vec<RowChange>) {
        if !changes.is_empty() {
            cx.edit(Edit::Dataset(DatasetEdit::Rows { dataset, changes }));
        }
    }

    /// Keys that do something with rows, while the grid has the keyboard.
    pub(super) fn row_keys(&mut self, ui: &Ui, cx: &mut PaneCx, layout: &Layout) {
        let record = layout.record;
        let pressed = |modifiers, key| ui.input_mut(|i| i.consume_key(modifiers, key));
        if pressed(Modifiers::NONE, Key::Enter) || pressed(Modifiers::NONE, Key::F2) {
            self.write_cell(layout);
        }
        if pressed(Modifiers::NONE, Key::Slash) {
            self.filters.want_focus = true;
        }
        if pressed(Modifiers::ALT, Key::ArrowUp) {
            self.move_by(cx, record, false);
        }
        if pressed(Modifiers::ALT, Key::ArrowDown) {
            self.move_by(cx, record, true);
        }
        if pressed(Modifiers::COMMAND, Key::D) {
            self.want_values(cx, record.id, With::Duplicate);
        }
        if pressed(Modifiers::NONE, Key::Delete) || pressed(Modifiers::COMMAND, Key::Backspace) {
            self.remove_rows(cx, record.id);
        }
        if ui.input(|i| i.events.iter().any(|event| matches!(event, Event::Copy))) {
            self.want_values(cx, record.id, With::Copy);
        }
    }

    /// The selected rows in the order they are shown in.
    pub(super) fn selected_rows(&self) -> Vec<RowId> {
        self.selection.of(&self.view.rows)
    }

    pub(super) fn remove_rows(&mut self, cx: &mut PaneCx, dataset: DatasetId) {
        let rows = self.selected_rows();
        if rows.is_empty() {
            return;
        }
        // The keyboard goes on with what comes after them.
        let last = rows.last().and_then(|row| self.view.place(*row)).unwrap_or(0);
        let left = self.view.rows.iter().enumerate().filter(|(_, row)| !self.selection.contains(**row));
        let (before, after): (Vec<_>, Vec<_>) = left.partition(|(place, _)| *place < last);
        let next = after.first().or(before.last()).map(|(place, row)| (*place, **row));
        let text = match rows.len() {
            1 => Text::new("datasets.removed_one"),
            n => Text::new("datasets.removed").arg("n", units::grouped(n as u64)),
        };
        self.change_rows(cx, dataset, vec![RowChange::Remove { rows }]);
        let undo = Edit::Dataset(DatasetEdit::Undo(dataset));
        cx.toast(Toast::new(text).icon(icons::TRASH).undo(undo));
        if let Some((place, row)) = next {
            let rows = Arc::clone(&self.view.rows);
            self.grid.go(place, &rows, true);
            self.selection.only(&[row]);
        }
    }

    /// Takes the selected rows one place up or down, as one block.
    fn move_by(&mut self, cx: &mut PaneCx, record: &DatasetRecord, down: bool) {
        if !self.may_move(cx) {
            return;
        }
        let rows = self.selected_rows();
        let places: Vec<usize> = rows.iter().filter_map(|row| self.view.place(*row)).collect();
        let (Some(first), Some(last)) = (places.first(), places.last()) else { return };
        let before = match down {
            true if last + 1 >= self.view.rows.len() => return,
            true => self.view.rows.get(last + 2).copied(),
            false => match first.checked_sub(1) {
                Some(above) => Some(self.view.rows[above]),
                None => return,
            },
        };
        self.grid.follow = true;
        self.change_rows(cx, record.id, vec![RowChange::Move { rows, before }]);
    }

    /// Where rows are shown in another order than their own, a place among them says nothing.
    fn may_move(&self, cx: &mut PaneCx) -> bool {
        let may = self.view.in_own_order();
        if !may {
            cx.toast(Toast::new(Text::new("datasets.no_move_sorted")));
        }
        may
    }

    /// Rows under the pointer's drag: a line shows where they will go; let go of, they go there.
    pub(super) fn take_rows(
        &mut self,
        ui: &Ui,
        cx: &mut PaneCx,
        layout: &Layout,
        (under, done): (f64, bool),
    ) {
        let n_rows = self.view.rows.len();
        let place = (under.round().max(0.0) as usize).min(n_rows);
        let top = layout.body.top() + self.grid.scroll.y(place, ROW);
        let line = Rect::from_min_size(pos2(layout.body.left(), top - 1.0), vec2(layout.body.width(), 2.0));
        ui.painter().with_clip_rect(layout.body).rect_filled(line, 1.0, cx.theme.tokens.accent);
        ui.ctx().set_cursor_icon(egui::CursorIcon::Grabbing);
        if !done {
            return;
        }
        let rows = self.selected_rows();
        let next = self.view.rows[place..].iter().find(|row| !self.selection.contains(**row));
        let there = rows
            .iter()
            .filter_map(|row| self.view.place(*row))
            .all(|at| at >= place.saturating_sub(rows.len()) && at < place + rows.len());
        let first = rows.first().and_then(|row| self.view.place(*row));
        // Put down where they are.
        if there && first.is_some_and(|first| (first..=first + rows.len()).contains(&place)) {
            return;
        }
        let before = next.copied();
        self.change_rows(cx, layout.record.id, vec![RowChange::Move { rows, before }]);
    }

    pub(super) fn set_split(&self, cx: &mut PaneCx, dataset: DatasetId, split: Option<Split>) {
        let rows = self.selected_rows();
        if !rows.is_empty() {
            self.change_rows(cx, dataset, vec![RowChange::SetSplit { rows, split }]);
        }
    }

    /// Keeps what is wrong with the selected rows as it is, or looks at it again.
    pub(super) fn accept(&self, cx: &mut PaneCx, dataset: DatasetId, accepted: bool) {
        let rows = self.selected_rows();
        if !rows.is_empty() {
            self.change_rows(cx, dataset, vec![RowChange::Accept { rows, accepted }]);
        }
    }

    /// An empty row below the one at the keyboard.
    pub(super) fn add_row(&mut self, cx: &mut PaneCx, record: &DatasetRecord) {
        let text = |kind: ColumnKind| match kind {
            ColumnKind::Text => Some(Value::String(String::new())),
            ColumnKind::Messages | ColumnKind::Spans | ColumnKind::List => Some(Value::Array(Vec::new())),
            _ => None,
        };
        let columns = record.columns.iter();
        let value: Row = columns.filter_map(|one| Some((one.name.clone(), text(one.kind)?))).collect();
        self.add_rows(cx, record, vec![value]);
        self.doing.write_new = true;
    }

    /// New rows below the one at the keyboard, at the end where another order is shown.
    pub(super) fn add_rows(&mut self, cx: &mut PaneCx, record: &DatasetRecord, values: Vec<Row>) {
        let last = || self.view.rows.iter().max().copied();
        let after = if self.view.in_own_order() { self.grid.row().or_else(last) } else { last() };
        let split = after.and_then(|row| cx.model.datasets.line(record.id, row)).and_then(|line| line.split);
        let add = |value| RowChange::Add { after, value, split, made: None };
        // Each goes right below `after`: the last of them first.
        let changes = values.into_iter().rev().map(add).collect();
        self.doing.adding = Some((record.revision, self.grid.row()));
        self.change_rows(cx, record.id, changes);
    }

    /// What was pasted where nothing is being typed: rows of the dataset that is open, else one to be brought.
    pub(super) fn pasted(&mut self, ui: &Ui, cx: &mut PaneCx) {
        let busy = ui.ctx().text_edit_focused() || ui.memory(|m| m.top_modal_layer()).is_some();
        if busy || !cx.focused {
            return;
        }
        // Taken out of the events: a frame may be drawn twice.
        let text = ui.input_mut(|i| {
            let at = i.events.iter().position(|event| matches!(event, Event::Paste(_)))?;
            match i.events.remove(at) {
                Event::Paste(text) => Some(text),
                _ => None,
            }
        });
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return };
        let Some(record) = self.record(cx) else {
            self.bring_text(text);
            return;
        };
        if self.tab != super::Tab::Rows {
            return;
        }
        let rows = paste::rows(&text, &record);
        if !rows.is_empty() {
            let told = list::n_rows(cx, rows.len() as u64);
            self.add_rows(cx, &record, rows);
            let undo = Edit::Dataset(DatasetEdit::Undo(record.id));
            cx.toast(Toast::new(Text::new("datasets.pasted_rows").arg("rows", told)).undo(undo));
        }
    }

    /// Asks for all of the selected rows.
    pub(super) fn want_values(&mut self, cx: &mut PaneCx, dataset: DatasetId, with: With) {
        let rows = self.selected_rows();
        if rows.is_empty() {
            return;
        }
        if rows.len() > MOST {
            let most = units::grouped(MOST as u64);
            cx.toast(Toast::new(Text::new("datasets.too_many_at_once").arg("n", most)));
            return;
        }
        cx.fetch(Query::Dataset(DatasetQuery::Values { dataset, rows: rows.clone() }));
        self.doing.wanted = Some((rows, with));
    }

    /// What has come of what was asked for.
    pub(super) fn settle_rows(&mut self, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        if let Some((rows, with)) = &self.doing.wanted
            && let Some(values) = cx.model.datasets.values(record.id, rows).cloned()
        {
            match with {
                With::Copy => cx.copy(as_lines(&values)),
                With::Duplicate => self.duplicate(cx, record, &values),
            }
            self.doing.wanted = None;
        }
        let Some((revision, below)) = self.doing.adding else { return };
        let Some((at, added)) = cx.model.datasets.added(record.id) else { return };
        if at <= revision {
            return;
        }
        let added: Vec<RowId> = added.to_vec();
        self.doing.adding = None;
        for row in &added {
            self.pin(below, *row);
        }
        self.wanted_row = added.iter().min().copied();
        self.wanted_selection = Some(added);
    }

    /// Each below the one that it is like.
    fn duplicate(&mut self, cx: &mut PaneCx, record: &DatasetRecord, values: &[(RowId, Row)]) {
        let split = |row: RowId| {
            let line: Option<&RowLine> = cx.model.datasets.line(record.id, row);
            line.and_then(|line| line.split)
        };
        let add = |(row, value): &(RowId, Row)| RowChange::Add {
            after: Some(*row),
            value: value.clone(),
            split: split(*row),
            made: None,
        };
        let changes: Vec<RowChange> = values.iter().map(add).collect();
        self.doing.adding = Some((record.revision, values.last().map(|(row, _)| *row)));
        self.change_rows(cx, record.id, changes);
    }
}

/// Rows as they are copied: one as JSON that is easy to read, several a line each.
fn as_lines(values: &[(RowId, Row)]) -> String {
    let written = |row: &Row, pretty: bool| {
        let text = if pretty { serde_json::to_string_pretty(row) } else { serde_json::to_string(row) };
        text.unwrap_or_default()
    };
    match values {
        [(_, row)] => written(row, true),
        values => values.iter().map(|(_, row)| written(row, false)).collect::<Vec<_>>().join("\n"),
    }
}
