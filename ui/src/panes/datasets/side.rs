//! The tiles at the sides: which dataset it is with its splits at the left, the row in the keyboard's hands at the
//! right.

use super::{DatasetsPane, Tab, list};
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::units;
use crate::widgets::{self, Button, Field, icon_button, icon_button_off, tiles};
use egui::{Align, Frame, Id, Key, Layout, Margin, Rect, Ui, UiBuilder, vec2};
use glassworks_protocol::Edit;
use glassworks_protocol::datasets::{DatasetEdit, DatasetRecord};
use std::sync::Arc;

impl DatasetsPane {
    pub(super) fn side_tile(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        let mut rename = std::mem::take(&mut self.want_name);
        if self.name.is_none() && !rename {
            let mut asked = None;
            let shared = std::cell::RefCell::new((&mut *self, &mut *cx));
            tiles::header(
                ui,
                |ui| {
                    let (_, cx) = &mut *shared.borrow_mut();
                    let button = icon_button(ui, icons::DOTS_THREE, cx.t("datasets.dataset_menu"));
                    asked = widgets::menu(&button, 200.0, |ui| list::items(ui, cx, record)).flatten();
                },
                |ui| {
                    let (pane, cx) = &mut *shared.borrow_mut();
                    pane.dataset_picker(ui, cx, record);
                },
            );
            if let Some(asked) = asked {
                self.list_asked(cx, asked);
            }
        } else {
            tiles::header(ui, |_| {}, |ui| self.name_field(ui, cx, record, &mut rename));
        }
        self.side_whole(ui, cx, record);
    }

    /// What is known of the dataset, and what stands at its foot.
    pub(super) fn side_whole(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        let tile = ui.max_rect();
        let body = Rect::from_min_max(ui.cursor().min, tile.max - vec2(0.0, size::HEADER));
        let mut child = ui.new_child(UiBuilder::new().id_salt("side body").max_rect(body));
        child.set_clip_rect(body.intersect(ui.clip_rect()));
        self.unread_row(&mut child, cx, record);
        self.side_body(&mut child, cx, record);
        tiles::footer(ui, tile, |ui| {
            let version = cx.tf("datasets.version_n", &[("n", &record.version)]);
            let button = Button::quiet(version).icon(icons::CLOCK_COUNTER_CLOCKWISE);
            if button.selected(self.tab == Tab::Versions).show(ui).clicked() {
                self.tab = Tab::Versions;
            }
            if Button::quiet(cx.t("datasets.export")).icon(icons::EXPORT).show(ui).clicked() {
                self.export.ask(record);
            }
        });
    }

    /// Rows that could not be read wait to be mended.
    fn unread_row(&mut self, ui: &mut Ui, cx: &PaneCx, record: &DatasetRecord) {
        if record.n_bad == 0 {
            return;
        }
        Frame::new().inner_margin(Margin { left: 16, right: 16, top: 8, bottom: 0 }).show(ui, |ui| {
            let icon = Some((icons::WARNING_CIRCLE, cx.theme.tokens.danger, true));
            let n = units::grouped(record.n_bad);
            let shown = self.tab == Tab::Bad;
            if widgets::count_row(ui, &cx.t("datasets.bad_title"), &n, shown, icon).clicked() {
                self.show_bad();
            }
        });
    }

    fn name_field(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &DatasetRecord, first: &mut bool) {
        let label = cx.t("datasets.name");
        let mut name = self.name.clone().unwrap_or_else(|| record.name.clone());
        let id = Id::unique(("dataset name", cx.slot));
        let response = Field::new(&label).id(id).width(ui.available_width()).show(ui, &mut name);
        if *first {
            response.request_focus();
            self.name = Some(name.clone());
            widgets::mark_all(ui, id, &name);
        } else if response.changed() {
            self.name = Some(name.clone());
        }
        if response.lost_focus() {
            self.name = None;
            let escaped = ui.input(|i| i.key_pressed(Key::Escape));
            if !escaped && !name.trim().is_empty() && name.trim() != record.name {
                cx.edit(Edit::Dataset(DatasetEdit::Rename { dataset: record.id, name }));
            }
        }
    }

