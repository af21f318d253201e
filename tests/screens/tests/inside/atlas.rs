//! The atlas: heads as tiles, chosen by mouse and keys, sorted and counted by what they do.

use super::fake::{ANIMAL, Fake};
use super::{english, map_of, press, said};
use egui::{Key, Modifiers, Pos2, vec2};
use glassworks_protocol::inside::InsideJob;
use glassworks_protocol::{Command, JobSpec};
use glassworks_tests_screens::{Queryable, Window};

const NAME: &str = "Heads by layer";

/// Where a tile lies in the order of layers, of nine heads in three groups.
fn tile(window: &Window, layer: u32, head: u32) -> Pos2 {
    let rect = window.harness.get_by_label(NAME).rect();
    // Numbers at the left, brackets above, groups a little apart.
    let side = (rect.width() - 26.0 - 12.0 - 12.0) / 9.0;
    let x = 34.0 + head as f32 * side + (head / 3) as f32 * 6.0 + side / 2.0;
    rect.min + vec2(x, 22.0 + (layer as f32 + 0.5) * side)
}

pub fn click_tile(window: &mut Window, layer: u32, head: u32, modifiers: Modifiers) {
    let at = tile(window, layer, head);
    press(window, at, modifiers);
}

#[test]
fn a_tile_is_chosen_by_mouse_and_keys() {
    let mut fake = Fake::default();
    let mut window = english(&mut fake, ANIMAL);
    click_tile(&mut window, 1, 7, Modifiers::NONE);
    assert!(window.shows(&map_of(1, 7)) && window.shows("1.7"));
    assert!(said(&window, NAME).starts_with("1.7\nPrevious token 0."));
    window.key(Modifiers::NONE, Key::ArrowRight);
    window.key(Modifiers::NONE, Key::ArrowDown);
    assert!(window.shows(&map_of(2, 8)));
    window.click("Previous head");
    assert!(window.shows(&map_of(2, 7)));
    // Shift takes all between, Escape leaves one.
    click_tile(&mut window, 2, 4, Modifiers::SHIFT);
    assert!(window.shows("Attention map: Layer 2, mean of 4 heads"));
    window.key(Modifiers::NONE, Key::Escape);
    assert!(window.shows(&map_of(2, 4)));
}

#[test]
fn heads_are_sorted_by_what_they_do() {
    let mut fake = Fake::default();
    let mut window = english(&mut fake, ANIMAL);
    window.click("Order: Layer order");
    window.click("Previous token");
    let capture = fake.capture.clone().expect("captured");
    let heads = capture.layers.iter().flat_map(|layer| {
        layer.scores.iter().enumerate().map(move |(head, scores)| (scores.previous, layer.layer, head as u32))
    });
    let (_, layer, head) = heads.max_by(|a, b| a.0.total_cmp(&b.0)).expect("heads");
    // The first tile is the one that does it most.
    let first = window.harness.get_by_label(NAME).rect().min + vec2(44.0, 14.0);
    press(&mut window, first, Modifiers::NONE);
    assert!(window.shows(&map_of(layer, head)), "{layer}.{head}");
}

#[test]
fn heads_are_counted_and_measured_on_tokens_that_repeat() {
    let mut fake = Fake::default();
    let mut window = english(&mut fake, ANIMAL);
    let capture = fake.capture.clone().expect("captured");
    let found =
        capture.layers.iter().flat_map(|layer| &layer.scores).filter(|one| one.previous > 0.5).count();
    assert!(found > 0 && window.shows(&format!("Previous token {found}")));
    window.click("Measure what heads tend to do");
    let commands = window.commands();
    let job = commands.into_iter().find_map(|command| match command {
        Command::Start(job, JobSpec::Inside(InsideJob::Scores(spec))) => Some((job, spec)),
        _ => None,
    });
    fake.scores.extend(job);
    assert_eq!(fake.scores[0].1.model, capture.source);
    assert!(window.shows("Measuring…"));
    fake.measured(&mut window);
    assert!(window.shows("Induction 1") && window.shows("Previous token 1"));
    click_tile(&mut window, 1, 2, Modifiers::NONE);
    assert!(window.shows("Induction 0.93"));
    window.click("Measured on: On random tokens that repeat");
    window.click("On this text");
    assert!(window.shows(&format!("Previous token {found}")));
}
