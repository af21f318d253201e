//! Keys and values kept between replies, so that a prefix already read is not computed again.

use crate::memory::Reservation;
use crate::nn::KvCache;
use anyhow::Result;
use glassworks_protocol::model::Precision;
use std::sync::{Mutex, PoisonError};

/// Sequences kept per model.
const N_KEPT: usize = 4;

/// A sequence that a model has read: its tokens and what it remembers of them.
///
/// **Invariant**: `cache.len() <= tokens.len()`, and row i of the cache belongs to `tokens[i]`.
pub struct ReadSequence {
    pub tokens: Vec<u32>,
    pub cache: KvCache,
    pub precision: Precision,
    /// `None` for a copy whose room has not been reserved yet.
    pub reservation: Option<Reservation>,
}

/// The sequences a model has read lately, newest last.
#[derive(Default)]
pub struct ReadSequences {
    kept: Mutex<Vec<ReadSequence>>,
}

impl ReadSequences {
    /// The sequence that shares the longest beginning with `tokens`, cut down to what is shared.
    ///
    /// One of which little would be left stays for the conversation it belongs to, and its beginning is copied.
    ///
    /// # Errors
    /// When the copy can't be made.
    pub fn take(&self, tokens: &[u32], precision: Precision) -> Result<Option<ReadSequence>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let best = kept
            .iter()
            .enumerate()
            .filter(|(_, s)| s.precision == precision)
            .map(|(at, s)| (at, shared_len(&s.tokens[..s.cache.len()], tokens)))
            .max_by_key(|(_, shared)| *shared);
        let Some((at, shared)) = best.filter(|(_, shared)| *shared > 0) else { return Ok(None) };
        if shared * 2 < kept[at].cache.len() {
            let cache = kept[at].cache.prefix(shared)?;
            let tokens = tokens[..shared].to_vec();
            return Ok(Some(ReadSequence { tokens, cache, precision, reservation: None }));
        }
        let mut sequence = kept.remove(at);
        sequence.tokens.truncate(shared);
        sequence.cache.truncate(shared);
        Ok(Some(sequence))
    }

    /// Keeps a sequence, and lets the oldest go when there are too many.
    pub fn put(&self, sequence: ReadSequence) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(sequence);
        if kept.len() > N_KEPT {
            kept.remove(0);
        }
    }

    /// Forgets everything: memory is needed elsewhere.
    pub fn clear(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn shared_len(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
