//! Products in bf16 with sums in f32, on AMX or on AVX-512's dot products of pairs.
//!
//! One of the two operands is packed as a whole, by all threads, and shared; of the other one, each task packs
//! a unit just in time and multiplies it with all of the first. Long reductions go in blocks, so
//! that what is packed stays small; how they are cut depends on the shape alone.
#![expect(unsafe_code, reason = "tasks write their own tiles of C")]

use half::bf16;

use super::exact::Job;
use super::pairs::Pairs;
use super::scratch;
use super::tiles::{STEP, Tiles, UNIT};
use super::vnni::{self, Side};
use crate::dispatch::{self, Isa};
use crate::pool::{self, Shared};
use crate::quant::layout::PANEL;
use crate::weight::{Values, Weight};

/// What multiplies two packed units.
pub(super) trait Engine {
    /// # Safety
    /// The machine has the engine's instructions.
    unsafe fn begin() -> Self;

    /// C\[32, 32\] = A·B, or += if `add`, for units of A and B of `steps`·32 steps; C's rows are `c_row` apart.
    ///
    /// # Safety
    /// The units hold that much, and 32 rows of 32 values can be read and written at `c`.
    unsafe fn multiply(
        &self,
        a: *const bf16,
        b: *const bf16,
        steps: usize,
        c: *mut f32,
        c_row: usize,
        add: bool,
    );
}

/// Steps of the reduction in one block at most.
const STEPS: usize = 1024;
/// Below this many rows, columns or steps most of a tile would be padding: f32 is as fast.
const LEAST: usize = 16;

/// Whether a product of this size is computed straight from a quantised matrix's panels: where there are tiles.
pub(super) fn takes_panels(isa: Isa, m: usize, w: &Weight<'_>) -> bool {
    let aligned = matches!(w.values, Values::Quantised(_, first) if first.is_multiple_of(PANEL));
    aligned && isa >= Isa::Amx && m.min(w.n_out).min(w.n_in) > LEAST
}

/// Computes the job into `c` on the pool, if `isa` has instructions for it and it is large enough in each
/// direction; says whether it did.
pub(super) fn run(isa: Isa, job: &Job<'_>, c: &mut [f32]) -> bool {
    if job.m.min(job.n).min(job.k) <= LEAST || !dispatch::has_bf16(isa) {
        return false;
    }
    // SAFETY: `has_bf16` means AVX-512 with its bf16, and an `Isa` is only ever run up to what was detected.
    unsafe { if isa >= Isa::Amx { run_on::<Tiles>(job, c) } else { run_on::<Pairs>(job, c) } };
    true
}

/// `alpha` is 1 here: no caller asks for more.
///
/// # Safety
/// The machine has AVX-512 with bf16, and the engine's instructions.
unsafe fn run_on<E: Engine>(job: &Job<'_>, c: &mut [f32]) {
    assert!(job.c_row >= job.n && (job.m - 1) * job.c_row + job.n <= c.len());
    debug_assert!(job.alpha == 1.0);
    let steps = job.k.div_ceil(job.k.div_ceil(STEPS)).next_multiple_of(STEP);
    let (rows, cols) = (job.m.div_ceil(UNIT), job.n.div_ceil(UNIT));
    let (whole, whole_units, units) =
        if rows <= cols { (Side::A, rows, cols) } else { (Side::B, cols, rows) };
    let mut packed = scratch::take::<bf16>(whole_units * UNIT * steps);
    let shared = Shared::new(c);
    // A unit again packed for each part of the other operand costs little while the part is long.
    let parts = (4 * pool::threads()).div_ceil(units).min(whole_units.div_ceil(4)).max(1);
    let part_units = whole_units.div_ceil(parts);
    for from in (0..job.k).step_by(steps) {
        let block = Block { job, from, steps: steps.min(job.k - from), c: &shared };
        let unit_len = UNIT * block.steps.next_multiple_of(STEP);
        pool::chunks_mut(&mut packed[..whole_units * unit_len], unit_len, |i, unit| {
            // SAFETY: the caller's promise.
            unsafe { block.pack(whole, i, unit) };
        });
        pool::for_each(units * parts, |i| {
            let (own, part) = (i / parts, i % parts);
            let mut unit = scratch::take::<bf16>(unit_len);
            // SAFETY: the caller's promise.
            let engine = unsafe {
                block.pack(if whole == Side::A { Side::B } else { Side::A }, own, &mut unit);
                E::begin()
            };
            let others = part * part_units..((part + 1) * part_units).min(whole_units);
            for other in others {
                if pool::is_stopped() {
                    return;
                }
                let theirs = &packed[other * unit_len..][..unit_len];
                match whole {
                    Side::A => block.multiply(&engine, theirs, &unit, other, own),
                    Side::B => block.multiply(&engine, &unit, theirs, own, other),
                }
            }
        });
    }
}

/// A stretch of the reduction.
struct Block<'a> {
    job: &'a Job<'a>,
    from: usize,
    steps: usize,
    c: &'a Shared<'a, f32>,
}

impl Block<'_> {
    /// # Safety
    /// The machine has AVX-512 with bf16.
    unsafe fn pack(&self, side: Side, i: usize, unit: &mut [bf16]) {
        let (operand, len) = match side {
            Side::A => (&self.job.a, self.job.m),
            Side::B => (&self.job.b, self.job.n),
        };
        // SAFETY: the caller's promise.
        unsafe { vnni::pack(side, operand, i * UNIT, len, self.from, self.steps, unit) };
    }

    /// The tile of C at unit `i` of A and unit `j` of B.
    fn multiply<E: Engine>(&self, engine: &E, a: &[bf16], b: &[bf16], i: usize, j: usize) {
        let (row, col) = (i * UNIT, j * UNIT);
        let (rows, cols) = (UNIT.min(self.job.m - row), UNIT.min(self.job.n - col));
        let c_row = self.job.c_row;
        let c = self.c.at(row * c_row + col);
        let add = self.job.add || self.from > 0;
        let steps = self.steps.div_ceil(STEP);
        assert!(a.len() == UNIT * STEP * steps && b.len() == a.len());
        if rows == UNIT && cols == UNIT {
            // SAFETY: the units hold `steps`; the tile is inside C (asserted in `run`), and no other task's.
            unsafe { engine.multiply(a.as_ptr(), b.as_ptr(), steps, c, c_row, add) };
            return;
        }
        let mut tile = [0.0; UNIT * UNIT];
        // SAFETY: the tile has 32 rows of 32.
        unsafe { engine.multiply(a.as_ptr(), b.as_ptr(), steps, tile.as_mut_ptr(), UNIT, false) };
        for (r, values) in tile.chunks_exact(UNIT).take(rows).enumerate() {
            // SAFETY: `rows` rows of `cols` are inside C, and no other task's.
            let out = unsafe { std::slice::from_raw_parts_mut(c.add(r * c_row), cols) };
            for (out, value) in out.iter_mut().zip(values) {
                *out = if add { *out + value } else { *value };
            }
        }
    }
}
