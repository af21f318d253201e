//! A loaded model of candle's: sequences that each have their own copy of it (the weights are shared), and the thread
//! that its passes run on.
//!
//! Candle knows no way to stop a pass. So it runs on a thread of the model's own, piece by piece, and whoever waits
//! for it looks whether it is still wanted; if not, it leaves, and the piece is computed for nobody. What candle
//! hands to several threads runs on the one pool. All is f32 in main memory, in both precisions.

use super::{Bridged, Reads, RunOnlyConfig, Tables};
use crate::models::{ModelShape, TensorNeed, WeightSource};
use anyhow::{Context as _, Result, bail, ensure};
use candle_core::{Device, Tensor};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Tokens of a pass, at most, where a prompt may be read in pieces.
const PIECE: usize = 32;
/// Between two looks whether a pass is still wanted.
const LOOK: Duration = Duration::from_millis(10);
/// Copies of the scores and of all keys and values that a layer makes on its way, at most.
const COPIES: u64 = 4;
/// Some caches grow by so many positions at once.
const CACHE_STEP: usize = 512;

/// After which tokens logits are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// More of the prompt follows.
    Nothing,
    Last,
    All,
}

/// A model of candle's, ready to run.
pub struct Bridge {
    config: RunOnlyConfig,
    /// Has read nothing, and never will.
    pristine: Mutex<Box<dyn Bridged>>,
    worker: Worker,
}

/// What a model has read of one text.
#[derive(Default)]
pub struct BridgeSequence {
    /// `None` before the first pass, and after one that did not come to its end.
    state: Option<Box<dyn Bridged>>,
    /// Positions that `state` has been through.
    n_read: usize,
    /// Tokens that are to be read with those that follow.
    waiting: Vec<u32>,
    /// Whether another text may go on from it.
    lasting: bool,
}

impl BridgeSequence {
    #[must_use]
    pub fn len(&self) -> usize {
        self.n_read + self.waiting.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a text that shares `len` tokens with it can go on from here: it can't be cut back.
    #[must_use]
    pub fn can_go_on_at(&self, len: usize) -> bool {
        self.lasting && len == self.len()
    }

    /// Forgets everything, unless `len` leaves it as it is: nothing can be taken back.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            *self = Self { lasting: self.lasting, ..Self::default() };
        }
    }
}

impl Bridge {
    /// Reads the weights, and builds the model of them.
    ///
    /// # Errors
    /// What `source` reports, and when candle's model can't be built of them.
    pub fn load(config: &RunOnlyConfig, needs: &[TensorNeed], source: &dyn WeightSource) -> Result<Self> {
        let pristine = Mutex::new(config.read(needs, source)?);
        Ok(Self { config: config.clone(), pristine, worker: Worker::start()? })
    }

    #[must_use]
    pub fn shape(&self) -> &ModelShape {
        &self.config.shape
    }

    /// As the model card names it.
    #[must_use]
    pub fn family(&self) -> &'static str {
        self.config.family.name
    }

    /// A sequence that has not begun.
    #[must_use]
    pub fn sequence(&self) -> BridgeSequence {
        BridgeSequence { lasting: self.config.family.reads == Reads::InPieces, ..BridgeSequence::default() }
    }

    /// The most memory that a sequence of `n_positions` takes.
    #[must_use]
    pub fn sequence_bytes(&self, n_positions: usize) -> u64 {
        let s = self.shape();
        let position = 2 * s.n_layers as u64 * s.n_kv_heads as u64 * s.head_width as u64;
        let tables =
            if self.config.family.tables == Tables::EachSequence { self.config.table_bytes() } else { 0 };
        4 * position * (n_positions + CACHE_STEP) as u64 + tables
    }

    /// The most memory that a pass takes besides weights and sequences, in a text of `n_positions`.
    #[must_use]
    pub fn pass_bytes(&self, n_positions: usize) -> u64 {
        let s = self.shape();
        let n = |x: usize| x as u64;
        let rows = n(match self.config.family.reads {
            Reads::InPieces => PIECE.min(n_positions),
            Reads::AtOnce => n_positions,
        });
        let heads = n(s.n_heads) * n(s.head_width);
        let scores = rows * n(n_positions) * n(s.n_heads);
        // Of one layer: keys and values, those of groups once for each head.
        let keys = 2 * heads * n(n_positions + CACHE_STEP);
        let row = 8 * n(s.width) + 6 * heads + 4 * n(s.mlp_width);
        4 * (COPIES * (scores + keys) + rows * row + 2 * n(s.vocab_size))
    }

    /// Reads `tokens` after what the sequence has read: the logits `asked` for, `[n, V]` row after row. `between` is
    /// called while they are computed; after its error, or another, the sequence has read nothing.
    ///
    /// # Errors
    /// For ids outside the vocabulary and positions past the context, what candle reports, and what `between` returns.
    ///
    /// # Panics
    /// Where candle does.
    pub fn step(
        &self,
        sequence: &mut BridgeSequence,
        tokens: &[u32],
        asked: Asked,
        between: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<f32>> {
        let s = self.shape();
        ensure!(tokens.iter().all(|id| (*id as usize) < s.vocab_size), "an id outside the vocabulary");
        ensure!(sequence.len() + tokens.len() <= s.context_length, "positions past the context");
        let at_once = self.config.family.reads == Reads::AtOnce;
        if at_once && asked == Asked::Nothing && sequence.state.is_none() {
            sequence.waiting.extend_from_slice(tokens);
            return Ok(Vec::new());
        }
        let waiting = std::mem::take(&mut sequence.waiting);
        let (mut state, mut at) = (sequence.state.take(), sequence.n_read);
        *sequence = self.sequence();
        let begun = state.is_some();
        let mut logits = Vec::new();
        for piece in pieces(waiting, tokens, asked, at_once, begun) {
            let now = match state.take() {
                Some(state) => state,
                None => self.pristine.lock().unwrap_or_else(PoisonError::into_inner).fresh()?,
            };
            let n = piece.ids.len();
            let (after, last) = self.worker.pass(now, piece.ids, at, between)?;
            ensure!(last.len() == s.vocab_size, "{} logits for {} tokens", last.len(), s.vocab_size);
            (state, at) = (Some(after), at + n);
            match asked {
                Asked::All if piece.is_asked => logits.extend(last),
                Asked::Last => logits = last,
                _ => {}
            }
        }
        *sequence = BridgeSequence { state, n_read: at, ..self.sequence() };
        Ok(logits)
    }
}

