//! Reads tensors under their Hugging Face names, and undoes what the converter has done to them.
//!
//! Reading, not mapping: a mapped file that is cut short by another program takes the process down with it.

use super::header::{Header, TensorInfo};
use super::names::{Names, Order};
use super::tensor_type::TensorType;
use crate::models::{ModelConfig, TensorNeed, WeightSource};
use crate::nn::Weight;
use crate::nn::quant::Packed;
use crate::shelf::LoadProgress;
use crate::shelf::file::{changed, io_failure, open_regular, tensor_failure};
use anyhow::Result;
use candle_core::{Device, Tensor};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::cell::Cell;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// Read between two reports of progress.
const CHUNK_BYTES: usize = 4 << 20;

/// Checks that every tensor of `needs` is there, in its shape, in a type that can be read.
pub(super) fn check(header: &Header, names: &Names, needs: &[TensorNeed]) -> Result<(), Failure> {
    needs.iter().try_for_each(|need| find(header, names, need).map(drop))
}

pub(super) fn find<'h>(
    header: &'h Header,
    names: &Names,
    need: &TensorNeed,
) -> Result<&'h TensorInfo, Failure> {
    let file = header.metadata.file();
    let name = names.in_gguf(&need.name).unwrap_or_else(|| need.name.clone());
    let Some(info) = header.tensors.get(&name) else {
        return Err(tensor_failure(FailureKind::Missing, "failure.tensor_missing", file, &name)
            .hint(Text::new("failure.tensor_missing_hint")));
    };
    if info.shape != need.shape {
        let mut failure = tensor_failure(FailureKind::Input, "failure.tensor_shape", file, &name);
        failure.summary =
            failure.summary.arg("got", format!("{:?}", info.shape)).arg("want", format!("{:?}", need.shape));
        return Err(failure.hint(Text::new("failure.tensor_shape_hint")));
    }
    if let TensorType::Other(code) = info.tensor_type {
        let mut failure = tensor_failure(FailureKind::Input, "failure.tensor_type", file, &name);
        failure.summary = failure.summary.arg("stored", info.tensor_type.name());
        return Err(failure
            .hint(Text::new("failure.tensor_type_hint"))
            .detail(format!("type {code} of ggml")));
    }
    Ok(info)
}

/// In memory: matrices as they are stored, everything else as f32.
pub(super) fn loaded_bytes(header: &Header, names: &Names, need: &TensorNeed) -> Option<u64> {
    let info = find(header, names, need).ok()?;
    let elements: u64 = need.shape.iter().map(|d| *d as u64).product();
    match (&need.shape[..], info.tensor_type) {
        ([rows, cols], TensorType::Block(block_type)) if !need.widened => {
            block_type.loaded_bytes(*rows, *cols)
        }
        _ => Some(elements * 4),
    }
}

/// A small tensor of floats, while the header is read.
pub(super) fn read_floats(path: &Path, name: &str, info: &TensorInfo, len: u64) -> Result<Vec<f32>, Failure> {
    if info.tensor_type != TensorType::F32 {
        let mut failure = tensor_failure(FailureKind::Input, "failure.tensor_type", path, name);
        failure.summary = failure.summary.arg("stored", info.tensor_type.name());
        return Err(failure.hint(Text::new("failure.tensor_type_hint")));
    }
    let (file, now) = open_regular(path)?;
    if now != len {
        return Err(changed(path));
    }
    let mut bytes = vec![0; info.size_bytes as usize];
    read_at(path, &file, info.at, &mut bytes)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}

fn read_at(path: &Path, mut file: &File, at: u64, out: &mut [u8]) -> Result<(), Failure> {
    file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(out)).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => changed(path),
        _ => io_failure(path, &error),
    })
}

