//! Blind votes: who answered, who was found better, and what can be said of it.

use crate::generate::SamplingSpec;
use crate::ids::VoteId;
use crate::model::ModelRef;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The quantile of the normal distribution for an interval of 95 %.
const Z: f64 = 1.959_964;

/// Who takes part in a comparison: a model and how it is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    pub model: ModelRef,
    pub sampling: SamplingSpec,
    #[serde(default)]
    pub system_prompt: String,
}

impl Contender {
    /// Whether it is the same model asked in the same way; seeds aside, and names, which can change.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let plain = |contender: &Self| {
            let mut one = contender.clone();
            one.sampling.seed = None;
            one.model.name.clear();
            if let Some(tuned) = &mut one.model.tuned {
                tuned.name.clear();
            }
            one
        };
        plain(self) == plain(other)
    }
}

/// A round that a person has decided without knowing who is who.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VoteRecord {
    pub id: VoteId,
    /// In the order in which they were shown.
    pub contenders: Vec<Contender>,
    /// Which of them; `None`: a tie.
    pub winner: Option<u32>,
    /// Milliseconds since 1970, UTC.
    pub at_ms: i64,
}

impl VoteRecord {
    /// Whether the vote was for this one, wherever it sat.
    #[must_use]
    pub fn is_won_by(&self, contender: &Contender) -> bool {
        let winner = self.winner.and_then(|winner| self.contenders.get(winner as usize));
        winner.is_some_and(|winner| winner.is_like(contender))
    }
}

/// How a contender has done.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub contender: Contender,
    pub n_rounds: u32,
    pub n_wins: u32,
    pub n_ties: u32,
}

impl Standing {
    /// Rounds won, a tie being half a one, as a share of all; and its interval of 95 %.
    #[must_use]
    pub fn share(&self) -> (f64, [f64; 2]) {
        let wins = f64::from(self.n_wins) + 0.5 * f64::from(self.n_ties);
        (wins / f64::from(self.n_rounds.max(1)), wilson(wins, self.n_rounds))
    }
}

/// Wilson's score interval of 95 % for `wins` out of `n`: Wilson, JASA 22 (1927), 209–212.
#[must_use]
pub fn wilson(wins: f64, n: u32) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    let n = f64::from(n);
    let (p, z2) = (wins / n, Z * Z);
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}

/// Everyone who has taken part, the one who does best first.
#[must_use]
pub fn standings(votes: &[Arc<VoteRecord>]) -> Vec<Standing> {
    let mut all: Vec<Standing> = Vec::new();
    for vote in votes {
        let others = |one: &Contender| vote.contenders.iter().any(|other| !other.is_like(one));
        for (i, contender) in vote.contenders.iter().enumerate() {
            // Who sits there twice takes part once, and who sits there alone takes no part.
            let again = vote.contenders[..i].iter().any(|before| before.is_like(contender));
            if again || !others(contender) {
                continue;
            }
            let at = all.iter().position(|one| one.contender.is_like(contender)).unwrap_or_else(|| {
                let (n_rounds, n_wins, n_ties) = (0, 0, 0);
                all.push(Standing { contender: contender.clone(), n_rounds, n_wins, n_ties });
                all.len() - 1
            });
            let one = &mut all[at];
            one.n_rounds += 1;
            one.n_wins += u32::from(vote.is_won_by(contender));
            one.n_ties += u32::from(vote.winner.is_none());
        }
    }
    all.sort_by(|a, b| b.share().0.total_cmp(&a.share().0).then(b.n_rounds.cmp(&a.n_rounds)));
    all
}

/// Two contenders in the rounds in which both took part and one of the two won.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duel {
    pub n_wins: u32,
    pub n_losses: u32,
    pub n_ties: u32,
}

impl Duel {
    #[must_use]
    pub fn between(votes: &[Arc<VoteRecord>], one: &Contender, other: &Contender) -> Self {
        let mut duel = Self { n_wins: 0, n_losses: 0, n_ties: 0 };
        for vote in votes {
            let takes_part = |who: &Contender| vote.contenders.iter().any(|one| one.is_like(who));
            if !takes_part(one) || !takes_part(other) {
                continue;
            }
            duel.n_wins += u32::from(vote.is_won_by(one));
            duel.n_losses += u32::from(vote.is_won_by(other));
            duel.n_ties += u32::from(vote.winner.is_none());
        }
        duel
    }

    /// The share that the first has won of what was decided between them, as an interval of 95 %.
    #[must_use]
    pub fn interval(&self) -> [f64; 2] {
        wilson(f64::from(self.n_wins), self.n_wins + self.n_losses)
    }

    /// Whether that interval leaves it open who is better.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let [low, high] = self.interval();
        low <= 0.5 && high >= 0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::SamplingPreset;
    use crate::model::Precision;

    fn contender(name: &str) -> Contender {
        let model =
            ModelRef { base: name.repeat(4), name: name.to_owned(), precision: Precision::Fast, tuned: None };
        Contender { model, sampling: SamplingPreset::Balanced.spec(), system_prompt: String::new() }
    }

    fn vote(who: &[&str], winner: Option<u32>) -> Arc<VoteRecord> {
        let contenders = who.iter().map(|name| contender(name)).collect();
        Arc::new(VoteRecord { id: VoteId::mint(), contenders, winner, at_ms: 0 })
    }

    #[test]
    fn seeds_and_names_make_no_other_contender() {
        let mut renamed = contender("a");
        renamed.model.name = "b".to_owned();
        renamed.sampling.seed = Some(7);
        assert!(renamed.is_like(&contender("a")) && !contender("b").is_like(&contender("a")));
        renamed.sampling.temperature = 0.1;
        assert!(!renamed.is_like(&contender("a")));
    }

    #[test]
    fn the_score_counts_wherever_somebody_stood() {
        let votes = [vote(&["a", "b"], Some(0)), vote(&["b", "a"], Some(1)), vote(&["a", "b", "c"], None)];
        let all = standings(&votes);
        let told: Vec<_> = all
            .iter()
            .map(|one| (one.contender.model.name.as_str(), one.n_rounds, one.n_wins, one.n_ties))
            .collect();
        assert_eq!(told, [("a", 3, 2, 1), ("c", 1, 0, 1), ("b", 3, 0, 1)]);
        let twice = [vote(&["a", "a", "b"], Some(1)), vote(&["a", "a"], Some(0))];
        let all = standings(&twice);
        assert_eq!((all.len(), all[0].n_rounds, all[0].n_wins), (2, 1, 1), "{all:?}");
        let duel = Duel::between(&votes, &contender("a"), &contender("b"));
        assert_eq!(duel, Duel { n_wins: 2, n_losses: 0, n_ties: 1 });
        assert!(duel.is_open(), "two rounds tell nothing");
    }

    #[test]
    fn intervals_are_wilsons() {
        // R: binom::binom.confint(15, 20, methods = "wilson")
        let [low, high] = wilson(15.0, 20);
        assert!((low - 0.531_299).abs() < 1e-5 && (high - 0.888_138).abs() < 1e-5, "{low} {high}");
        assert_eq!(wilson(0.0, 0), [0.0, 1.0]);
        assert!(!Duel { n_wins: 15, n_losses: 5, n_ties: 3 }.is_open());
        assert!(Duel { n_wins: 12, n_losses: 8, n_ties: 0 }.is_open());
        assert!(!Duel { n_wins: 5, n_losses: 15, n_ties: 0 }.is_open(), "worse is decided as well");
    }
}
