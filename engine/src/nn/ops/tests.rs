//! Each operation, fused and composed, against sums written out in f64; the gradients of the composed ones against
//! differences.

use super::*;
use candle_core::{DType, Device, Var};

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

/// Both forms are what is expected, and each other.
fn check_both(fused: Result<Tensor>, composed: Result<Tensor>, expected: impl IntoIterator<Item = f64>) {
    let (fused, composed) = (fused.unwrap(), composed.unwrap());
    check(&fused, expected);
    assert_eq!(fused.dims(), composed.dims());
    for (i, (a, b)) in values(&fused).into_iter().zip(values(&composed)).enumerate() {
        assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "element {i}: fused {a}, composed {b}");
    }
}

/// Sizes below and above those from which threads share the work.
const SIZES: [(usize, usize); 5] = [(1, 1), (1, 7), (3, 64), (5, 33), (300, 200)];

#[test]
fn rms_norm_divides_by_the_root_of_the_mean_square() {
    for (t, d) in SIZES {
        let (x, w) = (tensor(&[t, d], 1), tensor(&[d], 2));
        let (xs, ws) = (values(&x), values(&w));
        let expected = xs.chunks(d).flat_map(|row| {
            let scale = (row.iter().map(|x| x * x).sum::<f64>() / d as f64 + 1e-5).sqrt();
            row.iter().zip(&ws).map(move |(x, w)| x / scale * w).collect::<Vec<_>>()
        });
        check_both(fused::rms_norm(&x, &w, 1e-5), composed::rms_norm(&x, &w, 1e-5), expected);
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
        check_both(fused::layer_norm(&x, &w, &b, 1e-5), composed::layer_norm(&x, &w, &b, 1e-5), expected);
    }
}

#[test]
fn rope_turns_halves_and_leaves_the_rest() {
    for (t, h, e, half) in [(5, 3, 10, 4), (5, 3, 10, 5), (1, 1, 2, 1), (7, 9, 64, 32), (300, 3, 40, 20)] {
        let (x, angles) = (tensor(&[t, h, e], 1), tensor(&[t, half], 2));
        let (cos, sin) = (angles.cos().unwrap(), angles.sin().unwrap());
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
        assert_eq!(rope(&x, &cos, &sin).unwrap().dims(), [h, t, e]);
        check_both(fused::rope(&x, &cos, &sin), composed::rope(&x, &cos, &sin), expected);
    }
}

fn causal(scale: f32, first: usize) -> Scores {
    Scores { scale, soft_cap: None, first, window: None }
}

#[test]
fn causal_softmax_sees_what_came_before() {
    let kinds = [(None, None), (Some(1), None), (Some(3), None), (Some(4), Some(1.5)), (None, Some(0.7))];
    for (h, t, first) in [(1, 1, 0), (3, 1, 8), (2, 3, 4), (40, 30, 2)] {
        for (s, (window, soft_cap)) in
            [first + t, first + t + 1].into_iter().flat_map(|s| kinds.map(|k| (s, k)))
        {
            let how = Scores { soft_cap, window, ..causal(3.0, first) };
            let scores = tensor(&[h, t, s], 1);
            let raw = values(&scores);
            let composed = composed::causal_softmax(&scores, how);
            let fused = causal_softmax(scores, how);
            let cap = |x: f64| soft_cap.map_or(x, |cap| f64::from(cap) * (x / f64::from(cap)).tanh());
            let expected = raw.chunks(s).enumerate().flat_map(|(row, scores)| {
                let query = first + row % t;
                let sees = |key: usize| key <= query && window.is_none_or(|window| key + window > query);
                let weight = |key: usize| if sees(key) { cap(3.0 * scores[key]).exp() } else { 0.0 };
                let sum: f64 = (0..s).map(weight).sum();
                (0..s).map(|key| weight(key) / sum).collect::<Vec<_>>()
            });
            check_both(fused, composed, expected);
        }
    }
}

