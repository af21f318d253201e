//! What the model sees: asked for as rows are looked at and written in, drawn, and counted for all rows.

use super::fake::{Fake, NARROW, WIDE};
use super::sets::long_row;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::datasets::measure::{MeasureReport, MeasureSpec};
use glassworks_protocol::datasets::{DatasetJob, DatasetOutput, Filter, RowId};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::JobId;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::TaskSpec;
use glassworks_protocol::{
    Command, Event, Failure, FailureKind, JobOutput, JobSpec, Outcome, Progress, Unit,
};
use glassworks_tests_screens::{Queryable, Window};
use std::sync::Arc;

const NONE: Modifiers = Modifiers::NONE;

fn open(fake: &mut Fake, name: &str) -> Window {
    fake.open_on(name, Language::English, ThemeChoice::Dark, WIDE)
}

fn measured(fake: &mut Fake) -> Option<(JobId, MeasureSpec)> {
    let at = fake
        .orders
        .iter()
        .position(|order| matches!(order, Command::Start(_, JobSpec::Dataset(DatasetJob::Measure(_)))))?;
    match fake.orders.remove(at) {
        Command::Start(job, JobSpec::Dataset(DatasetJob::Measure(spec))) => Some((job, spec)),
        _ => None,
    }
}

fn report(spec: MeasureSpec, revision: u64) -> MeasureReport {
    MeasureReport {
        max_length: spec.max_length.unwrap_or(1024),
        spec,
        revision,
        n_rows: 4012,
        n_tokens: 1_204_331,
        n_targets: 812_004,
        longest: 1437,
        p50: 212,
        p95: 941,
        p99: 1186,
        n_cut: 37,
        n_cut_away: 2,
        n_no_target: 4,
        n_left_out: 0,
        lengths: Default::default(),
        secs: 1.5,
    }
}

