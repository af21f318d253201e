//! Reading a reply that is there already: how likely the model finds each of its tokens, given all before it.
//!
//! The pass is that of a prompt, in blocks, with the logits of every position of the reply; tokens are measured as
//! those are that the decode loop is made to take.

use super::batch::{self, HeldAdapters, Seat, Turn};
use super::decode::PREFILL_CHUNK;
use super::reuse::ReadSequence;
use super::sampler::{Draw, Sampler};
use crate::infer::{Runner, Sequence, Wanted};
use crate::memory::Ledger;
use crate::models::Model;
use crate::shelf::LoadedModel;
use anyhow::{Context as _, Result, ensure};
use glassworks_protocol::generate::{Alternative, SamplingPreset, SamplingSpec, TokenPiece};
use glassworks_protocol::model::{CacheWidth, Precision};
use std::ops::Range;
use std::sync::Arc;

/// What the logits of one block may take, bytes.
const BLOCK_BYTES: usize = 64 << 20;

/// A reply as a model reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadReply {
    pub ids: Vec<u32>,
    /// What each completes; joined, the reply.
    pub texts: Vec<String>,
    /// Whether these are the ids it was written in.
    pub same_tokens: bool,
}

/// The reply in the tokens of `model`: its own where they spell the same here, else as the model's tokenizer splits it
/// after the prompt, whose ids and text are given.
///
/// # Errors
/// When the tokenizer fails.
pub fn read_by(
    model: &LoadedModel,
    prompt: (&[u32], &str),
    adds_special: bool,
    reply: &[(u32, String)],
) -> Result<ReadReply> {
    if spells_the_same(model, reply) {
        let (ids, texts) = reply.iter().cloned().unzip();
        return Ok(ReadReply { ids, texts, same_tokens: true });
    }
    let text: String = reply.iter().map(|(_, text)| text.as_str()).collect();
    // Read on from the prompt where that leaves the prompt as it is: some tokenizers begin a text with a space.
    let whole = format!("{}{text}", prompt.1);
    let (ids, places) = model.codec.encode_places(&whole, adds_special)?;
    let (ids, places, from) = match ids.strip_prefix(prompt.0) {
        Some(rest) => (rest.to_vec(), places[prompt.0.len()..].to_vec(), prompt.1.len()),
        None => {
            let (ids, places) = model.codec.encode_places(&text, false)?;
            (ids, places, 0)
        }
    };
    let mut stream = model.codec.stream();
    let mut texts: Vec<String> = ids.iter().map(|id| stream.push(*id)).collect();
    if texts.concat() != text {
        texts = by_places(&text, places.iter().map(|(_, end)| end.saturating_sub(from)));
    }
    Ok(ReadReply { ids, texts, same_tokens: false })
}

/// Whether the ids mean to this model what they meant to the one that wrote them.
fn spells_the_same(model: &LoadedModel, reply: &[(u32, String)]) -> bool {
    let n = model.model.shape().vocab_size;
    let mut stream = model.codec.stream();
    reply.iter().enumerate().all(|(at, (id, text))| {
        let ends = at + 1 == reply.len() && text.is_empty() && model.codec.eos_ids().contains(id);
        // Half a character is silent, and so is a special token: only the former may be the same by chance.
        let silent = text.is_empty() && model.codec.is_special(*id);
        (*id as usize) < n && (ends || (!silent && stream.push(*id) == *text))
    })
}

/// The text cut at these ends; what comes after the last goes with it.
fn by_places(text: &str, ends: impl ExactSizeIterator<Item = usize>) -> Vec<String> {
    let n = ends.len();
    let mut from = 0;
    let cut = ends.enumerate().map(|(i, end)| {
        let mut end = if i + 1 == n { text.len() } else { end.clamp(from, text.len()) };
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let end = end.max(from);
        let piece = text[from..end].to_owned();
        from = end;
        piece
    });
    cut.collect()
}

/// How to read it.
pub struct ScoreRun<'a> {
    pub prompt: &'a [u32],
    pub reply: &'a ReadReply,
    pub precision: Precision,
    pub adapters: Option<Arc<HeldAdapters>>,
}

