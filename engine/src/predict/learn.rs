//! Rows to learn from, out of predicted ones and what a person made of them.

use super::rows::{Rows, answer_of};
use super::{filled, text_of};
use crate::data::label_in;
use crate::durable;
use anyhow::{Context as _, Result};
use glassworks_protocol::predict::{LearnReport, Mend, PredictionRecord, RowsToLearn, WhichRows};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// Writes them aside and gives the whole file its name: labelled texts of a model that sorts, questions with answers of
/// one that writes.
///
/// # Errors
/// `Failure { Input }` for a name that is taken and where no row is left; when the disk says no, and what `tick`
/// returns.
pub fn write_rows(
    record: &PredictionRecord,
    rows: &Rows,
    mends: &BTreeMap<u64, Mend>,
    spec: &RowsToLearn,
    tick: &dyn Fn(u64) -> Result<()>,
) -> Result<LearnReport> {
    if spec.out.exists() {
        let summary = Text::new("failure.out_exists").arg("path", spec.out.display());
        return Err(Failure::new(FailureKind::Input, summary)
            .hint(Text::new("failure.out_exists_hint"))
            .into());
    }
    let folder = spec.out.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let aside = spec.out.with_extension("incomplete");
    let mut file =
        BufWriter::new(File::create(&aside).with_context(|| format!("writing {}", aside.display()))?);
    let (mut n_rows, mut n_looked) = (0, 0);
    let sorts = !record.labels.is_empty();
    rows.for_each(|row, fields| {
        tick(row)?;
        let mend = mends.get(&row);
        let answer = match (mend, spec.which) {
            (Some(mend), _) => Some(mend.answer.clone()),
            (None, WhichRows::Looked) => None,
            (None, WhichRows::All) => {
                label_in(&fields).and_then(|(_, label)| label).or_else(|| answer_of(&fields))
            }
        };
        if let Some(answer) = answer.filter(|_| !text_of(&fields, &record.spec.column).trim().is_empty()) {
            writeln!(file, "{}", to_learn(record, &fields, &answer, sorts))?;
            n_rows += 1;
            n_looked += u64::from(mend.is_some());
        }
        Ok(())
    })?;
    let file = file.into_inner().context("writing rows")?;
    file.sync_all()?;
    if n_rows == 0 {
        std::fs::remove_file(&aside)?;
        return Err(Failure::new(FailureKind::Input, Text::new("failure.nothing_mended"))
            .hint(Text::new("failure.nothing_mended_hint"))
            .into());
    }
    std::fs::rename(&aside, &spec.out).with_context(|| format!("renaming {}", aside.display()))?;
    durable::sync_folder(folder)?;
    let (prediction, out) = (spec.prediction, spec.out.clone());
    let run = record.spec.tuned.map(|tuned| tuned.run);
    Ok(LearnReport { prediction, out, n_rows, n_looked, run, sorts })
}

/// A row as training reads it.
fn to_learn(record: &PredictionRecord, fields: &Map<String, Value>, answer: &str, sorts: bool) -> Value {
    let text = text_of(fields, &record.spec.column);
    if sorts {
        return json!({ "text": text, "label": answer });
    }
    let asked = match &record.spec.template {
        Some(template) => filled(template, fields),
        None => text,
    };
    json!({ "messages": [
        { "role": "user", "content": asked },
        { "role": "assistant", "content": answer },
    ] })
}
