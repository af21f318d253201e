//! What stands at the foot: the composer, or the vote that is due.

use super::super::Playground;
use super::super::column::Column as TextColumn;
use super::super::composer::MessageField;
use super::answer::vote_words;
use super::round::Decided;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::widgets::{self, Button, icon_button, segments};
use egui::{Align, Frame, Id, Key, Layout, Margin, Panel, Stroke, Ui};
use glassworks_protocol::chat::ChatKind;

impl Playground {
    pub(super) fn compare_bar(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let busy = self.compare.is_busy(cx);
        if busy && cx.focused && !self.covered(ui) && ui.input(|input| input.key_pressed(Key::Escape)) {
            self.stop_compare(cx);
        }
        Panel::bottom(Id::unique(("compare", cx.slot)))
            .resizable(false)
            .show_separator_line(false)
            .frame(Frame::NONE)
            .show(ui, |ui| {
                let column = TextColumn::of(ui);
                ui.add_space(8.0);
                column.show(ui, |ui| match (self.compare.hides(), busy) {
                    (true, false) => self.vote_bar(ui, cx),
                    _ => self.compare_composer(ui, cx, busy),
                });
                ui.add_space(size::PADDING);
            });
    }

    /// Whether something lies above the pane.
    fn covered(&self, ui: &Ui) -> bool {
        egui::Popup::is_any_open(ui.ctx()) || ui.memory(|m| m.top_modal_layer().is_some()) || self.drawer
    }

