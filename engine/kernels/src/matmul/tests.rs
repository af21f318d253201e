//! Products against sums in f64, over shapes, storages and instruction sets.

use half::{bf16, f16};
use proptest::prelude::*;

use super::*;
use crate::check::numbers;
use crate::quant::{QuantType, Quantised};
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

/// Parts of all storages and several widths against [`reference`], and each value as `linear` makes it.
fn check_group(m: usize, k: usize, widths: &[usize]) {
    let x = values(m * k, 1);
    let matrices: Vec<Vec<f32>> = (0..widths.len()).map(|i| values(widths[i] * k, 10 + i as u64)).collect();
    let f16s: Vec<Vec<f16>> =
        matrices.iter().map(|w| w.iter().map(|v| f16::from_f32(*v)).collect()).collect();
    let bf16s: Vec<Vec<bf16>> = matrices.iter().map(|w| bf16s(w)).collect();
    let rows: Vec<Decoded<'_>> = matrices.iter().map(|w| Decoded(w, k)).collect();
    for isa in Isa::available() {
        for precision in [Precision::Exact, Precision::Fast] {
            // Each width in each storage once.
            for turn in 0..4 {
                let mut outs: Vec<Vec<f32>> = widths.iter().map(|n| vec![START; m * n]).collect();
                let weights: Vec<Weight<'_>> = (0..widths.len())
                    .map(|i| {
                        let values = match (i + turn) % 4 {
                            0 => Values::F32(&matrices[i]),
                            1 => Values::F16(&f16s[i]),
                            2 => Values::Bf16(&bf16s[i]),
                            _ => Values::Rows(&rows[i]),
                        };
                        Weight::new(widths[i], k, values)
                    })
                    .collect();
                let mut parts: Vec<Part<'_>> = weights
                    .iter()
                    .zip(&mut outs)
                    .map(|(weight, out)| Part { weight: *weight, out })
                    .collect();
                linears_on(few::Case { isa, m, precision, apart: false }, &x, &mut parts);
                for ((weight, matrix), out) in weights.iter().zip(&matrices).zip(&outs) {
                    let n = weight.n_out;
                    let want = reference((m, n, k), |i, l| x[i * k + l], |l, j| matrix[j * k + l], 0.0);
                    check_close(&format!("{isa} {precision:?} {weight:?} m {m}"), out, &want, k);
                    let mut alone = vec![START; m * n];
                    linear_on(isa, Input::F32(&x), m, weight, &mut alone, false, precision);
                    assert!(alone == *out, "{isa} {precision:?} {weight:?} m {m} alone");
                }
            }
        }
    }
}

#[test]
fn groups_at_the_edges_of_blocks() {
    for m in [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33] {
        check_group(m, 64, &[48, 16, 16]);
        check_group(m, 67, &[1, 33, 0, 5, 130]);
    }
    check_group(2, 0, &[3, 0]);
    check_group(2, 1, &[]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn groups_of_any_shape(m in 1usize..41, k in 1usize..140, widths in prop::collection::vec(0usize..90, 0..5)) {
        check_group(m, k, &widths);
    }
}

/// Bit for bit, on any number of threads, dense or quantised, of the whole matrix or of some of its rows.
#[test]
fn a_row_apart_is_the_same_whatever_is_beside_it() {
    const MOST: usize = 33;
    let (n, k) = (301, 576);
    // Numbers whose sums round, unlike those of `values`.
    let (x, w) = (numbers(1, MOST * k), numbers(2, n * k));
    let (half, rows) = (bf16s(&w), Decoded(&w, k));
    let blocks: Vec<u8> = (0..n * k / 32 * 34).map(|i| (i * 37 % 0x30) as u8).collect();
    let quantised = Quantised::repack(QuantType::Q8_0, n, k, &blocks);
    for isa in Isa::available() {
        for precision in [Precision::Exact, Precision::Fast] {
            let all_values =
                [Values::F32(&w), Values::Bf16(&half), Values::Rows(&rows), Values::Quantised(&quantised, 0)];
            for values in all_values {
                let weight = Weight::new(n, k, values);
                let run = |m: usize, threads: usize, weight: Weight<'_>| {
                    let mut y = vec![0.0; m * weight.n_out];
                    let case = few::Case { isa, m, precision, apart: true };
                    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                        linears_on(case, &x[..m * k], &mut [Part { weight, out: &mut y }]);
                    });
                    y
                };
                let all = run(MOST, 1, weight);
                for (m, threads) in [(1, 1), (2, 3), (3, 2), (7, 2), (8, 3), (17, 2)] {
                    let what = format!("{isa} {precision:?} {values:?} {m} rows, {threads} threads");
                    assert!(run(m, threads, weight) == all[..m * n], "{what}");
                }
                for part in [0..16, 16..40, 288..301] {
                    let some = run(2, 2, weight.slice_rows(part.clone()));
                    let of = |row: usize| &all[row * n + part.start..row * n + part.end];
                    assert!(some == [of(0), of(1)].concat(), "{isa} {precision:?} {values:?} rows {part:?}");
                }
            }
        }
    }
}

