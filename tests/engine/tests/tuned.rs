//! What runs make, used: results, checkpoints and live adapters are talked to; runs are labelled and deleted.

use glassworks_protocol::chat::ChatKind;
use glassworks_protocol::generate::{GenerateSpec, ModelSource, Overflow, Prompt, Reply, SamplingSpec};
use glassworks_protocol::ids::{JobId, RunId};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::train::{
    AdapterSource, CheckpointKind, FullSpec, MethodSpec, RunPart, RunRecord, RunStatus, TrainJob, TrainSpec,
    TunedSource,
};
use glassworks_protocol::{
    Command, Edit, Event, FailureKind, JobOutput, JobSpec, Outcome, Page, Partial, Query, Stored,
};
use glassworks_tests_engine::training::{made, spec};
use glassworks_tests_engine::{Lab, Talk, reply_id};
use std::sync::Arc;

fn ask(model: &ModelSource) -> GenerateSpec {
    GenerateSpec {
        model: model.clone(),
        adapter: None,
        tuned: None,
        prompt: Prompt::Text("User: Where is the cat?\nAssistant:".to_owned()),
        sampling: SamplingSpec { max_new_tokens: 12, temperature: 0.0, ..SamplingSpec::default() },
        precision: Precision::Exact,
        cache: CacheWidth::Full,
        overflow: Overflow::Refuse,
        keep: None,
    }
}

fn of(run: &RunRecord, part: RunPart, strength: f32) -> Option<TunedSource> {
    Some(TunedSource { run: run.id, part, strength })
}

fn trained(lab: &mut Lab, spec: TrainSpec) -> Arc<RunRecord> {
    let job = TrainJob::New { run: RunId::mint(), spec: Box::new(spec) };
    match lab.done(JobSpec::Train(job)) {
        JobOutput::Trained(run) => run,
        other => panic!("{other:?}"),
    }
}

/// What was written, with its probabilities.
fn written(reply: &Reply) -> Vec<(u32, f32)> {
    reply.tokens.iter().map(|piece| (piece.id, piece.logprob)).collect()
}

#[test]
fn every_part_of_a_run_with_an_adapter_answers() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let run = trained(&mut lab, spec(&model, home.path()));
    let plain = lab.reply(ask(&model));
    let mut say = |part, strength| lab.reply(GenerateSpec { tuned: of(&run, part, strength), ..ask(&model) });
    let result = say(RunPart::Result, 1.0);
    assert_eq!(written(&say(RunPart::Result, 0.0)), written(&plain), "at strength 0 the model is alone");
    assert_ne!(written(&say(RunPart::Result, 0.5)), written(&result));
    assert_eq!(result.stats.tuned_step, run.progress.best_step);
    let best = say(RunPart::Checkpoint(CheckpointKind::Best), 1.0);
    assert_eq!(written(&best), written(&result), "the result is the best checkpoint");
    let last = say(RunPart::Checkpoint(CheckpointKind::Last), 1.0);
    assert_eq!(last.stats.tuned_step, Some(run.progress.step));
    // A run that doesn't train any more is what it has come to.
    assert_eq!(written(&say(RunPart::Live, 1.0)), written(&result));
    let folder = run.progress.result.clone().expect("a result");
    let by_folder = Some(AdapterSource { path: folder, strength: 1.0 });
    let by_folder = lab.reply(GenerateSpec { adapter: by_folder, ..ask(&model) });
    assert_eq!(written(&by_folder), written(&result));
    assert_eq!((by_folder.stats.tuned_step, plain.stats.tuned_step), (None, None));
    lab.close();
}

