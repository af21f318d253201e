//! Rotary positions (arXiv:2104.09864), in place, in the pairing of Hugging Face: number i of the first half
//! of what is rotated goes with number i of the second.

use crate::dispatch::{self, Isa};
use crate::lanes::kernel;
use crate::split;

/// Cosines and sines of P positions, \[P, R/2\] each, where R ≤ E numbers of each head are rotated.
#[derive(Clone, Copy, Debug)]
pub struct RopeTable<'a> {
    pub cos: &'a [f32],
    pub sin: &'a [f32],
    /// R/2, the width of a row.
    pub half: usize,
}

/// Which numbers of x are rotated: `n_heads` heads of `head_width` at the front of each row of x, rows
/// `row_stride` apart. Of each head the first R are rotated, the rest stay.
#[derive(Clone, Copy, Debug)]
pub struct RopeShape {
    pub n_heads: usize,
    pub head_width: usize,
    pub row_stride: usize,
}

/// Rotates each row of `x` to its place of `positions` \[M\]; back if `inverse`, which is also how a gradient
/// passes through.
///
/// # Panics
/// If the shapes disagree or a position is not in the table.
pub fn rope(x: &mut [f32], shape: RopeShape, table: RopeTable<'_>, positions: &[u32], inverse: bool) {
    rope_on(dispatch::active(), x, shape, table, positions, inverse);
}

fn rope_on(
    isa: Isa,
    x: &mut [f32],
    shape: RopeShape,
    table: RopeTable<'_>,
    positions: &[u32],
    inverse: bool,
) {
    let width = shape.n_heads * shape.head_width;
    let RopeTable { cos, sin, half } = table;
    assert!(half > 0 && 2 * half <= shape.head_width, "2·{half} of {} are rotated", shape.head_width);
    assert!(cos.len() == sin.len() && cos.len().is_multiple_of(half), "rows of {half}");
    assert!(shape.row_stride >= width, "rows of {width}, {} apart", shape.row_stride);
    assert!(positions.iter().all(|p| (*p as usize) < cos.len() / half), "a position beyond the table");
    let Some(before_last) = positions.len().checked_sub(1) else { return };
    // What follows the last row's heads is not ours.
    let len = before_last * shape.row_stride + width;
    assert!(x.len() >= len, "{} rows", positions.len());
    let rows = split::rows_per_task(width);
    split::chunks([&mut x[..len]], [rows * shape.row_stride], |i, [x]| {
        let positions = &positions[i * rows..positions.len().min((i + 1) * rows)];
        rotate(isa, x, shape, table, positions, inverse);
    });
}

kernel! {
    fn rotate[S](s, x: &mut [f32], shape: RopeShape, table: RopeTable<'_>, positions: &[u32], inverse: bool) {
        let half = table.half;
        let direction = s.splat(if inverse { -1.0 } else { 1.0 });
        for (row, position) in x.chunks_mut(shape.row_stride).zip(positions) {
            let from = *position as usize * half;
            let (cos, sin) = (&table.cos[from..from + half], &table.sin[from..from + half]);
            for head in row[..shape.n_heads * shape.head_width].chunks_exact_mut(shape.head_width) {
                let (first, second) = head[..2 * half].split_at_mut(half);
                for i in (0..half).step_by(S::N) {
                    let (a, b) = (s.load(first, i), s.load(second, i));
                    let (cos, sin) = (s.load(cos, i), s.mul(s.load(sin, i), direction));
                    s.store(first, i, s.sub(s.mul(a, cos), s.mul(b, sin)));
                    s.store(second, i, s.mul_add(b, cos, s.mul(a, sin)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::{close, everywhere, numbers, wide};

    fn check(rows: usize, n_heads: usize, half: usize, rest: usize, gap: usize, seed: u64) {
        let head_width = 2 * half + rest;
        let shape = RopeShape { n_heads, head_width, row_stride: n_heads * head_width + gap };
        let n_positions = 7;
        let angles: Vec<f32> = numbers(seed, n_positions * half).iter().map(|a| a * 3.0).collect();
        let cos: Vec<f32> = angles.iter().map(|a| a.cos()).collect();
        let sin: Vec<f32> = angles.iter().map(|a| a.sin()).collect();
        let positions: Vec<u32> = (0..rows).map(|i| (i * 5 % n_positions) as u32).collect();
        let x = numbers(seed + 1, rows * shape.row_stride);
        let mut expected = wide(&x);
        for (row, position) in positions.iter().enumerate() {
            for head in 0..n_heads {
                for i in 0..half {
                    let angle = *position as usize * half + i;
                    let (cos, sin) = (f64::from(cos[angle]), f64::from(sin[angle]));
                    let at = row * shape.row_stride + head * head_width + i;
                    let (a, b) = (f64::from(x[at]), f64::from(x[at + half]));
                    expected[at] = a * cos - b * sin;
                    expected[at + half] = b * cos + a * sin;
                }
            }
        }
        let table = RopeTable { cos: &cos, sin: &sin, half };
        let run = |isa| {
            let mut forth = x.clone();
            rope_on(isa, &mut forth, shape, table, &positions, false);
            let mut back = forth.clone();
            rope_on(isa, &mut back, shape, table, &positions, true);
            (forth, back)
        };
        everywhere(run, |_, (forth, back)| {
            close("rotated", forth, &expected, 1e-6);
            close("rotated back", back, &wide(&x), 1e-6);
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn agrees_with_f64(rows in 0..9usize, n_heads in 1..4usize, half in 1..40usize, rest in 0..5usize,
                           gap in 0..9usize, seed in 0..99u64) {
            check(rows, n_heads, half, rest, gap, seed);
        }
    }

    #[test]
    fn many_rows_are_cut_into_tasks() {
        check(70, 9, 32, 0, 64, 1);
    }
}
