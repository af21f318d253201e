//! Datasets: rows out of files ([`formats`]) into segments on disk, tables of them with edits and versions
//! ([`table`]), views ([`find`]), what is odd about rows ([`findings`]), changes to many rows ([`transform`]), and
//! files again ([`export`]). Knows no tensor, no SQL, no channel.

pub mod chance;
pub mod export;
pub mod find;
pub mod findings;
pub mod formats;
mod steps;
pub mod table;
pub mod transform;

use anyhow::{Context as _, Result};
use glassworks_protocol::datasets::Row;

/// Told as work goes on: units done; its error ends the work. To be called at least every 250 ms.
pub type Tick<'a> = &'a dyn Fn(u64) -> Result<()>;

/// A row's line as it lies in a segment: JSON without a newline.
///
/// # Errors
/// Never, for rows that were read as JSON.
pub fn to_line(row: &Row) -> Result<Vec<u8>> {
    serde_json::to_vec(row).context("writing a row")
}

/// Reads what [`to_line`] wrote.
///
/// # Errors
/// When the line is no object.
pub fn from_line(line: &[u8]) -> Result<Row> {
    serde_json::from_slice(line).context("reading a row")
}
