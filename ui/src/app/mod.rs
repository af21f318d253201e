//! The window: [`App::logic`] takes in what the engine told, [`App::ui`] draws, then actions run.

mod alerts;
mod carry_out;
mod input;
mod rail;
mod status_bar;
mod toasts;

use crate::action::Actions;
use crate::host::Host;
use crate::layout::Layout;
use crate::model::{JobKind, Model, Note};
use crate::palette::Palette;
use crate::panes::{Pane, PaneCx, Picks};
use crate::theme::{self, Theme, size};
use egui::{Context, Frame, Margin, ThemePreference, Ui};
use glassworks_protocol::Command;
use glassworks_protocol::link::WindowEnd;
use glassworks_protocol::machine::StartReport;
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::Text;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use toasts::Toasts;

/// The longest that taking in events may take in one frame.
const LOGIC_BUDGET: Duration = Duration::from_millis(8);
/// Changes of the arrangement are stored when nothing has changed for this long.
const LAYOUT_SETTLES_SECS: f64 = 1.0;

pub struct App {
    link: WindowEnd,
    host: Box<dyn Host>,
    model: Model,
    layout: Layout,
    palette: Palette,
    toasts: Toasts,
    actions: Actions,
    picks: Picks,
    /// Commands the engine had no room for yet.
    unsent: VecDeque<Command>,
    theme: Arc<Theme>,
    applied: Option<(Theme, ThemeChoice, f32)>,
    system: String,
    user_folder: Option<PathBuf>,
    layout_seen: (serde_json::Value, f64),
    asks_to_quit: bool,
    quitting: bool,
}

impl App {
    /// The window over an engine that has just started.
    #[must_use]
    pub fn new(link: WindowEnd, start: StartReport, host: Box<dyn Host>, ctx: &Context) -> Self {
        theme::install(ctx);
        ctx.options_mut(|o| o.zoom_with_keyboard = false);
        let model = Model::new(start, host.language(), host.now_ms());
        let layout = Layout::restore(model.settings.layout.as_ref());
        let theme = Theme::new(true, false, false, model.language());
        let kept = layout.save();
        Self {
            link,
            model,
            palette: Palette::default(),
            toasts: Toasts::default(),
            actions: Actions::default(),
            picks: Picks::default(),
            unsent: VecDeque::new(),
            theme: Arc::new(theme),
            applied: None,
            system: host.system(),
            user_folder: host.user_folder(),
            layout_seen: (kept, 0.0),
            asks_to_quit: false,
            quitting: false,
            host,
            layout,
        }
    }

    /// What the window knows.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Shows a line at the bottom right, from outside the panes.
    pub fn toast(&mut self, toast: crate::action::Toast, ctx: &Context) {
        self.toasts.push(toast, ctx);
    }

    /// Takes in what has come; called before each frame.
    pub fn logic(&mut self, ctx: &Context) {
        let end = Instant::now() + LOGIC_BUDGET;
        self.model.now_ms = self.host.now_ms();
        while let Some(event) = self.link.try_next() {
            self.model.apply(event);
            if Instant::now() >= end {
                ctx.request_repaint();
                break;
            }
        }
        while let Some((id, path)) = self.host.picked() {
            self.picks.insert(id, path);
        }
        self.exported(ctx);
        for query in self.model.take_wishes() {
            self.actions.fetch(query);
        }
        for note in self.model.take_notes() {
            self.tell_desktop(&note, ctx);
            self.toasts.note(note, ctx);
        }
        self.resend();
        self.dress(ctx);
        self.keep_layout(ctx);
        self.carry_out(ctx);
    }

    /// A run's end, while another window is in front.
    fn tell_desktop(&mut self, note: &Note, ctx: &Context) {
        if !self.model.settings.notify || ctx.input(|i| i.focused) {
            return;
        }
        let language = self.model.language();
        let (title, body) = match note {
            Note::RunEnded(_, text) => (language.render(text), String::new()),
            Note::RunFailed(name, failure) => {
                (language.format("runs.told_failed", &[("name", name)]), language.render(&failure.summary))
            }
            _ => return,
        };
        self.host.notify(title, body);
    }

