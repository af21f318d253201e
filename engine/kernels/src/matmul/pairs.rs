//! AVX-512's dot products of bf16 pairs: the same two units times a reduction as on AMX, where there is no AMX.
//! Zen 4 and later, Cooper Lake.
//!
//! A row of a tile of B is one vector, the pairs of sixteen columns; a pair of A is repeated across another
//! (Intel's architecture manual, VDPBF16PS). Sums start from what C holds and denormals count as zero, as on AMX.
#![expect(
    unsafe_code,
    reason = "addresses of rows in place of slices: the caller checks bounds once per unit"
)]

use std::arch::x86_64::*;

use half::bf16;

use super::fast::Engine;
use super::tiles::UNIT;

/// Rows of C whose sums stay in registers: enough chains to hide an instruction's latency.
const ROWS: usize = 8;
/// Vectors across a unit.
const VECTORS: usize = UNIT / 16;
/// Pairs of one tile, and words of its two halves.
const PAIRS: usize = 16;
const TILE: usize = 256;

/// Nothing to set up.
pub(super) struct Pairs(());

impl Engine for Pairs {
    unsafe fn begin() -> Self {
        Self(())
    }

    #[inline]
    unsafe fn multiply(
        &self,
        a: *const bf16,
        b: *const bf16,
        steps: usize,
        c: *mut f32,
        c_row: usize,
        add: bool,
    ) {
        // SAFETY: the caller's promise.
        unsafe { multiply(a.cast(), b.cast(), steps, c, c_row, add) };
    }
}

/// As [`Engine::multiply`]; a word is a pair.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn multiply(a: *const i32, b: *const i32, steps: usize, c: *mut f32, c_row: usize, add: bool) {
    for first in (0..UNIT).step_by(ROWS) {
        // SAFETY: rows first.. of the unit of A, which are in one half of it, and of C.
        unsafe {
            let a = a.add(first / 16 * TILE + first % 16 * PAIRS);
            rows(a, b, steps, c.add(first * c_row), c_row, add);
        }
    }
}

/// [`ROWS`] rows of a unit.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn rows(a: *const i32, b: *const i32, steps: usize, c: *mut f32, c_row: usize, add: bool) {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    // SAFETY: the caller's promise: `steps` pairs of tiles in each unit, and ROWS rows of 32 values at `c`. Every
    // index is a constant once unrolled, so that the sums stay in registers.
    unsafe {
        if add {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = _mm512_loadu_ps(c.add(r * c_row + v * 16));
                }
            }
        }
        for step in 0..steps {
            let (a, b) = (a.add(step * 2 * TILE), b.add(step * 2 * TILE));
            for pair in 0..PAIRS {
                let mut columns = [_mm512_setzero_si512(); VECTORS];
                for (v, column) in columns.iter_mut().enumerate() {
                    *column = _mm512_loadu_si512(b.add(v * TILE + pair * 16).cast());
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let row = halves(_mm512_set1_epi32(*a.add(r * PAIRS + pair)));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = _mm512_dpbf16_ps(*sum, row, halves(column));
                    }
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                _mm512_storeu_ps(c.add(r * c_row + v * 16), *sum);
            }
        }
    }
}

#[inline(always)]
fn halves(words: __m512i) -> __m512bh {
    // SAFETY: the same 512 bits, any of which make a bf16.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(words) }
}
