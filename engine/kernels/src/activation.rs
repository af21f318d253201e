//! (activation)
