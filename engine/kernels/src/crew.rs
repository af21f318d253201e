//! Threads kept at hand while a pass runs: between two kernels of a pass lie microseconds, and waking a sleeping
//! thread costs more than a small product.
//!
//! The thread that computes a pass leads. The pool's other threads follow: they watch for its next region, take tasks
//! of it as the leader does, and watch again. Nobody waits for a follower that has not come: busy elsewhere, it is
//! missed, not needed. After a while without work a follower yields, then sleeps, until the leader wakes it or ends.
#![expect(
    unsafe_code,
    reason = "lends a closure of the leader's to its followers for the length of a region"
)]

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

/// Looks at a place in memory before giving up the processor between two looks: some 30 µs.
const SPINS: u32 = 1_000;
/// Looks with the processor given up in between, before sleeping: a millisecond or less.
const YIELDS: u32 = 200;
/// The longest sleep without a look.
const NAP: Duration = Duration::from_millis(20);

/// What a region computes, without its lifetime.
type Task = *const (dyn Fn(usize) + Sync);

/// A leader and those who follow it.
pub(crate) struct Crew {
    /// Odd while a region is open to followers; every region has numbers of its own.
    epoch: AtomicUsize,
    /// The open region's. Written by the leader alone, while none is open and nobody is in one.
    task: UnsafeCell<Option<Task>>,
    n_tasks: AtomicUsize,
    next: AtomicUsize,
    /// Followers in a region, or about to look whether it is still open.
    inside: AtomicUsize,
    /// The leader has gone.
    over: AtomicBool,
    asleep: AtomicUsize,
    sleepers: Mutex<Vec<Thread>>,
    /// What a follower's task panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `task` is written while the epoch is even and `inside` is zero, and read by those that have counted
// themselves into `inside` and seen the epoch odd afterwards; the pointee is `Sync`.
unsafe impl Sync for Crew {}
// SAFETY: as above; nothing in it belongs to a thread.
unsafe impl Send for Crew {}

/// What the current thread is to a crew.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    None,
    /// Leads the crew at this address, which lives as long as the role.
    Leader(*const Crew),
    /// In a region: what it asks for is computed by itself.
    Inside,
}

thread_local! {
    static ROLE: Cell<Role> = const { Cell::new(Role::None) };
}

/// A role, until dropped.
struct As(Role);

impl As {
    fn take(role: Role) -> Self {
        Self(ROLE.replace(role))
    }
}

impl Drop for As {
    fn drop(&mut self) {
        ROLE.set(self.0);
    }
}

/// Runs `work` with up to `n_followers` of the pool's threads at hand.
pub(crate) fn lead<R>(n_followers: usize, work: impl FnOnce() -> R) -> R {
    if n_followers == 0 || ROLE.get() != Role::None {
        return work();
    }
    let crew = Arc::new(Crew {
        epoch: AtomicUsize::new(0),
        task: UnsafeCell::new(None),
        n_tasks: AtomicUsize::new(0),
        next: AtomicUsize::new(0),
        inside: AtomicUsize::new(0),
        over: AtomicBool::new(false),
        asleep: AtomicUsize::new(0),
        sleepers: Mutex::default(),
        panic: Mutex::default(),
    });
    for _ in 0..n_followers {
        let crew = Arc::clone(&crew);
        rayon::spawn(move || crew.follow());
    }
    /// Sends the followers home, also when `work` panics.
    struct End(Arc<Crew>);
    impl Drop for End {
        fn drop(&mut self) {
            self.0.over.store(true, Ordering::SeqCst);
            self.0.wake();
        }
    }
    let end = End(crew);
    let _role = As::take(Role::Leader(Arc::as_ptr(&end.0)));
    work()
}

/// Runs `task(0..n_tasks)` with the crew that this thread leads, or alone if it is in a region already; false if it
/// is neither.
pub(crate) fn run(n_tasks: usize, task: &(dyn Fn(usize) + Sync)) -> bool {
    match ROLE.get() {
        Role::None => return false,
        Role::Inside => (0..n_tasks).for_each(task),
        Role::Leader(crew) => {
            let _role = As::take(Role::Inside);
            // SAFETY: the role is this thread's for as long as `lead` holds the crew.
            unsafe { &*crew }.region(n_tasks, task);
        }
    }
    true
}

