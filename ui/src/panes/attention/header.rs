//! The head of the map: which model, which view, what was captured; and what the map below it shows.

use super::AttentionPane;
use super::draft::amount;
use super::look::View;
use crate::model::{CaptureState, Looking, Offer, PickFor};
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::units::grouped;
use crate::widgets::{self, Button, MenuItem, Select, Tone, icon_button, segments, tiles};
use egui::{Align, Frame, Layout, Margin, Ui, vec2};
use glassworks_protocol::inside::{Capture, LayerCapture, MapKind, Merge, Segmenting, Storage};

impl AttentionPane {
    pub(super) fn header_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: Option<&Capture>) {
        let ready = capture.is_some();
        let (mut edit, mut inspect) = (false, false);
        let shared = std::cell::RefCell::new((&mut *self, &mut *cx));
        tiles::header(
            ui,
            |ui| {
                let (pane, cx) = &mut *shared.borrow_mut();
                if !ready {
                    return;
                }
                if cx.folds_inspector() {
                    inspect = icon_button(ui, icons::SIDEBAR_SIMPLE, cx.t("inside.show_head")).clicked();
                }
                edit = Button::control(cx.t("inside.new_text")).icon(icons::PENCIL_SIMPLE).show(ui).clicked();
                if let Some(capture) = capture.filter(|_| cx.folds_list()) {
                    let button = icon_button(ui, icons::SQUARES_FOUR, cx.t("inside.show_atlas"));
                    widgets::popover(&button, 320.0, |ui| {
                        ui.set_height(460.0);
                        super::atlas::order_menu(ui, cx, &mut pane.choices.order);
                        pane.atlas_body(ui, cx, capture);
                    });
                }
            },
            |ui| {
                let (pane, cx) = &mut *shared.borrow_mut();
                widgets::title(ui, cx.t("shell.pane_attention"));
                ui.add_space(4.0);
                pane.model_menu(ui, cx);
                if ready {
                    ui.add_space(4.0);
                    let views = [
                        (View::Matrix, cx.t("inside.matrix")),
                        (View::Lines, cx.t("inside.lines")),
                        (View::Text, cx.t("inside.text")),
                        (View::Lens, cx.t("inside.lens")),
                        (View::Ablate, cx.t("inside.ablate")),
                    ];
                    segments(ui, &cx.t("inside.view"), &mut pane.choices.view, &views, None);
                }
            },
        );
        self.editing |= edit;
        self.drawer ^= inspect;
    }

    /// What can be looked into; what only runs is listed with the reason why not. Another model reads the same text.
    fn model_menu(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let now = self.offer(cx);
        let words = now.as_ref().map_or_else(|| cx.t("inside.no_model"), |offer| offer.name().to_owned());
        let name = cx.tf("inside.model_now", &[("name", &words)]);
        let button = Button::control(words).icon(icons::CUBE).caret().name(name);
        let room = ui.available_width().clamp(80.0, 240.0);
        let wanted = now.as_ref().map_or(0.0, |offer| 8.0 * offer.name().chars().count() as f32 + 72.0);
        let response = button.width(wanted.clamp(80.0, room)).show(ui);
        let chosen = cx.choose(&response, PickFor::Write, now.as_ref().map(Offer::pick), |_| false);
        if let Some(pick) = chosen.filter(|pick| self.writer != Some(*pick)) {
            self.writer = Some(pick);
            if self.shown.is_some() && !self.editing {
                self.start(cx);
            }
        }
    }

    /// `Layer 14, head 5`, how it is kept, what it took; while it is being computed how far it is.
    pub(super) fn status_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        state: &CaptureState,
        capture: &Capture,
        layer: &LayerCapture,
    ) {
        let t = cx.theme.tokens;
        Frame::new().inner_margin(Margin { left: 16, right: 16, top: 8, bottom: 0 }).show(ui, |ui| {
            ui.allocate_ui_with_layout(
                vec2(ui.available_width(), size::CONTROL),
                Layout::right_to_left(Align::Center),
                |ui| {
                    match &state.looking {
                        Looking::Running => {
                            if Button::control(cx.t("shell.stop"))
                                .icon(icons::STOP)
                                .small()
                                .show(ui)
                                .clicked()
                            {
                                cx.cancel(state.job);
                            }
                            let n = capture.layers.len();
                            let words = cx
                                .tf("inside.layers_through", &[("n", &n), ("all", &capture.sizes.n_layers)]);
                            widgets::mono(ui, words);
                            widgets::bead(ui, t.warm);
                        }
                        Looking::Done => {
                            let n = grouped(capture.n_tokens() as u64);
                            let secs = format!("{:.2}", capture.took_ms as f64 / 1e3);
                            let size = amount(capture.size_bytes);
                            let words =
                                cx.tf("inside.captured", &[("n", &n), ("secs", &secs), ("size", &size)]);
                            ui.label(Type::Hint.number(words, t.text_3));
                        }
                        Looking::Stopped | Looking::Failed(_) => {
                            widgets::badge(ui, Tone::Warn, icons::WARNING, cx.t("inside.incomplete"));
                        }
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        widgets::truncated(ui, Type::Body.semibold(self.heads_words(cx, layer), t.text_1));
                        match layer.maps.storage() {
                            Storage::Coded => {
                                widgets::badge(ui, Tone::Warn, icons::INFO, cx.t("inside.rounded_badge"))
                                    .on_hover_text(cx.t("inside.rounded_hint"))
                            }
                            Storage::Qk | Storage::Dense => {
                                widgets::badge(ui, Tone::Ok, icons::CHECK, cx.t("inside.exact"))
                                    .on_hover_text(cx.t("inside.exact_hint"))
                            }
                        };
                        self.rank_badge(ui, cx, capture, layer);
                        if self.drawn.is_drawing() {
                            widgets::hint(ui, cx.t("inside.rough"));
                        }
                    });
                },
            );
        });
    }

    /// What the map shows, and how it is to be read.
    pub(super) fn toolbar_ui(&mut self, ui: &mut Ui, cx: &PaneCx, capture: &Capture, layer: &LayerCapture) {
        Frame::new().inner_margin(Margin { left: 16, right: 16, top: 4, bottom: 8 }).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.set_min_height(size::CONTROL_SMALL);
                if self.choices.view != View::Text {
                    self.segments_menu(ui, cx, capture);
                }
                if self.choices.view == View::Matrix {
                    self.kind_menu(ui, cx, layer);
                }
                if self.look.heads.len() > 1 {
                    let ways = [(Merge::Mean, cx.t("inside.mean")), (Merge::Max, cx.t("inside.max"))];
                    Select::new(&cx.t("inside.merge")).small().show(ui, &mut self.choices.merge, &ways);
                }
                let key = match self.choices.view {
                    View::Matrix => "inside.how_to_read",
                    View::Lines => "inside.how_to_read_lines",
                    // Lens and Ablate have words of their own.
                    View::Text | View::Lens | View::Ablate => "inside.how_to_read_text",
                };
                widgets::truncated(ui, Type::Hint.text(cx.t(key), cx.theme.tokens.text_2));
            });
        });
    }

    fn segments_menu(&mut self, ui: &mut Ui, cx: &PaneCx, capture: &Capture) {
        let by = [
            (Segmenting::Token, cx.t("inside.by_token")),
            (Segmenting::Word, cx.t("inside.by_word")),
            (Segmenting::Sentence, cx.t("inside.by_sentence")),
            (Segmenting::Line, cx.t("inside.by_line")),
            (Segmenting::Turn, cx.t("inside.by_turn")),
        ];
        let n = if capture.turns.is_empty() { by.len() - 1 } else { by.len() };
        Select::new(&cx.t("inside.segmenting")).small().show(ui, &mut self.choices.segmenting, &by[..n]);
    }

    fn kind_menu(&mut self, ui: &mut Ui, cx: &PaneCx, layer: &LayerCapture) {
        let none = (layer.maps.storage() != Storage::Qk).then(|| cx.t("inside.no_scores"));
        let scores = self.choices.kind == MapKind::Scores && none.is_none();
        let words = cx.t(if scores { "inside.kind_scores" } else { "inside.kind_weights" });
        let name = format!("{}: {words}", cx.t("inside.kind"));
        let button = Button::control(words).caret().small().name(name).show(ui);
        widgets::menu(&button, 260.0, |ui| {
            let item = MenuItem::new(cx.t("inside.kind_weights")).hint("A").selected(!scores);
            if item.show(ui).clicked() {
                self.choices.kind = MapKind::Weights;
            }
            let item = MenuItem::new(cx.t("inside.kind_scores")).hint("q·k").selected(scores).off(none);
            if item.show(ui).clicked() {
                self.choices.kind = MapKind::Scores;
            }
        });
    }

    /// `Layer 14, head 5`, or `Layer 14, mean of 3 heads`.
    fn heads_words(&self, cx: &PaneCx, layer: &LayerCapture) -> String {
        match (self.look.heads.as_slice(), self.choices.merge) {
            ([head], _) => cx.tf("inside.layer_head", &[("layer", &layer.layer), ("head", head)]),
            (heads, Merge::Mean) => {
                cx.tf("inside.layer_mean", &[("layer", &layer.layer), ("n", &heads.len())])
            }
            (heads, Merge::Max) => cx.tf("inside.layer_max", &[("layer", &layer.layer), ("n", &heads.len())]),
        }
    }

    pub(super) fn map_name(&self, cx: &PaneCx, layer: &LayerCapture) -> String {
        cx.tf("inside.map_of", &[("heads", &self.heads_words(cx, layer))])
    }
}
