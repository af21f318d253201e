//! Parts are switched off by hand or with the selection; what came of it stands side by side; a sweep ranks all heads.

use super::atlas::click_tile;
use super::fake::{ANIMAL, Fake, NARROW, WIDE};
use super::matrix::cell;
use super::reports;
use super::{english, map_of, press, said};
use egui::accesskit::Role;
use egui::{Key, Modifiers, vec2};
use egui_kittest::SnapshotResults;
use glassworks_protocol::inside::{Ablation, InsideJob, InsideOutput, InsidePartial, Instead, Part};
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Event, Failure, FailureKind, JobOutput, Outcome, Partial};
use glassworks_tests_screens::{Queryable, Window};

const NAME: &str = "Heads by layer";

pub fn view(window: &mut Window, words: &str) {
    window.harness.get_by_role_and_label(Role::RadioButton, words).click();
    window.run();
}

fn ablations(fake: &Fake) -> Vec<Ablation> {
    match &fake.asked.last().expect("asked").1 {
        InsideJob::Ablate(spec) => spec.ablations.clone(),
        InsideJob::Continue(spec) => spec.ablations.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_head_is_switched_off_from_the_inspector() {
    let mut fake = Fake::default();
    let mut window = english(&mut fake, ANIMAL);
    click_tile(&mut window, 1, 2, Modifiers::NONE);
    let at = cell(&window, &map_of(1, 2), 22, 8, 2);
    press(&mut window, at, Modifiers::NONE);
    window.harness.get_by_label("Compare with it off").scroll_to_me();
    window.run();
    view(&mut window, "Mean");
    window.click("Compare with it off");
    fake.answer(&mut window);
    let head = Part::Head { layer: 1, head: 2 };
    assert_eq!(ablations(&fake), [Ablation { part: head, instead: Instead::Mean }]);
    // The token after the picked one, and nothing is rounded twice.
    assert!(window.shows("“·it” after “·because”"));
    assert!(window.shows("−0.83 log p") && window.shows("0.000"));
    // Another head has not been asked about.
    click_tile(&mut window, 1, 3, Modifiers::NONE);
    assert!(!window.shows("−0.83 log p"));
    window.click("Side by side");
    assert!(window.shows("Switched off") && window.shows("With 1.2 off"));
}

#[test]
fn several_parts_are_switched_off_at_once() {
    let mut fake = Fake::default();
    let mut window = english(&mut fake, ANIMAL);
    click_tile(&mut window, 2, 5, Modifiers::NONE);
    let at = cell(&window, &map_of(2, 5), 22, 9, 2);
    press(&mut window, at, Modifiers::NONE);
    view(&mut window, "Ablate");
    window.click("Switch 2.5 off too");
    window.click("Switch 2.5  ·it ← ·animal off too");
    window.click("Switch 2: heads of kv 1 off too");
    window.click("Attention, MLP or layer");
    window.click("MLP 4");
    window.key(Modifiers::NONE, Key::Escape);
    view(&mut window, "Uniform");
    assert!(window.shows_part("What is no head is set to zero"));
    window.click("Switch 2: heads of kv 1 on again");
    window.click("Compare with it off");
    fake.answer(&mut window);
    let expected = [
        (Part::Head { layer: 2, head: 5 }, Instead::Uniform),
        (Part::Edge { layer: 2, head: 5, query: 9, key: 2 }, Instead::Zero),
        (Part::Mlp { layer: 4 }, Instead::Zero),
    ];
    assert_eq!(ablations(&fake), expected.map(|(part, instead)| Ablation { part, instead }));
    // Of the picked token all digits; others by keys.
    let capture = fake.capture.clone().expect("captured");
    let was = capture.read[8].logprob;
    let kl = 0.214f32 * 0.0 / 3.0;
    let words = format!("·it  log p {was} → {}  Δ −0.8300  KL before it {kl}", was - 0.83);
    assert!(window.shows(&words), "{words}");
    window.focus("Text: how much likelier each token is now");
    window.key(Modifiers::NONE, Key::ArrowRight);
    assert!(window.shows_part("·was  log p "));
    // As it was, now, and what has come up.
    assert!(window.shows("·The 31.2 % 20.1 % −11.1") && window.shows("·Finally – 9.0 % –"));
    assert!(window.shows("0.53 → −0.19"));
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
}

#[test]
fn both_ways_a_text_goes_on_stand_side_by_side() {
    let mut fake = Fake::default();
    let mut window = english(&mut fake, ANIMAL);
    view(&mut window, "Ablate");
    for (field, number) in [("Tokens to write", "12"), ("Seed of random tokens and of what is written", "7")]
    {
        window.focus(field);
        window.key(Modifiers::COMMAND, Key::A);
        window.type_text(number);
    }
    window.click("Write on");
    fake.answer(&mut window);
    let Some((_, InsideJob::Continue(spec))) = fake.asked.last() else { panic!("asked") };
    assert_eq!((spec.sampling.max_new_tokens, spec.sampling.seed), (12, Some(7)));
    assert!(window.shows("They part at token 4 · seed 7"));
    assert!(window.shows_part("As it was:  The driver waved to it"));
    assert!(window.shows_part("With it off:  The driver waved at the street"));
}

#[test]
fn a_sweep_ranks_heads_as_it_goes() {
    let mut fake = Fake { silent: true, ..Fake::default() };
    let mut window = english(&mut fake, ANIMAL);
    view(&mut window, "Ablate");
    window.click("Sweep all heads");
    fake.answer(&mut window);
    let (job, asked) = fake.asked.last().cloned().expect("asked");
    let InsideJob::Sweep(spec) = &asked else { panic!("a sweep") };
    assert_eq!((spec.position, spec.instead), (21, Instead::Zero), "the last token, as none is picked");
    assert!(window.shows("Switching heads off") && !window.shows("Largest effects"));
    for layer in 0..2 {
        let effects = reports::effects(layer, 9);
        let partial = InsidePartial::Swept { layer, effects };
        window.tell(Event::Partial(job, Partial::Inside(partial)));
    }
    assert!(window.shows("1.2 −0.830") && !window.shows("2.5 +0.410"));
    assert!(!window.shows_part("largest effect of"), "not before all are there");
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::Inside(reports::answer(&asked)))));
    assert!(window.shows("2.5 +0.410"));
    window.click("1.2 −0.830");
    assert!(window.shows("Largest effect of 54"));
    window.click("2.5 +0.410");
    assert!(window.shows("2nd largest effect of 54"));
    let at = window.harness.get_by_label("2nd largest effect of 54").rect().center();
    super::hover(&mut window, at);
    assert!(window.shows("+0.4100 log p\n“·The” after “.”, each head in turn: Zero"));
    assert!(said(&window, NAME).ends_with("Effect when off +0.4100 log p"));
    // By its effect the first tile is the one with the largest.
    window.click("Order: Layer order");
    window.click("Effect when off");
    let first = window.harness.get_by_label(NAME).rect().min + vec2(44.0, 14.0);
    press(&mut window, first, Modifiers::NONE);
    assert!(window.shows("Largest effect of 54") && window.shows("Layer 1, head 2"));
}

