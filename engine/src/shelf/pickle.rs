//! `pytorch_model.bin`, one file or sharded by an index: a zip file of a pickle and the tensors' bytes.
//!
//! A pickle is a program. Ours is checked first (`scan`): it may name nothing but tensors and the dictionary that
//! holds them, and can't grow beyond its file. Then candle's reader makes plain data of it; nothing is ever run.
//! The bytes lie uncompressed in the zip file and are read from there like any other tensor's.

mod scan;

use super::file::{broken, io_failure, open_regular};
use super::safetensors::read_index;
use super::stored::{ElementType, Stored, StoredFile, locate};
use candle_core::pickle::{Object, Stack};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;

/// No state dictionary's pickle is longer: a large model's has a few hundred bytes a tensor.
const MAX_PICKLE_BYTES: u64 = 32 << 20;
/// How a file written by PyTorch before 1.6 begins: its magic number, pickled.
const BEFORE_ZIP: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9\x20j\xa8\x50\x19";

/// A single file.
///
/// # Errors
/// `Failure` naming the file.
pub fn open(path: &Path) -> Result<Stored, Failure> {
    let mut stored = Stored::default();
    add(&mut stored, path, |_| true)?;
    Ok(stored)
}

/// Files named by an index.
///
/// # Errors
/// `Failure` naming the index or the file concerned.
pub fn open_sharded(index: &Path) -> Result<Stored, Failure> {
    let weight_map = read_index(index)?;
    let folder = index.parent().unwrap_or(Path::new(""));
    let mut stored = Stored::default();
    for file in weight_map.values().collect::<BTreeSet<_>>() {
        add(&mut stored, &folder.join(file), |name| weight_map.get(name) == Some(file))?;
    }
    if let Some((name, file)) = weight_map.iter().find(|(name, _)| !stored.tensors.contains_key(*name)) {
        return Err(broken(&folder.join(file), &format!("{name} is not in it, but the index says so")));
    }
    Ok(stored)
}

/// Where an entry of the zip file has its bytes.
struct Entry {
    at: u64,
    size_bytes: u64,
}

fn add(stored: &mut Stored, path: &Path, belongs: impl Fn(&str) -> bool) -> Result<(), Failure> {
    let (file, len) = open_regular(path)?;
    let mut file = BufReader::new(file);
    if file.fill_buf().map_err(|e| io_failure(path, &e))?.starts_with(BEFORE_ZIP) {
        let text = Text::new("failure.pickle_before_zip").arg("file", path.display());
        return Err(Failure::new(FailureKind::Input, text).hint(Text::new("failure.pickle_save_again")));
    }
    let (pickle, entries) = read_zip(path, file)?;
    let state = read_pickle(path, &pickle)?;
    let file = StoredFile { path: path.to_owned(), len };
    let file_idx = stored.files.len();
    for (name, value) in state {
        let Object::Unicode(name) = name else { continue };
        // What is no tensor is no weight: the dictionary's own attributes.
        let Some(tensor) = tensor(&value).filter(|_| belongs(&name)) else { continue };
        let wrong = |why: &str| broken(path, &format!("{name}: {why}"));
        let entry =
            entries.get(&format!("data/{}", tensor.key)).ok_or_else(|| wrong("its bytes are missing"))?;
        let element_type = element_type(&tensor.storage);
        if element_type.size_bytes().is_some() && !tensor.is_contiguous() {
            let text = Text::new("failure.pickle_strided").arg("file", path.display()).arg("tensor", name);
            return Err(Failure::new(FailureKind::Input, text).hint(Text::new("failure.pickle_save_again")));
        }
        // A view into a storage that several tensors may share.
        let range = match element_type.size_bytes() {
            None => entry.at..entry.at + entry.size_bytes,
            Some(size) => {
                let n = tensor.shape.iter().try_fold(size, |n, d| n.checked_mul(*d as u64));
                let start = tensor.offset.checked_mul(size);
                let end = start.zip(n).and_then(|(start, n)| start.checked_add(n));
                let end = end.filter(|end| *end <= entry.size_bytes);
                let end = end.ok_or_else(|| wrong("it ends past its bytes"))?;
                entry.at + start.unwrap_or(0)..entry.at + end
            }
        };
        let located = locate(file_idx, &file, &name, element_type, tensor.shape, range)?;
        stored.tensors.insert(name, located);
    }
    stored.files.push(file);
    Ok(())
}

