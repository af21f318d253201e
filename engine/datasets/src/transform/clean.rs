//! Texts made clean, and which rows are dropped for what they say.

use super::edits::Edits;
use super::replace::pattern;
use super::texts::{self, Reach};
use crate::findings::said::Said;
use anyhow::Result;
use glassworks_protocol::datasets::transform::CleanSpec;
use glassworks_protocol::datasets::{Mapping, Role, Row};
use regex::Regex;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfc_quick};

/// Says what changes in a text.
type Step = fn(&str) -> Edits;

#[derive(Debug)]
pub struct Clean {
    spec: CleanSpec,
    drop: Option<Regex>,
    keep: Option<Regex>,
}

impl Clean {
    /// # Errors
    /// When a pattern is none.
    pub fn new(spec: &CleanSpec) -> Result<Self> {
        let compile = |of: &Option<String>| {
            of.as_deref().filter(|of| !of.is_empty()).map(|of| pattern(of, true)).transpose()
        };
        Ok(Self {
            drop: compile(&spec.drop_matching)?,
            keep: compile(&spec.keep_matching)?,
            spec: spec.clone(),
        })
    }

    /// Changes the row's texts; whether any changed.
    pub fn row(&self, row: &mut Row, mapping: &Mapping) -> bool {
        let mut changed = false;
        let steps: [(bool, Step); 4] = [
            (self.spec.strip_control, without_control),
            (self.spec.nfc, composed),
            (self.spec.collapse_spaces, collapsed),
            (self.spec.trim, trimmed),
        ];
        for (_, step) in steps.into_iter().filter(|(asked, _)| *asked) {
            changed |= texts::edit(row, mapping, &Reach::TextsAndLabels, &mut |place, text| {
                if place.role == Some(Role::Tokens) { Edits::new() } else { step(text) }
            });
            if let Some(tokens) = mapping.column(Role::Tokens) {
                changed |= each_word(row, tokens, step);
            }
        }
        if self.spec.trim
            && let Some(answers) = mapping.column(Role::Answers)
        {
            changed |=
                texts::edit(row, mapping, &Reach::Column(answers.to_owned()), &mut |_, text| trimmed(text));
        }
        changed
    }

    /// Whether the row goes for what its texts hold.
    #[must_use]
    pub fn drops(&self, said: &Said) -> bool {
        self.drop.as_ref().is_some_and(|drop| drop.is_match(&said.text))
            || self.keep.as_ref().is_some_and(|keep| !keep.is_match(&said.text))
    }
}

/// Words one by one: none may go, for each has a tag.
fn each_word(row: &mut Row, tokens: &str, step: Step) -> bool {
    let words = row.get_mut(tokens).and_then(Value::as_array_mut);
    let mut changed = false;
    for word in words.into_iter().flatten() {
        let Value::String(word) = word else { continue };
        let edits = step(word);
        let after = edits.apply(word);
        if !edits.is_empty() && !after.trim().is_empty() {
            *word = after;
            changed = true;
        }
    }
    changed
}

fn trimmed(text: &str) -> Edits {
    let mut edits = Edits::new();
    let kept = text.trim_start();
    let start = text.len() - kept.len();
    edits.push(text, 0..start, "");
    edits.push(text, start + kept.trim_end().len()..text.len(), "");
    edits
}

/// Control characters, those of Unicode too, besides tab and newline; of a carriage return with a newline the newline
/// stays, one alone becomes a newline.
fn without_control(text: &str) -> Edits {
    let mut edits = Edits::new();
    for (at, one) in text.char_indices().filter(|(_, one)| one.is_control() && !matches!(one, '\t' | '\n')) {
        let alone = one == '\r' && !text[at + 1..].starts_with('\n');
        edits.push(text, at..at + one.len_utf8(), if alone { "\n" } else { "" });
    }
    edits
}

/// NFC (Unicode Standard Annex 15), piece by piece: a piece begins with a character that never joins the one before.
fn composed(text: &str) -> Edits {
    let mut edits = Edits::new();
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return edits;
    }
    let begins = |one: char| {
        one.is_ascii()
            || canonical_combining_class(one) == 0 && is_nfc_quick(std::iter::once(one)) == IsNormalized::Yes
    };
    let mut start = 0;
    for (at, _) in text.char_indices().filter(|(_, one)| begins(*one)).skip_while(|(at, _)| *at == 0) {
        edits.push(text, start..at, text[start..at].nfc().collect::<String>());
        start = at;
    }
    edits.push(text, start..text.len(), text[start..].nfc().collect::<String>());
    edits
}

