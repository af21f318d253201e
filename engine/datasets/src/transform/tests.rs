//! Changes to whole tables: what is told is what is done, by the seed alone, and what points stays true.

use super::*;
use crate::table::At;
use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::marks::between;
use glassworks_protocol::datasets::overview::OverviewReport;
use glassworks_protocol::datasets::transform::{
    AugmentSpec, AugmentWay, BalanceSpec, BalanceWay, CleanSpec, PrivacyAction, PrivacyKind, PrivacySpec,
    ReplaceSpec, SplitSpec,
};
use glassworks_protocol::datasets::{DataTask, Made, MadeHow, Mapping, Role, Row, Split};
use glassworks_protocol::ids::DatasetId;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

const LISTS: WordLists<'static> = WordLists {
    synonyms: "good\ta\tfine,excellent\nword\tn\tterm\n",
    names: r#"{"en":{"names":{"male":["John"],"female":["Mary"],"neutral":[]},"pairs":[{"male":"he","female":"she"}]},"zh":{"names":{},"pairs":[{"male":"他","female":"她"}]}}"#,
};

fn mapping(task: DataTask, roles: &[(Role, &str)]) -> Mapping {
    Mapping { task, roles: roles.iter().map(|(role, column)| (*role, (*column).to_owned())).collect() }
}

fn sorted() -> Mapping {
    mapping(DataTask::Classification, &[(Role::Text, "text"), (Role::Label, "label")])
}

fn table(folder: &Path, mapping: &Mapping, rows: &[(Value, Option<Split>)]) -> Table {
    let mut batch = Batch::new(&Table::create(folder, mapping).unwrap());
    for (row, split) in rows {
        batch.add(At::Last, &crate::to_line(row.as_object().unwrap()).unwrap(), *split, None).unwrap();
    }
    batch.commit(1).unwrap()
}

fn spec(transform: Transform) -> TransformSpec {
    TransformSpec { dataset: DatasetId::mint(), transform, rows: None, apply: true }
}

/// Carries a change out, holds what it told against what came of it, and gives the table.
fn done(table: &Table, spec: &TransformSpec) -> (TransformReport, Table) {
    let tools = Tools { salt: b"salt", lists: LISTS };
    let (told, batch) = run(table, 3, spec, tools, &|_| Ok(())).unwrap();
    let shown = TransformSpec { apply: false, ..spec.clone() };
    let (preview, none) = run(table, 3, &shown, tools, &|_| Ok(())).unwrap();
    assert!(none.is_none());
    assert_eq!(TransformReport { applied: true, ..preview }, told, "what is shown is what is done");
    let after = batch.unwrap().commit(2).unwrap();
    assert_eq!(after.len() as u64, table.len() as u64 + told.n_added - told.n_removed);
    assert_eq!(after.n_by_split(), told.n_by_split);
    assert!(told.samples.len() <= 50);
    (told, after)
}

fn rows(table: &Table) -> Vec<Row> {
    table.order().iter().map(|row| table.row(*row).unwrap()).collect()
}

fn texts(table: &Table) -> Vec<String> {
    rows(table).iter().map(|row| row["text"].as_str().unwrap().to_owned()).collect()
}

fn labelled(n: usize) -> Vec<(Value, Option<Split>)> {
    (0..n).map(|i| (json!({ "text": format!("a good word, number {i}"), "label": (["a", "b", "c"][i % 7 % 3]), "doc": i / 4 }), None)).collect()
}

