//! What is odd about rows: repeats, contradictions, leaks, languages, lengths, balance.
//!
//! Rows are read once, in their order; then texts are compared. What the checks of single rows say is known already.

mod balance;
mod kept;
mod language;
mod lengths;
pub mod minhash;
pub mod near;
mod repeats;
pub mod said;

pub use kept::Kept;
pub use language::Language;

use crate::Tick;
use crate::steps::Pace;
use crate::table::Table;
use anyhow::Result;
use balance::Labels;
use glassworks_protocol::datasets::overview::{
    Finding, FindingKind, LanguageShare, OverviewReport, OverviewSpec,
};
use glassworks_protocol::datasets::{RowFlags, RowId};
use lengths::Lengths;
use repeats::Repeats;
use said::Said;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// What flags of rows are findings.
const FLAGS: [(RowFlags, FindingKind); 7] = [
    (RowFlags::EMPTY, FindingKind::Empty),
    (RowFlags::BROKEN, FindingKind::Broken),
    (RowFlags::NO_TARGET, FindingKind::NoTarget),
    (RowFlags::BAD_TAGS, FindingKind::BadTags),
    (RowFlags::NOT_LITERAL, FindingKind::NotLiteral),
    (RowFlags::BAD_TURNS, FindingKind::BadTurns),
    (RowFlags::CONTROL, FindingKind::ControlCharacters),
];

/// All of an overview. `tick` is told rows looked at: each once when it is read and once when it is compared.
///
/// # Errors
/// When rows cannot be read, or `tick` ends the work.
pub fn overview(table: &Table, spec: &OverviewSpec, revision: u64, tick: Tick<'_>) -> Result<OverviewReport> {
    let began = Instant::now();
    let mut looked = Looked::default();
    let (mut pace, mut n) = (Pace::new(tick), 0);
    table.for_each(table.order(), tick, &mut |row, line| {
        looked.row(table, row, &Said::of(&crate::from_line(line)?, table.mapping()));
        n += 1;
        pace.passed(line.len(), n)
    })?;
    let mut findings = looked.by_flags;
    findings.extend(looked.repeats.findings(table, spec.near, &|done| tick(n + done))?);
    let (languages, foreign) = looked.languages.shares();
    let (rare, n_rare) = looked.labels.rare();
    findings.push((FindingKind::RareLabel, rare, n_rare));
    findings.push((FindingKind::OtherLanguage, foreign, 0));
    findings.retain(|(_, rows, _)| !rows.is_empty());
    findings.sort_by_key(|(kind, ..)| FindingKind::ALL.iter().position(|one| one == kind));
    let finding = |(kind, rows, n_groups)| Finding { kind, rows: Arc::new(rows), n_groups };
    let Lengths { histogram, p50, p95, p99, longest } = Lengths::of(&mut looked.lengths);
    Ok(OverviewReport {
        dataset: spec.dataset,
        revision,
        n_rows: n,
        n_by_split: table.n_by_split(),
        labels: looked.labels.shares(),
        lengths: histogram,
        p50,
        p95,
        p99,
        longest,
        languages,
        findings: findings.into_iter().map(finding).collect(),
        secs: began.elapsed().as_secs_f64(),
    })
}

/// Rows of a finding, and in how many groups.
type Rows = (FindingKind, Vec<RowId>, u64);

#[derive(Default)]
struct Looked {
    lengths: Vec<u32>,
    labels: Labels,
    languages: Languages,
    repeats: Repeats,
    by_flags: Vec<Rows>,
}

impl Looked {
    fn row(&mut self, table: &Table, row: RowId, said: &Said) {
        let facts = table.facts(row).unwrap_or_default();
        if self.by_flags.is_empty() {
            self.by_flags = FLAGS.map(|(_, kind)| (kind, Vec::new(), 0)).to_vec();
        }
        if !facts.flags.any(RowFlags::ACCEPTED) {
            for ((flag, _), (_, rows, _)) in FLAGS.iter().zip(&mut self.by_flags) {
                if facts.flags.any(*flag) {
                    rows.push(row);
                }
            }
        }
        self.lengths.push(facts.n_chars);
        self.labels.add(row, table.split(row), said.label.as_deref(), &said.kinds);
        self.languages.add(row, &said.text);
        self.repeats.add(row, table.split(row), facts.hash, said);
    }
}

/// How many rows are in which language, and which rows those are.
#[derive(Default)]
struct Languages(HashMap<Option<Language>, Vec<RowId>>);

impl Languages {
    fn add(&mut self, row: RowId, text: &str) {
        if !text.trim().is_empty() {
            self.0.entry(Language::of(text)).or_default().push(row);
        }
    }

    /// The shares, and rows that are in another language than nine of ten of those that can be told.
    fn shares(self) -> (Vec<LanguageShare>, Vec<RowId>) {
        let mut all: Vec<(Option<Language>, Vec<RowId>)> = self.0.into_iter().collect();
        let code = |language: &Option<Language>| language.map_or("", Language::code);
        all.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| code(&a.0).cmp(code(&b.0))));
        let told = || all.iter().filter(|(language, _)| language.is_some());
        let n_told: usize = told().map(|(_, rows)| rows.len()).sum();
        let main = told().map(|(_, rows)| rows.len()).next().unwrap_or(0);
        let mut foreign = Vec::new();
        if main < n_told && main * 10 >= n_told * 9 {
            foreign.extend(told().skip(1).flat_map(|(_, rows)| rows.iter().copied()));
        }
        let share = |(language, rows): &(Option<Language>, Vec<RowId>)| LanguageShare {
            code: code(language).to_owned(),
            name: language.map_or("", Language::name).to_owned(),
            n_rows: rows.len() as u64,
        };
        (all.iter().map(share).collect(), foreign)
    }
}

#[cfg(test)]
mod tests;
