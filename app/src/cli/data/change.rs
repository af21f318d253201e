//! Changes to many rows: carried out as one version, or only counted.

use super::super::Cx;
use super::super::data_args::{CleanDataArgs, PrivacyDataArgs, SplitDataArgs};
use super::super::out::{Out, Stop};
use super::super::session::Session;
use super::super::table;
use super::{DatasetJob, DatasetOutput, find, job, splits, word};
use glassworks_engine::Mode;
use glassworks_protocol::datasets::transform::{Transform, TransformReport, TransformSpec};
use std::sync::Arc;

pub fn split(cx: &Cx, args: &SplitDataArgs) -> Result<(), Stop> {
    let (name, report) = done(cx, &args.data, Transform::Split(args.spec()), args.dry_run)?;
    if args.json {
        return Out::new().json(&*report);
    }
    let key = if report.applied { "cli.data_did_split" } else { "cli.data_would_split" };
    let told: [(&str, &dyn std::fmt::Display); 3] =
        [("name", &name), ("n", &table::grouped(report.n_moved)), ("splits", &splits(cx, report.n_by_split))];
    Out::new().text(&format!("{}\n", cx.language.format(key, &told)))
}

pub fn clean(cx: &Cx, args: &CleanDataArgs) -> Result<(), Stop> {
    let (name, report) = done(cx, &args.data, Transform::Clean(args.what.spec()), args.dry_run)?;
    if args.json {
        return Out::new().json(&*report);
    }
    Out::new().text(&changed(cx, &name, &report))
}

pub fn privacy(cx: &Cx, args: &PrivacyDataArgs) -> Result<(), Stop> {
    let (name, report) = done(cx, &args.data, Transform::Privacy(args.spec()), args.dry_run)?;
    if args.json {
        return Out::new().json(&*report);
    }
    let kinds = report.n_by_kind.iter().filter(|(_, n)| *n > 0);
    let kinds: Vec<Vec<String>> =
        kinds.map(|(kind, n)| vec![word(kind).replace('_', "-"), table::grouped(*n)]).collect();
    Out::new().text(&(changed(cx, &name, &report) + &table::aligned(&kinds)))
}

fn changed(cx: &Cx, name: &str, report: &TransformReport) -> String {
    let key = if report.applied { "cli.data_did_change" } else { "cli.data_would_change" };
    let told: [(&str, &dyn std::fmt::Display); 4] = [
        ("name", &name),
        ("changed", &table::grouped(report.n_changed)),
        ("removed", &table::grouped(report.n_removed)),
        ("n", &table::grouped(report.n_looked_at)),
    ];
    format!("{}\n", cx.language.format(key, &told))
}

/// Carries a change out, or counts what it would do; the dataset's name with it.
fn done(
    cx: &Cx,
    data: &str,
    transform: Transform,
    dry_run: bool,
) -> Result<(String, Arc<TransformReport>), Stop> {
    let mode = if dry_run { Mode::Reader } else { Mode::writer("data") };
    let session = Session::open(cx, &cx.home, mode)?;
    let record = find(&session, data)?;
    let spec = TransformSpec { dataset: record.id, transform, rows: None, apply: !dry_run };
    let output = job(cx, &session, DatasetJob::Transform(Box::new(spec)))?;
    session.close();
    match output {
        DatasetOutput::Transformed(report) => Ok((record.name.clone(), report)),
        _ => Err(super::unexpected()),
    }
}
