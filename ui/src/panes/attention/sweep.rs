//! Every head switched off, one after the other: what that did, in the atlas and beside what heads tend to do.

use super::AttentionPane;
use super::asked::Asked;
use super::off::Off;
use super::order::Trait;
use super::scales::{self, SignedRow, signed};
use crate::model::Looking;
use crate::panes::PaneCx;
use crate::theme::{Tokens, Type, icons};
use crate::widgets::{self, Button, Select, Tone};
use egui::{Color32, Ui};
use glassworks_protocol::ids::CaptureId;
use glassworks_protocol::inside::{
    Capture, Effect, InsideJob, InsideOutput, Instead, LayerCapture, SweepSpec,
};

/// Heads that are listed by their effect.
const LISTED: usize = 8;

/// Where and how heads were switched off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SweepOf {
    pub capture: CaptureId,
    pub instead: Instead,
    pub position: usize,
    pub seed: u32,
}

pub struct Sweep {
    pub asked: Asked<SweepOf>,
    /// What the scatter's other axis is.
    pub by: Trait,
}

impl Default for Sweep {
    fn default() -> Self {
        Self { asked: Asked::default(), by: Trait::Induction }
    }
}

/// What is known so far: by layer, those that are through.
pub struct Effects<'a> {
    pub layers: &'a [Vec<Effect>],
    pub done: bool,
}

impl Effects<'_> {
    pub fn of(&self, (layer, head): (u32, u32)) -> Option<Effect> {
        self.layers.get(layer as usize)?.get(head as usize).copied()
    }

    /// The largest, either way.
    pub fn most(&self) -> f32 {
        self.layers.iter().flatten().map(|one| one.delta_logprob.abs()).fold(0.0, f32::max)
    }

    /// Heads by the size of what they do, the largest first.
    pub fn largest(&self) -> Vec<((u32, u32), Effect)> {
        let each = self.layers.iter().zip(0..).flat_map(|(heads, layer)| {
            heads.iter().zip(0..).map(move |(effect, head)| ((layer, head), *effect))
        });
        let mut all: Vec<((u32, u32), Effect)> = each.collect();
        all.sort_by(|a, b| b.1.delta_logprob.abs().total_cmp(&a.1.delta_logprob.abs()));
        all
    }
}

/// Cool where a token became likelier, warm where it became less likely.
pub fn colour(t: &Tokens, delta: f32, most: f32) -> Color32 {
    Tokens::map(&t.diverging, 0.5 - 0.5 * delta / most.max(f32::MIN_POSITIVE))
}

