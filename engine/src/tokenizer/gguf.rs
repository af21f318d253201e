//! Tokenizers from GGUF metadata: rebuilt as the tokenizer.json that the same vocabulary came from.

use super::TextCodec;
use anyhow::Result;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use tokenizers::Tokenizer;

/// `tokenizer.ggml.*`, as the file has it.
#[derive(Clone, Debug, Default)]
pub struct GgufVocab {
    /// `gpt2` (byte-level BPE) or `llama` (SentencePiece BPE).
    pub model: String,
    /// How `gpt2` splits text beforehand.
    pub pre: Option<String>,
    pub tokens: Vec<String>,
    /// `llama`: what a merge is worth.
    pub scores: Vec<f32>,
    /// 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
    pub token_types: Vec<i32>,
    /// `gpt2`: `left right`, best first.
    pub merges: Vec<String>,
    pub bos_id: Option<u32>,
    pub eos_id: Option<u32>,
    pub eot_id: Option<u32>,
    pub unknown_id: Option<u32>,
    pub add_bos: Option<bool>,
    pub add_eos: Option<bool>,
    pub add_space_prefix: Option<bool>,
}

const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNKNOWN: i32 = 2;

/// Tokens that end a turn wherever they are control tokens; llama.cpp knows them by their text, too.
const TURN_ENDS: [&str; 7] =
    ["<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>"];

const GPT2: &str =
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// How a kind of pre-tokenizer splits text.
struct Pre {
    names: &'static [&'static str],
    regexes: &'static [&'static str],
    /// Digits stand alone before the regexes run.
    digits_alone: bool,
    /// A whole piece that is in the vocabulary is not merged together.
    ignore_merges: bool,
    nfc: bool,
    adds_bos: bool,
}

/// By `tokenizer.ggml.pre`; the regexes are those of the tokenizer.json files the names stand for.
const PRES: &[Pre] = &[
    Pre {
        names: &["gpt-2", "gpt2", "phi-2", "mpt", "olmo", "jais", "roberta-bpe"],
        regexes: &[GPT2],
        digits_alone: false,
        ignore_merges: false,
        nfc: false,
        adds_bos: false,
    },
    Pre {
        names: &["llama-bpe", "llama3", "llama-v3", "falcon3"],
        regexes: &[LLAMA3],
        digits_alone: false,
        ignore_merges: true,
        nfc: false,
        adds_bos: true,
    },
    Pre {
        names: &["smollm", "starcoder", "refact", "command-r", "codeshell"],
        regexes: &[GPT2],
        digits_alone: true,
        ignore_merges: false,
        nfc: false,
        adds_bos: false,
    },
    Pre {
        names: &["qwen2", "stablelm2", "deepseek-r1-qwen"],
        regexes: &[QWEN2],
        digits_alone: false,
        ignore_merges: false,
        // As the tokenizer.json of these families says; llama.cpp leaves it out.
        nfc: true,
        adds_bos: false,
    },
];

pub(super) fn build(vocab: GgufVocab, file: &str) -> Result<TextCodec> {
    let (json, adds_bos) = match vocab.model.as_str() {
        "gpt2" => byte_level(&vocab, file)?,
        "llama" => (sentence_piece(&vocab, file)?, true),
        other => return Err(unknown("failure.gguf_tokenizer_unknown", other, file).into()),
    };
    let bytes = serde_json::to_vec(&json)?;
    let tokenizer =
        Tokenizer::from_bytes(bytes).map_err(|error| broken(file).detail(error.to_string()))?;
    let text = |id: Option<u32>| id.and_then(|id| vocab.tokens.get(id as usize).cloned());
    let wanted = |asked: Option<bool>, usual: bool, id: Option<u32>| {
        id.filter(|_| asked.unwrap_or(usual)).into_iter().collect::<Vec<u32>>()
    };
    let around =
        (wanted(vocab.add_bos, adds_bos, vocab.bos_id), wanted(vocab.add_eos, false, vocab.eos_id));
    let ends = (0..).zip(&vocab.tokens).filter(|(id, token)| {
        vocab.token_type(*id) == CONTROL && TURN_ENDS.contains(&token.as_str())
    });
    let eos_ids = vocab.eos_id.into_iter().chain(vocab.eot_id).chain(ends.map(|(id, _)| id)).collect();
    Ok(TextCodec::new(tokenizer, text(vocab.bos_id), text(vocab.eos_id), eos_ids, Some(around)))
}

impl GgufVocab {
    fn token_type(&self, id: u32) -> i32 {
        self.token_types.get(id as usize).copied().unwrap_or(1)
    }

    fn vocab(&self) -> Value {
        self.tokens.iter().enumerate().map(|(id, token)| (token.clone(), Value::from(id))).collect()
    }

