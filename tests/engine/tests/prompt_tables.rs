//! Prompts over tables through the real engine: written, stopped, gone on with, killed, written again; files in and out.

use glassworks_protocol::generate::{GenerateSpec, Overflow, SamplingSpec};
use glassworks_protocol::ids::{PromptId, PromptRunId};
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::prompts::{
    FileRows, PromptBody, PromptEdit, PromptExample, PromptJob, PromptOutput, PromptPage, PromptQuery,
    PromptRecord, PromptResult, PromptSheet, PromptTable, RunPromptSpec, Values, Variable, VariableKind,
};
use glassworks_protocol::{
    Command, Edit, Event, FailureKind, JobOutput, JobSpec, Outcome, Page, Progress, Query,
};
use glassworks_tests_engine::Lab;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{self, Stdio};

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn body() -> PromptBody {
    PromptBody {
        text: "{name} said to Alice, {n} times:".to_owned(),
        variables: vec![Variable {
            kind: VariableKind::Number { least: Some(1.0), most: None },
            default: "2".to_owned(),
            ..Variable::new("n")
        }],
        examples: vec![PromptExample {
            values: values(&[("name", "The Cat"), ("n", "3")]),
            answer: "we are all mad here".to_owned(),
        }],
        ..PromptBody::default()
    }
}

/// A prompt with a table of so many rows.
fn prompt(lab: &mut Lab, n_rows: usize) -> PromptId {
    let record = PromptRecord::new("Said", "", body(), 1);
    let id = record.id;
    lab.edit(Edit::Prompt(PromptEdit::Create(Box::new(record))));
    let mut sheet = PromptSheet::default();
    sheet.extend((0..n_rows).map(|n| values(&[("name", &format!("Rabbit {n}"))])));
    save_sheet(lab, id, sheet);
    id
}

fn save_sheet(lab: &mut Lab, prompt: PromptId, sheet: PromptSheet) {
    lab.edit(Edit::Prompt(PromptEdit::SaveSheet { prompt, sheet: Box::new(sheet) }));
}

fn spec(lab: &Lab, prompt: PromptId) -> RunPromptSpec {
    RunPromptSpec {
        run: PromptRunId::mint(),
        prompt,
        version: 1,
        model: lab.starter(),
        tuned: None,
        sampling: SamplingSpec { temperature: 0.0, max_new_tokens: 12, ..SamplingSpec::default() },
        precision: Precision::Exact,
    }
}

fn job(spec: &RunPromptSpec, rows: Option<Vec<u64>>) -> JobSpec {
    JobSpec::Prompt(PromptJob::Run { spec: Box::new(spec.clone()), rows })
}

fn ran(lab: &mut Lab, spec: &RunPromptSpec, rows: Option<Vec<u64>>) -> (u32, u32) {
    match lab.done(job(spec, rows)) {
        JobOutput::Prompt(PromptOutput::Ran { n_written, n_failed, .. }) => (n_written, n_failed),
        other => panic!("{other:?}"),
    }
}

fn table(lab: &mut Lab, prompt: PromptId) -> PromptTable {
    match lab.fetch(Query::Prompt(PromptQuery::Table(prompt))) {
        Ok(Page::Prompt(PromptPage::Table(table))) => *table,
        other => panic!("{other:?}"),
    }
}

/// What a run wrote, by row, without what the clock says.
fn written(lab: &mut Lab, prompt: PromptId, run: PromptRunId) -> BTreeMap<u64, PromptResult> {
    let results = table(lab, prompt).results;
    let of_run = results.iter().filter(|result| result.run == run);
    of_run
        .map(|one| (one.row, PromptResult { secs: 0.0, seed: 0, run, ..PromptResult::clone(one) }))
        .collect()
}

