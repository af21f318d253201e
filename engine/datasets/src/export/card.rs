//! The card of a dataset: what `datasets` and the hub read in its header, and what a person reads below it
//! (<https://github.com/huggingface/hub-docs/blob/main/datasetcard.md>). In English, as the hub's cards are.

use super::form::{self, Form, Member};
use glassworks_protocol::datasets::{DataTask, DatasetRecord};
use std::fmt::Write as _;

/// A file with rows.
#[derive(Debug)]
pub(super) struct Part {
    pub split: &'static str,
    pub path: String,
    pub n_rows: u64,
    pub n_bytes: u64,
}

pub(super) fn text(record: &DatasetRecord, columns: &[Member], parts: &[Part], n_rows: u64) -> String {
    let mut out = String::from("---\n");
    let mut put = |text: std::fmt::Arguments| out.write_fmt(text).unwrap_or_default();
    put(format_args!("license: {}\n", licence(&record.licence)));
    put(format_args!("pretty_name: {}\n", quoted(&record.name)));
    put(format_args!("size_categories:\n- {}\n", size(n_rows)));
    if let Some(task) = task(record.mapping.task) {
        put(format_args!("task_categories:\n- {task}\n"));
    }
    put(format_args!("configs:\n- config_name: default\n  data_files:\n"));
    for part in parts {
        put(format_args!("  - split: {}\n    path: {}\n", part.split, part.path));
    }
    put(format_args!("dataset_info:\n  features:\n"));
    form::describe(columns, 1, &mut out);
    let mut put = |text: std::fmt::Arguments| out.write_fmt(text).unwrap_or_default();
    put(format_args!("  splits:\n"));
    for part in parts {
        let Part { split, n_rows, n_bytes, .. } = part;
        put(format_args!("  - name: {split}\n    num_bytes: {n_bytes}\n    num_examples: {n_rows}\n"));
    }
    put(format_args!("---\n\n# {}\n\n", record.name.replace(['\n', '\r'], " ")));
    if !record.notes.trim().is_empty() {
        put(format_args!("{}\n\n", record.notes.trim()));
    }
    put(format_args!("| split | rows |\n|---|---|\n"));
    for part in parts {
        put(format_args!("| {} | {} |\n", part.split, part.n_rows));
    }
    put(format_args!("\n| column | holds |\n|---|---|\n"));
    for column in columns {
        let name = column.name.replace('|', "\\|").replace(['\n', '\r'], " ");
        put(format_args!("| {name} | {} |\n", holds(&column.form)));
    }
    out
}

fn holds(form: &Form) -> String {
    match form {
        Form::Bool => "true or false".to_owned(),
        Form::Int | Form::Unsigned => "whole numbers".to_owned(),
        Form::Float { .. } => "numbers".to_owned(),
        Form::Text => "text".to_owned(),
        Form::Json => "JSON".to_owned(),
        Form::List(element) => format!("lists of {}", holds(element)),
        Form::Object(members) => {
            let names: Vec<String> = members.iter().map(|one| one.name.replace('|', "\\|")).collect();
            format!("objects: {}", names.join(", "))
        }
    }
}

/// As YAML reads it: JSON's strings are such.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// The hub's name of a licence: SPDX's in small letters, or `other`.
fn licence(spdx: &str) -> String {
    let name = spdx.trim().to_lowercase();
    let plain =
        !name.is_empty() && name.bytes().all(|one| one.is_ascii_alphanumeric() || matches!(one, b'-' | b'.'));
    match name.as_str() {
        "" => "unknown".to_owned(),
        _ if plain && !name.starts_with("licenseref") => name,
        _ => "other".to_owned(),
    }
}

fn size(n_rows: u64) -> &'static str {
    match n_rows {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        1_000_000..10_000_000 => "1M<n<10M",
        10_000_000..100_000_000 => "10M<n<100M",
        _ => "100M<n<1B",
    }
}

fn task(task: DataTask) -> Option<&'static str> {
    match task {
        DataTask::Chat | DataTask::Text | DataTask::Preference => Some("text-generation"),
        DataTask::Classification => Some("text-classification"),
        DataTask::Tagging => Some("token-classification"),
        DataTask::QuestionAnswering => Some("question-answering"),
        // Translation or summarising: the rows do not say.
        DataTask::Pairs => None,
    }
}
