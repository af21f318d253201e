//! Lines that could not be read when a dataset came in: they wait in a file beside its rows until a person has mended
//! or dismissed them.

use crate::job_cx::Shared;
use anyhow::{Context as _, Result};
use glassworks_protocol::datasets::DatasetRecord;
use glassworks_protocol::datasets::import::{BadRow, FileFormat};
use glassworks_protocol::ids::DatasetId;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// One JSON object a line, in the order of their places.
const FILE: &str = "bad.jsonl";

/// Written as an import goes on; what a killed one has left is written over by the next.
pub struct BadFile {
    file: BufWriter<File>,
    path: PathBuf,
    next: u64,
}

impl BadFile {
    /// Goes on after `n` lines that count.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn append(folder: &Path, n: u64) -> Result<Self> {
        let path = folder.join(FILE);
        let keep = end_of(&path, n)?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let mut file = file.with_context(|| format!("writing {}", path.display()))?;
        file.set_len(keep)?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0))?;
        Ok(Self { file: BufWriter::new(file), path, next: n })
    }

    /// # Errors
    /// When the disk says no.
    pub fn push(&mut self, mut row: BadRow) -> Result<()> {
        row.n = self.next;
        self.next += 1;
        serde_json::to_writer(&mut self.file, &row)?;
        self.file.write_all(b"\n").with_context(|| format!("writing {}", self.path.display()))
    }

    /// How many there are now, once they are on disk.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn finish(mut self) -> Result<u64> {
        self.file.flush().and_then(|()| self.file.get_ref().sync_all())?;
        Ok(self.next)
    }
}

/// Where the first `n` lines end.
fn end_of(path: &Path, n: u64) -> Result<u64> {
    let Some(mut file) = reader(path)? else { return Ok(0) };
    let (mut end, mut line) = (0, Vec::new());
    for _ in 0..n {
        line.clear();
        let read = file.read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        end += read as u64;
    }
    Ok(end)
}

fn reader(path: &Path) -> Result<Option<BufReader<File>>> {
    match File::open(path) {
        Ok(file) => Ok(Some(BufReader::new(file))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

/// What a line that a person has mended is read as: of its file's format. An object in JSON is a row of any.
pub fn format_of(file: &str) -> FileFormat {
    let name = file.trim_end_matches(".gz").trim_end_matches(".zst").to_lowercase();
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("csv" | "tsv" | "tab" | "psv") => FileFormat::Table,
        Some("txt" | "md" | "text") => FileFormat::Text,
        _ => FileFormat::Jsonl,
    }
}

/// How many lines there are that count: those that wait and those that are done with.
///
/// # Errors
/// When the disk says no.
pub fn n_written(shared: &Shared, record: &DatasetRecord, folder: &Path) -> Result<u64> {
    let done = shared.runtime.block_on(shared.store.dataset_bad_done(record.id))?;
    let n = record.n_bad + done.len() as u64;
    // A database that was lost has forgotten which are done with: they wait again.
    let mut n_there = 0;
    each(folder, &mut |_| {
        n_there += 1;
        Ok(n_there < n)
    })?;
    Ok(n_there)
}

/// Some of those that wait: `n` from the place `from` among them on.
///
/// # Errors
/// When the file cannot be read.
pub fn page(folder: &Path, done: &BTreeSet<u64>, from: u64, n: u64) -> Result<Vec<BadRow>> {
    let mut rows = Vec::new();
    let mut at = 0;
    each(folder, &mut |row| {
        if !done.contains(&row.n) {
            if at >= from {
                rows.push(row);
            }
            at += 1;
        }
        Ok((rows.len() as u64) < n)
    })?;
    Ok(rows)
}

/// One of them.
///
/// # Errors
/// When the file cannot be read.
pub fn one(folder: &Path, n: u64) -> Result<Option<BadRow>> {
    let mut found = None;
    each(folder, &mut |row| {
        if row.n == n {
            found = Some(row);
            return Ok(false);
        }
        Ok(true)
    })?;
    Ok(found)
}

/// Hands out those that wait, as long as `take` says to go on.
///
/// # Errors
/// When the dataset is gone or its file cannot be read, and what `take` returns.
pub fn each_waiting(
    shared: &Shared,
    dataset: DatasetId,
    take: &mut dyn FnMut(BadRow) -> Result<bool>,
) -> Result<()> {
    let done = shared.runtime.block_on(shared.store.dataset_bad_done(dataset))?;
    each(&super::folder(&shared.home, dataset), &mut |row| {
        if done.contains(&row.n) { Ok(true) } else { take(row) }
    })
}

/// Hands out all of them, as long as `take` says to go on.
///
/// # Errors
/// When the file cannot be read, and what `take` returns.
pub fn each(folder: &Path, take: &mut dyn FnMut(BadRow) -> Result<bool>) -> Result<()> {
    let path = folder.join(FILE);
    let Some(file) = reader(&path)? else { return Ok(()) };
    for line in file.lines() {
        let line = line.with_context(|| format!("reading {}", path.display()))?;
        let row = serde_json::from_str(&line).with_context(|| format!("reading {}", path.display()))?;
        if !take(row)? {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::text::Text;

    fn bad(text: &str) -> BadRow {
        BadRow {
            n: 0,
            file: "a.csv".to_owned(),
            row: 7,
            reason: Text::new("failure.unexpected"),
            text: text.to_owned(),
            whole: true,
        }
    }

    #[test]
    fn lines_wait_in_order_and_a_killed_import_leaves_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let texts = |from, n, done: &[u64]| -> Vec<String> {
            let done = done.iter().copied().collect();
            let rows = page(folder.path(), &done, from, n).expect("it reads");
            rows.into_iter().map(|row| format!("{}{}", row.n, row.text)).collect()
        };
        assert!(texts(0, 10, &[]).is_empty());
        let mut file = BadFile::append(folder.path(), 0).expect("it opens");
        for text in ["a", "b\n", "c"] {
            file.push(bad(text)).expect("it writes");
        }
        assert_eq!(file.finish().expect("it ends"), 3);
        assert_eq!(texts(0, 10, &[]), ["0a", "1b\n", "2c"]);
        assert_eq!(texts(1, 1, &[0]), ["2c"]);
        // One that was killed had written two more, the second of them half.
        let path = folder.path().join(FILE);
        let mut left = std::fs::read(&path).expect("it is there");
        left.extend(b"{\"n\":3,\"file\":\"x\"}\n{\"n\":");
        std::fs::write(&path, left).expect("it writes");
        let mut file = BadFile::append(folder.path(), 3).expect("it opens");
        file.push(bad("d")).expect("it writes");
        assert_eq!(file.finish().expect("it ends"), 4);
        assert_eq!(texts(0, 10, &[1]), ["0a", "2c", "3d"]);
        assert_eq!(one(folder.path(), 3).expect("it reads").expect("it is there").text, "d");
        assert_eq!(one(folder.path(), 9).expect("it reads"), None);
    }
}
