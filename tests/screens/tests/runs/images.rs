//! The runs pane as it looks.

use super::WIDE;
use super::fake::{open, points, run, some};
use egui::accesskit::Role;
use egui_kittest::SnapshotResults;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::{RunStatus, TrainJob};
use glassworks_protocol::{Event, JobSpec, Partial, Progress, Stored, Unit};
use glassworks_tests_screens::{Queryable, fixtures};
use std::sync::Arc;

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
}
