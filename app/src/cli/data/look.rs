//! What a dataset or a file holds, and what is odd about it.

use super::super::Cx;
use super::super::data_args::{CheckDataArgs, ShowDataArgs};
use super::super::out::{Out, Stop};
use super::super::table;
use super::import::Looked;
use super::{DatasetJob, DatasetOutput, DatasetPage, DatasetQuery, column_name, fetch, job, splits, word};
use glassworks_protocol::datasets::import::BadRow;
use glassworks_protocol::datasets::overview::{OverviewReport, OverviewSpec};
use glassworks_protocol::datasets::rows::RowId;
use glassworks_protocol::datasets::view::{Filter, ViewSpec};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::{Value, json};

/// Rows that are shown when nobody says how many.
const ROWS: u32 = 10;
/// Columns on screen that a cell takes at most.
const CELL: usize = 48;
/// Bad rows that are told one by one.
const BAD: u32 = 20;
/// As the window looks.
const NEAR: f64 = 0.85;
/// Labels and languages that are told.
const FEW: usize = 8;

pub fn show(cx: &Cx, args: &ShowDataArgs) -> Result<(), Stop> {
    let looked = Looked::at(cx, &args.data, &args.reading)?;
    let (session, record) = (&looked.session, &looked.record);
    let contains = args.contains.iter().map(|text| Filter::Contains {
        text: text.clone(),
        column: None,
        case_sensitive: false,
    });
    let filters = contains.chain(args.problems.then_some(Filter::HasProblem)).collect();
    let view = ViewSpec { dataset: record.id, filters, sort: None, measure: None };
    let DatasetOutput::Found(found) = job(cx, session, DatasetJob::Find(view))? else { return Ok(()) };
    let (from, n) = (args.from.unwrap_or(1).max(1) - 1, args.rows.unwrap_or(ROWS));
    let rows = found.rows.iter().skip(usize::try_from(from).unwrap_or(usize::MAX));
    let rows: Vec<RowId> = rows.take(n as usize).copied().collect();
    if args.json {
        let mut documents = Vec::new();
        for row in rows {
            if let DatasetPage::Row(Some(row)) =
                fetch(session, DatasetQuery::Row { dataset: record.id, row })?
            {
                documents.push(json!({ "id": row.id, "position": row.position, "split": row.split, "value": row.value, "issues": said(cx, row.issues.iter().map(|issue| &issue.text)) }));
            }
        }
        return Out::new()
            .json(&json!({ "dataset": **record, "n_found": found.rows.len(), "rows": documents }));
    }
    let mut out = Out::new();
    out.text(&about(cx, &looked))?;
    let DatasetPage::Rows { rows, .. } = fetch(session, DatasetQuery::Rows { dataset: record.id, rows })?
    else {
        return Ok(());
    };
    let names = record.columns.iter().map(|column| cut(&column.name));
    let mut lines: Vec<Vec<String>> = vec![["#".to_owned()].into_iter().chain(names).collect()];
    lines.extend(rows.iter().map(|row| {
        let number = table::grouped(u64::from(row.id.0) + 1);
        [number].into_iter().chain(row.cells.iter().map(|cell| cut(cell))).collect()
    }));
    out.text(&format!("\n{}", table::aligned(&lines)))?;
    let rest = (found.rows.len() as u64).saturating_sub(from + rows.len() as u64);
    if rest > 0 {
        out.text(&format!("{}\n", cx.language.format("cli.data_more", &[("n", &table::grouped(rest))])))?;
    }
    Ok(())
}

fn said<'a>(cx: &Cx, texts: impl Iterator<Item = &'a Text>) -> Vec<String> {
    texts.map(|text| cx.language.render(text)).collect()
}

/// A cell that leaves room for others.
fn cut(cell: &str) -> String {
    let mut chars = cell.chars();
    let start: String = chars.by_ref().take(CELL).collect();
    if chars.next().is_some() { start + "…" } else { start }
}

/// Name, task, rows, columns with what they are.
fn about(cx: &Cx, looked: &Looked) -> String {
    let record = &looked.record;
    let mut rows = Vec::new();
    let mut row = |key: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![column_name(cx, key), value]);
        }
    };
    row("name", record.name.clone());
    row("task", word(&record.mapping.task));
    row("rows", table::grouped(record.n_rows));
    row("splits", splits(cx, record.n_by_split));
    row("bad", if record.n_bad > 0 { table::grouped(record.n_bad) } else { String::new() });
    let columns = record.columns.iter().map(|column| {
        let role = record.mapping.roles.iter().find(|(_, name)| **name == column.name);
        role.map_or_else(|| column.name.clone(), |(role, _)| format!("{} ({})", column.name, word(role)))
    });
    row("columns", columns.collect::<Vec<_>>().join(", "));
    row("licence", record.licence.clone());
    row("origin", record.origin.clone());
    table::aligned(&rows)
}

