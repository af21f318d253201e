//! What can be done with the selected rows, by the other button of the mouse.

use super::DatasetsPane;
use super::rows::With;
use crate::command;
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::widgets::{self, MenuItem};
use egui::{Key, KeyboardShortcut, Modifiers, Response};
use glassworks_protocol::datasets::{DatasetRecord, RowFlags, Split};

/// What was chosen.
enum Asked {
    Copy,
    Inside,
    Duplicate,
    Remove,
    Split(Option<Split>),
    Accept(bool),
}

impl DatasetsPane {
    pub(super) fn row_menu(&mut self, cx: &mut PaneCx, record: &DatasetRecord, row: &Response) {
        let asked = widgets::context_menu(row, 220.0, |ui| self.row_items(ui, cx, record)).flatten();
        self.row_asked(cx, record, asked);
    }

    /// The same, below a button.
    pub(super) fn rows_button(&mut self, ui: &mut egui::Ui, cx: &mut PaneCx, record: &DatasetRecord) {
        let none = (self.selection.len() == 0).then(|| cx.t("datasets.no_row"));
        let button = widgets::icon_button_off(ui, icons::DOTS_THREE, cx.t("datasets.rows_menu"), none);
        let asked = widgets::menu(&button, 220.0, |ui| self.row_items(ui, cx, record)).flatten();
        self.row_asked(cx, record, asked);
    }

    fn row_asked(&mut self, cx: &mut PaneCx, record: &DatasetRecord, asked: Option<Asked>) {
        match asked {
            Some(Asked::Copy) => self.want_values(cx, record.id, With::Copy),
            Some(Asked::Inside) => {
                let row = self.grid.row();
                let known = row.and_then(|row| cx.model.datasets.document(record.id, row)?.clone());
                if let Some(document) = known {
                    self.look_inside(cx, record, &document);
                }
            }
            Some(Asked::Duplicate) => self.want_values(cx, record.id, With::Duplicate),
            Some(Asked::Remove) => self.remove_rows(cx, record.id),
            Some(Asked::Split(split)) => self.set_split(cx, record.id, split),
            Some(Asked::Accept(accepted)) => self.accept(cx, record.id, accepted),
            None => {}
        }
    }

    fn row_items(&self, ui: &mut egui::Ui, cx: &PaneCx, record: &DatasetRecord) -> Option<Asked> {
        let keys = |modifiers, key| Some(command::keys(ui.ctx(), &KeyboardShortcut::new(modifiers, key)));
        let copy = keys(Modifiers::COMMAND, Key::C);
        let duplicate = keys(Modifiers::COMMAND, Key::D);
        let remove = keys(Modifiers::NONE, Key::Delete);
        let item = |key: &str, icon| MenuItem::new(cx.t(key)).icon(icon);
        let mut asked = None;
        if item("datasets.copy_json", icons::COPY).shortcut(copy).show(ui).clicked() {
            asked = Some(Asked::Copy);
        }
        if item("inside.look_inside", icons::GRID_NINE).show(ui).clicked() {
            asked = Some(Asked::Inside);
        }
        if item("datasets.duplicate", icons::PLUS).shortcut(duplicate).show(ui).clicked() {
            asked = Some(Asked::Duplicate);
        }
        if item("datasets.remove", icons::TRASH).shortcut(remove).show(ui).clicked() {
            asked = Some(Asked::Remove);
        }
        widgets::divider(ui);
        let line = self.grid.row().and_then(|row| cx.model.datasets.line(record.id, row));
        let now = line.map(|line| line.split);
        for split in [Some(Split::Train), Some(Split::Validation), Some(Split::Test), None] {
            let words = cx.tf("datasets.put_in", &[("split", &super::cells::split_word(cx, split))]);
            if MenuItem::new(words).selected(now == Some(split)).show(ui).clicked() {
                asked = Some(Asked::Split(split));
            }
        }
        let accepted = line.is_some_and(|line| line.flags.any(RowFlags::ACCEPTED));
        if line.is_some_and(|line| line.flags.any(RowFlags::PROBLEMS)) {
            widgets::divider(ui);
            let key = if accepted { "datasets.look_again" } else { "datasets.accept" };
            if item(key, icons::CHECK).show(ui).clicked() {
                asked = Some(Asked::Accept(!accepted));
            }
        }
        asked
    }
}
