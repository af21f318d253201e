//! Products against sums in f64, over shapes, storages and instruction sets.

use half::{bf16, f16};
use proptest::prelude::*;

use super::*;
use crate::weight::Rows;

/// Values in −1 to 1 that bf16 and f16 hold exactly, so that every storage is the same matrix.
fn values(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) % 129
    };
    (0..len).map(|_| (next() as f32 - 64.0) / 64.0).collect()
}

fn bf16s(v: &[f32]) -> Vec<bf16> {
    v.iter().map(|v| bf16::from_f32(*v)).collect()
}

struct Decoded<'a>(&'a [f32], usize);

impl Rows for Decoded<'_> {
    fn read(&self, row: usize, out: &mut [f32]) {
        out.copy_from_slice(&self.0[row * self.1..(row + 1) * self.1]);
    }
}

/// Σ over l of a(i, l)·b(l, j), on top of `start`.
fn reference(
    shape: (usize, usize, usize),
    a: impl Fn(usize, usize) -> f32,
    b: impl Fn(usize, usize) -> f32,
    start: f32,
) -> Vec<f64> {
    let (m, n, k) = shape;
    let mut c = vec![f64::from(start); m * n];
    for i in 0..m {
        for l in 0..k {
            for j in 0..n {
                c[i * n + j] += f64::from(a(i, l)) * f64::from(b(l, j));
            }
        }
    }
    c
}

#[track_caller]
fn check_close(what: &str, got: &[f32], want: &[f64], k: usize) {
    assert_eq!(got.len(), want.len());
    let tolerance = 2e-7 * (k + 4) as f64;
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((f64::from(*g) - w).abs() <= tolerance, "{what}: value {i} is {g}, not {w}");
    }
}

const START: f32 = 0.5;

fn check_shape(m: usize, n: usize, k: usize, add: bool) {
    let (x, w, dy) = (values(m * k, 1), values(n * k, 2), values(m * n, 3));
    let (x_half, dy_half) = (bf16s(&x), bf16s(&dy));
    let w_f16: Vec<f16> = w.iter().map(|v| f16::from_f32(*v)).collect();
    let (w_bf16, rows) = (bf16s(&w), Decoded(&w, k));
    let start = if add { START } else { 0.0 };
    let y_want = reference((m, n, k), |i, l| x[i * k + l], |l, j| w[j * k + l], start);
    let dx_want = reference((m, k, n), |i, l| dy[i * n + l], |l, j| w[l * k + j], start);
    let dw_want = reference((n, k, m), |i, l| dy[l * n + i], |l, j| x[l * k + j], START);
    for isa in Isa::available() {
        for precision in [Precision::Exact, Precision::Fast] {
            let storages = [Values::F32(&w), Values::F16(&w_f16), Values::Bf16(&w_bf16), Values::Rows(&rows)];
            for (i, values) in storages.into_iter().enumerate() {
                let what = format!("{isa} {precision:?} {values:?} m {m} n {n} k {k}");
                let weight = Weight::new(n, k, values);
                let (x, dy) = if i % 2 == 0 {
                    (Input::F32(&x), Input::F32(&dy))
                } else {
                    (Input::Bf16(&x_half), Input::Bf16(&dy_half))
                };
                let mut y = vec![START; m * n];
                linear_on(isa, x, m, &weight, &mut y, add, precision);
                check_close(&format!("y {what}"), &y, &y_want, k);
                let mut dx = vec![START; m * k];
                linear_dx_on(isa, dy, m, &weight, &mut dx, add, precision);
                check_close(&format!("dx {what}"), &dx, &dx_want, n);
                if m > 0 {
                    let mut dw = vec![START; n * k];
                    linear_dw_on(isa, dy, x, m, &mut dw, precision);
                    check_close(&format!("dw {what}"), &dw, &dw_want, m);
                }
            }
        }
    }
}

