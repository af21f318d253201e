//! Values of a template: Python's, as jinja2 sees them. Immutable but for namespaces, and never deeper than
//! [`MAX_DEPTH`], so that walking or dropping one is safe.

use super::meter::{Meter, Res, fault};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

/// Of lists in lists.
const MAX_DEPTH: u16 = 200;
/// What an element of a list costs, about.
const ELEMENT_BYTES: usize = 48;

/// What a namespace holds, by name, in order.
pub(super) type Fields = Vec<(Rc<str>, Val)>;

#[derive(Clone)]
pub(super) enum Val {
    /// The name that was looked for.
    Undefined(Rc<str>),
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Rc<str>),
    List(Rc<Seq>),
    Tuple(Rc<Seq>),
    Map(Rc<Map>),
    Namespace(Rc<RefCell<Fields>>),
    /// Index into the evaluation's macros.
    Macro(usize),
    /// The `loop` of a `for`.
    Loop(Rc<super::eval::Loop>),
    /// A function of the environment.
    Function(&'static str),
    /// A method not yet called.
    Method(Rc<(Val, String)>),
}

pub(super) struct Seq {
    pub(super) items: Vec<Val>,
    depth: u16,
    holds_namespace: bool,
}

pub(super) struct Map {
    /// In order of insertion, keys unique.
    pub(super) entries: Vec<(Val, Val)>,
    depth: u16,
    holds_namespace: bool,
}

impl Val {
    pub(super) fn undefined(name: &str) -> Self {
        Self::Undefined(name.into())
    }

    pub(super) fn str(meter: &Meter, text: impl AsRef<str>) -> Res<Self> {
        let text = text.as_ref();
        meter.grow(text.len() + 16)?;
        Ok(Self::Str(text.into()))
    }

    pub(super) fn list(meter: &Meter, items: Vec<Self>) -> Res<Self> {
        Ok(Self::List(Rc::new(Seq::new(meter, items)?)))
    }

    pub(super) fn tuple(meter: &Meter, items: Vec<Self>) -> Res<Self> {
        Ok(Self::Tuple(Rc::new(Seq::new(meter, items)?)))
    }

    /// Later entries replace earlier ones of the same key, in the earlier one's place.
    pub(super) fn map(meter: &Meter, pairs: Vec<(Self, Self)>) -> Res<Self> {
        meter.grow(pairs.len() * 2 * ELEMENT_BYTES)?;
        let mut entries: Vec<(Self, Self)> = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            if matches!(key, Self::List(_) | Self::Map(_) | Self::Namespace(_)) {
                return fault(format!("a {} cannot be a key", key.kind()));
            }
            let mut found = None;
            for (at, (known, _)) in entries.iter().enumerate() {
                if equal(meter, known, &key)? {
                    found = Some(at);
                    break;
                }
            }
            match found {
                Some(at) => entries[at].1 = value,
                None => entries.push((key, value)),
            }
        }
        let (mut depth, mut holds_namespace) = (1, false);
        for (key, value) in &entries {
            for v in [key, value] {
                depth = depth.max(v.depth() + 1);
                holds_namespace |= v.holds_namespace();
            }
        }
        check_depth(depth)?;
        Ok(Self::Map(Rc::new(Map { entries, depth, holds_namespace })))
    }

    fn depth(&self) -> u16 {
        match self {
            Self::List(seq) | Self::Tuple(seq) => seq.depth,
            Self::Map(map) => map.depth,
            Self::Method(bound) => bound.0.depth(),
            _ => 0,
        }
    }

    /// Whether a namespace would become part of itself by holding this.
    pub(super) fn holds_namespace(&self) -> bool {
        match self {
            Self::List(seq) | Self::Tuple(seq) => seq.holds_namespace,
            Self::Map(map) => map.holds_namespace,
            Self::Method(bound) => bound.0.holds_namespace(),
            Self::Namespace(_) | Self::Loop(_) => true,
            _ => false,
        }
    }

    /// Python's name for the type.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Undefined(_) => "undefined",
            Self::None => "none",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Float(_) => "float",
            Self::Str(_) => "string",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Map(_) => "dict",
            Self::Namespace(_) => "namespace",
            Self::Macro(_) => "macro",
            Self::Loop(_) => "loop",
            Self::Function(_) => "function",
            Self::Method(_) => "method",
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Undefined(_) | Self::None => false,
            Self::Bool(b) => *b,
            Self::Int(i) => *i != 0,
            Self::Float(f) => *f != 0.0,
            Self::Str(s) => !s.is_empty(),
            Self::List(seq) | Self::Tuple(seq) => !seq.items.is_empty(),
            Self::Map(map) => !map.entries.is_empty(),
            _ => true,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(s) => Some(s),
            _ => None,
        }
    }

    /// Whole numbers, booleans as in Python included.
    pub(super) fn as_int(&self) -> Option<i128> {
        match self {
            Self::Int(i) => Some(*i),
            Self::Bool(b) => Some(i128::from(*b)),
            _ => None,
        }
    }

    pub(super) fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(f) => Some(*f),
            other => other.as_int().map(|i| i as f64),
        }
    }

    /// Number of elements or characters.
    pub(super) fn len(&self) -> Option<usize> {
        Some(match self {
            Self::Str(s) => s.chars().count(),
            Self::List(seq) | Self::Tuple(seq) => seq.items.len(),
            Self::Map(map) => map.entries.len(),
            Self::Undefined(_) => 0,
            Self::Loop(state) => state.items.len(),
            _ => return None,
        })
    }

    /// What a `for` runs over: elements, characters, keys.
    pub(super) fn elements(&self, meter: &Meter) -> Res<Vec<Self>> {
        let count = match self {
            Self::Str(s) => s.len(),
            other => other.len().unwrap_or(0),
        };
        meter.grow(count * ELEMENT_BYTES)?;
        Ok(match self {
            Self::List(seq) | Self::Tuple(seq) => seq.items.clone(),
            Self::Map(map) => map.entries.iter().map(|(k, _)| k.clone()).collect(),
            Self::Str(s) => {
                let mut buffer = [0; 4];
                s.chars().map(|c| Self::Str((&*c.encode_utf8(&mut buffer)).into())).collect()
            }
            Self::Undefined(_) => Vec::new(),
            other => return fault(format!("a {} cannot be iterated over", other.kind())),
        })
    }
}

