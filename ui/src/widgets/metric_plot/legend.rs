//! The legend above a plot: a click hides a line, a double click shows it alone.

use super::{LineStyle, paint_sample};
use crate::theme::{self, Type, Weight, size};
use crate::widgets::{focus_ring, galley};
use egui::{Color32, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

const SAMPLE: f32 = 18.0;

#[derive(Clone, Debug)]
pub struct LegendEntry {
    pub name: String,
    pub color: Color32,
    pub style: LineStyle,
}

/// Draws the entries; `hidden` keeps the names of those that are not drawn in the plot.
pub fn legend(ui: &mut Ui, entries: &[LegendEntry], hidden: &mut Vec<String>) {
    let t = theme::of(ui).tokens;
    let tip = theme::of(ui).t("runs.legend_tip");
    for entry in entries {
        let off = hidden.contains(&entry.name);
        let ink = if off { t.text_off } else { t.text_2 };
        let name = shortened(&entry.name);
        let words = galley(ui, name, Type::Hint.font(Weight::Regular), ink);
        let width = SAMPLE + 6.0 + words.size().x + 8.0;
        let (rect, response) = ui.allocate_exact_size(vec2(width, size::CONTROL_SMALL), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), !off, &entry.name));
        if response.hovered() {
            ui.painter().rect_filled(rect.expand2(vec2(4.0, 0.0)), 4.0, t.hover);
        }
        let sample =
            Rect::from_center_size(pos2(rect.left() + SAMPLE / 2.0, rect.center().y), vec2(SAMPLE, 12.0));
        paint_sample(ui, sample, if off { t.text_off } else { entry.color }, entry.style);
        let at = pos2(rect.left() + SAMPLE + 6.0, rect.center().y - words.size().y / 2.0);
        ui.painter().galley(at, words, ink);
        focus_ring(ui, &response, rect.shrink(2.0));
        if response.double_clicked() {
            let others: Vec<String> =
                entries.iter().map(|other| other.name.clone()).filter(|other| *other != entry.name).collect();
            // The first click of the two has hidden or shown the line itself.
            let alone = others.iter().all(|other| hidden.contains(other));
            *hidden = if alone { Vec::new() } else { others };
        } else if response.clicked() {
            if off {
                hidden.retain(|name| *name != entry.name);
            } else {
                hidden.push(entry.name.clone());
            }
        }
        response.on_hover_text(&tip);
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= 24 { name.to_owned() } else { name.chars().take(23).chain(['…']).collect() }
}
