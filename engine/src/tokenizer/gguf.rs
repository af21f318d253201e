//! The codec of a GGUF file, from its `tokenizer.ggml.*` metadata. What the file does not say is as llama.cpp has it.

use super::vocabulary::{CONTROL, Vocabulary};
use super::{Specials, TextCodec, pre, spm};
use crate::shelf::gguf::Metadata;
use anyhow::{Result, anyhow, ensure};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::json;
use std::collections::HashMap;
use tokenizers::models::bpe::BPE;
use tokenizers::{DecoderWrapper, Tokenizer};

/// Control tokens that end a turn or a text by their names, as llama.cpp has them: files often name only one.
const ENDS: &[&str] = &[
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "<|end_of_turn|>",
    "</s>",
    "<｜end▁of▁sentence｜>",
    "<end_of_utterance>",
];

impl TextCodec {
    /// From a GGUF file's metadata.
    ///
    /// # Errors
    /// `Failure` naming the file and the key that is missing, broken, or of a kind not known here.
    pub fn from_gguf(metadata: &Metadata) -> Result<Self, Failure> {
        let vocabulary = vocabulary(metadata)?;
        let model_key = "tokenizer.ggml.model";
        let model = metadata.text(model_key)?.ok_or_else(|| metadata.bad_key(model_key))?;
        let broken = |error: anyhow::Error| metadata.broken(&format!("its tokenizer: {error:#}"));
        let (mut tokenizer, adds_bos) = match model {
            "gpt2" => byte_level(metadata, &vocabulary)?,
            "llama" => {
                let scores = metadata.floats("tokenizer.ggml.scores")?;
                let scores = scores.ok_or_else(|| metadata.bad_key("tokenizer.ggml.scores"))?;
                let prefix = metadata.flag("tokenizer.ggml.add_space_prefix")?.unwrap_or(true);
                (spm::tokenizer(&vocabulary, &scores, prefix).map_err(broken)?, true)
            }
            other => return Err(unknown(metadata, model_key, other, "gpt2, llama")),
        };
        let added = vocabulary.added_tokens();
        tokenizer.add_tokens(added).map_err(|e| broken(anyhow!(e)))?;
        let specials = specials(metadata, &vocabulary)?;
        let adds_bos = metadata.flag("tokenizer.ggml.add_bos_token")?.unwrap_or(adds_bos);
        let adds_eos = metadata.flag("tokenizer.ggml.add_eos_token")?.unwrap_or(false);
        let bos = specials.bos.filter(|_| adds_bos);
        let eos = id(metadata, &vocabulary, "tokenizer.ggml.eos_token_id")?.filter(|_| adds_eos);
        let processor = vocabulary.post_processor(bos, eos).map_err(broken)?;
        tokenizer.with_post_processor(processor);
        Self::new(tokenizer, specials).map_err(broken)
    }
}

fn vocabulary(metadata: &Metadata) -> Result<Vocabulary, Failure> {
    let key = "tokenizer.ggml.tokens";
    let tokens =
        metadata.texts(key)?.filter(|tokens| !tokens.is_empty()).ok_or_else(|| metadata.bad_key(key))?;
    let kinds_key = "tokenizer.ggml.token_type";
    let kinds = metadata.ints(kinds_key)?.unwrap_or_default();
    if !kinds.is_empty() && kinds.len() != tokens.len() {
        return Err(metadata.bad_key(kinds_key));
    }
    Ok(Vocabulary { tokens: tokens.to_vec(), kinds })
}

