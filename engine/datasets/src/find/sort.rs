//! The orders of views. Rows that are the same in them stay as they stand in the table; rows that have nothing to be
//! ordered by come last, either way.

use super::keys::{Keys, LETTERS};
use super::{Context, no_measure, text};
use crate::Tick;
use crate::steps::Pace;
use crate::table::raw::{self, Raw};
use crate::table::{Facts, Table};
use anyhow::Result;
use glassworks_protocol::datasets::{RowId, Sort, SortKey};
use std::cmp::Ordering;

/// Rows whose keys are looked up between two ticks.
const STEP: usize = 1 << 15;

/// Rows, which stand in the table's order, in another one.
pub(super) fn sorted(
    table: &Table,
    mut rows: Vec<RowId>,
    sort: &Sort,
    context: &Context<'_>,
    tick: Tick<'_>,
) -> Result<Vec<RowId>> {
    if sort.by == SortKey::Position {
        if sort.descending {
            rows.reverse();
        }
        return Ok(rows);
    }
    let mut keys = Keys::new(sort.descending);
    look_up(table, &rows, &sort.by, context, &mut keys, tick)?;
    Ok(keys.places(tick)?.into_iter().map(|at| rows[at as usize]).collect())
}

/// Tells the keys of rows, in their order.
fn look_up(
    table: &Table,
    rows: &[RowId],
    by: &SortKey,
    context: &Context<'_>,
    keys: &mut Keys,
    tick: Tick<'_>,
) -> Result<()> {
    if let SortKey::Column(column) = by {
        return columns(table, rows, column, keys, tick);
    }
    let measured = if *by == SortKey::Tokens { Some(context.measure.ok_or_else(no_measure)?) } else { None };
    let ranks = if *by == SortKey::Label { label_ranks(table) } else { Vec::new() };
    let number = |row: RowId, facts: Facts| match by {
        SortKey::Characters => Some(facts.n_chars),
        SortKey::Label => ranks.get(facts.labels as usize).copied().flatten(),
        SortKey::Split => table.split(row).map(|split| split as u32),
        SortKey::Tokens => measured.and_then(|measured| Some((measured.count)(row)?.n_tokens)),
        SortKey::Column(_) | SortKey::Position => None,
    };
    for (n, part) in rows.chunks(STEP).enumerate() {
        tick((n * STEP) as u64)?;
        table.each_facts(part, &mut |row, facts| match number(row, facts) {
            Some(number) => keys.number(f64::from(number)),
            None => keys.none(),
        });
    }
    Ok(())
}

/// The keys that lines have in a column.
fn columns(table: &Table, rows: &[RowId], column: &str, keys: &mut Keys, tick: Tick<'_>) -> Result<()> {
    let name = raw::escape(column);
    let (mut pace, mut done) = (Pace::new(tick), 0);
    table.for_each(rows, tick, &mut |_, line| {
        match raw::fields(line).find(|(key, _)| *key == name) {
            Some((_, value)) => key(value, keys),
            None => keys.none(),
        }
        done += 1;
        pace.passed(line.len(), done)
    })
}

fn key(value: Raw<'_>, keys: &mut Keys) {
    if let Some(number) = value.number() {
        return keys.number(number);
    }
    let mut first = None;
    text::any_text(value, &mut |text| {
        first = Some(text);
        true
    });
    match first {
        Some(inner) => keys.text(inner),
        None => keys.none(),
    }
}

/// A label's name: numbers by value, then texts by their letters, whatever their case.
#[derive(Clone, Debug, PartialEq)]
enum Name {
    Number(f64),
    Text(String),
}

impl Name {
    fn of(name: &str) -> Self {
        match name.parse::<f64>() {
            Ok(number) if number.is_finite() => Self::Number(number),
            _ => Self::Text(name.chars().take(LETTERS).flat_map(char::to_lowercase).collect()),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

/// The places of sets of labels: numbers by value, before words; those of several by their names in turn.
fn label_ranks(table: &Table) -> Vec<Option<u32>> {
    let sets = table.label_sets();
    let mut keyed: Vec<(Vec<Name>, usize)> = Vec::new();
    for set in 1..sets.n_sets() {
        let mut names = sets.names(u32::try_from(set).unwrap_or_default());
        names.sort_unstable();
        keyed.push((names.into_iter().map(Name::of).collect(), set));
    }
    let compare = |a: &[Name], b: &[Name]| {
        let first = a.iter().zip(b).map(|(a, b)| a.compare(b)).find(|order| order.is_ne());
        first.unwrap_or_else(|| a.len().cmp(&b.len()))
    };
    keyed.sort_by(|a, b| compare(&a.0, &b.0));
    let mut ranks = vec![None; sets.n_sets()];
    let mut rank = 0;
    for at in 0..keyed.len() {
        if at > 0 && compare(&keyed[at - 1].0, &keyed[at].0).is_ne() {
            rank += 1;
        }
        ranks[keyed[at].1] = Some(rank);
    }
    ranks
}
