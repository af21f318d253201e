//! (arena)
