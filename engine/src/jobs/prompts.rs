//! The prompt library's files: prompts out to JSON and in from it, and what runs wrote out as a table.

use super::chats::{spare, write_aside};
use crate::data::{files, table};
use crate::job_cx::JobCx;
use anyhow::{Context as _, Result};
use glassworks_protocol::ids::{PromptId, PromptRunId};
use glassworks_protocol::prompts::{
    FileRows, MOST_ROWS, PromptJob, PromptOutput, PromptResult, PromptRun, PromptTable, Values, share,
};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, JobOutput};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// More prompts than anybody writes; what is longer is something else.
const MAX_IMPORT_BYTES: u64 = 64 << 20;

pub fn run(cx: &JobCx, job: PromptJob) -> Result<JobOutput> {
    let output = match job {
        PromptJob::Run { spec, rows } => super::prompt_run::run(cx, &spec, rows.as_deref())?,
        PromptJob::Export { prompts, to, replace } => export(cx, &prompts, &to, replace)?,
        PromptJob::Import { path } => import(cx, &path)?,
        PromptJob::ExportResults { prompt, runs, to, replace } => {
            export_results(cx, prompt, &runs, &to, replace)?
        }
    };
    Ok(JobOutput::Prompt(output))
}

fn export(cx: &JobCx, prompts: &[PromptId], to: &Path, replace: bool) -> Result<PromptOutput> {
    spare(to, replace)?;
    let all = cx.wait(cx.shared.store.prompts())?;
    // In the order in which they were asked for.
    let chosen = prompts.iter().filter_map(|id| all.iter().find(|one| one.id == *id));
    let chosen: Vec<_> = chosen.map(|one| &**one).collect();
    let to = std::path::absolute(to)?;
    write_aside(&to, share::write(chosen.iter().copied()).as_bytes())?;
    Ok(PromptOutput::Exported { to, n: chosen.len() as u32 })
}

fn import(cx: &JobCx, path: &Path) -> Result<PromptOutput> {
    let unreadable = |error: &std::io::Error| {
        Failure::new(FailureKind::Io, Text::new("failure.data_unreadable").arg("file", path.display()))
            .hint(Text::new("failure.data_unreadable_hint"))
            .detail(error.to_string())
    };
    let size = std::fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    let not_prompts = || {
        Failure::new(FailureKind::Input, Text::new("failure.prompts_file"))
            .hint(Text::new("failure.prompts_file_hint"))
    };
    if size > MAX_IMPORT_BYTES {
        return Err(not_prompts().into());
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(&error))?;
    let text = String::from_utf8(bytes).map_err(|error| not_prompts().detail(error.to_string()))?;
    let (shared, problems) = share::read(&text)?;
    let records: Vec<_> = shared.into_iter().map(|one| one.record(cx.now_ms())).collect();
    let prompts = records.iter().map(|record| record.id).collect();
    let stored = cx.wait(cx.shared.store.add_prompts(records))?;
    cx.stored(stored);
    Ok(PromptOutput::Imported { prompts, problems })
}

/// The rows of a file, as many as a table of inputs holds.
///
/// # Errors
/// When it cannot be read, or has no columns.
pub fn rows_of(path: &Path) -> Result<FileRows> {
    let mut file = files::open(path)?;
    let (mut hasher, mut found) = (Sha256::new(), FileRows::default());
    while let Some((_, value)) = file.next_value(&mut hasher)? {
        let Ok(Value::Object(fields)) = value else {
            found.n_left_out += 1;
            continue;
        };
        if found.rows.len() == MOST_ROWS {
            found.n_left_out += 1;
            continue;
        }
        for name in fields.keys().filter(|name| !name.is_empty()) {
            if !found.columns.contains(name) {
                found.columns.push(name.clone());
            }
        }
        let field = |(name, _): (&String, &Value)| (name.clone(), crate::predict::text_of(&fields, name));
        found.rows.push(fields.iter().map(field).collect());
    }
    if found.rows.is_empty() {
        let summary = Text::new("failure.no_columns").arg("file", path.display());
        return Err(Failure::new(FailureKind::Input, summary)
            .hint(Text::new("failure.no_columns_hint"))
            .into());
    }
    Ok(found)
}

