//! Views of small tables.

use super::*;
use crate::table::{At, Batch};
use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::overview::FindingKind;
use glassworks_protocol::datasets::view::LengthUnit;
use glassworks_protocol::datasets::{DataTask, Made, MadeHow, Mapping, Role, Split};
use glassworks_protocol::ids::DatasetId;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

fn no_tick(_: u64) -> Result<()> {
    Ok(())
}

/// Seven rows, of which 3 is changed and not on disk.
fn table(folder: &Path) -> Table {
    let roles = [(Role::Text, "text".to_owned()), (Role::Label, "label".to_owned())];
    let mapping = Mapping { task: DataTask::Classification, roles: roles.into() };
    let mut batch = Batch::new(&Table::create(folder, &mapping).unwrap());
    let rows = [
        (json!({"text": "Ten apples", "label": "10", "n": 10}), None),
        (json!({"text": "two\napples", "label": "2", "n": 2}), Some(Split::Train)),
        (json!({"text": "two\napples", "label": "2", "n": "x"}), Some(Split::Test)),
        (json!({"text": "to be changed", "label": "b", "n": 2.5}), Some(Split::Train)),
        (json!({"text": "", "label": "b", "n": null}), None),
        (json!({"text": "ÄPFEL", "label": null, "n": "a"}), Some(Split::Validation)),
        (json!({"text": "中文\u{7}", "label": "a", "n": -1}), None),
    ];
    let made = Made { from: RowId(0), how: MadeHow::Casing };
    for (n, (row, split)) in rows.iter().enumerate() {
        let line = serde_json::to_vec(row).unwrap();
        batch.add(At::Last, &line, *split, (n == 5).then_some(made)).unwrap();
    }
    let table = batch.commit(1).unwrap();
    let value = json!({"text": "changed Apples", "label": "c", "n": 2.5}).as_object().unwrap().clone();
    table.plan(&[RowChange::Set { row: RowId(3), value }]).unwrap().table
}

fn view(filters: &[Filter], sort: Option<(SortKey, bool)>) -> ViewSpec {
    let sort = sort.map(|(by, descending)| Sort { by, descending });
    ViewSpec { dataset: DatasetId::mint(), filters: filters.to_vec(), sort, measure: None }
}

fn rows(table: &Table, view: &ViewSpec) -> Vec<u32> {
    let count = |row: RowId| {
        let n_tokens = row.0 * 2;
        (row.0 != 4).then_some(TokenCount { n_tokens, n_targets: 1, n_kept_targets: u32::from(row.0 != 6) })
    };
    let finding =
        Finding { kind: FindingKind::RareLabel, rows: Arc::new(vec![RowId(6), RowId(0)]), n_groups: 0 };
    let context = Context {
        findings: Some(&[finding]),
        measure: Some(Measured { count: &count, max_length: Some(9) }),
    };
    let mut told = Vec::new();
    let found = find(table, view, &context, &no_tick, &mut |rows| told.extend_from_slice(rows)).unwrap();
    assert_eq!(found, told);
    found.iter().map(|row| row.0).collect()
}

#[test]
fn filters() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    let words = |text: &str, column: Option<&str>, case_sensitive| Filter::Contains {
        text: text.into(),
        column: column.map(str::to_owned),
        case_sensitive,
    };
    let not = |filter: Filter| Filter::Not(Box::new(filter));
    let length = |unit, at_least, at_most| Filter::Length { unit, at_least, at_most };
    let some = |label: &str| Some(label.to_owned());
    let cases: Vec<(Vec<Filter>, Vec<u32>)> = vec![
        (vec![], vec![0, 1, 2, 3, 4, 5, 6]),
        (vec![words("apples", None, false)], vec![0, 1, 2, 3]),
        (vec![words("apples", None, true)], vec![0, 1, 2]),
        (vec![words("äpfel", None, false)], vec![5]),
        (vec![words("apples", Some("label"), false)], vec![]),
        (vec![not(words("apples", None, false))], vec![4, 5, 6]),
        (vec![not(not(words("apples", None, false)))], vec![0, 1, 2, 3]),
        (vec![words("two", None, true), Filter::Splits(vec![Some(Split::Train)])], vec![1]),
        (vec![words("two", None, true), not(words("x", Some("n"), true))], vec![1]),
        (vec![Filter::Regex { pattern: "^two$".into(), column: None }], vec![]),
        (vec![Filter::Regex { pattern: "(?m)^two$".into(), column: None }], vec![1, 2]),
        (vec![Filter::Regex { pattern: r"^-?\d$".into(), column: Some("n".into()) }], vec![1, 6]),
        (vec![length(LengthUnit::Characters, Some(10), Some(10))], vec![0, 1, 2]),
        (vec![length(LengthUnit::Tokens, Some(6), None)], vec![3, 5, 6]),
        (vec![Filter::Labels(vec![some("2"), None])], vec![1, 2, 5]),
        (vec![Filter::Labels(vec![some("nothing")])], vec![]),
        (vec![not(Filter::Labels(vec![some("2")]))], vec![0, 3, 4, 5, 6]),
        (vec![Filter::Splits(vec![None, Some(Split::Test)])], vec![0, 2, 4, 6]),
        (vec![Filter::Empty], vec![4]),
        (vec![Filter::Duplicate], vec![1, 2]),
        (vec![Filter::HasProblem], vec![4, 6]),
        (vec![Filter::Unlabelled], vec![5]),
        (vec![Filter::Made], vec![5]),
        (vec![Filter::Finding(FindingKind::RareLabel)], vec![0, 6]),
        (vec![Filter::Finding(FindingKind::Leakage)], vec![]),
        (vec![Filter::Cut], vec![5, 6]),
        (vec![Filter::NoTarget], vec![6]),
        (vec![Filter::Rows(Arc::new(vec![RowId(5), RowId(1), RowId(99)]))], vec![1, 5]),
    ];
    for (filters, expected) in cases {
        assert_eq!(rows(&table, &view(&filters, None)), expected, "{filters:?}");
    }
}

