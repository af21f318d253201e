//! The desktop around the window: file dialogs on their own thread, the file manager, the browser, clock and locale.
//! Nothing here blocks, and nothing is opened that nobody clicked on.

use crate::cli::recipe_file;
use crate::cli::run_file;
use crate::cli::session::now_ms;
use crate::paths;
use eframe::egui;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Failure, FailureKind};
use glassworks_ui::Host;
use glassworks_ui::host::{FileKind, FileRequest, PickId, RunExport};
use rfd::{AsyncFileDialog, FileHandle};
use serde_json::{Map, Value};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

type Answer = (PickId, Option<PathBuf>);
/// A file that was to be written, and how that ended.
type Exported = (PathBuf, Result<(), Failure>);

pub struct Desktop {
    ctx: egui::Context,
    language: Language,
    answers: Receiver<Answer>,
    answer: Sender<Answer>,
    exports: Receiver<Exported>,
    export: Sender<Exported>,
}

impl Desktop {
    #[must_use]
    pub fn new(ctx: &egui::Context, language: Language) -> Self {
        let (answer, answers) = channel();
        let (export, exports) = channel();
        Self { ctx: ctx.clone(), language, answers, answer, exports, export }
    }
}

impl Host for Desktop {
    fn pick(&mut self, id: PickId, request: FileRequest) {
        // Made here, waited for there: some systems want dialogs made on the window's own thread.
        let chosen = dialog(request);
        let (answer, ctx) = (self.answer.clone(), self.ctx.clone());
        let waiting = thread::Builder::new().name("file-dialog".to_owned()).spawn(move || {
            let path = pollster::block_on(chosen).map(|file| file.path().to_owned());
            // The window may be gone by now; then nobody wants the answer.
            if answer.send((id, path)).is_ok() {
                ctx.request_repaint();
            }
        });
        if let Err(error) = waiting {
            tracing::warn!("no thread for a file dialog: {error}");
            if self.answer.send((id, None)).is_ok() {
                self.ctx.request_repaint();
            }
        }
    }

    fn picked(&mut self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }

    fn read_recipe(&mut self, path: &Path) -> Result<Map<String, Value>, Failure> {
        recipe_file::read(path)
    }

    fn export_run(&mut self, export: RunExport) {
        let (told, ctx) = (self.export.clone(), self.ctx.clone());
        let path = export.path.clone();
        let writing = thread::Builder::new().name("export".to_owned()).spawn(move || {
            let RunExport { run, points, checkpoints, samples, worst, log, path, replace, language } = export;
            let written = if !replace && path.exists() {
                let summary = Text::new("failure.file_exists").arg("path", path.display());
                Err(Failure::new(FailureKind::Input, summary).hint(Text::new("failure.file_exists_hint")))
            } else {
                let exported = run_file::Exported {
                    run: &run,
                    points: &points,
                    checkpoints: &checkpoints,
                    samples: &samples,
                    worst: worst.as_deref(),
                    log: &log,
                };
                run_file::write(language, &exported, &path)
            };
            // The window may be gone by now; the file is there all the same.
            if told.send((path, written)).is_ok() {
                ctx.request_repaint();
            }
        });
        if let Err(error) = writing {
            let summary = Text::new("cli.cannot_write").arg("path", path.display());
            let failure = Failure::new(FailureKind::Io, summary).detail(error.to_string());
            if self.export.send((path, Err(failure))).is_ok() {
                self.ctx.request_repaint();
            }
        }
    }

    fn exported(&mut self) -> Option<Exported> {
        self.exports.try_recv().ok()
    }

    fn reveal(&mut self, path: &Path) -> Result<(), String> {
        let folder = if path.is_dir() { Some(path) } else { path.parent() };
        let folder = folder.filter(|folder| folder.is_dir()).unwrap_or(path);
        launch(open::commands(folder)).map_err(|error| error.to_string())
    }

    fn open_link(&mut self, url: &str) -> Result<(), String> {
        open_page(url).map_err(|error| error.to_string())
    }

    fn notify(&mut self, title: String, body: String) {
        super::notify::show(title, body);
    }

    fn now_ms(&self) -> i64 {
        now_ms()
    }

    fn utc_offset_secs(&self) -> i32 {
        jiff::Zoned::now().offset().seconds()
    }

    fn language(&self) -> Language {
        self.language
    }

    fn user_folder(&self) -> Option<PathBuf> {
        paths::user_folder()
    }

    fn system(&self) -> String {
        paths::system()
    }

    fn quit(&mut self) {
        self.ctx.send_viewport_cmd(egui::ViewportCommand::Close);
    }
}

fn dialog(request: FileRequest) -> Pin<Box<dyn Future<Output = Option<FileHandle>> + Send>> {
    let mut dialog = AsyncFileDialog::new().set_title(&request.title);
    if let Some((name, extensions)) = &request.filter {
        dialog = dialog.add_filter(name, extensions);
    }
    match request.kind {
        FileKind::Open => Box::pin(dialog.pick_file()),
        FileKind::Folder => Box::pin(dialog.pick_folder()),
        FileKind::Save => Box::pin(dialog.set_file_name(&request.suggested).save_file()),
    }
}

/// Opens a web page, and nothing but a web page: what a model writes may look like a link to anything.
///
/// # Errors
/// When it is no web page, or when there is no browser.
pub fn open_page(url: &str) -> io::Result<()> {
    if !is_page(url) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a web page"));
    }
    launch(open::commands(url))
}

fn is_page(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
        && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Starts the first command that is installed; should it fail later, the next ones get their turn.
fn launch(commands: Vec<Command>) -> io::Result<()> {
    let mut commands = commands.into_iter();
    let child = start_next(&mut commands)?;
    let name = "opener".to_owned();
    thread::Builder::new().name(name).spawn(move || see_through(child, &mut commands))?;
    Ok(())
}

fn start_next(commands: &mut impl Iterator<Item = Command>) -> io::Result<Child> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for mut command in commands {
        match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Ok(child) => return Ok(child),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn see_through(mut child: Child, commands: &mut impl Iterator<Item = Command>) {
    while let Ok(status) = child.wait() {
        if status.success() {
            return;
        }
        match start_next(commands) {
            Ok(next) => child = next,
            Err(error) => return tracing::warn!("nothing could open it: {status}, then {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_pages_are_opened() {
        let check = |url: &str, expected: bool| assert_eq!(is_page(url), expected, "{url}");
        check("https://example.org/a?b=c#d", true);
        check("HTTP://example.org", true);
        check("file:///etc/passwd", false);
        check("javascript:alert(1)", false);
        check("example.org", false);
        check("-https://example.org", false);
        check("https://example.org/a b", false);
    }

    #[test]
    #[cfg(unix)]
    fn the_next_opener_gets_its_turn() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = folder.path().join("made");
        let mut touch = Command::new("touch");
        touch.arg(&made);
        launch(vec![Command::new("no-such-opener"), Command::new("false"), touch]).expect("one is installed");
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !made.exists() && std::time::Instant::now() < patience {
            thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(made.exists());
        assert!(launch(vec![Command::new("no-such-opener")]).is_err());
    }
}
