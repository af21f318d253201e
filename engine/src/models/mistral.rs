//! Mistral: Llama with a sliding window in every layer, or with none.
//!
//! Jiang et al. 2023, <https://arxiv.org/abs/2310.06825>. The reference is `modeling_mistral.py` of Hugging Face
//! transformers. GGUF files call themselves `llama` and keep no window.

use super::family::Defaults;
use super::{Architecture, ConfigJson, ModelConfig, decoder, family, rope};
use glassworks_protocol::Failure;

pub static MISTRAL: Architecture = Architecture {
    name: "mistral",
    model_types: &["mistral"],
    class_names: &["MistralForCausalLM"],
    classifier_name: "MistralForSequenceClassification",
    gguf_names: &[],
    config,
    tensors: decoder::tensors,
    build: decoder::build,
};

const DEFAULTS: Defaults = Defaults { n_kv_heads: Some(8), context_length: 131_072, ..family::LLAMA };

fn config(json: &ConfigJson) -> Result<ModelConfig, Failure> {
    let plain = family::read(json, MISTRAL.name, &DEFAULTS)?;
    let n_layers = plain.shape.n_layers;
    let size = family::optional_size(json, "sliding_window", 4096)?;
    // The reference does not look at `layer_types`; who wrote other ones meant another model.
    let windows = family::windows(json, n_layers, size, |_| true)?;
    if windows.iter().any(|window| *window != size) {
        return Err(json.refuse("layer_types"));
    }
    let rope = Some(rope::read(json, plain.shape.head_width)?);
    let config = ModelConfig { rope, windows, ..plain };
    config.check(json.file())?;
    Ok(config)
}
