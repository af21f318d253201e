//! Maps put together: along all layers, and beside those of another model.

use super::tokens::SeenToken;
use std::ops::Range;

/// Attention rollout (Abnar & Zuidema 2020) of one query: Â = rownorm(mean over heads of A + I), R_l = Â_l·R_{l−1}; the
/// query's row of R_L, `query + 1` numbers that sum to 1. `row(l, i, out)` gives the heads' mean of layer l's row i,
/// `i + 1` numbers. O(L·T²).
pub fn rollout(n_layers: usize, query: usize, mut row: impl FnMut(usize, usize, &mut Vec<f32>)) -> Vec<f32> {
    let mut flow = vec![0.0f64; query + 1];
    flow[query] = 1.0;
    let mut means = Vec::new();
    for layer in (0..n_layers).rev() {
        let mut below = vec![0.0f64; query + 1];
        for (i, share) in flow.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            row(layer, i, &mut means);
            let sum = 1.0 + means.iter().map(|a| f64::from(*a)).sum::<f64>();
            let part = share / sum;
            below[i] += part;
            below.iter_mut().zip(&means).for_each(|(to, a)| *to += part * f64::from(*a));
        }
        flow = below;
    }
    flow.into_iter().map(|share| share as f32).collect()
}

/// Jensen–Shannon divergence of two distributions over the same things, nats: 0 to ln 2.
#[must_use]
pub fn jensen_shannon(p: &[f32], q: &[f32]) -> f32 {
    let term = |a: f64, middle: f64| if a > 0.0 { a * (a / middle).ln() } else { 0.0 };
    let each = p.iter().zip(q).map(|(p, q)| {
        let (p, q) = (f64::from(*p), f64::from(*q));
        let middle = f64::midpoint(p, q);
        0.5 * (term(p, middle) + term(q, middle))
    });
    each.sum::<f64>().clamp(0.0, std::f64::consts::LN_2) as f32
}

/// Cuts a text that two tokenizers have read wherever both have a token's end: the tokens of the one and of the other, by
/// the bytes of their texts. What stands after the last common end is left out.
#[must_use]
pub fn alignment(one: &[SeenToken], other: &[SeenToken]) -> Vec<(Range<u32>, Range<u32>)> {
    let mut parts = Vec::new();
    let (mut i, mut j, mut a, mut b) = (0, 0, 0, 0);
    let (mut from_i, mut from_j) = (0, 0);
    while i < one.len() || j < other.len() {
        if j >= other.len() || (i < one.len() && a <= b) {
            a += one[i].text.len();
            i += 1;
        } else {
            b += other[j].text.len();
            j += 1;
        }
        // Tokens without a text of their own go with what they begin.
        let whole =
            |tokens: &[SeenToken], at: usize, from: usize| at > from && !tokens[at - 1].text.is_empty();
        if a == b && whole(one, i, from_i) && whole(other, j, from_j) {
            parts.push((from_i as u32..i as u32, from_j as u32..j as u32));
            (from_i, from_j) = (i, j);
        }
    }
    parts
}

/// A row over tokens as one over segments: sums over each one's keys; of `row`, `i + 1` numbers, the rest counts 0.
#[must_use]
pub fn over_segments(row: &[f32], segments: impl IntoIterator<Item = Range<u32>>) -> Vec<f32> {
    let sum = |range: Range<u32>| -> f32 {
        let (start, end) = ((range.start as usize).min(row.len()), (range.end as usize).min(row.len()));
        row[start..end].iter().sum()
    };
    segments.into_iter().map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(seed: u64) -> impl FnMut() -> f32 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f32 / (1u64 << 24) as f32
        }
    }

    /// Acceptance 6: beside whole matrix products over random stochastic matrices.
    #[test]
    fn rollout_is_the_product_of_its_layers() {
        const T: usize = 9;
        let mut number = random(3);
        let layers: Vec<Vec<Vec<f32>>> = (0..4)
            .map(|_| {
                let row = |i: usize, number: &mut dyn FnMut() -> f32| {
                    let row: Vec<f32> = (0..=i).map(|_| number() + 0.01).collect();
                    let sum: f32 = row.iter().sum();
                    row.into_iter().map(|a| a / sum).collect::<Vec<f32>>()
                };
                (0..T).map(|i| row(i, &mut number)).collect()
            })
            .collect();
        let mut product = vec![vec![0.0f64; T]; T];
        (0..T).for_each(|i| product[i][i] = 1.0);
        for layer in &layers {
            let hat = |i: usize, j: usize| {
                let a = layer[i].get(j).copied().unwrap_or(0.0);
                (f64::from(a) + f64::from(u8::from(i == j))) / 2.0
            };
            let cell = |i: usize, j: usize| (0..T).map(|k| hat(i, k) * product[k][j]).sum::<f64>();
            product = (0..T).map(|i| (0..T).map(|j| cell(i, j)).collect()).collect();
        }
        for (query, expected) in product.iter().enumerate() {
            let row = rollout(4, query, |l, i, out| out.clone_from(&layers[l][i]));
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            for (j, ours) in row.iter().enumerate() {
                assert!((f64::from(*ours) - expected[j]).abs() < 1e-6);
            }
        }
    }

    /// Acceptance 9.
    #[test]
    fn divergence_is_at_most_ln_2() {
        assert_eq!(jensen_shannon(&[1.0, 0.0], &[0.0, 1.0]), std::f32::consts::LN_2);
        assert_eq!(jensen_shannon(&[0.3, 0.7], &[0.3, 0.7]), 0.0);
        let mut number = random(5);
        for _ in 0..200 {
            let mut one = || {
                let row: Vec<f32> = (0..20).map(|_| number().powi(8)).collect();
                let sum: f32 = row.iter().sum();
                row.into_iter().map(|a| a / sum).collect::<Vec<f32>>()
            };
            let (p, q) = (one(), one());
            let d = jensen_shannon(&p, &q);
            assert!((0.0..=std::f32::consts::LN_2).contains(&d) && (d - jensen_shannon(&q, &p)).abs() < 1e-7);
        }
    }

    #[test]
    fn tokenisations_meet_where_both_have_an_end() {
        let tokens = |texts: &[&str]| -> Vec<SeenToken> {
            let token =
                |text: &&str| SeenToken { id: 0, text: (*text).into(), name: (*text).into(), special: false };
            texts.iter().map(token).collect()
        };
        let check = |one: &[&str], other: &[&str], expected: &[(Range<u32>, Range<u32>)]| {
            assert_eq!(alignment(&tokens(one), &tokens(other)), expected, "{one:?} {other:?}");
        };
        check(&["ab", "c"], &["ab", "c"], &[(0..1, 0..1), (1..2, 1..2)]);
        check(&["ab", "c"], &["a", "bc"], &[(0..2, 0..2)]);
        check(&["a", "", "玻"], &["a玻"], &[(0..3, 0..1)]);
        check(&["", "玻", "b"], &["玻", "b"], &[(0..2, 0..1), (2..3, 1..2)]);
        check(&["a", "b"], &["a"], &[(0..1, 0..1)]);
        check(&[], &["a"], &[]);
    }

    #[test]
    fn rows_become_rows_of_segments() {
        assert_eq!(over_segments(&[0.5, 0.25, 0.25], [0..1, 1..3, 3..5]), [0.5, 0.5, 0.0]);
    }
}
