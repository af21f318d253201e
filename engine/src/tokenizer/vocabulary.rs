//! Tokens by id with their kinds, as GGUF and SentencePiece's own files keep them, and what is made of them.

use anyhow::Result;
use serde_json::{Map, Value, json};
use tokenizers::{AddedToken, PostProcessorWrapper};

/// Kinds of tokens, by the numbers that SentencePiece and GGUF give them.
pub(super) const NORMAL: i64 = 1;
pub(super) const UNKNOWN: i64 = 2;
pub(super) const CONTROL: i64 = 3;
pub(super) const USER_DEFINED: i64 = 4;
pub(super) const UNUSED: i64 = 5;

pub(super) struct Vocabulary {
    pub(super) tokens: Vec<String>,
    /// As many as tokens, or none.
    pub(super) kinds: Vec<i64>,
}

impl Vocabulary {
    pub(super) fn kind(&self, id: usize) -> i64 {
        self.kinds.get(id).copied().unwrap_or(NORMAL)
    }

    pub(super) fn is_normal(&self, id: usize) -> bool {
        self.kind(id) == NORMAL
    }

    pub(super) fn unknown_token(&self) -> Option<&str> {
        let id = (0..self.tokens.len()).find(|id| self.kind(*id) == UNKNOWN)?;
        Some(&self.tokens[id])
    }

    /// Those that are matched whole, before anything else is looked at.
    pub(super) fn added_tokens(&self) -> Vec<AddedToken> {
        let added = self.tokens.iter().enumerate().filter_map(|(id, token)| {
            let special = match self.kind(id) {
                CONTROL | UNKNOWN => true,
                USER_DEFINED => false,
                _ => return None,
            };
            (!token.is_empty()).then(|| AddedToken::from(token.as_str(), special).normalized(false))
        });
        added.collect()
    }

    /// What puts `bos` before every text and `eos` after it.
    pub(super) fn post_processor(
        &self,
        bos: Option<u32>,
        eos: Option<u32>,
    ) -> Result<Option<PostProcessorWrapper>> {
        if bos.is_none() && eos.is_none() {
            return Ok(None);
        }
        let token = |id: u32| {
            let text = &self.tokens[id as usize];
            (
                json!({ "SpecialToken": { "id": text, "type_id": 0 } }),
                (text.clone(), json!({ "id": text, "ids": [id], "tokens": [text] })),
            )
        };
        let (bos, eos) = (bos.map(token), eos.map(token));
        let whole = |sequence: &str| {
            let text = json!({ "Sequence": { "id": sequence, "type_id": 0 } });
            let parts = bos.iter().map(|b| b.0.clone()).chain([text]).chain(eos.iter().map(|e| e.0.clone()));
            parts.collect::<Vec<_>>()
        };
        let special_tokens: Map<String, Value> =
            bos.iter().chain(&eos).map(|(_, described)| described.clone()).collect();
        let pair = [whole("A"), whole("B")].concat();
        let processor = json!({
            "type": "TemplateProcessing",
            "single": whole("A"),
            "pair": pair,
            "special_tokens": special_tokens,
        });
        Ok(Some(serde_json::from_value(processor)?))
    }
}
