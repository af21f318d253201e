//! The tile at the left: search, folders with their prompts, the trash.

use super::PromptsPane;
use super::list_rows::{self, Line};
use crate::action::Toast;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::widgets::{self, Button, MenuItem, icon_button, tiles};
use egui::{Context, Frame, Margin, ScrollArea, Ui};
use glassworks_protocol::Edit;
use glassworks_protocol::ids::PromptId;
use glassworks_protocol::prompts::{PromptBody, PromptEdit, PromptRecord};
use glassworks_protocol::text::Text;
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Default)]
pub struct ListState {
    search: String,
    trash: bool,
    /// Folders whose prompts are not shown.
    closed: BTreeSet<String>,
    /// To be confirmed.
    doomed: Option<PromptId>,
}

impl ListState {
    pub fn closed(&self) -> &BTreeSet<String> {
        &self.closed
    }

    pub fn restore_closed(&mut self, kept: serde_json::Value) {
        self.closed = serde_json::from_value(kept).unwrap_or_default();
    }

    /// The prompt that is open where none was chosen: the one changed last.
    pub fn first(&self, cx: &PaneCx) -> Option<PromptId> {
        cx.model.prompts.kept().max_by_key(|record| record.changed_at_ms).map(|record| record.id)
    }
}

/// What a row was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    Open(PromptId),
    Rename(PromptId),
    Duplicate(PromptId),
    Move(PromptId),
    Export(Vec<PromptId>),
    Trash(PromptId),
    Restore(PromptId),
    Delete(PromptId),
    Fold(String),
    NewIn(String),
    RenameFolder(String),
}

impl PromptsPane {
    pub(super) fn list_tile(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let trash = self.list.trash;
        let title = cx.t(if trash { "prompts.trash" } else { "shell.pane_prompts" });
        let (mut new, mut leave, mut more) = (false, false, None);
        tiles::header(
            ui,
            |ui| {
                if !trash {
                    new = icon_button(ui, icons::PLUS, cx.t("prompts.new")).clicked();
                    more = self.library_menu(ui, cx);
                }
            },
            |ui| {
                if trash {
                    leave = icon_button(ui, icons::ARROW_LEFT, cx.t("prompts.leave_trash")).clicked();
                }
                widgets::title(ui, title);
            },
        );
        if new {
            self.create(cx, PromptBody::default(), None);
        }
        if leave {
            self.list.trash = false;
        }
        match more {
            Some(true) => self.transfer.ask_import(),
            Some(false) => {
                let all = cx.model.prompts.kept().map(|record| record.id).collect();
                self.transfer.ask_export(all, &cx.t("prompts.file_name"));
            }
            None => {}
        }
        self.list_body(ui, cx);
    }

    /// Files in and out; `Some(true)` is in.
    fn library_menu(&self, ui: &mut Ui, cx: &PaneCx) -> Option<bool> {
        let button = icon_button(ui, icons::DOTS_THREE, cx.t("prompts.library_menu"));
        let none = cx.model.prompts.kept().next().is_none();
        let mut asked = None;
        widgets::menu(&button, 200.0, |ui| {
            if MenuItem::new(cx.t("prompts.import")).icon(icons::DOWNLOAD_SIMPLE).show(ui).clicked() {
                asked = Some(true);
            }
            let off = none.then(|| cx.t("prompts.none"));
            if MenuItem::new(cx.t("prompts.export_all")).icon(icons::EXPORT).off(off).show(ui).clicked() {
                asked = Some(false);
            }
        });
        asked
    }

    /// Search, rows and foot; says whether a prompt was opened.
    pub(super) fn list_body(&mut self, ui: &mut Ui, cx: &mut PaneCx) -> bool {
        ui.add_space(10.0);
        let margin = Margin::symmetric(8, 0);
        Frame::new().inner_margin(margin).show(ui, |ui| {
            let width = ui.available_width();
            widgets::search_field(ui, &cx.t("prompts.search"), width, &mut self.list.search);
        });
        ui.add_space(6.0);
        let lines = self.lines(cx);
        let height = (ui.available_height() - size::HEADER).max(40.0);
        let mut asked = None;
        ScrollArea::vertical()
            .id_salt(("prompts", self.list.trash))
            .max_height(height)
            .auto_shrink(false)
            .show(ui, |ui| {
                if lines.is_empty() {
                    let key = match (self.list.search.trim().is_empty(), self.list.trash) {
                        (false, _) => "prompts.none_found",
                        (true, true) => "prompts.trash_empty",
                        (true, false) => "prompts.none",
                    };
                    Frame::new().inner_margin(16).show(ui, |ui| widgets::hint(ui, cx.t(key)));
                }
                ui.spacing_mut().item_spacing.y = 0.0;
                for line in &lines {
                    let selected = matches!(line, Line::Prompt { record, .. }
                        if !self.list.trash && self.open == Some(record.id));
                    if let Some(what) = list_rows::row(ui, cx, line, selected, self.list.trash) {
                        asked = Some(what);
                    }
                }
            });
        Frame::new().inner_margin(margin).show(ui, |ui| self.list_foot(ui, cx));
        let opened = matches!(asked, Some(Asked::Open(_)));
        if let Some(asked) = asked {
            self.list_asked(cx, asked);
        }
        opened
    }

