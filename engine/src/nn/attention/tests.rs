//! Attention against the sums written out, whatever way it takes.

use super::*;
use crate::inspect::probe::{CapturePlan, Probe};
use crate::nn::{KvCache, Weight};
use candle_core::Device;
use glassworks_protocol::model::Precision;

fn random(dims: (usize, usize), seed: u64) -> Tensor {
    let mut state = seed;
    let values = (0..dims.0 * dims.1).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    });
    Tensor::from_vec(values.collect(), dims, &Device::Cpu).unwrap()
}

fn linear(n_out: usize, n_in: usize, seed: u64) -> Linear {
    Linear::new(Weight::Dense(random((n_out, n_in), seed)), None)
}

fn block(n_heads: usize, n_kv_heads: usize, head_width: usize, context_length: usize) -> Attention {
    let width = 6;
    let shape = ModelShape {
        n_layers: 1,
        width,
        n_heads,
        n_kv_heads,
        head_width,
        mlp_width: 1,
        vocab_size: 1,
        context_length,
    };
    let (q, kv) = (n_heads * head_width, n_kv_heads * head_width);
    Attention {
        qkv: Projection::Separate {
            q: linear(q, width, 1),
            k: linear(kv, width, 2),
            v: linear(kv, width, 3),
        },
        o: linear(width, q, 4),
        scale: 1.5,
        shape,
        layer_idx: 0,
    }
}

fn run(block: &Attention, x: &Tensor, cache: &mut KvCache, probe: &mut Probe) -> Vec<f32> {
    let mut cx = ForwardCx { precision: Precision::Exact, cache, probe, between: &|| Ok(()) };
    let out = block.forward(x, None, &mut cx).unwrap();
    cx.cache.advance(x.dims()[0]);
    out.flatten_all().unwrap().to_vec1().unwrap()
}

fn rows(linear: &Linear, x: &Tensor) -> Vec<Vec<f64>> {
    let Weight::Dense(w) = linear.weight() else { panic!("dense") };
    let y = x.matmul(&w.t().unwrap()).unwrap().to_vec2::<f32>().unwrap();
    y.into_iter().map(|row| row.into_iter().map(f64::from).collect()).collect()
}

/// Query head h reads kv-head ⌊h / (H/K)⌋; softmax(q·k·scale) over the keys up to the query.
fn reference(block: &Attention, x: &Tensor) -> Vec<f32> {
    let ModelShape { n_heads, n_kv_heads, head_width: e, .. } = block.shape;
    let Projection::Separate { q, k, v } = &block.qkv else { panic!("separate") };
    let (q, k, v) = (rows(q, x), rows(k, x), rows(v, x));
    let mut mixed = Vec::new();
    for (t, q) in q.iter().enumerate() {
        for h in 0..n_heads {
            let kv = h / (n_heads / n_kv_heads);
            let scores = (0..=t).map(|s| {
                let dot: f64 = (0..e).map(|i| q[h * e + i] * k[s][kv * e + i]).sum();
                (dot * f64::from(block.scale)).exp()
            });
            let scores: Vec<f64> = scores.collect();
            let sum: f64 = scores.iter().sum();
            mixed.extend((0..e).map(|i| {
                let mix: f64 = scores.iter().zip(&v).map(|(a, v)| a / sum * v[kv * e + i]).sum();
                mix as f32
            }));
        }
    }
    let mixed = Tensor::from_vec(mixed, (q.len(), n_heads * e), &Device::Cpu).unwrap();
    rows(&block.o, &mixed).concat().into_iter().map(|x| x as f32).collect()
}

fn check(ours: &[f32], expected: &[f32]) {
    assert_eq!(ours.len(), expected.len());
    for (i, (a, b)) in ours.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 5e-5 * (1.0 + b.abs()), "element {i}: {a}, expected {b}");
    }
}

#[test]
fn heads_read_the_kv_head_of_their_group() {
    for (n_heads, n_kv_heads) in [(1, 1), (4, 4), (6, 2), (6, 3), (5, 1)] {
        let block = block(n_heads, n_kv_heads, 4, 64);
        let x = random((9, 6), 7);
        let expected = reference(&block, &x);
        check(&run(&block, &x, &mut KvCache::new(&block.shape), &mut Probe::Off), &expected);
        // The same, position by position.
        let mut cache = KvCache::new(&block.shape);
        let steps =
            (0..9).flat_map(|t| run(&block, &x.narrow(0, t, 1).unwrap(), &mut cache, &mut Probe::Off));
        check(&steps.collect::<Vec<_>>(), &expected);
    }
}

#[test]
fn one_matrix_for_all_three_is_the_same() {
    let mut block = block(4, 2, 3, 64);
    let x = random((5, 6), 7);
    let expected = reference(&block, &x);
    let Projection::Separate { q, k, v } = &block.qkv else { panic!("separate") };
    let parts = [q, k, v].map(|linear| match linear.weight() {
        Weight::Dense(w) => w.clone(),
        Weight::Packed(_) => panic!("dense"),
    });
    block.qkv = Projection::Joint(Linear::new(Weight::Dense(Tensor::cat(&parts, 0).unwrap()), None));
    check(&run(&block, &x, &mut KvCache::new(&block.shape), &mut Probe::Off), &expected);
}

/// A prompt so long that its scores are made in tiles gives what one piece gives, to the digit that a different
/// order of sums allows.
#[test]
fn tiles_change_nothing() {
    let block = block(8, 2, 2, 2000);
    let x = random((1500, 6), 7);
    const { assert!(8 * 1500 * 1500 > MAX_SCORES) };
    let tiled = run(&block, &x, &mut KvCache::new(&block.shape), &mut Probe::Off);
    let mut watched = Probe::capture(CapturePlan { attention: true, ..CapturePlan::default() });
    let whole = run(&block, &x, &mut KvCache::new(&block.shape), &mut watched);
    check(&tiled, &whole);
}
