//! Rows on disk: immutable segments with their indexes ([`segment`]), what is known of rows ([`facts`], [`check`]),
//! edits over them ([`edit`]), changes to many rows ([`batch`]), states to open and come back to ([`state`]).
//!
//! A [`Table`] is cheap to clone: jobs work on a clone while edits go on. Whoever shares one keeps all changes in one
//! hand, for a change made to one clone is not in another.
//!
//! **Ids** are given once and stay: an undone addition keeps its ids, a redo gives the same ones back, and what is
//! added after an undo has new ones. Ids above those of the state that is opened are known from the changes that are
//! carried out again; those of undone changes are not among them, so who keeps tables keeps [`Table::next_id`] with
//! each change and says it after opening ([`Table::reserve`]).

pub mod batch;
mod cells;
pub mod check;
mod diff;
mod disk;
pub mod edit;
pub mod facts;
mod hash;
pub mod labels;
mod marks;
mod order;
pub mod raw;
mod read;
pub mod segment;
pub mod state;

pub use batch::{At, Batch};
pub use cells::cell;
pub use diff::diff;
pub(crate) use disk::{aside, sync_folder};
pub use edit::{Change, Planned};
pub use facts::Facts;
pub use labels::Labels;
pub use read::Block;

use crate::Tick;
use crate::steps;
use anyhow::{Context as _, Result};
use facts::{FactsList, Reckoner};
use glassworks_protocol::datasets::overview::{LabelShare, OverviewReport};
use glassworks_protocol::datasets::{Made, Mapping, Row, RowDocument, RowFlags, RowId, Split};
use marks::Marks;
use segment::Segment;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where a row lies: a segment's number and a place in it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place(u64);

impl Place {
    const GONE: Self = Self(u64::MAX);
    /// Among the rows that are not on disk yet.
    const FRESH: Self = Self(u64::MAX - 1);

    fn at(segment: u32, index: u32) -> Self {
        Self(u64::from(segment) << 32 | u64::from(index))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    fn parts(self) -> Option<(u32, u32)> {
        (self != Self::GONE && self != Self::FRESH).then_some(((self.0 >> 32) as u32, self.0 as u32))
    }
}

/// A segment and its facts.
#[derive(Clone)]
struct Part {
    segment: Arc<Segment>,
    facts: Arc<FactsList>,
}

/// A row that is not in a segment yet.
struct Fresh {
    line: Box<[u8]>,
    facts: Facts,
}

/// The rows of a dataset.
#[derive(Clone)]
pub struct Table {
    folder: Arc<Path>,
    mapping: Arc<Mapping>,
    reckoner: Arc<Reckoner>,
    /// By segment number.
    parts: Arc<BTreeMap<u32, Part>>,
    order: Arc<Vec<RowId>>,
    /// By id.
    places: Arc<Vec<Place>>,
    marks: Arc<Vec<Marks>>,
    made: Arc<BTreeMap<RowId, Made>>,
    fresh: Arc<HashMap<RowId, Arc<Fresh>>>,
    next_segment: Arc<AtomicU32>,
    next_id: u32,
    saved: Option<u32>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table of {} rows in {}", self.order.len(), self.folder.display())
    }
}

