//! The product with AVX-512's VNNI: sixteen outputs in a vector.
#![expect(unsafe_code, reason = "intrinsics, and addresses inside slices that were checked")]
#![expect(clippy::needless_range_loop, reason = "a row has its place in several sets of registers")]

use std::arch::x86_64::*;
use std::ops::Range;

use super::activations::{Rounded, factors};
use super::layout::{Bits, Format, GROUP, LINE, PANEL, Panel, Scales};
use super::{Activations, Out, QuantType, Quantised, for_type, groups};

/// Bytes ahead that quants are asked for, and scales a panel ahead: the processor's own guesses are not enough.
const AHEAD: usize = 2048;

/// As [`super::exact_panels`].
pub(super) fn exact_panels(x: &[f32], m: usize, w: &Quantised, panels: Range<usize>, out: Out<'_, '_>) {
    for_type!(w.quant_type, run_exact(x, m, w, panels, out));
}

fn run_exact<const TYPE: u8>(x: &[f32], m: usize, w: &Quantised, panels: Range<usize>, out: Out<'_, '_>) {
    for p in panels {
        let panel = w.panel(p);
        let mut at = 0;
        while at < m {
            // SAFETY: whoever calls has seen AVX-512; rows `at` to `at` + R are in x and in `out`, and this panel's
            // outputs are this task's.
            unsafe {
                match m - at {
                    4.. => at += exact_tile::<TYPE, 4>(x, at, w, &panel, p, out),
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
/// The machine has AVX-512; x has the rows, and the panel's outputs are nobody else's.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
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
    let (byte, zero) = (_mm512_set1_epi32(255), _mm512_set1_epi32(format.zero));
    // Even and odd inputs apart: a sum of all would wait for itself.
    let mut all = [[_mm512_setzero_ps(); 2]; R];
    for g in 0..groups(w) {
        // SAFETY: group g is in the panel, whose length was looked at, and in each row of x.
        unsafe {
            let v = unpack(format, panel.quants.as_ptr().add(g * format.quant_bytes()));
            let (d, second) = scales(format, panel, g);
            for (i, v) in v.into_iter().enumerate() {
                for c in 0..4 {
                    let q = match c {
                        0 => v,
                        1 => _mm512_srli_epi32::<8>(v),
                        2 => _mm512_srli_epi32::<16>(v),
                        _ => _mm512_srli_epi32::<24>(v),
                    };
                    let q = if c < 3 { _mm512_and_si512(q, byte) } else { q };
                    let weight = match format.scales {
                        Scales::Zero => _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_sub_epi32(q, zero))),
                        Scales::Halves => {
                            let d = if i < 4 { d } else { second };
                            _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_sub_epi32(q, zero)))
                        }
                        // Two roundings, as the reference has it.
                        Scales::Offset | Scales::Minimum => {
                            _mm512_add_ps(_mm512_mul_ps(d, _mm512_cvtepi32_ps(q)), second)
                        }
                    };
                    for r in 0..R {
                        let x = _mm512_set1_ps(*rows[r].as_ptr().add(g * GROUP + 4 * i + c));
                        all[r][c % 2] = _mm512_fmadd_ps(weight, x, all[r][c % 2]);
                    }
                }
            }
        }
    }
    for (r, [even, odd]) in all.into_iter().enumerate() {
        // SAFETY: row m + r of `out`, the outputs of this panel, which are this task's.
        unsafe {
            let (at, n) = out.places(m + r, p);
            let to = out.values.slice(at, n).as_mut_ptr();
            _mm512_mask_storeu_ps(to, mask(n), _mm512_add_ps(even, odd));
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
            // SAFETY: whoever calls has seen AVX-512 with VNNI; rows m to m + R are in x and in `out`, and this
            // panel's outputs are this task's.
            unsafe {
                match x.m() - m {
                    8.. => m += tile::<TYPE, 8>(x, m, &panel, groups, p, out),
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
/// The machine has AVX-512 with VNNI; x has the rows, and the panel's outputs are nobody else's.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni")]
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
    let totals = x.totals()[rows.clone()].as_ptr();
    assert!(panel.quants.len() == groups * format.quant_bytes());
    let mut all = [_mm512_setzero_ps(); R];
    for g in 0..groups {
        // SAFETY: group g is in the panel, whose length was looked at; rows and groups of x likewise.
        unsafe {
            let from = panel.quants.as_ptr().add(g * format.quant_bytes());
            if m == 0 {
                for line in 0..format.quant_bytes() / LINE {
                    _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(AHEAD + line * LINE).cast());
                }
                let next = panel.quants.len() + panel.scales.len() + format.scales_at(g).0;
                _mm_prefetch::<_MM_HINT_T0>(panel.scales.as_ptr().wrapping_add(next).cast());
            }
            let v = unpack(format, from);
            let (d, second) = scales(format, panel, g);
            for r in 0..R {
                let at = r * groups + g;
                let x_q = quants.add(at * GROUP).cast::<i32>();
                // In two: a sum of all would wait for itself.
                let dot = |part: Range<usize>| {
                    part.fold(_mm512_setzero_si512(), |sum, i| {
                        _mm512_dpbusd_epi32(sum, v[i], _mm512_set1_epi32(x_q.add(i).read_unaligned()))
                    })
                };
                let (low, high) = (dot(0..4), dot(4..8));
                // zero · Σx, zero being a power of two.
                let zeros = |sum: i32| {
                    _mm512_sll_epi32(
                        _mm512_set1_epi32(sum),
                        _mm_cvtsi32_si128(format.zero.trailing_zeros() as i32),
                    )
                };
                let factor = _mm512_set1_ps(*factors.add(at));
                let times =
                    |dot, d| _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(d, factor), all[r]);
                all[r] = match format.scales {
                    Scales::Halves => {
                        let low = _mm512_sub_epi32(low, zeros(*sums.add(2 * at)));
                        let high = _mm512_sub_epi32(high, zeros(*sums.add(2 * at + 1)));
                        let low = times(low, d);
                        _mm512_fmadd_ps(_mm512_cvtepi32_ps(high), _mm512_mul_ps(second, factor), low)
                    }
                    Scales::Zero => {
                        let zero = zeros(*sums.add(2 * at) + *sums.add(2 * at + 1));
                        times(_mm512_sub_epi32(_mm512_add_epi32(low, high), zero), d)
                    }
                    Scales::Offset | Scales::Minimum => {
                        let dot = times(_mm512_add_epi32(low, high), d);
                        _mm512_fmadd_ps(second, _mm512_set1_ps(*totals.add(at)), dot)
                    }
                };
            }
        }
    }
    for (r, all) in all.into_iter().enumerate() {
        // SAFETY: row m + r of `out`, the outputs of this panel, which are this task's.
        unsafe {
            let (at, n) = out.places(m + r, p);
            _mm512_mask_storeu_ps(out.values.slice(at, n).as_mut_ptr(), mask(n), all);
        }
    }
    R
}

/// The first `n` of 16 lanes.
fn mask(n: usize) -> __mmask16 {
    (0xffff_u32 >> (PANEL - n)) as u16
}

/// A group's eight vectors.
///
/// # Safety
/// The machine has AVX-512; a group of the format is at `from`.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
pub(crate) unsafe fn unpack(format: Format, from: *const u8) -> [__m512i; 8] {
    // SAFETY: the caller's promise.
    let line = |i: usize| unsafe { _mm512_load_si512(from.add(i * LINE).cast()) };
    if format.bits == Bits::Eight {
        return [line(0), line(1), line(2), line(3), line(4), line(5), line(6), line(7)];
    }
    let low = _mm512_set1_epi8(15);
    let mut v = [_mm512_setzero_si512(); 8];
    for i in 0..4 {
        let both = line(i);
        v[i] = _mm512_and_si512(both, low);
        v[i + 4] = _mm512_and_si512(_mm512_srli_epi16::<4>(both), low);
    }
    match format.bits {
        Bits::Five => {
            let (fifth, bit) = (line(4), _mm512_set1_epi8(16));
            // Bit i of each byte, moved to bit 4.
            let moved = [
                _mm512_slli_epi16::<4>(fifth),
                _mm512_slli_epi16::<3>(fifth),
                _mm512_slli_epi16::<2>(fifth),
                _mm512_slli_epi16::<1>(fifth),
                fifth,
                _mm512_srli_epi16::<1>(fifth),
                _mm512_srli_epi16::<2>(fifth),
                _mm512_srli_epi16::<3>(fifth),
            ];
            for (v, moved) in v.iter_mut().zip(moved) {
                *v = or_and(*v, moved, bit);
            }
        }
        Bits::Six => {
            let bits = _mm512_set1_epi8(0x30);
            for half in 0..2 {
                let two = line(4 + half);
                let moved = [
                    _mm512_slli_epi16::<4>(two),
                    _mm512_slli_epi16::<2>(two),
                    two,
                    _mm512_srli_epi16::<2>(two),
                ];
                for (v, moved) in v[4 * half..].iter_mut().zip(moved) {
                    *v = or_and(*v, moved, bits);
                }
            }
        }
        Bits::Four | Bits::Eight => {}
    }
    v
}

/// a | (b & c)
#[inline]
#[target_feature(enable = "avx512f")]
fn or_and(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0xf8>(a, b, c)
}

/// A group's d, and m, or the d of its second half.
///
/// # Safety
/// The machine has AVX-512; the panel is of the format and has the group.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
pub(crate) unsafe fn scales(format: Format, panel: &Panel<'_>, g: usize) -> (__m512, __m512) {
    let (at, d_at) = format.scales_at(g);
    let base = panel.scales.as_ptr();
    // SAFETY: the caller's promise.
    let halves = |at: usize| unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(base.add(at).cast())) };
    // SAFETY: the caller's promise.
    let bytes = |at: usize| unsafe { _mm_loadu_si128(base.add(at).cast()) };
    match format.scales {
        Scales::Zero => (halves(at), _mm512_setzero_ps()),
        Scales::Offset => (halves(at), halves(at + 2 * PANEL)),
        Scales::Minimum => {
            let number = |at| _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes(at)));
            let minimum = _mm512_mul_ps(halves(d_at + 2 * PANEL), number(at + PANEL));
            (_mm512_mul_ps(halves(d_at), number(at)), _mm512_sub_ps(_mm512_setzero_ps(), minimum))
        }
        Scales::Halves => {
            let number = |at| _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes(at)));
            let d = halves(d_at);
            (_mm512_mul_ps(d, number(at)), _mm512_mul_ps(d, number(at + PANEL)))
        }
    }
}

