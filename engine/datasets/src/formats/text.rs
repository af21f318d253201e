//! Plain text: a row for each paragraph, line or file.

use super::bad::{Bad, not_text, too_long};
use super::input::Window;
use super::json::{Field, push_string};
use super::lines::Lines;
use super::reader::{Got, RowReader};
use super::{BAD_TEXT_BYTES, LONGEST_BYTES};
use anyhow::Result;
use glassworks_protocol::datasets::import::TextRows;

pub(super) struct PlainText {
    lines: Lines,
    rows: TextRows,
    /// The row that is being read, and the line where it began.
    text: Vec<u8>,
    begun: u64,
    /// It is longer than a row may be.
    cut: bool,
    fields: Vec<Field>,
    ended: bool,
}

impl PlainText {
    pub fn new(window: Window, rows: TextRows) -> Self {
        let (text, fields) = (Vec::new(), Vec::new());
        Self { lines: Lines::new(window), rows, text, begun: 0, cut: false, fields, ended: false }
    }

    /// What was gathered, as a row.
    fn told(&mut self, line: &mut Vec<u8>) -> Option<Got> {
        if self.begun == 0 {
            return None;
        }
        let row = std::mem::take(&mut self.begun);
        // Of a file its end of lines is no part of the text.
        let text = self.text.trim_ascii_end();
        let got = if std::mem::take(&mut self.cut) {
            Got::Bad(Bad::begun(row, too_long(), text))
        } else if let Some(reason) = not_text(text) {
            Got::Bad(Bad::new(row, reason, text))
        } else {
            self.fields = push_row(text, line);
            Got::Row
        };
        self.text.clear();
        Some(got)
    }

    /// Takes a line to what is gathered.
    fn gather(&mut self) -> Result<Option<bool>> {
        let Some(line) = self.lines.next()? else { return Ok(None) };
        let blank = line.bytes.trim_ascii().is_empty();
        if self.begun == 0 {
            if blank {
                return Ok(Some(false));
            }
            self.begun = line.row;
        } else if blank && self.rows == TextRows::Paragraph {
            return Ok(Some(true));
        } else if !self.cut {
            self.text.push(b'\n');
        }
        if !self.cut {
            self.text.extend_from_slice(line.bytes);
            self.cut = line.cut || self.text.len() > LONGEST_BYTES;
        }
        if self.cut {
            self.text.truncate(BAD_TEXT_BYTES);
        }
        Ok(Some(self.rows == TextRows::Line))
    }
}

/// `{"text": …}`
fn push_row(text: &[u8], line: &mut Vec<u8>) -> Vec<Field> {
    line.clear();
    line.extend_from_slice(b"{\"text\":");
    push_string(text, line);
    let field = Field { key: 2..6, value: 8..line.len() };
    line.push(b'}');
    vec![field]
}

impl RowReader for PlainText {
    fn next(&mut self, line: &mut Vec<u8>) -> Result<Got> {
        while !self.ended {
            let whole = self.gather()?;
            self.ended = whole.is_none();
            if whole != Some(false)
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

#[cfg(test)]
mod tests {
    use super::super::reader::tests::{row, rows_of};
    use super::*;

    fn check(rows: TextRows, text: &str, expected: &[&str]) {
        let found = rows_of(&mut PlainText::new(Window::of(text.as_bytes()), rows));
        let texts: Vec<_> = expected.iter().map(|one| row(serde_json::json!({ "text": one }))).collect();
        assert_eq!(found, texts);
    }

    #[test]
    fn rows_are_paragraphs_lines_or_files() {
        let text = "\n\none\r\n two \r\n\r\n \t\nthree\rfour\n\n";
        check(TextRows::Paragraph, text, &["one\n two", "three\nfour"]);
        check(TextRows::Line, text, &["one", " two", "three", "four"]);
        check(TextRows::File, text, &["one\n two \n\n \t\nthree\nfour"]);
        check(TextRows::File, " \n", &[]);
    }
}
