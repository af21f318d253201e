//! Lengths as few bars as fit: neighbours become one, and a long tail becomes the last.

use glassworks_protocol::datasets::overview::Histogram;

/// A tail is folded when the longest row is so many times what matters.
const TAIL: u32 = 3;

/// Rows of a range of lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bin {
    pub from: u32,
    /// Both ends belong to it; `None`: all that are longer.
    pub to: Option<u32>,
    pub n: u64,
}

/// At most `most` bars. `matters` is the greatest length that has to be told apart: what lies far beyond it is one
/// bar, so that a single row of a million characters does not press all others into the first.
pub fn bins(counts: &Histogram, longest: u32, matters: u32, most: usize) -> Vec<Bin> {
    let used = counts.counts.iter().rposition(|n| *n > 0).map_or(0, |last| last + 1);
    let width = counts.width.max(1);
    if used == 0 || most == 0 {
        return Vec::new();
    }
    let folded = matters > 0 && longest / TAIL > matters;
    let wanted = if folded { (matters.saturating_mul(2) / width) as usize + 1 } else { used };
    let shown = wanted.min(used);
    let room = if folded && shown < used { most.saturating_sub(1).max(1) } else { most };
    let each = shown.div_ceil(room).max(1);
    let mut bins: Vec<Bin> = counts.counts[..shown]
        .chunks(each)
        .enumerate()
        .map(|(i, part)| {
            let from = (i * each) as u32 * width;
            let to = from + (part.len() as u32 * width) - 1;
            Bin { from, to: Some(to), n: part.iter().sum() }
        })
        .collect();
    let rest: u64 = counts.counts[shown..used].iter().sum();
    if shown < used {
        bins.push(Bin { from: shown as u32 * width, to: None, n: rest });
    } else if u64::from(longest) >= u64::from(width) * counts.counts.len() as u64
        && let Some(last) = bins.last_mut()
    {
        // Whoever counted has put all that are longer into the last range.
        last.to = None;
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(width: u32, counts: &[u64]) -> Histogram {
        Histogram { width, counts: counts.to_vec() }
    }

    #[test]
    fn every_row_is_in_one_bar() {
        let mut state = 7_u64;
        let mut next = move |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        for _ in 0..500 {
            let counts: Vec<u64> = (0..next(300)).map(|_| next(9)).collect();
            let (width, most) = (1 + next(40) as u32, 1 + next(60) as usize);
            let longest = (counts.len() as u32 * width).saturating_sub(1);
            let got = bins(&of(width, &counts), longest, next(u64::from(longest) + 1) as u32, most);
            assert_eq!(got.iter().map(|bin| bin.n).sum::<u64>(), counts.iter().sum::<u64>());
            assert!(got.len() <= most.max(2), "{} of {most}", got.len());
            for pair in got.windows(2) {
                assert_eq!(pair[0].to.map(|to| to + 1), Some(pair[1].from));
            }
        }
    }

    #[test]
    fn a_long_tail_is_one_bar() {
        let mut counts = vec![10_u64; 4];
        counts.resize(1000, 0);
        counts[999] = 1;
        let got = bins(&of(10, &counts), 9_999, 40, 20);
        assert_eq!(got.last(), Some(&Bin { from: 90, to: None, n: 1 }));
        assert_eq!(got[0], Bin { from: 0, to: Some(9), n: 10 });
        assert_eq!(bins(&of(10, &[]), 0, 0, 20), []);

        let got = bins(&of(5, &[0, 90, 9, 1]), 1_000_000, 12, 20);
        assert_eq!(got.last(), Some(&Bin { from: 15, to: None, n: 1 }), "counted so already");
    }
}
