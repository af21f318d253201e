//! Where a message is written: grows up to eight lines, sends on Enter, is safe while characters are composed.

use super::Playground;
use super::column::Column;
use super::doc::View;
use crate::command::UiCommand;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units::grouped;
use crate::widgets::Button;
use egui::{
    Align, Event, Frame, Id, ImeEvent, Key, KeyboardShortcut, Layout, Margin, Modifiers, Panel, Response,
    RichText, ScrollArea, Stroke, TextEdit, Ui,
};

const MAX_LINES: f32 = 8.0;

#[derive(Default)]
pub struct ComposerState {
    /// The keyboard should go to the composer.
    pub want_focus: bool,
    pub(super) ime: Ime,
}

/// Whether an input method is composing: its Enter takes a word and sends nothing.
#[derive(Default)]
pub struct Ime {
    composing: bool,
}

impl Ime {
    /// Looks at this frame's events; true also in the frame in which a composition ends.
    pub fn is_busy(&mut self, ui: &Ui) -> bool {
        let mut busy = self.composing;
        ui.input(|i| {
            for event in &i.events {
                let Event::Ime(ime) = event else { continue };
                busy = true;
                self.composing = matches!(ime, ImeEvent::Preedit { text, .. } if !text.is_empty());
            }
        });
        busy
    }
}

/// Takes a press of Enter without modifiers out of the frame's events.
fn take_enter(ui: &Ui) -> bool {
    ui.input_mut(|i| {
        let before = i.events.len();
        i.events.retain(|event| {
            let plain = matches!(event, Event::Key { key: Key::Enter, pressed: true, modifiers, .. }
                if modifiers.is_none());
            !plain
        });
        i.events.len() != before
    })
}

/// A text field for messages.
pub struct MessageField<'a> {
    pub id: Id,
    pub name: &'a str,
    pub placeholder: &'a str,
    pub font: Type,
    pub enter_sends: bool,
    /// Tab puts this into an empty field.
    pub suggestion: Option<&'a str>,
}

/// What happened in a [`MessageField`].
pub struct Typed {
    pub response: Response,
    pub sent: bool,
}

impl MessageField<'_> {
    pub fn show(self, ui: &mut Ui, ime: &mut Ime, text: &mut String) -> Typed {
        let theme = crate::theme::of(ui);
        let t = &theme.tokens;
        let focused = ui.memory(|m| m.has_focus(self.id));
        let busy = focused && ime.is_busy(ui);
        let sent = focused && !busy && self.enter_sends && take_enter(ui);
        let suggestion = self.suggestion.filter(|_| text.is_empty());
        let mut taken = false;
        if let Some(words) = suggestion.filter(|_| focused)
            && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Tab))
        {
            words.clone_into(text);
            taken = true;
        }
        let breaks = if self.enter_sends { Modifiers::SHIFT } else { Modifiers::NONE };
        let font = self.font.font(Weight::Regular);
        let most = MAX_LINES * (self.font.line() + 4.0);
        let shown = ScrollArea::vertical().id_salt(self.id).max_height(most).show(ui, |ui| {
            let output = TextEdit::multiline(text)
                .id(self.id)
                .frame(Frame::NONE)
                .margin(Margin::ZERO)
                .font(font.clone())
                .text_color(t.text_1)
                .desired_rows(1)
                .desired_width(f32::INFINITY)
                .return_key(KeyboardShortcut::new(breaks, Key::Enter))
                .lock_focus(suggestion.is_some())
                .hint_text(RichText::new(self.placeholder).font(font).color(t.text_3))
                .show(ui);
            if taken {
                let mut state = output.state;
                let end = egui::text::CCursor::new(text.chars().count());
                state.cursor.set_char_range(Some(egui::text::CCursorRange::one(end)));
                state.store(ui.ctx(), self.id);
            }
            output.response.response.accessible_name(self.name)
        });
        let mut response = shown.inner;
        if taken {
            response.mark_changed();
        }
        Typed { response, sent }
    }
}

impl Playground {
    pub(super) fn composer_panel(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        Panel::bottom(Id::unique(("composer", cx.slot)))
            .resizable(false)
            .show_separator_line(false)
            .frame(Frame::NONE)
            .show(ui, |ui| {
                let column = Column::of(ui);
                ui.add_space(8.0);
                column.show(ui, |ui| self.composer_card(ui, cx, view));
                ui.add_space(size::PADDING);
            });
    }

