//! The inspector: what a head tends to do, how the number under the crosshair comes about, what the picked token reads
//! most from; and the legend, which is always in sight.

use super::AttentionPane;
use super::ablate::apart;
use super::order::Trait;
use super::picture::Scale;
use crate::model::Looking;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::widgets::{self, Button, Select, icon_button, tiles};
use egui::{Rect, Response, Role, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use glassworks_protocol::JobSpec;
use glassworks_protocol::inside::{Capture, HeadScores, InsideJob, LayerCapture, MapKind, ScoresSpec};

/// Of the legend at the foot.
pub const LEGEND: f32 = 176.0;
const LABEL: f32 = 108.0;
/// How many the picked token reads most from.
const MOST: usize = 5;
/// Random tokens that are repeated once.
const N_RANDOM: u32 = 64;
const SEED: u64 = 1;

impl AttentionPane {
    /// What is known of all heads, by layer: measured where that is wished and there. Says whether it was measured.
    pub(super) fn scores(&self, cx: &PaneCx, capture: &Capture) -> (Vec<(u32, Vec<HeadScores>)>, bool) {
        let of = (capture.source.clone(), capture.tuned);
        let measured = cx.model.captures.scores(&of).and_then(|(_, report)| report);
        if let Some(report) = measured.filter(|_| self.choices.measured) {
            let heads = |layer: u32| report.heads.get(layer as usize).cloned().unwrap_or_default();
            return (capture.layers.iter().map(|one| (one.layer, heads(one.layer))).collect(), true);
        }
        (capture.layers.iter().map(|one| (one.layer, one.scores.clone())).collect(), false)
    }

    pub(super) fn head_tile(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        seen: Option<(&Capture, &LayerCapture)>,
    ) {
        let tile = ui.max_rect();
        let mut step = 0;
        tiles::header(
            ui,
            |ui| {
                if seen.is_some() {
                    step +=
                        isize::from(icon_button(ui, icons::CARET_RIGHT, cx.t("inside.next_head")).clicked());
                    step -= isize::from(
                        icon_button(ui, icons::CARET_LEFT, cx.t("inside.previous_head")).clicked(),
                    );
                }
            },
            |ui| {
                widgets::title(ui, cx.t("inside.head"));
                if let Some((_, layer)) = seen {
                    let heads: Vec<String> = self.look.heads.iter().map(u32::to_string).collect();
                    widgets::mono(ui, format!("{}.{}", layer.layer, heads.join(",")));
                }
            },
        );
        let Some((capture, layer)) = seen else { return };
        if step != 0 {
            self.step_head(capture, layer, step);
        }
        let rest = Rect::from_min_max(ui.cursor().min, tile.max - vec2(0.0, LEGEND));
        let mut body = ui.new_child(UiBuilder::new().id_salt("head body").max_rect(rest));
        body.set_clip_rect(rest.intersect(ui.clip_rect()));
        tiles::scroll(&mut body, "head", 0.0, |ui| {
            self.tends_ui(ui, cx, capture, layer);
            apart(ui);
            self.formula_ui(ui, cx, layer);
            apart(ui);
            self.most_ui(ui, cx);
            // The view itself does the same, and more.
            if self.choices.view != super::look::View::Ablate {
                apart(ui);
                self.switch_ui(ui, cx, capture);
            }
        });
        let foot = Rect::from_min_max(pos2(tile.left(), tile.bottom() - LEGEND), tile.max);
        let mut child = ui.new_child(UiBuilder::new().id_salt("legend").max_rect(foot));
        widgets::divider(&mut child);
        egui::Frame::new().inner_margin(size::PADDING as i8).show(&mut child, |ui| self.legend_ui(ui, cx));
    }

    fn step_head(&mut self, capture: &Capture, layer: &LayerCapture, by: isize) {
        let now = self.look.heads.first().copied().unwrap_or(0) as isize + by;
        let n = layer.shape.n_heads as isize;
        if (0..n).contains(&now) {
            self.look.select(layer.layer, now as u32);
            return;
        }
        let before = self.look.layer;
        self.look.step_layer(capture, by);
        if let Some(layer) = self.look.layer.filter(|_| self.look.layer != before) {
            self.look.select(layer, if by > 0 { 0 } else { (n - 1) as u32 });
        }
    }

    /// Scores as bars; of several heads their means.
    fn tends_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: &Capture, layer: &LayerCapture) {
        ui.spacing_mut().item_spacing.y = 4.0;
        widgets::semibold(ui, cx.t("inside.tends"));
        let (scores, _) = self.scores(cx, capture);
        let all = scores
            .into_iter()
            .find(|(one, _)| *one == layer.layer)
            .map(|(_, heads)| heads)
            .unwrap_or_default();
        let heads: Vec<HeadScores> =
            self.look.heads.iter().filter_map(|head| all.get(*head as usize)).copied().collect();
        for one in Trait::ALL {
            let known: Vec<f32> = heads.iter().filter_map(|head| one.of(head)).collect();
            let score = (!known.is_empty()).then(|| known.iter().sum::<f32>() / known.len() as f32);
            let row =
                bar_row(ui, cx, &cx.t(one.key()), score, score.map(|score| format!("{score:.2}")), false);
            row.on_hover_text(cx.t(&format!("{}_hint", one.key())));
        }
        self.measure_ui(ui, cx, capture);
    }

    fn measure_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: &Capture) {
        let of = (capture.source.clone(), capture.tuned);
        let state = cx.model.captures.scores(&of);
        let running = matches!(state, Some((Looking::Running, _)));
        let failure = state.and_then(|(looking, _)| match looking {
            Looking::Failed(failure) => Some(failure.clone()),
            _ => None,
        });
        let there = state.is_some_and(|(_, report)| report.is_some());
        if there {
            let words = [(true, cx.t("inside.of_random")), (false, cx.t("inside.of_text"))];
            Select::new(&cx.t("inside.scores_of")).small().show(ui, &mut self.choices.measured, &words);
            return;
        }
        widgets::hint(ui, cx.t("inside.of_text_hint"));
        if running {
            widgets::hint(ui, cx.t("inside.measuring"));
            return;
        }
        if let Some(failure) = failure {
            widgets::failed_line(ui, &failure, None);
        }
        let button = Button::control(cx.t("inside.measure")).icon(icons::FLASK).small();
        if button.tooltip(cx.tf("inside.measure_hint", &[("n", &N_RANDOM)])).show(ui).clicked() {
            let spec = ScoresSpec { model: of.0, tuned: of.1, n_tokens: N_RANDOM, seed: SEED };
            cx.start(JobSpec::Inside(InsideJob::Scores(spec)));
        }
    }

    /// `q·k / √64 = 4.871`, and so on to the weight.
    fn formula_ui(&mut self, ui: &mut Ui, cx: &PaneCx, layer: &LayerCapture) {
        ui.spacing_mut().item_spacing.y = 4.0;
        let one = match (self.look.heads.as_slice(), self.look.query, self.look.key) {
            ([head], Some(query), Some(key)) => Some((*head as usize, query, key)),
            _ => None,
        };
        let value = one.and_then(|(head, query, key)| layer.maps.value(&layer.shape, head, query, key));
        let Some(((head, query, key), weight)) = one.zip(value) else {
            widgets::semibold(ui, cx.t("inside.how"));
            let why = match (self.look.heads.len(), one) {
                (2.., _) => "inside.how_one_head",
                (_, Some(_)) => "inside.how_masked",
                _ => "inside.how_pick",
            };
            widgets::hint(ui, cx.t(why));
            return;
        };
        widgets::semibold(ui, cx.tf("inside.how_value", &[("n", &format!("{weight:.3}"))]));
        let steps = steps(cx, layer, head, query, key, weight);
        widgets::well(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.spacing_mut().interact_size.y = 20.0;
            let last = steps.len() - 1;
            for (at, (name, number)) in steps.iter().enumerate() {
                let t = cx.theme.tokens;
                ui.horizontal(|ui| {
                    let (_, place) = ui.allocate_space(vec2(LABEL, 20.0));
                    widgets::one_line(ui, place, name, Type::Hint.mono(Weight::Regular), t.text_2);
                    let ink = if at == last { t.series_text[0] } else { t.text_1 };
                    ui.label(Type::Hint.number(format!("= {number}"), ink));
                });
            }
        });
        if steps.len() == 1 {
            widgets::hint(ui, cx.t("inside.how_weights_only"));
        }
    }

    /// The keys that the picked token reads most from.
    fn most_ui(&mut self, ui: &mut Ui, cx: &PaneCx) {
        ui.spacing_mut().item_spacing.y = 2.0;
        let (Some(query), Some(spec)) = (self.look.query, self.drawn.spec().cloned()) else {
            widgets::semibold(ui, cx.t("inside.most_none"));
            widgets::hint(ui, cx.t("inside.most_pick"));
            return;
        };
        let row = spec.segment_of(query);
        let name = self.names.segment(spec.segment(row)).replace('·', "");
        widgets::semibold(ui, cx.tf("inside.most", &[("token", &name)]));
        let mut values: Vec<(usize, f32)> =
            self.drawn.row(row).iter().copied().enumerate().filter(|(_, a)| !a.is_nan()).collect();
        values.sort_by(|a, b| b.1.total_cmp(&a.1));
        values.truncate(MOST);
        for (column, value) in values {
            let name = self.names.segment(spec.segment(column));
            let share = (spec.kind == MapKind::Weights).then_some(value);
            let chosen = self.look.key.is_some_and(|key| spec.segment_of(key) == column);
            if bar_row(ui, cx, &name, share, Some(format!("{value:.3}")), chosen).clicked() {
                self.look.key = Some(spec.segment(column).start);
            }
        }
    }

    /// Colours, their domain, gamma, and what hatching means.
    pub(super) fn legend_ui(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let t = cx.theme.tokens;
        let scale = self.scale();
        ui.spacing_mut().item_spacing.y = 4.0;
        let (low, middle, high) = match scale {
            Scale::Weights { .. } => ("0".to_owned(), "0.5".to_owned(), "1".to_owned()),
            Scale::Scores { most } => (format!("−{most:.1}"), "0".to_owned(), format!("{most:.1}")),
        };
        let domain = match scale {
            Scale::Weights { .. } => cx.t("inside.domain"),
            Scale::Scores { .. } => cx.t("inside.domain_scores"),
        };
        ui.horizontal(|ui| {
            widgets::semibold(ui, cx.t("inside.colour"));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| widgets::hint(ui, domain));
        });
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 10.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{low} – {high}")));
        let n = 64;
        for i in 0..n {
            let x = |i: usize| rect.left() + rect.width() * i as f32 / n as f32;
            let part = (i as f32 + 0.5) / n as f32;
            let value = match scale {
                Scale::Weights { .. } => part,
                Scale::Scores { most } => (2.0 * part - 1.0) * most,
            };
            let cell = Rect::from_min_max(pos2(x(i), rect.top()), pos2(x(i + 1), rect.bottom()));
            ui.painter().rect_filled(cell, 0.0, scale.color(&t, value));
        }
        ui.painter().rect_stroke(rect, 2.0, egui::Stroke::new(1.0, t.line), egui::StrokeKind::Outside);
        let (_, numbers) = ui.allocate_space(vec2(ui.available_width(), 14.0));
        for (words, align, x) in [
            (low, egui::Align2::LEFT_CENTER, numbers.left()),
            (middle, egui::Align2::CENTER_CENTER, numbers.center().x),
            (high, egui::Align2::RIGHT_CENTER, numbers.right()),
        ] {
            let font = Type::Caption.mono(Weight::Regular);
            ui.painter().text(pos2(x, numbers.center().y), align, words, font, t.text_3);
        }
        if let Scale::Weights { .. } = scale {
            widgets::slider_row(ui, &cx.t("inside.gamma"), &mut self.choices.gamma, 0.2..=1.0, 2, "");
        }
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(24.0, 12.0), Sense::hover());
            super::matrix::hatch(ui, rect, &t);
            widgets::hint(ui, cx.t("inside.masked"));
        });
    }
}

