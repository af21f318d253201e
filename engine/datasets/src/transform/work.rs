//! A change under way: what it did is counted, shown by its first rows, and put into a batch if it is carried out.

use super::clean::Clean;
use super::no_column;
use super::privacy::Privacy;
use super::replace::Replace;
use crate::Tick;
use crate::findings::said::{Said, hash};
use crate::findings::{Kept, near};
use crate::steps::Pace;
use crate::table::check::Checker;
use crate::table::{At, Batch, Table};
use anyhow::Result;
use glassworks_protocol::datasets::overview::OverviewReport;
use glassworks_protocol::datasets::transform::{
    CleanSpec, PrivacyAction, PrivacyKind, PrivacySpec, ReplaceSpec, TransformReport, TransformSample,
    TransformSpec,
};
use glassworks_protocol::datasets::{Made, Row, RowFlags, RowId, Split};
use std::collections::HashSet;

/// Rows that are shown.
const MOST_SAMPLES: usize = 50;

pub struct Work<'a> {
    pub table: &'a Table,
    /// Those that are asked about.
    pub rows: &'a [RowId],
    pub tick: Tick<'a>,
    pub report: TransformReport,
    batch: Option<Batch>,
    /// Rows looked at in passes before this one.
    passed: u64,
}

impl<'a> Work<'a> {
    pub fn new(
        table: &'a Table,
        revision: u64,
        spec: &TransformSpec,
        rows: &'a [RowId],
        tick: Tick<'a>,
    ) -> Self {
        let report = TransformReport {
            dataset: spec.dataset,
            revision,
            applied: spec.apply,
            n_looked_at: rows.len() as u64,
            n_changed: 0,
            n_removed: 0,
            n_added: 0,
            n_moved: 0,
            n_same: 0,
            n_by_split: table.n_by_split(),
            n_by_kind: Vec::new(),
            samples: Vec::new(),
        };
        Self { table, rows, tick, report, batch: spec.apply.then(|| Batch::new(table)), passed: 0 }
    }

    pub fn done(self) -> (TransformReport, Option<Batch>) {
        (self.report, self.batch)
    }

    /// Hands out rows, read.
    ///
    /// # Errors
    /// When one cannot be read; those of `each` and of the tick.
    pub fn each(
        &mut self,
        rows: &[RowId],
        each: &mut dyn FnMut(&mut Self, RowId, Row) -> Result<()>,
    ) -> Result<()> {
        let (table, tick, passed) = (self.table, self.tick, self.passed);
        let (mut pace, mut n) = (Pace::new(tick), passed);
        table.for_each(rows, &|done| tick(passed + done), &mut |row, line| {
            n += 1;
            pace.passed(line.len(), n)?;
            each(self, row, crate::from_line(line)?)
        })?;
        self.passed += rows.len() as u64;
        Ok(())
    }

    fn sample(&mut self, row: RowId, before: &Row, after: Option<&Row>, added: bool, split: Option<Split>) {
        if self.report.samples.len() < MOST_SAMPLES {
            let (before, after) = (before.clone(), after.cloned());
            self.report.samples.push(TransformSample { row, before, after, added, split });
        }
    }

