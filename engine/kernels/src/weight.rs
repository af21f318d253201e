//! A matrix of a model in the storage the model has: f32, f16, bf16, or rows that something else decodes.

use std::fmt;
use std::ops::Range;

use half::{bf16, f16};

use crate::quant::Quantised;

/// W \[N out, K in\], row-major: row n holds what makes output n.
#[derive(Clone, Copy, Debug)]
pub struct Weight<'a> {
    /// N, the number of rows.
    pub n_out: usize,
    /// K, the width of a row.
    pub n_in: usize,
    pub values: Values<'a>,
}

/// How a weight is stored. Slices hold exactly N·K values.
#[derive(Clone, Copy)]
pub enum Values<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    Bf16(&'a [bf16]),
    Rows(&'a dyn Rows),
    /// Rows from the given one on: a part of a larger matrix.
    RowsFrom(&'a dyn Rows, usize),
    /// Rows of a quantised matrix from the given one on.
    Quantised(&'a Quantised, usize),
}

/// A matrix that decodes one row at a time, such as a quantised one.
pub trait Rows: Sync {
    /// Writes row `row` (all K values) into `out`.
    fn read(&self, row: usize, out: &mut [f32]);
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F32(v) => write!(f, "F32({})", v.len()),
            Self::F16(v) => write!(f, "F16({})", v.len()),
            Self::Bf16(v) => write!(f, "Bf16({})", v.len()),
            Self::Rows(_) => f.write_str("Rows"),
            Self::RowsFrom(_, first) => write!(f, "RowsFrom({first})"),
            Self::Quantised(q, first) => write!(f, "{q:?} from {first}"),
        }
    }
}

impl<'a> Weight<'a> {
    /// # Panics
    /// If `values` does not hold N·K of them.
    #[must_use]
    pub fn new(n_out: usize, n_in: usize, values: Values<'a>) -> Self {
        let weight = Self { n_out, n_in, values };
        weight.check();
        weight
    }

    /// An f32 matrix \[N, K\].
    #[must_use]
    pub fn f32(n_out: usize, n_in: usize, values: &'a [f32]) -> Self {
        Self::new(n_out, n_in, Values::F32(values))
    }

    pub(crate) fn check(&self) {
        let len = match self.values {
            Values::F32(v) => v.len(),
            Values::F16(v) => v.len(),
            Values::Bf16(v) => v.len(),
            Values::Rows(_) | Values::RowsFrom(..) => return,
            Values::Quantised(q, first) => {
                let fits = q.n_in() == self.n_in && first + self.n_out <= q.n_out();
                assert!(fits, "rows of {q:?} from {first} for [{}, {}]", self.n_out, self.n_in);
                return;
            }
        };
        assert_eq!(len, self.n_out * self.n_in, "a weight [{}, {}]", self.n_out, self.n_in);
    }

    /// The rows `range` alone, as a weight \[range.len(), K\].
    ///
    /// # Panics
    /// If there are no such rows.
    #[must_use]
    pub fn slice_rows(&self, range: Range<usize>) -> Weight<'a> {
        assert!(range.start <= range.end && range.end <= self.n_out, "rows {range:?} of {}", self.n_out);
        let part = range.start * self.n_in..range.end * self.n_in;
        let values = match self.values {
            Values::F32(v) => Values::F32(&v[part]),
            Values::F16(v) => Values::F16(&v[part]),
            Values::Bf16(v) => Values::Bf16(&v[part]),
            Values::Rows(rows) => Values::RowsFrom(rows, range.start),
            Values::RowsFrom(rows, first) => Values::RowsFrom(rows, first + range.start),
            Values::Quantised(q, first) => Values::Quantised(q, first + range.start),
        };
        Weight { n_out: range.len(), n_in: self.n_in, values }
    }

    /// Writes row `row` into `out` \[K\], widened to f32.
    ///
    /// # Panics
    /// If there is no such row or `out` is not K wide.
    pub fn read_row(&self, row: usize, out: &mut [f32]) {
        assert!(row < self.n_out && out.len() == self.n_in, "row {row} of {self:?} into {}", out.len());
        let part = row * self.n_in..(row + 1) * self.n_in;
        match self.values {
            Values::F32(v) => out.copy_from_slice(&v[part]),
            Values::F16(v) => out.iter_mut().zip(&v[part]).for_each(|(o, v)| *o = v.to_f32()),
            Values::Bf16(v) => out.iter_mut().zip(&v[part]).for_each(|(o, v)| *o = v.to_f32()),
            Values::Rows(rows) => rows.read(row, out),
            Values::RowsFrom(rows, first) => rows.read(first + row, out),
            Values::Quantised(q, first) => q.read_row(first + row, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(usize);

    impl Rows for Counting {
        fn read(&self, row: usize, out: &mut [f32]) {
            out.iter_mut().enumerate().for_each(|(i, o)| *o = (row * self.0 + i) as f32);
        }
    }

    #[test]
    fn every_storage_reads_the_same_rows() {
        let (n, k) = (5, 3);
        let f32s: Vec<f32> = (0..n * k).map(|i| i as f32).collect();
        let f16s: Vec<f16> = f32s.iter().map(|v| f16::from_f32(*v)).collect();
        let bf16s: Vec<bf16> = f32s.iter().map(|v| bf16::from_f32(*v)).collect();
        let rows = Counting(k);
        for values in [Values::F32(&f32s), Values::F16(&f16s), Values::Bf16(&bf16s), Values::Rows(&rows)] {
            let part = Weight::new(n, k, values).slice_rows(1..5).slice_rows(1..3);
            assert_eq!((part.n_out, part.n_in), (2, k));
            let mut out = [0.0; 3];
            part.read_row(1, &mut out);
            assert_eq!(out, [9.0, 10.0, 11.0], "{values:?}");
        }
    }
}
