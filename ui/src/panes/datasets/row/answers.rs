//! A question about a context, and its answers: literal parts of the context, highlighted in it.

use super::area::Area;
use super::marked::Mark;
use super::marking::{Marking, found_near, trimmed};
use super::spans::short;
use super::work::{Work, Wrote};
use crate::panes::PaneCx;
use crate::theme::icons;
use crate::widgets::{self, Button};
use egui::{Key, Modifiers, Ui};
use glassworks_protocol::datasets::Role;
use glassworks_protocol::datasets::marks::{Place, between, carried};
use serde_json::{Map, Value};

#[derive(Default)]
pub struct Answers {
    marking: Marking,
}

/// An answer as it is kept: its words, and where they are said to stand.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    text: String,
    start: Option<usize>,
}

impl Answer {
    fn place(&self) -> Option<Place> {
        let n = self.text.chars().count();
        self.start.map(|start| (start, start + n)).filter(|_| n > 0)
    }

    /// Whether it stands literally where it says.
    fn is_literal(&self, context: &str) -> bool {
        self.place().and_then(|place| between(context, place)) == Some(self.text.as_str())
    }
}

impl Answers {
    pub fn ui(&mut self, ui: &mut Ui, cx: &PaneCx, work: &mut Work) {
        let Some(column) = work.column(Role::Answers) else { return };
        self.marking.follow(work.id);
        question(ui, cx, work);
        let mut answers = read(work.value.get(&column));
        let was = answers.clone();
        let context = work.text(Role::Context).unwrap_or_default();
        let color = cx.theme.tokens.accent;
        let mark = |one: &Answer| {
            let wrong = !one.is_literal(&context);
            Mark { place: one.place().unwrap_or_default(), color, label: String::new(), wrong }
        };
        let marks: Vec<Mark> = answers.iter().map(mark).collect();
        let name = cx.t("datasets.row_role_context");
        let did = self.marking.ui(ui, cx, work, (Role::Context, &name), &marks);
        if let Some(before) = &did.before {
            let after = work.text(Role::Context).unwrap_or_default();
            carry(&mut answers, before, &after);
        }
        let context = work.text(Role::Context).unwrap_or_default();
        self.take(ui, cx, work, &context, &mut answers, did.has_keys);
        self.list(ui, cx, work, &context, &mut answers, &marks);
        if answers != was {
            write(work, &column, &answers);
        }
    }

    /// What is selected becomes an answer: by a press, or by Enter.
    fn take(
        &mut self,
        ui: &mut Ui,
        cx: &PaneCx,
        work: &mut Work,
        context: &str,
        answers: &mut Vec<Answer>,
        has_keys: bool,
    ) {
        let selected = self.marking.selection.place().and_then(|place| trimmed(context, place));
        let known =
            |place: Place| answers.iter().any(|one| one.place() == Some(place) && one.is_literal(context));
        let free = selected.filter(|place| !known(*place));
        let entered = has_keys && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter));
        let mut pressed = false;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            let off = free.is_none().then(|| cx.t("datasets.row_select_answer"));
            let button =
                Button::control(cx.t("datasets.row_use_answer")).icon(icons::CHECK).shortcut("↵").small();
            pressed = button.off(off).show(ui).clicked();
            let words = free
                .and_then(|place| between(context, place))
                .map_or_else(|| cx.t("datasets.row_select_answer"), |words| format!("“{}”", short(words)));
            widgets::hint(ui, words);
        });
        if (pressed || entered)
            && let Some(place) = free
            && let Some(words) = between(context, place)
        {
            answers.push(Answer { text: words.to_owned(), start: Some(place.0) });
            self.marking.chosen = Some(answers.len() - 1);
            work.did(Wrote::Done);
        }
    }

    fn list(
        &mut self,
        ui: &mut Ui,
        cx: &PaneCx,
        work: &mut Work,
        context: &str,
        answers: &mut Vec<Answer>,
        marks: &[Mark],
    ) {
        ui.add_space(4.0);
        widgets::semibold(ui, cx.t("datasets.row_role_answers"));
        if answers.is_empty() {
            widgets::hint(ui, cx.t("datasets.row_no_answers"));
        }
        let mut gone = None;
        for (at, answer) in answers.iter_mut().enumerate() {
            ui.push_id(at, |ui| {
                let name = cx.tf("datasets.row_remove_answer", &[("n", &(at + 1))]);
                let removed = super::removable(ui, &name, |ui| {
                    let chosen = self.marking.chosen == Some(at);
                    let words = short(&answer.text);
                    let name = cx.tf("datasets.row_show_answer", &[("n", &(at + 1)), ("words", &words)]);
                    if super::words_button(ui, &words, chosen, name) {
                        self.marking.choose(at, marks);
                    }
                    if let Some((from, to)) = answer.place() {
                        widgets::mono(ui, format!("{from}–{to}"));
                    }
                });
                if removed {
                    gone = Some(at);
                }
                mend_ui(ui, cx, work, context, answer);
            });
        }
        if let Some(at) = gone {
            answers.remove(at);
            self.marking.chosen = None;
            work.did(Wrote::Done);
        }
    }
}

