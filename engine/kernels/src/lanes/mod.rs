//! Vectors of f32 as wide as the machine has them: one body, written once over [`Lanes`], is compiled for each
//! instruction set by [`kernel!`](kernel). What a vector computes beyond arithmetic is in `math`.
#![expect(unsafe_code, reason = "loads and stores vectors by address")]

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
pub(crate) mod math;
pub(crate) mod portable;

use half::{bf16, f16};

use crate::dispatch::Isa;

/// The most lanes any instruction set has.
pub(crate) const MAX_LANES: usize = 16;

/// A value of this type is the proof that the machine runs its instructions.
///
/// Every operation is lane by lane unless it says otherwise.
pub(crate) trait Lanes: Copy {
    /// The instruction set this is compiled for.
    const ISA: Isa;
    /// How many f32 a vector holds: a power of two, at most [`MAX_LANES`].
    const N: usize;
    /// Vectors across a block of a matrix product that stays in registers, at most.
    const VECTORS: usize;
    /// The vector.
    type F: Copy;

    fn splat(self, x: f32) -> Self::F;
    /// # Safety
    /// `N` values can be read there.
    unsafe fn load_at(self, x: *const f32) -> Self::F;
    /// # Safety
    /// `N` values can be written there.
    unsafe fn store_at(self, x: *mut f32, v: Self::F);
    /// The first `n` (less than `N`) values, then `fill`.
    ///
    /// # Safety
    /// They can be read there.
    unsafe fn load_some(self, x: *const f32, n: usize, fill: f32) -> Self::F;
    /// Writes the first `n` (less than `N`) lanes.
    ///
    /// # Safety
    /// They can be written there.
    unsafe fn store_some(self, x: *mut f32, n: usize, v: Self::F);
    /// `N` values, widened.
    ///
    /// # Safety
    /// They can be read there.
    unsafe fn load_bf16(self, x: *const bf16) -> Self::F;
    /// `N` values, widened.
    ///
    /// # Safety
    /// They can be read there.
    unsafe fn load_f16(self, x: *const f16) -> Self::F;
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a·b + c`, rounded once where the machine can.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The larger; `b` if either is not a number.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The smaller; `b` if either is not a number.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    fn sqrt(self, a: Self::F) -> Self::F;
    /// To the nearest whole number.
    fn round(self, a: Self::F) -> Self::F;
    /// `a·2ⁿ` for whole n in −126 to 129.
    fn scale2(self, a: Self::F, n: Self::F) -> Self::F;
    /// `yes` where `a ≥ b`, else `no`.
    fn select_ge(self, a: Self::F, b: Self::F, yes: Self::F, no: Self::F) -> Self::F;
    /// Turns a block of `N` × `N` values, rows `src_stride` apart, into its transpose.
    ///
    /// # Safety
    /// The block can be read at `src` and written at `dst`; the two don't overlap.
    unsafe fn transpose(self, src: *const f32, src_stride: usize, dst: *mut f32, dst_stride: usize);

    /// The lanes in memory order, and what follows them undefined.
    #[inline(always)]
    fn spill(self, v: Self::F) -> [f32; MAX_LANES] {
        let mut lanes = [0.0; MAX_LANES];
        // SAFETY: N ≤ MAX_LANES.
        unsafe { self.store_at(lanes.as_mut_ptr(), v) };
        lanes
    }

    /// 0, 1, 2 …
    #[inline(always)]
    fn iota(self) -> Self::F {
        const IOTA: [f32; MAX_LANES] = [0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15.];
        // SAFETY: N ≤ MAX_LANES.
        unsafe { self.load_at(IOTA.as_ptr()) }
    }

    /// `x[i..]`, filled up with zeros where `x` ends.
    #[inline(always)]
    fn load(self, x: &[f32], i: usize) -> Self::F {
        self.load_or(x, i, 0.0)
    }

    /// `x[i..]`, filled up with `fill` where `x` ends.
    #[inline(always)]
    fn load_or(self, x: &[f32], i: usize, fill: f32) -> Self::F {
        let x = &x[i..];
        // SAFETY: so many values are there.
        unsafe {
            if x.len() >= Self::N {
                self.load_at(x.as_ptr())
            } else {
                self.load_some(x.as_ptr(), x.len(), fill)
            }
        }
    }

    /// Writes to `x[i..]` what fits.
    #[inline(always)]
    fn store(self, x: &mut [f32], i: usize, v: Self::F) {
        let x = &mut x[i..];
        // SAFETY: so many values are there.
        unsafe {
            if x.len() >= Self::N {
                self.store_at(x.as_mut_ptr(), v);
            } else {
                self.store_some(x.as_mut_ptr(), x.len(), v);
            }
        }
    }

    /// `x[i..]`, which has a whole vector left: for loops that have no end to look after.
    #[inline(always)]
    fn get(self, x: &[f32], i: usize) -> Self::F {
        // SAFETY: the slice is N long.
        unsafe { self.load_at(x[i..i + Self::N].as_ptr()) }
    }

    /// Writes to `x[i..]`, which has room for a whole vector.
    #[inline(always)]
    fn set(self, x: &mut [f32], i: usize, v: Self::F) {
        // SAFETY: the slice is N long.
        unsafe { self.store_at(x[i..i + Self::N].as_mut_ptr(), v) };
    }

    #[inline(always)]
    fn neg(self, a: Self::F) -> Self::F {
        self.sub(self.splat(0.0), a)
    }

    /// The sum of the lanes, halves first: a fixed order.
    #[inline(always)]
    fn sum(self, v: Self::F) -> f32 {
        let mut lanes = self.spill(v);
        let mut half = Self::N / 2;
        while half > 0 {
            for i in 0..half {
                lanes[i] += lanes[i + half];
            }
            half /= 2;
        }
        lanes[0]
    }

    /// The largest of the lanes; not a number if one is not.
    #[inline(always)]
    fn largest(self, v: Self::F) -> f32 {
        let lanes = self.spill(v);
        lanes[..Self::N].iter().fold(f32::NEG_INFINITY, |a, b| if a > *b || a.is_nan() { a } else { *b })
    }
}

/// Asks for a cache line before its turn comes; the address may be anything.
#[inline(always)]
pub(crate) fn bring_near<T>(line: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint that reads nothing and never faults; SSE is part of the architecture.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// Compiles a body that is generic over [`Lanes`] for each instruction set.
///
/// The generated function takes the [`Isa`] first and runs the widest version it names. The body is inlined
/// into each version, so what it calls with lanes is `#[inline(always)]` too, or made by this macro itself.
///
/// ```text
/// kernel! {
///     /// y += a·x
///     pub(crate) fn axpy[S](s, a: f32, x: &[f32], y: &mut [f32]) {
///         for i in (0..y.len()).step_by(S::N) {
///             s.store(y, i, s.mul_add(s.splat(a), s.load(x, i), s.load(y, i)));
///         }
///     }
/// }
/// axpy(dispatch::active(), 2.0, &x, &mut y);
/// ```
macro_rules! kernel {
    ($(#[$meta:meta])* $vis:vis fn $name:ident[$lanes:ident]($s:ident $(, $arg:ident: $ty:ty)* $(,)?)
     $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        #[cfg_attr(
            target_arch = "x86_64",
            expect(unsafe_code, reason = "calls what is compiled for wider instruction sets")
        )]
        $vis fn $name(isa: $crate::dispatch::Isa, $($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body<$lanes: $crate::lanes::Lanes>($s: $lanes, $($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma,f16c")]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    body($crate::lanes::avx2::Avx2::new(), $($arg),*)
                }
                #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
                fn avx512($($arg: $ty),*) $(-> $ret)? {
                    body($crate::lanes::avx512::Avx512::new(), $($arg),*)
                }
                debug_assert!(isa <= $crate::dispatch::detected());
                if isa >= $crate::dispatch::Isa::Avx512 {
                    // SAFETY: an `Isa` is only ever run up to what `detected` found.
                    return unsafe { avx512($($arg),*) };
                }
                if isa == $crate::dispatch::Isa::Avx2 {
                    // SAFETY: as above.
                    return unsafe { avx2($($arg),*) };
                }
            }
            let _isa = isa;
            body($crate::lanes::portable::Portable, $($arg),*)
        }
    };
}
pub(crate) use kernel;

#[cfg(test)]
pub(crate) mod tests;