#[test]
fn products_at_the_edges_of_tiles_and_blocks() {
    for (m, n, k) in [
        (0, 3, 5),
        (4, 0, 5),
        (4, 3, 0),
        (1, 1, 1),
        (1, 49, 33),
        (7, 8, 64),
        (17, 31, 193),
        (33, 65, 32),
        (65, 9, 200),
        (40, 96, 385),
    ] {
        check_shape(m, n, k, false);
        check_shape(m, n, k, true);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn products_of_any_shape(m in 0usize..70, n in 0usize..70, k in 0usize..70, add: bool) {
        check_shape(m, n, k, add);
    }

    #[test]
    fn general_products(m in 0usize..20, n in 0usize..70, k in 0usize..30, layout in 0usize..9, add: bool) {
        let (pad, alpha) = (3, 0.5);
        let strides = |layout: usize, rows: usize, cols: usize| match layout {
            0 => (cols + pad, 1),
            1 => (1, rows + pad),
            _ => (2 * cols + pad, 2),
        };
        let (a_row, a_col) = strides(layout % 3, m, k);
        let (b_row, b_col) = strides(layout / 3, k, n);
        let a = values(m * a_row + k * a_col, 4);
        let b = values(k * b_row + n * b_col, 5);
        let product = Product {
            m, n, k, alpha, add,
            a: View { values: &a, row: a_row, col: a_col },
            b: View { values: &b, row: b_row, col: b_col },
        };
        let start = if add { START } else { 0.0 };
        let want =
            reference((m, n, k), |i, l| a[i * a_row + l * a_col] * alpha, |l, j| b[l * b_row + j * b_col], start);
        for isa in Isa::available() {
            for parallel in [false, true] {
                let c_row = n + pad;
                let mut c = vec![START; m * c_row];
                gemm_on(isa, &product, &mut c, c_row, parallel);
                let inside: Vec<f32> = c.chunks(c_row).flat_map(|row| row[..n].to_vec()).collect();
                check_close(&format!("{isa}"), &inside, &want, k);
                prop_assert!(c.chunks(c_row).all(|row| row[n..].iter().all(|v| *v == START)));
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let (m, n, k) = (200, 150, 500);
    let (x, w, dy) = (values(m * k, 1), values(n * k, 2), values(m * n, 3));
    let weight = Weight::f32(n, k, &w);
    for isa in Isa::available() {
        for precision in [Precision::Exact, Precision::Fast] {
            let run = |threads: usize| {
                let (mut y, mut dx, mut dw) = (vec![0.0; m * n], vec![0.0; m * k], vec![0.0; n * k]);
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                    linear_on(isa, Input::F32(&x), m, &weight, &mut y, false, precision);
                    linear_dx_on(isa, Input::F32(&dy), m, &weight, &mut dx, false, precision);
                    linear_dw_on(isa, Input::F32(&dy), Input::F32(&x), m, &mut dw, precision);
                });
                (y, dx, dw)
            };
            let one = run(1);
            assert!(run(2) == one && run(3) == one, "{isa} {precision:?}");
        }
    }
}

#[test]
fn what_is_not_a_number_stays_so() {
    let (m, n, k) = (33, 40, 70);
    for isa in Isa::available() {
        for precision in [Precision::Exact, Precision::Fast] {
            let (mut x, w) = (values(m * k, 1), values(n * k, 2));
            x[5 * k + 7] = f32::from_bits(0x7f80_0001);
            let mut y = vec![0.0; m * n];
            linear_on(isa, Input::F32(&x), m, &Weight::f32(n, k, &w), &mut y, false, precision);
            for (i, row) in y.chunks(n).enumerate() {
                assert!(row.iter().all(|v| v.is_nan() == (i == 5)), "{isa} {precision:?} row {i}");
            }
        }
    }
}

#[test]
fn bf16_and_back() {
    let from = values(CONVERTED + 7, 6);
    let (mut half, mut back) = (vec![bf16::ZERO; from.len()], vec![0.0; from.len()]);
    to_bf16(&from, &mut half);
    from_bf16(&half, &mut back);
    assert_eq!(from, back);
}
