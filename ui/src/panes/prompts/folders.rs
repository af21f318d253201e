//! Moving a prompt to another folder, and giving a folder another name.

use super::PromptsPane;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, Field, MenuItem};
use egui::{Context, Key, Ui};
use glassworks_protocol::Edit;
use glassworks_protocol::ids::PromptId;
use glassworks_protocol::prompts::{PromptEdit, folder_path, share::shown_folder};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Default)]
pub struct FolderState {
    asking: Option<Asking>,
    text: String,
    want_focus: bool,
}

enum Asking {
    Move(PromptId),
    Rename(String),
}

impl FolderState {
    pub fn ask_move(&mut self, cx: &PaneCx, id: PromptId) {
        self.text = cx.model.prompts.get(id).map(|record| record.folder.clone()).unwrap_or_default();
        (self.asking, self.want_focus) = (Some(Asking::Move(id)), true);
    }

    pub fn ask_rename(&mut self, folder: String) {
        self.text.clone_from(&folder);
        (self.asking, self.want_focus) = (Some(Asking::Rename(folder)), true);
    }
}

impl PromptsPane {
    pub(super) fn folder_dialogs(&mut self, ctx: &Context, cx: &mut PaneCx) {
        let Some(asking) = &self.folders.asking else { return };
        let title = match asking {
            Asking::Move(_) => cx.t("prompts.move_title"),
            Asking::Rename(folder) => {
                cx.tf("prompts.rename_folder_title", &[("path", &shown_folder(folder))])
            }
        };
        let moves = matches!(asking, Asking::Move(_));
        let theme = Arc::clone(&cx.theme);
        let (mut go, mut cancel) = (false, false);
        let close = widgets::dialog(ctx, &theme, "prompt folder", &title, 440.0, |ui| {
            ui.label(Type::Body.text(cx.t("prompts.folder_hint"), theme.tokens.text_2));
            go = self.folder_field(ui, cx, moves);
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                let words = cx.t(if moves { "prompts.move_here" } else { "prompts.rename_it" });
                go |= Button::accent(words).show(ui).clicked();
                cancel = Button::quiet(cx.t("shell.cancel")).show(ui).clicked();
            });
        });
        if go {
            self.carry_folder_out(cx);
        }
        if go || cancel || close {
            self.folders.asking = None;
        }
    }

    /// The field, and folders that are there; says whether Enter was pressed.
    fn folder_field(&mut self, ui: &mut Ui, cx: &PaneCx, choose: bool) -> bool {
        let name = cx.t("prompts.folder");
        let mut entered = false;
        ui.horizontal(|ui| {
            let width = ui.available_width() - if choose { 120.0 } else { 0.0 };
            let field = Field::new(&name).width(width).placeholder(cx.t("prompts.folder_example"));
            let response = field.show(ui, &mut self.folders.text);
            if std::mem::take(&mut self.folders.want_focus) {
                response.request_focus();
            }
            entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            if choose {
                let button = Button::control(cx.t("prompts.folders")).caret().show(ui);
                widgets::menu(&button, 220.0, |ui| {
                    let top = MenuItem::new(cx.t("prompts.no_folder")).icon(icons::X);
                    if top.show(ui).clicked() {
                        self.folders.text.clear();
                    }
                    for folder in folders(cx) {
                        let item = MenuItem::new(shown_folder(&folder)).icon(icons::FOLDER);
                        if item.show(ui).clicked() {
                            self.folders.text = folder;
                        }
                    }
                });
            }
        });
        entered
    }

    fn carry_folder_out(&mut self, cx: &mut PaneCx) {
        let to = folder_path(&self.folders.text);
        match &self.folders.asking {
            Some(Asking::Move(prompt)) => {
                cx.edit(Edit::Prompt(PromptEdit::Move { prompt: *prompt, folder: to }));
            }
            Some(Asking::Rename(from)) => {
                let below = format!("{from}/");
                let moved = cx.model.prompts.list().iter().filter_map(|record| {
                    let rest = match record.folder.strip_prefix(&below) {
                        Some(rest) => format!("/{rest}"),
                        None if record.folder == *from => String::new(),
                        None => return None,
                    };
                    Some((record.id, format!("{to}{rest}")))
                });
                for (prompt, folder) in moved.collect::<Vec<_>>() {
                    cx.edit(Edit::Prompt(PromptEdit::Move { prompt, folder }));
                }
            }
            None => {}
        }
    }
}

/// All folders that hold prompts.
fn folders(cx: &PaneCx) -> BTreeSet<String> {
    let all = cx.model.prompts.kept().map(|record| record.folder.clone());
    all.filter(|folder| !folder.is_empty()).collect()
}
