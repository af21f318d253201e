//! One pass over a JSON text: checks it and writes it as compact as `serde_json` would, with UTF-8 in place of
//! escapes, numbers as they were written, and nothing that another parser would take otherwise.
//!
//! What is canonical already is copied in one piece, which is what makes reading fast.

use std::ops::Range;

/// How deep arrays and objects may lie within each other; `serde_json` reads 128.
const DEEPEST: usize = 100;

/// A field of the outermost object, as places in the canonical line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Without its quotes; escapes as they stand.
    pub key: Range<usize>,
    pub value: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// It ends in the middle.
    Ended,
    /// Something else belongs here.
    Unexpected,
    /// An escape that stands for no character.
    Escape,
    /// A line end or other control character within a string.
    Control,
    /// A number that is none, or that no float can hold.
    Number,
    TooDeep,
    /// An object has a key twice: one of the two values would be lost.
    KeyTwice,
}

/// What is wrong, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub kind: FaultKind,
    pub at: usize,
}

/// Reads one value from the beginning of `source`, which is UTF-8 or is checked by who calls, and appends it to
/// `line`. Returns how many bytes it took. Of an object `fields` are the fields; of anything else there are none.
pub(crate) fn canonical(source: &[u8], line: &mut Vec<u8>, fields: &mut Vec<Field>) -> Result<usize, Fault> {
    fields.clear();
    let mut scan = Scan { source, at: 0, copied: 0, line, keys: Vec::new(), fields };
    scan.spaces();
    scan.copied = scan.at;
    scan.value(0)?;
    scan.flush(scan.at);
    Ok(scan.at)
}

struct Scan<'a> {
    source: &'a [u8],
    at: usize,
    /// All before is in `line`, as far as it is kept.
    copied: usize,
    line: &'a mut Vec<u8>,
    /// Of all objects that are open, as places in `line`.
    keys: Vec<Range<usize>>,
    fields: &'a mut Vec<Field>,
}

