//! Lines and text: the same numbers as the matrix, and the same selection.

use super::fake::{ANIMAL, Fake};
use super::matrix::cell;
use super::{english, map_of, press};
use egui::accesskit::Role;
use egui::{Key, Modifiers, vec2};
use glassworks_protocol::inside::LayerCapture;
use glassworks_tests_screens::{Queryable, Window};

fn view(window: &mut Window, name: &str) {
    window.harness.get_by_role_and_label(Role::RadioButton, name).click();
    window.run();
}

/// Lines of a row that hold this much of it.
fn n_lines(layer: &LayerCapture, head: usize, query: usize, mass: f32) -> usize {
    let mut row = Vec::new();
    layer.maps.row(&layer.shape, head, query, &mut row);
    row.retain(|a| *a > 0.0);
    row.sort_by(|a, b| b.total_cmp(a));
    let whole: f32 = row.iter().sum();
    let mut held = 0.0;
    let taken = row.iter().take_while(|a| {
        let before: f32 = held;
        held += **a;
        before < mass * whole
    });
    taken.count()
}

#[test]
fn lines_hold_most_of_each_row() {
    let mut fake = Fake::default();
    let mut window = english(&mut fake, ANIMAL);
    view(&mut window, "Lines");
    let capture = fake.capture.clone().expect("captured");
    let layer = capture.layer(3).expect("layer");
    let all = |mass: f32| (0..22).map(|query| n_lines(layer, 0, query, mass)).sum::<usize>();
    assert!(window.shows(&format!("{} lines", all(0.7))));
    window.harness.get_by_role_and_label(Role::TextInput, "Part of each row, %").focus();
    window.run();
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("100");
    assert!(window.shows(&format!("{} lines", all(1.0))));
    // One token alone, by pointing at it; and by picking it.
    let one = format!("{} lines", n_lines(layer, 0, 9, 1.0));
    let at = window.harness.get_by_label("·it, reads, 9").rect().center();
    super::hover(&mut window, at);
    assert!(window.shows(&one));
    press(&mut window, at, Modifiers::NONE);
    super::hover(&mut window, at + vec2(300.0, 200.0));
    assert!(window.shows(&one), "it stays");
    view(&mut window, "Matrix");
    assert!(window.shows("Picked: ·it"), "one selection for all views");
}

#[test]
fn the_text_shows_what_a_token_reads_and_who_reads_it() {
    let mut fake = Fake::default();
    let mut window = english(&mut fake, ANIMAL);
    let at = cell(&window, &map_of(3, 0), 22, 9, 2);
    press(&mut window, at, Modifiers::NONE);
    view(&mut window, "Text");
    assert!(window.shows("Picked: ·it"));
    let name = "Text: what the token reads, and who reads it";
    // Under the pointer: the second word.
    let rect = window.harness.get_by_label(name).rect();
    super::hover(&mut window, rect.min + vec2(70.0, 12.0));
    let capture = fake.capture.clone().expect("captured");
    let layer = capture.layer(3).expect("layer");
    let words = |key: usize, name: &str| {
        format!("·it reads from {name}  {}", layer.maps.value(&layer.shape, 0, 9, key).expect("seen"))
    };
    let told = [words(1, "The"), words(2, "·animal"), words(0, "⟨s⟩")];
    assert!(told.iter().any(|words| window.shows(words)), "{told:?}");
    window.focus(name);
    window.key(Modifiers::NONE, Key::ArrowRight);
    assert!(window.shows("Picked: ·was"));
    window.key(Modifiers::NONE, Key::Escape);
    assert!(window.shows("Hover or pick a token"));
}
