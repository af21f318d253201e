//! A table from its first row to its files.

use super::*;
use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::{DataTask, MadeHow, Role};
use serde_json::json;

pub(super) fn no_tick(_: u64) -> Result<()> {
    Ok(())
}

fn mapping() -> Mapping {
    let roles = [(Role::Text, "text".to_owned()), (Role::Label, "label".to_owned())];
    Mapping { task: DataTask::Classification, roles: roles.into() }
}

fn row(text: &str, label: &str) -> Row {
    json!({"text": text, "label": label}).as_object().unwrap().clone()
}

/// Six rows, saved as state 1.
fn table(folder: &Path) -> Table {
    let mut batch = Batch::new(&Table::create(folder, &mapping()).unwrap());
    for (n, label) in ["a", "b", "a", "", "c", "a"].iter().enumerate() {
        let line = crate::to_line(&row(&format!("text {n}"), label)).unwrap();
        let split = [None, Some(Split::Train), Some(Split::Test)][n % 3];
        batch.add(At::Last, &line, split, None).unwrap();
    }
    batch.commit(1).unwrap()
}

fn texts(table: &Table) -> Vec<String> {
    let text = |row: &RowId| table.row(*row).unwrap()["text"].as_str().unwrap().to_owned();
    table.order().iter().map(text).collect()
}

fn plan(table: &mut Table, change: RowChange) -> (Change, Change, Vec<RowId>) {
    let planned = table.plan(&[change]).unwrap();
    *table = planned.table;
    (planned.change, planned.inverse, planned.added)
}

#[test]
fn rows_are_known_without_being_read() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    assert_eq!(table.len(), 6);
    assert_eq!(table.n_by_split(), [2, 0, 2, 2]);
    assert_eq!(table.labels(), [("a".to_owned(), 3), ("b".to_owned(), 1), ("c".to_owned(), 1)]);
    let shares = table.label_shares();
    assert_eq!(shares[0].n_by_split, [0, 0, 2, 1]);
    assert_eq!(shares[3].label, None);
    assert_eq!(table.labels_of(RowId(4)), ["c"]);
    assert!(table.flags(RowId(3)).any(RowFlags::UNLABELLED));
    assert_eq!(table.facts(RowId(0)).unwrap().n_chars, 6);
    assert_eq!(table.saved(), Some(1));
    let document = table.document(RowId(2)).unwrap();
    assert_eq!((document.position, document.split), (2, Some(Split::Test)));
    assert!(document.issues.is_empty());
    assert!(table.document(RowId(6)).is_err() && table.facts(RowId(6)).is_none());
}

#[test]
fn every_change_leads_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = table(folder.path());
    let was = texts(&table);
    let ids = |rows: &[u32]| rows.iter().copied().map(RowId).collect::<Vec<_>>();
    let changes = [
        RowChange::Set { row: RowId(1), value: row("new", "d") },
        RowChange::Move { rows: ids(&[5, 1]), before: Some(RowId(0)) },
        RowChange::Add { after: Some(RowId(1)), value: row("added", "a"), split: None, made: None },
        RowChange::Accept { rows: ids(&[3]), accepted: true },
        RowChange::Remove { rows: ids(&[3, 1, 4]) },
        RowChange::SetSplit { rows: ids(&[0, 2]), split: Some(Split::Validation) },
    ];
    let mut back = Vec::new();
    let mut seen = Vec::new();
    for change in changes {
        seen.push(texts(&table));
        let (_, inverse, _) = plan(&mut table, change);
        // As it is stored.
        back.push(serde_json::from_str::<Change>(&serde_json::to_string(&inverse).unwrap()).unwrap());
    }
    assert_eq!(texts(&table), ["text 5", "added", "text 0", "text 2"]);
    assert_eq!(table.split(RowId(0)), Some(Split::Validation));
    for (inverse, was) in back.iter().zip(seen).rev() {
        table.apply(inverse, &no_tick).unwrap();
        assert_eq!(texts(&table), was);
    }
    assert_eq!(texts(&table), was);
    assert_eq!(table.n_fresh(), 0);
    assert!(!table.flags(RowId(3)).any(RowFlags::ACCEPTED));
}

#[test]
fn ids_are_never_given_twice_and_come_back_with_a_redo() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = table(folder.path());
    let add = || RowChange::Add { after: None, value: row("x", "a"), split: None, made: None };
    let (change, inverse, added) = plan(&mut table, add());
    assert_eq!(added, [RowId(6)]);
    table.take(&inverse, &no_tick).unwrap();
    assert_eq!(plan(&mut table, add()).2, [RowId(7)]);
    table.take(&change, &no_tick).unwrap();
    assert!(table.contains(RowId(6)) && table.contains(RowId(7)));
    // Ids of a state that was left are not given again either.
    table.take(&Change::State(1), &no_tick).unwrap();
    assert_eq!((table.len(), table.next_id()), (6, 8));
}

