//! Attention against the sums written out, whatever way it takes.

use super::*;
use crate::inspect::probe::{CapturePlan, Probe};
use crate::nn::{KvCache, Weight};
use candle_core::Device;
use glassworks_protocol::model::Precision;
use std::cell::Cell;

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
        norms: None,
        scale: 1.5,
        window: None,
        soft_cap: None,
        shape,
        layer_idx: 0,
    }
}

fn run(block: &Attention, x: &Tensor, cache: &mut KvCache, probe: &mut Probe) -> Vec<f32> {
    run_between(block, x, cache, probe, &|| Ok(()))
}

fn run_between(
    block: &Attention,
    x: &Tensor,
    cache: &mut KvCache,
    probe: &mut Probe,
    between: &dyn Fn() -> Result<()>,
) -> Vec<f32> {
    let mut cx = ForwardCx { precision: Precision::Exact, cache, probe, adapters: None, between };
    let out = block.forward(x, None, &mut cx).unwrap();
    cx.cache.advance(x.dims()[0]);
    out.flatten_all().unwrap().to_vec1().unwrap()
}

fn rows(linear: &Linear, x: &Tensor) -> Vec<Vec<f64>> {
    let Weight::Dense(w) = linear.weight() else { panic!("dense") };
    let y = x.matmul(&w.t().unwrap()).unwrap().to_vec2::<f32>().unwrap();
    y.into_iter().map(|row| row.into_iter().map(f64::from).collect()).collect()
}

/// Each head of a row, divided by its root mean square and multiplied by the norm's weight.
fn normed(rows: Vec<Vec<f64>>, norm: &RmsNorm) -> Vec<Vec<f64>> {
    let (weight, offset, eps) = norm.parts();
    let weight = weight.to_vec1::<f32>().unwrap();
    let head = |x: &[f64]| -> Vec<f64> {
        let square = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
        x.iter().zip(&weight).map(|(v, w)| v / (square + eps).sqrt() * f64::from(w + offset)).collect()
    };
    rows.into_iter().map(|row| row.chunks(weight.len()).flat_map(head).collect()).collect()
}

