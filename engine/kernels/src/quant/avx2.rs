//! The product with AVX2: the two halves of a panel one after the other, eight outputs in a vector.
//!
//! `vpmaddubsw` adds pairs into 16 bits; how many of its sums still fit there decides how often they are widened.
#![expect(unsafe_code, reason = "intrinsics, and addresses inside slices that were checked")]
#![expect(clippy::needless_range_loop, reason = "a row has its place in several sets of registers")]

use std::arch::x86_64::*;
use std::ops::Range;

use super::activations::{Rounded, factors};
use super::layout::{Bits, Format, GROUP, LINE, PANEL, Panel, Scales};
use super::{Activations, Out, QuantType, Quantised, for_type, groups};

/// Bytes ahead that quants are asked for, and scales a panel ahead: the processor's own guesses are not enough.
const AHEAD: usize = 2048;
/// Outputs of a vector.
const LANES: usize = 8;

/// As [`super::exact_panels`].
pub(super) fn exact_panels(x: &[f32], m: usize, w: &Quantised, panels: Range<usize>, out: Out<'_, '_>) {
    for_type!(w.quant_type, run_exact(x, m, w, panels, out));
}

fn run_exact<const TYPE: u8>(x: &[f32], m: usize, w: &Quantised, panels: Range<usize>, out: Out<'_, '_>) {
    for p in panels {
        let panel = w.panel(p);
        let mut at = 0;
        while at < m {
            // SAFETY: whoever calls has seen AVX2; rows `at` to `at` + R are in x and in `out`, and this panel's outputs
            // are this task's.
            unsafe {
                match m - at {
                    2.. => at += exact_tile::<TYPE, 2>(x, at, w, &panel, p, out),
                    _ => at += exact_tile::<TYPE, 1>(x, at, w, &panel, p, out),
                }
            }
        }
    }
}

/// R rows of x from row `m`, all outputs of a panel, each weight to its digits; R.
///
/// # Safety
/// The machine has AVX2; x has the rows, and the panel's outputs are nobody else's.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn exact_tile<const TYPE: u8, const R: usize>(
    x: &[f32],
    m: usize,
    w: &Quantised,
    panel: &Panel<'_>,
    p: usize,
    out: Out<'_, '_>,
) -> usize {
    let format = const { Format::of(QuantType::from_number(TYPE)) };
    let rows: [&[f32]; R] = std::array::from_fn(|r| &x[(m + r) * w.n_in..][..w.n_in]);
    assert!(panel.quants.len() == groups(w) * format.quant_bytes());
    let byte = _mm256_set1_epi32(255);
    // Eight bits come signed.
    let zero = _mm256_set1_epi32(if format.bits == Bits::Eight { 0 } else { format.zero });
    // Even and odd inputs apart: a sum of all would wait for itself.
    let mut all = [[[_mm256_setzero_ps(); 2]; R]; 2];
    for g in 0..groups(w) {
        for half in 0..2 {
            // SAFETY: group g is in the panel, whose length was looked at, and in each row of x.
            unsafe {
                let from = panel.quants.as_ptr().add(g * format.quant_bytes() + half * LINE / 2);
                let (d, second) = scales(format, panel, g, half);
                for i in 0..8 {
                    let v = unpack(format, from, i);
                    for c in 0..4 {
                        let q = if format.bits == Bits::Eight {
                            let top = _mm256_sll_epi32(v, _mm_cvtsi32_si128(24 - 8 * c as i32));
                            _mm256_srai_epi32::<24>(top)
                        } else {
                            _mm256_and_si256(_mm256_srl_epi32(v, _mm_cvtsi32_si128(8 * c as i32)), byte)
                        };
                        let weight = match format.scales {
                            Scales::Zero => _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_sub_epi32(q, zero))),
                            Scales::Halves => {
                                let d = if i < 4 { d } else { second };
                                _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_sub_epi32(q, zero)))
                            }
                            // Two roundings, as the reference has it.
                            Scales::Offset | Scales::Minimum => {
                                _mm256_add_ps(_mm256_mul_ps(d, _mm256_cvtepi32_ps(q)), second)
                            }
                        };
                        for r in 0..R {
                            let x = _mm256_set1_ps(*rows[r].as_ptr().add(g * GROUP + 4 * i + c));
                            all[half][r][c % 2] = _mm256_fmadd_ps(weight, x, all[half][r][c % 2]);
                        }
                    }
                }
            }
        }
    }
    for r in 0..R {
        let mut values = [0f32; PANEL];
        for half in 0..2 {
            let [even, odd] = all[half][r];
            // SAFETY: there is room for two vectors.
            unsafe { _mm256_storeu_ps(values.as_mut_ptr().add(half * LANES), _mm256_add_ps(even, odd)) };
        }
        // SAFETY: row m + r of `out`, the outputs of this panel, which are this task's.
        unsafe {
            let (at, n) = out.places(m + r, p);
            out.values.slice(at, n).copy_from_slice(&values[..n]);
        }
    }
    R
}

