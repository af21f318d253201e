//! Jinja2's filters.

use super::args::Args;
use super::eval::Eval;
use super::json::Dump;
use super::meter::{Meter, Res, fault};
use super::text::{Text, to_str};
use super::value::Val;
use super::{filters_seq, lookup, methods, ops, percent, strings};

/// What a marked `{% generation %}` block becomes: a filter that no template knows of.
pub(super) const MARK_ANSWER: &str = "glassworks_mark_answer";

pub(super) const NAMES: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "wordcount",
];

pub(super) fn apply(eval: &mut Eval, name: &str, value: &Val, args: Args) -> Res<Val> {
    let meter = eval.meter;
    match name {
        MARK_ANSWER => {
            let [before, after] = super::MARKS;
            Val::str(meter, format!("{before}{}{after}", to_str(meter, value)?))
        }
        "abs" => match value.as_int() {
            Some(i) => Ok(Val::Int(i.saturating_abs())),
            None => number(value).map(|f| Val::Float(f.abs())),
        },
        "attr" => lookup::attribute(meter, value, args.text(0, "name")?),
        "default" | "d" => {
            let replace =
                matches!(value, Val::Undefined(_)) || (args.flag_or(1, "boolean", false) && !value.is_true());
            let empty = || Val::Str("".into());
            Ok(if replace {
                args.get(0, "default_value").cloned().unwrap_or_else(empty)
            } else {
                value.clone()
            })
        }
        "escape" | "e" | "forceescape" => escape(meter, value),
        "float" => {
            let parsed = value.as_f64().or_else(|| value.as_str().and_then(|s| s.trim().parse().ok()));
            Ok(parsed.map_or_else(|| args.get(0, "default").cloned().unwrap_or(Val::Float(0.0)), Val::Float))
        }
        "format" => match value {
            Val::Str(format) if args.named.is_empty() => {
                let values = Val::tuple(meter, args.positional)?;
                percent::format(meter, format, &values)
            }
            Val::Str(format) => {
                let pairs = args.named.into_iter().map(|(n, v)| Ok((Val::str(meter, n)?, v)));
                let values = Val::map(meter, pairs.collect::<Res<Vec<_>>>()?)?;
                percent::format(meter, format, &values)
            }
            other => fault(format!("a {} is no format", other.kind())),
        },
        "indent" => indent(meter, value, &args),
        "int" => Ok(int(value, &args)),
        "items" => methods::items(eval, value),
        "length" | "count" => match value.len() {
            Some(n) => Ok(Val::Int(n as i128)),
            None => fault(format!("a {} has no length", value.kind())),
        },
        "lower" | "upper" | "capitalize" | "center" => {
            let mut args = args;
            if name == "center" && args.get(0, "width").is_none() {
                args.positional.push(Val::Int(80));
            }
            strings::call(meter, &to_str(meter, value)?, name, &args)
        }
        "replace" => {
            let count = args.int_or(2, "count", -1)?;
            let [old, new] = [args.need(0, "old")?, args.need(1, "new")?].map(|v| to_str(meter, v));
            strings::replace(meter, &to_str(meter, value)?, &old?, &new?, usize::try_from(count).ok())
        }
        "round" => round(value, &args),
        "safe" | "string" => Val::str(meter, to_str(meter, value)?),
        "title" => strings::title_words(meter, value),
        "tojson" => to_json(meter, value, &args),
        "trim" => {
            let text = to_str(meter, value)?;
            Val::str(meter, strings::strip(&text, "strip", args.text_or_none(0, "chars")?))
        }
        "truncate" => truncate(meter, value, &args),
        "wordcount" => {
            let text = to_str(meter, value)?;
            let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty());
            Ok(Val::Int(words.count() as i128))
        }
        _ => filters_seq::apply(eval, name, value, args),
    }
}

pub(super) fn number(value: &Val) -> Res<f64> {
    value.as_f64().map_or_else(|| fault(format!("a {} is no number", value.kind())), Ok)
}

fn escape(meter: &Meter, value: &Val) -> Res<Val> {
    let mut out = Text::new(meter);
    for c in to_str(meter, value)?.chars() {
        match c {
            '&' => out.push("&amp;")?,
            '<' => out.push("&lt;")?,
            '>' => out.push("&gt;")?,
            '"' => out.push("&#34;")?,
            '\'' => out.push("&#39;")?,
            c => out.push(c.encode_utf8(&mut [0; 4]))?,
        }
    }
    Ok(out.into_val())
}

