//! Matrix products with a model's weights, forward and backward, and a general one.
//!
//! The weight stays in the storage the model has; what a product needs of it is widened just in time.

mod convert;
mod exact;
#[cfg(target_arch = "x86_64")]
mod fast;
mod few;
mod micro;
mod pack;
#[cfg(target_arch = "x86_64")]
mod pairs;
mod scratch;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod tiles;
#[cfg(target_arch = "x86_64")]
mod vnni;

use half::bf16;

use self::exact::Job;
use self::pack::{Data, Operand};
use crate::dispatch::{self, Isa, Precision};
use crate::pool::{self, Shared};
use crate::weight::{Values, Weight};

/// Activations or their gradients, row-major and contiguous.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
}

impl Input<'_> {
    /// How many values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::Bf16(v) => v.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> From<&'a [f32]> for Input<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self::F32(values)
    }
}

impl<'a> From<&'a [bf16]> for Input<'a> {
    fn from(values: &'a [bf16]) -> Self {
        Self::Bf16(values)
    }
}

/// y = x·Wᵀ, or y += x·Wᵀ if `add`: x \[M, K\], W \[N, K\], y \[M, N\].
///
/// # Panics
/// If a length does not agree with M, N and K.
pub fn linear(x: Input<'_>, m: usize, w: &Weight<'_>, y: &mut [f32], add: bool, precision: Precision) {
    linear_on(dispatch::active(), x, m, w, y, add, precision);
}

/// One of several maps of the same input.
pub struct Part<'a> {
    /// W \[N, K\].
    pub weight: Weight<'a>,
    /// \[M, N\], row-major.
    pub out: &'a mut [f32],
}

/// out = x·Wᵀ for every part: x \[M, K\]. Of a few rows all parts are computed in one region of the pool, so
/// that a small matrix costs no waiting of its own.
///
/// # Panics
/// If a length does not agree with M, N and K.
pub fn linears(x: &[f32], m: usize, parts: &mut [Part<'_>], precision: Precision) {
    linears_on(few::Case { isa: dispatch::active(), m, precision, apart: false }, x, parts);
}

/// As [`linears`], for rows that have nothing to do with one another, tokens of several sequences: each comes out to
/// the bit as it does alone. Made for a few rows.
///
/// # Panics
/// If a length does not agree with M, N and K.
pub fn linears_apart(x: &[f32], m: usize, parts: &mut [Part<'_>], precision: Precision) {
    linears_on(few::Case { isa: dispatch::active(), m, precision, apart: true }, x, parts);
}

/// dx = dy·W, or dx += dy·W if `add`: dy \[M, N\], W \[N, K\], dx \[M, K\]. The gradient of [`linear`] by x.
///
/// # Panics
/// If a length does not agree with M, N and K.
pub fn linear_dx(dy: Input<'_>, m: usize, w: &Weight<'_>, dx: &mut [f32], add: bool, precision: Precision) {
    linear_dx_on(dispatch::active(), dy, m, w, dx, add, precision);
}

/// dW += dyᵀ·x: dy \[M, N\], x \[M, K\], dW \[N, K\]. The gradient of [`linear`] by W.
///
/// # Panics
/// If a length does not agree with M, or dW is not N·K.
pub fn linear_dw(dy: Input<'_>, x: Input<'_>, m: usize, dw: &mut [f32], precision: Precision) {
    linear_dw_on(dispatch::active(), dy, x, m, dw, precision);
}

/// Rounds activations to bf16, to the nearest, ties to even; what is not a number stays so. On the pool.
///
/// # Panics
/// If the lengths differ.
pub fn to_bf16(from: &[f32], to: &mut [bf16]) {
    assert_eq!(from.len(), to.len(), "as many values out as in");
    pool::chunks_mut(to, CONVERTED, |i, to| {
        convert::narrow(dispatch::active(), &from[i * CONVERTED..][..to.len()], to);
    });
}

/// Widens values of bf16. On the pool.
///
/// # Panics
/// If the lengths differ.
pub fn from_bf16(from: &[bf16], to: &mut [f32]) {
    assert_eq!(from.len(), to.len(), "as many values out as in");
    pool::chunks_mut(to, CONVERTED, |i, to| {
        convert::widen_bf16(dispatch::active(), &from[i * CONVERTED..][..to.len()], to);
    });
}

/// Values that one task converts.
const CONVERTED: usize = 1 << 16;

/// A matrix in a slice: element (i, j) is `values[i·row + j·col]`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub values: &'a [f32],
    pub row: usize,
    pub col: usize,
}

impl<'a> View<'a> {
    /// Row-major with rows `row` apart.
    #[must_use]
    pub fn rows(values: &'a [f32], row: usize) -> Self {
        Self { values, row, col: 1 }
    }

    /// The transpose.
    #[must_use]
    pub fn t(self) -> Self {
        Self { values: self.values, row: self.col, col: self.row }
    }

    /// As an operand whose rows are the view's, or whose rows are its columns if those are contiguous; copied
    /// if neither is.
    fn operand<'b>(self, rows: usize, cols: usize, copy: &'b mut scratch::Scratch<f32>) -> Operand<'b>
    where
        'a: 'b,
    {
        if self.col == 1 || cols <= 1 {
            return Operand { data: Data::F32(self.values), stride: self.row, reduces_along: true };
        }
        if self.row == 1 || rows <= 1 {
            return Operand { data: Data::F32(self.values), stride: self.col, reduces_along: false };
        }
        *copy = scratch::take(rows * cols);
        for (i, out) in copy.chunks_exact_mut(cols).enumerate() {
            let line = self.values[i * self.row..].iter().step_by(self.col);
            out.iter_mut().zip(line).for_each(|(o, v)| *o = *v);
        }
        Operand { data: Data::F32(copy), stride: cols, reduces_along: true }
    }

    fn check(&self, rows: usize, cols: usize) {
        if rows > 0 && cols > 0 {
            let last = (rows - 1) * self.row + (cols - 1) * self.col;
            assert!(
                last < self.values.len(),
                "a view [{rows}, {cols}] ends at {last} of {}",
                self.values.len()
            );
        }
    }
}

