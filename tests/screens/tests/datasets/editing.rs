//! Rows by mouse and keyboard: selected, sorted, filtered, written in, added, moved, copied, pasted.

use super::fake::Fake;
use super::{english, into, selected};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, vec2};
use glassworks_protocol::datasets::{DatasetJob, Filter, Sort, SortKey};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::{Command, JobSpec};
use glassworks_tests_screens::{NodeT, Queryable, Window};

fn grid(window: &mut Window) {
    window.harness.get_by_role(Role::Grid).focus();
    window.run();
}

fn row_at(window: &Window, part: &str) -> egui::Rect {
    let mut rows = window.harness.get_all_by_role(Role::Row);
    rows.find(|row| row.accesskit_node().label().is_some_and(|label| label.contains(part)))
        .expect("a row")
        .rect()
}

/// Presses a row's middle.
fn press(window: &mut Window, part: &str, modifiers: Modifiers) {
    let named =
        |row: &egui_kittest::Node<'_>| row.accesskit_node().label().is_some_and(|label| label.contains(part));
    window.harness.get_all_by_role(Role::Row).find(named).expect("a row").click_modifiers(modifiers);
    window.run();
}

/// A conversation is told in two columns, by who says what.
#[test]
fn a_conversation_has_a_column_for_each_side() {
    let mut fake = Fake::new();
    fake.conversations();
    let window = english(&mut fake, "Conversations");
    let heading = |name: &str| window.harness.get_by_role_and_label(Role::ColumnHeader, name).rect();
    assert!(heading("User").right() <= heading("Assistant").left() + 1.0);
    assert!(window.harness.query_by_role_and_label(Role::ColumnHeader, "messages").is_none());
    assert!(window.shows_part("Row 1: Hi! I have to add 3/4"), "a row is called by what is asked");
}

#[test]
fn rows_are_selected_by_the_mouse() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Tutoring talks");
    press(&mut window, "Row 3:", Modifiers::NONE);
    assert_eq!(selected(&window), ["Row 3:"]);
    press(&mut window, "Row 6:", Modifiers::COMMAND);
    assert_eq!(selected(&window), ["Row 3:", "Row 6:"]);
    press(&mut window, "Row 8:", Modifiers::SHIFT);
    assert_eq!(selected(&window), ["Row 6:", "Row 7:", "Row 8:"]);
    // Drawn over rows with the button down.
    let (from, to) = (row_at(&window, "Row 2:").center(), row_at(&window, "Row 4:").center());
    window.harness.event(Event::PointerMoved(from));
    window.harness.step();
    window.harness.drag_at(from);
    window.harness.step();
    window.harness.hover_at(to);
    window.harness.step();
    window.harness.drop_at(to);
    window.run();
    assert_eq!(selected(&window), ["Row 2:", "Row 3:", "Row 4:"]);
}

#[test]
fn a_heading_sorts_in_three_states_and_the_row_stays_selected() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Film reviews");
    press(&mut window, "Row 4:", Modifiers::NONE);
    let mut sorted = |window: &mut Window| {
        window.harness.get_by_role_and_label(Role::ColumnHeader, "text").click();
        window.run();
        let asked = window.commands().into_iter().find_map(|command| match command {
            Command::Start(job, JobSpec::Dataset(DatasetJob::Find(spec))) => Some((job, spec)),
            _ => None,
        });
        let (job, spec) = asked.expect("rows are found anew");
        fake.finding.push((job, spec.clone()));
        fake.found(window);
        fake.answer(window);
        assert_eq!(selected(window), ["Row 4:"]);
        spec.sort
    };
    let by = || SortKey::Column("text".to_owned());
    assert_eq!(sorted(&mut window), Some(Sort { by: by(), descending: false }));
    let first = window.harness.get_all_by_role(Role::Row).next().and_then(|row| row.accesskit_node().label());
    assert_eq!(first.as_deref(), Some("Row 16: A waste of an evening, 15"));
    assert_eq!(sorted(&mut window), Some(Sort { by: by(), descending: true }));
    assert_eq!(sorted(&mut window), None);
}

