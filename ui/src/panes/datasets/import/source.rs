//! Where data comes from: files, a folder, what was pasted, a typed path.

use super::super::DatasetsPane;
use crate::host::{FileKind, FileRequest};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{Button, Field};
use egui::{Key, Ui};
use glassworks_protocol::datasets::import::ImportSource;

impl DatasetsPane {
    /// Says whether the dialog is to be closed.
    pub(super) fn source_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) -> bool {
        let theme = std::sync::Arc::clone(&cx.theme);
        ui.label(Type::Body.text(cx.t("datasets.import_sentence"), theme.tokens.text_2));
        ui.horizontal_wrapped(|ui| {
            if Button::control(cx.t("datasets.choose_file")).icon(icons::FILE_TEXT).show(ui).clicked() {
                self.pick_source(cx, FileKind::Open);
            }
            if Button::control(cx.t("datasets.choose_folder")).icon(icons::FOLDER_OPEN).show(ui).clicked() {
                self.pick_source(cx, FileKind::Folder);
            }
            let pasting = self.import.pasted.is_some();
            let paste = Button::control(cx.t("datasets.paste_text")).icon(icons::TEXT_T).selected(pasting);
            if paste.show(ui).clicked() {
                self.import.pasted = if pasting { None } else { Some(String::new()) };
            }
        });
        match &mut self.import.pasted {
            Some(text) => {
                let name = cx.t("datasets.pasted_text");
                let field = Field::new(&name).mono().rows(9).width(ui.available_width());
                let field = field.placeholder(cx.t("datasets.pasted_hint"));
                field.show(ui, text);
                let off = text.trim().is_empty().then(|| cx.t("datasets.paste_first"));
                if Button::accent(cx.t("datasets.look_at_it")).off(off).show(ui).clicked() {
                    let text = std::mem::take(text);
                    self.import.choose(ImportSource::Text(text));
                }
            }
            None => self.typed_ui(ui, cx),
        }
        ui.add_space(4.0);
        Button::quiet(cx.t("shell.cancel")).show(ui).clicked()
    }

    fn typed_ui(&mut self, ui: &mut Ui, cx: &PaneCx) {
        ui.horizontal(|ui| {
            let name = cx.t("datasets.typed_path");
            let width = (ui.available_width() - 110.0).max(160.0);
            let field = Field::new(&name).mono().width(width).placeholder(&name);
            let response = field.show(ui, &mut self.import.typed);
            if std::mem::take(&mut self.import.want_focus) {
                response.request_focus();
            }
            let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            let path = cx.typed_path(&self.import.typed);
            let off = path.is_none().then(|| cx.t("datasets.no_path"));
            let pressed = Button::control(cx.t("datasets.look_at_it")).off(off).show(ui).clicked();
            if let Some(path) = path.filter(|_| pressed || entered) {
                self.bring(path);
            }
        });
    }

    pub fn pick_source(&mut self, cx: &mut PaneCx, kind: FileKind) {
        let filter = (kind == FileKind::Open)
            .then(|| (cx.t("datasets.files_with_rows"), super::ENDINGS.map(str::to_owned).to_vec()));
        let title = cx.t("datasets.import_title");
        let request = FileRequest { kind, title, suggested: String::new(), filter };
        self.import.picking = Some(cx.pick(request));
    }
}
