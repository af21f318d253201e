//! The JSON and text files beside a model's weights, read only as far as such files go.

use crate::shelf::file;
use glassworks_protocol::Failure;
use serde_json::Value;
use std::path::Path;

/// The largest tokenizer.json in the wild has some 35 MB.
const MAX_BYTES: u64 = 256 << 20;

/// The file's text, or `None` when there is no such file.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, Failure> {
    if path.exists() { file::read_text(path, MAX_BYTES).map(Some) } else { Ok(None) }
}

/// The file's JSON, or `None` when there is no such file.
pub(crate) fn read_json(path: &Path) -> Result<Option<Value>, Failure> {
    let Some(text) = read_text(path)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|e| file::broken(path, &e.to_string()))
}
