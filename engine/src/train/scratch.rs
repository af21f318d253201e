//! A model before it has learned anything: a Hugging Face folder with seeded first values.

use super::peft::write_tensors;
use crate::data::batches::draw;
use crate::models::{ARCHITECTURES, ConfigJson};
use crate::tokenizer::training::END_OF_TEXT;
use anyhow::{Context as _, Result};
use glassworks_protocol::train::ScratchSpec;
use serde_json::{Value, json};
use std::f64::consts::TAU;
use std::path::Path;

/// transformers' `initializer_range`.
const STD: f64 = 0.02;
/// What is made, as configurations name it.
const LLAMA: &str = "llama";
/// The id of the token that ends a document: the first that a trained tokenizer has.
const END_ID: u32 = 0;

/// Fills `to` with what a model's folder holds: a Llama configuration for `n_tokens` tokens, the tokenizer given as
/// tokenizer.json, and weights in f32. They are drawn as transformers draws them (`PreTrainedModel._init_weights`):
/// matrices of normal(0, 0.02), norms of ones; by seed, name and place alone.
///
/// # Errors
/// When the disk says no.
pub fn write(to: &Path, spec: &ScratchSpec, seed: u64, tokenizer: &str, n_tokens: usize) -> Result<()> {
    let config = config(spec, n_tokens);
    let text = |name: &str, text: &str| {
        std::fs::write(to.join(name), text).with_context(|| format!("writing {name}"))
    };
    let pretty = |name: &str, value: &Value| text(name, &(serde_json::to_string_pretty(value)? + "\n"));
    pretty("config.json", &config)?;
    pretty("generation_config.json", &json!({ "eos_token_id": END_ID }))?;
    pretty(
        "tokenizer_config.json",
        &json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": spec.context_length(),
            "eos_token": END_OF_TEXT,
            "clean_up_tokenization_spaces": false,
        }),
    )?;
    text("tokenizer.json", tokenizer)?;
    let read = ConfigJson::parse(&to.join("config.json"), &config.to_string())?;
    let llama = ARCHITECTURES.iter().find(|known| known.name == LLAMA).context("no such architecture")?;
    let needs = (llama.tensors)(&(llama.config)(&read)?);
    let values: Vec<Vec<f32>> = needs
        .iter()
        .map(|need| {
            let n = need.shape.iter().product();
            if need.shape.len() == 1 { vec![1.0; n] } else { normal(seed, &need.name, n) }
        })
        .collect();
    let tensors = needs.iter().zip(&values);
    let tensors = tensors.map(|(need, values)| (need.name.clone(), need.shape.clone(), values.as_slice()));
    write_tensors(&to.join("model.safetensors"), tensors)
}

/// transformers' `LlamaConfig`.
fn config(spec: &ScratchSpec, n_tokens: usize) -> Value {
    let row = spec.size.row();
    json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": LLAMA,
        "vocab_size": n_tokens,
        "hidden_size": row.width,
        "intermediate_size": row.mlp_width,
        "num_hidden_layers": row.n_layers,
        "num_attention_heads": row.n_heads,
        "num_key_value_heads": row.n_heads,
        "head_dim": row.width / row.n_heads,
        "hidden_act": "silu",
        "max_position_embeddings": spec.context_length(),
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "rope_scaling": null,
        "attention_bias": false,
        "mlp_bias": false,
        "tie_word_embeddings": true,
        "initializer_range": STD,
        "eos_token_id": END_ID,
        "torch_dtype": "float32",
    })
}

/// Box & Muller 1958, on draws by name and place.
fn normal(seed: u64, name: &str, n: usize) -> Vec<f32> {
    let stream = super::plan::stream_of(name);
    let uniform = |i: usize| ((draw(seed, stream, i as u64) >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    let pair = |i: usize| {
        let (radius, angle) = ((-2.0 * uniform(2 * i).ln()).sqrt(), TAU * uniform(2 * i + 1));
        [radius * angle.cos(), radius * angle.sin()]
    };
    let mut values: Vec<f32> = (0..n.div_ceil(2)).flat_map(pair).map(|value| (value * STD) as f32).collect();
    values.truncate(n);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_values_are_normal_and_the_seeds() {
        let values = normal(7, "model.embed_tokens.weight", 100_001);
        let mean = values.iter().map(|x| f64::from(*x)).sum::<f64>() / values.len() as f64;
        let moment = |power: i32| {
            values.iter().map(|x| (f64::from(*x) / STD).powi(power)).sum::<f64>() / values.len() as f64
        };
        // Bounds of about five standard errors.
        assert!(mean.abs() < 3.2e-4, "{mean}");
        assert!(
            (moment(2) - 1.0).abs() < 0.023 && (moment(4) - 3.0).abs() < 0.16,
            "{} {}",
            moment(2),
            moment(4)
        );
        assert_eq!(values, normal(7, "model.embed_tokens.weight", 100_001));
        assert_ne!(values[..9], normal(8, "model.embed_tokens.weight", 9));
        assert_ne!(values[..9], normal(7, "model.norm.weight", 9));
    }
}
