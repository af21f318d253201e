//! Replies as tokens: coloured, read one by one, and left for another way at any of them.

use super::actions::click_nth;
use super::fake::Fake;
use super::{chat_start, chinese, first_start, light, open};
use egui::{Key, Modifiers, Vec2, vec2};
use egui_kittest::SnapshotResults;
use glassworks_protocol::generate::{BranchSpec, Forced};
use glassworks_tests_screens::Window;

const REPLY: &str = "Good question! Sand is thousands of grains.";
/// Over the second token, " question!".
const SECOND: Vec2 = vec2(70.0, 12.0);

fn asked() -> (Fake, Window) {
    let mut fake = Fake::default();
    fake.chat("Glass", &["Why?", REPLY]);
    let start = chat_start(&fake);
    let window = open(&mut fake, start);
    (fake, window)
}

fn colour(window: &mut Window, by: &str) {
    window.click("Colour by: Nothing");
    window.click(by);
}

fn chips_of(text: &str) -> String {
    format!("Tokens of the reply: {text}")
}

/// What was asked instead of a token of the reply.
fn branch(fake: &Fake) -> BranchSpec {
    fake.last_generate().keep.and_then(|keep| keep.branch).expect("a branch")
}

#[test]
fn a_click_on_another_token_goes_on_from_it() {
    let (mut fake, mut window) = asked();
    assert!(!window.shows(&chips_of(REPLY)), "replies are pages until colours are asked for");
    colour(&mut window, "Surprisal");
    window.click_inside(&chips_of(REPLY), SECOND);
    assert!(window.shows("Choose one to branch here"));
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Choose one to branch here"));

    window.click_inside(&chips_of(REPLY), SECOND);
    fake.replies.push_back(" reflect.");
    window.click_part("·mirrors: model");
    fake.answer(&mut window);
    let branch = branch(&fake);
    assert_eq!(branch, BranchSpec { of: fake.messages[1].id, n_kept: 1, then: Forced::Token(1000) });
    assert!(window.shows("Version 2 of 2"));
    assert!(window.shows(&chips_of("Good reflect.")));
}

#[test]
fn another_model_reads_the_words_not_the_numbers() {
    let mut fake = Fake::default();
    fake.chat("Glass", &["Why?", REPLY]);
    let mut start = chat_start(&fake);
    std::sync::Arc::make_mut(&mut start.models[1]).card.content_hash = "cd".repeat(32);
    let mut window = open(&mut fake, start);
    colour(&mut window, "Surprisal");
    window.click_inside(&chips_of(REPLY), SECOND);
    window.click_part("·mirrors: model");
    fake.answer(&mut window);
    let expected =
        BranchSpec { of: fake.messages[1].id, n_kept: 0, then: Forced::Text("Good mirrors".into()) };
    assert_eq!(branch(&fake), expected);
}

#[test]
fn tokens_are_read_and_left_by_keyboard_alone() {
    let (mut fake, mut window) = asked();
    colour(&mut window, "Rank");
    window.focus(&chips_of(REPLY));
    for key in [Key::ArrowRight, Key::ArrowRight, Key::ArrowRight, Key::ArrowLeft, Key::Enter] {
        window.key(Modifiers::NONE, key);
    }
    assert!(window.shows_part("id 1 · rank"), "the second token has the mark");
    window.click("Other words");
    window.type_text(" answer");
    fake.replies.push_back("!");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    let expected = BranchSpec { of: fake.messages[1].id, n_kept: 1, then: Forced::Text(" answer".into()) };
    assert_eq!(branch(&fake), expected);
}

#[test]
fn an_edited_reply_can_go_on_at_once() {
    let (mut fake, mut window) = asked();
    click_nth(&mut window, "Edit", 1);
    window.type_text(" Mostly");
    fake.replies.push_back(" so.");
    window.click("Go on from this");
    fake.answer(&mut window);
    let branch = branch(&fake);
    assert_eq!((branch.n_kept, branch.then), (7, Forced::Text(" Mostly".into())));
}

#[test]
fn a_free_text_shows_its_tokens() {
    let mut fake = Fake { replies: [" She had never seen a rabbit with a watch."].into(), ..Fake::default() };
    let mut window = open(&mut fake, first_start());
    window.type_text("“Oh dear!”");
    window.key(Modifiers::COMMAND, Key::Enter);
    fake.answer(&mut window);
    colour(&mut window, "Surprisal");
    let mut all = SnapshotResults::new();
    window.picture(&mut all, "playground-chips-completion");
}

#[test]
fn the_least_sure_token_is_a_click_away() {
    let (_, mut window) = asked();
    window.click_part("” 4.60 bits");
    assert!(window.shows("Choose one to branch here") && window.shows(&chips_of(REPLY)));
}

/// Milliseconds of logic and layout are told, not judged: how busy the machine is, a test can't know.
#[test]
fn two_thousand_tokens_scroll() {
    let mut fake = Fake::default();
    let long = "The rain in Spain stays mainly in the plain, 玻璃 and all. ".repeat(160);
    fake.chat("Long", &["Why?", &long]);
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    colour(&mut window, "Surprisal");
    let n = fake.messages[1].reply.as_ref().expect("a reply").tokens.len();
    assert!(n > 2_000, "{n}");
    window.harness.event(egui::Event::PointerMoved(egui::pos2(720.0, 400.0)));
    let mut times: Vec<f64> = (0..40)
        .map(|_| {
            window.harness.event(egui::Event::MouseWheel {
                unit: egui::MouseWheelUnit::Point,
                delta: vec2(0.0, 40.0),
                phase: egui::TouchPhase::Move,
                source: egui::MouseWheelSource::Wheel,
                modifiers: Modifiers::NONE,
            });
            let begun = std::time::Instant::now();
            window.harness.step();
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    eprintln!("a frame: {:.2} ms with {n} coloured tokens", times[times.len() / 2]);
    assert!(window.shows_part("Tokens of the reply"));
}

#[test]
fn pictures_of_chips() {
    let mut all = SnapshotResults::new();
    let mut fake = super::images::glass();
    let start = chat_start(&fake);
    for (name, start) in [("", start.clone()), ("-zh-light", light(chinese(start.clone())))] {
        let mut window = open(&mut fake, start);
        let zh = !name.is_empty();
        window.click(if zh { "着色依据: 不着色" } else { "Colour by: Nothing" });
        window.click(if zh { "惊异度" } else { "Surprisal" });
        window.picture(&mut all, &format!("playground-chips{name}"));
        let reply = super::images::REPLY;
        let chips = if zh { format!("回复的词元：{reply}") } else { chips_of(reply) };
        window.click_inside(&chips, vec2(70.0, 60.0));
        window.picture(&mut all, &format!("playground-token{name}"));
    }
    let mut window = super::images::sized(&mut fake, start, 1024.0, 700.0);
    colour(&mut window, "Entropy");
    window.picture(&mut all, "playground-chips-narrow");
}
