//! The view that switches parts off: what is off and what stands in its place, what is asked, and below it what came.
//! How results look is in `ablated`, the sweep in `sweep`.

use super::AttentionPane;
use super::off::{instead_hint, instead_key};
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::widgets::{self, Button, NumberField, icon_button, segments, tiles};
use egui::{ScrollArea, Ui};
use glassworks_protocol::inside::{Capture, Instead, LayerCapture, Part};

/// Layers by their parts.
const MENU: f32 = 300.0;
const MENU_HEIGHT: f32 = 360.0;
const MOST_TOKENS: f64 = 400.0;

impl AttentionPane {
    pub(super) fn ablate_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        capture: &Capture,
        layer: &LayerCapture,
    ) {
        self.off.settle(capture);
        tiles::scroll(ui, "ablate", 0.0, |ui| {
            self.parts_ui(ui, cx, capture, layer);
            self.instead_ui(ui, cx);
            self.ask_ui(ui, cx);
            self.ablated_ui(ui, cx, capture);
            self.written_ui(ui, cx);
            apart(ui);
            self.sweep_ui(ui, cx, capture);
        });
    }

    /// Chips of what is off, and what more could be.
    fn parts_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: &Capture, layer: &LayerCapture) {
        let by_hand = !self.off.parts.is_empty();
        let mut dropped = None;
        ui.horizontal_wrapped(|ui| {
            widgets::semibold(ui, cx.t("inside.switched_off"));
            for part in self.switched() {
                let name = self.part_name(cx, part);
                widgets::tag(ui, widgets::Tone::Accent, &name);
                if by_hand {
                    let label = cx.tf("inside.on_again", &[("part", &name)]);
                    ui.spacing_mut().item_spacing.x = 0.0;
                    if icon_button(ui, icons::X, label).clicked() {
                        dropped = Some(part);
                    }
                    ui.spacing_mut().item_spacing.x = 8.0;
                }
            }
            if !by_hand {
                widgets::hint(ui, cx.t("inside.follows_selection"));
            }
        });
        if let Some(part) = dropped {
            self.off.toggle(part);
        }
        ui.horizontal_wrapped(|ui| {
            let mut offered = self.selected_parts();
            let s = capture.sizes;
            if let (true, [head]) = (s.n_kv_heads < s.n_heads, self.look.heads.as_slice()) {
                let kv_head = layer.shape.kv_head(*head as usize) as u32;
                offered.push(Part::KvHead { layer: layer.layer, kv_head });
            }
            if let ([head], Some(query), Some(key)) =
                (self.look.heads.as_slice(), self.look.query, self.look.key)
                && key <= query
            {
                let (query, key) = (query as u32, key as u32);
                offered.push(Part::Edge { layer: layer.layer, head: *head, query, key });
            }
            for part in offered.into_iter().take(6) {
                let there = self.off.parts.contains(&part).then(|| cx.t("inside.is_off"));
                let words = self.part_name(cx, part);
                let label = cx.tf("inside.add_part", &[("part", &words)]);
                let button = Button::control(words).icon(icons::PLUS).small().name(label).off(there);
                if button.show(ui).clicked() {
                    self.off.toggle(part);
                }
            }
            self.layers_menu(ui, cx, capture);
        });
    }

    /// Attention, MLP or both of any layer.
    fn layers_menu(&mut self, ui: &mut Ui, cx: &PaneCx, capture: &Capture) {
        let button = Button::control(cx.t("inside.whole_layers")).caret().small().show(ui);
        widgets::popover(&button, MENU, |ui| {
            ScrollArea::vertical().id_salt("layers").max_height(MENU_HEIGHT).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 4.0;
                for layer in 0..capture.sizes.n_layers {
                    ui.horizontal(|ui| {
                        ui.spacing_mut().item_spacing.x = 4.0;
                        let (_, rect) = ui.allocate_space(egui::vec2(28.0, 24.0));
                        let t = cx.theme.tokens;
                        let font = crate::theme::Type::Hint.mono(crate::theme::Weight::Regular);
                        widgets::one_line(ui, rect, layer.to_string(), font, t.text_2);
                        for (part, key) in [
                            (Part::Attention { layer }, "inside.attention"),
                            (Part::Mlp { layer }, "inside.mlp"),
                            (Part::Layer { layer }, "inside.both"),
                        ] {
                            let on = self.off.parts.contains(&part);
                            let button = Button::control(cx.t(key)).small().selected(on);
                            if button.name(self.part_name(cx, part)).show(ui).clicked() {
                                self.off.toggle(part);
                            }
                        }
                    });
                }
            });
        });
    }

    /// What stands in the place of what is off.
    fn instead_ui(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let parts = self.switched();
        let heads = parts.iter().any(|part| part.takes(Instead::Uniform));
        let all = [Instead::Zero, Instead::Mean, Instead::Resample, Instead::Uniform];
        let ways = all.map(|instead| (instead, cx.t(instead_key(instead))));
        if !heads && self.off.instead == Instead::Uniform {
            self.off.instead = Instead::Zero;
        }
        let shown = if heads { &ways[..] } else { &ways[..3] };
        ui.horizontal(|ui| {
            segments(ui, &cx.t("inside.instead"), &mut self.off.instead, shown, None);
            let mixed = heads && parts.iter().any(|part| !part.takes(Instead::Uniform));
            let key = match self.off.instead {
                Instead::Uniform if mixed => "inside.uniform_mixed",
                instead => instead_hint(instead),
            };
            ui.add(egui::Label::new(crate::theme::Type::Hint.text(cx.t(key), cx.theme.tokens.text_3)).wrap());
        });
        if parts.iter().any(|part| matches!(part, Part::Edge { .. })) {
            widgets::hint(ui, cx.t("inside.edge_hint"));
        }
    }

    /// Compare, write on, and what they need to know.
    fn ask_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let parts = self.switched();
        let why = match (self.base(cx), parts.is_empty()) {
            (None, _) => Some(cx.t("inside.needs_all")),
            (_, true) => Some(cx.t("inside.nothing_off")),
            _ => None,
        };
        ui.add_space(4.0);
        ui.horizontal_wrapped(|ui| {
            let button = Button::accent(cx.t("inside.compare_off")).icon(icons::POWER).off(why.clone());
            if button.show(ui).clicked() {
                self.ask_ablated(cx, &parts);
            }
            ui.add_space(8.0);
            let button = Button::control(cx.t("inside.write_on")).icon(icons::PENCIL_SIMPLE).off(why);
            if button.tooltip(cx.t("inside.write_on_hint")).show(ui).clicked() {
                self.ask_written(cx, &parts);
            }
            widgets::label(ui, cx.t("inside.tokens"));
            let name = cx.t("inside.n_tokens");
            NumberField::new(&name, 1.0..=MOST_TOKENS).width(56.0).show_u32(ui, &mut self.off.n_tokens);
            widgets::label(ui, cx.t("inside.seed"));
            let name = cx.t("inside.seed_of_both");
            NumberField::new(&name, 0.0..=f64::from(u32::MAX)).width(72.0).show_u32(ui, &mut self.off.seed);
        });
    }
}

/// A line between two groups.
pub(super) fn apart(ui: &mut Ui) {
    ui.add_space(8.0);
    widgets::divider(ui);
    ui.add_space(8.0);
}
