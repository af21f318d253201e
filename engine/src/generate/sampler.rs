//! Chooses the next token from the model's logits, and says what else might have been chosen.
//!
//! Order and arithmetic follow the logits processors of Hugging Face transformers: repetition penalty over prompt
//! and reply, frequency and presence penalty over the reply (OpenAI's definition), temperature, top-k, top-p, min-p.

use anyhow::Context as _;
use glassworks_protocol::generate::SamplingSpec;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use rand::RngCore as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

/// Alternatives kept with each token.
pub const N_ALTERNATIVES: usize = 20;

/// One drawn token; texts are added by the decode loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Draw {
    pub id: u32,
    /// Natural logarithm of the model's own probability.
    pub logprob: f32,
    pub sampled_prob: f32,
    pub rank: u32,
    /// In nats, over the whole vocabulary.
    pub entropy: f32,
    /// (id, own probability, probability after the sampler), likeliest first.
    pub top: Vec<(u32, f32, f32)>,
}

/// A [`SamplingSpec`] at work on one reply.
pub struct Sampler {
    spec: SamplingSpec,
    seed: u64,
    /// Every id of prompt and reply, for the repetition penalty.
    seen: HashSet<u32>,
    /// How often each id stands in the reply.
    counts: HashMap<u32, u32>,
    n_drawn: u64,
}

impl Sampler {
    /// Checks the values and takes note of the prompt.
    ///
    /// # Errors
    /// `Failure { Input }` naming the value that is out of range.
    pub fn new(spec: SamplingSpec, seed: u64, prompt: &[u32]) -> Result<Self, Failure> {
        check(&spec)?;
        let seen = prompt.iter().copied().collect();
        Ok(Self { spec, seed, seen, counts: HashMap::new(), n_drawn: 0 })
    }

    /// Takes note of tokens that the reply already has, as if they had been drawn.
    pub fn go_on_from(&mut self, reply: &[u32]) {
        reply.iter().for_each(|id| self.note(*id));
    }

    fn note(&mut self, id: u32) {
        self.seen.insert(id);
        *self.counts.entry(id).or_default() += 1;
        self.n_drawn += 1;
    }

    /// Draws from `logits` `[V]`.
    ///
    /// # Errors
    /// When the logits hold no finite number.
    pub fn draw(&mut self, logits: &[f32]) -> anyhow::Result<Draw> {
        let raw = Distribution::of(logits)?;
        let kept = self.filter(logits);
        let id = self.pick(&kept);
        let sampled: HashMap<u32, f32> = kept.into_iter().collect();
        let after = |id: u32| sampled.get(&id).copied().unwrap_or(0.0);
        let top = likeliest(logits, N_ALTERNATIVES)
            .into_iter()
            .map(|i| (i, raw.logprob(logits[i as usize]).exp(), after(i)))
            .collect();
        let own = logits[id as usize];
        let draw = Draw {
            id,
            logprob: raw.logprob(own),
            sampled_prob: after(id),
            rank: logits
                .iter()
                .enumerate()
                .filter(|(i, l)| **l > own || (**l == own && (*i as u32) < id))
                .count() as u32,
            entropy: raw.entropy,
            top,
        };
        self.note(id);
        Ok(draw)
    }

