//! Changes to many rows at once: what they would do, and the batch of them, from the same code.

mod augment;
mod balance;
mod clean;
mod edits;
mod privacy;
mod replace;
mod sides;
mod split;
mod texts;
mod words;
mod work;

pub use augment::WordLists;
pub use privacy::{Found, find as find_private};

use crate::Tick;
use crate::table::{Batch, Table};
use anyhow::{Result, bail};
use glassworks_protocol::datasets::RowId;
use glassworks_protocol::datasets::transform::{Transform, TransformReport, TransformSpec};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::collections::HashSet;
use work::Work;

/// What changes need besides rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tools<'a> {
    /// What pseudonyms of this dataset are made with, the same in every run and known to nobody else.
    pub salt: &'a [u8],
    pub lists: WordLists<'a>,
}

/// Looks through rows and says what a change does to them; with [`TransformSpec::apply`] there is also the batch that
/// does it, to be committed by the caller. `tick` is told how many rows have been looked at; where rows are compared
/// before, each is looked at more than once.
///
/// # Errors
/// [`Failure`]s for what a person can mend: a wrong pattern, a column that isn't there, no labels to balance. When
/// rows cannot be read or written, or `tick` ends the work. A bug, when asked for rows that a model writes.
pub fn run(
    table: &Table,
    revision: u64,
    spec: &TransformSpec,
    tools: Tools<'_>,
    tick: Tick<'_>,
) -> Result<(TransformReport, Option<Batch>)> {
    let rows = rows(table, spec);
    let mut work = Work::new(table, revision, spec, &rows, tick);
    match &spec.transform {
        Transform::Replace(replace) => work.replace(replace)?,
        Transform::Clean(clean) => work.clean(clean)?,
        Transform::Privacy(privacy) => work.privacy(privacy, tools.salt)?,
        Transform::Split(split) => split::run(&mut work, split)?,
        Transform::Augment(augment) => augment::run(&mut work, augment, tools.lists)?,
        Transform::Balance(balance) => balance::run(&mut work, *balance)?,
        Transform::Write(_) => bail!("rows that a model writes are a job of the engine"),
    }
    Ok(work.done())
}

/// The rows that are asked about, in the table's order.
fn rows(table: &Table, spec: &TransformSpec) -> Vec<RowId> {
    let Some(asked) = &spec.rows else { return table.order().to_vec() };
    let asked: HashSet<RowId> = asked.iter().copied().collect();
    table.order().iter().copied().filter(|row| asked.contains(row)).collect()
}

/// No row has a column that was named.
fn no_column(column: &str) -> anyhow::Error {
    let summary = Text::new("data.no_column").arg("column", column);
    Failure::new(FailureKind::Missing, summary).hint(Text::new("data.no_column_hint")).into()
}

#[cfg(test)]
mod tests;
