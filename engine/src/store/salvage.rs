//! Reading rows out of the pages of a SQLite file that SQLite itself may refuse: no schema, no header and no
//! index is needed, only leaf pages of tables. File format: <https://sqlite.org/fileformat2.html>.
//!
//! **Invariant.** Whatever the bytes are, nothing here panics, loops without end, or allocates more than a
//! page at the word of the file alone.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

const DEFAULT_PAGE: usize = 4096;
const LEAF: u8 = 0x0d;

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub rowid: i64,
    pub values: Vec<Value>,
}

/// The pages of a database, its write-ahead log laid over them.
pub(super) struct Pages {
    file: File,
    size: usize,
    n_pages: u32,
    /// Pages whose newest committed version stands in the log, and where.
    logged: HashMap<u32, u64>,
    log: Option<File>,
}

impl Pages {
    pub fn open(path: &Path, log: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut head = [0; 18];
        let n_read = read_fully(&mut file, &mut head)?;
        let length = file.metadata()?.len();
        let mut pages = Self { file, size: DEFAULT_PAGE, n_pages: 0, logged: HashMap::new(), log: None };
        if n_read == head.len() && head.starts_with(b"SQLite format 3\0") {
            pages.size = page_size(u32::from(u16::from_be_bytes([head[16], head[17]])));
        }
        if let Ok(log) = File::open(log) {
            pages.read_log(log)?;
        }
        let in_file = u32::try_from(length / pages.size as u64).unwrap_or(u32::MAX);
        pages.n_pages = pages.logged.keys().copied().max().unwrap_or(0).max(in_file);
        Ok(pages)
    }

    pub fn numbers(&self) -> std::ops::RangeInclusive<u32> {
        1..=self.n_pages
    }

    /// The rows of a page; none if it is no leaf of a table. Rows that make no sense are left out.
    pub fn rows(&mut self, number: u32) -> io::Result<Vec<Row>> {
        let Some(page) = self.page(number)? else { return Ok(Vec::new()) };
        let head = if number == 1 { 100 } else { 0 };
        if page.get(head) != Some(&LEAF) {
            return Ok(Vec::new());
        }
        let n_cells = u16_at(&page, head + 3).unwrap_or(0);
        let mut rows = Vec::new();
        for idx in 0..usize::from(n_cells) {
            let Some(at) = u16_at(&page, head + 8 + 2 * idx) else { break };
            let Some(payload) = self.payload(&page, usize::from(at))? else { continue };
            if let Some(values) = record(&payload.bytes) {
                rows.push(Row { rowid: payload.rowid, values });
            }
        }
        Ok(rows)
    }

    fn page(&mut self, number: u32) -> io::Result<Option<Vec<u8>>> {
        let logged = self.logged.get(&number).copied();
        let (file, at) = match (logged, &mut self.log) {
            (Some(at), Some(log)) => (log, at),
            _ if number == 0 => return Ok(None),
            _ => (&mut self.file, u64::from(number - 1) * self.size as u64),
        };
        file.seek(SeekFrom::Start(at))?;
        let mut page = vec![0; self.size];
        let n_read = read_fully(file, &mut page)?;
        Ok((n_read == page.len()).then_some(page))
    }

    /// The cell at `at`, with what of it stands on overflow pages.
    fn payload(&mut self, page: &[u8], at: usize) -> io::Result<Option<Payload>> {
        let Some((total, rowid, start)) = cell_head(page, at) else { return Ok(None) };
        let usable = self.size;
        if total > u64::from(self.n_pages) * usable as u64 {
            return Ok(None);
        }
        let total = total as usize;
        let local = local_length(total, usable);
        let Some(bytes) = page.get(start..start + local) else { return Ok(None) };
        let mut bytes = bytes.to_vec();
        let mut next = if local < total { u32_at(page, start + local) } else { Some(0) };
        while bytes.len() < total {
            let Some(overflow) = next.filter(|n| *n > 0) else { return Ok(None) };
            let Some(page) = self.page(overflow)? else { return Ok(None) };
            let wanted = (total - bytes.len()).min(usable - 4);
            bytes.extend_from_slice(&page[4..4 + wanted]);
            next = u32_at(&page, 0);
        }
        Ok(Some(Payload { rowid, bytes }))
    }

    /// Notes which pages the log has newer versions of: those of whole transactions whose checksums hold.
    fn read_log(&mut self, mut log: File) -> io::Result<()> {
        let mut head = [0; 32];
        if read_fully(&mut log, &mut head)? < head.len() {
            return Ok(());
        }
        let word = |at| u32_at(&head, at).unwrap_or(0);
        let magic = word(0);
        if magic & !1 != 0x377f_0682 || page_size(word(8)) as u32 != word(8) {
            return Ok(());
        }
        let big_endian = magic & 1 == 1;
        let mut sum = checksum(&head[..24], [0, 0], big_endian);
        if sum != [word(24), word(28)] {
            return Ok(());
        }
        self.size = page_size(word(8));
        let mut frame = vec![0; 24 + self.size];
        let mut at = head.len() as u64;
        let mut pending = Vec::new();
        while read_fully(&mut log, &mut frame)? == frame.len() {
            sum = checksum(&frame[..8], sum, big_endian);
            sum = checksum(&frame[24..], sum, big_endian);
            let word = |at| u32_at(&frame, at).unwrap_or(0);
            if frame[8..16] != head[16..24] || sum != [word(16), word(20)] {
                break;
            }
            pending.push((word(0), at + 24));
            if word(4) > 0 {
                self.logged.extend(pending.drain(..));
            }
            at += frame.len() as u64;
        }
        self.log = Some(log);
        Ok(())
    }
}

