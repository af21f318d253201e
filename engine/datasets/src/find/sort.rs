//! The orders of views. Rows that are the same in them stay as they stand in the table; rows that have nothing to be
//! ordered by come last, either way.

use super::{Context, no_measure, text};
use crate::Tick;
use crate::table::Table;
use crate::table::raw::{self, Raw};
use anyhow::Result;
use glassworks_protocol::datasets::{RowId, Sort, SortKey};
use std::cmp::Ordering;

/// Letters of a text that its place depends on.
const LETTERS: usize = 64;

/// Rows that are sorted between two ticks.
const STEP: usize = 1 << 15;

/// What a row goes by: numbers by value, then texts by their letters, whatever their case.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Number(f64),
    Text(Box<str>),
    None,
}

impl Key {
    fn text(text: &str) -> Self {
        Self::Text(text.chars().take(LETTERS).flat_map(char::to_lowercase).collect())
    }

    fn of(value: Raw<'_>) -> Self {
        if let Some(number) = value.number() {
            return Self::Number(number);
        }
        let mut first = None;
        text::any_text(value, &mut |text| {
            first = Some(text);
            true
        });
        first.map_or(Self::None, |inner| Self::text(&raw::read(inner)))
    }

    fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let turn = |order: Ordering| if descending { order.reverse() } else { order };
        match (self, other) {
            (Self::None, Self::None) => Ordering::Equal,
            (Self::None, _) => Ordering::Greater,
            (_, Self::None) => Ordering::Less,
            (Self::Number(a), Self::Number(b)) => turn(a.total_cmp(b)),
            (Self::Text(a), Self::Text(b)) => turn(a.cmp(b)),
            (Self::Number(_), Self::Text(_)) => turn(Ordering::Less),
            (Self::Text(_), Self::Number(_)) => turn(Ordering::Greater),
        }
    }
}

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
    let mut keyed = keys(table, &rows, &sort.by, context, tick)?;
    let n = rows.len() as u64;
    // In parts that grow, each of two that are sorted, so that it can be ended in between.
    let mut step = STEP;
    loop {
        for part in keyed.chunks_mut(step) {
            part.sort_by(|a, b| a.0.compare(&b.0, sort.descending));
            tick(n)?;
        }
        if step >= keyed.len() {
            return Ok(keyed.into_iter().map(|(_, row)| row).collect());
        }
        step *= 2;
    }
}

fn keys(
    table: &Table,
    rows: &[RowId],
    by: &SortKey,
    context: &Context<'_>,
    tick: Tick<'_>,
) -> Result<Vec<(Key, RowId)>> {
    let mut keys = Vec::with_capacity(rows.len());
    match by {
        SortKey::Column(column) => {
            let name = raw::escape(column);
            table.for_each(rows, tick, &mut |row, line| {
                let value = raw::fields(line).find(|(key, _)| *key == name);
                keys.push((value.map_or(Key::None, |(_, value)| Key::of(value)), row));
                Ok(())
            })?;
        }
        SortKey::Position => keys.extend(rows.iter().map(|row| (Key::None, *row))),
        SortKey::Characters => table.each_facts(rows, &mut |row, facts| {
            keys.push((Key::Number(f64::from(facts.n_chars)), row));
        }),
        SortKey::Tokens => {
            let measured = context.measure.ok_or_else(no_measure)?;
            let key = |row: RowId| {
                (measured.count)(row).map_or(Key::None, |count| Key::Number(f64::from(count.n_tokens)))
            };
            keys.extend(rows.iter().map(|row| (key(*row), *row)));
        }
        SortKey::Label => {
            let ranks = label_ranks(table);
            table.each_facts(rows, &mut |row, facts| {
                let rank = ranks.get(facts.labels as usize).copied().flatten();
                keys.push((rank.map_or(Key::None, |rank| Key::Number(f64::from(rank))), row));
            });
        }
        SortKey::Split => {
            let key =
                |row: RowId| table.split(row).map_or(Key::None, |split| Key::Number(f64::from(split as u8)));
            keys.extend(rows.iter().map(|row| (key(*row), *row)));
        }
    }
    Ok(keys)
}

/// The places of sets of labels: numbers by value, before words; those of several by their names in turn.
fn label_ranks(table: &Table) -> Vec<Option<u32>> {
    let sets = table.label_sets();
    let key = |name: &str| match name.parse::<f64>() {
        Ok(number) if number.is_finite() => Key::Number(number),
        _ => Key::text(name),
    };
    let mut keyed: Vec<(Vec<Key>, usize)> = Vec::new();
    for set in 1..sets.n_sets() {
        let mut names = sets.names(u32::try_from(set).unwrap_or_default());
        names.sort_unstable();
        keyed.push((names.into_iter().map(key).collect(), set));
    }
    let compare = |a: &[Key], b: &[Key]| {
        let first = a.iter().zip(b).map(|(a, b)| a.compare(b, false)).find(|order| order.is_ne());
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
