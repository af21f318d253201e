//! The predict pane: its four states in both languages, what a start sends, the table, mending by keys and by mouse,
//! learning again, and how it looks.

mod fake;

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use fake::{Fake, REVIEWS, WIDE};
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::JobId;
use glassworks_protocol::predict::{Mend, PredictSpec, WhichRows};
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::train::{MethodSpec, RunPart, TrainJob, TunedSource};
use glassworks_protocol::{
    Command, Event, Failure, FailureKind, JobOutput, JobSpec, Outcome, Progress, Query, RequestId, Unit,
};
use glassworks_tests_screens::{NodeT, Queryable, Window};
use std::sync::Arc;

fn english(fake: &mut Fake) -> Window {
    fake.open(Language::English, ThemeChoice::Dark, WIDE)
}

fn choose_reviews(fake: &mut Fake, window: &mut Window) {
    let say = |key: &str| window.harness.state().model().language().get(key).to_owned();
    let (change, reviews) = (say("predict.change_data"), say("finetune.sample_reviews"));
    window.click(&change);
    window.click(&reviews);
    fake.answer(window);
}

fn begun(fake: &mut Fake, window: &mut Window) -> (JobId, PredictSpec) {
    match fake.started(window) {
        (job, JobSpec::Predict(spec)) => (job, *spec),
        (_, other) => panic!("{other:?}"),
    }
}

fn progress(window: &mut Window, job: JobId, done: u64) {
    let stage = Text::new("job.predicting").arg("name", "reviews.csv");
    let progress = Progress { stage, done, total: Some(10_070), unit: Unit::Rows, per_sec: Some(41.2) };
    window.tell(Event::Progress(job, progress));
}

/// The rows of a finished prediction, looked at.
fn looking(fake: &mut Fake, language: Language, theme: ThemeChoice, size: (f32, f32)) -> Window {
    fake.add(fake.n_rows, true);
    let mut window = fake.open(language, theme, size);
    let title = language.format("predict.row_title", &[("file", &"reviews.csv"), ("column", &"text")]);
    window.click(&language.format("predict.look_at", &[("name", &title)]));
    fake.answer(&mut window);
    window
}

fn key(fake: &mut Fake, window: &mut Window, key: Key) {
    window.key(Modifiers::NONE, key);
    fake.answer(window);
}

fn is_off(window: &Window, label: &str) -> bool {
    window.harness.get_by_role_and_label(Role::Button, label).accesskit_node().is_disabled()
}

/// The number of the row that is looked at.
fn at_row(window: &Window, n: &str) -> bool {
    window.shows(&format!("Row {n}"))
}

#[test]
fn four_states_in_both_languages() {
    for language in Language::ALL {
        let say = |key: &str| language.get(key).to_owned();
        let mut fake = Fake::new();
        let mut window = fake.open(language, ThemeChoice::Dark, WIDE);
        assert!(window.shows(&say("finetune.no_data")) && window.shows(&say("predict.none")));
        assert!(is_off(&window, &say("predict.start")) && window.shows(&say("predict.off_no_data")));
        assert!(window.shows("Reviews"), "the newest head is chosen");
        choose_reviews(&mut fake, &mut window);
        assert!(window.shows("reviews.csv") && !is_off(&window, &say("predict.start")));
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());

        window.click(&say("predict.start"));
        let (job, _) = begun(&mut fake, &mut window);
        progress(&mut window, job, 1203);
        assert!(window.harness.query_all_by_role(Role::ProgressIndicator).next().is_some());
        assert!(window.shows_part("1,203 / 10,070"));
        let failure = Failure::new(FailureKind::Memory, Text::new("failure.out_exists").arg("path", "x"));
        window.tell(Event::Settled(job, Outcome::Failed(failure)));
        fake.answer(&mut window);
        assert!(window.shows(&language.format("failure.out_exists", &[("path", &"x")])));
        window.click(&say("predict.put_aside"));
        assert!(!window.shows_part("x already"));

        let mut window = looking(&mut fake, language, ThemeChoice::Dark, WIDE);
        assert!(window.shows(&language.format("predict.n_rows", &[("n", &"10,070")])));
        assert!(window.shows(&language.format("predict.row_n", &[("row", &"1")])));
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
        window.click(&say("predict.back"));
        assert!(window.shows(&say("predict.start")));
    }
}

fn fake_record(fake: &mut Fake) -> glassworks_protocol::predict::PredictionRecord {
    fake.add(3, true);
    fake.list.remove(0)
}

