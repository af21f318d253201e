//! Choosing, opening and losing models; sampling; documents of a kind; long conversations.

use super::fake::Fake;
use super::{chat_start, first_start, open};
use egui::{Key, Modifiers};
use glassworks_protocol::chat::ChatKind;
use glassworks_protocol::generate::{ModelSource, SamplingPreset};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Command, Edit, Event, Failure, FailureKind, JobOutput, JobSpec, Outcome, Query};
use glassworks_tests_screens::{Queryable, fixtures};
use std::path::PathBuf;
use std::sync::Arc;

fn job_of(commands: &[Command], wanted: impl Fn(&JobSpec) -> bool) -> glassworks_protocol::ids::JobId {
    let job = |c: &Command| match c {
        Command::Start(id, spec) if wanted(spec) => Some(*id),
        _ => None,
    };
    commands.iter().rev().find_map(job).expect("such a job")
}

#[test]
fn a_typed_path_is_looked_at_added_and_used() {
    let mut fake = Fake::default();
    let mut window = open(&mut fake, first_start());
    window.key(Modifiers::COMMAND, Key::O);
    window.type_text("/models/new.gguf");
    window.host.borrow_mut().later_ms = 1000;
    let commands = window.commands();
    let describe = job_of(&commands, |s| matches!(s, JobSpec::DescribeModel { .. }));
    let failure = Failure::new(FailureKind::Input, Text::new("shell.engine_ended"));
    window.tell(Event::Settled(describe, Outcome::Failed(failure.clone())));
    assert!(window.shows("The engine has ended"), "what is wrong with it is said");
    window.key(Modifiers::NONE, Key::Enter);
    let commands = window.commands();
    let import = job_of(
        &commands,
        |s| matches!(s, JobSpec::ImportModel { path } if path.as_os_str() == "/models/new.gguf"),
    );
    let record = fixtures::model("New", false);
    window.tell(Event::Settled(import, Outcome::Done(JobOutput::ModelImported(Arc::clone(&record)))));
    let commands = window.commands();
    job_of(&commands, |s| *s == JobSpec::LoadModel(ModelSource::Library(record.id)));
    assert!(window.shows_part("Model: New") && window.shows("New is in the library"));
}

#[test]
fn a_failed_import_is_shown_once_and_can_be_closed() {
    let mut window = open(&mut Fake::default(), first_start());
    window.key(Modifiers::COMMAND, Key::O);
    window.type_text("/models/bad");
    window.key(Modifiers::NONE, Key::Enter);
    let import = job_of(&window.commands(), |s| matches!(s, JobSpec::ImportModel { .. }));
    let failure = Failure::new(FailureKind::Input, Text::new("shell.engine_ended"));
    window.tell(Event::Settled(import, Outcome::Failed(failure)));
    assert!(window.shows("Open a model") && window.shows("The engine has ended"));
    window.click("Cancel");
    window.run();
    assert!(!window.shows("Open a model"), "it stays closed");
}

#[test]
fn a_model_that_cannot_be_loaded_says_why_and_tries_again() {
    let start = chat_start(&Fake::default());
    let mut window = open(&mut Fake::default(), start);
    window.key(Modifiers::COMMAND, Key::N);
    window.harness.get_by_label_contains("Model: SmolLM2").click();
    window.run();
    window.click("Starter");
    let load = job_of(&window.commands(), |s| matches!(s, JobSpec::LoadModel(_)));
    let failure = Failure::new(FailureKind::Memory, Text::new("shell.engine_ended"));
    window.tell(Event::Settled(load, Outcome::Failed(failure)));
    assert!(window.shows("The engine has ended"));
    window.click("Try again");
    job_of(&window.commands(), |s| matches!(s, JobSpec::LoadModel(_)));
}

#[test]
fn the_model_of_the_last_run_is_brought_into_memory_at_the_start() {
    let mut fake = Fake::default();
    fake.chat("Glass", &["Why?", "So."]);
    let mut start = chat_start(&fake);
    let model = start.models[1].id;
    start.settings.last_model = None;
    let kept = serde_json::json!({ "chat": fake.chats[0].id, "model": model });
    start.settings.layout =
        Some(serde_json::json!({ "slots": ["playground"], "panes": { "0/playground": kept } }));
    let mut window = open(&mut fake, start);
    let loads = |c: &Command| matches!(c, Command::Start(_, s) if *s == JobSpec::LoadModel(ModelSource::Library(model)));
    assert_eq!(fake.asked.iter().filter(|c| loads(c)).count(), 1);
    window.type_text("And?");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert_eq!(fake.last_generate().model, ModelSource::Library(model), "the keyboard is in the composer");
}

