//! How a vocabulary's tokens spell bytes.

use anyhow::{Result, anyhow};
use serde_json::Value;
use std::sync::OnceLock;
use tokenizers::Tokenizer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// GPT-2's: every byte has a letter.
    Bytes,
    /// SentencePiece's: `▁` is a space, `<0x0A>` a byte. `strips_space`: the space that encoding puts before a text
    /// is taken off again.
    Pieces { byte_tokens: bool, strips_space: bool },
    /// Something else, which only the tokenizer's own decoder knows.
    Other,
}

impl Spelling {
    /// Read off the tokenizer's decoder.
    pub(super) fn of(tokenizer: &Tokenizer) -> Result<Self> {
        let decoder = serde_json::to_value(tokenizer.get_decoder()).map_err(|e| anyhow!(e))?;
        let parts = match decoder.get("decoders") {
            Some(Value::Array(parts)) => parts.clone(),
            _ => vec![decoder],
        };
        let mut spelling = Self::Other;
        for part in &parts {
            let text = |key: &str| part.get(key).and_then(Value::as_str);
            spelling = match (text("type"), spelling) {
                (Some("ByteLevel"), _) => return Ok(Self::Bytes),
                (Some("Replace"), Self::Other)
                    if text("content") == Some(" ") && part["pattern"]["String"].as_str() == Some("▁") =>
                {
                    Self::Pieces { byte_tokens: false, strips_space: false }
                }
                (Some("Metaspace"), Self::Other) if text("replacement") == Some("▁") => {
                    let strips_space = text("prepend_scheme") != Some("never");
                    Self::Pieces { byte_tokens: false, strips_space }
                }
                (Some("ByteFallback"), Self::Pieces { strips_space, .. }) => {
                    Self::Pieces { byte_tokens: true, strips_space }
                }
                (Some("ByteFallback"), Self::Other) => {
                    Self::Pieces { byte_tokens: true, strips_space: false }
                }
                (Some("Replace"), Self::Pieces { byte_tokens: true, strips_space })
                    if text("content") == Some(" ") =>
                {
                    Self::Pieces { byte_tokens: true, strips_space }
                }
                (Some("Strip"), Self::Pieces { byte_tokens, .. })
                    if text("content") == Some(" ") && part["start"] == 1 && part["stop"] == 0 =>
                {
                    Self::Pieces { byte_tokens, strips_space: true }
                }
                (Some("Fuse"), known) => known,
                _ => return Ok(Self::Other),
            };
        }
        Ok(spelling)
    }

    /// Whether decoding takes a space off the beginning; `None` where tokens cannot be decoded one by one.
    pub(super) fn strips_leading_space(self) -> Option<bool> {
        match self {
            Self::Bytes => Some(false),
            Self::Pieces { strips_space, .. } => Some(strips_space),
            Self::Other => None,
        }
    }

    /// What a token that is matched whole spells: decoders of pieces see it, too.
    pub(super) fn added_bytes(self, token: &str) -> Vec<u8> {
        match self {
            Self::Pieces { .. } => token.replace('▁', " ").into_bytes(),
            Self::Bytes | Self::Other => token.as_bytes().to_vec(),
        }
    }

    pub(super) fn bytes(self, token: &str) -> Vec<u8> {
        match self {
            Self::Bytes => {
                let bytes: Option<Vec<u8>> = token.chars().map(byte_of).collect();
                bytes.unwrap_or_else(|| token.as_bytes().to_vec())
            }
            Self::Pieces { byte_tokens, .. } => match byte_token(token).filter(|_| byte_tokens) {
                Some(byte) => vec![byte],
                None => token.replace('▁', " ").into_bytes(),
            },
            Self::Other => token.as_bytes().to_vec(),
        }
    }
}

/// `<0x0A>`
fn byte_token(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    let two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    two.then(|| u8::from_str_radix(digits, 16).ok())?
}

/// The byte that GPT-2's letter stands for.
fn byte_of(c: char) -> Option<u8> {
    static BYTES: OnceLock<Vec<Option<u8>>> = OnceLock::new();
    let bytes = BYTES.get_or_init(|| {
        let mut table = vec![None; 0x144];
        let mut next = 0x100;
        for byte in 0..=u8::MAX {
            let shown = matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
            let letter = if shown { usize::from(byte) } else { next };
            next += usize::from(!shown);
            table[letter] = Some(byte);
        }
        table
    });
    bytes.get(u32::from(c) as usize).copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_letter() {
        let letters: Vec<char> =
            (0..0x144u32).filter_map(char::from_u32).filter(|c| byte_of(*c).is_some()).collect();
        assert_eq!(letters.len(), 256);
        assert_eq!(byte_of('Ġ'), Some(b' '));
        assert_eq!(byte_of('Ċ'), Some(b'\n'));
        assert_eq!(byte_of('a'), Some(b'a'));
        assert_eq!(byte_of('玻'), None);
    }

    #[test]
    fn pieces_spell_spaces_and_bytes() {
        let pieces = Spelling::Pieces { byte_tokens: true, strips_space: true };
        assert_eq!(pieces.bytes("▁glass"), b" glass");
        assert_eq!(pieces.bytes("<0xE7>"), [0xe7]);
        assert_eq!(pieces.bytes("<0xZZ>"), b"<0xZZ>");
        assert_eq!(pieces.bytes("<0x+1>"), b"<0x+1>");
    }
}