/// Reads the reply after the prompt. `checkpoint` is called at least every 250 ms; `progress` is told tokens read and
/// all there are.
///
/// # Errors
/// `Failure { Memory }` when it would not fit, what the model reports, and what `checkpoint` returns.
pub fn score(
    model: &LoadedModel,
    ledger: &Ledger,
    run: &ScoreRun<'_>,
    checkpoint: &dyn Fn() -> Result<()>,
    progress: &dyn Fn(usize, usize),
) -> Result<Vec<TokenPiece>> {
    let shape = model.model.shape();
    let ids = &run.reply.ids;
    ensure!(!run.prompt.is_empty() && run.reply.texts.len() == ids.len(), "nothing to read");
    // What the last token is followed by, nobody wants to know.
    let before = run.prompt.len() - 1;
    let tokens: Vec<u32> = run.prompt.iter().chain(&ids[..ids.len().saturating_sub(1)]).copied().collect();
    let n_rows = (BLOCK_BYTES / (4 * shape.vocab_size)).clamp(1, PREFILL_CHUNK);
    let pass = match &model.model {
        Model::Own(_) => batch::pass_bytes(shape),
        Model::RunOnly(bridge) => bridge.pass_bytes(tokens.len()),
    };
    let _room = model.reserve(ledger, pass + (2 * 4 * n_rows * shape.vocab_size) as u64)?;
    let runner = Runner::of(&model.model)?;
    let reservation =
        Some(model.reserve(ledger, Sequence::bytes_of(&model.model, tokens.len(), CacheWidth::Full))?);
    let how = (run.precision, CacheWidth::Full);
    let sequence = runner.sequence(CacheWidth::Full);
    let read = Some(ReadSequence { tokens: Vec::new(), sequence, how, reservation });
    let mut reader = Reader { seat: model.batcher.seat(), runner, read, run, tokens: &tokens };
    let mut sampler = Sampler::new(as_it_is(), 0, &[])?;
    let mut pieces = Vec::with_capacity(ids.len());
    let mut at = 0;
    while at < tokens.len() && !ids.is_empty() {
        checkpoint()?;
        progress(at, tokens.len());
        let end =
            if at < before { (at + PREFILL_CHUNK).min(before) } else { (at + n_rows).min(tokens.len()) };
        let wanted = if at < before { Wanted::Nothing } else { Wanted::All };
        let logits = reader.step(at..end, wanted, checkpoint)?;
        for row in logits.chunks_exact(shape.vocab_size) {
            let i = pieces.len();
            pieces.push(piece(model, sampler.take(row, ids[i])?, &run.reply.texts[i]));
            if i % 16 == 0 {
                checkpoint()?;
            }
        }
        at = end;
    }
    ensure!(pieces.len() == ids.len(), "a pass gave other rows than were asked for");
    Ok(pieces)
}

struct Reader<'a> {
    seat: Seat<'a>,
    runner: Runner<'a>,
    read: Option<ReadSequence>,
    run: &'a ScoreRun<'a>,
    tokens: &'a [u32],
}

impl Reader<'_> {
    /// `[n, V]`, or nothing.
    fn step(
        &mut self,
        range: Range<usize>,
        wanted: Wanted,
        checkpoint: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<f32>> {
        let turn = Turn {
            read: self.read.take().context("the sequence is gone")?,
            tokens: self.tokens[range].to_vec(),
            wanted,
            adapters: self.run.adapters.clone(),
        };
        let stepped = self.seat.step(&mut self.runner, turn, self.run.precision, checkpoint);
        self.read = stepped.read;
        stepped.logits
    }
}

/// Nothing penalised, nothing filtered.
#[must_use]
pub fn as_it_is() -> SamplingSpec {
    SamplingSpec { temperature: 1.0, ..SamplingPreset::Steady.spec() }
}

/// (id, own probability, probability after the sampler)
pub fn alternative(model: &LoadedModel, (id, prob, sampled_prob): (u32, f32, f32)) -> Alternative {
    Alternative { id, text: model.codec.token_text(id), prob, sampled_prob }
}

/// A token as it was measured.
pub fn piece(model: &LoadedModel, draw: Draw, text: &str) -> TokenPiece {
    TokenPiece {
        id: draw.id,
        text: text.to_owned(),
        logprob: draw.logprob,
        sampled_prob: draw.sampled_prob,
        rank: draw.rank,
        entropy: draw.entropy,
        top: draw.top.into_iter().map(|other| alternative(model, other)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_whole_characters() {
        let cut = |text: &str, ends: &[usize]| by_places(text, ends.iter().copied());
        assert_eq!(cut("ab c", &[2, 4]), ["ab", " c"]);
        assert_eq!(cut("玻璃", &[3, 3, 6]), ["玻", "", "璃"]);
        assert_eq!(cut("玻璃", &[2, 9]), ["", "玻璃"]);
        assert_eq!(cut("abc", &[1]), ["abc"]);
        assert!(cut("", &[]).is_empty());
    }
}
