//! What was asked for while drawing, carried out.

use super::App;
use crate::action::{Action, Open, RecipeFile, Toast, ToastAction};
use crate::command::UiCommand;
use crate::palette::Target;
use crate::panes::{PaneId, has_rows};
use crate::theme::icons;
use crate::widgets::{self, Button};
use egui::Context;
use glassworks_protocol::ids::EditId;
use glassworks_protocol::link::SendError;
use glassworks_protocol::settings::{Settings, ThemeChoice};
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Command, Edit, Event, Failure, FailureKind, Notice};

/// Whether a file's name says that it holds rows, and nothing else that the window opens.
fn is_table(path: &std::path::Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let not = ["json", "md", "txt", "text"];
    has_rows(path) && ending.is_some_and(|ending| !not.contains(&ending.as_str()))
}

const ZOOMS: [f32; 9] = [0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0];

impl App {
    pub(super) fn carry_out(&mut self, ctx: &Context) {
        // What is carried out may ask for more; a bound keeps two panes from answering each other for ever.
        for _ in 0..8 {
            let actions = self.actions.take();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                self.act(action, ctx);
            }
            ctx.request_repaint();
        }
    }

    fn act(&mut self, action: Action, ctx: &Context) {
        match action {
            Action::Send(command) => self.send(command),
            Action::Show(id) => self.layout.show(id),
            Action::Beside(id) => self.layout.beside(id),
            Action::CloseBeside => self.layout.close(1),
            Action::Run(command) => self.run(command, ctx),
            Action::Set(change) => self.set(change),
            Action::Toast(toast) => self.toasts.push(toast, ctx),
            Action::Copy(text) => {
                ctx.copy_text(text);
                self.toasts.push(Toast::new(Text::new("shell.copied")).icon(icons::CHECK), ctx);
            }
            Action::OpenLink(url) => {
                let done = self.host.open_link(&url);
                self.said(done, "shell.link_failed", &url, ctx);
            }
            Action::Reveal(path) => {
                let done = self.host.reveal(&path);
                self.said(done, "shell.reveal_failed", &path.display().to_string(), ctx);
            }
            Action::Pick(id, request) => self.host.pick(id, request),
            Action::ReadRecipe(path) => match self.host.read_recipe(&path) {
                Ok(fields) => {
                    let file = RecipeFile { path, fields };
                    self.open(&Open::Recipe(std::sync::Arc::new(file)));
                }
                Err(failure) => self.toasts.push(Toast::failed(failure), ctx),
            },
            Action::ExportRun(export) => self.host.export_run(export),
            Action::Open(open) => self.open(&open),
        }
    }

    fn said(&mut self, done: Result<(), String>, key: &'static str, what: &str, ctx: &Context) {
        if let Err(why) = done {
            let failure = Failure::new(FailureKind::Io, Text::new(key).arg("name", what)).detail(why);
            self.toasts.push(Toast::failed(failure), ctx);
        }
    }

    /// Gives something to show to the pane that shows such things: the focused one, else the one made for it.
    fn open(&mut self, open: &Open) {
        let slot = self.layout.focused_slot();
        // The playground takes any path for a model's; rows are none.
        let for_another =
            matches!(open, Open::Path(path) if is_table(path)) && self.layout.focused() == PaneId::Playground;
        if for_another || !self.with_pane(slot, |pane, cx| pane.open(open, cx)) {
            self.layout.show(match open {
                Open::Run(_) => PaneId::Runs,
                Open::Recipe(_) | Open::Learn(_) | Open::LearnFrom(_) => PaneId::Finetune,
                Open::Predict(_) => PaneId::Predict,
                Open::Inside(_) => PaneId::Attention,
                Open::Dataset(_) | Open::DatasetRow(..) | Open::BadRows(_) => PaneId::Datasets,
                Open::Path(path) if has_rows(path) => PaneId::Datasets,
                Open::Prompt(_) | Open::SavePrompt(_) => PaneId::Prompts,
                Open::Chat(_) | Open::Model(_) | Open::Tuned(_) | Open::Path(_) | Open::UsePrompt(_) => {
                    PaneId::Playground
                }
            });
            let slot = self.layout.focused_slot();
            self.with_pane(slot, |pane, cx| pane.open(open, cx));
        }
    }

    /// Tells of files that have been written.
    pub(super) fn exported(&mut self, ctx: &Context) {
        while let Some((path, result)) = self.host.exported() {
            let toast = match result {
                Ok(()) => {
                    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                    let show = Text::new("runs.show");
                    Toast::new(Text::new("runs.exported").arg("name", name))
                        .icon(icons::CHECK)
                        .action(show, ToastAction::Reveal(path.clone()))
                }
                Err(failure) => Toast::failed(failure),
            };
            self.toasts.push(toast, ctx);
        }
    }

    pub(super) fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = (*self.model.settings).clone();
        change(&mut settings);
        if settings != *self.model.settings {
            self.send(Command::Edit(EditId::mint(), Edit::SaveSettings(Box::new(settings))));
        }
    }

    /// Asks the engine, and shows at once what that will change.
    pub fn send(&mut self, command: Command) {
        self.model.sent(&command);
        self.unsent.push_back(command);
        self.resend();
    }

    /// Sends what waits, in order.
    pub(super) fn resend(&mut self) {
        while let Some(command) = self.unsent.pop_front() {
            match self.link.send(command.clone()) {
                Ok(()) => {}
                Err(SendError::Busy) => {
                    self.unsent.push_front(command);
                    return;
                }
                Err(SendError::Ended) => {
                    self.unsent.clear();
                    if !self.model.engine_ended {
                        self.model.apply(Event::Notice(Notice::Ended));
                    }
                }
            }
        }
    }

    pub(super) fn choose(&mut self, target: Target, ctx: &Context) {
        match target {
            Target::Command(command) => {
                self.layout.used(command);
                self.run(command, ctx);
            }
            Target::Pane(id) => self.layout.show(id),
            Target::Chat(id) => self.actions.push(Action::Open(Open::Chat(id))),
            Target::Model(id) => self.actions.push(Action::Open(Open::Model(id))),
        }
    }

    pub(super) fn toast_action(&mut self, action: ToastAction, ctx: &Context) {
        match action {
            ToastAction::Edit(edit) => self.actions.edit(edit),
            ToastAction::Show(id) => self.layout.show(id),
            ToastAction::Open(open) => self.actions.push(Action::Open(open)),
            ToastAction::Reveal(path) => self.actions.push(Action::Reveal(path)),
            ToastAction::Run(command) => self.run(command, ctx),
        }
    }

    pub(super) fn run_in_window(&mut self, command: UiCommand, ctx: &Context) {
        match command {
            UiCommand::Palette => self.palette.toggle(ctx),
            UiCommand::Undo | UiCommand::Redo if self.pane_takes(command) => {}
            UiCommand::Undo => self.undo(Edit::Undo, "shell.nothing_to_undo", ctx),
            UiCommand::Redo => self.undo(Edit::Redo, "shell.nothing_to_redo", ctx),
            UiCommand::ZoomIn => self.zoom(1),
            UiCommand::ZoomOut => self.zoom(-1),
            UiCommand::ZoomReset => self.set(|s| s.zoom = 1.0),
            UiCommand::ThemeSystem => self.set(|s| s.theme = ThemeChoice::System),
            UiCommand::ThemeDark => self.set(|s| s.theme = ThemeChoice::Dark),
            UiCommand::ThemeLight => self.set(|s| s.theme = ThemeChoice::Light),
            UiCommand::LanguageEnglish => self.set(|s| s.language = Some(Language::English)),
            UiCommand::LanguageChinese => self.set(|s| s.language = Some(Language::Chinese)),
            UiCommand::ToggleOffline => self.set(|s| s.offline = !s.offline),
            UiCommand::OpenBeside => self.layout.beside(self.layout.focused()),
            UiCommand::CloseBeside => self.layout.close(1),
            UiCommand::NextPane => self.layout.focus_next(),
            UiCommand::StopJobs => {
                let running: Vec<_> = self.model.jobs.active().map(|j| j.id).collect();
                running.into_iter().for_each(|id| self.send(Command::Cancel(id)));
            }
            UiCommand::Quit if self.on_close_requested() => self.quit(ctx),
            _ => {}
        }
    }

    /// Whether the focused pane takes things back by itself.
    fn pane_takes(&mut self, command: UiCommand) -> bool {
        matches!(self.layout.focused(), PaneId::Predict | PaneId::Prompts | PaneId::Datasets) && {
            let slot = self.layout.focused_slot();
            self.with_pane(slot, |pane, cx| pane.command(command, cx))
        }
    }

    fn zoom(&mut self, by: isize) {
        self.set(move |s| {
            let nearest = ZOOMS
                .iter()
                .enumerate()
                .min_by(|a, b| (a.1 - s.zoom).abs().total_cmp(&(b.1 - s.zoom).abs()))
                .map_or(3, |(i, _)| i);
            s.zoom = ZOOMS[nearest.saturating_add_signed(by).min(ZOOMS.len() - 1)];
        });
    }

    fn undo(
        &mut self,
        edit: impl FnOnce(glassworks_protocol::ids::ChatId) -> Edit,
        nothing: &'static str,
        ctx: &Context,
    ) {
        let slot = self.layout.focused_slot();
        match self.with_pane(slot, |pane, _| pane.document()) {
            Some(chat) => self.actions.edit(edit(chat)),
            None => self.toasts.push(Toast::new(Text::new(nothing)), ctx),
        }
    }

    fn quit(&mut self, ctx: &Context) {
        self.quitting = true;
        self.host.quit();
        ctx.send_viewport_cmd(egui::ViewportCommand::Close);
    }

    /// Something is being written that should not be cut off.
    pub(super) fn ask_to_quit(&mut self, ctx: &Context) {
        if !self.asks_to_quit {
            return;
        }
        let theme = std::sync::Arc::clone(&self.theme);
        let mut quit = false;
        let frame = egui::Frame::new()
            .fill(theme.tokens.raised)
            .stroke(egui::Stroke::new(1.0, theme.tokens.line_strong))
            .corner_radius(crate::theme::size::RADIUS_TILE)
            .inner_margin(20);
        let modal = egui::Modal::new(egui::Id::unique("quit")).frame(frame);
        let shown = modal.show(ctx, |ui| {
            ui.set_width(360.0);
            widgets::title(ui, theme.t("shell.quit_title"));
            widgets::label(ui, theme.t("shell.quit_sentence"));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                if Button::accent(theme.t("shell.quit_wait")).show(ui).clicked() {
                    self.asks_to_quit = false;
                }
                quit = Button::control(theme.t("shell.quit_anyway")).show(ui).clicked();
            });
        });
        if shown.should_close() {
            self.asks_to_quit = false;
        }
        if quit {
            self.asks_to_quit = false;
            self.quit(ctx);
        }
    }
}
