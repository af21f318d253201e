//! Ways to choose words that are seldom changed: what is asked for, and what has no say beside what.

use super::fake::Fake;
use super::images::{glass, sized};
use super::{chat_start, chinese, light, open};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::generate::{BeamSpec, EarlyStopping, MirostatSpec, SamplingSpec};
use glassworks_tests_screens::{NodeT, Queryable, Window};

fn asked() -> (Fake, Window) {
    let mut fake = Fake::default();
    fake.chat("Glass", &["Why?", "So."]);
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    window.click("More");
    (fake, window)
}

/// What goes along with the next question.
fn sampling(fake: &mut Fake, window: &mut Window) -> SamplingSpec {
    window.click("Message");
    window.type_text("And?");
    fake.replies.push_back("Yes.");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(window);
    fake.last_generate().sampling
}

fn is_off(window: &Window, role: Role, label: &str) -> bool {
    window.harness.get_by_role_and_label(role, label).accesskit_node().is_disabled()
}

fn number(window: &mut Window, name: &str, text: &str) {
    let field = window.harness.get_by_role_and_label(Role::TextInput, name);
    field.scroll_to_me();
    window.run();
    window.harness.get_by_role_and_label(Role::TextInput, name).focus();
    window.run();
    window.key(Modifiers::COMMAND, Key::A);
    match text {
        "" => window.key(Modifiers::NONE, Key::Delete),
        text => window.type_text(text),
    }
    window.run();
}

#[test]
fn beams_are_asked_for_and_hold_what_draws() {
    let (mut fake, mut window) = asked();
    assert!(!window.shows("Length penalty"), "there is nothing to decide between");
    number(&mut window, "Beams", "3");
    number(&mut window, "Length penalty", "0.5");
    window.click("Never");
    assert!(window.shows("Ends once no better text can come"));
    let why = "No effect with beams";
    // Temperature, top-p, top-k, min-p, seed, typical-p, mirostat.
    assert_eq!(window.harness.query_all_by_label(why).count(), 7);
    assert!(is_off(&window, Role::Slider, "Temperature"));
    assert!(is_off(&window, Role::Switch, "Mirostat"));
    let beams = sampling(&mut fake, &mut window).beams;
    let expected = BeamSpec { n: 3, length_penalty: 0.5, early_stopping: EarlyStopping::Never };
    assert_eq!(beams, Some(expected));
    number(&mut window, "Beams", "");
    assert!(!window.shows(why) && !window.shows("Length penalty"));
    assert_eq!(sampling(&mut fake, &mut window).beams, None);
}

#[test]
fn mirostat_takes_the_place_of_the_filters() {
    let (mut fake, mut window) = asked();
    number(&mut window, "Typical-p", "0.9");
    assert_eq!(sampling(&mut fake, &mut window).typical_p, Some(0.9));
    window.harness.get_by_role_and_label(Role::Switch, "Mirostat").click();
    window.run();
    let why = "Mirostat takes its place";
    // Top-p, top-k, min-p, typical-p.
    assert_eq!(window.harness.query_all_by_label(why).count(), 4);
    number(&mut window, "Target surprise", "3");
    assert_eq!(sampling(&mut fake, &mut window).mirostat, Some(MirostatSpec { tau: 3.0, eta: 0.1 }));
    // A preset is a whole.
    window.harness.get_by_label("Steady").scroll_to_me();
    window.run();
    window.click("Steady");
    let sampling = sampling(&mut fake, &mut window);
    assert_eq!((sampling.mirostat, sampling.typical_p), (None, None));
    assert!(window.shows("At temperature 0 nothing is drawn"), "it would have no say");
}

#[test]
fn the_panel_with_beams() {
    let mut all = SnapshotResults::new();
    let mut picture = |change: &dyn Fn(&mut SamplingSpec), zh: bool, name: &str| {
        let mut fake = glass();
        let mut start = chat_start(&fake);
        change(&mut start.settings.sampling);
        let start = if zh { light(chinese(start)) } else { start };
        let mut window = sized(&mut fake, start, 1280.0, 1500.0);
        window.click(if zh { "更多" } else { "More" });
        window.picture(&mut all, name);
    };
    let beams = |spec: &mut SamplingSpec| spec.beams = Some(BeamSpec::default());
    picture(&beams, false, "playground-sampling-beams");
    picture(&beams, true, "playground-sampling-beams-zh-light");
    let mirostat = |spec: &mut SamplingSpec| spec.mirostat = Some(MirostatSpec::default());
    picture(&mirostat, false, "playground-sampling-mirostat");
}
