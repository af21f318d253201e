//! Looking inside through the seam: captures beside the reference's attentions and the model's own eager pass, budgets,
//! stops, scores of heads. What pure functions of a capture do is tested beside them.

mod ablate;
mod capture;
mod heads;
mod lens;

use glassworks_engine::inspect::probe::{Capture as Probed, CapturePlan as ProbePlan, Probe, Site};
use glassworks_engine::models::{CausalLm, ForwardCx};
use glassworks_engine::nn::KvCache;
use glassworks_engine::shelf::ModelFiles;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::CaptureId;
use glassworks_protocol::inside::{Capture, CapturePlan, CaptureSpec, InsideJob, InsideOutput, Subject};
use glassworks_protocol::model::Precision;
use glassworks_protocol::{JobOutput, JobSpec};
use glassworks_tests_engine::{Lab, fixtures};
use safetensors::SafeTensors;
use std::path::Path;
use std::sync::Arc;

/// One fixture of each architecture that is our own, and of what its attention can have.
pub const FOLDERS: [&str; 12] = [
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

pub fn lab() -> (tempfile::TempDir, Lab) {
    let home = tempfile::tempdir().expect("a folder");
    let lab = Lab::open(home.path());
    (home, lab)
}

pub fn of(name: &str) -> ModelSource {
    ModelSource::Path(fixtures().join(name))
}

pub fn spec(model: ModelSource, ids: &[u32]) -> CaptureSpec {
    CaptureSpec {
        id: CaptureId::mint(),
        model,
        tuned: None,
        subject: Subject::Tokens(ids.to_vec()),
        plan: CapturePlan::default(),
    }
}

pub fn capture(lab: &mut Lab, spec: CaptureSpec) -> Arc<Capture> {
    match lab.done(JobSpec::Inside(InsideJob::Capture(Box::new(spec)))) {
        JobOutput::Inside(InsideOutput::Captured(capture)) => capture,
        other => panic!("{other:?}"),
    }
}

pub fn load(folder: &Path) -> Box<dyn CausalLm> {
    ModelFiles::open(folder).expect("a model").load(&|_, _| Ok(())).expect("loads")
}

/// Ids that any fixture has.
pub fn some_ids(n: usize) -> Vec<u32> {
    (0..n as u32).map(|i| i.wrapping_mul(i).wrapping_add(41 * i + 5) % 512).collect()
}

/// The model's eager attentions `[H, T, T]` a layer, its residual stream `[T, D]` and its logits `[T, V]`, by candle.
pub fn eager(model: &dyn CausalLm, ids: &[u32]) -> (Vec<Vec<f32>>, Vec<Vec<f32>>, Vec<f32>) {
    let plan = ProbePlan { hidden: true, attention: true, head_outputs: false };
    let mut probe = Probe::capture(plan);
    let logits = by_candle(model, ids, &mut probe);
    let Probe::Capture(Probed { seen, .. }) = probe else { panic!("a capture") };
    let n = model.shape().n_layers;
    let values = |site: Site| seen[&site].flatten_all().and_then(|t| t.to_vec1()).expect("numbers");
    (
        (0..n).map(|l| values(Site::Attention(l))).collect(),
        (0..=n).map(|l| values(Site::Hidden(l))).collect(),
        logits,
    )
}

/// The model's own pass with someone at the probe: its logits `[T, V]`.
pub fn by_candle(model: &dyn CausalLm, ids: &[u32], probe: &mut Probe) -> Vec<f32> {
    let mut cache = KvCache::new(model.shape());
    let between = &|| Ok(());
    let mut cx = ForwardCx { precision: Precision::Exact, cache: &mut cache, probe, adapters: None, between };
    let hidden = model.hidden(ids, &mut cx).expect("runs");
    let logits = model.logits(&hidden, &mut cx).expect("runs");
    logits.flatten_all().and_then(|t| t.to_vec1()).expect("numbers")
}

/// A tensor of a fixture's golden file.
pub fn golden(name: &str, tensor: &str) -> Vec<f32> {
    let bytes = std::fs::read(fixtures().join(name).join("golden.safetensors")).expect("there");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let view = file.tensor(tensor).expect(tensor);
    let words = view.data().as_chunks::<4>().0.iter();
    match view.dtype() {
        safetensors::Dtype::I32 => words.map(|w| i32::from_le_bytes(*w) as f32).collect(),
        _ => words.map(|w| f32::from_le_bytes(*w)).collect(),
    }
}

pub fn close(what: &str, ours: &[f32], theirs: &[f32], tolerance: f32) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{what}: element {i} is {a} beside {b}");
    }
}

/// A layer's maps as `[H, T, T]`, zeros where masked.
pub fn maps(capture: &Capture, layer: u32) -> Vec<f32> {
    let layer = capture.layer(layer).expect("captured");
    let t = capture.n_tokens();
    let mut all = Vec::new();
    let mut row = Vec::new();
    for head in 0..layer.shape.n_heads as usize {
        for query in 0..t {
            layer.maps.row(&layer.shape, head, query, &mut row);
            row.resize(t, 0.0);
            all.extend_from_slice(&row);
        }
    }
    all
}
