//! Root-mean-square norm (arXiv:1910.07467) and layer norm (arXiv:1607.06450) of rows, forward and backward.
//! x, y \[M, D\], weight and bias \[D\], what the forward pass keeps for the backward pass \[M\].

use crate::dispatch::{self, Isa};
use crate::lanes::kernel;
use crate::split;

/// `y = x · inv_rms · weight` with `inv_rms = 1 / √(mean(x²) + eps)` of each row, which is kept.
///
/// # Panics
/// If the shapes disagree.
pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32], inv_rms: &mut [f32]) {
    rms_norm_on(dispatch::active(), x, weight, eps, y, inv_rms);
}

fn rms_norm_on(isa: Isa, x: &[f32], weight: &[f32], eps: f32, y: &mut [f32], inv_rms: &mut [f32]) {
    let width = weight.len();
    check(x, width, &[y], &[inv_rms]);
    let rows = split::rows_per_task(width);
    split::chunks([y, inv_rms], [rows * width, rows], |i, [y, inv_rms]| {
        let x = &x[i * rows * width..][..y.len()];
        rms_rows(isa, x, weight, eps, y, inv_rms);
    });
}

/// The backward pass of [`rms_norm`]: `dx` (added to it if `add`), and `dweight`, always added to.
///
/// # Panics
/// If the shapes disagree.
pub fn rms_norm_backward(
    dy: &[f32],
    x: &[f32],
    weight: &[f32],
    inv_rms: &[f32],
    dx: &mut [f32],
    add: bool,
    dweight: Option<&mut [f32]>,
) {
    rms_norm_backward_on(dispatch::active(), dy, x, weight, inv_rms, dx, add, dweight);
}

#[expect(clippy::too_many_arguments, reason = "the public function's, and the instruction set")]
fn rms_norm_backward_on(
    isa: Isa,
    dy: &[f32],
    x: &[f32],
    weight: &[f32],
    inv_rms: &[f32],
    dx: &mut [f32],
    add: bool,
    dweight: Option<&mut [f32]>,
) {
    let width = weight.len();
    check(x, width, &[dy, dx], &[inv_rms]);
    let rows = split::rows_per_task(width);
    split::chunks([dx], [rows * width], |i, [dx]| {
        let from = i * rows;
        let part = from * width..from * width + dx.len();
        rms_rows_backward(isa, &dy[part.clone()], &x[part], weight, &inv_rms[from..], dx, add);
    });
    if let Some(dweight) = dweight {
        weight_gradient(isa, dy, x, None, inv_rms, dweight, None);
    }
}

/// `y = (x − mean) · inv_std · weight + bias` with `inv_std = 1 / √(var(x) + eps)`; both are kept.
///
/// # Panics
/// If the shapes disagree.
pub fn layer_norm(
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    eps: f32,
    y: &mut [f32],
    mean: &mut [f32],
    inv_std: &mut [f32],
) {
    layer_norm_on(dispatch::active(), x, weight, bias, eps, y, mean, inv_std);
}

#[expect(clippy::too_many_arguments, reason = "the public function's, and the instruction set")]
fn layer_norm_on(
    isa: Isa,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    eps: f32,
    y: &mut [f32],
    mean: &mut [f32],
    inv_std: &mut [f32],
) {
    let width = weight.len();
    assert_eq!(bias.len(), width, "bias and weight are of one width");
    check(x, width, &[y], &[mean, inv_std]);
    let rows = split::rows_per_task(width);
    split::chunks([y, mean, inv_std], [rows * width, rows, rows], |i, [y, mean, inv_std]| {
        let x = &x[i * rows * width..][..y.len()];
        layer_rows(isa, x, weight, bias, eps, y, mean, inv_std);
    });
}

/// The backward pass of [`layer_norm`]: `dx` (added to it if `add`); `dweight` and `dbias`, always added to.
///
/// # Panics
/// If the shapes disagree.
#[expect(clippy::too_many_arguments, reason = "what the forward pass took, kept and made")]
pub fn layer_norm_backward(
    dy: &[f32],
    x: &[f32],
    weight: &[f32],
    mean: &[f32],
    inv_std: &[f32],
    dx: &mut [f32],
    add: bool,
    dweight: Option<&mut [f32]>,
    dbias: Option<&mut [f32]>,
) {
    layer_norm_backward_on(dispatch::active(), dy, x, weight, mean, inv_std, dx, add, dweight, dbias);
}

