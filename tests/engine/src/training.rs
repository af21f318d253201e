//! A small run that every test of training begins with: sixty rows of questions and answers for the starter.

use glassworks_protocol::dataset::DataSpec;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::train::{
    BatchSpec, CheckpointSpec, ClassificationSpec, EvaluationSpec, LengthSpec, LoraSpec, MethodSpec,
    ScratchSize, ScratchSpec, TaskSpec, TrainSpec,
};
use std::path::{Path, PathBuf};

/// Files of checkpoints and models.
const NAMES: [&str; 7] = [
    "adapter_model.safetensors",
    "moments.safetensors",
    "adapter_config.json",
    "weights.safetensors",
    "model.safetensors",
    "tokenizer.json",
    "config.json",
];

/// Steps of the run.
pub const STEPS: u64 = 14;

/// Writes the rows into `folder`, if they are not there yet.
///
/// # Panics
/// When they cannot be written.
pub fn rows(folder: &Path) -> PathBuf {
    let path = folder.join("rows.jsonl");
    if !path.exists() {
        let animals = ["cat", "dog", "hare", "mouse", "owl", "fish"];
        let places = ["garden", "hall", "house", "river", "wood", "school", "sea", "town", "court", "shop"];
        let mut text = String::new();
        for animal in animals {
            for place in places {
                let row = serde_json::json!({
                    "prompt": format!("Where is the {animal}?"),
                    "completion": format!("The {animal} is in the {place}, said Alice."),
                });
                text.push_str(&row.to_string());
                text.push('\n');
            }
        }
        std::fs::write(&path, text).expect("the rows can be written");
    }
    path
}

/// Writes sixty rows of texts with one of three labels into `folder`, if they are not there yet.
///
/// # Panics
/// When they cannot be written.
pub fn sorted_rows(folder: &Path) -> PathBuf {
    let path = folder.join("sorted.csv");
    if !path.exists() {
        let mut text = "text,label\n".to_owned();
        let words =
            [("bad", "cruel"), ("good", "lovely"), ("so so", "plain"), ("bad", "ugly"), ("good", "kind")];
        for place in [
            "garden", "hall", "house", "river", "wood", "school", "sea", "town", "court", "shop", "sky",
            "hill",
        ] {
            for (label, word) in words {
                text.push_str(&format!("\"The {place}, said Alice, is {word}\",{label}\n"));
            }
        }
        std::fs::write(&path, text).expect("the rows can be written");
    }
    path
}

/// [`spec`] for [`sorted_rows`].
#[must_use]
pub fn sorting(model: &ModelSource, folder: &Path) -> TrainSpec {
    let plain = spec(model, folder);
    TrainSpec {
        data: DataSpec { files: vec![sorted_rows(folder)], validation_share: 0.2, ..DataSpec::default() },
        task: TaskSpec::Classification(ClassificationSpec::default()),
        run: LengthSpec { steps: Some(30), ..LengthSpec::default() },
        ..plain
    }
}

/// Adapters of every kind of randomness: order, dropout, first values; checkpoints every other step.
#[must_use]
pub fn spec(model: &ModelSource, folder: &Path) -> TrainSpec {
    TrainSpec {
        model: model.clone(),
        data: DataSpec { files: vec![rows(folder)], validation_share: 0.1, ..DataSpec::default() },
        method: MethodSpec::Lora(LoraSpec { rank: 4, dropout: Some(0.1), ..LoraSpec::default() }),
        batch: BatchSpec { sequences: 3, accumulation: 2, ..BatchSpec::default() },
        run: LengthSpec { steps: Some(STEPS), ..LengthSpec::default() },
        evaluation: EvaluationSpec {
            every: Some(4),
            patience: None,
            sample_tokens: 8,
            ..EvaluationSpec::default()
        },
        checkpoints: CheckpointSpec { every: Some(2), ..CheckpointSpec::default() },
        seed: 11,
        optimizer: serde_json::from_value(serde_json::json!({ "kind": "adamw", "learning_rate": 3e-3 }))
            .expect("a plain optimizer"),
        ..TrainSpec::default()
    }
}

/// A model made from nothing for the same rows, at its smallest.
#[must_use]
pub fn scratch_spec(folder: &Path) -> TrainSpec {
    let scratch = ScratchSpec { size: ScratchSize::Tiny, vocab_size: Some(320), context_length: Some(64) };
    TrainSpec {
        data: DataSpec { files: vec![rows(folder)], validation_share: 0.1, ..DataSpec::default() },
        batch: BatchSpec { sequences: 4, accumulation: 2, packing: true, ..BatchSpec::default() },
        run: LengthSpec { steps: Some(STEPS), ..LengthSpec::default() },
        evaluation: EvaluationSpec {
            every: Some(4),
            patience: None,
            sample_tokens: 8,
            ..EvaluationSpec::default()
        },
        checkpoints: CheckpointSpec { every: Some(2), ..CheckpointSpec::default() },
        seed: 11,
        ..TrainSpec::from_scratch(scratch)
    }
}

/// Everything of a finished run that has to be the same when it was interrupted: files by name.
///
/// # Panics
/// When a file cannot be read.
#[must_use]
pub fn made(run_folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for folder in ["base", "last", "best", "result"] {
        for name in NAMES {
            let path = run_folder.join(folder).join(name);
            if path.is_file() {
                all.push((format!("{folder}/{name}"), std::fs::read(path).expect("readable")));
            }
        }
    }
    all
}
