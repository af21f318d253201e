//! Rows taken out of an order and put into it, many in one pass.

use glassworks_protocol::datasets::RowId;
use std::collections::HashSet;

/// Takes rows out; what went, with where it stood, first things first.
pub(super) fn take_out(order: &mut Vec<RowId>, rows: &[RowId]) -> Vec<(RowId, u32)> {
    if let [row] = rows {
        let Some(at) = order.iter().position(|one| one == row) else { return Vec::new() };
        order.remove(at);
        return vec![(*row, number(at))];
    }
    let rows: HashSet<RowId> = rows.iter().copied().collect();
    let (mut out, mut at) = (Vec::with_capacity(rows.len()), 0);
    order.retain(|row| {
        let goes = rows.contains(row);
        if goes {
            out.push((*row, number(at)));
        }
        at += 1;
        !goes
    });
    out
}

/// Puts rows in, each where it is to stand in the end; places rise. `None`: one is past the end.
pub(super) fn put_in(order: &mut Vec<RowId>, rows: &[(RowId, u32)]) -> Option<()> {
    let rises = rows.windows(2).all(|pair| pair[0].1 < pair[1].1);
    let fits = rows.iter().enumerate().all(|(n, (_, at))| *at as usize <= order.len() + n);
    if !rises || !fits {
        return None;
    }
    if let [(row, at)] = rows {
        order.insert(*at as usize, *row);
        return Some(());
    }
    let (old, n) = (std::mem::take(order), rows.len());
    order.reserve_exact(old.len() + n);
    let mut old = old.into_iter();
    for (row, at) in rows {
        let before = *at as usize - order.len();
        order.extend(old.by_ref().take(before));
        order.push(*row);
    }
    order.extend(old);
    Some(())
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_out_goes_back() {
        let all: Vec<RowId> = (0..9).map(RowId).collect();
        for rows in [vec![], vec![4], vec![8, 0], vec![1, 2, 3], (0..9).collect()] {
            let rows: Vec<RowId> = rows.into_iter().map(RowId).collect();
            let mut order = all.clone();
            let out = take_out(&mut order, &rows);
            assert_eq!(order.len(), 9 - rows.len());
            put_in(&mut order, &out).unwrap();
            assert_eq!(order, all);
        }
        assert_eq!(put_in(&mut all.clone(), &[(RowId(9), 10)]), None);
        assert_eq!(put_in(&mut all.clone(), &[(RowId(9), 3), (RowId(10), 3)]), None);
    }
}
