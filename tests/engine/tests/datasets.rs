//! Datasets that are kept: in, edited, undone, across restarts, back to versions, out; and killed in between.

use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::import::{ImportSource, PreviewSpec, ReadOptions};
use glassworks_protocol::datasets::{
    DatasetEdit, DatasetJob, DatasetOutput, DatasetPage, DatasetQuery, DatasetStored, Filter, MadeHow, Role,
    Row, RowId, Sort, SortKey, Split, ViewSpec,
};
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::{FailureKind, JobOutput, JobSpec, Stored};
use glassworks_tests_engine::Lab;
use glassworks_tests_engine::datasets::{Kept, files, pasted};
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const THREE: &str = "{\"text\":\"one\",\"label\":\"a\"}\n{\"text\":\"two\",\"label\":\"b\"}\n{\"text\":\"three\",\"label\":\"a\"}\n";

fn row(value: serde_json::Value) -> Row {
    match value {
        serde_json::Value::Object(row) => row,
        other => panic!("{other}"),
    }
}

fn row_of(text: &str) -> Row {
    row(json!({ "text": text, "label": "a" }))
}

fn texts(rows: &[Kept]) -> Vec<&str> {
    rows.iter().map(|row| row.value["text"].as_str().expect("a text")).collect()
}

#[test]
fn what_comes_in_is_there_and_stays() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let id = DatasetId::mint();
    let text = format!("{THREE}{{\"text\":\n[1]\n");
    let report = lab.import(pasted(id, &text));
    assert_eq!((report.n_rows, report.n_bad), (3, 2));
    let record = lab.dataset(id);
    assert_eq!((record.n_rows, record.n_bad, record.version), (3, 2, 1));
    assert_eq!(record.mapping.column(Role::Label), Some("label"));
    let rows = lab.rows(id);
    assert_eq!(texts(&rows), ["one", "two", "three"]);
    assert_eq!(rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), [0, 1, 2]);
    let Ok(DatasetPage::Bad { n_bad: 2, rows: bad }) =
        lab.ask(DatasetQuery::Bad { dataset: id, from: 0, n: 9 })
    else {
        panic!("two wait")
    };
    assert_eq!((bad[0].row, bad[0].text.as_str()), (4, "{\"text\":"));
    assert_eq!((bad[1].row, bad[1].text.as_str()), (5, "[1]"));
    let twice = glassworks_protocol::datasets::DatasetJob::Import(Box::new(pasted(id, THREE)));
    let refused = lab.fails(glassworks_protocol::JobSpec::Dataset(twice));
    assert_eq!(refused.summary.key, "failure.dataset_there");
    lab.close();

    let mut lab = Lab::open(home.path());
    assert_eq!(lab.dataset(id), record);
    assert_eq!(lab.rows(id), rows);
    // Mended, it is a row; taken back, it waits again.
    let mend = |text: &str| DatasetEdit::MendBad { dataset: id, bad: 0, text: text.to_owned() };
    assert_eq!(lab.edit_dataset(mend("{\"text\":")).expect_err("still broken").kind, FailureKind::Input);
    lab.edit_dataset(mend("{\"text\":\"four\",\"label\":\"b\"}")).expect("it reads");
    assert_eq!(texts(&lab.rows(id)), ["one", "two", "three", "four"]);
    assert_eq!(lab.dataset(id).n_bad, 1);
    lab.edit_dataset(DatasetEdit::Undo(id)).expect("undone");
    assert_eq!((lab.rows(id), lab.dataset(id).n_bad), (rows, 2));
    lab.edit_dataset(DatasetEdit::DismissBad { dataset: id, bad: None }).expect("dismissed");
    assert_eq!(lab.dataset(id).n_bad, 0);
    assert_eq!(lab.edit_dataset(mend("{}")).expect_err("gone").summary.key, "failure.dataset_bad_gone");
    lab.close();
}

