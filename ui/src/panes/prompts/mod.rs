//! The prompt library: folders of prompts, the one that is written, its examples, its table of inputs and its versions.
//! This file holds what the pane keeps and puts the tiles together.

mod editor;
mod examples;
mod folders;
mod header;
mod highlight;
mod list;
mod list_rows;
mod offers;
mod preview;
mod rows_file;
mod table;
mod table_run;
mod table_side;
mod transfer;
mod variables;
mod versions;

use super::{Pane, PaneCx};
use crate::action::{Action, FilledPrompt, Open, Toast};
use crate::command::UiCommand;
use crate::model::{Listed, Pick};
use crate::theme::icons;
use crate::widgets::tiles::{self, TileSizes};
use crate::widgets::{self, Button};
use egui::Ui;
use glassworks_protocol::ids::{JobId, PromptId, PromptRunId};
use glassworks_protocol::prompts::{PromptBody, PromptEdit, PromptQuery, PromptRecord, Values};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Edit, Query};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What is written is stored at most so long after the first change to it.
const AUTOSAVE_MS: i64 = 800;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tab {
    #[default]
    Write,
    Examples,
    Table,
    Versions,
}

/// The prompt that is open, as the person works on it.
struct Editing {
    id: PromptId,
    body: PromptBody,
    /// The version that was in force when `body` was taken up.
    version: u32,
    unsaved_since_ms: Option<i64>,
    /// Its name while it is typed.
    name: Option<String>,
}

#[derive(Default)]
pub struct PromptsPane {
    open: Option<PromptId>,
    editing: Option<Editing>,
    tab: Tab,
    /// What stands for the variables, to try them.
    values: Values,
    writer: Option<Pick>,
    sizes: TileSizes,
    drawer: bool,
    list: list::ListState,
    folders: folders::FolderState,
    editor: editor::EditorState,
    preview: preview::PreviewState,
    versions: versions::VersionsState,
    transfer: transfer::TransferState,
    sheet: table::SheetState,
    rows_file: rows_file::RowsFile,
    manner: table_run::Manner,
    /// A run that was started here and has not been told of yet.
    awaited: Option<PromptRunId>,
    /// A job whose failure has been read.
    put_aside: Option<JobId>,
}

impl Pane for PromptsPane {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        self.begin(cx);
        let list = !cx.folds_list() && !cx.model.prompts.list().is_empty();
        let inspector = !cx.folds_inspector() && self.editing.is_some();
        let columns = tiles::columns(ui, &mut self.sizes, list, inspector);
        if let Some(rect) = columns.list {
            tiles::tile(ui, "prompts", rect, |ui| self.list_tile(ui, cx));
        }
        tiles::tile(ui, "prompt", columns.main, |ui| self.main(ui, cx));
        if let Some(rect) = columns.inspector {
            tiles::tile(ui, "try", rect, |ui| self.side(ui, cx));
        } else if self.editing.is_some() {
            let (mut open, width) = (self.drawer, self.sizes.inspector);
            tiles::drawer(ui, "try", columns.main, width, &mut open, |ui| self.side(ui, cx));
            self.drawer = open;
        }
        self.transfer_ui(ui.ctx(), cx);
        self.list_dialogs(ui.ctx(), cx);
        self.rows_dialog(ui.ctx(), cx);
        self.autosave(cx, false);
        let unsaved = self.editing.as_ref().and_then(|editing| editing.unsaved_since_ms);
        if let Some(since) = unsaved.or(self.sheet.unsaved_since_ms) {
            let due = u64::try_from((since + AUTOSAVE_MS - cx.now_ms).max(1)).unwrap_or(1);
            ui.ctx().request_repaint_after(Duration::from_millis(due));
        }
    }

    fn command(&mut self, command: UiCommand, cx: &mut PaneCx) -> bool {
        self.begin(cx);
        match command {
            UiCommand::NewPrompt => self.create(cx, PromptBody::default(), None),
            UiCommand::SavePrompt => self.save_version(cx, String::new()),
            UiCommand::Undo => self.step(cx, true),
            UiCommand::Redo => self.step(cx, false),
            UiCommand::Inspector => self.drawer ^= true,
            _ => return false,
        }
        true
    }

    fn open(&mut self, open: &Open, cx: &mut PaneCx) -> bool {
        self.begin(cx);
        match open {
            Open::Prompt(id) => self.open_prompt(*id, cx),
            Open::SavePrompt(body) => self.create(cx, (**body).clone(), None),
            Open::Path(path) if self.tab == Tab::Table && rows_file::has_rows(path) => {
                self.drop_rows(cx, path.clone());
            }
            Open::Path(path) if path.extension().is_some_and(|ending| ending == "json") => {
                self.import(cx, path.clone());
            }
            _ => return false,
        }
        true
    }

    fn save(&self) -> Option<Value> {
        Some(json!({
            "open": self.open,
            "tab": self.tab,
            "writer": self.writer,
            "values": self.values,
            "manner": self.manner,
            "sizes": self.sizes,
            "closed": self.list.closed(),
        }))
    }

    fn restore(&mut self, kept: &Value) {
        let part = |name: &str| kept.get(name).cloned().unwrap_or_default();
        self.open = serde_json::from_value(part("open")).unwrap_or_default();
        self.tab = serde_json::from_value(part("tab")).unwrap_or_default();
        self.writer = serde_json::from_value(part("writer")).unwrap_or_default();
        self.values = serde_json::from_value(part("values")).unwrap_or_default();
        self.manner = serde_json::from_value(part("manner")).unwrap_or_default();
        self.sizes = serde_json::from_value(part("sizes")).unwrap_or_default();
        self.list.restore_closed(part("closed"));
    }

    fn closing(&mut self, cx: &mut PaneCx) {
        self.autosave(cx, true);
    }
}

