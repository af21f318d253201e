//! Packed against itself and against plain f32; that the digits are the reference's is a golden's work.

use super::*;
use crate::nn::matrix;
use glassworks_kernels::dispatch::Precision;

/// Bytes from a small generator, with the 16-bit scales made finite and small.
fn packed(block_type: BlockType, rows: usize, cols: usize) -> Packed {
    let mut state = 0x9e37_79b9_7f4a_7c15u64 ^ block_type.bytes() as u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let mut bytes: Vec<u8> = (0..block_type.row_bytes(cols).unwrap() * rows).map(|_| next()).collect();
    for block in bytes.chunks_exact_mut(block_type.bytes()) {
        let scales: &[usize] = match block_type {
            BlockType::F16 | BlockType::Q4_0 | BlockType::Q5_0 | BlockType::Q8_0 => &[0],
            BlockType::BF16 => {
                block[1] = 0x3c | (block[1] & 0x80);
                continue;
            }
            BlockType::Q4_1 | BlockType::Q5_1 | BlockType::Q4K | BlockType::Q5K => &[0, 2],
            BlockType::Q2K => &[80, 82],
            BlockType::Q3K => &[108],
            BlockType::Q6K => &[208],
        };
        for at in scales {
            block[at + 1] = 0x20 | (block[at + 1] & 0x83);
        }
    }
    Packed::new(block_type, rows, cols, &bytes).unwrap()
}

fn inputs(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 37 + 11) % 101) as f32 / 101.0 - 0.5).collect()
}

/// x·Wᵀ by the kernels.
fn product(w: &Packed, x: &[f32], t: usize, precision: Precision) -> Vec<f32> {
    let mut out = vec![0.0; t * w.rows()];
    matrix::product(&w.matrix(), x, t, &mut out, precision, &|| Ok(())).unwrap();
    out
}

#[test]
fn exact_products_are_those_of_the_dequantised_matrix() {
    for block_type in BlockType::ALL {
        let (rows, cols) = (131, 512);
        let w = packed(block_type, rows, cols);
        let mut dense = vec![0.0; rows * cols];
        w.dequantise_rows(0..rows, &mut dense);
        for t in [1, 3, 8, 20] {
            let x = inputs(t * cols);
            let out = product(&w, &x, t, Precision::Exact);
            for (i, x) in x.chunks_exact(cols).enumerate() {
                for (row, weights) in dense.chunks_exact(cols).enumerate() {
                    let want: f64 = x.iter().zip(weights).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                    let scale: f64 = x.iter().zip(weights).map(|(a, b)| f64::from((a * b).abs())).sum();
                    let got = f64::from(out[i * rows + row]);
                    assert!((got - want).abs() <= 1e-5 * scale, "{block_type:?} t={t} {got} {want}");
                }
            }
        }
    }
}

#[test]
fn rows_and_gathers_agree_with_the_whole() {
    for block_type in BlockType::ALL {
        let w = packed(block_type, 9, 256);
        let mut dense = vec![0.0; 9 * 256];
        w.dequantise_rows(0..9, &mut dense);
        let gathered = w.gather_rows(&[8, 0, 8]).unwrap();
        assert_eq!(gathered[..256], dense[8 * 256..]);
        assert_eq!(gathered[256..512], dense[..256]);
        assert!(w.gather_rows(&[9]).is_err());
    }
}

#[test]
fn fast_products_are_near_the_exact_ones() {
    for block_type in BlockType::ALL {
        let (rows, cols) = (67, 512);
        let w = packed(block_type, rows, cols);
        for t in [1, 3, 40] {
            let x = inputs(t * cols);
            let [exact, fast] = [Precision::Exact, Precision::Fast].map(|p| product(&w, &x, t, p));
            let norm = exact.iter().map(|v| v * v).sum::<f32>().sqrt();
            let off = exact.iter().zip(&fast).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
            assert!(off <= 0.02 * norm, "{block_type:?} t={t}: off by {off} of {norm}");
        }
    }
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    assert!(Packed::new(BlockType::Q4_0, 2, 48, &[0; 36]).is_err(), "half a block");
    assert!(Packed::new(BlockType::Q4_0, 2, 32, &[0; 35]).is_err(), "a byte short");
    assert!(Packed::new(BlockType::Q4_0, 0, 32, &[]).is_err(), "empty");
    assert!(Packed::new(BlockType::F16, usize::MAX, 32, &[]).is_err(), "overflow");
}

#[test]
fn an_odd_address_is_no_trouble() {
    let read = |block_type, bytes: &[u8]| {
        let mut out = vec![0.0; 2 * 256];
        Packed::new(block_type, 2, 256, bytes).unwrap().dequantise_rows(0..2, &mut out);
        out
    };
    for block_type in BlockType::ALL {
        let n = 2 * block_type.row_bytes(256).unwrap();
        let bytes: Vec<u8> = (0..=n).map(|i| (i * 37 % 0x30) as u8).collect();
        let elsewhere = bytes[1..].to_vec();
        assert_eq!(read(block_type, &elsewhere), read(block_type, &bytes[1..]));
    }
}

#[test]
fn a_stopped_product_stops() {
    let w = packed(BlockType::Q8_0, 8, 64);
    for t in [1, 30] {
        let mut out = vec![0.0; t * 8];
        let stop = || anyhow::bail!("stop");
        assert!(matrix::product(&w.matrix(), &inputs(t * 64), t, &mut out, Precision::Exact, &stop).is_err());
    }
}
