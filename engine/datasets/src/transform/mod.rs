//! Changes to many rows at once: what they would do, and the batch of them.

pub mod edits;
