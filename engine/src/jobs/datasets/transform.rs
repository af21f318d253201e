//! Changes to many rows: shown first, carried out as one version.

use super::write_rows;
use crate::datasets::{self, Batched};
use crate::job_cx::JobCx;
use anyhow::{Context as _, Result};
use glassworks_datasets::transform::{self, Tools, WordLists};
use glassworks_protocol::datasets::DatasetOutput;
use glassworks_protocol::datasets::transform::{Transform, TransformReport, TransformSpec};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Stored, Unit};
use std::sync::Arc;

const SYNONYMS: &str = "synonyms/synonyms.tsv";
const NAMES: &str = "synonyms/names.json";

/// # Errors
/// `Failure` when a form makes no sense, the dataset is gone, or it was changed while this went on.
pub fn run(cx: &JobCx, spec: &TransformSpec) -> Result<DatasetOutput> {
    let shared = &cx.shared;
    if let Transform::Write(write) = &spec.transform {
        return Ok(DatasetOutput::Transformed(Arc::new(write_rows::run(cx, spec, write)?)));
    }
    let snapshot = shared.datasets.snapshot(shared, spec.dataset)?;
    let record = &snapshot.record;
    let n_rows = spec.rows.as_ref().map_or(record.n_rows, |rows| rows.len() as u64);
    let stage = Text::new(if spec.apply { "data.stage_transform" } else { "data.stage_try" });
    let tick = |done: u64| {
        cx.checkpoint()?;
        // Rows that are compared are looked at more than once.
        cx.progress(&stage, done.min(n_rows), Some(n_rows), Unit::Rows);
        Ok(())
    };
    let salt = datasets::salt(&shared.home, spec.dataset)?;
    let lists = WordLists { synonyms: bundled(cx, SYNONYMS)?, names: bundled(cx, NAMES)? };
    let tools = Tools { salt: &salt, lists };
    let (mut report, batch) = transform::run(&snapshot.table, record.revision, spec, tools, &tick)?;
    if let Some(batch) = batch.filter(|_| spec.apply && changes_anything(&report)) {
        let with = Batched {
            revision: record.revision,
            what: what(&spec.transform, &report),
            n_more_bad: 0,
            columns: Vec::new(),
        };
        let (record, told) = datasets::commit_batch(shared, spec.dataset, batch, with)?;
        report.revision = record.revision;
        report.applied = true;
        cx.stored(told.into_iter().map(Stored::Dataset));
    }
    Ok(DatasetOutput::Transformed(Arc::new(report)))
}

/// A text that comes with the program; empty where it brings none.
fn bundled(cx: &JobCx, path: &str) -> Result<&'static str> {
    let found = cx.shared.bundled.iter().find(|(name, _)| *name == path);
    found.map_or(Ok(""), |(_, bytes)| std::str::from_utf8(bytes).context("reading a bundled list of words"))
}

fn changes_anything(report: &TransformReport) -> bool {
    report.n_changed + report.n_removed + report.n_added + report.n_moved > 0
}

/// What the version is called.
fn what(transform: &Transform, report: &TransformReport) -> Text {
    let key = match transform {
        Transform::Replace(_) => "data.version_replaced",
        Transform::Clean(_) => "data.version_cleaned",
        Transform::Privacy(_) => "data.version_privacy",
        Transform::Split(_) => "data.version_split",
        Transform::Augment(_) => "data.version_augmented",
        Transform::Write(_) => "data.version_written",
        Transform::Balance(_) => "data.version_balanced",
    };
    let n = match transform {
        Transform::Split(_) => report.n_moved,
        Transform::Augment(_) | Transform::Write(_) => report.n_added,
        _ => report.n_changed + report.n_removed + report.n_added,
    };
    Text::new(key).arg("n", n)
}