#[test]
fn whole_weights_of_a_checkpoint_are_those_of_the_folder_made_of_it() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let full = TrainSpec { method: MethodSpec::Full(FullSpec::default()), ..spec(&model, home.path()) };
    let run = trained(&mut lab, full);
    let folder = run.progress.result.clone().expect("a result");
    let by_folder = lab.reply(ask(&ModelSource::Path(folder)));
    let plain = lab.reply(ask(&model));
    assert_ne!(written(&by_folder), written(&plain));
    for part in [RunPart::Result, RunPart::Checkpoint(CheckpointKind::Best), RunPart::Live] {
        // Whole weights know no strength.
        let reply = lab.reply(GenerateSpec { tuned: of(&run, part, 0.3), ..ask(&model) });
        assert_eq!(reply.text, by_folder.text, "{part:?}");
        // What of the prompt was read before is not read again, which changes last digits.
        for ((_, a), (_, b)) in written(&reply).into_iter().zip(written(&by_folder)) {
            assert!((a - b).abs() < 1e-4, "{part:?}: {a} {b}");
        }
        assert_eq!(reply.stats.tuned_step, run.progress.best_step, "{part:?}");
    }
    assert_eq!(lab.reply(ask(&model)).text, plain.text, "the model itself is as it was");
    lab.close();
}

#[test]
fn a_reply_remembers_what_wrote_it() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let run = trained(&mut lab, TrainSpec { name: "tutor".to_owned(), ..spec(&model, home.path()) });
    let mut talk = Talk::new(ChatKind::Completion);
    let sampling = SamplingSpec { max_new_tokens: 4, ..SamplingSpec::default() };
    let mut spec = talk.ask(&model, "Where is the cat?", sampling);
    spec.tuned = of(&run, RunPart::Checkpoint(CheckpointKind::Last), 0.25);
    lab.reply(spec.clone());
    lab.close();
    let mut lab = Lab::open(home.path());
    let document = lab.chat(talk.chat.id);
    let message = document.messages.iter().find(|m| m.id == reply_id(&spec)).expect("the reply");
    let record = message.reply.as_ref().expect("written by a model");
    let tuned = record.model.tuned.as_ref().expect("by a tuned one");
    assert_eq!((tuned.run, tuned.name.as_str(), tuned.strength), (run.id, "tutor", Some(0.25)));
    assert_eq!(tuned.part, RunPart::Checkpoint(CheckpointKind::Last));
    assert_eq!(record.stats.as_ref().and_then(|stats| stats.tuned_step), Some(run.progress.step));
    lab.close();
}

/// A run long enough to be talked to.
fn long(model: &ModelSource, lab_home: &std::path::Path) -> TrainSpec {
    let mut spec = spec(model, lab_home);
    spec.run.steps = Some(60);
    spec.evaluation.every = Some(20);
    spec.checkpoints.every = Some(20);
    spec
}

fn until_step(lab: &mut Lab, train: JobId, step: u64) {
    lab.until("a step", |event| match event {
        Event::Partial(job, Partial::Metrics(points)) if *job == train => {
            points.iter().any(|p| p.step >= step).then_some(())
        }
        _ => None,
    });
}

/// Waits for both, whichever ends first.
fn both(lab: &mut Lab, train: JobId, reply: JobId) -> (Outcome, Outcome) {
    let (mut trained, mut replied) = (None, None);
    lab.until("both ends", |event| {
        if let Event::Settled(job, outcome) = event {
            let slot =
                if *job == train { Some(&mut trained) } else { (*job == reply).then_some(&mut replied) };
            if let Some(slot) = slot {
                *slot = Some(outcome.clone());
            }
        }
        (trained.is_some() && replied.is_some()).then_some(())
    });
    (trained.expect("ended"), replied.expect("ended"))
}

