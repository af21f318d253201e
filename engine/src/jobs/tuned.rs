//! What a reply is written with: a model, and what a run has made of it.

use super::models::{files_of, from_shelf};
use super::train::find_any;
use crate::generate::batch::HeldAdapters;
use crate::job_cx::JobCx;
use crate::shelf::LoadedModel;
use crate::shelf::adapter::AdapterFiles;
use crate::train::checkpoint;
use anyhow::Result;
use glassworks_protocol::generate::{GenerateSpec, ModelSource};
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{
    AdapterSource, CheckpointKind, MethodSpec, RunPart, RunRecord, RunStatus, TunedSource,
};
use glassworks_protocol::{Event, Failure, FailureKind, Notice, Unit};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A checkpoint that is being replaced is not there for a moment.
const ATTEMPTS: usize = 4;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// What writes a reply.
pub struct Chosen {
    pub model: Arc<LoadedModel>,
    pub adapters: Option<HeldAdapters>,
    /// The step of its run that the weights came from.
    pub step: Option<u64>,
}

/// Loads what `spec` names.
///
/// # Errors
/// When a file is missing or broken, memory is short, or the run has kept nothing yet.
pub fn choose(cx: &JobCx, spec: &GenerateSpec) -> Result<Chosen> {
    choose_from(cx, &spec.model, spec.adapter.as_ref(), spec.tuned.as_ref())
}

/// The same of what is named apart.
///
/// # Errors
/// As [`choose`].
pub fn choose_from(
    cx: &JobCx,
    model: &ModelSource,
    adapter: Option<&AdapterSource>,
    tuned: Option<&TunedSource>,
) -> Result<Chosen> {
    if tuned.is_some() || adapter.is_some() {
        files_of(cx, model)?.check_own()?;
    }
    let Some(tuned) = tuned else {
        let model = from_shelf(cx, model)?;
        let adapters = adapter.map(|source| adapters(cx, &model, source)).transpose()?;
        return Ok(Chosen { model, adapters, step: None });
    };
    let run = find_any(cx, tuned.run)?;
    match run.spec.method {
        MethodSpec::Lora(_) => adapted(cx, &run, model, tuned),
        MethodSpec::Full(_) => whole_of(cx, &run, model, tuned.part),
    }
}

/// The adapter that lies at `source`, fitted to the model, and the memory it takes.
///
/// # Errors
/// When it cannot be read, does not fit, or there is no memory for it.
pub fn adapters(cx: &JobCx, model: &LoadedModel, source: &AdapterSource) -> Result<HeldAdapters> {
    fit(cx, model, AdapterFiles::read(&source.path)?, source.strength)
}

fn fit(cx: &JobCx, model: &LoadedModel, files: AdapterFiles, strength: f32) -> Result<HeldAdapters> {
    if let Some(warning) = files.other_base(model) {
        cx.shared.outbox.send(Event::Notice(Notice::Alert(warning)));
    }
    let source = AdapterSource { path: PathBuf::new(), strength };
    let adapters = files.fit(&model.name, model.own()?, &source)?;
    let held = cx.shared.ledger.reserve(adapters.size_bytes(), &model.name)?;
    Ok(HeldAdapters { adapters, held })
}

fn adapted(cx: &JobCx, run: &RunRecord, base: &ModelSource, tuned: &TunedSource) -> Result<Chosen> {
    let model = from_shelf(cx, base)?;
    let (files, step) = adapter(cx, run, tuned.part)?;
    let adapters = fit(cx, &model, files, tuned.strength)?;
    Ok(Chosen { model, adapters: Some(adapters), step })
}

fn adapter(cx: &JobCx, run: &RunRecord, part: RunPart) -> Result<(AdapterFiles, Option<u64>)> {
    if part == RunPart::Live
        && let Some(live) = cx.shared.live.get(run.id)
    {
        cx.progress(&Text::new("train.stage.snapshot").arg("name", &run.name), 0, None, Unit::Steps);
        if let Some(snapshot) = live.snapshot(&|| cx.checkpoint())? {
            let hash = run.progress.base_hash.clone();
            let files = AdapterFiles::of(run.folder.clone(), snapshot.beside.clone(), hash);
            return Ok((files, Some(snapshot.step)));
        }
    }
    patiently(cx, run, part, |place| Ok((AdapterFiles::read(&place.folder)?, place.step)))
}

/// A run's whole weights over the model it began with.
///
/// # Errors
/// As [`choose`].
pub fn whole(cx: &JobCx, run: &RunRecord, base: &ModelSource, part: RunPart) -> Result<Arc<LoadedModel>> {
    Ok(whole_of(cx, run, base, part)?.model)
}

/// Where a part of a run lies.
///
/// # Errors
/// When the run has not kept it.
pub fn folder_of(run: &RunRecord, part: RunPart) -> Result<PathBuf> {
    Ok(place(run, part)?.folder)
}

fn whole_of(cx: &JobCx, run: &RunRecord, base: &ModelSource, part: RunPart) -> Result<Chosen> {
    patiently(cx, run, part, |place| {
        if place.is_result {
            let model = from_shelf(cx, &ModelSource::Path(place.folder.clone()))?;
            return Ok(Chosen { model, adapters: None, step: place.step });
        }
        let model = super::models::trained_from_shelf(cx, base, &place.folder, run)?;
        Ok(Chosen { model, adapters: None, step: place.step })
    })
}

/// Where a part lies.
struct Place {
    folder: PathBuf,
    step: Option<u64>,
    is_result: bool,
}

/// Reads a part of a run; while the run trains, once more when it was being replaced just then.
fn patiently<T>(
    cx: &JobCx,
    run: &RunRecord,
    part: RunPart,
    mut read: impl FnMut(&Place) -> Result<T>,
) -> Result<T> {
    let mut attempt = 1;
    loop {
        let done = place(run, part).and_then(|place| read(&place));
        if done.is_ok() || attempt == ATTEMPTS || run.status != RunStatus::Running {
            return done;
        }
        cx.checkpoint()?;
        attempt += 1;
        std::thread::sleep(BETWEEN_ATTEMPTS);
    }
}

fn place(run: &RunRecord, part: RunPart) -> Result<Place> {
    let at = |kind: CheckpointKind| {
        let folder = run.folder.join(kind.folder());
        let step = checkpoint::step_of(&folder);
        step.map(|step| Place { folder, step: Some(step), is_result: false })
    };
    let result = || {
        let folder = run.progress.result.clone().filter(|folder| folder.is_dir())?;
        let best = checkpoint::step_of(&run.folder.join(CheckpointKind::Best.folder()));
        let step = best.filter(|_| run.spec.checkpoints.keep_best).or(Some(run.progress.step));
        Some(Place { folder, step, is_result: true })
    };
    let found = match part {
        RunPart::Result => result(),
        RunPart::Checkpoint(kind) => at(kind),
        RunPart::Live => result().or_else(|| at(CheckpointKind::Last)),
    };
    Ok(found.ok_or_else(|| {
        Failure::new(FailureKind::Missing, Text::new("failure.run_part_gone").arg("name", &run.name))
            .hint(Text::new("failure.run_part_gone_hint"))
    })?)
}
