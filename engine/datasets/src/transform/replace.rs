//! Search and replace.

use super::edits::Edits;
use super::texts::{self, Reach};
use anyhow::Result;
use glassworks_protocol::datasets::transform::ReplaceSpec;
use glassworks_protocol::datasets::{Mapping, Row};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use regex::{Regex, RegexBuilder};

#[derive(Debug)]
pub struct Replace {
    find: Regex,
    with: String,
    is_pattern: bool,
    reach: Reach,
}

/// A pattern as a person wrote it.
///
/// # Errors
/// When it is none.
pub fn pattern(pattern: &str, case_sensitive: bool) -> Result<Regex> {
    let built = RegexBuilder::new(pattern).case_insensitive(!case_sensitive).build();
    built.map_err(|error| {
        Failure::new(FailureKind::Input, Text::new("data.pattern_wrong").arg("pattern", pattern))
            .detail(error.to_string())
            .hint(Text::new("data.pattern_wrong_hint"))
            .into()
    })
}

impl Replace {
    /// # Errors
    /// When there is nothing to find, or the pattern is none.
    pub fn new(spec: &ReplaceSpec) -> Result<Self> {
        if spec.find.is_empty() {
            return Err(Failure::new(FailureKind::Input, Text::new("data.nothing_to_find")).into());
        }
        let find = if spec.is_pattern { spec.find.clone() } else { regex::escape(&spec.find) };
        Ok(Self {
            find: pattern(&find, spec.case_sensitive)?,
            with: spec.with.clone(),
            is_pattern: spec.is_pattern,
            reach: spec.column.clone().map_or(Reach::Texts, Reach::Column),
        })
    }

    /// Whether anything changed.
    pub fn row(&self, row: &mut Row, mapping: &Mapping) -> bool {
        texts::edit(row, mapping, &self.reach, &mut |_, text| self.text(text))
    }

    fn text(&self, text: &str) -> Edits {
        let mut edits = Edits::new();
        for found in self.find.captures_iter(text) {
            let Some(whole) = found.get(0) else { continue };
            let mut with = String::new();
            if self.is_pattern {
                found.expand(&self.with, &mut with);
            } else {
                with.clone_from(&self.with);
            }
            edits.push(text, whole.range(), with);
        }
        edits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::datasets::{DataTask, Role};
    use serde_json::{Value, json};

    fn replaced(find: &str, with: &str, is_pattern: bool, column: Option<&str>, row: &Value) -> Value {
        let spec = ReplaceSpec {
            find: find.to_owned(),
            with: with.to_owned(),
            is_pattern,
            case_sensitive: false,
            column: column.map(str::to_owned),
        };
        let roles = [
            (Role::Context, "context"),
            (Role::Question, "question"),
            (Role::Answers, "answers"),
            (Role::Group, "title"),
        ];
        let roles = roles.map(|(role, column)| (role, column.to_owned())).into();
        let mut row = row.as_object().unwrap().clone();
        Replace::new(&spec).unwrap().row(&mut row, &Mapping { task: DataTask::QuestionAnswering, roles });
        Value::Object(row)
    }

    fn row() -> Value {
        json!({
            "id": "Paris-1", "title": "Paris", "context": "In 1900 Paris, old Paris, was big.",
            "question": "Which city was big in paris' time?",
            "answers": { "text": ["Paris", "old Paris"], "answer_start": [8, 15] },
        })
    }

    #[test]
    fn answers_go_with_their_context() {
        let after = replaced("paris", "Roma antica", false, None, &row());
        assert_eq!(after["context"], "In 1900 Roma antica, old Roma antica, was big.");
        assert_eq!(after["question"], "Which city was big in Roma antica' time?");
        assert_eq!(
            after["answers"],
            json!({ "text": ["Roma antica", "old Roma antica"], "answer_start": [8, 21] })
        );
        assert_eq!(
            (&after["id"], &after["title"]),
            (&json!("Paris-1"), &json!("Paris")),
            "were not asked for"
        );
        let after = replaced("old ", "", false, None, &row());
        assert_eq!(after["answers"], json!({ "text": ["Paris", "Paris"], "answer_start": [8, 15] }));
        let after = replaced("^.*$", "", true, None, &row());
        assert_eq!(after["answers"], json!({ "text": [], "answer_start": [] }));
    }

    #[test]
    fn patterns_have_groups_and_texts_have_none() {
        let after = replaced(r"(\d\d)(?<rest>\d\d)", "$rest-$1 ${rest}x", true, None, &row());
        assert_eq!(after["context"], "In 00-19 00x Paris, old Paris, was big.");
        assert_eq!(after["answers"]["answer_start"], json!([13, 20]));
        let after = replaced("1900", "$1", false, None, &row());
        assert_eq!(after["context"], "In $1 Paris, old Paris, was big.");
    }

    #[test]
    fn a_column_is_changed_alone() {
        let after = replaced("paris", "Rome", false, Some("title"), &row());
        assert_eq!((&after["title"], &after["context"]), (&json!("Rome"), &row()["context"]));
        // An answer that would be literal no more stays.
        let after = replaced("Paris", "Rome", false, Some("answers"), &row());
        assert_eq!(after, row());
        let after = replaced("old Paris", "big", false, Some("answers"), &row());
        assert_eq!(after["answers"], json!({ "text": ["Paris", "big"], "answer_start": [8, 30] }));
    }

    #[test]
    fn a_wrong_pattern_is_told() {
        let spec = ReplaceSpec {
            find: "(".to_owned(),
            with: String::new(),
            is_pattern: true,
            case_sensitive: true,
            column: None,
        };
        let failure = Replace::new(&spec).unwrap_err().downcast::<Failure>().unwrap();
        assert_eq!(failure.summary.key, "data.pattern_wrong");
        assert!(Replace::new(&ReplaceSpec { find: String::new(), ..spec }).is_err());
    }
}
