//! Attention to a cache against f64, over shapes, masks, lengths, chunks and what else is in the pass.

use proptest::prelude::*;
use proptest::sample::select;

use super::cached::cached_on;
use super::*;
use crate::check::{close, dot64, everywhere, numbers};
use crate::dispatch::Isa;

const LAYER: usize = 1;

/// A sequence to attend over: q \[n, H, E\], k and v \[n, Kv, E\].
#[derive(Clone)]
struct Sequence {
    n: usize,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
}

impl Sequence {
    fn new(shape: &AttentionShape, n: usize, seed: u64) -> Self {
        // Large enough for the largest score to move from block to block.
        let scaled = |seed, n| numbers(seed, n).iter().map(|v| v * 2.0).collect::<Vec<f32>>();
        let (q, kv) = (n * shape.q_width(), n * shape.kv_width());
        Self { n, q: scaled(seed, q), k: scaled(seed + 1, kv), v: numbers(seed + 2, kv) }
    }

    /// Makes room for and writes positions `cache.len()..to` of every layer.
    fn write(&self, isa: Isa, cache: &mut BlockCache, to: usize) {
        let (from, width) = (cache.len(), self.k.len() / self.n.max(1));
        let t = to - from;
        cache.reserve(t);
        let [k, v] = [&self.k, &self.v].map(|x| Rows::new(&x[from * width..], width));
        let other = vec![7.0; t * width];
        for layer in 0..cache.shape().n_layers {
            if layer == LAYER {
                cache.write_on(isa, layer, k, v, t);
            } else {
                cache.write_on(isa, layer, Rows::new(&other, width), Rows::new(&other, width), t);
            }
        }
    }

    /// A cache with `past` positions that count and all others written.
    fn cache(&self, isa: Isa, shape: &AttentionShape, precision: CachePrecision, past: usize) -> BlockCache {
        let mut cache = BlockCache::new(cache_shape(shape, precision));
        self.write(isa, &mut cache, past);
        cache.advance(past);
        self.write(isa, &mut cache, self.n);
        cache
    }
}

fn cache_shape(shape: &AttentionShape, precision: CachePrecision) -> CacheShape {
    CacheShape { n_layers: 3, n_kv_heads: shape.n_kv_heads, head_width: shape.head_width, precision }
}

/// What is computed, one query at a time, for positions `past..`.
fn attention64(shape: &AttentionShape, of: &Sequence, past: usize) -> Vec<f64> {
    let (h, kv, e) = (shape.n_heads, shape.n_kv_heads, shape.head_width);
    let wide = |x: &[f32]| x.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    let (q, k, v) = (wide(&of.q), wide(&of.k), wide(&of.v));
    let mut out = vec![0.0; (of.n - past) * h * e];
    for (t, head) in (past..of.n).flat_map(|t| (0..h).map(move |head| (t, head))) {
        let key = |s: usize| (s * kv + head / (h / kv)) * e;
        let seen: Vec<usize> = (0..of.n)
            .filter(|s| !shape.causal || *s <= t)
            .filter(|s| shape.window.is_none_or(|w| s.abs_diff(t) < w))
            .collect();
        let q = &q[(t * h + head) * e..][..e];
        let score = |s: &usize| {
            let score = f64::from(shape.scale) * dot64(q, &k[key(*s)..][..e]);
            shape.soft_cap.map_or(score, |c| f64::from(c) * (score / f64::from(c)).tanh())
        };
        let scores: Vec<f64> = seen.iter().map(score).collect();
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scores.iter().map(|s| (s - most).exp()).sum();
        for (s, score) in seen.iter().zip(scores) {
            let p = (score - most).exp() / sum;
            (0..e).for_each(|i| out[((t - past) * h + head) * e + i] += p * v[key(*s) + i]);
        }
    }
    out
}