#[expect(clippy::too_many_arguments, reason = "the public function's, and the instruction set")]
fn layer_norm_backward_on(
    isa: Isa,
    dy: &[f32],
    x: &[f32],
    weight: &[f32],
    mean: &[f32],
    inv_std: &[f32],
    dx: &mut [f32],
    add: bool,
    dweight: Option<&mut [f32]>,
    dbias: Option<&mut [f32]>,
) {
    let width = weight.len();
    check(x, width, &[dy, dx], &[mean, inv_std]);
    let rows = split::rows_per_task(width);
    split::chunks([dx], [rows * width], |i, [dx]| {
        let from = i * rows;
        let part = from * width..from * width + dx.len();
        let (mean, inv_std) = (&mean[from..], &inv_std[from..]);
        layer_rows_backward(isa, &dy[part.clone()], &x[part], weight, mean, inv_std, dx, add);
    });
    match (dweight, dbias) {
        (None, None) => {}
        (Some(dweight), dbias) => weight_gradient(isa, dy, x, Some(mean), inv_std, dweight, dbias),
        (None, Some(dbias)) => {
            assert_eq!(dbias.len(), width, "dbias and weight are of one width");
            split::chunks([dbias], [COLUMNS], |i, [dbias]| {
                bias_columns(isa, dy, width, i * COLUMNS, dbias);
            });
        }
    }
}

fn check(x: &[f32], width: usize, same: &[&[f32]], per_row: &[&[f32]]) {
    assert!(width > 0 && x.len().is_multiple_of(width), "rows of {width} in {}", x.len());
    assert!(same.iter().all(|s| s.len() == x.len()), "inputs and outputs are of one shape");
    assert!(per_row.iter().all(|s| s.len() == x.len() / width), "one value is kept of each row");
}

/// Columns of a weight's gradient that are one task.
const COLUMNS: usize = 64;
/// Rows whose sum is made before it is added to the others': keeps the error of long sums small.
const ROWS: usize = 64;

fn weight_gradient(
    isa: Isa,
    dy: &[f32],
    x: &[f32],
    mean: Option<&[f32]>,
    inv: &[f32],
    dweight: &mut [f32],
    dbias: Option<&mut [f32]>,
) {
    let width = dweight.len();
    assert_eq!(dy.len(), width * inv.len(), "dweight and weight are of one width");
    match dbias {
        Some(dbias) => split::chunks([dweight, dbias], [COLUMNS; 2], |i, [dweight, dbias]| {
            weight_columns(isa, dy, x, mean, inv, width, i * COLUMNS, dweight);
            bias_columns(isa, dy, width, i * COLUMNS, dbias);
        }),
        None => split::chunks([dweight], [COLUMNS], |i, [dweight]| {
            weight_columns(isa, dy, x, mean, inv, width, i * COLUMNS, dweight);
        }),
    }
}

kernel! {
    #[expect(clippy::too_many_arguments, reason = "a kernel's inputs and outputs")]
    fn weight_columns[S](s, dy: &[f32], x: &[f32], mean: Option<&[f32]>, inv: &[f32], width: usize,
                         from: usize, dweight: &mut [f32]) {
        let columns = dweight.len();
        for first in (0..inv.len()).step_by(ROWS) {
            let mut sums = [0.0; COLUMNS];
            for row in first..inv.len().min(first + ROWS) {
                let dy = &dy[row * width + from..][..columns];
                let x = &x[row * width + from..][..columns];
                let (mean, inv) = (s.splat(mean.map_or(0.0, |m| m[row])), s.splat(inv[row]));
                for j in (0..columns).step_by(S::N) {
                    let normed = s.mul(s.sub(s.load(x, j), mean), inv);
                    let sum = s.mul_add(s.load(dy, j), normed, s.load(&sums, j));
                    s.store(&mut sums, j, sum);
                }
            }
            for j in (0..columns).step_by(S::N) {
                s.store(dweight, j, s.add(s.load(dweight, j), s.load(&sums, j)));
            }
        }
    }
}

kernel! {
    fn bias_columns[S](s, dy: &[f32], width: usize, from: usize, dbias: &mut [f32]) {
        let (columns, rows) = (dbias.len(), dy.len() / width);
        for first in (0..rows).step_by(ROWS) {
            let mut sums = [0.0; COLUMNS];
            for row in first..rows.min(first + ROWS) {
                let dy = &dy[row * width + from..][..columns];
                for j in (0..columns).step_by(S::N) {
                    let sum = s.add(s.load(dy, j), s.load(&sums, j));
                    s.store(&mut sums, j, sum);
                }
            }
            for j in (0..columns).step_by(S::N) {
                s.store(dbias, j, s.add(s.load(dbias, j), s.load(&sums, j)));
            }
        }
    }
}

