//! A JSON schema as a list of fields, for who would rather not write one: each has a name and a kind, all are written,
//! in this order, and nothing else is.

use serde_json::{Map, Value, json};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Text,
    Whole,
    Number,
    YesNo,
    /// One of the words given.
    Choice,
    /// Any number of texts.
    List,
}

impl Kind {
    pub const ALL: [Self; 6] = [Self::Text, Self::Whole, Self::Number, Self::YesNo, Self::Choice, Self::List];

    /// Its words in the table of sentences; what it stands for is under the same key with `_hint`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Text => "playground.schema_text",
            Self::Whole => "playground.schema_whole",
            Self::Number => "playground.schema_number",
            Self::YesNo => "playground.schema_yes_no",
            Self::Choice => "playground.schema_choice",
            Self::List => "playground.schema_list",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldRow {
    pub name: String,
    pub kind: Kind,
    /// The words of [`Kind::Choice`], with commas between them, as typed.
    pub choices: String,
}

impl FieldRow {
    #[must_use]
    pub fn new(name: impl Into<String>, kind: Kind, choices: impl Into<String>) -> Self {
        Self { name: name.into(), kind, choices: choices.into() }
    }

    /// The words there are to choose from.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        let words = self.choices.split([',', '，', '、']);
        words.map(str::trim).filter(|word| !word.is_empty()).collect()
    }

    fn schema(&self) -> Value {
        match self.kind {
            Kind::Text => json!({ "type": "string" }),
            Kind::Whole => json!({ "type": "integer" }),
            Kind::Number => json!({ "type": "number" }),
            Kind::YesNo => json!({ "type": "boolean" }),
            Kind::Choice => json!({ "enum": self.words() }),
            Kind::List => json!({ "type": "array", "items": { "type": "string" } }),
        }
    }

    fn of(name: &str, schema: &Value) -> Option<Self> {
        let plain = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Choice).find_map(|kind| {
            let field = Self::new(name, kind, "");
            (field.schema() == *schema).then_some(field)
        });
        plain.or_else(|| {
            let words: Option<Vec<&str>> =
                schema.get("enum")?.as_array()?.iter().map(Value::as_str).collect();
            let field = Self::new(name, Kind::Choice, words?.join(", "));
            (field.schema() == *schema).then_some(field)
        })
    }

    /// A value that such a field may have, as it is written.
    fn example(&self) -> String {
        match self.kind {
            Kind::Text => "\"…\"".to_owned(),
            Kind::Whole => "3".to_owned(),
            Kind::Number => "0.5".to_owned(),
            Kind::YesNo => "true".to_owned(),
            Kind::Choice => json!(self.words().first().copied().unwrap_or_default()).to_string(),
            Kind::List => "[\"…\", \"…\"]".to_owned(),
        }
    }
}

/// Why these are no schema: the key of a sentence.
#[must_use]
pub fn problem(fields: &[FieldRow]) -> Option<&'static str> {
    let names: Vec<&str> = fields.iter().map(|field| field.name.trim()).collect();
    if names.iter().any(|name| name.is_empty()) || names.is_empty() {
        return Some("playground.schema_no_name");
    }
    if names.iter().enumerate().any(|(i, name)| names[..i].contains(name)) {
        return Some("playground.schema_same_name");
    }
    let wanting = |field: &FieldRow| field.kind == Kind::Choice && field.words().len() < 2;
    fields.iter().any(wanting).then_some("playground.schema_no_choices")
}

/// The schema, as JSON to be read.
#[must_use]
pub fn to_schema(fields: &[FieldRow]) -> String {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.trim().to_owned(), field.schema())).collect();
    let names: Vec<&str> = fields.iter().map(|field| field.name.trim()).collect();
    let schema = json!({
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": false,
    });
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

/// The fields that make exactly this schema, where some do.
#[must_use]
pub fn from_schema(schema: &str) -> Option<Vec<FieldRow>> {
    let value: Value = serde_json::from_str(schema).ok()?;
    let properties = value.get("properties")?.as_object()?;
    let fields: Option<Vec<FieldRow>> =
        properties.iter().map(|(name, schema)| FieldRow::of(name, schema)).collect();
    let fields = fields?;
    let same: Value = serde_json::from_str(&to_schema(&fields)).ok()?;
    (problem(&fields).is_none() && same == value).then_some(fields)
}

/// What a reply looks like, in a line.
#[must_use]
pub fn example(fields: &[FieldRow]) -> String {
    let parts = fields.iter().map(|field| format!("{}: {}", json!(field.name.trim()), field.example()));
    format!("{{{}}}", parts.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_kinds() -> Vec<FieldRow> {
        let words = |kind| if kind == Kind::Choice { "good, bad" } else { "" };
        Kind::ALL.map(|kind| FieldRow::new(format!("{kind:?}"), kind, words(kind))).into()
    }

    #[test]
    fn fields_come_back_from_their_schema() {
        let fields = all_kinds();
        assert_eq!(problem(&fields), None);
        assert_eq!(from_schema(&to_schema(&fields)), Some(fields));
    }

    #[test]
    fn a_schema_that_says_more_is_not_taken_for_fields() {
        for schema in [
            r#"{"type": "object"}"#,
            r#"{"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}, "required": ["a"], "additionalProperties": false}"#,
            r#"{"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": false}"#,
            r#"{"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"], "additionalProperties": false}"#,
            r#"{"type": "object", "properties": {"a": {"enum": ["x, y", "z"]}}, "required": ["a"], "additionalProperties": false}"#,
            "[",
        ] {
            assert_eq!(from_schema(schema), None, "{schema}");
        }
    }

    #[test]
    fn what_is_wrong_with_fields_is_told() {
        let check = |fields: &[FieldRow], key: Option<&str>| assert_eq!(problem(fields), key);
        check(&[], Some("playground.schema_no_name"));
        check(&[FieldRow::new(" ", Kind::Text, "")], Some("playground.schema_no_name"));
        let twice = [FieldRow::new("a", Kind::Text, ""), FieldRow::new("a ", Kind::List, "")];
        check(&twice, Some("playground.schema_same_name"));
        check(&[FieldRow::new("a", Kind::Choice, "x,")], Some("playground.schema_no_choices"));
        check(&[FieldRow::new("心情", Kind::Choice, "好，坏")], None);
    }

    #[test]
    fn an_example_is_json_of_the_schema() {
        let fields = all_kinds();
        let value: Value = serde_json::from_str(&example(&fields)).expect("JSON");
        assert_eq!(value.as_object().map(Map::len), Some(fields.len()));
        assert_eq!(value["Choice"], "good");
    }
}
