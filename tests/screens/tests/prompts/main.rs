//! The prompt library: its four states in both languages, writing with variables, examples, versions, folders, search,
//! trash, files, the way into the playground and back, and how it looks.

mod fake;
mod tables;

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use fake::{Fake, NARROW, WIDE};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::prompts::{PromptJob, PromptOutput, PromptQuery, PromptRun, PromptStored};
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{
    Command, Edit, Event, Failure, FailureKind, JobOutput, Outcome, Progress, Query, RequestId, Stored, Unit,
};
use glassworks_tests_screens::{NodeT, Queryable, Window};
use std::sync::Arc;

fn english(fake: &mut Fake) -> Window {
    fake.open(Language::English, ThemeChoice::Dark, WIDE)
}

fn is_off(window: &Window, label: &str) -> bool {
    window.harness.get_by_role_and_label(Role::Button, label).accesskit_node().is_disabled()
}

/// Gives the keyboard to a field.
fn into(window: &mut Window, role: Role, name: &str) {
    window.harness.get_by_role_and_label(role, name).focus();
    window.run();
}

/// Puts words into a field in the place of what is there.
fn write(window: &mut Window, role: Role, name: &str, words: &str) {
    into(window, role, name);
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text(words);
}

/// Later: what was typed is stored.
fn rest(fake: &mut Fake, window: &mut Window) {
    window.host.borrow_mut().later_ms += 2000;
    window.run();
    fake.answer(window);
}

fn row(window: &mut Window, name: &str) {
    window.harness.get_by_role_and_label(Role::ListItem, name).click();
    window.run();
}

#[test]
fn four_states_in_both_languages() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        let mut fake = Fake { silent: true, ..Fake::new() };
        fake.start.settings.language = Some(language);
        let mut window = Window::sized(fake.start.clone(), WIDE.0, WIDE.1, 1.0);
        assert!(window.shows(&say("prompts.reading")));
        let asked = window.commands().into_iter().find_map(|command| match command {
            Command::Fetch(id, Query::Prompt(PromptQuery::All)) => Some(id),
            _ => None,
        });
        let failure = Failure::new(FailureKind::Io, Text::new("failure.store_busy"));
        window.tell(Event::Refused(RequestId::Query(asked.expect("asked")), failure));
        assert!(window.shows(&say("failure.store_busy")));
        fake.silent = false;
        window.click(&say("prompts.ask_again"));
        fake.answer(&mut window);
        // Nothing yet: what it is for, and prompts to begin with.
        assert!(window.shows(&say("prompts.none_sentence")));
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
        let offers = glassworks_protocol::prompts::share::bundled(language);
        window.click(&offers[0].name);
        fake.answer(&mut window);
        assert_eq!(fake.list.len(), 1);
        assert!(window.shows(&say("prompts.variables")));
        assert_eq!(fake.list[0].body.named().len(), 4);
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    }
}

#[test]
fn a_prompt_is_written_with_variables_that_are_found_as_they_are_typed() {
    let mut fake = Fake::new();
    let mut window = english(&mut fake);
    window.click("New prompt");
    fake.answer(&mut window);
    window.type_text("Explain");
    into(&mut window, Role::MultilineTextInput, "Prompt");
    assert_eq!(fake.list[0].name, "New prompt");
    window.type_text("Explain {topic} to {who}, {{not a variable}");
    rest(&mut fake, &mut window);
    assert_eq!(fake.list[0].name, "Explain");
    let draft = fake.list[0].draft.clone().expect("what is written is kept");
    assert_eq!(draft.text, "Explain {topic} to {who}, {{not a variable}");
    assert!(window.shows("Label of topic") && window.shows("Label of who"));
    assert!(!window.shows("Label of not a variable"));

    // One of them is a number, and what is no number is told.
    window.click("Kind of who: Text");
    window.click("Number");
    write(&mut window, Role::TextInput, "Label of who", "Age");
    write(&mut window, Role::TextInput, "topic", "rain");
    write(&mut window, Role::TextInput, "Age", "ten");
    assert!(window.shows("Age must be a number") && is_off(&window, "Use in playground"));
    write(&mut window, Role::TextInput, "Age", "10");
    assert!(!is_off(&window, "Use in playground"));
    rest(&mut fake, &mut window);
    assert!(window.shows_part("Explain rain to 10, {not a variable}"), "what the model gets");
    assert!(window.shows_part("of 8,192 tokens"));

    // Double braces of other programs are mended by a press.
    write(&mut window, Role::MultilineTextInput, "Prompt", "Explain {{topic}}");
    window.click("Use single braces");
    window.click("Save version 2");
    fake.answer(&mut window);
    assert_eq!((fake.list[0].body.text.as_str(), fake.list[0].version), ("Explain {topic}", 2));
    assert!(is_off(&window, "Save version 3"));
}

