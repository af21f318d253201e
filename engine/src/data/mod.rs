//! Training data: from files that are read where they lie, or from a dataset that is kept ([`kept`]), to examples of
//! tokens and labels, split and put into batches.

pub mod batches;
pub mod count;
mod encode;
pub mod files;
pub mod kept;
mod labels;
pub mod look;
mod rows;
mod split;
pub mod table;

pub use encode::{Encoder, Example};
pub use labels::weights as class_weights;
pub use rows::{Content, Row, TEXTS, label_in, start_of};

use anyhow::Result;
use glassworks_protocol::dataset::{DataReport, RowProblem};
use glassworks_protocol::datasets::rows::{RowId, Split};
use glassworks_protocol::text::Text;
use glassworks_protocol::train::TrainSpec;
use glassworks_protocol::{Failure, FailureKind};
use kept::{Kept, KeptRow, Origins, number_of};
use labels::Labels;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Problems that are told one by one; the others are counted.
const MOST_TOLD: usize = 100;
/// From so many documents to measure on, no other one is cut in two for it.
const ENOUGH_DOCUMENTS: f64 = 2.0;

/// Examples ready to be learned from.
#[derive(Debug, Default)]
pub struct Dataset {
    pub train: Vec<Example>,
    pub validation: Vec<Example>,
    /// Where each validation row comes from.
    pub held_out: Vec<Place>,
    pub report: DataReport,
}

/// Where an example comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: Arc<Path>,
    /// Counted from 1.
    pub row: u64,
    /// How it begins: the question, or the text's first words.
    pub start: Box<str>,
    /// Of a row that was made: the number of the one that it comes from in the end.
    pub made_of: Option<u64>,
}

/// Told after each row: the file, bytes read of it, bytes in all; its error ends the reading.
pub type Tick<'a> = &'a dyn Fn(&Path, u64, u64) -> Result<()>;

/// Reads, tokenises, cuts and splits what `spec` names, for a model that reads `context_length` tokens; `kept` is its
/// dataset.
///
/// # Errors
/// `Failure` naming a file that cannot be read; when no row is left; and what `tick` returns. A row that cannot be
/// used is no error: it is counted and told in the report.
pub fn load(
    spec: &TrainSpec,
    kept: Option<&Kept<'_>>,
    encoder: &Encoder<'_>,
    context_length: u32,
    tick: Tick<'_>,
) -> Result<Dataset> {
    let mut reading = Reading {
        encoder,
        tick,
        report: DataReport::default(),
        hasher: Sha256::new(),
        labels: Labels::default(),
    };
    let mut train = reading.examples(&spec.data.files)?;
    let mut validation = reading.examples(&spec.data.validation_files)?;
    if let Some(kept) = kept {
        reading.kept(kept, &mut train, &mut validation)?;
    }
    let apart = !validation.is_empty() || !spec.data.validation_files.is_empty();
    let share = if apart { 0.0 } else { spec.data.validation_share };
    let Reading { mut report, hasher, labels, .. } = reading;
    let names = if spec.task.classifies() {
        let (names, places) = labels.sorted(spec.data.names().first())?;
        let all = train.iter_mut().chain(&mut validation);
        all.for_each(|(_, example)| example.class = example.class.map(|class| places[class as usize]));
        names
    } else {
        Vec::new()
    };
    report.hash = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut lengths: Vec<usize> = train.iter().map(|(_, e)| e.ids.len()).collect();
    lengths.sort_unstable();
    report.longest = lengths.last().copied().unwrap_or(0) as u32;
    report.percentile_95 = lengths.get(lengths.len() * 95 / 100).copied().unwrap_or(0) as u32;
    report.max_length = spec.max_length(report.percentile_95, context_length);
    let pieces = encoder.cuts_into_pieces();
    // Whole documents are held out where there are enough of them: pieces of one know each other.
    let by_document = pieces && train.len() as f64 * share >= ENOUGH_DOCUMENTS;
    let may = |(place, _): &Placed| place.made_of.is_none();
    if by_document {
        let (kept, held_out) = split::by_chance(train, may, share, spec.seed);
        train = kept;
        validation.extend(held_out);
    }
    for examples in [&mut train, &mut validation] {
        *examples = cut(std::mem::take(examples), &mut report, pieces, &|ids| encoder.start(ids));
    }
    if !by_document {
        let (kept, held_out) = if spec.splits_by_label() {
            let label = |(_, example): &Placed| example.class.unwrap_or_default();
            split::by_label(train, may, label, share, spec.seed)
        } else {
            split::by_chance(train, may, share, spec.seed)
        };
        train = kept;
        validation.extend(held_out);
    }
    leave_out_made_of(&validation, &mut train, &mut report);
    let train: Vec<Example> = train.into_iter().map(|(_, example)| example).collect();
    let (held_out, validation): (Vec<Place>, Vec<Example>) = validation.into_iter().unzip();
    if train.is_empty() {
        return Err(nothing_left(&report).into());
    }
    report.n_train = train.len() as u64;
    report.n_validation = validation.len() as u64;
    report.n_tokens = train.iter().map(|e| e.ids.len() as u64).sum();
    report.labels = labels::counted(names, &train, &validation);
    report.n_targets = train.iter().map(|e| e.n_targets() as u64).sum();
    Ok(Dataset { train, validation, held_out, report })
}

