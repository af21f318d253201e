//! Jinja2's filters on lists.

use super::args::Args;
use super::eval::Eval;
use super::filters;
use super::meter::{Meter, Res, fault};
use super::sort::sorted;
use super::text::Text;
use super::value::{Val, compare, equal};
use super::{checks, lookup, ops};
use std::cmp::Ordering;

pub(super) fn apply(eval: &mut Eval, name: &str, value: &Val, args: Args) -> Res<Val> {
    let meter = eval.meter;
    match name {
        "first" | "last" => {
            let items = value.elements(meter)?;
            let item = if name == "first" { items.first() } else { items.last() };
            Ok(item.cloned().unwrap_or_else(|| Val::undefined("item")))
        }
        "list" => Val::list(meter, value.elements(meter)?),
        "join" => join(meter, value, &args),
        "reverse" => match value {
            Val::Str(s) => Val::str(meter, s.chars().rev().collect::<String>()),
            other => {
                let mut items = other.elements(meter)?;
                items.reverse();
                Val::list(meter, items)
            }
        },
        "sort" => sort(meter, value, &args),
        "dictsort" => dict_sort(meter, value, &args),
        "unique" => unique(meter, value, &args),
        "min" | "max" => {
            extreme(meter, value, &args, if name == "min" { Ordering::Less } else { Ordering::Greater })
        }
        "sum" => {
            let attribute = args.get(0, "attribute").filter(|v| !matches!(v, Val::None));
            let mut total = args.get(1, "start").cloned().unwrap_or(Val::Int(0));
            for item in value.elements(meter)? {
                total = ops::add(meter, &total, &by(meter, &item, attribute)?)?;
            }
            Ok(total)
        }
        "batch" => {
            let n = args.size_or(0, "linecount", 0)?;
            if n == 0 {
                return fault("batch needs a length");
            }
            let items = value.elements(meter)?;
            let lists = items.chunks(n).map(|part| filled(meter, part, n, args.get(1, "fill_with")));
            Val::list(meter, lists.collect::<Res<Vec<_>>>()?)
        }
        "slice" => slice(meter, value, &args),
        "groupby" => group(meter, value, &args),
        "map" => map(eval, value, args),
        "select" | "reject" => choose(eval, value, args, name == "select", false),
        "selectattr" | "rejectattr" => choose(eval, value, args, name == "selectattr", true),
        _ => fault(format!("the filter '{name}' is not known here")),
    }
}

/// The item, or what a dotted path finds in it.
fn by(meter: &Meter, item: &Val, path: Option<&Val>) -> Res<Val> {
    let Some(path) = path else { return Ok(item.clone()) };
    let Some(path) = path.as_str() else { return lookup::item(meter, item, path) };
    let mut found = item.clone();
    for name in path.split('.') {
        found = match name.parse::<i128>() {
            Ok(at) => lookup::item(meter, &found, &Val::Int(at))?,
            Err(_) => lookup::item(meter, &found, &Val::str(meter, name)?)?,
        };
    }
    Ok(found)
}

/// Strings compare without case unless asked.
fn folded(meter: &Meter, value: Val, case_sensitive: bool) -> Res<Val> {
    match value.as_str() {
        Some(s) if !case_sensitive => Val::str(meter, s.to_lowercase()),
        _ => Ok(value),
    }
}

fn keyed(meter: &Meter, value: &Val, path: Option<&Val>, case_sensitive: bool) -> Res<Vec<(Val, Val)>> {
    let items = value.elements(meter)?;
    items
        .into_iter()
        .map(|item| Ok((folded(meter, by(meter, &item, path)?, case_sensitive)?, item)))
        .collect()
}

fn join(meter: &Meter, value: &Val, args: &Args) -> Res<Val> {
    let separator = args.text_or_none(0, "d")?.unwrap_or("");
    let mut text = Text::new(meter);
    for (at, item) in value.elements(meter)?.iter().enumerate() {
        text.push(if at > 0 { separator } else { "" })?;
        text.str(&by(meter, item, args.get(1, "attribute"))?)?;
    }
    Ok(text.into_val())
}

fn sort(meter: &Meter, value: &Val, args: &Args) -> Res<Val> {
    let reverse = args.flag_or(0, "reverse", false);
    let pairs = keyed(meter, value, args.get(2, "attribute"), args.flag_or(1, "case_sensitive", false))?;
    let order = |a: &(Val, Val), b: &(Val, Val)| compare(meter, &a.0, &b.0);
    let pairs = sorted(pairs, |a, b| Ok(if reverse { order(a, b)?.reverse() } else { order(a, b)? }))?;
    Val::list(meter, pairs.into_iter().map(|(_, item)| item).collect())
}

fn dict_sort(meter: &Meter, value: &Val, args: &Args) -> Res<Val> {
    let Val::Map(map) = value else { return fault(format!("a {} is no dict", value.kind())) };
    let case_sensitive = args.flag_or(0, "case_sensitive", false);
    let by_value = args.text_or_none(1, "by")? == Some("value");
    let reverse = args.flag_or(2, "reverse", false);
    let mut keyed = Vec::new();
    for (key, value) in &map.entries {
        let sorted_by = folded(meter, if by_value { value } else { key }.clone(), case_sensitive)?;
        keyed.push((sorted_by, Val::tuple(meter, vec![key.clone(), value.clone()])?));
    }
    let keyed = sorted(keyed, |a, b| {
        let order = compare(meter, &a.0, &b.0)?;
        Ok(if reverse { order.reverse() } else { order })
    })?;
    Val::list(meter, keyed.into_iter().map(|(_, pair)| pair).collect())
}