#[test]
fn filters_are_typed_chosen_changed_and_removed() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Film reviews");
    assert!(window.shows("Rows shown: 24"));
    // A slash leads from the rows to the field.
    grid(&mut window);
    window.key(Modifiers::NONE, Key::Slash);
    window.type_text("evening");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert!(window.shows("Rows shown: 6 of 24") && window.shows("“evening”"));
    // Those that do not say it.
    window.click("“evening”");
    window.harness.get_by_role_and_label(Role::Switch, "Those that do not").click();
    window.run();
    window.click("Apply");
    fake.answer(&mut window);
    assert!(window.shows("Rows shown: 18 of 24") && window.shows("not “evening”"));
    window.click("Add a filter");
    window.click("Label…");
    window.harness.get_by_role_and_label(Role::MenuItemCheckBox, "good").click();
    window.run();
    window.click("Apply");
    fake.answer(&mut window);
    let n = fake.sets[1].rows.iter().filter(|row| {
        !row.value["text"].as_str().unwrap_or_default().contains("evening") && row.value["label"] == "good"
    });
    assert!(window.shows(&format!("Rows shown: {} of 24", n.count())));
    window.click("Remove filter: not “evening”");
    window.click("Remove filter: good");
    window.click("Add a filter");
    window.click("unlabelled");
    fake.answer(&mut window);
    assert!(window.shows("Rows shown: 3 of 24"));
    // Backspace in the empty field takes the last one away.
    into(&mut window, Role::TextInput, "Filter rows");
    window.key(Modifiers::NONE, Key::Backspace);
    fake.answer(&mut window);
    assert!(window.shows("Rows shown: 24"));
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
}

#[test]
fn a_changed_filter_stops_the_search_before_it() {
    let mut fake = Fake { finds: false, ..Fake::stocked() };
    let mut window = english(&mut fake, "Film reviews");
    fake.found(&mut window);
    fake.answer(&mut window);
    for words in ["warm", "funny"] {
        into(&mut window, Role::TextInput, "Filter rows");
        window.type_text(words);
        window.key(Modifiers::NONE, Key::Enter);
        fake.answer(&mut window);
    }
    let asked: Vec<JobId> = fake.finding.iter().map(|(job, _)| *job).collect();
    assert_eq!(asked.len(), 2);
    assert!(fake.orders.iter().any(|order| *order == Command::Cancel(asked[0])));
    let contains =
        |text: &str| Filter::Contains { text: text.to_owned(), column: None, case_sensitive: false };
    assert_eq!(fake.finding[1].1.filters, [contains("warm"), contains("funny")]);
    // What was there stays until rows have been found.
    assert!(window.shows_part("Row 1: Warm and funny, 0"));
}

#[test]
fn cells_are_written_in() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Film reviews");
    grid(&mut window);
    window.key(Modifiers::NONE, Key::Enter);
    window.type_text("Splendid");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert_eq!(fake.sets[1].texts("text")[0], "Splendid");
    // The keyboard is back with the rows.
    window.key(Modifiers::NONE, Key::ArrowDown);
    assert_eq!(selected(&window), ["Row 2:"]);
    window.key(Modifiers::NONE, Key::F2);
    fake.answer(&mut window);
    window.type_text("No");
    window.key(Modifiers::NONE, Key::Escape);
    fake.answer(&mut window);
    assert_eq!(
        fake.sets[1].texts("text")[1],
        "It drags from the first minute, 1",
        "Escape keeps what was there"
    );
    // From cell to cell: a number stays one.
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    window.type_text("Dull");
    window.key(Modifiers::NONE, Key::Tab);
    fake.answer(&mut window);
    window.type_text("worst");
    window.key(Modifiers::NONE, Key::Tab);
    fake.answer(&mut window);
    window.type_text("17");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    let row = &fake.sets[1].rows[1].value;
    assert_eq!(serde_json::json!(row), serde_json::json!({ "text": "Dull", "label": "worst", "stars": 17 }));
}

