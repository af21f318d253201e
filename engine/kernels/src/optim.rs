//! The optimizer's step, and the sum of squares that clipping needs.

use crate::dispatch::{self, Isa};
use crate::lanes::kernel;
use crate::split;

/// Adam with decoupled weight decay (arXiv:1711.05101), to the formula of `torch.optim.AdamW`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    pub lr: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub eps: f64,
    pub weight_decay: f64,
    /// The number of this step, from 1 on.
    pub step: u64,
    /// Every gradient is multiplied by this first: clipping, or an average.
    pub grad_scale: f32,
}

/// The numbers of a step, worked out in f64.
#[derive(Clone, Copy)]
struct Factors {
    keep: f32,
    beta1: f32,
    beta2: f32,
    /// `lr / (1 − β₁ᵗ)`
    step_size: f32,
    /// `1 / √(1 − β₂ᵗ)`
    inv_correction: f32,
    eps: f32,
    grad_scale: f32,
    fresh1: f32,
    fresh2: f32,
}

impl AdamW {
    /// Updates `param` and its moments `m` and `v` by `grad`, in one pass.
    ///
    /// # Panics
    /// If the lengths disagree or `step` is 0.
    pub fn update(&self, param: &mut [f32], grad: &[f32], m: &mut [f32], v: &mut [f32]) {
        self.update_on(dispatch::active(), param, grad, m, v);
    }

    fn update_on(&self, isa: Isa, param: &mut [f32], grad: &[f32], m: &mut [f32], v: &mut [f32]) {
        let len = grad.len();
        assert!([param.len(), m.len(), v.len()] == [len; 3], "all are of one length");
        let factors = self.factors();
        split::elements([param, m, v], |from, [param, m, v]| {
            adamw(isa, factors, param, &grad[from..][..param.len()], m, v);
        });
    }

    fn factors(&self) -> Factors {
        assert!(self.step > 0, "steps are counted from 1");
        let corrected = |beta: f64| 1.0 - beta.powf(self.step as f64);
        Factors {
            keep: (1.0 - self.lr * self.weight_decay) as f32,
            beta1: self.beta1 as f32,
            beta2: self.beta2 as f32,
            step_size: (self.lr / corrected(self.beta1)) as f32,
            inv_correction: (1.0 / corrected(self.beta2).sqrt()) as f32,
            eps: self.eps as f32,
            grad_scale: self.grad_scale,
            fresh1: (1.0 - self.beta1) as f32,
            fresh2: (1.0 - self.beta2) as f32,
        }
    }
}

kernel! {
    fn adamw[S](s, f: Factors, param: &mut [f32], grad: &[f32], m: &mut [f32], v: &mut [f32]) {
        for i in (0..grad.len()).step_by(S::N) {
            let g = s.mul(s.load(grad, i), s.splat(f.grad_scale));
            let first = s.mul_add(s.load(m, i), s.splat(f.beta1), s.mul(g, s.splat(f.fresh1)));
            let second = s.mul_add(s.load(v, i), s.splat(f.beta2), s.mul(s.mul(g, g), s.splat(f.fresh2)));
            let below = s.mul_add(s.sqrt(second), s.splat(f.inv_correction), s.splat(f.eps));
            let step = s.div(s.mul(first, s.splat(f.step_size)), below);
            s.store(param, i, s.sub(s.mul(s.load(param, i), s.splat(f.keep)), step));
            s.store(m, i, first);
            s.store(v, i, second);
        }
    }
}

/// Stochastic gradient descent with momentum and L2 decay, to the formula of `torch.optim.SGD`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    pub lr: f64,
    pub momentum: f64,
    pub weight_decay: f64,
    /// Every gradient is multiplied by this first: clipping, or an average.
    pub grad_scale: f32,
}

impl Sgd {
    /// Updates `param` and its momentum `m`, which begins as zeros, by `grad`, in one pass.
    ///
    /// # Panics
    /// If the lengths disagree.
    pub fn update(&self, param: &mut [f32], grad: &[f32], m: &mut [f32]) {
        self.update_on(dispatch::active(), param, grad, m);
    }

    fn update_on(&self, isa: Isa, param: &mut [f32], grad: &[f32], m: &mut [f32]) {
        assert_eq!([param.len(), m.len()], [grad.len(); 2], "all are of one length");
        let factors = [self.lr as f32, self.momentum as f32, self.weight_decay as f32, self.grad_scale];
        split::elements([param, m], |from, [param, m]| {
            sgd(isa, factors, param, &grad[from..][..param.len()], m);
        });
    }
}

kernel! {
    fn sgd[S](s, factors: [f32; 4], param: &mut [f32], grad: &[f32], m: &mut [f32]) {
        let [lr, momentum, decay, scale] = factors.map(|factor| s.splat(factor));
        for i in (0..grad.len()).step_by(S::N) {
            let p = s.load(param, i);
            let g = s.mul_add(p, decay, s.mul(s.load(grad, i), scale));
            let step = s.mul_add(s.load(m, i), momentum, g);
            s.store(m, i, step);
            s.store(param, i, s.sub(p, s.mul(step, lr)));
        }
    }
}

/// Numbers that are summed by one task.
const CHUNK: usize = 64 * 1024;
/// How many sums run side by side.
const WAYS: usize = 16;

