//! Matrix products with a model's weights, forward and backward, and a general one.
//!
//! The weight stays in the storage the model has; what a product needs of it is widened just in time.

use half::bf16;

use crate::dispatch::{self, Isa, Precision};
use crate::weight::Weight;

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
    if p.m == 0 || p.n == 0 {
        return;
    }
    assert!((c_row >= p.n || p.m == 1) && (p.m - 1) * c_row + p.n <= c.len(), "C is too short");
    let _ = (isa, parallel);
    for i in 0..p.m {
        let row = &mut c[i * c_row..i * c_row + p.n];
        if !p.add {
            row.fill(0.0);
        }
        for l in 0..p.k {
            let a = p.alpha * p.a.values[i * p.a.row + l * p.a.col];
            for (j, c) in row.iter_mut().enumerate() {
                *c += a * p.b.values[l * p.b.row + j * p.b.col];
            }
        }
    }
}

fn widened(input: Input<'_>) -> Vec<f32> {
    match input {
        Input::F32(v) => v.to_vec(),
        Input::Bf16(v) => v.iter().map(|v| v.to_f32()).collect(),
    }
}

fn weight_widened(w: &Weight<'_>) -> Vec<f32> {
    let mut all = vec![0.0; w.n_out * w.n_in];
    for (row, out) in all.chunks_mut(w.n_in.max(1)).enumerate() {
        w.read_row(row, out);
    }
    all
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
    let _ = precision;
    let (n, k) = (w.n_out, w.n_in);
    w.check();
    assert_eq!((x.len(), y.len()), (m * k, m * n), "x [{m}, {k}], y [{m}, {n}]");
    let (x, w) = (widened(x), weight_widened(w));
    let product = Product { m, n, k, a: View::rows(&x, k), b: View::rows(&w, k).t(), alpha: 1.0, add };
    gemm_on(isa, &product, y, n, true);
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
    let _ = precision;
    let (n, k) = (w.n_out, w.n_in);
    w.check();
    assert_eq!((dy.len(), dx.len()), (m * n, m * k), "dy [{m}, {n}], dx [{m}, {k}]");
    let (dy, w) = (widened(dy), weight_widened(w));
    let product = Product { m, n: k, k: n, a: View::rows(&dy, n), b: View::rows(&w, k), alpha: 1.0, add };
    gemm_on(isa, &product, dx, k, true);
}

pub(crate) fn linear_dw_on(
    isa: Isa,
    dy: Input<'_>,
    x: Input<'_>,
    m: usize,
    dw: &mut [f32],
    precision: Precision,
) {
    let _ = precision;
    if m == 0 {
        return;
    }
    let (n, k) = (dy.len() / m, x.len() / m);
    assert_eq!((dy.len(), x.len(), dw.len()), (m * n, m * k, n * k), "dy [{m}, N], x [{m}, K], dW [N, K]");
    let (dy, x) = (widened(dy), widened(x));
    let product =
        Product { m: n, n: k, k: m, a: View::rows(&dy, n).t(), b: View::rows(&x, k), alpha: 1.0, add: true };
    gemm_on(isa, &product, dw, k, true);
}
