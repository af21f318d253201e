//! Two tables of one dataset held against each other, row by row.

use super::Table;
use crate::Tick;
use anyhow::Result;
use glassworks_protocol::datasets::RowId;
use glassworks_protocol::datasets::edit::{RowDiff, VersionDiff};

/// What is different from one version to another (`None`: the present), with the first `limit` rows that are.
///
/// # Errors
/// When rows cannot be read, or `tick` ends the work.
pub fn diff(
    (from, before): (u32, &Table),
    (to, after): (Option<u32>, &Table),
    limit: usize,
    tick: Tick<'_>,
) -> Result<VersionDiff> {
    let removed: Vec<RowId> = before.order().iter().copied().filter(|row| !after.contains(*row)).collect();
    let added: Vec<RowId> = after.order().iter().copied().filter(|row| !before.contains(*row)).collect();
    let both: Vec<RowId> = after.order().iter().copied().filter(|row| before.contains(*row)).collect();
    let (mut changed, mut old, mut new) = (Vec::new(), Vec::new(), Vec::new());
    for (n, row) in both.iter().enumerate() {
        if n % 256 == 0 {
            tick(n as u64)?;
        }
        // What lies in the same place of a segment is the same.
        let place = before.place(*row);
        if place.parts().is_some() && place == after.place(*row) {
            continue;
        }
        before.line(*row, &mut old)?;
        after.line(*row, &mut new)?;
        if old != new {
            changed.push(*row);
        }
    }
    let moved = moved(before, after, &both, &changed);
    let mut rows = Vec::new();
    for row in removed.iter().chain(&changed).chain(&added).take(limit) {
        let side = |table: &Table| if table.contains(*row) { table.row(*row).map(Some) } else { Ok(None) };
        rows.push(RowDiff { row: *row, before: side(before)?, after: side(after)? });
    }
    Ok(VersionDiff {
        from,
        to,
        n_added: added.len() as u64,
        n_removed: removed.len() as u64,
        n_changed: changed.len() as u64,
        n_moved: moved,
        rows,
    })
}

/// Rows that say the same on another side of the split, or stand elsewhere among those that are in both.
fn moved(before: &Table, after: &Table, both: &[RowId], changed: &[RowId]) -> u64 {
    let n_ids = both.iter().map(|row| row.0 as usize + 1).max().unwrap_or(0);
    let mut other = vec![false; n_ids];
    for row in both {
        other[row.0 as usize] = before.split(*row) != after.split(*row);
    }
    let mut stood = vec![0; n_ids];
    for (at, row) in before.order().iter().filter(|row| after.contains(**row)).enumerate() {
        stood[row.0 as usize] = at;
    }
    let places: Vec<usize> = both.iter().map(|row| stood[row.0 as usize]).collect();
    for at in out_of_order(&places) {
        other[both[at].0 as usize] = true;
    }
    for row in changed {
        other[row.0 as usize] = false;
    }
    other.iter().filter(|one| **one).count() as u64
}

/// The fewest places to leave out so that what stays rises.
fn out_of_order(places: &[usize]) -> Vec<usize> {
    if places.windows(2).all(|pair| pair[0] < pair[1]) {
        return Vec::new();
    }
    // The longest rising part: for each length the place where the smallest end stands, and what came before it.
    let (mut ends, mut before): (Vec<usize>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
    for (at, place) in places.iter().enumerate() {
        let n = ends.partition_point(|end| places[*end] < *place);
        before.push(n.checked_sub(1).map(|shorter| ends[shorter]));
        if n == ends.len() { ends.push(at) } else { ends[n] = at }
    }
    let mut rises = vec![false; places.len()];
    let mut last = ends.last().copied();
    while let Some(at) = last {
        rises[at] = true;
        last = before[at];
    }
    (0..places.len()).filter(|at| !rises[*at]).collect()
}

#[cfg(test)]
mod tests {
    use super::out_of_order;

    #[test]
    fn one_row_that_moves_is_one() {
        assert!(out_of_order(&[0, 1, 2, 3]).is_empty());
        assert_eq!(out_of_order(&[1, 2, 3, 0]), [3]);
        assert_eq!(out_of_order(&[3, 0, 1, 2]), [0]);
        assert_eq!(out_of_order(&[2, 1, 0]).len(), 2);
    }
}
