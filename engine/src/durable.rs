//! Folders of files that are whole or not there: written aside, synced, renamed; an interruption at any point
//! leaves the old one or the new one.

use anyhow::{Context as _, Result};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Makes a folder's entries (a new name, a rename) survive a power cut, where the system can.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn beside(target: &Path, ending: &str) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    target.with_file_name(name)
}

/// Fills a folder aside and puts it in the place of `target`.
///
/// # Errors
/// What `fill` returns, and what the disk says; `target` is then as it was.
pub fn replace_folder(target: &Path, fill: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    settle(target)?;
    let aside = beside(target, ".incomplete");
    fs::create_dir_all(&aside).with_context(|| format!("making {}", aside.display()))?;
    let filled = fill(&aside).and_then(|()| Ok(sync_files(&aside)?));
    if let Err(error) = filled {
        // What was begun takes room; if it cannot go, the next attempt removes it.
        if let Err(error) = fs::remove_dir_all(&aside) {
            tracing::debug!("{} stays: {error}", aside.display());
        }
        return Err(error);
    }
    // Under this name it is whole.
    fs::rename(&aside, beside(target, ".next")).with_context(|| format!("renaming {}", aside.display()))?;
    sync_parent(target)?;
    settle(target)
}

fn sync_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            File::open(path)?.sync_all()?;
        }
    }
    sync_folder(folder)
}

fn sync_parent(target: &Path) -> Result<()> {
    let parent = target.parent().unwrap_or(Path::new("."));
    sync_folder(parent).with_context(|| format!("syncing {}", parent.display()))
}

/// Ends a replacement that was interrupted: `target` is then the newest folder that is whole, if there is one.
///
/// # Errors
/// When the disk says no.
pub fn settle(target: &Path) -> Result<()> {
    let (next, old) = (beside(target, ".next"), beside(target, ".old"));
    if next.is_dir() {
        if target.is_dir() {
            remove(&old)?;
            fs::rename(target, &old).with_context(|| format!("renaming {}", target.display()))?;
        }
        fs::rename(&next, target).with_context(|| format!("renaming {}", next.display()))?;
        sync_parent(target)?;
    }
    if target.is_dir() {
        remove(&old)?;
    }
    remove(&beside(target, ".incomplete"))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Bytes of the files in a folder.
#[must_use]
pub fn folder_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file).map(|m| m.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, text: &str) -> Result<()> {
        fs::create_dir_all(folder)?;
        Ok(fs::write(folder.join("a"), text)?)
    }

    fn text(folder: &Path) -> String {
        fs::read_to_string(folder.join("a")).unwrap()
    }

    #[test]
    fn a_folder_is_replaced_and_nothing_stays_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("last");
        for n in ["1", "2", "3"] {
            replace_folder(&target, &mut |folder| write(folder, n)).unwrap();
            assert_eq!(text(&target), n);
        }
        let failed = replace_folder(&target, &mut |folder| {
            write(folder, "4")?;
            anyhow::bail!("the disk is full")
        });
        assert!(failed.is_err());
        assert_eq!(text(&target), "3");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        assert_eq!(folder_bytes(&target), 1);
    }

    /// Every state that an interruption can leave.
    #[test]
    fn an_interrupted_replacement_ends_in_one_folder() {
        let check = |there: &[(&str, &str)], expected: &str| {
            let home = tempfile::tempdir().unwrap();
            for (name, contents) in there {
                write(&home.path().join(name), contents).unwrap();
            }
            let target = home.path().join("last");
            settle(&target).unwrap();
            assert_eq!(text(&target), expected, "{there:?}");
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "{there:?}");
        };
        check(&[("last", "old"), ("last.incomplete", "half")], "old");
        check(&[("last", "old"), ("last.next", "new")], "new");
        check(&[("last.old", "old"), ("last.next", "new")], "new");
        check(&[("last.old", "old"), ("last", "new")], "new");
        check(&[("last.next", "new")], "new");
    }
}
