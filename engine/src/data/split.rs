//! Which rows are measured on and not learned from: by the seed alone, so that a run that goes on has the same ones.

use super::batches;

/// Takes a share of the rows or examples aside: training, validation. Of those that `may` be.
pub fn by_chance<T>(train: Vec<T>, may: impl Fn(&T) -> bool, share: f64, seed: u64) -> (Vec<T>, Vec<T>) {
    let n_rows = train.iter().filter(|one| may(one)).count();
    let Some(n) = held_out(n_rows, share) else { return (train, Vec::new()) };
    let mut left = n;
    taken(train, seed, |one| {
        let takes = left > 0 && may(one);
        left -= usize::from(takes);
        takes
    })
}

/// The same with each label's part of the rows on both sides. The last row of a label is learned from.
pub fn by_label<T>(
    train: Vec<T>,
    may: impl Fn(&T) -> bool,
    label: impl Fn(&T) -> u32,
    share: f64,
    seed: u64,
) -> (Vec<T>, Vec<T>) {
    let n_rows = train.iter().filter(|one| may(one)).count();
    let Some(n) = held_out(n_rows, share) else { return (train, Vec::new()) };
    let n_labels = train.iter().map(|one| label(one) as usize + 1).max().unwrap_or(0);
    let mut counts = vec![0; n_labels];
    train.iter().filter(|one| may(one)).for_each(|one| counts[label(one) as usize] += 1);
    let mut left = shares(&counts, n);
    if left.iter().all(|left| *left == 0) {
        // Not a label has two rows.
        return by_chance(train, may, share, seed);
    }
    taken(train, seed, |one| {
        let left = &mut left[label(one) as usize];
        let takes = *left > 0 && may(one);
        *left -= usize::from(takes);
        takes
    })
}

/// How many of so many rows are held out, if any.
fn held_out(n_rows: usize, share: f64) -> Option<usize> {
    if share <= 0.0 || n_rows < 2 {
        return None;
    }
    let n = (n_rows as f64 * share).round() as usize;
    Some(n.clamp(1, n_rows - 1))
}

/// Of `n` rows each label's part: whole ones first, then one more where most was cut off, the first of equals.
fn shares(counts: &[usize], n: usize) -> Vec<usize> {
    let total = counts.iter().sum::<usize>().max(1);
    let mut shares: Vec<usize> = counts.iter().map(|count| n * count / total).collect();
    let mut by_rest: Vec<usize> = (0..counts.len()).collect();
    by_rest.sort_by_key(|i| std::cmp::Reverse(n * counts[*i] % total));
    let mut missing = n - shares.iter().sum::<usize>();
    for i in by_rest {
        if missing > 0 && shares[i] + 1 < counts[i] {
            shares[i] += 1;
            missing -= 1;
        }
    }
    shares
}

/// Asks for each row, in an order that the seed makes, whether it is taken aside; both parts stay in the rows' order.
fn taken<T>(train: Vec<T>, seed: u64, mut takes: impl FnMut(&T) -> bool) -> (Vec<T>, Vec<T>) {
    let mut is_held_out = vec![false; train.len()];
    for i in batches::shuffled(train.len(), seed, batches::SPLIT) {
        is_held_out[i as usize] = takes(&train[i as usize]);
    }
    let (mut kept, mut held_out) = (Vec::new(), Vec::new());
    for (example, aside) in train.into_iter().zip(is_held_out) {
        if aside { held_out.push(example) } else { kept.push(example) }
    }
    (kept, held_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any<T>(_: &T) -> bool {
        true
    }

    #[test]
    fn a_split_is_the_seeds_and_nothing_is_in_both() {
        let rows = |n: usize| (0..n as u32).collect::<Vec<_>>();
        let (train, held_out) = by_chance(rows(50), any, 0.1, 3);
        assert_eq!((train.len(), held_out.len()), (45, 5));
        let mut all: Vec<u32> = train.iter().chain(&held_out).copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>());
        assert_eq!(by_chance(rows(50), any, 0.1, 3).1, held_out);
        assert_ne!(by_chance(rows(50), any, 0.1, 4).1, held_out);
        assert_eq!(by_chance(rows(2), any, 0.1, 3).1.len(), 1);
        assert_eq!(by_chance(rows(1), any, 0.1, 3).1.len(), 0);
    }

    /// The order of draws is what runs that were begun by earlier versions go on with.
    #[test]
    fn a_split_by_chance_is_what_it_always_was() {
        let (_, held_out) = by_chance((0..20).collect(), any, 0.25, 11);
        let mut first = batches::shuffled(20, 11, batches::SPLIT)[..5].to_vec();
        first.sort_unstable();
        assert_eq!(held_out, first);
    }

    #[test]
    fn each_label_has_its_part_on_both_sides() {
        // Sixty rows of one label, thirty of another, ten of a third, one of a fourth.
        let rows: Vec<(u32, u32)> = (0..101)
            .map(|i| match i {
                0..60 => (0, i),
                60..90 => (1, i),
                90..100 => (2, i),
                _ => (3, i),
            })
            .collect();
        let split = |share: f64, seed: u64| by_label(rows.clone(), any, |row| row.0, share, seed);
        let count = |rows: &[(u32, u32)]| (0..4).map(|l| rows.iter().filter(|r| r.0 == l).count()).collect();
        for seed in 0..20 {
            let (train, held_out) = split(0.2, seed);
            let counts: Vec<usize> = count(&held_out);
            assert_eq!(counts, [12, 6, 2, 0], "a fifth of each");
            assert_eq!(train.len() + held_out.len(), 101);
            assert!(train.is_sorted() && held_out.is_sorted(), "in the order of the file");
            assert!(train.iter().all(|row| !held_out.contains(row)));
            assert_eq!(split(0.2, seed).1, held_out);
        }
        assert_ne!(split(0.2, 3).1, split(0.2, 4).1);
        // What is left over goes where most was cut off: 5 of 101 are 2.97, 1.49, 0.50 and 0.05.
        let counts: Vec<usize> = count(&split(0.05, 1).1);
        assert_eq!(counts, [3, 1, 1, 0]);
        // The rarest label is not left out of training, even by half of everything.
        let counts: Vec<usize> = count(&split(0.5, 1).0);
        assert_eq!(counts[3], 1);
        let alone: Vec<(u32, u32)> = (0..10).map(|i| (i, i)).collect();
        assert_eq!(by_label(alone, any, |row| row.0, 0.2, 1).1.len(), 2, "no label has two rows");
    }

    #[test]
    fn what_may_not_be_held_out_is_not() {
        let odd = |row: &u32| !row.is_multiple_of(2);
        let (train, held_out) = by_chance((0..40).collect(), odd, 0.25, 3);
        assert_eq!((train.len(), held_out.len()), (35, 5), "a share of those that may be");
        assert!(held_out.iter().all(odd));
        let (_, held_out) = by_label((0..40).collect(), odd, |row| row % 5, 0.25, 3);
        assert!(held_out.len() == 5 && held_out.iter().all(odd));
    }
}