/// Each step's name and number; the weight alone where scores are not kept.
fn steps(
    cx: &PaneCx,
    layer: &LayerCapture,
    head: usize,
    query: usize,
    key: usize,
    weight: f32,
) -> Vec<(String, String)> {
    let (shape, maps) = (&layer.shape, &layer.maps);
    let mut steps = Vec::new();
    let vectors = maps.query(shape, head, query).zip(maps.key(shape, head, key));
    if let (Some((q, k)), Some(score)) = (vectors, maps.score(shape, head, query, key)) {
        let dot: f64 = q.iter().zip(k).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        let scaled = dot * f64::from(shape.scale);
        let root = (shape.scale * (shape.head_width as f32).sqrt() - 1.0).abs() < 1e-5;
        let name =
            if root { format!("q·k / √{}", shape.head_width) } else { format!("q·k × {}", shape.scale) };
        steps.push((name, format!("{scaled:.3}")));
        if let Some(cap) = shape.soft_cap {
            steps.push((format!("{cap}·tanh(s/{cap})"), format!("{score:.3}")));
        }
        steps.push((cx.t("inside.mask"), cx.t("inside.mask_earlier")));
        steps.push((format!("e^{score:.3}"), figures(f64::from(score).exp())));
        let sum = maps.log_sum(shape, head, query).map_or(f64::NAN, |lse| f64::from(lse).exp());
        steps.push((cx.t("inside.row_sum"), figures(sum)));
    }
    steps.push((cx.t("inside.weight"), format!("{weight:.4}")));
    steps
}

