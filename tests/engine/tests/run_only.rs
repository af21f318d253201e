//! Models that only run, through the engine: they write like any other, each chat what it would write alone; a stop
//! is heard; and what else is asked of them is refused with the reason before anything is loaded.

use glassworks_protocol::bench::{BenchPlan, BenchSpec};
use glassworks_protocol::chat::ChatKind;
use glassworks_protocol::dataset::DataSpec;
use glassworks_protocol::generate::{
    BeamSpec, FinishReason, GenerateSpec, ModelSource, Prompt, Reply, SamplingSpec,
};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::inspect::InspectSpec;
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::text::Language;
use glassworks_protocol::train::{AdapterSource, MergeSpec, SaveType, TrainJob, TrainSpec};
use glassworks_protocol::{Event, JobOutput, JobSpec, Outcome, Partial};
use glassworks_tests_engine::{Lab, Talk, config, fixtures, reply_id};
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TEXT: &str = "Something wonderful: a small model in 2026 answers because we're under the light!";

/// Every checkpoint.
fn names() -> Vec<String> {
    let folders = std::fs::read_dir(fixtures().join("run_only")).expect("the fixtures are there");
    let mut names: Vec<String> =
        folders.map(|entry| entry.expect("a folder").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A checkpoint with the tokenizer that all of them share.
fn model(place: &Path, name: &str) -> PathBuf {
    let to = place.join(name);
    std::fs::create_dir_all(&to).expect("a folder");
    let from = fixtures();
    let copy =
        |file: PathBuf| std::fs::copy(&file, to.join(file.file_name().expect("a name"))).expect("copied");
    for file in ["config.json", "model.safetensors"] {
        copy(from.join("run_only").join(name).join(file));
    }
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        copy(from.join("llama-tied").join(file));
    }
    to
}

fn golden(name: &str, tensor: &str) -> Vec<u32> {
    let bytes =
        std::fs::read(fixtures().join("run_only").join(name).join("golden.safetensors")).expect("there");
    let file = SafeTensors::deserialize(&bytes).expect("a golden file");
    let data = file.tensor(tensor).expect("a tensor").data().to_vec();
    data.as_chunks::<4>().0.iter().map(|word| i32::from_le_bytes(*word) as u32).collect()
}

/// The likeliest tokens after a text, kept nowhere.
fn greedy(path: &Path, text: &str, n: u32) -> GenerateSpec {
    let sampling = SamplingSpec {
        temperature: 0.0,
        max_new_tokens: n,
        ignore_eos: true,
        repetition_penalty: 1.0,
        seed: Some(7),
        ..SamplingSpec::default()
    };
    let mut talk = Talk::new(ChatKind::Completion);
    let spec = talk.ask(&ModelSource::Path(path.to_owned()), text, sampling);
    GenerateSpec { keep: None, prompt: Prompt::Text(text.to_owned()), ..spec }
}

fn ids(reply: &Reply) -> Vec<u32> {
    reply.tokens.iter().map(|token| token.id).collect()
}

#[test]
fn each_writes_what_the_reference_writes_with_its_probabilities() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    for name in names() {
        let path = model(home.path(), &name);
        let spec =
            GenerateSpec { precision: Precision::Fast, cache: CacheWidth::Eight, ..greedy(&path, TEXT, 12) };
        let reply = lab.reply(spec);
        assert_eq!(ids(&reply), golden(&name, "greedy"), "{name}");
        assert_eq!(reply.stats.n_prompt as usize, golden(&name, "ids").len(), "{name}");
        assert_eq!(reply.stats.precision, Precision::Exact, "{name} is computed in f32, and says so");
        for token in &reply.tokens {
            assert!(token.rank == 0 && token.logprob < 0.0 && token.entropy > 0.0 && token.top.len() == 20);
        }
    }
    lab.close();
}

/// What it has read can't be copied, so that only one text at a time can be written.
#[test]
fn beams_are_refused_with_the_reason() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let mut spec = greedy(&model(home.path(), "phi3"), TEXT, 4);
    spec.sampling.beams = Some(BeamSpec::default());
    let failure = lab.fails(JobSpec::Generate(Box::new(spec)));
    assert_eq!(failure.summary.key, "failure.beams_runs_only");
    assert!(failure.hint.is_some());
    lab.close();
}

#[test]
fn a_conversation_goes_on_from_what_was_read_where_that_is_right() {
    let home = tempfile::tempdir().expect("a folder");
    for (name, reuses) in [("phi3", true), ("stablelm", true), ("phi", false)] {
        let path = model(home.path(), name);
        let text = |lab: &mut Lab, text: &str| lab.reply(greedy(&path, text, 6));
        let mut lab = Lab::open(&home.path().join(name));
        let first = text(&mut lab, "window light");
        let more = format!("window light{} and then", first.text);
        let second = text(&mut lab, &more);
        lab.close();
        let mut lab = Lab::open(&home.path().join(format!("{name} again")));
        let alone = text(&mut lab, &more);
        assert_eq!(ids(&second), ids(&alone), "{name}");
        assert_eq!(alone.stats.n_reused, 0);
        if !reuses {
            assert_eq!(second.stats.n_reused, 0, "{name} reads every prompt whole");
        }
        lab.close();
    }
}

