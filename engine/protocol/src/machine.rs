//! The machine Glassworks runs on, as a person should know it.

use crate::text::Text;
use serde::{Deserialize, Serialize};

/// Read once at start-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineReport {
    /// The processor's name.
    pub processor: String,
    pub n_physical_cores: u32,
    pub n_threads: u32,
    /// Instruction sets found, widest last: `AVX2`, `AVX-512`, `AMX`.
    pub instruction_sets: Vec<String>,
    /// What computes: `CPU`.
    pub device: String,
    /// Why this device.
    pub device_reason: Text,
    /// What the engine may use: min(control-group limit, installed memory) − 10 %.
    pub memory_limit_bytes: u64,
}

/// The memory ledger's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryStatus {
    /// Reserved by weights, caches and captures.
    pub reserved_bytes: u64,
    /// Of this process, as the system counts it.
    pub resident_bytes: u64,
    pub limit_bytes: u64,
}
