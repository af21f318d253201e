//! Labelled spans of a text, in any common spelling, as a list of `{"start", "end", "label"}`.

use serde_json::{Map, Value};

const STARTS: [&str; 5] = ["start", "start_offset", "start_char", "begin", "startOffset"];
const ENDS: [&str; 5] = ["end", "end_offset", "end_char", "stop", "endOffset"];
const LABELS: [&str; 9] =
    ["label", "labels", "entity", "entity_group", "entity_type", "type", "tag", "category", "class"];

/// A list in which every element is a span.
pub(super) fn of(value: &Value) -> Option<Value> {
    let list = value.as_array().filter(|list| !list.is_empty())?;
    let spans: Option<Vec<Vec<Value>>> = list.iter().map(span).collect();
    Some(Value::Array(spans?.concat()))
}

/// One, or one for each of its labels.
fn span(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(triple) => {
            let [start, end, label] = triple.as_slice() else { return None };
            (start.is_u64() && end.is_u64() && label.is_string())
                .then(|| vec![made(start, end, label, Map::new())])
        }
        Value::Object(map) => {
            let known = |keys: &[&'static str], fits: fn(&Value) -> bool| {
                keys.iter().copied().find(|key| map.get(*key).is_some_and(fits))
            };
            let start = known(&STARTS, Value::is_u64)?;
            let end = known(&ENDS, Value::is_u64)?;
            let label = known(&LABELS, |one| one.is_string() || texts(one).is_some())?;
            let rest: Map<String, Value> = map
                .iter()
                .filter(|(key, _)| ![start, end, label].contains(&key.as_str()))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            let labels = texts(&map[label]).map_or_else(|| vec![map[label].clone()], <[Value]>::to_vec);
            let span = |label: &Value| made(&map[start], &map[end], label, rest.clone());
            Some(labels.iter().map(span).collect())
        }
        _ => None,
    }
}

fn texts(value: &Value) -> Option<&[Value]> {
    let list = value.as_array()?;
    (!list.is_empty() && list.iter().all(Value::is_string)).then_some(list)
}

fn made(start: &Value, end: &Value, label: &Value, rest: Map<String, Value>) -> Value {
    let mut span = Map::new();
    span.insert("start".to_owned(), start.clone());
    span.insert("end".to_owned(), end.clone());
    span.insert("label".to_owned(), label.clone());
    for (key, value) in rest {
        span.entry(key).or_insert(value);
    }
    Value::Object(span)
}