#[test]
fn rows_are_written_as_if_each_had_been_asked_alone() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let prompt = prompt(&mut lab, 12);
    let mut sheet = table(&mut lab, prompt).sheet;
    sheet.rows[4].values.insert("n".to_owned(), "many".to_owned());
    sheet.rows[5].values.clear();
    save_sheet(&mut lab, prompt, sheet.clone());
    let spec = spec(&lab, prompt);
    assert_eq!(ran(&mut lab, &spec, None), (10, 1), "a row with nothing in it is not asked");
    let results = written(&mut lab, prompt, spec.run);
    assert_eq!(results.len(), 11);
    let failed = results[&sheet.rows[4].id].failure.as_ref().expect("no number");
    assert_eq!(failed.summary.key, "prompts.value_no_number");
    for row in sheet.rows.iter().filter(|row| results.get(&row.id).is_some_and(|one| one.failure.is_none())) {
        let result = &results[&row.id];
        let alone = lab.reply(GenerateSpec {
            model: spec.model.clone(),
            adapter: None,
            tuned: None,
            prompt: body().prompt(&row.values, false),
            sampling: spec.sampling.clone(),
            precision: Precision::Exact,
            cache: CacheWidth::Full,
            overflow: Overflow::Refuse,
            keep: None,
        });
        assert_eq!((&result.text, result.n_new), (&alone.text, alone.stats.n_new));
        assert_eq!(result.n_prompt, alone.stats.n_prompt);
        let mean =
            alone.tokens.iter().map(|one| f64::from(one.logprob)).sum::<f64>() / alone.tokens.len() as f64;
        assert!((f64::from(result.perplexity.expect("written")) - (-mean).exp()).abs() < 1e-2);
    }

    // One row with another input, and the one that failed: the others stay as they are.
    sheet.rows[4].values.insert("n".to_owned(), "7".to_owned());
    sheet.rows[0].values.insert("name".to_owned(), "The Queen".to_owned());
    let again = vec![sheet.rows[0].id, sheet.rows[4].id];
    save_sheet(&mut lab, prompt, sheet.clone());
    assert_eq!(ran(&mut lab, &spec, Some(again.clone())), (2, 0));
    let anew = written(&mut lab, prompt, spec.run);
    assert_eq!(anew[&again[0]].values["name"], "The Queen");
    assert!(anew[&again[1]].failure.is_none());
    for (row, result) in results.iter().filter(|(row, _)| !again.contains(row)) {
        assert_eq!(anew[row], *result);
    }
    let refused = lab.fails(job(&spec, None));
    assert_eq!(refused.summary.key, "failure.prompt_no_rows");
    lab.close();
}

#[test]
fn what_was_stopped_goes_on_and_two_versions_stand_beside_each_other() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let prompt = prompt(&mut lab, 60);
    let undisturbed = spec(&lab, prompt);
    assert_eq!(ran(&mut lab, &undisturbed, None), (60, 0));
    let spec = spec(&lab, prompt);
    let id = lab.start(job(&spec, None));
    lab.until("some rows", |event| match event {
        Event::Progress(of, Progress { done, .. }) => (*of == id && *done >= 9).then_some(()),
        _ => None,
    });
    lab.send(Command::Cancel(id));
    assert_eq!(lab.until_settled(id), Outcome::Cancelled);
    let half = written(&mut lab, prompt, spec.run).len() as u32;
    assert!((9..60).contains(&half), "{half}");
    lab.close();
    let mut lab = Lab::open(home.path());
    assert_eq!(ran(&mut lab, &spec, None), (60 - half, 0));
    let (one, other) = (written(&mut lab, prompt, spec.run), written(&mut lab, prompt, undisturbed.run));
    let texts =
        |all: &BTreeMap<u64, PromptResult>| all.values().map(|one| one.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&one), texts(&other), "as if nothing had happened");

    let body = PromptBody { text: "Alice thought of {name}:".to_owned(), ..PromptBody::default() };
    let save = PromptEdit::Save { prompt, body: Box::new(body), label: String::new() };
    lab.edit(Edit::Prompt(save));
    let second = RunPromptSpec { run: PromptRunId::mint(), version: 2, ..spec.clone() };
    assert_eq!(ran(&mut lab, &second, None), (60, 0));
    assert_ne!(texts(&written(&mut lab, prompt, second.run)), texts(&one));
    assert_eq!(written(&mut lab, prompt, spec.run), one, "those of the first version stay");
    assert_eq!(table(&mut lab, prompt).runs.len(), 3);
    let gone = RunPromptSpec { run: PromptRunId::mint(), version: 9, ..spec };
    assert_eq!(lab.fails(job(&gone, None)).kind, FailureKind::Missing);
    lab.close();
}

