//! The playground's four states, in both languages: nothing yet, at work, gone wrong, and done.

use super::fake::Fake;
use super::{chat_start, first_start, open};
use egui::{Key, Modifiers};
use glassworks_protocol::chat::MessageStatus;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Command, Event, Failure, FailureKind, JobSpec, Outcome, Progress, Unit};
use glassworks_tests_screens::Window;

/// What is shown in `language`, by key.
struct Said<'a>(&'a Window, Language);

impl Said<'_> {
    fn has(&self, key: &str) {
        let words = self.1.get(key);
        assert!(self.0.shows(words), "{key}: {words}");
    }

    fn lacks(&self, key: &str) {
        assert!(!self.0.shows(self.1.get(key)), "{key}");
    }
}

#[test]
fn empty() {
    for language in Language::ALL {
        let mut start = first_start();
        start.settings.language = Some(language);
        let window = open(&mut Fake::default(), start.clone());
        let said = Said(&window, language);
        for key in
            ["playground.welcome", "playground.start_with", "playground.open_model", "playground.promise"]
        {
            said.has(key);
        }
        assert!(window.shows_part(language.get("playground.starter_label")));

        start.settings.last_model = Some(start.models[1].id);
        let mut window = open(&mut Fake::default(), start.clone());
        window.key(Modifiers::COMMAND, Key::N);
        let ask = language.format("playground.empty_chat", &[("name", &"SmolLM2-135M-Instruct")]);
        assert!(window.shows(&ask));
        Said(&window, language).has("playground.no_chats");

        start.models.clear();
        start.starter = None;
        let mut window = open(&mut Fake::default(), start);
        Said(&window, language).has("playground.no_model");
        window.click(language.get("playground.no_model_sentence"));
    }
}

#[test]
fn at_work() {
    for language in Language::ALL {
        let mut fake = Fake::default();
        let mut start = chat_start(&fake);
        start.settings.language = Some(language);
        let mut window = open(&mut fake, start);
        window.key(Modifiers::COMMAND, Key::N);
        window.type_text("Hi");
        window.key(Modifiers::NONE, Key::Enter);
        fake.answer(&mut window);
        let said = Said(&window, language);
        said.has("playground.waiting");
        said.has("shell.stop");
        said.lacks("playground.send");
        let job = fake.open.as_ref().expect("a reply has begun").0;
        let stage = Text::new("job.reading_prompt");
        let progress = Progress {
            stage: stage.clone(),
            done: 256,
            total: Some(1000),
            unit: Unit::Tokens,
            per_sec: Some(100.0),
        };
        window.tell(Event::Progress(job, progress));
        assert!(window.shows(&language.render(&stage)));
        assert!(window.shows_part("256 / 1,000"));
        fake.write(&mut window, "Words as they come");
        assert!(window.shows_part("Words as they come"));
        Said(&window, language).lacks("playground.waiting");
        window.key(Modifiers::NONE, Key::Escape);
        fake.answer(&mut window);
        Said(&window, language).has("playground.stopped");
        Said(&window, language).has("playground.continue");
    }
}

#[test]
fn gone_wrong() {
    let failure = Failure::new(FailureKind::Memory, Text::new("failure.disk_full"))
        .hint(Text::new("failure.disk_full_hint"))
        .detail("os error 28");
    for language in Language::ALL {
        let mut fake = Fake::default();
        fake.chat("Glass", &["Why?", "So."]);
        let mut start = chat_start(&fake);
        start.settings.language = Some(language);
        let mut window = Window::new(start.clone());
        let load = |c: &Command| match c {
            Command::Start(job, JobSpec::LoadModel(_)) => Some(*job),
            _ => None,
        };
        let load = window.commands().iter().find_map(load).expect("the model is loaded at the start");
        window.tell(Event::Settled(load, Outcome::Failed(failure.clone())));
        let said = Said(&window, language);
        said.has("failure.disk_full");
        said.has("failure.disk_full_hint");
        said.has("playground.try_again");
        assert!(!window.shows_part("os error 28"), "details are folded");

        // A reply that failed in an earlier run.
        let last = fake.messages.last_mut().map(std::sync::Arc::make_mut).expect("a message");
        last.status = MessageStatus::Failed;
        let window = open(&mut fake, start);
        Said(&window, language).has("playground.failed");
        Said(&window, language).has("playground.again");
    }
}

#[test]
fn done() {
    for language in Language::ALL {
        let mut fake = Fake { replies: ["Because."].into(), ..Fake::default() };
        let mut start = chat_start(&fake);
        start.settings.language = Some(language);
        let mut window = open(&mut fake, start);
        window.key(Modifiers::COMMAND, Key::N);
        window.type_text("Why?");
        window.key(Modifiers::NONE, Key::Enter);
        fake.answer(&mut window);
        assert!(window.shows("Because."));
        let said = Said(&window, language);
        for key in
            ["playground.copy", "playground.again", "playground.edit", "playground.remove", "playground.send"]
        {
            said.has(key);
        }
        for key in ["playground.waiting", "playground.failed", "playground.continue"] {
            said.lacks(key);
        }
        assert!(window.shows_part(&language.format("playground.stat_speed", &[("n", &"39.8")])));
    }
}
