//! A run on disk: what is trained, and in the newest checkpoint all that it takes to go on as if nothing had
//! happened. Adapters are PEFT's files, so that every checkpoint can be opened as it is.

use super::peft::{self, read_tensors, write_tensors};
use super::{Parameters, Tuner};
use crate::durable;
use anyhow::{Context as _, Result, ensure};
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{CheckpointKind, LoraSpec, MethodSpec};
use glassworks_protocol::{Failure, FailureKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Trained weights by our names, where no adapters are trained.
pub const WEIGHTS: &str = "weights.safetensors";
const MOMENTS: &str = "moments.safetensors";
const STATE: &str = "state.json";
/// Raised when a field changes its meaning.
const VERSION: u32 = 1;

/// Where a run is. Losses are kept as their bits: they are compared when it goes on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunState {
    pub version: u32,
    /// Steps done.
    pub step: u64,
    /// The epoch that the next batch is of, and its place in it.
    pub epoch: u64,
    pub batch: u64,
    /// Tokens read.
    pub n_tokens: u64,
    pub first_loss: Option<LossBits>,
    pub best_loss: Option<LossBits>,
    pub best_step: Option<u64>,
    /// Evaluations since the best one.
    pub without_better: u32,
    /// The training loss, smoothed, and its lowest so far: what tells that a run goes wrong.
    pub smooth_loss: Option<LossBits>,
    pub lowest_smooth_loss: Option<LossBits>,
    /// Parameters that no gradient has reached yet.
    pub unreached: Option<Vec<String>>,
    pub train_secs: f64,
}

/// A number that comes back to the last bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LossBits(u64);

impl LossBits {
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl From<f64> for LossBits {
    fn from(loss: f64) -> Self {
        Self(loss.to_bits())
    }
}

/// What stands beside the numbers in a checkpoint.
pub struct About<'a> {
    /// The run's folder.
    pub folder: &'a Path,
    pub base_name: &'a str,
    pub base_hash: &'a str,
    pub data_hash: &'a str,
    /// As adapters had it in training.
    pub dropout: f64,
    pub linears: &'a [String],
    /// What a head tells apart, in the order of its outputs.
    pub labels: &'a [String],
}

/// What [`read`] finds.
pub struct Saved {
    pub state: RunState,
    pub values: BTreeMap<String, Vec<f32>>,
    moments: BTreeMap<String, Vec<f32>>,
}

/// Writes the run as it is; says where it lies.
///
/// # Errors
/// When the disk says no; the checkpoint before this one is then as it was.
pub fn write(
    about: &About<'_>,
    kind: CheckpointKind,
    tuner: &Tuner<'_>,
    method: &MethodSpec,
    state: &RunState,
) -> Result<PathBuf> {
    let target = about.folder.join(kind.folder());
    durable::replace_folder(&target, &mut |folder| {
        match method {
            MethodSpec::Lora(lora) => write_adapter(folder, about, tuner, lora)?,
            MethodSpec::Full(_) => write_tensors(&folder.join(WEIGHTS), values(&tuner.params))?,
        }
        if kind == CheckpointKind::Last {
            write_tensors(&folder.join(MOMENTS), moments(&tuner.params))?;
        }
        let state = RunState { version: VERSION, ..state.clone() };
        write_text(&folder.join(STATE), &serde_json::to_string_pretty(&state)?)?;
        let mut about_json =
            serde_json::json!({ "base_hash": about.base_hash, "data_hash": about.data_hash });
        if !about.labels.is_empty() {
            about_json[peft::LABELS] = about.labels.into();
        }
        let about = about_json;
        write_text(&folder.join(peft::ABOUT), &serde_json::to_string_pretty(&about)?)
    })?;
    Ok(target)
}

fn write_adapter(folder: &Path, about: &About<'_>, tuner: &Tuner<'_>, lora: &LoraSpec) -> Result<()> {
    let (dropout, name) = (about.dropout, about.base_name);
    peft::write(folder, &tuner.params, lora, dropout, name, about.linears, tuner.is_conv1d())
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, format!("{text}\n")).with_context(|| format!("writing {}", path.display()))
}

fn values(params: &Parameters) -> impl Iterator<Item = (String, Vec<usize>, &[f32])> {
    params.iter().map(|p| (p.name.clone(), vec![p.rows, p.cols], p.value.as_slice()))
}

fn moments(params: &Parameters) -> impl Iterator<Item = (String, Vec<usize>, &[f32])> {
    params.iter().flat_map(|p| {
        let there = p.moments.iter().enumerate().filter(|(_, moment)| !moment.is_empty());
        there.map(|(i, moment)| (format!("{}.{i}", p.name), vec![moment.len()], moment.as_slice()))
    })
}

/// How many steps the checkpoint in `folder` has behind it; `None` if there is none. Changes nothing, so that a run
/// that writes is not disturbed.
#[must_use]
pub fn step_of(folder: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(folder.join(STATE)).ok()?;
    serde_json::from_str::<RunState>(&text).ok().map(|state| state.step)
}

/// Whether a run has something to go on from.
#[must_use]
pub fn is_there(run_folder: &Path, kind: CheckpointKind) -> bool {
    let target = run_folder.join(kind.folder());
    if let Err(error) = durable::settle(&target) {
        tracing::warn!("a checkpoint that was being written: {error:#}");
    }
    target.join(STATE).is_file()
}

/// Reads a checkpoint.
///
/// # Errors
/// `Failure` naming the folder.
pub fn read(run_folder: &Path, kind: CheckpointKind) -> Result<Saved> {
    let folder = run_folder.join(kind.folder());
    durable::settle(&folder)?;
    read_folder(&folder).map_err(|error| {
        let summary = Text::new("failure.checkpoint_broken").arg("folder", folder.display());
        Failure::new(FailureKind::Io, summary)
            .hint(Text::new("failure.checkpoint_broken_hint"))
            .detail(format!("{error:#}"))
            .into()
    })
}

fn read_folder(folder: &Path) -> Result<Saved> {
    let text = std::fs::read_to_string(folder.join(STATE)).context("reading its state")?;
    let state: RunState = serde_json::from_str(&text).context("reading its state")?;
    ensure!(state.version <= VERSION, "it was written by a newer version");
    let adapter = folder.join(peft::WEIGHTS);
    let values = if adapter.is_file() {
        let named = read_tensors(&adapter)?.into_iter();
        named.filter_map(|(name, value)| Some((peft::name_of_parameter(&name)?.to_owned(), value))).collect()
    } else {
        read_tensors(&folder.join(WEIGHTS))?
    };
    let moments = folder.join(MOMENTS);
    let moments = if moments.is_file() { read_tensors(&moments)? } else { BTreeMap::new() };
    Ok(Saved { state, values, moments })
}

impl Saved {
    /// Gives the optimizer its memory back.
    ///
    /// # Errors
    /// When a moment has another shape than its parameter.
    pub fn restore_moments(&mut self, params: &mut Parameters) -> Result<()> {
        for p in params.iter_mut() {
            for i in 0..p.moments.len() {
                if let Some(moment) = self.moments.remove(&format!("{}.{i}", p.name)) {
                    ensure!(moment.len() == p.value.len(), "a moment of {} has another shape", p.name);
                    p.moments[i] = moment;
                }
            }
        }
        Ok(())
    }
}
