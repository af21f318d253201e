//! What may follow `is`.

use super::args::Args;
use super::eval::Eval;
use super::filters;
use super::meter::{Res, fault};
use super::ops;
use super::value::{Val, compare, equal};
use std::cmp::Ordering;
use std::rc::Rc;

pub(super) fn check(eval: &Eval, name: &str, value: &Val, args: &Args) -> Res<bool> {
    let meter = eval.meter;
    Ok(match name {
        "defined" => !matches!(value, Val::Undefined(_)),
        "undefined" => matches!(value, Val::Undefined(_)),
        "none" => matches!(value, Val::None),
        "boolean" => matches!(value, Val::Bool(_)),
        "true" => matches!(value, Val::Bool(true)),
        "false" => matches!(value, Val::Bool(false)),
        "integer" => matches!(value, Val::Int(_)),
        "float" => matches!(value, Val::Float(_)),
        "number" => matches!(value, Val::Int(_) | Val::Float(_) | Val::Bool(_)),
        "string" => matches!(value, Val::Str(_)),
        "mapping" => matches!(value, Val::Map(_)),
        "sequence" | "iterable" => {
            matches!(value, Val::Str(_) | Val::List(_) | Val::Tuple(_) | Val::Map(_) | Val::Undefined(_))
        }
        "callable" => matches!(value, Val::Macro(_) | Val::Function(_) | Val::Method(_) | Val::Loop(_)),
        "escaped" | "safe" => false,
        "lower" => value.as_str().is_some_and(|s| s.chars().any(char::is_lowercase) && s.to_lowercase() == s),
        "upper" => value.as_str().is_some_and(|s| s.chars().any(char::is_uppercase) && s.to_uppercase() == s),
        "odd" | "even" | "divisibleby" => {
            let divisor = if name == "divisibleby" { args.int_or(0, "num", 0)? } else { 2 };
            let Some(n) = value.as_int() else { return fault(format!("a {} is no integer", value.kind())) };
            let Some(rest) = n.checked_rem(divisor) else { return fault("division by zero") };
            if name == "odd" { rest != 0 } else { rest == 0 }
        }
        "eq" | "equalto" | "==" => equal(meter, value, args.need(0, "other")?)?,
        "ne" | "!=" => !equal(meter, value, args.need(0, "other")?)?,
        "lt" | "lessthan" | "<" => compare(meter, value, args.need(0, "other")?)? == Ordering::Less,
        "le" | "<=" => compare(meter, value, args.need(0, "other")?)? != Ordering::Greater,
        "gt" | "greaterthan" | ">" => compare(meter, value, args.need(0, "other")?)? == Ordering::Greater,
        "ge" | ">=" => compare(meter, value, args.need(0, "other")?)? != Ordering::Less,
        "in" => ops::contains(meter, args.need(0, "seq")?, value)?,
        "sameas" => same(eval, value, args.need(0, "other")?)?,
        "filter" => value.as_str().is_some_and(|name| filters::NAMES.contains(&name)),
        "test" => value.as_str().is_some_and(|name| NAMES.contains(&name)),
        _ => return fault(format!("the test '{name}' is not known here")),
    })
}

const NAMES: &[&str] = &[
    "defined",
    "undefined",
    "none",
    "boolean",
    "true",
    "false",
    "integer",
    "float",
    "number",
    "string",
    "mapping",
    "sequence",
    "iterable",
    "callable",
    "escaped",
    "lower",
    "upper",
    "odd",
    "even",
    "divisibleby",
    "eq",
    "equalto",
    "==",
    "ne",
    "!=",
    "lt",
    "lessthan",
    "<",
    "le",
    "<=",
    "gt",
    "greaterthan",
    ">",
    "ge",
    ">=",
    "in",
    "sameas",
    "filter",
    "test",
];

/// Python's `is`: identity of objects, equality of what has only one.
fn same(eval: &Eval, a: &Val, b: &Val) -> Res<bool> {
    Ok(match (a, b) {
        (Val::List(a), Val::List(b)) | (Val::Tuple(a), Val::Tuple(b)) => Rc::ptr_eq(a, b),
        (Val::Map(a), Val::Map(b)) => Rc::ptr_eq(a, b),
        (a, b) => a.kind() == b.kind() && equal(eval.meter, a, b)?,
    })
}
