//! Running text whose tokens have a ground of their own: laid out once, painted where it can be seen.

use super::focus_ring;
use crate::theme::{self, Type, Weight, size};
use egui::text::{LayoutJob, TextFormat};
use egui::{
    Color32, EventFilter, Galley, Key, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};
use std::sync::Arc;

/// Above and below the ground of a token: lines of text stay apart.
const INSET: f32 = 2.0;
/// A token that shows nothing (a line break) is still something to point at.
const LEAST_WIDTH: f32 = 5.0;

/// Text laid out, and where each token of it stands.
pub struct ChipText {
    galley: Arc<Galley>,
    /// From the top down; a token that is broken between lines has more than one.
    places: Vec<Place>,
}

struct Place {
    token: usize,
    /// From the top left of the text.
    rect: Rect,
}

/// What the pointer and the keyboard did.
pub struct ChipsShown {
    pub response: Response,
    pub hovered: Option<usize>,
    /// By a click, or by Enter on the marked one.
    pub chosen: Option<usize>,
    /// The mark has moved here by an arrow key.
    pub moved: Option<usize>,
}

impl ChipText {
    #[must_use]
    pub fn lay_out<'a>(ui: &Ui, tokens: impl Iterator<Item = &'a str> + Clone, width: f32) -> Self {
        let text: String = tokens.clone().collect();
        let mut job = LayoutJob::default();
        job.wrap.max_width = width;
        job.keep_trailing_whitespace = true;
        let format = TextFormat {
            font_id: Type::Prose.font(Weight::Regular),
            line_height: Some(Type::Prose.line()),
            color: Color32::PLACEHOLDER,
            ..TextFormat::default()
        };
        job.append(&text, 0.0, format);
        let galley = ui.painter().layout_job(job);
        let places = places(&galley, tokens);
        Self { galley, places }
    }

    /// Where a token stands, from the top left of the text.
    #[must_use]
    pub fn rect_of(&self, token: usize) -> Option<Rect> {
        self.places.iter().find(|place| place.token == token).map(|place| place.rect)
    }

    /// Lines below tokens in sight, where `color` gives one; `origin` is the top left of the text.
    pub fn underline(&self, ui: &Ui, origin: egui::Pos2, color: impl Fn(usize) -> Option<Color32>) {
        for place in self.in_sight(ui, origin) {
            if let Some(color) = color(place.token) {
                let at = place.rect.translate(origin.to_vec2()).shrink2(vec2(1.0, 0.0));
                let line = Rect::from_min_max(
                    pos2(at.left(), at.bottom() - 1.0),
                    pos2(at.right(), at.bottom() + 2.0),
                );
                ui.painter().rect_filled(line, 1.0, color);
            }
        }
    }

    fn in_sight(&self, ui: &Ui, origin: egui::Pos2) -> impl Iterator<Item = &Place> {
        let clip = ui.clip_rect();
        let first = self.places.partition_point(|place| origin.y + place.rect.bottom() < clip.top());
        self.places[first..].iter().take_while(move |place| origin.y + place.rect.top() <= clip.bottom())
    }

    fn at(&self, point: Vec2) -> Option<usize> {
        self.places.iter().find(|place| place.rect.contains(point.to_pos2())).map(|place| place.token)
    }
}

/// One pass over the glyphs, of which there is one a character.
fn places<'a>(galley: &Galley, tokens: impl Iterator<Item = &'a str>) -> Vec<Place> {
    let mut places = Vec::new();
    let mut tokens = tokens.enumerate();
    let mut token = 0;
    let mut left = 0;
    // The token that the next character is part of.
    let mut next = move || {
        while left == 0 {
            let (at, text) = tokens.next()?;
            (token, left) = (at, text.chars().count());
        }
        left -= 1;
        Some(token)
    };
    for row in &galley.rows {
        let (top, bottom) = (row.pos.y + INSET, row.pos.y + row.row.size.y - INSET);
        let mut right = row.pos.x;
        let begun = places.len();
        let mut add = |token: usize, from: f32, to: f32| match places[begun..].last_mut() {
            Some(Place { token: last, rect }) if *last == token => rect.max.x = rect.max.x.max(to),
            _ => places.push(Place { token, rect: Rect::from_min_max(pos2(from, top), pos2(to, bottom)) }),
        };
        for glyph in &row.row.glyphs {
            let from = row.pos.x + glyph.pos.x;
            right = from + glyph.advance_width;
            let Some(token) = next() else { return places };
            add(token, from, right);
        }
        if row.ends_with_newline {
            let Some(token) = next() else { return places };
            add(token, right, right + LEAST_WIDTH);
        }
    }
    places
}

