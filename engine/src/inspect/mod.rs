//! Looking inside a forward pass.

pub mod probe;
