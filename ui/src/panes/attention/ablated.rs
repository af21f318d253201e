//! What switching parts off did: the next token's distribution as it was and as it is, each token of the text, and both
//! ways the text goes on.

use super::AttentionPane;
use super::ablate::apart;
use super::card::exact;
use super::names::visible;
use super::off::{delta_at, kl_at, pair};
use super::scales::{self, signed};
use crate::panes::PaneCx;
use crate::theme::{Type, Weight};
use crate::widgets::{self, ChipText};
use egui::{Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::generate::TokenPiece;
use glassworks_protocol::inside::{AblateReport, Capture, ContinueReport};

/// Next tokens that were listed before, and new ones.
const LISTED: usize = 8;
const NEW: usize = 3;
/// Where the colours of a difference end, nats.
const FULL: f32 = 2.0;
const NAME: f32 = 104.0;
const NUMBER: f32 = 60.0;
const ROW: f32 = 26.0;
/// Narrower, the numbers stand below the bars.
const BESIDE_FROM: f32 = 620.0;
const NUMBERS: f32 = 232.0;

/// A token that may come next: how likely it was and is, where that is known.
struct Next {
    text: String,
    was: Option<f32>,
    now: Option<f32>,
}

/// As it was, the likeliest first; then what has come up.
fn nexts(capture: &Capture, report: &AblateReport) -> Vec<Next> {
    let before = capture.next.iter().zip(&report.baseline_next).take(LISTED);
    let mut all: Vec<Next> = before
        .map(|(one, now)| Next { text: visible(&one.text), was: Some(one.prob), now: Some(*now) })
        .collect();
    let known = |id: u32| capture.next.iter().any(|one| one.id == id);
    let new = report.next.iter().take(LISTED).filter(|one| !known(one.id)).take(NEW);
    all.extend(new.map(|one| Next { text: visible(&one.text), was: None, now: Some(one.prob) }));
    all
}

/// With a minus that is as wide as a plus.
fn minus(value: f32) -> String {
    format!("{value:.2}").replace('-', "−")
}

/// How many tokens two texts begin with alike.
fn alike(one: &[TokenPiece], other: &[TokenPiece]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a.id == b.id).count()
}