    /// Draws everything.
    pub fn ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.shortcuts(&ctx);
        self.dropped(&ctx);
        let t = self.theme.tokens;
        egui::Panel::bottom("status")
            .exact_size(size::STATUS_BAR)
            .resizable(false)
            .show_separator_line(false)
            .frame(Frame::new().fill(t.window).inner_margin(Margin::symmetric(12, 0)))
            .show(ui, |ui| self.status_bar(ui));
        egui::Panel::left("rail")
            .exact_size(size::RAIL)
            .resizable(false)
            .show_separator_line(false)
            .frame(Frame::new().fill(t.window))
            .show(ui, |ui| self.rail(ui));
        let margin = Margin { left: 0, right: 4, top: 4, bottom: 0 };
        egui::CentralPanel::default().frame(Frame::new().fill(t.window).inner_margin(margin)).show(
            ui,
            |ui| {
                self.alerts(ui);
                self.panes(ui);
            },
        );
        if let Some(target) = self.palette.ui(&ctx, &self.model, self.layout.recent()) {
            self.choose(target, &ctx);
        }
        if let Some(action) = self.toasts.ui(&ctx, &self.theme) {
            self.toast_action(action, &ctx);
        }
        self.ask_to_quit(&ctx);
        self.carry_out(&ctx);
    }

    /// Whether the window may close now. If not, it asks the person and closes itself afterwards.
    pub fn on_close_requested(&mut self) -> bool {
        let busy =
            |k| matches!(k, JobKind::Backup | JobKind::Restore | JobKind::ExportChats | JobKind::ImportChats);
        if self.quitting || self.model.engine_ended || !self.model.jobs.active().any(|j| busy(j.kind)) {
            return true;
        }
        self.asks_to_quit = true;
        false
    }

    /// Stores what panes still hold, and ends the engine. The last thing that is called.
    pub fn save(&mut self) {
        let (layout, mut parts) = self.parts();
        for (slot, pane) in layout.made() {
            pane.closing(&mut parts.cx(slot, false, f32::INFINITY));
        }
        for action in self.actions.take() {
            if let crate::action::Action::Send(command) = action {
                self.send(command);
            }
        }
        let layout = self.layout.save();
        if self.model.settings.layout.as_ref() != Some(&layout) {
            self.set(|s| s.layout = Some(layout));
        }
        self.send(Command::Shutdown);
    }

    fn panes(&mut self, ui: &mut Ui) {
        let (layout, mut parts) = self.parts();
        let focused = layout.focused_slot();
        layout.ui(ui, |slot, width, draw| draw(&mut parts.cx(slot, slot == focused, width)));
    }

    /// Calls a pane outside of drawing.
    fn with_pane<R>(&mut self, slot: usize, call: impl FnOnce(&mut dyn Pane, &mut PaneCx) -> R) -> R {
        let (layout, mut parts) = self.parts();
        let focused = layout.focused_slot() == slot;
        call(layout.pane(slot), &mut parts.cx(slot, focused, f32::INFINITY))
    }

    /// The layout, and what contexts for its panes are made of.
    fn parts(&mut self) -> (&mut Layout, Parts<'_>) {
        let Self { layout, model, theme, actions, picks, system, user_folder, host, .. } = self;
        let utc_offset_secs = host.utc_offset_secs();
        (
            layout,
            Parts {
                model,
                theme,
                actions,
                picks,
                system,
                user_folder: user_folder.as_deref(),
                utc_offset_secs,
            },
        )
    }

    /// Puts the chosen look on.
    fn dress(&mut self, ctx: &Context) {
        let settings = Arc::clone(&self.model.settings);
        let choice = settings.theme;
        let last = self.applied.as_ref();
        if last.is_none_or(|(_, c, _)| *c != choice) {
            ctx.set_theme(match choice {
                ThemeChoice::System => ThemePreference::System,
                ThemeChoice::Dark => ThemePreference::Dark,
                ThemeChoice::Light => ThemePreference::Light,
            });
        }
        let dark = match choice {
            ThemeChoice::Dark => true,
            ThemeChoice::Light => false,
            ThemeChoice::System => ctx.system_theme() != Some(egui::Theme::Light),
        };
        let theme = Theme::new(dark, settings.high_contrast, settings.reduced_motion, self.model.language());
        if last.is_none_or(|(t, ..)| *t != theme) {
            theme::apply(ctx, &theme);
            self.theme = Arc::new(theme.clone());
        }
        if last.is_none_or(|(.., zoom)| (zoom - settings.zoom).abs() > 1e-4) {
            ctx.set_zoom_factor(settings.zoom.clamp(0.5, 3.0));
        }
        self.applied = Some((theme, choice, settings.zoom));
    }

    /// Stores the arrangement when it has come to rest.
    fn keep_layout(&mut self, ctx: &Context) {
        let now = ctx.input(|i| i.time);
        let layout = self.layout.save();
        let (seen, since) = &mut self.layout_seen;
        if *seen != layout {
            (*seen, *since) = (layout, now);
            ctx.request_repaint_after(Duration::from_secs_f64(LAYOUT_SETTLES_SECS * 1.1));
        } else if *since > 0.0 && now - *since > LAYOUT_SETTLES_SECS {
            *since = 0.0;
            if self.model.settings.layout.as_ref() != Some(&layout) {
                self.set(|s| s.layout = Some(layout));
            }
        }
    }
}

/// What a pane is given, apart from the pane.
struct Parts<'a> {
    model: &'a Model,
    theme: &'a Arc<Theme>,
    actions: &'a mut Actions,
    picks: &'a mut Picks,
    system: &'a str,
    user_folder: Option<&'a Path>,
    utc_offset_secs: i32,
}

impl Parts<'_> {
    fn cx(&mut self, slot: usize, focused: bool, width: f32) -> PaneCx<'_> {
        PaneCx {
            model: self.model,
            theme: Arc::clone(self.theme),
            language: self.theme.language,
            actions: self.actions,
            picks: self.picks,
            width,
            now_ms: self.model.now_ms,
            utc_offset_secs: self.utc_offset_secs,
            focused,
            slot,
            system: self.system,
            user_folder: self.user_folder,
        }
    }
}

impl Toasts {
    fn note(&mut self, note: Note, ctx: &Context) {
        use crate::action::Toast;
        let toast = match note {
            Note::Info(text) => Toast::new(text),
            Note::Undone(_, text) => Toast::new(text).icon(theme::icons::ARROW_COUNTER_CLOCKWISE),
            Note::Failed(failure) | Note::RunFailed(_, failure) => Toast::failed(failure),
            Note::RunEnded(run, text) => {
                let show = crate::action::ToastAction::Open(crate::action::Open::Run(run));
                Toast::new(text).icon(theme::icons::CHECK).action(Text::new("runs.show"), show)
            }
        };
        self.push(toast, ctx);
    }
}
