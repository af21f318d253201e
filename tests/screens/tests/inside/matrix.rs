//! The matrix: what a cell says is what the maps hold, masked cells have no number, segments and heads are put together.

use super::fake::{ANIMAL, Fake};
use super::made::Recipe;
use super::{english, hover, map_of, press, said};
use egui::{Key, Modifiers, Pos2, vec2};
use glassworks_protocol::inside::{HeadSpec, MapKind, Merge, RowRoom, Segmenting, Storage, segments};
use glassworks_tests_screens::{Queryable, Window};
use std::sync::Arc;

/// The middle of a cell of a map of `n` rows.
pub fn cell(window: &Window, map: &str, n: usize, row: usize, column: usize) -> Pos2 {
    let rect = window.harness.get_by_label(map).rect();
    rect.min + vec2(column as f32 + 0.5, row as f32 + 0.5) * rect.width() / n as f32
}

#[test]
fn a_cell_says_what_the_maps_hold() {
    for storage in [Storage::Dense, Storage::Qk] {
        let mut fake =
            Fake { recipe: Recipe { storage: Some(storage), ..Recipe::default() }, ..Fake::default() };
        let mut window = english(&mut fake, ANIMAL);
        let capture = fake.capture.clone().expect("captured");
        let layer = capture.layer(3).expect("the one in the middle is shown first");
        let map = map_of(3, 0);
        for (row, column) in [(9, 2), (9, 9), (21, 0), (0, 0), (14, 13)] {
            let at = cell(&window, &map, 22, row, column);
            hover(&mut window, at);
            let value = layer.maps.value(&layer.shape, 0, row, column).expect("seen");
            assert!(window.shows(&value.to_string()), "{row} {column}: {value}");
            assert!(window.shows(&format!("row {row}, column {column} · exact f32")));
        }
        let (row, column) = (9, 2);
        let at = cell(&window, &map, 22, row, column);
        hover(&mut window, at);
        assert!(window.shows("·it") && window.shows("reads from") && window.shows("·animal"));
    }
}

#[test]
fn a_masked_cell_has_no_number() {
    let recipe = Recipe { window: Some(5), storage: Some(Storage::Dense), ..Recipe::default() };
    let mut fake = Fake { recipe, ..Fake::default() };
    let mut window = english(&mut fake, ANIMAL);
    let map = map_of(3, 0);
    let mut tell = |row: usize, column: usize| {
        let at = cell(&window, &map, 22, row, column);
        hover(&mut window, at);
        said(&window, &map)
    };
    assert_eq!(tell(4, 9), "'t cannot read ·it, It comes later: masked");
    assert_eq!(tell(9, 2), "·it cannot read ·animal, Further back than 5 tokens: masked");
    assert!(tell(9, 5).contains("row 9, column 5 · exact f32"), "the first that is seen");
}

#[test]
fn rounded_maps_say_so() {
    let recipe = Recipe { storage: Some(Storage::Coded), ..Recipe::default() };
    let mut fake = Fake { recipe, ..Fake::default() };
    let mut window = english(&mut fake, ANIMAL);
    assert!(window.shows("Rounded to 8 bits") && !window.shows("Exact"));
    let at = cell(&window, &map_of(3, 0), 22, 9, 2);
    hover(&mut window, at);
    assert!(window.shows("row 9, column 2 · rounded to 8 bits"));
}

#[test]
fn the_crosshair_moves_by_keys() {
    let mut fake = Fake::default();
    let mut window = english(&mut fake, ANIMAL);
    let map = map_of(3, 0);
    window.focus(&map);
    window.key(Modifiers::NONE, Key::ArrowDown);
    assert!(said(&window, &map).contains("row 0, column 0"));
    for _ in 0..9 {
        window.key(Modifiers::NONE, Key::ArrowDown);
    }
    window.key(Modifiers::NONE, Key::ArrowRight);
    window.key(Modifiers::NONE, Key::ArrowRight);
    assert!(said(&window, &map).starts_with("·it reads from ·animal 0."), "{}", said(&window, &map));
    // The next layer keeps the tokens; Escape forgets them.
    window.key(Modifiers::NONE, Key::CloseBracket);
    let next = map_of(4, 0);
    assert!(said(&window, &next).contains("row 9, column 2"));
    window.key(Modifiers::NONE, Key::OpenBracket);
    assert!(said(&window, &map).contains("row 9, column 2"));
    window.key(Modifiers::NONE, Key::Escape);
    assert_eq!(said(&window, &map), "");
}

