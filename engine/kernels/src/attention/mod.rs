//! Attention over packed sequences without a matrix of scores in memory, forward and backward
//! (FlashAttention-2, arXiv:2307.08691; grouped queries, arXiv:2305.13245).
//!
//! Queries lie across the lanes of a vector, all heads of a group side by side, so that softmax's largest and
//! sum are vectors too, keys and values are read where they are, and a group shares each of them. Masks are
//! causal, a sliding window, both or none; scores can be capped softly.
//!
//! That is training's. Passes over a cache of earlier keys and values are [`cached`](cached()): there the cache
//! is laid out so that positions lie across the lanes, whether one query comes or hundreds.

mod backward;
mod block;
mod cache;
mod cached;
mod forward;
mod store;
mod tile;
mod weights;

#[cfg(test)]
mod cached_tests;
#[cfg(test)]
mod tests;

pub use backward::{Gradients, backward};
pub use cache::{BLOCK, BlockCache, CachePrecision, CacheShape};
pub use cached::{Span, cached};
pub use forward::forward;
pub use weights::{MapRows, weights};

/// The shape of attention and what is seen by whom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionShape {
    /// H, heads of queries.
    pub n_heads: usize,
    /// Heads of keys and values, a divisor of H: query head h goes with head h / (H / n_kv_heads).
    pub n_kv_heads: usize,
    /// E, the width of a head.
    pub head_width: usize,
    /// Scores are `scale · q·k`; usually 1 / √E.
    pub scale: f32,
    /// A query sees no key after itself.
    pub causal: bool,
    /// A query sees only keys less than this many places away (itself included); with `causal` that many keys.
    pub window: Option<usize>,
    /// Scores become `cap · tanh(score / cap)` (Gemma 2, arXiv:2408.00118).
    pub soft_cap: Option<f32>,
}

/// The rows of a matrix inside a slice: row i is `values[i · stride..]`, as wide as its use says.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    pub values: &'a [f32],
    pub stride: usize,
}

impl<'a> Rows<'a> {
    #[must_use]
    pub fn new(values: &'a [f32], stride: usize) -> Self {
        Self { values, stride }
    }
}

/// Queries \[M, H, E\], keys and values \[M, Kv, E\].
#[derive(Clone, Copy, Debug)]
pub struct Qkv<'a> {
    pub q: Rows<'a>,
    pub k: Rows<'a>,
    pub v: Rows<'a>,
}

impl AttentionShape {
    /// The width of a row of queries.
    #[must_use]
    pub fn q_width(&self) -> usize {
        self.n_heads * self.head_width
    }

    /// The width of a row of keys, or of values.
    #[must_use]
    pub fn kv_width(&self) -> usize {
        self.n_kv_heads * self.head_width
    }

    /// Three matrices of their own.
    #[must_use]
    pub fn apart<'a>(&self, q: &'a [f32], k: &'a [f32], v: &'a [f32]) -> Qkv<'a> {
        let (q_width, kv_width) = (self.q_width(), self.kv_width());
        Qkv { q: Rows::new(q, q_width), k: Rows::new(k, kv_width), v: Rows::new(v, kv_width) }
    }

    /// One matrix whose rows are queries, then keys, then values.
    ///
    /// # Panics
    /// If it has a row that is not whole.
    #[must_use]
    pub fn fused<'a>(&self, qkv: &'a [f32]) -> Qkv<'a> {
        let (q_width, kv_width) = (self.q_width(), self.kv_width());
        let stride = q_width + 2 * kv_width;
        assert!(stride > 0 && qkv.len().is_multiple_of(stride), "rows of {stride} in {}", qkv.len());
        let from = |start: usize| Rows::new(qkv.get(start..).unwrap_or(&[]), stride);
        Qkv { q: from(0), k: from(q_width), v: from(q_width + kv_width) }
    }

    /// H / Kv, after a look at whether the numbers make sense.
    fn group(&self) -> usize {
        assert!(self.n_kv_heads > 0 && self.n_heads.is_multiple_of(self.n_kv_heads), "heads go in groups");
        assert!(self.head_width > 0 && self.window != Some(0), "a head has a width, and a window room");
        self.n_heads / self.n_kv_heads
    }

    /// Checks lengths, and returns M.
    fn check(&self, starts: &[usize], qkv: &Qkv<'_>, q_like: &[&[f32]], lse: &[f32]) -> usize {
        let m = starts.last().copied().unwrap_or(0);
        assert!(starts.first().is_none_or(|s| *s == 0), "the first sequence starts at 0");
        assert!(starts.is_sorted(), "sequences follow one another");
        for (rows, width) in [(qkv.q, self.q_width()), (qkv.k, self.kv_width()), (qkv.v, self.kv_width())] {
            assert!(rows.stride >= width, "rows of {width}, {} apart", rows.stride);
            assert!(m == 0 || rows.values.len() >= (m - 1) * rows.stride + width, "{m} rows of {width}");
        }
        assert!(q_like.iter().all(|x| x.len() == m * self.q_width()), "out is [M, H, E]");
        assert_eq!(lse.len(), m * self.n_heads, "lse is [H, M]");
        m
    }
}
