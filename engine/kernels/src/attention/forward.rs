//! The forward pass: softmax as the keys go by, the output scaled down whenever a larger score turns up.
#![expect(unsafe_code, reason = "tasks write the rows of their own queries")]

use super::block::{Block, FLOOR, Group, KEYS, Places, cut, queries_of_block, scratch};
use super::tile::{Product, product};
use super::{AttentionShape, Qkv};
use crate::dispatch::{self, Isa};
use crate::lanes::{kernel, math};
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
        // The last queries see the most keys: first, so that no long task is left for the end.
        for first in (0..len).step_by(step).rev() {
            for kv_head in 0..shape.n_kv_heads {
                tasks.push((Group { shape, start, len, kv_head }, first));
            }
        }
    }
    let made = Made { out: Shared::new(out), stride: shape.q_width(), lse: Shared::new(lse), m };
    pool::for_each(tasks.len(), |i| {
        let (group, first) = tasks[i];
        forward_block(isa, group, first, qkv, &made);
    });
}

struct Made<'a> {
    out: Shared<'a, f32>,
    stride: usize,
    lse: Shared<'a, f32>,
    /// M, the stride of lse.
    m: usize,
}

impl Places for Made<'_> {
    fn place(&self, group: &Group<'_>, query: usize, head: usize, e: usize) -> (*mut f32, usize) {
        (self.out.at(group.query_at(self.stride, query, head) + e), self.stride)
    }
}

kernel! {
    fn forward_block[S](s, group: Group<'_>, first: usize, qkv: &Qkv<'_>, made: &Made<'_>) {
        let shape = group.shape;
        let block = Block::new(s, group, first);
        let (width, columns) = (shape.head_width, block.columns);
        let padded = width.next_multiple_of(S::N);
        let mut memory = scratch((2 * padded + KEYS + 3) * columns);
        let rest = &mut &mut memory[..];
        let q = cut(rest, padded * columns);
        let out = cut(rest, padded * columns);
        let scores = cut(rest, KEYS * columns);
        let (most, sums, shrink) = (cut(rest, columns), cut(rest, columns), cut(rest, columns));
        block.bring_across(s, qkv.q, shape.scale, q);
        out.fill(0.0);
        most.fill(FLOOR);
        sums.fill(0.0);

        let keys = block.keys();
        for from in keys.clone().step_by(KEYS) {
            let tile = from..(from + KEYS).min(keys.end);
            let masked = block.masked(&tile);
            let runs = block.runs(&tile);
            for (vector, vectors, rows) in runs.clone() {
                product(S::ISA, Product {
                    rows, vectors, terms: width,
                    a: group.keys(qkv.k, from), a_row: qkv.k.stride, a_term: 1,
                    b: &q[vector * S::N..], b_stride: columns,
                    c: &mut scores[vector * S::N..], c_stride: columns, add: false,
                });
            }
            let mut larger = false;
            for vector in runs.clone().flat_map(|(vector, vectors, rows)| (vector..vector + vectors).map(move |v| (v, rows))) {
                let (vector, rows) = vector;
                if let Some(cap) = shape.soft_cap {
                    for row in 0..rows {
                        let at = row * columns + vector * S::N;
                        let score = math::tanh(s, s.mul(s.get(scores, at), s.splat(1.0 / cap)));
                        s.set(scores, at, s.mul(score, s.splat(cap)));
                    }
                }
                if masked {
                    block.mask(s, scores, &tile, vector, rows);
                }
                let at = vector * S::N;
                let before = s.get(most, at);
                let mut now = before;
                for row in 0..rows {
                    now = s.max(s.get(scores, row * columns + at), now);
                }
                let factor = math::exp(s, s.sub(before, now));
                let mut sum = s.mul(s.get(sums, at), factor);
                for row in 0..rows {
                    let p = math::exp(s, s.sub(s.get(scores, row * columns + at), now));
                    sum = s.add(sum, p);
                    s.set(scores, row * columns + at, p);
                }
                larger |= s.sum(factor) != S::N as f32;
                s.set(most, at, now);
                s.set(sums, at, sum);
                s.set(shrink, at, factor);
            }
            if larger {
                for out in out.chunks_exact_mut(columns) {
                    for at in (0..columns).step_by(S::N) {
                        s.set(out, at, s.mul(s.get(out, at), s.get(shrink, at)));
                    }
                }
            }
            for (vector, vectors, rows) in runs {
                if rows == 0 {
                    continue;
                }
                product(S::ISA, Product {
                    rows: width, vectors, terms: rows,
                    a: group.keys(qkv.v, from), a_row: 1, a_term: qkv.v.stride,
                    b: &scores[vector * S::N..], b_stride: columns,
                    c: &mut out[vector * S::N..], c_stride: columns, add: true,
                });
            }
        }

        for at in (0..columns).step_by(S::N) {
            s.set(shrink, at, s.div(s.splat(1.0), s.get(sums, at)));
        }
        for out in out.chunks_exact_mut(columns) {
            for at in (0..columns).step_by(S::N) {
                s.set(out, at, s.mul(s.get(out, at), s.get(shrink, at)));
            }
        }
        block.take_out(s, out, made);
        for vector in 0..block.vectors {
            let queries = block.queries(vector / group.size());
            let head = group.head() + vector % group.size();
            // SAFETY: these queries of this head are this task's alone.
            let lse = unsafe { made.lse.slice(head * made.m + group.start + queries.start, queries.len()) };
            let (most, sums) = (&most[vector * S::N..], &sums[vector * S::N..]);
            for ((lse, most), sum) in lse.iter_mut().zip(most).zip(sums) {
                *lse = most + sum.ln();
            }
        }
    }
}
