//! Gemma 3, text only: Gemma 2 with norms of queries and keys in the place of soft caps, five layers with a window to
//! one without, and rotary positions of another base in each kind.
//!
//! Gemma team 2025, <https://arxiv.org/abs/2503.19786>. The reference is `modeling_gemma3.py` of Hugging Face
//! transformers.

use super::{Architecture, ConfigJson, ModelConfig, decoder, family, gemma2, rope};
use crate::nn::{RopeConfig, RopeScaling};
use glassworks_protocol::Failure;

pub static GEMMA3: Architecture = Architecture {
    name: "gemma3",
    model_types: &["gemma3_text"],
    class_names: &["Gemma3ForCausalLM"],
    classifier_name: "Gemma3TextForSequenceClassification",
    gguf_names: &["gemma3"],
    config,
    tensors: decoder::tensors,
    build: decoder::build,
};

/// Of layers without a window and of those with one, where nothing is said.
pub const THETA: f64 = 1_000_000.0;
pub const LOCAL_THETA: f64 = 10_000.0;
/// Every so many layers one has no window.
pub const PATTERN: usize = 6;

fn config(json: &ConfigJson) -> Result<ModelConfig, Failure> {
    // The reference keeps the field and never reads it.
    json.refuse_set(&["attn_logit_softcapping"])?;
    let plain = gemma2::gemma(json, family::read(json, GEMMA3.name, &gemma2::GEMMA)?)?;
    let size = family::optional_size(json, "sliding_window", 4096)?;
    let pattern = json.size_or("sliding_window_pattern", PATTERN)?;
    if pattern == 0 {
        return Err(json.refuse("sliding_window_pattern"));
    }
    let [rope, local_rope] = ropes(json, plain.shape.head_width)?.map(Some);
    let config = ModelConfig {
        qk_norms: true,
        rope,
        local_rope,
        windows: gemma2::windows(json, plain.shape.n_layers, size, pattern)?,
        logit_cap: family::optional_number(json, "final_logit_softcapping", None)?,
        ..plain
    };
    config.check(json.file())?;
    Ok(config)
}

/// Of layers without a window, and of those with one. transformers 5 writes `rope_parameters { full_attention { … },
/// sliding_attention { … } }`; 4 wrote `rope_theta` beside `rope_scaling`, and `rope_local_base_freq`.
fn ropes(json: &ConfigJson, width: usize) -> Result<[RopeConfig; 2], Failure> {
    let theta = json.number_or("rope_theta", THETA)?;
    let local_theta = json.number_or("rope_local_base_freq", LOCAL_THETA)?;
    rope::whole_heads(json)?;
    let Some(both) = json.object("rope_parameters")? else {
        let scaling = match json.object("rope_scaling")? {
            Some(scaling) => rope::scaling(json, &scaling, "rope_scaling")?,
            None => RopeScaling::None,
        };
        let local = RopeConfig { theta: local_theta, width, scaling: RopeScaling::None };
        return Ok([RopeConfig { theta, width, scaling }, local]);
    };
    // Not told apart by kind, they would be those of neither.
    if both.has("rope_type") || both.has("rope_theta") {
        return Err(json.refuse("rope_parameters"));
    }
    let of = |kind: &str, theta: f64| -> Result<RopeConfig, Failure> {
        let Some(parameters) = both.object(kind)? else {
            return Ok(RopeConfig { theta, width, scaling: RopeScaling::None });
        };
        rope::whole_heads(&parameters)?;
        let theta = parameters.number_or("rope_theta", theta)?;
        Ok(RopeConfig { theta, width, scaling: rope::scaling(json, &parameters, "rope_parameters")? })
    };
    Ok([of("full_attention", theta)?, of("sliding_attention", local_theta)?])
}
