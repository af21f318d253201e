//! Lines that could not be read into a file.

use crate::datasets;
use crate::job_cx::JobCx;
use crate::jobs::chats::spare;
use anyhow::{Context as _, Result};
use glassworks_protocol::datasets::DatasetOutput;
use glassworks_protocol::datasets::export::ExportReport;
use glassworks_protocol::ids::DatasetId;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

/// The lines that could not be read and wait, as they stood in their files.
///
/// # Errors
/// `Failure` when something is there already, or the disk says no; what was there is as it was then.
pub fn run(cx: &JobCx, dataset: DatasetId, to: &Path, replace: bool) -> Result<DatasetOutput> {
    spare(to, replace)?;
    let mut aside = to.as_os_str().to_owned();
    aside.push(".incomplete");
    let aside = Path::new(&aside);
    let file = File::create(aside).with_context(|| format!("writing {}", aside.display()))?;
    let mut file = BufWriter::new(file);
    let mut n_rows = 0;
    let written = datasets::each_bad(&cx.shared, dataset, &mut |row| {
        cx.checkpoint()?;
        n_rows += 1;
        file.write_all(row.text.as_bytes())?;
        if !row.text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        Ok(true)
    });
    let written = written.and_then(|()| Ok(file.flush().and_then(|()| file.get_ref().sync_all())?));
    if let Err(error) = written {
        // What was begun takes room and is of no use.
        std::fs::remove_file(aside).context("removing what was begun")?;
        return Err(error).with_context(|| format!("writing {}", to.display()));
    }
    std::fs::rename(aside, to).with_context(|| format!("writing {}", to.display()))?;
    let n_bytes = to.metadata().map_or(0, |metadata| metadata.len());
    Ok(DatasetOutput::Exported(Arc::new(ExportReport { to: to.to_owned(), n_rows, n_bytes })))
}
