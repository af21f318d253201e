//! Dequantisers of ggml's 256-element K blocks.

use super::blocks::{Block, half_at};

pub(super) struct Q2K;

/// `scales[16] qs[64] d dmin`: 16 groups of 16, each with a 4-bit scale and a 4-bit minimum.
impl Block for Q2K {
    const ELEMENTS: usize = 256;
    const BYTES: usize = 84;
    #[inline(always)]
    fn dequantise(bytes: &[u8], out: &mut [f32]) {
        let (scales, qs) = (&bytes[..16], &bytes[16..80]);
        let (d, d_min) = (half_at(bytes, 80), half_at(bytes, 82));
        for (group, out) in out.chunks_exact_mut(16).enumerate() {
            let scale = d * f32::from(scales[group] & 15);
            let minimum = d_min * f32::from(scales[group] >> 4);
            // 128 numbers lie in 32 bytes, two bits a turn.
            let (half, shift) = (group / 8, group % 8 / 2 * 2);
            let start = half * 32 + group % 2 * 16;
            for (q, out) in qs[start..start + 16].iter().zip(out) {
                *out = scale * i32::from((q >> shift) & 3) as f32 - minimum;
            }
        }
    }
}

pub(super) struct Q3K;

/// `hmask[32] qs[64] scales[12] d`: 16 groups of 16, each with a 6-bit scale.
impl Block for Q3K {
    const ELEMENTS: usize = 256;
    const BYTES: usize = 110;
    #[inline(always)]
    fn dequantise(bytes: &[u8], out: &mut [f32]) {
        let (mask, qs, scales) = (&bytes[..32], &bytes[32..96], &bytes[96..108]);
        let d = half_at(bytes, 108);
        for (group, out) in out.chunks_exact_mut(16).enumerate() {
            let low = (scales[group % 8] >> (group / 8 * 4)) & 15;
            let high = (scales[8 + group % 4] >> (group / 4 * 2)) & 3;
            let scale = d * (i32::from(low | (high << 4)) - 32) as f32;
            let (half, turn, odd) = (group / 8, group % 8 / 2, group % 2 * 16);
            let qs = &qs[half * 32 + odd..half * 32 + odd + 16];
            for ((q, mask), out) in qs.iter().zip(&mask[odd..odd + 16]).zip(out) {
                let low = i32::from((q >> (turn * 2)) & 3);
                // A set bit means no offset.
                let offset = i32::from((mask >> (half * 4 + turn)) & 1 ^ 1) << 2;
                *out = scale * (low - offset) as f32;
            }
        }
    }
}

/// The 6-bit scale and minimum of sub-block `j` of 8, from the 12 bytes they share.
#[inline(always)]
fn scale_and_min(scales: &[u8], j: usize) -> (f32, f32) {
    let (scale, minimum) = if j < 4 {
        (scales[j] & 63, scales[j + 4] & 63)
    } else {
        let both = scales[j + 4];
        ((both & 15) | ((scales[j - 4] >> 2) & 0x30), (both >> 4) | ((scales[j] >> 2) & 0x30))
    };
    (f32::from(scale), f32::from(minimum))
}

pub(super) struct Q4K;

/// `d dmin scales[12] qs[128]`: 8 groups of 32.
impl Block for Q4K {
    const ELEMENTS: usize = 256;
    const BYTES: usize = 144;
    #[inline(always)]
    fn dequantise(bytes: &[u8], out: &mut [f32]) {
        let (d, d_min) = (half_at(bytes, 0), half_at(bytes, 2));
        let (scales, qs) = (&bytes[4..16], &bytes[16..144]);
        for (pair, (qs, out)) in qs.chunks_exact(32).zip(out.chunks_exact_mut(64)).enumerate() {
            let (low, high) = out.split_at_mut(32);
            let (scale, minimum) = scale_and_min(scales, pair * 2);
            let (d0, m0) = (d * scale, d_min * minimum);
            let (scale, minimum) = scale_and_min(scales, pair * 2 + 1);
            let (d1, m1) = (d * scale, d_min * minimum);
            for ((q, low), high) in qs.iter().zip(low).zip(high) {
                *low = d0 * i32::from(q & 15) as f32 - m0;
                *high = d1 * i32::from(q >> 4) as f32 - m1;
            }
        }
    }
}

pub(super) struct Q5K;

/// `d dmin scales[12] qh[32] qs[128]`: 8 groups of 32.
impl Block for Q5K {
    const ELEMENTS: usize = 256;
    const BYTES: usize = 176;
    #[inline(always)]
    fn dequantise(bytes: &[u8], out: &mut [f32]) {
        let (d, d_min) = (half_at(bytes, 0), half_at(bytes, 2));
        let (scales, fifth, qs) = (&bytes[4..16], &bytes[16..48], &bytes[48..176]);
        for (pair, (qs, out)) in qs.chunks_exact(32).zip(out.chunks_exact_mut(64)).enumerate() {
            let (low, high) = out.split_at_mut(32);
            let (scale, minimum) = scale_and_min(scales, pair * 2);
            let (d0, m0) = (d * scale, d_min * minimum);
            let (scale, minimum) = scale_and_min(scales, pair * 2 + 1);
            let (d1, m1) = (d * scale, d_min * minimum);
            for (((q, h), low), high) in qs.iter().zip(fifth).zip(low).zip(high) {
                let h = h >> (pair * 2);
                *low = d0 * i32::from((q & 15) | ((h & 1) << 4)) as f32 - m0;
                *high = d1 * i32::from((q >> 4) | ((h & 2) << 3)) as f32 - m1;
            }
        }
    }
}

pub(super) struct Q6K;

/// `ql[128] qh[64] scales[16] d`: 16 groups of 16, each with an 8-bit signed scale.
impl Block for Q6K {
    const ELEMENTS: usize = 256;
    const BYTES: usize = 210;
    #[inline(always)]
    fn dequantise(bytes: &[u8], out: &mut [f32]) {
        let (ql, qh, scales) = (&bytes[..128], &bytes[128..192], &bytes[192..208]);
        let d = half_at(bytes, 208);
        for (group, out) in out.chunks_exact_mut(16).enumerate() {
            let scale = d * f32::from(scales[group].cast_signed());
            // 128 numbers: four runs of 32, low bits from 64 bytes in two turns, high bits from 32 in four.
            let (half, run, odd) = (group / 8, group % 8 / 2, group % 2 * 16);
            let low_start = half * 64 + run % 2 * 32 + odd;
            let high_start = half * 32 + odd;
            let (low_shift, high_shift) = (run / 2 * 4, run * 2);
            let low = &ql[low_start..low_start + 16];
            let high = &qh[high_start..high_start + 16];
            for ((low, high), out) in low.iter().zip(high).zip(out) {
                let q = i32::from((low >> low_shift) & 15) | (i32::from((high >> high_shift) & 3) << 4);
                *out = scale * (q - 32) as f32;
            }
        }
    }
}
