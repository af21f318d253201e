//! Specs from JSON: strictly when they are new, with patience when they were stored by another version.

use super::{FieldProblem, ScratchSpec, TrainSpec};
use crate::text::Text;
use serde_json::{Map, Value};

impl TrainSpec {
    /// A new spec; what is missing is the default.
    ///
    /// # Errors
    /// Every field that is not known or whose value makes no sense, by name. Values out of their range are left to
    /// [`TrainSpec::problems`].
    pub fn from_new(input: &Value) -> Result<Self, Vec<FieldProblem>> {
        let (spec, mut problems) = read(input);
        unknown(input, &serde_json::to_value(&spec).unwrap_or_default(), "", &mut problems);
        problems.sort_by(|a, b| a.field.cmp(&b.field));
        problems.dedup_by(|a, b| a.field == b.field);
        if problems.is_empty() { Ok(spec) } else { Err(problems) }
    }

    /// A stored spec: what cannot be read is the default.
    #[must_use]
    pub fn from_stored(input: &Value) -> Self {
        read(input).0
    }
}

/// What is laid under `input`: a run that begins from nothing has other defaults.
fn plain(input: &Value) -> TrainSpec {
    match input.pointer("/task/kind").and_then(Value::as_str) {
        Some("scratch") => TrainSpec::from_scratch(ScratchSpec::default()),
        _ => TrainSpec::default(),
    }
}

/// The default with everything of `input` that fits laid over it, and what does not fit.
fn read(input: &Value) -> (TrainSpec, Vec<FieldProblem>) {
    let plain = serde_json::to_value(plain(input)).unwrap_or_default();
    let whole = laid_over(&plain, input);
    if input.is_object()
        && let Ok(spec) = serde_json::from_value(whole)
    {
        return (spec, Vec::new());
    }
    let mut fitting = plain;
    let mut problems = Vec::new();
    let Value::Object(fields) = input else {
        let text = Text::new("train.problem.no_table");
        return (TrainSpec::default(), vec![FieldProblem { field: String::new(), text }]);
    };
    add_fitting(&mut fitting, &mut Vec::new(), fields, &mut problems);
    (serde_json::from_value(fitting).unwrap_or_default(), problems)
}

/// Tries the leaves of `fields` one by one.
fn add_fitting(
    whole: &mut Value,
    path: &mut Vec<String>,
    fields: &Map<String, Value>,
    problems: &mut Vec<FieldProblem>,
) {
    // The kind first: it says which fields there are.
    let kind_first = fields.iter().filter(|(name, _)| *name == "kind");
    let rest = fields.iter().filter(|(name, _)| *name != "kind");
    for (name, value) in kind_first.chain(rest) {
        path.push(name.clone());
        // A model source is one value, though it is written as an object.
        match value {
            Value::Object(inner) if path.len() == 1 && name != "model" => {
                add_fitting(whole, path, inner, problems)
            }
            _ => {
                let mut part = value.clone();
                for name in path.iter().rev() {
                    part = Value::Object(Map::from_iter([(name.clone(), part)]));
                }
                let tried = laid_over(whole, &part);
                match serde_json::from_value::<TrainSpec>(tried.clone()) {
                    Ok(_) => *whole = tried,
                    Err(error) => problems.push(FieldProblem {
                        field: path.join("."),
                        text: Text::new("train.problem.value").arg("value", shorten(value)).arg("why", error),
                    }),
                }
            }
        }
        path.pop();
    }
}

/// `base` with `over` laid over it: objects are joined, unless their kind differs.
fn laid_over(base: &Value, over: &Value) -> Value {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) if is_model(base) => Value::Object(over.clone()),
        (Value::Object(base), Value::Object(over)) => {
            let other_kind = over.get("kind").is_some_and(|kind| Some(kind) != base.get("kind"));
            let mut joined = if other_kind { Map::new() } else { base.clone() };
            for (name, value) in over {
                let below = joined.get(name).cloned().unwrap_or_default();
                joined.insert(name.clone(), laid_over(&below, value));
            }
            Value::Object(joined)
        }
        _ => over.clone(),
    }
}

fn is_model(object: &Map<String, Value>) -> bool {
    object.len() == 1 && (object.contains_key("Path") || object.contains_key("Library"))
}

/// What `input` says and a spec does not know.
fn unknown(input: &Value, known: &Value, path: &str, problems: &mut Vec<FieldProblem>) {
    let (Value::Object(input), Value::Object(known)) = (input, known) else { return };
    if is_model(known) {
        return;
    }
    for (name, value) in input {
        let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match known.get(name) {
            Some(below) => unknown(value, below, &field, problems),
            None => {
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                let text = Text::new("train.problem.unknown").arg("known", names.join(", "));
                problems.push(FieldProblem { field, text });
            }
        }
    }
}

fn shorten(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 40 {
        return text;
    }
    text.chars().take(40).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{MethodSpec, OptimizerSpec};
    use serde_json::json;

    fn named(input: &Value) -> Vec<String> {
        TrainSpec::from_new(input).expect_err("it is refused").into_iter().map(|p| p.field).collect()
    }

    #[test]
    fn what_is_missing_is_the_default() {
        assert_eq!(TrainSpec::from_new(&json!({})), Ok(TrainSpec::default()));
        let spec = TrainSpec::from_new(&json!({ "method": { "rank": 4 }, "seed": 7 })).expect("it fits");
        assert!(matches!(spec.method, MethodSpec::Lora(ref lora) if lora.rank == 4 && lora.alpha == 32.0));
        let spec =
            TrainSpec::from_new(&json!({ "method": { "kind": "full" }, "optimizer": { "kind": "sgd" } }));
        let spec = spec.expect("it fits");
        assert!(matches!(spec.method, MethodSpec::Full(_)));
        assert!(matches!(spec.optimizer, OptimizerSpec::Sgd(ref sgd) if sgd.momentum == 0.9));
        assert_eq!(spec.learning_rate(), 0.01);
        assert_eq!(TrainSpec::from_new(&serde_json::to_value(&spec).expect("plain")), Ok(spec));
    }

    #[test]
    fn every_bad_field_is_named() {
        let input = json!({
            "sed": 1,
            "method": { "kind": "lora", "rank": "high", "ranks": 3 },
            "schedule": { "kind": "staircase" },
            "optimizer": { "kind": "sgd", "beta1": 0.9 },
            "batch": 4,
        });
        assert_eq!(
            named(&input),
            ["batch", "method.rank", "method.ranks", "optimizer.beta1", "schedule.kind", "sed"]
        );
        assert_eq!(named(&json!([1])), [""]);
        assert_eq!(named(&json!({ "optimizer": { "kind": "adam" } })), ["optimizer.kind"]);
    }

    #[test]
    fn a_stored_spec_survives_what_makes_no_sense() {
        let stored = json!({
            "version": 9, "from_the_future": [1], "seed": 5,
            "method": { "kind": "lora", "rank": 3, "alpha": "loud" },
        });
        let spec = TrainSpec::from_stored(&stored);
        assert_eq!((spec.version, spec.seed), (9, 5));
        assert!(matches!(spec.method, MethodSpec::Lora(ref lora) if lora.rank == 3 && lora.alpha == 32.0));
        assert_eq!(TrainSpec::from_stored(&json!("?")), TrainSpec::default());
    }
}
