//! The beginning of a file of rows: its columns, and which of them one would read.

use super::text_of;
use crate::data::{TEXTS, files, label_in, start_of};
use anyhow::Result;
use glassworks_protocol::predict::DataHead;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::Value;
use sha2::Sha256;
use std::path::Path;

/// The columns of a file of rows, and which of them one would read.
///
/// # Errors
/// `Failure` for a file that cannot be read, or whose first row has no columns.
pub fn head(path: &Path) -> Result<DataHead> {
    let mut file = files::open(path)?;
    let size_bytes = file.len_bytes();
    let first = match file.next_value(&mut Sha256::default())? {
        Some((_, Ok(Value::Object(first)))) if !first.is_empty() => first,
        _ => {
            let summary = Text::new("failure.no_columns").arg("file", path.display());
            return Err(Failure::new(FailureKind::Input, summary)
                .hint(Text::new("failure.no_columns_hint"))
                .into());
        }
    };
    let truth = label_in(&first).map(|(name, _)| name.to_owned());
    let columns: Vec<(String, String)> =
        first.keys().map(|name| (name.clone(), start_of(&text_of(&first, name)))).collect();
    let usual = TEXTS.iter().find(|name| first.contains_key(**name)).map(|name| (*name).to_owned());
    let longest = || {
        let texts = first.iter().filter(|(name, value)| value.is_string() && Some(*name) != truth.as_ref());
        texts.max_by_key(|(_, value)| value.as_str().map_or(0, str::len)).map(|(name, _)| name.clone())
    };
    let column = usual.or_else(longest).or_else(|| first.keys().next().cloned());
    Ok(DataHead { file: path.to_owned(), size_bytes, columns, column, truth })
}
