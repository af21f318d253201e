//! Sorting texts by label through the seam: a run that learns it, is paused and goes on; what it measures and makes;
//! what is refused.

use glassworks_engine::EngineConfig;
use glassworks_engine::shelf::ModelFiles;
use glassworks_engine::shelf::adapter::AdapterFiles;
use glassworks_protocol::dataset::{DataReport, DataSpec};
use glassworks_protocol::generate::{GenerateSpec, ModelSource, Overflow, Prompt, SamplingSpec};
use glassworks_protocol::ids::RunId;
use glassworks_protocol::model::{CacheWidth, Precision};
use glassworks_protocol::predict::{PredictReport, PredictSpec};
use glassworks_protocol::train::{
    AdapterSource, ClassWeights, ClassificationSpec, FullSpec, MethodSpec, RunRecord, RunStatus, Series,
    TaskSpec, TrainJob, TrainSpec,
};
use glassworks_protocol::{Command, Event, JobOutput, JobSpec, Outcome, Page, Partial, Query, Signal};
use glassworks_tests_engine::training::{made, sorted_rows, sorting};
use glassworks_tests_engine::{Lab, config};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{self, Stdio};
use std::sync::Arc;

fn new(spec: TrainSpec) -> (RunId, JobSpec) {
    let run = RunId::mint();
    (run, JobSpec::Train(TrainJob::New { run, spec: Box::new(spec) }))
}

fn trained(lab: &mut Lab, job: JobSpec) -> Arc<RunRecord> {
    match lab.done(job) {
        JobOutput::Trained(run) => run,
        other => panic!("{other:?}"),
    }
}

fn measured(lab: &mut Lab, run: RunId, series: Series) -> Vec<(u64, f64)> {
    let Ok(Page::RunPoints(points)) = lab.fetch(Query::RunPoints(run)) else { panic!("its points") };
    points.iter().filter(|p| p.series == series).map(|p| (p.step, p.value)).collect()
}

#[test]
fn a_run_learns_to_sort_and_says_how_well() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let spec = sorting(&model, home.path());
    let JobOutput::DataChecked(report) = lab.done(JobSpec::CheckData(Box::new(spec.clone()))) else {
        panic!("a report")
    };
    let labels: Vec<(&str, u64)> =
        report.labels.iter().map(|l| (l.name.as_str(), l.n_train + l.n_validation)).collect();
    assert_eq!(labels, [("bad", 24), ("good", 24), ("so so", 12)]);
    assert_eq!(report.n_targets, report.n_train, "a row is one thing to learn");

    let (id, job) = new(spec.clone());
    let run = trained(&mut lab, job);
    let progress = &run.progress;
    let (last, best) =
        (progress.last_classes.as_ref().expect("told"), progress.best_classes.as_ref().expect("told"));
    assert_eq!(last.step, progress.n_steps);
    assert_eq!(Some(best.step), progress.best_step);
    assert_eq!(best.confusion.labels, ["bad", "good", "so so"]);
    assert_eq!(best.confusion.n_rows(), progress.data.n_validation);
    let accuracy = measured(&mut lab, id, Series::Accuracy);
    assert_eq!(accuracy.last().expect("measured"), &(last.step, last.confusion.accuracy()));
    assert!(best.confusion.accuracy() > 0.9, "{accuracy:?}");
    assert_eq!(measured(&mut lab, id, Series::MacroF1).len(), accuracy.len());

    let result = progress.result.clone().expect("a result");
    let adapter = AdapterFiles::read(&result).expect("PEFT's files");
    assert_eq!(adapter.head.expect("a head").labels, ["bad", "good", "so so"]);
    let text = std::fs::read_to_string(result.join("adapter_config.json")).expect("readable");
    let config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(config["task_type"], "SEQ_CLS");
    assert_eq!(config["modules_to_save"], serde_json::json!(["score"]));

    let (paused, job) = new(spec);
    let job = lab.start(job);
    lab.until("a step", |event| match event {
        Event::Partial(_, Partial::Metrics(points)) => points.iter().any(|p| p.step >= 3).then_some(()),
        _ => None,
    });
    lab.send(Command::Signal(job, Signal::Pause));
    let Outcome::Done(JobOutput::Trained(half)) = lab.until_settled(job) else { panic!("it pauses") };
    assert_eq!(half.status, RunStatus::Paused);
    lab.close();
    let mut lab = Lab::open(home.path());
    let resumed = trained(&mut lab, JobSpec::Train(TrainJob::Resume { run: paused }));
    assert_eq!(made(&run.folder), made(&resumed.folder));
    assert_eq!(resumed.progress.best_classes, run.progress.best_classes);
    assert_eq!(resumed.progress.last_classes, run.progress.last_classes);
    for series in [Series::TrainLoss, Series::ValidationLoss, Series::Accuracy] {
        assert_eq!(measured(&mut lab, id, series), measured(&mut lab, paused, series));
    }
    lab.close();
}

