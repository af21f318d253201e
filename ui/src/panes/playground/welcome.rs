//! The first launch: a model is there, something to say, three beginnings, a file to open.

use super::Playground;
use super::composer::MessageField;
use super::doc::View;
use super::message::one_line;
use crate::action::Action;
use crate::command::UiCommand;
use crate::model::ModelState;
use crate::panes::{PaneCx, PaneId};
use crate::theme::{Type, Weight, icons, size};
use crate::widgets::{self, Button, Tone, tiles};
use egui::{
    Align, Frame, Id, Layout, Margin, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    vec2,
};
use glassworks_protocol::model::ModelRecord;
use std::sync::Arc;

/// As wide as the text and its cards get.
const WIDTH: f32 = 880.0;

impl Playground {
    /// Nothing has been said in this home yet, and a model is there to say it to.
    pub(super) fn is_welcome(&self, cx: &PaneCx, view: &View) -> bool {
        !self.welcomed
            && view.is_empty()
            && self.model.is_some()
            && cx.model.chats.list.iter().all(|c| c.n_messages == 0)
    }

    pub(super) fn welcome(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        let Some(model) = self.model.and_then(|id| cx.model.library.get(id)).cloned() else { return };
        let rect = ui.available_rect_before_wrap();
        ui.allocate_rect(rect, Sense::hover());
        tiles::tile(ui, "welcome", rect, |ui| {
            ScrollArea::vertical().id_salt("welcome").auto_shrink(false).show(ui, |ui| {
                let width = WIDTH.min(ui.available_width() - 64.0);
                let side = ((ui.available_width() - width) / 2.0).floor();
                ui.add_space((rect.height() * 0.09).clamp(16.0, 78.0));
                ui.horizontal_top(|ui| {
                    ui.add_space(side);
                    ui.vertical(|ui| {
                        ui.set_width(width);
                        self.welcome_body(ui, cx, view, &model);
                    });
                });
                ui.add_space(24.0);
            });
        });
    }

    fn welcome_body(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View, model: &Arc<ModelRecord>) {
        let t = cx.theme.tokens;
        ui.spacing_mut().item_spacing.y = 0.0;
        widgets::logo(ui, 38.0);
        ui.add_space(18.0);
        ui.label(Type::Headline.semibold(cx.t("playground.welcome"), t.text_1));
        ui.add_space(6.0);
        let words = if model.starter { "playground.welcome_starter" } else { "playground.welcome_model" };
        ui.scope(|ui| {
            ui.set_max_width(size::TEXT_COLUMN);
            ui.label(Type::Prose.text(cx.tf(words, &[("name", &model.name)]), t.text_2));
        });
        ui.add_space(24.0);
        self.welcome_composer(ui, cx, view, model);
        self.model_trouble_line(ui, cx);
        let examples: Vec<&String> = model.card.examples.iter().take(3).collect();
        if !examples.is_empty() {
            ui.add_space(40.0);
            widgets::semibold(ui, cx.t("playground.start_with"));
            ui.add_space(10.0);
            self.beginnings(ui, cx, &examples);
        }
        ui.add_space(36.0);
        self.ways(ui, cx);
    }