#[test]
fn causal_softmax_holds_for_scores_beyond_the_exponential() {
    let scores = Tensor::new(&[[1000f32, 900.0], [-1000.0, -1000.0]], &Device::Cpu).unwrap();
    let composed = composed::causal_softmax(&scores, causal(1.0, 0));
    check_both(causal_softmax(scores, causal(1.0, 0)), composed, [1.0, 0.0, 0.5, 0.5]);
}

#[test]
fn activations_follow_their_formulas() {
    fn silu(x: f64) -> f64 {
        x / (1.0 + (-x).exp())
    }
    fn gelu(x: f64) -> f64 {
        0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
    }
    for (t, f) in SIZES {
        let (gate, up) = (tensor(&[t, f], 1).affine(8.0, 0.0).unwrap(), tensor(&[t, f], 2));
        let (g, u) = (values(&gate), values(&up));
        let gated = |of: fn(f64) -> f64| g.iter().zip(&u).map(move |(g, u)| of(*g) * u).collect::<Vec<_>>();
        let alone = |of: fn(f64) -> f64| g.iter().map(|g| of(*g)).collect::<Vec<_>>();
        check_both(fused::map_silu(&gate), composed::map_silu(&gate), alone(silu));
        check_both(fused::map_gelu_new(&gate), composed::map_gelu_new(&gate), alone(gelu));
        check_both(fused::silu_mul(&gate, &up), composed::silu_mul(&gate, &up), gated(silu));
        check_both(fused::gelu_new_mul(&gate, &up), composed::gelu_new_mul(&gate, &up), gated(gelu));
    }
}

/// Whichever form it would be.
#[test]
fn shapes_that_do_not_fit_are_errors() {
    let plain = tensor(&[2, 8], 1);
    let tracked = Var::from_tensor(&plain).unwrap();
    for x in [&plain, tracked.as_tensor()] {
        assert!(rms_norm(x, &tensor(&[7], 1), 1e-5).is_err());
        assert!(rms_norm(x, &tensor(&[1], 1), 1e-5).is_err());
        assert!(layer_norm(x, &tensor(&[8], 1), &tensor(&[9], 1), 1e-5).is_err());
        assert!(silu_mul(x, &tensor(&[2, 4], 1)).is_err());
        let heads = x.reshape((2, 2, 4)).unwrap();
        assert!(rope(&heads, &tensor(&[3, 2], 1), &tensor(&[3, 2], 1)).is_err());
        assert!(rope(&heads, &tensor(&[1, 2], 1), &tensor(&[1, 2], 1)).is_err());
        assert!(rope(&heads, &tensor(&[2, 3], 1), &tensor(&[2, 3], 1)).is_err());
        assert!(causal_softmax(x.clone(), causal(1.0, 7)).is_err());
        assert!(causal_softmax(x.clone(), Scores { window: Some(0), ..causal(1.0, 0) }).is_err());
    }
    let empty = Tensor::zeros((2, 0), DType::F32, &Device::Cpu).unwrap();
    assert!(map_silu(&empty).is_err());
}

/// Where a gradient is asked for there is one, of the very input, whatever else takes part.
#[test]
fn gradients_do_not_stop_silently() {
    let x = Var::from_tensor(&tensor(&[2, 8], 1)).unwrap();
    let (plain, x) = (tensor(&[2, 8], 1), x.as_tensor());
    let w = tensor(&[8], 2);
    let heads = x.reshape((2, 2, 4)).unwrap();
    let (cos, sin) = (tensor(&[2, 2], 4), tensor(&[2, 2], 5));
    for y in [
        rms_norm(x, &w, 1e-5),
        layer_norm(x, &w, &w, 1e-5),
        rope(&heads, &cos, &sin),
        causal_softmax(x.clone(), causal(1.0, 3)),
        soft_cap(x, 0.5),
        silu_mul(&plain, x),
        silu_mul(x, &plain),
        gelu_new_mul(&plain, x),
        map_silu(x),
        map_gelu_new(x),
    ] {
        let y = (y.unwrap().sqr().unwrap()).sum_all().unwrap();
        let grad = y.backward().unwrap().get(x).cloned().expect("a gradient");
        assert!(values(&grad).iter().any(|g| *g != 0.0));
    }
    assert!(!fuses(&[&plain, x]) && fuses(&[&plain, &w]));
}

