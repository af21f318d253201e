//! What kind of values columns hold, as far as rows were looked at.

use super::json::{Field, parse};
use super::shapes::is_settled;
use glassworks_protocol::datasets::{ColumnKind, ColumnRecord};
use serde_json::Value;
use std::collections::HashMap;

/// Columns in the order in which they first appeared.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    columns: Vec<(ColumnRecord, bool)>,
    places: HashMap<Vec<u8>, usize>,
}

impl Columns {
    /// Names that a file tells before its rows.
    pub fn named(&mut self, names: &[String]) {
        for name in names {
            let key = serde_json::to_string(name).unwrap_or_default();
            // Only the quotes around it: a name may end in one itself.
            self.place(key.get(1..key.len() - 1).unwrap_or_default().as_bytes());
        }
    }

    /// Looks at a row: its line and the fields in it.
    pub fn add(&mut self, line: &[u8], fields: &[Field]) {
        for (at, field) in fields.iter().enumerate() {
            let key = &line[field.key.clone()];
            // Most rows have their fields where the first had them.
            let place = match self.columns.get(at) {
                Some((column, _)) if column.name.as_bytes() == key => at,
                _ => self.place(key),
            };
            let (column, known) = &mut self.columns[place];
            let text = &line[field.value.clone()];
            if *known && column.kind == ColumnKind::Other || text == b"null" {
                continue;
            }
            let kind = kind(text);
            column.kind = match (*known, column.kind, kind) {
                (false, _, None) => continue,
                (false, _, Some(kind)) => kind,
                (true, before, None) => before,
                (true, before, Some(kind)) if before == kind => kind,
                (true, ..) => ColumnKind::Other,
            };
            *known = true;
        }
    }

    fn place(&mut self, key: &[u8]) -> usize {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        let quoted = [b"\"", key, b"\""].concat();
        let Value::String(name) = parse(&quoted) else { return 0 };
        self.columns.push((ColumnRecord { name, kind: ColumnKind::Text }, false));
        self.places.insert(key.to_vec(), self.columns.len() - 1);
        self.columns.len() - 1
    }

    #[must_use]
    pub fn records(&self) -> Vec<ColumnRecord> {
        self.columns.iter().map(|(column, _)| column.clone()).collect()
    }
}

/// What kind of value it is; `None`: nothing, or an empty list, which may be any.
#[must_use]
pub fn kind_of(value: &Value) -> Option<ColumnKind> {
    let text = serde_json::to_vec(value).unwrap_or_default();
    if text == b"null" { None } else { kind(&text) }
}

/// What canonical JSON is; `None`: an empty list, which may be any.
fn kind(text: &[u8]) -> Option<ColumnKind> {
    Some(match text {
        [b'"', ..] => ColumnKind::Text,
        [b't' | b'f', ..] => ColumnKind::Bool,
        [b'[', b']'] => return None,
        [b'[', b'"', ..] | [b'[', b'-' | b'0'..=b'9', ..] => list(text),
        [b'[', b'{', ..] if is_settled(text) => ColumnKind::Messages,
        [b'[', b'{', ..] if begins(text, &["{\"role\":"]) => {
            of_lists(text, &["role", "content"], ColumnKind::Messages)
        }
        [b'[', b'{', ..] if begins(text, &["{\"start\":"]) => {
            of_lists(text, &["start", "end", "label"], ColumnKind::Spans)
        }
        [b'{', b'"', ..] => answers(text),
        [b'[' | b'{', ..] => ColumnKind::Other,
        _ => ColumnKind::Number,
    })
}

fn begins(text: &[u8], heads: &[&str]) -> bool {
    heads.iter().any(|head| text[1..].starts_with(head.as_bytes()))
}

fn list(text: &[u8]) -> ColumnKind {
    // Whole numbers and no floats: their points and exponents are outside of strings, where lists have none.
    let floats = text[1] != b'"' && text.iter().any(|one| matches!(one, b'.' | b'e' | b'E'));
    if !floats && !text[1..].iter().any(|one| matches!(one, b'[' | b'{' | b'"' | b't' | b'f' | b'n')) {
        return ColumnKind::List;
    }
    let Value::Array(list) = parse(text) else { return ColumnKind::Other };
    let whole = |one: &Value| one.is_i64() || one.is_u64();
    if list.iter().all(Value::is_string) || list.iter().all(whole) {
        ColumnKind::List
    } else {
        ColumnKind::Other
    }
}

/// A list of objects whose first keys are those.
fn of_lists(text: &[u8], keys: &[&str], kind: ColumnKind) -> ColumnKind {
    let Value::Array(list) = parse(text) else { return ColumnKind::Other };
    let fits = |one: &Value| {
        one.as_object()
            .is_some_and(|map| map.keys().take(keys.len()).map(String::as_str).eq(keys.iter().copied()))
    };
    if list.iter().all(fits) { kind } else { ColumnKind::Other }
}

fn answers(text: &[u8]) -> ColumnKind {
    if !text.starts_with(b"{\"text\":[") && !text.starts_with(b"{\"answer_start\":[") {
        return ColumnKind::Other;
    }
    let Value::Object(map) = parse(text) else { return ColumnKind::Other };
    let lists =
        map.get("text").and_then(Value::as_array).zip(map.get("answer_start").and_then(Value::as_array));
    let fits = lists.is_some_and(|(texts, starts)| {
        texts.iter().all(Value::is_string) && starts.iter().all(Value::is_number)
    });
    if fits { ColumnKind::Answers } else { ColumnKind::Other }
}

#[cfg(test)]
mod tests {
    use super::super::json::read;
    use super::super::shapes::Shapes;
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(rows: &[Value], expected: &[(&str, ColumnKind)]) {
        let (mut columns, mut shapes, mut line) = (Columns::default(), Shapes::default(), Vec::new());
        for row in rows {
            read(row.to_string().as_bytes(), &mut line, &mut shapes).unwrap();
            columns.add(&line, &shapes.fields);
        }
        let found = columns.records();
        let found: Vec<(&str, ColumnKind)> = found.iter().map(|one| (one.name.as_str(), one.kind)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn names_keep_their_quotes() {
        let mut columns = Columns::default();
        let names = ["a", "\"b\"", "", "\"", "c\\"].map(str::to_owned);
        columns.named(&names);
        assert_eq!(columns.records().iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), names);
    }

    #[test]
    fn kinds_are_told_by_values() {
        use ColumnKind::{Answers, Bool, List, Messages, Number, Other, Spans, Text};
        check(
            &[
                json!({"a": "x", "b": 1, "c": null, "\"d\"": true}),
                json!({"b": 2.5, "a": "y", "c": "later", "e": [1, 2], "f": ["x", "a.b"], "g": [1.5], "h": []}),
                json!({"h": ["x"], "m": [{"from": "human", "value": "x"}], "s": [[0, 1, "A"]],
                    "q": [{"text": "x", "answer_start": 1}], "o": {"x": 1}, "n": [[1]], "mixed": 1}),
                json!({"mixed": "x", "h": []}),
            ],
            &[
                ("a", Text),
                ("b", Number),
                ("c", Text),
                ("\"d\"", Bool),
                ("e", List),
                ("f", List),
                ("g", Other),
                ("h", List),
                ("m", Messages),
                ("s", Spans),
                ("q", Answers),
                ("o", Other),
                ("n", Other),
                ("mixed", Other),
            ],
        );
    }
}
