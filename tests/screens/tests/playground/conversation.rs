//! Whole conversations by label and keyboard alone.

use super::fake::Fake;
use super::{chat_start, first_start, open};
use egui::{Key, Modifiers};
use glassworks_protocol::chat::{ChatKind, Role};
use glassworks_protocol::generate::Prompt;

#[test]
fn a_first_time_user_takes_the_suggestion_and_lets_it_go_on() {
    let mut fake = Fake { replies: [" again and again."].into(), ..Fake::default() };
    let mut window = open(&mut fake, first_start());
    assert!(window.shows("A model is ready, say something"));
    window.key(Modifiers::NONE, Key::Tab);
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    let spec = fake.last_generate();
    assert_eq!(spec.prompt, Prompt::Text("“Curiouser and curiouser!” cried Alice".into()));
    let keep = spec.keep.expect("kept");
    assert_eq!(keep.chat.kind, ChatKind::Completion);
    assert_eq!(keep.question.expect("a prompt").role, Role::Prompt);
    assert!(!window.shows("A model is ready, say something"), "the welcome has given way");
    // What was written stands in the text, and Ctrl+Enter goes on from its end.
    fake.replies.push_back(" The end.");
    window.key(Modifiers::COMMAND, Key::Enter);
    fake.answer(&mut window);
    let text = "“Curiouser and curiouser!” cried Alice again and again.";
    assert_eq!(fake.last_generate().prompt, Prompt::Text(text.into()));
}

#[test]
fn a_conversation_by_keyboard_alone() {
    let mut fake = Fake { replies: ["First.", "Second."].into(), ..Fake::default() };
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    window.key(Modifiers::COMMAND, Key::N);
    window.type_text("Hi");
    window.key(Modifiers::SHIFT, Key::Enter);
    window.type_text("there");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert!(window.shows("First."), "the reply is shown");
    let question = fake.last_generate().keep.and_then(|k| k.question).expect("a question");
    assert_eq!(question.text, "Hi\nthere");
    // Another version, and back to the first with the arrow keys.
    window.key(Modifiers::COMMAND, Key::R);
    fake.answer(&mut window);
    assert!(window.shows("Second.") && window.shows("Version 2 of 2"));
    window.key(Modifiers::NONE, Key::ArrowLeft);
    fake.answer(&mut window);
    assert!(window.shows("First.") && !window.shows("Second."));
}

#[test]
fn the_system_prompt_is_written_by_keyboard_alone() {
    let mut fake = Fake { replies: ["Yes."].into(), ..Fake::default() };
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    window.key(Modifiers::COMMAND, Key::N);
    window.key(Modifiers::COMMAND, Key::P);
    window.type_text("system prompt");
    window.key(Modifiers::NONE, Key::Enter);
    window.type_text("Be kind");
    window.key(Modifiers::NONE, Key::Escape);
    window.type_text("Hi");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    let Prompt::Chat { turns, .. } = fake.last_generate().prompt else { panic!("a chat") };
    let turns: Vec<_> = turns.iter().map(|t| (t.role.as_str(), t.content.as_str())).collect();
    assert_eq!(turns, [("system", "Be kind"), ("user", "Hi")]);
}

#[test]
fn what_covered_the_window_gives_the_keyboard_back() {
    let mut fake = Fake::default();
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    window.key(Modifiers::COMMAND, Key::N);
    for key in [Key::P, Key::O] {
        window.key(Modifiers::COMMAND, key);
        window.key(Modifiers::NONE, Key::Escape);
        window.type_text("a");
    }
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    let Prompt::Chat { turns, .. } = fake.last_generate().prompt else { panic!("a chat") };
    assert_eq!(turns[0].content, "aa");
}
