//! The attention pane: a text is looked into, its heads are browsed as tiles, matrix, lines and text; what is said of a
//! cell is what the maps hold.

mod ablate;
mod atlas;
mod fake;
mod images;
mod lens;
mod long;
mod made;
mod matrix;
mod reports;
mod states;
mod views;

use egui::{Modifiers, Pos2};
use fake::{Fake, WIDE};
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::Language;
use glassworks_tests_screens::{NodeT, Queryable, Window};

/// Looked into in English, wide and dark.
fn english(fake: &mut Fake, text: &str) -> Window {
    fake.looked(text, Language::English, ThemeChoice::Dark, WIDE)
}

/// The name of the map of one head.
fn map_of(layer: u32, head: u32) -> String {
    format!("Attention map: Layer {layer}, head {head}")
}

/// What something says besides its name.
fn said(window: &Window, label: &str) -> String {
    let node = window.harness.get_by_label(label);
    node.accesskit_node().value().unwrap_or_default()
}

fn hover(window: &mut Window, at: Pos2) {
    window.harness.hover_at(at);
    window.run();
}

/// A press of the mouse with keys held.
fn press(window: &mut Window, at: Pos2, modifiers: Modifiers) {
    window.harness.event(egui::Event::PointerMoved(at));
    window.harness.step();
    for pressed in [true, false] {
        let button = egui::PointerButton::Primary;
        window
            .harness
            .event_modifiers(egui::Event::PointerButton { pos: at, button, pressed, modifiers }, modifiers);
        window.harness.step();
    }
    window.run();
}
