//! All datasets: those that were brought, those that come along, those in the trash.

use super::{DatasetsPane, list};
use crate::model::Listed;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, icon_button, tiles};
use egui::{Rect, Ui};
use glassworks_protocol::Query;
use glassworks_protocol::datasets::DatasetQuery;

/// The widest the list gets.
const WIDTH: f32 = 880.0;

impl DatasetsPane {
    pub(super) fn home_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let rect: Rect = ui.available_rect_before_wrap();
        tiles::tile(ui, "datasets", rect, |ui| {
            let trash = self.list.trash;
            let title = cx.t(if trash { "datasets.trash" } else { "shell.pane_datasets" });
            let mut leave = false;
            tiles::header(
                ui,
                |_| {},
                |ui| {
                    if trash {
                        leave = icon_button(ui, icons::ARROW_LEFT, cx.t("datasets.leave_trash")).clicked();
                    }
                    widgets::title(ui, title);
                    if !trash {
                        widgets::truncated(
                            ui,
                            Type::Hint.text(cx.t("datasets.about"), cx.theme.tokens.text_3),
                        );
                    }
                },
            );
            if leave {
                self.list.trash = false;
            }
            match cx.model.datasets.listed().clone() {
                Listed::NotAsked | Listed::Asked => {
                    widgets::working(ui, &cx.t("datasets.reading"), None);
                }
                Listed::Failed(failure) => {
                    let again = Button::control(cx.t("datasets.ask_again")).icon(icons::ARROW_CLOCKWISE);
                    if widgets::failed(ui, &failure, Some(again)) {
                        cx.fetch(Query::Dataset(DatasetQuery::All));
                    }
                }
                Listed::Ready => tiles::scroll(ui, "datasets", 0.0, |ui| {
                    ui.set_max_width(WIDTH.min(ui.available_width()));
                    self.list_body(ui, cx, list::Size::Wide);
                }),
            }
        });
    }
}
