//! The runs pane: its four states, a live run, a failed one, hundreds of them, several in one plot, by keyboard, by
//! image.

mod fake;
mod images;
mod live;
mod looks;
mod manage;
mod many;

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use fake::{Fake, open, some};
use glassworks_protocol::ids::QueryId;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::TrainJob;
use glassworks_protocol::{Command, Edit, Event, Failure, FailureKind, JobSpec, Query, RequestId};
use glassworks_tests_screens::{Queryable, Window};
use std::path::PathBuf;

const WIDE: (f32, f32) = (1440.0, 900.0);

fn english(fake: &mut Fake) -> Window {
    open(fake, Language::English, ThemeChoice::Dark, WIDE)
}

fn asked_for_runs(window: &mut Window) -> QueryId {
    let asked = window.commands().into_iter().find_map(|command| match command {
        Command::Fetch(id, Query::Runs) => Some(id),
        _ => None,
    });
    asked.expect("the pane asks for the runs")
}

#[test]
fn four_states_in_both_languages() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        let mut start = glassworks_tests_screens::fixtures::start_on("runs");
        start.settings.language = Some(language);
        let mut window = Window::new(start);
        assert!(window.shows(&say("runs.reading")));

        let id = asked_for_runs(&mut window);
        let failure = Failure::new(FailureKind::Io, Text::new("failure.disk_full"));
        window.tell(Event::Refused(RequestId::Query(id), failure));
        assert!(window.shows(&say("failure.disk_full")));
        window.click(&say("runs.again"));

        let id = asked_for_runs(&mut window);
        window.tell(Event::Fetched(id, glassworks_protocol::Page::Runs(Vec::new())));
        assert!(window.shows(&say("runs.none")));
        window.click(&say("runs.none_action"));

        let mut fake = some();
        let window = open(&mut fake, language, ThemeChoice::Dark, WIDE);
        let plot =
            language.format("runs.plot_name", &[("metric", &say("runs.loss")), ("name", &"Patient tutor")]);
        window.harness.get_by_role_and_label(Role::Image, &plot);
        assert!(window.shows(&say("runs.resume")) && window.shows_part("412"));
        for run in &fake.runs {
            window.harness.get_by_role_and_label(Role::ListItem, &run.name);
        }
    }
}

#[test]
fn a_failed_run_says_why_and_what_to_do() {
    let mut fake = some();
    let mut window = english(&mut fake);
    window.harness.get_by_role_and_label(Role::ListItem, "Tutor, all layers").click();
    fake.answer(&mut window);
    assert!(window.shows("The disk is full") || window.shows(Language::English.get("failure.disk_full")));
    assert!(window.shows(Language::English.get("failure.disk_full_hint")));
    assert!(!window.shows_part("os error 28"), "details are folded");
    window.click("Details");
    assert!(window.shows_part("os error 28"));
    window.click("Resume from step 96");
    fake.answer(&mut window);
    let run = fake.runs[2].id;
    assert!(
        matches!(&fake.orders[..], [Command::Start(_, JobSpec::Train(TrainJob::Resume { run: r }))] if *r == run)
    );
}

#[test]
fn several_runs_share_a_plot_and_their_recipes_are_compared() {
    let mut fake = some();
    let mut window = open(&mut fake, Language::English, ThemeChoice::Dark, (WIDE.0, 2400.0));
    assert!(window.shows("1 in the plot") && window.shows("training") && !window.shows("What differs"));
    window.harness.get_by_role_and_label(Role::ListItem, "Tutor, r8").hover();
    window.run();
    window.click("Add Tutor, r8 to the plot");
    fake.answer(&mut window);
    assert!(window.shows("2 in the plot"));
    window.harness.get_by_role_and_label(Role::CheckBox, "Tutor, r8");
    assert!(
        window.shows("What differs") && window.shows("Rank") && window.shows("8") && window.shows("Seed")
    );
    assert!(!window.shows("Alpha"), "the same in both");
    window.click("Show everything");
    assert!(window.shows("Alpha"));

    // The other one becomes the selected one: they change places.
    window.harness.get_by_role_and_label(Role::ListItem, "Tutor, r8").click();
    fake.answer(&mut window);
    window.harness.get_by_role_and_label(Role::CheckBox, "Patient tutor");
    assert!(window.shows("2 in the plot"));
    window.click("Take Patient tutor out of the plot");
    assert!(window.shows("1 in the plot"));
}

