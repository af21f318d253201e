//! What a run leaves to look at while it trains, what of it stays on disk, and what makes it pause by itself.

use glassworks_engine::EngineConfig;
use glassworks_protocol::chat::{TemplateOptions, Turn};
use glassworks_protocol::generate::{GenerateSpec, ModelSource, Overflow, Prompt, SamplingSpec};
use glassworks_protocol::ids::{EditId, RunId};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::train::{
    AdapterSource, CheckpointKind, FullSpec, Look, MethodSpec, PausedBy, RunRecord, RunSample, RunStatus,
    TrainJob, TrainSpec, WorstRows,
};
use glassworks_protocol::{
    Command, Edit, Event, FailureKind, JobOutput, JobSpec, JobSpec::Train, Notice, Outcome, Page, Partial,
    Query, Signal, Stored,
};
use glassworks_tests_engine::training::{STEPS, made, rows, spec};
use glassworks_tests_engine::{Lab, config};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn new(spec: TrainSpec) -> (RunId, JobSpec) {
    let run = RunId::mint();
    (run, Train(TrainJob::New { run, spec: Box::new(spec) }))
}

fn trained(lab: &mut Lab, job: JobSpec) -> Arc<RunRecord> {
    match lab.done(job) {
        JobOutput::Trained(run) => run,
        other => panic!("{other:?}"),
    }
}

fn samples(lab: &mut Lab, run: RunId) -> Vec<Arc<RunSample>> {
    match lab.fetch(Query::RunSamples(run)) {
        Ok(Page::RunSamples(samples)) => samples,
        other => panic!("{other:?}"),
    }
}

fn worst(lab: &mut Lab, run: RunId, look: Look, n: u32) -> Arc<WorstRows> {
    match lab.fetch(Query::WorstRows { run, look, n }) {
        Ok(Page::WorstRows(Some(rows))) => rows,
        other => panic!("{other:?}"),
    }
}

/// What the playground writes for a question, or after a text.
fn said(lab: &mut Lab, model: &ModelSource, adapter: Option<&Path>, prompt: Prompt, n: u32) -> String {
    let reply = lab.reply(GenerateSpec {
        model: model.clone(),
        tuned: None,
        adapter: adapter.map(|path| AdapterSource { path: path.to_owned(), strength: 1.0 }),
        prompt,
        sampling: SamplingSpec { max_new_tokens: n, temperature: 0.0, ..SamplingSpec::default() },
        precision: Precision::Exact,
        cache: CacheWidth::Full,
        overflow: Overflow::Refuse,
        keep: None,
    });
    reply.text.trim().to_owned()
}

fn asked(question: &str) -> Prompt {
    JobSpec::chat_prompt(vec![Turn::new("user", question)], TemplateOptions::default())
}

#[test]
fn a_run_leaves_samples_and_the_losses_of_its_rows() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let (id, job) = new(spec(&model, home.path()));
    let run = trained(&mut lab, job);
    let told = lab.stored();
    let told: Vec<_> = told.iter().filter(|s| matches!(s, Stored::Sample(_))).collect();
    // As they grow, before they are kept.
    let first = lab.until("a beginning", |event| match event {
        Event::Partial(_, Partial::Samples(so_far)) => Some(so_far.clone()),
        _ => None,
    });
    assert_eq!(first.iter().map(|one| (one.run, one.n)).collect::<Vec<_>>(), [(id, 0), (id, 1), (id, 2)]);
    let kept = samples(&mut lab, id);
    let whole = |one: &RunSample| {
        kept.iter().any(|k| (k.step, k.n) == (one.step, one.n) && k.text.starts_with(&one.text))
    };
    assert!(first.iter().all(|one| whole(one)), "{first:?}");
    assert_eq!((kept.len(), told.len()), (15, 15), "three rows, before the first step and four times more");
    let steps: Vec<u64> = kept.iter().step_by(3).map(|sample| sample.step).collect();
    assert_eq!(steps, [0, 4, 8, 12, STEPS]);
    let lines = std::fs::read_to_string(rows(home.path())).expect("the rows");
    assert!(kept.iter().all(|sample| lines.contains(&sample.prompt) && sample.prompt.starts_with("Where")));
    let at = |step: u64| kept.iter().filter(move |sample| sample.step == step).map(|sample| &sample.text);
    assert!(at(0).ne(at(STEPS)), "it writes otherwise once it has learned");

    let last = worst(&mut lab, id, Look::Last, 4);
    assert_eq!((last.step, last.n_rows, last.rows.len()), (STEPS, 6, 4));
    assert!(last.rows.is_sorted_by(|a, b| a.loss >= b.loss));
    let all = worst(&mut lab, id, Look::Last, 99);
    assert_eq!(all.rows[..4], last.rows[..]);
    let mean = run.progress.validation_loss.expect("measured") as f32;
    assert!(all.rows[5].loss <= mean && mean <= all.rows[0].loss);
    assert!(all.rows.iter().all(|row| row.first_loss.is_some_and(|first| first > row.loss)), "all learned");
    // File and number lead to the row.
    for row in &all.rows {
        let line = lines.lines().nth(row.row.row as usize - 1).expect("there is such a row");
        assert!(line.contains(&row.row.start), "{line}: {}", row.row.start);
        assert_eq!(row.row.file, rows(home.path()));
    }
    let best = worst(&mut lab, id, Look::Best, 1);
    assert_eq!(Some(best.step), run.progress.best_step);
    assert_eq!(worst(&mut lab, id, Look::First, 1).step, 0);

    let (held, foreseen) = (run.progress.held_bytes, run.progress.foreseen_bytes);
    assert!(0 < held && held <= foreseen, "held {held}, foreseen {foreseen}");

    // To look does not touch: without samples the same comes out.
    let mut blind = spec(&model, home.path());
    blind.evaluation.samples = 0;
    let (other, job) = new(blind);
    let blind = trained(&mut lab, job);
    assert!(samples(&mut lab, other).is_empty());
    assert_eq!(made(&run.folder), made(&blind.folder));
    lab.close();
}

