//! Jobs over datasets that are kept, one file each.

mod export;
mod export_bad;
mod find;
mod import;
mod measure;
mod overview;
mod see;
mod transform;
mod write_rows;

use crate::job_cx::JobCx;
use anyhow::Result;
use glassworks_datasets::formats;
use glassworks_protocol::datasets::{DatasetJob, DatasetOutput};
use std::sync::Arc;

/// Carries a job out, after the edits that were sent before it.
///
/// # Errors
/// As each kind says.
pub fn run(cx: &JobCx, job: DatasetJob) -> Result<DatasetOutput> {
    cx.shared.datasets.wait_for_edits();
    match job {
        DatasetJob::Preview(spec) => Ok(DatasetOutput::Preview(Arc::new(formats::preview(&spec)?))),
        DatasetJob::Import(spec) => import::run(cx, &spec),
        DatasetJob::Find(view) => find::run(cx, &view),
        DatasetJob::Measure(spec) => measure::run(cx, &spec),
        DatasetJob::See(spec) => see::run(cx, &spec),
        DatasetJob::Overview(spec) => overview::run(cx, &spec),
        DatasetJob::Transform(spec) => transform::run(cx, &spec),
        DatasetJob::Export(spec) => export::run(cx, &spec),
        DatasetJob::ExportBad { dataset, to, replace } => export_bad::run(cx, dataset, &to, replace),
    }
}