#[test]
fn the_card_has_exact_values_and_the_keyboard_moves_it() {
    let mut fake = some();
    let mut window = english(&mut fake);
    let name = "Loss of Patient tutor";
    window.harness.get_by_role_and_label(Role::Image, name).focus();
    window.key(Modifiers::NONE, Key::ArrowLeft);
    assert!(window.shows("step 411"));
    assert!(window.shows("validation, at 400") && window.shows("1.4606"));
    let exact = |value: f64| format!("{value:.5}");
    let at = |step: u64| {
        let points = &fake.points[&fake.runs[0].id];
        points.iter().find(|p| p.step == step && p.series as usize == 0).map(|p| exact(p.value))
    };
    let shown = at(411).expect("measured");
    assert!(window.shows(shown.trim_end_matches('0')), "{shown}");
    window.key(Modifiers::SHIFT, Key::ArrowLeft);
    assert!(window.shows("step 401"));
    window.key(Modifiers::NONE, Key::Plus);
    assert!(window.shows("Whole run"), "zoomed in");
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Whole run") && !window.shows("step 401"));
}

#[test]
fn axes_charts_and_lines_are_chosen() {
    let mut fake = some();
    let mut window = english(&mut fake);
    let loss = "Loss of Patient tutor";
    window.harness.get_by_role_and_label(Role::RadioButton, "Tokens").click();
    window.run();
    window.harness.get_by_role_and_label(Role::Image, loss).focus();
    window.key(Modifiers::NONE, Key::ArrowLeft);
    assert!(window.shows("1,683,456 tokens"), "411 steps of 4096 tokens");
    window.harness.get_by_role_and_label(Role::RadioButton, "Time").click();
    window.run();
    window.harness.get_by_role_and_label(Role::Image, loss).focus();
    window.key(Modifiers::NONE, Key::ArrowLeft);
    assert!(window.shows("19 min in"));

    window.harness.get_by_role_and_label(Role::CheckBox, "validation").click();
    window.run();
    window.harness.get_by_role_and_label(Role::Image, loss).focus();
    window.key(Modifiers::NONE, Key::ArrowLeft);
    assert!(!window.shows_part("validation, at"), "hidden");

    window.click("Gradient norm");
    window.harness.get_by_role_and_label(Role::Image, "Gradient norm of Patient tutor");
    assert!(window.harness.query_by_role_and_label(Role::Button, "Loss").is_some(), "the loss is small now");
    window.click("Log");
    window.click("Clip");
}

#[test]
fn a_run_gets_another_name() {
    let mut fake = some();
    let mut window = english(&mut fake);
    window.click("More for this run");
    window.click("Rename…");
    window.harness.get_by_label("New name");
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("Patient teacher");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    let run = fake.runs[0].id;
    let name = "Patient teacher".to_owned();
    assert!(
        matches!(&fake.orders[..], [Command::Edit(_, Edit::RenameRun { run: r, name: n })] if *r == run && *n == name)
    );
    window.harness.get_by_role_and_label(Role::ListItem, "Patient teacher");
}

#[test]
fn a_run_is_written_to_a_file() {
    let mut fake = some();
    let mut window = english(&mut fake);
    window.click("Export this run");
    window.harness.get_by_role_and_label(Role::RadioButton, "CSV").click();
    window.run();
    window.harness.get_by_role_and_label(Role::TextInput, "Path of the file").focus();
    window.run();
    window.type_text("/tmp/tutor v1.2");
    window.harness.get_by_role_and_label(Role::Button, "Export").click();
    window.run();
    {
        let mut host = window.host.borrow_mut();
        let [export] = &host.exports[..] else { panic!("one export, not {}", host.exports.len()) };
        assert_eq!(export.path, PathBuf::from("/tmp/tutor v1.2.csv"), "a dot in a name is no ending");
        assert!(!export.replace, "nobody has asked about a file that is there");
        assert_eq!(
            (export.run.id, export.points.len()),
            (fake.runs[0].id, fake.points[&fake.runs[0].id].len())
        );
        let path = export.path.clone();
        host.exported.push((path, Ok(())));
    }
    window.run();
    assert!(window.shows("Written to tutor v1.2.csv"));

    // And through the system's dialog.
    window.click("Export this run");
    window.click("Choose a file…");
    let (id, request) = window.host.borrow().picks[0].clone();
    assert_eq!(request.suggested, "Patient tutor.csv");
    window.host.borrow_mut().answers.push((id, Some("/tmp/t.svg".into())));
    window.run();
    let host = window.host.borrow();
    assert!(host.exports[1].path.to_str() == Some("/tmp/t.svg") && host.exports[1].replace);
}

#[test]
fn the_list_is_walked_by_keyboard_alone() {
    let mut fake = some();
    let mut window = english(&mut fake);
    window.harness.get_by_role_and_label(Role::ListItem, "Patient tutor").focus();
    window.run();
    window.key(Modifiers::NONE, Key::ArrowDown);
    window.key(Modifiers::NONE, Key::ArrowDown);
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    window.harness.get_by_role_and_label(Role::Image, "Loss of Tutor, all layers");
    window.key(Modifiers::NONE, Key::ArrowUp);
    // The eye of the row comes after it.
    window.key(Modifiers::NONE, Key::Tab);
    window.key(Modifiers::NONE, Key::Space);
    fake.answer(&mut window);
    assert!(window.shows("2 in the plot"));
    window.harness.get_by_role_and_label(Role::CheckBox, "Tutor, r8");
}
