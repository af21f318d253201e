//! The head of a dataset's tile: its views, undo and redo, a new row; where the list tile is folded away, the way to
//! it.

use super::{DatasetsPane, Tab};
use crate::command::UiCommand;
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::widgets::{self, Button, icon_button, icon_button_off, tiles};
use egui::Ui;
use glassworks_protocol::datasets::DatasetRecord;
use std::cell::RefCell;
use std::sync::Arc;

impl DatasetsPane {
    pub(super) fn header_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        let shared = RefCell::new((&mut *self, &mut *cx));
        tiles::header(
            ui,
            |ui| {
                let (pane, cx) = &mut *shared.borrow_mut();
                pane.header_right(ui, cx, record);
            },
            |ui| {
                let (pane, cx) = &mut *shared.borrow_mut();
                pane.header_left(ui, cx, record);
            },
        );
    }

    fn header_right(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        if matches!(self.tab, Tab::Rows | Tab::Bad) && cx.folds_inspector() {
            let name = cx.t("datasets.row_in_full");
            if icon_button(ui, icons::SIDEBAR, name).clicked() {
                self.drawer ^= true;
            }
        }
        if self.tab == Tab::Rows {
            let add = Button::accent(cx.t("datasets.add_row")).icon(icons::PLUS);
            if add.tooltip(cx.tip(ui, UiCommand::AddRow)).show(ui).clicked() {
                self.add_row(cx, record);
            }
            self.replace_button(ui, cx, record);
            self.rows_button(ui, cx, record);
        }
        let nothing = record.redo.is_none().then(|| cx.t("shell.nothing_to_redo"));
        let what = record.redo.as_ref().map(|what| cx.render(what));
        let name = named(cx, "shell.cmd_redo", what);
        if icon_button_off(ui, icons::ARROW_CLOCKWISE, name, nothing).clicked() {
            self.step(cx, record, false);
        }
        let nothing = record.undo.is_none().then(|| cx.t("shell.nothing_to_undo"));
        let what = record.undo.as_ref().map(|what| cx.render(what));
        let name = named(cx, "shell.cmd_undo", what);
        if icon_button_off(ui, icons::ARROW_COUNTER_CLOCKWISE, name, nothing).clicked() {
            self.step(cx, record, true);
        }
    }

    fn replace_button(&mut self, ui: &mut Ui, cx: &PaneCx, record: &DatasetRecord) {
        let (words, tip) = (cx.t("datasets.replace_open"), cx.tip(ui, UiCommand::ReplaceRows));
        let pressed = match cx.folds_list() {
            true => icon_button(ui, icons::SWAP, words).on_hover_text(tip).clicked(),
            false => Button::control(words).icon(icons::SWAP).tooltip(tip).show(ui).clicked(),
        };
        if pressed {
            self.open_replace(record);
        }
    }

    fn header_left(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        if cx.folds_list() {
            self.side_picker(ui, cx, record);
        }
        let options: Vec<(Tab, String)> = Tab::VIEWS.iter().map(|(tab, key)| (*tab, cx.t(key))).collect();
        if options.len() > 1 && !matches!(self.tab, Tab::Bad | Tab::Versions) {
            widgets::segments(ui, &cx.t("datasets.view"), &mut self.tab, &options, None);
        }
        match self.tab {
            Tab::Rows => self.filter_bar(ui, cx, record),
            Tab::Overview | Tab::Prepare => {}
            Tab::Bad | Tab::Versions => {
                if icon_button(ui, icons::ARROW_LEFT, cx.t("datasets.back_to_rows")).clicked() {
                    self.tab = Tab::Rows;
                    self.grid.want_focus = true;
                }
                let key = if self.tab == Tab::Bad { "datasets.bad_title" } else { "datasets.versions" };
                widgets::title(ui, cx.t(key));
            }
        }
    }

    /// The tile at the left as a popover, where it is folded away.
    fn side_picker(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        let name = cx.tf("datasets.open_side", &[("name", &record.name)]);
        let button = Button::quiet(record.name.clone()).icon(icons::SIDEBAR_SIMPLE).caret().name(name);
        let response = button.width(150.0).show(ui);
        widgets::popover(&response, 280.0, |ui| {
            ui.set_height(460.0_f32.min(ui.ctx().content_rect().height() - 140.0));
            self.side_whole(ui, cx, record);
        });
    }
}

/// Undo, and what it takes back.
fn named(cx: &PaneCx, key: &str, what: Option<String>) -> String {
    match what {
        Some(what) => format!("{}: {what}", cx.t(key)),
        None => cx.t(key),
    }
}