/// Σ x², in f64 and in an order that only the length decides.
#[must_use]
pub fn sum_of_squares(x: &[f32]) -> f64 {
    let isa = dispatch::active();
    let mut sums = vec![0.0; x.len().div_ceil(CHUNK)];
    split::chunks([&mut sums[..]], [1], |i, [sum]| {
        sum[0] = squares(isa, &x[i * CHUNK..x.len().min((i + 1) * CHUNK)]);
    });
    sums.iter().sum()
}

kernel! {
    fn squares[S](_s, x: &[f32]) -> f64 {
        let mut sums = [0.0; WAYS];
        let whole = x.chunks_exact(WAYS);
        let rest = whole.remainder();
        for x in whole {
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum += f64::from(*x) * f64::from(*x);
            }
        }
        for (sum, x) in sums.iter_mut().zip(rest) {
            *sum += f64::from(*x) * f64::from(*x);
        }
        sums.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::{close, everywhere, numbers, wide};

    /// The single-tensor step of torch.optim.AdamW, in f64.
    fn torch(a: &AdamW, p: &mut f64, g: f64, m: &mut f64, v: &mut f64) {
        let g = g * f64::from(a.grad_scale);
        *p *= 1.0 - a.lr * a.weight_decay;
        *m += (g - *m) * (1.0 - a.beta1);
        *v = *v * a.beta2 + (1.0 - a.beta2) * g * g;
        let (c1, c2) = (1.0 - a.beta1.powf(a.step as f64), 1.0 - a.beta2.powf(a.step as f64));
        let denominator = v.sqrt() / c2.sqrt() + a.eps;
        *p -= a.lr / c1 * *m / denominator;
    }

    const PLAIN: AdamW =
        AdamW { lr: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.1, step: 0, grad_scale: 0.5 };

    #[test]
    fn one_number_by_hand() {
        // Of the first step: m̂ = g and v̂ = g², so that p = 0.9·1 − 0.1·sign(g).
        let adamw = AdamW { lr: 0.1, weight_decay: 1.0, step: 1, grad_scale: 1.0, ..PLAIN };
        let (mut p, mut m, mut v) = ([1.0, 1.0], [0.0; 2], [0.0; 2]);
        adamw.update(&mut p, &[3.0, -0.5], &mut m, &mut v);
        close("p", &p, &[0.8, 1.0], 1e-6);
        close("m", &m, &[0.3, -0.05], 1e-6);
        close("v", &v, &[0.009, 0.00025], 1e-6);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn agrees_with_f64_over_steps(n in 0..70usize, seed in 0..99u64) {
            let start = numbers(seed, n);
            let grads: Vec<Vec<f32>> = (0..5).map(|i| numbers(seed + i, n)).collect();
            let (mut p, mut m, mut v) = (wide(&start), vec![0.0; n], vec![0.0; n]);
            for (step, grad) in grads.iter().enumerate() {
                let adamw = AdamW { step: step as u64 + 1, ..PLAIN };
                for i in 0..n {
                    torch(&adamw, &mut p[i], f64::from(grad[i]), &mut m[i], &mut v[i]);
                }
            }
            let run = |isa| {
                let (mut p, mut m, mut v) = (start.clone(), vec![0.0; n], vec![0.0; n]);
                for (step, grad) in grads.iter().enumerate() {
                    let adamw = AdamW { step: step as u64 + 1, ..PLAIN };
                    adamw.update_on(isa, &mut p, grad, &mut m, &mut v);
                }
                (p, m, v)
            };
            everywhere(run, |_, made| {
                close("p", &made.0, &p, 1e-6);
                close("m", &made.1, &m, 1e-6);
                close("v", &made.2, &v, 1e-6);
            });
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn sgd_agrees_with_f64_over_steps(n in 0..70usize, seed in 0..99u64) {
            let sgd = Sgd { lr: 0.1, momentum: 0.9, weight_decay: 0.02, grad_scale: 0.5 };
            let start = numbers(seed, n);
            let grads: Vec<Vec<f32>> = (0..5).map(|i| numbers(seed + i, n)).collect();
            // The step of torch.optim.SGD without dampening.
            let (mut p, mut m) = (wide(&start), vec![0.0; n]);
            for grad in &grads {
                for i in 0..n {
                    m[i] = 0.9 * m[i] + 0.5 * f64::from(grad[i]) + 0.02 * p[i];
                    p[i] -= 0.1 * m[i];
                }
            }
            let run = |isa| {
                let (mut p, mut m) = (start.clone(), vec![0.0; n]);
                grads.iter().for_each(|grad| sgd.update_on(isa, &mut p, grad, &mut m));
                (p, m)
            };
            everywhere(run, |_, made| {
                close("p", &made.0, &p, 1e-6);
                close("m", &made.1, &m, 1e-6);
            });
        }
    }

    #[test]
    fn squares_are_summed_in_f64() {
        for n in [0, 1, 15, 17, 1000, CHUNK + 3] {
            let x: Vec<f32> = numbers(n as u64, n).iter().map(|v| v * 1e25).collect();
            let expected: f64 = wide(&x).iter().map(|v| v * v).sum();
            everywhere(|_| sum_of_squares(&x), |_, sum| assert!((sum - expected).abs() <= 1e-12 * expected));
        }
    }
}
