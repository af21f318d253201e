//! Tensors lying in files at known places: what safetensors and PyTorch's zip files have in common. Headers fill
//! the table, checked against the files' lengths; loading reads each tensor once and lets the files go.
//!
//! Reading, not mapping: a mapped file that is cut short by another program takes the process down with it.

use super::LoadProgress;
use super::file::{broken, changed, io_failure, open_regular, tensor_failure};
use crate::models::{TensorNeed, WeightSource};
use crate::nn::Weight;
use crate::nn::quant::{BlockType, Packed};
use anyhow::Result;
use candle_core::{Device, Tensor};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Read between two reports of progress.
const CHUNK_BYTES: usize = 4 << 20;

/// How a tensor's elements are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElementType {
    F32,
    F16,
    BF16,
    /// Anything that is not read: refused by its name if the model needs it.
    Other(String),
}

impl ElementType {
    pub fn size_bytes(&self) -> Option<u64> {
        match self {
            Self::F32 => Some(4),
            Self::F16 | Self::BF16 => Some(2),
            Self::Other(_) => None,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Other(name) => name,
        }
    }
}

/// Where a tensor lies. **Invariant:** for types that are read, shape and type make `size_bytes`, and
/// `at + size_bytes` is within the file as it was when its header was read.
#[derive(Clone, Debug)]
pub struct Located {
    pub file_idx: usize,
    pub element_type: ElementType,
    pub shape: Vec<usize>,
    pub at: u64,
    pub size_bytes: u64,
}

/// A file and its length when its header was read.
#[derive(Clone, Debug)]
pub struct StoredFile {
    pub path: PathBuf,
    pub len: u64,
}

/// All tensors of a checkpoint.
#[derive(Debug, Default)]
pub struct Stored {
    pub files: Vec<StoredFile>,
    pub tensors: HashMap<String, Located>,
}

impl Stored {
    /// Checks that every tensor of `needs` is there, in its shape, in a type that can be read.
    ///
    /// # Errors
    /// `Failure { Input | Missing }` naming file and tensor.
    pub fn check(&self, needs: &[TensorNeed]) -> Result<(), Failure> {
        needs.iter().try_for_each(|need| self.find(need).map(drop))
    }

    /// # Errors
    /// As [`Self::check`].
    pub fn find(&self, need: &TensorNeed) -> Result<(&str, &Located), Failure> {
        let names = [Some(&need.name), need.other_name.as_ref()];
        let found = names.into_iter().flatten().find_map(|name| self.tensors.get_key_value(name));
        let Some((name, located)) = found else {
            let file = self.files.first().map_or(Path::new(""), |f| &f.path);
            return Err(tensor_failure(FailureKind::Missing, "failure.tensor_missing", file, &need.name)
                .hint(Text::new("failure.tensor_missing_hint")));
        };
        let file = &self.files[located.file_idx].path;
        if located.shape != need.shape {
            let mut failure = tensor_failure(FailureKind::Input, "failure.tensor_shape", file, name);
            failure.summary = failure.summary.arg("got", dims(&located.shape)).arg("want", dims(&need.shape));
            return Err(failure.hint(Text::new("failure.tensor_shape_hint")));
        }
        if located.element_type.size_bytes().is_none() {
            let mut failure = tensor_failure(FailureKind::Input, "failure.tensor_type", file, name);
            failure.summary = failure.summary.arg("stored", located.element_type.name());
            return Err(failure.hint(Text::new("failure.tensor_type_hint")));
        }
        Ok((name, located))
    }

    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|f| f.len).sum()
    }

    /// What the tensors of `needs` take once they are loaded; those that are missing count nothing.
    pub fn loaded_bytes(&self, needs: &[TensorNeed]) -> u64 {
        let bytes = |need: &TensorNeed| {
            let (_, located) = self.find(need).ok()?;
            let n: u64 = need.shape.iter().map(|d| *d as u64).product();
            let kept = need.shape.len() == 2 && !need.widened;
            Some(n * if kept { located.element_type.size_bytes()? } else { 4 })
        };
        needs.iter().filter_map(bytes).sum()
    }

    /// The type that most elements of `needs` are stored in.
    pub fn main_type(&self, needs: &[TensorNeed]) -> String {
        let mut elements: BTreeMap<&str, u64> = BTreeMap::new();
        for need in needs {
            if let Ok((_, located)) = self.find(need) {
                let n = need.shape.iter().map(|d| *d as u64).product::<u64>();
                *elements.entry(located.element_type.name()).or_default() += n;
            }
        }
        elements.into_iter().max_by_key(|(_, n)| *n).map_or_else(String::new, |(name, _)| name.to_owned())
    }

    /// Opens the files for reading tensors, of `total` bytes in all.
    ///
    /// # Errors
    /// When a file is gone or has another length than its header was read with.
    pub fn reader<'a>(&'a self, total: u64, progress: LoadProgress<'a>) -> Result<Reader<'a>> {
        let open = |stored: &StoredFile| {
            let (file, len) = open_regular(&stored.path)?;
            if len != stored.len {
                return Err(changed(&stored.path).into());
            }
            Ok(file)
        };
        let files = self.files.iter().map(open).collect::<Result<_>>()?;
        Ok(Reader { stored: self, files, done: Cell::new(0), total, progress })
    }
}

