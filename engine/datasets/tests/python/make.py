#!/usr/bin/env python3
"""Makes the files that Python's libraries write, and beside each the rows that must come of it.

    pip install pandas==3.1.1 pyarrow==26.0.1 datasets==5.2.0 zstandard==0.25.0
    engine/datasets/tests/python/make.py

Rows are in NAME.rows.jsonl, as `json` writes them. Committed are the files; who changes them needs Python.
"""

import datetime as dt
import decimal
import json
import shutil
import tempfile
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent

PLAIN = [
    {"text": "It's \"good\", they say", "label": 1, "score": 0.1, "ok": True},
    {"text": "two\nlines", "label": 0, "score": -2.5, "ok": False},
    {"text": "好；还有, 逗号", "label": 12, "score": 1e-07, "ok": True},
    {"text": "été 😀\ttab", "label": -3, "score": 3.0, "ok": False},
]

NESTED = [
    {
        "id": "a",
        "messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi \"you\""}],
        "tokens": ["EU", "rejects"],
        "tags": ["B-ORG", "O"],
        "deep": [[1, 2], [], [3]],
        "spans": [{"start": 0, "end": 2, "label": "ORG"}],
        "maybe": None,
    },
    {"id": "b", "messages": [], "tokens": [], "tags": [], "deep": [], "spans": [], "maybe": 1},
    {"id": "c", "messages": None, "tokens": ["x", None], "tags": ["O", "O"], "deep": [None, [None]], "spans": None, "maybe": None},
]

ANSWERS = [
    {"id": "1", "context": "Anna lives in Bonn.", "question": "Where?", "answers": {"text": ["Bonn"], "answer_start": [14]}},
    {"id": "2", "context": "Anna lives in Bonn.", "question": "Why?", "answers": {"text": [], "answer_start": []}},
]


def rows(name, expected):
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in expected)
    (HERE / f"{name}.rows.jsonl").write_text(text, encoding="utf-8")


def with_pandas():
    frame = pd.DataFrame(PLAIN)
    with_gaps = pd.DataFrame({"text": ["a", None, ""], "n": [1.5, None, 2.0]})
    frame.to_csv(HERE / "pandas.csv", index=False)
    frame.to_csv(HERE / "pandas-index.csv")
    frame.to_csv(HERE / "pandas-gbk.csv", index=False, encoding="gb18030", sep=";")
    frame.to_csv(HERE / "pandas-utf16.tsv", index=False, encoding="utf-16", sep="\t")
    frame.to_csv(HERE / "pandas-bom.csv.gz", index=False, encoding="utf-8-sig", lineterminator="\r\n")
    frame.iloc[[0, 1, 3]].assign(text=["It's \"good\"", "two\nlines", "été"]).to_csv(
        HERE / "pandas-latin1.csv", index=False, encoding="latin-1", quoting=2)
    with_gaps.to_csv(HERE / "pandas-gaps.csv", index=False)
    for name in ["pandas", "pandas-gbk", "pandas-utf16", "pandas-bom"]:
        rows(name, PLAIN)
    rows("pandas-index", [{"column_1": n, **row} for n, row in enumerate(PLAIN)])
    rows("pandas-latin1", [{**PLAIN[0], "text": "It's \"good\""}, PLAIN[1], {**PLAIN[3], "text": "été"}])
    rows("pandas-gaps", [{"text": "a", "n": 1.5}, {"text": None, "n": None}, {"text": None, "n": 2.0}])
    for orient in ["columns", "records", "split", "table"]:
        frame.to_json(HERE / f"pandas-{orient}.json", orient=orient, force_ascii=orient != "records", double_precision=15)
    frame.to_json(HERE / "pandas-lines.jsonl.zst", orient="records", lines=True)
    # pandas writes 3.0 as it is, but for the records of a column with nothing but whole floats.
    for orient in ["columns", "records", "split", "lines"]:
        rows(f"pandas-{orient}", PLAIN)
    rows("pandas-table", [{"index": n, **row} for n, row in enumerate(PLAIN)])


def with_datasets():
    nested = datasets.Dataset.from_list(NESTED)
    nested.to_json(HERE / "datasets.jsonl", force_ascii=False)
    nested.to_parquet(HERE / "datasets.parquet")
    rows("datasets", NESTED)
    labels = datasets.Features({
        "text": datasets.Value("string"),
        "label": datasets.ClassLabel(names=["neg", "pos"]),
        "ner_tags": datasets.List(datasets.ClassLabel(names=["O", "B-PER", "I-PER"])),
    })
    named = datasets.Dataset.from_dict(
        {"text": ["a", "b", "c"], "label": [0, 1, -1], "ner_tags": [[0, 1], [2], []]}, features=labels)
    named.to_parquet(HERE / "datasets-classes.parquet")
    rows("datasets-classes", [
        {"text": "a", "label": "neg", "ner_tags": ["O", "B-PER"]},
        {"text": "b", "label": "pos", "ner_tags": ["I-PER"]},
        {"text": "c", "label": None, "ner_tags": []},
    ])
    datasets.Dataset.from_list(ANSWERS).to_parquet(HERE / "datasets-squad.parquet")
    rows("datasets-squad", ANSWERS)


