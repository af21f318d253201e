//! Deleting runs for good: first what they keep on disk, then what is known of them, so that a run whose files could
//! not all go is still there to be deleted again.

use super::train::{find_any, hold};
use crate::job_cx::JobCx;
use anyhow::{Context as _, Result};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::RunRecord;
use glassworks_protocol::{Edit, JobOutput, Unit};
use std::fs;
use std::io;
use std::path::Path;

pub fn run(cx: &JobCx, runs: &[RunId]) -> Result<JobOutput> {
    let stage = Text::new("train.stage.deleting");
    let mut freed_bytes = 0;
    for (i, id) in runs.iter().enumerate() {
        cx.checkpoint()?;
        cx.progress(&stage, i as u64, Some(runs.len() as u64), Unit::Files);
        freed_bytes += delete(cx, &*find_any(cx, *id)?)?;
    }
    Ok(JobOutput::RunsDeleted { n_runs: runs.len() as u32, freed_bytes })
}

/// Says how many bytes it took.
fn delete(cx: &JobCx, run: &RunRecord) -> Result<u64> {
    let _held = hold(cx, run)?;
    // A model that it made is in the library and lies in its folder.
    let models = cx.wait(cx.shared.store.models())?;
    for model in models.iter().filter(|model| model.path.starts_with(&run.folder)) {
        cx.stored(cx.wait(cx.shared.store.edit(Edit::RemoveModel(model.id)))?);
        cx.shared.shelf.forget(&model.path);
    }
    let freed_bytes = if is_of(run, &cx.shared.home.runs()) { remove(&run.folder)? } else { 0 };
    let stored = cx.wait(cx.shared.store.delete_run(run.id))?;
    cx.stored([stored]);
    Ok(freed_bytes)
}

/// Nothing is deleted but a folder of the run's own: a database can come from anywhere.
fn is_of(run: &RunRecord, runs: &Path) -> bool {
    run.folder == runs.join(run.id.to_string())
}

fn remove(folder: &Path) -> Result<u64> {
    let bytes = bytes_below(folder);
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).with_context(|| format!("removing {}", folder.display())),
    }
}

/// Of all files in a folder and in those below it; what a link points to is not in it.
fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    bytes.sum()
}
