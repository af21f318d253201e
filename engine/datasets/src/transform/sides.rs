//! Which side of a split each row is on.
//!
//! Rows that belong together are one unit and stay so. Of every label each side has its part, by largest remainder as
//! in training's own split; within that, chance decides by the seed alone. Units of several rows are fitted as near
//! to the shares as they can be.

use crate::chance::Chance;
use crate::findings::near::Together;
use crate::steps::{Passed, STEP, sort};
use anyhow::Result;
use glassworks_protocol::datasets::Split;
use glassworks_protocol::datasets::transform::SplitSpec;
use std::collections::BTreeMap;

/// Keeps these draws apart from others of the same seed.
const SPLITTING: u64 = 0x73_70_6c_69_74;

/// What is known of a row before it is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its label's number, 0 for none.
    pub label: u32,
    pub fate: Fate,
}

/// What may become of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes where its unit goes.
    Free,
    /// It stays, and its unit goes there too. It counts.
    Stays(Split),
    /// The same of a row that nobody asks about: the shares are those of others.
    Bound(Split),
    /// It is made of another row: it and its unit are learned from.
    Made,
    /// Nobody asks about it.
    Aside,
}

/// Rows that belong together and are free.
struct Unit {
    rows: Vec<u32>,
    label: u32,
}

/// The sides of all rows that are free or made; `None` for the others. `passed` is told how many were dealt with, and
/// asked before each pass over all of them.
///
/// # Errors
/// Those of `passed`.
pub(super) fn assign(
    members: &[Member],
    together: &mut Together,
    spec: &SplitSpec,
    passed: Passed<'_>,
) -> Result<Vec<Option<Split>>> {
    let mut sides = vec![None; members.len()];
    let (units, n_rows, kept) = units(members, together, &mut sides, passed)?;
    let wanted = |share: f64, kept: usize| {
        let n = (n_rows as f64 * share.clamp(0.0, 0.5)).round() as usize;
        let n = if share > 0.0 && n_rows > 2 { n.max(1) } else { n };
        n.saturating_sub(kept)
    };
    let (mut n_validation, mut n_test) = (wanted(spec.validation, kept[0]), wanted(spec.test, kept[1]));
    // Something is learned from.
    let n_free: usize = units.iter().map(|unit| unit.rows.len()).sum();
    while n_validation + n_test >= n_free.max(1) {
        if n_validation >= n_test { n_validation -= 1 } else { n_test -= 1 }
    }
    let mut order: Vec<usize> = (0..units.len()).collect();
    Chance::new(&[SPLITTING, spec.seed]).shuffle(&mut order);
    passed(STEP)?;
    let mut hand = Hand { units: &units, sides: vec![None; units.len()] };
    let mut by_label: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    order.iter().for_each(|unit| by_label.entry(units[*unit].label).or_default().push(*unit));
    for ((_, part), of_label) in parts(&units, n_validation, n_test).into_iter().zip(by_label.values()) {
        n_validation -= hand.fit(of_label.iter().copied(), part.0, Split::Validation);
        n_test -= hand.fit(of_label.iter().copied(), part.1, Split::Test);
        passed(of_label.len())?;
    }
    // What units of several rows left open, by the largest that still fits, whatever its label.
    order.sort_by_key(|unit| std::cmp::Reverse(units[*unit].rows.len()));
    for (left, side) in [(n_validation, Split::Validation), (n_test, Split::Test)] {
        let left = left - hand.fit(order.iter().copied(), left, side);
        hand.mend(&order, left, side, passed)?;
    }
    for (unit, side) in units.iter().zip(hand.sides) {
        unit.rows.iter().for_each(|row| sides[*row as usize] = Some(side.unwrap_or(Split::Train)));
    }
    Ok(sides)
}

