//! Training through the seam: a run from its beginning to its end, paused, killed, resumed, refused, failed.

use glassworks_protocol::generate::{GenerateSpec, ModelSource, Overflow, Prompt, SamplingSpec};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::train::{
    AdapterSource, BatchSpec, CheckpointKind, Ending, FullSpec, MethodSpec, MetricPoint, RunRecord,
    RunStatus, Series, TaskSpec, TrainJob, TrainSpec,
};
use glassworks_protocol::{
    Command, Event, FailureKind, JobOutput, JobSpec, Outcome, Page, Partial, Query, Signal, Stored,
};
use glassworks_tests_engine::training::{STEPS, made, rows, spec};
use glassworks_tests_engine::{Lab, config};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{self, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn new(spec: TrainSpec) -> (RunId, JobSpec) {
    let run = RunId::mint();
    (run, JobSpec::Train(TrainJob::New { run, spec: Box::new(spec) }))
}

fn trained(lab: &mut Lab, job: JobSpec) -> Arc<RunRecord> {
    match lab.done(job) {
        JobOutput::Trained(run) => run,
        other => panic!("{other:?}"),
    }
}

fn runs(lab: &mut Lab) -> Vec<Arc<RunRecord>> {
    match lab.fetch(Query::Runs) {
        Ok(Page::Runs(runs)) => runs,
        other => panic!("{other:?}"),
    }
}

/// The losses of a run, as stored.
fn losses(lab: &mut Lab, run: RunId) -> Vec<(Series, u64, f64)> {
    let Ok(Page::RunPoints(points)) = lab.fetch(Query::RunPoints(run)) else { panic!("its points") };
    let is_loss = |p: &&MetricPoint| matches!(p.series, Series::TrainLoss | Series::ValidationLoss);
    points.iter().filter(is_loss).map(|p| (p.series, p.step, p.value)).collect()
}

#[test]
fn a_run_learns_and_its_adapter_is_used_at_once() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let (id, job) = new(spec(&model, home.path()));
    let run = trained(&mut lab, job);
    let progress = &run.progress;
    assert_eq!((run.id, run.status, progress.ending), (id, RunStatus::Done, Some(Ending::Steps)));
    assert_eq!((progress.step, progress.n_steps), (STEPS, STEPS));
    assert_eq!((progress.data.n_train, progress.data.n_validation), (54, 6));
    let (first, best) =
        (progress.first_validation_loss.expect("measured"), progress.best_loss.expect("measured"));
    assert!(best < first * 0.9, "{first} → {best}");
    assert!(progress.data.n_targets < progress.data.n_tokens, "only answers are learned");

    let kept: Vec<Stored> = lab.stored();
    assert!(kept.iter().any(|s| matches!(s, Stored::Checkpoint(c) if c.kind == CheckpointKind::Best)));
    assert!(kept.iter().any(|s| matches!(s, Stored::Run(run) if run.status == RunStatus::Running)));
    let losses = losses(&mut lab, id);
    let count = |series| losses.iter().filter(|(s, ..)| *s == series).count() as u64;
    assert_eq!((count(Series::TrainLoss), count(Series::ValidationLoss)), (STEPS, 5));

    let result = progress.result.clone().expect("a result");
    assert!(result.join("README.md").is_file());
    let mut say = |strength: Option<f32>| {
        let spec = GenerateSpec {
            model: model.clone(),
            adapter: strength.map(|strength| AdapterSource { path: result.clone(), strength }),
            tuned: None,
            prompt: Prompt::Text("User: Where is the cat?\nAssistant:".to_owned()),
            sampling: SamplingSpec { max_new_tokens: 12, temperature: 0.0, ..SamplingSpec::default() },
            precision: Precision::Exact,
            cache: CacheWidth::Full,
            overflow: Overflow::Refuse,
            keep: None,
        };
        lab.reply(spec).text.clone()
    };
    let plain = say(None);
    assert_eq!(say(Some(0.0)), plain, "at strength 0 the model is alone");
    let tuned = say(Some(1.0));
    assert_ne!(tuned, plain);
    assert_eq!(say(None), plain, "and is left as it was");
    lab.close();
}

