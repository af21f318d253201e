//! Rows on disk that never change: `NNNN.jsonl`, a line a row, and `NNNN.idx`, where each line begins.
//!
//! An index is magic, rows, bytes of text, the text's CRC-32, a u32 of each line's beginning, and a CRC-32 of all
//! that. The state that names a segment holds its counts and CRC too: an index that is torn or lies is made anew
//! from the text, and believed when it comes to the same; a text that is not what the state says is refused.

use super::disk::{self, Numbers};
use crate::Tick;
use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"gwindex1";

/// Files of less are opened when they are read, so that many small ones need no handles.
const KEPT_OPEN_BYTES: u32 = 1 << 20;

/// What a state knows of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRecord {
    pub number: u32,
    pub n_rows: u32,
    /// Of the text, newlines included.
    pub n_bytes: u32,
    pub crc: u32,
}

impl SegmentRecord {
    #[must_use]
    pub fn text_path(&self, folder: &Path) -> PathBuf {
        path(folder, self.number, "jsonl")
    }
}

pub(crate) fn path(folder: &Path, number: u32, ending: &str) -> PathBuf {
    folder.join(format!("{number:04}.{ending}"))
}

/// A segment being written, under another name until it is whole. Dropped before, it leaves nothing.
#[derive(Debug)]
pub struct SegmentWriter {
    folder: PathBuf,
    number: u32,
    text: Option<BufWriter<File>>,
    crc: crc32fast::Hasher,
    starts: Vec<u32>,
    n_bytes: u32,
}

impl SegmentWriter {
    /// # Errors
    /// When the folder cannot be written to.
    pub fn create(folder: &Path, number: u32) -> Result<Self> {
        let beside = disk::aside(&path(folder, number, "jsonl"));
        let file = File::create(&beside).with_context(|| format!("creating {}", beside.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            number,
            text: Some(BufWriter::with_capacity(1 << 18, file)),
            crc: crc32fast::Hasher::new(),
            starts: Vec::new(),
            n_bytes: 0,
        })
    }

    /// Whether a line still fits; a segment holds 4 GiB.
    #[must_use]
    pub fn takes(&self, line: &[u8]) -> bool {
        u32::try_from(line.len() + 1).is_ok_and(|n| self.n_bytes.checked_add(n).is_some())
    }

    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    #[must_use]
    pub fn n_bytes(&self) -> u32 {
        self.n_bytes
    }

    /// Writes a line, and says its place.
    ///
    /// # Errors
    /// When the disk is full, or the line has a newline or does not fit.
    pub fn push(&mut self, line: &[u8]) -> Result<u32> {
        ensure!(self.takes(line), "a line of {} bytes does not fit into segment {}", line.len(), self.number);
        ensure!(memchr::memchr(b'\n', line).is_none(), "a line has a newline");
        let place = disk::count(self.starts.len())?;
        let text = self.text.as_mut().context("the segment is finished")?;
        text.write_all(line).and_then(|()| text.write_all(b"\n")).context("writing rows")?;
        self.crc.update(line);
        self.crc.update(b"\n");
        self.starts.push(self.n_bytes);
        self.n_bytes += disk::count(line.len())? + 1;
        Ok(place)
    }

    /// Puts the segment in place.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn finish(mut self) -> Result<Segment> {
        let text = self.text.take().context("the segment is finished")?;
        let record = SegmentRecord {
            number: self.number,
            n_rows: disk::count(self.starts.len())?,
            n_bytes: self.n_bytes,
            crc: self.crc.clone().finalize(),
        };
        let at = record.text_path(&self.folder);
        let finish = || -> Result<()> {
            let file = text.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            file.sync_all()?;
            std::fs::rename(disk::aside(&at), &at)?;
            write_index(&self.folder, &record, &self.starts)
        };
        if let Err(error) = finish() {
            self.remove();
            return Err(error.context(format!("writing {}", at.display())));
        }
        let starts = std::mem::take(&mut self.starts);
        Segment::over(&self.folder, record, starts)
    }

    fn remove(&self) {
        // Swept at the next opening where this fails.
        drop(std::fs::remove_file(disk::aside(&path(&self.folder, self.number, "jsonl"))));
    }
}

impl Drop for SegmentWriter {
    fn drop(&mut self) {
        if self.text.take().is_some() {
            self.remove();
        }
    }
}