#[test]
fn samples_are_what_the_weights_in_training_say() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let questions = ["Where is the owl?", "Who, then, is “Alice”?"];
    let mut own = spec(&model, home.path());
    own.evaluation.prompts = questions.map(str::to_owned).into();
    own.evaluation.sample_tokens = 12;
    let (id, job) = new(own.clone());
    let run = trained(&mut lab, job);
    let kept = samples(&mut lab, id);
    for (n, question) in questions.into_iter().enumerate() {
        let sample = |step: u64| {
            let found = kept.iter().find(|sample| sample.step == step && sample.n as usize == n);
            let found = found.expect("it was written");
            assert_eq!(found.prompt, question);
            found.text.clone()
        };
        assert_eq!(said(&mut lab, &model, None, asked(question), 12), sample(0), "{question}");
        let adapter = run.folder.join("last");
        assert_eq!(said(&mut lab, &model, Some(&adapter), asked(question), 12), sample(STEPS), "{question}");
    }

    // The weights themselves, none of them the model's own any more.
    own.name = "Whole".to_owned();
    own.method = MethodSpec::Full(FullSpec::default());
    own.optimizer =
        serde_json::from_value(serde_json::json!({ "kind": "adamw", "learning_rate": 1e-3 })).expect("plain");
    own.checkpoints.keep_best = false;
    let (id, job) = new(own);
    trained(&mut lab, job);
    let kept = samples(&mut lab, id);
    let Ok(Page::Models(models)) = lab.fetch(Query::Models) else { panic!("the library") };
    let whole = models.iter().find(|model| model.name == "Whole").expect("it is there");
    let whole = ModelSource::Library(whole.id);
    for (n, question) in questions.into_iter().enumerate() {
        let at =
            |step: u64| kept.iter().find(|s| s.step == step && s.n as usize == n).map(|s| s.text.clone());
        assert_eq!(Some(said(&mut lab, &whole, None, asked(question), 12)), at(STEPS), "{question}");
        assert_ne!(at(0), at(STEPS));
    }
    lab.close();
}

#[test]
fn what_was_seen_of_a_run_that_was_paused_is_what_was_seen_of_the_other() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let (whole, job) = new(spec(&model, home.path()));
    trained(&mut lab, job);
    let (paused, job) = new(spec(&model, home.path()));
    let id = lab.start(job);
    lab.until("a sample", |event| match event {
        Event::Stored(Stored::Sample(sample)) => (sample.step >= 4).then_some(()),
        _ => None,
    });
    lab.send(Command::Signal(id, Signal::Pause));
    assert!(matches!(lab.until_settled(id), Outcome::Done(_)));
    lab.close();
    let mut lab = Lab::open(home.path());
    trained(&mut lab, Train(TrainJob::Resume { run: paused }));
    let told = |lab: &mut Lab, run: RunId| {
        let samples = samples(lab, run);
        let samples: Vec<_> = samples.iter().map(|s| (s.step, s.n, s.text.clone(), s.ended)).collect();
        (samples, Look::ALL.map(|look| worst(lab, run, look, 99)))
    };
    assert_eq!(told(&mut lab, whole), told(&mut lab, paused));
    lab.close();
}

