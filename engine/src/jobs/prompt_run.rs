//! A prompt over a table: a reply for each row. Some rows are written at a time, by threads that share the model's
//! passes as jobs do; each reply is on disk before anybody hears of it.

use super::heard::Heard;
use super::models::writes;
use super::tuned::{self, Chosen};
use crate::failure::{self, Cancelled};
use crate::generate::batch::HeldAdapters;
use crate::generate::decode::{self, DecodeSpec};
use crate::generate::prompt;
use crate::generate::sampler::fresh_seed;
use crate::job_cx::JobCx;
use crate::shelf::LoadedModel;
use anyhow::{Context as _, Result};
use glassworks_protocol::generate::{FinishReason, Overflow};
use glassworks_protocol::model::CacheWidth;
use glassworks_protocol::prompts::{
    PromptBody, PromptOutput, PromptResult, PromptRun, PromptTable, RunPromptSpec, SheetRow,
};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Unit};
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Rows that are written at the same time, at most: more would wait for each other.
const AT_ONCE: usize = 8;

pub fn run(cx: &JobCx, spec: &RunPromptSpec, rows: Option<&[u64]>) -> Result<PromptOutput> {
    let store = &cx.shared.store;
    let version = cx.wait(store.prompt_version(spec.prompt, spec.version))?;
    let table = cx.wait(store.prompt_table(spec.prompt))?;
    let todo = todo(&table, spec, rows);
    if todo.is_empty() {
        let failure = Failure::new(FailureKind::Input, Text::new("failure.prompt_no_rows"));
        return Err(failure.hint(Text::new("failure.prompt_no_rows_hint")).into());
    }
    let Chosen { model, adapters, .. } = tuned::choose_from(cx, &spec.model, None, spec.tuned.as_ref())?;
    writes(&model)?;
    let model_name = match spec.tuned {
        Some(tuned) => super::train::find_any(cx, tuned.run)?.name.clone(),
        None => model.name.clone(),
    };
    let record = PromptRun {
        id: spec.run,
        prompt: spec.prompt,
        spec: spec.clone(),
        model_name,
        created_at_ms: cx.now_ms(),
    };
    let known = table.runs.iter().find(|run| run.id == spec.run);
    if known.is_none() {
        let stored = cx.wait(store.keep_prompt_run(&record))?;
        cx.stored([stored]);
    }
    let total = todo.len() as u64;
    let press = Press {
        cx,
        spec,
        body: &version.body,
        model: &model,
        adapters: adapters.map(Arc::new),
        stage: Text::new("job.running_prompt").arg("name", &record.model_name),
        queue: Mutex::new(todo.into()),
        n_workers: AtomicU32::new(0),
        n_written: AtomicU32::new(0),
        n_failed: AtomicU32::new(0),
        total,
    };
    press.all()?;
    cx.checkpoint()?;
    Ok(PromptOutput::Ran {
        run: spec.run,
        n_written: press.n_written.into_inner(),
        n_failed: press.n_failed.into_inner(),
    })
}

/// The rows to write, in the table's order: those named, else those that this run has written nothing for.
fn todo(table: &PromptTable, spec: &RunPromptSpec, rows: Option<&[u64]>) -> Vec<SheetRow> {
    let done: HashSet<u64> = table
        .results
        .iter()
        .filter(|result| result.run == spec.run && result.failure.is_none())
        .map(|result| result.row)
        .collect();
    let wanted = |row: &&SheetRow| match rows {
        Some(rows) => rows.contains(&row.id),
        None => !done.contains(&row.id),
    };
    let said = |row: &&SheetRow| row.values.values().any(|value| !value.trim().is_empty());
    table.sheet.rows.iter().filter(wanted).filter(said).cloned().collect()
}

/// What all who write share.
struct Press<'a> {
    cx: &'a JobCx,
    spec: &'a RunPromptSpec,
    body: &'a PromptBody,
    model: &'a LoadedModel,
    adapters: Option<Arc<HeldAdapters>>,
    stage: Text,
    queue: Mutex<VecDeque<SheetRow>>,
    n_workers: AtomicU32,
    n_written: AtomicU32,
    n_failed: AtomicU32,
    total: u64,
}

