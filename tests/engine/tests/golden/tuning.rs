//! What a run does beyond a step, against torch, transformers and PEFT: schedules, weight decay, SGD, smoothing,
//! frozen parts, rsLoRA, dropout; adapters as they are opened and merged; masks; memory as it is foreseen.

use crate::{Golden, assert_close, fixtures, load, values};
use candle_core::Tensor;
use glassworks_engine::chat_template::ChatTemplate;
use glassworks_engine::data::{Content, Dataset, Encoder, Example, look};
use glassworks_engine::inspect::probe::Probe;
use glassworks_engine::models::{CausalLm, ForwardCx};
use glassworks_engine::nn::{Adapters, KvCache};
use glassworks_engine::shelf::ModelFiles;
use glassworks_engine::shelf::adapter::AdapterFiles;
use glassworks_engine::tokenizer::TextCodec;
use glassworks_engine::train::plan::{self, TrainPlan};
use glassworks_engine::train::{
    Batch, Factors, LoraConfig, Optimizer, PartConfig, Schedule, StepConfig, Tune, Tuner, save,
};
use glassworks_kernels::dispatch::Precision;
use glassworks_protocol::chat::Turn;
use glassworks_protocol::dataset::DataReport;
use glassworks_protocol::datasets::roles::{DataTask, Mapping, Role};
use glassworks_protocol::datasets::rows::RowId;
use glassworks_protocol::model;
use glassworks_protocol::train::{
    AdamWSpec, AdapterSource, FullSpec, LoraSpec, MethodSpec, OptimizerSpec, SaveType, SgdSpec, TaskSpec,
    TrainSpec,
};
use serde_json::{Value, json};
use std::path::Path;

const MODELS: [&str; 2] = ["llama-gqa", "gpt2-tiny"];
const EXACT: StepConfig = StepConfig { precision: Precision::Exact, recompute: false, smoothing: 0.0 };
const MAX_NORM: Option<f64> = Some(1.0);
/// In `export_tuning.py`.
const DROPOUT: f64 = 0.25;
const DROPOUT_KEY: u64 = 12_345;

fn golden(name: &str) -> Golden {
    Golden::read(&fixtures().join(format!("training/tuning-{name}.safetensors")))
}

fn json(name: &str) -> Vec<Value> {
    serde_json::from_slice(&std::fs::read(fixtures().join(name)).unwrap()).unwrap()
}

#[test]
fn schedules_are_those_of_transformers() {
    let cases = json("training/schedules.json");
    for case in &cases {
        let n_steps = case["n_steps"].as_u64().unwrap();
        let spec = json!({
            "schedule": { "kind": case["kind"], "warmup_share": case["warmup_share"] },
            "optimizer": { "learning_rate": 1.0 },
        });
        let schedule = Schedule::of(&TrainSpec::from_new(&spec).unwrap(), n_steps);
        for (step, factor) in case["factors"].as_array().unwrap().iter().enumerate() {
            let ours = schedule.at(step as u64);
            assert!((ours - factor.as_f64().unwrap()).abs() < 1e-12, "{case}: step {step}: {ours}");
        }
    }
    assert_eq!(cases.len(), 12);
}

fn batch(golden: &Golden) -> Batch {
    let t = golden.tensors["tokens"].0[1];
    let labels: Vec<i32> = golden.tensors["labels"].1.iter().map(|l| *l as i32).collect();
    let mut batch = Batch::default();
    for (tokens, labels) in golden.ids("tokens").chunks(t).zip(labels.chunks(t)) {
        batch.push(tokens, labels);
    }
    batch
}

fn adamw(weight_decay: f64) -> OptimizerSpec {
    OptimizerSpec::AdamW(AdamWSpec { weight_decay, ..AdamWSpec::default() })
}