#[test]
fn orders() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    for (by, up, down) in [
        (SortKey::Position, [0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0]),
        (SortKey::Column("n".into()), [6, 1, 3, 0, 5, 2, 4], [2, 5, 0, 3, 1, 6, 4]),
        (SortKey::Column("gone".into()), [0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6]),
        (SortKey::Characters, [4, 6, 5, 0, 1, 2, 3], [3, 0, 1, 2, 5, 6, 4]),
        (SortKey::Tokens, [0, 1, 2, 3, 5, 6, 4], [6, 5, 3, 2, 1, 0, 4]),
        (SortKey::Label, [1, 2, 0, 6, 4, 3, 5], [3, 4, 6, 0, 1, 2, 5]),
        (SortKey::Split, [1, 3, 5, 2, 0, 4, 6], [2, 5, 1, 3, 0, 4, 6]),
    ] {
        for (descending, expected) in [(false, up), (true, down)] {
            assert_eq!(
                rows(&table, &view(&[], Some((by.clone(), descending)))),
                expected,
                "{by:?} {descending}"
            );
        }
    }
}

/// Rows of very different lengths, some longer than a block.
fn long_table(folder: &Path) -> (Table, Vec<usize>) {
    let roles = [(Role::Text, "text".to_owned())];
    let mapping = Mapping { task: DataTask::Text, roles: roles.into() };
    let mut batch = Batch::new(&Table::create(folder, &mapping).unwrap());
    let mut lengths = Vec::new();
    for n in 0..6_000_usize {
        let text = "some words of it ".repeat([1, 3, 9, 60][n % 4] * if n % 1_000 == 503 { 300 } else { 1 });
        let line = serde_json::to_vec(&json!({ "text": text, "n": n % 7 })).unwrap();
        lengths.push(line.len() + 1);
        batch.add(At::Last, &line, None, None).unwrap();
    }
    (batch.commit(1).unwrap(), lengths)
}

#[test]
fn no_more_than_a_block_or_a_row_goes_by_between_two_ticks() {
    let folder = tempfile::tempdir().unwrap();
    let (table, lengths) = long_table(folder.path());
    let longest = lengths.iter().copied().max().unwrap();
    assert!(longest > 300_000 && lengths.iter().sum::<usize>() > 3 << 20);
    let words = |text: &str, column: Option<&str>, case_sensitive| Filter::Contains {
        text: text.into(),
        column: column.map(str::to_owned),
        case_sensitive,
    };
    let regex = |pattern: &str| Filter::Regex { pattern: pattern.into(), column: None };
    // What is read through at once by what is sought, and what a slow pattern is asked row by row.
    let (block, step) = (256 << 10, crate::steps::STEP_BYTES);
    for (filters, sort, most) in [
        (vec![words("nowhere", None, true)], None, block),
        (vec![words("nowhere", None, false)], None, block),
        (vec![words("words", None, false)], None, step),
        (vec![words("words", Some("n"), false)], None, step),
        (vec![regex(r"\w+ \w+ \w+$")], None, step),
        (vec![regex(r"\w+ \w+ of$"), words("x", None, false)], None, block),
        (vec![Filter::Not(Box::new(words("words", None, false)))], None, step),
        (vec![], Some((SortKey::Column("text".into()), false)), step),
        (vec![], Some((SortKey::Column("n".into()), true)), step),
        (vec![words("words", None, true)], Some((SortKey::Column("gone".into()), true)), step),
    ] {
        let (last, n_ticks) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
        let tick = |done: u64| {
            let done = usize::try_from(done).unwrap();
            // A row is not left in the middle.
            let n_bytes: usize = lengths[last.get().min(done)..done].iter().rev().skip(1).sum();
            assert!(n_bytes <= most, "{filters:?} {sort:?}: {n_bytes}");
            n_ticks.set(n_ticks.get() + 1);
            last.set(done);
            Ok(())
        };
        let view = view(&filters, sort.clone());
        find(&table, &view, &Context::default(), &tick, &mut |_| ()).unwrap();
        assert_eq!(last.get(), lengths.len(), "to the end");
        let fewest = lengths.iter().sum::<usize>() / (most + longest);
        assert!(n_ticks.get() > fewest, "{} ticks", n_ticks.get());
        // And each of them can be the last one.
        for after in (0..n_ticks.get()).step_by(13) {
            let left = std::cell::Cell::new(after);
            let stop = |_| {
                left.set(left.get().checked_sub(1).ok_or_else(|| anyhow::anyhow!("stopped"))?);
                Ok(())
            };
            assert!(find(&table, &view, &Context::default(), &stop, &mut |_| ()).is_err());
        }
    }
}

#[test]
fn what_was_not_found_out_yet_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    for (filter, key) in [
        (Filter::Cut, "data.find_no_measure"),
        (Filter::Finding(FindingKind::Empty), "data.find_no_overview"),
        (Filter::Regex { pattern: "(".into(), column: None }, "data.pattern_unreadable"),
    ] {
        let found = find(&table, &view(&[filter], None), &Context::default(), &no_tick, &mut |_| ());
        assert_eq!(found.unwrap_err().downcast::<Failure>().unwrap().summary.key, key);
    }
    let stop = |_| -> Result<()> { anyhow::bail!("stopped") };
    let words = Filter::Contains { text: "x".into(), column: None, case_sensitive: false };
    assert!(find(&table, &view(&[words], None), &Context::default(), &stop, &mut |_| ()).is_err());
}
