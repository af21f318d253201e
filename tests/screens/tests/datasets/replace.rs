//! Searching and replacing: by keys alone, with what would change in sight.

use crate::fake::{Fake, WIDE};
use crate::reports;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::datasets::DatasetOutput;
use glassworks_protocol::datasets::transform::{ReplaceSpec, Transform, TransformReport, TransformSpec};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Command, Event, Failure, FailureKind, Outcome};
use glassworks_tests_screens::{NodeT, Queryable, Window};
use std::sync::Arc;

fn open(fake: &mut Fake, language: Language, theme: ThemeChoice) -> Window {
    let mut window = fake.open_on("Tutoring talks", language, theme, WIDE);
    window.key(Modifiers::COMMAND, Key::H);
    window
}

fn asked(fake: &mut Fake, window: &mut Window) -> (JobId, TransformSpec) {
    fake.answer(window);
    fake.transforms.pop().expect("a change is asked about")
}

fn tell(window: &mut Window, (job, spec): &(JobId, TransformSpec), n_changed: u64) {
    let report = reports::transform(spec, 1);
    let samples = if n_changed == 0 { Vec::new() } else { report.samples[..1].to_vec() };
    let report = TransformReport { n_changed, n_removed: 0, n_added: 0, n_same: 0, samples, ..report };
    window.tell(reports::done(*job, DatasetOutput::Transformed(Arc::new(report))));
}

#[test]
fn words_are_replaced_by_keys_alone() {
    let mut fake = Fake::stocked();
    let mut window = open(&mut fake, Language::English, ThemeChoice::Dark);
    assert!(window.shows("Type what to find: what would change shows here"));
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    window.type_text("steel");
    let first = asked(&mut fake, &mut window);
    window.key(Modifiers::NONE, Key::Tab);
    window.type_text("iron");
    fake.transforms.clear();
    let question = asked(&mut fake, &mut window);
    assert!(fake.orders.contains(&Command::Cancel(first.0)));
    let replace = ReplaceSpec {
        find: "steel".to_owned(),
        with: "iron".to_owned(),
        is_pattern: false,
        case_sensitive: true,
        column: None,
    };
    assert_eq!((&question.1.transform, question.1.apply), (&Transform::Replace(replace), false));
    window.key(Modifiers::ALT, Key::Enter);
    fake.answer(&mut window);
    assert!(fake.transforms.is_empty(), "nothing is known yet");
    tell(&mut window, &question, 214);
    assert!(window.shows("Would change 214 rows") && window.shows("Row 411"));
    window.key(Modifiers::ALT, Key::Enter);
    let carried = asked(&mut fake, &mut window);
    assert_eq!(carried.1, TransformSpec { apply: true, ..question.1 });
    tell(&mut window, &carried, 214);
    fake.answer(&mut window);
    assert!(!window.shows("Search and replace"), "it is closed");
    assert!(window.shows("Done: 214 rows changed") && window.shows("Undo"));
}

#[test]
fn a_bad_pattern_is_told_beside_it_and_nothing_found_is_nothing_to_do() {
    let mut fake = Fake::stocked();
    let mut window = open(&mut fake, Language::English, ThemeChoice::Dark);
    window.type_text("(");
    let question = asked(&mut fake, &mut window);
    tell(&mut window, &question, 0);
    let off = |window: &Window| {
        window.harness.get_by_role_and_label(Role::Button, "Replace").accesskit_node().is_disabled()
    };
    assert!(window.shows("Would change nothing") && off(&window));
    window.harness.get_by_role_and_label(Role::Switch, "Regular expression").click();
    window.run();
    let (job, spec) = asked(&mut fake, &mut window);
    assert!(matches!(&spec.transform, Transform::Replace(replace) if replace.is_pattern));
    let failure = Failure::new(FailureKind::Input, Text::new("failure.data_unreadable").arg("file", "("));
    window.tell(Event::Settled(job, Outcome::Failed(failure.clone())));
    let words = Language::English.render(&failure.summary);
    assert_eq!(window.harness.get_all_by_label(&words).count(), 1);
    assert!(off(&window));
    window.key(Modifiers::NONE, Key::Escape);
    window.run();
    assert!(!window.shows("Search and replace"));
}

#[test]
fn how_it_looks() {
    let mut all = SnapshotResults::new();
    for (language, theme, name) in [
        (Language::English, ThemeChoice::Dark, "datasets-replace"),
        (Language::Chinese, ThemeChoice::Light, "datasets-replace-zh-light"),
    ] {
        let mut fake = Fake::stocked();
        let mut window = open(&mut fake, language, theme);
        window.type_text("steel");
        let question = asked(&mut fake, &mut window);
        tell(&mut window, &question, 214);
        window.picture(&mut all, name);
    }
}
