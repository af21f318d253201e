//! SentencePiece's own file, `tokenizer.model`: a protocol buffer of pieces, scores and switches. Only what a
//! vocabulary is made of is read; what would change the text first, or is no BPE, is refused by name.
//!
//! The format: `sentencepiece_model.proto` of SentencePiece, and
//! <https://protobuf.dev/programming-guides/encoding/>.

use super::files::read_json;
use super::vocabulary::{CONTROL, NORMAL, UNUSED, USER_DEFINED, Vocabulary};
use super::{folder, spm};
use crate::shelf::file;
use anyhow::{Result, anyhow};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::Value;
use std::io::Read as _;
use std::path::Path;
use tokenizers::Tokenizer;

pub(super) const NAME: &str = "tokenizer.model";
/// The largest in the wild has some 5 MB.
const MOST_BYTES: u64 = 64 << 20;
/// No vocabulary has as many.
const MOST_TOKENS: usize = 1 << 22;
const BPE: u64 = 2;

/// What of the file matters.
struct ModelFile {
    pieces: Vec<Piece>,
    model_type: u64,
    bos_id: i32,
    eos_id: i32,
    charsmap: bool,
    dummy_prefix: bool,
    extra_whitespaces_removed: bool,
    whitespace_as_suffix: bool,
}

struct Piece {
    text: String,
    score: f32,
    kind: i64,
}

/// The tokenizer of a folder that has a `tokenizer.model` and no tokenizer.json.
///
/// # Errors
/// `Failure` naming the file: broken, or of a kind that can't be honoured.
pub(super) fn tokenizer(folder: &Path) -> Result<Tokenizer, Failure> {
    let path = folder.join(NAME);
    let (opened, _) = file::open_regular(&path)?;
    let mut bytes = Vec::new();
    opened.take(MOST_BYTES).read_to_end(&mut bytes).map_err(|e| file::io_failure(&path, &e))?;
    let broken = |why: &str| file::broken(&path, why);
    let model = ModelFile::parse(&bytes).ok_or_else(|| broken("it is no SentencePiece model"))?;
    for (what, unfit) in [
        ("model_type", model.model_type != BPE),
        ("precompiled_charsmap", model.charsmap),
        ("remove_extra_whitespaces", model.extra_whitespaces_removed),
        ("treat_whitespace_as_suffix", model.whitespace_as_suffix),
    ] {
        if unfit {
            return Err(refused(&path, what));
        }
    }
    let config = read_json(&folder.join("tokenizer_config.json"))?.unwrap_or(Value::Null);
    let more = read_json(&folder.join("added_tokens.json"))?.unwrap_or(Value::Null);
    let (vocabulary, scores) = vocabulary(&model, &config, &more).ok_or_else(|| broken("added tokens"))?;
    let build = || -> Result<Tokenizer> {
        let mut tokenizer = spm::tokenizer(&vocabulary, &scores, model.dummy_prefix)?;
        tokenizer.add_tokens(vocabulary.added_tokens()).map_err(|e| anyhow!(e))?;
        let end = |name: &str, id: i32| {
            let named = folder::token_text(&config[name]).and_then(|text| tokenizer.token_to_id(text));
            named.or_else(|| u32::try_from(id).ok().filter(|id| (*id as usize) < vocabulary.tokens.len()))
        };
        // As transformers' Llama and Gemma tokenizers do where nothing is said.
        let adds = |name: &str, default| config[name].as_bool().unwrap_or(default);
        let bos = end("bos_token", model.bos_id).filter(|_| adds("add_bos_token", true));
        let eos = end("eos_token", model.eos_id).filter(|_| adds("add_eos_token", false));
        tokenizer.with_post_processor(vocabulary.post_processor(bos, eos)?);
        Ok(tokenizer)
    };
    build().map_err(|error| broken(&format!("{error:#}")))
}