#[test]
fn a_sweep_that_is_stopped_keeps_what_came() {
    let mut fake = Fake { silent: true, ..Fake::default() };
    let mut window = english(&mut fake, ANIMAL);
    view(&mut window, "Ablate");
    window.click("Sweep all heads");
    fake.answer(&mut window);
    let (job, _) = fake.asked.last().cloned().expect("asked");
    let partial = InsidePartial::Swept { layer: 0, effects: reports::effects(0, 9) };
    window.tell(Event::Partial(job, Partial::Inside(partial)));
    window.click("Stop: Switching heads off");
    fake.answer(&mut window);
    assert_eq!(fake.cancelled, [job]);
    assert!(window.shows("Largest effects") && window.shows("Try again"));
    assert!(!window.shows_part("largest effect of"), "of some heads nothing is known");
}

#[test]
fn heads_are_chosen_in_the_scatter() {
    let mut fake = Fake::default();
    let mut window = english(&mut fake, ANIMAL);
    view(&mut window, "Ablate");
    window.click("Sweep all heads");
    fake.answer(&mut window);
    let scatter = "Heads by what they tend to do and what switching them off did";
    window.click("What heads tend to do: Induction");
    window.click("First token");
    window.click("1.2 −0.830");
    assert!(said(&window, scatter).starts_with("1.2\nFirst token 0."));
    assert!(said(&window, scatter).ends_with("−0.8300 log p"));
    // Its place: by its score from the left, at the lower end.
    let score = fake.capture.as_ref().expect("captured").layer(1).expect("layer").scores[2].sink;
    window.click("2.5 +0.410");
    let rect = window.harness.get_by_label(scatter).rect();
    let x = 44.0 + (rect.width() - 52.0) * score;
    press(&mut window, rect.min + vec2(x, rect.height() - 20.0), Modifiers::NONE);
    assert!(said(&window, scatter).starts_with("1.2\n"));
    window.key(Modifiers::NONE, Key::ArrowRight);
    assert!(!said(&window, scatter).starts_with("1.2\n"));
}

