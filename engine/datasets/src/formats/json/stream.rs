//! A JSON text of any length, token by token, with no more of it in memory than a row.

use super::super::LONGEST_BYTES;
use super::super::bad::{Bad, not_text, too_long};
use super::super::input::Window;
use super::super::lines::line_ends;
use super::canon::{Fault, FaultKind, Field, canonical};
use super::reason;
use std::io;

/// Where a text stands.
pub(in crate::formats) struct Stream {
    pub window: Window,
    /// Line ends before the window.
    n_lines: u64,
    /// Bytes before the window.
    passed: u64,
    /// The spaces that the current line began with, when nothing else came before the window's beginning.
    indent: Option<Vec<u8>>,
}

/// A value that was looked for.
pub(super) enum Value {
    /// It is in the line.
    Read,
    Bad(Bad),
}

impl Stream {
    pub fn new(window: Window) -> Self {
        Self { window, n_lines: 0, passed: 0, indent: Some(Vec::new()) }
    }

    /// The line of what comes next, counted from 1.
    pub fn row(&self) -> u64 {
        self.n_lines + 1
    }

    /// Bytes before what comes next.
    pub fn place(&self) -> u64 {
        self.passed
    }

    pub fn take(&mut self, n: usize) {
        let bytes = &self.window.bytes()[..n];
        self.n_lines += line_ends(bytes);
        let begun = memchr::memrchr2(b'\n', b'\r', bytes).map(|end| &bytes[end + 1..]);
        if let Some(begun) = begun {
            self.indent = begun.iter().all(u8::is_ascii_whitespace).then(|| begun.to_vec());
        } else if let Some(indent) = &mut self.indent {
            if bytes.iter().all(u8::is_ascii_whitespace) && indent.len() < 4096 {
                indent.extend_from_slice(bytes);
            } else {
                self.indent = None;
            }
        }
        self.passed += n as u64;
        self.window.take(n);
    }

    /// Passes over so many bytes, or to the end.
    pub fn pass(&mut self, n: u64) -> io::Result<()> {
        let mut left = n;
        while left > 0 {
            let here = self.window.bytes().len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.take(here);
            left -= here as u64;
            if left > 0 && !self.window.fill()? {
                break;
            }
        }
        Ok(())
    }