/// The losses of as many steps as the reference has.
fn course(tuner: &mut Tuner, golden: &Golden, case: &str, optimizer: OptimizerSpec, lr: f64) {
    let optimizer = Optimizer::of(&TrainSpec { optimizer, ..TrainSpec::default() });
    let batch = batch(golden);
    let theirs = &golden.tensors[&format!("{case}.losses")].1;
    let mut ours = Vec::new();
    for step in 1..=theirs.len() as u64 {
        tuner.params.zero_grad();
        let scale = 1.0 / batch.n_targets() as f32;
        ours.push(tuner.accumulate(&batch, scale, &|| Ok(())).unwrap().mean() as f32);
        let (grad_scale, _) = tuner.params.clipping(MAX_NORM);
        optimizer.step(&mut tuner.params, lr, step, grad_scale);
    }
    assert_close(case, &ours, theirs);
    assert_eq!(ours.len(), 10);
}

#[test]
fn runs_are_those_of_torch_with_every_optimizer() {
    for name in MODELS {
        let (golden, model) = (golden(name), load(&fixtures().join(name)));
        let full = || Tuner::new(&*model, Tune::Full, EXACT).unwrap();
        let mut tuner = full();
        course(&mut tuner, &golden, "decay", adamw(0.5), 1e-2);
        let norm = tuner.params.iter().find(|p| p.is_vector && !p.name.ends_with("bias")).unwrap();
        assert_eq!(norm.value.len(), golden.tensors["decay.norm"].1.len(), "{name}");
        let sgd = SgdSpec { momentum: 0.9, weight_decay: 0.1, ..SgdSpec::default() };
        course(&mut full(), &golden, "sgd", OptimizerSpec::Sgd(sgd), 5e-2);
        let smooth = StepConfig { smoothing: 0.1, ..EXACT };
        let mut tuner = Tuner::new(&*model, Tune::Full, smooth).unwrap();
        course(&mut tuner, &golden, "smooth", adamw(0.01), 1e-3);
        let first_layer = model.shape().n_layers - 1;
        let part = PartConfig { first_layer, freeze_embeddings: true, freeze_norms: true };
        let mut tuner = Tuner::new(&*model, Tune::Part(part), EXACT).unwrap();
        course(&mut tuner, &golden, "part", adamw(0.01), 1e-3);
    }
}

#[test]
fn rslora_and_dropout_are_those_of_peft() {
    for name in MODELS {
        let (golden, model) = (golden(name), load(&fixtures().join(name)));
        let adapters = Golden::read(&fixtures().join(format!("training/{name}.safetensors")));
        let key = |name: &str, part: &str| format!("lora.qv.{name}.lora_{part}");
        let targets = |name: &str| adapters.tensors.contains_key(&key(name, "A"));
        for (case, scale, dropout) in [("rslora", 8.0 / 2.0, 0.0), ("dropout", 8.0 / 4.0, DROPOUT)] {
            for recompute in [false, true] {
                let mut values = |name: &str, _: usize, _: usize| {
                    let [a, b] = ["A", "B"].map(|part| adapters.tensors[&key(name, part)].1.clone());
                    Ok(Factors { a, b })
                };
                let lora = LoraConfig { rank: 4, scale, dropout, targets: &targets, values: &mut values };
                let config = StepConfig { recompute, ..EXACT };
                let mut tuner = Tuner::new(&*model, Tune::Lora(lora), config).unwrap();
                tuner.dropout_key = DROPOUT_KEY;
                let batch = batch(&golden);
                let scale = 1.0 / batch.n_targets() as f32;
                let loss = tuner.accumulate(&batch, scale, &|| Ok(())).unwrap().mean();
                assert_close(
                    &format!("{name}, {case}"),
                    &[loss as f32],
                    &golden.tensors[&format!("{case}.loss")].1,
                );
                for parameter in tuner.params.iter() {
                    let theirs = &golden.tensors[&format!("{case}.grad.{}", parameter.name)].1;
                    assert_close(&format!("{name}, {case}: {}", parameter.name), &parameter.grad, theirs);
                }
                let alone = tuner.evaluate(&batch, &|| Ok(())).unwrap().mean();
                assert_eq!(
                    (alone - loss).abs() < 1e-12 * loss,
                    dropout == 0.0,
                    "nothing is left out in evaluation"
                );
            }
        }
    }
}

