//! The runs pane as it looks.

use super::WIDE;
use super::fake::{open, points, run, some, sorting};
use egui::accesskit::Role;
use egui_kittest::SnapshotResults;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::{RunStatus, TrainJob};
use glassworks_protocol::{Event, JobSpec, Partial, Progress, Stored, Unit};
use glassworks_tests_screens::{Queryable, Window, fixtures};
use std::sync::Arc;

#[test]
fn what_labels_were_taken_for_is_shown_for_runs_that_sort() {
    let mut fake = some();
    let window = open(&mut fake, Language::English, ThemeChoice::Dark, WIDE);
    assert!(!window.shows("How the labels were found") && !window.shows_part("Accuracy"));
    let (record, points) = sorting("Reviews", &["bad", "good", "so so"]);
    fake.add(record, points);
    let mut window = open(&mut fake, Language::English, ThemeChoice::Dark, (1440.0, 1280.0));
    window.harness.get_by_role_and_label(Role::Image, "Labels found in Reviews");
    assert!(window.shows_part("held-out rows right (95 % sure: between"));
    for words in ["Precision", "Recall", "F1", "Macro F1"] {
        assert!(window.shows_part(words), "{words}");
    }
    let words = |window: &Window| window.shows_part("279 held-out rows") || window.shows_part("right");
    assert!(words(&window));
    window.click("Newest, step 717");
    window.click("Best, step 650");
    // Another run has no such chart: its losses are shown.
    window.click("Accuracy");
    window.harness.get_by_role_and_label(Role::Image, "Accuracy of Reviews");
    window.harness.get_by_role_and_label(Role::ListItem, "Tutor, r8").click();
    fake.answer(&mut window);
    window.harness.get_by_role_and_label(Role::Image, "Loss of Tutor, r8");
}

#[test]
fn pictures_of_runs() {
    let mut all = SnapshotResults::new();
    let mut fake = some();
    let mut window = open(&mut fake, Language::English, ThemeChoice::Dark, WIDE);
    let record = fake.runs[0].clone();
    let job = fixtures::run_job(&mut window, JobSpec::Train(TrainJob::Resume { run: record.id }));
    let running = glassworks_protocol::train::RunRecord { status: RunStatus::Running, ..(*record).clone() };
    window.tell(Event::Stored(Stored::Run(Arc::new(running))));
    let stage = Text::new("train.stage.training");
    let progress = Progress { stage, done: 412, total: Some(717), unit: Unit::Steps, per_sec: Some(0.4) };
    window.tell(Event::Progress(job, progress));
    window.tell(Event::Partial(job, Partial::Metrics(points(412..=412, 0))));
    window.harness.get_by_role_and_label(Role::ListItem, "Tutor, r8").hover();
    window.run();
    window.click("Add Tutor, r8 to the plot");
    fake.answer(&mut window);
    window.harness.get_by_role_and_label(Role::Image, "Loss of Patient tutor").focus();
    window.harness.key_press_modifiers(egui::Modifiers::SHIFT, egui::Key::ArrowLeft);
    for _ in 0..12 {
        window.key(egui::Modifiers::SHIFT, egui::Key::ArrowLeft);
    }
    window.picture(&mut all, "runs_dark");

    let mut fake = some();
    let mut window = open(&mut fake, Language::Chinese, ThemeChoice::Light, WIDE);
    window.picture(&mut all, "runs_light_chinese");

    let mut fake = some();
    fake.add(run("Starter from scratch", RunStatus::Done, 717), points(0..=717, 4));
    let mut window = open(&mut fake, Language::English, ThemeChoice::Light, (1024.0, 700.0));
    window.click("Runs: Starter from scratch");
    window.harness.get_by_role_and_label(Role::ListItem, "Tutor, all layers").click();
    fake.answer(&mut window);
    window.picture(&mut all, "runs_failed_narrow");

    let mut fake = some();
    let (record, points) = sorting("Reviews", &["bad", "good", "so so"]);
    fake.add(record, points);
    let mut window = open(&mut fake, Language::English, ThemeChoice::Dark, (1440.0, 1280.0));
    window.click("Accuracy");
    window.picture(&mut all, "runs_labels_dark");

    let mut fake = some();
    let (record, points) = sorting("影评", &["很差", "很好", "一般", "说不上好也说不上坏的那一种"]);
    fake.add(record, points);
    let mut window = open(&mut fake, Language::Chinese, ThemeChoice::Light, (1024.0, 1280.0));
    window.picture(&mut all, "runs_labels_narrow_chinese");
}