#[test]
fn checkpoints_stay_within_their_budget() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let mut kept = spec(&lab.starter(), home.path());
    kept.checkpoints.keep_every = Some(2);
    let (_, job) = new(kept.clone());
    let run = trained(&mut lab, job);
    let there = |folder: &Path| {
        let names = std::fs::read_dir(folder).expect("its folder").flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut steps: Vec<u64> = names.filter_map(|name| name.strip_prefix("step-")?.parse().ok()).collect();
        steps.sort_unstable();
        steps
    };
    assert_eq!(there(&run.folder), [2, 4, 6, 8, 10, 12, 14]);

    // Room for the newest with its moments, the best, and three.
    kept.checkpoints.budget_gb = kept.checkpoint_bytes(run.progress.n_trained) as f64 * 7.2 / 1e9;
    let (id, job) = new(kept.clone());
    let run = trained(&mut lab, job);
    assert_eq!(there(&run.folder), [10, 12, 14]);
    let Ok(Page::RunCheckpoints(records)) = lab.fetch(Query::RunCheckpoints(id)) else {
        panic!("what it keeps")
    };
    assert_eq!(records.len(), 5);
    assert!(lab.stored().iter().any(|s| matches!(s, Stored::CheckpointDeleted { kind, .. }
        if *kind == CheckpointKind::Step(8))));
    // What was foreseen is what is there: weights to the byte, and headers.
    let bytes: u64 = records.iter().map(|record| record.size_bytes).sum();
    let weights = (kept.checkpoints.budget_gb * 1e9 / 7.2 * 7.0) as u64;
    assert!((weights..weights + 100_000).contains(&bytes), "{bytes} for {weights}");

    kept.checkpoints.budget_gb = 0.000_1;
    let (_, job) = new(kept);
    let run = trained(&mut lab, job);
    assert!(there(&run.folder).is_empty() && run.folder.join("best").is_dir(), "no room for any");
    lab.close();
}

#[test]
fn a_kept_checkpoint_is_deleted_with_its_files_and_the_newest_is_not() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let mut kept = spec(&lab.starter(), home.path());
    kept.checkpoints.keep_every = Some(7);
    let (id, job) = new(kept);
    let run = trained(&mut lab, job);
    let kinds = |lab: &mut Lab| match lab.fetch(Query::RunCheckpoints(id)) {
        Ok(Page::RunCheckpoints(kept)) => kept.iter().map(|one| one.kind).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    use CheckpointKind::{Best, Last, Step};
    assert_eq!(kinds(&mut lab), [Last, Best, Step(14), Step(7)]);
    assert!(run.folder.join("step-7/adapter_model.safetensors").is_file());
    assert!(!run.folder.join("step-7/moments.safetensors").exists(), "nobody goes on from it");
    lab.edit(Edit::DeleteCheckpoint { run: id, kind: Step(7) });
    assert_eq!(kinds(&mut lab), [Last, Best, Step(14)]);
    assert!(!run.folder.join("step-7").exists());
    lab.send(Command::Edit(EditId::mint(), Edit::DeleteCheckpoint { run: id, kind: Best }));
    let refused = lab.until("a refusal", |event| match event {
        Event::Refused(_, failure) => Some(failure.kind),
        _ => None,
    });
    assert_eq!(refused, FailureKind::Input);
    assert!(run.folder.join("best").is_dir());
    lab.close();
}

#[test]
fn a_run_that_does_not_fit_the_disk_is_refused_before_anything_is_written() {
    let home = tempfile::tempdir().expect("a folder");
    let full = EngineConfig { disk_free_bytes: Some(100_000), ..config(home.path()) };
    let mut lab = Lab::with(full).expect("it starts");
    let Ok(Page::Disk(Some(disk))) = lab.fetch(Query::Disk) else { panic!("its room") };
    assert_eq!(disk.free_bytes, 100_000);
    let (run, job) = new(spec(&lab.starter(), home.path()));
    let failure = lab.fails(job);
    assert_eq!((failure.kind, &*failure.summary.key), (FailureKind::Io, "failure.disk_room"), "{failure}");
    assert!(failure.hint.is_some());
    assert!(!home.path().join("runs").join(run.to_string()).exists());
    let Ok(Page::Runs(runs)) = lab.fetch(Query::Runs) else { panic!("the runs") };
    assert!(runs.is_empty());
    lab.close();
}

/// Writes a power supply as the kernel shows it.
fn supply(home: &Path, name: &str, files: &[(&str, &str)]) {
    let folder = home.join("power").join(name);
    std::fs::create_dir_all(&folder).expect("made");
    for (file, text) in files {
        std::fs::write(folder.join(file), text).expect("written");
    }
}

