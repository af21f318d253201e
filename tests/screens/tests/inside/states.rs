//! What the pane says before, while and after a text is looked into; what it asks; what it keeps.

use super::fake::{ANIMAL, Fake, NARROW, WIDE};
use super::{english, map_of};
use egui::{Key, Modifiers};
use glassworks_protocol::generate::{ModelSource, Prompt};
use glassworks_protocol::inside::{InsideJob, InsidePartial, Subject};
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Command, Event, Failure, FailureKind, JobSpec, Outcome, Partial};
use glassworks_tests_screens::{NodeT, Queryable, Window, fixtures};
use std::sync::Arc;

#[test]
fn four_states_in_both_languages() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        // Empty.
        let mut fake = Fake { until: Some(0), ..Fake::default() };
        let mut window = fake.open(language, ThemeChoice::Dark, WIDE);
        assert!(window.shows(&say("inside.form_title")));
        window.click(&say("inside.try_pronoun"));
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
        // Working, before the first layer and after it.
        window.run();
        fake.answer(&mut window);
        window.click(&say("inside.start"));
        fake.answer(&mut window);
        assert!(window.shows_part(&language.format("inside.reading", &[("text", &"The animal")])[..12]));
        let (job, spec) = fake.captures.pop().expect("started");
        let Subject::Text { prompt: Prompt::Text(text), reply, .. } = &spec.subject else { panic!("a text") };
        assert_eq!((text.as_str(), reply.len()), (ANIMAL, 0));
        let layer = super::made::layer(&fake.capture.clone().expect("begun").tokens, 0, &fake.recipe);
        window.tell(Event::Partial(job, Partial::Inside(InsidePartial::Layer(Arc::new(layer)))));
        assert!(window.shows(&language.format("inside.layers_through", &[("n", &1), ("all", &6)])));
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
        // Failed.
        let text = Text::new("failure.memory").arg("what", "x").arg("needed", "12.4").arg("free", "9.6");
        let failure = Failure::new(FailureKind::Memory, text).hint(Text::new("failure.memory_hint"));
        window.tell(Event::Settled(job, Outcome::Failed(failure)));
        assert!(window.shows(&say("failure.memory_hint")));
        window.click(&say("inside.change"));
        assert!(window.shows(&say("inside.form_title")));
        // Ready.
        fake.until = None;
        window.click(&say("inside.start"));
        fake.answer(&mut window);
        let size = format!("{:.0} KiB", fake.capture.clone().expect("done").size_bytes as f64 / 1024.0);
        let args: [(&str, &dyn std::fmt::Display); 3] = [("n", &22), ("secs", &"0.42"), ("size", &size)];
        assert!(window.shows(&language.format("inside.captured", &args)));
        assert!(window.shows(&say("inside.exact")));
        for view in ["inside.lines", "inside.text", "inside.matrix"] {
            window.harness.get_by_role_and_label(egui::accesskit::Role::RadioButton, &say(view)).click();
            window.run();
            assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
        }
    }
}

#[test]
fn a_start_is_stopped_and_what_came_stays() {
    let mut fake = Fake { until: Some(2), ..Fake::default() };
    let mut window = english(&mut fake, ANIMAL);
    assert!(window.shows("2 / 6 layers") && window.shows(&map_of(0, 0)));
    window.click("Stop");
    fake.answer(&mut window);
    assert_eq!(fake.cancelled, [fake.captures[0].0]);
    assert!(window.shows("Stopped: not all layers are here") && window.shows(&map_of(0, 0)));
}

