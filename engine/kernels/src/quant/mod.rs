//! Quantised matrices, laid out once for every instruction set, and their integer products.
//!
//! Activations are rounded to 8 bits in groups of 32 ([`Activations`]), products of small integers are summed exactly,
//! and only sums of groups become f32: what ggml calls a product with Q8. A row's outputs do not depend on how many
//! rows there are.

mod activations;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
mod blocks;
pub(crate) mod layout;
mod scalar;
#[cfg(test)]
mod tests;

pub use activations::Activations;

use self::layout::{Format, GROUP, PANEL, Panel, PanelMut};
use crate::dispatch::{self, Isa};
use crate::pool::{self, Shared};
use crate::slab::Slab;
use std::ops::Range;

/// How the rows of a matrix are quantised: ggml's types that have a product of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum QuantType {
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

impl QuantType {
    pub const ALL: [Self; 8] =
        [Self::Q4_0, Self::Q4_1, Self::Q5_0, Self::Q5_1, Self::Q8_0, Self::Q4K, Self::Q5K, Self::Q6K];

    /// Back from `self as u8`.
    pub(crate) const fn from_number(n: u8) -> Self {
        Self::ALL[n as usize]
    }

    /// Elements and bytes of a block as files have it.
    #[must_use]
    pub const fn block(self) -> (usize, usize) {
        match self {
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        }
    }
}

/// W \[N out, K in\], quantised, in panels ([`layout`]).
pub struct Quantised {
    quant_type: QuantType,
    n_out: usize,
    n_in: usize,
    /// Of a panel.
    quants: usize,
    bytes: usize,
    data: Slab,
}

impl std::fmt::Debug for Quantised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Quantised({:?} [{}, {}])", self.quant_type, self.n_out, self.n_in)
    }
}

impl Quantised {
    /// Lays out `blocks`, N rows of K inputs as files have them, on the pool.
    ///
    /// # Panics
    /// If K is no multiple of the type's block, or `blocks` is not N rows.
    #[must_use]
    pub fn repack(quant_type: QuantType, n_out: usize, n_in: usize, blocks: &[u8]) -> Self {
        let (elements, block_bytes) = quant_type.block();
        assert!(n_in.is_multiple_of(elements), "{n_in} inputs in blocks of {elements}");
        let row_bytes = n_in / elements * block_bytes;
        assert_eq!(blocks.len(), n_out * row_bytes, "{n_out} rows of {row_bytes} bytes");
        let format = Format::of(quant_type);
        let (quants, bytes) = format.panel_bytes(n_in);
        let mut data = Slab::zeroed(n_out.div_ceil(PANEL) * bytes);
        if n_out > 0 && n_in > 0 {
            pool::chunks_mut(data.bytes_mut(), bytes, |p, panel| {
                let (quants, scales) = panel.split_at_mut(quants);
                let mut panel = PanelMut { format, quants, scales };
                let rows = blocks[p * PANEL * row_bytes..].chunks_exact(row_bytes);
                for (r, row) in rows.take(PANEL).enumerate() {
                    panel.fill(quant_type, r, row);
                }
            });
        }
        Self { quant_type, n_out, n_in, quants, bytes, data }
    }

    /// What a matrix takes in memory.
    #[must_use]
    pub fn bytes_for(quant_type: QuantType, n_out: usize, n_in: usize) -> usize {
        n_out.div_ceil(PANEL) * Format::of(quant_type).panel_bytes(n_in).1
    }

    #[must_use]
    pub fn quant_type(&self) -> QuantType {
        self.quant_type
    }

    #[must_use]
    pub fn n_out(&self) -> usize {
        self.n_out
    }

    #[must_use]
    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// What it takes in memory.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.n_panels() * self.bytes
    }

    /// Writes row `row` into `out` \[K\], to the digits of `gguf.quants`.
    ///
    /// # Panics
    /// If there is no such row, or `out` is not K wide.
    pub fn read_row(&self, row: usize, out: &mut [f32]) {
        assert!(row < self.n_out && out.len() == self.n_in, "row {row} of {self:?} into {}", out.len());
        self.panel(row / PANEL).read(row % PANEL, out);
    }

    pub(crate) fn n_panels(&self) -> usize {
        self.n_out.div_ceil(PANEL)
    }

    pub(crate) fn panel(&self, p: usize) -> Panel<'_> {
        let (quants, scales) = self.data[p * self.bytes..(p + 1) * self.bytes].split_at(self.quants);
        Panel { format: Format::of(self.quant_type), quants, scales }
    }
}