/// Tokens of one pass.
struct Piece {
    ids: Vec<u32>,
    /// Whether the logits after it are of a token that was asked about.
    is_asked: bool,
}

/// What is read in one pass each.
fn pieces(waiting: Vec<u32>, tokens: &[u32], asked: Asked, at_once: bool, begun: bool) -> Vec<Piece> {
    let cut = |tokens: &[u32], size: usize, is_asked: bool| {
        tokens.chunks(size).map(|ids| Piece { ids: ids.to_vec(), is_asked }).collect::<Vec<_>>()
    };
    // Candle's models give the last row alone.
    if asked == Asked::All {
        let first = (!waiting.is_empty()).then_some(Piece { ids: waiting, is_asked: false });
        return first.into_iter().chain(cut(tokens, 1, true)).collect();
    }
    let all = [&waiting, tokens].concat();
    match (at_once, begun) {
        (false, _) => cut(&all, PIECE, true),
        (true, false) => vec![Piece { ids: all, is_asked: true }],
        (true, true) => cut(&all, 1, true),
    }
}

type Task = Box<dyn FnOnce() + Send>;
/// The model after a pass, its logits, and what it panicked with.
type Passed = (Box<dyn Bridged>, Result<Vec<f32>>, Option<Box<dyn Any + Send>>);

/// The thread of a model's passes: one after the other.
struct Worker {
    tasks: Option<Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn start() -> Result<Self> {
        let (tasks, todo) = mpsc::channel::<Task>();
        let thread = std::thread::Builder::new().name("bridge".to_owned());
        let thread = thread.spawn(move || todo.into_iter().for_each(|task| task()))?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread) })
    }

    /// One pass: the model as it is then, and the logits after the last token.
    fn pass(
        &self,
        mut state: Box<dyn Bridged>,
        ids: Vec<u32>,
        at: usize,
        between: &dyn Fn() -> Result<()>,
    ) -> Result<(Box<dyn Bridged>, Vec<f32>)> {
        let (answer, answered) = mpsc::channel::<Passed>();
        let task = move || {
            let passed = catch_unwind(AssertUnwindSafe(|| logits(&mut *state, &ids, at)));
            let (logits, panic) = match passed {
                Ok(logits) => (logits, None),
                Err(panic) => (Ok(Vec::new()), Some(panic)),
            };
            // Whoever has left doesn't want it.
            drop(answer.send((state, logits, panic)));
        };
        let tasks = self.tasks.as_ref().context("the bridge is closed")?;
        tasks.send(Box::new(task)).ok().context("the bridge is gone")?;
        loop {
            match answered.recv_timeout(LOOK) {
                Ok((_, _, Some(panic))) => resume_unwind(panic),
                Ok((state, logits, None)) => return Ok((state, logits?)),
                Err(RecvTimeoutError::Timeout) => between()?,
                Err(RecvTimeoutError::Disconnected) => bail!("a pass was lost"),
            }
        }
    }
}

impl Drop for Worker {
    /// Waits for a pass that somebody has left: its memory is given back before it counts as free.
    fn drop(&mut self) {
        drop(self.tasks.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of a bridge has panicked");
        }
    }
}

fn logits(state: &mut dyn Bridged, ids: &[u32], at: usize) -> Result<Vec<f32>> {
    let ids = Tensor::new(ids, &Device::Cpu)?.unsqueeze(0)?;
    Ok(state.forward(&ids, at)?.flatten_all()?.to_vec1::<f32>()?)
}

#[cfg(test)]
mod tests;
