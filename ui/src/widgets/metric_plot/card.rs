//! The crosshair and the card beside it: every line's exact value, and the place it belongs to.

use super::{Frame, LineStyle, MetricPlot, axis};
use crate::theme::{self, Type};
use crate::widgets::frame::floating_frame;
use egui::{Align, Area, Id, Layout, Margin, Order, Stroke, Ui, pos2, vec2};

const WIDTH: f32 = 280.0;

impl MetricPlot<'_> {
    pub(super) fn paint_card(&self, ui: &Ui, frame: &Frame, x: f64) {
        let t = theme::of(ui).tokens;
        let at = frame.at_x(x);
        if !frame.rect.x_range().expand(1.0).contains(at) {
            return;
        }
        ui.painter().vline(at, frame.rect.y_range(), Stroke::new(1.0, t.line_strong));
        let mut rows = Vec::new();
        for line in self.lines {
            let Some((place, value)) = line.curve.nearest(x) else { continue };
            if line.style != LineStyle::Dots {
                ui.painter().circle(frame.at([place, value]), 4.0, line.color, Stroke::new(1.0, t.pane));
            }
            let aside = if place == x { String::new() } else { (self.x_aside)(place) };
            rows.push((line, format!("{}{aside}", line.name), axis::exact(value)));
        }
        let left = at + 16.0 + WIDTH > frame.rect.right();
        let corner = pos2(if left { at - 16.0 - WIDTH } else { at + 16.0 }, frame.rect.top() + 8.0);
        Area::new(Id::unique(("plot card", ui.scope_id())))
            .order(Order::Tooltip)
            .fixed_pos(corner)
            .interactable(false)
            .show(ui.ctx(), |ui| {
                floating_frame(ui.ctx()).inner_margin(Margin::symmetric(12, 10)).show(ui, |ui| {
                    ui.set_width(WIDTH - 26.0);
                    ui.spacing_mut().item_spacing = vec2(8.0, 2.0);
                    ui.spacing_mut().interact_size.y = 16.0;
                    ui.label(Type::Body.number((self.x_card)(x), t.text_1));
                    for (line, name, value) in rows {
                        ui.horizontal(|ui| {
                            let (_, sample) = ui.allocate_space(vec2(12.0, 16.0));
                            super::paint_sample(ui, sample, line.color, line.style);
                            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                                ui.label(Type::Hint.number(value, t.text_1));
                                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                                    crate::widgets::truncated(ui, Type::Hint.text(name, t.text_2));
                                });
                            });
                        });
                    }
                });
            });
    }
}
