//! How fast this machine is: benchmarks that were kept, and the one that runs.

use super::runs::Listed;
use glassworks_protocol::bench::BenchRecord;
use glassworks_protocol::ids::JobId;
use glassworks_protocol::{Failure, Query};
use std::sync::Arc;

#[derive(Debug, Default)]
pub struct Benches {
    /// Newest first.
    kept: Vec<Arc<BenchRecord>>,
    listed: Listed,
    /// What a job has told so far.
    live: Option<(JobId, Arc<BenchRecord>)>,
}

impl Benches {
    /// Newest first.
    #[must_use]
    pub fn kept(&self) -> &[Arc<BenchRecord>] {
        &self.kept
    }

    #[must_use]
    pub fn listed(&self) -> &Listed {
        &self.listed
    }

    /// As far as the one that runs has come.
    #[must_use]
    pub fn live(&self) -> Option<&Arc<BenchRecord>> {
        self.live.as_ref().map(|(_, record)| record)
    }

    pub(super) fn asked(&mut self, query: &Query) {
        if *query == Query::Benches && self.listed != Listed::Ready {
            self.listed = Listed::Asked;
        }
    }

    pub(super) fn refused(&mut self, query: &Query, failure: &Failure) -> bool {
        let first = *query == Query::Benches && self.listed != Listed::Ready;
        if first {
            self.listed = Listed::Failed(failure.clone());
        }
        first
    }

    pub(super) fn fetched(&mut self, kept: Vec<Arc<BenchRecord>>) {
        self.kept = kept;
        self.listed = Listed::Ready;
    }

    pub(super) fn measured(&mut self, job: JobId, record: Arc<BenchRecord>) {
        self.live = Some((job, record));
    }

    pub(super) fn stored(&mut self, record: Arc<BenchRecord>) {
        self.kept.retain(|one| one.id != record.id);
        self.kept.insert(0, record);
    }

    /// What a benchmark had told is in its record, or is not finished and counts for nothing.
    pub(super) fn settled(&mut self, job: JobId) {
        self.live.take_if(|(id, _)| *id == job);
    }
}