/// Attends to several sequences in one pass, of each from some position on; rows of q have a gap, and there are
/// rows between the spans.
fn pass(
    isa: Isa,
    shape: &AttentionShape,
    of: &[(&Sequence, usize)],
    precision: CachePrecision,
) -> Vec<Vec<f32>> {
    let caches: Vec<_> = of.iter().map(|(s, past)| s.cache(isa, shape, precision, *past)).collect();
    let (width, stride) = (shape.q_width(), shape.q_width() + 5);
    let (mut q, mut spans) = (vec![f32::NAN; stride], Vec::new());
    for ((sequence, past), cache) in of.iter().zip(&caches) {
        let start = q.len() / stride;
        for row in sequence.q[past * width..].chunks_exact(width) {
            q.extend_from_slice(row);
            q.extend([f32::NAN; 5]);
        }
        spans.push(Span { cache, rows: start..q.len() / stride });
        q.extend(vec![f32::NAN; stride]);
    }
    let mut out = vec![-9.0; q.len() / stride * width];
    cached_on(isa, shape, LAYER, Rows::new(&q, stride), &spans, &mut out);
    let given: usize = spans.iter().map(|span| span.rows.len() * width).sum();
    assert_eq!(
        out.iter().filter(|v| **v == -9.0).count(),
        out.len() - given,
        "rows of no span are left alone"
    );
    spans.iter().map(|span| out[span.rows.start * width..span.rows.end * width].to_vec()).collect()
}

/// `lens` are positions that count, and new ones.
fn check(shape: &AttentionShape, lens: &[(usize, usize)], seed: u64, precision: CachePrecision) {
    let sequences: Vec<_> =
        (seed..).zip(lens).map(|(i, (past, t))| (Sequence::new(shape, past + t, 10 * i), *past)).collect();
    let of: Vec<_> = sequences.iter().map(|(s, past)| (s, *past)).collect();
    // What is read from the cache is judged where it is rounded; here it counts as exact.
    let expected: Vec<_> =
        of.iter().map(|(s, past)| attention64(shape, &rounded(shape, s, precision), *past)).collect();
    everywhere(
        |isa| pass(isa, shape, &of, precision),
        |isa, made| {
            for (i, (made, expected)) in made.iter().zip(&expected).enumerate() {
                close(&format!("{isa} {i} of {shape:?} {lens:?} {precision:?}"), made, expected, 2e-5);
                let alone = pass(isa, shape, &of[i..=i], precision);
                assert_eq!(&alone[0], made, "{isa}: {i} alone of {lens:?}");
            }
        },
    );
}

/// The sequence with keys and values as a cache gives them back.
fn rounded(shape: &AttentionShape, of: &Sequence, precision: CachePrecision) -> Sequence {
    let cache = of.cache(Isa::Scalar, shape, precision, of.n);
    let mut read = Sequence { k: Vec::new(), v: Vec::new(), ..of.clone() };
    for (position, head) in (0..of.n).flat_map(|t| (0..shape.n_kv_heads).map(move |head| (t, head))) {
        let (k, v) = cache.read(LAYER, position, head);
        read.k.extend(k);
        read.v.extend(v);
    }
    for (read, given) in [(&read.k, &of.k), (&read.v, &of.v)] {
        for (read, given) in read.chunks(shape.head_width).zip(given.chunks(shape.head_width)) {
            let most = given.iter().fold(0.0f32, |a, b| a.max(b.abs()));
            let bound = if precision == CachePrecision::F32 { 0.0 } else { most * 0.501 / 127.0 };
            assert!(
                read.iter().zip(given).all(|(a, b)| (a - b).abs() <= bound),
                "{precision:?} {read:?} {given:?}"
            );
        }
    }
    read
}

fn shape(n_kv_heads: usize, group: usize, head_width: usize) -> AttentionShape {
    AttentionShape {
        n_heads: n_kv_heads * group,
        n_kv_heads,
        head_width,
        scale: 1.0 / (head_width as f32).sqrt(),
        causal: true,
        window: None,
        soft_cap: None,
    }
}

