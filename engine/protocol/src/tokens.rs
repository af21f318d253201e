//! A text as a model's tokenizer cuts it.

use crate::generate::ModelSource;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenizeSpec {
    /// Only its tokenizer is read.
    pub model: ModelSource,
    pub text: String,
    /// With what the tokenizer adds to every text: its beginning-of-text token for one.
    pub add_special: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenizeReport {
    pub tokens: Vec<TokenSeen>,
    /// One more than the tokenizer's largest id.
    pub vocab_size: u32,
    pub n_chars: u32,
    pub n_bytes: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenSeen {
    pub id: u32,
    /// As the vocabulary spells it: `Ġglass`, `▁glass`, `<0xE7>`.
    pub name: String,
    /// What it adds to a text. Part of a character may be no UTF-8.
    pub bytes: Vec<u8>,
    /// The characters of the text that it comes from: the first, and one past the last. A character that takes several
    /// tokens is in each of them; a token that was added has none.
    pub place: Option<(u32, u32)>,
    pub special: bool,
}
