//! Text to tokens and back: one codec, whether it was made from tokenizer.json or from GGUF metadata.

pub(crate) mod files;
mod folder;
mod gguf;
mod model_file;
mod pre;
mod spelling;
mod spm;
mod stream;
pub mod training;
mod vocabulary;

pub use stream::StreamDecoder;

use anyhow::{Result, anyhow};
use spelling::Spelling;
use std::collections::HashMap;
use tokenizers::Tokenizer;

/// Where in a text tokens come from: bytes, the first and one past the last.
pub type Places = Vec<(usize, usize)>;

/// A model's tokenizer, its special tokens, and the way its tokens spell text.
pub struct TextCodec {
    tokenizer: Tokenizer,
    spelling: Spelling,
    /// Tokens that are matched whole, by id: text, and whether they are special (left out of decoded text).
    added: HashMap<u32, (String, bool)>,
    bos: Option<u32>,
    eos: Vec<u32>,
    /// `bos_token` and the like, as chat templates name them.
    special_texts: Vec<(String, String)>,
}

/// What a codec is made of besides the tokenizer.
#[derive(Default)]
struct Specials {
    bos: Option<u32>,
    eos: Vec<u32>,
    texts: Vec<(String, String)>,
}

impl TextCodec {
    fn new(mut tokenizer: Tokenizer, specials: Specials) -> Result<Self> {
        // Kept in files from training; whoever encodes here wants all of the text and nothing else.
        tokenizer.with_truncation(None).map_err(|e| anyhow!(e))?;
        tokenizer.with_padding(None);
        tokenizer.set_encode_special_tokens(false);
        let spelling = Spelling::of(&tokenizer)?;
        let added = tokenizer
            .get_added_tokens_decoder()
            .into_iter()
            .map(|(id, token)| (id, (token.content, token.special)))
            .collect();
        Ok(Self {
            tokenizer,
            spelling,
            added,
            bos: specials.bos,
            eos: specials.eos,
            special_texts: specials.texts,
        })
    }

    /// Special tokens spelled in `text` become those tokens, as in transformers, also where a person typed them.
    /// `add_special` also adds what the tokenizer adds to every text, its beginning-of-text token for one; a chat
    /// template has already written that.
    pub fn encode(&self, text: &str, add_special: bool) -> Result<Vec<u32>> {
        encode(&self.tokenizer, text, add_special)
    }

    /// As [`Self::encode`], and where in the text each token comes from: bytes, first and one past the last; nothing
    /// for tokens that were added.
    pub fn encode_places(&self, text: &str, add_special: bool) -> Result<(Vec<u32>, Places)> {
        let encoding = self.tokenizer.encode(text, add_special).map_err(|e| anyhow!(e))?;
        Ok((encoding.get_ids().to_vec(), encoding.get_offsets().to_vec()))
    }

    /// The tokenizer as `tokenizer.json` holds it.
    pub fn to_json(&self) -> Result<String> {
        self.tokenizer.to_string(true).map_err(|e| anyhow!(e))
    }

    /// The text of `ids` on its own. Bytes that are no UTF-8 show as U+FFFD.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        let Some(strips_space) = self.spelling.strips_leading_space() else {
            return self.decode_whole(ids, skip_special);
        };
        let shown = ids.iter().filter(|id| !(skip_special && self.is_special(**id)));
        let bytes: Vec<u8> = shown.flat_map(|id| self.token_bytes(*id)).collect();
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.strip_prefix(' ').filter(|_| strips_space).unwrap_or(&text).to_owned())
    }

    /// Through the tokenizer's own decoder: for spellings that depend on the neighbours.
    fn decode_whole(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        let tokenizer = &self.tokenizer;
        tokenizer.decode(ids, skip_special).map_err(|e| anyhow!(e))
    }

    /// Decodes token by token what goes on after other text; special tokens are left out.
    #[must_use]
    pub fn stream(&self) -> StreamDecoder<'_> {
        StreamDecoder::new(self)
    }

    /// What the token alone spells; bytes that are no UTF-8 show as U+FFFD. Special tokens show as they are.
    #[must_use]
    pub fn token_text(&self, id: u32) -> String {
        String::from_utf8_lossy(&self.token_bytes(id)).into_owned()
    }

    /// The bytes that the token adds to a text; empty for ids outside the vocabulary.
    #[must_use]
    pub fn token_bytes(&self, id: u32) -> Vec<u8> {
        if let Some((text, _)) = self.added.get(&id) {
            return self.spelling.added_bytes(text);
        }
        let tokenizer = &self.tokenizer;
        tokenizer.id_to_token(id).map_or_else(Vec::new, |token| self.spelling.bytes(&token))
    }

    /// How the vocabulary spells a token; empty for ids outside of it.
    #[must_use]
    pub fn token_name(&self, id: u32) -> String {
        let added = self.added.get(&id).map(|(text, _)| text.clone());
        added.or_else(|| self.tokenizer.id_to_token(id)).unwrap_or_default()
    }

    /// The id of a token by its name in the vocabulary.
    #[must_use]
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    #[must_use]
    pub fn is_special(&self, id: u32) -> bool {
        self.added.get(&id).is_some_and(|(_, special)| *special)
    }

    /// Begins a text.
    #[must_use]
    pub fn bos_id(&self) -> Option<u32> {
        self.bos
    }

    /// Any of these ends a text or a turn.
    #[must_use]
    pub fn eos_ids(&self) -> &[u32] {
        &self.eos
    }

    /// `bos_token`, `eos_token` and the like with their texts, as chat templates name them.
    pub fn special_texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.special_texts.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// One more than the largest id.
    #[must_use]
    pub fn vocab_size(&self) -> usize {
        let tokenizer = &self.tokenizer;
        let largest = self.added.keys().max().map_or(0, |id| *id as usize + 1);
        tokenizer.get_vocab_size(true).max(largest)
    }
}

fn encode(tokenizer: &Tokenizer, text: &str, add_special: bool) -> Result<Vec<u32>> {
    let encoding = tokenizer.encode_fast(text, add_special).map_err(|e| anyhow!(e))?;
    Ok(encoding.get_ids().to_vec())
}
