//! One token and what might have stood in its place: at a glance, and as a card in which one of them is chosen.

use super::chips::token_words;
use super::message::visible_token;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::widgets::{self, Field, icon_button};
use egui::{Align, Key, Layout, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::generate::{Alternative, Forced, TokenPiece};

const WIDTH: f32 = 400.0;
/// The columns of numbers.
const NUMBER: f32 = 64.0;
/// Where the bars begin and end, from the left.
const BAR: std::ops::Range<f32> = 128.0..WIDTH - 2.0 * NUMBER - 8.0;
const ROW: f32 = 26.0;
/// As many are shown at a glance.
const N_GLANCE: usize = 6;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    Nothing,
    Close,
    /// This in the token's place.
    Instead(Forced),
}

/// What the pointer reads.
pub fn glance(ui: &mut Ui, cx: &PaneCx, piece: &TokenPiece) {
    ui.set_width(WIDTH);
    ui.spacing_mut().item_spacing.y = 0.0;
    title(ui, cx, piece);
    ui.add_space(6.0);
    head(ui, cx);
    for other in piece.top.iter().take(N_GLANCE) {
        row(ui, cx, other, other.id == piece.id, Some(""));
    }
    own_row(ui, cx, piece, N_GLANCE);
    ui.add_space(4.0);
    widgets::hint(ui, cx.t("playground.click_for_more"));
}

/// The card; `typed` is what stands in its field, `off` why nothing can be chosen now.
pub fn show(
    ui: &Ui,
    cx: &PaneCx,
    piece: &TokenPiece,
    at: Rect,
    typed: &mut String,
    off: Option<String>,
    just_opened: bool,
) -> Wish {
    let mut open = true;
    let name = cx.t("playground.token_card");
    let wish = widgets::popover_at(ui, &name, at, WIDTH, &mut open, just_opened, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        card(ui, cx, piece, typed, off.as_deref())
    });
    match wish {
        Some(Wish::Nothing) if !open => Wish::Close,
        None => Wish::Close,
        Some(wish) => wish,
    }
}

fn card(ui: &mut Ui, cx: &PaneCx, piece: &TokenPiece, typed: &mut String, off: Option<&str>) -> Wish {
    let t = cx.theme.tokens;
    let mut wish = Wish::Nothing;
    ui.horizontal(|ui| {
        title(ui, cx, piece);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if icon_button(ui, icons::X, cx.t("playground.close")).clicked() {
                wish = Wish::Close;
            }
        });
    });
    ui.add_space(8.0);
    head(ui, cx);
    ScrollArea::vertical().id_salt("alternatives").max_height(ROW * 10.0).show(ui, |ui| {
        for other in &piece.top {
            if row(ui, cx, other, other.id == piece.id, off) {
                wish = Wish::Instead(Forced::Token(other.id));
            }
        }
        own_row(ui, cx, piece, piece.top.len());
    });
    ui.add_space(8.0);
    widgets::divider(ui);
    ui.add_space(8.0);
    let name = cx.t("playground.own_words");
    let field = Field::new(&name).placeholder(cx.t("playground.own_words_placeholder")).width(WIDTH);
    let response = ui.add_enabled_ui(off.is_none(), |ui| field.show(ui, typed)).inner;
    if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) && !typed.is_empty() {
        wish = Wish::Instead(Forced::Text(std::mem::take(typed)));
    }
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        widgets::hint(ui, off.map_or_else(|| cx.t("playground.choose_one"), str::to_owned));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let sum: f32 = piece.top.iter().map(|other| other.prob).sum();
            let words =
                cx.tf("playground.sum_of_top", &[("n", &piece.top.len()), ("sum", &format!("{sum:.3}"))]);
            ui.label(Type::Hint.text(words, t.text_3));
        });
    });
    wish
}

/// The token and its numbers.
fn title(ui: &mut Ui, cx: &PaneCx, piece: &TokenPiece) {
    let t = cx.theme.tokens;
    let (token, numbers) = token_words(cx, piece);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        egui::Frame::new()
            .fill(t.control)
            .corner_radius(size::RADIUS_TAG)
            .inner_margin(egui::Margin::symmetric(8, 3))
            .show(ui, |ui| ui.label(Type::Body.number(shortened(&token), t.text_1)));
        ui.label(Type::Hint.number(numbers, t.text_2));
    });
}

