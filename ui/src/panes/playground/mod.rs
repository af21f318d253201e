//! The playground: conversations and free texts with a model. This file holds what the pane keeps and puts the
//! tiles together; each part of it is drawn in a file of its own.

mod answer_page;
mod ask;
mod calendar;
mod chips;
mod colour_menu;
mod column;
mod command_line;
mod compare;
mod completion;
mod composer;
mod delta;
mod delta_card;
mod doc;
mod facts;
mod free_text;
mod generated;
mod header;
mod library_prompt;
mod list;
mod list_row;
mod markdown;
mod message;
mod message_row;
mod messages;
mod models_menu;
mod open_model;
mod pick;
mod preview;
mod prompt_options;
mod reply_menu;
mod sampling;
mod schema;
mod text_area;
mod think;
mod token_card;
mod transfer;
mod tuned;
mod welcome;
mod work;

use super::{Pane, PaneCx};
use crate::action::Open;
use crate::command::UiCommand;
use crate::widgets::{self, Button, tiles};
use doc::{Doc, View};
use egui::Ui;
use glassworks_protocol::chat::ChatKind;
use glassworks_protocol::ids::{ChatId, JobId, MessageId, ModelId, RunId};
use glassworks_protocol::train::TunedSource;
use std::collections::HashMap;
use std::time::Duration;

#[derive(Default)]
pub struct Playground {
    /// `None` before the first frame.
    doc: Option<Doc>,
    model: Option<ModelId>,
    /// What a run made of it, in its place or beside it.
    tuned: Option<TunedSource>,
    /// A run to talk to, once it is known what it keeps.
    tuned_wanted: Option<RunId>,
    /// Several models asked the same, in the place of a document.
    compare: compare::CompareState,
    /// Replies that are read again.
    delta: delta::DeltaState,
    /// A first model has been chosen in this run.
    begun: bool,
    /// The document of each kind that was open last, for switching between kinds.
    last_of_kind: [Option<ChatId>; 2],
    /// Jobs of the replies asked for here, to say why one failed.
    jobs: HashMap<MessageId, JobId>,
    /// The welcome has been left on purpose.
    welcomed: bool,
    sizes: tiles::TileSizes,
    inspector_hidden: bool,
    drawer: bool,
    /// Something lies over the pane, or did and the keyboard is nowhere yet.
    was_covered: bool,
    /// Whether the inspector was a drawer when the pane was drawn last.
    inspector_folds: bool,
    list: list::ListState,
    header: header::HeaderState,
    messages: messages::MessagesState,
    chips: chips::ChipsState,
    composer: composer::ComposerState,
    editor: completion::Editor,
    options: prompt_options::OptionsState,
    preview: preview::PreviewState,
    sampling: sampling::SamplingState,
    schema: schema::SchemaState,
    opener: open_model::OpenerState,
    transfer: transfer::TransferState,
    library: library_prompt::LibraryState,
}