def with_pyarrow():
    now = dt.datetime(2024, 2, 29, 12, 34, 56, 789000)
    table = pa.table({
        "i8": pa.array([-1, None, 127], pa.int8()),
        "u8": pa.array([255, 0, None], pa.uint8()),
        "u32": pa.array([2**32 - 1, 0, None], pa.uint32()),
        "u64": pa.array([2**64 - 1, 0, None], pa.uint64()),
        "i64": pa.array([-2**63, 0, None], pa.int64()),
        "f16": pa.array(np.array([0.5, 2.0, np.nan], np.float16)),
        "f32": pa.array([0.1, 1e10, None], pa.float32()),
        "f64": pa.array([0.1, float("inf"), -0.0], pa.float64()),
        "dec": pa.array([decimal.Decimal("1.50"), decimal.Decimal("-0.05"), None], pa.decimal128(5, 2)),
        "day": pa.array([dt.date(2024, 2, 29), dt.date(1969, 12, 31), None]),
        "ms": pa.array([now, None, now], pa.timestamp("ms")),
        "us": pa.array([now, None, now], pa.timestamp("us", tz="UTC")),
        "ns": pa.array([now, None, now], pa.timestamp("ns")),
        "time": pa.array([dt.time(1, 2, 3), None, dt.time(0, 0)], pa.time32("ms")),
        "bytes": pa.array([b"text", b"\xff\x00", None], pa.binary()),
        "large": pa.array(["a", "", None], pa.large_string()),
        "words": pa.array(["x", "y", "x"]).dictionary_encode(),
        "map": pa.array([[("a", 1), ("b", None)], [], None], pa.map_(pa.string(), pa.int64())),
        "struct": pa.array([{"x": {"y": [1, None]}}, {"x": None}, None]),
        "structs": pa.array([[{"a": 1, "b": ["x"]}, {"a": None, "b": []}], [None], []]),
    })
    expected = [
        {"i8": -1, "u8": 255, "u32": 2**32 - 1, "u64": 2**64 - 1, "i64": -2**63, "f16": 0.5, "f32": 0.1, "f64": 0.1,
         "dec": 1.50, "day": "2024-02-29", "ms": "2024-02-29T12:34:56.789", "us": "2024-02-29T12:34:56.789Z",
         "ns": "2024-02-29T12:34:56.789", "time": "01:02:03", "bytes": "text", "large": "a", "words": "x",
         "map": {"a": 1, "b": None}, "struct": {"x": {"y": [1, None]}},
         "structs": [{"a": 1, "b": ["x"]}, {"a": None, "b": []}]},
        {"i8": None, "u8": 0, "u32": 0, "u64": 0, "i64": 0, "f16": 2.0, "f32": 1e10, "f64": None,
         "dec": -0.05, "day": "1969-12-31", "ms": None, "us": None, "ns": None, "time": None, "bytes": "/wA=",
         "large": "", "words": "y", "map": {}, "struct": {"x": None}, "structs": [None]},
        {"i8": 127, "u8": None, "u32": None, "u64": None, "i64": None, "f16": None, "f32": None, "f64": -0.0,
         "dec": None, "day": None, "ms": "2024-02-29T12:34:56.789", "us": "2024-02-29T12:34:56.789Z",
         "ns": "2024-02-29T12:34:56.789", "time": "00:00:00", "bytes": None, "large": None, "words": "x",
         "map": None, "struct": None, "structs": []},
    ]
    plain = table.drop_columns(["f16"])
    without = [{key: value for key, value in row.items() if key != "f16"} for row in expected]
    pq.write_table(table, HERE / "pyarrow.parquet", compression="zstd")
    rows("pyarrow", expected)
    pq.write_table(table, HERE / "pyarrow-v2.parquet", compression="gzip", data_page_version="2.0", row_group_size=2)
    rows("pyarrow-v2", expected)
    pq.write_table(plain, HERE / "pyarrow-legacy.parquet", compression="snappy", version="1.0", use_compliant_nested_type=False,
                   use_deprecated_int96_timestamps=True)
    legacy = [{**row, "us": row["us"] and row["us"].rstrip("Z")} for row in without]
    rows("pyarrow-legacy", legacy)
    many = pa.table({"n": pa.array(range(3000)), "s": pa.array([f"text {n % 7}" for n in range(3000)]),
                     "l": pa.array([list(range(n % 5)) for n in range(3000)])})
    pq.write_table(many, HERE / "pyarrow-encodings.parquet", compression="none", use_dictionary=False, row_group_size=1000,
                   data_page_size=512, column_encoding={"n": "DELTA_BINARY_PACKED", "s": "DELTA_BYTE_ARRAY", "l.list.element": "BYTE_STREAM_SPLIT"})
    rows("pyarrow-encodings", many.to_pylist())


def main():
    for path in HERE.iterdir():
        if path.suffix not in {".py", ".md"}:
            path.unlink()
    with_pandas()
    with_datasets()
    with_pyarrow()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache:
        datasets.config.HF_DATASETS_CACHE = cache
        main()
