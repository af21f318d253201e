//! Where things stand: the rounds and their question above, columns beside each other, the composer below.

use super::super::Playground;
use super::round::{Decided, Round};
use super::{CompareState, LEAST, MOST};
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::widgets::{self, Button, icon_button, icon_button_off};
use egui::{Align, Frame, Layout, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::chat::ChatKind;

/// Columns are no narrower: rather, they scroll sideways.
const NARROWEST: f32 = 232.0;

impl Playground {
    pub(in super::super) fn compare_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        if cx.model.library.models().is_empty() {
            let open = Button::control(cx.t("playground.open_model"));
            let (title, sentence) = (cx.t("playground.no_model"), cx.t("playground.no_model_sentence"));
            if widgets::empty(ui, &title, &sentence, Some(open)) {
                self.opener.open();
            }
            return;
        }
        self.begin_compare(cx);
        self.show_what_cannot_be_voted(cx);
        self.compare_bar(ui, cx);
        self.strip_ui(ui, cx);
        widgets::divider(ui);
        let mut rounds = std::mem::take(&mut self.compare.rounds);
        let at = self.compare.at;
        let newest = at + 1 >= rounds.len();
        self.columns_ui(ui, cx, rounds.get_mut(at), newest);
        // What was asked for while drawing may have made another round.
        rounds.append(&mut self.compare.rounds);
        self.compare.rounds = rounds;
    }

    /// A blind round of which fewer than two answered hides nothing.
    fn show_what_cannot_be_voted(&mut self, cx: &PaneCx) {
        for round in self.compare.rounds.iter_mut().filter(|round| round.hides()) {
            let n = round.seats.iter().filter(|seat| seat.has_answered(cx)).count();
            if round.is_done(cx) && n < LEAST {
                round.decided = Some(Decided::Shown);
            }
        }
    }

    /// `‹ 2 / 3 ›`, what was asked; at the right what concerns all columns.
    fn strip_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx) {
        let (_, rect) = ui.allocate_space(vec2(ui.available_width(), size::HEADER));
        let inner = rect.shrink2(vec2(size::PADDING, 0.0));
        let place = egui::UiBuilder::new().max_rect(inner).layout(Layout::right_to_left(Align::Center));
        let mut ui = ui.new_child(place);
        let ui = &mut ui;
        ui.spacing_mut().item_spacing.x = 4.0;
        if self.compare.before.is_some()
            && icon_button(ui, icons::X, cx.t("playground.compare_close")).clicked()
        {
            self.back_to_document(cx);
        }
        let full = (self.compare.columns.len() >= MOST).then(|| cx.tf("compare.full", &[("n", &MOST)]));
        let hidden = self.compare.hides().then(|| cx.t("compare.vote_first"));
        if icon_button_off(ui, icons::PLUS, cx.t("compare.add"), full.or(hidden)).clicked() {
            self.add_column(cx);
        }
        self.score_button(ui, cx);
        let again = self.compare.round().is_some().then(|| self.why_not_ask(cx));
        if let Some(off) = again
            && icon_button_off(ui, icons::ARROWS_CLOCKWISE, cx.t("compare.again"), off).clicked()
        {
            self.ask_again(cx);
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            self.rounds_pill(ui, cx);
            match self.compare.round() {
                Some(round) => {
                    let words = super::super::message::one_line(&round.text, 400);
                    widgets::truncated(ui, Type::Prose.text(words, cx.theme.tokens.text_1))
                        .on_hover_text(&round.text);
                }
                None => {
                    widgets::truncated(ui, Type::Body.text(cx.t("compare.sentence"), cx.theme.tokens.text_2));
                }
            }
        });
    }

    fn rounds_pill(&mut self, ui: &mut Ui, cx: &PaneCx) {
        let (at, n) = (self.compare.at, self.compare.rounds.len());
        if n < 2 {
            return;
        }
        let t = cx.theme.tokens;
        let words =
            widgets::galley(ui, format!("{} / {n}", at + 1), Type::Hint.mono(Weight::Regular), t.text_1);
        let busy = self.compare.is_busy(cx).then(|| cx.t("playground.busy"));
        let pill =
            Frame::new().fill(t.control).stroke(Stroke::new(1.0, t.line)).corner_radius(size::RADIUS_TAG);
        let wanted = vec2(words.size().x + 2.0 * size::CONTROL_SMALL, size::CONTROL_SMALL);
        let (_, place) = ui.allocate_space(wanted);
        let place = egui::UiBuilder::new().max_rect(place).layout(Layout::left_to_right(Align::Center));
        pill.show(&mut ui.new_child(place), |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            let first = (at == 0).then(|| cx.t("compare.first_round"));
            let name = cx.t("compare.previous_round");
            if icon_button_off(ui, icons::CARET_LEFT, name, busy.clone().or(first)).clicked() {
                self.step_round(-1);
            }
            let (rect, response) = ui.allocate_exact_size(words.size(), Sense::hover());
            let name = cx.tf("compare.round", &[("k", &(at + 1)), ("n", &n)]);
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
            ui.painter().galley(rect.min, words, t.text_1);
            let end = (at + 1 == n).then(|| cx.t("compare.last_round"));
            if icon_button_off(ui, icons::CARET_RIGHT, cx.t("compare.next_round"), busy.or(end)).clicked() {
                self.step_round(1);
            }
        });
    }

    /// The seats of the round in sight, then columns that had none in it.
    fn columns_ui(&mut self, ui: &mut Ui, cx: &mut PaneCx, round: Option<&mut Round>, newest: bool) {
        let none = round.is_none();
        let places = places(&self.compare, round.as_deref(), newest);
        let whole = ui.available_rect_before_wrap();
        let width = (whole.width() / places.len().max(1) as f32).max(NARROWEST);
        let area = ScrollArea::horizontal().id_salt("columns").auto_shrink(false);
        let mut round = round;
        let mut gone = None;
        area.show(ui, |ui| {
            let total = vec2(width * places.len() as f32, whole.height());
            let (_, rect) = ui.allocate_space(total);
            let t = cx.theme.tokens;
            for (i, place) in places.iter().enumerate() {
                let left = rect.left() + width * i as f32;
                let at = Rect::from_min_max(pos2(left, rect.top()), pos2(left + width, rect.bottom()));
                if i > 0 {
                    ui.painter().vline(left, rect.y_range(), Stroke::new(1.0, t.line_soft));
                }
                if self.column_ui(ui, cx, at, i, *place, round.as_deref_mut()) {
                    gone = Some(*place);
                }
            }
        });
        if let Some(place) = gone {
            self.remove_column(place, round);
        }
        if none {
            self.examples_ui(ui, cx, whole);
        }
    }

    /// Nothing was asked yet: what shows the first column's model well.
    fn examples_ui(&mut self, ui: &mut Ui, cx: &PaneCx, whole: Rect) {
        let model = self.compare.columns.first().and_then(|column| column.model);
        let Some(model) = model.and_then(|id| cx.model.library.get(id)).cloned() else { return };
        let width = 420.0_f32.min(whole.width() - 32.0);
        let at = Rect::from_center_size(whole.center(), vec2(width, 180.0));
        let mut child = ui.new_child(egui::UiBuilder::new().id_salt("examples").max_rect(at));
        let ui = &mut child;
        widgets::card(ui, |ui| {
            ui.set_width(width - 34.0);
            ui.spacing_mut().item_spacing.y = 8.0;
            widgets::semibold(ui, cx.t("compare.empty"));
            ui.label(Type::Body.text(cx.t("compare.empty_sentence"), cx.theme.tokens.text_2));
            for example in model.card.examples.iter().take(3) {
                let words = super::super::message::one_line(example, 44);
                let button = Button::control(words).icon(icons::SPARKLE).name(example.clone());
                if button.show(ui).clicked() {
                    self.compare.draft.clone_from(example);
                    if !model.card.is_chat() {
                        self.compare.kind = ChatKind::Completion;
                    }
                    self.composer.want_focus = true;
                }
            }
        });
    }

    fn back_to_document(&mut self, cx: &mut PaneCx) {
        self.stop_compare(cx);
        self.leave_compare();
    }
}

/// What stands in a column: a column as it is set now, a seat of the round in sight, or both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub column: Option<usize>,
    pub seat: Option<usize>,
}

fn places(state: &CompareState, round: Option<&Round>, newest: bool) -> Vec<Place> {
    let index = |id: u64| state.columns.iter().position(|column| column.id == id);
    let Some(round) = round else {
        return (0..state.columns.len()).map(|i| Place { column: Some(i), seat: None }).collect();
    };
    let blind = round.blind;
    let seats = round.seats.iter().enumerate();
    let mut all: Vec<Place> = seats
        // In a blind round a seat stands where it was drawn, not where its column is.
        .map(|(i, seat)| Place { column: index(seat.column).filter(|_| !blind), seat: Some(i) })
        .collect();
    let asked = |i: &usize| round.seats.iter().any(|seat| seat.column == state.columns[*i].id);
    if newest && !round.hides() {
        let rest = (0..state.columns.len()).filter(|i| !asked(i));
        all.extend(rest.map(|i| Place { column: Some(i), seat: None }));
    }
    all
}
