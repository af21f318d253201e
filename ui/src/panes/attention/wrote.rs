//! Who wrote a logit: embedding, attention and MLP of each layer, biases; the heads that wrote most; and what all of it
//! adds up to beside the model's own.

use super::AttentionPane;
use super::asked::Asked;
use super::names::visible;
use super::scales::{SignedRow, signed};
use crate::panes::PaneCx;
use crate::theme::{Tokens, Type, Weight, icons};
use crate::widgets::{self, Button, Select, Tone};
use egui::{Align2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::ids::CaptureId;
use glassworks_protocol::inside::{AttributionReport, AttributionSpec, Capture, InsideJob, InsideOutput};
use std::sync::Arc;

/// Of the bars by layer.
const HEIGHT: f32 = 150.0;
const LEFT: f32 = 40.0;
/// Heads that are listed.
const LISTED: usize = 8;
/// Other tokens that are offered.
const OFFERED: usize = 8;

/// Capture, position, token, against which.
pub type Whose = (CaptureId, usize, Option<u32>, Option<u32>);

#[derive(Default)]
pub struct Wrote {
    pub asked: Asked<Whose>,
    /// Whose logit: the token that follows, or this one. Of which position.
    pub target: Option<(usize, u32)>,
    pub against: Option<(usize, u32)>,
}

/// Tokens that might have followed a position, likeliest first.
fn others(capture: &Capture, position: usize) -> Vec<(u32, String)> {
    let at = (position + 1).checked_sub(capture.read_from as usize);
    let top = match at.and_then(|at| capture.read.get(at)) {
        Some(piece) => &piece.top,
        None if position + 1 == capture.n_tokens() => &capture.next,
        None => return Vec::new(),
    };
    top.iter().take(OFFERED).map(|one| (one.id, visible(&one.text))).collect()
}

impl AttentionPane {
    /// The token that is explained, and the one it is set against.
    pub(super) fn whose(&self, capture: &Capture) -> Whose {
        let position = self.position(capture);
        let here = |one: Option<(usize, u32)>| one.filter(|one| one.0 == position).map(|one| one.1);
        let Wrote { target, against, .. } = &self.lens.wrote;
        (capture.id, position, here(*target), here(*against))
    }

    pub(super) fn wrote_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: &Capture) {
        let whose = self.whose(capture);
        let mut start = false;
        ui.horizontal_wrapped(|ui| {
            widgets::semibold(ui, cx.t("inside.wrote_title"));
            self.whose_menus(ui, cx, capture);
            let why = self.base(cx).is_none().then(|| cx.t("inside.needs_all"));
            let button = Button::control(cx.t("inside.wrote")).icon(icons::SCALES).small().off(why);
            start = button.tooltip(cx.t("inside.wrote_hint")).show(ui).clicked();
        });
        if self.lens.wrote.asked.is(&whose) {
            start |= self.lens.wrote.asked.state_ui(ui, cx, "inside.wrote_working");
        }
        if start && let Some(base) = self.base(cx) {
            let (_, position, target, against) = whose;
            let spec = AttributionSpec { base, position: position as u32, target, against };
            self.lens.wrote.asked.ask(cx, whose, InsideJob::Attribute(spec));
        }
        let report = match self.lens.wrote.asked.output(cx.model) {
            Some(InsideOutput::Attributed(report)) if self.lens.wrote.asked.is(&whose) => Arc::clone(report),
            _ => {
                if !self.lens.wrote.asked.is(&whose) {
                    widgets::hint(ui, cx.t("inside.wrote_hint"));
                }
                return;
            }
        };
        self.sum_ui(ui, cx, &report);
        let width = ui.available_width();
        let list = 250.0f32.min(width);
        let beside = width > 560.0;
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.set_width(if beside { width - list - 24.0 } else { width });
                layers_ui(ui, cx, &report);
            });
            if beside {
                ui.add_space(16.0);
                ui.vertical(|ui| self.writers_ui(ui, cx, &report, list));
            }
        });
        if !beside {
            self.writers_ui(ui, cx, &report, list);
        }
    }

    /// `“·tired” after “·too”`, against another.
    fn whose_menus(&mut self, ui: &mut Ui, cx: &PaneCx, capture: &Capture) {
        let position = self.position(capture);
        let others = others(capture, position);
        let (.., mut target, mut against) = self.whose(capture);
        let own = self.following(capture, position);
        let mut tokens = vec![(None, own)];
        tokens.extend(others.iter().map(|(id, text)| (Some(*id), text.clone())));
        Select::new(&cx.t("inside.whose")).small().show(ui, &mut target, &tokens);
        let before = self.names.alone.get(position).cloned().unwrap_or_default();
        widgets::hint(ui, cx.tf("inside.after", &[("token", &before)]));
        let mut tokens = vec![(None, cx.t("inside.against_none"))];
        let versus = |text: &String| cx.tf("inside.against", &[("token", text)]);
        tokens.extend(others.iter().map(|(id, text)| (Some(*id), versus(text))));
        Select::new(&cx.t("inside.against_which")).small().show(ui, &mut against, &tokens);
        self.lens.wrote.target = target.map(|id| (position, id));
        self.lens.wrote.against = against.map(|id| (position, id));
    }

    /// `embedding + attention + MLPs + biases = sum`, beside the model's own.
    fn sum_ui(&self, ui: &mut Ui, cx: &PaneCx, report: &AttributionReport) {
        let attention = report.heads.iter().flatten().chain(&report.attention_rest).sum::<f32>();
        let mlps = report.mlps.iter().sum::<f32>();
        let number = |value: f32| signed(value, 3);
        let args: [(&str, &dyn std::fmt::Display); 5] = [
            ("embedding", &number(report.embedding)),
            ("attention", &number(attention)),
            ("mlps", &number(mlps)),
            ("bias", &number(report.bias)),
            ("sum", &number(report.total())),
        ];
        let t = cx.theme.tokens;
        ui.horizontal_wrapped(|ui| {
            ui.label(Type::Hint.number(cx.tf("inside.wrote_sum", &args), t.text_2));
            let key = match &report.against {
                Some(_) => "inside.wrote_difference",
                None => "inside.wrote_logit",
            };
            ui.label(Type::Hint.number(cx.tf(key, &[("n", &number(report.logit))]), t.text_1));
            if report.capped {
                let badge = widgets::badge(ui, Tone::Warn, icons::INFO, cx.t("inside.capped"));
                badge.on_hover_text(cx.t("inside.capped_hint"));
            }
        });
    }

    fn writers_ui(&mut self, ui: &mut Ui, cx: &PaneCx, report: &AttributionReport, width: f32) {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = 2.0;
        widgets::medium(ui, cx.t("inside.writers"));
        let each = report.heads.iter().zip(0..).flat_map(|(heads, layer)| {
            heads.iter().zip(0..).map(move |(share, head)| ((layer, head), *share))
        });
        let mut all: Vec<((u32, u32), f32)> = each.collect();
        all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        let most = all.first().map_or(1.0, |one| one.1.abs());
        // Heads are attention's, in its colour.
        let fill = Some(cx.theme.tokens.series[0]);
        for ((layer, head), value) in all.into_iter().take(LISTED) {
            let (name, number) = (format!("{layer}.{head}"), signed(value, 3));
            let chosen = self.look.layer == Some(layer) && self.look.heads == [head];
            let row = SignedRow { name: &name, value, most, number: &number, chosen, fill };
            if row.show(ui, cx).clicked() {
                self.look.select(layer, head);
            }
        }
    }
}

