//! Datasets: the list of them, a dataset's rows in a grid, all of one row beside it. This file holds what the pane
//! keeps and puts the tiles together.

mod bad;
mod cells;
mod columns;
mod edit_cell;
mod export;
mod filter_form;
mod filter_words;
mod filters;
mod grid;
mod header;
mod headings;
mod home;
mod import;
mod inside;
mod keys;
mod list;
mod looking;
mod notes;
mod overview;
mod paste;
mod prepare;
mod row;
mod row_menu;
mod rows;
mod scroll;
mod seen;
mod select;
mod side;
mod versions;
mod view;

pub use import::has_rows;

use super::{Pane, PaneCx};
use crate::action::{Open, Toast};
use crate::command::UiCommand;
use crate::model::Listed;
use crate::widgets::tiles::{self, Columns, Reach, TileSizes};
use egui::Ui;
use glassworks_protocol::datasets::{DataTask, DatasetEdit, DatasetQuery, DatasetRecord, Role, RowId};
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Edit, Query};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

const INSPECTOR: f32 = 320.0;
/// Of rows of which two texts are read side by side.
const WIDE_INSPECTOR: f32 = 460.0;

/// What the tile in the middle shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tab {
    #[default]
    Rows,
    /// What the rows hold, and what is odd about them.
    Overview,
    /// Changes to many rows.
    Prepare,
    /// What could not be read when it came in.
    Bad,
    Versions,
}

impl Tab {
    /// Those that stand side by side in the head.
    const VIEWS: &'static [(Self, &'static str)] = &[
        (Self::Rows, "datasets.tab_rows"),
        (Self::Overview, "datasets.tab_overview"),
        (Self::Prepare, "datasets.tab_prepare"),
    ];
}

pub struct DatasetsPane {
    open: Option<DatasetId>,
    tab: Tab,
    view: view::View,
    grid: grid::Grid,
    selection: select::Selection,
    doing: rows::Doing,
    list: list::ListState,
    looking: looking::Looking,
    prepare: prepare::Prepare,
    replace: prepare::Replace,
    filters: filters::FilterBar,
    cell: edit_cell::CellState,
    import: import::ImportState,
    export: export::ExportState,
    versions: versions::VersionsState,
    notes: notes::NotesState,
    bad: bad::BadState,
    /// All bad rows are to be dismissed, once confirmed.
    doomed_bad: bool,
    row: row::RowTile,
    seen: seen::Seen,
    /// The name while it is typed.
    name: Option<String>,
    want_name: bool,
    /// A row to be in the keyboard's hands as soon as it is among those shown, and rows to be selected with it.
    wanted_row: Option<RowId>,
    wanted_selection: Option<Vec<RowId>>,
    sizes: TileSizes,
    /// How wide the tile at the right is where two texts stand side by side.
    wide: f32,
    drawer: bool,
}

impl Default for DatasetsPane {
    fn default() -> Self {
        Self {
            open: None,
            tab: Tab::default(),
            view: view::View::default(),
            grid: grid::Grid::default(),
            selection: select::Selection::default(),
            doing: rows::Doing::default(),
            list: list::ListState::default(),
            looking: looking::Looking::default(),
            prepare: prepare::Prepare::default(),
            replace: prepare::Replace::default(),
            filters: filters::FilterBar::default(),
            cell: edit_cell::CellState::default(),
            import: import::ImportState::default(),
            export: export::ExportState::default(),
            versions: versions::VersionsState::default(),
            notes: notes::NotesState::default(),
            bad: bad::BadState::default(),
            doomed_bad: false,
            row: row::RowTile::default(),
            seen: seen::Seen::default(),
            name: None,
            want_name: false,
            wanted_row: None,
            wanted_selection: None,
            sizes: TileSizes { inspector: INSPECTOR, ..TileSizes::default() },
            wide: WIDE_INSPECTOR,
            drawer: false,
        }
    }
}

