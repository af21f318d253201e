//! How vocabularies cut text before merging, by the name GGUF files give it (`tokenizer.ggml.pre`).
//!
//! The expressions are those of llama.cpp's `llama-vocab.cpp`, which follow each family's tokenizer.json.

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use tokenizers::{NormalizerWrapper, PreTokenizerWrapper};

/// A family of byte-level vocabularies.
pub(super) struct Pre {
    pub(super) names: &'static [&'static str],
    cut: Cut,
    /// Whole tokens of the vocabulary are taken without looking at merges.
    pub(super) ignore_merges: bool,
    /// When the file doesn't say.
    pub(super) adds_bos: bool,
    nfc: bool,
}

enum Cut {
    /// GPT-2's expression, which byte-level tokenizers have built in.
    Gpt2,
    /// Every digit alone, then GPT-2's.
    DigitsThenGpt2,
    /// One expression.
    Regex(&'static str),
    /// One after the other, each within what the ones before left.
    Regexes(&'static [&'static str]),
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const DEFAULT: &[&str] = &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"];

const fn pre(names: &'static [&'static str], cut: Cut) -> Pre {
    Pre { names, cut, ignore_merges: false, adds_bos: false, nfc: false }
}

pub(super) static TABLE: &[Pre] = &[
    pre(&["gpt-2", "mpt", "olmo", "jais", "phi-2"], Cut::Gpt2),
    pre(&["smollm", "starcoder", "refact", "command-r", "codeshell"], Cut::DigitsThenGpt2),
    Pre {
        ignore_merges: true,
        adds_bos: true,
        ..pre(&["llama-bpe", "llama3", "llama-v3"], Cut::Regex(LLAMA3))
    },
    pre(&["dbrx", "smaug-bpe"], Cut::Regex(LLAMA3)),
    Pre { nfc: true, ..pre(&["qwen2", "deepseek-r1-qwen"], Cut::Regex(QWEN2)) },
    pre(&["default"], Cut::Regexes(DEFAULT)),
];

/// The family called `name`.
pub(super) fn find(name: &str) -> Option<&'static Pre> {
    TABLE.iter().find(|pre| pre.names.contains(&name))
}

impl Pre {
    pub(super) fn pre_tokenizer(&self) -> Result<PreTokenizerWrapper> {
        let byte_level = |use_regex: bool| json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex });
        let split = |regex: &str| json!({ "type": "Split", "pattern": { "Regex": regex }, "behavior": "Isolated", "invert": false });
        let parts: Vec<Value> = match self.cut {
            Cut::Gpt2 => vec![byte_level(true)],
            Cut::DigitsThenGpt2 => {
                vec![json!({ "type": "Digits", "individual_digits": true }), byte_level(true)]
            }
            Cut::Regex(regex) => vec![split(regex), byte_level(false)],
            Cut::Regexes(regexes) => regexes.iter().map(|r| split(r)).chain([byte_level(false)]).collect(),
        };
        let sequence = json!({ "type": "Sequence", "pretokenizers": parts });
        serde_json::from_value(sequence).map_err(|e| anyhow!(e))
    }

    /// Hugging Face composes characters first; GGUF has no place to say so, and its files are made from theirs.
    pub(super) fn normalizer(&self) -> Result<Option<NormalizerWrapper>> {
        if !self.nfc {
            return Ok(None);
        }
        serde_json::from_value(json!({ "type": "NFC" })).map(Some).map_err(|e| anyhow!(e))
    }
}