fn unique(meter: &Meter, value: &Val, args: &Args) -> Res<Val> {
    let mut kept: Vec<(Val, Val)> = Vec::new();
    for (key, item) in
        keyed(meter, value, args.get(1, "attribute"), args.flag_or(0, "case_sensitive", false))?
    {
        let mut known = false;
        for (other, _) in &kept {
            known = known || equal(meter, other, &key)?;
        }
        if !known {
            kept.push((key, item));
        }
    }
    Val::list(meter, kept.into_iter().map(|(_, item)| item).collect())
}

fn extreme(meter: &Meter, value: &Val, args: &Args, wanted: Ordering) -> Res<Val> {
    let mut best: Option<(Val, Val)> = None;
    for pair in keyed(meter, value, args.get(1, "attribute"), args.flag_or(0, "case_sensitive", false))? {
        let better = match &best {
            Some(best) => compare(meter, &pair.0, &best.0)? == wanted,
            None => true,
        };
        if better {
            best = Some(pair);
        }
    }
    Ok(best.map_or_else(|| Val::undefined("item"), |(_, item)| item))
}

fn filled(meter: &Meter, part: &[Val], n: usize, fill: Option<&Val>) -> Res<Val> {
    let mut part = part.to_vec();
    if let Some(fill) = fill.filter(|v| !matches!(v, Val::None)) {
        meter.grow(n.saturating_mul(48))?;
        part.resize(n.max(part.len()), fill.clone());
    }
    Val::list(meter, part)
}

fn slice(meter: &Meter, value: &Val, args: &Args) -> Res<Val> {
    let n = args.size_or(0, "slices", 0)?;
    let items = value.elements(meter)?;
    if n == 0 {
        return fault("slice needs a number");
    }
    meter.grow(n.saturating_mul(48))?;
    let (each, more) = (items.len() / n, items.len() % n);
    let mut lists = Vec::new();
    let mut start = 0;
    for at in 0..n {
        let end = start + each + usize::from(at < more);
        let fill = args.get(1, "fill_with").filter(|_| at >= more && more > 0);
        lists.push(filled(meter, &items[start..end], each + 1, fill)?);
        start = end;
    }
    Val::list(meter, lists)
}

fn group(meter: &Meter, value: &Val, args: &Args) -> Res<Val> {
    let path = args.need(0, "attribute")?;
    let case_sensitive = args.flag_or(2, "case_sensitive", false);
    let default = args.get(1, "default");
    let mut pairs = Vec::new();
    for item in value.elements(meter)? {
        let key = match by(meter, &item, Some(path))? {
            Val::Undefined(_) if default.is_some() => default.cloned().unwrap_or(Val::None),
            key => key,
        };
        pairs.push((folded(meter, key.clone(), case_sensitive)?, key, item));
    }
    let pairs = sorted(pairs, |a, b| compare(meter, &a.0, &b.0))?;
    let mut groups: Vec<(Val, Val, Vec<Val>)> = Vec::new();
    for (folded, key, item) in pairs {
        match groups.last_mut() {
            Some(last) if equal(meter, &last.0, &folded)? => last.2.push(item),
            _ => groups.push((folded, key, vec![item])),
        }
    }
    let groups = groups
        .into_iter()
        .map(|(_, key, items)| {
            let items = Val::list(meter, items)?;
            Val::tuple(meter, vec![key, items])
        })
        .collect::<Res<Vec<_>>>()?;
    Val::list(meter, groups)
}

fn map(eval: &mut Eval, value: &Val, args: Args) -> Res<Val> {
    let meter = eval.meter;
    let items = value.elements(meter)?;
    if let Some(path) = args.named("attribute") {
        let default = args.named("default");
        let mapped = items.iter().map(|item| match (by(meter, item, Some(path))?, default) {
            (Val::Undefined(_), Some(default)) => Ok(default.clone()),
            (found, _) => Ok(found),
        });
        return Val::list(meter, mapped.collect::<Res<Vec<_>>>()?);
    }
    let name = args.text(0, "filter")?.to_owned();
    let rest = args.rest(1);
    let mut mapped = Vec::new();
    for item in items {
        let args = Args { positional: rest.positional.clone(), named: rest.named.clone() };
        meter.grow((args.positional.len() + args.named.len()) * 96)?;
        mapped.push(eval.deeper(|eval| filters::apply(eval, &name, &item, args))?);
    }
    Val::list(meter, mapped)
}

fn choose(eval: &mut Eval, value: &Val, mut args: Args, keep: bool, by_attribute: bool) -> Res<Val> {
    let meter = eval.meter;
    let path = by_attribute.then(|| args.need(0, "attribute").cloned()).transpose()?;
    if by_attribute {
        args = args.rest(1);
    }
    let test = args.positional.first().map(|_| args.text(0, "test").map(str::to_owned)).transpose()?;
    let args = args.rest(1);
    let mut kept = Vec::new();
    for item in value.elements(meter)? {
        let tested = by(meter, &item, path.as_ref())?;
        let holds = match &test {
            Some(test) => checks::check(eval, test, &tested, &args)?,
            None => tested.is_true(),
        };
        if holds == keep {
            kept.push(item);
        }
    }
    Val::list(meter, kept)
}
