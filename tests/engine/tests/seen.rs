//! What a model sees of a dataset's rows: the same tokens and labels as of a file with the same rows, the same counts,
//! the same cuts.

use glassworks_engine::data::count::RowCount;
use glassworks_engine::data::kept::{EachRow, Kept, KeptRow, number_of};
use glassworks_engine::data::{self, Content, Dataset, Encoder, look};
use glassworks_engine::shelf::ModelFiles;
use glassworks_protocol::dataset::DataSpec;
use glassworks_protocol::datasets::roles::{DataTask, Mapping, Role};
use glassworks_protocol::datasets::rows::{Made, MadeHow, Row, RowId, Split};
use glassworks_protocol::train::{BatchSpec, ClassificationSpec, TaskSpec, TrainSpec};
use glassworks_tests_engine::fixtures;
use serde_json::{Value, json};
use std::path::Path;

const NOW_MS: i64 = 1_772_719_629_000;
const CONTEXT: u32 = 512;
/// Some of the conversations are longer.
const CUT: u32 = 100;

struct Line {
    split: Option<Split>,
    made: Option<u32>,
    row: Row,
}

fn line(row: Value) -> Line {
    let Value::Object(row) = row else { panic!("a row is an object") };
    Line { split: None, made: None, row }
}

fn mapping(task: DataTask, roles: &[(Role, &str)]) -> Mapping {
    Mapping { task, roles: roles.iter().map(|(role, name)| (*role, (*name).to_owned())).collect() }
}

/// What is loaded for a model of the fixtures, from a file or from a dataset.
fn load(spec: &TrainSpec, kept: Option<(&[Line], &Mapping)>) -> Dataset {
    with_encoder(spec.task, |encoder| {
        let tick = |_: &Path, _: u64, _: u64| Ok(());
        let Some((lines, mapping)) = kept else { return data::load(spec, None, encoder, CONTEXT, &tick) };
        let each: EachRow<'_> = &|f| {
            for (id, line) in lines.iter().enumerate() {
                let made = line.made.map(|from| Made { from: RowId(from), how: MadeHow::Casing });
                let json = serde_json::to_vec(&line.row)?;
                f(&KeptRow { id: RowId(id as u32), split: line.split, made, line: &json })?;
            }
            Ok(())
        };
        data::load(spec, Some(&Kept { name: "Rows", mapping, each }), encoder, CONTEXT, &tick)
    })
    .expect("it loads")
}

