//! Attention of new positions to a cache: a tile of queries, all heads of a group, goes along the blocks of keys
//! it sees; positions lie across the lanes, so that one query is computed as well as many.
//!
//! A long cache and few queries are shared out by keys as well, and the shares' outputs put together afterwards
//! in their order (Flash-Decoding). How a sequence is cut depends on its own lengths alone: neither the threads
//! nor what else is in the pass can change its numbers.
#![expect(unsafe_code, reason = "tasks write the rows of their own queries")]

use std::ops::Range;

use super::block::{FLOOR, UNSEEN, cut, scratch};
use super::cache::{BLOCK, BlockCache, Part};
use super::store::widen;
use super::tile::{Product, product};
use super::{AttentionShape, Rows};
use crate::dispatch::{self, Isa};
use crate::lanes::{Lanes, MAX_LANES, kernel, math};
use crate::pool::{self, Shared};

/// Rows of a tile, about: queries times the heads of a group.
const ROWS: usize = 48;
/// Blocks whose scores are made before any becomes an exponential.
const BLOCKS: usize = 4;
/// Keys of those.
const KEYS: usize = BLOCKS * BLOCK;
/// Tasks to aim for in one sequence.
const TASKS: usize = 12;
/// Blocks that are worth a share of their own.
const SHARE_BLOCKS: usize = 2;
/// Products of numbers below which the threads aren't woken.
const ALONE: usize = 1 << 18;

/// One sequence of a pass.
#[derive(Clone, Debug)]
pub struct Span<'a> {
    /// Its cache, with keys and values of the new positions written in this layer, but not counted yet.
    pub cache: &'a BlockCache,
    /// T rows of queries and of the output: positions `cache.len()..cache.len() + T`.
    pub rows: Range<usize>,
}

/// `out` \[M, H, E\] `= softmax(scale · q·kᵀ) · v` for queries \[M, H, E\] of several sequences, each over the
/// keys and values of its own cache's layer `layer`: those that count, and the T that were written after them.
/// Rows of `out` that are in no span stay as they are.
///
/// # Panics
/// If the shapes disagree, spans share rows, or a cache has no room for its T positions.
pub fn cached(shape: &AttentionShape, layer: usize, q: Rows<'_>, spans: &[Span<'_>], out: &mut [f32]) {
    cached_on(dispatch::active(), shape, layer, q, spans, out);
}

pub(super) fn cached_on(
    isa: Isa,
    shape: &AttentionShape,
    layer: usize,
    q: Rows<'_>,
    spans: &[Span<'_>],
    out: &mut [f32],
) {
    check(shape, q, spans, out);
    let mut tiles = Vec::new();
    let mut tasks = Vec::new();
    let (mut work, mut apart_len) = (0, 0);
    for span in spans {
        for tile in tiles_of(shape, layer, span) {
            work += tile.rows() * tile.blocks.len() * BLOCK * shape.head_width * 2;
            for share in 0..tile.shares {
                let at = apart_len + share * apart(shape, &tile);
                tasks.push((tiles.len(), share, at));
            }
            if tile.shares > 1 {
                apart_len += tile.shares * apart(shape, &tile);
            }
            tiles.push(tile);
        }
    }
    let mut partial = scratch(apart_len);
    {
        let into = Into { out: Shared::new(out), partial: Shared::new(&mut partial) };
        let run = |i: usize| {
            let (tile, share, at) = tasks[i];
            attend(isa, &tiles[tile], share, at, q, &into);
        };
        if work < ALONE {
            (0..tasks.len()).for_each(run);
        } else {
            pool::for_each(tasks.len(), run);
        }
    }
    let into = Into { out: Shared::new(out), partial: Shared::new(&mut partial) };
    for (tile, share, at) in tasks {
        if share == 0 && tiles[tile].shares > 1 {
            put_together(isa, &tiles[tile], at, &into);
        }
    }
}

fn check(shape: &AttentionShape, q: Rows<'_>, spans: &[Span<'_>], out: &[f32]) {
    shape.group();
    let width = shape.q_width();
    assert!(q.stride >= width, "rows of {width}, {} apart", q.stride);
    let mut rows: Vec<_> =
        spans.iter().map(|span| span.rows.clone()).filter(|rows| !rows.is_empty()).collect();
    rows.sort_by_key(|rows| rows.start);
    assert!(rows.windows(2).all(|pair| pair[0].end <= pair[1].start), "spans share rows");
    let m = rows.last().map_or(0, |rows| rows.end);
    assert!(m == 0 || q.values.len() >= (m - 1) * q.stride + width, "{m} rows of {width}");
    assert!(out.len() >= m * width, "out is [M, H, E]");
    for span in spans {
        let (has, t) = (span.cache.shape(), span.rows.len());
        assert_eq!(
            (has.n_kv_heads, has.head_width),
            (shape.n_kv_heads, shape.head_width),
            "the cache's heads"
        );
        assert!(
            span.cache.len() + t <= span.cache.room(),
            "{t} positions written after {}",
            span.cache.len()
        );
    }
}