/// Four figures.
fn figures(number: f64) -> String {
    let digits = number.abs().log10().floor();
    match digits {
        _ if !number.is_finite() => "∞".to_owned(),
        -3.0..6.0 => format!("{number:.*}", (3.0 - digits).clamp(0.0, 6.0) as usize),
        _ => format!("{number:.3e}"),
    }
}

/// Name, bar and number in a line.
fn bar_row(
    ui: &mut Ui,
    cx: &PaneCx,
    name: &str,
    share: Option<f32>,
    number: Option<String>,
    chosen: bool,
) -> Response {
    let t = cx.theme.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 22.0), Sense::click());
    let number = number.unwrap_or_else(|| "–".to_owned());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{name} {number}")));
    if chosen || response.hovered() {
        let fill = if chosen { t.selected } else { t.hover };
        ui.painter().rect_filled(rect.expand2(vec2(6.0, 0.0)), f32::from(size::RADIUS_TAG), fill);
    }
    let y = rect.y_range();
    let place = Rect::from_x_y_ranges(rect.left()..=rect.left() + LABEL, y);
    widgets::one_line(ui, place, name, Type::Body.font(Weight::Regular), t.text_2);
    let words = widgets::galley(ui, number, Type::Hint.mono(Weight::Regular), t.text_1);
    let end = rect.right() - words.size().x;
    ui.painter().galley(pos2(end, rect.center().y - words.size().y / 2.0), words, t.text_1);
    let track = Rect::from_center_size(rect.center(), vec2(0.0, 4.0));
    let track = Rect::from_x_y_ranges(rect.left() + LABEL + 8.0..=(rect.right() - 52.0), track.y_range());
    if let Some(share) = share {
        ui.painter().rect_filled(track, 2.0, t.hatch);
        let width = track.width() * share.clamp(0.0, 1.0);
        ui.painter().rect_filled(Rect::from_min_size(track.min, vec2(width, 4.0)), 2.0, t.series[0]);
    }
    widgets::focus_ring(ui, &response, rect);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_figures_are_shown() {
        let shown = [130.53, 212.84, 0.0123, 1.0, 2.5e9, 4e-7].map(figures);
        assert_eq!(shown, ["130.5", "212.8", "0.01230", "1.000", "2.500e9", "4.000e-7"]);
    }
}
