//! A row's JSON read where it lies, without building it: fields, items and texts of a line are slices of it.
//!
//! Lines are as [`crate::to_line`] writes them. What is no JSON ends early and never panics.

use memchr::{memchr, memchr_iter, memchr2, memmem};
use std::borrow::Cow;

/// A JSON value as it stands in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a>(&'a [u8]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawKind {
    Null,
    Bool,
    Number,
    Text,
    List,
    Object,
}

/// What a text is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Unicode characters.
    pub n_chars: u32,
    /// Nothing but white space.
    pub blank: bool,
    /// Control characters besides tab and newline (also as CR LF), or U+FFFD.
    pub control: bool,
}

/// The fields of a line.
#[must_use]
pub fn fields(line: &[u8]) -> Fields<'_> {
    Raw(line).fields()
}

/// A text as it stands between the quotes of a line.
#[must_use]
pub fn escape(text: &str) -> Vec<u8> {
    let quoted = serde_json::to_vec(text).unwrap_or_default();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_vec()
}

impl<'a> Raw<'a> {
    /// A value that was cut out of a line.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    #[must_use]
    pub fn kind(self) -> RawKind {
        match self.0.first() {
            Some(b'"') => RawKind::Text,
            Some(b'[') => RawKind::List,
            Some(b'{') => RawKind::Object,
            Some(b't' | b'f') => RawKind::Bool,
            Some(b'-' | b'0'..=b'9') => RawKind::Number,
            _ => RawKind::Null,
        }
    }

    /// What stands between the quotes of a text, with its escapes.
    #[must_use]
    pub fn inner(self) -> Option<&'a [u8]> {
        if self.kind() == RawKind::Text { self.0.get(1..self.0.len().checked_sub(1)?) } else { None }
    }

    /// A text, read.
    #[must_use]
    pub fn text(self) -> Option<Cow<'a, str>> {
        self.inner().map(read)
    }

    /// A text, or a number or truth value as it is written.
    #[must_use]
    pub fn scalar(self) -> Option<Cow<'a, str>> {
        match self.kind() {
            RawKind::Text => self.text(),
            RawKind::Number | RawKind::Bool => Some(String::from_utf8_lossy(self.0)),
            _ => None,
        }
    }

    #[must_use]
    pub fn number(self) -> Option<f64> {
        if self.kind() == RawKind::Number { std::str::from_utf8(self.0).ok()?.parse().ok() } else { None }
    }

    /// A whole number that is not negative.
    #[must_use]
    pub fn whole(self) -> Option<u64> {
        if self.kind() == RawKind::Number { std::str::from_utf8(self.0).ok()?.parse().ok() } else { None }
    }

    /// The items of a list; none of anything else.
    #[must_use]
    pub fn items(self) -> Items<'a> {
        let rest = if self.kind() == RawKind::List { &self.0[1..] } else { &[][..] };
        Items { rest }
    }

    /// The fields of an object; none of anything else.
    #[must_use]
    pub fn fields(self) -> Fields<'a> {
        let rest = if self.kind() == RawKind::Object { &self.0[1..] } else { &[][..] };
        Fields { rest }
    }

    /// An object's field by a name without escapes.
    #[must_use]
    pub fn field(self, name: &str) -> Option<Raw<'a>> {
        self.fields().find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
    }
}

#[derive(Clone, Debug)]
pub struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Items<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        let at = skip(self.rest, 0, b',');
        let end = value_end(self.rest, at)?;
        let value = Raw(&self.rest[at..end]);
        self.rest = &self.rest[end..];
        Some(value)
    }
}

#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    /// A name as it stands between its quotes, and the value.
    type Item = (&'a [u8], Raw<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let at = skip(self.rest, 0, b',');
        if self.rest.get(at) != Some(&b'"') {
            self.rest = &[];
            return None;
        }
        let after_key = string_end(self.rest, at)?;
        let start = skip(self.rest, after_key, b':');
        let end = value_end(self.rest, start)?;
        let field = (&self.rest[at + 1..after_key - 1], Raw(&self.rest[start..end]));
        self.rest = &self.rest[end..];
        Some(field)
    }
}

/// Past white space and a mark.
fn skip(bytes: &[u8], mut at: usize, mark: u8) -> usize {
    while bytes.get(at).is_some_and(|byte| *byte <= b' ' || *byte == mark) {
        at += 1;
    }
    at
}

/// Where the text that begins with the quote at `at` ends, its closing quote included.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string_end(bytes, at),
        b'{' | b'[' => nested_end(bytes, at),
        b'}' | b']' => None,
        _ => {
            let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']') || *byte <= b' ';
            let n = bytes[at..].iter().position(is_end).unwrap_or(bytes.len() - at);
            Some(at + n)
        }
    }
}

fn nested_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_u32;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => (),
        }
        at += 1;
    }
}

