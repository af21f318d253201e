//! Words as chips with what they are tagged as, in lines; a run of them is selected by the mouse or by keys.

use super::labels::{Labels, wash};
use crate::theme::{self, Type, Weight, size};
use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Color32, EventFilter, Id, Key, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};
use glassworks_protocol::datasets::marks::Tag;

/// A chip, and with its tag below it.
const CHIP: f32 = 24.0;
const LINE: f32 = 42.0;
const GAP: f32 = 3.0;
const PAD: f32 = 5.0;

pub struct Looks<'a> {
    pub words: &'a [String],
    pub tags: &'a [&'a str],
    /// The places of wrong ones.
    pub wrong: &'a [usize],
    /// Tags are classes of words, not parts of spans.
    pub by_word: bool,
    pub labels: &'a Labels,
}

/// Draws them and moves the selection, of which the first is where it began.
pub fn words_ui(
    ui: &mut Ui,
    id: Id,
    name: &str,
    looks: &Looks,
    (anchor, head): (&mut usize, &mut usize),
) -> Response {
    let t = theme::of(ui).tokens;
    let room = ui.available_width() - 16.0;
    let places = lay_out(ui, looks.words, room);
    let height = places.last().map_or(CHIP, |last| last.bottom() + LINE - CHIP) + 12.0;
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), height));
    let response = ui.interact(rect, id, Sense::click_and_drag());
    let said: Vec<String> =
        looks.words.iter().zip(looks.tags).map(|(word, tag)| format!("{word} {tag}")).collect();
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(said.join(", ")),
        ..WidgetInfo::labeled(Role::ListBox, true, name)
    });
    let origin = rect.min + vec2(8.0, 8.0);
    by_pointer(ui, &response, &places, origin, anchor, head);
    if response.has_focus() {
        by_keyboard(ui, id, &places, anchor, head, origin);
    }
    let ring = if response.has_focus() { Stroke::new(2.0, t.accent) } else { Stroke::new(1.0, t.line) };
    ui.painter().rect(rect, f32::from(size::RADIUS_CONTROL), t.field, ring, StrokeKind::Inside);
    let run = (*anchor.min(head), *anchor.max(head));
    let clip = ui.clip_rect();
    for at in 0..looks.words.len() {
        let place = places[at].translate(origin.to_vec2());
        if place.bottom() + LINE < clip.top() || place.top() > clip.bottom() {
            continue;
        }
        word(ui, looks, at, place, &places, response.has_focus() && (run.0..=run.1).contains(&at));
    }
    response
}

/// Places from the top left, line by line.
fn lay_out(ui: &Ui, words: &[String], room: f32) -> Vec<Rect> {
    let font = Type::Body.font(Weight::Regular);
    let width = |word: &String| -> f32 {
        ui.fonts_mut(|fonts| word.chars().map(|c| fonts.glyph_width(&font, c)).sum())
    };
    let (mut x, mut y) = (0.0, 0.0);
    let mut places = Vec::with_capacity(words.len());
    for word in words {
        let width = (width(word) + 2.0 * PAD).clamp(14.0, room.max(40.0));
        if x > 0.0 && x + width > room {
            (x, y) = (0.0, y + LINE);
        }
        places.push(Rect::from_min_size(pos2(x, y), vec2(width, CHIP)));
        x += width + GAP;
    }
    places
}

fn by_pointer(
    ui: &Ui,
    response: &Response,
    places: &[Rect],
    origin: Pos2,
    anchor: &mut usize,
    head: &mut usize,
) {
    if !response.is_pointer_button_down_on() || places.is_empty() {
        return;
    }
    let nearest = |pos: Pos2| {
        let pos = pos - origin.to_vec2();
        let far = |one: &Rect| {
            let dy = (pos.y - one.center().y).abs();
            let dx = (one.left() - pos.x).max(pos.x - one.right()).max(0.0);
            // The line counts before the word in it.
            if dy > LINE / 2.0 { 1e4 + dy * 100.0 + dx } else { dx }
        };
        let all = places.iter().enumerate();
        all.min_by(|(_, a), (_, b)| far(a).total_cmp(&far(b))).map_or(0, |(at, _)| at)
    };
    let (press, shift) = ui.input(|i| (i.pointer.press_origin(), i.modifiers.shift));
    if let (Some(from), Some(to)) = (press, response.interact_pointer_pos()) {
        if !shift {
            *anchor = nearest(from);
        }
        *head = nearest(to);
        if !response.has_focus() {
            response.request_focus();
        }
    }
}