#[test]
fn a_row_is_looked_at_as_soon_as_it_is_shown() {
    let mut fake = Fake::new();
    fake.conversations();
    let mut window = open(&mut fake, "Conversations");
    let asked = fake.asked_to_see();
    let [(job, spec)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((spec.row, &spec.measure.task, spec.measure.max_length), (RowId(0), &TaskSpec::Chat, None));
    // A chat model before the one that only goes on.
    assert_eq!(spec.measure.model, ModelSource::Library(fake.start.models[1].id));
    assert!(window.shows("Looking at the row as the model does"));
    // While it is looked at, nothing more is asked, wherever one goes.
    window.click("Next row");
    window.click("Next row");
    fake.answer(&mut window);
    assert!(fake.asked_to_see().is_empty());
    let seen = fake.seen(spec);
    let done = |seen| Outcome::Done(JobOutput::Dataset(DatasetOutput::Seen(Arc::new(seen))));
    window.tell(Event::Settled(*job, done(seen)));
    fake.answer(&mut window);
    assert!(!window.shows_part("Row 1 after the template"), "an answer about another row is not shown");
    let asked = fake.asked_to_see();
    assert_eq!(asked.iter().map(|(_, spec)| spec.row).collect::<Vec<_>>(), [RowId(2)]);
    let seen = fake.seen(&asked[0].1);
    window.tell(Event::Settled(asked[0].0, done(seen)));
    assert!(window.shows_part("Row 3 after the template: "));
    assert!(window.shows("learned") && window.shows("read only") && window.shows("cut away"));
}

#[test]
fn what_a_run_made_is_looked_with_too() {
    let mut fake = Fake::new();
    fake.run("Patient tutor");
    fake.conversations();
    let mut window = open(&mut fake, "Conversations");
    fake.see(&mut window);
    window.click("Model: SmolLM2-135M-Instruct");
    window.click("Starter");
    fake.answer(&mut window);
    let asked = fake.asked_to_see();
    assert_eq!(asked[0].1.measure.model, ModelSource::Library(fake.start.models[0].id));
    window.click("Model: Starter");
    window.click("Patient tutor, newest, step 717");
    let seen = fake.seen(&asked[0].1);
    let output = JobOutput::Dataset(DatasetOutput::Seen(Arc::new(seen)));
    window.tell(Event::Settled(asked[0].0, Outcome::Done(output)));
    fake.answer(&mut window);
    // It reads as the model it was made of.
    let asked = fake.asked_to_see();
    assert_eq!(asked[0].1.measure.model, ModelSource::Library(fake.start.models[1].id));
    assert!(window.shows("Model: Patient tutor"));
}

#[test]
fn what_is_being_written_is_seen_when_the_hands_rest() {
    let mut fake = Fake::new();
    fake.talks(3);
    let mut window = open(&mut fake, "Tutoring talks");
    fake.see(&mut window);
    let n = |window: &Window| window.shows_part("as it is being written");
    window.harness.get_by_role_and_label(Role::MultilineTextInput, "Answer").focus();
    window.run();
    window.key(Modifiers::COMMAND, Key::End);
    window.type_text(" More words");
    fake.answer(&mut window);
    assert!(fake.asked_to_see().is_empty(), "not at every key");
    window.host.borrow_mut().later_ms += 200;
    window.harness.step();
    fake.answer(&mut window);
    let asked = fake.asked_to_see();
    let [(job, spec)] = asked.as_slice() else { panic!("{asked:?}") };
    let unsaved = spec.unsaved.clone().expect("as it is written");
    assert!(unsaved["answer"].as_str().expect("text").ends_with(" More words"));
    let seen = fake.seen(spec);
    let output = JobOutput::Dataset(DatasetOutput::Seen(Arc::new(seen)));
    window.tell(Event::Settled(*job, Outcome::Done(output)));
    assert!(n(&window));
    window.host.borrow_mut().later_ms += 2000;
    window.harness.step();
    fake.see(&mut window);
    assert!(!n(&window), "it is stored");
}

#[test]
fn a_row_that_loses_something_is_told() {
    let mut fake = Fake::new();
    fake.talks(3);
    let mut window = open(&mut fake, "Tutoring talks");
    fake.see(&mut window);
    assert!(window.shows("padding"), "a short row leaves something");
    let limit = |window: &mut Window, fake: &mut Fake, n: &str| {
        window.harness.get_by_role_and_label(Role::TextInput, "Limit in tokens").focus();
        window.run();
        window.key(Modifiers::COMMAND, Key::A);
        window.type_text(n);
        fake.see(window);
        window.host.borrow_mut().later_ms += 500;
        window.harness.step();
        fake.see(window);
    };
    limit(&mut window, &mut fake, "45");
    assert!(window.shows_part("Cut after 45 of"));
    assert!(window.shows("The model never sees how this row ends"));
    limit(&mut window, &mut fake, "12");
    assert!(window.shows("Nothing to learn is left"));
    assert!(window.shows("All that would be learned lies beyond the limit of 12 tokens"));
    // A row with nothing to learn from the beginning.
    let id = fake.sets[0].record.id;
    fake.set(id).rows[1].value.insert("answer".into(), "".into());
    window.click("Next row");
    fake.answer(&mut window);
    let (job, spec) = fake.asked_to_see().remove(0);
    let mut seen = fake.seen(&spec);
    (seen.n_targets, seen.n_kept_targets) = (0, 0);
    let output = JobOutput::Dataset(DatasetOutput::Seen(Arc::new(seen)));
    window.tell(Event::Settled(job, Outcome::Done(output)));
    assert!(window.shows("Nothing to learn"));
}

#[test]
fn a_row_that_cannot_be_read_is_asked_for_again() {
    let mut fake = Fake::new();
    fake.talks(3);
    let mut window = open(&mut fake, "Tutoring talks");
    let (job, _) = fake.asked_to_see().remove(0);
    let failure = Failure::new(FailureKind::Missing, Text::new("failure.data_unreadable").arg("file", "a"));
    window.tell(Event::Settled(job, Outcome::Failed(failure)));
    fake.answer(&mut window);
    assert!(fake.asked_to_see().is_empty(), "not by itself");
    window.click("Ask again");
    fake.see(&mut window);
    assert!(window.shows_part("Row 1 after the template"));
}

#[test]
fn all_rows_are_counted_with_progress_and_their_losses_lead_to_them() {
    let mut fake = Fake::new();
    let id = fake.talks(9);
    let mut window = open(&mut fake, "Tutoring talks");
    fake.see(&mut window);
    assert!(window.shows("All rows have not been counted for this model and limit"));
    window.click("Count all rows");
    fake.answer(&mut window);
    let (job, spec) = measured(&mut fake).expect("counted");
    assert_eq!((spec.dataset, spec.max_length), (id, None));
    let progress = Progress {
        stage: Text::new("datasets.job_measure"),
        done: 3,
        total: Some(9),
        unit: Unit::Rows,
        per_sec: None,
    };
    window.tell(Event::Progress(job, progress));
    assert!(window.shows_part("3 / 9 rows"));
    window.click("Stop counting");
    fake.answer(&mut window);
    assert!(fake.orders.contains(&Command::Cancel(job)));
    window.tell(Event::Settled(job, Outcome::Cancelled));
    window.click("Count all rows");
    fake.answer(&mut window);
    let (job, spec) = measured(&mut fake).expect("counted");
    let told = Arc::new(report(spec, 1));
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::Dataset(DatasetOutput::Measured(told)))));
    fake.see(&mut window);
    for words in ["4,012", "1,204,331", "812,004", "212", "941", "1,186", "1,437"] {
        assert!(window.shows(words), "{words}");
    }
    window.click("37 cut");
    fake.finds = false;
    fake.answer(&mut window);
    let (_, view) = fake.finding.last().expect("rows are looked for");
    assert_eq!(view.filters, [Filter::Cut]);
    assert!(view.measure.is_some());
    fake.found(&mut window);
    fake.answer(&mut window);
    // After a change the numbers are of before.
    fake.set(id).record.revision += 1;
    let record = Arc::new(fake.set(id).record.clone());
    window.tell(Event::Stored(glassworks_protocol::Stored::Dataset(
        glassworks_protocol::datasets::DatasetStored::Dataset(record),
    )));
    assert!(window.shows("Count again") && window.shows("1,437"));
}

