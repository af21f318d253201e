//! Attention maps as they are kept: exact, as queries and keys from which each value is made again or as the values
//! themselves; or rounded, where the budget asks for it.
//!
//! A = softmax(cap(q·k·scale)), f32, causal, queries and keys after their norms and rotary positions. With the log-sum
//! of a row's exponentials beside it, one value costs one product of E numbers, and a row of 2,048 keys some hundredths
//! of a millisecond.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How one layer's maps were made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapShape {
    pub n_heads: u32,
    /// Divides `n_heads`: neighbours share a kv-head.
    pub n_kv_heads: u32,
    pub head_width: u32,
    /// Scores are multiplied by it before the softmax.
    pub scale: f32,
    /// Scores become `cap · tanh(score / cap)`.
    pub soft_cap: Option<f32>,
    /// How many keys a query sees: itself and those right before it.
    pub window: Option<u32>,
}

/// How maps are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Storage {
    /// Queries and keys: exact.
    Qk,
    /// Values as f32: exact, and smaller for short texts.
    Dense,
    /// √value in 8 bits: a row loses less than a thousandth of its mass.
    Coded,
}

/// A layer's maps, one token's numbers after the other's, so that they can grow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Maps {
    Qk {
        /// `[T, H, E]`
        q: Vec<f32>,
        /// `[T, K, E]`
        k: Vec<f32>,
        /// `[T, H]`: ln Σ exp(score) of each row.
        lse: Vec<f32>,
    },
    /// For each query i `[H, i + 1]`.
    Dense(Vec<f32>),
    /// The same in 8 bits, about ⌊255·√a + ½⌋: what one rounding leaves, the next takes along.
    Coded(Vec<u8>),
}

impl MapShape {
    /// The keys that query i sees.
    #[must_use]
    pub fn visible(&self, query: usize) -> Range<usize> {
        let first = self.window.map_or(0, |window| (query + 1).saturating_sub(window as usize));
        first..query + 1
    }

    #[must_use]
    pub fn kv_head(&self, head: usize) -> usize {
        head / (self.n_heads / self.n_kv_heads.max(1)).max(1) as usize
    }

    /// What the maps of T tokens take, bytes.
    #[must_use]
    pub fn bytes(&self, storage: Storage, n_tokens: usize) -> u64 {
        let (t, h) = (n_tokens as u64, u64::from(self.n_heads));
        let triangle = h * t * (t + 1) / 2;
        match storage {
            Storage::Qk => {
                4 * t * (u64::from(self.n_heads + self.n_kv_heads) * u64::from(self.head_width) + h)
            }
            Storage::Dense => 4 * triangle,
            Storage::Coded => triangle,
        }
    }

    /// Queries and keys where they fit, for they tell how a value comes about; else values, if they are smaller and fit;
    /// else in 8 bits, unless that were larger.
    #[must_use]
    pub fn storage(&self, n_tokens: usize, budget_bytes: u64) -> Storage {
        let bytes = |storage| self.bytes(storage, n_tokens);
        let fits = [Storage::Qk, Storage::Dense].into_iter().find(|storage| bytes(*storage) <= budget_bytes);
        let smallest = if bytes(Storage::Qk) <= bytes(Storage::Coded) { Storage::Qk } else { Storage::Coded };
        fits.unwrap_or(smallest)
    }

    fn score(&self, dot: f32) -> f32 {
        let score = dot * self.scale;
        match self.soft_cap {
            Some(cap) => cap * (score / cap).tanh(),
            None => score,
        }
    }
}

impl Maps {
    /// None yet.
    #[must_use]
    pub fn empty(storage: Storage) -> Self {
        match storage {
            Storage::Qk => Self::Qk { q: Vec::new(), k: Vec::new(), lse: Vec::new() },
            Storage::Dense => Self::Dense(Vec::new()),
            Storage::Coded => Self::Coded(Vec::new()),
        }
    }

    #[must_use]
    pub fn storage(&self) -> Storage {
        match self {
            Self::Qk { .. } => Storage::Qk,
            Self::Dense(_) => Storage::Dense,
            Self::Coded(_) => Storage::Coded,
        }
    }

