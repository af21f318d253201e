//! One of several answers side by side: who writes it, the text as it comes, how it went, and the way to keep it.

use super::markdown::{self, Block};
use super::message::stripe;
use crate::model::Answer;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units::grouped;
use crate::widgets::{self, Button, icon_button_off};
use egui::{Align, Layout, Margin, Rect, ScrollArea, Ui, UiBuilder, pos2, vec2};
use std::rc::Rc;

const FOOT: f32 = 40.0;

/// What stands above an answer.
#[derive(Clone, Debug)]
pub struct Head {
    pub name: String,
    /// Weaker: which weights, how strong.
    pub detail: String,
    pub color: egui::Color32,
}

/// What was asked of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Copy,
    Keep,
}

/// The parsed text of an answer; parsed again when it has grown.
#[derive(Default)]
pub struct Page {
    parsed: Option<(usize, Rc<Vec<Block>>)>,
}

impl Page {
    fn of(&mut self, text: &str) -> Rc<Vec<Block>> {
        match &self.parsed {
            Some((len, blocks)) if *len == text.len() => Rc::clone(blocks),
            _ => {
                let blocks = Rc::new(markdown::parse(text));
                self.parsed = Some((text.len(), Rc::clone(&blocks)));
                blocks
            }
        }
    }
}

/// Draws the column into `rect`; `answer` is `None` once it has been forgotten, and `kept` says that it is in the
/// conversation.
pub fn answer_column(
    ui: &mut Ui,
    cx: &PaneCx,
    rect: Rect,
    head: &Head,
    answer: Option<&Answer>,
    page: &mut Page,
    kept: bool,
) -> Option<Asked> {
    let inner = rect.shrink2(vec2(size::PADDING, 0.0));
    let layout = Layout::top_down(Align::Min);
    let mut ui = ui.new_child(UiBuilder::new().id_salt(&head.name).max_rect(inner).layout(layout));
    ui.set_clip_rect(ui.clip_rect().intersect(rect));
    ui.add_space(12.0);
    ui.horizontal(|ui| {
        widgets::bead(ui, head.color);
        widgets::semibold(ui, &head.name);
        widgets::truncated(ui, Type::Hint.text(&head.detail, cx.theme.tokens.text_3));
    });
    ui.add_space(8.0);
    let Some(answer) = answer else {
        widgets::hint(&mut ui, cx.t("playground.answer_forgotten"));
        return None;
    };
    let height = (inner.bottom() - ui.cursor().top() - FOOT).max(40.0);
    let area = ScrollArea::vertical().id_salt("answer").max_height(height).auto_shrink(false);
    area.stick_to_bottom(!answer.ended).show(&mut ui, |ui| {
        ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
        body(ui, cx, answer, page);
    });
    let foot = Rect::from_min_max(pos2(inner.left(), inner.bottom() - FOOT), inner.max);
    let layout = Layout::left_to_right(Align::Center);
    let mut ui = ui.new_child(UiBuilder::new().id_salt("foot").max_rect(foot).layout(layout));
    foot_ui(&mut ui, cx, &head.name, answer, kept)
}

fn body(ui: &mut Ui, cx: &PaneCx, answer: &Answer, page: &mut Page) {
    let t = cx.theme.tokens;
    if let Some(failure) = &answer.failure {
        widgets::failed_line(ui, failure, None);
        return;
    }
    if answer.text.is_empty() {
        let job = cx.model.jobs.get(answer.job);
        let stage = job.and_then(|job| job.progress.as_ref()).map(|progress| cx.render(&progress.stage));
        let words = match answer.ended {
            true => cx.t("playground.said_nothing"),
            false => stage.unwrap_or_else(|| cx.t("playground.waiting")),
        };
        ui.label(Type::Prose.text(words, t.text_3));
        return;
    }
    // Links and code are read here, not followed: the answer can be kept first.
    markdown::show(ui, &page.of(&answer.text));
    ui.add_space(8.0);
    stripe(ui, cx, &answer.tokens);
}

fn foot_ui(ui: &mut Ui, cx: &PaneCx, name: &str, answer: &Answer, kept: bool) -> Option<Asked> {
    let mut asked = None;
    let unfinished = (!answer.ended || answer.text.is_empty()).then(|| cx.t("playground.answer_unfinished"));
    let off = unfinished.clone().or_else(|| kept.then(|| cx.t("playground.answer_kept")));
    let words = if kept { "playground.answer_is_kept" } else { "playground.keep_answer" };
    let keep = Button::control(cx.t(words)).icon(icons::CHECK).small().off(off);
    let label = cx.tf("playground.keep_answer_of", &[("name", &name)]);
    if keep.name(label).show(ui).clicked() {
        asked = Some(Asked::Keep);
    }
    let copy = cx.tf("playground.copy_answer_of", &[("name", &name)]);
    let blank = answer.text.is_empty().then(|| cx.t("playground.nothing_to_copy"));
    if icon_button_off(ui, icons::COPY, copy, blank).clicked() {
        asked = Some(Asked::Copy);
    }
    let mut parts = vec![cx.tf("playground.stat_tokens", &[("n", &grouped(answer.tokens.len() as u64))])];
    parts.extend(
        answer
            .per_sec(cx.now_ms)
            .map(|speed| cx.tf("playground.stat_speed", &[("n", &format!("{speed:.1}"))])),
    );
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let ink = cx.theme.tokens.text_3;
        let width = |words: &str| widgets::galley(ui, words, Type::Hint.mono(Weight::Regular), ink).size().x;
        while parts.len() > 1 && width(&parts.join(" · ")) > ui.available_width() {
            parts.pop();
        }
        ui.label(Type::Hint.number(parts.join(" · "), ink));
    });
    asked
}

/// The rectangles of `n` columns beside each other, a line between two.
pub fn columns(ui: &Ui, rect: Rect, n: usize) -> Vec<Rect> {
    let t = crate::theme::of(ui).tokens;
    let width = rect.width() / n as f32;
    for i in 1..n {
        let x = rect.left() + width * i as f32;
        ui.painter().vline(x, rect.y_range(), egui::Stroke::new(1.0, t.line_soft));
    }
    let column = |i: usize| {
        let left = rect.left() + width * i as f32;
        Rect::from_min_max(pos2(left, rect.top()), pos2(left + width, rect.bottom()))
    };
    (0..n).map(column).collect()
}

/// What was asked, above the columns.
pub fn question_card(ui: &mut Ui, cx: &PaneCx, text: &str) {
    let t = cx.theme.tokens;
    egui::Frame::new().inner_margin(Margin::symmetric(16, 10)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        widgets::truncated(ui, Type::Prose.text(super::message::one_line(text, 400), t.text_1));
    });
}
