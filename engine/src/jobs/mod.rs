//! Jobs: one file a kind. Each is a plain function from its spec to its output, on a thread of its own.

mod bench;
mod chats;
pub mod datasets;
mod delete_runs;
mod generate;
mod heard;
mod inside;
mod inspect;
mod keep;
mod merge;
mod models;
mod predict;
mod predict_kept;
pub mod predict_pages;
mod prompt_run;
pub mod prompts;
mod rehearse;
mod samples;
mod score;
mod scratch;
mod tokenize;
mod train;
mod train_hooks;
mod tuned;
mod unplugged;

use crate::generate::schema;
use crate::job_cx::JobCx;
use anyhow::Result;
use glassworks_protocol::{JobOutput, JobSpec};

/// The thread's name, for debuggers and logs.
#[must_use]
pub fn name(spec: &JobSpec) -> &'static str {
    match spec {
        JobSpec::Generate(_) => "generate",
        JobSpec::Score(_) => "score",
        JobSpec::LoadModel(_) => "load-model",
        JobSpec::ImportModel { .. } => "import-model",
        JobSpec::DescribeModel { .. } => "describe-model",
        JobSpec::PreviewPrompt { .. } => "preview",
        JobSpec::Tokenize(_) => "tokenize",
        JobSpec::CheckSchema(_) => "check-schema",
        JobSpec::Inspect(_) => "inspect",
        JobSpec::Inside(_) => "inside",
        JobSpec::Bench(_) => "bench",
        JobSpec::CheckData(_) => "check-data",
        JobSpec::MeasureTraining(_) => "measure-training",
        JobSpec::Train(_) => "train",
        JobSpec::Merge(_) => "merge",
        JobSpec::DeleteRuns(_) => "delete-runs",
        JobSpec::Predict(_) => "predict",
        JobSpec::KeepRows(_) => "keep-rows",
        JobSpec::Prompt(_) => "prompts",
        JobSpec::Dataset(_) => "dataset",
        JobSpec::ExportChats(_) => "export-chats",
        JobSpec::ImportChats { .. } => "import-chats",
        JobSpec::Backup { .. } => "backup",
        JobSpec::Restore { .. } => "restore",
    }
}

/// Carries a job out.
///
/// # Errors
/// [`crate::failure::Cancelled`] when a person stopped it, anything else as it happened.
pub fn run(cx: &JobCx, spec: JobSpec) -> Result<JobOutput> {
    match spec {
        JobSpec::Generate(spec) => generate::run(cx, *spec),
        JobSpec::Score(spec) => score::run(cx, &spec),
        JobSpec::PreviewPrompt { model, prompt } => generate::preview(cx, &model, &prompt),
        JobSpec::LoadModel(source) => models::load(cx, &source),
        JobSpec::ImportModel { path } => models::import(cx, &path),
        JobSpec::DescribeModel { path } => models::describe(&path),
        JobSpec::Tokenize(spec) => tokenize::run(cx, &spec),
        JobSpec::CheckSchema(schema) => Ok(JobOutput::SchemaChecked { warnings: schema::check(&schema)? }),
        JobSpec::Inspect(spec) => inspect::run(cx, &spec),
        JobSpec::Inside(job) => inside::run(cx, job).map(JobOutput::Inside),
        JobSpec::Bench(spec) => bench::run(cx, spec),
        JobSpec::CheckData(spec) => rehearse::check_data(cx, &spec),
        JobSpec::MeasureTraining(spec) => rehearse::measure(cx, *spec),
        JobSpec::Train(job) => train::run(cx, job),
        JobSpec::Merge(spec) => merge::run(cx, &spec),
        JobSpec::DeleteRuns(runs) => delete_runs::run(cx, &runs),
        JobSpec::Predict(spec) => predict::run(cx, &spec),
        JobSpec::KeepRows(spec) => predict_kept::keep_rows(cx, &spec),
        JobSpec::Prompt(job) => prompts::run(cx, job),
        JobSpec::Dataset(job) => datasets::run(cx, job).map(JobOutput::Dataset),
        JobSpec::ExportChats(spec) => chats::export(cx, &spec),
        JobSpec::ImportChats { path } => chats::import(cx, &path),
        JobSpec::Backup { to, replace } => chats::backup(cx, &to, replace),
        JobSpec::Restore { from } => chats::restore(cx, &from),
    }
}
