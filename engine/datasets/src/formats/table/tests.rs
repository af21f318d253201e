//! Tables as they come, and what is wrong with them.

use super::super::reader::tests::{Told, bad, row, rows_of};
use super::*;
use glassworks_protocol::datasets::import::ReadOptions;
use serde_json::{Value, json};

fn table(text: &[u8], options: &ReadOptions) -> Table {
    let window = Window::of(text);
    let dialect = Dialect::of(window.bytes(), window.ended(), options, false);
    Table::new(window, dialect).unwrap()
}

#[track_caller]
fn check(text: &str, expected: Vec<Told>) {
    assert_eq!(rows_of(&mut table(text.as_bytes(), &ReadOptions::default())), expected, "{text}");
}

fn rows(values: &[Value]) -> Vec<Told> {
    values.iter().cloned().map(row).collect()
}

#[test]
fn separators_quotes_and_headers_are_found() {
    let expected = rows(&[json!({"text": "a, b", "label": "x"}), json!({"text": "c; d", "label": "y"})]);
    check("text,label\n\"a, b\",x\nc; d,y\n", expected.clone());
    check("text\tlabel\na, b\tx\nc; d\ty\n", expected.clone());
    check("text;label\na, b;x\n\"c; d\";y\n", expected.clone());
    check("text|label\r\na, b|x\r\nc; d|y", expected.clone());
    check("text,label\r\"a, b\",x\r\rc; d,y\r", expected.clone());
    check("\u{FEFF}text, label\n\"a, b\", x\nc; d, y\n", expected.clone());
    check("sep=;\ntext;label\na, b;x\n\"c; d\";y\n", expected.clone());
    check(
        "text,label\n'a, b',x\n'c; d',y\n'e','z'\n",
        [expected, rows(&[json!({"text": "e", "label": "z"})])].concat(),
    );
}

#[test]
fn what_comes_before_the_header_is_told() {
    let expected = vec![bad(1, "after_quote", "1, \"x\"|, 3"), row(json!({"a": 4, "b": "y", "c": 6}))];
    check("1, \"x\"|, 3\na, b, c\n4, y, 6\n", expected);
}

#[test]
fn tables_without_a_header_have_numbered_columns() {
    check(
        "It was good,pos\nIt was bad and long,neg\nSo so,neg\nneg,pos\n",
        rows(&[
            json!({"column_1": "It was good", "column_2": "pos"}),
            json!({"column_1": "It was bad and long", "column_2": "neg"}),
            json!({"column_1": "So so", "column_2": "neg"}),
            json!({"column_1": "neg", "column_2": "pos"}),
        ]),
    );
    check(
        "1,a\n2,b\n",
        rows(&[json!({"column_1": 1, "column_2": "a"}), json!({"column_1": 2, "column_2": "b"})]),
    );
    let options = ReadOptions { header: Some(false), ..ReadOptions::default() };
    assert_eq!(rows_of(&mut table(b"text\nx\n", &options)).len(), 2);
}

#[test]
fn headers_are_made_whole() {
    check("a,a,\n1,2,3\n", rows(&[json!({"a": 1, "a_2": 2, "column_3": 3})]));
    check("a,b,\n1,2\n3,4\n", rows(&[json!({"a": 1, "b": 2}), json!({"a": 3, "b": 4})]));
    check(
        "a,b\n1,2,3\n1,4,5\n",
        rows(&[json!({"row": 1, "a": 2, "b": 3}), json!({"row": 1, "a": 4, "b": 5})]),
    );
}

#[test]
fn values_are_what_they_look_like_where_texts_are_quoted() {
    check(
        "\"a\",\"b\"\n1,\"1\"\n-2.50,\"x\"\ntrue,\"true\"\n,\"\"\n1e3,\"[1]\"\n",
        rows(&[
            json!({"a": 1, "b": "1"}),
            json!({"a": -2.5, "b": "x"}),
            json!({"a": true, "b": "true"}),
            json!({"a": null, "b": ""}),
            json!({"a": 1000.0, "b": [1]}),
        ]),
    );
}