    /// What comes next, spaces passed over.
    pub fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let bytes = self.window.bytes();
            let spaces = bytes.iter().take_while(|one| one.is_ascii_whitespace()).count();
            let next = bytes.get(spaces).copied();
            self.take(spaces);
            if next.is_some() || !self.window.fill()? {
                return Ok(next);
            }
        }
    }

    /// Passes over `one`, if that comes next.
    pub fn eat(&mut self, one: u8) -> io::Result<bool> {
        let there = self.peek()? == Some(one);
        if there {
            self.take(1);
        }
        Ok(there)
    }

    /// Reads the value that comes next into `line`; `None`: not to be read, and where it fails.
    fn value(
        &mut self,
        line: &mut Vec<u8>,
        fields: &mut Vec<Field>,
    ) -> io::Result<Result<usize, Option<Fault>>> {
        loop {
            line.clear();
            let (bytes, ended) = (self.window.bytes(), self.window.ended());
            match canonical(bytes, line, fields) {
                // Of a number more digits may follow.
                Ok(used) if used == bytes.len() && !ended => {}
                Ok(used) if used > LONGEST_BYTES => return Ok(Err(None)),
                Ok(used) => return Ok(Ok(used)),
                Err(fault) if fault.kind == FaultKind::Ended && !ended => {}
                Err(fault) => return Ok(Err(Some(fault))),
            }
            if bytes.len() > LONGEST_BYTES {
                return Ok(Err(None));
            }
            self.window.fill()?;
        }
    }

    /// A key and the colon after it.
    pub fn key(&mut self) -> io::Result<Option<String>> {
        if self.peek()? != Some(b'"') {
            return Ok(None);
        }
        let (mut line, mut fields) = (Vec::new(), Vec::new());
        let Ok(used) = self.value(&mut line, &mut fields)? else { return Ok(None) };
        self.take(used);
        let key = serde_json::from_slice(&line).ok();
        Ok(if self.eat(b':')? { key } else { None })
    }

    /// Reads an element of a list into `line`. Of one that is broken the text up to where the next can be found is
    /// a bad row: `place` is what it goes by where rows are not told by lines.
    pub fn element(
        &mut self,
        place: Option<u64>,
        line: &mut Vec<u8>,
        fields: &mut Vec<Field>,
    ) -> io::Result<Value> {
        let row = place.unwrap_or_else(|| self.row());
        let fault = match self.value(line, fields)? {
            Ok(used) => {
                let bytes = &self.window.bytes()[..used];
                let bad = not_text(bytes).map(|reason| Bad::new(row, reason, bytes));
                self.take(used);
                return Ok(bad.map_or(Value::Read, Value::Bad));
            }
            Err(fault) => fault,
        };
        // What is well formed and still no row ends where its brackets say.
        if let Some(fault) = fault
            && fault.kind != FaultKind::Unexpected
            && let Some(used) = self.extent(fault.at)?
        {
            let bytes = &self.window.bytes()[..used];
            let bad = Bad::new(row, not_text(bytes).unwrap_or_else(|| reason(bytes, fault)), bytes);
            self.take(used);
            return Ok(Value::Bad(bad));
        }
        let bytes = self.window.bytes();
        let (reason, from) = match fault {
            None => (too_long(), 0),
            Some(fault) => (not_text(&bytes[..fault.at]).unwrap_or_else(|| reason(bytes, fault)), fault.at),
        };
        let (text, whole) = self.resync(from)?;
        let bad = Bad::new(row, reason, &text);
        Ok(Value::Bad(if whole { bad } else { Bad { whole: false, ..bad } }))
    }

    /// Bytes of the list or object that comes next, by its brackets alone; `None` where they do not close.
    fn extent(&mut self, fault: usize) -> io::Result<Option<usize>> {
        loop {
            let (bytes, ended) = (self.window.bytes(), self.window.ended());
            if let Some(end) = end_of(bytes) {
                return Ok((end >= fault).then_some(end));
            }
            if ended || bytes.len() > LONGEST_BYTES {
                return Ok(None);
            }
            self.window.fill()?;
        }
    }

    /// Passes over a broken element that fails after `from` bytes: to where the next one most likely begins, or the
    /// list ends. Returns what was passed over, and whether that is all of it.
    fn resync(&mut self, from: usize) -> io::Result<(Vec<u8>, bool)> {
        let first = self.window.bytes().first().copied().unwrap_or(b'{');
        // An element at the beginning of its line: the next is where a line begins just so.
        let by_line = self.indent.clone().map(|indent| [b"\n".as_slice(), &indent, &[first]].concat());
        let (mut text, mut whole, mut at) = (Vec::new(), true, from);
        loop {
            let bytes = self.window.bytes();
            let found = next_element(&bytes[at..], first, by_line.as_deref()).map(|n| at + n);
            let ended = self.window.ended();
            // What may be the beginning of what is looked for stays in the window.
            let end = found.unwrap_or(if ended { bytes.len() } else { bytes.len().saturating_sub(8192) });
            let keep = super::super::BAD_TEXT_BYTES + 1;
            let room = keep.saturating_sub(text.len());
            whole &= end <= room;
            text.extend_from_slice(&bytes[..end.min(room)]);
            self.take(end);
            if found.is_some() || ended {
                break;
            }
            at = at.saturating_sub(end);
            self.window.fill()?;
        }
        let kept = text.trim_ascii_end();
        let kept = kept.strip_suffix(b",").unwrap_or(kept).trim_ascii_end().len();
        text.truncate(kept);
        Ok((text, whole))
    }

    /// Passes over a value of any length; whether there was one.
    pub fn skip(&mut self) -> io::Result<bool> {
        let mut depth = 0usize;
        loop {
            match self.peek()? {
                Some(b'"') => self.skip_string()?,
                Some(b'[' | b'{') => {
                    depth += 1;
                    self.take(1);
                }
                Some(b']' | b'}') if depth > 0 => {
                    depth -= 1;
                    self.take(1);
                }
                Some(b',' | b':') if depth > 0 => self.take(1),
                Some(one) if one.is_ascii_alphanumeric() || matches!(one, b'-' | b'+' | b'.') => {
                    self.skip_word()?;
                }
                _ => return Ok(false),
            }
            if depth == 0 {
                return Ok(true);
            }
        }
    }

    fn skip_word(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.window.bytes();
            let in_word = |one: &&u8| one.is_ascii_alphanumeric() || matches!(one, b'-' | b'+' | b'.');
            let n = bytes.iter().take_while(in_word).count();
            let ends = n < bytes.len();
            self.take(n);
            if ends || !self.window.fill()? {
                return Ok(());
            }
        }
    }

    fn skip_string(&mut self) -> io::Result<()> {
        self.take(1);
        loop {
            let bytes = self.window.bytes();
            match memchr::memchr2(b'"', b'\\', bytes) {
                Some(at) if bytes[at] == b'"' => {
                    self.take(at + 1);
                    return Ok(());
                }
                Some(at) if at + 1 < bytes.len() => self.take(at + 2),
                Some(at) => self.take(at),
                None => {
                    let all = bytes.len();
                    self.take(all);
                }
            }
            if self.window.bytes().len() < 2 && !self.window.fill()? {
                let all = self.window.bytes().len();
                self.take(all);
                return Ok(());
            }
        }
    }
}

