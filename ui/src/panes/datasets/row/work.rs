//! What the task views are given of a row: its values to read and to change, and what is known besides.

use super::labels::Labels;
use egui::{Id, Response};
use glassworks_protocol::datasets::measure::SeenRow;
use glassworks_protocol::datasets::{ColumnKind, DatasetRecord, Role, Row, RowDocument};
use serde_json::Value;
use std::collections::BTreeMap;

/// What was done to a row in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrote {
    #[default]
    Nothing,
    /// More may come: a key in a text.
    Typed,
    /// Done: a choice, or the field was left.
    Done,
}

/// A row while it is drawn.
pub struct Work<'a> {
    pub record: &'a DatasetRecord,
    pub document: &'a RowDocument,
    pub value: &'a mut Row,
    /// What stands in fields and is no value, by column.
    pub typed: &'a mut BTreeMap<String, String>,
    pub labels: &'a Labels,
    /// As the model is given it.
    pub seen: Option<&'a SeenRow>,
    /// What fields of this row are called, to remember where the keyboard is.
    pub id: Id,
    pub wrote: Wrote,
}

impl Work<'_> {
    #[must_use]
    pub fn column(&self, role: Role) -> Option<String> {
        self.record.mapping.column(role).map(str::to_owned)
    }

    #[must_use]
    pub fn kind(&self, column: &str) -> ColumnKind {
        let columns = &self.record.columns;
        columns.iter().find(|one| one.name == column).map(|one| one.kind).unwrap_or_default()
    }

    /// A role's value as text; `None` where no column has the role.
    #[must_use]
    pub fn text(&self, role: Role) -> Option<String> {
        Some(text_of(self.value.get(self.record.mapping.column(role)?)))
    }

    /// A role's value, to look at.
    #[must_use]
    pub fn get(&self, role: Role) -> Option<&Value> {
        self.value.get(self.record.mapping.column(role)?)
    }

    pub fn did(&mut self, what: Wrote) {
        self.wrote = self.wrote.max(what);
    }

    /// What a field of text did.
    pub fn heard(&mut self, response: &Response) {
        if response.changed() {
            self.did(Wrote::Typed);
        }
        if response.lost_focus() {
            self.did(Wrote::Done);
        }
    }

    /// A text was written into a column.
    pub fn set_text(&mut self, column: &str, text: &str) {
        set_text(self.value, column, text);
    }
}

/// A value as text to write on: nothing is empty, what is no text is JSON.
#[must_use]
pub fn text_of(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Text becomes a value again: a number stays one where it can.
pub fn set_text(row: &mut Row, column: &str, text: &str) {
    let number = matches!(row.get(column), Some(Value::Number(_)));
    let value = number.then(|| serde_json::from_str(text).ok().filter(Value::is_number)).flatten();
    let value = value.unwrap_or_else(|| Value::String(text.to_owned()));
    row.insert(column.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_goes_into_a_value_and_back() {
        let mut row = Row::new();
        assert_eq!(text_of(row.get("a")), "");
        set_text(&mut row, "a", "12");
        assert_eq!(row["a"], json!("12"));
        row.insert("n".into(), json!(3));
        set_text(&mut row, "n", "4.5");
        assert_eq!(row["n"], json!(4.5));
        set_text(&mut row, "n", "four");
        assert_eq!(row["n"], json!("four"));
        assert_eq!(text_of(Some(&json!([1, "b"]))), "[1,\"b\"]");
    }
}
