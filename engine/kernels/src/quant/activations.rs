//! Activations rounded to 8 bits for integer products.
#![expect(unsafe_code, reason = "tasks write rows of their own, and calls what is compiled for wider sets")]

use super::layout::GROUP;
use crate::arena::Block;
use crate::dispatch::{Isa, vectorised};
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
            round_groups(isa, &x[rows.start * n_in..rows.end * n_in], quants, factors, sums, totals);
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

vectorised! {
    fn round_groups(x: &[f32], quants: &mut [i8], factors: &mut [f32], sums: &mut [i32], totals: &mut [f32]) {
        let groups = x.as_chunks::<GROUP>().0.iter().zip(quants.as_chunks_mut::<GROUP>().0);
        let sums = sums.as_chunks_mut::<2>().0.iter_mut().zip(totals);
        for (((x, q), factor), (sums, total)) in groups.zip(factors).zip(sums) {
            let (mut most, mut odd) = ([0f32; 16], [0f32; 16]);
            for i in 0..GROUP {
                let size = x[i].abs();
                most[i % 16] = if size > most[i % 16] { size } else { most[i % 16] };
                // Not a number where x is not finite.
                odd[i % 16] += x[i] * 0.0;
            }
            let most = most.iter().fold(0f32, |a, b| if *b > a { *b } else { a });
            let odd: f32 = odd.iter().sum();
            let inverse = if most > 0.0 && most.is_finite() { 127.0 / most } else { 0.0 };
            let mut whole = [0i32; GROUP];
            for i in 0..GROUP {
                // Fits: at most 127 in size, or 0.
                whole[i] = (x[i] * inverse).round_ties_even() as i32;
            }
            for i in 0..GROUP {
                q[i] = whole[i] as i8;
            }
            *sums = [whole[..16].iter().sum(), whole[16..].iter().sum()];
            *factor = most / 127.0 + odd;
            *total = *factor * (sums[0] + sums[1]) as f32;
        }
    }
}
