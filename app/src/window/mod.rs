//! The window: opens it, starts the engine behind it, and says plainly when either is not possible.

mod failed;
mod geometry;
mod host;
mod neighbour;
mod notify;

use crate::cli::{self, Cx, out};
use crate::{logging, paths};
use eframe::egui;
use failed::Failed;
use geometry::Geometry;
use glassworks_engine::{Engine, Mode};
use glassworks_protocol::Failure;
use host::Desktop;
use neighbour::Door;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What the window opens at run time, by Debian's names.
const PACKAGES: &str = "libgl1 libegl1 libgl1-mesa-dri libxcursor1 libxi6 libx11-xcb1 libxkbcommon-x11-0";
/// How long the engine may take to store what runs, once the window is closed.
const FAREWELL: Duration = Duration::from_secs(10);
const ICON: &[u8] = include_bytes!("../../../assets/icons/glassworks-256.png");

/// Opens the window with these files and stays until it is closed. Where one is open on this home already, that one is
/// given the files, and shown.
pub fn open(cx: &Cx, files: Vec<PathBuf>) -> ExitCode {
    if neighbour::knock(&cx.home, &files) {
        out::note(cx.say("cli.window.open_already"));
        return ExitCode::SUCCESS;
    }
    if !paths::has_display() {
        return no_window(cx, cx.say("cli.window.no_display"));
    }
    cli::start_log(cx, Some(&cx.home));
    let stage = Rc::new(Stage::default());
    logging::keep_panics_quiet(true);
    let result = catch_unwind(AssertUnwindSafe(|| show(cx, files, &stage)));
    logging::keep_panics_quiet(false);
    let reason = match result {
        Ok(Ok(())) if stage.engine_failed.get() => return ExitCode::FAILURE,
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(error)) => error.to_string(),
        Err(panic) => logging::words(&*panic),
    };
    if stage.drawn.get() {
        let log = cx.home.join("logs").join("glassworks.log");
        out::note(&cx.language.format("cli.window.crashed", &[("path", &log.display())]));
        return ExitCode::FAILURE;
    }
    tracing::error!("no window: {reason}");
    no_window(cx, &cx.language.format("cli.window.cannot_open", &[("reason", &gist(&reason))]))
}

/// What a library says, without its own source lines and structures: those are in the log.
fn gist(reason: &str) -> String {
    let mut gist = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((_, said)) = gist.split_once(".rs:").and_then(|(_, rest)| rest.split_once(": ")) {
        gist = said.to_owned();
    }
    if let Some((said, _)) = gist.split_once('{') {
        gist = said.rsplit_once(':').map_or(said, |(said, _)| said).trim().to_owned();
    }
    gist.trim_end_matches('.').to_owned()
}

/// How far the window came.
#[derive(Default)]
struct Stage {
    drawn: Cell<bool>,
    engine_failed: Cell<bool>,
}

/// One line: why, what to install, and what works without.
fn no_window(cx: &Cx, why: &str) -> ExitCode {
    let advice = cx.language.format("cli.window.advice", &[("packages", &PACKAGES)]);
    out::note(&format!("{}{why}; {advice}", cx.say("cli.error")));
    ExitCode::FAILURE
}

fn show(cx: &Cx, files: Vec<PathBuf>, stage: &Rc<Stage>) -> eframe::Result {
    let geometry = Geometry::load(&cx.home);
    let mut viewport = egui::ViewportBuilder::default()
        .with_title("Glassworks")
        .with_app_id("glassworks")
        .with_inner_size(geometry.size())
        .with_min_inner_size(geometry::LEAST)
        .with_maximized(geometry.is_maximized());
    match eframe::icon_data::from_png_bytes(ICON) {
        Ok(icon) => viewport = viewport.with_icon(icon),
        Err(error) => tracing::warn!("the icon cannot be read: {error}"),
    }
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let stage = Rc::clone(stage);
    eframe::run_native(
        "glassworks",
        options,
        Box::new(move |creation| Ok(Box::new(Window::new(cx, &creation.egui_ctx, files, geometry, stage)))),
    )
}

/// What `eframe` draws: the workbench, or why there is none.
struct Window {
    content: Content,
    home: PathBuf,
    geometry: Geometry,
    stage: Rc<Stage>,
}

enum Content {
    Workbench(Box<Workbench>),
    Failed(Failed),
}

struct Workbench {
    app: glassworks_ui::App,
    /// Where a second window knocks.
    door: Option<Door>,
    /// Ends once the app has sent its last command and everything is stored.
    engine: JoinHandle<()>,
}