/// A run that an earlier version began was split by chance, and goes on with the rows that it had.
#[test]
fn labels_are_split_evenly_and_a_run_from_before_goes_on_with_its_rows() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let now = sorting(&lab.starter(), home.path());
    let mut before = TrainSpec { version: 1, ..now.clone() };
    before.run.steps = Some(6);
    let held_out = |lab: &mut Lab, spec: &TrainSpec| -> Vec<u64> {
        let JobOutput::DataChecked(report) = lab.done(JobSpec::CheckData(Box::new(spec.clone()))) else {
            panic!("a report")
        };
        report.labels.iter().map(|label| label.n_validation).collect()
    };
    // 24 bad, 24 good, 12 so so.
    assert_eq!(held_out(&mut lab, &now), [5, 5, 2]);
    let by_chance = held_out(&mut lab, &before);
    assert_ne!(by_chance, [5, 5, 2]);

    let (_, job) = new(before.clone());
    let whole = trained(&mut lab, job);
    let (paused, job) = new(before);
    let job = lab.start(job);
    lab.until("a step", |event| match event {
        Event::Partial(_, Partial::Metrics(points)) => points.iter().any(|p| p.step >= 2).then_some(()),
        _ => None,
    });
    lab.send(Command::Signal(job, Signal::Pause));
    assert!(matches!(lab.until_settled(job), Outcome::Done(_)));
    lab.close();
    let mut lab = Lab::open(home.path());
    let resumed = trained(&mut lab, JobSpec::Train(TrainJob::Resume { run: paused }));
    assert_eq!(resumed.spec.version, 1);
    let labels = resumed.progress.data.labels.iter();
    assert_eq!(labels.map(|label| label.n_validation).collect::<Vec<_>>(), by_chance);
    assert_eq!(made(&whole.folder), made(&resumed.folder));
    lab.close();
}

#[test]
fn all_weights_make_a_classifier_that_is_tuned_further_and_does_not_write() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let mut spec = sorting(&model, home.path());
    spec.task = TaskSpec::Classification(ClassificationSpec { class_weights: ClassWeights::Balanced });
    spec.method = MethodSpec::Full(FullSpec::default());
    let (_, job) = new(spec.clone());
    let run = trained(&mut lab, job);
    let result = run.progress.result.clone().expect("a result");
    let best = run.progress.best_classes.clone().expect("told");
    assert!(best.confusion.accuracy() > 0.9, "{best:?}");
    let card = ModelFiles::open(&result).expect("a model").card().expect("a card");
    assert_eq!(card.labels, ["bad", "good", "so so"]);

    let classifier = ModelSource::Path(result);
    let refused = lab.fails(JobSpec::Generate(Box::new(GenerateSpec {
        model: classifier.clone(),
        tuned: None,
        adapter: None,
        prompt: Prompt::Text("The cat".to_owned()),
        sampling: SamplingSpec::default(),
        precision: Precision::Exact,
        cache: CacheWidth::Full,
        overflow: Overflow::Refuse,
        keep: None,
    })));
    assert_eq!(refused.summary.key, "failure.model_classifies");
    // It goes on from the head it has: the first look is as good as the last one was.
    spec.model = classifier.clone();
    spec.run.steps = Some(1);
    let (_, job) = new(spec.clone());
    let again = trained(&mut lab, job);
    let first = again.progress.first_validation_loss.expect("measured");
    assert!((first - run.progress.best_loss.expect("measured")).abs() < 1e-4, "{first}");
    spec.task = TaskSpec::Text;
    let (_, job) = new(spec);
    let refused = lab.fails(job);
    assert!(refused.to_string().contains("task.kind"), "{refused}");
    lab.close();
}

fn predict(model: &ModelSource, adapter: Option<&Path>, data: &Path, out: &Path) -> PredictSpec {
    PredictSpec {
        model: model.clone(),
        tuned: None,
        adapter: adapter.map(|path| AdapterSource { path: path.to_owned(), strength: 1.0 }),
        data: data.to_owned(),
        column: "text".to_owned(),
        template: None,
        out: out.to_owned(),
        max_new_tokens: 8,
        precision: Precision::Exact,
        keep: None,
    }
}

