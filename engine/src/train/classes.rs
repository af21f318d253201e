//! Telling classes apart: the head, and a pass that asks it about the last token of each sequence, as transformers'
//! `GenericForSequenceClassification` does. What is made of the answers over a whole evaluation is the loop's.

use super::watch::whole;
use super::{Batch, BatchLoss, IGNORED, Tuner};
use crate::data::batches::draw;
use anyhow::{Result, ensure};
use glassworks_kernels::matmul;

/// As transformers' `initializer_range`, unless a configuration says otherwise.
const FIRST_STD: f64 = 0.02;

/// What tells classes apart, in place of the unembedding: a linear map without a bias.
pub struct ClassHead {
    pub n_classes: usize,
    /// `[K, D]`
    pub weight: Vec<f32>,
    /// How much a row counts, by its class; `None` where all count the same. `[K]`
    pub class_weights: Option<Vec<f32>>,
}

impl ClassHead {
    /// One that knows nothing yet: drawn from a normal distribution by the seed.
    #[must_use]
    pub fn fresh(n_classes: usize, width: usize, seed: u64, class_weights: Option<Vec<f32>>) -> Self {
        // Box & Muller, two draws a number: plain, and the same everywhere but for the last bits of ln and cos.
        let uniform = |i: usize| ((draw(seed, HEAD, i as u64) >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        let normal = |i: usize| {
            let (a, b) = (uniform(2 * i), uniform(2 * i + 1));
            (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
        };
        let weight = (0..n_classes * width).map(|i| (FIRST_STD * normal(i)) as f32).collect();
        Self { n_classes, weight, class_weights }
    }
}

/// The stream of numbers that a head is drawn from; those of epochs count up from 0.
const HEAD: u64 = u64::MAX - 2;

/// What the head says of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Classified {
    /// `[N, K]`: a row for each sequence.
    pub logits: Vec<f32>,
    pub n_classes: usize,
}

impl Classified {
    /// The logits of each sequence.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.logits.chunks_exact(self.n_classes.max(1))
    }

    /// The likeliest class of each sequence; the first of equals.
    pub fn found(&self) -> impl Iterator<Item = usize> {
        self.rows().map(|row| {
            let mut best = 0;
            for (i, logit) in row.iter().enumerate() {
                if *logit > row[best] {
                    best = i;
                }
            }
            best
        })
    }
}

/// Softmax in f64, which does not depend on how many classes there are.
#[must_use]
pub fn probabilities(logits: &[f32]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let each: Vec<f64> = logits.iter().map(|x| (f64::from(*x) - f64::from(largest)).exp()).collect();
    let sum: f64 = each.iter().sum();
    each.into_iter().map(|e| e / sum).collect()
}

impl Tuner<'_> {
    /// What a batch's losses are divided by: the number of its targets, or the sum of their weights.
    #[must_use]
    pub fn target_weight(&self, batch: &Batch) -> f64 {
        batch.targets.iter().filter(|t| **t != IGNORED).map(|t| self.weight_of(*t)).sum()
    }

    /// How much a target counts.
    pub(super) fn weight_of(&self, target: i32) -> f64 {
        let Some(weights) = &self.class_weights else { return 1.0 };
        usize::try_from(target).ok().and_then(|t| weights.get(t)).map_or(0.0, |w| f64::from(*w))
    }

    /// What the head says of the last token of each sequence; targets are not looked at.
    ///
    /// # Errors
    /// As [`Tuner::accumulate`], and for a sequence without tokens.
    pub fn classify(&self, batch: &Batch, between: &dyn Fn() -> Result<()>) -> Result<Classified> {
        whole(self.stop.as_ref(), || self.last_logits(batch, between))
    }

    fn last_logits(&self, batch: &Batch, between: &dyn Fn() -> Result<()>) -> Result<Classified> {
        let positions = batch.positions();
        let cx = self.step_cx(&self.arena, batch, &positions, between)?;
        let ends = &batch.starts[1..];
        ensure!(batch.starts.windows(2).all(|pair| pair[0] < pair[1]), "a text without tokens");
        let normed = self.normed(&cx, batch)?;
        let (width, n_classes) = (self.parts.shape.width, self.lm_head.n_out());
        let mut last = cx.arena.take(ends.len() * width);
        for (end, to) in ends.iter().zip(last.chunks_exact_mut(width)) {
            to.copy_from_slice(&normed[(end - 1) * width..][..width]);
        }
        let mut logits = vec![0.0; ends.len() * n_classes];
        let head = self.lm_head.matrix(&self.params);
        matmul::linear((&*last).into(), ends.len(), &head, &mut logits, false, cx.precision);
        Ok(Classified { logits, n_classes })
    }

    /// The loss of each sequence of a batch that [`Self::classify`] has looked at.
    #[must_use]
    pub fn class_losses(&self, batch: &Batch, said: &Classified) -> Vec<BatchLoss> {
        let one = |(end, logits): (&usize, &[f32])| {
            let target = batch.targets[end - 1];
            let Ok(class) = usize::try_from(target) else { return BatchLoss::default() };
            let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f64 = logits.iter().map(|x| (f64::from(*x) - f64::from(largest)).exp()).sum();
            let loss = sum.ln() + f64::from(largest) - f64::from(logits[class]);
            let weight = self.weight_of(target);
            BatchLoss { sum: weight * loss, n_targets: 1, weight }
        };
        batch.starts[1..].iter().zip(said.rows()).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_head_is_the_seeds_and_spread_as_it_should_be() {
        let head = ClassHead::fresh(4, 5000, 3, None).weight;
        assert_eq!(head, ClassHead::fresh(4, 5000, 3, None).weight);
        assert_ne!(head, ClassHead::fresh(4, 5000, 4, None).weight);
        let mean = head.iter().map(|x| f64::from(*x)).sum::<f64>() / head.len() as f64;
        let spread = head.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / head.len() as f64;
        assert!(mean.abs() < 1e-3 && (spread.sqrt() / FIRST_STD - 1.0).abs() < 0.02, "{mean} {spread}");
    }

    #[test]
    fn the_first_of_equals_is_found() {
        let said = Classified { logits: vec![1.0, 1.0, 0.0, f32::NAN, 2.0, 3.0], n_classes: 3 };
        assert_eq!(said.found().collect::<Vec<_>>(), [0, 0]);
        let p = probabilities(&[0.0, 1000.0]);
        assert!(p[0] < 1e-9 && (p[1] - 1.0).abs() < 1e-9);
    }
}