#[test]
fn states_of_what_is_asked() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        let mut fake = Fake { silent: true, ..Fake::default() };
        let mut window = fake.looked(ANIMAL, language, ThemeChoice::Dark, WIDE);
        view(&mut window, &say("inside.ablate"));
        window.click(&say("inside.compare_off"));
        fake.answer(&mut window);
        assert!(window.shows(&say("inside.switching_off")));
        window.click(&language.format("shell.stop_job", &[("name", &say("inside.switching_off"))]));
        fake.answer(&mut window);
        assert!(window.shows(&say("inside.not_there")));
        window.click(&say("inside.again"));
        fake.answer(&mut window);
        let (job, asked) = fake.asked.last().cloned().expect("asked again");
        let failure = Failure::new(FailureKind::Input, Text::new("failure.inside_part"));
        window.tell(Event::Settled(job, Outcome::Failed(failure)));
        assert!(window.shows(&say("failure.inside_part")));
        window.click(&say("inside.again"));
        fake.answer(&mut window);
        let (job, _) = fake.asked.last().cloned().expect("and again");
        let output: InsideOutput = reports::answer(&asked);
        window.tell(Event::Settled(job, Outcome::Done(JobOutput::Inside(output))));
        assert!(window.shows(&say("inside.next_token")) || window.shows(&say("inside.in_numbers")));
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    }
}

/// A head off, a text written on, all swept.
fn all_asked(fake: &mut Fake, language: Language, theme: ThemeChoice, size: (f32, f32)) -> Window {
    let mut window = fake.looked(ANIMAL, language, theme, size);
    let say = |key: &str| language.get(key).to_owned();
    view(&mut window, &say("inside.ablate"));
    window.click(&say("inside.compare_off"));
    window.click(&say("inside.write_on"));
    fake.answer(&mut window);
    window
}

#[test]
fn how_switching_off_looks() {
    let mut all = SnapshotResults::new();
    let recipe = super::images::starter();
    let mut fake = Fake { recipe, ..Fake::default() };
    let mut window = all_asked(&mut fake, Language::English, ThemeChoice::Dark, WIDE);
    window.picture(&mut all, "inside-ablate");
    window.click("Sweep all heads");
    fake.answer(&mut window);
    window.harness.get_by_label("Largest effects").scroll_to_me();
    window.run();
    window.picture(&mut all, "inside-sweep");
    view(&mut window, "Matrix");
    click_tile(&mut window, 2, 5, Modifiers::NONE);
    window.click("Compare with it off");
    fake.answer(&mut window);
    window.harness.get_by_label("Compare with it off").scroll_to_me();
    window.run();
    window.picture(&mut all, "inside-switch");
    let mut window = all_asked(&mut fake, Language::English, ThemeChoice::Light, WIDE);
    window.picture(&mut all, "inside-ablate-light");
    let mut window = all_asked(&mut fake, Language::Chinese, ThemeChoice::Dark, NARROW);
    window.picture(&mut all, "inside-ablate-narrow-zh");
}
