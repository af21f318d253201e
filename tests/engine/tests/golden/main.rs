//! The engine's forward passes against what the reference implementations computed, and what becomes of folders
//! that are broken. `fixtures/README.md` describes the fixtures.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

mod beams;
mod classes;
mod composed;
mod forward;
mod gguf;
mod inside;
mod oracle;
mod over;
mod refusals;
mod run_only;
mod scored;
mod training;
mod tuning;
mod writing;

use candle_core::{Device, Tensor};
use glassworks_engine::inspect::probe::Probe;
use glassworks_engine::models::{CausalLm, ForwardCx};
use glassworks_engine::nn::KvCache;
use glassworks_engine::shelf::ModelFiles;
use glassworks_engine::train::save;
use glassworks_protocol::model::Precision;
use glassworks_protocol::train::SaveType;
use safetensors::SafeTensors;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The tiny checkpoints of `fixtures/`.
const FOLDERS: [&str; 12] = [
    "llama-gqa",
    "llama-tied",
    "llama-mha-sharded",
    "gpt2-tiny",
    "gpt2-bin",
    "qwen2-window",
    "qwen3-tied",
    "mistral-window",
    "neox-parallel",
    "neox-serial",
    "gemma2-caps",
    "gemma3-local",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn starter() -> PathBuf {
    fixtures().join("glassllm")
}

fn load(folder: &Path) -> Box<dyn CausalLm> {
    let files = ModelFiles::open(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    files.load(&|_, _| Ok(())).unwrap_or_else(|e| panic!("{}: {e:#}", folder.display()))
}

/// A golden file's tensors: shape and values, ids as numbers.
struct Golden {
    tensors: HashMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Golden {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors = file.tensors().into_iter().map(|(name, view)| {
            let words = view.data().as_chunks::<4>().0.iter();
            let values = match view.dtype() {
                safetensors::Dtype::I32 => words.map(|w| i32::from_le_bytes(*w) as f32).collect(),
                safetensors::Dtype::F32 => words.map(|w| f32::from_le_bytes(*w)).collect(),
                other => panic!("{name}: {other:?}"),
            };
            (name, (view.shape().to_vec(), values))
        });
        Self { tensors: tensors.collect() }
    }

    fn ids(&self, name: &str) -> Vec<u32> {
        self.tensors[name].1.iter().map(|id| *id as u32).collect()
    }

    /// Holds `ours` to the golden of this name: |a − b| ≤ 1e-4 + 1e-4·|b|.
    fn check(&self, what: &str, name: &str, ours: &Tensor) {
        let (shape, theirs) = &self.tensors[name];
        assert_eq!(ours.dims(), shape.as_slice(), "{what}: {name}");
        assert_close(&format!("{what}: {name}"), &values(ours), theirs);
    }
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn assert_close(what: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= 1e-4 + 1e-4 * b.abs(), "{what}: element {i} is {a}, the reference's {b}");
    }
}

/// Runs `tokens` after what is in the cache: logits of each, `[T, V]`.
fn logits(model: &dyn CausalLm, cache: &mut KvCache, probe: &mut Probe, tokens: &[u32]) -> Tensor {
    let mut cx = ForwardCx { precision: Precision::Exact, cache, probe, adapters: None, between: &|| Ok(()) };
    let hidden = model.hidden(tokens, &mut cx).unwrap();
    model.logits(&hidden, &mut cx).unwrap()
}

/// The same from nothing, nobody looking.
fn full_logits(model: &dyn CausalLm, tokens: &[u32]) -> Tensor {
    logits(model, &mut KvCache::new(model.shape()), &mut Probe::Off, tokens)
}

/// A copy of a fixture's folder to break.
/// A GGUF file's model with its weights as they are multiplied, as a folder of f32: with the other files of the folder
/// that it was made of.
fn dequantised(file: &Path, made_of: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    let companions = ModelFiles::open(made_of).unwrap().companions().unwrap();
    let (mut as_they_are, between) = (|_: &str, _: &mut [f32], _: usize| {}, |_: usize, _: usize| Ok(()));
    let (model, dtype) = (load(file), SaveType::F32);
    save::model_folder(to.path(), &companions, &*model, None, dtype, &mut as_they_are, &between).unwrap();
    to
}

fn copy(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    copy
}
