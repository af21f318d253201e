//! The backward pass: probabilities are made again from lse, and each group of heads sums its keys' gradients
//! in one place, in the order of its queries.
#![expect(unsafe_code, reason = "tasks write rows and sums of their own")]

use std::ops::Range;

use super::block::{
    Block, Group, KEYS, Operands, Places, batch_scratch, cut, queries_of_block, scratch, with_operands,
};
use super::tile::{Product, product};
use super::{AttentionShape, Qkv, Rows};
use crate::dispatch::{self, Isa};
use crate::lanes::{Lanes, kernel, math};
use crate::pool::{self, Shared};

/// Where the gradients go; what was there is overwritten.
#[derive(Debug)]
pub enum Gradients<'a> {
    /// dq \[M, H, E\], dk and dv \[M, Kv, E\].
    Apart { dq: &'a mut [f32], dk: &'a mut [f32], dv: &'a mut [f32] },
    /// One matrix whose rows are dq, then dk, then dv.
    Fused(&'a mut [f32]),
}

/// The gradients of [`forward`](super::forward) by queries, keys and values, from what went in (`qkv`), what
/// came out (`out`, `lse`), and the gradient of that (`dout` \[M, H, E\]).
///
/// # Panics
/// If the shapes disagree.
pub fn backward(
    shape: &AttentionShape,
    starts: &[usize],
    qkv: &Qkv<'_>,
    out: &[f32],
    lse: &[f32],
    dout: &[f32],
    gradients: Gradients<'_>,
) {
    backward_on(dispatch::active(), shape, starts, qkv, out, lse, dout, gradients);
}

/// Tasks to aim for where there are few sequences and heads: then the queries of one are shared out, and the
/// sums of each share added up afterwards. A matter of shape, so that results are not one of threads.
const TASKS: usize = 12;

#[expect(clippy::too_many_arguments, reason = "the public function's, and the instruction set")]
pub(super) fn backward_on(
    isa: Isa,
    shape: &AttentionShape,
    starts: &[usize],
    qkv: &Qkv<'_>,
    out: &[f32],
    lse: &[f32],
    dout: &[f32],
    gradients: Gradients<'_>,
) {
    shape.group();
    let m = shape.check(starts, qkv, &[out, dout], lse);
    let stride = shape.q_width();
    with_operands(shape, starts, qkv, m, |operands| {
        let given = Given { operands, out: Rows::new(out, stride), dout: Rows::new(dout, stride), lse, m };
        backward_of(isa, shape, starts, &given, gradients);
    });
}

fn backward_of(
    isa: Isa,
    shape: &AttentionShape,
    starts: &[usize],
    given: &Given<'_>,
    gradients: Gradients<'_>,
) {
    let (group_size, m) = (shape.group(), given.m);
    let into = Into::new(shape, m, gradients);
    let mut groups = Vec::new();
    for pair in starts.windows(2) {
        let (start, len) = (pair[0], pair[1] - pair[0]);
        groups.extend((0..shape.n_kv_heads).map(|kv_head| Group { shape, start, len, kv_head }));
    }
    groups.retain(|group| group.len > 0);
    // The longest first, so that no long task is left for the end.
    groups.sort_by_key(|group| std::cmp::Reverse(group.len));
    let longest = groups.first().map_or(0, |group| group.len);
    let n_blocks = longest.div_ceil(queries_of_block(isa, group_size));
    let shares = TASKS.div_ceil(groups.len().max(1)).min(n_blocks).max(1);

    if shares == 1 {
        pool::for_each(groups.len(), |i| {
            let group = groups[i];
            let mut sums = scratch(sums_len(isa, &group).next_power_of_two());
            sum_share(isa, group, 0, 1, given, &into, &mut sums[..sums_len(isa, &group)]);
            write_keys(isa, &group, 0..group.len, &sums, 1, &into);
        });
        return;
    }
    // All groups' shares side by side.
    let mut ends = Vec::with_capacity(groups.len());
    let mut end = 0;
    for group in &groups {
        end += sums_len(isa, group) * shares;
        ends.push(end);
    }
    let mut all = batch_scratch(end);
    let sums = Shared::new(&mut all);
    pool::for_each(groups.len() * shares, |i| {
        let (group, share) = (groups[i / shares], i % shares);
        let len = sums_len(isa, &group);
        // SAFETY: this share's place, which no other task has.
        let sums = unsafe { sums.slice(ends[i / shares] - (shares - share) * len, len) };
        sum_share(isa, group, share, shares, given, &into, sums);
    });
    for (group, end) in groups.iter().zip(ends) {
        let sums = &all[end - sums_len(isa, group) * shares..end];
        pool::for_each(group.len.div_ceil(KEYS), |i| {
            let keys = i * KEYS..(i * KEYS + KEYS).min(group.len);
            write_keys(isa, group, keys, sums, shares, &into);
        });
    }
}

/// What the forward pass took and made, and the gradient of that.
struct Given<'a> {
    operands: Operands<'a>,
    out: Rows<'a>,
    dout: Rows<'a>,
    lse: &'a [f32],
    /// M, the stride of lse.
    m: usize,
}

