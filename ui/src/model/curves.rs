//! What was measured of one run, by series, as it comes in: from the store in one piece, live in small ones.

use glassworks_protocol::train::{METRICS, MetricPoint, Series};

/// A measurement of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Steps done when it was taken.
    pub step: u64,
    pub value: f64,
    pub at_ms: i64,
}

/// Every series of a run; the samples of one rise by step and have no step twice.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    series: [Vec<Sample>; METRICS.len()],
    version: u64,
}

impl Curves {
    #[must_use]
    pub fn of(&self, series: Series) -> &[Sample] {
        &self.series[series as usize]
    }

    /// Rises with every change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.iter().all(Vec::is_empty)
    }

    /// The newest of a series.
    #[must_use]
    pub fn last(&self, series: Series) -> Option<Sample> {
        self.of(series).last().copied()
    }

    /// What a series had when `step` was done, or shortly before.
    #[must_use]
    pub fn at(&self, series: Series, step: u64) -> Option<Sample> {
        let samples = self.of(series);
        let after = samples.partition_point(|sample| sample.step <= step);
        after.checked_sub(1).map(|at| samples[at])
    }

    /// Everything as it came, by series and step.
    #[must_use]
    pub fn points(&self) -> Vec<MetricPoint> {
        let all =
            METRICS.iter().flat_map(|metric| self.of(metric.series).iter().map(|s| (metric.series, *s)));
        all.map(|(series, s)| MetricPoint { series, step: s.step, value: s.value, at_ms: s.at_ms }).collect()
    }

    /// Takes in measurements in any order; one for a step that has one already replaces it.
    pub(super) fn add(&mut self, points: &[MetricPoint]) {
        for point in points.iter().filter(|point| point.value.is_finite()) {
            let samples = &mut self.series[point.series as usize];
            let sample = Sample { step: point.step, value: point.value, at_ms: point.at_ms };
            if samples.last().is_none_or(|last| last.step < sample.step) {
                samples.push(sample);
                continue;
            }
            match samples.binary_search_by_key(&sample.step, |old| old.step) {
                Ok(at) => samples[at] = sample,
                Err(at) => samples.insert(at, sample),
            }
        }
        self.version += 1;
    }

    /// What the store has, which is the truth as far as it reaches; live samples beyond it stay.
    pub(super) fn replace(&mut self, points: &[MetricPoint]) {
        let live = std::mem::take(&mut self.series);
        self.add(points);
        for (samples, live) in self.series.iter_mut().zip(live) {
            let reach = samples.last().map(|last| last.step);
            samples.extend(live.into_iter().filter(|sample| reach.is_none_or(|reach| sample.step > reach)));
        }
    }

    /// Forgets what came after `step`: a run that goes on from a checkpoint measures it anew.
    pub(super) fn cut_after(&mut self, step: u64) {
        for samples in &mut self.series {
            samples.truncate(samples.partition_point(|sample| sample.step <= step));
        }
        self.version += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: u64, value: f64) -> MetricPoint {
        MetricPoint { series: Series::TrainLoss, step, value, at_ms: 0 }
    }

    fn check(curves: &Curves, expected: &[(u64, f64)]) {
        let found: Vec<_> = curves.of(Series::TrainLoss).iter().map(|s| (s.step, s.value)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_store_is_the_truth_as_far_as_it_reaches() {
        let mut curves = Curves::default();
        // A hint was missed between 1 and 3.
        curves.add(&[point(1, 3.0), point(3, 2.0), point(4, 1.5)]);
        curves.replace(&[point(1, 3.0), point(2, 2.5), point(3, 2.0)]);
        check(&curves, &[(1, 3.0), (2, 2.5), (3, 2.0), (4, 1.5)]);
        assert_eq!(curves.at(Series::TrainLoss, 3).map(|s| s.value), Some(2.0));
        assert_eq!(curves.at(Series::TrainLoss, 0), None);
    }

    #[test]
    fn what_is_measured_again_after_a_resume_replaces_what_was() {
        let mut curves = Curves::default();
        curves.add(&[point(1, 3.0), point(2, 2.5), point(3, 9.0), point(4, f64::NAN)]);
        curves.cut_after(2);
        check(&curves, &[(1, 3.0), (2, 2.5)]);
        curves.add(&[point(3, 2.0), point(2, 2.4)]);
        check(&curves, &[(1, 3.0), (2, 2.4), (3, 2.0)]);
    }
}
