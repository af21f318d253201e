//! Units of bf16 pairs for AMX and AVX-512, packed from operands as they lie in memory.
//!
//! Two forms suffice. Sixteen rows of 32 contiguous values, rounded, are a tile of A when the reduction runs
//! along the rows. Thirty-two rows of 16, two at a time interleaved, are a tile of B when it runs across them.
//! The other two cases are these, transposed as 16 × 16 pairs.
#![expect(unsafe_code, reason = "masked loads and rounding in AVX-512")]

use std::arch::x86_64::*;
use std::ops::Range;

use half::{bf16, f16};

use super::pack::{Data, NOT_SLICES, Operand};
use super::tiles::{STEP, UNIT};
use crate::lanes::Lanes;
use crate::lanes::avx512::Avx512;
use crate::quant::layout::{Format, GROUP, PANEL, Scales};
use crate::quant::{QuantType, Quantised, avx512, for_type};

/// Which operand a unit is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    A,
    B,
}

/// A storage that sixteen values can be loaded from as f32.
trait Load: Copy {
    /// # Safety
    /// AVX-512 is there, and so are the values that the mask names.
    unsafe fn load(from: *const Self, mask: __mmask16) -> __m512;
}

impl Load for f32 {
    #[inline(always)]
    unsafe fn load(from: *const Self, mask: __mmask16) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe { _mm512_maskz_loadu_ps(mask, from) }
    }
}

impl Load for bf16 {
    #[inline(always)]
    unsafe fn load(from: *const Self, mask: __mmask16) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe {
            let halves = _mm256_maskz_loadu_epi16(mask, from.cast());
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(halves)))
        }
    }
}

impl Load for f16 {
    #[inline(always)]
    unsafe fn load(from: *const Self, mask: __mmask16) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe { _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, from.cast())) }
    }
}

/// Packs rows of A or columns of B from `first` (at most 32 of `len`), and `steps` from step `from`, into a unit.
/// What is beyond either end is zero.
///
/// # Safety
/// The machine has AVX-512 and its bf16.
pub(super) unsafe fn pack(
    side: Side,
    operand: &Operand<'_>,
    first: usize,
    len: usize,
    from: usize,
    steps: usize,
    unit: &mut [bf16],
) {
    if let Data::Panels(w, top) = operand.data {
        assert!(side == Side::B && operand.reduces_along && (top + first).is_multiple_of(PANEL));
        assert!(from.is_multiple_of(GROUP) && steps.is_multiple_of(GROUP) && from + steps <= w.n_in());
        assert!(first < len && top + len <= w.n_out() && unit.len() == UNIT * steps);
        let panels = (top + first) / PANEL..(top + len.min(first + UNIT)).div_ceil(PANEL);
        // SAFETY: the caller's promise; the panels and groups are the matrix's, as just asserted.
        unsafe { for_type!(w.quant_type(), pack_panels(w, panels, from / GROUP, unit)) };
        return;
    }
    let spot = Spot { first, count: UNIT.min(len - first), from, steps, stride: operand.stride };
    let (outer, inner) = if operand.reduces_along {
        (first + spot.count, from + steps)
    } else {
        (from + steps, first + spot.count)
    };
    let values = match operand.data {
        Data::F32(v) => v.len(),
        Data::F16(v) => v.len(),
        Data::Bf16(v) => v.len(),
        Data::Panels(..) => unreachable!("{NOT_SLICES}"),
    };
    assert!(spot.count > 0 && steps > 0 && (outer - 1) * operand.stride + inner <= values);
    assert_eq!(unit.len(), UNIT * steps.next_multiple_of(STEP));
    let along = operand.reduces_along;
    // SAFETY: the caller's promise; what the spot names is inside the operand, as just asserted.
    unsafe {
        match operand.data {
            Data::F32(v) => pack_from(side, along, v.as_ptr(), &spot, unit),
            Data::F16(v) => pack_from(side, along, v.as_ptr(), &spot, unit),
            Data::Bf16(v) => pack_from(side, along, v.as_ptr(), &spot, unit),
            Data::Panels(..) => unreachable!("{NOT_SLICES}"),
        }
    }
}