pub(super) fn panels(x: &Activations, w: &Quantised, panels: Range<usize>, out: Out<'_, '_>) {
    for_type!(w.quant_type, run(x, w, panels, out));
}

fn run<const TYPE: u8>(x: &Activations, w: &Quantised, panels: Range<usize>, out: Out<'_, '_>) {
    let groups = groups(w);
    for p in panels {
        let panel = w.panel(p);
        let mut m = 0;
        while m < x.m() {
            // SAFETY: whoever calls has seen AVX2; rows m to m + R are in x and in `out`, and this panel's outputs are
            // this task's.
            unsafe {
                match x.m() - m {
                    4.. => m += tile::<TYPE, 4>(x, m, &panel, groups, p, out),
                    2.. => m += tile::<TYPE, 2>(x, m, &panel, groups, p, out),
                    _ => m += tile::<TYPE, 1>(x, m, &panel, groups, p, out),
                }
            }
        }
    }
}

/// R rows of x from row `m`, all outputs of a panel; R.
///
/// # Safety
/// The machine has AVX2; x has the rows, and the panel's outputs are nobody else's.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn tile<const TYPE: u8, const R: usize>(
    x: &Activations,
    m: usize,
    panel: &Panel<'_>,
    groups: usize,
    p: usize,
    out: Out<'_, '_>,
) -> usize {
    let format = const { Format::of(QuantType::from_number(TYPE)) };
    let rows = m * groups..(m + R) * groups;
    let quants = x.quants()[rows.start * GROUP..rows.end * GROUP].as_ptr();
    let factors = x.factors()[rows.clone()].as_ptr();
    let sums = x.sums()[2 * rows.start..2 * rows.end].as_ptr();
    assert!(panel.quants.len() == groups * format.quant_bytes());
    // One half of the panel with all groups, then the other, would read every line twice from afar.
    let mut all = [[_mm256_setzero_ps(); R]; 2];
    for g in 0..groups {
        for half in 0..2 {
            // SAFETY: group g is in the panel, whose length was looked at; rows and groups of x likewise.
            unsafe {
                let from = panel.quants.as_ptr().add(g * format.quant_bytes());
                if m == 0 && half == 0 {
                    for line in 0..format.quant_bytes() / LINE {
                        _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(AHEAD + line * LINE).cast());
                    }
                    let next = panel.quants.len() + panel.scales.len() + format.scales_at(g).0;
                    _mm_prefetch::<_MM_HINT_T0>(panel.scales.as_ptr().wrapping_add(next).cast());
                }
                let dots =
                    dots::<R>(format, from.add(half * LINE / 2), quants.add(g * GROUP), groups * GROUP);
                let (d, second) = scales(format, panel, g, half);
                for r in 0..R {
                    let at = r * groups + g;
                    let (first, last) = (*sums.add(2 * at), *sums.add(2 * at + 1));
                    // Eight bits were made signed again.
                    let zero = if format.bits == Bits::Eight { 0 } else { format.zero };
                    let less = |dot, sum: i32| {
                        _mm256_cvtepi32_ps(_mm256_sub_epi32(dot, _mm256_set1_epi32(zero * sum)))
                    };
                    let [low, high] = dots[r];
                    let group = match format.scales {
                        Scales::Halves => {
                            _mm256_fmadd_ps(less(low, first), d, _mm256_mul_ps(less(high, last), second))
                        }
                        Scales::Zero => _mm256_mul_ps(less(low, first + last), d),
                        Scales::Offset | Scales::Minimum => {
                            let sum = _mm256_set1_ps((first + last) as f32);
                            _mm256_fmadd_ps(_mm256_cvtepi32_ps(low), d, _mm256_mul_ps(second, sum))
                        }
                    };
                    let factor = _mm256_set1_ps(*factors.add(at));
                    all[half][r] = _mm256_fmadd_ps(group, factor, all[half][r]);
                }
            }
        }
    }
    for r in 0..R {
        let mut values = [0f32; PANEL];
        // SAFETY: there is room for two vectors; row m + r of `out`, the outputs of this panel, which are this task's.
        unsafe {
            _mm256_storeu_ps(values.as_mut_ptr(), all[0][r]);
            _mm256_storeu_ps(values.as_mut_ptr().add(LANES), all[1][r]);
            let (at, n) = out.places(m + r, p);
            out.values.slice(at, n).copy_from_slice(&values[..n]);
        }
    }
    R
}

