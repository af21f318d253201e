//! The row under a message: its versions, what can be done with it, how fast it came. And editing in place.

use super::Playground;
use super::ask;
use super::composer::MessageField;
use super::doc::View;
use super::tuned::strength_words;
use crate::action::Toast;
use crate::model::siblings;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units::grouped;
use crate::widgets::{self, Button, icon_button_off};
use egui::{Align, Frame, Id, Key, Layout, Margin, Sense, Stroke, StrokeKind, Ui};
use glassworks_protocol::Edit;
use glassworks_protocol::chat::{MessageRecord, MessageStatus, Role};
use glassworks_protocol::generate::{Forced, TokenPiece};
use glassworks_protocol::text::Text;
use std::sync::Arc;

impl Playground {
    /// Says whether the keyboard is in the row.
    pub(super) fn row_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        view: &View,
        idx: usize,
        hovered: bool,
    ) -> bool {
        let message = &view.path[idx];
        let reply = message.role == Role::Assistant;
        let last = idx + 1 == view.path.len();
        // The newest message always shows what can be done; others when the pointer or the keyboard is there.
        let visible = hovered || last || self.messages.active == Some(message.id);
        let mut focused = false;
        if message.status == MessageStatus::Streaming && message.text.is_empty() {
            ui.add_space(size::CONTROL_SMALL);
            return false;
        }
        ui.horizontal(|ui| {
            ui.set_min_height(size::CONTROL_SMALL);
            ui.spacing_mut().item_spacing.x = 2.0;
            let busy = view.job.is_some().then(|| cx.t("playground.busy"));
            self.versions(ui, cx, view, message, busy);
            ui.scope(|ui| {
                if !visible {
                    ui.set_opacity(0.0);
                }
                focused = self.row_buttons(ui, cx, view, idx);
            });
            if reply {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| stats_line(ui, cx, message));
            }
        });
        ui.add_space(if reply { 20.0 } else { 4.0 });
        focused
    }

    /// `‹ 2 / 3 ›`, when there is more than one.
    pub(super) fn versions(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        view: &View,
        message: &MessageRecord,
        off: Option<String>,
    ) {
        let Some(document) = view.document else { return };
        let all = siblings(document, message.id);
        let (Some(at), true) = (all.iter().position(|id| *id == message.id), all.len() > 1) else { return };
        let t = cx.theme.tokens;
        let place = format!("{} / {}", at + 1, all.len());
        let words = widgets::galley(ui, &place, Type::Hint.mono(Weight::Regular), t.text_1);
        let pill =
            Frame::new().fill(t.control).stroke(Stroke::new(1.0, t.line)).corner_radius(size::RADIUS_TAG);
        pill.show(ui, |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            let first = (at == 0).then(|| cx.t("playground.first_version"));
            let name = cx.t("playground.previous_version");
            if icon_button_off(ui, icons::CARET_LEFT, name, off.clone().or(first)).clicked() {
                self.step_branch(cx, view, message.id, -1);
            }
            let (rect, response) = ui.allocate_exact_size(words.size(), Sense::hover());
            let name = cx.tf("playground.version", &[("k", &(at + 1)), ("n", &all.len())]);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &name));
            ui.painter().galley(rect.min, words, t.text_1);
            let end = (at + 1 == all.len()).then(|| cx.t("playground.last_version"));
            let name = cx.t("playground.next_version");
            if icon_button_off(ui, icons::CARET_RIGHT, name, off.or(end)).clicked() {
                self.step_branch(cx, view, message.id, 1);
            }
        });
        ui.add_space(6.0);
    }

    fn row_buttons(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View, idx: usize) -> bool {
        let message = &view.path[idx];
        let reply = message.role == Role::Assistant;
        let busy = view.job.is_some().then(|| cx.t("playground.busy"));
        let mut focused = false;
        let mut button = |ui: &mut Ui, icon, key: &str, off: Option<String>| {
            let response = icon_button_off(ui, icon, cx.t(key), off);
            focused |= response.has_focus();
            response.clicked()
        };
        let copy = button(ui, icons::COPY, "playground.copy", None);
        let again = reply && button(ui, icons::ARROWS_CLOCKWISE, "playground.again", busy.clone());
        let edit = button(ui, icons::PENCIL_SIMPLE, "playground.edit", busy.clone());
        let remove = button(ui, icons::TRASH, "playground.remove", busy.clone());
        let inside = !reply && button(ui, icons::GRID_NINE, "inside.look_inside", None);
        focused |= reply && self.reply_menu(ui, cx, view, idx);
        if inside {
            self.look_into_question(cx, view, idx);
        }
        if copy {
            cx.copy(message.text.clone());
        }
        if again {
            self.regenerate(cx, view, idx);
        }
        if edit {
            self.messages.editing = Some((message.id, message.text.clone()));
            self.messages.edit_wants_focus = true;
        }
        if remove {
            cx.edit(Edit::RemoveMessage { chat: view.record.id, message: message.id });
            let text = Text::new("playground.removed");
            cx.toast(Toast::new(text).icon(icons::TRASH).undo(Edit::Undo(view.record.id)));
        }
        let last = idx + 1 == view.path.len();
        if last && busy.is_none() && ask::can_go_on(message) {
            let go_on = Button::quiet(cx.t("playground.continue")).icon(icons::PLAY).small().show(ui);
            focused |= go_on.has_focus();
            if go_on.clicked() {
                self.go_on(cx, view, idx);
            }
        }
        if last && busy.is_none() && !reply {
            let answer = Button::quiet(cx.t("playground.reply")).icon(icons::PLAY).small().show(ui);
            focused |= answer.has_focus();
            if answer.clicked() {
                self.regenerate(cx, view, idx);
            }
        }
        focused
    }

    /// A message being edited; sending it makes a sibling.
    pub(super) fn edit_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View, idx: usize) {
        let message = &view.path[idx];
        let own = message.role != Role::Assistant;
        let id = Id::unique(("edit", cx.slot));
        if std::mem::take(&mut self.messages.edit_wants_focus) {
            ui.memory_mut(|m| m.request_focus(id));
        }
        let Some((_, text)) = &mut self.messages.editing else { return };
        let t = cx.theme.tokens;
        let mut send = std::mem::take(&mut self.messages.send_edit);
        let (mut close, mut go_on) = (false, false);
        Frame::new()
            .fill(t.raised)
            .corner_radius(size::RADIUS_TILE)
            .inner_margin(Margin::symmetric(15, 9))
            .show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = 8.0;
                let field = MessageField {
                    id,
                    name: cx.language.get("playground.edit_field"),
                    placeholder: "",
                    font: Type::Prose,
                    enter_sends: false,
                    suggestion: None,
                };
                let typed = field.show(ui, &mut self.messages.edit_ime, text);
                close = typed.response.lost_focus() && ui.input(|i| i.key_pressed(Key::Escape));
                ui.horizontal(|ui| {
                    let words = if own { "playground.send_edit" } else { "playground.keep_edit" };
                    let blank = text.trim().is_empty().then(|| cx.t("playground.nothing_to_send"));
                    let save = Button::accent(cx.t(words)).shortcut("Ctrl ↵").off(blank);
                    send |= save.show(ui).clicked();
                    if !own {
                        let off = view.job.is_some().then(|| cx.t("playground.busy"));
                        let hint = cx.t("playground.go_on_from_edit_hint");
                        let button = Button::control(cx.t("playground.go_on_from_edit")).icon(icons::PLAY);
                        go_on = button.off(off).tooltip(hint).show(ui).clicked();
                    }
                    close |= Button::quiet(cx.t("shell.cancel")).shortcut("Esc").show(ui).clicked();
                });
            });
        ring(ui, t.accent);
        if send && !text.trim().is_empty() {
            let text = text.clone();
            self.messages.editing = None;
            self.finish_edit(cx, view, idx, &text);
        } else if go_on {
            let text = text.clone();
            self.messages.editing = None;
            let tokens = message.reply.as_ref().map(|reply| Arc::clone(&reply.tokens)).unwrap_or_default();
            let (n_kept, rest) = ask::kept_of(&tokens, &text);
            self.branch(cx, view, idx, n_kept, Forced::Text(rest.to_owned()));
        } else if close {
            self.messages.editing = None;
            self.composer.want_focus = true;
        }
    }

    fn finish_edit(&mut self, cx: &mut PaneCx, view: &View, idx: usize, text: &str) {
        self.composer.want_focus = true;
        let message = &view.path[idx];
        if text == message.text || view.job.is_some() {
            return;
        }
        let Some(asker) = self.asker(cx) else { return self.opener.open() };
        if message.role == Role::Assistant {
            cx.edit(Edit::AddMessage(Box::new(asker.edited_reply(&view.record, message, text))));
        } else {
            let spec = asker.resend(&view.record, &view.path, idx, text);
            self.start_reply(cx, spec);
        }
    }
}

