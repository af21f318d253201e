//! Dequantisers of what is kept as it is stored: half-width floats, and ggml's K blocks of two and three bits.
//!
//! Layouts: ggml-quants.c; order of operations: `gguf.quants` of the Python package.

use super::BlockType;
use super::wide::wide;

/// One storage type's block: `BYTES` bytes that stand for `ELEMENTS` numbers.
trait Block {
    const ELEMENTS: usize;
    const BYTES: usize;
    /// `bytes` is one block, `out` its numbers.
    fn dequantise(bytes: &[u8], out: &mut [f32]);
}

/// Whole blocks in `bytes` to `out`, with the widest vectors this processor has.
pub(super) fn dequantise(block_type: BlockType, bytes: &[u8], out: &mut [f32]) {
    match block_type {
        BlockType::F16 => all::<F16>(bytes, out),
        BlockType::BF16 => all::<BF16>(bytes, out),
        BlockType::Q2K => all::<Q2K>(bytes, out),
        BlockType::Q3K => all::<Q3K>(bytes, out),
        // Laid out anew, and read by the kernels.
        BlockType::Q4_0
        | BlockType::Q4_1
        | BlockType::Q5_0
        | BlockType::Q5_1
        | BlockType::Q8_0
        | BlockType::Q4K
        | BlockType::Q5K
        | BlockType::Q6K => debug_assert!(false, "{} is kept in panels", block_type.name()),
    }
}

fn all<B: Block>(bytes: &[u8], out: &mut [f32]) {
    wide(
        #[inline(always)]
        || {
            for (block, numbers) in bytes.chunks_exact(B::BYTES).zip(out.chunks_exact_mut(B::ELEMENTS)) {
                B::dequantise(block, numbers);
            }
        },
    );
}

/// A 16-bit float, little endian, at `at`; exact, and without a branch so that loops over it become vectors.
#[inline(always)]
fn half_at(bytes: &[u8], at: usize) -> f32 {
    half(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

#[inline(always)]
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let rest = u32::from(bits & 0x7fff) << 13;
    // Moves the exponent from bias 15 to bias 127; right for subnormals too, for a product by 2^112 is exact.
    let scaled = (f32::from_bits(rest) * f32::from_bits(0x7780_0000)).to_bits();
    let special = if bits & 0x7c00 == 0x7c00 { rest | 0x7f80_0000 } else { scaled };
    f32::from_bits(sign | special)
}

struct F16;

impl Block for F16 {
    const ELEMENTS: usize = 1;
    const BYTES: usize = 2;
    #[inline(always)]
    fn dequantise(bytes: &[u8], out: &mut [f32]) {
        out[0] = half_at(bytes, 0);
    }
}

struct BF16;

impl Block for BF16 {
    const ELEMENTS: usize = 1;
    const BYTES: usize = 2;
    #[inline(always)]
    fn dequantise(bytes: &[u8], out: &mut [f32]) {
        out[0] = f32::from_bits(u32::from(u16::from_le_bytes([bytes[0], bytes[1]])) << 16);
    }
}

/// Small integers through `scale` to floats. In stages over arrays of fixed length: in one loop the compiler does not
/// find the vectors, and is four times slower.
#[inline(always)]
fn scaled<const N: usize>(q: &[i8; N], out: &mut [f32], scale: impl Fn(f32) -> f32) {
    let mut numbers = [0.0; N];
    for i in 0..N {
        numbers[i] = f32::from(q[i]);
    }
    for number in &mut numbers {
        *number = scale(*number);
    }
    out.copy_from_slice(&numbers);
}

/// Numbers of one scale in Q2_K and Q3_K.
const GROUP: usize = 16;

/// One group of the 128 numbers that half a block has.
#[inline(always)]
fn group(q: &[i8; 128], at: usize) -> [i8; GROUP] {
    let mut group = [0; GROUP];
    group.copy_from_slice(&q[at * GROUP..(at + 1) * GROUP]);
    group
}

struct Q2K;

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

struct Q3K;

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

#[cfg(test)]
mod tests {
    #[test]
    fn every_half_width_float_is_exact() {
        for bits in 0..=u16::MAX {
            let (ours, theirs) = (super::half(bits), half::f16::from_bits(bits).to_f32_const());
            assert!(ours == theirs || (ours.is_nan() && theirs.is_nan()), "{bits:#06x}: {ours} and {theirs}");
            assert_eq!(ours.is_sign_negative(), theirs.is_sign_negative(), "{bits:#06x}");
        }
    }
}
