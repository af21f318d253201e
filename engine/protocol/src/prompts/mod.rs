//! The prompt library: texts with variables, their versions, and what models wrote when one was run over a table.

mod seam;
pub mod share;
pub mod template;
mod variables;

pub use seam::{FileRows, PromptEdit, PromptJob, PromptOutput, PromptPage, PromptQuery, PromptStored};
pub use variables::{ValueProblem, Values, Variable, VariableKind, pasted, same_name};

use crate::Failure;
use crate::chat::{TemplateOptions, Turn};
use crate::generate::{FinishReason, ModelSource, Prompt, SamplingSpec};
use crate::ids::{PromptId, PromptRunId};
use crate::model::Precision;
use crate::train::TunedSource;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Rows of a table of inputs, at most.
pub const MOST_ROWS: usize = 1000;

/// What a version keeps: everything that decides what a model gets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PromptBody {
    /// Comes before everything; may have variables too.
    pub system: String,
    pub text: String,
    /// What is known of its variables; those it does not name are lines of text.
    pub variables: Vec<Variable>,
    /// Shown to the model before what is asked.
    pub examples: Vec<PromptExample>,
}

/// A question with its answer, for the model to go by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PromptExample {
    pub values: Values,
    pub answer: String,
}

impl PromptExample {
    /// Whether nothing is written in it: then it is passed over.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.answer.trim().is_empty() && self.values.values().all(|value| value.trim().is_empty())
    }
}

impl PromptBody {
    /// The variables in the order in which they come: those of the text, then those of the system prompt alone.
    #[must_use]
    pub fn named(&self) -> Vec<Variable> {
        let mut names = template::names(&self.text);
        for name in template::names(&self.system) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let of = |name: &str| self.variables.iter().find(|one| one.name == name).cloned();
        names.into_iter().map(|name| of(name).unwrap_or_else(|| Variable::new(name))).collect()
    }

    /// The same without what belongs to variables that are gone, and without blank examples: as it is stored.
    #[must_use]
    pub fn tidied(&self) -> Self {
        let variables = self.named();
        let plain = |one: &Variable| *one == Variable::new(&one.name);
        let mut examples = self.examples.clone();
        examples.retain(|example| !example.is_blank());
        for example in &mut examples {
            example.values.retain(|name, _| variables.iter().any(|one| one.name == *name));
        }
        let variables = variables.into_iter().filter(|one| !plain(one)).collect();
        Self { system: self.system.clone(), text: self.text.clone(), variables, examples }
    }

    /// Why these values cannot be taken, one problem a variable at most.
    #[must_use]
    pub fn problems(&self, values: &Values) -> Vec<ValueProblem> {
        let problem = |one: &Variable| {
            let why = one.take(values.get(&one.name).map(String::as_str)).err()?;
            Some(ValueProblem { name: one.name.clone(), why })
        };
        self.named().iter().filter_map(problem).collect()
    }

    /// What the model is told first.
    #[must_use]
    pub fn system_with(&self, values: &Values) -> String {
        filled(&self.system, &self.named(), values)
    }

    /// What is asked.
    #[must_use]
    pub fn text_with(&self, values: &Values) -> String {
        filled(&self.text, &self.named(), values)
    }

    /// Questions and answers of the examples, in order.
    pub fn shots(&self) -> impl Iterator<Item = (String, &str)> {
        let named = self.named();
        let written = self.examples.iter().filter(|example| !example.is_blank());
        written.map(move |one| (filled(&self.text, &named, &one.values), one.answer.as_str()))
    }

    /// The turns of a conversation that ends with what is asked.
    #[must_use]
    pub fn turns(&self, values: &Values) -> Vec<Turn> {
        let system = self.system_with(values);
        let mut turns = Vec::new();
        if !system.trim().is_empty() {
            turns.push(Turn::new("system", system));
        }
        for (question, answer) in self.shots() {
            turns.push(Turn::new("user", question));
            turns.push(Turn::new("assistant", answer));
        }
        turns.push(Turn::new("user", self.text_with(values)));
        turns
    }

