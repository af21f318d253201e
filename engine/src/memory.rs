//! The ledger: memory is reserved before it is used, so that running out is a [`Failure`], never an abort.

use glassworks_protocol::machine::MemoryStatus;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

/// Counts what weights, caches and captures hold against a limit; cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    reserved: AtomicU64,
    limit: u64,
    /// What others hold, and how many bytes of it: counted until they let it go.
    lent: Mutex<Vec<(Weak<dyn Any + Send + Sync>, u64)>>,
}

/// Held as long as the memory is; gives it back when dropped.
#[derive(Debug)]
pub struct Reservation {
    state: Arc<State>,
    bytes: u64,
}

impl Ledger {
    /// A ledger with the given limit, in bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self { state: Arc::new(State { reserved: AtomicU64::new(0), limit, lent: Mutex::default() }) }
    }

    /// min(control-group limit, memory available now) − 10 %.
    #[must_use]
    pub fn of_machine() -> Self {
        let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
        let Ok(system) = System::new_with_specifics(kind) else {
            // Where the system doesn't say, nothing is refused beforehand.
            return Self::new(u64::MAX);
        };
        let group = system.cgroup_limits().map_or(u64::MAX, |g| g.free_memory);
        Self::new(system.available_memory().min(group) / 10 * 9)
    }

    #[must_use]
    pub fn limit(&self) -> u64 {
        self.state.limit
    }

    #[must_use]
    pub fn reserved(&self) -> u64 {
        self.state.settle();
        self.state.reserved.load(Ordering::Relaxed)
    }

    /// Reserves `bytes` for `what`, a model's or a thing's name.
    ///
    /// # Errors
    /// `Failure { Memory, hint }` when it doesn't fit; nothing is reserved then.
    pub fn reserve(&self, bytes: u64, what: &str) -> Result<Reservation, Failure> {
        self.state.settle();
        let mut reserved = self.state.reserved.load(Ordering::Relaxed);
        loop {
            let free = self.state.limit.saturating_sub(reserved);
            if bytes > free {
                return Err(Failure::new(
                    FailureKind::Memory,
                    Text::new("failure.memory")
                        .arg("what", what)
                        .arg("needed", gib(bytes))
                        .arg("free", gib(free)),
                )
                .hint(Text::new("failure.memory_hint")));
            }
            match self.state.reserved.compare_exchange_weak(
                reserved,
                reserved + bytes,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(Reservation { state: Arc::clone(&self.state), bytes }),
                Err(now) => reserved = now,
            }
        }
    }

    /// Keeps a reservation as long as anybody holds `to`: of what is handed to the window.
    pub fn lend<T: Any + Send + Sync>(&self, mut reservation: Reservation, to: &Arc<T>) {
        let to: Arc<dyn Any + Send + Sync> = Arc::<T>::clone(to);
        // Counted there from now on.
        let bytes = std::mem::take(&mut reservation.bytes);
        let mut lent = self.state.lent.lock().unwrap_or_else(PoisonError::into_inner);
        lent.push((Arc::downgrade(&to), bytes));
    }

    /// The state to show, with what the system says this process holds.
    #[must_use]
    pub fn status(&self) -> MemoryStatus {
        MemoryStatus {
            reserved_bytes: self.reserved(),
            resident_bytes: resident(),
            limit_bytes: self.limit(),
        }
    }
}

impl Reservation {
    /// Takes a part of it, as much as is there, as one of its own.
    #[must_use]
    pub fn split(&mut self, bytes: u64) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self { state: Arc::clone(&self.state), bytes }
    }
}

impl State {
    /// Gives back what nobody holds any more.
    fn settle(&self) {
        let mut lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        lent.retain(|(to, bytes)| {
            let held = to.strong_count() > 0;
            if !held {
                self.reserved.fetch_sub(*bytes, Ordering::Relaxed);
            }
            held
        });
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.state.reserved.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Memory of this process, bytes, as the system counts it; 0 where it doesn't say.
pub(crate) fn resident() -> u64 {
    let pid = Pid::from_u32(std::process::id());
    let Ok(mut system) = System::new() else { return 0 };
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[pid]),
        false,
        ProcessRefreshKind::nothing().with_memory(),
    );
    system.process(pid).map_or(0, sysinfo::Process::memory)
}

/// The most that this process has held since [`forget_peak`], bytes; `None` where the system doesn't say.
pub(crate) fn peak() -> Option<u64> {
    high_water(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Begins [`peak`] anew; false where the system can't.
pub(crate) fn forget_peak() -> bool {
    // Linux: proc_pid_clear_refs(5).
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// `VmHWM` of proc_pid_status(5), in bytes.
fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Bytes as a person reads memory: `12.4 GiB`.
#[must_use]
pub fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lent_counts_as_long_as_somebody_holds_it() {
        let ledger = Ledger::new(100);
        let thing = Arc::new(vec![1]);
        let mut whole = ledger.reserve(70, "it").expect("fits");
        ledger.lend(whole.split(60), &thing);
        assert_eq!((ledger.reserved(), whole.bytes), (70, 10));
        drop(whole);
        assert_eq!(ledger.reserved(), 60);
        let other = Arc::clone(&thing);
        drop(thing);
        assert!(ledger.reserve(50, "more").is_err());
        drop(other);
        assert!(ledger.reserve(50, "more").is_ok());
        assert_eq!(ledger.reserved(), 0);
    }

    #[test]
    fn reservations_end_with_their_holder() {
        let ledger = Ledger::new(100);
        let first = ledger.reserve(60, "weights").expect("fits");
        let refused = ledger.reserve(41, "cache").expect_err("does not fit");
        assert_eq!(refused.kind, FailureKind::Memory);
        assert!(refused.hint.is_some());
        let second = ledger.reserve(40, "cache").expect("fits exactly");
        assert_eq!(ledger.reserved(), 100);
        drop((first, second));
        assert_eq!(ledger.reserved(), 0);
    }

    #[test]
    fn absurd_sizes_do_not_overflow() {
        let ledger = Ledger::new(u64::MAX);
        let _held = ledger.reserve(10, "weights").expect("fits");
        assert!(ledger.reserve(u64::MAX, "a header that lies").is_err());
    }

    #[test]
    fn the_peak_is_read_where_the_system_says_it() {
        assert_eq!(high_water("VmPeak:\t 9 kB\nVmHWM:\t    2204 kB\nVmRSS:\t 1 kB\n"), Some(2204 * 1024));
        assert_eq!(high_water("VmRSS:\t 1 kB\n"), None);
        assert_eq!(high_water("VmHWM:\t many kB\n"), None);
        if cfg!(target_os = "linux") {
            assert!(peak().is_some_and(|bytes| bytes > 1 << 20));
        }
    }

    #[test]
    fn the_machine_has_memory() {
        let status = Ledger::of_machine().status();
        assert!(status.limit_bytes > 1 << 26, "{status:?}");
        assert!(status.resident_bytes > 1 << 20, "{status:?}");
    }
}
