//! How long an overview and each change takes: rows of some 300 characters, a tenth of them nearly the same as
//! another. `cargo run --release -p glassworks-datasets --example prepare [-- ROWS]`

use anyhow::Result;
use glassworks_datasets::chance::Chance;
use glassworks_datasets::findings::overview;
use glassworks_datasets::table::{At, Batch, Table};
use glassworks_datasets::transform::{Tools, WordLists, run};
use glassworks_protocol::datasets::overview::OverviewSpec;
use glassworks_protocol::datasets::transform::{
    AugmentSpec, AugmentWay, BalanceSpec, BalanceWay, CleanSpec, PrivacyAction, PrivacyKind, PrivacySpec,
    ReplaceSpec, SplitSpec, Transform, TransformSpec,
};
use glassworks_protocol::datasets::{DataTask, Mapping, Role};
use glassworks_protocol::ids::DatasetId;
use std::cell::Cell;
use std::io::Write as _;
use std::time::Instant;

const WORDS: &str = "the of and to in is that it was for on are with as his they at be this from have or by one had not \
    but what all were when we there can an your which their said if do will each about how up out them then she many \
    some so these would other into has more her two like him see time could no make than first been its who now people \
    my made over did down only way find use may water long little very after words called just where most know film good";

fn sentence(chance: &mut Chance, words: &[&str]) -> String {
    let mut text = String::new();
    while text.len() < 280 {
        let word = words[chance.below(words.len())];
        if text.is_empty() || text.ends_with(". ") {
            text.push_str(&word[..1].to_uppercase());
            text.push_str(&word[1..]);
        } else {
            text.push_str(word);
        }
        text.push_str(if chance.below(12) == 0 { ". " } else { " " });
    }
    text
}

fn table(folder: &std::path::Path, n: usize) -> Result<Table> {
    let roles = [(Role::Text, "text".to_owned()), (Role::Label, "label".to_owned())];
    let mapping = Mapping { task: DataTask::Classification, roles: roles.into() };
    let mut batch = Batch::new(&Table::create(folder, &mapping)?);
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut texts: Vec<String> = Vec::new();
    for i in 0..n {
        let mut chance = Chance::new(&[i as u64]);
        let text = match chance.below(10) {
            0 if !texts.is_empty() => format!("{}x", texts[chance.below(texts.len())]),
            1 => format!(
                "{} mail ann{i}@example.com or call 415-555-0{}",
                sentence(&mut chance, &words),
                100 + i % 100
            ),
            _ => sentence(&mut chance, &words),
        };
        let row = serde_json::json!({ "text": text, "label": if chance.below(4) == 0 { "a" } else { "b" } });
        batch.add(At::Last, row.to_string().as_bytes(), None, None)?;
        texts.push(text);
    }
    batch.commit(1)
}

fn main() -> Result<()> {
    let n = std::env::args().nth(1).map_or(Ok(100_000), |n| n.parse())?;
    let mut out = std::io::stdout().lock();
    let folder = tempfile::tempdir()?;
    let table = table(folder.path(), n)?;
    let dataset = DatasetId::mint();
    let (last, longest) = (Cell::new(Instant::now()), Cell::new(0.0_f64));
    let tick = |_| {
        longest.set(longest.get().max(last.replace(Instant::now()).elapsed().as_secs_f64()));
        Ok(())
    };
    let report = overview(&table, &OverviewSpec { dataset, near: 0.8 }, 1, &tick)?;
    tick(0)?;
    writeln!(out, "overview of {n} rows: {:.2} s, stops within {:.0} ms", report.secs, longest.get() * 1e3)?;
    for finding in &report.findings {
        writeln!(out, "  {:?}: {} rows in {} groups", finding.kind, finding.rows.len(), finding.n_groups)?;
    }
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/synonyms");
    let synonyms = std::fs::read_to_string(format!("{root}/synonyms.tsv")).unwrap_or_default();
    let names = std::fs::read_to_string(format!("{root}/names.json"))?;
    let tools = Tools { salt: b"example", lists: WordLists { synonyms: &synonyms, names: &names } };
    let all = CleanSpec {
        trim: true,
        collapse_spaces: true,
        nfc: true,
        strip_control: true,
        ..CleanSpec::default()
    };
    let near = CleanSpec { drop_duplicates: true, drop_near_duplicates: Some(0.8), ..CleanSpec::default() };
    let replace = |find: &str, is_pattern| ReplaceSpec {
        find: find.to_owned(),
        with: "…".to_owned(),
        is_pattern,
        case_sensitive: false,
        column: None,
    };
    let augment = |way| Transform::Augment(AugmentSpec { way, copies: 1, seed: 1 });
    let private = |action| Transform::Privacy(PrivacySpec { kinds: PrivacyKind::ALL.to_vec(), action });
    for (name, transform) in [
        ("replace", Transform::Replace(replace("water", false))),
        ("replace a pattern", Transform::Replace(replace(r"\bw\w+r\b", true))),
        ("clean texts", Transform::Clean(all)),
        ("drop near duplicates", Transform::Clean(near)),
        ("mask", private(PrivacyAction::Mask)),
        ("pseudonymise", private(PrivacyAction::Pseudonymise)),
        ("split", Transform::Split(SplitSpec::default())),
        (
            "split, near ones together",
            Transform::Split(SplitSpec { near: Some(0.8), ..SplitSpec::default() }),
        ),
        ("leave words out", augment(AugmentWay::TokenDropout(0.1))),
        ("swap words", augment(AugmentWay::TokenSwap(0.1))),
        ("noise", augment(AugmentWay::CharacterNoise(0.05))),
        ("synonyms", augment(AugmentWay::Synonyms(0.2))),
        ("casing", augment(AugmentWay::Casing)),
        ("punctuation", augment(AugmentWay::Punctuation(0.3))),
        ("names and genders", augment(AugmentWay::Counterfactual)),
        ("balance", Transform::Balance(BalanceSpec { way: BalanceWay::Over, seed: 1 })),
    ] {
        let began = Instant::now();
        let spec = TransformSpec { dataset, transform, rows: None, apply: true };
        last.set(began);
        longest.set(0.0);
        let (report, batch) = run(&table, 1, &spec, tools, &tick)?;
        tick(0)?;
        drop(batch);
        let secs = began.elapsed().as_secs_f64();
        let changes = (report.n_changed, report.n_removed, report.n_added, report.n_moved);
        writeln!(
            out,
            "{name}: {secs:.2} s, {:.0} rows/s, stops within {:.0} ms, changed, removed, added, moved {changes:?}",
            n as f64 / secs,
            longest.get() * 1e3
        )?;
    }
    Ok(())
}
