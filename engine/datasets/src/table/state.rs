//! Whole states of a table: `state-N.bin`, to open and to come back to.
//!
//! A head names the segments with their checksums, so that states are what everything else is held against: magic,
//! length of the head, next id, rows, segments, CRC-32. The body holds runs of rows that lie beside each other, runs
//! of marks, made rows, and a CRC-32. Numbers are little-endian u32.

use super::disk::{self, Numbers};
use super::facts::FactsList;
use super::marks::Marks;
use super::segment::{self, Segment, SegmentRecord, SegmentWriter};
use super::{Part, Place, Reckoner, Table};
use crate::Tick;
use anyhow::{Context as _, Result};
use glassworks_protocol::datasets::{Made, MadeHow, RowId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"gwstate1";

/// By their numbers on disk.
const HOWS: [MadeHow; 9] = [
    MadeHow::TokenDropout,
    MadeHow::TokenSwap,
    MadeHow::CharacterNoise,
    MadeHow::Synonyms,
    MadeHow::Casing,
    MadeHow::Punctuation,
    MadeHow::Model,
    MadeHow::Counterfactual,
    MadeHow::Oversampling,
];

pub(crate) fn path(folder: &Path, n: u32) -> PathBuf {
    folder.join(format!("state-{n}.bin"))
}

/// The states that lie in a folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<u32>> {
    let mut states: Vec<u32> = names(folder)?
        .iter()
        .filter_map(|name| name.strip_prefix("state-")?.strip_suffix(".bin")?.parse().ok())
        .collect();
    states.sort_unstable();
    Ok(states)
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// Removes states but those to keep, and the segments that none of those has.
///
/// # Errors
/// When the folder cannot be read, or a state to keep is damaged; then nothing is removed.
pub fn prune(folder: &Path, keep: &[u32]) -> Result<()> {
    for n in keep {
        read_head(folder, *n)?;
    }
    for n in list(folder)?.into_iter().filter(|n| !keep.contains(n)) {
        let path = path(folder, n);
        std::fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
    }
    sweep(folder).map(drop)
}

/// Lays a state and its segments down in another folder, which is there and empty, as its first state. Both folders
/// share what never changes, where the disk lets files have two names.
///
/// # Errors
/// When the state is damaged, or the disk says no.
pub fn copy(folder: &Path, n: u32, to: &Path) -> Result<()> {
    for record in read_head(folder, n)?.segments {
        for ending in ["jsonl", "idx", "facts"] {
            let (from, to) =
                (segment::path(folder, record.number, ending), segment::path(to, record.number, ending));
            // All but the text is made anew where it is missing.
            if ending == "jsonl" || from.exists() {
                disk::share(&from, &to)?;
            }
        }
    }
    disk::write_whole(&path(to, 1), &read_file(folder, n)?)
}

/// A number that no segment has had, nor one that is being written.
pub(super) fn next_segment(folder: &Path) -> Result<u32> {
    let mut next = 1;
    for name in names(folder)? {
        let number = name.split('.').next().and_then(|stem| stem.parse::<u32>().ok());
        next = next.max(number.map_or(0, |number| number.saturating_add(1)));
    }
    for n in list(folder)? {
        if let Ok(head) = read_head(folder, n) {
            let last = head.segments.iter().map(|record| record.number).max();
            next = next.max(last.map_or(0, |last| last.saturating_add(1)));
        }
    }
    Ok(next)
}

/// Removes what a crash left behind: files that were not finished, and segments of no state. To be called while nobody
/// writes there. Returns the next free number of a segment.
///
/// # Errors
/// When the folder cannot be read, or a file not be removed.
pub fn sweep(folder: &Path) -> Result<u32> {
    let (mut used, mut sure) = (BTreeSet::new(), true);
    for n in list(folder)? {
        // While a state cannot be read nobody knows which segments it has.
        let Ok(head) = read_head(folder, n) else {
            sure = false;
            continue;
        };
        used.extend(head.segments.iter().map(|record| record.number));
    }
    let next = next_segment(folder)?;
    for name in names(folder)? {
        let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
        let number = stem.parse::<u32>().ok().filter(|_| matches!(ending, "jsonl" | "idx" | "facts"));
        let orphan = sure && number.is_some_and(|number| !used.contains(&number));
        if ending == disk::INCOMPLETE || orphan {
            let path = folder.join(&name);
            std::fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(next)
}

struct Head {
    next_id: u32,
    n_rows: u32,
    segments: Vec<SegmentRecord>,
}

fn read_file(folder: &Path, n: u32) -> Result<Vec<u8>> {
    let path = path(folder, n);
    std::fs::read(&path).map_err(|error| disk::damaged(&path, &error.to_string()))
}

fn read_head(folder: &Path, n: u32) -> Result<Head> {
    let path = path(folder, n);
    let mut start = Vec::new();
    let mut file = std::fs::File::open(&path).map_err(|error| disk::damaged(&path, &error.to_string()))?;
    // Enough for a thousand segments; more are read with all of the file.
    std::io::Read::read_to_end(&mut std::io::Read::take(&mut file, 16 << 10), &mut start)?;
    if let Some((head, _)) = parse_head(&start) {
        return Ok(head);
    }
    let (head, _) =
        parse_head(&read_file(folder, n)?).ok_or_else(|| disk::damaged(&path, "its head is damaged"))?;
    Ok(head)
}

fn parse_head(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let mut numbers = Numbers(bytes);
    if numbers.bytes(8)? != MAGIC {
        return None;
    }
    let n = numbers.u32()? as usize;
    let (head, body) = bytes.split_at_checked(n)?;
    let mut numbers = Numbers(disk::unseal(head)?.get(12..)?);
    let (next_id, n_rows, n_segments) = (numbers.u32()?, numbers.u32()?, numbers.u32()?);
    let mut segments = Vec::new();
    for _ in 0..n_segments {
        let (number, n_rows, n_bytes, crc) = (numbers.u32()?, numbers.u32()?, numbers.u32()?, numbers.u32()?);
        segments.push(SegmentRecord { number, n_rows, n_bytes, crc });
    }
    numbers.0.is_empty().then_some((Head { next_id, n_rows, segments }, body))
}

/// What the body says.
struct Body {
    order: Vec<RowId>,
    places: Vec<Place>,
    marks: Vec<Marks>,
    made: BTreeMap<RowId, Made>,
}

/// Every number is held against the head: what lies within it can be used.
fn parse_body(head: &Head, body: &[u8]) -> Option<Body> {
    let mut numbers = Numbers(disk::unseal(body)?);
    let n_rows = head.n_rows as usize;
    if head.n_rows > head.next_id {
        return None;
    }
    let mut order = Vec::with_capacity(n_rows);
    let mut places = vec![Place::GONE; head.next_id as usize];
    for _ in 0..numbers.u32()? {
        let (id, n, number, index) = (numbers.u32()?, numbers.u32()?, numbers.u32()?, numbers.u32()?);
        let record = head.segments.iter().find(|record| record.number == number)?;
        let fits = index.checked_add(n)? <= record.n_rows
            && id.checked_add(n)? <= head.next_id
            && order.len() + n as usize <= n_rows;
        if !fits {
            return None;
        }
        for at in 0..n {
            let place = places.get_mut((id + at) as usize).filter(|place| **place == Place::GONE)?;
            *place = Place::at(number, index + at);
            order.push(RowId(id + at));
        }
    }
    let (mut marks, mut done) = (vec![Marks::default(); places.len()], 0_usize);
    for _ in 0..numbers.u32()? {
        let (n, mark) = (numbers.u32()? as usize, Marks(numbers.u8()?));
        for row in order.get(done..done.checked_add(n)?)? {
            marks[row.0 as usize] = mark;
        }
        done += n;
    }
    let mut made = BTreeMap::new();
    for _ in 0..numbers.u32()? {
        let (row, from) = (RowId(numbers.u32()?), RowId(numbers.u32()?));
        made.insert(row, Made { from, how: *HOWS.get(usize::from(numbers.u8()?))? });
    }
    let whole = order.len() == n_rows && done == n_rows && numbers.0.is_empty();
    whole.then_some(Body { order, places, marks, made })
}

impl Table {
    /// Puts a state in place of what is there; on an error the table is not to be used.
    pub(super) fn load(&mut self, n: u32, tick: Tick<'_>) -> Result<()> {
        let (path, bytes) = (self.state_path(n), read_file(&self.folder, n)?);
        let damaged = || disk::damaged(&path, "its checksum is another one");
        let (head, body) = parse_head(&bytes).ok_or_else(damaged)?;
        let body = parse_body(&head, body).ok_or_else(damaged)?;
        let mut parts = BTreeMap::new();
        let mut n_done = 0;
        for record in &head.segments {
            let known =
                self.parts.get(&record.number).filter(|part| part.segment.record() == record).cloned();
            let part = match known {
                Some(part) => part,
                None => {
                    let segment = Segment::open(&self.folder, *record)?;
                    let reckoner = Arc::make_mut(&mut self.reckoner);
                    let facts = FactsList::of(&segment, &self.folder, reckoner, &|n| tick(n_done + n))?;
                    n_done += u64::from(record.n_rows);
                    Part { segment: Arc::new(segment), facts: Arc::new(facts) }
                }
            };
            parts.insert(record.number, part);
        }
        self.reserve(head.next_id);
        self.parts = Arc::new(parts);
        self.order = Arc::new(body.order);
        self.places = Arc::new(body.places);
        self.marks = Arc::new(body.marks);
        self.made = Arc::new(body.made);
        self.fresh = Arc::default();
        self.saved = Some(n);
        Ok(())
    }

    /// Writes the present as a state, rows that were in memory only as a new segment before it.
    ///
    /// # Errors
    /// When the disk says no; the table stays as it was.
    pub fn save_state(&mut self, n: u32) -> Result<()> {
        let mut next = self.clone();
        next.flush()?;
        next.write_state(n)?;
        *self = next;
        Ok(())
    }

    /// Puts rows that are in memory only into a new segment.
    pub(super) fn flush(&mut self) -> Result<()> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<RowId> = self.fresh.keys().copied().collect();
        rows.sort_unstable();
        let number = self.new_segment();
        let (mut writer, mut facts) = (SegmentWriter::create(&self.folder, number)?, FactsList::default());
        let places = Arc::make_mut(&mut self.places);
        for row in rows {
            let fresh = self.fresh.get(&row).context("a fresh row has no line")?;
            if !writer.takes(&fresh.line) {
                let full = std::mem::take(&mut facts);
                let number = self.next_segment.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let writer = std::mem::replace(&mut writer, SegmentWriter::create(&self.folder, number)?);
                add_part(&mut self.parts, &self.folder, &self.reckoner, writer, full)?;
            }
            let index = writer.push(&fresh.line)?;
            facts.push(fresh.facts);
            places[row.0 as usize] = Place::at(writer.number(), index);
        }
        add_part(&mut self.parts, &self.folder, &self.reckoner, writer, facts)?;
        self.fresh = Arc::default();
        Ok(())
    }

    /// Writes `state-N.bin`; rows are all in segments by now.
    pub(super) fn write_state(&mut self, n: u32) -> Result<()> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(MAGIC);
        let mut put = |number: u32| bytes.extend_from_slice(&number.to_le_bytes());
        put(disk::count(self.parts.len() * 16 + 28)?);
        put(self.next_id);
        put(disk::count(self.order.len())?);
        put(disk::count(self.parts.len())?);
        for part in self.parts.values() {
            let record = part.segment.record();
            [record.number, record.n_rows, record.n_bytes, record.crc].into_iter().for_each(&mut put);
        }
        disk::seal(&mut bytes);
        let body = self.body()?;
        bytes.extend_from_slice(&body);
        disk::write_whole(&self.state_path(n), &bytes)?;
        self.saved = Some(n);
        Ok(())
    }

    fn body(&self) -> Result<Vec<u8>> {
        let mut runs: Vec<[u32; 4]> = Vec::new();
        let mut marks: Vec<(u32, u8)> = Vec::new();
        for row in &*self.order {
            let (number, index) = self.place(*row).parts().context("a row is in no segment")?;
            match runs.last_mut() {
                Some([id, n, segment, first])
                    if *id + *n == row.0 && *segment == number && *first + *n == index =>
                {
                    *n += 1;
                }
                _ => runs.push([row.0, 1, number, index]),
            }
            let mark = self.mark(*row).0;
            match marks.last_mut() {
                Some((n, same)) if *same == mark => *n += 1,
                _ => marks.push((1, mark)),
            }
        }
        let mut body = Vec::with_capacity(runs.len() * 16 + marks.len() * 5 + self.made.len() * 9 + 16);
        body.extend_from_slice(&disk::count(runs.len())?.to_le_bytes());
        runs.iter().flatten().for_each(|number| body.extend_from_slice(&number.to_le_bytes()));
        body.extend_from_slice(&disk::count(marks.len())?.to_le_bytes());
        for (n, mark) in marks {
            body.extend_from_slice(&n.to_le_bytes());
            body.push(mark);
        }
        body.extend_from_slice(&disk::count(self.made.len())?.to_le_bytes());
        for (row, made) in &*self.made {
            body.extend_from_slice(&row.0.to_le_bytes());
            body.extend_from_slice(&made.from.0.to_le_bytes());
            let how =
                HOWS.iter().position(|how| *how == made.how).context("a way of making has no number")?;
            body.push(u8::try_from(how)?);
        }
        disk::seal(&mut body);
        Ok(body)
    }
}

/// Puts a segment in place, with its facts.
pub(super) fn add_part(
    parts: &mut Arc<BTreeMap<u32, Part>>,
    folder: &Path,
    reckoner: &Reckoner,
    writer: SegmentWriter,
    mut facts: FactsList,
) -> Result<()> {
    let segment = writer.finish()?;
    let number = segment.record().number;
    facts.shrink();
    facts.keep(folder, number, reckoner.mapping, &reckoner.labels);
    let part = Part { segment: Arc::new(segment), facts: Arc::new(facts) };
    Arc::make_mut(parts).insert(number, part);
    Ok(())
}

/// Removes the files of a segment that no state will have; what stays is swept at the next opening.
pub(super) fn remove_segment(folder: &Path, number: u32) {
    for ending in ["facts", "idx", "jsonl"] {
        drop(std::fs::remove_file(segment::path(folder, number, ending)));
    }
}