#[test]
fn models_are_renamed_and_removed() {
    let fake = Fake::default();
    let mut window = open(&mut Fake::default(), chat_start(&fake));
    window.key(Modifiers::COMMAND, Key::N);
    window.harness.get_by_label_contains("Model: SmolLM2").click();
    window.run();
    window.click("Rename SmolLM2-135M-Instruct");
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("Small");
    window.key(Modifiers::NONE, Key::Enter);
    let renamed =
        |c: &Command| matches!(c, Command::Edit(_, Edit::RenameModel { name, .. }) if name == "Small");
    assert!(window.commands().iter().any(renamed));
    if !window.shows("Remove Small from the library") {
        window.harness.get_by_label_contains("Model: Small").click();
        window.run();
    }
    window.click("Remove Small from the library");
    assert!(window.commands().iter().any(|c| matches!(c, Command::Edit(_, Edit::RemoveModel(_)))));
    assert!(window.shows_part("Model: Starter"), "another one takes its place");
}

#[test]
fn presets_and_numbers_are_what_is_asked_for() {
    let mut fake = Fake::default();
    fake.chat("Glass", &["Why?", "So."]);
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    window.click("Steady");
    window.click("Fix the seed");
    window.click("Message");
    window.type_text("And?");
    fake.replies.push_back("Yes.");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    let sampling = fake.last_generate().sampling;
    assert_eq!(SamplingPreset::of(&sampling), Some(SamplingPreset::Steady));
    assert!(sampling.seed.is_some());
    window.click("Show as command line");
    assert!(window.shows_part("glassworks generate --model") && window.shows_part("--seed"));
}

#[test]
fn the_kind_of_document_follows_the_model_and_can_be_switched() {
    let fake = Fake::default();
    let mut window = open(&mut Fake::default(), chat_start(&fake));
    window.key(Modifiers::COMMAND, Key::N);
    assert!(window.shows("Ask SmolLM2-135M-Instruct something"));
    window.click("Completion");
    assert!(window.shows("Text"), "the text of a completion");
    let mut fake = Fake { replies: [" there"].into(), ..Fake::default() };
    window.type_text("Hello");
    window.key(Modifiers::COMMAND, Key::Enter);
    fake.answer(&mut window);
    assert_eq!(fake.last_generate().keep.expect("kept").chat.kind, ChatKind::Completion);
}

#[test]
fn the_system_prompt_and_its_template_go_along() {
    let mut fake = Fake::default();
    fake.chat("Glass", &["Why?", "So."]);
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    window.click("System prompt");
    window.harness.get_by_role_and_label(egui::accesskit::Role::MultilineTextInput, "System prompt").focus();
    window.run();
    window.type_text("Be brief");
    window.click("Show exactly what the model is given");
    fake.answer(&mut window);
    assert!(window.shows_part("<|im_start|>user"));
    window.key(Modifiers::NONE, Key::Escape);
    fake.answer(&mut window);
    let set =
        |c: &Command| matches!(c, Command::Edit(_, Edit::SetSystemPrompt { text, .. }) if text == "Be brief");
    assert_eq!(fake.asked.iter().filter(|c| set(c)).count(), 1, "one edit, not one a key");
}

