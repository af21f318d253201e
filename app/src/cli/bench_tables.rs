//! What a benchmark says: a table for people, a line of JSON a case for scripts.

use super::table::{aligned, file_size, grouped};
use glassworks_protocol::bench::{BenchCase, BenchKind, BenchRecord, BenchResult, Ceilings, LeftOut};
use glassworks_protocol::model::Precision;
use glassworks_protocol::text::Language;
use serde_json::{Value, json};
use std::sync::Arc;

/// A case for scripts. What is not known is null.
#[must_use]
pub fn case_json(record: &BenchRecord, result: &BenchResult) -> Value {
    let BenchCase { kind, batch, context } = result.case;
    let speed = result.tokens_per_sec;
    json!({
        "case": kind,
        "batch": batch,
        "context": context,
        "tokens": result.n_tokens,
        "tokens_per_sec": speed.median,
        "tokens_per_sec_per_sequence": result.per_sequence(),
        "least": speed.least,
        "most": speed.most,
        "runs": speed.n_runs,
        "share_of_ceiling": result.share,
        "peak_rss_bytes": result.peak_bytes,
        "reserved_bytes": record.reserved_bytes,
        "load_secs": record.load_secs,
        "first_token_secs": record.first_token_secs,
        "model": record.model.name,
        "model_hash": record.model.content_hash,
        "precision": precision(record.precision),
        "isa": record.machine.isa,
        "threads": record.machine.n_threads,
        "device": record.machine.device,
        "processor": record.machine.processor,
        "version": record.version,
        "ceilings": record.ceilings.as_ref().map(|ceilings| json!({
            "read_bytes_per_sec": ceilings.read.median,
            "read_one_thread_bytes_per_sec": ceilings.read_one_thread.median,
            "f32_flops": ceilings.f32_flops.median,
            "bf16_flops": ceilings.bf16_flops.map(|bf16| bf16.median),
        })),
    })
}

/// A kept one for scripts, its cases inside.
#[must_use]
pub fn record_json(record: &BenchRecord) -> Value {
    let left_out: Vec<Value> =
        record.left_out.iter().map(|(case, why)| json!({ "case": case, "why": why })).collect();
    json!({
        "id": record.id,
        "at_ms": record.at_ms,
        "model": record.model.name,
        "model_hash": record.model.content_hash,
        "precision": precision(record.precision),
        "version": record.version,
        "machine": record.machine,
        "peak_rss_bytes": record.peak_bytes,
        "results": record.results.iter().map(|result| case_json(record, result)).collect::<Vec<_>>(),
        "left_out": left_out,
    })
}

fn precision(precision: Precision) -> &'static str {
    match precision {
        Precision::Exact => "exact",
        Precision::Fast => "fast",
    }
}

/// One benchmark for people, beside the one before it.
#[must_use]
pub fn report(language: Language, record: &BenchRecord, before: Option<&BenchRecord>) -> String {
    let machine = &record.machine;
    let mut out = format!(
        "{} · {} · {}\n{}, {}\n",
        record.model.name,
        record.model.weight_type,
        precision(record.precision),
        machine.processor,
        language.format("cli.bench_machine", &[("threads", &machine.n_threads), ("isa", &machine.isa)]),
    );
    if let Some(ceilings) = &record.ceilings {
        out.push_str(&ceilings_line(language, ceilings));
        out.push('\n');
    }
    out.push('\n');
    let mut columns = vec!["case", "speed", "each", "spread", "runs", "share", "memory"];
    if before.is_some() {
        columns.push("since");
    }
    let mut rows = vec![heading(language, &columns)];
    for result in &record.results {
        let speed = result.tokens_per_sec;
        let mut row = vec![
            case_name(language, result.case),
            number(speed.median),
            number(result.per_sequence()),
            format!("± {}", percent(speed.spread())),
            speed.n_runs.to_string(),
            result.share.map_or_else(unknown, percent),
            result.peak_bytes.map_or_else(unknown, file_size),
        ];
        if let Some(before) = before {
            row.push(record.change(before, result.case).map_or_else(unknown, signed));
        }
        rows.push(row);
    }
    out.push_str(&aligned(&rows));
    for (case, why) in &record.left_out {
        let key = match why {
            LeftOut::Memory => "cli.bench_no_room",
            LeftOut::Time => "cli.bench_no_time",
        };
        out.push_str(&language.format(key, &[("case", &case_name(language, *case))]));
        out.push('\n');
    }
    out.push_str(&facts(language, record));
    out
}