    /// A row says something else.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn change(&mut self, row: RowId, before: &Row, after: &Row) -> Result<()> {
        self.report.n_changed += 1;
        self.sample(row, before, Some(after), false, self.table.split(row));
        self.batch.as_mut().map_or(Ok(()), |batch| batch.set(row, &crate::to_line(after)?))
    }

    /// A row goes.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn remove(&mut self, row: RowId, before: &Row) -> Result<()> {
        let split = self.table.split(row);
        self.report.n_removed += 1;
        self.report.n_by_split[OverviewReport::place(split)] -= 1;
        self.sample(row, before, None, false, split);
        self.batch.as_mut().map_or(Ok(()), |batch| batch.remove(row))
    }

    /// A new row after the one it is made of, on its side.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn add(&mut self, before: &Row, after: &Row, made: Made) -> Result<()> {
        let split = self.table.split(made.from);
        self.report.n_added += 1;
        self.report.n_by_split[OverviewReport::place(split)] += 1;
        self.sample(made.from, before, Some(after), true, split);
        let Some(batch) = &mut self.batch else { return Ok(()) };
        batch.add(At::After(made.from), &crate::to_line(after)?, split, Some(made)).map(drop)
    }

    /// A row comes to another side.
    ///
    /// # Errors
    /// When it or its content is gone.
    pub fn shift(&mut self, row: RowId, to: Option<Split>) -> Result<()> {
        let from = self.table.split(row);
        self.report.n_moved += 1;
        self.report.n_by_split[OverviewReport::place(from)] -= 1;
        self.report.n_by_split[OverviewReport::place(to)] += 1;
        if self.report.samples.len() < MOST_SAMPLES {
            let before = self.table.row(row)?;
            self.sample(row, &before, Some(&before), false, to);
        }
        self.batch.as_mut().map_or(Ok(()), |batch| batch.split(row, to))
    }

    /// Whether another row can be made of this one: it isn't measured on.
    pub fn is_learned(&self, row: RowId) -> bool {
        matches!(self.table.split(row), None | Some(Split::Train))
    }

    pub fn replace(&mut self, spec: &ReplaceSpec) -> Result<()> {
        let replace = Replace::new(spec)?;
        let mut known = spec.column.is_none() || self.rows.is_empty();
        self.each(self.rows, &mut |work, row, before| {
            known = known || spec.column.as_ref().is_some_and(|column| before.contains_key(column));
            let mut after = before.clone();
            if replace.row(&mut after, work.table.mapping()) {
                work.change(row, &before, &after)
            } else {
                Ok(())
            }
        })?;
        if known { Ok(()) } else { Err(no_column(spec.column.as_deref().unwrap_or_default())) }
    }

    pub fn privacy(&mut self, spec: &PrivacySpec, salt: &[u8]) -> Result<()> {
        let mut privacy = Privacy::new(spec, salt);
        self.each(self.rows, &mut |work, row, before| {
            let mut after = before.clone();
            if !privacy.row(&mut after, work.table.mapping()) {
                return Ok(());
            }
            if spec.action == PrivacyAction::Drop {
                work.remove(row, &before)
            } else {
                work.change(row, &before, &after)
            }
        })?;
        let by_kind = PrivacyKind::ALL.into_iter().zip(privacy.n_found);
        self.report.n_by_kind = by_kind.filter(|(kind, _)| spec.kinds.contains(kind)).collect();
        Ok(())
    }

    pub fn clean(&mut self, spec: &CleanSpec) -> Result<()> {
        let clean = Clean::new(spec)?;
        let checker = Checker::new(self.table.mapping());
        let repeated = self.repeated(spec, &clean, &checker)?;
        self.each(self.rows, &mut |work, row, before| {
            let mut after = before.clone();
            let changed = clean.row(&mut after, work.table.mapping());
            if repeated.contains(&row) || judge(work.table, spec, &clean, &checker, &after)?.is_none() {
                work.remove(row, &before)
            } else if changed {
                work.change(row, &before, &after)
            } else {
                Ok(())
            }
        })
    }

    /// Rows that say, once they are clean, what one before them says, or nearly.
    fn repeated(&mut self, spec: &CleanSpec, clean: &Clean, checker: &Checker) -> Result<HashSet<RowId>> {
        let mut repeated = HashSet::new();
        if !spec.drop_duplicates && spec.drop_near_duplicates.is_none() {
            return Ok(repeated);
        }
        let (mut seen, mut kept) = (HashSet::new(), Kept::default());
        self.each(self.rows, &mut |work, row, mut one| {
            clean.row(&mut one, work.table.mapping());
            let Some((whole, said)) = judge(work.table, spec, clean, checker, &one)? else { return Ok(()) };
            let mark = (whole, hash(&said.input), hash(&said.target));
            if spec.drop_duplicates && !seen.insert(mark) {
                repeated.insert(row);
            } else if spec.drop_near_duplicates.is_some() {
                kept.push(row, &said.text);
            }
            Ok(())
        })?;
        if let Some(near) = spec.drop_near_duplicates {
            let (table, tick, passed) = (self.table, self.tick, self.passed);
            let again = |row: RowId| {
                let mut one = table.row(row)?;
                clean.row(&mut one, table.mapping());
                Ok(Said::of(&one, table.mapping()).text)
            };
            let mut text = |i: usize, into: &mut String| kept.at(i, into, &again);
            let groups = near::groups(kept.rows.len(), near, &mut text, &|done| tick(passed + done))?;
            repeated.extend(groups.iter().flat_map(|group| &group[1..]).map(|i| kept.rows[*i as usize]));
            self.passed += kept.rows.len() as u64;
        }
        Ok(repeated)
    }
}

/// What a clean row says, with the table's own hash of it; `None`: it goes.
fn judge(
    table: &Table,
    spec: &CleanSpec,
    clean: &Clean,
    checker: &Checker,
    row: &Row,
) -> Result<Option<(u64, Said)>> {
    let read = checker.read(&crate::to_line(row)?, &mut Vec::new());
    let goes = spec.drop_empty && read.flags.any(RowFlags::EMPTY)
        || spec.drop_without_target && read.flags.any(RowFlags::NO_TARGET)
        || spec.at_least.is_some_and(|least| read.n_chars < least)
        || spec.at_most.is_some_and(|most| read.n_chars > most);
    let said = Said::of(row, table.mapping());
    Ok((!goes && !clean.drops(&said)).then_some((read.hash, said)))
}
