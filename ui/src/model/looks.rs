//! What evaluations of runs left to look at: samples, and the rows they do worst on.

use glassworks_protocol::Query;
use glassworks_protocol::ids::RunId;
use glassworks_protocol::train::{Look, RunSample, WorstRows};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

#[derive(Debug, Default)]
pub struct Looks {
    /// By step and prompt.
    samples: HashMap<RunId, BTreeMap<(u64, u32), Arc<RunSample>>>,
    /// Those of them that are being written.
    growing: HashSet<(RunId, u64, u32)>,
    asked: HashSet<RunId>,
    worst: HashMap<(RunId, Look), Worst>,
}

#[derive(Debug, Default)]
struct Worst {
    /// Rows that were asked for.
    n: u32,
    /// There has been an evaluation since.
    stale: bool,
    rows: Option<Arc<WorstRows>>,
}

impl Looks {
    /// Whether the samples of a run have been asked for.
    #[must_use]
    pub fn has_asked(&self, run: RunId) -> bool {
        self.asked.contains(&run)
    }

    /// The steps at which a run wrote samples, in order.
    #[must_use]
    pub fn steps(&self, run: RunId) -> Vec<u64> {
        let mut steps: Vec<u64> =
            self.samples.get(&run).into_iter().flat_map(BTreeMap::keys).map(|(step, _)| *step).collect();
        steps.dedup();
        steps
    }

    /// What a run wrote at a step, by prompt.
    pub fn samples(&self, run: RunId, step: u64) -> impl Iterator<Item = &Arc<RunSample>> {
        let all = self.samples.get(&run).into_iter();
        all.flat_map(move |all| all.range((step, 0)..=(step, u32::MAX))).map(|(_, sample)| sample)
    }

    /// The rows that a run does worst on, as far as they have come.
    #[must_use]
    pub fn worst(&self, run: RunId, look: Look) -> Option<&Arc<WorstRows>> {
        self.worst.get(&(run, look))?.rows.as_ref()
    }

    /// Whether the `n` worst rows have to be asked for.
    #[must_use]
    pub fn wants_worst(&self, run: RunId, look: Look, n: u32) -> bool {
        self.worst.get(&(run, look)).is_none_or(|worst| worst.stale || worst.n < n)
    }

    pub(super) fn asked(&mut self, query: &Query) {
        match query {
            Query::RunSamples(run) => {
                self.asked.insert(*run);
            }
            Query::WorstRows { run, look, n } => {
                let worst = self.worst.entry((*run, *look)).or_default();
                (worst.n, worst.stale) = (*n, false);
            }
            _ => {}
        }
    }

    pub(super) fn fetched_samples(&mut self, run: RunId, samples: Vec<Arc<RunSample>>) {
        // What has come in the meantime is newer.
        let known = self.samples.entry(run).or_default();
        for sample in samples {
            known.entry((sample.step, sample.n)).or_insert(sample);
        }
    }

    pub(super) fn fetched_worst(&mut self, query: &Query, rows: Option<Arc<WorstRows>>) {
        if let Query::WorstRows { run, look, .. } = query {
            self.worst.entry((*run, *look)).or_default().rows = rows;
        }
    }

    /// Samples as far as they have come.
    pub(super) fn writes(&mut self, samples: Vec<Arc<RunSample>>) {
        for sample in samples {
            self.growing.insert((sample.run, sample.step, sample.n));
            self.samples.entry(sample.run).or_default().insert((sample.step, sample.n), sample);
        }
    }

    /// Whether more of a sample is to come.
    #[must_use]
    pub fn grows(&self, sample: &RunSample) -> bool {
        self.growing.contains(&(sample.run, sample.step, sample.n))
    }

    /// The run's job has ended: what it was writing was not kept.
    pub(super) fn settled(&mut self, run: RunId) {
        let Some(samples) = self.samples.get_mut(&run) else { return };
        self.growing.retain(|(of, step, n)| {
            if *of == run {
                samples.remove(&(*step, *n));
            }
            *of != run
        });
    }

    pub(super) fn wrote(&mut self, sample: Arc<RunSample>) {
        self.growing.remove(&(sample.run, sample.step, sample.n));
        self.samples.entry(sample.run).or_default().insert((sample.step, sample.n), sample);
    }

    pub(super) fn measured(&mut self, run: RunId) {
        for look in Look::ALL {
            if let Some(worst) = self.worst.get_mut(&(run, look)) {
                worst.stale = true;
            }
        }
    }

    /// A run that goes on forgets what it wrote after its checkpoint.
    pub(super) fn goes_on(&mut self, run: RunId, step: u64) {
        if let Some(samples) = self.samples.get_mut(&run) {
            samples.retain(|(at, _), _| *at <= step);
        }
    }
}