/// What a person sees of a file first is read from its beginning alone: half a second is plenty, however large it is.
#[test]
fn the_first_rows_of_a_large_file_are_there_at_once() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let words = "the quick brown fox jumps over the lazy dog ".repeat(20);
    let line = |i: usize| format!("{{\"text\":\"{i} {words}\",\"label\":\"a\"}}\n");
    let whole: String = (0..1000).map(line).collect();
    let path = home.path().join("large.jsonl");
    let mut file = std::fs::File::create(&path).expect("a file");
    while file.metadata().expect("there").len() < 200 << 20 {
        file.write_all(whole.as_bytes()).expect("written");
    }
    let spec = PreviewSpec { source: ImportSource::Files(vec![path]), options: ReadOptions::default() };
    let begun = Instant::now();
    let output = lab.done(JobSpec::Dataset(DatasetJob::Preview(spec)));
    let took = begun.elapsed();
    let JobOutput::Dataset(DatasetOutput::Preview(preview)) = output else { panic!("{output:?}") };
    assert!(preview.rows.len() >= 20, "{}", preview.rows.len());
    eprintln!("first rows of {} MB after {took:?}", 200);
    assert!(took < Duration::from_millis(500), "{took:?}");
    lab.close();
}

/// Every kind of edit, then all of them taken back one by one and done again, with restarts in between.
#[test]
fn edits_are_undone_and_redone_across_restarts() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let id = DatasetId::mint();
    lab.import(pasted(id, THREE));
    let value = |text: &str| row(json!({ "text": text, "label": "a" }));
    let ids = |ids: &[u32]| ids.iter().map(|id| RowId(*id)).collect::<Vec<_>>();
    let edits = [
        vec![RowChange::Set {
            row: RowId(1),
            value: row(json!({ "text": "zwei", "label": "b", "note": 7 })),
        }],
        vec![
            RowChange::Add {
                after: Some(RowId(0)),
                value: value("half"),
                split: Some(Split::Test),
                made: None,
            },
            RowChange::Add { after: None, value: value("zero"), split: None, made: None },
        ],
        vec![RowChange::Move { rows: ids(&[2, 0]), before: None }],
        vec![RowChange::SetSplit { rows: ids(&[0, 1]), split: Some(Split::Validation) }],
        vec![RowChange::Remove { rows: ids(&[1, 4]) }],
        vec![RowChange::Accept { rows: ids(&[0]), accepted: true }],
    ];
    let mut states = vec![lab.rows(id)];
    for changes in edits {
        lab.edit_dataset(DatasetEdit::Rows { dataset: id, changes }).expect("it is done");
        states.push(lab.rows(id));
    }
    assert_eq!(texts(&states[2]), ["zero", "one", "half", "zwei", "three"]);
    assert_eq!(texts(&states[3]), ["zero", "half", "zwei", "three", "one"]);
    assert_eq!(texts(&states[5]), ["half", "three", "one"]);
    assert!(lab.dataset(id).columns.iter().any(|column| column.name == "note"));
    let added = lab.stored().into_iter().find_map(|one| match one {
        Stored::Dataset(DatasetStored::RowsChanged { added, .. }) if !added.is_empty() => Some(added),
        _ => None,
    });
    assert_eq!(*added.expect("it is told"), ids(&[3, 4]));
    for (at, state) in states.iter().enumerate().rev().skip(1) {
        if at % 2 == 0 {
            lab.close();
            lab = Lab::open(home.path());
        }
        lab.edit_dataset(DatasetEdit::Undo(id)).expect("undone");
        assert_eq!(lab.rows(id), *state, "before edit {at}");
    }
    let nothing = lab.edit_dataset(DatasetEdit::Undo(id)).expect_err("all is undone");
    assert_eq!(nothing.summary.key, "failure.store_nothing_to_undo");
    for (at, state) in states.iter().enumerate().skip(1) {
        if at % 2 == 0 {
            lab.close();
            lab = Lab::open(home.path());
        }
        lab.edit_dataset(DatasetEdit::Redo(id)).expect("done again");
        assert_eq!(lab.rows(id), *state, "after edit {at}");
    }
    lab.close();
}

