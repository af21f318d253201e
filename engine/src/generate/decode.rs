//! The decode loop: read the prompt, then hidden → last position → unembed → sample, until something ends it.

use super::batch::{self, HeldAdapters, Seat, Turn};
use super::beam;
use super::reuse::ReadSequence;
use super::sampler::{Draw, Sampler};
use super::stop::{Passed, StopWatch};
use crate::failure::Cancelled;
use crate::infer::{Runner, Sequence, Wanted};
use crate::memory::{Ledger, Reservation};
use crate::models::Model;
use crate::shelf::LoadedModel;
use crate::tokenizer::StreamDecoder;
use anyhow::{Context as _, Result};
use glassworks_protocol::generate::{Alternative, FinishReason, SamplingSpec, TokenPiece};
use glassworks_protocol::model::{CacheWidth, Precision};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// Prompt tokens per pass: bounds what a pass holds, and how long others that ride along wait for their next token.
pub const PREFILL_CHUNK: usize = 256;

/// What to write after.
pub struct DecodeSpec<'a> {
    pub prompt: &'a [u32],
    /// Tokens that the reply already has; it goes on after them.
    pub reply: &'a [u32],
    /// What comes next without being drawn.
    pub forced: &'a [u32],
    pub sampling: &'a SamplingSpec,
    /// Also end at these, as the chat template asks.
    pub stops: &'a [String],
    pub seed: u64,
    pub precision: Precision,
    pub cache: CacheWidth,
    pub adapters: Option<Arc<HeldAdapters>>,
}

/// Who listens to the loop.
pub trait Listener {
    /// At least every 250 ms; [`Cancelled`] ends the reply with what there is.
    fn checkpoint(&self) -> Result<()>;
    fn reading(&mut self, done: usize, total: usize);
    fn prompt_read(&mut self, n_prompt: usize, n_reused: usize);
    /// So many tokens long are the texts that are written side by side, of which one will be the reply.
    fn searching(&mut self, _n_tokens: usize) {}
    /// New pieces, in order.
    fn pieces(&mut self, pieces: Vec<TokenPiece>) -> Result<()>;
}

/// How it went.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    pub finish: FinishReason,
    pub n_reused: usize,
    /// Tokens drawn, held back ones included.
    pub n_new: usize,
    pub first_token_secs: f32,
    pub tokens_per_sec: f32,
    pub context_used: usize,
    /// The model only runs: in f32, whatever was asked for.
    pub is_run_only: bool,
}

/// Runs the loop.
///
/// # Errors
/// `Failure { Memory }` when the cache would not fit, `Failure { Input }` for sampling values out of range, and
/// whatever listener and model report. A stop by the listener is no error but [`FinishReason::Cancelled`].
pub fn decode(
    model: &LoadedModel,
    ledger: &Ledger,
    spec: &DecodeSpec<'_>,
    listener: &mut dyn Listener,
) -> Result<Decoded> {
    let mut run = Run::start(model, ledger, spec)?;
    let result = run.go(listener);
    let finish = match result {
        Ok(finish) => finish,
        Err(error) if error.is::<Cancelled>() => {
            let rest = run.watch.finish();
            listener.pieces(rest)?;
            FinishReason::Cancelled
        }
        Err(error) => return Err(error),
    };
    Ok(run.end(finish))
}

/// A reply being written; [`beam`] takes one over where several texts are tried.
pub(super) struct Run<'a> {
    pub model: &'a LoadedModel,
    ledger: &'a Ledger,
    pub spec: &'a DecodeSpec<'a>,
    pub seat: Seat<'a>,
    pub runner: Runner<'a>,
    /// What passes led from here take.
    _room: Reservation,
    /// What the sequences of further beams take, one each.
    pub shares: Vec<Reservation>,
    /// `None` while a pass has it, and after one that did not give it back.
    pub read: Option<ReadSequence>,
    /// Prompt and reply so far: what the next token follows.
    pub tokens: Vec<u32>,
    n_reused: usize,
    pub sampler: Sampler,
    pub watch: StopWatch,
    pub text: StreamDecoder<'a>,
    started: Instant,
    pub first: Option<Instant>,
    pub last: Option<Instant>,
    pub n_new: usize,
}

