//! What a row says, apart from how it is written down: what is read, what is to be learned from it, as what it is
//! sorted. Rows are compared by it.

use glassworks_protocol::datasets::{DataTask, Mapping, Role, Row};
use serde_json::Value;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Between fields, so that moving a word from one to the next is a difference.
const BETWEEN: char = '\u{1e}';

/// What a row says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// What a model is given.
    pub input: String,
    /// What it is to say: an answer, a label, tags.
    pub target: String,
    /// All of it that is running text, field after field.
    pub text: String,
    /// The row's label.
    pub label: Option<String>,
    /// Kinds of its tags or spans, once for each entity.
    pub kinds: Vec<String>,
}

impl Said {
    #[must_use]
    pub fn of(row: &Row, mapping: &Mapping) -> Self {
        let mut said = Self::default();
        let role = |role: Role| mapping.column(role).and_then(|column| row.get(column));
        match mapping.task {
            DataTask::Chat => said.chat(&role),
            DataTask::Preference => said.preference(&role),
            DataTask::Pairs => {
                said.read(&words(role(Role::Source)));
                said.learn(&words(role(Role::Target)));
            }
            DataTask::QuestionAnswering => {
                said.read(&words(role(Role::Context)));
                said.read(&words(role(Role::Question)));
                said.target = role(Role::Answers)
                    .and_then(|answers| answers.get("text"))
                    .map(exact)
                    .unwrap_or_default();
            }
            DataTask::Tagging => said.tagging(&role),
            DataTask::Classification | DataTask::Text => said.read(&words(role(Role::Text))),
        }
        said.label = role(Role::Label).and_then(label);
        if let Some(label) = said.label.as_ref().filter(|_| said.target.is_empty()) {
            said.target.clone_from(label);
        }
        said
    }

    /// Whether there is anything to compare.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// By what rows that must not stand on two sides are known: what is read, whatever is said to it.
    #[must_use]
    pub fn input_hash(&self) -> u64 {
        hash(if self.input.is_empty() { &self.target } else { &self.input })
    }

    #[must_use]
    pub fn target_hash(&self) -> u64 {
        hash(&self.target)
    }

    fn chat<'a>(&mut self, role: &dyn Fn(Role) -> Option<&'a Value>) {
        let Some(turns) = role(Role::Messages).and_then(Value::as_array) else {
            for one in [Role::System, Role::Prompt, Role::Input] {
                self.read(&words(role(one)));
            }
            self.learn(&words(role(Role::Completion)));
            return;
        };
        self.read(&words(role(Role::System)));
        for (i, turn) in turns.iter().enumerate() {
            let said_by = turn.get("role").and_then(Value::as_str).unwrap_or_default();
            let content = words(turn.get("content"));
            if i + 1 == turns.len() && said_by == "assistant" {
                self.learn(&content);
            } else {
                self.input.push_str(said_by);
                self.read(&content);
            }
        }
    }

    /// The two answers belong to what is read; which of them is better is what is learned.
    fn preference<'a>(&mut self, role: &dyn Fn(Role) -> Option<&'a Value>) {
        self.read(&words(role(Role::System)));
        self.read(&words(role(Role::Prompt)));
        let (chosen, rejected) = (words(role(Role::Chosen)), words(role(Role::Rejected)));
        let first = chosen <= rejected;
        for one in if first { [&chosen, &rejected] } else { [&rejected, &chosen] } {
            self.read(one);
        }
        self.target.push(if first { '1' } else { '2' });
    }

    fn tagging<'a>(&mut self, role: &dyn Fn(Role) -> Option<&'a Value>) {
        if let Some(tokens) = role(Role::Tokens).and_then(Value::as_array) {
            self.read(&tokens.iter().map(|token| words(Some(token))).collect::<Vec<_>>().join(" "));
            let tags = role(Role::Tags);
            self.target = tags.map(exact).unwrap_or_default();
            self.kinds = tags.and_then(Value::as_array).map(|tags| entities(tags)).unwrap_or_default();
        } else {
            self.read(&words(role(Role::Text)));
            let spans = role(Role::Spans);
            self.target = spans.map(exact).unwrap_or_default();
            let kinds = spans.and_then(Value::as_array).into_iter().flatten();
            self.kinds = kinds.filter_map(|span| span.get("label")).filter_map(label).collect();
        }
    }

    fn read(&mut self, text: &str) {
        if !text.is_empty() {
            self.input.push_str(text);
            self.running(text);
        }
        self.input.push(BETWEEN);
        if self.input.trim_matches(BETWEEN).is_empty() {
            self.input.clear();
        }
    }

    fn learn(&mut self, text: &str) {
        self.target.push_str(text);
        self.running(text);
    }

    fn running(&mut self, text: &str) {
        if !text.is_empty() {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(text);
        }
    }
}