impl AttentionPane {
    pub(super) fn ablated_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, capture: &Capture) {
        let shown = self.off.ablated.what().is_some_and(|of| Some(of.0) == self.shown);
        if !shown {
            return;
        }
        apart(ui);
        if self.off.ablated.state_ui(ui, cx, "inside.switching_off") {
            let parts = self.switched();
            self.ask_ablated(cx, &parts);
        }
        let Some(report) = self.ablated(cx) else { return };
        let names: Vec<String> = report.ablations.iter().map(|one| self.part_name(cx, one.part)).collect();
        widgets::semibold(ui, cx.tf("inside.with_off", &[("parts", &names.join(" + "))]));
        let width = ui.available_width();
        let beside = width >= BESIDE_FROM;
        let bars = if beside { width - NUMBERS - 32.0 } else { width };
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.set_width(bars);
                nexts_ui(ui, cx, &nexts(capture, &report));
            });
            if beside {
                ui.add_space(24.0);
                ui.vertical(|ui| {
                    ui.set_width(NUMBERS);
                    self.numbers_ui(ui, cx, capture, &report);
                });
            }
        });
        if !beside {
            self.numbers_ui(ui, cx, capture, &report);
        }
        ui.add_space(4.0);
        self.deltas_ui(ui, cx, capture, &report);
    }

    fn numbers_ui(&self, ui: &mut Ui, cx: &PaneCx, capture: &Capture, report: &AblateReport) {
        ui.spacing_mut().item_spacing.y = 4.0;
        widgets::caption(ui, cx.t("inside.in_numbers"));
        let at = capture.n_tokens().saturating_sub(1);
        let number = |value: Option<f32>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
        pair(ui, cx, &cx.t("inside.kl_last"), &number(kl_at(capture, report, at)));
        let mean = report.kl.iter().sum::<f32>() / report.kl.len().max(1) as f32;
        pair(ui, cx, &cx.t("inside.kl_mean"), &number(Some(mean)));
        let delta = delta_at(capture, report, at).map_or_else(|| "–".to_owned(), |delta| signed(delta, 3));
        pair(ui, cx, &cx.tf("inside.delta_of", &[("token", &self.following(capture, at))]), &delta);
        let (was, now) = report.logit_difference;
        let second = capture.next.get(1).map(|one| visible(&one.text)).unwrap_or_default();
        let words = cx.tf("inside.logit_difference", &[("a", &self.following(capture, at)), ("b", &second)]);
        pair(ui, cx, &words, &format!("{} → {}", minus(was), minus(now)));
    }

    /// The text, each token on the colour of how much likelier it is now.
    fn deltas_ui(&mut self, ui: &mut Ui, cx: &PaneCx, capture: &Capture, report: &AblateReport) {
        let t = cx.theme.tokens;
        ui.horizontal_wrapped(|ui| {
            widgets::semibold(ui, cx.t("inside.each_token"));
            let (low, high) = (cx.t("inside.less_likely"), cx.t("inside.likelier"));
            scales::legend(ui, cx, format!("−{FULL} {low}"), format!("+{FULL} {high}"), |part| {
                t.delta(1.0 - 2.0 * part)
            });
        });
        let text = self.off.running.laid_out(ui, &self.names, capture);
        let delta = |at: usize| at.checked_sub(1).and_then(|before| delta_at(capture, report, before));
        let ground = |at: usize| delta(at).map(|delta| t.delta(-delta / FULL));
        let name = cx.t("inside.each_token_name");
        let shown = widgets::chips(ui, &name, &text, capture.n_tokens(), self.look.query, ground);
        if let Some(at) = shown.hovered {
            let words = self.token_words(cx, capture, report, at);
            shown.response.on_hover_ui_at_pointer(|ui| {
                ui.label(Type::Hint.number(words, t.text_1));
            });
        }
        // Without a pointer, the picked one's numbers are below.
        if let Some(at) = self.look.query {
            let words = self.token_words(cx, capture, report, at).replace('\n', "  ");
            ui.label(Type::Hint.number(words, t.text_2));
        }
        if let Some(at) = shown.chosen.or(shown.moved) {
            let again = shown.chosen.is_some() && self.look.query == Some(at);
            (self.look.query, self.look.key) = ((!again).then_some(at), None);
        }
    }

    /// `·it`, its log-probability as it was and as it is, by how much it changed, KL: all digits.
    fn token_words(&self, cx: &PaneCx, capture: &Capture, report: &AblateReport, at: usize) -> String {
        let token = self.names.alone.get(at).cloned().unwrap_or_default();
        let Some(i) = at.checked_sub(capture.read_from as usize) else {
            return cx.tf("inside.token_unread", &[("token", &token)]);
        };
        let logprob = |read: &[TokenPiece]| read.get(i).map_or(f32::NAN, |one| one.logprob);
        let (was, now) = (logprob(&capture.read), logprob(&report.read));
        let kl = report.kl.get(i).copied().unwrap_or(f32::NAN);
        let args: [(&str, &dyn std::fmt::Display); 5] = [
            ("token", &token),
            ("was", &exact(was)),
            ("now", &exact(now)),
            ("delta", &signed(now - was, 4)),
            ("kl", &exact(kl)),
        ];
        cx.tf("inside.token_card", &args)
    }

    pub(super) fn written_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let shown = self.off.written.what().is_some_and(|((of, ..), _)| Some(*of) == self.shown);
        if !shown {
            return;
        }
        apart(ui);
        if self.off.written.state_ui(ui, cx, "inside.writing_on") {
            let parts = self.switched();
            self.ask_written(cx, &parts);
        }
        let Some(report) = self.written(cx) else { return };
        let n = alike(&report.baseline, &report.ablated);
        let parts = n < report.baseline.len().max(report.ablated.len());
        ui.horizontal_wrapped(|ui| {
            widgets::semibold(ui, cx.t("inside.written_on"));
            let words = if parts {
                cx.tf("inside.part_at", &[("n", &(n + 1)), ("seed", &report.seed)])
            } else {
                cx.tf("inside.never_part", &[("seed", &report.seed)])
            };
            widgets::hint(ui, words);
        });
        both_ui(ui, cx, &report, parts.then_some(n));
    }
}

