//! Llama 2 and 3, and whatever calls itself `llama`: TinyLlama, SmolLM.
//!
//! Touvron et al. 2023, <https://arxiv.org/abs/2307.09288>; Llama team 2024, <https://arxiv.org/abs/2407.21783>.
//! The reference is `modeling_llama.py` of Hugging Face transformers.

use super::{Architecture, ConfigJson, ModelConfig, decoder, family, rope};
use glassworks_protocol::Failure;

pub static LLAMA: Architecture = Architecture {
    name: "llama",
    model_types: &["llama"],
    class_names: &["LlamaForCausalLM"],
    classifier_name: "LlamaForSequenceClassification",
    gguf_names: &["llama"],
    config,
    tensors: decoder::tensors,
    build: decoder::build,
};

fn config(json: &ConfigJson) -> Result<ModelConfig, Failure> {
    let plain = family::read(json, LLAMA.name, &family::LLAMA)?;
    let bias = json.flag_or("attention_bias", false)?;
    let config = ModelConfig {
        rope: Some(rope::read(json, plain.shape.head_width)?),
        attention_bias: bias,
        output_bias: bias,
        mlp_bias: json.flag_or("mlp_bias", false)?,
        ..plain
    };
    config.check(json.file())?;
    Ok(config)
}