    fn composer_card(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        let id = Id::unique(("composer field", cx.slot, view.record.id));
        let t = cx.theme.tokens;
        let focused = ui.memory(|m| m.has_focus(id));
        let line = if focused { Stroke::new(2.0, t.accent) } else { Stroke::new(1.0, t.line_strong) };
        let margin = Margin { left: 14, right: 8, top: 10, bottom: 8 };
        // The stroke lies inside the margin, so that the text does not move when it grows.
        let inset = if focused { 1 } else { 0 };
        let frame =
            Frame::new().fill(t.raised).stroke(line).corner_radius(size::RADIUS_TILE).inner_margin(Margin {
                left: margin.left - inset,
                right: margin.right - inset,
                top: margin.top - inset,
                bottom: margin.bottom - inset,
            });
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 8.0;
            self.composer_field(ui, cx, view, id);
            ui.horizontal(|ui| self.composer_foot(ui, cx, view));
        });
    }

    fn composer_field(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View, id: Id) {
        self.branch_keys(ui, cx, view, id);
        let Some(doc) = &mut self.doc else { return };
        if std::mem::take(&mut self.composer.want_focus) {
            ui.memory_mut(|m| m.request_focus(id));
        }
        let placeholder =
            if view.is_empty() { "playground.first_message" } else { "playground.next_message" };
        let field = MessageField {
            id,
            name: cx.language.get("playground.message"),
            placeholder: cx.language.get(placeholder),
            font: Type::Prose,
            enter_sends: cx.settings().enter_sends,
            suggestion: None,
        };
        let typed = field.show(ui, &mut self.composer.ime, &mut doc.draft);
        if typed.response.changed() {
            doc.typed(cx.now_ms);
        }
        if typed.sent {
            self.send(cx, view);
        }
    }

    /// With nothing typed, ← and → walk through the versions of the newest reply.
    fn branch_keys(&mut self, ui: &Ui, cx: &mut PaneCx, view: &View, id: Id) {
        let empty = self.doc.as_ref().is_some_and(|d| d.draft.is_empty());
        if !empty || view.job.is_some() || !ui.memory(|m| m.has_focus(id)) {
            return;
        }
        for (key, step) in [(Key::ArrowLeft, -1), (Key::ArrowRight, 1)] {
            let pressed =
                ui.input_mut(|i| i.consume_key(Modifiers::NONE, key) || i.consume_key(Modifiers::ALT, key));
            if pressed {
                self.step_newest_branch(cx, view, step);
            }
        }
    }

    fn composer_foot(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        ui.spacing_mut().item_spacing.x = 4.0;
        self.options_button(ui, cx, view);
        self.library_button(ui, cx, view);
        self.schema_mark(ui, cx);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 12.0;
            self.send_button(ui, cx, view);
            self.compare_button(ui, cx, view);
            context_label(ui, cx, view);
        });
    }

    /// Send, Stop, or the way to a model.
    pub(super) fn send_button(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        if let Some(job) = view.job {
            let stopping = cx.model.jobs.get(job).is_some_and(|j| j.stopping);
            let words = if stopping { "shell.stopping" } else { "shell.stop" };
            let stop = Button::control(cx.t(words)).filled_icon(icons::STOP).shortcut("Esc");
            if stop.tooltip(cx.tip(ui, UiCommand::Stop)).show(ui).clicked() {
                self.stop(cx, view);
            }
            return;
        }
        if self.model.is_none() {
            if Button::accent(cx.t("playground.open_model")).icon(icons::FOLDER_OPEN).show(ui).clicked() {
                self.opener.open();
            }
            return;
        }
        let blank = self.doc.as_ref().is_none_or(|d| d.draft.trim().is_empty());
        let why = blank.then(|| cx.t("playground.nothing_to_send"));
        let keys = if cx.settings().enter_sends { "↵" } else { "Ctrl ↵" };
        if Button::accent(cx.t("playground.send")).shortcut(keys).off(why).show(ui).clicked() {
            self.send(cx, view);
        }
    }
}

/// `214 of 32,768 tokens`, once that is known.
pub(super) fn context_label(ui: &mut Ui, cx: &PaneCx, view: &View) {
    let Some((used, length)) = context_used(cx, view) else { return };
    let t = cx.theme.tokens;
    let full = used >= length;
    let words =
        cx.tf("playground.context_used", &[("used", &grouped(used.into())), ("n", &grouped(length.into()))]);
    let ink = if full { t.warn } else { t.text_3 };
    let response = ui.label(Type::Hint.number(words, ink));
    response.on_hover_text(cx.t(if full {
        "playground.context_full_hint"
    } else {
        "playground.context_hint"
    }));
}

/// Tokens in the model's context after the newest reply, and how many fit.
fn context_used(cx: &PaneCx, view: &View) -> Option<(u32, u32)> {
    if let Some(live) = view.path.last().and_then(|m| cx.model.chats.live(m.id))
        && let Some((n_prompt, _, length)) = live.prompt
    {
        let written = view.path.last().and_then(|m| m.reply.as_ref()).map_or(0, |r| r.tokens.len());
        return Some((n_prompt + u32::try_from(written).unwrap_or(u32::MAX), length));
    }
    let stats = view.last_reply()?.reply.as_ref()?.stats.as_ref()?;
    Some((stats.context_used, stats.context_length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(ime: &mut Ime, events: Vec<Event>) -> bool {
        let ctx = egui::Context::default();
        let mut busy = false;
        let input = egui::RawInput { events, ..Default::default() };
        let mut output = ctx.run_ui(input, |ui| busy = ime.is_busy(ui));
        output.textures_delta.clear();
        busy
    }

    #[test]
    fn enter_belongs_to_the_input_method_until_its_word_is_taken() {
        let mut ime = Ime::default();
        let preedit =
            |text: &str| Event::Ime(ImeEvent::Preedit { text: text.into(), active_range_chars: None });
        assert!(!busy(&mut ime, vec![]));
        assert!(busy(&mut ime, vec![preedit("bo li")]));
        assert!(busy(&mut ime, vec![]), "still composing");
        assert!(busy(&mut ime, vec![Event::Ime(ImeEvent::Commit("玻璃".into()))]), "its last Enter");
        assert!(!busy(&mut ime, vec![]));
    }
}
