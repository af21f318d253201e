//! The decode loop: read the prompt, then hidden → last position → unembed → sample, until something ends it.

use super::reuse::ReadSequence;
use super::sampler::{Draw, Sampler};
use super::stop::{Passed, StopWatch};
use crate::failure::Cancelled;
use crate::inspect::probe::Probe;
use crate::memory::Ledger;
use crate::nn::{Adapters, ForwardCx, KvCache};
use crate::shelf::LoadedModel;
use crate::tokenizer::StreamDecoder;
use anyhow::{Context as _, Result};
use glassworks_protocol::generate::{Alternative, FinishReason, SamplingSpec, TokenPiece};
use glassworks_protocol::model::Precision;
use std::time::Instant;

/// Prompt tokens per pass: bounds the scores held at once, and the time to the next checkpoint.
const PREFILL_CHUNK: usize = 256;

/// What to write after.
pub struct DecodeSpec<'a> {
    pub prompt: &'a [u32],
    /// Tokens that the reply already has; it goes on after them.
    pub reply: &'a [u32],
    pub sampling: &'a SamplingSpec,
    /// Also end at these, as the chat template asks.
    pub stops: &'a [String],
    pub seed: u64,
    pub precision: Precision,
    pub adapters: Option<&'a Adapters>,
}

/// Who listens to the loop.
pub trait Listener {
    /// At least every 250 ms; [`Cancelled`] ends the reply with what there is.
    fn checkpoint(&self) -> Result<()>;
    fn reading(&mut self, done: usize, total: usize);
    fn prompt_read(&mut self, n_prompt: usize, n_reused: usize);
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

struct Run<'a> {
    model: &'a LoadedModel,
    spec: &'a DecodeSpec<'a>,
    sequence: ReadSequence,
    /// Prompt and reply so far: what the next token follows.
    tokens: Vec<u32>,
    n_reused: usize,
    sampler: Sampler,
    watch: StopWatch,
    text: StreamDecoder<'a>,
    started: Instant,
    first: Option<Instant>,
    last: Option<Instant>,
    n_new: usize,
}

impl<'a> Run<'a> {
    fn start(model: &'a LoadedModel, ledger: &Ledger, spec: &'a DecodeSpec<'a>) -> Result<Self> {
        let started = Instant::now();
        let mut sampler = Sampler::new(spec.sampling.clone(), spec.seed, spec.prompt)?;
        sampler.go_on_from(spec.reply);
        let tokens: Vec<u32> = spec.prompt.iter().chain(spec.reply).copied().collect();
        let shape = model.model.shape();
        let n_positions = (tokens.len() + spec.sampling.max_new_tokens as usize).min(shape.context_length);
        model.reserve_precision(ledger, spec.precision)?;
        let bytes = KvCache::bytes_for(shape, n_positions);
        // The last token is always read anew: its logits are wanted.
        let known = &tokens[..tokens.len().saturating_sub(1)];
        // What was read with an adapter, or is to be, is nobody else's.
        let old = match spec.adapters {
            None => model.sequences.take(known, spec.precision)?,
            Some(_) => None,
        };
        let old = old.map(|mut old| {
            // Given back first: what it held is part of what is reserved now.
            old.reservation = None;
            old
        });
        let mut sequence = old.unwrap_or_else(|| ReadSequence {
            tokens: Vec::new(),
            cache: KvCache::new(shape),
            precision: spec.precision,
            reservation: None,
        });
        sequence.reservation = Some(model.reserve(ledger, bytes)?);
        let mut text = model.codec.stream();
        spec.reply.iter().for_each(|id| drop(text.push(*id)));
        let stops: Vec<String> = spec.sampling.stop.iter().chain(spec.stops).cloned().collect();
        Ok(Self {
            n_reused: sequence.cache.len(),
            sequence,
            tokens,
            sampler,
            watch: StopWatch::new(&stops),
            text,
            model,
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
        loop {
            if self.n_new >= self.spec.sampling.max_new_tokens as usize {
                return self.finish(listener, FinishReason::Length);
            }
            let draw = self.sampler.draw(&logits)?;
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
            if ends {
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
    fn finish(&mut self, listener: &mut dyn Listener, finish: FinishReason) -> Result<FinishReason> {
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
    fn read(&mut self, range: std::ops::Range<usize>, listener: &dyn Listener) -> Result<Vec<f32>> {
        let is_last = range.end == self.tokens.len();
        let checkpoint = || listener.checkpoint();
        let mut cx = ForwardCx {
            precision: self.spec.precision,
            cache: &mut self.sequence.cache,
            probe: &mut Probe::Off,
            adapters: self.spec.adapters,
            between: &checkpoint,
        };
        let hidden = self.model.model.hidden(&self.tokens[range.clone()], &mut cx)?;
        self.sequence.tokens.extend_from_slice(&self.tokens[range]);
        if !is_last {
            return Ok(Vec::new());
        }
        let last = hidden.narrow(0, hidden.dim(0)? - 1, 1)?;
        let logits = self.model.model.logits(&last, &mut cx)?;
        logits.flatten_all()?.to_vec1().context("reading the logits")
    }

    fn piece(&self, draw: Draw, text: String) -> TokenPiece {
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
        };
        if self.spec.adapters.is_none() {
            self.model.sequences.put(self.sequence);
        }
        decoded
    }
}
