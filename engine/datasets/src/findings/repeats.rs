//! Rows that say the same, nearly the same, the same with another answer, or the same on two sides of a split.

use super::Rows;
use super::kept::Kept;
use super::near::{self, Together};
use super::said::{Said, hash};
use crate::table::Table;
use crate::{Tick, steps};
use anyhow::Result;
use glassworks_protocol::datasets::overview::FindingKind;
use glassworks_protocol::datasets::{RowId, Split};

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
        let mut passed = steps::by_items(tick, 0);
        let same = steps::groups(self.marks.iter().map(|one| Some(one.whole)), &mut passed)?;
        let inputs = self.marks.iter().map(|one| one.says_something.then_some(one.input));
        let same_input = steps::groups(inputs, &mut passed)?;
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
