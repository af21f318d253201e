//! Spellings that say the same become one: turns of a conversation ([`turns`]), labelled spans ([`spans`]), answers
//! within a context, pairs of languages. Everything else stays as it is, untouched.

mod spans;
mod turns;

use super::json::{Field, parse, push_string};
use serde_json::{Map, Value};
pub(super) use turns::settled as is_settled;

/// Settles the shapes of one row after another.
#[derive(Default)]
pub(super) struct Shapes {
    /// Of the row read last.
    pub fields: Vec<Field>,
    line: Vec<u8>,
}

/// What becomes of a field.
enum Change {
    /// As it is to be written.
    Text(Vec<u8>),
    Value(Value),
    /// Several fields in its place.
    Fields(Map<String, Value>),
}

impl Shapes {
    /// Writes the object in `line`, whose fields are in `fields`, in the one shape.
    pub fn settle(&mut self, line: &mut Vec<u8>) {
        let nested = |field: &Field| matches!(line[field.value.start], b'[' | b'{');
        if !self.fields.iter().any(nested) {
            return;
        }
        let changes: Vec<Option<Change>> = self.fields.iter().map(|field| self.change(line, field)).collect();
        if changes.iter().any(Option::is_some) {
            self.rewrite(line, &changes);
        }
    }

    fn change(&self, line: &[u8], field: &Field) -> Option<Change> {
        let (key, text) = (&line[field.key.clone()], &line[field.value.clone()]);
        match text {
            [b'[', b'{', ..] if turns::settled(text) => None,
            [b'[', b'{', ..] => {
                if let Some(renamed) = turns::renamed(text) {
                    return Some(Change::Text(renamed));
                }
                let value = parse(text);
                let settled = turns::of(&value).or_else(|| spans::of(&value)).or_else(|| answers(&value))?;
                // As texts: the order of keys counts.
                (settled.to_string().as_bytes() != text).then_some(Change::Value(settled))
            }
            [b'[', b'[', b'0'..=b'9', ..] => spans::of(&parse(text)).map(Change::Value),
            [b'[', b'[' | b'"', ..] if turns::is_conversation(key) => {
                turns::unnamed(&parse(text)).map(Change::Value)
            }
            [b'{', b'"', ..] => self.of_object(line, key, text),
            _ => None,
        }
    }

    fn of_object(&self, line: &[u8], key: &[u8], text: &[u8]) -> Option<Change> {
        if key == b"translation" {
            return self.languages(line, text).map(Change::Fields);
        }
        let likely = [
            b"{\"entities\":".as_slice(),
            b"{\"spans\":",
            b"{\"role\":",
            b"{\"from\":",
            b"{\"content\":",
            b"{\"value\":",
        ];
        if !likely.iter().any(|head| text.starts_with(head)) {
            return None;
        }
        let value = parse(text);
        let Value::Object(map) = &value else { return None };
        if map.len() == 1 {
            let inner = map.values().next()?;
            return spans::of(inner)
                .or_else(|| is_empty_list(inner).then(|| inner.clone()))
                .map(Change::Value);
        }
        // A single turn, as preference pairs beside a conversation have it.
        turns::of(&Value::Array(vec![value])).map(Change::Value)
    }

    /// `{"en": "…", "zh": "…"}` as columns of their own, where they are in nobody's way.
    fn languages(&self, line: &[u8], text: &[u8]) -> Option<Map<String, Value>> {
        let Value::Object(map) = parse(text) else { return None };
        let taken = |name: &str| self.fields.iter().any(|one| &line[one.key.clone()] == name.as_bytes());
        let plain = map.len() >= 2 && map.values().all(|one| one.is_string() || one.is_null());
        (plain && !map.keys().any(|name| taken(name))).then_some(map)
    }

