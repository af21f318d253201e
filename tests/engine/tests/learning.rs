//! Datasets from import to a run, through the seam: counted, looked at, learned from at the version that a run began
//! with, written on by a model.

use glassworks_protocol::dataset::{DataReport, DataSpec, DatasetRef};
use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::export::{ExportFormat, ExportSpec};
use glassworks_protocol::datasets::import::{ImportSource, ImportSpec, ReadOptions};
use glassworks_protocol::datasets::measure::{MeasureReport, MeasureSpec, SeeSpec, SeenRow};
use glassworks_protocol::datasets::rows::{MadeHow, RowFlags};
use glassworks_protocol::datasets::transform::{Transform, TransformReport, TransformSpec, WriteSpec};
use glassworks_protocol::datasets::view::{Filter, LengthUnit, Sort, SortKey, ViewSpec};
use glassworks_protocol::datasets::{
    DatasetEdit, DatasetJob, DatasetOutput, DatasetPage, DatasetQuery, DatasetRecord, Row, RowDocument,
    RowId, RowLine, Split,
};
use glassworks_protocol::generate::{ModelSource, SamplingSpec};
use glassworks_protocol::ids::{DatasetId, RunId};
use glassworks_protocol::train::{
    Look, RunPart, RunRecord, RunStatus, TaskSpec, TrainJob, TrainSpec, TunedSource,
};
use glassworks_protocol::{Command, Edit, Event, JobOutput, JobSpec, Outcome, Page, Query, Signal};
use glassworks_tests_engine::Lab;
use glassworks_tests_engine::training::{rows, sorted_rows, sorting, spec};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

fn import(lab: &mut Lab, path: &Path, name: &str) -> DatasetId {
    let dataset = DatasetId::mint();
    let spec = ImportSpec {
        dataset,
        append: false,
        name: name.to_owned(),
        source: ImportSource::Files(vec![path.to_owned()]),
        options: ReadOptions::default(),
        mapping: None,
        split: None,
    };
    lab.done(JobSpec::Dataset(DatasetJob::Import(Box::new(spec))));
    dataset
}

fn done(lab: &mut Lab, job: DatasetJob) -> DatasetOutput {
    match lab.done(JobSpec::Dataset(job)) {
        JobOutput::Dataset(output) => output,
        other => panic!("{other:?}"),
    }
}

fn edit(lab: &mut Lab, dataset: DatasetId, changes: Vec<RowChange>) {
    lab.edit(Edit::Dataset(DatasetEdit::Rows { dataset, changes }));
}

fn page(lab: &mut Lab, query: DatasetQuery) -> DatasetPage {
    match lab.fetch(Query::Dataset(query)) {
        Ok(Page::Dataset(page)) => page,
        other => panic!("{other:?}"),
    }
}

fn record(lab: &mut Lab, id: DatasetId) -> Arc<DatasetRecord> {
    match page(lab, DatasetQuery::All) {
        DatasetPage::All(all) => all.into_iter().find(|one| one.id == id).expect("it is there"),
        other => panic!("{other:?}"),
    }
}

fn find(lab: &mut Lab, view: ViewSpec) -> Vec<u32> {
    match done(lab, DatasetJob::Find(view)) {
        DatasetOutput::Found(found) => found.rows.iter().map(|row| row.0).collect(),
        other => panic!("{other:?}"),
    }
}

fn document(lab: &mut Lab, dataset: DatasetId, row: RowId) -> Arc<RowDocument> {
    match page(lab, DatasetQuery::Row { dataset, row }) {
        DatasetPage::Row(Some(row)) => row,
        other => panic!("{other:?}"),
    }
}

fn lines(lab: &mut Lab, dataset: DatasetId, rows: &[u32]) -> Arc<Vec<RowLine>> {
    match page(lab, DatasetQuery::Rows { dataset, rows: rows.iter().copied().map(RowId).collect() }) {
        DatasetPage::Rows { rows, .. } => rows,
        other => panic!("{other:?}"),
    }
}

fn measured(lab: &mut Lab, spec: &MeasureSpec) -> Arc<MeasureReport> {
    match done(lab, DatasetJob::Measure(spec.clone())) {
        DatasetOutput::Measured(report) => report,
        other => panic!("{other:?}"),
    }
}

