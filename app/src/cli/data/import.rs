//! Files become a dataset, or rows of one; a file that is only looked at becomes one in a home that goes away.

use super::super::Cx;
use super::super::data_args::{ImportDataArgs, ReadingArgs};
use super::super::out::{self, Out, Stop};
use super::super::session::Session;
use super::super::table;
use super::{DatasetJob, DatasetOutput, DatasetRecord, find, job};
use glassworks_engine::Mode;
use glassworks_protocol::datasets::import::{ImportReport, ImportSource, ImportSpec, PreviewSpec};
use glassworks_protocol::datasets::roles::Mapping;
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub fn run(cx: &Cx, args: &ImportDataArgs) -> Result<(), Stop> {
    let session = Session::open(cx, &cx.home, Mode::writer("data import"))?;
    let into = args.into.as_deref().map(|name| find(&session, name)).transpose()?;
    let spec = spec(cx, &session, &args.paths, &args.reading, into.as_deref())?;
    let spec = ImportSpec {
        name: args.name.clone().unwrap_or(spec.name),
        split: args.split.map(Into::into),
        ..spec
    };
    let report = bring_in(cx, &session, spec)?;
    let record = find(&session, &report.dataset.to_string())?;
    session.close();
    if args.json {
        return Out::new().json(&serde_json::json!({ "dataset": *record, "report": *report }));
    }
    let told: [(&str, &dyn std::fmt::Display); 3] =
        [("name", &record.name), ("n", &table::grouped(report.n_rows)), ("id", &record.id)];
    Out::new().text(&format!("{}\n", cx.language.format("cli.data_imported", &told)))?;
    if report.n_bad > 0 {
        let n = table::grouped(report.n_bad);
        out::note(&cx.language.format("cli.data_bad", &[("n", &n), ("name", &record.name)]));
    }
    let missing: Vec<String> = record.mapping.missing().iter().map(super::word).collect();
    if !missing.is_empty() {
        out::note(&cx.language.format("cli.data_unmapped", &[("roles", &missing.join(", "))]));
    }
    Ok(())
}

/// What is to be imported, its columns mapped as they are guessed or said to be.
fn spec(
    cx: &Cx,
    session: &Session,
    paths: &[PathBuf],
    reading: &ReadingArgs,
    into: Option<&DatasetRecord>,
) -> Result<ImportSpec, Stop> {
    let paths: Vec<PathBuf> = paths
        .iter()
        .map(|path| std::path::absolute(path).map_err(|error| unreadable(path, &error)))
        .collect::<Result<_, _>>()?;
    let name = paths.first().and_then(|path| path.file_stem()).unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let source = ImportSource::Files(paths);
    let options = reading.options();
    Ok(ImportSpec {
        dataset: into.map_or_else(DatasetId::mint, |dataset| dataset.id),
        append: into.is_some(),
        mapping: mapping(cx, session, &source, reading)?.filter(|_| into.is_none()),
        name,
        source,
        options,
        split: None,
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Io, Text::new("failure.data_unreadable").arg("file", path.display()))
        .hint(Text::new("failure.data_unreadable_hint"))
        .detail(error.to_string())
}

/// `None` where nothing is said of it: the import guesses.
fn mapping(
    cx: &Cx,
    session: &Session,
    source: &ImportSource,
    reading: &ReadingArgs,
) -> Result<Option<Mapping>, Stop> {
    if reading.task.is_none() && reading.maps.is_empty() {
        return Ok(None);
    }
    let spec = PreviewSpec { source: source.clone(), options: reading.options() };
    let DatasetOutput::Preview(preview) = job(cx, session, DatasetJob::Preview(spec))? else {
        return Ok(None);
    };
    let mut mapping = match reading.task {
        Some(task) => Mapping::guess_for(task.into(), &preview.columns),
        None => preview.mapping.clone(),
    };
    for (role, column) in &reading.maps {
        if !preview.columns.iter().any(|known| known.name == *column) {
            let known: Vec<&str> = preview.columns.iter().map(|known| known.name.as_str()).collect();
            let summary = Text::new("failure.no_column").arg("column", column).arg("there", known.join(", "));
            return Err(Failure::new(FailureKind::Input, summary)
                .hint(Text::new("cli.data_map_hint"))
                .into());
        }
        mapping.roles.retain(|_, taken| taken != column);
        mapping.roles.insert(*role, column.clone());
    }
    Ok(Some(mapping))
}

fn bring_in(cx: &Cx, session: &Session, spec: ImportSpec) -> Result<Arc<ImportReport>, Stop> {
    match job(cx, session, DatasetJob::Import(Box::new(spec)))? {
        DatasetOutput::Imported(report) => Ok(report),
        _ => Err(super::unexpected()),
    }
}

/// A dataset to look at: one that is kept, or a file's in a home of its own, which goes away with this.
pub struct Looked {
    pub session: Session,
    pub record: Arc<DatasetRecord>,
    /// After the session, which writes into it.
    _home: Option<tempfile::TempDir>,
}

impl Looked {
    /// # Errors
    /// When nothing of this name is there, or it cannot be read.
    pub fn at(cx: &Cx, asked: &str, reading: &ReadingArgs) -> Result<Self, Stop> {
        let path = Path::new(asked);
        if !path.exists() {
            let session = Session::open(cx, &cx.home, Mode::Reader)?;
            let record = find(&session, asked)?;
            return Ok(Self { session, record, _home: None });
        }
        let home = tempfile::Builder::new().prefix("glassworks-").tempdir().map_err(|error| {
            Failure::new(FailureKind::Io, Text::new("cli.data_no_room"))
                .hint(Text::new("cli.data_no_room_hint"))
                .detail(error.to_string())
        })?;
        let session = Session::bare(cx, home.path())?;
        let spec = spec(cx, &session, &[path.to_owned()], reading, None)?;
        let report = bring_in(cx, &session, spec)?;
        let record = find(&session, &report.dataset.to_string())?;
        Ok(Self { session, record, _home: Some(home) })
    }
}
