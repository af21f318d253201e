//! Whole weights of a checkpoint, over the model that they were trained from; and GGUF files as the folders that are
//! written of them.

use crate::tuning::logits_with;
use crate::{assert_close, fixtures, load, values};
use glassworks_engine::shelf::ModelFiles;
use glassworks_engine::train::checkpoint::{self, About, RunState};
use glassworks_engine::train::{peft, plan, save};
use glassworks_protocol::dataset::DataReport;
use glassworks_protocol::train::{CheckpointKind, FullSpec, MethodSpec, SaveType, TrainSpec};

/// A checkpoint of whole weights, laid over the model it began with, is the model that was trained: under names with
/// and without their beginning, for matrices that files keep the other way round, and over quantised weights.
#[test]
fn a_checkpoint_over_its_base_is_the_model_that_was_trained() {
    let tokens = [5, 9, 300, 17, 255, 100];
    for name in [
        "llama-gqa",
        "llama-tied",
        "gpt2-tiny",
        "gpt2-bin",
        "qwen2-window",
        "qwen3-tied",
        "gemma2-caps",
        "gemma3-local",
        "neox-parallel",
        "neox-serial",
        "gguf/llama-tied.bf16.gguf",
    ] {
        let path = fixtures().join(name);
        let files = ModelFiles::open(&path).unwrap();
        let model = load(&path);
        let spec = TrainSpec { method: MethodSpec::Full(FullSpec::default()), ..TrainSpec::default() };
        let mut tuner =
            plan::tuner(&*model, &spec, &DataReport { n_train: 6, ..DataReport::default() }, None).unwrap();
        // Every value another one than before, as a step would leave it.
        for (i, p) in tuner.params.iter_mut().enumerate() {
            p.value.iter_mut().enumerate().for_each(|(j, x)| *x += 0.01 * ((i * 31 + j) % 7) as f32);
        }
        let run = tempfile::tempdir().unwrap();
        let about = About {
            folder: run.path(),
            base_name: "base",
            base_hash: "",
            data_hash: "",
            dropout: 0.0,
            linears: &[],
            labels: &[],
        };
        let state = RunState { step: 7, ..RunState::default() };
        let kept = checkpoint::write(&about, CheckpointKind::Last, &tuner, &spec.method, &state).unwrap();
        assert_eq!(checkpoint::step_of(&kept), Some(7));
        let trained = ModelFiles::open(&path).unwrap().with_trained(kept.join(checkpoint::WEIGHTS));
        assert!(trained.size_bytes() > files.size_bytes());
        let over = trained.load(&|_, _| Ok(())).unwrap();
        let to = tempfile::tempdir().unwrap();
        let values_of = save::trained_values(run.path(), CheckpointKind::Last).unwrap();
        let mut alter = |name: &str, out: &mut [f32], _: usize| out.copy_from_slice(&values_of[name]);
        let companions = ModelFiles::open(&path).unwrap().companions().unwrap();
        save::model_folder(to.path(), &companions, &*model, None, SaveType::F32, &mut alter, &|_, _| Ok(()))
            .unwrap();
        let [a, b] = [&over, &load(to.path())].map(|model| values(&logits_with(&**model, None, &tokens)));
        assert_eq!(a, b, "{name}");
        assert_ne!(a, values(&logits_with(&*model, None, &tokens)), "{name}");
    }
    // Over another model it is refused.
    let other = fixtures().join("llama-gqa");
    let run = tempfile::tempdir().unwrap();
    let path = run.path().join("weights.safetensors");
    let one = [("model.layers.99.mlp.up_proj.weight".to_owned(), vec![1, 2], &[0.0f32, 1.0][..])];
    peft::write_tensors(&path, one.into_iter()).unwrap();
    let refused = ModelFiles::open(&other).unwrap().with_trained(path).load(&|_, _| Ok(()));
    assert!(refused.err().unwrap().to_string().contains("layers.99"));
}

/// A folder made of a GGUF file's weights and of what it says is the same model.
#[test]
fn a_gguf_file_written_as_a_folder_is_the_same_model() {
    let tokens = [5, 9, 300, 17, 255, 100];
    for name in [
        "llama-mha-sharded.f16",
        "llama-tied.bf16",
        "mistral-window.f16",
        "qwen2-window.f16",
        "qwen3-tied.bf16",
        "gemma2-caps.f16",
        "gemma3-local.f32",
        "neox-parallel.f32",
    ] {
        let path = fixtures().join(format!("gguf/{name}.gguf"));
        let model = load(&path);
        let to = tempfile::tempdir().unwrap();
        let companions = ModelFiles::open(&path).unwrap().companions();
        let companions = companions.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        let nothing = &mut |_: &str, _: &mut [f32], _: usize| {};
        save::model_folder(to.path(), &companions, &*model, None, SaveType::F32, nothing, &|_, _| Ok(()))
            .unwrap();
        let again = load(to.path());
        let [a, b] = [&model, &again].map(|model| values(&logits_with(&**model, None, &tokens)));
        assert_close(name, &b, &a);
    }
    // What config.json has no word for is refused, not left out: this one's positions are turned by a table.
    let told =
        ModelFiles::open(&fixtures().join("gguf/llama-gqa.f32.gguf")).unwrap().companions().unwrap_err();
    assert!(told.to_string().contains("Hugging Face folder"), "{told:#}");
}
