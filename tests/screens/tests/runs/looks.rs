//! What evaluations left: samples side by side, the worst rows, kept checkpoints; and a run that the battery paused.

use super::fake::{Fake, open, points, run, samples, some};
use super::{WIDE, english};
use egui::accesskit::Role;
use egui_kittest::SnapshotResults;
use glassworks_protocol::ids::JobId;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::{CheckpointKind, Look, PausedBy, RunStatus, TrainJob};
use glassworks_protocol::{
    Command, Edit, Event, JobSpec, Outcome, Partial, Progress, Query, Signal, Stored, Unit,
};
use glassworks_tests_screens::{Queryable, Window, fixtures};
use std::sync::Arc;

/// A window high enough for all of it.
const HIGH: (f32, f32) = (1440.0, 1900.0);

fn high(fake: &mut Fake) -> Window {
    open(fake, Language::English, ThemeChoice::Dark, HIGH)
}

#[test]
fn samples_stand_side_by_side_and_new_ones_come_in() {
    let mut fake = some();
    let mut window = high(&mut fake);
    let id = fake.runs[0].id;
    assert!(window.shows("Samples") && window.shows("How do I divide a fraction by a fraction?"));
    let early = "The fraction is a fraction of the fraction of the fraction of the …";
    assert!(window.shows(early), "the first, cut off");
    assert!(window.shows_part("Turn the second fraction over"), "the newest");
    assert!(!window.shows_part("by multiplying by it"), "not what is between");
    window.click("Steps");
    window.harness.get_by_role_and_label(Role::MenuItemCheckBox, "step 200").click();
    window.run();
    assert!(window.shows("You can divide a fraction by a fraction by multiplying by it …"));
    window.key(egui::Modifiers::NONE, egui::Key::Escape);
    let copied = window.click_copies("Copy what was written at step 0: Why is the sky blue?");
    assert_eq!(copied.as_deref(), Some("The sky is blue."));

    let mut newer = samples(id, 500);
    newer[0].text = "Quite another answer".to_owned();
    // What was chosen stays; another run shows its newest.
    window.tell(Event::Stored(Stored::Sample(Arc::new(newer.remove(0)))));
    assert!(!window.shows_part("Quite another answer"));
    let mut window = high(&mut fake);
    let mut newer = samples(id, 500);
    newer[0].text = "Quite another answer".to_owned();
    for sample in newer {
        window.tell(Event::Stored(Stored::Sample(Arc::new(sample))));
    }
    assert!(window.shows_part("Quite another answer") && window.shows(early));
    // A run that goes on from a checkpoint before it forgets it.
    let mut goes_on = (*fake.runs[0]).clone();
    (goes_on.status, goes_on.progress.step) = (RunStatus::Running, 350);
    window.tell(Event::Stored(Stored::Run(Arc::new(goes_on))));
    assert!(!window.shows_part("Quite another answer") && window.shows(early));
}

#[test]
fn the_worst_rows_lead_to_their_lines() {
    let mut fake = some();
    let mut window = high(&mut fake);
    let id = fake.runs[0].id;
    assert!(window.shows("Worst rows") && window.shows("8 of 446 rows"));
    assert!(window.shows("4.200") && window.shows("−0.900"));
    assert!(window.shows("17 · tutoring-talks.jsonl"));
    assert!(window.shows("+0.230"), "worse than before training");
    let copied = window.click_copies("Copy row 17").expect("copied");
    assert_eq!(
        copied,
        "4.2000\t5.1000\t/data/tutoring-talks.jsonl\t17\tCan you explain why the seasons change, for a child of nine?"
    );
    let table = window.click_copies("Copy these rows as a table").expect("copied");
    assert_eq!(table.lines().count(), 9);

    window.commands();
    window.click("Show more");
    let asked = |window: &mut Window| {
        window.commands().into_iter().find_map(|command| match command {
            Command::Fetch(_, Query::WorstRows { run, look, n }) => Some((run, look, n)),
            _ => None,
        })
    };
    assert_eq!(asked(&mut window), Some((id, Look::Last, 48)));
    window.harness.get_by_role_and_label(Role::RadioButton, "Best").click();
    window.run();
    assert_eq!(asked(&mut window), Some((id, Look::Best, 48)));
    // After an evaluation they are asked for anew.
    let mut window = high(&mut fake);
    window.commands();
    window.tell(Event::Stored(Stored::RowsMeasured(id)));
    window.run();
    assert_eq!(asked(&mut window), Some((id, Look::Last, 8)));
}

#[test]
fn a_kept_checkpoint_can_be_deleted() {
    let mut fake = some();
    let mut window = high(&mut fake);
    let id = fake.runs[0].id;
    assert!(window.shows("Checkpoints") && window.shows("Kept"));
    window.click("Delete the checkpoint of step 300");
    fake.answer(&mut window);
    let kind = CheckpointKind::Step(300);
    assert!(
        matches!(&fake.orders[..], [Command::Edit(_, Edit::DeleteCheckpoint { run, kind: k })] if *run == id && *k == kind)
    );
    window.tell(Event::Stored(Stored::CheckpointDeleted { run: id, kind }));
    assert!(!window.shows("Kept"));
}