/// Query head h reads kv-head ⌊h / (H/K)⌋; softmax(cap(q·k·scale)) over the keys up to the query, within its window.
fn reference(block: &Attention, x: &Tensor) -> Vec<f32> {
    let ModelShape { n_heads, n_kv_heads, head_width: e, .. } = block.shape;
    let Projection::Separate { q, k, v } = &block.qkv else { panic!("separate") };
    let (mut q, mut k, v) = (rows(q, x), rows(k, x), rows(v, x));
    if let Some(norms) = &block.norms {
        (q, k) = (normed(q, &norms.q), normed(k, &norms.k));
    }
    let cap = |x: f64| block.soft_cap.map_or(x, |cap| f64::from(cap) * (x / f64::from(cap)).tanh());
    let mut mixed = Vec::new();
    for (t, q) in q.iter().enumerate() {
        for h in 0..n_heads {
            let kv = h / (n_heads / n_kv_heads);
            let first = block.window.map_or(0, |window| (t + 1).saturating_sub(window));
            let scores = (first..=t).map(|s| {
                let dot: f64 = (0..e).map(|i| q[h * e + i] * k[s][kv * e + i]).sum();
                cap(dot * f64::from(block.scale)).exp()
            });
            let scores: Vec<f64> = scores.collect();
            let sum: f64 = scores.iter().sum();
            mixed.extend((0..e).map(|i| {
                let mix: f64 = scores.iter().zip(&v[first..]).map(|(a, v)| a / sum * v[kv * e + i]).sum();
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
fn windows_caps_and_norms_are_as_written_out() {
    let norm = |seed, offset| {
        let weight = random((1, 4), seed).flatten_all().unwrap();
        RmsNorm::new(weight, offset, 1e-3).unwrap()
    };
    let x = random((9, 6), 7);
    for window in [None, Some(1), Some(3), Some(20)] {
        for (soft_cap, offset) in [(None, 0.0), (Some(0.6), 1.0)] {
            let norms = Some(QkNorms { q: norm(11, offset), k: norm(12, offset) });
            let block = Attention { norms, window, soft_cap, ..block(6, 2, 4, 64) };
            let expected = reference(&block, &x);
            check(&run(&block, &x, &mut KvCache::new(&block.shape), &mut Probe::Off), &expected);
            for pieces in [[1; 9].as_slice(), &[4, 5], &[2, 1, 3, 3]] {
                let (mut cache, mut from, mut ours) = (KvCache::new(&block.shape), 0, Vec::new());
                for n in pieces {
                    ours.extend(run(&block, &x.narrow(0, from, *n).unwrap(), &mut cache, &mut Probe::Off));
                    from += n;
                }
                check(&ours, &expected);
            }
        }
    }
}

/// GPT-NeoX keeps a head's query, key and value together.
#[test]
fn one_matrix_by_head_is_the_same() {
    let mut block = block(3, 3, 4, 64);
    let x = random((5, 6), 7);
    let expected = reference(&block, &x);
    let Projection::Separate { q, k, v } = &block.qkv else { panic!("separate") };
    let parts = [q, k, v].map(|linear| match linear.weight() {
        Weight::Dense(w) => w.reshape((3, 1, 4, 6)).unwrap(),
        Weight::Packed(_) => panic!("dense"),
    });
    let together = Tensor::cat(&parts, 1).unwrap().reshape((36, 6)).unwrap();
    block.qkv = Projection::ByHead(Linear::new(Weight::Dense(together), None));
    check(&run(&block, &x, &mut KvCache::new(&block.shape), &mut Probe::Off), &expected);
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

/// A prompt so long that its scores are made in tiles. Whoever looks, every digit is the same; and nobody looking,
/// no attention is ever held in full.
#[test]
fn looking_changes_no_digit_of_tiles() {
    for window in [None, Some(700), Some(5)] {
        look_at(&Attention { window, ..block(8, 2, 2, 2000) });
    }
}

fn look_at(block: &Attention) {
    let t = 1500;
    let x = random((t, 6), 7);
    assert!(tile(8, t, None) * 8 * t <= MAX_SCORES && tile(8, t, None) < t);
    let hidden = CapturePlan { hidden: true, head_outputs: true, attention: false };
    let everything = CapturePlan { attention: true, ..hidden };
    let look = |mut probe: Probe| {
        let turns = Cell::new(0);
        let between = || {
            turns.set(turns.get() + 1);
            Ok(())
        };
        let out = run_between(block, &x, &mut KvCache::new(&block.shape), &mut probe, &between);
        let seen = match probe {
            Probe::Capture(capture) => capture.seen.into_values().map(|t| t.elem_count()).max(),
            _ => None,
        };
        (out, turns.get(), seen)
    };
    let (off, turns_off, _) = look(Probe::Off);
    let (beside, turns_beside, largest) = look(Probe::capture(hidden));
    let (watched, turns_watched, whole) = look(Probe::capture(everything));
    let (asked, turns_asked, _) = look(Probe::Replace(Box::new(|_, _| Ok(None))));
    assert_eq!((turns_beside, turns_watched, turns_asked), (turns_off, turns_off, turns_off));
    assert_eq!((largest, whole), (Some(t * 16), Some(8 * t * t)));
    assert!(off == beside && off == watched && off == asked, "the same digits");
    check(&off, &reference(block, &x));
}

/// What stands in for an attention is mixed as it is, later keys included.
#[test]
fn a_replaced_attention_is_what_is_mixed() {
    let block = block(4, 2, 3, 64);
    let x = random((5, 6), 7);
    let last_key = |site: Site, tensor: &Tensor| -> Result<Option<Tensor>> {
        let Site::Attention(_) = site else { return Ok(None) };
        let row = Tensor::new(&[0f32, 0.0, 0.0, 0.0, 1.0], &Device::Cpu)?;
        Ok(Some(row.broadcast_as(tensor.shape())?.contiguous()?))
    };
    let mut probe = Probe::Replace(Box::new(last_key));
    let out = run(&block, &x, &mut KvCache::new(&block.shape), &mut probe);
    // Every position mixes the value of the last one.
    let Projection::Separate { v, .. } = &block.qkv else { panic!("separate") };
    let v = rows(v, &x).pop().unwrap();
    let mixed: Vec<f32> = (0..4).flat_map(|h| v[h / 2 * 3..][..3].iter().map(|x| *x as f32)).collect();
    let mixed = Tensor::from_vec(mixed, (1, 12), &Device::Cpu).unwrap();
    let one: Vec<f32> = rows(&block.o, &mixed).concat().into_iter().map(|x| x as f32).collect();
    check(&out, &one.repeat(5));
}

/// However long the text, the scores of a tile are few.
#[test]
fn scores_stay_small() {
    for n_heads in [1, 9, 32, 64] {
        for n_keys in [1, 100, 4096, 131_072] {
            for window in [None, Some(1), Some(300), Some(4096)] {
                let tile = tile(n_heads, n_keys, window);
                let keys = window.map_or(n_keys, |window| n_keys.min(window + tile));
                let (held, least) = (tile * n_heads * keys, 16 * n_heads * n_keys);
                assert!(held <= MAX_SCORES.max(least), "{n_heads} heads, {n_keys} keys, {window:?}: {held}");
                assert!(tile >= 16);
            }
        }
    }
}
