//! A window under test: the real [`App`] over a link whose other end the test holds, with a clock, a host
//! and fonts that are always the same.

pub mod fixtures;

use egui_kittest::Harness;
use glassworks_protocol::link::{EngineEnd, link};
use glassworks_protocol::machine::StartReport;
use glassworks_protocol::settings::Settings;
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Command, Edit, Event, Failure, FailureKind, Query};
use glassworks_ui::host::{FileRequest, Host, PickId, RunExport};
use glassworks_ui::{App, theme};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub use egui_kittest::kittest::{NodeT, Queryable};

/// Noon of 21 November 2026, UTC.
pub const NOW_MS: i64 = 1_795_262_400_000;

/// What the window asked of the program around it, and what it is answered.
#[derive(Default)]
pub struct HostLog {
    pub picks: Vec<(PickId, FileRequest)>,
    pub answers: Vec<(PickId, Option<PathBuf>)>,
    pub revealed: Vec<PathBuf>,
    pub links: Vec<String>,
    pub quit: bool,
    pub exports: Vec<RunExport>,
    /// What recipes on disk hold.
    pub recipes: Vec<(PathBuf, serde_json::Value)>,
    /// Title and body of what the desktop was to show.
    pub notified: Vec<(String, String)>,
    /// How exports ended.
    pub exported: Vec<(PathBuf, Result<(), Failure>)>,
    /// Added to [`NOW_MS`].
    pub later_ms: i64,
}

struct FakeHost(Rc<RefCell<HostLog>>);

impl Host for FakeHost {
    fn pick(&mut self, id: PickId, request: FileRequest) {
        self.0.borrow_mut().picks.push((id, request));
    }

    fn picked(&mut self) -> Option<(PickId, Option<PathBuf>)> {
        self.0.borrow_mut().answers.pop()
    }

    fn read_recipe(&mut self, path: &Path) -> Result<serde_json::Map<String, serde_json::Value>, Failure> {
        let host = self.0.borrow();
        let found = host.recipes.iter().find(|(known, _)| known == path).map(|(_, fields)| fields.clone());
        match found {
            Some(serde_json::Value::Object(fields)) => Ok(fields),
            _ => Err(Failure::new(
                FailureKind::Missing,
                Text::new("failure.data_unreadable").arg("file", path.display()),
            )),
        }
    }

    fn export_run(&mut self, export: RunExport) {
        self.0.borrow_mut().exports.push(export);
    }

    fn exported(&mut self) -> Option<(PathBuf, Result<(), Failure>)> {
        self.0.borrow_mut().exported.pop()
    }

    fn reveal(&mut self, path: &Path) -> Result<(), String> {
        self.0.borrow_mut().revealed.push(path.to_path_buf());
        Ok(())
    }

    fn open_link(&mut self, url: &str) -> Result<(), String> {
        self.0.borrow_mut().links.push(url.to_owned());
        Ok(())
    }

    fn notify(&mut self, title: String, body: String) {
        self.0.borrow_mut().notified.push((title, body));
    }

    fn now_ms(&self) -> i64 {
        NOW_MS + self.0.borrow().later_ms
    }

    fn utc_offset_secs(&self) -> i32 {
        0
    }

    fn language(&self) -> Language {
        Language::English
    }

    fn user_folder(&self) -> Option<PathBuf> {
        Some(PathBuf::from("/home/ada"))
    }

    fn system(&self) -> String {
        "Linux 6.1".to_owned()
    }

    fn quit(&mut self) {
        self.0.borrow_mut().quit = true;
    }
}

/// The window and the engine's end of its link.
pub struct Window {
    pub harness: Harness<'static, App>,
    pub engine: EngineEnd,
    pub host: Rc<RefCell<HostLog>>,
    /// The settings that were stored last, the arrangement aside.
    settings: Option<Settings>,
}

impl Window {
    /// 1440×900, dark, as at the first start.
    #[must_use]
    pub fn new(start: StartReport) -> Self {
        Self::sized(start, 1440.0, 900.0, 1.0)
    }

