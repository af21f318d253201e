//! Rows that say the same, nearly the same, the same with another answer, or the same on two sides of a split.

use super::Rows;
use super::kept::Kept;
use super::near::{self, Together};
use super::said::{Said, hash};
use crate::Tick;
use crate::table::Table;
use anyhow::Result;
use glassworks_protocol::datasets::overview::FindingKind;
use glassworks_protocol::datasets::{RowId, Split};
use std::collections::HashMap;

/// What rows are compared by.
#[derive(Default)]
pub struct Repeats {
    kept: Kept,
    marks: Vec<Marks>,
}

struct Marks {
    split: Option<Split>,
    /// Two hashes of all that a row says: together they are as good as comparing.
    whole: (u64, u64),
    input: u64,
    target: u64,
    says_something: bool,
    has_target: bool,
}

impl Repeats {
    pub fn add(&mut self, row: RowId, split: Option<Split>, row_hash: u64, said: &Said) {
        self.kept.push(row, &said.text);
        self.marks.push(Marks {
            split,
            whole: (row_hash, hash(&said.input) ^ hash(&said.target).rotate_left(1)),
            input: said.input_hash(),
            target: said.target_hash(),
            says_something: !said.is_empty(),
            has_target: !said.target.is_empty(),
        });
    }

    /// # Errors
    /// When rows cannot be read again, or `tick` ends the work.
    pub fn findings(&self, table: &Table, near: f64, tick: Tick<'_>) -> Result<Vec<Rows>> {
        let all = 0..self.marks.len() as u32;
        let same = groups(all.clone(), |i| Some(self.at(i).whole));
        let same_input = groups(all, |i| self.at(i).says_something.then(|| self.at(i).input));
        let again = |row: RowId| Ok(Said::of(&table.row(row)?, table.mapping()).text);
        let mut text = |i: usize, into: &mut String| self.kept.at(i, into, &again);
        let near = near::groups(self.marks.len(), near, &mut text, tick)?;
        let differ = |group: &&Vec<u32>| group.iter().any(|i| self.at(*i).whole != self.at(group[0]).whole);
        let contrary = |group: &&Vec<u32>| {
            let mut targets = group.iter().filter(|i| self.at(**i).has_target).map(|i| self.at(*i).target);
            let first = targets.next();
            targets.any(|target| Some(target) != first)
        };
        let mut together = Together::new(self.marks.len());
        for group in same_input.iter().chain(&near) {
            group.iter().for_each(|i| together.join(group[0], *i));
        }
        let leaks = together.groups();
        let leaking = |group: &&Vec<u32>| {
            let on = |side: Split| group.iter().any(|i| self.at(*i).split == Some(side));
            on(Split::Train) && (on(Split::Validation) || on(Split::Test))
        };
        Ok(vec![
            self.rows(FindingKind::Duplicate, same.iter()),
            self.rows(FindingKind::NearDuplicate, near.iter().filter(differ)),
            self.rows(FindingKind::Contradiction, same_input.iter().filter(contrary)),
            self.rows(FindingKind::Leakage, leaks.iter().filter(leaking)),
        ])
    }

    fn at(&self, i: u32) -> &Marks {
        &self.marks[i as usize]
    }

    fn rows<'a>(&self, kind: FindingKind, groups: impl Iterator<Item = &'a Vec<u32>>) -> Rows {
        let (mut rows, mut n_groups) = (Vec::new(), 0);
        for group in groups {
            rows.extend(group.iter().map(|i| self.kept.rows[*i as usize]));
            n_groups += 1;
        }
        (kind, rows, n_groups)
    }
}

/// Those of two and more with the same mark, by their first ones, each in order.
fn groups<M: Eq + std::hash::Hash>(
    all: std::ops::Range<u32>,
    mark: impl Fn(u32) -> Option<M>,
) -> Vec<Vec<u32>> {
    let mut by_mark: HashMap<M, Vec<u32>> = HashMap::new();
    for i in all {
        if let Some(mark) = mark(i) {
            by_mark.entry(mark).or_default().push(i);
        }
    }
    let mut groups: Vec<Vec<u32>> = by_mark.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable_by_key(|group| group[0]);
    groups
}
