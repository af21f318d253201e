//! Replies as JSON: the schema is made of fields or written, stays on until it is turned off, and is sent with what is
//! asked.

use super::fake::Fake;
use super::{chat_start, chinese, images, light, open};
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_tests_screens::{Queryable, Window};
use serde_json::Value;

/// The schema that the next question is sent with.
fn sent(fake: &mut Fake, window: &mut Window) -> Option<Value> {
    fake.replies.push_back("{}");
    window.focus("Message");
    window.type_text("Who?");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(window);
    let schema = fake.last_generate().sampling.json_schema?;
    Some(serde_json::from_str(&schema).expect("JSON"))
}

fn opened(fake: &mut Fake) -> Window {
    let start = chat_start(fake);
    open(fake, start)
}

#[test]
fn fields_make_a_schema_that_replies_follow() {
    let mut fake = images::glass();
    let mut window = opened(&mut fake);
    assert!(!window.shows("Replies are JSON"));
    window.click("JSON schema: off");
    assert!(window.shows("Replies as JSON"));
    // The name has the keyboard at once; a schema without names is none.
    window.type_text("mood");
    window.click("Kind of field 1: Text");
    window.click("One of…");
    window.focus("Choices of field 1");
    window.type_text("good, bad，很好");
    window.click("Add a field");
    window.type_text("mood");
    window.click("Use for replies");
    assert!(window.shows("Replies as JSON"), "two fields have one name");
    window.click("Remove field 2");
    window.click("Add to the message");
    window.click("Use for replies");
    fake.answer(&mut window);
    assert!(!window.shows("Replies as JSON"));
    assert!(window.shows("JSON schema: 1 field") && window.shows("Replies are JSON"));
    assert!(
        window
            .harness
            .get_by_label("Message")
            .value()
            .is_some_and(|v| v.contains("\"mood\" (good / bad / 很好)"))
    );
    let schema = sent(&mut fake, &mut window).expect("a schema");
    assert_eq!(schema["properties"]["mood"]["enum"], serde_json::json!(["good", "bad", "很好"]));
    assert_eq!(schema["required"], serde_json::json!(["mood"]));
    // Off again, and what it was comes back.
    window.click("Write without a schema");
    assert_eq!(sent(&mut fake, &mut window), None);
    window.click("JSON schema: off");
    window.click("Use for replies");
    assert!(sent(&mut fake, &mut window).is_some());
}

#[test]
fn a_written_schema_is_checked_before_it_is_used() {
    let mut fake = images::glass();
    let mut start = chat_start(&fake);
    start.settings.sampling.json_schema = Some(r#"{"type": "objekt"}"#.to_owned());
    let mut window = open(&mut fake, start.clone());
    window.click("JSON schema: Own schema");
    fake.answer(&mut window);
    assert!(window.shows_part("unknown type: objekt"), "it says what is wrong");
    window.click("Use for replies");
    assert!(window.shows("Replies as JSON"), "and is not used");
    // Fields cannot say it: it stays as it is written.
    window.click("Fields");
    assert!(window.shows_part("unknown type: objekt"));
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Replies as JSON"));

    start.settings.sampling.json_schema = Some(r#"{"type": "string", "maxLength": 9}"#.to_owned());
    let mut window = open(&mut fake, start);
    window.click("JSON schema: Own schema");
    fake.answer(&mut window);
    assert!(window.shows("Replies can follow this"));
    // The dialog's button; the panel's lies below it.
    let buttons: Vec<_> = window.harness.query_all_by_label("Write without a schema").collect();
    buttons.last().expect("a button").click();
    window.run();
    fake.answer(&mut window);
    assert!(window.shows("JSON schema: off"));
}

#[test]
fn pictures_of_the_schema_dialog() {
    let mut all = SnapshotResults::new();
    let mut fake = images::glass();
    let start = chat_start(&fake);
    let mut window = open(&mut fake, start.clone());
    window.click("JSON schema: off");
    window.click("Person");
    window.click("Add a field");
    window.type_text("mood");
    window.click("Kind of field 4: Text");
    window.click("One of…");
    window.focus("Choices of field 4");
    window.type_text("good, bad");
    window.picture(&mut all, "playground-schema");
    let mut window = open(&mut fake, light(chinese(start.clone())));
    window.click("JSON schema: 关");
    window.picture(&mut all, "playground-schema-zh-light");
    let mut start = start;
    start.settings.sampling.json_schema = Some(
        "{\n  \"type\": \"array\",\n  \"items\": {\n    \"type\": \"string\",\n    \"maxLength\": 12\n  },\n  \"minItems\": 3\n}"
            .to_owned(),
    );
    let mut window = images::sized(&mut fake, start, 1024.0, 700.0);
    window.click("Replies are JSON");
    fake.answer(&mut window);
    window.picture(&mut all, "playground-schema-written-narrow");
}
