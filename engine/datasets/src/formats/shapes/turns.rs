//! Turns of a conversation, in any common spelling, as a list of `{"role", "content"}`.

use serde_json::{Map, Value};

const ROLES: [&str; 4] = ["role", "from", "speaker", "sender"];
const CONTENTS: [&str; 4] = ["content", "value", "text", "message"];

/// Columns whose lists of texts are turns, though no turn says whose it is.
const CONVERSATIONS: [&[u8]; 9] = [
    b"messages",
    b"conversations",
    b"conversation",
    b"dialog",
    b"dialogue",
    b"turns",
    b"chat",
    b"history",
    b"utterances",
];

pub(super) fn is_conversation(key: &[u8]) -> bool {
    CONVERSATIONS.contains(&key)
}

/// Whether canonical JSON is a list of `{"role": one of four, "content": text}` already: what most conversations
/// are, told without reading them into values.
pub(in crate::formats) fn settled(text: &[u8]) -> bool {
    let mut rest = &text[1..];
    loop {
        let Some(after) = rest.strip_prefix(b"{\"role\":\"") else { return false };
        let known = [b"user\"".as_slice(), b"assistant\"", b"system\"", b"tool\""];
        let Some(after) = known.iter().find_map(|role| after.strip_prefix(*role)) else { return false };
        let Some(after) = after.strip_prefix(b",\"content\":\"").and_then(after_string) else { return false };
        match after {
            [b'}', b',', more @ ..] => rest = more,
            [b'}', b']'] => return true,
            _ => return false,
        }
    }
}

/// The same list in the one shape, where every turn in canonical JSON is no more than a known speaker and a text, under
/// any common names: what most conversations are, written anew without reading them into values.
pub(super) fn renamed(text: &[u8]) -> Option<Vec<u8>> {
    let mut rest = text.strip_prefix(b"[")?;
    let mut list = Vec::with_capacity(text.len() + text.len() / 8 + 64);
    loop {
        let (first, after) = field(rest.strip_prefix(b"{")?)?;
        let (second, after) = field(after.strip_prefix(b",")?)?;
        let (speaker, content) = match (ROLES.contains(&first.0), CONTENTS.contains(&first.0)) {
            (true, _) if CONTENTS.contains(&second.0) => (first.1, second.1),
            (_, true) if ROLES.contains(&second.0) => (second.1, first.1),
            _ => return None,
        };
        list.push(if list.is_empty() { b'[' } else { b',' });
        list.extend_from_slice(b"{\"role\":\"");
        list.extend_from_slice(speaker_named(speaker)?.as_bytes());
        list.extend_from_slice(b"\",\"content\":\"");
        list.extend_from_slice(content);
        list.extend_from_slice(b"\"}");
        match after {
            [b'}', b',', more @ ..] => rest = more,
            [b'}', b']'] => break,
            _ => return None,
        }
    }
    list.push(b']');
    Some(list)
}

/// A field's name and value, and what follows it.
type Field<'a> = ((&'a str, &'a [u8]), &'a [u8]);

/// A field whose value is a text, both as they stand between their quotes, and what comes after it.
fn field(text: &[u8]) -> Option<Field<'_>> {
    let (key, after) = quoted(text)?;
    let (value, after) = quoted(after.strip_prefix(b":")?)?;
    Some(((std::str::from_utf8(key).ok()?, value), after))
}

/// What stands between the quotes that a text begins with, and what comes after them.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"\"")?;
    let after = after_string(inner)?;
    Some((&inner[..inner.len() - after.len() - 1], after))
}

/// A speaker by a name as it stands in JSON; those that most files have are told without making it lower case.
fn speaker_named(name: &[u8]) -> Option<&'static str> {
    match name {
        b"human" | b"user" => Some("user"),
        b"gpt" | b"assistant" => Some("assistant"),
        other => known_role(std::str::from_utf8(other).ok()?),
    }
}

/// What comes after a string whose opening quote was passed.
fn after_string(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        let at = memchr::memchr2(b'"', b'\\', text)?;
        if text[at] == b'"' {
            return Some(&text[at + 1..]);
        }
        text = text.get(at + 2..)?;
    }
}

/// A list in which every element is a turn.
pub(super) fn of(value: &Value) -> Option<Value> {
    let list = value.as_array().filter(|list| !list.is_empty())?;
    let named: Option<Vec<Value>> = list.iter().map(turn).collect();
    named.or_else(|| by_speaker(list)).map(Value::Array)
}

fn turn(value: &Value) -> Option<Value> {
    let map = value.as_object()?;
    let role_key = ROLES.iter().find(|key| map.get(**key).is_some_and(Value::is_string))?;
    let content_key = CONTENTS.iter().find(|key| map.contains_key(**key));
    // An assistant may call tools and say nothing.
    if content_key.is_none() && !map.contains_key("tool_calls") && !map.contains_key("function_call") {
        return None;
    }
    let content = content_key.and_then(|key| map.get(*key)).unwrap_or(&Value::Null);
    let role = map.get(*role_key).and_then(Value::as_str).unwrap_or_default();
    let mut turn = Map::new();
    turn.insert("role".to_owned(), Value::from(role_named(role)));
    turn.insert("content".to_owned(), joined(content));
    for (key, value) in map {
        if key != role_key && Some(&key.as_str()) != content_key {
            turn.insert(key.clone(), value.clone());
        }
    }
    Some(Value::Object(turn))
}