impl Scan<'_> {
    fn fault<T>(&self, kind: FaultKind) -> Result<T, Fault> {
        let kind = if self.at >= self.source.len() { FaultKind::Ended } else { kind };
        Err(Fault { kind, at: self.at })
    }

    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    /// Puts what was passed since the last time into the line, up to `end`.
    fn flush(&mut self, end: usize) {
        self.line.extend_from_slice(&self.source[self.copied..end]);
        self.copied = end;
    }

    /// Where in the line the next byte comes to lie.
    fn place(&self) -> usize {
        self.line.len() + self.at - self.copied
    }

    /// Passes over spaces between tokens, which are not kept.
    fn spaces(&mut self) {
        let from = self.at;
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
        if self.at > from {
            self.flush(from);
            self.copied = self.at;
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), Fault> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => self.fault(FaultKind::Unexpected),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Fault> {
        for expected in word {
            if self.peek() != Some(*expected) {
                return self.fault(FaultKind::Unexpected);
            }
            self.at += 1;
        }
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), Fault> {
        if depth == DEEPEST {
            return self.fault(FaultKind::TooDeep);
        }
        self.at += 1;
        self.spaces();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.spaces();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.fault(FaultKind::Unexpected),
            }
            self.spaces();
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Fault> {
        if depth == DEEPEST {
            return self.fault(FaultKind::TooDeep);
        }
        let first_key = self.keys.len();
        self.at += 1;
        self.spaces();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.fault(FaultKind::Unexpected);
            }
            let (began, key) = (self.at, self.place() + 1);
            self.string()?;
            let key = key..self.place() - 1;
            self.only_once(first_key, &key, began)?;
            self.keys.push(key.clone());
            self.spaces();
            if self.peek() != Some(b':') {
                return self.fault(FaultKind::Unexpected);
            }
            self.at += 1;
            self.spaces();
            let value = self.place();
            self.value(depth + 1)?;
            if depth == 0 {
                self.fields.push(Field { key, value: value..self.place() });
            }
            self.spaces();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    break;
                }
                _ => return self.fault(FaultKind::Unexpected),
            }
            self.spaces();
        }
        self.many_once(first_key)?;
        self.keys.truncate(first_key);
        Ok(())
    }

    /// Of the first few keys: each against those before. More are looked at together when the object ends.
    fn only_once(&mut self, first_key: usize, key: &Range<usize>, began: usize) -> Result<(), Fault> {
        let before = &self.keys[first_key..];
        if before.len() >= FEW_KEYS || !before.iter().any(|one| one.len() == key.len()) {
            return Ok(());
        }
        self.flush(self.at);
        let same = |one: &Range<usize>| self.line[one.clone()] == self.line[key.clone()];
        if self.keys[first_key..].iter().any(same) {
            return Err(Fault { kind: FaultKind::KeyTwice, at: began });
        }
        Ok(())
    }

    fn many_once(&mut self, first_key: usize) -> Result<(), Fault> {
        if self.keys.len() - first_key <= FEW_KEYS {
            return Ok(());
        }
        self.flush(self.at);
        let line = &*self.line;
        let mut keys: Vec<&[u8]> = self.keys[first_key..].iter().map(|one| &line[one.clone()]).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Fault { kind: FaultKind::KeyTwice, at: self.at - 1 });
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Fault> {
        self.at += 1;
        loop {
            let rest = &self.source[self.at..];
            let run = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            if has_control(&rest[..run]) {
                self.at += rest.iter().position(|one| *one < 0x20).unwrap_or(run);
                return self.fault(FaultKind::Control);
            }
            self.at += run;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => self.escape()?,
                None => return self.fault(FaultKind::Ended),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let began = self.at;
        match self.source.get(began + 1) {
            Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'/') => {
                self.flush(began);
                self.at += 2;
                self.copied = self.at - 1;
                Ok(())
            }
            Some(b'u') => {
                self.flush(began);
                let one = self.character()?;
                push_escaped(one, self.line);
                self.copied = self.at;
                Ok(())
            }
            Some(_) => self.fault(FaultKind::Escape),
            None => {
                self.at = self.source.len();
                self.fault(FaultKind::Ended)
            }
        }
    }

    /// `\u0041`, or the two halves of a surrogate pair.
    fn character(&mut self) -> Result<char, Fault> {
        let began = self.at;
        let first = self.unit()?;
        if let Some(one) = char::from_u32(first) {
            return Ok(one);
        }
        let second = if first < 0xDC00 { self.unit() } else { Ok(0) };
        match second {
            Ok(second @ 0xDC00..=0xDFFF) => {
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                Ok(char::from_u32(code).unwrap_or('\u{FFFD}'))
            }
            Err(Fault { kind: FaultKind::Ended, at }) => Err(Fault { kind: FaultKind::Ended, at }),
            _ => Err(Fault { kind: FaultKind::Escape, at: began }),
        }
    }

    fn unit(&mut self) -> Result<u32, Fault> {
        let began = self.at;
        let mut unit = 0;
        for n in 0..6 {
            let Some(one) = self.source.get(began + n).copied() else {
                self.at = self.source.len();
                return self.fault(FaultKind::Ended);
            };
            match n {
                0 if one == b'\\' => {}
                1 if one == b'u' => {}
                2.. if one.is_ascii_hexdigit() => unit = unit << 4 | (one as char).to_digit(16).unwrap_or(0),
                _ => return Err(Fault { kind: FaultKind::Escape, at: began }),
            }
        }
        self.at = began + 6;
        Ok(unit)
    }

    fn digits(&mut self) -> Result<(), Fault> {
        if !self.peek().is_some_and(|one| one.is_ascii_digit()) {
            return self.fault(FaultKind::Number);
        }
        while self.peek().is_some_and(|one| one.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        let began = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if self.peek().is_some_and(|one| one.is_ascii_digit()) {
                return self.fault(FaultKind::Number);
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        let mut large = self.at - began > 300;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            large = true;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if large && !finite(&self.source[began..self.at]) {
            return Err(Fault { kind: FaultKind::Number, at: began });
        }
        Ok(())
    }
}

/// Up to as many keys each is compared with those before it.
const FEW_KEYS: usize = 12;

fn finite(number: &[u8]) -> bool {
    let text = std::str::from_utf8(number).unwrap_or_default();
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Without a branch for each byte, so that it is computed many at a time.
fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |any, one| any | (*one < 0x20))
}

/// A character within a string, escaped where JSON wants it, as `serde_json` writes it.
pub(crate) fn push_escaped(one: char, line: &mut Vec<u8>) {
    let short = match one {
        '"' => b'"',
        '\\' => b'\\',
        '\u{8}' => b'b',
        '\u{C}' => b'f',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\0'..='\u{1F}' => {
            line.extend_from_slice(format!("\\u{:04x}", one as u32).as_bytes());
            return;
        }
        _ => {
            line.extend_from_slice(one.encode_utf8(&mut [0; 4]).as_bytes());
            return;
        }
    };
    line.extend_from_slice(&[b'\\', short]);
}

/// A text as a JSON string, its quotes included.
pub(crate) fn push_string(text: &[u8], line: &mut Vec<u8>) {
    line.push(b'"');
    let mut copied = 0;
    // Most texts have nothing to escape: looked at many bytes at a time first.
    let plain = text.iter().fold(true, |all, one| all & (*one >= 0x20) & (*one != b'"') & (*one != b'\\'));
    if !plain {
        for (at, one) in text.iter().enumerate() {
            if *one < 0x20 || matches!(one, b'"' | b'\\') {
                line.extend_from_slice(&text[copied..at]);
                push_escaped(*one as char, line);
                copied = at + 1;
            }
        }
    }
    line.extend_from_slice(&text[copied..]);
    line.push(b'"');
}

#[cfg(test)]
mod tests;
