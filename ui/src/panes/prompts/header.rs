//! The head of a prompt: its name, what can be done with it, its views, folder and tags.

use super::list_rows;
use super::{PromptsPane, Tab};
use crate::command::UiCommand;
use crate::panes::PaneCx;
use crate::theme::{icons, size};
use crate::widgets::{self, Button, Field, Tone, icon_button, icon_button_off, tiles};
use egui::{Frame, Id, Key, Margin, Ui};
use glassworks_protocol::Edit;
use glassworks_protocol::prompts::{PromptEdit, PromptRecord, share::shown_folder};
use std::cell::RefCell;
use std::sync::Arc;

impl PromptsPane {
    pub(super) fn header_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<PromptRecord>) {
        let shared = RefCell::new((&mut *self, &mut *cx));
        tiles::header(
            ui,
            |ui| {
                let (pane, cx) = &mut *shared.borrow_mut();
                pane.header_right(ui, cx, record);
            },
            |ui| {
                let (pane, cx) = &mut *shared.borrow_mut();
                if cx.folds_list() {
                    pane.list_picker(ui, cx, record);
                }
                pane.name_field(ui, cx, record);
            },
        );
        let margin = Margin { left: 16, right: 16, top: 10, bottom: 10 };
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| self.views(ui, cx, record));
        });
    }

    fn header_right(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord) {
        if cx.folds_inspector() && icon_button(ui, icons::SIDEBAR, cx.t("prompts.try")).clicked() {
            self.drawer ^= true;
        }
        let changed = self.is_changed(record);
        let why = (!changed).then(|| cx.tf("prompts.saved_as", &[("n", &record.version)]));
        let tip = cx.tip(ui, UiCommand::SavePrompt);
        let words = cx.tf("prompts.save_version", &[("n", &(record.n_versions + 1))]);
        // One accent a pane: over the table it is what writes.
        let button = if self.tab == Tab::Table { Button::control(words) } else { Button::accent(words) };
        if button.icon(icons::FLOPPY_DISK).off(why).tooltip(tip).show(ui).clicked() {
            self.save_version(cx, String::new());
        }
        let button = icon_button(ui, icons::DOTS_THREE, cx.t("prompts.prompt_menu"));
        let asked = widgets::menu(&button, 200.0, |ui| list_rows::items(ui, cx, record.id, false));
        if let Some(asked) = asked.flatten() {
            self.list_asked(cx, asked);
        }
        let nothing = (!record.can_redo).then(|| cx.t("shell.nothing_to_redo"));
        if icon_button_off(ui, icons::ARROW_CLOCKWISE, cx.t("shell.cmd_redo"), nothing).clicked() {
            self.step(cx, false);
        }
        let nothing = (!record.can_undo && !changed).then(|| cx.t("shell.nothing_to_undo"));
        if icon_button_off(ui, icons::ARROW_COUNTER_CLOCKWISE, cx.t("shell.cmd_undo"), nothing).clicked() {
            self.step(cx, true);
        }
    }

    fn name_field(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord) {
        let id = Id::unique(("prompt name", cx.slot));
        let label = cx.t("prompts.name");
        let width = (ui.available_width() - 8.0).clamp(80.0, 320.0);
        let Some(editing) = &mut self.editing else { return };
        let mut name = editing.name.clone().unwrap_or_else(|| record.name.clone());
        let response = Field::new(&label).id(id).width(width).show(ui, &mut name);
        if std::mem::take(&mut self.editor.want_name) {
            response.request_focus();
            widgets::mark_all(ui, id, &name);
        }
        if response.changed() {
            editing.name = Some(name.clone());
        }
        if response.lost_focus() {
            editing.name = None;
            let escaped = ui.input(|i| i.key_pressed(Key::Escape));
            if !escaped && !name.trim().is_empty() && name.trim() != record.name {
                cx.edit(Edit::Prompt(PromptEdit::Rename { prompt: record.id, name }));
            }
        }
    }

    /// The list as a popover, where its tile is folded away.
    fn list_picker(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord) {
        let name = cx.tf("prompts.open_list", &[("name", &record.name)]);
        let response = Button::quiet("").icon(icons::SIDEBAR_SIMPLE).caret().name(name).show(ui);
        let opened = widgets::popover(&response, 280.0, |ui| {
            ui.set_height(460.0_f32.min(ui.ctx().content_rect().height() - 140.0));
            ui.horizontal(|ui| {
                if Button::control(cx.t("prompts.new")).icon(icons::PLUS).small().show(ui).clicked() {
                    self.create(cx, Default::default(), None);
                }
                if Button::quiet(cx.t("prompts.import"))
                    .icon(icons::DOWNLOAD_SIMPLE)
                    .small()
                    .show(ui)
                    .clicked()
                {
                    self.transfer.ask_import();
                }
            });
            self.list_body(ui, cx)
        });
        if opened == Some(true) {
            egui::Popup::close_all(ui.ctx());
        }
    }

    fn views(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord) {
        ui.set_min_height(size::CONTROL);
        let n_examples = self
            .editing
            .as_ref()
            .map_or(0, |editing| editing.body.examples.iter().filter(|example| !example.is_blank()).count());
        let options = [
            (Tab::Write, cx.t("prompts.tab_write")),
            (Tab::Examples, cx.tf("prompts.tab_examples", &[("n", &n_examples)])),
            (Tab::Table, cx.t("prompts.tab_table")),
            (Tab::Versions, cx.tf("prompts.tab_versions", &[("n", &record.n_versions)])),
        ];
        widgets::segments(ui, &cx.t("prompts.tab"), &mut self.tab, &options, None);
        ui.add_space(8.0);
        let folder = match record.folder.is_empty() {
            true => cx.t("prompts.no_folder"),
            false => shown_folder(&record.folder),
        };
        let name = cx.tf("prompts.folder_now", &[("path", &folder)]);
        if Button::quiet(folder).icon(icons::FOLDER).small().name(name).show(ui).clicked() {
            self.folders.ask_move(cx, record.id);
        }
        self.tags_button(ui, cx, record);
        for tag in record.tags.iter().take(3) {
            if ui.available_width() > 80.0 {
                widgets::tag(ui, Tone::Plain, tag.as_str());
            }
        }
    }

    fn tags_button(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PromptRecord) {
        let button = Button::quiet(cx.t("prompts.tags")).icon(icons::TAG).small().show(ui);
        let id = Id::unique(("prompt tags", cx.slot));
        widgets::popover(&button, 260.0, |ui| {
            let label = cx.t("prompts.tags_field");
            widgets::label(ui, &label);
            let mut text = self.editor.tags.clone().unwrap_or_else(|| record.tags.join(", "));
            let response = Field::new(&label).id(id).width(ui.available_width()).show(ui, &mut text);
            if response.changed() {
                self.editor.tags = Some(text.clone());
            }
            widgets::hint(ui, cx.t("prompts.tags_hint"));
            if response.lost_focus() && self.editor.tags.take().is_some() {
                let tags = text.split([',', '，', '、']).map(|tag| tag.trim().to_owned());
                let tags = tags.filter(|tag| !tag.is_empty()).collect();
                cx.edit(Edit::Prompt(PromptEdit::Tag { prompt: record.id, tags }));
            }
        });
    }
}
