//! Text to tokens and back: from tokenizer.json or from GGUF metadata, and piece by piece while a model writes.

mod folder;
mod gguf;
mod stream;

pub use gguf::GgufVocab;
pub use stream::StreamDecoder;

use anyhow::{Result, anyhow};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::collections::HashMap;
use std::path::Path;
use tokenizers::Tokenizer;

/// A model's tokenizer, with what the model's files say about its special tokens.
pub struct TextCodec {
    tokenizer: Tokenizer,
    bos: Option<Special>,
    eos: Option<Special>,
    /// Every token that ends a text or a turn.
    eos_ids: Vec<u32>,
    /// Put around a text when special tokens are asked for; tokenizer.json has a post-processor for that instead.
    around: Option<(Vec<u32>, Vec<u32>)>,
    spelling: Spelling,
    /// Added tokens: not spelled like the others. True for those that are no text.
    added: HashMap<u32, (String, bool)>,
}

/// A special token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Special {
    pub id: u32,
    pub text: String,
}

/// How a vocabulary spells bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// Each byte is a printable character (GPT-2).
    ByteLevel,
    /// `▁` is a space, `<0x0A>` a byte (SentencePiece).
    SentencePiece,
    /// Whatever the decoder makes of a token alone.
    Other,
}

impl TextCodec {
    /// Reads `tokenizer.json` and what lies beside it in a Hugging Face folder.
    ///
    /// # Errors
    /// `Failure { Missing | Input }` naming the file.
    pub fn from_folder(folder: &Path) -> Result<Self> {
        folder::read(folder)
    }

    /// Builds the tokenizer that GGUF metadata describe; `file` is named in failures.
    ///
    /// # Errors
    /// `Failure { Input }` for a kind of tokenizer or pre-tokenizer that is not known here, with its name.
    pub fn from_gguf(vocab: GgufVocab, file: &str) -> Result<Self> {
        gguf::build(vocab, file)
    }

    /// `eos_ids` are ids the files name; those of `bos` and `eos` are looked up by their text.
    fn new(
        tokenizer: Tokenizer,
        bos: Option<String>,
        eos: Option<String>,
        mut eos_ids: Vec<u32>,
        around: Option<(Vec<u32>, Vec<u32>)>,
    ) -> Self {
        let special = |text: Option<String>| {
            text.and_then(|text| tokenizer.token_to_id(&text).map(|id| Special { id, text }))
        };
        let (bos, eos) = (special(bos), special(eos));
        eos_ids.extend(eos.as_ref().map(|eos| eos.id));
        eos_ids.sort_unstable();
        eos_ids.dedup();
        let added = tokenizer
            .get_added_tokens_decoder()
            .into_iter()
            .map(|(id, token)| (id, (token.content, token.special)))
            .collect();
        Self { spelling: spelling(&tokenizer), tokenizer, bos, eos, eos_ids, around, added }
    }

    /// The ids of `text`; with `add_special` also what the model expects around a text.
    ///
    /// Special tokens spelled out in the text are recognised.
    ///
    /// # Errors
    /// When the tokenizer has no token for a part of the text and no token for the unknown.
    pub fn encode(&self, text: &str, add_special: bool) -> Result<Vec<u32>> {
        let by_post_processor = add_special && self.around.is_none();
        let encoding = self
            .tokenizer
            .encode_fast(text, by_post_processor)
            .map_err(|error| anyhow!(cannot_encode().detail(error.to_string())))?;
        let ids = encoding.get_ids();
        Ok(match self.around.as_ref().filter(|_| add_special) {
            Some((before, after)) => [before, ids, after].concat(),
            None => ids.to_vec(),
        })
    }

