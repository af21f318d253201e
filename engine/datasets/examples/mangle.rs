//! Hands the readers broken files: copies of good ones with bytes changed, cut off or grown, the same ones for the
//! same seed. Each must be read to its end, as rows and bad rows, or be refused: a panic or a hang ends the run, and
//! the copy is kept for looking into. Who runs it limits the memory.
//!
//!     mangle CORPUS KEPT [ROUNDS] [SEED]

use anyhow::{Context as _, Result, bail};
use glassworks_datasets::formats::{open, preview};
use glassworks_protocol::datasets::import::{FileFormat, ImportSource, PreviewSpec, ReadOptions};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One copy may take this long.
const MOST_SECS: u64 = 20;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [corpus, kept, rest @ ..] = arguments.as_slice() else { bail!("mangle CORPUS KEPT [ROUNDS] [SEED]") };
    let number = |at: usize, or: u64| rest.get(at).map_or(Ok(or), |one| one.parse()).context("a number");
    let (rounds, mut dice) = (number(0, 2000)?, Dice(number(1, 1)? | 1));
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(corpus)? {
        let path = entry?.path();
        if path.is_file() && path.extension().is_none_or(|ending| ending != "py" && ending != "md") {
            files.push(path);
        }
    }
    files.sort();
    std::fs::create_dir_all(kept)?;
    let beat = Arc::new(AtomicU64::new(0));
    watch(beat.clone())?;
    let (mut n_rows, mut n_bad) = (0, 0);
    for round in 0..rounds {
        let file = &files[dice.below(files.len())];
        let name = file.file_name().context("a name")?.to_string_lossy().into_owned();
        let copy = Path::new(kept).join(format!("{round}-{name}"));
        // There before it is read: whatever happens, it can be looked into.
        std::fs::write(&copy, mangled(std::fs::read(file)?, &mut dice))?;
        let format = FORMATS[dice.below(FORMATS.len())];
        let read = catch_unwind(AssertUnwindSafe(|| read(&copy, format)));
        match read {
            Ok((rows, bad)) => (n_rows, n_bad) = (n_rows + rows, n_bad + bad),
            Err(_) => bail!("a panic: {}, as {format:?}", copy.display()),
        }
        std::fs::remove_file(&copy)?;
        beat.fetch_add(1, Ordering::Relaxed);
    }
    writeln!(
        std::io::stdout(),
        "{rounds} broken copies of {} files: {n_rows} rows, {n_bad} bad ones",
        files.len()
    )?;
    Ok(())
}

/// Most often what the file is found to be.
const FORMATS: [Option<FileFormat>; 12] = [
    None,
    None,
    None,
    None,
    None,
    Some(FileFormat::Jsonl),
    Some(FileFormat::Json),
    Some(FileFormat::Table),
    Some(FileFormat::Parquet),
    Some(FileFormat::Text),
    Some(FileFormat::Conll),
    Some(FileFormat::Squad),
];

/// Rows and bad rows; a refusal is none of either.
fn read(path: &Path, format: Option<FileFormat>) -> (u64, u64) {
    let source = ImportSource::Files(vec![path.to_owned()]);
    let options = ReadOptions { format, ..ReadOptions::default() };
    if preview(&PreviewSpec { source: source.clone(), options: options.clone() }).is_err() {
        return (0, 0);
    }
    let (mut rows, mut bad, mut line) = (0, 0, Vec::new());
    let Ok(mut reader) = open(&source, &options) else { return (0, 0) };
    while let Ok(Some(read)) = reader.next(&mut line) {
        match read {
            glassworks_datasets::formats::Read::Row { .. } => {
                // What comes out as a row is one for everybody.
                assert!(glassworks_datasets::from_line(&line).is_ok(), "a row that is none");
                rows += 1;
            }
            glassworks_datasets::formats::Read::Bad(_) => bad += 1,
        }
    }
    (rows, bad)
}

/// Ends the process when a copy takes too long; it is still in its folder then.
fn watch(beat: Arc<AtomicU64>) -> Result<()> {
    let watch = move || {
        let mut last = u64::MAX;
        loop {
            let now = beat.load(Ordering::Relaxed);
            if now == last {
                std::process::abort();
            }
            last = now;
            std::thread::sleep(Duration::from_secs(MOST_SECS));
        }
    };
    std::thread::Builder::new().name("watch".to_owned()).spawn(watch)?;
    Ok(())
}

/// Random numbers by the seed alone (xorshift64*).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 33) % n.max(1) as u64) as usize
    }
}

const PIECES: [&[u8]; 16] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"\r",
    b"\n\n",
    b"\0",
    b"\xFF",
    b"1e999",
    b"\\ud800",
    b"\t",
    b"null",
    b"99999999999999999999",
];

fn mangled(mut bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..[1, 1, 2, 8][dice.below(4)] {
        // A footer is hit as often as the rest.
        let tail = dice.below(3) == 0;
        let reach = if tail { bytes.len().min(512) } else { bytes.len() };
        let at = bytes.len() - reach + dice.below(reach);
        match dice.below(6) {
            0 if at < bytes.len() => bytes[at] = dice.next() as u8,
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..(at + 1 + dice.below(64)).min(bytes.len()))),
            3 => {
                let again = bytes[at..(at + 1 + dice.below(64)).min(bytes.len())].to_vec();
                drop(bytes.splice(at..at, again));
            }
            4 => {
                let large =
                    [0u64, 1, 1 << 31, u64::from(u32::MAX), 1 << 40, 1 << 63, u64::MAX][dice.below(7)];
                let end = (at + 8).min(bytes.len());
                drop(bytes.splice(at..end, large.to_le_bytes()));
            }
            _ => drop(bytes.splice(at..at, PIECES[dice.below(PIECES.len())].iter().copied())),
        }
    }
    bytes
}