/// The pickle, and the other entries by their names less the archive's folder.
fn read_zip(
    path: &Path,
    file: BufReader<std::fs::File>,
) -> Result<(Vec<u8>, HashMap<String, Entry>), Failure> {
    let wrong = |e: &dyn std::fmt::Display| broken(path, &format!("as a PyTorch zip file: {e}"));
    let mut zip = zip::ZipArchive::new(file).map_err(|e| wrong(&e))?;
    let mut pickle = None;
    let mut entries = HashMap::new();
    for i in 0..zip.len() {
        let mut entry = zip.by_index_raw(i).map_err(|e| wrong(&e))?;
        if entry.compression() != zip::CompressionMethod::Stored || entry.encrypted() {
            return Err(wrong(&"an entry is compressed"));
        }
        let size_bytes = entry.size();
        let at = entry.data_start().ok_or_else(|| wrong(&"an entry has no data"))?;
        let name = entry.name().map_err(|e| wrong(&e))?.into_owned();
        let name = name.split_once('/').map_or(name.as_str(), |(_, name)| name).to_owned();
        match name.as_str() {
            "data.pkl" if size_bytes > MAX_PICKLE_BYTES => return Err(wrong(&"its pickle is too long")),
            "data.pkl" => {
                let mut bytes = Vec::new();
                let read = entry.by_ref().take(MAX_PICKLE_BYTES).read_to_end(&mut bytes);
                read.map_err(|e| io_failure(path, &e))?;
                pickle = Some(bytes);
            }
            "byteorder" => {
                let mut order = String::new();
                entry.by_ref().take(16).read_to_string(&mut order).map_err(|e| io_failure(path, &e))?;
                if order.trim() != "little" {
                    return Err(wrong(&format!("byte order {order:?}")));
                }
            }
            _ => {
                entries.insert(name, Entry { at, size_bytes });
            }
        }
    }
    Ok((pickle.ok_or_else(|| wrong(&"no data.pkl"))?, entries))
}

/// The state dictionary's entries.
fn read_pickle(path: &Path, pickle: &[u8]) -> Result<Vec<(Object, Object)>, Failure> {
    scan::scan(pickle).map_err(|refusal| match refusal {
        scan::Refusal::Broken(why) => broken(path, &format!("its pickle: {why}")),
        scan::Refusal::Foreign(what) => Failure::new(
            FailureKind::Input,
            Text::new("failure.pickle_refused").arg("file", path.display()).arg("what", what),
        )
        .hint(Text::new("failure.pickle_refused_hint")),
    })?;
    let mut stack = Stack::empty();
    let state = stack.read_loop(&mut &*pickle).and_then(|()| stack.finalize());
    match state.map_err(|e| broken(path, &format!("its pickle: {e}")))? {
        Object::Dict(entries) => Ok(entries),
        _ => Err(broken(path, "its pickle holds no dictionary of tensors")),
    }
}

struct PickledTensor {
    /// `FloatStorage`
    storage: String,
    /// Names the bytes' entry.
    key: String,
    /// In elements.
    offset: u64,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl PickledTensor {
    fn is_contiguous(&self) -> bool {
        let mut stride = 1;
        self.strides.len() == self.shape.len()
            && self.shape.iter().zip(&self.strides).rev().all(|(d, s)| {
                let fits = *s == stride || *d == 1;
                stride = stride.saturating_mul(*d);
                fits
            })
    }
}

/// `_rebuild_tensor_v2(storage, offset, shape, strides, …)`, bare or inside `_rebuild_parameter(…)`.
fn tensor(value: &Object) -> Option<PickledTensor> {
    let (name, args) = call(value)?;
    let (name, args) = if name == "_rebuild_parameter" { call(args.first()?)? } else { (name, args) };
    let [Object::PersistentLoad(storage), offset, Object::Tuple(shape), Object::Tuple(strides), ..] = args
    else {
        return None;
    };
    let Object::Tuple(storage) = &**storage else { return None };
    let [_, Object::Class { class_name, .. }, Object::Unicode(key), ..] = storage.as_slice() else {
        return None;
    };
    (name == "_rebuild_tensor_v2").then_some(())?;
    Some(PickledTensor {
        storage: class_name.clone(),
        key: key.clone(),
        offset: integer(offset)?,
        shape: sizes(shape)?,
        strides: sizes(strides)?,
    })
}

fn call(value: &Object) -> Option<(&str, &[Object])> {
    let Object::Reduce { callable, args } = value else { return None };
    match (&**callable, &**args) {
        (Object::Class { class_name, .. }, Object::Tuple(args)) => Some((class_name, args)),
        _ => None,
    }
}

fn integer(value: &Object) -> Option<u64> {
    match value {
        Object::Int(n) => u64::try_from(*n).ok(),
        Object::Long(n) => u64::try_from(*n).ok(),
        _ => None,
    }
}

fn sizes(values: &[Object]) -> Option<Vec<usize>> {
    values.iter().map(|v| usize::try_from(integer(v)?).ok()).collect()
}

fn element_type(storage: &str) -> ElementType {
    match storage {
        "FloatStorage" => ElementType::F32,
        "HalfStorage" => ElementType::F16,
        "BFloat16Storage" => ElementType::BF16,
        other => ElementType::Other(other.trim_end_matches("Storage").to_owned()),
    }
}
