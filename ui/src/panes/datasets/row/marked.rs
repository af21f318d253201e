//! A text to mark in: it is read and selected, with the mouse or by keys, and what is marked in it is drawn with its
//! label. It is not written in, so that keys can mean labels.

use crate::theme::{self, Type, Weight, size};
use egui::text::{CCursor, LayoutJob, TextFormat, TextWrapping};
use egui::{
    Color32, CursorIcon, EventFilter, Galley, Id, Key, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind,
    Ui, Vec2, WidgetInfo, pos2, vec2,
};
use glassworks_protocol::datasets::marks::{Place, between};
use std::sync::Arc;

/// A line with labels under it.
const LABELLED_LINE: f32 = 38.0;
const LINE: f32 = 22.0;
/// The words in a line, without what is above and below them.
const WORDS: f32 = 20.0;

/// A stretch of the text that means something.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub place: Place,
    pub color: Color32,
    /// Drawn under it; empty for none.
    pub label: String,
    /// It is not right where it is.
    pub wrong: bool,
}

/// What is selected: from where, to where, in characters. The second is where the cursor is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub anchor: usize,
    pub head: usize,
}

impl Selection {
    #[must_use]
    pub fn of((start, end): Place) -> Self {
        Self { anchor: start, head: end }
    }

    /// What is between both, if anything.
    #[must_use]
    pub fn place(self) -> Option<Place> {
        let (start, end) = (self.anchor.min(self.head), self.anchor.max(self.head));
        (start < end).then_some((start, end))
    }
}

pub struct Shown {
    pub response: Response,
    /// The mark that was clicked.
    pub pressed: Option<usize>,
}

/// Draws the text and moves the selection.
pub fn marked(
    ui: &mut Ui,
    id: Id,
    name: &str,
    text: &str,
    marks: &[Mark],
    selection: &mut Selection,
) -> Shown {
    let t = theme::of(ui).tokens;
    let labelled = marks.iter().any(|mark| !mark.label.is_empty());
    let line = if labelled { LABELLED_LINE } else { LINE };
    let inner_width = ui.available_width() - 20.0;
    let galley = lay_out(ui, text, inner_width, line);
    let size = vec2(ui.available_width(), galley.size().y.max(line) + 16.0);
    let (_, rect) = ui.allocate_space(size);
    let response = ui.interact(rect, id, Sense::click_and_drag());
    let n_chars = galley.end().index.0;
    *selection = Selection { anchor: selection.anchor.min(n_chars), head: selection.head.min(n_chars) };
    let origin = rect.min + vec2(10.0, 8.0);
    let pressed = by_pointer(ui, &response, &galley, origin, text, marks, selection);
    if response.has_focus() {
        by_keyboard(ui, id, &galley, origin, text, selection);
    }
    let what = selection.place();
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(text.to_owned()),
        text_selection: what.map(|(start, end)| start.into()..end.into()),
        ..WidgetInfo::labeled(Role::Document, true, name)
    });
    let ring = if response.has_focus() { Stroke::new(2.0, t.accent) } else { Stroke::new(1.0, t.line) };
    ui.painter().rect(rect, f32::from(size::RADIUS_CONTROL), t.field, ring, StrokeKind::Inside);
    paint(ui, &galley, origin, marks, *selection, response.has_focus(), line);
    let response = response.on_hover_cursor(CursorIcon::Text);
    Shown { response, pressed }
}

fn lay_out(ui: &Ui, text: &str, width: f32, line: f32) -> Arc<Galley> {
    let mut job = LayoutJob::default();
    job.wrap.max_width = width.max(40.0);
    let format = TextFormat {
        font_id: Type::Body.font(Weight::Regular),
        line_height: Some(line),
        color: Color32::PLACEHOLDER,
        valign: egui::Align::TOP,
        ..TextFormat::default()
    };
    job.append(text, 0.0, format);
    ui.painter().layout_job(job)
}

fn by_pointer(
    ui: &Ui,
    response: &Response,
    galley: &Galley,
    origin: Pos2,
    text: &str,
    marks: &[Mark],
    selection: &mut Selection,
) -> Option<usize> {
    let at = |pos: Pos2| galley.cursor_from_pos(pos - origin).index.0;
    let press = ui.input(|i| i.pointer.press_origin());
    let now = response.interact_pointer_pos();
    if response.is_pointer_button_down_on()
        && let (Some(from), Some(to)) = (press, now)
    {
        let keeps = ui.input(|i| i.modifiers.shift);
        let anchor = if keeps { selection.anchor } else { at(from) };
        *selection = Selection { anchor, head: at(to) };
        if !response.has_focus() {
            response.request_focus();
        }
    }
    if response.double_clicked()
        && let Some(pos) = now
    {
        *selection = Selection::of(word_at(text, at(pos)));
        return None;
    }
    if !response.clicked() {
        return None;
    }
    let pos = now?;
    let inside =
        |mark: &Mark| rects(galley, mark.place).iter().any(|one| one.contains((pos - origin).to_pos2()));
    // The smallest of those that lie over each other is the one that is meant.
    let found = marks.iter().enumerate().filter(|(_, mark)| inside(mark));
    found.min_by_key(|(_, mark)| mark.place.1 - mark.place.0).map(|(at, _)| at)
}

