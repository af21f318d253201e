//! A stretch of text under two models: how likely each finds it, and by how much they differ.

use super::chips::visible_tokens;
use super::delta::signed;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, size};
use crate::widgets;
use egui::{Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::generate::TokenPiece;
use glassworks_protocol::score::Stretch;

const WIDTH: f32 = 340.0;
const NUMBER: f32 = 84.0;
const ROW: f32 = 26.0;

/// The text's tokens under the model that wrote it and under the other, and how both are called.
pub(super) struct Sides<'a> {
    pub names: &'a [String; 2],
    pub own: &'a [TokenPiece],
    pub other: &'a [TokenPiece],
}

/// As a card that stays; says whether it is still open.
pub(super) fn show(
    ui: &Ui,
    cx: &PaneCx,
    sides: &Sides<'_>,
    stretch: &Stretch,
    at: Rect,
    just_opened: bool,
) -> bool {
    let mut open = true;
    let name = cx.t("compare.delta_card");
    let shown = widgets::popover_at(ui, &name, at, WIDTH, &mut open, just_opened, |ui| {
        card(ui, cx, sides, stretch);
    });
    shown.is_some() && open
}

/// What it says.
pub(super) fn card(ui: &mut Ui, cx: &PaneCx, sides: &Sides<'_>, stretch: &Stretch) {
    let t = cx.theme.tokens;
    ui.set_width(WIDTH);
    ui.spacing_mut().item_spacing.y = 0.0;
    let text = visible_tokens(&sides.own[stretch.one.clone()]);
    egui::Frame::new()
        .fill(t.control)
        .corner_radius(size::RADIUS_TAG)
        .inner_margin(egui::Margin::symmetric(8, 3))
        .show(ui, |ui| ui.label(Type::Body.number(super::message::one_line(&text, 34), t.text_1)));
    ui.add_space(8.0);
    let heads = [cx.t("compare.probability"), cx.t("compare.surprisal")];
    line(ui, "", &heads, Weight::Regular, t.text_3);
    for (name, logprob) in sides.names.iter().zip([stretch.one_logprob, stretch.other_logprob]) {
        let bits = cx.tf("playground.bits", &[("n", &format!("{:.2}", -logprob / std::f64::consts::LN_2))]);
        line(ui, name, &[probability(logprob.exp()), bits], Weight::Regular, t.text_1);
    }
    widgets::divider(ui);
    let nats = stretch.delta();
    let (nats, bits) = (signed(nats), signed(nats / std::f64::consts::LN_2));
    let words = [cx.tf("compare.nats", &[("n", &nats)]), cx.tf("playground.bits", &[("n", &bits)])];
    line(ui, &cx.t("compare.delta"), &words, Weight::Medium, t.text_1);
    let (own, other) = (&sides.own[stretch.one.clone()], &sides.other[stretch.other.clone()]);
    if own.len() != other.len() || own.len() > 1 {
        ui.add_space(4.0);
        for (name, tokens) in sides.names.iter().zip([own, other]) {
            let split: Vec<String> =
                tokens.iter().map(|token| super::message::visible_token(&token.text)).collect();
            let words = cx.tf("compare.split", &[("name", name), ("tokens", &split.join(" │ "))]);
            ui.add(egui::Label::new(Type::Hint.text(words, t.text_3)).truncate());
        }
    }
}

/// A name at the left, two numbers at the right.
fn line(ui: &mut Ui, name: &str, numbers: &[String; 2], weight: Weight, ink: egui::Color32) {
    let (rect, response) = ui.allocate_exact_size(vec2(WIDTH, ROW), Sense::hover());
    let said = format!("{name}: {}, {}", numbers[0], numbers[1]);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &said));
    let mut job = egui::text::LayoutJob::simple_singleline(name.to_owned(), Type::Body.font(weight), ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(WIDTH - 2.0 * NUMBER - 8.0);
    let words = ui.painter().layout_job(job);
    ui.painter().galley(pos2(rect.left(), rect.center().y - words.size().y / 2.0), words, ink);
    for (number, right) in numbers.iter().zip([rect.right() - NUMBER, rect.right()]) {
        let words = widgets::galley(ui, number, Type::Hint.mono(weight), ink);
        let at = pos2(right - words.size().x, rect.center().y - words.size().y / 2.0);
        ui.painter().galley(at, words, ink);
    }
}

/// As many places as say something.
fn probability(p: f64) -> String {
    match p {
        p if p >= 0.0005 => format!("{p:.4}"),
        p if p > 0.0 => format!("{p:.1e}"),
        _ => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_probabilities_are_told_by_their_power() {
        assert_eq!([1.0, 0.3121, 0.000_04, 0.0].map(probability), ["1.0000", "0.3121", "4.0e-5", "0"]);
    }
}
