//! Rows of every task, right and wrong in every way.

use super::*;
use DataTask::{Chat, Classification, Pairs, Preference, QuestionAnswering, Tagging};
use glassworks_protocol::text::Language;
use serde_json::{Value, json};

const NONE: RowFlags = RowFlags(0);

fn mapping(task: DataTask, roles: &[(Role, &str)]) -> Mapping {
    Mapping { task, roles: roles.iter().map(|(role, name)| (*role, (*name).to_owned())).collect() }
}

/// Flags, and for each issue a part of its sentence.
fn check(mapping: &Mapping, row: &Value, expected: RowFlags, says: &[&str]) {
    let row = row.as_object().unwrap();
    assert_eq!(flags(row, mapping), expected, "{row:?}");
    let found = issues(row, mapping);
    let union = found.iter().fold(0, |all, issue| all | issue.flag.0);
    assert_eq!(union, expected.0 & !RowFlags::UNLABELLED.0, "{found:?}");
    assert_eq!(found.len(), says.len(), "{found:?}");
    for (issue, part) in found.iter().zip(says) {
        for language in Language::ALL {
            let sentence = language.render(&issue.text);
            assert!(language.has(&issue.text.key) && !sentence.contains('{'), "{sentence}");
        }
        let sentence = Language::English.render(&issue.text);
        assert!(sentence.contains(part), "{sentence} does not say {part}");
    }
}

fn both(a: RowFlags, b: RowFlags) -> RowFlags {
    RowFlags(a.0 | b.0)
}

#[test]
fn texts() {
    let m = mapping(Classification, &[(Role::Text, "text"), (Role::Label, "label")]);
    check(&m, &json!({"text": "a", "label": "x"}), NONE, &[]);
    check(&m, &json!({"text": "a", "label": 1}), NONE, &[]);
    check(&m, &json!({"text": 5, "label": true}), NONE, &[]);
    check(&m, &json!({"text": "a", "label": null}), RowFlags::UNLABELLED, &[]);
    check(&m, &json!({"text": "a", "label": " "}), RowFlags::UNLABELLED, &[]);
    check(&m, &json!({"text": "a"}), RowFlags::UNLABELLED, &[]);
    check(&m, &json!({"text": "a", "label": ["x"]}), RowFlags::BROKEN, &["“label” is not a label"]);
    check(&m, &json!({"text": " \u{3000}\n", "label": "x"}), RowFlags::EMPTY, &["“text” is empty"]);
    check(&m, &json!({"text": null, "label": "x"}), RowFlags::EMPTY, &["“text” is empty"]);
    check(&m, &json!({"label": "x"}), RowFlags::BROKEN, &["“text” is missing"]);
    check(&m, &json!({"text": {}, "label": "x"}), RowFlags::BROKEN, &["“text” is not a text"]);
    check(&m, &json!({"text": "é\u{7}", "label": "x"}), RowFlags::CONTROL, &["U+0007 at character 2"]);
    check(&m, &json!({"text": "é\u{fffd}", "label": "x"}), RowFlags::CONTROL, &["U+FFFD at character 2"]);
    check(&m, &json!({"text": "a\r\nb\tc", "label": "x"}), NONE, &[]);
    let m = mapping(DataTask::Text, &[(Role::Text, "text")]);
    check(&m, &json!({"text": "a"}), NONE, &[]);
    check(&m, &json!({"text": ""}), RowFlags::EMPTY, &["“text” is empty"]);
}

#[test]
fn rows_without_roles() {
    let m = Mapping::default();
    check(&m, &json!({"a": "x"}), NONE, &[]);
    check(&m, &json!({"a": " ", "b": null}), RowFlags::EMPTY, &["The row is empty"]);
    check(&m, &json!({"a": "x\u{1}"}), RowFlags::CONTROL, &["“a” has the control character U+0001"]);
}

#[test]
fn pairs_and_instructions() {
    let m = mapping(Pairs, &[(Role::Source, "en"), (Role::Target, "zh")]);
    check(&m, &json!({"en": "a", "zh": "b"}), NONE, &[]);
    check(&m, &json!({"en": "", "zh": "b"}), RowFlags::EMPTY, &["“en” is empty"]);
    for empty in [json!({"en": "a"}), json!({"en": "a", "zh": null}), json!({"en": "a", "zh": " "})] {
        check(&m, &empty, RowFlags::NO_TARGET, &["“zh” is empty, so"]);
    }
    let m = mapping(Chat, &[(Role::Prompt, "p"), (Role::Input, "i"), (Role::Completion, "c")]);
    check(&m, &json!({"p": "a", "i": "", "c": "b"}), NONE, &[]);
    check(&m, &json!({"p": "", "i": "x", "c": "b"}), NONE, &[]);
    check(&m, &json!({"p": "", "i": "", "c": "b"}), RowFlags::EMPTY, &["“p” is empty"]);
    check(&m, &json!({"p": "a", "c": ""}), RowFlags::NO_TARGET, &["“c”"]);
}

