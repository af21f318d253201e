//! A block of queries: a few vectors of neighbouring queries for every head of a group, what it sees of the
//! keys, and how it is brought in and out.

#![expect(unsafe_code, reason = "transposes blocks by address")]

use std::cell::RefCell;
use std::ops::Range;

use super::{AttentionShape, Qkv, Rows};
use crate::arena::{Arena, Buf};
use crate::lanes::{Lanes, MAX_LANES, kernel};
use crate::pool;

/// The scores of keys that a query doesn't see, and a lower bound of the largest of those it sees: finite, so
/// that a lane that has seen nothing yet computes no ∞ − ∞.
pub(super) const UNSEEN: f32 = f32::NEG_INFINITY;
pub(super) const FLOOR: f32 = -1e30;

/// Keys that are looked at together.
pub(super) const KEYS: usize = 64;

/// Runs of vectors of a block that see the same keys of a tile, at most.
const MAX_CHUNKS: usize = 8;

/// Keys or values: row t of head h is at `t · stride + h · head_stride`.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    pub values: &'a [f32],
    pub stride: usize,
    pub head_stride: usize,
}

/// Queries, and keys and values in the order they are best read.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    pub q: Rows<'a>,
    pub k: Keys<'a>,
    pub v: Keys<'a>,
}

/// Sequences longer than this have their keys and values copied together first. Each is read by many blocks, and
/// rows that are far apart take a page each, of which the processor knows few at a time.
const LONG: usize = 256;

/// Calls `then` with the operands; `m` is their number of rows.
pub(super) fn with_operands<R>(
    shape: &AttentionShape,
    starts: &[usize],
    qkv: &Qkv<'_>,
    m: usize,
    then: impl FnOnce(Operands<'_>) -> R,
) -> R {
    let width = shape.head_width;
    let longest = starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
    if longest <= LONG {
        let [k, v] = [qkv.k, qkv.v].map(|r| Keys { values: r.values, stride: r.stride, head_stride: width });
        return then(Operands { q: qkv.q, k, v });
    }
    let mut copies = batch_scratch(2 * shape.n_kv_heads * m * width);
    pool::chunks_mut(&mut copies, m * width, |i, copy| {
        let (rows, head) = if i < shape.n_kv_heads { (qkv.k, i) } else { (qkv.v, i - shape.n_kv_heads) };
        for (t, copy) in copy.chunks_exact_mut(width).enumerate() {
            copy.copy_from_slice(&rows.values[t * rows.stride + head * width..][..width]);
        }
    });
    let (k, v) = copies.split_at(shape.n_kv_heads * m * width);
    let [k, v] = [k, v].map(|values| Keys { values, stride: width, head_stride: m * width });
    then(Operands { q: qkv.q, k, v })
}

/// One sequence and one head of keys.
#[derive(Clone, Copy)]
pub(super) struct Group<'a> {
    pub shape: &'a AttentionShape,
    /// The first row of the sequence.
    pub start: usize,
    /// T, its rows.
    pub len: usize,
    pub kv_head: usize,
}

impl Group<'_> {
    /// Heads of queries.
    pub fn size(&self) -> usize {
        self.shape.n_heads / self.shape.n_kv_heads
    }

    /// The first of them.
    pub fn head(&self) -> usize {
        self.kv_head * self.size()
    }

    /// This group's keys (or values) from row `key` of the sequence on.
    pub fn keys<'a>(&self, keys: Keys<'a>, key: usize) -> &'a [f32] {
        &keys.values[(self.start + key) * keys.stride + self.kv_head * keys.head_stride..]
    }

    /// Row `query` of head `head` of the group.
    pub fn query<'a>(&self, rows: Rows<'a>, query: usize, head: usize) -> &'a [f32] {
        let from = self.query_at(rows.stride, query, head);
        &rows.values[from..from + self.shape.head_width]
    }

    pub fn query_at(&self, stride: usize, query: usize, head: usize) -> usize {
        (self.start + query) * stride + (self.head() + head) * self.shape.head_width
    }
}

kernel! {
    /// Vectors of neighbouring queries that a block takes of each head.
    pub(super) fn chunks_of_block[S](_s, group: usize) -> usize {
        /// Lanes of all vectors, about: the block's matrices stay in the nearest cache.
        const COLUMNS: usize = 64;
        (COLUMNS / (S::N * group)).clamp(1, MAX_CHUNKS)
    }
}

kernel! {
    /// Queries that a block takes of each head.
    pub(super) fn queries_of_block[S](_s, group: usize) -> usize {
        chunks_of_block(S::ISA, group) * S::N
    }
}

