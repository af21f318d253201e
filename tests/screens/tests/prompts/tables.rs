//! A prompt over a table: rows written, stopped, gone on with, compared, brought in, and how it looks.

use super::*;

/// The table of the first prompt, with these topics.
fn table(
    fake: &mut Fake,
    topics: &[&str],
    (language, theme, size): (Language, ThemeChoice, (f32, f32)),
) -> Window {
    let id = fake.list[0].id;
    fake.topics(id, topics);
    let mut window = fake.open(language, theme, size);
    let word = language.get("prompts.tab_table").to_owned();
    window.harness.get_by_role_and_label(Role::RadioButton, &word).click();
    window.run();
    fake.answer(&mut window);
    window
}

const ENGLISH: (Language, ThemeChoice, (f32, f32)) = (Language::English, ThemeChoice::Dark, WIDE);

/// What was started: the run, as the engine would keep it, and its rows.
fn begun(fake: &mut Fake, window: &mut Window) -> (JobId, PromptRun, Vec<u64>) {
    let (job, asked) = fake.started(window);
    let PromptJob::Run { spec, rows } = asked else { panic!("{asked:?}") };
    let run = PromptRun {
        id: spec.run,
        prompt: spec.prompt,
        model_name: "SmolLM2-135M-Instruct".to_owned(),
        created_at_ms: glassworks_tests_screens::NOW_MS,
        spec: *spec,
    };
    let stored = PromptStored::Run(Arc::new(run.clone()));
    window.tell(Event::Stored(Stored::Prompt(stored)));
    (job, run, rows.expect("rows are named"))
}

/// A reply for some rows of a run.
fn reply(fake: &Fake, window: &mut Window, run: &PromptRun, rows: &[u64]) {
    let sheet = fake.tables[&run.prompt].sheet.clone();
    for row in sheet.rows.iter().filter(|row| rows.contains(&row.id)) {
        let text = format!(
            "Think of {} as something you meet every day: it is there before breakfast, version {}.",
            row.values["topic"], run.spec.version
        );
        fake.write(window, run, row.id, &row.values, &text);
    }
}

fn progress(window: &mut Window, job: JobId, done: u64, total: u64) {
    let stage = Text::new("job.running_prompt").arg("name", "SmolLM2-135M-Instruct");
    let progress = Progress { stage, done, total: Some(total), unit: Unit::Rows, per_sec: Some(1.4) };
    window.tell(Event::Progress(job, progress));
}

#[test]
fn rows_are_written_stopped_and_gone_on_with() {
    let mut fake = Fake::stocked();
    let mut window = table(&mut fake, &["rain", "glass", "tea", "light"], ENGLISH);
    window.click("Write 4 rows");
    let (job, run, rows) = begun(&mut fake, &mut window);
    assert_eq!((rows.as_slice(), run.spec.version), ([1, 2, 3, 4].as_slice(), 1));
    progress(&mut window, job, 1, 4);
    reply(&fake, &mut window, &run, &[1]);
    assert!(window.shows_part("1 / 4 rows"));
    let cell = window.harness.get_by_label("Reply, row 1");
    assert!(cell.accesskit_node().value().unwrap_or_default().starts_with("Think of rain"));
    assert!(is_off(&window, "Write 3 rows"), "one after the other");
    window.click("Stop writing rows");
    fake.answer(&mut window);
    assert!(fake.orders.contains(&Command::Cancel(job)));
    window.tell(Event::Settled(job, Outcome::Cancelled));
    window.click("Write 3 rows");
    let (job, again, rows) = begun(&mut fake, &mut window);
    assert_eq!((again.id, rows.as_slice()), (run.id, [2, 3, 4].as_slice()), "the same run goes on");
    reply(&fake, &mut window, &run, &[2, 3, 4]);
    let ran = PromptOutput::Ran { run: run.id, n_written: 3, n_failed: 0 };
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::Prompt(ran))));
    assert!(is_off(&window, "Write 0 rows"));

    // Another input: its reply is told to be of old, and that row alone is written again.
    write(&mut window, Role::TextInput, "topic, 2", "sand");
    rest(&mut fake, &mut window);
    assert_eq!(fake.tables[&run.prompt].sheet.rows[1].values["topic"], "sand");
    window.click("Reply, row 2");
    assert!(window.shows_part("Written for other inputs. topic: glass"));
    window.click("Write 1 row");
    let (job, _, rows) = begun(&mut fake, &mut window);
    assert_eq!(rows, [2]);
    reply(&fake, &mut window, &run, &[2]);
    assert!(!window.shows_part("Written for other inputs"));
    let failure = Failure::new(FailureKind::Io, Text::new("failure.store_disk_full"));
    window.tell(Event::Settled(job, Outcome::Failed(failure)));
    assert!(window.shows("Put aside"));
    window.click("Put aside");
    assert!(!window.shows("Put aside"));
}

