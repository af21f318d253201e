//! The learning rate over a run's steps: the values of `transformers.get_scheduler`.

use glassworks_protocol::train::{ScheduleKind, TrainSpec};
use std::f64::consts::PI;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    pub kind: ScheduleKind,
    /// The highest rate.
    pub rate: f64,
    pub n_warmup: u64,
    pub n_steps: u64,
}

impl Schedule {
    /// Of a run of so many steps.
    #[must_use]
    pub fn of(spec: &TrainSpec, n_steps: u64) -> Self {
        let n_warmup = (n_steps as f64 * spec.schedule.warmup_share).ceil() as u64;
        Self { kind: spec.schedule.kind, rate: spec.learning_rate(), n_warmup, n_steps }
    }

    /// The rate of the step after `done` others.
    #[must_use]
    pub fn at(&self, done: u64) -> f64 {
        self.rate * self.factor(done)
    }

    fn factor(&self, done: u64) -> f64 {
        if done < self.n_warmup {
            return done as f64 / self.n_warmup.max(1) as f64;
        }
        let after_warmup = self.n_steps.saturating_sub(self.n_warmup).max(1) as f64;
        let progress = (done - self.n_warmup) as f64 / after_warmup;
        match self.kind {
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Linear => (1.0 - progress).max(0.0),
            ScheduleKind::Cosine => (0.5 * (1.0 + (PI * progress).cos())).max(0.0),
        }
    }
}
