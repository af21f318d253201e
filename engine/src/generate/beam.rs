//! Beam search: several texts are written side by side, and the likeliest whole one is the reply. Which that is,
//! transformers' `generate(num_beams=…, do_sample=False)` says (5.23), id by id.
//!
//! Start reading at [`Search::step`]. The listener hears only what every text that may still win begins with, so that
//! nothing told has to be taken back; the rest comes at the end, or when the search is stopped.

mod ended;

use super::batch::Turn;
use super::decode::{Listener, Run};
use super::reuse::ReadSequence;
use super::sampler::{Sampler, Scored};
use super::stop::{Passed, StopWatch};
use crate::failure::Cancelled;
use crate::infer::Wanted;
use crate::memory::Reservation;
use crate::tokenizer::StreamDecoder;
use anyhow::{Context as _, Result};
use ended::Ended;
use glassworks_protocol::generate::{BeamSpec, FinishReason, SamplingSpec, TokenPiece};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::sync::Arc;
use std::time::Instant;

/// Memory for the sequences of all beams but the first.
///
/// # Errors
/// `Failure { Memory }` when they do not fit.
pub fn shares(
    sampling: &SamplingSpec,
    mut reserve: impl FnMut() -> Result<Reservation, Failure>,
) -> Result<Vec<Reservation>, Failure> {
    let n = sampling.beams.map_or(0, |beams| beams.n.saturating_sub(1));
    let hint = |failure: Failure| failure.hint(Text::new("failure.beams_memory_hint"));
    (0..n).map(|_| reserve().map_err(hint)).collect()
}

/// What a model that only runs has read can't be copied, so that it writes one text at a time.
pub fn runs_only(name: &str) -> Failure {
    Failure::new(FailureKind::Input, Text::new("failure.beams_runs_only").arg("name", name))
        .hint(Text::new("failure.beams_runs_only_hint"))
}

/// A text: what was measured of each token.
type Written = Vec<Arc<TokenPiece>>;

/// A text that goes on no further.
struct Whole {
    written: Written,
    /// By the model or the schema it follows, not by a limit or a stop string.
    by_itself: bool,
}

/// A text that goes on.
struct Beam<'a> {
    /// The sum of its tokens' log-probabilities with penalties on them.
    log_prob: f32,
    written: Written,
    sampler: Sampler,
    text: StreamDecoder<'a>,
    watch: StopWatch,
    /// `None` while a pass has it, and after one that did not give it back.
    read: Option<ReadSequence>,
    /// What the model says of the next token, `[V]`.
    logits: Vec<f32>,
}

/// A token that may come after one of the beams.
struct Candidate {
    beam: usize,
    id: u32,
    log_prob: f32,
}

/// A beam's next token, measured.
struct Next {
    beam: usize,
    log_prob: f32,
    piece: Arc<TokenPiece>,
}

struct Search<'r, 'a> {
    run: &'r mut Run<'a>,
    beams: Vec<Beam<'a>>,
    ended: Ended<Whole>,
    /// What ends a text.
    ends: &'a [u32],
    n_beams: usize,
    /// Tokens of the texts that go on, and the most that one may have.
    n: usize,
    most: usize,
    /// Tokens of which the listener has heard.
    told: usize,
}

