//! The two ends of the seam: a bounded channel down, a coalescing queue up.
//!
//! Truth is never dropped. Live events fold into what still waits: a newer progress replaces an older one of
//! the same job, tokens join the tokens before them, and past [`MAX_WAITING_TOKENS`] they are dropped.

use crate::command::Command;
use crate::event::{Event, Notice, Partial};
use crate::ids::JobId;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Commands that may wait before a sender is told that the engine is busy.
const COMMAND_CAPACITY: usize = 1024;
/// Tokens of one job that may wait before more of them are dropped.
pub const MAX_WAITING_TOKENS: usize = 4096;
/// The same for measurements, which the store has as well.
const MAX_WAITING_POINTS: usize = 4096;

/// Called after each event; must be quick and must not block.
pub type Waker = Box<dyn Fn() + Send + Sync>;

/// Makes both ends.
#[must_use]
pub fn link(waker: Waker) -> (WindowEnd, EngineEnd) {
    let (send, receive) = sync_channel(COMMAND_CAPACITY);
    let queue = Arc::new(Queue { waiting: Mutex::new(VecDeque::new()), arrived: Condvar::new(), waker });
    let outbox = Outbox { queue: Arc::clone(&queue) };
    (WindowEnd { commands: send, queue }, EngineEnd { commands: receive, outbox })
}

struct Queue {
    waiting: Mutex<VecDeque<Event>>,
    arrived: Condvar,
    waker: Waker,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Event>> {
        // Events are whole or absent, so a panic elsewhere leaves nothing half done here.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The window's end: nothing here blocks, except [`WindowEnd::wait`], which windows don't call.
pub struct WindowEnd {
    commands: SyncSender<Command>,
    queue: Arc<Queue>,
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The engine is behind by very many commands.
    Busy,
    /// The engine thread has ended.
    Ended,
}

impl WindowEnd {
    /// # Errors
    /// When the engine is far behind or has ended; the command was not taken.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        self.commands.try_send(command).map_err(|e| match e {
            TrySendError::Full(_) => SendError::Busy,
            TrySendError::Disconnected(_) => SendError::Ended,
        })
    }

    /// The next event, if one waits.
    #[must_use]
    pub fn try_next(&self) -> Option<Event> {
        self.queue.lock().pop_front()
    }

    /// The next event, waiting for it up to `timeout`: for the command line and for tests.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> Option<Event> {
        let end = Instant::now() + timeout;
        let mut waiting = self.queue.lock();
        loop {
            if let Some(event) = waiting.pop_front() {
                return Some(event);
            }
            let left = end.checked_duration_since(Instant::now())?;
            waiting =
                self.queue.arrived.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The engine's end.
pub struct EngineEnd {
    pub commands: Receiver<Command>,
    pub outbox: Outbox,
}

/// Sends events up and wakes the window; cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    queue: Arc<Queue>,
}

impl Outbox {
    pub fn send(&self, event: Event) {
        let mut waiting = self.queue.lock();
        if event.is_live() {
            fold(&mut waiting, event)
        } else {
            waiting.push_back(event)
        }
        drop(waiting);
        self.queue.arrived.notify_one();
        (self.queue.waker)();
    }
}

/// Adds a live event to what waits, merged into its like if there is one.
fn fold(waiting: &mut VecDeque<Event>, event: Event) {
    match event {
        Event::Progress(job, progress) => {
            let old = waiting.iter_mut().rev().find_map(|e| match e {
                Event::Progress(j, p) if *j == job => Some(p),
                _ => None,
            });
            match old {
                Some(old) => *old = progress,
                None => waiting.push_back(Event::Progress(job, progress)),
            }
        }
        Event::Partial(job, Partial::Tokens { first, mut pieces }) => match last_tokens(waiting, job) {
            Some((start, held)) if *start as usize + held.len() == first as usize => {
                let room = MAX_WAITING_TOKENS.saturating_sub(held.len());
                pieces.truncate(room);
                held.append(&mut pieces);
            }
            // A gap already: more of it stays a hint that was missed.
            Some(_) => {}
            None => waiting.push_back(Event::Partial(job, Partial::Tokens { first, pieces })),
        },
        Event::Partial(job, Partial::Metrics(mut points)) => {
            let old = waiting.iter_mut().rev().find_map(|e| match e {
                Event::Partial(j, Partial::Metrics(held)) if *j == job => Some(held),
                _ => None,
            });
            match old {
                Some(held) if held.len() < MAX_WAITING_POINTS => held.append(&mut points),
                Some(_) => {}
                None => waiting.push_back(Event::Partial(job, Partial::Metrics(points))),
            }
        }
        Event::Partial(job, Partial::Samples(samples)) => {
            let old = waiting.iter_mut().rev().find_map(|e| match e {
                Event::Partial(j, Partial::Samples(held)) if *j == job => Some(held),
                _ => None,
            });
            match old {
                Some(old) => *old = samples,
                None => waiting.push_back(Event::Partial(job, Partial::Samples(samples))),
            }
        }
        Event::Partial(job, Partial::Bench(record)) => {
            let old = waiting.iter_mut().rev().find_map(|e| match e {
                Event::Partial(j, Partial::Bench(held)) if *j == job => Some(held),
                _ => None,
            });
            match old {
                Some(old) => *old = record,
                None => waiting.push_back(Event::Partial(job, Partial::Bench(record))),
            }
        }
        Event::Notice(Notice::Memory(status)) => {
            let old = waiting.iter_mut().find_map(|e| match e {
                Event::Notice(Notice::Memory(m)) => Some(m),
                _ => None,
            });
            match old {
                Some(old) => *old = status,
                None => waiting.push_back(Event::Notice(Notice::Memory(status))),
            }
        }
        other => waiting.push_back(other),
    }
}