#[test]
fn a_run_pauses_when_the_plug_is_pulled_and_goes_on_by_itself() {
    let home = tempfile::tempdir().expect("a folder");
    supply(home.path(), "BAT0", &[("type", "Battery\n"), ("status", "Charging\n")]);
    supply(home.path(), "AC", &[("type", "Mains\n"), ("online", "1\n")]);
    let plug = |is_in: bool| {
        supply(home.path(), "BAT0", &[("status", if is_in { "Charging\n" } else { "Discharging\n" })]);
        supply(home.path(), "AC", &[("online", if is_in { "1\n" } else { "0\n" })]);
    };
    let mut lab = Lab::open(home.path());
    let mut long = spec(&lab.starter(), home.path());
    long.run.steps = Some(100_000);
    long.run.pause_on_battery = true;
    let (_, job) = new(long);
    let id = lab.start(job);
    let a_step = |lab: &mut Lab, after: u64| {
        lab.until("a step", |event| match event {
            Event::Partial(j, Partial::Metrics(points)) if *j == id => {
                points.iter().map(|point| point.step).find(|step| *step > after)
            }
            _ => None,
        })
    };
    let stands = |lab: &mut Lab, status: RunStatus| {
        lab.until("how it stands", |event| match event {
            Event::Stored(Stored::Run(run)) if run.status == status => Some(Arc::clone(run)),
            _ => None,
        })
    };
    a_step(&mut lab, 0);
    plug(false);
    let paused = stands(&mut lab, RunStatus::Paused);
    assert_eq!(paused.progress.paused_by, Some(PausedBy::Battery));
    assert!(paused.folder.join("last/moments.safetensors").is_file());
    lab.until("that it waits", |event| match event {
        Event::Progress(j, progress) if *j == id => {
            (progress.stage.key == "train.stage.unplugged").then_some(())
        }
        _ => None,
    });

    // What was told before is of no use to see that it goes on.
    let forget = |lab: &mut Lab| while lab.engine.window.wait(Duration::from_millis(10)).is_some() {};
    lab.stored();
    forget(&mut lab);
    plug(true);
    lab.until("a notice", |event| match event {
        Event::Notice(Notice::Info(text)) => (text.key == "train.plugged_in").then_some(()),
        _ => None,
    });
    let running = stands(&mut lab, RunStatus::Running);
    assert_eq!((running.progress.paused_by, running.progress.step), (None, paused.progress.step));
    a_step(&mut lab, paused.progress.step);

    // Pulled again, and somebody wants it to go on all the same: on battery, until told otherwise.
    plug(false);
    let paused = stands(&mut lab, RunStatus::Paused);
    lab.stored();
    forget(&mut lab);
    lab.send(Command::Signal(id, Signal::GoOn));
    a_step(&mut lab, paused.progress.step);
    lab.send(Command::Signal(id, Signal::Pause));
    let Outcome::Done(JobOutput::Trained(record)) = lab.until_settled(id) else { panic!("it is paused") };
    assert_eq!((record.status, record.progress.paused_by), (RunStatus::Paused, None));
    lab.close();
}

/// A person's pause stays one, and so does that of a run that waits for mains.
#[test]
fn a_run_that_waits_for_mains_can_be_told_to_stay() {
    let home = tempfile::tempdir().expect("a folder");
    supply(home.path(), "BAT0", &[("type", "Battery\n"), ("status", "Charging\n")]);
    let mut lab = Lab::open(home.path());
    let mut long = spec(&lab.starter(), home.path());
    long.run.steps = Some(100_000);
    long.run.pause_on_battery = true;
    let waiting = |lab: &mut Lab, job: JobSpec| {
        supply(home.path(), "BAT0", &[("status", "Charging\n")]);
        let id = lab.start(job);
        lab.until("a step", |event| match event {
            Event::Partial(j, Partial::Metrics(points)) if *j == id => {
                points.iter().any(|point| point.step > 0).then_some(())
            }
            _ => None,
        });
        supply(home.path(), "BAT0", &[("status", "Discharging\n")]);
        lab.until("that it waits", |event| match event {
            Event::Progress(j, progress) if *j == id => {
                (progress.stage.key == "train.stage.unplugged").then_some(())
            }
            _ => None,
        });
        id
    };
    let (run, job) = new(long);
    let id = waiting(&mut lab, job);
    lab.send(Command::Signal(id, Signal::Pause));
    let Outcome::Done(JobOutput::Trained(record)) = lab.until_settled(id) else { panic!("it is paused") };
    assert_eq!((record.status, record.progress.paused_by), (RunStatus::Paused, None));

    // The program ends while it waits: paused it is, and why is known.
    let id = waiting(&mut lab, Train(TrainJob::Resume { run }));
    lab.send(Command::Cancel(id));
    assert_eq!(lab.until_settled(id), Outcome::Cancelled);
    let Ok(Page::Runs(runs)) = lab.fetch(Query::Runs) else { panic!("the runs") };
    assert_eq!((runs[0].status, runs[0].progress.paused_by), (RunStatus::Paused, Some(PausedBy::Battery)));
    lab.close();
}
