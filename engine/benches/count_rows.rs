//! How fast rows of a dataset are counted in a model's tokens, reading, template and labels included, beside what the
//! tokenizers library does with the same finished texts at once, by turns in one run.
//!
//!     cargo bench -p glassworks-engine --bench count_rows -- MODEL [ROWS.jsonl]
//!
//! MODEL is a folder or a GGUF file; without rows, those of the bundled conversations and topics are taken. The library
//! uses as many threads as we do. Ours is to be at least 0.9 of the library's.

use anyhow::{Context as _, Result};
use glassworks_datasets::table::{At, Batch, Table};
use glassworks_engine::data::{Content, Encoder, count};
use glassworks_engine::shelf::ModelFiles;
use glassworks_protocol::datasets::roles::{ColumnKind, ColumnRecord, Mapping};
use glassworks_protocol::datasets::rows::Row;
use glassworks_protocol::train::{ClassificationSpec, TaskSpec};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;
use tokenizers::Tokenizer;

/// Of each, by turns; the median counts.
const N_RUNS: usize = 5;
/// Rows are repeated to at least so many bytes of text.
const LEAST_BYTES: usize = 4 << 20;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let model = arguments.next().context("which model?")?;
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/datasets");
    let files = match arguments.next() {
        Some(file) => vec![file.into()],
        None => vec![assets.join("chat/data.jsonl"), assets.join("topics/data.jsonl")],
    };
    let out = &mut std::io::stdout();
    for file in files {
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let rows: Vec<Row> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let mapping = mapping(&rows);
        let label = mapping.roles.contains_key(&glassworks_protocol::datasets::roles::Role::Label);
        let classes = TaskSpec::Classification(ClassificationSpec::default());
        for task in [TaskSpec::Chat, TaskSpec::Text, classes] {
            let sorts = task.classifies();
            let chats = mapping.task == glassworks_protocol::datasets::roles::DataTask::Chat;
            if sorts != label && sorts || (task == TaskSpec::Chat) && !chats {
                continue;
            }
            measure(Path::new(&model), &file, &rows, &mapping, task, out)?;
        }
    }
    Ok(())
}

fn mapping(rows: &[Row]) -> Mapping {
    let mut kinds: BTreeMap<String, ColumnKind> = BTreeMap::new();
    for (name, value) in rows.iter().flatten() {
        let kind = match value {
            Value::String(_) => ColumnKind::Text,
            Value::Array(items) if items.iter().all(|item| item.get("role").is_some()) => {
                ColumnKind::Messages
            }
            Value::Number(_) => ColumnKind::Number,
            _ => ColumnKind::Other,
        };
        kinds.entry(name.clone()).or_insert(kind);
    }
    let columns: Vec<ColumnRecord> =
        kinds.into_iter().map(|(name, kind)| ColumnRecord { name, kind }).collect();
    Mapping::guess(&columns)
}

fn measure(
    model: &Path,
    file: &Path,
    rows: &[Row],
    mapping: &Mapping,
    task: TaskSpec,
    out: &mut impl std::io::Write,
) -> Result<()> {
    let files = ModelFiles::open(model)?;
    let (codec, template) = (files.tokenizer()?, files.chat_template()?);
    let encoder = Encoder { task, codec: &codec, template: &template, now_ms: 0, rendering: None };
    let text = |row: &Row| match Content::of(row, mapping).ok()? {
        Content::Text { text, .. } => Some(text),
        Content::Turns(turns) => Some(template.answers(&turns, &codec, 0).ok()?.text),
    };
    let texts: Vec<String> = rows.iter().filter_map(text).collect();
    let n_bytes: usize = texts.iter().map(String::len).sum();
    let times = LEAST_BYTES.div_ceil(n_bytes.max(1));
    let folder = tempfile::tempdir()?;
    let table = Table::create(folder.path(), mapping)?;
    let mut batch = Batch::new(&table);
    for row in (0..times).flat_map(|_| rows) {
        batch.add(At::Last, &glassworks_datasets::to_line(row)?, None, None)?;
    }
    let table = batch.commit(1)?;
    let texts: Vec<&str> = (0..times).flat_map(|_| texts.iter().map(String::as_str)).collect();
    let tokenizer = Tokenizer::from_bytes(codec.to_json()?).map_err(|e| anyhow::anyhow!(e))?;
    let mb = (n_bytes * times) as f64 / 1e6;
    let (mut ours, mut theirs, mut n_tokens) = (Vec::new(), Vec::new(), (0, 0));
    for _ in 0..N_RUNS {
        let begun = Instant::now();
        let counts = count::rows(&table, table.order(), &encoder, &|_| Ok(()))?;
        ours.push(mb / begun.elapsed().as_secs_f64());
        n_tokens.0 = counts.iter().map(|(_, count)| u64::from(count.n_tokens)).sum::<u64>();
        let begun = Instant::now();
        let encodings = tokenizer.encode_batch(texts.clone(), false).map_err(|e| anyhow::anyhow!(e))?;
        theirs.push(mb / begun.elapsed().as_secs_f64());
        n_tokens.1 = encodings.iter().map(|encoding| encoding.get_ids().len() as u64).sum();
    }
    let (ours, theirs) = (median(ours), median(theirs));
    writeln!(
        out,
        "{} {task:?}: {} rows, {mb:.1} MB, {} and {} tokens; ours {ours:.2} MB/s, encode_batch {theirs:.2} MB/s, {:.2} of it",
        file.display(),
        table.len(),
        n_tokens.0,
        n_tokens.1,
        ours / theirs
    )?;
    Ok(())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
