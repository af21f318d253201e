//! The tokens of a row in lines: placed once for each answer, drawn where they can be seen.

use super::bar::hatch;
use crate::panes::PaneCx;
use crate::theme::{self, Type, Weight, size};
use crate::units;
use crate::widgets;
use egui::{
    Color32, EventFilter, Key, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};
use glassworks_protocol::datasets::measure::{SeenRow, SeenToken};
use std::sync::Arc;

const CHIP: f32 = 21.0;
const LINE: f32 = 25.0;
const GAP: f32 = 2.0;
const PAD: f32 = 4.0;

/// Where the tokens of an answer stand.
struct LaidOut {
    of: Arc<SeenRow>,
    width: f32,
    pixels_per_point: f32,
    /// From the top left, line by line.
    places: Vec<Rect>,
}

#[derive(Default)]
pub struct Chips {
    laid_out: Option<LaidOut>,
    marked: Option<usize>,
    /// A token that has to come into sight.
    wanted: Option<usize>,
}

impl Chips {
    pub fn go_to(&mut self, token: usize) {
        self.marked = Some(token);
        self.wanted = Some(token);
    }

    /// The token that is looked at.
    #[must_use]
    pub fn marked<'a>(&self, seen: &'a SeenRow) -> Option<(usize, &'a SeenToken)> {
        let of_this = self.laid_out.as_ref().is_some_and(|one| std::ptr::eq(&*one.of, seen));
        let at = self.marked.filter(|_| of_this)?;
        seen.tokens.get(at).map(|token| (at, token))
    }

    pub fn ui(&mut self, ui: &mut Ui, cx: &PaneCx, seen: &Arc<SeenRow>, height: f32) {
        // The room for a scroll bar is always left free, so that lines do not jump.
        let width = ui.available_width() - 12.0;
        self.lay_out(ui, seen, width);
        let Some(laid_out) = &self.laid_out else { return };
        let places = &laid_out.places;
        let total = places.last().map_or(0.0, |last| last.bottom() + 4.0);
        let mut area = ScrollArea::vertical().id_salt("seen").max_height(height).auto_shrink(false);
        if let Some(at) = self.wanted.take().and_then(|at| places.get(at)) {
            area = area.vertical_scroll_offset((at.top() - LINE).max(0.0));
        }
        let name = cx.t("datasets.seen_tokens");
        let marked = &mut self.marked;
        let mut moved = None;
        area.show_viewport(ui, |ui, viewport| {
            let (_, rect) = ui.allocate_space(vec2(width, total.max(1.0)));
            let id = ui.make_persistent_id("tokens");
            let response = ui.interact(rect, id, Sense::click());
            response.widget_info(|| WidgetInfo {
                current_text_value: Some(in_words(seen)),
                ..WidgetInfo::labeled(Role::List, true, &name)
            });
            let first = places.partition_point(|place| place.bottom() < viewport.top());
            let in_sight = places[first..].iter().take_while(|place| place.top() <= viewport.bottom());
            for (at, place) in in_sight.enumerate().map(|(i, place)| (first + i, place)) {
                chip(ui, seen, at, place.translate(rect.min.to_vec2()), *marked == Some(at));
            }
            moved = keys(ui, &response, places, *marked);
            let under = |pos: egui::Pos2| {
                let pos = (pos - rect.min).to_pos2();
                let line = places.partition_point(|place| place.bottom() < pos.y);
                places[line..].iter().position(|place| place.contains(pos)).map(|at| line + at)
            };
            if let Some(pos) = response.interact_pointer_pos().filter(|_| response.clicked()) {
                *marked = under(pos).filter(|at| *marked != Some(*at));
                response.request_focus();
            }
            if marked.is_none() {
                widgets::focus_ring(ui, &response, ui.clip_rect().shrink(3.0));
            }
            let hovered = response.hover_pos().and_then(under);
            if let Some((at, token)) = hovered.and_then(|at| Some((at, seen.tokens.get(at)?))) {
                response.on_hover_text_at_pointer(token_words(cx, at, token, seen));
            }
        });
        if let Some(to) = moved {
            self.go_to(to);
        }
    }

    fn lay_out(&mut self, ui: &Ui, seen: &Arc<SeenRow>, width: f32) {
        let pixels_per_point = ui.pixels_per_point();
        let same = self.laid_out.as_ref().is_some_and(|one| {
            Arc::ptr_eq(&one.of, seen) && one.width == width && one.pixels_per_point == pixels_per_point
        });
        if same {
            return;
        }
        let another = self.laid_out.as_ref().is_none_or(|one| one.of.row != seen.row);
        if another {
            (self.marked, self.wanted) = (None, Some(0));
        }
        let places = places(ui, seen, width);
        self.laid_out = Some(LaidOut { of: Arc::clone(seen), width, pixels_per_point, places });
    }
}

fn places(ui: &Ui, seen: &SeenRow, room: f32) -> Vec<Rect> {
    let font = Type::Hint.mono(Weight::Regular);
    let mut places = Vec::with_capacity(seen.tokens.len());
    let (mut x, mut y) = (0.0, 2.0);
    ui.fonts_mut(|fonts| {
        for token in &seen.tokens {
            let words: f32 = visible(token).chars().map(|c| fonts.glyph_width(&font, c)).sum();
            let width = (words + 2.0 * PAD).min(room);
            if x > 0.0 && x + width > room {
                (x, y) = (0.0, y + LINE);
            }
            places.push(Rect::from_min_size(pos2(x, y), vec2(width, CHIP)));
            x += width + GAP;
        }
    });
    places
}

