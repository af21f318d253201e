//! All that a job may touch of the world: its checkpoint, its voice, the store, the shelf, the ledger.

use crate::datasets::Datasets;
use crate::datasets::seen::Measures;
use crate::disk::Disk;
use crate::failure::Cancelled;
use crate::home::Home;
use crate::memory::Ledger;
use crate::power::PowerConfig;
use crate::predict::LookedAt;
use crate::shelf::Shelf;
use crate::store::Store;
use crate::train::live::LiveRuns;
use glassworks_protocol::ids::JobId;
use glassworks_protocol::link::Outbox;
use glassworks_protocol::machine::MachineReport;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Event, Partial, Progress, Signal, Stored, Unit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shortest time between two progress events of one job: 20 a second.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(50);

/// What all jobs of an engine share.
pub struct Shared {
    pub home: Home,
    pub store: Store,
    pub shelf: Shelf,
    pub ledger: Ledger,
    pub disk: Disk,
    pub power: PowerConfig,
    pub outbox: Outbox,
    pub runtime: tokio::runtime::Runtime,
    pub language: Language,
    /// Milliseconds since 1970, UTC; injected so that tests can choose it.
    pub clock: fn() -> i64,
    /// Of the program.
    pub version: &'static str,
    pub machine: MachineReport,
    /// Adapters of the runs that train.
    pub live: LiveRuns,
    /// Files of predicted rows that are being looked at.
    pub looked_at: LookedAt,
    /// Datasets that are open.
    pub datasets: Datasets,
    /// Their rows in models' tokens.
    pub measures: Measures,
    /// What comes with the program, by path.
    pub bundled: &'static [(&'static str, &'static [u8])],
    /// Held by the run that trains: one at a time.
    pub training: Mutex<()>,
}

/// What a person wants of a running job.
#[derive(Default)]
pub struct Steering {
    pub cancel: Arc<AtomicBool>,
    pub signal: Mutex<Option<Signal>>,
}

/// One job's view of the engine.
pub struct JobCx {
    pub id: JobId,
    pub shared: Arc<Shared>,
    steering: Arc<Steering>,
    pace: Mutex<Pace>,
}

/// When progress was last told, and what the current stage began with.
struct Pace {
    told: Option<Instant>,
    stage: Option<Begun>,
}

/// A stage at its beginning.
struct Begun {
    stage: Text,
    at: Instant,
    /// Done already: by the sitting before, where one goes on.
    done: u64,
}

impl Begun {
    /// Units a second since the beginning; `None` while there is too little to go by.
    fn per_sec(&self, done: u64, now: Instant) -> Option<f32> {
        let secs = now.duration_since(self.at).as_secs_f32();
        let more = done.saturating_sub(self.done);
        (secs > 0.2 && more > 0).then(|| more as f32 / secs)
    }
}

impl JobCx {
    #[must_use]
    pub fn new(id: JobId, shared: Arc<Shared>, steering: Arc<Steering>) -> Self {
        Self { id, shared, steering, pace: Mutex::new(Pace { told: None, stage: None }) }
    }

    /// To be called at least every 250 ms.
    ///
    /// # Errors
    /// [`Cancelled`] once a person has stopped the job.
    pub fn checkpoint(&self) -> anyhow::Result<()> {
        if self.is_cancelled() { Err(Cancelled.into()) } else { Ok(()) }
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.steering.cancel.load(Ordering::Relaxed)
    }

    /// Set once a person has stopped the job: for kernels, which look inside of what takes long.
    #[must_use]
    pub fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.steering.cancel)
    }

    /// What was asked of the job last, if it understands signals.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        *self.steering.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has done what was asked: it is not asked again.
    pub fn heard(&self, signal: Signal) {
        let mut asked = self.steering.signal.lock().unwrap_or_else(PoisonError::into_inner);
        if *asked == Some(signal) {
            *asked = None;
        }
    }

    /// Tells how far the job is, at most 20 times a second; the rate is counted from the stage's start.
    pub fn progress(&self, stage: &Text, done: u64, total: Option<u64>, unit: Unit) {
        let now = Instant::now();
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if pace.stage.as_ref().is_none_or(|begun| begun.stage != *stage) {
            pace.stage = Some(Begun { stage: stage.clone(), at: now, done });
            pace.told = None;
        }
        if pace.told.is_some_and(|told| now.duration_since(told) < PROGRESS_INTERVAL) {
            return;
        }
        pace.told = Some(now);
        let per_sec = pace.stage.as_ref().and_then(|begun| begun.per_sec(done, now));
        let progress = Progress { stage: stage.clone(), done, total, unit, per_sec };
        self.shared.outbox.send(Event::Progress(self.id, progress));
    }

    /// Tells which part of how many is being done, where parts take so unlike long that a rate would mean nothing.
    pub fn part(&self, stage: &Text, done: u64, total: u64) {
        let (stage, total) = (stage.clone(), Some(total));
        let progress = Progress { stage, done, total, unit: Unit::Steps, per_sec: None };
        self.shared.outbox.send(Event::Progress(self.id, progress));
    }

    pub fn partial(&self, partial: Partial) {
        self.shared.outbox.send(Event::Partial(self.id, partial));
    }

    pub fn stored(&self, stored: impl IntoIterator<Item = Stored>) {
        for one in stored {
            self.shared.outbox.send(Event::Stored(one));
        }
    }

    /// Runs a future of the store or the network on the engine's runtime and waits for it.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.shared.runtime.block_on(future)
    }

    #[must_use]
    pub fn now_ms(&self) -> i64 {
        (self.shared.clock)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_counts_what_was_done_since_the_stage_began() {
        let at = Instant::now();
        let check = |before: u64, done: u64, secs: f32, expected: Option<f32>| {
            let begun = Begun { stage: Text::new("train.stage.training"), at, done: before };
            assert_eq!(begun.per_sec(done, at + Duration::from_secs_f32(secs)), expected);
        };
        check(0, 20, 2.0, Some(10.0));
        check(400, 420, 2.0, Some(10.0));
        check(400, 400, 2.0, None);
        check(0, 20, 0.1, None);
    }
}
