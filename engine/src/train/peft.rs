//! Adapters as PEFT writes them: `adapter_config.json` and `adapter_model.safetensors`.

use super::{LORA_A, LORA_B, Parameters};
use crate::models::SCORE;
use anyhow::{Context as _, Result};
use glassworks_protocol::train::LoraSpec;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub const CONFIG: &str = "adapter_config.json";
pub const WEIGHTS: &str = "adapter_model.safetensors";
/// PEFT's wrapping around the model's own names.
pub const PREFIX: &str = "base_model.model.";
/// In [`ABOUT`]: what a head tells apart, in the order of its outputs.
pub const LABELS: &str = "labels";
/// Which weights the adapter was trained on, and on what: a file of our own.
pub const ABOUT: &str = "glassworks.json";

/// PEFT's name of one of our parameters: `….lora_A` is `base_model.model.….lora_A.weight`, and a head that is trained
/// whole `base_model.model.score.weight`.
#[must_use]
pub fn name_in_file(parameter: &str) -> String {
    let ending = if parameter.strip_suffix(".weight") == Some(SCORE) { "" } else { ".weight" };
    format!("{PREFIX}{parameter}{ending}")
}

/// The name of a parameter of ours, from PEFT's.
#[must_use]
pub fn name_of_parameter(in_file: &str) -> Option<&str> {
    let parameter = in_file.strip_prefix(PREFIX)?;
    let name = parameter.strip_suffix(".weight")?;
    if name == SCORE {
        return Some(parameter);
    }
    (name.ends_with(LORA_A) || name.ends_with(LORA_B)).then_some(name)
}

/// Writes both files into `folder`.
///
/// # Errors
/// When the disk says no.
pub fn write(
    folder: &Path,
    params: &Parameters,
    lora: &LoraSpec,
    dropout: f64,
    base_name: &str,
    all_linears: &[String],
    is_conv1d: bool,
) -> Result<()> {
    let adapted: BTreeSet<&str> = params.iter().filter_map(|p| p.name.strip_suffix(LORA_A)).collect();
    let classifies = params.iter().any(|p| p.name.strip_suffix(".weight") == Some(SCORE));
    let config = json!({
        "peft_type": "LORA",
        "task_type": if classifies { "SEQ_CLS" } else { "CAUSAL_LM" },
        "base_model_name_or_path": base_name,
        "r": lora.rank,
        "lora_alpha": whole_if_it_is(lora.alpha),
        "lora_dropout": dropout,
        "use_rslora": lora.rslora,
        "target_modules": target_modules(&adapted, all_linears),
        "bias": "none",
        "fan_in_fan_out": is_conv1d,
        "inference_mode": true,
        "init_lora_weights": true,
        "modules_to_save": if classifies { json!([SCORE]) } else { Value::Null },
    });
    let text = serde_json::to_string_pretty(&config)? + "\n";
    std::fs::write(folder.join(CONFIG), text).context("writing the adapter's configuration")?;
    let tensors = params.iter().map(|p| (name_in_file(&p.name), vec![p.rows, p.cols], p.value.as_slice()));
    write_tensors(&folder.join(WEIGHTS), tensors)
}

fn whole_if_it_is(x: f64) -> Value {
    if x.fract() == 0.0 && x.abs() < 1e9 { json!(x as i64) } else { json!(x) }
}

/// Last parts of names, `q_proj`, where they say exactly what is adapted; whole names where they don't.
fn target_modules(adapted: &BTreeSet<&str>, all_linears: &[String]) -> Vec<String> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    let ends: BTreeSet<String> = adapted.iter().map(|name| last(name)).collect();
    let chosen = all_linears.iter().filter(|name| ends.contains(&last(name))).count();
    if chosen == adapted.len() {
        return ends.into_iter().collect();
    }
    adapted.iter().map(|name| (*name).to_owned()).collect()
}

/// Writes f32 tensors, by name.
///
/// # Errors
/// When the disk says no.
pub fn write_tensors<'a>(
    path: &Path,
    tensors: impl Iterator<Item = (String, Vec<usize>, &'a [f32])>,
) -> Result<()> {
    let views = tensors.map(|(name, shape, values)| {
        let view = TensorView::new(Dtype::F32, shape, bytemuck::cast_slice(values))?;
        Ok((name, view))
    });
    let views = views.collect::<Result<Vec<_>>>()?;
    let metadata = Some([("format".to_owned(), "pt".to_owned())].into());
    safetensors::serialize_to_file(views, metadata, path)
        .map_err(|error| match error {
            safetensors::SafeTensorError::IoError(error) => anyhow::Error::new(error),
            other => anyhow::Error::new(other),
        })
        .with_context(|| format!("writing {}", path.display()))
}

/// Reads what [`write_tensors`] wrote.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub fn read_tensors(path: &Path) -> Result<BTreeMap<String, Vec<f32>>> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let file = safetensors::SafeTensors::deserialize(&bytes)
        .with_context(|| format!("reading {}", path.display()))?;
    let tensors = file.tensors().into_iter().map(|(name, view)| {
        anyhow::ensure!(view.dtype() == Dtype::F32, "{name} in {} is not F32", path.display());
        let words = view.data().as_chunks::<4>().0.iter();
        Ok((name, words.map(|word| f32::from_le_bytes(*word)).collect()))
    });
    tensors.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_to_peft_and_back() {
        let ours = "model.layers.0.self_attn.q_proj.lora_A";
        let theirs = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
        assert_eq!(name_in_file(ours), theirs);
        assert_eq!(name_of_parameter(theirs), Some(ours));
        assert_eq!(name_of_parameter("base_model.model.lm_head.weight"), None);
        assert_eq!(name_in_file("score.weight"), "base_model.model.score.weight");
        assert_eq!(name_of_parameter("base_model.model.score.weight"), Some("score.weight"));
    }

    #[test]
    fn targets_are_spelled_short_only_where_that_says_the_same() {
        let all: Vec<String> =
            ["h.0.attn.c_proj", "h.0.mlp.c_proj", "h.0.mlp.c_fc"].map(str::to_owned).into();
        let check = |adapted: &[&str], expected: &[&str]| {
            assert_eq!(target_modules(&adapted.iter().copied().collect(), &all), expected);
        };
        check(&["h.0.mlp.c_fc"], &["c_fc"]);
        check(&["h.0.attn.c_proj", "h.0.mlp.c_proj"], &["c_proj"]);
        check(&["h.0.mlp.c_proj"], &["h.0.mlp.c_proj"]);
    }
}