/// Where outputs go: of row m, output n of panel `first_panel` and those after it to `values[m·stride + n]`, `n` in all.
#[derive(Clone, Copy)]
pub(crate) struct Out<'a, 'b> {
    pub values: &'a Shared<'b, f32>,
    pub stride: usize,
    pub first_panel: usize,
    pub n: usize,
}

impl Out<'_, '_> {
    /// The places of panel `p`'s outputs in row `m`.
    fn places(&self, m: usize, p: usize) -> (usize, usize) {
        let column = (p - self.first_panel) * PANEL;
        (m * self.stride + column, PANEL.min(self.n - column))
    }
}

/// The outputs of some panels for all rows of x. What is written is `out`'s places of these panels' outputs and no
/// others, so that tasks with other panels may run at the same time.
///
/// # Panics
/// If x is not as wide as w, or `out` has no place for an output.
pub(crate) fn product_panels(
    isa: Isa,
    x: &Activations,
    w: &Quantised,
    panels: Range<usize>,
    out: Out<'_, '_>,
) {
    assert!(x.n_in() == w.n_in && panels.end <= w.n_panels(), "{} inputs for {w:?}", x.n_in());
    #[cfg(target_arch = "x86_64")]
    {
        if isa >= Isa::Avx512 && dispatch::has_vnni(isa) {
            return avx512::panels(x, w, panels, out);
        }
        if isa >= Isa::Avx2 {
            return avx2::panels(x, w, panels, out);
        }
    }
    let _ = isa;
    scalar::panels(x, w, panels, out);
}

/// As [`product_panels`], in f32: every weight to the digits of [`Quantised::read_row`], x \[M, K\] as it is. For few
/// rows; many are faster as a product with rows that were read.
///
/// # Panics
/// If the shapes disagree, or `out` has no place for an output.
pub(crate) fn exact_panels(
    isa: Isa,
    x: &[f32],
    m: usize,
    w: &Quantised,
    panels: Range<usize>,
    out: Out<'_, '_>,
) {
    assert!(x.len() == m * w.n_in && panels.end <= w.n_panels(), "{m} rows of {} for {w:?}", x.len());
    #[cfg(target_arch = "x86_64")]
    {
        if isa >= Isa::Avx512 {
            return avx512::exact_panels(x, m, w, panels, out);
        }
        if isa >= Isa::Avx2 {
            return avx2::exact_panels(x, m, w, panels, out);
        }
    }
    let _ = isa;
    scalar::exact_panels(x, m, w, panels, out);
}

/// Runs a generic function for the type that `quant_type` names.
macro_rules! for_type {
    ($quant_type:expr, $f:ident($($arg:expr),*)) => {
        match $quant_type {
            QuantType::Q4_0 => $f::<{ QuantType::Q4_0 as u8 }>($($arg),*),
            QuantType::Q4_1 => $f::<{ QuantType::Q4_1 as u8 }>($($arg),*),
            QuantType::Q5_0 => $f::<{ QuantType::Q5_0 as u8 }>($($arg),*),
            QuantType::Q5_1 => $f::<{ QuantType::Q5_1 as u8 }>($($arg),*),
            QuantType::Q8_0 => $f::<{ QuantType::Q8_0 as u8 }>($($arg),*),
            QuantType::Q4K => $f::<{ QuantType::Q4K as u8 }>($($arg),*),
            QuantType::Q5K => $f::<{ QuantType::Q5K as u8 }>($($arg),*),
            QuantType::Q6K => $f::<{ QuantType::Q6K as u8 }>($($arg),*),
        }
    };
}
pub(crate) use for_type;

/// Groups of a row.
fn groups(w: &Quantised) -> usize {
    w.n_in / GROUP
}