/// Pauses as soon as `step` has been told; the run as it was then.
fn pause_at(lab: &mut Lab, job: JobSpec, step: u64) -> Arc<RunRecord> {
    let id = lab.start(job);
    lab.until("a step", |event| match event {
        Event::Partial(_, Partial::Metrics(points)) => points.iter().any(|p| p.step >= step).then_some(()),
        _ => None,
    });
    lab.send(Command::Signal(id, Signal::Pause));
    match lab.until_settled(id) {
        Outcome::Done(JobOutput::Trained(run)) => run,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_that_was_paused_is_the_run_that_was_not() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let (whole, job) = new(spec(&model, home.path()));
    let folder = trained(&mut lab, job).folder.clone();
    let (paused, job) = new(spec(&model, home.path()));
    let run = pause_at(&mut lab, job, 3);
    assert_eq!(run.status, RunStatus::Paused);
    assert!(run.progress.step < STEPS, "paused before its end");
    lab.close();

    let mut lab = Lab::open(home.path());
    let resumed = trained(&mut lab, JobSpec::Train(TrainJob::Resume { run: paused }));
    assert_eq!(resumed.status, RunStatus::Done);
    assert_eq!(made(&folder), made(&resumed.folder));
    assert_eq!(losses(&mut lab, whole), losses(&mut lab, paused));
    let refused = lab.fails(JobSpec::Train(TrainJob::Resume { run: paused }));
    assert_eq!(refused.summary.key, "failure.run_ended");
    lab.close();
}

/// kill -9 of the real process, again and again: what comes out in the end is what an undisturbed run makes.
#[test]
fn a_run_that_was_killed_is_the_run_that_was_not() {
    let undisturbed = tempfile::tempdir().expect("a folder");
    let disturbed = tempfile::tempdir().expect("a folder");
    let begin = |home: &Path| {
        process::Command::new(env!("CARGO_BIN_EXE_trainable"))
            .arg(home)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts")
    };
    assert!(begin(undisturbed.path()).wait_with_output().expect("it ends").status.success());
    // After its first line, after its third, … each time some milliseconds later than the time before.
    for round in 0..4 {
        let mut child = begin(disturbed.path());
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let heard = lines.take(1 + 2 * round).filter_map(Result::ok).count();
        std::thread::sleep(Duration::from_millis(7 * round as u64));
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert!(heard > 0 || round > 0, "it was at work");
    }
    assert!(begin(disturbed.path()).wait_with_output().expect("it ends").status.success());
    let look = |home: &Path| {
        let mut lab = Lab::open(home);
        let run = runs(&mut lab).remove(0);
        let losses = losses(&mut lab, run.id);
        lab.close();
        (made(&run.folder), losses, run.status, run.progress.step)
    };
    let (whole, pieces) = (look(undisturbed.path()), look(disturbed.path()));
    assert_eq!(whole.0.len(), 7, "weights, moments and configurations");
    assert!(whole == pieces, "the files or the losses differ");
}

/// One step that takes long is left within a thirtieth of itself, wherever in it the stop comes.
#[test]
fn a_long_step_is_stopped_inside_of_itself() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let mut long = spec(&lab.starter(), home.path());
    let text = "The cat is in the garden, said Alice, and the hare is in the hall with the owl. ";
    let row = serde_json::json!({ "text": text.repeat(40) }).to_string() + "\n";
    let path = home.path().join("long.jsonl");
    std::fs::write(&path, row.repeat(14)).expect("written");
    long.data.files = vec![path];
    long.data.validation_share = 0.1;
    long.task = TaskSpec::Text;
    long.batch = BatchSpec { sequences: 12, accumulation: 1, ..BatchSpec::default() };
    long.run.steps = Some(100);
    long.evaluation.samples = 0;
    let (run, job) = new(long);
    let first = |lab: &mut Lab, job: JobSpec| {
        let id = lab.start(job);
        let secs = lab.until("a step", |event| match event {
            Event::Partial(j, Partial::Metrics(points)) if *j == id => {
                points.iter().rfind(|p| p.series == Series::TrainSecs && p.step > 0).map(|p| p.value)
            }
            _ => None,
        });
        (id, Duration::from_secs_f64(secs))
    };
    let mut waits = Vec::new();
    let (mut id, whole) = first(&mut lab, job);
    for tenth in [2, 5, 8] {
        std::thread::sleep(whole * tenth / 10);
        let asked = Instant::now();
        lab.send(Command::Cancel(id));
        assert_eq!(lab.until_settled(id), Outcome::Cancelled);
        waits.push(asked.elapsed());
        if tenth < 8 {
            (id, _) = first(&mut lab, JobSpec::Train(TrainJob::Resume { run }));
        }
    }
    waits.sort();
    assert!(waits[1] < whole / 30, "{waits:?} of {whole:?}");
    lab.close();
}