    /// The same for a model that goes on with a text: parts with an empty line between them, each answer behind its
    /// question.
    #[must_use]
    pub fn as_text(&self, values: &Values) -> String {
        let mut parts = Vec::new();
        let system = self.system_with(values);
        if !system.trim().is_empty() {
            parts.push(system);
        }
        for (question, answer) in self.shots() {
            let between = match question.chars().last() {
                Some(last) if last.is_whitespace() => "",
                // `Sentiment:` is answered on its own line.
                Some(':' | '：' | '=' | '>' | '-') => " ",
                _ => "\n",
            };
            parts.push(format!("{question}{between}{answer}"));
        }
        parts.push(self.text_with(values));
        parts.join("\n\n")
    }

    /// What a model gets: turns if it converses, else a text to go on with.
    #[must_use]
    pub fn prompt(&self, values: &Values, converses: bool) -> Prompt {
        match converses {
            true => Prompt::Chat { turns: self.turns(values), template: TemplateOptions::default() },
            false => Prompt::Text(self.as_text(values)),
        }
    }
}

/// Values that cannot be taken stand as they were written: who runs a prompt asks for [`PromptBody::problems`] first.
fn filled(text: &str, variables: &[Variable], values: &Values) -> String {
    let said: Vec<(&str, String)> = variables
        .iter()
        .map(|one| {
            let written = values.get(&one.name).map(String::as_str);
            (one.name.as_str(), one.take(written).unwrap_or_else(|_| written.unwrap_or_default().to_owned()))
        })
        .collect();
    let value = |name: &str| {
        // What nobody has said yet is seen as the place where it will stand.
        said.iter().find(|(one, _)| *one == name).map(|(_, said)| said.as_str())
    };
    let missing = |name: &str| {
        let one = variables.iter().find(|one| one.name == name)?;
        let written = values.get(name).is_some_and(|value| !value.trim().is_empty());
        let unsaid = !written && one.default.trim().is_empty() && !one.optional;
        (unsaid && !matches!(one.kind, VariableKind::YesNo { .. })).then_some(())
    };
    template::fill(text, |name| if missing(name).is_some() { None } else { value(name) })
}

/// A folder's path in its usual form: `School/Year 5`; empty for the top.
#[must_use]
pub fn folder_path(text: &str) -> String {
    let parts = text.split(['/', '\\']).map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// A prompt of the library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptRecord {
    pub id: PromptId,
    pub name: String,
    /// See [`folder_path`].
    pub folder: String,
    pub tags: Vec<String>,
    /// Of the version in force.
    pub body: PromptBody,
    /// What is being written and is no version yet.
    pub draft: Option<Box<PromptBody>>,
    /// The version in force, counted from 1.
    pub version: u32,
    /// Versions there are.
    pub n_versions: u32,
    pub created_at_ms: i64,
    pub changed_at_ms: i64,
    pub trashed_at_ms: Option<i64>,
    pub can_undo: bool,
    pub can_redo: bool,
}

impl PromptRecord {
    /// A new one; the clock is the caller's.
    #[must_use]
    pub fn new(name: impl Into<String>, folder: &str, body: PromptBody, now_ms: i64) -> Self {
        Self {
            id: PromptId::mint(),
            name: name.into(),
            folder: folder_path(folder),
            tags: Vec::new(),
            body,
            draft: None,
            version: 1,
            n_versions: 1,
            created_at_ms: now_ms,
            changed_at_ms: now_ms,
            trashed_at_ms: None,
            can_undo: false,
            can_redo: false,
        }
    }

    /// As it is being written.
    #[must_use]
    pub fn now(&self) -> &PromptBody {
        self.draft.as_deref().unwrap_or(&self.body)
    }
}

/// What a prompt was at some time. Versions are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptVersion {
    pub prompt: PromptId,
    /// Counted from 1.
    pub n: u32,
    /// In a person's words; may be empty.
    pub label: String,
    pub body: PromptBody,
    pub at_ms: i64,
}

/// The inputs that a prompt is run over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PromptSheet {
    pub rows: Vec<SheetRow>,
    /// Ids below it have been given away.
    pub next: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SheetRow {
    /// Its own for good, wherever it stands.
    pub id: u64,
    pub values: Values,
}

impl PromptSheet {
    /// Adds rows with ids of their own, as many as there is room for; how many there was none for.
    pub fn extend(&mut self, rows: impl IntoIterator<Item = Values>) -> usize {
        let mut left_out = 0;
        for values in rows {
            if self.rows.len() >= MOST_ROWS {
                left_out += 1;
                continue;
            }
            let last = self.rows.iter().map(|row| row.id).max().unwrap_or(0);
            let id = self.next.max(last + 1);
            self.next = id + 1;
            self.rows.push(SheetRow { id, values });
        }
        left_out
    }
}

