//! Small changes: carried out with a way back, planned from what a person asked for.

use super::{Fresh, Marks, Place, Table, disk, order};
use crate::Tick;
use anyhow::{Context as _, Result, bail};
use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::{Made, RowId, Split};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;

/// A change of a table, as it is stored together with its way back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// One after another.
    Rows(Vec<RowStep>),
    /// A whole state in place of what is there.
    State(u32),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowStep {
    /// Another content.
    Set {
        row: RowId,
        to: Content,
        accepted: bool,
    },
    /// Rows into the order, by rising places where they stand in the end.
    Insert(Vec<Inserted>),
    Remove(Vec<RowId>),
    /// Out of the order, and in again where they stand in the end; places rise.
    Move(Vec<(RowId, u32)>),
    Split(Vec<(RowId, Option<Split>)>),
    Accept(Vec<(RowId, bool)>),
}

/// A row's content: its line, or where a segment holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    Line(String),
    At(u32, u32),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inserted {
    pub row: RowId,
    pub at: u32,
    pub content: Content,
    pub split: Option<Split>,
    pub made: Option<Made>,
    pub accepted: bool,
}

/// What a person's changes come to.
#[derive(Clone, Debug)]
pub struct Planned {
    pub change: Change,
    /// The way back.
    pub inverse: Change,
    /// The table with the change carried out.
    pub table: Table,
    /// Ids of new rows, in the order of the steps.
    pub added: Vec<RowId>,
    /// Rows with another content, split or flag.
    pub changed: Vec<RowId>,
    /// Whether rows were added, removed or moved.
    pub order_changed: bool,
}

impl Change {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Rows(steps) if steps.is_empty())
    }
}

impl Table {
    /// What changes come to; nothing of it is on disk. Those that change nothing come to nothing.
    /// A row that is set is no longer accepted as it is.
    ///
    /// # Errors
    /// When a row is gone.
    pub fn plan(&self, changes: &[RowChange]) -> Result<Planned> {
        let change = Change::Rows(Vec::new());
        let mut planned = Planned {
            inverse: change.clone(),
            change,
            table: self.clone(),
            added: Vec::new(),
            changed: Vec::new(),
            order_changed: false,
        };
        let (mut steps, mut back) = (Vec::new(), Vec::new());
        for change in changes {
            if let Some(step) = planned.step(change)? {
                back.push(planned.table.step(&step)?);
                steps.push(step);
            }
        }
        if !steps.is_empty() {
            planned.table.saved = None;
        }
        back.reverse();
        planned.change = Change::Rows(steps);
        planned.inverse = Change::Rows(back);
        Ok(planned)
    }

    /// Carries a change out, and says the way back.
    ///
    /// # Errors
    /// When it does not fit the table, which stays as it was; for a state: when the present is no saved one, so that
    /// no state leads back.
    pub fn apply(&mut self, change: &Change, tick: Tick<'_>) -> Result<Change> {
        match change {
            Change::Rows(steps) => self.steps(steps).map(Change::Rows),
            Change::State(_) => {
                let back = self.saved.context("the present is not saved: no state leads back to it")?;
                self.take(change, tick)?;
                Ok(Change::State(back))
            }
        }
    }

    /// Carries out a change whose way back is known already: an undo, a redo, or one that is done again after opening.
    ///
    /// # Errors
    /// When it does not fit the table, which stays as it was.
    pub fn take(&mut self, change: &Change, tick: Tick<'_>) -> Result<()> {
        match change {
            Change::Rows(steps) => self.steps(steps).map(drop),
            Change::State(n) => {
                let mut next = self.clone();
                next.load(*n, tick)?;
                *self = next;
                Ok(())
            }
        }
    }

    fn steps(&mut self, steps: &[RowStep]) -> Result<Vec<RowStep>> {
        let mut back = Vec::with_capacity(steps.len());
        for step in steps {
            match self.step(step) {
                Ok(one) => back.push(one),
                Err(error) => {
                    for one in back.iter().rev() {
                        self.step(one)?;
                    }
                    return Err(error);
                }
            }
        }
        if !steps.is_empty() {
            self.saved = None;
        }
        back.reverse();
        Ok(back)
    }