#[test]
fn layers_and_memory_are_chosen_before() {
    let mut fake = Fake::default();
    let mut window = fake.open(Language::English, ThemeChoice::Dark, WIDE);
    window.focus("Text to look into");
    window.type_text(ANIMAL);
    fake.answer(&mut window);
    assert!(window.shows_part("22 tokens: about"), "as the model's tokenizer counts");
    window.click("Layers and memory");
    window.click("A range");
    window.focus("First layer");
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("3");
    window.focus("Last layer");
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("7");
    window.focus("Memory at most, GiB");
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("0.5");
    window.key(Modifiers::NONE, Key::Escape);
    window.click("Look inside");
    fake.answer(&mut window);
    let plan = &fake.captures[0].1.plan;
    assert_eq!(plan.layers, Some((3..8).collect()));
    assert_eq!((plan.budget_bytes, plan.maps), (1 << 29, true));
}

#[test]
fn another_model_reads_the_same_text_and_what_only_runs_does_not() {
    let mut start = fixtures::start_on("attention");
    let only = fixtures::run_only("Phi", "phi3");
    start.models.push(Arc::clone(&only));
    let ids: Vec<_> = start.models.iter().map(|model| model.id).collect();
    let mut fake = Fake::default();
    let mut window = fake.open_with(start.clone(), WIDE);
    fake.look(&mut window, ANIMAL, Language::English);
    assert_eq!(fake.captures[0].1.model, ModelSource::Library(ids[0]), "the starter");
    window.click("Model: Starter");
    window.click("Phi");
    fake.answer(&mut window);
    assert_eq!(fake.captures.len(), 1, "it is not started");
    let why = Language::English.format("model.runs_only_tip", &[("architecture", &"phi3")]);
    assert!(window.shows(&why));
    window.click("Back to the map");
    window.click("Model: Phi");
    window.click("SmolLM2-135M-Instruct");
    fake.answer(&mut window);
    assert_eq!(fake.captures[1].1.model, ModelSource::Library(ids[1]));
    assert_eq!(fake.captures[1].1.subject, fake.captures[0].1.subject);
    // Alone, it is named with the reason.
    start.models = vec![only];
    start.starter = None;
    let mut window = fake.open_with(start, WIDE);
    window.focus("Text to look into");
    window.type_text(ANIMAL);
    assert!(window.shows(&Language::English.format("model.runs_only_tip", &[("architecture", &"phi3")])));
    window.click("Look inside");
    assert!(
        !window
            .commands()
            .iter()
            .any(|one| matches!(one, Command::Start(_, JobSpec::Inside(InsideJob::Capture(_)))))
    );
}

#[test]
fn text_view_and_selection_are_there_again() {
    let mut fake = Fake::default();
    let mut window = english(&mut fake, ANIMAL);
    super::atlas::click_tile(&mut window, 2, 5, Modifiers::NONE);
    window.harness.get_by_role_and_label(egui::accesskit::Role::RadioButton, "Lines").click();
    window.run();
    window.harness.state_mut().save();
    let mut start = fixtures::start_on("attention");
    start.settings = (*window.harness.state().model().settings).clone();
    let mut window = fake.open_with(start, WIDE);
    let field = window.harness.get_by_label("Text to look into");
    assert_eq!(field.accesskit_node().value().as_deref(), Some(ANIMAL));
    window.click("Look inside");
    fake.answer(&mut window);
    assert!(window.shows("Layer 2, head 5") && window.shows_part(", reads, 9"));
}

#[test]
fn in_a_narrow_window_atlas_and_inspector_are_a_press_away() {
    let mut fake = Fake::default();
    let mut window: Window = fake.looked(ANIMAL, Language::English, ThemeChoice::Dark, NARROW);
    assert!(!window.shows("Heads by layer") && !window.shows("What it tends to do"));
    assert!(window.shows("Gamma"), "the legend is always in sight");
    window.click("Atlas of heads");
    assert!(window.shows("Heads by layer"));
    window.key(Modifiers::NONE, Key::Escape);
    window.click("Head inspector");
    assert!(window.shows("What it tends to do"));
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("What it tends to do"));
    window.key(Modifiers::COMMAND, Key::I);
    assert!(window.shows("What it tends to do"));
}