/// A hash that stays the same while the program runs.
#[must_use]
pub fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// A value as text: turns one after the other, numbers as they are written.
#[must_use]
pub fn words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let part = |part: &Value| match part {
                Value::Object(turn) => words(turn.get("content").or_else(|| turn.get("text"))),
                other => words(Some(other)),
            };
            parts.iter().map(part).collect::<Vec<_>>().join("\n")
        }
        Some(other) => other.to_string(),
    }
}

/// A value to the letter.
fn exact(value: &Value) -> String {
    if value.as_array().is_some_and(Vec::is_empty) { String::new() } else { value.to_string() }
}

/// A label as it is shown; `None` where there is none.
#[must_use]
pub fn label(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// The kinds of a row's tags, once for each entity: `B-PER I-PER O B-LOC` has two. Tags that are no BIO count each.
fn entities(tags: &[Value]) -> Vec<String> {
    let mut kinds = Vec::new();
    let mut open: Option<&str> = None;
    for tag in tags {
        let Some(tag) = tag.as_str() else {
            kinds.extend(label(tag));
            continue;
        };
        let (head, kind) = tag.split_once('-').unwrap_or(("", tag));
        let goes_on = matches!(head, "I" | "E" | "L") && open == Some(kind);
        if tag != "O" && !goes_on && !kind.is_empty() {
            kinds.push(kind.to_owned());
        }
        open = (tag != "O" && !head.is_empty()).then_some(kind);
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(task: DataTask, roles: &[(Role, &str)], row: Value) -> Said {
        let roles = roles.iter().map(|(role, column)| (*role, (*column).to_owned())).collect();
        Said::of(row.as_object().unwrap(), &Mapping { task, roles })
    }

    #[test]
    fn a_conversation_is_what_comes_before_its_last_answer() {
        let of = |turns: Value| said(DataTask::Chat, &[(Role::Messages, "m")], json!({ "m": turns }));
        let turn = |role: &str, content: &str| json!({ "role": role, "content": content });
        let a = of(json!([turn("user", "Hi"), turn("assistant", "Hello")]));
        let b = of(json!([turn("user", "Hi"), turn("assistant", "Bye")]));
        assert_eq!(a.input_hash(), b.input_hash());
        assert_ne!(a.target_hash(), b.target_hash());
        assert_eq!(a.text, "Hi\nHello");
        let c = of(json!([turn("system", "Hi"), turn("assistant", "Hello")]));
        assert_ne!(a.input_hash(), c.input_hash(), "who says it matters");
        let empty = of(json!([]));
        assert!(empty.is_empty() && empty.input.is_empty());
    }

    #[test]
    fn a_preference_turned_round_is_the_same_question() {
        let roles = [(Role::Prompt, "p"), (Role::Chosen, "c"), (Role::Rejected, "r")];
        let of = |c: &str, r: &str| said(DataTask::Preference, &roles, json!({ "p": "q", "c": c, "r": r }));
        assert_eq!(of("x", "y").input, of("y", "x").input);
        assert_ne!(of("x", "y").target, of("y", "x").target);
        assert_ne!(of("x", "y").input, of("x", "z").input);
    }

    #[test]
    fn labels_and_kinds() {
        let roles = [(Role::Text, "t"), (Role::Label, "l")];
        let of = |label: Value| said(DataTask::Classification, &roles, json!({ "t": "x", "l": label }));
        assert_eq!(of(json!("a")).label.as_deref(), Some("a"));
        assert_eq!(of(json!(1)).label.as_deref(), Some("1"));
        assert_eq!(of(json!(false)).target, "false");
        assert_eq!(of(Value::Null).label, None);
        assert_eq!(of(json!(" ")).label, None);
        let tags = |tags: Value| {
            let roles = [(Role::Tokens, "t"), (Role::Tags, "g")];
            said(DataTask::Tagging, &roles, json!({ "t": ["a", "b"], "g": tags })).kinds
        };
        assert_eq!(
            tags(json!(["B-PER", "I-PER", "O", "B-LOC", "B-LOC", "I-PER"])),
            ["PER", "LOC", "LOC", "PER"]
        );
        assert_eq!(tags(json!(["NOUN", "VERB", "O"])), ["NOUN", "VERB"]);
        let spans = json!({ "t": "abc", "s": [{ "start": 0, "end": 1, "label": "X" }] });
        let roles = [(Role::Text, "t"), (Role::Spans, "s")];
        assert_eq!(said(DataTask::Tagging, &roles, spans).kinds, ["X"]);
    }

    #[test]
    fn fields_do_not_run_together() {
        let roles = [(Role::Context, "c"), (Role::Question, "q"), (Role::Answers, "a")];
        let of = |c: &str, q: &str| said(DataTask::QuestionAnswering, &roles, json!({ "c": c, "q": q }));
        assert_ne!(of("ab", "c").input, of("a", "bc").input);
        assert!(of("", "").input.is_empty());
    }
}
