//! Rows that a model writes: for each row the model is asked by a template, and what it answers becomes a column of a
//! new row. Some are written at a time, by threads that share the model's passes as jobs do. Stopped, it leaves the
//! dataset as it was; told to stop and keep, it adds what is written by then.

use crate::datasets::{self, Batched, Snapshot};
use crate::failure::Cancelled;
use crate::generate::batch::HeldAdapters;
use crate::generate::decode::{self, DecodeSpec};
use crate::generate::prompt;
use crate::generate::sampler::fresh_seed;
use crate::job_cx::JobCx;
use crate::jobs::heard::Heard;
use crate::jobs::models::writes;
use crate::jobs::train::find_any;
use crate::jobs::tuned::{self, Chosen};
use crate::predict::filled;
use crate::shelf::LoadedModel;
use anyhow::{Context as _, Result};
use glassworks_datasets::table::{At, Batch, Table};
use glassworks_datasets::to_line;
use glassworks_protocol::chat::{TemplateOptions, Turn};
use glassworks_protocol::datasets::roles::{ColumnKind, ColumnRecord, Mapping, Role};
use glassworks_protocol::datasets::rows::{Made, MadeHow, Row, RowId, Split};
use glassworks_protocol::datasets::transform::{TransformReport, TransformSample, TransformSpec, WriteSpec};
use glassworks_protocol::generate::{FinishReason, Overflow, Prompt, SamplingSpec};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Signal, Stored, Unit};
use serde_json::Value;
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Rows that are written at the same time, at most: more would wait for each other.
const AT_ONCE: usize = 8;
/// Rows that are written to be looked at.
const TRIED: usize = 3;
/// Samples that are told.
const TOLD: usize = 50;
/// Tries to add rows to a dataset that is being changed.
const TRIES: usize = 5;

/// What a row and a copy of it became.
struct Reply {
    row: RowId,
    copy: u32,
    text: String,
}

/// # Errors
/// `Failure` when the form makes no sense, the model cannot write, or the dataset is gone.
pub fn run(cx: &JobCx, spec: &TransformSpec, write: &WriteSpec) -> Result<TransformReport> {
    let Snapshot { table, record, .. } = cx.shared.datasets.snapshot(&cx.shared, spec.dataset)?;
    check(write, table.mapping())?;
    let mut rows = origins(&table, spec.rows.as_deref().map(Vec::as_slice));
    let n_looked_at = rows.len() as u64;
    let n_wanted = n_looked_at * u64::from(write.copies.max(1));
    let (Chosen { model, adapters, .. }, name) = writer(cx, write)?;
    let copies = if spec.apply { write.copies.max(1) } else { 1 };
    if !spec.apply {
        rows.truncate(TRIED);
    }
    let todo: VecDeque<(RowId, u32)> =
        rows.iter().flat_map(|row| (0..copies).map(|copy| (*row, copy))).collect();
    let press = Press {
        cx,
        write,
        table: &table,
        model: &model,
        adapters: adapters.map(Arc::new),
        stage: Text::new("data.stage_write").arg("name", name),
        total: todo.len() as u64,
        queue: Mutex::new(todo),
        n_workers: AtomicU32::new(0),
        n_done: AtomicU64::new(0),
        replies: Mutex::new(Vec::new()),
        refused: Mutex::new(None),
    };
    press.all()?;
    cx.checkpoint()?;
    let replies = kept(press.replies.into_inner().unwrap_or_else(PoisonError::into_inner));
    if let (true, Some(refused)) =
        (replies.is_empty(), press.refused.into_inner().unwrap_or_else(PoisonError::into_inner))
    {
        return Err(refused);
    }
    let mut report = TransformReport {
        dataset: spec.dataset,
        revision: record.revision,
        applied: false,
        n_looked_at,
        n_changed: 0,
        n_removed: 0,
        n_added: if spec.apply { replies.len() as u64 } else { n_wanted },
        n_moved: 0,
        n_same: 0,
        n_by_split: table.n_by_split(),
        n_by_kind: Vec::new(),
        samples: Vec::new(),
    };
    for reply in replies.iter().take(TOLD) {
        let before = table.row(reply.row)?;
        let after = Some(with(before.clone(), &write.column, &reply.text));
        let split = Some(Split::Train);
        report.samples.push(TransformSample { row: reply.row, before, after, added: true, split });
    }
    if spec.apply && !replies.is_empty() {
        return add(cx, spec, write, &replies, report);
    }
    report.n_by_split[0] += report.n_added;
    Ok(report)
}

