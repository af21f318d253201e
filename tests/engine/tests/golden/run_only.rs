//! Models that run through the bridge give the reference's numbers: read whole, token by token and in pieces; several
//! at once; and whatever more is asked of them is refused with the reason.

use super::*;
use glassworks_engine::infer::{Request, Runner, Sequence, Wanted};
use glassworks_engine::models::{Model, RUN_ONLY};
use glassworks_protocol::Failure;
use glassworks_protocol::model::CacheWidth;
use glassworks_protocol::text::Language;
use serde_json::{Value, json};

/// Every checkpoint of `fixtures/run_only`.
pub const NAMES: [&str; 20] = [
    "phi",
    "phi3",
    "phi3-partial",
    "stablelm",
    "starcoder2",
    "granite",
    "glm4",
    "olmo",
    "olmo2",
    "gemma",
    "mixtral",
    "helium",
    "qwen2-moe",
    "qwen3-moe",
    "smollm3",
    "falcon",
    "falcon-groups",
    "falcon-serial",
    "granite4",
    "lfm2",
];

fn folder(name: &str) -> PathBuf {
    fixtures().join("run_only").join(name)
}

fn bridged(folder: &Path) -> Model {
    let files = ModelFiles::open(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    files.load_on(&Device::Cpu, &|_, _| Ok(())).unwrap_or_else(|e| panic!("{}: {e:#}", folder.display()))
}

fn step(runner: &mut Runner<'_>, sequence: &mut Sequence, tokens: &[u32], logits: Wanted) -> Vec<f32> {
    let mut requests = [Request { sequence, tokens, adapters: None, logits, watch: None }];
    runner.step(&mut requests, Precision::Exact, &|| Ok(())).unwrap().remove(0)
}

#[test]
fn what_only_runs_gives_the_references_numbers() {
    let differing: Vec<&str> =
        NAMES.into_iter().filter(|name| std::panic::catch_unwind(|| check_numbers(name)).is_err()).collect();
    assert!(differing.is_empty(), "{differing:?}");
}

fn check_numbers(name: &str) {
    let model = bridged(&folder(name));
    let golden = Golden::read(&folder(name).join("golden.safetensors"));
    let (ids, theirs) = (golden.ids("ids"), &golden.tensors["logits"].1);
    let vocab = model.shape().vocab_size;
    let row = |i: usize| &theirs[i * vocab..(i + 1) * vocab];
    let last = ids.len() - 1;
    let mut runner = Runner::of(&model).unwrap();

    // Whole, in the pieces that the bridge cuts.
    let mut whole = runner.sequence(CacheWidth::Full);
    let logits = step(&mut runner, &mut whole, &ids, Wanted::Last);
    assert_close(&format!("{name}, whole"), &logits, row(last));

    // Every token asked about.
    let mut each = runner.sequence(CacheWidth::Full);
    let logits = step(&mut runner, &mut each, &ids, Wanted::All);
    assert_close(&format!("{name}, token by token"), &logits, theirs);

    // As the decode loop does: a prompt in two turns, then one token after the other; another text between.
    let (mut ours, mut other) = (runner.sequence(CacheWidth::Full), runner.sequence(CacheWidth::Full));
    let at = 13;
    assert!(step(&mut runner, &mut ours, &ids[..at - 6], Wanted::Nothing).is_empty());
    step(&mut runner, &mut other, &ids[3..9], Wanted::Last);
    let logits = step(&mut runner, &mut ours, &ids[at - 6..at], Wanted::Last);
    assert_close(&format!("{name}, in turns"), &logits, row(at - 1));
    for (i, id) in ids.iter().enumerate().skip(at) {
        let logits = step(&mut runner, &mut ours, &[*id], Wanted::Last);
        assert_close(&format!("{name}, going on"), &logits, row(i));
        step(&mut runner, &mut other, &[ids[i - at]], Wanted::Last);
    }
    assert_eq!(ours.len(), ids.len());

    // A whole beginning and more of it at once.
    if ours.can_go_on() {
        let mut pieces = runner.sequence(CacheWidth::Full);
        step(&mut runner, &mut pieces, &ids[..20], Wanted::Last);
        let logits = step(&mut runner, &mut pieces, &ids[20..], Wanted::Last);
        assert_close(&format!("{name}, in pieces"), &logits, row(last));
    }
}

#[test]
fn every_family_has_a_checkpoint_and_its_greedy_choices() {
    let mut families: Vec<&str> = RUN_ONLY.iter().map(|family| family.name).collect();
    for name in NAMES {
        let files = ModelFiles::open(&folder(name)).unwrap();
        families.retain(|family| *family != files.config().architecture);
        let model = bridged(&folder(name));
        let golden = Golden::read(&folder(name).join("golden.safetensors"));
        let mut runner = Runner::of(&model).unwrap();
        let mut sequence = runner.sequence(CacheWidth::Full);
        let mut tokens = golden.ids("ids");
        for expected in golden.ids("greedy") {
            let logits = step(&mut runner, &mut sequence, &tokens, Wanted::Last);
            let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            assert_eq!(best as u32, expected, "{name}");
            tokens = vec![expected];
        }
    }
    assert!(families.is_empty(), "{families:?}");
}

#[test]
fn a_pass_that_nobody_wants_leaves_a_sequence_unread_and_the_next_one_right() {
    let model = bridged(&folder("phi3"));
    let golden = Golden::read(&folder("phi3").join("golden.safetensors"));
    let ids = golden.ids("ids");
    let mut runner = Runner::of(&model).unwrap();
    let mut sequence = runner.sequence(CacheWidth::Full);
    step(&mut runner, &mut sequence, &ids[..4], Wanted::Last);
    let wrong = |runner: &mut Runner<'_>, sequence: &mut Sequence, tokens: &[u32]| {
        let mut requests = [Request { sequence, tokens, adapters: None, logits: Wanted::Last, watch: None }];
        format!("{:#}", runner.step(&mut requests, Precision::Exact, &|| Ok(())).unwrap_err())
    };
    assert!(wrong(&mut runner, &mut sequence, &[512]).contains("vocabulary"));
    let long = vec![1; model.shape().context_length];
    assert!(wrong(&mut runner, &mut sequence, &long).contains("context"));
    assert_eq!(sequence.len(), 4, "nothing was read");
    sequence.truncate(3);
    assert!(sequence.is_empty(), "it can't be cut, so it begins anew");
    let logits = step(&mut runner, &mut sequence, &ids, Wanted::Last);
    let vocab = model.shape().vocab_size;
    assert_close("again", &logits, &golden.tensors["logits"].1[(ids.len() - 1) * vocab..]);
}

