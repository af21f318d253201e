//! tokenizer.json and the files beside it that name its special tokens.

use super::TextCodec;
use anyhow::Result;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::Value;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use tokenizers::Tokenizer;

/// Larger than any vocabulary's file; a longer one is something else.
const MAX_BYTES: u64 = 256 << 20;

pub(super) fn read(folder: &Path) -> Result<TextCodec> {
    let path = folder.join("tokenizer.json");
    let bytes = match fs::metadata(&path) {
        Ok(file) if file.len() > MAX_BYTES => return Err(broken(&path).into()),
        Ok(_) => fs::read(&path)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(missing(folder).into()),
        Err(error) => return Err(error.into()),
    };
    let tokenizer = Tokenizer::from_bytes(bytes).map_err(|error| broken(&path).detail(error.to_string()))?;
    let config = json(&folder.join("tokenizer_config.json"))?;
    let map = json(&folder.join("special_tokens_map.json"))?;
    let token = |name: &str| spelled(&config[name]).or_else(|| spelled(&map[name]));
    let mut eos_ids = Vec::new();
    for file in ["generation_config.json", "config.json"] {
        eos_ids.extend(ids(&json(&folder.join(file))?["eos_token_id"]));
    }
    Ok(TextCodec::new(tokenizer, token("bos_token"), token("eos_token"), eos_ids, None))
}

/// A JSON file, or null when it isn't there.
fn json(path: &Path) -> Result<Value> {
    match fs::metadata(path) {
        Ok(file) if file.len() > MAX_BYTES => return Err(broken(path).into()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Value::Null),
        Err(error) => return Err(error.into()),
    }
    serde_json::from_slice(&fs::read(path)?).map_err(|error| broken(path).detail(error.to_string()).into())
}

/// A token is written as its text, or as an object with its text as `content`.
fn spelled(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value["content"].as_str()).map(str::to_owned)
}

/// One id or a list of them.
fn ids(value: &Value) -> Vec<u32> {
    let one = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Value::Array(many) => many.iter().filter_map(one).collect(),
        value => one(value).into_iter().collect(),
    }
}

fn missing(folder: &Path) -> Failure {
    Failure::new(FailureKind::Missing, Text::new("failure.tokenizer_missing").arg("folder", folder.display()))
        .hint(Text::new("failure.tokenizer_missing_hint"))
}

fn broken(path: &Path) -> Failure {
    Failure::new(FailureKind::Input, Text::new("failure.tokenizer_broken").arg("file", path.display()))
        .hint(Text::new("failure.tokenizer_broken_hint"))
}
