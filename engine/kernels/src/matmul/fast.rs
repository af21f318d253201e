//! Products in bf16 with sums in f32, on AMX.
//!
//! One of the two operands is packed as a whole, by all threads, and shared; of the other one, each task packs
//! a unit just in time and multiplies it with all of the first. Long reductions go in blocks, so
//! that what is packed stays small; how they are cut depends on the shape alone.
#![expect(unsafe_code, reason = "tasks write their own tiles of C")]

use half::bf16;

use super::exact::Job;
use super::scratch;
use super::tiles::{STEP, Tiles, UNIT};
use super::vnni::{self, Side};
use crate::pool::{self, Shared};

/// Steps of the reduction in one block at most.
const STEPS: usize = 1024;
/// Below this many rows, columns or steps most of a tile would be padding: f32 is as fast.
const LEAST: usize = 16;

/// Whether a product is large enough in each direction.
pub(super) fn pays(job: &Job<'_>) -> bool {
    job.m.min(job.n).min(job.k) > LEAST
}

/// Computes the job into `c` on the pool. `alpha` is 1 here: no caller asks for more.
///
/// # Safety
/// The machine has AMX: `dispatch::detected()` is `Isa::Amx`.
pub(super) unsafe fn run(job: &Job<'_>, c: &mut [f32]) {
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
            let tiles = unsafe {
                block.pack(if whole == Side::A { Side::B } else { Side::A }, own, &mut unit);
                Tiles::configure()
            };
            let others = part * part_units..((part + 1) * part_units).min(whole_units);
            for other in others {
                let theirs = &packed[other * unit_len..][..unit_len];
                match whole {
                    Side::A => block.multiply(&tiles, theirs, &unit, other, own),
                    Side::B => block.multiply(&tiles, &unit, theirs, own, other),
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
    /// The machine has AMX.
    unsafe fn pack(&self, side: Side, i: usize, unit: &mut [bf16]) {
        let (operand, len) = match side {
            Side::A => (&self.job.a, self.job.m),
            Side::B => (&self.job.b, self.job.n),
        };
        // SAFETY: the caller's promise.
        unsafe { vnni::pack(side, operand, i * UNIT, len, self.from, self.steps, unit) };
    }

    /// The tile of C at unit `i` of A and unit `j` of B.
    fn multiply(&self, tiles: &Tiles, a: &[bf16], b: &[bf16], i: usize, j: usize) {
        let (row, col) = (i * UNIT, j * UNIT);
        let (rows, cols) = (UNIT.min(self.job.m - row), UNIT.min(self.job.n - col));
        let c_row = self.job.c_row;
        let c = self.c.at(row * c_row + col);
        let add = self.job.add || self.from > 0;
        let steps = self.steps.div_ceil(STEP);
        assert!(a.len() == UNIT * STEP * steps && b.len() == a.len());
        if rows == UNIT && cols == UNIT {
            // SAFETY: the units hold `steps`; the tile is inside C (asserted in `run`), and no other task's.
            unsafe { tiles.multiply(a.as_ptr(), b.as_ptr(), steps, c, c_row, add) };
            return;
        }
        let mut tile = [0.0; UNIT * UNIT];
        // SAFETY: the tile has 32 rows of 32.
        unsafe { tiles.multiply(a.as_ptr(), b.as_ptr(), steps, tile.as_mut_ptr(), UNIT, false) };
        for (r, values) in tile.chunks_exact(UNIT).take(rows).enumerate() {
            // SAFETY: `rows` rows of `cols` are inside C, and no other task's.
            let out = unsafe { std::slice::from_raw_parts_mut(c.add(r * c_row), cols) };
            for (out, value) in out.iter_mut().zip(values) {
                *out = if add { *out + value } else { *value };
            }
        }
    }
}