/// The tokenizer, and whether it begins texts with a token when the file does not say.
fn byte_level(metadata: &Metadata, vocabulary: &Vocabulary) -> Result<(Tokenizer, bool), Failure> {
    let key = "tokenizer.ggml.pre";
    let name = metadata.text(key)?.unwrap_or("default");
    let Some(pre) = pre::find(name) else {
        let known: Vec<&str> = pre::TABLE.iter().flat_map(|pre| pre.names).copied().collect();
        return Err(unknown(metadata, key, name, &known.join(", ")));
    };
    let merges_key = "tokenizer.ggml.merges";
    let merges = metadata.texts(merges_key)?.ok_or_else(|| metadata.bad_key(merges_key))?;
    let build = || -> Result<Tokenizer> {
        let merges = merges.iter().map(|merge| pair(merge)).collect::<Result<Vec<_>>>()?;
        let vocab: HashMap<String, u32> =
            vocabulary.tokens.iter().enumerate().map(|(id, t)| (t.clone(), id as u32)).collect();
        let bpe = BPE::builder()
            .vocab_and_merges(vocab.into_iter().collect::<tokenizers::models::bpe::Vocab>(), merges)
            .ignore_merges(pre.ignore_merges)
            .build()
            .map_err(|e| anyhow!(e))?;
        let mut tokenizer = Tokenizer::new(bpe);
        tokenizer.with_normalizer(pre.normalizer()?).map_err(|e| anyhow!(e))?;
        tokenizer.with_pre_tokenizer(Some(pre.pre_tokenizer()?));
        let decoder =
            json!({ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true });
        tokenizer.with_decoder(Some(serde_json::from_value::<DecoderWrapper>(decoder)?));
        Ok(tokenizer)
    };
    let tokenizer = build().map_err(|error| metadata.broken(&format!("its tokenizer: {error:#}")))?;
    Ok((tokenizer, pre.adds_bos))
}

/// Two tokens with a space between; the first may begin with one.
fn pair(merge: &str) -> Result<(String, String)> {
    let second = merge.char_indices().nth(1).map_or(merge.len(), |(at, _)| at);
    let space = merge[second..].find(' ').map(|at| at + second);
    let (left, right) = space.map_or((merge, ""), |at| (&merge[..at], &merge[at + 1..]));
    ensure!(!left.is_empty() && !right.is_empty(), "{merge:?} is no merge of two tokens");
    Ok((left.to_owned(), right.to_owned()))
}

fn id(metadata: &Metadata, vocabulary: &Vocabulary, key: &str) -> Result<Option<u32>, Failure> {
    let id = metadata.size(key)?;
    // Converters write u32::MAX and the like for "none".
    Ok(id.filter(|id| *id < vocabulary.tokens.len()).and_then(|id| u32::try_from(id).ok()))
}

fn specials(metadata: &Metadata, vocabulary: &Vocabulary) -> Result<Specials, Failure> {
    let mut specials = Specials::default();
    for (name, key) in [
        ("bos_token", "tokenizer.ggml.bos_token_id"),
        ("eos_token", "tokenizer.ggml.eos_token_id"),
        ("unk_token", "tokenizer.ggml.unknown_token_id"),
        ("sep_token", "tokenizer.ggml.seperator_token_id"),
        ("pad_token", "tokenizer.ggml.padding_token_id"),
        ("cls_token", "tokenizer.ggml.cls_token_id"),
        ("mask_token", "tokenizer.ggml.mask_token_id"),
    ] {
        if let Some(id) = id(metadata, vocabulary, key)? {
            specials.texts.push((name.to_owned(), vocabulary.tokens[id as usize].clone()));
        }
    }
    specials.bos = id(metadata, vocabulary, "tokenizer.ggml.bos_token_id")?;
    for key in ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"] {
        specials.eos.extend(id(metadata, vocabulary, key)?);
    }
    for (id, token) in vocabulary.tokens.iter().enumerate() {
        if vocabulary.kind(id) == CONTROL && ENDS.contains(&token.as_str()) {
            specials.eos.extend(u32::try_from(id));
        }
    }
    specials.eos.sort_unstable();
    specials.eos.dedup();
    Ok(specials)
}

fn unknown(metadata: &Metadata, key: &str, name: &str, known: &str) -> Failure {
    let summary = Text::new("failure.gguf_tokenizer_unknown")
        .arg("file", metadata.file().display())
        .arg("key", key)
        .arg("name", name);
    Failure::new(FailureKind::Input, summary)
        .hint(Text::new("failure.gguf_tokenizer_unknown_hint").arg("known", known))
}
