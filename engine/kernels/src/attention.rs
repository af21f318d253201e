//! (attention)