/// Neighbouring queries of one sequence, for the heads of one group: row t·G + h is head h of query t.
struct Tile<'a> {
    shape: &'a AttentionShape,
    cache: &'a BlockCache,
    layer: usize,
    kv_head: usize,
    /// The first query's row in q and out, and its position.
    row: usize,
    position: usize,
    /// How many queries.
    queries: usize,
    /// Keys of the sequence.
    n_keys: usize,
    /// Blocks that any of them sees.
    blocks: Range<usize>,
    /// Shares that the blocks are cut into.
    shares: usize,
}

/// A sequence's tiles: a head's tiles after one another, which share its keys in the cache; the last queries
/// first, which see the most keys.
fn tiles_of<'a>(shape: &'a AttentionShape, layer: usize, span: &Span<'a>) -> Vec<Tile<'a>> {
    let step = (ROWS / shape.group()).max(1);
    let (t, past) = (span.rows.len(), span.cache.len());
    let n_tiles = shape.n_kv_heads * t.div_ceil(step);
    let mut tiles = Vec::with_capacity(n_tiles);
    for kv_head in 0..shape.n_kv_heads {
        for first in (0..t).step_by(step).rev() {
            let mut tile = Tile {
                shape,
                cache: span.cache,
                layer,
                kv_head,
                row: span.rows.start + first,
                position: past + first,
                queries: step.min(t - first),
                n_keys: past + t,
                blocks: 0..0,
                shares: 1,
            };
            let keys = tile.seen(0).start..tile.seen(tile.queries - 1).end;
            tile.blocks = keys.start / BLOCK..keys.end.div_ceil(BLOCK);
            tile.shares = TASKS.div_ceil(n_tiles).min(tile.blocks.len() / SHARE_BLOCKS).max(1);
            tiles.push(tile);
        }
    }
    tiles
}

impl Tile<'_> {
    fn group(&self) -> usize {
        self.shape.n_heads / self.shape.n_kv_heads
    }

    fn rows(&self) -> usize {
        self.queries * self.group()
    }

    /// Where head 0 of the group of query `query` begins.
    fn at(&self, stride: usize, query: usize) -> usize {
        (self.row + query) * stride + self.kv_head * self.group() * self.shape.head_width
    }

    /// The keys that query `query` sees.
    fn seen(&self, query: usize) -> Range<usize> {
        let position = self.position + query;
        let reach = self.shape.window.map_or(self.n_keys, |w| w - 1);
        let end = if self.shape.causal { position + 1 } else { (position + 1 + reach).min(self.n_keys) };
        position.saturating_sub(reach)..end
    }

    /// The keys of share `share`: whole blocks, except that the sequence or the last query's sight may end first.
    fn keys(&self, share: usize) -> Range<usize> {
        let block = |share: usize| self.blocks.start + self.blocks.len() * share / self.shares;
        block(share) * BLOCK..(block(share + 1) * BLOCK).min(self.seen(self.queries - 1).end)
    }
}

