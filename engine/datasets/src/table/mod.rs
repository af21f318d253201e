//! Rows on disk: immutable segments with their indexes, edits over them, versions.