/// Queries `first..` of a group: vector c·G + h holds `N` neighbours, from `first` + c·N, of head h of G.
pub(super) struct Block<'a> {
    pub group: Group<'a>,
    pub first: usize,
    pub chunks: usize,
    /// Lanes of a vector.
    pub lanes: usize,
    /// Vectors of all heads.
    pub vectors: usize,
    /// Lanes of all vectors: the width of the block's matrices.
    pub columns: usize,
}

impl<'a> Block<'a> {
    pub fn new<S: Lanes>(_: S, group: Group<'a>, first: usize) -> Self {
        let most = chunks_of_block(S::ISA, group.size());
        let chunks = (group.len - first).div_ceil(S::N).min(most);
        let vectors = chunks * group.size();
        Self { group, first, chunks, lanes: S::N, vectors, columns: vectors * S::N }
    }

    /// Queries of chunk `chunk` that the sequence has.
    pub fn queries(&self, chunk: usize) -> Range<usize> {
        let from = self.first + chunk * self.lanes;
        from..(from + self.lanes).min(self.group.len).max(from)
    }

    /// The keys that any query of the block sees.
    pub fn keys(&self) -> Range<usize> {
        let shape = self.group.shape;
        let end = (self.first + self.chunks * self.lanes).min(self.group.len);
        let reach = shape.window.map_or(self.group.len, |w| w - 1);
        let from = self.first.saturating_sub(reach);
        let to = if shape.causal { end } else { (end + reach).min(self.group.len) };
        from..to
    }

    /// Whether a key of the tile is hidden from a query of the block, or may be.
    pub fn masked(&self, tile: &Range<usize>) -> bool {
        let shape = self.group.shape;
        let last = self.first + self.chunks * self.lanes - 1;
        let after = tile.end - 1 > self.first;
        let far = shape.window.is_some_and(|w| last >= tile.start + w || tile.end > self.first + w);
        (shape.causal && after) || far
    }

    /// Neighbouring vectors that see as many of the tile's keys: (first vector, vectors, keys).
    pub fn runs(&self, tile: &Range<usize>) -> impl Iterator<Item = (usize, usize, usize)> + Clone + use<> {
        let size = self.group.size();
        let mut runs = [(0, 0, 0); MAX_CHUNKS];
        let mut n = 0;
        for chunk in 0..self.chunks {
            let seen = if self.group.shape.causal {
                (self.first + (chunk + 1) * self.lanes).saturating_sub(tile.start).min(tile.len())
            } else {
                tile.len()
            };
            if n > 0 && runs[n - 1].2 == seen {
                runs[n - 1].1 += size;
            } else {
                runs[n] = (chunk * size, size, seen);
                n += 1;
            }
        }
        runs.into_iter().take(n)
    }

    /// Scores of one vector against `rows` keys from `tile.start` on, hidden ones made minus infinity.
    #[inline(always)]
    pub fn mask<S: Lanes>(&self, s: S, scores: &mut [f32], tile: &Range<usize>, vector: usize, rows: usize) {
        let shape = self.group.shape;
        let from = self.first + vector / self.group.size() * S::N;
        let query = s.add(s.splat(from as f32), s.iota());
        let (unseen, one) = (s.splat(UNSEEN), s.splat(1.0));
        let at = |row: usize| row * self.columns + vector * S::N;
        if shape.causal {
            // Keys up to the first query are seen by all of the vector.
            let hidden = (from + 1).saturating_sub(tile.start);
            let mut key = s.splat((tile.start + hidden) as f32);
            for row in hidden..rows {
                let score = s.select_ge(query, key, s.get(scores, at(row)), unseen);
                s.set(scores, at(row), score);
                key = s.add(key, one);
            }
        }
        if let Some(window) = shape.window {
            let reach = s.splat((window - 1) as f32);
            let (lowest, highest) = (s.sub(query, reach), s.add(query, reach));
            let mut key = s.splat(tile.start as f32);
            for row in 0..rows {
                let score = s.select_ge(key, lowest, s.get(scores, at(row)), unseen);
                s.set(scores, at(row), s.select_ge(highest, key, score, unseen));
                key = s.add(key, one);
            }
        }
    }

