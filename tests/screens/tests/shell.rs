//! The shell: rail, status bar, palette, themes, languages, layout.

use glassworks_tests_screens::{Queryable, Window, fixtures};

#[test]
fn the_window_opens_on_the_playground() {
    let window = Window::new(fixtures::start());
    for label in ["Play", "Jobs", "Settings", "Command palette"] {
        window.harness.get_by_label(label);
    }
}

#[test]
fn pictures() {
    let mut window = Window::new(fixtures::start());
    window.harness.snapshot("shell_dark");
}
