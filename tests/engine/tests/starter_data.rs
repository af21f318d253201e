//! The datasets that come with the program: every set is what the index says, every row what its task says, and a
//! licence lies beside it. The words for augmentation are checked here too.

use glassworks_protocol::datasets::{DataTask, Role, roles::TASKS};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use unicode_normalization::is_nfc;

type Row = Map<String, Value>;

/// None of them may be larger.
const MOST_BYTES: u64 = 2_000_000;

/// One line of `index.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    name: BTreeMap<String, String>,
    about: BTreeMap<String, String>,
    task: DataTask,
    roles: BTreeMap<Role, String>,
    licence: String,
    languages: Vec<String>,
    n_rows: usize,
    n_bytes: u64,
    sha256: String,
    folder: String,
    file: String,
}

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets")
}

fn index() -> Vec<Entry> {
    let text = fs::read_to_string(assets().join("datasets/index.json")).expect("the index is there");
    serde_json::from_str(&text).expect("the index has the fields it should")
}

fn rows(entry: &Entry, text: &str) -> Vec<Row> {
    if entry.file.ends_with(".csv") {
        return csv(text);
    }
    text.lines()
        .map(|line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}: {line}", entry.id))
        })
        .collect()
}

/// Comma-separated values with a header, quotes doubled inside quotes.
fn csv(text: &str) -> Vec<Row> {
    let (mut records, mut record, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            _ => field.push(letter),
        }
    }
    let header = records.remove(0);
    let row = |record: Vec<String>| header.iter().cloned().zip(record.into_iter().map(Value::from)).collect();
    records.into_iter().map(row).collect()
}

/// What is wrong with a row, for its task.
fn faults(task: DataTask, roles: &BTreeMap<Role, String>, row: &Row) -> Vec<String> {
    let mut found = Vec::new();
    for role in roles.values().filter(|column| !row.contains_key(*column)) {
        found.push(format!("{role} is missing"));
    }
    let of = |role| roles.get(&role).and_then(|column| row.get(column)).unwrap_or(&Value::Null);
    let filled = |role| of(role).as_str().is_some_and(|text| !text.trim().is_empty() && text.trim() == text);
    let texts: &[Role] = match task {
        DataTask::Classification => &[Role::Text, Role::Label],
        DataTask::QuestionAnswering => &[Role::Context, Role::Question],
        DataTask::Pairs => &[Role::Source, Role::Target],
        DataTask::Preference => &[Role::Prompt, Role::Chosen, Role::Rejected],
        DataTask::Text => &[Role::Text],
        DataTask::Chat | DataTask::Tagging => &[],
    };
    found.extend(texts.iter().filter(|role| !filled(**role)).map(|role| format!("{role:?} has no text")));
    match task {
        DataTask::Chat => found.extend(turns(of(Role::Messages))),
        DataTask::Tagging => found.extend(tags(of(Role::Tokens), of(Role::Tags))),
        DataTask::QuestionAnswering => found.extend(spans(of(Role::Context), of(Role::Answers))),
        _ => {}
    }
    for text in row.values().flat_map(strings) {
        if text.chars().any(|one| one.is_control() && one != '\n') {
            found.push(format!("a control character: {text:?}"));
        }
        if !is_nfc(text) {
            found.push(format!("not in Unicode's composed form: {text:?}"));
        }
    }
    found
}

fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(items) => items.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

/// User and assistant in turn, the assistant last, none silent.
fn turns(messages: &Value) -> Option<String> {
    let messages = messages.as_array()?;
    let is_turn = |(at, message): (usize, &Value)| {
        let speaker = ["user", "assistant"][at % 2];
        let content = message["content"].as_str().unwrap_or_default();
        message["role"] == speaker && !content.trim().is_empty()
    };
    let is_whole = !messages.is_empty() && messages.len() % 2 == 0;
    (!is_whole || !messages.iter().enumerate().all(is_turn)).then(|| "turns out of order, or empty".into())
}

