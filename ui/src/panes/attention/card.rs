//! What one cell says: who reads from whom, the exact number, where it stands. And numbers as they are written.

use super::AttentionPane;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight};
use crate::widgets;
use egui::{Area, Id, Order, Pos2, Rect, Ui, pos2};
use glassworks_protocol::inside::{LayerCapture, MapKind, Merge};
use std::sync::Arc;

const WIDTH: f32 = 232.0;
const HEIGHT: f32 = 92.0;

pub struct Card {
    /// Who reads, the words between, who is read.
    title: [String; 3],
    /// `None`: it is masked.
    value: Option<String>,
    foot: String,
}

impl AttentionPane {
    /// Of a cell by row and column; its number comes from the maps, never from the picture.
    pub(super) fn card(&mut self, cx: &PaneCx, layer: &LayerCapture, (row, column): (usize, usize)) -> Card {
        let Some(spec) = self.drawn.spec().map(Arc::clone) else {
            return Card { title: Default::default(), value: None, foot: String::new() };
        };
        let name = |at: usize| self.names.segment(spec.segment(at));
        let title = |key: &str| [name(row), cx.t(key), name(column)];
        let one = spec.heads.len() == 1 && spec.segments.is_empty() && spec.kind == MapKind::Weights;
        let masked = Card {
            title: title("inside.cannot_read"),
            value: None,
            foot: match layer.shape.window {
                Some(window) if column <= row => cx.tf("inside.beyond_window", &[("n", &window)]),
                _ => cx.t("inside.comes_later"),
            },
        };
        let words = title("inside.reads_from");
        let value = if one {
            layer.maps.value(&layer.shape, spec.heads[0] as usize, row, column)
        } else {
            self.drawn.value(row, column)
        };
        let Some(value) = value else { return masked };
        let how = match (layer.maps.is_exact(), spec.heads.len()) {
            (false, _) => cx.t("inside.rounded"),
            (true, 1) => cx.t("inside.exact_f32"),
            (true, n) if spec.merge == Merge::Mean => cx.tf("inside.mean_of", &[("n", &n)]),
            (true, n) => cx.tf("inside.max_of", &[("n", &n)]),
        };
        let place = cx.tf("inside.place", &[("row", &row), ("column", &column)]);
        Card { title: words, value: Some(exact(value)), foot: format!("{place} · {how}") }
    }
}

impl Card {
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = self.title.join(" ");
        if let Some(value) = &self.value {
            words.push(' ');
            words.push_str(value);
        }
        format!("{words}, {}", self.foot)
    }

    /// Beside a cell, within `area`.
    pub fn show(&self, ui: &Ui, cell: Rect, area: Rect) {
        let t = crate::theme::of(ui).tokens;
        let at = place(cell, area);
        Area::new(Id::unique(("attention card", ui.scope_id())))
            .order(Order::Tooltip)
            .fixed_pos(at)
            .interactable(false)
            .show(ui.ctx(), |ui| {
                widgets::popover_frame(ui).inner_margin(egui::Margin::symmetric(12, 8)).show(ui, |ui| {
                    ui.set_max_width(WIDTH);
                    ui.spacing_mut().item_spacing.y = 2.0;
                    ui.horizontal(|ui| {
                        ui.spacing_mut().item_spacing.x = 6.0;
                        let font = Type::Body.mono(Weight::Medium);
                        for (at, words) in self.title.iter().enumerate() {
                            let words = short(words);
                            match at {
                                1 => ui.label(Type::Hint.text(words, t.text_2)),
                                _ => ui.label(egui::RichText::new(words).font(font.clone()).color(t.text_1)),
                            };
                        }
                    });
                    if let Some(value) = &self.value {
                        let font = Type::Figure.mono(Weight::Regular);
                        ui.label(egui::RichText::new(value).font(font).color(t.series_text[0]));
                    }
                    widgets::hint(ui, self.foot.clone());
                });
            });
    }
}

fn place(cell: Rect, area: Rect) -> Pos2 {
    let right = cell.right() + 8.0 + WIDTH <= area.right();
    let below = cell.bottom() + 8.0 + HEIGHT <= area.bottom();
    let x = if right { cell.right() + 8.0 } else { cell.left() - 8.0 - WIDTH };
    let y = if below { cell.bottom() + 8.0 } else { cell.top() - 8.0 - HEIGHT };
    pos2(x.max(area.left()), y.max(area.top()))
}

/// A name that fits beside another.
fn short(words: &str) -> String {
    const MOST: usize = 18;
    if words.chars().count() <= MOST {
        return words.to_owned();
    }
    let kept: String = words.chars().take(MOST - 1).collect();
    format!("{kept}…")
}

/// All digits that an f32 has, and no more.
#[must_use]
pub fn exact(value: f32) -> String {
    if value != 0.0 && value.abs() < 1e-4 { format!("{value:e}") } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were() {
        for value in [0.613_287_1, 1.0, 0.0, 3.2e-9, 0.000_1] {
            assert_eq!(exact(value).parse::<f32>(), Ok(value));
        }
        assert_eq!([exact(0.613_287_1), exact(3.2e-9)], ["0.6132871", "3.2e-9"]);
    }
}
