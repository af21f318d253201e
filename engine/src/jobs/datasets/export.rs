//! Datasets into files.

use crate::datasets::Snapshot;
use crate::job_cx::JobCx;
use crate::jobs::chats::spare;
use anyhow::Result;
use glassworks_datasets::export::{self, TableRows};
use glassworks_protocol::Unit;
use glassworks_protocol::datasets::export::ExportSpec;
use glassworks_protocol::datasets::{DatasetOutput, RowId};
use glassworks_protocol::text::Text;
use std::sync::Arc;

/// # Errors
/// `Failure` when something is there already, or the disk says no; what was there is as it was then.
pub fn run(cx: &JobCx, spec: &ExportSpec) -> Result<DatasetOutput> {
    spare(&spec.to, spec.replace)?;
    let Snapshot { table, record, .. } = cx.shared.datasets.snapshot(&cx.shared, spec.dataset)?;
    let asked: Vec<RowId> = match &spec.rows {
        // Those that are gone since they were asked for.
        Some(rows) => rows.iter().copied().filter(|row| table.contains(*row)).collect(),
        None => table.order().to_vec(),
    };
    let total = asked.len() as u64 * export::n_passes(spec.format);
    let stage = Text::new("data.stage_export");
    let tick = |done: u64| {
        cx.checkpoint()?;
        cx.progress(&stage, done, Some(total), Unit::Rows);
        Ok(())
    };
    let rows = TableRows { table: &table, rows: &asked, columns: &record.columns };
    let report = export::write(&rows, spec, &record, &tick)?;
    Ok(DatasetOutput::Exported(Arc::new(report)))
}
