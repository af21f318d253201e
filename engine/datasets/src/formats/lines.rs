//! Lines of a text, ended by `\n`, `\r\n` or `\r`.

use super::input::Window;
use super::{BAD_TEXT_BYTES, LONGEST_BYTES};
use std::io;

pub(super) struct Lines {
    pub window: Window,
    /// Of the line told last, counted from 1.
    row: u64,
    /// Bytes of it, its end included, that are still in the window.
    told: usize,
    /// It ended with `\r`: a `\n` that follows belongs to it.
    after_return: bool,
    /// The beginning of one that is too long.
    head: Vec<u8>,
}

pub(super) struct Line<'a> {
    pub row: u64,
    pub bytes: &'a [u8],
    /// Longer than a row may be: `bytes` is its beginning.
    pub cut: bool,
}

impl Lines {
    pub fn new(window: Window) -> Self {
        Self { window, row: 0, told: 0, after_return: false, head: Vec::new() }
    }

    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.window.take(std::mem::take(&mut self.told));
        if std::mem::take(&mut self.after_return) {
            self.window.at_least(1)?;
            if self.window.bytes().first() == Some(&b'\n') {
                self.window.take(1);
            }
        }
        let mut looked = 0;
        let end = loop {
            let bytes = self.window.bytes();
            if let Some(at) = memchr::memchr2(b'\n', b'\r', &bytes[looked..]) {
                break Some(looked + at);
            }
            looked = bytes.len();
            if looked > LONGEST_BYTES {
                break None;
            }
            if !self.window.fill()? {
                break None;
            }
        };
        if end.is_none() && self.window.bytes().is_empty() {
            return Ok(None);
        }
        if end.unwrap_or(looked) > LONGEST_BYTES {
            return self.too_long().map(Some);
        }
        self.row += 1;
        let len = end.unwrap_or(looked);
        self.told = len + usize::from(end.is_some());
        self.after_return = end.is_some_and(|end| self.window.bytes()[end] == b'\r');
        Ok(Some(Line { row: self.row, bytes: &self.window.bytes()[..len], cut: false }))
    }

    /// Passes over a line that no row can be.
    fn too_long(&mut self) -> io::Result<Line<'_>> {
        self.row += 1;
        self.head = pass_over_line(&mut self.window)?;
        Ok(Line { row: self.row, bytes: &self.head, cut: true })
    }
}

/// Passes over the line at the window's beginning without holding it; returns its first bytes.
pub(super) fn pass_over_line(window: &mut Window) -> io::Result<Vec<u8>> {
    let bytes = window.bytes();
    let head = bytes[..bytes.len().min(BAD_TEXT_BYTES)].to_vec();
    loop {
        let bytes = window.bytes();
        if let Some(at) = memchr::memchr2(b'\n', b'\r', bytes) {
            let returned = bytes[at] == b'\r';
            window.take(at + 1);
            window.at_least(1)?;
            if returned && window.bytes().first() == Some(&b'\n') {
                window.take(1);
            }
            return Ok(head);
        }
        let all = bytes.len();
        window.take(all);
        if !window.fill()? {
            return Ok(head);
        }
    }
}

/// The first line, and how many bytes it takes with its end.
pub(super) fn first_line(bytes: &[u8]) -> (&[u8], usize) {
    let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) else { return (bytes, bytes.len()) };
    let two = bytes[end] == b'\r' && bytes.get(end + 1) == Some(&b'\n');
    (&bytes[..end], end + 1 + usize::from(two))
}

/// How many lines end within.
pub(super) fn line_ends(bytes: &[u8]) -> u64 {
    let mut n = 0;
    for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
        n += u64::from(bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n'));
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<(u64, usize, bool)> {
        let mut lines = Lines::new(Window::of(text));
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.row, line.bytes.len(), line.cut));
        }
        found
    }

    #[test]
    fn all_line_ends_count() {
        let expected = [(1, 1, false), (2, 2, false), (3, 0, false), (4, 1, false)];
        assert_eq!(all(b"a\nbb\r\n\rc"), expected);
        assert_eq!(all(b"a\nbb\r\n\rc\n"), expected);
        assert_eq!(all(b""), []);
        assert_eq!(all(b"\xEF\xBB\xBF"), []);
        assert_eq!(line_ends(b"a\nbb\r\n\rc\n"), 4);
    }

    #[test]
    fn a_line_too_long_is_told_by_its_beginning_and_the_next_is_read() {
        let mut text = vec![b'x'; LONGEST_BYTES + 70_000];
        text.extend_from_slice(b"\r\nshort");
        assert_eq!(all(&text), [(1, BAD_TEXT_BYTES, true), (2, 5, false)]);
    }
}
