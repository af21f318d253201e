//! As many rows of each label, by copies or by leaving out, among those that are learned from.

use super::work::Work;
use crate::chance::Chance;
use anyhow::Result;
use glassworks_protocol::datasets::transform::{BalanceSpec, BalanceWay};
use glassworks_protocol::datasets::{Made, MadeHow, Role, RowId};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Keeps these draws apart from others of the same seed.
const BALANCING: u64 = 0x62_61_6c;

/// # Errors
/// When rows have no labels, cannot be read or written, or the tick ends the work.
pub fn run(work: &mut Work<'_>, spec: BalanceSpec) -> Result<()> {
    if work.table.mapping().column(Role::Label).is_none() {
        let failure = Failure::new(FailureKind::Input, Text::new("data.balance_needs_label"));
        return Err(failure.hint(Text::new("data.balance_needs_label_hint")).into());
    }
    let mut by_label: BTreeMap<u32, Vec<RowId>> = BTreeMap::new();
    for row in work.rows.iter().filter(|row| work.is_learned(**row)) {
        // Set 0 has no label.
        let label = work.table.facts(*row).map_or(0, |facts| facts.labels);
        if label != 0 {
            by_label.entry(label).or_default().push(*row);
        }
    }
    let sizes = || by_label.values().map(Vec::len);
    let (most, least) = (sizes().max().unwrap_or(0), sizes().min().unwrap_or(0));
    let mut copies: HashMap<RowId, usize> = HashMap::new();
    let mut gone: HashSet<RowId> = HashSet::new();
    for (place, mut rows) in by_label.into_values().enumerate() {
        Chance::new(&[BALANCING, spec.seed, place as u64]).shuffle(&mut rows);
        match spec.way {
            BalanceWay::Over => {
                let wanted = most - rows.len();
                rows.iter().cycle().take(wanted).for_each(|row| *copies.entry(*row).or_default() += 1);
            }
            BalanceWay::Under => gone.extend(&rows[least..]),
        }
    }
    let touched: Vec<RowId> =
        work.rows.iter().copied().filter(|row| copies.contains_key(row) || gone.contains(row)).collect();
    work.each(&touched, &mut |work, row, value| {
        if gone.contains(&row) {
            return work.remove(row, &value);
        }
        let made = Made { from: row, how: MadeHow::Oversampling };
        (0..copies.get(&row).copied().unwrap_or(0)).try_for_each(|_| work.add(&value, &value, made))
    })
}
