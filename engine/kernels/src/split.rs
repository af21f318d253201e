//! Work on rows or elements, cut into chunks of about the same cost and handed to the pool.
#![expect(unsafe_code, reason = "hands disjoint chunks of several outputs to one task")]

use crate::pool::{self, Shared};

/// Elements that are worth a task of their own.
const TASK_LEN: usize = 16 * 1024;

/// How many rows of `width` a task takes: a matter of shape alone.
pub(crate) fn rows_per_task(width: usize) -> usize {
    (TASK_LEN / width.max(1)).max(1)
}

/// Cuts each of `outs` into chunks, the k-th into chunks of `lens[k]`, and runs `task(i, the i-th of each)` on
/// the pool. All must make the same number of chunks; the last of each may be shorter.
pub(crate) fn chunks<const N: usize, T: Send>(
    outs: [&mut [T]; N],
    lens: [usize; N],
    task: impl Fn(usize, [&mut [T]; N]) + Sync,
) {
    let n_tasks = outs[0].len().div_ceil(lens[0].max(1));
    for (out, len) in outs.iter().zip(lens) {
        assert_eq!(out.len().div_ceil(len.max(1)), n_tasks, "outputs disagree on the number of chunks");
    }
    let totals = outs.each_ref().map(|out| out.len());
    let shared = outs.map(Shared::new);
    pool::for_each(n_tasks, |i| {
        task(
            i,
            std::array::from_fn(|k| {
                let start = i * lens[k];
                // SAFETY: chunk i is [i·len, (i + 1)·len) of its output, and of no other task.
                unsafe { shared[k].slice(start, lens[k].min(totals[k] - start)) }
            }),
        );
    });
}

/// As [`chunks`] for outputs of one length, element by element: chunk i begins at element `start`, which the
/// task is told.
pub(crate) fn elements<const N: usize, T: Send>(
    outs: [&mut [T]; N],
    task: impl Fn(usize, [&mut [T]; N]) + Sync,
) {
    chunks(outs, [TASK_LEN; N], |i, outs| task(i * TASK_LEN, outs));
}

/// A task for each row of `width` of `wide`, with the number that `each` has for it.
pub(crate) fn rows<T: Send, U: Send>(
    each: &mut [T],
    wide: &mut [U],
    width: usize,
    task: impl Fn(usize, &mut T, &mut [U]) + Sync,
) {
    assert_eq!(wide.len(), each.len() * width, "a row for each");
    let n = each.len();
    let (each, wide) = (Shared::new(each), Shared::new(wide));
    pool::for_each(n, |i| {
        // SAFETY: row i and its number, which are of no other task.
        let (one, row) = unsafe { (each.slice(i, 1), wide.slice(i * width, width)) };
        task(i, &mut one[0], row);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_of_different_widths_are_cut_at_the_same_rows() {
        let (mut a, mut b) = (vec![0; 7 * 3], vec![0; 7]);
        chunks([&mut a, &mut b], [6, 2], |i, [a, b]| {
            a.fill(i);
            b.fill(i);
        });
        for row in 0..7 {
            assert_eq!((a[row * 3], a[row * 3 + 2], b[row]), (row / 2, row / 2, row / 2));
        }
        let mut none: [usize; 0] = [];
        elements([&mut none[..]], |_, _| panic!("nothing to do"));
    }
}
