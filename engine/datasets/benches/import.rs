//! How fast files become datasets, and in how much memory: a gigabyte of JSON lines and of CSV each, written first.
//! All that an import does is measured: rows out of the file, into segments, what is known of rows under the mapping
//! that is guessed, the state.
//!
//!     cargo bench -p glassworks-datasets --bench import [-- FOLDER] [-- FOLDER MIB] [-- FOLDER MIB NAME]
//!
//! Speeds are of processor time, so that other work on the machine counts little; the peak of memory is the
//! process's, for all files so far.

use anyhow::{Context as _, Result};
use glassworks_datasets::formats::{Read, open, preview};
use glassworks_datasets::table::{At, Batch, Table};
use glassworks_protocol::datasets::Mapping;
use glassworks_protocol::datasets::import::{ImportSource, PreviewSpec, ReadOptions};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|one| !one.starts_with("--"));
    let folder = arguments.next().map_or_else(|| PathBuf::from("target/bench-import"), PathBuf::from);
    let mib: u64 = arguments.next().map_or(Ok(1024), |one| one.parse()).context("MIB is a number")?;
    let only = arguments.next();
    std::fs::create_dir_all(&folder)?;
    let mut out = std::io::stdout();
    for (name, write) in FILES.into_iter().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name)) {
        let path = folder.join(name);
        written(&path, mib << 20, write)?;
        let source = ImportSource::Files(vec![path.clone()]);
        let began = Instant::now();
        let spec = PreviewSpec { source: source.clone(), options: ReadOptions::default() };
        let first = preview(&spec)?;
        let preview_ms = began.elapsed().as_secs_f64() * 1e3;
        let (seconds, read_seconds, n_rows, n_bytes) = imported(&source, &folder.join("rows"))?;
        let speed = |seconds: f64| n_bytes as f64 / 1e6 / seconds;
        writeln!(
            out,
            "{name:16} {:4.0} MB/s a core, read alone {:4.0} MB/s, {n_rows} rows, preview of {} rows {preview_ms:.0} ms, peak {} MiB",
            speed(seconds),
            speed(read_seconds),
            first.rows.len(),
            peak_bytes()? >> 20,
        )?;
        std::fs::remove_file(&path)?;
    }
    Ok(())
}

type WriteRow = fn(u64, &mut dyn Write) -> std::io::Result<()>;

/// What is written, so that no two rows are the same.
const FILES: [(&str, WriteRow); 6] = [
    ("chat.jsonl", |n, out| {
        let (question, answer) = (text(n, 30), text(n / 3 + 7, 120));
        writeln!(
            out,
            r#"{{"id":{n},"messages":[{{"role":"user","content":"{question}"}},{{"role":"assistant","content":"{answer}"}}]}}"#
        )
    }),
    ("python.jsonl", |n, out| {
        let (question, answer) = (text(n, 30), text(n / 3 + 7, 120));
        writeln!(out, r#"{{"id": {n}, "instruction": "{question}", "output": "{answer}\n\u00e9t\u00e9"}}"#)
    }),
    ("sharegpt.jsonl", |n, out| {
        let (question, answer) = (text(n, 30), text(n / 3 + 7, 120));
        writeln!(
            out,
            r#"{{"id": {n}, "conversations": [{{"from": "human", "value": "{question}"}}, {{"from": "gpt", "value": "{answer}"}}]}}"#
        )
    }),
    ("labels.jsonl", |n, out| {
        writeln!(out, r#"{{"text":"{}","label":{},"score":0.{n}}}"#, text(n, 12), n % 5)
    }),
    ("texts.csv", |n, out| {
        writeln!(out, "{n},\"{}, {n}\",{},0.{n}", text(n, 40), ["good", "bad"][n as usize % 2])
    }),
    ("chinese.csv", |n, out| {
        writeln!(out, "{n},{},{}", "今天天气很好我们去公园散步吧".repeat(1 + n as usize % 9), n % 7)
    }),
];

const WORDS: [&str; 16] = [
    "the",
    "a",
    "model",
    "learns",
    "what",
    "it",
    "is",
    "shown",
    "and",
    "nothing",
    "else",
    "gradient",
    "of",
    "loss",
    "token",
    "evaluation",
];

fn text(seed: u64, n_words: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let word = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        WORDS[(state >> 60) as usize]
    };
    (0..n_words).map(word).collect::<Vec<_>>().join(" ")
}

fn written(path: &Path, n_bytes: u64, write: WriteRow) -> Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    if path.extension().is_some_and(|ending| ending == "csv") {
        let names = if path.ends_with("texts.csv") { "id,text,label,score" } else { "id,text,label" };
        writeln!(file, "{names}")?;
    }
    let (mut n, mut row, mut done) = (0, Vec::new(), 0);
    while done < n_bytes {
        row.clear();
        write(n, &mut row)?;
        file.write_all(&row)?;
        done += row.len() as u64;
        n += 1;
    }
    Ok(file.flush()?)
}

/// Processor seconds of an import, of reading the file alone, rows, bytes read.
fn imported(source: &ImportSource, folder: &Path) -> Result<(f64, f64, u64, u64)> {
    let began = processor_seconds()?;
    let (mut reader, mut line) = (open(source, &ReadOptions::default())?, Vec::new());
    while reader.next(&mut line)?.is_some() {}
    let read_seconds = processor_seconds()? - began;

    let began = processor_seconds()?;
    let mut reader = open(source, &ReadOptions::default())?;
    let begins = PreviewSpec { source: source.clone(), options: ReadOptions::default() };
    let mut batch = Batch::new(&Table::create(folder, &preview(&begins)?.mapping)?);
    while let Some(read) = reader.next(&mut line)? {
        match read {
            Read::Row { split } => batch.add(At::Last, &line, split, None)?,
            Read::Bad(bad) => anyhow::bail!("a bad row: {bad:?}"),
        };
    }
    let table = batch.commit(1)?.with_mapping(&Mapping::guess(&reader.columns()), &|_| Ok(()))?;
    let seconds = processor_seconds()? - began;
    std::fs::remove_dir_all(folder)?;
    Ok((seconds, read_seconds, table.len() as u64, reader.read_bytes()))
}

/// Of this process, in user and kernel (Linux).
fn processor_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit_once(')').context("/proc/self/stat")?.1;
    let ticks: f64 =
        after.split_whitespace().skip(11).take(2).filter_map(|one| one.parse::<f64>().ok()).sum();
    Ok(ticks / 100.0)
}

fn peak_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("VmHWM")?;
    let kib: u64 = line.split_whitespace().nth(1).context("VmHWM")?.parse()?;
    Ok(kib << 10)
}
