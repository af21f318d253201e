//! Rows that are selected: one bit a row, since a million of them may be.

use glassworks_protocol::datasets::RowId;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    bits: Vec<u64>,
    n: usize,
}

impl Selection {
    #[must_use]
    pub fn len(&self) -> usize {
        self.n
    }

    #[must_use]
    pub fn contains(&self, row: RowId) -> bool {
        let (word, bit) = place(row);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    pub fn clear(&mut self) {
        self.bits.clear();
        self.n = 0;
    }

    pub fn insert(&mut self, row: RowId) {
        let (word, bit) = place(row);
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        self.n += usize::from(self.bits[word] & bit == 0);
        self.bits[word] |= bit;
    }

    pub fn remove(&mut self, row: RowId) {
        let (word, bit) = place(row);
        if let Some(bits) = self.bits.get_mut(word) {
            self.n -= usize::from(*bits & bit != 0);
            *bits &= !bit;
        }
    }

    pub fn toggle(&mut self, row: RowId) {
        if self.contains(row) { self.remove(row) } else { self.insert(row) }
    }

    /// These and no others.
    pub fn only(&mut self, rows: &[RowId]) {
        self.clear();
        rows.iter().for_each(|row| self.insert(*row));
    }

    /// Those of `rows` that are selected, in their order.
    #[must_use]
    pub fn of(&self, rows: &[RowId]) -> Vec<RowId> {
        rows.iter().copied().filter(|row| self.contains(*row)).collect()
    }

    /// Lets go of what is not among `rows`.
    pub fn keep(&mut self, rows: &[RowId]) {
        if self.n > 0 {
            let kept = self.of(rows);
            self.only(&kept);
        }
    }
}

fn place(row: RowId) -> (usize, u64) {
    (row.0 as usize / 64, 1 << (row.0 % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_selected_each_once() {
        let mut selection = Selection::default();
        let rows: Vec<RowId> = [70, 3, 1_000_000, 64].map(RowId).to_vec();
        selection.only(&rows);
        selection.insert(RowId(3));
        assert_eq!((selection.len(), selection.of(&rows)), (4, rows.clone()));
        selection.toggle(RowId(64));
        selection.remove(RowId(5_000_000));
        assert_eq!(selection.of(&rows), [70, 3, 1_000_000].map(RowId));
        selection.keep(&[RowId(3), RowId(4)]);
        assert_eq!((selection.len(), selection.contains(RowId(3))), (1, true));
        selection.clear();
        assert_eq!((selection.len(), selection.contains(RowId(3))), (0, false));
    }
}