#[test]
fn rows_are_added_moved_and_pasted() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Film reviews");
    grid(&mut window);
    window.click("Add row");
    fake.answer(&mut window);
    window.type_text("New here");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert_eq!(fake.sets[1].texts("text")[1], "New here", "below the row that was at hand");
    assert_eq!(selected(&window), ["Row 25"]);
    window.key(Modifiers::ALT, Key::ArrowDown);
    fake.answer(&mut window);
    assert_eq!(fake.sets[1].texts("text")[2], "New here");
    window.key(Modifiers::ALT, Key::ArrowUp);
    fake.answer(&mut window);
    window.key(Modifiers::ALT, Key::ArrowUp);
    fake.answer(&mut window);
    assert_eq!(fake.sets[1].texts("text")[0], "New here");
    window.harness.event(Event::Paste("text\tstars\nA\t1\nB\t2\n".to_owned()));
    window.run();
    fake.answer(&mut window);
    assert_eq!(fake.sets[1].texts("text")[..3], ["New here", "A", "B"]);
    assert_eq!(selected(&window).len(), 2, "both are selected");
    window.click("Undo: Add row");
    fake.answer(&mut window);
    assert_eq!(fake.sets[1].texts("text").len(), 25);
}

#[test]
fn rows_are_dragged_by_their_numbers() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Film reviews");
    press(&mut window, "Row 2:", Modifiers::NONE);
    let (from, to) = (row_at(&window, "Row 2:"), row_at(&window, "Row 6:"));
    let from = from.left_center() + vec2(20.0, 0.0);
    let to = to.left_bottom() + vec2(20.0, 0.0);
    window.harness.event(Event::PointerMoved(from));
    window.harness.step();
    window.harness.drag_at(from);
    window.harness.step();
    window.harness.hover_at(to);
    window.harness.step();
    window.harness.drop_at(to);
    window.run();
    fake.answer(&mut window);
    let ids: Vec<u32> = fake.sets[1].rows.iter().take(7).map(|row| row.id.0).collect();
    assert_eq!(ids, [0, 2, 3, 4, 5, 1, 6]);
}

#[test]
fn rows_are_copied_as_json() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Film reviews");
    grid(&mut window);
    window.key(Modifiers::SHIFT, Key::ArrowDown);
    window.harness.event(Event::Copy);
    window.harness.step();
    let asked = window.commands();
    fake.orders.clear();
    let mut copied = None;
    for command in asked {
        if let Command::Fetch(id, glassworks_protocol::Query::Dataset(query)) = command
            && let Some(page) = fake.page(&query)
        {
            window
                .engine
                .outbox
                .send(glassworks_protocol::Event::Fetched(id, glassworks_protocol::Page::Dataset(page)));
            for _ in 0..4 {
                window.harness.step();
                for command in &window.harness.output().platform_output.commands {
                    if let egui::OutputCommand::CopyText(text) = command {
                        copied = Some(text.clone());
                    }
                }
            }
        }
    }
    let expected = "{\"text\":\"Warm and funny, 0\",\"label\":\"good\",\"stars\":0}\n{\"text\":\"It drags from the first minute, 1\",\"label\":\"bad\",\"stars\":1}";
    assert_eq!(copied.as_deref(), Some(expected));
}

#[test]
fn a_column_has_the_width_that_it_is_given() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Film reviews");
    let width =
        |window: &Window| window.harness.get_by_role_and_label(Role::ColumnHeader, "label").rect().width();
    let before = width(&window);
    window.focus("Width of label");
    window.key(Modifiers::NONE, Key::ArrowRight);
    assert_eq!(width(&window), before + 16.0);
    window.harness.state_mut().save();
    let kept = window.engine.commands.try_iter().find_map(|command| match command {
        Command::Edit(_, glassworks_protocol::Edit::SaveSettings(settings)) => settings.layout,
        _ => None,
    });
    fake.start.settings.layout = kept;
    let size = super::WIDE;
    let start = fake.start.clone();
    let again = fake.open(glassworks_protocol::text::Language::English, start.settings.theme, size);
    assert_eq!(width(&again), before + 16.0, "also after a restart");
}
