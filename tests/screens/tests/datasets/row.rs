//! One row in full: seen and edited by its task.

use super::fake::{Fake, NARROW, WIDE};
use egui::accesskit::{Role, Toggled};
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::datasets::{RowFlags, RowId, Split};
use glassworks_protocol::generate::Prompt;
use glassworks_protocol::inside::{InsideJob, Subject};
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::Language;
use glassworks_protocol::{Command, JobSpec};
use glassworks_tests_screens::{NodeT, Queryable, Window};
use serde_json::{Value, json};

fn open(fake: &mut Fake, name: &str) -> Window {
    let mut window = fake.open_on(name, Language::English, ThemeChoice::Dark, WIDE);
    fake.see(&mut window);
    window
}

/// Time passes: what was written is stored.
fn rest(fake: &mut Fake, window: &mut Window, ms: i64) {
    window.host.borrow_mut().later_ms += ms;
    window.harness.step();
    fake.see(window);
}

/// Gives the keyboard to a field of several lines and goes to its end.
fn write(window: &mut Window, label: &str, text: &str) {
    window.harness.get_by_role_and_label(Role::MultilineTextInput, label).focus();
    window.run();
    window.key(Modifiers::CTRL, Key::End);
    window.type_text(text);
}

fn text_of(window: &Window, label: &str) -> String {
    let field = window.harness.get_by_role_and_label(Role::MultilineTextInput, label);
    field.accesskit_node().value().unwrap_or_default()
}

fn press(fake: &mut Fake, window: &mut Window, label: &str) {
    window.click(label);
    fake.see(window);
}

/// The same by the keyboard, which brings it into sight.
fn by_key(fake: &mut Fake, window: &mut Window, label: &str) {
    window.focus(label);
    window.key(NONE, Key::Enter);
    fake.see(window);
}

fn key(fake: &mut Fake, window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key(modifiers, key);
    fake.see(window);
}

fn grid(window: &mut Window) {
    window.harness.get_by_role(Role::Grid).focus();
    window.run();
}

const NONE: Modifiers = Modifiers::NONE;
const ANSWER: &str = "Turn 5, Assistant";

fn turn(fake: &Fake, row: usize, turn: usize) -> &Value {
    &fake.value("Conversations", row)["messages"][turn]
}

#[test]
fn every_task_has_its_fields_in_both_languages() {
    for language in Language::ALL {
        let mut fake = Fake::new();
        for (name, task) in fake.every_task() {
            let mut window = fake.open_on(name, language, ThemeChoice::Dark, WIDE);
            fake.see(&mut window);
            assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new(), "{name} {task:?}");
        }
    }
}

#[test]
fn what_is_written_is_stored_when_the_hands_rest_as_one_edit() {
    let mut fake = Fake::new();
    let id = fake.conversations();
    let mut window = open(&mut fake, "Conversations");
    write(&mut window, ANSWER, " Count");
    window.type_text(" them");
    fake.see(&mut window);
    assert_eq!(fake.set(id).record.revision, 1, "nothing yet");
    rest(&mut fake, &mut window, 1300);
    assert_eq!(fake.set(id).record.revision, 2);
    let text = turn(&fake, 0, 4)["content"].as_str().expect("text").to_owned();
    assert!(text.ends_with("in all? Count them"), "{text}");
    // At once by Ctrl+Enter.
    window.type_text("!");
    key(&mut fake, &mut window, Modifiers::COMMAND, Key::Enter);
    assert_eq!(fake.set(id).record.revision, 3);
    assert!(text_of(&window, ANSWER).ends_with("Count them!"));
    // Taken back one by one, and shown as it is then.
    grid(&mut window);
    key(&mut fake, &mut window, Modifiers::COMMAND, Key::Z);
    assert!(text_of(&window, ANSWER).ends_with("Count them"));
    key(&mut fake, &mut window, Modifiers::COMMAND, Key::Z);
    assert!(text_of(&window, ANSWER).ends_with("in all?"));
    // Nothing is written twice.
    rest(&mut fake, &mut window, 20_000);
    assert_eq!(fake.set(id).record.revision, 5);
}