impl<'a> Run<'a> {
    fn start(model: &'a LoadedModel, ledger: &'a Ledger, spec: &'a DecodeSpec<'a>) -> Result<Self> {
        let started = Instant::now();
        let mut sampler = Sampler::new(spec.sampling.clone(), spec.seed, spec.prompt)?;
        if let Some(schema) = &spec.sampling.json_schema {
            sampler.constrain(model.spellings(ledger)?.grammar(schema)?);
        }
        sampler.go_on_from(spec.reply)?;
        let tokens: Vec<u32> = spec.prompt.iter().chain(spec.reply).copied().collect();
        if spec.sampling.beams.is_some() && model.model.is_run_only() {
            return Err(beam::runs_only(&model.name).into());
        }
        let shape = model.model.shape();
        let n_new = spec.forced.len() + spec.sampling.max_new_tokens as usize;
        let n_positions = (tokens.len() + n_new).min(shape.context_length);
        let pass = match &model.model {
            Model::Own(_) => batch::pass_bytes(shape),
            Model::RunOnly(bridge) => bridge.pass_bytes(n_positions),
        };
        let room = model.reserve(ledger, pass)?;
        let runner = Runner::of(&model.model)?;
        // The last token is always read anew: its logits are wanted.
        let known = &tokens[..tokens.len().saturating_sub(1)];
        // What was read with an adapter, or is to be, is nobody else's.
        let old = match spec.adapters {
            None => model.sequences.take(known, (spec.precision, spec.cache))?,
            Some(_) => None,
        };
        let mut read = old.unwrap_or_else(|| ReadSequence {
            tokens: Vec::new(),
            sequence: runner.sequence(spec.cache),
            how: (spec.precision, spec.cache),
            reservation: None,
        });
        // Given back first: what it held is part of what is reserved now.
        read.reservation = None;
        read.reservation =
            Some(model.reserve(ledger, Sequence::bytes_of(&model.model, n_positions, spec.cache))?);
        let n_shared = tokens.len() + spec.forced.len();
        let share = runner.fork_bytes(n_shared, n_positions, spec.cache);
        let shares = beam::shares(spec.sampling, || model.reserve(ledger, share))?;
        let mut text = model.codec.stream();
        spec.reply.iter().for_each(|id| drop(text.push(*id)));
        let stops: Vec<String> = spec.sampling.stop.iter().chain(spec.stops).cloned().collect();
        Ok(Self {
            n_reused: read.sequence.len(),
            seat: model.batcher.seat(),
            runner,
            _room: room,
            shares,
            read: Some(read),
            tokens,
            sampler,
            watch: StopWatch::new(&stops),
            text,
            model,
            ledger,
            spec,
            started,
            first: None,
            last: None,
            n_new: 0,
        })
    }

    fn go(&mut self, listener: &mut dyn Listener) -> Result<FinishReason> {
        let mut logits = self.read_prompt(listener)?;
        let context_length = self.model.model.shape().context_length;
        let forced = self.spec.forced;
        loop {
            if self.n_new >= forced.len() + self.spec.sampling.max_new_tokens as usize {
                return self.finish(listener, FinishReason::Length);
            }
            if let Some(beams) = self.spec.sampling.beams.filter(|_| self.n_new >= forced.len()) {
                return beam::search(self, beams, logits, listener);
            }
            let draw = match forced.get(self.n_new) {
                Some(id) => self.sampler.take(&logits, *id)?,
                None => self.sampler.draw(&logits)?,
            };
            let now = Instant::now();
            self.first.get_or_insert(now);
            self.last = Some(now);
            self.n_new += 1;
            let id = draw.id;
            let ends = !self.spec.sampling.ignore_eos && self.model.codec.eos_ids().contains(&id);
            // The token that ends the text is part of the record, but says nothing.
            let text = if ends { String::new() } else { self.text.push(id) };
            match self.watch.push(self.piece(draw, text)) {
                Passed::Pieces(pieces) => listener.pieces(pieces)?,
                Passed::Stop(pieces, stop) => {
                    listener.pieces(pieces)?;
                    return Ok(FinishReason::StopString(stop));
                }
            }
            // What is whole by its schema ends there, whether or not the model has a token for it.
            if ends || self.sampler.is_complete() {
                return self.finish(listener, FinishReason::EndOfText);
            }
            if self.tokens.len() >= context_length {
                return self.finish(listener, FinishReason::ContextFull);
            }
            self.tokens.push(id);
            listener.checkpoint()?;
            logits = self.read(self.tokens.len() - 1..self.tokens.len(), listener)?;
        }
    }

