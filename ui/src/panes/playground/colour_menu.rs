//! What replies are coloured by, in the header: a select with its legend, an icon where there is less room.

use super::chips::{ChipsState, ColourBy};
use crate::theme::{Theme, Tokens, Type, icons};
use crate::widgets::{self, MenuItem, Select, icon_button};
use egui::{Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// Narrower panes show the legend no more, then the select.
const WITH_LEGEND: f32 = 1040.0;
const WITH_SELECT: f32 = 860.0;

impl ChipsState {
    /// Drawn from right to left.
    pub(super) fn colour_by(&mut self, ui: &mut Ui, theme: &Theme, pane_width: f32) {
        let by = &mut self.by;
        let was = *by;
        let name = theme.t("playground.colour_by");
        if pane_width < WITH_SELECT {
            let button = icon_button(ui, icons::THERMOMETER, &name);
            widgets::menu(&button, 180.0, |ui| {
                for choice in ColourBy::ALL {
                    if MenuItem::new(theme.t(choice.key())).selected(choice == *by).show(ui).clicked() {
                        *by = choice;
                    }
                }
            });
        } else {
            if pane_width >= WITH_LEGEND && *by != ColourBy::Off {
                legend(ui, theme, *by);
            }
            let options = ColourBy::ALL.map(|choice| (choice, theme.t(choice.key())));
            Select::new(&name).small().show(ui, by, &options);
            if pane_width >= WITH_LEGEND {
                widgets::hint(ui, &name);
            }
        }
        if *by != was {
            self.leave();
        }
    }
}

/// From what was expected to what was not.
fn legend(ui: &mut Ui, theme: &Theme, by: ColourBy) {
    let t = theme.tokens;
    let [cold, warm] = by.ends().map(|key| theme.t(key));
    ui.spacing_mut().item_spacing.x = 6.0;
    ui.label(Type::Caption.text(&warm, t.text_3));
    let (rect, response) = ui.allocate_exact_size(vec2(56.0, 10.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{cold} – {warm}")));
    let n = 28;
    for i in 0..n {
        let at = |i: usize| rect.left() + rect.width() * i as f32 / n as f32;
        let cell = Rect::from_min_max(pos2(at(i), rect.top()), pos2(at(i + 1), rect.bottom()));
        ui.painter().rect_filled(cell, 0.0, Tokens::map(&t.chip, i as f32 / (n - 1) as f32));
    }
    ui.painter().rect_stroke(rect, 2.0, egui::Stroke::new(1.0, t.line), egui::StrokeKind::Outside);
    ui.label(Type::Caption.text(&cold, t.text_3));
}
