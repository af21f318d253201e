//! What goes before and around the messages: the system prompt and the variables of the chat template.

use super::Playground;
use super::doc::View;
use super::text_area::text_area;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, Tone, segments};
use egui::{Popup, Ui};
use glassworks_protocol::Edit;
use glassworks_protocol::chat::{TemplateOptions, TemplateSource};
use glassworks_protocol::model::ModelCard;

#[derive(Default)]
pub struct OptionsState {
    /// The system prompt while it is being changed.
    pub system_prompt: Option<String>,
    /// The tools while they are being changed.
    tools: Option<String>,
    pub open_wanted: bool,
    /// The popover is there.
    is_open: bool,
    /// The keyboard should go to the system prompt, which takes until what lay above is gone.
    want_focus: bool,
}

/// Why `text` is no list of tools.
fn tools_problem(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return None;
    }
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Array(_)) => None,
        Ok(_) => Some(String::new()),
        Err(error) => Some(error.to_string()),
    }
}

impl Playground {
    /// The button under the composer, and its popover.
    pub(super) fn options_button(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        let prompt = self.options.system_prompt.as_ref().unwrap_or(&view.record.system_prompt);
        let on = !prompt.trim().is_empty() || view.record.template != TemplateOptions::default();
        let mut button = Button::quiet(cx.t("playground.system_prompt")).icon(icons::TEXT_T);
        if on {
            button = button.detail(cx.t("playground.on"));
        }
        let response = button.show(ui);
        if std::mem::take(&mut self.options.open_wanted) {
            Popup::open_id(ui.ctx(), Popup::default_response_id(&response));
        }
        let open = widgets::popover(&response, 460.0, |ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            let height = (ui.ctx().content_rect().height() - 200.0).clamp(160.0, 620.0);
            egui::ScrollArea::vertical()
                .max_height(height)
                .min_scrolled_height(height)
                .show(ui, |ui| self.options(ui, cx, view));
        });
        let was_open = std::mem::replace(&mut self.options.is_open, open.is_some());
        self.options.want_focus |= !was_open && self.options.is_open;
        if open.is_none() {
            self.store_system_prompt(cx);
            self.store_tools(cx, view);
        }
    }

    fn options(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        let name = cx.t("playground.system_prompt");
        widgets::semibold(ui, &name);
        let mut text =
            self.options.system_prompt.clone().unwrap_or_else(|| view.record.system_prompt.clone());
        let id = egui::Id::unique(("system prompt", cx.slot));
        let placeholder = cx.t("playground.system_prompt_placeholder");
        if self.options.want_focus {
            self.options.want_focus = !ui.memory(|m| m.has_focus(id));
            ui.memory_mut(|m| m.request_focus(id));
            ui.ctx().request_repaint();
        }
        if text_area(ui, id, &name, &placeholder, 4, false, &mut text).changed() {
            self.options.system_prompt = Some(text);
        }
        widgets::hint(ui, cx.t("playground.system_prompt_hint"));
        widgets::divider(ui);
        let card = self.model.and_then(|id| cx.model.library.get(id)).map(|m| m.card.clone());
        if let Some(card) = &card {
            template_source(ui, cx, card);
        }
        let mut template = view.record.template.clone();
        template_switches(ui, cx, &mut template);
        if template != view.record.template {
            self.set_template(cx, view, template);
        }
        self.tools_ui(ui, cx, view);
        let show = Button::control(cx.t("playground.preview")).icon(icons::EYE);
        if show.show(ui).clicked() {
            self.start_preview(cx, view);
            ui.close();
        }
    }

    /// Tool descriptions as JSON; kept when they are a list.
    fn tools_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        let t = cx.theme.tokens;
        let name = cx.t("playground.tools");
        widgets::label(ui, &name);
        let mut text = self.options.tools.clone().unwrap_or_else(|| view.record.template.tools.clone());
        let id = egui::Id::unique(("tools", cx.slot));
        let response = text_area(ui, id, &name, "[]", 2, true, &mut text);
        let problem = tools_problem(&text);
        match &problem {
            Some(why) => {
                let words = cx.tf("playground.tools_problem", &[("why", why)]);
                ui.label(Type::Hint.text(words, t.danger));
            }
            None => {
                widgets::hint(ui, cx.t("playground.tools_hint"));
            }
        }
        if response.changed() {
            self.options.tools = Some(text);
        }
        if response.lost_focus() {
            self.store_tools(cx, view);
        }
    }

    fn store_tools(&mut self, cx: &mut PaneCx, view: &View) {
        let Some(text) = self.options.tools.take() else { return };
        if tools_problem(&text).is_some() {
            // Kept for mending, not stored.
            self.options.tools = Some(text);
        } else if text != view.record.template.tools {
            self.set_template(cx, view, TemplateOptions { tools: text, ..view.record.template.clone() });
        }
    }

    fn set_template(&mut self, cx: &mut PaneCx, view: &View, template: TemplateOptions) {
        let Some(doc) = &mut self.doc else { return };
        if !doc.change_fresh(|record| record.template = template.clone()) {
            cx.edit(Edit::SetTemplate { chat: view.record.id, template });
        }
    }

    /// Stores a changed system prompt as one edit.
    pub(super) fn store_system_prompt(&mut self, cx: &mut PaneCx) {
        let Some(text) = self.options.system_prompt.take() else { return };
        let Some(doc) = &mut self.doc else { return };
        let Some(view) = doc.view(cx.model) else { return };
        if text == view.record.system_prompt {
            return;
        }
        if !doc.change_fresh(|record| record.system_prompt.clone_from(&text)) {
            cx.edit(Edit::SetSystemPrompt { chat: doc.id, text });
        }
    }
}

/// Where the chat template comes from, or that there is none.
fn template_source(ui: &mut Ui, cx: &PaneCx, card: &ModelCard) {
    ui.horizontal(|ui| {
        widgets::semibold(ui, cx.t("playground.template"));
        match &card.template {
            TemplateSource::Model(from) => {
                widgets::tag(ui, Tone::Plain, cx.tf("model.template_from", &[("name", from)]));
            }
            TemplateSource::Fallback(_) => {
                let hint = cx.t("playground.fallback_hint");
                widgets::badge(ui, Tone::Warn, icons::WARNING, cx.t("model.no_template")).on_hover_text(hint);
            }
        }
    });
    if let TemplateSource::Fallback(_) = card.template {
        widgets::hint(ui, cx.t("playground.fallback_hint"));
    }
}

fn template_switches(ui: &mut Ui, cx: &PaneCx, template: &mut TemplateOptions) {
    let name = cx.t("playground.generation_prompt");
    ui.horizontal(|ui| {
        widgets::toggle(ui, &name, &mut template.add_generation_prompt);
        widgets::label(ui, &name).on_hover_text("add_generation_prompt");
    });
    widgets::hint(ui, cx.t("playground.generation_prompt_hint"));
    ui.horizontal(|ui| {
        let name = cx.t("playground.enable_thinking");
        widgets::label(ui, &name).on_hover_text("enable_thinking");
        let options = [
            (None, cx.t("playground.not_set")),
            (Some(true), cx.t("playground.on")),
            (Some(false), cx.t("playground.off")),
        ];
        segments(ui, &name, &mut template.enable_thinking, &options, None);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_a_list_of_json() {
        assert!(tools_problem("").is_none());
        assert!(tools_problem(r#"[{"name": "clock"}]"#).is_none());
        assert!(tools_problem(r#"{"name": "clock"}"#).is_some());
        assert!(tools_problem("[").is_some_and(|why| why.contains("line 1")));
    }
}