impl Pane for DatasetsPane {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        self.begin(cx);
        match self.record(cx) {
            Some(record) => self.dataset_ui(ui, cx, &record),
            None => self.home_ui(ui, cx),
        }
        self.replace_dialog(ui.ctx(), cx);
        self.pasted(ui, cx);
        let ctx = ui.ctx().clone();
        self.list_dialogs(&ctx, cx);
        self.import_ui(&ctx, cx);
        self.export_ui(&ctx, cx);
        self.bad_dialog(&ctx, cx);
        self.notes_dialog(&ctx, cx);
    }

    fn command(&mut self, command: UiCommand, cx: &mut PaneCx) -> bool {
        self.begin(cx);
        let record = self.record(cx);
        match (command, record) {
            (UiCommand::Inspector, _) => self.drawer ^= true,
            (UiCommand::ReplaceRows, Some(record)) => self.open_replace(&record),
            (UiCommand::SearchChats, Some(_)) if self.tab == Tab::Rows => self.filters.want_focus = true,
            (UiCommand::Send, Some(record)) if self.tab == Tab::Bad => self.mend_bad(cx, &record),
            (UiCommand::ImportData, _) => self.import.ask(None),
            // What is being written is stored at once.
            (UiCommand::Send, Some(_)) => drop(self.row.flush(cx)),
            (UiCommand::AddRow, Some(record)) => self.add_row(cx, &record),
            (UiCommand::Undo | UiCommand::Redo, Some(record)) => {
                self.step(cx, &record, command == UiCommand::Undo);
            }
            _ => return false,
        }
        true
    }

    fn open(&mut self, open: &Open, cx: &mut PaneCx) -> bool {
        self.begin(cx);
        match open {
            Open::Dataset(id) => self.open_dataset(*id),
            Open::DatasetRow(id, row) => self.show_row(*id, *row),
            Open::BadRows(id) => {
                self.open_dataset(*id);
                self.show_bad();
            }
            Open::Path(path) if has_rows(path) || path.extension().is_none() => self.bring(path.clone()),
            _ => return false,
        }
        true
    }

    fn save(&self) -> Option<Value> {
        Some(json!({
            "open": self.open,
            "tab": self.tab,
            "sizes": self.sizes,
            "wide": self.wide,
            "widths": self.grid.widths,
            "seen": self.seen.choices,
        }))
    }

    fn restore(&mut self, kept: &Value) {
        let part = |name: &str| kept.get(name).cloned().unwrap_or_default();
        self.open = serde_json::from_value(part("open")).unwrap_or_default();
        self.tab = serde_json::from_value(part("tab")).unwrap_or_default();
        self.sizes = serde_json::from_value(part("sizes")).unwrap_or(self.sizes);
        self.wide = serde_json::from_value(part("wide")).unwrap_or(self.wide);
        self.grid.widths = serde_json::from_value(part("widths")).unwrap_or_default();
        self.seen.choices = serde_json::from_value(part("seen")).unwrap_or_default();
    }

    fn closing(&mut self, cx: &mut PaneCx) {
        self.row.flush(cx);
    }
}

impl DatasetsPane {
    /// Asks for what is needed, and lets go of what is gone.
    fn begin(&mut self, cx: &mut PaneCx) {
        match cx.model.datasets.listed() {
            Listed::NotAsked => cx.fetch(Query::Dataset(DatasetQuery::All)),
            Listed::Ready => {
                let there = |id: &DatasetId| {
                    cx.model.datasets.get(*id).is_some_and(|record| record.trashed_at_ms.is_none())
                };
                if self.open.is_some_and(|id| !there(&id)) {
                    self.close_dataset();
                }
            }
            Listed::Asked | Listed::Failed(_) => {}
        }
        let Some(record) = self.record(cx) else { return };
        // What they made is chosen among models.
        if *cx.model.runs.listed() == Listed::NotAsked {
            cx.fetch(Query::Runs);
        }
        if !cx.model.runs.asked_checkpoints() {
            cx.fetch(Query::Checkpoints);
        }
        self.settle_rows(cx, &record);
        self.looking.begin(cx, &record, self.tab == Tab::Overview);
        self.follow_view(cx, &record);
        self.go_to_wanted(cx);
        if let Some(row) = self.grid.row()
            && cx.model.datasets.wants_document(record.id, row)
        {
            cx.fetch(Query::Dataset(DatasetQuery::Row { dataset: record.id, row }));
        }
        let labelled =
            [Role::Label, Role::Tags, Role::Spans].iter().any(|role| record.mapping.column(*role).is_some());
        if labelled && cx.model.datasets.wants_labels(&record) {
            cx.fetch(Query::Dataset(DatasetQuery::Labels(record.id)));
        }
    }

    /// The one that is open, as it is stored.
    fn record(&self, cx: &PaneCx) -> Option<Arc<DatasetRecord>> {
        cx.model.datasets.get(self.open?).cloned()
    }

