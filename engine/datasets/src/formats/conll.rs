//! Words with tags, one a line, an empty line between sentences: CoNLL, BIO and their kin.
//!
//! The first column is the word and the last its tag; what is between becomes lists of its own. Comments and
//! `-DOCSTART-` say nothing of words and are passed over.

use super::bad::{Bad, not_text, too_long};
use super::found::sample;
use super::input::Window;
use super::json::{Field, push_string};
use super::lines::Lines;
use super::reader::{Got, RowReader};
use super::sniff::is_tag;
use super::{BAD_TEXT_BYTES, LONGEST_BYTES};
use anyhow::Result;
use glassworks_protocol::text::Text;
use std::collections::BTreeMap;

pub(super) struct Conll {
    lines: Lines,
    layout: Layout,
    sentence: Vec<u8>,
    /// The line where the sentence begins; 0 between sentences.
    begun: u64,
    cut: bool,
    ended: bool,
    fields: Vec<Field>,
}

/// How lines are made up.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    /// Else any number of spaces.
    tabs: bool,
    /// On a line.
    n_columns: usize,
    /// Names of lists, and their columns.
    lists: Vec<(String, usize)>,
    /// Lines whose first column is no whole number are no words (CoNLL-U's ranges).
    numbered: bool,
}

const UNIVERSAL: [&str; 10] =
    ["id", "tokens", "lemmas", "tags", "xpos_tags", "feats", "head", "deprel", "deps", "misc"];

impl Layout {
    fn of(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(2000).collect();
        let words: Vec<&&str> = lines.iter().filter(|line| !line.starts_with(['#', '-'])).collect();
        let with_tabs = words.iter().filter(|line| line.contains('\t')).count();
        let tabs = with_tabs * 2 > words.len();
        let mut counts = BTreeMap::new();
        for line in &words {
            *counts.entry(columns(line, tabs).len()).or_insert(0usize) += 1;
        }
        let n_columns = counts.iter().max_by_key(|(_, n)| **n).map_or(2, |(len, _)| *len).max(2);
        // Ranges (`1-2`) and empty words (`1.1`) are counted too.
        let number = |word: &&str| word.split(['-', '.']).all(|one| one.parse::<u32>().is_ok());
        let whole = |word: Option<&&str>| word.is_some_and(number);
        let first_is_number = words.iter().filter(|line| whole(columns(line, tabs).first())).count();
        let counted = n_columns > 2 && first_is_number * 10 > words.len() * 9;
        let named = |name: &str, column: usize| (name.to_owned(), column);
        if counted && n_columns == UNIVERSAL.len() && tabs {
            let order = [1, 3, 2, 4, 5, 6, 7, 8, 9];
            let lists = order.map(|column| named(UNIVERSAL[column], column)).to_vec();
            return Self { tabs, n_columns, lists, numbered: true };
        }
        let word = usize::from(counted);
        let mut lists = vec![named("tokens", word), named("tags", n_columns - 1)];
        let between: Vec<usize> = (word + 1..n_columns - 1).collect();
        for column in &between {
            let name = match (between.len(), column - word) {
                (2, 1) => "pos_tags".to_owned(),
                (2, 2) => "chunk_tags".to_owned(),
                _ => format!("column_{}", column + 1),
            };
            lists.push((name, *column));
        }
        Self { tabs, n_columns, lists, numbered: false }
    }

    /// Whether a line that begins with `#` is a comment, not that word.
    fn is_comment(&self, line: &str) -> bool {
        if !line.starts_with('#') {
            return false;
        }
        let columns = columns(line, self.tabs);
        columns.len() != self.n_columns || !columns.last().is_some_and(|last| is_tag(last))
    }
}

fn columns(line: &str, tabs: bool) -> Vec<&str> {
    if tabs {
        line.trim_end_matches(['\t', ' ']).split('\t').collect()
    } else {
        line.split([' ', '\t']).filter(|one| !one.is_empty()).collect()
    }
}

impl Conll {
    pub fn new(window: Window) -> Self {
        let layout = Layout::of(&String::from_utf8_lossy(sample(&window).0));
        Self {
            lines: Lines::new(window),
            layout,
            sentence: Vec::new(),
            begun: 0,
            cut: false,
            ended: false,
            fields: Vec::new(),
        }
    }

    /// Takes a line to the sentence; true where the sentence ends.
    fn gather(&mut self) -> Result<bool> {
        let Some(line) = self.lines.next()? else {
            self.ended = true;
            return Ok(true);
        };
        if line.bytes.trim_ascii().is_empty() {
            return Ok(true);
        }
        // A mark between documents is a sentence's end too.
        if line.bytes.starts_with(b"-DOCSTART-") {
            return Ok(true);
        }
        if line.bytes.starts_with(b"#") && self.layout.is_comment(&String::from_utf8_lossy(line.bytes)) {
            return Ok(false);
        }
        if self.begun == 0 {
            self.begun = line.row;
        } else if !self.cut {
            self.sentence.push(b'\n');
        }
        if !self.cut {
            self.sentence.extend_from_slice(line.bytes);
            self.cut = line.cut || self.sentence.len() > LONGEST_BYTES;
        }
        if self.cut {
            self.sentence.truncate(BAD_TEXT_BYTES);
        }
        Ok(false)
    }

