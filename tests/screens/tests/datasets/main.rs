//! Datasets: the list of them in its four states, rows in a grid by mouse and keyboard, and how it looks.

mod beside;
mod editing;
mod fake;
mod fake_set;
mod import;
mod manage;
mod million;
mod overview;
mod prepare;
mod replace;
mod reports;
mod row;
mod seen;
mod sets;

use egui::accesskit::{Role, Toggled};
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use fake::{Fake, NARROW, WIDE};
use glassworks_protocol::datasets::DatasetQuery;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Command, Event, Failure, FailureKind, Query, RequestId};
use glassworks_tests_screens::{NodeT, Queryable, Window};

fn english(fake: &mut Fake, name: &str) -> Window {
    fake.open_on(name, Language::English, ThemeChoice::Dark, WIDE)
}

/// Gives the keyboard to a field.
fn into(window: &mut Window, role: Role, name: &str) {
    window.harness.get_by_role_and_label(role, name).focus();
    window.run();
}

/// The rows that are selected, as they are named.
fn selected(window: &Window) -> Vec<String> {
    let rows = window.harness.get_all_by_role(Role::Row);
    let on = rows.filter(|row| row.accesskit_node().toggled() == Some(Toggled::True));
    on.filter_map(|row| row.accesskit_node().label())
        .map(|label| label[..label.len().min(6)].to_owned())
        .collect()
}

#[test]
fn four_states_in_both_languages() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        let mut fake = Fake { silent: true, ..Fake::stocked() };
        fake.start.settings.language = Some(language);
        let mut window = Window::sized(fake.start.clone(), WIDE.0, WIDE.1, 1.0);
        assert!(window.shows(&say("datasets.reading")));
        let asked = window.commands().into_iter().find_map(|command| match command {
            Command::Fetch(id, Query::Dataset(DatasetQuery::All)) => Some(id),
            _ => None,
        });
        let failure = Failure::new(FailureKind::Io, Text::new("failure.store_busy"));
        window.tell(Event::Refused(RequestId::Query(asked.expect("asked")), failure));
        assert!(window.shows(&say("failure.store_busy")));
        fake.silent = false;
        let sets = std::mem::take(&mut fake.sets);
        window.click(&say("datasets.ask_again"));
        fake.answer(&mut window);
        assert!(window.shows(&say("datasets.none")));
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());

        let mut fake = Fake { sets, ..Fake::new() };
        let mut window = fake.open(language, ThemeChoice::Dark, WIDE);
        window.harness.get_by_role_and_label(Role::ListItem, "Film reviews").click();
        fake.answer(&mut window);
        assert!(window.shows_part("Warm and funny, 0"));
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    }
}

#[test]
fn rows_are_walked_and_selected_by_keyboard() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Tutoring talks");
    window.harness.get_by_role(Role::Grid).focus();
    window.run();
    assert_eq!(selected(&window), ["Row 1:"]);
    window.key(Modifiers::NONE, Key::ArrowDown);
    window.key(Modifiers::SHIFT, Key::ArrowDown);
    assert_eq!(selected(&window), ["Row 2:", "Row 3:"]);
    window.key(Modifiers::NONE, Key::Home);
    window.key(Modifiers::COMMAND, Key::A);
    assert!(selected(&window).len() > 10);
    window.key(Modifiers::NONE, Key::End);
    fake.answer(&mut window);
    assert_eq!(selected(&window), ["Row 40"]);
    window.key(Modifiers::COMMAND, Key::D);
    fake.answer(&mut window);
    let questions = fake.sets[0].texts("question");
    assert_eq!((questions.len(), &questions[40]), (41, &questions[39]));
    assert_eq!(selected(&window), ["Row 41"], "the new one is at hand");
    window.key(Modifiers::NONE, Key::Delete);
    fake.answer(&mut window);
    assert_eq!(fake.sets[0].texts("question").len(), 40);
    window.key(Modifiers::COMMAND, Key::Z);
    fake.answer(&mut window);
    assert_eq!(fake.sets[0].texts("question").len(), 41);
    assert!(window.shows("Row 40"), "it is at the side");
}

#[test]
fn how_it_looks() {
    let mut all = SnapshotResults::new();
    let mut fake = Fake::stocked();
    let mut window = fake.open(Language::English, ThemeChoice::Dark, WIDE);
    window.picture(&mut all, "datasets-list");
    let mut window = english(&mut fake, "Tutoring talks");
    window.picture(&mut all, "datasets-rows");
    let mut window = fake.open_on("Film reviews", Language::Chinese, ThemeChoice::Light, NARROW);
    window.picture(&mut all, "datasets-narrow-zh");
}