#[test]
fn versions_are_compared_and_come_back() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let id = DatasetId::mint();
    lab.import(pasted(id, THREE));
    let first = lab.rows(id);
    let more = pasted(id, "{\"text\":\"four\",\"label\":\"c\"}\n");
    lab.import(glassworks_protocol::datasets::import::ImportSpec { append: true, ..more });
    let value = row(json!({ "text": "uno", "label": "a" }));
    let changes = vec![RowChange::Set { row: RowId(0), value }, RowChange::Remove { rows: vec![RowId(1)] }];
    lab.edit_dataset(DatasetEdit::Rows { dataset: id, changes }).expect("done");
    lab.edit_dataset(DatasetEdit::KeepVersion { dataset: id, label: " mine ".to_owned() }).expect("kept");
    let now = lab.rows(id);
    let Ok(DatasetPage::Versions(versions)) = lab.ask(DatasetQuery::Versions(id)) else {
        panic!("they are there")
    };
    let names: Vec<_> = versions.iter().map(|v| (v.n, v.n_rows, v.label.as_str())).collect();
    assert_eq!(names, [(3, 3, "mine"), (2, 4, ""), (1, 3, "")]);
    let compare = DatasetQuery::Compare { dataset: id, from: 1, to: None };
    let Ok(DatasetPage::Compared(diff)) = lab.ask(compare) else { panic!("they are compared") };
    assert_eq!((diff.n_added, diff.n_removed, diff.n_changed), (1, 1, 1));
    lab.edit_dataset(DatasetEdit::RestoreVersion { dataset: id, version: 1 }).expect("restored");
    assert_eq!(lab.rows(id), first);
    lab.close();
    let mut lab = Lab::open(home.path());
    assert_eq!(lab.rows(id), first);
    lab.edit_dataset(DatasetEdit::Undo(id)).expect("undone");
    assert_eq!(lab.rows(id), now);
    lab.edit_dataset(DatasetEdit::Undo(id)).expect("undone");
    lab.edit_dataset(DatasetEdit::Undo(id)).expect("the import too");
    assert_eq!(lab.rows(id), first);
    // What was taken back and then written over is gone, and the table is what was seen last.
    let changes = vec![RowChange::Remove { rows: vec![RowId(2)] }];
    lab.edit_dataset(DatasetEdit::Rows { dataset: id, changes }).expect("done");
    let last = lab.rows(id);
    lab.close();
    let mut lab = Lab::open(home.path());
    assert_eq!((lab.rows(id), last.len()), (last, 2));
    lab.close();
}

#[test]
fn large_edits_are_versions_and_undone_as_one() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let id = DatasetId::mint();
    let text: String = (0..3000).map(|i| format!("{{\"text\":\"row {i}\"}}\n")).collect();
    lab.import(pasted(id, &text));
    let rows = (0..2000).map(RowId).collect();
    lab.edit_dataset(DatasetEdit::Rows { dataset: id, changes: vec![RowChange::Remove { rows }] })
        .expect("done");
    assert_eq!((lab.dataset(id).n_rows, lab.dataset(id).version), (1000, 2));
    lab.close();
    let mut lab = Lab::open(home.path());
    let view = |filters, sort| ViewSpec { dataset: id, filters, sort, measure: None };
    let contains = Filter::Contains { text: "ROW 21".to_owned(), column: None, case_sensitive: false };
    let by_text = Sort { by: SortKey::Column("text".to_owned()), descending: true };
    let found = lab.found(view(vec![contains], Some(by_text)));
    assert_eq!((found.len(), found[0], found[99]), (100, RowId(2199), RowId(2100)));
    lab.edit_dataset(DatasetEdit::Undo(id)).expect("undone");
    assert_eq!(lab.found(view(Vec::new(), None)).len(), 3000);
    lab.close();
}