/// What is written in files or a dataset, row by row, for a tokenizer to be trained on. Rows that cannot be used are left out; of a
/// conversation it is what is said.
///
/// # Errors
/// `Failure` naming a file that cannot be read, and what `tick` returns.
pub fn texts(paths: &[PathBuf], kept: Option<&Kept<'_>>, tick: Tick<'_>) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut take = |content: Result<Content, Text>| match content {
        Ok(Content::Text { text, .. }) => texts.push(text),
        Ok(Content::Turns(turns)) => texts.extend(turns.into_iter().map(|turn| turn.content)),
        Err(_) => {}
    };
    let mut hasher = Sha256::new();
    for path in paths {
        let mut file = files::open(path)?;
        let total = file.len_bytes();
        while let Some(row) = file.next(&mut hasher)? {
            tick(path, file.read_bytes(), total)?;
            take(row.content);
        }
    }
    if let Some(kept) = kept {
        (kept.each)(&mut |row| {
            // What is measured on or tested with is not learned from, by the tokenizer either.
            if matches!(row.split, None | Some(Split::Train)) {
                take(content(row, kept));
            }
            Ok(())
        })?;
    }
    Ok(texts)
}

fn content(row: &KeptRow<'_>, kept: &Kept<'_>) -> Result<Content, Text> {
    let fields = serde_json::from_slice(row.line).map_err(|_| Text::new("train.row.not_json"))?;
    Content::of(&fields, kept.mapping)
}

type Placed = (Place, Example);

struct Reading<'a> {
    encoder: &'a Encoder<'a>,
    tick: Tick<'a>,
    report: DataReport,
    hasher: Sha256,
    labels: Labels,
}

impl Reading<'_> {
    fn examples(&mut self, paths: &[PathBuf]) -> Result<Vec<Placed>> {
        let mut examples = Vec::new();
        for path in paths {
            let mut file = files::open(path)?;
            let total = file.len_bytes();
            let name: Arc<Path> = path.as_path().into();
            while let Some(row) = file.next(&mut self.hasher)? {
                (self.tick)(path, file.read_bytes(), total)?;
                let read = row.content.and_then(|content| Ok((self.example(&content)?, content.start())));
                match read {
                    Ok((example, start)) => {
                        let (file, start) = (Arc::clone(&name), start.into());
                        let place = Place { file, row: row.number, start, made_of: None };
                        examples.push((place, example));
                    }
                    Err(reason) => tell(&mut self.report, path, row.number, reason),
                }
            }
        }
        Ok(examples)
    }

    /// A dataset's rows, to learn from and to measure on.
    fn kept(&mut self, kept: &Kept<'_>, train: &mut Vec<Placed>, validation: &mut Vec<Placed>) -> Result<()> {
        let name: Arc<Path> = Path::new(kept.name).into();
        let mut origins = Origins::default();
        self.hasher.update(serde_json::to_vec(kept.mapping)?);
        (kept.each)(&mut |row| {
            origins.add(row);
            if row.split == Some(Split::Test) {
                return Ok(());
            }
            self.hash(row);
            let measured = row.split == Some(Split::Validation);
            let read = match (measured, row.made) {
                (true, Some(_)) => Err(Text::new("train.row.made_measured")),
                _ => content(row, kept).and_then(|said| Ok((self.example(&said)?, said.start()))),
            };
            let number = number_of(row.id);
            match read {
                Ok((example, start)) => {
                    let (file, start) = (Arc::clone(&name), start.into());
                    let place = Place { file, row: number, start, made_of: None };
                    if measured { &mut *validation } else { &mut *train }.push((place, example));
                }
                Err(reason) => tell(&mut self.report, &name, number, reason),
            }
            Ok(())
        })?;
        // What a row was made of may come after it.
        for (place, _) in train.iter_mut() {
            let root = origins.root(RowId((place.row - 1) as u32));
            place.made_of = root.map(number_of);
        }
        train.retain(|(place, _)| {
            let aside = place.made_of.is_some_and(|root| origins.is_aside(RowId((root - 1) as u32)));
            if aside {
                tell(&mut self.report, &place.file, place.row, Text::new("train.row.made_of_held_out"));
            }
            !aside
        });
        Ok(())
    }

    /// Everything of a row that a run depends on.
    fn hash(&mut self, row: &KeptRow<'_>) {
        let split = row.split.map_or(3, |split| split as u8);
        let made = row.made.map_or(u32::MAX, |made| made.from.0);
        self.hasher.update(row.id.0.to_le_bytes());
        self.hasher.update([split]);
        self.hasher.update(made.to_le_bytes());
        self.hasher.update((row.line.len() as u64).to_le_bytes());
        self.hasher.update(row.line);
    }

    fn example(&mut self, content: &Content) -> Result<Example, Text> {
        let mut example = self.encoder.example(content)?;
        if let (true, Content::Text { label: Some(label), .. }) = (self.encoder.task.classifies(), content) {
            example.class = Some(self.labels.number(label));
        }
        Ok(example)
    }
}

