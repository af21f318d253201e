//! Attention against f64, over shapes, masks, packings and layouts.

use proptest::prelude::*;

use super::backward::backward_on;
use super::forward::forward_on;
use super::*;
use crate::check::{close, dot64, everywhere, numbers, slopes, wide};

/// What is computed, as published, one query at a time: out, lse, and if `dout` is given dq, dk and dv.
fn attention64(
    shape: &AttentionShape,
    starts: &[usize],
    q: &[f64],
    k: &[f64],
    v: &[f64],
    dout: Option<&[f64]>,
) -> [Vec<f64>; 5] {
    let (h, kv, e) = (shape.n_heads, shape.n_kv_heads, shape.head_width);
    let m = *starts.last().unwrap();
    let scale = f64::from(shape.scale);
    let (mut out, mut lse) = (vec![0.0; q.len()], vec![0.0; h * m]);
    let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
    for pair in starts.windows(2) {
        for (t, head) in (pair[0]..pair[1]).flat_map(|t| (0..h).map(move |head| (t, head))) {
            let (at, group) = ((t * h + head) * e, head / (h / kv));
            let key = |s: usize| (s * kv + group) * e;
            let seen: Vec<usize> = (pair[0]..pair[1])
                .filter(|s| !shape.causal || *s <= t)
                .filter(|s| shape.window.is_none_or(|w| s.abs_diff(t) < w))
                .collect();
            let raw: Vec<f64> =
                seen.iter().map(|s| scale * dot64(&q[at..at + e], &k[key(*s)..key(*s) + e])).collect();
            let cap = |x: f64| shape.soft_cap.map_or(x, |c| f64::from(c) * (x / f64::from(c)).tanh());
            let slope = |x: f64| shape.soft_cap.map_or(1.0, |c| 1.0 - (x / f64::from(c)).tanh().powi(2));
            let sum: f64 = raw.iter().map(|x| cap(*x).exp()).sum();
            lse[head * m + t] = sum.ln();
            let p: Vec<f64> = raw.iter().map(|x| cap(*x).exp() / sum).collect();
            for (s, p) in seen.iter().zip(&p) {
                (0..e).for_each(|i| out[at + i] += p * v[key(*s) + i]);
            }
            let Some(dout) = dout else { continue };
            let dout = &dout[at..at + e];
            let dp: Vec<f64> = seen.iter().map(|s| dot64(dout, &v[key(*s)..key(*s) + e])).collect();
            let delta = dot64(&p, &dp);
            for (j, s) in seen.iter().enumerate() {
                let ds = p[j] * (dp[j] - delta) * slope(raw[j]) * scale;
                for i in 0..e {
                    dq[at + i] += ds * k[key(*s) + i];
                    dk[key(*s) + i] += ds * q[at + i];
                    dv[key(*s) + i] += p[j] * dout[i];
                }
            }
        }
    }
    [out, lse, dq, dk, dv]
}

#[test]
fn the_reference_agrees_with_its_slopes() {
    let shape = AttentionShape {
        n_heads: 2,
        n_kv_heads: 1,
        head_width: 3,
        scale: 0.7,
        causal: true,
        window: Some(3),
        soft_cap: Some(0.8),
    };
    let starts = [0, 4, 6];
    let [q, k, v, dout] = [12, 6, 6, 12].map(|n| wide(&numbers(n as u64, n * 3)));
    let [_, _, dq, dk, dv] = attention64(&shape, &starts, &q, &k, &v, Some(&dout));
    let loss =
        |q: &[f64], k: &[f64], v: &[f64]| dot64(&attention64(&shape, &starts, q, k, v, None)[0], &dout);
    for (made, slopes) in [
        (dq, slopes(&q, |q| loss(q, &k, &v))),
        (dk, slopes(&k, |k| loss(&q, k, &v))),
        (dv, slopes(&v, |v| loss(&q, &k, v))),
    ] {
        assert!(made.iter().zip(&slopes).all(|(a, b)| (a - b).abs() < 1e-8), "{made:?} {slopes:?}");
    }
}

