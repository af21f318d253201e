//! Rows in tokens: how many, how many are learned, and how many of those are left where rows are cut. What is counted
//! is what [`super::load`] makes of the same rows; it is counted once for all lengths that rows could be cut at.

use super::{Content, Encoder, Example};
use crate::chat_template::Room;
use anyhow::{Context as _, Result};
use glassworks_datasets::table::Table;
use glassworks_protocol::datasets::measure::TokenCount;
use glassworks_protocol::datasets::rows::RowId;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::TaskSpec;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Why nothing can be learned of a row for which there is nothing to learn, among the reasons that rows are left out.
const NO_TARGET: [&str; 4] =
    ["train.row.no_answer", "train.row.no_label", "train.row.empty", "train.row.one_token"];

/// A row in tokens, wherever it is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowCount {
    /// 0 where the row cannot be used.
    pub n_tokens: u32,
    pub use_of: RowUse,
}

/// What is learned of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RowUse {
    /// Nothing: it cannot be used.
    #[default]
    LeftOut,
    /// Nothing: there is no answer, no label, no text.
    NoTarget,
    /// Every token after the first; long rows are cut into pieces.
    Pieces,
    /// What the whole is sorted as.
    Class,
    /// These tokens, from and to; none is the first.
    Spans(Box<[(u32, u32)]>),
}

impl RowCount {
    /// Counts a row.
    #[must_use]
    pub fn of(encoder: &Encoder<'_>, content: Result<Content, Text>) -> Self {
        let example = content.and_then(|content| encoder.example(&content));
        match example {
            Ok(example) => Self::of_example(encoder, &example),
            Err(reason) if NO_TARGET.contains(&&*reason.key) => {
                Self { n_tokens: 0, use_of: RowUse::NoTarget }
            }
            Err(_) => Self::default(),
        }
    }

    fn of_example(encoder: &Encoder<'_>, example: &Example) -> Self {
        let n_tokens = example.ids.len() as u32;
        let use_of = match encoder.task {
            _ if encoder.cuts_into_pieces() && n_tokens < 2 => {
                return Self { n_tokens: 0, use_of: RowUse::NoTarget };
            }
            _ if encoder.cuts_into_pieces() => RowUse::Pieces,
            TaskSpec::Classification(_) => RowUse::Class,
            _ => RowUse::Spans(example.learned_spans().into()),
        };
        Self { n_tokens, use_of }
    }

    /// Its numbers where rows are cut at `max_length` tokens.
    #[must_use]
    pub fn cut_at(&self, max_length: u32) -> TokenCount {
        let n_tokens = self.n_tokens;
        let (n_targets, n_kept_targets) = match &self.use_of {
            RowUse::LeftOut | RowUse::NoTarget => (0, 0),
            // The first of each piece has nothing before it.
            RowUse::Pieces => (n_tokens - 1, n_tokens - n_tokens.div_ceil(max_length.max(1))),
            RowUse::Class => (1, 1),
            RowUse::Spans(spans) => {
                let within = |most: u32| spans.iter().map(|(from, to)| to.min(&most) - from.min(&most)).sum();
                (within(u32::MAX), within(max_length))
            }
        };
        TokenCount { n_tokens, n_targets, n_kept_targets }
    }

    /// Whether something of it goes where rows are cut at `max_length` tokens; pieces keep all.
    #[must_use]
    pub fn is_cut_at(&self, max_length: u32) -> bool {
        self.n_tokens > max_length && self.use_of != RowUse::Pieces
    }
}

/// Rows that a thread takes at once.
const CHUNK: usize = 64;
/// More threads would wait for the disk.
const MOST_THREADS: usize = 16;