/// Rounds the groups of `x`.
///
/// # Safety
/// The machine has AVX-512.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
pub(super) unsafe fn round_groups(x: &[f32], to: Rounded<'_>) {
    // SAFETY: a group is two vectors, and as many bytes as two halves of one.
    to.each(x, |x, quants| unsafe {
        let x = [_mm512_loadu_ps(x.as_ptr()), _mm512_loadu_ps(x.as_ptr().add(GROUP / 2))];
        let sizes = x.map(|x| _mm512_abs_ps(x));
        let most = _mm512_reduce_max_ps(_mm512_max_ps(sizes[0], sizes[1]));
        let infinity = _mm512_set1_ps(f32::INFINITY);
        let finite = sizes.map(|size| _mm512_cmp_ps_mask::<_CMP_LT_OQ>(size, infinity));
        let (inverse, factor) = factors(most, finite == [0xffff; 2]);
        // To the nearest, ties to even, as the processor does unless told otherwise.
        let whole: [__m512i; 2] = std::array::from_fn(|i| {
            _mm512_cvtps_epi32(_mm512_maskz_mul_ps(finite[i], x[i], _mm512_set1_ps(inverse)))
        });
        for (half, whole) in whole.into_iter().enumerate() {
            _mm_storeu_si128(quants.as_mut_ptr().add(half * GROUP / 2).cast(), _mm512_cvtepi32_epi8(whole));
        }
        (factor, whole.map(|whole| _mm512_reduce_add_epi32(whole)))
    });
}
