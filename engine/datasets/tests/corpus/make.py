#!/usr/bin/env python3
"""Makes the good files of the corpus, a folder for each reader; what is broken in it, the fuzzer `mangle` found.

    pip install pyarrow==26.0.1 zstandard
    engine/datasets/tests/corpus/make.py

Words like mk7km are looked for in what is read: none may be dropped.
"""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

HERE = Path(__file__).resolve().parent


def put(name, content):
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


TURNS = [{"from": "human", "value": "mk1km"}, {"from": "gpt", "value": 'a "b"\\ mk2km'}]
ROWS = [
    {"text": "mk3km plain", "label": 1, "score": 0.25, "ok": True, "none": None},
    {"text": "é 好 😀 \\ \" \t mk4km", "label": -3, "deep": [[1, []], {"a": {"b": ["mk5km"]}}]},
    {"id": "7", "conversations": TURNS, "translation": {"en": "mk6km", "zh": "好"}},
    {"text": "x", "spans": [[0, 1, "A"]], "entities": [{"start_offset": 0, "end_offset": 1, "label": ["A", "B"]}]},
    {"question": "q", "answers": [{"text": "mk7km", "answer_start": 3}], "tokens": ["a"], "tags": ["O"]},
    {"messages": ["mk8km", "b"], "history": [["q", "a"]], "big": 12345678901234567890123, "e": 1e-7},
]
TABLE = 'id,text,label,n\n1,mk1km plain,pos,0.5\n2,"quoted, ""mk2km""\nand more",neg,-3\n3,,pos,\n4,"[1, 2]",neg,1e5\n'
PLAIN = "id,text,label\n1,mk1km one,pos\n2,mk2km two,neg\n3,mk3km three,pos\n\n4,mk4km four,neg\n"
WORDS = "编号,文本,标签\n1,今天天气很好我们去公园散步吧,正面\n2,\"这部电影真的很难看，\"\"不推荐\"\"\",负面\n3,好,正面\n"
FRENCH = "id;texte;étiquette\n1;L'été à la plage, déjà passé;été\n2;\"Où êtes-vous ? ; Français naïf\";hiver\n"
CONLL = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nmk1km VBZ B-VP O\n\nPeter NNP B-NP B-PER\nmk2km NN I-NP O\n"
UNIVERSAL = (
    "# text = mk1km do n't\n1\tmk1km\tI\tPRON\tPRP\tCase=Nom\t2\tnsubj\t_\t_\n2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "2\tdo\tdo\tAUX\tVB\t_\t0\troot\t_\t_\n3\tn't\tnot\tPART\tRB\t_\t2\tadvmod\t_\t_\n\n1\tmk2km\tgo\tVERB\tVB\t_\t0\troot\t_\t_\n"
)
SQUAD = {
    "version": "1.1",
    "data": [
        {
            "title": "mk1km",
            "paragraphs": [
                {
                    "context": "Anna lives in Bonn.",
                    "qas": [
                        {"id": "1", "question": "Where?", "answers": [{"text": "Bonn", "answer_start": 14}]},
                        {"id": "2", "question": "Why?", "answers": [], "is_impossible": True, "plausible_answers": []},
                    ],
                },
                {"context": "Second.", "qas": [], "extra": 1},
            ],
        },
        {"title": "b", "paragraphs": [{"context": "c", "qas": [{"id": "3", "question": "q", "answers": None}]}]},
    ],
}


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def texts():
    put("jsonl/rows.jsonl", lines(ROWS))
    put("jsonl/escaped.jsonl", "\n".join(json.dumps(row) for row in ROWS).replace("mk", "\\u006dk", 1) + "\r\n\r\n \n")
    put("jsonl/bad.jsonl", '{"a": "mk1km"}\n{"a": "mk2km}\n\n[1, "mk3km"]\n{"a": 1, "a": "mk4km"}\n{"a": 1} mk5km\n{"b": tru\n')
    put("json/list.json", json.dumps(ROWS, ensure_ascii=False))
    put("json/pretty.json", json.dumps(ROWS, indent=2))
    put("json/broken.json", '[\n  {"a": "mk1km"},\n  {"a": mk2km},\n  {"a": "mk3km"}\n]\n')
    put("json/values.json", '{"a": "mk1km"}\n{"a": "mk2km"},\n{"a": [1, "mk3km"]}')
    put("json/columns.json", '{"a": [1, 2, 3], "b": ["x", "mk1km]", null]}')
    put("json/numbered.json", '{"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": "mk1km}"}}')
    put("json/split.json", '{"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, "mk1km"]]}')
    put("json/parts.json", json.dumps({"version": 1, "train": ROWS[:2], "test": ROWS[2:]}))
    put("json/pairs.json", '[["mk1km", {"entities": [[0, 4, "A"]]}], ["b", {"entities": []}]]')
    put("json/one.json", '{\n "a": "mk1km",\n "b": [1]\n}\n')
    put("table/rows.csv", TABLE)
    put("table/plain.csv", PLAIN.replace("\n", "\r\n"))
    put("table/tabs.tsv", PLAIN.replace(",", "\t"))
    put("table/said.csv", "sep=;\n" + PLAIN.replace(",", ";"))
    put("table/no-header.csv", "mk1km,1\nmk2km,2\nmk1km,3\nb,4")
    put("table/single.csv", "a|b\n'x|mk1km'|1\n'y ''z'''|2\n'w'|3\n")
    put("table/spaced.csv", 'a, b, c\n1, "mk1km, x", 3\n4, y, 6\n')
    put("table/bad.csv", 'a,b\n1,"mk1km\n2,3\n4,"x" mk2km\n5,6,7\n8,9\n')
    put("table/returns.csv", PLAIN.replace("\n", "\r"))
    put("text/paragraphs.txt", "mk1km one\r\n two\r\n\r\n \t\nthree mk2km\rfour\n\n\n")
    put("text/prose.md", "# Title mk1km\n\nWell, it was.\nSo, it is.\n\nThe end. é 好 \u2028 mk2km")
    put("folder/split/train.txt", "mk1km one\n\ntwo\n")
    put("folder/split/test.txt", "three\n\nmk2km\n")
    put("folder/split/README.md", "About this\n")
    put("folder/mixed/a.csv", "text,label\nmk1km,x\ny,z\n")
    put("folder/mixed/dev.jsonl", '{"a": "mk2km"}\n')
    put("folder/mixed/notes.txt", "Not read\n")
    put("conll/four.conll", CONLL)
    put("conll/two.bio", "EU\tB-ORG\nmk1km\tO\n#\tO\n\nPeter\tB-PER\n\n\n-DOCSTART-\tO\nmk2km\tO\n")
    put("conll/universal.conllu", UNIVERSAL)
    put("conll/bad.iob", "a O\nmk1km\nb B-X\n\nmk2km O\n\n# a comment\nc I-X O\n")
    put("squad/small.json", json.dumps(SQUAD))
    put("squad/pretty.json", json.dumps(SQUAD, indent=1))
    put("squad/list.json", json.dumps(SQUAD["data"]))
    put("squad/bad.json", '{"data": [{"title": "a"}, {"paragraphs": [{"qas": []}, {"context": "c", "qas": [{"question": 1}]}]}, 7]}')


