//! The conversation: only what is near the visible part is drawn, the rest keeps its measured height.

use super::Playground;
use super::column::Column;
use super::doc::View;
use super::markdown::{self, Block};
use super::think::{self, Part};
use crate::panes::PaneCx;
use crate::theme::{icons, size};
use crate::widgets;
use egui::{Align, Id, Layout, Rect, ScrollArea, Sense, Ui, UiBuilder, Vec2, pos2, vec2};
use glassworks_protocol::chat::MessageRecord;
use glassworks_protocol::ids::{ChatId, MessageId};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// What is drawn above and below the visible part, so that the keyboard has somewhere to go.
const AROUND: f32 = 400.0;
/// Parsed pages that are kept.
const MAX_PAGES: usize = 128;

#[derive(Default)]
pub struct MessagesState {
    /// Show the end in the next frame.
    pub to_end: bool,
    /// The message being edited and its new text.
    pub editing: Option<(MessageId, String)>,
    /// The edit that is open is to be sent.
    pub send_edit: bool,
    pub(super) edit_ime: super::composer::Ime,
    pub(super) edit_wants_focus: bool,
    /// Thoughts that are unfolded, or folded while they are being written.
    pub(super) turned: HashSet<(MessageId, usize)>,
    /// The message whose row of buttons had the pointer or the keyboard in the last frame.
    pub(super) active: Option<MessageId>,
    heights: HashMap<MessageId, f32>,
    width: f32,
    pages: HashMap<MessageId, (usize, Rc<Vec<Piece>>)>,
    shown: Option<ChatId>,
    scroll_to: Option<f32>,
}

/// A part of a message, parsed.
pub(super) enum Piece {
    Page(Vec<Block>),
    Thought { blocks: Vec<Block>, closed: bool },
}

impl MessagesState {
    /// Another document takes this one's place.
    pub fn leave(&mut self) {
        self.editing = None;
        self.turned.clear();
        self.to_end = true;
    }

    #[must_use]
    pub fn is_editing(&self) -> bool {
        self.editing.is_some()
    }

    /// The parsed parts of a message; parsed again when it has grown.
    pub(super) fn pieces(&mut self, message: &MessageRecord) -> Rc<Vec<Piece>> {
        if let Some((len, pieces)) = self.pages.get(&message.id)
            && *len == message.text.len()
        {
            return Rc::clone(pieces);
        }
        if self.pages.len() >= MAX_PAGES {
            self.pages.clear();
        }
        let piece = |part| match part {
            Part::Said(text) => Piece::Page(markdown::parse(text)),
            Part::Thought { text, closed } => Piece::Thought { blocks: markdown::parse(text), closed },
        };
        let pieces = Rc::new(think::parts(&message.text).into_iter().map(piece).collect::<Vec<_>>());
        self.pages.insert(message.id, (message.text.len(), Rc::clone(&pieces)));
        pieces
    }

    /// The height a message had when it was last drawn, or a guess.
    fn height(&self, message: &MessageRecord) -> f32 {
        self.heights.get(&message.id).copied().unwrap_or_else(|| {
            let per_line = 80.0;
            let lines =
                message.text.lines().map(|l| (l.len() as f32 / per_line).ceil().max(1.0)).sum::<f32>();
            lines * 24.0 + 72.0
        })
    }
}