/// A general product: C = `alpha`·A·B, or C += `alpha`·A·B if `add`; A \[m, k\], B \[k, n\].
#[derive(Clone, Copy, Debug)]
pub struct Product<'a> {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub a: View<'a>,
    pub b: View<'a>,
    pub alpha: f32,
    pub add: bool,
}

/// Computes a general product in f32 on the pool, into C \[m, n\] with rows `c_row` apart.
///
/// # Panics
/// If a view or C is too short, or rows of C overlap.
pub fn gemm(product: &Product<'_>, c: &mut [f32], c_row: usize) {
    gemm_on(dispatch::active(), product, c, c_row, true);
}

/// Like [`gemm`], in the calling thread alone: for products inside a task of the pool.
///
/// # Panics
/// Like [`gemm`].
pub fn gemm_here(product: &Product<'_>, c: &mut [f32], c_row: usize) {
    gemm_on(dispatch::active(), product, c, c_row, false);
}

pub(crate) fn gemm_on(isa: Isa, p: &Product<'_>, c: &mut [f32], c_row: usize, parallel: bool) {
    p.a.check(p.m, p.k);
    p.b.check(p.k, p.n);
    let (mut a_copy, mut b_copy) = (scratch::take::<f32>(0), scratch::take::<f32>(0));
    let a = p.a.operand(p.m, p.k, &mut a_copy);
    let b = p.b.t().operand(p.n, p.k, &mut b_copy);
    let job = Job { m: p.m, n: p.n, k: p.k, a, b, alpha: p.alpha, add: p.add, c_row };
    exact::run(isa, &job, c, parallel);
}

pub(crate) fn linear_on(
    isa: Isa,
    x: Input<'_>,
    m: usize,
    w: &Weight<'_>,
    y: &mut [f32],
    add: bool,
    precision: Precision,
) {
    let (n, k) = (w.n_out, w.n_in);
    w.check();
    assert_eq!((x.len(), y.len()), (m * k, m * n), "x [{m}, {k}], y [{m}, {n}]");
    if m == 0 {
        return;
    }
    let a = Operand { data: x.into(), stride: k, reduces_along: true };
    #[cfg(target_arch = "x86_64")]
    if precision == Precision::Fast
        && let Values::Quantised(q, first) = w.values
        && fast::takes_panels(isa, m, w)
    {
        let b = Operand { data: Data::Panels(q, first), stride: k, reduces_along: true };
        let job = Job {
            m,
            n,
            k,
            a: Operand { data: x.into(), stride: k, reduces_along: true },
            b,
            alpha: 1.0,
            add,
            c_row: n,
        };
        run(isa, &job, y, precision);
        return;
    }
    for_readable(w, |first, rows, data| {
        let b = Operand { data, stride: k, reduces_along: true };
        let job = Job { m, n: rows, k, a, b, alpha: 1.0, add, c_row: n };
        run(isa, &job, &mut y[first..], precision);
    });
}

