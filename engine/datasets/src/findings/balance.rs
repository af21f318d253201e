//! How many rows there are of each label, or of each kind of tags and spans.

use glassworks_protocol::datasets::overview::{LabelShare, OverviewReport};
use glassworks_protocol::datasets::{RowId, Split};
use std::collections::HashMap;

/// Fewer rows than this make a label rare.
const RARE: u64 = 5;

#[derive(Debug, Default)]
pub struct Labels {
    places: HashMap<Option<String>, usize>,
    shares: Vec<LabelShare>,
    /// The first rows of each, as many as there are of rare ones.
    rows: Vec<Vec<RowId>>,
}

impl Labels {
    /// A row's label, or each kind of its entities once; nothing: none.
    pub fn add(&mut self, row: RowId, split: Option<Split>, label: Option<&str>, kinds: &[String]) {
        if kinds.is_empty() {
            self.count(row, split, label.map(str::to_owned));
            return;
        }
        for (i, kind) in kinds.iter().enumerate() {
            if !kinds[..i].contains(kind) {
                self.count(row, split, Some(kind.clone()));
            }
        }
    }

    fn count(&mut self, row: RowId, split: Option<Split>, label: Option<String>) {
        let place = *self.places.entry(label).or_insert_with_key(|label| {
            self.shares.push(LabelShare { label: label.clone(), n_by_split: [0; 4] });
            self.rows.push(Vec::new());
            self.shares.len() - 1
        });
        self.shares[place].n_by_split[OverviewReport::place(split)] += 1;
        if (self.rows[place].len() as u64) < RARE {
            self.rows[place].push(row);
        }
    }

    /// Rows of rare labels, label by label, and of how many labels.
    #[must_use]
    pub fn rare(&self) -> (Vec<RowId>, u64) {
        let is_rare =
            |share: &LabelShare| share.label.is_some() && share.n_by_split.iter().sum::<u64>() < RARE;
        let rare = self.shares.iter().zip(&self.rows).filter(|(share, _)| is_rare(share));
        let rows: Vec<&Vec<RowId>> = rare.map(|(_, rows)| rows).collect();
        (rows.iter().flat_map(|rows| rows.iter().copied()).collect(), rows.len() as u64)
    }

    /// Most frequent first; of equals the one that came first.
    #[must_use]
    pub fn shares(mut self) -> Vec<LabelShare> {
        self.shares.sort_by_key(|share| std::cmp::Reverse(share.n_by_split.iter().sum::<u64>()));
        self.shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_counted_by_split() {
        let mut labels = Labels::default();
        for i in 0..6 {
            labels.add(RowId(i), Some(Split::Train), Some("a"), &[]);
        }
        labels.add(RowId(6), Some(Split::Test), Some("b"), &[]);
        labels.add(RowId(7), None, None, &[]);
        let kinds = ["X", "Y", "X"].map(str::to_owned);
        labels.add(RowId(8), Some(Split::Validation), None, &kinds);
        assert_eq!(labels.rare(), (vec![RowId(6), RowId(8), RowId(8)], 3));
        let shares = labels.shares();
        let shown: Vec<_> = shares.iter().map(|share| (share.label.as_deref(), share.n_by_split)).collect();
        assert_eq!(
            shown,
            [
                (Some("a"), [6, 0, 0, 0]),
                (Some("b"), [0, 0, 1, 0]),
                (None, [0, 0, 0, 1]),
                (Some("X"), [0, 1, 0, 0]),
                (Some("Y"), [0, 1, 0, 0]),
            ]
        );
    }
}
