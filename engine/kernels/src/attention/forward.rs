//! The forward pass: softmax as the keys go by, the output scaled down whenever a larger score turns up.
#![expect(unsafe_code, reason = "tasks write the rows of their own queries")]

use std::ops::Range;

use super::block::{
    Block, FLOOR, Group, KEYS, Operands, Places, cut, queries_of_block, scratch, with_operands,
};
use super::tile::{Product, product};
use super::{AttentionShape, Qkv};
use crate::dispatch::{self, Isa};
use crate::lanes::{Lanes, kernel, math};
use crate::pool::{self, Shared};

/// `out` \[M, H, E\] `= softmax(scale · q·kᵀ) · v` within each sequence, and `lse` \[H, M\], the logarithm of
/// the sum of the exponentials of the scores, which the backward pass needs.
///
/// `starts` are the cumulative starts of the sequences in the rows, with M at the end: \[0, 3, 10\] are two
/// sequences of 3 and 7 rows.
///
/// # Panics
/// If the shapes disagree.
pub fn forward(shape: &AttentionShape, starts: &[usize], qkv: &Qkv<'_>, out: &mut [f32], lse: &mut [f32]) {
    forward_on(dispatch::active(), shape, starts, qkv, out, lse);
}

pub(super) fn forward_on(
    isa: Isa,
    shape: &AttentionShape,
    starts: &[usize],
    qkv: &Qkv<'_>,
    out: &mut [f32],
    lse: &mut [f32],
) {
    let group_size = shape.group();
    let m = shape.check(starts, qkv, &[out], lse);
    let step = queries_of_block(isa, group_size);
    let mut tasks = Vec::new();
    for pair in starts.windows(2) {
        let (start, len) = (pair[0], pair[1] - pair[0]);
        // A head's blocks after one another, which share its keys in the cache; the last queries first, which see
        // the most keys.
        for kv_head in 0..shape.n_kv_heads {
            let group = Group { shape, start, len, kv_head };
            tasks.extend((0..len).step_by(step).rev().map(|first| (group, first)));
        }
    }
    let made = Made { out: Shared::new(out), stride: shape.q_width(), lse: Shared::new(lse), m };
    with_operands(shape, starts, qkv, m, |given| {
        pool::for_each(tasks.len(), |i| {
            let (group, first) = tasks[i];
            forward_block(isa, group, first, &given, &made);
        });
    });
}

struct Made<'a> {
    out: Shared<'a, f32>,
    stride: usize,
    lse: Shared<'a, f32>,
    /// M, the stride of lse.
    m: usize,
}

impl Made<'_> {
    /// lse of some queries (of the sequence) of head `head` (of the group).
    ///
    /// # Safety
    /// The caller's task is the only one that has them, and has no other reference to them.
    #[expect(clippy::mut_from_ref, reason = "tasks write places of their own")]
    unsafe fn lse(&self, group: &Group<'_>, head: usize, queries: Range<usize>) -> &mut [f32] {
        let from = (group.head() + head) * self.m + group.start + queries.start;
        // SAFETY: the caller's promise.
        unsafe { self.lse.slice(from, queries.len()) }
    }
}

impl Places for Made<'_> {
    fn place(&self, group: &Group<'_>, query: usize, head: usize, e: usize) -> (*mut f32, usize) {
        (self.out.at(group.query_at(self.stride, query, head) + e), self.stride)
    }
}

/// A block's matrices.
struct Matrices<'a> {
    /// Queries, scaled, across \[E, columns\].
    q: &'a mut [f32],
    /// The output so far, across, before division by `sums`.
    out: &'a mut [f32],
    /// Scores, then their exponentials \[keys, columns\].
    p: &'a mut [f32],
    /// Of each query: the largest score so far, the sum of exponentials below it, and what the last tile shrank
    /// them by.
    most: &'a mut [f32],
    sums: &'a mut [f32],
    shrink: &'a mut [f32],
}

