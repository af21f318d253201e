//! Runs labelled, thrown away, brought back, deleted, talked to; and what the desktop hears of them.

use super::fake::{Fake, open, points, run, some};
use super::{WIDE, english};
use egui::accesskit::Role;
use egui_kittest::SnapshotResults;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::{RunRecord, RunStatus, TrainJob};
use glassworks_protocol::{Command, Edit, Event, Failure, FailureKind, JobOutput, JobSpec, Outcome, Stored};
use glassworks_tests_screens::{NodeT, Queryable, Window, fixtures};
use std::sync::Arc;

fn edits(fake: &Fake) -> Vec<&Edit> {
    let edit = |command: &'_ Command| matches!(command, Command::Edit(_, edit) if !matches!(edit, Edit::SaveSettings(_)));
    fake.orders
        .iter()
        .filter(|command| edit(command))
        .filter_map(|command| if let Command::Edit(_, edit) = command { Some(edit) } else { None })
        .collect()
}

fn listed(window: &Window) -> Vec<String> {
    let rows = window.harness.get_all_by_role(Role::ListItem);
    rows.filter_map(|row| row.accesskit_node().label()).collect()
}

#[test]
fn tags_are_added_taken_off_and_filter() {
    let mut fake = some();
    let id = fake.runs[0].id;
    let mut window = english(&mut fake);
    window.harness.get_by_role_and_label(Role::TextInput, "Add a tag").focus();
    window.run();
    window.type_text(" keep ");
    window.key(egui::Modifiers::NONE, egui::Key::Enter);
    fake.answer(&mut window);
    let keep = vec!["keep".to_owned()];
    assert_eq!(edits(&fake), [&Edit::SetRunTags { run: id, tags: keep }]);
    assert!(window.shows("Remove the tag keep"), "it shows before it is stored");
    window.click("Filter and sort");
    window.harness.get_by_role_and_label(Role::MenuItemRadio, "keep").click();
    window.run();
    assert_eq!(listed(&window), ["Patient tutor"]);
    window.click("No longer only keep");
    assert_eq!(listed(&window).len(), 4);
    window.click("Remove the tag keep");
    fake.answer(&mut window);
    assert_eq!(edits(&fake).last(), Some(&&Edit::SetRunTags { run: id, tags: Vec::new() }));
}

#[test]
fn notes_are_stored_while_they_are_typed() {
    let mut fake = some();
    let id = fake.runs[0].id;
    let mut window = english(&mut fake);
    window.harness.get_by_role_and_label(Role::MultilineTextInput, "Notes").focus();
    window.run();
    window.type_text("Too eager. ");
    fake.answer(&mut window);
    assert!(edits(&fake).is_empty(), "not with every key");
    window.host.borrow_mut().later_ms += 1000;
    window.run();
    fake.answer(&mut window);
    let stored = Edit::SetRunNotes { run: id, notes: "Too eager. ".to_owned() };
    assert_eq!(edits(&fake), [&stored]);
    window.type_text("更多");
    window.harness.get_by_role_and_label(Role::ListItem, "Tutor, r8").click();
    window.run();
    fake.answer(&mut window);
    let stored = Edit::SetRunNotes { run: id, notes: "Too eager. 更多".to_owned() };
    assert_eq!(edits(&fake).last(), Some(&&stored), "leaving the run stores at once");
}

#[test]
fn the_trash_gives_back_or_deletes() {
    let mut fake = some();
    let id = fake.runs[0].id;
    let mut window = english(&mut fake);
    window.click("More for this run");
    window.click("Move to trash");
    fake.answer(&mut window);
    assert_eq!(edits(&fake), [&Edit::TrashRun(id)]);
    assert!(!listed(&window).contains(&"Patient tutor".to_owned()));
    window.click("Undo");
    fake.answer(&mut window);
    assert_eq!(edits(&fake).last(), Some(&&Edit::RestoreRun(id)));
    assert!(listed(&window).contains(&"Patient tutor".to_owned()));
    window.harness.get_by_role_and_label(Role::ListItem, "Patient tutor").click();
    window.run();
    window.click("More for this run");
    window.click("Move to trash");
    window.click("Filter and sort");
    window.click("Trash");
    assert_eq!(listed(&window), ["Patient tutor"]);
    window.harness.get_by_role_and_label(Role::ListItem, "Patient tutor").click();
    window.run();
    window.click("More for this run");
    window.click("Delete for good…");
    let kept: u64 = fake.checkpoints(id).iter().map(|record| record.size_bytes).sum();
    let freed = format!("({:.0} MB)", kept as f64 / 1e6);
    assert!(window.shows_part(&freed), "what it frees is said before: {freed}");
    window.click("Delete for good");
    fake.answer(&mut window);
    let job = fake.orders.iter().find_map(|command| match command {
        Command::Start(job, JobSpec::DeleteRuns(runs)) if *runs == [id] => Some(*job),
        _ => None,
    });
    let job = job.expect("deleted");
    window.tell(Event::Stored(Stored::RunDeleted(id)));
    let output = JobOutput::RunsDeleted { n_runs: 1, freed_bytes: 39_600_000 };
    window.tell(Event::Settled(job, Outcome::Done(output)));
    assert!(window.shows("Deleted, 40 MB of the disk are free again"));
    assert!(window.shows("No run fits"));
}

