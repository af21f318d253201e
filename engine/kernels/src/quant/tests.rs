//! The layout against a plain reading of the blocks, and every product against the scalar one.

use super::*;
use crate::check::{close, everywhere, numbers};
use half::f16;
use proptest::prelude::*;

/// Rows of blocks of any bytes, their scales made small numbers.
fn blocks(quant_type: QuantType, n_out: usize, n_in: usize, seed: u64) -> Vec<u8> {
    let (elements, bytes) = quant_type.block();
    let n = n_out * n_in / elements;
    let noise = numbers(seed, n * bytes);
    let mut all: Vec<u8> = noise.iter().map(|x| ((x + 1.0) * 128.0) as u8).collect();
    for (i, block) in all.chunks_exact_mut(bytes).enumerate() {
        let mut scale = |at: usize, size: f32| {
            let value = f16::from_f32(size * noise[i * bytes + at]);
            block[at..at + 2].copy_from_slice(&value.to_le_bytes());
        };
        match quant_type {
            QuantType::Q4_0 | QuantType::Q5_0 | QuantType::Q8_0 => scale(0, 0.1),
            QuantType::Q4_1 | QuantType::Q5_1 => [0, 2].into_iter().for_each(|at| scale(at, 0.1)),
            QuantType::Q4K | QuantType::Q5K => [0, 2].into_iter().for_each(|at| scale(at, 0.01)),
            QuantType::Q6K => scale(208, 0.01),
        }
    }
    all
}

/// One number of a block, by the words of ggml's comments.
fn plain(quant_type: QuantType, block: &[u8], i: usize) -> f32 {
    let two = |at: usize| f16::from_le_bytes([block[at], block[at + 1]]).to_f32();
    let nibble = |at: usize| if i < 16 { block[at + i] & 15 } else { block[at + i - 16] >> 4 };
    let fifth = |at: usize| {
        let bits = u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
        (((bits >> i) & 1) << 4) as u8
    };
    let six = |j: usize| {
        let s = &block[4..16];
        if j < 4 {
            (s[j] & 63, s[j + 4] & 63)
        } else {
            ((s[j + 4] & 15) | ((s[j - 4] >> 6) << 4), (s[j + 4] >> 4) | ((s[j] >> 6) << 4))
        }
    };
    let k_nibble = |at: usize| (block[at + i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4)) & 15;
    match quant_type {
        QuantType::Q4_0 => two(0) * (f32::from(nibble(2)) - 8.0),
        QuantType::Q4_1 => two(0) * f32::from(nibble(4)) + two(2),
        QuantType::Q5_0 => two(0) * (f32::from(nibble(6) | fifth(2)) - 16.0),
        QuantType::Q5_1 => two(0) * f32::from(nibble(8) | fifth(4)) + two(2),
        QuantType::Q8_0 => two(0) * f32::from(block[2 + i].cast_signed()),
        QuantType::Q4K => {
            let (scale, minimum) = six(i / 32);
            two(0) * f32::from(scale) * f32::from(k_nibble(16)) - two(2) * f32::from(minimum)
        }
        QuantType::Q5K => {
            let (scale, minimum) = six(i / 32);
            let q = k_nibble(48) | ((block[16 + i % 32] >> (i / 32)) & 1) << 4;
            two(0) * f32::from(scale) * f32::from(q) - two(2) * f32::from(minimum)
        }
        QuantType::Q6K => {
            let (half, within) = (i / 128, i % 128);
            let low = (block[half * 64 + within % 64] >> (within / 64 * 4)) & 15;
            let high = (block[128 + half * 32 + within % 32] >> (within / 32 * 2)) & 3;
            let scale = block[192 + i / 16].cast_signed();
            two(208) * f32::from(scale) * (f32::from(low | high << 4) - 32.0)
        }
    }
}

#[test]
fn rows_are_read_back_to_the_digit() {
    for quant_type in QuantType::ALL {
        let (elements, bytes) = quant_type.block();
        for n_out in [1, 15, 16, 17, 33] {
            let n_in = 2 * elements;
            let stored = blocks(quant_type, n_out, n_in, n_out as u64);
            let w = Quantised::repack(quant_type, n_out, n_in, &stored);
            assert_eq!(w.size_bytes(), Quantised::bytes_for(quant_type, n_out, n_in));
            let mut row = vec![0.0; n_in];
            for (r, blocks) in stored.chunks_exact(2 * bytes).enumerate() {
                w.read_row(r, &mut row);
                for (i, got) in row.iter().enumerate() {
                    let want = plain(quant_type, &blocks[i / elements * bytes..][..bytes], i % elements);
                    assert!(
                        got.to_bits() == want.to_bits(),
                        "{quant_type:?} [{r}, {i}]: {got} is not {want}"
                    );
                }
            }
        }
    }
}

/// What `panels` computes of each panel, on the pool.
fn each_panel(m: usize, w: &Quantised, panels: impl Fn(Range<usize>, Out<'_, '_>) + Sync) -> Vec<f32> {
    let mut y = vec![f32::NAN; m * w.n_out];
    let shared = Shared::new(&mut y);
    let out = Out { values: &shared, stride: w.n_out, first_panel: 0, n: w.n_out };
    pool::for_each(w.n_panels(), |p| panels(p..p + 1, out));
    y
}

fn fast(isa: Isa, x: &[f32], m: usize, w: &Quantised) -> Vec<f32> {
    let mut rounded = Activations::default();
    rounded.round(isa, x, m, w.n_in);
    each_panel(m, w, |panels, out| product_panels(isa, &rounded, w, panels, out))
}

