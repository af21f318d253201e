//! An object of columns: `{"a": [1, 2], "b": ["x", "y"]}`, or with a number for each value, as pandas writes it.
//!
//! A row's values lie far apart, so the text is read at as many places as there are columns, each with a window of
//! its own; where they begin is found in a pass over the text before.

use super::super::BAD_TEXT_BYTES;
use super::super::bad::Bad;
use super::super::input::Window;
use super::super::reader::{Got, RowReader};
use super::super::shapes::Shapes;
use super::shape::Shape;
use super::stream::{Stream, Value as Found};
use super::{Field, push_string};
use anyhow::{Result, bail};
use glassworks_protocol::text::Text;

/// A window for each is the memory this takes.
const MOST_COLUMNS: usize = 256;

pub(in crate::formats) struct ObjectOfColumns {
    columns: Vec<Column>,
    shapes: Shapes,
    n: u64,
    ended: bool,
    value: Vec<u8>,
    /// What comes behind the columns and is none; told at the end.
    rest: Option<Bad>,
    damage: Option<String>,
}

struct Column {
    name: String,
    stream: Stream,
    /// An object of numbered values.
    numbered: bool,
    ended: bool,
}

impl ObjectOfColumns {
    /// Whether a text begins like one.
    pub fn fits(text: &[u8], ended: bool) -> bool {
        Shape::of(text, ended) == Shape::Columns
    }

    /// `open` opens the text anew; the last time it does is told.
    pub fn new(window: Window, open: &dyn Fn(bool) -> Result<Window>) -> Result<Self> {
        let mut stream = Stream::new(window);
        let mut places = Vec::new();
        stream.eat(b'{')?;
        while let Some(name) = stream.key()? {
            let numbered = stream.peek()? == Some(b'{');
            places.push((name, numbered, stream.place()));
            if !stream.skip()? || !stream.eat(b',')? {
                break;
            }
        }
        let rest = rest(&mut stream)?;
        let damage = stream.window.damage();
        if places.len() > MOST_COLUMNS {
            bail!("an object of {} columns, more than {MOST_COLUMNS}", places.len());
        }
        let n = places.len();
        let mut columns = Vec::with_capacity(n);
        for (at, (name, numbered, place)) in places.into_iter().enumerate() {
            let mut stream = Stream::new(open(at + 1 == n)?);
            stream.pass(place + 1)?;
            columns.push(Column { name, stream, numbered, ended: false });
        }
        let (shapes, value) = (Shapes::default(), Vec::new());
        Ok(Self { columns, shapes, n: 0, ended: false, value, rest, damage })
    }

    /// The end, or what is there in its place.
    fn last(&mut self) -> Got {
        self.ended = true;
        let row = self.n.max(1);
        self.rest.take().map_or(Got::End, |bad| Got::Bad(Bad { row, ..bad }))
    }
}

/// What is left where the object should end and nothing come behind it.
fn rest(stream: &mut Stream) -> Result<Option<Bad>> {
    let closed = stream.eat(b'}')?;
    let next = stream.peek()?;
    let key = match (closed, next) {
        (true, None) => return Ok(None),
        (false, None) => "data.bad_json_open",
        _ => "data.bad_json_members",
    };
    // Enough to tell how much is shown.
    stream.window.at_least(BAD_TEXT_BYTES + 1)?;
    let bad = Bad::new(0, Text::new(key), stream.window.bytes());
    // To the end: what is damaged there is told too.
    while stream.window.fill()? {
        let all = stream.window.bytes().len();
        stream.window.take(all);
    }
    Ok(Some(bad))
}

impl Column {
    /// The next value, in `value`; `None` at the end.
    fn next(&mut self, n: u64, value: &mut Vec<u8>) -> Result<Option<Found>> {
        self.stream.eat(b',')?;
        let end = if self.numbered { b'}' } else { b']' };
        self.ended |= self.stream.peek()?.is_none_or(|next| next == end);
        if self.ended || self.numbered && self.stream.key()?.is_none() {
            return Ok(None);
        }
        self.stream.peek()?;
        Ok(Some(self.stream.element(Some(n), value, &mut Vec::new())?))
    }
}

impl RowReader for ObjectOfColumns {
    fn next(&mut self, line: &mut Vec<u8>) -> Result<Got> {
        if self.ended || self.columns.is_empty() {
            return Ok(self.last());
        }
        self.n += 1;
        line.clear();
        self.shapes.fields.clear();
        let mut lacking = Vec::new();
        for column in &mut self.columns {
            match column.next(self.n, &mut self.value)? {
                None => lacking.push(column.name.clone()),
                Some(Found::Bad(bad)) => {
                    // Which of the values that follow belong together is not known any more.
                    self.ended = true;
                    return Ok(Got::Bad(bad));
                }
                Some(Found::Read) => {
                    line.push(if self.shapes.fields.is_empty() { b'{' } else { b',' });
                    let from = line.len() + 1;
                    push_string(column.name.as_bytes(), line);
                    let key = from..line.len() - 1;
                    line.push(b':');
                    let value = line.len()..line.len() + self.value.len();
                    line.extend_from_slice(&self.value);
                    self.shapes.fields.push(Field { key, value });
                }
            }
        }
        if lacking.len() == self.columns.len() {
            return Ok(self.last());
        }
        line.push(b'}');
        if !lacking.is_empty() {
            let reason = Text::new("data.bad_lengths").arg("columns", lacking.join(", "));
            return Ok(Got::Bad(Bad::new(self.n, reason, line)));
        }
        self.shapes.settle(line);
        Ok(Got::Row)
    }

    fn fields(&self) -> &[Field] {
        &self.shapes.fields
    }

    fn damage(&mut self) -> Option<String> {
        self.damage.take()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::reader::tests::{Told, bad, row, rows_of};
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, expected: Vec<Told>) {
        let open = |_| Ok(Window::of(text.as_bytes()));
        let mut reader = ObjectOfColumns::new(Window::of(text.as_bytes()), &open).unwrap();
        assert_eq!(rows_of(&mut reader), expected, "{text}");
    }

    #[test]
    fn columns_become_rows() {
        let rows = vec![row(json!({"a": 1, "b": "x"})), row(json!({"a": 2, "b": "y]"}))];
        check(r#"{"a": [1, 2], "b": ["x", "y]"]}"#, rows.clone());
        check("{\"a\" : {\"0\": 1, \"1\": 2},\n \"b\": {\"0\":\"x\",\"1\":\"y]\"}}", rows.clone());
        check(
            r#"{"a": [1, 2, 3], "b": ["x", "y]"]}"#,
            [rows, vec![bad(3, "lengths", r#"{"a":3}"#)]].concat(),
        );
        check(
            r#"{"a": [1, x], "b": [1, 2]}"#,
            vec![row(json!({"a": 1, "b": 1})), bad(2, "json", "x], \"b\": [1, 2]}")],
        );
    }

    #[test]
    fn columns_larger_than_a_window_are_read() {
        let (a, b): (Vec<String>, Vec<u64>) =
            (0..20_000u64).map(|n| (format!("text {n} {}", "x".repeat(30)), n)).unzip();
        let expected = a.iter().zip(&b).map(|(a, b)| row(json!({"a": a, "b": b}))).collect();
        check(&json!({"a": a, "b": b}).to_string(), expected);
    }
}
