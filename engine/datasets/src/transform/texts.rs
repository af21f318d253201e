//! The texts of a row, and changing them so that all that points into them stays true: spans and answers are
//! literally there, and there are as many tags as words.

use super::edits::Edits;
use super::words;
use glassworks_protocol::datasets::marks::{between, nearest};
use glassworks_protocol::datasets::{Mapping, Role, Row};
use serde_json::Value;

/// A text that is about to be changed.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// What its column is, if anything.
    pub role: Option<Role>,
    /// Who says it, in a conversation.
    pub said_by: Option<&'a str>,
    /// Where labelled spans or answers stand in it, in characters.
    pub marked: &'a [(usize, usize)],
}

/// Says what changes in a text.
pub type Editor<'a> = dyn FnMut(Place<'_>, &str) -> Edits + 'a;

/// Which texts are changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those that are read or said: all roles but labels, tags and groups.
    Texts,
    /// And labels.
    TextsAndLabels,
    /// One column, whatever it is.
    Column(String),
    /// Every column; keys, tags and numbers stay.
    All,
}

/// Roles of texts that nothing points into.
const PLAIN: [Role; 10] = [
    Role::Messages,
    Role::System,
    Role::Prompt,
    Role::Input,
    Role::Completion,
    Role::Chosen,
    Role::Rejected,
    Role::Question,
    Role::Source,
    Role::Target,
];

/// Changes a row's texts; whether any changed.
pub fn edit(row: &mut Row, mapping: &Mapping, reach: &Reach, editor: &mut Editor<'_>) -> bool {
    let columns: Vec<String> = row.keys().cloned().collect();
    let mut changed = false;
    for column in columns {
        let role = role(mapping, &column);
        let reached = match reach {
            Reach::Column(one) => *one == column,
            Reach::All => true,
            Reach::Texts | Reach::TextsAndLabels => role
                .is_some_and(|role| is_text(role) || role == Role::Label && *reach == Reach::TextsAndLabels),
        };
        if reached {
            changed |= edit_column(row, mapping, &column, role, editor);
        }
    }
    changed
}

/// Every text of a row that [`edit`] would reach, one after the other.
pub fn each(row: &Row, mapping: &Mapping, reach: &Reach, look: &mut dyn FnMut(&str)) {
    let mut copy = row.clone();
    edit(&mut copy, mapping, reach, &mut |_, text| {
        look(text);
        Edits::new()
    });
}

fn role(mapping: &Mapping, column: &str) -> Option<Role> {
    mapping.roles.iter().find(|(_, name)| *name == column).map(|(role, _)| *role)
}

fn is_text(role: Role) -> bool {
    PLAIN.contains(&role) || matches!(role, Role::Text | Role::Tokens | Role::Context)
}

fn edit_column(
    row: &mut Row,
    mapping: &Mapping,
    column: &str,
    role: Option<Role>,
    editor: &mut Editor<'_>,
) -> bool {
    let pointing = |role: Role| mapping.column(role).filter(|other| *other != column).map(str::to_owned);
    match role {
        Some(Role::Text) => {
            edit_text(row, column, role, pointing(Role::Spans).as_deref(), editor, adjust_spans)
        }
        Some(Role::Context) => {
            edit_text(row, column, role, pointing(Role::Answers).as_deref(), editor, adjust_answers)
        }
        Some(Role::Tokens) => words::edit(row, column, pointing(Role::Tags).as_deref(), editor),
        Some(Role::Tags) => false,
        Some(Role::Answers) => edit_answers(row, column, mapping.column(Role::Context), editor),
        Some(Role::Spans) => {
            let spans = row.get_mut(column).and_then(Value::as_array_mut);
            let labels = spans.into_iter().flatten().filter_map(|span| span.get_mut("label"));
            labels.fold(false, |changed, label| deep(label, role, None, editor) | changed)
        }
        _ => row.get_mut(column).is_some_and(|value| deep(value, role, None, editor)),
    }
}

/// Texts inside a value, however deep; of an object that is a turn only what is said.
fn deep(value: &mut Value, role: Option<Role>, said_by: Option<&str>, editor: &mut Editor<'_>) -> bool {
    match value {
        Value::String(text) => {
            let edits = editor(Place { role, said_by, marked: &[] }, text);
            if !edits.is_empty() {
                *text = edits.apply(text);
            }
            !edits.is_empty()
        }
        Value::Array(items) => {
            items.iter_mut().fold(false, |changed, item| deep(item, role, said_by, editor) | changed)
        }
        Value::Object(fields) => {
            let speaker = fields.get("role").and_then(Value::as_str).map(str::to_owned);
            let said_by = speaker.as_deref().or(said_by);
            let mut changed = false;
            for (key, field) in fields.iter_mut() {
                if !(key == "role" || key == "type") {
                    changed |= deep(field, role, said_by, editor);
                }
            }
            changed
        }
        _ => false,
    }
}

/// What is done to a pointing value: before, edits, after.
type Adjust = fn(&mut Value, &str, &Edits, &str);

