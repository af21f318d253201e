//! The memory that training holds, and what it is not to grow beyond.

use super::{Parameter, Tuner};

impl Tuner<'_> {
    /// From now on activations hold no more than so many bytes, unless one batch needs more.
    pub fn hold_to(&self, bytes: u64) {
        self.arena.hold_to(usize::try_from(bytes).unwrap_or(usize::MAX));
    }

    /// No more than until now: the longest batch has been computed.
    pub fn hold_to_peak(&self) {
        self.arena.hold_to_peak();
    }

    /// The most memory that activations have taken.
    #[must_use]
    pub fn peak_bytes(&self) -> usize {
        self.arena.peak_bytes()
    }

    /// What training has held at most: the trained numbers with gradients and moments, and activations; bytes.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        let floats =
            |p: &Parameter| p.value.len() + p.grad.len() + p.moments.iter().map(Vec::len).sum::<usize>();
        let state: usize = self.params.iter().map(floats).sum();
        (state * size_of::<f32>() + self.arena.peak_bytes()) as u64
    }
}
