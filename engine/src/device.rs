//! What computes, and why: read once at start-up, always on screen.

use crate::memory::Ledger;
use candle_core::Device;
use glassworks_kernels::dispatch::{self, Isa};
use glassworks_kernels::pool;
use glassworks_protocol::machine::MachineReport;
use glassworks_protocol::settings::DeviceChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Failure, FailureKind};
use sysinfo::{CpuRefreshKind, RefreshKind, System};

/// The device that models run on, and why.
pub struct Chosen {
    pub device: Device,
    name: &'static str,
    reason: Text,
    choice: DeviceChoice,
}

/// A kind of graphics card that candle can be built for.
#[derive(Clone, Copy)]
struct Accelerator {
    name: &'static str,
    built_in: bool,
    open: fn() -> candle_core::Result<Device>,
}

const ACCELERATORS: [Accelerator; 2] = [
    Accelerator { name: "CUDA", built_in: cfg!(feature = "cuda"), open: || Device::new_cuda(0) },
    Accelerator { name: "Metal", built_in: cfg!(feature = "metal"), open: || Device::new_metal(0) },
];

/// The first card of the first kind that this build knows and this machine has; otherwise the processor.
#[must_use]
pub fn choose(choice: DeviceChoice) -> Chosen {
    let chosen = choose_from(&ACCELERATORS, choice);
    tracing::info!("computing on {}: {}", chosen.name, Language::English.render(&chosen.reason));
    chosen
}

fn choose_from(accelerators: &[Accelerator], choice: DeviceChoice) -> Chosen {
    let processor = |reason| Chosen { device: Device::Cpu, name: MachineReport::CPU, reason, choice };
    let mut built_in = accelerators.iter().filter(|a| a.built_in).peekable();
    if built_in.peek().is_none() {
        return processor(Text::new("settings.device_not_built"));
    }
    if choice == DeviceChoice::Cpu {
        return processor(Text::new("settings.device_chosen"));
    }
    let mut refusals = Vec::new();
    for Accelerator { name, open, .. } in built_in {
        match open() {
            Ok(device) => {
                let reason = Text::new("settings.device_found").arg("name", name);
                return Chosen { device, name, reason, choice };
            }
            Err(error) => refusals.push(format!("{name}: {error}")),
        }
    }
    processor(Text::new("settings.device_not_found").arg("why", refusals.join("; ")))
}

/// The ledger of everything models take: of the machine's memory, and of no more than the device has of its own.
#[must_use]
pub fn ledger(device: &Device) -> Ledger {
    let machine = Ledger::of_machine();
    match own_memory(device) {
        Some(free) => Ledger::new(machine.limit().min(free / 10 * 9)),
        None => machine,
    }
}

/// What is free of the memory that the device shares with nobody, in bytes.
#[cfg(feature = "cuda")]
fn own_memory(device: &Device) -> Option<u64> {
    let stream = device.as_cuda_device().ok()?.cuda_stream();
    let (free, _) = stream.context().mem_get_info().ok()?;
    Some(free as u64)
}

/// The processor and Metal compute in the machine's memory.
#[cfg(not(feature = "cuda"))]
fn own_memory(_: &Device) -> Option<u64> {
    None
}

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
pub fn report(n_threads: usize, ledger: &Ledger, chosen: &Chosen) -> MachineReport {
    let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    let system = System::new_with_specifics(kind).ok();
    let first = system.as_ref().and_then(|system| system.cpus().first());
    let processor = first.map_or_else(String::new, |cpu| cpu.brand().trim().to_owned());
    MachineReport {
        processor: if processor.is_empty() { std::env::consts::ARCH.to_owned() } else { processor },
        n_physical_cores: physical_cores() as u32,
        n_threads: n_threads as u32,
        instruction_sets: instruction_sets(),
        isa: isa_label(dispatch::active()).to_owned(),
        isa_capped: dispatch::active() < dispatch::detected(),
        device: chosen.name.to_owned(),
        device_reason: chosen.reason.clone(),
        device_choice: chosen.choice,
        accelerators: ACCELERATORS.iter().filter(|a| a.built_in).map(|a| a.name.to_owned()).collect(),
        memory_limit_bytes: ledger.limit(),
    }
}

fn isa_label(isa: Isa) -> &'static str {
    match isa {
        Isa::Scalar => "scalar",
        Isa::Avx2 => "AVX2",
        Isa::Avx512 => "AVX-512",
        Isa::Amx => "AMX",
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &'static str, built_in: bool, open: fn() -> candle_core::Result<Device>) -> Accelerator {
        Accelerator { name, built_in, open }
    }

    fn check(accelerators: &[Accelerator], choice: DeviceChoice, name: &str, sentence: &str) {
        let chosen = choose_from(accelerators, choice);
        let reason = Language::English.render(&chosen.reason);
        assert_eq!(chosen.name, name);
        assert!(reason.contains(sentence), "{reason}");
    }

    #[test]
    fn the_device_comes_with_its_reason() {
        let auto = DeviceChoice::Auto;
        // What stands for a card is the processor: only the choice is tried here.
        let found = kind("Found", true, || Ok(Device::Cpu));
        let broken = kind("Broken", true, || candle_core::bail!("no driver"));
        let left_out = kind("Left out", false, || Ok(Device::Cpu));
        check(&[left_out], auto, "CPU", "without CUDA and Metal");
        check(&[left_out], DeviceChoice::Cpu, "CPU", "without CUDA and Metal");
        check(&[left_out, found], auto, "Found", "Found");
        check(&[broken, found], auto, "Found", "Found");
        check(&[broken], auto, "CPU", "Broken: no driver");
        check(&[found], DeviceChoice::Cpu, "CPU", "You chose");
    }

    #[test]
    fn this_build_computes_somewhere() {
        let chosen = choose(DeviceChoice::Cpu);
        assert!(chosen.device.is_cpu());
        assert_eq!(own_memory(&chosen.device), None, "the machine's memory is all there is");
        assert!(ledger(&chosen.device).limit() > 1 << 26);
    }
}
