//! What computes, and why: read once at start-up, always on screen.

use crate::memory::Ledger;
use glassworks_kernels::dispatch::{self, Isa};
use glassworks_kernels::pool;
use glassworks_protocol::machine::MachineReport;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use sysinfo::{CpuRefreshKind, RefreshKind, System};

/// Sets up the pool that everything computes on: `n_threads`, or as many as there are physical cores.
///
/// The first engine of a process decides; a second one shares its pool.
pub fn start_pool(n_threads: Option<u32>) -> usize {
    let wanted = n_threads.map_or_else(physical_cores, |n| n.max(1) as usize);
    if !pool::start(Some(wanted)) {
        tracing::debug!("the pool is there already");
    }
    pool::threads()
}

/// Holds the kernels of this process to instruction sets up to `cap`: `scalar`, `avx2`, `avx512` or `amx`.
///
/// # Errors
/// `Failure { Input }` when it is none of them.
pub fn cap_isa(cap: &str) -> Result<(), Failure> {
    let isa: Isa = cap.parse().map_err(|_| {
        Failure::new(FailureKind::Input, Text::new("failure.isa_unknown").arg("value", cap))
            .hint(Text::new("failure.isa_unknown_hint"))
    })?;
    dispatch::set_cap(isa);
    Ok(())
}

fn physical_cores() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, usize::from);
    System::physical_core_count().unwrap_or(allowed).clamp(1, allowed)
}

#[must_use]
pub fn report(n_threads: usize, ledger: &Ledger) -> MachineReport {
    let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    let system = System::new_with_specifics(kind).ok();
    let first = system.as_ref().and_then(|system| system.cpus().first());
    let processor = first.map_or_else(String::new, |cpu| cpu.brand().trim().to_owned());
    MachineReport {
        processor: if processor.is_empty() { std::env::consts::ARCH.to_owned() } else { processor },
        n_physical_cores: physical_cores() as u32,
        n_threads: n_threads as u32,
        instruction_sets: instruction_sets(),
        isa_cap: (dispatch::active() < dispatch::detected()).then(|| dispatch::active().to_string()),
        device: "CPU".to_owned(),
        device_reason: Text::new("job.device_cpu_reason"),
        memory_limit_bytes: ledger.limit(),
    }
}

#[cfg(target_arch = "x86_64")]
fn instruction_sets() -> Vec<String> {
    let mut sets = Vec::new();
    if std::arch::is_x86_feature_detected!("avx2") {
        sets.push("AVX2");
    }
    if std::arch::is_x86_feature_detected!("avx512f") {
        sets.push("AVX-512");
    }
    if std::arch::is_x86_feature_detected!("avx512vnni") {
        sets.push("VNNI");
    }
    if dispatch::has_bf16(dispatch::detected()) {
        sets.push("BF16");
    }
    if dispatch::detected() == Isa::Amx {
        sets.push("AMX");
    }
    sets.into_iter().map(str::to_owned).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn instruction_sets() -> Vec<String> {
    if cfg!(target_arch = "aarch64") { vec!["NEON".to_owned()] } else { Vec::new() }
}
