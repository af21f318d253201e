//! Jobs over datasets that are kept, one file each.

mod export_bad;
mod import;

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
        DatasetJob::Find(view) => {
            let open = cx.shared.datasets.snapshot(&cx.shared, view.dataset)?;
            let rows = std::sync::Arc::clone(open.table.order());
            let (dataset, revision) = (view.dataset, open.record.revision);
            let found = glassworks_protocol::datasets::view::FoundRows { dataset, revision, first: 0, rows };
            Ok(DatasetOutput::Found(Arc::new(found)))
        }
        DatasetJob::ExportBad { dataset, to, replace } => export_bad::run(cx, dataset, &to, replace),
        other => anyhow::bail!("not built: {other:?}"),
    }
}
