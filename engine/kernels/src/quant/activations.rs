//! Activations rounded to 8 bits for integer products.
#![expect(unsafe_code, reason = "tasks write rows of their own, and calls what is compiled for wider sets")]

use super::layout::GROUP;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::arena::Block;
use crate::dispatch::Isa;
use crate::pool::{self, Shared};

/// x \[M, K\] in groups of 32: integers from −127 to 127, a factor a group, and the sums that offsets of weights are
/// multiplied by. Its memory is used again.
#[derive(Default)]
pub struct Activations {
    m: usize,
    n_in: usize,
    /// \[M, K\]
    quants: Block,
    /// \[M, K/32\]
    factors: Block,
    /// Σ quants of each 16: \[M, K/16\]
    sums: Block,
    /// Factor · Σ quants of each 32: \[M, K/32\]
    totals: Block,
}

/// Rows in one task, about so many values.
const TASK: usize = 1 << 15;

impl Activations {
    /// Rounds x \[M, K\] to the nearest, ties to even; a group that has a number that is not finite gets a factor that
    /// is none. On the pool.
    ///
    /// # Panics
    /// If K is no multiple of 32, or x is not M rows.
    pub fn round(&mut self, isa: Isa, x: &[f32], m: usize, n_in: usize) {
        assert!(n_in.is_multiple_of(GROUP) && x.len() == m * n_in, "{m} rows of {n_in} in {}", x.len());
        (self.m, self.n_in) = (m, n_in);
        let groups = n_in / GROUP;
        grow::<i8>(&mut self.quants, m * n_in);
        grow::<f32>(&mut self.factors, m * groups);
        grow::<i32>(&mut self.sums, 2 * m * groups);
        grow::<f32>(&mut self.totals, m * groups);
        let quants = Shared::new(self.quants.values_mut::<i8>(m * n_in));
        let factors = Shared::new(self.factors.values_mut::<f32>(m * groups));
        let sums = Shared::new(self.sums.values_mut::<i32>(2 * m * groups));
        let totals = Shared::new(self.totals.values_mut::<f32>(m * groups));
        let each = (TASK / n_in.max(1)).max(1);
        pool::for_each(m.div_ceil(each), |i| {
            let rows = i * each..((i + 1) * each).min(m);
            let n = rows.len() * groups;
            // SAFETY: the rows of this task, which are no other's.
            let (quants, factors, sums, totals) = unsafe {
                (
                    quants.slice(rows.start * n_in, n * GROUP),
                    factors.slice(rows.start * groups, n),
                    sums.slice(2 * rows.start * groups, 2 * n),
                    totals.slice(rows.start * groups, n),
                )
            };
            let x = &x[rows.start * n_in..rows.end * n_in];
            round_groups(isa, x, Rounded { quants, factors, sums, totals });
        });
    }

    #[must_use]
    pub fn m(&self) -> usize {
        self.m
    }

    #[must_use]
    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// \[M, K\]
    pub(super) fn quants(&self) -> &[i8] {
        self.quants.values(self.m * self.n_in)
    }

    /// \[M, K/32\]
    pub(super) fn factors(&self) -> &[f32] {
        self.factors.values(self.m * self.n_in / GROUP)
    }

    /// \[M, K/32\]
    pub(super) fn totals(&self) -> &[f32] {
        self.totals.values(self.m * self.n_in / GROUP)
    }

    /// \[M, K/16\]
    pub(super) fn sums(&self) -> &[i32] {
        self.sums.values(2 * self.m * self.n_in / GROUP)
    }
}

fn grow<T: crate::arena::Plain>(block: &mut Block, len: usize) {
    let lines = Block::lines_for::<T>(len);
    if block.lines() < lines {
        *block = Block::new(lines);
    }
}

/// Groups of what [`Activations::round`] makes, one after the other.
pub(super) struct Rounded<'a> {
    pub quants: &'a mut [i8],
    pub factors: &'a mut [f32],
    pub sums: &'a mut [i32],
    pub totals: &'a mut [f32],
}