    /// What remains after penalties and filters, with probabilities that sum to 1, likeliest first.
    fn filter(&self, logits: &[f32]) -> Vec<(u32, f32)> {
        let spec = &self.spec;
        let mut scores = logits.to_vec();
        self.penalise(&mut scores);
        if spec.temperature == 0.0 {
            return likeliest(&scores, 1).into_iter().map(|id| (id, 1.0)).collect();
        }
        scores.iter_mut().for_each(|s| *s /= spec.temperature);
        let n = spec.top_k.map_or(scores.len(), |k| (k.max(1) as usize).min(scores.len()));
        let ids = if n == scores.len() && spec.top_p.is_none() && spec.min_p.is_none() {
            (0..scores.len() as u32).collect()
        } else {
            likeliest(&scores, n)
        };
        let mut kept: Vec<(u32, f32)> = ids.into_iter().map(|id| (id, scores[id as usize])).collect();
        softmax(&mut kept);
        if let Some(p) = spec.top_p.filter(|p| *p < 1.0) {
            // transformers removes, from the unlikeliest up, what sums to at most 1 − p, and keeps one at least.
            let mut removed = 0.0_f64;
            while kept.len() > 1 {
                removed += f64::from(kept[kept.len() - 1].1);
                if removed > f64::from(1.0 - p) {
                    break;
                }
                kept.pop();
            }
            renormalise(&mut kept);
        }
        if let Some(p) = spec.min_p {
            let least = kept.iter().map(|(_, prob)| *prob).fold(0.0, f32::max) * p;
            kept.retain(|(_, prob)| *prob >= least);
            renormalise(&mut kept);
        }
        kept
    }

    fn penalise(&self, scores: &mut [f32]) {
        let spec = &self.spec;
        if spec.repetition_penalty != 1.0 {
            for id in &self.seen {
                if let Some(score) = scores.get_mut(*id as usize) {
                    *score = if *score < 0.0 {
                        *score * spec.repetition_penalty
                    } else {
                        *score / spec.repetition_penalty
                    };
                }
            }
        }
        if spec.frequency_penalty != 0.0 || spec.presence_penalty != 0.0 {
            for (id, count) in &self.counts {
                if let Some(score) = scores.get_mut(*id as usize) {
                    *score -= spec.frequency_penalty * *count as f32 + spec.presence_penalty;
                }
            }
        }
    }

    /// Draws by the token's place in the reply, so that going on later gives what going on at once would have.
    fn pick(&self, kept: &[(u32, f32)]) -> u32 {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.n_drawn);
        // 53 random bits make every double in [0, 1) that is a multiple of 2⁻⁵³.
        let mut left = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        for (id, prob) in kept {
            left -= f64::from(*prob);
            if left < 0.0 {
                return *id;
            }
        }
        // Rounding may leave a rest: the likeliest one takes it.
        kept.first().map_or(0, |(id, _)| *id)
    }
}

/// What is needed of the model's own softmax.
struct Distribution {
    log_sum: f64,
    max: f32,
    entropy: f32,
}

impl Distribution {
    fn of(logits: &[f32]) -> anyhow::Result<Self> {
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if !max.is_finite() || logits.iter().any(|l| l.is_nan()) {
            return Err(Failure::new(FailureKind::Input, Text::new("failure.not_a_number"))
                .hint(Text::new("failure.not_a_number_hint"))
                .into());
        }
        let (mut sum, mut weighted) = (0.0_f64, 0.0_f64);
        for logit in logits {
            let shifted = f64::from(logit - max);
            let e = shifted.exp();
            sum += e;
            if e > 0.0 {
                weighted += e * shifted;
            }
        }
        let log_sum = sum.ln();
        // H = −Σ p·ln p = ln Z − Σ p·(l − max)
        Ok(Self { log_sum, max, entropy: (log_sum - weighted / sum).max(0.0) as f32 })
    }

    fn logprob(&self, logit: f32) -> f32 {
        (f64::from(logit - self.max) - self.log_sum) as f32
    }
}

/// The `n` highest scores' ids, highest first; of equals the lower id first.
fn likeliest(scores: &[f32], n: usize) -> Vec<u32> {
    let order =
        |a: &u32, b: &u32| -> Ordering { scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b)) };
    let mut ids: Vec<u32> = (0..scores.len() as u32).collect();
    if n < ids.len() {
        ids.select_nth_unstable_by(n, order);
        ids.truncate(n);
    }
    ids.sort_unstable_by(order);
    ids
}