/// Both continuations in columns; the first token where they part has a ring.
fn both_ui(ui: &mut Ui, cx: &PaneCx, report: &ContinueReport, parts: Option<usize>) {
    let width = (ui.available_width() - 16.0) / 2.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 16.0;
        for (pieces, key) in [(&report.baseline, "inside.as_it_was"), (&report.ablated, "inside.with_it_off")]
        {
            ui.vertical(|ui| {
                ui.set_width(width);
                widgets::caption(ui, cx.t(key));
                widgets::well(ui, |ui| {
                    ui.set_width(width - 18.0);
                    let texts = pieces.iter().map(|piece| piece.text.as_str());
                    let text = ChipText::lay_out(ui, texts, width - 18.0);
                    let mark = parts.filter(|at| *at < pieces.len());
                    let t = cx.theme.tokens;
                    let ground = |at: usize| mark.filter(|mark| at == *mark).map(|_| t.selected);
                    let whole: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
                    let name = format!("{}: {whole}", cx.t(key));
                    ui.push_id(key, |ui| widgets::chips(ui, &name, &text, pieces.len(), mark, ground));
                    if pieces.is_empty() {
                        widgets::hint(ui, cx.t("inside.wrote_nothing"));
                    }
                });
            });
        }
    });
}

/// A row a token: name, two bars, both numbers, how they differ.
fn nexts_ui(ui: &mut Ui, cx: &PaneCx, nexts: &[Next]) {
    let t = cx.theme.tokens;
    ui.spacing_mut().item_spacing.y = 0.0;
    let width = ui.available_width();
    let numbers = |rect: Rect, all: [String; 3], font: egui::FontId, ink: [egui::Color32; 3]| {
        for (i, (words, ink)) in all.into_iter().zip(ink).enumerate() {
            let words = widgets::galley(ui, words, font.clone(), ink);
            let right = rect.right() - (2 - i) as f32 * NUMBER;
            let at = pos2(right - words.size().x, rect.center().y - words.size().y / 2.0);
            ui.painter().galley(at, words, ink);
        }
    };
    let head = Rect::from_min_size(ui.cursor().min, vec2(width, 20.0));
    let caption = Type::Caption.font(Weight::Regular);
    widgets::one_line(ui, head, cx.t("inside.next_token"), caption.clone(), t.text_3);
    let heads = [cx.t("inside.was"), cx.t("inside.now"), "Δ".to_owned()];
    numbers(head, heads, caption, [t.series_text[1], t.series_text[0], t.text_3]);
    let mut rows = Vec::new();
    for (i, next) in nexts.iter().enumerate() {
        let rect = Rect::from_min_size(head.left_bottom() + vec2(0.0, i as f32 * ROW), vec2(width, ROW));
        let percent = |p: Option<f32>| p.map_or_else(|| "–".to_owned(), |p| format!("{:.1} %", 100.0 * p));
        let delta = next.was.zip(next.now).map(|(was, now)| signed(100.0 * (now - was), 1));
        let all = [percent(next.was), percent(next.now), delta.unwrap_or_else(|| "–".to_owned())];
        rows.push((rect, format!("{} {}", next.text, all.join(" "))));
        let name = Rect::from_min_size(rect.min, vec2(NAME, ROW));
        widgets::one_line(ui, name, &next.text, Type::Hint.mono(Weight::Regular), t.text_1);
        numbers(rect, all, Type::Hint.mono(Weight::Regular), [t.text_2, t.text_1, t.text_1]);
        let (left, right) = (rect.left() + NAME + 8.0, rect.right() - 3.0 * NUMBER - 8.0);
        for (p, y, color) in [(next.was, -4.0, t.series[1]), (next.now, 4.0, t.series[0])] {
            let y = rect.center().y + y;
            let track = Rect::from_x_y_ranges(left..=right, y - 3.0..=y + 3.0);
            let width = track.width() * p.unwrap_or(0.0).clamp(0.0, 1.0);
            ui.painter().rect_filled(track, 2.0, t.hatch.gamma_multiply(0.5));
            ui.painter().rect_filled(Rect::from_min_size(track.min, vec2(width, 6.0)), 2.0, color);
        }
    }
    ui.allocate_space(vec2(width, 20.0));
    for (rect, words) in rows {
        let (_, response) = ui.allocate_exact_size(rect.size(), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_part_at_their_first_difference() {
        let piece = |id| TokenPiece {
            id,
            text: String::new(),
            logprob: 0.0,
            sampled_prob: 1.0,
            rank: 0,
            entropy: 0.0,
            top: Vec::new(),
        };
        let texts = [[1, 2, 3], [1, 2, 4]].map(|ids| ids.map(piece));
        assert_eq!(alike(&texts[0], &texts[1]), 2);
        assert_eq!(alike(&texts[0], &texts[0][..2]), 2);
    }
}
