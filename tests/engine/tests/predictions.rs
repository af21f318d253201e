//! Predictions that are kept, through the seam: looked at page by page, mended, taken back, gone on with after a kill,
//! learned from.

use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::ids::{PredictionId, RunId};
use glassworks_protocol::model::Precision;
use glassworks_protocol::predict::{
    LearnReport, Mend, PredictSpec, PredictedRows, PredictionRecord, RowInFull, RowOrder, RowsToLearn,
    RowsView, WhichRows,
};
use glassworks_protocol::train::{RunPart, TrainJob, TunedSource};
use glassworks_protocol::{Command, Edit, Event, JobOutput, JobSpec, Outcome, Page, Query, Stored};
use glassworks_tests_engine::Lab;
use glassworks_tests_engine::training::sorting;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{self, Stdio};
use std::sync::Arc;

fn spec(model: &ModelSource, data: &Path, out: &Path) -> PredictSpec {
    PredictSpec {
        model: model.clone(),
        tuned: None,
        adapter: None,
        data: data.to_owned(),
        column: "text".to_owned(),
        template: None,
        out: out.to_owned(),
        max_new_tokens: 1,
        precision: Precision::Exact,
        keep: Some(PredictionId::mint()),
    }
}

fn list(lab: &mut Lab) -> Vec<Arc<PredictionRecord>> {
    match lab.fetch(Query::Predictions) {
        Ok(Page::Predictions(list)) => list,
        other => panic!("{other:?}"),
    }
}

fn rows(lab: &mut Lab, prediction: PredictionId, view: &RowsView, from: u64, n: u32) -> Arc<PredictedRows> {
    match lab.fetch(Query::PredictedRows { prediction, view: view.clone(), from, n }) {
        Ok(Page::PredictedRows(rows)) => rows,
        other => panic!("{other:?}"),
    }
}

fn in_full(lab: &mut Lab, prediction: PredictionId, row: u64) -> Arc<RowInFull> {
    match lab.fetch(Query::PredictedRow { prediction, row }) {
        Ok(Page::PredictedRow(row)) => row,
        other => panic!("{other:?}"),
    }
}

fn mend(lab: &mut Lab, prediction: PredictionId, row: u64, answer: &str, confirmed: bool) {
    let mend = Some(Mend { answer: answer.to_owned(), confirmed });
    lab.edit(Edit::Mend { prediction, row, mend });
}

/// What was said, by row.
fn said(lab: &mut Lab, prediction: PredictionId) -> BTreeMap<u64, String> {
    let view = RowsView { mended: true, ..RowsView::default() };
    let rows = rows(lab, prediction, &view, 0, 500);
    rows.rows.iter().map(|row| (row.row, row.mend.clone().expect("mended").answer)).collect()
}

