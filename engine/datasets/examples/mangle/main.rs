//! Hands each reader broken files: copies of good ones changed where their format has its joints, the same ones for
//! the same seed. Each must be read to its end, as rows and bad rows that account for it, or be refused: what breaks
//! that, panics or hangs ends the run, and the copy is kept for looking into. It belongs into the corpus then.
//! Who runs it limits the memory.
//!
//!     mangle READER|all CORPUS KEPT [ROUNDS] [SEED]
//!
//! CORPUS has a folder for each reader, whose files (or folders, for the reader of those) are the cases.

mod apart;
mod dice;
mod mutate;
mod pages;
mod target;

use anyhow::{Context as _, Result, bail};
use dice::Dice;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use target::{Counts, TARGETS, Target};

/// One copy may take this long, on a machine that does something else too.
const MOST_SECS: u64 = 120;

/// After so many copies that were not read as they should be a reader's run ends.
const MOST_BROKEN: u64 = 12;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = "mangle READER|all CORPUS KEPT [ROUNDS] [SEED]";
    let [reader, corpus, kept, rest @ ..] = arguments.as_slice() else { bail!(usage) };
    let number = |at: usize, or: u64| rest.get(at).map_or(Ok(or), |one| one.parse()).context("a number");
    let (rounds, seed) = (number(0, 2000)?, number(1, 1)?);
    let chosen: Vec<&Target> = TARGETS.iter().filter(|one| reader == "all" || reader == one.name).collect();
    if chosen.is_empty() {
        bail!("no reader {reader}; there are {}", TARGETS.each_ref().map(|one| one.name).join(", "));
    }
    std::fs::create_dir_all(kept)?;
    let beat = Arc::new(AtomicU64::new(0));
    watch(beat.clone())?;
    let mut broken = 0;
    for target in chosen {
        broken += run(target, &Path::new(corpus).join(target.name), Path::new(kept), rounds, seed, &beat)?;
    }
    if broken > 0 {
        bail!("{broken} copies in {kept} were not read as they should be");
    }
    Ok(())
}

/// A file, or the files of a folder, each with its name.
type Case = (String, Vec<(String, Vec<u8>)>);

fn cases(folder: &Path) -> Result<Vec<Case>> {
    let mut paths: Vec<PathBuf> = folder
        .read_dir()
        .with_context(|| folder.display().to_string())?
        .map(|one| Ok(one?.path()))
        .collect::<Result<_>>()?;
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut cases = Vec::new();
    for path in paths {
        let mut files = Vec::new();
        if path.is_dir() {
            let mut inside: Vec<PathBuf> =
                path.read_dir()?.map(|one| Ok(one?.path())).collect::<Result<_>>()?;
            inside.sort();
            for one in inside {
                files.push((name(&one), std::fs::read(&one)?));
            }
        } else {
            files.push((String::new(), std::fs::read(&path)?));
        }
        cases.push((name(&path), files));
    }
    Ok(cases)
}

/// How many copies were not read as they should be; no more than a few are looked for.
fn run(target: &Target, corpus: &Path, kept: &Path, rounds: u64, seed: u64, beat: &AtomicU64) -> Result<u64> {
    let cases = cases(corpus)?;
    let (mut dice, begun) = (Dice::new(seed), Instant::now());
    let (mut counts, mut broken) = (Counts::default(), 0);
    for round in 0..rounds {
        let (name, files) = &cases[dice.below(cases.len())];
        let (_, others) = &cases[dice.below(cases.len())];
        let hit = dice.below(files.len());
        let copy = kept.join(format!("{}-{seed}-{round}-{name}", target.name));
        // There before it is read: whatever happens, it can be looked into.
        for (at, (inside, bytes)) in files.iter().enumerate() {
            let other = &others[dice.below(others.len())].1;
            let bytes = if at == hit || dice.rarely(4) {
                mutate::mangled(target, name, bytes, other, &mut dice)
            } else {
                bytes.clone()
            };
            let path = if inside.is_empty() { copy.clone() } else { copy.join(inside) };
            std::fs::create_dir_all(path.parent().context("a folder")?)?;
            std::fs::write(path, bytes)?;
        }
        match catch_unwind(AssertUnwindSafe(|| target::read(&copy, target))) {
            Ok(found) => {
                counts += found;
                remove(&copy)?;
            }
            Err(_) => {
                broken += 1;
                writeln!(std::io::stderr(), "not as it should be: {}", copy.display())?;
            }
        }
        beat.fetch_add(1, Ordering::Relaxed);
        if broken == MOST_BROKEN {
            break;
        }
    }
    let Counts { rows, bad, refused } = counts;
    let secs = begun.elapsed().as_secs();
    let line = format!(
        "{}: {rounds} broken copies of {} cases, {rows} rows, {bad} bad ones, {refused} refusals, {broken} broken, {secs} s",
        target.name,
        cases.len()
    );
    writeln!(std::io::stdout(), "{line}")?;
    Ok(broken)
}

fn remove(copy: &Path) -> Result<()> {
    if copy.is_dir() {
        std::fs::remove_dir_all(copy)?
    } else {
        std::fs::remove_file(copy)?
    }
    Ok(())
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
