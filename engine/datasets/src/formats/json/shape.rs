//! How a JSON text holds its rows, by its beginning.

use super::canon::{Fault, FaultKind, Field, canonical};
use super::value::parse;
use glassworks_protocol::datasets::Split;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One list.
    List,
    /// Values one after another; most often a single object, which is the one row.
    Values,
    /// An object with lists of objects in it.
    Lists,
    /// `{"columns": ["a", "b"], "data": [[1, 2], …]}`
    Named(Vec<String>),
    /// An object with a list for each column, or an object from a row's name to its value.
    Columns,
}

/// A member of the outermost object, as far as it lies in the sample.
struct Member<'a> {
    key: String,
    /// From its value on.
    value: &'a [u8],
}

impl Shape {
    pub fn of(sample: &[u8], ended: bool) -> Self {
        let text = sample.trim_ascii_start();
        match text.first() {
            Some(b'[') => return Self::List,
            Some(b'{') => {}
            _ => return Self::Values,
        }
        let members = members(text, ended);
        let of_objects = |one: &Member| begins(one.value, b'[', b'{') && !is_field(one.value);
        if members.iter().any(of_objects) {
            return Self::Lists;
        }
        if let Some(names) = named(&members) {
            return Self::Named(names);
        }
        if is_columns(&members) { Self::Columns } else { Self::Values }
    }
}

/// What a list within the outermost object is of, by its key.
pub(super) fn split_of(key: &str) -> Option<Split> {
    match key {
        "train" | "training" => Some(Split::Train),
        "validation" | "valid" | "val" | "dev" => Some(Split::Validation),
        "test" => Some(Split::Test),
        _ => None,
    }
}

fn members(text: &[u8], ended: bool) -> Vec<Member<'_>> {
    let (mut found, mut rest) = (Vec::new(), &text[1..]);
    loop {
        rest = rest.trim_ascii_start();
        let (mut line, mut fields) = (Vec::new(), Vec::new());
        let Ok(used) = canonical(rest, &mut line, &mut fields) else { return found };
        let Ok(key) = serde_json::from_slice(&line) else { return found };
        rest = rest[used..].trim_ascii_start();
        let Some(value) = rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start) else { return found };
        line.clear();
        let result = canonical(value, &mut line, &mut fields);
        if matches!(result, Err(Fault { kind: FaultKind::Ended, .. }) if value.is_empty()) {
            return found;
        }
        found.push(Member { key, value });
        let Ok(used) = result else { return found };
        rest = value[used..].trim_ascii_start();
        match rest.strip_prefix(b",") {
            Some(more) => rest = more,
            None if rest.is_empty() && !ended => return found,
            None => return found,
        }
    }
}

/// Whether a value begins so, spaces apart.
fn begins(value: &[u8], outer: u8, inner: u8) -> bool {
    value.first() == Some(&outer) && value[1..].trim_ascii_start().first() == Some(&inner)
}

/// A list of objects that is one row's field: turns, spans, answers.
fn is_field(list: &[u8]) -> bool {
    let (mut line, mut fields) = (Vec::new(), Vec::<Field>::new());
    if canonical(list[1..].trim_ascii_start(), &mut line, &mut fields).is_err() {
        return false;
    }
    let Value::Object(first) = parse(&line) else { return false };
    let has = |key: &str| first.contains_key(key);
    has("role") && has("content")
        || has("from") && has("value")
        || has("start") && has("end")
        || has("text") && has("answer_start")
}

fn named(members: &[Member]) -> Option<Vec<String>> {
    let value = |key: &str| members.iter().find(|one| one.key == key).map(|one| one.value);
    let (columns, data) = (value("columns")?, value("data")?);
    let mut line = Vec::new();
    canonical(columns, &mut line, &mut Vec::new()).ok()?;
    let Value::Array(names) = parse(&line) else { return None };
    if !begins(data, b'[', b'[') {
        return None;
    }
    names.iter().map(|one| one.as_str().map(str::to_owned)).collect()
}

/// A list, or an object of numbered values, for every member; words and tags apart, which are one row.
fn is_columns(members: &[Member]) -> bool {
    let numbered = |value: &[u8]| {
        let (mut line, mut fields) = (Vec::new(), Vec::new());
        let inner = value[1..].trim_ascii_start();
        let key = canonical(inner, &mut line, &mut fields).ok().map(|_| parse(&line));
        key.is_some_and(|key| key.as_str().is_some_and(|key| key == "0"))
    };
    let is_column = |one: &Member| match one.value.first() {
        Some(b'[') => !begins(one.value, b'[', b']'),
        Some(b'{') => numbered(one.value),
        _ => false,
    };
    let names: Vec<String> = members.iter().map(|one| one.key.to_lowercase()).collect();
    let has = |name: &str| names.iter().any(|one| one == name);
    let one_row = (has("tokens") || has("words")) && (has("tags") || has("ner_tags") || has("labels"));
    !members.is_empty()
        && members.iter().all(is_column)
        && !one_row
        && !has("messages")
        && !has("conversations")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Shape) {
        assert_eq!(Shape::of(text.as_bytes(), true), expected, "{text}");
    }

    #[test]
    fn shapes_are_told_apart() {
        check(" [1]", Shape::List);
        check(r#"{"version": 1, "data": [{"a": 1}]}"#, Shape::Lists);
        check(r#"{"train": [ {"a": 1}], "test": []}"#, Shape::Lists);
        check(r#"{"data": [{"a": 1}, {"#, Shape::Lists);
        check(r#"{"columns": ["a"], "index": [0], "data": [[1]]}"#, Shape::Named(vec!["a".to_owned()]));
        check(r#"{"a": [1, 2], "b": ["x", "y"]}"#, Shape::Columns);
        check(r#"{"a": {"0": 1}, "b": {"0": "x"}}"#, Shape::Columns);
        check(r#"{"a": 1, "b": [1]}"#, Shape::Values);
        check(r#"{"id": 1, "messages": [{"role": "user", "content": "x"}]}"#, Shape::Values);
        check(r#"{"text": "x", "spans": [{"start": 0, "end": 1, "label": "A"}]}"#, Shape::Values);
        check(r#"{"tokens": ["a"], "tags": ["O"]}"#, Shape::Values);
        check("{}", Shape::Values);
        check("nothing", Shape::Values);
    }
}
