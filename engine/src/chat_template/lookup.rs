//! `value.name`, `value[key]`, `value[start:stop:step]`.

use super::meter::{Meter, Res, fault};
use super::methods;
use super::value::Val;
use std::rc::Rc;

/// As jinja2: methods of the type come before a dict's keys.
pub(super) fn attribute(meter: &Meter, value: &Val, name: &str) -> Res<Val> {
    meter.step(1)?;
    if methods::exists(value, name) {
        meter.grow(64)?;
        return Ok(Val::Method(Rc::new((value.clone(), name.to_owned()))));
    }
    match value {
        Val::Map(map) => {
            for (key, value) in &map.entries {
                meter.step(1)?;
                if key.as_str() == Some(name) {
                    return Ok(value.clone());
                }
            }
            Ok(Val::undefined(name))
        }
        Val::Namespace(fields) => {
            let fields = fields.borrow();
            meter.step(fields.len())?;
            Ok(fields
                .iter()
                .find(|(n, _)| &**n == name)
                .map_or_else(|| Val::undefined(name), |(_, v)| v.clone()))
        }
        Val::Loop(state) => Ok(loop_attribute(state, name)),
        Val::Undefined(missing) => fault(format!("'{missing}' is undefined")),
        _ => Ok(Val::undefined(name)),
    }
}

fn loop_attribute(state: &super::eval::Loop, name: &str) -> Val {
    let (index, n) = (state.index.get(), state.items.len());
    let int = |i: usize| Val::Int(i as i128);
    match name {
        "index" => int(index + 1),
        "index0" => int(index),
        "revindex" => int(n - index),
        "revindex0" => int(n - index - 1),
        "first" => Val::Bool(index == 0),
        "last" => Val::Bool(index + 1 == n),
        "length" => int(n),
        "depth" => int(state.depth + 1),
        "depth0" => int(state.depth),
        "previtem" if index > 0 => state.items[index - 1].clone(),
        "nextitem" if index + 1 < n => state.items[index + 1].clone(),
        _ => Val::undefined(name),
    }
}

pub(super) fn item(meter: &Meter, value: &Val, key: &Val) -> Res<Val> {
    meter.step(1)?;
    let missing = || Val::undefined(key.as_str().unwrap_or("item"));
    match value {
        Val::Map(map) => match map.get(meter, key)? {
            Some(value) => Ok(value.clone()),
            None => match key.as_str() {
                Some(name) if methods::exists(value, name) => attribute(meter, value, name),
                _ => Ok(missing()),
            },
        },
        Val::List(seq) | Val::Tuple(seq) => match key.as_int() {
            Some(at) => Ok(position(at, seq.items.len()).map_or_else(missing, |at| seq.items[at].clone())),
            None => key.as_str().map_or_else(|| Ok(missing()), |name| attribute(meter, value, name)),
        },
        Val::Str(s) => match key.as_int() {
            Some(at) => {
                meter.scan(s.len())?;
                let count = s.chars().count();
                match position(at, count).and_then(|at| s.chars().nth(at)) {
                    Some(c) => Val::str(meter, c.encode_utf8(&mut [0; 4])),
                    None => Ok(missing()),
                }
            }
            None => key.as_str().map_or_else(|| Ok(missing()), |name| attribute(meter, value, name)),
        },
        Val::Namespace(_) | Val::Loop(_) => {
            key.as_str().map_or_else(|| Ok(missing()), |name| attribute(meter, value, name))
        }
        Val::Undefined(name) => fault(format!("'{name}' is undefined")),
        _ => Ok(missing()),
    }
}

fn position(at: i128, n: usize) -> Option<usize> {
    let at = if at < 0 { at.checked_add(n as i128)? } else { at };
    usize::try_from(at).ok().filter(|at| *at < n)
}

pub(super) fn slice(meter: &Meter, value: &Val, start: &Val, stop: &Val, step: &Val) -> Res<Val> {
    match value {
        Val::List(seq) => Val::list(meter, cut(meter, &seq.items, start, stop, step)?),
        Val::Tuple(seq) => Val::tuple(meter, cut(meter, &seq.items, start, stop, step)?),
        Val::Str(s) => {
            meter.grow(s.len() * 4)?;
            let chars: Vec<char> = s.chars().collect();
            let chars = cut(meter, &chars, start, stop, step)?;
            Val::str(meter, chars.into_iter().collect::<String>())
        }
        Val::Undefined(name) => fault(format!("'{name}' is undefined")),
        other => fault(format!("a {} cannot be sliced", other.kind())),
    }
}

/// Python's rules for missing, negative and far-off bounds.
fn cut<T: Clone>(meter: &Meter, items: &[T], start: &Val, stop: &Val, step: &Val) -> Res<Vec<T>> {
    let int = |v: &Val| match v {
        Val::None => Ok(None),
        v => v.as_int().map_or_else(|| fault("slice bounds are integers"), |i| Ok(Some(i))),
    };
    let n = items.len() as i128;
    let step = int(step)?.unwrap_or(1);
    if step == 0 {
        return fault("a slice's step cannot be zero");
    }
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let bound = |at: Option<i128>, default: i128| match at {
        None => default,
        Some(at) if at < 0 => at.saturating_add(n).max(low),
        Some(at) => at.min(high),
    };
    let (from, to) = if step > 0 { (low, high) } else { (high, low) };
    let (mut at, stop) = (bound(int(start)?, from), bound(int(stop)?, to));
    let mut out = Vec::new();
    meter.grow(std::mem::size_of_val(items))?;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        if let Some(item) = usize::try_from(at).ok().and_then(|at| items.get(at)) {
            out.push(item.clone());
        }
        at = at.saturating_add(step);
    }
    Ok(out)
}
