//! Putting a backup back: checked whole into a staging folder, moved into place at the next start.
//!
//! **Invariant.** Interrupted at any point nothing is lost: the home is as it was until a backup is staged
//! whole; from then on each start goes on where the last one stopped, by renames alone.

use super::backup::{FORMAT, Listed, MANIFEST, Manifest, Tick, VERSION, WithDatabase, hex, stays};
use super::open::newest_schema;
use crate::home::{DATABASE, Home, cannot_use, sync_folder};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Notice};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

/// A backup being unpacked.
const STAGING: &str = "restore-staging";
/// A backup that waits for the next start.
const PENDING: &str = "restore-pending";
/// What stood in the home before.
const BEFORE: &str = "before-restore-";
/// Within a staged backup: what goes into the home, and how far that is.
const TREE: &str = "home";
const STATE: &str = "state.json";
/// A manifest lists each file in some hundred bytes.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;
const MAX_NAME_BYTES: u64 = 4096;

/// How far a waiting restore is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    /// The folder beside which keeps what stood there.
    before: String,
    /// Everything old is there; the backup's files may come in.
    moved_out: bool,
}

/// Whether a name in the home folder belongs to restoring.
pub(super) fn is_own(name: &str) -> bool {
    name == STAGING || name == PENDING || name.starts_with(BEFORE)
}

/// Checks the backup at `from` and lays it down for the next start. `check_database` is to say whether the
/// database at the path given is usable ([`super::check_database`]).
///
/// # Errors
/// When it isn't a backup, isn't whole, or isn't what it says; the home is as it was then.
pub fn stage(home: &Home, from: &Path, check_database: WithDatabase, tick: Tick) -> anyhow::Result<()> {
    if !home.is_writer() {
        return Err(Failure::new(FailureKind::Io, Text::new("failure.store_read_only")).into());
    }
    let staging = home.path().join(STAGING);
    let staged = fill_staging(&staging, from, check_database, tick);
    if staged.is_err() {
        if let Err(e) = remove_folder(&staging) {
            tracing::warn!("{e}");
        }
        return staged;
    }
    let pending = home.path().join(PENDING);
    remove_folder(&pending)?;
    rename(&staging, &pending)?;
    sync_folder(home.path()).map_err(|e| cannot_use(home.path(), &e))?;
    Ok(())
}

fn fill_staging(staging: &Path, from: &Path, check_database: WithDatabase, tick: Tick) -> anyhow::Result<()> {
    remove_folder(staging)?;
    let tree = staging.join(TREE);
    std::fs::create_dir_all(&tree).map_err(|e| cannot_use(&tree, &e))?;
    let (manifest, found) = unpack(from, &tree, tick)?;
    compare(&manifest, found, from)?;
    check_database(&tree.join(DATABASE))?;
    let now = jiff::Timestamp::from_millisecond(super::now_ms()).unwrap_or_default();
    let before = format!("{BEFORE}{}", now.strftime("%Y%m%d-%H%M%S"));
    save_state(staging, &State { before, moved_out: false })?;
    Ok(())
}

/// What came out of an archive: sizes and hashes by name.
type Found = HashMap<String, (u64, String)>;

fn unpack(from: &Path, tree: &Path, tick: Tick) -> anyhow::Result<(Manifest, Found)> {
    let file = File::open(from).map_err(|e| cannot_use(from, &e))?;
    let total = file.metadata().map_err(|e| cannot_use(from, &e))?.len();
    let broken = |e: io::Error| damaged(from).detail(e.to_string());
    let mut archive = tar::Archive::new(file);
    let mut found = Found::new();
    let mut manifest: Option<Vec<u8>> = None;
    let mut long_name: Option<Vec<u8>> = None;
    // Raw: extensions that may claim any length are seen here before they are read.
    for entry in archive.entries().map_err(broken)?.raw(true) {
        let mut entry = entry.map_err(broken)?;
        let name = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
        let strange = || strange(from, &String::from_utf8_lossy(&name));
        match entry.header().entry_type() {
            tar::EntryType::GNULongName if entry.size() <= MAX_NAME_BYTES => {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).map_err(broken)?;
                bytes.truncate(bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len()));
                long_name = Some(bytes);
                continue;
            }
            tar::EntryType::Regular => {}
            _ => return Err(strange().into()),
        }
        let name = std::str::from_utf8(&name).map_err(|_| strange())?;
        if name == MANIFEST && manifest.is_none() && entry.size() <= MAX_MANIFEST_BYTES {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(broken)?;
            manifest = Some(bytes);
            continue;
        }
        let path = inside(name).ok_or_else(strange)?;
        let target = tree.join(path);
        let at = entry.raw_file_position();
        let written = write_file(&mut entry, &target, from, &mut |n| tick(at + n, total))?;
        if found.insert(name.to_owned(), written).is_some() {
            return Err(strange().into());
        }
    }
    let manifest = manifest.and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok());
    match manifest {
        Some(manifest) if manifest.format == FORMAT => Ok((manifest, found)),
        _ => {
            let text = Text::new("failure.backup_not_ours").arg("file", from.display());
            Err(Failure::new(FailureKind::Input, text).into())
        }
    }
}

