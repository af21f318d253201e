//! The innermost product in f32: a few rows of A times one packed panel of B, the sums in registers.
#![expect(unsafe_code, reason = "addresses of rows in place of slices: bounds are checked once per strip")]

use crate::lanes::Lanes;

/// Rows of C that one run of the innermost loop computes.
pub(super) const fn rows<S: Lanes>() -> usize {
    match S::N {
        16 => 8,
        8 => 6,
        _ => 4,
    }
}

/// Vectors across a panel.
pub(super) const fn vectors<S: Lanes>() -> usize {
    match S::N {
        16 => 3,
        _ => 2,
    }
}

/// Columns of a panel: its rows are this far apart.
pub(super) const fn panel<S: Lanes>() -> usize {
    vectors::<S>() * S::N
}

/// Where a strip of C lies, and what becomes of what is there.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub c: *mut f32,
    pub row: usize,
    /// Columns, at most a panel's.
    pub cols: usize,
    pub alpha: f32,
    pub add: bool,
}

/// A strip of A: `m` rows, `row` apart, of `k` values each.
#[derive(Clone, Copy)]
pub(super) struct Strip {
    pub a: *const f32,
    pub row: usize,
    pub m: usize,
    pub k: usize,
}

/// C\[m, cols\] = alpha·A·B, or += : A a strip, B a packed panel \[k, panel\].
///
/// # Safety
/// A's m rows of k values can be read, `b` holds k·panel values, C's m rows of `cols` values can be written.
#[inline(always)]
pub(super) unsafe fn strip<S: Lanes>(s: S, a: Strip, b: *const f32, to: Target) {
    // SAFETY: the caller's promise; the vectors taken cover `cols` and are at most the panel's.
    unsafe {
        match (vectors::<S>(), to.cols.div_ceil(S::N)) {
            (_, 1) => strip_of::<S, 1>(s, a, b, to),
            (3, 3) => strip_of::<S, 3>(s, a, b, to),
            _ => strip_of::<S, 2>(s, a, b, to),
        }
    }
}

#[inline(always)]
unsafe fn strip_of<S: Lanes, const V: usize>(s: S, a: Strip, b: *const f32, to: Target) {
    let mut i = 0;
    // SAFETY: rows i.. of A and of C are inside the strip, as R never exceeds what is left.
    unsafe {
        while i < a.m {
            let (ai, ci) = (a.a.add(i * a.row), to.c.add(i * to.row));
            let to = Target { c: ci, ..to };
            let left = a.m - i;
            i += if left >= rows::<S>() {
                match rows::<S>() {
                    8 => tile::<S, 8, V>(s, ai, a.row, a.k, b, to),
                    6 => tile::<S, 6, V>(s, ai, a.row, a.k, b, to),
                    _ => tile::<S, 4, V>(s, ai, a.row, a.k, b, to),
                }
            } else if left >= 4 {
                tile::<S, 4, V>(s, ai, a.row, a.k, b, to)
            } else if left >= 2 {
                tile::<S, 2, V>(s, ai, a.row, a.k, b, to)
            } else {
                tile::<S, 1, V>(s, ai, a.row, a.k, b, to)
            };
        }
    }
}

/// Steps of the reduction in one turn of the innermost loop.
const UNROLLED: usize = 4;

/// Tells the processor that this part of C will be wanted at the end of the loop.
#[inline(always)]
fn bring_near(c: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint that reads nothing and never faults; SSE is part of the architecture.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(c.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = c;
}

/// Step `l` of the reduction, for which the panel's row is `b`.
#[inline(always)]
unsafe fn one_step<S: Lanes, const R: usize, const V: usize>(
    s: S,
    rows: &[*const f32; R],
    l: usize,
    b: *const f32,
    sums: &mut [[S::F; V]; R],
) {
    // SAFETY: `tile`'s promise.
    unsafe {
        let mut bs = [s.splat(0.0); V];
        for (v, to) in bs.iter_mut().enumerate() {
            *to = s.load_at(b.add(v * S::N));
        }
        for (row, sums) in rows.iter().zip(sums) {
            let a = s.splat(*row.add(l));
            for (sum, b) in sums.iter_mut().zip(bs) {
                *sum = s.mul_add(a, b, *sum);
            }
        }
    }
}

/// R rows times V vectors; returns R.
#[inline(always)]
unsafe fn tile<S: Lanes, const R: usize, const V: usize>(
    s: S,
    a: *const f32,
    a_row: usize,
    k: usize,
    b: *const f32,
    to: Target,
) -> usize {
    let mut sums = [[s.splat(0.0); V]; R];
    // SAFETY: the caller's promise: R rows of k values at `a`, k·panel values at `b`.
    unsafe {
        // One address for each row, and four steps at a time: the loop's own arithmetic stays out of the way.
        let mut rows = [a; R];
        for (r, row) in rows.iter_mut().enumerate() {
            *row = a.add(r * a_row);
        }
        for r in 0..R {
            for v in 0..V {
                bring_near(to.c.wrapping_add(r * to.row + v * S::N));
            }
        }
        let whole = k / UNROLLED * UNROLLED;
        let mut l = 0;
        while l < whole {
            for step in 0..UNROLLED {
                one_step::<S, R, V>(s, &rows, l + step, b.add((l + step) * panel::<S>()), &mut sums);
            }
            l += UNROLLED;
        }
        while l < k {
            one_step::<S, R, V>(s, &rows, l, b.add(l * panel::<S>()), &mut sums);
            l += 1;
        }
        // Every index below is a constant once unrolled: one that is not would put the sums into memory, and
        // the loop above would store them at each step.
        let alpha = s.splat(to.alpha);
        if to.cols >= V * S::N {
            for (r, sums) in sums.iter().enumerate() {
                for (v, sum) in sums.iter().enumerate() {
                    let at = to.c.add(r * to.row + v * S::N);
                    let sum = s.mul(*sum, alpha);
                    s.store_at(at, if to.add { s.add(s.load_at(at), sum) } else { sum });
                }
            }
        } else {
            let mut values = [0.0; MAX_TILE];
            for (r, sums) in sums.iter().enumerate() {
                for (v, sum) in sums.iter().enumerate() {
                    s.store_at(values.as_mut_ptr().add((r * V + v) * S::N), s.mul(*sum, alpha));
                }
            }
            store_edge(&values, V * S::N, R, to);
        }
    }
    R
}

/// The most values a tile has on any machine.
const MAX_TILE: usize = 8 * 48;

/// Stores the first columns of a tile, whose rows are `width` apart.
///
/// # Safety
/// `rows` rows of C can be written.
#[inline(never)]
unsafe fn store_edge(values: &[f32; MAX_TILE], width: usize, rows: usize, to: Target) {
    for (r, values) in values.chunks_exact(width).take(rows).enumerate() {
        for (j, value) in values[..to.cols].iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let at = to.c.add(r * to.row + j);
                *at = if to.add { *at + value } else { *value };
            }
        }
    }
}