impl Seq {
    fn new(meter: &Meter, items: Vec<Val>) -> Res<Self> {
        meter.grow(items.len() * ELEMENT_BYTES + 16)?;
        let depth = items.iter().map(Val::depth).max().unwrap_or(0) + 1;
        check_depth(depth)?;
        let holds_namespace = items.iter().any(Val::holds_namespace);
        Ok(Self { items, depth, holds_namespace })
    }
}

impl Map {
    pub(super) fn get(&self, meter: &Meter, key: &Val) -> Res<Option<&Val>> {
        for (known, value) in &self.entries {
            if equal(meter, known, key)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

fn check_depth(depth: u16) -> Res<()> {
    if depth > MAX_DEPTH { fault("a list or dict is nested too deeply") } else { Ok(()) }
}

/// Python's `==`.
pub(super) fn equal(meter: &Meter, a: &Val, b: &Val) -> Res<bool> {
    meter.step(1)?;
    Ok(match (a, b) {
        (Val::Undefined(_), Val::Undefined(_)) | (Val::None, Val::None) => true,
        (Val::Str(a), Val::Str(b)) => {
            if a.len() == b.len() {
                meter.scan(a.len())?;
            }
            a == b
        }
        (Val::List(a), Val::List(b)) | (Val::Tuple(a), Val::Tuple(b)) => {
            if a.items.len() != b.items.len() {
                return Ok(false);
            }
            for (a, b) in a.items.iter().zip(&b.items) {
                if !equal(meter, a, b)? {
                    return Ok(false);
                }
            }
            true
        }
        (Val::Map(a), Val::Map(b)) => {
            if a.entries.len() != b.entries.len() {
                return Ok(false);
            }
            for (key, value) in &a.entries {
                match b.get(meter, key)? {
                    Some(other) if equal(meter, value, other)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Val::Namespace(a), Val::Namespace(b)) => Rc::ptr_eq(a, b),
        (Val::Macro(a), Val::Macro(b)) => a == b,
        (Val::Function(a), Val::Function(b)) => a == b,
        _ => match (a.as_int(), b.as_int()) {
            (Some(a), Some(b)) => a == b,
            _ => a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a == b),
        },
    })
}

/// Python's order: numbers with numbers, strings with strings, lists element by element.
pub(super) fn compare(meter: &Meter, a: &Val, b: &Val) -> Res<Ordering> {
    meter.step(1)?;
    match (a, b) {
        (Val::Str(a), Val::Str(b)) => {
            meter.scan(a.len().min(b.len()))?;
            Ok(a.cmp(b))
        }
        (Val::List(a), Val::List(b)) | (Val::Tuple(a), Val::Tuple(b)) => {
            for (a, b) in a.items.iter().zip(&b.items) {
                let order = compare(meter, a, b)?;
                if order != Ordering::Equal {
                    return Ok(order);
                }
            }
            Ok(a.items.len().cmp(&b.items.len()))
        }
        _ => {
            if let (Some(a), Some(b)) = (a.as_int(), b.as_int()) {
                return Ok(a.cmp(&b));
            }
            match a.as_f64().zip(b.as_f64()) {
                Some((a, b)) => Ok(a.partial_cmp(&b).unwrap_or(Ordering::Equal)),
                None => fault(format!("a {} and a {} have no order", a.kind(), b.kind())),
            }
        }
    }
}

/// From JSON, as Python's json module reads it.
pub(super) fn from_json(meter: &Meter, json: &serde_json::Value) -> Res<Val> {
    use serde_json::Value;
    Ok(match json {
        Value::Null => Val::None,
        Value::Bool(b) => Val::Bool(*b),
        Value::Number(n) => match (n.as_i64(), n.as_u64(), n.as_f64()) {
            (Some(i), _, _) => Val::Int(i.into()),
            (_, Some(u), _) => Val::Int(u.into()),
            (_, _, Some(f)) => Val::Float(f),
            _ => return fault("a number that is none"),
        },
        Value::String(s) => Val::str(meter, s)?,
        Value::Array(items) => {
            let items = items.iter().map(|v| from_json(meter, v)).collect::<Res<Vec<_>>>()?;
            Val::list(meter, items)?
        }
        Value::Object(fields) => {
            let pairs = fields
                .iter()
                .map(|(k, v)| Ok((Val::str(meter, k)?, from_json(meter, v)?)))
                .collect::<Res<Vec<_>>>()?;
            Val::map(meter, pairs)?
        }
    })
}
