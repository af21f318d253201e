//! What an edit is made of: each step knows how to happen, and what would undo it.

use anyhow::Result;
use glassworks_datasets::table::{Change, Table};
use glassworks_protocol::datasets::{DatasetRecord, Mapping};
use serde::{Deserialize, Serialize};

/// Stored as JSON in the edit log, so variants are only ever added.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Rows(Change),
    Name(String),
    Mapping(Mapping),
    Notes(String),
    /// Unreadable lines that are done with, or are not any more.
    BadDone {
        bad: u64,
        done: bool,
    },
}

/// All steps of one edit, in their order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Steps(pub Vec<Step>);

impl Steps {
    /// Does them all; returns what takes them back.
    ///
    /// # Errors
    /// When a step makes no sense where the table is; then the table is half changed and to be thrown away.
    pub fn apply(&self, table: &mut Table, record: &mut DatasetRecord) -> Result<Self> {
        let mut inverse = Vec::with_capacity(self.0.len());
        for step in &self.0 {
            inverse.push(match step {
                Step::Rows(change) => Step::Rows(table.apply(change, &|_| Ok(()))?),
                Step::Name(name) => Step::Name(std::mem::replace(&mut record.name, name.clone())),
                Step::Notes(notes) => Step::Notes(std::mem::replace(&mut record.notes, notes.clone())),
                Step::Mapping(mapping) => {
                    let old = std::mem::replace(&mut record.mapping, mapping.clone());
                    *table = table.with_mapping(mapping, &|_| Ok(()))?;
                    Step::Mapping(old)
                }
                Step::BadDone { bad, done } => {
                    record.n_bad = if *done { record.n_bad.saturating_sub(1) } else { record.n_bad + 1 };
                    Step::BadDone { bad: *bad, done: !done }
                }
            });
        }
        inverse.reverse();
        Ok(Self(inverse))
    }

    /// Does them all, where what takes them back is known already.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn take(&self, table: &mut Table, record: &mut DatasetRecord) -> Result<()> {
        for step in &self.0 {
            match step {
                Step::Rows(change) => table.take(change, &|_| Ok(()))?,
                step => {
                    Self(vec![step.clone()]).apply(table, record)?;
                }
            }
        }
        Ok(())
    }

    /// Does again what happened to rows.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn take_rows(&self, table: &mut Table) -> Result<()> {
        for step in &self.0 {
            if let Step::Rows(change) = step {
                table.take(change, &|_| Ok(()))?;
            }
        }
        Ok(())
    }

    /// Unreadable lines whose end this changes.
    #[must_use]
    pub fn bad_done(&self) -> Vec<(u64, bool)> {
        let done = |step: &Step| match step {
            Step::BadDone { bad, done } => Some((*bad, *done)),
            _ => None,
        };
        self.0.iter().filter_map(done).collect()
    }

    /// Whether rows are other ones afterwards, or are read in another way.
    #[must_use]
    pub fn touches_rows(&self) -> bool {
        self.0.iter().any(|step| matches!(step, Step::Rows(_) | Step::Mapping(_)))
    }
}
