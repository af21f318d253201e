//! Each operation against sums written out in f64.

use super::*;
use candle_core::{Device, Var};

fn tensor(dims: &[usize], seed: u64) -> Tensor {
    let n = dims.iter().product::<usize>();
    let mut state = seed;
    let values: Vec<f32> = (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    let floats = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    floats.into_iter().map(f64::from).collect()
}

fn check(ours: &Tensor, expected: impl IntoIterator<Item = f64>) {
    let (ours, expected) = (values(ours), expected.into_iter().collect::<Vec<_>>());
    assert_eq!(ours.len(), expected.len());
    for (i, (a, b)) in ours.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 2e-5 * (1.0 + b.abs()), "element {i}: {a}, expected {b}");
    }
}

/// Sizes below and above those from which threads share the work.
const SIZES: [(usize, usize); 3] = [(1, 7), (3, 64), (300, 200)];

#[test]
fn rms_norm_divides_by_the_root_of_the_mean_square() {
    for (t, d) in SIZES {
        let (x, w) = (tensor(&[t, d], 1), tensor(&[d], 2));
        let (xs, ws) = (values(&x), values(&w));
        let expected = xs.chunks(d).flat_map(|row| {
            let scale = (row.iter().map(|x| x * x).sum::<f64>() / d as f64 + 1e-5).sqrt();
            row.iter().zip(&ws).map(move |(x, w)| x / scale * w).collect::<Vec<_>>()
        });
        check(&rms_norm(&x, &w, 1e-5).unwrap(), expected);
    }
}

#[test]
fn layer_norm_has_mean_bias_and_variance_one() {
    for (t, d) in SIZES {
        let (x, w, b) = (tensor(&[t, d], 1), tensor(&[d], 2), tensor(&[d], 3));
        let (xs, ws, bs) = (values(&x), values(&w), values(&b));
        let expected = xs.chunks(d).flat_map(|row| {
            let mean = row.iter().sum::<f64>() / d as f64;
            let scale = (row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / d as f64 + 1e-5).sqrt();
            row.iter()
                .zip(&ws)
                .zip(&bs)
                .map(move |((x, w), b)| (x - mean) / scale * w + b)
                .collect::<Vec<_>>()
        });
        check(&layer_norm(&x, &w, &b, 1e-5).unwrap(), expected);
    }
}

#[test]
fn rope_turns_halves_and_leaves_the_rest() {
    let (t, h, e, half) = (5, 3, 10, 4);
    let (x, angles) = (tensor(&[t, h, e], 1), tensor(&[t, half], 2));
    let turned = rope(&x, &angles.cos().unwrap(), &angles.sin().unwrap()).unwrap();
    assert_eq!(turned.dims(), [h, t, e]);
    let (xs, angles) = (values(&x), values(&angles));
    let mut expected = Vec::new();
    for head in 0..h {
        for pos in 0..t {
            let x = &xs[(pos * h + head) * e..][..e];
            let turn = |i: usize| angles[pos * half + i];
            expected.extend((0..half).map(|i| x[i] * turn(i).cos() - x[i + half] * turn(i).sin()));
            expected.extend((0..half).map(|i| x[i + half] * turn(i).cos() + x[i] * turn(i).sin()));
            expected.extend(&x[2 * half..]);
        }
    }
    check(&turned, expected);
}

#[test]
fn causal_softmax_sees_what_came_before() {
    for (h, t, first) in [(1, 1, 0), (2, 3, 4), (40, 30, 2)] {
        let s = first + t + 1;
        let scores = tensor(&[h, t, s], 1);
        let raw = values(&scores);
        causal_softmax(&scores, 3.0, first).unwrap();
        let expected = raw.chunks(s).enumerate().flat_map(|(row, scores)| {
            let seen = first + row % t + 1;
            let sum: f64 = scores[..seen].iter().map(|x| (3.0 * x).exp()).sum();
            (0..s).map(|i| if i < seen { (3.0 * scores[i]).exp() / sum } else { 0.0 }).collect::<Vec<_>>()
        });
        check(&scores, expected);
    }
}

#[test]
fn causal_softmax_holds_for_scores_beyond_the_exponential() {
    let scores = Tensor::new(&[[1000f32, 900.0], [-1000.0, -1000.0]], &Device::Cpu).unwrap();
    causal_softmax(&scores, 1.0, 0).unwrap();
    check(&scores, [1.0, 0.0, 0.5, 0.5]);
}

#[test]
fn activations_follow_their_formulas() {
    let silu = |x: f64| x / (1.0 + (-x).exp());
    let gelu =
        |x: f64| 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh());
    for (t, f) in SIZES {
        let (gate, up) = (tensor(&[t, f], 1).affine(8.0, 0.0).unwrap(), tensor(&[t, f], 2));
        let (g, u) = (values(&gate), values(&up));
        check(&map_silu(&gate).unwrap(), g.iter().map(|g| silu(*g)));
        check(&map_gelu_new(&gate).unwrap(), g.iter().map(|g| gelu(*g)));
        check(&silu_mul(&gate, &up).unwrap(), g.iter().zip(&u).map(|(g, u)| silu(*g) * u));
        check(&gelu_new_mul(&gate, &up).unwrap(), g.iter().zip(&u).map(|(g, u)| gelu(*g) * u));
    }
}

#[test]
fn few_rows_are_the_matrix_product() {
    for (t, n_in, n_out) in [(1, 5, 3), (1, 700, 300), (4, 100, 401)] {
        let (x, w) = (tensor(&[t, n_in], 1), tensor(&[n_out, n_in], 2));
        let (xs, ws) = (values(&x), values(&w));
        let expected = xs.chunks(n_in).flat_map(|x| {
            let dots = ws.chunks(n_in).map(|w| x.iter().zip(w).map(|(x, w)| x * w).sum());
            dots.collect::<Vec<f64>>()
        });
        check(&few_rows_matmul(&x, &w).unwrap(), expected);
    }
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let x = tensor(&[2, 8], 1);
    assert!(rms_norm(&x, &tensor(&[7], 1), 1e-5).is_err());
    assert!(layer_norm(&x, &tensor(&[8], 1), &tensor(&[9], 1), 1e-5).is_err());
    assert!(few_rows_matmul(&x, &tensor(&[3, 7], 1)).is_err());
    assert!(silu_mul(&x, &tensor(&[2, 4], 1)).is_err());
    assert!(rope(&tensor(&[2, 1, 4], 1), &tensor(&[3, 2], 1), &tensor(&[3, 2], 1)).is_err());
    assert!(causal_softmax(&tensor(&[3, 4], 1), 1.0, 2).is_err());
    let empty = Tensor::zeros((2, 0), candle_core::DType::F32, &Device::Cpu).unwrap();
    assert!(map_silu(&empty).is_err());
}

/// A gradient that is asked for and can't be had is an error, never zero.
#[test]
fn gradients_do_not_stop_silently() {
    let x = Var::from_tensor(&tensor(&[2, 8], 1)).unwrap();
    let x = x.as_tensor();
    let w = tensor(&[8], 2);
    for y in [
        rms_norm(x, &w, 1e-5).unwrap(),
        layer_norm(x, &w, &w, 1e-5).unwrap(),
        map_silu(x).unwrap(),
        silu_mul(x, x).unwrap(),
        few_rows_matmul(x, &tensor(&[3, 8], 3)).unwrap(),
    ] {
        assert!(y.sum_all().unwrap().backward().is_err());
    }
    assert!(causal_softmax(x, 1.0, 0).is_err());
}
