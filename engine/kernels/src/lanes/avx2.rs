//! Lanes of AVX2 with FMA.
#![expect(unsafe_code, reason = "calls intrinsics")]

use std::arch::x86_64::*;

use half::{bf16, f16};

use super::Lanes;
use crate::dispatch::Isa;

/// Eight lanes.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(crate) fn new() -> Self {
        Self(())
    }
}

macro_rules! run {
    ($e:expr) => {
        // SAFETY: an `Avx2` is only made where AVX2 and FMA are enabled; addresses are the caller's promise.
        unsafe { $e }
    };
}

/// All bits of the first `n` lanes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn first(n: usize) -> __m256i {
    let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), lanes)
}

impl Lanes for Avx2 {
    const ISA: Isa = Isa::Avx2;
    const N: usize = 8;
    const VECTORS: usize = 2;
    type F = __m256;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        run!(_mm256_set1_ps(x))
    }
    #[inline(always)]
    unsafe fn load_at(self, x: *const f32) -> __m256 {
        run!(_mm256_loadu_ps(x))
    }
    #[inline(always)]
    unsafe fn store_at(self, x: *mut f32, v: __m256) {
        run!(_mm256_storeu_ps(x, v));
    }
    #[inline(always)]
    unsafe fn load_some(self, x: *const f32, n: usize, fill: f32) -> __m256 {
        run!({
            let mask = first(n);
            let filled = _mm256_set1_ps(fill);
            _mm256_blendv_ps(filled, _mm256_maskload_ps(x, mask), _mm256_castsi256_ps(mask))
        })
    }
    #[inline(always)]
    unsafe fn store_some(self, x: *mut f32, n: usize, v: __m256) {
        run!(_mm256_maskstore_ps(x, first(n), v));
    }
    #[inline(always)]
    unsafe fn load_bf16(self, x: *const bf16) -> __m256 {
        run!({
            let halves = _mm256_cvtepu16_epi32(_mm_loadu_si128(x.cast()));
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(halves))
        })
    }
    #[inline(always)]
    unsafe fn load_f16(self, x: *const f16) -> __m256 {
        run!(_mm256_cvtph_ps(_mm_loadu_si128(x.cast())))
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        run!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        run!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        run!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        run!(_mm256_div_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        run!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        run!(_mm256_max_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        run!(_mm256_min_ps(a, b))
    }
    #[inline(always)]
    fn sqrt(self, a: __m256) -> __m256 {
        run!(_mm256_sqrt_ps(a))
    }
    #[inline(always)]
    fn round(self, a: __m256) -> __m256 {
        run!(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }
    #[inline(always)]
    fn scale2(self, a: __m256, n: __m256) -> __m256 {
        // In two steps, so that both factors are normal numbers at either end of the range.
        run!({
            let n = _mm256_cvtps_epi32(n);
            let first = _mm256_srai_epi32::<1>(n);
            let bias = _mm256_set1_epi32(127);
            let x = _mm256_slli_epi32::<23>(_mm256_add_epi32(first, bias));
            let y = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_sub_epi32(n, first), bias));
            _mm256_mul_ps(_mm256_mul_ps(a, _mm256_castsi256_ps(x)), _mm256_castsi256_ps(y))
        })
    }
    #[inline(always)]
    fn select_ge(self, a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 {
        run!(_mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GE_OQ>(a, b)))
    }
    #[inline(always)]
    unsafe fn transpose(self, src: *const f32, src_stride: usize, dst: *mut f32, dst_stride: usize) {
        run!({
            let mut r = [_mm256_setzero_ps(); 8];
            for (i, r) in r.iter_mut().enumerate() {
                *r = _mm256_loadu_ps(src.add(i * src_stride));
            }
            // Each half of u[4g + c] holds one column (c, or 4 + c) of rows 4g to 4g + 3.
            let mut u = r;
            for g in [0, 4] {
                let lo = |a, b| _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
                let hi = |a, b| _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
                let (a, b) = (lo(r[g], r[g + 1]), lo(r[g + 2], r[g + 3]));
                let (c, d) = (hi(r[g], r[g + 1]), hi(r[g + 2], r[g + 3]));
                u[g] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
                u[g + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
                u[g + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(c, d));
                u[g + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(c, d));
            }
            for c in 0..4 {
                let top = _mm256_permute2f128_ps::<0x20>(u[c], u[4 + c]);
                let bottom = _mm256_permute2f128_ps::<0x31>(u[c], u[4 + c]);
                _mm256_storeu_ps(dst.add(c * dst_stride), top);
                _mm256_storeu_ps(dst.add((4 + c) * dst_stride), bottom);
            }
        });
    }
}