    fn rewrite(&mut self, line: &mut Vec<u8>, changes: &[Option<Change>]) {
        let out = &mut self.line;
        out.clear();
        let mut fields = Vec::with_capacity(self.fields.len());
        let mut push = |out: &mut Vec<u8>, key: &dyn Fn(&mut Vec<u8>), value: &[u8]| {
            out.push(if fields.is_empty() { b'{' } else { b',' });
            let key_from = out.len() + 1;
            key(out);
            let key = key_from..out.len() - 1;
            out.push(b':');
            let from = out.len();
            out.extend_from_slice(value);
            fields.push(Field { key, value: from..out.len() });
        };
        for (field, change) in self.fields.iter().zip(changes) {
            let old_key = |out: &mut Vec<u8>| {
                out.extend_from_slice(&line[field.key.start - 1..=field.key.end]);
            };
            match change {
                None => push(out, &old_key, &line[field.value.clone()]),
                Some(Change::Text(text)) => push(out, &old_key, text),
                Some(Change::Value(value)) => push(out, &old_key, value.to_string().as_bytes()),
                Some(Change::Fields(map)) => {
                    for (name, value) in map {
                        let key = |out: &mut Vec<u8>| push_string(name.as_bytes(), out);
                        push(out, &key, value.to_string().as_bytes());
                    }
                }
            }
        }
        out.push(b'}');
        self.fields = fields;
        std::mem::swap(line, &mut self.line);
    }
}

