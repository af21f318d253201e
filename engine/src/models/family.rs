//! What config.json has in common in the families that follow Llama: sizes, switches and windows.

use super::{ConfigJson, ModelConfig};
use crate::nn::{Activation, ModelShape};
use glassworks_protocol::Failure;

/// What transformers takes for fields that a file leaves out.
pub struct Defaults {
    /// `None`: as many as heads.
    pub n_kv_heads: Option<usize>,
    /// `None`: the width divided by the heads.
    pub head_width: Option<usize>,
    pub context_length: usize,
    pub tied_embeddings: bool,
    /// The field that names it, and what it is.
    pub activation: (&'static str, Activation),
}

/// Llama's own.
pub const LLAMA: Defaults = Defaults {
    n_kv_heads: None,
    head_width: None,
    context_length: 2048,
    tied_embeddings: false,
    activation: ("hidden_act", Activation::Silu),
};

/// The fields that all have, each under Llama's name; without positions, biases and windows.
///
/// # Errors
/// `Failure { Input }` naming the field that is missing or can't be honoured.
pub fn read(
    json: &ConfigJson,
    architecture: &'static str,
    defaults: &Defaults,
) -> Result<ModelConfig, Failure> {
    json.refuse_set(&["quantization_config", "add_cross_attention"])?;
    let width = json.size("hidden_size")?;
    let n_heads = json.size("num_attention_heads")?;
    let head_width = match (json.get("head_dim"), defaults.head_width) {
        (Some(_), _) => json.size("head_dim")?,
        (None, Some(head_width)) => head_width,
        (None, None) if n_heads > 0 && width.is_multiple_of(n_heads) => width / n_heads,
        (None, None) => return Err(json.missing("head_dim")),
    };
    let absent =
        if json.has("num_key_value_heads") { n_heads } else { defaults.n_kv_heads.unwrap_or(n_heads) };
    let shape = ModelShape {
        n_layers: json.size("num_hidden_layers")?,
        width,
        n_heads,
        n_kv_heads: json.size_or("num_key_value_heads", absent)?,
        head_width,
        mlp_width: json.size("intermediate_size")?,
        vocab_size: json.size("vocab_size")?,
        context_length: json.size_or("max_position_embeddings", defaults.context_length)?,
    };
    let (field, activation) = defaults.activation;
    let config = ModelConfig {
        norm_eps: json.number_or("rms_norm_eps", 1e-6)?,
        activation: json.activation(field, activation)?,
        tied_embeddings: json.flag_or("tie_word_embeddings", defaults.tied_embeddings)?,
        ..ModelConfig::plain(architecture, shape)
    };
    // Before anything is made for each layer.
    config.check(json.file())?;
    Ok(config)
}

/// A window of `size` in the layers that `layer_types` says, or where that is not given in those that `local` says.
///
/// # Errors
/// `Failure { Input }` when `layer_types` is no list of what is known, one for each layer; or names a window where
/// none has a size.
pub fn windows(
    json: &ConfigJson,
    n_layers: usize,
    size: Option<usize>,
    local: impl Fn(usize) -> bool,
) -> Result<Vec<Option<usize>>, Failure> {
    const FIELD: &str = "layer_types";
    let Some(types) = json.get(FIELD) else {
        return Ok((0..n_layers).map(|l| size.filter(|_| local(l))).collect());
    };
    let types = types.as_array().filter(|types| types.len() == n_layers).ok_or_else(|| json.refuse(FIELD))?;
    let window = |kind: &serde_json::Value| match (kind.as_str(), size) {
        (Some("full_attention"), _) => Ok(None),
        (Some("sliding_attention"), Some(size)) => Ok(Some(size)),
        _ => Err(json.refuse(FIELD)),
    };
    types.iter().map(window).collect()
}

/// A size that may be null, or what is taken where there is none.
///
/// # Errors
/// `Failure { Input }` when it is no size.
pub fn optional_size(json: &ConfigJson, field: &str, default: usize) -> Result<Option<usize>, Failure> {
    match (json.has(field), json.get(field)) {
        (false, _) => Ok(Some(default)),
        (true, None) => Ok(None),
        (true, Some(_)) => json.size(field).map(Some),
    }
}

/// A number that may be null, or what is taken where there is none.
///
/// # Errors
/// `Failure { Input }` when it is no number.
pub fn optional_number(json: &ConfigJson, field: &str, default: Option<f64>) -> Result<Option<f32>, Failure> {
    let number = match (json.has(field), json.get(field)) {
        (false, _) => default,
        (true, None) => None,
        (true, Some(_)) => Some(json.number_or(field, None)?),
    };
    Ok(number.map(|x| x as f32))
}