    fn dataset_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        self.row_work(ui, cx, record);
        let list = !cx.folds_list();
        let beside = matches!(self.tab, Tab::Rows | Tab::Bad);
        let inspector = beside && !cx.folds_inspector();
        let columns = self.columns(ui, record, list, inspector);
        if let Some(rect) = columns.list {
            tiles::tile(ui, "dataset", rect, |ui| self.side_tile(ui, cx, record));
        }
        tiles::tile(ui, "rows", columns.main, |ui| {
            self.header_ui(ui, cx, record);
            match self.tab {
                Tab::Rows => {
                    let mut rect = ui.available_rect_before_wrap();
                    let mut below = rect;
                    rect.max.y -= self.seen.height(rect.height());
                    below.min.y = rect.max.y;
                    self.grid_ui(ui, cx, record, rect);
                    self.seen_ui(ui, cx, record, below);
                }
                Tab::Overview => self.overview_ui(ui, cx, record),
                Tab::Prepare => self.prepare_ui(ui, cx, record),
                Tab::Bad => self.bad_ui(ui, cx, record),
                Tab::Versions => self.versions_ui(ui, cx, record),
            }
        });
        if let Some(rect) = columns.inspector {
            tiles::tile(ui, "row", rect, |ui| self.beside_tile(ui, cx, record));
        } else if beside {
            let (mut open, width) = (self.drawer, self.sizes.inspector);
            tiles::drawer(ui, "row", columns.main, width, &mut open, |ui| self.beside_tile(ui, cx, record));
            self.drawer = open;
        }
    }

    /// The tiles' places; where two texts stand side by side, theirs is wider and remembers it apart.
    fn columns(&mut self, ui: &mut Ui, record: &DatasetRecord, list: bool, inspector: bool) -> Columns {
        let pairs = matches!(record.mapping.task, DataTask::Pairs | DataTask::Preference);
        if !pairs || self.tab != Tab::Rows {
            let reach = Reach { usual: INSPECTOR, ..Reach::default() };
            return tiles::columns_reaching(ui, &mut self.sizes, list, inspector, reach);
        }
        let room = ui.available_width() - if list { self.sizes.list } else { 0.0 };
        let mut sizes = TileSizes { inspector: self.wide, ..self.sizes };
        let reach = Reach { usual: WIDE_INSPECTOR, most: room / 2.0 };
        let columns = tiles::columns_reaching(ui, &mut sizes, list, inspector, reach);
        (self.wide, self.sizes.list) = (sizes.inspector, sizes.list);
        columns
    }

    fn beside_tile(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        match self.tab {
            Tab::Bad => self.bad_tile(ui, cx, record),
            _ => self.row_tile(ui, cx, record),
        }
    }

    fn open_dataset(&mut self, id: DatasetId) {
        if self.open != Some(id) {
            self.close_dataset();
            self.open = Some(id);
            self.list.opened();
            self.grid.want_focus = true;
        }
    }

    /// A row, also one that what was looked for leaves out.
    fn show_row(&mut self, id: DatasetId, row: RowId) {
        self.close_dataset();
        self.open_dataset(id);
        self.wanted_row = Some(row);
    }

    /// Back to the list of all.
    fn close_dataset(&mut self) {
        self.open = None;
        self.tab = Tab::Rows;
        self.view = view::View::default();
        let widths = std::mem::take(&mut self.grid.widths);
        self.grid = grid::Grid::with_widths(widths);
        self.selection.clear();
        self.doing = rows::Doing::default();
        self.filters = filters::FilterBar::default();
        self.cell = edit_cell::CellState::default();
        self.versions = versions::VersionsState::default();
        self.bad = bad::BadState::default();
        self.doomed_bad = false;
        self.name = None;
        (self.wanted_row, self.wanted_selection) = (None, None);
    }

    /// A row that was waited for is there.
    fn go_to_wanted(&mut self, cx: &PaneCx) {
        let Some(place) = self.wanted_row.and_then(|row| self.view.place(row)) else { return };
        self.press(place, egui::Modifiers::NONE);
        if let Some(rows) = self.wanted_selection.take() {
            self.selection.only(&rows);
        }
        if let Some(row) = self.wanted_row.take().filter(|_| self.doing.take_write_new())
            && let Some(record) = self.record(cx)
            && let Some(column) = columns::order(&record).first()
        {
            self.grid.column = Some(record.columns[*column].name.clone());
            self.cell.want(row, *column);
        }
        self.grid.follow = true;
    }

    /// What could not be read, instead of rows.
    fn show_bad(&mut self) {
        self.tab = Tab::Bad;
        self.bad.show();
    }

    /// Undo or redo.
    fn step(&mut self, cx: &mut PaneCx, record: &DatasetRecord, undo: bool) {
        // What is being written is an edit first, so that it is what is taken back.
        let wrote = self.row.flush(cx);
        let there = if undo { &record.undo } else { &record.redo };
        if there.is_none() && !(undo && wrote) {
            let key = if undo { "shell.nothing_to_undo" } else { "shell.nothing_to_redo" };
            cx.toast(Toast::new(Text::new(key)));
            return;
        }
        self.row.follow_stored(cx);
        let edit = if undo { DatasetEdit::Undo(record.id) } else { DatasetEdit::Redo(record.id) };
        cx.edit(Edit::Dataset(edit));
    }
}
