//! The tiles at the sides: which dataset it is with its splits at the left, the row in the keyboard's hands at the
//! right.

use super::{DatasetsPane, Tab, list};
use crate::panes::PaneCx;
use crate::theme::{icons, size};
use crate::units;
use crate::widgets::{self, Button, Field, icon_button, icon_button_off, tiles};
use egui::{
    Align, CursorIcon, EventFilter, Frame, Id, Key, Layout, Margin, Rect, Role, Sense, Stroke, Ui, UiBuilder,
    WidgetInfo, vec2,
};
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
        let (mut up, mut down, mut remove, mut inside) = (false, false, false, false);
        let known = row.and_then(|row| cx.model.datasets.document(record.id, row)?.clone());
        let last = self.grid.place().is_some_and(|place| place + 1 >= self.view.rows.len());
        tiles::header(
            ui,
            |ui| {
                let none = row.is_none().then(|| cx.t("datasets.no_row"));
                remove =
                    icon_button_off(ui, icons::TRASH, cx.t("datasets.remove_row"), none.clone()).clicked();
                let read =
                    known.as_ref().and_then(|known| super::inside::prompt(&record.mapping, &known.value));
                let silent = read.is_none().then(|| cx.t("inside.row_has_no_text"));
                inside = icon_button_off(ui, icons::GRID_NINE, cx.t("inside.look_inside"), silent).clicked();
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
        if let Some(document) = known.as_ref().filter(|_| inside) {
            self.look_inside(cx, record, document);
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
        let Some(Some(document)) = cx.model.datasets.document(record.id, row).cloned() else { return };
        let seen = self.seen.row(cx, record, &document).cloned();
        let given = super::row::Given { record, document: &document, seen: seen.as_deref() };
        if let Some(row) = self.row.ui(ui, cx, &given) {
            self.wanted_row = Some(row);
        }
    }

    /// What the model sees of the row, below the grid.
    pub(super) fn seen_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, record: &DatasetRecord, rect: Rect) {
        self.seen_border(ui, cx, rect);
        let builder = UiBuilder::new().id_salt("seen").max_rect(rect).layout(Layout::top_down(Align::Min));
        let mut child = ui.new_child(builder);
        child.set_clip_rect(rect.intersect(ui.clip_rect()));
        let row = self.grid.row();
        let document = row.and_then(|row| cx.model.datasets.document(record.id, row)?.clone());
        let unsaved = row.and_then(|row| self.row.unsaved(record.id, row));
        let given = super::seen::Given { record, row, document: document.as_ref(), unsaved };
        if let Some(filter) = self.seen.ui(&mut child, cx, &given) {
            self.filter_by(vec![filter]);
        }
    }

    /// The border between grid and strip, to be moved.
    fn seen_border(&mut self, ui: &Ui, cx: &PaneCx, rect: Rect) {
        let t = cx.theme.tokens;
        ui.painter().hline(rect.x_range(), rect.top(), Stroke::new(1.0, t.line));
        if self.seen.is_folded() {
            return;
        }
        let grab = Rect::from_x_y_ranges(rect.x_range(), rect.top() - 3.0..=rect.top() + 3.0);
        let response = ui.interact(grab, Id::unique(("seen border", cx.slot)), Sense::click_and_drag());
        let name = cx.t("shell.border");
        response.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, &name));
        let room = rect.bottom() - ui.min_rect().top();
        if response.hovered() || response.dragged() || response.has_focus() {
            ui.ctx().set_cursor_icon(CursorIcon::ResizeVertical);
            ui.painter().hline(rect.x_range().shrink(8.0), rect.top(), Stroke::new(2.0, t.accent));
        }
        if response.has_focus() {
            let keep = EventFilter { vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(response.id, keep));
            let step =
                ui.input(|i| i.num_presses(Key::ArrowUp) as f32 - i.num_presses(Key::ArrowDown) as f32);
            if step != 0.0 {
                self.seen.set_height(Some(rect.height() + 16.0 * step), room);
            }
        }
        if response.double_clicked() {
            self.seen.set_height(None, room);
        } else if let Some(pos) = response.interact_pointer_pos().filter(|_| response.dragged()) {
            self.seen.set_height(Some(rect.bottom() - pos.y), room);
        }
    }

    /// What is done to the row without its tile: drafts that have rested are stored, labels are given by their keys.
    pub(super) fn row_work(&mut self, ui: &Ui, cx: &mut PaneCx, record: &DatasetRecord) {
        if let Some(row) = self.row.rest(ui, cx, &self.view.rows) {
            self.wanted_row = Some(row);
        }
        let focus = ui.ctx().memory(|m| m.focused());
        let free = focus.is_none_or(|id| id == super::grid::grid_id(cx));
        let busy = egui::Popup::is_any_open(ui.ctx()) || ui.ctx().memory(|m| m.top_modal_layer()).is_some();
        if self.tab != super::Tab::Rows || !cx.focused || !free || busy {
            return;
        }
        let row = self.grid.row();
        let document = row.and_then(|row| cx.model.datasets.document(record.id, row)?.clone());
        if let Some(document) = document {
            self.row.keys(ui, cx, &super::row::Given { record, document: &document, seen: None });
        }
    }

    /// The row before or after.
    pub(super) fn step_row(&mut self, by: isize) {
        let n_rows = self.view.rows.len();
        let Some(place) = self.grid.place().filter(|_| n_rows > 0) else { return };
        self.press(place.saturating_add_signed(by).min(n_rows - 1), egui::Modifiers::NONE);
        self.grid.follow = true;
    }
}
