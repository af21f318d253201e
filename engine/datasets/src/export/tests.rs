//! What goes out comes in again as it was: of all formats, whatever rows hold.

use super::*;
use crate::formats::{Read, open, parse};
use glassworks_protocol::datasets::import::{ImportSource, ReadOptions};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

struct Given {
    rows: Vec<(Option<Split>, Vec<u8>)>,
    columns: Vec<ColumnRecord>,
}

impl Rows for Given {
    fn for_each(&self, tick: Tick<'_>, each: Each<'_>) -> Result<()> {
        for (at, (split, line)) in self.rows.iter().enumerate() {
            each(*split, line)?;
            tick(at as u64 + 1)?;
        }
        Ok(())
    }

    fn columns(&self) -> &[ColumnRecord] {
        &self.columns
    }
}

fn given(rows: &[Value]) -> Given {
    let rows = rows.iter().map(|row| (None, row.to_string().into_bytes())).collect();
    Given { rows, columns: Vec::new() }
}

fn spec(format: ExportFormat, to: PathBuf) -> ExportSpec {
    ExportSpec {
        dataset: glassworks_protocol::ids::DatasetId::mint(),
        rows: None,
        format,
        to,
        replace: false,
    }
}

fn record() -> DatasetRecord {
    DatasetRecord {
        id: glassworks_protocol::ids::DatasetId::mint(),
        name: "Rows: \"odd\"".to_owned(),
        mapping: glassworks_protocol::datasets::Mapping::default(),
        columns: Vec::new(),
        n_rows: 0,
        n_by_split: [0; 4],
        n_bytes: 0,
        n_bad: 0,
        version: 1,
        revision: 1,
        undo: None,
        redo: None,
        origin: String::new(),
        notes: "What it is.".to_owned(),
        licence: "CC-BY-4.0".to_owned(),
        starter: false,
        created_at_ms: 0,
        changed_at_ms: 0,
        trashed_at_ms: None,
    }
}

/// Rows out and in again, with their splits.
fn round_trip(rows: &Given, format: ExportFormat) -> Vec<(Option<Split>, Value)> {
    let folder = tempfile::tempdir().unwrap();
    let name = format.ending().map_or("out".to_owned(), |ending| format!("out.{ending}"));
    let to = folder.path().join(name);
    let report = write(rows, &spec(format, to.clone()), &record(), &|_| Ok(())).unwrap();
    assert_eq!(report.n_rows, rows.rows.len() as u64);
    let options = ReadOptions { header: Some(true), ..ReadOptions::default() };
    let mut reader = open(&ImportSource::Files(vec![to]), &options).unwrap();
    let (mut line, mut found) = (Vec::new(), Vec::new());
    while let Some(read) = reader.next(&mut line).unwrap() {
        match read {
            Read::Row { split } => found.push((split, parse(&line))),
            Read::Bad(bad) => panic!("{format:?}: {bad:?}"),
        }
    }
    found
}

/// As a table has it: what a row lacks is null there.
fn filled(row: &Value, columns: &[String]) -> Value {
    let value = |name: &String| (name.clone(), row.get(name).cloned().unwrap_or_default());
    Value::Object(columns.iter().map(value).collect())
}

fn columns_of(rows: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for key in rows.iter().flat_map(|row| row.as_object().unwrap().keys()) {
        if !names.contains(key) {
            names.push(key.clone());
        }
    }
    names
}

/// With an exact eye: floats by their bits, 1 apart from 1.0.
#[track_caller]
fn assert_same(found: &Value, expected: &Value, about: &str) {
    assert_eq!(found.to_string(), expected.to_string(), "{about}");
}

#[track_caller]
fn check(rows: &[Value]) {
    let names = columns_of(rows);
    for format in ExportFormat::ALL {
        let found = round_trip(&given(rows), format);
        assert_eq!(found.len(), rows.len(), "{format:?}");
        for ((split, found), row) in found.iter().zip(rows) {
            assert_eq!(*split, None);
            match format {
                ExportFormat::Jsonl => assert_same(found, row, "jsonl"),
                _ => assert_same(&filled(found, &names), &filled(row, &names), &format!("{format:?}")),
            }
        }
    }
}

