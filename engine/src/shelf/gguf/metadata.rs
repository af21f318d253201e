//! A GGUF file's metadata, once read: values by key, with failures that name file and key.

use crate::shelf::file;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Every width of integer, signed or not.
    Int(i128),
    Float(f64),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    Numbers(Numbers),
    /// Lists of lists: passed over.
    Nested,
}

/// A list of numbers or truth values, kept as the bytes of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    pub kind: NumberKind,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberKind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    U64,
    I64,
    F64,
}

impl NumberKind {
    /// By the number GGUF gives it.
    #[must_use]
    pub fn of(code: u32) -> Option<Self> {
        Some(match code {
            0 => Self::U8,
            1 => Self::I8,
            2 => Self::U16,
            3 => Self::I16,
            4 => Self::U32,
            5 => Self::I32,
            6 => Self::F32,
            7 => Self::Bool,
            10 => Self::U64,
            11 => Self::I64,
            12 => Self::F64,
            _ => return None,
        })
    }

    #[must_use]
    pub fn size_bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// `bytes` is one number, little endian.
    #[must_use]
    pub fn read(self, bytes: &[u8]) -> Value {
        let mut wide = [0u8; 8];
        wide[..bytes.len().min(8)].copy_from_slice(&bytes[..bytes.len().min(8)]);
        let raw = u64::from_le_bytes(wide);
        match self {
            Self::U8 | Self::U16 | Self::U32 | Self::U64 => Value::Int(raw.into()),
            Self::I8 => Value::Int((raw as u8).cast_signed().into()),
            Self::I16 => Value::Int((raw as u16).cast_signed().into()),
            Self::I32 => Value::Int((raw as u32).cast_signed().into()),
            Self::I64 => Value::Int(raw.cast_signed().into()),
            Self::Bool => Value::Bool(raw != 0),
            Self::F32 => Value::Float(f32::from_bits(raw as u32).into()),
            Self::F64 => Value::Float(f64::from_bits(raw)),
        }
    }
}

impl Numbers {
    pub fn iter(&self) -> impl Iterator<Item = Value> + '_ {
        self.bytes.chunks_exact(self.kind.size_bytes()).map(|bytes| self.kind.read(bytes))
    }
}

/// All values of a file.
#[derive(Clone, Debug)]
pub struct Metadata {
    file: PathBuf,
    values: HashMap<String, Value>,
}

impl Metadata {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), values: HashMap::new() }
    }

    pub(super) fn insert(&mut self, key: String, value: Value) {
        self.values.insert(key, value);
    }

    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// # Errors
    /// When the value is no text.
    pub fn text(&self, key: &str) -> Result<Option<&str>, Failure> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.bad_key(key)),
        }
    }

    /// # Errors
    /// When the value is no number that counts something.
    pub fn size(&self, key: &str) -> Result<Option<usize>, Failure> {
        match self.get(key) {
            None => Ok(None),
            // Token ids of -1 mean none.
            Some(Value::Int(-1)) => Ok(None),
            Some(Value::Int(n)) => usize::try_from(*n).map(Some).map_err(|_| self.bad_key(key)),
            Some(_) => Err(self.bad_key(key)),
        }
    }

    /// # Errors
    /// When the value is no number.
    pub fn float(&self, key: &str) -> Result<Option<f64>, Failure> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Float(f)) => Ok(Some(*f)),
            Some(Value::Int(n)) => Ok(Some(*n as f64)),
            Some(_) => Err(self.bad_key(key)),
        }
    }

    /// # Errors
    /// When the value is neither true nor false.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, Failure> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(b)) => Ok(Some(*b)),
            Some(_) => Err(self.bad_key(key)),
        }
    }

    /// # Errors
    /// When the value is no list of texts.
    pub fn texts(&self, key: &str) -> Result<Option<&[String]>, Failure> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Texts(texts)) => Ok(Some(texts)),
            Some(_) => Err(self.bad_key(key)),
        }
    }

    /// # Errors
    /// When the value is no list of integers.
    pub fn ints(&self, key: &str) -> Result<Option<Vec<i64>>, Failure> {
        let int = |value: Value| match value {
            Value::Int(n) => i64::try_from(n).map_err(|_| self.bad_key(key)),
            _ => Err(self.bad_key(key)),
        };
        match self.get(key) {
            None => Ok(None),
            Some(Value::Numbers(numbers)) => numbers.iter().map(int).collect::<Result<_, _>>().map(Some),
            Some(_) => Err(self.bad_key(key)),
        }
    }

    /// # Errors
    /// When the value is no list of floats.
    pub fn floats(&self, key: &str) -> Result<Option<Vec<f32>>, Failure> {
        let float = |value: Value| match value {
            Value::Float(f) => Ok(f as f32),
            _ => Err(self.bad_key(key)),
        };
        match self.get(key) {
            None => Ok(None),
            Some(Value::Numbers(numbers)) => numbers.iter().map(float).collect::<Result<_, _>>().map(Some),
            Some(_) => Err(self.bad_key(key)),
        }
    }

    /// The key is missing, or what it says makes no sense.
    #[must_use]
    pub fn bad_key(&self, key: &str) -> Failure {
        let summary = Text::new("failure.gguf_key").arg("file", self.file.display()).arg("key", key);
        Failure::new(FailureKind::Input, summary).hint(Text::new("failure.gguf_key_hint"))
    }

    /// Something else is wrong with the file.
    #[must_use]
    pub fn broken(&self, why: &str) -> Failure {
        file::broken(&self.file, why)
    }
}