    fn compare_composer(&mut self, ui: &mut Ui, cx: &mut PaneCx, busy: bool) {
        let id = Id::unique(("compare field", cx.slot));
        let t = cx.theme.tokens;
        let focused = ui.memory(|m| m.has_focus(id));
        let line = if focused { Stroke::new(2.0, t.accent) } else { Stroke::new(1.0, t.line_strong) };
        let inset = i8::from(focused);
        let margin = Margin { left: 14 - inset, right: 8 - inset, top: 10 - inset, bottom: 8 - inset };
        let frame =
            Frame::new().fill(t.raised).stroke(line).corner_radius(size::RADIUS_TILE).inner_margin(margin);
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 8.0;
            if self.composer.want_focus {
                // A click elsewhere in this frame takes it away once more.
                self.composer.want_focus = !ui.memory(|m| m.has_focus(id));
                ui.memory_mut(|m| m.request_focus(id));
                ui.ctx().request_repaint();
            }
            let text = self.compare.kind == ChatKind::Completion;
            let placeholder = if text { "compare.text_placeholder" } else { "compare.placeholder" };
            let field = MessageField {
                id,
                name: cx.language.get("compare.question"),
                placeholder: cx.language.get(placeholder),
                font: Type::Prose,
                enter_sends: cx.settings().enter_sends,
                suggestion: None,
            };
            let typed = field.show(ui, &mut self.compare.ime, &mut self.compare.draft);
            if typed.sent {
                self.ask_typed(cx);
            }
            ui.horizontal(|ui| self.compare_foot(ui, cx, busy));
        });
    }

    fn compare_foot(&mut self, ui: &mut Ui, cx: &mut PaneCx, busy: bool) {
        ui.spacing_mut().item_spacing.x = 8.0;
        if let Some(before) = &self.compare.before {
            let title = super::super::list::title_of(cx, &before.record);
            let words = super::super::message::one_line(&title, 22);
            let words = match before.path.len() {
                0 => cx.tf("compare.in", &[("name", &words)]),
                n => cx.tf("compare.after", &[("name", &words), ("n", &n)]),
            };
            widgets::hint(ui, words).on_hover_text(cx.t("compare.after_hint"));
            if icon_button(ui, icons::X, cx.t("compare.alone")).clicked() {
                self.compare.before = None;
            }
        } else {
            let options = [
                (ChatKind::Chat, cx.t("compare.as_question")),
                (ChatKind::Completion, cx.t("compare.as_text")),
            ];
            let name = cx.t("compare.kind");
            segments(ui, &name, &mut self.compare.kind, &options, None);
        }
        let name = cx.t("compare.blind");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            if busy {
                let stop = Button::control(cx.t("compare.stop_all")).filled_icon(icons::STOP);
                if stop.shortcut("Esc").show(ui).clicked() {
                    self.stop_compare(cx);
                }
            } else {
                let keys = if cx.settings().enter_sends { "↵" } else { "Ctrl ↵" };
                let off = self.why_not_ask(cx).or_else(|| {
                    self.compare.draft.trim().is_empty().then(|| cx.t("playground.nothing_to_send"))
                });
                if Button::accent(cx.t("compare.ask")).shortcut(keys).off(off).show(ui).clicked() {
                    self.ask_typed(cx);
                }
            }
            ui.add_space(4.0);
            widgets::toggle(ui, &name, &mut self.compare.blind).on_hover_text(cx.t("compare.blind_hint"));
            widgets::label(ui, &name).on_hover_text(cx.t("compare.blind_hint"));
        });
    }

    /// Why nothing can be asked now.
    pub(super) fn why_not_ask(&self, cx: &PaneCx) -> Option<String> {
        if self.compare.hides() {
            return Some(cx.t("compare.vote_first"));
        }
        if self.compare.is_busy(cx) {
            return Some(cx.t("playground.busy"));
        }
        None
    }

    /// Asks what stands in the composer.
    pub(super) fn ask_typed(&mut self, cx: &mut PaneCx) {
        let chat = self.compare.kind == ChatKind::Chat;
        let text = if chat { self.compare.draft.trim() } else { self.compare.draft.as_str() };
        let text = text.to_owned();
        if text.trim().is_empty() || self.why_not_ask(cx).is_some() {
            return;
        }
        self.compare.draft.clear();
        self.ask_all(cx, &text, None);
        self.composer.want_focus = true;
    }

    /// The question in sight once more, of the columns as they are now.
    pub(super) fn ask_again(&mut self, cx: &mut PaneCx) {
        if self.why_not_ask(cx).is_some() {
            return;
        }
        let Some(round) = self.compare.round() else { return };
        let text = round.text.clone();
        let is_there = round.question.is_none().then_some(round.parent).flatten();
        // In the conversation that it followed then, if any.
        let same = self.compare.before.as_ref().is_some_and(|before| before.record.id == round.record.id);
        self.ask_all(cx, &text, is_there.filter(|_| same));
        self.composer.want_focus = true;
    }

    /// A key or a button for each of them.
    fn vote_bar(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let Some(round) = self.compare.round() else { return };
        let can: Vec<bool> = round.seats.iter().map(|seat| seat.has_answered(cx)).collect();
        let keys = [Key::Num1, Key::Num2, Key::Num3, Key::Num4];
        let listens = cx.focused && !self.covered(ui) && !ui.ctx().text_edit_focused();
        let pressed = |key: Key| listens && ui.input(|i| i.modifiers.is_none() && i.key_pressed(key));
        let mut decided = None;
        for (seat, key) in keys.into_iter().enumerate() {
            if pressed(key) && can.get(seat) == Some(&true) {
                decided = Some(Decided::Vote(Some(seat)));
            }
        }
        if pressed(Key::T) {
            decided = Some(Decided::Vote(None));
        }
        let t = cx.theme.tokens;
        let frame = Frame::new()
            .fill(t.raised)
            .stroke(Stroke::new(1.0, t.line_strong))
            .corner_radius(size::RADIUS_TILE)
            .inner_margin(Margin::same(12));
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 8.0;
            ui.horizontal(|ui| {
                widgets::semibold(ui, cx.t("compare.which"));
                widgets::truncated(ui, Type::Hint.text(cx.t("compare.which_hint"), t.text_3));
            });
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                for (seat, can) in can.iter().enumerate() {
                    let off = (!can).then(|| cx.t("compare.no_answer"));
                    let button = Button::control(vote_words(cx, seat)).shortcut((seat + 1).to_string());
                    if button.off(off).show(ui).clicked() {
                        decided = Some(Decided::Vote(Some(seat)));
                    }
                }
                if Button::control(cx.t("compare.tie")).shortcut("T").show(ui).clicked() {
                    decided = Some(Decided::Vote(None));
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let show = Button::quiet(cx.t("compare.show_names")).icon(icons::EYE);
                    if show.tooltip(cx.t("compare.show_names_hint")).show(ui).clicked() {
                        decided = Some(Decided::Shown);
                    }
                });
            });
        });
        if let Some(decided) = decided {
            self.decide(cx, decided);
        }
    }
}
