//! Filters that need no row to be read.

use super::{Context, Measured, no_measure, no_overview};
use crate::Tick;
use crate::table::{Facts, Table};
use anyhow::Result;
use glassworks_protocol::datasets::overview::OverviewReport;
use glassworks_protocol::datasets::view::LengthUnit;
use glassworks_protocol::datasets::{Filter, RowFlags, RowId};
use std::ops::RangeInclusive;

/// Rows between two ticks.
const STEP: usize = 1 << 16;

/// Ids, one bit each.
struct Ids(Vec<u64>);

impl Ids {
    fn new(table: &Table, rows: impl IntoIterator<Item = RowId>) -> Self {
        let mut ids = Self(vec![0; table.next_id() as usize / 64 + 1]);
        for row in rows {
            if let Some(word) = ids.0.get_mut(row.0 as usize / 64) {
                *word |= 1 << (row.0 % 64);
            }
        }
        ids
    }

    fn has(&self, row: RowId) -> bool {
        self.0.get(row.0 as usize / 64).is_some_and(|word| word & 1 << (row.0 % 64) != 0)
    }
}

/// A filter made ready for a table.
enum Known<'a> {
    Characters(RangeInclusive<u32>),
    Tokens(RangeInclusive<u32>, Measured<'a>),
    /// Whether each set of labels passes.
    Labels(Vec<bool>),
    /// Train, validation, test, none.
    Splits([bool; 4]),
    Flags(RowFlags),
    HasProblem,
    Ids(Ids),
    Cut(Measured<'a>),
    NoTarget(Measured<'a>),
}

impl<'a> Known<'a> {
    fn new(table: &Table, filter: &Filter, context: &Context<'a>, tick: Tick<'_>) -> Result<Self> {
        let measured = || context.measure.ok_or_else(no_measure);
        Ok(match filter {
            Filter::Length { unit, at_least, at_most } => {
                let range = at_least.unwrap_or(0)..=at_most.unwrap_or(u32::MAX);
                match unit {
                    LengthUnit::Characters => Self::Characters(range),
                    LengthUnit::Tokens => Self::Tokens(range, measured()?),
                }
            }
            Filter::Labels(labels) => Self::labels(table, labels),
            Filter::Splits(splits) => {
                let mut passes = [false; 4];
                splits.iter().for_each(|split| passes[OverviewReport::place(*split)] = true);
                Self::Splits(passes)
            }
            Filter::Empty => Self::Flags(RowFlags::EMPTY),
            Filter::Unlabelled => Self::Flags(RowFlags::UNLABELLED),
            Filter::Made => Self::Flags(RowFlags::MADE),
            Filter::HasProblem => Self::HasProblem,
            Filter::Duplicate => Self::Ids(Ids::new(table, table.duplicates(tick)?.into_iter().flatten())),
            Filter::Finding(kind) => {
                let findings = context.findings.ok_or_else(no_overview)?;
                let rows = findings.iter().filter(|finding| finding.kind == *kind);
                Self::Ids(Ids::new(table, rows.flat_map(|finding| finding.rows.iter().copied())))
            }
            Filter::Cut => Self::Cut(measured()?),
            Filter::NoTarget => Self::NoTarget(measured()?),
            Filter::Rows(rows) => Self::Ids(Ids::new(table, rows.iter().copied())),
            Filter::Contains { .. } | Filter::Regex { .. } | Filter::Not(_) => {
                anyhow::bail!("{filter:?} needs rows to be read")
            }
        })
    }

    fn labels(table: &Table, labels: &[Option<String>]) -> Self {
        let sets = table.label_sets();
        let ids: Vec<u32> = labels.iter().flatten().filter_map(|label| sets.id(label)).collect();
        let mut passes: Vec<bool> = (0..sets.n_sets())
            .map(|set| {
                let set = u32::try_from(set).unwrap_or_default();
                sets.ids(set).iter().any(|id| ids.contains(id))
            })
            .collect();
        passes[0] = labels.contains(&None);
        Self::Labels(passes)
    }

    fn passes(&self, table: &Table, row: RowId, facts: Facts) -> bool {
        let count = |measured: &Measured<'_>| (measured.count)(row);
        match self {
            Self::Characters(range) => range.contains(&facts.n_chars),
            Self::Tokens(range, by) => count(by).is_some_and(|count| range.contains(&count.n_tokens)),
            Self::Labels(passes) => passes.get(facts.labels as usize).copied().unwrap_or(false),
            Self::Splits(passes) => passes[OverviewReport::place(table.split(row))],
            Self::Flags(flags) => facts.flags.any(*flags),
            Self::HasProblem => facts.flags.has_problem(),
            Self::Ids(ids) => ids.has(row),
            Self::Cut(by) => {
                let longest = by.max_length.unwrap_or(u32::MAX);
                count(by).is_some_and(|count| count.n_tokens > longest)
            }
            Self::NoTarget(by) => count(by).is_some_and(|count| count.n_kept_targets == 0),
        }
    }
}

/// The rows that pass, or do not pass where that is asked for, in the table's order.
pub(super) fn rows(
    table: &Table,
    filters: &[(&Filter, bool)],
    context: &Context<'_>,
    tick: Tick<'_>,
) -> Result<Vec<RowId>> {
    if filters.is_empty() {
        return Ok(table.order().to_vec());
    }
    let filters: Result<Vec<(Known<'_>, bool)>> = filters
        .iter()
        .map(|(filter, passes)| Ok((Known::new(table, filter, context, tick)?, *passes)))
        .collect();
    let (filters, mut rows) = (filters?, Vec::new());
    for (n, part) in table.order().chunks(STEP).enumerate() {
        tick((n * STEP) as u64)?;
        table.each_facts(part, &mut |row, facts| {
            if filters.iter().all(|(filter, passes)| filter.passes(table, row, facts) == *passes) {
                rows.push(row);
            }
        });
    }
    Ok(rows)
}