fn check(shape: &AttentionShape, lens: &[usize], seed: u64) {
    let mut starts = vec![0];
    lens.iter().for_each(|len| starts.push(starts.last().unwrap() + len));
    let m = *starts.last().unwrap();
    let (q_width, kv_width) = (shape.q_width(), shape.kv_width());
    // Large enough for the largest score to move from tile to tile.
    let scaled = |seed, n| numbers(seed, n).iter().map(|v| v * 2.0).collect::<Vec<f32>>();
    let (q, k) = (scaled(seed, m * q_width), scaled(seed + 1, m * kv_width));
    let (v, dout) = (scaled(seed + 2, m * kv_width), scaled(seed + 3, m * q_width));
    let expected = attention64(shape, &starts, &wide(&q), &wide(&k), &wide(&v), Some(&wide(&dout)));

    let row = q_width + 2 * kv_width;
    let mut fused = Vec::with_capacity(m * row);
    for t in 0..m {
        fused.extend_from_slice(&q[t * q_width..][..q_width]);
        fused.extend_from_slice(&k[t * kv_width..][..kv_width]);
        fused.extend_from_slice(&v[t * kv_width..][..kv_width]);
    }
    let run = |isa| {
        let mut made: [Vec<f32>; 5] = std::array::from_fn(|i| vec![f32::NAN; expected[i].len()]);
        let [out, lse, dq, dk, dv] = &mut made;
        let qkv = shape.apart(&q, &k, &v);
        forward_on(isa, shape, &starts, &qkv, out, lse);
        let gradients = Gradients::Apart { dq, dk, dv };
        backward_on(isa, shape, &starts, &qkv, out, lse, &dout, gradients);

        let qkv = shape.fused(&fused);
        let (mut out_fused, mut lse_fused) = (vec![f32::NAN; out.len()], vec![f32::NAN; lse.len()]);
        forward_on(isa, shape, &starts, &qkv, &mut out_fused, &mut lse_fused);
        assert_eq!((&*out, &*lse), (&out_fused, &lse_fused), "the layout doesn't matter");
        let mut all = vec![f32::NAN; m * row];
        backward_on(isa, shape, &starts, &qkv, out, lse, &dout, Gradients::Fused(&mut all));
        for (t, row) in all.chunks(row.max(1)).enumerate() {
            assert_eq!(&row[..q_width], &dq[t * q_width..][..q_width]);
            assert_eq!(&row[q_width..q_width + kv_width], &dk[t * kv_width..][..kv_width]);
            assert_eq!(&row[q_width + kv_width..], &dv[t * kv_width..][..kv_width]);
        }
        made
    };
    everywhere(run, |isa, made| {
        for (i, name) in ["out", "lse", "dq", "dk", "dv"].into_iter().enumerate() {
            close(&format!("{isa} {name} of {shape:?} {lens:?}"), &made[i], &expected[i], 2e-5);
        }
    });
}