/// Gradients are scaled by the target tokens of the whole step, whichever batch they are in.
#[test]
fn a_step_in_parts_is_the_step() {
    let (golden, model) = (golden("llama-gqa"), load(&fixtures().join("llama-gqa")));
    let t = golden.tensors["tokens"].0[1];
    let mut labels: Vec<i32> = golden.tensors["labels"].1.iter().map(|l| *l as i32).collect();
    // The first row has fewer targets than the second.
    labels[6..9].fill(-100);
    let rows: Vec<(Vec<u32>, Vec<i32>)> =
        golden.ids("tokens").chunks(t).zip(labels.chunks(t)).map(|(a, b)| (a.to_vec(), b.to_vec())).collect();
    let mut whole = Batch::default();
    rows.iter().for_each(|(tokens, labels)| whole.push(tokens, labels));
    let scale = 1.0 / whole.n_targets() as f32;
    let mut one = Tuner::new(&*model, Tune::Full, EXACT).unwrap();
    one.accumulate(&whole, scale, &|| Ok(())).unwrap();
    let mut parts = Tuner::new(&*model, Tune::Full, EXACT).unwrap();
    for (tokens, labels) in &rows {
        let mut part = Batch::default();
        part.push(tokens, labels);
        assert_ne!(2 * part.n_targets(), whole.n_targets(), "the rows differ");
        parts.accumulate(&part, scale, &|| Ok(())).unwrap();
    }
    for (one, parts) in one.params.iter().zip(parts.params.iter()) {
        assert_close(&one.name, &parts.grad, &one.grad);
    }
}

pub fn logits_with(model: &dyn CausalLm, adapters: Option<&Adapters>, tokens: &[u32]) -> Tensor {
    let mut cache = KvCache::new(model.shape());
    let mut cx = ForwardCx {
        precision: model::Precision::Exact,
        cache: &mut cache,
        probe: &mut Probe::Off,
        adapters,
        between: &|| Ok(()),
    };
    let hidden = model.hidden(tokens, &mut cx).unwrap();
    model.logits(&hidden, &mut cx).unwrap()
}

fn adapter(name: &str) -> AdapterFiles {
    AdapterFiles::read(&fixtures().join("adapters").join(name)).unwrap_or_else(|e| panic!("{e:#}"))
}

#[test]
fn an_adapter_of_pefts_says_what_peft_says_at_every_strength() {
    for name in MODELS {
        let model = load(&fixtures().join(name));
        let golden = Golden::read(&fixtures().join(format!("adapters/{name}/logits.safetensors")));
        for strength in [0.0, 0.5, 1.0] {
            let source = AdapterSource { path: name.into(), strength };
            let adapters = adapter(name).fit(name, &*model, &source).unwrap();
            let logits = logits_with(&*model, Some(&adapters), &golden.ids("tokens"));
            golden.check(name, &format!("logits.{strength:?}"), &logits);
        }
        let other = MODELS.into_iter().find(|other| *other != name).unwrap();
        let source = AdapterSource { path: other.into(), strength: 1.0 };
        let refused = adapter(other).fit(name, &*model, &source).err().unwrap();
        assert_eq!(refused.summary.key, "failure.adapter_unfit");
    }
}

#[test]
fn an_adapter_that_asks_for_more_is_refused_by_name() {
    let check = |field: &str, value: Value| {
        let folder = crate::copy(&fixtures().join("adapters/llama-gqa"));
        let path = folder.path().join("adapter_config.json");
        let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        config[field] = value;
        std::fs::write(&path, config.to_string()).unwrap();
        let refused = AdapterFiles::read(folder.path()).err().unwrap();
        let refused = refused.downcast_ref::<glassworks_protocol::Failure>().unwrap();
        assert!(refused.summary.args.iter().any(|(_, said)| said.contains(field)), "{field}: {refused}");
    };
    check("use_dora", true.into());
    check("bias", "all".into());
    check("rank_pattern", json!({ "q_proj": 8 }));
    check("modules_to_save", json!(["lm_head"]));
    check("modules_to_save", json!(["score"]));
    check("peft_type", "IA3".into());
    check("init_lora_weights", "pissa_niter_4".into());
}

