//! Nothing in the library yet: what it is for, and prompts to begin with.

use super::PromptsPane;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::widgets::{self, Button};
use egui::{Align, Layout, Ui, vec2};
use glassworks_protocol::Edit;
use glassworks_protocol::prompts::{PromptBody, PromptEdit, share};

const WIDTH: f32 = 560.0;

impl PromptsPane {
    pub(super) fn nothing_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let width = WIDTH.min(ui.available_width() - 32.0);
        let top = (ui.available_height() * 0.14).clamp(8.0, 120.0);
        ui.vertical_centered(|ui| {
            ui.add_space(top);
            ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
                widgets::card_frame(ui).show(ui, |ui| {
                    ui.set_width(width - 34.0);
                    ui.spacing_mut().item_spacing.y = 8.0;
                    self.nothing_card(ui, cx);
                });
            });
        });
    }

    fn nothing_card(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        widgets::title(ui, cx.t("prompts.none"));
        ui.label(Type::Body.text(cx.t("prompts.none_sentence"), cx.theme.tokens.text_2));
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            if Button::accent(cx.t("prompts.new")).icon(icons::PLUS).show(ui).clicked() {
                self.create(cx, PromptBody::default(), None);
            }
            if Button::control(cx.t("prompts.import")).icon(icons::DOWNLOAD_SIMPLE).show(ui).clicked() {
                self.transfer.ask_import();
            }
        });
        ui.add_space(8.0);
        widgets::hint(ui, cx.t("prompts.begin_with"));
        for offer in share::bundled(cx.language) {
            let line = vec2(ui.available_width(), size::CONTROL);
            let taken = ui.allocate_ui_with_layout(line, Layout::left_to_right(Align::Center), |ui| {
                let button = Button::control(offer.name.as_str()).icon(icons::SPARKLE);
                let taken = button.show(ui).clicked();
                let text = offer.body.text.split_whitespace().collect::<Vec<_>>().join(" ");
                widgets::truncated(ui, Type::Hint.text(text, cx.theme.tokens.text_3));
                taken
            });
            if taken.inner {
                let record = offer.record(cx.now_ms);
                self.open = Some(record.id);
                cx.edit(Edit::Prompt(PromptEdit::Create(Box::new(record))));
            }
        }
    }
}