#[test]
fn a_run_that_the_battery_paused_says_so() {
    let mut fake = Fake::default();
    let mut paused = run("On the train", RunStatus::Paused, 120);
    paused.progress.paused_by = Some(PausedBy::Battery);
    fake.add(paused, points(0..=120, 0));
    let window = english(&mut fake);
    assert!(window.shows_part("the machine was unplugged") && window.shows("Resume"));
    assert!(!window.shows_part("goes on by itself"), "no job waits with it");
}

/// A run whose job waits until the machine is plugged in, and the job.
fn unplugged(mut window: Window, fake: &Fake) -> (Window, JobId) {
    let record = fake.runs[0].clone();
    let job = fixtures::run_job(&mut window, JobSpec::Train(TrainJob::Resume { run: record.id }));
    let mut paused = (*record).clone();
    (paused.status, paused.progress.paused_by) = (RunStatus::Paused, Some(PausedBy::Battery));
    window.tell(Event::Stored(Stored::Run(Arc::new(paused))));
    let stage = Text::new("train.stage.unplugged");
    let progress = Progress { stage, done: 120, total: Some(717), unit: Unit::Steps, per_sec: None };
    window.tell(Event::Progress(job, progress));
    (window, job)
}

#[test]
fn a_run_that_waits_for_mains_says_so_and_goes_on_when_told() {
    let mut fake = Fake::default();
    fake.add(run("On the train", RunStatus::Running, 120), points(0..=120, 0));
    let window = english(&mut fake);
    let (mut window, job) = unplugged(window, &fake);
    assert!(window.shows_part("On the train is paused: the machine runs on battery"), "told once");
    assert!(window.shows_part("It goes on by itself once it is plugged in"));
    window.commands();
    window.click("Resume");
    let sent = window.commands();
    assert!(sent.contains(&Command::Signal(job, Signal::GoOn)), "{sent:?}");
    assert!(!sent.iter().any(|command| matches!(command, Command::Start(..))), "its job is there");
    assert!(!window.shows_part("Stopping"), "to go on is no end");
    window.click("Pause");
    assert!(window.commands().contains(&Command::Signal(job, Signal::Pause)));
}

#[test]
fn samples_grow_while_they_are_written() {
    let mut fake = some();
    let mut window = high(&mut fake);
    let id = fake.runs[0].id;
    let job = fixtures::run_job(&mut window, JobSpec::Train(TrainJob::Resume { run: id }));
    let mut so_far = samples(id, 500);
    (so_far[0].text, so_far[0].ended) = ("Half a".to_owned(), false);
    so_far[1].text = String::new();
    let so_far: Vec<_> = so_far.into_iter().map(Arc::new).collect();
    window.tell(Event::Partial(job, Partial::Samples(so_far.clone())));
    assert!(window.shows("step 500") && window.shows("Half a …"));
    let mut whole = (*so_far[0]).clone();
    (whole.text, whole.ended) = ("Half a word more".to_owned(), true);
    window.tell(Event::Stored(Stored::Sample(Arc::new(whole))));
    assert!(window.shows("Half a word more"));
    // The other one was not kept: the job ended before.
    window.tell(Event::Settled(job, Outcome::Cancelled));
    assert!(window.shows("Half a word more"));
}

#[test]
fn pictures_of_what_a_run_leaves() {
    let mut all = SnapshotResults::new();
    let mut fake = some();
    let mut window = high(&mut fake);
    window.click("Steps");
    window.harness.get_by_role_and_label(Role::MenuItemCheckBox, "step 200").click();
    window.run();
    window.key(egui::Modifiers::NONE, egui::Key::Escape);
    window.picture(&mut all, "runs_looks_dark");

    for (language, theme, name) in [
        (Language::English, ThemeChoice::Dark, "runs_unplugged_dark_narrow"),
        (Language::Chinese, ThemeChoice::Light, "runs_unplugged_light_chinese"),
    ] {
        let mut fake = Fake::default();
        fake.add(run("On the train", RunStatus::Running, 120), points(0..=120, 0));
        let size = if language == Language::English { (820.0, 620.0) } else { (1280.0, 620.0) };
        let window = open(&mut fake, language, theme, size);
        let (mut window, _) = unplugged(window, &fake);
        window.picture(&mut all, name);
    }

    let mut fake = some();
    let mut window = open(&mut fake, Language::Chinese, ThemeChoice::Light, (WIDE.0, 1700.0));
    window.picture(&mut all, "runs_looks_light_chinese");

    let mut fake = some();
    let mut window = open(&mut fake, Language::English, ThemeChoice::Light, (760.0, 1700.0));
    window.picture(&mut all, "runs_looks_narrow");
}