fn kept_rows(lab: &mut Lab, prediction: PredictionId, which: WhichRows, out: &Path) -> Arc<LearnReport> {
    let spec = RowsToLearn { prediction, which, out: out.to_owned() };
    match lab.done(JobSpec::KeepRows(spec)) {
        JobOutput::RowsKept(report) => report,
        other => panic!("{other:?}"),
    }
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).expect("written");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_heads_rows_are_looked_at_mended_and_learned_from_again() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let training = sorting(&model, home.path());
    let data = training.data.files[0].clone();
    let run = RunId::mint();
    lab.done(JobSpec::Train(TrainJob::New { run, spec: Box::new(training.clone()) }));

    let out = home.path().join("predictions").join("sorted.jsonl");
    let tuned = Some(TunedSource { run, part: RunPart::Result, strength: 1.0 });
    let asked = PredictSpec { tuned, ..spec(&model, &data, &out) };
    let id = asked.keep.expect("kept");
    let JobOutput::Predicted(report) = lab.done(JobSpec::Predict(Box::new(asked.clone()))) else {
        panic!("a report")
    };
    assert_eq!(report.labels, ["bad", "good", "so so"]);
    let told = list(&mut lab);
    assert_eq!((told.len(), told[0].done, told[0].n_rows), (1, true, 60));
    assert_eq!((&told[0].spec, &told[0].labels), (&asked, &report.labels));
    // Asked once more, as after a kill at the very end, it is there.
    let JobOutput::Predicted(again) = lab.done(JobSpec::Predict(Box::new(asked))) else { panic!("a report") };
    assert_eq!((again.n_rows, again.n_before), (60, 60));

    let file = rows(&mut lab, id, &RowsView::default(), 0, 500);
    assert_eq!((file.n_rows, file.whole.n_labelled, file.whole.sorts), (60, 60, true));
    assert!(file.rows.iter().enumerate().all(|(i, row)| row.row == i as u64));
    let right = file.rows.iter().filter(|row| row.answer == row.truth).count() as u64;
    assert_eq!(file.whole.n_right, right);
    let part = rows(&mut lab, id, &RowsView::default(), 20, 10);
    assert_eq!(part.rows, file.rows[20..30]);

    let view = RowsView { order: RowOrder::Margin, ..RowsView::default() };
    let unsure = rows(&mut lab, id, &view, 0, 500);
    let margin = |row: &glassworks_protocol::predict::PredictedRow| {
        row.probability.expect("told") - row.second.as_ref().expect("three labels").1
    };
    assert!(unsure.rows.windows(2).all(|pair| margin(&pair[0]) <= margin(&pair[1]) + 1e-5));
    let view = RowsView { answer: Some("good".to_owned()), ..RowsView::default() };
    let good = rows(&mut lab, id, &view, 0, 500);
    assert!(good.n_rows > 0 && good.rows.iter().all(|row| row.answer.as_deref() == Some("good")));

    let full = in_full(&mut lab, id, 7);
    assert_eq!(full.probabilities.len(), 3);
    assert!((full.probabilities.iter().map(|(_, p)| p).sum::<f32>() - 1.0).abs() < 1e-4);
    assert_eq!(full.answer.as_ref(), Some(&full.probabilities[0].0));

    // Mended, taken back, said again; after a restart it is as it was.
    let wrote = |at: usize| file.rows[at].answer.clone().expect("an answer");
    mend(&mut lab, id, 3, "so so", false);
    mend(&mut lab, id, 5, &wrote(5), true);
    mend(&mut lab, id, 3, "bad", false);
    lab.edit(Edit::UndoMend(id));
    assert_eq!(said(&mut lab, id), BTreeMap::from([(3, "so so".to_owned()), (5, wrote(5))]));
    lab.edit(Edit::RedoMend(id));
    lab.edit(Edit::UndoMend(id));
    lab.close();
    let mut lab = Lab::open(home.path());
    let record = list(&mut lab)[0].clone();
    assert_eq!((record.n_mended, record.n_confirmed, record.can_undo, record.can_redo), (1, 1, true, true));

    let some = home.path().join("datasets").join("some.jsonl");
    let report = kept_rows(&mut lab, id, WhichRows::Looked, &some);
    assert_eq!((report.n_rows, report.n_looked, report.run, report.sorts), (2, 2, Some(run), true));
    let written = lines(&some);
    assert_eq!(written[0]["label"], "so so");
    assert_eq!(written[1]["label"], wrote(5).as_str());
    assert_eq!(written[0]["text"].as_str(), Some(in_full(&mut lab, id, 3).text.as_str()));
    let all = home.path().join("datasets").join("all.jsonl");
    let report = kept_rows(&mut lab, id, WhichRows::All, &all);
    assert_eq!((report.n_rows, report.n_looked), (60, 2));
    let written = lines(&all);
    for (i, row) in written.iter().enumerate() {
        let own = file.rows[i].truth.as_deref();
        let expected = match i {
            3 => Some("so so"),
            5 => file.rows[5].answer.as_deref(),
            _ => own,
        };
        assert_eq!(row["label"].as_str(), expected, "row {i}");
    }
    // And that can be learned from.
    let mut again = training;
    again.data.files = vec![all];
    let JobOutput::DataChecked(report) = lab.done(JobSpec::CheckData(Box::new(again))) else {
        panic!("a report")
    };
    assert_eq!((report.n_train + report.n_validation, report.n_left_out), (60, 0));
    lab.close();
}