def encodings():
    put("utf-8-bom/table.csv", b"\xef\xbb\xbf" + TABLE.encode())
    put("utf-8-bom/rows.jsonl", b"\xef\xbb\xbf" + lines(ROWS).encode())
    put("utf-8-bom/twice.txt", b"\xef\xbb\xbf\xef\xbb\xbfmk1km\n\nb")
    for name in ["utf-16le", "utf-16be"]:
        codec = name.replace("-16", "-16-")
        mark = "\ufeff".encode(codec)
        put(f"{name}/table.csv", mark + TABLE.encode(codec))
        put(f"{name}/words.csv", WORDS.encode(codec))
        put(f"{name}/rows.jsonl", mark + lines(ROWS).encode(codec))
        put(f"{name}/odd.txt", mark + "one\n\n😀".encode(codec) + b"\xd8")
    put("gbk/table.csv", WORDS.encode("gb18030"))
    put("gbk/text.txt", "今天天气很好\n\n我们去公园散步吧 😀 ḿ\n".encode("gb18030"))
    put("latin-1/table.csv", FRENCH.encode("cp1252"))
    put("latin-1/text.txt", "L'été à la plage, déjà passé\n\nOù êtes-vous ? “Français” € naïf\n".encode("cp1252"))


def wrappers():
    for name, text in [("table.csv", TABLE), ("rows.jsonl", lines(ROWS)), ("list.json", json.dumps(ROWS)), ("conll.conll", CONLL)]:
        data = text.encode()
        zipped = gzip.compress(data, mtime=0)
        put(f"gz/{name}.gz", zipped)
        put(f"zst/{name}.zst", zstandard.ZstdCompressor(write_checksum=True).compress(data))
    half = len(lines(ROWS)) // 3
    data = lines(ROWS).encode()
    put("gz/members.jsonl.gz", gzip.compress(data[:half], mtime=0) + gzip.compress(data[half:], mtime=0))
    put("gz/columns.json.gz", gzip.compress(b'{"a": [1, 2], "b": ["x", "y"]}', mtime=0))
    put("gz/utf-16.csv.gz", gzip.compress(TABLE.encode("utf-16"), mtime=0))
    one = zstandard.ZstdCompressor(write_content_size=False)
    put("zst/frames.jsonl.zst", one.compress(data[:half]) + b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + one.compress(data[half:]))