#[test]
fn trash_is_a_place_and_deleting_is_for_good() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let (kept, gone) = (DatasetId::mint(), DatasetId::mint());
    lab.import(pasted(kept, THREE));
    lab.import(pasted(gone, THREE));
    for id in [kept, gone] {
        lab.edit_dataset(DatasetEdit::Trash(id)).expect("trashed");
        assert!(lab.dataset(id).trashed_at_ms.is_some());
    }
    lab.edit_dataset(DatasetEdit::Restore(kept)).expect("restored");
    assert_eq!(lab.dataset(kept).trashed_at_ms, None);
    lab.edit_dataset(DatasetEdit::DeleteForever(gone)).expect("deleted");
    let refused = lab.edit_dataset(DatasetEdit::Undo(gone)).expect_err("it is gone");
    assert_eq!(refused.summary.key, "failure.dataset_gone");
    assert!(!home.path().join(format!("datasets/{gone}")).exists());
    lab.close();
    // A database that is lost takes no rows with it.
    for name in ["glassworks.db", "glassworks.db-wal", "glassworks.db-shm"] {
        if let Err(error) = std::fs::remove_file(home.path().join(name)) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        }
    }
    let mut lab = Lab::open(home.path());
    lab.until("the dataset that is found again", |event| match event {
        glassworks_protocol::Event::Stored(Stored::Dataset(DatasetStored::Dataset(record))) => {
            (record.id == kept).then_some(())
        }
        _ => None,
    });
    assert_eq!(texts(&lab.rows(kept)), ["one", "two", "three"]);
    lab.close();
}

/// A copy has the rows and nothing else, and neither knows of the other from then on.
#[test]
fn a_copy_is_a_dataset_of_its_own() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let (id, copy) = (DatasetId::mint(), DatasetId::mint());
    lab.import(pasted(id, &format!("{THREE}[1]\n")));
    let set = |row: u32, text: &str| RowChange::Set { row: RowId(row), value: row_of(text) };
    let edit = |dataset, change| DatasetEdit::Rows { dataset, changes: vec![change] };
    lab.edit_dataset(edit(id, set(1, "zwei"))).expect("edited");
    lab.edit_dataset(edit(id, RowChange::SetSplit { rows: vec![RowId(0)], split: Some(Split::Test) }))
        .expect("split");
    lab.edit_dataset(DatasetEdit::SetNotes { dataset: id, notes: "By hand".to_owned() }).expect("noted");
    let duplicate = DatasetEdit::Duplicate { dataset: id, copy, name: " Another  one ".to_owned() };
    lab.edit_dataset(duplicate.clone()).expect("copied");
    let rows = lab.rows(id);
    assert_eq!(texts(&rows), ["one", "zwei", "three"]);
    assert_eq!(lab.rows(copy), rows);
    let record = lab.dataset(copy);
    assert_eq!((record.name.as_str(), record.n_rows, record.n_bad), ("Another one", 3, 0));
    assert_eq!((record.version, &record.undo, record.notes.as_str()), (1, &None, "By hand"));
    assert_eq!(record.mapping, lab.dataset(id).mapping);
    assert_eq!(lab.edit_dataset(duplicate).expect_err("twice").summary.key, "failure.dataset_there");
    lab.edit_dataset(edit(copy, set(0, "eins"))).expect("edited");
    lab.edit_dataset(DatasetEdit::Undo(id)).expect("what was done before");
    // An edit between the copy and a restart goes back to rows that lie where they lay before the copy.
    let remove = RowChange::Remove { rows: vec![RowId(1)] };
    lab.edit_dataset(edit(id, remove)).expect("removed");
    lab.close();

    let mut lab = Lab::open(home.path());
    assert_eq!(lab.rows(id).len(), 2);
    lab.edit_dataset(DatasetEdit::Undo(id)).expect("as if there had been no copy");
    assert_eq!(lab.rows(id), rows);
    lab.close();

    let mut lab = Lab::open(home.path());
    assert_eq!((lab.rows(id), texts(&lab.rows(copy))), (rows.clone(), vec!["eins", "zwei", "three"]));
    lab.edit_dataset(DatasetEdit::DeleteForever(id)).expect("deleted");
    lab.edit_dataset(DatasetEdit::Undo(copy)).expect("its own edit");
    assert_eq!(lab.rows(copy), rows);
    lab.edit_dataset(DatasetEdit::Trash(copy)).expect("the way back");
    lab.close();
}

#[test]
fn a_file_that_is_not_there_says_so_and_leaves_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let id = DatasetId::mint();
    let spec = files(id, vec![home.path().join("none.jsonl")]);
    let job = glassworks_protocol::datasets::DatasetJob::Import(Box::new(spec));
    let failure = lab.fails(glassworks_protocol::JobSpec::Dataset(job));
    assert_eq!(failure.kind, FailureKind::Missing);
    assert!(lab.datasets().is_empty());
    assert!(!home.path().join(format!("datasets/{id}")).exists());
    lab.close();
}