#[test]
fn a_file_that_is_gone_is_told_with_the_way_on() {
    let mut fake = Fake::new();
    let id = fake.add(60, true);
    let mut window = english(&mut fake);
    window.click("Look at reviews.csv, text");
    let asked = |window: &mut Window| {
        window.commands().into_iter().find_map(|command| match command {
            Command::Fetch(query, Query::PredictedRows { prediction, .. }) => {
                assert_eq!(prediction, id);
                Some(query)
            }
            _ => None,
        })
    };
    let query = asked(&mut window).expect("rows are asked for");
    assert!(window.shows("Reading the rows"));
    let failure =
        Failure::new(FailureKind::Missing, Text::new("failure.predicted_file_gone").arg("file", "a.csv"))
            .hint(Text::new("failure.predicted_file_gone_hint"));
    window.tell(Event::Refused(RequestId::Query(query), failure));
    assert!(window.shows("a.csv is not there any more"));
    assert!(asked(&mut window).is_none(), "it does not ask for ever");
    window.click("Read again");
    fake.answer(&mut window);
    assert!(window.shows("10,070 rows"));
}

#[test]
fn the_start_sends_what_is_shown_and_its_end_shows_the_rows() {
    let mut fake = Fake::new();
    let mut window = english(&mut fake);
    choose_reviews(&mut fake, &mut window);
    window.click("Choose a column");
    window.click("year");
    assert!(window.shows_part("Written to /home/ada/.local/share/glassworks/predictions/reviews-"));
    window.click("Start predicting");
    let (job, spec) = begun(&mut fake, &mut window);
    assert_eq!((spec.data.to_str(), spec.column.as_str(), &spec.template), (Some(REVIEWS), "year", &None));
    let tuned = TunedSource { run: fake.run.id, part: RunPart::Result, strength: 1.0 };
    assert_eq!((spec.tuned, &spec.model), (Some(tuned), &fake.run.spec.model));
    assert!(is_off(&window, "Start predicting") && window.shows("Rows are being predicted"));
    progress(&mut window, job, 160);
    window.click("Pause: Predicting reviews.csv");
    fake.answer(&mut window);
    assert!(fake.orders.contains(&Command::Cancel(job)));

    // It had gone on to the end before it heard.
    let record = fake_record(&mut fake);
    let id = spec.keep.expect("kept");
    fake.list.push(glassworks_protocol::predict::PredictionRecord { id, spec, ..record });
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::Predicted(Arc::default()))));
    fake.answer(&mut window);
    assert!(at_row(&window, "1"), "what was waited for is shown");
}

#[test]
fn what_was_stopped_goes_on_and_what_is_not_wanted_is_removed() {
    let mut fake = Fake::new();
    fake.n_rows = 1203;
    let id = fake.add(1203, false);
    let mut window = english(&mut fake);
    assert!(window.shows_part("Stopped after 1,203 rows by Reviews"));
    window.click("Go on from row 1,204");
    let (job, spec) = begun(&mut fake, &mut window);
    assert_eq!(spec, fake.list[0].spec);
    progress(&mut window, job, 1216);
    window.tell(Event::Settled(job, Outcome::Cancelled));
    fake.answer(&mut window);
    window.click("Look at reviews.csv, text");
    fake.answer(&mut window);
    assert!(window.shows("Goes on from row 1,204"));
    window.click("Back to all predictions");
    window.click("More: reviews-3f9a.csv");
    window.click("Remove…");
    assert!(window.shows_part("The rows predicted so far are deleted"));
    window.click("Remove");
    fake.answer(&mut window);
    assert!(fake.list.is_empty() && window.shows("Nothing predicted yet"), "{id}");
}

#[test]
fn a_model_that_writes_is_asked_with_columns_in_braces() {
    let mut fake = Fake::new();
    let mut window = english(&mut fake);
    choose_reviews(&mut fake, &mut window);
    assert!(!window.shows("Longest answer"), "a head is not asked");
    window.click("Choose what predicts");
    window.click("SmolLM2-135M-Instruct");
    assert!(window.shows("writes an answer"));
    window.harness.get_by_role_and_label(Role::MultilineTextInput, "Prompt").focus();
    window.run();
    window.type_text("Good or bad? {text}");
    window.click("Start predicting");
    let (_, spec) = begun(&mut fake, &mut window);
    assert_eq!(spec.template.as_deref(), Some("Good or bad? {text}"));
    assert_eq!((spec.tuned, spec.max_new_tokens), (None, 64));
    assert_eq!(spec.model, ModelSource::Library(fake.start.models[1].id));
}

