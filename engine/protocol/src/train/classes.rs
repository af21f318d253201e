//! How well labels were found: a confusion matrix, and what is reckoned from it as scikit-learn does.

use serde::{Deserialize, Serialize};

/// Of a normal distribution's middle 95 %, one side.
const Z_95: f64 = 1.959_963_984_540_054;

/// What the labels of some rows were taken for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfusionMatrix {
    pub labels: Vec<String>,
    /// `[K, K]`: by the row's own label, then by the one that was found.
    pub counts: Vec<u64>,
}

/// A confusion matrix, and when it was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClassTally {
    /// Steps done.
    pub step: u64,
    pub confusion: ConfusionMatrix,
}

/// A label's line in a table. What divides by nothing is 0, as with scikit-learn's `zero_division=0`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassRow<'a> {
    pub label: &'a str,
    /// Of the rows that were taken for it, the part that has it.
    pub precision: f64,
    /// Of the rows that have it, the part that was found.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
    /// Rows that have it.
    pub support: u64,
}

impl ConfusionMatrix {
    /// Without a row yet.
    #[must_use]
    pub fn new(labels: Vec<String>) -> Self {
        let counts = vec![0; labels.len() * labels.len()];
        Self { labels, counts }
    }

    /// Adds a row of label `truth` that was taken for `found`.
    ///
    /// # Panics
    /// If one of them is none of the labels.
    pub fn add(&mut self, truth: usize, found: usize) {
        let k = self.labels.len();
        assert!(truth < k && found < k, "a label of {k}");
        self.counts[truth * k + found] += 1;
    }

    /// Rows of label `truth` that were taken for `found`; 0 for labels that there are not.
    #[must_use]
    pub fn count(&self, truth: usize, found: usize) -> u64 {
        let k = self.labels.len();
        if truth < k && found < k { self.counts.get(truth * k + found).copied().unwrap_or(0) } else { 0 }
    }

    #[must_use]
    pub fn n_rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Rows whose label was found.
    #[must_use]
    pub fn n_right(&self) -> u64 {
        (0..self.labels.len()).map(|i| self.count(i, i)).sum()
    }

    /// The part of the rows whose label was found; 0 without rows.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        ratio(self.n_right(), self.n_rows())
    }

    /// Between what the accuracy lies with 95 % confidence (Wilson 1927); the whole range without rows.
    #[must_use]
    pub fn accuracy_interval(&self) -> (f64, f64) {
        let n = self.n_rows() as f64;
        if n == 0.0 {
            return (0.0, 1.0);
        }
        let (p, z2) = (self.accuracy(), Z_95 * Z_95);
        let middle = p + z2 / (2.0 * n);
        let half = Z_95 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        let whole = 1.0 + z2 / n;
        (((middle - half) / whole).max(0.0), ((middle + half) / whole).min(1.0))
    }

    /// A line for each label.
    #[must_use]
    pub fn rows(&self) -> Vec<ClassRow<'_>> {
        let k = self.labels.len();
        let mut rows = Vec::with_capacity(k);
        for (i, label) in self.labels.iter().enumerate() {
            let right = self.count(i, i);
            let support = (0..k).map(|j| self.count(i, j)).sum();
            let taken = (0..k).map(|j| self.count(j, i)).sum();
            rows.push(ClassRow {
                label,
                precision: ratio(right, taken),
                recall: ratio(right, support),
                f1: ratio(2 * right, support + taken),
                support,
            });
        }
        rows
    }

    /// The mean of the labels' F1, those without a row among them.
    #[must_use]
    pub fn macro_f1(&self) -> f64 {
        let rows = self.rows();
        rows.iter().map(|row| row.f1).sum::<f64>() / rows.len().max(1) as f64
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_divided_by_nothing() {
        let mut matrix = ConfusionMatrix::new(["a", "b", "c"].map(str::to_owned).into());
        assert_eq!(
            (matrix.accuracy(), matrix.macro_f1(), matrix.accuracy_interval()),
            (0.0, 0.0, (0.0, 1.0))
        );
        matrix.add(0, 0);
        matrix.add(0, 1);
        matrix.add(1, 1);
        let rows = matrix.rows();
        assert_eq!((rows[0].precision, rows[0].recall, rows[0].support), (1.0, 0.5, 2));
        assert_eq!((rows[1].precision, rows[1].recall, rows[1].support), (0.5, 1.0, 1));
        assert_eq!((rows[2].precision, rows[2].recall, rows[2].f1, rows[2].support), (0.0, 0.0, 0.0, 0));
        assert_eq!((matrix.n_rows(), matrix.n_right(), matrix.count(0, 1), matrix.count(3, 0)), (3, 2, 1, 0));
    }
}