/// Arrows move the cursor, with Shift they select, with Ctrl by words; Ctrl+A selects all, Ctrl+C copies.
fn by_keyboard(ui: &Ui, id: Id, galley: &Galley, origin: Pos2, text: &str, selection: &mut Selection) {
    let keep = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, keep));
    let events = ui.input(|i| i.filtered_events(&keep));
    for event in events {
        match event {
            egui::Event::Copy => {
                if let Some(words) = selection.place().and_then(|place| between(text, place)) {
                    ui.copy_text(words.to_owned());
                }
            }
            egui::Event::Key { key, pressed: true, modifiers, .. } => {
                let head = CCursor::new(selection.head);
                let by_word = modifiers.command || modifiers.ctrl;
                let to = match key {
                    Key::ArrowLeft if by_word => word_before(text, selection.head),
                    Key::ArrowRight if by_word => word_after(text, selection.head),
                    Key::ArrowLeft => selection.head.saturating_sub(1),
                    Key::ArrowRight => (selection.head + 1).min(galley.end().index.0),
                    Key::ArrowUp => galley.cursor_up_one_row(&head, None).0.index.0,
                    Key::ArrowDown => galley.cursor_down_one_row(&head, None).0.index.0,
                    Key::Home if by_word => 0,
                    Key::End if by_word => galley.end().index.0,
                    Key::Home => galley.cursor_begin_of_row(&head).index.0,
                    Key::End => galley.cursor_end_of_row(&head).index.0,
                    Key::A if by_word => {
                        *selection = Selection { anchor: 0, head: galley.end().index.0 };
                        continue;
                    }
                    _ => continue,
                };
                let anchor = if modifiers.shift { selection.anchor } else { to };
                *selection = Selection { anchor, head: to };
                let at = galley.pos_from_cursor(CCursor::new(to));
                ui.scroll_to_rect(at.translate(origin.to_vec2()), None);
            }
            _ => {}
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_at(text: &str, at: usize) -> Place {
    let chars: Vec<char> = text.chars().collect();
    let at = at.min(chars.len().saturating_sub(1));
    let inside = |i: usize| chars.get(i).is_some_and(|c| is_word(*c));
    if !inside(at) {
        return (at, (at + 1).min(chars.len()));
    }
    let start = (0..=at).rev().take_while(|i| inside(*i)).last().unwrap_or(at);
    let end = (at..chars.len()).take_while(|i| inside(*i)).last().map_or(at, |last| last + 1);
    (start, end)
}

fn word_before(text: &str, at: usize) -> usize {
    let before: Vec<char> = text.chars().take(at).collect();
    let gap = before.iter().rev().take_while(|c| !is_word(**c)).count();
    let word = before.iter().rev().skip(gap).take_while(|c| is_word(**c)).count();
    at - gap - word
}

fn word_after(text: &str, at: usize) -> usize {
    let mut rest = text.chars().skip(at).peekable();
    let mut to = at;
    while rest.next_if(|c| !is_word(*c)).is_some() {
        to += 1;
    }
    while rest.next_if(|c| is_word(*c)).is_some() {
        to += 1;
    }
    to
}

/// Where characters stand, a part for each line, from the top left of the text.
fn rects(galley: &Galley, (start, end): Place) -> Vec<Rect> {
    let mut found = Vec::new();
    let mut first = 0;
    for row in &galley.rows {
        let n = row.row.glyphs.len();
        let (from, to) = (start.max(first), end.min(first + n));
        if from < to {
            let x = |at: usize| row.pos.x + row.row.x_offset((at - first).into());
            let (top, height) = (row.pos.y, row.row.size.y);
            found.push(Rect::from_min_max(pos2(x(from), top), pos2(x(to), top + height)));
        }
        first += n + usize::from(row.ends_with_newline);
        if first >= end {
            break;
        }
    }
    found
}

fn paint(
    ui: &Ui,
    galley: &Arc<Galley>,
    origin: Pos2,
    marks: &[Mark],
    selection: Selection,
    focused: bool,
    line: f32,
) {
    let t = theme::of(ui).tokens;
    let clip = ui.clip_rect();
    let above = vec2(0.0, (line - WORDS) / 2.0);
    let in_sight = |rect: &Rect| rect.intersects(clip);
    for mark in marks {
        let fill = super::labels::wash(&t, mark.color);
        for part in rects(galley, mark.place) {
            let part = Rect::from_min_size(part.min + above, vec2(part.width(), WORDS));
            let part = part.translate(origin.to_vec2());
            if !in_sight(&part) {
                continue;
            }
            if !mark.wrong {
                ui.painter().rect_filled(part, f32::from(size::RADIUS_CHIP), fill);
            }
            let ink = if mark.wrong { t.danger } else { mark.color };
            let foot = part.bottom() - 1.0;
            if mark.wrong {
                let points = [pos2(part.left(), foot), pos2(part.right(), foot)];
                ui.painter().extend(egui::Shape::dashed_line(&points, Stroke::new(2.0, ink), 3.0, 2.0));
            } else {
                ui.painter().hline(part.x_range(), foot, Stroke::new(2.0, ink));
            }
        }
    }
    if let Some(place) = selection.place() {
        let fill = ui.visuals().selection.bg_fill;
        for part in rects(galley, place) {
            let part = Rect::from_min_size(part.min + above, vec2(part.width(), WORDS));
            ui.painter().rect_filled(part.translate(origin.to_vec2()), 0.0, fill);
        }
    }
    ui.painter().galley(origin, Arc::clone(galley), t.text_1);
    names(ui, galley, origin, marks, line);
    if focused {
        let at = galley.pos_from_cursor(CCursor::new(selection.head));
        let x = origin.x + at.left();
        let top = origin.y + at.center().y - WORDS / 2.0;
        ui.painter().vline(x, top + 1.0..=top + WORDS - 1.0, Stroke::new(2.0, t.accent));
    }
}

/// Labels under the beginnings of their words, as much of each as there is room before the next.
fn names(ui: &Ui, galley: &Galley, origin: Pos2, marks: &[Mark], line: f32) {
    if line < LABELLED_LINE {
        return;
    }
    let t = theme::of(ui).tokens;
    let begins: Vec<Option<Rect>> =
        marks.iter().map(|mark| rects(galley, mark.place).first().copied()).collect();
    for (mark, begin) in marks.iter().zip(&begins) {
        let Some(begin) = begin else { continue };
        let at = origin + begin.left_top().to_vec2() + Vec2::new(0.0, (line + WORDS) / 2.0);
        if !ui.clip_rect().y_range().contains(at.y) {
            continue;
        }
        let same_line =
            |one: &&Rect| (one.top() - begin.top()).abs() < 1.0 && one.left() > begin.left() + 1.0;
        let next = begins.iter().flatten().filter(same_line).map(Rect::left).fold(f32::INFINITY, f32::min);
        let room = next.min(galley.rect.right()) - begin.left() - 4.0;
        let font = Type::Caption.font(Weight::Medium);
        let ink = if mark.wrong { t.danger } else { t.text_2 };
        let mut job = LayoutJob::simple_singleline(mark.label.clone(), font, ink);
        job.wrap = TextWrapping::truncate_at_width(room.max(begin.width()).max(16.0));
        let words = ui.painter().layout_job(job);
        ui.painter().galley(at, words, ink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_around_a_place() {
        let text = "in 北京 now, don't";
        assert_eq!(word_at(text, 3), (3, 5));
        assert_eq!(word_at(text, 7), (6, 9));
        assert_eq!(word_at(text, 9), (9, 10));
        assert_eq!(word_at("", 0), (0, 0));
        assert_eq!((word_before(text, 9), word_before(text, 6), word_before(text, 0)), (6, 3, 0));
        assert_eq!((word_after(text, 0), word_after(text, 2), word_after(text, 16)), (2, 5, 16));
    }

    #[test]
    fn a_place_has_a_part_on_each_line() {
        let ctx = egui::Context::default();
        theme::install(&ctx);
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            let galley = lay_out(ui, "玻璃 is\nclear and hard", 400.0, LINE);
            let parts = rects(&galley, (3, 11));
            assert_eq!(parts.len(), 2);
            assert!(parts[0].top() < parts[1].top() && parts[1].left() == 0.0);
            assert!(rects(&galley, (5, 6)).is_empty(), "a line break shows nothing");
            assert_eq!(galley.end().index.0, 20);
        });
        output.textures_delta.clear();
    }

    #[test]
    fn a_selection_is_the_same_in_both_directions() {
        assert_eq!(Selection { anchor: 5, head: 2 }.place(), Some((2, 5)));
        assert_eq!(Selection { anchor: 2, head: 2 }.place(), None);
    }
}