fn collapsed(text: &str) -> Edits {
    let mut edits = Edits::new();
    let is_space = |one: char| one != '\n' && one.is_whitespace();
    let mut at = 0;
    while let Some(found) = text[at..].find(char::is_whitespace) {
        let start = at + found;
        let end = text[start..].find(|one: char| !one.is_whitespace()).map_or(text.len(), |end| start + end);
        let run = &text[start..end];
        let n_newlines = run.matches('\n').count();
        if n_newlines == 0 {
            // Of the same kind one of it: ideographic spaces, tabs.
            let first = run.chars().next().filter(|first| run.chars().all(|one| one == *first));
            edits.push(text, start..end, first.unwrap_or(' ').to_string());
        } else {
            let indent = &run[run.rfind('\n').map_or(0, |last| last + 1)..];
            let mut with = "\n".repeat(n_newlines.min(2));
            let first = indent.chars().next().filter(|_| indent.chars().all(is_space) && end < text.len());
            with.extend(first.map(|first| if indent.chars().all(|one| one == first) { first } else { ' ' }));
            edits.push(text, start..end, with);
        }
        at = end;
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::datasets::DataTask;
    use serde_json::json;

    fn check(step: Step, before: &str, after: &str) {
        assert_eq!(step(before).apply(before), after, "{before:?}");
        assert!(step(after).is_empty(), "{after:?} is clean");
    }

    #[test]
    fn texts_are_made_clean() {
        check(trimmed, "  a b\u{3000}\n", "a b");
        check(trimmed, "   ", "");
        check(trimmed, "", "");
        check(without_control, "a\u{0}b\u{7f}\tc\r\nd\re\u{85}", "ab\tc\nd\ne");
        check(composed, "Cafe\u{301} n\u{303}o \u{1112}\u{1161}\u{11ab}글", "Café ño 한글");
        check(composed, "\u{212b}", "Å");
        check(composed, "a\u{327}\u{301}b", "a\u{327}\u{301}b".nfc().collect::<String>().as_str());
        check(collapsed, "a  b \t c", "a b c");
        check(collapsed, "a \n\n\n \n  b", "a\n\n b");
        check(collapsed, "a\u{3000}\u{3000}b\t\tc\n", "a\u{3000}b\tc\n");
        check(collapsed, "a   \n", "a\n");
    }

    #[test]
    fn spans_labels_words_and_answers_are_kept_true() {
        let spec = CleanSpec {
            trim: true,
            collapse_spaces: true,
            nfc: true,
            strip_control: true,
            ..CleanSpec::default()
        };
        let clean = |task, roles: &[(Role, &str)], row: Value| {
            let roles = roles.iter().map(|(role, column)| (*role, (*column).to_owned())).collect();
            let mut row = row.as_object().unwrap().clone();
            Clean::new(&spec).unwrap().row(&mut row, &Mapping { task, roles });
            Value::Object(row)
        };
        let spans = json!({ "t": "  Cafe\u{301}  de Flore ", "s": [{ "start": 2, "end": 18, "label": "L", "text": "Cafe\u{301}  de Flore " }], "x": "  x" });
        let after = clean(DataTask::Tagging, &[(Role::Text, "t"), (Role::Spans, "s")], spans);
        assert_eq!(after["t"], "Café de Flore");
        assert_eq!(after["s"], json!([{ "start": 0, "end": 13, "label": "L", "text": "Café de Flore" }]));
        assert_eq!(after["x"], "  x", "no role");
        let after = clean(
            DataTask::Classification,
            &[(Role::Text, "t"), (Role::Label, "l")],
            json!({ "t": "a ", "l": " pos" }),
        );
        assert_eq!(after, json!({ "t": "a", "l": "pos" }));
        let words = json!({ "w": [" a", "\u{7}", "b\u{0}"], "g": ["O", "O", "B-X"] });
        let after = clean(DataTask::Tagging, &[(Role::Tokens, "w"), (Role::Tags, "g")], words);
        assert_eq!(after, json!({ "w": ["a", "\u{7}", "b"], "g": ["O", "O", "B-X"] }));
        let roles = [(Role::Context, "c"), (Role::Question, "q"), (Role::Answers, "a")];
        let row = json!({ "c": " It is  in Rome .", "q": "Where?", "a": { "text": [" Rome "], "answer_start": [10] } });
        let after = clean(DataTask::QuestionAnswering, &roles, row);
        assert_eq!(after["c"], "It is in Rome .");
        assert_eq!(after["a"], json!({ "text": ["Rome"], "answer_start": [9] }));
    }
}
