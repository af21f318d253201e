//! The documents: searched, grouped by day, renamed in place, moved to the trash and back.

use super::Playground;
use super::calendar::Age;
use crate::command::UiCommand;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::widgets::dialog;
use crate::widgets::{self, Button, Field, MenuItem, icon_button, tiles};
use egui::{Align, Context, Frame, Id, Layout, Margin, ScrollArea, Ui};
use glassworks_protocol::chat::{ChatKind, ChatRecord, ChatSummary};
use glassworks_protocol::ids::ChatId;
use glassworks_protocol::{Edit, Query};
use std::collections::HashSet;

#[derive(Default)]
pub struct ListState {
    search: String,
    /// What the search was last asked for, with the part of the list it looked into.
    searched: (String, bool),
    trash: bool,
    trash_asked: bool,
    pub(super) renaming: Option<(ChatId, String)>,
    pub(super) rename_wants_focus: bool,
    pub search_wanted: bool,
    pub picker_wanted: bool,
    /// Documents that were fetched, so that each is fetched once.
    pub asked: HashSet<ChatId>,
    /// To be confirmed.
    doomed: Option<Doomed>,
}

enum Doomed {
    One(ChatId, String),
    Trash,
}

impl ListState {
    pub fn rename(&mut self, id: ChatId, title: &str) {
        self.renaming = Some((id, title.to_owned()));
        self.rename_wants_focus = true;
        self.picker_wanted = true;
    }
}

/// What a document is called: its title, or what stands for one.
#[must_use]
pub(super) fn title_of(cx: &PaneCx, record: &ChatRecord) -> String {
    title(cx, &record.title, record.kind)
}

pub(super) fn title(cx: &PaneCx, title: &str, kind: ChatKind) -> String {
    match (title.trim(), kind) {
        ("", ChatKind::Chat) => cx.t("playground.untitled_chat"),
        ("", ChatKind::Completion) => cx.t("playground.untitled_completion"),
        (title, _) => title.to_owned(),
    }
}

impl Playground {
    pub(super) fn list_tile(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        // The list is here: no popover has to show it.
        self.list.picker_wanted = false;
        let title = cx.t(if self.list.trash { "playground.trash" } else { "playground.chats" });
        let tip = cx.tip(ui, UiCommand::NewChat);
        let trash = self.list.trash;
        let back = cx.t("playground.leave_trash");
        let (mut new, mut leave) = (false, false);
        tiles::header(
            ui,
            |ui| {
                if !trash {
                    new = icon_button(ui, icons::PLUS, tip).clicked();
                }
            },
            |ui| {
                if trash {
                    leave = icon_button(ui, icons::ARROW_LEFT, back).clicked();
                }
                widgets::title(ui, title);
            },
        );
        if new {
            self.run_command(UiCommand::NewChat, cx);
        }
        if leave {
            self.list.trash = false;
        }
        self.list_body(ui, cx);
    }

    /// Search, rows and foot; says whether a document was opened.
    pub(super) fn list_body(&mut self, ui: &mut Ui, cx: &mut PaneCx) -> bool {
        ui.add_space(10.0);
        let margin = Margin::symmetric(8, 0);
        Frame::new().inner_margin(margin).show(ui, |ui| self.search_ui(ui, cx));
        ui.add_space(6.0);
        let rows = self.rows(cx);
        let foot = size::HEADER;
        let height = (ui.available_height() - foot).max(40.0);
        let mut opened = false;
        ScrollArea::vertical()
            .id_salt(("chats", self.list.trash))
            .max_height(height)
            .auto_shrink(false)
            .show(ui, |ui| match &rows {
                Some(rows) if rows.is_empty() => self.no_rows(ui, cx),
                Some(rows) => opened = self.groups(ui, cx, rows),
                None => {
                    Frame::new()
                        .inner_margin(16)
                        .show(ui, |ui| widgets::hint(ui, cx.t("playground.searching")));
                }
            });
        Frame::new().inner_margin(margin).show(ui, |ui| self.list_foot(ui, cx));
        opened
    }