fn exact(isa: Isa, x: &[f32], m: usize, w: &Quantised) -> Vec<f32> {
    each_panel(m, w, |panels, out| exact_panels(isa, x, m, w, panels, out))
}

/// Half the distance from 1 to the next number: what one rounding of f32 can be off, of a number's size.
const UNIT: f64 = 1.0 / (1 << 24) as f64;

#[track_caller]
fn within(what: &str, a: &[f32], b: &[f64], limits: &[f64]) {
    assert_eq!(a.len(), b.len(), "{what}: lengths");
    for (i, ((a, b), limit)) in a.iter().zip(b).zip(limits).enumerate() {
        let difference = (f64::from(*a) - b).abs();
        assert!(difference <= limit + 1e-30, "{what}[{i}]: {a} is not {b}, to {limit}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_set_computes_what_the_scalar_one_does(
        which in 0usize..8, n_out in 1usize..70, blocks_in in 1usize..4, m in 1usize..20, seed: u64,
    ) {
        let quant_type = QuantType::ALL[which];
        let n_in = blocks_in * quant_type.block().0;
        let w = Quantised::repack(quant_type, n_out, n_in, &blocks(quant_type, n_out, n_in, seed));
        let x = numbers(seed ^ 1, m * n_in);
        let mut row = vec![0.0; n_in];
        // What each output is, and what rounding may make of it: the sum of its terms' sizes bounds it, not
        // the output, which can be all cancellation.
        let mut want = vec![0.0; m * n_out];
        let mut exact_limit = vec![0.0; m * n_out];
        let mut fast_limit = vec![0.0; m * n_out];
        for n in 0..n_out {
            w.read_row(n, &mut row);
            let largest = row.iter().fold(0f64, |largest, w| largest.max(f64::from(w.abs())));
            for (i, x) in x.chunks_exact(n_in).enumerate() {
                let terms = || x.iter().zip(&row).map(|(x, w)| f64::from(*x) * f64::from(*w));
                want[i * n_out + n] = terms().sum();
                exact_limit[i * n_out + n] = UNIT * n_in as f64 * terms().map(f64::abs).sum::<f64>();
                let x = x.iter().map(|x| f64::from(x.abs())).sum::<f64>();
                fast_limit[i * n_out + n] = UNIT * 4.0 * (n_in as f64).sqrt() * x * largest;
            }
        }
        everywhere(
            |isa| exact(isa, &x, m, &w),
            |isa, y| within(&format!("{quant_type:?}, exact, {isa}"), y, &want, &exact_limit),
        );
        let want: Vec<f64> = fast(Isa::Scalar, &x, m, &w).iter().map(|y| f64::from(*y)).collect();
        everywhere(
            |isa| fast(isa, &x, m, &w),
            |isa, y| within(&format!("{quant_type:?}, {isa}"), y, &want, &fast_limit),
        );
    }
}

/// Bit for bit: rows beside it change nothing of a row's outputs.
#[test]
fn a_row_is_itself_in_any_company() {
    for quant_type in QuantType::ALL {
        let w = Quantised::repack(quant_type, 40, 512, &blocks(quant_type, 40, 512, 3));
        let x = numbers(4, 15 * 512);
        for isa in Isa::available() {
            for product in [fast, exact] {
                let together = product(isa, &x, 15, &w);
                for (x, together) in x.chunks_exact(512).zip(together.chunks_exact(40)) {
                    assert_eq!(product(isa, x, 1, &w), together, "{quant_type:?}, {isa}");
                }
            }
        }
    }
}

#[test]
fn what_is_not_finite_is_not_hidden() {
    let w = Quantised::repack(QuantType::Q4_1, 20, 64, &blocks(QuantType::Q4_1, 20, 64, 5));
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = numbers(6, 3 * 64);
        x[64 + 40] = odd;
        for isa in Isa::available() {
            let y = fast(isa, &x, 3, &w);
            assert!(y[20..40].iter().all(|y| y.is_nan()), "{isa}, {odd}");
            assert!(y[..20].iter().chain(&y[40..]).all(|y| y.is_finite()), "{isa}, {odd}");
        }
    }
    for isa in Isa::available() {
        assert!(fast(isa, &[0.0; 64], 1, &w).iter().all(|y| *y == 0.0), "{isa}: nothing in, nothing out");
    }
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    for quant_type in QuantType::ALL {
        let (elements, bytes) = quant_type.block();
        for fill in [0x00, 0x7f, 0x80, 0xff] {
            let mut stored = vec![fill; 16 * bytes];
            for block in stored.chunks_exact_mut(bytes) {
                let one = f16::from_f32(1.0 / 64.0).to_le_bytes();
                let at: &[usize] = match quant_type {
                    QuantType::Q6K => &[208],
                    QuantType::Q4_0 | QuantType::Q5_0 | QuantType::Q8_0 => &[0],
                    _ => &[0, 2],
                };
                at.iter().for_each(|at| block[*at..at + 2].copy_from_slice(&one));
            }
            let w = Quantised::repack(quant_type, 16, elements, &stored);
            for x in [vec![1.0; elements], vec![-1.0; elements]] {
                let want = fast(Isa::Scalar, &x, 1, &w).iter().map(|y| f64::from(*y)).collect::<Vec<_>>();
                everywhere(
                    |isa| fast(isa, &x, 1, &w),
                    |isa, y| {
                        close(&format!("{quant_type:?}, {fill:#x}, {isa}"), y, &want, 1e-5);
                    },
                );
            }
        }
    }
}