impl Press<'_> {
    /// Writes until nothing waits.
    fn all(&self) -> Result<()> {
        let n = self.lock().len().min(AT_ONCE);
        self.n_workers.store(n as u32, Ordering::Relaxed);
        self.told();
        std::thread::scope(|scope| {
            let start = |at: usize| {
                let named = std::thread::Builder::new().name(format!("prompt-row-{at}"));
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

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<SheetRow>> {
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
            let Some(row) = self.lock().pop_front() else { return Ok(()) };
            self.cx.checkpoint()?;
            let result = match self.written(&row) {
                Ok(result) => result,
                Err(error) if error.is::<Cancelled>() => return Err(error),
                Err(error) => {
                    let failure = failure::from_error(&error);
                    // With less at once there may be room for it.
                    if failure.kind == FailureKind::Memory && self.leaves() {
                        self.lock().push_front(row);
                        return Ok(());
                    }
                    self.failed(&row, failure)
                }
            };
            let counted = if result.failure.is_some() { &self.n_failed } else { &self.n_written };
            counted.fetch_add(1, Ordering::Relaxed);
            let kept = self.cx.shared.store.keep_prompt_result(self.spec.prompt, result);
            let stored = self.cx.wait(kept)?;
            self.cx.stored([stored]);
            self.told();
        }
    }

    /// Goes, if another one stays.
    fn leaves(&self) -> bool {
        let stay = |n: u32| (n > 1).then(|| n - 1);
        self.n_workers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, stay).is_ok()
    }

    fn told(&self) {
        let done = self.n_written.load(Ordering::Relaxed) + self.n_failed.load(Ordering::Relaxed);
        self.cx.progress(&self.stage, u64::from(done), Some(self.total), Unit::Rows);
    }

    fn failed(&self, row: &SheetRow, failure: Failure) -> PromptResult {
        PromptResult { failure: Some(failure), ..self.empty(row, 0) }
    }

    fn empty(&self, row: &SheetRow, seed: u64) -> PromptResult {
        PromptResult {
            run: self.spec.run,
            row: row.id,
            values: row.values.clone(),
            text: String::new(),
            n_prompt: 0,
            n_new: 0,
            secs: 0.0,
            perplexity: None,
            seed,
            finish: None,
            failure: None,
        }
    }

    fn written(&self, row: &SheetRow) -> Result<PromptResult> {
        if let Some(problem) = self.body.problems(&row.values).into_iter().next() {
            return Ok(self.failed(row, Failure::new(FailureKind::Input, problem.why)));
        }
        let started = Instant::now();
        let sampling = &self.spec.sampling;
        let seed = sampling.seed.map_or_else(fresh_seed, Ok)?;
        let asked = self.body.prompt(&row.values, self.model.card.is_chat());
        let room = (sampling.max_new_tokens as usize).min(self.model.model.shape().context_length / 4);
        let prompt = prompt::tokens(self.model, &asked, Overflow::Refuse, room, self.cx.now_ms())?;
        let decode = DecodeSpec {
            forced: &[],
            prompt: &prompt.ids,
            reply: &[],
            sampling,
            stops: &prompt.stops,
            seed,
            precision: self.spec.precision,
            cache: CacheWidth::Full,
            adapters: self.adapters.clone(),
        };
        let mut heard = Heard::new(self.cx);
        let decoded = decode::decode(self.model, &self.cx.shared.ledger, &decode, &mut heard)?;
        if decoded.finish == FinishReason::Cancelled {
            return Err(Cancelled.into());
        }
        Ok(PromptResult {
            perplexity: heard.perplexity(),
            text: heard.text,
            n_prompt: prompt.ids.len() as u32,
            n_new: decoded.n_new as u32,
            secs: started.elapsed().as_secs_f32(),
            finish: Some(decoded.finish),
            ..self.empty(row, seed)
        })
    }
}
