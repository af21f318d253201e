//! Preparing: forms and what is wrong with them, previews, carrying out and taking back, and how it looks.

use crate::fake::{Fake, NARROW, WIDE};
use crate::reports;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::datasets::transform::{
    AugmentWay, BalanceWay, PrivacyAction, PrivacyKind, Transform, TransformSpec,
};
use glassworks_protocol::datasets::{DatasetEdit, DatasetOutput};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::JobId;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::{RunPart, TunedSource};
use glassworks_protocol::{Command, Edit, Event, Failure, FailureKind, Outcome, Progress, Signal, Unit};
use glassworks_tests_screens::{NodeT, Queryable, Window};
use std::sync::Arc;

fn open(fake: &mut Fake, name: &str, language: Language, theme: ThemeChoice, size: (f32, f32)) -> Window {
    let mut window = fake.open_on(name, language, theme, size);
    window.click(language.get("datasets.tab_prepare"));
    fake.answer(&mut window);
    window
}

fn english(fake: &mut Fake, name: &str) -> Window {
    open(fake, name, Language::English, ThemeChoice::Dark, WIDE)
}

/// Opens or folds a step.
fn step(window: &mut Window, name: &str) {
    window.harness.get_by_role_and_label(Role::DisclosureTriangle, name).focus();
    window.run();
    window.key(Modifiers::NONE, Key::Enter);
}

fn switch(window: &mut Window, name: &str) {
    window.harness.get_by_role_and_label(Role::Switch, name).click();
    window.run();
}

/// The newest question about a change; none is left.
fn asked(fake: &mut Fake, window: &mut Window) -> (JobId, TransformSpec) {
    fake.answer(window);
    let newest = fake.transforms.pop().expect("a change is asked about");
    fake.transforms.clear();
    newest
}

/// Answers a question.
fn tell(fake: &mut Fake, window: &mut Window, (job, spec): &(JobId, TransformSpec)) {
    let revision = fake.set(spec.dataset).record.revision;
    let report = reports::transform(spec, revision);
    window.tell(reports::done(*job, DatasetOutput::Transformed(Arc::new(report))));
}

fn is_off(window: &Window, label: &str) -> bool {
    window.harness.get_by_role_and_label(Role::Button, label).accesskit_node().is_disabled()
}

fn enter(window: &mut Window, label: &str, text: &str) {
    window.harness.get_by_role_and_label(Role::TextInput, label).focus();
    window.run();
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text(text);
}

#[test]
fn a_change_is_shown_before_it_is_carried_out_and_taken_back_after() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Tutoring talks");
    step(&mut window, "Clean");
    assert!(is_off(&window, "Apply"));
    let first = asked(&mut fake, &mut window);
    assert!(!first.1.apply);
    tell(&mut fake, &mut window, &first);
    assert!(window.shows("Would change 214 rows, remove 12 rows, add 1 row"));
    assert!(window.shows("Row 411") && window.shows("goes") && window.shows("new"));
    assert!(window.shows("Left out because they would say the same: 2"));

    // Another wish is another question; the old one is let go of.
    switch(&mut window, "Collapse spaces");
    assert!(is_off(&window, "Apply"), "nothing is known of it yet");
    let second = asked(&mut fake, &mut window);
    switch(&mut window, "Trim");
    let third = asked(&mut fake, &mut window);
    assert!(fake.orders.contains(&Command::Cancel(second.0)));
    let Transform::Clean(clean) = &third.1.transform else { panic!("cleaning") };
    assert!(clean.collapse_spaces && !clean.trim);
    tell(&mut fake, &mut window, &third);
    window.click("Apply");
    let carried = asked(&mut fake, &mut window);
    assert_eq!(carried.1, TransformSpec { apply: true, ..third.1 });
    assert!(is_off(&window, "Apply"));
    fake.transformed(&mut window, carried.1.dataset);
    tell(&mut fake, &mut window, &carried);
    fake.answer(&mut window);
    assert!(fake.transforms.is_empty(), "what was done is not tried again");
    assert!(window.shows("Done: 214 rows changed, 12 rows removed, 1 row added"));
    window.click("Undo what was applied");
    let undone = window.commands();
    let undo = Edit::Dataset(DatasetEdit::Undo(carried.1.dataset));
    let is_undo = |command: &Command| matches!(command, Command::Edit(_, edit) if *edit == undo);
    assert!(undone.iter().any(is_undo), "{undone:?}");
}