def parquet():
    (HERE / "parquet").mkdir(exist_ok=True)
    flat = pa.table({
        "text": ["plain", 'a "b"\n', None, "好"] * 5,
        "n": pa.array([1, -2, None, 2**40] * 5),
        "x": pa.array([0.5, None, float("nan"), 1e300] * 5),
        "ok": [True, False, None, True] * 5,
    })
    nested = pa.table({
        "tokens": [["a", None], [], None, ["b"]] * 3,
        "deep": pa.array([[[1, 2], []], None, [None], []] * 3, pa.list_(pa.list_(pa.int32()))),
        "turn": [{"role": "user", "content": "x"}, None, {"role": None, "content": "y"}, {"role": "a", "content": ""}] * 3,
        "map": pa.array([[("k", 1)], [], None, [("a", None), ("b", 2)]] * 3, pa.map_(pa.string(), pa.int64())),
    })
    kinds = pa.table({
        "day": pa.array([0, None, 19782], pa.date32()),
        "at": pa.array([0, -1, None], pa.timestamp("us", "UTC")),
        "clock": pa.array([1, None, 86399999], pa.time32("ms")),
        "price": pa.array([None, 1, -2], pa.decimal128(12, 2)),
        "half": pa.array([1.5, None, 2.0], pa.float16()),
        "raw": pa.array([b"\xff\x00", b"abc", None], pa.binary()),
        "fixed": pa.array([b"abcd", None, b"\xff\xfe\xfd\xfc"], pa.binary(4)),
        "unsigned": pa.array([2**64 - 1, None, 0], pa.uint64()),
    })
    out = lambda name: HERE / "parquet" / name
    bare = {"write_statistics": False, "store_schema": False}
    pq.write_table(flat, out("flat.parquet"), compression="none", **bare)
    pq.write_table(flat, out("snappy.parquet"), compression="snappy", row_group_size=7)
    pq.write_table(flat, out("gzip-v2.parquet"), compression="gzip", data_page_version="2.0", **bare)
    pq.write_table(nested, out("nested.parquet"), compression="none", **bare)
    pq.write_table(nested, out("nested-v2.parquet"), compression="zstd", data_page_version="2.0", row_group_size=5, **bare)
    pq.write_table(kinds, out("kinds.parquet"), compression="none", use_dictionary=False, **bare)
    pq.write_table(kinds, out("legacy.parquet"), version="1.0", use_deprecated_int96_timestamps=True, compression="snappy", **bare)
    delta = {"text": "DELTA_BYTE_ARRAY", "n": "DELTA_BINARY_PACKED", "x": "BYTE_STREAM_SPLIT", "ok": "RLE"}
    pq.write_table(flat, out("delta.parquet"), compression="none", use_dictionary=False, column_encoding=delta, **bare)
    lengths = {"text": "DELTA_LENGTH_BYTE_ARRAY"}
    pq.write_table(flat.select(["text"]), out("lengths.parquet"), compression="none", use_dictionary=False, column_encoding=lengths, data_page_size=16, write_batch_size=4, **bare)


if __name__ == "__main__":
    texts()
    encodings()
    wrappers()
    parquet()
