//! Keys and values kept between replies, so that a prefix already read is not computed again.

use crate::infer::Sequence;
use crate::memory::Reservation;
use anyhow::Result;
use glassworks_protocol::model::{CacheWidth, Precision};
use std::sync::{Mutex, PoisonError};

/// Sequences kept per model.
const N_KEPT: usize = 4;
/// What may be lost of a sequence that another one goes on from: a turn's end that is spelled anew, no more.
const MAX_LOST: usize = 16;

/// A sequence that a model has read: its tokens and what it remembers of them.
///
/// **Invariant**: `sequence.len() <= tokens.len()`, and its position i is that of `tokens[i]`.
pub struct ReadSequence {
    pub tokens: Vec<u32>,
    pub sequence: Sequence,
    /// How it was computed, and how wide its cache is.
    pub how: (Precision, CacheWidth),
    /// `None` for a copy whose room has not been reserved yet.
    pub reservation: Option<Reservation>,
}

/// The sequences a model has read lately, newest last.
#[derive(Default)]
pub struct ReadSequences {
    kept: Mutex<Vec<ReadSequence>>,
}

impl ReadSequences {
    /// The longest beginning of `tokens` that has been read.
    ///
    /// A sequence that `tokens` go on from is handed over; one that goes its own way stays for the conversation it
    /// belongs to, and what is common is shared with it.
    ///
    /// # Errors
    /// When the copy can't be made.
    pub fn take(&self, tokens: &[u32], how: (Precision, CacheWidth)) -> Result<Option<ReadSequence>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let best = kept
            .iter()
            .enumerate()
            .filter(|(_, s)| s.how == how)
            .map(|(at, s)| (at, shared_len(&s.tokens[..s.sequence.len()], tokens)))
            .filter(|(at, shared)| kept[*at].sequence.can_go_on_at(*shared))
            .max_by_key(|(_, shared)| *shared);
        let Some((at, shared)) = best.filter(|(_, shared)| *shared > 0) else { return Ok(None) };
        if shared + MAX_LOST < kept[at].sequence.len() {
            let sequence = kept[at].sequence.prefix(shared)?;
            let tokens = tokens[..shared].to_vec();
            return Ok(Some(ReadSequence { tokens, sequence, how, reservation: None }));
        }
        let mut read = kept.remove(at);
        read.tokens.truncate(shared);
        read.sequence.truncate(shared);
        Ok(Some(read))
    }

    /// Keeps a sequence, and lets go those that are no more than its beginning, and the oldest when there are too many.
    pub fn put(&self, read: ReadSequence) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let all = &read.tokens[..read.sequence.len()];
        kept.retain(|old| old.how != read.how || !all.starts_with(&old.tokens[..old.sequence.len()]));
        kept.push(read);
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
