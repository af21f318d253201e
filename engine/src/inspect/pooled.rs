//! A map made small: of what falls into a cell its largest value, in which a spike survives, and its mean.

use super::recorder::{cell, tokens_of};
use glassworks_protocol::inside::coded;
use std::ops::Range;

#[derive(Clone, Debug)]
pub struct Pooled {
    n: usize,
    side: usize,
    /// `[side, side]`
    max: Vec<f32>,
    sum: Vec<f32>,
    count: Vec<u32>,
}

impl Pooled {
    /// Of `n` rows and columns, at most `most` cells each way.
    pub fn new(n: usize, most: usize) -> Self {
        let side = n.min(most);
        let cells = side * side;
        Self { n, side, max: vec![0.0; cells], sum: vec![0.0; cells], count: vec![0; cells] }
    }

    pub fn side(&self) -> usize {
        self.side
    }

    /// A row's values at the keys that are seen.
    pub fn add(&mut self, query: usize, seen: Range<usize>, row: &[f32]) {
        if seen.is_empty() {
            return;
        }
        let to = cell(query, self.n, self.side) * self.side;
        for c in cell(seen.start, self.n, self.side)..=cell(seen.end - 1, self.n, self.side) {
            let keys = tokens_of(c, self.n, self.side);
            let values = &row[keys.start.max(seen.start)..keys.end.min(seen.end)];
            let (most, sum) = most_and_sum(values);
            let at = to + c;
            self.max[at] = self.max[at].max(most);
            self.sum[at] += sum;
            self.count[at] += values.len() as u32;
        }
    }

    /// Takes in the rows `queries` of another picture of the same map.
    pub fn merge(&mut self, other: &Self, queries: Range<usize>) {
        let first = cell(queries.start, self.n, self.side) * self.side;
        let end = (cell(queries.end - 1, self.n, self.side) + 1) * self.side;
        for at in first..end {
            self.max[at] = self.max[at].max(other.max[at]);
            self.sum[at] += other.sum[at];
            self.count[at] += other.count[at];
        }
    }

    pub fn max_codes(&self) -> impl Iterator<Item = u8> {
        self.max.iter().map(|a| coded(*a))
    }

    pub fn mean_codes(&self) -> impl Iterator<Item = u8> {
        self.sum.iter().zip(&self.count).map(|(sum, n)| coded(sum / (*n).max(1) as f32))
    }
}

/// In eight lanes, which compilers turn into vectors.
fn most_and_sum(values: &[f32]) -> (f32, f32) {
    let (mut most, mut sum) = ([0.0f32; 8], [0.0f32; 8]);
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        for lane in 0..8 {
            most[lane] = if eight[lane] > most[lane] { eight[lane] } else { most[lane] };
            sum[lane] += eight[lane];
        }
    }
    let most = rest.iter().chain(&most).fold(0.0f32, |a, b| a.max(*b));
    (most, sum.iter().sum::<f32>() + rest.iter().sum::<f32>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_falls_into_the_cell_that_names_it() {
        for (n, side) in [(1, 1), (5, 5), (100, 64), (2048, 64), (129, 64)] {
            let mut all = 0;
            for c in 0..side {
                for at in tokens_of(c, n, side) {
                    assert_eq!((at, cell(at, n, side)), (all, c), "{n} in {side}");
                    all += 1;
                }
            }
            assert_eq!(all, n);
        }
    }

    #[test]
    fn a_spike_survives_and_means_count_what_is_seen() {
        let n = 200;
        let mut whole = Pooled::new(n, 64);
        let mut parts = [Pooled::new(n, 64), Pooled::new(n, 64)];
        for query in 0..n {
            let mut row = vec![0.25; n];
            row[3] = if query == 150 { 1.0 } else { 0.25 };
            whole.add(query, 0..query + 1, &row);
            parts[query / 100].add(query, 0..query + 1, &row);
        }
        let mut merged = Pooled::new(n, 64);
        merged.merge(&parts[0], 0..100);
        merged.merge(&parts[1], 100..200);
        assert_eq!(merged.max_codes().collect::<Vec<_>>(), whole.max_codes().collect::<Vec<_>>());
        let max: Vec<u8> = whole.max_codes().collect();
        assert_eq!(max[cell(150, n, 64) * 64 + cell(3, n, 64)], 255);
        let mean: Vec<u8> = whole.mean_codes().collect();
        assert_eq!(mean[63 * 64 + 63], coded(0.25));
        assert_eq!((max[1], mean[1]), (0, 0), "masked");
    }
}
