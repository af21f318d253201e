//! Above the rows: names of columns. A press sorts, an edge that is drawn gives another width.

use super::DatasetsPane;
use super::columns::{Column, LEAST, Shows};
use super::grid::Layout;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons};
use crate::widgets;
use egui::{CursorIcon, Id, Key, Rect, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2};

pub const HEIGHT: f32 = 30.0;
/// Between a cell's edge and its words.
pub const PAD: f32 = 10.0;

impl DatasetsPane {
    pub(super) fn headings_ui(&mut self, ui: &mut Ui, cx: &PaneCx, layout: &Layout, head: Rect) {
        let t = cx.theme.tokens;
        let mut child = ui.new_child(UiBuilder::new().id_salt("headings").max_rect(head));
        child.set_clip_rect(head.intersect(ui.clip_rect()));
        for column in layout.columns.iter().skip(1).chain(layout.columns.first()) {
            let rect = layout.cell(column, head);
            if rect.right() < head.left() || rect.left() > head.right() {
                continue;
            }
            if column.shows == Shows::Number {
                child.painter().rect_filled(rect, 0.0, t.pane);
            }
            self.heading_ui(&mut child, cx, column, rect);
        }
        ui.painter().hline(head.x_range(), head.bottom() - 0.5, Stroke::new(1.0, t.line_soft));
        for column in layout.columns.iter().skip(1) {
            let x = layout.cell(column, head).right();
            if x > layout.left {
                self.edge_ui(ui, cx, column, (x, head), layout.record.id);
            }
        }
    }

    fn heading_ui(&mut self, ui: &mut Ui, cx: &PaneCx, column: &Column, rect: Rect) {
        let t = cx.theme.tokens;
        let sorted = self.view.sort.as_ref().filter(|sort| Some(&sort.by) == column.sort.as_ref());
        let descending = sorted.map(|sort| sort.descending);
        let sense = if column.sort.is_some() { Sense::click() } else { Sense::hover() };
        let response = ui.interact(rect, Id::unique(("heading", cx.slot, &column.key)), sense);
        let state = match descending {
            None => "",
            Some(false) => "datasets.sorted_up",
            Some(true) => "datasets.sorted_down",
        };
        response.widget_info(|| WidgetInfo {
            current_text_value: (!state.is_empty()).then(|| cx.t(state)),
            ..WidgetInfo::labeled(Role::ColumnHeader, true, &column.heading)
        });
        let ink = match (descending.is_some(), response.hovered() && column.sort.is_some()) {
            (true, _) => t.text_1,
            (_, true) => t.text_2,
            _ => t.text_3,
        };
        let mut place = rect.shrink2(vec2(PAD, 0.0));
        if descending.is_some() {
            place.max.x -= 16.0;
        }
        let font = Type::Hint.font(Weight::Medium);
        let width = super::cells::cut(ui, place, column.heading.clone(), font, ink, column.right);
        if let Some(descending) = descending {
            let icon = if descending { icons::ARROW_DOWN } else { icons::ARROW_UP };
            let x = if column.right { place.right() } else { place.left() + width };
            widgets::shape_icon(ui, pos2(x + 9.0, rect.center().y), icon, 12.0, false, t.accent);
        }
        widgets::focus_ring(ui, &response, rect.shrink(3.0));
        if response.clicked()
            && let Some(key) = &column.sort
        {
            self.sort_by(key.clone());
        }
        let tip = column.sort.is_some().then(|| cx.t("datasets.sort_tip"));
        if let Some(tip) = tip {
            response.on_hover_text(format!("{}\n{tip}", column.heading));
        }
    }

    /// The edge at the right of a heading.
    fn edge_ui(
        &mut self,
        ui: &Ui,
        cx: &PaneCx,
        column: &Column,
        (x, head): (f32, Rect),
        dataset: glassworks_protocol::ids::DatasetId,
    ) {
        let grab = Rect::from_x_y_ranges(x - 4.0..=x + 4.0, head.y_range());
        let id = Id::unique(("column edge", cx.slot, &column.key));
        let response = ui.interact(grab, id, Sense::click_and_drag());
        let name = cx.tf("datasets.column_edge", &[("name", &column.heading)]);
        response.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, &name));
        let mut width = None;
        if response.hovered() || response.dragged() || response.has_focus() {
            ui.ctx().set_cursor_icon(CursorIcon::ResizeColumn);
            let line = Rect::from_x_y_ranges(x - 1.0..=x + 1.0, grab.y_range().shrink(4.0));
            ui.painter().rect_filled(line, 1.0, cx.theme.tokens.accent);
        }
        if response.has_focus() {
            let filter = egui::EventFilter { horizontal_arrows: true, ..Default::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
            let step =
                ui.input(|i| i.num_presses(Key::ArrowRight) as f32 - i.num_presses(Key::ArrowLeft) as f32);
            width = (step != 0.0).then_some(column.width + 16.0 * step);
        }
        if response.dragged()
            && let Some(at) = response.interact_pointer_pos()
        {
            width = Some(column.width + at.x - x);
        }
        let widths = self.grid.widths.entry(dataset).or_default();
        if response.double_clicked() {
            widths.remove(&column.key);
        } else if let Some(width) = width {
            widths.insert(column.key.clone(), width.max(LEAST).round());
        }
        if widths.is_empty() {
            self.grid.widths.remove(&dataset);
        }
    }
}
