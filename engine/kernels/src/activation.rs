//! Activations, alone and gated (arXiv:2002.05202), forward and backward, element by element. The backward
//! pass computes the activation again: nothing is kept.

use crate::dispatch::{self, Isa};
use crate::lanes::{Lanes, kernel, math};
use crate::split;

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `x · sigmoid(x)` (arXiv:1702.03118).
    Silu,
    /// `x · Φ(x)` with the error function (arXiv:1606.08415).
    Gelu,
    /// Gelu by its approximation with tanh, as GPT-2 has it.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
}

/// `out = act(x)`.
///
/// # Panics
/// If the lengths disagree.
pub fn plain(act: Activation, x: &[f32], out: &mut [f32]) {
    plain_on(dispatch::active(), act, x, out);
}

fn plain_on(isa: Isa, act: Activation, x: &[f32], out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "x and out are of one length");
    split::elements([out], |from, [out]| {
        plain_part(isa, act, &x[from..][..out.len()], out);
    });
}

/// `dx = dout · act′(x)`.
///
/// # Panics
/// If the lengths disagree.
pub fn plain_backward(act: Activation, x: &[f32], dout: &[f32], dx: &mut [f32]) {
    plain_backward_on(dispatch::active(), act, x, dout, dx);
}

fn plain_backward_on(isa: Isa, act: Activation, x: &[f32], dout: &[f32], dx: &mut [f32]) {
    assert!(x.len() == dx.len() && dout.len() == dx.len(), "x, dout and dx are of one length");
    split::elements([dx], |from, [dx]| {
        let part = from..from + dx.len();
        plain_part_backward(isa, act, &x[part.clone()], &dout[part], dx);
    });
}

/// `out = act(gate) · up`.
///
/// # Panics
/// If the lengths disagree.
pub fn gated(act: Activation, gate: &[f32], up: &[f32], out: &mut [f32]) {
    gated_on(dispatch::active(), act, gate, up, out);
}

fn gated_on(isa: Isa, act: Activation, gate: &[f32], up: &[f32], out: &mut [f32]) {
    assert!(gate.len() == out.len() && up.len() == out.len(), "gate, up and out are of one length");
    split::elements([out], |from, [out]| {
        let part = from..from + out.len();
        gated_part(isa, act, &gate[part.clone()], &up[part], out);
    });
}

/// `dgate = dout · up · act′(gate)` and `dup = dout · act(gate)`.
///
/// # Panics
/// If the lengths disagree.
pub fn gated_backward(
    act: Activation,
    gate: &[f32],
    up: &[f32],
    dout: &[f32],
    dgate: &mut [f32],
    dup: &mut [f32],
) {
    gated_backward_on(dispatch::active(), act, gate, up, dout, dgate, dup);
}

fn gated_backward_on(
    isa: Isa,
    act: Activation,
    gate: &[f32],
    up: &[f32],
    dout: &[f32],
    dgate: &mut [f32],
    dup: &mut [f32],
) {
    let len = gate.len();
    assert!([up.len(), dout.len(), dgate.len(), dup.len()] == [len; 4], "all are of one length");
    split::elements([dgate, dup], |from, [dgate, dup]| {
        let part = from..from + dgate.len();
        gated_part_backward(isa, act, &gate[part.clone()], &up[part.clone()], &dout[part], dgate, dup);
    });
}

/// `x = cap · tanh(x / cap)`, in place (Gemma 2, arXiv:2408.00118).
pub fn soft_cap(x: &mut [f32], cap: f32) {
    soft_cap_on(dispatch::active(), x, cap);
}

fn soft_cap_on(isa: Isa, x: &mut [f32], cap: f32) {
    split::elements([x], |_, [x]| cap_part(isa, x, cap));
}

kernel! {
    fn cap_part[S](s, x: &mut [f32], cap: f32) {
        for i in (0..x.len()).step_by(S::N) {
            let capped = math::tanh(s, s.mul(s.load(x, i), s.splat(1.0 / cap)));
            s.store(x, i, s.mul(capped, s.splat(cap)));
        }
    }
}

/// One activation's value, and its value and slope.
trait Function<S: Lanes> {
    fn value(s: S, x: S::F) -> S::F;
    fn value_and_slope(s: S, x: S::F) -> (S::F, S::F);
}

struct Silu;
struct Gelu;
struct GeluTanh;
struct Relu;

