//! Telling labels apart with a head in place of the unembedding, against torch, transformers, PEFT and scikit-learn:
//! losses, logits, gradients and steps; heads as they are opened, saved and merged; measures.

use crate::training::{turn, under_every_cap};
use crate::{Golden, assert_close, fixtures, load};
use glassworks_engine::data::class_weights;
use glassworks_engine::models::CausalLm;
use glassworks_engine::shelf::ModelFiles;
use glassworks_engine::shelf::adapter::AdapterFiles;
use glassworks_engine::train::{
    AdamWConfig, Batch, BatchLoss, ClassHead, Classified, Factors, LoraConfig, PartConfig, StepConfig, Tune,
    Tuner, save,
};
use glassworks_kernels::dispatch::{Isa, Precision};
use glassworks_protocol::dataset::LabelCount;
use glassworks_protocol::train::{
    AdapterSource, ClassWeights, ClassificationSpec, ConfusionMatrix, SaveType,
};
use serde_json::Value;
use std::path::Path;

const MODELS: [&str; 4] = ["llama-gqa", "gpt2-tiny", "neox-parallel", "gemma2-caps"];
const EXACT: StepConfig = StepConfig { precision: Precision::Exact, recompute: false, smoothing: 0.0 };
const N_CLASSES: usize = 3;

fn class_loss(tuner: &Tuner<'_>, batch: &Batch, said: &Classified) -> BatchLoss {
    let mut all = BatchLoss::default();
    tuner.class_losses(batch, said).into_iter().for_each(|one| all.add(one));
    all
}

fn golden(name: &str) -> Golden {
    Golden::read(&fixtures().join(format!("training/class-{name}.safetensors")))
}

/// The texts of a fixture, with classes where it has some.
fn batch(golden: &Golden) -> Batch {
    let tokens = golden.ids("tokens");
    let classes = golden.tensors.get("labels").map(|(_, labels)| labels);
    let (mut batch, mut from) = (Batch::default(), 0);
    for (i, length) in golden.ids("lengths").into_iter().enumerate() {
        let to = from + length as usize;
        batch.push_class(&tokens[from..to], classes.map_or(0, |classes| classes[i] as u32));
        from = to;
    }
    batch
}

fn head(golden: &Golden, class_weights: Option<Vec<f32>>) -> Option<ClassHead> {
    Some(ClassHead { n_classes: N_CLASSES, weight: golden.tensors["score"].1.clone(), class_weights })
}

fn full<'m>(model: &'m dyn CausalLm, golden: &Golden, config: StepConfig) -> Tuner<'m> {
    Tuner::with_head(model, Tune::Full, config, head(golden, None)).unwrap()
}

fn lora<'m>(model: &'m dyn CausalLm, golden: &Golden, config: StepConfig) -> Tuner<'m> {
    let key = |name: &str, part: &str| format!("lora.{name}.lora_{part}");
    let targets = |name: &str| golden.tensors.contains_key(&key(name, "A"));
    let mut values = |name: &str, _: usize, _: usize| {
        let [a, b] = ["A", "B"].map(|part| golden.tensors[&key(name, part)].1.clone());
        Ok(Factors { a, b })
    };
    let lora = LoraConfig { rank: 4, scale: 8.0 / 4.0, dropout: 0.0, targets: &targets, values: &mut values };
    Tuner::with_head(model, Tune::Lora(lora), config, head(golden, None)).unwrap()
}

fn accumulate(tuner: &mut Tuner, batch: &Batch) -> f64 {
    let scale = 1.0 / tuner.target_weight(batch) as f32;
    tuner.accumulate(batch, scale, &|| Ok(())).unwrap().mean()
}

fn check_gradients(what: &str, golden: &Golden, prefix: &str, tuner: &Tuner) {
    let prefix = format!("{prefix}grad.");
    let theirs = golden.tensors.keys().filter(|key| key.starts_with(&prefix)).count();
    assert_eq!(tuner.params.iter().count(), theirs, "{what}: as many parameters as the reference trains");
    for p in tuner.params.iter() {
        let theirs = &golden.tensors[&format!("{prefix}{}", p.name)].1;
        let turned = tuner.is_conv1d() && p.name.contains(".h.") && p.name.ends_with(".weight") && p.rows > 1;
        let at = |i: usize| if turned { i % p.rows * p.cols + i / p.rows } else { i };
        let ours: Vec<f32> = (0..p.grad.len()).map(|i| p.grad[at(i)]).collect();
        assert_close(&format!("{what}: {}", p.name), &ours, theirs);
    }
}

