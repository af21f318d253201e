//! How a quantised matrix lies in memory: in panels of 16 outputs, along which products need no sum across lanes.
//!
//! A panel has all its quants first, then all its scales, each part on a cache line. Quants go in groups of 32
//! inputs: eight vectors of 64 bytes, in vector i byte 4·r + c the quant of output r for input 4·i + c. That is what
//! `vpdpbusd` multiplies with one dword of activations for 16 outputs at once, two halves of it what AVX2 does, and
//! a tile of AMX. Less than eight bits are packed so that masks and shifts of whole vectors unpack them:
//!
//! | quants | bytes of a group | vector i is |
//! |---|---|---|
//! | 4 bits | 4·64 | the low halves of bytes at 64·i, from i = 4 on the high halves of those at 64·(i − 4) |
//! | 5 bits | 4·64 + 64 | the same, the fifth bit being bit i of the bytes at 256 |
//! | 6 bits | 4·64 + 2·64 | the same, the two more being bits 2·(i mod 4) of the bytes at 256 + 64·(i / 4) |
//! | 8 bits | 8·64 | the bytes at 64·i; signed ones are stored with 128 added |
//!
//! Scales: for blocks of 32, a group's 16 halves-width d, then the 16 m where the type has them. For blocks of 256,
//! 64 bytes of d and d_min (or padding), then for each of 8 groups 16 scales and 16 minima of a byte each; in Q6_K 16
//! scales for the first 16 inputs and 16 for the others.
//!
//! A weight is `d·q + m`, or `d·(q − zero)`: the digits of `gguf.quants` (Python package `gguf`), operation for
//! operation.

use half::f16;

use super::QuantType;

/// Outputs of a panel.
pub(crate) const PANEL: usize = 16;
/// Inputs of a group.
pub(crate) const GROUP: usize = 32;
/// A cache line, and one vector.
pub(crate) const LINE: usize = 64;
/// Groups in a block of 256.
const GROUPS: usize = 8;
/// Bytes of scales of 8 groups in blocks of 256.
const SUPER: usize = 64 + GROUPS * 32;

/// How many bits a quant has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bits {
    Four,
    Five,
    Six,
    Eight,
}

/// How quants become numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scales {
    /// d·(q − zero)
    Zero,
    /// d·q + m
    Offset,
    /// (d·scale)·q − d_min·minimum
    Minimum,
    /// (d·scale)·(q − zero), a scale for each 16 inputs.
    Halves,
}

/// What the code below is made for, once for each type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Format {
    pub bits: Bits,
    pub scales: Scales,
    /// Taken off the quants of [`Scales::Zero`] and [`Scales::Halves`].
    pub zero: i32,
}

impl Format {
    pub(crate) const fn of(quant_type: QuantType) -> Self {
        let (bits, scales, zero) = match quant_type {
            QuantType::Q4_0 => (Bits::Four, Scales::Zero, 8),
            QuantType::Q4_1 => (Bits::Four, Scales::Offset, 0),
            QuantType::Q5_0 => (Bits::Five, Scales::Zero, 16),
            QuantType::Q5_1 => (Bits::Five, Scales::Offset, 0),
            QuantType::Q8_0 => (Bits::Eight, Scales::Zero, 128),
            QuantType::Q4K => (Bits::Four, Scales::Minimum, 0),
            QuantType::Q5K => (Bits::Five, Scales::Minimum, 0),
            QuantType::Q6K => (Bits::Six, Scales::Halves, 32),
        };
        Self { bits, scales, zero }
    }

    /// Bytes of a group's quants.
    #[inline(always)]
    pub(crate) const fn quant_bytes(self) -> usize {
        match self.bits {
            Bits::Four => 4 * LINE,
            Bits::Five => 5 * LINE,
            Bits::Six => 6 * LINE,
            Bits::Eight => 8 * LINE,
        }
    }

    /// Where group `g`'s scales are among the panel's, and where its d is.
    #[inline(always)]
    pub(crate) const fn scales_at(self, g: usize) -> (usize, usize) {
        match self.scales {
            Scales::Zero => (g * 2 * PANEL, g * 2 * PANEL),
            Scales::Offset => (g * 4 * PANEL, g * 4 * PANEL),
            Scales::Minimum | Scales::Halves => {
                let block = g / GROUPS * SUPER;
                (block + 64 + g % GROUPS * 2 * PANEL, block)
            }
        }
    }

