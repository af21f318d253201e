//! A source and its target, side by side where there is room; and what else stands side by side.

use super::area::Area;
use super::plain::length;
use super::work::Work;
use crate::panes::PaneCx;
use crate::widgets;
use egui::{Align, Layout, Ui, vec2};
use glassworks_protocol::datasets::Role;

/// Two fields stand side by side from this width on: each has some thirty letters a line then.
const SIDE_BY_SIDE: f32 = 400.0;
const GAP: f32 = 12.0;

pub fn pairs(ui: &mut Ui, cx: &PaneCx, work: &mut Work) {
    beside(ui, |ui, second| {
        let (role, key) = match second {
            false => (Role::Source, "datasets.row_role_source"),
            true => (Role::Target, "datasets.row_role_target"),
        };
        side(ui, cx, work, role, &cx.t(key));
    });
}

fn side(ui: &mut Ui, cx: &PaneCx, work: &mut Work, role: Role, name: &str) {
    let Some(column) = work.column(role) else { return };
    let mut text = work.text(role).unwrap_or_default();
    widgets::semibold(ui, name);
    let response = Area::new(work.id.with(name), name).rows(6).show(ui, &mut text);
    if response.changed() {
        work.set_text(&column, &text);
    }
    work.heard(&response);
    length(ui, cx, &text);
}

/// Draws two things beside each other, or the second below the first where it is narrow.
pub fn beside(ui: &mut Ui, mut add: impl FnMut(&mut Ui, bool)) {
    let width = ui.available_width();
    if width < SIDE_BY_SIDE {
        add(ui, false);
        ui.add_space(6.0);
        add(ui, true);
        return;
    }
    let each = (width - GAP) / 2.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = GAP;
        for second in [false, true] {
            ui.allocate_ui_with_layout(vec2(each, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
                ui.set_width(each);
                ui.push_id(second, |ui| add(ui, second));
            });
        }
    });
}
