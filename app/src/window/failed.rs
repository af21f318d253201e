//! What stands in the window when the engine could not start: what happened, what to do, nothing else.

use eframe::egui;
use glassworks_protocol::Failure;
use glassworks_protocol::text::Language;
use glassworks_ui::theme::{self, Type, size};

const SIZE: egui::Vec2 = egui::vec2(640.0, 380.0);

pub struct Failed {
    failure: Failure,
    language: Language,
}

impl Failed {
    #[must_use]
    pub fn new(ctx: &egui::Context, failure: Failure, language: Language) -> Self {
        theme::install(ctx);
        let dark = ctx.theme() == egui::Theme::Dark;
        theme::apply(ctx, &theme::Theme::new(dark, false, false, language));
        ctx.send_viewport_cmd(egui::ViewportCommand::Maximized(false));
        ctx.send_viewport_cmd(egui::ViewportCommand::MinInnerSize(SIZE));
        ctx.send_viewport_cmd(egui::ViewportCommand::InnerSize(SIZE));
        Self { failure, language }
    }

    pub fn ui(&self, ui: &mut egui::Ui) {
        let tokens = theme::of(ui).tokens;
        let frame = egui::Frame::new().fill(tokens.pane).inner_margin(2.0 * size::PADDING);
        egui::CentralPanel::default().frame(frame).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = size::PADDING;
            ui.label(Type::Prose.semibold(self.language.get("cli.window.failed_title"), tokens.text_1));
            ui.label(Type::Body.text(self.language.render(&self.failure.summary), tokens.text_1));
            if let Some(hint) = &self.failure.hint {
                ui.label(Type::Body.text(self.language.render(hint), tokens.text_2));
            }
            if !self.failure.detail.is_empty() {
                ui.collapsing(self.language.get("cli.window.details"), |ui| {
                    egui::ScrollArea::vertical().max_height(96.0).show(ui, |ui| {
                        ui.label(Type::Hint.number(&self.failure.detail, tokens.text_3));
                    });
                });
            }
            ui.horizontal(|ui| {
                if ui.button(self.language.get("cli.window.copy")).clicked() {
                    ui.copy_text(self.told());
                }
                if ui.button(self.language.get("cli.window.quit")).clicked() {
                    ui.send_viewport_cmd(egui::ViewportCommand::Close);
                }
            });
        });
    }

    /// All of it, for a bug report.
    fn told(&self) -> String {
        let hint = self.failure.hint.as_ref().map(|hint| self.language.render(hint)).unwrap_or_default();
        let version = env!("CARGO_PKG_VERSION");
        let summary = self.language.render(&self.failure.summary);
        format!("Glassworks {version}\n{summary}\n{hint}\n{}\n", self.failure.detail)
    }
}
