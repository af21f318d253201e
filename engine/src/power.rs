//! Mains or battery, and a machine that does not fall asleep while something long computes. Linux has both: kernel
//! files for the one, logind for the other; elsewhere the machine counts as plugged in and sleeps when it likes.

use glassworks_protocol::train::PausedBy;
use std::cell::{Cell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where the system says so, and what keeps it awake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerConfig {
    /// A folder a supply, as in Documentation/ABI/testing/sysfs-class-power of the Linux kernel.
    pub supplies: PathBuf,
    /// `systemd-inhibit`, or what takes its arguments; `None`: the machine may sleep.
    pub inhibitor: Option<PathBuf>,
}

impl Default for PowerConfig {
    fn default() -> Self {
        let inhibitor = cfg!(target_os = "linux").then(|| PathBuf::from("systemd-inhibit"));
        Self { supplies: PathBuf::from("/sys/class/power_supply"), inhibitor }
    }
}

/// Whether the machine runs on its battery: one is being emptied, and no mains are plugged in.
#[must_use]
pub fn on_battery(supplies: &Path) -> bool {
    let entries = fs::read_dir(supplies).into_iter().flatten().flatten();
    let (mut emptied, mut mains) = (false, false);
    for supply in entries {
        let says =
            |file: &str| fs::read_to_string(supply.path().join(file)).unwrap_or_default().trim().to_owned();
        match says("type").as_str() {
            // A mouse has a battery too.
            "Battery" if says("scope") != "Device" => emptied |= says("status") == "Discharging",
            "Mains" | "USB" => mains |= says("online") == "1",
            _ => {}
        }
    }
    emptied && !mains
}

/// Holds the machine awake until it is dropped, also by a crash: whoever holds the lock reads from this process and
/// ends with it.
pub struct Awake {
    holder: Option<Child>,
}

impl Awake {
    /// Where nothing can be held, the machine may sleep, and the log says so.
    #[must_use]
    pub fn hold(config: &PowerConfig, why: &str) -> Self {
        let Some(inhibitor) = &config.inhibitor else { return Self { holder: None } };
        let mut command = Command::new(inhibitor);
        command.args(["--what=sleep:idle", "--who=Glassworks", "--mode=block"]);
        command.arg(format!("--why={why}")).arg("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let holder = match command.spawn() {
            Ok(holder) => Some(holder),
            Err(error) => {
                tracing::info!("the machine may sleep while it computes: {}: {error}", inhibitor.display());
                None
            }
        };
        Self { holder }
    }

    /// Notes once if the system would not hold.
    pub fn look(&mut self) {
        let Some(holder) = &mut self.holder else { return };
        match holder.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => {
                tracing::info!("the machine may sleep while it computes: nothing holds it awake ({status})");
                self.holder = None;
            }
            Err(error) => {
                tracing::info!("whether the machine is held awake is not known: {error}");
                self.holder = None;
            }
        }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        let Some(holder) = &mut self.holder else { return };
        // It ends when there is nothing more to read.
        drop(holder.stdin.take());
        if let Err(error) = holder.wait() {
            tracing::debug!("what held the machine awake: {error}");
        }
    }
}

/// Between two looks at where the power comes from.
const GLANCE: Duration = Duration::from_secs(5);

/// The power of a run: held awake while it computes, and paused when the plug is pulled, if that was asked for. One
/// that is started on battery goes on: somebody has just said so.
pub struct PowerWatch {
    awake: RefCell<Awake>,
    /// `None` where it does not matter.
    supplies: Option<PathBuf>,
    seen: Cell<(Instant, bool)>,
    unplugged: Cell<bool>,
}

impl PowerWatch {
    #[must_use]
    pub fn begin(config: &PowerConfig, what: &str, pauses: bool) -> Self {
        let supplies = pauses.then(|| config.supplies.clone());
        let now = supplies.as_deref().is_some_and(on_battery);
        Self {
            awake: RefCell::new(Awake::hold(config, what)),
            supplies,
            seen: Cell::new((Instant::now(), now)),
            unplugged: Cell::new(false),
        }
    }

    /// Whether the plug has been pulled since the last look; looks every few seconds.
    #[must_use]
    pub fn wants_pause(&self) -> bool {
        let (at, before) = self.seen.get();
        if at.elapsed() >= GLANCE {
            self.awake.borrow_mut().look();
            let now = self.supplies.as_deref().is_some_and(on_battery);
            self.seen.set((Instant::now(), now));
            self.unplugged.set(self.unplugged.get() || now && !before);
        }
        self.unplugged.get()
    }

    /// What paused the run, where that was no person.
    #[must_use]
    pub fn paused_by(&self) -> Option<PausedBy> {
        self.unplugged.get().then_some(PausedBy::Battery)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supply(folder: &Path, name: &str, files: &[(&str, &str)]) {
        let supply = folder.join(name);
        fs::create_dir_all(&supply).expect("made");
        for (file, text) in files {
            fs::write(supply.join(file), format!("{text}\n")).expect("written");
        }
    }

    #[test]
    fn a_battery_that_is_emptied_without_mains_is_what_the_machine_runs_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        assert!(!on_battery(&at.join("none")) && !on_battery(at), "a machine without either is plugged in");
        supply(at, "hid-mouse", &[("type", "Battery"), ("scope", "Device"), ("status", "Discharging")]);
        assert!(!on_battery(at));
        supply(at, "BAT0", &[("type", "Battery"), ("status", "Discharging")]);
        assert!(on_battery(at));
        supply(at, "AC", &[("type", "Mains"), ("online", "1")]);
        assert!(!on_battery(at), "plugged in, and the battery balances");
        supply(at, "AC", &[("type", "Mains"), ("online", "0")]);
        assert!(on_battery(at));
        supply(at, "BAT0", &[("type", "Battery"), ("status", "Full")]);
        assert!(!on_battery(at));
    }

    #[cfg(unix)]
    #[test]
    fn the_machine_is_held_as_long_as_it_is_asked_for() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let (script, note) = (folder.path().join("inhibit"), folder.path().join("note"));
        let text = format!("#!/bin/sh\necho \"$4\" > '{0}'\n\"$5\"\necho over >> '{0}'\n", note.display());
        fs::write(&script, text).expect("written");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).expect("allowed");
        let config = PowerConfig { inhibitor: Some(script), ..PowerConfig::default() };
        let mut awake = Awake::hold(&config, "A run");
        awake.look();
        assert!(awake.holder.is_some());
        drop(awake);
        assert_eq!(fs::read_to_string(&note).expect("it was held"), "--why=A run\nover\n");

        let nothing = PowerConfig { inhibitor: Some(folder.path().join("gone")), ..config };
        assert!(Awake::hold(&nothing, "A run").holder.is_none());
    }
}
