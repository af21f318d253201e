//! All datasets: the way in for new ones, those that were brought, those that come along, those in the trash.

use super::{DatasetsPane, list};
use crate::host::FileKind;
use crate::model::Listed;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::widgets::{self, Button, icon_button, tiles};
use egui::{Rect, Shape, Stroke, Ui, UiBuilder, vec2};
use glassworks_protocol::Query;
use glassworks_protocol::datasets::DatasetQuery;
use std::cell::RefCell;

/// The widest the list gets.
const WIDTH: f32 = 960.0;
const CARD: f32 = 106.0;

impl DatasetsPane {
    pub(super) fn home_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let rect: Rect = ui.available_rect_before_wrap();
        tiles::tile(ui, "datasets", rect, |ui| {
            self.home_header(ui, cx);
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
                Listed::Ready if !self.list.trash && self.importing_ui(ui, cx) => {}
                Listed::Ready => tiles::scroll(ui, "datasets", 0.0, |ui| {
                    ui.set_max_width(WIDTH.min(ui.available_width()));
                    if !self.list.trash {
                        self.bring_card(ui, cx);
                        ui.add_space(8.0);
                    }
                    self.list_body(ui, cx, list::Size::Wide);
                }),
            }
        });
    }

    fn home_header(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let trash = self.list.trash;
        let title = cx.t(if trash { "datasets.trash" } else { "shell.pane_datasets" });
        let ready = *cx.model.datasets.listed() == Listed::Ready;
        let shared = RefCell::new((&mut *self, &mut *cx));
        tiles::header(
            ui,
            |ui| {
                let (pane, cx) = &mut *shared.borrow_mut();
                if trash || !ready {
                    return;
                }
                if Button::control(cx.t("datasets.new_empty")).icon(icons::PLUS).show(ui).clicked() {
                    pane.create_empty(cx);
                }
            },
            |ui| {
                let (pane, cx) = &mut *shared.borrow_mut();
                if trash && icon_button(ui, icons::ARROW_LEFT, cx.t("datasets.leave_trash")).clicked() {
                    pane.list.trash = false;
                }
                widgets::title(ui, title);
                if !trash {
                    let about = Type::Hint.text(cx.t("datasets.about"), cx.theme.tokens.text_3);
                    widgets::truncated(ui, about);
                }
            },
        );
    }

    /// Where a file can be put down, or chosen.
    fn bring_card(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let t = cx.theme.tokens;
        let (_, rect) = ui.allocate_space(vec2(ui.available_width(), CARD));
        ui.painter().rect_filled(rect, f32::from(size::RADIUS_TILE), t.raised);
        let line = rect.shrink(0.5);
        let corners =
            [line.left_top(), line.right_top(), line.right_bottom(), line.left_bottom(), line.left_top()];
        ui.painter().extend(Shape::dashed_line(&corners, Stroke::new(1.0, t.line_strong), 6.0, 5.0));
        let inner = rect.shrink2(vec2(16.0, 12.0));
        let mut child = ui.new_child(UiBuilder::new().id_salt("bring").max_rect(inner));
        child.spacing_mut().item_spacing = vec2(8.0, 4.0);
        widgets::semibold(&mut child, cx.t("datasets.drop_or_bring"));
        let sentence = Type::Hint.text(cx.t("datasets.bring_sentence"), t.text_2);
        child.add(egui::Label::new(sentence).wrap());
        child.add_space(4.0);
        child.horizontal(|ui| {
            if Button::accent(cx.t("datasets.choose_file")).icon(icons::FILE_TEXT).show(ui).clicked() {
                self.pick_source(cx, FileKind::Open);
            }
            if Button::control(cx.t("datasets.choose_folder")).icon(icons::FOLDER_OPEN).show(ui).clicked() {
                self.pick_source(cx, FileKind::Folder);
            }
            if Button::control(cx.t("datasets.import_other_way")).icon(icons::TEXT_T).show(ui).clicked() {
                self.import.ask(None);
            }
        });
    }
}