fn with_encoder<T>(task: TaskSpec, f: impl FnOnce(&Encoder<'_>) -> T) -> T {
    let files = ModelFiles::open(&fixtures().join("llama-tied")).expect("a model");
    let (codec, template) =
        (files.tokenizer().expect("a tokenizer"), files.chat_template().expect("a template"));
    f(&Encoder { task, codec: &codec, template: &template, now_ms: NOW_MS, rendering: None })
}

fn file_with(folder: &Path, lines: &[Line]) -> DataSpec {
    let path = folder.join("rows.jsonl");
    let text: String = lines.iter().map(|line| format!("{}\n", Value::Object(line.row.clone()))).collect();
    std::fs::write(&path, text).expect("written");
    DataSpec { files: vec![path], validation_share: 0.1, ..DataSpec::default() }
}

fn some_rows(n: u32, row: impl Fn(u32) -> Value) -> Vec<Line> {
    (0..n).map(|i| line(row(i))).collect()
}

/// Every shape that both sides know, with rows that cannot be used among them.
fn check_same(task: TaskSpec, lines: &[Line], mapping: &Mapping, max_length: Option<u32>) {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = TrainSpec {
        task,
        data: file_with(folder.path(), lines),
        batch: BatchSpec { max_length, ..BatchSpec::default() },
        seed: 7,
        ..TrainSpec::default()
    };
    let of_file = load(&spec, None);
    let kept = TrainSpec { data: DataSpec { validation_share: 0.1, ..DataSpec::default() }, ..spec };
    let of_dataset = load(&kept, Some((lines, mapping)));
    assert!(of_file.train.len() > 3 && !of_file.validation.is_empty());
    assert_eq!(of_file.train, of_dataset.train);
    assert_eq!(of_file.validation, of_dataset.validation);
    let places = |data: &Dataset| -> Vec<(u64, Box<str>)> {
        data.held_out.iter().map(|place| (place.row, place.start.clone())).collect()
    };
    assert_eq!(places(&of_file), places(&of_dataset), "the same rows by number");
    assert_eq!(of_dataset.held_out[0].file.to_string_lossy(), "Rows");
    let told = |data: &Dataset| -> Vec<(u64, String)> {
        data.report.problems.iter().map(|p| (p.row, p.reason.key.to_string())).collect()
    };
    assert_eq!(told(&of_file), told(&of_dataset));
    let mut report = of_dataset.report.clone();
    report.hash.clone_from(&of_file.report.hash);
    report.problems.clone_from(&of_file.report.problems);
    assert_eq!(report, of_file.report);
    check_counts(task, lines, mapping, &of_dataset);
}

/// Rows counted and looked at one by one come to what was loaded.
fn check_counts(task: TaskSpec, lines: &[Line], mapping: &Mapping, loaded: &Dataset) {
    let max_length = loaded.report.max_length;
    let (mut n_targets, mut n_truncated, mut longest) = (0, 0, 0);
    with_encoder(task, |encoder| {
        for (id, line) in lines.iter().enumerate() {
            let content = || Content::of(&line.row, mapping);
            let count = RowCount::of(encoder, content());
            let at = count.cut_at(max_length);
            n_targets += u64::from(at.n_kept_targets);
            n_truncated += u64::from(count.is_cut_at(max_length));
            longest = longest.max(at.n_tokens);
            let seen = look::seen(encoder, RowId(id as u32), content(), max_length);
            assert_eq!(seen.problem.is_some(), at.n_kept_targets == 0, "{seen:?}");
            assert_eq!((seen.n_targets, seen.n_kept_targets), (at.n_targets, at.n_kept_targets));
            if seen.problem.is_none() {
                assert_eq!(seen.tokens.len() as u32, at.n_tokens);
                let example = encoder.example(&content().expect("a row")).expect("an example");
                assert!(seen.tokens.iter().map(|token| token.id).eq(example.ids.iter().copied()));
            }
        }
    });
    let all = loaded.train.iter().chain(&loaded.validation);
    assert_eq!(n_targets, all.map(|example| example.n_targets() as u64).sum::<u64>());
    assert_eq!((n_truncated, longest), (loaded.report.n_truncated, loaded.report.longest));
}

#[test]
fn a_dataset_is_read_as_a_file_of_its_rows() {
    let turn = |role: &str, content: String| json!({ "role": role, "content": content });
    let mut talks = some_rows(40, |i| {
        let mut turns = vec![
            turn("user", format!("Where is cat {i}?")),
            turn("assistant", "Here.".repeat(i as usize % 9)),
        ];
        turns.extend([turn("user", "And now?".into()), turn("assistant", format!("In the garden {i}."))]);
        json!({ "messages": turns })
    });
    talks.push(line(json!({ "messages": [turn("user", "alone".into())] })));
    talks.push(line(json!({ "messages": "none" })));
    let chat = mapping(DataTask::Chat, &[(Role::Messages, "messages")]);
    check_same(TaskSpec::Chat, &talks, &chat, None);
    check_same(TaskSpec::Chat, &talks, &chat, Some(CUT));
    check_same(TaskSpec::Text, &talks[..40], &chat, Some(CUT));

    let asked = some_rows(
        30,
        |i| json!({ "instruction": format!("Say {i}"), "input": if i % 2 == 0 { "" } else { "aloud" }, "output": format!("{i}!") }),
    );
    let alpaca = mapping(
        DataTask::Chat,
        &[(Role::Prompt, "instruction"), (Role::Input, "input"), (Role::Completion, "output")],
    );
    check_same(TaskSpec::Chat, &asked, &alpaca, None);

    let mut sorted = some_rows(
        60,
        |i| json!({ "text": format!("The hall {i} is {}", "very ".repeat(i as usize % 7)), "label": (["bad", "good", "so so"][i as usize % 3]) }),
    );
    sorted.push(line(json!({ "text": "no label" })));
    sorted.push(line(json!({ "text": " ", "label": "bad" })));
    let labels = mapping(DataTask::Classification, &[(Role::Text, "text"), (Role::Label, "label")]);
    let task = TaskSpec::Classification(ClassificationSpec::default());
    check_same(task, &sorted, &labels, None);
    check_same(task, &sorted, &labels, Some(8));

    let mut texts =
        some_rows(8, |i| json!({ "text": "Once upon a time there was a cat. ".repeat(1 + i as usize * 3) }));
    texts.push(line(json!({ "text": "" })));
    let text = mapping(DataTask::Text, &[(Role::Text, "text")]);
    check_same(TaskSpec::Text, &texts, &text, Some(16));
    texts.extend(some_rows(40, |i| json!({ "text": format!("And then {i}") })));
    check_same(TaskSpec::Text, &texts, &text, None);
}

fn pairs(n: u32) -> Vec<Line> {
    some_rows(
        n,
        |i| json!({ "prompt": format!("Where is cat {i}?"), "completion": format!("In the garden {i}.") }),
    )
}

fn asked() -> Mapping {
    mapping(DataTask::Chat, &[(Role::Prompt, "prompt"), (Role::Completion, "completion")])
}

#[test]
fn splits_are_kept_to() {
    let mut lines = pairs(20);
    lines[2].split = Some(Split::Validation);
    lines[5].split = Some(Split::Test);
    lines[7].split = Some(Split::Train);
    // Made of rows that are measured on and tested with, of one that is learned from, and one that is to be measured on.
    for (row, (made, split)) in
        [(16, (2, None)), (17, (5, Some(Split::Train))), (18, (7, None)), (19, (7, Some(Split::Validation)))]
    {
        (lines[row].made, lines[row].split) = (Some(made), split);
    }
    let spec =
        TrainSpec { data: DataSpec { validation_share: 0.5, ..DataSpec::default() }, ..TrainSpec::default() };
    let data = load(&spec, Some((&lines, &asked())));
    assert_eq!(data.held_out.iter().map(|place| place.row).collect::<Vec<_>>(), [number_of(RowId(2))]);
    assert_eq!(data.train.len(), 20 - 2 - 3, "one is measured on, one tested with, three are made of those");
    let told: Vec<(u64, &str)> = data.report.problems.iter().map(|p| (p.row, &*p.reason.key)).collect();
    assert_eq!(
        told,
        [
            (20, "train.row.made_measured"),
            (17, "train.row.made_of_held_out"),
            (18, "train.row.made_of_held_out"),
        ]
    );
    // What is tested with says nothing to a run.
    let before = data.report.hash;
    lines[5].row["completion"] = json!("elsewhere");
    assert_eq!(load(&spec, Some((&lines, &asked()))).report.hash, before);
    lines[3].row["completion"] = json!("elsewhere");
    assert_ne!(load(&spec, Some((&lines, &asked()))).report.hash, before);
}

#[test]
fn what_was_made_is_never_held_out_nor_learned_beside_its_origin() {
    let mut lines = pairs(40);
    for (line, origin) in lines[20..].iter_mut().zip(0..) {
        line.made = Some(origin);
    }
    let spec = TrainSpec {
        data: DataSpec { validation_share: 0.25, ..DataSpec::default() },
        ..TrainSpec::default()
    };
    let data = load(&spec, Some((&lines, &asked())));
    let held: Vec<u64> = data.held_out.iter().map(|place| place.row).collect();
    assert!(held.len() == 5 && held.iter().all(|row| *row <= 20), "{held:?}");
    assert_eq!(data.train.len(), 30, "five and what was made of them are missing");
    let left: Vec<u64> = data.report.problems.iter().map(|problem| problem.row - 20).collect();
    assert_eq!(left, held);
}

#[test]
fn a_row_that_cannot_be_learned_from_still_shows_its_tokens() {
    let look = |task, row: Value, mapping: &Mapping, max_length| {
        with_encoder(task, |encoder| {
            let content = Content::of(&line(row).row, mapping);
            look::seen(encoder, RowId(3), content, max_length)
        })
    };
    let unanswered = look(TaskSpec::Chat, json!({ "prompt": "Where?", "completion": "" }), &asked(), 64);
    assert_eq!(unanswered.problem.as_ref().map(|p| &*p.key), Some("train.row.no_answer"));
    assert!(unanswered.tokens.len() > 3 && unanswered.tokens.iter().all(|token| !token.learned));
    let cut =
        look(TaskSpec::Chat, json!({ "prompt": "Where? ".repeat(30), "completion": "Here" }), &asked(), 16);
    assert_eq!(cut.problem.as_ref().map(|p| &*p.key), Some("train.row.cut_away"));
    assert!(cut.n_kept == 16 && cut.n_targets > 0 && cut.n_kept_targets == 0);
    let text = mapping(DataTask::Text, &[(Role::Text, "text")]);
    let pieces = look(TaskSpec::Text, json!({ "text": "one two three four five six seven eight" }), &text, 4);
    let begins: Vec<usize> =
        pieces.tokens.iter().enumerate().filter(|(_, token)| !token.learned).map(|(at, _)| at).collect();
    assert!(pieces.in_pieces && begins.iter().enumerate().all(|(i, at)| *at == i * 4), "{begins:?}");
    assert_eq!(pieces.n_kept as usize, pieces.tokens.len());
    let said = "Glass: 玻璃 🏺";
    let seen = look(TaskSpec::Text, json!({ "text": said }), &text, 64);
    let whole: String =
        seen.tokens.iter().filter(|token| !token.special).map(|token| token.text.as_str()).collect();
    assert!(whole.replace('\u{fffd}', "").contains("玻璃 🏺"), "{whole}");
}
