//! Where a dataset comes from, and what a person notes of it; the starters' cards.

use super::DatasetsPane;
use crate::panes::PaneCx;
use crate::theme::Type;
use crate::widgets::{self, Button, Field};
use egui::{Context, Id};
use glassworks_protocol::Edit;
use glassworks_protocol::datasets::{DatasetEdit, DatasetRecord};
use glassworks_protocol::ids::DatasetId;
use std::sync::Arc;

#[derive(Default)]
pub struct NotesState {
    open: Option<(DatasetId, String)>,
    want_focus: bool,
}

impl NotesState {
    pub fn show(&mut self, record: &DatasetRecord) {
        self.open = Some((record.id, record.notes.clone()));
        self.want_focus = true;
    }
}

impl DatasetsPane {
    pub(super) fn notes_dialog(&mut self, ctx: &Context, cx: &mut PaneCx) {
        let Some((id, mut text)) = self.notes.open.take() else { return };
        let Some(record) = cx.model.datasets.get(id).cloned() else { return };
        let theme = Arc::clone(&cx.theme);
        let title = cx.tf("datasets.notes_title", &[("name", &record.name)]);
        let mut done = false;
        let close = widgets::dialog(ctx, &theme, "notes of a dataset", &title, 600.0, |ui| {
            let mut from = vec![cx.tf("datasets.origin", &[("origin", &record.origin)])];
            if !record.licence.is_empty() {
                from.push(cx.tf("datasets.licence", &[("name", &record.licence)]));
            }
            ui.label(Type::Hint.text(from.join(" · "), theme.tokens.text_3));
            let label = cx.t("datasets.notes_field");
            let id = Id::unique(("dataset notes", cx.slot));
            let response = Field::new(&label).id(id).rows(14).width(ui.available_width()).show(ui, &mut text);
            if std::mem::take(&mut self.notes.want_focus) {
                response.request_focus();
            }
            done = Button::control(cx.t("datasets.notes_done")).show(ui).clicked();
        });
        if !(done || close) {
            self.notes.open = Some((id, text));
        } else if text != record.notes {
            cx.edit(Edit::Dataset(DatasetEdit::SetNotes { dataset: id, notes: text }));
        }
    }
}
