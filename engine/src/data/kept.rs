//! Rows of a dataset that is kept: what each says by what its columns are, and which are learned from.
//!
//! Rows of train and of no split are learned from, those of validation measured on, those of test left alone. A row
//! that was made of another is never measured on, nor learned from where the other is measured on or tested with.

use super::rows::{Content, clean, label_of};
use anyhow::Result;
use glassworks_protocol::chat::Turn;
use glassworks_protocol::datasets::roles::{DataTask, Mapping, Role};
use glassworks_protocol::datasets::rows::{Made, Row, RowId, Split};
use glassworks_protocol::text::Text;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// A row as a dataset hands it out.
pub struct KeptRow<'a> {
    pub id: RowId,
    pub split: Option<Split>,
    pub made: Option<Made>,
    /// Its JSON.
    pub line: &'a [u8],
}

/// Hands out every row, in the dataset's order; its error, and that of what it is given, ends the reading.
pub type EachRow<'a> = &'a dyn Fn(&mut dyn FnMut(&KeptRow<'_>) -> Result<()>) -> Result<()>;

/// A dataset to learn from.
pub struct Kept<'a> {
    /// In reports.
    pub name: &'a str,
    pub mapping: &'a Mapping,
    pub each: EachRow<'a>,
}

/// What a row is numbered as, where rows are counted from 1.
#[must_use]
pub fn number_of(row: RowId) -> u64 {
    u64::from(row.0) + 1
}

/// What rows were made of.
#[derive(Default)]
pub struct Origins {
    made_of: HashMap<RowId, RowId>,
    /// Rows that are measured on or tested with.
    aside: HashSet<RowId>,
}

impl Origins {
    pub fn add(&mut self, row: &KeptRow<'_>) {
        if let Some(made) = row.made {
            self.made_of.insert(row.id, made.from);
        }
        if matches!(row.split, Some(Split::Validation | Split::Test)) {
            self.aside.insert(row.id);
        }
    }

    /// The row that nobody made, from which this one comes in the end; `None` for that one itself.
    #[must_use]
    pub fn root(&self, row: RowId) -> Option<RowId> {
        let mut root = *self.made_of.get(&row)?;
        // A chain is no longer than there are rows, whatever a damaged table says.
        for _ in 0..self.made_of.len() {
            match self.made_of.get(&root) {
                Some(next) => root = *next,
                None => break,
            }
        }
        Some(root)
    }

    #[must_use]
    pub fn is_aside(&self, row: RowId) -> bool {
        self.aside.contains(&row)
    }
}

impl Content {
    /// What a dataset's row says. Of two answers it is the preferred one; of a question about a text it is the first
    /// answer; words with tags are a text.
    ///
    /// # Errors
    /// Why the row cannot be used.
    pub fn of(row: &Row, mapping: &Mapping) -> Result<Self, Text> {
        let said = Said { row, mapping };
        match mapping.task {
            DataTask::Chat => said.chat(),
            DataTask::Preference => said.preference(),
            DataTask::Pairs => said.asked(said.text(Role::Source)?, said.text(Role::Target)?),
            DataTask::QuestionAnswering => said.question(),
            DataTask::Classification | DataTask::Text => said.sorted(),
            DataTask::Tagging => said.tagged(),
        }
    }
}

struct Said<'a> {
    row: &'a Row,
    mapping: &'a Mapping,
}

