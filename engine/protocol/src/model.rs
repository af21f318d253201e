//! Models: what they are, where they lie, how a stored thing names the one it came from.

use crate::chat::TemplateSource;
use crate::ids::ModelId;
use crate::train::TunedRef;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How the arithmetic is done, apart from the instruction set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Precision {
    /// f32 activations, dequantised weights: the reference's digits.
    #[default]
    #[serde(alias = "exact")]
    Exact,
    /// Quantised products where the weights are quantised.
    #[serde(alias = "fast")]
    Fast,
}

/// How wide what a model remembers of a conversation is kept while it writes: its keys and values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CacheWidth {
    /// f32
    #[default]
    Full,
    /// 8 bits, with a factor for each position and head: a quarter of the memory.
    Eight,
}

/// The name of a model for everything stored: says when the model is gone or has changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRef {
    /// SHA-256 over the weights, in hexadecimal.
    pub base: String,
    /// As shown when the model is gone.
    pub name: String,
    pub precision: Precision,
    /// What a run had made of it, if that was used.
    #[serde(default)]
    pub tuned: Option<TunedRef>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelFormat {
    /// config.json with safetensors or pytorch_model.bin.
    Folder,
    Gguf,
}

/// An entry in the library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    pub id: ModelId,
    pub name: String,
    /// The folder or the GGUF file.
    pub path: PathBuf,
    pub card: ModelCard,
    pub added_at_ms: i64,
    pub used_at_ms: Option<i64>,
    /// Whether it is the bundled starter.
    pub starter: bool,
}

/// What can be said about a model from its headers alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    pub format: ModelFormat,
    /// As the configuration names it: `llama`, `gpt2`.
    pub architecture: String,
    pub n_params: u64,
    /// Of the weight files.
    pub size_bytes: u64,
    /// The commonest type of the weights: `F16`, `Q4_1`.
    pub weight_type: String,
    pub context_length: u32,
    pub n_layers: u32,
    pub width: u32,
    pub n_heads: u32,
    pub n_kv_heads: u32,
    pub vocab_size: u32,
    pub tied_embeddings: bool,
    pub template: TemplateSource,
    /// The license the files name, if they do.
    pub license: Option<String>,
    /// What it is good for, in a sentence; the starter's own words.
    pub description: Option<String>,
    /// Texts that show it well; the starter's own.
    pub examples: Vec<String>,
    /// What it tells apart, in the order of its outputs; empty for a model that writes.
    #[serde(default)]
    pub labels: Vec<String>,
    /// It writes, and is not tuned, measured or looked into: it runs through a bridge to another library.
    #[serde(default)]
    pub run_only: bool,
    /// SHA-256 over the weights, in hexadecimal; empty until they have been read once.
    pub content_hash: String,
}

impl ModelCard {
    /// Whether the model brings a chat template: it was made to converse.
    #[must_use]
    pub fn is_chat(&self) -> bool {
        matches!(self.template, TemplateSource::Model(_))
    }
}