#[test]
fn chats_go_out_and_come_in_by_typed_paths() {
    let mut fake = Fake::default();
    let id = fake.chat("Glass", &["Why?", "So."]);
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    window.click("More for Glass");
    window.click("Export…");
    window.click("JSON");
    window.harness.get_by_role_and_label(egui::accesskit::Role::TextInput, "Or type a path").focus();
    window.run();
    window.type_text("~/glass");
    window.click("Export");
    let commands = window.commands();
    let to = PathBuf::from("/home/ada/glass.json");
    let asked =
        |s: &JobSpec| matches!(s, JobSpec::ExportChats(s) if s.chats == [id] && s.to == to && !s.replace);
    let job = job_of(&commands, asked);
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::ChatsExported { to: to.clone(), n_chats: 1 })));
    window.click("Show");
    assert_eq!(window.host.borrow().revealed, [to]);
    // What is wrong is read in the dialog, and not said again when that is left.
    window.click("More for Glass");
    window.click("Export…");
    window.type_text("~/glass.md");
    window.key(Modifiers::NONE, Key::Enter);
    let job = job_of(&window.commands(), |s| matches!(s, JobSpec::ExportChats(_)));
    let failure = Failure::new(FailureKind::Input, Text::new("failure.disk_full"));
    window.tell(Event::Settled(job, Outcome::Failed(failure)));
    assert!(window.shows("The disk is full"));
    window.key(Modifiers::NONE, Key::Escape);
    window.run();
    assert!(!window.shows("The disk is full") && !window.shows("Export chats"));
    window.click("More for chats");
    window.click("Import chats…");
    window.type_text("/tmp/glass.json");
    window.key(Modifiers::NONE, Key::Enter);
    let job = job_of(&window.commands(), |s| matches!(s, JobSpec::ImportChats { .. }));
    let output = JobOutput::ChatsImported { chats: vec![id], problems: Vec::new() };
    window.tell(Event::Settled(job, Outcome::Done(output)));
    assert!(window.shows("Chats imported: 1"));
}

#[test]
fn a_long_conversation_draws_what_is_near_and_stays_where_it_is_read() {
    let mut fake = Fake::default();
    let turns: Vec<String> = (0..500).map(|i| format!("Turn {i} of a long conversation")).collect();
    fake.chat("Long", &turns.iter().map(String::as_str).collect::<Vec<_>>());
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    assert!(window.shows("Turn 499 of a long conversation"), "it opens at its end");
    let drawn = window.harness.query_all_by_label_contains("of a long conversation").count();
    assert!(drawn < 60, "{drawn} of 500 messages are drawn");
    for _ in 0..3 {
        window.key(Modifiers::NONE, Key::PageUp);
    }
    assert!(window.shows("Jump to the end"));
    let job = {
        window.key(Modifiers::COMMAND, Key::R);
        fake.answer(&mut window);
        assert!(window.shows("Waiting for the model"), "asking shows the end again");
        window.key(Modifiers::NONE, Key::PageUp);
        window.key(Modifiers::NONE, Key::PageUp);
        fake.write(&mut window, "A new line\n\nand another\n\nand another");
        fake.open.as_ref().expect("open").0
    };
    assert!(window.shows("Jump to the end"), "reading further up is not disturbed by {job}");
    window.click("Jump to the end");
    assert!(window.shows("and another") && !window.shows("Jump to the end"));
}

#[test]
fn a_document_that_is_gone_says_so() {
    let mut fake = Fake::default();
    fake.chat("Glass", &["Why?", "So."]);
    let start = chat_start(&fake);
    let mut window = glassworks_tests_screens::Window::new(start);
    let fetch = window.commands().into_iter().find_map(|c| match c {
        Command::Fetch(id, Query::Chat(_)) => Some(id),
        _ => None,
    });
    assert!(window.shows("Opening…"));
    let failure = Failure::new(FailureKind::Missing, Text::new("failure.store_chat_gone"));
    let request = glassworks_protocol::RequestId::Query(fetch.expect("the chat is asked for"));
    window.tell(Event::Refused(request, failure));
    window.click("New chat");
    assert!(window.shows("Ask SmolLM2-135M-Instruct something"));
}

#[test]
fn the_menu_says_which_model_only_runs() {
    let mut start = chat_start(&Fake::default());
    start.models.push(fixtures::run_only("Phi-3-mini-4k-instruct", "phi3"));
    let mut window = open(&mut Fake::default(), start);
    window.click_part("Model: SmolLM2");
    let mut all = egui_kittest::SnapshotResults::new();
    window.picture(&mut all, "playground-model-runs-only");
    window.click("Phi-3-mini-4k-instruct");
    job_of(&window.commands(), |s| matches!(s, JobSpec::LoadModel(_)));
    assert!(window.shows_part("Model: Phi-3-mini-4k-instruct"), "it is talked to like any other");
}
