//! Replies that are JSON of a given shape: at each place of a reply, which tokens may stand there.
//!
//! What a JSON schema allows is worked out by llguidance, from the bytes that the tokens spell: so it fits every
//! tokenizer. Of what a schema leaves open, two things that small models never come to an end of are closed: between
//! values stands what Python's `json.dumps` puts there, and an object that lists its properties gets no others unless
//! its schema says something about them.

use crate::memory::Reservation;
use crate::shelf::LoadedModel;
use crate::tokenizer::TextCodec;
use anyhow::Result;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use llguidance::api::{StopReason, TopLevelGrammar};
use llguidance::toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Comes before the text of a special token, so that no string of JSON is taken for it.
const SPECIAL: u8 = TokTrie::SPECIAL_TOKEN_MARKER;
/// What a tokenizer's trie takes beside the texts of its tokens: a node of 8 bytes a byte, places, an order.
const BYTES_A_TOKEN: u64 = 96;

/// A tokenizer, prepared for any schema. Made once for a model, when it is first asked for.
pub struct Spellings {
    factory: ParserFactory,
    _room: Option<Reservation>,
}

impl Spellings {
    /// # Errors
    /// `Failure { Memory }` when it does not fit.
    pub fn of(model: &LoadedModel, room: Reservation) -> Result<Self> {
        let env: TokEnv = Arc::new(ApproximateTokEnv::new(trie(&model.codec)));
        Ok(Self { factory: factory(&env)?, _room: Some(room) })
    }

    /// What [`Self::of`] will take.
    #[must_use]
    pub fn bytes(model: &LoadedModel) -> u64 {
        model.codec.vocab_size() as u64 * BYTES_A_TOKEN
    }

    /// # Errors
    /// `Failure { Input }` with what is wrong, when `schema` is none or asks for what cannot be enforced.
    pub fn grammar(&self, schema: &str) -> Result<Grammar, Failure> {
        let grammar = TopLevelGrammar::from_json_schema(parsed(schema)?);
        let matcher = Matcher::new(self.factory.create_parser(grammar));
        match matcher.get_error() {
            None => Ok(Grammar(matcher)),
            Some(why) => Err(refused(Text::new("failure.schema_unusable")).detail(why)),
        }
    }
}

/// Checks a schema without any model. Its warnings, in English: keywords that are not enforced.
///
/// # Errors
/// As [`Spellings::grammar`].
pub fn check(schema: &str) -> Result<Vec<String>> {
    let env = ApproximateTokEnv::single_byte_env();
    let spellings = Spellings { factory: factory(&env)?, _room: None };
    Ok(spellings.grammar(schema)?.0.grammar_warnings())
}

fn factory(env: &TokEnv) -> Result<ParserFactory> {
    let mut factory = ParserFactory::new_simple(env)?;
    factory.quiet();
    factory.limits_mut().verbose_errors = false;
    Ok(factory)
}

fn trie(codec: &TextCodec) -> TokTrie {
    let mut words: Vec<Vec<u8>> = (0..codec.vocab_size() as u32)
        .map(|id| match codec.is_special(id) {
            true => [&[SPECIAL], codec.token_bytes(id).as_slice()].concat(),
            false => codec.token_bytes(id),
        })
        .collect();
    let mut ends = codec.eos_ids().to_vec();
    if ends.is_empty() {
        // Stands for an end that this tokenizer has no token for.
        ends.push(words.len() as u32);
        words.push([&[SPECIAL], b"<end>".as_slice()].concat());
    }
    let info = TokRxInfo::new(words.len() as u32, ends[0]);
    TokTrie::from(&info, &words).with_eos_tokens(&ends)
}

/// Keys of a schema under which schemas stand by name, and in a list, and alone.
const NAMED: [&str; 4] = ["properties", "patternProperties", "$defs", "definitions"];
const LISTED: [&str; 3] = ["anyOf", "oneOf", "prefixItems"];
const ALONE: [&str; 3] = ["items", "additionalProperties", "contains"];

/// Visits `schema` and the schemas in it.
fn each(schema: &mut Value, visit: &mut dyn FnMut(&mut Map<String, Value>)) {
    let Value::Object(object) = schema else { return };
    visit(object);
    for (key, value) in object {
        match value {
            Value::Object(named) if NAMED.contains(&key.as_str()) => {
                named.values_mut().for_each(|schema| each(schema, visit));
            }
            Value::Array(list) if LISTED.contains(&key.as_str()) => {
                list.iter_mut().for_each(|schema| each(schema, visit));
            }
            schema if ALONE.contains(&key.as_str()) => each(schema, visit),
            _ => {}
        }
    }
}

