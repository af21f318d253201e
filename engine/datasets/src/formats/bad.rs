//! What is no row: why, and its text as it stands.

use super::{BAD_TEXT_BYTES, BadRow, LONGEST_BYTES};
use glassworks_protocol::text::Text;

/// A bad row before it has its place and file.
#[derive(Debug)]
pub(super) struct Bad {
    pub row: u64,
    pub reason: Text,
    pub text: String,
    pub whole: bool,
}

impl Bad {
    pub fn new(row: u64, reason: Text, bytes: &[u8]) -> Self {
        let (text, whole) = shown(bytes);
        Self { row, reason, text, whole }
    }

    /// Of which only the beginning is at hand.
    pub fn begun(row: u64, reason: Text, bytes: &[u8]) -> Self {
        Self { whole: false, ..Self::new(row, reason, bytes) }
    }

    pub fn placed(self, n: u64, file: &str) -> BadRow {
        let Self { row, reason, text, whole } = self;
        BadRow { n, file: file.to_owned(), row, reason, text, whole }
    }
}

/// Bytes as a person sees them, and whether that is all of them.
fn shown(bytes: &[u8]) -> (String, bool) {
    if bytes.len() <= BAD_TEXT_BYTES {
        return (String::from_utf8_lossy(bytes).into_owned(), true);
    }
    let mut end = BAD_TEXT_BYTES;
    // Not within a character.
    while end > BAD_TEXT_BYTES - 4 && bytes[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    (String::from_utf8_lossy(&bytes[..end]).into_owned(), false)
}

pub(super) fn too_long() -> Text {
    Text::new("data.bad_long").arg("limit_mib", LONGEST_BYTES >> 20)
}

/// Bytes that are not of the file's encoding: the first of them, counted in characters from 1.
pub(super) fn not_text(bytes: &[u8]) -> Option<Text> {
    let fault = std::str::from_utf8(bytes).err()?;
    let before = String::from_utf8_lossy(&bytes[..fault.valid_up_to()]);
    let last_line = before.rsplit(['\n', '\r']).next().unwrap_or_default();
    Some(Text::new("data.bad_encoding").arg("column", last_line.chars().count() + 1))
}
