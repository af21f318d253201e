//! Texts that are compared, kept in memory as long as they fit, read again where they don't.

use anyhow::Result;
use glassworks_protocol::datasets::RowId;

/// Bytes of text that are kept.
const MOST_BYTES: usize = 256 << 20;

/// Reads a row's text once more.
pub type Again<'a> = &'a dyn Fn(RowId) -> Result<String>;

/// Texts by the order in which they came.
#[derive(Debug, Default)]
pub struct Kept {
    pub rows: Vec<RowId>,
    text: String,
    ends: Vec<usize>,
}

impl Kept {
    pub fn push(&mut self, row: RowId, text: &str) {
        self.push_within(row, text, MOST_BYTES);
    }

    fn push_within(&mut self, row: RowId, text: &str, most_bytes: usize) {
        // Once one did not fit, no other is kept: those that are, are the first ones.
        if self.ends.len() == self.rows.len() && self.text.len() + text.len() <= most_bytes {
            self.text.push_str(text);
            self.ends.push(self.text.len());
        }
        self.rows.push(row);
    }

    /// Adds the text at a place to `into`.
    ///
    /// # Errors
    /// Those of reading it again.
    pub fn at(&self, i: usize, into: &mut String, again: Again<'_>) -> Result<()> {
        match self.ends.get(i) {
            Some(end) => {
                into.push_str(&self.text[i.checked_sub(1).map_or(0, |before| self.ends[before])..*end])
            }
            None => into.push_str(&again(self.rows[i])?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_read_again() {
        let mut kept = Kept::default();
        for (i, text) in ["one", "", "three", "x"].iter().enumerate() {
            kept.push_within(RowId(i as u32), text, 5);
        }
        let at = |i: usize| {
            let mut text = String::new();
            kept.at(i, &mut text, &|row| Ok(format!("again {}", row.0))).unwrap();
            text
        };
        assert_eq!([0, 1, 2, 3].map(at), ["one", "", "again 2", "again 3"]);
    }
}