/// Where gradients go: a slice each, or one slice for all three at different columns.
struct Into<'a> {
    slices: Vec<Shared<'a, f32>>,
    strides: [usize; 3],
    columns: [usize; 3],
}

impl<'a> Into<'a> {
    fn new(shape: &AttentionShape, m: usize, gradients: Gradients<'a>) -> Self {
        let (q, kv) = (shape.q_width(), shape.kv_width());
        match gradients {
            Gradients::Apart { dq, dk, dv } => {
                assert!(dq.len() == m * q && dk.len() == m * kv && dv.len() == m * kv, "a gradient's shape");
                let slices = [dq, dk, dv].into_iter().map(Shared::new).collect();
                Self { slices, strides: [q, kv, kv], columns: [0; 3] }
            }
            Gradients::Fused(all) => {
                assert_eq!(all.len(), m * (q + 2 * kv), "the shape of the fused gradient");
                Self { slices: vec![Shared::new(all)], strides: [q + 2 * kv; 3], columns: [0, q, q + kv] }
            }
        }
    }

    /// `len` numbers of row `row` of gradient `which` (0 of queries, 1 of keys, 2 of values).
    ///
    /// # Safety
    /// The caller's task is the only one that writes there, and has no other reference to it.
    #[expect(clippy::mut_from_ref, reason = "tasks write places of their own")]
    unsafe fn at(&self, which: usize, row: usize, column: usize, len: usize) -> &mut [f32] {
        let slice = self.slices.get(which).unwrap_or(&self.slices[0]);
        // SAFETY: the caller's promise.
        unsafe { slice.slice(row * self.strides[which] + self.columns[which] + column, len) }
    }
}

impl Places for Into<'_> {
    fn place(&self, group: &Group<'_>, query: usize, head: usize, e: usize) -> (*mut f32, usize) {
        let row = (group.start + query) * self.strides[0] + self.columns[0];
        (self.slices[0].at(row + (group.head() + head) * group.shape.head_width + e), self.strides[0])
    }
}

kernel! {
    /// Numbers in the sums of keys' and values' gradients of one group: \[2, T, padded E\].
    fn sums_len[S](_s, group: &Group<'_>) -> usize {
        2 * group.len * group.shape.head_width.next_multiple_of(S::N)
    }
}

kernel! {
    /// Writes the gradients of `keys` and their values, adding up what each share summed.
    fn write_keys[S](s, group: &Group<'_>, keys: Range<usize>, sums: &[f32], shares: usize, into: &Into<'_>) {
        let width = group.shape.head_width;
        let padded = width.next_multiple_of(S::N);
        let share_len = sums_len(S::ISA, group);
        for key in keys {
            for which in [1, 2] {
                // SAFETY: this group's rows of these keys, which are this task's.
                let row = unsafe { into.at(which, group.start + key, group.kv_head * width, width) };
                let from = ((which - 1) * group.len + key) * padded;
                for e in (0..width).step_by(S::N) {
                    let mut sum = s.load(sums, from + e);
                    for share in 1..shares {
                        sum = s.add(sum, s.load(sums, share * share_len + from + e));
                    }
                    s.store(row, e, sum);
                }
            }
        }
    }
}