/// Arrows move, with Shift they select; Home and End go to the ends, Ctrl+A takes all.
fn by_keyboard(ui: &Ui, id: Id, places: &[Rect], anchor: &mut usize, head: &mut usize, origin: Pos2) {
    let keep = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, keep));
    let Some(last) = places.len().checked_sub(1) else { return };
    for event in ui.input(|i| i.filtered_events(&keep)) {
        let egui::Event::Key { key, pressed: true, modifiers, .. } = event else { continue };
        let to = match key {
            Key::ArrowLeft => head.saturating_sub(1),
            Key::ArrowRight => (*head + 1).min(last),
            Key::ArrowUp => beyond(places, *head, -LINE),
            Key::ArrowDown => beyond(places, *head, LINE),
            Key::Home => 0,
            Key::End => last,
            Key::A if modifiers.command => {
                (*anchor, *head) = (0, last);
                continue;
            }
            _ => continue,
        };
        *head = to;
        if !modifiers.shift {
            *anchor = to;
        }
        ui.scroll_to_rect(places[to].translate(origin.to_vec2()).expand(LINE), None);
    }
}

/// The word a line above or below; itself where there is none.
fn beyond(places: &[Rect], at: usize, by: f32) -> usize {
    let (x, y) = (places[at].center().x, places[at].top() + by);
    let on_line = places.iter().enumerate().filter(|(_, one)| (one.top() - y).abs() < 1.0);
    let far = |one: &Rect| (one.center().x - x).abs();
    on_line.min_by(|(_, a), (_, b)| far(a).total_cmp(&far(b))).map_or(at, |(found, _)| found)
}

fn word(ui: &Ui, looks: &Looks, at: usize, place: Rect, places: &[Rect], selected: bool) {
    let t = theme::of(ui).tokens;
    let tag = Tag::read(looks.tags.get(at).copied().unwrap_or(""));
    let wrong = looks.wrong.binary_search(&at).is_ok();
    let painter = ui.painter();
    if let Some(kind) = tag.kind() {
        let color = looks.labels.color(&t, kind);
        let mut ground = place;
        // What goes on is one ground up to the word before.
        let goes_on = matches!(tag, Tag::Inside(_)) && !wrong && at > 0;
        if goes_on && places[at - 1].top() == places[at].top() {
            ground.min.x -= GAP;
        }
        painter.rect_filled(ground, f32::from(size::RADIUS_CHIP), wash(&t, color));
        let foot = ground.bottom() - 1.0;
        painter.hline(ground.x_range(), foot, Stroke::new(2.0, color));
        if !goes_on || looks.by_word {
            name(ui, kind, place, room(looks, at, places), if wrong { t.danger } else { t.text_2 });
        }
    }
    if wrong {
        let foot = place.bottom() - 1.0;
        let points = [pos2(place.left(), foot), pos2(place.right(), foot)];
        painter.extend(egui::Shape::dashed_line(&points, Stroke::new(2.0, t.danger), 3.0, 2.0));
        if tag.kind().is_none() {
            name(ui, "?", place, place.width(), t.danger);
        }
    }
    if selected {
        let line = Stroke::new(1.5, t.accent);
        painter.rect(place, f32::from(size::RADIUS_CHIP), selection(ui), line, StrokeKind::Inside);
    }
    let words = looks.words[at].as_str();
    let font = Type::Body.font(Weight::Regular);
    let mut job = LayoutJob::simple_singleline(words.to_owned(), font, t.text_1);
    job.wrap = TextWrapping::truncate_at_width(place.width() - PAD);
    let galley = painter.layout_job(job);
    painter.galley(place.center() - galley.size() / 2.0, galley, t.text_1);
}

fn selection(ui: &Ui) -> Color32 {
    ui.visuals().selection.bg_fill
}

/// From a word to the next one that has a tag of its own, in the same line.
fn room(looks: &Looks, at: usize, places: &[Rect]) -> f32 {
    let here = places[at];
    let begins = |next: &usize| {
        !matches!(Tag::read(looks.tags.get(*next).copied().unwrap_or("O")), Tag::Inside(_) | Tag::Outside)
            || looks.wrong.binary_search(next).is_ok()
    };
    let line = (at + 1..places.len()).take_while(|next| places[*next].top() == here.top());
    line.into_iter().find(begins).map_or(120.0, |next| places[next].left() - here.left() - 4.0)
}

fn name(ui: &Ui, kind: &str, place: Rect, room: f32, ink: Color32) {
    let font = Type::Caption.font(Weight::Medium);
    let mut job = LayoutJob::simple_singleline(kind.to_owned(), font, ink);
    job.wrap = TextWrapping::truncate_at_width(room.max(place.width()));
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(pos2(place.left() + 1.0, place.bottom() + 1.0), galley, ink);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_in_lines_and_are_reached_up_and_down() {
        let ctx = egui::Context::default();
        theme::install(&ctx);
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            let words: Vec<String> =
                "Ada Lovelace lived in London 北京 too".split(' ').map(str::to_owned).collect();
            let places = lay_out(ui, &words, 160.0);
            assert!(places.iter().all(|one| one.right() <= 160.0));
            assert!(places.last().unwrap().top() >= LINE);
            let below = beyond(&places, 0, LINE);
            assert!(places[below].top() == LINE && beyond(&places, below, -LINE) == 0);
            assert_eq!(beyond(&places, 0, -LINE), 0);
        });
        output.textures_delta.clear();
    }
}
