//! Products in f32: who computes which part of C, and in which order.
//!
//! A task owns some rows of C and some of its panels of columns. It brings one panel of B at a time, and the
//! reduction in blocks that keep the panel in the first-level cache. How C is cut depends on the number of
//! threads; what becomes of one value of C does not.

use super::micro::{Strip, Target, panel, strip};
use super::pack::{Data, Operand, pack_panel, pack_rows};
use super::scratch;
use crate::dispatch::Isa;
use crate::lanes::{Lanes, kernel};
use crate::pool::{self, Shared};

/// C \[m, n\] = alpha·A·B, or += .
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub a: Operand<'a>,
    pub b: Operand<'a>,
    pub alpha: f32,
    pub add: bool,
    /// C's rows are this far apart.
    pub c_row: usize,
}

/// Steps of the reduction in one block at most: a panel of them takes well under a first-level cache.
const fn most_steps<S: Lanes>() -> usize {
    if S::N == 16 { 192 } else { 320 }
}

/// Rows of A that meet all panels of a task before the next ones do: with that many steps, they stay in a
/// second-level cache.
const ROWS: usize = 192;
/// Columns of a task at most: their panels stay in a second-level cache too.
const COLS: usize = 384;
/// A task has at least this many rows, if there are as many: packing a panel costs about as much as 8 rows.
const LEAST_ROWS: usize = 128;

/// How C is cut into tasks.
struct Cut {
    rows: usize,
    cols: usize,
}

impl Job<'_> {
    fn cut(&self, panel: usize, threads: usize) -> Cut {
        let tasks = if threads == 1 { 1 } else { 4 * threads };
        let even =
            |len: usize, most: usize, unit: usize| len.div_ceil(len.div_ceil(most)).next_multiple_of(unit);
        let (mut rows, mut cols) = (self.m, even(self.n, COLS, panel));
        let count = |rows: usize, cols: usize| self.m.div_ceil(rows) * self.n.div_ceil(cols);
        while count(rows, cols) < tasks && rows >= 2 * LEAST_ROWS {
            rows = even(rows, rows.div_ceil(2), 8);
        }
        while count(rows, cols) < tasks && cols > panel {
            cols = even(cols, cols.div_ceil(2), panel);
        }
        Cut { rows, cols }
    }
}

/// Computes the job into `c`, on the pool if `parallel`.
pub(super) fn run(isa: Isa, job: &Job<'_>, c: &mut [f32], parallel: bool) {
    if job.m == 0 || job.n == 0 {
        return;
    }
    assert!((job.c_row >= job.n || job.m == 1) && (job.m - 1) * job.c_row + job.n <= c.len());
    if job.k == 0 {
        if !job.add {
            c.chunks_mut(job.c_row.max(job.n)).take(job.m).for_each(|row| row[..job.n].fill(0.0));
        }
        return;
    }
    let threads = if parallel { pool::threads() } else { 1 };
    let cut = job.cut(panel_of(isa), threads);
    let col_parts = job.n.div_ceil(cut.cols);
    let shared = Shared::new(c);
    let task = |i: usize| {
        let (row, col) = (i / col_parts * cut.rows, i % col_parts * cut.cols);
        let part = Part { row, rows: cut.rows.min(job.m - row), col, cols: cut.cols.min(job.n - col) };
        part_of(isa, job, &part, &shared);
    };
    let tasks = job.m.div_ceil(cut.rows) * col_parts;
    if parallel { pool::for_each(tasks, task) } else { (0..tasks).for_each(task) }
}

/// What one task computes.
struct Part {
    row: usize,
    rows: usize,
    col: usize,
    cols: usize,
}

kernel! {
    fn panel_of[S](_s) -> usize {
        panel::<S>()
    }
}

kernel! {
    fn part_of[S](s, job: &Job<'_>, part: &Part, c: &Shared<'_, f32>) {
        let width = panel::<S>();
        let steps = job.k.div_ceil(job.k.div_ceil(most_steps::<S>()));
        let panels = part.cols.div_ceil(width);
        let direct = match job.a.data {
            Data::F32(a) if job.a.reduces_along => Some(a),
            _ => None,
        };
        let block_rows = ROWS.min(part.rows);
        let mut packed = scratch::take::<f32>(panels * width * steps);
        let mut wide = scratch::take::<f32>(S::N * steps.max(block_rows));
        let mut rows = scratch::take::<f32>(if direct.is_some() { 0 } else { block_rows * steps });
        for first in (0..job.k).step_by(steps) {
            let k = steps.min(job.k - first);
            for (i, panel) in packed.chunks_exact_mut(width * k).take(panels).enumerate() {
                let from = part.col + i * width;
                let to = (from + width).min(part.col + part.cols);
                pack_panel(s, &job.b, from..to, first..first + k, &mut wide, panel);
            }
            for from in (0..part.rows).step_by(block_rows) {
                if pool::is_stopped() {
                    return;
                }
                let block = part.row + from..part.row + (from + block_rows).min(part.rows);
                let (a, row) = match direct {
                    Some(a) => (&a[block.start * job.a.stride + first..], job.a.stride),
                    None => {
                        pack_rows(s, &job.a, block.clone(), first..first + k, &mut wide, &mut rows);
                        (&*rows, k)
                    }
                };
                assert!((block.len() - 1) * row + k <= a.len());
                let a = Strip { a: a.as_ptr(), row, m: block.len(), k };
                for (i, panel) in packed.chunks_exact(width * k).take(panels).enumerate() {
                    let col = i * width;
                    let to = Target {
                        c: c.at(block.start * job.c_row + part.col + col),
                        row: job.c_row,
                        cols: width.min(part.cols - col),
                        alpha: job.alpha,
                        add: job.add || first > 0,
                    };
                    // SAFETY: A's rows and the panel hold k steps (asserted, packed); this part of C is inside
                    // it (asserted in `run`) and no other task's.
                    unsafe { strip(s, a, panel.as_ptr(), to) };
                }
            }
        }
    }
}