pub fn check(cx: &Cx, args: &CheckDataArgs) -> Result<(), Stop> {
    let looked = Looked::at(cx, &args.data, &args.reading)?;
    let (session, record) = (&looked.session, &looked.record);
    let spec = OverviewSpec { dataset: record.id, near: args.near.unwrap_or(NEAR) };
    let DatasetOutput::Overview(report) = job(cx, session, DatasetJob::Overview(spec))? else {
        return Ok(());
    };
    let bad = match fetch(session, DatasetQuery::Bad { dataset: record.id, from: 0, n: BAD })? {
        DatasetPage::Bad { rows, .. } => rows,
        _ => Vec::new(),
    };
    let mut out = Out::new();
    if args.json {
        let bad: Vec<Value> = bad.iter().map(|row| bad_json(cx, row)).collect();
        out.json(&json!({ "dataset": **record, "overview": *report, "n_bad": record.n_bad, "bad": bad }))?;
    } else {
        out.text(&about(cx, &looked))?;
        out.text(&told(cx, record.n_bad, &bad, &report))?;
    }
    let severe = report.findings.iter().filter(|finding| finding.kind.is_severe());
    let n_severe: u64 = severe.map(|finding| finding.rows.len() as u64).sum();
    if args.strict && n_severe + record.n_bad > 0 {
        let n = table::grouped(n_severe + record.n_bad);
        let summary = Text::new("cli.data_not_clean").arg("name", &record.name).arg("n", n);
        // Nothing is wrong with what was typed: exit code 1.
        return Err(Failure::new(FailureKind::Io, summary).into());
    }
    Ok(())
}

fn bad_json(cx: &Cx, row: &BadRow) -> Value {
    json!({ "file": row.file, "row": row.row, "reason": cx.language.render(&row.reason), "text": row.text })
}

fn told(cx: &Cx, n_bad: u64, bad: &[BadRow], report: &OverviewReport) -> String {
    let mut rows = Vec::new();
    let mut row = |key: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![column_name(cx, key), value]);
        }
    };
    let few = |parts: Vec<String>| {
        let more = if parts.len() > FEW { "…" } else { "" };
        format!("{}{more}", parts.into_iter().take(FEW).collect::<Vec<_>>().join(", "))
    };
    let lengths = [("p50", report.p50), ("p95", report.p95), ("p99", report.p99), ("max", report.longest)];
    let lengths = lengths.map(|(word, n)| format!("{word} {}", table::grouped(n.into())));
    row("characters", lengths.join(", "));
    let labels = report.labels.iter().map(|share| {
        let name = share.label.as_deref().unwrap_or(cx.say("cli.data_no_label"));
        format!("{name} {}", table::grouped(share.n_by_split.iter().sum()))
    });
    row("labels", few(labels.collect()));
    let languages = report.languages.iter().filter(|share| !share.code.is_empty());
    row(
        "languages",
        few(languages.map(|share| format!("{} {}", share.name, table::grouped(share.n_rows))).collect()),
    );
    let mut text = table::aligned(&rows);
    if n_bad > 0 {
        text +=
            &format!("\n{}\n", cx.language.format("cli.data_bad_heading", &[("n", &table::grouped(n_bad))]));
        for row in bad {
            text += &format!("  {}:{}: {}\n", row.file, row.row, cx.language.render(&row.reason));
        }
    }
    let heading = ["finding", "rows", "first"].map(|column| column_name(cx, column)).to_vec();
    let mut lines = vec![heading];
    lines.extend(report.findings.iter().map(|finding| {
        let name = cx.language.get(&format!("cli.finding.{}", word(&finding.kind))).to_owned();
        let name = if finding.kind.is_severe() { format!("! {name}") } else { format!("  {name}") };
        let first = finding.rows.iter().take(5).map(|row| format!("#{}", u64::from(row.0) + 1));
        let first: Vec<String> = first.collect();
        vec![name, table::grouped(finding.rows.len() as u64), first.join(" ")]
    }));
    if report.findings.is_empty() {
        text += &format!("\n{}\n", cx.say("cli.data_nothing_odd"));
    } else {
        text += &format!("\n{}", table::aligned(&lines));
    }
    text
}