impl Pane for Playground {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        self.begin(cx);
        let Some(id) = self.doc.as_ref().map(|d| d.id) else { return };
        let view = self.doc.as_ref().and_then(|d| d.view(cx.model));
        let something_open = self.something_open(ui);
        self.take_keyboard_back(ui, cx, something_open);
        ui.push_id(cx.slot, |ui| match &view {
            Some(view) if !self.compare.shown && self.is_welcome(cx, view) => self.welcome(ui, cx, view),
            _ => self.tiles(ui, cx, id, view.as_ref()),
        });
        self.opener_ui(ui.ctx(), cx);
        self.transfer_ui(ui.ctx(), cx);
        self.list_dialogs(ui.ctx(), cx);
        self.filling_ui(ui.ctx(), cx);
        if let Some(view) = &view {
            self.preview_ui(ui.ctx(), cx, view);
            self.schema_dialog(ui, cx, view);
        }
        self.refuse_pictures(ui, cx);
        if let Some(view) = view.as_ref().filter(|_| !self.compare.shown) {
            self.escape_stops(ui, cx, view, something_open);
        }
        self.autosave(cx, false);
        if let Some(due) = self.doc.as_ref().and_then(|d| d.due_ms(cx.now_ms)) {
            ui.ctx().request_repaint_after(Duration::from_millis(due));
        }
    }

    fn command(&mut self, command: UiCommand, cx: &mut PaneCx) -> bool {
        self.begin(cx);
        self.run_command(command, cx)
    }

    fn open(&mut self, open: &Open, cx: &mut PaneCx) -> bool {
        self.begin(cx);
        match open {
            Open::Chat(id) => self.open_chat(*id, cx),
            Open::Model(id) => self.choose_model(*id, cx),
            Open::Path(path) => self.open_path(path, cx),
            Open::Tuned(run) => self.tuned_wanted = Some(*run),
            Open::UsePrompt(filled) => self.use_prompt(filled, cx),
            _ => return false,
        }
        true
    }

    fn document(&self) -> Option<ChatId> {
        self.stored_document()
    }

    fn save(&self) -> Option<serde_json::Value> {
        Some(serde_json::json!({
            "chat": self.stored_document(),
            "model": self.model,
            "tuned": self.tuned,
            "tiles": self.sizes,
            "colour_by": self.chips.by,
            "schema": self.schema.last,
            "inspector_hidden": self.inspector_hidden,
            "compare": self.compare.save(),
        }))
    }

    fn restore(&mut self, kept: &serde_json::Value) {
        let part = |name: &str| kept.get(name).cloned().unwrap_or_default();
        self.doc = serde_json::from_value(part("chat")).ok().map(Doc::stored);
        self.composer.want_focus = self.doc.is_some();
        self.model = serde_json::from_value(part("model")).ok();
        self.tuned = serde_json::from_value(part("tuned")).ok().flatten();
        self.sizes = serde_json::from_value(part("tiles")).unwrap_or_default();
        self.chips.by = serde_json::from_value(part("colour_by")).unwrap_or_default();
        self.schema.last = serde_json::from_value(part("schema")).ok();
        self.inspector_hidden = serde_json::from_value(part("inspector_hidden")).unwrap_or_default();
        self.compare.restore(part("compare"));
    }

    fn closing(&mut self, cx: &mut PaneCx) {
        self.sampling.store(cx, true);
        self.store_system_prompt(cx);
        self.autosave(cx, true);
    }
}

impl Playground {
    /// The open document, once it has been stored.
    fn stored_document(&self) -> Option<ChatId> {
        self.doc.as_ref().filter(|d| d.fresh.is_none()).map(|d| d.id)
    }

    /// List, main and inspector beside each other, as far as there is room.
    fn tiles(&mut self, ui: &mut Ui, cx: &mut PaneCx, id: ChatId, view: Option<&View>) {
        self.inspector_folds = cx.folds_inspector();
        let list = !cx.folds_list();
        let inspector = !cx.folds_inspector() && !self.inspector_hidden;
        let columns = tiles::columns(ui, &mut self.sizes, list, inspector);
        if let Some(rect) = columns.list {
            tiles::tile(ui, "list", rect, |ui| self.list_tile(ui, cx));
        }
        tiles::tile(ui, "main", columns.main, |ui| {
            self.header_ui(ui, cx, view);
            if self.compare.shown {
                return self.compare_ui(ui, cx);
            }
            self.model_trouble(ui, cx);
            match view {
                Some(view) => self.body(ui, cx, view),
                None => self.missing(ui, cx, id),
            }
        });
        if let Some(rect) = columns.inspector {
            tiles::tile(ui, "inspector", rect, |ui| self.sampling_tile(ui, cx, view));
        } else if cx.folds_inspector() {
            let mut open = self.drawer;
            let width = self.sizes.inspector;
            tiles::drawer(ui, "inspector", columns.main, width, &mut open, |ui| {
                self.sampling_tile(ui, cx, view)
            });
            self.drawer = open;
        }
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        match view.record.kind {
            ChatKind::Chat => {
                self.composer_panel(ui, cx, view);
                self.messages_ui(ui, cx, view);
            }
            ChatKind::Completion => self.completion_ui(ui, cx, view),
        }
    }

    /// The document is being fetched, or cannot be.
    fn missing(&mut self, ui: &mut Ui, cx: &mut PaneCx, id: ChatId) {
        let failure = cx.model.chats.get(id).and_then(|s| s.failure.as_ref());
        match failure {
            Some(failure) => {
                let again = Button::control(cx.t("playground.new_chat"));
                if widgets::failed(ui, failure, Some(again)) {
                    self.new_document(ChatKind::Chat, cx);
                }
            }
            None => {
                ui.add_space(24.0);
                ui.vertical_centered(|ui| widgets::hint(ui, cx.t("playground.opening")));
            }
        }
    }
}
