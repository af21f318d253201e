//! Lanes of AVX-512.
#![expect(unsafe_code, reason = "calls intrinsics")]

use std::arch::x86_64::*;

use half::{bf16, f16};

use super::Lanes;
use crate::dispatch::Isa;

/// Sixteen lanes.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
    pub(crate) fn new() -> Self {
        Self(())
    }
}

macro_rules! run {
    ($e:expr) => {
        // SAFETY: an `Avx512` is only made where AVX-512 is enabled; addresses are the caller's promise.
        unsafe { $e }
    };
}

impl Lanes for Avx512 {
    const ISA: Isa = Isa::Avx512;
    const N: usize = 16;
    const VECTORS: usize = 4;
    type F = __m512;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        run!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    unsafe fn load_at(self, x: *const f32) -> __m512 {
        run!(_mm512_loadu_ps(x))
    }
    #[inline(always)]
    unsafe fn store_at(self, x: *mut f32, v: __m512) {
        run!(_mm512_storeu_ps(x, v));
    }
    #[inline(always)]
    unsafe fn load_some(self, x: *const f32, n: usize, fill: f32) -> __m512 {
        run!(_mm512_mask_loadu_ps(_mm512_set1_ps(fill), (1 << n) - 1, x))
    }
    #[inline(always)]
    unsafe fn store_some(self, x: *mut f32, n: usize, v: __m512) {
        run!(_mm512_mask_storeu_ps(x, (1 << n) - 1, v));
    }
    #[inline(always)]
    unsafe fn load_bf16(self, x: *const bf16) -> __m512 {
        run!({
            let halves = _mm512_cvtepu16_epi32(_mm256_loadu_si256(x.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(halves))
        })
    }
    #[inline(always)]
    unsafe fn load_f16(self, x: *const f16) -> __m512 {
        run!(_mm512_cvtph_ps(_mm256_loadu_si256(x.cast())))
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        run!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        run!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        run!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        run!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        run!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        run!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        run!(_mm512_min_ps(a, b))
    }
    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        run!(_mm512_sqrt_ps(a))
    }
    #[inline(always)]
    fn round(self, a: __m512) -> __m512 {
        run!(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }
    #[inline(always)]
    fn scale2(self, a: __m512, n: __m512) -> __m512 {
        run!(_mm512_scalef_ps(a, n))
    }
    #[inline(always)]
    fn select_ge(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        run!(_mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(a, b), no, yes))
    }
    #[inline(always)]
    unsafe fn transpose(self, src: *const f32, src_stride: usize, dst: *mut f32, dst_stride: usize) {
        run!({
            let mut r = [_mm512_setzero_ps(); 16];
            for (i, r) in r.iter_mut().enumerate() {
                *r = _mm512_loadu_ps(src.add(i * src_stride));
            }
            // Quarter q of u[4g + c] holds column 4q + c of rows 4g to 4g + 3.
            let mut u = r;
            for g in [0, 4, 8, 12] {
                let lo = |a, b| _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
                let hi = |a, b| _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
                let (a, b) = (lo(r[g], r[g + 1]), lo(r[g + 2], r[g + 3]));
                let (c, d) = (hi(r[g], r[g + 1]), hi(r[g + 2], r[g + 3]));
                u[g] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
                u[g + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
                u[g + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(c, d));
                u[g + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(c, d));
            }
            for c in 0..4 {
                let even = _mm512_shuffle_f32x4::<0x88>(u[c], u[4 + c]);
                let odd = _mm512_shuffle_f32x4::<0xdd>(u[c], u[4 + c]);
                let even_below = _mm512_shuffle_f32x4::<0x88>(u[8 + c], u[12 + c]);
                let odd_below = _mm512_shuffle_f32x4::<0xdd>(u[8 + c], u[12 + c]);
                _mm512_storeu_ps(dst.add(c * dst_stride), _mm512_shuffle_f32x4::<0x88>(even, even_below));
                _mm512_storeu_ps(dst.add((4 + c) * dst_stride), _mm512_shuffle_f32x4::<0x88>(odd, odd_below));
                _mm512_storeu_ps(
                    dst.add((8 + c) * dst_stride),
                    _mm512_shuffle_f32x4::<0xdd>(even, even_below),
                );
                _mm512_storeu_ps(
                    dst.add((12 + c) * dst_stride),
                    _mm512_shuffle_f32x4::<0xdd>(odd, odd_below),
                );
            }
        });
    }
}