kernel! {
    fn rms_rows[S](s, x: &[f32], weight: &[f32], eps: f32, y: &mut [f32], inv_rms: &mut [f32]) {
        let width = weight.len();
        for ((x, y), inv_rms) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)).zip(inv_rms) {
            let mut squares = [s.splat(0.0); 4];
            for j in (0..width).step_by(S::N) {
                let (v, k) = (s.load(x, j), j / S::N % 4);
                squares[k] = s.mul_add(v, v, squares[k]);
            }
            let total = s.sum(s.add(s.add(squares[0], squares[1]), s.add(squares[2], squares[3])));
            *inv_rms = 1.0 / (total / width as f32 + eps).sqrt();
            let inv = s.splat(*inv_rms);
            for j in (0..width).step_by(S::N) {
                s.store(y, j, s.mul(s.mul(s.load(x, j), inv), s.load(weight, j)));
            }
        }
    }
}

kernel! {
    fn rms_rows_backward[S](s, dy: &[f32], x: &[f32], weight: &[f32], inv_rms: &[f32], dx: &mut [f32],
                            add: bool) {
        let width = weight.len();
        let rows = dy.chunks_exact(width).zip(x.chunks_exact(width)).zip(inv_rms);
        for (dx, ((dy, x), inv)) in dx.chunks_exact_mut(width).zip(rows) {
            let mut sums = [s.splat(0.0); 2];
            for j in (0..width).step_by(S::N) {
                let k = j / S::N % 2;
                sums[k] = s.mul_add(s.mul(s.load(dy, j), s.load(weight, j)), s.load(x, j), sums[k]);
            }
            let total = s.sum(s.add(sums[0], sums[1]));
            let along = s.splat(-total * inv * inv * inv / width as f32);
            let inv = s.splat(*inv);
            for j in (0..width).step_by(S::N) {
                let before = if add { s.load(dx, j) } else { s.splat(0.0) };
                let across = s.mul(s.mul(s.load(dy, j), s.load(weight, j)), inv);
                s.store(dx, j, s.add(before, s.mul_add(s.load(x, j), along, across)));
            }
        }
    }
}

kernel! {
    #[expect(clippy::too_many_arguments, reason = "a kernel's inputs and outputs")]
    fn layer_rows[S](s, x: &[f32], weight: &[f32], bias: &[f32], eps: f32, y: &mut [f32], mean: &mut [f32],
                     inv_std: &mut [f32]) {
        let width = weight.len();
        let kept = mean.iter_mut().zip(inv_std);
        for ((x, y), (mean, inv_std)) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)).zip(kept) {
            let mut sums = [s.splat(0.0); 2];
            for j in (0..width).step_by(S::N) {
                let k = j / S::N % 2;
                sums[k] = s.add(sums[k], s.load(x, j));
            }
            *mean = s.sum(s.add(sums[0], sums[1])) / width as f32;
            let centre = s.splat(*mean);
            let mut squares = [s.splat(0.0); 2];
            for j in (0..width).step_by(S::N) {
                let (v, k) = (s.sub(s.load_or(x, j, *mean), centre), j / S::N % 2);
                squares[k] = s.mul_add(v, v, squares[k]);
            }
            *inv_std = 1.0 / (s.sum(s.add(squares[0], squares[1])) / width as f32 + eps).sqrt();
            let inv = s.splat(*inv_std);
            for j in (0..width).step_by(S::N) {
                let normed = s.mul(s.sub(s.load(x, j), centre), inv);
                s.store(y, j, s.mul_add(normed, s.load(weight, j), s.load(bias, j)));
            }
        }
    }
}