    /// Carries a step out, all of it or nothing, and says the way back.
    fn step(&mut self, step: &RowStep) -> Result<RowStep> {
        match step {
            RowStep::Set { row, to, accepted } => {
                let back =
                    RowStep::Set { row: *row, to: self.content(*row)?, accepted: self.mark(*row).accepted() };
                self.put(*row, to)?;
                if self.mark(*row).accepted() != *accepted {
                    self.mark_mut(*row).set_accepted(*accepted);
                }
                Ok(back)
            }
            RowStep::Insert(rows) => self.insert(rows),
            RowStep::Remove(rows) => self.remove(rows),
            RowStep::Move(rows) => {
                let ids: Vec<RowId> = rows.iter().map(|(row, _)| *row).collect();
                self.all_there(&ids)?;
                let order = Arc::make_mut(&mut self.order);
                let back = order::take_out(order, &ids);
                if order::put_in(order, rows).is_none() {
                    order::put_in(order, &back).context("an order that does not go back")?;
                    bail!("rows are moved past the end");
                }
                Ok(RowStep::Move(back))
            }
            RowStep::Split(rows) => {
                self.all_there(&rows.iter().map(|(row, _)| *row).collect::<Vec<_>>())?;
                let back = rows.iter().map(|(row, _)| (*row, self.split(*row))).collect();
                rows.iter().for_each(|(row, split)| self.mark_mut(*row).set_split(*split));
                Ok(RowStep::Split(back))
            }
            RowStep::Accept(rows) => {
                self.all_there(&rows.iter().map(|(row, _)| *row).collect::<Vec<_>>())?;
                let back = rows.iter().map(|(row, _)| (*row, self.mark(*row).accepted())).collect();
                rows.iter().for_each(|(row, accepted)| self.mark_mut(*row).set_accepted(*accepted));
                Ok(RowStep::Accept(back))
            }
        }
    }

    fn insert(&mut self, rows: &[Inserted]) -> Result<RowStep> {
        let ids: HashSet<RowId> = rows.iter().map(|one| one.row).collect();
        if ids.len() < rows.len() || rows.iter().any(|one| self.contains(one.row)) {
            bail!("a row that is there is inserted again");
        }
        for one in rows {
            self.check_content(&one.content)?;
        }
        let places: Vec<(RowId, u32)> = rows.iter().map(|one| (one.row, one.at)).collect();
        order::put_in(Arc::make_mut(&mut self.order), &places).context("rows are inserted past the end")?;
        for one in rows {
            self.make_room(one.row);
            self.put(one.row, &one.content)?;
            *self.mark_mut(one.row) = Marks::new(one.split, one.accepted, one.made.is_some());
            if let Some(made) = one.made {
                Arc::make_mut(&mut self.made).insert(one.row, made);
            }
        }
        Ok(RowStep::Remove(rows.iter().map(|one| one.row).collect()))
    }

    fn remove(&mut self, rows: &[RowId]) -> Result<RowStep> {
        self.all_there(rows)?;
        let contents: Result<Vec<(RowId, Content)>> =
            rows.iter().map(|row| Ok((*row, self.content(*row)?))).collect();
        let mut contents: std::collections::HashMap<RowId, Content> = contents?.into_iter().collect();
        let out = order::take_out(Arc::make_mut(&mut self.order), rows);
        let mut back = Vec::with_capacity(rows.len());
        for (row, at) in out {
            let content = contents.remove(&row).context("a row is twice in the order")?;
            let (split, accepted) = (self.split(row), self.mark(row).accepted());
            back.push(Inserted { row, at, content, split, made: self.made(row), accepted });
            self.forget(row);
        }
        Ok(RowStep::Insert(back))
    }

    /// Every one is there, and none twice.
    fn all_there(&self, rows: &[RowId]) -> Result<()> {
        if rows.iter().any(|row| !self.contains(*row)) {
            return Err(disk::gone());
        }
        let once: HashSet<&RowId> = rows.iter().collect();
        if once.len() < rows.len() {
            bail!("a row is named twice");
        }
        Ok(())
    }

    /// A row's content as a change holds it.
    fn content(&self, row: RowId) -> Result<Content> {
        if let Some((segment, index)) = self.place(row).parts() {
            return Ok(Content::At(segment, index));
        }
        let fresh = self.fresh.get(&row).ok_or_else(disk::gone)?;
        Ok(Content::Line(String::from_utf8(fresh.line.to_vec()).context("a row is no text")?))
    }

    fn check_content(&self, content: &Content) -> Result<()> {
        match content {
            Content::At(segment, index) => {
                let n = self.parts.get(segment).map_or(0, |part| part.segment.record().n_rows);
                if *index >= n { bail!("segment {segment} has no row {index}") } else { Ok(()) }
            }
            Content::Line(line) if line.contains('\n') => bail!("a line has a newline"),
            Content::Line(line) => crate::from_line(line.as_bytes()).map(drop),
        }
    }

