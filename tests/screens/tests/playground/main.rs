//! The playground, by label, by keyboard and by image.

mod actions;
mod chips;
mod compare;
mod conversation;
mod delta;
mod fake;
mod images;
mod models;
mod sampling;
mod schema;
mod states;
mod tuned;

use fake::Fake;
use glassworks_protocol::machine::StartReport;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::Language;
use glassworks_tests_screens::{Window, fixtures};
use std::sync::Arc;

/// A first start with a starter that goes on with texts.
fn first_start() -> StartReport {
    let mut start = fixtures::start();
    let starter = Arc::make_mut(&mut start.models[0]);
    starter.card.description = Some("Goes on with what was begun".to_owned());
    starter.card.examples = vec![
        "“Curiouser and curiouser!” cried Alice".to_owned(),
        "“Oh dear!” said the".to_owned(),
        "Alice looked at the".to_owned(),
    ];
    start
}

/// A start with the chat model chosen, in a home that has `fake`'s chats.
fn chat_start(fake: &Fake) -> StartReport {
    let mut start = first_start();
    start.settings.last_model = Some(start.models[1].id);
    start.settings.last_chat = fake.chats.first().map(|c| c.id);
    start.chats = fake.summaries();
    start
}

fn chinese(mut start: StartReport) -> StartReport {
    start.settings.language = Some(Language::Chinese);
    start
}

fn light(mut start: StartReport) -> StartReport {
    start.settings.theme = ThemeChoice::Light;
    start
}

/// The window over a home with `fake`'s chats, everything it asked at the start answered.
fn open(fake: &mut Fake, start: StartReport) -> Window {
    let mut window = Window::new(start);
    fake.answer(&mut window);
    window
}