fn last_tokens(
    waiting: &mut VecDeque<Event>,
    job: JobId,
) -> Option<(&mut u32, &mut Vec<crate::generate::TokenPiece>)> {
    waiting.iter_mut().rev().find_map(|e| match e {
        Event::Partial(j, Partial::Tokens { first, pieces }) if *j == job => Some((first, pieces)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Progress, Unit};
    use crate::generate::TokenPiece;
    use crate::job::Outcome;
    use crate::text::Text;

    fn piece(id: u32) -> TokenPiece {
        TokenPiece {
            id,
            text: String::new(),
            logprob: 0.0,
            sampled_prob: 1.0,
            rank: 0,
            entropy: 0.0,
            top: Vec::new(),
        }
    }

    #[test]
    fn live_events_fold_and_truth_stays() {
        let (window, engine) = link(Box::new(|| {}));
        let job = JobId::mint();
        for done in 0..1000 {
            let progress =
                Progress { stage: Text::new("job.x"), done, total: None, unit: Unit::Tokens, per_sec: None };
            engine.outbox.send(Event::Progress(job, progress));
            let tokens = Partial::Tokens { first: done as u32, pieces: vec![piece(done as u32)] };
            engine.outbox.send(Event::Partial(job, tokens));
        }
        engine.outbox.send(Event::Settled(job, Outcome::Cancelled));
        let events: Vec<Event> = std::iter::from_fn(|| window.try_next()).collect();
        assert_eq!(events.len(), 3, "one progress, one batch of tokens, one end");
        assert!(matches!(&events[0], Event::Progress(_, p) if p.done == 999));
        assert!(matches!(&events[1], Event::Partial(_, Partial::Tokens { first: 0, pieces })
            if pieces.len() == 1000 && pieces[999].id == 999));
        assert_eq!(events[2], Event::Settled(job, Outcome::Cancelled));
    }

    #[test]
    fn of_a_benchmark_the_newest_word_waits() {
        let (window, engine) = link(Box::new(|| {}));
        let (job, other) = (JobId::mint(), JobId::mint());
        for at_ms in 0..50 {
            let mut record = crate::bench::tests::record(at_ms, 1.0);
            engine.outbox.send(Event::Partial(job, Partial::Bench(Arc::clone(&record))));
            Arc::make_mut(&mut record).at_ms += 1000;
            engine.outbox.send(Event::Partial(other, Partial::Bench(record)));
        }
        let events: Vec<Event> = std::iter::from_fn(|| window.try_next()).collect();
        let at = |event: &Event| match event {
            Event::Partial(id, Partial::Bench(record)) => Some((*id, record.at_ms)),
            _ => None,
        };
        assert_eq!(events.iter().map(at).collect::<Vec<_>>(), [Some((job, 49)), Some((other, 1049))]);
    }

    #[test]
    fn tokens_nobody_reads_are_bounded() {
        let (window, engine) = link(Box::new(|| {}));
        let job = JobId::mint();
        for first in 0..3 * MAX_WAITING_TOKENS as u32 {
            engine.outbox.send(Event::Partial(job, Partial::Tokens { first, pieces: vec![piece(first)] }));
        }
        let Some(Event::Partial(_, Partial::Tokens { pieces, .. })) = window.try_next() else {
            panic!("tokens expected")
        };
        assert_eq!(pieces.len(), MAX_WAITING_TOKENS);
        assert!(window.try_next().is_none());
    }

    #[test]
    fn sending_never_blocks() {
        let (window, engine) = link(Box::new(|| {}));
        let sent = (0..10_000).take_while(|_| window.send(Command::Shutdown).is_ok()).count();
        assert_eq!(sent, COMMAND_CAPACITY);
        assert_eq!(window.send(Command::Shutdown), Err(SendError::Busy));
        drop(engine);
        assert_eq!(window.send(Command::Shutdown), Err(SendError::Ended));
    }
}
