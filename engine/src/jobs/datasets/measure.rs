//! Counting a dataset's rows in a model's tokens. Rows that have not changed since they were counted last are not
//! counted again; where rows are cut costs no counting at all.

use crate::data::{Encoder, count};
use crate::datasets::Snapshot;
use crate::datasets::seen::{self, Measured, Stamped};
use crate::job_cx::JobCx;
use crate::jobs::models::{codec_of, files_of};
use anyhow::Result;
use glassworks_datasets::table::Table;
use glassworks_protocol::Unit;
use glassworks_protocol::datasets::DatasetOutput;
use glassworks_protocol::datasets::measure::{MeasureReport, MeasureSpec};
use glassworks_protocol::datasets::rows::RowId;
use glassworks_protocol::text::Text;
use std::sync::Arc;
use std::time::Instant;

/// # Errors
/// `Failure` when the dataset or the model is gone.
pub fn run(cx: &JobCx, spec: &MeasureSpec) -> Result<DatasetOutput> {
    let begun = Instant::now();
    let Snapshot { table, record, .. } = cx.shared.datasets.snapshot(&cx.shared, spec.dataset)?;
    let codec = codec_of(cx, &spec.model)?;
    let files = files_of(cx, &spec.model)?;
    let template = files.chat_template()?;
    let encoder =
        Encoder { task: spec.task, codec: &codec, template: &template, now_ms: cx.now_ms(), rendering: None };
    let known = cx.shared.measures.like(spec);
    let known = known.filter(|known| known.mapping == record.mapping && Arc::ptr_eq(&known.codec, &codec));
    let rows = counted(cx, &table, &encoder, known.as_deref())?;
    let context_length = files.card()?.context_length;
    let counts = || {
        let of = |row: &RowId| Some((*row, &rows.get(row.0 as usize)?.as_ref()?.count));
        table.order().iter().filter_map(of)
    };
    let max_length =
        seen::max_length(spec, counts().map(|(row, count)| (table.split(row), count)), context_length);
    let report = MeasureReport {
        secs: begun.elapsed().as_secs_f64(),
        ..seen::report(spec, record.revision, counts().map(|(_, count)| count), max_length)
    };
    cx.shared.measures.keep(Arc::new(Measured {
        spec: spec.clone(),
        mapping: record.mapping,
        codec: Arc::clone(&codec),
        max_length,
        rows,
    }));
    Ok(DatasetOutput::Measured(Arc::new(report)))
}

/// Every row's count, by id.
fn counted(
    cx: &JobCx,
    table: &Table,
    encoder: &Encoder<'_>,
    known: Option<&Measured>,
) -> Result<Vec<Option<Stamped>>> {
    let n_ids = table.order().iter().map(|row| row.0 as usize + 1).max().unwrap_or(0);
    let mut rows: Vec<Option<Stamped>> = Vec::new();
    rows.resize(n_ids, None);
    let mut todo = Vec::new();
    for row in &**table.order() {
        let hash = table.facts(*row).unwrap_or_default().hash;
        match known.and_then(|known| known.row(*row, hash)) {
            Some(count) => rows[row.0 as usize] = Some(Stamped { hash, count: count.clone() }),
            None => todo.push(*row),
        }
    }
    let stage = Text::new("data.stage_measure");
    let total = todo.len() as u64;
    let tick = |done: u64| {
        cx.checkpoint()?;
        cx.progress(&stage, done, Some(total), Unit::Rows);
        Ok(())
    };
    for (row, count) in count::rows(table, &todo, encoder, &tick)? {
        let hash = table.facts(row).unwrap_or_default().hash;
        rows[row.0 as usize] = Some(Stamped { hash, count });
    }
    Ok(rows)
}