#[test]
fn several_at_once_write_what_each_writes_alone() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let texts = ["window light", "a small river", TEXT, "nobody"];
    for name in ["phi", "granite", "mixtral"] {
        let path = model(home.path(), name);
        let alone: Vec<Arc<Reply>> = texts
            .iter()
            .map(|text| {
                let place = tempfile::tempdir().expect("a folder");
                let mut lab = Lab::open(place.path());
                let reply = lab.reply(greedy(&path, text, 20));
                lab.close();
                reply
            })
            .collect();
        let jobs: Vec<_> = texts
            .iter()
            .map(|text| lab.start(JobSpec::Generate(Box::new(greedy(&path, text, 20)))))
            .collect();
        for (job, alone) in jobs.into_iter().zip(&alone) {
            let Outcome::Done(JobOutput::Replied(reply)) = lab.until_settled(job) else { panic!("{name}") };
            assert_eq!(ids(&reply), ids(alone), "{name}");
            for (ours, theirs) in reply.tokens.iter().zip(&alone.tokens) {
                assert!((ours.logprob - theirs.logprob).abs() < 1e-5, "{name}");
            }
        }
    }
    lab.close();
}

#[test]
fn the_context_ends_a_reply_and_a_stop_is_heard() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let path = model(home.path(), "phi3");
    let reply = lab.reply(greedy(&path, "window light", 500));
    assert_eq!(reply.stats.finish, FinishReason::ContextFull);
    assert_eq!(reply.stats.context_length, 64, "no more than its window");

    // A longer context, so that it takes a while.
    let config_file = path.join("config.json");
    let text = std::fs::read_to_string(&config_file).expect("readable");
    let text = text.replace("\"max_position_embeddings\": 96", "\"max_position_embeddings\": 200000");
    let text = text.replace("\"sliding_window\": 64", "\"sliding_window\": null");
    std::fs::write(&config_file, text).expect("written");
    let mut talk = Talk::new(ChatKind::Completion);
    let sampling = SamplingSpec { max_new_tokens: 100_000, ignore_eos: true, ..SamplingSpec::default() };
    let JobOutput::ModelImported(record) = lab.done(JobSpec::ImportModel { path }) else {
        panic!("it is entered into the library")
    };
    let spec = talk.ask(&ModelSource::Library(record.id), "window light", sampling);
    let id = reply_id(&spec);
    let job = lab.start(JobSpec::Generate(Box::new(spec)));
    lab.until("the first words", |event| match event {
        Event::Partial(one, Partial::Tokens { .. }) if *one == job => Some(()),
        _ => None,
    });
    lab.send(glassworks_protocol::Command::Cancel(job));
    let asked = Instant::now();
    assert_eq!(lab.until_settled(job), Outcome::Cancelled);
    assert!(asked.elapsed() < Duration::from_secs(5));
    let chat = lab.chat(talk.chat.id);
    let kept = chat.messages.iter().find(|message| message.id == id).expect("it is kept");
    assert!(!kept.text.is_empty(), "what was written stays");
    lab.close();
}

#[test]
fn what_does_not_fit_is_refused_before_it_is_read() {
    let home = tempfile::tempdir().expect("a folder");
    let path = model(home.path(), "granite");
    let mut config = config(&home.path().join("home"));
    config.memory_limit_bytes = Some(100_000);
    let mut lab = Lab::with(config).expect("it starts");
    let failure = lab.fails(JobSpec::Generate(Box::new(greedy(&path, "window", 3))));
    assert_eq!(failure.kind, glassworks_protocol::FailureKind::Memory);
    lab.close();
}

#[test]
fn all_but_writing_is_refused_with_the_reason() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(&home.path().join("home"));
    let path = model(home.path(), "glm4");
    let source = ModelSource::Path(path.clone());
    let JobOutput::ModelImported(record) = lab.done(JobSpec::ImportModel { path: path.clone() }) else {
        panic!("it is entered into the library")
    };
    assert!(record.card.run_only && record.card.architecture == "glm4");
    let adapter = AdapterSource { path: fixtures().join("adapters/llama-gqa"), strength: 1.0 };
    let data = home.path().join("texts.jsonl");
    std::fs::write(&data, "{\"text\": \"window light\"}\n".repeat(20)).expect("written");
    let mut spec = TrainSpec { model: source.clone(), ..TrainSpec::default() };
    spec.task = glassworks_protocol::train::TaskSpec::Text;
    spec.data = DataSpec { files: vec![data], ..DataSpec::default() };
    let out = home.path().join("out");
    let with_adapter = GenerateSpec { adapter: Some(adapter.clone()), ..greedy(&path, "window", 3) };
    let asked = [
        JobSpec::Train(TrainJob::New { run: RunId::mint(), spec: Box::new(spec.clone()) }),
        JobSpec::MeasureTraining(Box::new(spec)),
        JobSpec::Inspect(InspectSpec { model: source.clone(), prompt: "window".into(), out: out.clone() }),
        JobSpec::Merge(MergeSpec { model: source.clone(), adapter, out, dtype: SaveType::F32 }),
        JobSpec::Bench(BenchSpec { model: source, precision: Precision::Exact, plan: BenchPlan::Quick }),
        JobSpec::Generate(Box::new(with_adapter)),
    ];
    for job in asked {
        let what = format!("{job:?}");
        let failure = lab.fails(job);
        assert_eq!(failure.summary.key, "failure.runs_only", "{what}: {failure}");
        let words = Language::English.render(&failure.summary);
        assert!(words.contains("glm4"), "{words}");
        assert!(failure.hint.is_some_and(|hint| Language::English.render(&hint).contains("llama")));
    }
    lab.close();
}
