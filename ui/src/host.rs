//! What the window needs from the program around it and from the system. Nothing here blocks.

use glassworks_protocol::Failure;
use glassworks_protocol::text::Language;
use glassworks_protocol::train::{CheckpointRecord, MetricPoint, RunRecord, RunSample, WorstRows};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One question for a file, so that the answer finds its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PickId(pub u64);

/// A file dialog to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRequest {
    pub kind: FileKind,
    /// The dialog's title.
    pub title: String,
    /// For [`FileKind::Save`]: the name to begin with.
    pub suggested: String,
    /// Name of a filter and its extensions without dots; empty for all files.
    pub filter: Option<(String, Vec<String>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Open,
    Folder,
    Save,
}

/// A run to write as a file; the path's ending says as what: csv, png, svg or html.
#[derive(Clone, Debug)]
pub struct RunExport {
    pub run: Arc<RunRecord>,
    pub points: Vec<MetricPoint>,
    pub checkpoints: Vec<Arc<CheckpointRecord>>,
    /// What it wrote at its evaluations, the rows that it does worst on, and the newest lines of the log: for a page.
    pub samples: Vec<Arc<RunSample>>,
    pub worst: Option<Arc<WorstRows>>,
    pub log: String,
    pub path: PathBuf,
    /// Whether the person has agreed to lose what lies there.
    pub replace: bool,
    pub language: Language,
}

/// The program around the window.
pub trait Host {
    /// Opens a file dialog; the answer comes through [`Host::picked`], frames later.
    fn pick(&mut self, id: PickId, request: FileRequest);

    /// Reads a recipe: TOML, as the JSON that it means. Small, and bounded: the one file that is read here.
    ///
    /// # Errors
    /// `Failure` naming the file: not there, too long, no TOML.
    fn read_recipe(&mut self, path: &Path) -> Result<serde_json::Map<String, serde_json::Value>, Failure>;

    /// An answer that has come in: `None` when the person cancelled or there is no dialog on this system.
    fn picked(&mut self) -> Option<(PickId, Option<PathBuf>)>;

    /// Writes a file; how that ended comes through [`Host::exported`], frames later.
    fn export_run(&mut self, export: RunExport);

    /// A file that has been written, or not.
    fn exported(&mut self) -> Option<(PathBuf, Result<(), Failure>)>;

    /// Shows a file or folder in the system's file manager. An error is one line for a person.
    ///
    /// # Errors
    /// When the system has no file manager or refuses.
    fn reveal(&mut self, path: &Path) -> Result<(), String>;

    /// Opens a web page in the system's browser.
    ///
    /// # Errors
    /// When the system has no browser or refuses.
    fn open_link(&mut self, url: &str) -> Result<(), String>;

    /// Has the desktop show two lines, where it can.
    fn notify(&mut self, title: String, body: String);

    /// Milliseconds since 1970, UTC.
    fn now_ms(&self) -> i64;

    /// What the local time is ahead of UTC.
    fn utc_offset_secs(&self) -> i32;

    /// What the system's locale asks for.
    fn language(&self) -> Language;

    /// The person's own folder, which `~` stands for in a typed path.
    fn user_folder(&self) -> Option<PathBuf>;

    /// A line about the system for "copy diagnostics": `Debian 12, Linux 6.1`.
    fn system(&self) -> String;

    /// Ends the program; the window has stored what it had to.
    fn quit(&mut self);
}
