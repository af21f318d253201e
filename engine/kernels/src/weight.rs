//! (weight)
