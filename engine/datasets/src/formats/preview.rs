//! The beginning of what would be imported.

use super::reader::{Read, open};
use anyhow::Context as _;
use glassworks_protocol::datasets::Mapping;
use glassworks_protocol::datasets::import::{ImportPreview, PreviewSpec};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};

const ROWS: usize = 200;
const BYTES: usize = 1 << 20;
/// As many bad rows are told, so that a file of nothing else ends too.
const BAD: usize = 50;

/// Reads the first rows, in well under a tenth of a second however large the files are.
///
/// # Errors
/// When a file is missing, cannot be read, or is of no known kind.
pub fn preview(spec: &PreviewSpec) -> Result<ImportPreview, Failure> {
    let mut reader = open(&spec.source, &spec.options)?;
    let (mut rows, mut bad, mut line, mut n_bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut whole = false;
    let fails = |fault: anyhow::Error| {
        Failure::new(FailureKind::Io, Text::new("data.read_failed")).detail(format!("{fault:#}"))
    };
    while rows.len() < ROWS && n_bytes < BYTES && bad.len() < BAD {
        match reader.next(&mut line).map_err(fails)? {
            Some(Read::Row { .. }) => {
                n_bytes += line.len();
                rows.push(crate::from_line(&line).context("what was just written").map_err(fails)?);
            }
            Some(Read::Bad(one)) => bad.push(one),
            None => {
                whole = true;
                break;
            }
        }
    }
    let columns = reader.columns();
    Ok(ImportPreview {
        files: reader.files().to_vec(),
        passed_over: reader.passed_over().to_vec(),
        mapping: Mapping::guess(&columns),
        columns,
        rows,
        bad,
        n_bytes: reader.len_bytes(),
        whole,
    })
}
