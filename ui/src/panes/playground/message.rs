//! One message: who speaks, the text as a page, thoughts folded, and what became of it.

use super::Playground;
use super::column::Column;
use super::doc::View;
use super::markdown;
use super::messages::Piece;
use super::tuned;
use crate::action::{Action, Toast};
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets::{self, Tone};
use egui::{
    Align2, Frame, Label, Margin, Rect, Role as WidgetRole, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};
use glassworks_protocol::chat::{MessageRecord, MessageStatus, Role};
use glassworks_protocol::generate::{FinishReason, TokenPiece};
use glassworks_protocol::model::Precision;
use glassworks_protocol::text::Text;
use std::rc::Rc;

impl Playground {
    /// Draws the message `idx` of the path; says whether the pointer or the keyboard is in it.
    pub(super) fn message_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View, idx: usize) -> bool {
        let message = &view.path[idx];
        let column = Column::of(ui);
        let top = ui.cursor().top();
        let own = message.role != Role::Assistant;
        if !column.gutter {
            column.show(ui, |ui| self.speaker_line(ui, cx, message));
        }
        let editing = self.messages.editing.as_ref().is_some_and(|(id, _)| *id == message.id);
        if column.gutter {
            let at = pos2(column.left - 14.0, top + if own { 10.0 } else { 2.0 });
            speaker(ui, cx, message, at);
        }
        column.show(ui, |ui| {
            if editing {
                self.edit_ui(ui, cx, view, idx);
            } else if own {
                own_card(ui, cx, message);
            } else {
                self.reply_ui(ui, cx, view, idx);
            }
        });
        let rect =
            Rect::from_min_max(pos2(column.left - 90.0, top), pos2(column.right, ui.cursor().top() + 24.0));
        let hovered = ui.rect_contains_pointer(rect);
        if editing {
            ui.add_space(20.0);
            return true;
        }
        column.show(ui, |ui| self.row_ui(ui, cx, view, idx, hovered)).inner || hovered
    }

    fn speaker_line(&self, ui: &mut Ui, cx: &PaneCx, message: &MessageRecord) {
        let (name, full) = speaker_name(cx, message);
        widgets::hint(ui, name).on_hover_text(full);
        ui.add_space(4.0);
    }

    /// The text of a reply and, below, what became of it.
    fn reply_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View, idx: usize) {
        let message = &view.path[idx];
        let live = message.status == MessageStatus::Streaming;
        let read_again = self.delta.is_shown(message.id);
        let chips = read_again || self.shows_chips(message);
        if let Some(reply) = message.reply.as_ref().filter(|_| read_again) {
            self.delta_ui(ui, cx, message.id, &reply.tokens);
            ui.add_space(8.0);
        } else if chips {
            self.chips_ui(ui, cx, view, idx);
            ui.add_space(8.0);
        }
        let pieces = if chips { Rc::default() } else { self.messages.pieces(message) };
        for (part, piece) in pieces.iter().enumerate() {
            ui.push_id(part, |ui| match piece {
                Piece::Page(blocks) => {
                    let asked = markdown::show(ui, blocks);
                    carry_out(cx, asked);
                }
                Piece::Thought { blocks, closed } => {
                    self.thought(ui, cx, message, part, blocks, *closed || !live);
                }
            });
            ui.add_space(8.0);
        }
        if pieces.is_empty() && !live && !chips {
            ui.label(Type::Prose.text(cx.t("playground.said_nothing"), cx.theme.tokens.text_3));
            ui.add_space(8.0);
        }
        if live && message.text.is_empty() {
            self.waiting(ui, cx, view);
        }
        if let Some(token) = strip(ui, cx, message) {
            self.show_token(message.id, token);
        }
        tuned::gone_badge(ui, cx, message);
        self.became(ui, cx, message);
    }

    /// A folded thought; open while it is being written unless the person folds it.
    fn thought(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        message: &MessageRecord,
        part: usize,
        blocks: &[markdown::Block],
        closed: bool,
    ) {
        let key = (message.id, part);
        let mut open = self.messages.turned.contains(&key) == closed;
        let was = open;
        let name = cx.t(if closed { "playground.thought" } else { "playground.thinking" });
        let mut asked = markdown::Asked::default();
        widgets::fold(ui, &name, "", &mut open, |ui| {
            Frame::new().inner_margin(Margin { left: 28, right: 0, top: 0, bottom: 4 }).show(ui, |ui| {
                asked = markdown::show_quiet(ui, blocks);
            });
        });
        carry_out(cx, asked);
        if open != was && !self.messages.turned.remove(&key) {
            self.messages.turned.insert(key);
        }
    }

    /// Nothing has been written yet: what the model is doing.
    fn waiting(&self, ui: &mut Ui, cx: &PaneCx, view: &View) {
        let t = cx.theme.tokens;
        let job = view.job.and_then(|id| cx.model.jobs.get(id));
        let progress = job.and_then(|j| j.progress.as_ref());
        ui.horizontal(|ui| {
            ui.set_min_height(24.0);
            widgets::bead(ui, t.warm);
            let stage = match progress {
                Some(progress) => cx.render(&progress.stage),
                None => cx.t("playground.waiting"),
            };
            ui.label(Type::Prose.text(stage, t.text_2));
            if let Some(progress) = progress {
                ui.label(Type::Hint.number(units::progress(cx.language, progress), t.text_3));
            }
        });
        ui.add_space(8.0);
    }

    /// Marks for an end that is not the usual one.
    pub(super) fn became(&self, ui: &mut Ui, cx: &mut PaneCx, message: &MessageRecord) {
        let stats = message.reply.as_ref().and_then(|r| r.stats.as_ref());
        let finish = stats.map(|s| &s.finish);
        let dropped = stats.map_or(0, |s| s.n_dropped);
        let mut marks: Vec<(Tone, &str, String, String)> = Vec::new();
        let mut mark = |tone, icon, key: &str, hint: &str| marks.push((tone, icon, cx.t(key), cx.t(hint)));
        match message.status {
            MessageStatus::Interrupted => {
                mark(Tone::Warn, icons::LIGHTNING, "playground.interrupted", "playground.interrupted_hint");
            }
            MessageStatus::Stopped => {
                mark(Tone::Plain, icons::STOP, "playground.stopped", "playground.stopped_hint")
            }
            MessageStatus::Complete if finish == Some(&FinishReason::Length) => {
                mark(Tone::Plain, icons::SCISSORS, "playground.length", "playground.length_hint");
            }
            MessageStatus::Complete if finish == Some(&FinishReason::ContextFull) => {
                mark(Tone::Warn, icons::WARNING, "playground.context_full", "playground.context_full_hint");
            }
            _ => {}
        }
        if dropped > 0 {
            let n = units::grouped(dropped.into());
            let words = cx.tf("playground.dropped", &[("n", &n)]);
            marks.push((Tone::Warn, icons::SCISSORS, words, cx.t("playground.dropped_hint")));
        }
        if !marks.is_empty() {
            ui.horizontal(|ui| {
                for (tone, icon, words, hint) in marks {
                    widgets::badge(ui, tone, icon, words).on_hover_text(hint);
                }
            });
            ui.add_space(6.0);
        }
        if message.status == MessageStatus::Failed {
            let job = self.jobs.get(&message.id).and_then(|id| cx.model.jobs.get(*id));
            match job.and_then(|j| j.failure()) {
                Some(failure) => {
                    widgets::failed_line(ui, failure, None);
                }
                None => {
                    let hint = cx.t("playground.failed_hint");
                    let words = cx.t("playground.failed");
                    widgets::badge(ui, Tone::Danger, icons::WARNING_CIRCLE, words).on_hover_text(hint);
                }
            }
            ui.add_space(6.0);
        }
    }
}

