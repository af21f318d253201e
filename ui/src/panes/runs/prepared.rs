//! A run's measurements as curves over the axis that was chosen, made once and kept until something changes.

use super::plot::Axis;
use crate::model::{Curves, Sample};
use crate::widgets::metric_plot::Curve;
use glassworks_protocol::ids::RunId;
use glassworks_protocol::train::Series;
use std::rc::Rc;

const GIB: f64 = (1u64 << 30) as f64;

/// What a plot shows large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Chart {
    #[default]
    Loss,
    LearningRate,
    GradNorm,
    Speed,
    Memory,
    Accuracy,
    MacroF1,
}

impl Chart {
    pub const ALL: [Self; 7] = [
        Self::Loss,
        Self::LearningRate,
        Self::GradNorm,
        Self::Speed,
        Self::Memory,
        Self::Accuracy,
        Self::MacroF1,
    ];

    /// Whether only some runs have it, and only at evaluations.
    pub fn is_measure(self) -> bool {
        matches!(self, Self::Accuracy | Self::MacroF1)
    }

    /// What it shows of each step.
    pub fn series(self) -> Series {
        match self {
            Self::Loss => Series::TrainLoss,
            Self::LearningRate => Series::LearningRate,
            Self::GradNorm => Series::GradNorm,
            Self::Speed => Series::TokensPerSec,
            Self::Memory => Series::MemoryBytes,
            Self::Accuracy => Series::Accuracy,
            Self::MacroF1 => Series::MacroF1,
        }
    }

    /// Key of its title.
    pub fn key(self) -> &'static str {
        match self {
            Self::Loss => "runs.loss",
            Self::Memory => "runs.memory_gib",
            other => other.series().metric().label,
        }
    }

    /// A value as it is shown, in the unit of the title.
    pub fn shown(self, value: f64) -> f64 {
        if self == Self::Memory { value / GIB } else { value }
    }
}

/// A run's curves: one a chart, and the evaluations.
#[derive(Default)]
pub struct RunCurves {
    charts: [Curve; Chart::ALL.len()],
    pub validation: Curve,
}

impl RunCurves {
    pub fn of(&self, chart: Chart) -> &Curve {
        &self.charts[chart as usize]
    }

    fn new(curves: &Curves, axis: Axis, smoothing: f32) -> Self {
        let charts = Chart::ALL.map(|chart| {
            let points = places(curves, curves.of(chart.series()), axis);
            // Losses and norms jump from batch to batch; the rest is as it is.
            let jumps = matches!(chart, Chart::Loss | Chart::GradNorm | Chart::Speed);
            Curve::new(points.map(|(x, y)| (x, chart.shown(y))), if jumps { smoothing } else { 0.0 })
        });
        let validation = Curve::new(places(curves, curves.of(Series::ValidationLoss), axis), 0.0);
        Self { charts, validation }
    }
}

/// Samples with their places on the axis, in order. What was measured before the first step is at 0; what has no place
/// is left out.
fn places<'a>(curves: &'a Curves, samples: &'a [Sample], axis: Axis) -> impl Iterator<Item = (f64, f64)> {
    let along = match axis {
        Axis::Step => None,
        Axis::Tokens => Some(curves.of(Series::Tokens)),
        Axis::Time => Some(curves.of(Series::TrainSecs)),
    };
    let mut at = 0;
    samples.iter().filter_map(move |sample| {
        let Some(along) = along else { return Some((sample.step as f64, sample.value)) };
        if sample.step == 0 {
            return Some((0.0, sample.value));
        }
        while along.get(at).is_some_and(|mark| mark.step < sample.step) {
            at += 1;
        }
        let mark = along.get(at).filter(|mark| mark.step == sample.step)?;
        Some((mark.value, sample.value))
    })
}

#[derive(Clone, Copy, PartialEq)]
struct Key {
    run: RunId,
    version: u64,
    axis: Axis,
    smoothing: f32,
}

/// The curves of the runs that are shown.
#[derive(Default)]
pub struct Prepared {
    held: Vec<(Key, Rc<RunCurves>)>,
}

impl Prepared {
    pub fn of(&mut self, run: RunId, curves: &Curves, axis: Axis, smoothing: f32) -> Rc<RunCurves> {
        let key = Key { run, version: curves.version(), axis, smoothing };
        if let Some((_, held)) = self.held.iter().find(|(known, _)| *known == key) {
            return Rc::clone(held);
        }
        self.held.retain(|(known, _)| known.run != run);
        let made = Rc::new(RunCurves::new(curves, axis, smoothing));
        self.held.push((key, Rc::clone(&made)));
        made
    }

    /// Lets go of the curves of runs that are not shown any more.
    pub fn keep(&mut self, shown: &[RunId]) {
        self.held.retain(|(key, _)| shown.contains(&key.run));
    }
}