/// The files beside the weights, and the model's own with the adapter worked in.
fn merged(path: &Path, name: &str, strength: f32, dtype: SaveType) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    let files = ModelFiles::open(path).unwrap();
    let model = load(path);
    let adapter = adapter(name);
    let mut alter = |name: &str, values: &mut [f32], n_in: usize| {
        if let Some(one) = name.strip_suffix(".weight").and_then(|name| adapter.beside.get(name)) {
            one.merge_into(values, n_in, strength);
        }
    };
    let companions = files.companions().unwrap();
    save::model_folder(to.path(), &companions, &*model, None, dtype, &mut alter, &|_, _| Ok(())).unwrap();
    to
}

#[test]
fn merged_is_unmerged() {
    for (path, name) in
        [("llama-gqa", "llama-gqa"), ("gpt2-tiny", "gpt2-tiny"), ("gguf/llama-tied.bf16.gguf", "")]
    {
        let path = fixtures().join(path);
        let model = load(&path);
        let tokens = [5, 9, 300, 17, 255, 100];
        if name.is_empty() {
            // Nothing worked in: the folder alone is the model.
            let to = merged(&path, "llama-gqa", 0.0, SaveType::Bf16);
            let again = load(to.path());
            let [a, b] = [&model, &again].map(|model| values(&logits_with(&**model, None, &tokens)));
            assert_close("llama-tied", &b, &a);
            continue;
        }
        let to = merged(&path, name, 0.5, SaveType::F32);
        let source = AdapterSource { path: name.into(), strength: 0.5 };
        let adapters = adapter(name).fit(name, &*model, &source).unwrap();
        let unmerged = values(&logits_with(&*model, Some(&adapters), &tokens));
        let merged = values(&logits_with(&*load(to.path()), None, &tokens));
        assert_close(&path.display().to_string(), &merged, &unmerged);
    }
}

/// Masks of answers: the plain template told apart turn by turn is the template whose answers are marked.
#[test]
fn what_is_learned_is_what_transformers_masks() {
    let folder = fixtures().join("llama-tied");
    let codec = TextCodec::from_folder(&folder).unwrap();
    let now_ms = 1_772_719_629_000;
    let cases = json("training/masks.json");
    for case in &cases {
        let name = case["template"].as_str().unwrap();
        let text = std::fs::read_to_string(fixtures().join(format!("templates/{name}.jinja"))).unwrap();
        let template = ChatTemplate::new(name, name, text);
        let encoder =
            Encoder { task: TaskSpec::Chat, codec: &codec, template: &template, now_ms, rendering: None };
        let turns = case["messages"].as_array().unwrap().iter().map(|message| {
            Turn::new(message["role"].as_str().unwrap(), message["content"].as_str().unwrap())
        });
        let example = encoder.example(&Content::Turns(turns.collect())).unwrap();
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        let mask: Vec<u8> = serde_json::from_value(case["mask"].clone()).unwrap();
        assert_eq!(example.ids, ids, "{name}");
        let ours: Vec<u8> = example.labels.iter().map(|label| u8::from(*label != -100)).collect();
        assert_eq!(ours, mask, "{case}");
        assert!(example.labels.iter().zip(&ids).all(|(l, id)| *l == -100 || *l == id.cast_signed()));
        // The same of a dataset's row as it is looked at; the first token has nothing before it.
        let row = [("turns".to_owned(), case["messages"].clone())].into_iter().collect();
        let roles = [(Role::Messages, "turns".to_owned())].into();
        let content = Content::of(&row, &Mapping { task: DataTask::Chat, roles });
        let seen = look::seen(&encoder, RowId(0), content, 10_000);
        assert!(seen.tokens.iter().map(|token| token.id).eq(ids.iter().copied()), "{name}");
        let learned = seen.tokens.iter().map(|token| u8::from(token.learned));
        assert!(learned.skip(1).eq(mask.iter().skip(1).copied()), "{case}");
    }
    assert_eq!(cases.len(), 9);
}