/// That an answer is not literal, and the repair.
fn mend_ui(ui: &mut Ui, cx: &PaneCx, work: &mut Work, context: &str, answer: &mut Answer) {
    if answer.is_literal(context) {
        return;
    }
    let found = found_near(context, &answer.text, answer.start.unwrap_or(0));
    if super::not_there(ui, cx, found)
        && let Some(place) = found
        && let Some(words) = between(context, place)
    {
        *answer = Answer { text: words.to_owned(), start: Some(place.0) };
        work.did(Wrote::Done);
    }
}

fn question(ui: &mut Ui, cx: &PaneCx, work: &mut Work) {
    let Some(column) = work.column(Role::Question) else { return };
    let mut text = work.text(Role::Question).unwrap_or_default();
    let name = cx.t("datasets.row_role_question");
    widgets::semibold(ui, &name);
    let response = Area::new(work.id.with("question"), &name).show(ui, &mut text);
    if response.changed() {
        work.set_text(&column, &text);
    }
    work.heard(&response);
}

/// `{"text": […], "answer_start": […]}`, either list longer than the other.
fn read(value: Option<&Value>) -> Vec<Answer> {
    let list = |name: &str| value.and_then(|value| value.get(name)).and_then(Value::as_array);
    let (texts, starts) = (list("text"), list("answer_start"));
    let start = |at: usize| starts?.get(at)?.as_u64().and_then(|n| usize::try_from(n).ok());
    let one = |(at, text): (usize, &Value)| Answer {
        text: text.as_str().unwrap_or_default().to_owned(),
        start: start(at),
    };
    texts.map_or_else(Vec::new, |texts| texts.iter().enumerate().map(one).collect())
}

/// Keeps what else the value holds.
fn write(work: &mut Work, column: &str, answers: &[Answer]) {
    let mut value = match work.value.get(column) {
        Some(Value::Object(value)) => value.clone(),
        _ => Map::new(),
    };
    let texts: Vec<Value> = answers.iter().map(|one| one.text.as_str().into()).collect();
    let start = |one: &Answer| one.start.map_or(Value::from(-1), Value::from);
    value.insert("text".to_owned(), texts.into());
    value.insert("answer_start".to_owned(), answers.iter().map(start).collect());
    work.value.insert(column.to_owned(), Value::Object(value));
}

/// Answers go with their words. One whose words were changed is what stands there now; one whose words are gone is
/// kept, to be found again or removed.
fn carry(answers: &mut [Answer], before: &str, after: &str) {
    for answer in answers.iter_mut().filter(|one| one.is_literal(before)) {
        let Some(place) = answer.place() else { continue };
        if let Some(place) = carried(before, after, place)
            && let Some(words) = between(after, place)
        {
            *answer = Answer { text: words.to_owned(), start: Some(place.0) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_are_read_and_stay_with_their_words() {
        let value = json!({ "text": ["1889", "玻璃"], "answer_start": [3, 12] });
        let mut answers = read(Some(&value));
        let context = "In 1889 they 玻璃 it";
        assert_eq!(answers.iter().map(|one| one.is_literal(context)).collect::<Vec<_>>(), [true, false]);
        let after = "Back in 1889 they 玻璃 it";
        carry(&mut answers, context, after);
        assert_eq!((answers[0].start, answers[0].is_literal(after)), (Some(8), true));
        assert_eq!(found_near(after, &answers[1].text, 12), Some((18, 20)));
        assert_eq!(read(Some(&json!(null))), []);
        assert_eq!(read(Some(&json!({ "text": ["a"] })))[0].start, None);
        // Its words are gone: it stays, to be looked at.
        carry(&mut answers, after, "Back in the day");
        assert_eq!(answers[0].text, "1889");
    }
}
