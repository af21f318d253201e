//! What is measured of a run, gathered until it is time to hand it on.

use glassworks_protocol::train::{MetricPoint, Series};
use std::time::{Duration, Instant};

/// Between two deliveries: ten a second.
const INTERVAL: Duration = Duration::from_millis(100);

/// Measurements on their way out.
#[derive(Default)]
pub struct Recorder {
    waiting: Vec<MetricPoint>,
    told_at: Option<Instant>,
}

impl Recorder {
    pub fn add(&mut self, series: Series, step: u64, value: f64, at_ms: i64) {
        self.waiting.push(MetricPoint { series, step, value, at_ms });
    }

    /// What waits, if it is time or `now` is asked for.
    pub fn take(&mut self, now: bool) -> Vec<MetricPoint> {
        let due = now || self.told_at.is_none_or(|at| at.elapsed() >= INTERVAL);
        if !due {
            return Vec::new();
        }
        self.told_at = Some(Instant::now());
        std::mem::take(&mut self.waiting)
    }
}
