//! Views: the rows of a table that pass filters, in an order.
//!
//! What is known of rows is asked first ([`known`]); of those that are left the lines are looked through as they lie
//! on disk ([`text`]). Rows are told as they are found where the order is the table's own.

mod keys;
mod known;
mod sort;
pub mod text;

use crate::Tick;
use crate::steps::Pace;
use crate::table::{Block, Table};
use anyhow::Result;
use glassworks_protocol::datasets::measure::TokenCount;
use glassworks_protocol::datasets::overview::Finding;
use glassworks_protocol::datasets::{Filter, RowId, Sort, SortKey, ViewSpec};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use text::Matcher;

/// What was found out about rows elsewhere.
#[derive(Clone, Copy, Default)]
pub struct Context<'a> {
    /// Of the last overview, if there was one.
    pub findings: Option<&'a [Finding]>,
    /// Of the measure that the view names.
    pub measure: Option<Measured<'a>>,
}

#[derive(Clone, Copy)]
pub struct Measured<'a> {
    /// `None`: the row has changed since.
    pub count: &'a dyn Fn(RowId) -> Option<TokenCount>,
    /// Rows of more tokens are cut; `None`: rows are cut into pieces, of which none is lost.
    pub max_length: Option<u32>,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Context {{ measured: {} }}", self.measure.is_some())
    }
}

/// The rows of a view. `found` is told of them as they are found, in their order; all at once where they are sorted.
/// `tick` is told how many rows were looked through.
///
/// # Errors
/// A `Failure` when a pattern cannot be read, or what a filter asks for was not found out yet; when rows cannot be
/// read; when `tick` ends the work.
pub fn find(
    table: &Table,
    view: &ViewSpec,
    context: &Context<'_>,
    tick: Tick<'_>,
    found: &mut dyn FnMut(&[RowId]),
) -> Result<Vec<RowId>> {
    let (mut known, mut texts) = (Vec::new(), Vec::new());
    for filter in &view.filters {
        let (filter, passes) = unfold(filter);
        match Matcher::of(filter)? {
            Some(matcher) => texts.push((matcher, passes)),
            None => known.push((filter, passes)),
        }
    }
    let rows = known::rows(table, &known, context, tick)?;
    let in_order = view.sort.as_ref().is_none_or(is_plain);
    let rows = if texts.is_empty() {
        if in_order {
            found(&rows);
        }
        rows
    } else {
        looked_through(table, &rows, &texts, tick, &mut |rows| {
            if in_order {
                found(rows);
            }
        })?
    };
    let Some(sort) = view.sort.as_ref().filter(|_| !in_order) else { return Ok(rows) };
    let sorted = sort::sorted(table, rows, sort, context, tick)?;
    found(&sorted);
    Ok(sorted)
}

fn is_plain(sort: &Sort) -> bool {
    sort.by == SortKey::Position && !sort.descending
}

/// A filter, and whether rows pass that pass it: not those of `Not`.
fn unfold(filter: &Filter) -> (&Filter, bool) {
    match filter {
        Filter::Not(inner) => {
            let (filter, passes) = unfold(inner);
            (filter, !passes)
        }
        filter => (filter, true),
    }
}

fn looked_through(
    table: &Table,
    rows: &[RowId],
    texts: &[(Matcher, bool)],
    tick: Tick<'_>,
    found: &mut dyn FnMut(&[RowId]),
) -> Result<Vec<RowId>> {
    // One that can look through many lines at once goes first.
    let driver = texts.iter().position(|(matcher, passes)| *passes && matcher.has_prefilter());
    let (mut all, mut scratch) = (Vec::new(), Vec::new());
    let (mut pace, mut done) = (Pace::new(tick), 0);
    table.blocks(rows, tick, &mut |block| {
        let n = all.len();
        let mut check = |at: usize| {
            let line = block.line(at);
            if texts.iter().all(|(matcher, passes)| matcher.matches(line, &mut scratch) == *passes) {
                all.push(block.rows[at]);
            }
            // Patterns can be slow: a block would be too long to wait for.
            pace.passed(line.len(), done + at as u64 + 1)
        };
        match driver {
            Some(driver) => candidates(block, &texts[driver].0, &mut check)?,
            None => (0..block.rows.len()).try_for_each(check)?,
        }
        done += block.rows.len() as u64;
        if all.len() > n {
            found(&all[n..]);
        }
        Ok(())
    })?;
    Ok(all)
}

/// The rows of a block in whose lines a matcher's prefilter finds something.
fn candidates(block: &Block<'_>, matcher: &Matcher, each: &mut dyn FnMut(usize) -> Result<()>) -> Result<()> {
    let (mut at, mut from) = (0, 0);
    while at < block.lines.len() {
        from = from.max(block.lines[at].start as usize);
        let Some(hit) = matcher.prefilter(&block.bytes[from..]) else { break };
        let hit = from + hit;
        at += block.lines[at..].partition_point(|line| line.end as usize <= hit);
        let Some(line) = block.lines.get(at) else { break };
        // What is found begins in a line that nobody asked for.
        if (line.start as usize) <= hit {
            each(at)?;
            at += 1;
        }
    }
    Ok(())
}

/// What a filter or an order asks for was not found out yet.
fn not_yet(key: &'static str, hint: &'static str) -> anyhow::Error {
    Failure::new(FailureKind::Missing, Text::new(key)).hint(Text::new(hint)).into()
}

fn no_measure() -> anyhow::Error {
    not_yet("data.find_no_measure", "data.find_no_measure_hint")
}

fn no_overview() -> anyhow::Error {
    not_yet("data.find_no_overview", "data.find_no_overview_hint")
}

#[cfg(test)]
mod proofs;
#[cfg(test)]
mod tests;
