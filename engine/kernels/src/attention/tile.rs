//! The one matrix product attention is made of, for operands in strided slices: C (+)= A·B with the numbers of
//! A spread over vectors of B's rows, in blocks of C that stay in registers.

#![expect(unsafe_code, reason = "keeps blocks in registers and counts addresses up")]

use crate::lanes::{Lanes, bring_near, kernel};

/// Numbers ahead that a long cache's are asked for while few rows use each: memory is slower than they are.
const AHEAD: usize = 768;
/// Rows up to which they are.
const FEW: usize = 4;

/// C\[i, j\] (+)= Σₖ A\[i, k\]·B\[k, j\], j counted in whole vectors.
pub(super) struct Product<'a> {
    /// Rows of C.
    pub rows: usize,
    /// Vectors across C and B.
    pub vectors: usize,
    /// Terms of each sum.
    pub terms: usize,
    /// A\[i, k\] is at `i·a_row + k·a_term`.
    pub a: &'a [f32],
    pub a_row: usize,
    pub a_term: usize,
    pub b: &'a [f32],
    pub b_stride: usize,
    pub c: &'a mut [f32],
    pub c_stride: usize,
    /// Whether C is added to.
    pub add: bool,
}

kernel! {
    /// # Panics
    /// If a slice ends before the product does.
    pub(super) fn product[S](s, p: Product<'_>) {
        if p.rows == 0 || p.vectors == 0 {
            return;
        }
        let width = p.vectors * S::N;
        assert!(p.terms > 0 && p.a.len() > (p.rows - 1) * p.a_row + (p.terms - 1) * p.a_term, "A is short");
        assert!(p.b.len() >= (p.terms - 1) * p.b_stride + width, "B is short");
        assert!(p.c.len() >= (p.rows - 1) * p.c_stride + width, "C is short");
        let mut cut = Cut {
            terms: p.terms,
            a: p.a.as_ptr(),
            a_row: p.a_row,
            a_term: p.a_term,
            b: p.b.as_ptr(),
            b_stride: p.b_stride,
            c: p.c.as_mut_ptr(),
            c_stride: p.c_stride,
            add: p.add,
        };
        // As even a cut as there is: five vectors are three and two, not four and one.
        let mut left = p.vectors;
        while left > 0 {
            let vectors = left.div_ceil(left.div_ceil(S::VECTORS));
            // SAFETY: rows and vectors stay within what was asserted.
            unsafe {
                match vectors {
                    1 => columns::<S, 8, 1>(s, p.rows, cut),
                    // Sixteen registers, or twice as many.
                    2 if S::N < 16 => columns::<S, 6, 2>(s, p.rows, cut),
                    2 => columns::<S, 8, 2>(s, p.rows, cut),
                    3 => columns::<S, 8, 3>(s, p.rows, cut),
                    _ => columns::<S, 6, 4>(s, p.rows, cut),
                }
                cut.b = cut.b.add(vectors * S::N);
                cut.c = cut.c.add(vectors * S::N);
            }
            left -= vectors;
        }
    }
}

/// A part of a product, by address.
#[derive(Clone, Copy)]
struct Cut {
    terms: usize,
    a: *const f32,
    a_row: usize,
    a_term: usize,
    b: *const f32,
    b_stride: usize,
    c: *mut f32,
    c_stride: usize,
    add: bool,
}

/// # Safety
/// The operands hold `rows` rows of `VECTORS` vectors.
#[inline(always)]
unsafe fn columns<S: Lanes, const ROWS: usize, const VECTORS: usize>(s: S, rows: usize, mut cut: Cut) {
    let mut left = rows;
    // SAFETY: no more rows are taken than are left.
    unsafe {
        while left >= ROWS {
            block::<S, ROWS, VECTORS>(s, cut);
            cut.a = cut.a.add(ROWS * cut.a_row);
            cut.c = cut.c.add(ROWS * cut.c_stride);
            left -= ROWS;
        }
        if left >= 4 {
            // Fewer than eight are left: four, and what remains.
            block::<S, 4, VECTORS>(s, cut);
            cut.a = cut.a.add(4 * cut.a_row);
            cut.c = cut.c.add(4 * cut.c_stride);
            left -= 4;
        }
        match left {
            3 => block::<S, 3, VECTORS>(s, cut),
            2 => block::<S, 2, VECTORS>(s, cut),
            1 => block::<S, 1, VECTORS>(s, cut),
            _ => {}
        }
    }
}

/// # Safety
/// The operands hold `ROWS` rows of `VECTORS` vectors.
#[inline(always)]
unsafe fn block<S: Lanes, const ROWS: usize, const VECTORS: usize>(s: S, cut: Cut) {
    let mut sums = [[s.splat(0.0); VECTORS]; ROWS];
    let (mut a, mut b) = (cut.a, cut.b);
    // SAFETY: inside the operands; the addresses one step past the last are made but not read.
    unsafe {
        if cut.add {
            for (i, sums) in sums.iter_mut().enumerate() {
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum = s.load_at(cut.c.add(i * cut.c_stride + j * S::N));
                }
            }
        }
        for _ in 0..cut.terms {
            let mut row = [s.splat(0.0); VECTORS];
            for (j, v) in row.iter_mut().enumerate() {
                if ROWS <= FEW {
                    bring_near(b.wrapping_add(AHEAD + j * S::N));
                }
                *v = s.load_at(b.add(j * S::N));
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let factor = s.splat(*a.wrapping_add(i * cut.a_row));
                for (sum, v) in sums.iter_mut().zip(row) {
                    *sum = s.mul_add(factor, v, *sum);
                }
            }
            a = a.wrapping_add(cut.a_term);
            b = b.wrapping_add(cut.b_stride);
        }
        for (i, sums) in sums.iter().enumerate() {
            for (j, sum) in sums.iter().enumerate() {
                s.store_at(cut.c.add(i * cut.c_stride + j * S::N), *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::{close, numbers};
    use crate::dispatch::Isa;

    kernel! { fn lanes[S](_s) -> usize { S::N } }

    fn check(rows: usize, vectors: usize, terms: usize, transposed: bool, add: bool) {
        for isa in Isa::available() {
            let width = vectors * lanes(isa);
            let (b_stride, c_stride) = (width + 3, width + 5);
            let (a_row, a_term) = if transposed { (1, rows + 2) } else { (terms + 2, 1) };
            let (a, b) = (numbers(1, (rows + 2) * (terms + 2)), numbers(2, b_stride * terms));
            let mut c = numbers(3, c_stride * rows);
            let mut expected: Vec<f64> = c.iter().map(|v| f64::from(*v)).collect();
            for i in 0..rows {
                for j in 0..width {
                    let terms = (0..terms)
                        .map(|k| f64::from(a[i * a_row + k * a_term]) * f64::from(b[k * b_stride + j]));
                    let before = if add { expected[i * c_stride + j] } else { 0.0 };
                    expected[i * c_stride + j] = before + terms.sum::<f64>();
                }
            }
            let (a, b) = (&a[..], &b[..]);
            let p = Product { rows, vectors, terms, a, a_row, a_term, b, b_stride, c: &mut c, c_stride, add };
            product(isa, p);
            close("c", &c, &expected, 1e-5);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn agrees_with_f64(rows in 0..20usize, vectors in 0..10usize, terms in 1..20usize,
                           transposed: bool, add: bool) {
            check(rows, vectors, terms, transposed, add);
        }
    }
}