#[test]
fn a_hundred_thousand_rows_are_asked_for_as_they_come_into_sight() {
    let mut fake = Fake { n_rows: 100_000, ..Fake::new() };
    let mut window = looking(&mut fake, Language::English, ThemeChoice::Dark, WIDE);
    assert_eq!(fake.pages_asked, 1);
    key(&mut fake, &mut window, Key::End);
    assert!(at_row(&window, "100,000"));
    assert!(fake.pages_asked <= 3, "{}", fake.pages_asked);
    for _ in 0..40 {
        key(&mut fake, &mut window, Key::PageUp);
    }
    assert!(fake.pages_asked < 20, "{}", fake.pages_asked);
    let shown = window.harness.query_all_by_role(Role::ListItem).count();
    assert!((10..40).contains(&shown), "{shown} rows are drawn");
    key(&mut fake, &mut window, Key::Home);
    assert!(at_row(&window, "1"));
}

#[test]
fn rows_are_ordered_found_and_filtered_by_the_engine() {
    let mut fake = Fake::new();
    let mut window = looking(&mut fake, Language::English, ThemeChoice::Dark, WIDE);
    window.click("Order: As in the file");
    window.click("Least sure first");
    fake.answer(&mut window);
    assert!(window.shows("By how far the first label is ahead of the second"));
    let least = (0..fake.n_rows)
        .min_by(|a, b| fake.row(*a).probability.partial_cmp(&fake.row(*b).probability).expect("numbers"));
    let least = least.expect("a row") + 1;
    assert!(at_row(&window, &least.to_string()), "{least}");
    window.click("Order: Least sure first");
    window.click("Wrong first");
    fake.answer(&mut window);
    assert!(at_row(&window, "4"), "the first that is wrong");
    window.click("Answers: All answers");
    window.click("good: 5,035");
    fake.answer(&mut window);
    assert!(window.shows("5,035 of 10,070 rows"));
    window.harness.get_by_role_and_label(Role::TextInput, "Find in the texts").focus();
    window.run();
    window.type_text("sequel");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert!(window.shows("1,007 of 10,070 rows"));
    window.harness.get_by_role_and_label(Role::TextInput, "Find in the texts").focus();
    window.run();
    window.type_text(" nowhere");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    assert!(window.shows("No such rows"));
}

#[test]
fn rows_are_mended_by_keys_alone_and_taken_back() {
    let mut fake = Fake::new();
    let mut window = looking(&mut fake, Language::English, ThemeChoice::Dark, WIDE);
    let mend = |answer: &str, confirmed| Mend { answer: answer.to_owned(), confirmed };
    key(&mut fake, &mut window, Key::Num1);
    assert_eq!(fake.mends.get(&0), Some(&mend("bad", false)));
    assert!(at_row(&window, "2") && window.shows("1 mended"), "it goes on to the next");
    key(&mut fake, &mut window, Key::Enter);
    assert_eq!(fake.mends.get(&1), Some(&mend("bad", true)));
    assert!(window.shows("1 confirmed"));
    key(&mut fake, &mut window, Key::ArrowDown);
    key(&mut fake, &mut window, Key::Num2);
    assert_eq!(fake.mends.get(&3), Some(&mend("good", false)));
    key(&mut fake, &mut window, Key::ArrowUp);
    key(&mut fake, &mut window, Key::Backspace);
    assert_eq!(fake.mends.get(&3), None);
    window.key(Modifiers::COMMAND, Key::Z);
    fake.answer(&mut window);
    assert_eq!(fake.mends.get(&3), Some(&mend("good", false)));
    window.key(Modifiers::COMMAND, Key::Z);
    window.key(Modifiers::COMMAND, Key::Z);
    fake.answer(&mut window);
    assert_eq!(fake.mends.len(), 1);
    // By mouse: a row, then its label beside it.
    window.harness.get_by_label_contains("Row 6: ").click();
    window.run();
    fake.answer(&mut window);
    assert!(at_row(&window, "6"));
    window.harness.get_by_role_and_label(Role::RadioButton, "good").click();
    window.run();
    fake.answer(&mut window);
    assert_eq!(fake.mends.get(&5), Some(&mend("good", false)));
    window.click("Mended and confirmed");
    fake.answer(&mut window);
    assert!(window.shows("2 of 10,070 rows"));
    // While words are typed, numbers are words.
    window.harness.get_by_role_and_label(Role::TextInput, "Find in the texts").focus();
    window.run();
    let before = fake.mends.clone();
    window.key(Modifiers::NONE, Key::Num2);
    fake.answer(&mut window);
    assert_eq!(fake.mends, before);
}

#[test]
fn a_written_answer_is_written_anew() {
    let mut fake = Fake { writes: true, ..Fake::new() };
    let mut window = looking(&mut fake, Language::English, ThemeChoice::Dark, WIDE);
    assert!(!window.shows("Order: Least sure first") && window.shows("What is right"));
    window.harness.get_by_role_and_label(Role::MultilineTextInput, "The right answer").focus();
    window.run();
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("neither");
    window.click("Keep this answer");
    fake.answer(&mut window);
    let mend = Mend { answer: "neither".to_owned(), confirmed: false };
    assert_eq!(fake.mends.get(&0), Some(&mend));
}

