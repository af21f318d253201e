//! (norm)