    #[must_use]
    pub fn sized(start: StartReport, width: f32, height: f32, pixels_per_point: f32) -> Self {
        let settings = Settings { layout: None, ..start.settings.clone() };
        let (window, engine) = link(Box::new(|| {}));
        let host = Rc::new(RefCell::new(HostLog::default()));
        let app = App::new(window, start, Box::new(FakeHost(Rc::clone(&host))), &egui::Context::default());
        let mut harness = Harness::builder()
            .with_size(egui::vec2(width, height))
            .with_pixels_per_point(pixels_per_point)
            .with_max_steps(16)
            .with_os(egui::os::OperatingSystem::Nix)
            .with_context_setup(|ctx| {
                theme::install(ctx);
                ctx.options_mut(|o| o.zoom_with_keyboard = false);
            })
            .build_ui_state(
                |ui, app: &mut App| {
                    app.logic(&ui.ctx().clone());
                    // The harness leaves a margin around what it draws; a window has none.
                    let whole = egui::UiBuilder::new().max_rect(ui.ctx().content_rect());
                    let mut ui = ui.new_child(whole);
                    ui.set_clip_rect(ui.max_rect());
                    app.ui(&mut ui);
                },
                app,
            );
        harness.run_ok();
        Self { harness, engine, host, settings: Some(settings) }
    }

    /// Frames until the window rests, or a few when it is never at rest.
    pub fn run(&mut self) {
        self.harness.run_ok();
    }

    /// The engine says something; the window takes it in.
    pub fn tell(&mut self, event: Event) {
        self.engine.outbox.send(event);
        self.run();
    }

    /// What the window asked since the last call, except to keep its own arrangement.
    pub fn commands(&mut self) -> Vec<Command> {
        self.run();
        let mut settings_now = self.settings.take();
        let mut commands: Vec<Command> = self.engine.commands.try_iter().collect();
        commands.retain(|c| match c {
            Command::Edit(_, Edit::SaveSettings(settings)) => {
                let rest = Settings { layout: None, ..(**settings).clone() };
                settings_now.replace(rest.clone()) != Some(rest)
            }
            Command::Fetch(_, Query::Memory) => false,
            _ => true,
        });
        self.settings = settings_now;
        commands
    }

    /// Clicks what has this label.
    pub fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.run();
    }

    /// Clicks the first thing whose label contains these words.
    ///
    /// # Panics
    /// When there is none.
    pub fn click_part(&mut self, words: &str) {
        self.harness.query_all_by_label_contains(words).next().expect("something to click").click();
        self.run();
    }

    /// Clicks into what has this label, so far from its top left corner.
    pub fn click_inside(&mut self, label: &str, offset: egui::Vec2) {
        let at = self.harness.get_by_label(label).rect().min + offset;
        self.harness.event(egui::Event::PointerMoved(at));
        self.harness.step();
        for pressed in [true, false] {
            let modifiers = egui::Modifiers::NONE;
            let button = egui::PointerButton::Primary;
            self.harness.event(egui::Event::PointerButton { pos: at, button, pressed, modifiers });
            self.harness.step();
        }
        self.run();
    }

    /// Gives the keyboard to what has this label.
    pub fn focus(&mut self, label: &str) {
        self.harness.get_by_label(label).focus();
        self.run();
    }

    /// Clicks what has this label; what it put on the clipboard.
    pub fn click_copies(&mut self, label: &str) -> Option<String> {
        self.harness.get_by_label(label).click();
        let mut copied = None;
        for _ in 0..4 {
            self.harness.step();
            for command in &self.harness.output().platform_output.commands {
                if let egui::OutputCommand::CopyText(text) = command {
                    copied = Some(text.clone());
                }
            }
        }
        self.run();
        copied
    }

    /// Clicks the pane's cell in the rail.
    pub fn show_pane(&mut self, word: &str) {
        self.harness.get_by_role_and_label(egui::accesskit::Role::Tab, word).click();
        self.run();
    }

    /// Whether something with this label is shown.
    #[must_use]
    pub fn shows(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).next().is_some()
    }

    /// Whether some label contains these words.
    #[must_use]
    pub fn shows_part(&self, words: &str) -> bool {
        self.harness.query_all_by_label_contains(words).next().is_some()
    }

    /// Compares the window with `snapshots/{name}.png`.
    pub fn picture(&mut self, all: &mut egui_kittest::SnapshotResults, name: &str) {
        self.harness.remove_cursor();
        self.run();
        self.harness.snapshot(name);
        all.extend_harness(&mut self.harness);
    }

    pub fn key(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.run();
    }

    /// Types into whatever has the keyboard.
    pub fn type_text(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.run();
    }
}