/// Numbers that a share of a tile leaves: outputs \[rows, padded E\], and of each row the largest score and the
/// sum.
fn apart(shape: &AttentionShape, tile: &Tile<'_>) -> usize {
    tile.rows() * (shape.head_width.next_multiple_of(MAX_LANES) + 2)
}

/// Where tasks write.
struct Into<'a> {
    out: Shared<'a, f32>,
    partial: Shared<'a, f32>,
}

impl Into<'_> {
    /// The output of one query for the heads of the tile's group.
    ///
    /// # Safety
    /// The caller's task is the only one that has it, and has no other reference to it.
    #[expect(clippy::mut_from_ref, reason = "tasks write places of their own")]
    unsafe fn out(&self, tile: &Tile<'_>, query: usize) -> &mut [f32] {
        // SAFETY: the caller's promise.
        unsafe { self.out.slice(tile.at(tile.shape.q_width(), query), tile.group() * tile.shape.head_width) }
    }
}

/// A tile's matrices.
struct Matrices<'a> {
    /// Queries, scaled \[rows, E\].
    q: &'a mut [f32],
    /// The output so far \[rows, padded E\], before division by the sums.
    out: &'a mut [f32],
    /// Scores, then their exponentials \[rows, KEYS\].
    p: &'a mut [f32],
    /// Of each row the largest score so far.
    most: &'a mut [f32],
    /// Of each row the sum of exponentials below it, lane by lane.
    sums: &'a mut [f32],
    /// Keys or values of a block, widened.
    wide: &'a mut [f32],
    /// The scales of the keys and of the values in sight \[KEYS\].
    key_scales: &'a mut [f32],
    value_scales: &'a mut [f32],
}

impl<'a> Matrices<'a> {
    fn len(width: usize, padded: usize, rows: usize) -> usize {
        rows * (width + padded + KEYS + 1 + MAX_LANES) + BLOCK * padded + 2 * KEYS
    }

    fn new(memory: &'a mut [f32], width: usize, padded: usize, rows: usize) -> Self {
        let mut rest = memory;
        let rest = &mut rest;
        Self {
            p: cut(rest, rows * KEYS),
            out: cut(rest, rows * padded),
            wide: cut(rest, BLOCK * padded),
            key_scales: cut(rest, KEYS),
            value_scales: cut(rest, KEYS),
            sums: cut(rest, rows * MAX_LANES),
            q: cut(rest, rows * width),
            most: cut(rest, rows),
        }
    }
}

kernel! {
    /// Share `share` of a tile: to its output if it is the only one, else to `at` in what is put together.
    fn attend[S](s, tile: &Tile<'_>, share: usize, at: usize, q: Rows<'_>, into: &Into<'_>) {
        let (rows, width) = (tile.rows(), tile.shape.head_width);
        let padded = width.next_multiple_of(MAX_LANES);
        let mut memory = scratch(Matrices::len(width, padded, rows));
        let mut with = Matrices::new(&mut memory, width, padded, rows);
        let scale = tile.shape.scale;
        for (query, to) in with.q.chunks_exact_mut(tile.group() * width).enumerate() {
            let from = &q.values[tile.at(q.stride, query)..][..to.len()];
            to.iter_mut().zip(from).for_each(|(to, from)| *to = from * scale);
        }
        look_along(s, tile, 0..tile.queries, share, &mut with);
        // What a query doesn't see is multiplied by zero, which makes a number of numbers only.
        if tile.queries > 1 && with.out.iter().any(|v| !v.is_finite()) {
            for query in 0..tile.queries {
                look_along(s, tile, query..query + 1, share, &mut with);
            }
        }
        if tile.shares > 1 {
            // SAFETY: this share's place, which no other task has.
            let place = unsafe { into.partial.slice(at, rows * (padded + 2)) };
            let (out, rest) = place.split_at_mut(rows * padded);
            let (most, sums) = rest.split_at_mut(rows);
            out.copy_from_slice(with.out);
            most.copy_from_slice(with.most);
            for (sum, lanes) in sums.iter_mut().zip(with.sums.chunks_exact(MAX_LANES)) {
                *sum = s.sum(s.get(lanes, 0));
            }
            return;
        }
        for query in 0..tile.queries {
            // SAFETY: this tile's rows, which no other task has; one reference at a time.
            let out = unsafe { into.out(tile, query) };
            for (head, out) in out.chunks_exact_mut(width).enumerate() {
                let row = query * tile.group() + head;
                let factor = s.splat(1.0 / s.sum(s.get(with.sums, row * MAX_LANES)));
                for e in (0..width).step_by(S::N) {
                    s.store(out, e, s.mul(s.get(with.out, row * padded + e), factor));
                }
            }
        }
    }
}

