//! Methods of strings, lists, dicts and loops, as Python has them. Those that change their object are refused, as
//! by the sandbox that transformers renders in.

use super::args::Args;
use super::eval::Eval;
use super::meter::{Res, fault};
use super::strings;
use super::value::{Val, equal};

const LIST: &[&str] = &["index", "count", "copy"];
const DICT: &[&str] = &["get", "items", "keys", "values", "copy"];
const CHANGING: &[&str] = &[
    "append",
    "extend",
    "insert",
    "remove",
    "pop",
    "clear",
    "sort",
    "reverse",
    "update",
    "setdefault",
    "popitem",
];

/// Whether `value.name` is a method rather than a key or nothing.
pub(super) fn exists(value: &Val, name: &str) -> bool {
    match value {
        Val::Str(_) => strings::NAMES.contains(&name),
        Val::List(_) => LIST.contains(&name) || CHANGING.contains(&name),
        Val::Tuple(_) => LIST.contains(&name) && name != "copy",
        Val::Map(_) => {
            DICT.contains(&name) || matches!(name, "pop" | "clear" | "update" | "setdefault" | "popitem")
        }
        Val::Loop(_) => matches!(name, "cycle" | "changed"),
        _ => false,
    }
}

pub(super) fn call(eval: &mut Eval, value: &Val, name: &str, args: &Args) -> Res<Val> {
    match value {
        Val::Str(s) => strings::call(eval.meter, s, name, args),
        Val::List(seq) | Val::Tuple(seq) => list(eval, value, &seq.items, name, args),
        Val::Map(_) => dict(eval, value, name, args),
        Val::Loop(state) if name == "cycle" => {
            let n = args.positional.len();
            if n == 0 {
                return fault("cycle() needs something to cycle through");
            }
            Ok(args.positional[state.index.get() % n].clone())
        }
        Val::Loop(state) => {
            let mut seen = state.last_seen.borrow_mut();
            let mut same = seen.as_ref().is_some_and(|old| old.len() == args.positional.len());
            for (old, new) in seen.iter().flatten().zip(&args.positional) {
                same = same && equal(eval.meter, old, new)?;
            }
            *seen = Some(args.positional.clone());
            Ok(Val::Bool(!same))
        }
        other => fault(format!("a {} has no method {name}", other.kind())),
    }
}

fn list(eval: &Eval, value: &Val, items: &[Val], name: &str, args: &Args) -> Res<Val> {
    match name {
        "copy" => Ok(value.clone()),
        "count" | "index" => {
            let wanted = args.need(0, "value")?;
            let mut count = 0;
            for (at, item) in items.iter().enumerate() {
                if equal(eval.meter, item, wanted)? {
                    if name == "index" {
                        return Ok(Val::Int(at as i128));
                    }
                    count += 1;
                }
            }
            if name == "index" { fault("the value is not in the list") } else { Ok(Val::Int(count)) }
        }
        _ => fault(format!("{name}(): chat templates cannot change a list; make a new one with +")),
    }
}

fn dict(eval: &Eval, value: &Val, name: &str, args: &Args) -> Res<Val> {
    let Val::Map(map) = value else { return fault("no dict") };
    let meter = eval.meter;
    match name {
        "get" => {
            let key = args.need(0, "key")?;
            Ok(match map.get(meter, key)? {
                Some(value) => value.clone(),
                None => args.get(1, "default").cloned().unwrap_or(Val::None),
            })
        }
        "keys" => Val::list(meter, map.entries.iter().map(|(k, _)| k.clone()).collect()),
        "values" => Val::list(meter, map.entries.iter().map(|(_, v)| v.clone()).collect()),
        "items" => items(eval, value),
        "copy" => Ok(value.clone()),
        _ => fault(format!("{name}(): chat templates cannot change a dict")),
    }
}

/// Pairs of a dict; none of what is undefined.
pub(super) fn items(eval: &Eval, value: &Val) -> Res<Val> {
    match value {
        Val::Map(map) => {
            let pairs = map
                .entries
                .iter()
                .map(|(k, v)| Val::tuple(eval.meter, vec![k.clone(), v.clone()]))
                .collect::<Res<Vec<_>>>()?;
            Val::list(eval.meter, pairs)
        }
        Val::Undefined(_) => Val::list(eval.meter, Vec::new()),
        other => fault(format!("a {} has no items", other.kind())),
    }
}