    fn told(&mut self, line: &mut Vec<u8>) -> Option<Got> {
        if self.begun == 0 {
            return None;
        }
        let row = std::mem::take(&mut self.begun);
        let bytes = std::mem::take(&mut self.sentence);
        if std::mem::take(&mut self.cut) {
            return Some(Got::Bad(Bad::begun(row, too_long(), &bytes)));
        }
        let bad = |reason| Some(Got::Bad(Bad::new(row, reason, &bytes)));
        if let Some(reason) = not_text(&bytes) {
            return bad(reason);
        }
        let text = String::from_utf8_lossy(&bytes);
        let mut words: Vec<Vec<&str>> = text.lines().map(|line| columns(line, self.layout.tabs)).collect();
        if let Some(other) = words.iter().find(|word| word.len() != self.layout.n_columns) {
            let expected = self.layout.n_columns;
            return bad(Text::new("data.bad_columns").arg("expected", expected).arg("found", other.len()));
        }
        if self.layout.numbered {
            words.retain(|word| word[0].parse::<u32>().is_ok());
        }
        self.push(&words, line);
        Some(Got::Row)
    }

    fn push(&mut self, words: &[Vec<&str>], line: &mut Vec<u8>) {
        line.clear();
        self.fields.clear();
        for (name, column) in &self.layout.lists {
            line.push(if self.fields.is_empty() { b'{' } else { b',' });
            let from = line.len() + 1;
            push_string(name.as_bytes(), line);
            let key = from..line.len() - 1;
            line.push(b':');
            let value = line.len();
            line.push(b'[');
            for (at, word) in words.iter().enumerate() {
                if at > 0 {
                    line.push(b',');
                }
                push_string(word[*column].as_bytes(), line);
            }
            line.push(b']');
            self.fields.push(Field { key, value: value..line.len() });
        }
        line.push(b'}');
    }
}

impl RowReader for Conll {
    fn next(&mut self, line: &mut Vec<u8>) -> Result<Got> {
        while !self.ended {
            if self.gather()?
                && let Some(got) = self.told(line)
            {
                return Ok(got);
            }
        }
        Ok(Got::End)
    }

    fn window(&mut self) -> Option<&mut Window> {
        Some(&mut self.lines.window)
    }

    fn fields(&self) -> &[Field] {
        &self.fields
    }
}

/// Sentences that a person has mended: the first of them.
pub(super) fn one(text: &str) -> Result<Vec<u8>, Text> {
    let window = Window::new(
        Box::new(std::io::Cursor::new(text.as_bytes().to_vec())),
        glassworks_protocol::datasets::import::TextEncoding::Utf8,
    );
    let mut line = Vec::new();
    let got = window.map_err(anyhow::Error::from).and_then(|mut window| {
        window.at_least(text.len())?;
        Conll::new(window).next(&mut line)
    });
    match got {
        Ok(Got::Row) => Ok(line),
        Ok(Got::Bad(bad)) => Err(bad.reason),
        _ => Err(Text::new("data.bad_object")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::reader::tests::{Told, bad, row, rows_of};
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, expected: Vec<Told>) {
        assert_eq!(rows_of(&mut Conll::new(Window::of(text.as_bytes()))), expected, "{text}");
    }

    #[test]
    fn sentences_become_rows() {
        let two = vec![
            row(json!({"tokens": ["Anna", "left"], "tags": ["B-PER", "O"]})),
            row(json!({"tokens": ["#", "Bonn"], "tags": ["O", "B-LOC"]})),
        ];
        check("Anna B-PER\nleft O\n\n# O\nBonn   B-LOC\n", two.clone());
        check("-DOCSTART- O\n\nAnna\tB-PER\r\nleft\tO\r\n\r\n\r\n#\tO\r\nBonn\tB-LOC", two.clone());
        check("# sent_id = 1\nAnna\tB-PER\nleft\tO\n-DOCSTART-\tO\n# text\n#\tO\nBonn\tB-LOC\n", two.clone());
        check("# id 7\n1\tAnna\tB-PER\n2\tleft\tO\n\n1\t#\tO\n2\tBonn\tB-LOC\n", two);
        check(
            "New York\tB-LOC\nis\tO\n",
            vec![row(json!({"tokens": ["New York", "is"], "tags": ["B-LOC", "O"]}))],
        );
        check("", vec![]);
    }

    #[test]
    fn columns_between_are_kept() {
        check(
            "EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n",
            vec![row(json!({"tokens": ["EU", "rejects"], "tags": ["B-ORG", "O"],
                "pos_tags": ["NNP", "VBZ"], "chunk_tags": ["B-NP", "B-VP"]}))],
        );
        check(
            "EU NNP B-ORG\nrejects VBZ O\n",
            vec![row(
                json!({"tokens": ["EU", "rejects"], "tags": ["B-ORG", "O"], "column_2": ["NNP", "VBZ"]}),
            )],
        );
        check(
            "# text = vámonos\n1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_\n1\tvamos\tir\tVERB\t_\tMood=Imp\t0\troot\t_\t_\n2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_\n",
            vec![row(
                json!({"tokens": ["vamos", "nos"], "tags": ["VERB", "PRON"], "lemmas": ["ir", "nosotros"],
                "xpos_tags": ["_", "_"], "feats": ["Mood=Imp", "_"], "head": ["0", "1"], "deprel": ["root", "obj"],
                "deps": ["_", "_"], "misc": ["_", "_"]}),
            )],
        );
    }

    #[test]
    fn a_sentence_with_a_line_of_another_length_is_bad() {
        check(
            "Anna B-PER\nleft O\n\nin\nBonn B-LOC\n\n. O\n",
            vec![
                row(json!({"tokens": ["Anna", "left"], "tags": ["B-PER", "O"]})),
                bad(4, "columns", "in\nBonn B-LOC"),
                row(json!({"tokens": ["."], "tags": ["O"]})),
            ],
        );
    }
}
