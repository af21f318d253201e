//! The rows of a file that was predicted over: a few numbers of each in memory, by which they are sorted and found; a
//! page of them is read when it is asked for.

use super::text_of;
use crate::data::files::{self, RowFile};
use crate::data::{label_in, start_of};
use anyhow::{Context as _, Result};
use glassworks_protocol::predict::{
    PredictedRow, PredictedWhole, PredictionRecord, RowInFull, RowOrder, RowsView,
};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::{Map, Value};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

/// Rows of a page lie apart: little is read for each.
const PAGE_AHEAD: usize = 16 << 10;
const AHEAD: usize = 1 << 20;
/// What a model wrote is a set of answers to choose from as long as there are no more of them.
const MOST_ANSWERS: usize = 64;
/// Bytes of a text that are shown in full.
const MOST_TEXT: usize = 256 << 10;
const PREFIX: &str = "probability_";
const NONE: u16 = u16::MAX;

/// A row, as far as it is needed to sort.
#[derive(Clone, Copy)]
struct Entry {
    offset: u64,
    answer: u16,
    truth: Truth,
    probability: f32,
    /// How far the first label is ahead of the second.
    margin: f32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    Unknown,
    Right,
    Wrong,
}

/// A file of predicted rows, indexed.
pub struct Rows {
    path: PathBuf,
    /// What its name would be if it were whole.
    named: PathBuf,
    column: String,
    stamp: Stamp,
    /// With a probability for each; empty where text was written.
    labels: Vec<String>,
    answers: Vec<String>,
    entries: Vec<Entry>,
    pub whole: PredictedWhole,
}

/// When a file is another one than the one that was indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    path: PathBuf,
    n_bytes: u64,
    changed: Option<SystemTime>,
}

impl Stamp {
    /// Of the file that there is: the whole one, else what there is of it.
    ///
    /// # Errors
    /// `Failure { Missing }` when there is none.
    pub fn of(record: &PredictionRecord) -> Result<Self, Failure> {
        let out = &record.spec.out;
        if let Ok(metadata) = out.metadata() {
            let changed = metadata.modified().ok();
            return Ok(Self { path: out.clone(), n_bytes: metadata.len(), changed });
        }
        super::left(out)
            .map(|left| Self { path: left.part, n_bytes: left.n_bytes, changed: None })
            .ok_or_else(|| {
                Failure::new(
                    FailureKind::Missing,
                    Text::new("failure.predicted_file_gone").arg("file", out.display()),
                )
                .hint(Text::new("failure.predicted_file_gone_hint"))
            })
    }
}

impl Rows {
    /// Reads the file once.
    ///
    /// # Errors
    /// When it cannot be read, and what `tick` returns.
    pub fn index(record: &PredictionRecord, tick: &dyn Fn() -> Result<()>) -> Result<Self> {
        let stamp = Stamp::of(record)?;
        let named = record.spec.out.clone();
        let mut file = files::open_as(&stamp.path, &named, AHEAD)?;
        let mut hasher = Sha256::default();
        let mut indexing = Indexing { sorts: !record.labels.is_empty(), ..Indexing::default() };
        for label in &record.labels {
            indexing.number(label);
        }
        let mut read = 0;
        while file.read_bytes() < stamp.n_bytes {
            if read % 1024 == 0 {
                tick()?;
            }
            let Some((_, value)) = file.next_value(&mut hasher)? else { break };
            if let Ok(Value::Object(row)) = value {
                indexing.add(file.row_begins(), &row, &record.labels);
            }
            read += 1;
        }
        let (answers, entries, whole) = indexing.end();
        let (path, column) = (stamp.path.clone(), record.spec.column.clone());
        Ok(Self { path, named, column, stamp, labels: record.labels.clone(), answers, entries, whole })
    }

    /// Whether the file is still the one that was read.
    #[must_use]
    pub fn is(&self, stamp: &Stamp) -> bool {
        self.stamp == *stamp
    }

