//! How fast a table of a million rows is opened, filtered, looked through and sorted, on one core, and what it takes
//! of memory. Rows are of about a kilobyte, so that they come to a gigabyte of text; say how many as an argument.
//!
//!     cargo bench -p glassworks-datasets --bench table [-- ROWS]

use anyhow::{Result, bail};
use glassworks_datasets::find::{Context, find};
use glassworks_datasets::table::{At, Batch, Table};
use glassworks_protocol::datasets::edit::RowChange;
use glassworks_protocol::datasets::view::LengthUnit;
use glassworks_protocol::datasets::{
    ColumnKind, ColumnRecord, DataTask, Filter, Mapping, Role, RowId, Sort, SortKey, Split, ViewSpec,
};
use glassworks_protocol::ids::DatasetId;
use std::cell::Cell;
use std::io::Write as _;
use std::time::{Duration, Instant};

const WORDS: [&str; 40] = [
    "glass", "furnace", "of", "the", "a", "molten", "sand", "and", "soda", "lime", "blown", "into", "shapes",
    "by", "workers", "who", "turn", "pipes", "slowly", "while", "heat", "keeps", "it", "soft", "enough",
    "to", "be", "cut", "pressed", "drawn", "or", "cast", "then", "cooled", "in", "ovens", "for", "days",
    "without", "cracks",
];

/// Numbers of no meaning, the same each time (xorshift).
struct Noise(u64);

impl Noise {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap_or_default()
    }

    fn line(&mut self, n: usize, line: &mut Vec<u8>) -> Result<()> {
        line.clear();
        write!(line, "{{\"id\":{n},\"text\":\"")?;
        for at in 0..120 + self.below(100) {
            let space = if at % 17 == 16 { "\\n" } else { " " };
            write!(line, "{}{space}", WORDS[self.below(WORDS.len())])?;
        }
        if n % 100_000 == 99_999 {
            write!(line, "a Needle in the hay, ")?;
        }
        write!(line, "第{n}行\",\"label\":\"label {}\",\"score\":{}}}", self.below(8), self.below(100_000))?;
        Ok(())
    }
}

