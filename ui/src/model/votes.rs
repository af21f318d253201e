//! Blind votes: those that count, as they are stored.

use super::runs::Listed;
use glassworks_protocol::ids::VoteId;
use glassworks_protocol::vote::VoteRecord;
use glassworks_protocol::{Failure, Query};
use std::sync::Arc;

#[derive(Debug, Default)]
pub struct Votes {
    /// Oldest first.
    all: Vec<Arc<VoteRecord>>,
    listed: Listed,
}

impl Votes {
    /// Oldest first.
    #[must_use]
    pub fn all(&self) -> &[Arc<VoteRecord>] {
        &self.all
    }

    #[must_use]
    pub fn listed(&self) -> &Listed {
        &self.listed
    }

    pub(super) fn asked(&mut self, query: &Query) {
        if *query == Query::Votes && self.listed != Listed::Ready {
            self.listed = Listed::Asked;
        }
    }

    pub(super) fn refused(&mut self, query: &Query, failure: &Failure) -> bool {
        let first = *query == Query::Votes && self.listed != Listed::Ready;
        if first {
            self.listed = Listed::Failed(failure.clone());
        }
        first
    }

    pub(super) fn fetched(&mut self, all: Vec<Arc<VoteRecord>>) {
        self.all = all;
        self.listed = Listed::Ready;
    }

    pub(super) fn stored(&mut self, vote: Arc<VoteRecord>) {
        self.removed(vote.id);
        self.all.push(vote);
        self.all.sort_by_key(|vote| vote.at_ms);
    }

    pub(super) fn removed(&mut self, id: VoteId) {
        self.all.retain(|vote| vote.id != id);
    }

    pub(super) fn reset(&mut self) {
        self.all.clear();
    }
}
