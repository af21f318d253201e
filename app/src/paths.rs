//! What the environment says: where the home folder lies, which language, whether there is a display.
//! Nothing else in the program reads the environment; all of it is handed on as values.

use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Failure, FailureKind};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Reads one variable; tests pass their own.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// A variable that is set to nothing counts as not set.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

#[must_use]
pub fn arguments() -> Vec<OsString> {
    env::args_os().collect()
}

/// The home folder: `--home`, else `GLASSWORKS_HOME`, else `glassworks` in the user's data folder.
///
/// # Errors
/// `Failure { Input }` when none of them says anything.
pub fn home(asked: Option<&Path>) -> Result<PathBuf, Failure> {
    let found = home_from(asked, user_folder(), &variable).ok_or_else(|| {
        Failure::new(FailureKind::Input, Text::new("cli.no_home")).hint(Text::new("cli.no_home_hint"))
    })?;
    // Left as it is when the working directory is gone: opening it will say so.
    Ok(std::path::absolute(&found).unwrap_or(found))
}

/// The person's own folder.
#[must_use]
pub fn user_folder() -> Option<PathBuf> {
    env::home_dir().filter(|path| path.is_absolute())
}

fn home_from(asked: Option<&Path>, user: Option<PathBuf>, lookup: Lookup<'_>) -> Option<PathBuf> {
    if let Some(asked) = asked.filter(|path| !path.as_os_str().is_empty()) {
        return Some(asked.to_owned());
    }
    if let Some(home) = lookup("GLASSWORKS_HOME") {
        return Some(PathBuf::from(home));
    }
    data_folder(user, lookup).map(|folder| folder.join("glassworks"))
}

/// Where programs keep their data for this user.
fn data_folder(user: Option<PathBuf>, lookup: Lookup<'_>) -> Option<PathBuf> {
    if cfg!(windows) {
        return lookup("APPDATA").map(PathBuf::from);
    }
    if cfg!(target_os = "macos") {
        return user.map(|user| user.join("Library/Application Support"));
    }
    // The XDG specification: a relative path is to be ignored.
    let data = lookup("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    data.or_else(|| user.map(|user| user.join(".local/share")))
}

/// The language that the locale asks for.
#[must_use]
pub fn language() -> Language {
    language_from(&variable)
}

fn language_from(lookup: Lookup<'_>) -> Language {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(lookup).unwrap_or_default();
    Language::from_locale(&locale.to_string_lossy())
}

/// Whether a window could be shown. Only X11 and Wayland can tell before it is tried.
#[must_use]
pub fn has_display() -> bool {
    cfg!(any(windows, target_os = "macos"))
        || ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].into_iter().any(|name| variable(name).is_some())
}

/// The widest instruction set to compute with; for testing narrower paths on a wider machine.
#[must_use]
pub fn isa_cap() -> Option<String> {
    variable("GLASSWORKS_ISA").map(|value| value.to_string_lossy().into_owned())
}

/// What the log shall hold, in `tracing`'s notation; for looking into trouble.
#[must_use]
pub fn log_filter() -> Option<String> {
    variable("GLASSWORKS_LOG").map(|value| value.to_string_lossy().into_owned())
}

/// A line about the system, for bug reports: `Debian GNU/Linux 12 (bookworm), Linux 6.1.0, x86_64`.
#[must_use]
pub fn system() -> String {
    let name = std::fs::read_to_string("/etc/os-release").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
        Some(line.trim_matches('"').to_owned())
    });
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let system = format!("{} {}", env::consts::OS, kernel.trim());
    let parts = name.into_iter().chain([system.trim().to_owned(), env::consts::ARCH.to_owned()]);
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_home(asked: Option<&str>, variables: &[(&str, &str)], expected: Option<&str>) {
        let lookup =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value));
        let found = home_from(asked.map(Path::new), Some("/home/ada".into()), &lookup);
        assert_eq!(found.as_deref(), expected.map(Path::new), "{asked:?} {variables:?}");
    }

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn the_nearest_word_on_the_home_folder_counts() {
        check_home(Some("here"), &[("GLASSWORKS_HOME", "/there")], Some("here"));
        check_home(None, &[("GLASSWORKS_HOME", "/there"), ("XDG_DATA_HOME", "/data")], Some("/there"));
        check_home(None, &[("XDG_DATA_HOME", "/data")], Some("/data/glassworks"));
        check_home(None, &[("XDG_DATA_HOME", "data")], Some("/home/ada/.local/share/glassworks"));
        check_home(None, &[], Some("/home/ada/.local/share/glassworks"));
    }

    #[test]
    fn the_first_locale_that_is_set_chooses_the_language() {
        let check = |variables: &[(&str, &str)], expected| {
            let lookup = |name: &str| {
                variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value))
            };
            assert_eq!(language_from(&lookup), expected, "{variables:?}");
        };
        check(&[], Language::English);
        check(&[("LANG", "zh_CN.UTF-8")], Language::Chinese);
        check(&[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")], Language::English);
        check(&[("LC_MESSAGES", "zh_CN.UTF-8"), ("LANG", "en_GB.UTF-8")], Language::Chinese);
    }
}
