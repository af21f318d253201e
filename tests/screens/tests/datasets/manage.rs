//! The list of datasets: found, renamed, noted, put into the trash and out of it; versions.

use super::fake::Fake;
use super::{english, into};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::datasets::DatasetEdit;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Command, Edit};
use glassworks_tests_screens::{Queryable, Window};

fn menu(window: &mut Window, name: &str, entry: &str) {
    let row = window.harness.get_by_role_and_label(Role::ListItem, name).rect();
    window.harness.hover_at(row.center());
    window.run();
    window.click(&format!("More about {name}"));
    window.click(entry);
}

#[test]
fn datasets_are_found_renamed_and_noted() {
    let mut fake = Fake::stocked();
    let mut window = fake.open(Language::English, ThemeChoice::Dark, super::WIDE);
    assert!(window.shows("Starter datasets"));
    into(&mut window, Role::TextInput, "Search datasets");
    window.type_text("film");
    assert!(window.harness.query_by_role_and_label(Role::ListItem, "Tutoring talks").is_none());
    menu(&mut window, "Film reviews", "Rename");
    fake.answer(&mut window);
    window.type_text("Reviews of films");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert_eq!(fake.sets[1].record.name, "Reviews of films");
    window.click("What can be done with the dataset");
    window.click("Notes…");
    window.type_text("Written by hand");
    window.click("Done");
    fake.answer(&mut window);
    assert_eq!(fake.sets[1].record.notes, "Written by hand");
    // Another one by the name of this one.
    window.click("Dataset: Reviews of films");
    window.harness.get_by_role_and_label(Role::ListItem, "Alice in Wonderland").click();
    fake.answer(&mut window);
    assert!(window.shows("Dataset: Alice in Wonderland"));
}

#[test]
fn what_is_deleted_can_be_had_back_until_it_is_deleted_for_good() {
    let mut fake = Fake::stocked();
    let mut window = fake.open(Language::English, ThemeChoice::Dark, super::WIDE);
    menu(&mut window, "Film reviews", "Delete");
    fake.answer(&mut window);
    assert!(fake.sets[1].record.trashed_at_ms.is_some());
    window.click("Undo");
    fake.answer(&mut window);
    assert!(fake.sets[1].record.trashed_at_ms.is_none());
    menu(&mut window, "Film reviews", "Delete");
    fake.answer(&mut window);
    window.click("Deleted datasets (1)");
    menu(&mut window, "Film reviews", "Delete for good…");
    assert!(window.shows_part("24 rows"));
    window.click("Delete for good");
    fake.answer(&mut window);
    assert_eq!(fake.sets.len(), 2);
    assert!(window.shows("Nothing has been deleted"));
}

#[test]
fn a_dataset_is_copied_and_the_copy_taken_back() {
    let mut fake = Fake::stocked();
    let mut window = fake.open(Language::English, ThemeChoice::Dark, super::WIDE);
    menu(&mut window, "Film reviews", "Duplicate");
    fake.answer(&mut window);
    assert!(window.shows("Copied as Film reviews (copy)"));
    assert!(window.harness.query_by_role_and_label(Role::ListItem, "Film reviews (copy)").is_some());
    assert_eq!(fake.sets[3].texts("text"), fake.sets[1].texts("text"));
    window.click("Undo");
    fake.answer(&mut window);
    let trashed: Vec<bool> = fake.sets.iter().map(|set| set.record.trashed_at_ms.is_some()).collect();
    assert_eq!(trashed, [false, false, false, true]);
    for _ in 0..2 {
        menu(&mut window, "Film reviews", "Duplicate");
        fake.answer(&mut window);
    }
    assert_eq!(fake.sets[5].record.name, "Film reviews (copy) 2", "no two of a name");
}

#[test]
fn an_empty_one_is_written_by_hand() {
    let mut fake = Fake::new();
    let mut window = fake.open(Language::English, ThemeChoice::Dark, super::WIDE);
    window.click("New, empty");
    fake.answer(&mut window);
    assert!(window.shows("This dataset has no rows"));
    window.click("Add row");
    fake.answer(&mut window);
    window.type_text("Why?");
    window.key(Modifiers::NONE, Key::Tab);
    fake.answer(&mut window);
    window.type_text("Because");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert_eq!(fake.sets[0].texts("prompt"), ["Why?"]);
    assert_eq!(fake.sets[0].texts("completion"), ["Because"]);
}

#[test]
fn versions_are_compared_kept_and_restored() {
    let mut fake = Fake::stocked();
    let mut second = fake.sets[0].versions[0].clone();
    (second.n, second.what, second.n_rows) = (2, Text::new("datasets.job_clean"), 39);
    fake.sets[0].versions.push(second);
    fake.sets[0].record.version = 2;
    let mut window = english(&mut fake, "Tutoring talks");
    window.click("Version 2");
    fake.answer(&mut window);
    assert!(window.shows_part("1 removed · 1 changed · 12 moved"));
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    into(&mut window, Role::TextInput, "Name of the version, if any");
    window.type_text("before the trip");
    window.key(Modifiers::NONE, Key::Enter);
    window.click("Restore version 1");
    fake.answer(&mut window);
    let edits: Vec<&DatasetEdit> = fake
        .orders
        .iter()
        .filter_map(|order| match order {
            Command::Edit(_, Edit::Dataset(edit)) => Some(edit),
            _ => None,
        })
        .collect();
    let dataset = fake.sets[0].record.id;
    let keep = DatasetEdit::KeepVersion { dataset, label: "before the trip".to_owned() };
    assert_eq!(edits, [&keep, &DatasetEdit::RestoreVersion { dataset, version: 1 }]);
    let mut all = SnapshotResults::new();
    window.picture(&mut all, "datasets-versions");
}