/// Sequences lie side by side in one matrix, and what is no number in one of them is none of the others' business:
/// not through tiles, nor through lanes that are past an end, nor as nothing times what is no number.
#[test]
fn what_is_no_number_stays_in_its_sequence() {
    let lens = [5, 70, 33, 3, 90, 1];
    let mut starts = vec![0];
    lens.iter().for_each(|len| starts.push(starts.last().unwrap() + len));
    let m = *starts.last().unwrap();
    for (causal, window) in [(true, None), (true, Some(20)), (false, None), (false, Some(7))] {
        let shape = AttentionShape {
            n_heads: 4,
            n_kv_heads: 2,
            head_width: 20,
            scale: 0.3,
            causal,
            window,
            soft_cap: None,
        };
        let widths = [shape.q_width(), shape.kv_width(), shape.kv_width(), shape.q_width()];
        let clean: [Vec<f32>; 4] = std::array::from_fn(|i| numbers(i as u64, m * widths[i]));
        let run = |isa, [q, k, v, dout]: &[Vec<f32>; 4]| {
            let mut made =
                [widths[0], shape.n_heads, widths[0], widths[1], widths[2]].map(|w| vec![0.0; m * w]);
            let [out, lse, dq, dk, dv] = &mut made;
            let qkv = shape.apart(q, k, v);
            forward_on(isa, &shape, &starts, &qkv, out, lse);
            backward_on(isa, &shape, &starts, &qkv, out, lse, dout, Gradients::Apart { dq, dk, dv });
            made
        };
        for isa in crate::dispatch::Isa::available() {
            let expected = run(isa, &clean);
            for sick in [1, 3, 4] {
                let mut given = clean.clone();
                for (given, width) in given.iter_mut().zip(widths) {
                    given[starts[sick] * width..starts[sick + 1] * width].fill(f32::NAN);
                }
                for (which, (made, expected)) in run(isa, &given).iter().zip(&expected).enumerate() {
                    // Of lse the heads lie one after the other, else the rows.
                    let row = |i: usize| if which == 1 { i % m } else { i / (made.len() / m) };
                    for (i, (a, b)) in made.iter().zip(expected).enumerate() {
                        let is_sick = (starts[sick]..starts[sick + 1]).contains(&row(i));
                        assert!(
                            is_sick || a == b,
                            "{isa}, {shape:?}: {which} of row {} is {a}, not {b}",
                            row(i)
                        );
                    }
                }
            }
        }
    }
}

prop_compose! {
    fn shapes()(kv in 1..4usize, group in 1..6usize, head_width in 1..40usize, causal: bool,
                window in proptest::option::of(1..90usize), soft_cap in proptest::option::of(0.5f32..8.0))
        -> AttentionShape {
        let scale = 1.0 / (head_width as f32).sqrt();
        AttentionShape { n_heads: kv * group, n_kv_heads: kv, head_width, scale, causal, window, soft_cap }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn agrees_with_f64(shape in shapes(), lens in proptest::collection::vec(0..50usize, 0..4), seed in 0..99u64) {
        check(&shape, &lens, seed);
    }
}

#[test]
fn long_sequences_cross_tiles_and_blocks() {
    for (group, causal, window, soft_cap) in [
        (1, true, None, None),
        (3, true, None, None),
        (2, false, None, None),
        (3, true, Some(70), None),
        (1, false, Some(33), None),
        (2, true, Some(5), Some(1.5)),
        (1, true, Some(64), Some(0.5)),
        (2, true, None, Some(2.0)),
    ] {
        let shape = AttentionShape {
            n_heads: group,
            n_kv_heads: 1,
            head_width: 16,
            scale: 0.25,
            causal,
            window,
            soft_cap,
        };
        check(&shape, &[150, 7], 5);
    }
    let shape = AttentionShape {
        n_heads: 4,
        n_kv_heads: 2,
        head_width: 6,
        scale: 0.4,
        causal: true,
        window: None,
        soft_cap: None,
    };
    check(&shape, &[300, 20], 6);
}

#[test]
fn what_is_not_a_number_stays_so() {
    let shape = AttentionShape {
        n_heads: 1,
        n_kv_heads: 1,
        head_width: 4,
        scale: 0.5,
        causal: true,
        window: None,
        soft_cap: None,
    };
    let (mut k, one) = (vec![1.0; 20], vec![1.0; 20]);
    k[9] = f32::NAN;
    for isa in crate::dispatch::Isa::available() {
        let (mut out, mut lse) = (vec![0.0; 20], vec![0.0; 5]);
        forward_on(isa, &shape, &[0, 5], &shape.apart(&one, &k, &one), &mut out, &mut lse);
        assert_eq!(out[..8], [1.0; 8], "queries that don't see it");
        assert!(out[8..].iter().all(|v| v.is_nan()), "queries that do");
    }
}
