//! Weights kept as narrow as they are stored: block-quantised, or half-width floats. The types that have products of
//! their own are laid out anew at load, once, for the kernels; no whole matrix in f32 is made of any. No file format
//! lives here.
//!
//! Digits of the dequantisers are those of the `gguf` reference package, operation for operation, on every
//! processor.

mod block_type;
mod blocks;
#[cfg(test)]
mod tests;
mod wide;

pub use block_type::BlockType;

use anyhow::{Context, Result, ensure};
use candle_core::{Device, Tensor};
use glassworks_kernels::pool;
use glassworks_kernels::quant::Quantised;
use glassworks_kernels::slab::Slab;
use std::ops::Range;
use std::sync::Arc;

/// A matrix `[rows, cols]` in blocks along its rows.
#[derive(Clone)]
pub struct Packed {
    block_type: BlockType,
    rows: usize,
    cols: usize,
    stored: Stored,
}

#[derive(Clone)]
enum Stored {
    /// As they came.
    Bytes(Arc<Slab>),
    /// As the kernels' products want them.
    Panels(Arc<Quantised>),
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Packed({} [{}, {}])", self.block_type.name(), self.rows, self.cols)
    }
}

impl Packed {
    /// Copies `bytes`, which must be exactly `rows` rows of `cols` elements.
    pub fn new(block_type: BlockType, rows: usize, cols: usize, bytes: &[u8]) -> Result<Self> {
        let row_bytes = block_type.row_bytes(cols).with_context(|| {
            format!("rows of {cols} elements do not divide into blocks of {}", block_type.name())
        })?;
        let size = row_bytes.checked_mul(rows).context("the matrix is too large")?;
        ensure!(rows > 0 && cols > 0, "a matrix of {rows} × {cols} is empty");
        ensure!(bytes.len() == size, "{} bytes where a matrix of {rows} × {cols} takes {size}", bytes.len());
        let stored = match block_type.quantised() {
            Some(quant_type) => Stored::Panels(Arc::new(Quantised::repack(quant_type, rows, cols, bytes))),
            None => Stored::Bytes(Arc::new(Slab::of(bytes))),
        };
        Ok(Self { block_type, rows, cols, stored })
    }

    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }

    #[must_use]
    pub fn block_type(&self) -> BlockType {
        self.block_type
    }

    /// In memory.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        match &self.stored {
            Stored::Bytes(bytes) => bytes.len() as u64,
            Stored::Panels(panels) => panels.size_bytes() as u64,
        }
    }

    /// The rows in `rows` as f32, one after the other, into `out`.
    ///
    /// # Panics
    /// When `rows` ends past the matrix or `out` has another length than the rows together.
    pub fn dequantise_rows(&self, rows: Range<usize>, out: &mut [f32]) {
        assert_eq!(out.len(), rows.len() * self.cols, "out holds the rows exactly");
        match &self.stored {
            Stored::Panels(panels) => {
                for (row, out) in rows.zip(out.chunks_exact_mut(self.cols)) {
                    panels.read_row(row, out);
                }
            }
            Stored::Bytes(bytes) => {
                let row_bytes = bytes.len() / self.rows;
                let bytes = &bytes[rows.start * row_bytes..rows.end * row_bytes];
                blocks::dequantise(self.block_type, bytes, out);
            }
        }
    }

    /// The whole matrix as f32 `[rows, cols]` on `device`.
    ///
    /// # Errors
    /// When the device has no room, or can't be reached.
    pub fn to_dense(&self, device: &Device) -> Result<Tensor> {
        let mut floats = vec![0.0; self.rows * self.cols];
        pool::chunks_mut(&mut floats, self.cols, |row, out| self.dequantise_rows(row..row + 1, out));
        Ok(Tensor::from_vec(floats, (self.rows, self.cols), device)?)
    }

    /// The rows named by `ids` as f32 `[ids, cols]`: an embedding table's lookup.
    pub fn gather_rows(&self, ids: &[u32]) -> Result<Vec<f32>> {
        let mut out = vec![0.0; ids.len() * self.cols];
        for (id, row) in ids.iter().zip(out.chunks_exact_mut(self.cols)) {
            let id = *id as usize;
            ensure!(id < self.rows, "row {id} of a table of {}", self.rows);
            self.dequantise_rows(id..id + 1, row);
        }
        Ok(out)
    }

    /// What is kept as it came: 16-bit floats, and the types without products of their own.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.stored {
            Stored::Bytes(bytes) => Some(bytes),
            Stored::Panels(_) => None,
        }
    }

    /// What was laid out anew.
    #[must_use]
    pub fn panels(&self) -> Option<&Quantised> {
        match &self.stored {
            Stored::Bytes(_) => None,
            Stored::Panels(panels) => Some(panels),
        }
    }
}
