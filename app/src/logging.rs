//! The log: `<home>/logs/glassworks.log` for whoever may write the home, standard error for those who ask.

use std::any::Any;
use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, panic, thread};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// At a start with a log larger than this, the old one is put aside.
const MAX_LOG_BYTES: u64 = 5 << 20;

/// What is worth a line: our own doings, other libraries' warnings.
const DEFAULT_FILTER: &str = "warn,glassworks=info,glassworks_engine=info,glassworks_ui=info";

/// Begins to log: to the file when `home` is given, warnings to standard error when `verbose`.
/// A log that cannot be written is no reason not to start.
pub fn start(home: Option<&Path>, filter: Option<&str>, verbose: bool) {
    let file = home.and_then(|home| match open(home) {
        Ok(file) => Some(file),
        // The engine is about to say more about a home that cannot be written.
        Err(error) => {
            if verbose {
                crate::cli::out::note(&format!("{}: {error}", home.join("logs").display()));
            }
            None
        }
    });
    let filter = || {
        let asked = filter.and_then(|filter| EnvFilter::try_new(filter).ok());
        asked.unwrap_or_else(|| EnvFilter::new(DEFAULT_FILTER))
    };
    let to_file =
        file.map(|file| fmt::layer().with_writer(Mutex::new(file)).with_ansi(false).with_filter(filter()));
    let to_stderr = verbose.then(|| {
        fmt::layer().with_writer(io::stderr).with_ansi(false).without_time().with_filter(LevelFilter::WARN)
    });
    if tracing_subscriber::registry().with(to_file).with(to_stderr).try_init().is_err() {
        crate::cli::out::note("the log was started twice");
    }
}

/// While set, a panic is told in the log only: whoever catches it has a better sentence.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Panics go to the log, and to standard error unless somebody catches them: on the threads of jobs the engine does.
pub fn hook_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        tracing::error!("{info}");
        let is_main = thread::current().name() == Some("main");
        if is_main && !QUIET.load(Ordering::Relaxed) {
            usual(info);
        }
    }));
}

pub fn keep_panics_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// What a caught panic said.
#[must_use]
pub fn words(payload: &(dyn Any + Send)) -> String {
    let said = payload.downcast_ref::<String>().map(String::as_str);
    said.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("panic").to_owned()
}

/// The log file, ready to be added to; a large one is renamed to `glassworks.log.old` first.
fn open(home: &Path) -> io::Result<File> {
    let folder = home.join("logs");
    fs::create_dir_all(&folder)?;
    let path = folder.join("glassworks.log");
    if fs::metadata(&path).is_ok_and(|file| file.len() > MAX_LOG_BYTES) {
        fs::rename(&path, folder.join("glassworks.log.old"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_large_log_is_put_aside_and_a_small_one_goes_on() {
        let home = tempfile::tempdir().expect("a folder");
        let log = home.path().join("logs/glassworks.log");
        open(home.path()).expect("a new log").write_all(b"one\n").expect("a line");
        open(home.path()).expect("the same log").write_all(b"two\n").expect("a line");
        assert_eq!(fs::read_to_string(&log).expect("the log"), "one\ntwo\n");

        File::options()
            .write(true)
            .open(&log)
            .expect("the log")
            .set_len(MAX_LOG_BYTES + 1)
            .expect("it grows");
        open(home.path()).expect("a new log");
        assert_eq!(fs::metadata(&log).expect("the new log").len(), 0);
        let old = fs::metadata(home.path().join("logs/glassworks.log.old")).expect("the old log");
        assert_eq!(old.len(), MAX_LOG_BYTES + 1);
    }
}