    /// Gives a row another content.
    fn put(&mut self, row: RowId, content: &Content) -> Result<()> {
        self.check_content(content)?;
        let place = match content {
            Content::At(segment, index) => {
                if self.fresh.contains_key(&row) {
                    Arc::make_mut(&mut self.fresh).remove(&row);
                }
                Place::at(*segment, *index)
            }
            Content::Line(line) => {
                let line: Box<[u8]> = line.as_bytes().into();
                // Labels are many at times, and not copied for one that is known.
                let known = self.reckoner.known_facts(&line);
                let facts = known.unwrap_or_else(|| Arc::make_mut(&mut self.reckoner).facts(&line));
                Arc::make_mut(&mut self.fresh).insert(row, Arc::new(Fresh { line, facts }));
                Place::FRESH
            }
        };
        Arc::make_mut(&mut self.places)[row.0 as usize] = place;
        Ok(())
    }

    /// Makes room for a row with an id of its own.
    pub(super) fn make_room(&mut self, row: RowId) {
        let n = row.0 as usize + 1;
        if self.places.len() < n {
            Arc::make_mut(&mut self.places).resize(n, Place::GONE);
            Arc::make_mut(&mut self.marks).resize(n, Marks::default());
        }
        self.reserve(row.0.saturating_add(1));
    }

    /// What is known of a row that has left the order.
    pub(super) fn forget(&mut self, row: RowId) {
        Arc::make_mut(&mut self.places)[row.0 as usize] = Place::GONE;
        *self.mark_mut(row) = Marks::default();
        if self.made.contains_key(&row) {
            Arc::make_mut(&mut self.made).remove(&row);
        }
        if self.fresh.contains_key(&row) {
            Arc::make_mut(&mut self.fresh).remove(&row);
        }
    }

    pub(super) fn mark_mut(&mut self, row: RowId) -> &mut Marks {
        &mut Arc::make_mut(&mut self.marks)[row.0 as usize]
    }
}

impl Planned {
    /// What one change comes to, for the table as it is by then.
    fn step(&mut self, change: &RowChange) -> Result<Option<RowStep>> {
        let table = &self.table;
        let step = match change {
            RowChange::Set { row, value } => {
                let (mut old, line) = (Vec::new(), crate::to_line(value)?);
                table.line(*row, &mut old)?;
                if old == line {
                    return Ok(None);
                }
                self.changed.push(*row);
                RowStep::Set { row: *row, to: as_content(line)?, accepted: false }
            }
            RowChange::Add { after, value, split, made } => {
                let at = match after {
                    Some(after) => table.position(*after).ok_or_else(disk::gone)? + 1,
                    None => 0,
                };
                let row = RowId(table.next_id);
                self.added.push(row);
                self.order_changed = true;
                RowStep::Insert(vec![Inserted {
                    row,
                    at: disk::count(at)?,
                    content: as_content(crate::to_line(value)?)?,
                    split: *split,
                    made: *made,
                    accepted: false,
                }])
            }
            RowChange::Remove { rows } => {
                self.order_changed |= !rows.is_empty();
                RowStep::Remove(rows.clone())
            }
            RowChange::Move { rows, before } => {
                let Some(step) = move_step(table, rows, *before)? else { return Ok(None) };
                self.order_changed = true;
                step
            }
            RowChange::SetSplit { rows, split } => {
                let other = rows.iter().filter(|row| table.split(**row) != *split || !table.contains(**row));
                let steps: Vec<_> = other.map(|row| (*row, *split)).collect();
                self.changed.extend(steps.iter().map(|(row, _)| *row));
                RowStep::Split(steps)
            }
            RowChange::Accept { rows, accepted } => {
                let is = |row: &&RowId| table.contains(**row) && table.mark(**row).accepted() == *accepted;
                let steps: Vec<_> = rows.iter().filter(|row| !is(row)).map(|row| (*row, *accepted)).collect();
                self.changed.extend(steps.iter().map(|(row, _)| *row));
                RowStep::Accept(steps)
            }
        };
        let nothing = match &step {
            RowStep::Remove(rows) => rows.is_empty(),
            RowStep::Split(rows) => rows.is_empty(),
            RowStep::Accept(rows) => rows.is_empty(),
            _ => false,
        };
        Ok((!nothing).then_some(step))
    }
}

/// Where rows stand in the end that are moved before another one.
fn move_step(table: &Table, rows: &[RowId], before: Option<RowId>) -> Result<Option<RowStep>> {
    table.all_there(rows)?;
    let moved: HashSet<RowId> = rows.iter().copied().collect();
    let end = match before {
        Some(before) => table.position(before).ok_or_else(disk::gone)?,
        None => table.len(),
    };
    let at = table.order()[..end].iter().filter(|row| !moved.contains(row)).count();
    let stands = table.order().get(at..at + rows.len()) == Some(rows);
    let step: Result<Vec<_>> = rows.iter().zip(at..).map(|(row, at)| Ok((*row, disk::count(at)?))).collect();
    Ok(if stands { None } else { Some(RowStep::Move(step?)) })
}

fn as_content(line: Vec<u8>) -> Result<Content> {
    Ok(Content::Line(String::from_utf8(line).context("a row is no text")?))
}