impl Rounded<'_> {
    /// Each group of `x`, and its places; `put` writes its quants and says its factor and sums.
    #[inline(always)]
    pub(super) fn each(self, x: &[f32], put: impl Fn(&[f32; GROUP], &mut [i8; GROUP]) -> (f32, [i32; 2])) {
        let groups = x.as_chunks::<GROUP>().0.iter().zip(self.quants.as_chunks_mut::<GROUP>().0);
        let sums = self.sums.as_chunks_mut::<2>().0.iter_mut().zip(self.totals);
        for (((x, quants), factor), (sums, total)) in groups.zip(self.factors).zip(sums) {
            (*factor, *sums) = put(x, quants);
            *total = *factor * (sums[0] + sums[1]) as f32;
        }
    }
}

/// What a group's largest is multiplied by to become 127, and the factor that takes that back.
#[inline(always)]
pub(super) fn factors(most: f32, finite: bool) -> (f32, f32) {
    // Of nothing, or next to nothing, there is no inverse.
    let inverse = 127.0 / most;
    let inverse = if finite && inverse.is_finite() { inverse } else { 0.0 };
    (inverse, if finite { most / 127.0 } else { f32::NAN })
}

fn round_groups(isa: Isa, x: &[f32], to: Rounded<'_>) {
    #[cfg(target_arch = "x86_64")]
    {
        if isa >= Isa::Avx512 {
            // SAFETY: an `Isa` is only ever run up to what the machine has.
            return unsafe { avx512::round_groups(x, to) };
        }
        if isa >= Isa::Avx2 {
            // SAFETY: as above.
            return unsafe { avx2::round_groups(x, to) };
        }
    }
    let _ = isa;
    to.each(x, |x, quants| {
        let most = x.iter().fold(0f32, |most, x| most.max(x.abs()));
        let (inverse, factor) = factors(most, x.iter().all(|x| x.is_finite()));
        let mut sums = [0; 2];
        for (i, (x, q)) in x.iter().zip(quants).enumerate() {
            // Fits: at most 127 in size, or not a number, which makes 0.
            let whole = (x * inverse).round_ties_even() as i32;
            *q = whole as i8;
            sums[i / (GROUP / 2)] += whole;
        }
        (factor, sums)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::numbers;

    /// Bit for bit, whatever rounds.
    #[test]
    fn every_set_rounds_alike() {
        let (m, n_in) = (5, 96);
        let mut x = numbers(11, m * n_in);
        x[..GROUP].fill(0.0);
        x[GROUP..2 * GROUP].iter_mut().for_each(|x| *x *= 1e-42);
        // Halves between two whole numbers, of both signs.
        x[2 * GROUP..3 * GROUP].iter_mut().enumerate().for_each(|(i, x)| *x = i as f32 - 15.5);
        x[2 * GROUP] = 127.0;
        let made = |isa, x: &[f32]| {
            let mut rounded = Activations::default();
            rounded.round(isa, x, m, n_in);
            rounded
        };
        let expected = made(Isa::Scalar, &x);
        assert_eq!(expected.quants()[2 * GROUP..2 * GROUP + 4], [127, -14, -14, -12]);
        for isa in Isa::available() {
            let rounded = made(isa, &x);
            assert_eq!(rounded.quants(), expected.quants(), "{isa}");
            assert_eq!(rounded.sums(), expected.sums(), "{isa}");
            for (got, want) in
                [(rounded.factors(), expected.factors()), (rounded.totals(), expected.totals())]
            {
                assert!(got.iter().zip(want).all(|(a, b)| a.to_bits() == b.to_bits()), "{isa}");
            }
            for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for at in [0, 7, 15, 16, 31] {
                    let mut x = x.clone();
                    x[n_in + at] = odd;
                    let rounded = made(isa, &x);
                    let none: Vec<usize> =
                        (0..rounded.factors().len()).filter(|i| rounded.factors()[*i].is_nan()).collect();
                    assert_eq!(none, [n_in / GROUP], "{isa}: {odd} at {at}");
                }
            }
        }
    }
}
