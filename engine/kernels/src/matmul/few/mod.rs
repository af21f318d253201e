//! Products of a few rows with the weights of a group: what a token costs. Reading the weights is all the work
//! there is, so they are read once, by all threads, in one region of the pool for the whole group. Integer products
//! with quantised weights go this way however many rows there are.

mod dense;

use std::cell::RefCell;
use std::ops::Range;

use self::dense::Out;
use crate::dispatch::{Isa, Precision};
use crate::pool::{self, Shared};
use crate::quant::layout::PANEL;
use crate::quant::{self, Activations, Quantised};
use crate::weight::{Values, Weight};

/// Rows of x up to which reading a weight row by row beats packing it.
const MOST_ROWS: usize = 8;
/// The same for integer products, where the processor has tiles of bf16.
const MOST_ROUNDED_ROWS: usize = 16;

/// Outputs that stay together in a task: a panel.
const GRAIN: usize = PANEL;
/// Bytes of weights below which a task is not worth handing over: a microsecond's.
const LEAST_BYTES: usize = 16 << 10;
/// Tasks for each thread: enough that one that comes late does less.
const TASKS_PER_THREAD: usize = 4;

thread_local! {
    /// What x was rounded to in the last call of this thread: its memory serves the next.
    static ROUNDED: RefCell<Activations> = RefCell::default();
}

/// What a group is computed for.
#[derive(Clone, Copy)]
pub(super) struct Case {
    pub isa: Isa,
    /// M
    pub m: usize,
    pub precision: Precision,
    /// Rows that have nothing to do with one another: each comes out as if it were alone.
    pub apart: bool,
}

/// One weight of a group, and its output \[M, N\].
pub(super) struct Share<'w, 'o> {
    pub weight: Weight<'w>,
    pub out: Shared<'o, f32>,
}

/// Whether a weight is computed here.
pub(super) fn takes(case: Case, w: &Weight<'_>) -> bool {
    w.n_in > 0
        && match w.values {
            Values::F32(_) | Values::F16(_) | Values::Bf16(_) => case.apart || case.m <= MOST_ROWS,
            Values::Quantised(_, first) => {
                let few = match case.precision {
                    Precision::Exact => case.m <= MOST_ROWS,
                    Precision::Fast => case.m <= MOST_ROUNDED_ROWS || case.isa < Isa::Amx,
                };
                first.is_multiple_of(PANEL) && (case.apart || few)
            }
            Values::Rows(_) | Values::RowsFrom(..) => false,
        }
}

/// Bytes of a row.
fn row_bytes(w: &Weight<'_>) -> usize {
    match w.values {
        Values::F32(_) => 4 * w.n_in,
        Values::Quantised(q, _) => q.size_bytes().div_ceil(q.n_out().max(1)),
        _ => 2 * w.n_in,
    }
}

/// Computes out = x·Wᵀ for every share: x \[M, K\], weights that [`takes`] has admitted, and outputs of M·N values.
pub(super) fn run(case: Case, x: &[f32], shares: &[Share<'_, '_>]) {
    let round = case.precision == Precision::Fast
        && shares.iter().any(|share| matches!(share.weight.values, Values::Quantised(..)));
    if !round {
        return run_with(case, x, None, shares);
    }
    // Taken out for the call: what runs below may compute a product of its own.
    let mut rounded = ROUNDED.take();
    rounded.round(case.isa, x, case.m, x.len() / case.m);
    run_with(case, x, Some(&rounded), shares);
    ROUNDED.set(rounded);
}

fn run_with(case: Case, x: &[f32], rounded: Option<&Activations>, shares: &[Share<'_, '_>]) {
    let bytes: usize = shares.iter().map(|s| s.weight.n_out * row_bytes(&s.weight)).sum();
    let tasks = (TASKS_PER_THREAD * pool::threads()).min(bytes * case.m / LEAST_BYTES).max(1);
    let task_bytes = bytes.div_ceil(tasks).max(1);
    // Each share in tasks of about the same number of bytes: rows of a task, and the first task's number.
    let mut cuts = Vec::with_capacity(shares.len());
    let mut count = 0;
    for share in shares {
        let n = share.weight.n_out;
        let parts = (n * row_bytes(&share.weight)).div_ceil(task_bytes).max(1);
        let rows = n.div_ceil(parts).next_multiple_of(GRAIN).max(GRAIN);
        cuts.push((count, rows));
        count += n.div_ceil(rows);
    }
    pool::for_each(count, |i| {
        let which = cuts.partition_point(|(first, _)| *first <= i) - 1;
        let ((first, rows), share) = (cuts[which], &shares[which]);
        let start = (i - first) * rows;
        rows_of(case, x, rounded, share, start..(start + rows).min(share.weight.n_out));
    });
}

/// Rows `rows` of a weight, from the first of a panel on, and so those columns of the output.
fn rows_of(case: Case, x: &[f32], rounded: Option<&Activations>, share: &Share<'_, '_>, rows: Range<usize>) {
    let Case { isa, m, .. } = case;
    let (n, k) = (share.weight.n_out, share.weight.n_in);
    let part = rows.start * k..rows.end * k;
    let out = Out { c: share.out.at(rows.start), row: n };
    match share.weight.values {
        Values::F32(v) => dense::product_f32(isa, x, m, &v[part], k, out),
        Values::F16(v) => dense::product_f16(isa, x, m, &v[part], k, out),
        Values::Bf16(v) => dense::product_bf16(isa, x, m, &v[part], k, out),
        Values::Quantised(w, first) => quantised(case, x, rounded, w, first, share, rows),
        // `takes` admits none.
        Values::Rows(_) | Values::RowsFrom(..) => {}
    }
}

fn quantised(
    case: Case,
    x: &[f32],
    rounded: Option<&Activations>,
    w: &Quantised,
    first: usize,
    share: &Share<'_, '_>,
    rows: Range<usize>,
) {
    let panels = (first + rows.start) / PANEL..(first + rows.end).div_ceil(PANEL);
    let out = quant::Out {
        values: &share.out,
        stride: share.weight.n_out,
        first_panel: first / PANEL,
        n: share.weight.n_out,
    };
    match rounded {
        Some(rounded) => quant::product_panels(case.isa, rounded, w, panels, out),
        None => quant::exact_panels(case.isa, x, case.m, w, panels, out),
    }
}
