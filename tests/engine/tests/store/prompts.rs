//! The prompt library on disk: edits with their undo, versions, what a deletion takes along, what a damage leaves.

use super::{Bench, run};
use glassworks_engine::store::Store;
use glassworks_protocol::generate::{ModelSource, SamplingSpec};
use glassworks_protocol::ids::{ModelId, PromptId, PromptRunId};
use glassworks_protocol::model::Precision;
use glassworks_protocol::prompts::{
    PromptBody, PromptEdit, PromptRecord, PromptResult, PromptRun, PromptSheet, PromptStored, PromptTable,
    RunPromptSpec, Values,
};
use glassworks_protocol::{Edit, FailureKind, Stored};
use std::collections::BTreeMap;
use std::sync::Arc;

fn body(text: &str) -> PromptBody {
    PromptBody { text: text.to_owned(), ..PromptBody::default() }
}

async fn edit(store: &Store, edit: PromptEdit) -> Vec<Stored> {
    store.edit(Edit::Prompt(edit)).await.unwrap()
}

async fn create(store: &Store, name: &str) -> PromptId {
    let record = PromptRecord::new(name, " School / Year 5 ", body("Explain {topic}"), 5);
    let id = record.id;
    edit(store, PromptEdit::Create(Box::new(record))).await;
    id
}

async fn get(store: &Store, id: PromptId) -> PromptRecord {
    let all = store.prompts().await.unwrap();
    all.iter().find(|one| one.id == id).map(|one| PromptRecord::clone(one)).unwrap()
}

/// What undo and redo are about, times and what can be undone apart.
fn plain(record: &PromptRecord) -> (String, String, Vec<String>, PromptBody, bool) {
    let trashed = record.trashed_at_ms.is_some();
    (record.name.clone(), record.folder.clone(), record.tags.clone(), record.body.clone(), trashed)
}

fn save(prompt: PromptId, text: &str, label: &str) -> PromptEdit {
    PromptEdit::Save { prompt, body: Box::new(body(text)), label: label.to_owned() }
}

#[test]
fn every_undoable_edit_goes_there_and_back() {
    run(async {
        let mut bench = Bench::new().await;
        let prompt = create(bench.store(), "Explain").await;
        let all = [
            PromptEdit::Rename { prompt, name: String::from(" Explain  it ") },
            PromptEdit::Move { prompt, folder: String::from("Home") },
            PromptEdit::Tag { prompt, tags: vec![String::from("a"), String::from("A"), String::new()] },
            save(prompt, "Explain {topic} briefly", "shorter"),
            PromptEdit::Trash(prompt),
            PromptEdit::Restore(prompt),
        ];
        for change in all.clone() {
            let before = get(bench.store(), prompt).await;
            edit(bench.store(), change.clone()).await;
            let after = get(bench.store(), prompt).await;
            assert_ne!(plain(&before), plain(&after), "{change:?} changed nothing");
            for _ in 0..2 {
                bench.reopen().await;
                let stored = edit(bench.store(), PromptEdit::Undo(prompt)).await;
                assert!(matches!(stored.last(), Some(Stored::Prompt(PromptStored::Undone { .. }))));
                let undone = get(bench.store(), prompt).await;
                assert_eq!(plain(&undone), plain(&before), "{change:?} undone");
                assert!(undone.can_redo);
                bench.reopen().await;
                edit(bench.store(), PromptEdit::Redo(prompt)).await;
                let redone = get(bench.store(), prompt).await;
                assert_eq!(plain(&redone), plain(&after), "{change:?} redone");
                assert!(redone.can_undo && !redone.can_redo);
            }
        }
        for _ in all {
            edit(bench.store(), PromptEdit::Undo(prompt)).await;
        }
        let first = get(bench.store(), prompt).await;
        assert_eq!((first.name.as_str(), first.folder.as_str()), ("Explain", "School/Year 5"));
        let refused = bench.store().edit(Edit::Prompt(PromptEdit::Undo(prompt))).await.unwrap_err();
        assert_eq!(refused.summary.key, "failure.store_nothing_to_undo");
    });
}

