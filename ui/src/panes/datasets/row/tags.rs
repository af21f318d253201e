//! Words and their tags. A run of words is selected, a kind's number tags it from `B-` on, zero takes tags off; what
//! is no BIO is marked, with its repair. The same as lines of words and tags, to write in.

use super::area::Area;
use super::labels::{Shown, chips};
use super::new_label::NewLabel;
use super::words::{Looks, words_ui};
use super::work::{Work, Wrote};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{self, Button, segments};
use egui::{Align, Id, Key, Layout, Modifiers, Ui, vec2};
use glassworks_protocol::datasets::marks::{Tag, is_by_word, repaired_tags, wrong_tags};
use glassworks_protocol::datasets::{ColumnKind, Role};
use serde_json::Value;

/// Kinds with a key; the zero takes a tag off.
const N_KEYS: usize = 9;

#[derive(Default)]
pub struct Tags {
    of: Option<Id>,
    /// The words that are selected: where it began, where it is.
    anchor: usize,
    head: usize,
    as_lines: bool,
    /// The lines while they are written.
    lines: Option<String>,
    new: NewLabel,
}

/// A row's words and tags, as many as there are.
struct Tagged {
    words: Vec<String>,
    tags: Vec<String>,
    /// Tags are numbers, of names that the dataset does not say.
    numbers: bool,
}

impl Tags {
    pub fn ui(&mut self, ui: &mut Ui, cx: &PaneCx, work: &mut Work) {
        if self.of != Some(work.id) {
            *self = Self { of: Some(work.id), as_lines: self.as_lines, ..Self::default() };
        }
        let Some(mut tagged) = Tagged::read(work) else { return };
        let width = ui.available_width();
        ui.allocate_ui_with_layout(vec2(width, 28.0), Layout::right_to_left(Align::Center), |ui| {
            ui.set_min_width(width);
            let options = [(false, cx.t("datasets.row_as_words")), (true, cx.t("datasets.row_as_lines"))];
            let name = cx.t("datasets.row_words_shown");
            if segments(ui, &name, &mut self.as_lines, &options, None).changed() {
                self.lines = None;
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                widgets::semibold(ui, cx.t("datasets.row_role_tokens"));
            });
        });
        if self.as_lines {
            self.lines_ui(ui, cx, work, &mut tagged);
            return;
        }
        self.unequal_ui(ui, cx, work, &mut tagged);
        self.words_ui(ui, cx, work, &mut tagged);
    }

    fn words_ui(&mut self, ui: &mut Ui, cx: &PaneCx, work: &mut Work, tagged: &mut Tagged) {
        let last = tagged.words.len().saturating_sub(1);
        (self.anchor, self.head) = (self.anchor.min(last), self.head.min(last));
        let tags: Vec<&str> = tagged.tags.iter().map(String::as_str).collect();
        let wrong = tagged.wrong();
        let by_word = tagged.numbers || is_by_word(tags.iter().copied());
        let looks = Looks { words: &tagged.words, tags: &tags, wrong: &wrong, by_word, labels: work.labels };
        let name = cx.t("datasets.row_role_tokens");
        let response = words_ui(ui, work.id.with("words"), &name, &looks, (&mut self.anchor, &mut self.head));
        let shown = Shown {
            labels: work.labels,
            chosen: None,
            search: self.new.words(),
            n_keys: N_KEYS,
            counts: true,
        };
        let mut kind = chips(ui, &shown);
        let of = if tagged.numbers { ColumnKind::Number } else { ColumnKind::Text };
        kind = self.new.ui(ui, cx, work, of).or(kind);
        let mut clear = false;
        if response.has_focus() {
            kind = work.labels.pressed(ui, N_KEYS).or(kind);
            clear = ui.input_mut(|i| {
                [Key::Num0, Key::Delete, Key::Backspace]
                    .iter()
                    .any(|key| i.consume_key(Modifiers::NONE, *key))
            });
        }
        let run = (self.anchor.min(self.head), self.anchor.max(self.head));
        if (kind.is_some() || clear) && run.1 < tagged.tags.len() {
            tag(&mut tagged.tags, run, kind.as_deref(), by_word);
            tagged.write(work);
            work.did(Wrote::Done);
        }
        widgets::hint(ui, cx.t("datasets.row_tag_hint"));
        if !wrong.is_empty() {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.y = 4.0;
                let n = units::grouped(wrong.len() as u64);
                ui.label(
                    Type::Hint.text(cx.tf("datasets.row_wrong_tags", &[("n", &n)]), cx.theme.tokens.danger),
                );
                let button = Button::control(cx.t("datasets.row_repair_tags")).icon(icons::CHECK).small();
                if button.tooltip(cx.t("datasets.row_repair_tags_tip")).show(ui).clicked() {
                    let tags: Vec<&str> = tagged.tags.iter().map(String::as_str).collect();
                    tagged.tags = repaired_tags(&tags);
                    tagged.write(work);
                    work.did(Wrote::Done);
                }
            });
        }
    }

    /// More words than tags, or more tags than words: which, and one way to make them as many.
    fn unequal_ui(&mut self, ui: &mut Ui, cx: &PaneCx, work: &mut Work, tagged: &mut Tagged) {
        let (n_words, n_tags) = (tagged.words.len(), tagged.tags.len());
        if n_words == n_tags {
            return;
        }
        let numbers = [("words", &n_words as &dyn std::fmt::Display), ("tags", &n_tags)];
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.label(Type::Hint.text(cx.tf("datasets.row_unequal", &numbers), cx.theme.tokens.danger));
            let key = if n_words > n_tags { "datasets.row_fill_tags" } else { "datasets.row_drop_tags" };
            if Button::control(cx.t(key)).small().show(ui).clicked() {
                let outside = if tagged.numbers { "0" } else { "O" };
                tagged.tags.resize(n_words, outside.to_owned());
                tagged.write(work);
                work.did(Wrote::Done);
            }
        });
    }

    fn lines_ui(&mut self, ui: &mut Ui, cx: &PaneCx, work: &mut Work, tagged: &mut Tagged) {
        let mut text = self.lines.take().unwrap_or_else(|| tagged.lines());
        let name = cx.t("datasets.row_lines");
        let response = Area::new(work.id.with("lines"), &name).rows(12).mono().show(ui, &mut text);
        if response.changed() {
            tagged.take_lines(&text);
            tagged.write(work);
        }
        if response.has_focus() {
            self.lines = Some(text);
        }
        work.heard(&response);
        widgets::hint(ui, cx.t("datasets.row_lines_hint"));
    }
}

