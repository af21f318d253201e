//! Beside the table: all of the row that the keyboard is at, and what can be said of it.

use super::choices::label_color;
use super::mend::{choices, say};
use super::table::said;
use super::{Predict, results::Results};
use crate::model::Looked;
use crate::panes::PaneCx;
use crate::theme::{Type, Weight, icons, size};
use crate::units;
use crate::widgets::{self, Button, Field, Tone, tiles};
use egui::{Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use glassworks_protocol::Edit;
use glassworks_protocol::predict::{PredictedRow, PredictionRecord, RowInFull};

impl Predict {
    pub(super) fn side_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        record: &PredictionRecord,
        looked: &Looked,
    ) {
        let row = looked.row(self.results.at);
        let title = row.map_or_else(
            || cx.t("predict.row_in_full"),
            |row| cx.tf("predict.row_n", &[("row", &units::grouped(row.row + 1))]),
        );
        tiles::header(
            ui,
            |_| {},
            |ui| {
                widgets::title(ui, title);
            },
        );
        let Some(row) = row else { return };
        tiles::scroll(ui, "row", 0.0, |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            answers(ui, cx, record, row, looked);
            if !looked.whole().sorts {
                self.results.written(ui, cx, record, row, looked);
            }
            if row.mend.is_some() {
                let clear = Button::quiet(cx.t("predict.clear")).icon(icons::X).small();
                if clear.show(ui).clicked() {
                    cx.edit(Edit::Mend { prediction: record.id, row: row.row, mend: None });
                }
            }
            if let (Some(column), Some(truth)) = (&looked.whole().truth, &row.truth) {
                ui.horizontal(|ui| {
                    widgets::label(ui, cx.tf("predict.own_label", &[("column", column)]));
                    let right = row.answer.as_ref() == Some(truth);
                    let (tone, icon) =
                        if right { (Tone::Ok, icons::CHECK) } else { (Tone::Danger, icons::X) };
                    widgets::badge(ui, tone, icon, truth.as_str());
                });
            }
            widgets::divider(ui);
            match looked.full(row.row) {
                Some(full) => in_full(ui, cx, record, full),
                None => {
                    widgets::hint(ui, cx.t("predict.reading_row"));
                }
            }
        });
    }
}

/// The answers that can be given: a press gives one.
fn answers(ui: &mut Ui, cx: &mut PaneCx, record: &PredictionRecord, row: &PredictedRow, looked: &Looked) {
    let whole = looked.whole();
    let offered = if whole.sorts { &whole.answers[..] } else { choices(whole) };
    if offered.is_empty() {
        return;
    }
    widgets::semibold(ui, cx.t("predict.what_is_right"));
    let full = looked.full(row.row);
    let mut given = None;
    for (at, (answer, _)) in offered.iter().enumerate() {
        let probability = full.and_then(|full| {
            full.probabilities.iter().find(|(label, _)| label == answer).map(|(_, probability)| *probability)
        });
        if answer_row(ui, cx, at, answer, probability, said(row) == Some(answer.as_str())) {
            given = Some(answer.clone());
        }
    }
    if let Some(answer) = given {
        say(cx, record, row, answer);
    }
}

/// Key, colour, label, probability as a bar and a number.
fn answer_row(
    ui: &mut Ui,
    cx: &PaneCx,
    at: usize,
    answer: &str,
    probability: Option<f32>,
    selected: bool,
) -> bool {
    let t = cx.theme.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, selected, answer));
    let fill = match (selected, response.hovered()) {
        (true, _) => t.selected,
        (_, true) => t.hover,
        _ => egui::Color32::TRANSPARENT,
    };
    ui.painter().rect_filled(rect, f32::from(size::RADIUS_CONTROL), fill);
    let y = rect.center().y;
    if at < 9 {
        let key = widgets::galley(ui, (at + 1).to_string(), Type::Caption.mono(Weight::Regular), t.text_3);
        ui.painter().galley(pos2(rect.left() + 8.0, y - key.size().y / 2.0), key, t.text_3);
    }
    ui.painter().circle_filled(pos2(rect.left() + 28.0, y), 4.0, label_color(cx, at));
    let mut right = rect.right() - 8.0;
    if let Some(probability) = probability {
        let words = format!("{probability:.3}");
        let number = widgets::galley(ui, words, Type::Hint.mono(Weight::Regular), t.text_2);
        right -= number.size().x;
        ui.painter().galley(pos2(right, y - number.size().y / 2.0), number, t.text_2);
        let bar = Rect::from_min_size(pos2(right - 8.0 - 64.0, y - 3.0), vec2(64.0, 6.0));
        ui.painter().rect_filled(bar, 2.0, t.hatch);
        let part = Rect::from_min_size(bar.min, vec2(64.0 * probability.clamp(0.0, 1.0), 6.0));
        ui.painter().rect_filled(part, 2.0, label_color(cx, at));
        right = bar.left() - 8.0;
    }
    let mut job = egui::text::LayoutJob::simple_singleline(
        answer.to_owned(),
        Type::Body.font(if selected { Weight::Medium } else { Weight::Regular }),
        t.text_1,
    );
    let left = rect.left() + 42.0;
    job.wrap = egui::text::TextWrapping::truncate_at_width((right - left).max(24.0));
    let words = ui.painter().layout_job(job);
    ui.painter().galley(pos2(left, y - words.size().y / 2.0), words, t.text_1);
    widgets::focus_ring(ui, &response, rect.shrink(2.0));
    response.clicked()
}

impl Results {
    /// The answer of a model that writes, to be written anew.
    fn written(
        &mut self,
        ui: &mut Ui,
        cx: &mut PaneCx,
        record: &PredictionRecord,
        row: &PredictedRow,
        looked: &Looked,
    ) {
        let stands = row.mend.as_ref().map(|mend| mend.answer.clone());
        let wrote = || looked.full(row.row).and_then(|full| full.answer.clone()).or(row.answer.clone());
        let stands = stands.or_else(wrote).unwrap_or_default();
        let mut text =
            self.typed.take().filter(|(of, _)| *of == row.row).map_or(stands.clone(), |(_, text)| text);
        let name = cx.t("predict.own_answer");
        widgets::semibold(ui, &name);
        Field::new(&name).rows(4).width(ui.available_width()).show(ui, &mut text);
        let words = text.trim().to_owned();
        let why = match () {
            () if words.is_empty() => Some(cx.t("predict.own_answer_blank")),
            () if words == stands && row.mend.is_some() => Some(cx.t("predict.own_answer_same")),
            () => None,
        };
        let key = if Some(&words) == row.answer.as_ref() { "predict.confirm" } else { "predict.keep_answer" };
        if Button::control(cx.t(key)).icon(icons::CHECK).off(why).show(ui).clicked() {
            say(cx, record, row, words);
            self.typed = None;
            return;
        }
        if text != stands {
            self.typed = Some((row.row, text));
        }
    }
}

/// The whole text and the row's other columns.
fn in_full(ui: &mut Ui, cx: &PaneCx, record: &PredictionRecord, full: &RowInFull) {
    let t = cx.theme.tokens;
    widgets::semibold(ui, record.spec.column.as_str());
    widgets::selectable(ui, Type::Body.text(full.text.as_str(), t.text_1));
    for (column, value) in &full.others {
        ui.add_space(2.0);
        widgets::hint(ui, column.as_str());
        widgets::selectable(ui, Type::Body.text(value.as_str(), t.text_2));
    }
}