#[test]
fn marked_words_become_a_variable() {
    let mut fake = Fake::new();
    let mut window = english(&mut fake);
    window.click("New prompt");
    fake.answer(&mut window);
    into(&mut window, Role::MultilineTextInput, "Prompt");
    window.type_text("tea");
    assert!(is_off(&window, "Make a variable"));
    window.key(Modifiers::COMMAND, Key::A);
    window.click("Make a variable");
    rest(&mut fake, &mut window);
    let draft = fake.list[0].draft.clone().expect("kept");
    assert_eq!((draft.text.as_str(), draft.variables[0].default.as_str()), ("{tea}", "tea"));
}

#[test]
fn examples_are_a_table_for_the_keyboard() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake);
    row(&mut window, "Good or bad review");
    window.click("Examples 2");
    assert!(window.shows("Review, 1") && window.shows("Answer, 2"));
    window.click("Add an example");
    window.run();
    window.type_text("Fine");
    write(&mut window, Role::MultilineTextInput, "Answer, 3", "good");
    rest(&mut fake, &mut window);
    let draft = fake.get("Good or bad review").draft.clone().expect("kept");
    assert_eq!(
        (draft.examples[2].values["review"].as_str(), draft.examples[2].answer.as_str()),
        ("Fine", "good")
    );

    // A table from a spreadsheet, at the third row.
    into(&mut window, Role::MultilineTextInput, "Review, 3");
    window.harness.event(egui::Event::Paste("Dull\tbad\n\"Long,\nlonger\"\tgood".to_owned()));
    window.run();
    // Moved and removed by keys.
    into(&mut window, Role::MultilineTextInput, "Review, 4");
    window.key(Modifiers::ALT, Key::ArrowUp);
    into(&mut window, Role::MultilineTextInput, "Review, 1");
    window.key(Modifiers::COMMAND, Key::Backspace);
    rest(&mut fake, &mut window);
    let draft = fake.get("Good or bad review").draft.clone().expect("kept");
    let reviews: Vec<&str> = draft.examples.iter().map(|one| one.values["review"].as_str()).collect();
    let first = "It drags from the first minute, and the ending makes no sense.";
    assert_eq!(reviews, [first, "Long,\nlonger", "Dull"]);
    assert!(window.shows("Examples 3"));
    window.click("Row 3");
    window.click("Remove");
    assert!(window.shows("Examples 2"));
    // The starter goes on with texts: the examples stand before what is asked.
    rest(&mut fake, &mut window);
    assert!(window.shows_part("Sentiment: good"));
}

