//! What is odd about rows: repeats, contradictions, leaks, languages, lengths, balance.

pub mod balance;
mod language;
pub mod lengths;
pub mod minhash;
pub mod near;
pub mod said;

pub use language::Language;
