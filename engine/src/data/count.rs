//! Rows in tokens: how many, how many are learned, and how many of those are left where rows are cut. What is counted
//! is what [`super::load`] makes of the same rows; it is counted once for all lengths that rows could be cut at.

use super::{Content, Encoder, Example};
use glassworks_protocol::datasets::measure::TokenCount;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::TaskSpec;

/// Why nothing can be learned of a row for which there is nothing to learn, among the reasons that rows are left out.
const NO_TARGET: [&str; 4] =
    ["train.row.no_answer", "train.row.no_label", "train.row.empty", "train.row.one_token"];

/// A row in tokens, wherever it is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowCount {
    /// 0 where the row cannot be used.
    pub n_tokens: u32,
    pub use_of: RowUse,
}

/// What is learned of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RowUse {
    /// Nothing: it cannot be used.
    #[default]
    LeftOut,
    /// Nothing: there is no answer, no label, no text.
    NoTarget,
    /// Every token after the first; long rows are cut into pieces.
    Pieces,
    /// What the whole is sorted as.
    Class,
    /// These tokens, from and to; none is the first.
    Spans(Box<[(u32, u32)]>),
}

impl RowCount {
    /// Counts a row.
    #[must_use]
    pub fn of(encoder: &Encoder<'_>, content: Result<Content, Text>) -> Self {
        let example = content.and_then(|content| encoder.example(&content));
        match example {
            Ok(example) => Self::of_example(encoder, &example),
            Err(reason) if NO_TARGET.contains(&&*reason.key) => {
                Self { n_tokens: 0, use_of: RowUse::NoTarget }
            }
            Err(_) => Self::default(),
        }
    }

    fn of_example(encoder: &Encoder<'_>, example: &Example) -> Self {
        let n_tokens = example.ids.len() as u32;
        let use_of = match encoder.task {
            _ if encoder.cuts_into_pieces() && n_tokens < 2 => {
                return Self { n_tokens: 0, use_of: RowUse::NoTarget };
            }
            _ if encoder.cuts_into_pieces() => RowUse::Pieces,
            TaskSpec::Classification(_) => RowUse::Class,
            _ => RowUse::Spans(example.learned_spans().into()),
        };
        Self { n_tokens, use_of }
    }

    /// Its numbers where rows are cut at `max_length` tokens.
    #[must_use]
    pub fn cut_at(&self, max_length: u32) -> TokenCount {
        let n_tokens = self.n_tokens;
        let (n_targets, n_kept_targets) = match &self.use_of {
            RowUse::LeftOut | RowUse::NoTarget => (0, 0),
            // The first of each piece has nothing before it.
            RowUse::Pieces => (n_tokens - 1, n_tokens - n_tokens.div_ceil(max_length.max(1))),
            RowUse::Class => (1, 1),
            RowUse::Spans(spans) => {
                let within = |most: u32| spans.iter().map(|(from, to)| to.min(&most) - from.min(&most)).sum();
                (within(u32::MAX), within(max_length))
            }
        };
        TokenCount { n_tokens, n_targets, n_kept_targets }
    }

    /// Whether something of it goes where rows are cut at `max_length` tokens; pieces keep all.
    #[must_use]
    pub fn is_cut_at(&self, max_length: u32) -> bool {
        self.n_tokens > max_length && self.use_of != RowUse::Pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(count: RowCount, max_length: u32, expected: (u32, u32), cut: bool) {
        let at = count.cut_at(max_length);
        assert_eq!((at.n_targets, at.n_kept_targets), expected, "{count:?} at {max_length}");
        assert_eq!(count.is_cut_at(max_length), cut, "{count:?} at {max_length}");
    }

    #[test]
    fn what_is_left_follows_from_where_rows_are_cut() {
        let spans =
            |n_tokens, spans: &[(u32, u32)]| RowCount { n_tokens, use_of: RowUse::Spans(spans.into()) };
        check(spans(10, &[(3, 5), (7, 10)]), 10, (5, 5), false);
        check(spans(10, &[(3, 5), (7, 10)]), 8, (5, 3), true);
        check(spans(10, &[(3, 5), (7, 10)]), 3, (5, 0), true);
        let pieces = RowCount { n_tokens: 25, use_of: RowUse::Pieces };
        check(pieces.clone(), 10, (24, 22), false);
        check(pieces.clone(), 25, (24, 24), false);
        check(pieces, 12, (24, 22), false);
        check(RowCount { n_tokens: 40, use_of: RowUse::Class }, 10, (1, 1), true);
        check(RowCount::default(), 10, (0, 0), false);
    }
}
