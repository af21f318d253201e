//! Finding a view's rows.

use crate::datasets::Snapshot;
use crate::job_cx::JobCx;
use anyhow::Result;
use glassworks_datasets::find::{self, Context, Measured};
use glassworks_protocol::datasets::view::FoundRows;
use glassworks_protocol::datasets::{DatasetOutput, RowId, ViewSpec};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Partial, Unit};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two words about what was found; the first comes at once.
const PAUSE: Duration = Duration::from_millis(50);

/// # Errors
/// `Failure` when a pattern cannot be read or the dataset is gone.
pub fn run(cx: &JobCx, view: &ViewSpec) -> Result<DatasetOutput> {
    let shared = &cx.shared;
    let Snapshot { table, record, .. } = shared.datasets.snapshot(shared, view.dataset)?;
    let stage = Text::new("data.stage_find");
    let n_rows = record.n_rows;
    let tick = |done: u64| {
        cx.checkpoint()?;
        cx.progress(&stage, done, Some(n_rows), Unit::Rows);
        Ok(())
    };
    let mut pending: Vec<RowId> = Vec::new();
    let (mut n_told, mut told_at): (u64, Option<Instant>) = (0, None);
    let mut found = |rows: &[RowId]| {
        pending.extend_from_slice(rows);
        if pending.is_empty() || told_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        told_at = Some(Instant::now());
        let rows = Arc::new(std::mem::take(&mut pending));
        let first = n_told;
        n_told += rows.len() as u64;
        let found = FoundRows { dataset: view.dataset, revision: record.revision, first, rows };
        cx.partial(Partial::Found(Arc::new(found)));
    };
    let overview = shared.datasets.overview(view.dataset);
    let measured = match &view.measure {
        Some(spec) => shared.measures.like(spec),
        None => shared.measures.newest(view.dataset),
    };
    let count = |row: RowId| measured.as_ref()?.tokens(row, table.facts(row)?.hash);
    let measure = measured.as_ref().map(|measured| Measured {
        count: &count,
        max_length: (!measured.cuts_into_pieces()).then_some(measured.max_length),
    });
    let context = Context { findings: overview.as_ref().map(|report| &*report.findings), measure };
    let rows = find::find(&table, view, &context, &tick, &mut found)?;
    let found =
        FoundRows { dataset: view.dataset, revision: record.revision, first: 0, rows: Arc::new(rows) };
    Ok(DatasetOutput::Found(Arc::new(found)))
}