/// Searches on from where `run` is, whose next token `logits` `[V]` are about, and leaves it as if it had written the
/// best text.
///
/// # Errors
/// What listener and model report. After [`Cancelled`] the best text so far has been told.
pub fn search(
    run: &mut Run<'_>,
    beams: BeamSpec,
    logits: Vec<f32>,
    listener: &mut dyn Listener,
) -> Result<FinishReason> {
    let context_length = run.model.model.shape().context_length;
    // The last token of a text is not read any more.
    let room = (context_length + 1).saturating_sub(run.tokens.len());
    let asked = run.spec.sampling.max_new_tokens as usize;
    let (model, ignores) = (run.model, run.spec.sampling.ignore_eos);
    let first = Beam {
        log_prob: 0.0,
        written: Vec::new(),
        sampler: run.sampler.fork(),
        text: run.text.clone(),
        watch: run.watch.clone(),
        read: run.read.take(),
        logits,
    };
    let most = asked.min(room);
    let mut search = Search {
        beams: vec![first],
        ended: Ended::new(beams, most),
        ends: if ignores { &[] } else { model.codec.eos_ids() },
        n_beams: beams.n as usize,
        n: 0,
        most,
        told: 0,
        run,
    };
    let limit = if asked <= room { FinishReason::Length } else { FinishReason::ContextFull };
    match search.go(listener) {
        Ok(()) => search.close(false, limit, listener),
        Err(error) if error.is::<Cancelled>() => {
            search.close(true, limit, listener)?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

impl Search<'_, '_> {
    fn go(&mut self, listener: &mut dyn Listener) -> Result<()> {
        loop {
            listener.checkpoint()?;
            let next = self.step()?;
            self.run.last = Some(Instant::now());
            self.run.first = self.run.first.or(self.run.last);
            if self.ended.is_over(self.n, next.first().map(|next| next.log_prob)) {
                return Ok(());
            }
            self.advance(next)?;
            listener.searching(self.n);
            self.tell(listener)?;
            self.read(listener)?;
        }
    }

    /// One token more for every text: those that end with it are put aside, the best of the others go on.
    fn step(&mut self) -> Result<Vec<Next>> {
        // So many that enough are left even if every end of text is among them.
        let n_candidates = self.n_beams * (1 + self.ends.len()).max(2);
        let mut scored = Vec::with_capacity(self.beams.len());
        let mut candidates = Vec::new();
        for (beam_idx, beam) in self.beams.iter_mut().enumerate() {
            let row = beam.sampler.score(&beam.logits, n_candidates)?;
            candidates.extend(row.best.iter().map(|(id, score)| Candidate {
                beam: beam_idx,
                id: *id,
                log_prob: beam.log_prob + score,
            }));
            scored.push(row);
        }
        // What may not come at all.
        candidates.retain(|candidate| candidate.log_prob > f32::NEG_INFINITY);
        candidates.sort_by(|a, b| b.log_prob.total_cmp(&a.log_prob));
        candidates.truncate(n_candidates);
        self.n += 1;
        let mut next = Vec::new();
        for (rank, candidate) in candidates.into_iter().enumerate() {
            let ends = self.ends.contains(&candidate.id);
            let by_itself = ends || self.beams[candidate.beam].sampler.completes(candidate.id);
            if by_itself || self.n >= self.most || self.stops(&candidate) {
                // One that ends is among the best, or it is none.
                if rank < self.n_beams {
                    let piece = self.measured(&scored, &candidate, ends);
                    let mut written = self.beams[candidate.beam].written.clone();
                    written.push(piece);
                    self.ended.offer(candidate.log_prob, self.n, Whole { written, by_itself });
                }
            } else if next.len() < self.n_beams {
                let piece = self.measured(&scored, &candidate, false);
                next.push(Next { beam: candidate.beam, log_prob: candidate.log_prob, piece });
            }
        }
        Ok(next)
    }

    /// Whether a stop string would be there.
    fn stops(&self, candidate: &Candidate) -> bool {
        let beam = &self.beams[candidate.beam];
        if beam.watch.is_idle() {
            return false;
        }
        let text = beam.text.clone().push(candidate.id);
        matches!(beam.watch.clone().push(bare(candidate.id, text)), Passed::Stop(..))
    }

    fn measured(&self, scored: &[Scored], candidate: &Candidate, ends: bool) -> Arc<TokenPiece> {
        let beam = &self.beams[candidate.beam];
        let draw = beam.sampler.measured(&scored[candidate.beam], &beam.logits, candidate.id);
        // The token that ends the text is part of the record, but says nothing.
        let text = if ends { String::new() } else { beam.text.clone().push(candidate.id) };
        Arc::new(self.run.piece(draw, text))
    }

    /// The beams that go on, each with its token: the last that goes on from a text takes it over, those before it get
    /// copies, which share what has been read.
    fn advance(&mut self, next: Vec<Next>) -> Result<()> {
        let mut old: Vec<Option<Beam<'_>>> = Vec::new();
        for (beam_idx, mut beam) in std::mem::take(&mut self.beams).into_iter().enumerate() {
            let goes_on = next.iter().any(|next| next.beam == beam_idx);
            if !goes_on && let Some(read) = &mut beam.read {
                self.run.shares.extend(read.reservation.take());
            }
            old.push(goes_on.then_some(beam));
        }
        let lasts: Vec<bool> =
            (0..next.len()).map(|i| next[i + 1..].iter().all(|later| later.beam != next[i].beam)).collect();
        for (next, last) in next.into_iter().zip(lasts) {
            let mut beam = match last {
                true => old[next.beam].take(),
                false => old[next.beam].as_ref().map(|beam| fork(beam, &mut self.run.shares)).transpose()?,
            }
            .context("a text that goes on twice")?;
            let id = next.piece.id;
            beam.log_prob = next.log_prob;
            beam.sampler.note(id)?;
            let text = beam.text.push(id);
            if !beam.watch.is_idle() {
                beam.watch.push(bare(id, text));
            }
            beam.written.push(next.piece);
            self.beams.push(beam);
        }
        Ok(())
    }

    /// Reads the newest token of every beam, all in one pass.
    fn read(&mut self, listener: &dyn Listener) -> Result<()> {
        let mut turns = Vec::with_capacity(self.beams.len());
        for beam in &mut self.beams {
            turns.push(Turn {
                read: beam.read.take().context("the sequence is gone")?,
                tokens: beam.written.last().map(|piece| piece.id).into_iter().collect(),
                wanted: Wanted::Last,
                adapters: self.run.spec.adapters.clone(),
            });
        }
        let checkpoint = || listener.checkpoint();
        let precision = self.run.spec.precision;
        let stepped = self.run.seat.step_all(&mut self.run.runner, turns, precision, &checkpoint);
        let mut failed = None;
        for (beam, stepped) in self.beams.iter_mut().zip(stepped) {
            beam.read = stepped.read;
            match stepped.logits {
                Ok(logits) => {
                    beam.logits = logits;
                    if let (Some(read), Some(piece)) = (&mut beam.read, beam.written.last()) {
                        read.tokens.push(piece.id);
                    }
                }
                // The first that is more than "the job is gone" says why.
                Err(error) if failed.as_ref().is_none_or(anyhow::Error::is::<Cancelled>) => {
                    failed = Some(error)
                }
                Err(_) => {}
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Tells what all that may still win begin with. Of those that have ended, only the best may.
    fn tell(&mut self, listener: &mut dyn Listener) -> Result<()> {
        let best = self.ended.best().map(|(_, whole)| &whole.written);
        let Some(first) = self.beams.first() else { return Ok(()) };
        let mut certain = self.told;
        while let Some(piece) = first.written.get(certain) {
            let same = |written: &Written| written.get(certain).is_some_and(|other| other.id == piece.id);
            if !(self.beams.iter().all(|beam| same(&beam.written)) && best.is_none_or(same)) {
                break;
            }
            certain += 1;
        }
        let pieces: Written = first.written[self.told..certain].to_vec();
        self.told = certain;
        self.hand_over(&pieces, listener).map(drop)
    }

    /// Gives pieces to the listener; the stop string that they end with, if they do.
    fn hand_over(
        &mut self,
        pieces: &[Arc<TokenPiece>],
        listener: &mut dyn Listener,
    ) -> Result<Option<String>> {
        for piece in pieces {
            match self.run.watch.push((**piece).clone()) {
                Passed::Pieces(pieces) => listener.pieces(pieces)?,
                Passed::Stop(pieces, stop) => {
                    listener.pieces(pieces)?;
                    return Ok(Some(stop));
                }
            }
        }
        Ok(None)
    }

    /// The best text there is becomes the reply, `limit` being what ended it if nothing else did. Texts that would go
    /// on count only where the search was `stopped`.
    fn close(
        &mut self,
        stopped: bool,
        limit: FinishReason,
        listener: &mut dyn Listener,
    ) -> Result<FinishReason> {
        let ended = self.ended.best().map(|(worth, whole)| (*worth, &whole.written, whole.by_itself));
        let running = self.beams.first().filter(|_| stopped || ended.is_none());
        let running = running.map(|beam| (self.ended.worth(beam.log_prob, self.n), &beam.written, false));
        let best = running.into_iter().chain(ended).max_by(|a, b| a.0.total_cmp(&b.0));
        let (best, by_itself) =
            best.map(|(_, written, by_itself)| (written.clone(), by_itself)).unwrap_or_default();
        let stop = self.hand_over(&best[self.told.min(best.len())..], listener)?;
        let ids: Vec<u32> = best.iter().map(|piece| piece.id).collect();
        self.run.n_new += ids.len();
        self.run.tokens.extend(&ids[..ids.len().saturating_sub(1)]);
        self.keep_read();
        match stop {
            Some(stop) => Ok(FinishReason::StopString(stop)),
            None if by_itself => self.run.finish(listener, FinishReason::EndOfText),
            None => self.run.finish(listener, limit),
        }
    }

    /// Of what the beams have read, the longest beginning of the reply is kept.
    fn keep_read(&mut self) {
        let tokens = &self.run.tokens;
        let shared = |read: &ReadSequence| {
            let all = &read.tokens[..read.sequence.len()];
            all.iter().zip(tokens).take_while(|(a, b)| a == b).count()
        };
        let reads = self.beams.drain(..).filter_map(|beam| beam.read);
        let best = reads.map(|read| (shared(&read), read)).max_by_key(|(shared, _)| *shared);
        self.run.read = best.map(|(shared, mut read)| {
            read.tokens.truncate(shared);
            read.sequence.truncate(shared);
            read
        });
    }
}

/// A text of its own that begins as this one does.
fn fork<'a>(beam: &Beam<'a>, shares: &mut Vec<Reservation>) -> Result<Beam<'a>> {
    let read = beam.read.as_ref().context("the sequence is gone")?;
    let read = ReadSequence {
        tokens: read.tokens.clone(),
        sequence: read.sequence.prefix(read.sequence.len())?,
        how: read.how,
        reservation: Some(shares.pop().context("more texts than memory was reserved for")?),
    };
    Ok(Beam {
        log_prob: beam.log_prob,
        written: beam.written.clone(),
        sampler: beam.sampler.fork(),
        text: beam.text.clone(),
        watch: beam.watch.clone(),
        read: Some(read),
        logits: Vec::new(),
    })
}

/// A token and its text, nothing measured: for those who look at texts alone.
fn bare(id: u32, text: String) -> TokenPiece {
    TokenPiece { id, text, logprob: 0.0, sampled_prob: 0.0, rank: 0, entropy: 0.0, top: Vec::new() }
}
