//! The safetensors format, one file or sharded by an index: headers only, within bounds of our own.
//!
//! <https://github.com/huggingface/safetensors#format>: eight bytes of header length, a JSON object from names to
//! `{dtype, shape, data_offsets}`, then the data.

use super::file::{broken, io_failure, open_regular, read_text};
use super::stored::{ElementType, Located, Stored, StoredFile, locate};
use glassworks_protocol::Failure;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

/// No header is longer: the format's own limit.
const MAX_HEADER_BYTES: u64 = 100_000_000;
const MAX_INDEX_BYTES: u64 = 64 << 20;
/// More dimensions than any weight has.
const MAX_RANK: usize = 8;

/// A single file.
///
/// # Errors
/// `Failure` naming the file.
pub fn open(path: &Path) -> Result<Stored, Failure> {
    let mut stored = Stored::default();
    add(&mut stored, path, |_| true)?;
    Ok(stored)
}

/// Files named by an index: `weight_map` says where each tensor is.
///
/// # Errors
/// `Failure` naming the index or the file concerned.
pub fn open_sharded(index: &Path) -> Result<Stored, Failure> {
    let weight_map = read_index(index)?;
    let folder = index.parent().unwrap_or(Path::new(""));
    let files: BTreeSet<&String> = weight_map.values().collect();
    let mut stored = Stored::default();
    for file in files {
        let path = folder.join(file);
        add(&mut stored, &path, |name| weight_map.get(name) == Some(file))?;
    }
    if let Some((name, file)) = weight_map.iter().find(|(name, _)| !stored.tensors.contains_key(*name)) {
        return Err(broken(&folder.join(file), &format!("{name} is not in it, but the index says so")));
    }
    Ok(stored)
}

/// From tensor names to file names, of files beside the index.
///
/// # Errors
/// `Failure` naming the index.
pub fn read_index(index: &Path) -> Result<BTreeMap<String, String>, Failure> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let text = read_text(index, MAX_INDEX_BYTES)?;
    let Index { weight_map } = serde_json::from_str(&text).map_err(|e| broken(index, &e.to_string()))?;
    if weight_map.is_empty() {
        return Err(broken(index, "weight_map is empty"));
    }
    match weight_map.values().find(|file| Path::new(file).file_name() != Some(file.as_ref())) {
        Some(file) => Err(broken(index, &format!("{file:?} is not a file name"))),
        None => Ok(weight_map),
    }
}

/// Adds the tensors of a file that `belongs` accepts.
fn add(stored: &mut Stored, path: &Path, belongs: impl Fn(&str) -> bool) -> Result<(), Failure> {
    let (file, header, data_at) = read_header(path)?;
    let file_idx = stored.files.len();
    for (name, entry) in header.iter().filter(|(name, _)| *name != "__metadata__" && belongs(name)) {
        stored.tensors.insert(name.clone(), tensor(file_idx, &file, data_at, name, entry)?);
    }
    stored.files.push(file);
    Ok(())
}

fn tensor(
    file_idx: usize,
    file: &StoredFile,
    data_at: u64,
    name: &str,
    entry: &serde_json::Value,
) -> Result<Located, Failure> {
    #[derive(Deserialize)]
    struct Entry {
        dtype: String,
        shape: Vec<usize>,
        data_offsets: (u64, u64),
    }
    let entry = Entry::deserialize(entry).map_err(|e| broken(&file.path, &format!("{name}: {e}")))?;
    if entry.shape.len() > MAX_RANK {
        return Err(broken(&file.path, &format!("{name}: {} dimensions", entry.shape.len())));
    }
    let element_type = match entry.dtype.as_str() {
        "F32" => ElementType::F32,
        "F16" => ElementType::F16,
        "BF16" => ElementType::BF16,
        _ => ElementType::Other(entry.dtype),
    };
    let place = |offset: u64| data_at.saturating_add(offset);
    let (from, to) = entry.data_offsets;
    locate(file_idx, file, name, element_type, entry.shape, place(from)..place(to))
}

/// The header as JSON, and where the data begins.
fn read_header(
    path: &Path,
) -> Result<(StoredFile, serde_json::Map<String, serde_json::Value>, u64), Failure> {
    let (mut file, len) = open_regular(path)?;
    let mut length = [0u8; 8];
    file.read_exact(&mut length).map_err(|_| broken(path, "shorter than the length of its header"))?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER_BYTES || length > len.saturating_sub(8) {
        return Err(broken(path, &format!("a header of {length} bytes in a file of {len}")));
    }
    let mut header = vec![0u8; length as usize];
    file.read_exact(&mut header).map_err(|e| io_failure(path, &e))?;
    let header = serde_json::from_slice(&header).map_err(|e| broken(path, &format!("its header: {e}")))?;
    Ok((StoredFile { path: path.to_owned(), len }, header, 8 + length))
}