#[test]
fn a_column_with_plain_texts_holds_texts_alone() {
    check(
        "zip,text\n01234,2020\n12345,good\n99999,[1]\n",
        rows(&[
            json!({"zip": "01234", "text": "2020"}),
            json!({"zip": "12345", "text": "good"}),
            json!({"zip": "99999", "text": "[1]"}),
        ]),
    );
    check(
        "n,x\n12345678901234567890123,1\n1,2\n",
        rows(&[json!({"n": "12345678901234567890123", "x": 1}), json!({"n": "1", "x": 2})]),
    );
}

#[test]
fn cells_of_json_are_values_and_take_one_shape() {
    check(
        "\"id\",\"messages\"\n1,\"[{\"\"from\"\": \"\"human\"\", \"\"value\"\": \"\"hi\"\"}]\"\n",
        rows(&[json!({"id": 1, "messages": [{"role": "user", "content": "hi"}]})]),
    );
}

#[test]
fn records_of_another_length_are_bad() {
    check(
        "text,label\na,x\nb\nc,y,z\n\nd,\"w\n\"\ne,v\n",
        vec![
            row(json!({"text": "a", "label": "x"})),
            bad(3, "columns", "b"),
            bad(4, "columns", "c,y,z"),
            row(json!({"text": "d", "label": "w\n"})),
            row(json!({"text": "e", "label": "v"})),
        ],
    );
}

#[test]
fn an_open_quote_costs_one_line() {
    let good = "good,\"y\"\n".repeat(3);
    check(
        &format!("text,label\n{good}\"open,x\nnext,\"y\"\n"),
        vec![
            row(json!({"text": "good", "label": "y"})),
            row(json!({"text": "good", "label": "y"})),
            row(json!({"text": "good", "label": "y"})),
            bad(5, "after_quote", "\"open,x"),
            row(json!({"text": "next", "label": "y"})),
        ],
    );
    check(
        &format!("text,label\n{good}a,\"open\nnext,y\nlast,z\n"),
        vec![
            row(json!({"text": "good", "label": "y"})),
            row(json!({"text": "good", "label": "y"})),
            row(json!({"text": "good", "label": "y"})),
            bad(5, "quote", "a,\"open"),
            row(json!({"text": "next", "label": "y"})),
            row(json!({"text": "last", "label": "z"})),
        ],
    );
}

#[test]
fn quotes_that_hold_nothing_together_are_letters() {
    check(
        "text\tlabel\n\"Good\" he said\tx\nAnd \"so\"\ty\n",
        rows(&[
            json!({"text": "\"Good\" he said", "label": "x"}),
            json!({"text": "And \"so\"", "label": "y"}),
        ]),
    );
}

#[test]
fn bytes_that_are_no_text_are_bad() {
    let found = rows_of(&mut table(b"text,label\nab\xFFc,x\nd,y\n", &ReadOptions::default()));
    assert_eq!(found, [bad(2, "encoding", "ab\u{FFFD}c,x"), row(json!({"text": "d", "label": "y"}))]);
}

#[test]
fn what_is_too_long_is_bad_and_the_rest_is_read() {
    let long = "x".repeat(LONGEST_BYTES + 300_000);
    let found =
        rows_of(&mut table(format!("text,label\n{long},a\nd,y\n").as_bytes(), &ReadOptions::default()));
    assert!(matches!(&found[0], Told::Bad(2, key, text) if key == "data.bad_long" && text.len() < 70_000));
    assert_eq!(found[1..], [row(json!({"text": "d", "label": "y"}))]);
    // An open quote before more lines than a record can have.
    let lines = "c,z\n".repeat(LONGEST_BYTES / 4 + 100_000);
    let text = format!("text,label\n\"e\",\"f\"\n\"a,x\n{lines}");
    let mut reader = table(text.as_bytes(), &ReadOptions::default());
    let mut line = Vec::new();
    assert!(matches!(reader.next(&mut line).unwrap(), Got::Row));
    assert!(
        matches!(reader.next(&mut line).unwrap(), Got::Bad(bad) if bad.reason.key == "data.bad_quote" && bad.row == 3)
    );
    let mut n = 0;
    while let Got::Row = reader.next(&mut line).unwrap() {
        n += 1;
    }
    assert_eq!(n, LONGEST_BYTES / 4 + 100_000);
}

#[test]
fn nothing_is_no_row() {
    for text in ["", "\n\n", "\u{FEFF}"] {
        check(text, Vec::new());
    }
}