/// The ring of a field that has the keyboard, around what was drawn last.
fn ring(ui: &Ui, accent: egui::Color32) {
    let rect = ui.min_rect();
    ui.painter().rect_stroke(
        rect,
        f32::from(size::RADIUS_TILE),
        Stroke::new(2.0, accent),
        StrokeKind::Inside,
    );
}

/// `31 tokens · 39.8 tokens/s · first after 0.21 s`, as far as it is known.
pub(super) fn stats_line(ui: &mut Ui, cx: &PaneCx, message: &MessageRecord) {
    let Some(reply) = &message.reply else { return };
    let mut parts = Vec::new();
    let strength = reply.model.tuned.as_ref().and_then(|tuned| tuned.strength);
    parts.extend(strength.map(|strength| strength_words(cx, strength)));
    let n = grouped(reply.tokens.len() as u64);
    if !reply.tokens.is_empty() {
        parts.push(cx.tf("playground.stat_tokens", &[("n", &n)]));
    }
    let live = cx.model.chats.live(message.id).filter(|_| message.status == MessageStatus::Streaming);
    let speed = match (live, &reply.stats) {
        (Some(live), _) => live.per_sec(cx.now_ms),
        (None, Some(stats)) => Some(stats.tokens_per_sec).filter(|s| *s > 0.0),
        (None, None) => None,
    };
    if let Some(speed) = speed {
        parts.push(cx.tf("playground.stat_speed", &[("n", &format!("{speed:.1}"))]));
    }
    if let (None, Some(stats)) = (live, &reply.stats)
        && stats.n_new > 0
    {
        parts.push(cx.tf("playground.stat_first", &[("n", &format!("{:.2}", stats.first_token_secs))]));
    }
    if live.is_none() && reply.tokens.len() > 1 {
        parts.push(
            cx.tf("playground.stat_perplexity", &[("n", &format!("{:.1}", perplexity(&reply.tokens)))]),
        );
    }
    if parts.is_empty() {
        return;
    }
    let ink = cx.theme.tokens.text_3;
    let width = |words: &str| widgets::galley(ui, words, Type::Hint.mono(Weight::Regular), ink).size().x;
    // With less room than words the last of them go.
    while parts.len() > 1 && width(&parts.join(" · ")) > ui.available_width() {
        parts.pop();
    }
    ui.label(Type::Hint.number(parts.join(" · "), ink));
}

/// e to the mean of −ln p: among how many equally likely tokens the model wavered.
pub(super) fn perplexity(tokens: &[TokenPiece]) -> f32 {
    let mean = tokens.iter().map(|piece| piece.logprob).sum::<f32>() / tokens.len().max(1) as f32;
    (-mean).exp()
}
