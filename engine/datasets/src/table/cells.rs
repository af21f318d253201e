//! Rows as lines of the grid: every field on one line, cut.

use super::raw::{self, Raw, RawKind};
use super::{Table, disk};
use anyhow::Result;
use glassworks_protocol::datasets::{ColumnKind, ColumnRecord, Role, RowId, RowLine, TurnsLine};

/// Characters of a cell.
const LONGEST: usize = 200;

impl Table {
    /// A row as a line of the grid, with a cell for each of `columns`.
    ///
    /// # Errors
    /// When the row is gone, or cannot be read.
    pub fn row_line(&self, row: RowId, columns: &[ColumnRecord]) -> Result<RowLine> {
        let mut line = Vec::new();
        self.line(row, &mut line)?;
        let facts = self.facts(row).ok_or_else(disk::gone)?;
        let fields: Vec<(&[u8], Raw<'_>)> = raw::fields(&line).collect();
        let cells = columns.iter().map(|column| {
            let name = raw::escape(&column.name);
            let value = fields.iter().find(|(key, _)| *key == name);
            value.map(|(_, value)| cell(*value, column.kind)).unwrap_or_default()
        });
        let talk = self.mapping().column(Role::Messages).map(raw::escape);
        let turns = fields.iter().find(|(key, _)| talk.as_deref() == Some(*key));
        let turns = turns.filter(|(_, value)| value.kind() == RawKind::List);
        Ok(RowLine {
            turns: turns.map(|(_, value)| turns_line(*value)),
            id: row,
            split: self.split(row),
            cells: cells.collect(),
            flags: facts.flags,
            made: self.made(row),
            n_chars: facts.n_chars,
            tokens: None,
        })
    }
}

/// A value on one line of at most some 200 characters: white space is one space, lists are their items, of a
/// conversation its first question and its last answer.
#[must_use]
pub fn cell(value: Raw<'_>, kind: ColumnKind) -> String {
    let mut cell = Cell::default();
    match (kind, value.kind()) {
        (_, RawKind::Null) => (),
        (ColumnKind::Messages, RawKind::List) => turns(value, &mut cell),
        (ColumnKind::Spans, RawKind::List) => {
            for span in value.items() {
                let label = span.field("label").and_then(Raw::scalar).unwrap_or_default();
                let ends = ["start", "end"].map(|end| span.field(end).map_or(&b"?"[..], Raw::bytes));
                let [start, end] = ends.map(String::from_utf8_lossy);
                cell.item(&format!("{label} {start}–{end}"), ", ");
            }
        }
        (ColumnKind::Answers, RawKind::Object) => {
            let texts = value.field("text").map(Raw::items);
            texts.into_iter().flatten().for_each(|text| cell.item(&text.text().unwrap_or_default(), ", "));
        }
        (ColumnKind::List, RawKind::List) => {
            value.items().for_each(|item| cell.item(&item.scalar().unwrap_or_default(), " "));
        }
        (_, RawKind::List | RawKind::Object) => cell.text(&String::from_utf8_lossy(value.bytes())),
        _ => cell.text(&value.scalar().unwrap_or_default()),
    }
    cell.done()
}

fn says(turn: &Raw<'_>, speaker: &str) -> bool {
    turn.field("role").is_some_and(|role| role.inner() == Some(speaker.as_bytes()))
}

fn content(turn: Raw<'_>) -> String {
    turn.field("content").and_then(Raw::text).unwrap_or_default().into_owned()
}

/// The first question of a conversation, and its last answer.
fn turns_line(value: Raw<'_>) -> TurnsLine {
    let shown = |turn: Option<Raw<'_>>| {
        let mut cell = Cell::default();
        cell.text(&turn.map(content).unwrap_or_default());
        cell.done()
    };
    TurnsLine {
        question: shown(value.items().find(|turn| says(turn, "user"))),
        answer: shown(value.items().filter(|turn| says(turn, "assistant")).last()),
        n: value.items().filter(|turn| !says(turn, "system")).count() as u32,
    }
}

