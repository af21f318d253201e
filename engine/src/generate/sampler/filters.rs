//! What may be drawn: top-k, top-p, min-p and typical sampling, each on what the one before has left; or mirostat.

use super::{Kept, ORDERED, likeliest, sort};
use glassworks_kernels::spread::{self, Spread};
use glassworks_protocol::generate::SamplingSpec;

/// The filters on the `ids` that top-k has left, likeliest first: those that stay.
pub(super) fn few(spec: &SamplingSpec, ids: Vec<u32>, scores: &[f32], probs: &mut [f32]) -> Vec<u32> {
    let most = ids.first().map_or(0.0, |id| scores[*id as usize]);
    let mut kept: Vec<f32> = ids.iter().map(|id| (scores[*id as usize] - most).exp()).collect();
    renormalise(&mut kept);
    trim(spec, ids, kept, 0.0, probs)
}

/// The filters on the whole vocabulary.
pub(super) fn all(spec: &SamplingSpec, scores: &[f32], probs: &mut [f32]) -> Kept {
    let most = spread::spread(scores).most;
    let part = 1.0 / spread::exponentials(scores, most, probs);
    probs.iter_mut().for_each(|p| *p = (f64::from(*p) * part) as f32);
    let (ids, removed) = match (spec.top_p.filter(|p| *p < 1.0), spec.min_p.filter(|p| *p > 0.0)) {
        (Some(p), _) => nucleus(p, scores, probs),
        (None, Some(p)) => {
            let least = probs.iter().copied().fold(0.0, f32::max) * p;
            let mut ids: Vec<u32> =
                (0..probs.len() as u32).filter(|id| probs[*id as usize] >= least).collect();
            sort(&mut ids, scores);
            (ids, 0.0)
        }
        (None, None) if typical_p(spec).is_some() => ((0..probs.len() as u32).collect(), 0.0),
        (None, None) if spec.top_p.is_none() && spec.min_p.is_none() => return Kept::All,
        (None, None) => return Kept::Ordered,
    };
    let kept = ids.iter().map(|id| probs[*id as usize]).collect();
    probs.fill(0.0);
    let mut ids = trim(spec, ids, kept, removed, probs);
    if typical_p(spec).is_some() {
        sort(&mut ids, scores);
    }
    Kept::Few(ids)
}

/// So many of the likeliest that the rest, whose probability is told, may go by top-p. Most often they are few, and
/// looking for more is cheaper than putting all in order.
fn nucleus(p: f32, scores: &[f32], probs: &[f32]) -> (Vec<u32>, f64) {
    for n in ORDERED.into_iter().filter(|n| *n < scores.len()) {
        let ids = likeliest(scores, n);
        let rest = 1.0 - ids.iter().map(|id| f64::from(probs[*id as usize])).sum::<f64>();
        if rest <= f64::from(1.0 - p) {
            return (ids, rest.max(0.0));
        }
    }
    (likeliest(scores, scores.len()), 0.0)
}

/// Top-p, min-p and typical sampling on `ids` with their probabilities, likeliest first, of which `removed` has gone
/// already: those that stay, with theirs in `probs`. Where only typical sampling is asked for, any order does.
fn trim(
    spec: &SamplingSpec,
    mut ids: Vec<u32>,
    mut kept: Vec<f32>,
    mut removed: f64,
    probs: &mut [f32],
) -> Vec<u32> {
    if let Some(p) = spec.top_p.filter(|p| *p < 1.0) {
        // transformers removes, from the unlikeliest up, what sums to at most 1 − p, and keeps one at least.
        while kept.len() > 1 {
            removed += f64::from(kept[kept.len() - 1]);
            if removed > f64::from(1.0 - p) {
                break;
            }
            kept.pop();
        }
        renormalise(&mut kept);
    }
    if let Some(p) = spec.min_p {
        let least = kept.first().copied().unwrap_or(0.0) * p;
        kept.truncate(kept.iter().position(|prob| *prob < least).unwrap_or(kept.len()));
        renormalise(&mut kept);
    }
    ids.truncate(kept.len());
    if let Some(mass) = typical_p(spec) {
        typical(mass, &mut ids, &mut kept);
        renormalise(&mut kept);
    }
    ids.iter().zip(kept).for_each(|(id, prob)| probs[*id as usize] = prob);
    ids
}

fn typical_p(spec: &SamplingSpec) -> Option<f32> {
    spec.typical_p.filter(|mass| *mass < 1.0)
}

/// Keeps those whose surprise is nearest to the entropy of them all, until they reach `mass` together; in any order.
fn typical(mass: f32, ids: &mut Vec<u32>, kept: &mut Vec<f32>) {
    let surprise = |p: f32| -f64::from(p).ln();
    let likely = kept.iter().filter(|p| **p > 0.0);
    let entropy: f64 = likely.map(|p| f64::from(*p) * surprise(*p)).sum();
    let off = |p: f32| (surprise(p) - entropy).abs();
    let offs: Vec<f64> = kept.iter().map(|p| off(*p)).collect();
    let nearer = |a: &u32, b: &u32| offs[*a as usize].total_cmp(&offs[*b as usize]);
    let mut places: Vec<u32> = (0..kept.len() as u32).collect();
    // Most often they are few, and looking for more is cheaper than putting all in order.
    let all = places.len();
    let most = ORDERED.into_iter().filter(|n| *n < all).chain([all]).find_map(|n| {
        if n < all {
            places.select_nth_unstable_by(n, nearer);
        }
        places[..n].sort_unstable_by(nearer);
        let mut sum = 0.0;
        let at = places[..n].iter().position(|place| {
            sum += f64::from(kept[*place as usize]);
            sum >= f64::from(mass)
        });
        // Rounding may leave the whole a little below.
        at.or((n == all).then_some(n - 1)).map(|at| offs[places[at] as usize])
    });
    let most = most.unwrap_or(f64::INFINITY);
    let stays = |off: &f64| *off <= most;
    let mut at = offs.iter();
    ids.retain(|_| at.next().is_some_and(stays));
    let mut at = offs.iter();
    kept.retain(|_| at.next().is_some_and(stays));
}

/// Mirostat: those whose surprise is within `bound` bits, likeliest first, and the likeliest at least.
pub(super) fn within(bound: f64, scores: &[f32], probs: &mut [f32]) -> Vec<u32> {
    let most = spread::spread(scores).most;
    let part = 1.0 / spread::exponentials(scores, most, probs);
    let least = (-bound).exp2();
    let likely = |id: &u32| f64::from(probs[*id as usize]) * part >= least;
    let mut ids: Vec<u32> = (0..scores.len() as u32).filter(likely).collect();
    if ids.is_empty() {
        ids = likeliest(scores, 1);
    }
    sort(&mut ids, scores);
    let mut kept: Vec<f32> = ids.iter().map(|id| probs[*id as usize]).collect();
    renormalise(&mut kept);
    probs.fill(0.0);
    ids.iter().zip(kept).for_each(|(id, prob)| probs[*id as usize] = prob);
    ids
}

/// −log2 of a token's probability by these scores, nothing filtered out.
pub(super) fn surprise_bits(scores: &[f32], id: u32) -> f64 {
    let Spread { most, sum, .. } = spread::spread(scores);
    (f64::from(most - scores[id as usize]) + sum.ln()) / std::f64::consts::LN_2
}

fn renormalise(kept: &mut [f32]) {
    let sum: f64 = kept.iter().map(|p| f64::from(*p)).sum();
    kept.iter_mut().for_each(|p| *p = (f64::from(*p) / sum) as f32);
}