impl Tagged {
    fn read(work: &Work) -> Option<Self> {
        work.column(Role::Tokens)?;
        work.column(Role::Tags)?;
        let list = |role: Role| work.get(role).and_then(Value::as_array).cloned().unwrap_or_default();
        let tags = list(Role::Tags);
        let numbers = !tags.is_empty() && tags.iter().all(Value::is_number);
        let text = |value: &Value| super::work::text_of(Some(value));
        Some(Self {
            words: list(Role::Tokens).iter().map(text).collect(),
            tags: tags.iter().map(text).collect(),
            numbers,
        })
    }

    fn write(&self, work: &mut Work) {
        let words: Vec<Value> = self.words.iter().map(|word| word.as_str().into()).collect();
        let tag = |tag: &String| {
            let number = self.numbers.then(|| serde_json::from_str(tag).ok().filter(Value::is_number));
            number.flatten().unwrap_or_else(|| tag.as_str().into())
        };
        let tags: Vec<Value> = self.tags.iter().map(tag).collect();
        for (role, list) in [(Role::Tokens, words), (Role::Tags, tags)] {
            if let Some(column) = work.column(role) {
                work.value.insert(column, list.into());
            }
        }
    }

    fn wrong(&self) -> Vec<usize> {
        let tags: Vec<&str> = self.tags.iter().map(String::as_str).collect();
        if self.numbers { Vec::new() } else { wrong_tags(&tags) }
    }

    /// A word and its tag a line.
    fn lines(&self) -> String {
        let tag = |at: usize| self.tags.get(at).map_or("O", String::as_str);
        let line = |(at, word): (usize, &String)| format!("{word}\t{}", tag(at));
        self.words.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Words and tags of lines; a word alone is outside of everything.
    fn take_lines(&mut self, text: &str) {
        (self.words, self.tags) = (Vec::new(), Vec::new());
        let outside = if self.numbers { "0" } else { "O" };
        for line in text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()) {
            let (word, tag) = line.rsplit_once(['\t', ' ']).unwrap_or((line, outside));
            self.words.push(word.trim().to_owned());
            self.tags.push(tag.to_owned());
        }
    }
}

/// A kind for a run of words, or none. What goes on after it begins anew: the run is one thing.
fn tag(tags: &mut [String], (from, to): (usize, usize), kind: Option<&str>, by_word: bool) {
    for at in from..=to.min(tags.len().saturating_sub(1)) {
        tags[at] = match kind {
            None => "O".to_owned(),
            Some(kind) if by_word => kind.to_owned(),
            Some(kind) if at == from => format!("B-{kind}"),
            Some(kind) => format!("I-{kind}"),
        };
    }
    if let Some(next) = tags.get_mut(to + 1)
        && let Tag::Inside(kind) = Tag::read(next)
    {
        *next = format!("B-{kind}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_tagged_as_one() {
        let check = |tags: &str, run, kind: Option<&str>, expected: &str| {
            let mut all: Vec<String> = tags.split(' ').map(str::to_owned).collect();
            tag(&mut all, run, kind, false);
            assert_eq!(all.join(" "), expected);
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            assert!(wrong_tags(&all).is_empty());
        };
        check("O O O O", (1, 2), Some("PER"), "O B-PER I-PER O");
        check("B-LOC I-LOC I-LOC O", (0, 1), Some("PER"), "B-PER I-PER B-LOC O");
        check("B-LOC I-LOC I-LOC", (0, 0), Some("LOC"), "B-LOC B-LOC I-LOC");
        check("B-LOC I-LOC I-LOC", (0, 1), None, "O O B-LOC");
        let mut classes = vec!["NOUN".to_owned(), "VERB".to_owned()];
        tag(&mut classes, (0, 1), Some("ADJ"), true);
        assert_eq!(classes, ["ADJ", "ADJ"]);
    }

    #[test]
    fn lines_are_words_and_tags() {
        let mut tagged = Tagged { words: Vec::new(), tags: Vec::new(), numbers: false };
        tagged.take_lines("Ada B-PER\nLovelace\tI-PER\n\n北京 B-LOC\nwrote\n");
        assert_eq!(tagged.words, ["Ada", "Lovelace", "北京", "wrote"]);
        assert_eq!(tagged.tags, ["B-PER", "I-PER", "B-LOC", "O"]);
        assert_eq!(tagged.lines(), "Ada\tB-PER\nLovelace\tI-PER\n北京\tB-LOC\nwrote\tO");
    }
}