/// A tag a token, each `O`, `B-X`, or `I-X` after an `X`.
fn tags(tokens: &Value, tags: &Value) -> Option<String> {
    let list = |value: &Value| -> Option<Vec<String>> {
        value.as_array()?.iter().map(|one| one.as_str().map(str::to_owned)).collect()
    };
    let (Some(tokens), Some(tags)) = (list(tokens), list(tags)) else {
        return Some("tokens and tags are lists of words".into());
    };
    if tokens.is_empty() || tokens.len() != tags.len() {
        return Some(format!("{} tokens and {} tags", tokens.len(), tags.len()));
    }
    if tokens.iter().any(|token| token.is_empty() || token.contains(char::is_whitespace)) {
        return Some("a token is a word".into());
    }
    let mut open = None;
    for tag in &tags {
        match tag.split_once('-') {
            Some(("B", label)) if !label.is_empty() => open = Some(label),
            Some(("I", label)) if open == Some(label) => {}
            None if tag == "O" => open = None,
            _ => return Some(format!("{tag} cannot stand here")),
        }
    }
    tags.iter().all(|tag| tag == "O").then(|| "nothing is tagged".into())
}

/// Each answer stands in the context where it says, counted in characters.
fn spans(context: &Value, answers: &Value) -> Option<String> {
    let context: Vec<char> = context.as_str()?.chars().collect();
    let (Some(texts), Some(starts)) = (answers["text"].as_array(), answers["answer_start"].as_array()) else {
        return Some("answers have text and answer_start".into());
    };
    let is_literal = |(text, start): (&Value, &Value)| {
        let text: Vec<char> = text.as_str().unwrap_or_default().chars().collect();
        let start = start.as_u64().and_then(|start| usize::try_from(start).ok()).unwrap_or(usize::MAX);
        let end = start.saturating_add(text.len());
        !text.is_empty() && context.get(start..end) == Some(text.as_slice())
    };
    let is_whole = !texts.is_empty() && texts.len() == starts.len();
    (!is_whole || !texts.iter().zip(starts).all(is_literal)).then(|| "an answer that is not literal".into())
}

#[test]
fn every_set_is_what_the_index_says() {
    for entry in index() {
        let folder = assets().join(&entry.folder);
        let bytes = fs::read(folder.join(&entry.file)).expect("the data is there");
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, entry.sha256, "{}: run assets/datasets/build.py", entry.id);
        assert_eq!(bytes.len() as u64, entry.n_bytes, "{}", entry.id);
        assert!(entry.n_bytes <= MOST_BYTES, "{} is too large", entry.id);
        let text = String::from_utf8(bytes).expect("data is UTF-8");
        assert_eq!(rows(&entry, &text).len(), entry.n_rows, "{}", entry.id);
        for words in [&entry.name, &entry.about] {
            let tags: Vec<&str> = words.keys().map(String::as_str).collect();
            assert_eq!(tags, ["en", "zh-Hans"], "{}", entry.id);
            assert!(
                words.values().all(|text| !text.is_empty() && !text.ends_with(['.', '。'])),
                "{}",
                entry.id
            );
        }
        let task = TASKS.iter().find(|row| row.task == entry.task).expect("a task that there is");
        let has = |roles: &&[Role]| roles.iter().all(|role| entry.roles.contains_key(role));
        assert!(task.needs.iter().any(has), "{} lacks roles of its task", entry.id);
        assert!(!entry.languages.is_empty(), "{}", entry.id);
    }
}

#[test]
fn every_set_has_its_licence_and_card() {
    for entry in index() {
        let folder = assets().join(&entry.folder);
        let licence = fs::read_to_string(folder.join("LICENSE")).expect("a licence lies beside the data");
        assert!(!licence.trim().is_empty() && !entry.licence.is_empty(), "{}", entry.id);
        let card = fs::read_to_string(folder.join("README.md")).expect("a card lies beside the data");
        let head: Vec<&str> = card.lines().take_while(|line| !line.starts_with('#')).collect();
        let count = grouped(entry.n_rows);
        for part in ["license: ", "language:", "task_categories:", "size_categories:"] {
            assert!(
                head.iter().any(|line| line.starts_with(part)),
                "{}: the card's head lacks {part}",
                entry.id
            );
        }
        assert!(
            card.contains(&format!("{count} rows")),
            "{}: the card says how many rows: {count}",
            entry.id
        );
        assert!(card.contains("## Known flaws") || card.contains("## What it can say"), "{}", entry.id);
    }
}

/// A number with commas between thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|part| str::from_utf8(part).ok()).collect();
    parts.join(",")
}

#[test]
fn every_row_is_what_its_task_says() {
    let mut problems = Vec::new();
    for entry in index() {
        let text =
            fs::read_to_string(assets().join(&entry.folder).join(&entry.file)).expect("the data is there");
        let mut seen = HashSet::new();
        for (at, row) in rows(&entry, &text).iter().enumerate() {
            let mut found = faults(entry.task, &entry.roles, row);
            if !seen.insert(Value::Object(row.clone()).to_string()) {
                found.push("the same row twice".into());
            }
            problems.extend(found.into_iter().map(|what| format!("{} row {}: {what}", entry.id, at + 1)));
        }
    }
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems[..problems.len().min(20)].join("\n")
    );
}