fn predicted(lab: &mut Lab, spec: PredictSpec) -> Arc<PredictReport> {
    match lab.done(JobSpec::Predict(Box::new(spec))) {
        JobOutput::Predicted(report) => report,
        other => panic!("{other:?}"),
    }
}

/// Labels with their probabilities, from an adapter and from a whole model; killed and gone on with, the same file.
#[test]
fn every_row_of_a_file_is_sorted_in_order_whatever_happens() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let mut spec = sorting(&model, home.path());
    let (_, job) = new(spec.clone());
    let run = trained(&mut lab, job);
    let adapter = run.progress.result.clone().expect("a result");
    let data = sorted_rows(home.path());
    let out = home.path().join("out.csv");
    let report = predicted(&mut lab, predict(&model, Some(&adapter), &data, &out));
    assert_eq!((report.n_rows, report.labels.join("|").as_str()), (60, "bad|good|so so"));
    let text = std::fs::read_to_string(&out).expect("written");
    let mut lines = text.lines();
    let header = "text,label,prediction,probability,probability_bad,probability_good,probability_so so";
    assert_eq!(lines.next(), Some(header));
    let mut right = 0;
    for line in lines {
        // The text is quoted: a comma is in it.
        let (_, rest) = line.rsplit_once('"').expect("quoted");
        let fields: Vec<&str> = rest.split(',').skip(1).collect();
        right += usize::from(fields[0] == fields[1]);
        let each: Vec<f64> = fields[2..].iter().map(|p| p.parse().expect("a number")).collect();
        let sum: f64 = each[1..].iter().sum();
        let largest = each[1..].iter().copied().fold(0.0, f64::max);
        assert!((sum - 1.0).abs() < 1e-5 && each[0] == largest, "{line}");
    }
    assert!(right > 54, "{right} of 60");

    // The weights themselves, tuned, answer as a model of their own.
    spec.method = MethodSpec::Full(FullSpec::default());
    let (_, job) = new(spec);
    let whole = trained(&mut lab, job).progress.result.clone().expect("a result");
    let other = home.path().join("out.jsonl");
    let report = predicted(&mut lab, predict(&ModelSource::Path(whole), None, &data, &other));
    assert_eq!(report.n_rows, 60);
    let first: serde_json::Value = serde_json::from_str(
        std::fs::read_to_string(&other).expect("written").lines().next().expect("a row"),
    )
    .expect("JSON");
    assert_eq!(first["prediction"], first["label"], "{first}");

    let many = home.path().join("many.csv");
    let rows: String = (0..640).map(|i| format!("\"The hall number {i}, said Alice, is kind\"\n")).collect();
    std::fs::write(&many, format!("text\n{rows}")).expect("written");
    let undisturbed = home.path().join("undisturbed.csv");
    predicted(&mut lab, predict(&model, Some(&adapter), &many, &undisturbed));
    lab.close();
    let disturbed = home.path().join("disturbed.csv");
    let begin = || {
        process::Command::new(env!("CARGO_BIN_EXE_predicting"))
            .args([home.path(), &adapter, &many, &disturbed])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts")
    };
    let mut killed = 0;
    for _ in 0..3 {
        let mut child = begin();
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        // Rows that are done have been told.
        let far = lines.map_while(Result::ok).find(|line| line.parse().is_ok_and(|n: u64| n >= 16));
        child.kill().expect("killed");
        child.wait().expect("ended");
        killed += usize::from(far.is_some() && !disturbed.exists());
    }
    assert!(killed > 0, "it was at work");
    let noted = home.path().join("disturbed.csv.incomplete.json");
    assert!(noted.is_file() && !disturbed.exists());
    assert!(begin().wait_with_output().expect("it ends").status.success());
    let read = |path: &Path| std::fs::read(path).expect("written");
    assert!(read(&disturbed) == read(&undisturbed), "the files differ");
    assert!(!noted.exists());
}