#[test]
fn rows_are_replaced_and_others_left() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path(), &sorted(), &labelled(5));
    let replace = ReplaceSpec {
        find: "number".to_owned(),
        with: "no.".to_owned(),
        is_pattern: false,
        case_sensitive: true,
        column: None,
    };
    let mut asked = spec(Transform::Replace(replace.clone()));
    asked.rows = Some(Arc::new(vec![RowId(3), RowId(1), RowId(99)]));
    let (told, after) = done(&table, &asked);
    assert_eq!((told.n_looked_at, told.n_changed, told.revision), (2, 2, 3));
    assert_eq!(told.samples[0].row, RowId(1));
    assert_eq!(told.samples[0].after.as_ref().unwrap()["text"], "a good word, no. 1");
    assert_eq!(texts(&after)[..3], ["a good word, number 0", "a good word, no. 1", "a good word, number 2"]);
    let column = |name: &str| {
        spec(Transform::Replace(ReplaceSpec { column: Some(name.to_owned()), ..replace.clone() }))
    };
    assert!(run(&table, 1, &column("label"), Tools::default(), &|_| Ok(())).is_ok());
    let failure = run(&table, 1, &column("lable"), Tools::default(), &|_| Ok(())).unwrap_err();
    assert_eq!(failure.downcast::<Failure>().unwrap().summary.key, "data.no_column");
}

#[test]
fn unclean_rows_are_mended_or_go() {
    let folder = tempfile::tempdir().unwrap();
    let long = "The weather was wonderful, so we decided to walk along the river before dinner";
    let row = |text: &str| (json!({ "text": text, "label": "a" }), Some(Split::Train));
    let rows = [
        row(" spaces "),
        row(""),
        row(long),
        row("spaces"),
        row(&format!("{long} \u{0}")),
        row(&format!("{long}!")),
        row("short"),
        row("a TODO is here"),
        (json!({ "text": "nothing to learn", "label": "" }), None),
    ];
    let table = table(folder.path(), &sorted(), &rows);
    let mut clean = CleanSpec { trim: true, strip_control: true, ..CleanSpec::default() };
    assert_eq!(done(&table, &spec(Transform::Clean(clean.clone()))).0.n_changed, 2);
    clean.drop_empty = true;
    clean.drop_duplicates = true;
    let (told, after) = done(&table, &spec(Transform::Clean(clean.clone())));
    assert_eq!((told.n_changed, told.n_removed), (1, 3), "changed ones that go are not changed");
    assert_eq!(texts(&after)[..2], ["spaces", long]);
    clean.drop_near_duplicates = Some(0.8);
    clean.at_least = Some(6);
    clean.drop_matching = Some("TODO".to_owned());
    let (told, after) = done(&table, &spec(Transform::Clean(clean.clone())));
    assert_eq!(told.n_removed, 6);
    assert_eq!(texts(&after), ["spaces", long, "nothing to learn"]);
    clean.keep_matching = Some("^The".to_owned());
    assert_eq!(texts(&done(&table, &spec(Transform::Clean(clean))).1), [long]);
}

#[test]
fn a_row_that_goes_anyway_takes_no_other_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let long = "Somebody said something to somebody else and that was all that was said about it";
    let row = |text: String| (json!({ "text": text, "label": "a" }), None);
    let table = table(folder.path(), &sorted(), &[row(format!("{long} now")), row(long.to_owned())]);
    let clean = CleanSpec {
        drop_near_duplicates: Some(0.8),
        at_most: Some(long.len() as u32),
        ..CleanSpec::default()
    };
    assert_eq!(texts(&done(&table, &spec(Transform::Clean(clean))).1), [long]);
}

#[test]
fn private_things_are_counted_by_kind() {
    let folder = tempfile::tempdir().unwrap();
    let row = |text: &str| (json!({ "text": text, "label": "a" }), None);
    let table = table(
        folder.path(),
        &sorted(),
        &[row("ann@example.com, bob@example.com"), row("call +1 415-555-0132"), row("nothing")],
    );
    let of = |action| {
        spec(Transform::Privacy(PrivacySpec {
            kinds: vec![PrivacyKind::Email, PrivacyKind::Phone, PrivacyKind::Card],
            action,
        }))
    };
    let (told, after) = done(&table, &of(PrivacyAction::Mask));
    assert_eq!(told.n_by_kind, [(PrivacyKind::Email, 2), (PrivacyKind::Phone, 1), (PrivacyKind::Card, 0)]);
    assert_eq!(texts(&after), ["[EMAIL], [EMAIL]", "call [PHONE]", "nothing"]);
    let (told, after) = done(&table, &of(PrivacyAction::Drop));
    assert_eq!((told.n_removed, texts(&after).len()), (2, 1));
    assert!(told.samples[0].after.is_none());
}

