//! One answer: the text as it comes, how it went, and what can be done with it.

use super::super::Playground;
use super::super::chips::ColourBy;
use super::super::delta::Read;
use super::super::markdown;
use super::super::message::stripe;
use super::super::message_row::perplexity;
use super::round::{Round, letter};
use crate::model::Answer;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units::grouped;
use crate::widgets::{self, Button, icon_button_off};
use egui::{Align, Label, Layout, Rect, ScrollArea, Ui, UiBuilder, pos2, vec2};
use glassworks_protocol::ids::MessageId;
use std::sync::Arc;

const FOOT: f32 = 40.0;

impl Playground {
    /// The answer of a seat, in the body of the column `i`.
    pub(super) fn answer_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        body: Rect,
        i: usize,
        seat: usize,
        round: &mut Round,
    ) {
        let done = round.is_done(cx);
        let hidden = round.hides();
        let job = round.seats[seat].job;
        let Some(answer) = cx.model.answers.get(job) else {
            return drop(widgets::hint(ui, cx.t("playground.answer_forgotten")));
        };
        let top = ui.cursor().top();
        let height = (body.bottom() - top - FOOT).max(40.0);
        let area = ScrollArea::vertical().id_salt(("answer", i)).max_height(height).auto_shrink(false);
        area.stick_to_bottom(!answer.ended).show(ui, |ui| {
            ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
            if hidden && !done {
                // Who is quick would be known by it.
                waiting(ui, cx, cx.t("compare.writing"));
            } else {
                self.body_ui(ui, cx, answer, hidden, seat, round);
            }
        });
        if hidden {
            return;
        }
        let foot = Rect::from_min_max(pos2(body.left(), body.bottom() - FOOT), body.max);
        let layout = Layout::left_to_right(Align::Center);
        let mut child = ui.new_child(UiBuilder::new().id_salt("foot").max_rect(foot).layout(layout));
        self.answer_foot(&mut child, cx, answer, seat, round);
    }

    fn body_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        answer: &Answer,
        hidden: bool,
        seat: usize,
        round: &mut Round,
    ) {
        let t = cx.theme.tokens;
        match &answer.failure {
            // It names the model.
            Some(_) if hidden => return drop(widgets::hint(ui, cx.t("compare.failed_hidden"))),
            Some(failure) => {
                widgets::failed_line(ui, failure, None);
                return;
            }
            None => {}
        }
        if answer.text.is_empty() {
            let stage = cx.model.jobs.get(answer.job).and_then(|job| job.progress.as_ref());
            let stage = stage.map(|progress| cx.render(&progress.stage));
            return match answer.ended {
                true => drop(ui.label(Type::Prose.text(cx.t("playground.said_nothing"), t.text_3))),
                false => waiting(ui, cx, stage.unwrap_or_else(|| cx.t("playground.waiting"))),
            };
        }
        let of = MessageId(answer.job.0);
        if hidden {
            return markdown_ui(ui, &round.seats[seat].page.of(&answer.text));
        }
        if self.delta.is_shown(of) {
            return self.delta_ui(ui, cx, of, &answer.tokens);
        }
        if self.chips.by == ColourBy::Off {
            markdown_ui(ui, &round.seats[seat].page.of(&answer.text));
        } else {
            let name = cx.tf("compare.chips", &[("name", &round.seats[seat].head.name)]);
            let off = cx.t("compare.keep_to_branch");
            self.answer_chips_ui(ui, cx, of, &name, &answer.tokens, off);
        }
        ui.add_space(8.0);
        if let Some(token) = stripe(ui, cx, &answer.tokens) {
            self.show_token(of, token);
        }
        stats(ui, cx, answer);
    }

    fn answer_foot(&mut self, ui: &mut Ui, cx: &mut PaneCx, answer: &Answer, seat: usize, round: &mut Round) {
        ui.spacing_mut().item_spacing.x = 2.0;
        let name = round.seats[seat].head.name.clone();
        let kept = round.seats[seat].kept;
        let unfinished =
            (!answer.ended || answer.text.is_empty()).then(|| cx.t("playground.answer_unfinished"));
        let off = unfinished.clone().or_else(|| kept.then(|| cx.t("playground.answer_kept")));
        let words = if kept { "playground.answer_is_kept" } else { "playground.keep_answer" };
        let keep = Button::control(cx.t(words)).icon(icons::CHECK).small().off(off);
        if keep.name(cx.tf("playground.keep_answer_of", &[("name", &name)])).show(ui).clicked() {
            self.keep(cx, seat, round);
        }
        ui.add_space(4.0);
        let copy = cx.tf("playground.copy_answer_of", &[("name", &name)]);
        let blank = answer.text.is_empty().then(|| cx.t("playground.nothing_to_copy"));
        if icon_button_off(ui, icons::COPY, copy, blank).clicked() {
            cx.copy(answer.text.clone());
        }
        let more = cx.tf("compare.more_of", &[("name", &name)]);
        let button = icon_button_off(ui, icons::DOTS_THREE, more, unfinished);
        if egui::Popup::is_id_open(ui.ctx(), egui::Popup::default_response_id(&button)) || button.clicked() {
            let read = Read {
                of: MessageId(answer.job.0),
                tokens: Arc::clone(&answer.tokens),
                prompt: answer.spec.prompt.clone(),
                precision: answer.spec.precision,
                by: Some((answer.spec.model.clone(), answer.spec.tuned)),
                name,
                max_new_tokens: answer.spec.sampling.max_new_tokens,
                at_ms: cx.now_ms,
            };
            self.read_menu(ui, cx, &button, &read);
        }
    }
}

fn markdown_ui(ui: &mut Ui, blocks: &[markdown::Block]) {
    // Links and code are read here, not followed: the answer can be kept first.
    markdown::show(ui, blocks);
}

fn waiting(ui: &mut Ui, cx: &PaneCx, words: String) {
    ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        widgets::bead(ui, cx.theme.tokens.warm);
        widgets::truncated(ui, Type::Prose.text(words, cx.theme.tokens.text_2));
    });
}

/// `31 tokens · 39.8 tokens/s · first after 0.21 s · perplexity 3.1`, as far as it is known.
fn stats(ui: &mut Ui, cx: &PaneCx, answer: &Answer) {
    if answer.tokens.is_empty() {
        return;
    }
    let mut parts = vec![cx.tf("playground.stat_tokens", &[("n", &grouped(answer.tokens.len() as u64))])];
    let speed = answer.per_sec(cx.now_ms);
    parts.extend(speed.map(|speed| cx.tf("playground.stat_speed", &[("n", &format!("{speed:.1}"))])));
    if let Some(stats) = &answer.stats {
        let first = format!("{:.2}", stats.first_token_secs);
        parts.push(cx.tf("playground.stat_first", &[("n", &first)]));
        let perplexity = format!("{:.1}", perplexity(&answer.tokens));
        parts.push(cx.tf("playground.stat_perplexity", &[("n", &perplexity)]));
    }
    ui.add(Label::new(Type::Hint.number(parts.join(" · "), cx.theme.tokens.text_3)).wrap());
    ui.add_space(8.0);
}

/// What a vote for a seat is called.
pub(super) fn vote_words(cx: &PaneCx, seat: usize) -> String {
    cx.tf("compare.vote_for", &[("letter", &letter(seat))])
}
