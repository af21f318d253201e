//! What is known of a run before it begins: data that is checked, steps that are timed, presets that fit.

use glassworks_engine::shelf::ModelFiles;
use glassworks_protocol::dataset::DataReport;
use glassworks_protocol::train::{ClassificationSpec, PRESETS, StepReport, TaskSpec, TrainJob, TrainSpec};
use glassworks_protocol::{Event, JobOutput, JobSpec, Outcome, Page, Query};
use glassworks_tests_engine::training::{rows, spec};
use glassworks_tests_engine::{Lab, fixtures};
use std::sync::Arc;

fn checked(lab: &mut Lab, spec: &TrainSpec) -> Arc<DataReport> {
    match lab.done(JobSpec::CheckData(Box::new(spec.clone()))) {
        JobOutput::DataChecked(report) => report,
        other => panic!("{other:?}"),
    }
}

fn measured(lab: &mut Lab, spec: &TrainSpec) -> Arc<StepReport> {
    match lab.done(JobSpec::MeasureTraining(Box::new(spec.clone()))) {
        JobOutput::TrainingMeasured(report) => report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_found_beforehand_is_what_the_run_finds() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let mut spec = spec(&lab.starter(), home.path());
    let path = home.path().join("mixed.jsonl");
    let good = std::fs::read_to_string(rows(home.path())).expect("rows");
    std::fs::write(&path, format!("{{\"text\": \"no answer\"}}\n{good}not json\n")).expect("written");
    spec.data.files = vec![path];
    spec.run.steps = Some(1);
    let report = checked(&mut lab, &spec);
    let told: Vec<(u64, &str)> = report.problems.iter().map(|p| (p.row, &*p.reason.key)).collect();
    assert_eq!(told, [(1, "train.row.no_answer"), (62, "train.row.not_json")]);
    let job = TrainJob::New { run: glassworks_protocol::ids::RunId::mint(), spec: Box::new(spec) };
    let JobOutput::Trained(run) = lab.done(JobSpec::Train(job)) else { panic!("a run") };
    assert_eq!(run.progress.data, *report);
    lab.close();
}

#[test]
fn a_few_batches_are_timed_and_nothing_is_kept() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let spec = spec(&lab.starter(), home.path());
    let report = measured(&mut lab, &spec);
    assert_eq!(report.n_batches, 5);
    assert!(report.n_tokens > 0 && report.secs > 0.0 && report.evaluation_secs > 0.0, "{report:?}");
    let Ok(Page::Runs(runs)) = lab.fetch(Query::Runs) else { panic!("the runs") };
    assert!(runs.is_empty());
    assert!(!home.path().join("runs").read_dir().is_ok_and(|mut entries| entries.next().is_some()));
    lab.close();
}

#[test]
fn data_of_one_batch_is_timed_and_data_of_none_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let mut spec = spec(&lab.starter(), home.path());
    spec.data.validation_share = 0.0;
    spec.evaluation.every = None;
    spec.batch.sequences = 64;
    spec.run.steps = Some(1);
    let report = measured(&mut lab, &spec);
    assert!(report.n_batches == 1 && report.secs > 0.0 && report.evaluation_secs == 0.0, "{report:?}");
    let empty = home.path().join("empty.jsonl");
    std::fs::write(&empty, "\n").expect("written");
    spec.data.files = vec![empty];
    for job in [JobSpec::CheckData(Box::new(spec.clone())), JobSpec::MeasureTraining(Box::new(spec))] {
        assert_eq!(lab.fails(job).summary.key, "failure.data_empty");
    }
    lab.close();
}

#[test]
fn both_are_stopped_at_once() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let mut spec = spec(&lab.starter(), home.path());
    let large = home.path().join("large.jsonl");
    std::fs::write(&large, std::fs::read_to_string(rows(home.path())).expect("rows").repeat(2000))
        .expect("written");
    spec.data.files = vec![large];
    for job in [JobSpec::CheckData(Box::new(spec.clone())), JobSpec::MeasureTraining(Box::new(spec))] {
        let id = lab.start(job);
        lab.until("progress", |event| matches!(event, Event::Progress(of, _) if *of == id).then_some(()));
        lab.send(glassworks_protocol::Command::Cancel(id));
        assert_eq!(lab.until_settled(id), Outcome::Cancelled);
    }
    lab.close();
}

/// Every preset, for every model there is a fixture of.
#[test]
fn presets_have_no_problems_with_any_model() {
    let folders = fixtures().read_dir().expect("fixtures").map(|entry| entry.expect("an entry").path());
    let models: Vec<_> = folders.filter(|folder| folder.join("config.json").is_file()).collect();
    assert!(models.len() > 4);
    for path in models {
        let card = ModelFiles::open(&path).expect("a model").card().expect("a card");
        for preset in &PRESETS {
            let task = match card.labels.as_slice() {
                [] => TaskSpec::Chat,
                _ => TaskSpec::Classification(ClassificationSpec::default()),
            };
            let mut spec = preset.applied_to(&TrainSpec { task, ..TrainSpec::default() });
            spec.data.files = vec!["rows.jsonl".into()];
            assert_eq!(spec.problems(Some(&card)), [], "{} of {:?}", path.display(), preset.id);
        }
    }
}
