//! Hundreds of runs, and runs of a hundred thousand steps.

use super::english;
use super::fake::{Fake, failed, points, run, sorting};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use glassworks_protocol::train::RunStatus;
use glassworks_tests_screens::{NodeT, Queryable, Window};
use std::time::Instant;

/// 300 runs: a tenth failed, the oldest is the best.
fn many() -> Fake {
    let mut fake = Fake::default();
    for i in 0..300 {
        let mut record = if i % 10 == 3 { failed() } else { run("", RunStatus::Done, 717) };
        record.name = format!("Run {i:03}");
        record.progress.best_loss = Some(1.0 + f64::from(i) / 1000.0);
        fake.add(record, points(0..=20, 0));
    }
    fake
}

fn listed(window: &Window) -> Vec<String> {
    let rows = window.harness.get_all_by_role(Role::ListItem);
    rows.filter_map(|row| row.accesskit_node().label()).collect()
}

#[test]
fn hundreds_of_runs_are_searched_filtered_and_sorted() {
    let mut fake = many();
    let mut window = english(&mut fake);
    assert_eq!(listed(&window)[..2], ["Run 299", "Run 298"]);
    assert!(listed(&window).len() < 20, "only the rows in sight are drawn");
    window.click("Filter and sort");
    window.click("Lowest loss first");
    assert_eq!(listed(&window)[..2], ["Run 000", "Run 001"]);
    window.click("Filter and sort");
    window.click("Failed");
    assert_eq!(listed(&window)[..2], ["Run 003", "Run 013"]);
    window.harness.get_by_role_and_label(Role::TextInput, "Name, model or data").focus();
    window.run();
    window.type_text("run 29");
    assert_eq!(listed(&window), ["Run 293"]);
    window.type_text("x");
    assert!(window.shows("No run fits"));
}

#[test]
fn goals_are_filtered_by_their_names() {
    let mut fake = many();
    let (record, points) = sorting("Reviews", &["bad", "good"]);
    fake.add(record, points);
    let mut window = english(&mut fake);
    window.click("Filter and sort");
    // The recipe has the word, the menu the name.
    assert!(window.shows("Answer like the data") && window.shows("Sort by label"));
    window.click("Sort by label");
    assert_eq!(listed(&window), ["Reviews"]);
    window.click("No longer only Sort by label");
    assert!(listed(&window).len() > 1);
}

#[test]
fn the_keyboard_goes_beyond_the_rows_in_sight() {
    let mut fake = many();
    let mut window = english(&mut fake);
    window.harness.get_by_role_and_label(Role::ListItem, "Run 299").focus();
    window.run();
    for _ in 0..40 {
        window.key(Modifiers::NONE, Key::ArrowDown);
    }
    assert!(listed(&window).contains(&"Run 259".to_owned()), "{:?}", listed(&window));
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    window.harness.get_by_role_and_label(Role::Image, "Loss of Run 259");
}

/// Milliseconds a frame takes, the middle one of many, without painting.
fn frame_ms(window: &mut Window) -> f64 {
    let mut took: Vec<f64> = (0..60)
        .map(|_| {
            let started = Instant::now();
            window.harness.step();
            started.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

#[test]
fn frames_stay_short() {
    let mut fake = many();
    let mut window = english(&mut fake);
    let list = frame_ms(&mut window);

    let mut fake = Fake::default();
    for seed in 0..3 {
        let mut record = run(&format!("Long {seed}"), RunStatus::Done, 100_000);
        record.progress.n_steps = 100_000;
        fake.add(record, points(0..=100_000, seed));
    }
    let mut window = english(&mut fake);
    for name in ["Long 0", "Long 1"] {
        window.harness.get_by_role_and_label(Role::ListItem, name).hover();
        window.run();
        window.click(&format!("Add {name} to the plot"));
        fake.answer(&mut window);
    }
    assert!(window.shows("3 in the plot"));
    let plot = frame_ms(&mut window);
    eprintln!("a frame: {list:.2} ms with 300 runs, {plot:.2} ms with 3 runs of 100,000 steps in the plot");
    // What is drawn of them is bounded, whatever was measured: this is what keeps frames short on any machine.
    let model = window.harness.state().model();
    assert!(fake.runs.iter().all(|run| model.runs.curves(run.id).is_some()));
}