#[test]
fn a_row_is_looked_into_as_the_model_is_given_it() {
    let mut fake = Fake::new();
    fake.conversations();
    let mut window = open(&mut fake, "Conversations");
    let expected: Vec<String> = fake.value("Conversations", 0)["messages"]
        .as_array()
        .expect("turns")
        .iter()
        .map(|turn| turn["content"].as_str().expect("text").to_owned())
        .collect();
    window.click("Look inside");
    fake.answer(&mut window);
    let capture = fake.orders.iter().find_map(|command| match command {
        Command::Start(_, JobSpec::Inside(InsideJob::Capture(spec))) => Some(&spec.subject),
        _ => None,
    });
    let Some(Subject::Text { prompt: Prompt::Chat { turns, template }, .. }) = capture else {
        panic!("a text")
    };
    assert_eq!(turns.iter().map(|turn| turn.content.clone()).collect::<Vec<_>>(), expected);
    assert!(!template.add_generation_prompt, "as it is, and nothing more");
    assert!(window.shows_part("Reading “Row 1 of Conversations"));
}

#[test]
fn an_undo_takes_back_what_is_not_stored_yet_and_another_row_stores_it() {
    let mut fake = Fake::new();
    let id = fake.conversations();
    let mut window = open(&mut fake, "Conversations");
    write(&mut window, ANSWER, " Away");
    press(&mut fake, &mut window, "Next row");
    assert!(turn(&fake, 0, 4)["content"].as_str().expect("text").ends_with("Away"));
    press(&mut fake, &mut window, "Previous row");
    assert!(text_of(&window, ANSWER).ends_with("Away"));
    write(&mut window, "source", " of sums");
    grid(&mut window);
    key(&mut fake, &mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(fake.value("Conversations", 0)["source"], "tutoring");
    assert_eq!(text_of(&window, "source"), "tutoring");
    assert!(fake.set(id).record.redo.is_some());
}

#[test]
fn turns_are_added_moved_and_given_another_role() {
    let mut fake = Fake::new();
    fake.conversations();
    let mut window = open(&mut fake, "Conversations");
    by_key(&mut fake, &mut window, "Add turn: User");
    assert_eq!(turn(&fake, 0, 5), &json!({ "role": "user", "content": "" }));
    window.type_text("Nineteen");
    key(&mut fake, &mut window, Modifiers::COMMAND, Key::Enter);
    assert_eq!(turn(&fake, 0, 5)["content"], "Nineteen", "it had the keyboard");
    key(&mut fake, &mut window, Modifiers::ALT, Key::ArrowUp);
    assert_eq!(turn(&fake, 0, 4)["content"], "Nineteen");
    window.type_text("!");
    key(&mut fake, &mut window, Modifiers::COMMAND, Key::Enter);
    assert_eq!(turn(&fake, 0, 4)["content"], "Nineteen!", "and keeps it");
    by_key(&mut fake, &mut window, "Role of turn 5: User");
    press(&mut fake, &mut window, "Tool");
    assert_eq!(turn(&fake, 0, 4)["role"], "tool");
    by_key(&mut fake, &mut window, "What can be done with turn 5");
    press(&mut fake, &mut window, "Remove this turn");
    assert_eq!(fake.value("Conversations", 0)["messages"].as_array().map(Vec::len), Some(5));
}

#[test]
fn labels_are_given_by_keys_from_the_grid_and_the_next_unlabelled_is_found() {
    let mut fake = Fake::new();
    let id = fake.reviews();
    let mut window = open(&mut fake, "Film reviews");
    let label = |fake: &Fake, at: usize| fake.value("Film reviews", at)["label"].clone();
    grid(&mut window);
    // In the order of their names: bad, good.
    key(&mut fake, &mut window, NONE, Key::Num1);
    assert_eq!(label(&fake, 0), "bad");
    key(&mut fake, &mut window, NONE, Key::N);
    assert!(window.shows("Row 7"), "the first without a label");
    key(&mut fake, &mut window, NONE, Key::Num2);
    assert_eq!(label(&fake, 6), "good");
    key(&mut fake, &mut window, NONE, Key::N);
    assert!(window.shows("Row 14"));
    window.harness.get_by_role_and_label(Role::RadioButton, "bad").click();
    fake.see(&mut window);
    assert_eq!(label(&fake, 13), "bad");
    // A new one by typing; its key comes after the others', whatever its letters are.
    window.harness.get_by_role_and_label(Role::TextInput, "New label, or find one").focus();
    window.run();
    window.type_text("awful");
    key(&mut fake, &mut window, NONE, Key::Enter);
    assert_eq!(label(&fake, 13), "awful");
    let chip = window.harness.get_by_role_and_label(Role::RadioButton, "awful");
    assert_eq!(chip.accesskit_node().toggled(), Some(Toggled::True));
    grid(&mut window);
    key(&mut fake, &mut window, NONE, Key::Num1);
    assert_eq!(label(&fake, 13), "bad");
    key(&mut fake, &mut window, NONE, Key::Num3);
    assert_eq!(label(&fake, 13), "awful");
    press(&mut fake, &mut window, "Remove the label");
    assert_eq!(label(&fake, 13), Value::Null);
    for row in &mut fake.set(id).rows {
        row.value.insert("label".into(), "good".into());
    }
    key(&mut fake, &mut window, NONE, Key::N);
    assert!(window.shows("Every row has a label"));
}

#[test]
fn numbers_are_text_while_a_text_is_written() {
    let mut fake = Fake::new();
    fake.reviews();
    let mut window = open(&mut fake, "Film reviews");
    let before = fake.value("Film reviews", 0)["label"].clone();
    window.harness.get_by_role_and_label(Role::MultilineTextInput, "Text").focus();
    window.run();
    key(&mut fake, &mut window, NONE, Key::Num1);
    window.type_text("1n");
    rest(&mut fake, &mut window, 1300);
    let row = fake.value("Film reviews", 0);
    assert_eq!(row["label"], before);
    assert!(row["text"].as_str().expect("text").contains("1n"));
}

#[test]
fn spans_are_set_by_keys_in_characters_and_go_with_their_words() {
    let mut fake = Fake::new();
    fake.places();
    let mut window = open(&mut fake, "Places");
    let spans = |fake: &Fake| fake.value("Places", 0)["spans"].clone();
    window.harness.get_by_role_and_label(Role::Document, "Text").focus();
    window.run();
    for _ in 0..36 {
        window.key(NONE, Key::ArrowRight);
    }
    window.key(Modifiers::SHIFT | Modifiers::CTRL, Key::ArrowRight);
    assert!(window.shows("Selected: “Paris”, characters 36 to 41"));
    // person is 1, place is 2.
    key(&mut fake, &mut window, NONE, Key::Num2);
    assert_eq!(spans(&fake)[2], json!({ "start": 36, "end": 41, "label": "place", "text": "Paris" }));
    // Another label for what is selected; then none.
    key(&mut fake, &mut window, NONE, Key::Num1);
    assert_eq!(spans(&fake)[2]["label"], "person");
    key(&mut fake, &mut window, NONE, Key::Num0);
    assert_eq!(spans(&fake).as_array().map(Vec::len), Some(3));
    // One whose place is wrong is found again.
    press(&mut fake, &mut window, "Find it in the text");
    assert_eq!(spans(&fake)[2], json!({ "start": 36, "end": 41, "label": "place", "text": "Paris" }));
    // Words are written before them.
    press(&mut fake, &mut window, "Edit the text");
    window.key(Modifiers::CTRL, Key::Home);
    window.type_text("玻璃 ");
    rest(&mut fake, &mut window, 1300);
    assert_eq!(spans(&fake)[1], json!({ "start": 33, "end": 35, "label": "place", "text": "北京" }));
    assert_eq!((&spans(&fake)[0]["start"], &spans(&fake)[2]["end"]), (&json!(3), &json!(44)));
    press(&mut fake, &mut window, "Remove span 1");
    assert_eq!(spans(&fake).as_array().map(Vec::len), Some(2));
}

#[test]
fn words_are_selected_by_the_mouse_and_labelled_by_a_chip() {
    let mut fake = Fake::new();
    fake.places();
    let mut window = open(&mut fake, "Places");
    let at = window.harness.get_by_role_and_label(Role::Document, "Text").rect().min;
    let drag = |window: &mut Window, from: egui::Vec2, to: egui::Vec2| {
        let button = |pos, pressed| egui::Event::PointerButton {
            pos,
            pressed,
            button: egui::PointerButton::Primary,
            modifiers: NONE,
        };
        window.harness.event(egui::Event::PointerMoved(at + from));
        window.harness.step();
        window.harness.event(button(at + from, true));
        window.harness.step();
        window.harness.event(egui::Event::PointerMoved(at + to));
        window.harness.step();
        window.harness.event(button(at + to, false));
        window.run();
    };
    drag(&mut window, egui::vec2(11.0, 16.0), egui::vec2(60.0, 16.0));
    assert!(window.shows_part("Selected: “Ada"), "from the first letter on");
    window.harness.get_by_role_and_label(Role::RadioButton, "place").click();
    fake.see(&mut window);
    let new = fake.value("Places", 0)["spans"][1].clone();
    assert!(new["start"] == 0 && new["end"].as_u64() > Some(4) && new["label"] == "place", "{new}");
}

#[test]
fn a_run_of_words_is_tagged_and_what_is_not_bio_is_repaired() {
    let mut fake = Fake::new();
    fake.words();
    let mut window = open(&mut fake, "Words");
    let tags = |fake: &Fake, row: usize| -> Vec<String> {
        let tags = fake.value("Words", row)["tags"].as_array().expect("tags").clone();
        tags.iter().map(|tag| tag.as_str().unwrap_or_default().to_owned()).collect()
    };
    window.harness.get_by_role_and_label(Role::ListBox, "Words").focus();
    window.run();
    for _ in 0..10 {
        window.key(NONE, Key::ArrowRight);
    }
    window.key(Modifiers::SHIFT, Key::ArrowRight);
    // LOC is 1, PER is 2.
    key(&mut fake, &mut window, NONE, Key::Num1);
    assert_eq!(tags(&fake, 0)[9..13], ["O", "B-LOC", "I-LOC", "O"]);
    key(&mut fake, &mut window, NONE, Key::Num0);
    assert_eq!(tags(&fake, 0)[9..13], ["O", "O", "O", "O"]);
    // The second row has two wrong tags.
    press(&mut fake, &mut window, "Next row");
    assert!(window.shows("2 tags are not BIO"));
    press(&mut fake, &mut window, "Repair the tags");
    assert_eq!((tags(&fake, 1)[1].as_str(), tags(&fake, 1)[7].as_str()), ("B-PER", "B-LOC"));
    assert!(!window.shows_part("tags are not BIO"));
    // The third has fewer tags than words.
    press(&mut fake, &mut window, "Next row");
    assert!(window.shows("4 words and 3 tags"));
    press(&mut fake, &mut window, "Fill up with O");
    assert_eq!(tags(&fake, 2), ["B-PER", "I-PER", "O", "O"]);
    // As lines.
    window.harness.get_by_role_and_label(Role::RadioButton, "Lines").click();
    window.run();
    write(&mut window, "Words and tags, one pair a line", "\nGrace B-PER\nalone");
    rest(&mut fake, &mut window, 1300);
    assert_eq!(tags(&fake, 2), ["B-PER", "I-PER", "O", "O", "B-PER", "O"]);
    assert_eq!(fake.value("Words", 2)["tokens"][5], "alone");
}

#[test]
fn answers_are_literal_parts_of_their_context() {
    let mut fake = Fake::new();
    fake.questions();
    let mut window = open(&mut fake, "Questions");
    let answers = |fake: &Fake| fake.value("Questions", 0)["answers"].clone();
    assert!(window.shows("Not there in the text"));
    press(&mut fake, &mut window, "Find it in the text");
    assert_eq!(answers(&fake)["text"], json!(["1889", "Gustave Eiffel"]), "as it is spelled there");
    assert_eq!(answers(&fake)["answer_start"][1], 73);
    assert!(!window.shows("Not there in the text"));
    window.harness.get_by_role_and_label(Role::Document, "Context").focus();
    window.run();
    window.key(Modifiers::COMMAND, Key::End);
    window.key(NONE, Key::ArrowLeft);
    window.key(Modifiers::SHIFT | Modifiers::CTRL, Key::ArrowLeft);
    key(&mut fake, &mut window, NONE, Key::Enter);
    assert_eq!(answers(&fake)["text"], json!(["1889", "Gustave Eiffel", "Paris"]));
    press(&mut fake, &mut window, "Remove answer 1");
    assert_eq!(answers(&fake)["answer_start"].as_array().map(Vec::len), Some(2));
}

#[test]
fn answers_that_are_compared_change_places() {
    let mut fake = Fake::new();
    fake.preferences();
    for name in ["Preferences", "Preferred talks"] {
        let mut window = open(&mut fake, name);
        let before = fake.value(name, 0).clone();
        press(&mut fake, &mut window, "Swap the answers");
        let after = fake.value(name, 0);
        assert_eq!((&after["chosen"], &after["rejected"]), (&before["rejected"], &before["chosen"]));
    }
}

#[test]
fn other_columns_are_kept_when_they_are_right() {
    let mut fake = Fake::new();
    let id = fake.conversations();
    let mut window = open(&mut fake, "Conversations");
    window.harness.get_by_role_and_label(Role::TextInput, "stars").focus();
    window.run();
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("four");
    rest(&mut fake, &mut window, 1300);
    assert!(window.shows("Not a number: it is kept once it is one"));
    assert_eq!(fake.set(id).record.revision, 1);
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("4.5");
    rest(&mut fake, &mut window, 1300);
    assert_eq!(fake.value("Conversations", 0)["stars"], json!(4.5));
    write(&mut window, "extra", ",");
    rest(&mut fake, &mut window, 1300);
    assert!(window.shows_part("Not JSON, line"));
    // It waits in the row, also while another one is looked at.
    press(&mut fake, &mut window, "Next row");
    press(&mut fake, &mut window, "Previous row");
    assert!(window.shows_part("Not JSON, line") && text_of(&window, "extra").ends_with("},"));
    window.harness.get_by_role_and_label(Role::MultilineTextInput, "extra").focus();
    window.run();
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("[1]");
    rest(&mut fake, &mut window, 1300);
    assert_eq!(fake.value("Conversations", 0)["extra"], json!([1]));
}

#[test]
fn what_is_wrong_is_told_accepted_and_looked_at_again() {
    let mut fake = Fake::new();
    let id = fake.conversations();
    let mut window = open(&mut fake, "Conversations");
    press(&mut fake, &mut window, "Next row");
    assert!(window.shows_part("order of turns"));
    press(&mut fake, &mut window, "Accept as it is");
    assert!(fake.set(id).rows[1].flags.any(RowFlags::ACCEPTED));
    press(&mut fake, &mut window, "Look at it again");
    assert!(!fake.set(id).rows[1].flags.any(RowFlags::ACCEPTED));
    press(&mut fake, &mut window, "Split: Train");
    press(&mut fake, &mut window, "Test");
    assert_eq!(fake.set(id).rows[1].split, Some(Split::Test));
    press(&mut fake, &mut window, "Next row");
    press(&mut fake, &mut window, "Written by a model, from row 1");
    assert!(window.shows("Row 1"));
}

#[test]
fn a_row_that_is_cut_becomes_two() {
    let mut fake = Fake::new();
    let id = fake.conversations();
    let mut window = open(&mut fake, "Conversations");
    // Long enough to be cut in its last answer.
    assert!(window.shows_part("Cut after 128 of"));
    press(&mut fake, &mut window, "Split into 2 rows");
    let set = fake.set(id);
    assert_eq!((set.rows.len(), set.rows[1].id), (13, RowId(12)));
    let n_turns =
        |fake: &Fake, at: usize| fake.value("Conversations", at)["messages"].as_array().map(Vec::len);
    assert_eq!((n_turns(&fake, 0), n_turns(&fake, 1)), (Some(3), Some(3)));
    grid(&mut window);
    key(&mut fake, &mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!((fake.set(id).rows.len(), n_turns(&fake, 0)), (12, Some(5)), "one edit");
}

#[test]
fn how_rows_look() {
    let mut all = SnapshotResults::new();
    let mut fake = Fake::new();
    fake.every_task();
    let (dark, light) = (ThemeChoice::Dark, ThemeChoice::Light);
    for (name, language, theme, size) in [
        ("Film reviews", Language::English, dark, WIDE),
        ("Places", Language::English, dark, WIDE),
        ("Questions", Language::English, light, WIDE),
        ("Words", Language::Chinese, light, WIDE),
        ("Preferences", Language::English, dark, WIDE),
        ("Preferred talks", Language::Chinese, light, WIDE),
        ("Translations", Language::English, light, WIDE),
        ("Translations", Language::Chinese, dark, NARROW),
        ("Preferences", Language::Chinese, light, NARROW),
        ("Instructions", Language::English, light, WIDE),
    ] {
        let mut window = fake.open_on(name, language, theme, size);
        fake.see(&mut window);
        if size == NARROW {
            window.key(Modifiers::COMMAND, Key::I);
        }
        let narrow = if size == NARROW { "-narrow" } else { "" };
        window.picture(&mut all, &format!("dataset-row-{}{narrow}", name.to_lowercase().replace(' ', "-")));
    }
}