/// A block's matrices.
struct Matrices<'a> {
    /// Queries, scaled, and the output's gradient, both across \[E, columns\] and along \[columns, E\].
    q_across: &'a mut [f32],
    q_along: &'a mut [f32],
    dout_across: &'a mut [f32],
    dout_along: &'a mut [f32],
    /// The gradient of the queries, across.
    dq: &'a mut [f32],
    /// Scores, then probabilities \[keys, columns\].
    p: &'a mut [f32],
    /// Their gradients.
    dp: &'a mut [f32],
    /// A number for each query.
    lse: &'a mut [f32],
    delta: &'a mut [f32],
}

impl<'a> Matrices<'a> {
    fn len(padded: usize, columns: usize) -> usize {
        (5 * padded + 2 * KEYS + 2) * columns
    }

    fn new(memory: &'a mut [f32], padded: usize, columns: usize) -> Self {
        let mut rest = memory;
        let rest = &mut rest;
        Self {
            q_across: cut(rest, padded * columns),
            q_along: cut(rest, padded * columns),
            dout_across: cut(rest, padded * columns),
            dout_along: cut(rest, padded * columns),
            dq: cut(rest, padded * columns),
            p: cut(rest, KEYS * columns),
            dp: cut(rest, KEYS * columns),
            lse: cut(rest, columns),
            delta: cut(rest, columns),
        }
    }
}

kernel! {
    /// Blocks `share`, `share` + `shares` and so on of a group: writes their queries' gradients, and sums those
    /// of keys and values into `sums` \[2, T, padded E\].
    fn sum_share[S](s, group: Group<'_>, share: usize, shares: usize, given: &Given<'_>, into: &Into<'_>,
                    sums: &mut [f32]) {
        let padded = group.shape.head_width.next_multiple_of(S::N);
        let step = queries_of_block(S::ISA, group.size());
        let mut memory = scratch(Matrices::len(padded, step * group.size()));
        sums.fill(0.0);
        let (dk, dv) = sums.split_at_mut(group.len * padded);
        for first in (0..group.len).step_by(step).skip(share).step_by(shares) {
            if pool::is_stopped() {
                return;
            }
            let block = Block::new(s, group, first);
            let mut with = Matrices::new(&mut memory, padded, block.columns);
            let keys = block.keys();
            bring(s, &block, given, &mut with);
            for from in keys.clone().step_by(KEYS) {
                let tile = from..(from + KEYS).min(keys.end);
                tile_backward(s, &block, &tile, &given.operands, &mut with, dk, dv);
            }
            let scale = s.splat(group.shape.scale);
            for at in (0..padded * block.columns).step_by(S::N) {
                s.set(with.dq, at, s.mul(s.get(with.dq, at), scale));
            }
            block.take_out(s, with.dq, into);
        }
    }
}

/// Brings in a block's queries, the gradient of its output, lse, and delta = Σ dout·out.
#[inline(always)]
fn bring<S: Lanes>(s: S, block: &Block<'_>, given: &Given<'_>, with: &mut Matrices<'_>) {
    let group = &block.group;
    block.bring_across(s, given.operands.q, group.shape.scale, with.q_across);
    block.bring_along(s, given.operands.q, group.shape.scale, with.q_along);
    block.bring_across(s, given.dout, 1.0, with.dout_across);
    block.bring_along(s, given.dout, 1.0, with.dout_along);
    with.dq.fill(0.0);
    with.lse.fill(0.0);
    with.delta.fill(0.0);
    for vector in 0..block.vectors {
        let (queries, head) = (block.queries(vector / group.size()), vector % group.size());
        let from = (group.head() + head) * given.m + group.start + queries.start;
        with.lse[vector * S::N..][..queries.len()].copy_from_slice(&given.lse[from..from + queries.len()]);
        for (delta, query) in with.delta[vector * S::N..].iter_mut().zip(queries) {
            let (out, dout) = (group.query(given.out, query, head), group.query(given.dout, query, head));
            let mut sum = s.splat(0.0);
            for e in (0..out.len()).step_by(S::N) {
                sum = s.mul_add(s.load(out, e), s.load(dout, e), sum);
            }
            *delta = s.sum(sum);
        }
    }
}