fn is_empty_list(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

/// SQuAD's `[{"text", "answer_start"}]` as `datasets` has it: a list of texts and one of starts.
pub(super) fn answers(value: &Value) -> Option<Value> {
    let list = value.as_array()?;
    let (mut texts, mut starts) = (Vec::new(), Vec::new());
    for one in list {
        let map = one.as_object()?;
        // What else an answer says would be lost.
        if map.len() != 2 {
            return None;
        }
        texts.push(map.get("text").filter(|text| text.is_string())?.clone());
        starts.push(map.get("answer_start").filter(|start| start.is_number())?.clone());
    }
    let mut map = Map::new();
    map.insert("text".to_owned(), Value::Array(texts));
    map.insert("answer_start".to_owned(), Value::Array(starts));
    Some(Value::Object(map))
}

#[cfg(test)]
mod tests {
    use super::super::json::read;
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(row: Value, expected: Value) {
        let (mut line, mut shapes) = (Vec::new(), Shapes::default());
        read(row.to_string().as_bytes(), &mut line, &mut shapes).unwrap();
        let text = String::from_utf8(line.clone()).unwrap();
        assert_eq!(text, expected.to_string());
        let keys: Vec<&str> = shapes.fields.iter().map(|one| &text[one.key.clone()]).collect();
        assert_eq!(keys, expected.as_object().unwrap().keys().collect::<Vec<_>>());
        for field in &shapes.fields {
            serde_json::from_str::<Value>(&text[field.value.clone()]).unwrap();
        }
    }

    #[track_caller]
    fn stays(row: Value) {
        check(row.clone(), row);
    }

    #[test]
    fn conversations_become_one_shape() {
        let turns = json!([{"role": "system", "content": "s"}, {"role": "user", "content": "u"},
            {"role": "assistant", "content": "a \"b\""}, {"role": "tool", "content": "t"}]);
        stays(json!({"id": 1, "messages": turns}));
        for (role, text) in [("from", "value"), ("role", "content"), ("role", "value"), ("speaker", "text")] {
            check(
                json!({"id": 1, "conversations": [{role: "system", text: "s"}, {role: "human", text: "u"},
                    {text: "a \"b\"", role: "gpt"}, {role: "observation", text: "t"}], "x": [1, 2]}),
                json!({"id": 1, "conversations": turns, "x": [1, 2]}),
            );
        }
        check(
            json!({"chat": [{"user": "u", "assistant": "a"}, {"Human": "v"}, {"bot": "b"}]}),
            json!({"chat": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"},
                {"role": "user", "content": "v"}, {"role": "assistant", "content": "b"}]}),
        );
        let alternating = json!([{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]);
        check(json!({"dialog": ["u", "a"]}), json!({"dialog": alternating}));
        check(json!({"conversation": [["u", "a"]]}), json!({"conversation": alternating}));
        stays(json!({"tokens": ["u", "a"], "pairs": [["u", "a"]]}));
    }

    #[test]
    fn what_else_a_turn_says_stays() {
        check(
            json!({"messages": [{"from": "gpt", "value": null, "tool_calls": [{"id": 1}], "weight": 0.5}]}),
            json!({"messages": [{"role": "assistant", "content": null, "tool_calls": [{"id": 1}], "weight": 0.5}]}),
        );
        check(
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]}),
            json!({"messages": [{"role": "user", "content": "ab"}]}),
        );
        stays(json!({"messages": [{"role": "user", "content": [{"type": "image", "url": "x"}]}]}));
        // A role nobody knows is for the person to mend.
        stays(json!({"messages": [{"role": "narrator", "content": "x"}]}));
        stays(json!({"items": [{"name": "a", "price": 1}], "more": [{"role": "x"}, {"content": "y"}]}));
    }

    #[test]
    fn preference_pairs_may_be_turns() {
        check(
            json!({"conversations": [{"from": "human", "value": "q"}], "chosen": {"from": "gpt", "value": "a"},
                "rejected": {"value": "b", "from": "gpt"}}),
            json!({"conversations": [{"role": "user", "content": "q"}],
                "chosen": [{"role": "assistant", "content": "a"}], "rejected": [{"role": "assistant", "content": "b"}]}),
        );
        stays(json!({"prompt": "q", "chosen": "a", "rejected": "b"}));
    }

    #[test]
    fn spans_become_one_shape() {
        let spans = json!([{"start": 0, "end": 3, "label": "A"}, {"start": 4, "end": 9, "label": "B"}]);
        stays(json!({"text": "t", "spans": spans}));
        check(
            json!({"text": "t", "entities": [[0, 3, "A"], [4, 9, "B"]]}),
            json!({"text": "t", "entities": spans}),
        );
        check(
            json!({"text": "t", "label": [[0, 3, "A"], [4, 9, "B"]]}),
            json!({"text": "t", "label": spans}),
        );
        check(
            json!({"text": "t", "x": {"entities": [[0, 3, "A"], [4, 9, "B"]]}}),
            json!({"text": "t", "x": spans}),
        );
        check(
            json!({"text": "t", "entities": [{"id": 7, "label": "A", "start_offset": 0, "end_offset": 3}]}),
            json!({"text": "t", "entities": [{"start": 0, "end": 3, "label": "A", "id": 7}]}),
        );
        check(
            json!({"text": "t", "spans": [{"token_start": 0, "label": "A", "end": 3, "start": 0}]}),
            json!({"text": "t", "spans": [{"start": 0, "end": 3, "label": "A", "token_start": 0}]}),
        );
        check(
            json!({"text": "t", "label": [{"start": 0, "end": 3, "text": "abc", "labels": ["A", "B"]}]}),
            json!({"text": "t", "label": [{"start": 0, "end": 3, "label": "A", "text": "abc"},
                {"start": 0, "end": 3, "label": "B", "text": "abc"}]}),
        );
        stays(json!({"text": "t", "boxes": [[0, 3], [4, 9]], "matrix": [[1, 2, 3]], "spans": []}));
    }

    #[test]
    fn answers_and_languages_become_one_shape() {
        check(
            json!({"answers": [{"text": "a", "answer_start": 3}, {"answer_start": 5, "text": "b"}]}),
            json!({"answers": {"text": ["a", "b"], "answer_start": [3, 5]}}),
        );
        check(
            json!({"id": "7", "translation": {"en": "e", "zh": "z"}, "x": 1}),
            json!({"id": "7", "en": "e", "zh": "z", "x": 1}),
        );
        stays(json!({"en": "other", "translation": {"en": "e", "zh": "z"}}));
        stays(json!({"translation": "text"}));
        stays(json!({"instruction": "i", "input": "", "output": "o"}));
    }

    #[test]
    fn numbers_beside_what_is_rewritten_stay_as_they_were() {
        let (mut line, mut shapes) = (Vec::new(), Shapes::default());
        let row =
            br#"{"score": 0.10, "c":[{"from":"human","value":"x"}], "n":123456789012345678901234567890}"#;
        read(row, &mut line, &mut shapes).unwrap();
        let expected =
            br#"{"score":0.10,"c":[{"role":"user","content":"x"}],"n":123456789012345678901234567890}"#;
        assert_eq!(line, expected);
    }
}