#[test]
fn versions_are_only_ever_added() {
    run(async {
        let mut bench = Bench::new().await;
        let prompt = create(bench.store(), "Explain").await;
        edit(bench.store(), save(prompt, "two", "second")).await;
        edit(bench.store(), save(prompt, "two", "")).await;
        assert_eq!(get(bench.store(), prompt).await.n_versions, 2, "nothing new is no version");
        edit(bench.store(), PromptEdit::Undo(prompt)).await;
        assert_eq!(get(bench.store(), prompt).await.version, 1);
        edit(bench.store(), save(prompt, "three", "")).await;
        bench.reopen().await;
        let record = get(bench.store(), prompt).await;
        assert_eq!((record.version, record.n_versions, record.body.text.as_str()), (3, 3, "three"));
        assert!(!record.can_redo, "a new version cuts what could be redone");
        edit(bench.store(), PromptEdit::Label { prompt, version: 1, label: String::from(" first ") }).await;
        // An old one is taken up again as a new one.
        edit(bench.store(), save(prompt, "two", "as version 2")).await;
        let versions = bench.store().prompt_versions(prompt).await.unwrap();
        let told: Vec<(u32, &str, &str)> =
            versions.iter().map(|one| (one.n, one.label.as_str(), one.body.text.as_str())).collect();
        let expected = [
            (4, "as version 2", "two"),
            (3, "", "three"),
            (2, "second", "two"),
            (1, "first", "Explain {topic}"),
        ];
        assert_eq!(told, expected);
    });
}

#[test]
fn what_is_being_written_is_kept_and_is_no_version() {
    run(async {
        let mut bench = Bench::new().await;
        let prompt = create(bench.store(), "Explain").await;
        let draft = |text: &str| PromptEdit::Draft { prompt, draft: Some(Box::new(body(text))) };
        edit(bench.store(), draft("Explain {top")).await;
        bench.reopen().await;
        let record = get(bench.store(), prompt).await;
        assert_eq!(record.now().text, "Explain {top");
        assert_eq!((record.body.text.as_str(), record.n_versions), ("Explain {topic}", 1));
        assert!(!record.can_undo);
        edit(bench.store(), draft("Explain {topic}")).await;
        assert_eq!(get(bench.store(), prompt).await.draft, None, "as it was is no draft");
        edit(bench.store(), draft("new")).await;
        edit(bench.store(), save(prompt, "new", "")).await;
        let record = get(bench.store(), prompt).await;
        assert_eq!((record.draft, record.version), (None, 2));
    });
}

/// A sheet of three rows, a run and a reply.
async fn with_results(bench: &Bench, prompt: PromptId) -> (PromptTable, PromptRunId) {
    let store = bench.store();
    let mut sheet = PromptSheet::default();
    sheet.extend(["tea", "glass", "rain"].map(|topic| Values::from([("topic".into(), topic.into())])));
    edit(store, PromptEdit::SaveSheet { prompt, sheet: Box::new(sheet) }).await;
    let id = PromptRunId::mint();
    let spec = RunPromptSpec {
        run: id,
        prompt,
        version: 1,
        model: ModelSource::Library(ModelId::mint()),
        tuned: None,
        sampling: SamplingSpec::default(),
        precision: Precision::Exact,
    };
    let run = PromptRun { id, prompt, spec, model_name: String::from("SmolLM2"), created_at_ms: 9 };
    store.keep_prompt_run(&run).await.unwrap();
    for text in ["first", "second"] {
        let result = PromptResult {
            run: id,
            row: 2,
            values: Values::new(),
            text: text.to_owned(),
            n_prompt: 3,
            n_new: 4,
            secs: 0.5,
            perplexity: Some(2.5),
            seed: 7,
            finish: None,
            failure: None,
        };
        store.keep_prompt_result(prompt, result).await.unwrap();
    }
    (store.prompt_table(prompt).await.unwrap(), id)
}

#[test]
fn tables_runs_and_replies_are_kept_and_go_with_their_prompt() {
    run(async {
        let mut bench = Bench::new().await;
        let prompt = create(bench.store(), "Explain").await;
        let (table, run) = with_results(&bench, prompt).await;
        assert_eq!((table.sheet.rows.len(), table.runs.len(), table.results.len()), (3, 1, 1));
        assert_eq!(table.results[0].text, "second", "the newest of a row is kept");
        bench.reopen().await;
        assert_eq!(bench.store().prompt_table(prompt).await.unwrap(), table);
        edit(bench.store(), PromptEdit::RemoveRun(run)).await;
        let table = bench.store().prompt_table(prompt).await.unwrap();
        assert_eq!((table.sheet.rows.len(), table.runs.len(), table.results.len()), (3, 0, 0));
        let (_, run) = with_results(&bench, prompt).await;
        edit(bench.store(), PromptEdit::DeleteForever(prompt)).await;
        assert_eq!(bench.store().prompt_table(prompt).await.unwrap(), PromptTable::default());
        assert!(bench.store().prompt_versions(prompt).await.unwrap().is_empty());
        for gone in [PromptEdit::Trash(prompt), PromptEdit::Undo(prompt), PromptEdit::RemoveRun(run)] {
            let refused = bench.store().edit(Edit::Prompt(gone)).await.unwrap_err();
            assert_eq!(refused.kind, FailureKind::Missing);
        }
    });
}