fn turns(value: Raw<'_>, cell: &mut Cell) {
    let question =
        value.items().find(|turn| says(turn, "user")).or_else(|| value.items().next()).map(content);
    let answer = value.items().filter(|turn| says(turn, "assistant")).last().map(content);
    match (question, answer) {
        (Some(question), Some(answer)) if question != answer => {
            let mut asked = Cell { longest: LONGEST / 2, ..Cell::default() };
            asked.text(&question);
            cell.text(&asked.done());
            cell.text(" → ");
            cell.text(&answer);
        }
        (Some(one), _) | (None, Some(one)) => cell.text(&one),
        (None, None) => (),
    }
}

/// A text that grows on one line until it is long enough.
struct Cell {
    text: String,
    n_chars: usize,
    longest: usize,
    cut: bool,
}

impl Default for Cell {
    fn default() -> Self {
        Self { text: String::new(), n_chars: 0, longest: LONGEST, cut: false }
    }
}

impl Cell {
    fn item(&mut self, item: &str, between: &str) {
        if !self.text.is_empty() {
            self.text(between);
        }
        self.text(item);
    }

    fn text(&mut self, text: &str) {
        for one in text.chars() {
            if self.n_chars >= self.longest {
                self.cut = true;
                return;
            }
            let white = one.is_whitespace() || one.is_control();
            if white && (self.text.is_empty() || self.text.ends_with(' ')) {
                continue;
            }
            self.text.push(if white { ' ' } else { one });
            self.n_chars += 1;
        }
    }

    fn done(mut self) -> String {
        self.text.truncate(self.text.trim_end().len());
        if self.cut {
            self.text.push('…');
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: ColumnKind, json: &str, expected: &str) {
        assert_eq!(cell(Raw::new(json.as_bytes()), kind), expected, "{json}");
    }

    #[test]
    fn cells_are_one_line() {
        check(ColumnKind::Text, r#"" a\n\n\tb ""#, "a b");
        check(ColumnKind::Number, "1.50", "1.50");
        check(ColumnKind::Bool, "true", "true");
        check(ColumnKind::Text, "null", "");
        check(ColumnKind::List, r#"["a","b",3]"#, "a b 3");
        check(ColumnKind::Spans, r#"[{"start":1,"end":3,"label":"PER"}]"#, "PER 1–3");
        check(ColumnKind::Answers, r#"{"text":["a","b"],"answer_start":[1,2]}"#, "a, b");
        check(ColumnKind::Other, r#"{"a":[1]}"#, r#"{"a":[1]}"#);
        check(ColumnKind::Text, &format!("\"{}\"", "é".repeat(300)), &format!("{}…", "é".repeat(200)));
    }

    #[test]
    fn of_conversations_cells_show_a_question_and_an_answer() {
        let turns = r#"[{"role":"system","content":"s"},{"role":"user","content":"q\n1"},{"role":"assistant","content":"a"},{"role":"user","content":"r"},{"role":"assistant","content":"b"}]"#;
        check(ColumnKind::Messages, turns, "q 1 → b");
        check(ColumnKind::Messages, r#"[{"role":"user","content":"q"}]"#, "q");
        check(ColumnKind::Messages, "[]", "");
    }

    #[test]
    fn conversations_are_told_by_who_says_what() {
        let check = |json: &str, question: &str, answer: &str, n: u32| {
            let (question, answer) = (question.to_owned(), answer.to_owned());
            assert_eq!(turns_line(Raw::new(json.as_bytes())), TurnsLine { question, answer, n }, "{json}");
        };
        let long = r#"[{"role":"system","content":"s"},{"role":"user","content":"q\n1"},{"role":"assistant","content":"a"},{"role":"user","content":"r"},{"role":"assistant","content":"b"}]"#;
        check(long, "q 1", "b", 4);
        check(r#"[{"role":"user","content":"q"},{"role":"assistant","content":""}]"#, "q", "", 2);
        check(r#"[{"role":"assistant","content":"a"}]"#, "", "a", 1);
        check("[]", "", "", 0);
    }
}