    /// Whether values are those of the pass, not rounded.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !matches!(self, Self::Coded(_))
    }

    /// A[h, i, ·] of the keys 0 to i into `out`, `i + 1` numbers; 0 before a window.
    ///
    /// # Panics
    /// If there is no such head or query.
    pub fn row(&self, shape: &MapShape, head: usize, query: usize, out: &mut Vec<f32>) {
        out.clear();
        let seen = shape.visible(query);
        match self {
            Self::Qk { q, k, lse } => {
                let lse = lse[query * shape.n_heads as usize + head];
                let q = query_of(shape, q, head, query);
                out.resize(seen.start, 0.0);
                out.extend(seen.map(|key| (shape.score(dot(q, key_of(shape, k, head, key))) - lse).exp()));
            }
            Self::Dense(values) => out.extend_from_slice(&values[packed(shape, head, query)]),
            Self::Coded(codes) => {
                out.extend(codes[packed(shape, head, query)].iter().map(|code| decoded(*code)))
            }
        }
    }

    /// A[h, i, j]; `None` where j is masked.
    ///
    /// # Panics
    /// If there is no such head, or query.
    #[must_use]
    pub fn value(&self, shape: &MapShape, head: usize, query: usize, key: usize) -> Option<f32> {
        if !shape.visible(query).contains(&key) {
            return None;
        }
        Some(match self {
            Self::Qk { lse, .. } => {
                let score = self.score(shape, head, query, key)?;
                (score - lse[query * shape.n_heads as usize + head]).exp()
            }
            Self::Dense(values) => values[packed(shape, head, query)][key],
            Self::Coded(codes) => decoded(codes[packed(shape, head, query)][key]),
        })
    }

    /// What goes into the softmax at (i, j), scaled and capped; `None` where j is masked or scores are not kept.
    ///
    /// # Panics
    /// If there is no such head, or query.
    #[must_use]
    pub fn score(&self, shape: &MapShape, head: usize, query: usize, key: usize) -> Option<f32> {
        let Self::Qk { q, k, .. } = self else { return None };
        let seen = shape.visible(query).contains(&key);
        seen.then(|| shape.score(dot(query_of(shape, q, head, query), key_of(shape, k, head, key))))
    }

    /// ln Σ exp(score) over the keys that query i sees; `None` where it is not kept.
    #[must_use]
    pub fn log_sum(&self, shape: &MapShape, head: usize, query: usize) -> Option<f32> {
        let Self::Qk { lse, .. } = self else { return None };
        lse.get(query * shape.n_heads as usize + head).copied()
    }

    /// Query i's vector of a head `[E]`, after its norm and position; `None` where it is not kept.
    #[must_use]
    pub fn query(&self, shape: &MapShape, head: usize, query: usize) -> Option<&[f32]> {
        let Self::Qk { q, .. } = self else { return None };
        Some(query_of(shape, q, head, query))
    }

    /// Key j's vector of a head's group `[E]`; `None` where it is not kept.
    #[must_use]
    pub fn key(&self, shape: &MapShape, head: usize, key: usize) -> Option<&[f32]> {
        let Self::Qk { k, .. } = self else { return None };
        Some(key_of(shape, k, head, key))
    }

    /// A[h, i, j] for all queries i ≥ j that see key j: who reads it. `out[i]`, T numbers; 0 where masked.
    ///
    /// # Panics
    /// If there is no such head.
    pub fn column(&self, shape: &MapShape, head: usize, key: usize, n_tokens: usize, out: &mut Vec<f32>) {
        out.clear();
        out.extend((0..n_tokens).map(|query| match query < key {
            true => 0.0,
            false => self.value(shape, head, query, key).unwrap_or(0.0),
        }));
    }

    /// Appends a query's rows of all heads, `[H, i + 1]`, to maps that are kept as values.
    pub fn push_row(&mut self, values: &[f32]) {
        match self {
            Self::Qk { .. } => {}
            Self::Dense(all) => all.extend_from_slice(values),
            Self::Coded(codes) => {
                let from = codes.len();
                codes.resize(from + values.len(), 0);
                code_row(values, &mut codes[from..]);
            }
        }
    }

    /// Puts a head's row, `i + 1` numbers, into maps of values that have room for it.
    pub fn set_row(&mut self, shape: &MapShape, head: usize, query: usize, row: &[f32]) {
        let at = packed(shape, head, query);
        match self {
            Self::Dense(all) => {
                if let Some(to) = all.get_mut(at) {
                    to.copy_from_slice(row);
                }
            }
            Self::Coded(codes) => {
                if let Some(to) = codes.get_mut(at) {
                    code_row(row, to);
                }
            }
            Self::Qk { .. } => {}
        }
    }

    /// T: as many tokens as there are rows of.
    #[must_use]
    pub fn n_tokens(&self, shape: &MapShape) -> usize {
        let heads = (shape.n_heads as usize).max(1);
        let triangle = |n: usize| (((8.0 * n as f64 + 1.0).sqrt() - 1.0) / 2.0).round() as usize;
        match self {
            Self::Qk { lse, .. } => lse.len() / heads,
            Self::Dense(values) => triangle(values.len() / heads),
            Self::Coded(codes) => triangle(codes.len() / heads),
        }
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        (match self {
            Self::Qk { q, k, lse } => 4 * (q.len() + k.len() + lse.len()),
            Self::Dense(values) => 4 * values.len(),
            Self::Coded(codes) => codes.len(),
        }) as u64
    }
}

