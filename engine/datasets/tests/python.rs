//! Files that Python's libraries wrote are read as they meant them: `python/make.py` made both.

use glassworks_datasets::formats::{Read, open};
use glassworks_protocol::datasets::import::{FileFormat, ImportSource, ReadOptions, TextEncoding};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python")
}

/// With 1 apart from 1.0, and floats by their shortest digits.
fn lines(path: PathBuf) -> Vec<String> {
    let mut reader = open(&ImportSource::Files(vec![path]), &ReadOptions::default()).expect("it reads");
    let (mut line, mut rows) = (Vec::new(), Vec::new());
    while let Some(read) = reader.next(&mut line).expect("it reads") {
        match read {
            Read::Row { .. } => {
                let value: Value = serde_json::from_slice(&line).expect("it reads");
                rows.push(value.to_string());
            }
            Read::Bad(bad) => panic!("{bad:?}"),
        }
    }
    rows
}

/// What `name` is read as, beside what was in it.
#[track_caller]
fn check(name: &str) {
    let stem = name.split('.').next().expect("it reads");
    let expected = std::fs::read_to_string(folder().join(format!("{stem}.rows.jsonl"))).expect("it reads");
    let expected: Vec<Value> =
        expected.lines().map(|line| serde_json::from_str(line).expect("it reads")).collect();
    let found = lines(folder().join(name));
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, &expected.to_string(), "{name}");
    }
}

#[test]
fn tables_of_pandas() {
    for name in [
        "pandas.csv",
        "pandas-index.csv",
        "pandas-gbk.csv",
        "pandas-utf16.tsv",
        "pandas-bom.csv.gz",
        "pandas-latin1.csv",
        "pandas-gaps.csv",
    ] {
        check(name);
    }
}

#[test]
fn json_of_pandas() {
    for name in [
        "pandas-columns.json",
        "pandas-records.json",
        "pandas-split.json",
        "pandas-table.json",
        "pandas-lines.jsonl.zst",
    ] {
        check(name);
    }
}

#[test]
fn files_of_datasets() {
    for name in ["datasets.jsonl", "datasets.parquet", "datasets-classes.parquet", "datasets-squad.parquet"] {
        check(name);
    }
}

#[test]
fn parquet_of_every_type_page_and_encoding() {
    for name in
        ["pyarrow.parquet", "pyarrow-v2.parquet", "pyarrow-legacy.parquet", "pyarrow-encodings.parquet"]
    {
        check(name);
    }
}

#[test]
fn encodings_and_separators_are_told() {
    let told = |name: &str| {
        let reader =
            open(&ImportSource::Files(vec![folder().join(name)]), &ReadOptions::default()).expect("it reads");
        let file = &reader.files()[0];
        (file.format, file.encoding, file.separator, file.compression.clone())
    };
    let table = FileFormat::Table;
    assert_eq!(told("pandas-gbk.csv"), (table, Some(TextEncoding::Gbk), Some(';'), None));
    assert_eq!(told("pandas-utf16.tsv"), (table, Some(TextEncoding::Utf16Le), Some('\t'), None));
    assert_eq!(told("pandas-latin1.csv"), (table, Some(TextEncoding::Latin1), Some(','), None));
    assert_eq!(
        told("pandas-bom.csv.gz"),
        (table, Some(TextEncoding::Utf8), Some(','), Some("gz".to_owned()))
    );
    assert_eq!(
        told("pandas-lines.jsonl.zst"),
        (FileFormat::Jsonl, Some(TextEncoding::Utf8), None, Some("zst".to_owned()))
    );
    assert_eq!(told("pyarrow.parquet"), (FileFormat::Parquet, None, None, None));
}
