//! `glassworks data`: datasets that are kept, and files before they are.

mod change;
mod import;
mod look;

use super::Cx;
use super::args::ListArgs;
use super::data_args::{DataArgs, DataCommand, ExportDataArgs};
use super::meter::Meter;
use super::out::{Out, Stop};
use super::session::Session;
use super::table;
use glassworks_engine::Mode;
use glassworks_protocol::datasets::export::ExportSpec;
use glassworks_protocol::datasets::{DatasetJob, DatasetOutput, DatasetPage, DatasetQuery, DatasetRecord};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, JobOutput, JobSpec, Page, Query};
use std::sync::Arc;

pub fn run(cx: &Cx, args: &DataArgs) -> Result<(), Stop> {
    match &args.what {
        DataCommand::List(args) => list(cx, args),
        DataCommand::Import(args) => import::run(cx, args),
        DataCommand::Check(args) => look::check(cx, args),
        DataCommand::Show(args) => look::show(cx, args),
        DataCommand::Split(args) => change::split(cx, args),
        DataCommand::Clean(args) => change::clean(cx, args),
        DataCommand::Privacy(args) => change::privacy(cx, args),
        DataCommand::Export(args) => export(cx, args),
    }
}

fn list(cx: &Cx, args: &ListArgs) -> Result<(), Stop> {
    let session = Session::open(cx, &cx.home, Mode::Reader)?;
    let datasets = all(&session)?;
    let mut out = Out::new();
    if args.json {
        return out.json(&datasets.iter().map(|dataset| &**dataset).collect::<Vec<_>>());
    }
    if datasets.is_empty() {
        return out.text(&format!("{}\n", cx.say("cli.data_none")));
    }
    let heading = ["name", "task", "rows", "splits", "version", "licence"];
    let heading = heading.map(|column| column_name(cx, column)).to_vec();
    let rows = datasets.iter().map(|dataset| {
        vec![
            dataset.name.clone(),
            word(&dataset.mapping.task),
            table::grouped(dataset.n_rows),
            splits(cx, dataset.n_by_split),
            dataset.version.to_string(),
            dataset.licence.clone(),
        ]
    });
    out.text(&table::aligned(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()))
}

fn export(cx: &Cx, args: &ExportDataArgs) -> Result<(), Stop> {
    let session = Session::open(cx, &cx.home, Mode::Reader)?;
    let dataset = find(&session, &args.data)?;
    let spec = ExportSpec {
        dataset: dataset.id,
        rows: None,
        format: args.format(),
        to: args.out.clone(),
        replace: args.replace,
    };
    let DatasetOutput::Exported(report) = job(cx, &session, DatasetJob::Export(spec))? else { return Ok(()) };
    if args.json {
        return Out::new().json(&*report);
    }
    let (n, size) = (table::grouped(report.n_rows), table::file_size(report.n_bytes));
    let told: [(&str, &dyn std::fmt::Display); 3] =
        [("n", &n), ("size", &size), ("path", &report.to.display())];
    Out::new().text(&format!("{}\n", cx.language.format("cli.data_exported", &told)))
}

/// Those that are not in the trash.
fn all(session: &Session) -> Result<Vec<Arc<DatasetRecord>>, Stop> {
    match fetch(session, DatasetQuery::All)? {
        DatasetPage::All(all) => Ok(all.into_iter().filter(|one| one.trashed_at_ms.is_none()).collect()),
        _ => Ok(Vec::new()),
    }
}

/// The dataset of this id or name, also without regard to case.
fn find(session: &Session, asked: &str) -> Result<Arc<DatasetRecord>, Stop> {
    let all = all(session)?;
    if let Some(found) = named(&all, asked) {
        return Ok(Arc::clone(found));
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let hint = match names.as_slice() {
        [] => Text::new("cli.no_such_dataset_hint"),
        names => Text::new("cli.no_such_dataset_known").arg("names", names.join(", ")),
    };
    let summary = Text::new("cli.no_such_dataset").arg("name", asked);
    Err(Failure::new(FailureKind::Missing, summary).hint(hint).into())
}

fn named<'a>(all: &'a [Arc<DatasetRecord>], asked: &str) -> Option<&'a Arc<DatasetRecord>> {
    let by = |test: &dyn Fn(&DatasetRecord) -> bool| all.iter().find(|one| test(one));
    by(&|one| one.id.to_string() == asked)
        .or_else(|| by(&|one| one.name == asked))
        .or_else(|| by(&|one| one.name.to_lowercase() == asked.to_lowercase()))
}

fn fetch(session: &Session, query: DatasetQuery) -> Result<DatasetPage, Stop> {
    match session.fetch(Query::Dataset(query))? {
        Page::Dataset(page) => Ok(page),
        _ => Err(unexpected()),
    }
}

fn job(cx: &Cx, session: &Session, job: DatasetJob) -> Result<DatasetOutput, Stop> {
    match session.run_quietly(JobSpec::Dataset(job), &Meter::new(cx))? {
        JobOutput::Dataset(output) => Ok(output),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> Stop {
    Failure::new(FailureKind::Bug, Text::new("cli.engine_ended")).into()
}

/// `train 4,012, test 200`
fn splits(cx: &Cx, n_by_split: [u64; 4]) -> String {
    let words = ["train", "validation", "test"]
        .map(str::to_owned)
        .into_iter()
        .chain([cx.say("cli.data_no_split").to_owned()]);
    let said = words.zip(n_by_split).filter(|(_, n)| *n > 0);
    said.map(|(word, n)| format!("{word} {}", table::grouped(n))).collect::<Vec<_>>().join(", ")
}

fn column_name(cx: &Cx, column: &str) -> String {
    cx.language.get(&format!("cli.data_column.{column}")).to_owned()
}

/// A variant as files and arguments spell it.
fn word(value: &impl serde::Serialize) -> String {
    let word = serde_json::to_value(value).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}
