//! Writes the same rows in every format, for Python to open: `exports FOLDER`.

use anyhow::{Context as _, Result};
use glassworks_datasets::Tick;
use glassworks_datasets::export::{Each, Rows, write};
use glassworks_protocol::datasets::export::{ExportFormat, ExportSpec};
use glassworks_protocol::datasets::{ColumnRecord, DatasetRecord, Mapping, Split};
use glassworks_protocol::ids::DatasetId;
use serde_json::{Value, json};
use std::path::PathBuf;

struct Given(Vec<(Option<Split>, Vec<u8>)>);

impl Rows for Given {
    fn for_each(&self, tick: Tick<'_>, each: Each<'_>) -> Result<()> {
        for (at, (split, line)) in self.0.iter().enumerate() {
            each(*split, line)?;
            tick(at as u64 + 1)?;
        }
        Ok(())
    }

    fn columns(&self) -> &[ColumnRecord] {
        &[]
    }
}

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).context("exports FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    let rows = |split: fn(u64) -> Option<Split>, row: fn(u64) -> Value| {
        Given((0..60).map(|n| (split(n), row(n).to_string().into_bytes())).collect())
    };
    for format in ExportFormat::ALL {
        let to = |stem: &str| match format.ending() {
            Some(ending) => folder.join(format!("{stem}.{ending}")),
            None => folder.join(stem),
        };
        put(&rows(|_| None, flat), format, to("flat"))?;
        put(&rows(in_a_split, nested), format, to("nested"))?;
    }
    Ok(())
}

fn in_a_split(n: u64) -> Option<Split> {
    Some(Split::ALL[(n % 3) as usize])
}

fn flat(n: u64) -> Value {
    let text = ["plain", "a, \"b\"\nc", "好；还有", "été 😀"][(n % 4) as usize];
    json!({"text": text, "n": n, "score": n as f64 / 7.0, "ok": n.is_multiple_of(2), "maybe": if n.is_multiple_of(5) { Value::Null } else { json!(n) }})
}

fn nested(n: u64) -> Value {
    let turns = json!([{"role": "user", "content": format!("q{n}")}, {"role": "assistant", "content": "a"}]);
    json!({"id": n, "messages": turns, "tokens": ["EU", "left"], "deep": [[n], []],
        "answers": {"text": ["x"], "answer_start": [n]}})
}

fn put(rows: &Given, format: ExportFormat, to: PathBuf) -> Result<()> {
    let id = DatasetId::mint();
    let record = DatasetRecord {
        id,
        name: "Rows".to_owned(),
        mapping: Mapping::default(),
        columns: Vec::new(),
        n_rows: rows.0.len() as u64,
        n_by_split: [0; 4],
        n_bytes: 0,
        n_bad: 0,
        version: 1,
        revision: 1,
        undo: None,
        redo: None,
        origin: String::new(),
        notes: String::new(),
        licence: "MIT".to_owned(),
        starter: false,
        created_at_ms: 0,
        changed_at_ms: 0,
        trashed_at_ms: None,
    };
    let spec = ExportSpec { dataset: id, rows: None, format, to, replace: true };
    write(rows, &spec, &record, &|_| Ok(()))?;
    Ok(())
}