/// `[{"user": "…", "assistant": "…"}, …]`
fn by_speaker(list: &[Value]) -> Option<Vec<Value>> {
    let mut turns = Vec::new();
    for one in list {
        let map = one.as_object().filter(|map| !map.is_empty())?;
        for (speaker, text) in map {
            let role = known_role(speaker)?;
            turns.push(said(role, text.as_str()?));
        }
    }
    Some(turns)
}

/// `["question", "answer", …]` or `[["question", "answer"], …]`, where the column's name says what it is.
pub(super) fn unnamed(value: &Value) -> Option<Value> {
    let list = value.as_array()?;
    let mut texts = Vec::new();
    for one in list {
        match one {
            Value::String(text) => texts.push(text.as_str()),
            Value::Array(pair) => {
                let [question, answer] = pair.as_slice() else { return None };
                texts.extend([question.as_str()?, answer.as_str()?]);
            }
            _ => return None,
        }
    }
    let roles = ["user", "assistant"].into_iter().cycle();
    Some(Value::Array(texts.into_iter().zip(roles).map(|(text, role)| said(role, text)).collect()))
}

fn said(role: &str, text: &str) -> Value {
    let mut turn = Map::new();
    turn.insert("role".to_owned(), Value::from(role));
    turn.insert("content".to_owned(), Value::from(text));
    Value::Object(turn)
}

fn role_named(name: &str) -> &str {
    known_role(name).unwrap_or(name)
}

fn known_role(name: &str) -> Option<&'static str> {
    Some(match name.trim().to_lowercase().as_str() {
        "system" | "developer" => "system",
        "user" | "human" | "prompter" | "customer" | "用户" => "user",
        "assistant" | "gpt" | "chatgpt" | "bot" | "chatbot" | "model" | "ai" | "bing" | "bard" | "claude"
        | "function_call" | "agent" | "助手" => "assistant",
        "tool" | "function" | "observation" | "function_response" | "tool_response" | "ipython" => "tool",
        _ => return None,
    })
}

/// Parts that are all text, as one text.
fn joined(content: &Value) -> Value {
    let text_of = |part: &Value| -> Option<String> {
        let map = part.as_object()?;
        let is_text = map.get("type").and_then(Value::as_str) == Some("text") && map.len() == 2;
        is_text.then(|| map.get("text").and_then(Value::as_str).map(str::to_owned)).flatten()
    };
    let parts = content.as_array().filter(|parts| !parts.is_empty());
    match parts.and_then(|parts| parts.iter().map(text_of).collect::<Option<String>>()) {
        Some(text) => Value::from(text),
        None => content.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settled_conversations_are_told_at_a_glance() {
        let settled_value = |value: Value| settled(value.to_string().as_bytes());
        assert!(settled_value(
            json!([{"role": "user", "content": "a \\\" } ]"}, {"role": "assistant", "content": ""}])
        ));
        assert!(!settled_value(json!([{"role": "human", "content": "a"}])));
        assert!(!settled_value(json!([{"content": "a", "role": "user"}])));
        assert!(!settled_value(json!([{"role": "user", "content": "a", "name": "x"}])));
        assert!(!settled_value(json!([{"role": "user", "content": "a"}, 1])));
    }

    #[test]
    fn what_is_renamed_at_a_glance_is_what_reading_it_makes() {
        let check = |list: Value, quick: bool| {
            let text = list.to_string();
            let renamed = renamed(text.as_bytes());
            assert_eq!(renamed.is_some(), quick, "{text}");
            if let Some(renamed) = renamed {
                assert_eq!(String::from_utf8(renamed).unwrap(), of(&list).unwrap().to_string());
            }
        };
        check(json!([{"from": "human", "value": "a \\\" } ]\n"}, {"value": "", "from": "gpt"}]), true);
        check(json!([{"speaker": " Human ", "text": "中\u{1}"}, {"sender": "助手", "message": "x"}]), true);
        check(json!([{"role": "user", "content": "a"}]), true);
        check(json!([{"role": "observation", "value": "\u{7f}\u{2028}"}]), true);
        // A name with escapes, one that nobody knows, more than two fields, what is no text, names that say the same.
        check(json!([{"from": "human\n", "value": "a"}]), false);
        check(json!([{"from": "narrator", "value": "a"}]), false);
        check(json!([{"from": "human", "value": "a", "weight": 1}]), false);
        check(json!([{"from": "human"}]), false);
        check(json!([{"from": "human", "value": null}]), false);
        check(json!([{"from": "human", "value": "a"}, "b"]), false);
        check(json!([{"from": "human", "role": "user"}]), false);
        check(json!([{"value": "human", "content": "user"}]), false);
        for cut in ["[", "[{", "[{\"from\"", "[{\"from\":\"human\",", "[{\"from\":\"human\",\"value\":\"a\"}"]
        {
            assert_eq!(super::renamed(cut.as_bytes()), None);
        }
    }
}