#[test]
fn a_run_is_stopped_at_once_and_ended_by_hand() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let mut long = spec(&model, home.path());
    long.run.steps = Some(100_000);
    long.evaluation.every = Some(2);
    let (run, job) = new(long.clone());
    let first = |lab: &mut Lab, job: JobSpec, step: u64| {
        let id = lab.start(job);
        lab.until("a step", |event| match event {
            Event::Partial(j, Partial::Metrics(points)) if *j == id => {
                points.iter().any(|p| p.step >= step).then_some(())
            }
            _ => None,
        });
        id
    };
    let id = first(&mut lab, job, 1);
    let asked = Instant::now();
    lab.send(Command::Cancel(id));
    assert_eq!(lab.until_settled(id), Outcome::Cancelled);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    let record = runs(&mut lab).into_iter().find(|r| r.id == run).expect("it is kept");
    assert_eq!(record.status, RunStatus::Stopped);

    let id = first(&mut lab, JobSpec::Train(TrainJob::Resume { run }), 5);
    lab.send(Command::Signal(id, Signal::StopKeepBest));
    let Outcome::Done(JobOutput::Trained(record)) = lab.until_settled(id) else { panic!("it is done") };
    assert_eq!((record.status, record.progress.ending), (RunStatus::Done, Some(Ending::Kept)));
    assert!(record.progress.result.is_some());
    lab.close();
}

#[test]
fn a_run_that_gets_no_better_ends_early() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let mut lazy = spec(&lab.starter(), home.path());
    // In the warm-up's first step the rate is 0: nothing changes.
    lazy.schedule.warmup_share = 0.5;
    lazy.evaluation.every = Some(1);
    lazy.evaluation.patience = Some(1);
    let (_, job) = new(lazy);
    let run = trained(&mut lab, job);
    assert_eq!((run.progress.ending, run.progress.step), (Some(Ending::EarlyStop), 1));
    lab.close();
}

#[test]
fn a_recipe_with_mistakes_is_refused_before_anything_starts() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let mut check = |change: &dyn Fn(&mut TrainSpec), expected: &[&str]| {
        let mut wrong = spec(&model, home.path());
        change(&mut wrong);
        let failure = lab.fails(new(wrong).1);
        assert_eq!(failure.kind, FailureKind::Input, "{failure}");
        let told = failure.to_string();
        assert!(expected.iter().all(|field| told.contains(field)), "{told}");
        assert_eq!(runs(&mut lab).len(), 0, "nothing was begun");
    };
    check(
        &|spec| {
            spec.data.files.clear();
            spec.batch.sequences = 0;
            spec.run.label_smoothing = 3.0;
        },
        &["data.files", "batch.sequences", "run.label_smoothing"],
    );
    check(&|spec| spec.batch.max_length = Some(100_000), &["batch.max_length", "128"]);
    let targets = |spec: &mut TrainSpec| {
        let MethodSpec::Lora(lora) = &mut spec.method else { panic!("adapters") };
        lora.targets = vec!["q_proj".to_owned(), "c_attn".to_owned()];
    };
    check(&targets, &["method.targets", "c_attn"]);
    lab.close();
}

#[test]
fn what_does_not_fit_is_refused_before_it_is_tried() {
    let home = tempfile::tempdir().expect("a folder");
    let mut config = config(home.path());
    config.memory_limit_bytes = Some(6_000_000);
    let mut lab = Lab::with(config).expect("it starts");
    let failure = lab.fails(new(spec(&lab.starter(), home.path())).1);
    assert_eq!(failure.kind, FailureKind::Memory, "{failure}");
    assert!(failure.hint.is_some());
    assert_eq!(runs(&mut lab).len(), 0);
    lab.close();
}

