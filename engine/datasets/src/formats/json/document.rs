//! JSON that is no lines: a list, an object with lists in it, or values one after another.

use super::super::bad::Bad;
use super::super::found::sample;
use super::super::input::Window;
use super::super::reader::{Got, RowReader};
use super::super::shapes::Shapes;
use super::shape::{Shape, split_of};
use super::stream::{Stream, Value as Found};
use super::value::parse;
use super::{Field, canonical};
use anyhow::Result;
use glassworks_protocol::datasets::Split;
use glassworks_protocol::text::Text;
use serde_json::{Map, Value};

pub(in crate::formats) struct Document {
    stream: Stream,
    shapes: Shapes,
    at: At,
    shape: Shape,
    /// Elements so far, where rows are not told by lines: all on one.
    n: Option<u64>,
    split: Option<Split>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before any value, or between values.
    Top,
    /// Between members of the outermost object.
    Members,
    /// Between elements of a list.
    List,
    End,
}

impl Document {
    pub fn new(window: Window) -> Self {
        let (text, ended) = sample(&window);
        let shape = Shape::of(text, ended);
        let one_line = memchr::memchr(b'\n', text.trim_ascii()).is_none();
        let n = one_line.then_some(0);
        let stream = Stream::new(window);
        Self { stream, shapes: Shapes::default(), at: At::Top, shape, n, split: None }
    }

    /// Moves to the next element; `Err`: what stands there is none.
    fn advance(&mut self) -> Result<Result<(), Text>> {
        loop {
            let next = self.stream.peek()?;
            match (self.at, next) {
                (At::End, _) | (At::Top, None) => {
                    self.at = At::End;
                    return Ok(Ok(()));
                }
                (At::Top, Some(b'[')) if self.shape == Shape::List => {
                    self.stream.take(1);
                    self.at = At::List;
                }
                (At::Top, Some(b'{')) if matches!(self.shape, Shape::Lists | Shape::Named(_)) => {
                    self.stream.take(1);
                    self.at = At::Members;
                }
                // Values one after another may have commas between them, where a list's brackets were forgotten.
                (At::Top, Some(b',')) if self.shape == Shape::Values => self.stream.take(1),
                (At::Top, Some(_)) if self.shape == Shape::Values => return Ok(Ok(())),
                (At::Members, Some(b'}')) => {
                    self.stream.take(1);
                    self.after();
                }
                (At::Members, Some(b',')) => self.stream.take(1),
                (At::Members, Some(b'"')) => {
                    if !self.member()? {
                        return Ok(Err(Text::new("data.bad_json_members")));
                    }
                }
                (At::List, Some(b']')) => {
                    self.stream.take(1);
                    match self.shape {
                        Shape::List => self.after(),
                        _ => self.at = At::Members,
                    }
                }
                (At::List, Some(b',')) => self.stream.take(1),
                (At::List, Some(_)) => return Ok(Ok(())),
                (At::List | At::Members, None) => return Ok(Err(Text::new("data.bad_json_open"))),
                (At::Top | At::Members, Some(_)) => return Ok(Err(Text::new("data.bad_json_members"))),
            }
        }
    }

    /// After the outermost value: what else comes is read as values.
    fn after(&mut self) {
        self.at = At::Top;
        self.shape = Shape::Values;
        self.split = None;
    }

    /// A key and the list that it begins, or a value that is none of ours; false where there is neither.
    fn member(&mut self) -> Result<bool> {
        let Some(key) = self.stream.key()? else { return Ok(false) };
        let wanted = match &self.shape {
            Shape::Named(_) => key == "data",
            _ => self.begins_list_of_objects()?,
        };
        if wanted && self.stream.eat(b'[')? {
            self.at = At::List;
            self.split = split_of(&key);
            return Ok(true);
        }
        Ok(self.stream.skip()?)
    }