/// One or two panels of a quantised matrix, from group `first_group` on, into a unit of B: a group of a panel is a
/// tile. Weights are rounded to bf16 out of f32, in which they need not have the digits of `read_row`.
///
/// # Safety
/// The machine has AVX-512 and its bf16; the matrix has the panels, and as many groups as the unit has steps for.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16")]
unsafe fn pack_panels<const TYPE: u8>(
    w: &Quantised,
    panels: Range<usize>,
    first_group: usize,
    unit: &mut [bf16],
) {
    const { assert!(GROUP == STEP && 2 * PANEL == UNIT) };
    let format = const { Format::of(QuantType::from_number(TYPE)) };
    // SAFETY: 32 words.
    let order = unsafe { _mm512_loadu_si512(INTERLEAVE.as_ptr().cast()) };
    let (byte, zero) = (_mm512_set1_epi32(255), _mm512_set1_ps(format.zero as f32));
    for half in 0..2 {
        let tiles = unit.chunks_exact_mut(PANEL * GROUP).skip(half).step_by(2);
        let p = panels.start + half;
        if p >= panels.end {
            tiles.for_each(|tile| tile.fill(bf16::ZERO));
            continue;
        }
        let panel = w.panel(p);
        for (g, tile) in tiles.enumerate() {
            let g = first_group + g;
            let quants = &panel.quants[g * format.quant_bytes()..][..format.quant_bytes()];
            // SAFETY: the group's quants, as sliced, and its scales, by the caller's promise; 16 rows of 64 bytes
            // are a tile.
            unsafe {
                let (d, second) = avx512::scales(format, &panel, g);
                let v = avx512::unpack(format, quants.as_ptr());
                for (i, v) in v.into_iter().enumerate() {
                    let (d, m) = match format.scales {
                        Scales::Offset | Scales::Minimum => (d, second),
                        Scales::Zero => (d, _mm512_fnmadd_ps(d, zero, _mm512_setzero_ps())),
                        Scales::Halves => {
                            let d = if i < 4 { d } else { second };
                            (d, _mm512_fnmadd_ps(d, zero, _mm512_setzero_ps()))
                        }
                    };
                    let weight =
                        |q: __m512i| _mm512_fmadd_ps(d, _mm512_cvtepi32_ps(_mm512_and_si512(q, byte)), m);
                    let pairs = [
                        (weight(v), weight(_mm512_srli_epi32::<8>(v))),
                        (weight(_mm512_srli_epi32::<16>(v)), weight(_mm512_srli_epi32::<24>(v))),
                    ];
                    for (j, (even, odd)) in pairs.into_iter().enumerate() {
                        let pair = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(odd, even));
                        let to = tile.as_mut_ptr().add((2 * i + j) * 2 * PANEL);
                        _mm512_storeu_si512(to.cast(), _mm512_permutexvar_epi16(order, pair));
                    }
                }
            }
        }
    }
}

/// What of an operand a unit holds.
struct Spot {
    first: usize,
    count: usize,
    from: usize,
    steps: usize,
    stride: usize,
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16")]
unsafe fn pack_from<T: Load>(side: Side, along: bool, values: *const T, spot: &Spot, unit: &mut [bf16]) {
    let lanes = Avx512::new();
    let transposed = (side == Side::A) != along;
    let mut staged = [0f32; 256];
    for (i, tile) in unit.chunks_exact_mut(512).enumerate() {
        let (step, half) = (i / 2 * STEP, i % 2 * 16);
        let count = spot.count.saturating_sub(half).min(16);
        let steps = (spot.steps - step).min(STEP);
        let (first, from) = (spot.first + half, spot.from + step);
        let tile = tile.as_mut_ptr().cast::<f32>();
        let rounded = if transposed { staged.as_mut_ptr() } else { tile };
        // SAFETY: `count` and `steps` stay inside the spot, which is inside the operand; a tile and what is
        // staged hold 16 rows of 64 bytes.
        unsafe {
            if along {
                round_rows(
                    values.wrapping_add(first * spot.stride + from),
                    spot.stride,
                    count,
                    steps,
                    rounded,
                );
            } else {
                round_pairs(
                    values.wrapping_add(from * spot.stride + first),
                    spot.stride,
                    count,
                    steps,
                    rounded,
                );
            }
            if transposed {
                lanes.transpose(staged.as_ptr(), 16, tile, 16);
            }
        }
    }
}

/// The first `n` of 16.
#[inline(always)]
fn mask(n: usize) -> __mmask16 {
    ((1u32 << n.min(16)) - 1) as __mmask16
}

/// `rows` rows of `len` ≤ 32 values, each as 64 bytes; the rest of 16 such rows is zero.
#[inline(always)]
unsafe fn round_rows<T: Load>(from: *const T, stride: usize, rows: usize, len: usize, to: *mut f32) {
    let (low, high) = (mask(len), mask(len.saturating_sub(16)));
    for r in 0..16 {
        // SAFETY: the caller's promise: rows inside the operand, and 16 rows of room.
        unsafe {
            let pair = if r < rows {
                let row = from.wrapping_add(r * stride);
                _mm512_cvtne2ps_pbh(T::load(row.wrapping_add(16), high), T::load(row, low))
            } else {
                std::mem::transmute::<__m512i, __m512bh>(_mm512_setzero_si512())
            };
            _mm512_storeu_si512(to.add(r * 16).cast(), std::mem::transmute::<__m512bh, __m512i>(pair));
        }
    }
}

/// Words 0, 16, 1, 17 …
const INTERLEAVE: [u16; 32] = {
    let mut order = [0; 32];
    let mut i = 0;
    while i < 32 {
        order[i] = (i / 2 + i % 2 * 16) as u16;
        i += 1;
    }
    order
};

/// `steps` ≤ 32 rows of `cols` ≤ 16 values: row 2r beside row 2r + 1, value by value, as 64 bytes.
#[inline(always)]
unsafe fn round_pairs<T: Load>(from: *const T, stride: usize, cols: usize, steps: usize, to: *mut f32) {
    let cols = mask(cols);
    // SAFETY: the caller's promise, as above; a step beyond the last is not read.
    unsafe {
        let order = _mm512_loadu_si512(INTERLEAVE.as_ptr().cast());
        for r in 0..16 {
            let (even, odd) = (2 * r, 2 * r + 1);
            let row = from.wrapping_add(even * stride);
            let low = T::load(row, if even < steps { cols } else { 0 });
            let high = T::load(row.wrapping_add(stride), if odd < steps { cols } else { 0 });
            let pair = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
            _mm512_storeu_si512(to.add(r * 16).cast(), _mm512_permutexvar_epi16(order, pair));
        }
    }
}