impl<S: Lanes> Function<S> for Silu {
    #[inline(always)]
    fn value(s: S, x: S::F) -> S::F {
        s.mul(x, math::sigmoid(s, x))
    }
    #[inline(always)]
    fn value_and_slope(s: S, x: S::F) -> (S::F, S::F) {
        let sigmoid = math::sigmoid(s, x);
        let value = s.mul(x, sigmoid);
        (value, s.mul_add(value, s.sub(s.splat(1.0), sigmoid), sigmoid))
    }
}

impl<S: Lanes> Function<S> for Gelu {
    #[inline(always)]
    fn value(s: S, x: S::F) -> S::F {
        s.mul(x, normal_below(s, x))
    }
    #[inline(always)]
    fn value_and_slope(s: S, x: S::F) -> (S::F, S::F) {
        /// 1 / √(2π)
        const DENSITY_AT_0: f32 = 0.398_942_3;
        let below = normal_below(s, x);
        let bell = math::exp(s, s.mul(s.mul(x, x), s.splat(-0.5)));
        (s.mul(x, below), s.mul_add(s.mul(x, s.splat(DENSITY_AT_0)), bell, below))
    }
}

/// The part of a normal distribution below x.
#[inline(always)]
fn normal_below<S: Lanes>(s: S, x: S::F) -> S::F {
    let half = s.splat(0.5);
    s.mul_add(math::erf(s, s.mul(x, s.splat(std::f32::consts::FRAC_1_SQRT_2))), half, half)
}

impl<S: Lanes> Function<S> for GeluTanh {
    #[inline(always)]
    fn value(s: S, x: S::F) -> S::F {
        Self::value_and_slope(s, x).0
    }
    #[inline(always)]
    fn value_and_slope(s: S, x: S::F) -> (S::F, S::F) {
        // (1 + tanh u) / 2 is the sigmoid of 2u, which keeps its precision where it is close to 0.
        /// 2 √(2/π)
        const OUTER: f32 = 1.595_769;
        const CUBE: f32 = 0.044_715;
        let one = s.splat(1.0);
        let square = s.mul(x, x);
        let inner = s.mul(s.mul(x, s.splat(OUTER)), s.mul_add(square, s.splat(CUBE), one));
        let below = math::sigmoid(s, inner);
        let inner_slope = s.mul(s.splat(OUTER), s.mul_add(square, s.splat(3.0 * CUBE), one));
        let below_slope = s.mul(s.mul(below, s.sub(one, below)), inner_slope);
        (s.mul(x, below), s.mul_add(x, below_slope, below))
    }
}

impl<S: Lanes> Function<S> for Relu {
    #[inline(always)]
    fn value(s: S, x: S::F) -> S::F {
        s.max(s.splat(0.0), x)
    }
    #[inline(always)]
    fn value_and_slope(s: S, x: S::F) -> (S::F, S::F) {
        let zero = s.splat(0.0);
        // No slope at 0 itself, as in PyTorch.
        (s.max(zero, x), s.select_ge(zero, x, zero, s.splat(1.0)))
    }
}

/// Runs a generic function for the activation that `act` names.
macro_rules! with {
    ($act:expr, $f:ident::<$lanes:ident>($($arg:expr),*)) => {
        match $act {
            Activation::Silu => $f::<$lanes, Silu>($($arg),*),
            Activation::Gelu => $f::<$lanes, Gelu>($($arg),*),
            Activation::GeluTanh => $f::<$lanes, GeluTanh>($($arg),*),
            Activation::Relu => $f::<$lanes, Relu>($($arg),*),
        }
    };
}

kernel! {
    fn plain_part[S](s, act: Activation, x: &[f32], out: &mut [f32]) {
        with!(act, values::<S>(s, x, out));
    }
}

#[inline(always)]
fn values<S: Lanes, A: Function<S>>(s: S, x: &[f32], out: &mut [f32]) {
    for i in (0..x.len()).step_by(S::N) {
        s.store(out, i, A::value(s, s.load(x, i)));
    }
}

kernel! {
    fn plain_part_backward[S](s, act: Activation, x: &[f32], dout: &[f32], dx: &mut [f32]) {
        with!(act, slopes::<S>(s, x, dout, dx));
    }
}

#[inline(always)]
fn slopes<S: Lanes, A: Function<S>>(s: S, x: &[f32], dout: &[f32], dx: &mut [f32]) {
    for i in (0..x.len()).step_by(S::N) {
        s.store(dx, i, s.mul(s.load(dout, i), A::value_and_slope(s, s.load(x, i)).1));
    }
}