/// Any bytes as blocks, but their scales small.
fn quantised(quant_type: QuantType, n: usize, k: usize, seed: u64) -> Quantised {
    let (elements, bytes) = quant_type.block();
    let mut blocks: Vec<u8> =
        values(n * k / elements * bytes, seed).iter().map(|v| ((v + 1.0) * 127.0) as u8).collect();
    for (i, block) in blocks.chunks_exact_mut(bytes).enumerate() {
        let scale = f16::from_f32(0.002 * (1 + i % 7) as f32).to_le_bytes();
        match quant_type {
            QuantType::Q6K => block[208..].copy_from_slice(&scale),
            QuantType::Q4_0 | QuantType::Q5_0 | QuantType::Q8_0 => block[..2].copy_from_slice(&scale),
            _ => {
                block[..2].copy_from_slice(&scale);
                block[2..4].copy_from_slice(&scale);
            }
        }
    }
    Quantised::repack(quant_type, n, k, &blocks)
}

/// A quantised matrix's product against the sums in f64 of its rows, rounded as bf16 rounds them if `Fast` does.
fn check_quantised(quant_type: QuantType, m: usize, rows: std::ops::Range<usize>, n_all: usize, k: usize) {
    let w = quantised(quant_type, n_all, k, 7);
    let x = values(m * k, 8);
    let n = rows.len();
    let weight = Weight::new(n_all, k, Values::Quantised(&w, 0)).slice_rows(rows.clone());
    let mut read = vec![0.0; n * k];
    read.chunks_exact_mut(k).zip(rows).for_each(|(out, row)| w.read_row(row, out));
    for isa in Isa::available() {
        for precision in [Precision::Exact, Precision::Fast] {
            for add in [false, true] {
                let start = if add { START } else { 0.0 };
                let want = reference((m, n, k), |i, l| x[i * k + l], |l, j| read[j * k + l], start);
                let mut y = vec![START; m * n];
                linear_on(isa, Input::F32(&x), m, &weight, &mut y, add, precision);
                let unit = if precision == Precision::Fast { 1.0 / 256.0 } else { 2e-7 * (k + 4) as f64 };
                for (at, (got, want)) in y.iter().zip(&want).enumerate() {
                    let (i, j) = (at / n, at % n);
                    let pairs = x[i * k..][..k].iter().zip(&read[j * k..][..k]);
                    let size: f64 = pairs.map(|(x, w)| f64::from((x * w).abs())).sum();
                    let off = (f64::from(*got) - want).abs();
                    assert!(
                        off <= unit * size + 1e-6,
                        "{quant_type:?} {isa} {precision:?} m {m} n {n} k {k}: value {at} is {got}, not {want}"
                    );
                }
            }
        }
    }
}

#[test]
fn quantised_products_of_many_rows() {
    for quant_type in QuantType::ALL {
        let block = quant_type.block().0;
        check_quantised(quant_type, 33, 0..70, 70, 3 * block);
        check_quantised(quant_type, 100, 16..33, 70, 2 * block);
        check_quantised(quant_type, 17, 5..60, 61, block);
        check_quantised(quant_type, 40, 0..33, 49, 1280);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn quantised_products_of_any_shape(
        quant_type in prop::sample::select(&QuantType::ALL[..]),
        m in 1usize..41, first in 0usize..40, n in 1usize..70, blocks in 1usize..4,
    ) {
        check_quantised(quant_type, m, first..first + n, first + n + 3, blocks * quant_type.block().0);
    }
}
