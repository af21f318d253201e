//! The strip below the grid: choices, legend, tokens, bar and numbers.

use super::bar::bar;
use super::{Given, Seen, Task, warnings};
use crate::model::PickFor;
use crate::panes::PaneCx;
use crate::theme::{Type, icons, size};
use crate::units;
use crate::widgets::{self, Button, NumberField, Select, Tone, icon_button};
use egui::{Align, Frame, Layout, Margin, Rect, Sense, Ui, vec2};
use glassworks_protocol::datasets::Filter;
use glassworks_protocol::datasets::measure::SeenRow;
use std::sync::Arc;

/// The strip while it is folded, and how high it can be.
pub const FOLDED: f32 = 40.0;
const LEAST: f32 = 176.0;
/// Lines of tokens are at least so high together.
const LEAST_TOKENS: f32 = 52.0;
/// So long another row's tokens stay.
const PATIENCE_MS: i64 = 400;

impl Seen {
    /// How high the strip is to be.
    #[must_use]
    pub fn height(&self, room: f32) -> f32 {
        if self.choices.folded { FOLDED } else { self.choices.height.min(room * 0.7).max(FOLDED) }
    }

    /// The border above the strip was moved; `None`: to where it usually is.
    pub fn set_height(&mut self, height: Option<f32>, room: f32) {
        let most = (room * 0.7).max(LEAST);
        self.choices.height = height.unwrap_or(super::USUAL_HEIGHT).clamp(LEAST, most);
    }

    #[must_use]
    pub fn is_folded(&self) -> bool {
        self.choices.folded
    }

    /// Draws the strip into all of the room there is; the rows to be shown, where some were asked for.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, given: &Given) -> Option<Filter> {
        self.ask(ui, cx, given);
        let mut filter = None;
        Frame::new().inner_margin(Margin { left: 16, right: 16, top: 6, bottom: 6 }).show(ui, |ui| {
            ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
            ui.set_width(ui.available_width());
            self.head(ui, cx, given);
            if !self.choices.folded {
                filter = self.body(ui, cx, given);
            }
        });
        filter
    }

    fn head(&mut self, ui: &mut Ui, cx: &PaneCx, given: &Given) {
        let width = ui.available_width();
        ui.allocate_ui_with_layout(vec2(width, size::CONTROL), Layout::right_to_left(Align::Center), |ui| {
            ui.set_min_width(width);
            let (icon, key) = match self.choices.folded {
                true => (icons::CARET_UP, "datasets.seen_unfold"),
                false => (icons::CARET_DOWN, "datasets.seen_fold"),
            };
            if icon_button(ui, icon, cx.t(key)).clicked() {
                self.choices.folded ^= true;
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                widgets::semibold(ui, cx.t("datasets.seen_title"));
                if !self.choices.folded {
                    self.choose(ui, cx, given);
                }
            });
        });
    }

    /// Model, task and limit.
    fn choose(&mut self, ui: &mut Ui, cx: &PaneCx, given: &Given) {
        let Some(reader) = self.reader(cx) else { return };
        let room = ui.available_width();
        let wide = room > 520.0;
        let name = cx.t("datasets.seen_model");
        let width = (room - if wide { 330.0 } else { 210.0 }).clamp(90.0, 220.0);
        let words = reader.name();
        let button = Button::control(words).small().caret().width(width).name(format!("{name}: {words}"));
        let chosen = cx.choose(&button.show(ui), PickFor::Rows, Some(reader.pick()), |_| false);
        self.choices.by = chosen.or(self.choices.by);
        let mut task = self.task(given.record);
        let options = [
            (Task::Chat, cx.t("datasets.seen_task_chat")),
            (Task::Text, cx.t("datasets.seen_task_text")),
            (Task::Label, cx.t("datasets.seen_task_label")),
        ];
        let name = cx.t("datasets.seen_task");
        if Select::new(&name).small().width(104.0).show(ui, &mut task, &options).changed() {
            self.choices.task = Some((given.record.id, task));
        }
        if wide {
            widgets::hint(ui, cx.t("datasets.seen_limit"));
        }
        let mut limit = self.choices.limit.map(f64::from);
        let found = given.document.and_then(|document| self.row(cx, given.record, document));
        let auto = found.filter(|_| limit.is_none()).map(|seen| units::grouped(seen.max_length.into()));
        let name = cx.t("datasets.seen_limit");
        let field = NumberField::new(&name, 4.0..=1_048_576.0).decimals(0, 64.0).width(76.0);
        let field = field.or_off(auto.unwrap_or_else(|| cx.t("datasets.seen_limit_auto")));
        let response = field.show_opt(ui, &mut limit);
        if response.changed() {
            self.choices.limit = limit.map(|limit| limit as u32);
        }
        response.on_hover_text(cx.t("datasets.seen_limit_tip"));
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut PaneCx, given: &Given) -> Option<Filter> {
        if self.reader(cx).is_none() {
            widgets::hint(ui, cx.t("datasets.seen_no_model"));
            return None;
        }
        let seen = given.document.and_then(|document| self.row(cx, given.record, document)).cloned();
        match (&seen, &self.failure) {
            (_, Some(failure)) => {
                let failure = failure.clone();
                let again = Button::control(cx.t("datasets.ask_again")).small();
                if widgets::failed_line(ui, &failure, Some(again)) {
                    self.again();
                }
            }
            (Some(seen), None) => self.tokens_ui(ui, cx, given, seen),
            (None, None) => self.waiting_ui(ui, cx, given),
        }
        widgets::divider(ui);
        let top = ui.cursor().top();
        let filter = self.totals(ui, cx, given.record);
        self.totals_height = ui.min_rect().bottom() - top;
        filter
    }

    /// While a row is looked at: the one before it stays, weaker, so that nothing flickers.
    fn waiting_ui(&mut self, ui: &mut Ui, cx: &PaneCx, given: &Given) {
        let key = if given.row.is_some() { "datasets.seen_reading" } else { "datasets.no_row" };
        widgets::hint(ui, cx.t(key));
        let old = self.answer.as_ref().map(|(_, old)| Arc::clone(old));
        if let Some(old) = old.filter(|_| given.row.is_some() && cx.now_ms - self.asked_ms < PATIENCE_MS) {
            ui.scope(|ui| {
                ui.disable();
                ui.multiply_opacity(0.5);
                self.chips_ui(ui, cx, &old);
            });
        }
    }

    fn tokens_ui(&mut self, ui: &mut Ui, cx: &PaneCx, given: &Given, seen: &Arc<SeenRow>) {
        self.line(ui, cx, given, seen);
        self.chips_ui(ui, cx, seen);
    }

    fn chips_ui(&mut self, ui: &mut Ui, cx: &PaneCx, seen: &Arc<SeenRow>) {
        // Below the tokens: the bar, a line, and the numbers of all rows as high as they were.
        let below = 26.0 + 1.0 + 4.0 * 6.0 + self.totals_height.clamp(24.0, 90.0);
        let height = (ui.available_height() - below).max(LEAST_TOKENS);
        self.chips.ui(ui, cx, seen, height);
        if let Some(to) = bar(ui, cx, seen) {
            self.chips.go_to(to);
        }
    }

    /// Warnings, the row's numbers or the token that is looked at, and the legend at the right.
    fn line(&self, ui: &mut Ui, cx: &PaneCx, given: &Given, seen: &SeenRow) {
        let width = ui.available_width();
        ui.allocate_ui_with_layout(vec2(width, 20.0), Layout::right_to_left(Align::Center), |ui| {
            ui.set_min_width(width);
            ui.spacing_mut().item_spacing.x = 6.0;
            legend(ui, cx, seen);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                for warning in warnings(cx, seen) {
                    let (tone, icon) = match warning.severe {
                        true => (Tone::Danger, icons::WARNING_CIRCLE),
                        false => (Tone::Warn, icons::WARNING),
                    };
                    widgets::badge(ui, tone, icon, warning.title).on_hover_text(warning.text);
                }
                let words = match self.chips.marked(seen) {
                    Some((at, token)) => super::chips::token_words(cx, at, token, seen),
                    None => numbers(cx, given, seen),
                };
                widgets::truncated(ui, Type::Hint.text(words, cx.theme.tokens.text_2));
            });
        });
    }
}

