//! Dequantisers of half-width floats and of the 32-element blocks, and the door to all of them.
//!
//! Layouts: ggml-quants.c; order of operations: `gguf.quants` of the Python package.

use super::BlockType;
use super::k_blocks::{Q2K, Q3K, Q4K, Q5K, Q6K};
use super::wide::wide;

/// One storage type's block: `BYTES` bytes that stand for `ELEMENTS` numbers.
pub(super) trait Block {
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
        BlockType::Q4_0 => all::<Q4_0>(bytes, out),
        BlockType::Q4_1 => all::<Q4_1>(bytes, out),
        BlockType::Q5_0 => all::<Q5_0>(bytes, out),
        BlockType::Q5_1 => all::<Q5_1>(bytes, out),
        BlockType::Q8_0 => all::<Q8_0>(bytes, out),
        BlockType::Q2K => all::<Q2K>(bytes, out),
        BlockType::Q3K => all::<Q3K>(bytes, out),
        BlockType::Q4K => all::<Q4K>(bytes, out),
        BlockType::Q5K => all::<Q5K>(bytes, out),
        BlockType::Q6K => all::<Q6K>(bytes, out),
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
pub(super) fn half_at(bytes: &[u8], at: usize) -> f32 {
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
pub(super) fn scaled<const N: usize>(q: &[i8; N], out: &mut [f32], scale: impl Fn(f32) -> f32) {
    let mut numbers = [0.0; N];
    for i in 0..N {
        numbers[i] = f32::from(q[i]);
    }
    for number in &mut numbers {
        *number = scale(*number);
    }
    out.copy_from_slice(&numbers);
}

/// The numbers of a block: its low halves, then its high halves.
#[inline(always)]
fn nibbles(bytes: &[u8]) -> [i8; 32] {
    let mut q = [0; 32];
    for i in 0..16 {
        q[i] = (bytes[i] & 15).cast_signed();
        q[16 + i] = (bytes[i] >> 4).cast_signed();
    }
    q
}

/// The same with the fifth bits, which lie together in four bytes.
#[inline(always)]
fn five_bits(bytes: &[u8], fifth: &[u8]) -> [i8; 32] {
    let mut q = nibbles(&bytes[..16]);
    for (i, q) in q.iter_mut().enumerate() {
        *q |= (((fifth[i / 8] >> (i % 8)) & 1) << 4).cast_signed();
    }
    q
}

struct Q4_0;

impl Block for Q4_0 {
    const ELEMENTS: usize = 32;
    const BYTES: usize = 18;
    #[inline(always)]
    fn dequantise(bytes: &[u8], out: &mut [f32]) {
        let d = half_at(bytes, 0);
        let q = nibbles(&bytes[2..18]);
        scaled(&q.map(|q| q - 8), out, |q| d * q);
    }
}

struct Q4_1;

impl Block for Q4_1 {
    const ELEMENTS: usize = 32;
    const BYTES: usize = 20;
    #[inline(always)]
    fn dequantise(bytes: &[u8], out: &mut [f32]) {
        let (d, m) = (half_at(bytes, 0), half_at(bytes, 2));
        let q = nibbles(&bytes[4..20]);
        scaled(&q, out, |q| d * q + m);
    }
}

struct Q5_0;

impl Block for Q5_0 {
    const ELEMENTS: usize = 32;
    const BYTES: usize = 22;
    #[inline(always)]
    fn dequantise(bytes: &[u8], out: &mut [f32]) {
        let d = half_at(bytes, 0);
        let q = five_bits(&bytes[6..22], &bytes[2..6]);
        scaled(&q.map(|q| q - 16), out, |q| d * q);
    }
}

struct Q5_1;

impl Block for Q5_1 {
    const ELEMENTS: usize = 32;
    const BYTES: usize = 24;
    #[inline(always)]
    fn dequantise(bytes: &[u8], out: &mut [f32]) {
        let (d, m) = (half_at(bytes, 0), half_at(bytes, 2));
        let q = five_bits(&bytes[8..24], &bytes[4..8]);
        scaled(&q, out, |q| d * q + m);
    }
}

struct Q8_0;

impl Block for Q8_0 {
    const ELEMENTS: usize = 32;
    const BYTES: usize = 34;
    #[inline(always)]
    fn dequantise(bytes: &[u8], out: &mut [f32]) {
        let d = half_at(bytes, 0);
        let mut q = [0; 32];
        for i in 0..32 {
            q[i] = bytes[2 + i].cast_signed();
        }
        scaled(&q, out, |q| q * d);
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