kernel! {
    fn gated_part[S](s, act: Activation, gate: &[f32], up: &[f32], out: &mut [f32]) {
        with!(act, gated_values::<S>(s, gate, up, out));
    }
}

#[inline(always)]
fn gated_values<S: Lanes, A: Function<S>>(s: S, gate: &[f32], up: &[f32], out: &mut [f32]) {
    for i in (0..gate.len()).step_by(S::N) {
        s.store(out, i, s.mul(A::value(s, s.load(gate, i)), s.load(up, i)));
    }
}

kernel! {
    fn gated_part_backward[S](s, act: Activation, gate: &[f32], up: &[f32], dout: &[f32], dgate: &mut [f32],
                              dup: &mut [f32]) {
        with!(act, gated_slopes::<S>(s, gate, up, dout, dgate, dup));
    }
}

#[inline(always)]
fn gated_slopes<S: Lanes, A: Function<S>>(
    s: S,
    gate: &[f32],
    up: &[f32],
    dout: &[f32],
    dgate: &mut [f32],
    dup: &mut [f32],
) {
    for i in (0..gate.len()).step_by(S::N) {
        let dout = s.load(dout, i);
        let (value, slope) = A::value_and_slope(s, s.load(gate, i));
        s.store(dup, i, s.mul(dout, value));
        s.store(dgate, i, s.mul(s.mul(dout, s.load(up, i)), slope));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::{close, everywhere, numbers, slopes, wide};
    use crate::lanes::tests::erf64;

    const ALL: [Activation; 4] = [Activation::Silu, Activation::Gelu, Activation::GeluTanh, Activation::Relu];

    fn value64(act: Activation, x: f64) -> f64 {
        match act {
            Activation::Silu => x / (1.0 + (-x).exp()),
            Activation::Gelu => x * 0.5 * (1.0 + erf64(x / 2f64.sqrt())),
            Activation::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
                x * 0.5 * (1.0 + inner.tanh())
            }
            Activation::Relu => x.max(0.0),
        }
    }

    fn check(act: Activation, n: usize, seed: u64) {
        let scaled = |seed| numbers(seed, n).iter().map(|v| v * 6.0).collect::<Vec<f32>>();
        let (gate, up, dout) = (scaled(seed), scaled(seed + 1), scaled(seed + 2));
        let (gate64, up64, dout64) = (wide(&gate), wide(&up), wide(&dout));
        let value: Vec<f64> = gate64.iter().map(|x| value64(act, *x)).collect();
        let slope: Vec<f64> = gate64.iter().map(|x| slopes(&[*x], |x| value64(act, x[0]))[0]).collect();
        let times = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<f64>>();
        let run = |isa| {
            let mut out: [Vec<f32>; 5] = std::array::from_fn(|_| vec![f32::NAN; n]);
            let [value, dx, product, dgate, dup] = &mut out;
            plain_on(isa, act, &gate, value);
            plain_backward_on(isa, act, &gate, &dout, dx);
            gated_on(isa, act, &gate, &up, product);
            gated_backward_on(isa, act, &gate, &up, &dout, dgate, dup);
            out
        };
        everywhere(run, |isa, [out, dx, product, dgate, dup]| {
            let close = |what, a: &[f32], b: &[f64]| close(&format!("{act:?} {isa} {what}"), a, b, 1e-5);
            close("value", out, &value);
            close("dx", dx, &times(&dout64, &slope));
            close("gated", product, &times(&value, &up64));
            close("dgate", dgate, &times(&times(&dout64, &up64), &slope));
            close("dup", dup, &times(&dout64, &value));
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn agree_with_f64(n in 0..100usize, seed in 0..1000u64) {
            ALL.into_iter().for_each(|act| check(act, n, seed));
        }
    }

    #[test]
    fn long_inputs_are_cut_into_tasks() {
        check(Activation::Silu, 40_001, 1);
    }

    #[test]
    fn a_soft_cap_is_the_scaled_tanh() {
        for isa in Isa::available() {
            let x: Vec<f32> = (-70..70).map(|i| i as f32 * 1.7).collect();
            let mut capped = x.clone();
            soft_cap_on(isa, &mut capped, 30.0);
            for (x, capped) in x.iter().zip(&capped) {
                let expected = 30.0 * (f64::from(*x) / 30.0).tanh();
                assert!((f64::from(*capped) - expected).abs() < 2e-5, "{isa}: {x} {capped} {expected}");
            }
        }
    }
}