fn linears_on(case: few::Case, x: &[f32], parts: &mut [Part<'_>]) {
    let few::Case { isa, m, precision, apart } = case;
    if m == 0 {
        return;
    }
    let mut shares = Vec::with_capacity(parts.len());
    for part in parts {
        let (n, k) = (part.weight.n_out, part.weight.n_in);
        part.weight.check();
        assert_eq!((x.len(), part.out.len()), (m * k, m * n), "x [{m}, {k}], out [{m}, {n}]");
        if few::takes(case, &part.weight) {
            shares.push(few::Share { weight: part.weight, out: Shared::new(part.out) });
        } else {
            // Whether bf16 is worth while depends on how many rows there are.
            let precision = if apart { Precision::Exact } else { precision };
            linear_on(isa, Input::F32(x), m, &part.weight, part.out, false, precision);
        }
    }
    if !shares.is_empty() {
        few::run(case, x, &shares);
    }
}

pub(crate) fn linear_dx_on(
    isa: Isa,
    dy: Input<'_>,
    m: usize,
    w: &Weight<'_>,
    dx: &mut [f32],
    add: bool,
    precision: Precision,
) {
    let (n, k) = (w.n_out, w.n_in);
    w.check();
    assert_eq!((dy.len(), dx.len()), (m * n, m * k), "dy [{m}, {n}], dx [{m}, {k}]");
    if n == 0 && !add {
        dx.fill(0.0);
    }
    for_readable(w, |first, rows, data| {
        let a = Operand { data: Data::from(dy).skip(first), stride: n, reduces_along: true };
        let b = Operand { data, stride: k, reduces_along: false };
        let job = Job { m, n: k, k: rows, a, b, alpha: 1.0, add: add || first > 0, c_row: k };
        run(isa, &job, dx, precision);
    });
}

pub(crate) fn linear_dw_on(
    isa: Isa,
    dy: Input<'_>,
    x: Input<'_>,
    m: usize,
    dw: &mut [f32],
    precision: Precision,
) {
    if m == 0 {
        return;
    }
    let (n, k) = (dy.len() / m, x.len() / m);
    assert_eq!((dy.len(), x.len(), dw.len()), (m * n, m * k, n * k), "dy [{m}, N], x [{m}, K], dW [N, K]");
    let a = Operand { data: dy.into(), stride: n, reduces_along: false };
    let b = Operand { data: x.into(), stride: k, reduces_along: false };
    let job = Job { m: n, n: k, k: m, a, b, alpha: 1.0, add: true, c_row: k };
    run(isa, &job, dw, precision);
}

/// A product on the pool, in the precision asked for.
fn run(isa: Isa, job: &Job<'_>, c: &mut [f32], precision: Precision) {
    #[cfg(target_arch = "x86_64")]
    if precision == Precision::Fast && fast::run(isa, job, c) {
        return;
    }
    let _ = precision;
    exact::run(isa, job, c, true);
}

/// How many values of a weight are decoded at a time where they can't be read where they lie.
const DECODED: usize = 1 << 20;

/// Rows are decoded in multiples of this, so that panels and units come out whole.
const DECODED_ROWS: usize = 192;

/// Runs `part(first row, rows, their values)` over W: at once if its values can be read where they lie,
/// otherwise in blocks decoded on the pool.
fn for_readable(w: &Weight<'_>, mut part: impl FnMut(usize, usize, Data<'_>)) {
    match w.values {
        Values::F32(v) => part(0, w.n_out, Data::F32(v)),
        Values::F16(v) => part(0, w.n_out, Data::F16(v)),
        Values::Bf16(v) => part(0, w.n_out, Data::Bf16(v)),
        Values::Rows(_) | Values::RowsFrom(..) | Values::Quantised(..) => {
            let step = (DECODED / w.n_in.max(1)).max(1).next_multiple_of(DECODED_ROWS);
            let mut decoded = scratch::take::<f32>(step.min(w.n_out) * w.n_in);
            for first in (0..w.n_out).step_by(step) {
                let rows = step.min(w.n_out - first);
                let block = &mut decoded[..rows * w.n_in];
                pool::chunks_mut(block, w.n_in.max(1), |row, out| w.read_row(first + row, out));
                part(first, rows, Data::F32(block));
            }
        }
    }
}
