//! Reads the header: every count and length is checked against what is left of the file before anything is made
//! of it.

use super::metadata::{Metadata, NumberKind, Numbers, Value};
use super::tensor_type::TensorType;
use crate::shelf::file::{broken, io_failure, open_regular};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

const MAGIC: &[u8; 4] = b"GGUF";
/// Of the whole metadata. The largest vocabularies take some 10 MB.
const MAX_METADATA_BYTES: u64 = 256 << 20;
const MAX_RANK: u32 = 4;
const MAX_NESTING: u32 = 4;
/// A name's length, its rank, one dimension, its type and its place.
const LEAST_TENSOR_BYTES: u64 = 8 + 4 + 8 + 4 + 8;
/// A key's length, a value's type and one byte of it.
const LEAST_VALUE_BYTES: u64 = 8 + 4 + 1;

/// What stands before the weights.
#[derive(Clone, Debug)]
pub struct Header {
    pub metadata: Metadata,
    pub tensors: HashMap<String, TensorInfo>,
    /// When the header was read.
    pub file_len: u64,
}

/// Where a tensor lies. **Invariant:** for types that are read, shape and type make `size_bytes`, and
/// `at + size_bytes` is within the file as it was when its header was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Rows first, the other way round than the file has it.
    pub shape: Vec<usize>,
    pub tensor_type: TensorType,
    pub at: u64,
    pub size_bytes: u64,
}

pub(super) fn has_magic(path: &Path) -> bool {
    let mut magic = [0; 4];
    open_regular(path).is_ok_and(|(mut file, _)| file.read_exact(&mut magic).is_ok()) && &magic == MAGIC
}

impl Header {
    /// # Errors
    /// `Failure` naming the file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let (file, file_len) = open_regular(path)?;
        let mut input = Input {
            path,
            file: BufReader::new(file),
            at: 0,
            len: file_len,
            metadata_left: MAX_METADATA_BYTES,
        };
        if &input.bytes::<4>()? != MAGIC {
            return Err(broken(path, "no GGUF file"));
        }
        let version = input.u32()?;
        if matches!(version.swap_bytes(), 1..=3) {
            return Err(Failure::new(
                FailureKind::Input,
                Text::new("failure.gguf_big_endian").arg("file", path.display()),
            )
            .hint(Text::new("failure.gguf_big_endian_hint")));
        }
        if !matches!(version, 2 | 3) {
            let summary =
                Text::new("failure.gguf_version").arg("file", path.display()).arg("version", version);
            return Err(
                Failure::new(FailureKind::Input, summary).hint(Text::new("failure.gguf_version_hint"))
            );
        }
        let n_tensors = input.count(LEAST_TENSOR_BYTES, "tensors")?;
        let n_values = input.count(LEAST_VALUE_BYTES, "metadata values")?;
        let mut metadata = Metadata::new(path);
        for _ in 0..n_values {
            let key = input.text()?;
            let code = input.u32()?;
            let value = input.value(code, 0).map_err(|failure| name(failure, &key))?;
            metadata.insert(key, value);
        }
        let mut infos = Vec::new();
        for _ in 0..n_tensors {
            let name = input.text()?;
            infos.push((name, input.tensor()?));
        }
        let data_at = align(input.at, alignment(&metadata)?).ok_or_else(|| broken(path, "too long"))?;
        let mut tensors = HashMap::with_capacity(infos.len());
        for (name, info) in infos {
            let info = place(path, &name, info, data_at, file_len)?;
            if tensors.insert(name.clone(), info).is_some() {
                return Err(broken(path, &format!("the tensor {name} is there twice")));
            }
        }
        Ok(Self { metadata, tensors, file_len })
    }
}

/// Puts the key before what is wrong with its value.
fn name(failure: Failure, key: &str) -> Failure {
    let detail = format!("{key}: {}", failure.detail);
    failure.detail(detail)
}

fn alignment(metadata: &Metadata) -> Result<u64, Failure> {
    const KEY: &str = "general.alignment";
    match metadata.size(KEY)? {
        None => Ok(32),
        Some(alignment) if alignment > 0 && alignment.is_multiple_of(8) && alignment <= 1 << 20 => {
            Ok(alignment as u64)
        }
        Some(_) => Err(metadata.bad_key(KEY)),
    }
}

fn align(at: u64, alignment: u64) -> Option<u64> {
    at.checked_next_multiple_of(alignment)
}

