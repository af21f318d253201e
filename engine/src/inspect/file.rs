//! A capture as a safetensors file: `tokens` i32 `[T]`, `logits` `[T, V]`, `hidden.{l}` `[T, D]`, `attention.{l}`
//! `[H, T, T]`, f32.

use super::Captured;
use anyhow::{Context as _, Result};
use candle_core::{Storage, Tensor};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

enum Data<'a> {
    Ids(&'a [u32]),
    Floats(&'a Tensor),
}

/// Writes beside `path`, then puts it in place: a reader sees the whole file or the old one. Gives its size.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write_safetensors(captured: &Captured, path: &Path) -> Result<u64> {
    let entries = entries(captured);
    let header = header(&entries)?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().with_context(|| format!("{} names no file", path.display()))?;
    let mut aside_name = std::ffi::OsString::from(".");
    aside_name.push(name);
    aside_name.push(format!(".{}.incomplete", std::process::id()));
    let aside = folder.join(aside_name);
    let result = write(&aside, &header, &entries).and_then(|size| {
        std::fs::rename(&aside, path)?;
        // The name is durable once the folder is.
        File::open(folder)?.sync_all()?;
        Ok(size)
    });
    if result.is_err() {
        // Nothing to be done if it cannot even be removed: the first error is what a person needs.
        drop(std::fs::remove_file(&aside));
    }
    result.with_context(|| format!("writing {}", path.display()))
}

fn entries(captured: &Captured) -> Vec<(String, Data<'_>)> {
    let mut entries = vec![
        ("tokens".to_owned(), Data::Ids(&captured.tokens)),
        ("logits".to_owned(), Data::Floats(&captured.logits)),
    ];
    let named = |kind: &'static str| move |(l, t)| (format!("{kind}.{l}"), Data::Floats(t));
    entries.extend(captured.hidden.iter().enumerate().map(named("hidden")));
    entries.extend(captured.attention.iter().enumerate().map(named("attention")));
    entries
}

/// Its length and itself, padded so that the data begin at a multiple of eight.
fn header(entries: &[(String, Data<'_>)]) -> Result<Vec<u8>> {
    let mut header = serde_json::Map::new();
    let mut at = 0;
    for (name, data) in entries {
        let (dtype, shape) = match data {
            Data::Ids(ids) => ("I32", vec![ids.len()]),
            Data::Floats(tensor) => ("F32", tensor.dims().to_vec()),
        };
        let end = at + 4 * shape.iter().product::<usize>();
        let entry = serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": [at, end] });
        header.insert(name.clone(), entry);
        at = end;
    }
    let mut text = serde_json::to_vec(&header)?;
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut text);
    Ok(bytes)
}

fn write(path: &Path, header: &[u8], entries: &[(String, Data<'_>)]) -> Result<u64> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    out.write_all(header)?;
    let mut size = header.len() as u64;
    for (_, data) in entries {
        size += match data {
            Data::Ids(ids) => write_words(&mut out, ids.iter().map(|id| id.to_le_bytes()))?,
            Data::Floats(tensor) => {
                let tensor = tensor.contiguous()?;
                let (storage, layout) = tensor.storage_and_layout();
                let Storage::Cpu(storage) = &*storage else {
                    anyhow::bail!("a tensor is not in main memory")
                };
                let (from, to) = layout.contiguous_offsets().context("a tensor has gaps")?;
                write_words(&mut out, storage.as_slice::<f32>()?[from..to].iter().map(|x| x.to_le_bytes()))?
            }
        };
    }
    out.flush()?;
    out.get_ref().sync_all()?;
    Ok(size)
}

fn write_words(out: &mut impl Write, words: impl Iterator<Item = [u8; 4]>) -> Result<u64> {
    let mut size = 0;
    for word in words {
        out.write_all(&word)?;
        size += 4;
    }
    Ok(size)
}