/// A [`WeightSource`] over an open file.
pub(super) struct Reader<'a> {
    header: &'a Header,
    names: &'a Names,
    config: &'a ModelConfig,
    file: File,
    done: Cell<u64>,
    total: u64,
    progress: LoadProgress<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn open(
        header: &'a Header,
        names: &'a Names,
        config: &'a ModelConfig,
        total: u64,
        progress: LoadProgress<'a>,
    ) -> Result<Self> {
        let path = header.metadata.file();
        let (file, len) = open_regular(path)?;
        if len != header.file_len {
            return Err(changed(path).into());
        }
        Ok(Self { header, names, config, file, done: Cell::new(0), total, progress })
    }

    /// The tensor's bytes, its rows in Hugging Face's order.
    fn read(&self, name: &str, info: &TensorInfo) -> Result<Vec<u8>> {
        let path = self.header.metadata.file();
        let mut bytes = vec![0; info.size_bytes as usize];
        for (i, chunk) in bytes.chunks_mut(CHUNK_BYTES).enumerate() {
            (self.progress)(self.done.get(), self.total)?;
            read_at(path, &self.file, info.at + (i * CHUNK_BYTES) as u64, chunk)?;
            self.done.set(self.done.get() + chunk.len() as u64);
        }
        let head_width = self.config.shape.head_width;
        Ok(match self.names.order_of(name) {
            Some(order) => move_back(&bytes, info.shape[0], head_width, order),
            None => bytes,
        })
    }

    fn find(&self, name: &str, shape: &[usize]) -> Result<&TensorInfo> {
        Ok(find(self.header, self.names, &TensorNeed::new(name, shape))?)
    }
}

impl WeightSource for Reader<'_> {
    fn has(&self, name: &str) -> bool {
        self.names.in_gguf(name).is_some_and(|name| self.header.tensors.contains_key(&name))
    }

    fn dense(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let info = self.find(name, shape)?;
        let bytes = self.read(name, info)?;
        let mut floats = match info.tensor_type {
            TensorType::Block(block_type) => {
                let cols = shape.last().copied().unwrap_or(1);
                let rows: usize = shape.iter().rev().skip(1).product();
                let mut floats = vec![0.0; rows * cols];
                Packed::new(block_type, rows, cols, &bytes)?.dequantise_rows(0..rows, &mut floats);
                floats
            }
            _ => bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        };
        if self.names.norms_hold_one && name.ends_with("norm.weight") {
            floats.iter_mut().for_each(|w| *w -= 1.0);
        }
        Ok(Tensor::from_vec(floats, shape, &Device::Cpu)?)
    }

    fn linear(&self, name: &str, n_out: usize, n_in: usize) -> Result<Weight> {
        let info = self.find(name, &[n_out, n_in])?;
        match info.tensor_type {
            TensorType::Block(block_type) => {
                Ok(Weight::Packed(Packed::new(block_type, n_out, n_in, &self.read(name, info)?)?))
            }
            _ => Ok(Weight::Dense(self.dense(name, &[n_out, n_in])?)),
        }
    }
}

/// The rows in Hugging Face's order. Whole rows move as bytes, so that quantised ones stay exact. A bias's rows are its
/// numbers.
fn move_back(bytes: &[u8], n_rows: usize, head_width: usize, order: Order) -> Vec<u8> {
    let row_bytes = bytes.len() / n_rows;
    let half = head_width / 2;
    let mut out = Vec::with_capacity(bytes.len());
    for row in 0..n_rows {
        let from = match order {
            Order::Pairs => {
                let (head, i) = (row / head_width, row % head_width);
                head * head_width + i % half * 2 + i / half
            }
            Order::Thirds => {
                let (head, part, i) = (row / (3 * head_width), row / head_width % 3, row % head_width);
                part * (n_rows / 3) + head * head_width + i
            }
        };
        out.extend_from_slice(&bytes[from * row_bytes..(from + 1) * row_bytes]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_back() {
        // Heads of width 4, rows of two bytes.
        let bytes = |rows: &[u8]| rows.iter().flat_map(|r| [*r, r + 100]).collect::<Vec<u8>>();
        let check = |stored: &[u8], order, want: &[u8]| {
            assert_eq!(move_back(&bytes(stored), stored.len(), 4, order), bytes(want));
        };
        check(&[0, 2, 1, 3, 4, 6, 5, 7], Order::Pairs, &[0, 1, 2, 3, 4, 5, 6, 7]);
        let stored = [
            [0, 1, 2, 3],
            [12, 13, 14, 15],
            [4, 5, 6, 7],
            [16, 17, 18, 19],
            [8, 9, 10, 11],
            [20, 21, 22, 23],
        ];
        check(&stored.concat(), Order::Thirds, &(0..24).collect::<Vec<u8>>());
    }
}