    fn list_foot(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let n = cx.model.prompts.list().iter().filter(|one| one.trashed_at_ms.is_some()).count();
        if self.list.trash || n == 0 {
            return;
        }
        let words = cx.tf("prompts.trash_n", &[("n", &n)]);
        ui.add_space(8.0);
        if Button::quiet(words).icon(icons::TRASH).show(ui).clicked() {
            self.list.trash = true;
        }
    }

    /// What the list shows: folders with their prompts; what a search finds without its folders.
    fn lines(&self, cx: &PaneCx) -> Vec<Line> {
        let words = self.list.search.trim().to_lowercase();
        let trash = self.list.trash;
        let mut found: Vec<Arc<PromptRecord>> = cx
            .model
            .prompts
            .list()
            .iter()
            .filter(|record| record.trashed_at_ms.is_some() == trash && is_about(record, &words))
            .cloned()
            .collect();
        found.sort_by_key(|record| (record.folder.to_lowercase(), record.name.to_lowercase()));
        list_rows::lines(&found, trash || !words.is_empty(), &self.list.closed)
    }

    pub(super) fn list_asked(&mut self, cx: &mut PaneCx, asked: Asked) {
        match asked {
            // What lies in the trash is restored first.
            Asked::Open(_) if self.list.trash => {}
            Asked::Open(id) => self.open_prompt(id, cx),
            Asked::Rename(id) => {
                self.open_prompt(id, cx);
                self.editor.want_name = true;
            }
            Asked::Duplicate(id) => self.duplicate(cx, id),
            Asked::Move(id) => self.folders.ask_move(cx, id),
            Asked::Export(prompts) => {
                let name = prompts.first().and_then(|id| cx.model.prompts.get(*id));
                let name = name.map(|record| record.name.clone()).unwrap_or_default();
                self.transfer.ask_export(prompts, &name);
            }
            Asked::Trash(id) => self.trash(cx, id),
            Asked::Restore(id) => cx.edit(Edit::Prompt(PromptEdit::Restore(id))),
            Asked::Delete(id) => self.list.doomed = Some(id),
            Asked::Fold(folder) => {
                if !self.list.closed.remove(&folder) {
                    self.list.closed.insert(folder);
                }
            }
            Asked::NewIn(folder) => self.create(cx, PromptBody::default(), Some(&folder)),
            Asked::RenameFolder(folder) => self.folders.ask_rename(folder),
        }
    }

    pub(super) fn trash(&mut self, cx: &mut PaneCx, id: PromptId) {
        self.autosave(cx, true);
        cx.edit(Edit::Prompt(PromptEdit::Trash(id)));
        let name = cx.model.prompts.get(id).map(|record| record.name.clone()).unwrap_or_default();
        let text = Text::new("prompts.trashed").arg("name", name);
        cx.toast(Toast::new(text).icon(icons::TRASH).undo(Edit::Prompt(PromptEdit::Restore(id))));
        if self.open == Some(id) {
            self.open = None;
            self.editing = None;
        }
    }

    pub(super) fn duplicate(&mut self, cx: &mut PaneCx, id: PromptId) {
        self.autosave(cx, true);
        let Some(record) = cx.model.prompts.get(id).cloned() else { return };
        let name = self.free_name(cx, &cx.tf("prompts.copy_of", &[("name", &record.name)]));
        let body = match &self.editing {
            Some(editing) if editing.id == id => editing.body.clone(),
            _ => record.now().clone(),
        };
        let copy = PromptRecord {
            tags: record.tags.clone(),
            ..PromptRecord::new(name, &record.folder, body.tidied(), cx.now_ms)
        };
        self.open = Some(copy.id);
        cx.edit(Edit::Prompt(PromptEdit::Create(Box::new(copy))));
    }

    pub(super) fn list_dialogs(&mut self, ctx: &Context, cx: &mut PaneCx) {
        self.folder_dialogs(ctx, cx);
        let Some(record) = self.list.doomed.and_then(|id| cx.model.prompts.get(id)).cloned() else {
            self.list.doomed = None;
            return;
        };
        let theme = Arc::clone(&cx.theme);
        let title = cx.tf("prompts.delete_title", &[("name", &record.name)]);
        let (mut delete, mut keep) = (false, false);
        let close = widgets::dialog(ctx, &theme, "delete prompt", &title, 440.0, |ui| {
            ui.label(Type::Body.text(cx.t("prompts.delete_sentence"), theme.tokens.text_2));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                delete = Button::danger(cx.t("prompts.delete")).show(ui).clicked();
                keep = Button::control(cx.t("shell.cancel")).show(ui).clicked();
            });
        });
        if delete {
            cx.edit(Edit::Prompt(PromptEdit::DeleteForever(record.id)));
        }
        if delete || keep || close {
            self.list.doomed = None;
        }
    }
}

/// Whether all words stand somewhere in it.
fn is_about(record: &PromptRecord, words: &str) -> bool {
    let body = record.now();
    let all = [&record.name, &record.folder, &body.text, &body.system];
    let all: Vec<String> = all.into_iter().chain(&record.tags).map(|text| text.to_lowercase()).collect();
    words.split_whitespace().all(|word| all.iter().any(|text| text.contains(word)))
}