#[test]
fn a_run_that_is_running_is_not_thrown_away() {
    let mut fake = some();
    let mut window = english(&mut fake);
    fixtures::run_job(&mut window, JobSpec::Train(TrainJob::Resume { run: fake.runs[0].id }));
    window.click("More for this run");
    window.click("Move to trash");
    fake.answer(&mut window);
    assert!(edits(&fake).is_empty());
}

/// The window with one done run of a model in its library.
fn of_library(fake: &mut Fake) -> (Window, Arc<RunRecord>) {
    let start = fixtures::start_on("runs");
    let mut record = run("Patient tutor", RunStatus::Done, 717);
    record.spec.model = ModelSource::Library(start.models[1].id);
    record.progress.result = Some(record.folder.join("result"));
    fake.add(record, points(0..=717, 0));
    let mut window = Window::new(start);
    fake.answer(&mut window);
    (window, fake.runs[0].clone())
}

#[test]
fn a_run_is_talked_to_from_here() {
    let mut fake = Fake::default();
    let (mut window, _) = of_library(&mut fake);
    window.click("Chat");
    fake.answer(&mut window);
    assert!(window.shows_part("Model: Patient tutor"), "the playground is open on it");
}

#[test]
fn the_desktop_hears_of_an_end_when_the_window_is_not_in_front() {
    let ended = |focused: bool, notify: bool, failed: bool| {
        let mut fake = Fake::default();
        let (mut window, record) = of_library(&mut fake);
        if !notify {
            let mut settings = (*window.harness.state().model().settings).clone();
            settings.notify = false;
            window.tell(Event::Stored(Stored::Settings(Arc::new(settings))));
        }
        window.harness.input_mut().focused = focused;
        let job = fixtures::run_job(&mut window, JobSpec::Train(TrainJob::Resume { run: record.id }));
        window.harness.input_mut().focused = focused;
        let outcome = if failed {
            Outcome::Failed(Failure::new(FailureKind::Io, Text::new("failure.disk_full")))
        } else {
            Outcome::Done(JobOutput::Trained(record))
        };
        window.tell(Event::Settled(job, outcome));
        window.host.borrow().notified.clone()
    };
    assert_eq!(ended(false, true, false), [("Patient tutor is done".to_owned(), String::new())]);
    let [(title, body)] = &ended(false, true, true)[..] else { panic!("told once") };
    assert_eq!(title, "Patient tutor has failed");
    assert_eq!(*body, Language::English.get("failure.disk_full"));
    assert!(ended(true, true, false).is_empty() && ended(false, false, false).is_empty());
}

#[test]
fn pictures_of_labelled_runs() {
    let mut all = SnapshotResults::new();
    let mut fake = Fake::default();
    for i in 0..100u64 {
        let mut record = run(&format!("Tutor {i:02}"), RunStatus::Done, 717);
        record.tags = [(i % 3 == 0).then_some("keep"), (i % 5 == 0).then_some("poems")]
            .into_iter()
            .flatten()
            .map(str::to_owned)
            .collect();
        if i == 99 {
            record.notes = "Learned the tone in an hour. Next: twice the rows, half the rate.".to_owned();
        }
        fake.add(record, points(0..=717, 0));
    }
    let mut window = open(&mut fake, Language::English, ThemeChoice::Dark, WIDE);
    window.click("Filter and sort");
    window.harness.get_by_role_and_label(Role::MenuItemRadio, "keep").click();
    window.run();
    window.picture(&mut all, "runs_hundred_tagged");
    let mut window = open(&mut fake, Language::Chinese, ThemeChoice::Light, (1440.0, 1500.0));
    window.picture(&mut all, "runs_notes_light_chinese");
}