/// A prompt run over its table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptRun {
    pub id: PromptRunId,
    pub prompt: PromptId,
    pub spec: RunPromptSpec,
    /// As a person knows it.
    pub model_name: String,
    pub created_at_ms: i64,
}

/// Write a reply for each row of a prompt's table; one that was stopped or killed goes on under the same id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunPromptSpec {
    pub run: PromptRunId,
    pub prompt: PromptId,
    pub version: u32,
    pub model: ModelSource,
    #[serde(default)]
    pub tuned: Option<TunedSource>,
    pub sampling: SamplingSpec,
    pub precision: Precision,
}

/// What a model wrote for a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptResult {
    pub run: PromptRunId,
    /// Of the table: [`SheetRow::id`].
    pub row: u64,
    /// What the row said then.
    pub values: Values,
    pub text: String,
    pub n_prompt: u32,
    pub n_new: u32,
    /// From the first look at the prompt to the last token.
    pub secs: f32,
    /// Of what was written, by the model's own probabilities; `None` for nothing.
    pub perplexity: Option<f32>,
    pub seed: u64,
    pub finish: Option<FinishReason>,
    /// Why nothing was written.
    pub failure: Option<Failure>,
}

/// A table as it stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PromptTable {
    pub sheet: PromptSheet,
    /// Newest first.
    pub runs: Vec<Arc<PromptRun>>,
    pub results: Vec<Arc<PromptResult>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn body() -> PromptBody {
        let example = |review: &str, answer: &str| PromptExample {
            values: values(&[("review", review)]),
            answer: answer.to_owned(),
        };
        PromptBody {
            system: "You rate {thing}.".to_owned(),
            text: "Review: {review}\nSentiment:".to_owned(),
            variables: vec![Variable { default: "films".to_owned(), ..Variable::new("thing") }],
            examples: vec![example("fun {thing}", "good"), PromptExample::default(), example("dull", "bad")],
        }
    }

    #[test]
    fn examples_become_turns_or_text() {
        let values = values(&[("review", "{thing}!")]);
        let said: Vec<String> =
            body().turns(&values).into_iter().map(|t| format!("{}: {}", t.role, t.content)).collect();
        let expected = [
            "system: You rate films.",
            "user: Review: fun {thing}\nSentiment:",
            "assistant: good",
            "user: Review: dull\nSentiment:",
            "assistant: bad",
            "user: Review: {thing}!\nSentiment:",
        ];
        assert_eq!(said, expected);
        let text = "You rate films.\n\nReview: fun {thing}\nSentiment: good\n\nReview: dull\nSentiment: bad\n\nReview: {thing}!\nSentiment:";
        assert_eq!(body().as_text(&values), text);
    }

    #[test]
    fn what_is_missing_is_told_and_seen() {
        let problems = body().problems(&Values::new());
        assert_eq!(problems.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["review"]);
        assert_eq!(body().text_with(&Values::new()), "Review: {review}\nSentiment:");
        let names: Vec<String> = body().named().into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["review", "thing"]);
    }

    #[test]
    fn what_is_stored_has_nothing_of_what_is_gone() {
        let mut body = body();
        body.system.clear();
        let tidied = body.tidied();
        assert!(tidied.variables.is_empty());
        assert_eq!(tidied.examples.len(), 2);
        assert_eq!(tidied.tidied(), tidied);
    }

    #[test]
    fn folders_have_one_form() {
        for (text, expected) in [("", ""), (" School / Year  5 /", "School/Year 5"), ("a\\b//c", "a/b/c")] {
            assert_eq!(folder_path(text), expected);
        }
    }

    #[test]
    fn rows_of_a_sheet_keep_their_ids() {
        let mut sheet = PromptSheet::default();
        assert_eq!(sheet.extend([values(&[("x", "1")]), values(&[("x", "2")])]), 0);
        sheet.rows.remove(0);
        sheet.extend([values(&[("x", "3")])]);
        assert_eq!(sheet.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [2, 3]);
        // The last one's id is not given to another.
        sheet.rows.pop();
        sheet.extend([values(&[("x", "4")])]);
        assert_eq!(sheet.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(sheet.extend(vec![Values::new(); MOST_ROWS]), 2);
    }
}