    /// The rows of a view, in its order. `mended` are those of which a person has said something.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn order(&self, view: &RowsView, mended: &dyn Fn(u64) -> bool) -> Result<Vec<u32>> {
        let place = |answer: &String| self.answers.iter().position(|one| one == answer);
        // An answer that no row has is not that of rows without one.
        let wanted = view.answer.as_ref().map(|answer| place(answer).map(|at| at as u16));
        let mut rows: Vec<u32> = (0..self.entries.len() as u32)
            .filter(|row| wanted.is_none_or(|wanted| wanted == Some(self.entries[*row as usize].answer)))
            .filter(|row| !view.mended || mended(u64::from(*row)))
            .collect();
        let search = view.search.trim().to_lowercase();
        if !search.is_empty() {
            rows = self.found(&rows, &search)?;
        }
        let of = |row: &u32| self.entries[*row as usize];
        match view.order {
            RowOrder::File => {}
            RowOrder::Margin => rows.sort_by(|a, b| of(a).margin.total_cmp(&of(b).margin)),
            RowOrder::Wrong => rows.sort_by(|a, b| {
                let wrong = |row: &u32| of(row).truth == Truth::Wrong;
                let surest = of(b).probability.total_cmp(&of(a).probability);
                let both = wrong(a) && wrong(b);
                wrong(b).cmp(&wrong(a)).then(if both { surest } else { std::cmp::Ordering::Equal })
            }),
        }
        Ok(rows)
    }

    /// Those of some rows, in file order, whose text has these words.
    fn found(&self, rows: &[u32], search: &str) -> Result<Vec<u32>> {
        let mut file = self.open(AHEAD)?;
        let mut hasher = Sha256::default();
        let mut found = Vec::new();
        let mut wanted = rows.iter().peekable();
        for (row, entry) in self.entries.iter().enumerate() {
            if wanted.peek().is_none() {
                break;
            }
            // Rows that are none stand between those that are.
            if file.read_bytes() != entry.offset {
                file.go_to(entry.offset)?;
            }
            let Some((_, value)) = file.next_value(&mut hasher)? else { break };
            if wanted.next_if(|one| **one == row as u32).is_none() {
                continue;
            }
            if let Ok(Value::Object(fields)) = value
                && text_of(&fields, &self.column).to_lowercase().contains(search)
            {
                found.push(row as u32);
            }
        }
        Ok(found)
    }

    /// Some rows, as a table shows them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn page(&self, rows: &[u32]) -> Result<Vec<PredictedRow>> {
        let mut file = self.open(PAGE_AHEAD)?;
        rows.iter().map(|row| Ok(self.row(*row, &self.read(&mut file, *row)?))).collect()
    }

    fn row(&self, row: u32, fields: &Map<String, Value>) -> PredictedRow {
        let ranked = self.ranked(fields);
        PredictedRow {
            row: row.into(),
            text: start_of(&text_of(fields, &self.column)),
            answer: answer_of(fields),
            probability: number(fields, "probability"),
            second: ranked.get(1).cloned(),
            truth: label_in(fields).and_then(|(_, label)| label),
            mend: None,
        }
    }

    /// All of one row.
    ///
    /// # Errors
    /// When there is none of this number, or the file cannot be read.
    pub fn in_full(&self, row: u64) -> Result<RowInFull> {
        let row = u32::try_from(row).ok().filter(|row| (*row as usize) < self.entries.len());
        let row = row.context("a row that is there")?;
        let fields = self.read(&mut self.open(PAGE_AHEAD)?, row)?;
        let own = |name: &str| {
            name == self.column || name == "prediction" || name == "probability" || name.starts_with(PREFIX)
        };
        let others = fields.keys().filter(|name| !own(name));
        Ok(RowInFull {
            row: row.into(),
            text: cut(text_of(&fields, &self.column)),
            answer: answer_of(&fields).map(cut),
            probabilities: self.ranked(&fields),
            others: others.map(|name| (name.clone(), start_of(&text_of(&fields, name)))).collect(),
        })
    }

    /// Every row in file order.
    ///
    /// # Errors
    /// When the file cannot be read, and what `each` returns.
    pub fn for_each(&self, mut each: impl FnMut(u64, Map<String, Value>) -> Result<()>) -> Result<()> {
        let mut file = self.open(AHEAD)?;
        for row in 0..self.entries.len() as u32 {
            let fields = self.read(&mut file, row)?;
            each(row.into(), fields)?;
        }
        Ok(())
    }

    fn open(&self, ahead: usize) -> Result<RowFile> {
        let mut file = files::open_as(&self.path, &self.named, ahead)?;
        // A table's columns are named by its first row.
        file.next_value(&mut Sha256::default())?;
        if let Some(first) = self.entries.first() {
            file.go_to(first.offset)?;
        }
        Ok(file)
    }

    fn read(&self, file: &mut RowFile, row: u32) -> Result<Map<String, Value>> {
        let entry = self.entries.get(row as usize).context("a row that is there")?;
        if file.read_bytes() != entry.offset {
            file.go_to(entry.offset)?;
        }
        match file.next_value(&mut Sha256::default())? {
            Some((_, Ok(Value::Object(fields)))) => Ok(fields),
            _ => anyhow::bail!("row {row} is not there any more: the file was changed"),
        }
    }

    /// Every label with its probability, the likeliest first.
    fn ranked(&self, fields: &Map<String, Value>) -> Vec<(String, f32)> {
        ranked(fields, &self.labels)
    }
}

