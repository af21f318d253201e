//! Python's two ways to fill in a text: `'%s' % x` and `'{}'.format(x)`.

use super::args::Args;
use super::lookup;
use super::meter::{Meter, Res, fault};
use super::text::{Text, to_str};
use super::value::Val;
use std::iter::Peekable;
use std::str::Chars;

/// `format % values`
pub(super) fn format(meter: &Meter, format: &str, values: &Val) -> Res<Val> {
    let mut positional = match values {
        Val::Tuple(seq) => seq.items.clone(),
        other => vec![other.clone()],
    }
    .into_iter();
    let mut text = Text::new(meter);
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c.encode_utf8(&mut [0; 4]))?;
            continue;
        }
        let named = match chars.next_if_eq(&'(') {
            Some(_) => {
                let name: String = chars.by_ref().take_while(|c| *c != ')').collect();
                Some(lookup::item(meter, values, &Val::str(meter, name)?)?)
            }
            None => None,
        };
        let mut spec = Spec::default();
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '0' | '+' | ' ' | '#')) {
            match flag {
                '-' => spec.align = Some('<'),
                '0' => spec.zero = true,
                '+' => spec.sign = '+',
                _ => {}
            }
        }
        spec.width = number(&mut chars).unwrap_or(0);
        if chars.next_if_eq(&'.').is_some() {
            spec.precision = Some(number(&mut chars).unwrap_or(0));
        }
        spec.kind = chars.next().unwrap_or('%');
        if spec.kind == '%' {
            text.push("%")?;
            continue;
        }
        let Some(value) = named.or_else(|| positional.next()) else {
            return fault("not enough values for the format");
        };
        let right = spec.align.is_none();
        if right {
            spec.align = Some('>');
        }
        match spec.kind {
            'd' | 'i' | 'u' => {
                let Some(n) = value.as_int().or_else(|| value.as_f64().map(|f| f.trunc() as i128)) else {
                    return fault(format!("%d takes a number, not {}", value.kind()));
                };
                spec.kind = 'd';
                spec.write(&mut text, &Val::Int(n))?;
            }
            'r' => {
                let mut inner = Text::new(meter);
                inner.repr(&value)?;
                spec.kind = 's';
                spec.write(&mut text, &inner.into_val())?;
            }
            's' => {
                let value = Val::str(meter, to_str(meter, &value)?)?;
                spec.write(&mut text, &value)?;
            }
            _ => spec.write(&mut text, &value)?,
        }
    }
    Ok(text.into_val())
}

/// `format.format(…)`
pub(super) fn braces(meter: &Meter, format: &str, args: &Args) -> Res<Val> {
    let mut text = Text::new(meter);
    let mut next = 0;
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        text.push(&rest[..at])?;
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push(brace)?;
            rest = after;
            continue;
        }
        let Some(end) = rest.find('}').filter(|_| brace == "{") else {
            return fault("a single brace in a format");
        };
        let (field, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        let (field, spec) = field.split_once(':').unwrap_or((field, ""));
        let (field, conversion) = field.split_once('!').unwrap_or((field, ""));
        let mut value = field_value(meter, field, args, &mut next)?;
        if conversion == "r" {
            let mut inner = Text::new(meter);
            inner.repr(&value)?;
            value = inner.into_val();
        }
        Spec::parse(spec)?.write(&mut text, &value)?;
    }
    text.push(rest)?;
    Ok(text.into_val())
}

fn field_value(meter: &Meter, field: &str, args: &Args, next: &mut usize) -> Res<Val> {
    let end = field.find(['.', '[']).unwrap_or(field.len());
    let (name, mut path) = field.split_at(end);
    let found = if name.is_empty() {
        *next += 1;
        args.positional.get(*next - 1)
    } else {
        name.parse::<usize>().map_or_else(|_| args.named(name), |at| args.positional.get(at))
    };
    let Some(mut value) = found.cloned() else { return fault(format!("no value for {{{field}}}")) };
    while !path.is_empty() {
        if let Some(after) = path.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            value = lookup::attribute(meter, &value, &after[..end])?;
            path = &after[end..];
        } else {
            let Some(end) = path.find(']') else { return fault("a bracket is not closed in a format") };
            let key = &path[1..end];
            let key = key.parse().map_or_else(|_| Val::str(meter, key), |at| Ok(Val::Int(at)))?;
            value = lookup::item(meter, &value, &key)?;
            path = &path[end + 1..];
        }
    }
    Ok(value)
}

fn number(chars: &mut Peekable<Chars>) -> Option<usize> {
    let mut n: Option<usize> = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        n = Some(n.unwrap_or(0).saturating_mul(10).saturating_add(digit as usize));
    }
    n
}

/// `[[fill]align][sign][0][width][,][.precision][type]`
struct Spec {
    fill: char,
    align: Option<char>,
    sign: char,
    zero: bool,
    width: usize,
    comma: bool,
    precision: Option<usize>,
    kind: char,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            fill: ' ',
            align: None,
            sign: '-',
            zero: false,
            width: 0,
            comma: false,
            precision: None,
            kind: ' ',
        }
    }
}

