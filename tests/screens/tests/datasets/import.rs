//! Data in: looked at before anything is kept, imported by a job, bad rows mended; rows out.

use super::fake::{Fake, column, row};
use super::{english, into};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::SnapshotResults;
use glassworks_protocol::datasets::export::{ExportFormat, ExportReport};
use glassworks_protocol::datasets::import::{
    BadRow, FileFormat, FoundFile, ImportPreview, ImportReport, ImportSource, TextEncoding,
};
use glassworks_protocol::datasets::{
    ColumnKind, DataTask, DatasetJob, DatasetOutput, Mapping, Role as ColumnRole,
};
use glassworks_protocol::ids::JobId;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Event, Failure, FailureKind, Outcome, Progress, Unit};
use glassworks_tests_screens::{Queryable, Window};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

fn preview() -> ImportPreview {
    let columns = vec![
        column("id", ColumnKind::Number),
        column("Bewertung", ColumnKind::Text),
        column("Urteil", ColumnKind::Text),
    ];
    let texts = ["Warm und witzig", "Zieht sich von der ersten Minute an", "影片节奏很好，值得再看一遍"];
    let said = ["gut", "schlecht"];
    let rows = (0..60)
        .map(|at| row(json!({ "id": at, "Bewertung": texts[at % 3], "Urteil": said[at % 2] })))
        .collect();
    let bad = |n, at| BadRow {
        n,
        file: "reviews.csv".to_owned(),
        row: at,
        reason: Text::new("datasets.import_no_rows"),
        text: format!("{at},\"never closed"),
        whole: true,
    };
    ImportPreview {
        files: vec![FoundFile {
            name: "reviews.csv".to_owned(),
            n_bytes: 1_812_004,
            format: FileFormat::Table,
            encoding: Some(TextEncoding::Gbk),
            separator: Some(';'),
            compression: None,
            header: Some(true),
            split: None,
        }],
        passed_over: Vec::new(),
        mapping: Mapping::guess(&columns),
        columns,
        rows,
        bad: vec![bad(0, 17), bad(1, 40)],
        n_bytes: 1_812_004,
        whole: false,
    }
}

