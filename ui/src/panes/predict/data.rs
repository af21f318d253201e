//! The dialog in which the file is chosen: picked, typed, bundled or dropped.

use super::Predict;
use super::draft::{ENDINGS, file_name, is_rows};
use crate::action::Toast;
use crate::host::{FileKind, FileRequest, PickId};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, Field};
use egui::{Context, Key};
use glassworks_protocol::text::Text;
use std::path::Path;

#[derive(Default)]
pub struct DataDialog {
    open: bool,
    want_focus: bool,
    typed: String,
    pick: Option<PickId>,
}

impl DataDialog {
    pub fn open(&mut self) {
        self.open = true;
        self.want_focus = true;
    }

    pub fn is_open(&self) -> bool {
        self.open
    }
}

impl Predict {
    /// A file that was dropped on the window. Says whether it has rows.
    pub(super) fn drop_file(&mut self, path: &Path, cx: &mut PaneCx) -> bool {
        if !is_rows(path) {
            return false;
        }
        self.open = None;
        self.draft.choose_data(path.to_path_buf());
        let text = Text::new("finetune.file_added").arg("name", file_name(path));
        cx.toast(Toast::new(text).icon(icons::CHECK));
        true
    }

    pub(super) fn data_dialog(&mut self, ctx: &Context, cx: &mut PaneCx) {
        let mut chosen = cx.picked(&mut self.data.pick);
        if self.data.open {
            let theme = std::sync::Arc::clone(&cx.theme);
            let title = cx.t("predict.change_data");
            let mut done = false;
            let close = widgets::dialog(ctx, &theme, "rows", &title, 560.0, |ui| {
                ui.label(Type::Body.text(cx.t("predict.data_sentence"), theme.tokens.text_2));
                ui.horizontal(|ui| {
                    let button = Button::control(cx.t("finetune.choose_file")).icon(icons::FOLDER_OPEN);
                    if button.show(ui).clicked() {
                        self.data.pick = Some(cx.pick(FileRequest {
                            kind: FileKind::Open,
                            title: title.clone(),
                            suggested: String::new(),
                            filter: Some((cx.t("finetune.data"), ENDINGS.map(str::to_owned).to_vec())),
                        }));
                    }
                    let name = cx.t("predict.typed_path");
                    let width = (ui.available_width() - 80.0).max(120.0);
                    let field = Field::new(&name).mono().width(width).placeholder(name.as_str());
                    let response = field.show(ui, &mut self.data.typed);
                    if std::mem::take(&mut self.data.want_focus) {
                        response.request_focus();
                    }
                    let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
                    let path = cx.typed_path(&self.data.typed);
                    let off = path.is_none().then(|| cx.t("finetune.path_first"));
                    let pressed = Button::control(cx.t("predict.take")).off(off).show(ui).clicked();
                    if pressed || entered {
                        chosen = path;
                    }
                });
                if let Some(path) = cx.model.samples.first() {
                    ui.horizontal(|ui| {
                        widgets::hint(ui, cx.t("finetune.sample"));
                        let sample = Button::control(cx.t("finetune.sample_reviews")).icon(icons::BOOK_OPEN);
                        if sample.show(ui).clicked() {
                            chosen = Some(path.clone());
                        }
                    });
                }
                ui.add_space(8.0);
                done = Button::quiet(cx.t("shell.cancel")).show(ui).clicked();
            });
            self.data.open = !(close || done);
        }
        if let Some(path) = chosen {
            self.draft.choose_data(path);
            self.data.typed.clear();
            self.data.open = false;
        }
    }
}
