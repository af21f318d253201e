//! Long work that can be ended in between: when to ask whether to go on, by how much was looked at and not by the
//! clock, and sorting in steps.

use crate::Tick;
use anyhow::Result;

/// Bytes looked at between two ticks, but for a row that is longer.
pub(crate) const STEP_BYTES: usize = 64 << 10;

/// What a row costs at least, in bytes.
const ROW_BYTES: usize = 1 << 10;

/// Items sorted, or put together, between two ticks.
pub(crate) const STEP: usize = 1 << 15;

/// Asks whether to go on every so many bytes, or every 64 rows where those are short.
pub(crate) struct Pace<'a> {
    tick: Tick<'a>,
    since: usize,
}

impl<'a> Pace<'a> {
    pub(crate) fn new(tick: Tick<'a>) -> Self {
        Self { tick, since: 0 }
    }

    /// A row, or a part of one, of so many bytes was looked at; `done` is what the tick is told.
    ///
    /// # Errors
    /// The tick's.
    pub(crate) fn passed(&mut self, n_bytes: usize, done: u64) -> Result<()> {
        self.since += n_bytes + ROW_BYTES;
        if self.since < STEP_BYTES {
            return Ok(());
        }
        self.since = 0;
        (self.tick)(done)
    }
}

/// Told how many items were dealt with; its error ends the work.
pub(crate) type Passed<'a> = &'a mut dyn FnMut(usize) -> Result<()>;

/// Counts items and asks every [`STEP`] of them; the tick is told `done`.
pub(crate) fn by_items(tick: Tick<'_>, done: u64) -> impl FnMut(usize) -> Result<()> {
    let mut since = 0;
    move |n| {
        since += n;
        if since < STEP {
            return Ok(());
        }
        since = 0;
        tick(done)
    }
}

/// Sorts items of which no two are the same, by merging runs: `passed` is told of at most [`STEP`] items at a time.
/// `spare` is room to work in, kept between calls.
///
/// # Errors
/// Those of `passed`; the items are in no order then.
pub(crate) fn sort<T: Ord + Copy>(items: &mut [T], spare: &mut Vec<T>, passed: Passed<'_>) -> Result<()> {
    for run in items.chunks_mut(STEP) {
        run.sort_unstable();
        passed(run.len())?;
    }
    let mut width = STEP;
    while width < items.len() {
        spare.clear();
        spare.reserve(items.len());
        for pair in items.chunks(2 * width) {
            let (first, second) = pair.split_at(width.min(pair.len()));
            merge(first, second, spare, passed)?;
        }
        for (to, from) in items.chunks_mut(STEP).zip(spare.chunks(STEP)) {
            to.copy_from_slice(from);
            passed(from.len())?;
        }
        width *= 2;
    }
    Ok(())
}

/// Those of two and more that have the same mark, by their first ones, each in order. Places count from 0.
///
/// # Errors
/// Those of `passed`, which is told of at most [`STEP`] items at a time.
pub(crate) fn groups<M: Ord + Copy>(
    marks: impl Iterator<Item = Option<M>>,
    passed: Passed<'_>,
) -> Result<Vec<Vec<u32>>> {
    let mut all: Vec<(M, u32)> = marks.zip(0..).filter_map(|(mark, at)| Some((mark?, at))).collect();
    sort(&mut all, &mut Vec::new(), passed)?;
    let mut groups: Vec<Vec<u32>> = Vec::new();
    for same in all.chunk_by(|a, b| a.0 == b.0) {
        if same.len() > 1 {
            groups.push(same.iter().map(|(_, at)| *at).collect());
        }
        passed(same.len())?;
    }
    groups.sort_unstable_by_key(|group| group[0]);
    Ok(groups)
}

