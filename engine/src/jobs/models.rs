//! Bringing models in: describing, entering into the library, loading.

use crate::job_cx::JobCx;
use crate::shelf::{LoadedModel, ModelFiles};
use crate::tokenizer::TextCodec;
use crate::train::checkpoint;
use anyhow::Result;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::ModelId;
use glassworks_protocol::model::ModelRecord;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::RunRecord;
use glassworks_protocol::{Failure, FailureKind, JobOutput, Stored, Unit};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub fn load(cx: &JobCx, source: &ModelSource) -> Result<JobOutput> {
    let model = from_shelf(cx, source)?;
    Ok(JobOutput::Loaded(Arc::new(model.card.clone())))
}

pub fn describe(path: &Path) -> Result<JobOutput> {
    Ok(JobOutput::ModelDescribed(Arc::new(ModelFiles::open(path)?.card()?)))
}

/// Checks everything but the weights' values, and enters the model where it lies. One that is there already is
/// brought up to date under its old id.
pub fn import(cx: &JobCx, path: &Path) -> Result<JobOutput> {
    enter(cx, path, None).map(JobOutput::ModelImported)
}

/// [`import`], under a name of the caller's.
pub fn enter(cx: &JobCx, path: &Path, name: Option<&str>) -> Result<Arc<ModelRecord>> {
    let path = absolute(path)?;
    let files = ModelFiles::open(&path)?;
    let mut card = files.card()?;
    files.tokenizer()?;
    card.content_hash = hash(cx, &files, &path)?;
    let record = ModelRecord {
        id: ModelId::mint(),
        name: name.map_or_else(|| files.name(), str::to_owned),
        path,
        card,
        added_at_ms: cx.now_ms(),
        used_at_ms: None,
        starter: false,
    };
    let record = cx.wait(cx.shared.store.add_model(&record))?;
    cx.stored([Stored::Model(Arc::clone(&record))]);
    Ok(record)
}

/// The files of the model that `source` names.
pub fn files_of(cx: &JobCx, source: &ModelSource) -> Result<ModelFiles> {
    Ok(ModelFiles::open(&place(cx, source)?.0)?)
}

/// The tokenizer of the model that `source` names; its weights are not read.
pub fn codec_of(cx: &JobCx, source: &ModelSource) -> Result<Arc<TextCodec>> {
    cx.shared.shelf.codec(&place(cx, source)?.0)
}

/// Where a model lies, and what it is called.
fn place(cx: &JobCx, source: &ModelSource) -> Result<(PathBuf, String)> {
    Ok(match source {
        ModelSource::Library(id) => {
            let model = cx.wait(cx.shared.store.model(*id))?.ok_or_else(|| {
                Failure::new(FailureKind::Missing, Text::new("failure.model_gone"))
                    .hint(Text::new("failure.model_gone_hint"))
            })?;
            (model.path.clone(), model.name.clone())
        }
        ModelSource::Path(path) => (absolute(path)?, ModelFiles::open(path)?.name()),
    })
}

/// The model that `source` names, loaded if need be, with progress.
pub fn from_shelf(cx: &JobCx, source: &ModelSource) -> Result<Arc<LoadedModel>> {
    Ok(from_shelf_timed(cx, source)?.0)
}

/// [`from_shelf`], for those who do more with a model than let it write.
///
/// # Errors
/// Also `Failure { Input }` for a model that only runs, before anything of it is loaded.
pub fn own_from_shelf(cx: &JobCx, source: &ModelSource) -> Result<Arc<LoadedModel>> {
    files_of(cx, source)?.check_own()?;
    from_shelf(cx, source)
}

/// [`from_shelf`], and the seconds that loading took; `None` when the model was there.
pub fn from_shelf_timed(cx: &JobCx, source: &ModelSource) -> Result<(Arc<LoadedModel>, Option<f64>)> {
    let (path, name) = place(cx, source)?;
    let stage = Text::new("job.loading").arg("name", &name);
    let loads = AtomicBool::new(false);
    let progress = |done: u64, total: u64| {
        loads.store(true, Ordering::Relaxed);
        cx.checkpoint()?;
        cx.progress(&stage, done, Some(total), Unit::Bytes);
        Ok(())
    };
    let known = hash(cx, &ModelFiles::open(&path)?, &path)?;
    let started = Instant::now();
    let model = cx.shared.shelf.load(&path, &name, known, &cx.shared.ledger, &progress)?;
    let load_secs = loads.into_inner().then(|| started.elapsed().as_secs_f64());
    if let (ModelSource::Library(id), true) = (source, cx.shared.home.is_writer()) {
        let record = cx.wait(cx.shared.store.touch_model(*id))?;
        cx.stored([Stored::Model(record)]);
    }
    Ok((model, load_secs))
}

/// The model that `base` names with the whole weights of a run's checkpoint, in `folder`, in place of its own.
pub fn trained_from_shelf(
    cx: &JobCx,
    base: &ModelSource,
    folder: &Path,
    run: &RunRecord,
) -> Result<Arc<LoadedModel>> {
    let (path, _) = place(cx, base)?;
    let weights = folder.join(checkpoint::WEIGHTS);
    let open = || Ok(ModelFiles::open(&path)?.with_trained(weights.clone()));
    let stage = Text::new("job.loading").arg("name", &run.name);
    let progress = |done: u64, total: u64| {
        cx.checkpoint()?;
        cx.progress(&stage, done, Some(total), Unit::Bytes);
        Ok(())
    };
    let hash = run.progress.base_hash.clone();
    cx.shared.shelf.load_files(folder, &open, &run.name, hash, &cx.shared.ledger, &progress)
}

/// [`from_shelf`], for those who want words of it.
///
/// # Errors
/// Also `Failure { Input }` for a model that sorts texts.
pub fn writer_from_shelf(cx: &JobCx, source: &ModelSource) -> Result<Arc<LoadedModel>> {
    let model = from_shelf(cx, source)?;
    writes(&model)?;
    Ok(model)
}

/// # Errors
/// `Failure { Input }` for a model that sorts texts.
pub fn writes(model: &LoadedModel) -> Result<(), Failure> {
    if model.model.classes().is_empty() {
        return Ok(());
    }
    let summary = Text::new("failure.model_classifies").arg("model", &model.name);
    Err(Failure::new(FailureKind::Input, summary).hint(Text::new("failure.model_classifies_hint")))
}

/// SHA-256 of the weights: from the store if the files have not changed since, else computed and kept.
fn hash(cx: &JobCx, files: &ModelFiles, path: &Path) -> Result<String> {
    let (size, changed) = (files.size_bytes(), ns_since_1970(files.changed()));
    if let Some(known) = cx.wait(cx.shared.store.known_hash(path, size, changed))? {
        return Ok(known);
    }
    let stage = Text::new("job.hashing").arg("name", files.name());
    let hash = files.hash(&|done, total| {
        cx.checkpoint()?;
        cx.progress(&stage, done, Some(total), Unit::Bytes);
        Ok(())
    })?;
    if cx.shared.home.is_writer() {
        cx.wait(cx.shared.store.keep_hash(path, size, changed, &hash))?;
    }
    Ok(hash)
}

/// As the store keeps it; 0 where the system doesn't say.
fn ns_since_1970(time: Option<SystemTime>) -> i64 {
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_nanos() as i64)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    Ok(std::path::absolute(path)?)
}