#[test]
fn values_come_back_as_they_were() {
    check(&[
        json!({"text": "a, \"b\"\nc", "n": 1, "s": "1", "f": 1.5, "b": true, "t": "true", "none": null, "big": u64::MAX}),
        json!({"text": "", "n": -7, "s": "", "f": 2.0, "b": false, "t": "null", "none": null, "big": 0}),
        json!({"text": "\r\n ", "n": null, "s": "01", "f": 1e300, "b": null, "t": "[1]", "none": null, "big": null}),
    ]);
    check(&[
        json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y", "weight": 1}],
            "tokens": ["a", ""], "empty": [], "deep": [[1, 2], [], [3]], "object": {"x": {"y": [true]}}}),
        json!({"messages": [], "tokens": [], "empty": [], "deep": [], "object": {"x": {"y": []}}}),
        json!({"messages": null, "tokens": ["b"], "empty": null, "deep": null, "object": null}),
    ]);
}

#[test]
fn what_has_no_one_type_comes_back_too() {
    check(&[
        json!({"any": 1, "num": 1, "mixed": 1, "l": [1, "x"], "o": {}}),
        json!({"any": "1", "num": 2.5, "mixed": 1.0, "l": [], "o": {"a": 1}}),
        json!({"any": [1], "num": -3, "mixed": 2.5, "l": [null, {"z": [1.0]}], "o": {"a": "x"}}),
        json!({"any": {"a": "[1]"}, "num": -0.5, "mixed": -1, "l": null, "o": {"b": [[]]}}),
        json!({"any": "\"[1]\"", "num": 0, "mixed": u64::MAX, "l": ["[1]"], "o": null}),
        json!({"any": "\"\\\"[1]\\\"\"", "num": 0.1, "mixed": -9007199254740993_i64, "l": [[]], "o": {}}),
    ]);
}

#[test]
fn one_column_of_nothing_is_rows_all_the_same() {
    check(&[json!({"a": null}), json!({"a": ""}), json!({"a": null})]);
    // Floats that are written with more zeros than they have digits.
    check(&[json!({"a": 7}), json!({"a": 123456789012345680000.0}), json!({"a": 0.00001234567890123456})]);
    check(&[json!({"": 1, "b,\"c\"": 2, " d ": "\u{feff}"})]);
    for format in ExportFormat::ALL {
        let nothing = Given {
            columns: vec![ColumnRecord { name: "a".to_owned(), ..Default::default() }],
            rows: vec![],
        };
        assert_eq!(round_trip(&nothing, format), []);
    }
}

#[test]
fn splits_are_files_of_the_folder() {
    let row = |n: u64, split| (split, json!({"n": n}).to_string().into_bytes());
    let rows = Given {
        rows: vec![
            row(1, Some(Split::Test)),
            row(2, None),
            row(3, Some(Split::Train)),
            row(4, Some(Split::Validation)),
            row(5, Some(Split::Train)),
        ],
        columns: vec![],
    };
    let mut found = round_trip(&rows, ExportFormat::Folder);
    found.sort_by_key(|(_, row)| row["n"].as_u64());
    let splits: Vec<Option<Split>> = found.iter().map(|(split, _)| *split).collect();
    assert_eq!(splits, rows.rows.iter().map(|(split, _)| *split).collect::<Vec<_>>());
}

#[test]
fn a_card_says_what_is_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("out");
    let rows = given(&[json!({"text": "x", "messages": [{"role": "user", "content": ["a"]}], "n": [[1]]})]);
    write(&rows, &spec(ExportFormat::Folder, to.clone()), &record(), &|_| Ok(())).unwrap();
    let card = std::fs::read_to_string(to.join("README.md")).unwrap();
    let expected = "---\nlicense: cc-by-4.0\npretty_name: \"Rows: \\\"odd\\\"\"\nsize_categories:\n- n<1K\n\
        task_categories:\n- text-generation\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    \
        path: data/rows.parquet\ndataset_info:\n  features:\n  - name: \"text\"\n    dtype: string\n  \
        - name: \"messages\"\n    list:\n    - name: \"role\"\n      dtype: string\n    - name: \"content\"\n      \
        list: string\n  - name: \"n\"\n    list:\n      list: int64\n  splits:\n  - name: train\n";
    assert!(card.starts_with(expected), "{card}");
    assert!(card.contains("# Rows: \"odd\"\n\nWhat it is.\n"), "{card}");
    // A second dataset in its place leaves nothing of the first.
    let other = Given { rows: vec![(Some(Split::Test), b"{\"a\":1}".to_vec())], columns: vec![] };
    let again = ExportSpec { replace: true, ..spec(ExportFormat::Folder, to.clone()) };
    write(&other, &again, &record(), &|_| Ok(())).unwrap();
    assert!(!to.join("data/rows.parquet").exists() && to.join("data/test.parquet").exists());
}