impl AttentionPane {
    /// Of the capture that is shown; `None` while no layer is through.
    pub(super) fn effects<'m>(&self, cx: &PaneCx<'m>) -> Option<Effects<'m>> {
        self.off.sweep.asked.what().filter(|of| Some(of.capture) == self.shown)?;
        let report = self.off.sweep.asked.report(cx.model)?;
        let layers = match &report.output {
            Some(InsideOutput::Swept(swept)) => &swept.effects,
            _ => &report.effects,
        };
        (!layers.is_empty()).then_some(Effects { layers, done: report.looking == Looking::Done })
    }

    pub(super) fn ask_sweep(&mut self, cx: &mut PaneCx) {
        let Some(base) = self.base(cx) else { return };
        let position = self.position(&base);
        let Off { instead, seed, .. } = self.off;
        let of = SweepOf { capture: base.id, instead, position, seed };
        let spec = SweepSpec { base, instead, position: position as u32, seed: seed.into() };
        self.off.sweep.asked.ask(cx, of, InsideJob::Sweep(spec));
    }

    /// `2nd largest effect of 270`, for a head alone, once all were switched off.
    pub(super) fn rank_badge(&self, ui: &mut Ui, cx: &PaneCx, capture: &Capture, layer: &LayerCapture) {
        let Some(effects) = self.effects(cx).filter(|effects| effects.done) else { return };
        let [head] = self.look.heads.as_slice() else { return };
        let all = effects.largest();
        let Some(rank) = all.iter().position(|(one, _)| *one == (layer.layer, *head)) else { return };
        let n = rank + 1;
        let key = match n {
            1 => "inside.effect_1",
            2 => "inside.effect_2",
            3 => "inside.effect_3",
            4..=20 => "inside.effect_th",
            _ => "inside.effect_low",
        };
        let tone = if n <= 3 { Tone::Accent } else { Tone::Plain };
        let words = cx.tf(key, &[("n", &n), ("all", &all.len())]);
        let delta = signed(all[rank].1.delta_logprob, 4);
        let of = self.swept_words(cx, capture).unwrap_or_default();
        widgets::tag(ui, tone, words).on_hover_text(format!(
            "{delta} log p
{of}"
        ));
    }

    /// Below what the atlas found: what tiles show, once there are effects.
    pub(super) fn effects_line(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let Some(effects) = self.effects(cx) else {
            if self.choices.order == super::order::Order::Effect {
                widgets::hint(ui, cx.t("inside.no_sweep"));
            }
            return;
        };
        let most = effects.most();
        let shown = [(false, cx.t("inside.tiles_maps")), (true, cx.t("inside.tiles_effects"))];
        Select::new(&cx.t("inside.tiles_show")).small().show(ui, &mut self.choices.effects, &shown);
        if self.choices.effects {
            let t = cx.theme.tokens;
            let end = |value: f32| signed(value, 2);
            scales::legend(ui, cx, end(-most), end(most), |part| colour(&t, (2.0 * part - 1.0) * most, most));
        }
    }

    /// The button, how far it is, and what came of it.
    pub(super) fn sweep_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: &Capture) {
        let position = self.position(capture);
        let before = self.names.alone.get(position).cloned().unwrap_or_default();
        let token = self.following(capture, position);
        widgets::semibold(ui, cx.t("inside.sweep_title"));
        let running = self.off.sweep.asked.is_running(cx.model);
        let mut start = false;
        ui.horizontal_wrapped(|ui| {
            let why = match (self.base(cx), running) {
                (None, _) => Some(cx.t("inside.needs_all")),
                (_, true) => Some(cx.t("inside.sweeping")),
                _ => None,
            };
            let button = Button::control(cx.t("inside.sweep")).icon(icons::LIGHTNING).off(why);
            start = button.tooltip(cx.t("inside.sweep_hint")).show(ui).clicked();
            let words = cx.tf("inside.sweep_watches", &[("token", &token), ("before", &before)]);
            widgets::hint(ui, words);
        });
        let shown = self.off.sweep.asked.what().is_some_and(|of| Some(of.capture) == self.shown);
        if shown && self.off.sweep.asked.state_ui(ui, cx, "inside.sweeping") {
            start = true;
        }
        if start {
            self.ask_sweep(cx);
        }
        self.swept_ui(ui, cx, capture);
    }

    /// `“·tired” after “·too”, each head in turn: Zero`
    fn swept_words(&self, cx: &PaneCx, capture: &Capture) -> Option<String> {
        let of = self.off.sweep.asked.what()?;
        let token = self.following(capture, of.position);
        let before = self.names.alone.get(of.position).cloned().unwrap_or_default();
        let way = cx.t(super::off::instead_key(of.instead));
        Some(cx.tf("inside.swept_of", &[("token", &token), ("before", &before), ("way", &way)]))
    }

    fn swept_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: &Capture) {
        let Some(effects) = self.effects(cx) else { return };
        if let Some(words) = self.swept_words(cx, capture) {
            ui.label(Type::Hint.text(words, cx.theme.tokens.text_2));
        }
        let width = ui.available_width();
        let list = 250.0f32.min(width);
        let beside = width > 560.0;
        let plot = if beside { width - list - 24.0 } else { width };
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.set_width(plot);
                self.scatter_ui(ui, cx, capture, &effects);
            });
            if beside {
                ui.add_space(16.0);
                ui.vertical(|ui| self.largest_ui(ui, cx, &effects, list));
            }
        });
        if !beside {
            self.largest_ui(ui, cx, &effects, list);
        }
    }

    fn largest_ui(&mut self, ui: &mut Ui, cx: &PaneCx, effects: &Effects, width: f32) {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.horizontal(|ui| {
            ui.set_min_height(24.0);
            widgets::semibold(ui, cx.t("inside.largest_effects"));
        });
        let most = effects.most();
        for ((layer, head), effect) in effects.largest().into_iter().take(LISTED) {
            let name = format!("{layer}.{head}");
            let number = signed(effect.delta_logprob, 3);
            let chosen = self.look.layer == Some(layer) && self.look.heads == [head];
            let row = SignedRow {
                name: &name,
                value: effect.delta_logprob,
                most,
                number: &number,
                chosen,
                fill: None,
            };
            let row =
                row.show(ui, cx).on_hover_text(cx.tf("inside.kl_is", &[("n", &format!("{:.4}", effect.kl))]));
            if row.clicked() {
                self.look.select(layer, head);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_ranked_by_size_whatever_the_sign() {
        let effect = |delta_logprob| Effect { delta_logprob, kl: 0.0 };
        let layers = [vec![effect(0.1), effect(-0.9)], vec![effect(0.4), effect(0.0)]];
        let effects = Effects { layers: &layers, done: true };
        let order: Vec<(u32, u32)> = effects.largest().into_iter().map(|(head, _)| head).collect();
        assert_eq!(order, [(0, 1), (1, 0), (0, 0), (1, 1)]);
        assert_eq!((effects.most(), effects.of((1, 0)), effects.of((2, 0))), (0.9, Some(effect(0.4)), None));
    }
}