impl Said<'_> {
    fn chat(&self) -> Result<Content, Text> {
        if let Some((name, value)) = self.value(Role::Messages) {
            let turns = turns(name, value)?;
            return Ok(Content::Turns(self.with_system(turns)?));
        }
        let mut turns = self.turns_or(Role::Prompt, "user")?;
        if let (Some(input), Some(last)) = (self.optional(Role::Input)?, turns.last_mut()) {
            last.content = format!("{}\n\n{input}", last.content);
        }
        turns.extend(self.turns_or(Role::Completion, "assistant")?);
        Ok(Content::Turns(self.with_system(turns)?))
    }

    fn preference(&self) -> Result<Content, Text> {
        let chosen = self.turns_or(Role::Chosen, "assistant")?;
        let asked = match self.value(Role::Prompt) {
            Some(_) => self.turns_or(Role::Prompt, "user")?,
            None => Vec::new(),
        };
        // Where both are conversations, the chosen one often begins with what was asked.
        let whole = if chosen.starts_with(&asked) { chosen } else { [asked, chosen].concat() };
        Ok(Content::Turns(self.with_system(whole)?))
    }

    fn question(&self) -> Result<Content, Text> {
        let (context, question) = (self.text(Role::Context)?, self.text(Role::Question)?);
        let (name, answers) = self.needed(Role::Answers)?;
        let first = match answers.get("text") {
            Some(Value::Array(texts)) => texts.first(),
            text => text,
        };
        let answer = match first {
            None if answers.is_object() => String::new(),
            first => first.and_then(plain).ok_or_else(|| no_text(&format!("{name}.text")))?,
        };
        self.asked(format!("{context}\n\n{question}"), answer)
    }

    fn sorted(&self) -> Result<Content, Text> {
        let label = match self.mapping.column(Role::Label) {
            Some(name) => label_of(name, self.row.get(name).unwrap_or(&Value::Null))?,
            None => None,
        };
        Ok(Content::Text { text: self.text(Role::Text)?, ends: true, label })
    }

    fn tagged(&self) -> Result<Content, Text> {
        let text = match self.value(Role::Tokens) {
            Some((name, Value::Array(words))) => {
                let words: Option<Vec<String>> = words.iter().map(plain).collect();
                words.ok_or_else(|| no_text(name))?.join(" ")
            }
            Some((name, _)) => return Err(no_text(name)),
            None => self.text(Role::Text)?,
        };
        Ok(Content::Text { text, ends: true, label: None })
    }

    fn asked(&self, question: String, answer: String) -> Result<Content, Text> {
        Ok(Content::Turns(vec![Turn::new("user", question), Turn::new("assistant", answer)]))
    }

    /// With what the row says that the model is told first, unless the conversation has it.
    fn with_system(&self, turns: Vec<Turn>) -> Result<Vec<Turn>, Text> {
        let has_one = turns.first().is_some_and(|turn| turn.role == "system");
        let system = if has_one { None } else { self.optional(Role::System)? };
        Ok(system.map(|system| Turn::new("system", system)).into_iter().chain(turns).collect())
    }

    /// A role's column, and its value if there is one.
    fn value(&self, role: Role) -> Option<(&str, &Value)> {
        let name = self.mapping.column(role)?;
        Some((name, self.row.get(name).unwrap_or(&Value::Null)))
    }

    fn needed(&self, role: Role) -> Result<(&str, &Value), Text> {
        self.value(role).ok_or_else(|| {
            let word = serde_json::to_value(role).unwrap_or_default();
            Text::new("train.row.not_mapped").arg("role", word.as_str().unwrap_or_default())
        })
    }

    fn text(&self, role: Role) -> Result<String, Text> {
        let (name, value) = self.needed(role)?;
        plain(value).ok_or_else(|| no_text(name))
    }

    /// `None` where it is left empty.
    fn optional(&self, role: Role) -> Result<Option<String>, Text> {
        match self.value(role) {
            None | Some((_, Value::Null)) => Ok(None),
            Some(_) => Ok(Some(self.text(role)?).filter(|text| !text.trim().is_empty())),
        }
    }

    /// Turns that are there as such, or a text as one.
    fn turns_or(&self, role: Role, speaker: &str) -> Result<Vec<Turn>, Text> {
        match self.needed(role)? {
            (name, value @ Value::Array(_)) => turns(name, value),
            _ => Ok(vec![Turn::new(speaker, self.text(role)?)]),
        }
    }
}

pub(super) fn turns(name: &str, messages: &Value) -> Result<Vec<Turn>, Text> {
    let Value::Array(messages) = messages else { return Err(no_text(name)) };
    let turn = |(i, message): (usize, &Value)| {
        let get = |field: &str| {
            let text = message.get(field).and_then(Value::as_str).map(clean);
            text.ok_or_else(|| no_text(&format!("{name}[{i}].{field}")))
        };
        Ok(Turn::new(get("role")?, get("content")?))
    };
    messages.iter().enumerate().map(turn).collect()
}

