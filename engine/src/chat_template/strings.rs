//! Methods of Python's `str`.

use super::args::Args;
use super::meter::{Meter, Res, fault};
use super::percent;
use super::text::{Text, to_str};
use super::value::Val;

pub(super) const NAMES: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "endswith",
    "find",
    "format",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "islower",
    "isnumeric",
    "isspace",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
];

pub(super) fn call(meter: &Meter, s: &str, name: &str, args: &Args) -> Res<Val> {
    meter.scan(s.len())?;
    if let Some(answer) = question(s, name) {
        return Ok(Val::Bool(answer));
    }
    match name {
        "upper" => Val::str(meter, s.to_uppercase()),
        "lower" | "casefold" => Val::str(meter, s.to_lowercase()),
        "capitalize" => Val::str(meter, capitalize(s)),
        "title" => Val::str(meter, title(s)),
        "swapcase" => Val::str(meter, swap_case(s)),
        "strip" | "lstrip" | "rstrip" => Val::str(meter, strip(s, name, args.text_or_none(0, "chars")?)),
        "startswith" | "endswith" => {
            affix(meter, s, name == "startswith", args.need(0, "affix")?).map(Val::Bool)
        }
        "removeprefix" => {
            let affix = args.text(0, "prefix")?;
            Val::str(meter, s.strip_prefix(affix).unwrap_or(s))
        }
        "removesuffix" => {
            let affix = args.text(0, "suffix")?;
            Val::str(meter, s.strip_suffix(affix).unwrap_or(s))
        }
        "replace" => {
            let count = args.int_or(2, "count", -1)?;
            replace(meter, s, args.text(0, "old")?, args.text(1, "new")?, usize::try_from(count).ok())
        }
        "find" | "index" | "rfind" | "rindex" => {
            let part = args.text(0, "sub")?;
            let at = if name.starts_with('r') { s.rfind(part) } else { s.find(part) };
            match at {
                Some(at) => Ok(Val::Int(s[..at].chars().count() as i128)),
                None if name.ends_with("find") => Ok(Val::Int(-1)),
                None => fault("the text is not in the string"),
            }
        }
        "count" => {
            let part = args.text(0, "sub")?;
            let n = if part.is_empty() { s.chars().count() + 1 } else { s.matches(part).count() };
            Ok(Val::Int(n as i128))
        }
        "join" => {
            let mut text = Text::new(meter);
            for (at, item) in args.need(0, "iterable")?.elements(meter)?.iter().enumerate() {
                let Some(item) = item.as_str() else {
                    return fault(format!("join() takes strings, not {}", item.kind()));
                };
                text.push(if at > 0 { s } else { "" })?;
                text.push(item)?;
            }
            Ok(text.into_val())
        }
        "split" | "rsplit" => {
            let most = usize::try_from(args.int_or(1, "maxsplit", -1)?).ok();
            split(meter, s, args.text_or_none(0, "sep")?, most, name == "rsplit")
        }
        "splitlines" => split_lines(meter, s, args.flag_or(0, "keepends", false)),
        "partition" | "rpartition" => partition(meter, s, args.text(0, "sep")?, name == "rpartition"),
        "center" | "ljust" | "rjust" | "zfill" => pad(meter, s, name, args),
        "format" => percent::braces(meter, s, args),
        _ => fault(format!("a string has no method {name}")),
    }
}

fn question(s: &str, name: &str) -> Option<bool> {
    let all = |test: fn(char) -> bool| !s.is_empty() && s.chars().all(test);
    Some(match name {
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isascii" => s.is_ascii(),
        "isdecimal" | "isdigit" | "isnumeric" => all(char::is_numeric),
        "isspace" => all(char::is_whitespace),
        "islower" => s.chars().any(char::is_lowercase) && !s.chars().any(char::is_uppercase),
        "isupper" => s.chars().any(char::is_uppercase) && !s.chars().any(char::is_lowercase),
        _ => return None,
    })
}

pub(super) fn capitalize(s: &str) -> String {
    let mut chars = s.chars();
    chars
        .next()
        .map_or_else(String::new, |c| c.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect())
}

/// Letters after something that is no letter are large, all others small.
fn title(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut inside = false;
    for c in s.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphabetic();
    }
    out
}

fn swap_case(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        if c.is_uppercase() {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
    }
    out
}

pub(super) fn strip<'s>(s: &'s str, name: &str, chars: Option<&str>) -> &'s str {
    let stripped = |c: char| chars.map_or_else(|| c.is_whitespace(), |chars| chars.contains(c));
    match name {
        "lstrip" => s.trim_start_matches(stripped),
        "rstrip" => s.trim_end_matches(stripped),
        _ => s.trim_matches(stripped),
    }
}

