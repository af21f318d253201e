//! Recipes from disk: into the form, and what of them makes no sense.

use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::train::{MethodSpec, TaskSpec, TrainSpec};
use glassworks_protocol::{Command, JobSpec};
use glassworks_tests_screens::{Queryable, Window, fixtures};
use serde_json::json;
use std::path::PathBuf;

fn window(recipe: serde_json::Value) -> Window {
    let window = Window::new(fixtures::start_on("finetune"));
    window.host.borrow_mut().recipes.push((PathBuf::from("/recipes/tutor.toml"), recipe));
    window
}

fn open(window: &mut Window) {
    window.click("Open recipe…");
    window.harness.get_by_role_and_label(egui::accesskit::Role::TextInput, "Or type a path").focus();
    window.run();
    window.type_text("/recipes/tutor.toml");
    window.key(Modifiers::NONE, Key::Enter);
    window.run();
}

/// What the form means now: what it asks of its data.
fn asked(window: &mut Window) -> TrainSpec {
    window.host.borrow_mut().later_ms += 1000;
    window.run();
    let check = |command: Command| match command {
        Command::Start(_, JobSpec::CheckData(spec)) => Some(*spec),
        _ => None,
    };
    window.commands().into_iter().rev().find_map(check).expect("the data is looked at")
}

#[test]
fn a_recipe_fills_the_form() {
    let recipe = json!({
        "model": "SmolLM2-135M-Instruct",
        "seed": 9,
        "task": { "kind": "text" },
        "method": { "kind": "lora", "rank": 4 },
        "data": { "files": ["poems.txt"] },
    });
    let mut window = window(recipe);
    open(&mut window);
    assert!(window.shows("tutor.toml is in the form"));
    let spec = asked(&mut window);
    assert_eq!((spec.seed, spec.task), (9, TaskSpec::Text));
    assert!(matches!(&spec.method, MethodSpec::Lora(lora) if lora.rank == 4));
    assert_eq!(spec.data.files, [PathBuf::from("/recipes/poems.txt")], "beside the recipe");
    assert!(window.shows_part("SmolLM2-135M-Instruct"));
}

#[test]
fn what_makes_no_sense_is_told_field_by_field() {
    let mut all = SnapshotResults::new();
    let recipe = json!({
        "model": "nowhere",
        "sed": 9,
        "method": { "kind": "lora", "rank": "high" },
        "data": { "files": ["poems.txt"] },
    });
    let mut window = window(recipe);
    open(&mut window);
    for field in ["model", "sed", "method.rank"] {
        assert!(window.shows(field), "{field}");
    }
    assert!(window.shows_part("is not in the library: nowhere"));
    window.picture(&mut all, "finetune-open-recipe");
    let spec = asked(&mut window);
    assert!(matches!(&spec.method, MethodSpec::Lora(lora) if lora.rank == 16), "the rest is taken");
}

#[test]
fn a_file_that_is_no_recipe_is_told() {
    let mut window = Window::new(fixtures::start_on("finetune"));
    open(&mut window);
    assert!(window.shows_part("tutor.toml"));
}