#[test]
fn a_model_that_writes_answers_every_row_and_stops_when_told() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let data = home.path().join("rows.jsonl");
    let rows: String = (0..40).map(|i| format!("{{\"text\":\"Alice saw {i}\",\"n\":{i}}}\n")).collect();
    std::fs::write(&data, format!("{rows}{{\"text\":\"\"}}\n[1]\n")).expect("written");
    let out = home.path().join("out.jsonl");
    let mut spec = predict(&model, None, &data, &out);
    spec.template = Some("{text} and said".to_owned());
    let job = lab.start(JobSpec::Predict(Box::new(spec.clone())));
    lab.until("some rows", |event| match event {
        Event::Progress(id, progress) => (*id == job && progress.done >= 16).then_some(()),
        _ => None,
    });
    lab.send(Command::Cancel(job));
    assert_eq!(lab.until_settled(job), Outcome::Cancelled);
    assert!(!out.exists());
    let report = predicted(&mut lab, spec.clone());
    assert_eq!((report.n_rows, report.n_left_out), (41, 1));
    assert!(report.n_before >= 16, "it goes on");
    let text = std::fs::read_to_string(&out).expect("written");
    let rows: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(rows[..40].iter().enumerate().all(|(i, row)| row["n"] == i as u64));
    assert!(rows[..40].iter().all(|row| row["prediction"].as_str().is_some_and(|text| !text.is_empty())));
    assert!(rows[40]["prediction"].is_null(), "nothing was asked");
    // What is written is what the model writes when it is asked alone.
    let alone = lab.reply(GenerateSpec {
        model: model.clone(),
        tuned: None,
        adapter: None,
        prompt: Prompt::Text("Alice saw 3 and said".to_owned()),
        sampling: SamplingSpec { max_new_tokens: 8, temperature: 0.0, ..SamplingSpec::default() },
        precision: Precision::Exact,
        cache: CacheWidth::Full,
        overflow: Overflow::Refuse,
        keep: None,
    });
    assert_eq!(rows[3]["prediction"].as_str(), Some(alone.text.trim()));
    let again = lab.fails(JobSpec::Predict(Box::new(spec)));
    assert_eq!(again.summary.key, "failure.out_exists");
    lab.close();
}

/// The bundled reviews are unpacked, named at the start, and every row of them can be learned from.
#[test]
fn there_are_reviews_to_begin_with() {
    let home = tempfile::tempdir().expect("a folder");
    let reviews: &[u8] = include_bytes!("../../../assets/reviews/reviews.csv");
    let samples: &'static [(&'static str, &'static [u8])] =
        Box::leak(Box::new([("reviews/NOTICE", b"words" as &[u8]), ("reviews/reviews.csv", reviews)]));
    let config = EngineConfig { samples, ..config(home.path()) };
    let mut lab = Lab::with(config).expect("it opens");
    let path = lab.engine.start.samples.first().expect("one").clone();
    assert_eq!(std::fs::read(&path).expect("unpacked"), reviews);
    let mut spec = sorting(&lab.starter(), home.path());
    spec.data = DataSpec { files: vec![path], ..DataSpec::default() };
    let JobOutput::DataChecked(report) = lab.done(JobSpec::CheckData(Box::new(spec))) else {
        panic!("a report")
    };
    let labels: Vec<(&str, u64)> =
        report.labels.iter().map(|l| (l.name.as_str(), l.n_train + l.n_validation)).collect();
    assert_eq!((labels, report.n_left_out), (vec![("bad", 5075), ("good", 4995)], 0));
    lab.close();
}

#[test]
fn data_that_cannot_be_sorted_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let model = lab.starter();
    let mut check = |name: &str, text: &str| -> Result<Arc<DataReport>, String> {
        let path = home.path().join(name);
        std::fs::write(&path, text).expect("written");
        let mut spec = sorting(&model, home.path());
        spec.data = DataSpec { files: vec![path], ..DataSpec::default() };
        let job = lab.start(JobSpec::CheckData(Box::new(spec)));
        match lab.until_settled(job) {
            Outcome::Done(JobOutput::DataChecked(report)) => Ok(report),
            Outcome::Failed(failure) => Err(failure.summary.key.into_owned()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(check("one.csv", "text,label\na cat,good\na dog,good\n").unwrap_err(), "failure.one_label");
    assert_eq!(check("none.csv", "text,word\na cat,good\na dog,bad\n").unwrap_err(), "failure.data_empty");
    let many: String = (0..300).map(|i| format!("text {i},label {i}\n")).collect();
    assert_eq!(check("many.csv", &format!("text,label\n{many}")).unwrap_err(), "failure.many_labels");
    let report = check("some.tsv", "label\treview\n10\ta cat\n9\ta dog\n\ta hare\n").expect("usable");
    let names: Vec<&str> = report.labels.iter().map(|label| label.name.as_str()).collect();
    assert_eq!((names, report.n_left_out), (vec!["9", "10"], 1));
    lab.close();
    assert!(Path::new(&sorted_rows(home.path())).is_file());
}