/// ⌊255·√a + ½⌋
#[must_use]
pub fn coded(a: f32) -> u8 {
    (255.0 * a.max(0.0).sqrt() + 0.5) as u8
}

/// A row in codes; what one rounding leaves, the next takes along, so that the row keeps its mass however flat it is.
fn code_row(row: &[f32], codes: &mut [u8]) {
    let mut left = 0.0;
    for (a, code) in row.iter().zip(codes) {
        // What is masked stays zero.
        if *a > 0.0 {
            *code = coded(a + left);
            left += a - decoded(*code);
        }
    }
}

/// The way back.
#[must_use]
pub fn decoded(code: u8) -> f32 {
    let root = f32::from(code) / 255.0;
    root * root
}

/// Where query i's row of a head lies among packed rows.
fn packed(shape: &MapShape, head: usize, query: usize) -> Range<usize> {
    let len = query + 1;
    let before = shape.n_heads as usize * query * len / 2;
    let start = before + head * len;
    start..start + len
}

fn query_of<'a>(shape: &MapShape, q: &'a [f32], head: usize, query: usize) -> &'a [f32] {
    let (h, e) = (shape.n_heads as usize, shape.head_width as usize);
    &q[(query * h + head) * e..][..e]
}

fn key_of<'a>(shape: &MapShape, k: &'a [f32], head: usize, key: usize) -> &'a [f32] {
    let (n, e) = (shape.n_kv_heads as usize, shape.head_width as usize);
    &k[(key * n + shape.kv_head(head)) * e..][..e]
}

