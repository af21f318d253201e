//! A bad row that a person has mended.

use super::bad::not_text;
use super::conll;
use super::json::{parse, read};
use super::shapes::Shapes;
use super::table::{Marks, Rule, Split, cell_value, split};
use glassworks_protocol::datasets::import::FileFormat;
use glassworks_protocol::datasets::{ColumnKind, ColumnRecord, Row};
use glassworks_protocol::text::Text;
use serde_json::Value;

/// Reads one row of its file's format, or an object in JSON, which is a row of any format.
///
/// # Errors
/// What is still wrong with it.
pub fn read_one(text: &str, format: FileFormat, columns: &[ColumnRecord]) -> Result<Row, Text> {
    let trimmed = text.trim();
    match format {
        FileFormat::Table if !trimmed.starts_with('{') => record(text, columns),
        FileFormat::Text if !trimmed.starts_with('{') => Ok(of_text(trimmed)),
        FileFormat::Conll if !trimmed.starts_with('{') => row_of(&conll::one(text)?),
        _ => json(trimmed),
    }
}

fn json(text: &str) -> Result<Row, Text> {
    let (mut line, mut shapes) = (Vec::new(), Shapes::default());
    read(text.as_bytes(), &mut line, &mut shapes)?;
    row_of(&line)
}

fn row_of(line: &[u8]) -> Result<Row, Text> {
    match parse(line) {
        Value::Object(row) => Ok(row),
        _ => Err(Text::new("data.bad_object")),
    }
}

fn of_text(text: &str) -> Row {
    let mut row = Row::new();
    row.insert("text".to_owned(), Value::from(text));
    row
}

/// A record, under whichever separator gives it as many cells as there are columns.
fn record(text: &str, columns: &[ColumnRecord]) -> Result<Row, Text> {
    let text = text.trim_end_matches(['\n', '\r']).as_bytes();
    if let Some(reason) = not_text(text) {
        return Err(reason);
    }
    let mut fault = None;
    for separator in [b',', b'\t', b';', b'|'] {
        let marks = Marks { separator, quote: Some(b'"'), skip_spaces: false };
        let mut cells = Vec::new();
        let found = match split(text, true, marks, &mut cells) {
            Split::Record(used) if used < text.len() => Text::new("data.bad_lines"),
            Split::Record(_) if cells.len() == columns.len() => {
                let mut row = Row::new();
                for (cell, column) in cells.iter().zip(columns) {
                    let rule = if column.kind == ColumnKind::Text { Rule::Text } else { Rule::Typed };
                    let mut scratch = Vec::new();
                    let value = cell_value(cell.text(text, b'"', &mut scratch), cell.quoted, rule);
                    row.insert(column.name.clone(), value);
                }
                return Ok(row);
            }
            Split::Open => Text::new("data.bad_quote"),
            Split::After => Text::new("data.bad_after_quote"),
            _ => Text::new("data.bad_columns").arg("expected", columns.len()).arg("found", cells.len()),
        };
        // Of several faults the first: that of the separator most tables have; a count of 1 says least.
        let says_more = cells.len() > 1;
        if fault.is_none() || says_more && fault.as_ref().is_some_and(|(_, more)| !more) {
            fault = Some((found, says_more));
        }
    }
    Err(fault.map_or_else(|| Text::new("data.bad_object"), |(reason, _)| reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn columns() -> Vec<ColumnRecord> {
        let column = |name: &str, kind| ColumnRecord { name: name.to_owned(), kind };
        vec![column("text", ColumnKind::Text), column("n", ColumnKind::Number)]
    }

    #[track_caller]
    fn check(text: &str, format: FileFormat, expected: Result<Value, &str>) {
        let found = read_one(text, format, &columns());
        let expected = expected.map_err(|key| format!("data.bad_{key}"));
        assert_eq!(found.map(Value::Object).map_err(|reason| reason.key.into_owned()), expected);
    }

    #[test]
    fn mended_rows_are_read() {
        let row = json!({"text": "a, \"b\"", "n": 1});
        check("\"a, \"\"b\"\"\",1\n", FileFormat::Table, Ok(row.clone()));
        check("a \"b\"\t1", FileFormat::Table, Ok(json!({"text": "a \"b\"", "n": 1})));
        check(&row.to_string(), FileFormat::Table, Ok(row.clone()));
        check(&row.to_string(), FileFormat::Jsonl, Ok(row.clone()));
        check("1,2", FileFormat::Table, Ok(json!({"text": "1", "n": 2})));
        check(" just text ", FileFormat::Text, Ok(json!({"text": "just text"})));
        check("a\tO\nb\tB-X\n", FileFormat::Conll, Ok(json!({"tokens": ["a", "b"], "tags": ["O", "B-X"]})));
        check("a\tO\nb\n", FileFormat::Conll, Err("columns"));
        check("1,2,3", FileFormat::Table, Err("columns"));
        check("\"1,2", FileFormat::Table, Err("quote"));
        check("\"1\" 2,3", FileFormat::Table, Err("after_quote"));
        check("1,2\n3,4", FileFormat::Table, Err("lines"));
        check("[1]", FileFormat::Jsonl, Err("object"));
        check("{", FileFormat::Jsonl, Err("json_ended"));
    }
}
