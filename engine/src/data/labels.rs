//! The labels of sorted texts: numbered as they are met, and put in order once all have been.

use super::Example;
use glassworks_protocol::dataset::LabelCount;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{ClassWeights, ClassificationSpec};
use glassworks_protocol::{Failure, FailureKind};
use std::collections::HashMap;

/// More labels than this are a column of something else.
pub const MOST_LABELS: usize = 256;

/// Labels by the number they were given when they were first met.
#[derive(Default)]
pub struct Labels {
    numbers: HashMap<String, u32>,
}

impl Labels {
    pub fn number(&mut self, label: &str) -> u32 {
        if let Some(number) = self.numbers.get(label) {
            return *number;
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(label.to_owned(), number);
        number
    }

    /// The names in order, and of each number its place among them. Whole numbers are in the order of numbers.
    ///
    /// # Errors
    /// `Failure { Input }` for less than two labels, and for too many.
    pub fn sorted(self, data: Option<&String>) -> Result<(Vec<String>, Vec<u32>), Failure> {
        let name = data.cloned().unwrap_or_default();
        let n = self.numbers.len();
        if n == 1 || n > MOST_LABELS {
            let key = if n == 1 { "failure.one_label" } else { "failure.many_labels" };
            let summary = Text::new(key).arg("file", name).arg("n", n).arg("most", MOST_LABELS);
            return Err(Failure::new(FailureKind::Input, summary).hint(Text::new("failure.labels_hint")));
        }
        let mut names: Vec<(String, u32)> = self.numbers.into_iter().collect();
        let whole: Option<Vec<i64>> = names.iter().map(|(name, _)| name.parse().ok()).collect();
        match whole {
            Some(_) => names.sort_by_key(|(name, _)| (name.parse::<i64>().unwrap_or(0), name.clone())),
            None => names.sort(),
        }
        let mut places = vec![0; n];
        for (place, (_, number)) in names.iter().enumerate() {
            places[*number as usize] = place as u32;
        }
        Ok((names.into_iter().map(|(name, _)| name).collect(), places))
    }
}

/// How many rows have each label.
pub fn counted(names: Vec<String>, train: &[Example], validation: &[Example]) -> Vec<LabelCount> {
    let new = |name| LabelCount { name, n_train: 0, n_validation: 0 };
    let mut counts: Vec<LabelCount> = names.into_iter().map(new).collect();
    for class in train.iter().filter_map(|example| example.class) {
        counts[class as usize].n_train += 1;
    }
    for class in validation.iter().filter_map(|example| example.class) {
        counts[class as usize].n_validation += 1;
    }
    counts
}

/// How much a row counts by its label, as scikit-learn's `compute_class_weight`; a label that no training row has
/// counts as one row does on average.
#[must_use]
pub fn weights(labels: &[LabelCount], spec: &ClassificationSpec) -> Option<Vec<f32>> {
    if spec.class_weights == ClassWeights::None {
        return None;
    }
    let there = labels.iter().filter(|label| label.n_train > 0).count() as f64;
    let n: u64 = labels.iter().map(|label| label.n_train).sum();
    let weight = |label: &LabelCount| match label.n_train {
        0 => 1.0,
        of_label => (n as f64 / (there * of_label as f64)) as f32,
    };
    Some(labels.iter().map(weight).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(met: &[&str], expected: &[&str]) {
        let mut labels = Labels::default();
        let numbers: Vec<u32> = met.iter().map(|label| labels.number(label)).collect();
        let (names, places) = labels.sorted(None).unwrap();
        assert_eq!(names, expected);
        for (label, number) in met.iter().zip(numbers) {
            assert_eq!(names[places[number as usize] as usize], *label);
        }
    }

    #[test]
    fn labels_are_in_order() {
        check(&["b", "a", "b", "c"], &["a", "b", "c"]);
        check(&["10", "9", "-1"], &["-1", "9", "10"]);
        check(&["10", "9", "x"], &["10", "9", "x"]);
    }

    #[test]
    fn one_label_and_a_column_of_texts_are_refused() {
        let of = |n: usize| {
            let mut labels = Labels::default();
            (0..n).for_each(|i| {
                labels.number(&format!("label {i}"));
            });
            labels.sorted(None).map(|(names, _)| names.len()).map_err(|failure| failure.summary.key)
        };
        assert_eq!(of(1), Err("failure.one_label".into()));
        assert_eq!(of(MOST_LABELS), Ok(MOST_LABELS));
        assert_eq!(of(MOST_LABELS + 1), Err("failure.many_labels".into()));
    }
}
