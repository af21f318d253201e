//! Between f32 and the two half precisions, as fast as memory.
#![expect(unsafe_code, reason = "half precision has instructions of its own")]

use half::{bf16, f16};

use crate::dispatch::{Isa, vectorised};

/// The nearest bf16, ties to even; what is not a number stays so.
#[inline(always)]
pub(super) fn nearest(x: f32) -> bf16 {
    let bits = x.to_bits();
    let rounded = (bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16;
    let quiet = (bits >> 16) as u16 | 0x40;
    bf16::from_bits(if bits & 0x7fff_ffff > 0x7f80_0000 { quiet } else { rounded })
}

vectorised! {
    /// Rounds each value to bf16.
    pub(super) fn narrow(from: &[f32], to: &mut [bf16]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = nearest(*from);
        }
    }
}

vectorised! {
    /// Widens each value.
    pub(super) fn widen_bf16(from: &[bf16], to: &mut [f32]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = f32::from_bits(u32::from(from.to_bits()) << 16);
        }
    }
}

/// Widens each value.
pub(super) fn widen_f16(isa: Isa, from: &[f16], to: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if isa >= Isa::Avx2 {
        // SAFETY: an `Isa` is only ever run up to what was detected, and AVX2 stands for F16C too.
        unsafe { widen_f16_f16c(from, to) };
        return;
    }
    let _isa = isa;
    from.iter().zip(to).for_each(|(from, to)| *to = from.to_f32_const());
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,f16c")]
fn widen_f16_f16c(from: &[f16], to: &mut [f32]) {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm256_cvtph_ps, _mm256_storeu_ps};
    let mut to_chunks = to.chunks_exact_mut(8);
    let mut from_chunks = from.chunks_exact(8);
    for (to, from) in (&mut to_chunks).zip(&mut from_chunks) {
        // SAFETY: both hold eight values.
        unsafe {
            let halves = _mm_loadu_si128(from.as_ptr().cast::<__m128i>());
            _mm256_storeu_ps(to.as_mut_ptr(), _mm256_cvtph_ps(halves));
        }
    }
    let rest = from.len() / 8 * 8;
    to.iter_mut().skip(rest).zip(&from[rest..]).for_each(|(to, from)| *to = from.to_f32_const());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_isa_converts_alike_and_keeps_what_is_not_a_number() {
        let mut values: Vec<f32> =
            (0..3000u32).map(|i| f32::from_bits(i.wrapping_mul(0x9e37_79b9))).collect();
        values.extend([f32::NAN, -f32::NAN, f32::from_bits(0x7f80_0001), f32::INFINITY, f32::MAX, 0.0, -0.0]);
        for isa in Isa::available() {
            let mut narrow_values = vec![bf16::ZERO; values.len()];
            narrow(isa, &values, &mut narrow_values);
            for (from, to) in values.iter().zip(&narrow_values) {
                assert_eq!(to.to_bits(), bf16::from_f32(*from).to_bits(), "{from} {isa}");
            }
            let mut wide = vec![0.0; values.len()];
            widen_bf16(isa, &narrow_values, &mut wide);
            assert!(
                wide.iter().zip(&narrow_values).all(|(w, n)| w.to_bits() >> 16 == u32::from(n.to_bits()))
            );
            let halves: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
            let mut wide = vec![0.0; halves.len()];
            widen_f16(isa, &halves, &mut wide);
            for (from, to) in halves.iter().zip(&wide) {
                assert!(from.to_f32_const() == *to || from.is_nan() && to.is_nan(), "{from} {isa}");
            }
        }
    }
}
