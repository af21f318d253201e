//! Two texts of a row side by side, and the tile that is wide enough for them.

use super::fake::{Fake, NARROW, WIDE};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::Language;
use glassworks_tests_screens::{Queryable, Window};

const BORDER: &str = "Border between tiles, drag or use the arrow keys";

/// Two texts that belong together stand side by side where there is room, and one below the other where there is not.
#[test]
fn two_texts_stand_side_by_side() {
    let mut fake = Fake::new();
    fake.translations();
    fake.preferences();
    for (name, [left, right]) in
        [("Translations", ["Source", "Target"]), ("Preferences", ["Chosen", "Rejected"])]
    {
        for (size, beside) in [(WIDE, true), (NARROW, false)] {
            let mut window = fake.open_on(name, Language::English, ThemeChoice::Dark, size);
            fake.see(&mut window);
            if size == NARROW {
                window.key(Modifiers::COMMAND, Key::I);
            }
            let rect = |label| window.harness.get_by_role_and_label(Role::MultilineTextInput, label).rect();
            let (left, right) = (rect(left), rect(right));
            assert_eq!(left.right() < right.left() && left.top() == right.top(), beside, "{name} {size:?}");
            assert_eq!(
                left.bottom() < right.top() && left.left() == right.left(),
                !beside,
                "{name} {size:?}"
            );
            assert!(left.width() > 180.0, "{name}: {}", left.width());
        }
    }
}

/// The border of the wider tile is its own.
#[test]
fn the_wider_tile_keeps_its_own_width() {
    let mut fake = Fake::new();
    fake.translations();
    fake.talks(3);
    let mut window = fake.open_on("Translations", Language::English, ThemeChoice::Dark, WIDE);
    fake.see(&mut window);
    let width = |window: &Window| {
        let borders: Vec<_> = window.harness.get_all_by_label(BORDER).collect();
        borders.iter().map(|border| border.rect().center().x).fold(0.0, f32::max)
    };
    let before = width(&window);
    let borders = window.harness.get_all_by_label(BORDER);
    borders.max_by(|a, b| a.rect().center().x.total_cmp(&b.rect().center().x)).expect("one").focus();
    window.run();
    window.key(Modifiers::NONE, Key::ArrowLeft);
    window.run();
    let moved = width(&window);
    assert!(moved < before - 10.0, "{before} {moved}");
    window.click("Dataset: Translations");
    window.harness.get_by_role_and_label(Role::ListItem, "Tutoring talks").click();
    fake.see(&mut window);
    assert!(width(&window) > before + 100.0, "rows of one text have less");
    window.click("Dataset: Tutoring talks");
    window.harness.get_by_role_and_label(Role::ListItem, "Translations").click();
    fake.see(&mut window);
    assert!((width(&window) - moved).abs() < 1.0);
}
