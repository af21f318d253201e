//! One evaluation, in a thread whose stack holds what `eval` allows in depth.

use super::eval::Eval;
use super::meter::{Meter, Res, Stop};
use super::parse;
use super::value::{Val, from_json};
use jiff::Zoned;
use minijinja::machinery::ast::Stmt;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::thread;

/// More than the deepest evaluation takes; untouched pages cost nothing.
pub(super) const STACK_BYTES: usize = 128 << 20;
pub(super) const PANICKED: &str = "the template made its reader panic";

/// What becomes of `{% generation %}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    /// Nothing to be seen.
    Plain,
    /// [`super::MARKS`] around what is inside.
    Marked,
}

#[derive(Debug)]
pub(super) enum RenderError {
    /// The template's own words.
    Raised(String),
    Limit {
        why: String,
        line: u32,
    },
    Broken {
        why: String,
        line: u32,
    },
}

pub(super) fn render(
    template: &str,
    messages: &Value,
    variables: &Map<String, Value>,
    now: &Zoned,
    answers: Answers,
) -> Result<String, RenderError> {
    let broken = |why: String| RenderError::Broken { why, line: 1 };
    thread::scope(|scope| {
        thread::Builder::new()
            .name("template".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || render_here(template, messages, variables, now, answers))
            .map_err(|error| broken(error.to_string()))?
            .join()
            .unwrap_or_else(|_| Err(broken(PANICKED.into())))
    })
}

fn render_here(
    template: &str,
    messages: &Value,
    variables: &Map<String, Value>,
    now: &Zoned,
    answers: Answers,
) -> Result<String, RenderError> {
    let source = parse::prepare(template, answers)?;
    let tree = parse::syntax_tree(&source)?;
    evaluate(&tree, messages, variables, None, now)
}

/// Evaluates a template that has been read, `more` being one variable besides the others. The thread's stack holds
/// [`STACK_BYTES`].
pub(super) fn evaluate(
    tree: &Stmt<'_>,
    messages: &Value,
    variables: &Map<String, Value>,
    more: Option<&(&str, Value)>,
    now: &Zoned,
) -> Result<String, RenderError> {
    let meter = Meter::new(json_bytes(messages) + variables.values().map(json_bytes).sum::<usize>());
    let variables = variables.iter().map(|(name, value)| (name.as_str(), value));
    let variables = variables.chain(more.map(|(name, value)| (*name, value)));
    let context = context(&meter, messages, variables).map_err(|stop| refusal(stop, 1))?;
    let mut eval = Eval::new(&meter, now, context);
    let rendered = eval.run(tree);
    let line = eval.line;
    rendered.map_err(|stop| refusal(stop, line))
}

fn context<'v>(
    meter: &Meter,
    messages: &Value,
    variables: impl Iterator<Item = (&'v str, &'v Value)>,
) -> Res<Vec<(String, Val)>> {
    // transformers always passes these, if only as None.
    let mut context = vec![
        ("messages".to_owned(), from_json(meter, &with_reasoning(messages))?),
        ("add_generation_prompt".to_owned(), Val::Bool(false)),
        ("tools".to_owned(), Val::None),
        ("documents".to_owned(), Val::None),
    ];
    for (name, value) in variables {
        let value = from_json(meter, value)?;
        match context.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = value,
            None => context.push((name.to_owned(), value)),
        }
    }
    Ok(context)
}

/// As transformers: a message's thoughts go by each of the names that templates look for.
fn with_reasoning(messages: &Value) -> Cow<'_, Value> {
    const NAMES: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];
    let thoughts = |message: &Value| NAMES.iter().find_map(|name| message.get(name)).cloned();
    let Value::Array(list) = messages else { return Cow::Borrowed(messages) };
    if list.iter().all(|message| thoughts(message).is_none()) {
        return Cow::Borrowed(messages);
    }
    let mut list = list.clone();
    for message in &mut list {
        if let (Some(thoughts), Value::Object(fields)) = (thoughts(message), message) {
            for name in &NAMES[..2] {
                fields.entry(*name).or_insert_with(|| thoughts.clone());
            }
        }
    }
    Cow::Owned(Value::Array(list))
}

fn refusal(stop: Stop, line: u32) -> RenderError {
    match stop {
        Stop::Raised(message) => RenderError::Raised(message),
        Stop::Limit(why) => RenderError::Limit { why: why.into(), line },
        Stop::Fault(why) => RenderError::Broken { why, line },
        Stop::Break | Stop::Continue => RenderError::Broken { why: "not in a loop".into(), line },
    }
}

/// About as many bytes as the value's text has.
fn json_bytes(value: &Value) -> usize {
    match value {
        Value::String(s) => s.len() + 16,
        Value::Array(items) => items.iter().map(json_bytes).sum::<usize>() + 16,
        Value::Object(fields) => fields.iter().map(|(k, v)| k.len() + json_bytes(v)).sum::<usize>() + 16,
        _ => 16,
    }
}
