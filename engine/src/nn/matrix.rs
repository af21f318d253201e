//! Weights as the kernels read them: where they lie, in the type they are stored in; and products with them.

use super::Weight;
use super::quant::{BlockType, Packed};
use anyhow::{Context as _, Result, bail, ensure};
use candle_core::{Storage, Tensor};
use glassworks_kernels::dispatch::Precision;
use glassworks_kernels::matmul::{self, Part};
use glassworks_kernels::weight::{Rows, Values, Weight as Matrix};
use half::slice::HalfBitsSliceExt as _;
use half::{bf16, f16};
use std::ops::{Deref, Range};

/// f32 values, held for reading.
pub struct Floats<'m>(Held<'m>);

enum Held<'m> {
    Tensor {
        /// The tensor's lock, held.
        storage: Box<dyn Deref<Target = Storage> + 'm>,
        range: Range<usize>,
    },
    Lent(&'m [f32]),
}

/// A frozen matrix `[out, in]`.
pub struct Frozen<'m> {
    n_out: usize,
    n_in: usize,
    stored: Stored<'m>,
}

enum Stored<'m> {
    Floats(Floats<'m>),
    Packed(&'m Packed),
    Own(Vec<f32>),
}

impl<'m> Floats<'m> {
    /// # Errors
    /// If the tensor is not f32, contiguous, in main memory.
    pub fn of(tensor: &'m Tensor) -> Result<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        let (from, to) = layout.contiguous_offsets().context("a weight that is not contiguous")?;
        match &*storage {
            Storage::Cpu(cpu) => cpu.as_slice::<f32>()?,
            _ => bail!("a weight that is not in main memory"),
        };
        Ok(Self(Held::Tensor { storage: Box::new(storage), range: from..to }))
    }

    /// Values that lie elsewhere than in a tensor: those that are being trained.
    #[must_use]
    pub fn lent(values: &'m [f32]) -> Self {
        Self(Held::Lent(values))
    }

    #[must_use]
    pub fn values(&self) -> &[f32] {
        match &self.0 {
            Held::Lent(values) => values,
            Held::Tensor { storage, range } => match &***storage {
                // Checked when it was made.
                Storage::Cpu(cpu) => cpu.as_slice::<f32>().map_or(&[], |all| &all[range.clone()]),
                _ => &[],
            },
        }
    }
}

impl<'m> Frozen<'m> {
    /// # Errors
    /// If the weight is not in main memory.
    pub fn of(weight: &'m Weight) -> Result<Self> {
        let (n_out, n_in) = weight.dims();
        let stored = match weight {
            Weight::Dense(tensor) => Stored::Floats(Floats::of(tensor)?),
            Weight::Packed(packed) => Stored::Packed(packed),
        };
        Ok(Self { n_out, n_in, stored })
    }

    /// A matrix of the shape of `weight` whose values, `[out, in]`, lie elsewhere.
    ///
    /// # Errors
    /// If there are more or fewer of them.
    pub fn lent(weight: &Weight, values: &'m [f32]) -> Result<Self> {
        let (n_out, n_in) = weight.dims();
        ensure!(values.len() == n_out * n_in, "values of another shape");
        Ok(Self { n_out, n_in, stored: Stored::Floats(Floats::lent(values)) })
    }

    /// One that belongs to no model.
    ///
    /// # Panics
    /// If there are not `n_out` · `n_in` values.
    #[must_use]
    pub fn own(n_out: usize, n_in: usize, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), n_out * n_in, "a matrix is [out, in]");
        Self { n_out, n_in, stored: Stored::Own(values) }
    }

    #[must_use]
    pub fn matrix(&self) -> Matrix<'_> {
        let values = match &self.stored {
            Stored::Own(values) => Values::F32(values),
            Stored::Floats(floats) => Values::F32(floats.values()),
            Stored::Packed(packed) => return packed.matrix(),
        };
        Matrix::new(self.n_out, self.n_in, values)
    }

    /// A copy in f32, to be trained.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        let matrix = self.matrix();
        let mut out = vec![0.0; self.n_out * self.n_in];
        for (row, out) in out.chunks_exact_mut(self.n_in).enumerate() {
            matrix.read_row(row, out);
        }
        out
    }
}

/// Multiplications between two looks at whether to go on: some 50 ms.
const TURN: usize = 1 << 31;

/// out = x·Wᵀ: x `[t, in]`, out `[t, out]`, in turns of some output features each. `between` is called before every
/// turn; its error ends the product.
///
/// # Errors
/// What `between` returns.
pub fn product(
    w: &Matrix,
    x: &[f32],
    t: usize,
    out: &mut [f32],
    precision: Precision,
    between: &dyn Fn() -> Result<()>,
) -> Result<()> {
    let n = (TURN / (t * w.n_in).max(1)).max(1).next_multiple_of(64);
    if n >= w.n_out {
        between()?;
        matmul::linears(x, t, &mut [Part { weight: *w, out }], precision);
        return Ok(());
    }
    let mut part = vec![0.0; t * n];
    for first in (0..w.n_out).step_by(n) {
        between()?;
        let rows = first..(first + n).min(w.n_out);
        let part = &mut part[..t * rows.len()];
        let weight = w.slice_rows(rows.clone());
        matmul::linears(x, t, &mut [Part { weight, out: &mut *part }], precision);
        for (part, out) in part.chunks_exact(rows.len()).zip(out.chunks_exact_mut(w.n_out)) {
            out[rows.clone()].copy_from_slice(part);
        }
    }
    Ok(())
}

impl Packed {
    /// As the kernels read it.
    #[must_use]
    pub fn matrix(&self) -> Matrix<'_> {
        let values = match self.panels() {
            Some(panels) => Values::Quantised(panels, 0),
            None => halves(self).unwrap_or(Values::Rows(self)),
        };
        Matrix::new(self.rows(), self.cols(), values)
    }
}

/// 16-bit floats where they lie, if they lie at even addresses on a machine of the same byte order.
fn halves(packed: &Packed) -> Option<Values<'_>> {
    let bits: &[u16] =
        bytemuck::try_cast_slice(packed.bytes()?).ok().filter(|_| cfg!(target_endian = "little"))?;
    match packed.block_type() {
        BlockType::F16 => Some(Values::F16(bits.reinterpret_cast::<f16>())),
        BlockType::BF16 => Some(Values::Bf16(bits.reinterpret_cast::<bf16>())),
        _ => None,
    }
}

impl Rows for Packed {
    fn read(&self, row: usize, out: &mut [f32]) {
        self.dequantise_rows(row..row + 1, out);
    }
}
