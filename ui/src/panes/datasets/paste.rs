//! Pasted text as rows: JSON, a JSON object a line, cells out of a spreadsheet, or a text a line.

use glassworks_protocol::datasets::{ColumnKind, ColumnRecord, DatasetRecord, Role, Row};
use serde_json::Value;

/// The rows that a text is; empty when it says nothing.
pub fn rows(text: &str, record: &DatasetRecord) -> Vec<Row> {
    let text = text.trim_matches(['\n', '\r', '\u{feff}']);
    if text.trim().is_empty() {
        return Vec::new();
    }
    json(text)
        .or_else(|| json_lines(text))
        .or_else(|| table(text, record))
        .unwrap_or_else(|| lines(text, record))
}

/// An object, or a list of objects.
fn json(text: &str) -> Option<Vec<Row>> {
    match serde_json::from_str(text).ok()? {
        Value::Object(row) => Some(vec![row]),
        Value::Array(all) if !all.is_empty() => all.into_iter().map(object).collect(),
        _ => None,
    }
}

fn object(value: Value) -> Option<Row> {
    match value {
        Value::Object(row) => Some(row),
        _ => None,
    }
}

fn json_lines(text: &str) -> Option<Vec<Row>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| object(serde_json::from_str(line).ok()?)).collect()
}

/// Cells between tabs: below names of columns where the first line has them, else in the order of the columns.
fn table(text: &str, record: &DatasetRecord) -> Option<Vec<Row>> {
    if !text.contains('\t') {
        return None;
    }
    let cells = cells(text);
    let known = |name: &String| record.columns.iter().find(|column| column.name == name.trim());
    let first = cells.first()?;
    let named: Vec<Option<&ColumnRecord>> = first.iter().map(known).collect();
    let has_names = named.iter().any(Option::is_some) && named.iter().all(Option::is_some);
    let columns = if has_names { named } else { record.columns.iter().map(Some).collect() };
    let row = |cells: &Vec<String>| -> Row {
        let pairs = columns.iter().zip(cells).filter_map(|(column, cell)| Some(((*column)?, cell)));
        pairs.map(|(column, cell)| (column.name.clone(), value(cell, column.kind))).collect()
    };
    Some(cells[usize::from(has_names)..].iter().map(row).filter(|row| !row.is_empty()).collect())
}

/// Records and their cells; a cell in quotes holds tabs, newlines and doubled quotes.
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            '\t' if !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                all.push(std::mem::take(&mut record));
            }
            c => cell.push(c),
        }
    }
    record.push(cell);
    all.push(record);
    all
}

/// A text as a value of a column's kind, if it is one.
pub fn value(text: &str, kind: ColumnKind) -> Value {
    let parsed = || serde_json::from_str::<Value>(text.trim()).ok();
    match kind {
        ColumnKind::Text => Value::String(text.to_owned()),
        _ if text.trim().is_empty() => Value::Null,
        _ => parsed().unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

/// A text a line, in the column that is read.
fn lines(text: &str, record: &DatasetRecord) -> Vec<Row> {
    let by_role = [Role::Text, Role::Prompt, Role::Source, Role::Context, Role::Question];
    let column = by_role.iter().find_map(|role| record.mapping.column(*role)).or_else(|| {
        let text = record.columns.iter().find(|column| column.kind == ColumnKind::Text);
        text.map(|column| column.name.as_str())
    });
    let column = column.unwrap_or("text");
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| Row::from_iter([(column.to_owned(), Value::String(line.to_owned()))])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::datasets::Mapping;
    use glassworks_protocol::ids::DatasetId;
    use serde_json::json;

    fn record() -> DatasetRecord {
        let column = |name: &str, kind| ColumnRecord { name: name.to_owned(), kind };
        let columns = vec![column("text", ColumnKind::Text), column("stars", ColumnKind::Number)];
        DatasetRecord {
            id: DatasetId::mint(),
            name: String::new(),
            mapping: Mapping::guess(&columns),
            columns,
            n_rows: 0,
            n_by_split: [0; 4],
            n_bytes: 0,
            n_bad: 0,
            version: 1,
            revision: 1,
            undo: None,
            redo: None,
            origin: String::new(),
            notes: String::new(),
            licence: String::new(),
            starter: false,
            created_at_ms: 0,
            changed_at_ms: 0,
            trashed_at_ms: None,
        }
    }

    fn check(text: &str, expected: Value) {
        assert_eq!(json!(rows(text, &record())), expected, "{text:?}");
    }

    #[test]
    fn what_is_pasted_is_read() {
        check(" \n", json!([]));
        check(r#"{"text": "a", "x": [1]}"#, json!([{"text": "a", "x": [1]}]));
        check(r#"[{"text": "a"}, {"text": "b"}]"#, json!([{"text": "a"}, {"text": "b"}]));
        check("{\"text\": \"a\"}\n\n{\"text\": \"b\"}\n", json!([{"text": "a"}, {"text": "b"}]));
        check(
            "a\t1\nb\t2.5\nc\t\n",
            json!([
                {"text": "a", "stars": 1}, {"text": "b", "stars": 2.5}, {"text": "c", "stars": null}
            ]),
        );
        check(
            "stars\ttext\r\n4\t\"say \"\"hi\"\"\n\tnow\"\r\n",
            json!([{"text": "say \"hi\"\n\tnow", "stars": 4}]),
        );
        check("one\n\ntwo, {three}", json!([{"text": "one"}, {"text": "two, {three}"}]));
        // No object, so a text.
        check("[1, 2]", json!([{"text": "[1, 2]"}]));
    }
}