#[test]
fn versions_are_compared_named_and_taken_up_again() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake);
    row(&mut window, "Haiku");
    write(&mut window, Role::MultilineTextInput, "Prompt", "Write a short haiku about {topic}.");
    window.key(Modifiers::COMMAND, Key::S);
    fake.answer(&mut window);
    window.click("Versions 2");
    fake.answer(&mut window);
    assert!(window.shows_part("Write a short haiku"), "what differs is shown");
    write(&mut window, Role::TextInput, "Label of version 2", "shorter");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    let id = fake.get("Haiku").id;
    assert_eq!(fake.versions[&id][1].label, "shorter");
    window.click("Take up version 1 again");
    fake.answer(&mut window);
    assert_eq!((fake.of(id).version, fake.of(id).body.text.as_str()), (3, "Write a haiku about {topic}."));
    assert_eq!(fake.versions[&id][2].label, "as version 1");
    window.harness.get_by_role_and_label(Role::RadioButton, "Prompt").click();
    window.run();
    write(&mut window, Role::MultilineTextInput, "Prompt", "Another one");
    // What is being written becomes a version before it is taken back: nothing is lost.
    window.click("Undo");
    fake.answer(&mut window);
    assert_eq!((fake.versions[&id].len(), fake.of(id).version), (4, 3));
    assert_eq!(fake.versions[&id][3].body.text, "Another one");
    assert!(!window.shows_part("Another one"), "the window shows what is in force");
}

#[test]
fn folders_fold_are_renamed_and_searched() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake);
    let folder = |window: &mut Window, name: &str| {
        window.harness.get_by_role_and_label(Role::DisclosureTriangle, name).click();
        window.run();
    };
    assert!(window.shows("Folder Teaching / Letters"));
    folder(&mut window, "Folder Teaching");
    assert!(!window.shows("Folder Teaching / Letters") && !window.shows("Letter to parents"));
    folder(&mut window, "Folder Teaching");

    write(&mut window, Role::TextInput, "Find in prompts", "sentiment");
    assert!(window.shows("Good or bad review") && !window.shows("Haiku"), "texts are looked into");
    write(&mut window, Role::TextInput, "Find in prompts", "letters");
    assert!(window.shows("Letter to parents"));
    write(&mut window, Role::TextInput, "Find in prompts", "nowhere");
    assert!(window.shows("No such prompt"));
    write(&mut window, Role::TextInput, "Find in prompts", " ");

    window.click("Folder: Teaching");
    write(&mut window, Role::TextInput, "Folder", "School / Year 5");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert_eq!(fake.get("Explain to a class").folder, "School/Year 5");
    assert!(window.shows("Folder School / Year 5"));
    window.click("Tags");
    write(&mut window, Role::TextInput, "Tags of this prompt", "one, two");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert_eq!(fake.get("Explain to a class").tags, ["one", "two"]);
}

#[test]
fn prompts_are_duplicated_trashed_restored_and_deleted() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake);
    let menu = |window: &mut Window, what: &str| {
        window.click("More for this prompt");
        window.click(what);
    };
    menu(&mut window, "Duplicate");
    fake.answer(&mut window);
    let copy = fake.get("Explain to a class, copy").clone();
    assert_eq!((copy.folder.as_str(), &copy.body), ("Teaching", &fake.get("Explain to a class").body));
    menu(&mut window, "Move to the trash");
    fake.answer(&mut window);
    assert!(fake.of(copy.id).trashed_at_ms.is_some());
    window.harness.get_by_role_and_label(Role::Link, "Undo").click();
    window.run();
    fake.answer(&mut window);
    assert!(fake.of(copy.id).trashed_at_ms.is_none());
    row(&mut window, "Explain to a class, copy");
    menu(&mut window, "Move to the trash");
    fake.answer(&mut window);
    window.click("Trash: 1");
    into(&mut window, Role::ListItem, "Explain to a class, copy");
    window.click("More: Explain to a class, copy");
    window.click("Delete for good…");
    window.click("Delete for good");
    fake.answer(&mut window);
    assert_eq!(fake.list.len(), 4);
    assert!(window.shows("The trash is empty"));
    window.click("Back to the prompts");
    assert!(window.shows("Haiku"));
}