kernel! {
    #[expect(clippy::too_many_arguments, reason = "a kernel's inputs and outputs")]
    fn layer_rows_backward[S](s, dy: &[f32], x: &[f32], weight: &[f32], mean: &[f32], inv_std: &[f32],
                              dx: &mut [f32], add: bool) {
        let width = weight.len();
        let rows = dy.chunks_exact(width).zip(x.chunks_exact(width)).zip(mean.iter().zip(inv_std));
        for (dx, ((dy, x), (mean, inv))) in dx.chunks_exact_mut(width).zip(rows) {
            let (mean, inv) = (s.splat(*mean), s.splat(*inv));
            let (mut sum, mut along) = (s.splat(0.0), s.splat(0.0));
            for j in (0..width).step_by(S::N) {
                let g = s.mul(s.load(dy, j), s.load(weight, j));
                sum = s.add(sum, g);
                along = s.mul_add(g, s.mul(s.sub(s.load(x, j), mean), inv), along);
            }
            let sum = s.splat(s.sum(sum) / width as f32);
            let along = s.splat(s.sum(along) / width as f32);
            for j in (0..width).step_by(S::N) {
                let before = if add { s.load(dx, j) } else { s.splat(0.0) };
                let g = s.mul(s.load(dy, j), s.load(weight, j));
                let normed = s.mul(s.sub(s.load(x, j), mean), inv);
                let across = s.sub(s.sub(g, sum), s.mul(normed, along));
                s.store(dx, j, s.mul_add(across, inv, before));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::{close, dot64, everywhere, numbers, slopes, wide};

    /// Either norm in f64, as published.
    fn norm64(x: &[f64], weight: &[f64], bias: Option<&[f64]>, eps: f64) -> Vec<f64> {
        let width = weight.len();
        let mut y = Vec::new();
        for x in x.chunks(width) {
            let mean = if bias.is_some() { x.iter().sum::<f64>() / width as f64 } else { 0.0 };
            let square = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / width as f64;
            for j in 0..width {
                y.push((x[j] - mean) / (square + eps).sqrt() * weight[j] + bias.map_or(0.0, |b| b[j]));
            }
        }
        y
    }

    const EPS: f32 = 1e-3;

    fn check_both(rows: usize, width: usize, seed: u64) {
        let n = rows * width;
        let (x, weight, bias) = (numbers(seed, n), numbers(seed + 1, width), numbers(seed + 2, width));
        let (dy, before) = (numbers(seed + 3, n), numbers(seed + 4, n));
        let (x64, w64, b64, dy64) = (wide(&x), wide(&weight), wide(&bias), wide(&dy));
        for bias in [None, Some(&bias[..])] {
            let b64 = bias.map(|_| &b64[..]);
            let y64 = norm64(&x64, &w64, b64, f64::from(EPS));
            let dx64 = slopes(&x64, |x| dot64(&dy64, &norm64(x, &w64, b64, f64::from(EPS))));
            let dw64 = slopes(&w64, |w| dot64(&dy64, &norm64(&x64, w, b64, f64::from(EPS))));
            let added64: Vec<f64> = dx64.iter().zip(&before).map(|(d, b)| d + f64::from(*b)).collect();
            let run = |isa| {
                let (mut y, mut mean, mut inv) = (vec![0.0; n], vec![0.0; rows], vec![0.0; rows]);
                let (mut dx, mut added) = (vec![f32::NAN; n], before.clone());
                let (mut dw, mut db) = (vec![1.0; width], vec![1.0; width]);
                if let Some(bias) = bias {
                    layer_norm_on(isa, &x, &weight, bias, EPS, &mut y, &mut mean, &mut inv);
                    let back = |dx: &mut [f32], add, dw: Option<&mut [f32]>, db: Option<&mut [f32]>| {
                        layer_norm_backward_on(isa, &dy, &x, &weight, &mean, &inv, dx, add, dw, db);
                    };
                    back(&mut dx, false, Some(&mut dw), Some(&mut db));
                    let mut alone = vec![1.0; width];
                    back(&mut added, true, None, Some(&mut alone));
                    assert_eq!(alone, db);
                } else {
                    rms_norm_on(isa, &x, &weight, EPS, &mut y, &mut inv);
                    rms_norm_backward_on(isa, &dy, &x, &weight, &inv, &mut dx, false, Some(&mut dw));
                    rms_norm_backward_on(isa, &dy, &x, &weight, &inv, &mut added, true, None);
                }
                (y, dx, added, dw, db)
            };
            everywhere(run, |_, (y, dx, added, dw, db)| {
                close("y", y, &y64, 1e-5);
                close("dx", dx, &dx64, 1e-4);
                close("dx added", added, &added64, 1e-4);
                close("dweight", dw, &dw64.iter().map(|d| d + 1.0).collect::<Vec<_>>(), 1e-4);
                if bias.is_some() {
                    let sums: Vec<f64> =
                        (0..width).map(|j| 1.0 + dy64.iter().skip(j).step_by(width).sum::<f64>()).collect();
                    close("dbias", db, &sums, 1e-5);
                }
            });
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn agree_with_f64(rows in 0..5usize, width in 1..70usize, seed in 0..1000u64) {
            check_both(rows, width, seed);
        }
    }

    #[test]
    fn many_rows_are_cut_into_tasks() {
        let (rows, width) = (100, 576);
        let (x, weight) = (numbers(1, rows * width), numbers(2, width));
        let y64 = norm64(&wide(&x), &wide(&weight), None, 1e-5);
        let run = |isa| {
            let (mut y, mut inv) = (vec![0.0; x.len()], vec![0.0; rows]);
            rms_norm_on(isa, &x, &weight, 1e-5, &mut y, &mut inv);
            let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; width]);
            rms_norm_backward_on(isa, &y, &x, &weight, &inv, &mut dx, false, Some(&mut dw));
            (y, dx, dw)
        };
        everywhere(run, |_, (y, ..)| close("y", y, &y64, 1e-5));
    }
}
