//! Operators, as Python has them.

use super::meter::{Meter, Res, fault};
use super::percent;
use super::text::Text;
use super::value::{Val, equal};

fn unfit<T>(op: &str, a: &Val, b: &Val) -> Res<T> {
    for v in [a, b] {
        if let Val::Undefined(name) = v {
            return fault(format!("'{name}' is undefined"));
        }
    }
    fault(format!("{op} does not work on {} and {}", a.kind(), b.kind()))
}

fn ints(a: &Val, b: &Val) -> Option<(i128, i128)> {
    a.as_int().zip(b.as_int())
}

fn floats(a: &Val, b: &Val) -> Option<(f64, f64)> {
    a.as_f64().zip(b.as_f64())
}

fn int(value: Option<i128>) -> Res<Val> {
    value.map_or_else(|| fault("a number is too large"), |i| Ok(Val::Int(i)))
}

pub(super) fn add(meter: &Meter, a: &Val, b: &Val) -> Res<Val> {
    match (a, b) {
        (Val::Str(x), Val::Str(y)) => {
            let mut text = Text::new(meter);
            text.push(x)?;
            text.push(y)?;
            Ok(text.into_val())
        }
        (Val::List(x), Val::List(y)) => {
            meter.grow((x.items.len() + y.items.len()) * 48)?;
            Val::list(meter, [&x.items[..], &y.items[..]].concat())
        }
        (Val::Tuple(x), Val::Tuple(y)) => {
            meter.grow((x.items.len() + y.items.len()) * 48)?;
            Val::tuple(meter, [&x.items[..], &y.items[..]].concat())
        }
        _ => match (ints(a, b), floats(a, b)) {
            (Some((x, y)), _) => int(x.checked_add(y)),
            (_, Some((x, y))) => Ok(Val::Float(x + y)),
            _ => unfit("+", a, b),
        },
    }
}

pub(super) fn subtract(a: &Val, b: &Val) -> Res<Val> {
    match (ints(a, b), floats(a, b)) {
        (Some((x, y)), _) => int(x.checked_sub(y)),
        (_, Some((x, y))) => Ok(Val::Float(x - y)),
        _ => unfit("-", a, b),
    }
}

pub(super) fn multiply(meter: &Meter, a: &Val, b: &Val) -> Res<Val> {
    if let (Some((x, y)), _) = (ints(a, b), ()) {
        return int(x.checked_mul(y));
    }
    if let Some((x, y)) = floats(a, b) {
        return Ok(Val::Float(x * y));
    }
    let (repeated, times) = match (a.as_int(), b.as_int()) {
        (None, Some(times)) => (a, times),
        (Some(times), None) => (b, times),
        _ => return unfit("*", a, b),
    };
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    match repeated {
        Val::Str(s) => {
            meter.grow(s.len().saturating_mul(times))?;
            Ok(Val::Str(s.repeat(times).into()))
        }
        Val::List(seq) => Val::list(meter, repeat(meter, &seq.items, times)?),
        Val::Tuple(seq) => Val::tuple(meter, repeat(meter, &seq.items, times)?),
        _ => unfit("*", a, b),
    }
}

fn repeat(meter: &Meter, items: &[Val], times: usize) -> Res<Vec<Val>> {
    let n = items.len().saturating_mul(times);
    meter.grow(n.saturating_mul(48))?;
    Ok(items.iter().cycle().take(n).cloned().collect())
}

pub(super) fn divide(a: &Val, b: &Val) -> Res<Val> {
    match floats(a, b) {
        Some((_, 0.0)) => fault("division by zero"),
        Some((x, y)) => Ok(Val::Float(x / y)),
        None => unfit("/", a, b),
    }
}

pub(super) fn floor_divide(a: &Val, b: &Val) -> Res<Val> {
    match (ints(a, b), floats(a, b)) {
        (_, Some((_, 0.0))) => fault("division by zero"),
        (Some((x, y)), _) => {
            let rounded = x.checked_div(y).zip(x.checked_rem(y));
            int(rounded.map(|(q, r)| if r != 0 && (r < 0) != (y < 0) { q - 1 } else { q }))
        }
        (_, Some((x, y))) => Ok(Val::Float((x / y).floor())),
        _ => unfit("//", a, b),
    }
}

pub(super) fn remainder(meter: &Meter, a: &Val, b: &Val) -> Res<Val> {
    if let Val::Str(format) = a {
        return percent::format(meter, format, b);
    }
    match (ints(a, b), floats(a, b)) {
        (_, Some((_, 0.0))) => fault("division by zero"),
        (Some((x, y)), _) => {
            int(x.checked_rem(y).map(|r| if r != 0 && (r < 0) != (y < 0) { r + y } else { r }))
        }
        (_, Some((x, y))) => Ok(Val::Float(x - y * (x / y).floor())),
        _ => unfit("%", a, b),
    }
}

pub(super) fn power(a: &Val, b: &Val) -> Res<Val> {
    match (ints(a, b), floats(a, b)) {
        (Some((x, y)), _) if y >= 0 => int(u32::try_from(y).ok().and_then(|y| x.checked_pow(y))),
        (_, Some((x, y))) if x != 0.0 || y >= 0.0 => Ok(Val::Float(x.powf(y))),
        (_, Some(_)) => fault("zero has no negative powers"),
        _ => unfit("**", a, b),
    }
}

pub(super) fn negate(a: &Val) -> Res<Val> {
    match (a.as_int(), a.as_f64()) {
        (Some(i), _) => int(i.checked_neg()),
        (_, Some(f)) => Ok(Val::Float(-f)),
        _ => unfit("-", a, a),
    }
}

/// `~`
pub(super) fn concat(meter: &Meter, a: &Val, b: &Val) -> Res<Val> {
    let mut text = Text::new(meter);
    text.str(a)?;
    text.str(b)?;
    Ok(text.into_val())
}

/// `value in container`
pub(super) fn contains(meter: &Meter, container: &Val, value: &Val) -> Res<bool> {
    match container {
        Val::Str(s) => match value {
            Val::Str(part) => {
                meter.scan(s.len() + part.len())?;
                Ok(s.contains(&**part))
            }
            other => fault(format!("a string cannot contain a {}", other.kind())),
        },
        Val::List(seq) | Val::Tuple(seq) => {
            for item in &seq.items {
                if equal(meter, item, value)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Val::Map(map) => Ok(map.get(meter, value)?.is_some()),
        Val::Namespace(fields) => {
            Ok(value.as_str().is_some_and(|name| fields.borrow().iter().any(|(n, _)| &**n == name)))
        }
        Val::Undefined(_) => Ok(false),
        other => fault(format!("a {} contains nothing", other.kind())),
    }
}