/// Counts rows of a table by as many threads as compute at once, in no order; `tick` is told how many are done.
///
/// # Errors
/// When a row cannot be read from disk, and what `tick` returns.
pub fn rows(
    table: &Table,
    rows: &[RowId],
    encoder: &Encoder<'_>,
    tick: &(dyn Fn(u64) -> Result<()> + Sync),
) -> Result<Vec<(RowId, RowCount)>> {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let n_threads = n_threads.min(rows.len().div_ceil(CHUNK)).max(1);
    let shared =
        Shared { table, rows, encoder, tick, next: AtomicUsize::new(0), n_done: AtomicUsize::new(0) };
    std::thread::scope(|scope| {
        let shared = &shared;
        let start = |at: usize| {
            let thread = Room::spawn(scope, format!("count-rows-{at}"), |room| shared.work(room));
            thread.context("starting a thread")
        };
        let threads: Vec<_> = (0..n_threads).map(start).collect();
        let mut found = Ok(Vec::with_capacity(rows.len()));
        for thread in threads {
            let counts = match thread.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(counts)) => counts,
                // The job's boundary makes a failure of it.
                Ok(Err(payload)) => std::panic::resume_unwind(payload),
                Err(error) => Err(error),
            };
            found = found.and_then(|mut all: Vec<_>| {
                all.append(&mut counts?);
                Ok(all)
            });
        }
        found
    })
}

/// What all who count share.
struct Shared<'a> {
    table: &'a Table,
    rows: &'a [RowId],
    encoder: &'a Encoder<'a>,
    tick: &'a (dyn Fn(u64) -> Result<()> + Sync),
    next: AtomicUsize,
    n_done: AtomicUsize,
}

impl Shared<'_> {
    /// One chunk after the other, until there is none; an error leaves none to the others.
    fn work(&self, room: &Room) -> Result<Vec<(RowId, RowCount)>> {
        let Encoder { codec, template, now_ms, .. } = *self.encoder;
        template.in_room(room, codec, now_ms, |rendering| {
            let encoder = Encoder { rendering: Some(rendering), ..*self.encoder };
            let mut counts = Vec::new();
            let done = self.chunks(&encoder, &mut counts);
            if done.is_err() {
                self.next.store(self.rows.len(), Ordering::Relaxed);
            }
            done.map(|()| counts)
        })
    }

    fn chunks(&self, encoder: &Encoder<'_>, counts: &mut Vec<(RowId, RowCount)>) -> Result<()> {
        loop {
            let from = self.next.fetch_add(CHUNK, Ordering::Relaxed);
            if from >= self.rows.len() {
                return Ok(());
            }
            let chunk = &self.rows[from..self.rows.len().min(from + CHUNK)];
            self.table.for_each(chunk, &|_| Ok(()), &mut |row, line| {
                let fields = serde_json::from_slice(line).map_err(|_| Text::new("train.row.not_json"));
                let content = fields.and_then(|fields| Content::of(&fields, self.table.mapping()));
                counts.push((row, RowCount::of(encoder, content)));
                // A row may be long: who stops it is not to wait for a whole chunk.
                (self.tick)(self.n_done.fetch_add(1, Ordering::Relaxed) as u64 + 1)
            })?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(count: RowCount, max_length: u32, expected: (u32, u32), cut: bool) {
        let at = count.cut_at(max_length);
        assert_eq!((at.n_targets, at.n_kept_targets), expected, "{count:?} at {max_length}");
        assert_eq!(count.is_cut_at(max_length), cut, "{count:?} at {max_length}");
    }

    #[test]
    fn what_is_left_follows_from_where_rows_are_cut() {
        let spans =
            |n_tokens, spans: &[(u32, u32)]| RowCount { n_tokens, use_of: RowUse::Spans(spans.into()) };
        check(spans(10, &[(3, 5), (7, 10)]), 10, (5, 5), false);
        check(spans(10, &[(3, 5), (7, 10)]), 8, (5, 3), true);
        check(spans(10, &[(3, 5), (7, 10)]), 3, (5, 0), true);
        let pieces = RowCount { n_tokens: 25, use_of: RowUse::Pieces };
        check(pieces.clone(), 10, (24, 22), false);
        check(pieces.clone(), 25, (24, 24), false);
        check(pieces, 12, (24, 22), false);
        check(RowCount { n_tokens: 40, use_of: RowUse::Class }, 10, (1, 1), true);
        check(RowCount::default(), 10, (0, 0), false);
    }
}
