//! A training run: check, load, reserve, then the loop of `train::run`; what it tells is stored and sent on.

use super::models::{files_of, own_from_shelf};
use super::samples;
use super::scratch;
use super::train_hooks::{Keeping, RunHooks};
use super::unplugged;
use crate::data::{self, Dataset, Encoder, Place};
use crate::datasets::learn;
use crate::disk::gb;
use crate::durable;
use crate::failure::{self, Cancelled};
use crate::job_cx::JobCx;
use crate::models::is_head;
use crate::shelf::LoadedModel;
use crate::train::checkpoint::{self, RunState, Saved};
use crate::train::live::Held;
use crate::train::plan::{self, TrainPlan};
use crate::train::run::{Ended, Training};
use crate::train::sample::Sampler;
use anyhow::{Context as _, Result};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{
    CheckpointKind, HeldOutRow, MethodSpec, RunProgress, RunRecord, RunStatus, ScratchSpec, TrainJob,
    TrainSpec, fields,
};
use glassworks_protocol::{Failure, FailureKind, JobOutput, Signal, Stored, Unit};
use std::path::Path;
use std::sync::{Arc, TryLockError};
use std::time::Duration;

/// How often a run that waits looks whether it can begin.
pub const GLANCE: Duration = Duration::from_millis(50);

pub fn run(cx: &JobCx, job: TrainJob) -> Result<JobOutput> {
    let id = job.run();
    let (mut record, mut is_new) = match job {
        TrainJob::New { run, spec } => (begin(cx, run, *spec)?, true),
        TrainJob::Resume { run } => (find(cx, run)?, false),
    };
    let _held = hold(cx, &record)?;
    loop {
        let run = match one_turn(cx, id, record, is_new)? {
            JobOutput::Trained(run) if unplugged::has_paused(&run) => run,
            output => return Ok(output),
        };
        if let Some(paused) = unplugged::wait(cx, &run)? {
            return Ok(JobOutput::Trained(paused));
        }
        (record, is_new) = (find(cx, id)?, false);
    }
}

/// A sitting, once no other run trains.
fn one_turn(cx: &JobCx, id: RunId, record: RunRecord, is_new: bool) -> Result<JobOutput> {
    let _turn = my_turn(cx)?;
    let folder = record.folder.clone();
    let outcome = sitting(cx, record, is_new);
    // What was made for a run that did not come to be stored belongs to nobody.
    if outcome.is_err() && is_new && folder.exists() && cx.wait(cx.shared.store.run(id))?.is_none() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    outcome
}

/// The run from where it is, until it ends or is stopped.
fn sitting(cx: &JobCx, record: RunRecord, is_new: bool) -> Result<JobOutput> {
    scratch::prepare(cx, &record.spec, &record.folder)?;
    let model = own_from_shelf(cx, &record.spec.model)?;
    refuse(cx, &record.spec.problems(Some(&model.card)))?;
    refuse(cx, &plan::problems(model.own()?, &record.spec))?;
    if let MethodSpec::Full(_) = record.spec.method {
        // What cannot be written in the end is not begun.
        files_of(cx, &record.spec.model)?.companions()?;
    }
    let data = read_data(cx, &record, &model)?;
    let saved = if is_new { None } else { last_checkpoint(&record)? };
    if !is_new {
        unchanged(&record, &model, &data)?;
    }
    let plan = TrainPlan::new(record.spec.clone(), &data);
    let samples = samples::of(&model, &record.spec, &data, record.created_at_ms)?;
    enough_room(cx, &record, &plan, &model)?;
    let n_trained = plan::n_trained(model.own()?, &plan.spec.method);
    let foreseen = plan.bytes(model.own()?);
    // The rows are in memory already; they are little.
    let in_rows = data.report.n_tokens * 8;
    let beside = in_rows + samples.sampler.bytes(n_trained, &plan.spec.method);
    let _memory = cx.shared.ledger.reserve(foreseen + beside, &model.name)?;
    let record = enter(cx, record, is_new, &model, &data, &plan, foreseen, saved.as_ref())?;
    let mut keeping = Keeping::new(cx, &record, &model, &data, samples.prompts);
    let ended = work(&mut keeping, plan, &data, saved, samples.sampler);
    close(&mut keeping, &data, ended)
}

/// A new run's record, not stored yet.
fn begin(cx: &JobCx, id: RunId, mut spec: TrainSpec) -> Result<RunRecord> {
    refuse(cx, &spec.problems(None))?;
    let now_ms = cx.now_ms();
    let folder = cx.shared.home.runs().join(id.to_string());
    if spec.scratch().is_some() {
        spec.model = scratch::source(&folder);
    }
    if let Some(dataset) = &spec.data.dataset {
        // Whatever becomes of the dataset, the run goes on with these rows.
        let (pinned, told) = learn::pinned(&cx.shared, dataset)?;
        cx.stored(told.into_iter().map(Stored::Dataset));
        spec.data.dataset = Some(pinned);
    }
    Ok(RunRecord {
        id,
        name: spec.name.clone(),
        spec,
        status: RunStatus::Running,
        progress: RunProgress::default(),
        folder,
        created_at_ms: now_ms,
        changed_at_ms: now_ms,
        tags: Vec::new(),
        notes: String::new(),
        trashed_at_ms: None,
    })
}