    /// Brings the block's rows of `rows` into `to` \[E, columns\] times `scale`: queries across, and zeros
    /// where the sequence has ended. `to` has whole vectors of rows.
    #[inline(always)]
    pub fn bring_across<S: Lanes>(&self, s: S, rows: Rows<'_>, scale: f32, to: &mut [f32]) {
        let width = self.group.shape.head_width;
        let padded = width.next_multiple_of(S::N);
        assert!(to.len() >= padded * self.columns, "room for {padded} rows");
        let mut staged = [0.0; MAX_LANES * MAX_LANES];
        for vector in 0..self.vectors {
            let (chunk, head) = (vector / self.group.size(), vector % self.group.size());
            let queries = self.queries(chunk);
            for e in (0..width).step_by(S::N) {
                let part = S::N.min(width - e);
                // SAFETY: reads N rows of N where there are, else the staged copy; writes rows e.. of `to`.
                unsafe {
                    let dst = to.as_mut_ptr().add(e * self.columns + vector * S::N);
                    if part == S::N && queries.len() == S::N {
                        let from = self.group.query_at(rows.stride, queries.start, head) + e;
                        let rows_read = &rows.values[from..from + (S::N - 1) * rows.stride + S::N];
                        s.transpose(rows_read.as_ptr(), rows.stride, dst, self.columns);
                        continue;
                    }
                    staged.fill(0.0);
                    for (i, query) in queries.clone().enumerate() {
                        let row = self.group.query(rows, query, head);
                        staged[i * S::N..][..part].copy_from_slice(&row[e..e + part]);
                    }
                    s.transpose(staged.as_ptr(), S::N, dst, self.columns);
                }
            }
        }
        if scale != 1.0 {
            let scale = s.splat(scale);
            for i in (0..padded * self.columns).step_by(S::N) {
                s.set(to, i, s.mul(s.get(to, i), scale));
            }
        }
    }

    /// Takes `from` \[E, columns\] out: for each of the block's rows calls for its place and writes it there.
    #[inline(always)]
    pub fn take_out<S: Lanes>(&self, s: S, from: &[f32], out: &impl Places) {
        let width = self.group.shape.head_width;
        let padded = width.next_multiple_of(S::N);
        assert!(from.len() >= padded * self.columns, "{padded} rows");
        let mut staged = [0.0; MAX_LANES * MAX_LANES];
        for vector in 0..self.vectors {
            let (chunk, head) = (vector / self.group.size(), vector % self.group.size());
            let queries = self.queries(chunk);
            for e in (0..width).step_by(S::N) {
                let part = S::N.min(width - e);
                let (first, stride) = out.place(&self.group, queries.start, head, e);
                // SAFETY: rows e.. of `from`, whole vectors of them; the staged copy has room for a block; and
                // these numbers of these rows are this task's.
                unsafe {
                    let src = from.as_ptr().add(e * self.columns + vector * S::N);
                    if part == S::N && queries.len() == S::N {
                        s.transpose(src, self.columns, first, stride);
                        continue;
                    }
                    s.transpose(src, self.columns, staged.as_mut_ptr(), S::N);
                    for i in 0..queries.len() {
                        first.add(i * stride).copy_from_nonoverlapping(staged.as_ptr().add(i * S::N), part);
                    }
                }
            }
        }
    }

    /// Copies the block's rows of `rows` into `to` \[columns, padded E\] times `scale`, zeros elsewhere.
    #[inline(always)]
    pub fn bring_along<S: Lanes>(&self, s: S, rows: Rows<'_>, scale: f32, to: &mut [f32]) {
        let width = self.group.shape.head_width;
        let padded = width.next_multiple_of(S::N);
        let scale = s.splat(scale);
        for vector in 0..self.vectors {
            let (chunk, head) = (vector / self.group.size(), vector % self.group.size());
            let queries = self.queries(chunk);
            let to = &mut to[vector * S::N * padded..][..S::N * padded];
            let (there, ended) = to.split_at_mut(queries.len() * padded);
            for (query, to) in queries.zip(there.chunks_exact_mut(padded)) {
                let row = self.group.query(rows, query, head);
                for e in (0..width).step_by(S::N) {
                    s.store(to, e, s.mul(s.load(row, e), scale));
                }
            }
            ended.fill(0.0);
        }
    }
}

/// Where rows of queries are written.
pub(super) trait Places {
    /// The address of number `e` of head `head` (of the group) of row `query` (of the sequence), and how far it
    /// is to the next row.
    fn place(&self, group: &Group<'_>, query: usize, head: usize, e: usize) -> (*mut f32, usize);
}

thread_local! {
    static ARENA: RefCell<Arena> = RefCell::new(Arena::new());
    static OF_BATCHES: RefCell<Arena> = RefCell::new({
        let arena = Arena::new();
        arena.hold_to(0);
        arena
    });
}

/// Working memory that stays with the thread.
pub(super) fn scratch(len: usize) -> Buf {
    ARENA.with_borrow(|arena| arena.take(len))
}

/// The same for what is as long as a batch: of batches of many lengths no more is held than one needs.
pub(super) fn batch_scratch(len: usize) -> Buf {
    OF_BATCHES.with_borrow(|arena| arena.take(len))
}

/// Cuts `len` numbers off the front of `rest`.
pub(super) fn cut<'a>(rest: &mut &'a mut [f32], len: usize) -> &'a mut [f32] {
    let (front, back) = std::mem::take(rest).split_at_mut(len);
    *rest = back;
    front
}
