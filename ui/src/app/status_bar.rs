//! The line at the foot: where it computes and why, memory, what runs, offline, the palette's keys.

use super::App;
use crate::action::Action;
use crate::command::UiCommand;
use crate::model::Job;
use crate::panes::PaneId;
use crate::theme::{self, Theme, Type, icons, size};
use crate::units;
use crate::widgets;
use egui::{Align, Layout, Response, RichText, Role, Sense, Ui, WidgetInfo};
use glassworks_protocol::Progress;
use std::sync::Arc;

impl App {
    pub(super) fn status_bar(&mut self, ui: &mut Ui) {
        let theme = Arc::clone(&self.theme);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            self.device(ui, &theme);
            ui.add_space(14.0);
            self.memory(ui, &theme);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                self.palette_hint(ui, &theme);
                if self.model.settings.offline {
                    ui.add_space(10.0);
                    let words = ui.label(Type::Hint.text(theme.t("shell.offline"), theme.tokens.text_2));
                    icon(ui, icons::CLOUD_SLASH, &theme);
                    words.on_hover_text(theme.t("shell.offline_why"));
                }
                self.running(ui, &theme);
            });
        });
    }

    fn device(&self, ui: &mut Ui, theme: &Theme) {
        let t = &theme.tokens;
        let machine = &self.model.machine;
        // A graphics card is all there is to name: how many cores the processor has says nothing of its speed.
        let (name, sets) = if machine.computes_on_processor() {
            let of_processor: [(&str, &dyn std::fmt::Display); 2] =
                [("device", &machine.device), ("n", &machine.n_physical_cores)];
            (theme.language.format("shell.device", &of_processor), machine.instruction_sets.join(", "))
        } else {
            (machine.device.clone(), String::new())
        };
        let why = {
            let reason = theme.language.render(&machine.device_reason);
            let threads = theme.language.format("shell.threads", &[("n", &machine.n_threads)]);
            format!("{}\n{reason}\n{threads}", machine.processor)
        };
        let shown = ui
            .scope(|ui| {
                icon(ui, icons::CPU, theme);
                ui.label(Type::Hint.text(&name, t.text_2));
                if !sets.is_empty() {
                    ui.label(Type::Hint.text(format!("· {sets}"), t.text_3));
                }
            })
            .response;
        let over = ui.interact(shown.rect, ui.scope_id().with("device"), Sense::hover());
        over.widget_info(|| WidgetInfo::labeled(Role::Status, true, format!("{name} {sets}").trim_end()));
        over.on_hover_text(why);
    }

    fn memory(&self, ui: &mut Ui, theme: &Theme) {
        let t = &theme.tokens;
        let memory = &self.model.memory;
        let numbers =
            format!("{} / {} GiB", units::gib(memory.resident_bytes), units::gib(memory.limit_bytes));
        let shown = ui
            .scope(|ui| {
                icon(ui, icons::MEMORY, theme);
                ui.label(Type::Hint.text(theme.t("shell.memory"), t.text_2));
                ui.label(Type::Hint.number(&numbers, t.text_1));
            })
            .response;
        let over = ui.interact(shown.rect, ui.scope_id().with("memory"), Sense::hover());
        let name = theme.t("shell.memory");
        over.widget_info(|| WidgetInfo::labeled(Role::Status, true, format!("{name} {numbers}")));
        over.on_hover_text(theme.language.format(
            "shell.memory_why",
            &[
                ("used", &units::memory(memory.resident_bytes)),
                ("reserved", &units::memory(memory.reserved_bytes)),
                ("limit", &units::memory(memory.limit_bytes)),
            ],
        ));
    }

    fn palette_hint(&mut self, ui: &mut Ui, theme: &Theme) {
        let t = &theme.tokens;
        let keys = UiCommand::Palette.keys(ui.ctx()).unwrap_or_default();
        let words = ui.label(Type::Hint.text(theme.t("shell.commands"), t.text_2));
        let shown = widgets::kbd(ui, &keys).union(words);
        let over = ui.interact(shown.rect, ui.scope_id().with("commands"), Sense::click());
        let name = theme.t("shell.cmd_palette");
        over.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        widgets::focus_ring(ui, &over, shown.rect.shrink(2.0));
        if over.on_hover_text(name.clone()).clicked() {
            self.actions.push(Action::Run(UiCommand::Palette));
        }
    }

    /// Drawn from right to left.
    fn running(&mut self, ui: &mut Ui, theme: &Theme) {
        let t = &theme.tokens;
        let active: Vec<Arc<Job>> = self.model.jobs.active().cloned().collect();
        let Some(job) = active.iter().rev().find(|j| j.progress.is_some()).or(active.last()) else { return };
        ui.add_space(10.0);
        let stop = theme.language.format("shell.stop_job", &[("name", &theme.language.render(&job.title))]);
        if widgets::icon_button(ui, icons::STOP, stop).clicked() {
            self.actions.push(Action::Send(glassworks_protocol::Command::Cancel(job.id)));
        }
        if active.len() > 1 {
            let more = theme.language.format("shell.more_jobs", &[("n", &(active.len() - 1))]);
            ui.label(Type::Hint.text(more, t.text_3));
        }
        let title = theme.language.render(&job.title);
        let roomy = ui.available_width() > 420.0;
        if let Some(progress) = &job.progress {
            if let Some(secs) = progress.left_secs().filter(|_| roomy) {
                ui.label(Type::Hint.text(units::left(theme.language, secs), t.text_3));
            }
            ui.label(Type::Hint.number(units::done_of(theme.language, progress), t.text_1));
        }
        let fraction = job.progress.as_ref().and_then(Progress::fraction);
        widgets::progress_bar(ui, &title, if roomy { 92.0 } else { 56.0 }, fraction, t.warm);
        let response = self.running_title(ui, theme, &title);
        if response.clicked() {
            self.actions.push(Action::Show(PaneId::Jobs));
        }
    }

    fn running_title(&self, ui: &mut Ui, theme: &Theme, title: &str) -> Response {
        let t = &theme.tokens;
        let mut words = Type::Hint.text(title, t.text_1);
        if ui.available_width() < 60.0 {
            words = Type::Hint.text("", t.text_1);
        }
        let label = egui::Label::new(words).truncate().sense(Sense::click());
        let response = ui
            .scope(|ui| {
                ui.set_max_width(ui.available_width().min(240.0));
                ui.add(label)
            })
            .inner;
        let name = theme.t("shell.show_jobs");
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{title}: {name}")));
        widgets::bead(ui, t.warm);
        response.on_hover_text(name)
    }
}

fn icon(ui: &mut Ui, icon: &str, theme: &Theme) -> Response {
    let text = RichText::new(icon).font(theme::icon_font(size::ICON_SMALL, false)).color(theme.tokens.text_3);
    ui.label(text)
}
