//! The codec of a Hugging Face folder.

use super::files::{read_json, read_text};
use super::{Specials, TextCodec, model_file};
use crate::shelf::file;
use anyhow::Result;
use glassworks_protocol::Failure;
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use tokenizers::Tokenizer;

/// As tokenizer_config.json and special_tokens_map.json name them.
const NAMES: &[&str] = &[
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
    "image_token",
    "audio_token",
    "video_token",
];

impl TextCodec {
    /// From tokenizer.json, or where there is none from SentencePiece's tokenizer.model, with what the files beside it
    /// say of special tokens.
    ///
    /// # Errors
    /// `Failure` naming the file that is missing or broken.
    pub fn from_folder(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("tokenizer.json");
        let tokenizer = match read_text(&path)? {
            Some(text) => parse(&text).map_err(|why| file::broken(&path, &why))?,
            None if folder.join(model_file::NAME).exists() => model_file::tokenizer(folder)?,
            None => return Err(file::missing(&path)),
        };
        let specials = specials(folder, &tokenizer)?;
        Self::new(tokenizer, specials).map_err(|e| file::broken(&path, &format!("{e:#}")))
    }
}

fn parse(text: &str) -> Result<Tokenizer, String> {
    // Its reader expects files that it wrote itself, and indexes without looking.
    match catch_unwind(AssertUnwindSafe(|| text.parse::<Tokenizer>())) {
        Ok(parsed) => parsed.map_err(|e| e.to_string()),
        Err(_) => Err("its parts contradict each other".into()),
    }
}

fn specials(folder: &Path, tokenizer: &Tokenizer) -> Result<Specials, Failure> {
    let config = read_json(&folder.join("tokenizer_config.json"))?.unwrap_or(Value::Null);
    let map = read_json(&folder.join("special_tokens_map.json"))?.unwrap_or(Value::Null);
    let mut specials = Specials::default();
    for name in NAMES {
        if let Some(text) = token_text(&config[name]).or_else(|| token_text(&map[name])) {
            specials.texts.push(((*name).to_owned(), text.to_owned()));
        }
    }
    // Templates may also use tokens of the model's own naming.
    if let Value::Object(own) = &config["extra_special_tokens"] {
        for (name, text) in own.iter().filter_map(|(name, text)| Some((name, token_text(text)?))) {
            specials.texts.push((name.clone(), text.to_owned()));
        }
    }
    let id = |name: &str| {
        let (_, text) = specials.texts.iter().find(|(n, _)| n == name)?;
        tokenizer.token_to_id(text)
    };
    let generation = read_json(&folder.join("generation_config.json"))?.unwrap_or(Value::Null);
    let model = read_json(&folder.join("config.json"))?.unwrap_or(Value::Null);
    let n_tokens = u32::try_from(tokenizer.get_vocab_size(true)).unwrap_or(u32::MAX);
    let named = |key: &str| {
        let sources = [&generation[key], &model[key]];
        sources.into_iter().map(ids).find(|ids| !ids.is_empty()).unwrap_or_default()
    };
    specials.bos =
        id("bos_token").or_else(|| named("bos_token_id").first().copied()).filter(|id| *id < n_tokens);
    specials.eos = named("eos_token_id");
    specials.eos.extend(id("eos_token"));
    specials.eos.retain(|id| *id < n_tokens);
    specials.eos.sort_unstable();
    specials.eos.dedup();
    Ok(specials)
}

/// A token's text, or an object that says more of it.
pub(super) fn token_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("content")?.as_str())
}

/// One id or a list.
fn ids(value: &Value) -> Vec<u32> {
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Value::Array(ids) => ids.iter().filter_map(id).collect(),
        one => id(one).into_iter().collect(),
    }
}