#[test]
fn rows_that_cannot_be_used_are_listed_by_number() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let mut spec = spec(&lab.starter(), home.path());
    let path = home.path().join("mixed.jsonl");
    let good = std::fs::read_to_string(rows(home.path())).expect("rows");
    std::fs::write(&path, format!("{{\"text\": \"no answer\"}}\nnot json\n{good}{{\"prompt\": 3}}\n"))
        .expect("written");
    spec.data.files = vec![path];
    spec.run.steps = Some(1);
    let run = trained(&mut lab, new(spec).1);
    let told: Vec<(u64, &str)> = run.progress.data.problems.iter().map(|p| (p.row, &*p.reason.key)).collect();
    let expected = [(1, "train.row.no_answer"), (2, "train.row.not_json"), (63, "train.row.no_fields")];
    assert_eq!(told, expected);
    assert_eq!(run.progress.data.n_left_out, 3);
    lab.close();
}

#[test]
fn a_run_that_goes_wrong_keeps_its_last_good_checkpoint() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let mut wild = spec(&lab.starter(), home.path());
    wild.method = MethodSpec::Full(FullSpec::default());
    wild.optimizer =
        serde_json::from_value(serde_json::json!({ "kind": "sgd", "learning_rate": 10.0 })).expect("plain");
    wild.run.max_grad_norm = None;
    wild.checkpoints.every = Some(1);
    let (run, job) = new(wild);
    let failure = lab.fails(job);
    assert_eq!(failure.summary.key, "failure.diverged", "{failure}");
    assert!(failure.hint.is_some());
    let record = runs(&mut lab).into_iter().find(|r| r.id == run).expect("it is kept");
    assert_eq!(record.status, RunStatus::Failed);
    assert!(record.progress.failure.is_some());
    assert!(record.folder.join("last/weights.safetensors").is_file());
    lab.close();
}

#[test]
fn a_checkpoint_that_cannot_be_written_fails_the_run_and_it_goes_on_later() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let (whole, job) = new(spec(&model, home.path()));
    let folder = trained(&mut lab, job).folder.clone();
    let (run, job) = new(spec(&model, home.path()));
    // A file where the folder is to be: the disk says no.
    let in_the_way = home.path().join("runs").join(run.to_string()).join("best.incomplete");
    std::fs::create_dir_all(in_the_way.parent().expect("a folder")).expect("made");
    std::fs::write(&in_the_way, "in the way").expect("written");
    let failure = lab.fails(job);
    assert_eq!(failure.kind, FailureKind::Io, "{failure}");
    std::fs::remove_file(&in_the_way).expect("removed");
    let resumed = trained(&mut lab, JobSpec::Train(TrainJob::Resume { run }));
    assert_eq!(made(&folder), made(&resumed.folder));
    assert_eq!(losses(&mut lab, whole), losses(&mut lab, run));
    lab.close();
}

#[test]
fn a_run_goes_on_only_with_the_data_it_began_with() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let (run, job) = new(spec(&lab.starter(), home.path()));
    pause_at(&mut lab, job, 1);
    let path = rows(home.path());
    let more = std::fs::read_to_string(&path).expect("rows") + "{\"prompt\": \"a\", \"completion\": \"b\"}\n";
    std::fs::write(&path, more).expect("written");
    let refused = lab.fails(JobSpec::Train(TrainJob::Resume { run }));
    assert_eq!(refused.summary.key, "failure.data_changed");
    lab.close();
}

#[test]
fn a_model_that_was_tuned_whole_is_in_the_library() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let mut full = spec(&lab.starter(), home.path());
    full.name = "Whole".to_owned();
    full.method = MethodSpec::Full(FullSpec { last_layers: Some(2), ..FullSpec::default() });
    full.optimizer =
        serde_json::from_value(serde_json::json!({ "kind": "adamw", "learning_rate": 1e-3 })).expect("plain");
    let run = trained(&mut lab, new(full).1);
    assert!(run.progress.best_loss < run.progress.first_validation_loss);
    let Ok(Page::Models(models)) = lab.fetch(Query::Models) else { panic!("the library") };
    let model = models.iter().find(|model| model.name == "Whole").expect("it is there");
    let sampling = SamplingSpec { max_new_tokens: 8, temperature: 0.0, ..SamplingSpec::default() };
    let reply = lab.reply(GenerateSpec {
        model: ModelSource::Library(model.id),
        adapter: None,
        tuned: None,
        prompt: Prompt::Text("User: Where is the owl?\nAssistant:".to_owned()),
        sampling,
        precision: Precision::Exact,
        cache: CacheWidth::Full,
        overflow: Overflow::Refuse,
        keep: None,
    });
    assert!(!reply.text.is_empty());
    lab.close();
}
