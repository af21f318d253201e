//! `tojson` as transformers has it: Python's `json.dumps` without HTML escapes, non-ASCII text as it is.

use super::meter::{Res, fault};
use super::text::{Text, float};
use super::value::{Val, compare};

pub(super) struct Dump {
    pub(super) indent: Option<String>,
    pub(super) item_separator: String,
    pub(super) key_separator: String,
    pub(super) sort_keys: bool,
    pub(super) ensure_ascii: bool,
}

impl Dump {
    pub(super) fn write(&self, text: &mut Text, value: &Val, depth: usize) -> Res<()> {
        match value {
            Val::None => text.push("null"),
            Val::Bool(b) => text.push(if *b { "true" } else { "false" }),
            Val::Int(i) => text.push(&i.to_string()),
            Val::Float(f) => text.push(&number(*f)),
            Val::Str(s) => self.string(text, s),
            Val::List(seq) | Val::Tuple(seq) => {
                text.push("[")?;
                for (at, item) in seq.items.iter().enumerate() {
                    self.lead(text, at, depth + 1)?;
                    self.write(text, item, depth + 1)?;
                }
                self.close(text, seq.items.is_empty(), depth, "]")
            }
            Val::Map(map) => {
                let mut entries = map.entries.clone();
                text.meter.grow(entries.len() * 96)?;
                if self.sort_keys {
                    entries = super::sort::sorted(entries, |a, b| compare(text.meter, &a.0, &b.0))?;
                }
                text.push("{")?;
                for (at, (key, value)) in entries.iter().enumerate() {
                    self.lead(text, at, depth + 1)?;
                    self.key(text, key)?;
                    text.push(&self.key_separator)?;
                    self.write(text, value, depth + 1)?;
                }
                self.close(text, entries.is_empty(), depth, "}")
            }
            other => fault(format!("a value of type {} cannot be written as JSON", other.kind())),
        }
    }

    fn lead(&self, text: &mut Text, at: usize, depth: usize) -> Res<()> {
        if at > 0 {
            text.push(&self.item_separator)?;
        }
        self.new_line(text, depth)
    }

    fn close(&self, text: &mut Text, empty: bool, depth: usize, bracket: &str) -> Res<()> {
        if !empty {
            self.new_line(text, depth)?;
        }
        text.push(bracket)
    }

    fn new_line(&self, text: &mut Text, depth: usize) -> Res<()> {
        let Some(indent) = &self.indent else { return Ok(()) };
        text.push("\n")?;
        for _ in 0..depth {
            text.push(indent)?;
        }
        Ok(())
    }

    fn key(&self, text: &mut Text, key: &Val) -> Res<()> {
        match key {
            Val::Str(s) => self.string(text, s),
            Val::Int(i) => text.push(&format!("\"{i}\"")),
            Val::Float(f) => text.push(&format!("\"{}\"", number(*f))),
            Val::Bool(b) => text.push(if *b { "\"true\"" } else { "\"false\"" }),
            Val::None => text.push("\"null\""),
            other => fault(format!("a key of type {} cannot be written as JSON", other.kind())),
        }
    }

    fn string(&self, text: &mut Text, s: &str) -> Res<()> {
        text.meter.grow(s.len() + 2)?;
        text.out.push('"');
        for c in s.chars() {
            match c {
                '"' => text.push("\\\"")?,
                '\\' => text.push("\\\\")?,
                '\n' => text.push("\\n")?,
                '\r' => text.push("\\r")?,
                '\t' => text.push("\\t")?,
                '\u{8}' => text.push("\\b")?,
                '\u{c}' => text.push("\\f")?,
                c if u32::from(c) < 0x20 => text.push(&format!("\\u{:04x}", u32::from(c)))?,
                c if self.ensure_ascii && !c.is_ascii() => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        text.push(&format!("\\u{unit:04x}"))?;
                    }
                }
                c => text.out.push(c),
            }
        }
        text.out.push('"');
        Ok(())
    }
}

fn number(f: f64) -> String {
    match f {
        f if f.is_nan() => "NaN".into(),
        f if f.is_infinite() => if f > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        f => float(f),
    }
}
