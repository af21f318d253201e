//! Changes to many rows, written to segments as they come, so that memory holds no content; one state at the end.

use super::facts::FactsList;
use super::marks::Marks;
use super::segment::SegmentWriter;
use super::{Place, Table, disk, state};
use anyhow::{Result, bail};
use glassworks_protocol::datasets::{Made, RowId, Split};
use std::collections::HashMap;
use std::sync::Arc;

/// A segment is ended at this size and another one begun.
const SEGMENT_BYTES: u32 = 1 << 30;

/// Where a new row goes. Those of one place stand in the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    First,
    /// After a row that was there when the batch began, also when it goes.
    After(RowId),
    Last,
}

/// A change to many rows of a table. Dropped, it leaves nothing.
///
/// It goes on from the table as that was when it began, and gives its ids from there: what was changed meanwhile is not
/// in what it commits to. Whoever puts the result in the table's place sees to it that nothing was.
pub struct Batch {
    table: Table,
    writer: Option<(SegmentWriter, FactsList)>,
    /// Segments that are in place and of no state.
    written: Vec<u32>,
    first: Vec<RowId>,
    after: HashMap<RowId, Vec<RowId>>,
    last: Vec<RowId>,
    order_changed: bool,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch over {:?}", self.table)
    }
}

impl Batch {
    #[must_use]
    pub fn new(table: &Table) -> Self {
        Self {
            table: table.clone(),
            writer: None,
            written: Vec::new(),
            first: Vec::new(),
            after: HashMap::new(),
            last: Vec::new(),
            order_changed: false,
        }
    }

    /// Gives a row another content, as [`crate::to_line`] writes it. It is no longer accepted as it is.
    ///
    /// # Errors
    /// When the row is gone, or the disk is full.
    pub fn set(&mut self, row: RowId, line: &[u8]) -> Result<()> {
        if !self.table.contains(row) {
            return Err(disk::gone());
        }
        self.put(row, line)?;
        self.table.mark_mut(row).set_accepted(false);
        Ok(())
    }

    /// # Errors
    /// When the row is gone.
    pub fn remove(&mut self, row: RowId) -> Result<()> {
        if !self.table.contains(row) {
            return Err(disk::gone());
        }
        self.table.forget(row);
        self.order_changed = true;
        Ok(())
    }

    /// Adds a row with a line as [`crate::to_line`] writes it.
    ///
    /// # Errors
    /// When the disk is full, or there are more than 4,294,967,295 rows.
    pub fn add(&mut self, at: At, line: &[u8], split: Option<Split>, made: Option<Made>) -> Result<RowId> {
        let row = RowId(self.table.next_id);
        if row.0 == u32::MAX {
            bail!("more rows than ids");
        }
        self.table.make_room(row);
        self.put(row, line)?;
        *self.table.mark_mut(row) = Marks::new(split, false, made.is_some());
        if let Some(made) = made {
            Arc::make_mut(&mut self.table.made).insert(row, made);
        }
        match at {
            At::First => self.first.push(row),
            At::After(other) => self.after.entry(other).or_default().push(row),
            At::Last => self.last.push(row),
        }
        self.order_changed = true;
        Ok(row)
    }

    /// # Errors
    /// When the row is gone.
    pub fn split(&mut self, row: RowId, split: Option<Split>) -> Result<()> {
        if !self.table.contains(row) {
            return Err(disk::gone());
        }
        self.table.mark_mut(row).set_split(split);
        Ok(())
    }

    fn put(&mut self, row: RowId, line: &[u8]) -> Result<()> {
        let full = |(writer, _): &(SegmentWriter, FactsList)| {
            writer.n_bytes() >= SEGMENT_BYTES || !writer.takes(line)
        };
        if self.writer.as_ref().is_some_and(full) {
            self.end_segment()?;
        }
        let (writer, facts) = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let number = self.table.new_segment();
                let writer = SegmentWriter::create(&self.table.folder, number)?;
                none.insert((writer, FactsList::default()))
            }
        };
        let index = writer.push(line)?;
        facts.push(Arc::make_mut(&mut self.table.reckoner).facts(line));
        Arc::make_mut(&mut self.table.places)[row.0 as usize] = Place::at(writer.number(), index);
        if self.table.fresh.contains_key(&row) {
            Arc::make_mut(&mut self.table.fresh).remove(&row);
        }
        Ok(())
    }

    fn end_segment(&mut self) -> Result<()> {
        let Some((writer, facts)) = self.writer.take() else { return Ok(()) };
        self.written.push(writer.number());
        let table = &mut self.table;
        state::add_part(&mut table.parts, &table.folder, &table.reckoner, writer, facts)
    }

    /// Writes the state, and gives the table with all of it.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn commit(mut self, n: u32) -> Result<Table> {
        self.end_segment()?;
        if self.order_changed {
            self.table.order = Arc::new(self.order());
        }
        Arc::make_mut(&mut self.table.places).shrink_to_fit();
        Arc::make_mut(&mut self.table.marks).shrink_to_fit();
        self.table.flush()?;
        self.table.write_state(n)?;
        self.written.clear();
        Ok(self.table.clone())
    }

    /// Rows as they stand in the end.
    fn order(&self) -> Vec<RowId> {
        let base = &self.table.order;
        let n_added = self.first.len() + self.last.len() + self.after.values().map(Vec::len).sum::<usize>();
        let mut order = Vec::with_capacity(base.len() + n_added);
        order.extend(&self.first);
        for row in &**base {
            order.push(*row);
            order.extend(self.after.get(row).into_iter().flatten());
        }
        order.extend(&self.last);
        order.retain(|row| self.table.contains(*row));
        order.shrink_to_fit();
        order
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        for number in &self.written {
            state::remove_segment(&self.table.folder, *number);
        }
    }
}