/// A text from between its quotes.
#[must_use]
pub fn read(inner: &[u8]) -> Cow<'_, str> {
    if memchr(b'\\', inner).is_none() {
        return String::from_utf8_lossy(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    unescape(inner, &mut out);
    Cow::Owned(String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// Puts what stands between quotes at the end of `out`, its escapes read.
pub fn unescape(inner: &[u8], out: &mut Vec<u8>) {
    let mut rest = inner;
    while let Some(at) = memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let (one, taken) = escaped(&rest[at..]);
        out.extend_from_slice(one.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &rest[at + taken..];
    }
    out.extend_from_slice(rest);
}

/// The characters of what stands between quotes, one after another.
pub fn letters(inner: &[u8]) -> impl Iterator<Item = char> {
    let mut rest = inner;
    std::iter::from_fn(move || {
        let first = *rest.first()?;
        let (one, taken) = match first {
            b'\\' => escaped(rest),
            0..0x80 => (char::from(first), 1),
            _ => {
                let n = if first < 0xe0 { 2 } else { 3 + usize::from(first >= 0xf0) };
                let one = rest.get(..n).and_then(|bytes| std::str::from_utf8(bytes).ok());
                one.and_then(|one| one.chars().next())
                    .map_or((char::REPLACEMENT_CHARACTER, 1), |one| (one, n))
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
        Some(one)
    })
}

/// The character that an escape stands for, and its length.
fn escaped(bytes: &[u8]) -> (char, usize) {
    let lost = char::REPLACEMENT_CHARACTER;
    let one = match bytes.get(1) {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => {
            let unit = |at: usize| {
                let digits = std::str::from_utf8(bytes.get(at..at + 4)?).ok()?;
                u32::from_str_radix(digits, 16).ok()
            };
            let Some(first) = unit(2) else { return (lost, 2) };
            if let Some(one) = char::from_u32(first) {
                return (one, 6);
            }
            let second = if bytes.get(6..8) == Some(b"\\u") { unit(8) } else { None };
            return match second {
                Some(second @ 0xdc00..=0xdfff) if first < 0xdc00 => {
                    let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    (char::from_u32(code).unwrap_or(lost), 12)
                }
                _ => (lost, 6),
            };
        }
        Some(other) if other.is_ascii() => char::from(*other),
        _ => return (lost, 1),
    };
    (one, 2)
}

/// Measures what stands between quotes.
#[must_use]
pub fn measure(inner: &[u8]) -> Measure {
    let mut n_chars = count_chars(inner);
    let mut control = has_raw_control(inner);
    let mut at = 0;
    while let Some(found) = memchr(b'\\', &inner[at..]) {
        at += found;
        let (one, taken) = escaped(&inner[at..]);
        n_chars -= taken - 1;
        at += taken;
        control |= is_control(one, inner[at..].starts_with(b"\\n"));
    }
    Measure { n_chars: u32::try_from(n_chars).unwrap_or(u32::MAX), blank: is_blank(inner), control }
}

/// Characters of valid UTF-8: bytes that begin one.
fn count_chars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// Whether a person would call it a stray control character; CR counts unless a newline follows.
#[must_use]
pub fn is_control(one: char, newline_follows: bool) -> bool {
    match one {
        '\t' | '\n' => false,
        '\r' => !newline_follows,
        char::REPLACEMENT_CHARACTER => true,
        _ => one.is_control(),
    }
}

/// DEL, U+0080 to U+009F, U+FFFD: those that JSON lets stand as they are.
fn has_raw_control(bytes: &[u8]) -> bool {
    memchr(0x7f, bytes).is_some()
        || memchr_iter(0xc2, bytes).any(|at| bytes.get(at + 1).is_some_and(|next| *next < 0xa0))
        || memmem::find(bytes, "\u{fffd}".as_bytes()).is_some()
}

fn is_blank(inner: &[u8]) -> bool {
    // The first byte nearly always tells.
    if inner.first().is_some_and(|byte| byte.is_ascii_graphic() && *byte != b'\\') {
        return false;
    }
    read(inner).trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_items_are_those_of_serde() {
        let line = r#"{"a":"x\"}y","b":[1,"],",{"c":[]}],"d":{"e":{"f":null}},"g\n":-1.5e3,"h":true,"i":[]}"#;
        let value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        let found: Vec<_> = fields(line.as_bytes()).collect();
        assert_eq!(found.len(), value.len());
        for ((key, raw), (name, value)) in found.iter().zip(&value) {
            assert_eq!(read(key), *name);
            let parsed: serde_json::Value = serde_json::from_slice(raw.bytes()).unwrap();
            assert_eq!(parsed, *value);
        }
        assert_eq!(found[1].1.items().count(), 3);
        assert_eq!(found[5].1.items().count(), 0);
        assert_eq!(found[3].1.number(), Some(-1500.0));
    }

    #[test]
    fn broken_lines_end_early() {
        for line in
            ["", "{", "{\"a", "{\"a\":", "{\"a\":[1,", "{\"a\":\"x\\", "[1]", "{\"a\" 1", "nul", "{]}"]
        {
            for (_, value) in fields(line.as_bytes()) {
                value.items().for_each(drop);
                value.fields().for_each(drop);
                drop(value.text());
            }
        }
    }

    fn check(text: &str) {
        let inner = escape(text);
        assert_eq!(read(&inner), text);
        let control = text
            .char_indices()
            .any(|(at, one)| is_control(one, text[at + one.len_utf8()..].starts_with('\n')));
        let expected = Measure {
            n_chars: u32::try_from(text.chars().count()).unwrap(),
            blank: text.trim().is_empty(),
            control,
        };
        assert_eq!(measure(&inner), expected, "{text:?}");
        assert_eq!(letters(&inner).collect::<String>(), text);
    }

    #[test]
    fn texts_are_measured_through_their_escapes() {
        for text in [
            "",
            " \n\t",
            "\u{3000}",
            "a\r\nb",
            "a\rb",
            "\u{7}",
            "déjà\u{85}",
            "©",
            "中文，好",
            "😀\u{fffd}",
            "\"\\/",
        ] {
            check(text);
        }
        assert_eq!(read(br"\ud83d\ude00\u00e9\/"), "😀é/");
        assert_eq!(measure(br"\ud83d\ude00\u00e9").n_chars, 2);
        assert_eq!(read(br"\ud83dx"), "\u{fffd}x");
        assert_eq!(letters(br"\ud83d\ude00\u00e9\/").collect::<String>(), "😀é/");
        assert_eq!(letters(b"a\xffb\xe4\xb8").collect::<String>(), "a\u{fffd}b\u{fffd}\u{fffd}");
    }
}