/// What was asked for on a page.
fn carry_out(cx: &mut PaneCx, asked: markdown::Asked) {
    if let Some(link) = asked.link {
        cx.push(Action::OpenLink(link));
    }
    if asked.copied {
        cx.toast(Toast::new(Text::new("playground.code_copied")).icon(icons::CHECK));
    }
}

/// What the person wrote, as it was written.
fn own_card(ui: &mut Ui, cx: &PaneCx, message: &MessageRecord) {
    let t = cx.theme.tokens;
    Frame::new()
        .fill(t.raised)
        .stroke(Stroke::new(1.0, t.line))
        .corner_radius(size::RADIUS_TILE)
        .inner_margin(Margin::symmetric(15, 9))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            let words = Type::Prose.text(message.text.clone(), t.text_1);
            ui.add(Label::new(words).selectable(true).wrap());
        });
}

/// The 4-px barcode of a reply's surprisal; the pointer reads the tokens. A click names one.
pub(super) fn strip(ui: &mut Ui, cx: &PaneCx, message: &MessageRecord) -> Option<usize> {
    let reply = message.reply.as_ref().filter(|r| !r.tokens.is_empty())?;
    stripe(ui, cx, &reply.tokens)
}

/// The same of any tokens.
pub(super) fn stripe(ui: &mut Ui, cx: &PaneCx, tokens: &[TokenPiece]) -> Option<usize> {
    let width = ui.available_width();
    // More tokens than pixels: each cell shows the greatest surprise of its share.
    let per_cell = (tokens.len() as f32 / width).ceil().max(1.0) as usize;
    let full = crate::theme::SURPRISAL_FULL_BITS;
    let most = |cell: &[TokenPiece]| cell.iter().map(|p| p.surprisal_bits()).fold(0.0, f32::max) / full;
    let name = cx.t("playground.strip");
    let response = widgets::strip(ui, &name, width, tokens.chunks(per_cell).map(most));
    let rect = response.rect;
    let pointed = response.hover_pos().map(|at| {
        let share = ((at.x - rect.left()) / rect.width()).clamp(0.0, 1.0);
        ((share * tokens.len() as f32) as usize).min(tokens.len() - 1)
    });
    let clicked = pointed.filter(|_| response.interact(Sense::click()).clicked());
    response.on_hover_ui(|ui| {
        let Some(piece) = pointed.map(|idx| &tokens[idx]) else { return };
        let token = visible_token(&piece.text);
        let bits = format!("{:.2}", piece.surprisal_bits());
        ui.label(Type::Hint.number(token, cx.theme.tokens.text_1));
        let rank = units::grouped(u64::from(piece.rank) + 1);
        widgets::hint(ui, cx.tf("playground.strip_token", &[("bits", &bits), ("rank", &rank)]));
    });
    ui.add_space(8.0);
    clicked
}

