//! Looking a dataset over.

use crate::datasets::Snapshot;
use crate::job_cx::JobCx;
use anyhow::Result;
use glassworks_datasets::findings;
use glassworks_protocol::Unit;
use glassworks_protocol::datasets::DatasetOutput;
use glassworks_protocol::datasets::overview::OverviewSpec;
use glassworks_protocol::text::Text;
use std::sync::Arc;

/// # Errors
/// When the dataset is gone.
pub fn run(cx: &JobCx, spec: &OverviewSpec) -> Result<DatasetOutput> {
    let shared = &cx.shared;
    let Snapshot { table, record, .. } = shared.datasets.snapshot(shared, spec.dataset)?;
    let stage = Text::new("data.stage_overview");
    let tick = |done: u64| {
        cx.checkpoint()?;
        cx.progress(&stage, done, Some(2 * record.n_rows), Unit::Rows);
        Ok(())
    };
    let report = Arc::new(findings::overview(&table, spec, record.revision, &tick)?);
    shared.datasets.keep_overview(Arc::clone(&report));
    Ok(DatasetOutput::Overview(report))
}