impl Window {
    fn new(cx: &Cx, ctx: &egui::Context, files: Vec<PathBuf>, geometry: Geometry, stage: Rc<Stage>) -> Self {
        let content = match workbench(cx, ctx) {
            Ok(mut workbench) => {
                workbench.app.open_files(files);
                Content::Workbench(Box::new(workbench))
            }
            Err(failure) => {
                tracing::error!("the engine did not start: {failure}");
                out::tell(&failure, cx.language, cx.verbose);
                stage.engine_failed.set(true);
                Content::Failed(Failed::new(ctx, failure, cx.language))
            }
        };
        close_on_interrupt(ctx);
        Self { content, home: cx.home.clone(), geometry, stage }
    }
}

fn workbench(cx: &Cx, ctx: &egui::Context) -> Result<Workbench, Failure> {
    let config = cli::session::config(&cx.home, Mode::writer("window"), cx.language);
    let waker = ctx.clone();
    let running = Engine::spawn(config, Box::new(move || waker.request_repaint()))?;
    let (window, start, engine) = running.split();
    let host = Box::new(Desktop::new(ctx, cx.language));
    let waker = ctx.clone();
    let door = Door::open(&cx.home, move || waker.request_repaint());
    let door =
        door.inspect_err(|error| tracing::warn!("a second window will not find this one: {error}")).ok();
    Ok(Workbench { app: glassworks_ui::App::new(window, start, host, ctx), door, engine })
}

impl Workbench {
    /// What others were asked to open is opened here, in sight.
    fn take_files(&mut self, ctx: &egui::Context) {
        let Some(door) = &self.door else { return };
        for files in door.knocks() {
            self.app.open_files(files);
            ctx.send_viewport_cmd(egui::ViewportCommand::Minimized(false));
            ctx.send_viewport_cmd(egui::ViewportCommand::Focus);
            ctx.send_viewport_cmd(egui::ViewportCommand::RequestUserAttention(
                egui::UserAttentionType::Informational,
            ));
        }
    }
}

/// Ctrl+C where the program was started closes the window, as its button does.
fn close_on_interrupt(ctx: &egui::Context) {
    let ctx = ctx.clone();
    let handler = ctrlc::set_handler(move || {
        ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        ctx.request_repaint();
    });
    if let Err(error) = handler {
        tracing::warn!("Ctrl+C ends the program at once: {error}");
    }
}

impl eframe::App for Window {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        if let Content::Workbench(bench) = &mut self.content {
            bench.take_files(ctx);
            bench.app.logic(ctx);
            if ctx.input(|input| input.viewport().close_requested()) && !bench.app.on_close_requested() {
                ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            }
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        if !self.stage.drawn.replace(true) {
            logging::keep_panics_quiet(false);
        }
        match &mut self.content {
            Content::Workbench(bench) => {
                bench.app.ui(ui);
                self.geometry.follow(ui.ctx());
            }
            Content::Failed(failed) => failed.ui(ui),
        }
        open_clicked_links(ui.ctx());
        keep_input_method_off_the_line(ui.ctx());
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        let Content::Workbench(bench) = &mut self.content else { return };
        self.geometry.save(&self.home);
        bench.app.save();
        let patience = Instant::now() + FAREWELL;
        // Commands that found the engine busy are sent again by the app's logic.
        let ctx = egui::Context::default();
        while !bench.engine.is_finished() && Instant::now() < patience {
            thread::sleep(Duration::from_millis(5));
            bench.app.logic(&ctx);
        }
    }
}

/// An input method shows its candidates where it is told that the cursor is. X11 only knows a point, the cursor's
/// upper end, and the candidates would lie on the line being written: they are told its lower end.
fn keep_input_method_off_the_line(ctx: &egui::Context) {
    if cfg!(any(windows, target_os = "macos")) {
        return;
    }
    ctx.output_mut(|output| {
        if let Some(ime) = &mut output.ime {
            ime.cursor_rect.min.y = ime.cursor_rect.max.y;
        }
    });
}

/// Links in what models and people wrote: opened here, so that only web pages are.
fn open_clicked_links(ctx: &egui::Context) {
    let mut links = Vec::new();
    ctx.output_mut(|output| {
        output.commands.retain(|command| match command {
            egui::OutputCommand::OpenUrl(link) => {
                links.push(link.url.clone());
                false
            }
            _ => true,
        });
    });
    for link in links {
        if let Err(error) = host::open_page(&link) {
            tracing::warn!("a link was not opened: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gist_of_a_library_s_complaint_is_short() {
        let check = |reason: &str, expected: &str| assert_eq!(gist(reason), expected);
        check("winit: os error at src/linux/mod.rs:788: Failed to\nload xlib", "Failed to load xlib");
        check(
            "Found no configs matching the template: Template { a: 8 }. Error: x",
            "Found no configs matching the template",
        );
        check(
            "Library libxkbcommon-x11.so could not be loaded.",
            "Library libxkbcommon-x11.so could not be loaded",
        );
    }
}
