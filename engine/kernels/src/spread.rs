//! What is to be known of one row of logits to draw from it: the softmax's parts, summed in f64. x \[V\].

use crate::dispatch;
use crate::lanes::{kernel, math};
use crate::softmax::largest;

/// Vectors summed in f32 before the sum goes on in f64: few, so that a vocabulary's sum is good to 1e-7.
const RUN: usize = 16;
/// Whose exponential is zero; a bound, since minus infinity times zero is not a number.
const NOTHING: f32 = -200.0;

/// The parts of a softmax.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The largest number.
    pub most: f32,
    /// Z = Σ exp(x − most); not a number if one of x is not.
    pub sum: f64,
    /// Σ exp(x − most) · (x − most): the entropy is ln Z − this / Z.
    pub weighted: f64,
}

/// The softmax's parts of one row. Minus infinities count for nothing; if there is nothing else, that is the largest,
/// and the sums are of no use.
#[must_use]
pub fn spread(x: &[f32]) -> Spread {
    spread_on(dispatch::active(), x)
}

/// `y = exp(x − from)`, and the sum of it.
///
/// # Panics
/// If x and y differ in length.
pub fn exponentials(x: &[f32], from: f32, y: &mut [f32]) -> f64 {
    assert_eq!(x.len(), y.len(), "one for each");
    exponentials_on(dispatch::active(), x, from, y)
}

kernel! {
    fn spread_on[S](s, x: &[f32]) -> Spread {
        let largest = largest(s, x);
        let (most, nothing) = (s.splat(largest), s.splat(NOTHING));
        let (mut sum, mut weighted) = (0.0, 0.0);
        for run in x.chunks(RUN * S::N) {
            let (mut es, mut ws) = (s.splat(0.0), s.splat(0.0));
            for i in (0..run.len()).step_by(S::N) {
                // In this order what is not a number stays.
                let shifted = s.max(nothing, s.sub(s.load_or(run, i, f32::NEG_INFINITY), most));
                let e = math::exp(s, shifted);
                es = s.add(es, e);
                ws = s.mul_add(e, shifted, ws);
            }
            sum += f64::from(s.sum(es));
            weighted += f64::from(s.sum(ws));
        }
        Spread { most: largest, sum, weighted }
    }
}

kernel! {
    fn exponentials_on[S](s, x: &[f32], from: f32, y: &mut [f32]) -> f64 {
        let from = s.splat(from);
        let mut sum = 0.0;
        for (x, y) in x.chunks(RUN * S::N).zip(y.chunks_mut(RUN * S::N)) {
            let mut es = s.splat(0.0);
            for i in (0..x.len()).step_by(S::N) {
                let e = math::exp(s, s.sub(s.load_or(x, i, f32::NEG_INFINITY), from));
                es = s.add(es, e);
                s.store(y, i, e);
            }
            sum += f64::from(s.sum(es));
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::{everywhere, numbers};
    use crate::dispatch::Isa;

    fn near(what: &str, found: f64, expected: f64) {
        assert!((found - expected).abs() <= 3e-7 * (1.0 + expected.abs()), "{what}: {found}, not {expected}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn agrees_with_f64(n in 1..5000usize, wide in 0.1..40f32, hole in 0..5000usize, seed in 0..1000u64) {
            let mut x: Vec<f32> = numbers(seed, n).iter().map(|x| x * wide).collect();
            if hole < n && n > 1 {
                x[hole] = f32::NEG_INFINITY;
            }
            let most = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let shifted = x.iter().map(|x| f64::from(x - most)).filter(|x| x.is_finite());
            let (sum, weighted) =
                shifted.fold((0.0, 0.0), |(sum, w), x| (sum + x.exp(), x.mul_add(x.exp(), w)));
            let run = |isa| {
                let mut y = vec![f32::NAN; n];
                let total = exponentials_on(isa, &x, most, &mut y);
                (spread_on(isa, &x), total, y)
            };
            everywhere(run, |_, (spread, total, y)| {
                assert_eq!(spread.most, most);
                near("sum", spread.sum, sum);
                near("weighted", spread.weighted, weighted);
                near("total", *total, sum);
                for (y, x) in y.iter().zip(&x) {
                    near("e", f64::from(*y), f64::from(x - most).exp());
                }
            });
        }
    }

    #[test]
    fn what_is_not_a_number_is_told_wherever_it_stands() {
        for isa in Isa::available() {
            for at in [0, 7, 39] {
                let mut x = [1.0; 40];
                x[at] = f32::NAN;
                assert!(spread_on(isa, &x).sum.is_nan(), "{isa}, at {at}");
            }
            assert_eq!(spread_on(isa, &[f32::NEG_INFINITY; 40]).most, f32::NEG_INFINITY);
        }
    }
}