impl Crew {
    /// Opens a region, works in it, and returns when all tasks are done.
    fn region(&self, n_tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        /// Closes the region and waits until nobody is in it, also when a task of the leader's panics.
        struct Open<'a>(&'a Crew);
        impl Drop for Open<'_> {
            fn drop(&mut self) {
                self.0.epoch.fetch_add(1, Ordering::SeqCst);
                let mut looks = 0;
                while self.0.inside.load(Ordering::SeqCst) > 0 {
                    pause(&mut looks);
                }
            }
        }
        // SAFETY: only the lifetime changes. No region is open and nobody is in one: the last one was closed by
        // `Open`. Whoever reads the pointer is waited for by this region's, before the borrow ends.
        unsafe {
            let task: *const (dyn Fn(usize) + Sync + '_) = task;
            *self.task.get() = Some(std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), Task>(task));
        }
        self.n_tasks.store(n_tasks, Ordering::Relaxed);
        self.next.store(0, Ordering::Relaxed);
        self.epoch.fetch_add(1, Ordering::SeqCst);
        let open = Open(self);
        if self.asleep.load(Ordering::SeqCst) > 0 {
            self.wake();
        }
        self.work(task);
        drop(open);
        let panicked = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(payload) = panicked {
            panic::resume_unwind(payload);
        }
    }

    /// Takes tasks until there are none left.
    fn work(&self, task: &(dyn Fn(usize) + Sync)) {
        let n_tasks = self.n_tasks.load(Ordering::Relaxed);
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            if i >= n_tasks {
                return;
            }
            task(i);
        }
    }

    fn follow(&self) {
        let _role = As::take(Role::Inside);
        let (mut seen, mut looks) = (0, 0);
        while !self.over.load(Ordering::SeqCst) {
            let epoch = self.epoch.load(Ordering::SeqCst);
            if epoch == seen || epoch.is_multiple_of(2) {
                if looks >= SPINS + YIELDS {
                    self.nap(epoch);
                } else {
                    pause(&mut looks);
                }
                continue;
            }
            (seen, looks) = (epoch, 0);
            self.inside.fetch_add(1, Ordering::SeqCst);
            // Still open, so that the leader, who closes it first, will wait for this thread.
            if self.epoch.load(Ordering::SeqCst) == epoch {
                // SAFETY: see `Sync`; the closure is alive until the leader has seen `inside` at zero.
                let task = unsafe { (*self.task.get()).map(|task| &*task) };
                if let Some(task) = task
                    && let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| self.work(task)))
                {
                    *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
                }
            }
            self.inside.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Sleeps until woken, unless something has happened since `epoch`.
    fn nap(&self, epoch: usize) {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner).push(thread::current());
        self.asleep.fetch_add(1, Ordering::SeqCst);
        // Counted first: a leader that opens a region after this look sees a sleeper.
        if self.epoch.load(Ordering::SeqCst) == epoch && !self.over.load(Ordering::SeqCst) {
            thread::park_timeout(NAP);
        }
        self.asleep.fetch_sub(1, Ordering::SeqCst);
    }

    fn wake(&self) {
        for sleeper in self.sleepers.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            sleeper.unpark();
        }
    }
}

/// A moment between two looks.
fn pause(looks: &mut u32) {
    if *looks < SPINS {
        std::hint::spin_loop();
    } else {
        thread::yield_now();
    }
    *looks = looks.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use crate::pool;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    fn with_threads(threads: usize, f: impl FnOnce() + Send) {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f);
    }

    #[test]
    fn every_task_of_every_region_runs_once() {
        for threads in 1..5 {
            with_threads(threads, || {
                pool::at_hand(|| {
                    for region in 0..2_000 {
                        let counts: Vec<_> = (0..region % 37).map(|_| AtomicUsize::new(0)).collect();
                        pool::for_each(counts.len(), |i| {
                            counts[i].fetch_add(1, Ordering::Relaxed);
                        });
                        assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1), "region {region}");
                    }
                });
            });
        }
    }

    #[test]
    fn followers_that_fell_asleep_are_woken_or_missed() {
        with_threads(3, || {
            pool::at_hand(|| {
                for nap in [0, 5, 50] {
                    std::thread::sleep(Duration::from_millis(nap));
                    let sum = AtomicUsize::new(0);
                    pool::for_each(100, |i| {
                        sum.fetch_add(i, Ordering::Relaxed);
                    });
                    assert_eq!(sum.into_inner(), 4950);
                }
            });
        });
    }

    #[test]
    fn a_region_in_a_region_and_a_crew_in_a_crew_are_computed_where_they_are() {
        with_threads(3, || {
            let sum = AtomicUsize::new(0);
            pool::at_hand(|| {
                pool::for_each(8, |_| {
                    pool::at_hand(|| {
                        pool::for_each(10, |i| {
                            sum.fetch_add(i, Ordering::Relaxed);
                        });
                    });
                });
            });
            assert_eq!(sum.into_inner(), 8 * 45);
        });
    }

    /// Two passes at once on one pool, from threads outside of it: neither waits for the other.
    #[test]
    fn two_crews_share_a_pool() {
        let sum = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    pool::at_hand(|| {
                        for _ in 0..500 {
                            pool::for_each(5, |i| {
                                sum.fetch_add(i, Ordering::Relaxed);
                            });
                        }
                    });
                });
            }
        });
        assert_eq!(sum.into_inner(), 2 * 500 * 10);
    }

    #[test]
    fn a_panic_in_a_task_reaches_the_leader_and_the_pool_lives_on() {
        with_threads(3, || {
            for culprit in [0, 7, 15] {
                let caught = std::panic::catch_unwind(|| {
                    pool::at_hand(|| {
                        pool::for_each(16, |i| {
                            std::thread::sleep(Duration::from_millis(1));
                            assert!(i != culprit, "task {i}");
                        });
                    });
                });
                assert!(caught.is_err());
            }
            let count = AtomicUsize::new(0);
            pool::at_hand(|| {
                pool::for_each(9, |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                });
            });
            assert_eq!(count.into_inner(), 9);
        });
    }
}
