//! Readers: files of any known kind into rows, in bounded memory.
//!
//! Bytes go through [`input`] (decompressed, in UTF-8, a window that slides), a reader of their format, and
//! [`shapes`], where spellings that say the same become one. What is no row comes out as a [`BadRow`]: nothing is
//! passed over in silence, blank lines apart.

mod bad;
mod columns;
mod conll;
mod encoding;
mod found;
mod input;
mod json;
mod lines;
mod one;
mod parquet;
mod preview;
mod reader;
mod shapes;
mod sniff;
mod squad;
mod table;
mod text;

pub use columns::Columns;
pub use json::{Field, parse};
pub use one::read_one;
pub use preview::preview;
pub use reader::{Read, Reader, open};

pub(crate) use json::canonical;
pub(crate) use parquet::{NOTES_KEY, Notes};
pub(crate) use table::{cell, quote as push_quoted};

use glassworks_protocol::datasets::import::BadRow;

/// A row's line as reading makes it: canonical, in the one shape.
#[cfg(test)]
pub(crate) fn settled(text: &[u8], line: &mut Vec<u8>) -> Result<(), glassworks_protocol::text::Text> {
    json::read(text, line, &mut shapes::Shapes::default())
}

/// A line or record longer than this is no row.
pub const LONGEST_BYTES: usize = 16 << 20;

/// How much of a bad row is kept.
pub const BAD_TEXT_BYTES: usize = 64 << 10;
