//! Lanes for any processor: four values that the compiler puts into a vector where it can. The reference for
//! the others.
#![expect(unsafe_code, reason = "loads and stores vectors by address")]

use half::{bf16, f16};

use super::Lanes;
use crate::dispatch::Isa;

/// Four lanes of plain Rust.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

type F = [f32; 4];

#[inline(always)]
fn each(f: impl Fn(usize) -> f32) -> F {
    [f(0), f(1), f(2), f(3)]
}

impl Lanes for Portable {
    const ISA: Isa = Isa::Scalar;
    const N: usize = 4;
    const VECTORS: usize = 2;
    type F = F;

    #[inline(always)]
    fn splat(self, x: f32) -> F {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn load_at(self, x: *const f32) -> F {
        // SAFETY: the caller's promise; no alignment is asked for.
        unsafe { x.cast::<F>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store_at(self, x: *mut f32, v: F) {
        // SAFETY: the caller's promise; no alignment is asked for.
        unsafe { x.cast::<F>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn load_some(self, x: *const f32, n: usize, fill: f32) -> F {
        // SAFETY: the caller's promise.
        each(|i| if i < n { unsafe { *x.add(i) } } else { fill })
    }
    #[inline(always)]
    unsafe fn store_some(self, x: *mut f32, n: usize, v: F) {
        for (i, v) in v.into_iter().enumerate().take(n) {
            // SAFETY: the caller's promise.
            unsafe { *x.add(i) = v };
        }
    }
    #[inline(always)]
    unsafe fn load_bf16(self, x: *const bf16) -> F {
        // SAFETY: the caller's promise.
        each(|i| f32::from_bits(u32::from(unsafe { *x.add(i) }.to_bits()) << 16))
    }
    #[inline(always)]
    unsafe fn load_f16(self, x: *const f16) -> F {
        // SAFETY: the caller's promise.
        each(|i| unsafe { *x.add(i) }.to_f32_const())
    }
    #[inline(always)]
    fn add(self, a: F, b: F) -> F {
        each(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: F, b: F) -> F {
        each(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: F, b: F) -> F {
        each(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn div(self, a: F, b: F) -> F {
        each(|i| a[i] / b[i])
    }
    #[inline(always)]
    fn mul_add(self, a: F, b: F, c: F) -> F {
        // Without the instruction `f32::mul_add` is a slow call.
        if cfg!(target_arch = "aarch64") {
            each(|i| a[i].mul_add(b[i], c[i]))
        } else {
            each(|i| a[i] * b[i] + c[i])
        }
    }
    #[inline(always)]
    fn max(self, a: F, b: F) -> F {
        each(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn min(self, a: F, b: F) -> F {
        each(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn sqrt(self, a: F) -> F {
        each(|i| a[i].sqrt())
    }
    #[inline(always)]
    fn round(self, a: F) -> F {
        // Adding and taking away 1.5·2²³ leaves no room for a fraction: exact for |a| < 2²².
        const SHIFT: f32 = 12_582_912.0;
        each(|i| (a[i] + SHIFT) - SHIFT)
    }
    #[inline(always)]
    fn scale2(self, a: F, n: F) -> F {
        // In two steps, so that both factors are normal numbers at either end of the range.
        each(|i| {
            let n = n[i] as i32;
            let first = n >> 1;
            let power = |n: i32| f32::from_bits(((n + 127) as u32) << 23);
            a[i] * power(first) * power(n - first)
        })
    }
    #[inline(always)]
    fn select_ge(self, a: F, b: F, yes: F, no: F) -> F {
        each(|i| if a[i] >= b[i] { yes[i] } else { no[i] })
    }
    #[inline(always)]
    unsafe fn transpose(self, src: *const f32, src_stride: usize, dst: *mut f32, dst_stride: usize) {
        for i in 0..4 {
            for j in 0..4 {
                // SAFETY: inside the two blocks.
                unsafe { *dst.add(j * dst_stride + i) = *src.add(i * src_stride + j) };
            }
        }
    }
}