fn main() -> Result<()> {
    let n_rows = std::env::args().skip(1).find_map(|one| one.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir()?;
    let roles = [(Role::Text, "text".to_owned()), (Role::Label, "label".to_owned())];
    let mapping = Mapping { task: DataTask::Classification, roles: roles.into() };
    let (mut noise, mut line) = (Noise(88_172_645_463_325_252), Vec::new());

    let start = Instant::now();
    let mut batch = Batch::new(&Table::create(folder.path(), &mapping)?);
    let mut made = Duration::ZERO;
    for n in 0..n_rows {
        let before = Instant::now();
        noise.line(n, &mut line)?;
        made += before.elapsed();
        batch.add(At::Last, &line, Split::ALL.get(n % 4).copied(), None)?;
    }
    let table = batch.commit(1)?;
    let n_bytes = table.n_bytes();
    say(&format!("{n_rows} rows, {:.2} GB", gigabytes(n_bytes)))?;
    say_speed("written, with what is known of rows", start.elapsed().saturating_sub(made), n_bytes)?;
    say(&format!("{:.1} bytes of memory a row", ratio(table.memory_bytes() as u64, n_rows as u64)))?;

    timed("opened", || Table::open(folder.path(), 1, &mapping, &no_tick).map(drop))?;
    let other = Mapping { task: DataTask::Text, ..mapping.clone() };
    let start = Instant::now();
    table.with_mapping(&other, &no_tick)?;
    say_speed("known anew under another mapping", start.elapsed(), n_bytes)?;
    filters(&table)?;
    texts(&table, n_bytes)?;
    orders(&table)?;
    edits(table)
}

fn filters(table: &Table) -> Result<()> {
    let length = |unit| Filter::Length { unit, at_least: Some(900), at_most: Some(1000) };
    for (name, filter) in [
        ("length", length(LengthUnit::Characters)),
        ("label", Filter::Labels(vec![Some("label 3".to_owned()), None])),
        ("split", Filter::Splits(vec![Some(Split::Test), None])),
        ("duplicate", Filter::Duplicate),
        ("has a problem", Filter::HasProblem),
        ("unlabelled", Filter::Unlabelled),
        ("not of a label", Filter::Not(Box::new(Filter::Labels(vec![Some("label 3".to_owned())])))),
    ] {
        timed(&format!("filter: {name}"), || look(table, std::slice::from_ref(&filter), None).map(drop))?;
    }
    timed("counts of labels", || {
        drop(table.labels());
        Ok(())
    })?;
    timed("counts of splits", || {
        std::hint::black_box(table.n_by_split());
        Ok(())
    })
}

fn texts(table: &Table, n_bytes: u64) -> Result<()> {
    let words =
        |text: &str, case_sensitive| Filter::Contains { text: text.into(), column: None, case_sensitive };
    let regex = |pattern: &str| Filter::Regex { pattern: pattern.into(), column: None };
    let in_column =
        Filter::Contains { text: "needle".into(), column: Some("text".into()), case_sensitive: false };
    for (name, filter) in [
        ("contains, few hits", words("a needle in", false)),
        ("contains, few hits, in a column", in_column),
        ("contains, case counts", words("Needle", true)),
        ("contains, many hits", words("Furnace", false)),
        ("contains, Chinese", words("99999行", false)),
        ("does not contain", Filter::Not(Box::new(words("furnace", false)))),
        ("pattern with a word", regex(r"[Nn]eedle in the \w+")),
        ("pattern with a word inside", regex(r"\w+ needle|\w+ Needle")),
        ("pattern without a word", regex(r"\d{5}行$")),
        ("pattern, case does not count", regex(r"(?i)NEEDLE\s+in")),
        ("pattern that is everywhere", regex(r"\w+")),
    ] {
        let first = Cell::new(None);
        let start = Instant::now();
        let found = search(table, &[filter], None, &no_tick, &mut |_| {
            first.set(first.get().or(Some(start.elapsed())));
        })?;
        let secs = start.elapsed();
        say_speed(&format!("{name}: {} rows", found.len()), secs, n_bytes)?;
        say(&format!("    first after {:.1} ms", millis(first.get().unwrap_or(secs))))?;
    }
    stops(table)?;
    let stop = |_| -> Result<()> { bail!("stopped") };
    if search(table, &[words("x", false)], None, &stop, &mut |_| ()).is_ok() {
        bail!("was not stopped");
    }
    Ok(())
}

/// A person asks to stop at some time: how long until the next tick at worst.
fn stops(table: &Table) -> Result<()> {
    let words = |text: &str| Filter::Contains { text: text.into(), column: None, case_sensitive: false };
    let regex = |pattern: &str| Filter::Regex { pattern: pattern.into(), column: None };
    let by = |by: SortKey| Some((by, false));
    for (name, filters, sort) in [
        ("words", vec![words("nowhere")], None),
        ("words that are everywhere", vec![words("glass")], None),
        ("a pattern", vec![regex(r"\w+ \w+ cracks$"), words("x")], None),
        ("a slow pattern", vec![regex(r"(?:\w{2,5} ){2}[xyz]$")], None),
        ("duplicates", vec![Filter::Duplicate], None),
        ("an order by lengths", vec![], by(SortKey::Characters)),
        ("an order by numbers", vec![], by(SortKey::Column("score".to_owned()))),
        ("an order by texts", vec![], by(SortKey::Column("text".to_owned()))),
    ] {
        let (last, longest) = (Cell::new(Instant::now()), Cell::new(Duration::ZERO));
        let waited = || longest.set(longest.get().max(last.replace(Instant::now()).elapsed()));
        let tick = |_| {
            waited();
            Ok(())
        };
        search(table, &filters, sort, &tick, &mut |_| ())?;
        waited();
        say(&format!("{name}: stops within {:.1} ms", millis(longest.get())))?;
    }
    Ok(())
}

fn orders(table: &Table) -> Result<()> {
    for by in [
        SortKey::Characters,
        SortKey::Label,
        SortKey::Split,
        SortKey::Column("score".into()),
        SortKey::Column("text".into()),
    ] {
        timed(&format!("sorted by {by:?}"), || look(table, &[], Some((by.clone(), true))).map(drop))?;
    }
    Ok(())
}

fn edits(mut table: Table) -> Result<()> {
    let columns = ["id", "text", "label", "score"]
        .map(|name| ColumnRecord { name: name.into(), kind: ColumnKind::Text });
    let rows: Vec<RowId> = table.order().iter().copied().step_by(table.len() / 1000 + 1).collect();
    timed(&format!("{} lines of the grid", rows.len()), || {
        rows.iter().try_for_each(|row| table.row_line(*row, &columns).map(drop))
    })?;
    let row = rows[rows.len() / 2];
    timed("a row with what is wrong with it", || table.document(row).map(drop))?;
    let start = Instant::now();
    for _ in 0..100 {
        let mut value = table.row(row)?;
        value.insert("label".to_owned(), format!("{:?}", start.elapsed()).into());
        let changes = [
            RowChange::Set { row, value: value.clone() },
            RowChange::Add { after: Some(row), value, split: None, made: None },
        ];
        table = table.plan(&changes)?.table;
    }
    say(&format!("an edit: {:.2} ms", millis(start.elapsed()) / 100.0))?;
    timed("a state saved", || table.save_state(2))
}

fn no_tick(_: u64) -> Result<()> {
    Ok(())
}

fn look(table: &Table, filters: &[Filter], sort: Option<(SortKey, bool)>) -> Result<Vec<RowId>> {
    search(table, filters, sort, &no_tick, &mut |_| ())
}

fn search(
    table: &Table,
    filters: &[Filter],
    sort: Option<(SortKey, bool)>,
    tick: &dyn Fn(u64) -> Result<()>,
    found: &mut dyn FnMut(&[RowId]),
) -> Result<Vec<RowId>> {
    let sort = sort.map(|(by, descending)| Sort { by, descending });
    let view = ViewSpec { dataset: DatasetId::mint(), filters: filters.to_vec(), sort, measure: None };
    find(table, &view, &Context::default(), tick, found)
}

fn timed(name: &str, mut work: impl FnMut() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    work()?;
    say(&format!("{name}: {:.1} ms", millis(start.elapsed())))
}

fn say_speed(name: &str, took: Duration, n_bytes: u64) -> Result<()> {
    let speed = gigabytes(n_bytes) * 1000.0 / took.as_secs_f64();
    say(&format!("{name}: {:.2} s, {speed:.0} MB/s", took.as_secs_f64()))
}

#[expect(clippy::cast_precision_loss, reason = "to be read by people")]
fn ratio(n: u64, of: u64) -> f64 {
    n as f64 / of as f64
}

fn gigabytes(n_bytes: u64) -> f64 {
    ratio(n_bytes, 1_000_000_000)
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