/// Drops a file; the look at it that is asked for.
fn drop_file(fake: &mut Fake, window: &mut Window, path: &str) -> (JobId, ImportSource) {
    window.harness.state_mut().open_files(vec![PathBuf::from(path)]);
    window.run();
    match fake.started(window) {
        (job, DatasetJob::Preview(spec)) => (job, spec.source),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_dropped_file_is_looked_at_mapped_and_imported() {
    let mut fake = Fake::new();
    let mut window = fake.open(Language::English, ThemeChoice::Dark, super::WIDE);
    let (job, source) = drop_file(&mut fake, &mut window, "/home/ada/reviews.csv");
    assert_eq!(source, ImportSource::Files(vec!["/home/ada/reviews.csv".into()]));
    fake.done(&mut window, job, DatasetOutput::Preview(Arc::new(preview())));
    assert!(window.shows_part("As found: Table (CSV, TSV)") && window.shows_part("As found: GBK"));
    assert!(window.shows_part("2 of them cannot be read"));
    // No header that anybody could know: the guess is plain text, and another task says what it lacks.
    window.click_part("Task: ");
    window.click("Classification");
    assert!(window.shows_part("Still needed: Text, Label") || window.shows_part("Still needed: Label"));
    window.click_part("What Bewertung is: ");
    window.click("Text");
    window.click_part("What Urteil is: ");
    window.click("Label");
    assert!(window.shows("Every column it needs is there"));
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    // Another separator is another look; what was chosen stays.
    window.click_part("Separator: ");
    window.click("Comma");
    let (job, look) = fake.started(&mut window);
    let DatasetJob::Preview(spec) = look else { panic!("{look:?}") };
    assert_eq!(spec.options.separator, Some(','));
    fake.done(&mut window, job, DatasetOutput::Preview(Arc::new(preview())));
    assert!(window.shows("Every column it needs is there"));

    window.click("Import");
    let (job, import) = fake.started(&mut window);
    let DatasetJob::Import(spec) = import else { panic!("{import:?}") };
    assert_eq!((spec.name.as_str(), spec.append), ("reviews", false));
    let mapping = spec.mapping.clone().expect("as chosen");
    assert_eq!(mapping.task, DataTask::Classification);
    assert_eq!(mapping.column(ColumnRole::Label), Some("Urteil"));
    let progress = Progress {
        stage: Text::new("datasets.job_import").arg("name", "reviews"),
        done: 700_000,
        total: Some(1_812_004),
        unit: Unit::Bytes,
        per_sec: Some(150e6),
    };
    window.tell(Event::Progress(job, progress));
    assert!(window.shows("Importing reviews"));

    // It is there: opened, and what could not be read is told.
    let id = fake.add(
        "reviews",
        preview().columns,
        preview().rows.into_iter().map(|row| (json!(row), None)).collect(),
    );
    let set = fake.set(id);
    set.record.id = spec.dataset;
    set.record.mapping = mapping;
    set.bad = preview().bad;
    set.record.n_bad = 2;
    let record = Arc::new(set.record.clone());
    let stored = glassworks_protocol::datasets::DatasetStored::Dataset(record);
    window.tell(Event::Stored(glassworks_protocol::Stored::Dataset(stored)));
    let report = ImportReport { dataset: spec.dataset, n_rows: 60, n_bad: 2, n_bytes: 1_812_004, secs: 0.1 };
    fake.done(&mut window, job, DatasetOutput::Imported(Arc::new(report)));
    assert!(window.shows_part("60 rows imported, 2 could not be read"));
    assert!(window.shows_part("Row 1: "));
    window.click("Show them");
    fake.answer(&mut window);
    assert!(window.shows("reviews.csv, row 17"));
}

#[test]
fn what_cannot_be_read_is_said_with_a_way_back() {
    let mut fake = Fake::new();
    let mut window = fake.open(Language::English, ThemeChoice::Dark, super::WIDE);
    let (job, _) = drop_file(&mut fake, &mut window, "/home/ada/broken.parquet");
    let failure = Failure::new(FailureKind::Input, Text::new("failure.store_busy"));
    window.tell(Event::Settled(job, Outcome::Failed(failure)));
    assert!(window.shows(Language::English.get("failure.store_busy")));
    window.click("Choose something else");
    assert!(window.shows("Choose a folder…"));
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Paste text"));
}

#[test]
fn text_is_pasted_into_the_list_of_datasets() {
    let mut fake = Fake::new();
    let mut window = fake.open(Language::English, ThemeChoice::Dark, super::WIDE);
    window.harness.event(egui::Event::Paste("a\tb\n1\t2\n".to_owned()));
    window.run();
    let (_, look) = fake.started(&mut window);
    let DatasetJob::Preview(spec) = look else { panic!("{look:?}") };
    assert_eq!(spec.source, ImportSource::Text("a\tb\n1\t2\n".to_owned()));
}

#[test]
fn a_table_dropped_on_the_playground_is_data() {
    let mut fake = Fake::new();
    fake.start.settings.layout = Some(json!({ "slots": ["playground"] }));
    let mut window = Window::new(fake.start.clone());
    let (_, source) = drop_file(&mut fake, &mut window, "/home/ada/rows.jsonl.gz");
    assert_eq!(source, ImportSource::Files(vec!["/home/ada/rows.jsonl.gz".into()]));
}

fn with_bad(fake: &mut Fake) {
    let bad = |n: u64| BadRow {
        n,
        file: "talks.jsonl".to_owned(),
        row: 100 + n,
        reason: Text::new("datasets.import_no_rows"),
        text: format!("{{\"question\": \"Why {n}\", \"answer\": \"cut"),
        whole: true,
    };
    let set = &mut fake.sets[0];
    set.bad = (0..3).map(bad).collect();
    set.record.n_bad = 3;
}

#[test]
fn bad_rows_are_mended_dismissed_and_exported() {
    let mut fake = Fake::stocked();
    with_bad(&mut fake);
    let mut window = english(&mut fake, "Tutoring talks");
    window.click("Could not be read");
    fake.answer(&mut window);
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    // What is no row yet says why.
    window.click("Save as a row");
    fake.answer(&mut window);
    assert!(window.shows("No row can be read: look at the format and the encoding"));
    into(&mut window, Role::MultilineTextInput, "The row, to be mended");
    window.key(Modifiers::COMMAND, Key::A);
    window.type_text("{\"question\": \"Why 0\", \"answer\": \"So\"}");
    window.key(Modifiers::COMMAND, Key::Enter);
    fake.answer(&mut window);
    assert_eq!(fake.sets[0].texts("question")[40], "Why 0");
    assert_eq!(fake.sets[0].record.n_bad, 2);
    assert!(!window.shows("talks.jsonl, row 100") && window.shows("talks.jsonl, row 101"));
    window.click("Dismiss");
    fake.answer(&mut window);
    assert_eq!(fake.sets[0].bad.iter().map(|bad| bad.n).collect::<Vec<_>>(), [2]);
    window.click("Export them…");
    into(&mut window, Role::TextInput, "Path of a file or folder");
    window.type_text("~/bad");
    window.key(Modifiers::NONE, Key::Enter);
    let (_, job) = fake.started(&mut window);
    let DatasetJob::ExportBad { to, replace, .. } = job else { panic!("{job:?}") };
    assert_eq!((to, replace), (PathBuf::from("/home/ada/bad.txt"), false));
}

/// They are told among the problems, and where there is no row at all.
#[test]
fn what_waits_to_be_mended_is_a_problem() {
    let mut fake = Fake::stocked();
    with_bad(&mut fake);
    let mut window = english(&mut fake, "Tutoring talks");
    let at = |label: &str| window.harness.get_by_label(label).rect().top();
    assert!(at("Could not be read") > at("Problems") && at("Could not be read") < at("In train and test"));
    window.click("Overview");
    fake.answer(&mut window);
    window.harness.get_by_label_contains("Could not be read: 3").click();
    fake.answer(&mut window);
    assert!(window.shows("talks.jsonl, row 100"));
    fake.sets[0].rows.clear();
    fake.sets[0].count();
    let window = english(&mut fake, "Tutoring talks");
    assert!(window.shows("Could not be read") && window.shows("Problems"));
}

#[test]
fn rows_go_out_as_a_person_says() {
    let mut fake = Fake::stocked();
    let mut window = english(&mut fake, "Film reviews");
    into(&mut window, Role::TextInput, "Filter rows");
    window.type_text("evening");
    window.key(Modifiers::NONE, Key::Enter);
    fake.answer(&mut window);
    window.click("Export…");
    window.click("Parquet");
    window.click_part("Rows: ");
    window.click_part("Those shown");
    into(&mut window, Role::TextInput, "Path of a file or folder");
    window.type_text("/tmp/out");
    window.click("Export");
    let (id, job) = fake.started(&mut window);
    let DatasetJob::Export(spec) = job else { panic!("{job:?}") };
    assert_eq!((spec.format, spec.to.clone()), (ExportFormat::Parquet, PathBuf::from("/tmp/out.parquet")));
    assert_eq!(spec.rows.map(|rows| rows.len()), Some(6));
    let report = ExportReport { to: spec.to.clone(), n_rows: 6, n_bytes: 800 };
    fake.done(&mut window, id, DatasetOutput::Exported(Arc::new(report)));
    assert!(window.shows_part("6 rows written to out.parquet"));
    window.click("Show");
    assert_eq!(window.host.borrow().revealed, [PathBuf::from("/tmp/out.parquet")]);
}

#[test]
fn how_data_comes_in() {
    let mut all = SnapshotResults::new();
    let mut fake = Fake::stocked();
    with_bad(&mut fake);
    let mut window = fake.open(Language::English, ThemeChoice::Dark, super::WIDE);
    let (job, _) = drop_file(&mut fake, &mut window, "/home/ada/reviews.csv");
    fake.done(&mut window, job, DatasetOutput::Preview(Arc::new(preview())));
    window.picture(&mut all, "datasets-import");
    let mut window = fake.open_on("Tutoring talks", Language::English, ThemeChoice::Light, super::WIDE);
    window.click("Could not be read");
    fake.answer(&mut window);
    window.picture(&mut all, "datasets-bad-light");
    fake.start.settings.layout = Some(json!({ "slots": ["datasets"] }));
    let mut window = fake.open(Language::Chinese, ThemeChoice::Light, super::NARROW);
    let (job, _) = drop_file(&mut fake, &mut window, "/home/ada/reviews.csv");
    fake.done(&mut window, job, DatasetOutput::Preview(Arc::new(preview())));
    window.picture(&mut all, "datasets-import-narrow-zh");
}
