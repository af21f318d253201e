//! A text in which places are marked: selected and labelled, or written in, when the marks go with their words.

use super::area::{Area, Ground};
use super::labels::wash;
use super::marked::{Mark, Selection, marked};
use super::work::Work;
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::widgets::{self, Button};
use egui::{Align, Id, Layout, Ui, vec2};
use glassworks_protocol::datasets::Role;
use glassworks_protocol::datasets::marks::Place;

/// What the person does with the text of a row.
#[derive(Default)]
pub struct Marking {
    of: Option<Id>,
    pub selection: Selection,
    /// The text is written in.
    editing: bool,
    /// What comes in its place is to have the keyboard: in the frame after the press that took it away.
    wants_keys: bool,
    /// The mark that is looked at.
    pub chosen: Option<usize>,
}

/// What became of it in a frame.
#[derive(Default)]
pub struct Did {
    /// The text as it was before it was changed.
    pub before: Option<String>,
    /// The text to mark in has the keyboard.
    pub has_keys: bool,
}

impl Marking {
    /// Another row has nothing selected.
    pub fn follow(&mut self, id: Id) {
        if self.of != Some(id) {
            *self = Self { of: Some(id), ..Self::default() };
        }
    }

    /// Draws the text of a role, to mark or to write in.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &PaneCx,
        work: &mut Work,
        (role, name): (Role, &str),
        marks: &[Mark],
    ) -> Did {
        let Some(column) = work.column(role) else { return Did::default() };
        let mut text = work.text(role).unwrap_or_default();
        if std::mem::take(&mut self.wants_keys) {
            let id = if self.editing { field_id(work) } else { text_id(work) };
            ui.memory_mut(|m| m.request_focus(id));
        }
        let width = ui.available_width();
        ui.allocate_ui_with_layout(vec2(width, 24.0), Layout::right_to_left(Align::Center), |ui| {
            ui.set_min_width(width);
            let key = if self.editing { "datasets.row_mark_text" } else { "datasets.row_edit_text" };
            let icon = if self.editing { icons::CHECK } else { icons::PENCIL_SIMPLE };
            if Button::quiet(cx.t(key)).icon(icon).small().show(ui).clicked() {
                (self.editing, self.wants_keys) = (!self.editing, true);
                ui.ctx().request_repaint();
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| widgets::semibold(ui, name));
        });
        if !self.editing {
            let shown = marked(ui, text_id(work), name, &text, marks, &mut self.selection);
            if let Some(pressed) = shown.pressed {
                self.choose(pressed, marks);
            } else if shown.response.clicked() || self.selection.place() != self.place_of(marks) {
                self.chosen = self.chosen.filter(|at| {
                    marks.get(*at).is_some_and(|mark| self.selection.place() == Some(mark.place))
                });
            }
            return Did { before: None, has_keys: shown.response.has_focus() };
        }
        let mut grounds: Vec<Ground> = marks
            .iter()
            .map(|mark| {
                let color = wash(&cx.theme.tokens, mark.color);
                Ground { from: mark.place.0, to: mark.place.1, color }
            })
            .collect();
        grounds.sort_by_key(|ground| (ground.from, ground.to));
        let response = Area::new(field_id(work), name).rows(6).grounds(&grounds).show(ui, &mut text);
        let mut did = Did::default();
        if response.changed() {
            did.before = work.text(role);
            work.set_text(&column, &text);
        }
        work.heard(&response);
        did
    }

    /// Looks at a mark: its words are selected.
    pub fn choose(&mut self, at: usize, marks: &[Mark]) {
        let Some(mark) = marks.get(at) else { return };
        self.chosen = Some(at);
        self.selection = Selection::of(mark.place);
    }

    fn place_of(&self, marks: &[Mark]) -> Option<Place> {
        marks.get(self.chosen?).map(|mark| mark.place)
    }
}

/// What the text to mark in is called by the keyboard.
pub fn text_id(work: &Work) -> Id {
    work.id.with("marked text")
}

fn field_id(work: &Work) -> Id {
    work.id.with("text")
}

/// Without the spaces at both ends.
#[must_use]
pub fn trimmed(text: &str, (start, end): Place) -> Option<Place> {
    let words: Vec<char> = text.chars().skip(start).take(end - start).collect();
    let lead = words.iter().take_while(|c| c.is_whitespace()).count();
    let tail = words.iter().rev().take_while(|c| c.is_whitespace()).count();
    (lead < words.len()).then(|| (start + lead, start + words.len() - tail))
}

/// Where words stand in a text, nearest to a place: to the letter, else whatever the case.
#[must_use]
pub fn found_near(text: &str, words: &str, near: usize) -> Option<Place> {
    use glassworks_protocol::datasets::marks::nearest;
    let words = words.trim();
    nearest(text, words, near).or_else(|| {
        let (lower, small) = (text.to_lowercase(), words.to_lowercase());
        // Where letters become more than one in lower case, places would be other ones.
        let same = lower.chars().count() == text.chars().count();
        same.then(|| nearest(&lower, &small, near)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_selected_loses_its_spaces() {
        assert_eq!(trimmed("in  北京 now", (2, 7)), Some((4, 6)));
        assert_eq!(trimmed("in  北京 now", (2, 4)), None);
        assert_eq!(trimmed("ab", (0, 2)), Some((0, 2)));
    }

    #[test]
    fn words_are_found_to_the_letter_first() {
        assert_eq!(found_near("paris or Paris", "Paris", 0), Some((9, 14)));
        assert_eq!(found_near("in PARIS", " paris ", 0), Some((3, 8)));
        assert_eq!(found_near("İ PARIS", "paris", 0), None);
        assert_eq!(found_near("in Rome", "Paris", 0), None);
    }
}