/// `row 2,940 after the template: 1,437 tokens, 1,000 learned`
fn numbers(cx: &PaneCx, given: &Given, seen: &SeenRow) -> String {
    let row = units::grouped(u64::from(seen.row.0) + 1);
    let n = units::grouped(seen.tokens.len() as u64);
    let learned = units::grouped(seen.n_kept_targets.into());
    let args = [("row", &row as &dyn std::fmt::Display), ("n", &n), ("learned", &learned)];
    // Of a row that is sorted nothing in it is learned, but what it is sorted as.
    let sorted = seen.n_targets == 1 && seen.tokens.iter().all(|token| !token.learned);
    let key = if sorted { "datasets.seen_numbers_label" } else { "datasets.seen_numbers" };
    let mut words = cx.tf(key, &args);
    let pieces = (seen.tokens.len() as u64).div_ceil(u64::from(seen.max_length.max(1)));
    if seen.in_pieces && pieces > 1 {
        words.push_str(&cx.tf("datasets.seen_pieces", &[("n", &units::grouped(pieces))]));
    }
    if given.unsaved.is_some() {
        words.push_str(&cx.t("datasets.seen_as_written"));
    }
    words
}

/// What the grounds mean; drawn from the right.
fn legend(ui: &mut Ui, cx: &PaneCx, seen: &SeenRow) {
    let t = cx.theme.tokens;
    let is_cut = !seen.in_pieces && (seen.n_kept as usize) < seen.tokens.len();
    let has_room = seen.tokens.len() < seen.max_length as usize;
    let entry = |ui: &mut Ui, key: &str, tip: &str, paint: &dyn Fn(&Ui, Rect)| {
        let response = widgets::hint(ui, cx.t(key));
        let (rect, _) = ui.allocate_exact_size(vec2(14.0, 12.0), Sense::hover());
        paint(ui, rect);
        response.on_hover_text(cx.t(tip));
        ui.add_space(4.0);
    };
    if has_room {
        entry(ui, "datasets.seen_padding", "datasets.seen_padding_tip", &|ui, rect| {
            super::bar::padding(ui, rect, t.line_strong);
        });
    }
    if is_cut {
        entry(ui, "datasets.seen_cut_away", "datasets.seen_cut_away_tip", &|ui, rect| {
            super::bar::hatch(ui, rect, t.text_3);
        });
    }
    entry(ui, "datasets.seen_learned", "datasets.seen_learned_tip", &|ui, rect| {
        ui.painter().rect_filled(rect, f32::from(size::RADIUS_CHIP), t.chip[3]);
    });
    entry(ui, "datasets.seen_read", "datasets.seen_read_tip", &|ui, rect| {
        ui.painter().rect_filled(rect, f32::from(size::RADIUS_CHIP), t.pressed);
    });
}
