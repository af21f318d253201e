//! Many rows read at once: those that lie beside each other in one go.

use super::{Place, Table, disk};
use crate::Tick;
use anyhow::{Context as _, Result};
use glassworks_protocol::datasets::RowId;
use std::ops::Range;

/// What is read in one go, unless a line is longer, and gone through between two ticks.
const BLOCK_BYTES: u32 = 1 << 18;

/// Of bytes that nobody asked for, as many are read rather than left out.
const GAP_BYTES: u32 = 16 << 10;

/// Rows read together.
#[derive(Debug)]
pub struct Block<'a> {
    pub rows: &'a [RowId],
    /// Their lines, perhaps with others between them.
    pub bytes: &'a [u8],
    /// Where each row's line lies in `bytes`, without its newline; they rise.
    pub lines: &'a [Range<u32>],
}

impl<'a> Block<'a> {
    /// The line of the row at a place of `rows`.
    #[must_use]
    pub fn line(&self, at: usize) -> &'a [u8] {
        let line = &self.lines[at];
        &self.bytes[line.start as usize..line.end as usize]
    }
}

impl Table {
    /// The lines of rows, in the order of `rows`. `tick` is told how many rows are done.
    ///
    /// # Errors
    /// When a row is gone or cannot be read; those of `each` and `tick`.
    pub fn for_each(
        &self,
        rows: &[RowId],
        tick: Tick<'_>,
        each: &mut dyn FnMut(RowId, &[u8]) -> Result<()>,
    ) -> Result<()> {
        self.blocks(rows, tick, &mut |block| {
            block.rows.iter().enumerate().try_for_each(|(at, row)| each(*row, block.line(at)))
        })
    }

    /// The same in blocks of up to 256 KiB, for who looks through bytes faster than through lines.
    ///
    /// # Errors
    /// Those of [`Table::for_each`].
    pub fn blocks(
        &self,
        rows: &[RowId],
        tick: Tick<'_>,
        each: &mut dyn FnMut(&Block<'_>) -> Result<()>,
    ) -> Result<()> {
        let (mut done, mut buffer, mut lines) = (0, Vec::new(), Vec::new());
        while done < rows.len() {
            lines.clear();
            let n = match self.place(rows[done]) {
                Place::GONE => return Err(disk::gone()),
                Place::FRESH => {
                    let fresh = self.fresh.get(&rows[done]).context("a fresh row has no line")?;
                    lines.push(0..disk::count(fresh.line.len())?);
                    each(&Block { rows: &rows[done..=done], bytes: &fresh.line, lines: &lines })?;
                    1
                }
                place => {
                    let n = self.read_block(&rows[done..], place, &mut buffer, &mut lines)?;
                    each(&Block { rows: &rows[done..done + n], bytes: &buffer, lines: &lines })?;
                    n
                }
            };
            done += n;
            tick(done as u64)?;
        }
        Ok(())
    }

    /// Reads the first rows of `rows` that lie near each other; how many they are.
    fn read_block(
        &self,
        rows: &[RowId],
        first: Place,
        buffer: &mut Vec<u8>,
        lines: &mut Vec<Range<u32>>,
    ) -> Result<usize> {
        let (number, from) = first.parts().ok_or_else(disk::gone)?;
        let part = self.parts.get(&number).with_context(|| format!("segment {number} is not open"))?;
        let segment = &part.segment;
        let base = segment.start(from);
        let mut to = from;
        for row in rows {
            let Some((_, index)) = self.place(*row).parts().filter(|(one, _)| *one == number) else { break };
            let (start, end) = (segment.start(index), segment.start(index + 1));
            let near = lines.is_empty()
                || index >= to && start - segment.start(to) <= GAP_BYTES && end - base <= BLOCK_BYTES;
            if !near {
                break;
            }
            lines.push(start - base..end - base - 1);
            to = index + 1;
        }
        segment.read(from, to, buffer)?;
        Ok(lines.len())
    }
}