#[test]
fn a_run_that_is_talked_to_is_the_run_that_was_not() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let alone = trained(&mut lab, long(&model, home.path()));

    let id = RunId::mint();
    let spec = Box::new(long(&model, home.path()));
    let train = lab.start(JobSpec::Train(TrainJob::New { run: id, spec }));
    until_step(&mut lab, train, 2);
    let tuned = Some(TunedSource { run: id, part: RunPart::Live, strength: 1.0 });
    let sampling =
        SamplingSpec { max_new_tokens: 48, ignore_eos: true, temperature: 0.0, ..SamplingSpec::default() };
    let ask =
        || JobSpec::Generate(Box::new(GenerateSpec { tuned, sampling: sampling.clone(), ..ask(&model) }));
    let first = lab.start(ask());
    let first = match lab.until_settled(first) {
        Outcome::Done(JobOutput::Replied(first)) => first,
        other => panic!("{other:?}"),
    };
    let step = first.stats.tuned_step.expect("a step");
    assert!((2..60).contains(&step), "while it trained: {step}");
    let second = lab.start(ask());
    let (ended, second) = both(&mut lab, train, second);
    let (run, second) = match (ended, second) {
        (Outcome::Done(JobOutput::Trained(run)), Outcome::Done(JobOutput::Replied(second))) => (run, second),
        other => panic!("{other:?}"),
    };
    let later = second.stats.tuned_step.expect("a step");
    assert!(later >= step, "{step}, then {later}");
    assert_eq!(made(&run.folder), made(&alone.folder));
    let losses = |run: &RunRecord| (run.progress.best_loss, run.progress.train_loss, run.progress.best_step);
    assert_eq!(losses(&run), losses(&alone));
    let undisturbed = lab.reply(GenerateSpec { tuned, sampling: sampling.clone(), ..self::ask(&model) });
    eprintln!(
        "tokens a second: {:.1} and {:.1} beside training, {:.1} alone",
        first.stats.tokens_per_sec, second.stats.tokens_per_sec, undisturbed.stats.tokens_per_sec
    );
    lab.close();
}

#[test]
fn a_deleted_run_leaves_nothing_behind() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let full = TrainSpec { method: MethodSpec::Full(FullSpec::default()), ..spec(&model, home.path()) };
    let run = trained(&mut lab, full);
    let models = |lab: &mut Lab| match lab.fetch(Query::Models) {
        Ok(Page::Models(models)) => models.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(models(&mut lab), 2, "the starter and what the run made");
    lab.edit(Edit::TrashRun(run.id));
    let Ok(Page::Runs(runs)) = lab.fetch(Query::Runs) else { panic!("the runs") };
    assert!(runs[0].trashed_at_ms.is_some() && run.folder.is_dir(), "in the trash nothing is gone");
    let JobOutput::RunsDeleted { n_runs, freed_bytes } = lab.done(JobSpec::DeleteRuns(vec![run.id])) else {
        panic!("deleted")
    };
    assert_eq!(n_runs, 1);
    // Weights and moments of `last`, weights of `best` and of the result, four bytes each.
    assert!(freed_bytes > 4 * 4 * run.progress.n_trained, "{freed_bytes}");
    assert!(!run.folder.exists());
    assert!(lab.stored().iter().any(|stored| *stored == Stored::RunDeleted(run.id)));
    assert_eq!(models(&mut lab), 1);
    let Ok(Page::Runs(runs)) = lab.fetch(Query::Runs) else { panic!("the runs") };
    assert!(runs.is_empty());
    let gone = lab.fails(JobSpec::DeleteRuns(vec![run.id]));
    assert_eq!(gone.summary.key, "failure.run_gone");
    let gone = lab.fails(JobSpec::Generate(Box::new(GenerateSpec {
        tuned: of(&run, RunPart::Result, 1.0),
        ..ask(&model)
    })));
    assert_eq!((gone.kind, &*gone.summary.key), (FailureKind::Missing, "failure.run_gone"));
    lab.close();
}

#[test]
fn a_run_that_trains_is_neither_deleted_nor_begun_twice() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let id = RunId::mint();
    let spec = Box::new(long(&model, home.path()));
    let train = lab.start(JobSpec::Train(TrainJob::New { run: id, spec }));
    until_step(&mut lab, train, 1);
    assert_eq!(lab.fails(JobSpec::DeleteRuns(vec![id])).summary.key, "failure.run_busy");
    assert_eq!(lab.fails(JobSpec::Train(TrainJob::Resume { run: id })).summary.key, "failure.run_busy");
    lab.send(Command::Cancel(train));
    assert_eq!(lab.until_settled(train), Outcome::Cancelled);
    let Ok(Page::Runs(runs)) = lab.fetch(Query::Runs) else { panic!("the runs") };
    assert_eq!(runs[0].status, RunStatus::Stopped);
    lab.done(JobSpec::DeleteRuns(vec![id]));
    lab.close();
}