/// What writes, and what it is called.
fn writer(cx: &JobCx, write: &WriteSpec) -> Result<(Chosen, String)> {
    let chosen = tuned::choose_from(cx, &write.model, None, write.tuned.as_ref())?;
    writes(&chosen.model)?;
    let name = match write.tuned {
        Some(tuned) => find_any(cx, tuned.run)?.name.clone(),
        None => chosen.model.name.clone(),
    };
    Ok((chosen, name))
}

/// A row with a text in one of its columns.
fn with(mut row: Row, column: &str, text: &str) -> Row {
    row.insert(column.to_owned(), Value::from(text));
    row
}

/// A column that a text can stand in, of which no other says places.
fn check(write: &WriteSpec, mapping: &Mapping) -> Result<(), Failure> {
    let refused = |key: &'static str| {
        let summary = Text::new(key).arg("column", &write.column);
        Err(Failure::new(FailureKind::Input, summary).hint(Text::new("data.write_column_hint")))
    };
    if write.column.trim().is_empty() {
        return refused("data.write_no_column");
    }
    let is = |role: Role| mapping.column(role) == Some(write.column.as_str());
    let structured =
        [Role::Messages, Role::Spans, Role::Tokens, Role::Tags, Role::Answers].into_iter().any(is);
    let pointed_into = is(Role::Text) && mapping.column(Role::Spans).is_some()
        || is(Role::Context) && mapping.column(Role::Answers).is_some();
    if structured || pointed_into {
        return refused("data.write_column");
    }
    if write.template.trim().is_empty() {
        return refused("data.write_no_template");
    }
    Ok(())
}

/// The rows that others are made of: none that is measured on or tested with.
fn origins(table: &Table, chosen: Option<&[RowId]>) -> Vec<RowId> {
    let trains = |row: &RowId| matches!(table.split(*row), None | Some(Split::Train));
    let all = chosen.unwrap_or_else(|| table.order().as_slice());
    all.iter().filter(|row| table.contains(**row) && trains(row)).copied().collect()
}

/// In the order of rows and copies, without those that are empty or say the same as another of their row.
fn kept(mut replies: Vec<Reply>) -> Vec<Reply> {
    replies.sort_by_key(|reply| (reply.row, reply.copy));
    let mut said = HashSet::new();
    replies.retain(|reply| !reply.text.is_empty() && said.insert((reply.row, reply.text.clone())));
    replies
}

/// Adds the new rows to the dataset as it is by now: other rows may have changed while the model wrote.
fn add(
    cx: &JobCx,
    spec: &TransformSpec,
    write: &WriteSpec,
    replies: &[Reply],
    mut report: TransformReport,
) -> Result<TransformReport> {
    for tries_left in (0..TRIES).rev() {
        let Snapshot { table, record, .. } = cx.shared.datasets.snapshot(&cx.shared, spec.dataset)?;
        let mut batch = Batch::new(&table);
        report.n_added = 0;
        for reply in replies.iter().filter(|reply| table.contains(reply.row)) {
            let line = to_line(&with(table.row(reply.row)?, &write.column, &reply.text))?;
            let made = Made { from: reply.row, how: MadeHow::Model };
            batch.add(At::After(reply.row), &line, Some(Split::Train), Some(made))?;
            report.n_added += 1;
        }
        let put = Batched {
            revision: record.revision,
            what: Text::new("data.version_written").arg("n", report.n_added),
            n_more_bad: 0,
            columns: vec![ColumnRecord { name: write.column.clone(), kind: ColumnKind::Text }],
        };
        match datasets::commit_batch(&cx.shared, spec.dataset, batch, put) {
            Ok((record, told)) => {
                told.into_iter().for_each(|one| cx.stored([Stored::Dataset(one)]));
                (report.applied, report.revision) = (true, record.revision);
                report.n_by_split = record.n_by_split;
                return Ok(report);
            }
            // Changed between the look and the change: once more.
            Err(error) if tries_left > 0 && is_changed(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(report)
}

fn is_changed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| failure.summary.key == "failure.dataset_changed")
}

/// What all who write share.
struct Press<'a> {
    cx: &'a JobCx,
    write: &'a WriteSpec,
    table: &'a Table,
    model: &'a LoadedModel,
    /// What a run made of it.
    adapters: Option<Arc<HeldAdapters>>,
    stage: Text,
    total: u64,
    queue: Mutex<VecDeque<(RowId, u32)>>,
    n_workers: AtomicU32,
    n_done: AtomicU64,
    replies: Mutex<Vec<Reply>>,
    /// Why the first of the rows was left out that the model cannot be asked about: too long, for one.
    refused: Mutex<Option<anyhow::Error>>,
}