#[test]
fn what_is_wrong_is_told_where_it_stands() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Tutoring talks");
    step(&mut window, "Clean");
    let first = asked(&mut fake, &mut window);
    tell(&mut fake, &mut window, &first);
    enter(&mut window, "Rows with a pattern", "(");
    let (job, spec) = asked(&mut fake, &mut window);
    let Transform::Clean(clean) = &spec.transform else { panic!("cleaning") };
    assert_eq!(clean.drop_matching.as_deref(), Some("("));
    let failure = Failure::new(FailureKind::Input, Text::new("failure.data_unreadable").arg("file", "("));
    window.tell(Event::Settled(job, Outcome::Failed(failure.clone())));
    let words = Language::English.render(&failure.summary);
    assert_eq!(window.harness.get_all_by_label(&words).count(), 1, "beside the field, and only there");
    assert!(is_off(&window, "Apply"));
    enter(&mut window, "Least length", "900");
    enter(&mut window, "Greatest length", "100");
    assert!(window.shows("The least is more than the most") && is_off(&window, "Preview"));

    step(&mut window, "Split");
    enter(&mut window, "Validation", "50");
    enter(&mut window, "Test", "50");
    assert!(window.shows_part("Nothing is left to train on: lower one of the shares"));
    assert!(is_off(&window, "Apply") && is_off(&window, "Preview"));

    step(&mut window, "Privacy");
    let kinds = ["E-mail addresses", "Phone numbers", "Payment cards", "IBANs", "Chinese resident ids"];
    for kind in kinds.into_iter().chain(["US social security numbers", "IP addresses", "API keys"]) {
        switch(&mut window, kind);
    }
    assert!(window.shows_part("Choose at least one kind") && is_off(&window, "Preview"));
    step(&mut window, "Balance");
    assert!(window.shows_part("No column of labels") && is_off(&window, "Preview"));
}

#[test]
fn every_step_opens_by_keyboard_and_sends_what_is_shown() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Film reviews");
    let open = |fake: &mut Fake, window: &mut Window, name: &str| {
        window.harness.get_by_role_and_label(Role::DisclosureTriangle, name).focus();
        window.run();
        window.key(Modifiers::NONE, Key::Enter);
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new(), "{name}");
        fake.answer(window);
    };
    open(&mut fake, &mut window, "Split");
    window.click("Group by: no column");
    window.harness.get_by_role_and_label(Role::MenuItemRadio, "stars").click();
    window.run();
    switch(&mut window, "Keep what is split");
    let (_, spec) = asked(&mut fake, &mut window);
    let Transform::Split(split) = &spec.transform else { panic!("a split") };
    assert!(split.stratify && split.keep && split.group_by.as_deref() == Some("stars"));

    open(&mut fake, &mut window, "Privacy");
    window.click("Pseudonymise");
    switch(&mut window, "E-mail addresses");
    let (_, spec) = asked(&mut fake, &mut window);
    let Transform::Privacy(privacy) = &spec.transform else { panic!("privacy") };
    assert_eq!(privacy.action, PrivacyAction::Pseudonymise);
    assert!(!privacy.kinds.contains(&PrivacyKind::Email) && privacy.kinds.len() == 7);

    open(&mut fake, &mut window, "Augment");
    window.click("Way: Synonyms");
    window.click("Character noise");
    enter(&mut window, "Strength", "20");
    enter(&mut window, "New rows for each", "3");
    let (_, spec) = asked(&mut fake, &mut window);
    let Transform::Augment(augment) = &spec.transform else { panic!("augmenting") };
    assert_eq!((augment.way, augment.copies), (AugmentWay::CharacterNoise(0.2), 3));

    open(&mut fake, &mut window, "Balance");
    window.click("Drop frequent ones");
    let (_, spec) = asked(&mut fake, &mut window);
    let Transform::Balance(balance) = &spec.transform else { panic!("balancing") };
    assert_eq!(balance.way, BalanceWay::Under);
}

#[test]
fn a_model_writes_only_when_told_to() {
    let mut fake = Fake::stocked();
    let model = fake.start.models[1].id;
    let mut window = english(&mut fake, "Tutoring talks");
    step(&mut window, "Write with a model");
    window.click("Model: Starter");
    window.click("SmolLM2-135M-Instruct");
    window.click("Put in {answer}");
    window.click("Its answer goes to: answer");
    window.harness.get_by_role_and_label(Role::MenuItemRadio, "question").click();
    window.run();
    fake.answer(&mut window);
    assert!(fake.transforms.is_empty());
    window.click("Try on a few rows");
    let (_, spec) = asked(&mut fake, &mut window);
    let Transform::Write(write) = &spec.transform else { panic!("writing") };
    assert_eq!(write.model, ModelSource::Library(model));
    assert_eq!((write.template.as_str(), write.column.as_str()), ("{question}{answer}", "question"));
    assert_eq!(write.sampling.max_new_tokens, write.max_tokens);
    window.harness.get_by_role_and_label(Role::MultilineTextInput, "What it is asked").focus();
    window.run();
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("Grade this: {grade}");
    assert!(window.shows("{grade} is no column and stays as it is"));
    window.key(Modifiers::COMMAND, Key::A);
    window.key(Modifiers::NONE, Key::Backspace);
    assert!(window.shows_part("Say what the model is asked") && is_off(&window, "Try on a few rows"));
}

