//! Looking inside one forward pass.

use crate::generate::ModelSource;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Run the prompt once, Exact, and write everything seen to a safetensors file: `tokens` i32 `[T]`, `logits`
/// `[T, V]`, `hidden.{l}` `[T, D]` for l = 0…L (embeddings first, the last before the final norm) and
/// `attention.{l}` `[H, T, T]`, f32.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InspectSpec {
    pub model: ModelSource,
    pub prompt: String,
    pub out: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InspectReport {
    pub out: PathBuf,
    pub tokens: Vec<(u32, String)>,
    pub n_layers: u32,
    pub n_heads: u32,
    pub size_bytes: u64,
}