impl Press<'_> {
    /// Writes until nothing waits.
    fn all(&self) -> Result<()> {
        let n = self.lock().len().min(AT_ONCE);
        self.n_workers.store(n as u32, Ordering::Relaxed);
        self.told();
        std::thread::scope(|scope| {
            let start = |at: usize| {
                let named = std::thread::Builder::new().name(format!("write-row-{at}"));
                named.spawn_scoped(scope, || self.work()).context("starting a thread")
            };
            let workers: Vec<_> = (0..n).map(start).collect();
            let mut ended = Ok(());
            for worker in workers {
                let done = match worker.map(std::thread::ScopedJoinHandle::join) {
                    Ok(Ok(done)) => done,
                    // The job's boundary makes a failure of it.
                    Ok(Err(payload)) => std::panic::resume_unwind(payload),
                    Err(error) => Err(error),
                };
                ended = ended.and(done);
            }
            ended
        })
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(RowId, u32)>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One row after the other, until there is none; an error leaves none to the others.
    fn work(&self) -> Result<()> {
        let done = self.rows();
        if done.is_err() {
            self.lock().clear();
        }
        done
    }

    fn rows(&self) -> Result<()> {
        loop {
            if self.cx.signal() == Some(Signal::StopKeepBest) {
                self.lock().clear();
            }
            let Some((row, copy)) = self.lock().pop_front() else { return Ok(()) };
            self.cx.checkpoint()?;
            match self.written(row, copy) {
                Ok(text) => {
                    let reply = Reply { row, copy, text };
                    self.replies.lock().unwrap_or_else(PoisonError::into_inner).push(reply);
                }
                // With less at once there may be room for it.
                Err(error) if is_of(&error, FailureKind::Memory) && self.leaves() => {
                    self.lock().push_front((row, copy));
                    return Ok(());
                }
                Err(error) if is_of(&error, FailureKind::Input) => {
                    self.refused.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
            self.n_done.fetch_add(1, Ordering::Relaxed);
            self.told();
        }
    }

    /// Goes, if another one stays.
    fn leaves(&self) -> bool {
        let stay = |n: u32| (n > 1).then(|| n - 1);
        self.n_workers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, stay).is_ok()
    }

    fn told(&self) {
        self.cx.progress(&self.stage, self.n_done.load(Ordering::Relaxed), Some(self.total), Unit::Rows);
    }

    fn written(&self, row: RowId, copy: u32) -> Result<String> {
        let text = filled(&self.write.template, &self.table.row(row)?);
        let asked = match self.model.card.is_chat() {
            true => {
                Prompt::Chat { turns: vec![Turn::new("user", text)], template: TemplateOptions::default() }
            }
            false => Prompt::Text(text),
        };
        let sampling = SamplingSpec { max_new_tokens: self.write.max_tokens, ..self.write.sampling.clone() };
        // Each copy of each row is drawn anew, the same ones for the same seed.
        let own = u64::from(row.0) << 20 | u64::from(copy);
        let seed = sampling
            .seed
            .map_or_else(fresh_seed, |seed| Ok(seed ^ own.wrapping_mul(0x9E37_79B9_7F4A_7C15)))?;
        let room = (sampling.max_new_tokens as usize).min(self.model.model.shape().context_length / 4);
        let prompt = prompt::tokens(self.model, &asked, Overflow::Refuse, room, self.cx.now_ms())?;
        let decode = DecodeSpec {
            forced: &[],
            prompt: &prompt.ids,
            reply: &[],
            sampling: &sampling,
            stops: &prompt.stops,
            seed,
            precision: Precision::Fast,
            cache: CacheWidth::Full,
            adapters: self.adapters.clone(),
        };
        let mut heard = Heard::new(self.cx);
        let decoded = decode::decode(self.model, &self.cx.shared.ledger, &decode, &mut heard)?;
        if decoded.finish == FinishReason::Cancelled {
            return Err(Cancelled.into());
        }
        Ok(heard.text.trim().to_owned())
    }
}

fn is_of(error: &anyhow::Error, kind: FailureKind) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| failure.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_that_say_nothing_new_are_left_out() {
        let reply = |row: u32, copy, text: &str| Reply { row: RowId(row), copy, text: text.to_owned() };
        let all =
            vec![reply(2, 0, "b"), reply(1, 1, "a"), reply(1, 0, "a"), reply(1, 2, ""), reply(2, 1, "a")];
        let kept: Vec<(u32, String)> = kept(all).into_iter().map(|one| (one.row.0, one.text)).collect();
        assert_eq!(kept, [(1, "a".to_owned()), (2, "b".to_owned()), (2, "a".to_owned())]);
    }
}