impl PromptsPane {
    /// Asks for what is needed, and takes up what has changed elsewhere.
    fn begin(&mut self, cx: &mut PaneCx) {
        if *cx.model.runs.listed() == Listed::NotAsked {
            cx.fetch(Query::Runs);
        }
        if !cx.model.runs.asked_checkpoints() {
            cx.fetch(Query::Checkpoints);
        }
        if *cx.model.prompts.listed() == Listed::NotAsked {
            cx.fetch(Query::Prompt(PromptQuery::All));
        }
        if *cx.model.prompts.listed() != Listed::Ready {
            return;
        }
        let there =
            |id: &PromptId| cx.model.prompts.get(*id).is_some_and(|record| record.trashed_at_ms.is_none());
        self.open = self.open.filter(there).or_else(|| self.list.first(cx));
        let Some(record) = self.open.and_then(|id| cx.model.prompts.get(id)).cloned() else {
            self.editing = None;
            return;
        };
        match &mut self.editing {
            Some(editing) if editing.id == record.id => editing.follow(&record),
            _ => {
                self.editing = Some(Editing::of(&record));
                self.sheet = table::SheetState::default();
            }
        }
    }

    fn main(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        match cx.model.prompts.listed().clone() {
            Listed::NotAsked | Listed::Asked => {
                widgets::working(ui, &cx.t("prompts.reading"), None);
            }
            Listed::Failed(failure) => {
                let again = Button::control(cx.t("prompts.ask_again")).icon(icons::ARROW_CLOCKWISE);
                if widgets::failed(ui, &failure, Some(again)) {
                    cx.fetch(Query::Prompt(PromptQuery::All));
                }
            }
            Listed::Ready => match self.record(cx) {
                Some(record) => self.prompt_ui(ui, cx, &record),
                None => self.nothing_ui(ui, cx),
            },
        }
    }

