//! A few rows of x times rows of a dense weight, read where they lie.
//!
//! Each value of the output has one vector of sums along k, whose lanes are added up at the end: an order that
//! depends on k alone, so that a row comes out the same whatever rows are beside it.
#![expect(unsafe_code, reason = "addresses of rows in place of slices: bounds are checked once per call")]

use half::{bf16, f16};

use crate::lanes::{Lanes, MAX_LANES, bring_near, kernel};

/// A storage that a vector is widened from as it is loaded: exact, as every f16 and bf16 is an f32.
pub(super) trait Stored: Copy {
    const ZERO: Self;
    /// # Safety
    /// N values can be read there.
    unsafe fn load<S: Lanes>(s: S, from: *const Self) -> S::F;
}

impl Stored for f32 {
    const ZERO: Self = 0.0;
    #[inline(always)]
    unsafe fn load<S: Lanes>(s: S, from: *const Self) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { s.load_at(from) }
    }
}

impl Stored for bf16 {
    const ZERO: Self = bf16::ZERO;
    #[inline(always)]
    unsafe fn load<S: Lanes>(s: S, from: *const Self) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { s.load_bf16(from) }
    }
}

impl Stored for f16 {
    const ZERO: Self = f16::ZERO;
    #[inline(always)]
    unsafe fn load<S: Lanes>(s: S, from: *const Self) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { s.load_f16(from) }
    }
}

/// Where the products go: value (i, n) of the output at `c[i·row + n]`.
#[derive(Clone, Copy)]
pub(super) struct Out {
    pub c: *mut f32,
    pub row: usize,
}

/// Rows of the weight that share each load of x.
const ROWS: usize = 4;

/// out = x·Wᵀ: x \[M, K\], `w` some rows of K values.
///
/// # Safety
/// At `out` M rows of as many values as `w` has rows can be written, and nobody else uses them.
#[inline(always)]
unsafe fn product_of<S: Lanes, T: Stored>(s: S, x: &[f32], m: usize, w: &[T], k: usize, out: Out) {
    assert!(k > 0 && x.len() == m * k && w.len().is_multiple_of(k), "x [{m}, {k}], rows of {k}");
    let n = w.len() / k;
    let mut row = 0;
    while row < n {
        let rows = if n - row >= ROWS { ROWS } else { 1 };
        let w = w[row * k..].as_ptr();
        let mut i = 0;
        while i < m {
            let x = x[i * k..].as_ptr();
            let to = Out { c: out.c.wrapping_add(i * out.row + row), ..out };
            // SAFETY: as many rows are left of w, of x and, by the caller's promise, of the output.
            unsafe {
                i += match (rows, m - i) {
                    // With 32 registers 4 × 4 sums stay in them, with 16 just half as many.
                    (ROWS, 4..) if S::N == 16 => tile::<S, T, 4, 4>(s, x, w, k, to),
                    (ROWS, 4..) => {
                        tile::<S, T, 2, 4>(s, x, w, k, to);
                        let (w, c) = (w.add(2 * k), to.c.add(2));
                        tile::<S, T, 2, 4>(s, x, w, k, Out { c, ..to })
                    }
                    (ROWS, 2..) => tile::<S, T, 4, 2>(s, x, w, k, to),
                    (ROWS, _) => tile::<S, T, 4, 1>(s, x, w, k, to),
                    (_, 4..) => tile::<S, T, 1, 4>(s, x, w, k, to),
                    (_, 2..) => tile::<S, T, 1, 2>(s, x, w, k, to),
                    _ => tile::<S, T, 1, 1>(s, x, w, k, to),
                }
            }
        }
        row += rows;
    }
}

/// R rows of the weight times M rows of x; returns M.
///
/// # Safety
/// R rows of w and M rows of x, k values each, can be read; M rows of R values can be written.
#[inline(always)]
unsafe fn tile<S: Lanes, T: Stored, const R: usize, const M: usize>(
    s: S,
    x: *const f32,
    w: *const T,
    k: usize,
    out: Out,
) -> usize {
    let mut sums = [[s.splat(0.0); M]; R];
    let whole = k / S::N * S::N;
    // SAFETY: the caller's promise; a vector at `l` ends at `whole` ≤ k or before.
    unsafe {
        let mut l = 0;
        while l < whole {
            let mut xs = [s.splat(0.0); M];
            for (i, to) in xs.iter_mut().enumerate() {
                *to = s.load_at(x.add(i * k + l));
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                let at = w.add(r * k + l);
                // The rows after these are the next in memory.
                bring_near(at.wrapping_add(ROWS * k));
                let w = T::load(s, at);
                for (sum, x) in sums.iter_mut().zip(xs) {
                    *sum = s.mul_add(w, x, *sum);
                }
            }
            l += S::N;
        }
        if whole < k {
            let rest = k - whole;
            let mut xs = [s.splat(0.0); M];
            for (i, to) in xs.iter_mut().enumerate() {
                *to = s.load_some(x.add(i * k + whole), rest, 0.0);
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                let mut last = [T::ZERO; MAX_LANES];
                std::ptr::copy_nonoverlapping(w.add(r * k + whole), last.as_mut_ptr(), rest);
                let w = T::load(s, last.as_ptr());
                for (sum, x) in sums.iter_mut().zip(xs) {
                    *sum = s.mul_add(w, x, *sum);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (i, sum) in sums.iter().enumerate() {
                *out.c.add(i * out.row + r) = s.sum(*sum);
            }
        }
    }
    M
}

macro_rules! products {
    ($name:ident, $stored:ty) => {
        kernel! {
            /// out = x·Wᵀ: x \[M, K\], `w` some rows of K values. At `out` M rows of as many values as
            /// `w` has rows must be this caller's to write.
            pub(super) fn $name[S](s, x: &[f32], m: usize, w: &[$stored], k: usize, out: Out) {
                // SAFETY: what the docstring asks for.
                unsafe { product_of(s, x, m, w, k, out) }
            }
        }
    };
}

products!(product_f32, f32);
products!(product_f16, f16);
products!(product_bf16, bf16);