#[test]
fn what_is_there_stays_unless_it_is_to_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("a.jsonl");
    std::fs::write(&to, "old").unwrap();
    let rows = given(&[json!({"a": 1})]);
    let fault = write(&rows, &spec(ExportFormat::Jsonl, to.clone()), &record(), &|_| Ok(())).unwrap_err();
    assert_eq!(fault.downcast::<Failure>().unwrap().summary.key, "data.export_there");
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "old");
    // Cancelled in the middle nothing has changed, and nothing is left behind.
    for format in [ExportFormat::Jsonl, ExportFormat::Csv, ExportFormat::Parquet] {
        let again = ExportSpec { replace: true, ..spec(format, to.clone()) };
        write(&rows, &again, &record(), &|_| Err(anyhow!("cancelled"))).unwrap_err();
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
    let again = ExportSpec { replace: true, ..spec(ExportFormat::Jsonl, to.clone()) };
    write(&rows, &again, &record(), &|_| Ok(())).unwrap();
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "{\"a\":1}\n");
}

fn any_text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "1",
        "-2.5",
        "true",
        "False",
        "null",
        "",
        "[1]",
        "{}",
        "{\"a\":1}",
        "\"",
        "\"\"",
        "\"x\"",
        "\"[1]\"",
        "[",
        "a,b",
        "a\nb",
        "\r",
        "'x'",
        "sep=;",
        " x ",
        "\u{feff}",
        "001",
        "1e5",
        "NaN",
        "\\",
        "\\u0041",
    ]);
    prop_oneof![2 => odd.prop_map(str::to_owned), 3 => "\\PC{0,12}", 1 => prop::string::string_regex("[\\x00-\\x7f]{0,8}").unwrap()]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-3i64..4).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![0.0, -0.0, 1.0, 2.5, 1e21, 5e-324]).prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            // Every object has all of its keys: null and absent are one in columns that have both.
            inner.prop_map(|one| json!({"k": one})),
        ]
    })
}

/// Rows whose values at one column are alike, as they mostly are, or are not.
fn any_rows() -> impl Strategy<Value = Vec<Value>> {
    let column = prop_oneof![
        prop::collection::vec(any_text().prop_map(Value::from), 6),
        prop::collection::vec(prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from)], 6),
        prop::collection::vec(
            prop_oneof![any::<f64>().prop_map(Value::from), (0..9).prop_map(Value::from)],
            6
        ),
        prop::collection::vec(prop::collection::vec(any_text(), 0..3).prop_map(Value::from), 6),
        prop::collection::vec(any_value(), 6),
    ];
    let names = prop::collection::btree_set("[a-z \",é]{1,5}", 1..5);
    (names, prop::collection::vec(column, 5), 0..6usize).prop_map(|(names, columns, n)| {
        let row = |at: usize| {
            let fields = names.iter().zip(&columns).map(|(name, values)| (name.clone(), values[at].clone()));
            Value::Object(fields.collect::<Map<_, _>>())
        };
        (0..n).map(row).collect()
    })
}

/// Shapes that are made one when they come in are not what went out.
fn is_settled(row: &Value) -> bool {
    let mut line = Vec::new();
    let bytes = row.to_string().into_bytes();
    crate::formats::settled(&bytes, &mut line).is_ok() && line == bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_rows_come_back(rows in any_rows()) {
        // Nulls that serde makes of floats that are none are nulls.
        prop_assume!(rows.iter().all(is_settled));
        check(&rows);
    }
}