#[test]
fn tokens_are_walked_by_keys_and_gone_to_by_the_bar() {
    let mut fake = Fake::new();
    let id = fake.talks(2);
    fake.set(id).rows[0].value = long_row(3000);
    let mut window = open(&mut fake, "Tutoring talks");
    fake.see(&mut window);
    window.harness.get_by_role_and_label(Role::List, "Tokens of the row").focus();
    window.run();
    window.key(NONE, Key::ArrowRight);
    assert!(window.shows_part("Token 1: ‹im_start›, id 0, read only"));
    window.key(NONE, Key::End);
    assert!(window.shows_part("cut away") && window.shows_part("Token 3,0"));
    window.key(NONE, Key::Home);
    window.harness.get_by_label_contains("tokens: ").focus();
    window.run();
    window.key(NONE, Key::Enter);
    assert!(window.shows_part("Token 129: "), "to where it is cut");
}

#[test]
fn how_it_is_seen() {
    let mut all = SnapshotResults::new();
    for (language, theme, size, name) in [
        (Language::English, ThemeChoice::Dark, WIDE, "dataset-seen"),
        (Language::Chinese, ThemeChoice::Light, NARROW, "dataset-seen-narrow-zh"),
    ] {
        let mut fake = Fake::new();
        let id = fake.conversations();
        let mut window = fake.open_on("Conversations", language, theme, size);
        fake.see(&mut window);
        window.click(language.get("datasets.seen_count"));
        fake.answer(&mut window);
        let (job, spec) = measured(&mut fake).expect("counted");
        let told = Arc::new(report(spec, fake.set(id).record.revision));
        window.tell(Event::Settled(job, Outcome::Done(JobOutput::Dataset(DatasetOutput::Measured(told)))));
        fake.see(&mut window);
        window.picture(&mut all, name);
    }
    let mut fake = Fake::new();
    fake.talks(3);
    let mut window = fake.open_on("Tutoring talks", Language::English, ThemeChoice::Light, WIDE);
    fake.see(&mut window);
    window.picture(&mut all, "dataset-seen-short-light");
}