    fn begins_list_of_objects(&mut self) -> Result<bool> {
        if self.stream.peek()? != Some(b'[') {
            return Ok(false);
        }
        // Between the brackets there are hardly ever more than a few spaces.
        self.stream.window.at_least(4096)?;
        let inside = self.stream.window.bytes()[1..].trim_ascii_start();
        Ok(inside.first() == Some(&b'{'))
    }

    /// The rest of the text, which is no JSON.
    fn broken(&mut self, reason: Text) -> Result<Bad> {
        let row = self.n.map_or_else(|| self.stream.row(), |n| n + 1);
        self.at = At::End;
        // Enough to tell how much is shown.
        self.stream.window.at_least(super::super::BAD_TEXT_BYTES + 1)?;
        let bad = Bad::new(row, reason, self.stream.window.bytes());
        while self.stream.window.fill()? {
            let all = self.stream.window.bytes().len();
            self.stream.window.take(all);
        }
        Ok(bad)
    }

    /// Makes a row of an element that is none yet, if it can be one.
    fn settle(&mut self, line: &mut Vec<u8>) -> bool {
        if line.first() != Some(&b'{') {
            let row = match &self.shape {
                Shape::Named(names) => with_names(line, names),
                _ => of_pair(line),
            };
            let Some(row) = row else { return false };
            let text = Value::Object(row).to_string();
            line.clear();
            if canonical(text.as_bytes(), line, &mut self.shapes.fields).is_err() {
                return false;
            }
        }
        self.shapes.settle(line);
        true
    }
}

/// The elements of a list under the names of the columns.
fn with_names(line: &[u8], names: &[String]) -> Option<Map<String, Value>> {
    let Value::Array(values) = parse(line) else { return None };
    (values.len() == names.len()).then(|| names.iter().cloned().zip(values).collect())
}

/// `["text", {"entities": […]}]`, as spaCy's training data has it.
fn of_pair(line: &[u8]) -> Option<Map<String, Value>> {
    if !line.starts_with(b"[\"") {
        return None;
    }
    let Value::Array(pair) = parse(line) else { return None };
    let [Value::String(text), Value::Object(marks)] = pair.as_slice() else { return None };
    if marks.contains_key("text") || !(marks.contains_key("entities") || marks.contains_key("spans")) {
        return None;
    }
    let mut row = Map::new();
    row.insert("text".to_owned(), Value::from(text.as_str()));
    row.extend(marks.clone());
    Some(row)
}

impl RowReader for Document {
    fn next(&mut self, line: &mut Vec<u8>) -> Result<Got> {
        if let Err(reason) = self.advance()? {
            // Of a text that ends too early there may be nothing left to show.
            return Ok(Got::Bad(self.broken(reason)?));
        }
        if self.at == At::End {
            return Ok(Got::End);
        }
        if let Some(n) = &mut self.n {
            *n += 1;
        }
        let (row, place) = (self.n.unwrap_or_else(|| self.stream.row()), self.n);
        Ok(match self.stream.element(place, line, &mut self.shapes.fields)? {
            Found::Bad(bad) => Got::Bad(bad),
            Found::Read if self.settle(line) => Got::Row,
            Found::Read => Got::Bad(Bad::new(row, Text::new("data.bad_object"), line)),
        })
    }

    fn window(&mut self) -> Option<&mut Window> {
        Some(&mut self.stream.window)
    }

    fn fields(&self) -> &[Field] {
        &self.shapes.fields
    }

