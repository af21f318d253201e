//! Bringing files in.

use crate::datasets::import;
use crate::job_cx::JobCx;
use anyhow::Result;
use glassworks_protocol::datasets::DatasetOutput;
use glassworks_protocol::datasets::import::ImportSpec;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Stored, Unit};
use std::sync::Arc;

/// # Errors
/// `Failure` naming a file that cannot be read; nothing has come in then.
pub fn run(cx: &JobCx, spec: &ImportSpec) -> Result<DatasetOutput> {
    let stage = Text::new("data.stage_import");
    let tick = |done, total| {
        cx.checkpoint()?;
        cx.progress(&stage, done, Some(total), Unit::Bytes);
        Ok(())
    };
    let about = import::about(spec, (cx.shared.clock)());
    let (report, told) = import::bring_in(&cx.shared, spec, about, &tick)?;
    cx.stored(told.into_iter().map(Stored::Dataset));
    Ok(DatasetOutput::Imported(Arc::new(report)))
}
