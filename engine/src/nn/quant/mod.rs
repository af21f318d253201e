//! Weights kept as they are stored: block-quantised, or half-width floats. Exact dequantises them piece by piece,
//! Fast hands them to candle's quantised product. No file format lives here.
//!
//! Digits of the dequantisers are those of the `gguf` reference package, operation for operation, on every
//! processor: the loops hold no fused multiply-add and the order of every sum is fixed by the shape alone.

mod block_type;
mod blocks;
mod dot;
mod k_blocks;
mod matmul;
#[cfg(test)]
mod tests;
mod wide;

pub use block_type::BlockType;

use super::matrix;
use anyhow::{Context, Result, ensure};
use candle_core::quantized::{QStorage, QTensor};
use candle_core::{Device, Tensor};
use glassworks_kernels::dispatch::Precision;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// A matrix `[rows, cols]` in blocks along its rows.
#[derive(Clone)]
pub struct Packed {
    block_type: BlockType,
    rows: usize,
    cols: usize,
    bytes: Bytes,
}

/// Held once: where candle has a product for the type, candle's tensor owns the bytes and lends them.
#[derive(Clone)]
enum Bytes {
    Plain(Arc<[u8]>),
    Candle(Arc<QTensor>),
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
        let bytes = match block_type.candle() {
            None => Bytes::Plain(bytes.into()),
            Some(dtype) => {
                let storage = QStorage::from_data(even(bytes)?, &Device::Cpu, dtype)?;
                Bytes::Candle(Arc::new(QTensor::new(storage, (rows, cols))?))
            }
        };
        Ok(Self { block_type, rows, cols, bytes })
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

    /// In memory, without [`Self::repacked_bytes`].
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        (self.row_bytes() * self.rows) as u64
    }

    /// What candle's quantised product keeps beside it at most once Fast has used it: copies in its own tiles
    /// (`repack_x86.rs` of candle 0.11), for Q4_K one for a single row of activations and one for many.
    #[must_use]
    pub fn repacked_bytes(&self) -> u64 {
        if !self.cols.is_multiple_of(256) {
            return 0;
        }
        let weights = self.rows.next_multiple_of(16) as u64 * self.cols as u64;
        match self.block_type {
            BlockType::Q4K => weights * 3 / 4 + weights * 5 / 4,
            BlockType::Q6K => weights * 5 / 4,
            BlockType::Q8_0 => weights * 17 / 16,
            _ => 0,
        }
    }

    /// The rows in `rows` as f32, one after the other, into `out`.
    ///
    /// # Panics
    /// When `rows` ends past the matrix or `out` has another length than the rows together.
    pub fn dequantise_rows(&self, rows: Range<usize>, out: &mut [f32]) {
        assert_eq!(out.len(), rows.len() * self.cols, "out holds the rows exactly");
        let row_bytes = self.row_bytes();
        let data = self.data();
        blocks::dequantise(self.block_type, &data[rows.start * row_bytes..rows.end * row_bytes], out);
    }

    /// The whole matrix as f32 `[rows, cols]` on `device`.
    ///
    /// # Errors
    /// When the device has no room, or can't be reached.
    pub fn to_dense(&self, device: &Device) -> Result<Tensor> {
        let mut floats = vec![0.0; self.rows * self.cols];
        self.dequantise_rows(0..self.rows, &mut floats);
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

    /// `out = x Wᵀ` with dequantised weights in f32: x is `[t, cols]`, out is `[t, rows]`.
    /// `between` is called every few milliseconds; its error ends the product.
    pub fn matmul_exact(
        &self,
        x: &[f32],
        t: usize,
        out: &mut [f32],
        between: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        ensure!(x.len() == t * self.cols, "{} inputs for {t} rows of {}", x.len(), self.cols);
        ensure!(out.len() == t * self.rows, "{} outputs for {t} rows of {}", out.len(), self.rows);
        if t <= matmul::MAX_FUSED {
            matmul::fused(self, x, t, out, between)
        } else {
            matrix::product(&self.matrix(), x, t, out, Precision::Exact, between)
        }
    }

    /// x is f32 `[T, cols]`; the result `[T, rows]`. Candle's product with 8-bit activations where it has one for
    /// this type, else the exact one.
    pub fn matmul_fast(&self, x: &Tensor) -> Result<Tensor> {
        let (t, cols) = x.dims2()?;
        ensure!(cols == self.cols, "inputs of {cols} for a matrix of {} columns", self.cols);
        if let Bytes::Candle(tensor) = &self.bytes {
            let product = candle_core::quantized::QMatMul::QTensor(Arc::clone(tensor));
            return Ok(candle_core::Module::forward(&product, &x.contiguous()?)?);
        }
        let mut out = vec![0.0; t * self.rows];
        self.matmul_exact(&x.flatten_all()?.to_vec1::<f32>()?, t, &mut out, &|| Ok(()))?;
        Ok(Tensor::from_vec(out, (t, self.rows), &Device::Cpu)?)
    }

    fn row_bytes(&self) -> usize {
        // Checked when it was made.
        self.cols / self.block_type.elements() * self.block_type.bytes()
    }

    /// The bytes as they are stored, where nobody else owns them: 16-bit floats.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.bytes {
            Bytes::Plain(bytes) => Some(bytes),
            Bytes::Candle(_) => None,
        }
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match &self.bytes {
            Bytes::Plain(bytes) => Cow::Borrowed(bytes),
            // Lends on the CPU, and cannot fail there.
            Bytes::Candle(tensor) => tensor.data().unwrap_or_default(),
        }
    }
}

/// `bytes` at an even address: candle's blocks begin with 16-bit floats and candle panics on odd ones.
fn even(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    if bytes.as_ptr().addr().is_multiple_of(2) {
        return Ok(Cow::Borrowed(bytes));
    }
    let copy = bytes.to_vec();
    ensure!(copy.as_ptr().addr().is_multiple_of(2), "the allocator gave an odd address");
    Ok(Cow::Owned(copy))
}