/// Embedding, each layer's attention and MLP, biases, as bars from zero.
fn layers_ui(ui: &mut Ui, cx: &PaneCx, report: &AttributionReport) {
    let t = cx.theme.tokens;
    ui.horizontal_wrapped(|ui| {
        for (key, color) in [("inside.attention", t.series[0]), ("inside.mlp", t.series[1])] {
            let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
            ui.painter().rect_filled(rect, 2.0, color);
            widgets::hint(ui, cx.t(key));
        }
        let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
        ui.painter().rect_filled(rect, 2.0, t.line_strong);
        widgets::hint(ui, cx.t("inside.embedding_and_biases"));
    });
    let attention: Vec<f32> = report
        .heads
        .iter()
        .zip(&report.attention_rest)
        .map(|(heads, rest)| heads.iter().sum::<f32>() + rest)
        .collect();
    let n = attention.len();
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT + 18.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, cx.t("inside.wrote_by_layer")));
    let plot = Rect::from_min_max(rect.min + vec2(LEFT, 4.0), pos2(rect.right(), rect.bottom() - 18.0));
    let ends = [report.embedding, report.bias];
    let most = attention.iter().chain(&report.mlps).chain(&ends).map(|x| x.abs()).fold(1e-6, f32::max);
    scale(ui, plot, most, &t);
    // Embedding first, biases last.
    let slot = plot.width() / (n + 2) as f32;
    let bar = |x: f32, width: f32, value: f32, color| {
        let y = plot.center().y;
        let end = y - plot.height() / 2.0 * value / most;
        let filled = Rect::from_min_max(pos2(x, y.min(end)), pos2(x + width, y.max(end)));
        ui.painter().rect_filled(filled, 1.0, color);
    };
    let wide = (slot * 0.4).clamp(1.0, 10.0);
    let x = |at: usize| plot.left() + (at as f32 + 0.5) * slot;
    bar(x(0) - wide / 2.0, wide, report.embedding, t.line_strong);
    bar(x(n + 1) - wide / 2.0, wide, report.bias, t.line_strong);
    let every = (22.0 / slot).ceil().max(1.0) as usize;
    for (layer, own) in attention.iter().enumerate() {
        bar(x(layer + 1) - wide, wide, *own, t.series[0]);
        bar(x(layer + 1), wide, report.mlps.get(layer).copied().unwrap_or(0.0), t.series[1]);
        if layer.is_multiple_of(every) {
            let at = pos2(x(layer + 1), plot.bottom() + 9.0);
            let font = Type::Caption.mono(Weight::Regular);
            ui.painter().text(at, Align2::CENTER_CENTER, layer.to_string(), font, t.text_3);
        }
    }
    let pointed = response.hover_pos().map(|pos| ((pos.x - plot.left()) / slot).floor());
    let words = match pointed.filter(|at| *at >= 0.0).map(|at| at as usize) {
        Some(0) => cx.tf("inside.embedding_is", &[("n", &signed(report.embedding, 4))]),
        Some(at) if at <= n => {
            let (own, mlp) = (signed(attention[at - 1], 4), signed(report.mlps[at - 1], 4));
            cx.tf("inside.layer_wrote", &[("layer", &(at - 1)), ("attention", &own), ("mlp", &mlp)])
        }
        Some(at) if at == n + 1 => cx.tf("inside.biases_are", &[("n", &signed(report.bias, 4))]),
        _ => return,
    };
    response.on_hover_ui_at_pointer(|ui| {
        ui.label(Type::Hint.number(words, t.text_1));
    });
}

fn scale(ui: &Ui, plot: Rect, most: f32, t: &Tokens) {
    for (value, strong) in [(most, false), (0.0, true), (-most, false)] {
        let y = plot.center().y - plot.height() / 2.0 * value / most;
        let line = if strong { t.line_strong } else { t.line_soft };
        ui.painter().hline(plot.x_range(), y, Stroke::new(1.0, line));
        let (at, font) = (pos2(plot.left() - 6.0, y), Type::Caption.mono(Weight::Regular));
        ui.painter().text(at, Align2::RIGHT_CENTER, signed(value, 1), font, t.text_3);
    }
}