#[test]
fn states_are_come_back_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = table(folder.path());
    plan(&mut table, RowChange::Set { row: RowId(0), value: row("set", "z") });
    assert!(table.apply(&Change::State(1), &no_tick).is_err(), "nothing leads back to what is not saved");
    table.save_state(2).unwrap();
    let back = table.apply(&Change::State(1), &no_tick).unwrap();
    assert_eq!(back, Change::State(2));
    assert_eq!(texts(&table)[0], "text 0");
    table.apply(&back, &no_tick).unwrap();
    assert_eq!(texts(&table)[0], "set");
    let opened = Table::open(folder.path(), 2, &mapping(), &no_tick).unwrap();
    assert_eq!(texts(&opened), texts(&table));
    assert_eq!(opened.labels(), table.labels());
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = table(folder.path());
    let was = texts(&table);
    let steps = vec![
        edit::RowStep::Remove(vec![RowId(0)]),
        edit::RowStep::Set { row: RowId(0), to: edit::Content::Line("{}".into()), accepted: false },
    ];
    assert!(table.apply(&Change::Rows(steps), &no_tick).is_err());
    assert_eq!(texts(&table), was);
    let gone = RowChange::Remove { rows: vec![RowId(9)] };
    let failure = table.plan(&[gone]).unwrap_err().downcast::<glassworks_protocol::Failure>().unwrap();
    assert_eq!(failure.summary.key, "data.row_gone");
    let same = table.plan(&[RowChange::Set { row: RowId(1), value: table.row(RowId(1)).unwrap() }]).unwrap();
    assert!(same.change.is_empty() && same.table.saved() == Some(1));
}

#[test]
fn batches_put_rows_where_they_belong() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = table(folder.path());
    let (.., added) =
        plan(&mut table, RowChange::Add { after: None, value: row("fresh", "a"), split: None, made: None });
    let mut batch = Batch::new(&table);
    let line = |text: &str| crate::to_line(&row(text, "n")).unwrap();
    let made = Made { from: RowId(2), how: MadeHow::Casing };
    batch.add(At::After(RowId(2)), &line("after 2"), Some(Split::Train), Some(made)).unwrap();
    batch.add(At::After(RowId(2)), &line("after that"), None, None).unwrap();
    batch.remove(RowId(2)).unwrap();
    batch.set(RowId(4), &line("set")).unwrap();
    batch.split(RowId(4), Some(Split::Test)).unwrap();
    batch.add(At::First, &line("first"), None, None).unwrap();
    batch.add(At::Last, &line("last"), None, None).unwrap();
    assert!(batch.set(RowId(2), &line("x")).is_err());
    let after = batch.commit(2).unwrap();
    let expected =
        ["first", "fresh", "text 0", "text 1", "after 2", "after that", "text 3", "set", "text 5", "last"];
    assert_eq!(texts(&after), expected);
    assert_eq!((after.n_fresh(), after.saved()), (0, Some(2)));
    assert_eq!(after.made(RowId(7)), Some(made));
    assert!(after.flags(RowId(7)).any(RowFlags::MADE));
    let opened = Table::open(folder.path(), 2, &mapping(), &no_tick).unwrap();
    assert_eq!((texts(&opened), opened.made(RowId(7))), (texts(&after), Some(made)));
    assert_eq!(opened.split(RowId(4)), Some(Split::Test));
    // The table that it began with is as it was.
    assert_eq!(table.len(), 7);
    assert_eq!(added, [RowId(6)]);
    let one = diff((1, &table), (None, &after), 3, &no_tick).unwrap();
    assert_eq!((one.n_added, one.n_removed, one.n_changed, one.n_moved), (4, 1, 1, 0));
    assert_eq!(one.rows.iter().map(|row| row.row).collect::<Vec<_>>(), [RowId(2), RowId(4), RowId(9)]);
}

#[test]
fn a_batch_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let was = names();
    let mut batch = Batch::new(&table);
    batch.set(RowId(0), b"{}").unwrap();
    assert!(names() > was);
    drop(batch);
    assert_eq!(names(), was);
}