/// For each of R rows of x, Σ quant·x over the inputs of a group, of eight outputs; in [`Scales::Halves`] over the first
/// and over the last 16, otherwise all in the first.
///
/// # Safety
/// The machine has AVX2; half a group is at `from`, and 32 quants of x at `x` and at each `x_row` after it.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn dots<const R: usize>(
    format: Format,
    from: *const u8,
    x: *const i8,
    x_row: usize,
) -> [[__m256i; 2]; R] {
    // Products of two added, and so many of these, are below 2^15: 15·127·2·8, 31·127·2·4, 63·127·2·2, 128·127·2.
    let most = match format.bits {
        Bits::Four => 8,
        Bits::Five => 4,
        Bits::Six => 2,
        Bits::Eight => 1,
    };
    let ones = _mm256_set1_epi16(1);
    let mut dots = [[_mm256_setzero_si256(); 2]; R];
    let mut sums = [_mm256_setzero_si256(); R];
    for i in 0..8 {
        let which = if format.scales == Scales::Halves { i / 4 } else { 0 };
        // SAFETY: the caller's promise.
        let v = unsafe { unpack(format, from, i) };
        for r in 0..R {
            // SAFETY: the caller's promise.
            let x = unsafe { x.add(r * x_row + i * 4).cast::<i32>().read_unaligned() };
            let x = _mm256_set1_epi32(x);
            let products = if format.bits == Bits::Eight {
                _mm256_maddubs_epi16(_mm256_abs_epi8(v), _mm256_sign_epi8(x, v))
            } else {
                _mm256_maddubs_epi16(v, x)
            };
            sums[r] = if i % most == 0 { products } else { _mm256_add_epi16(sums[r], products) };
            if i % most == most - 1 {
                dots[r][which] = _mm256_add_epi32(dots[r][which], _mm256_madd_epi16(sums[r], ones));
            }
        }
    }
    dots
}

/// Half of vector `i` of a group; eight bits signed.
///
/// # Safety
/// The machine has AVX2; half a group of the format is at `from`.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(crate) unsafe fn unpack(format: Format, from: *const u8, i: usize) -> __m256i {
    // SAFETY: the caller's promise.
    let line = |i: usize| unsafe { _mm256_load_si256(from.add(i * LINE).cast()) };
    if format.bits == Bits::Eight {
        return _mm256_xor_si256(line(i), _mm256_set1_epi8(-128));
    }
    let both = line(i % 4);
    let moved = if i < 4 { both } else { _mm256_srli_epi16::<4>(both) };
    let v = _mm256_and_si256(moved, _mm256_set1_epi8(15));
    let (more, left, bits) = match format.bits {
        Bits::Five => (line(4), 4 - i as i32, 16),
        Bits::Six => (line(4 + i / 4), 4 - 2 * (i % 4) as i32, 0x30),
        Bits::Four | Bits::Eight => return v,
    };
    let more = if left >= 0 {
        _mm256_sll_epi16(more, _mm_cvtsi32_si128(left))
    } else {
        _mm256_srl_epi16(more, _mm_cvtsi32_si128(-left))
    };
    _mm256_or_si256(v, _mm256_and_si256(more, _mm256_set1_epi8(bits)))
}