pub fn refuse(cx: &JobCx, problems: &[fields::FieldProblem]) -> Result<()> {
    if problems.is_empty() { Ok(()) } else { Err(fields::failure(problems, cx.shared.language).into()) }
}

/// The run of this id, however it stands.
pub fn find_any(cx: &JobCx, id: RunId) -> Result<Arc<RunRecord>> {
    Ok(cx.wait(cx.shared.store.run(id))?.ok_or_else(|| {
        Failure::new(FailureKind::Missing, Text::new("failure.run_gone").arg("name", id))
            .hint(Text::new("failure.run_gone_hint"))
    })?)
}

/// One that can go on.
fn find(cx: &JobCx, id: RunId) -> Result<RunRecord> {
    let run = find_any(cx, id)?;
    if run.status == RunStatus::Done {
        return Err(Failure::new(FailureKind::Input, Text::new("failure.run_ended").arg("name", &run.name))
            .hint(Text::new("failure.run_ended_hint"))
            .into());
    }
    Ok((*run).clone())
}

/// Keeps a run for this job alone.
pub fn hold<'a>(cx: &'a JobCx, run: &RunRecord) -> Result<Held<'a>> {
    Ok(cx.shared.live.hold(run.id).ok_or_else(|| {
        Failure::new(FailureKind::Input, Text::new("failure.run_busy").arg("name", &run.name))
            .hint(Text::new("failure.run_busy_hint"))
    })?)
}

/// Waits until no other run trains.
pub fn my_turn(cx: &JobCx) -> Result<std::sync::MutexGuard<'_, ()>> {
    loop {
        match cx.shared.training.try_lock() {
            Ok(turn) => return Ok(turn),
            // Whoever held it has ended, if not well.
            Err(TryLockError::Poisoned(turn)) => return Ok(turn.into_inner()),
            Err(TryLockError::WouldBlock) => {
                cx.checkpoint()?;
                cx.progress(&Text::new("train.stage.waiting"), 0, None, Unit::Steps);
                std::thread::sleep(GLANCE);
            }
        }
    }
}

fn read_data(cx: &JobCx, record: &RunRecord, model: &LoadedModel) -> Result<Dataset> {
    let encoder = Encoder {
        task: record.spec.task,
        codec: &model.codec,
        template: &model.template,
        now_ms: record.created_at_ms,
        rendering: None,
    };
    let context_length = model.model.shape().context_length as u32;
    learn::with(&cx.shared, record.spec.data.dataset.as_ref(), &row_tick(cx), |kept| {
        data::load(&record.spec, kept, &encoder, context_length, &tick(cx))
    })
}

/// Tells how far the reading of data is.
pub fn tick(cx: &JobCx) -> impl Fn(&Path, u64, u64) -> Result<()> {
    |path, done, total| {
        cx.checkpoint()?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        cx.progress(&Text::new("train.stage.reading").arg("name", name), done, Some(total), Unit::Bytes);
        Ok(())
    }
}

/// The same of a dataset.
pub fn row_tick(cx: &JobCx) -> impl Fn(&str, u64, u64) -> Result<()> {
    |name, done, total| {
        cx.checkpoint()?;
        cx.progress(&Text::new("train.stage.reading").arg("name", name), done, Some(total), Unit::Rows);
        Ok(())
    }
}

fn last_checkpoint(record: &RunRecord) -> Result<Option<Saved>> {
    let kind = CheckpointKind::Last;
    checkpoint::is_there(&record.folder, kind).then(|| checkpoint::read(&record.folder, kind)).transpose()
}

/// A run goes on only with what it began with.
fn unchanged(record: &RunRecord, model: &LoadedModel, data: &Dataset) -> Result<()> {
    let refused = |key, hint| Failure::new(FailureKind::Input, Text::new(key)).hint(Text::new(hint));
    if record.progress.base_hash != model.card.content_hash {
        return Err(refused("failure.base_changed", "failure.base_changed_hint").into());
    }
    if record.progress.data.hash != data.report.hash {
        return Err(refused("failure.data_changed", "failure.data_changed_hint").into());
    }
    Ok(())
}

/// A run whose checkpoints and result do not fit on the disk is not begun.
fn enough_room(cx: &JobCx, record: &RunRecord, plan: &TrainPlan, model: &LoadedModel) -> Result<()> {
    let Some(free) = cx.shared.disk.free() else { return Ok(()) };
    let there: u64 = std::fs::read_dir(&record.folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| durable::folder_bytes(&entry.path()))
        .sum();
    let needed = plan.disk_bytes(model.own()?).saturating_sub(there);
    if needed <= free {
        return Ok(());
    }
    let summary = Text::new("failure.disk_room").arg("needed", gb(needed)).arg("free", gb(free));
    Err(Failure::new(FailureKind::Io, summary).hint(Text::new("failure.disk_room_hint")).into())
}