    fn added(&self) -> Vec<Value> {
        (0..)
            .zip(&self.tokens)
            .filter(|(id, _)| matches!(self.token_type(*id), CONTROL | USER_DEFINED | UNKNOWN))
            .map(|(id, token)| {
                json!({
                    "id": id, "content": token, "special": self.token_type(id) != USER_DEFINED,
                    "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
                })
            })
            .collect()
    }
}

/// GPT-2's kind; also whether it puts a BOS before a text unless told otherwise.
fn byte_level(vocab: &GgufVocab, file: &str) -> Result<(Value, bool)> {
    let name = vocab.pre.as_deref().unwrap_or("gpt-2");
    let pre = PRES
        .iter()
        .find(|pre| pre.names.contains(&name))
        .ok_or_else(|| unknown("failure.gguf_pre_unknown", name, file))?;
    let mut steps = Vec::new();
    if pre.digits_alone {
        steps.push(json!({ "type": "Digits", "individual_digits": true }));
    }
    for regex in pre.regexes {
        steps.push(json!({
            "type": "Split", "pattern": { "Regex": regex }, "behavior": "Isolated", "invert": false,
        }));
    }
    steps.push(json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false,
    }));
    let json = json!({
        "version": "1.0",
        "added_tokens": vocab.added(),
        "normalizer": if pre.nfc { json!({ "type": "NFC" }) } else { Value::Null },
        "pre_tokenizer": { "type": "Sequence", "pretokenizers": steps },
        "post_processor": null,
        "decoder": { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "ignore_merges": pre.ignore_merges, "vocab": vocab.vocab(), "merges": vocab.merges,
        },
    });
    Ok((json, pre.adds_bos))
}

/// SentencePiece BPE as transformers writes it for Llama 2: spaces become `▁`, unknown characters bytes.
fn sentence_piece(vocab: &GgufVocab, file: &str) -> Result<Value> {
    if vocab.scores.len() != vocab.tokens.len() {
        return Err(broken(file).into());
    }
    let mut normalizers = Vec::new();
    if vocab.add_space_prefix.unwrap_or(true) {
        normalizers.push(json!({ "type": "Prepend", "prepend": "▁" }));
    }
    normalizers.push(json!({ "type": "Replace", "pattern": { "String": " " }, "content": "▁" }));
    let unknown = vocab.unknown_id.unwrap_or(0) as usize;
    Ok(json!({
        "version": "1.0",
        "added_tokens": vocab.added(),
        "normalizer": { "type": "Sequence", "normalizers": normalizers },
        "pre_tokenizer": null,
        "post_processor": null,
        "decoder": { "type": "Sequence", "decoders": [
            { "type": "Replace", "pattern": { "String": "▁" }, "content": " " },
            { "type": "ByteFallback" },
            { "type": "Fuse" },
            { "type": "Strip", "content": " ", "start": 1, "stop": 0 },
        ]},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": vocab.tokens.get(unknown),
            "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": true,
            "byte_fallback": true, "ignore_merges": false, "vocab": vocab.vocab(), "merges": merges(vocab),
        },
    }))
}

/// Every way to make a token of two others, best score first: what SentencePiece merges by.
///
/// After `generate_merges` in transformers' `convert_slow_tokenizer.py`.
fn merges(vocab: &GgufVocab) -> Vec<(String, String)> {
    let ids: HashMap<&str, usize> = vocab.tokens.iter().enumerate().map(|(i, t)| (t.as_str(), i)).collect();
    let special: HashSet<usize> = (0..vocab.tokens.len())
        .filter(|id| matches!(vocab.token_type(*id as u32), CONTROL | UNKNOWN | 6))
        .collect();
    let mut found: Vec<(f32, usize, usize, usize)> = Vec::new();
    for (id, token) in vocab.tokens.iter().enumerate().filter(|(id, _)| !special.contains(id)) {
        let mut ways: Vec<(usize, usize)> = token
            .char_indices()
            .skip(1)
            .filter_map(|(at, _)| Some((*ids.get(&token[..at])?, *ids.get(&token[at..])?)))
            .collect();
        ways.sort_unstable();
        found.extend(ways.into_iter().map(|(left, right)| (vocab.scores[id], id, left, right)));
    }
    // A stable sort, as Python's: of equal scores the order of the vocabulary stays.
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found
        .into_iter()
        .map(|(_, _, left, right)| (vocab.tokens[left].clone(), vocab.tokens[right].clone()))
        .collect()
}

fn unknown(key: &'static str, name: &str, file: &str) -> Failure {
    Failure::new(FailureKind::Input, Text::new(key).arg("name", name).arg("file", file))
        .hint(Text::new("failure.gguf_tokenizer_hint"))
}

fn broken(file: &str) -> Failure {
    Failure::new(FailureKind::Input, Text::new("failure.tokenizer_broken").arg("file", file))
        .hint(Text::new("failure.tokenizer_broken_hint"))
}