/// A row made of another one says so, and its source may go.
#[test]
fn made_rows_know_where_they_come_from() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let id = DatasetId::mint();
    lab.import(pasted(id, THREE));
    let made = glassworks_protocol::datasets::Made { from: RowId(1), how: MadeHow::Synonyms };
    let value = row(json!({ "text": "pair", "label": "b" }));
    let add = RowChange::Add { after: Some(RowId(1)), value, split: Some(Split::Train), made: Some(made) };
    lab.edit_dataset(DatasetEdit::Rows { dataset: id, changes: vec![add] }).expect("added");
    lab.close();
    let mut lab = Lab::open(home.path());
    let view = ViewSpec { dataset: id, filters: vec![Filter::Made], sort: None, measure: None };
    assert_eq!(*lab.found(view), [RowId(3)]);
    let Ok(DatasetPage::Row(Some(row))) = lab.ask(DatasetQuery::Row { dataset: id, row: RowId(3) }) else {
        panic!("it is there")
    };
    assert_eq!((row.made, row.position), (Some(made), 2));
    lab.close();
}

/// Whatever was told to be stored is there; of the edit in flight all or nothing.
#[test]
fn a_killed_process_loses_at_most_the_edit_in_flight() {
    let home = tempfile::tempdir().expect("a folder");
    let id = DatasetId::mint();
    let mut lab = Lab::open(home.path());
    let text: String = (0..50).map(|i| format!("{{\"text\":\"row {i}\"}}\n")).collect();
    lab.import(pasted(id, &text));
    lab.close();
    for millis in [30, 90, 200, 350, 600] {
        let mut lab = Lab::open(home.path());
        let mut expected = lab.rows(id);
        lab.close();
        let said = killed_after(&home, id, millis);
        for line in &said {
            let (what, n) = line.split_once(' ').expect("what and which");
            let n: u32 = n.parse().expect("a number");
            match what {
                "edit" => set(&mut expected, millis, n),
                _ => import(&mut expected, n),
            }
        }
        let mut lab = Lab::open(home.path());
        let rows = lab.rows(id);
        if texts(&rows) != texts(&expected) {
            let next = said.len() as u32;
            if next % 40 == 39 {
                import(&mut expected, next)
            } else {
                set(&mut expected, millis, next)
            }
            assert_eq!(texts(&rows), texts(&expected), "after {millis} ms and {} words", said.len());
        }
        lab.close();
    }
    // Of imports that were killed nothing is left lying about.
    let folder = home.path().join(format!("datasets/{id}"));
    let left = std::fs::read_dir(folder).expect("it is there");
    let names: Vec<String> =
        left.map(|e| e.expect("read").file_name().to_string_lossy().into_owned()).collect();
    assert!(!names.iter().any(|name| name.ends_with(".incomplete")), "{names:?}");
}

fn killed_after(home: &tempfile::TempDir, id: DatasetId, millis: u64) -> Vec<String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_editing"))
        .arg(home.path())
        .arg(id.to_string())
        .arg(millis.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let out = child.stdout.take().expect("piped");
    let mut first: Option<Instant> = None;
    let mut said = Vec::new();
    for line in BufReader::new(out).lines() {
        said.push(line.expect("a line"));
        if first.get_or_insert_with(Instant::now).elapsed() > Duration::from_millis(millis) {
            break;
        }
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    said.retain(|line| !line.is_empty());
    said
}

fn set(rows: &mut [Kept], round: u64, n: u32) {
    let at = rows.iter().position(|row| row.id.0 == n % 50).expect("it is there");
    rows[at].value = row(json!({ "text": format!("edit {round} {n}") }));
}

fn import(rows: &mut Vec<Kept>, n: u32) {
    let next = rows.iter().map(|row| row.id.0 + 1).max().unwrap_or(0);
    rows.extend((0..500).map(|i| Kept {
        id: RowId(next + i),
        split: None,
        value: row(json!({ "text": format!("import {n} row {i}") })),
    }));
}
