//! How long rows are.

use glassworks_protocol::datasets::overview::Histogram;

/// Ranges that are drawn.
const MOST_RANGES: u32 = 50;

/// What lengths come to. Sorts them.
#[derive(Debug, PartialEq)]
pub struct Lengths {
    pub histogram: Histogram,
    pub p50: u32,
    pub p95: u32,
    pub p99: u32,
    pub longest: u32,
}

impl Lengths {
    #[must_use]
    pub fn of(lengths: &mut [u32]) -> Self {
        lengths.sort_unstable();
        // The nearest rank: the shortest length that so many rows of a hundred don't exceed.
        let at = |percent: usize| {
            let rank = (lengths.len() * percent).div_ceil(100);
            lengths.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        let longest = lengths.last().copied().unwrap_or(0);
        let mut histogram = Histogram { width: width(at(99), longest), counts: Vec::new() };
        for length in lengths.iter() {
            let range = (length / histogram.width).min(MOST_RANGES - 1) as usize;
            if histogram.counts.len() <= range {
                histogram.counts.resize(range + 1, 0);
            }
            histogram.counts[range] += 1;
        }
        Self { p50: at(50), p95: at(95), p99: at(99), longest, histogram }
    }
}

/// 1, 2, 5, 10, …: such that 99 of 100 rows, and where that costs little all, have their ranges.
fn width(p99: u32, longest: u32) -> u32 {
    let drawn = longest.min(p99.saturating_add(p99 / 2));
    let steps =
        (0..10).flat_map(|power| [1u32, 2, 5].map(|step| step.saturating_mul(10u32.saturating_pow(power))));
    steps.into_iter().find(|width| drawn / width < MOST_RANGES).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_ranked_and_counted() {
        let mut lengths: Vec<u32> = (1..=100).rev().collect();
        let of = Lengths::of(&mut lengths);
        assert_eq!((of.p50, of.p95, of.p99, of.longest), (50, 95, 99, 100));
        assert_eq!(of.histogram.width, 5);
        assert_eq!(of.histogram.counts.iter().sum::<u64>(), 100);
        assert_eq!(of.histogram.counts[0], 4, "1 to 4");
        assert_eq!(of.histogram.counts.len(), 21);
    }

    #[test]
    fn one_long_row_does_not_flatten_all_others() {
        let mut lengths = vec![80; 999];
        lengths.push(1_000_000);
        let of = Lengths::of(&mut lengths);
        assert!(of.histogram.width <= 5, "{}", of.histogram.width);
        assert_eq!(of.histogram.counts.len(), 50);
        assert_eq!(of.histogram.counts[49], 1, "and longer");
        assert_eq!(of.longest, 1_000_000);
    }

    #[test]
    fn nothing_is_no_length() {
        let of = Lengths::of(&mut []);
        assert_eq!((of.p50, of.longest, of.histogram.counts.len()), (0, 0, 0));
        let of = Lengths::of(&mut [0, 0]);
        assert_eq!(of.histogram.counts, [2]);
        assert!(Lengths::of(&mut [u32::MAX]).histogram.width > 0);
    }
}