fn ceilings_line(language: Language, ceilings: &Ceilings) -> String {
    let gb = |per_sec: f64| format!("{:.1}", per_sec / 1e9);
    let gflops = |per_sec: f64| grouped((per_sec / 1e9).round() as u64);
    let one = gb(ceilings.read_one_thread.median);
    let memory = language.format("cli.bench_memory", &[("all", &gb(ceilings.read.median)), ("one", &one)]);
    let f32_flops = format!("f32 {} GFLOP/s", gflops(ceilings.f32_flops.median));
    let bf16 = ceilings.bf16_flops.map(|bf16| format!("bf16 {} GFLOP/s", gflops(bf16.median)));
    [memory, f32_flops].into_iter().chain(bf16).collect::<Vec<_>>().join(" · ")
}

fn facts(language: Language, record: &BenchRecord) -> String {
    let secs = |secs: f64| format!("{secs:.2}");
    let loaded = record.load_secs.map(|s| language.format("cli.bench_loaded", &[("secs", &secs(s))]));
    let first = record.first_token_secs.map(|s| language.format("cli.bench_first", &[("secs", &secs(s))]));
    let size = file_size(record.reserved_bytes);
    let reserved = Some(language.format("cli.bench_reserved", &[("size", &size)]));
    let parts: Vec<String> = [loaded, first, reserved].into_iter().flatten().collect();
    format!("\n{}\n", parts.join(" · "))
}

/// All that were kept, a line each: reading and writing at the shortest context.
#[must_use]
pub fn kept_table(language: Language, kept: &[Arc<BenchRecord>]) -> String {
    let columns =
        ["id", "date", "model", "precision", "processor", "threads", "isa", "reads", "writes", "version"];
    let mut rows = vec![heading(language, &columns)];
    for record in kept {
        let first = |kind| record.results.iter().find(|result| result.case.kind == kind);
        let speed = |kind| first(kind).map_or_else(unknown, |result| number(result.per_sequence()));
        rows.push(vec![
            short_id(record),
            date(record.at_ms),
            record.model.name.clone(),
            precision(record.precision).to_owned(),
            record.machine.processor.clone(),
            record.machine.n_threads.to_string(),
            record.machine.isa.clone(),
            speed(BenchKind::Prefill),
            speed(BenchKind::Decode),
            record.version.clone(),
        ]);
    }
    aligned(&rows)
}

/// Two of them, case by case.
#[must_use]
pub fn compare_table(language: Language, before: &BenchRecord, now: &BenchRecord) -> String {
    let mut first = heading(language, &["case"]);
    first.extend([before, now].map(|record| format!("{} {}", short_id(record), date(record.at_ms))));
    first.extend(heading(language, &["change"]));
    let mut rows = vec![first];
    for result in &now.results {
        let then = before.result(result.case);
        rows.push(vec![
            case_name(language, result.case),
            then.map_or_else(unknown, |then| number(then.tokens_per_sec.median)),
            number(result.tokens_per_sec.median),
            now.change(before, result.case).map_or_else(unknown, signed),
        ]);
    }
    aligned(&rows)
}

/// The end of the id: the beginning of one minted on the same day is the same.
fn short_id(record: &BenchRecord) -> String {
    let id = record.id.to_string();
    id.rsplit('-').next().unwrap_or_default().to_owned()
}

fn heading(language: Language, columns: &[&str]) -> Vec<String> {
    columns.iter().map(|column| language.get(&format!("cli.bench.{column}")).to_owned()).collect()
}

fn case_name(language: Language, case: BenchCase) -> String {
    let context = grouped(case.context.into());
    match (case.kind, case.batch) {
        (BenchKind::Prefill, _) => language.format("job.bench_reading", &[("n", &context)]),
        (BenchKind::Decode, 1) => language.format("job.bench_writing", &[("n", &context)]),
        (BenchKind::Decode, batch) => language.format("job.bench_batch", &[("n", &batch)]),
    }
}

fn date(ms: i64) -> String {
    let zone = jiff::tz::TimeZone::system();
    let time = jiff::Timestamp::from_millisecond(ms).map(|time| time.to_zoned(zone));
    time.map_or_else(|_| unknown(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
}

fn number(speed: f64) -> String {
    if speed < 1000.0 { format!("{speed:.1}") } else { grouped(speed.round() as u64) }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

fn signed(part: f64) -> String {
    format!("{:+.0} %", part * 100.0)
}

fn unknown() -> String {
    "–".to_owned()
}