#[test]
fn losses_and_gradients_are_those_of_transformers_and_peft_under_every_cap() {
    let _turn = turn();
    under_every_cap(|isa: Isa| {
        for name in MODELS {
            let (golden, model) = (golden(name), load(&fixtures().join(name)));
            let batch = batch(&golden);
            for recompute in [false, true] {
                let config = StepConfig { recompute, ..EXACT };
                for (prefix, mut tuner) in
                    [("", full(&*model, &golden, config)), ("lora.", lora(&*model, &golden, config))]
                {
                    let what = format!("{name}, {isa}, {prefix}");
                    let said = tuner.classify(&batch, &|| Ok(())).unwrap();
                    assert_close(&what, &said.logits, &golden.tensors[&format!("{prefix}logits")].1);
                    let loss = accumulate(&mut tuner, &batch);
                    assert_close(&what, &[loss as f32], &golden.tensors[&format!("{prefix}loss")].1);
                    check_gradients(&what, &golden, prefix, &tuner);
                    assert!(tuner.params.check_reached().is_ok(), "{what}");
                    let alone = tuner.evaluate(&batch, &|| Ok(())).unwrap();
                    let from_logits = class_loss(&tuner, &batch, &said);
                    assert!((alone.mean() - loss).abs() < 1e-6, "{what}");
                    assert!((from_logits.mean() - loss).abs() < 1e-5, "{what}: {from_logits:?}");
                }
            }
        }
    });
}

#[test]
fn ten_steps_are_those_of_transformers_and_peft() {
    let _turn = turn();
    for name in MODELS {
        let (golden, model) = (golden(name), load(&fixtures().join(name)));
        let batch = batch(&golden);
        for case in ["full", "lora"] {
            let mut tuner =
                if case == "full" { full(&*model, &golden, EXACT) } else { lora(&*model, &golden, EXACT) };
            let mut losses = Vec::new();
            for step in 1..=10 {
                tuner.params.zero_grad();
                losses.push(accumulate(&mut tuner, &batch) as f32);
                tuner.params.adamw(AdamWConfig::default(), 1e-3, step, Some(1.0));
            }
            let theirs = &golden.tensors[&format!("{case}.losses")].1;
            assert_close(&format!("{name}, {case}"), &losses, theirs);
            assert_eq!(losses.len(), theirs.len());
        }
    }
}

/// QLoRA: a head on weights that stay quantised learns as on the same weights in f32, and not as on what they were
/// quantised from.
#[test]
fn a_head_on_quantised_weights_learns_as_on_dequantised_ones() {
    let _turn = turn();
    let (golden, file) = (golden("llama-gqa"), fixtures().join("gguf/llama-gqa.q8_0.gguf"));
    let folder = crate::dequantised(&file, &fixtures().join("llama-gqa"));
    let (quantised, plain) = (load(&file), load(folder.path()));
    let batch = batch(&golden);
    let [mut ours, mut theirs] = [&quantised, &plain].map(|model| lora(&**model, &golden, EXACT));
    let logits = [&ours, &theirs].map(|tuner| tuner.classify(&batch, &|| Ok(())).unwrap().logits);
    assert_close("logits", &logits[0], &logits[1]);
    let (mut losses, mut expected) = (Vec::new(), Vec::new());
    for step in 1..=10 {
        for (tuner, losses) in [(&mut ours, &mut losses), (&mut theirs, &mut expected)] {
            tuner.params.zero_grad();
            losses.push(accumulate(tuner, &batch) as f32);
        }
        let names: Vec<&str> = ours.params.iter().map(|p| p.name.as_str()).collect();
        assert!(names.contains(&"score.weight") && names.len() > 1, "{names:?}");
        for (a, b) in ours.params.iter().zip(theirs.params.iter()) {
            assert_eq!(a.name, b.name);
            assert_close(&format!("step {step}: {}", a.name), &a.grad, &b.grad);
        }
        for tuner in [&mut ours, &mut theirs] {
            tuner.params.adamw(AdamWConfig::default(), 1e-3, step, Some(1.0));
        }
    }
    assert_close("ten steps", &losses, &expected);
    assert!(losses[9] < losses[0], "it learns: {losses:?}");
    let unquantised = &golden.tensors["lora.losses"].1;
    assert!(losses.iter().zip(unquantised).any(|(a, b)| (a - b).abs() > 1e-4), "quantising does something");
}