kernel! {
    fn forward_block[S](s, group: Group<'_>, first: usize, given: &Operands<'_>, made: &Made<'_>) {
        let block = Block::new(s, group, first);
        let columns = block.columns;
        let padded = group.shape.head_width.next_multiple_of(S::N);
        let mut memory = scratch((2 * padded + KEYS + 3) * columns);
        let rest = &mut &mut memory[..];
        let with = &mut Matrices {
            q: cut(rest, padded * columns),
            out: cut(rest, padded * columns),
            p: cut(rest, KEYS * columns),
            most: cut(rest, columns),
            sums: cut(rest, columns),
            shrink: cut(rest, columns),
        };
        block.bring_across(s, given.q, group.shape.scale, with.q);
        with.out.fill(0.0);
        with.most.fill(FLOOR);
        with.sums.fill(0.0);
        let keys = block.keys();
        for from in keys.clone().step_by(KEYS) {
            tile_forward(s, &block, &(from..(from + KEYS).min(keys.end)), given, with);
        }
        for at in (0..columns).step_by(S::N) {
            s.set(with.shrink, at, s.div(s.splat(1.0), s.get(with.sums, at)));
        }
        scale_columns(s, with.out, with.shrink);
        block.take_out(s, with.out, made);
        for vector in 0..block.vectors {
            let queries = block.queries(vector / group.size());
            // SAFETY: these queries of this head are this task's alone, and no other reference to them is alive.
            let lse = unsafe { made.lse(&group, vector % group.size(), queries) };
            let (most, sums) = (&with.most[vector * S::N..], &with.sums[vector * S::N..]);
            for ((lse, most), sum) in lse.iter_mut().zip(most).zip(sums) {
                *lse = most + sum.ln();
            }
        }
    }
}

/// What one tile of keys adds to the output.
#[inline(always)]
fn tile_forward<S: Lanes>(
    s: S,
    block: &Block<'_>,
    tile: &Range<usize>,
    given: &Operands<'_>,
    with: &mut Matrices<'_>,
) {
    let (group, columns) = (&block.group, block.columns);
    let width = group.shape.head_width;
    let masked = block.masked(tile);
    let mut larger = false;
    for (vector, vectors, rows) in block.runs(tile) {
        let scores = Product {
            rows,
            vectors,
            terms: width,
            a: group.keys(given.k, tile.start),
            a_row: given.k.stride,
            a_term: 1,
            b: &with.q[vector * S::N..],
            b_stride: columns,
            c: &mut with.p[vector * S::N..],
            c_stride: columns,
            add: false,
        };
        product(S::ISA, scores);
        for vector in vector..vector + vectors {
            larger |= exponentials(s, block, tile, vector, rows, masked, with);
        }
    }
    if larger {
        scale_columns(s, with.out, with.shrink);
    }
    for (vector, vectors, rows) in block.runs(tile) {
        if rows == 0 {
            continue;
        }
        let out = Product {
            rows: width,
            vectors,
            terms: rows,
            a: group.keys(given.v, tile.start),
            a_row: 1,
            a_term: given.v.stride,
            b: &with.p[vector * S::N..],
            b_stride: columns,
            c: &mut with.out[vector * S::N..],
            c_stride: columns,
            add: true,
        };
        product(S::ISA, out);
    }
}

/// Turns scores into exponentials below the largest so far, for one vector of queries. Returns whether that has
/// grown, so that what was summed before has to shrink.
#[inline(always)]
fn exponentials<S: Lanes>(
    s: S,
    block: &Block<'_>,
    tile: &Range<usize>,
    vector: usize,
    rows: usize,
    masked: bool,
    with: &mut Matrices<'_>,
) -> bool {
    let (columns, at) = (block.columns, vector * S::N);
    if let Some(cap) = block.group.shape.soft_cap {
        for row in 0..rows {
            let at = row * columns + at;
            let tanh = math::tanh(s, s.mul(s.get(with.p, at), s.splat(1.0 / cap)));
            s.set(with.p, at, s.mul(tanh, s.splat(cap)));
        }
    }
    if masked {
        block.mask(s, with.p, tile, vector, rows);
    }
    let before = s.get(with.most, at);
    let mut most = before;
    for row in 0..rows {
        most = s.max(s.get(with.p, row * columns + at), most);
    }
    let shrink = math::exp(s, s.sub(before, most));
    let mut sum = s.mul(s.get(with.sums, at), shrink);
    for row in 0..rows {
        let at = row * columns + at;
        let p = math::exp(s, s.sub(s.get(with.p, at), most));
        sum = s.add(sum, p);
        s.set(with.p, at, p);
    }
    s.set(with.most, at, most);
    s.set(with.sums, at, sum);
    s.set(with.shrink, at, shrink);
    // Not `<`: what is not a number has to go on, too.
    s.sum(shrink) != S::N as f32
}

/// Multiplies each row of `x` by `factors`.
#[inline(always)]
fn scale_columns<S: Lanes>(s: S, x: &mut [f32], factors: &[f32]) {
    for x in x.chunks_exact_mut(factors.len()) {
        for at in (0..factors.len()).step_by(S::N) {
            s.set(x, at, s.mul(s.get(x, at), s.get(factors, at)));
        }
    }
}