    fn prompt_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<PromptRecord>) {
        self.header_ui(ui, cx, record);
        match self.tab {
            Tab::Write => self.write_ui(ui, cx, record),
            Tab::Examples => self.examples_ui(ui, cx),
            Tab::Table => self.table_ui(ui, cx, record),
            Tab::Versions => self.versions_ui(ui, cx, record),
        }
    }

    /// What stands at the right.
    fn side(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        match (self.tab, self.record(cx)) {
            (Tab::Table, Some(record)) => self.row_tile(ui, cx, &record),
            _ => self.side_tile(ui, cx),
        }
    }

    /// The open one, as it is stored.
    fn record(&self, cx: &PaneCx) -> Option<Arc<PromptRecord>> {
        let editing = self.editing.as_ref()?;
        cx.model.prompts.get(editing.id).cloned()
    }

    fn open_prompt(&mut self, id: PromptId, cx: &mut PaneCx) {
        if self.open != Some(id) {
            self.autosave(cx, true);
            self.open = Some(id);
            self.versions = versions::VersionsState::default();
            self.preview = preview::PreviewState::default();
        }
    }

    /// A new one, open to be written; where nothing else is said in the folder of the one that was open.
    fn create(&mut self, cx: &mut PaneCx, body: PromptBody, folder: Option<&str>) {
        self.autosave(cx, true);
        let here = self.record(cx).map(|record| record.folder.clone()).unwrap_or_default();
        let name = self.free_name(cx, &cx.t("prompts.new_name"));
        let record = PromptRecord::new(name, folder.unwrap_or(&here), body, cx.now_ms);
        self.open = Some(record.id);
        self.tab = Tab::Write;
        self.editor.want_name = true;
        cx.edit(Edit::Prompt(PromptEdit::Create(Box::new(record))));
    }

    /// `name`, or `name 2` where it is taken.
    fn free_name(&self, cx: &PaneCx, name: &str) -> String {
        let taken = |name: &str| cx.model.prompts.kept().any(|one| one.name == name);
        if !taken(name) {
            return name.to_owned();
        }
        (2..).map(|n| format!("{name} {n}")).find(|name| !taken(name)).unwrap_or_default()
    }

    fn typed(&mut self, now_ms: i64) {
        if let Some(editing) = &mut self.editing {
            editing.unsaved_since_ms.get_or_insert(now_ms);
        }
    }

    fn is_changed(&self, record: &PromptRecord) -> bool {
        self.editing.as_ref().is_some_and(|editing| editing.body.tidied() != record.body)
    }

    fn autosave(&mut self, cx: &mut PaneCx, at_once: bool) {
        self.save_sheet(cx, at_once);
        let Some(editing) = &mut self.editing else { return };
        let Some(since) = editing.unsaved_since_ms else { return };
        if at_once || cx.now_ms - since >= AUTOSAVE_MS {
            editing.unsaved_since_ms = None;
            let draft = Some(Box::new(editing.body.clone()));
            cx.edit(Edit::Prompt(PromptEdit::Draft { prompt: editing.id, draft }));
        }
    }

    fn save_version(&mut self, cx: &mut PaneCx, label: String) {
        let Some(record) = self.record(cx) else { return };
        if !self.is_changed(&record) && label.trim().is_empty() {
            return;
        }
        let Some(editing) = &mut self.editing else { return };
        editing.unsaved_since_ms = None;
        let body = Box::new(editing.body.clone());
        cx.edit(Edit::Prompt(PromptEdit::Save { prompt: editing.id, body, label }));
    }

    /// What is being written becomes a version first, so that undoing loses nothing.
    fn step(&mut self, cx: &mut PaneCx, undo: bool) {
        let Some(record) = self.record(cx) else { return };
        let changed = self.is_changed(&record);
        if undo && changed {
            self.save_version(cx, String::new());
        }
        if undo && (changed || record.can_undo) {
            cx.edit(Edit::Prompt(PromptEdit::Undo(record.id)));
        } else if !undo && record.can_redo {
            cx.edit(Edit::Prompt(PromptEdit::Redo(record.id)));
        } else {
            let key = if undo { "shell.nothing_to_undo" } else { "shell.nothing_to_redo" };
            cx.toast(Toast::new(Text::new(key)));
        }
    }

    fn use_in_playground(&mut self, cx: &mut PaneCx, record: &PromptRecord) {
        let Some(editing) = &self.editing else { return };
        let filled = FilledPrompt {
            name: record.name.clone(),
            body: editing.body.tidied(),
            values: self.values.clone(),
        };
        cx.push(Action::Open(Open::UsePrompt(Arc::new(filled))));
    }
}

impl Editing {
    fn of(record: &PromptRecord) -> Self {
        Self {
            id: record.id,
            body: record.now().clone(),
            version: record.version,
            unsaved_since_ms: None,
            name: None,
        }
    }

    /// Another version is in force, by an undo or in another pane: it is what is shown, unless it is what stands here,
    /// or something has been written since.
    fn follow(&mut self, record: &PromptRecord) {
        if self.version == record.version {
            return;
        }
        self.version = record.version;
        if self.unsaved_since_ms.is_none() && self.body.tidied() != *record.now() {
            self.body = record.now().clone();
        }
    }
}