/// What one tile of keys adds to the gradients.
#[inline(always)]
fn tile_backward<S: Lanes>(
    s: S,
    block: &Block<'_>,
    tile: &Range<usize>,
    given: &Operands<'_>,
    with: &mut Matrices<'_>,
    dk: &mut [f32],
    dv: &mut [f32],
) {
    let (group, columns) = (&block.group, block.columns);
    let width = group.shape.head_width;
    let padded = width.next_multiple_of(S::N);
    let (k, v) = (group.keys(given.k, tile.start), group.keys(given.v, tile.start));
    let (k_stride, v_stride) = (given.k.stride, given.v.stride);
    let masked = block.masked(tile);
    for (vector, vectors, rows) in block.runs(tile) {
        if rows == 0 {
            continue;
        }
        let at = vector * S::N;
        // Scores and the gradients of probabilities, [keys, queries].
        for (a, a_row, b, c) in
            [(k, k_stride, &*with.q_across, &mut *with.p), (v, v_stride, &*with.dout_across, &mut *with.dp)]
        {
            let (b, c) = (&b[at..], &mut c[at..]);
            let (b_stride, c_stride) = (columns, columns);
            let terms = width;
            let p =
                Product { rows, vectors, terms, a, a_row, a_term: 1, b, b_stride, c, c_stride, add: false };
            product(S::ISA, p);
        }
        for vector in vector..vector + vectors {
            score_gradients(s, block, tile, vector, rows, masked, with);
        }
        // Those of values and keys, [keys, E]: the sum goes over the queries of this run.
        for (a, b, c) in [(&*with.p, &*with.dout_along, &mut *dv), (&*with.dp, &*with.q_along, &mut *dk)] {
            let (a, b, c) = (&a[at..], &b[at * padded..], &mut c[tile.start * padded..]);
            let (vectors, terms) = (padded / S::N, vectors * S::N);
            let (b_stride, c_stride) = (padded, padded);
            let p = Product {
                rows,
                vectors,
                terms,
                a,
                a_row: columns,
                a_term: 1,
                b,
                b_stride,
                c,
                c_stride,
                add: true,
            };
            product(S::ISA, p);
        }
        // Those of queries, [E, queries].
        product(
            S::ISA,
            Product {
                rows: width,
                vectors,
                terms: rows,
                a: k,
                a_row: 1,
                a_term: k_stride,
                b: &with.dp[at..],
                b_stride: columns,
                c: &mut with.dq[at..],
                c_stride: columns,
                add: true,
            },
        );
    }
}

/// Turns scores into probabilities, and the gradients of probabilities into those of scores, for one vector of
/// queries.
#[inline(always)]
fn score_gradients<S: Lanes>(
    s: S,
    block: &Block<'_>,
    tile: &Range<usize>,
    vector: usize,
    rows: usize,
    masked: bool,
    with: &mut Matrices<'_>,
) {
    let (columns, at) = (block.columns, vector * S::N);
    let (lse, delta) = (s.get(with.lse, at), s.get(with.delta, at));
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
    for row in 0..rows {
        let at = row * columns + at;
        let score = s.get(with.p, at);
        let p = math::exp(s, s.sub(score, lse));
        let mut dp = s.mul(p, s.sub(s.get(with.dp, at), delta));
        if let Some(cap) = block.group.shape.soft_cap {
            // The slope of cap·tanh(x/cap) is 1 − tanh²; a hidden score is no number to square.
            let tanh = s.max(s.mul(score, s.splat(1.0 / cap)), s.splat(-1.0));
            dp = s.mul(dp, s.sub(s.splat(1.0), s.mul(tanh, tanh)));
        }
        s.set(with.p, at, p);
        s.set(with.dp, at, dp);
    }
}
