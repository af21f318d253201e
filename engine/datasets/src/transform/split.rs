//! Rows to sides.

use super::no_column;
use super::sides::{Fate, Member, assign};
use super::work::Work;
use crate::findings::Kept;
use crate::findings::near::{self, Together};
use crate::findings::said::Said;
use crate::steps::by_items;
use anyhow::Result;
use glassworks_protocol::datasets::transform::SplitSpec;
use glassworks_protocol::datasets::{Role, RowId};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Gives rows their sides. All rows of the table are read, for those that nobody asks about may say the same.
///
/// # Errors
/// When rows cannot be read, no row has the column to group by, or the tick ends the work.
pub fn run(work: &mut Work<'_>, spec: &SplitSpec) -> Result<()> {
    let order = work.table.order().to_vec();
    let mut read = Read::default();
    let column =
        spec.group_by.as_deref().or_else(|| work.table.mapping().column(Role::Group)).map(str::to_owned);
    let asked: HashSet<RowId> = work.rows.iter().copied().collect();
    let mut known = spec.group_by.is_none() || order.is_empty();
    work.each(&order, &mut |work, row, value| {
        let said = Said::of(&value, work.table.mapping());
        let group = column.as_ref().and_then(|column| value.get(column));
        known = known || group.is_some();
        let member = Member {
            label: if spec.stratify { read.label(said.label.as_deref()) } else { 0 },
            fate: fate(work, row, asked.contains(&row), spec.keep),
        };
        read.add(row, member, &said, group.filter(|group| !group.is_null()), spec.near.is_some());
        Ok(())
    })?;
    if !known {
        return Err(no_column(spec.group_by.as_deref().unwrap_or_default()));
    }
    let mut together = read.together(work);
    if let Some(near) = spec.near {
        let table = work.table;
        let again = |row: RowId| Ok(Said::of(&table.row(row)?, table.mapping()).text);
        let mut text = |i: usize, into: &mut String| read.kept.at(i, into, &again);
        let passed = order.len() as u64;
        let groups = near::groups(order.len(), near, &mut text, &|done| (work.tick)(passed + done))?;
        for group in groups {
            group.iter().for_each(|one| together.join(group[0], *one));
        }
    }
    let mut passed = by_items(work.tick, 2 * order.len() as u64);
    let sides = assign(&read.members, &mut together, spec, &mut passed)?;
    for (row, side) in order.into_iter().zip(sides) {
        passed(1)?;
        if side.is_some() && side != work.table.split(row) {
            work.shift(row, side)?;
        }
    }
    Ok(())
}

fn fate(work: &Work<'_>, row: RowId, asked: bool, keep: bool) -> Fate {
    let made = work.table.made(row).is_some();
    match (work.table.split(row), asked) {
        (_, true) if made => Fate::Made,
        (Some(split), true) if keep => Fate::Stays(split),
        (_, true) => Fate::Free,
        // What a row that is learned from is made of is learned from too.
        (_, false) if made => Fate::Bound(glassworks_protocol::datasets::Split::Train),
        (Some(split), false) => Fate::Bound(split),
        (None, false) => Fate::Aside,
    }
}

/// What was read of all rows, in their order.
#[derive(Default)]
struct Read {
    members: Vec<Member>,
    kept: Kept,
    labels: HashMap<String, u32>,
    /// The first row of those that say the same, and of those of one group.
    inputs: HashMap<u64, u32>,
    groups: HashMap<String, u32>,
    joined: Vec<(u32, u32)>,
}

impl Read {
    fn label(&mut self, label: Option<&str>) -> u32 {
        let next = self.labels.len() as u32 + 1;
        label.map_or(0, |label| *self.labels.entry(label.to_owned()).or_insert(next))
    }

    fn add(&mut self, row: RowId, member: Member, said: &Said, group: Option<&Value>, compare: bool) {
        let place = self.members.len() as u32;
        self.members.push(member);
        self.kept.push(row, if compare { &said.text } else { "" });
        if !said.is_empty() {
            let first = *self.inputs.entry(said.input_hash()).or_insert(place);
            self.joined.push((first, place));
        }
        if let Some(group) = group {
            let first = *self.groups.entry(group.to_string()).or_insert(place);
            self.joined.push((first, place));
        }
    }

    /// Those that say the same, those of one group, and those made of one another.
    fn together(&self, work: &Work<'_>) -> Together {
        let mut together = Together::new(self.members.len());
        self.joined.iter().for_each(|(first, other)| together.join(*first, *other));
        let made = self
            .kept
            .rows
            .iter()
            .enumerate()
            .filter_map(|(i, row)| Some((i as u32, work.table.made(*row)?.from)));
        let made: Vec<(u32, RowId)> = made.collect();
        if !made.is_empty() {
            let places: HashMap<RowId, u32> =
                self.kept.rows.iter().enumerate().map(|(i, row)| (*row, i as u32)).collect();
            for (one, from) in made {
                places.get(&from).into_iter().for_each(|from| together.join(one, *from));
            }
        }
        together
    }
}