fn softmax(kept: &mut [(u32, f32)]) {
    let max = kept.iter().map(|(_, s)| *s).fold(f32::NEG_INFINITY, f32::max);
    kept.iter_mut().for_each(|(_, s)| *s = (*s - max).exp());
    renormalise(kept);
}

fn renormalise(kept: &mut [(u32, f32)]) {
    let sum: f64 = kept.iter().map(|(_, p)| f64::from(*p)).sum();
    kept.iter_mut().for_each(|(_, p)| *p = (f64::from(*p) / sum) as f32);
}

fn check(spec: &SamplingSpec) -> Result<(), Failure> {
    let outside = |name: &str, value: f32, range: &str| {
        Err(Failure::new(
            FailureKind::Input,
            Text::new("failure.out_of_range").arg("name", name).arg("value", value).arg("range", range),
        ))
    };
    if !(0.0..=100.0).contains(&spec.temperature) {
        return outside("temperature", spec.temperature, "0–100");
    }
    if let Some(p) = spec.top_p.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
        return outside("top-p", p, "0–1");
    }
    if let Some(p) = spec.min_p.filter(|p| !(0.0..=1.0).contains(p)) {
        return outside("min-p", p, "0–1");
    }
    if !(spec.repetition_penalty > 0.0 && spec.repetition_penalty <= 100.0) {
        return outside("repetition-penalty", spec.repetition_penalty, "0–100");
    }
    for (name, value) in
        [("frequency-penalty", spec.frequency_penalty), ("presence-penalty", spec.presence_penalty)]
    {
        if !(-100.0..=100.0).contains(&value) {
            return outside(name, value, "−100–100");
        }
    }
    Ok(())
}

