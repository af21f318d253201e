//! Free text that a model goes on with at the cursor; what it wrote is tinted until it is edited.

use super::Playground;
use super::ask;
use super::column::Column;
use super::composer::{Ime, context_label};
use super::doc::{View, decode_draft};
use super::free_text;
use super::generated::Written;
use crate::command::UiCommand;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets::{self, Button, icon_button_off};
use egui::text::{CCursor, CCursorRange};
use egui::{Align, Frame, Id, Layout, Margin, Panel, ScrollArea, TextBuffer, TextEdit, Ui};
use glassworks_protocol::chat::{MessageStatus, Role};
use glassworks_protocol::ids::MessageId;

/// The text being worked on.
#[derive(Default)]
pub struct Editor {
    pub written: Written,
    /// The text as the messages have it, without edits.
    pub as_messages: String,
    /// What of the messages has been taken up: the newest one and its length.
    taken: Option<(Option<MessageId>, usize)>,
    /// In characters, as egui counts.
    cursor: usize,
    /// Where the cursor has to go.
    move_to: Option<usize>,
    ime: Ime,
}

impl Editor {
    /// The text up to the cursor.
    #[must_use]
    pub fn before_cursor(&self) -> &str {
        &self.written.text[..self.byte_of_cursor()]
    }

    /// The text after the cursor.
    #[must_use]
    pub fn after_cursor(&self) -> &str {
        &self.written.text[self.byte_of_cursor()..]
    }

    fn byte_of_cursor(&self) -> usize {
        let text = &self.written.text;
        text.char_indices().nth(self.cursor).map_or(text.len(), |(byte, _)| byte)
    }

    /// Takes up what the messages have become; a stored draft once, when the document is opened.
    fn follow(&mut self, view: &View) {
        let last = view.path.last();
        let now = (last.map(|m| m.id), last.map_or(0, |m| m.text.len()));
        if self.taken == Some(now) {
            return;
        }
        let opened = self.taken.is_none();
        self.taken = Some(now);
        let written = Written::of_path(&view.path);
        self.as_messages.clone_from(&written.text);
        // A document without messages keeps what was written before it became a free text.
        if !view.path.is_empty() {
            self.written = written;
        }
        if opened && let Some(draft) = decode_draft(&view.record.draft) {
            self.written.change(draft);
        }
        let end = end_of_reply(view, &self.written.text);
        self.cursor = end;
        self.move_to = Some(end);
    }
}

/// Where the newest reply ends, in characters.
fn end_of_reply(view: &View, text: &str) -> usize {
    let tail = view.path.iter().rev().find(|m| m.role == Role::Prompt).map_or("", |m| m.tail.as_str());
    let all = text.chars().count();
    if text.ends_with(tail) { all - tail.chars().count() } else { all }
}

