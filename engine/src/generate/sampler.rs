//! Chooses the next token from the model's logits, and says what else might have been chosen.
//!
//! Order and arithmetic follow the logits processors of Hugging Face transformers: repetition penalty over prompt
//! and reply, frequency and presence penalty over the reply (OpenAI's definition), temperature, then the filters
//! ([`filters`]). What beams are scored by is in [`scores`].

mod checks;
mod filters;
mod scores;

use super::schema::Grammar;
use anyhow::Context as _;
use glassworks_kernels::spread::{self, Spread};
use glassworks_protocol::generate::SamplingSpec;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use rand::RngCore as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

pub use scores::Scored;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

/// Alternatives kept with each token.
pub const N_ALTERNATIVES: usize = 20;
/// How many of the likeliest are looked for first, where nobody knows how many are needed.
const ORDERED: [usize; 2] = [64, 1024];

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
    /// Which tokens may come next, where not all may.
    grammar: Option<Grammar>,
    /// Mirostat's bound on surprise, in bits.
    bound: f64,
    room: Room,
}

/// Numbers by id, `[V]` each, in memory that every draw uses again.
#[derive(Default)]
struct Room {
    /// The logits after penalties and temperature.
    scores: Vec<f32>,
    /// What is drawn from: probabilities that sum to 1, zero for what is filtered out.
    probs: Vec<f32>,
}

/// What remains after the filters.
enum Kept {
    /// The whole vocabulary, drawn from in the order of the ids.
    All,
    /// The whole vocabulary, drawn from likeliest first.
    Ordered,
    /// These, likeliest first.
    Few(Vec<u32>),
}

impl Sampler {
    /// Checks the values and takes note of the prompt.
    ///
    /// # Errors
    /// `Failure { Input }` naming the value that is out of range.
    pub fn new(spec: SamplingSpec, seed: u64, prompt: &[u32]) -> Result<Self, Failure> {
        checks::check(&spec)?;
        let seen = prompt.iter().copied().collect();
        let (counts, room) = (HashMap::new(), Room::default());
        // As the paper begins.
        let bound = spec.mirostat.map_or(0.0, |mirostat| 2.0 * f64::from(mirostat.tau));
        Ok(Self { spec, seed, seen, counts, n_drawn: 0, grammar: None, bound, room })
    }

    /// From here on draws only what `grammar` allows. Before a reply's first token.
    pub fn constrain(&mut self, grammar: Grammar) {
        self.grammar = Some(grammar);
    }

    /// Whether the grammar allows nothing more.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.grammar.as_ref().is_some_and(Grammar::is_complete)
    }

    /// Takes note of tokens that the reply already has, as if they had been drawn.
    ///
    /// # Errors
    /// `Failure { Input }` when the grammar does not allow them.
    pub fn go_on_from(&mut self, reply: &[u32]) -> Result<(), Failure> {
        reply.iter().try_for_each(|id| self.note(*id))
    }

    pub(super) fn note(&mut self, id: u32) -> Result<(), Failure> {
        if let Some(grammar) = &mut self.grammar {
            grammar.note(id)?;
        }
        self.seen.insert(id);
        *self.counts.entry(id).or_default() += 1;
        self.n_drawn += 1;
        Ok(())
    }

    /// Draws from `logits` `[V]`.
    ///
    /// # Errors
    /// When the logits hold no finite number, or the grammar allows none of the tokens.
    pub fn draw(&mut self, logits: &[f32]) -> anyhow::Result<Draw> {
        self.next(logits, None)
    }

    /// Takes `id`, which is below V, as if it had been drawn from `logits` `[V]`. What is drawn after it is what
    /// would have been.
    ///
    /// # Errors
    /// When the logits hold no finite number, or the grammar does not allow this one.
    pub fn take(&mut self, logits: &[f32], id: u32) -> anyhow::Result<Draw> {
        self.next(logits, Some(id))
    }

    fn next(&mut self, logits: &[f32], given: Option<u32>) -> anyhow::Result<Draw> {
        let raw = Distribution::of(logits)?;
        let kept = self.filter(logits)?;
        let id = given.unwrap_or_else(|| self.pick(&kept));
        let after = |id: u32| self.room.probs[id as usize];
        let top = likeliest(logits, N_ALTERNATIVES)
            .into_iter()
            .map(|i| (i, raw.logprob(logits[i as usize]).exp(), after(i)))
            .collect();
        let own = logits[id as usize];
        let draw = Draw {
            id,
            logprob: raw.logprob(own),
            sampled_prob: after(id),
            rank: rank(logits, id),
            entropy: raw.entropy,
            top,
        };
        if let Some(mirostat) = self.spec.mirostat.filter(|_| self.spec.temperature > 0.0) {
            let surprise = filters::surprise_bits(&self.room.scores, id);
            self.bound -= f64::from(mirostat.eta) * (surprise - f64::from(mirostat.tau));
        }
        self.note(id)?;
        Ok(draw)
    }

    /// What remains after penalties and filters; its probabilities are in the room.
    fn filter(&mut self, logits: &[f32]) -> anyhow::Result<Kept> {
        let mut scores = std::mem::take(&mut self.room.scores);
        scores.clear();
        scores.extend_from_slice(logits);
        self.penalise(&mut scores);
        if let Some(grammar) = &mut self.grammar {
            grammar.mask(&mut scores)?;
        }
        let spec = &self.spec;
        let probs = &mut self.room.probs;
        probs.clear();
        probs.resize(scores.len(), 0.0);
        let kept = if spec.temperature == 0.0 {
            let best = likeliest(&scores, 1);
            best.iter().for_each(|id| probs[*id as usize] = 1.0);
            Kept::Few(best)
        } else {
            scores.iter_mut().for_each(|s| *s /= spec.temperature);
            let top_k = spec.top_k.filter(|_| spec.mirostat.is_none());
            let n = top_k.map_or(scores.len(), |k| (k.max(1) as usize).min(scores.len()));
            if spec.mirostat.is_some() {
                Kept::Few(filters::within(self.bound, &scores, probs))
            } else if n < scores.len() {
                Kept::Few(filters::few(spec, likeliest(&scores, n), &scores, probs))
            } else {
                filters::all(spec, &scores, probs)
            }
        };
        self.room.scores = scores;
        Ok(kept)
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
    fn pick(&self, kept: &Kept) -> u32 {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.n_drawn);
        // 53 random bits make every double in [0, 1) that is a multiple of 2⁻⁵³.
        let random = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let probs = &self.room.probs;
        let found = match kept {
            Kept::All => reached(random, probs.iter().copied()).map(|at| at as u32),
            Kept::Ordered => self.pick_in_order(random),
            Kept::Few(ids) => reached(random, ids.iter().map(|id| probs[*id as usize])).map(|at| ids[at]),
        };
        // Rounding may leave a rest: the likeliest one takes it.
        found.unwrap_or_else(|| likeliest(probs, 1).first().copied().unwrap_or(0))
    }

    /// As if all were in order; most draws end among the first.
    fn pick_in_order(&self, random: f64) -> Option<u32> {
        let Room { scores, probs } = &self.room;
        ORDERED.into_iter().chain([scores.len()]).find_map(|n| {
            let ids = likeliest(scores, n);
            reached(random, ids.iter().map(|id| probs[*id as usize])).map(|at| ids[at])
        })
    }
}