fn indent(meter: &Meter, value: &Val, args: &Args) -> Res<Val> {
    let text = to_str(meter, value)?;
    let by = match args.get(0, "width") {
        Some(Val::Str(s)) => s.to_string(),
        _ => {
            let width = args.size_or(0, "width", 4)?;
            meter.grow(width)?;
            " ".repeat(width)
        }
    };
    let (first, blank) = (args.flag_or(1, "first", false), args.flag_or(2, "blank", false));
    let mut out = Text::new(meter);
    for (at, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if at > 0 {
            out.push("\n")?;
        }
        if (at > 0 || first) && (blank || !line.is_empty() || at == 0) {
            out.push(&by)?;
        }
        out.push(line)?;
    }
    Ok(out.into_val())
}

fn int(value: &Val, args: &Args) -> Val {
    let default = || args.get(0, "default").cloned().unwrap_or(Val::Int(0));
    let base = args.get(1, "base").and_then(Val::as_int).and_then(|b| u32::try_from(b).ok()).unwrap_or(10);
    let parsed = match value {
        Val::Str(s) => {
            let s = s.trim();
            let digits = match base {
                16 => s.trim_start_matches("0x").trim_start_matches("0X"),
                8 => s.trim_start_matches("0o").trim_start_matches("0O"),
                2 => s.trim_start_matches("0b").trim_start_matches("0B"),
                _ => s,
            };
            let whole = if (2..=36).contains(&base) { i128::from_str_radix(digits, base).ok() } else { None };
            whole.or_else(|| s.parse::<f64>().ok().filter(|f| f.is_finite()).map(|f| f.trunc() as i128))
        }
        Val::Float(f) if f.is_finite() => Some(f.trunc() as i128),
        other => other.as_int(),
    };
    parsed.map_or_else(default, Val::Int)
}

fn round(value: &Val, args: &Args) -> Res<Val> {
    let f = number(value)?;
    let precision = args.int_or(0, "precision", 0)?.clamp(-300, 300) as i32;
    let scale = 10f64.powi(precision);
    let scaled = match args.text_or_none(1, "method")?.unwrap_or("common") {
        "ceil" => (f * scale).ceil(),
        "floor" => (f * scale).floor(),
        "common" if precision >= 0 => {
            let digits = precision as usize;
            return Ok(Val::Float(format!("{f:.digits$}").parse().unwrap_or(f)));
        }
        "common" => (f * scale).round_ties_even(),
        other => return fault(format!("round: no method {other}")),
    };
    Ok(Val::Float(scaled / scale))
}

fn to_json(meter: &Meter, value: &Val, args: &Args) -> Res<Val> {
    // transformers' order: ensure_ascii, indent, separators, sort_keys.
    let indent = match args.get(1, "indent") {
        None | Some(Val::None) => None,
        Some(Val::Str(s)) => Some(s.to_string()),
        Some(_) => {
            let width = args.size_or(1, "indent", 0)?;
            meter.grow(width)?;
            Some(" ".repeat(width))
        }
    };
    let mut separators = [if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned()];
    if let Some(Val::Tuple(given) | Val::List(given)) = args.get(2, "separators") {
        for (separator, given) in separators.iter_mut().zip(&given.items) {
            *separator = to_str(meter, given)?;
        }
    }
    let [item_separator, key_separator] = separators;
    let dump = Dump {
        indent,
        item_separator,
        key_separator,
        sort_keys: args.flag_or(3, "sort_keys", false),
        ensure_ascii: args.flag_or(0, "ensure_ascii", false),
    };
    let mut text = Text::new(meter);
    dump.write(&mut text, value, 0)?;
    Ok(text.into_val())
}

fn truncate(meter: &Meter, value: &Val, args: &Args) -> Res<Val> {
    let text = to_str(meter, value)?;
    let most = args.size_or(0, "length", 255)?;
    let end = args.text_or_none(2, "end")?.unwrap_or("...");
    let leeway = args.size_or(3, "leeway", 5)?;
    if text.chars().count() <= most.saturating_add(leeway) {
        return Val::str(meter, text);
    }
    let kept: String = text.chars().take(most.saturating_sub(end.chars().count())).collect();
    let kept = match kept.rsplit_once(' ') {
        Some((words, _)) if !args.flag_or(1, "killwords", false) => words,
        _ => &kept,
    };
    ops::concat(meter, &Val::str(meter, kept)?, &Val::str(meter, end)?)
}
