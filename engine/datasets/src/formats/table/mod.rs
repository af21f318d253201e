//! Tables: records of cells with a separator between them.
//!
//! A record that a quote keeps open to the end of the file, or that goes on after a closed quote, is a bad row of
//! one line, and reading goes on with the next: one quote too many costs a line, not the rest of the file.

mod cells;
mod dialect;
mod split;

pub(super) use cells::{Rule, cell_value};
pub(crate) use cells::{cell, quote};
pub(super) use dialect::Dialect;
pub(super) use split::{Marks, Split, split};

use super::bad::{Bad, not_text, too_long};
use super::input::Window;
use super::json::{Field, push_string};
use super::lines::{first_line, line_ends, pass_over_line};
use super::reader::{Got, RowReader};
use super::shapes::Shapes;
use super::{LONGEST_BYTES, columns::Columns};
use anyhow::Result;
use glassworks_protocol::text::Text;
use split::Cell;

pub(super) struct Table {
    window: Window,
    dialect: Dialect,
    /// `{"a":`, `,"b":` …
    keys: Vec<Vec<u8>>,
    cells: Vec<Cell>,
    /// The line where the next record begins, counted from 1.
    row: u64,
    /// Bytes still to come before the header.
    to_header: Option<usize>,
    /// Bytes of the record told last that are still in the window.
    told: usize,
    shapes: Shapes,
    scratch: Vec<u8>,
}

impl Table {
    pub fn new(mut window: Window, dialect: Dialect) -> Result<Self> {
        let key = |(at, name): (usize, &String)| {
            let mut key = vec![if at == 0 { b'{' } else { b',' }];
            push_string(name.as_bytes(), &mut key);
            key.push(b':');
            key
        };
        let keys = dialect.names.iter().enumerate().map(key).collect();
        window.at_least(dialect.said_bytes)?;
        window.take(dialect.said_bytes);
        let (row, to_header) = (1 + u64::from(dialect.said_bytes > 0), dialect.header_at);
        let (shapes, scratch) = (Shapes::default(), Vec::new());
        Ok(Self { window, dialect, keys, cells: Vec::new(), row, to_header, told: 0, shapes, scratch })
    }

    /// Moves on behind what was looked at.
    fn take(&mut self, n: usize) {
        self.to_header = self.to_header.and_then(|left| left.checked_sub(n));
        self.window.take(n);
    }

    /// A bad row of one line, the first of the window.
    fn bad_line(&mut self, reason: Text) -> Result<Got> {
        let (line, used) = first_line(self.window.bytes());
        let bad = Bad::new(self.row, reason, line);
        self.row += 1;
        self.told = used;
        Ok(Got::Bad(bad))
    }

    fn too_long(&mut self) -> Result<Got> {
        let row = self.row;
        if memchr::memchr2(b'\n', b'\r', &self.window.bytes()[..LONGEST_BYTES]).is_some() {
            return self.bad_line(Text::new("data.bad_quote"));
        }
        self.row += 1;
        let head = pass_over_line(&mut self.window)?;
        Ok(Got::Bad(Bad::begun(row, too_long(), &head)))
    }

    /// The record at the window's beginning, whose cells are known.
    fn record(&mut self, used: usize, line: &mut Vec<u8>) -> Got {
        self.told = used;
        let row = self.row;
        let bytes = &self.window.bytes()[..used];
        let spread = self.cells.iter().any(|cell| cell.spread);
        self.row += if spread { line_ends(bytes).max(1) } else { 1 };
        let end = self.cells.last().map_or(0, |cell| cell.end + usize::from(cell.quoted));
        let text = &bytes[..end];
        if used > LONGEST_BYTES {
            return Got::Bad(Bad::new(row, too_long(), text));
        }
        if let Some(reason) = not_text(text) {
            return Got::Bad(Bad::new(row, reason, text));
        }
        if self.cells.len() != self.keys.len() {
            let reason =
                Text::new("data.bad_columns").arg("expected", self.keys.len()).arg("found", self.cells.len());
            return Got::Bad(Bad::new(row, reason, text));
        }
        line.clear();
        self.shapes.fields.clear();
        let quote = self.dialect.marks.quote.unwrap_or(b'"');
        let mut nested = false;
        for ((cell, key), rule) in self.cells.iter().zip(&self.keys).zip(&self.dialect.rules) {
            let from = line.len() + 2;
            line.extend_from_slice(key);
            let value = line.len();
            let text = cell.text(bytes, quote, &mut self.scratch);
            nested |= cells::push(text, cell.quoted, *rule, line);
            self.shapes.fields.push(Field { key: from..value - 2, value: value..line.len() });
        }
        line.push(b'}');
        if nested {
            self.shapes.settle(line);
        }
        Got::Row
    }
}

impl RowReader for Table {
    fn next(&mut self, line: &mut Vec<u8>) -> Result<Got> {
        let told = std::mem::take(&mut self.told);
        self.take(told);
        loop {
            let (bytes, ended) = (self.window.bytes(), self.window.ended());
            if bytes.is_empty() && ended {
                return Ok(Got::End);
            }
            match split(bytes, ended, self.dialect.marks, &mut self.cells) {
                Split::Record(used) if self.to_header == Some(0) => {
                    self.row += line_ends(&bytes[..used]);
                    self.take(used);
                    self.to_header = None;
                }
                Split::Record(used) => return Ok(self.record(used, line)),
                Split::Blank(used) => {
                    self.take(used);
                    self.row += 1;
                }
                Split::Open => return self.bad_line(Text::new("data.bad_quote")),
                Split::After => return self.bad_line(Text::new("data.bad_after_quote")),
                Split::More if bytes.len() > LONGEST_BYTES => return self.too_long(),
                Split::More => {
                    self.window.fill()?;
                }
            }
        }
    }

    fn window(&mut self) -> Option<&mut Window> {
        Some(&mut self.window)
    }

    fn fields(&self) -> &[Field] {
        &self.shapes.fields
    }

    fn name_columns(&self, columns: &mut Columns) {
        columns.named(&self.dialect.names);
    }
}

#[cfg(test)]
mod tests;