fn write_index(folder: &Path, record: &SegmentRecord, starts: &[u32]) -> Result<()> {
    let mut bytes = Vec::with_capacity(starts.len() * 4 + 24);
    bytes.extend_from_slice(MAGIC);
    for number in [record.n_rows, record.n_bytes, record.crc].iter().chain(starts) {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    disk::seal(&mut bytes);
    disk::write_whole(&path(folder, record.number, "idx"), &bytes)
}

/// The beginnings that an index holds, when it is whole and speaks of this text.
fn read_index(bytes: &[u8], record: &SegmentRecord) -> Option<Vec<u32>> {
    let mut numbers = Numbers(disk::unseal(bytes)?);
    let same = numbers.bytes(8)? == MAGIC
        && numbers.u32()? == record.n_rows
        && numbers.u32()? == record.n_bytes
        && numbers.u32()? == record.crc;
    let starts =
        numbers.u32s(usize::try_from(record.n_rows).ok()?).filter(|_| same && numbers.0.is_empty())?;
    let ends = starts.iter().skip(1).chain([&record.n_bytes]);
    let rises = starts.iter().zip(ends).all(|(start, end)| start < end);
    (rises && starts.first().is_none_or(|first| *first == 0)).then_some(starts)
}

/// Rows that lie on disk.
#[derive(Debug)]
pub struct Segment {
    record: SegmentRecord,
    path: PathBuf,
    file: Option<File>,
    /// Where lines begin, and where the last one ends.
    starts: Vec<u32>,
}

impl Segment {
    /// Opens what a state names. An index that is missing, torn or lies is made anew from the text.
    ///
    /// # Errors
    /// Names the file when the text is not what the state says.
    pub fn open(folder: &Path, record: SegmentRecord) -> Result<Self> {
        let text = record.text_path(folder);
        let n_bytes =
            std::fs::metadata(&text).map_err(|error| disk::damaged(&text, &error.to_string()))?.len();
        if n_bytes != u64::from(record.n_bytes) {
            let why = format!("{n_bytes} bytes long, {} were written", record.n_bytes);
            return Err(disk::damaged(&text, &why));
        }
        let index = std::fs::read(path(folder, record.number, "idx")).unwrap_or_default();
        if let Some(starts) = read_index(&index, &record) {
            return Self::over(folder, record, starts);
        }
        let starts = find_starts(&text, &record, &|_| Ok(()))?;
        write_index(folder, &record, &starts)?;
        Self::over(folder, record, starts)
    }

    fn over(folder: &Path, record: SegmentRecord, mut starts: Vec<u32>) -> Result<Self> {
        starts.push(record.n_bytes);
        starts.shrink_to_fit();
        let path = record.text_path(folder);
        let file = if record.n_bytes >= KEPT_OPEN_BYTES { Some(open(&path)?) } else { None };
        Ok(Self { record, path, file, starts })
    }

    #[must_use]
    pub fn record(&self) -> &SegmentRecord {
        &self.record
    }

    /// Where a line begins; of the number of rows: where the last one ends.
    pub(crate) fn start(&self, index: u32) -> u32 {
        self.starts.get(index as usize).copied().unwrap_or(self.record.n_bytes)
    }

    /// Reads the lines from one to another, that one not included, each with its newline.
    pub(crate) fn read(&self, from: u32, to: u32, buffer: &mut Vec<u8>) -> Result<()> {
        let (start, end) = (self.start(from), self.start(to));
        buffer.resize((end - start) as usize, 0);
        let read = match &self.file {
            Some(file) => disk::read_at(file, buffer, u64::from(start)),
            None => disk::read_at(&open(&self.path)?, buffer, u64::from(start)),
        };
        read.map_err(|error| disk::damaged(&self.path, &error.to_string()))?;
        if buffer.last().is_some_and(|last| *last != b'\n') {
            return Err(disk::damaged(&self.path, &format!("no line ends at byte {end}")));
        }
        Ok(())
    }

    /// Every line without its newline, in order.
    ///
    /// # Errors
    /// Those of reading, and what `each` returns.
    pub fn for_each(&self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let (mut from, mut buffer) = (0, Vec::new());
        while from < self.record.n_rows {
            let limit = self.start(from).saturating_add(1 << 20);
            let within = self.starts[from as usize + 1..].partition_point(|end| *end <= limit);
            let to = from + disk::count(within.clamp(1, (self.record.n_rows - from) as usize))?;
            self.read(from, to, &mut buffer)?;
            let base = self.start(from);
            for index in from..to {
                let line = (self.start(index) - base) as usize..(self.start(index + 1) - base) as usize - 1;
                each(&buffer[line])?;
            }
            from = to;
        }
        Ok(())
    }

    /// Reads all of the text and compares it with its CRC-32; `tick` is told how many lines were read.
    ///
    /// # Errors
    /// Names the file when it is another one. When `tick` ends the work.
    pub fn verify(&self, tick: Tick<'_>) -> Result<()> {
        find_starts(&self.path, &self.record, tick).map(drop)
    }

    /// Bytes in memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.starts.capacity() * 4
    }
}

fn open(path: &Path) -> Result<File> {
    File::open(path).with_context(|| format!("opening {}", path.display()))
}

/// Where lines begin, read from the text; refused unless it is the text that was written.
fn find_starts(text: &Path, record: &SegmentRecord, tick: Tick<'_>) -> Result<Vec<u32>> {
    let mut file = open(text)?;
    let (mut starts, mut at, mut begins) = (Vec::new(), 0_u32, true);
    let mut crc = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let n = file.read(&mut buffer).with_context(|| format!("reading {}", text.display()))?;
        if n == 0 {
            break;
        }
        crc.update(&buffer[..n]);
        if begins {
            starts.push(at);
        }
        begins = buffer[n - 1] == b'\n';
        for place in memchr::memchr_iter(b'\n', &buffer[..n - 1]) {
            starts.push(at.saturating_add(disk::count(place)? + 1));
        }
        at = at.saturating_add(disk::count(n)?);
        tick(starts.len() as u64)?;
    }
    let same = crc.finalize() == record.crc && at == record.n_bytes && starts.len() == record.n_rows as usize;
    if !same {
        return Err(disk::damaged(text, "its checksum is another one"));
    }
    Ok(starts)
}