/// Where the brackets close with which a text begins; a line's end within a string says that they can't be trusted.
fn end_of(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0usize, 0);
    while let Some(n) = bytes.get(at..)?.iter().position(|one| b"\"{}[]".contains(one)) {
        at += n + 1;
        match bytes[at - 1] {
            b'"' => loop {
                at += memchr::memchr3(b'"', b'\\', b'\n', bytes.get(at..)?)? + 1;
                match bytes[at - 1] {
                    b'"' => break,
                    b'\\' => at += 1,
                    _ => return None,
                }
            },
            b'{' | b'[' => depth += 1,
            _ => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        if depth == 0 {
            return None;
        }
    }
    None
}

/// Where an element begins that is like the one before: at the beginning of a line, or after `},`. Or where the
/// list ends: a `]` on a line of its own.
fn next_element(bytes: &[u8], first: u8, by_line: Option<&[u8]>) -> Option<usize> {
    if let Some(begins) = by_line {
        let next = memchr::memmem::find(bytes, begins).map(|at| at + begins.len() - 1);
        let end = memchr::memchr_iter(b'\n', bytes).find_map(|at| {
            let spaces = bytes[at + 1..].iter().take_while(|one| matches!(one, b' ' | b'\t')).count();
            // No deeper than the elements: `]` of a list within one is.
            let shallow = spaces + 2 < begins.len() || begins.len() == 2 && spaces == 0;
            (shallow && bytes.get(at + 1 + spaces) == Some(&b']')).then_some(at + 1 + spaces)
        });
        return match (next, end) {
            (Some(next), Some(end)) => Some(next.min(end)),
            (next, end) => next.or(end),
        };
    }
    let close = if first == b'[' { b']' } else { b'}' };
    memchr::memchr_iter(close, bytes).find_map(|at| {
        let mut rest = bytes[at + 1..].iter().enumerate().filter(|(_, one)| !one.is_ascii_whitespace());
        let comma = rest.next().is_some_and(|(_, one)| *one == b',');
        let (n, next) = rest.next()?;
        (comma && *next == first).then_some(at + 1 + n)
    })
}