#[test]
fn turns() {
    let m = mapping(Chat, &[(Role::Messages, "m")]);
    let row = |turns: &[(&str, &str)]| {
        let turns: Vec<Value> = turns.iter().map(|(r, c)| json!({"role": r, "content": c})).collect();
        json!({ "m": turns })
    };
    let bad = RowFlags::BAD_TURNS;
    check(&m, &row(&[("system", "s"), ("user", "u"), ("assistant", "a")]), NONE, &[]);
    check(&m, &row(&[("user", "u"), ("assistant", "a"), ("user", "v"), ("assistant", "b")]), NONE, &[]);
    check(&m, &row(&[("user", "u"), ("user", "v"), ("assistant", "a")]), bad, &["Turn 2 of “m” is a second"]);
    check(&m, &row(&[("assistant", "a"), ("user", "u")]), bad, &["Turn 1 of “m”, of assistant"]);
    check(
        &m,
        &row(&[("system", "s"), ("assistant", "a"), ("user", "u")]),
        bad,
        &["Turn 2 of “m”, of assistant"],
    );
    check(
        &m,
        &row(&[("user", "u"), ("system", "s"), ("assistant", "a")]),
        bad,
        &["only come first", "comes before"],
    );
    check(&m, &row(&[("user", "u"), ("bot", "b"), ("assistant", "a")]), bad, &["role “bot”"]);
    check(
        &m,
        &row(&[("user", "u"), ("tool", "b"), ("assistant", "a")]),
        bad,
        &["no turn of the assistant calls"],
    );
    check(&m, &row(&[("user", "u")]), RowFlags::NO_TARGET, &["no answer of the assistant"]);
    check(&m, &row(&[("user", "u"), ("assistant", " ")]), RowFlags::NO_TARGET, &["no answer"]);
    check(&m, &row(&[]), RowFlags::EMPTY, &["says nothing"]);
    check(&m, &json!({ "m": null }), RowFlags::EMPTY, &["says nothing"]);
    check(&m, &json!({ "m": "x" }), RowFlags::BROKEN, &["is not a conversation"]);
    check(&m, &json!({}), RowFlags::BROKEN, &["is missing"]);
    let broken = json!({"m": [{"role": "user"}, {"role": "assistant", "content": "a"}]});
    check(&m, &broken, RowFlags::BROKEN, &["Turn 1 of “m” lacks"]);
    let tools = json!({"m": [{"role": "user", "content": "u"}, {"role": "assistant", "content": null, "tool_calls": []},
        {"role": "tool", "content": "1"}, {"role": "tool", "content": "2"}]});
    check(&m, &tools, NONE, &[]);
    let stray = row(&[("user", "u\u{0}"), ("assistant", "a")]);
    check(&m, &stray, RowFlags::CONTROL, &["U+0000 at character 2"]);
}

#[test]
fn preferences() {
    let roles = [(Role::Prompt, "p"), (Role::Chosen, "c"), (Role::Rejected, "r")];
    let m = mapping(Preference, &roles);
    check(&m, &json!({"p": "q", "c": "a", "r": "b"}), NONE, &[]);
    check(&m, &json!({"p": "q", "c": "a", "r": "a"}), RowFlags::NO_TARGET, &["“c” and “r” are the same"]);
    check(&m, &json!({"p": "q", "c": "", "r": "a"}), RowFlags::NO_TARGET, &["“c” is empty"]);
    let answer = |text: &str| json!([{"role": "assistant", "content": text}]);
    let whole =
        |text: &str| json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": text}]);
    check(&m, &json!({"p": "q", "c": answer("a"), "r": answer("b")}), NONE, &[]);
    check(
        &m,
        &json!({"p": [{"role": "user", "content": "q"}], "c": answer("a"), "r": answer("b")}),
        NONE,
        &[],
    );
    let m = mapping(Preference, &roles[1..]);
    check(&m, &json!({"c": whole("a"), "r": whole("b")}), NONE, &[]);
    check(&m, &json!({"c": whole("a"), "r": answer("b")}), RowFlags::BAD_TURNS, &["comes before any"]);
}

