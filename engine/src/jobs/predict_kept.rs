//! What is kept of a prediction in the home folder, and the rows to learn from that are made of it.

use super::predict_pages;
use crate::job_cx::JobCx;
use crate::predict::{self, rows::Rows};
use anyhow::Result;
use glassworks_protocol::predict::{PredictReport, PredictSpec, PredictionRecord, RowsToLearn};
use glassworks_protocol::text::Text;
use glassworks_protocol::{JobOutput, Unit};
use std::sync::Arc;

/// A prediction whose file became whole just before the program ended, and that was not told: it is told now.
///
/// # Errors
/// When the disk says no.
pub fn already_there(cx: &JobCx, spec: &PredictSpec) -> Result<Option<PredictReport>> {
    let Some(record) = known(cx, spec)?.filter(|known| known.spec == *spec && spec.out.is_file()) else {
        return Ok(None);
    };
    let rows = Rows::index(&record, &|| cx.checkpoint())?;
    if !record.done {
        predict::remove_unfinished(&spec.out)?;
    }
    let report = PredictReport {
        out: spec.out.clone(),
        n_rows: rows.whole.n_rows,
        n_before: rows.whole.n_rows,
        n_left_out: record.n_left_out,
        labels: record.labels.clone(),
    };
    end(cx, spec, &report)?;
    Ok(Some(report))
}

/// Enters a prediction into the list, where it is to be kept.
///
/// # Errors
/// When the disk says no.
pub fn begin(cx: &JobCx, spec: &PredictSpec, model_name: &str, labels: &[String]) -> Result<()> {
    let Some(id) = spec.keep else { return Ok(()) };
    let before = known(cx, spec)?;
    let record = PredictionRecord {
        id,
        spec: spec.clone(),
        model_name: model_name.to_owned(),
        done: false,
        n_rows: predict::left(&spec.out).map_or(0, |left| left.n_rows),
        n_left_out: 0,
        labels: labels.to_vec(),
        created_at_ms: before.map_or(cx.now_ms(), |before| before.created_at_ms),
        n_mended: 0,
        n_confirmed: 0,
        can_undo: false,
        can_redo: false,
    };
    let stored = cx.wait(cx.shared.store.keep_prediction(&record))?;
    cx.stored([stored]);
    Ok(())
}

/// Notes that all rows are there.
///
/// # Errors
/// When the disk says no.
pub fn end(cx: &JobCx, spec: &PredictSpec, report: &PredictReport) -> Result<()> {
    let Some(record) = known(cx, spec)? else { return Ok(()) };
    let (n_rows, n_left_out) = (report.n_rows, report.n_left_out);
    let record = PredictionRecord { done: true, n_rows, n_left_out, ..record };
    let stored = cx.wait(cx.shared.store.keep_prediction(&record))?;
    cx.stored([stored]);
    Ok(())
}

/// What is kept of it already.
fn known(cx: &JobCx, spec: &PredictSpec) -> Result<Option<PredictionRecord>> {
    let Some(id) = spec.keep else { return Ok(None) };
    let all = cx.wait(cx.shared.store.predictions())?;
    Ok(all.into_iter().find(|record| record.id == id))
}

/// Writes rows to learn from, with what a person said of the answers.
///
/// # Errors
/// As [`predict::write_rows`].
pub fn keep_rows(cx: &JobCx, spec: &RowsToLearn) -> Result<JobOutput> {
    let record = cx.wait(cx.shared.store.prediction(spec.prediction))?;
    let mends = cx.wait(cx.shared.store.mends(spec.prediction))?;
    let rows = predict_pages::indexed(&cx.shared, &record)?;
    let name = spec.out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stage = Text::new("job.keeping_rows").arg("name", name);
    let total = Some(rows.whole.n_rows);
    let tick = |row: u64| {
        if row.is_multiple_of(256) {
            cx.checkpoint()?;
            cx.progress(&stage, row, total, Unit::Rows);
        }
        Ok(())
    };
    let report = predict::write_rows(&record, &rows, &mends, spec, &tick)?;
    Ok(JobOutput::RowsKept(Arc::new(report)))
}