    /// Hands over what was held back. The bytes of a character that never came to its end are not text; they
    /// show when the reply goes on.
    pub fn finish(&mut self, listener: &mut dyn Listener, finish: FinishReason) -> Result<FinishReason> {
        listener.pieces(self.watch.finish())?;
        Ok(finish)
    }

    fn read_prompt(&mut self, listener: &mut dyn Listener) -> Result<Vec<f32>> {
        let total = self.tokens.len();
        let mut at = self.n_reused;
        let mut logits = Vec::new();
        while at < total {
            listener.checkpoint()?;
            listener.reading(at, total);
            let end = (at + PREFILL_CHUNK).min(total);
            logits = self.read(at..end, listener)?;
            at = end;
        }
        listener.prompt_read(total, self.n_reused);
        Ok(logits)
    }

    /// Reads these tokens; the last position's logits `[V]`, or nothing if more of the prompt follows.
    fn read(&mut self, range: Range<usize>, listener: &dyn Listener) -> Result<Vec<f32>> {
        let tokens = self.tokens[range.clone()].to_vec();
        let turn = Turn {
            read: self.read.take().context("the sequence is gone")?,
            wanted: if range.end == self.tokens.len() { Wanted::Last } else { Wanted::Nothing },
            tokens,
            adapters: self.spec.adapters.clone(),
        };
        let checkpoint = || listener.checkpoint();
        let stepped = self.seat.step(&mut self.runner, turn, self.spec.precision, &checkpoint);
        self.read = stepped.read;
        let logits = stepped.logits?;
        if let Some(read) = &mut self.read {
            read.tokens.extend_from_slice(&self.tokens[range]);
        }
        Ok(logits)
    }

    pub fn piece(&self, draw: Draw, text: String) -> TokenPiece {
        let top = draw
            .top
            .into_iter()
            .map(|(id, prob, sampled_prob)| Alternative {
                id,
                text: self.model.codec.token_text(id),
                prob,
                sampled_prob,
            })
            .collect();
        TokenPiece {
            id: draw.id,
            text,
            logprob: draw.logprob,
            sampled_prob: draw.sampled_prob,
            rank: draw.rank,
            entropy: draw.entropy,
            top,
        }
    }

    fn end(self, finish: FinishReason) -> Decoded {
        let after_first = match (self.first, self.last) {
            (Some(first), Some(last)) => last.duration_since(first).as_secs_f32(),
            _ => 0.0,
        };
        let decoded = Decoded {
            finish,
            n_reused: self.n_reused,
            n_new: self.n_new,
            first_token_secs: self.first.map_or(0.0, |t| t.duration_since(self.started).as_secs_f32()),
            tokens_per_sec: if self.n_new > 1 && after_first > 0.0 {
                (self.n_new - 1) as f32 / after_first
            } else {
                0.0
            },
            context_used: self.tokens.len(),
            is_run_only: self.model.model.is_run_only(),
        };
        if let Some(mut read) =
            self.read.filter(|read| self.spec.adapters.is_none() && read.sequence.can_go_on())
        {
            // From now on it takes what it has, not what it might have come to.
            read.reservation = None;
            let bytes = Sequence::bytes_of(&self.model.model, read.sequence.len(), self.spec.cache);
            read.reservation = self.ledger.reserve(bytes, &self.model.name).ok();
            if read.reservation.is_some() {
                self.model.sequences.put(read);
            }
        }
        decoded
    }
}