/// Pieces, and what the JSON files beside them add or say of them. Symbols of their own are matched in the text as it
/// is, so their spaces are spaces.
fn vocabulary(model: &ModelFile, config: &Value, more: &Value) -> Option<(Vocabulary, Vec<f32>)> {
    let mut vocabulary = Vocabulary { tokens: Vec::new(), kinds: Vec::new() };
    let mut scores = Vec::new();
    for piece in &model.pieces {
        let spaced = piece.kind == USER_DEFINED;
        vocabulary.tokens.push(if spaced { piece.text.replace('▁', " ") } else { piece.text.clone() });
        vocabulary.kinds.push(piece.kind);
        scores.push(piece.score);
    }
    let listed =
        more.as_object().into_iter().flatten().map(|(text, id)| (id.as_u64(), Some(text.as_str()), false));
    let decoder = config["added_tokens_decoder"].as_object().into_iter().flatten().map(|(id, token)| {
        (id.parse().ok(), token["content"].as_str(), token["special"].as_bool().unwrap_or(false))
    });
    for (id, text, special) in listed.chain(decoder) {
        let (id, text) = (usize::try_from(id?).ok().filter(|id| *id < MOST_TOKENS)?, text?);
        for gap in vocabulary.tokens.len()..=id {
            vocabulary.tokens.push(format!("[PAD{gap}]"));
            vocabulary.kinds.push(UNUSED);
            scores.push(0.0);
        }
        vocabulary.tokens[id] = if special { text.to_owned() } else { text.replace('▁', " ") };
        vocabulary.kinds[id] = if special { CONTROL } else { USER_DEFINED };
    }
    Some((vocabulary, scores))
}

impl ModelFile {
    /// `None` when it is not what it should be.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut model = Self {
            pieces: Vec::new(),
            model_type: 1,
            bos_id: 1,
            eos_id: 2,
            charsmap: false,
            dummy_prefix: true,
            extra_whitespaces_removed: true,
            whitespace_as_suffix: false,
        };
        for field in fields(bytes) {
            match field? {
                (1, Wire::Bytes(piece)) => model.pieces.push(Piece::parse(piece)?),
                (2, Wire::Bytes(trainer)) => model.read_trainer(trainer)?,
                (3, Wire::Bytes(normalizer)) => model.read_normalizer(normalizer)?,
                _ => {}
            }
        }
        (!model.pieces.is_empty() && model.pieces.len() <= MOST_TOKENS).then_some(model)
    }

    fn read_trainer(&mut self, bytes: &[u8]) -> Option<()> {
        for field in fields(bytes) {
            match field? {
                (3, Wire::Number(n)) => self.model_type = n,
                (24, Wire::Number(n)) => self.whitespace_as_suffix = n != 0,
                // Negative ones are written as 64 bits.
                (41, Wire::Number(n)) => self.bos_id = n as i32,
                (42, Wire::Number(n)) => self.eos_id = n as i32,
                _ => {}
            }
        }
        Some(())
    }

    fn read_normalizer(&mut self, bytes: &[u8]) -> Option<()> {
        for field in fields(bytes) {
            match field? {
                (2, Wire::Bytes(charsmap)) => self.charsmap = !charsmap.is_empty(),
                (3, Wire::Number(n)) => self.dummy_prefix = n != 0,
                (4, Wire::Number(n)) => self.extra_whitespaces_removed = n != 0,
                _ => {}
            }
        }
        Some(())
    }
}

impl Piece {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut piece = Self { text: String::new(), score: 0.0, kind: NORMAL };
        for field in fields(bytes) {
            match field? {
                (1, Wire::Bytes(text)) => piece.text = String::from_utf8(text.to_vec()).ok()?,
                (2, Wire::Four(score)) => piece.score = f32::from_le_bytes(score),
                (3, Wire::Number(kind)) => piece.kind = i64::try_from(kind).ok()?,
                _ => {}
            }
        }
        Some(piece)
    }
}

/// A field's value.
enum Wire<'a> {
    Number(u64),
    Four([u8; 4]),
    Eight,
    Bytes(&'a [u8]),
}

/// The fields of a message, by number; `None` where the bytes make no field, after which nothing comes.
fn fields(bytes: &[u8]) -> impl Iterator<Item = Option<(u64, Wire<'_>)>> {
    let mut rest = bytes;
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended || rest.is_empty() {
            return None;
        }
        let field = field(&mut rest);
        ended = field.is_none();
        Some(field)
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Wire<'a>)> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => Wire::Number(varint(rest)?),
        1 => {
            take(rest, 8)?;
            Wire::Eight
        }
        2 => {
            let len = usize::try_from(varint(rest)?).ok()?;
            Wire::Bytes(take(rest, len)?)
        }
        5 => Wire::Four(take(rest, 4)?.try_into().ok()?),
        _ => return None,
    };
    Some((key >> 3, value))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(n)?;
    *rest = left;
    Some(taken)
}

fn refused(path: &Path, what: &str) -> Failure {
    let summary = Text::new("failure.tokenizer_model_refused").arg("file", path.display()).arg("what", what);
    Failure::new(FailureKind::Input, summary).hint(Text::new("failure.tokenizer_model_refused_hint"))
}
