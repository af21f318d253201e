//! Passes that jobs share: all who write with one model at the same time go through its weights together. Start
//! reading at [`Seat::step`].
//!
//! Every job keeps its own thread, which samples and stores; it hands in what its sequence goes through next and waits.
//! Whoever has waited longest leads: it takes what the others have handed in along with its own, runs one pass, and
//! hands out what came of it. No thread is there for this alone, and nothing runs while nobody asks.

use super::reuse::ReadSequence;
use crate::failure::{self, Cancelled};
use crate::infer::{Request, Runner, Wanted};
use crate::memory::Reservation;
use crate::models::ModelShape;
use crate::nn::Adapters;
use anyhow::Result;
use glassworks_protocol::Failure;
use glassworks_protocol::model::Precision;
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// Tokens of all sequences in one pass, at most: a turn may bring no more.
pub const MAX_ROWS: usize = 512;
/// Sequences in one pass, at most.
const MAX_RIDERS: usize = 16;
/// The longest that a leader waits for those between two tokens.
const PATIENCE: Duration = Duration::from_millis(2);
/// Between two looks of a waiting job whether it is still wanted.
const LOOK: Duration = Duration::from_millis(25);
/// How long a cancelled job lets a pass go on in which others ride: most end sooner.
const GRACE: Duration = Duration::from_millis(120);

/// Where the jobs of one model meet.
#[derive(Default)]
pub struct Batcher {
    state: Mutex<State>,
    /// A pass is over, or a place in the queue has become free.
    over: Condvar,
    /// Someone has handed in, or will not.
    gathered: Condvar,
}

#[derive(Default)]
struct State {
    n_seats: u64,
    /// No two jobs share a pass.
    alone: bool,
    /// In the order they came.
    waiting: VecDeque<Handed>,
    /// Those that got something out of a pass lately and will probably be back in a moment.
    expected: Vec<(u64, Precision)>,
    /// A pass is being gathered or computed.
    busy: bool,
    last_pass: Duration,
    #[cfg(test)]
    n_passes: usize,
}

/// Adapters laid beside a model's maps, and the memory they take.
pub struct HeldAdapters {
    pub adapters: Adapters,
    pub held: Reservation,
}

/// How one job's sequence goes on. It owns everything, so that a job that is cancelled can leave it behind.
pub struct Turn {
    pub read: ReadSequence,
    /// What follows: at least one, at most [`MAX_ROWS`].
    pub tokens: Vec<u32>,
    /// Of which positions logits are wanted.
    pub wanted: Wanted,
    pub adapters: Option<Arc<HeldAdapters>>,
}

/// What came of a turn.
pub struct Stepped {
    /// The sequence: one on if there are logits, as it was if not; `None` when it was lost or left behind.
    pub read: Option<ReadSequence>,
    /// `[n, V]` of the positions wanted.
    pub logits: Result<Vec<f32>>,
}

/// A turn in the queue or in a pass.
struct Handed {
    seat: u64,
    precision: Precision,
    turn: Turn,
    answer: Arc<Answer>,
}

/// What the job that waits and the one that leads tell each other.
#[derive(Default)]
struct Answer {
    /// The job doesn't want it any more.
    cancelled: AtomicBool,
    stepped: Mutex<Option<Stepped>>,
}

impl Answer {
    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn give(&self, read: Option<ReadSequence>, logits: Result<Vec<f32>>) {
        *self.stepped.lock().unwrap_or_else(PoisonError::into_inner) = Some(Stepped { read, logits });
    }

    fn take(&self) -> Option<Stepped> {
        self.stepped.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// One turn that a job waits for.
#[derive(Default)]
struct Asked {
    answer: Arc<Answer>,
    stepped: Option<Stepped>,
}

impl Asked {
    fn look(&mut self) {
        if self.stepped.is_none() {
            self.stepped = self.answer.take();
        }
    }
}

/// One job's place among those that write with a model; free again when dropped.
pub struct Seat<'b> {
    batcher: &'b Batcher,
    id: u64,
}

impl Batcher {
    /// For a model whose sequences go through it one by one, and can't be put back where they were.
    pub fn one_by_one() -> Self {
        let batcher = Self::default();
        batcher.lock().alone = true;
        batcher
    }

    pub fn seat(&self) -> Seat<'_> {
        let mut state = self.lock();
        state.n_seats += 1;
        Seat { batcher: self, id: state.n_seats }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.batcher.lock().expected.retain(|(seat, _)| *seat != self.id);
        self.batcher.gathered.notify_one();
    }
}