    fn split(&self) -> Option<Split> {
        self.split
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::reader::tests::{Told, bad, row, rows_of};
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Vec<Told> {
        let mut window = Window::of(text.as_bytes());
        window.at_least(1 << 20).unwrap();
        rows_of(&mut Document::new(window))
    }

    #[track_caller]
    fn check(text: &str, expected: Vec<Told>) {
        assert_eq!(read(text), expected, "{text}");
    }

    fn ab() -> Vec<Told> {
        vec![row(json!({"a": 1})), row(json!({"a": 2}))]
    }

    #[test]
    fn lists_and_objects_with_lists_are_read() {
        check(r#"[{"a":1},{"a":2}]"#, ab());
        check("[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": 2\n  }\n]\n", ab());
        check(r#"{"version": {"x": ["]", 1]}, "data": [{"a": 1}, {"a": 2}], "more": "\"]"}"#, ab());
        check(r#"{"train": [{"a": 1}], "test": [{"a": 2}]}"#, ab());
        check(r#"{"columns": ["a"], "index": [0, 1], "data": [[1], [2]]}"#, ab());
        check("{\"a\": 1}\n{\n\"a\": 2}", ab());
        check("{\"a\": 1},\n{\"a\": 2},", ab());
        check(r#"{"a": 1}"#, ab()[..1].to_vec());
        check("[]", vec![]);
        check(" ", vec![]);
    }

    #[test]
    fn training_data_of_spacy_is_read() {
        check(
            r#"[["Anna left", {"entities": [[0, 4, "PER"]]}]]"#,
            vec![row(json!({"text": "Anna left", "entities": [{"start": 0, "end": 4, "label": "PER"}]}))],
        );
    }

    #[test]
    fn broken_elements_are_bad_and_the_next_is_read() {
        check(
            r#"[{"a":1}, {"b": 1 "c": 2}, {"a":2}]"#,
            vec![row(json!({"a": 1})), bad(2, "json", r#"{"b": 1 "c": 2}"#), row(json!({"a": 2}))],
        );
        check(
            "[\n  {\n    \"a\": 1\n  },\n  {\n    \"b\": \"x,\n    \"c\": [\n    ]\n  },\n  {\n    \"a\": 2\n  }\n]",
            vec![
                row(json!({"a": 1})),
                bad(5, "json_control", "{\n    \"b\": \"x,\n    \"c\": [\n    ]\n  }"),
                row(json!({"a": 2})),
            ],
        );
        check(
            "[{\"a\":1},\n{\"a\":,},\n{\"a\":2},\n{\"a\":\"x}\n]\n",
            vec![
                row(json!({"a": 1})),
                bad(2, "json", "{\"a\":,}"),
                row(json!({"a": 2})),
                bad(4, "json_control", "{\"a\":\"x}"),
            ],
        );
        check(r#"[{"a":1}, 7, [1], "x", {"a":2}]"#, {
            let (mut rows, mut others) =
                (ab(), vec![bad(2, "object", "7"), bad(3, "object", "[1]"), bad(4, "object", "\"x\"")]);
            let last = rows.pop().unwrap();
            rows.append(&mut others);
            rows.push(last);
            rows
        });
    }

    #[test]
    fn a_text_that_ends_too_early_is_told() {
        check(r#"[{"a":1},{"a":2}"#, [ab(), vec![bad(3, "json_open", "")]].concat());
        check(
            r#"[{"a":1},{"a":2},{"a"#,
            [ab(), vec![bad(3, "json_ended", r#"{"a"#), bad(4, "json_open", "")]].concat(),
        );
        check(r#"[{"a":1},{"a":2}] x"#, [ab(), vec![bad(3, "json", "x")]].concat());
    }

    #[test]
    fn elements_of_any_length_are_found_in_a_window_that_slides() {
        let text = "x".repeat(700_000);
        let list: Vec<Value> = (0..5).map(|n| json!({"n": n, "text": text})).collect();
        check(&Value::from(list.clone()).to_string(), list.into_iter().map(row).collect());
    }

    #[test]
    fn an_element_longer_than_a_row_may_be_is_bad() {
        let long = "x".repeat(super::super::super::LONGEST_BYTES + 1000);
        let found = read(&format!("[{{\"a\":1}},\n{{\"b\":\"{long}\"}},\n{{\"a\":2}}]"));
        assert_eq!((&found[0], &found[2]), (&ab()[0], &ab()[1]));
        assert!(
            matches!(&found[1], Told::Bad(2, key, text) if key == "data.bad_long" && text.len() == 65536),
            "{:?}",
            found.len()
        );
    }
}