#[test]
fn what_a_run_made_writes_too() {
    let mut fake = Fake::stocked();
    let model = fake.start.models[1].id;
    let run = fake.run("Patient tutor");
    let mut window = english(&mut fake, "Tutoring talks");
    step(&mut window, "Write with a model");
    window.click("Model: Starter");
    window.click("Patient tutor, result, step 350");
    fake.answer(&mut window);
    assert!(window.shows("Model: Patient tutor") && window.shows("result, step 350"));
    window.click("Try on a few rows");
    let (_, spec) = asked(&mut fake, &mut window);
    let Transform::Write(write) = &spec.transform else { panic!("writing") };
    assert_eq!(write.model, ModelSource::Library(model));
    assert_eq!(write.tuned, Some(TunedSource { run, part: RunPart::Result, strength: 1.0 }));
}

#[test]
fn writing_is_stopped_and_what_is_written_kept() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Tutoring talks");
    step(&mut window, "Write with a model");
    window.click("Apply");
    let (job, spec) = asked(&mut fake, &mut window);
    assert!(spec.apply);
    let progress = Progress {
        stage: Text::new("data.stage_write").arg("name", "Starter"),
        done: 5,
        total: Some(40),
        unit: Unit::Rows,
        per_sec: None,
    };
    window.tell(Event::Progress(job, progress));
    window.click("Stop and keep what is written");
    fake.answer(&mut window);
    assert!(fake.orders.contains(&Command::Signal(job, Signal::StopKeepBest)));
    assert!(is_off(&window, "Stop and keep what is written"), "once is enough");
    let mut all = SnapshotResults::new();
    window.picture(&mut all, "datasets-prepare-writing");
    tell(&mut fake, &mut window, &(job, spec));
    assert!(window.shows_part("Done: ") && !window.shows("Stop and keep what is written"));
}

#[test]
fn filtered_rows_alone_and_large_datasets_only_when_told_to() {
    let mut fake = Fake::stocked();
    let mut window = fake.open_on("Tutoring talks", Language::English, ThemeChoice::Dark, WIDE);
    window.harness.get_by_role_and_label(Role::Button, "Test").click();
    window.run();
    fake.answer(&mut window);
    window.click("Prepare");
    window.click("the 4 filtered");
    step(&mut window, "Clean");
    let (_, spec) = asked(&mut fake, &mut window);
    let ids: Vec<u32> = spec.rows.expect("some").iter().map(|row| row.0).collect();
    assert_eq!(ids, [9, 19, 29, 39]);

    let mut fake = Fake::stocked();
    fake.sets[0].record.n_rows = 50_000;
    let mut window = english(&mut fake, "Tutoring talks");
    step(&mut window, "Clean");
    fake.answer(&mut window);
    assert!(fake.transforms.is_empty());
    window.click("Preview");
    assert!(asked(&mut fake, &mut window).1.rows.is_none());
}

#[test]
fn how_it_looks() {
    let mut all = SnapshotResults::new();
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Tutoring talks");
    window.picture(&mut all, "datasets-prepare");
    step(&mut window, "Clean");
    let question = asked(&mut fake, &mut window);
    tell(&mut fake, &mut window, &question);
    window.picture(&mut all, "datasets-prepare-clean");
    let mut window = open(&mut fake, "Film reviews", Language::English, ThemeChoice::Light, WIDE);
    step(&mut window, "Split");
    let question = asked(&mut fake, &mut window);
    tell(&mut fake, &mut window, &question);
    window.picture(&mut all, "datasets-prepare-split-light");
    step(&mut window, "Write with a model");
    window.picture(&mut all, "datasets-prepare-write-light");
    let mut window = open(&mut fake, "Tutoring talks", Language::Chinese, ThemeChoice::Dark, NARROW);
    step(&mut window, "隐私");
    let question = asked(&mut fake, &mut window);
    tell(&mut fake, &mut window, &question);
    window.picture(&mut all, "datasets-prepare-narrow-zh");
}