#[test]
fn files_go_out_and_come_in_by_a_typed_path() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake);
    window.click("The library's files");
    window.click("Export all…");
    window.type_text("~/prompts");
    window.click("Export");
    let (_, job) = fake.started(&mut window);
    let PromptJob::Export { prompts, to, replace } = job else { panic!("{job:?}") };
    assert_eq!((prompts.len(), to.to_str(), replace), (4, Some("/home/ada/prompts.json"), false));
    window.key(Modifiers::NONE, Key::Escape);
    window.click("The library's files");
    window.click("Import…");
    window.type_text("/tmp/other.json");
    window.key(Modifiers::NONE, Key::Enter);
    let (id, job) = fake.started(&mut window);
    assert!(matches!(job, PromptJob::Import { .. }));
    let failure = Failure::new(FailureKind::Input, Text::new("failure.prompts_file"));
    window.tell(Event::Settled(id, glassworks_protocol::Outcome::Failed(failure)));
    assert!(window.shows("This file holds no prompts of Glassworks"), "the reason stands in the dialog");
}

#[test]
fn a_prompt_is_used_in_the_playground_and_comes_from_there() {
    let mut fake = Fake::stocked();
    // A model that converses.
    fake.start.settings.last_model = Some(fake.start.models[1].id);
    let mut window = english(&mut fake);
    row(&mut window, "Good or bad review");
    write(&mut window, Role::MultilineTextInput, "Review", "It was {fine}");
    window.click("Use in playground");
    fake.answer(&mut window);
    let said: Vec<String> = fake
        .orders
        .iter()
        .filter_map(|order| match order {
            Command::Edit(_, Edit::AddMessage(message)) => Some(message.text.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(said.len(), 4, "examples are turns of the conversation");
    assert_eq!(said[1], "good");
    let draft = fake.orders.iter().find_map(|order| match order {
        Command::Edit(_, Edit::CreateChat(chat)) => Some(chat.draft.clone()),
        _ => None,
    });
    assert_eq!(draft.as_deref(), Some("Review: It was {fine}\nSentiment:"));
    assert!(window.shows("Message"));

    // From the composer: a prompt is chosen, its variables are asked for.
    window.click("Prompts of the library");
    window.click("Haiku");
    write(&mut window, Role::TextInput, "topic", "rain");
    window.click("Use the prompt");
    window.run();
    let value = window.harness.get_by_role_and_label(Role::MultilineTextInput, "Message");
    assert_eq!(value.accesskit_node().value().as_deref(), Some("Write a haiku about rain."));

    // And what is written becomes a prompt, its braces no variables.
    write(&mut window, Role::MultilineTextInput, "Message", "Say {x}");
    window.click("Prompts of the library");
    window.click("Save what is written as a prompt");
    fake.answer(&mut window);
    assert_eq!(fake.get("New prompt").body.text, "Say {{x}");
    assert!(window.shows("Variables"), "it is open in the library");
}

#[test]
fn pictures() {
    let mut all = SnapshotResults::new();
    let mut window = Fake::new().open(Language::English, ThemeChoice::Dark, WIDE);
    window.picture(&mut all, "prompts_empty");
    for (language, theme, size, name) in [
        (Language::English, ThemeChoice::Dark, WIDE, "prompts_write_dark"),
        (Language::Chinese, ThemeChoice::Light, WIDE, "prompts_write_light_chinese"),
        (Language::English, ThemeChoice::Dark, NARROW, "prompts_write_narrow"),
    ] {
        let mut fake = Fake::stocked();
        let mut window = fake.open(language, theme, size);
        if size == WIDE {
            write(&mut window, Role::TextInput, "topic", "why the sky is blue");
        }
        rest(&mut fake, &mut window);
        window.picture(&mut all, name);
    }
    let mut fake = Fake::stocked();
    let mut window = fake.open(Language::English, ThemeChoice::Light, WIDE);
    row(&mut window, "Good or bad review");
    window.click("Examples 2");
    rest(&mut fake, &mut window);
    window.picture(&mut all, "prompts_examples_light");

    let mut fake = Fake::stocked();
    let mut window = english(&mut fake);
    let changed =
        "Explain {topic} to pupils who are {age} years old.\nKeep it short and {tone}. End with a question.";
    write(&mut window, Role::MultilineTextInput, "Prompt", changed);
    window.key(Modifiers::COMMAND, Key::S);
    fake.answer(&mut window);
    window.click("Versions 2");
    fake.answer(&mut window);
    window.picture(&mut all, "prompts_versions_dark");
}
