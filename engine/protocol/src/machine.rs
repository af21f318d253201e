//! The machine Glassworks runs on, as a person should know it.

use crate::chat::ChatSummary;
use crate::event::Notice;
use crate::ids::ModelId;
use crate::model::ModelRecord;
use crate::settings::{DeviceChoice, Settings};
use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Read once at start-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineReport {
    /// The processor's name.
    pub processor: String,
    pub n_physical_cores: u32,
    pub n_threads: u32,
    /// Instruction sets found, widest last: `AVX2`, `AVX-512`, `BF16`, `AMX`.
    pub instruction_sets: Vec<String>,
    /// The widest that the kernels use: one of those, or `scalar`.
    pub isa: String,
    /// Whether somebody wished for no more than that.
    pub isa_capped: bool,
    /// What computes: [`Self::CPU`], `CUDA` or `Metal`.
    pub device: String,
    /// Why this device.
    pub device_reason: Text,
    /// What had been set when it was chosen.
    pub device_choice: DeviceChoice,
    /// What this build can compute on besides the processor.
    pub accelerators: Vec<String>,
    /// What the engine may use: min(control-group limit, installed memory, a graphics card's own) − 10 %.
    pub memory_limit_bytes: u64,
}

impl MachineReport {
    /// The processor as [`Self::device`] names it.
    pub const CPU: &str = "CPU";

    #[must_use]
    pub fn computes_on_processor(&self) -> bool {
        self.device == Self::CPU
    }
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

/// Room on the disk that the home folder is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskStatus {
    pub free_bytes: u64,
}

/// What the engine knows at the moment it starts: enough for the first frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartReport {
    pub version: String,
    pub settings: Settings,
    pub machine: MachineReport,
    pub home: PathBuf,
    pub log_file: PathBuf,
    /// The library, starter included.
    pub models: Vec<Arc<ModelRecord>>,
    /// The bundled model's entry.
    pub starter: Option<ModelId>,
    /// Bundled data to begin with.
    pub samples: Vec<PathBuf>,
    /// Newest first, trash aside.
    pub chats: Vec<ChatSummary>,
    /// What a person should know: a recovered database, say.
    pub notices: Vec<Notice>,
}