/// Draws the text. `ground` gives the colour behind a token, `marked` gets a ring; `name` is what it is called.
pub fn chips(
    ui: &mut Ui,
    name: &str,
    text: &ChipText,
    n_tokens: usize,
    marked: Option<usize>,
    ground: impl Fn(usize) -> Option<Color32>,
) -> ChipsShown {
    let t = theme::of(ui).tokens;
    let wanted = vec2(ui.available_width(), text.galley.size().y);
    let (rect, mut response) = ui.allocate_exact_size(wanted, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, name));
    let origin = rect.min;
    if ui.is_rect_visible(rect) {
        for place in text.in_sight(ui, origin) {
            let at = place.rect.translate(origin.to_vec2());
            if let Some(color) = ground(place.token) {
                ui.painter().rect_filled(at, f32::from(size::RADIUS_CHIP), color);
            }
            if marked == Some(place.token) {
                let ring = Stroke::new(1.5, t.accent);
                ui.painter().rect_stroke(at, f32::from(size::RADIUS_CHIP), ring, StrokeKind::Outside);
            }
        }
        ui.painter().galley(origin, Arc::clone(&text.galley), t.text_1);
    }
    let hovered = response.hover_pos().and_then(|at| text.at(at - origin));
    if hovered.is_some() {
        response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    }
    let mut chosen = hovered.filter(|_| response.clicked_by(egui::PointerButton::Primary));
    let moved =
        response.has_focus().then(|| by_keyboard(ui, &response, marked, n_tokens, &mut chosen)).flatten();
    if marked.is_none() {
        focus_ring(ui, &response, rect);
    }
    ChipsShown { response, hovered, chosen, moved }
}

/// Left and right move the mark, Home and End go to the ends, Enter and Space choose what is marked.
fn by_keyboard(
    ui: &Ui,
    response: &Response,
    marked: Option<usize>,
    n_tokens: usize,
    chosen: &mut Option<usize>,
) -> Option<usize> {
    let keep = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, keep));
    let last = n_tokens.checked_sub(1)?;
    let pressed = |key| ui.input(|input| input.modifiers.is_none() && input.key_pressed(key));
    if pressed(Key::Enter) || pressed(Key::Space) {
        *chosen = Some(marked.unwrap_or(0));
    }
    let moved = match marked {
        _ if pressed(Key::Home) => 0,
        _ if pressed(Key::End) => last,
        Some(at) if pressed(Key::ArrowRight) => (at + 1).min(last),
        Some(at) if pressed(Key::ArrowLeft) => at.saturating_sub(1),
        None if pressed(Key::ArrowRight) || pressed(Key::ArrowLeft) => 0,
        _ => return None,
    };
    Some(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_out(tokens: &[&str], width: f32, check: impl Fn(&ChipText)) {
        let ctx = egui::Context::default();
        theme::install(&ctx);
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            check(&ChipText::lay_out(ui, tokens.iter().copied(), width));
        });
        output.textures_delta.clear();
    }

    #[test]
    fn every_token_that_shows_has_its_place_in_order() {
        let tokens = ["Good", " question", "!", "\n", "玻璃", "", "窗", " end"];
        laid_out(&tokens, 600.0, |text| {
            let seen: Vec<usize> = text.places.iter().map(|place| place.token).collect();
            assert_eq!(seen, [0, 1, 2, 3, 4, 6, 7]);
            for pair in text.places.windows(2) {
                let (a, b) = (pair[0].rect, pair[1].rect);
                assert!(b.top() > a.bottom() || (b.left() - a.right()).abs() < 1.0, "{a:?} then {b:?}");
            }
            assert!(text.rect_of(5).is_none(), "half a character shows nothing");
            let middle = text.rect_of(1).expect("it shows").center();
            assert_eq!(text.at(middle.to_vec2()), Some(1));
        });
    }

    #[test]
    fn a_token_that_is_broken_between_lines_has_two_places() {
        laid_out(&["aaaa bbbb cccc dddd"], 60.0, |text| {
            assert!(text.places.len() > 1 && text.places.iter().all(|place| place.token == 0));
            assert!(text.places.iter().all(|place| place.rect.right() <= 80.0));
        });
    }
}
