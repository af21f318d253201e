//! What beams are chosen by: log-probabilities with penalties on them. transformers' beam search lets its processors
//! work on these, where greedy and sampled writing let them work on logits.

use super::{Distribution, Draw, N_ALTERNATIVES, Room, Sampler, likeliest, rank};
use glassworks_kernels::spread::{self, Spread};

/// One row of logits, looked at by a [`Sampler`], which has the scores themselves.
pub struct Scored {
    own: Distribution,
    /// ln of what the probabilities sum to once penalties are on them.
    log_sum: f64,
    /// The best tokens and their scores, best first.
    pub best: Vec<(u32, f32)>,
}

impl Sampler {
    /// Scores every token after what is noted so far by `logits` `[V]`; the `n` best of them.
    ///
    /// # Errors
    /// When the logits hold no finite number, or the grammar allows none of the tokens.
    pub fn score(&mut self, logits: &[f32], n: usize) -> anyhow::Result<Scored> {
        let own = Distribution::of(logits)?;
        let mut scores = std::mem::take(&mut self.room.scores);
        scores.clear();
        scores.extend(logits.iter().map(|logit| own.logprob(*logit)));
        self.penalise(&mut scores);
        if let Some(grammar) = &mut self.grammar {
            grammar.mask(&mut scores)?;
        }
        let Spread { most, sum, .. } = spread::spread(&scores);
        let best = likeliest(&scores, n).into_iter().map(|id| (id, scores[id as usize])).collect();
        self.room.scores = scores;
        Ok(Scored { own, log_sum: f64::from(most) + sum.ln(), best })
    }

    /// What is to be said of `id`, which is below V, coming after what was scored last, by these `logits`. Where
    /// nothing is drawn, the probability after the sampler is the one with penalties.
    #[must_use]
    pub fn measured(&self, scored: &Scored, logits: &[f32], id: u32) -> Draw {
        let own = |id: u32| scored.own.logprob(logits[id as usize]);
        let after = |id: u32| (f64::from(self.room.scores[id as usize]) - scored.log_sum).exp() as f32;
        let top = likeliest(logits, N_ALTERNATIVES).into_iter().map(|id| (id, own(id).exp(), after(id)));
        Draw {
            id,
            logprob: own(id),
            sampled_prob: after(id),
            rank: rank(logits, id),
            entropy: scored.own.entropy,
            top: top.collect(),
        }
    }

    /// Whether nothing may follow once `id` has.
    #[must_use]
    pub fn completes(&self, id: u32) -> bool {
        self.grammar.clone().is_some_and(|mut grammar| grammar.note(id).is_ok() && grammar.is_complete())
    }

    /// Another one that has noted the same.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            spec: self.spec.clone(),
            seed: self.seed,
            seen: self.seen.clone(),
            counts: self.counts.clone(),
            n_drawn: self.n_drawn,
            grammar: self.grammar.clone(),
            bound: self.bound,
            room: Room::default(),
        }
    }
}
