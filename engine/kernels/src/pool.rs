//! The one pool of threads: rayon's global pool, one thread per physical core, asleep when idle.
#![expect(unsafe_code, reason = "hands disjoint chunks of one slice to several threads")]

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::crew;
use rayon::prelude::*;

/// Starts the pool with so many threads, or one per physical core; false if it runs already. Without this the
/// first kernel starts it, with as many as rayon sees fit.
pub fn start(threads: Option<usize>) -> bool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or_else(physical_cores))
        .thread_name(|i| format!("kernels-{i}"))
        .build_global()
        .is_ok()
}

/// Cores of this machine that this process may use, two threads of one core counted once. Where the system
/// does not say, every processor is a core.
#[must_use]
pub fn physical_cores() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let siblings = |processor: usize| {
        let path = format!("/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list");
        std::fs::read_to_string(path).ok()
    };
    let cores: HashSet<String> = (0..processors).map_while(siblings).collect();
    if cores.is_empty() { processors } else { cores.len() }
}

/// How many threads work on a kernel called from here.
#[must_use]
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// Runs `work`, a pass of many small kernels, with the pool's threads at hand: they wait awake for its next kernel, so
/// that handing over costs a microsecond and not the waking of a thread. They go back when it ends.
pub fn at_hand<R>(work: impl FnOnce() -> R) -> R {
    crew::lead(threads() - 1, work)
}

thread_local! {
    /// What stops the kernels of this thread, or of the task that it computes.
    static STOP: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// A thread's stop as it was, again when dropped.
struct Before(Option<Arc<AtomicBool>>);

impl Before {
    fn set(stop: &Arc<AtomicBool>) -> Self {
        Self(STOP.replace(Some(Arc::clone(stop))))
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        STOP.set(self.0.take());
    }
}

/// Runs `work`, whose kernels leave off as soon as `stop` is set: tasks that have not begun are left out, and long
/// ones end early. What was being computed is of no use then, so whoever calls looks at `stop` afterwards.
pub fn until<R>(stop: Option<&Arc<AtomicBool>>, work: impl FnOnce() -> R) -> R {
    let _before = stop.map(Before::set);
    work()
}

/// Whether what this thread computes is of use to nobody any more: asked inside of tasks that may take long.
#[must_use]
pub fn is_stopped() -> bool {
    STOP.with_borrow(|stop| stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)))
}

/// Runs `task(0)` to `task(n_tasks - 1)`, each once, on the pool; returns when all are done.
///
/// Tasks begin in order, so neighbours run at about the same time. With one task or one thread nothing is
/// handed over. Which thread runs what is left to chance: a result must not depend on it.
pub fn for_each(n_tasks: usize, task: impl Fn(usize) + Sync) {
    match STOP.with_borrow(Clone::clone) {
        None => all_of(n_tasks, task),
        Some(stop) => all_of(n_tasks, |i| {
            if !stop.load(Ordering::Relaxed) {
                let _before = Before::set(&stop);
                task(i);
            }
        }),
    }
}

fn all_of(n_tasks: usize, task: impl Fn(usize) + Sync) {
    let workers = threads().min(n_tasks);
    if workers <= 1 {
        (0..n_tasks).for_each(task);
        return;
    }
    if crew::run(n_tasks, &task) {
        return;
    }
    let next = AtomicUsize::new(0);
    (0..workers).into_par_iter().with_max_len(1).for_each(|_| {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= n_tasks {
                break;
            }
            task(i);
        }
    });
}

/// Cuts `out` into chunks of `chunk_len` (the last may be shorter) and runs `task(i, chunk i)` for each on
/// the pool.
///
/// # Panics
/// If `chunk_len` is zero and `out` is not empty.
pub fn chunks_mut<T: Send>(out: &mut [T], chunk_len: usize, task: impl Fn(usize, &mut [T]) + Sync) {
    if out.is_empty() {
        return;
    }
    let len = out.len();
    let shared = Shared::new(out);
    for_each(len.div_ceil(chunk_len), |i| {
        let start = i * chunk_len;
        // SAFETY: chunk i is [i·chunk_len, (i+1)·chunk_len): inside `out`, and of no other task.
        let chunk = unsafe { shared.slice(start, chunk_len.min(len - start)) };
        task(i, chunk);
    });
}

/// A slice that several tasks write at once, each its own places.
pub(crate) struct Shared<'a, T> {
    first: *mut T,
    len: usize,
    slice: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: it only hands out what `&mut [T]` could have been split into (the caller's promise in `slice`).
unsafe impl<T: Send> Sync for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { first: slice.as_mut_ptr(), len: slice.len(), slice: std::marker::PhantomData }
    }

    /// `slice[start..start + len]`.
    ///
    /// # Safety
    /// No place of it may be in another slice taken from here that is still in use.
    #[expect(
        clippy::mut_from_ref,
        reason = "that is the purpose; the caller promises that slices are disjoint"
    )]
    pub(crate) unsafe fn slice(&self, start: usize, len: usize) -> &mut [T] {
        assert!(start <= self.len && len <= self.len - start, "{start} + {len} > {}", self.len);
        // SAFETY: inside the slice that this borrows mutably, and disjoint by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(start), len) }
    }

    /// The address of `slice[start]`, for strided blocks that are no slice. What the caller writes through it
    /// must be inside the slice, and its own.
    pub(crate) fn at(&self, start: usize) -> *mut T {
        debug_assert!(start <= self.len);
        self.first.wrapping_add(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_threads(threads: usize, f: impl FnOnce() + Send) {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f);
    }

    #[test]
    fn every_task_runs_once_on_any_number_of_threads() {
        for threads in 1..4 {
            with_threads(threads, || {
                let counts: Vec<_> = (0..37).map(|_| AtomicUsize::new(0)).collect();
                for_each(counts.len(), |i| {
                    counts[i].fetch_add(1, Ordering::Relaxed);
                });
                assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1));
            });
        }
        for_each(0, |_| panic!("no task"));
    }

    #[test]
    fn what_is_stopped_leaves_off_on_every_thread() {
        for threads in 1..4 {
            with_threads(threads, || {
                let (stop, count) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(0));
                let region = |stops_at: usize| {
                    count.store(0, Ordering::Relaxed);
                    stop.store(false, Ordering::Relaxed);
                    until(Some(&stop), || {
                        for_each(1000, |i| {
                            stop.fetch_or(i == stops_at, Ordering::Relaxed);
                            // Whoever looks sees it inside, too.
                            assert!(!is_stopped() || stop.load(Ordering::Relaxed));
                            count.fetch_add(1, Ordering::Relaxed);
                        });
                        assert_eq!(is_stopped(), stops_at < 1000);
                    });
                    assert!(!is_stopped(), "outside all is as it was");
                    count.load(Ordering::Relaxed)
                };
                assert_eq!(region(1000), 1000);
                assert!(region(0) < 20, "a task for each thread, and those that had begun");
                at_hand(|| assert!(region(0) < 20));
                for_each(9, |_| assert!(!is_stopped(), "nothing of it is left on the pool's threads"));
            });
        }
    }

    #[test]
    fn there_is_a_core_and_no_more_than_processors() {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        assert!((1..=processors).contains(&physical_cores()));
    }

    #[test]
    fn chunks_cover_the_slice_and_know_their_number() {
        for len in [0, 1, 7, 8, 9, 64] {
            let mut out = vec![usize::MAX; len];
            chunks_mut(&mut out, 8, |i, chunk| chunk.fill(i));
            assert_eq!(out, (0..len).map(|i| i / 8).collect::<Vec<_>>());
        }
    }
}