fn ranked(fields: &Map<String, Value>, labels: &[String]) -> Vec<(String, f32)> {
    let one = |label: &String| Some((label.clone(), number(fields, &format!("{PREFIX}{label}"))?));
    let mut all: Vec<(String, f32)> = labels.iter().filter_map(one).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all
}

/// A table holds numbers as texts.
fn number(fields: &Map<String, Value>, name: &str) -> Option<f32> {
    match fields.get(name)? {
        Value::Number(number) => number.as_f64().map(|number| number as f32),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The model's answer; nothing where nothing was asked.
pub fn answer_of(fields: &Map<String, Value>) -> Option<String> {
    Some(text_of(fields, "prediction")).filter(|answer| !answer.is_empty())
}

fn cut(mut text: String) -> String {
    if text.len() > MOST_TEXT {
        let end = (0..=MOST_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// What is gathered while a file is read.
#[derive(Default)]
struct Indexing {
    sorts: bool,
    numbers: BTreeMap<String, u16>,
    answers: Vec<(String, u64)>,
    /// There are too many to choose from.
    many: bool,
    truth: Option<String>,
    entries: Vec<Entry>,
    n_labelled: u64,
    n_right: u64,
}

impl Indexing {
    fn number(&mut self, answer: &str) -> u16 {
        if let Some(number) = self.numbers.get(answer) {
            return *number;
        }
        if self.many || !self.sorts && self.answers.len() >= MOST_ANSWERS {
            self.many = true;
            return NONE;
        }
        let number = self.answers.len().min(NONE as usize) as u16;
        self.numbers.insert(answer.to_owned(), number);
        self.answers.push((answer.to_owned(), 0));
        number
    }

    fn add(&mut self, offset: u64, row: &Map<String, Value>, labels: &[String]) {
        let answer = answer_of(row);
        let truth = label_in(row).and_then(|(name, label)| {
            self.truth.get_or_insert_with(|| name.to_owned());
            label
        });
        if let (false, Some(truth)) = (self.sorts, &truth) {
            self.number(truth);
        }
        let place = answer.as_ref().map_or(NONE, |answer| self.number(answer));
        if let Some((_, count)) = self.answers.get_mut(place as usize) {
            *count += 1;
        }
        let truth = match (&answer, truth) {
            (Some(answer), Some(truth)) if *answer == truth => Truth::Right,
            (Some(_), Some(_)) => Truth::Wrong,
            _ => Truth::Unknown,
        };
        self.n_labelled += u64::from(truth != Truth::Unknown);
        self.n_right += u64::from(truth == Truth::Right);
        let probability = number(row, "probability").unwrap_or(0.0);
        let margin = match &*ranked(row, labels) {
            [(_, first), (_, second), ..] => first - second,
            // Nothing was asked: there is nothing to be unsure of.
            _ => f32::INFINITY,
        };
        self.entries.push(Entry { offset, answer: place, truth, probability, margin });
    }

    fn end(self) -> (Vec<String>, Vec<Entry>, PredictedWhole) {
        let Self { sorts, answers, many, truth, entries, n_labelled, n_right, .. } = self;
        let answers = if many { Vec::new() } else { answers };
        let names = answers.iter().map(|(name, _)| name.clone()).collect();
        let n_rows = entries.len() as u64;
        let whole = PredictedWhole { n_rows, answers, sorts, truth, n_labelled, n_right };
        (names, entries, whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::generate::ModelSource;
    use glassworks_protocol::ids::PredictionId;
    use glassworks_protocol::model::Precision;
    use glassworks_protocol::predict::PredictSpec;
    use std::path::Path;

    fn record(out: &Path, labels: &[&str]) -> PredictionRecord {
        PredictionRecord {
            id: PredictionId::mint(),
            spec: PredictSpec {
                model: ModelSource::Path("model".into()),
                tuned: None,
                adapter: None,
                data: out.to_owned(),
                column: "text".to_owned(),
                template: None,
                out: out.to_owned(),
                max_new_tokens: 1,
                precision: Precision::Exact,
                keep: None,
            },
            model_name: String::new(),
            done: true,
            n_rows: 0,
            n_left_out: 0,
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            created_at_ms: 0,
            n_mended: 0,
            n_confirmed: 0,
            can_undo: false,
            can_redo: false,
        }
    }

    const TABLE: &str = "text,label,prediction,probability,probability_a,probability_b,probability_c\n\
        \"one, \"\"quoted\"\"\nline\",a,a,0.5,0.5,0.3,0.2\n\
        two,b,a,0.9,0.9,0.06,0.04\n\
        \n\
        three,,c,0.4,0.25,0.35,0.4\n\
        four,c,b,0.6,0.2,0.6,0.2\n\
        ,a,,,,,\n";

    fn order(rows: &Rows, view: RowsView) -> Vec<u32> {
        rows.order(&view, &|row| row == 2).unwrap()
    }

    fn check(name: &str, text: &str) {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join(name);
        std::fs::write(&out, text).unwrap();
        let rows = Rows::index(&record(&out, &["a", "b", "c"]), &|| Ok(())).unwrap();
        let whole = &rows.whole;
        assert_eq!((whole.n_rows, whole.n_labelled, whole.n_right, whole.sorts), (5, 3, 1, true));
        let counts: Vec<(&str, u64)> = whole.answers.iter().map(|(a, n)| (a.as_str(), *n)).collect();
        assert_eq!(counts, [("a", 2), ("b", 1), ("c", 1)]);
        let view = |order| RowsView { order, ..RowsView::default() };
        assert_eq!(order(&rows, view(RowOrder::File)), [0, 1, 2, 3, 4]);
        assert_eq!(order(&rows, view(RowOrder::Margin)), [2, 0, 3, 1, 4]);
        assert_eq!(order(&rows, view(RowOrder::Wrong)), [1, 3, 0, 2, 4]);
        let of = |answer: &str| RowsView { answer: Some(answer.to_owned()), ..RowsView::default() };
        assert_eq!(order(&rows, of("a")), [0, 1]);
        assert_eq!(order(&rows, of("z")), [0u32; 0]);
        let search = |words: &str| RowsView { search: words.to_owned(), ..RowsView::default() };
        assert_eq!(order(&rows, search("T")), [0, 1, 2]);
        assert_eq!(order(&rows, search("line")), [0]);
        assert_eq!(order(&rows, RowsView { mended: true, ..RowsView::default() }), [2]);
        let page = rows.page(&[3, 0]).unwrap();
        assert_eq!(page[0].second.as_ref().unwrap().1, 0.2);
        assert_eq!((page[0].row, page[0].truth.as_deref()), (3, Some("c")));
        assert_eq!(page[1].text, "one, \"quoted\" line");
        assert_eq!((page[1].answer.as_deref(), page[1].probability), (Some("a"), Some(0.5)));
        assert_eq!(rows.in_full(2).unwrap().probabilities[0], ("c".to_owned(), 0.4));
        assert!(rows.in_full(5).is_err());
        assert_eq!(rows.page(&[4]).unwrap()[0].answer, None);
    }

    #[test]
    fn rows_are_found_wherever_they_lie() {
        check("a.csv", TABLE);
        let mut lines = String::new();
        for (text, label, said, p) in [
            ("one, \"quoted\"\nline", "a", "a", [0.5, 0.3, 0.2]),
            ("two", "b", "a", [0.9, 0.06, 0.04]),
            ("three", "", "c", [0.25, 0.35, 0.4]),
            ("four", "c", "b", [0.2, 0.6, 0.2]),
        ] {
            let top = p.iter().copied().fold(0.0, f64::max);
            let row = serde_json::json!({
                "text": text, "label": label, "prediction": said, "probability": top,
                "probability_a": p[0], "probability_b": p[1], "probability_c": p[2],
            });
            lines.push_str(&(row.to_string() + "\n\n"));
        }
        check("a.jsonl", &(lines + "{\"text\":\"\",\"label\":\"a\",\"prediction\":null}\n"));
    }

    #[test]
    fn what_is_written_is_a_choice_while_there_is_little_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a.jsonl");
        let row =
            |answer: &str| format!("{{\"text\":\"t\",\"label\":\"yes\",\"prediction\":\"{answer}\"}}\n");
        std::fs::write(&out, row("no") + &row("yes")).unwrap();
        let few = Rows::index(&record(&out, &[]), &|| Ok(())).unwrap();
        assert_eq!(few.whole.answers, [("yes".to_owned(), 1), ("no".to_owned(), 1)]);
        assert_eq!((few.whole.n_right, few.whole.sorts), (1, false));
        let stamp = Stamp::of(&record(&out, &[])).unwrap();
        assert!(few.is(&stamp));
        std::fs::write(&out, (0..200).map(|i| row(&i.to_string())).collect::<String>()).unwrap();
        assert!(!few.is(&Stamp::of(&record(&out, &[])).unwrap()), "it is another file");
        let many = Rows::index(&record(&out, &[]), &|| Ok(())).unwrap();
        assert!(many.whole.answers.is_empty() && many.whole.n_rows == 200);
    }
}