#[test]
fn a_split_keeps_groups_and_what_says_the_same_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = labelled(200);
    all.push((json!({ "text": all[0].0["text"], "label": "b" }), None));
    let table = table(folder.path(), &sorted(), &all);
    let ask = |split: SplitSpec| spec(Transform::Split(split));
    let plain = SplitSpec { validation: 0.1, test: 0.2, seed: 4, ..SplitSpec::default() };
    let (told, after) = done(&table, &ask(plain.clone()));
    assert_eq!(told.n_by_split, [141, 20, 40, 0]);
    assert_eq!(told.n_moved, 201);
    assert_eq!(after.split(RowId(0)), after.split(RowId(200)));
    let grouped = SplitSpec { group_by: Some("doc".to_owned()), ..plain.clone() };
    let (told, after) = done(&table, &ask(grouped.clone()));
    assert_eq!(told.n_by_split, [141, 20, 40, 0]);
    for row in 0..200 {
        assert_eq!(after.split(RowId(row)), after.split(RowId(row / 4 * 4)));
    }
    // All are nearly the same, so all are learned from.
    let near = SplitSpec { near: Some(0.5), ..plain.clone() };
    assert_eq!(done(&table, &ask(near)).0.n_by_split, [201, 0, 0, 0]);
    // What has a side keeps it, and the seed decides.
    let (told, _) = done(&after, &ask(SplitSpec { keep: true, seed: 9, ..grouped.clone() }));
    assert_eq!(told.n_moved, 0);
    assert!(done(&after, &ask(SplitSpec { seed: 9, ..grouped })).0.n_moved > 0);
    let wrong = ask(SplitSpec { group_by: Some("docs".to_owned()), ..plain });
    assert!(run(&table, 1, &wrong, Tools::default(), &|_| Ok(())).is_err());
}

#[test]
fn made_rows_are_learned_from_beside_their_sources() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = labelled(40);
    rows[1].1 = Some(Split::Test);
    rows[2].1 = Some(Split::Train);
    let table = table(folder.path(), &sorted(), &rows);
    let augment = AugmentSpec { way: AugmentWay::TokenSwap(0.3), copies: 2, seed: 1 };
    let (told, after) = done(&table, &spec(Transform::Augment(augment)));
    assert_eq!(told.n_added + told.n_same, 78, "none of the row to test with");
    assert!(told.n_added > 70);
    let made: Vec<(RowId, Made)> =
        after.order().iter().filter_map(|row| Some((*row, after.made(*row)?))).collect();
    assert_eq!(made.len() as u64, told.n_added);
    assert_eq!(made[0].1, Made { from: RowId(0), how: MadeHow::TokenSwap });
    assert!(
        made.iter().all(|(row, made)| made.from != RowId(1) && after.split(*row) == table.split(made.from))
    );
    let all = super::tests::rows(&after);
    assert_eq!(
        all.iter().map(|row| row["text"].to_string()).collect::<std::collections::BTreeSet<_>>().len(),
        all.len()
    );
    assert_eq!(told.samples[0].before["label"], told.samples[0].after.as_ref().unwrap()["label"]);
    let split = SplitSpec { validation: 0.4, test: 0.4, ..SplitSpec::default() };
    let (_, after) = done(&after, &spec(Transform::Split(split)));
    for (row, made) in made {
        assert_eq!((after.split(row), after.split(made.from)), (Some(Split::Train), Some(Split::Train)));
    }
    assert_eq!(
        after.split(RowId(1)),
        Some(Split::Validation).filter(|_| after.n_by_split()[1] > 0).or(after.split(RowId(1)))
    );
}

