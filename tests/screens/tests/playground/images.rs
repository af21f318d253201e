//! What the playground looks like, beside its mockups.

use super::fake::{Fake, message};
use super::{chat_start, chinese, first_start, light, open};
use egui_kittest::SnapshotResults;
use glassworks_protocol::chat::{MessageStatus, Role};
use glassworks_tests_screens::{NOW_MS, Window};
use std::sync::Arc;

const DAY_MS: i64 = 86_400_000;
const ENGLISH: &str = "Explain to a ten-year-old why glass is transparent but sand is not. They are made of the same \
    stuff, aren’t they?";
pub const REPLY: &str = "Good question! Yes, both are made mostly of the same thing, called silica. The difference is what \
    light meets on the way. Inside glass, the tiny pieces are joined into one **smooth block**, so light goes straight \
    through. Sand is thousands of little grains, and each one is like a heap of tiny windows facing a different way. \
    The light bounces off in every direction, and so sand looks white and solid.";
const CODE: &str = "Here is a function that does it:\n\n```python\ndef transparent(material):\n    return \
    material.grains == 1\n```\n\nIt is called with:\n\n1. a material\n2. and `nothing` else\n\n> One pane, one grain.";

/// The conversation of the mockup, with older ones in the list.
pub fn glass() -> Fake {
    let mut fake = Fake::default();
    let id = fake.chat(
        "Why is glass transparent?",
        &[
            "先用一句中文说说：玻璃为什么是透明的？",
            "玻璃内部是连续的，光可以笔直穿过；沙子有无数个小表面，把光散向四面八方，所以看起来不透明。",
            ENGLISH,
            REPLY,
        ],
    );
    let question = fake.messages[2].id;
    for text in ["Glass is one piece.", "Sand scatters light."] {
        let sibling = message(id, Some(question), Role::Assistant, text);
        fake.messages.push(Arc::new(sibling));
    }
    for (days, title) in [
        (0, "Release notes, friendlier"),
        (0, "把这段话翻译成英文"),
        (1, "Tutor prompt, before and after tuning"),
        (1, "Refund e-mail, three tones"),
        (4, "Pronouns and the driver"),
        (30, "Haiku without the letter e"),
    ] {
        let id = fake.chat(title, &["Hello", "Hello to you"]);
        let chat = fake.chats.iter_mut().find(|c| c.id == id).expect("just made");
        chat.changed_at_ms = NOW_MS - days * DAY_MS;
    }
    fake
}

pub fn sized(
    fake: &mut Fake,
    start: glassworks_protocol::machine::StartReport,
    width: f32,
    height: f32,
) -> Window {
    let mut window = Window::sized(start, width, height, 1.0);
    fake.answer(&mut window);
    window
}

#[test]
fn first_launch() {
    let mut all = SnapshotResults::new();
    open(&mut Fake::default(), first_start()).picture(&mut all, "playground-first-launch");
    open(&mut Fake::default(), light(chinese(first_start())))
        .picture(&mut all, "playground-first-launch-zh-light");
}

#[test]
fn chat() {
    let mut all = SnapshotResults::new();
    let mut fake = glass();
    let start = chat_start(&fake);
    open(&mut fake, start.clone()).picture(&mut all, "playground-chat");
    open(&mut fake, light(chinese(start.clone()))).picture(&mut all, "playground-chat-zh-light");
    sized(&mut fake, start, 1024.0, 700.0).picture(&mut all, "playground-chat-narrow");
}

#[test]
fn page() {
    let mut all = SnapshotResults::new();
    let mut fake = Fake::default();
    fake.chat(
        "Code",
        &["How?", CODE, "And in words?", "<think>The person wants words.</think>So: one grain."],
    );
    let last = fake.messages.last_mut().map(Arc::make_mut).expect("a message");
    last.status = MessageStatus::Interrupted;
    let start = chat_start(&fake);
    open(&mut fake, start).picture(&mut all, "playground-page");
}

#[test]
fn completion() {
    let mut all = SnapshotResults::new();
    let mut fake = Fake { replies: [" She had never seen a rabbit with a watch."].into(), ..Fake::default() };
    let mut window = open(&mut fake, first_start());
    window.type_text("“Oh dear!” said the Rabbit.");
    window.key(egui::Modifiers::NONE, egui::Key::Enter);
    fake.answer(&mut window);
    window.picture(&mut all, "playground-completion");
}