#[test]
fn the_context_is_no_longer_than_a_window() {
    for (name, context) in [("phi3", 64), ("starcoder2", 64), ("olmo", 96)] {
        assert_eq!(
            ModelFiles::open(&folder(name)).unwrap().card().unwrap().context_length,
            context,
            "{name}"
        );
    }
}

#[test]
fn memory_is_foreseen() {
    for name in NAMES {
        let files = ModelFiles::open(&folder(name)).unwrap();
        let card = files.card().unwrap();
        assert!(card.run_only && files.loaded_bytes(&Device::Cpu) >= 4 * card.n_params, "{name}");
    }
}

/// A copy whose config.json is altered: what opening it says.
fn refused(name: &str, alter: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Failure {
    let copy = altered(name, alter);
    match ModelFiles::open(copy.path()) {
        Err(failure) => failure,
        Ok(_) => panic!("{name} was opened"),
    }
}

fn altered(name: &str, alter: impl FnOnce(&mut serde_json::Map<String, Value>)) -> tempfile::TempDir {
    let copy = copy(&folder(name));
    let path = copy.path().join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    alter(config.as_object_mut().unwrap());
    std::fs::write(&path, config.to_string()).unwrap();
    copy
}

#[test]
fn what_candle_would_pass_over_is_refused_by_name() {
    let check = |name: &str, field: &str, value: Value| {
        let failure = refused(name, |config| drop(config.insert(field.to_owned(), value)));
        let words = Language::English.render(&failure.summary);
        assert!(words.contains(field), "{name}, {field}: {words}");
    };
    check("phi", "qk_layernorm", json!(true));
    check("phi3", "rope_scaling", json!({ "type": "longrope", "short_factor": [1.0], "long_factor": [2.0] }));
    check("phi3", "attention_bias", json!(true));
    check("phi3", "head_dim", json!(16));
    check("stablelm", "use_parallel_residual", json!(true));
    check("starcoder2", "tie_word_embeddings", json!(false));
    check("starcoder2", "hidden_act", json!("mish"));
    check("granite", "mlp_bias", json!(true));
    check("granite", "logits_scaling", json!(0.0));
    check("glm4", "sliding_window", json!(16));
    check("olmo", "layer_types", json!(["full_attention", "sliding_attention"]));
    check("gemma", "use_bidirectional_attention", json!(true));
    check("mixtral", "num_experts_per_tok", json!(5));
    check("mixtral", "num_local_experts", json!(1 << 20));
    check("helium", "attention_bias", json!(true));
    check("qwen2-moe", "mlp_only_layers", json!([0]));
    check("qwen3-moe", "use_sliding_window", json!(true));
    check("smollm3", "no_rope_layers", json!([1]));
    check("falcon", "alibi", json!(true));
    check("granite4", "num_local_experts", json!(4));
    check("granite4", "position_embedding_type", json!("nope"));
    check("granite4", "layer_types", json!(["mamba", "attention"]));
    check("lfm2", "conv_bias", json!(true));
    check("lfm2", "layer_types", json!(["conv"]));
    check("olmo2", "a_new_thing", json!(3));
    check("olmo2", "quantization_config", json!({ "bits": 4 }));
    check("olmo2", "num_hidden_layers", json!(1_000_000));
    check("olmo2", "vocab_size", json!(u64::MAX));
    check("olmo2", "hidden_size", json!(1 << 30));
    check("olmo2", "num_attention_heads", json!(0));
    check("olmo2", "num_key_value_heads", json!(3));
    check("olmo2", "rms_norm_eps", json!(-1.0));
    check("olmo2", "max_position_embeddings", json!(0));
}

#[test]
fn the_spelling_of_transformers_4_is_the_same_model() {
    for name in NAMES {
        let copy = altered(name, |config| {
            let Some(Value::Object(rope)) = config.remove("rope_parameters") else { panic!("{name}") };
            for field in ["rope_theta", "partial_rotary_factor"] {
                drop(rope.get(field).map(|value| config.insert(field.to_owned(), value.clone())));
            }
            config.insert("rope_scaling".to_owned(), Value::Null);
            drop(config.remove("dtype").map(|dtype| config.insert("torch_dtype".to_owned(), dtype)));
            if !["granite4", "lfm2"].contains(&name) {
                drop(config.remove("layer_types"));
            }
            if name == "qwen3-moe" {
                let n = config.remove("num_local_experts").unwrap();
                config.insert("num_experts".to_owned(), n);
            }
        });
        let (ours, theirs) =
            (ModelFiles::open(copy.path()).unwrap(), ModelFiles::open(&folder(name)).unwrap());
        assert_eq!(ours.config(), theirs.config(), "{name}");
    }
}

#[test]
fn broken_weights_are_named_before_they_are_read() {
    // A matrix of another shape, one that is missing, a file that is cut.
    let failure = refused("phi3", |config| drop(config.insert("intermediate_size".to_owned(), json!(40))));
    assert_eq!(failure.summary.key, "failure.tensor_shape");
    let failure = refused("olmo2", |config| drop(config.insert("num_hidden_layers".to_owned(), json!(3))));
    assert_eq!(failure.summary.key, "failure.tensor_missing");
    let cut = copy(&folder("glm4"));
    let weights = cut.path().join("model.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &bytes[..bytes.len() - 100]).unwrap();
    assert!(ModelFiles::open(cut.path()).is_err());
    // One that is cut between its header's reading and its weights'.
    let cut = copy(&folder("granite"));
    let files = ModelFiles::open(cut.path()).unwrap();
    let weights = cut.path().join("model.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    assert!(files.load_on(&Device::Cpu, &|_, _| Ok(())).is_err());
}

#[test]
fn what_trains_does_not_take_it() {
    let files = ModelFiles::open(&folder("granite")).unwrap();
    let Err(error) = files.load(&|_, _| Ok(())) else { panic!("it was taken apart") };
    let failure = error.downcast_ref::<Failure>().unwrap();
    let words = Language::English.render(&failure.summary);
    assert!(words.contains("granite") && words.contains("only runs"), "{words}");
    assert!(failure.hint.is_some());
}