/// The units that are free, how many rows are shared out, and how many of those validation and test have already.
/// Rows whose unit is bound to a side get it here.
fn units(
    members: &[Member],
    together: &mut Together,
    sides: &mut [Option<Split>],
    passed: Passed<'_>,
) -> Result<(Vec<Unit>, usize, [usize; 2])> {
    let mut firsts: Vec<(u32, u32)> = Vec::with_capacity(members.len());
    for row in 0..members.len() as u32 {
        firsts.push((together.first(row), row));
        passed(1)?;
    }
    sort(&mut firsts, &mut Vec::new(), passed)?;
    let (mut units, mut n_rows, mut kept) = (Vec::new(), 0, [0; 2]);
    for rows in firsts.chunk_by(|a, b| a.0 == b.0) {
        passed(rows.len())?;
        let rows = rows.iter().map(|(_, row)| row);
        let fates = || rows.clone().map(|row| members[*row as usize].fate);
        let stays =
            || fates().filter_map(|fate| if let Fate::Stays(split) = fate { Some(split) } else { None });
        let there = || {
            fates().filter_map(|fate| match fate {
                Fate::Stays(split) | Fate::Bound(split) => Some(split),
                Fate::Made => Some(Split::Train),
                Fate::Free | Fate::Aside => None,
            })
        };
        let learned = there().any(|split| split == Split::Train);
        let bound = if learned { Some(Split::Train) } else { there().next() };
        let free: Vec<u32> =
            rows.clone().copied().filter(|row| members[*row as usize].fate == Fate::Free).collect();
        n_rows += free.len() + stays().count();
        stays().for_each(|split| match split {
            Split::Validation => kept[0] += 1,
            Split::Test => kept[1] += 1,
            Split::Train => {}
        });
        for row in rows.clone().filter(|row| members[**row as usize].fate == Fate::Made) {
            sides[*row as usize] = Some(Split::Train);
        }
        if let Some(side) = bound {
            match side {
                Split::Validation => kept[0] += free.len(),
                Split::Test => kept[1] += free.len(),
                Split::Train => {}
            }
            free.iter().for_each(|row| sides[*row as usize] = Some(side));
        } else if !free.is_empty() {
            units.push(Unit { label: most(free.iter().map(|row| members[*row as usize].label)), rows: free });
        }
    }
    Ok((units, n_rows, kept))
}

/// The most frequent, the lowest of equals.
fn most(labels: impl Iterator<Item = u32>) -> u32 {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    labels.for_each(|label| *counts.entry(label).or_default() += 1);
    counts.into_iter().rev().max_by_key(|(_, n)| *n).map_or(0, |(label, _)| label)
}

/// Each label's part of validation and of test.
fn parts(units: &[Unit], n_validation: usize, n_test: usize) -> Vec<(u32, (usize, usize))> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    units.iter().for_each(|unit| *counts.entry(unit.label).or_default() += unit.rows.len());
    let labels: Vec<u32> = counts.keys().copied().collect();
    let counts: Vec<usize> = counts.into_values().collect();
    // The last row of a label is learned from.
    let most: Vec<usize> = counts.iter().map(|count| count.saturating_sub(1)).collect();
    let held_out = shares(&counts, n_validation + n_test, &most);
    let validation = shares(&held_out, n_validation.min(held_out.iter().sum()), &held_out);
    let part = |i: usize| (validation[i], held_out[i] - validation[i]);
    labels.into_iter().enumerate().map(|(i, label)| (label, part(i))).collect()
}

/// Of `n` rows each count's part: whole ones first, then one more where most was cut off, the first of equals; none
/// more than its most.
fn shares(counts: &[usize], n: usize, most: &[usize]) -> Vec<usize> {
    let total = counts.iter().sum::<usize>().max(1);
    let exact = |count: usize| (n as u128 * count as u128, total as u128);
    let whole = |(count, most): (&usize, &usize)| ((exact(*count).0 / exact(*count).1) as usize).min(*most);
    let mut shares: Vec<usize> = counts.iter().zip(most).map(whole).collect();
    let mut by_rest: Vec<usize> = (0..counts.len()).collect();
    by_rest.sort_by_key(|i| std::cmp::Reverse(exact(counts[*i]).0 % exact(counts[*i]).1));
    let mut missing = n.saturating_sub(shares.iter().sum());
    for i in by_rest {
        if missing > 0 && shares[i] < most[i] {
            shares[i] += 1;
            missing -= 1;
        }
    }
    shares
}

/// Gives units to sides.
struct Hand<'a> {
    units: &'a [Unit],
    sides: Vec<Option<Split>>,
}