/// Computes a step on rows of these lengths, of which each `learned`th token is learned, and evaluates it; says what was
/// held at most until then.
fn step_of(tuner: &mut Tuner<'_>, rows: &[usize], learned: u32) -> usize {
    let mut batch = Batch::default();
    for length in rows {
        let ids: Vec<u32> = (0..*length as u32).map(|i| i * 7 % 500).collect();
        let mut labels: Vec<i32> = ids.iter().map(|id| id.cast_signed()).collect();
        labels
            .iter_mut()
            .zip(0..)
            .filter(|(_, i): &(_, u32)| !i.is_multiple_of(learned))
            .for_each(|(l, _)| *l = -100);
        batch.push(&ids, &labels);
    }
    tuner.accumulate(&batch, 0.1, &|| Ok(())).unwrap();
    tuner.evaluate(&batch, &|| Ok(())).unwrap();
    tuner.peak_bytes()
}

/// After the longest batch no other takes more, whatever its length and whatever of it is learned.
#[test]
fn memory_does_not_grow_after_the_longest_batch() {
    for name in ["llama-gqa", "gpt2-tiny"] {
        let model = load(&fixtures().join(name));
        for method in [MethodSpec::Lora(LoraSpec::default()), MethodSpec::Full(FullSpec::default())] {
            let peak = |holds: bool| {
                let spec = TrainSpec { method: method.clone(), ..TrainSpec::default() };
                let mut tuner = plan::tuner(&*model, &spec, &DataReport::default(), None).unwrap();
                // Few of the longest are learned.
                let first = step_of(&mut tuner, &[60, 60, 60, 60], 17);
                if holds {
                    tuner.hold_to_peak();
                }
                let mut last = 0;
                for i in 0..60 {
                    let n = |k: usize| 2 + (i * 37 + k * 23) % 58;
                    last = step_of(&mut tuner, &[n(0), n(1), n(2), n(3)][..1 + i % 4], 1 + i as u32 % 3);
                }
                (first, last)
            };
            let (first, grown) = peak(false);
            assert!(grown > first + first / 10, "{name}: left to itself it grows, {first} → {grown}");
            let (first, held) = peak(true);
            assert_eq!(first, held, "{name}, {method:?}");
        }
    }
}

/// What is foreseen is enough, and not much too much.
#[test]
fn memory_is_foreseen() {
    for name in ["llama-gqa", "llama-tied", "gpt2-tiny"] {
        let model = load(&fixtures().join(name));
        let length = model.shape().context_length.min(60);
        let ids: Vec<u32> = (0..length as u32).map(|i| i * 7 % 500).collect();
        let labels = ids.iter().map(|id| id.cast_signed()).collect();
        let train = vec![Example { ids, labels, class: None }; 6];
        let report = DataReport { max_length: length as u32, ..DataReport::default() };
        let data = Dataset { train, report, ..Dataset::default() };
        for method in [MethodSpec::Lora(LoraSpec::default()), MethodSpec::Full(FullSpec::default())] {
            for recompute in [false, true] {
                let spec = TrainSpec { method: method.clone(), recompute, ..TrainSpec::default() };
                let plan = TrainPlan::new(spec, &data);
                let mut tuner = plan::tuner(&*model, &plan.spec, &data.report, None).unwrap();
                let mut batch = Batch::default();
                data.train[..4].iter().for_each(|example| batch.push(&example.ids, &example.labels));
                tuner.accumulate(&batch, 0.1, &|| Ok(())).unwrap();
                let foreseen = plan.bytes(&*model) - plan.spec.state_bytes(plan::n_trained(&*model, &method));
                let measured = tuner.peak_bytes() as u64;
                let what =
                    format!("{name}, {method:?}, recompute {recompute}: {foreseen}, measured {measured}");
                assert!(foreseen >= measured && foreseen < 3 * measured, "{what}");
                let n_trained = tuner.params.count() as u64;
                let counted = plan::n_trained(&*model, &method);
                assert!(counted >= n_trained && counted < n_trained + n_trained / 8, "{counted} {n_trained}");
            }
        }
    }
}