#[test]
fn words_and_sentences_are_put_together() {
    let mut fake = Fake::default();
    let mut window = english(&mut fake, ANIMAL);
    window.click("Tokens put together: Tokens");
    window.click("Words");
    let capture = fake.capture.clone().expect("captured");
    let words = segments(&capture.tokens, &capture.turns, Segmenting::Word);
    let (n, row, column) = (words.len(), 8, 2);
    assert!(n < 22, "didn't is one word");
    let spec = HeadSpec {
        layer: Arc::clone(capture.layer(3).expect("layer")),
        heads: vec![0],
        merge: Merge::Mean,
        kind: MapKind::Weights,
        segments: words,
        value_norms: None,
        n_tokens: 22,
        side: 64,
    };
    let (mut room, mut out) = (RowRoom::default(), Vec::new());
    spec.row(row, &mut room, &mut out);
    let at = cell(&window, &map_of(3, 0), n, row, column);
    hover(&mut window, at);
    assert!(window.shows(&out[column].to_string()), "{}", said(&window, &map_of(3, 0)));
    assert!(!window.shows_part("Turns"), "a text has none");
}

#[test]
fn several_heads_are_one_map() {
    let mut fake = Fake::default();
    let mut window = english(&mut fake, ANIMAL);
    let tiles = window.harness.get_by_label("Heads by layer").rect();
    assert!(tiles.width() > 100.0);
    super::atlas::click_tile(&mut window, 3, 4, Modifiers::COMMAND);
    let map = "Attention map: Layer 3, mean of 2 heads";
    let at = cell(&window, map, 22, 9, 2);
    hover(&mut window, at);
    let capture = fake.capture.clone().expect("captured");
    let layer = capture.layer(3).expect("layer");
    let [a, b] = [0, 4].map(|head| layer.maps.value(&layer.shape, head, 9, 2).expect("seen"));
    assert!(
        window.shows(&(a * 0.5 + b * 0.5).to_string()) && window.shows("row 9, column 2 · mean of 2 heads")
    );
    window.click("Several heads: Mean");
    window.click("Largest");
    let at = cell(&window, "Attention map: Layer 3, largest of 2 heads", 22, 9, 2);
    hover(&mut window, at);
    assert!(window.shows(&a.max(b).to_string()));
}

#[test]
fn scores_are_shown_where_they_are_kept() {
    let mut fake =
        Fake { recipe: Recipe { storage: Some(Storage::Dense), ..Recipe::default() }, ..Fake::default() };
    let mut window = english(&mut fake, ANIMAL);
    window.click("What cells say: Weights");
    window.click("Scores");
    assert!(window.shows("What cells say: Weights"), "of weights there are none");
    window.key(Modifiers::NONE, Key::Escape);
    let mut fake =
        Fake { recipe: Recipe { storage: Some(Storage::Qk), ..Recipe::default() }, ..Fake::default() };
    let mut window = english(&mut fake, ANIMAL);
    window.click("What cells say: Weights");
    window.click("Scores");
    let at = cell(&window, &map_of(3, 0), 22, 9, 2);
    hover(&mut window, at);
    let capture = fake.capture.clone().expect("captured");
    let layer = capture.layer(3).expect("layer");
    let score = layer.maps.score(&layer.shape, 0, 9, 2).expect("kept");
    assert!(window.shows(&score.to_string()));
    assert!(window.shows("by this map's largest"), "the legend says its domain");
}

#[test]
fn the_inspector_fills_the_formula_in() {
    let mut fake =
        Fake { recipe: Recipe { storage: Some(Storage::Qk), ..Recipe::default() }, ..Fake::default() };
    let mut window = english(&mut fake, ANIMAL);
    assert!(window.shows("Pick a cell of the map"));
    let at = cell(&window, &map_of(3, 0), 22, 9, 2);
    press(&mut window, at, Modifiers::NONE);
    let capture = fake.capture.clone().expect("captured");
    let layer = capture.layer(3).expect("layer");
    let score = layer.maps.score(&layer.shape, 0, 9, 2).expect("kept");
    let weight = layer.maps.value(&layer.shape, 0, 9, 2).expect("seen");
    assert!(window.shows(&format!("How {weight:.3} comes about")));
    assert!(window.shows(&format!("= {score:.3}")) && window.shows(&format!("= {weight:.4}")));
    // The strongest of what it reads, by the maps.
    let mut row = Vec::new();
    layer.maps.row(&layer.shape, 0, 9, &mut row);
    let (best, most) = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).expect("a row");
    let name = capture.tokens[best].text.replace(' ', "·").replace("<s>", "⟨s⟩");
    assert!(window.shows(&format!("{name} {most:.3}")), "{name} {most:.3}");
    // Of weights alone nothing else is said.
    let mut fake =
        Fake { recipe: Recipe { storage: Some(Storage::Dense), ..Recipe::default() }, ..Fake::default() };
    let mut window = english(&mut fake, ANIMAL);
    let at = cell(&window, &map_of(3, 0), 22, 9, 2);
    press(&mut window, at, Modifiers::NONE);
    assert!(window.shows_part("kept as weights alone, without the scores"));
}