fn write_file(
    entry: &mut impl Read,
    target: &Path,
    from: &Path,
    told: &mut dyn FnMut(u64) -> anyhow::Result<()>,
) -> anyhow::Result<(u64, String)> {
    let folder = target.parent().unwrap_or(target);
    std::fs::create_dir_all(folder).map_err(|e| cannot_use(folder, &e))?;
    let mut file = match OpenOptions::new().write(true).create_new(true).open(target) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            return Err(strange(from, &target.display().to_string()).into());
        }
        opened => opened.map_err(|e| cannot_use(target, &e))?,
    };
    let mut sha = Sha256::new();
    let mut n = 0;
    let mut buffer = vec![0; 256 << 10];
    loop {
        let n_read = entry.read(&mut buffer).map_err(|e| damaged(from).detail(e.to_string()))?;
        if n_read == 0 {
            break;
        }
        file.write_all(&buffer[..n_read]).map_err(|e| cannot_use(target, &e))?;
        sha.update(&buffer[..n_read]);
        n += n_read as u64;
        told(n)?;
    }
    file.sync_all().map_err(|e| cannot_use(target, &e))?;
    Ok((n, hex(&sha.finalize())))
}

/// A path below the home, made of plain names, that a backup may hold.
fn inside(name: &str) -> Option<PathBuf> {
    let odd = |c: char| c.is_control() || c == '\\' || c == ':';
    if name.is_empty() || name.contains(odd) || name.split('/').any(|part| part.is_empty() || part == ".") {
        return None;
    }
    let path = Path::new(name);
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let top = name.split('/').next()?;
    let logs_of_database = top.starts_with(DATABASE) && name != DATABASE;
    (!stays(top) && !logs_of_database).then(|| path.to_owned())
}

fn compare(manifest: &Manifest, mut found: Found, from: &Path) -> Result<(), Failure> {
    if manifest.version > VERSION || manifest.schema > newest_schema() {
        let text = Text::new("failure.backup_newer").arg("file", from.display());
        return Err(Failure::new(FailureKind::Input, text)
            .detail(format!("written by Glassworks {}", manifest.program)));
    }
    for Listed { path, size_bytes, sha256 } in &manifest.files {
        if found.remove(path).as_ref() != Some(&(*size_bytes, sha256.clone())) {
            return Err(damaged(from).detail(path.clone()));
        }
    }
    match found.keys().next() {
        Some(unlisted) => Err(strange(from, unlisted)),
        None => Ok(()),
    }
}

fn damaged(from: &Path) -> Failure {
    let text = Text::new("failure.backup_damaged").arg("file", from.display());
    Failure::new(FailureKind::Input, text).hint(Text::new("failure.backup_damaged_hint"))
}

fn strange(from: &Path, entry: &str) -> Failure {
    let text = Text::new("failure.backup_strange").arg("file", from.display()).arg("entry", entry);
    Failure::new(FailureKind::Input, text).hint(Text::new("failure.backup_damaged_hint"))
}

/// Puts a waiting backup in place, or goes on with it.
pub(crate) fn apply_pending(home: &Path) -> Result<Vec<Notice>, Failure> {
    apply(home, &mut || Ok(()))
}

/// `step` is called before each change to the disk.
fn apply(home: &Path, step: &mut dyn FnMut() -> Result<(), Failure>) -> Result<Vec<Notice>, Failure> {
    remove_folder(&home.join(STAGING))?;
    let pending = home.join(PENDING);
    let state = pending.join(STATE);
    if !state.exists() {
        // Nothing waits, or all of it is in place and only the folder is left.
        remove_folder(&pending)?;
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&state).map_err(|e| cannot_use(&state, &e))?;
    let mut state: State = serde_json::from_str(&text).map_err(|e| {
        let text = Text::new("failure.restore_stuck").arg("folder", pending.display());
        Failure::new(FailureKind::Io, text).detail(e.to_string())
    })?;
    let before = home.join(&state.before);
    if !state.moved_out {
        step()?;
        std::fs::create_dir_all(&before).map_err(|e| cannot_use(&before, &e))?;
        for name in entries(home)?.iter().filter(|name| !stays(name)) {
            step()?;
            rename(&home.join(name), &before.join(name))?;
        }
        sync(&before)?;
        sync(home)?;
        state.moved_out = true;
        step()?;
        save_state(&pending, &state)?;
    }
    let tree = pending.join(TREE);
    for name in entries(&tree)? {
        step()?;
        rename(&tree.join(&name), &home.join(&name))?;
    }
    sync(home)?;
    step()?;
    let state = pending.join(STATE);
    std::fs::remove_file(&state).map_err(|e| cannot_use(&state, &e))?;
    step()?;
    remove_folder(&pending)?;
    let text = Text::new("job.restore_applied").arg("folder", before.display());
    Ok(vec![Notice::Info(text)])
}