/// A [`WeightSource`] over open files.
pub struct Reader<'a> {
    stored: &'a Stored,
    files: Vec<File>,
    done: Cell<u64>,
    total: u64,
    progress: LoadProgress<'a>,
}

impl Reader<'_> {
    /// The tensor's bytes, chunk by chunk.
    fn read(&self, located: &Located, mut take: impl FnMut(&[u8])) -> Result<()> {
        let path = &self.stored.files[located.file_idx].path;
        let mut file = &self.files[located.file_idx];
        file.seek(SeekFrom::Start(located.at)).map_err(|e| io_failure(path, &e))?;
        let mut left = located.size_bytes;
        let mut chunk = vec![0u8; left.min(CHUNK_BYTES as u64) as usize];
        while left > 0 {
            (self.progress)(self.done.get(), self.total)?;
            let n = left.min(CHUNK_BYTES as u64) as usize;
            file.read_exact(&mut chunk[..n]).map_err(|e| match e.kind() {
                std::io::ErrorKind::UnexpectedEof => changed(path),
                _ => io_failure(path, &e),
            })?;
            take(&chunk[..n]);
            left -= n as u64;
            self.done.set(self.done.get() + n as u64);
        }
        Ok(())
    }

    fn floats(&self, located: &Located) -> Result<Vec<f32>> {
        let mut out = Vec::with_capacity(located.shape.iter().product());
        self.read(located, |bytes| match located.element_type {
            ElementType::F32 => {
                out.extend(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)));
            }
            ElementType::F16 => {
                out.extend(bytes.as_chunks::<2>().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()));
            }
            ElementType::BF16 => {
                out.extend(bytes.as_chunks::<2>().0.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()));
            }
            ElementType::Other(_) => {}
        })?;
        Ok(out)
    }

    fn locate(&self, name: &str, shape: &[usize]) -> Result<&Located> {
        Ok(self.stored.find(&TensorNeed::new(name, shape))?.1)
    }
}

impl WeightSource for Reader<'_> {
    fn has(&self, name: &str) -> bool {
        self.stored.tensors.contains_key(name)
    }

    fn dense(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let floats = self.floats(self.locate(name, shape)?)?;
        Ok(Tensor::from_vec(floats, shape, &Device::Cpu)?)
    }

    fn linear(&self, name: &str, n_out: usize, n_in: usize) -> Result<Weight> {
        let located = self.locate(name, &[n_out, n_in])?;
        let block_type = match located.element_type {
            ElementType::F16 => BlockType::F16,
            ElementType::BF16 => BlockType::BF16,
            _ => return Ok(Weight::Dense(self.dense(name, &[n_out, n_in])?)),
        };
        let mut bytes = Vec::with_capacity(located.size_bytes as usize);
        self.read(located, |chunk| bytes.extend_from_slice(chunk))?;
        Ok(Weight::Packed(Packed::new(block_type, n_out, n_in, &bytes)?))
    }
}

/// Checks a tensor's place against its file: `Located`, or what is wrong.
///
/// # Errors
/// `Failure { Input }` naming the file.
pub fn locate(
    file_idx: usize,
    file: &StoredFile,
    name: &str,
    element_type: ElementType,
    shape: Vec<usize>,
    range: std::ops::Range<u64>,
) -> Result<Located, Failure> {
    let wrong = |why: &str| Err(broken(&file.path, &format!("{name}: {why}")));
    if range.start > range.end || range.end > file.len {
        return wrong("the tensor ends past the file");
    }
    let size_bytes = range.end - range.start;
    let n = shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d as u64));
    match (n, element_type.size_bytes()) {
        (None, _) => return wrong("its shape is too large"),
        (Some(n), Some(size)) if n.checked_mul(size) != Some(size_bytes) => {
            return wrong(&format!("{} in {} is not {size_bytes} bytes", dims(&shape), element_type.name()));
        }
        _ => {}
    }
    Ok(Located { file_idx, element_type, shape, at: range.start, size_bytes })
}

fn dims(shape: &[usize]) -> String {
    format!("{shape:?}")
}
