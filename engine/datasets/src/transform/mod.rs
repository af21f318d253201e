//! Changes to many rows at once: what they would do, and the batch of them.

pub mod clean;
pub mod edits;
pub mod replace;
pub mod texts;
mod words;