/// Each kind of fault is told, so that the test above means something.
#[test]
fn faults_are_told() {
    let check = |task, roles: &[(Role, &str)], row: Value| {
        let roles = roles.iter().map(|(role, column)| (*role, (*column).to_owned())).collect();
        faults(task, &roles, row.as_object().expect("a row is an object")).len()
    };
    let text = [(Role::Text, "text"), (Role::Label, "label")];
    assert_eq!(check(DataTask::Classification, &text, json!({"text": "a", "label": "b"})), 0);
    assert_eq!(check(DataTask::Classification, &text, json!({"text": " ", "label": "b"})), 1);
    assert_eq!(check(DataTask::Classification, &text, json!({"text": "a"})), 2, "missing, and no text");
    assert_eq!(check(DataTask::Classification, &text, json!({"text": "a\u{7}", "label": "e\u{301}"})), 2);
    let tagged = [(Role::Tokens, "tokens"), (Role::Tags, "tags")];
    let tagging =
        |tags: Value| check(DataTask::Tagging, &tagged, json!({"tokens": ["a", "b"], "tags": tags}));
    assert_eq!(tagging(json!(["B-X", "I-X"])), 0);
    for broken in
        [json!(["I-X", "O"]), json!(["B-X", "I-Y"]), json!(["O", "O"]), json!(["O"]), json!(["B-X", "x"])]
    {
        assert_eq!(tagging(broken.clone()), 1, "{broken}");
    }
    let asked = [(Role::Context, "context"), (Role::Question, "question"), (Role::Answers, "answers")];
    let answer = |start: i64, text: &str| {
        let answers = json!({"text": [text], "answer_start": [start]});
        check(
            DataTask::QuestionAnswering,
            &asked,
            json!({"context": "é is b", "question": "?", "answers": answers}),
        )
    };
    assert_eq!(answer(2, "is"), 0);
    assert_eq!([answer(3, "is"), answer(-1, "is"), answer(9, "is"), answer(0, "")], [1; 4]);
    let talk = |roles: &[&str]| {
        let turns: Vec<Value> = roles.iter().map(|role| json!({"role": role, "content": "a"})).collect();
        check(DataTask::Chat, &[(Role::Messages, "messages")], json!({"messages": turns}))
    };
    assert_eq!(talk(&["user", "assistant"]), 0);
    assert_eq!([talk(&["user"]), talk(&["assistant", "user"]), talk(&[])], [1; 3]);
}

#[test]
fn synonyms_are_single_words_in_order() {
    let path = assets().join("synonyms/synonyms.tsv");
    let text = fs::read_to_string(&path).expect("synonyms are there");
    assert!(text.len() <= 1_500_000, "{} bytes are too many", text.len());
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.windows(2).all(|pair| pair[0] < pair[1]), "sorted, and no word twice");
    for line in lines {
        let fields: Vec<&str> = line.split('\t').collect();
        let [word, part, synonyms] = fields[..] else { panic!("three fields: {line}") };
        let others: Vec<&str> = synonyms.split(',').collect();
        let is_word = |text: &str| !text.is_empty() && text.bytes().all(|one| one.is_ascii_lowercase());
        assert!(is_word(word) && ["n", "v", "a", "r"].contains(&part), "{line}");
        assert!(others.iter().all(|other| is_word(other) && *other != word), "{line}");
        assert_eq!(others.iter().collect::<BTreeSet<_>>().len(), others.len(), "{line}");
    }
}

#[test]
fn names_and_gendered_words_do_not_overlap() {
    let text = fs::read_to_string(assets().join("synonyms/names.json")).expect("names are there");
    let tables: BTreeMap<String, Value> = serde_json::from_str(&text).expect("names are JSON");
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["en", "zh"]);
    for (language, table) in &tables {
        let names: Vec<&str> = strings(&table["names"]);
        assert_eq!(
            names.iter().collect::<BTreeSet<_>>().len(),
            names.len(),
            "{language}: a name in one list"
        );
        let pairs = table["pairs"].as_array().expect("pairs are a list");
        assert!(pairs.len() > 80 && names.len() > 70, "{language}");
        for pair in pairs {
            let (male, female) = (pair["male"].as_str(), pair["female"].as_str());
            assert!(male.is_some() && female.is_some() && male != female, "{language}: {pair}");
        }
    }
}
