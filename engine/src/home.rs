//! The home folder: its layout, and the lock that keeps it to one writer.
//!
//! Readers (`generate`, `inspect`, …) never write, take no lock and work beside a writer. What is in the
//! database is not known here.

use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind, Notice};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::store::restore;

pub const DATABASE: &str = "glassworks.db";
pub const MODELS: &str = "models";
pub const RUNS: &str = "runs";
pub const LOGS: &str = "logs";
/// Stays in the folder; only the system's lock on it means anything.
pub const LOCK: &str = "glassworks.lock";
/// How long the lock is waited for.
const PATIENCE: Duration = Duration::from_millis(800);
const DATASETS: &str = "datasets";
const FOLDERS: [&str; 6] = [MODELS, DATASETS, RUNS, "captures", "lessons", LOGS];

/// How a home folder is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Makes the folder, holds its lock; `command` tells others who that is: `window`, `models import`.
    Writer { command: String },
    /// Changes nothing; a folder that isn't there reads as an empty one.
    Reader,
}

impl Mode {
    #[must_use]
    pub fn writer(command: impl Into<String>) -> Self {
        Self::Writer { command: command.into() }
    }
}

/// An open home folder. The lock is held until the last clone is gone.
#[derive(Clone, Debug)]
pub struct Home {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    lock: Option<Lock>,
    notices: Vec<Notice>,
}

impl Home {
    /// Opens `path`; a writer makes the layout, takes the lock and puts a waiting restore in place.
    ///
    /// # Errors
    /// When the folder cannot be made or written, or when another writer holds it.
    pub fn open(path: &Path, mode: Mode) -> Result<Self, Failure> {
        let path = std::path::absolute(path).map_err(|e| cannot_use(path, &e))?;
        let (lock, notices) = match mode {
            Mode::Reader => (None, Vec::new()),
            Mode::Writer { command } => {
                std::fs::create_dir_all(&path).map_err(|e| cannot_use(&path, &e))?;
                let lock = Lock::take(&path, command)?;
                let notices = restore::apply_pending(&path)?;
                for folder in FOLDERS {
                    let folder = path.join(folder);
                    std::fs::create_dir_all(&folder).map_err(|e| cannot_use(&folder, &e))?;
                }
                (Some(lock), notices)
            }
        };
        Ok(Self { inner: Arc::new(Inner { path, lock, notices }) })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.inner.path.join(DATABASE)
    }

    #[must_use]
    pub fn models(&self) -> PathBuf {
        self.inner.path.join(MODELS)
    }

    #[must_use]
    pub fn datasets(&self) -> PathBuf {
        self.inner.path.join(DATASETS)
    }

    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.inner.path.join(RUNS)
    }

    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.inner.path.join(LOGS)
    }

    #[must_use]
    pub fn is_writer(&self) -> bool {
        self.inner.lock.is_some()
    }

    /// What a person should hear about opening it.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.inner.notices
    }
}

/// Who holds a home folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    process: u32,
    command: String,
    since_ms: i64,
}

#[derive(Debug)]
struct Lock {
    file: File,
}

impl Lock {
    fn take(home: &Path, command: String) -> Result<Self, Failure> {
        let path = home.join(LOCK);
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| cannot_use(&path, &e))?;
        // Whoever was just closed may still be putting things away.
        let patience = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < patience => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(held(home, &mut file)),
                Err(TryLockError::Error(e)) => return Err(cannot_use(&path, &e)),
            }
        }
        let holder = Holder { process: std::process::id(), command, since_ms: crate::store::now_ms() };
        let text = serde_json::to_string(&holder).unwrap_or_default();
        file.set_len(0)
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| file.flush())
            .map_err(|e| cannot_use(&path, &e))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The system gives the lock back whatever happens; the name is only there to be read meanwhile.
        if let Err(e) = self.file.set_len(0) {
            tracing::debug!("the lock file keeps its text: {e}");
        }
    }
}

fn held(home: &Path, file: &mut File) -> Failure {
    // The holder writes its name just after it took the lock.
    let patience = Instant::now() + Duration::from_millis(300);
    let holder = loop {
        match read_holder(file) {
            Some(holder) => break Some(holder),
            None if Instant::now() > patience => break None,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let folder = home.display();
    let summary = match &holder {
        Some(h) => Text::new("failure.home_held")
            .arg("folder", folder)
            .arg("command", &h.command)
            .arg("process", h.process)
            .arg("since", local_time(h.since_ms)),
        None => Text::new("failure.home_held_by_another").arg("folder", folder),
    };
    Failure::new(FailureKind::Io, summary).hint(Text::new("failure.home_held_hint"))
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn local_time(ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(t) => t.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => String::from("?"),
    }
}

/// A file or folder of the home that the system will not let us use.
pub(crate) fn cannot_use(path: &Path, e: &std::io::Error) -> Failure {
    let (key, hint) = match e.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ("failure.home_disk_full", "failure.home_disk_full_hint")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            ("failure.home_read_only", "failure.home_read_only_hint")
        }
        _ => ("failure.home_cannot_use", "failure.home_cannot_use_hint"),
    };
    Failure::new(FailureKind::Io, Text::new(key).arg("path", path.display()))
        .hint(Text::new(hint))
        .detail(e.to_string())
}

pub(crate) use crate::durable::sync_folder;

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::text::Language;

    #[test]
    fn a_second_writer_hears_who_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let first = Home::open(folder.path(), Mode::writer("window")).unwrap();
        assert!(FOLDERS.iter().all(|f| folder.path().join(f).is_dir()));
        let refused = Home::open(folder.path(), Mode::writer("models import")).unwrap_err();
        assert_eq!(refused.kind, FailureKind::Io);
        for language in Language::ALL {
            let text = language.render(&refused.summary);
            assert!(text.contains("window") && text.contains(&std::process::id().to_string()), "{text}");
        }
        let clone = first.clone();
        drop(first);
        assert!(Home::open(folder.path(), Mode::writer("window")).is_err(), "a clone still holds it");
        drop(clone);
        assert!(Home::open(folder.path(), Mode::writer("window")).is_ok());
    }

    #[test]
    fn a_reader_makes_nothing_and_needs_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("none");
        assert!(!Home::open(&absent, Mode::Reader).unwrap().is_writer());
        assert!(!absent.exists());
        let _writer = Home::open(&absent, Mode::writer("window")).unwrap();
        assert!(Home::open(&absent, Mode::Reader).is_ok());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "not a folder").unwrap();
        let refused = Home::open(&file.join("home"), Mode::writer("window")).unwrap_err();
        assert!(refused.to_string().contains("home"), "{refused}");
        assert!(refused.hint.is_some());
    }
}