#[test]
fn replies_are_there_after_a_kill() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let prompt = prompt(&mut lab, 80);
    lab.close();
    let run = PromptRunId::mint();
    let mut child = process::Command::new(env!("CARGO_BIN_EXE_prompting"))
        .args([home.path().to_str().expect("unicode"), &prompt.to_string(), &run.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let told = BufReader::new(child.stdout.take().expect("piped")).lines();
    let n = told.map_while(Result::ok).find_map(|line| line.parse().ok().filter(|n: &usize| *n >= 10));
    child.kill().expect("killed");
    child.wait().expect("ended");

    let mut lab = Lab::open(home.path());
    let before = written(&mut lab, prompt, run);
    assert!(before.len() >= n.expect("it worked") && before.len() < 80, "{}", before.len());
    let spec = table(&mut lab, prompt).runs[0].spec.clone();
    assert_eq!(ran(&mut lab, &spec, None).0 as usize, 80 - before.len());
    let after = written(&mut lab, prompt, run);
    assert_eq!(after.len(), 80);
    assert!(before.iter().all(|(row, result)| after[row] == *result));
    lab.close();
}

fn rows_of(lab: &mut Lab, path: &Path) -> Result<FileRows, glassworks_protocol::Failure> {
    match lab.fetch(Query::Prompt(PromptQuery::Rows(path.to_owned()))) {
        Ok(Page::Prompt(PromptPage::Rows(rows))) => Ok((*rows).clone()),
        Err(failure) => Err(failure),
        other => panic!("{other:?}"),
    }
}

#[test]
fn prompts_and_tables_go_out_to_files_and_come_back() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let prompt = prompt(&mut lab, 2);
    let spec = spec(&lab, prompt);
    ran(&mut lab, &spec, None);
    let to = home.path().join("out.csv");
    let export = |to: &Path, replace| {
        let (runs, to) = (vec![spec.run], to.to_owned());
        JobSpec::Prompt(PromptJob::ExportResults { prompt, runs, to, replace })
    };
    lab.done(export(&to, false));
    assert_eq!(lab.fails(export(&to, false)).summary.key, "failure.file_exists");
    let rows = rows_of(&mut lab, &to).expect("it reads");
    assert_eq!(rows.columns, ["name", "n", "reply", "tokens", "perplexity"]);
    assert_eq!(rows.rows[1]["name"], "Rabbit 1");
    let texts = written(&mut lab, prompt, spec.run);
    assert_eq!(rows.rows[0]["reply"], texts.values().next().expect("a row").text);
    let lines = home.path().join("out.jsonl");
    lab.done(export(&lines, true));
    assert_eq!(rows_of(&mut lab, &lines).expect("it reads").rows, rows.rows);
    let other = home.path().join("out.xlsx");
    assert_eq!(lab.fails(export(&other, true)).summary.key, "failure.prompts_table_kind");

    let to = home.path().join("library.json");
    lab.done(JobSpec::Prompt(PromptJob::Export { prompts: vec![prompt], to: to.clone(), replace: false }));
    match lab.done(JobSpec::Prompt(PromptJob::Import { path: to.clone() })) {
        JobOutput::Prompt(PromptOutput::Imported { prompts, problems }) => {
            assert_eq!((prompts.len(), problems.len()), (1, 0));
            assert_ne!(prompts[0], prompt, "another one beside it");
        }
        other => panic!("{other:?}"),
    }
    let Ok(Page::Prompt(PromptPage::All(all))) = lab.fetch(Query::Prompt(PromptQuery::All)) else {
        panic!("the library")
    };
    assert_eq!(all.len(), 2);
    assert_eq!((&all[0].name, &all[0].body), (&all[1].name, &all[1].body));
    std::fs::write(&to, "{\"format\":\"something else\"}").expect("written");
    let refused = lab.fails(JobSpec::Prompt(PromptJob::Import { path: to }));
    assert_eq!(refused.summary.key, "failure.prompts_file");
    lab.close();
}
