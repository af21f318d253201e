//! Which rows are computed together, and in which order: a function of seed and epoch alone, so that a run can go
//! on where it stopped.

use glassworks_kernels::dropout::mix;
use glassworks_protocol::train::BatchSpec;

/// So many steps' rows are sorted by length together, at most.
const MOST_STEPS_SORTED: usize = 50;
/// Streams of numbers that a seed makes; epochs count from 0.
pub const SPLIT: u64 = u64::MAX;

/// Draws that don't depend on any library's version: splitmix64 on a key and a counter.
pub fn draw(seed: u64, stream: u64, i: u64) -> u64 {
    let key = mix(mix(seed) ^ stream.wrapping_mul(0xD134_2543_DE82_EF95));
    mix(key.wrapping_add(i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// 0 … n−1 in an order that the seed makes (Fisher & Yates).
#[must_use]
pub fn shuffled(n: usize, seed: u64, stream: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n as u32).collect();
    for i in (1..n).rev() {
        // The upper half of a product is even enough for any number of rows.
        let j = (u128::from(draw(seed, stream, i as u64)) * (i as u128 + 1)) >> 64;
        order.swap(i, j as usize);
    }
    order
}

/// The batches of an epoch, by row; in the first epoch the one with the most tokens leads, so that memory runs out
/// at once or never.
#[must_use]
pub fn of_epoch(
    lengths: &[usize],
    spec: &BatchSpec,
    max_length: usize,
    seed: u64,
    epoch: u64,
) -> Vec<Vec<u32>> {
    let mut order = shuffled(lengths.len(), seed, epoch);
    let n = spec.sequences.max(1) as usize;
    if spec.group_by_length {
        group(&mut order, lengths, n * spec.accumulation.max(1) as usize);
    }
    let mut batches: Vec<Vec<u32>> = if spec.packing {
        packed(&order, lengths, n * max_length.max(1))
    } else {
        order.chunks(n).map(<[u32]>::to_vec).collect()
    };
    if epoch == 0 {
        let tokens = |batch: &[u32]| batch.iter().map(|row| lengths[*row as usize]).sum::<usize>();
        // The first of the longest, so that the order is one for all.
        let mut longest = 0;
        for (i, batch) in batches.iter().enumerate() {
            if tokens(batch) > tokens(&batches[longest]) {
                longest = i;
            }
        }
        if !batches.is_empty() {
            batches.swap(0, longest);
        }
    }
    batches
}

/// Brings rows of similar length together, the order of the groups left to chance: the definition of transformers'
/// `get_length_grouped_indices`, for steps of `n` rows. The longest row of all comes first.
fn group(order: &mut [u32], lengths: &[usize], n: usize) {
    let length = |row: &u32| lengths[*row as usize];
    let times = (order.len() / (n * 4)).clamp(1, MOST_STEPS_SORTED);
    let mut longest = 0;
    for some in order.chunks_mut(times * n) {
        // Rows of one length keep their order.
        some.sort_by_key(|row| std::cmp::Reverse(length(row)));
    }
    for first in (0..order.len()).step_by(times * n) {
        if length(&order[first]) > length(&order[longest]) {
            longest = first;
        }
    }
    if !order.is_empty() {
        order.swap(0, longest);
    }
}

/// Rows in order, as many to a batch as fit.
fn packed(order: &[u32], lengths: &[usize], most: usize) -> Vec<Vec<u32>> {
    let mut batches: Vec<Vec<u32>> = Vec::new();
    let mut room = 0;
    for row in order {
        let length = lengths[*row as usize];
        match batches.last_mut().filter(|_| length <= room) {
            Some(batch) => {
                batch.push(*row);
                room -= length;
            }
            None => {
                batches.push(vec![*row]);
                room = most.saturating_sub(length);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(spec: BatchSpec, max_length: usize) {
        let lengths: Vec<usize> = (0..101).map(|i| 1 + (i * 37) % 64).collect();
        let tokens = |batch: &Vec<u32>| batch.iter().map(|row| lengths[*row as usize]).sum::<usize>();
        for epoch in 0..3 {
            let batches = of_epoch(&lengths, &spec, max_length, 5, epoch);
            let mut rows: Vec<u32> = batches.iter().flatten().copied().collect();
            rows.sort_unstable();
            assert_eq!(rows, (0..101).collect::<Vec<_>>(), "every row once");
            assert_eq!(batches, of_epoch(&lengths, &spec, max_length, 5, epoch));
            if epoch == 0 {
                assert!(batches.iter().all(|batch| tokens(batch) <= tokens(&batches[0])));
            }
            if spec.packing {
                assert!(batches.iter().all(|batch| tokens(batch) <= spec.sequences as usize * max_length));
            }
        }
        let order = |epoch| of_epoch(&lengths, &spec, max_length, 5, epoch);
        assert_ne!(order(1), order(2));
    }

    #[test]
    fn an_epoch_has_every_row_once_and_the_longest_batch_first() {
        let plain = BatchSpec { sequences: 4, packing: false, ..BatchSpec::default() };
        check(plain, 64);
        check(BatchSpec { packing: true, ..plain }, 64);
        let lengths = vec![10; 64];
        assert_eq!(of_epoch(&lengths, &plain, 64, 1, 0).len(), 16);
        assert_eq!(of_epoch(&lengths, &BatchSpec { packing: true, ..plain }, 64, 1, 0).len(), 3);
    }

    #[test]
    fn rows_of_similar_length_come_together() {
        // From transformers 4.57: get_length_grouped_indices(lengths, 3) with `torch.randperm` giving `order`.
        let lengths: Vec<usize> = (0..29).map(|i| 1 + (i * 37) % 23).collect();
        let mut order: Vec<u32> = (0..29).map(|i| (i * 11 + 5) % 29).collect();
        let expected = [
            18, 9, 27, 2, 20, 5, 13, 6, 24, 17, 10, 28, 16, 3, 21, 14, 7, 25, 26, 11, 4, 22, 15, 0, 8, 1, 19,
            12, 23,
        ];
        group(&mut order, &lengths, 3);
        assert_eq!(order, expected);
        let spec = BatchSpec { sequences: 4, accumulation: 2, group_by_length: true, ..BatchSpec::default() };
        check(spec, 64);
        check(BatchSpec { packing: true, ..spec }, 64);
        group(&mut [], &[], 3);
    }

    #[test]
    fn orders_are_even() {
        let mut counts = [[0u32; 5]; 5];
        for seed in 0..5000 {
            for (place, row) in shuffled(5, seed, 0).into_iter().enumerate() {
                counts[place][row as usize] += 1;
            }
        }
        assert!(counts.iter().flatten().all(|n| (850..1150).contains(n)), "{counts:?}");
    }
}