    /// Bytes of a panel of `n_in` inputs: quants, and all.
    pub(crate) const fn panel_bytes(self, n_in: usize) -> (usize, usize) {
        let groups = n_in / GROUP;
        let quants = groups * self.quant_bytes();
        let scales = match self.scales {
            Scales::Zero => groups * 2 * PANEL,
            Scales::Offset => groups * 4 * PANEL,
            Scales::Minimum | Scales::Halves => groups / GROUPS * SUPER,
        };
        (quants, quants + scales.next_multiple_of(LINE))
    }
}

/// A panel, to be read.
#[derive(Clone, Copy)]
pub(crate) struct Panel<'a> {
    pub format: Format,
    pub quants: &'a [u8],
    pub scales: &'a [u8],
}

impl Panel<'_> {
    /// The quants of output `r` for group `g`.
    #[inline(always)]
    pub(crate) fn quants_of(&self, g: usize, r: usize) -> [u8; GROUP] {
        let group = &self.quants[g * self.format.quant_bytes()..][..self.format.quant_bytes()];
        let dword = |at: usize| -> [u8; 4] {
            let at = at + 4 * r;
            [group[at], group[at + 1], group[at + 2], group[at + 3]]
        };
        let mut q = [0; GROUP];
        for i in 0..8 {
            let bytes = match self.format.bits {
                Bits::Eight => dword(i * LINE),
                _ if i < 4 => dword(i * LINE).map(|b| b & 15),
                _ => dword((i - 4) * LINE).map(|b| b >> 4),
            };
            let more = match self.format.bits {
                Bits::Four | Bits::Eight => [0; 4],
                Bits::Five => dword(4 * LINE).map(|b| (b >> i & 1) << 4),
                Bits::Six => dword((4 + i / 4) * LINE).map(|b| (b >> (2 * (i % 4)) & 3) << 4),
            };
            for c in 0..4 {
                q[4 * i + c] = bytes[c] | more[c];
            }
        }
        q
    }

    /// d and m of output `r` for half `half` of group `g`: a weight is d·(q − zero) + m, m being 0 where there is none.
    #[inline(always)]
    pub(crate) fn scales_of(&self, g: usize, half: usize, r: usize) -> (f32, f32) {
        let (at, d_at) = self.format.scales_at(g);
        let half_width = |at: usize| {
            f16::from_le_bytes([self.scales[at + 2 * r], self.scales[at + 2 * r + 1]]).to_f32_const()
        };
        match self.format.scales {
            Scales::Zero => (half_width(at), 0.0),
            Scales::Offset => (half_width(at), half_width(at + 2 * PANEL)),
            Scales::Minimum => {
                let (scale, minimum) = (self.scales[at + r], self.scales[at + PANEL + r]);
                (half_width(d_at) * f32::from(scale), -(half_width(d_at + 2 * PANEL) * f32::from(minimum)))
            }
            Scales::Halves => {
                let scale = self.scales[at + half * PANEL + r].cast_signed();
                (half_width(d_at) * f32::from(scale), 0.0)
            }
        }
    }

    /// Output `r`'s row as f32.
    pub(crate) fn read(&self, r: usize, out: &mut [f32]) {
        match self.format {
            Format { bits: Bits::Four, scales: Scales::Zero, .. } => {
                read::<{ QuantType::Q4_0 as u8 }>(self, r, out)
            }
            Format { bits: Bits::Four, scales: Scales::Offset, .. } => {
                read::<{ QuantType::Q4_1 as u8 }>(self, r, out)
            }
            Format { bits: Bits::Five, scales: Scales::Zero, .. } => {
                read::<{ QuantType::Q5_0 as u8 }>(self, r, out)
            }
            Format { bits: Bits::Five, scales: Scales::Offset, .. } => {
                read::<{ QuantType::Q5_1 as u8 }>(self, r, out)
            }
            Format { bits: Bits::Eight, .. } => read::<{ QuantType::Q8_0 as u8 }>(self, r, out),
            Format { bits: Bits::Four, .. } => read::<{ QuantType::Q4K as u8 }>(self, r, out),
            Format { bits: Bits::Five, .. } => read::<{ QuantType::Q5K as u8 }>(self, r, out),
            Format { bits: Bits::Six, .. } => read::<{ QuantType::Q6K as u8 }>(self, r, out),
        }
    }
}

