//! Rows of datasets in a model's tokens, counted and kept in memory as long as the program runs: for the numbers of a
//! row, for views by them, and so that only rows that have changed are counted again.

use crate::data::count::{RowCount, RowUse};
use crate::tokenizer::TextCodec;
use glassworks_protocol::datasets::measure::{MeasureReport, MeasureSpec, TokenCount};
use glassworks_protocol::datasets::overview::Histogram;
use glassworks_protocol::datasets::roles::Mapping;
use glassworks_protocol::datasets::rows::{RowId, Split};
use glassworks_protocol::ids::DatasetId;
use glassworks_protocol::train::{TaskSpec, TrainSpec};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Measures that are kept, each of a dataset, a model and a goal.
const MOST: usize = 6;
/// Ranges of a histogram at most.
const RANGES: u32 = 60;

/// The measures that were made, the newest last.
#[derive(Default)]
pub struct Measures(Mutex<Vec<Arc<Measured>>>);

/// Rows in tokens.
pub struct Measured {
    /// As it was asked for last.
    pub spec: MeasureSpec,
    pub mapping: Mapping,
    /// The tokenizer; another one, be it of the same model, has another address.
    pub codec: Arc<TextCodec>,
    /// Where rows are cut.
    pub max_length: u32,
    /// By row id.
    pub rows: Vec<Option<Stamped>>,
}

/// A count, and the hash of what the row said then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamped {
    pub hash: u64,
    pub count: RowCount,
}

impl Measures {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Measured>>> {
        // What is in it is whole or absent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was counted for the same model and goal, wherever rows were cut.
    #[must_use]
    pub fn like(&self, spec: &MeasureSpec) -> Option<Arc<Measured>> {
        let same = |one: &&Arc<Measured>| {
            (one.spec.dataset, &one.spec.model, one.spec.task) == (spec.dataset, &spec.model, spec.task)
        };
        self.lock().iter().rev().find(same).cloned()
    }

    /// The newest of a dataset.
    #[must_use]
    pub fn newest(&self, dataset: DatasetId) -> Option<Arc<Measured>> {
        self.lock().iter().rev().find(|one| one.spec.dataset == dataset).cloned()
    }

    /// Keeps a measure in place of the one for the same.
    pub fn keep(&self, measured: Arc<Measured>) {
        let mut all = self.lock();
        let spec = &measured.spec;
        all.retain(|one| {
            (one.spec.dataset, &one.spec.model, one.spec.task) != (spec.dataset, &spec.model, spec.task)
        });
        if all.len() >= MOST {
            all.remove(0);
        }
        all.push(measured);
    }

    /// A dataset is gone.
    pub fn forget(&self, dataset: DatasetId) {
        self.lock().retain(|one| one.spec.dataset != dataset);
    }
}

impl Measured {
    /// What was counted of a row that says what `hash` is of; `None` where it has changed since.
    #[must_use]
    pub fn row(&self, row: RowId, hash: u64) -> Option<&RowCount> {
        let stamped = self.rows.get(row.0 as usize)?.as_ref()?;
        (stamped.hash == hash).then_some(&stamped.count)
    }

    /// The same in numbers, where rows are cut now.
    #[must_use]
    pub fn tokens(&self, row: RowId, hash: u64) -> Option<TokenCount> {
        Some(self.row(row, hash)?.cut_at(self.max_length))
    }