fn merge<T: Ord + Copy>(mut a: &[T], mut b: &[T], into: &mut Vec<T>, passed: Passed<'_>) -> Result<()> {
    while !a.is_empty() && !b.is_empty() {
        // So many can be taken without looking whether one of the two is at its end.
        let n = a.len().min(b.len()).min(STEP);
        let (mut i, mut j) = (0, 0);
        for _ in 0..n {
            let first = a[i] <= b[j];
            into.push(if first { a[i] } else { b[j] });
            i += usize::from(first);
            j += usize::from(!first);
        }
        (a, b) = (&a[i..], &b[j..]);
        passed(n)?;
    }
    for rest in [a, b].into_iter().flat_map(|rest| rest.chunks(STEP)) {
        into.extend_from_slice(rest);
        passed(rest.len())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::mix;
    use std::cell::Cell;
    use std::cmp::Ordering;

    /// Counts how often it is compared.
    #[derive(Clone, Copy)]
    struct Counted<'a>(u64, &'a Cell<usize>);

    impl PartialEq for Counted<'_> {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other).is_eq()
        }
    }

    impl Eq for Counted<'_> {}

    impl PartialOrd for Counted<'_> {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    impl Ord for Counted<'_> {
        fn cmp(&self, other: &Self) -> Ordering {
            self.1.set(self.1.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    fn check(n: usize, key: impl Fn(u64) -> u64) {
        let compared = Cell::new(0);
        let mut items: Vec<Counted<'_>> =
            (0..n as u64).map(|i| Counted(key(i) << 20 | i, &compared)).collect();
        let mut expected: Vec<u64> = items.iter().map(|item| item.0).collect();
        expected.sort_unstable();
        let (most, told) = (Cell::new(0), Cell::new(0));
        let tick = |_| {
            most.set(most.get().max(compared.take()));
            told.set(told.get() + 1);
            Ok(())
        };
        sort(&mut items, &mut Vec::new(), &mut by_items(&tick, 0)).unwrap();
        assert_eq!(items.iter().map(|item| item.0).collect::<Vec<_>>(), expected);
        // Some two comparisons for each doubling of a run of STEP items.
        let bound = STEP * 2 * STEP.ilog2() as usize;
        assert!(most.get() <= bound, "{} comparisons without asking", most.get());
        assert!(told.get() >= n / STEP, "asked {} times", told.get());
    }

    #[test]
    fn sorting_asks_whether_to_go_on_every_so_many_comparisons() {
        check(0, |i| i);
        check(1, |i| i);
        check(STEP, mix_of);
        check(STEP + 1, mix_of);
        check(7 * STEP + 11, mix_of);
        check(5 * STEP, |i| i);
        check(5 * STEP, |i| i & 1);
        check(4 * STEP + 1, |_| 7);
    }

    fn mix_of(i: u64) -> u64 {
        mix(i) >> 24
    }

    #[test]
    fn sorting_ends_when_told() {
        for after in 0..12 {
            let mut items: Vec<u32> = (0..4 * STEP as u32).rev().collect();
            let told = Cell::new(0);
            let tick = |_| {
                told.set(told.get() + 1);
                if told.get() > after { anyhow::bail!("enough") } else { Ok(()) }
            };
            assert!(sort(&mut items, &mut Vec::new(), &mut by_items(&tick, 0)).is_err());
            assert_eq!(told.get(), after + 1);
        }
    }

    #[test]
    fn rows_are_asked_after_by_bytes_and_by_number() {
        for n_bytes in [0, 1, 100, 1_000, 10_000, STEP_BYTES, 10 * STEP_BYTES] {
            let (asked, since) = (Cell::new(0), Cell::new((0, 0)));
            let tick = |_| {
                let (rows, bytes) = since.take();
                assert!(rows <= 64 && bytes <= STEP_BYTES + n_bytes, "{rows} rows, {bytes} bytes");
                asked.set(asked.get() + 1);
                Ok(())
            };
            let mut pace = Pace::new(&tick);
            for done in 0..1_000 {
                let (rows, bytes) = since.get();
                since.set((rows + 1, bytes + n_bytes));
                pace.passed(n_bytes, done).unwrap();
            }
            assert!(asked.get() >= 1_000 / 64);
        }
    }
}
