//! From config.json to a [`ModelConfig`]: which architecture it is, and its own reading of the fields.

use super::file::read_text;
use crate::models::run_only::Family;
use crate::models::{ARCHITECTURES, Architecture, ConfigJson, ModelConfig, RUN_ONLY, Recipe};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::Value;
use std::path::Path;

const MAX_CONFIG_BYTES: u64 = 16 << 20;
/// More labels are none that anybody tells apart.
const MOST_CLASSES: usize = 1 << 16;

/// Reads config.json at `path`.
///
/// # Errors
/// `Failure` naming the file: not there, no JSON, an unknown architecture, a field that can't be honoured.
pub fn read(path: &Path) -> Result<(Recipe, ModelConfig), Failure> {
    let json = ConfigJson::parse(path, &read_text(path, MAX_CONFIG_BYTES)?)?;
    if let Some(family) = run_only(&json) {
        let (recipe, config) = family.config(&json)?;
        return Ok((Recipe::RunOnly(recipe), config));
    }
    let (architecture, classifies) = architecture(&json)?;
    let config = (architecture.config)(&json)?;
    let config = if classifies { config.classifying(classes(&json)?) } else { config };
    Ok((Recipe::Own(architecture), config))
}

/// The family that runs through the bridge, if it is one: by `model_type`, and by `architectures` where it is given.
fn run_only(json: &ConfigJson) -> Option<&'static Family> {
    let model_type = json.text("model_type").ok().flatten()?;
    let names = json.get("architectures").and_then(Value::as_array);
    let fits = |family: &Family| {
        names.is_none_or(|names| {
            names.iter().filter_map(Value::as_str).any(|name| family.class_names.contains(&name))
        })
    };
    RUN_ONLY.iter().copied().find(|family| family.model_types.contains(&model_type) && fits(family))
}

/// The labels of a classifier, as transformers' `PreTrainedConfig` has them.
fn classes(json: &ConfigJson) -> Result<Vec<String>, Failure> {
    if json.text("problem_type")?.is_some_and(|kind| kind != "single_label_classification") {
        return Err(json.refuse("problem_type"));
    }
    let Some(names) = json.object("id2label")? else {
        let n = json.size_or("num_labels", 2)?;
        return match n {
            2..=MOST_CLASSES => Ok((0..n).map(|i| format!("LABEL_{i}")).collect()),
            _ => Err(json.refuse("num_labels")),
        };
    };
    let mut classes = Vec::new();
    while let Some(name) = names.text(&classes.len().to_string())? {
        classes.push(name.to_owned());
    }
    // One output is a number, not a label.
    if classes.len() < 2 || classes.len() > MOST_CLASSES { Err(json.refuse("id2label")) } else { Ok(classes) }
}

/// By `model_type`, and by `architectures` where it is given; and whether it is one that tells labels apart.
fn architecture(json: &ConfigJson) -> Result<(&'static Architecture, bool), Failure> {
    let class_names: Vec<&str> = match json.get("architectures") {
        None => Vec::new(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(_) => return Err(json.missing("architectures")),
    };
    let model_type = json.text("model_type")?;
    let known = ARCHITECTURES.iter().any(|a| model_type.is_some_and(|t| a.model_types.contains(&t)))
        || RUN_ONLY.iter().any(|f| model_type.is_some_and(|t| f.model_types.contains(&t)));
    let class_name = class_names.first().copied();
    let name = if known { class_name } else { model_type.or(class_name) };
    let name = name.or(model_type).ok_or_else(|| json.missing("model_type"))?;
    let fits = |a: &&&Architecture| {
        model_type.is_none_or(|t| a.model_types.contains(&t))
            && (class_names.is_empty()
                || class_names.iter().any(|n| a.class_names.contains(n) || a.classifier_name == *n))
    };
    match ARCHITECTURES.iter().find(fits) {
        Some(architecture) => Ok((architecture, class_names.contains(&architecture.classifier_name))),
        None => Err(unknown_architecture(json.file(), name)),
    }
}

/// Also for GGUF's `general.architecture`.
pub fn unknown_architecture(file: &Path, name: &str) -> Failure {
    let own = ARCHITECTURES.iter().map(|a| a.name);
    let known: Vec<&str> = own.chain(RUN_ONLY.iter().map(|family| family.name)).collect();
    Failure::new(
        FailureKind::Input,
        Text::new("failure.architecture_unknown").arg("file", file.display()).arg("name", name),
    )
    .hint(Text::new("failure.architecture_unknown_hint").arg("known", known.join(", ")))
}