impl Hand<'_> {
    /// Takes units one after the other as long as they fit; how many rows they have.
    fn fit(&mut self, order: impl Iterator<Item = usize>, room: usize, side: Split) -> usize {
        let mut left = room;
        for unit in order {
            let n = self.units[unit].rows.len();
            if left > 0 && n <= left && self.sides[unit].is_none() {
                self.sides[unit] = Some(side);
                left -= n;
            }
        }
        room - left
    }

    /// Takes units, or changes one for another, as long as that brings the side nearer to what it should have.
    fn mend(&mut self, order: &[usize], open: usize, side: Split, passed: Passed<'_>) -> Result<()> {
        let mut open = open as i64;
        passed(STEP)?;
        while let Some((change, into, out)) = self.nearer(order, open, side) {
            self.sides[into] = Some(side);
            out.into_iter().for_each(|out| self.sides[out] = None);
            open -= change;
            passed(STEP)?;
        }
        Ok(())
    }

    /// The change that leaves least open: by how many rows, which unit comes, which goes for it.
    fn nearer(&self, order: &[usize], open: i64, side: Split) -> Option<(i64, usize, Option<usize>)> {
        let mut by_size: [BTreeMap<i64, usize>; 2] = Default::default();
        let mut n_free = 0;
        for unit in order {
            let place = match self.sides[*unit] {
                None => 0,
                Some(taken) if taken == side => 1,
                Some(_) => continue,
            };
            n_free += usize::from(place == 0);
            by_size[place].entry(self.units[*unit].rows.len() as i64).or_insert(*unit);
        }
        let [free, taken] = by_size;
        // The last unit is learned from; for another one it may go.
        let instead = std::iter::once((0, None)).filter(|_| n_free > 1);
        let instead = instead.chain(taken.into_iter().map(|(size, unit)| (size, Some(unit))));
        let changes =
            instead.flat_map(|(less, out)| free.iter().map(move |(more, into)| (more - less, *into, out)));
        changes
            .min_by_key(|(change, ..)| (open - change).abs())
            .filter(|(change, ..)| (open - change).abs() < open.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assign(members: &[Member], together: &mut Together, spec: &SplitSpec) -> Vec<Option<Split>> {
        super::assign(members, together, spec, &mut |_| Ok(())).unwrap()
    }

    #[test]
    fn sides_are_given_in_steps_that_can_be_ended() {
        let members = free(&(0..200_000).map(|i| i % 5_000).collect::<Vec<_>>());
        let told = std::cell::Cell::new(0);
        let mut count = |n: usize| {
            assert!(n <= STEP);
            told.set(told.get() + n);
            Ok(())
        };
        super::assign(&members, &mut Together::new(200_000), &spec(0.1, 0.1, 1), &mut count).unwrap();
        assert!(told.get() > 6 * 200_000, "{}", told.get());
        let mut stop = |_| anyhow::bail!("stopped");
        assert!(super::assign(&members, &mut Together::new(200_000), &spec(0.1, 0.1, 1), &mut stop).is_err());
    }

    fn spec(validation: f64, test: f64, seed: u64) -> SplitSpec {
        SplitSpec { validation, test, seed, ..SplitSpec::default() }
    }

    fn free(labels: &[u32]) -> Vec<Member> {
        labels.iter().map(|label| Member { label: *label, fate: Fate::Free }).collect()
    }

    fn n(sides: &[Option<Split>], side: Split) -> usize {
        sides.iter().filter(|one| **one == Some(side)).count()
    }

    #[test]
    fn every_label_has_its_part_on_every_side() {
        let labels: Vec<u32> = (0..1_000)
            .map(|i| {
                if i < 600 {
                    1
                } else if i < 900 {
                    2
                } else if i < 999 {
                    3
                } else {
                    4
                }
            })
            .collect();
        for seed in 0..10 {
            let sides = assign(&free(&labels), &mut Together::new(1_000), &spec(0.1, 0.2, seed));
            let count = |label: u32, side: Split| {
                sides.iter().zip(&labels).filter(|(one, of)| **one == Some(side) && **of == label).count()
            };
            assert_eq!([1, 2, 3, 4].map(|label| count(label, Split::Validation)), [60, 30, 10, 0]);
            assert_eq!([1, 2, 3, 4].map(|label| count(label, Split::Test)), [120, 60, 20, 0]);
            assert_eq!(sides, assign(&free(&labels), &mut Together::new(1_000), &spec(0.1, 0.2, seed)));
        }
        let of = |seed| assign(&free(&labels), &mut Together::new(1_000), &spec(0.1, 0.2, seed));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn groups_stay_together_as_near_to_the_shares_as_they_can() {
        // Twenty groups of ten rows each: a fifth of 200 is four of them.
        let mut together = Together::new(200);
        (0..200).for_each(|row| together.join(row, row / 10 * 10));
        let sides = assign(&free(&[0; 200]), &mut together, &spec(0.2, 0.1, 5));
        assert_eq!((n(&sides, Split::Validation), n(&sides, Split::Test)), (40, 20));
        assert!(sides.chunks(10).all(|group| group.iter().all(|side| *side == group[0])));
        // One row of ten is wanted, and there are only pairs: two are nearer than none… and as near as one.
        let mut together = Together::new(10);
        (0..10).for_each(|row| together.join(row, row / 2 * 2));
        let sides = assign(&free(&[0; 10]), &mut together, &spec(0.15, 0.0, 5));
        assert_eq!(n(&sides, Split::Validation), 2);
        // All in one group: something has to be learned from.
        let mut together = Together::new(10);
        (0..10).for_each(|row| together.join(row, 0));
        let sides = assign(&free(&[0; 10]), &mut together, &spec(0.5, 0.5, 5));
        assert_eq!(n(&sides, Split::Train), 10);
    }

    #[test]
    fn what_stays_is_counted_and_draws_its_unit() {
        let mut members = free(&[0; 100]);
        (0..8).for_each(|i| members[i].fate = Fate::Stays(Split::Validation));
        members[20].fate = Fate::Stays(Split::Train);
        members[30].fate = Fate::Made;
        members[99].fate = Fate::Aside;
        members[98].fate = Fate::Bound(Split::Test);
        let mut together = Together::new(100);
        for (a, b) in [(0, 50), (20, 51), (30, 52), (98, 53)] {
            together.join(a, b);
        }
        let sides = assign(&members, &mut together, &spec(0.1, 0.0, 1));
        assert_eq!((sides[0], sides[20], sides[99]), (None, None, None));
        assert_eq!(
            [50, 51, 52, 30].map(|row: usize| sides[row].unwrap()),
            [Split::Validation, Split::Train, Split::Train, Split::Train]
        );
        assert_eq!(n(&sides, Split::Validation), 2, "ten of 97, eight were there");
        assert_eq!((sides[53], sides[98]), (Some(Split::Test), None));
    }

    proptest! {
        #[test]
        fn units_are_never_parted_and_shares_are_kept(
            labels in prop::collection::vec(0..4_u32, 3..200),
            joins in prop::collection::vec((0..200_u32, 0..200_u32), 0..40),
            made in prop::collection::vec(0..200_usize, 0..5),
            validation in 0.0..0.5_f64,
            test in 0.0..0.5_f64,
            seed: u64,
        ) {
            let mut members = free(&labels);
            let len = labels.len();
            made.iter().for_each(|row| members[row % len].fate = Fate::Made);
            let mut together = Together::new(len);
            joins.iter().for_each(|(a, b)| together.join(a % len as u32, b % len as u32));
            let sides = assign(&members, &mut together, &spec(validation, test, seed));
            prop_assert_eq!(&sides, &assign(&members, &mut together, &spec(validation, test, seed)));
            let mut largest: BTreeMap<u32, usize> = BTreeMap::new();
            for row in 0..len as u32 {
                let first = together.first(row);
                prop_assert_eq!(sides[row as usize], sides[first as usize]);
                *largest.entry(first).or_default() += 1;
                if members[row as usize].fate == Fate::Made {
                    prop_assert_eq!(sides[row as usize], Some(Split::Train));
                }
            }
            prop_assert!(sides.iter().all(Option::is_some));
            if joins.is_empty() && made.is_empty() {
                let wanted = |share: f64| (len as f64 * share).round() as usize;
                let off = |side, share: f64| n(&sides, side).abs_diff(wanted(share).max(usize::from(share > 0.0)));
                prop_assert!(off(Split::Validation, validation) <= 1 && off(Split::Test, test) <= 1);
            }
            prop_assert!(n(&sides, Split::Train) > 0);
        }
    }
}