/// Names that are no Unicode are not of our making and stay where they are.
fn entries(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|e| cannot_use(folder, &e))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|e| cannot_use(folder, &e))?.file_name();
        names.extend(name.into_string().ok());
    }
    names.sort();
    Ok(names)
}

fn save_state(folder: &Path, state: &State) -> Result<(), Failure> {
    let (path, aside) = (folder.join(STATE), folder.join("state.part"));
    let text = serde_json::to_string(state).unwrap_or_default();
    File::create(&aside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|e| cannot_use(&aside, &e))?;
    rename(&aside, &path)?;
    sync(folder)
}

fn rename(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::rename(from, to).map_err(|e| cannot_use(from, &e))
}

fn sync(folder: &Path) -> Result<(), Failure> {
    sync_folder(folder).map_err(|e| cannot_use(folder, &e))
}

fn remove_folder(folder: &Path) -> Result<(), Failure> {
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(cannot_use(folder, &e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    /// A home with a backup waiting beside it.
    fn waiting(home: &Path) {
        write(&home.join("glassworks.db"), "old");
        write(&home.join("glassworks.db-wal"), "old log");
        write(&home.join("captures/only-old"), "old");
        write(&home.join("runs/1/last"), "old");
        write(&home.join("models/big"), "weights");
        write(&home.join("glassworks.lock"), "");
        let pending = home.join(PENDING);
        write(&pending.join("home/glassworks.db"), "new");
        write(&pending.join("home/runs/2/last"), "new");
        save_state(&pending, &State { before: String::from("before-restore-x"), moved_out: false }).unwrap();
    }

    fn check(home: &Path) {
        assert_eq!(read(&home.join("glassworks.db")), "new");
        assert_eq!(read(&home.join("runs/2/last")), "new");
        assert_eq!(read(&home.join("models/big")), "weights");
        for gone in ["glassworks.db-wal", "captures", "runs/1", PENDING] {
            assert!(!home.join(gone).exists(), "{gone}");
        }
        let before = home.join("before-restore-x");
        assert_eq!(read(&before.join("glassworks.db")), "old");
        assert_eq!(read(&before.join("glassworks.db-wal")), "old log");
        assert_eq!(read(&before.join("captures/only-old")), "old");
        assert_eq!(read(&before.join("runs/1/last")), "old");
    }

    #[test]
    fn cut_off_after_any_step_it_goes_on_at_the_next_start() {
        let mut n_steps = 0;
        loop {
            let folder = tempfile::tempdir().unwrap();
            waiting(folder.path());
            let mut left = n_steps;
            let applied = apply(folder.path(), &mut || {
                left -= 1;
                if left < 0 { Err(damaged(Path::new("power cut"))) } else { Ok(()) }
            });
            let whole = applied.is_ok();
            apply_pending(folder.path()).unwrap();
            check(folder.path());
            if whole {
                break;
            }
            n_steps += 1;
        }
        assert!(n_steps > 6, "{n_steps} steps");
    }

    #[test]
    fn nothing_waiting_nothing_done() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join(STAGING).join("home/half"), "half");
        assert!(apply_pending(folder.path()).unwrap().is_empty());
        assert!(entries(folder.path()).unwrap().is_empty());
    }

    #[test]
    fn only_plain_paths_below_the_home_are_let_in() {
        for good in ["glassworks.db", "runs/1/last", "datasets/中文 名.jsonl", "a..b/c"] {
            assert!(inside(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a/..",
            "./a",
            "a//b",
            "a/",
            "a\0b",
            "..\\x",
            "C:/x",
            "glassworks.lock",
            "models/x",
            "restore-pending/state.json",
            "before-restore-1/x",
            "glassworks.db-wal",
            "logs/x",
            "glassworks.db/x",
        ] {
            assert!(inside(bad).is_none(), "{bad}");
        }
    }
}