fn seen(lab: &mut Lab, measure: &MeasureSpec, row: u32, unsaved: Option<Row>) -> Arc<SeenRow> {
    let spec = SeeSpec { measure: measure.clone(), row: RowId(row), unsaved };
    match done(lab, DatasetJob::See(Box::new(spec))) {
        DatasetOutput::Seen(seen) => seen,
        other => panic!("{other:?}"),
    }
}

fn checked(lab: &mut Lab, spec: &TrainSpec) -> Arc<DataReport> {
    match lab.done(JobSpec::CheckData(Box::new(spec.clone()))) {
        JobOutput::DataChecked(report) => report,
        other => panic!("{other:?}"),
    }
}

fn of_dataset(id: DatasetId, validation_share: f64) -> DataSpec {
    let dataset = DatasetRef { id: Some(id), ..DatasetRef::default() };
    DataSpec { dataset: Some(dataset), validation_share, ..DataSpec::default() }
}

fn value(fields: serde_json::Value) -> Row {
    match fields {
        serde_json::Value::Object(row) => row,
        _ => panic!("a row is an object"),
    }
}

#[test]
fn what_is_counted_and_seen_is_what_a_run_gets() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let id = import(&mut lab, &rows(home.path()), "Animals");
    edit(
        &mut lab,
        id,
        vec![
            RowChange::Set {
                row: RowId(3),
                value: value(json!({ "prompt": "Where? ".repeat(60), "completion": "Here" })),
            },
            RowChange::Set { row: RowId(4), value: value(json!({ "prompt": "Where?", "completion": "" })) },
        ],
    );
    let measure = MeasureSpec { dataset: id, model: lab.starter(), task: TaskSpec::Chat, max_length: None };
    let report = measured(&mut lab, &measure);
    // A run over the same rows, none of them held out.
    let mut run = spec(&lab.starter(), home.path());
    run.data = of_dataset(id, 0.0);
    run.evaluation.every = None;
    let data = checked(&mut lab, &run);
    assert_eq!((report.max_length, report.longest), (data.max_length, data.longest));
    assert_eq!(
        (report.n_rows, report.n_no_target, report.n_cut_away, report.n_cut),
        (60, 1, 1, data.n_truncated)
    );
    assert_eq!(data.n_train, 58);
    // The same rows as a file.
    let out = home.path().join("out.jsonl");
    let export =
        ExportSpec { dataset: id, rows: None, format: ExportFormat::Jsonl, to: out.clone(), replace: false };
    done(&mut lab, DatasetJob::Export(export));
    run.data = DataSpec { files: vec![out], validation_share: 0.0, ..DataSpec::default() };
    let of_file = checked(&mut lab, &run);
    let same = DataReport { hash: data.hash.clone(), problems: data.problems.clone(), ..(*of_file).clone() };
    assert_eq!(*data, same);

    let row = seen(&mut lab, &measure, 0, None);
    assert!(row.n_targets > 0 && row.problem.is_none() && row.max_length == report.max_length);
    let text: String = row.tokens.iter().map(|token| token.text.as_str()).collect();
    assert!(text.contains("Where is the cat?"), "{text}");
    let said: String =
        row.tokens.iter().filter(|token| token.learned).map(|token| token.text.as_str()).collect();
    assert!(said.trim().starts_with("The cat is in the garden"), "{said}");
    let unsaved = value(json!({ "prompt": "Who?", "completion": "Nobody at all" }));
    let other = seen(&mut lab, &measure, 0, Some(unsaved));
    let said: String =
        other.tokens.iter().filter(|token| token.learned).map(|token| token.text.as_str()).collect();
    assert!(said.contains("Nobody"), "{said}");
    assert_eq!(
        seen(&mut lab, &measure, 4, None).problem.as_ref().map(|p| &*p.key),
        Some("train.row.no_answer")
    );
    assert_eq!(
        seen(&mut lab, &measure, 3, None).problem.as_ref().map(|p| &*p.key),
        Some("train.row.cut_away")
    );
    lab.close();
}

