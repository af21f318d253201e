//! What a cell says: a text, or a value as JSON writes it.
//!
//! Glassworks' own tables quote every text and nothing else, so that `"1"` is a text and `1` a number. Tables of
//! others quote where they must: there a column in which any plain cell is a text holds texts alone.

use super::super::json::{canonical, number, parse, push_string};

/// How a column's cells are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Rule {
    /// As texts, whatever they look like.
    Text,
    /// Plain numbers, `true` and `false` are what they look like, and so is JSON in quotes.
    Typed,
}

/// Whether a cell without quotes is something else than a text.
pub(super) fn is_literal(text: &[u8]) -> bool {
    text.is_empty() || word(text).is_some() || is_number(text)
}

fn word(text: &[u8]) -> Option<&'static [u8]> {
    Some(match text {
        b"true" | b"True" | b"TRUE" => b"true",
        b"false" | b"False" | b"FALSE" => b"false",
        b"null" => b"null",
        _ => return None,
    })
}

/// A number as JSON writes it that keeps its value: whole ones in 64 bits, others in 17 digits.
fn is_number(text: &[u8]) -> bool {
    let begins = matches!(text, [b'-', b'0'..=b'9', ..] | [b'0'..=b'9', ..]);
    if !begins || text.len() > 40 {
        return false;
    }
    let whole = text.strip_prefix(b"-").unwrap_or(text);
    if whole.iter().all(u8::is_ascii_digit) {
        let text = std::str::from_utf8(text).unwrap_or_default();
        let padded = whole.len() > 1 && whole[0] == b'0' || text == "-0";
        return !padded && (text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok());
    }
    let mantissa = text.iter().take_while(|one| !matches!(one, b'e' | b'E'));
    let digits: Vec<u8> = mantissa.copied().filter(u8::is_ascii_digit).collect();
    let leading = digits.iter().take_while(|one| **one == b'0').count();
    let trailing = digits.iter().rev().take_while(|one| **one == b'0').count();
    digits.len().saturating_sub(leading + trailing) <= 17
        && canonical(text, &mut Vec::new(), &mut Vec::new()) == Ok(text.len())
}

/// Writes a cell as JSON; whether it is a list or an object.
pub(super) fn push(text: &[u8], quoted: bool, rule: Rule, line: &mut Vec<u8>) -> bool {
    if !quoted && text.is_empty() {
        line.extend_from_slice(b"null");
        return false;
    }
    if rule == Rule::Typed {
        if !quoted {
            if let Some(word) = word(text) {
                line.extend_from_slice(word);
                return false;
            }
            if is_number(text) {
                line.extend_from_slice(text);
                return false;
            }
        }
        match text.first() {
            Some(b'[' | b'{') => {
                let before = line.len();
                if is_nested(text, line) {
                    return true;
                }
                line.truncate(before);
            }
            Some(b'"') => {
                if let Some(inner) = escaped(text) {
                    push_string(&inner, line);
                    return false;
                }
            }
            _ => {}
        }
    }
    push_string(text, line);
    false
}

/// The value that a cell is.
pub(in crate::formats) fn cell_value(text: &[u8], quoted: bool, rule: Rule) -> serde_json::Value {
    let mut line = Vec::new();
    push(text, quoted, rule, &mut line);
    parse(&line)
}

/// Whether a text is a list or an object in JSON; it is appended to `line`, as far as it is.
fn is_nested(text: &[u8], line: &mut Vec<u8>) -> bool {
    canonical(text, line, &mut Vec::new()) == Ok(text.len())
}

/// A text that would be taken for a list, an object or such a text: written as JSON writes it.
fn is_ambiguous(text: &[u8]) -> bool {
    match text.first() {
        Some(b'[' | b'{') => is_nested(text, &mut Vec::new()),
        Some(b'"') => escaped(text).is_some(),
        _ => false,
    }
}

/// The ambiguous text that `text` is a JSON string of.
fn escaped(text: &[u8]) -> Option<Vec<u8>> {
    // Every level of quotes doubles what is to be looked at; nobody wraps a text as often as this.
    if text.iter().take_while(|one| matches!(one, b'"' | b'\\')).count() > 64 {
        return None;
    }
    let inner: String = serde_json::from_slice(text).ok()?;
    is_ambiguous(inner.as_bytes()).then(|| inner.into_bytes())
}

/// Writes a field's canonical JSON as a cell: what [`push`] reads back as the same.
pub(crate) fn cell(value: &[u8], out: &mut Vec<u8>) {
    match value.first() {
        Some(b'"') => {
            let text: String = serde_json::from_slice(value).unwrap_or_default();
            if is_ambiguous(text.as_bytes()) { quote(value, out) } else { quote(text.as_bytes(), out) }
        }
        Some(b'[' | b'{') => quote(value, out),
        // With more digits than a cell's number may have: the float that it is.
        Some(b'-' | b'0'..=b'9') if !is_number(value) => {
            let float = number(std::str::from_utf8(value).unwrap_or_default());
            out.extend_from_slice(float.to_string().as_bytes());
        }
        _ if value == b"null" => {}
        _ => out.extend_from_slice(value),
    }
}

/// A text in quotes.
pub(crate) fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'"', rest) {
        out.extend_from_slice(&rest[..=at]);
        out.push(b'"');
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