struct Payload {
    rowid: i64,
    bytes: Vec<u8>,
}

fn page_size(stated: u32) -> usize {
    match stated {
        1 => 65_536,
        512..=65_536 if stated.is_power_of_two() => stated as usize,
        _ => DEFAULT_PAGE,
    }
}

fn read_fully(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n_read = 0;
    while n_read < buffer.len() {
        match file.read(&mut buffer[n_read..]) {
            Ok(0) => break,
            Ok(n) => n_read += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n_read)
}

fn checksum(bytes: &[u8], mut sum: [u32; 2], big_endian: bool) -> [u32; 2] {
    for pair in bytes.chunks_exact(8) {
        let word = |at: usize| {
            let bytes = [pair[at], pair[at + 1], pair[at + 2], pair[at + 3]];
            if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
        };
        sum[0] = sum[0].wrapping_add(word(0)).wrapping_add(sum[1]);
        sum[1] = sum[1].wrapping_add(word(4)).wrapping_add(sum[0]);
    }
    sum
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// A variable-length integer and how many bytes it takes.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for idx in 0..8 {
        let byte = *bytes.get(idx)?;
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, idx + 1));
        }
    }
    Some((value << 8 | u64::from(*bytes.get(8)?), 9))
}

/// Length of the payload, row id, and where the payload starts.
fn cell_head(page: &[u8], at: usize) -> Option<(u64, i64, usize)> {
    let (total, n_total) = varint(page.get(at..)?)?;
    let (rowid, n_rowid) = varint(page.get(at + n_total..)?)?;
    Some((total, rowid as i64, at + n_total + n_rowid))
}

/// How much of a payload stands in the cell itself.
fn local_length(total: usize, usable: usize) -> usize {
    let most = usable - 35;
    if total <= most {
        return total;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let fitting = least + (total - least) % (usable - 4);
    if fitting <= most { fitting } else { least }
}

fn record(payload: &[u8]) -> Option<Vec<Value>> {
    let (head_length, mut at) = varint(payload)?;
    let head_length = usize::try_from(head_length).ok().filter(|n| *n <= payload.len())?;
    let mut body = payload.get(head_length..)?;
    let mut values = Vec::new();
    while at < head_length {
        let (kind, n) = varint(payload.get(at..head_length)?)?;
        at += n;
        let (value, rest) = value(kind, body)?;
        values.push(value);
        body = rest;
    }
    Some(values)
}

fn value(kind: u64, body: &[u8]) -> Option<(Value, &[u8])> {
    let int = |n: usize| {
        let (bytes, rest) = body.split_at_checked(n)?;
        let negative = bytes.first()? & 0x80 != 0;
        let start = if negative { -1 } else { 0 };
        Some((Value::Int(bytes.iter().fold(start, |value, byte| value << 8 | i64::from(*byte))), rest))
    };
    match kind {
        0 => Some((Value::Null, body)),
        1..=4 => int(kind as usize),
        5 => int(6),
        6 => int(8),
        7 => {
            let (bytes, rest) = body.split_at_checked(8)?;
            Some((Value::Real(f64::from_be_bytes(bytes.try_into().ok()?)), rest))
        }
        8 | 9 => Some((Value::Int(kind as i64 - 8), body)),
        10 | 11 => None,
        _ => {
            let (bytes, rest) = body.split_at_checked(usize::try_from((kind - 12) / 2).ok()?)?;
            let value = if kind.is_multiple_of(2) {
                Value::Blob(bytes.to_vec())
            } else {
                // Zeros at the end are a page that was wiped.
                Value::Text(std::str::from_utf8(bytes).ok()?.trim_end_matches('\0').to_owned())
            };
            Some((value, rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_every_width() {
        assert_eq!(varint(&[0x7f]), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0x00]), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0x80]), None);
        for (kind, bytes, wanted) in [
            (1, &[0xff][..], -1),
            (2, &[0x01, 0x00], 256),
            (5, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], -2),
            (6, &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MAX),
            (8, &[], 0),
            (9, &[], 1),
        ] {
            assert_eq!(value(kind, bytes).unwrap().0, Value::Int(wanted));
        }
        assert_eq!(value(4, &[1, 2]), None);
        assert_eq!(value(u64::MAX, &[1]), None);
    }

    #[test]
    fn any_bytes_at_all_are_survived() {
        let folder = tempfile::tempdir().unwrap();
        let (path, log) = (folder.path().join("db"), folder.path().join("log"));
        let mut state = 1_u64;
        let mut random = |n: usize| -> Vec<u8> {
            (0..n)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect()
        };
        for round in 0..300 {
            let mut bytes = random(3 * DEFAULT_PAGE + round);
            for page in 0..3 {
                bytes[page * DEFAULT_PAGE] = LEAF;
                bytes[page * DEFAULT_PAGE + 3] = 0;
            }
            if round % 3 == 0 {
                bytes[..16].copy_from_slice(b"SQLite format 3\0");
                bytes[100] = LEAF;
            }
            std::fs::write(&path, &bytes).unwrap();
            std::fs::write(&log, random(round)).unwrap();
            let mut pages = Pages::open(&path, &log).unwrap();
            for number in pages.numbers() {
                pages.rows(number).unwrap();
            }
        }
    }
}