fn affix(meter: &Meter, s: &str, start: bool, affix: &Val) -> Res<bool> {
    match affix {
        Val::Str(affix) => Ok(if start { s.starts_with(&**affix) } else { s.ends_with(&**affix) }),
        Val::Tuple(seq) => {
            for affix in &seq.items {
                meter.step(1)?;
                let Some(affix) = affix.as_str() else { return fault("a tuple of strings is needed") };
                if if start { s.starts_with(affix) } else { s.ends_with(affix) } {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        other => fault(format!("a string or a tuple of strings is needed, not {}", other.kind())),
    }
}

pub(super) fn replace(meter: &Meter, s: &str, old: &str, new: &str, most: Option<usize>) -> Res<Val> {
    meter.scan(s.len())?;
    let most = most.unwrap_or(usize::MAX);
    let n = if old.is_empty() { s.chars().count() + 1 } else { s.matches(old).count() }.min(most);
    meter.grow(s.len().saturating_add(n.saturating_mul(new.len())))?;
    Val::str(meter, s.replacen(old, new, n))
}

pub(super) fn split(meter: &Meter, s: &str, sep: Option<&str>, most: Option<usize>, right: bool) -> Res<Val> {
    let parts: Vec<&str> = match (sep, most) {
        (Some(""), _) => return fault("an empty separator"),
        (Some(sep), None) => {
            meter.grow(s.matches(sep).count() * 64)?;
            s.split(sep).collect()
        }
        (Some(sep), Some(most)) => {
            meter.grow(s.matches(sep).count().min(most) * 64)?;
            let most = most.saturating_add(1);
            if right {
                let mut parts: Vec<&str> = s.rsplitn(most, sep).collect();
                parts.reverse();
                parts
            } else {
                s.splitn(most, sep).collect()
            }
        }
        (None, most) => {
            meter.grow(s.len() * 16)?;
            split_words(s, most.unwrap_or(usize::MAX), right)
        }
    };
    let parts = parts.into_iter().map(|part| Val::str(meter, part)).collect::<Res<Vec<_>>>()?;
    Val::list(meter, parts)
}

fn split_words(s: &str, most: usize, right: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = s.trim();
    while !rest.is_empty() {
        let gap = if right { rest.rfind(char::is_whitespace) } else { rest.find(char::is_whitespace) };
        match gap.filter(|_| parts.len() < most) {
            Some(gap) if right => {
                let after = rest[gap..].chars().next().map_or(gap, |c| gap + c.len_utf8());
                parts.push(&rest[after..]);
                rest = rest[..gap].trim_end();
            }
            Some(gap) => {
                parts.push(&rest[..gap]);
                rest = rest[gap..].trim_start();
            }
            None => {
                parts.push(rest);
                rest = "";
            }
        }
    }
    if right {
        parts.reverse();
    } else if let Some(last) = parts.last_mut().filter(|_| most == 0) {
        // Python keeps the blanks at the end when nothing was split off.
        *last = s.trim_start();
    }
    parts
}

fn split_lines(meter: &Meter, s: &str, keep_ends: bool) -> Res<Val> {
    let mut lines = Vec::new();
    let mut rest = s;
    let ends = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    while !rest.is_empty() {
        let (line, end) = match rest.find(ends) {
            None => (rest.len(), rest.len()),
            Some(at) if rest[at..].starts_with("\r\n") => (at, at + 2),
            Some(at) => (at, at + rest[at..].chars().next().map_or(1, char::len_utf8)),
        };
        lines.push(Val::str(meter, &rest[..if keep_ends { end } else { line }])?);
        rest = &rest[end..];
    }
    Val::list(meter, lines)
}

fn partition(meter: &Meter, s: &str, sep: &str, right: bool) -> Res<Val> {
    if sep.is_empty() {
        return fault("an empty separator");
    }
    let parts = match if right { s.rsplit_once(sep) } else { s.split_once(sep) } {
        Some((before, after)) => [before, sep, after],
        None if right => ["", "", s],
        None => [s, "", ""],
    };
    let parts = parts.into_iter().map(|part| Val::str(meter, part)).collect::<Res<Vec<_>>>()?;
    Val::tuple(meter, parts)
}

fn pad(meter: &Meter, s: &str, name: &str, args: &Args) -> Res<Val> {
    let width = args.size_or(0, "width", 0)?;
    let fill = if name == "zfill" { "0" } else { args.text_or_none(1, "fillchar")?.unwrap_or(" ") };
    let missing = width.saturating_sub(s.chars().count());
    let (left, right) = match name {
        "ljust" => (0, missing),
        "rjust" | "zfill" => (missing, 0),
        // Python puts the odd one left when the width is odd.
        _ => {
            let left = missing / 2 + (missing & width & 1);
            (left, missing - left)
        }
    };
    meter.grow(missing.saturating_mul(fill.len()))?;
    let (sign, digits) = match s.strip_prefix(['+', '-']) {
        Some(digits) if name == "zfill" => (&s[..1], digits),
        _ => ("", s),
    };
    Val::str(meter, format!("{sign}{}{digits}{}", fill.repeat(left), fill.repeat(right)))
}

/// Jinja2's `title` filter: words end at blanks, hyphens and opening brackets only.
pub(super) fn title_words(meter: &Meter, value: &Val) -> Res<Val> {
    let s = to_str(meter, value)?;
    let mut out = String::with_capacity(s.len());
    let mut inside = false;
    for c in s.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = !(c.is_whitespace() || matches!(c, '-' | '(' | '{' | '[' | '<'));
    }
    Val::str(meter, out)
}