#[test]
fn labels_are_balanced_among_what_is_learned_from() {
    let folder = tempfile::tempdir().unwrap();
    let row = |i: usize, label: &str, split| (json!({ "text": format!("row {i}"), "label": label }), split);
    let mut all: Vec<_> = (0..30).map(|i| row(i, "a", Some(Split::Train))).collect();
    all.extend((30..36).map(|i| row(i, "b", None)));
    all.extend((36..60).map(|i| row(i, "b", Some(Split::Test))));
    all.push(row(60, "", Some(Split::Train)));
    let table = table(folder.path(), &sorted(), &all);
    let learned = |table: &Table, label: &str| {
        let of = |row: &&RowId| table.labels_of(**row) == [label] && table.split(**row) != Some(Split::Test);
        table.order().iter().filter(of).count()
    };
    let balance = |way| spec(Transform::Balance(BalanceSpec { way, seed: 2 }));
    let (told, over) = done(&table, &balance(BalanceWay::Over));
    assert_eq!((told.n_added, learned(&over, "a"), learned(&over, "b")), (24, 30, 30));
    let copied = (30..36).map(|row| over.made(RowId(row)).is_none()).collect::<Vec<_>>();
    assert!(copied.iter().all(|here| *here));
    let (told, under) = done(&table, &balance(BalanceWay::Under));
    assert_eq!((told.n_removed, learned(&under, "a"), learned(&under, "b")), (24, 6, 6));
    assert!(under.contains(RowId(60)) && under.contains(RowId(40)));
    let unlabelled = super::tests::table(
        tempfile::tempdir().unwrap().path(),
        &mapping(DataTask::Text, &[(Role::Text, "text")]),
        &all[..1],
    );
    assert!(run(&unlabelled, 1, &balance(BalanceWay::Over), Tools::default(), &|_| Ok(())).is_err());
}

#[test]
fn changes_stop_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path(), &sorted(), &labelled(500));
    let transforms = [
        Transform::Clean(CleanSpec { drop_near_duplicates: Some(0.8), ..CleanSpec::default() }),
        Transform::Split(SplitSpec { near: Some(0.8), ..SplitSpec::default() }),
        Transform::Augment(AugmentSpec { way: AugmentWay::Casing, copies: 1, seed: 0 }),
    ];
    for transform in transforms {
        let stop = |n: u64| if n > 100 { anyhow::bail!("enough") } else { Ok(()) };
        assert!(run(&table, 1, &spec(transform), Tools { salt: b"", lists: LISTS }, &stop).is_err());
    }
    let accepted = table.plan(&[RowChange::Accept { rows: vec![RowId(0)], accepted: true }]).unwrap().table;
    assert_eq!(accepted.len(), 500);
    assert_eq!(OverviewReport::place(None), 3);
}

/// Text in which everything there is to change comes up.
fn odd_text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "good",
        "word",
        " ",
        "  ",
        "\u{3000}",
        "John",
        "he",
        "他",
        "ann@b.com",
        "+1 415 555 0132",
        ".",
        "e\u{301}",
        "\u{7}",
        "ß",
        "中文",
        "\n\n\n",
        "ﬁ",
        "x",
    ]);
    prop::collection::vec(pieces, 1..12).prop_map(|pieces| pieces.concat())
}

