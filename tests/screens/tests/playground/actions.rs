//! What can be done with messages and with the list, and what the engine is asked for it.

use super::fake::Fake;
use super::{chat_start, first_start, open};
use egui::accesskit::Role as Widget;
use egui::{Key, Modifiers};
use glassworks_protocol::chat::{MessageStatus, Role};
use glassworks_protocol::generate::{FinishReason, Prompt};
use glassworks_protocol::{Command, Edit, JobSpec, Query};
use glassworks_tests_screens::{Queryable, Window};
use std::sync::Arc;

fn two_turns() -> Fake {
    let mut fake = Fake::default();
    fake.chat("Glass", &["Why is glass clear?", "Light passes.", "And sand?", "It scatters."]);
    fake
}

fn edits(fake: &Fake) -> Vec<Edit> {
    let edit = |c: &Command| if let Command::Edit(_, edit) = c { Some(edit.clone()) } else { None };
    fake.asked.iter().filter_map(edit).filter(|e| !matches!(e, Edit::SaveSettings(_))).collect()
}

/// Clicks the `idx`th of several that have the same label.
pub fn click_nth(window: &mut Window, label: &str, idx: usize) {
    window.harness.get_all_by_label(label).nth(idx).expect("so many").click();
    window.run();
}

#[test]
fn streaming_shows_words_as_they_come_and_escape_stops() {
    let mut fake = two_turns();
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    window.type_text("More");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert!(window.shows("Waiting for the model"));
    fake.write(&mut window, "Grains are");
    assert!(window.shows("Grains are"));
    fake.write(&mut window, " many");
    assert!(window.shows("Grains are many"));
    assert!(window.shows("43 of 8,192 tokens"), "what is in the context is counted live");
    window.key(Modifiers::NONE, Key::Escape);
    fake.answer(&mut window);
    assert!(window.shows("Stopped") && window.shows("Grains are many"));
    // And it goes on from there, as the same message.
    let stopped = fake.messages.last().expect("a reply").id;
    fake.replies.push_back(" windows.");
    window.click("Continue");
    fake.answer(&mut window);
    assert_eq!(fake.last_generate().keep.expect("kept").reply, stopped);
    assert!(window.shows("Grains are many windows."));
}

#[test]
fn an_edited_question_is_a_branch_with_a_reply() {
    let mut fake = two_turns();
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    fake.replies.push_back("New words.");
    click_nth(&mut window, "Edit", 2);
    assert!(window.shows("New wording"));
    window.type_text(" Please");
    window.key(Modifiers::COMMAND, Key::Enter);
    fake.answer(&mut window);
    let keep = fake.last_generate().keep.expect("kept");
    let question = keep.question.expect("a question");
    assert_eq!(question.text, "And sand? Please");
    assert_eq!(question.parent, Some(fake.messages[1].id), "a sibling of the question it came from");
    assert!(window.shows("New words.") && window.shows("Version 2 of 2"));
}

#[test]
fn an_edited_reply_is_a_branch_of_its_own() {
    let mut fake = two_turns();
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    click_nth(&mut window, "Edit", 3);
    window.type_text(" Always");
    window.click("Keep as a new branch");
    fake.answer(&mut window);
    let Some(Edit::AddMessage(added)) = edits(&fake).pop() else { panic!("{:?}", edits(&fake)) };
    assert_eq!((added.role, added.text.as_str()), (Role::Assistant, "It scatters. Always"));
    assert!(window.shows("It scatters. Always") && window.shows("Version 2 of 2"));
}

#[test]
fn a_removed_message_can_be_brought_back_from_its_toast() {
    let mut fake = two_turns();
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    click_nth(&mut window, "Remove", 3);
    let removed = fake.messages[3].id;
    fake.answer(&mut window);
    assert!(
        edits(&fake).iter().any(|e| matches!(e, Edit::RemoveMessage { message, .. } if *message == removed))
    );
    assert!(!window.shows("It scatters."));
    window.click("Undo");
    fake.answer(&mut window);
    assert!(matches!(edits(&fake).last(), Some(Edit::Undo(_))));
}

#[test]
fn ends_that_are_not_the_usual_one_are_marked() {
    for (status, finish, words) in [
        (MessageStatus::Interrupted, FinishReason::EndOfText, "Interrupted"),
        (MessageStatus::Complete, FinishReason::Length, "Length limit"),
        (MessageStatus::Complete, FinishReason::ContextFull, "Context full"),
        (MessageStatus::Failed, FinishReason::EndOfText, "Failed"),
    ] {
        let mut fake = two_turns();
        let last = Arc::make_mut(fake.messages.last_mut().expect("a message"));
        last.status = status;
        last.reply.as_mut().and_then(|r| r.stats.as_mut()).expect("stats").finish = finish;
        let start = chat_start(&fake);
        let window = open(&mut fake, start);
        let badges = window.harness.query_all_by_role_and_label(Widget::Label, words);
        assert!(badges.count() >= 1, "{words}");
    }
}

