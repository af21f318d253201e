//! Packed against itself and against plain f32; that the digits are the reference's is a golden's work.

use super::*;
use candle_core::DType;

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

#[test]
fn exact_products_are_those_of_the_dequantised_matrix() {
    for block_type in BlockType::ALL {
        let (rows, cols) = (131, 512);
        let w = packed(block_type, rows, cols);
        let mut dense = vec![0.0; rows * cols];
        w.dequantise_rows(0..rows, &mut dense);
        for t in [1, 3, MAX, 20] {
            let x = inputs(t * cols);
            let mut out = vec![0.0; t * rows];
            w.matmul_exact(&x, t, &mut out, &|| Ok(())).unwrap();
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

const MAX: usize = matmul::MAX_FUSED;

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
        let (rows, cols, t) = (67, 512, 3);
        let w = packed(block_type, rows, cols);
        let x = inputs(t * cols);
        let mut exact = vec![0.0; t * rows];
        w.matmul_exact(&x, t, &mut exact, &|| Ok(())).unwrap();
        let x = Tensor::from_vec(x, (t, cols), &Device::Cpu).unwrap();
        let fast = w.matmul_fast(&x).unwrap().to_dtype(DType::F32).unwrap();
        assert_eq!(fast.dims(), [t, rows]);
        let fast = fast.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let norm = exact.iter().map(|v| v * v).sum::<f32>().sqrt();
        let off = exact.iter().zip(&fast).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
        assert!(off <= 0.02 * norm, "{block_type:?}: off by {off} of {norm}");
    }
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    assert!(Packed::new(BlockType::Q4_0, 2, 48, &[0; 36]).is_err(), "half a block");
    assert!(Packed::new(BlockType::Q4_0, 2, 32, &[0; 35]).is_err(), "a byte short");
    assert!(Packed::new(BlockType::Q4_0, 0, 32, &[]).is_err(), "empty");
    assert!(Packed::new(BlockType::F16, usize::MAX, 32, &[]).is_err(), "overflow");
    let w = packed(BlockType::Q4_0, 4, 64);
    assert!(w.matmul_exact(&[0.0; 63], 1, &mut [0.0; 4], &|| Ok(())).is_err());
    let x = Tensor::zeros((1, 32), DType::F32, &Device::Cpu).unwrap();
    assert!(w.matmul_fast(&x).is_err());
}

#[test]
fn an_odd_address_is_no_trouble() {
    let w = packed(BlockType::Q4_1, 2, 64);
    let mut bytes = vec![0u8];
    bytes.extend_from_slice(&w.data());
    for skew in 0..2 {
        let mut shifted = vec![0u8; skew];
        shifted.extend_from_slice(&bytes[1..]);
        let again = Packed::new(BlockType::Q4_1, 2, 64, &shifted[skew..]).unwrap();
        assert_eq!(again.data(), w.data());
    }
}

#[test]
fn a_stopped_product_stops() {
    let w = packed(BlockType::Q8_0, 8, 64);
    for t in [1, 30] {
        let mut out = vec![0.0; t * 8];
        let stopped = w.matmul_exact(&inputs(t * 64), t, &mut out, &|| anyhow::bail!("stop"));
        assert!(stopped.is_err());
    }
}