impl Playground {
    pub(super) fn messages_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        if view.path.is_empty() {
            return self.empty_chat(ui, cx);
        }
        let rect = ui.available_rect_before_wrap();
        if self.messages.width != rect.width() {
            self.messages.width = rect.width();
            self.messages.heights.clear();
        }
        let mut area = ScrollArea::vertical()
            .id_salt(("messages", view.record.id))
            .auto_shrink(false)
            .stick_to_bottom(true);
        if let Some(offset) = self.messages.scroll_to.take() {
            area = area.vertical_scroll_offset(offset);
        }
        if self.messages.shown != Some(view.record.id) {
            self.messages.shown = Some(view.record.id);
            self.messages.to_end = true;
        }
        if std::mem::take(&mut self.messages.to_end) {
            // Past the end, which egui makes the end.
            area = area.vertical_scroll_offset(1e7);
        }
        self.page_keys(ui, rect.height());
        let shown = area.show_viewport(ui, |ui, viewport| self.messages_near(ui, cx, view, viewport));
        let offset = shown.state.clamped_offset().y;
        let end = (shown.content_size.y - shown.inner_rect.height()).max(0.0);
        let at_end = end - offset < 8.0;
        // Heights above the visible part were guesses: what is being read must not move.
        if shown.inner.abs() > 0.5 && !at_end {
            self.messages.scroll_to = Some(offset + shown.inner);
            ui.ctx().request_repaint();
        }
        if !at_end {
            self.jump_button(ui, cx, shown.inner_rect);
        }
    }

    /// Draws what is near the visible part; returns by how much guesses above it were wrong.
    fn messages_near(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View, viewport: Rect) -> f32 {
        let origin = ui.max_rect().min;
        let (left, right) = (ui.max_rect().left(), ui.max_rect().right());
        let mut top = 20.0;
        let mut wrong = 0.0;
        let mut active = None;
        for (idx, message) in view.path.iter().enumerate() {
            let guess = self.messages.height(message);
            let near = top + guess >= viewport.top() - AROUND && top <= viewport.bottom() + AROUND;
            if !near {
                top += guess;
                continue;
            }
            let place = Rect::from_min_max(pos2(left, origin.y + top), pos2(right, f32::INFINITY));
            let builder =
                UiBuilder::new().id_salt(message.id).max_rect(place).layout(Layout::top_down(Align::Min));
            let shown = ui.scope_builder(builder, |ui| {
                ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
                self.message_ui(ui, cx, view, idx)
            });
            if shown.inner {
                active = Some(message.id);
            }
            let height = shown.response.rect.height();
            self.messages.heights.insert(message.id, height);
            if top + guess < viewport.top() {
                wrong += height - guess;
            }
            top += height;
        }
        self.messages.active = active;
        let bottom = origin.y + top + 16.0;
        ui.advance_cursor_after_rect(Rect::from_min_max(origin, pos2(right, bottom)));
        wrong
    }

    /// Page keys scroll the conversation while the composer has the keyboard.
    fn page_keys(&self, ui: &Ui, height: f32) {
        let pages =
            ui.input(|i| i.num_presses(egui::Key::PageUp) as f32 - i.num_presses(egui::Key::PageDown) as f32);
        if pages != 0.0 && !self.messages.is_editing() {
            ui.scroll_with_delta(Vec2::new(0.0, pages * height * 0.85));
        }
    }

    fn jump_button(&mut self, ui: &mut Ui, cx: &PaneCx, rect: Rect) {
        let t = cx.theme.tokens;
        let center = pos2(Column::within(rect).right - 16.0, rect.bottom() - 28.0);
        let circle = Rect::from_center_size(center, vec2(32.0, 32.0));
        let response = ui.interact(circle, Id::unique(("to end", cx.slot)), Sense::click());
        let name = cx.t("playground.to_end");
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
        let fill = if response.hovered() { t.hover } else { t.raised };
        ui.painter().circle(center, 16.0, fill, egui::Stroke::new(1.0, t.line_strong));
        widgets::shape_icon(ui, center, icons::ARROW_DOWN, size::ICON, false, t.text_1);
        widgets::focus_ring(ui, &response, circle);
        if response.on_hover_text(name).clicked() {
            self.messages.to_end = true;
            ui.ctx().request_repaint();
        }
    }

    /// No messages yet: what to do, and what shows the model well.
    fn empty_chat(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let model = self.model.and_then(|id| cx.model.library.get(id)).cloned();
        let column = Column::of(ui);
        let room = ui.available_height();
        ui.add_space((room * 0.26).min(220.0));
        column.show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            let t = cx.theme.tokens;
            let Some(model) = model else {
                if widgets::empty(
                    ui,
                    &cx.t("playground.no_model"),
                    &cx.t("playground.no_model_sentence"),
                    Some(widgets::Button::control(cx.t("playground.open_model"))),
                ) {
                    self.opener.open();
                }
                return;
            };
            let title = cx.tf("playground.empty_chat", &[("name", &model.name)]);
            ui.label(crate::theme::Type::Figure.semibold(title, t.text_1));
            if !model.card.is_chat() {
                let words = cx.t("playground.no_template_sentence");
                ui.label(crate::theme::Type::Body.text(words, t.text_2));
                ui.add_space(4.0);
                let go = widgets::Button::control(cx.t("playground.use_completion")).icon(icons::TEXT_T);
                if go.show(ui).clicked() {
                    self.new_document(glassworks_protocol::chat::ChatKind::Completion, cx);
                }
            } else {
                ui.label(crate::theme::Type::Body.text(cx.t("playground.empty_chat_sentence"), t.text_2));
            }
            self.examples(ui, cx, &model.card.examples);
        });
    }

    /// Up to three texts that show the model well; a click puts one into the composer.
    pub(super) fn examples(&mut self, ui: &mut Ui, cx: &mut PaneCx, examples: &[String]) {
        if examples.is_empty() {
            return;
        }
        ui.add_space(4.0);
        for example in examples.iter().take(3) {
            let button = widgets::Button::control(super::message::one_line(example, 64)).icon(icons::SPARKLE);
            if button.name(example.clone()).show(ui).clicked()
                && let Some(doc) = &mut self.doc
            {
                doc.draft.clone_from(example);
                doc.typed(cx.now_ms);
                self.composer.want_focus = true;
            }
        }
    }
}
