//! The rows of one prediction: a table of them, and the row in the keyboard's hands beside it.

use super::again::Again;
use super::draft::file_name;
use super::earlier::mended_tag;
use super::{INSPECTOR, Predict, live};
use crate::action::Action;
use crate::model::{Looked, PAGE};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, icon_button, icon_button_off, tiles};
use egui::Ui;
use glassworks_protocol::ids::PredictionId;
use glassworks_protocol::predict::{PredictionRecord, RowsView};
use glassworks_protocol::{Edit, Query};
use std::sync::Arc;

/// What the person is doing with the rows.
#[derive(Default)]
pub struct Results {
    pub view: RowsView,
    pub search: Search,
    /// The place in the view that the keyboard is at.
    pub at: u64,
    /// How far the table was scrolled in the last frame, and how high it is.
    pub offset: f32,
    pub height: f32,
    /// The place has to come into sight.
    pub follow: bool,
    pub want_focus: bool,
    /// An answer that is being typed, and to which row.
    pub typed: Option<(u64, String)>,
    pub again: Again,
}

/// Words that are being typed: looked for when the hands rest.
#[derive(Default)]
pub struct Search {
    pub text: String,
    pub typed_at: f64,
}

impl Results {
    /// Another view begins at its first row.
    pub fn choose(&mut self, view: RowsView) {
        if self.view != view {
            self.view = view;
            self.at = 0;
            self.follow = true;
        }
    }
}

impl Predict {
    pub(super) fn results_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, id: PredictionId) {
        let Some(record) = cx.model.predictions.get(id).cloned() else {
            // The list is on its way.
            let rect = ui.available_rect_before_wrap();
            tiles::tile(ui, "main", rect, |ui| {
                widgets::working(ui, &cx.t("predict.reading"), None);
            });
            return;
        };
        let looked = cx.model.predictions.looked(id).cloned().unwrap_or_default();
        // Pages of a view that is not shown any more would be taken for those of this one.
        let looked = if *looked.view() == self.results.view { looked } else { Looked::default() };
        let n_rows = looked.n_rows().unwrap_or(0);
        self.results.at = self.results.at.min(n_rows.saturating_sub(1));
        self.keys(ui, cx, &record, &looked);
        self.want_rows(cx, id, &looked);
        let folded = cx.folds_inspector();
        let columns = tiles::columns(ui, &mut self.sizes, false, !folded);
        tiles::tile(ui, "main", columns.main, |ui| self.rows_tile(ui, cx, &record, &looked, folded));
        match columns.inspector {
            Some(rect) => tiles::tile(ui, "row", rect, |ui| self.side_ui(ui, cx, &record, &looked)),
            None => {
                let mut open = self.drawer;
                tiles::drawer(ui, "row", columns.main, INSPECTOR, &mut open, |ui| {
                    self.side_ui(ui, cx, &record, &looked);
                });
                self.drawer = open;
            }
        }
    }

    /// Asks for the pages in sight, and for all of the row that the keyboard is at.
    fn want_rows(&self, cx: &mut PaneCx, id: PredictionId, looked: &Looked) {
        let first = (self.results.offset / super::table::ROW).max(0.0) as u64;
        let n = (self.results.height / super::table::ROW).ceil() as u64 + 1;
        for from in cx.model.predictions.wanted(id, &self.results.view, first, first + n) {
            let view = self.results.view.clone();
            cx.fetch(Query::PredictedRows { prediction: id, view, from, n: PAGE as u32 });
        }
        if let Some(row) = looked.row(self.results.at).map(|row| row.row)
            && !looked.asked_full(row)
        {
            cx.fetch(Query::PredictedRow { prediction: id, row });
        }
    }

    fn rows_tile(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        record: &Arc<PredictionRecord>,
        looked: &Looked,
        folded: bool,
    ) {
        self.results_header(ui, cx, record, folded);
        if let Some(failure) = looked.failure().cloned() {
            let again = Button::control(cx.t("predict.read_again")).icon(icons::ARROW_CLOCKWISE);
            if widgets::failed(ui, &failure, Some(again)) {
                let view = self.results.view.clone();
                cx.fetch(Query::PredictedRows { prediction: record.id, view, from: 0, n: PAGE as u32 });
            }
            return;
        }
        if looked.n_rows().is_none() && looked.whole().n_rows == 0 {
            widgets::working(ui, &cx.t("predict.reading_rows"), None);
            return;
        }
        self.toolbar(ui, cx, looked);
        self.table(ui, cx, record, looked);
    }

    fn results_header(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &PredictionRecord, folded: bool) {
        let shared = std::cell::RefCell::new((&mut *self, &mut *cx));
        tiles::header(
            ui,
            |ui| {
                let (pane, cx) = &mut *shared.borrow_mut();
                if folded && icon_button(ui, icons::SIDEBAR, cx.t("predict.row_in_full")).clicked() {
                    pane.drawer ^= true;
                }
                let why = match record.n_rows {
                    _ if live(cx, record.id).is_some() => Some(cx.t("predict.off_running")),
                    0 => Some(cx.t("predict.no_rows")),
                    _ => None,
                };
                let button = Button::accent(cx.t("predict.again")).icon(icons::FLAME).off(why);
                if button.tooltip(cx.t("predict.again_tip")).show(ui).clicked() {
                    pane.results.again.open(record.n_mended + record.n_confirmed > 0);
                }
                let nothing = (!record.can_redo).then(|| cx.t("shell.nothing_to_redo"));
                if icon_button_off(ui, icons::ARROW_CLOCKWISE, cx.t("shell.cmd_redo"), nothing).clicked() {
                    cx.edit(Edit::RedoMend(record.id));
                }
                let nothing = (!record.can_undo).then(|| cx.t("shell.nothing_to_undo"));
                let name = cx.t("shell.cmd_undo");
                if icon_button_off(ui, icons::ARROW_COUNTER_CLOCKWISE, name, nothing).clicked() {
                    cx.edit(Edit::UndoMend(record.id));
                }
                if record.done && icon_button(ui, icons::FOLDER_OPEN, cx.t("predict.show_file")).clicked() {
                    cx.push(Action::Reveal(record.spec.out.clone()));
                }
                mended_tag(ui, cx, record);
            },
            |ui| {
                let (pane, cx) = &mut *shared.borrow_mut();
                if icon_button(ui, icons::ARROW_LEFT, cx.t("predict.back")).clicked() {
                    pane.open = None;
                }
                widgets::title(ui, file_name(&record.spec.data));
                let by = cx.tf("predict.by", &[("model", &record.model_name)]);
                widgets::truncated(ui, Type::Hint.text(by, cx.theme.tokens.text_3));
            },
        );
    }
}