/// One type's way, so that nothing is decided in the loop.
fn read<const TYPE: u8>(panel: &Panel<'_>, r: usize, out: &mut [f32]) {
    let format = const { Format::of(QuantType::from_number(TYPE)) };
    let panel = Panel { format, ..*panel };
    for (g, out) in out.chunks_exact_mut(GROUP).enumerate() {
        let q = panel.quants_of(g, r);
        for (half, out) in out.chunks_exact_mut(GROUP / 2).enumerate() {
            let (d, m) = panel.scales_of(g, half, r);
            for (out, q) in out.iter_mut().zip(&q[half * GROUP / 2..]) {
                let q = (i32::from(*q) - format.zero) as f32;
                *out = match format.scales {
                    Scales::Zero | Scales::Halves => d * q,
                    Scales::Offset | Scales::Minimum => d * q + m,
                };
            }
        }
    }
}

/// A panel, to be filled.
pub(super) struct PanelMut<'a> {
    pub format: Format,
    pub quants: &'a mut [u8],
    pub scales: &'a mut [u8],
}

impl PanelMut<'_> {
    /// Puts output `r`'s stored blocks in their places.
    pub(super) fn fill(&mut self, quant_type: QuantType, r: usize, row: &[u8]) {
        let (elements, bytes) = quant_type.block();
        let groups = elements / GROUP;
        for (b, block) in row.chunks_exact(bytes).enumerate() {
            for j in 0..groups {
                self.put_quants(b * groups + j, r, &super::blocks::quants(quant_type, block, j));
            }
            self.put_scales(quant_type, b * groups, r, block);
        }
    }

    #[inline(always)]
    fn put_quants(&mut self, g: usize, r: usize, q: &[u8; GROUP]) {
        let size = self.format.quant_bytes();
        let group = &mut self.quants[g * size..][..size];
        for (i, q) in q.as_chunks::<4>().0.iter().enumerate() {
            for (c, q) in q.iter().enumerate() {
                let byte = 4 * r + c;
                match self.format.bits {
                    Bits::Eight => group[i * LINE + byte] = *q,
                    _ if i < 4 => group[i * LINE + byte] |= q & 15,
                    _ => group[(i - 4) * LINE + byte] |= (q & 15) << 4,
                }
                match self.format.bits {
                    Bits::Four | Bits::Eight => {}
                    Bits::Five => group[4 * LINE + byte] |= (q >> 4) << i,
                    Bits::Six => group[(4 + i / 4) * LINE + byte] |= (q >> 4) << (2 * (i % 4)),
                }
            }
        }
    }

    /// The scales of a block whose first group is `g`.
    fn put_scales(&mut self, quant_type: QuantType, g: usize, r: usize, block: &[u8]) {
        let (at, d_at) = self.format.scales_at(g);
        let mut two = |at: usize, from: usize| {
            self.scales[at + 2 * r..at + 2 * r + 2].copy_from_slice(&block[from..from + 2]);
        };
        match self.format.scales {
            Scales::Zero => two(at, 0),
            Scales::Offset => {
                two(at, 0);
                two(at + 2 * PANEL, 2);
            }
            Scales::Minimum => {
                two(d_at, 0);
                two(d_at + 2 * PANEL, 2);
                for j in 0..GROUPS {
                    let (scale, minimum) = super::blocks::scale_and_minimum(block, j);
                    let (at, _) = self.format.scales_at(g + j);
                    self.scales[at + r] = scale;
                    self.scales[at + PANEL + r] = minimum;
                }
            }
            Scales::Halves => {
                debug_assert!(quant_type == QuantType::Q6K);
                two(d_at, 208);
                for j in 0..GROUPS {
                    let (at, _) = self.format.scales_at(g + j);
                    self.scales[at + r] = block[192 + 2 * j];
                    self.scales[at + PANEL + r] = block[192 + 2 * j + 1];
                }
            }
        }
    }
}