/// A token alone: spaces and line breaks become marks.
#[must_use]
pub(super) fn visible_token(text: &str) -> String {
    if text.is_empty() {
        return "∅".to_owned();
    }
    text.replace('\n', "⏎").replace(' ', "·")
}

/// The beginning of a text, on one line.
#[must_use]
pub(super) fn one_line(text: &str, max_chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max_chars {
        return line;
    }
    let mut cut: String = line.chars().take(max_chars).collect();
    cut.push('…');
    cut
}

/// Short and full name of who speaks.
fn speaker_name(cx: &PaneCx, message: &MessageRecord) -> (String, String) {
    let you = || (cx.t("playground.you"), String::new());
    let Some(reply) = &message.reply else {
        return match message.role {
            Role::Assistant => (cx.t("playground.without_tokens"), cx.t("playground.without_tokens_hint")),
            _ => you(),
        };
    };
    let name = &reply.model.name;
    if let Some(tuned) = &reply.model.tuned {
        return tuned::speaker(cx, message, name, tuned);
    }
    let short = name.split(['-', '_', ' ']).next().unwrap_or(name).to_owned();
    let precision = match reply.model.precision {
        Precision::Exact => "playground.exact",
        Precision::Fast => "playground.fast",
    };
    let gone = !cx.model.library.models().iter().any(|m| {
        m.card.content_hash == reply.model.base
            || m.card.content_hash.is_empty()
            || reply.model.base.is_empty()
    });
    let mut full = format!("{name} · {}", cx.t(precision));
    if gone {
        full = format!("{full}\n{}", cx.t("playground.model_gone"));
    }
    (short, full)
}

/// Who speaks, at the left of the column.
fn speaker(ui: &mut Ui, cx: &PaneCx, message: &MessageRecord, top_right: egui::Pos2) {
    let (name, full) = speaker_name(cx, message);
    let t = cx.theme.tokens;
    let mut job =
        egui::text::LayoutJob::simple_singleline(name.clone(), Type::Hint.font(Weight::Regular), t.text_3);
    job.wrap = egui::text::TextWrapping::truncate_at_width(72.0);
    let galley = ui.painter().layout_job(job);
    let rect = Align2::RIGHT_TOP.anchor_size(top_right, vec2(galley.size().x, 20.0));
    let at = pos2(rect.left(), rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, t.text_3);
    let response = ui.interact(rect, ui.scope_id().with("speaker"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetRole::Label, true, &name));
    if !full.is_empty() {
        response.on_hover_text(full);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_alone_show_what_cannot_be_seen() {
        assert_eq!(visible_token(" a\n"), "·a⏎");
        assert_eq!(visible_token(""), "∅");
        assert_eq!(one_line("a\n b", 9), "a b");
        assert_eq!(one_line("玻璃窗", 2), "玻璃…");
    }

    #[test]
    fn every_mark_has_a_glyph() {
        let ctx = egui::Context::default();
        crate::theme::install(&ctx);
        let mut output = ctx.run_ui(egui::RawInput::default(), |_| {});
        output.textures_delta.clear();
        let font = Type::Hint.mono(Weight::Regular);
        assert!(ctx.fonts_mut(|f| f.has_glyphs(&font, "·⏎∅↵•…“”")));
    }
}
