//! The probabilities that a model gives to a text that is there already: asked for, reported, and laid beside those of
//! another model.

use crate::generate::{ModelSource, Prompt, TokenPiece};
use crate::model::Precision;
use crate::train::TunedSource;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Read a reply after its prompt, each token given all before it, and say how likely the model found it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreSpec {
    pub model: ModelSource,
    /// What a run has made of it.
    pub tuned: Option<TunedSource>,
    /// As the reply was asked for; through this model's own template.
    pub prompt: Prompt,
    /// The reply as it was written: each token's id and the text it completed.
    pub reply: Vec<(u32, String)>,
    pub precision: Precision,
    /// As the reply was asked with: of a long conversation the same turns are left out.
    pub max_new_tokens: u32,
    /// When the reply was written, milliseconds since 1970, UTC: templates may tell the date.
    pub at_ms: i64,
}

/// What a model makes of a reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreReport {
    /// The reply as this model reads it; without penalties and filters, so what was drawn from is the model's own.
    pub tokens: Vec<TokenPiece>,
    /// Whether these are the reply's tokens, one for one. Otherwise the model's tokenizer splits it in another way, and
    /// an end of text is not among them.
    pub same_tokens: bool,
    pub n_prompt: u32,
    /// Tokens of the prompt that did not fit and were left out.
    pub n_dropped: u32,
    pub precision: Precision,
    /// The step of its run that the weights came from, where a run had made them.
    pub tuned_step: Option<u64>,
}

/// A stretch of text that ends a token under both of two models.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// The tokens of the one and of the other that make it up.
    pub one: Range<usize>,
    pub other: Range<usize>,
    /// Natural logarithm of the probability that each gives to it.
    pub one_logprob: f64,
    pub other_logprob: f64,
}

impl Stretch {
    /// Nats by which the other finds it likelier than the one.
    #[must_use]
    pub fn delta(&self) -> f64 {
        self.other_logprob - self.one_logprob
    }
}

/// Cuts a text that two models have read wherever both have a token's end, as often as that is.
///
/// Tokens are laid beside each other by the bytes of their texts; with the same tokens each is a stretch of its own.
/// What one of them has after the other's end (an end of text, say) is in no stretch.
#[must_use]
pub fn stretches(one: &[TokenPiece], other: &[TokenPiece]) -> Vec<Stretch> {
    let same = one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.text == b.text);
    let mut all = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < one.len() && j < other.len() {
        let begun = (i, j);
        let (mut a, mut b) = (one[i].text.len(), other[j].text.len());
        (i, j) = (i + 1, j + 1);
        while !same && (a != b || a == 0) {
            let from_one = a < b || (a == b && i < one.len() && one[i].text.is_empty());
            let (at, tokens, sum) = if from_one { (&mut i, one, &mut a) } else { (&mut j, other, &mut b) };
            let Some(token) = tokens.get(*at) else { break };
            *sum += token.text.len();
            *at += 1;
        }
        // Half characters belong to the stretch that they are the beginning of, never to one of their own.
        if !same && a != b {
            break;
        }
        let sum = |tokens: &[TokenPiece]| tokens.iter().map(|token| f64::from(token.logprob)).sum();
        all.push(Stretch {
            one_logprob: sum(&one[begun.0..i]),
            other_logprob: sum(&other[begun.1..j]),
            one: begun.0..i,
            other: begun.1..j,
        });
    }
    all
}

/// e to the mean of −ln p.
#[must_use]
pub fn perplexity(tokens: &[TokenPiece]) -> f64 {
    let sum: f64 = tokens.iter().map(|token| f64::from(token.logprob)).sum();
    (-sum / tokens.len().max(1) as f64).exp()
}

/// How far apart two measurements of the same tokens are: the mean and the greatest difference, nats.
#[must_use]
pub fn apart(one: &[TokenPiece], other: &[TokenPiece]) -> (f64, f64) {
    let all = one.iter().zip(other).map(|(a, b)| f64::from((a.logprob - b.logprob).abs()));
    let (sum, most) = all.fold((0.0, 0.0), |(sum, most), one| (sum + one, f64::max(most, one)));
    (sum / one.len().min(other.len()).max(1) as f64, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(texts: &[&str]) -> Vec<TokenPiece> {
        let piece = |(i, text): (usize, &&str)| TokenPiece {
            id: i as u32,
            text: (*text).to_owned(),
            logprob: -1.0 - i as f32,
            sampled_prob: 0.1,
            rank: 0,
            entropy: 0.0,
            top: Vec::new(),
        };
        texts.iter().enumerate().map(piece).collect()
    }

    fn check(one: &[&str], other: &[&str], expected: &[(Range<usize>, Range<usize>)]) {
        let all = stretches(&tokens(one), &tokens(other));
        let found: Vec<_> = all.iter().map(|s| (s.one.clone(), s.other.clone())).collect();
        assert_eq!(found, expected, "{one:?} beside {other:?}");
    }

    #[test]
    fn a_text_is_cut_where_both_have_an_end() {
        check(&["a", "b", ""], &["a", "b", ""], &[(0..1, 0..1), (1..2, 1..2), (2..3, 2..3)]);
        check(&["ab", "c"], &["a", "bc"], &[(0..2, 0..2)]);
        check(
            &["Good", " question", "!"],
            &["Good", " quest", "ion", "!"],
            &[(0..1, 0..1), (1..2, 1..3), (2..3, 3..4)],
        );
        // A character in three tokens beside the same in one, then an end of text that the other lacks.
        check(&["", "", "玻", "璃", ""], &["玻", "璃"], &[(0..3, 0..1), (3..4, 1..2)]);
        check(&["玻璃"], &["玻", "", "璃"], &[(0..1, 0..3)]);
        check(&["a"], &[], &[]);
    }

    #[test]
    fn a_stretch_has_the_sum_of_its_tokens() {
        let all = stretches(&tokens(&["ab", "c"]), &tokens(&["a", "bc", "d"]));
        assert_eq!(all.len(), 1);
        assert!((all[0].one_logprob + 3.0).abs() < 1e-6 && (all[0].other_logprob + 3.0).abs() < 1e-6);
        let all = stretches(&tokens(&["a"]), &tokens(&["", "a"]));
        assert!((all[0].delta() + 2.0).abs() < 1e-6, "{all:?}");
    }

    #[test]
    fn differences_are_summed_up() {
        let (one, mut other) = (tokens(&["a", "b"]), tokens(&["a", "b"]));
        other[1].logprob -= 0.5;
        assert_eq!(apart(&one, &other), (0.25, 0.5));
        assert!((perplexity(&one) - 1.5_f64.exp()).abs() < 1e-6);
        assert_eq!(apart(&[], &[]), (0.0, 0.0));
    }
}
