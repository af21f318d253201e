//! Each instruction set's lanes against plain Rust, and the functions against f64.

use super::*;
use crate::dispatch::Isa;

kernel! { fn exps[S](s, x: &[f32], y: &mut [f32]) {
    for i in (0..x.len()).step_by(S::N) { s.store(y, i, math::exp(s, s.load(x, i))); }
} }
kernel! { fn tanhs[S](s, x: &[f32], y: &mut [f32]) {
    for i in (0..x.len()).step_by(S::N) { s.store(y, i, math::tanh(s, s.load(x, i))); }
} }
kernel! { fn erfs[S](s, x: &[f32], y: &mut [f32]) {
    for i in (0..x.len()).step_by(S::N) { s.store(y, i, math::erf(s, s.load(x, i))); }
} }
kernel! { fn sigmoids[S](s, x: &[f32], y: &mut [f32]) {
    for i in (0..x.len()).step_by(S::N) { s.store(y, i, math::sigmoid(s, s.load(x, i))); }
} }

/// The error function in f64: a series of positive terms.
pub(crate) fn erf64(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > sum.abs() * 1e-17 {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    sum * (-x * x).exp() * 2.0 / std::f64::consts::PI.sqrt()
}

fn check(name: &str, f: impl Fn(Isa, &[f32], &mut [f32]), reference: impl Fn(f64) -> f64, limit: f32) {
    let n = 20_003;
    let mut x: Vec<f32> = (0..n).map(|i| limit * (2.0 * i as f32 / n as f32 - 1.0)).collect();
    x.extend((0..200).map(|i| 10f32.powf(-i as f32 / 8.0)));
    x.extend((0..200).map(|i| -10f32.powf(-i as f32 / 8.0)));
    for isa in Isa::available() {
        let mut y = vec![0.0; x.len()];
        f(isa, &x, &mut y);
        let worst = x
            .iter()
            .zip(&y)
            .map(|(x, y)| {
                let r = reference(f64::from(*x));
                ((f64::from(*y) - r).abs() / r.abs().max(1e-37), *x)
            })
            .fold((0.0, 0.0), |a: (f64, f32), b| if a.0 > b.0 { a } else { b });
        assert!(worst.0 < 1e-6, "{name} on {isa}: {worst:?}");
    }
}

#[test]
fn functions_are_within_a_millionth_of_f64() {
    check("exp", exps, f64::exp, 85.0);
    check("tanh", tanhs, f64::tanh, 12.0);
    check("erf", erfs, erf64, 6.0);
    check("sigmoid", sigmoids, |x| 1.0 / (1.0 + (-x).exp()), 80.0);
}

#[test]
fn the_ends_of_the_range_behave() {
    let x = [f32::NEG_INFINITY, -200.0, 0.0, 88.8, f32::INFINITY, f32::NAN];
    type Function = fn(Isa, &[f32], &mut [f32]);
    let cases: [(Function, [f32; 5]); 4] = [
        (exps, [0.0, 0.0, 1.0, f32::INFINITY, f32::INFINITY]),
        (tanhs, [-1.0, -1.0, 0.0, 1.0, 1.0]),
        (erfs, [-1.0, -1.0, 0.0, 1.0, 1.0]),
        (sigmoids, [0.0, 0.0, 0.5, 1.0, 1.0]),
    ];
    for isa in Isa::available() {
        for (f, expected) in cases {
            let mut y = [0.0; 6];
            f(isa, &x, &mut y);
            assert!(y[5].is_nan());
            for (y, e) in y.iter().zip(expected) {
                assert!(*y == e || (y - e).abs() < 1e-6, "{isa}: {y} for {e}");
            }
        }
    }
}

kernel! { fn operations[S](s, x: &[f32], y: &[f32], out: &mut [Vec<f32>]) {
    for i in (0..x.len()).step_by(S::N) {
        let (a, b) = (s.load(x, i), s.load_or(y, i, 1.0));
        let made = [
            s.add(a, b), s.sub(a, b), s.mul(a, b), s.div(a, b), s.max(a, b), s.min(a, b), s.sqrt(a),
            s.round(a), s.select_ge(a, b, s.splat(1.0), s.splat(2.0)), s.mul_add(a, b, s.splat(1.0)),
        ];
        for (out, made) in out.iter_mut().zip(made) { s.store(out, i, made); }
    }
} }

kernel! { fn sums[S](s, x: &[f32]) -> (f32, f32) {
    let v = s.load_or(x, 0, 0.0);
    (s.sum(v), s.largest(v))
} }

kernel! {
#[cfg_attr(not(target_arch = "x86_64"), expect(unsafe_code, reason = "transposes by address"))]
fn transposed[S](s, src: &[f32], stride: usize, dst: &mut [f32]) -> usize {
    assert!(S::N <= stride && src.len() >= stride * S::N && dst.len() >= stride * S::N);
    // SAFETY: both hold the block, as asserted.
    unsafe { s.transpose(src.as_ptr(), stride, dst.as_mut_ptr(), stride) };
    S::N
} }

#[test]
fn every_instruction_set_does_the_same() {
    for isa in Isa::available() {
        let n = 37;
        let x: Vec<f32> = (0..n).map(|i| i as f32 * 0.37 - 3.0).collect();
        let y: Vec<f32> = (0..n).map(|i| 4.0 - i as f32 * 0.31).collect();
        let mut out = vec![vec![f32::MIN; n]; 10];
        operations(isa, &x, &y, &mut out);
        for (i, (a, b)) in x.iter().zip(&y).enumerate() {
            let expected = [
                a + b,
                a - b,
                a * b,
                a / b,
                a.max(*b),
                a.min(*b),
                a.sqrt(),
                a.round_ties_even(),
                if a >= b { 1.0 } else { 2.0 },
            ];
            for (out, e) in out.iter().zip(expected) {
                assert!(out[i] == e || (out[i].is_nan() && e.is_nan()), "{isa}: {} for {e}", out[i]);
            }
            assert!((out[9][i] - (a * b + 1.0)).abs() < 1e-5);
        }
        let three = sums(isa, &[1.0, -7.0, 2.5]);
        assert_eq!(three, (-3.5, 2.5));
        assert!(sums(isa, &[1.0, f32::NAN, 2.5]).1.is_nan());

        let stride = 19;
        let src: Vec<f32> = (0..stride * 16).map(|i| i as f32).collect();
        let mut dst = vec![0.0; stride * 16];
        let n = transposed(isa, &src, stride, &mut dst);
        for i in 0..n {
            for j in 0..n {
                assert_eq!(dst[j * stride + i], src[i * stride + j], "{isa} {i} {j}");
            }
        }
    }
}
