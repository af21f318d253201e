//! Dequantisers of ggml's 256-element K blocks.

use super::blocks::{Block, half_at, scaled};

/// Numbers of one scale in Q2_K, Q3_K and Q6_K.
const GROUP: usize = 16;

/// One group of the 128 numbers that half a block has.
#[inline(always)]
fn group(q: &[i8; 128], at: usize) -> [i8; GROUP] {
    let mut group = [0; GROUP];
    group.copy_from_slice(&q[at * GROUP..(at + 1) * GROUP]);
    group
}

pub(super) struct Q2K;

/// `scales[16] qs[64] d dmin`: 16 groups of 16, each with a 4-bit scale and a 4-bit minimum.
impl Block for Q2K {
    const ELEMENTS: usize = 256;
    const BYTES: usize = 84;
    #[inline(always)]
    fn dequantise(bytes: &[u8], out: &mut [f32]) {
        let (scales, qs) = (&bytes[..16], &bytes[16..80]);
        let (d, d_min) = (half_at(bytes, 80), half_at(bytes, 82));
        for half in 0..2 {
            let q = pairs_of_bits(&qs[half * 32..half * 32 + 32]);
            for (turn, out) in out[half * 128..half * 128 + 128].chunks_exact_mut(GROUP).enumerate() {
                let both = scales[half * 8 + turn];
                let scale = d * f32::from(both & 15);
                let minimum = d_min * f32::from(both >> 4);
                scaled(&group(&q, turn), out, |q| scale * q - minimum);
            }
        }
    }
}

/// 128 numbers of two bits from 32 bytes: the lowest two of all bytes first.
#[inline(always)]
fn pairs_of_bits(bytes: &[u8]) -> [i8; 128] {
    let mut q = [0; 128];
    for i in 0..32 {
        q[i] = (bytes[i] & 3).cast_signed();
        q[32 + i] = ((bytes[i] >> 2) & 3).cast_signed();
        q[64 + i] = ((bytes[i] >> 4) & 3).cast_signed();
        q[96 + i] = (bytes[i] >> 6).cast_signed();
    }
    q
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
        for half in 0..2 {
            let mut q = pairs_of_bits(&qs[half * 32..half * 32 + 32]);
            for i in 0..32 {
                // Each turn of 32 has a bit of its own in the mask; an unset one means an offset of 4.
                let offsets = !mask[i] >> (half * 4);
                q[i] -= ((offsets & 1) << 2).cast_signed();
                q[32 + i] -= ((offsets & 2) << 1).cast_signed();
                q[64 + i] -= (offsets & 4).cast_signed();
                q[96 + i] -= ((offsets & 8) >> 1).cast_signed();
            }
            for (turn, out) in out[half * 128..half * 128 + 128].chunks_exact_mut(GROUP).enumerate() {
                let at = half * 8 + turn;
                let low = (scales[at % 8] >> (at / 8 * 4)) & 15;
                let high = (scales[8 + at % 4] >> (at / 4 * 2)) & 3;
                let scale = d * f32::from((low | (high << 4)).cast_signed() - 32);
                scaled(&group(&q, turn), out, |q| scale * q);
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

/// Both 4-bit numbers of 32 bytes: the low ones, the high ones.
#[inline(always)]
fn halves(bytes: &[u8]) -> [[i8; 32]; 2] {
    let mut q = [[0; 32]; 2];
    for i in 0..32 {
        q[0][i] = (bytes[i] & 15).cast_signed();
        q[1][i] = (bytes[i] >> 4).cast_signed();
    }
    q
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
        for pair in 0..4 {
            let q = halves(&qs[pair * 32..pair * 32 + 32]);
            let (low, high) = out[pair * 64..pair * 64 + 64].split_at_mut(32);
            for (q, out, j) in [(&q[0], low, pair * 2), (&q[1], high, pair * 2 + 1)] {
                let (scale, minimum) = scale_and_min(scales, j);
                let (d, m) = (d * scale, d_min * minimum);
                scaled(q, out, |q| d * q - m);
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
        for pair in 0..4 {
            let mut q = halves(&qs[pair * 32..pair * 32 + 32]);
            for i in 0..32 {
                let bits = fifth[i] >> (pair * 2);
                q[0][i] |= ((bits & 1) << 4).cast_signed();
                q[1][i] |= ((bits & 2) << 3).cast_signed();
            }
            let (low, high) = out[pair * 64..pair * 64 + 64].split_at_mut(32);
            for (q, out, j) in [(&q[0], low, pair * 2), (&q[1], high, pair * 2 + 1)] {
                let (scale, minimum) = scale_and_min(scales, j);
                let (d, m) = (d * scale, d_min * minimum);
                scaled(q, out, |q| d * q - m);
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
        let scales = &bytes[192..208];
        let d = half_at(bytes, 208);
        for half in 0..2 {
            let low = &bytes[half * 64..half * 64 + 64];
            let high = &bytes[128 + half * 32..128 + half * 32 + 32];
            let mut q = [0; 128];
            for i in 0..32 {
                let (a, b, h) = (low[i], low[32 + i], high[i]);
                q[i] = ((a & 15) | ((h & 3) << 4)).cast_signed() - 32;
                q[32 + i] = ((b & 15) | (((h >> 2) & 3) << 4)).cast_signed() - 32;
                q[64 + i] = ((a >> 4) | (((h >> 4) & 3) << 4)).cast_signed() - 32;
                q[96 + i] = ((b >> 4) | ((h >> 6) << 4)).cast_signed() - 32;
            }
            for (turn, out) in out[half * 128..half * 128 + 128].chunks_exact_mut(GROUP).enumerate() {
                let scale = d * f32::from(scales[half * 8 + turn].cast_signed());
                scaled(&group(&q, turn), out, |q| scale * q);
            }
        }
    }
}
