//! What attention hides: the weights themselves, a tile of one head's rows at a time, for whoever looks inside.

use std::ops::Range;

use super::tile::{Product, product};
use super::{AttentionShape, Rows};
use crate::dispatch::{self, Isa};
use crate::lanes::{MAX_LANES, kernel, math};
use crate::pool;

/// Queries of a tile.
const ROWS: usize = 32;

/// Rows of one head's map.
#[derive(Clone, Copy, Debug)]
pub struct MapRows<'a> {
    pub head: usize,
    /// The first query.
    pub query: usize,
    /// `[R, stride]`: A of R queries, of which the first M numbers are keys; 0 where masked.
    pub weights: &'a [f32],
    pub stride: usize,
    /// `[R]`: ln Σ exp(score).
    pub lse: &'a [f32],
    /// `[R]`: −Σ a·ln a, nats.
    pub entropy: &'a [f32],
}

/// A = softmax(cap(scale · q·kᵀ)) of queries \[M, H, E\] and keys \[M, Kv, E\] of one sequence, shown to `see` in tiles,
/// by several threads and in no order. `heads`: of these heads.
///
/// # Panics
/// If the shapes disagree, or attention is not causal.
pub fn weights(
    shape: &AttentionShape,
    q: Rows<'_>,
    k: Rows<'_>,
    m: usize,
    heads: Range<usize>,
    see: &(impl Fn(MapRows<'_>) + Sync),
) {
    weights_on(dispatch::active(), shape, q, k, m, heads, see);
}

fn weights_on(
    isa: Isa,
    shape: &AttentionShape,
    q: Rows<'_>,
    k: Rows<'_>,
    m: usize,
    heads: Range<usize>,
    see: &(impl Fn(MapRows<'_>) + Sync),
) {
    let group = shape.group();
    assert!(shape.causal && heads.end <= shape.n_heads, "causal, and heads that are there");
    for (rows, width) in [(q, shape.q_width()), (k, shape.kv_width())] {
        assert!(m == 0 || rows.values.len() >= (m - 1) * rows.stride + width, "{m} rows of {width}");
    }
    let stride = m.next_multiple_of(MAX_LANES);
    let turned = turned(shape, k, m, stride, heads.start / group..heads.end.div_ceil(group));
    let tiles = m.div_ceil(ROWS);
    pool::for_each(heads.len() * tiles, |task| {
        let (head, query) = (heads.start + task / tiles, task % tiles * ROWS);
        let n = ROWS.min(m - query);
        let keys = &turned[(head / group - heads.start / group) * shape.head_width * stride..];
        let mut scores = vec![0.0; n * stride];
        // As many keys as the last query sees, in whole vectors of any width.
        let width = (query + n).next_multiple_of(MAX_LANES);
        let q_tile = &q.values[query * q.stride + head * shape.head_width..];
        let tile = Tile { q: q_tile, q_stride: q.stride, keys, stride, n, width };
        tile_scores(isa, &tile, shape.head_width, &mut scores);
        let (mut lse, mut entropy) = (vec![0.0; n], vec![0.0; n]);
        for (i, row) in scores.chunks_exact_mut(stride).enumerate() {
            let end = query + i + 1;
            let start = shape.window.map_or(0, |window| end.saturating_sub(window));
            row[..start].fill(0.0);
            row[end..].fill(0.0);
            (lse[i], entropy[i]) =
                softmax_row(isa, &mut row[start..end], shape.scale, shape.soft_cap.unwrap_or(0.0));
        }
        see(MapRows { head, query, weights: &scores, stride, lse: &lse, entropy: &entropy });
    });
}

/// Keys of these kv-heads with positions across: `[kv-heads, E, stride]`.
fn turned(shape: &AttentionShape, k: Rows<'_>, m: usize, stride: usize, kv_heads: Range<usize>) -> Vec<f32> {
    let e = shape.head_width;
    let mut turned = vec![0.0; kv_heads.len() * e * stride];
    if m == 0 {
        return turned;
    }
    let first = kv_heads.start;
    pool::chunks_mut(&mut turned, e * stride, |i, out| {
        let head = first + i;
        for (j, row) in k.values.chunks(k.stride).take(m).enumerate() {
            for (d, x) in row[head * e..(head + 1) * e].iter().enumerate() {
                out[d * stride + j] = *x;
            }
        }
    });
    turned
}

/// The part of a product that one tile is.
struct Tile<'a> {
    /// Starts at its first query's head.
    q: &'a [f32],
    q_stride: usize,
    /// `[E, stride]`
    keys: &'a [f32],
    stride: usize,
    /// Queries.
    n: usize,
    /// Keys that are scored, whole vectors of any width.
    width: usize,
}

kernel! {
    /// q·kᵀ of a tile.
    fn tile_scores[S](_s, tile: &Tile<'_>, terms: usize, scores: &mut [f32]) {
        let Tile { q, q_stride, keys, stride, n, width } = *tile;
        let (rows, vectors, b, c) = (n, width.min(stride) / S::N, keys, scores);
        product(
            S::ISA,
            Product { rows, vectors, terms, a: q, a_row: q_stride, a_term: 1, b, b_stride: stride, c, c_stride: stride, add: false },
        );
    }
}

kernel! {
    /// Scores become weights; gives ln Σ exp(score) and the entropy. `cap` 0: none.
    fn softmax_row[S](s, row: &mut [f32], scale: f32, cap: f32) -> (f32, f32) {
        let mut most = s.splat(f32::NEG_INFINITY);
        for i in (0..row.len()).step_by(S::N) {
            let mut score = s.mul(s.load_or(row, i, f32::NEG_INFINITY), s.splat(scale));
            if cap > 0.0 {
                let cap = s.splat(cap);
                score = s.mul(cap, math::tanh(s, s.div(score, cap)));
            }
            s.store(row, i, score);
            most = s.max(most, s.load_or(row, i, f32::NEG_INFINITY));
        }
        let most = s.largest(most);
        let shift = s.splat(most);
        let (mut sum, mut dot) = (s.splat(0.0), s.splat(0.0));
        for i in (0..row.len()).step_by(S::N) {
            let past = s.sub(s.load_or(row, i, f32::NEG_INFINITY), shift);
            let e = math::exp(s, past);
            sum = s.add(sum, e);
            // What is not there weighs nothing: 0 times minus infinity is no number.
            dot = s.mul_add(e, s.max(past, s.splat(-1e4)), dot);
            s.store(row, i, e);
        }
        let sum = s.sum(sum);
        let part = s.splat(1.0 / sum);
        for i in (0..row.len()).step_by(S::N) {
            s.store(row, i, s.mul(s.load_or(row, i, 0.0), part));
        }
        let ln = sum.ln();
        (most + ln, (ln - s.sum(dot) / sum).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::check::{close, numbers};

    /// Every cell as the definition has it, in f64.
    fn expected(
        shape: &AttentionShape,
        q: &[f32],
        k: &[f32],
        m: usize,
        head: usize,
        i: usize,
    ) -> (Vec<f64>, f64) {
        let e = shape.head_width;
        let kv = head / (shape.n_heads / shape.n_kv_heads);
        let seen = shape.window.map_or(0, |w| (i + 1).saturating_sub(w))..i + 1;
        let mut row = vec![0.0; m];
        for j in seen.clone() {
            let (a, b) =
                (&q[(i * shape.n_heads + head) * e..][..e], &k[(j * shape.n_kv_heads + kv) * e..][..e]);
            let dot: f64 = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let score = dot * f64::from(shape.scale);
            row[j] =
                shape.soft_cap.map_or(score, |cap| f64::from(cap) * (score / f64::from(cap)).tanh()).exp();
        }
        let sum: f64 = row.iter().sum();
        (row.iter().map(|a| a / sum).collect(), sum.ln())
    }

    #[test]
    fn weights_are_what_the_definition_says() {
        for (m, window, soft_cap, width) in
            [(1, None, None, 8), (70, None, Some(3.0), 10), (101, Some(9), None, 16)]
        {
            let shape = AttentionShape {
                n_heads: 4,
                n_kv_heads: 2,
                head_width: width,
                scale: 0.4,
                causal: true,
                window,
                soft_cap,
            };
            let q: Vec<f32> = numbers(1, m * 4 * width).iter().map(|x| x * 3.0).collect();
            let k: Vec<f32> = numbers(2, m * 2 * width).iter().map(|x| x * 3.0).collect();
            for isa in Isa::available() {
                let n_rows = Mutex::new(0);
                let see = |rows: MapRows<'_>| {
                    for (r, weights) in rows.weights.chunks_exact(rows.stride).enumerate() {
                        let (row, lse) = expected(&shape, &q, &k, m, rows.head, rows.query + r);
                        close("a", &weights[..m], &row, 2e-6);
                        close("lse", &rows.lse[r..=r], &[lse], 2e-6);
                        let entropy: f64 = row.iter().filter(|a| **a > 0.0).map(|a| -a * a.ln()).sum();
                        close("entropy", &rows.entropy[r..=r], &[entropy], 1e-5);
                        *n_rows.lock().expect("whole") += 1;
                    }
                };
                let rows = |x, w| Rows::new(x, w);
                weights_on(isa, &shape, rows(&q, 4 * width), rows(&k, 2 * width), m, 1..4, &see);
                assert_eq!(n_rows.into_inner().expect("whole"), 3 * m);
            }
        }
    }
}