fn tell(report: &mut DataReport, file: &Path, row: u64, reason: Text) {
    report.n_left_out += 1;
    if report.problems.len() < MOST_TOLD {
        report.problems.push(RowProblem { file: file.to_owned(), row, reason });
    }
}

/// What was made of a row that is measured on is not learned from.
fn leave_out_made_of(validation: &[Placed], train: &mut Vec<Placed>, report: &mut DataReport) {
    if train.iter().all(|(place, _)| place.made_of.is_none()) {
        return;
    }
    let held_out: HashSet<u64> = validation.iter().map(|(place, _)| place.row).collect();
    let mut told = HashSet::new();
    train.retain(|(place, _)| {
        let of_held_out = place.made_of.is_some_and(|root| held_out.contains(&root));
        // Once, in however many pieces it is.
        if of_held_out && told.insert(place.row) {
            tell(report, &place.file, place.row, Text::new("train.row.made_of_held_out"));
        }
        !of_held_out
    });
}

/// Cuts what is longer than the maximum: into pieces where each is as good as the whole, else off. `start` says how
/// a piece begins.
fn cut(
    examples: Vec<Placed>,
    report: &mut DataReport,
    into_pieces: bool,
    start: &dyn Fn(&[u32]) -> String,
) -> Vec<Placed> {
    let most = report.max_length as usize;
    let mut kept = Vec::with_capacity(examples.len());
    for (place, mut example) in examples {
        if into_pieces {
            let whole = example.ids.len() <= most;
            if example.n_targets() == 0 {
                tell(report, &place.file, place.row, Text::new("train.row.one_token"));
                continue;
            }
            kept.extend(example.pieces(most).map(|piece| {
                let start = if whole { place.start.clone() } else { start(&piece.ids).into() };
                (Place { start, ..place.clone() }, piece)
            }));
            continue;
        }
        if example.ids.len() > most {
            report.n_truncated += 1;
            example.truncate(most);
        }
        if example.n_targets() > 0 {
            kept.push((place, example));
        } else {
            let reason = Text::new("train.row.cut_away").arg("max", most);
            tell(report, &place.file, place.row, reason);
        }
    }
    kept
}

fn nothing_left(report: &DataReport) -> Failure {
    let told = report.problems.iter().take(5).map(|problem| {
        let file = problem.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let reason = glassworks_protocol::text::Language::English.render(&problem.reason);
        format!("{file}:{}: {reason}", problem.row)
    });
    Failure::new(FailureKind::Input, Text::new("failure.data_empty").arg("n", report.n_left_out))
        .hint(Text::new("failure.data_empty_hint").arg("problems", told.collect::<Vec<_>>().join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(n: usize, n_learned: usize) -> Example {
        let labels = (0..n).map(|i| if i >= n - n_learned { 1 } else { -100 }).collect();
        Example { ids: vec![1; n], labels, class: None }
    }

    #[test]
    fn long_rows_are_cut_and_counted() {
        let mut report = DataReport { max_length: 10, ..DataReport::default() };
        let place = || Place { file: Path::new("a").into(), row: 7, start: "".into(), made_of: None };
        let rows = vec![(place(), example(12, 4)), (place(), example(12, 2)), (place(), example(5, 1))];
        let none = |_: &[u32]| String::new();
        let kept = cut(rows, &mut report, false, &none);
        assert_eq!(kept.iter().map(|(_, e)| e.ids.len()).collect::<Vec<_>>(), [10, 5]);
        assert_eq!((report.n_truncated, report.n_left_out, report.problems[0].row), (2, 1, 7));
        let pieces = cut(vec![(place(), example(25, 25))], &mut report, true, &|ids| ids.len().to_string());
        assert_eq!(pieces.iter().map(|(place, _)| &*place.start).collect::<Vec<_>>(), ["10", "10", "5"]);
        assert_eq!(pieces.iter().map(|(_, e)| e.ids.len()).collect::<Vec<_>>(), [10, 10, 5]);
    }
}
