//! The exact product of f32 activations with quantised rows: never the whole matrix in f32.

use super::Packed;
use super::blocks::dequantise;
use super::dot::dot;
use super::wide::wide;
use anyhow::Result;
use rayon::prelude::*;

/// Up to this many rows of activations each weight row is dequantised into the cache and multiplied there.
pub(super) const MAX_FUSED: usize = 8;
/// Weights in one task of the pool.
const TASK_ELEMENTS: usize = 1 << 16;
/// Weights between two looks at whether to go on: a few milliseconds.
const TURN_ELEMENTS: usize = 1 << 24;

/// Few activations: reading the weights is what takes the time.
pub(super) fn fused(
    w: &Packed,
    x: &[f32],
    t: usize,
    out: &mut [f32],
    between: &dyn Fn() -> Result<()>,
) -> Result<()> {
    if t == 1 {
        return by_rows(w, x, 1, out, between);
    }
    // Each weight row's products lie together while tasks write them: [rows, t].
    let mut turned = vec![0.0; out.len()];
    by_rows(w, x, t, &mut turned, between)?;
    for (row, products) in turned.chunks_exact(t).enumerate() {
        for (i, product) in products.iter().enumerate() {
            out[i * w.rows() + row] = *product;
        }
    }
    Ok(())
}

/// `out` is `[rows, t]`.
fn by_rows(w: &Packed, x: &[f32], t: usize, out: &mut [f32], between: &dyn Fn() -> Result<()>) -> Result<()> {
    let (cols, row_bytes) = (w.cols(), w.row_bytes());
    let data = w.data();
    let task_rows = (TASK_ELEMENTS / cols).max(1);
    let turn_rows = (TURN_ELEMENTS / cols / t).max(task_rows);
    for (turn, out) in out.chunks_mut(turn_rows * t).enumerate() {
        between()?;
        let first_row = turn * turn_rows;
        out.par_chunks_mut(task_rows * t).enumerate().for_each_init(
            || vec![0.0; cols],
            |row, (task, out)| {
                let start = (first_row + task * task_rows) * row_bytes;
                let blocks = data[start..].chunks_exact(row_bytes);
                for (bytes, products) in blocks.zip(out.chunks_exact_mut(t)) {
                    dequantise(w.block_type(), bytes, row);
                    multiply(row, x, products);
                }
            },
        );
    }
    Ok(())
}

fn multiply(row: &[f32], x: &[f32], products: &mut [f32]) {
    wide(
        #[inline(always)]
        || {
            for (x, product) in x.chunks_exact(row.len()).zip(products) {
                *product = dot(x, row);
            }
        },
    );
}
