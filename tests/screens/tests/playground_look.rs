//! Scratch.
#[expect(dead_code, reason = "the other tests of the playground ask it for more")]
#[path = "playground/fake.rs"]
mod fake;
use egui::{Key, Modifiers};
use fake::Fake;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::*;
use glassworks_tests_screens::{Queryable, Window, fixtures};
use std::sync::Arc;

fn shot(w: &mut Window, name: &str) {
    w.run();
    let img = w.harness.render().expect("render");
    img.save(format!("/tmp/look/{name}.png")).expect("save");
}
fn base() -> glassworks_protocol::machine::StartReport {
    let mut start = fixtures::start();
    let starter = Arc::make_mut(&mut start.models[0]);
    starter.card.description = Some("Tiny demo model: writes Carroll-like nonsense".to_owned());
    starter.card.examples = vec![
        "“Curiouser and curiouser!” cried Alice".to_owned(),
        "“Oh dear!” said the".to_owned(),
        "Alice looked at the".to_owned(),
    ];
    start
}
fn glass(fake: &mut Fake) -> glassworks_protocol::machine::StartReport {
    fake.chat(
        "Why is glass transparent?",
        &[
            "Why is glass clear?",
            "Light passes straight through it.",
            "And sand?",
            "It scatters the light in every direction because each grain is a window of its own.",
        ],
    );
    fake.chat("Release notes", &["Hello", "Hi"]);
    let mut start = base();
    start.settings.last_model = Some(start.models[1].id);
    start.settings.last_chat = fake.chats.first().map(|c| c.id);
    start.chats = fake.summaries();
    start
}
#[test]
fn look() {
    let mut fake = Fake::default();
    let start = glass(&mut fake);
    let mut w = Window::new(start.clone());
    fake.answer(&mut w);
    w.type_text("Explain more, please");
    w.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut w);
    let job = fake.open.as_ref().expect("open").0;
    w.tell(Event::Progress(
        job,
        Progress {
            stage: Text::new("job.loading_weights").arg("name", "SmolLM2"),
            done: 30_000_000,
            total: Some(98_000_000),
            unit: Unit::Bytes,
            per_sec: Some(9.0e7),
        },
    ));
    shot(&mut w, "waiting");
    fake.write(&mut w, "Each grain of sand is **tiny**, and");
    shot(&mut w, "streaming");
    w.key(Modifiers::NONE, Key::Escape);
    fake.answer(&mut w);
    w.harness.get_by_label_contains("Model: Smol").click();
    shot(&mut w, "models");
    w.key(Modifiers::NONE, Key::Escape);
    w.key(Modifiers::COMMAND, Key::O);
    w.type_text("/models/broken.gguf");
    w.host.borrow_mut().later_ms = 1000;
    let describe = w.commands().into_iter().find_map(|c| match c {
        Command::Start(id, JobSpec::DescribeModel { .. }) => Some(id),
        _ => None,
    });
    if let Some(id) = describe {
        shot(&mut w, "open-looking");
        w.tell(Event::Settled(
            id,
            Outcome::Failed(
                Failure::new(FailureKind::Input, Text::new("failure.gguf_magic"))
                    .hint(Text::new("failure.gguf_magic_hint"))
                    .detail("magic"),
            ),
        ));
        shot(&mut w, "open-failed");
    }
    w.key(Modifiers::COMMAND, Key::A);
    w.type_text("/models/good.gguf");
    w.host.borrow_mut().later_ms = 2000;
    let describe = w.commands().into_iter().find_map(|c| match c {
        Command::Start(id, JobSpec::DescribeModel { .. }) => Some(id),
        _ => None,
    });
    if let Some(id) = describe {
        w.tell(Event::Settled(
            id,
            Outcome::Done(JobOutput::ModelDescribed(Arc::new(start.models[1].card.clone()))),
        ));
        shot(&mut w, "open-good");
    }
    w.key(Modifiers::NONE, Key::Escape);
    w.click("System prompt");
    shot(&mut w, "options");
    w.click("Show exactly what the model is given");
    fake.answer(&mut w);
    shot(&mut w, "preview");
    w.key(Modifiers::NONE, Key::Escape);
    w.click("Show as command line");
    shot(&mut w, "command");
    w.key(Modifiers::NONE, Key::Escape);
    w.click("More for Why is glass transparent?");
    shot(&mut w, "rowmenu");
    w.click("Export…");
    shot(&mut w, "export");
    w.key(Modifiers::NONE, Key::Escape);
    w.harness.get_all_by_label("Edit").nth(1).expect("edit").click();
    shot(&mut w, "edit");
    w.key(Modifiers::NONE, Key::Escape);
    w.key(Modifiers::COMMAND, Key::N);
    shot(&mut w, "empty");
    w.click("Completion");
    shot(&mut w, "empty-completion");
}
#[test]
fn narrow() {
    let mut fake = Fake::default();
    let mut start = glass(&mut fake);
    start.settings.language = Some(Language::Chinese);
    start.settings.theme = ThemeChoice::Light;
    let mut w = Window::sized(start, 1024.0, 700.0, 1.0);
    fake.answer(&mut w);
    w.key(Modifiers::COMMAND, Key::I);
    shot(&mut w, "narrow-drawer");
    w.key(Modifiers::NONE, Key::Escape);
    w.harness.get_by_label_contains("对话，当前").click();
    shot(&mut w, "narrow-list");
    let mut fake = Fake::default();
    let mut w = Window::sized(base(), 1024.0, 700.0, 2.0);
    fake.answer(&mut w);
    shot(&mut w, "narrow-welcome");
}