#[test]
fn views_go_by_tokens_and_only_changed_rows_are_counted_again() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let id = import(&mut lab, &rows(home.path()), "Animals");
    let long = value(
        json!({ "prompt": "Where is it? ".repeat(9), "completion": "Here, said Alice, and not there" }),
    );
    edit(&mut lab, id, vec![RowChange::Set { row: RowId(7), value: long }]);
    let measure =
        MeasureSpec { dataset: id, model: lab.starter(), task: TaskSpec::Chat, max_length: Some(40) };
    let report = measured(&mut lab, &measure);
    assert!(report.n_cut >= 1 && report.max_length == 40, "{report:?}");
    let view =
        |filters: Vec<Filter>, sort| ViewSpec { dataset: id, filters, sort, measure: Some(measure.clone()) };
    let cut = find(&mut lab, view(vec![Filter::Cut], None));
    assert!(cut.contains(&7) && cut.len() as u64 == report.n_cut, "{cut:?}");
    let by_tokens = Some(Sort { by: SortKey::Tokens, descending: true });
    assert_eq!(find(&mut lab, view(Vec::new(), by_tokens))[0], 7);
    let length = Filter::Length { unit: LengthUnit::Tokens, at_least: Some(report.longest), at_most: None };
    assert_eq!(find(&mut lab, view(vec![length], None)), [7]);
    let tokens = lines(&mut lab, id, &[7])[0].tokens.expect("counted");
    assert_eq!((tokens.n_tokens, tokens.n_targets > 0), (report.longest, true));

    // A row that has changed tells nothing until it is counted again.
    edit(
        &mut lab,
        id,
        vec![RowChange::Set { row: RowId(7), value: value(json!({ "prompt": "Who?", "completion": "Me" })) }],
    );
    let both = lines(&mut lab, id, &[7, 8]);
    assert!(both[0].tokens.is_none() && both[1].tokens.is_some());
    let again = measured(&mut lab, &measure);
    assert!(again.longest < report.longest && again.revision > report.revision);
    assert!(lines(&mut lab, id, &[7])[0].tokens.expect("counted").n_tokens < 40);
    // Where rows are cut is another question about the same counts.
    let wide = measured(&mut lab, &MeasureSpec { max_length: Some(200), ..measure.clone() });
    assert_eq!((wide.n_cut, wide.n_tokens), (0, again.n_tokens));
    lab.close();
}

