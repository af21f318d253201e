//! A run that trains in this window: it grows, is paused, stopped, goes on, ends.

use super::english;
use super::fake::{Fake, points, run, some, validation};
use egui::accesskit::Role;
use glassworks_protocol::ids::{JobId, RunId};
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{MetricPoint, RunRecord, RunStatus, Series, TrainJob, TrainSpec};
use glassworks_protocol::{
    Command, Event, Failure, FailureKind, JobOutput, JobSpec, Outcome, Partial, Progress, Query, Signal,
    Stored, Unit,
};
use glassworks_tests_screens::{Queryable, Window, fixtures};
use std::sync::Arc;

fn at(step: u64) -> Progress {
    let stage = Text::new("train.stage.training");
    Progress { stage, done: step, total: Some(717), unit: Unit::Steps, per_sec: Some(0.4) }
}

fn begin(window: &mut Window) -> (JobId, RunRecord) {
    let mut record = run("Fresh", RunStatus::Running, 0);
    record.progress.best_loss = None;
    record.progress.best_step = None;
    let spec = Box::new(TrainSpec { name: "Fresh".to_owned(), ..record.spec.clone() });
    let job = fixtures::run_job(window, JobSpec::Train(TrainJob::New { run: record.id, spec }));
    (job, record)
}

fn measured(window: &Window, run: RunId, series: Series) -> Vec<u64> {
    let curves = window.harness.state().model().runs.curves(run).expect("something was measured");
    curves.of(series).iter().map(|sample| sample.step).collect()
}

#[test]
fn a_live_run_grows() {
    let mut window = english(&mut Fake::default());
    let (job, record) = begin(&mut window);
    // It shows at once, before the engine has stored it.
    window.harness.get_by_role_and_label(Role::ListItem, "Fresh");
    let reading = Text::new("train.stage.reading").arg("name", "tutoring-talks.jsonl");
    window.tell(Event::Progress(
        job,
        Progress { stage: reading, done: 1, total: Some(4), unit: Unit::Bytes, per_sec: None },
    ));
    assert!(window.shows("Reading tutoring-talks.jsonl"));
    window.tell(Event::Stored(Stored::Run(Arc::new(record.clone()))));
    window.tell(Event::Progress(job, at(30)));
    window.tell(Event::Partial(job, Partial::Metrics(points(0..=30, 0))));
    assert!(window.shows("Step 30 / 717") && !window.shows("687 steps to go"));
    assert!(window.shows_part("Time left 31 min"), "687 steps of 2.75 s");
    window.tell(Event::Progress(job, at(60)));
    window.tell(Event::Partial(job, Partial::Metrics(points(31..=60, 0))));
    assert!(window.shows("Step 60 / 717"));
    assert_eq!(measured(&window, record.id, Series::TrainLoss), (1..=60).collect::<Vec<_>>());
    let loss = format!("Validation loss {:.3} best", validation(50));
    assert!(window.shows(&loss), "{loss}");

    window.commands();
    window.click("Pause");
    assert_eq!(window.commands(), [Command::Signal(job, Signal::Pause)]);
    window.click("Pause");
    assert!(window.commands().is_empty(), "it is asked once");
    let paused = RunRecord { status: RunStatus::Paused, ..record.clone() };
    window.tell(Event::Stored(Stored::Run(Arc::new(paused.clone()))));
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::Trained(Arc::new(paused)))));
    assert!(window.shows("Fresh is paused"), "told wherever one is");
    // Hints may have been missed: what was measured is asked for again.
    assert!(
        window
            .commands()
            .iter()
            .any(|c| matches!(c, Command::Fetch(_, Query::RunPoints(r)) if *r == record.id))
    );
    assert!(window.shows("Resume"));
}

#[test]
fn stopping_says_what_becomes_of_it() {
    let mut window = english(&mut Fake::default());
    let (job, record) = begin(&mut window);
    window.tell(Event::Stored(Stored::Run(Arc::new(record))));
    window.tell(Event::Progress(job, at(30)));
    window.tell(Event::Partial(job, Partial::Metrics(points(0..=30, 0))));
    window.commands();
    window.click("Stop…");
    window.click("Stop and keep the best");
    assert_eq!(window.commands(), [Command::Signal(job, Signal::StopKeepBest)]);

    let (job, record) = begin(&mut window);
    window.tell(Event::Stored(Stored::Run(Arc::new(record.clone()))));
    window.tell(Event::Progress(job, at(30)));
    window.harness.get_all_by_role_and_label(Role::ListItem, "Fresh").next().expect("the newest").click();
    window.commands();
    window.click("Stop…");
    window.click("Stop at once");
    assert_eq!(window.commands(), [Command::Cancel(job)]);
}

#[test]
fn what_is_measured_after_a_resume_replaces_what_was() {
    let mut fake = some();
    let mut window = english(&mut fake);
    let record = fake.runs[0].clone();
    assert_eq!(measured(&window, record.id, Series::TrainLoss).last(), Some(&412));
    window.click("Resume");
    let commands = window.commands();
    let [Command::Start(job, JobSpec::Train(TrainJob::Resume { run }))] = commands[..] else {
        panic!("a job that goes on with it, not {commands:?}")
    };
    assert_eq!(run, record.id);
    let reading = Text::new("train.stage.reading").arg("name", "tutoring-talks.jsonl");
    let progress = Progress { stage: reading, done: 1, total: Some(4), unit: Unit::Bytes, per_sec: None };
    window.tell(Event::Progress(job, progress));
    assert!(window.shows("Reading tutoring-talks.jsonl"), "above what was measured before");
    let mut goes_on = RunRecord { status: RunStatus::Running, ..(*record).clone() };
    goes_on.progress.step = 400;
    window.tell(Event::Stored(Stored::Run(Arc::new(goes_on))));
    assert_eq!(
        measured(&window, record.id, Series::TrainLoss).last(),
        Some(&400),
        "its checkpoint was there"
    );
    let point = MetricPoint { series: Series::TrainLoss, step: 401, value: 1.25, at_ms: 0 };
    window.tell(Event::Progress(job, at(401)));
    window.tell(Event::Partial(job, Partial::Metrics(vec![point])));
    assert!(window.shows("Training loss 1.250"));
}

#[test]
fn a_run_that_is_refused_before_it_began_is_no_run() {
    let mut window = english(&mut Fake::default());
    let (job, _) = begin(&mut window);
    let failure = Failure::new(FailureKind::Memory, Text::new("failure.disk_full"));
    window.tell(Event::Settled(job, Outcome::Failed(failure)));
    assert!(window.shows("No runs yet"));
}

#[test]
fn a_run_nobody_is_on_was_cut_off() {
    let mut fake = Fake::default();
    fake.add(run("Left alone", RunStatus::Running, 96), points(0..=96, 0));
    let window = english(&mut fake);
    assert!(window.shows("Resume") && !window.shows("Pause"));
}