/// A text, and what points into it.
fn edit_text(
    row: &mut Row,
    column: &str,
    role: Option<Role>,
    pointing: Option<&str>,
    editor: &mut Editor<'_>,
    adjust: Adjust,
) -> bool {
    let Some(text) = row.get(column).and_then(Value::as_str).map(str::to_owned) else {
        return row.get_mut(column).is_some_and(|value| deep(value, role, None, editor));
    };
    let marked = pointing.and_then(|pointing| row.get(pointing)).map(|value| marks(value, &text));
    let edits = editor(Place { role, said_by: None, marked: &marked.unwrap_or_default() }, &text);
    if edits.is_empty() {
        return false;
    }
    let after = edits.apply(&text);
    if let Some(value) = pointing.and_then(|pointing| row.get_mut(pointing)) {
        adjust(value, &text, &edits, &after);
    }
    row.insert(column.to_owned(), Value::String(after));
    true
}

/// A span's or an answer's numbers.
fn place(value: Option<&Value>) -> Option<usize> {
    value.and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok())
}

fn span(value: &Value) -> Option<(usize, usize)> {
    Some((place(value.get("start"))?, place(value.get("end"))?))
}

/// Where spans or answers stand.
fn marks(value: &Value, text: &str) -> Vec<(usize, usize)> {
    match value {
        Value::Array(spans) => spans.iter().filter_map(span).collect(),
        answers => literal(answers, text).into_iter().flatten().collect(),
    }
}

/// Where each answer literally stands.
fn literal(answers: &Value, text: &str) -> Vec<Option<(usize, usize)>> {
    let list = |key: &str| answers.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let starts = list("answer_start");
    let at = |(i, answer): (usize, &Value)| {
        let (answer, start) = (answer.as_str()?, place(starts.get(i))?);
        let at = (start, start + answer.chars().count());
        (between(text, at) == Some(answer)).then_some(at)
    };
    list("text").iter().enumerate().map(at).collect()
}

/// Spans go with their texts; one that is empty then goes. One that never was inside the text stays as it is.
fn adjust_spans(spans: &mut Value, before: &str, edits: &Edits, after: &str) {
    let Some(spans) = spans.as_array_mut() else { return };
    let places = edits.places(before);
    spans.retain_mut(|one| {
        let Some(at) = span(one).filter(|at| between(before, *at).is_some_and(|text| !text.is_empty()))
        else {
            return true;
        };
        let now = (places.start(at.0), places.end(at.1));
        let (Some(fields), Some(text)) = (one.as_object_mut(), between(after, now)) else { return false };
        fields.insert("start".to_owned(), now.0.into());
        fields.insert("end".to_owned(), now.1.into());
        if let Some(copy) = fields.get_mut("text").filter(|copy| copy.as_str() == between(before, at)) {
            *copy = Value::String(text.to_owned());
        }
        now.0 < now.1
    });
}

/// Answers go with their context; one that is empty then goes. One that wasn't literal stays as it is.
fn adjust_answers(answers: &mut Value, before: &str, edits: &Edits, after: &str) {
    let places = edits.places(before);
    let found = literal(answers, before);
    let moved: Vec<Option<(usize, &str)>> = found
        .iter()
        .map(|at| {
            let at = (*at)?;
            let now = (places.start(at.0), places.end(at.1));
            Some((now.0, between(after, now).unwrap_or_default()))
        })
        .collect();
    let gone = |i: usize| moved.get(i).is_some_and(|at| at.is_some_and(|(_, text)| text.is_empty()));
    for (key, is_text) in [("text", true), ("answer_start", false)] {
        let Some(list) = answers.get_mut(key).and_then(Value::as_array_mut) else { continue };
        for (value, at) in list.iter_mut().zip(&moved) {
            if let Some((start, text)) = at {
                *value = if is_text { Value::String((*text).to_owned()) } else { (*start).into() };
            }
        }
        let mut i = 0..;
        list.retain(|_| !i.next().is_some_and(gone));
    }
}

/// Answers by themselves: one changes where its new words stand in the context too.
fn edit_answers(row: &mut Row, column: &str, context: Option<&str>, editor: &mut Editor<'_>) -> bool {
    let context = context.and_then(|context| row.get(context)).and_then(Value::as_str).map(str::to_owned);
    let Some(answers) = row.get_mut(column) else { return false };
    if answers.get("text").is_none_or(|list| !list.is_array()) {
        return deep(answers, Some(Role::Answers), None, editor);
    }
    let mut changed = false;
    let n = answers["text"].as_array().map_or(0, Vec::len);
    for i in 0..n {
        let Some(answer) = answers["text"][i].as_str().map(str::to_owned) else { continue };
        let edits = editor(Place { role: Some(Role::Answers), said_by: None, marked: &[] }, &answer);
        let after = edits.apply(&answer);
        let start = place(answers.get("answer_start").and_then(|starts| starts.get(i)));
        let at = context.as_deref().and_then(|context| {
            // Where the old words stood, moved by what was cut off before.
            let near = start.unwrap_or(0) + edits.places(&answer).start(0).min(answer.chars().count());
            let lead =
                answer.find(&after).map_or(near, |at| start.unwrap_or(0) + answer[..at].chars().count());
            nearest(context, &after, lead)
        });
        if let Some((start, _)) = at.filter(|_| !edits.is_empty()) {
            answers["text"][i] = Value::String(after);
            if let Some(place) = answers.get_mut("answer_start").and_then(|starts| starts.get_mut(i)) {
                *place = start.into();
            }
            changed = true;
        }
    }
    changed
}