fn trained(lab: &mut Lab, job: TrainJob) -> Arc<RunRecord> {
    match lab.done(JobSpec::Train(job)) {
        JobOutput::Trained(run) => run,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_goes_on_with_the_rows_it_began_with() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let id = import(&mut lab, &rows(home.path()), "Animals");
    let some = |from: u32, to: u32| (from..to).map(RowId).collect::<Vec<_>>();
    edit(
        &mut lab,
        id,
        vec![
            RowChange::SetSplit { rows: some(0, 6), split: Some(Split::Validation) },
            RowChange::SetSplit { rows: some(6, 12), split: Some(Split::Test) },
        ],
    );
    let mut run = spec(&lab.starter(), home.path());
    run.data = of_dataset(id, 0.5);
    let undisturbed = RunId::mint();
    let whole = trained(&mut lab, TrainJob::New { run: undisturbed, spec: Box::new(run.clone()) });
    assert_eq!((whole.progress.data.n_train, whole.progress.data.n_validation), (48, 6));
    assert!(whole.name.ends_with("Animals"), "{}", whole.name);
    let pinned = whole.spec.data.dataset.clone().expect("a dataset");
    assert_eq!((pinned.id, pinned.name.as_str(), pinned.version), (Some(id), "Animals", Some(2)));
    assert!(pinned.mapping.is_some());
    assert_eq!(record(&mut lab, id).version, 2, "the edits before it are a version now");

    let paused = RunId::mint();
    let job = lab.start(JobSpec::Train(TrainJob::New { run: paused, spec: Box::new(run.clone()) }));
    lab.until("steps", |event| matches!(event, Event::Partial(of, _) if *of == job).then_some(()));
    lab.send(Command::Signal(job, Signal::Pause));
    let Outcome::Done(JobOutput::Trained(half)) = lab.until_settled(job) else { panic!("paused") };
    assert_eq!(half.status, RunStatus::Paused);
    assert_eq!(half.spec.data.dataset, Some(pinned), "nothing has changed: no other version");
    // Everything changes: rows, splits, and what the columns are.
    edit(
        &mut lab,
        id,
        vec![
            RowChange::Remove { rows: some(20, 40) },
            RowChange::SetSplit { rows: some(0, 20), split: Some(Split::Train) },
        ],
    );
    let mut mapping = record(&mut lab, id).mapping.clone();
    mapping.roles.clear();
    lab.edit(Edit::Dataset(DatasetEdit::SetMapping { dataset: id, mapping }));
    let resumed = trained(&mut lab, TrainJob::Resume { run: paused });
    assert_eq!(resumed.status, RunStatus::Done);
    assert_eq!(resumed.progress.data, whole.progress.data);
    assert_eq!(resumed.progress.train_loss, whole.progress.train_loss, "the undisturbed run, bit for bit");

    let Ok(Page::WorstRows(Some(worst))) =
        lab.fetch(Query::WorstRows { run: paused, look: Look::Last, n: 9 })
    else {
        panic!("rows that were measured")
    };
    assert_eq!(worst.n_rows, 6);
    assert!(
        worst.rows.iter().all(|row| row.row.file == Path::new("Animals") && (1..=6).contains(&row.row.row))
    );
    assert!(checked_fails(&mut lab, &run).contains("no row"), "as it is now nothing can be learned from it");
    lab.close();
}

fn checked_fails(lab: &mut Lab, spec: &TrainSpec) -> String {
    let failure = lab.fails(JobSpec::CheckData(Box::new(spec.clone())));
    glassworks_protocol::text::Language::English.render(&failure.summary)
}

#[test]
fn labels_come_from_the_columns_that_are_mapped() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let path = sorted_rows(home.path());
    let renamed = home.path().join("renamed.csv");
    let text = std::fs::read_to_string(&path).expect("rows");
    std::fs::write(&renamed, text.replacen("text,label", "Said,Tone", 1)).expect("written");
    let id = import(&mut lab, &renamed, "Tones");
    let mut mapping = record(&mut lab, id).mapping.clone();
    mapping.task = glassworks_protocol::datasets::DataTask::Classification;
    mapping.roles = [
        (glassworks_protocol::datasets::Role::Text, "Said".to_owned()),
        (glassworks_protocol::datasets::Role::Label, "Tone".to_owned()),
    ]
    .into();
    lab.edit(Edit::Dataset(DatasetEdit::SetMapping { dataset: id, mapping }));
    let of_file = sorting(&lab.starter(), home.path());
    let mut run = of_file.clone();
    run.data = of_dataset(id, 0.2);
    let (of_file, report) = (checked(&mut lab, &of_file), checked(&mut lab, &run));
    assert_eq!(report.labels, of_file.labels);
    assert_eq!(report.label_names(), ["bad", "good", "so so"]);
    // By its name, as a recipe has it.
    run.data.dataset = Some(DatasetRef { name: "Tones".into(), ..DatasetRef::default() });
    assert_eq!(*checked(&mut lab, &run), *report);
    run.data.dataset = Some(DatasetRef { name: "Nobody".into(), ..DatasetRef::default() });
    assert!(checked_fails(&mut lab, &run).contains("Nobody"));
    lab.close();
}

fn writing(model: &ModelSource, dataset: DatasetId, copies: u32, apply: bool) -> TransformSpec {
    let write = WriteSpec {
        model: model.clone(),
        tuned: None,
        template: "{prompt} Alice".to_owned(),
        column: "completion".to_owned(),
        sampling: SamplingSpec { temperature: 0.9, seed: Some(5), ..SamplingSpec::default() },
        max_tokens: 6,
        copies,
    };
    TransformSpec { dataset, transform: Transform::Write(Box::new(write)), rows: None, apply }
}