kernel! {
    /// Adds up what the shares of a tile left at `at`, in their order.
    fn put_together[S](s, tile: &Tile<'_>, at: usize, into: &Into<'_>) {
        let (rows, width) = (tile.rows(), tile.shape.head_width);
        let padded = width.next_multiple_of(MAX_LANES);
        // SAFETY: the tasks that wrote there are done.
        let parts: &[f32] = unsafe { into.partial.slice(at, tile.shares * rows * (padded + 2)) };
        let of = |share: usize| &parts[share * rows * (padded + 2)..][..rows * (padded + 2)];
        let mut factors = vec![0.0; tile.shares];
        for query in 0..tile.queries {
            // SAFETY: nobody else writes now; one reference at a time.
            let out = unsafe { into.out(tile, query) };
            for (head, out) in out.chunks_exact_mut(width).enumerate() {
                let row = query * tile.group() + head;
                let most_of = |share: usize| of(share)[rows * padded + row];
                let most = (0..tile.shares).map(most_of).fold(FLOOR, f32::max);
                let mut sum = 0.0;
                for (share, factor) in factors.iter_mut().enumerate() {
                    *factor = (most_of(share) - most).exp();
                    sum += *factor * of(share)[rows * (padded + 1) + row];
                }
                for e in (0..width).step_by(S::N) {
                    let mut total = s.splat(0.0);
                    for (share, factor) in factors.iter().enumerate() {
                        total = s.mul_add(s.splat(*factor), s.get(of(share), row * padded + e), total);
                    }
                    s.store(out, e, s.mul(total, s.splat(1.0 / sum)));
                }
            }
        }
    }
}

/// The output of some queries of a tile over the keys of a share.
#[inline(always)]
fn look_along<S: Lanes>(s: S, tile: &Tile<'_>, queries: Range<usize>, share: usize, with: &mut Matrices<'_>) {
    let rows = queries.start * tile.group()..queries.end * tile.group();
    let padded = tile.shape.head_width.next_multiple_of(MAX_LANES);
    with.out[rows.start * padded..rows.end * padded].fill(0.0);
    with.most[rows.clone()].fill(FLOOR);
    with.sums[rows.start * MAX_LANES..rows.end * MAX_LANES].fill(0.0);
    let keys = tile.keys(share);
    for from in keys.clone().step_by(KEYS) {
        look_at(s, tile, queries.clone(), from..(from + KEYS).min(keys.end), with);
    }
}