/// How a token is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lot {
    Read,
    Learned,
    Cut,
}

fn lot(seen: &SeenRow, at: usize) -> Lot {
    match seen.tokens.get(at) {
        _ if !seen.in_pieces && at >= seen.n_kept as usize => Lot::Cut,
        Some(token) if token.learned => Lot::Learned,
        _ => Lot::Read,
    }
}

fn chip(ui: &Ui, seen: &SeenRow, at: usize, place: Rect, marked: bool) {
    let Some(token) = seen.tokens.get(at) else { return };
    let t = theme::of(ui).tokens;
    let (fill, ink) = match lot(seen, at) {
        Lot::Read => (t.control, t.text_2),
        Lot::Learned => (t.chip[2], t.text_1),
        Lot::Cut => (Color32::TRANSPARENT, t.text_3),
    };
    let radius = f32::from(size::RADIUS_CHIP);
    ui.painter().rect_filled(place, radius, fill);
    if lot(seen, at) == Lot::Cut {
        hatch(ui, place, t.hatch);
    }
    let font = Type::Hint.mono(Weight::Regular);
    let words = widgets::galley(ui, visible(token), font, ink);
    let painter = ui.painter().with_clip_rect(place.intersect(ui.clip_rect()));
    painter.galley(pos2(place.left() + PAD, place.center().y - words.size().y / 2.0), words, ink);
    if lot(seen, at) == Lot::Cut {
        ui.painter().hline(place.x_range().shrink(2.0), place.center().y, Stroke::new(1.0, ink));
    }
    if marked {
        ui.painter().rect_stroke(place, radius, Stroke::new(1.5, t.accent), StrokeKind::Outside);
    }
}

fn keys(ui: &Ui, response: &Response, places: &[Rect], marked: Option<usize>) -> Option<usize> {
    if !response.has_focus() {
        return None;
    }
    let keep = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, keep));
    let last = places.len().checked_sub(1)?;
    let at = marked.unwrap_or(0).min(last);
    let pressed = |key| ui.input(|i| i.modifiers.is_none() && i.key_pressed(key));
    let line = |by: f32| {
        let (x, y) = (places[at].center().x, places[at].top() + by);
        let on_line = places.iter().enumerate().filter(|(_, place)| (place.top() - y).abs() < 1.0);
        let far = |place: &Rect| (place.center().x - x).abs();
        on_line.min_by(|(_, a), (_, b)| far(a).total_cmp(&far(b))).map_or(at, |(at, _)| at)
    };
    match () {
        () if pressed(Key::Home) => Some(0),
        () if pressed(Key::End) => Some(last),
        () if marked.is_none() && (pressed(Key::ArrowRight) || pressed(Key::ArrowDown)) => Some(0),
        () if pressed(Key::ArrowRight) => Some((at + 1).min(last)),
        () if pressed(Key::ArrowLeft) => Some(at.saturating_sub(1)),
        () if pressed(Key::ArrowDown) => Some(line(LINE)),
        () if pressed(Key::ArrowUp) => Some(line(-LINE)),
        () => None,
    }
}

/// A token as it is drawn: special ones by their name, spaces and line breaks to be seen.
#[must_use]
pub fn visible(token: &SeenToken) -> String {
    if token.special {
        let name = token.text.trim_start_matches(['<', '|']).trim_end_matches(['>', '|']);
        return format!("‹{}›", if name.is_empty() { &token.text } else { name });
    }
    match token.text.as_str() {
        "" => format!("⟨{}⟩", token.id),
        text => text.replace(' ', "·").replace('\n', "⏎").replace('\t', "⇥"),
    }
}

/// `token 12, ·think, id 1781, learned`
#[must_use]
pub fn token_words(cx: &PaneCx, at: usize, token: &SeenToken, seen: &SeenRow) -> String {
    let lot = cx.t(match lot(seen, at) {
        Lot::Read => "datasets.seen_read",
        Lot::Learned => "datasets.seen_learned",
        Lot::Cut => "datasets.seen_cut_away",
    });
    let n = units::grouped(at as u64 + 1);
    let text = visible(token);
    let args: [(&str, &dyn std::fmt::Display); 4] =
        [("n", &n), ("text", &text), ("id", &token.id), ("lot", &lot)];
    cx.tf("datasets.seen_token", &args)
}

/// For who cannot see the chips: the text as it is told, at most its beginning.
fn in_words(seen: &SeenRow) -> String {
    seen.tokens.iter().take(400).map(|token| token.text.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_made_to_be() {
        let token = |text: &str, special| SeenToken { id: 7, text: text.into(), special, learned: false };
        assert_eq!(visible(&token("<|im_start|>", true)), "‹im_start›");
        assert_eq!(visible(&token("<s>", true)), "‹s›");
        assert_eq!(visible(&token(" a\n", false)), "·a⏎");
        assert_eq!(visible(&token("", false)), "⟨7⟩");
    }
}
