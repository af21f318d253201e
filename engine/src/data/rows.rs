//! What a row says, from the JSON that people have: conversations, questions with answers, texts.

use super::kept::turns;
use glassworks_protocol::chat::Turn;
use glassworks_protocol::text::Text;
use serde_json::{Map, Value};

/// A row of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Counted from 1.
    pub number: u64,
    /// Or why it cannot be used.
    pub content: Result<Content, Text>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Turns(Vec<Turn>),
    Text {
        text: String,
        /// Whether the document ends here.
        ends: bool,
        /// What it was sorted as, where the row says.
        label: Option<String>,
    },
}

/// Letters of a row's start.
const START: usize = 160;

/// How a text begins, on one line.
pub fn start_of(text: &str) -> String {
    let mut start = String::new();
    for word in text.split_whitespace() {
        if !start.is_empty() {
            start.push(' ');
        }
        start.extend(word.chars().take(START + 1));
        if let Some((end, _)) = start.char_indices().nth(START) {
            start.truncate(end);
            start.push('…');
            break;
        }
    }
    start
}

impl Content {
    /// How the row begins, for a person to know it by: the first question, or a text's first words.
    #[must_use]
    pub fn start(&self) -> String {
        match self {
            Self::Text { text, .. } => start_of(text),
            Self::Turns(turns) => {
                let question = turns.iter().find(|turn| turn.role == "user").or(turns.first());
                question.map_or_else(String::new, |turn| start_of(&turn.content))
            }
        }
    }
}

/// Fields that hold a text, and what it was sorted as, the first of each that is there.
pub const TEXTS: [&str; 4] = ["text", "sentence", "review", "content"];
const LABELS: [&str; 4] = ["label", "class", "category", "sentiment"];

/// Reads a row of JSON: `messages`; `prompt` and `completion`; `instruction`, perhaps `input`, and `output`; or
/// `text` (also called `sentence`, `review`, `content`), perhaps with a `label` (`class`, `category`, `sentiment`).
/// Other fields are passed over.
pub fn of_json(value: &Value) -> Result<Content, Text> {
    let Value::Object(fields) = value else { return Err(Text::new("train.row.not_json")) };
    if let Some(messages) = fields.get("messages") {
        return turns("messages", messages).map(Content::Turns);
    }
    let question = |question: String, answer: String| {
        Ok(Content::Turns(vec![Turn::new("user", question), Turn::new("assistant", answer)]))
    };
    if fields.contains_key("prompt") && fields.contains_key("completion") {
        return question(text(fields, "prompt")?, text(fields, "completion")?);
    }
    if fields.contains_key("instruction") {
        let (mut asked, answer) = (text(fields, "instruction")?, text(fields, "output")?);
        if fields.get("input").is_some_and(|input| !input.is_null()) {
            let input = text(fields, "input")?;
            if !input.trim().is_empty() {
                asked = format!("{asked}\n\n{input}");
            }
        }
        return question(asked, answer);
    }
    if let Some(name) = TEXTS.iter().find(|name| fields.contains_key(**name)) {
        return Ok(Content::Text { text: text(fields, name)?, ends: true, label: label(fields)? });
    }
    Err(Text::new("train.row.no_fields"))
}

fn text(fields: &Map<String, Value>, name: &str) -> Result<String, Text> {
    let text = fields.get(name).and_then(Value::as_str).map(clean);
    text.ok_or_else(|| Text::new("train.row.field").arg("field", name))
}

/// The column that holds what a row was sorted as, and what it says, if it is a label.
#[must_use]
pub fn label_in(fields: &Map<String, Value>) -> Option<(&'static str, Option<String>)> {
    let name = LABELS.into_iter().find(|name| fields.contains_key(*name))?;
    Some((name, label(fields).ok().flatten()))
}

/// Words, whole numbers and truth values are labels.
fn label(fields: &Map<String, Value>) -> Result<Option<String>, Text> {
    let Some(name) = LABELS.iter().find(|name| fields.contains_key(**name)) else { return Ok(None) };
    label_of(name, &fields[*name])
}

/// What a column's value says as a label.
pub(super) fn label_of(name: &str, value: &Value) -> Result<Option<String>, Text> {
    match value {
        Value::Null => Ok(None),
        Value::String(label) => Ok(Some(label.trim().to_owned()).filter(|label| !label.is_empty())),
        Value::Bool(label) => Ok(Some(label.to_string())),
        Value::Number(label) if !label.is_f64() => Ok(Some(label.to_string())),
        _ => Err(Text::new("train.row.label_kind").arg("field", name)),
    }
}

/// The two characters that mark answers in a template's output are in no text of a person's.
pub(super) fn clean(text: &str) -> String {
    text.replace(crate::chat_template::MARKS, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(value: &Value) -> String {
        match of_json(value) {
            Ok(Content::Turns(turns)) => {
                turns.iter().map(|t| format!("{}={}", t.role, t.content)).collect::<Vec<_>>().join("|")
            }
            Ok(Content::Text { text, label: Some(label), .. }) => format!("{label}: {text}"),
            Ok(Content::Text { text, .. }) => text,
            Err(reason) => reason.key.into_owned(),
        }
    }

    #[test]
    fn a_row_is_known_by_how_it_begins() {
        let start = |value: Value| of_json(&value).expect("it reads").start();
        assert_eq!(start(json!({ "prompt": " Where \n is it?", "completion": "here" })), "Where is it?");
        assert_eq!(start(json!({ "text": "一".repeat(500) })), format!("{}…", "一".repeat(START)));
        assert_eq!(start(json!({ "text": "ab ".repeat(500) })).chars().count(), START + 1);
        let turn = |role: &str, content: &str| json!({ "role": role, "content": content });
        assert_eq!(start(json!({ "messages": [turn("system", "s"), turn("user", "u")] })), "u");
    }

    #[test]
    fn every_shape_is_read() {
        let check = |value: Value, expected: &str| assert_eq!(said(&value), expected, "{value}");
        let turn = |role: &str, content: &str| json!({ "role": role, "content": content });
        check(
            json!({ "messages": [turn("system", "s"), turn("user", "u"), turn("assistant", "a")], "id": 3 }),
            "system=s|user=u|assistant=a",
        );
        check(json!({ "prompt": "p", "completion": "c" }), "user=p|assistant=c");
        check(json!({ "instruction": "i", "input": "", "output": "o" }), "user=i|assistant=o");
        check(json!({ "instruction": "i", "input": "x", "output": "o" }), "user=i\n\nx|assistant=o");
        check(json!({ "instruction": "i", "output": "o" }), "user=i|assistant=o");
        check(json!({ "text": "t" }), "t");
        check(json!({ "text": "t", "label": " good " }), "good: t");
        check(json!({ "review": "t", "sentiment": 1 }), "1: t");
        check(json!({ "sentence": "t", "label": true }), "true: t");
        check(json!({ "text": "t", "label": "" }), "t");
        check(json!({ "text": "t", "label": null }), "t");
        check(json!({ "text": "t", "label": 0.5 }), "train.row.label_kind");
        check(json!({ "text": "t", "label": ["a"] }), "train.row.label_kind");
        check(json!({ "instruction": "i" }), "train.row.field");
        check(json!({ "messages": [{ "role": "user" }] }), "train.row.field");
        check(json!({ "prompt": "p" }), "train.row.no_fields");
        check(json!(["text"]), "train.row.not_json");
    }
}
