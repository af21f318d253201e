//! How the pane looks.

use super::fake::{ANIMAL, Fake, NARROW, WIDE};
use super::made::Recipe;
use super::matrix::cell;
use super::press;
use egui::Modifiers;
use egui::accesskit::Role;
use egui_kittest::SnapshotResults;
use glassworks_protocol::inside::Storage;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Event, Failure, FailureKind, Outcome};
use glassworks_tests_screens::{Queryable, Window};

const CHINESE: &str = "小猫没有过马路，因为它太累了，司机一直等到它睡着。";

pub fn starter() -> Recipe {
    Recipe { n_layers: 30, storage: Some(Storage::Qk), ..Recipe::default() }
}

fn picked(fake: &mut Fake, text: &str, language: Language, theme: ThemeChoice, size: (f32, f32)) -> Window {
    let mut window = fake.looked(text, language, theme, size);
    let map = language.format(
        "inside.map_of",
        &[("heads", &language.format("inside.layer_head", &[("layer", &15), ("head", &0)]))],
    );
    let n = fake.capture.as_ref().map_or(1, |capture| capture.n_tokens());
    let at = cell(&window, &map, n, 9, 2);
    press(&mut window, at, Modifiers::NONE);
    window
}

fn view(window: &mut Window, language: Language, key: &str) {
    window.harness.get_by_role_and_label(Role::RadioButton, language.get(key)).click();
    window.run();
}

#[test]
fn how_it_looks_before_and_between() {
    let mut all = SnapshotResults::new();
    let mut fake = Fake { recipe: starter(), until: Some(7), ..Fake::default() };
    let mut window = fake.open(Language::English, ThemeChoice::Dark, WIDE);
    window.picture(&mut all, "inside-empty");
    fake.look(&mut window, ANIMAL, Language::English);
    window.picture(&mut all, "inside-working");
    let text = Text::new("failure.memory").arg("what", "Starter").arg("needed", "12.4").arg("free", "9.6");
    let failure = Failure::new(FailureKind::Memory, text).hint(Text::new("failure.memory_hint"));
    window.tell(Event::Settled(fake.captures[0].0, Outcome::Failed(failure)));
    window.picture(&mut all, "inside-failed");
}

#[test]
fn how_it_looks() {
    let mut all = SnapshotResults::new();
    let english = Language::English;
    let mut fake = Fake { recipe: starter(), ..Fake::default() };
    let mut window = picked(&mut fake, ANIMAL, english, ThemeChoice::Dark, WIDE);
    window.picture(&mut all, "inside-matrix");
    view(&mut window, english, "inside.lines");
    window.picture(&mut all, "inside-lines");
    view(&mut window, english, "inside.text");
    window.picture(&mut all, "inside-text");
    let mut window = picked(&mut fake, ANIMAL, english, ThemeChoice::Light, WIDE);
    window.picture(&mut all, "inside-matrix-light");
    let mut window = picked(&mut fake, ANIMAL, english, ThemeChoice::Dark, NARROW);
    window.picture(&mut all, "inside-narrow");
    window.click("Head inspector");
    window.picture(&mut all, "inside-narrow-head");
    let mut window = picked(&mut fake, CHINESE, Language::Chinese, ThemeChoice::Light, NARROW);
    window.picture(&mut all, "inside-narrow-zh");
}

#[test]
fn how_a_long_text_looks() {
    let mut all = SnapshotResults::new();
    let recipe = Recipe { n_layers: 4, n_heads: 16, n_kv_heads: 16, ..Recipe::default() };
    let mut fake = Fake { recipe, ..Fake::default() };
    let words = "glass river seven cloud lamp north paper green stone violin ".repeat(40);
    let mut window = fake.looked(words.trim(), Language::English, ThemeChoice::Dark, WIDE);
    window.picture(&mut all, "inside-long");
}
