//! Lines of the grid that are at hand: fetched for the rows in sight, let go when many newer ones have come.

use glassworks_protocol::Failure;
use glassworks_protocol::datasets::{Row, RowFlags, RowId, RowLine, Split};
use std::collections::HashMap;
use std::sync::Arc;

/// Lines beyond which those asked for longest ago go.
const MOST: usize = 8_000;
/// A line is asked for again so often where the answer was of a state before the one that is known.
const MOST_VAIN: u8 = 3;
/// Characters of a cell, as the engine cuts them.
const CELL: usize = 200;

/// What is known of one row's line.
#[derive(Debug, Default)]
struct Entry {
    /// The page it came in, and where.
    line: Option<(Arc<Vec<RowLine>>, usize)>,
    /// The state of the dataset that it is of, and the one from which on it is good.
    at: u64,
    needs: u64,
    asked: bool,
    /// Not known to be good any more.
    old: bool,
    /// Answers in a row that were of too early a state.
    vain: u8,
    /// Asked for, and not in the answer.
    gone: bool,
    used: u64,
}

#[derive(Debug, Default)]
pub struct Lines {
    entries: HashMap<RowId, Entry>,
    /// From which state on any line is good.
    floor: u64,
    clock: u64,
    n_waiting: usize,
    failure: Option<Failure>,
}

impl Lines {
    pub fn get(&self, row: RowId) -> Option<&RowLine> {
        let (page, at) = self.entries.get(&row)?.line.as_ref()?;
        page.get(*at)
    }

    /// Queries that have not been answered.
    pub fn n_waiting(&self) -> usize {
        self.n_waiting
    }

    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Whether a row's line has to be asked for.
    pub fn wants(&self, row: RowId) -> bool {
        self.failure.is_none()
            && self.entries.get(&row).is_none_or(|entry| !entry.asked && !entry.gone && self.is_old(entry))
    }

    fn is_old(&self, entry: &Entry) -> bool {
        entry.line.is_none() || entry.old || entry.vain < MOST_VAIN && entry.at < entry.needs.max(self.floor)
    }

    pub fn asked(&mut self, rows: &[RowId]) {
        self.failure = None;
        self.n_waiting += 1;
        self.clock += 1;
        for row in rows {
            let entry = self.entries.entry(*row).or_default();
            (entry.asked, entry.used) = (true, self.clock);
        }
        if self.entries.len() > MOST {
            let mut used: Vec<u64> = self.entries.values().map(|entry| entry.used).collect();
            let middle = used.len() / 2;
            let limit = *used.select_nth_unstable(middle).1;
            self.entries.retain(|_, entry| entry.asked || entry.used > limit);
        }
    }

    pub fn fetched(&mut self, asked: &[RowId], revision: u64, page: &Arc<Vec<RowLine>>) {
        self.answered(asked, true);
        for (at, line) in page.iter().enumerate() {
            let floor = self.floor;
            let entry = self.entries.entry(line.id).or_default();
            (entry.line, entry.at, entry.gone) = (Some((Arc::clone(page), at)), revision, false);
            (entry.used, entry.old) = (self.clock, false);
            entry.vain = if revision < entry.needs.max(floor) { entry.vain + 1 } else { 0 };
        }
    }

    pub fn refused(&mut self, asked: &[RowId], failure: &Failure) {
        self.answered(asked, false);
        self.failure = Some(failure.clone());
    }

    fn answered(&mut self, asked: &[RowId], gone: bool) {
        self.n_waiting = self.n_waiting.saturating_sub(1);
        for row in asked {
            if let Some(entry) = self.entries.get_mut(row) {
                (entry.asked, entry.gone) = (false, gone);
            }
        }
    }

    /// Rows are other ones from this state on; `None`: any may be.
    pub fn changed(&mut self, revision: u64, rows: Option<&[RowId]>) {
        match rows {
            None => {
                self.floor = self.floor.max(revision);
                self.entries.values_mut().for_each(|entry| (entry.gone, entry.vain) = (false, 0));
            }
            Some(rows) => {
                for row in rows {
                    if let Some(entry) = self.entries.get_mut(row) {
                        (entry.needs, entry.gone, entry.vain) = (entry.needs.max(revision), false, 0);
                    }
                }
            }
        }
    }

    /// Nothing is known for sure any more: all is asked for again as it comes in sight.
    pub fn doubt(&mut self) {
        self.floor = 0;
        self.entries.values_mut().for_each(|entry| (entry.old, entry.needs, entry.gone) = (true, 0, false));
    }

    fn change(&mut self, row: RowId, change: impl FnOnce(&mut RowLine)) {
        let Some(entry) = self.entries.get_mut(&row) else { return };
        let Some(mut line) = entry.line.as_ref().and_then(|(page, at)| page.get(*at)).cloned() else {
            return;
        };
        change(&mut line);
        entry.line = Some((Arc::new(vec![line]), 0));
    }

    /// Shows texts at once as a person has written them; other values when they come back.
    pub fn set(&mut self, row: RowId, columns: &[String], value: &Row) {
        self.change(row, |line| {
            for (cell, column) in line.cells.iter_mut().zip(columns) {
                match value.get(column) {
                    Some(serde_json::Value::String(text)) => *cell = one_line(text),
                    Some(serde_json::Value::Number(number)) => *cell = number.to_string(),
                    _ => {}
                }
            }
        });
    }

    pub fn set_split(&mut self, row: RowId, split: Option<Split>) {
        self.change(row, |line| line.split = split);
    }

    pub fn accept(&mut self, row: RowId, accepted: bool) {
        self.change(row, |line| {
            line.flags.0 &= !RowFlags::ACCEPTED.0;
            if accepted {
                line.flags.set(RowFlags::ACCEPTED);
            }
        });
    }
}

/// A text as a cell shows it.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for (n, word) in text.split_whitespace().enumerate() {
        if line.len() > 4 * CELL {
            break;
        }
        if n > 0 {
            line.push(' ');
        }
        line.push_str(word);
    }
    line.chars().take(CELL).collect()
}
