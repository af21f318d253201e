//! An operand as it lies in memory, and its panels as the innermost product wants them.
#![expect(unsafe_code, reason = "transposes blocks in place of the panel")]

use std::ops::Range;

use half::{bf16, f16};

use super::Input;
use super::convert;
use super::micro::panel;
use crate::dispatch::Isa;
use crate::lanes::Lanes;
use crate::quant::Quantised;

/// Why nobody asks panels for a slice.
pub(super) const NOT_SLICES: &str = "panels are packed as panels";

/// Values in one of the storages that can be read anywhere.
#[derive(Clone, Copy)]
pub(super) enum Data<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    Bf16(&'a [bf16]),
    /// Rows of a quantised matrix from one on, which is the first of a panel; an operand B of `fast` on AMX alone.
    Panels(&'a Quantised, usize),
}

impl Data<'_> {
    /// Without the first `n` values.
    pub(super) fn skip(self, n: usize) -> Self {
        match self {
            Self::F32(v) => Self::F32(&v[n..]),
            Self::F16(v) => Self::F16(&v[n..]),
            Self::Bf16(v) => Self::Bf16(&v[n..]),
            Self::Panels(..) => unreachable!("{NOT_SLICES}"),
        }
    }
}

impl<'a> From<Input<'a>> for Data<'a> {
    fn from(input: Input<'a>) -> Self {
        match input {
            Input::F32(v) => Data::F32(v),
            Input::Bf16(v) => Data::Bf16(v),
        }
    }
}

/// An operand of a product: rows `stride` apart, contiguous inside. Either the reduction runs along a row
/// (`reduces_along`), and each row belongs to one row of A or one column of B; or each row is one step of the
/// reduction.
#[derive(Clone, Copy)]
pub(super) struct Operand<'a> {
    pub data: Data<'a>,
    pub stride: usize,
    pub reduces_along: bool,
}

impl Operand<'_> {
    /// Values `part` of row `row`, as f32 in `out`.
    pub(super) fn read(&self, isa: Isa, row: usize, part: Range<usize>, out: &mut [f32]) {
        let part = row * self.stride + part.start..row * self.stride + part.end;
        match self.data {
            Data::F32(v) => out.copy_from_slice(&v[part]),
            Data::F16(v) => convert::widen_f16(isa, &v[part], out),
            Data::Bf16(v) => convert::widen_bf16(isa, &v[part], out),
            Data::Panels(..) => unreachable!("{NOT_SLICES}"),
        }
    }
}

/// Packs columns `cols` and steps `steps` of B into `to` \[steps, panel\]; what is beyond `cols` is zero.
/// `wide` has room for S::N rows of `steps` values.
#[inline(always)]
pub(super) fn pack_panel<S: Lanes>(
    s: S,
    b: &Operand<'_>,
    cols: Range<usize>,
    steps: Range<usize>,
    wide: &mut [f32],
    to: &mut [f32],
) {
    let width = panel::<S>();
    if !b.reduces_along {
        for (step, row) in steps.zip(to.chunks_exact_mut(width)) {
            let (values, rest) = row.split_at_mut(cols.len());
            b.read(S::ISA, step, cols.clone(), values);
            rest.fill(0.0);
        }
        return;
    }
    let k = steps.len();
    for first in (0..width).step_by(S::N) {
        let here = cols.start + first..(cols.start + first + S::N).min(cols.end);
        if here.len() < S::N {
            to.chunks_exact_mut(width).for_each(|row| row[first..first + S::N].fill(0.0));
        }
        if here.is_empty() {
            continue;
        }
        let (rows, stride) = match b.data {
            Data::F32(v) => (&v[here.start * b.stride + steps.start..], b.stride),
            _ => {
                for (row, wide) in here.clone().zip(wide.chunks_exact_mut(k)) {
                    b.read(S::ISA, row, steps.clone(), wide);
                }
                (&*wide, k)
            }
        };
        transpose(s, rows, stride, here.len(), k, &mut to[first..], width);
    }
}

/// `to[l, r] = from[r, l]` for `rows` × `len` values.
#[inline(always)]
pub(super) fn transpose<S: Lanes>(
    s: S,
    from: &[f32],
    from_stride: usize,
    rows: usize,
    len: usize,
    to: &mut [f32],
    to_stride: usize,
) {
    if rows == 0 || len == 0 {
        return;
    }
    assert!((rows - 1) * from_stride + len <= from.len() && (len - 1) * to_stride + rows <= to.len());
    let mut r = 0;
    while r < rows {
        let block = if rows - r >= S::N { S::N } else { 1 };
        let mut l = 0;
        if block == S::N {
            while l + S::N <= len {
                // SAFETY: rows r..r + N and values l..l + N are inside both, as asserted.
                unsafe {
                    let src = from.as_ptr().add(r * from_stride + l);
                    s.transpose(src, from_stride, to.as_mut_ptr().add(l * to_stride + r), to_stride);
                }
                l += S::N;
            }
        }
        for l in l..len {
            for r in r..r + block {
                to[l * to_stride + r] = from[r * from_stride + l];
            }
        }
        r += block;
    }
}

/// Rows `rows` and steps `steps` of A into `to` \[rows, steps\], when it does not lie like that.
/// `wide` has room for S::N rows of `rows` values.
#[inline(always)]
pub(super) fn pack_rows<S: Lanes>(
    s: S,
    a: &Operand<'_>,
    rows: Range<usize>,
    steps: Range<usize>,
    wide: &mut [f32],
    to: &mut [f32],
) {
    let k = steps.len();
    if a.reduces_along {
        for (row, to) in rows.zip(to.chunks_exact_mut(k)) {
            a.read(S::ISA, row, steps.clone(), to);
        }
        return;
    }
    let m = rows.len();
    for first in (0..k).step_by(S::N) {
        let here = steps.start + first..(steps.start + first + S::N).min(steps.end);
        let (lines, stride) = match a.data {
            Data::F32(v) => (&v[here.start * a.stride + rows.start..], a.stride),
            _ => {
                for (step, wide) in here.clone().zip(wide.chunks_exact_mut(m)) {
                    a.read(S::ISA, step, rows.clone(), wide);
                }
                (&*wide, m)
            }
        };
        transpose(s, lines, stride, here.len(), m, &mut to[first..], k);
    }
}
