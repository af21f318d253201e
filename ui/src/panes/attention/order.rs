//! What heads tend to do: the scores by which they are sorted, from where on one counts as found, and how many were.

use glassworks_protocol::inside::HeadScores;
use serde::{Deserialize, Serialize};

/// How the atlas is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    #[default]
    Layers,
    By(Trait),
    /// What switching a head off did, the most first; in the order of layers until that is known.
    Effect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trait {
    Previous,
    Induction,
    Duplicate,
    First,
    Spread,
}

impl Trait {
    pub const ALL: [Self; 5] = [Self::Previous, Self::Induction, Self::Duplicate, Self::First, Self::Spread];

    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Previous => "inside.previous",
            Self::Induction => "inside.induction",
            Self::Duplicate => "inside.duplicate",
            Self::First => "inside.first_token",
            Self::Spread => "inside.spread",
        }
    }

    /// 0 to 1; `None` where the text can't say.
    #[must_use]
    pub fn of(self, scores: &HeadScores) -> Option<f32> {
        match self {
            Self::Previous => Some(scores.previous),
            Self::Induction => scores.induction,
            Self::Duplicate => scores.duplicate,
            Self::First => Some(scores.sink),
            Self::Spread => Some(scores.entropy),
        }
    }

    /// From here on a head counts as one that does it.
    #[must_use]
    pub fn found_from(self) -> f32 {
        match self {
            Self::Induction | Self::Duplicate => 0.4,
            Self::Previous => 0.5,
            Self::First => 0.8,
            Self::Spread => 0.9,
        }
    }

    #[must_use]
    pub fn is_found(self, scores: &HeadScores) -> bool {
        self.of(scores).is_some_and(|score| score > self.found_from())
    }
}

/// Heads by layer and number, as the atlas shows them: `scores` by layer, in their order.
#[must_use]
pub fn sorted(scores: &[(u32, &[HeadScores])], order: Order) -> Vec<(u32, u32)> {
    let each = scores.iter().flat_map(|(layer, heads)| {
        heads.iter().enumerate().map(move |(head, scores)| (*layer, head as u32, scores))
    });
    let mut all: Vec<(u32, u32, &HeadScores)> = each.collect();
    if let Order::By(by) = order {
        // What can't be said comes last; equals stay in the order of layers.
        let score = |scores: &HeadScores| by.of(scores).unwrap_or(f32::NEG_INFINITY);
        all.sort_by(|a, b| score(b.2).total_cmp(&score(a.2)));
    }
    all.into_iter().map(|(layer, head, _)| (layer, head)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_sorted_by_what_they_do() {
        let head = |previous, induction| HeadScores { previous, induction, ..HeadScores::default() };
        let (one, two) =
            ([head(0.1, Some(0.2)), head(0.9, None)], [head(0.5, Some(0.7)), head(0.1, Some(0.2))]);
        let scores: [(u32, &[HeadScores]); 2] = [(3, &one), (5, &two)];
        assert_eq!(sorted(&scores, Order::Layers), [(3, 0), (3, 1), (5, 0), (5, 1)]);
        assert_eq!(sorted(&scores, Order::By(Trait::Previous)), [(3, 1), (5, 0), (3, 0), (5, 1)]);
        assert_eq!(sorted(&scores, Order::By(Trait::Induction)), [(5, 0), (3, 0), (5, 1), (3, 1)]);
        assert!(Trait::Previous.is_found(&one[1]) && !Trait::Previous.is_found(&two[0]));
        assert!(!Trait::Induction.is_found(&one[1]), "nothing repeats, nothing is found");
    }
}