#[test]
fn a_damaged_database_gives_the_library_back() {
    run(async {
        let mut bench = Bench::new().await;
        let prompt = create(bench.store(), "Explain").await;
        edit(bench.store(), save(prompt, "Explain {topic} twice", "twice")).await;
        edit(bench.store(), PromptEdit::Rename { prompt, name: String::from("Explained") }).await;
        let (table, _) = with_results(&bench, prompt).await;
        let before = get(bench.store(), prompt).await;
        let versions = bench.store().prompt_versions(prompt).await.unwrap();
        bench.close().await;
        // The schema is gone: rows are known by what they look like.
        let mut bytes = std::fs::read(bench.database()).unwrap();
        bytes[..4096].fill(0xAB);
        std::fs::write(bench.database(), bytes).unwrap();
        bench.open().await;
        assert_eq!(bench.notices.len(), 1);
        assert_eq!(get(bench.store(), prompt).await, before);
        assert_eq!(bench.store().prompt_versions(prompt).await.unwrap(), versions);
        assert_eq!(bench.store().prompt_table(prompt).await.unwrap(), table);
        edit(bench.store(), PromptEdit::Undo(prompt)).await;
        assert_eq!(get(bench.store(), prompt).await.name, "Explain");
    });
}

/// What one prompt is in a plain list of all it ever was.
struct Plain {
    all: Vec<(String, String, Vec<String>, PromptBody, bool)>,
    at: usize,
}

#[test]
fn any_sequence_of_edits_undos_and_redos_is_as_a_plain_list_of_them() {
    run(async {
        let mut state = 11_u64;
        let mut next = move |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        let mut bench = Bench::new().await;
        let mut known: BTreeMap<PromptId, Plain> = BTreeMap::new();
        for name in ["A", "B", "C"] {
            let id = create(bench.store(), name).await;
            known.insert(id, Plain { all: vec![plain(&get(bench.store(), id).await)], at: 0 });
        }
        let ids: Vec<PromptId> = known.keys().copied().collect();
        for step in 0..300 {
            let prompt = ids[next(3) as usize];
            let plain = known.get_mut(&prompt).unwrap();
            let mut now = plain.all[plain.at].clone();
            let word = ["x", "y {a}", "z"][next(3) as usize].to_owned();
            let change = match next(9) {
                0 => {
                    now.0.clone_from(&word);
                    PromptEdit::Rename { prompt, name: word }
                }
                1 => {
                    now.1.clone_from(&word);
                    PromptEdit::Move { prompt, folder: word }
                }
                2 => {
                    now.2 = vec![word.clone()];
                    PromptEdit::Tag { prompt, tags: vec![word] }
                }
                3 => {
                    now.3 = body(&word);
                    save(prompt, &word, "")
                }
                4 => {
                    now.4 = true;
                    PromptEdit::Trash(prompt)
                }
                5 => {
                    now.4 = false;
                    PromptEdit::Restore(prompt)
                }
                6 | 7 => {
                    let undone = bench.store().edit(Edit::Prompt(PromptEdit::Undo(prompt))).await;
                    assert_eq!(undone.is_ok(), plain.at > 0);
                    plain.at = plain.at.saturating_sub(1);
                    continue;
                }
                _ => {
                    let redone = bench.store().edit(Edit::Prompt(PromptEdit::Redo(prompt))).await;
                    assert_eq!(redone.is_ok(), plain.at + 1 < plain.all.len());
                    plain.at = (plain.at + 1).min(plain.all.len() - 1);
                    continue;
                }
            };
            edit(bench.store(), change).await;
            // What changes nothing is no step.
            if now != plain.all[plain.at] {
                plain.all.truncate(plain.at + 1);
                plain.all.push(now);
                plain.at += 1;
            }
            if step % 50 == 0 {
                bench.reopen().await;
            }
            let all: Vec<Arc<PromptRecord>> = bench.store().prompts().await.unwrap();
            for record in all {
                let expected = &known[&record.id];
                assert_eq!(self::plain(&record), expected.all[expected.at], "step {step}");
            }
        }
    });
}