#[test]
fn rows_count_by_their_labels_as_in_torch() {
    let _turn = turn();
    for name in MODELS {
        let (golden, model) = (golden(name), load(&fixtures().join(name)));
        let batch = batch(&golden);
        let weights = golden.tensors["weighted.weights"].1.clone();
        let head = head(&golden, Some(weights));
        let mut tuner = Tuner::with_head(&*model, Tune::Full, EXACT, head).unwrap();
        let loss = accumulate(&mut tuner, &batch);
        assert_close(name, &[loss as f32], &golden.tensors["weighted.loss"].1);
        let score = tuner.params.iter().find(|p| p.name == "score.weight").unwrap();
        assert_close(name, &score.grad, &golden.tensors["weighted.grad.score.weight"].1);
        let said = tuner.classify(&batch, &|| Ok(())).unwrap();
        assert!((class_loss(&tuner, &batch, &said).mean() - loss).abs() < 1e-5, "{name}");
        assert!((tuner.evaluate(&batch, &|| Ok(())).unwrap().mean() - loss).abs() < 1e-6, "{name}");
    }
}

/// The head is trained when all else is frozen, and a base's own unembedding is not.
#[test]
fn a_head_is_trained_with_every_part() {
    for name in MODELS {
        let (golden, model) = (golden(name), load(&fixtures().join(name)));
        let last = model.shape().n_layers;
        let part = PartConfig { first_layer: last, freeze_embeddings: true, freeze_norms: true };
        let mut tuner = Tuner::with_head(&*model, Tune::Part(part), EXACT, head(&golden, None)).unwrap();
        accumulate(&mut tuner, &batch(&golden));
        let names: Vec<&str> = tuner.params.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["score.weight"], "{name}");
        assert_close(name, &tuner.params.iter().next().unwrap().grad, &golden.tensors["grad.score.weight"].1);
        let all = full(&*model, &golden, EXACT);
        let strange = |name: &str| name.starts_with("lm_head") || name.starts_with("embed_out");
        assert!(all.params.iter().all(|p| !strange(&p.name)), "{name}");
    }
}

fn check_folder(what: &str, folder: &Path, golden: &Golden, labels: &[&str]) {
    let model = load(folder);
    assert_eq!(model.classes(), labels, "{what}");
    assert_eq!(ModelFiles::open(folder).unwrap().card().unwrap().labels, labels, "{what}");
    let tuner = Tuner::new(&*model, Tune::Part(PartConfig::default()), EXACT).unwrap();
    let said = tuner.classify(&batch(golden), &|| Ok(())).unwrap();
    assert_close(what, &said.logits, &golden.tensors["logits"].1);
}

#[test]
fn a_classifier_of_transformers_is_opened_as_one() {
    let folder = fixtures().join("class-llama");
    let golden = Golden::read(&folder.join("logits.safetensors"));
    check_folder("class-llama", &folder, &golden, &["bad", "good", "so so"]);
    let check = |field: &str, value: Value| {
        let copy = crate::copy(&folder);
        let path = copy.path().join("config.json");
        let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        config[field] = value;
        std::fs::write(&path, config.to_string()).unwrap();
        ModelFiles::open(copy.path()).err().map(|failure| failure.to_string()).unwrap_or_default()
    };
    assert!(check("problem_type", "regression".into()).contains("problem_type"));
    assert!(check("id2label", serde_json::json!({ "0": "one" })).contains("id2label"));
    assert!(check("num_labels", 1.into()).is_empty(), "names are what counts");
}

