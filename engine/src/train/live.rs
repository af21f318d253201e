//! Adapters as they are while they train, for whoever talks to them. The loop hands out a copy between two steps, and
//! only if somebody has asked lately: what it computes does not depend on it. Whole weights are not copied: those of
//! the last checkpoint have to do.

use super::{LORA_A, LORA_B, Parameters};
use crate::nn::LowRank;
use anyhow::Result;
use glassworks_protocol::ids::RunId;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long after a question the next one is expected: as long, each step's adapter is copied at once.
const INTEREST: Duration = Duration::from_secs(60);
/// Between two looks of one who waits whether the answer is still wanted.
const LOOK: Duration = Duration::from_millis(25);

/// An adapter after a step.
pub struct Snapshot {
    pub step: u64,
    /// By the linear map's name in the checkpoint.
    pub beside: BTreeMap<String, LowRank>,
}

/// The runs that jobs are on, and those among them that train an adapter now.
#[derive(Default)]
pub struct LiveRuns {
    runs: Mutex<HashMap<RunId, Arc<LiveRun>>>,
    held: Mutex<HashSet<RunId>>,
}

/// A run that one job is on, and no other; free again when dropped.
pub struct Held<'a> {
    all: &'a LiveRuns,
    id: RunId,
}

/// One of them.
#[derive(Default)]
pub struct LiveRun {
    /// Somebody has asked lately.
    asked: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    asked_at: Option<Instant>,
    newest: Option<Arc<Snapshot>>,
    ended: bool,
}

/// A run's place among those that train; given up when dropped.
pub struct Publishing<'a> {
    all: &'a LiveRuns,
    id: RunId,
    run: Arc<LiveRun>,
}

impl LiveRuns {
    /// Keeps a run for one job; `None` when another has it.
    pub fn hold(&self, id: RunId) -> Option<Held<'_>> {
        // Not `then_some`: a guard that is made and dropped would free what another job holds.
        self.held().insert(id).then(|| Held { all: self, id })
    }

    fn held(&self) -> MutexGuard<'_, HashSet<RunId>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a run.
    pub fn begin(&self, id: RunId) -> Publishing<'_> {
        let run = Arc::new(LiveRun::default());
        self.lock().insert(id, Arc::clone(&run));
        Publishing { all: self, id, run }
    }

    /// The run, if it trains an adapter now.
    #[must_use]
    pub fn get(&self, id: RunId) -> Option<Arc<LiveRun>> {
        self.lock().get(&id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Arc<LiveRun>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Publishing<'_> {
    /// To be called between two steps: `step` are done. Copies nothing that nobody wants.
    pub fn offer(&self, step: u64, adapters: impl FnOnce() -> BTreeMap<String, LowRank>) {
        if !self.run.asked.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.run.lock();
        if state.asked_at.is_none_or(|at| at.elapsed() > INTEREST) {
            state.newest = None;
            self.run.asked.store(false, Ordering::Relaxed);
            return;
        }
        if state.newest.as_ref().is_none_or(|newest| newest.step != step) {
            state.newest = Some(Arc::new(Snapshot { step, beside: adapters() }));
            self.run.changed.notify_all();
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.all.held().remove(&self.id);
    }
}

impl Drop for Publishing<'_> {
    fn drop(&mut self) {
        self.all.lock().remove(&self.id);
        self.run.lock().ended = true;
        self.run.changed.notify_all();
    }
}

impl LiveRun {
    /// The adapter after the newest step: waits for the end of the step that is computed, unless somebody has asked
    /// lately. `None` when the run ends before.
    ///
    /// # Errors
    /// What `checkpoint` returns, which is called while this waits.
    pub fn snapshot(&self, checkpoint: &dyn Fn() -> Result<()>) -> Result<Option<Arc<Snapshot>>> {
        let mut state = self.lock();
        state.asked_at = Some(Instant::now());
        self.asked.store(true, Ordering::Relaxed);
        loop {
            if state.ended || state.newest.is_some() {
                return Ok(state.newest.clone().filter(|_| !state.ended));
            }
            checkpoint()?;
            let waited = self.changed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The adapters among what is trained, their output multiplied by `scale`: by the linear map's name in the checkpoint.
#[must_use]
pub fn adapters(params: &Parameters, scale: f32) -> BTreeMap<String, LowRank> {
    let values: HashMap<&str, &[f32]> = params.iter().map(|p| (p.name.as_str(), &*p.value)).collect();
    let of = |p: &super::Parameter| {
        let linear = p.name.strip_suffix(LORA_A)?;
        let b = values.get(format!("{linear}{LORA_B}").as_str())?;
        Some((linear.to_owned(), LowRank { rank: p.rows, scale, a: p.value.clone(), b: b.to_vec() }))
    };
    params.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: f32) -> BTreeMap<String, LowRank> {
        let low = LowRank { rank: 1, scale: 1.0, a: vec![value], b: vec![value] };
        std::iter::once(("q".to_owned(), low)).collect()
    }

    #[test]
    fn nothing_is_copied_that_nobody_wants() {
        let runs = LiveRuns::default();
        let id = RunId::mint();
        let publishing = runs.begin(id);
        publishing.offer(1, || panic!("nobody has asked"));
        let live = runs.get(id).expect("it trains");
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| live.snapshot(&|| Ok(())).expect("no error").expect("an answer"));
            while !live.asked.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            publishing.offer(2, || one(2.0));
            let answer = asking.join().expect("no panic");
            assert_eq!((answer.step, answer.beside["q"].a[0]), (2, 2.0));
        });
        publishing.offer(2, || panic!("it is there already"));
        publishing.offer(3, || one(3.0));
        let again = live.snapshot(&|| panic!("it need not wait")).expect("no error").expect("an answer");
        assert_eq!(again.step, 3);
        drop(publishing);
        assert!(runs.get(id).is_none());
        assert!(live.snapshot(&|| Ok(())).expect("no error").is_none(), "it has ended");
    }

    #[test]
    fn a_run_is_one_jobs_alone() {
        let runs = LiveRuns::default();
        let id = RunId::mint();
        let held = runs.hold(id).expect("free");
        assert!(runs.hold(id).is_none() && runs.hold(RunId::mint()).is_some());
        drop(held);
        assert!(runs.hold(id).is_some());
    }

    #[test]
    fn who_waits_can_give_up() {
        let runs = LiveRuns::default();
        let id = RunId::mint();
        let _publishing = runs.begin(id);
        let live = runs.get(id).expect("it trains");
        let error = live.snapshot(&|| anyhow::bail!("enough")).err().expect("it gave up");
        assert_eq!(error.to_string(), "enough");
    }

    #[test]
    fn adapters_are_found_among_what_is_trained() {
        let mut params = Parameters::default();
        params.add(format!("q{LORA_A}"), 2, 3, vec![1.0; 6]);
        params.add(format!("q{LORA_B}"), 4, 2, vec![2.0; 8]);
        params.add("norm.weight".to_owned(), 1, 3, vec![0.0; 3]);
        let found = adapters(&params, 0.5);
        assert_eq!(found.len(), 1);
        let q = &found["q"];
        assert_eq!((q.rank, q.scale, q.a.len(), q.b.len()), (2, 0.5, 6, 8));
    }
}
