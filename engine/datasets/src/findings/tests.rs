//! An overview of a small table, finding by finding.

use super::*;
use crate::table::{At, Batch};
use glassworks_protocol::datasets::{DataTask, Mapping, Role, Split};
use glassworks_protocol::ids::DatasetId;
use serde_json::{Value, json};

fn table(
    folder: &std::path::Path,
    task: DataTask,
    roles: &[(Role, &str)],
    rows: &[(Value, Option<Split>)],
) -> Table {
    let roles = roles.iter().map(|(role, column)| (*role, (*column).to_owned())).collect();
    let mut batch = Batch::new(&Table::create(folder, &Mapping { task, roles }).unwrap());
    for (row, split) in rows {
        batch.add(At::Last, &crate::to_line(row.as_object().unwrap()).unwrap(), *split, None).unwrap();
    }
    batch.commit(1).unwrap()
}

fn look(table: &Table) -> OverviewReport {
    overview(table, &OverviewSpec { dataset: DatasetId::mint(), near: 0.8 }, 7, &|_| Ok(())).unwrap()
}

fn found(report: &OverviewReport, kind: FindingKind) -> (Vec<u32>, u64) {
    let finding = report.findings.iter().find(|finding| finding.kind == kind);
    finding
        .map_or((Vec::new(), 0), |finding| (finding.rows.iter().map(|row| row.0).collect(), finding.n_groups))
}

#[test]
fn everything_odd_is_found() {
    const LONG: &str = "The weather was wonderful, so we decided to walk along the river before dinner";
    let row = |text: &str, label: &str| json!({ "text": text, "label": label });
    let (train, test) = (Some(Split::Train), Some(Split::Test));
    let mut rows = vec![
        (row(LONG, "a"), train),
        (row("Something else that was said by nobody at all, at any time", "b"), train),
        (row(LONG, "a"), train),
        (row(&format!("{LONG}."), "a"), test),
        (row("Something else that was said by nobody at all, at any time", "a"), train),
        (row("", "a"), train),
        (row("No label is here, and that is what is odd about this row", ""), None),
        (row("A control character \u{7} is in the middle of this one, alas", "a"), train),
        (row("Das Wetter war wunderbar, deshalb gingen wir vor dem Essen am Fluss entlang", "a"), train),
        (json!({ "text": 7, "label": "a" }), train),
    ];
    rows.extend((0..20).map(|i| {
        (
            row(
                &format!(
                    "Sentence {i} is about the number {} and its {} friends, whoever they are",
                    i * 7919 % 1000,
                    i * 104_729 % 997
                ),
                "a",
            ),
            None,
        )
    }));
    let folder = tempfile::tempdir().unwrap();
    let table = table(
        folder.path(),
        DataTask::Classification,
        &[(Role::Text, "text"), (Role::Label, "label")],
        &rows,
    );
    let report = look(&table);
    assert_eq!((report.n_rows, report.revision, report.n_by_split), (30, 7, [8, 0, 1, 21]));
    assert_eq!(found(&report, FindingKind::Empty), (vec![5], 0));
    assert_eq!(found(&report, FindingKind::ControlCharacters), (vec![7], 0));
    assert_eq!(found(&report, FindingKind::Duplicate), (vec![0, 2], 1));
    let (near, n_groups) = found(&report, FindingKind::NearDuplicate);
    assert!(near.starts_with(&[0, 2, 3, 1, 4]) && n_groups >= 2, "{near:?}");
    assert_eq!(found(&report, FindingKind::Contradiction), (vec![1, 4], 1));
    assert_eq!(found(&report, FindingKind::Leakage), (vec![0, 2, 3], 1));
    assert_eq!(found(&report, FindingKind::RareLabel), (vec![1], 1));
    assert_eq!(found(&report, FindingKind::OtherLanguage), (vec![8], 0));
    assert_eq!(report.languages[0].code, "eng");
    assert_eq!(report.labels[0].label.as_deref(), Some("a"));
    assert_eq!(report.labels[0].n_by_split, [7, 0, 1, 20]);
    assert_eq!(report.lengths.counts.iter().sum::<u64>(), 30);
    assert!(report.p50 > 40 && report.longest == 79, "{} {}", report.p50, report.longest);
    let order: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn what_a_person_accepted_is_found_no_more() {
    use glassworks_protocol::datasets::edit::RowChange;
    let folder = tempfile::tempdir().unwrap();
    let rows = [(json!({ "t": "a\u{1}" }), None), (json!({ "t": "b\u{1}" }), None)];
    let table = table(folder.path(), DataTask::Text, &[(Role::Text, "t")], &rows);
    assert_eq!(found(&look(&table), FindingKind::ControlCharacters).0, [0, 1]);
    let accepted = table.plan(&[RowChange::Accept { rows: vec![RowId(0)], accepted: true }]).unwrap().table;
    assert_eq!(found(&look(&accepted), FindingKind::ControlCharacters).0, [1]);
}

#[test]
fn tags_are_counted_by_kind_and_nothing_is_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let row = |tags: Value| (json!({ "w": ["a", "b"], "g": tags }), None);
    let rows = [row(json!(["B-X", "I-X"])), row(json!(["B-X", "B-Y"])), row(json!(["O", "O"]))];
    let tagged = table(folder.path(), DataTask::Tagging, &[(Role::Tokens, "w"), (Role::Tags, "g")], &rows);
    let labels: Vec<_> =
        look(&tagged).labels.into_iter().map(|share| (share.label, share.n_by_split[3])).collect();
    assert_eq!(labels, [(Some("X".to_owned()), 2), (Some("Y".to_owned()), 1), (None, 1)]);
    let folder = tempfile::tempdir().unwrap();
    let empty = table(folder.path(), DataTask::Text, &[], &[]);
    assert_eq!(look(&empty).findings, []);
}

#[test]
fn it_stops_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..500).map(|i| (json!({ "t": format!("row {i}") }), None)).collect();
    let table = table(folder.path(), DataTask::Text, &[(Role::Text, "t")], &rows);
    let spec = OverviewSpec { dataset: DatasetId::mint(), near: 0.8 };
    for most in [100, 600] {
        let stop = |n: u64| if n > most { anyhow::bail!("enough") } else { Ok(()) };
        assert!(overview(&table, &spec, 1, &stop).is_err());
    }
}