fn transformed(lab: &mut Lab, spec: TransformSpec) -> Arc<TransformReport> {
    match done(lab, DatasetJob::Transform(Box::new(spec))) {
        DatasetOutput::Transformed(report) => report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_model_writes_rows_that_can_be_taken_back() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let id = import(&mut lab, &rows(home.path()), "Animals");
    let model = lab.starter();
    let aside = (10..60).map(RowId).collect();
    edit(&mut lab, id, vec![RowChange::SetSplit { rows: aside, split: Some(Split::Validation) }]);
    let tried = transformed(&mut lab, writing(&model, id, 2, false));
    assert_eq!((tried.n_looked_at, tried.n_added, tried.samples.len(), tried.applied), (10, 20, 3, false));
    assert!(tried.samples.iter().all(|sample| sample.added && sample.split == Some(Split::Train)));
    assert_eq!(record(&mut lab, id).n_rows, 60, "nothing is added by a look");

    let report = transformed(&mut lab, writing(&model, id, 2, true));
    assert!(report.applied && report.n_added > 10 && report.n_added <= 20, "{report:?}");
    let after = record(&mut lab, id);
    assert_eq!((after.n_rows, after.n_by_split[1]), (60 + report.n_added, 50));
    let made =
        find(&mut lab, ViewSpec { dataset: id, filters: vec![Filter::Made], sort: None, measure: None });
    assert_eq!(made.len() as u64, report.n_added);
    let row = document(&mut lab, id, RowId(made[0]));
    let origin = document(&mut lab, id, row.made.expect("made").from);
    assert!(row.flags.any(RowFlags::MADE) && row.made.expect("made").how == MadeHow::Model);
    assert_eq!((row.split, row.position), (Some(Split::Train), origin.position + 1));
    assert_eq!(row.value["prompt"], origin.value["prompt"]);
    assert_ne!(row.value["completion"], origin.value["completion"]);
    // The same seed writes the same.
    assert_eq!(tried.samples[0].after, Some(row.value.clone()));
    lab.edit(Edit::Dataset(DatasetEdit::Undo(id)));
    assert_eq!(record(&mut lab, id).n_rows, 60);

    // Stopped, it adds nothing; told to keep what there is, it adds that.
    let many = || JobSpec::Dataset(DatasetJob::Transform(Box::new(writing(&model, id, 400, true))));
    for keeps in [false, true] {
        let job = lab.start(many());
        lab.until("rows", |event| match event {
            Event::Progress(of, progress) if *of == job && progress.done > 4 => Some(()),
            _ => None,
        });
        let stop = if keeps { Command::Signal(job, Signal::StopKeepBest) } else { Command::Cancel(job) };
        lab.send(stop);
        let outcome = lab.until_settled(job);
        let n_rows = record(&mut lab, id).n_rows;
        match outcome {
            Outcome::Cancelled => assert!(!keeps && n_rows == 60),
            Outcome::Done(_) => assert!(keeps && n_rows > 60 && n_rows < 4060, "{n_rows}"),
            Outcome::Failed(failure) => panic!("{failure}"),
        }
    }
    lab.close();
}

#[test]
fn what_a_run_made_writes_rows_too() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let id = import(&mut lab, &rows(home.path()), "Animals");
    let model = lab.starter();
    let train = TrainJob::New { run: RunId::mint(), spec: Box::new(spec(&model, home.path())) };
    let run = match lab.done(JobSpec::Train(train)) {
        JobOutput::Trained(run) => run,
        other => panic!("{other:?}"),
    };
    let mut written = |strength: Option<f32>| {
        let mut spec = writing(&model, id, 1, false);
        if let (Transform::Write(write), Some(strength)) = (&mut spec.transform, strength) {
            write.tuned = Some(TunedSource { run: run.id, part: RunPart::Result, strength });
        }
        let report = transformed(&mut lab, spec);
        report.samples.iter().map(|sample| sample.after.clone()).collect::<Vec<_>>()
    };
    let plain = written(None);
    assert_eq!(written(Some(0.0)), plain, "at strength 0 the model is alone");
    assert_ne!(written(Some(1.0)), plain);
    lab.close();
}

#[test]
fn a_form_that_makes_no_sense_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lab = Lab::open(home.path());
    let id = import(&mut lab, &rows(home.path()), "Animals");
    let model = lab.starter();
    let mut refused = |change: &dyn Fn(&mut WriteSpec)| {
        let mut spec = writing(&model, id, 1, false);
        if let Transform::Write(write) = &mut spec.transform {
            change(write);
        }
        lab.fails(JobSpec::Dataset(DatasetJob::Transform(Box::new(spec)))).summary.key.into_owned()
    };
    assert_eq!(refused(&|write| write.column.clear()), "data.write_no_column");
    assert_eq!(refused(&|write| write.template.clear()), "data.write_no_template");
    lab.close();
}