impl Spec {
    fn parse(spec: &str) -> Res<Self> {
        let mut parsed = Self::default();
        let mut chars = spec.chars().peekable();
        let mut ahead = spec.chars();
        let (first, second) = (ahead.next(), ahead.next());
        if let (Some(fill), Some(align @ ('<' | '>' | '^'))) = (first, second) {
            parsed.fill = fill;
            parsed.align = Some(align);
            chars.next();
            chars.next();
        } else if let Some(align @ ('<' | '>' | '^')) = first {
            parsed.align = Some(align);
            chars.next();
        }
        if let Some(sign) = chars.next_if(|c| matches!(c, '+' | '-' | ' ')) {
            parsed.sign = sign;
        }
        parsed.zero = chars.next_if_eq(&'0').is_some();
        parsed.width = number(&mut chars).unwrap_or(0);
        parsed.comma = chars.next_if_eq(&',').is_some();
        if chars.next_if_eq(&'.').is_some() {
            parsed.precision = Some(number(&mut chars).unwrap_or(0));
        }
        parsed.kind = chars.next().unwrap_or(' ');
        if chars.next().is_some() {
            fault(format!("the format '{spec}' is not known here"))
        } else {
            Ok(parsed)
        }
    }

    fn write(&self, text: &mut Text, value: &Val) -> Res<()> {
        let precision = self.precision.unwrap_or(6);
        // Pays for the digits and the padding before they are made.
        text.meter.grow(self.width.saturating_mul(self.fill.len_utf8()).saturating_add(precision))?;
        if precision > 400 && self.kind != 's' && self.kind != ' ' {
            return fault("a format asks for too many digits");
        }
        let (mut body, numeric) = match (self.kind, value) {
            ('f' | 'F' | '%' | 'e' | 'g', value) => {
                let Some(f) = value.as_f64() else {
                    return fault(format!("a {} is no number", value.kind()));
                };
                (self.float(f), true)
            }
            ('d' | 'x' | 'X' | 'o' | 'b' | 'c', value) => {
                let Some(i) = value.as_int() else {
                    return fault(format!("a {} is no integer", value.kind()));
                };
                (self.int(i)?, true)
            }
            (' ' | 's', Val::Int(i)) => (self.int(*i)?, true),
            (' ', Val::Float(f)) if self.precision.is_some() => (self.float(*f), true),
            (' ' | 's', value) => {
                let whole = to_str(text.meter, value)?;
                let shown = self.precision.map_or(whole.clone(), |n| whole.chars().take(n).collect());
                (shown, matches!(value, Val::Float(_)))
            }
            (kind, _) => return fault(format!("the format {kind} is not known here")),
        };
        if numeric && self.sign != '-' && !body.starts_with('-') {
            body.insert(0, self.sign);
        }
        let missing = self.width.saturating_sub(body.chars().count());
        if self.zero && numeric && self.align != Some('<') {
            let at = usize::from(body.starts_with(['-', '+', ' ']));
            body.insert_str(at, &"0".repeat(missing));
            return text.push(&body);
        }
        let left = match self.align {
            Some('>') => missing,
            Some('^') => missing / 2,
            Some(_) => 0,
            None => {
                if numeric {
                    missing
                } else {
                    0
                }
            }
        };
        let fill = |n: usize| self.fill.to_string().repeat(n);
        text.push(&fill(left))?;
        text.push(&body)?;
        text.push(&fill(missing - left))
    }

    fn int(&self, i: i128) -> Res<String> {
        Ok(match self.kind {
            'x' => format!("{i:x}"),
            'X' => format!("{i:X}"),
            'o' => format!("{i:o}"),
            'b' => format!("{i:b}"),
            'c' => match u32::try_from(i).ok().and_then(char::from_u32) {
                Some(c) => c.to_string(),
                None => return fault("no such character"),
            },
            _ if self.comma => group(&i.to_string()),
            _ => i.to_string(),
        })
    }

    fn float(&self, f: f64) -> String {
        let precision = self.precision.unwrap_or(6);
        match self.kind {
            '%' => format!("{:.precision$}%", f * 100.0),
            'e' => {
                let text = format!("{f:.precision$e}");
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let n: i32 = exponent.parse().unwrap_or(0);
                format!("{digits}e{}{:02}", if n < 0 { '-' } else { '+' }, n.abs())
            }
            'g' | ' ' => super::text::float((format!("{f:.*e}", precision.max(1) - 1)).parse().unwrap_or(f))
                .trim_end_matches(".0")
                .to_owned(),
            _ if self.comma => {
                let text = format!("{f:.precision$}");
                let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
                rest.map_or_else(|| group(whole), |rest| format!("{}.{rest}", group(whole)))
            }
            _ => format!("{f:.precision$}"),
        }
    }
}

/// Thousands apart.
fn group(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |d| ("-", d));
    let mut out = String::from(sign);
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