/// Half a group's d, and m, or the d of its second 16 inputs.
///
/// # Safety
/// The machine has AVX2; the panel is of the format and has the group.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(crate) unsafe fn scales(format: Format, panel: &Panel<'_>, g: usize, half: usize) -> (__m256, __m256) {
    let (at, d_at) = format.scales_at(g);
    let base = panel.scales.as_ptr();
    // SAFETY: the caller's promise.
    let halves =
        |at: usize| unsafe { _mm256_cvtph_ps(_mm_loadu_si128(base.add(at + 2 * LANES * half).cast())) };
    // SAFETY: the caller's promise.
    let bytes = |at: usize| unsafe { _mm_loadl_epi64(base.add(at + LANES * half).cast()) };
    match format.scales {
        Scales::Zero => (halves(at), _mm256_setzero_ps()),
        Scales::Offset => (halves(at), halves(at + 2 * PANEL)),
        Scales::Minimum => {
            let number = |at| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes(at)));
            let minimum = _mm256_mul_ps(halves(d_at + 2 * PANEL), number(at + PANEL));
            (_mm256_mul_ps(halves(d_at), number(at)), _mm256_sub_ps(_mm256_setzero_ps(), minimum))
        }
        Scales::Halves => {
            let number = |at| _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes(at)));
            let d = halves(d_at);
            (_mm256_mul_ps(d, number(at)), _mm256_mul_ps(d, number(at + PANEL)))
        }
    }
}

/// Rounds the groups of `x`.
///
/// # Safety
/// The machine has AVX2.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn round_groups(x: &[f32], to: Rounded<'_>) {
    // SAFETY: a group is four vectors of f32, and one of bytes.
    to.each(x, |x, quants| unsafe {
        let x: [__m256; 4] = std::array::from_fn(|i| _mm256_loadu_ps(x.as_ptr().add(i * LANES)));
        let sizes = x.map(|x| _mm256_andnot_ps(_mm256_set1_ps(-0.0), x));
        let infinity = _mm256_set1_ps(f32::INFINITY);
        let finite = sizes.map(|size| _mm256_cmp_ps::<_CMP_LT_OQ>(size, infinity));
        let all = _mm256_and_ps(_mm256_and_ps(finite[0], finite[1]), _mm256_and_ps(finite[2], finite[3]));
        let most = _mm256_max_ps(_mm256_max_ps(sizes[0], sizes[1]), _mm256_max_ps(sizes[2], sizes[3]));
        let most = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps::<1>(most));
        let most = _mm_max_ps(most, _mm_movehl_ps(most, most));
        let most = _mm_cvtss_f32(_mm_max_ss(most, _mm_shuffle_ps::<1>(most, most)));
        let (inverse, factor) = factors(most, _mm256_movemask_ps(all) == 0xff);
        // To the nearest, ties to even, as the processor does unless told otherwise.
        let whole: [__m256i; 4] = std::array::from_fn(|i| {
            let scaled = _mm256_mul_ps(x[i], _mm256_set1_ps(inverse));
            _mm256_cvtps_epi32(_mm256_and_ps(scaled, finite[i]))
        });
        let words = [_mm256_packs_epi32(whole[0], whole[1]), _mm256_packs_epi32(whole[2], whole[3])];
        // Packing takes halves of a vector in turn.
        let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        let bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(words[0], words[1]), order);
        _mm256_storeu_si256(quants.as_mut_ptr().cast(), bytes);
        let sum = |a, b| {
            let sum = _mm256_add_epi32(a, b);
            let sum = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
            let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b01_00_11_10>(sum));
            _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32::<0b10_11_00_01>(sum)))
        };
        (factor, [sum(whole[0], whole[1]), sum(whole[2], whole[3])])
    });
}
