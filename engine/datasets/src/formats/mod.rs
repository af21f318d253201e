//! Readers: files of any known kind into rows.
