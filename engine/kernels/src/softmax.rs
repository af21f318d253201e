//! Softmax of rows, forward and backward. x, y \[M, N\].

use crate::dispatch::{self, Isa};
use crate::lanes::{Lanes, kernel, math};
use crate::split;

/// `y = exp(x − max) / Σ exp(x − max)` of each row of `width`. Minus infinities become zeros; a row of nothing
/// else is not a number, as in PyTorch.
///
/// # Panics
/// If the shapes disagree.
pub fn softmax(x: &[f32], width: usize, y: &mut [f32]) {
    softmax_on(dispatch::active(), x, width, y);
}

fn softmax_on(isa: Isa, x: &[f32], width: usize, y: &mut [f32]) {
    assert!(width > 0 && x.len().is_multiple_of(width) && y.len() == x.len(), "rows of {width}");
    let task_len = split::rows_per_task(width) * width;
    split::chunks([y], [task_len], |i, [y]| {
        softmax_rows(isa, &x[i * task_len..][..y.len()], width, y);
    });
}

/// The backward pass of [`softmax`], from what it made: `dx = y · (dy − Σ dy·y)`.
///
/// # Panics
/// If the shapes disagree.
pub fn softmax_backward(y: &[f32], dy: &[f32], width: usize, dx: &mut [f32]) {
    softmax_backward_on(dispatch::active(), y, dy, width, dx);
}

fn softmax_backward_on(isa: Isa, y: &[f32], dy: &[f32], width: usize, dx: &mut [f32]) {
    assert!(width > 0 && y.len().is_multiple_of(width), "rows of {width}");
    assert!(dy.len() == y.len() && dx.len() == y.len(), "y, dy and dx are of one shape");
    let task_len = split::rows_per_task(width) * width;
    split::chunks([dx], [task_len], |i, [dx]| {
        let part = i * task_len..i * task_len + dx.len();
        softmax_rows_backward(isa, &y[part.clone()], &dy[part], width, dx);
    });
}

/// The largest of a row; not a number if one of it is not.
#[inline(always)]
pub(crate) fn largest<S: Lanes>(s: S, row: &[f32]) -> f32 {
    let lowest = s.splat(f32::NEG_INFINITY);
    let mut most = [lowest; 4];
    // Zeros, or what is not a number: a maximum passes over it.
    let mut odd = [s.splat(0.0); 4];
    let whole = row.len() / (4 * S::N) * (4 * S::N);
    for i in (0..whole).step_by(4 * S::N) {
        for (k, (most, odd)) in most.iter_mut().zip(&mut odd).enumerate() {
            let v = s.load(row, i + k * S::N);
            *most = s.max(v, *most);
            *odd = s.select_ge(v, v, *odd, v);
        }
    }
    for i in (whole..row.len()).step_by(S::N) {
        let v = s.load_or(row, i, f32::NEG_INFINITY);
        most[0] = s.max(v, most[0]);
        odd[0] = s.select_ge(v, v, odd[0], v);
    }
    let most = s.max(s.max(most[0], most[1]), s.max(most[2], most[3]));
    let odd = s.add(s.add(odd[0], odd[1]), s.add(odd[2], odd[3]));
    s.largest(s.select_ge(odd, odd, most, odd))
}

kernel! {
    fn softmax_rows[S](s, x: &[f32], width: usize, y: &mut [f32]) {
        for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
            let most = s.splat(largest(s, x));
            let mut sum = s.splat(0.0);
            for i in (0..width).step_by(S::N) {
                let e = math::exp(s, s.sub(s.load_or(x, i, f32::NEG_INFINITY), most));
                sum = s.add(sum, e);
                s.store(y, i, e);
            }
            let part = s.splat(1.0 / s.sum(sum));
            for i in (0..width).step_by(S::N) {
                s.store(y, i, s.mul(s.load(y, i), part));
            }
        }
    }
}

kernel! {
    fn softmax_rows_backward[S](s, y: &[f32], dy: &[f32], width: usize, dx: &mut [f32]) {
        let rows = y.chunks_exact(width).zip(dy.chunks_exact(width));
        for (dx, (y, dy)) in dx.chunks_exact_mut(width).zip(rows) {
            let mut sum = s.splat(0.0);
            for i in (0..width).step_by(S::N) {
                sum = s.mul_add(s.load(y, i), s.load(dy, i), sum);
            }
            let sum = s.splat(s.sum(sum));
            for i in (0..width).step_by(S::N) {
                s.store(dx, i, s.mul(s.load(y, i), s.sub(s.load(dy, i), sum)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::{close, dot64, everywhere, numbers, slopes, wide};

    fn softmax64(x: &[f64], width: usize) -> Vec<f64> {
        x.chunks(width)
            .flat_map(|x| {
                let sum: f64 = x.iter().map(|v| v.exp()).sum();
                x.iter().map(move |v| v.exp() / sum)
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn agrees_with_f64(rows in 0..4usize, width in 1..150usize, seed in 0..1000u64) {
            let n = rows * width;
            let x: Vec<f32> = numbers(seed, n).iter().map(|v| v * 8.0).collect();
            let dy = numbers(seed + 1, n);
            let (x64, dy64) = (wide(&x), wide(&dy));
            let y64 = softmax64(&x64, width);
            let dx64 = slopes(&x64, |x| dot64(&dy64, &softmax64(x, width)));
            let run = |isa| {
                let (mut y, mut dx) = (vec![0.0; n], vec![0.0; n]);
                softmax_on(isa, &x, width, &mut y);
                softmax_backward_on(isa, &y, &dy, width, &mut dx);
                (y, dx)
            };
            everywhere(run, |_, (y, dx)| {
                close("y", y, &y64, 1e-6);
                close("dx", dx, &dx64, 1e-5);
            });
        }
    }

    kernel! { fn largest_of[S](s, row: &[f32]) -> f32 { largest(s, row) } }

    #[test]
    fn the_largest_is_not_a_number_if_one_is_not() {
        for isa in Isa::available() {
            for n in [1, 15, 16, 63, 64, 65, 150] {
                let mut row = numbers(5, n);
                row[0] = f32::NEG_INFINITY;
                let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                assert_eq!(largest_of(isa, &row), most, "{isa} {n}");
                for at in 0..n {
                    let mut row = row.clone();
                    row[at] = f32::NAN;
                    assert!(largest_of(isa, &row).is_nan(), "{isa}: {at} of {n}");
                }
            }
        }
    }

    #[test]
    fn masked_and_broken_rows() {
        let inf = f32::NEG_INFINITY;
        for isa in Isa::available() {
            let mut y = [0.0; 6];
            softmax_on(isa, &[inf, 1.0, 1.0, inf, inf, inf], 3, &mut y);
            assert_eq!(y[..3], [0.0, 0.5, 0.5]);
            assert!(y[3..].iter().all(|v| v.is_nan()));
            let mut y = [0.0; 40];
            let mut x = [1.0; 40];
            x[17] = f32::NAN;
            softmax_on(isa, &x, 40, &mut y);
            assert!(y.iter().all(|v| v.is_nan()));
        }
    }
}
