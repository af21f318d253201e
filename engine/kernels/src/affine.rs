//! The simplest of operations on whole matrices: a bias added and its gradient, a sum, a factor, and heads' queries,
//! keys and values taken out of rows that keep them together.

use crate::pool;

/// Values in one task.
const TASK: usize = 1 << 15;
/// Rows that are summed together before the sums are; a matter of shape alone.
const ROWS: usize = 64;

/// Adds `bias` \[N\] to every row of `y` \[M, N\].
///
/// # Panics
/// If `y` is not whole rows.
pub fn add_bias(y: &mut [f32], bias: &[f32]) {
    let width = bias.len();
    if width == 0 {
        return;
    }
    assert!(y.len().is_multiple_of(width), "rows of {width} in {}", y.len());
    pool::chunks_mut(y, (TASK / width).max(1) * width, |_, rows| {
        for row in rows.chunks_exact_mut(width) {
            row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
        }
    });
}

/// Adds the sum of the rows of `dy` \[M, N\] to `dbias` \[N\].
///
/// # Panics
/// If `dy` is not whole rows.
pub fn bias_backward(dy: &[f32], dbias: &mut [f32]) {
    let width = dbias.len();
    if width == 0 {
        return;
    }
    assert!(dy.len().is_multiple_of(width), "rows of {width} in {}", dy.len());
    // Columns in tasks; each sums blocks of rows, so that long columns lose no digits.
    pool::chunks_mut(dbias, 64, |i, dbias| {
        let from = i * 64;
        let mut total = [0.0f32; 64];
        for block in dy.chunks(ROWS * width) {
            let mut sums = [0.0f32; 64];
            for row in block.chunks_exact(width) {
                sums.iter_mut().zip(&row[from..from + dbias.len()]).for_each(|(s, d)| *s += d);
            }
            total.iter_mut().zip(sums).for_each(|(t, s)| *t += s);
        }
        dbias.iter_mut().zip(total).for_each(|(d, t)| *d += t);
    });
}

/// y += x
///
/// # Panics
/// If the lengths disagree.
pub fn add(y: &mut [f32], x: &[f32]) {
    assert_eq!(y.len(), x.len(), "x and y are of one length");
    pool::chunks_mut(y, TASK, |i, y| {
        y.iter_mut().zip(&x[i * TASK..]).for_each(|(y, x)| *y += x);
    });
}

/// x *= factor
pub fn scale(x: &mut [f32], factor: f32) {
    pool::chunks_mut(x, TASK, |_, x| x.iter_mut().for_each(|x| *x *= factor));
}

/// Parts of `rows` \[M, H, 3, E\], as GPT-NeoX makes queries, keys and values, each to `parts` \[M, H, E\].
///
/// # Panics
/// If the shapes disagree.
pub fn split_heads(rows: &[f32], head_width: usize, parts: [&mut [f32]; 3]) {
    for (i, part) in parts.into_iter().enumerate() {
        assert!(head_width > 0 && 3 * part.len() == rows.len(), "a third of all");
        let task = (TASK / head_width).max(1);
        pool::chunks_mut(part, task * head_width, |t, part| {
            let rows = rows[t * task * 3 * head_width..].chunks_exact(3 * head_width);
            for (to, from) in part.chunks_exact_mut(head_width).zip(rows) {
                to.copy_from_slice(&from[i * head_width..(i + 1) * head_width]);
            }
        });
    }
}

/// Back from [`split_heads`].
///
/// # Panics
/// If the shapes disagree.
pub fn join_heads(parts: [&[f32]; 3], head_width: usize, rows: &mut [f32]) {
    assert!(head_width > 0 && parts.iter().all(|part| 3 * part.len() == rows.len()), "a third of all");
    let task = (TASK / (3 * head_width)).max(1);
    pool::chunks_mut(rows, task * 3 * head_width, |t, rows| {
        for (head, to) in rows.chunks_exact_mut(3 * head_width).enumerate() {
            let from = (t * task + head) * head_width;
            for (part, to) in parts.iter().zip(to.chunks_exact_mut(head_width)) {
                to.copy_from_slice(&part[from..from + head_width]);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bias_goes_to_every_row_and_its_gradient_comes_from_all() {
        for (m, n) in [(0, 3), (1, 1), (3, 65), (130, 7), (700, 200)] {
            let bias: Vec<f32> = (0..n).map(|i| i as f32 - 2.5).collect();
            let mut y: Vec<f32> = (0..m * n).map(|i| (i % 13) as f32).collect();
            add_bias(&mut y, &bias);
            for (i, y) in y.iter().enumerate() {
                assert_eq!(*y, (i % 13) as f32 + bias[i % n]);
            }
            let mut dbias = vec![1.0; n];
            bias_backward(&y, &mut dbias);
            for (j, d) in dbias.iter().enumerate() {
                let sum: f64 = y.iter().skip(j).step_by(n).map(|y| f64::from(*y)).sum();
                assert!((f64::from(*d) - 1.0 - sum).abs() <= 1e-6 * (1.0 + sum.abs()), "{d} {sum}");
            }
        }
        add_bias(&mut [], &[]);
        bias_backward(&[], &mut []);
    }

    #[test]
    fn sums_and_factors_reach_every_value() {
        let mut y: Vec<f32> = (0..TASK + 5).map(|i| i as f32).collect();
        let x = y.clone();
        add(&mut y, &x);
        scale(&mut y, 0.25);
        assert!(y.iter().enumerate().all(|(i, y)| *y == i as f32 * 0.5));
    }

    #[test]
    fn heads_come_apart_and_together() {
        for (m, heads, width) in [(0, 1, 1), (2, 3, 4), (700, 5, 24), (3, 1, 7)] {
            let rows: Vec<f32> = (0..m * heads * 3 * width).map(|i| i as f32).collect();
            let mut parts: [Vec<f32>; 3] = std::array::from_fn(|_| vec![f32::NAN; m * heads * width]);
            split_heads(&rows, width, parts.each_mut().map(Vec::as_mut_slice));
            for (i, part) in parts.iter().enumerate() {
                for (at, value) in part.iter().enumerate() {
                    let (head, e) = (at / width, at % width);
                    assert_eq!(*value, ((head * 3 + i) * width + e) as f32);
                }
            }
            let mut again = vec![f32::NAN; rows.len()];
            join_heads(parts.each_ref().map(Vec::as_slice), width, &mut again);
            assert_eq!(again, rows);
        }
    }
}
