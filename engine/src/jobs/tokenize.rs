//! A text as tokens: ids, bytes and where each begins and ends.

use super::models;
use crate::job_cx::JobCx;
use crate::tokenizer::TextCodec;
use anyhow::Result;
use glassworks_protocol::JobOutput;
use glassworks_protocol::tokens::{TokenSeen, TokenizeReport, TokenizeSpec};
use std::sync::Arc;

/// Tokens between two looks for a cancellation.
const LOOK: usize = 4096;

pub fn run(cx: &JobCx, spec: &TokenizeSpec) -> Result<JobOutput> {
    let codec = models::codec_of(cx, &spec.model)?;
    cx.checkpoint()?;
    let (ids, places) = codec.encode_places(&spec.text, spec.add_special)?;
    let chars = char_indices(&spec.text);
    let mut tokens = Vec::with_capacity(ids.len());
    for (i, (id, place)) in ids.iter().zip(places).enumerate() {
        if i % LOOK == 0 {
            cx.checkpoint()?;
        }
        tokens.push(seen(&codec, *id, place, &chars));
    }
    Ok(JobOutput::Tokenized(Arc::new(TokenizeReport {
        tokens,
        vocab_size: codec.vocab_size() as u32,
        n_chars: spec.text.chars().count() as u32,
        n_bytes: spec.text.len() as u32,
    })))
}

fn seen(codec: &TextCodec, id: u32, (from, to): (usize, usize), chars: &[u32]) -> TokenSeen {
    let at = |byte: usize| chars.get(byte).copied();
    TokenSeen {
        id,
        name: codec.token_name(id),
        bytes: codec.token_bytes(id),
        place: (from < to).then(|| at(from).zip(at(to))).flatten(),
        special: codec.is_special(id),
    }
}

/// For each byte of `text`, and for its end, the index of the character that it is in.
fn char_indices(text: &str) -> Vec<u32> {
    let mut indices = Vec::with_capacity(text.len() + 1);
    for (at, c) in text.chars().enumerate() {
        indices.extend(std::iter::repeat_n(at as u32, c.len_utf8()));
    }
    indices.push(text.chars().count() as u32);
    indices
}