/// Where a running sum of `probs` first exceeds `random`.
fn reached(random: f64, probs: impl Iterator<Item = f32>) -> Option<usize> {
    let mut left = random;
    probs.into_iter().position(|prob| {
        left -= f64::from(prob);
        left < 0.0
    })
}

/// What is needed of the model's own softmax.
struct Distribution {
    log_sum: f64,
    max: f32,
    entropy: f32,
}

impl Distribution {
    fn of(logits: &[f32]) -> anyhow::Result<Self> {
        let Spread { most, sum, weighted } = spread::spread(logits);
        if !most.is_finite() || sum.is_nan() {
            return Err(Failure::new(FailureKind::Input, Text::new("failure.not_a_number"))
                .hint(Text::new("failure.not_a_number_hint"))
                .into());
        }
        let log_sum = sum.ln();
        // H = −Σ p·ln p = ln Z − Σ p·(l − max)
        Ok(Self { log_sum, max: most, entropy: (log_sum - weighted / sum).max(0.0) as f32 })
    }

    fn logprob(&self, logit: f32) -> f32 {
        (f64::from(logit - self.max) - self.log_sum) as f32
    }
}

/// The `n` highest scores' ids, highest first; of equals the lower id first.
fn likeliest(scores: &[f32], n: usize) -> Vec<u32> {
    if n == 0 {
        return Vec::new();
    }
    let mut ids: Vec<u32> = Vec::with_capacity(3 * n.min(scores.len()) + LOOK);
    // What is below the lowest of n that have been found is none of them.
    let mut least = f32::NEG_INFINITY;
    for (block, all) in scores.chunks(LOOK).enumerate() {
        if !all.iter().fold(false, |any, score| any | (*score >= least)) {
            continue;
        }
        let first = (block * LOOK) as u32;
        ids.extend((first..).zip(all).filter(|(_, score)| **score >= least).map(|(id, _)| id));
        if ids.len() >= 3 * n {
            ids.select_nth_unstable_by(n - 1, |a, b| order(scores, *a, *b));
            ids.truncate(n);
            least = scores[ids[n - 1] as usize];
        }
    }
    sort(&mut ids, scores);
    ids.truncate(n);
    ids
}

/// Scores looked at together.
const LOOK: usize = 16;

fn sort(ids: &mut [u32], scores: &[f32]) {
    ids.sort_unstable_by(|a, b| order(scores, *a, *b));
}

/// The higher score first, of equals the lower id.
fn order(scores: &[f32], a: u32, b: u32) -> Ordering {
    scores[b as usize].total_cmp(&scores[a as usize]).then(a.cmp(&b))
}

/// How many are likelier than this one, or as likely and before it.
fn rank(logits: &[f32], id: u32) -> u32 {
    let (before, after) = logits.split_at(id as usize);
    let own = logits[id as usize];
    let not_below = before.iter().map(|l| u32::from(*l >= own)).sum::<u32>();
    not_below + after.iter().map(|l| u32::from(*l > own)).sum::<u32>()
}

/// A fresh seed, small enough to be read aloud and typed again.
///
/// # Errors
/// When the system has no randomness.
pub fn fresh_seed() -> anyhow::Result<u64> {
    let rng = ChaCha8Rng::try_from_os_rng().context("drawing a seed");
    Ok(rng?.next_u64() % 1_000_000)
}
