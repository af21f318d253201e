//! A model from nothing, through the seam: its tokenizer and first values are the run's to make, and come out the
//! same however often the run is interrupted.

use glassworks_protocol::dataset::DataReport;
use glassworks_protocol::generate::{GenerateSpec, ModelSource, Overflow, Prompt, SamplingSpec};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::train::{FullSpec, MethodSpec, RunRecord, RunStatus, TaskSpec, TrainJob, TrainSpec};
use glassworks_protocol::{Command, Event, JobOutput, JobSpec, Outcome, Page, Partial, Query, Signal};
use glassworks_tests_engine::Lab;
use glassworks_tests_engine::training::{STEPS, made, scratch_spec};
use std::path::Path;
use std::sync::Arc;

fn trained(lab: &mut Lab, job: TrainJob) -> Arc<RunRecord> {
    match lab.done(JobSpec::Train(job)) {
        JobOutput::Trained(run) => run,
        other => panic!("{other:?}"),
    }
}

fn new(spec: &TrainSpec) -> TrainJob {
    TrainJob::New { run: RunId::mint(), spec: Box::new(spec.clone()) }
}

/// Pauses the run as soon as it has told a step.
fn paused(lab: &mut Lab, job: TrainJob) -> Arc<RunRecord> {
    let id = lab.start(JobSpec::Train(job));
    lab.until("a step", |event| match event {
        Event::Partial(_, Partial::Metrics(points)) => points.iter().any(|p| p.step >= 1).then_some(()),
        _ => None,
    });
    lab.send(Command::Signal(id, Signal::Pause));
    match lab.until_settled(id) {
        Outcome::Done(JobOutput::Trained(run)) => run,
        other => panic!("{other:?}"),
    }
}

fn checked(lab: &mut Lab, spec: &TrainSpec) -> Arc<DataReport> {
    match lab.done(JobSpec::CheckData(Box::new(spec.clone()))) {
        JobOutput::DataChecked(report) => report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_interrupted_model_from_nothing_is_the_uninterrupted_one() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let spec = scratch_spec(home.path());
    let whole = trained(&mut lab, new(&spec));
    let progress = &whole.progress;
    assert_eq!((whole.status, progress.step), (RunStatus::Done, STEPS));
    let (first, best) =
        (progress.first_validation_loss.expect("measured"), progress.best_loss.expect("measured"));
    // 320 tokens that are all alike to it: ln 320 = 5.77.
    assert!((first - 320f64.ln()).abs() < 0.1, "{first}");
    assert!(best < 0.7 * first, "{first} → {best}");
    assert_eq!(made(&whole.folder).len(), 9, "first model, checkpoints, result");

    let halfway = paused(&mut lab, new(&spec));
    assert!(halfway.progress.step < STEPS, "paused before its end");
    // As if it had been killed while the first model was being made.
    let base = halfway.folder.join("base");
    std::fs::rename(&base, halfway.folder.join("base.incomplete")).expect("renamed");
    std::fs::write(halfway.folder.join("base.incomplete/tokenizer.json"), "{").expect("written");
    lab.close();

    let mut lab = Lab::open(home.path());
    let resumed = trained(&mut lab, TrainJob::Resume { run: halfway.id });
    assert!(made(&whole.folder) == made(&resumed.folder), "the files differ");
    assert_eq!(resumed.progress.best_loss, whole.progress.best_loss);
    lab.close();
}

#[test]
fn it_is_in_the_library_and_writes_at_once() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let run = trained(&mut lab, new(&scratch_spec(home.path())));
    let result = run.progress.result.clone().expect("a result");
    let Ok(Page::Models(models)) = lab.fetch(Query::Models) else { panic!("the library") };
    let model = models.iter().find(|model| model.path == result).expect("it is there");
    assert_eq!((model.name.as_str(), run.progress.model_name.as_str()), ("Llama 0.5M · rows", "Llama 0.5M"));
    assert_eq!((model.card.vocab_size, model.card.context_length), (320, 64));
    assert!(!models.iter().any(|model| model.path == run.folder.join("base")), "it was nobody's model yet");
    let readme = std::fs::read_to_string(result.join("README.md")).expect("a card");
    assert!(!readme.contains("base_model") && readme.contains(&run.progress.base_hash), "{readme}");
    let reply = lab.reply(GenerateSpec {
        model: ModelSource::Library(model.id),
        adapter: None,
        tuned: None,
        prompt: Prompt::Text("User: Where is the owl?\nAssistant:".to_owned()),
        sampling: SamplingSpec { max_new_tokens: 8, temperature: 0.0, ..SamplingSpec::default() },
        precision: Precision::Exact,
        cache: CacheWidth::Full,
        overflow: Overflow::Refuse,
        keep: None,
    });
    assert!(!reply.text.is_empty());
    lab.close();
}

#[test]
fn what_is_found_beforehand_is_what_the_run_finds_and_nothing_stays() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let spec = TrainSpec { name: "Look".to_owned(), ..scratch_spec(home.path()) };
    let report = checked(&mut lab, &spec);
    let JobOutput::TrainingMeasured(steps) = lab.done(JobSpec::MeasureTraining(Box::new(spec.clone())))
    else {
        panic!("measured")
    };
    assert!(steps.n_tokens > 0 && steps.secs > 0.0);
    let is_empty = |folder: &Path| folder.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    assert!(is_empty(&home.path().join("runs")), "a look leaves nothing");

    let part = TrainSpec {
        method: MethodSpec::Full(FullSpec { freeze_embeddings: true, ..FullSpec::default() }),
        ..spec.clone()
    };
    let told = lab.fails(JobSpec::Train(new(&part))).to_string();
    assert!(told.contains("method.kind"), "{told}");
    // What was made before the data turned out to be useless goes, too.
    let mut useless = spec.clone();
    let path = home.path().join("useless.jsonl");
    std::fs::write(&path, "{\"text\": \" \"}\n").expect("written");
    useless.data.files = vec![path];
    assert_eq!(lab.fails(JobSpec::Train(new(&useless))).summary.key, "failure.data_empty");
    assert!(is_empty(&home.path().join("runs")), "a run that did not begin leaves nothing");

    let run = trained(&mut lab, new(&spec));
    assert_eq!((&run.progress.data, run.name.as_str()), (&*report, "Look"));
    assert_eq!(report.max_length, 64);
    lab.close();
}

#[test]
fn whole_documents_are_held_out() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let path = home.path().join("texts.jsonl");
    let document =
        |n: usize| serde_json::json!({ "text": "The cat is in the garden. ".repeat(n) }).to_string() + "\n";
    std::fs::write(&path, document(1).repeat(19) + &document(500)).expect("written");
    let mut spec = TrainSpec { task: TaskSpec::Text, model: lab.starter(), ..TrainSpec::default() };
    spec.data.files = vec![path.clone()];
    spec.data.validation_share = 0.1;
    spec.batch.max_length = Some(64);
    let report = checked(&mut lab, &spec);
    let long = report.n_train + report.n_validation - 19;
    assert!(long > 40, "{report:?}");
    // Two documents of twenty, whichever they are; of pieces it would be a tenth.
    assert!([2, 1 + long].contains(&report.n_validation), "{report:?}");

    // A single document is cut in two all the same: there is nothing else to measure on.
    std::fs::write(&path, document(500)).expect("written");
    spec.seed = 1;
    let report = checked(&mut lab, &spec);
    assert_eq!(
        (report.n_train + report.n_validation, report.n_validation),
        (long, (long as f64 / 10.0).round() as u64)
    );
    lab.close();
}