/// A fresh seed, small enough to be read aloud and typed again.
///
/// # Errors
/// When the system has no randomness.
pub fn fresh_seed() -> anyhow::Result<u64> {
    let rng = ChaCha8Rng::try_from_os_rng().context("drawing a seed");
    Ok(rng?.next_u64() % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::generate::SamplingPreset;

    const LOGITS: [f32; 6] = [2.0, 1.0, 0.5, 0.0, -1.0, -3.0];

    fn plain() -> SamplingSpec {
        SamplingSpec { temperature: 1.0, ..SamplingPreset::Steady.spec() }
    }

    fn kept(spec: SamplingSpec) -> Vec<(u32, f32)> {
        Sampler::new(spec, 0, &[]).expect("in range").filter(&LOGITS)
    }

    fn ids(kept: &[(u32, f32)]) -> Vec<u32> {
        kept.iter().map(|(id, _)| *id).collect()
    }

    #[test]
    fn the_models_own_numbers_do_not_depend_on_the_settings() {
        let sum: f64 = LOGITS.iter().map(|l| f64::from(*l).exp()).sum();
        for spec in SamplingPreset::ALL.map(SamplingPreset::spec) {
            let draw = Sampler::new(spec, 1, &[]).expect("in range").draw(&LOGITS).expect("finite");
            let p = f64::from(LOGITS[draw.id as usize]).exp() / sum;
            assert!((f64::from(draw.logprob) - p.ln()).abs() < 1e-6);
            let h: f64 = LOGITS.iter().map(|l| f64::from(*l).exp() / sum).map(|p| -p * p.ln()).sum();
            assert!((f64::from(draw.entropy) - h).abs() < 1e-6);
            assert_eq!(draw.rank, draw.id, "the logits are sorted");
            assert!((draw.top.iter().map(|t| t.1).sum::<f32>() - 1.0).abs() < 1e-6);
            let sampled: f32 = draw.top.iter().map(|t| t.2).sum();
            assert!((sampled - 1.0).abs() < 1e-6, "{sampled}");
        }
    }

    #[test]
    fn filters_keep_what_transformers_keeps() {
        // Probabilities by hand: .5586 .2055 .1246 .0756 .0278 .0038 (rounded)
        assert_eq!(ids(&kept(SamplingSpec { top_k: Some(2), ..plain() })), [0, 1]);
        assert_eq!(ids(&kept(SamplingSpec { top_p: Some(0.75), ..plain() })), [0, 1]);
        assert_eq!(ids(&kept(SamplingSpec { top_p: Some(0.77), ..plain() })), [0, 1, 2]);
        assert_eq!(ids(&kept(SamplingSpec { top_p: Some(1e-6), ..plain() })), [0], "one stays");
        assert_eq!(ids(&kept(SamplingSpec { min_p: Some(0.2), ..plain() })), [0, 1, 2]);
        assert_eq!(ids(&kept(SamplingSpec { temperature: 0.0, ..plain() })), [0]);
        assert_eq!(kept(plain()).len(), LOGITS.len());
    }

    #[test]
    fn penalties_follow_their_definitions() {
        let spec = SamplingSpec {
            repetition_penalty: 2.0,
            frequency_penalty: 0.5,
            presence_penalty: 0.25,
            ..plain()
        };
        let mut sampler = Sampler::new(spec, 0, &[4]).expect("in range");
        sampler.go_on_from(&[0, 0]);
        let mut scores = LOGITS;
        sampler.penalise(&mut scores);
        assert_eq!(scores[0], 2.0 / 2.0 - 2.0 * 0.5 - 0.25, "seen, twice in the reply");
        assert_eq!(scores[4], -2.0, "seen in the prompt: negative scores are multiplied");
        assert_eq!(scores[1], 1.0);
    }

    #[test]
    fn a_seed_repeats_and_a_place_is_its_own() {
        let write = |n: usize, from: &[u32]| {
            let mut sampler = Sampler::new(plain(), 7, &[]).expect("in range");
            sampler.go_on_from(from);
            (0..n).map(|_| sampler.draw(&LOGITS).expect("finite").id).collect::<Vec<_>>()
        };
        let whole = write(50, &[]);
        assert_eq!(write(50, &[]), whole);
        assert_eq!(write(30, &whole[..20]), whole[20..], "going on later gives the same");
        assert!(whole.iter().any(|id| *id != whole[0]));
    }

    #[test]
    fn frequencies_match_probabilities() {
        let sampler =
            |seed| Sampler::new(plain(), seed, &[]).expect("in range").draw(&LOGITS).expect("finite");
        let n = 20_000;
        let zeros = (0..n).filter(|seed| sampler(*seed).id == 0).count() as f64 / n as f64;
        let p = f64::from(kept(plain())[0].1);
        // Five standard deviations of a binomial.
        assert!((zeros - p).abs() < 5.0 * (p * (1.0 - p) / n as f64).sqrt(), "{zeros} against {p}");
    }

    #[test]
    fn values_out_of_range_are_named() {
        for (spec, name) in [
            (SamplingSpec { temperature: -1.0, ..plain() }, "temperature"),
            (SamplingSpec { temperature: f32::NAN, ..plain() }, "temperature"),
            (SamplingSpec { top_p: Some(0.0), ..plain() }, "top-p"),
            (SamplingSpec { min_p: Some(1.5), ..plain() }, "min-p"),
            (SamplingSpec { repetition_penalty: 0.0, ..plain() }, "repetition-penalty"),
            (SamplingSpec { presence_penalty: f32::INFINITY, ..plain() }, "presence-penalty"),
        ] {
            let failure = Sampler::new(spec, 0, &[]).err().expect("refused");
            assert!(failure.summary.args.iter().any(|(_, v)| v == name), "{failure}");
        }
    }

    #[test]
    fn logits_that_are_no_numbers_fail_aloud() {
        let mut sampler = Sampler::new(plain(), 0, &[]).expect("in range");
        assert!(sampler.draw(&[0.0, f32::NAN]).is_err());
        assert!(sampler.draw(&[f32::NEG_INFINITY; 3]).is_err());
    }
}