/// The gradient of Σ y·c by every input is the slope that differences show, in f64.
fn check_slopes(what: &str, inputs: &[Tensor], op: impl Fn(&[Tensor]) -> Result<Tensor>) {
    let wide = |t: &Tensor| t.to_dtype(DType::F64).unwrap();
    let loss = |inputs: &[Tensor]| {
        let y = op(inputs).unwrap();
        let c = wide(&tensor(y.dims(), 99));
        (y * c).unwrap().sum_all().unwrap()
    };
    let inputs: Vec<Tensor> = inputs.iter().map(wide).collect();
    let vars: Vec<Var> = inputs.iter().map(|t| Var::from_tensor(t).unwrap()).collect();
    let tracked: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let grads = loss(&tracked).backward().unwrap();
    for (at, input) in inputs.iter().enumerate() {
        let grad = grads.get(&tracked[at]).unwrap_or_else(|| panic!("{what}: input {at} has no gradient"));
        let grad = grad.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let flat = input.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        for (i, grad) in grad.into_iter().enumerate() {
            let step = 1e-5;
            let [up, down] = [step, -step].map(|step| {
                let (mut moved, mut inputs) = (flat.clone(), inputs.clone());
                moved[i] += step;
                inputs[at] = Tensor::from_vec(moved, input.dims(), &Device::Cpu).unwrap();
                loss(&inputs).to_scalar::<f64>().unwrap()
            });
            let slope = (up - down) / (2.0 * step);
            assert!(
                (grad - slope).abs() <= 1e-6 * (1.0 + slope.abs()),
                "{what}: input {at}, element {i}: gradient {grad}, slope {slope}"
            );
        }
    }
}

#[test]
fn composed_gradients_are_the_slopes() {
    let (x, w, b) = (tensor(&[3, 7], 1), tensor(&[7], 2), tensor(&[7], 3));
    check_slopes("rms_norm", &[x.clone(), w.clone()], |i| composed::rms_norm(&i[0], &i[1], 1e-5));
    check_slopes("layer_norm", &[x.clone(), w, b], |i| composed::layer_norm(&i[0], &i[1], &i[2], 1e-5));
    let heads = tensor(&[3, 2, 5], 4);
    let angles = [tensor(&[3, 2], 5), tensor(&[3, 2], 6)];
    check_slopes("rope", &[heads, angles[0].clone(), angles[1].clone()], |i| {
        composed::rope(&i[0], &i[1], &i[2])
    });
    check_slopes("causal_softmax", &[tensor(&[2, 3, 6], 7)], |i| {
        composed::causal_softmax(&i[0], causal(1.5, 2))
    });
    check_slopes("causal_softmax of one", &[tensor(&[2, 1, 6], 7)], |i| {
        composed::causal_softmax(&i[0], causal(1.5, 5))
    });
    let how = Scores { soft_cap: Some(0.6), window: Some(3), ..causal(1.5, 2) };
    check_slopes("causal_softmax, capped, in a window", &[tensor(&[2, 3, 6], 7)], |i| {
        composed::causal_softmax(&i[0], how)
    });
    check_slopes("soft_cap", &[tensor(&[3, 7], 9)], |i| soft_cap(&i[0], 0.7));
    let pair = [x.affine(4.0, 0.0).unwrap(), tensor(&[3, 7], 8)];
    check_slopes("map_silu", &pair[..1], |i| composed::map_silu(&i[0]));
    check_slopes("map_gelu_new", &pair[..1], |i| composed::map_gelu_new(&i[0]));
    check_slopes("silu_mul", &pair, |i| composed::silu_mul(&i[0], &i[1]));
    check_slopes("gelu_new_mul", &pair, |i| composed::gelu_new_mul(&i[0], &i[1]));
}