fn any_transform() -> impl Strategy<Value = Transform> {
    let replace = (odd_text(), "[a-z中]{0,3}", any::<bool>()).prop_map(|(find, with, is_pattern)| {
        let find = if is_pattern {
            regex::escape(&find[..find.chars().next().map_or(0, char::len_utf8)]) + "+"
        } else {
            find
        };
        Transform::Replace(ReplaceSpec { find, with, is_pattern, case_sensitive: false, column: None })
    });
    let clean = any::<[bool; 4]>().prop_map(|[trim, collapse_spaces, nfc, strip_control]| {
        Transform::Clean(CleanSpec { trim, collapse_spaces, nfc, strip_control, ..CleanSpec::default() })
    });
    let privacy = prop::sample::select(vec![PrivacyAction::Mask, PrivacyAction::Pseudonymise])
        .prop_map(|action| Transform::Privacy(PrivacySpec { kinds: PrivacyKind::ALL.to_vec(), action }));
    let ways = prop::sample::select(vec![
        AugmentWay::TokenDropout(0.3),
        AugmentWay::TokenSwap(0.5),
        AugmentWay::CharacterNoise(0.2),
        AugmentWay::Synonyms(1.0),
        AugmentWay::Casing,
        AugmentWay::Punctuation(0.5),
        AugmentWay::Counterfactual,
    ]);
    let augment =
        (ways, any::<u64>()).prop_map(|(way, seed)| Transform::Augment(AugmentSpec { way, copies: 1, seed }));
    prop_oneof![replace, clean, privacy, augment]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn spans_answers_and_tags_stay_true_under_any_change(
        text in odd_text(),
        places in prop::collection::vec((0..40_usize, 1..10_usize), 0..4),
        transform in any_transform(),
    ) {
        let n = text.chars().count();
        let inside: Vec<(usize, usize)> =
            places.iter().map(|(start, len)| (start % n, (start % n + len).min(n))).collect();
        let words: Vec<&str> = text.split_whitespace().collect();
        let tags: Vec<&str> = words.iter().enumerate().map(|(i, _)| ["O", "B-X", "I-X"][i % 3]).collect();
        let spans: Vec<Value> = inside.iter().map(|(start, end)| json!({ "start": start, "end": end, "label": "X", "text": between(&text, (*start, *end)) })).collect();
        let answers: Vec<&str> = inside.iter().filter_map(|at| between(&text, *at)).collect();
        let starts: Vec<usize> = inside.iter().map(|at| at.0).collect();
        let row = json!({ "t": text, "s": spans, "w": words, "g": tags, "a": { "text": answers, "answer_start": starts }, "id": "John 1" });
        let mappings = [
            mapping(DataTask::Tagging, &[(Role::Text, "t"), (Role::Spans, "s")]),
            mapping(DataTask::Tagging, &[(Role::Tokens, "w"), (Role::Tags, "g")]),
            mapping(DataTask::QuestionAnswering, &[(Role::Context, "t"), (Role::Answers, "a")]),
        ];
        for (which, mapping) in mappings.iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let before = table(folder.path(), mapping, &[(row.clone(), None)]);
            let (told, after) = done(&before, &spec(transform.clone()));
            let again = done(&before, &spec(transform.clone())).0;
            prop_assert_eq!(told.samples, again.samples);
            for one in super::tests::rows(&after) {
                prop_assert_eq!(&one["id"], "John 1");
                let text = one["t"].as_str().unwrap();
                match which {
                    0 => for span in one["s"].as_array().unwrap() {
                        let at = (span["start"].as_u64().unwrap() as usize, span["end"].as_u64().unwrap() as usize);
                        prop_assert_eq!(between(text, at), span["text"].as_str());
                        prop_assert!(at.0 < at.1);
                    },
                    1 => {
                        prop_assert_eq!(one["w"].as_array().unwrap().len(), one["g"].as_array().unwrap().len());
                        prop_assert!(one["w"].as_array().unwrap().iter().all(|word| !word.as_str().unwrap().is_empty()));
                    }
                    _ => {
                        let (texts, starts) = (one["a"]["text"].as_array().unwrap(), one["a"]["answer_start"].as_array().unwrap());
                        prop_assert_eq!(texts.len(), starts.len());
                        for (answer, start) in texts.iter().zip(starts) {
                            let (answer, start) = (answer.as_str().unwrap(), start.as_u64().unwrap() as usize);
                            prop_assert_eq!(between(text, (start, start + answer.chars().count())), Some(answer));
                            prop_assert!(!answer.is_empty());
                        }
                    }
                }
            }
        }
    }
}
