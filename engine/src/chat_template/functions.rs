//! The functions that a template finds around it.

use super::args::Args;
use super::eval::Eval;
use super::meter::{Res, Stop, fault};
use super::text::to_str;
use super::value::Val;
use std::cell::RefCell;
use std::rc::Rc;

const NAMES: &[&str] = &["range", "namespace", "dict", "raise_exception", "strftime_now"];
/// Jinja2's sandbox refuses longer ones, too.
const MAX_RANGE: i128 = 100_000;

pub(super) fn named(name: &str) -> Option<Val> {
    NAMES.iter().find(|n| **n == name).map(|name| Val::Function(name))
}

pub(super) fn call(eval: &mut Eval, name: &str, args: &Args) -> Res<Val> {
    match name {
        "range" => range(eval, args),
        "namespace" => {
            let mut fields: Vec<(Rc<str>, Val)> = Vec::new();
            for (name, value) in entries(eval, args)? {
                if value.holds_namespace() {
                    return fault("a namespace cannot hold a namespace");
                }
                fields.push((to_str(eval.meter, &name)?.into(), value));
            }
            Ok(Val::Namespace(Rc::new(RefCell::new(fields))))
        }
        "dict" => {
            let entries = entries(eval, args)?;
            Val::map(eval.meter, entries)
        }
        "raise_exception" => Err(Stop::Raised(to_str(eval.meter, args.need(0, "message")?)?)),
        _ => {
            let format = args.text(0, "format")?;
            eval.meter.grow(format.len() * 8)?;
            // Widths like %99999999d would be the template's to choose.
            if format.as_bytes().windows(4).any(|w| w.iter().all(u8::is_ascii_digit)) {
                return fault("strftime_now: a width is too large");
            }
            match jiff::fmt::strtime::format(format, eval.now) {
                Ok(text) => Val::str(eval.meter, text),
                Err(error) => fault(format!("strftime_now: {error}")),
            }
        }
    }
}

fn entries(eval: &Eval, args: &Args) -> Res<Vec<(Val, Val)>> {
    let mut entries = match args.positional.first() {
        None => Vec::new(),
        Some(Val::Map(map)) => map.entries.clone(),
        Some(other) => return fault(format!("a {} is no dict", other.kind())),
    };
    eval.meter.grow((entries.len() + args.named.len()) * 96)?;
    for (name, value) in &args.named {
        entries.push((Val::str(eval.meter, name)?, value.clone()));
    }
    Ok(entries)
}

fn range(eval: &Eval, args: &Args) -> Res<Val> {
    let first = args.int_or(0, "start", 0)?;
    let (start, stop) = match args.get(1, "stop") {
        Some(_) => (first, args.int_or(1, "stop", 0)?),
        None => (0, first),
    };
    let step = args.int_or(2, "step", 1)?;
    if step == 0 {
        return fault("range() cannot step by zero");
    }
    let span = if step > 0 { stop.saturating_sub(start) } else { start.saturating_sub(stop) };
    let stride = step.saturating_abs();
    let n = if span <= 0 { 0 } else { (span - 1) / stride + 1 };
    if n > MAX_RANGE {
        return Err(Stop::Limit("a range is longer than 100000"));
    }
    let items: Vec<Val> = (0..n).map(|i| Val::Int(start + i * step)).collect();
    Val::list(eval.meter, items)
}
