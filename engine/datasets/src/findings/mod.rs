//! What is odd about rows: repeats, contradictions, leaks, languages, lengths, balance.

mod balance;
mod language;
mod lengths;
pub mod minhash;
pub mod near;
pub mod said;

pub use language::Language;
