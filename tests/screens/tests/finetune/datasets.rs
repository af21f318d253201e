//! Learning from a dataset that is kept: chosen in the dialog or brought by its pane, read anew when it changes, its
//! rows a press away.

use super::*;
use glassworks_protocol::datasets::{
    ColumnKind, ColumnRecord, DatasetPage, DatasetQuery, DatasetRecord, DatasetStored, Mapping,
};
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::{Stored, dataset::DataSpec};

fn record(name: &str, columns: &[(&str, ColumnKind)]) -> DatasetRecord {
    let column = |(name, kind): &(&str, ColumnKind)| ColumnRecord { name: (*name).to_owned(), kind: *kind };
    let columns: Vec<ColumnRecord> = columns.iter().map(column).collect();
    DatasetRecord {
        id: DatasetId::mint(),
        name: name.to_owned(),
        mapping: Mapping::guess(&columns),
        columns,
        n_rows: 4012,
        n_by_split: [3612, 200, 200, 0],
        n_bytes: 1 << 20,
        n_bad: 0,
        version: 2,
        revision: 7,
        undo: None,
        redo: None,
        origin: "tutor.jsonl".to_owned(),
        notes: String::new(),
        licence: String::new(),
        starter: false,
        created_at_ms: 1,
        changed_at_ms: 1,
        trashed_at_ms: None,
    }
}

fn chat() -> DatasetRecord {
    record("Tutor", &[("prompt", ColumnKind::Text), ("completion", ColumnKind::Text)])
}

fn labelled() -> DatasetRecord {
    record("Reviews", &[("text", ColumnKind::Text), ("label", ColumnKind::Text)])
}

/// Answers the question for the list.
fn listed(window: &mut Window, records: &[DatasetRecord]) {
    let asked = window.commands().into_iter().find_map(|command| match command {
        Command::Fetch(id, Query::Dataset(DatasetQuery::All)) => Some(id),
        _ => None,
    });
    let page = DatasetPage::All(records.iter().cloned().map(Arc::new).collect());
    window.tell(Event::Fetched(asked.expect("the list is asked for"), Page::Dataset(page)));
}

fn choose(window: &mut Window, name: &str) -> (JobId, TrainSpec) {
    window.click("Choose training data");
    window.click("Choose a dataset");
    window.click(name);
    window.click("Done");
    check_of(&window.commands())
}

#[test]
fn a_dataset_is_chosen_and_read_anew_when_it_changes() {
    let mut window = english();
    let (tutor, reviews) = (chat(), labelled());
    listed(&mut window, &[tutor.clone(), reviews.clone()]);
    let (job, asked) = choose(&mut window, "Reviews");
    let dataset = asked.data.dataset.clone().expect("a dataset");
    assert_eq!((dataset.id, dataset.version), (Some(reviews.id), None));
    assert!(asked.data.files.is_empty() && asked.task.classifies(), "the goal follows what it is for");
    found(&mut window, job);
    assert!(window.shows("Reviews") && !is_off(&window, "Start fine-tuning"));
    // A row was mended: what was found is old.
    let changed = DatasetRecord { revision: 8, ..reviews };
    window.tell(Event::Stored(Stored::Dataset(DatasetStored::Dataset(Arc::new(changed)))));
    window.host.borrow_mut().later_ms += 1000;
    window.run();
    let (_, again) = check_of(&window.commands());
    assert_eq!(again.data, asked.data);
}

#[test]
fn files_and_a_dataset_take_each_others_place() {
    let mut window = english();
    let tutor = chat();
    listed(&mut window, std::slice::from_ref(&tutor));
    choose(&mut window, "Tutor");
    window.click("Choose training data");
    assert!(window.shows("3,612 to learn from, 200 to measure on, 200 left for testing"));
    assert!(!window.shows("Validation data"), "its own splits say that");
    window.click("Take out Tutor");
    assert!(window.shows("Validation data"));
    window.click("Done");
    let (_, asked) = choose_data(&mut window, FILE);
    assert_eq!(asked.data, DataSpec { files: vec![FILE.into()], ..DataSpec::default() });
}

#[test]
fn rows_that_are_left_out_open_in_the_dataset() {
    let mut window = english();
    let tutor = chat();
    listed(&mut window, std::slice::from_ref(&tutor));
    let (job, _) = choose(&mut window, "Tutor");
    let mut told = report();
    told.problems.iter_mut().for_each(|problem| problem.file = "Tutor".into());
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::DataChecked(Arc::new(told)))));
    window.click("Rows that cannot be used: 2");
    assert!(window.shows("Tutor:17"));
    window.click("Open row 17 in the dataset");
    let wanted = window.commands().into_iter().any(|command| {
        matches!(command, Command::Start(_, JobSpec::Dataset(glassworks_protocol::datasets::DatasetJob::Find(view))) if view.dataset == tutor.id)
    });
    assert!(wanted, "the datasets pane shows it");
}

#[test]
fn the_dialog_is_drawn() {
    let mut results = SnapshotResults::new();
    for (name, language, theme) in [
        ("finetune_dataset", Language::English, ThemeChoice::Dark),
        ("finetune_dataset_chinese", Language::Chinese, ThemeChoice::Light),
    ] {
        let narrow = language == Language::Chinese;
        let mut window = match narrow {
            true => settled(Window::sized(start(language, theme), 1024.0, 700.0, 1.0)),
            false => open(language, theme),
        };
        listed(&mut window, &[chat(), labelled()]);
        let say = |key: &str| language.get(key).to_owned();
        window.click(&say("finetune.change_data"));
        window.click(&say("finetune.choose_dataset"));
        if narrow {
            window.click("Tutor");
        }
        window.picture(&mut results, name);
    }
}