/// A value that can stand in a text: numbers and truth values as they are written.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(clean(text)),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn no_text(name: &str) -> Text {
    Text::new("train.row.field").arg("field", name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(task: DataTask, roles: &[(Role, &str)], value: Value) -> String {
        let roles = roles.iter().map(|(role, name)| (*role, (*name).to_owned())).collect();
        let Value::Object(row) = value else { panic!("a row is an object") };
        match Content::of(&row, &Mapping { task, roles }) {
            Ok(Content::Turns(turns)) => {
                turns.iter().map(|t| format!("{}={}", t.role, t.content)).collect::<Vec<_>>().join("|")
            }
            Ok(Content::Text { text, label: Some(label), .. }) => format!("{label}: {text}"),
            Ok(Content::Text { text, .. }) => text,
            Err(reason) => {
                let args: Vec<String> = reason.args.iter().map(|(_, value)| value.clone()).collect();
                format!("{} {}", reason.key, args.join(" "))
            }
        }
    }

    #[test]
    fn conversations_are_read_by_what_columns_are() {
        use Role::{Completion, Input, Messages, Prompt, System};
        let check = |roles: &[(Role, &str)], row: Value, expected: &str| {
            assert_eq!(said(DataTask::Chat, roles, row), expected);
        };
        let turn = |role: &str, content: &str| json!({ "role": role, "content": content });
        let talk = json!({ "t": [turn("user", "u"), turn("assistant", "a")], "s": "be brief" });
        check(&[(Messages, "t")], talk.clone(), "user=u|assistant=a");
        check(&[(Messages, "t"), (System, "s")], talk, "system=be brief|user=u|assistant=a");
        let own = json!({ "t": [turn("system", "x"), turn("user", "u")], "s": "y" });
        check(&[(Messages, "t"), (System, "s")], own, "system=x|user=u");
        let pair = [(Prompt, "q"), (Completion, "a"), (Input, "i"), (System, "s")];
        check(&pair, json!({ "q": "Q", "a": "A", "i": "", "s": null }), "user=Q|assistant=A");
        check(&pair, json!({ "q": "Q", "a": 4, "i": "I", "s": "S" }), "system=S|user=Q\n\nI|assistant=4");
        check(&pair, json!({ "q": [turn("user", "u")], "a": "A" }), "user=u|assistant=A");
        check(&pair, json!({ "q": "Q" }), "train.row.field a");
        check(&pair, json!({ "q": ["x"], "a": "A" }), "train.row.field q[0].role");
        check(&[(Messages, "t")], json!({ "t": "no list" }), "train.row.field t");
        check(&[(Prompt, "q")], json!({ "q": "Q" }), "train.row.not_mapped completion");
    }

    #[test]
    fn other_tasks_are_read_as_questions_or_texts() {
        use Role::{
            Answers, Chosen, Context, Label, Prompt, Question, Rejected, Source, Tags, Target, Tokens,
        };
        let turn = |role: &str, content: &str| json!({ "role": role, "content": content });
        let better = [(Prompt, "p"), (Chosen, "c"), (Rejected, "r")];
        let check = |task, roles: &[(Role, &str)], row: Value, expected: &str| {
            assert_eq!(said(task, roles, row), expected);
        };
        use DataTask::{Classification, Pairs, Preference, QuestionAnswering, Tagging};
        check(Preference, &better, json!({ "p": "P", "c": "C", "r": "R" }), "user=P|assistant=C");
        let whole = json!({ "p": [turn("user", "P")], "c": [turn("user", "P"), turn("assistant", "C")] });
        check(Preference, &better, whole.clone(), "user=P|assistant=C");
        check(Preference, &better[1..], whole, "user=P|assistant=C");
        check(
            Pairs,
            &[(Source, "en"), (Target, "zh")],
            json!({ "en": "glass", "zh": "玻璃" }),
            "user=glass|assistant=玻璃",
        );
        let squad = [(Context, "c"), (Question, "q"), (Answers, "a")];
        let asked = |answers: Value| json!({ "c": "C", "q": "Q", "a": answers });
        check(
            QuestionAnswering,
            &squad,
            asked(json!({ "text": ["A", "B"], "answer_start": [0, 1] })),
            "user=C\n\nQ|assistant=A",
        );
        check(
            QuestionAnswering,
            &squad,
            asked(json!({ "text": [], "answer_start": [] })),
            "user=C\n\nQ|assistant=",
        );
        check(QuestionAnswering, &squad, asked(json!("A")), "train.row.field a.text");
        let sorted = [(Role::Text, "t"), (Label, "l")];
        check(Classification, &sorted, json!({ "t": "T", "l": " good " }), "good: T");
        check(Classification, &sorted, json!({ "t": "T", "l": 1 }), "1: T");
        check(Classification, &sorted, json!({ "t": "T" }), "T");
        check(Classification, &sorted, json!({ "t": "T", "l": 0.5 }), "train.row.label_kind l");
        let tagged = [(Tokens, "w"), (Tags, "g")];
        check(Tagging, &tagged, json!({ "w": ["Alice", "sat"], "g": ["B-PER", "O"] }), "Alice sat");
        check(Tagging, &tagged, json!({ "w": "Alice" }), "train.row.field w");
        check(Tagging, &[(Role::Text, "t")], json!({ "t": "T\u{fdd0}" }), "T\u{fffd}");
    }

    #[test]
    fn rows_know_what_they_come_from() {
        use glassworks_protocol::datasets::rows::MadeHow;
        let mut origins = Origins::default();
        let row = |id: u32, split, from: Option<u32>| KeptRow {
            id: RowId(id),
            split,
            made: from.map(|from| Made { from: RowId(from), how: MadeHow::Casing }),
            line: b"{}",
        };
        let rows = [(0, Some(Split::Test), None), (1, None, Some(0)), (2, None, Some(1)), (3, None, Some(3))];
        rows.into_iter().for_each(|(id, split, from)| origins.add(&row(id, split, from)));
        assert_eq!([0, 1, 2].map(|id| origins.root(RowId(id)).map(|root| root.0)), [None, Some(0), Some(0)]);
        assert!(origins.root(RowId(3)).is_some(), "a row that says it comes from itself ends nothing");
        assert!(origins.is_aside(RowId(0)) && !origins.is_aside(RowId(1)));
    }
}