/// Stores the run as running.
#[expect(clippy::too_many_arguments, reason = "everything that a run's record says at its beginning")]
fn enter(
    cx: &JobCx,
    mut record: RunRecord,
    is_new: bool,
    model: &LoadedModel,
    data: &Dataset,
    plan: &TrainPlan,
    foreseen: u64,
    saved: Option<&Saved>,
) -> Result<RunRecord> {
    let model_name = record.spec.scratch().map_or_else(|| model.name.clone(), ScratchSpec::name);
    if record.name.is_empty() {
        record.name = format!("{model_name} · {}", record.spec.data.stem());
    }
    record.status = RunStatus::Running;
    let progress = &mut record.progress;
    progress.n_steps = plan.n_steps;
    progress.n_trained = plan.n_trained(model.own()?);
    progress.model_name = model_name;
    progress.base_hash.clone_from(&model.card.content_hash);
    progress.data = data.report.clone();
    progress.foreseen_bytes = foreseen;
    progress.failure = None;
    progress.paused_by = None;
    let step = saved.map_or(0, |saved| saved.state.step);
    progress.step = step;
    std::fs::create_dir_all(&record.folder).with_context(|| format!("making {}", record.folder.display()))?;
    let store = &cx.shared.store;
    let stored = if is_new {
        cx.wait(store.add_run(&record))?
    } else {
        cx.wait(store.drop_points_after(record.id, step))?;
        cx.wait(store.drop_looks_after(record.id, step))?;
        cx.wait(store.update_run(record.id, record.status, &record.progress))?
    };
    cx.stored([stored]);
    if is_new && !data.held_out.is_empty() {
        let row = |place: &Place| HeldOutRow {
            file: place.file.to_path_buf(),
            row: place.row,
            start: place.start.to_string(),
        };
        let rows: Vec<HeldOutRow> = data.held_out.iter().map(row).collect();
        cx.wait(store.keep_rows(record.id, &rows))?;
    }
    Ok(record)
}

fn work(
    keeping: &mut Keeping<'_>,
    plan: TrainPlan,
    data: &Dataset,
    saved: Option<Saved>,
    sampler: Sampler<'_>,
) -> Result<Ended> {
    let model = keeping.model;
    let known = saved.as_ref().map(|saved| &saved.values);
    let mut tuner = plan::tuner(model.own()?, &plan.spec, &data.report, known)?;
    // As reserved; once the longest batch has been computed, as measured.
    tuner.hold_to(plan.step_bytes(model.own()?));
    let mut state = RunState::default();
    if let Some(mut saved) = saved {
        saved.restore_moments(&mut tuner.params)?;
        state = saved.state;
    }
    let scale = match &plan.spec.method {
        MethodSpec::Lora(lora) => Some(lora.scale() as f32),
        MethodSpec::Full(_) => None,
    };
    let shared = std::sync::Arc::clone(&keeping.cx.shared);
    let live = scale.map(|scale| (shared.live.begin(keeping.record.id), scale));
    let mut training = Training::new(plan, tuner, state, data);
    training.sampler = Some(sampler);
    training.run(&mut RunHooks { keeping, live })
}

/// Tells the store how it ended.
fn close(keeping: &mut Keeping<'_>, data: &Dataset, ended: Result<Ended>) -> Result<JobOutput> {
    match ended {
        Ok(Ended::Done(ending)) => {
            keeping.record.progress.ending = Some(ending);
            keeping.make_result(data)?;
            Ok(JobOutput::Trained(keeping.settle(RunStatus::Done)?))
        }
        Ok(Ended::Paused) => {
            let asked = keeping.cx.signal() == Some(Signal::Pause);
            keeping.record.progress.paused_by = keeping.watch.paused_by().filter(|_| !asked);
            Ok(JobOutput::Trained(keeping.settle(RunStatus::Paused)?))
        }
        Err(error) if error.is::<Cancelled>() => {
            keeping.settle(RunStatus::Stopped)?;
            Err(error)
        }
        Err(error) => {
            keeping.record.progress.failure = Some(failure::from_error(&error));
            // The first error is the one to tell.
            if let Err(second) = keeping.settle(RunStatus::Failed) {
                tracing::error!("a failed run could not be stored: {second:#}");
            }
            Err(error)
        }
    }
}

/// What adapters had of dropout.
pub fn dropout(spec: &TrainSpec, n_rows: usize) -> f64 {
    match &spec.method {
        MethodSpec::Lora(lora) => lora.dropout(n_rows as u64),
        MethodSpec::Full(_) => 0.0,
    }
}

/// The names of a model's linear maps, the unembedding apart.
pub fn linear_names(model: &LoadedModel) -> Arc<Vec<String>> {
    let mut names = Vec::new();
    if let Ok(own) = model.own() {
        own.linears(&mut |name, _| names.push(name.to_owned()));
    }
    names.retain(|name| !is_head(name));
    Arc::new(names)
}