#[test]
fn two_versions_stand_beside_each_other() {
    let mut fake = Fake::stocked();
    let mut window = table(&mut fake, &["rain", "glass"], ENGLISH);
    window.click("Write 2 rows");
    let (job, first, _) = begun(&mut fake, &mut window);
    reply(&fake, &mut window, &first, &[1, 2]);
    window.tell(Event::Settled(job, Outcome::Cancelled));
    window.harness.get_by_role_and_label(Role::RadioButton, "Prompt").click();
    window.run();
    write(&mut window, Role::MultilineTextInput, "Prompt", "{topic} for {age}, in short and {tone}");
    window.harness.get_by_role_and_label(Role::RadioButton, "Table").click();
    window.run();
    // What has just been written is kept as a version before it is run.
    window.click("Write 2 rows");
    let (job, second, _) = begun(&mut fake, &mut window);
    assert_eq!((second.spec.version, fake.of(first.prompt).version), (2, 2));
    assert_ne!(second.id, first.id);
    reply(&fake, &mut window, &second, &[1, 2]);
    window.tell(Event::Settled(job, Outcome::Cancelled));
    let cells = window.harness.query_all_by_label("Reply, row 1");
    let told: Vec<String> = cells.filter_map(|cell| cell.accesskit_node().value()).collect();
    assert_eq!(told.len(), 2);
    assert!(told[0].ends_with("version 2.") && told[1].ends_with("version 1."), "{told:?}");
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());

    window.click("More for this table");
    window.click("Export the table…");
    window.type_text("~/both");
    window.click("Export");
    let (_, job) = fake.started(&mut window);
    let PromptJob::ExportResults { runs, to, .. } = job else { panic!("{job:?}") };
    assert_eq!((runs, to.to_str()), (vec![second.id, first.id], Some("/home/ada/both.csv")));
}

#[test]
fn rows_come_by_hand_from_a_spreadsheet_and_out_of_a_file() {
    let mut fake = Fake::stocked();
    let mut window = table(&mut fake, &[], ENGLISH);
    let id = fake.list[0].id;
    assert!(is_off(&window, "Write 0 rows") && window.shows("topic, 1"), "a row to begin with");
    write(&mut window, Role::TextInput, "topic, 1", "rain");
    window.key(Modifiers::NONE, Key::Enter);
    window.type_text("glass");
    window.harness.event(egui::Event::Paste("tea\t7\tplain\nlight\t8\n".to_owned()));
    rest(&mut fake, &mut window);
    let said = |fake: &Fake| -> Vec<String> {
        fake.tables[&id].sheet.rows.iter().map(|row| row.values["topic"].clone()).collect()
    };
    assert_eq!(said(&fake), ["rain", "tea", "light"]);
    assert_eq!(fake.tables[&id].sheet.rows[1].values["age"], "7");
    window.click("Row 1");
    window.click("Remove");
    rest(&mut fake, &mut window);
    assert_eq!(said(&fake), ["tea", "light"]);
    window.click("Bring the row back");
    rest(&mut fake, &mut window);
    assert_eq!(said(&fake), ["rain", "tea", "light"]);

    window.click("Rows from a file…");
    window.type_text("~/topics.csv");
    window.click("Read");
    fake.answer(&mut window);
    assert!(window.shows("Column for topic: Topic"), "columns of the same name are found");
    window.click("Column for Age: no column");
    window.click("years");
    window.click("Add 2 rows");
    rest(&mut fake, &mut window);
    assert_eq!(said(&fake), ["rain", "tea", "light", "snow", "salt"]);
    assert_eq!(fake.tables[&id].sheet.rows[4].values["age"], "12");
}

#[test]
fn of_a_thousand_rows_those_in_sight_are_drawn() {
    let topics: Vec<String> = (0..1000).map(|n| format!("topic {n}")).collect();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let mut fake = Fake::stocked();
    let mut window = table(&mut fake, &topics, ENGLISH);
    let shown = window.harness.query_all_by_label_contains("topic, ").count();
    assert!((5..30).contains(&shown), "{shown}");
    assert!(is_off(&window, "Add a row"), "it is full");
    window.click("Write 1,000 rows");
    let (_, _, rows) = begun(&mut fake, &mut window);
    assert_eq!(rows.len(), 1000);
}

#[test]
fn pictures_of_tables() {
    let mut all = SnapshotResults::new();
    let topics = ["why the sky is blue", "how glass is made", "where rain comes from", "what a fraction is"];
    for (language, theme, size, name) in [
        (Language::English, ThemeChoice::Dark, WIDE, "prompts_table_dark"),
        (Language::Chinese, ThemeChoice::Light, WIDE, "prompts_table_light_chinese"),
        (Language::English, ThemeChoice::Dark, NARROW, "prompts_table_narrow"),
    ] {
        let mut fake = Fake::stocked();
        let mut window = table(&mut fake, &topics, (language, theme, size));
        let press = |fake: &mut Fake, window: &mut Window| {
            window.click(&language.format("prompts.write_n", &[("n", &"4")]));
            begun(fake, window)
        };
        let (job, first, _) = press(&mut fake, &mut window);
        reply(&fake, &mut window, &first, &[1, 2, 3, 4]);
        window.tell(Event::Settled(job, Outcome::Cancelled));
        if size == WIDE {
            let id = fake.list[0].id;
            let words = language.get("prompts.tab_write").to_owned();
            window.harness.get_by_role_and_label(Role::RadioButton, &words).click();
            window.run();
            let name = language.get("prompts.text");
            write(&mut window, Role::MultilineTextInput, name, "{topic}, for pupils of {age}, {tone}");
            let words = language.get("prompts.tab_table").to_owned();
            window.harness.get_by_role_and_label(Role::RadioButton, &words).click();
            window.run();
            let (job, second, _) = press(&mut fake, &mut window);
            assert_eq!(second.prompt, id);
            reply(&fake, &mut window, &second, &[1, 2]);
            progress(&mut window, job, 2, 4);
        }
        window.picture(&mut all, name);
    }
}