#[test]
fn what_a_crash_leaves_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    let was = std::fs::read_dir(folder.path()).unwrap().count();
    std::fs::write(folder.path().join("0007.jsonl.incomplete"), "{").unwrap();
    std::fs::write(folder.path().join("0009.jsonl"), "{}\n").unwrap();
    std::fs::write(folder.path().join("bad.jsonl"), "not ours\n").unwrap();
    let opened = Table::open(folder.path(), 1, &mapping(), &no_tick).unwrap();
    assert_eq!(texts(&opened), texts(&table));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), was + 3, "another may be writing it");
    assert_eq!(super::state::next_segment(folder.path()).unwrap(), 10);
    super::state::sweep(folder.path()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), was + 1);
}

/// A state in another folder is the same table, and neither knows of the other from then on.
#[test]
fn a_copy_has_the_rows_and_goes_its_own_way() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut table = table(folder.path());
    plan(&mut table, RowChange::Set { row: RowId(3), value: row("fresh", "z") });
    plan(&mut table, RowChange::Remove { rows: vec![RowId(0)] });
    table.save_state(2).unwrap();
    super::state::copy(folder.path(), 2, other.path()).unwrap();
    let mut copy = Table::open(other.path(), 1, &mapping(), &no_tick).unwrap();
    assert_eq!(texts(&copy), texts(&table));
    assert_eq!((copy.split(RowId(1)), copy.next_id()), (table.split(RowId(1)), table.next_id()));
    plan(&mut copy, RowChange::Set { row: RowId(1), value: row("other", "a") });
    copy.save_state(2).unwrap();
    assert_eq!(texts(&Table::open(folder.path(), 2, &mapping(), &no_tick).unwrap()), texts(&table));
    drop((table, folder));
    copy.verify(&no_tick).unwrap();
    assert_eq!(texts(&copy), ["other", "text 2", "fresh", "text 4", "text 5"]);
    assert!(super::state::copy(other.path(), 9, other.path()).is_err(), "there is no such state");
}

#[test]
fn rows_are_read_in_any_order_and_a_tick_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = table(folder.path());
    plan(&mut table, RowChange::Set { row: RowId(3), value: row("fresh", "z") });
    let rows: Vec<RowId> = [5, 0, 1, 3, 4, 4, 2].map(RowId).to_vec();
    let mut seen = Vec::new();
    table
        .for_each(&rows, &no_tick, &mut |row, line| {
            assert_eq!(crate::from_line(line)?, table.row(row)?);
            seen.push(row);
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, rows);
    let stop = |_| -> Result<()> { anyhow::bail!("stopped") };
    assert!(table.for_each(&rows, &stop, &mut |_, _| Ok(())).is_err());
}

#[test]
fn facts_follow_the_mapping() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = table(folder.path());
    plan(&mut table, RowChange::Set { row: RowId(3), value: row("fresh", "z") });
    let other = Mapping { task: DataTask::Text, roles: [(Role::Text, "label".to_owned())].into() };
    let mapped = table.with_mapping(&other, &no_tick).unwrap();
    assert_eq!(mapped.facts(RowId(0)).unwrap().n_chars, 1);
    assert_eq!(mapped.duplicates(&no_tick).unwrap(), [[RowId(0), RowId(2), RowId(5)]]);
    assert!(mapped.labels().is_empty() && table.labels().len() == 4);
    assert!(table.duplicates(&no_tick).unwrap().is_empty());
}

#[test]
fn a_row_takes_few_bytes_of_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut batch = Batch::new(&Table::create(folder.path(), &mapping()).unwrap());
    let line = crate::to_line(&row("text", "a")).unwrap();
    for _ in 0..20_000 {
        batch.add(At::Last, &line, None, None).unwrap();
    }
    let table = batch.commit(1).unwrap();
    let opened = Table::open(folder.path(), 1, &mapping(), &no_tick).unwrap();
    for table in [table, opened] {
        assert!(table.memory_bytes() <= 48 * table.len(), "{} bytes", table.memory_bytes());
    }
}

#[test]
fn a_line_that_names_a_column_twice_is_no_end_of_it() {
    let roles = [(Role::Text, "t".to_owned()), (Role::Label, "t".to_owned()), (Role::Group, "g".to_owned())];
    let mapping = Mapping { task: DataTask::Classification, roles: roles.into() };
    let folder = tempfile::tempdir().unwrap();
    let mut batch = Batch::new(&Table::create(folder.path(), &mapping).unwrap());
    batch.add(At::Last, br#"{"t":"a","t":"b","g":1}"#, None, None).unwrap();
    assert_eq!(batch.commit(1).unwrap().labels().len(), 1);
}
