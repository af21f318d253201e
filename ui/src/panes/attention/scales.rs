//! Signed numbers as they are drawn here: rows with a bar from the middle, colours behind text, and the legend beside.

use crate::panes::PaneCx;
use crate::theme::{Tokens, Type, Weight, size};
use crate::widgets;
use egui::{Color32, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

const NAME: f32 = 44.0;
const NUMBER: f32 = 64.0;
const BAR: f32 = 6.0;
/// Of a legend's colours.
const LEGEND: f32 = 96.0;

/// `−0.83`, `+0.12`, with a sign that is as wide as a plus.
#[must_use]
pub fn signed(value: f32, decimals: usize) -> String {
    let words = format!("{:.decimals$}", value.abs());
    let nothing = words.bytes().all(|c| matches!(c, b'0' | b'.'));
    match (nothing, value < 0.0) {
        (true, _) => words,
        (_, true) => format!("−{words}"),
        (_, false) => format!("+{words}"),
    }
}

/// One row: name, a bar to the left or the right of the middle, the number.
pub struct SignedRow<'a> {
    pub name: &'a str,
    pub value: f32,
    /// Where bars end.
    pub most: f32,
    pub number: &'a str,
    pub chosen: bool,
    /// `None`: warm below zero, cool above.
    pub fill: Option<Color32>,
}

impl SignedRow<'_> {
    pub fn show(&self, ui: &mut Ui, cx: &PaneCx) -> Response {
        let t = cx.theme.tokens;
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 22.0), Sense::click());
        let name = format!("{} {}", self.name, self.number);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        if self.chosen || response.hovered() {
            let fill = if self.chosen { t.selected } else { t.hover };
            ui.painter().rect_filled(rect.expand2(vec2(6.0, 0.0)), f32::from(size::RADIUS_TAG), fill);
        }
        let name = Rect::from_x_y_ranges(rect.left()..=rect.left() + NAME, rect.y_range());
        widgets::one_line(ui, name, self.name, Type::Hint.mono(Weight::Regular), t.text_2);
        let words = widgets::galley(ui, self.number, Type::Hint.mono(Weight::Regular), t.text_1);
        let at = pos2(rect.right() - words.size().x, rect.center().y - words.size().y / 2.0);
        ui.painter().galley(at, words, t.text_1);
        let track = Rect::from_x_y_ranges(
            rect.left() + NAME + 8.0..=rect.right() - NUMBER - 8.0,
            rect.center().y - BAR / 2.0..=rect.center().y + BAR / 2.0,
        );
        let signs = if self.value < 0.0 { t.series[0] } else { t.series[1] };
        bar(ui, track, self.value / self.most.max(f32::MIN_POSITIVE), self.fill.unwrap_or(signs), &t);
        widgets::focus_ring(ui, &response, rect);
        response
    }
}

/// A bar from the middle of `track`; `share` runs from −1 to 1.
fn bar(ui: &Ui, track: Rect, share: f32, fill: Color32, t: &Tokens) {
    let middle = track.center().x;
    ui.painter().vline(middle, track.y_range().expand(3.0), egui::Stroke::new(1.0, t.line_strong));
    let end = middle + track.width() / 2.0 * share.clamp(-1.0, 1.0);
    let filled = Rect::from_x_y_ranges(middle.min(end)..=middle.max(end), track.y_range());
    ui.painter().rect_filled(filled, 1.0, fill);
}

/// `colour` from one end to the other, with what the ends mean.
pub fn legend(
    ui: &mut Ui,
    cx: &PaneCx,
    low: impl Into<String>,
    high: impl Into<String>,
    colour: impl Fn(f32) -> Color32,
) {
    let t = cx.theme.tokens;
    let (low, high) = (low.into(), high.into());
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(Type::Caption.text(&low, t.text_3));
        let (rect, response) = ui.allocate_exact_size(vec2(LEGEND, 10.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{low} – {high}")));
        let n = 48;
        let x = |i: usize| rect.left() + rect.width() * i as f32 / n as f32;
        for i in 0..n {
            let cell = Rect::from_min_max(pos2(x(i), rect.top()), pos2(x(i + 1), rect.bottom()));
            ui.painter().rect_filled(cell, 0.0, colour((i as f32 + 0.5) / n as f32));
        }
        ui.painter().rect_stroke(rect, 2.0, egui::Stroke::new(1.0, t.line), egui::StrokeKind::Outside);
        ui.label(Type::Caption.text(&high, t.text_3));
    });
}

#[cfg(test)]
mod tests {
    use super::signed;

    #[test]
    fn signs_are_written_where_there_is_something() {
        assert_eq!([signed(-0.834, 2), signed(0.121, 2), signed(-0.001, 2)], ["−0.83", "+0.12", "0.00"]);
    }
}
