//! Gemma 2: embeddings scaled by the root of their width, norms before and after both sublayers that multiply by one
//! more than their weights, windows in every other layer, soft caps on scores and logits.
//!
//! Gemma team 2024, <https://arxiv.org/abs/2408.00118>. The reference is `modeling_gemma2.py` of Hugging Face
//! transformers.

use super::family::Defaults;
use super::{Architecture, ConfigJson, ModelConfig, decoder, family, rope};
use crate::nn::Activation;
use glassworks_protocol::Failure;

pub static GEMMA2: Architecture = Architecture {
    name: "gemma2",
    model_types: &["gemma2"],
    class_names: &["Gemma2ForCausalLM"],
    classifier_name: "Gemma2ForSequenceClassification",
    gguf_names: &["gemma2"],
    config,
    tensors: decoder::tensors,
    build: decoder::build,
};

const DEFAULTS: Defaults = Defaults { context_length: 8192, ..GEMMA };

/// What Gemma 2 and 3 have in common.
pub(super) const GEMMA: Defaults = Defaults {
    n_kv_heads: Some(4),
    head_width: Some(256),
    context_length: 131_072,
    tied_embeddings: true,
    activation: ("hidden_activation", Activation::GeluNew),
};

fn config(json: &ConfigJson) -> Result<ModelConfig, Failure> {
    let plain = gemma(json, family::read(json, GEMMA2.name, &DEFAULTS)?)?;
    let size = family::optional_size(json, "sliding_window", 4096)?;
    let config = ModelConfig {
        rope: Some(rope::read(json, plain.shape.head_width)?),
        windows: windows(json, plain.shape.n_layers, size, 2)?,
        attention_cap: family::optional_number(json, "attn_logit_softcapping", Some(50.0))?,
        logit_cap: family::optional_number(json, "final_logit_softcapping", Some(30.0))?,
        ..plain
    };
    config.check(json.file())?;
    Ok(config)
}

/// What Gemma 2 and 3 have in common, but for windows and caps.
///
/// # Errors
/// `Failure { Input }` naming the field that can't be honoured.
pub(super) fn gemma(json: &ConfigJson, plain: ModelConfig) -> Result<ModelConfig, Failure> {
    json.refuse_set(&["use_bidirectional_attention"])?;
    let bias = json.flag_or("attention_bias", false)?;
    Ok(ModelConfig {
        attention_scale: 1.0 / json.number_or("query_pre_attn_scalar", 256.0)?.sqrt(),
        attention_bias: bias,
        output_bias: bias,
        ..like_gemma(plain)
    })
}

/// What no configuration says, for it is always so.
#[must_use]
pub fn like_gemma(plain: ModelConfig) -> ModelConfig {
    ModelConfig {
        norms_add_one: true,
        post_norms: true,
        embedding_scale: (plain.shape.width as f64).sqrt() as f32,
        ..plain
    }
}

/// A window in all layers but every `pattern`-th.
///
/// # Errors
/// `Failure { Input }` naming the field that can't be honoured.
pub(super) fn windows(
    json: &ConfigJson,
    n_layers: usize,
    size: Option<usize>,
    pattern: usize,
) -> Result<Vec<Option<usize>>, Failure> {
    let windows = family::windows(json, n_layers, size, |l| is_local(l, pattern))?;
    // The reference asks for a size wherever a layer should have a window.
    let wanted = json.get("layer_types").is_none() && (0..n_layers).any(|l| is_local(l, pattern));
    if size.is_none() && wanted { Err(json.missing("sliding_window")) } else { Ok(windows) }
}

/// Whether layer `l` has a window: all but every `pattern`-th.
#[must_use]
pub fn is_local(l: usize, pattern: usize) -> bool {
    !(l + 1).is_multiple_of(pattern)
}