/// PEFT's adapter with a head beside it, worked into the weights: a classifier with the same answers.
#[test]
fn an_adapter_with_a_head_is_read_and_merged() {
    for name in ["llama-gqa", "gpt2-tiny"] {
        let model = load(&fixtures().join(name));
        let folder = fixtures().join(format!("adapters/class-{name}"));
        let golden = Golden::read(&folder.join("logits.safetensors"));
        let adapter = AdapterFiles::read(&folder).unwrap_or_else(|e| panic!("{e:#}"));
        adapter.check(name, &*model).unwrap();
        let head = adapter.head.as_ref().unwrap();
        assert_eq!(head.labels, ["LABEL_0", "LABEL_1", "LABEL_2"], "as transformers calls what has no name");
        let to = tempfile::tempdir().unwrap();
        let companions = ModelFiles::open(&fixtures().join(name)).unwrap().companions().unwrap();
        let mut alter = |name: &str, values: &mut [f32], n_in: usize| {
            if let Some(one) = name.strip_suffix(".weight").and_then(|name| adapter.beside.get(name)) {
                one.merge_into(values, n_in, 1.0);
            }
        };
        let saved = save::SavedHead { labels: &head.labels, weight: &head.weight, pad: Some(0) };
        let (dtype, between) = (SaveType::F32, |_: usize, _: usize| Ok(()));
        save::model_folder(to.path(), &companions, &*model, Some(&saved), dtype, &mut alter, &between)
            .unwrap();
        check_folder(name, to.path(), &golden, &["LABEL_0", "LABEL_1", "LABEL_2"]);
        let source = AdapterSource { path: folder.clone(), strength: 1.0 };
        let refused = adapter.fit(name, &*model, &source).err().unwrap();
        assert_eq!(refused.summary.key, "failure.adapter_classifies");
    }
}

#[test]
fn measures_are_those_of_scikit_learn() {
    let cases: Vec<Value> =
        serde_json::from_slice(&std::fs::read(fixtures().join("training/classes.json")).unwrap()).unwrap();
    let near = |what: &str, ours: f64, theirs: &Value| {
        let theirs = theirs.as_f64().unwrap();
        assert!((ours - theirs).abs() < 1e-12, "{what}: {ours}, scikit-learn's {theirs}");
    };
    for case in &cases {
        let n = case["n_labels"].as_u64().unwrap() as usize;
        let labels = |key: &str| -> Vec<usize> { serde_json::from_value(case[key].clone()).unwrap() };
        let mut matrix = ConfusionMatrix::new((0..n).map(|i| i.to_string()).collect());
        labels("truth").into_iter().zip(labels("said")).for_each(|(truth, said)| matrix.add(truth, said));
        assert_eq!(serde_json::to_value(&matrix.counts).unwrap(), case["confusion"]);
        near("accuracy", matrix.accuracy(), &case["accuracy"]);
        near("macro F1", matrix.macro_f1(), &case["macro_f1"]);
        let (low, high) = matrix.accuracy_interval();
        near("low end", low, &case["wilson"][0]);
        near("high end", high, &case["wilson"][1]);
        for (i, row) in matrix.rows().iter().enumerate() {
            near("precision", row.precision, &case["precision"][i]);
            near("recall", row.recall, &case["recall"][i]);
            near("F1", row.f1, &case["f1"][i]);
            near("support", row.support as f64, &case["support"][i]);
        }
        let counts: Vec<LabelCount> = (matrix.rows().iter())
            .map(|row| LabelCount { name: row.label.to_owned(), n_train: row.support, n_validation: 0 })
            .collect();
        let weights =
            class_weights(&counts, &ClassificationSpec { class_weights: ClassWeights::Balanced }).unwrap();
        for (label, theirs) in case["balanced"].as_object().unwrap() {
            let ours = weights[label.parse::<usize>().unwrap()];
            assert!((f64::from(ours) / theirs.as_f64().unwrap() - 1.0).abs() < 1e-6, "{label}: {ours}");
        }
    }
    assert_eq!(cases.len(), 6);
}
