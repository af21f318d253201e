//! Qwen 3: Qwen 2 with norms of each head's queries and keys in the place of biases.
//!
//! Qwen team 2025, <https://arxiv.org/abs/2505.09388>. The reference is `modeling_qwen3.py` of Hugging Face
//! transformers.

use super::family::Defaults;
use super::{Architecture, ConfigJson, ModelConfig, decoder, family, qwen2, rope};
use glassworks_protocol::Failure;

pub static QWEN3: Architecture = Architecture {
    name: "qwen3",
    model_types: &["qwen3"],
    class_names: &["Qwen3ForCausalLM"],
    classifier_name: "Qwen3ForSequenceClassification",
    gguf_names: &["qwen3"],
    config,
    tensors: decoder::tensors,
    build: decoder::build,
};

const DEFAULTS: Defaults =
    Defaults { n_kv_heads: Some(32), head_width: Some(128), context_length: 32_768, ..family::LLAMA };

fn config(json: &ConfigJson) -> Result<ModelConfig, Failure> {
    let plain = family::read(json, QWEN3.name, &DEFAULTS)?;
    let bias = json.flag_or("attention_bias", false)?;
    let config = ModelConfig {
        qk_norms: true,
        rope: Some(rope::read(json, plain.shape.head_width)?),
        windows: qwen2::windows(json, plain.shape.n_layers)?,
        attention_bias: bias,
        output_bias: bias,
        ..plain
    };
    config.check(json.file())?;
    Ok(config)
}
