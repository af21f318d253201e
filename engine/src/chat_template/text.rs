//! Values as Python writes them: `str()` and `repr()`.

use super::meter::{Meter, Res};
use super::value::Val;

/// Collects text and pays for it.
pub(super) struct Text<'m> {
    pub(super) meter: &'m Meter,
    pub(super) out: String,
}

impl<'m> Text<'m> {
    pub(super) fn new(meter: &'m Meter) -> Self {
        Self { meter, out: String::new() }
    }

    pub(super) fn push(&mut self, text: &str) -> Res<()> {
        self.meter.grow(text.len())?;
        self.out.push_str(text);
        Ok(())
    }

    pub(super) fn into_val(self) -> Val {
        Val::Str(self.out.into())
    }

    /// Python's `str(value)`.
    pub(super) fn str(&mut self, value: &Val) -> Res<()> {
        match value {
            Val::Str(s) => self.push(s),
            Val::Undefined(_) => Ok(()),
            other => self.repr(other),
        }
    }

    /// Python's `repr(value)`.
    pub(super) fn repr(&mut self, value: &Val) -> Res<()> {
        match value {
            Val::Undefined(_) => self.push("Undefined"),
            Val::None => self.push("None"),
            Val::Bool(true) => self.push("True"),
            Val::Bool(false) => self.push("False"),
            Val::Int(i) => self.push(&i.to_string()),
            Val::Float(f) => self.push(&float(*f)),
            Val::Str(s) => self.quoted(s),
            Val::List(seq) => {
                self.push("[")?;
                self.items(&seq.items)?;
                self.push("]")
            }
            Val::Tuple(seq) => {
                self.push("(")?;
                self.items(&seq.items)?;
                self.push(if seq.items.len() == 1 { ",)" } else { ")" })
            }
            Val::Map(map) => {
                self.push("{")?;
                for (at, (key, value)) in map.entries.iter().enumerate() {
                    self.push(if at > 0 { ", " } else { "" })?;
                    self.repr(key)?;
                    self.push(": ")?;
                    self.repr(value)?;
                }
                self.push("}")
            }
            Val::Namespace(_) => self.push("<Namespace>"),
            Val::Macro(_) => self.push("<Macro>"),
            Val::Loop(_) => self.push("<LoopContext>"),
            Val::Function(name) => self.push(&format!("<function {name}>")),
            Val::Method(bound) => self.push(&format!("<built-in method {}>", bound.1)),
        }
    }

    fn items(&mut self, items: &[Val]) -> Res<()> {
        for (at, item) in items.iter().enumerate() {
            self.push(if at > 0 { ", " } else { "" })?;
            self.repr(item)?;
        }
        Ok(())
    }

    fn quoted(&mut self, s: &str) -> Res<()> {
        let quote = if s.contains('\'') && !s.contains('"') { '"' } else { '\'' };
        self.meter.grow(s.len() + 2)?;
        self.out.push(quote);
        for c in s.chars() {
            match c {
                '\\' => self.push("\\\\")?,
                '\n' => self.push("\\n")?,
                '\r' => self.push("\\r")?,
                '\t' => self.push("\\t")?,
                c if c == quote => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                c if is_printable(c) => self.out.push(c),
                c => self.push(&match u32::from(c) {
                    n @ 0..=0xff => format!("\\x{n:02x}"),
                    n @ 0x100..=0xffff => format!("\\u{n:04x}"),
                    n => format!("\\U{n:08x}"),
                })?,
            }
        }
        self.out.push(quote);
        Ok(())
    }
}

/// `str(value)` on its own.
pub(super) fn to_str(meter: &Meter, value: &Val) -> Res<String> {
    let mut text = Text::new(meter);
    text.str(value)?;
    Ok(text.out)
}

/// Python's shortest form that reads back the same.
pub(super) fn float(f: f64) -> String {
    if f.is_nan() {
        return "nan".into();
    }
    if f.is_infinite() {
        return if f > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{f:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if f == 0.0 || (-4..16).contains(&exponent) {
        let plain = format!("{f}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// Python's `str.isprintable`, but for code points that Unicode has not assigned yet.
fn is_printable(c: char) -> bool {
    c == ' '
        || !(c.is_control()
            || c.is_whitespace()
            || matches!(u32::from(c),
                0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2 | 0x180e
                | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x2064 | 0x2066..=0x206f | 0xe000..=0xf8ff
                | 0xfeff | 0xfff9..=0xfffb | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3
                | 0x1d173..=0x1d17a | 0xe0001 | 0xe0020..=0xe007f | 0xf0000..=0x10ffff))
}

#[cfg(test)]
mod tests {
    #[test]
    fn floats_look_like_pythons() {
        for (f, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e20, "1.5e+20"),
            (1e-4, "0.0001"),
            (1.25e-5, "1.25e-05"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(super::float(f), text);
        }
    }
}
