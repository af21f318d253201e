//! The top of the main tile: the documents when they are folded away, the kind of document, the model, the inspector.

use super::Playground;
use super::doc::View;
use super::message::one_line;
use crate::command::UiCommand;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons};
use crate::widgets::{self, Button, MenuItem, Select, icon_button, segments, tiles};
use egui::Ui;
use glassworks_protocol::chat::ChatKind;
use glassworks_protocol::text::Language;

#[derive(Default)]
pub struct HeaderState {
    pub(super) renaming: Option<(glassworks_protocol::ids::ModelId, String)>,
    /// Typed into the models' popover.
    pub(super) search: String,
}

impl Playground {
    pub(super) fn header_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: Option<&View>) {
        let folded = cx.folds_list();
        let picker_width = if cx.width < 900.0 { 96.0 } else { 168.0 };
        let shown = if cx.folds_inspector() { self.drawer } else { !self.inspector_hidden };
        let tip = cx.tip(ui, UiCommand::Inspector);
        let language = cx.language;
        let with_menu = folded && !self.compare.shown && view.is_some_and(|v| !v.is_empty());
        let mut asked = None;
        let (theme, width) = (std::sync::Arc::clone(&cx.theme), cx.width);
        let mut chips = std::mem::take(&mut self.chips);
        tiles::header(
            ui,
            |ui| {
                let icon = if shown { icons::SIDEBAR_SIMPLE } else { icons::SLIDERS_HORIZONTAL };
                if icon_button(ui, icon, tip).clicked() {
                    asked = Some(UiCommand::Inspector);
                }
                if with_menu && let Some(command) = document_menu(ui, language) {
                    asked = Some(command);
                }
                ui.add_space(4.0);
                chips.colour_by(ui, &theme, width);
            },
            |ui| {
                if folded {
                    self.list_picker(ui, cx, view, picker_width);
                }
                self.kind_switch(ui, cx, view, folded);
                // In Compare each column has its own.
                if !self.compare.shown {
                    self.model_button(ui, cx);
                }
            },
        );
        self.chips = chips;
        if let Some(command) = asked {
            self.run_command(command, cx);
        }
    }

    /// Chat or Completion goes to the document of that kind that was open last, or to a new one.
    fn kind_switch(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: Option<&View>, small: bool) {
        let open = view.map_or(ChatKind::Chat, |v| v.record.kind);
        let compares = self.compare.shown;
        // `None` is Compare.
        let mut kind = (!compares).then_some(open);
        let was = kind;
        let name = cx.t("playground.kind");
        let options = [
            (Some(ChatKind::Chat), cx.t("playground.chat")),
            (Some(ChatKind::Completion), cx.t("playground.completion")),
            (None, cx.t("compare.compare")),
        ];
        if small {
            Select::new(&name).show(ui, &mut kind, &options);
        } else {
            segments(ui, &name, &mut kind, &options, None);
        }
        if kind == was {
            return;
        }
        let Some(kind) = kind else { return self.open_compare(cx) };
        self.leave_compare();
        if kind == open && view.is_some() {
            return;
        }
        let fresh = view.is_some_and(|v| v.is_empty()) && self.stored_document().is_none();
        match self.last_of_kind[kind as usize].filter(|id| cx.model.chats.summary(*id).is_some()) {
            Some(id) => self.open_chat(id, cx),
            None if fresh => {
                if let Some(doc) = &mut self.doc {
                    doc.change_fresh(|record| record.kind = kind);
                    match kind {
                        ChatKind::Completion => self.editor.written.change(&doc.draft),
                        ChatKind::Chat => doc.draft.clone_from(&self.editor.written.text),
                    }
                }
                self.composer.want_focus = true;
            }
            None => self.new_document(kind, cx),
        }
    }

    /// The list of documents as a popover.
    fn list_picker(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: Option<&View>, width: f32) {
        let title = view.map(|v| super::list::title_of(cx, &v.record)).unwrap_or_default();
        let words = fitting(ui, &title, width - 76.0);
        let button = Button::quiet(words)
            .icon(icons::CHATS)
            .caret()
            .width(width)
            .name(cx.tf("playground.chats_open", &[("name", &title)]));
        let response = button.show(ui);
        if std::mem::take(&mut self.list.picker_wanted) {
            egui::Popup::open_id(ui.ctx(), egui::Popup::default_response_id(&response));
        }
        let opened = widgets::popover(&response, 280.0, |ui| {
            ui.set_height(460.0_f32.min(ui.ctx().content_rect().height() - 140.0));
            self.list_body(ui, cx)
        });
        if opened == Some(true) {
            egui::Popup::close_all(ui.ctx());
        }
    }
}

/// The beginning of `text` that is no wider than `width` on a button.
fn fitting(ui: &Ui, text: &str, width: f32) -> String {
    let font = Type::Body.font(Weight::Medium);
    let wide = |n: usize| {
        let words = one_line(text, n);
        let size = widgets::galley(ui, &words, font.clone(), egui::Color32::PLACEHOLDER).size().x;
        (words, size)
    };
    (1..=24).rev().map(wide).find(|(_, size)| *size <= width).map(|(words, _)| words).unwrap_or_default()
}

/// What can be done with the open document, where its row in the list is folded away.
fn document_menu(ui: &mut Ui, language: Language) -> Option<UiCommand> {
    let button = icon_button(ui, icons::DOTS_THREE, language.get("playground.document_menu"));
    let mut asked = None;
    widgets::menu(&button, 220.0, |ui| {
        for command in [UiCommand::RenameChat, UiCommand::ExportChat, UiCommand::TrashChat] {
            let Some(info) = command.info() else { continue };
            if MenuItem::new(language.get(info.key)).icon(info.icon).show(ui).clicked() {
                asked = Some(command);
            }
        }
    });
    asked
}