#[test]
fn what_was_killed_is_listed_and_gone_on_with_to_the_same_rows() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("many.csv");
    let texts: String = (0..1200).map(|i| format!("\"The hall number {i}, said Alice\"\n")).collect();
    std::fs::write(&data, format!("text\n{texts}")).expect("written");
    let out = home.path().join("predictions").join("many.csv");
    let id = PredictionId::mint();
    let id_words = id.to_string();
    let mut child = process::Command::new(env!("CARGO_BIN_EXE_predicting"))
        .args([home.path(), Path::new(&id_words), &data, &out, Path::new("keep")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let told = BufReader::new(child.stdout.take().expect("piped")).lines();
    told.map_while(Result::ok).find(|line| line.parse().is_ok_and(|n: u64| n >= 32)).expect("it works");
    child.kill().expect("killed");
    child.wait().expect("ended");

    let mut lab = Lab::open(home.path());
    let record = list(&mut lab)[0].clone();
    assert_eq!(record.id, id);
    assert!(!record.done && record.n_rows >= 32 && record.n_rows < 1200, "{}", record.n_rows);
    // What is there is looked at and mended, and that survives.
    let half = rows(&mut lab, id, &RowsView::default(), 0, 500);
    assert_eq!(half.n_rows, record.n_rows);
    assert_eq!(half.rows[0].text, "The hall number 0, said Alice", "the row of names is none");
    mend(&mut lab, id, 9, "mine", false);
    let JobOutput::Predicted(report) = lab.done(JobSpec::Predict(Box::new(record.spec.clone()))) else {
        panic!("a report")
    };
    assert!(report.n_rows == 1200 && report.n_before >= record.n_rows);
    let record = list(&mut lab)[0].clone();
    assert!(record.done && record.n_mended == 1);
    let undisturbed = home.path().join("undisturbed.csv");
    let alone = PredictSpec { out: undisturbed.clone(), keep: None, ..record.spec.clone() };
    lab.done(JobSpec::Predict(Box::new(alone)));
    let read = |path: &Path| std::fs::read(path).expect("written");
    assert!(read(&out) == read(&undisturbed), "the files differ");
    assert_eq!(list(&mut lab).len(), 1, "who does not ask for it is not listed");
    let view = RowsView { search: "NUMBER 1199".to_owned(), ..RowsView::default() };
    let found = rows(&mut lab, id, &view, 0, 10);
    assert_eq!((found.n_rows, found.rows[0].row), (1, 1199));
    lab.close();
}

#[test]
fn mends_are_there_after_a_kill_and_become_questions_with_answers() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("rows.jsonl");
    let texts: String = (0..40).map(|i| format!("{{\"text\":\"Alice saw {i}\"}}\n")).collect();
    std::fs::write(&data, texts).expect("written");
    let mut lab = Lab::open(home.path());
    let out = home.path().join("predictions").join("rows.jsonl");
    let asked = PredictSpec { template: Some("{text} and".to_owned()), ..spec(&lab.starter(), &data, &out) };
    let id = asked.keep.expect("kept");
    lab.done(JobSpec::Predict(Box::new(asked)));
    lab.close();

    let mut child = process::Command::new(env!("CARGO_BIN_EXE_mending"))
        .args([home.path().to_str().expect("unicode"), &id.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stored = Vec::new();
    for line in BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok) {
        stored.push(line.parse::<u64>().expect("a row"));
        if stored.len() == 12 {
            break;
        }
    }
    child.kill().expect("killed");
    child.wait().expect("ended");

    let mut lab = Lab::open(home.path());
    let said = said(&mut lab, id);
    for row in &stored {
        assert_eq!(said.get(row), Some(&format!("answer {row}")));
    }
    let to_learn = home.path().join("datasets").join("chat.jsonl");
    let report = kept_rows(&mut lab, id, WhichRows::Looked, &to_learn);
    assert!(report.n_rows == said.keys().filter(|row| **row < 40).count() as u64 && !report.sorts);
    let first = &lines(&to_learn)[0]["messages"];
    assert_eq!(first[0]["content"], "Alice saw 0 and");
    assert_eq!(first[1]["content"], "answer 0");
    lab.close();
}

#[test]
fn what_is_paused_goes_on_and_what_is_removed_is_gone() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let data = home.path().join("rows.csv");
    let texts: String = (0..400).map(|i| format!("Alice saw {i},{}\n", i % 2)).collect();
    std::fs::write(&data, format!("text,label\n{texts}")).expect("written");
    let out = home.path().join("predictions").join("rows.csv");
    let asked = spec(&lab.starter(), &data, &out);
    let id = asked.keep.expect("kept");
    let job = lab.start(JobSpec::Predict(Box::new(asked.clone())));
    lab.until("some rows", |event| match event {
        Event::Progress(of, progress) => (*of == job && progress.done >= 16).then_some(()),
        _ => None,
    });
    lab.send(Command::Cancel(job));
    assert_eq!(lab.until_settled(job), Outcome::Cancelled);
    let n_rows = list(&mut lab)[0].n_rows;
    assert!((16..400).contains(&n_rows));
    lab.stored();
    lab.edit(Edit::RemovePrediction(id));
    assert_eq!(lab.stored(), [Stored::PredictionRemoved(id)]);
    assert!(list(&mut lab).is_empty());
    let left = std::fs::read_dir(home.path().join("predictions")).expect("the folder").count();
    assert_eq!(left, 0, "what was not whole is gone with it");
    let refused = lab.fetch(Query::PredictedRow { prediction: id, row: 0 }).expect_err("it is gone");
    assert_eq!(refused.summary.key, "failure.prediction_gone");

    let Ok(Page::DataHead(head)) = lab.fetch(Query::DataHead(data)) else { panic!("its columns") };
    let names: Vec<&str> = head.columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, head.column.as_deref()), (vec!["text", "label"], Some("text")));
    assert_eq!(head.truth.as_deref(), Some("label"));
    let plain = home.path().join("plain.txt");
    std::fs::write(&plain, "words").expect("written");
    let refused = lab.fetch(Query::DataHead(plain)).expect_err("no columns");
    assert_eq!(refused.summary.key, "failure.no_columns");
    lab.close();
}
