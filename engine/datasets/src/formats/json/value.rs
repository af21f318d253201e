//! Canonical JSON into values. `serde_json` reads floats to within one unit of the last place; here each is the
//! nearest float, so that what is read and written again is the same.

use serde_json::{Map, Number, Value};

/// Reads a value that was checked and made canonical; what is no such value is null.
#[must_use]
pub fn parse(line: &[u8]) -> Value {
    let mut text = Text { line, at: 0 };
    text.value(0)
}

struct Text<'a> {
    line: &'a [u8],
    at: usize,
}

impl Text<'_> {
    fn peek(&self) -> u8 {
        self.line.get(self.at).copied().unwrap_or(0)
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.peek() {
            b'"' => Value::String(self.string()),
            b'{' if depth < 128 => self.object(depth),
            b'[' if depth < 128 => self.array(depth),
            b't' => self.word(4, Value::Bool(true)),
            b'f' => self.word(5, Value::Bool(false)),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.word(4, Value::Null),
        }
    }

    fn word(&mut self, len: usize, value: Value) -> Value {
        self.at += len;
        value
    }

    fn object(&mut self, depth: usize) -> Value {
        let mut map = Map::new();
        self.at += 1;
        while self.peek() == b'"' {
            let key = self.string();
            self.at += 1;
            let value = self.value(depth + 1);
            map.insert(key, value);
            self.at += usize::from(self.peek() == b',');
        }
        self.at += 1;
        Value::Object(map)
    }

    fn array(&mut self, depth: usize) -> Value {
        let mut list = Vec::new();
        self.at += 1;
        while !matches!(self.peek(), b']' | 0) {
            list.push(self.value(depth + 1));
            self.at += usize::from(self.peek() == b',');
        }
        self.at += 1;
        Value::Array(list)
    }

    fn number(&mut self) -> Value {
        let from = self.at;
        while matches!(self.peek(), b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') {
            self.at += 1;
        }
        number(std::str::from_utf8(&self.line[from..self.at]).unwrap_or_default())
    }

    fn string(&mut self) -> String {
        let from = self.at;
        self.at += 1;
        let mut escaped = false;
        while let Some(n) = memchr::memchr2(b'"', b'\\', self.line.get(self.at..).unwrap_or_default()) {
            self.at += n;
            if self.peek() == b'"' {
                break;
            }
            escaped = true;
            self.at += 2;
        }
        let inside = self.line.get(from + 1..self.at).unwrap_or_default();
        self.at += 1;
        if escaped {
            let whole = self.line.get(from..self.at).unwrap_or_default();
            return serde_json::from_slice(whole).unwrap_or_default();
        }
        String::from_utf8_lossy(inside).into_owned()
    }
}

/// A number as `serde_json` has it: whole ones that fit stay whole, all others are the nearest float.
pub(crate) fn number(text: &str) -> Value {
    if text != "-0" {
        if let Ok(n) = text.parse::<i64>() {
            return Value::Number(n.into());
        }
        if let Ok(n) = text.parse::<u64>() {
            return Value::Number(n.into());
        }
    }
    let float = text.parse::<f64>().ok().and_then(Number::from_f64);
    float.map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_read() {
        for value in [
            json!({"a": [1, -2, 2.5, u64::MAX, i64::MIN], "b": {"c": null, "d": [true, false, []], "e": {}}}),
            json!("text \" with \\ everything \u{1} 😀 \n"),
            json!([]),
            json!(null),
        ] {
            assert_eq!(parse(value.to_string().as_bytes()), value);
        }
    }

    #[test]
    fn floats_are_the_nearest() {
        for float in [0.1 + 0.2, 5e-324, 1.797_693_134_862_315_7e308, 8.988_465_674_311_58e307, -0.0] {
            let Value::Number(read) = parse(json!(float).to_string().as_bytes()) else { panic!("a number") };
            assert_eq!(read.as_f64().unwrap().to_bits(), f64::to_bits(float));
        }
    }

    #[test]
    fn what_is_no_value_ends() {
        for text in ["", "{", "[", "\"", "{\"a", "[1,", "{\"a\":", "\"\\", "]", "x"] {
            assert!(parse(text.as_bytes()).as_str().is_none_or(str::is_empty), "{text}");
        }
    }
}
