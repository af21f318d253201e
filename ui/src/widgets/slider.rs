//! A slider under its name and value; the value can be typed as well.

use super::number::{NumberField, forget_typed};
use super::text;
use crate::theme;
use egui::{Key, Layout, Response, Role, Sense, Stroke, Ui, WidgetInfo, vec2};
use std::ops::RangeInclusive;

/// Name and value in a line, the track below, an explanation under it.
pub fn slider_row(
    ui: &mut Ui,
    name: &str,
    value: &mut f32,
    range: RangeInclusive<f32>,
    decimals: usize,
    explanation: &str,
) -> Response {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        let mut typed = false;
        ui.horizontal(|ui| {
            text::label(ui, name);
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                let wide = f64::from(*range.start())..=f64::from(*range.end());
                let step = 10f64.powi(-i32::try_from(decimals).unwrap_or(2));
                typed = NumberField::new(name, wide)
                    .decimals(decimals, step)
                    .width(64.0)
                    .show_f32(ui, value)
                    .changed();
            });
        });
        let mut response = track(ui, name, value, &range, decimals);
        if response.changed() {
            forget_typed(ui, name);
        }
        if !explanation.is_empty() {
            text::hint(ui, explanation);
        }
        if typed {
            response.mark_changed();
        }
        response
    })
    .inner
}

fn track(ui: &mut Ui, name: &str, value: &mut f32, range: &RangeInclusive<f32>, decimals: usize) -> Response {
    let t = theme::of(ui).tokens;
    let (rect, mut response) =
        ui.allocate_exact_size(vec2(ui.available_width(), 16.0), Sense::click_and_drag());
    let span = range.end() - range.start();
    let scale = 10f32.powi(i32::try_from(decimals).unwrap_or(2));
    let inner = rect.shrink2(vec2(6.0, 0.0));
    let mut new = *value;
    if let Some(at) = response.interact_pointer_pos() {
        new = range.start() + ((at.x - inner.left()) / inner.width()).clamp(0.0, 1.0) * span;
    }
    if response.has_focus() {
        ui.memory_mut(|m| {
            let filter = egui::EventFilter { horizontal_arrows: true, ..Default::default() };
            m.set_focus_lock_filter(response.id, filter);
        });
        let steps =
            ui.input(|i| i.num_presses(Key::ArrowRight) as f32 - i.num_presses(Key::ArrowLeft) as f32);
        new += steps * span / 100.0;
    }
    new = ((new * scale).round() / scale).clamp(*range.start(), *range.end());
    if new != *value && (response.dragged() || response.clicked() || response.has_focus()) {
        *value = new;
        response.mark_changed();
    }
    response.widget_info(|| WidgetInfo {
        value: Some(f64::from(*value)),
        label: Some(name.to_owned()),
        enabled: ui.is_enabled(),
        ..WidgetInfo::new(Role::Slider)
    });
    let y = rect.center().y;
    let x = inner.left() + (*value - range.start()) / span * inner.width();
    let painter = ui.painter();
    let line =
        |from: f32, to: f32| egui::Rect::from_min_max(egui::pos2(from, y - 2.0), egui::pos2(to, y + 2.0));
    painter.rect_filled(line(rect.left(), rect.right()), 2.0, t.hatch);
    painter.rect_filled(line(rect.left(), x), 2.0, t.accent);
    let handle = if theme::of(ui).dark { t.text_1 } else { t.accent };
    let radius = if response.hovered() || response.dragged() { 6.0 } else { 5.0 };
    painter.circle(egui::pos2(x, y), radius, handle, Stroke::new(2.0, t.pane));
    if response.has_focus() {
        painter.circle_stroke(egui::pos2(x, y), 9.0, Stroke::new(2.0, t.accent));
    }
    response
}
