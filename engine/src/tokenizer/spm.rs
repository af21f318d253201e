//! SentencePiece vocabularies as GGUF and tokenizer.model keep them: pieces with scores instead of merges.

use super::vocabulary::Vocabulary;
use anyhow::{Result, anyhow, ensure};
use serde_json::{Value, json};
use std::collections::HashMap;
use tokenizers::Tokenizer;

/// Longer pieces than any vocabulary has are not cut in two: the work would be quadratic.
const MAX_PIECE_CHARS: usize = 256;

/// The tokenizer of a `llama` vocabulary. SentencePiece joins the neighbours whose joint piece has the best
/// score; a list of merges ordered by that score does the same.
pub(super) fn tokenizer(
    vocabulary: &Vocabulary,
    scores: &[f32],
    add_space_prefix: bool,
) -> Result<Tokenizer> {
    let tokens = &vocabulary.tokens;
    ensure!(scores.len() == tokens.len(), "{} scores for {} tokens", scores.len(), tokens.len());
    let ids: HashMap<&str, usize> = tokens.iter().enumerate().map(|(id, t)| (t.as_str(), id)).collect();
    let unknown = vocabulary.unknown_token();
    let mut normalizers = Vec::new();
    if add_space_prefix {
        normalizers.push(json!({ "type": "Prepend", "prepend": "▁" }));
    }
    normalizers.push(json!({ "type": "Replace", "pattern": { "String": " " }, "content": "▁" }));
    let mut decoders = vec![
        json!({ "type": "Replace", "pattern": { "String": "▁" }, "content": " " }),
        json!({ "type": "ByteFallback" }),
        json!({ "type": "Fuse" }),
    ];
    if add_space_prefix {
        decoders.push(json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 }));
    }
    let vocab: serde_json::Map<String, Value> =
        tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect();
    let file = json!({
        "version": "1.0",
        "added_tokens": [],
        "normalizer": { "type": "Sequence", "normalizers": normalizers },
        "pre_tokenizer": null,
        "post_processor": null,
        "decoder": { "type": "Sequence", "decoders": decoders },
        "model": {
            "type": "BPE",
            "unk_token": unknown,
            "fuse_unk": true,
            "byte_fallback": true,
            "vocab": vocab,
            "merges": merges(tokens, &ids, scores, vocabulary),
        },
    });
    serde_json::from_value(file).map_err(|e| anyhow!(e))
}

/// Ids of the two halves of a token, and their texts.
type Halves<'t> = (usize, usize, [&'t str; 2]);

fn merges<'t>(
    tokens: &'t [String],
    ids: &HashMap<&str, usize>,
    scores: &[f32],
    vocabulary: &Vocabulary,
) -> Vec<[&'t str; 2]> {
    let mut merges: Vec<(f32, Vec<Halves>)> = Vec::new();
    for (id, token) in tokens.iter().enumerate() {
        if !vocabulary.is_normal(id) || token.chars().nth(MAX_PIECE_CHARS).is_some() {
            continue;
        }
        let mut halves: Vec<Halves> = token
            .char_indices()
            .skip(1)
            .filter_map(|(at, _)| {
                let (left, right) = token.split_at(at);
                Some((*ids.get(left)?, *ids.get(right)?, [left, right]))
            })
            .collect();
        halves.sort_unstable_by_key(|(left, right, _)| (*left, *right));
        merges.push((scores[id], halves));
    }
    merges.sort_by(|a, b| b.0.total_cmp(&a.0));
    merges.into_iter().flat_map(|(_, halves)| halves).map(|(_, _, pair)| pair).collect()
}
