//! "Show as recipe": the same run as a file and a command.

use super::Finetune;
use super::facts::Facts;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button};
use egui::Context;

/// What a recipe is saved as, for the command to name.
const COMMAND: &str = "glassworks train recipe.toml";

impl Finetune {
    pub(super) fn recipe_dialog(&mut self, ctx: &Context, cx: &mut PaneCx, facts: &Facts) {
        if !self.recipe_shown {
            return;
        }
        let model = facts.model.as_ref().map_or_else(String::new, |model| {
            if model.starter { "starter".to_owned() } else { model.path.to_string_lossy().into_owned() }
        });
        let recipe = self.draft.spec.recipe(&model);
        let theme = std::sync::Arc::clone(&cx.theme);
        let title = cx.t("finetune.recipe");
        let (mut copied, mut done) = (None, false);
        let close = widgets::dialog(ctx, &theme, "recipe", &title, 600.0, |ui| {
            ui.label(Type::Body.text(cx.t("finetune.recipe_sentence"), theme.tokens.text_2));
            let room = (ctx.content_rect().height() - 320.0).max(120.0);
            widgets::well(ui, |ui| {
                ui.set_width(ui.available_width());
                egui::ScrollArea::vertical().id_salt("recipe").max_height(room).show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    widgets::selectable(ui, Type::Hint.number(recipe.as_str(), theme.tokens.text_1));
                });
            });
            widgets::well(ui, |ui| {
                ui.set_width(ui.available_width());
                widgets::selectable(ui, Type::Hint.number(COMMAND, theme.tokens.text_1));
            });
            ui.horizontal(|ui| {
                if Button::accent(cx.t("finetune.copy_recipe")).icon(icons::COPY).show(ui).clicked() {
                    copied = Some(recipe.clone());
                }
                if Button::control(cx.t("finetune.copy_command")).icon(icons::COPY).show(ui).clicked() {
                    copied = Some(COMMAND.to_owned());
                }
                done = Button::quiet(cx.t("finetune.done")).show(ui).clicked();
            });
        });
        if let Some(text) = copied {
            cx.copy(text);
        }
        self.recipe_shown = !(close || done);
    }
}