#[test]
fn chats_are_searched_renamed_trashed_and_restored() {
    let mut fake = two_turns();
    fake.chat("Sea", &["Why is the sea blue?", "Water."]);
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    window.key(Modifiers::COMMAND, Key::F);
    window.type_text("blue");
    fake.answer(&mut window);
    let searched =
        |c: &Command| matches!(c, Command::Fetch(_, Query::Chats { search, .. }) if search == "blue");
    assert!(fake.asked.iter().any(searched));
    assert!(
        window.shows("Sea")
            && !window.harness.query_all_by_role_and_label(Widget::ListItem, "Glass").any(|_| true)
    );
    window.harness.get_by_role_and_label(Widget::ListItem, "Sea").focus();
    window.run();
    window.key(Modifiers::NONE, Key::F2);
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("Ocean");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert!(edits(&fake).iter().any(|e| matches!(e, Edit::RenameChat { title, .. } if title == "Ocean")));
    window.harness.get_by_role_and_label(Widget::ListItem, "Ocean").focus();
    window.run();
    window.key(Modifiers::NONE, Key::Delete);
    fake.answer(&mut window);
    assert!(window.shows("Chat moved to the trash"));
    window.harness.get_by_role_and_label(Widget::TextInput, "Search all chats").focus();
    window.run();
    window.key(Modifiers::COMMAND, Key::A);
    window.key(Modifiers::NONE, Key::Backspace);
    window.click("Trash");
    fake.answer(&mut window);
    window.click("More for Ocean");
    window.click("Restore");
    fake.answer(&mut window);
    assert!(matches!(edits(&fake).last(), Some(Edit::RestoreChat(_))));
    assert!(window.shows("The trash is empty"));
}

#[test]
fn what_is_deleted_for_good_is_asked_first() {
    let mut fake = two_turns();
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    window.click("More for Glass");
    window.click("Move to trash");
    fake.answer(&mut window);
    window.click("Trash");
    fake.answer(&mut window);
    window.click("More for Glass");
    window.click("Delete for good");
    assert!(window.shows("Delete this chat for good?"));
    window.harness.get_all_by_label("Delete for good").last().expect("the button").click();
    window.run();
    fake.answer(&mut window);
    assert!(edits(&fake).iter().any(|e| matches!(e, Edit::DeleteChatForever(_))));
}

#[test]
fn a_pasted_picture_gets_a_polite_no() {
    let mut window = open(&mut Fake::default(), first_start());
    let picture = egui::ColorImage::example();
    window.harness.event(egui::Event::PasteImage(Arc::new(picture)));
    window.run();
    assert!(window.shows_part("a picture cannot go along"));
}

#[test]
fn an_input_method_may_use_enter() {
    let mut fake = two_turns();
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    let preedit = egui::ImeEvent::Preedit { text: "bo li".into(), active_range_chars: None };
    window.harness.event(egui::Event::Ime(preedit));
    window.run();
    window.key(Modifiers::NONE, Key::Enter);
    window.harness.event(egui::Event::Ime(egui::ImeEvent::Commit("玻璃".into())));
    window.run();
    fake.answer(&mut window);
    assert!(
        !fake.asked.iter().any(|c| matches!(c, Command::Start(_, JobSpec::Generate(_)))),
        "nothing was sent"
    );
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    let Prompt::Chat { turns, .. } = fake.last_generate().prompt else { panic!("a chat") };
    assert_eq!(turns.last().map(|t| t.content.as_str()), Some("玻璃"));
}

#[test]
fn a_draft_is_stored_within_a_second_and_comes_back() {
    let mut fake = two_turns();
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start);
    window.type_text("Half a thou");
    window.host.borrow_mut().later_ms = 900;
    fake.answer(&mut window);
    assert!(matches!(edits(&fake).last(), Some(Edit::SaveDraft { text, .. }) if text == "Half a thou"));
    let start = chat_start(&fake);
    let mut again = open(&mut fake, start);
    again.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut again);
    let Prompt::Chat { turns, .. } = fake.last_generate().prompt else { panic!("a chat") };
    assert_eq!(turns.last().map(|t| t.content.as_str()), Some("Half a thou"));
    assert!(matches!(edits(&fake).last(), Some(Edit::SaveDraft { text, .. }) if text.is_empty()));
}