    /// The text of `ids`, as the reference decodes it; bytes that are no character show as U+FFFD.
    ///
    /// # Errors
    /// When the tokenizer's decoder fails.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        self.tokenizer.decode(ids, skip_special).map_err(|error| anyhow!("decoding tokens: {error}"))
    }

    /// Turns ids into text as they come.
    #[must_use]
    pub fn stream(&self) -> StreamDecoder<'_> {
        StreamDecoder::new(self)
    }

    /// A token alone; bytes that are no character show as U+FFFD, special tokens as they are spelled.
    #[must_use]
    pub fn token_text(&self, id: u32) -> String {
        String::from_utf8_lossy(&self.token_bytes(id)).into_owned()
    }

    /// A token's bytes; none for an id outside the vocabulary.
    #[must_use]
    pub fn token_bytes(&self, id: u32) -> Vec<u8> {
        if let Some((text, _)) = self.added.get(&id) {
            return text.as_bytes().to_vec();
        }
        let Some(token) = self.tokenizer.id_to_token(id) else { return Vec::new() };
        match self.spelling {
            Spelling::ByteLevel => {
                // A character that stands for no byte is kept: it was put into the vocabulary as text.
                token.chars().fold(Vec::new(), |mut bytes, c| {
                    match byte_of(c) {
                        Some(byte) => bytes.push(byte),
                        None => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
                    }
                    bytes
                })
            }
            Spelling::SentencePiece => match byte_token(&token) {
                Some(byte) => vec![byte],
                None => token.replace('▁', " ").into_bytes(),
            },
            Spelling::Other => self.decode(&[id], false).unwrap_or_default().into_bytes(),
        }
    }

    /// Whether an id is a special token: no part of the text.
    #[must_use]
    pub fn is_special(&self, id: u32) -> bool {
        self.added.get(&id).is_some_and(|(_, special)| *special)
    }

    /// Every token that ends a text or a turn, in order.
    #[must_use]
    pub fn eos_ids(&self) -> &[u32] {
        &self.eos_ids
    }

    #[must_use]
    pub fn bos_id(&self) -> Option<u32> {
        self.bos.as_ref().map(|bos| bos.id)
    }

    /// As chat templates name it.
    #[must_use]
    pub fn bos_text(&self) -> Option<&str> {
        self.bos.as_ref().map(|bos| bos.text.as_str())
    }

    /// As chat templates name it.
    #[must_use]
    pub fn eos_text(&self) -> Option<&str> {
        self.eos.as_ref().map(|eos| eos.text.as_str())
    }

    /// Tokens, added ones included.
    #[must_use]
    pub fn vocab_size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }
}

fn cannot_encode() -> Failure {
    Failure::new(FailureKind::Input, Text::new("failure.cannot_encode"))
        .hint(Text::new("failure.cannot_encode_hint"))
}

/// Looks at the decoder for how the vocabulary spells bytes.
fn spelling(tokenizer: &Tokenizer) -> Spelling {
    use tokenizers::DecoderWrapper as D;
    fn of(decoder: &D) -> Option<Spelling> {
        match decoder {
            D::ByteLevel(_) => Some(Spelling::ByteLevel),
            D::Metaspace(_) | D::ByteFallback(_) => Some(Spelling::SentencePiece),
            D::Sequence(parts) => parts.get_decoders().iter().find_map(of),
            _ => None,
        }
    }
    tokenizer.get_decoder().and_then(of).unwrap_or(Spelling::Other)
}

/// `<0x0A>`
fn byte_token(token: &str) -> Option<u8> {
    let hex = token.strip_prefix("<0x")?.strip_suffix('>')?;
    (hex.len() == 2).then(|| u8::from_str_radix(hex, 16).ok()).flatten()
}

/// GPT-2's table, the other way round: printable bytes are themselves, the rest follow from U+0100 on.
fn byte_of(c: char) -> Option<u8> {
    static TABLE: std::sync::OnceLock<HashMap<char, u8>> = std::sync::OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let printable = |b: &u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
        let mut next = (256u32..).filter_map(char::from_u32);
        (0..=255u8)
            .filter_map(|b| if printable(&b) { Some((char::from(b), b)) } else { Some((next.next()?, b)) })
            .collect()
    });
    table.get(&c).copied()
}