impl Seat<'_> {
    /// Takes `turn` one step on, in a pass with whoever else is there; `runner` is used if this job comes to lead.
    /// What comes out does not depend on the others.
    ///
    /// `checkpoint` is called at least every 250 ms. After its error this returns within as long, and what was handed
    /// in is left to the pass that has it, or to nobody. An error or a panic of a pass is the failure of each job
    /// that was in it, and of no other.
    pub fn step(
        &self,
        runner: &mut Runner<'_>,
        turn: Turn,
        precision: Precision,
        checkpoint: &dyn Fn() -> Result<()>,
    ) -> Stepped {
        let lost = Stepped { read: None, logits: Err(Cancelled.into()) };
        self.step_all(runner, vec![turn], precision, checkpoint).pop().unwrap_or(lost)
    }

    /// The same for several sequences of this job, which go through the weights together where there is room.
    pub fn step_all(
        &self,
        runner: &mut Runner<'_>,
        turns: Vec<Turn>,
        precision: Precision,
        checkpoint: &dyn Fn() -> Result<()>,
    ) -> Vec<Stepped> {
        let mut asked: Vec<Asked> = turns.iter().map(|_| Asked::default()).collect();
        let mut state = self.batcher.lock();
        state.expected.retain(|(seat, _)| *seat != self.id);
        for (turn, asked) in turns.into_iter().zip(&asked) {
            let answer = Arc::clone(&asked.answer);
            state.waiting.push_back(Handed { seat: self.id, precision, turn, answer });
        }
        self.batcher.gathered.notify_one();
        let mut given_up: Option<Instant> = None;
        let mut error: Option<anyhow::Error> = None;
        loop {
            asked.iter_mut().for_each(Asked::look);
            if asked.iter().all(|asked| asked.stepped.is_some()) {
                break;
            }
            if given_up.is_none()
                && let Err(told) = checkpoint()
            {
                asked.iter().for_each(|asked| asked.answer.cancelled.store(true, Ordering::Relaxed));
                (given_up, error) = (Some(Instant::now()), Some(told));
            }
            if let Some(since) = given_up {
                if state.leave(self.id) {
                    self.batcher.over.notify_all();
                    continue;
                }
                if since.elapsed() >= GRACE {
                    break;
                }
            }
            let first = state.waiting.front().is_some_and(|handed| handed.seat == self.id);
            state = if first && !state.busy {
                self.lead(state, runner, checkpoint)
            } else {
                let waited = self.batcher.over.wait_timeout(state, LOOK);
                waited.unwrap_or_else(PoisonError::into_inner).0
            };
        }
        let lost = || Stepped { read: None, logits: Err(Cancelled.into()) };
        let mut stepped: Vec<Stepped> =
            asked.into_iter().map(|asked| asked.stepped.unwrap_or_else(lost)).collect();
        // What made the job give up is told as it was, once.
        if let (Some(error), Some(left)) = (error, stepped.iter_mut().find(|stepped| stepped.logits.is_err()))
        {
            left.logits = Err(error);
        }
        stepped
    }

    /// Gathers a pass, this job's turn first, runs it and hands out what came of it.
    fn lead<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        runner: &mut Runner<'_>,
        checkpoint: &dyn Fn() -> Result<()>,
    ) -> MutexGuard<'s, State> {
        let Some(precision) = state.waiting.front().map(|handed| handed.precision) else { return state };
        state.busy = true;
        state = self.gather(state, precision);
        let mut riders = state.take(precision);
        drop(state);
        let started = Instant::now();
        let outcome = run(runner, &mut riders, precision, checkpoint, GRACE);
        let mut state = self.batcher.lock();
        state.busy = false;
        state.last_pass = started.elapsed();
        #[cfg(test)]
        {
            state.n_passes += 1;
        }
        state.hand_out(riders, precision, outcome);
        self.batcher.over.notify_all();
        state
    }

    /// Waits a moment for those between two tokens; who doesn't come in time is not waited for again until it has.
    fn gather<'s>(&'s self, mut state: MutexGuard<'s, State>, precision: Precision) -> MutexGuard<'s, State> {
        let until = Instant::now() + PATIENCE.min(state.last_pass / 4);
        while !state.alone && state.expected.iter().any(|(_, expected)| *expected == precision) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.expected.retain(|(_, expected)| *expected != precision);
                break;
            }
            let waited = self.batcher.gathered.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }
}

impl State {
    /// The first in the queue, and after it those that fit into a pass with it.
    fn take(&mut self, precision: Precision) -> Vec<Handed> {
        let (mut taken, mut n_rows) = (Vec::new(), 0);
        for handed in std::mem::take(&mut self.waiting) {
            let n = handed.turn.tokens.len();
            let most = if self.alone { 1 } else { MAX_RIDERS };
            let fits = taken.is_empty() || (taken.len() < most && n_rows + n <= MAX_ROWS);
            if fits && handed.precision == precision {
                n_rows += n;
                taken.push(handed);
            } else {
                self.waiting.push_back(handed);
            }
        }
        taken
    }