impl Playground {
    pub(super) fn completion_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        self.editor.follow(view);
        Panel::bottom(Id::unique(("completion", cx.slot)))
            .resizable(false)
            .show_separator_line(false)
            .frame(Frame::NONE)
            .show(ui, |ui| {
                let column = Column::of(ui);
                ui.add_space(8.0);
                column.show(ui, |ui| self.completion_foot(ui, cx, view));
                ui.add_space(size::PADDING);
            });
        let column = Column::of(ui);
        ScrollArea::vertical()
            .id_salt(("completion", view.record.id))
            .auto_shrink(false)
            .stick_to_bottom(view.job.is_some())
            .show(ui, |ui| {
                ui.add_space(24.0);
                column.show(ui, |ui| {
                    self.text_ui(ui, cx, view);
                    if self.editor.written.text.is_empty() {
                        self.completion_examples(ui, cx);
                    }
                });
                ui.add_space(24.0);
            });
    }

    fn text_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        let id = Id::unique(("text", cx.slot, view.record.id));
        let writing = view.job.is_some();
        if std::mem::take(&mut self.composer.want_focus) {
            ui.memory_mut(|m| m.request_focus(id));
        }
        if let Some(at) = self.editor.move_to.take() {
            let mut state = TextEdit::load_state(ui.ctx(), id).unwrap_or_default();
            state.cursor.set_char_range(Some(CCursorRange::one(CCursor::new(at))));
            TextEdit::store_state(ui.ctx(), id, state);
        }
        let focused = ui.memory(|m| m.has_focus(id));
        if focused {
            self.editor.ime.is_busy(ui);
        }
        let theme = std::sync::Arc::clone(&cx.theme);
        let before = self.editor.written.clone();
        let by = self.chips.by;
        let mut layouter = |ui: &Ui, buffer: &dyn TextBuffer, width: f32| {
            // While a key is being taken in, the ranges still are those of the text before it.
            let mut now = before.clone();
            now.change(buffer.as_str());
            ui.painter().layout_job(free_text::tinted(&now, &view.path, by, &theme.tokens, width))
        };
        let name = cx.t("playground.text");
        let mut text = self.editor.written.text.clone();
        let mut fixed = text.as_str();
        let hint = egui::RichText::new(cx.t("playground.text_placeholder"))
            .font(Type::Prose.font(Weight::Regular))
            .color(theme.tokens.text_3);
        let buffer: &mut dyn TextBuffer = if writing { &mut fixed } else { &mut text };
        let output = TextEdit::multiline(buffer)
            .id(id)
            .frame(Frame::NONE)
            .margin(Margin::ZERO)
            .font(Type::Prose.font(Weight::Regular))
            .desired_rows(8)
            .desired_width(f32::INFINITY)
            .hint_text(hint)
            .layouter(&mut layouter)
            .show(ui);
        if let Some(range) = output.cursor_range {
            self.editor.cursor = range.primary.index.0;
        }
        let response = output.response.response.accessible_name(&name);
        self.free_text_chips(ui, cx, view, &response, &output.galley, output.galley_pos);
        if response.changed() && !writing {
            self.editor.written.change(&text);
            self.chips.leave();
            if let Some(doc) = &mut self.doc {
                doc.typed(cx.now_ms);
            }
        }
    }

    /// Texts that show the model well; a click begins with one.
    fn completion_examples(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some(model) = self.model.and_then(|id| cx.model.library.get(id)).cloned() else { return };
        if model.card.examples.is_empty() {
            return;
        }
        ui.add_space(8.0);
        ui.spacing_mut().item_spacing.y = 8.0;
        widgets::hint(ui, cx.t("playground.begin_with"));
        for example in model.card.examples.iter().take(3) {
            let button = Button::control(super::message::one_line(example, 64)).icon(icons::SPARKLE);
            if button.name(example.clone()).show(ui).clicked() {
                self.editor.written.change(example);
                self.editor.move_to = Some(example.chars().count());
                self.editor.cursor = example.chars().count();
                self.composer.want_focus = true;
                if let Some(doc) = &mut self.doc {
                    doc.typed(cx.now_ms);
                }
            }
        }
    }

    /// What became of the newest reply, its versions, and the way on.
    fn completion_foot(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        if let Some(message) = view.last_reply().cloned() {
            self.completion_news(ui, cx, view, &message);
        }
        Frame::new()
            .fill(cx.theme.tokens.raised)
            .stroke(egui::Stroke::new(1.0, cx.theme.tokens.line))
            .corner_radius(size::RADIUS_TILE)
            .inner_margin(Margin::symmetric(8, 8))
            .show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 4.0;
                    self.completion_buttons(ui, cx, view);
                    self.schema_mark(ui, cx);
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        ui.spacing_mut().item_spacing.x = 12.0;
                        self.continue_button(ui, cx, view);
                        self.compare_button(ui, cx, view);
                        context_label(ui, cx, view);
                    });
                });
            });
    }

    fn completion_news(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        view: &View,
        message: &glassworks_protocol::chat::MessageRecord,
    ) {
        if message.status == MessageStatus::Streaming && message.text.is_empty() {
            let progress = view.job.and_then(|id| cx.model.jobs.get(id)).and_then(|j| j.progress.clone());
            ui.horizontal(|ui| {
                widgets::bead(ui, cx.theme.tokens.warm);
                let stage = progress.as_ref().map(|p| cx.render(&p.stage));
                widgets::label(ui, stage.unwrap_or_else(|| cx.t("playground.waiting")));
                if let Some(progress) = &progress {
                    widgets::mono(ui, units::progress(cx.language, progress));
                }
            });
            ui.add_space(8.0);
            return;
        }
        if let Some(token) = super::message::strip(ui, cx, message) {
            self.show_token(message.id, token);
        }
        self.became(ui, cx, message);
        let line = egui::vec2(ui.available_width(), Type::Hint.line());
        ui.allocate_ui_with_layout(line, Layout::right_to_left(Align::Center), |ui| {
            super::message_row::stats_line(ui, cx, message);
        });
        ui.add_space(8.0);
    }

    fn completion_buttons(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        let busy = view.job.is_some().then(|| cx.t("playground.busy"));
        if let Some((idx, message)) =
            view.path.iter().enumerate().rev().find(|(_, m)| m.role == Role::Assistant)
        {
            // Another version would take the place of what was edited since.
            let edited = self.editor.written.text != self.editor.as_messages;
            let off = busy.clone().or_else(|| edited.then(|| cx.t("playground.edited_since")));
            self.versions(ui, cx, view, message, off.clone());
            let again = cx.t("playground.again");
            if icon_button_off(ui, icons::ARROWS_CLOCKWISE, again, off).clicked() {
                self.regenerate(cx, view, idx);
            }
        }
        let empty = self.editor.written.text.is_empty().then(|| cx.t("playground.nothing_to_copy"));
        if icon_button_off(ui, icons::COPY, cx.t("playground.copy"), empty).clicked() {
            cx.copy(self.editor.written.text.clone());
        }
        let preview = cx.t("playground.preview");
        if icon_button_off(ui, icons::EYE, preview, busy).clicked() {
            self.start_preview(cx, view);
        }
    }

    fn continue_button(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        if view.job.is_some() || self.model.is_none() {
            return self.send_button(ui, cx, view);
        }
        let keys = cx.keys(ui, UiCommand::Send).unwrap_or_default();
        let go = Button::accent(cx.t("playground.continue")).shortcut(keys);
        if go.tooltip(cx.t("playground.continue_hint")).show(ui).clicked() {
            self.complete(cx, view);
        }
    }

    /// Goes on at the cursor.
    pub(super) fn complete(&mut self, cx: &mut PaneCx, view: &View) {
        if view.job.is_some() {
            return;
        }
        let Some(asker) = self.asker(cx) else { return self.opener.open() };
        let at = self.editor.byte_of_cursor();
        let (before, after) = self.editor.written.text.split_at(at);
        // Nothing was edited since a cut-off reply: it simply goes on, as the same version.
        let last = view.path.len().wrapping_sub(1);
        let untouched = self.editor.written.text == self.editor.as_messages
            && self.editor.cursor == end_of_reply(view, &self.editor.written.text);
        let spec = if untouched && view.path.last().is_some_and(|m| ask::can_go_on(m)) {
            asker.go_on(&view.record, &view.path, last)
        } else {
            Some(asker.complete(&view.record, &view.path, before, after))
        };
        let stored_draft = !view.record.draft.is_empty();
        if let Some(doc) = &mut self.doc {
            doc.settled();
            doc.draft.clear();
        }
        let id = view.record.id;
        self.start_reply(cx, spec);
        if stored_draft {
            let text = String::new();
            cx.edit(glassworks_protocol::Edit::SaveDraft { chat: id, text });
        }
        cx.set(move |s| s.last_chat = Some(id));
        self.composer.want_focus = true;
    }
}