/// Σ aᵢ·bᵢ in eight sums that run side by side.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_eights, a_rest) = a.as_chunks::<8>();
    let (b_eights, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_eights.iter().zip(b_eights) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: MapShape = MapShape {
        n_heads: 4,
        n_kv_heads: 2,
        head_width: 10,
        scale: 0.3,
        soft_cap: Some(5.0),
        window: Some(7),
    };

    /// Queries and keys by the seed, and each row as the definition has it, in f64.
    fn made(shape: &MapShape, n: usize) -> (Maps, Vec<Vec<f64>>) {
        let mut state = 7u64;
        let mut number = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((state >> 33) as f32 / (1u64 << 30) as f32) - 1.0
        };
        let (h, e) = (shape.n_heads as usize, shape.head_width as usize);
        let q: Vec<f32> = (0..n * h * e).map(|_| number()).collect();
        let k: Vec<f32> = (0..n * shape.n_kv_heads as usize * e).map(|_| number()).collect();
        let (mut rows, mut lse) = (Vec::new(), Vec::new());
        for i in 0..n {
            for head in 0..h {
                let mut row = vec![0.0; n];
                for j in shape.visible(i) {
                    let (a, b) = (query_of(shape, &q, head, i), key_of(shape, &k, head, j));
                    let dot: f64 = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                    let score = dot * f64::from(shape.scale);
                    row[j] = shape
                        .soft_cap
                        .map_or(score, |cap| f64::from(cap) * (score / f64::from(cap)).tanh())
                        .exp();
                }
                let sum: f64 = row.iter().sum();
                lse.push(sum.ln() as f32);
                rows.push(row.iter().map(|a| a / sum).collect());
            }
        }
        (Maps::Qk { q, k, lse }, rows)
    }

    fn check(maps: &Maps, shape: &MapShape, rows: &[Vec<f64>], n: usize, tolerance: f64) {
        let (mut row, mut column) = (Vec::new(), Vec::new());
        for (at, expected) in rows.iter().enumerate() {
            let (i, head) = (at / shape.n_heads as usize, at % shape.n_heads as usize);
            maps.row(shape, head, i, &mut row);
            assert_eq!(row.len(), i + 1);
            for (j, expected) in expected.iter().enumerate() {
                let value = maps.value(shape, head, i, j);
                assert_eq!(value.is_some(), shape.visible(i).contains(&j));
                let value = f64::from(value.unwrap_or(0.0));
                assert!((value - expected).abs() <= tolerance, "{head} {i} {j}: {value} for {expected}");
                assert!(j > i || (f64::from(row[j]) - value).abs() < 1e-6);
                maps.column(shape, head, j, n, &mut column);
                assert!((f64::from(column[i]) - value).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn values_are_made_again_from_queries_and_keys() {
        for shape in [SHAPE, MapShape { soft_cap: None, window: None, n_kv_heads: 4, ..SHAPE }] {
            let (qk, rows) = made(&shape, 20);
            check(&qk, &shape, &rows, 20, 1e-6);
            let (mut dense, mut coded) = (Maps::empty(Storage::Dense), Maps::empty(Storage::Coded));
            let mut row = Vec::new();
            for i in 0..20 {
                let mut all = Vec::new();
                for head in 0..4 {
                    qk.row(&shape, head, i, &mut row);
                    all.extend_from_slice(&row);
                }
                dense.push_row(&all);
                coded.push_row(&all);
            }
            check(&dense, &shape, &rows, 20, 1e-6);
            check(&coded, &shape, &rows, 20, 2.0 / 255.0);
            for (maps, storage) in [(&qk, Storage::Qk), (&dense, Storage::Dense), (&coded, Storage::Coded)] {
                assert_eq!((maps.size_bytes(), maps.n_tokens(&shape)), (shape.bytes(storage, 20), 20));
                assert_eq!((maps.storage(), maps.is_exact()), (storage, storage != Storage::Coded));
            }
        }
    }

    /// Acceptance 10 of looking inside: at 2,048 tokens, whether a row is flat, peaked or falls off.
    #[test]
    fn eight_bits_lose_less_than_a_thousandth_of_a_row() {
        let shapes: [fn(f64) -> f64; 4] =
            [|_| 0.0, |x| -x / 40.0, |x| if x < 1.0 { 9.0 } else { 0.0 }, |x| 2.0 * (x * 0.7).sin()];
        for score in shapes {
            let row: Vec<f64> = (0..2048).map(|j| score(f64::from(j)).exp()).collect();
            let sum: f64 = row.iter().sum();
            let row: Vec<f32> = row.iter().map(|a| (a / sum) as f32).collect();
            let mut codes = vec![0; row.len()];
            code_row(&row, &mut codes);
            let kept: f64 = codes.iter().map(|code| f64::from(decoded(*code))).sum();
            assert!((kept - 1.0).abs() < 1e-3, "{kept}");
        }
    }

    #[test]
    fn maps_are_kept_as_well_as_there_is_room() {
        let shape = MapShape {
            n_heads: 32,
            n_kv_heads: 8,
            head_width: 128,
            soft_cap: None,
            window: None,
            scale: 1.0,
        };
        for t in [1, 22, 400, 2048] {
            assert_eq!(shape.storage(t, u64::MAX), Storage::Qk);
            let fits = |storage| shape.bytes(storage, t);
            let less = shape.storage(t, fits(Storage::Qk) - 1);
            assert_eq!(less == Storage::Dense, fits(Storage::Dense) < fits(Storage::Qk), "{t}");
        }
        // Queries and keys are smaller than 8 bits a value from about 8·E·(1 + K/H) on.
        assert_eq!(shape.storage(1000, 0), Storage::Coded);
        assert_eq!(shape.storage(1400, 0), Storage::Qk);
    }
}