impl Table {
    /// An empty table in a folder, which is made. Nothing of it is on disk before the first state.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn create(folder: &Path, mapping: &Mapping) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let next = state::sweep(folder)?;
        Ok(Self::empty(folder, mapping, next))
    }

    /// The table as a state holds it. What a crash left behind stays ([`state::sweep`]): another table of the folder
    /// may be writing it. Facts that are missing or of another mapping are computed, which reads all rows; `tick` is
    /// told of those.
    ///
    /// # Errors
    /// Names the file that is damaged. When `tick` ends the work.
    pub fn open(folder: &Path, state: u32, mapping: &Mapping, tick: Tick<'_>) -> Result<Self> {
        let mut table = Self::empty(folder, mapping, state::next_segment(folder)?);
        table.load(state, tick)?;
        Ok(table)
    }

    fn empty(folder: &Path, mapping: &Mapping, next_segment: u32) -> Self {
        Self {
            folder: folder.into(),
            mapping: Arc::new(mapping.clone()),
            reckoner: Arc::new(Reckoner::new(mapping, Labels::default())),
            parts: Arc::default(),
            order: Arc::default(),
            places: Arc::default(),
            marks: Arc::default(),
            made: Arc::default(),
            fresh: Arc::default(),
            next_segment: Arc::new(AtomicU32::new(next_segment)),
            next_id: 0,
            saved: None,
        }
    }

    /// The same rows under another mapping. Reads all of them, unless it is the same or their facts lie on disk.
    ///
    /// # Errors
    /// When rows cannot be read, or `tick` ends the work.
    pub fn with_mapping(&self, mapping: &Mapping, tick: Tick<'_>) -> Result<Self> {
        if *self.mapping == *mapping {
            return Ok(self.clone());
        }
        let mut reckoner = Reckoner::new(mapping, Labels::default());
        let (mut parts, mut fresh) = (BTreeMap::new(), HashMap::new());
        let mut n_done = 0;
        for (number, part) in &*self.parts {
            let facts = FactsList::of(&part.segment, &self.folder, &mut reckoner, &|n| tick(n_done + n))?;
            n_done += u64::from(part.segment.record().n_rows);
            parts.insert(*number, Part { segment: Arc::clone(&part.segment), facts: Arc::new(facts) });
        }
        for (row, one) in &*self.fresh {
            let facts = reckoner.facts(&one.line);
            fresh.insert(*row, Arc::new(Fresh { line: one.line.clone(), facts }));
        }
        Ok(Self {
            mapping: Arc::new(mapping.clone()),
            reckoner: Arc::new(reckoner),
            parts: Arc::new(parts),
            fresh: Arc::new(fresh),
            ..self.clone()
        })
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    #[must_use]
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// All rows, in their order.
    #[must_use]
    pub fn order(&self) -> &Arc<Vec<RowId>> {
        &self.order
    }

    /// The id that the next new row is given.
    #[must_use]
    pub fn next_id(&self) -> u32 {
        self.next_id
    }

    /// Keeps ids below `next` from being given.
    pub fn reserve(&mut self, next: u32) {
        self.next_id = self.next_id.max(next);
    }

    /// The state that this is, when nothing was changed since it was saved, opened or come back to.
    #[must_use]
    pub fn saved(&self) -> Option<u32> {
        self.saved
    }

    /// Rows that are in memory only, until [`Table::save_state`].
    #[must_use]
    pub fn n_fresh(&self) -> usize {
        self.fresh.len()
    }

    /// Bytes of all segments' text.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.parts.values().map(|part| u64::from(part.segment.record().n_bytes)).sum()
    }

    /// Bytes of memory that the table takes, besides what lies on disk.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let parts: usize =
            self.parts.values().map(|part| part.segment.memory_bytes() + part.facts.memory_bytes()).sum();
        let rows = self.order.capacity() * size_of::<RowId>()
            + self.places.capacity() * size_of::<Place>()
            + self.marks.capacity() * size_of::<Marks>();
        let fresh: usize = self.fresh.values().map(|one| one.line.len() + size_of::<Fresh>() + 24).sum();
        parts + rows + fresh + self.made.len() * 2 * size_of::<(RowId, Made)>()
    }

    fn place(&self, row: RowId) -> Place {
        self.places.get(row.0 as usize).copied().unwrap_or(Place::GONE)
    }

    fn mark(&self, row: RowId) -> Marks {
        self.marks.get(row.0 as usize).copied().unwrap_or_default()
    }

    /// Whether a row is there.
    #[must_use]
    pub fn contains(&self, row: RowId) -> bool {
        self.place(row) != Place::GONE
    }

    /// Counted from 0, in the table's order.
    #[must_use]
    pub fn position(&self, row: RowId) -> Option<usize> {
        if self.contains(row) { self.order.iter().position(|one| *one == row) } else { None }
    }

    /// A row's line, put in place of what is in `line`.
    ///
    /// # Errors
    /// When the row is gone, or cannot be read.
    pub fn line(&self, row: RowId, line: &mut Vec<u8>) -> Result<()> {
        line.clear();
        if let Some(fresh) = self.fresh.get(&row) {
            line.extend_from_slice(&fresh.line);
            return Ok(());
        }
        let (segment, index) = self.place(row).parts().ok_or_else(disk::gone)?;
        let part = self.parts.get(&segment).with_context(|| format!("segment {segment} is not open"))?;
        part.segment.read(index, index + 1, line)?;
        line.pop();
        Ok(())
    }

    /// A row, read.
    ///
    /// # Errors
    /// When the row is gone, or cannot be read.
    pub fn row(&self, row: RowId) -> Result<Row> {
        let mut line = Vec::new();
        self.line(row, &mut line)?;
        crate::from_line(&line)
    }

    /// What is known of a row; `None`: it is gone.
    #[must_use]
    pub fn facts(&self, row: RowId) -> Option<Facts> {
        let mut facts = match self.place(row) {
            Place::GONE => return None,
            Place::FRESH => self.fresh.get(&row)?.facts,
            place => {
                let (segment, index) = place.parts()?;
                self.parts.get(&segment)?.facts.get(index)?
            }
        };
        facts.flags.set(self.mark(row).flags());
        Some(facts)
    }

    /// What is known of many rows; of those that are gone nothing is told.
    pub fn each_facts(&self, rows: &[RowId], each: &mut dyn FnMut(RowId, Facts)) {
        let mut last: Option<(u32, &FactsList)> = None;
        for row in rows {
            let known = self.place(*row).parts().and_then(|(number, index)| {
                let facts = match last {
                    Some((same, facts)) if same == number => facts,
                    _ => &self.parts.get(&number)?.facts,
                };
                last = Some((number, facts));
                let mut facts = facts.get(index)?;
                facts.flags.set(self.mark(*row).flags());
                Some(facts)
            });
            if let Some(facts) = known.or_else(|| self.facts(*row)) {
                each(*row, facts);
            }
        }
    }

    /// What holds of a row; nothing of one that is gone.
    #[must_use]
    pub fn flags(&self, row: RowId) -> RowFlags {
        self.facts(row).unwrap_or_default().flags
    }

    #[must_use]
    pub fn split(&self, row: RowId) -> Option<Split> {
        self.mark(row).split()
    }

    #[must_use]
    pub fn made(&self, row: RowId) -> Option<Made> {
        self.made.get(&row).copied()
    }

    /// The labels that sets of [`Facts::labels`] stand for.
    #[must_use]
    pub fn label_sets(&self) -> &Labels {
        &self.reckoner.labels
    }

    /// A row's label, or the kinds of its tags or spans.
    #[must_use]
    pub fn labels_of(&self, row: RowId) -> Vec<&str> {
        self.facts(row).map(|facts| self.label_sets().names(facts.labels)).unwrap_or_default()
    }

    /// Train, validation, test, none.
    #[must_use]
    pub fn n_by_split(&self) -> [u64; 4] {
        let mut n = [0; 4];
        for row in &*self.order {
            n[OverviewReport::place(self.split(*row))] += 1;
        }
        n
    }

    /// Every label and how many rows have it on each side, most frequent first; rows without one last.
    #[must_use]
    pub fn label_shares(&self) -> Vec<LabelShare> {
        let sets = self.label_sets();
        let mut by_set = vec![[0_u64; 4]; sets.n_sets()];
        self.each_facts(&self.order, &mut |row, facts| {
            by_set[facts.labels as usize][OverviewReport::place(self.split(row))] += 1;
        });
        let mut by_name = vec![[0_u64; 4]; sets.n_names()];
        for (set, n) in by_set.iter().enumerate().skip(1) {
            for id in sets.ids(u32::try_from(set).unwrap_or_default()) {
                by_name[*id as usize].iter_mut().zip(n).for_each(|(sum, n)| *sum += n);
            }
        }
        let share = |(id, n): (usize, [u64; 4])| LabelShare {
            label: Some(sets.name_of(u32::try_from(id).unwrap_or_default()).to_owned()),
            n_by_split: n,
        };
        let mut shares: Vec<LabelShare> =
            by_name.into_iter().enumerate().filter(|(_, n)| n.iter().sum::<u64>() > 0).map(share).collect();
        let sum = |share: &LabelShare| share.n_by_split.iter().sum::<u64>();
        shares.sort_by(|a, b| sum(b).cmp(&sum(a)).then_with(|| a.label.cmp(&b.label)));
        if by_set[0].iter().sum::<u64>() > 0 {
            shares.push(LabelShare { label: None, n_by_split: by_set[0] });
        }
        shares
    }

    /// Every label and how many rows have it, most frequent first.
    #[must_use]
    pub fn labels(&self) -> Vec<(String, u64)> {
        let shares = self.label_shares().into_iter();
        shares.filter_map(|share| Some((share.label?, share.n_by_split.iter().sum()))).collect()
    }

    /// Rows that say the same to the letter, in the table's order, groups by their first row.
    ///
    /// # Errors
    /// When `tick`, which is told of all rows, ends the work.
    pub fn duplicates(&self, tick: Tick<'_>) -> Result<Vec<Vec<RowId>>> {
        let n_rows = self.order.len() as u64;
        let mut passed = steps::by_items(tick, n_rows);
        let mut hashes: Vec<u64> = Vec::with_capacity(self.order.len());
        for part in self.order.chunks(steps::STEP) {
            self.each_facts(part, &mut |_, facts| hashes.push(facts.hash));
            passed(part.len())?;
        }
        let groups = steps::groups(hashes.into_iter().map(Some), &mut passed)?;
        let row = |at: u32| self.order[at as usize];
        Ok(groups.into_iter().map(|group| group.into_iter().map(row).collect()).collect())
    }

    /// All of a row, with what is wrong with it.
    ///
    /// # Errors
    /// When the row is gone, or cannot be read.
    pub fn document(&self, row: RowId) -> Result<RowDocument> {
        let mut line = Vec::new();
        self.line(row, &mut line)?;
        let position = self.position(row).ok_or_else(disk::gone)?;
        Ok(RowDocument {
            id: row,
            position: position as u64,
            split: self.split(row),
            value: crate::from_line(&line)?,
            flags: self.flags(row),
            issues: self.reckoner.checker.issues(&line),
            made: self.made(row),
        })
    }

    /// Reads all segments and compares them with their checksums; `tick` is told how many rows they have.
    ///
    /// # Errors
    /// Names the file that is damaged. When `tick` ends the work.
    pub fn verify(&self, tick: Tick<'_>) -> Result<()> {
        let mut n_done = 0;
        for part in self.parts.values() {
            part.segment.verify(&|n| tick(n_done + n))?;
            n_done += u64::from(part.segment.record().n_rows);
        }
        Ok(())
    }

    /// A number for a new segment, of no clone's either.
    fn new_segment(&self) -> u32 {
        self.next_segment.fetch_add(1, Ordering::Relaxed)
    }

    fn state_path(&self, n: u32) -> PathBuf {
        state::path(&self.folder, n)
    }
}

#[cfg(test)]
mod proofs;
#[cfg(test)]
mod tests;