    /// Takes a job's turns out of the queue; says whether there were any.
    fn leave(&mut self, seat: u64) -> bool {
        let before = self.waiting.len();
        for handed in std::mem::take(&mut self.waiting) {
            if handed.seat == seat {
                handed.answer.give(Some(handed.turn.read), Err(Cancelled.into()));
            } else {
                self.waiting.push_back(handed);
            }
        }
        self.waiting.len() < before
    }

    /// Tells each rider of a pass what came of it.
    fn hand_out(&mut self, riders: Vec<Handed>, precision: Precision, outcome: Outcome) {
        match outcome {
            Outcome::Through(all) => {
                for (rider, logits) in riders.into_iter().zip(all) {
                    // One that still waits with others of its turns will not hand in before those are through.
                    let waits = self.waiting.iter().any(|handed| handed.seat == rider.seat);
                    if !rider.answer.is_cancelled() && !waits {
                        self.expected.push((rider.seat, precision));
                    }
                    rider.answer.give(Some(rider.turn.read), Ok(logits));
                }
            }
            // Back in the queue, before those that came later.
            Outcome::Left => {
                for rider in riders.into_iter().rev() {
                    if rider.answer.is_cancelled() {
                        rider.answer.give(Some(rider.turn.read), Err(Cancelled.into()));
                    } else {
                        self.waiting.push_front(rider);
                    }
                }
            }
            Outcome::Failed(failure) => {
                for rider in riders {
                    rider.answer.give(Some(rider.turn.read), Err(failure.clone().into()));
                }
            }
            // What a panic left half done is not used again.
            Outcome::Panicked(failure) => {
                riders.iter().for_each(|rider| rider.answer.give(None, Err(failure.clone().into())));
            }
        }
    }
}

/// How a pass went.
enum Outcome {
    /// To its end: everyone's logits.
    Through(Vec<Vec<f32>>),
    /// Ended between two layers, because nobody wants it any more or its leader is gone; nothing has changed.
    Left,
    Failed(Failure),
    Panicked(Failure),
}

/// One pass. It ends early when all its jobs are cancelled, or when the leader's was and it takes `grace` longer.
fn run(
    runner: &mut Runner<'_>,
    riders: &mut [Handed],
    precision: Precision,
    checkpoint: &dyn Fn() -> Result<()>,
    grace: Duration,
) -> Outcome {
    let answers: Vec<Arc<Answer>> = riders.iter().map(|rider| Arc::clone(&rider.answer)).collect();
    let leader = riders.first().map(|rider| rider.seat);
    let own: Vec<bool> = riders.iter().map(|rider| Some(rider.seat) == leader).collect();
    let since: Cell<Option<Instant>> = Cell::new(None);
    let between = || {
        if since.get().is_none() && checkpoint().is_err() {
            let own = answers.iter().zip(&own).filter(|(_, own)| **own);
            own.for_each(|(answer, _)| answer.cancelled.store(true, Ordering::Relaxed));
            since.set(Some(Instant::now()));
        }
        let leader_left = since.get().is_some_and(|since| since.elapsed() >= grace);
        if leader_left || answers.iter().all(|answer| answer.is_cancelled()) {
            return Err(Cancelled.into());
        }
        Ok(())
    };
    let mut requests: Vec<Request<'_>> = riders
        .iter_mut()
        .map(|rider| Request {
            sequence: &mut rider.turn.read.sequence,
            tokens: &rider.turn.tokens,
            adapters: rider.turn.adapters.as_deref().map(|held| &held.adapters),
            logits: rider.turn.wanted,
            watch: None,
        })
        .collect();
    let stepped = panic::catch_unwind(AssertUnwindSafe(|| runner.step(&mut requests, precision, &between)));
    match stepped {
        Ok(Ok(logits)) => Outcome::Through(logits),
        Ok(Err(error)) if error.is::<Cancelled>() => Outcome::Left,
        Ok(Err(error)) => Outcome::Failed(failure::from_error(&error)),
        Err(payload) => Outcome::Panicked(failure::from_panic(&*payload)),
    }
}

/// The most memory that the fullest pass takes besides weights and sequences: activations of [`MAX_ROWS`] rows, what
/// products make of them, and the logits of a row for each of its sequences.
#[must_use]
pub fn pass_bytes(shape: &ModelShape) -> u64 {
    let (q, kv) = (shape.n_heads * shape.head_width, shape.n_kv_heads * shape.head_width);
    let row = 5 * shape.width + 3 * q + 4 * kv + 4 * shape.mlp_width + shape.n_heads.max(2);
    let rows = MAX_ROWS.min(MAX_RIDERS * shape.context_length);
    4 * (rows * row + 2 * MAX_RIDERS * shape.vocab_size) as u64
}