    fn welcome_composer(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View, model: &Arc<ModelRecord>) {
        let t = cx.theme.tokens;
        let id = Id::unique(("welcome field", cx.slot));
        if std::mem::take(&mut self.composer.want_focus) {
            ui.memory_mut(|m| m.request_focus(id));
        }
        let focused = ui.memory(|m| m.has_focus(id));
        let inset = if focused { 1 } else { 0 };
        let suggestion = model.card.examples.first().cloned();
        let line = if focused { Stroke::new(2.0, t.accent) } else { Stroke::new(1.0, t.line_strong) };
        let mut typed = None;
        Frame::new()
            .fill(t.raised)
            .stroke(line)
            .corner_radius(size::RADIUS_HERO)
            .inner_margin(Margin { left: 19 - inset, right: 12 - inset, top: 16 - inset, bottom: 10 - inset })
            .show(ui, |ui| {
                ui.set_width(ui.available_width());
                let placeholder = suggestion.clone().unwrap_or_else(|| cx.t("playground.first_message"));
                if let Some(doc) = &mut self.doc {
                    let field = MessageField {
                        id,
                        name: cx.language.get("playground.message"),
                        placeholder: &placeholder,
                        font: Type::Figure,
                        enter_sends: cx.settings().enter_sends,
                        suggestion: suggestion.as_deref(),
                    };
                    typed = Some(field.show(ui, &mut self.composer.ime, &mut doc.draft));
                }
                ui.add_space(12.0);
                ui.horizontal(|ui| {
                    self.model_button(ui, cx);
                    let state = cx.model.library.state(model.id);
                    if matches!(state, ModelState::Loading(_)) {
                        widgets::hint(ui, cx.t("model.loading"));
                    } else if let Some(label) = starter_label(cx, model) {
                        widgets::tag(ui, Tone::Plain, label).on_hover_text(cx.card_words(&model.card));
                    }
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        ui.spacing_mut().item_spacing.x = 12.0;
                        self.send_button(ui, cx, view);
                        if suggestion.is_some() && self.doc.as_ref().is_some_and(|d| d.draft.is_empty()) {
                            widgets::hint(ui, cx.t("playground.tab_takes"));
                        }
                    });
                });
            });
        let Some(typed) = typed else { return };
        if typed.response.changed() {
            self.drafted(cx);
        }
        if typed.sent {
            self.send(cx, view);
        }
    }

    fn model_trouble_line(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some(id) = self.model else { return };
        let ModelState::Failed(failure) = cx.model.library.state(id) else { return };
        ui.add_space(16.0);
        let again = Button::control(cx.t("playground.try_again")).icon(icons::ARROW_CLOCKWISE);
        if widgets::failed_line(ui, failure, Some(again)) {
            self.choose_model(id, cx);
        }
    }

    /// Cards with texts that show the model well; a click puts one into the composer.
    fn beginnings(&mut self, ui: &mut Ui, cx: &mut PaneCx, examples: &[&String]) {
        let gap = 16.0;
        let n = if ui.available_width() < 640.0 { 1 } else { examples.len() };
        let width = (ui.available_width() - gap * (n - 1) as f32) / n as f32;
        let mut chosen = None;
        for row in examples.chunks(n) {
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = gap;
                for example in row {
                    if beginning(ui, cx, example, width).clicked() {
                        chosen = Some((*example).clone());
                    }
                }
            });
            ui.add_space(if n == 1 { 8.0 } else { 0.0 });
        }
        if let (Some(text), Some(doc)) = (chosen, &mut self.doc) {
            doc.draft = text;
            self.drafted(cx);
            self.composer.want_focus = true;
        }
    }

    /// The draft has changed: kept as that of a message and of a free text alike, whichever it becomes.
    fn drafted(&mut self, cx: &PaneCx) {
        let Some(doc) = &mut self.doc else { return };
        doc.typed(cx.now_ms);
        self.editor.written.change(&doc.draft);
    }

    /// A file to open, language and appearance, and a promise.
    fn ways(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(12.0, 8.0);
            // Bare buttons have a margin of their own: their icons stand where everything begins.
            ui.add_space(-12.0);
            let open = Button::quiet(cx.t("playground.open_model")).icon(icons::FOLDER_OPEN);
            if open.tooltip(cx.tip(ui, UiCommand::OpenModel)).show(ui).clicked() {
                self.opener.open();
            }
            if Button::quiet(cx.t("playground.import")).icon(icons::UPLOAD_SIMPLE).show(ui).clicked() {
                self.transfer.ask_import();
            }
            if Button::quiet(cx.t("playground.appearance")).icon(icons::SUN).show(ui).clicked() {
                cx.push(Action::Show(PaneId::Settings));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                widgets::hint(ui, cx.t("playground.promise"));
            });
        });
    }
}

/// What the starter is, honestly.
fn starter_label(cx: &PaneCx, model: &ModelRecord) -> Option<String> {
    if model.starter {
        return Some(cx.t("playground.starter_label"));
    }
    model.card.description.clone().map(|d| one_line(&d, 60))
}

fn beginning(ui: &mut Ui, cx: &PaneCx, example: &str, width: f32) -> Response {
    let t = cx.theme.tokens;
    let font = Type::Body.mono(Weight::Regular);
    let words = ui.painter().layout(one_line(example, 120), font, t.text_1, width - 32.0);
    let (rect, response) =
        ui.allocate_exact_size(vec2(width, 96.0_f32.max(words.size().y + 60.0)), Sense::click());
    let name = cx.tf("playground.begin", &[("text", &example)]);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let fill = if response.is_pointer_button_down_on() {
        t.pressed
    } else if response.hovered() {
        t.hover
    } else {
        t.raised
    };
    let radius = f32::from(size::RADIUS_TILE);
    ui.painter().rect(rect, radius, fill, Stroke::new(1.0, t.line), StrokeKind::Inside);
    ui.painter().galley(rect.min + vec2(16.0, 16.0), words, t.text_1);
    let hint = widgets::galley(ui, cx.t("playground.begin_hint"), Type::Hint.font(Weight::Regular), t.text_3);
    let at = egui::pos2(rect.left() + 16.0, rect.bottom() - 16.0 - hint.size().y);
    ui.painter().galley(at, hint, t.text_3);
    widgets::focus_ring(ui, &response, rect);
    response
}