/// What a few blocks of keys add to the output of some queries.
#[inline(always)]
fn look_at<S: Lanes>(
    s: S,
    tile: &Tile<'_>,
    queries: Range<usize>,
    keys: Range<usize>,
    with: &mut Matrices<'_>,
) {
    let (first, rows, width) =
        (queries.start * tile.group(), queries.len() * tile.group(), tile.shape.head_width);
    let padded = width.next_multiple_of(MAX_LANES);
    let part = |key: usize| tile.cache.part(tile.layer, tile.kv_head, key / BLOCK);
    for from in keys.clone().step_by(BLOCK) {
        let (at, len) = (from - keys.start, BLOCK.min(keys.end - from));
        let b = match part(from) {
            Part::F32 { keys, .. } => keys,
            Part::Int8 { keys, key_scales, value_scales, .. } => {
                widen(S::ISA, keys, with.wide);
                with.key_scales[at..at + BLOCK].copy_from_slice(key_scales);
                with.value_scales[at..at + BLOCK].copy_from_slice(value_scales);
                &*with.wide
            }
        };
        let (terms, vectors, a_row, a_term) = (width, len.div_ceil(S::N), width, 1);
        let a = &with.q[first * width..];
        let (c, c_stride, b_stride) = (&mut with.p[first * KEYS + at..], KEYS, BLOCK);
        product(
            S::ISA,
            Product { rows, vectors, terms, a, a_row, a_term, b, b_stride, c, c_stride, add: false },
        );
    }
    let scaled = matches!(part(keys.start), Part::Int8 { .. });
    for query in queries.clone() {
        let seen = tile.seen(query);
        let seen = seen.start.max(keys.start) - keys.start..seen.end.min(keys.end).saturating_sub(keys.start);
        for row in query * tile.group()..(query + 1) * tile.group() {
            exponentials(s, tile.shape, row, keys.len(), &seen, scaled, with);
        }
    }
    let seen = tile.seen(queries.start).start..tile.seen(queries.end - 1).end;
    for block in keys.clone().step_by(BLOCK) {
        let from = block.max(seen.start);
        let end = (block + BLOCK).min(keys.end).min(seen.end);
        if from >= end {
            continue;
        }
        let (skipped, terms) = (from - block, end - from);
        let b = match part(from) {
            Part::F32 { values, .. } => &values[skipped * padded..],
            Part::Int8 { values, .. } => {
                widen(S::ISA, &values[skipped * padded..(skipped + terms) * padded], with.wide);
                &*with.wide
            }
        };
        let (vectors, a_row, a_term) = (padded / S::N, KEYS, 1);
        let a = &with.p[first * KEYS + from - keys.start..];
        let (c, c_stride, b_stride) = (&mut with.out[first * padded..], padded, padded);
        product(
            S::ISA,
            Product { rows, vectors, terms, a, a_row, a_term, b, b_stride, c, c_stride, add: true },
        );
    }
}

/// Turns a row of scores into exponentials below the largest so far, those of keys out of sight into zeros; if
/// that has grown, the row's output and sum shrink.
#[inline(always)]
fn exponentials<S: Lanes>(
    s: S,
    shape: &AttentionShape,
    row: usize,
    n_keys: usize,
    seen: &Range<usize>,
    scaled: bool,
    with: &mut Matrices<'_>,
) {
    let p = &mut with.p[row * KEYS..][..n_keys.next_multiple_of(S::N)];
    if seen.is_empty() {
        p.fill(0.0);
        return;
    }
    if scaled {
        for at in (0..p.len()).step_by(S::N) {
            s.set(p, at, s.mul(s.get(p, at), s.get(with.key_scales, at)));
        }
    }
    if let Some(cap) = shape.soft_cap {
        for at in (0..p.len()).step_by(S::N) {
            let tanh = math::tanh(s, s.mul(s.get(p, at), s.splat(1.0 / cap)));
            s.set(p, at, s.mul(tanh, s.splat(cap)));
        }
    }
    p[..seen.start].fill(UNSEEN);
    p[seen.end..].fill(UNSEEN);
    let before = with.most[row];
    let mut peak = s.splat(before);
    for at in (0..p.len()).step_by(S::N) {
        peak = s.max(s.get(p, at), peak);
    }
    let most = s.largest(peak);
    let sums = &mut with.sums[row * MAX_LANES..][..MAX_LANES];
    let mut sum = s.get(sums, 0);
    if most != before {
        let shrink = s.splat((before - most).exp());
        sum = s.mul(sum, shrink);
        let padded = shape.head_width.next_multiple_of(MAX_LANES);
        let out = &mut with.out[row * padded..][..padded];
        for e in (0..padded).step_by(S::N) {
            s.set(out, e, s.mul(s.get(out, e), shrink));
        }
        with.most[row] = most;
    }
    let most = s.splat(most);
    for at in (0..p.len()).step_by(S::N) {
        let e = math::exp(s, s.sub(s.get(p, at), most));
        sum = s.add(sum, e);
        let weight = if scaled { s.mul(e, s.get(with.value_scales, at)) } else { e };
        s.set(p, at, weight);
    }
    s.set(sums, 0, sum);
}
