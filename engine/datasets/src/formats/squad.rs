//! SQuAD's nesting, `data` → `paragraphs` → `qas`, as rows of `id`, `title`, `context`, `question`, `answers`.
//!
//! What an article, a paragraph or a question says besides stays as further columns. Whether answers are where they
//! are said to be is not looked at here.

use super::bad::Bad;
use super::input::Window;
use super::json::{Document, Field, canonical, parse};
use super::reader::{Got, RowReader};
use super::shapes::answers;
use anyhow::Result;
use glassworks_protocol::datasets::Split;
use glassworks_protocol::text::Text;
use serde_json::{Map, Value};
use std::collections::VecDeque;

pub(super) struct Squad {
    articles: Document,
    article: Vec<u8>,
    waiting: VecDeque<Result<Map<String, Value>, Value>>,
    /// Questions so far.
    n: u64,
    fields: Vec<Field>,
}

impl Squad {
    pub fn new(window: Window) -> Self {
        Self {
            articles: Document::new(window),
            article: Vec::new(),
            waiting: VecDeque::new(),
            n: 0,
            fields: Vec::new(),
        }
    }
}

impl RowReader for Squad {
    fn next(&mut self, line: &mut Vec<u8>) -> Result<Got> {
        loop {
            if let Some(waiting) = self.waiting.pop_front() {
                self.n += 1;
                return Ok(match waiting {
                    Ok(row) => {
                        line.clear();
                        let text = Value::Object(row).to_string();
                        match canonical(text.as_bytes(), line, &mut self.fields) {
                            Ok(_) => Got::Row,
                            Err(_) => Got::Bad(bad(self.n, &text)),
                        }
                    }
                    Err(value) => Got::Bad(bad(self.n, &value.to_string())),
                });
            }
            match self.articles.next(&mut self.article)? {
                Got::Row => questions(&parse(&self.article), &mut self.waiting),
                Got::Bad(found) => {
                    self.n += 1;
                    return Ok(Got::Bad(Bad { row: self.n, ..found }));
                }
                Got::End => return Ok(Got::End),
            }
        }
    }

    fn window(&mut self) -> Option<&mut Window> {
        self.articles.window()
    }

    fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn split(&self) -> Option<Split> {
        self.articles.split()
    }
}

fn bad(n: u64, text: &str) -> Bad {
    Bad::new(n, Text::new("data.bad_squad"), text.as_bytes())
}

/// All questions of an article; what is none as it stands.
fn questions(article: &Value, waiting: &mut VecDeque<Result<Map<String, Value>, Value>>) {
    let Some(paragraphs) = article.get("paragraphs").and_then(Value::as_array) else {
        waiting.push_back(Err(article.clone()));
        return;
    };
    for paragraph in paragraphs {
        let questions = paragraph.get("qas").and_then(Value::as_array);
        let context = paragraph.get("context").filter(|context| context.is_string());
        let (Some(questions), Some(context)) = (questions, context) else {
            waiting.push_back(Err(paragraph.clone()));
            continue;
        };
        for question in questions {
            waiting.push_back(row(article, paragraph, context, question).ok_or_else(|| question.clone()));
        }
    }
}

fn row(article: &Value, paragraph: &Value, context: &Value, question: &Value) -> Option<Map<String, Value>> {
    let said = question.as_object()?;
    let mut row = Map::new();
    for (key, from) in [("id", question), ("title", article)] {
        if let Some(value) = from.get(key) {
            row.insert(key.to_owned(), value.clone());
        }
    }
    row.insert("context".to_owned(), context.clone());
    row.insert("question".to_owned(), said.get("question").filter(|text| text.is_string())?.clone());
    let none = Value::Array(Vec::new());
    let given = said.get("answers").unwrap_or(&none);
    row.insert("answers".to_owned(), in_lists(given)?);
    for (from, known) in
        [(question, ["answers", ""]), (paragraph, ["qas", ""]), (article, ["paragraphs", ""])]
    {
        for (key, value) in from.as_object().into_iter().flatten() {
            if !known.contains(&key.as_str()) && !row.contains_key(key) {
                let value = if key == "plausible_answers" { in_lists(value) } else { None }
                    .unwrap_or_else(|| value.clone());
                row.insert(key.clone(), value);
            }
        }
    }
    Some(row)
}

/// Answers as two lists. With more to an answer than text and start, that is left out.
fn in_lists(given: &Value) -> Option<Value> {
    answers(given).or_else(|| {
        let plain: Option<Vec<Value>> = given
            .as_array()?
            .iter()
            .map(|one| {
                let map = one.as_object()?;
                let mut plain = Map::new();
                plain.insert("text".to_owned(), map.get("text")?.clone());
                plain.insert("answer_start".to_owned(), map.get("answer_start")?.clone());
                Some(Value::Object(plain))
            })
            .collect();
        answers(&Value::Array(plain?))
    })
}

#[cfg(test)]
mod tests {
    use super::super::reader::tests::{bad, row, rows_of};
    use super::*;
    use serde_json::json;

    #[test]
    fn questions_become_rows() {
        let text = json!({"version": "v2.0", "data": [
            {"title": "T", "paragraphs": [
                {"context": "C", "document_id": 7, "qas": [
                    {"question": "Q", "id": "1", "answers": [{"text": "A", "answer_start": 3}, {"answer_start": 9, "text": "B"}], "is_impossible": false},
                    {"question": "R", "id": "2", "answers": [], "is_impossible": true, "plausible_answers": [{"text": "P", "answer_start": 1}]},
                ]},
                {"qas": []},
            ]},
            {"paragraphs": [{"context": "D", "qas": [{"question": "S", "answers": [{"text": "no start"}]}, {"question": "T"}]}]},
            {"title": "none"},
        ]});
        for text in [text.to_string(), serde_json::to_string_pretty(&text).unwrap()] {
            let found = rows_of(&mut Squad::new(Window::of(text.as_bytes())));
            assert_eq!(
                found,
                [
                    row(json!({"id": "1", "title": "T", "context": "C", "question": "Q",
                    "answers": {"text": ["A", "B"], "answer_start": [3, 9]}, "is_impossible": false, "document_id": 7})),
                    row(json!({"id": "2", "title": "T", "context": "C", "question": "R",
                    "answers": {"text": [], "answer_start": []}, "is_impossible": true,
                    "plausible_answers": {"text": ["P"], "answer_start": [1]}, "document_id": 7})),
                    bad(3, "squad", r#"{"qas":[]}"#),
                    bad(4, "squad", r#"{"question":"S","answers":[{"text":"no start"}]}"#),
                    row(
                        json!({"context": "D", "question": "T", "answers": {"text": [], "answer_start": []}})
                    ),
                    bad(6, "squad", r#"{"title":"none"}"#),
                ]
            );
        }
    }
}