prop_compose! {
    fn shapes()(kv in 1..4usize, group in 1..9usize,
                head_width in select(vec![1, 3, 16, 20, 40, 64, 80, 96, 128, 256]),
                causal in proptest::bool::weighted(0.8), window in proptest::option::of(1..90usize),
                soft_cap in proptest::option::of(0.5f32..8.0)) -> AttentionShape {
        AttentionShape { causal, window, soft_cap, ..shape(kv, group, head_width) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn agrees_with_f64(
        shape in shapes(),
        lens in proptest::collection::vec((0..140usize, 0..30usize), 0..4),
        seed in 0..99u64,
        precision in select(vec![CachePrecision::F32, CachePrecision::Int8]),
    ) {
        check(&shape, &lens, seed, precision);
    }

    #[test]
    fn a_cache_is_what_was_written_whatever_was_shared(
        steps in proptest::collection::vec((0..3usize, 0..4usize, 1..90usize), 1..12),
        precision in select(vec![CachePrecision::F32, CachePrecision::Int8]),
    ) {
        share_and_write(&steps, precision);
    }
}

#[test]
fn nothing_written_and_nothing_asked_is_nothing() {
    for precision in [CachePrecision::F32, CachePrecision::Int8] {
        check(&shape(1, 1, 1), &[(0, 0)], 0, precision);
        check(&shape(2, 2, 16), &[(0, 0), (3, 2), (0, 0), (5, 0)], 0, precision);
    }
}

/// Writes to, truncates and forks a few caches, and compares each with a plain list of what it should hold.
fn share_and_write(steps: &[(usize, usize, usize)], precision: CachePrecision) {
    let shape = CacheShape { n_layers: 2, n_kv_heads: 2, head_width: 3, precision };
    let mut caches = vec![(BlockCache::new(shape), Vec::<f32>::new())];
    for (i, (what, which, n)) in steps.iter().enumerate() {
        let which = which % caches.len();
        let (cache, holds) = &mut caches[which];
        let len = n % (cache.len() + 1);
        match what {
            0 => {
                let fork = (cache.prefix(len), holds[..len].to_vec());
                caches.push(fork);
            }
            1 => {
                cache.truncate(len);
                holds.truncate(len);
            }
            _ => {
                // A whole number of 127ths, so that 8 bits hold it: the largest of its row is exact.
                let value = (i + 1) as f32;
                let rows = vec![value; n * 6];
                cache.reserve(*n);
                for layer in 0..2 {
                    cache.write(layer, Rows::new(&rows, 6), Rows::new(&rows, 6), *n);
                }
                cache.advance(*n);
                holds.extend(vec![value; *n]);
            }
        }
    }
    for (cache, holds) in &caches {
        assert_eq!(cache.len(), holds.len());
        assert_eq!(cache.size_bytes(), BlockCache::bytes_for(&shape, holds.len()));
        for (position, value) in holds.iter().enumerate() {
            for (layer, head) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let (k, v) = cache.read(layer, position, head);
                assert!(
                    k.iter().chain(&v).all(|x| (x - value).abs() < 1e-5),
                    "{position}: {k:?} {v:?} {value}"
                );
            }
        }
    }
}

#[test]
fn long_caches_are_shared_out_and_put_together() {
    for (group, t, window, soft_cap) in [
        (1, 1, None, None),
        (3, 1, None, None),
        (8, 3, None, Some(2.0)),
        (2, 33, None, None),
        (2, 1, Some(300), None),
        (50, 2, None, None),
    ] {
        let shape = AttentionShape { window, soft_cap, ..shape(2, group, 16) };
        for precision in [CachePrecision::F32, CachePrecision::Int8] {
            check(&shape, &[(900, t), (64, 1), (10, 2)], 5, precision);
        }
    }
}

#[test]
fn many_at_once_are_as_one_by_one() {
    let shape = AttentionShape { window: Some(70), ..shape(3, 3, 40) };
    let sequence = Sequence::new(&shape, 100, 3);
    for (isa, precision) in
        Isa::available().flat_map(|isa| [CachePrecision::F32, CachePrecision::Int8].map(|p| (isa, p)))
    {
        let ones = vec![1; 100];
        let [whole, halves, ones] = [&[100][..], &[60, 40], &ones].map(|chunks| {
            let mut cache = BlockCache::new(cache_shape(&shape, precision));
            let mut out = Vec::new();
            for t in chunks {
                let from = cache.len();
                sequence.write(isa, &mut cache, from + t);
                let width = shape.q_width();
                let mut made = vec![0.0; t * width];
                let spans = [Span { cache: &cache, rows: 0..*t }];
                cached_on(
                    isa,
                    &shape,
                    LAYER,
                    Rows::new(&sequence.q[from * width..], width),
                    &spans,
                    &mut made,
                );
                cache.advance(*t);
                out.extend(made);
            }
            out
        });
        let whole: Vec<f64> = whole.iter().map(|v| f64::from(*v)).collect();
        close(&format!("{isa} in halves"), &halves, &whole, 1e-5);
        close(&format!("{isa} one by one"), &ones, &whole, 1e-5);
    }
}

#[test]
fn what_is_not_a_number_stays_so() {
    let shape = shape(1, 1, 4);
    let mut sequence = Sequence::new(&shape, 90, 1);
    sequence.k[70 * 4 + 1] = f32::NAN;
    for isa in Isa::available() {
        for precision in [CachePrecision::F32, CachePrecision::Int8] {
            let out = pass(isa, &shape, &[(&sequence, 0)], precision).remove(0);
            assert!(out[..70 * 4].iter().all(|v| v.is_finite()), "{isa}: queries that don't see it");
            assert!(out[70 * 4..].iter().all(|v| v.is_nan()), "{isa}: queries that do");
        }
    }
}

/// A value that is no number is nobody's but theirs who see it: those before it, and those that are past it by a
/// window, have their usual outputs, bit for bit.
#[test]
fn a_value_that_is_not_a_number_is_seen_by_those_alone_who_see_it() {
    for (group, window) in [(1, None), (3, None), (3, Some(20))] {
        let shape = AttentionShape { window, ..shape(1, group, 20) };
        let (width, n) = (shape.q_width(), 150);
        let sequence = Sequence::new(&shape, n, 1);
        for odd in [f32::NAN, f32::INFINITY] {
            let mut broken = Sequence::new(&shape, n, 1);
            broken.v[70 * 20 + 3] = odd;
            let sees = |t: usize| t >= 70 && window.is_none_or(|w| t < 70 + w);
            for isa in Isa::available() {
                for precision in [CachePrecision::F32, CachePrecision::Int8] {
                    for past in [0, 65] {
                        let whole = pass(isa, &shape, &[(&sequence, past)], precision).remove(0);
                        let out = pass(isa, &shape, &[(&broken, past)], precision).remove(0);
                        let rows = out.chunks_exact(width).zip(whole.chunks_exact(width));
                        for (t, (row, whole)) in (past..).zip(rows) {
                            if sees(t) {
                                assert!(row.iter().any(|v| !v.is_finite()), "{isa} {precision:?} {t}");
                            } else {
                                assert_eq!(row, whole, "{isa} {precision:?} {t}");
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_pass_that_fails_half_way_leaves_the_cache_as_it_was() {
    let shape = shape(2, 2, 16);
    let (first, second) = (Sequence::new(&shape, 80, 1), Sequence::new(&shape, 80, 2));
    let mut cache = first.cache(Isa::Scalar, &shape, CachePrecision::F32, 70);
    let before: Vec<_> = (0..70).map(|t| cache.read(LAYER, t, 1)).collect();
    second.write(Isa::Scalar, &mut cache, 80);
    assert_eq!(cache.len(), 70);
    assert_eq!((0..70).map(|t| cache.read(LAYER, t, 1)).collect::<Vec<_>>(), before);
}

#[test]
#[should_panic(expected = "no room was made")]
fn a_shared_block_is_not_written_to() {
    let shape = shape(1, 1, 4);
    let sequence = Sequence::new(&shape, 10, 1);
    let mut cache = sequence.cache(Isa::Scalar, &shape, CachePrecision::F32, 5);
    let _other = cache.prefix(5);
    cache.write(0, Rows::new(&sequence.k, 4), Rows::new(&sequence.v, 4), 1);
}