#[test]
fn tags() {
    let m = mapping(Tagging, &[(Role::Tokens, "w"), (Role::Tags, "t")]);
    let row = |tags: &[&str]| json!({"w": vec!["x"; tags.len()], "t": tags});
    check(&m, &row(&["O", "B-PER", "I-PER", "B-PER", "O"]), NONE, &[]);
    check(&m, &row(&["NOUN", "VERB"]), NONE, &[]);
    check(&m, &json!({"w": ["x", "y"], "t": [0, 1]}), NONE, &[]);
    check(&m, &row(&["I-PER"]), RowFlags::BAD_TAGS, &["Tag 1 of “t”, “I-PER”, goes on with nothing"]);
    check(&m, &row(&["O", "I-PER"]), RowFlags::BAD_TAGS, &["“O” stands before it: begin with B-PER"]);
    check(&m, &row(&["B-LOC", "I-PER"]), RowFlags::BAD_TAGS, &["“B-LOC” stands before it"]);
    check(&m, &row(&["B-LOC", "PER", "B-"]), RowFlags::BAD_TAGS, &["“PER”, is not BIO", "“B-”, is not BIO"]);
    check(&m, &json!({"w": ["x", "y"], "t": ["O"]}), RowFlags::BAD_TAGS, &["has 1 tags for 2 words"]);
    check(&m, &json!({"w": ["x"], "t": []}), RowFlags::UNLABELLED, &[]);
    check(&m, &json!({"w": ["x"]}), RowFlags::UNLABELLED, &[]);
    check(&m, &json!({"w": [], "t": []}), RowFlags::EMPTY, &["“w” is empty"]);
    check(&m, &json!({"w": "x y", "t": ["O"]}), RowFlags::BROKEN, &["not a list of words"]);
    check(&m, &json!({"w": ["x"], "t": "O"}), RowFlags::BROKEN, &["not a list of tags"]);
    let found = labels(row(&["O", "B-PER", "I-PER", "B-LOC"]).as_object().unwrap(), &m);
    assert_eq!(found, ["PER", "LOC"]);
}

#[test]
fn spans() {
    let m = mapping(Tagging, &[(Role::Text, "t"), (Role::Spans, "s")]);
    let row = |spans: Value| json!({"t": "é 中文 x", "s": spans});
    let span = |start: u32, end: u32| json!({"start": start, "end": end, "label": "A"});
    let not = RowFlags::NOT_LITERAL;
    check(&m, &row(json!([span(2, 4), span(5, 6)])), NONE, &[]);
    check(&m, &row(json!([])), RowFlags::UNLABELLED, &[]);
    check(&m, &row(Value::Null), RowFlags::UNLABELLED, &[]);
    check(&m, &row(json!([span(4, 7)])), not, &["characters 4 to 7, does not lie within the text of 6"]);
    check(&m, &row(json!([span(3, 3)])), not, &["characters 3 to 3"]);
    check(&m, &row(json!([span(0, 3), span(2, 4)])), RowFlags::BAD_TAGS, &["Span 2 of “s” overlaps span 1"]);
    check(&m, &row(json!([{"start": 0, "end": 1}])), RowFlags::BROKEN, &["Span 1 of “s” lacks"]);
    check(&m, &row(json!("x")), RowFlags::BROKEN, &["is not a list of spans"]);
    let said = json!([{"start": 2, "end": 4, "label": "A", "text": "中"}]);
    check(&m, &row(said), not, &["says “中”, but “中文” stands there"]);
    check(&m, &json!({"t": "", "s": [span(0, 1)]}), both(RowFlags::EMPTY, not), &["is empty", "within"]);
}

#[test]
fn answers() {
    let roles = [(Role::Context, "c"), (Role::Question, "q"), (Role::Answers, "a")];
    let m = mapping(QuestionAnswering, &roles);
    let row = |text: &str, start: u32| json!({"c": "é 中文 x 中", "q": "?", "a": {"text": [text], "answer_start": [start]}});
    let not = RowFlags::NOT_LITERAL;
    check(&m, &row("中文", 2), NONE, &[]);
    check(&m, &row("中", 7), NONE, &[]);
    check(&m, &row("中文", 3), not, &["is not at character 3 of “c” but at 2"]);
    check(&m, &row("z", 3), not, &["“z”, is not literally in “c”"]);
    check(&m, &row("中文", 99), not, &["but at 2"]);
    check(&m, &row("", 0), not, &["Answer 1 of “a” is empty"]);
    check(&m, &json!({"c": "x", "q": "?", "a": {"text": [], "answer_start": []}}), RowFlags::UNLABELLED, &[]);
    check(&m, &json!({"c": "x", "q": "?"}), RowFlags::UNLABELLED, &[]);
    check(&m, &json!({"c": "x", "q": "?", "a": "x"}), RowFlags::BROKEN, &["is not a list of answers"]);
    let uneven = json!({"c": "x", "q": "?", "a": {"text": ["x"], "answer_start": []}});
    check(&m, &uneven, RowFlags::BROKEN, &["is not a list of answers"]);
    check(
        &m,
        &json!({"c": "", "q": " ", "a": null}),
        both(RowFlags::EMPTY, RowFlags::UNLABELLED),
        &["“c”", "“q”"],
    );
}

#[test]
fn lengths_and_hashes_are_of_what_is_mapped() {
    let m = mapping(Classification, &[(Role::Text, "text"), (Role::Label, "label"), (Role::Group, "g")]);
    let read = |row: Value| Checker::new(&m).read(&serde_json::to_vec(&row).unwrap(), &mut Vec::new());
    let one = read(json!({"text": "é\n中", "label": "long label", "g": 1, "other": 2}));
    assert_eq!(one.n_chars, 3);
    assert_eq!(one.hash, read(json!({"other": 3, "label": "long label", "g": 2, "text": "é\n中"})).hash);
    assert_ne!(one.hash, read(json!({"text": "é\n中", "label": "short label"})).hash);
}