/// `info.at` becomes the place in the file; the size is checked against it.
fn place(
    path: &Path,
    name: &str,
    info: TensorInfo,
    data_at: u64,
    file_len: u64,
) -> Result<TensorInfo, Failure> {
    let wrong = |why: &str| broken(path, &format!("{name}: {why}"));
    let at = data_at.checked_add(info.at).ok_or_else(|| wrong("the tensor begins past the file"))?;
    let size_bytes = match info.tensor_type {
        TensorType::Other(_) => 0,
        known => {
            let cols = info.shape.last().copied().unwrap_or(1);
            let rows = info.shape.iter().rev().skip(1).try_fold(1u64, |n, d| n.checked_mul(*d as u64));
            let row = known.row_bytes(cols).ok_or_else(|| wrong("its rows are no whole blocks"))?;
            rows.and_then(|rows| rows.checked_mul(row as u64))
                .ok_or_else(|| wrong("its shape is too large"))?
        }
    };
    match at.checked_add(size_bytes) {
        Some(end) if end <= file_len => Ok(TensorInfo { at, size_bytes, ..info }),
        _ => Err(wrong("the tensor ends past the file")),
    }
}

struct Input<'p> {
    path: &'p Path,
    file: BufReader<File>,
    at: u64,
    len: u64,
    metadata_left: u64,
}

impl Input<'_> {
    fn left(&self) -> u64 {
        self.len.saturating_sub(self.at)
    }

    fn read(&mut self, out: &mut [u8]) -> Result<(), Failure> {
        self.file.read_exact(out).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => broken(self.path, "the file ends within its header"),
            _ => io_failure(self.path, &error),
        })?;
        self.at += out.len() as u64;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let mut bytes = [0; N];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, Failure> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64, Failure> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    /// A number of things that take at least so many bytes each.
    fn count(&mut self, least_bytes: u64, what: &str) -> Result<u64, Failure> {
        let n = self.u64()?;
        if n > self.left() / least_bytes {
            return Err(broken(self.path, &format!("{n} {what} in {} bytes", self.left())));
        }
        Ok(n)
    }

    fn some_bytes(&mut self, n: u64) -> Result<Vec<u8>, Failure> {
        if n > self.left() {
            return Err(broken(self.path, &format!("a value of {n} bytes with {} left", self.left())));
        }
        self.charge(n)?;
        let mut bytes = vec![0; n as usize];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<String, Failure> {
        let n = self.u64()?;
        let bytes = self.some_bytes(n)?;
        // Vocabularies hold pieces of characters here and there.
        Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    fn value(&mut self, code: u32, nesting: u32) -> Result<Value, Failure> {
        match (NumberKind::of(code), code) {
            (Some(kind), _) => {
                let mut bytes = [0; 8];
                let bytes = &mut bytes[..kind.size_bytes()];
                self.read(bytes)?;
                Ok(kind.read(bytes))
            }
            (None, 8) => self.text().map(Value::Text),
            (None, 9) => self.list(nesting),
            (None, code) => Err(broken(self.path, &format!("a value of the unknown type {code}"))),
        }
    }

    fn list(&mut self, nesting: u32) -> Result<Value, Failure> {
        if nesting >= MAX_NESTING {
            return Err(broken(self.path, "lists in lists in lists"));
        }
        let code = self.u32()?;
        match (NumberKind::of(code), code) {
            (Some(kind), _) => {
                let n = self.count(kind.size_bytes() as u64, "numbers")?;
                let bytes = self.some_bytes(n * kind.size_bytes() as u64)?;
                Ok(Value::Numbers(Numbers { kind, bytes }))
            }
            (None, 8) => {
                let n = self.count(8, "texts")?;
                // In memory a text takes more than the 8 bytes it may have in the file.
                self.charge(n * 24)?;
                let mut texts = Vec::with_capacity(n as usize);
                for _ in 0..n {
                    texts.push(self.text()?);
                }
                Ok(Value::Texts(texts))
            }
            (None, 9) => {
                let n = self.count(12, "lists")?;
                for _ in 0..n {
                    self.list(nesting + 1)?;
                }
                Ok(Value::Nested)
            }
            (None, code) => Err(broken(self.path, &format!("a list of the unknown type {code}"))),
        }
    }

    fn charge(&mut self, n: u64) -> Result<(), Failure> {
        let left = self.metadata_left.checked_sub(n);
        self.metadata_left = left
            .ok_or_else(|| broken(self.path, &format!("more than {MAX_METADATA_BYTES} bytes of metadata")))?;
        Ok(())
    }

    /// As it stands in the file: `at` counts from where the weights begin.
    fn tensor(&mut self) -> Result<TensorInfo, Failure> {
        let rank = self.u32()?;
        if rank == 0 || rank > MAX_RANK {
            return Err(broken(self.path, &format!("a tensor of {rank} dimensions")));
        }
        let mut shape = Vec::with_capacity(rank as usize);
        for _ in 0..rank {
            let n = self.u64()?;
            let n = usize::try_from(n).ok().filter(|n| *n > 0);
            shape.push(n.ok_or_else(|| broken(self.path, "a tensor with an impossible dimension"))?);
        }
        shape.reverse();
        let tensor_type = TensorType::of(self.u32()?);
        let at = self.u64()?;
        Ok(TensorInfo { shape, tensor_type, at, size_bytes: 0 })
    }
}