#[test]
fn what_was_mended_is_learned_with_the_recipe_of_the_run() {
    let mut fake = Fake::new();
    let mut window = looking(&mut fake, Language::English, ThemeChoice::Dark, WIDE);
    window.click("Train again");
    assert!(!is_off(&window, "Write and open Fine-tune"), "all rows, as none is mended");
    window.click("Mended and confirmed: 0");
    assert!(is_off(&window, "Write and open Fine-tune"));
    window.key(Modifiers::NONE, Key::Escape);
    key(&mut fake, &mut window, Key::Num1);
    key(&mut fake, &mut window, Key::Enter);
    window.click("Train again");
    window.click("Write and open Fine-tune");
    let spec = fake.write_rows(&mut window);
    assert_eq!((spec.which, spec.prediction), (WhichRows::Looked, fake.list[0].id));
    assert!(spec.out.starts_with("/home/ada/.local/share/glassworks/datasets"));
    assert!(window.shows("Sort by label") && window.shows("SmolLM2-135M-Instruct"));
    let name = spec.out.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(window.shows(&name));
    let check = fake.orders.iter().rev().find_map(|order| match order {
        Command::Start(_, JobSpec::CheckData(spec)) => Some(spec.clone()),
        _ => None,
    });
    let check = check.expect("the rows are read");
    assert_eq!(check.data.files, [spec.out]);
    let MethodSpec::Lora(lora) = &check.method else { panic!("adapters") };
    assert_eq!((lora.rank, check.task.classifies()), (6, true));
}

#[test]
fn a_run_that_sorts_leads_here() {
    let mut fake = Fake::new();
    fake.start = glassworks_tests_screens::fixtures::start_on("runs");
    fake.run = fake::head(ModelSource::Library(fake.start.models[1].id));
    let mut window = english(&mut fake);
    window.click("Predict with this");
    fake.answer(&mut window);
    assert!(window.shows("sorts by 2 labels, result, step 717"), "its head is chosen");
    assert!(
        !fake
            .orders
            .iter()
            .any(|order| matches!(order, Command::Start(_, JobSpec::Train(TrainJob::New { .. }))))
    );
}

#[test]
fn pictures() {
    let mut all = SnapshotResults::new();
    let mut fake = Fake::new();
    let mut window = english(&mut fake);
    window.picture(&mut all, "predict_empty");

    let mut fake = Fake::new();
    fake.add(10_070, true);
    fake.add(1203, false);
    let mut window = fake.open(Language::English, ThemeChoice::Light, WIDE);
    choose_reviews(&mut fake, &mut window);
    window.click("Start predicting");
    let (job, spec) = begun(&mut fake, &mut window);
    let record = fake_record(&mut fake);
    let id = spec.keep.expect("kept");
    fake.list.insert(0, glassworks_protocol::predict::PredictionRecord { id, spec, done: false, ..record });
    let told = Arc::new(fake.list[0].clone());
    window.tell(Event::Stored(glassworks_protocol::Stored::Prediction(told)));
    progress(&mut window, job, 412);
    window.picture(&mut all, "predict_running_light");

    let mut fake = Fake::new();
    let mut window = fake.open(Language::Chinese, ThemeChoice::Dark, (1024.0, 700.0));
    choose_reviews(&mut fake, &mut window);
    window.click("选择用什么预测");
    window.click("SmolLM2-135M-Instruct");
    window.picture(&mut all, "predict_writes_chinese_narrow");

    for (language, theme, size, name) in [
        (Language::English, ThemeChoice::Dark, WIDE, "predict_rows_dark"),
        (Language::Chinese, ThemeChoice::Light, WIDE, "predict_rows_light_chinese"),
        (Language::English, ThemeChoice::Dark, (1024.0, 700.0), "predict_rows_narrow"),
    ] {
        let mut fake = Fake::new();
        let mut window = looking(&mut fake, language, theme, size);
        key(&mut fake, &mut window, Key::Num1);
        key(&mut fake, &mut window, Key::Enter);
        key(&mut fake, &mut window, Key::ArrowDown);
        window.picture(&mut all, name);
    }

    let mut fake = Fake { writes: true, ..Fake::new() };
    let mut window = looking(&mut fake, Language::English, ThemeChoice::Light, WIDE);
    window.picture(&mut all, "predict_rows_written_light");
    window.click("Train again");
    window.picture(&mut all, "predict_again_light");
}