enum Written {
    Lines,
    Table(char),
}

fn export_results(
    cx: &JobCx,
    prompt: PromptId,
    runs: &[PromptRunId],
    to: &Path,
    replace: bool,
) -> Result<PromptOutput> {
    let ending = to.extension().unwrap_or_default().to_ascii_lowercase();
    let kind = match ending.to_str() {
        Some("jsonl" | "json" | "ndjson") => Written::Lines,
        Some("csv") => Written::Table(','),
        Some("tsv") => Written::Table('\t'),
        _ => {
            let summary = Text::new("failure.prompts_table_kind").arg("path", to.display());
            let failure = Failure::new(FailureKind::Input, summary);
            return Err(failure.hint(Text::new("failure.prompts_table_kind_hint")).into());
        }
    };
    spare(to, replace)?;
    let all = cx.wait(cx.shared.store.prompts())?;
    let named = all.iter().find(|one| one.id == prompt).map(|one| one.now().named()).unwrap_or_default();
    let table = cx.wait(cx.shared.store.prompt_table(prompt))?;
    let columns: Vec<String> = named.into_iter().map(|one| one.name).collect();
    let rows = exported_rows(&table, runs, &columns);
    let text = match kind {
        Written::Lines => rows.iter().map(|row| Value::Object(row.clone()).to_string() + "\n").collect(),
        Written::Table(separator) => as_table(&rows, separator),
    };
    let to: PathBuf = std::path::absolute(to)?;
    write_aside(&to, text.as_bytes()).with_context(|| format!("writing {}", to.display()))?;
    Ok(PromptOutput::Exported { to, n: rows.len() as u32 })
}

/// The inputs, and beside them what each run wrote: `reply`, or `reply v2 SmolLM2` where there are several.
fn exported_rows(table: &PromptTable, runs: &[PromptRunId], columns: &[String]) -> Vec<Map<String, Value>> {
    let chosen: Vec<&PromptRun> =
        runs.iter().filter_map(|id| table.runs.iter().find(|run| run.id == *id)).map(|run| &**run).collect();
    let by_row: HashMap<(PromptRunId, u64), &PromptResult> =
        table.results.iter().map(|one| ((one.run, one.row), &**one)).collect();
    let tail = |at: usize, run: &PromptRun| match chosen.len() {
        1 => String::new(),
        _ => format!(" {} v{} {}", at + 1, run.spec.version, run.model_name),
    };
    let row = |values: &Values, id: u64| {
        let input =
            |name: &String| (name.clone(), Value::from(values.get(name).cloned().unwrap_or_default()));
        let mut fields: Map<String, Value> = columns.iter().map(input).collect();
        for (at, run) in chosen.iter().enumerate() {
            let tail = tail(at, run);
            let result = by_row.get(&(run.id, id)).filter(|one| one.failure.is_none());
            fields.insert(format!("reply{tail}"), result.map(|one| one.text.clone()).into());
            fields.insert(format!("tokens{tail}"), result.map(|one| one.n_new).into());
            let perplexity = result.and_then(|one| one.perplexity);
            fields.insert(format!("perplexity{tail}"), perplexity.map(f64::from).into());
        }
        fields
    };
    table.sheet.rows.iter().map(|one| row(&one.values, one.id)).collect()
}

fn as_table(rows: &[Map<String, Value>], separator: char) -> String {
    let mut text = String::new();
    if let Some(first) = rows.first() {
        let names: Vec<&str> = first.keys().map(String::as_str).collect();
        text.push_str(&(table::written(&names, separator) + "\n"));
    }
    for row in rows {
        let fields: Vec<String> = row.keys().map(|name| crate::predict::text_of(row, name)).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        text.push_str(&(table::written(&fields, separator) + "\n"));
    }
    text
}
