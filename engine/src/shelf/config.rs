//! From config.json to a [`ModelConfig`]: which architecture it is, and its own reading of the fields.

use super::file::read_text;
use crate::models::{ARCHITECTURES, Architecture, ConfigJson, ModelConfig};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::Value;
use std::path::Path;

const MAX_CONFIG_BYTES: u64 = 16 << 20;

/// Reads config.json at `path`.
///
/// # Errors
/// `Failure` naming the file: not there, no JSON, an unknown architecture, a field that can't be honoured.
pub fn read(path: &Path) -> Result<(&'static Architecture, ModelConfig), Failure> {
    let json = ConfigJson::parse(path, &read_text(path, MAX_CONFIG_BYTES)?)?;
    let architecture = architecture(&json)?;
    Ok((architecture, (architecture.config)(&json)?))
}

/// By `model_type`, and by `architectures` where it is given: a classifier is no decoder, whatever its type.
fn architecture(json: &ConfigJson) -> Result<&'static Architecture, Failure> {
    let class_names: Vec<&str> = match json.get("architectures") {
        None => Vec::new(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(_) => return Err(json.missing("architectures")),
    };
    let model_type = json.text("model_type")?;
    let known = ARCHITECTURES.iter().any(|a| model_type.is_some_and(|t| a.model_types.contains(&t)));
    let class_name = class_names.first().copied();
    let name = if known { class_name } else { model_type.or(class_name) };
    let name = name.or(model_type).ok_or_else(|| json.missing("model_type"))?;
    let fits = |a: &&&Architecture| {
        model_type.is_none_or(|t| a.model_types.contains(&t))
            && (class_names.is_empty() || class_names.iter().any(|n| a.class_names.contains(n)))
    };
    match ARCHITECTURES.iter().find(fits) {
        Some(architecture) => Ok(architecture),
        None => Err(unknown_architecture(json.file(), name)),
    }
}

/// Also for GGUF's `general.architecture`.
pub fn unknown_architecture(file: &Path, name: &str) -> Failure {
    let known: Vec<&str> = ARCHITECTURES.iter().map(|a| a.name).collect();
    Failure::new(
        FailureKind::Input,
        Text::new("failure.architecture_unknown").arg("file", file.display()).arg("name", name),
    )
    .hint(Text::new("failure.architecture_unknown_hint").arg("known", known.join(", ")))
}