    fn search_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let name = cx.t("playground.search");
        let id = Id::unique(("search chats", cx.slot));
        let response = Field::new(&name)
            .icon(icons::MAGNIFYING_GLASS)
            .placeholder(&name)
            .width(ui.available_width())
            .id(id)
            .show(ui, &mut self.list.search);
        if std::mem::take(&mut self.list.search_wanted) {
            response.request_focus();
        }
        if response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Escape)) {
            self.list.search.clear();
        }
        let wanted = (self.list.search.trim().to_owned(), self.list.trash);
        if wanted != self.list.searched {
            if !wanted.0.is_empty() {
                cx.fetch(Query::Chats { search: wanted.0.clone(), trashed: wanted.1 });
            }
            self.list.searched = wanted;
        }
    }

    /// The rows to show; `None` while they are being fetched.
    fn rows(&mut self, cx: &mut PaneCx) -> Option<Vec<ChatSummary>> {
        let chats = &cx.model.chats;
        if !self.list.searched.0.is_empty() {
            return chats.search.rows.clone();
        }
        if !self.list.trash {
            return Some(chats.list.clone());
        }
        if !self.list.trash_asked {
            self.list.trash_asked = true;
            cx.fetch(Query::Chats { search: String::new(), trashed: true });
        }
        cx.model.chats.trash.clone()
    }

    fn no_rows(&self, ui: &mut Ui, cx: &PaneCx) {
        let key = match (self.list.searched.0.is_empty(), self.list.trash) {
            (false, _) => "playground.nothing_found",
            (true, true) => "playground.trash_empty",
            (true, false) => "playground.no_chats",
        };
        Frame::new().inner_margin(Margin::symmetric(16, 8)).show(ui, |ui| widgets::hint(ui, cx.t(key)));
    }

    fn groups(&mut self, ui: &mut Ui, cx: &mut PaneCx, rows: &[ChatSummary]) -> bool {
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut last = None;
        let mut opened = false;
        for row in rows {
            let at = row.trashed_at_ms.filter(|_| self.list.trash).unwrap_or(row.changed_at_ms);
            let age = Age::of(at, cx.now_ms, cx.utc_offset_secs);
            if last != Some(age) {
                ui.add_space(if last.is_some() { 12.0 } else { 4.0 });
                Frame::new()
                    .inner_margin(Margin { left: 18, right: 8, top: 0, bottom: 4 })
                    .show(ui, |ui| widgets::caption(ui, cx.t(age.key())));
                last = Some(age);
            }
            ui.push_id(row.id, |ui| opened |= self.row(ui, cx, row));
        }
        ui.add_space(8.0);
        opened
    }

    fn row(&mut self, ui: &mut Ui, cx: &mut PaneCx, row: &ChatSummary) -> bool {
        if self.list.renaming.as_ref().is_some_and(|(id, _)| *id == row.id) {
            self.rename_row(ui, cx);
            return false;
        }
        let selected = self.doc.as_ref().is_some_and(|d| d.id == row.id);
        match super::list_row::show(ui, cx, row, selected, self.list.trash) {
            Some(super::list_row::Asked::Open) => {
                self.open_chat(row.id, cx);
                return true;
            }
            Some(super::list_row::Asked::Rename) => {
                self.list.renaming = Some((row.id, title(cx, &row.title, row.kind)));
                self.list.rename_wants_focus = true;
            }
            Some(super::list_row::Asked::Trash) => self.trash_chat(cx, row.id),
            Some(super::list_row::Asked::Export) => self.transfer.ask_export(vec![row.id], &row.title),
            Some(super::list_row::Asked::Restore) => cx.edit(Edit::RestoreChat(row.id)),
            Some(super::list_row::Asked::Delete) => {
                self.list.doomed = Some(Doomed::One(row.id, title(cx, &row.title, row.kind)));
            }
            None => {}
        }
        false
    }

    fn rename_row(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some((id, mut text)) = self.list.renaming.clone() else { return };
        let name = cx.t("playground.new_title");
        let response = Frame::new()
            .inner_margin(Margin::symmetric(8, 8))
            .show(ui, |ui| {
                let field = Field::new(&name).width(ui.available_width()).id(Id::unique(("rename", cx.slot)));
                field.show(ui, &mut text)
            })
            .inner;
        if std::mem::take(&mut self.list.rename_wants_focus) {
            response.request_focus();
        } else if response.lost_focus() {
            if !ui.input(|i| i.key_pressed(egui::Key::Escape)) {
                cx.edit(Edit::RenameChat { chat: id, title: text.trim().to_owned() });
            }
            self.list.renaming = None;
            return;
        }
        self.list.renaming = Some((id, text));
    }

    fn list_foot(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        ui.horizontal(|ui| {
            ui.set_min_height(size::HEADER);
            ui.spacing_mut().item_spacing.x = 4.0;
            if self.list.trash {
                let empty = cx.model.chats.trash.as_ref().is_none_or(Vec::is_empty);
                let why = empty.then(|| cx.t("playground.trash_empty"));
                let button = Button::quiet(cx.t("playground.empty_trash")).icon(icons::TRASH).off(why);
                if button.show(ui).clicked() {
                    self.list.doomed = Some(Doomed::Trash);
                }
                return;
            }
            if Button::quiet(cx.t("playground.trash")).icon(icons::TRASH).show(ui).clicked() {
                self.list.trash = true;
                self.list.trash_asked = false;
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let more = icon_button(ui, icons::DOTS_THREE, cx.t("playground.list_menu"));
                self.list_menu(&more, cx);
            });
        });
    }

    fn list_menu(&mut self, button: &egui::Response, cx: &mut PaneCx) {
        let all: Vec<ChatId> = cx.model.chats.list.iter().map(|c| c.id).collect();
        widgets::menu(button, 240.0, |ui| {
            let item = MenuItem::new(cx.t("playground.new_completion")).icon(icons::TEXT_T);
            if item.show(ui).clicked() {
                self.run_command(UiCommand::NewCompletion, cx);
            }
            if MenuItem::new(cx.t("playground.import")).icon(icons::UPLOAD_SIMPLE).show(ui).clicked() {
                self.transfer.ask_import();
            }
            let none = all.is_empty().then(|| cx.t("playground.no_chats"));
            let item = MenuItem::new(cx.t("playground.export_all")).icon(icons::EXPORT).off(none);
            if item.show(ui).clicked() {
                self.transfer.ask_export(all, "glassworks-chats");
            }
        });
    }

    /// What cannot be taken back is asked first.
    pub(super) fn list_dialogs(&mut self, ctx: &Context, cx: &mut PaneCx) {
        let Some(doomed) = &self.list.doomed else { return };
        let (title, sentence) = match doomed {
            Doomed::One(_, title) => {
                (cx.t("playground.delete_title"), cx.tf("playground.delete_sentence", &[("name", title)]))
            }
            Doomed::Trash => {
                let n = cx.model.chats.trash.as_ref().map_or(0, Vec::len);
                (cx.t("playground.empty_trash_title"), cx.tf("playground.empty_trash_sentence", &[("n", &n)]))
            }
        };
        let (mut yes, mut no) = (false, false);
        let theme = std::sync::Arc::clone(&cx.theme);
        let close = dialog(ctx, &theme, "delete", &title, 380.0, |ui| {
            ui.label(Type::Body.text(sentence, theme.tokens.text_2));
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                yes = Button::danger(cx.t("playground.delete")).icon(icons::TRASH).show(ui).clicked();
                no = Button::control(cx.t("shell.cancel")).show(ui).clicked();
            });
        });
        if yes {
            let doomed = self.list.doomed.take();
            let open = self.doc.as_ref().and_then(|d| d.view(cx.model));
            let concerned = open.is_some_and(|open| match &doomed {
                Some(Doomed::One(id, _)) => *id == open.record.id,
                _ => open.record.trashed_at_ms.is_some(),
            });
            if concerned {
                self.new_document(self.natural_kind(cx), cx);
            }
            match doomed {
                Some(Doomed::One(id, _)) => cx.edit(Edit::DeleteChatForever(id)),
                Some(Doomed::Trash) => cx.edit(Edit::EmptyTrash),
                None => {}
            }
        } else if no || close {
            self.list.doomed = None;
        }
    }
}