/// No properties besides those that are listed, where nothing is said of others and where every object is described in
/// one place: what follows is valid by the schema as it was.
fn close(schema: &mut Value) {
    let mut in_one_place = true;
    each(schema, &mut |object| {
        let lists = object.contains_key("properties");
        let joined = ["$ref", "anyOf", "oneOf", "if", "dependentSchemas"];
        let elsewhere = lists && joined.iter().any(|key| object.contains_key(*key));
        in_one_place &= !(elsewhere || object.contains_key("allOf"));
    });
    if !in_one_place {
        return;
    }
    each(schema, &mut |object| {
        let said = ["additionalProperties", "patternProperties", "unevaluatedProperties", "minProperties"];
        if object.contains_key("properties") && !said.iter().any(|k| object.contains_key(*k)) {
            object.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    });
}

/// The schema with our way of writing spaces, unless it brings its own.
fn parsed(schema: &str) -> Result<Value, Failure> {
    let value: Value = serde_json::from_str(schema)
        .map_err(|error| refused(Text::new("failure.schema_no_json")).detail(error.to_string()))?;
    let mut value = match value {
        Value::Bool(true) => json!({}),
        Value::Object(_) => value,
        other => {
            let why = format!("a JSON schema is an object, this is {other}");
            return Err(refused(Text::new("failure.schema_unusable")).detail(why));
        }
    };
    close(&mut value);
    if value.get("x-guidance").is_none() {
        value["x-guidance"] =
            json!({ "whitespace_flexible": false, "item_separator": ", ", "key_separator": ": " });
    }
    Ok(value)
}

fn refused(summary: Text) -> Failure {
    Failure::new(FailureKind::Input, summary).hint(Text::new("failure.schema_hint"))
}

/// Where a reply stands in what its schema allows. A copy goes its own way.
pub struct Grammar(Matcher);

impl Clone for Grammar {
    fn clone(&self) -> Self {
        Self(self.0.deep_clone())
    }
}

impl Grammar {
    /// Takes what may not come next out of `scores` `[V]`: −∞.
    ///
    /// # Errors
    /// When nothing may, or when finding out takes more than it should.
    pub fn mask(&mut self, scores: &mut [f32]) -> Result<()> {
        let allowed = match self.0.compute_mask_or_eos() {
            Ok(allowed) => allowed,
            Err(why) => return Err(stuck(why.to_string()).into()),
        };
        let words = allowed.as_slice();
        for (i, scores) in scores.chunks_mut(32).enumerate() {
            let word = words.get(i).copied().unwrap_or(0);
            if word != u32::MAX {
                let banned = scores.iter_mut().enumerate().filter(|(bit, _)| word >> bit & 1 == 0);
                banned.for_each(|(_, score)| *score = f32::NEG_INFINITY);
            }
        }
        if scores.iter().all(|score| *score == f32::NEG_INFINITY) {
            return Err(no_token().into());
        }
        Ok(())
    }

    /// Takes note of the next token.
    ///
    /// # Errors
    /// `Failure { Input }` when it may not stand there.
    pub fn note(&mut self, id: u32) -> Result<(), Failure> {
        match self.0.try_consume_tokens(&[id]) {
            Ok(1) => Ok(()),
            Ok(_) => Err(refused(Text::new("failure.schema_other_text"))),
            Err(why) => Err(stuck(why.to_string())),
        }
    }

    /// Whether nothing can follow.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.0.is_stopped()
    }
}

/// Vocabularies made from little text lack tokens for characters that JSON is written with.
fn no_token() -> Failure {
    Failure::new(FailureKind::Input, Text::new("failure.schema_no_token"))
        .hint(Text::new("failure.schema_no_token_hint"))
}

fn stuck(why: String) -> Failure {
    // The matcher tells its reasons apart by their beginnings alone.
    if why.starts_with(&StopReason::NoExtensionBias.to_string()) {
        return no_token();
    }
    refused(Text::new("failure.schema_stuck")).detail(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_closed_where_that_is_what_their_schema_allows() {
        let check = |schema: Value, expected: Value| {
            let mut closed = schema;
            close(&mut closed);
            assert_eq!(closed, expected);
        };
        let inner = json!({ "type": "object", "properties": { "properties": { "type": "string" } } });
        let closed = json!({ "type": "object", "properties": { "properties": { "type": "string" } },
                             "additionalProperties": false });
        check(inner.clone(), closed.clone());
        check(json!({ "items": inner }), json!({ "items": closed }));
        check(
            json!({ "$defs": { "a": inner }, "$ref": "#/$defs/a" }),
            json!({ "$defs": { "a": closed }, "$ref": "#/$defs/a" }),
        );
        for same in [
            json!({ "properties": {}, "additionalProperties": true }),
            json!({ "allOf": [{ "properties": { "a": {} } }, { "properties": { "b": {} } }] }),
            json!({ "properties": { "a": {} }, "anyOf": [{ "properties": { "b": {} } }] }),
            json!({ "type": "object" }),
            json!(true),
        ] {
            check(same.clone(), same);
        }
    }
}
