//! The window: opens it, starts the engine behind it, and says plainly when either is not possible.

mod failed;
mod geometry;
mod host;

use crate::cli::{self, Cx, out};
use crate::starter::STARTER;
use crate::{logging, paths};
use eframe::egui;
use failed::Failed;
use geometry::Geometry;
use glassworks_engine::{Access, Engine, EngineConfig};
use host::Desktop;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

/// What the window opens at run time, by Debian's names.
const PACKAGES: &str = "libgl1 libegl1 libgl1-mesa-dri libxcursor1 libxi6 libx11-xcb1 libxkbcommon-x11-0";
const ICON: &[u8] = include_bytes!("../../../assets/icons/glassworks-256.png");

/// Opens the window and stays until it is closed.
pub fn open(cx: &Cx) -> ExitCode {
    if !paths::has_display() {
        return no_window(cx, cx.say("cli.window.no_display"));
    }
    cli::start_log(cx, Some(&cx.home));
    let stage = Rc::new(Stage::default());
    logging::keep_panics_quiet(true);
    let result = catch_unwind(AssertUnwindSafe(|| show(cx, &stage)));
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
    // Libraries like to break their lines; this is to be one.
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    no_window(cx, &cx.language.format("cli.window.cannot_open", &[("reason", &reason)]))
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

fn show(cx: &Cx, stage: &Rc<Stage>) -> eframe::Result {
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
        Box::new(move |creation| Ok(Box::new(Window::new(cx, &creation.egui_ctx, geometry, stage)))),
    )
}

struct Window;
impl Window { fn new(_cx: &Cx, _ctx: &egui::Context, _g: Geometry, _s: Rc<Stage>) -> Self { Self } }
impl eframe::App for Window { fn ui(&mut self, _ui: &mut egui::Ui, _f: &mut eframe::Frame) {} }
