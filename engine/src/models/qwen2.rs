//! Qwen 2 and 2.5: Llama with biases on queries, keys and values, and a window in the upper layers where it is used.
//!
//! Qwen team 2024, <https://arxiv.org/abs/2407.10671>, <https://arxiv.org/abs/2412.15115>. The reference is
//! `modeling_qwen2.py` of Hugging Face transformers.

use super::family::Defaults;
use super::{Architecture, ConfigJson, ModelConfig, decoder, family, rope};
use glassworks_protocol::Failure;

pub static QWEN2: Architecture = Architecture {
    name: "qwen2",
    model_types: &["qwen2"],
    class_names: &["Qwen2ForCausalLM"],
    classifier_name: "Qwen2ForSequenceClassification",
    gguf_names: &["qwen2"],
    config,
    tensors: decoder::tensors,
    build: decoder::build,
};

const DEFAULTS: Defaults = Defaults { n_kv_heads: Some(32), context_length: 32_768, ..family::LLAMA };

fn config(json: &ConfigJson) -> Result<ModelConfig, Failure> {
    let plain = family::read(json, QWEN2.name, &DEFAULTS)?;
    let config = ModelConfig {
        rope: Some(rope::read(json, plain.shape.head_width)?),
        windows: windows(json, plain.shape.n_layers)?,
        attention_bias: true,
        ..plain
    };
    config.check(json.file())?;
    Ok(config)
}

/// The layers from `max_window_layers` on have one, if `use_sliding_window` says so.
///
/// # Errors
/// `Failure { Input }` naming the field that can't be honoured.
pub(super) fn windows(json: &ConfigJson, n_layers: usize) -> Result<Vec<Option<usize>>, Failure> {
    let size = if json.flag_or("use_sliding_window", false)? {
        family::optional_size(json, "sliding_window", 4096)?
    } else {
        None
    };
    let first = json.size_or("max_window_layers", 28)?;
    family::windows(json, n_layers, size, |l| l >= first)
}