fn head(ui: &mut Ui, cx: &PaneCx) {
    let t = cx.theme.tokens;
    let (rect, _) = ui.allocate_exact_size(vec2(WIDTH, 20.0), Sense::hover());
    let words = |key: &str| widgets::galley(ui, cx.t(key), Type::Caption.font(Weight::Regular), t.text_3);
    let y = |galley: &egui::Galley| rect.center().y - galley.size().y / 2.0;
    let instead = words("playground.instead");
    ui.painter().galley(pos2(rect.left() + 8.0, y(&instead)), instead, t.text_3);
    for (key, right) in
        [("playground.by_model", WIDTH - 8.0 - NUMBER), ("playground.by_sampler", WIDTH - 8.0)]
    {
        let word = words(key);
        ui.painter().galley(pos2(rect.left() + right - word.size().x, y(&word)), word, t.text_3);
    }
}

/// The token itself, where it is none of the `n_shown` likeliest.
fn own_row(ui: &mut Ui, cx: &PaneCx, piece: &TokenPiece, n_shown: usize) {
    if (piece.rank as usize) < n_shown {
        return;
    }
    let own = Alternative {
        id: piece.id,
        text: piece.text.clone(),
        prob: piece.logprob.exp(),
        sampled_prob: piece.sampled_prob,
    };
    row(ui, cx, &own, true, None);
}

/// A line of the table; says whether it was chosen. With `off` it can't be.
fn row(ui: &mut Ui, cx: &PaneCx, other: &Alternative, own: bool, off: Option<&str>) -> bool {
    let t = cx.theme.tokens;
    let live = !own && off.is_none();
    let sense = if live { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(WIDTH, ROW), sense);
    let token = visible_token(&other.text);
    let (model, sampled) = (probability(other.prob), sampled(cx, other.sampled_prob));
    let role = if live { Role::Button } else { Role::Label };
    response.widget_info(|| {
        let said = [("token", &token as &dyn std::fmt::Display), ("model", &model), ("sampled", &sampled)];
        WidgetInfo::labeled(role, true, cx.tf("playground.alternative", &said))
    });
    if !ui.is_rect_visible(rect) {
        return response.clicked();
    }
    let fill = match (own, live && (response.hovered() || response.has_focus())) {
        (true, _) => Some(t.selected),
        (false, true) => Some(t.hover),
        (false, false) => None,
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, f32::from(size::RADIUS_TAG), fill);
    }
    let font = Type::Hint.mono(Weight::Regular);
    let y = |galley: &egui::Galley| rect.center().y - galley.size().y / 2.0;
    let words = widgets::galley(ui, shortened(&token), font.clone(), t.text_1);
    ui.painter().galley(pos2(rect.left() + 8.0, y(&words)), words, t.text_1);
    let bar = Rect::from_min_max(
        pos2(rect.left() + BAR.start, rect.center().y - 2.0),
        pos2(rect.left() + BAR.end, rect.center().y + 2.0),
    );
    ui.painter().rect_filled(bar, 2.0, t.control);
    let filled = bar.with_max_x(bar.left() + (bar.width() * other.prob).max(2.0));
    ui.painter().rect_filled(filled, 2.0, t.warm);
    for (words, right, ink) in [
        (model, WIDTH - 8.0 - NUMBER, t.text_1),
        (sampled, WIDTH - 8.0, if other.sampled_prob > 0.0 { t.text_1 } else { t.text_3 }),
    ] {
        let words = widgets::galley(ui, words, font.clone(), ink);
        ui.painter().galley(pos2(rect.left() + right - words.size().x, y(&words)), words, ink);
    }
    widgets::focus_ring(ui, &response, rect);
    response.clicked()
}

/// `.312`; what is too small to be told so is said to be less.
fn probability(p: f32) -> String {
    match p {
        p if p >= 0.9995 => "1.000".to_owned(),
        p if p >= 0.0005 => format!("{p:.3}").trim_start_matches('0').to_owned(),
        p if p > 0.0 => "<.001".to_owned(),
        _ => "0".to_owned(),
    }
}

fn sampled(cx: &PaneCx, p: f32) -> String {
    if p > 0.0 { probability(p) } else { cx.t("playground.cut") }
}

/// Room for about twelve letters.
fn shortened(token: &str) -> String {
    super::message::one_line(token, 13)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_told_in_three_places() {
        let told: Vec<String> = [1.0, 0.9996, 0.312, 0.0406, 0.0001, 0.0].map(probability).into();
        assert_eq!(told, ["1.000", "1.000", ".312", ".041", "<.001", "0"]);
    }
}
