//! ggml's blocks as files have them (`ggml-quants.c`): where a group's quants and scales are in one.

use super::QuantType;
use super::layout::GROUP;

/// The quants of group `j` of a block, unsigned.
#[inline(always)]
pub(super) fn quants(quant_type: QuantType, block: &[u8], j: usize) -> [u8; GROUP] {
    match quant_type {
        QuantType::Q4_0 => nibbles(&block[2..18]),
        QuantType::Q4_1 => nibbles(&block[4..20]),
        QuantType::Q5_0 => with_fifth(nibbles(&block[6..22]), &block[2..6]),
        QuantType::Q5_1 => with_fifth(nibbles(&block[8..24]), &block[4..8]),
        QuantType::Q8_0 => std::array::from_fn(|i| block[2 + i] ^ 0x80),
        // `d dmin scales[12] qs[128]`: of 32 bytes the low halves are one group, the high halves the next.
        QuantType::Q4K => halves(&block[16 + j / 2 * 32..], j),
        // `d dmin scales[12] qh[32] qs[128]`
        QuantType::Q5K => {
            let q = halves(&block[48 + j / 2 * 32..], j);
            std::array::from_fn(|i| q[i] | (block[16 + i] >> j & 1) << 4)
        }
        // `ql[128] qh[64] scales[16] d`: each half of the block has 64 bytes of low and 32 of high bits.
        QuantType::Q6K => {
            let (half, turn) = (j / 4, j % 4);
            let low = &block[half * 64 + turn % 2 * 32..];
            let high = &block[128 + half * 32..];
            std::array::from_fn(|i| (low[i] >> (turn / 2 * 4) & 15) | (high[i] >> (turn * 2) & 3) << 4)
        }
    }
}

/// The numbers of a block of 32: its low halves, then its high halves.
#[inline(always)]
fn nibbles(bytes: &[u8]) -> [u8; GROUP] {
    std::array::from_fn(|i| if i < 16 { bytes[i] & 15 } else { bytes[i - 16] >> 4 })
}

/// The fifth bits lie together in four bytes.
#[inline(always)]
fn with_fifth(q: [u8; GROUP], fifth: &[u8]) -> [u8; GROUP] {
    std::array::from_fn(|i| q[i] | (fifth[i / 8] >> (i % 8) & 1) << 4)
}

#[inline(always)]
fn halves(bytes: &[u8], j: usize) -> [u8; GROUP] {
    std::array::from_fn(|i| bytes[i] >> (j % 2 * 4) & 15)
}

/// The 6-bit scale and minimum of group `j` of a Q4_K or Q5_K block, from the 12 bytes they share.
#[inline(always)]
pub(super) fn scale_and_minimum(block: &[u8], j: usize) -> (u8, u8) {
    let scales = &block[4..16];
    if j < 4 {
        (scales[j] & 63, scales[j + 4] & 63)
    } else {
        let both = scales[j + 4];
        ((both & 15) | (scales[j - 4] >> 2 & 0x30), (both >> 4) | (scales[j] >> 2 & 0x30))
    }
}
