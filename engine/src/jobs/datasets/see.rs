//! A row as a model is given it.

use crate::data::{Content, Encoder, look};
use crate::datasets::{Snapshot, seen};
use crate::job_cx::JobCx;
use crate::jobs::models::{codec_of, files_of};
use anyhow::Result;
use glassworks_protocol::datasets::DatasetOutput;
use glassworks_protocol::datasets::measure::SeeSpec;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::MAX_LENGTH;
use glassworks_protocol::{Failure, FailureKind};
use std::sync::Arc;

/// # Errors
/// `Failure` when the row or the model is gone.
pub fn run(cx: &JobCx, spec: &SeeSpec) -> Result<DatasetOutput> {
    let Snapshot { table, record, .. } = cx.shared.datasets.snapshot(&cx.shared, spec.measure.dataset)?;
    let fields = match &spec.unsaved {
        Some(fields) => fields.clone(),
        None if table.contains(spec.row) => table.row(spec.row)?,
        None => return Err(Failure::new(FailureKind::Missing, Text::new("data.row_gone")).into()),
    };
    let codec = codec_of(cx, &spec.measure.model)?;
    let files = files_of(cx, &spec.measure.model)?;
    let template = files.chat_template()?;
    let encoder = Encoder {
        task: spec.measure.task,
        codec: &codec,
        template: &template,
        now_ms: cx.now_ms(),
        rendering: None,
    };
    let measured =
        cx.shared.measures.like(&spec.measure).filter(|one| one.spec.max_length == spec.measure.max_length);
    let max_length = match measured {
        Some(measured) => measured.max_length,
        // Where most rows end is not known before they have been counted.
        None => seen::cuts_at(&spec.measure, MAX_LENGTH, files.card()?.context_length),
    };
    let content = Content::of(&fields, &record.mapping);
    Ok(DatasetOutput::Seen(Arc::new(look::seen(&encoder, spec.row, content, max_length))))
}