    /// Another dataset is chosen by the name of the one that is open.
    fn dataset_picker(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &DatasetRecord) {
        let name = cx.tf("datasets.choose", &[("name", &record.name)]);
        let width = ui.available_width();
        let button = Button::quiet(record.name.clone()).caret().name(name).width(width).show(ui);
        let opened = widgets::popover(&button, 300.0, |ui| {
            if Button::quiet(cx.t("datasets.all")).icon(icons::LIST_CHECKS).show(ui).clicked() {
                self.close_dataset();
                return true;
            }
            egui::ScrollArea::vertical()
                .max_height(380.0)
                .show(ui, |ui| self.list_body(ui, cx, list::Size::Narrow))
                .inner
        });
        if opened == Some(true) {
            egui::Popup::close_all(ui.ctx());
        }
    }

    /// What is known of the dataset, below its name.
    pub(super) fn side_body(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        egui::ScrollArea::vertical().id_salt("dataset side").auto_shrink(false).show(ui, |ui| {
            Frame::new().inner_margin(Margin { left: 16, right: 16, top: 12, bottom: 0 }).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 4.0;
                widgets::hint(ui, list::task_word(cx, record.mapping.task));
                if !record.licence.is_empty() {
                    widgets::hint(ui, record.licence.clone());
                }
            });
            self.overview_side(ui, cx, record);
        });
    }

    /// The row in the keyboard's hands.
    pub(super) fn row_tile(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &Arc<DatasetRecord>) {
        let row = self.grid.row();
        let (mut up, mut down, mut remove) = (false, false, false);
        let last = self.grid.place().is_some_and(|place| place + 1 >= self.view.rows.len());
        tiles::header(
            ui,
            |ui| {
                let none = row.is_none().then(|| cx.t("datasets.no_row"));
                remove =
                    icon_button_off(ui, icons::TRASH, cx.t("datasets.remove_row"), none.clone()).clicked();
                let end = last.then(|| cx.t("datasets.last_row"));
                let end = none.clone().or(end);
                down = icon_button_off(ui, icons::CARET_DOWN, cx.t("datasets.next_row"), end).clicked();
                let end = (self.grid.place() == Some(0)).then(|| cx.t("datasets.first_row"));
                up = icon_button_off(ui, icons::CARET_UP, cx.t("datasets.previous_row"), none.or(end))
                    .clicked();
            },
            |ui| {
                let Some(row) = row else { return };
                let n = units::grouped(u64::from(row.0) + 1);
                widgets::title(ui, cx.tf("datasets.row_title", &[("row", &n)]));
            },
        );
        if up || down {
            self.step_row(if up { -1 } else { 1 });
        }
        if remove {
            if let Some(row) = row {
                self.selection.only(&[row]);
            }
            self.remove_rows(cx, record.id);
        }
        let Some(row) = row else {
            Frame::new()
                .inner_margin(Margin::same(16))
                .show(ui, |ui| widgets::hint(ui, cx.t("datasets.no_row")));
            return;
        };
        if let Some(Some(document)) = cx.model.datasets.document(record.id, row).cloned() {
            self.fields_ui(ui, cx, record, &document);
        }
    }

    /// The fields of a row as they are.
    fn fields_ui(
        &mut self,
        ui: &mut Ui,
        cx: &PaneCx,
        record: &DatasetRecord,
        document: &glassworks_protocol::datasets::RowDocument,
    ) {
        let t = cx.theme.tokens;
        tiles::scroll(ui, "row", 0.0, |ui| {
            for issue in &document.issues {
                ui.label(Type::Body.text(cx.render(&issue.text), t.warn));
            }
            for column in &record.columns {
                widgets::label(ui, column.name.as_str());
                let text = match document.value.get(&column.name) {
                    Some(serde_json::Value::String(text)) => text.clone(),
                    Some(value) => serde_json::to_string_pretty(value).unwrap_or_default(),
                    None => String::new(),
                };
                widgets::well(ui, |ui| {
                    ui.with_layout(Layout::top_down(Align::Min), |ui| {
                        ui.set_width(ui.available_width());
                        widgets::selectable(ui, Type::Body.text(text, t.text_1));
                    });
                });
            }
        });
    }

    /// The row before or after.
    pub(super) fn step_row(&mut self, by: isize) {
        let n_rows = self.view.rows.len();
        let Some(place) = self.grid.place().filter(|_| n_rows > 0) else { return };
        self.press(place.saturating_add_signed(by).min(n_rows - 1), egui::Modifiers::NONE);
        self.grid.follow = true;
    }
}