    /// Whether long rows are cut into pieces, of which none is lost.
    #[must_use]
    pub fn cuts_into_pieces(&self) -> bool {
        matches!(self.spec.task, TaskSpec::Text | TaskSpec::Scratch(_))
    }
}

/// Where rows are cut: where a run of the same goal over the same rows would cut them. `counts` are the usable rows'.
#[must_use]
pub fn max_length<'a>(
    spec: &MeasureSpec,
    counts: impl Iterator<Item = (Option<Split>, &'a RowCount)>,
    context_length: u32,
) -> u32 {
    let (mut learned, mut other) = (Vec::new(), Vec::new());
    for (split, count) in counts.filter(|(_, count)| count.n_tokens > 0) {
        let trains = matches!(split, None | Some(Split::Train));
        if trains { &mut learned } else { &mut other }.push(count.n_tokens);
    }
    let mut lengths = if learned.is_empty() { other } else { learned };
    lengths.sort_unstable();
    cuts_at(spec, percentile(&lengths, 95), context_length)
}

/// As a run has it.
#[must_use]
pub fn cuts_at(spec: &MeasureSpec, percentile_95: u32, context_length: u32) -> u32 {
    let mut run = match spec.task {
        TaskSpec::Scratch(scratch) => TrainSpec::from_scratch(scratch),
        task => TrainSpec { task, ..TrainSpec::default() },
    };
    run.batch.max_length = spec.max_length;
    run.max_length(percentile_95, context_length)
}

/// Of lengths in order, what so many hundredths stay below.
fn percentile(lengths: &[u32], hundredths: usize) -> u32 {
    lengths.get(lengths.len() * hundredths / 100).or(lengths.last()).copied().unwrap_or(0)
}

/// What all rows come to where they are cut at `max_length`.
#[must_use]
pub fn report<'a>(
    spec: &MeasureSpec,
    revision: u64,
    counts: impl Iterator<Item = &'a RowCount>,
    max_length: u32,
) -> MeasureReport {
    let mut report = MeasureReport {
        spec: spec.clone(),
        revision,
        n_rows: 0,
        n_tokens: 0,
        n_targets: 0,
        longest: 0,
        p50: 0,
        p95: 0,
        p99: 0,
        max_length,
        n_cut: 0,
        n_cut_away: 0,
        n_no_target: 0,
        n_left_out: 0,
        lengths: Histogram::default(),
        secs: 0.0,
    };
    let mut lengths = Vec::new();
    for count in counts {
        report.n_rows += 1;
        match count.use_of {
            RowUse::NoTarget => report.n_no_target += 1,
            RowUse::LeftOut => report.n_left_out += 1,
            _ => {
                let at = count.cut_at(max_length);
                report.n_tokens += u64::from(at.n_tokens);
                report.n_targets += u64::from(at.n_targets);
                report.n_cut += u64::from(count.is_cut_at(max_length));
                report.n_cut_away += u64::from(at.n_kept_targets == 0);
                lengths.push(at.n_tokens);
            }
        }
    }
    lengths.sort_unstable();
    report.longest = lengths.last().copied().unwrap_or(0);
    [report.p50, report.p95, report.p99] = [50, 95, 99].map(|hundredths| percentile(&lengths, hundredths));
    report.lengths = histogram(&lengths);
    report
}

/// Lengths in at most [`RANGES`] ranges of a round width.
fn histogram(lengths: &[u32]) -> Histogram {
    let Some(longest) = lengths.last() else { return Histogram::default() };
    let least = longest / RANGES + 1;
    let magnitude = 10_u32.pow(least.ilog10());
    let round = [1, 2, 5, 10].into_iter().map(|times| times * magnitude).find(|width| *width >= least);
    let width = round.unwrap_or(least);
    let mut counts = vec![0; (longest / width + 1) as usize];
    lengths.iter().for_each(|length| counts[(length / width) as usize] += 1);
    Histogram { width, counts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_round_and_hold_every_row() {
        let check = |longest: u32, width: u32| {
            let histogram = histogram(&[1, longest / 2, longest]);
            assert_eq!(histogram.width, width, "{longest}");
            assert!(histogram.counts.len() <= RANGES as usize + 1);
            assert_eq!(histogram.counts.iter().sum::<u64>(), 3);
        };
        check(2, 1);
        check(59, 1);
        check(60, 2);
        check(900, 20);
        check(100_000, 2000);
        assert_eq!(histogram(&[]), Histogram::default());
    }

    #[test]
    fn the_limit_is_of_rows_that_are_learned_from() {
        let spec = MeasureSpec {
            dataset: DatasetId::mint(),
            model: glassworks_protocol::generate::ModelSource::Path("m".into()),
            task: TaskSpec::Chat,
            max_length: None,
        };
        let count = |n_tokens| RowCount { n_tokens, use_of: RowUse::Class };
        let (short, long, none) = (count(20), count(400), RowCount::default());
        let at = |rows: &[(Option<Split>, &RowCount)]| max_length(&spec, rows.iter().copied(), 256);
        assert_eq!(at(&[(None, &short), (Some(Split::Test), &long), (None, &none)]), 20);
        assert_eq!(at(&[(Some(Split::Validation), &long)]), 256, "what the model reads");
        assert_eq!(at(&[]), 16);
        let chosen = MeasureSpec { max_length: Some(64), ..spec.clone() };
        assert_eq!(max_length(&chosen, [(None, &long)].into_iter(), 256), 64);
        let report = report(&chosen, 3, [&short, &long, &none].into_iter(), 64);
        assert_eq!((report.n_rows, report.n_tokens, report.n_cut, report.n_left_out), (3, 420, 1, 1));
        assert_eq!((report.longest, report.p50, report.revision), (400, 400, 3));
    }
}
