//! Loops compiled for the widest vectors of the processor they run on, chosen at run time.

use pulp::Simd;

/// Runs `work`; loops inlined into it become AVX-512, AVX2 or baseline code. Results are the same: the compiler
/// neither reorders sums nor fuses products.
#[inline]
pub(super) fn wide<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = pulp::x86::V4::try_new() {
            return simd.vectorize(work);
        }
        if let Some(simd) = pulp::x86::V3::try_new() {
            return simd.vectorize(work);
        }
    }
    pulp::Scalar.vectorize(work)
}
