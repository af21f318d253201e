//! A model that a run makes itself: its tokenizer, trained on the run's text, and its first values.

use super::train::{row_tick, tick};
use crate::data;
use crate::datasets::learn;
use crate::durable;
use crate::job_cx::JobCx;
use crate::tokenizer::training;
use crate::train::scratch;
use anyhow::Result;
use glassworks_protocol::Unit;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::RunId;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::TrainSpec;
use std::path::{Path, PathBuf};

/// The folder of a run's first model, under the run's.
const BASE: &str = "base";

/// Where the model lies that a run in `run_folder` begins from, if it makes it.
pub fn source(run_folder: &Path) -> ModelSource {
    ModelSource::Path(run_folder.join(BASE))
}

/// Makes the first model of a run, unless it is there or the run has another; the same spec and text make the same
/// bytes.
///
/// # Errors
/// When the text cannot be read, or the disk says no.
pub fn prepare(cx: &JobCx, spec: &TrainSpec, run_folder: &Path) -> Result<()> {
    let Some(scratch) = spec.scratch() else { return Ok(()) };
    let target = run_folder.join(BASE);
    durable::settle(&target)?;
    if target.is_dir() {
        return Ok(());
    }
    let texts = learn::with(&cx.shared, spec.data.dataset.as_ref(), &row_tick(cx), |kept| {
        data::texts(&spec.data.files, kept, &tick(cx))
    })?;
    cx.checkpoint()?;
    cx.progress(&Text::new("train.stage.tokenizer"), 0, None, Unit::Tokens);
    let (tokenizer, n_tokens) = training::byte_level(&texts, scratch.vocab_size() as usize)?;
    cx.checkpoint()?;
    durable::replace_folder(&target, &mut |folder| {
        scratch::write(folder, scratch, spec.seed, &tokenizer, n_tokens)
    })
}

/// A first model made for a look, and removed with this.
pub struct Trial {
    folder: PathBuf,
}

impl Trial {
    /// The spec with a model made for it, where the run would make one; hold on to both.
    ///
    /// # Errors
    /// As [`prepare`].
    pub fn of(cx: &JobCx, spec: &TrainSpec) -> Result<(TrainSpec, Option<Self>)> {
        let mut spec = spec.clone();
        if spec.scratch().is_none() {
            return Ok((spec, None));
        }
        let name = format!("look-{}", RunId::mint());
        let trial = Self { folder: cx.shared.home.runs().join(name) };
        std::fs::create_dir_all(&trial.folder)?;
        prepare(cx, &spec, &trial.folder)?;
        spec.model = source(&trial.folder);
        Ok((spec, Some(trial)))
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!("{} stays: {error}", self.folder.display());
        }
    }
}
