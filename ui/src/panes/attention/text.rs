//! The text itself: what the picked token reads on a warm ground, who reads it with a cool line below.

use super::AttentionPane;
use super::card::exact;
use super::running::Running;
use crate::panes::PaneCx;
use crate::theme::{Tokens, Type, size};
use crate::widgets;
use egui::{Align, Layout, Margin, Rect, ScrollArea, Sense, Ui, vec2};
use glassworks_protocol::ids::CaptureId;
use glassworks_protocol::inside::{Capture, LayerCapture, Merge};

/// Of the colours' whole length; less is not shown.
const BARE: f32 = 0.05;

#[derive(Default)]
pub struct TextView {
    running: Running,
    /// Under the pointer, while none is picked.
    hovered: Option<usize>,
    numbers: Option<Numbers>,
}

/// What is known of one token.
struct Numbers {
    of: (CaptureId, u32, Vec<u32>, Merge, usize),
    /// By key, up to the token.
    reads: Vec<f32>,
    /// By query.
    read_by: Vec<f32>,
}

impl AttentionPane {
    /// The text in what is left of the tile.
    pub(super) fn text_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: &Capture, layer: &LayerCapture) {
        let token = self.look.query.or(self.text.hovered).filter(|token| *token < capture.n_tokens());
        self.legend_line(ui, cx);
        let name = cx.t("inside.text_of");
        let t = cx.theme.tokens;
        let gamma = self.choices.gamma;
        let numbers = token.map(|token| self.numbers(capture, layer, token));
        let shown = ScrollArea::vertical().id_salt("text").auto_shrink(false).show(ui, |ui| {
            let frame = egui::Frame::new().inner_margin(Margin { left: 16, right: 16, top: 4, bottom: 12 });
            frame.show(ui, |ui| {
                let text = self.text.running.laid_out(ui, &self.names, capture);
                let ground = |at: usize| {
                    let value = numbers.as_ref()?.reads.get(at)?.clamp(0.0, 1.0).powf(gamma);
                    (value > BARE).then(|| Tokens::map(&t.chip, value))
                };
                let shown = widgets::chips(ui, &name, &text, capture.n_tokens(), token, ground);
                text.underline(ui, shown.response.rect.min, |at| {
                    let numbers = numbers.as_ref()?;
                    let value = numbers.read_by.get(at)?.clamp(0.0, 1.0).powf(gamma);
                    // A token that reads itself is marked already.
                    (value > BARE && at != numbers.of.4).then(|| Tokens::map(&t.glacier, 0.3 + 0.7 * value))
                });
                shown
            })
        });
        let shown = shown.inner.inner;
        if self.look.query.is_none() && self.text.hovered != shown.hovered {
            self.text.hovered = shown.hovered;
            ui.ctx().request_repaint();
        }
        if let (Some(of), Some(other), Some(numbers)) = (token, shown.hovered, &numbers)
            && self.look.query.is_some()
        {
            let words = self.between(cx, of, other, numbers);
            shown.response.on_hover_ui_at_pointer(|ui| {
                words.iter().for_each(|words| drop(ui.label(Type::Hint.number(words, t.text_1))));
            });
        }
        self.text.numbers = numbers;
        if let Some(token) = shown.chosen {
            let again = self.look.query == Some(token);
            (self.look.query, self.look.key) = ((!again).then_some(token), None);
        } else if let Some(token) = shown.moved {
            (self.look.query, self.look.key) = (Some(token), None);
        }
    }

    /// `Text  Hover or pick a token. Picked: ·it`, and what the colours say.
    fn legend_line(&self, ui: &mut Ui, cx: &PaneCx) {
        let t = cx.theme.tokens;
        egui::Frame::new().inner_margin(Margin { left: 16, right: 16, top: 8, bottom: 0 }).show(ui, |ui| {
            ui.allocate_ui_with_layout(
                vec2(ui.available_width(), 20.0),
                Layout::right_to_left(Align::Center),
                |ui| {
                    ui.spacing_mut().item_spacing.x = 6.0;
                    widgets::hint(ui, cx.t("inside.reads_it"));
                    let (rect, _) = ui.allocate_exact_size(vec2(14.0, 12.0), Sense::hover());
                    let line = Rect::from_center_size(rect.center(), vec2(14.0, 3.0));
                    ui.painter().rect_filled(line, 1.0, Tokens::map(&t.glacier, 0.7));
                    ui.add_space(8.0);
                    widgets::hint(ui, cx.t("inside.it_reads"));
                    let (rect, _) = ui.allocate_exact_size(vec2(14.0, 12.0), Sense::hover());
                    ui.painter().rect_filled(rect, f32::from(size::RADIUS_CHIP), Tokens::map(&t.chip, 0.8));
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        widgets::semibold(ui, cx.t("inside.text"));
                        let picked = self.look.query.and_then(|query| self.names.alone.get(query));
                        let words = match picked {
                            Some(name) => cx.tf("inside.picked", &[("token", name)]),
                            None => cx.t("inside.pick_token"),
                        };
                        widgets::truncated(ui, Type::Hint.text(words, t.text_3));
                    });
                },
            );
        });
    }

    /// What a token reads and who reads it, from the maps; several heads as they are put together.
    fn numbers(&mut self, capture: &Capture, layer: &LayerCapture, token: usize) -> Numbers {
        let merge = self.choices.merge;
        let of = (capture.id, layer.layer, self.look.heads.clone(), merge, token);
        if let Some(numbers) = self.text.numbers.take().filter(|numbers| numbers.of == of) {
            return numbers;
        }
        let (mut reads, mut read_by) = (vec![0.0; token + 1], vec![0.0; capture.n_tokens()]);
        let share = 1.0 / self.look.heads.len().max(1) as f32;
        let mut one = Vec::new();
        let put = |all: &mut Vec<f32>, one: &[f32]| {
            for (all, one) in all.iter_mut().zip(one) {
                *all = if merge == Merge::Mean { *all + one * share } else { all.max(*one) };
            }
        };
        for head in &self.look.heads {
            layer.maps.row(&layer.shape, *head as usize, token, &mut one);
            put(&mut reads, &one);
            layer.maps.column(&layer.shape, *head as usize, token, capture.n_tokens(), &mut one);
            put(&mut read_by, &one);
        }
        Numbers { of, reads, read_by }
    }

    /// What two tokens have to do with each other, in lines.
    fn between(&self, cx: &PaneCx, of: usize, other: usize, numbers: &Numbers) -> Vec<String> {
        let name = |at: usize| self.names.alone.get(at).cloned().unwrap_or_default();
        let words = |a: usize, b: usize, value: f32| {
            cx.tf("inside.reads_line", &[("a", &name(a)), ("b", &name(b)), ("n", &exact(value))])
        };
        let reads = numbers.reads.get(other).map(|value| words(of, other, *value));
        let read =
            (other > of).then(|| numbers.read_by.get(other).map(|value| words(other, of, *value))).flatten();
        reads.into_iter().chain(read).collect()
    }
}
